// SPDX-License-Identifier: MPL-2.0
// The mail transactions of one SMTP session (RFC 5321, 3.3), with PIPELINING (RFC 2920) where offered: which
// bytes to send next, and which reply belongs to which message. Bytes in, bytes out; sockets and time are the
// shell's.
//
// One message is one transaction with one recipient. With PIPELINING a message costs one round trip, since
// the end of a message and the next one's envelope go out together:
//
//    we say       MAIL RCPT DATA            body . MAIL RCPT DATA              body . QUIT
//    server says                 250 250 354                      250 250 250 354            250 221
//
// DATA ends a group: its reply decides whether a body may follow. Where the recipient was refused and DATA
// taken all the same, an empty body is sent. After a refusal RSET opens the next group.
//
// A reply is taken only for a command that has been sent whole, in order. Anything else - a reply too many,
// one out of range, garbage, 421 - ends the session, so that no reply can be taken for another message's.
#ifndef FRISTD_CORE_SMTP_DIALOGUE_H
#define FRISTD_CORE_SMTP_DIALOGUE_H

#include "core/mail_outcome.h"
#include "core/smtp_reply.h"

#include <stdint.h>

enum smtp_transaction_state {
    SMTP_TRANSACTION_GIVEN,    // nothing said yet
    SMTP_TRANSACTION_ENVELOPE, // MAIL said
    SMTP_TRANSACTION_BODY,     // 354 came, body not sent whole
    SMTP_TRANSACTION_DOT       // the end of the message may have reached the server
};

struct smtp_transaction {
    // The caller fills:
    void *data;
    const char *from, *to; // without brackets
    const char *bytes;     // ready for DATA: CR LF line ends, dots stuffed, no final "."
    size_t length;
    void (*on_done)(struct smtp_transaction *transaction, const struct mail_outcome *outcome); // exactly once
    // ---- kept by the module ----
    enum smtp_transaction_state state;
    enum smtp_command said; // the last command of the envelope
    size_t body_sent;
    bool decided; // its outcome is known, the rest of its replies is only awaited
    struct mail_outcome outcome;
};

#define SMTP_PIECE 16384 // bytes offered for sending at a time; one TLS record

struct smtp_expected {
    enum smtp_command command;
    struct smtp_transaction *transaction; // NULL: RSET, QUIT
    uint64_t end;                         // where the command ends in the stream of bytes sent
};

// Kept by the module; the caller has the memory.
struct smtp_dialogue {
    struct smtp_features features;
    struct smtp_transaction *transactions[2]; // oldest first
    int transaction_count;
    struct smtp_expected expected[6]; // RSET MAIL RCPT DATA behind a dot, QUIT
    int expected_count;
    uint64_t written, sent; // positions in the stream of bytes
    char piece[SMTP_PIECE];
    size_t piece_length, piece_sent;
    bool reset_first; // the server may still hold the envelope of a message that was refused
    bool quitting, quit_said, over;
    struct smtp_reply_reader reader;
};

void smtp_dialogue_init(struct smtp_dialogue *dialogue, const struct smtp_features *features);

// How many more messages are useful now: with PIPELINING one is prepared while another is under way.
int smtp_dialogue_room(const struct smtp_dialogue *dialogue);
// There must be room. An address that could break out of its command, and a message beyond the size that the
// server has stated, are refused when their turn comes.
void smtp_dialogue_give(struct smtp_dialogue *dialogue, struct smtp_transaction *transaction);
void smtp_dialogue_quit(struct smtp_dialogue *dialogue); // after what was given; there is no room any more

// What to send now; 0: nothing before a reply. The same bytes until they are reported sent. May end messages
// that are refused here.
size_t smtp_dialogue_output(struct smtp_dialogue *dialogue, const char **ret_bytes);
void smtp_dialogue_sent(struct smtp_dialogue *dialogue, size_t count);

// Bytes from the server; calls on_done of what they end, which may give another. Returns how many replies
// were read, or -1 with *ret_why: the session is not to be used any more, then smtp_dialogue_end is due.
int smtp_dialogue_receive(struct smtp_dialogue *dialogue, const char *bytes, size_t length,
                          struct mail_outcome *ret_why);

// The session is gone: ends what is left, with `why` where the message was not sent whole and otherwise with
// MAIL_TRY_AGAIN saying that it is not known.
void smtp_dialogue_end(struct smtp_dialogue *dialogue, const struct mail_outcome *why);

// What is awaited from the server.
enum smtp_awaited {
    SMTP_AWAITS_NOTHING,
    SMTP_AWAITS_REPLY,
    SMTP_AWAITS_DOT_REPLY, // may take longer (RFC 5321, 4.5.3.2.6)
    SMTP_AWAITS_GOODBYE
};
enum smtp_awaited smtp_dialogue_awaits(const struct smtp_dialogue *dialogue);
bool smtp_dialogue_is_idle(const struct smtp_dialogue *dialogue); // has no message
bool smtp_dialogue_is_over(const struct smtp_dialogue *dialogue); // QUIT was answered

#endif
