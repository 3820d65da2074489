// SPDX-License-Identifier: MPL-2.0
// What is retained of reports: the last run of each, held here to be said again at every connection.
#ifndef FRISTD_SHELL_PUBLISHER_REPORTS_H
#define FRISTD_SHELL_PUBLISHER_REPORTS_H

#include <stdbool.h>
#include <stddef.h>

struct publisher_report {
    char *name, *topic;
    char *json; // NULL: to be cleared
    bool due;
};

struct publisher_reports { // zero it to start
    struct publisher_report *reports;
    size_t count, capacity;
};

// Returns its topic, fristd/v1/{site}/report/{report}; NULL when that is what stands there already.
const char *publisher_reports_set(struct publisher_reports *reports, const char *site, const char *name,
                                  const char *json);
const struct publisher_report *publisher_reports_next(struct publisher_reports *reports); // NULL: none is due
void publisher_reports_again(struct publisher_reports *reports);                          // all are due
void publisher_reports_done(struct publisher_reports *reports);

#endif
