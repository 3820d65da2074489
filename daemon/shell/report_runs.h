// SPDX-License-Identifier: MPL-2.0
// The runs of reports in the journal: which wait, which were made last, and the statements that write them
// down. Joins and waits for nothing; the reporter submits what is added here.
#ifndef FRISTD_SHELL_REPORT_RUNS_H
#define FRISTD_SHELL_REPORT_RUNS_H

#include "core/report.h"
#include "shell/postgres.h"

#define REPORT_RUN_STATEMENTS 5 // of one question or one transaction, at most

struct report_statements {
    struct postgres_params params[REPORT_RUN_STATEMENTS];
    struct postgres_statement statements[REPORT_RUN_STATEMENTS];
    int count;
};
void report_statements_clear(struct report_statements *statements); // keeps memory for the next use
void report_statements_done(struct report_statements *statements);

struct waiting_run {
    const char *report;
    instant due_at;
    const char *recurrence; // NULL: somebody asked for it
};

struct last_run {
    const char *report, *state;
    instant due_at, decided_at;
    bool late;
    int64_t recipients, unreached;
    int64_t counts[REPORT_COUNTS];
};

struct report_runs {
    struct arena arena; // of the texts
    struct waiting_run *waiting;
    size_t waiting_count, waiting_capacity;
    struct last_run *last; // of each report
    size_t last_count, last_capacity;
    int64_t unfinished; // whose mails may still be under way
    bool changed;       // runs were finished by the question
};
void report_runs_done(struct report_runs *runs);

// Ends the runs whose mails are all out, then asks for the others. Hand each row in.
void report_runs_ask(struct report_runs *runs, instant now, struct report_statements *statements);
void report_runs_row(struct report_runs *runs, int statement, const struct postgres_row *row);

// Each report has one row that waits, with the time that the configuration asks for: adds what it takes, and
// nothing when all is so.
void report_runs_plan(const struct report_runs *runs, const struct report_set *set, const struct zone *zone,
                      instant now, struct report_statements *statements);
// The first whose time has come, or NULL.
const struct waiting_run *report_runs_due(const struct report_runs *runs, const struct report_set *set,
                                          instant now);
// A run as it is made: the latest of its times that has passed, or the one that somebody asked for.
struct made_run {
    const struct report *report;
    const struct waiting_run *run;
    const struct zone *zone;
    instant due_at, made_at;
};
struct made_run report_run_make(const struct waiting_run *run, const struct report_set *set,
                                const struct zone *zone, instant now);
bool report_run_is_late(const struct made_run *made);

// Itself, those before it that passed unmade, and the next.
void report_run_decided(const struct made_run *made, struct report_statements *statements);
// To whom, and the key of the mail of each (NULL: none could be made).
void report_run_recipients(const struct made_run *made, const char *const *holders, const char *const *roles,
                           const char *const *keys, size_t count, struct report_statements *statements);
void report_run_counts(const struct made_run *made, const struct report_material *material,
                       struct report_statements *statements);

// For subscribers. A count below `small_counts` could tell who is meant and is null: the document can stand
// on a screen in a hall.
void report_run_document(const struct last_run *run, const struct report *report, const struct zone *zone,
                         int small_counts, struct buffer *into);

#endif
