// SPDX-License-Identifier: MPL-2.0
// The mail channel: a few SMTP sessions, reused, within the configured rate; each message is one transaction
// with one recipient and ends in exactly one outcome (core/mail_outcome.h). What to do about an outcome is
// decided elsewhere (core/retry.h).
//
// When the server itself is at fault, everything queued comes back with MAIL_TRY_AGAIN at once, since the
// journal is the queue, and nothing is sent for a while: hold_first_ms, doubling to 60 times that. Then one
// message at a time finds out whether it is well again.
#ifndef FRISTD_SHELL_MAIL_H
#define FRISTD_SHELL_MAIL_H

#include "core/mail_outcome.h"
#include "shell/smtp.h"

struct mail_options {
    struct smtp_options server;
    int connections;             // default 3
    int messages_per_connection; // default 100
    int messages_per_minute;     // default 30; 0: no limit
    int idle_timeout_ms;         // default 10000: an unused session says QUIT
    int hold_first_ms;           // default 1000: how long a server in trouble is left in peace at first
};

struct mail_message {
    // The caller fills:
    void *data;
    const char *from, *to; // sound addresses (message_address_is_sound)
    const char *bytes;     // as message_build makes them; must live until on_done
    size_t length;
    void (*on_turn)(struct mail_message *message); // it goes now: sets bytes and length; NULL: they are set
    void (*on_done)(struct mail_message *message,
                    const struct mail_outcome *outcome); // exactly once, never from inside mail_send
    // ---- kept by the module ----
    struct mail_message *next;
    struct mail_lane *lane;
    struct smtp_transaction transaction;
};

struct mail;
// Options are copied; a zero stands for the default, but in messages_per_minute.
struct mail *mail_new(uv_loop_t *loop, const struct mail_options *options);

// Takes the message into its queue; the queue's bound is the caller's: mail_free_slots says how many more are
// useful now. It is 0 while the server is left in peace.
void mail_send(struct mail *mail, struct mail_message *message);
size_t mail_free_slots(const struct mail *mail);
// Called from the loop when there were no free slots and at least half are free again.
void mail_on_ready(struct mail *mail, void (*on_ready)(void *data), void *data);

// Reload. Sessions with other settings finish what they have and end.
void mail_set_options(struct mail *mail, const struct mail_options *options);

// What is queued ends with MAIL_STOPPED, what is in flight is finished (up to grace_ms; then it is
// MAIL_STOPPED, or not known); QUIT is said; then on_closed is called, mail is freed before. Messages end
// from the loop.
void mail_close(struct mail *mail, int grace_ms, void (*on_closed)(void *data), void *data);

struct mail_counts {
    uint64_t sent, try_again, refused;
    uint64_t sessions; // begun, whether they came about or not
    int open;          // sessions now
};
struct mail_counts mail_counts(const struct mail *mail);

#endif
