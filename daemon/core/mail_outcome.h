// SPDX-License-Identifier: MPL-2.0
// How the attempt to hand a message to a mail server has ended, and what a server's reply means for the
// message and for those behind it.
#ifndef FRISTD_CORE_MAIL_OUTCOME_H
#define FRISTD_CORE_MAIL_OUTCOME_H

#include "core/smtp_reply.h"

#include <stdbool.h>

enum mail_result {
    MAIL_SENT,      // the server's 250 after the dot
    MAIL_TRY_AGAIN, // 4xx, connection or TLS trouble, or lost after the dot (then it is not known: the same
                    // Message-ID goes out again)
    MAIL_REFUSED,   // 5xx to this message or recipient
    MAIL_STOPPED    // mail_close before it was handed over
};

struct mail_outcome {
    enum mail_result result;
    int reply_code;    // 0: none
    char enhanced[12]; // "5.1.1" or ""
    char reason[160];  // one line for the operator, printable ASCII; redacted (mail_redact)
    bool server_fault; // the whole server, not this message (cannot connect, 421, AUTH refused): hold back
                       // others too
};

// What was said when the reply came.
enum smtp_command { // MAIL, RCPT, DATA in the order in which they are said
    SMTP_OPENING,   // greeting, EHLO, STARTTLS, AUTH
    SMTP_RSET,
    SMTP_MAIL,
    SMTP_RCPT,
    SMTP_DATA,
    SMTP_DOT, // the end of the message
    SMTP_QUIT
};

// A reply that does not let the message go on (4xx, 5xx). `to` is its recipient: words of the reply that hold
// its part before the '@' are masked too; NULL: not known.
//
//  - 5xx to RCPT, DATA or the dot is a verdict on this message: MAIL_REFUSED.
//  - 5xx before that is about us or our sender address, the same for every message: the server is at fault,
//    and nothing is given up for a wrong setting that somebody will mend.
//  - So are the replies that tell us to authenticate or encrypt, whenever they come, and 421.
//  - 4xx is MAIL_TRY_AGAIN; throttles and a server short of space hold back the others too, a full mailbox
//    and greylisting do not.
void mail_outcome_from_reply(enum smtp_command said, const struct smtp_reply *reply, const char *to,
                             struct mail_outcome *ret_outcome);

// Whether a refusal is about the recipient's address or mailbox, not about what the message holds.
bool mail_outcome_blames_address(const struct mail_outcome *outcome);

// Trouble without a reply: MAIL_TRY_AGAIN and server_fault.
void mail_outcome_from_trouble(struct mail_outcome *ret_outcome, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// Appends text from outside to `into` (which has `size` bytes and is zero-terminated): printable ASCII, runs
// of blanks as one, and "***" for what may name a person: words that hold '@', anything between '<' and '>',
// words that hold `secret` (NULL: none), numbers of ten digits.
void mail_redact(char *into, size_t size, const char *text, const char *secret);

#endif
