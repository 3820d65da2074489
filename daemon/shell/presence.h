// SPDX-License-Identifier: MPL-2.0
// Says on the status topic that this fristd is there: birth, will and farewell, tied by the boot id. The
// topic is watched: the will of an earlier run, which the broker may send late, or anybody else's message
// there is followed by another birth.
#ifndef FRISTD_SHELL_PRESENCE_H
#define FRISTD_SHELL_PRESENCE_H

#include "shell/event.h"
#include "shell/mqtt.h"
#include "shell/publisher_store.h"

#define PRESENCE_WINDOW 1 // its messages outstanding

struct presence;

// Site and boot id must live as long. again_ms: how long another birth waits.
struct presence *presence_new(uv_loop_t *loop, const struct event_site *site, const char *boot_id,
                              const struct publisher_store *store, void *store_self, uint64_t again_ms);
// The will, for the connection that is used from then on; valid until the next call.
void presence_fill_will(struct presence *presence, struct mqtt_options *options);
void presence_use(struct presence *presence, struct mqtt *mqtt);
void presence_come_up(struct presence *presence); // after each connection, before anything else is said on it
const char *presence_topic(const struct presence *presence);
const struct buffer *presence_farewell(struct presence *presence); // payload of the last message
// mqtt must be closed before, so that its message is not outstanding.
void presence_close(struct presence *presence, void (*on_closed)(void *data), void *data);

#endif
