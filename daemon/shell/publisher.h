// SPDX-License-Identifier: MPL-2.0
// The MQTT channel: publishes the transitions in the order of their numbers and, with each that says so, the
// retained state of its deadline; keeps the status topic. Holds one page of transitions in memory; what is
// not yet acknowledged by the broker stays in the store. A watermark moves over what was acknowledged without
// a gap and is saved now and then.
#ifndef FRISTD_SHELL_PUBLISHER_H
#define FRISTD_SHELL_PUBLISHER_H

#include "core/transition.h"
#include "shell/event.h"
#include "shell/mqtt.h"

// A question to the store, owned by the publisher.
struct publisher_read {
    void *data;
    int64_t after; // transitions: numbers above it; attention: keys above it
    int limit;
    // In order; key: the transition's number, or the key to go on after. Both valid during the call.
    void (*on_row)(struct publisher_read *read, int64_t key, const struct transition *transition);
    void (*on_done)(struct publisher_read *read,
                    const struct error *err); // exactly once, later; err NULL: good
    void *store_state;                        // kept by the store from the call until on_done
};

// Where the transitions are: the journal, or a test's memory. Each function asks once, and one question of a
// kind is under way at a time.
struct publisher_store {
    bool (*is_up)(void *self);
    int64_t (*published)(
        void *self);             // the watermark: every transition up to it was acknowledged; valid while up
    int64_t (*last)(void *self); // number of the last transition there is; valid while up
    int (*read_transitions)(void *self, struct publisher_read *read, struct error *err);
    // The deadlines whose state has to stand on the broker, each as a transition (number 0, kind of no
    // meaning).
    int (*read_attention)(void *self, struct publisher_read *read, struct error *err);
    // Writes the watermark down; on_done(data, err) exactly once, later.
    void (*save_published)(void *self, int64_t number, void (*on_done)(void *data, const struct error *err),
                           void *data);
};

struct publisher;

// The strings of options and site are copied; will topic and payload are the publisher's own. boot_id ties
// birth and will.
struct publisher *publisher_new(uv_loop_t *loop, const struct mqtt_options *options,
                                const struct event_site *site, const char *boot_id,
                                const struct publisher_store *store, void *store_self);
void publisher_start(struct publisher *publisher);
// There are new transitions, or the store is up again. Harmless at any time.
void publisher_wake(struct publisher *publisher);
int64_t publisher_lag(
    const struct publisher *publisher); // transitions not yet acknowledged; 0 also while the store is not up
// Called when the lag has become smaller.
void publisher_on_progress(struct publisher *publisher, void (*on_progress)(void *data), void *data);
struct publisher_status {
    bool up;
    int64_t published;   // the watermark; 0 before the store was up for the first time
    const char *trouble; // why not up, or what the broker refuses; NULL: nothing. Valid until the next turn
};
struct publisher_status publisher_status(const struct publisher *publisher);
// Waits up to grace_ms for what is in flight, saves the watermark, leaves the status "offline"; the publisher
// is freed before the call.
void publisher_close(struct publisher *publisher, int grace_ms, void (*on_closed)(void *data), void *data);

#endif
