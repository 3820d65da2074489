// SPDX-License-Identifier: MPL-2.0
// Sends events again to subscribers that ask for them over MQTT: contrib/asyncapi.yaml, "Asking again". One
// request is served at a time, with a small share of the messages outstanding, so that live traffic is not
// slowed down; everything that may wait has a bound, and what is beyond it is refused or just counted.
#ifndef FRISTD_SHELL_REPLAYER_H
#define FRISTD_SHELL_REPLAYER_H

#include "shell/event.h"
#include "shell/mqtt.h"
#include "shell/publisher_store.h"

#define REPLAYER_WINDOW 5 // its messages outstanding

struct replayer_counts {
    int64_t requests, served, refused;
    int64_t ignored; // retained, of nobody, or beyond what is refused one by one
    int64_t events;  // sent again
};

struct replayer;

// published: the last number that may be sent, asked with `data`. Site and boot id must live as long.
struct replayer *replayer_new(uv_loop_t *loop, struct mqtt *mqtt, const struct event_site *site,
                              const char *boot_id, const struct publisher_store *store, void *store_self,
                              int64_t (*published)(const void *data), const void *data);
void replayer_listen(struct replayer *replayer); // connected: subscribes
void replayer_forget(struct replayer *replayer); // the connection is lost, and with it all requests
struct replayer_counts replayer_counts(const struct replayer *replayer);
// mqtt must be closed before, so that none of its messages is outstanding.
void replayer_close(struct replayer *replayer, void (*on_closed)(void *data), void *data);

#endif
