// SPDX-License-Identifier: MPL-2.0
// One SMTP session: libcurl looks up, connects, secures and authenticates (CURLOPT_CONNECT_ONLY on the
// multi-socket interface); the mail transactions over that connection are ours, with PIPELINING where
// offered. The only file that knows libcurl.
#ifndef FRISTD_SHELL_SMTP_H
#define FRISTD_SHELL_SMTP_H

#include "core/error.h"

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

#endif
