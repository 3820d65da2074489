// SPDX-License-Identifier: MPL-2.0
// One connection to a broker, from TCP to DISCONNECT: an instance of libmosquitto, its socket on the loop,
// and the messages handed to it. Used by mqtt.c, which decides when to connect. The only file that knows
// libmosquitto.
#ifndef FRISTD_SHELL_MQTT_LINK_H
#define FRISTD_SHELL_MQTT_LINK_H

#include "shell/mqtt.h"

struct mqtt_link;

// The library has had a turn on the socket: time to look at what has come of it. Never from inside a function
// below.
typedef void (*mqtt_link_on_turn)(void *data);

// Begins to connect to this one numeric address. The options must live as long as the link and have no
// defaults left open.
int mqtt_link_open(uv_loop_t *loop, const struct mqtt_options *options, const char *address,
                   mqtt_link_on_turn on_turn, void *data, struct mqtt_link **ret_link,
                   struct error *err) MUST_CHECK;

bool mqtt_link_is_reached(const struct mqtt_link *link);    // TCP has come up
bool mqtt_link_is_accepted(const struct mqtt_link *link);   // CONNACK has come and was good
bool mqtt_link_has_ended(const struct mqtt_link *link);     // nothing more will come; to be dropped
bool mqtt_link_is_taken_over(const struct mqtt_link *link); // it has ended because another one has our id
const char *mqtt_link_why(const struct mqtt_link *link);    // why it has ended, in words
void mqtt_link_end(struct mqtt_link *link, const char *why);
void mqtt_link_tick(struct mqtt_link *link);  // each second: pings
void mqtt_link_leave(struct mqtt_link *link); // DISCONNECT, behind what is written already; then it ends

// As mqtt_publish, without its conditions. A message that was taken is given back by one of the two below.
int mqtt_link_publish(struct mqtt_link *link, struct mqtt_message *message, struct error *err) MUST_CHECK;
size_t mqtt_link_outstanding(const struct mqtt_link *link);
struct mqtt_message *mqtt_link_next_answered(struct mqtt_link *link); // its PUBACK has come; NULL: none

void mqtt_link_subscribe(struct mqtt_link *link, struct mqtt_subscription *subscription);
void mqtt_link_unsubscribe(struct mqtt_link *link, struct mqtt_subscription *subscription);
// One that the broker has answered, once; from 0x80 on its reason refuses it. NULL: none.
struct mqtt_subscription *mqtt_link_next_subscribed(struct mqtt_link *link);
// Hands on one message that has come. False: there is none.
bool mqtt_link_hand_on(struct mqtt_link *link);

// Drops the connection as it stands and frees the link; returns what had no PUBACK, chained by `next`.
struct mqtt_message *mqtt_link_drop(struct mqtt_link *link);

#endif
