// SPDX-License-Identifier: MPL-2.0
// Has the last run of each report retained, and says it again at every connection.
#ifndef FRISTD_SHELL_PUBLISHER_REPORTS_H
#define FRISTD_SHELL_PUBLISHER_REPORTS_H

#include "shell/mqtt.h"
#include "shell/sweep.h"

#define PUBLISHER_REPORTS_WINDOW 1 // its messages outstanding

struct publisher_reports;

// site must live as long.
struct publisher_reports *publisher_reports_new(struct mqtt *mqtt, struct sweep *sweep, const char *site);
void publisher_reports_set(struct publisher_reports *reports, const char *name,
                           const char *json);                     // NULL: there is no such report
void publisher_reports_say(struct publisher_reports *reports);    // all of them, again
void publisher_reports_expect(struct publisher_reports *reports); // tells the sweep what has to stand
// mqtt must be closed before, so that its message is not outstanding.
void publisher_reports_free(struct publisher_reports *reports);

#endif
