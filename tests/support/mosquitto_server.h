// SPDX-License-Identifier: MPL-2.0
// A throw-away mosquitto for component tests: in a temporary directory, run by an unprivileged account, on
// free ports of 127.0.0.1, plain and with TLS. And what a subscriber gets from it, line by line on the test's
// loop.
#ifndef FRISTD_TESTS_MOSQUITTO_SERVER_H
#define FRISTD_TESTS_MOSQUITTO_SERVER_H

#include "core/memory.h"

#include <stdbool.h>
#include <sys/types.h>
#include <uv.h>

#define MOSQUITTO_SERVER_USER     "fristd"
#define MOSQUITTO_SERVER_PASSWORD "tavshed"

struct mosquitto_server {
    char dir[64];
    char ca[96];    // authority of the certificates
    int port;       // plain
    int tls_port;   // certificate for localhost and ::1, not for 127.0.0.1
    int other_port; // certificate for broker.example
    pid_t pid;
};

struct mosquitto_server_options {
    bool passwords;    // else everybody may connect
    const char *acl;   // lines of its file of rights; NULL: everybody may do everything
    const char *lines; // more of mosquitto.conf
};

// Each of these ends the program with a message when it cannot be done.
void mosquitto_server_start(struct mosquitto_server *server, const struct mosquitto_server_options *options);
void mosquitto_server_stop(struct mosquitto_server *server);    // and removes everything
void mosquitto_server_crash(struct mosquitto_server *server);   // kill -9
void mosquitto_server_end(struct mosquitto_server *server);     // as an operator stops it
void mosquitto_server_restart(struct mosquitto_server *server); // on the same ports
void mosquitto_server_set_acl(const struct mosquitto_server *server, const char *acl); // while it runs
void mosquitto_server_freeze(const struct mosquitto_server *server, bool freeze);
// mosquitto_pub as somebody else; payload NULL clears a retained topic.
void mosquitto_server_publish(const struct mosquitto_server *server, const char *topic, const char *payload,
                              bool retain);
void mosquitto_server_publish_many(const struct mosquitto_server *server, const char *topic,
                                   int count); // retained, on topic/0, topic/1 …
void mosquitto_server_publish_bytes(const struct mosquitto_server *server, const char *topic,
                                    const void *bytes,
                                    size_t length); // as many as you like

// mosquitto_sub. Retained messages that were there before come first.
struct mosquitto_subscriber {
    pid_t pid;
    uv_pipe_t pipe;
    struct buffer bytes; // not yet a whole line
    bool subscribed, closed;
    // The caller's. The strings live during the call; content_type is "" when there is none.
    void (*on_message)(void *data, const char *topic, bool retained, const char *content_type,
                       const char *payload);
    void *data;
};

// Returns once the broker has accepted the subscription.
void mosquitto_subscriber_start(struct mosquitto_subscriber *subscriber, uv_loop_t *loop,
                                const struct mosquitto_server *server, const char *filter);
void mosquitto_subscriber_stop(struct mosquitto_subscriber *subscriber);

#endif
