// SPDX-License-Identifier: MPL-2.0
#include "shell/tls.h"

#include "core/memory.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct tls_client {
    SSL_CTX *context;
    char *host;
    bool host_is_address;
    char failure[256];
};

// Keeps the first thing that went wrong: what follows is a consequence of it.
static void note_failure(struct tls_client *client, const char *what, const char *why)
{
    if (client->failure[0] == '\0')
        snprintf(client->failure, sizeof client->failure, "%s%s", what, why);
}

static struct tls_client *client_of(const SSL *ssl)
{
    return SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
}

static int on_certificate(int good, X509_STORE_CTX *store)
{
    if (!good) {
        const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
        note_failure(client_of(ssl), "the server's certificate is refused: ",
                     X509_verify_cert_error_string(X509_STORE_CTX_get_error(store)));
    }
    return good;
}

// The library names the numeric address it was given in SNI; at the start of the handshake, before the
// ClientHello is written, the real name takes its place (none for an address: RFC 6066, section 3).
static void on_handshake_info(const SSL *ssl, int where, int value)
{
    struct tls_client *client = client_of(ssl);
    if ((where & SSL_CB_HANDSHAKE_START) && !SSL_is_init_finished(ssl))
        SSL_set_tlsext_host_name((SSL *)ssl, client->host_is_address ? NULL : client->host);
    else if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT && (value >> 8) == SSL3_AL_FATAL)
        note_failure(client, "the server ended the TLS session: ", SSL_alert_desc_string_long(value));
}

// Without this OpenSSL asks on the terminal for the passphrase of a protected key, and waits.
static int no_passphrase(char *buffer, int size, int writing, void *data)
{
    (void)buffer, (void)size, (void)writing, (void)data;
    return -1;
}

static int refuse_file(struct error *err, const char *what, const char *path)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    return error_set(err, "%s \"%s\": %s", what, path, reason ? reason : "not a PEM file of that kind");
}

static int check_readable(struct error *err, const char *what, const char *path)
{
    if (access(path, R_OK) == 0)
        return 0;
    return error_set(err, "%s \"%s\": %s", what, path, strerror(errno));
}

static int load_authorities(SSL_CTX *context, const char *ca_file, struct error *err)
{
    if (ca_file == NULL) {
        SSL_CTX_set_default_verify_paths(context);
        return 0;
    }
    if (check_readable(err, "CA file", ca_file) < 0)
        return -1;
    if (SSL_CTX_load_verify_file(context, ca_file) != 1)
        return refuse_file(err, "CA file", ca_file);
    return 0;
}

static int load_own_certificate(SSL_CTX *context, const char *cert_file, const char *key_file,
                                struct error *err)
{
    if (cert_file == NULL)
        return 0;
    if (key_file == NULL)
        key_file = cert_file;
    if (check_readable(err, "certificate file", cert_file) < 0 ||
        check_readable(err, "key file", key_file) < 0)
        return -1;
    if (SSL_CTX_use_certificate_chain_file(context, cert_file) != 1)
        return refuse_file(err, "certificate file", cert_file);
    if (SSL_CTX_use_PrivateKey_file(context, key_file, SSL_FILETYPE_PEM) != 1)
        return refuse_file(err, "key file", key_file);
    return 0;
}

// Whether the host is an address decides how the certificate is compared.
static int expect_host(struct tls_client *client, struct error *err)
{
    X509_VERIFY_PARAM *param = SSL_CTX_get0_param(client->context);
    client->host_is_address = X509_VERIFY_PARAM_set1_ip_asc(param, client->host) == 1;
    if (client->host_is_address)
        return 0;
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (X509_VERIFY_PARAM_set1_host(param, client->host, 0) != 1)
        return error_set(err, "\"%s\" is no host name", client->host);
    return 0;
}

int tls_client_new(const struct tls_options *options, struct tls_client **ret_client, struct error *err)
{
    struct tls_client *client = memory_alloc(sizeof *client);
    client->host = memory_copy(options->host, strlen(options->host));
    client->context = SSL_CTX_new(TLS_client_method());
    if (client->context == NULL)
        abort(); // out of memory
    SSL_CTX_set_app_data(client->context, client);
    SSL_CTX_set_min_proto_version(client->context, TLS1_2_VERSION);
    SSL_CTX_set_verify(client->context, SSL_VERIFY_PEER, on_certificate);
    SSL_CTX_set_info_callback(client->context, on_handshake_info);
    SSL_CTX_set_default_passwd_cb(client->context, no_passphrase);
    SSL_CTX_set_mode(client->context, SSL_MODE_RELEASE_BUFFERS);
    if (expect_host(client, err) < 0 || load_authorities(client->context, options->ca_file, err) < 0 ||
        load_own_certificate(client->context, options->cert_file, options->key_file, err) < 0) {
        tls_client_free(client);
        return -1;
    }
    *ret_client = client;
    return 0;
}

void tls_client_free(struct tls_client *client)
{
    if (client == NULL)
        return;
    SSL_CTX_free(client->context);
    free(client->host);
    free(client);
}

void *tls_client_context(const struct tls_client *client)
{
    return client->context;
}

const char *tls_client_failure(const struct tls_client *client)
{
    return client->failure;
}

bool tls_handshake_done(const void *ssl)
{
    return SSL_is_init_finished(ssl);
}

bool tls_wants_write(const void *ssl)
{
    return SSL_want_write((const SSL *)ssl);
}
