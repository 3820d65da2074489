// SPDX-License-Identifier: MPL-2.0
// Where the transitions are that the publisher sends, and the ledger of what it has had retained: the
// journal, or a test's memory. Each function asks once; the answer comes later, in the order of the calls.
#ifndef FRISTD_SHELL_PUBLISHER_STORE_H
#define FRISTD_SHELL_PUBLISHER_STORE_H

#include "core/error.h"
#include "core/transition.h"

// A question, owned by who asks.
struct publisher_read {
    void *data;
    int64_t after; // transitions: numbers above it; attention: keys above it
    int64_t until; // transitions: up to this number; 0: all
    int limit;
    // In order; key: the transition's number, or the key to go on after. `state` is what has to stand on the
    // transition's state topic as things are at this moment: the most urgent of the deadlines that share it;
    // NULL: nothing. All valid during the call.
    void (*on_row)(struct publisher_read *read, int64_t key, const struct transition *transition,
                   const struct transition *state);
    void (*on_done)(struct publisher_read *read,
                    const struct error *err); // exactly once, later; err NULL: good
    void *store_state;                        // kept by the store from the call until on_done
};

struct ledger_read {
    void *data;
    int64_t after;
    int limit;
    void (*on_topic)(struct ledger_read *read, int64_t key, const char *topic);
    void (*on_done)(struct ledger_read *read, const struct error *err);
    void *store_state;
};

// Written in one transaction.
struct publisher_write {
    void *data;
    int64_t published;    // the watermark; 0: unchanged
    const char *requests; // counts of requests for events again, as text; NULL: unchanged
    // Topics for the ledger and out of it; copied, as is all text.
    const char *const *noted;
    size_t noted_count;
    const char *const *forgotten;
    size_t forgotten_count;
    void (*on_done)(struct publisher_write *write, const struct error *err); // exactly once, later
    void *store_state;
};

struct publisher_store {
    bool (*is_up)(void *self);
    int64_t (*published)(
        void *self);             // the watermark: every transition up to it was acknowledged; valid while up
    int64_t (*last)(void *self); // number of the last transition there is; valid while up
    const char *(*requests)(void *self); // as written last; "": never; valid while up, until the next call
    int (*read_transitions)(void *self, struct publisher_read *read, struct error *err);
    // What has to stand on the broker, one row a topic: transition and state are the same (number 0, kind of
    // no meaning).
    int (*read_attention)(void *self, struct publisher_read *read, struct error *err);
    int (*read_ledger)(void *self, struct ledger_read *read, struct error *err);
    void (*write)(void *self, struct publisher_write *write);
};

#endif
