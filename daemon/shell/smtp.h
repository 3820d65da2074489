// SPDX-License-Identifier: MPL-2.0
// One SMTP session: libcurl looks up, connects, secures and authenticates (CURLOPT_CONNECT_ONLY on the
// multi-socket interface); the mail transactions over that connection are ours (core/smtp_dialogue.h), with
// PIPELINING where offered. The only file that knows libcurl.
#ifndef FRISTD_SHELL_SMTP_H
#define FRISTD_SHELL_SMTP_H

#include "core/smtp_dialogue.h"

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

enum smtp_tls { SMTP_STARTTLS, SMTP_IMPLICIT_TLS, SMTP_NO_TLS };

struct smtp_options {
    const char *host;
    int port;                    // 0: 587, 465 or 25 by tls
    enum smtp_tls tls;           // TLS 1.2 or newer and a valid certificate are required unless NO_TLS
    const char *ca_file;         // NULL: the system's
    const char *user, *password; // NULL: no AUTH; from a file or credential, never logged
    const char *hello;           // name in EHLO; NULL: the host's
    int connect_timeout_ms;      // default 15000: look-up to AUTH
    int reply_timeout_ms;        // default 60000; the reply to the final dot may take five times as long (RFC
                                 // 5321 4.5.3.2)
};

struct smtp_session;

struct smtp_session_events {
    void (*on_open)(void *data); // takes messages from now on
    // Exactly once, in the end. All messages have had their outcome, libuv has let go and the session is
    // freed. `why` is NULL when it ended as it should: after QUIT, or closed by the server while it had no
    // message.
    void (*on_closed)(void *data, const struct mail_outcome *why);
};

// Begins to connect. Options are copied. No callback comes from inside smtp_open, smtp_give and smtp_quit.
struct smtp_session *smtp_open(uv_loop_t *loop, const struct smtp_options *options,
                               const struct smtp_session_events *events, void *data);

// How many more messages are useful now; 0 before on_open.
int smtp_room(const struct smtp_session *session);
// There must be room. The transaction belongs to the session until its on_done.
void smtp_give(struct smtp_session *session, struct smtp_transaction *transaction);

// Finishes what was given, says QUIT and closes, the server's answer or not.
void smtp_quit(struct smtp_session *session);
// Closes at once; messages end inside the call, with `why` or, when sent whole, as not known.
void smtp_abort(struct smtp_session *session, const struct mail_outcome *why);

#endif
