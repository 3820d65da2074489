// SPDX-License-Identifier: MPL-2.0
// Makes the reports that are due: reads what they are about from the journal and the case database, and
// writes the mails down as notices, in one transaction with the run and the next one. When a report is due is
// a row in the journal, never memory. What is sent is the delivery's work.
#ifndef FRISTD_SHELL_REPORTER_H
#define FRISTD_SHELL_REPORTER_H

#include "core/report.h"
#include "shell/casedb.h"
#include "shell/journal.h"

struct reporter_options {
    const char *site;
    const struct report_set *reports;
    const struct ruleset *rules;
    int small_counts;
    struct casedb *casedb;
    struct journal *journal;
};

struct reporter;

// on_people: the people as the case database showed them just now; not called where no case brought them.
// on_document: the last run of a report as JSON for whoever subscribes; NULL: there is no such report any
// more. on_done: err NULL: nothing is left to do now; told: whether mails can go out now.
struct reporter *reporter_new(uv_loop_t *loop, void (*on_people)(void *data, const struct people *people),
                              void (*on_document)(void *data, const char *report, const char *json),
                              void (*on_done)(void *data, bool told, const struct error *err), void *data);
// Only while it does not run; what the options hold must live until the next ones are set.
void reporter_set_options(struct reporter *reporter, const struct reporter_options *options);
void reporter_stop(struct reporter *reporter); // its timer; the loop has to turn before reporter_free
void reporter_free(struct reporter *reporter); // only while it does not run; NULL is fine

// Brings the rows that wait up to date with the configuration, notes which runs are finished, and makes what
// is due at `now`. `people` are used where there is no case to read them with, and are borrowed until
// on_done. Not while a look at the case database is under way.
void reporter_start(struct reporter *reporter, instant now, const struct people *people);
bool reporter_is_running(const struct reporter *reporter);
bool reporter_has_unfinished(const struct reporter *reporter); // runs whose mails may still be under way

#endif
