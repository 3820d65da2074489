// SPDX-License-Identifier: MPL-2.0
// A QoS 1 publisher on the loop, over libmosquitto: looks names up without blocking, connects, reconnects
// with backoff, never hands the library a message while disconnected; and subscriptions of one connection.
#ifndef FRISTD_SHELL_MQTT_H
#define FRISTD_SHELL_MQTT_H

#include "core/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct mqtt_options {
    const char *host;
    int port;                                   // 0: 8883 with TLS, else 1883
    int version;                                // 5 (default) or 4 (that is MQTT 3.1.1)
    bool tls;                                   // default true
    const char *ca_file, *cert_file, *key_file; // NULL: system's, none, none
    const char *user, *password;                // from a file or credential, never logged
    const char *client_id;                      // NULL: a random one
    int keepalive_s;                            // default 30; at least 5
    const char *will_topic, *will_payload;      // retained, QoS 1; NULL: no will
    const char *content_type;                   // of the will and the last message, MQTT 5 only; NULL: none
    // 0: the default in brackets.
    int connect_timeout_ms; // from the look-up's answer to CONNACK, for each address (10000)
    int ack_timeout_ms; // messages outstanding and no PUBACK for so long: the connection is dropped (60000)
    int retry_first_ms, retry_max_ms; // the wait doubles (1000, 60000), with a spread of a fifth
    int taken_over_ms; // the wait when another client has taken our place (300000): two that take it from
                       // each other would do so for ever. MQTT 5 says so; with 3.1.1 the usual wait applies
};

#define MQTT_WINDOW 50 // messages outstanding at most; beyond it mqtt_publish refuses

struct mqtt;
// up: connected and accepted by the broker. Not up: lost, refused or not reached; err says why and when the
// next try is. Tries go on for ever, until mqtt_close. What was outstanding has been ended before.
typedef void (*mqtt_on_state)(void *data, bool up, const struct error *err);
struct mqtt *mqtt_new(uv_loop_t *loop, const struct mqtt_options *options, // copied
                      mqtt_on_state on_state, void *data);
// Asked before each try, with mqtt_new's data; while the answer is no, nothing is tried.
void mqtt_ask_before(struct mqtt *mqtt, bool (*may_connect)(void *data));
void mqtt_ask_again(struct mqtt *mqtt); // the answer may be another one now
void mqtt_start(struct mqtt *mqtt);
bool mqtt_is_up(const struct mqtt *mqtt);
size_t mqtt_free_slots(const struct mqtt *mqtt); // 0 while not up

enum mqtt_outcome {
    MQTT_ACKED,
    MQTT_LOST, // connection lost before the PUBACK, so it is not known whether it arrived: the caller
               // publishes it again after the next up; the library's own copy is dropped with the connection
    MQTT_REFUSED, // the broker said no (MQTT 5): not authorised, quota exceeded …; it may say yes later
    MQTT_UNFIT    // the broker will never take this message as it is: too large, topic or payload not valid
};

struct mqtt_property {
    const char *name, *value;
};

struct mqtt_message {
    // The caller fills:
    void *data;
    const char *topic;   // copied
    const void *payload; // copied; NULL and 0 clear a retained topic
    size_t length;
    bool retain;
    // MQTT 5 only; NULL or 0: none. All are copied.
    const char *content_type;
    const struct mqtt_property *properties; // user properties
    size_t property_count;
    const void *correlation; // data of a request that this answers
    size_t correlation_length;
    uint32_t expiry_s;
    // Exactly once, never from inside mqtt_publish. err says why for REFUSED and UNFIT, else NULL.
    void (*on_done)(struct mqtt_message *message, enum mqtt_outcome outcome, const struct error *err);
    // ---- kept by the module ----
    struct mqtt_message *next;
    int mid;
    int reason;
};

// 0, or -1: not up, window full, or, while up with free slots, a message that can never be sent (err says
// why). Then on_done is not called.
int mqtt_publish(struct mqtt *mqtt, struct mqtt_message *message, struct error *err) MUST_CHECK;

// --- subscriptions ---

#define MQTT_PACKET_MAX   (1024 * 1024) // the broker is told (MQTT 5) to send us nothing larger
#define MQTT_INCOMING_MAX 4096          // so much of a payload is handed on

struct mqtt_incoming {
    const char *topic;
    const void *payload;        // the first MQTT_INCOMING_MAX bytes; NULL when there are none
    size_t length;              // of the whole
    bool retained;              // it was there before we subscribed
    const char *response_topic; // MQTT 5; NULL: none
    const void *correlation;
    size_t correlation_length;
};

// Of one connection: the owner subscribes anew after each up.
struct mqtt_subscription {
    // The caller fills:
    void *data;
    const char *filter; // must live as long
    int qos;            // 0 or 1
    bool with_retained; // what is retained comes first; MQTT 3.1.1 sends it in any case
    // Everything lives during the call.
    void (*on_message)(struct mqtt_subscription *subscription, const struct mqtt_incoming *message);
    // Once: the broker has taken it (err NULL), or refuses it and nothing comes. May be NULL.
    void (*on_answered)(struct mqtt_subscription *subscription, const struct error *err);
    // ---- kept by the module ----
    struct mqtt_subscription *next;
    int mid;
    bool answered; // and not yet said
    int reason;
};

// Without our own messages where the broker can leave them out (MQTT 5). Harmless while not up.
void mqtt_subscribe(struct mqtt *mqtt, struct mqtt_subscription *subscription);
void mqtt_unsubscribe(struct mqtt *mqtt, struct mqtt_subscription *subscription); // harmless twice

// Publishes a last retained message on the will's topic, waits until everything outstanding is acknowledged,
// says DISCONNECT, all within grace_ms; mqtt is freed before the call. What is not acknowledged by then ends
// as LOST and the connection is dropped without DISCONNECT, so that the broker publishes the will. No
// on_state any more.
void mqtt_close(struct mqtt *mqtt, const void *last_payload, size_t last_length, int grace_ms,
                void (*on_closed)(void *data), void *data);

#endif
