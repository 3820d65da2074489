// SPDX-License-Identifier: MPL-2.0
// Has the last run of each report retained, and says it again at every connection. A topic is in the ledger
// before it is used, and leaves it by the sweep after it was cleared.
#ifndef FRISTD_SHELL_PUBLISHER_REPORTS_H
#define FRISTD_SHELL_PUBLISHER_REPORTS_H

#include "shell/mqtt.h"
#include "shell/publisher_store.h"
#include "shell/sweep.h"

#define PUBLISHER_REPORTS_WINDOW 1 // its messages outstanding

struct publisher_reports;

// site must live as long. on_said: the broker has answered one.
struct publisher_reports *publisher_reports_new(struct mqtt *mqtt, struct sweep *sweep,
                                                const struct publisher_store *store, void *store_self,
                                                const char *site, void (*on_said)(void *data), void *data);
void publisher_reports_set(struct publisher_reports *reports, const char *name,
                           const char *json);                             // NULL: there is no such report
void publisher_reports_say(struct publisher_reports *reports);            // all of them, again
void publisher_reports_expect(struct publisher_reports *reports);         // tells the sweep what has to stand
bool publisher_reports_are_said(const struct publisher_reports *reports); // and the broker has answered
// mqtt must be closed before, so that its message is not outstanding.
void publisher_reports_close(struct publisher_reports *reports, void (*on_closed)(void *data), void *data);

#endif
