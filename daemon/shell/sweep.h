// SPDX-License-Identifier: MPL-2.0
// Clears what is retained below our topics and has no business there: topics of the ledger on which nothing
// is published any more (a code, a unit or a site was renamed), and what somebody else has left at the
// broker.
#ifndef FRISTD_SHELL_SWEEP_H
#define FRISTD_SHELL_SWEEP_H

#include "shell/mqtt.h"
#include "shell/publisher_store.h"

#define SWEEP_WINDOW 5 // its messages outstanding

struct sweep_result {
    int64_t cleared;
    int64_t refused; // the broker did not let us
    bool unseen;     // the broker did not let us look; only the ledger was cleared
    bool failed;     // the ledger could not be read: to be done again
};

struct sweep;

// store NULL: there is no ledger. All that is retained on topics of `filter` (copied) is looked at. When
// nothing has come for quiet_ms, that was all. on_done: after sweep_start, unless sweep_stop comes first.
struct sweep *sweep_new(uv_loop_t *loop, struct mqtt *mqtt, const struct publisher_store *store,
                        void *store_self, const char *filter, int quiet_ms,
                        void (*on_done)(void *data, const struct sweep_result *result), void *data);
// Everything that has to stand is said between begin and start, and as it changes until it is done.
void sweep_begin(struct sweep *sweep);
void sweep_expect(struct sweep *sweep, const char *topic, bool stands);
void sweep_start(struct sweep *sweep);
void sweep_stop(struct sweep *sweep); // as when the connection is lost; harmless at any time
// mqtt must be closed before, so that none of its messages is outstanding.
void sweep_close(struct sweep *sweep, void (*on_closed)(void *data), void *data);

#endif
