// SPDX-License-Identifier: MPL-2.0
// A TLS client's context for a library that is given a numeric address: the certificate is checked against
// the name that was configured, the same name goes out as SNI, and what went wrong is kept in words. The only
// file that knows OpenSSL.
#ifndef FRISTD_SHELL_TLS_H
#define FRISTD_SHELL_TLS_H

#include "core/error.h"

#include <stdbool.h>

struct tls_options {
    const char *host;                           // name or address the certificate must be made out to
    const char *ca_file, *cert_file, *key_file; // NULL: the system's, none, none
};

struct tls_client;

// TLS 1.2 or newer, certificate and name required. Reads the files anew each time, so that a renewed
// certificate is used at the next connection.
int tls_client_new(const struct tls_options *options, struct tls_client **ret_client,
                   struct error *err) MUST_CHECK;
void tls_client_free(struct tls_client *client);           // NULL is fine
void *tls_client_context(const struct tls_client *client); // SSL_CTX *; whoever keeps it takes a reference
const char *tls_client_failure(const struct tls_client *client); // why the handshake failed; "": not known

// Of a connection's SSL *.
bool tls_handshake_done(const void *ssl);
bool tls_wants_write(const void *ssl);

#endif
