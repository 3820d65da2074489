// SPDX-License-Identifier: MPL-2.0
// The mail channel: a few SMTP sessions, reused, within the configured rate; each message is one transaction
// with one recipient and ends in exactly one outcome. What to do about an outcome is decided elsewhere
// (core/retry.h).
#ifndef FRISTD_SHELL_MAIL_H
#define FRISTD_SHELL_MAIL_H

#include "core/civil.h"
#include "core/memory.h"
#include "shell/smtp.h"

struct mail_options {
    struct smtp_options server;
    int connections;             // default 3
    int messages_per_connection; // default 100
    int messages_per_minute;     // default 30; 0: no limit
    int idle_timeout_ms;         // default 10000: an unused session says QUIT
};

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
    char
        reason[160]; // one line for the operator; words holding '@' or between <> are masked; printable ASCII
    bool server_fault; // the whole server, not this message (cannot connect, 421, AUTH refused): hold back
                       // others too
};

struct mail_message {
    // The caller fills:
    void *data;
    const char *from, *to; // sound addresses (message_address_is_sound)
    const char *bytes;     // as message_build makes them; must live until on_done
    size_t length;
    void (*on_done)(struct mail_message *message,
                    const struct mail_outcome *outcome); // exactly once, never from inside mail_send
    // ---- kept by the module ----
    struct mail_message *next;
};

struct mail;
struct mail *mail_new(uv_loop_t *loop, const struct mail_options *options); // copied
// Takes the message into its queue; the queue's bound is the caller's: mail_free_slots says how many more are
// useful now.
void mail_send(struct mail *mail, struct mail_message *message);
size_t mail_free_slots(const struct mail *mail);
void mail_set_options(
    struct mail *mail,
    const struct mail_options *options); // reload: sessions with other settings end when idle
// Finishes what is in flight (up to grace_ms), ends what is queued with MAIL_STOPPED, says QUIT, then calls
// back; mail is freed before.
void mail_close(struct mail *mail, int grace_ms, void (*on_closed)(void *data), void *data);

#endif
