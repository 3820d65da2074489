// SPDX-License-Identifier: MPL-2.0
// A QoS 1 publisher on the loop, over libmosquitto: looks names up without blocking, connects, reconnects
// with backoff, never hands the library a message while disconnected. The only file that knows libmosquitto.
#ifndef FRISTD_SHELL_MQTT_H
#define FRISTD_SHELL_MQTT_H

#include "core/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

struct mqtt_options {
    const char *host;
    int port;                                   // 0: 8883 with TLS, else 1883
    int version;                                // 5 (default) or 4 (that is MQTT 3.1.1)
    bool tls;                                   // default true
    const char *ca_file, *cert_file, *key_file; // NULL: system's, none, none
    const char *user, *password;                // from a file or credential, never logged
    const char *client_id;
    int keepalive_s;                       // default 30
    const char *will_topic, *will_payload; // retained, QoS 1
};

#define MQTT_WINDOW 50 // messages outstanding at most; beyond it mqtt_publish refuses

struct mqtt;
typedef void (*mqtt_on_state)(void *data, bool up, const struct error *err); // err says when the next try is
struct mqtt *mqtt_new(uv_loop_t *loop, const struct mqtt_options *options, mqtt_on_state on_state,
                      void *data);
void mqtt_start(struct mqtt *mqtt);
bool mqtt_is_up(const struct mqtt *mqtt);
size_t mqtt_free_slots(const struct mqtt *mqtt); // 0 while not up

struct mqtt_message {
    // The caller fills:
    void *data;
    const char *topic;
    const void *payload; // copied; NULL and 0 clear a retained topic
    size_t length;
    bool retain;
    const char *content_type; // MQTT 5 only; NULL: none
    // Exactly once, never from inside mqtt_publish: acked, or not (connection lost before the PUBACK: the
    // caller publishes it again after the next up; the library's own copy is dropped with the connection).
    void (*on_done)(struct mqtt_message *message, bool acked);
    // ---- kept by the module ----
    struct mqtt_message *next;
    int mid;
};

int mqtt_publish(struct mqtt *mqtt, struct mqtt_message *message,
                 struct error *err) MUST_CHECK; // -1: not up or window full
// Publishes a last retained message on the will's topic, says DISCONNECT, waits up to grace_ms; mqtt is freed
// before the call.
void mqtt_close(struct mqtt *mqtt, const void *last_payload, size_t last_length, int grace_ms,
                void (*on_closed)(void *data), void *data);

#endif
