// SPDX-License-Identifier: MPL-2.0
// The MQTT channel, and the one that owns its parts: the stream of transitions (stream.h) with its watermark
// (watermark.h), the status (presence.h), the reports (publisher_reports.h), the sweep of what is retained
// (sweep.h), events sent again on request (replayer.h). Holds two pages of transitions in memory; what is not
// yet acknowledged by the broker stays in the store.
#ifndef FRISTD_SHELL_PUBLISHER_H
#define FRISTD_SHELL_PUBLISHER_H

#include "core/transition.h"
#include "shell/event.h"
#include "shell/mqtt.h"
#include "shell/publisher_store.h"
#include "shell/replayer.h"
#include "shell/sweep.h"

struct publisher;

// The strings of options and site are copied; will topic and payload are the publisher's own. boot_id ties
// birth and will.
struct publisher *publisher_new(uv_loop_t *loop, const struct mqtt_options *options,
                                const struct event_site *site, const char *boot_id,
                                const struct publisher_store *store, void *store_self);
// Connects once the store is up, and only while it is: whoever holds the journal is the one that publishes.
void publisher_start(struct publisher *publisher);
// There are new transitions, or the store is up again. Harmless at any time before it is freed, as are the
// next two.
void publisher_wake(struct publisher *publisher);
// Says again all that is retained, and has the rest swept away: after a change of rules, and once a night.
void publisher_announce(struct publisher *publisher);
// The last run of a report, as JSON; NULL: there is no such report any more, and its topic is cleared.
void publisher_set_report(struct publisher *publisher, const char *report, const char *json);
int64_t publisher_lag(
    const struct publisher *publisher); // transitions not yet acknowledged; 0 also while the store is not up
// The lag is 0 and the reports are out, or the broker is away and they have to wait.
bool publisher_has_said_all(const struct publisher *publisher);
// Called when the lag has become smaller, a report is out, or the broker was not reached.
void publisher_on_progress(struct publisher *publisher, void (*on_progress)(void *data), void *data);
struct publisher_status {
    bool up;
    int64_t published;   // the watermark; 0 before the store was up for the first time
    const char *trouble; // why not up, or what the broker refuses; NULL: nothing. Valid until the next turn
    struct replayer_counts requests;
    struct sweep_result swept; // in all
    int64_t sweeps;            // ended
};
struct publisher_status publisher_status(const struct publisher *publisher);
// Waits up to grace_ms for what is in flight, saves the watermark, leaves the status "offline"; the publisher
// is freed before the call.
void publisher_close(struct publisher *publisher, int grace_ms, void (*on_closed)(void *data), void *data);

#endif
