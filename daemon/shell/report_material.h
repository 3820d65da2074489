// SPDX-License-Identifier: MPL-2.0
// What a report is made of, read from the journal and, for remands, from the case database: the same for the
// daemon and for `fristd report`.
#ifndef FRISTD_SHELL_REPORT_MATERIAL_H
#define FRISTD_SHELL_REPORT_MATERIAL_H

#include "core/report.h"
#include "shell/casedb.h"

#define REPORT_STATEMENTS 3
// A report holds so many deadlines at most, the oldest due first; that there were more is logged.
#define REPORT_DEADLINES_MAX 200000

struct report_reading {
    const struct report *report;
    const struct ruleset *rules;
    instant due_at, now;
    // ---- the result, with what `arena` holds ----
    struct arena arena;
    struct report_deadline *deadlines;
    size_t deadline_count, deadline_capacity;
    struct remand_list remands;
    struct report_unit_count *last;
    size_t last_count, last_capacity;
    instant last_at;
    const char **case_ids; // to be read: those with remands
    size_t case_count, case_capacity;
    struct people people;
    // ---- kept by the module ----
    struct evaluator *evaluator;
    struct postgres_params params[REPORT_STATEMENTS];
};

void report_reading_begin(struct report_reading *reading, const struct report *report,
                          const struct ruleset *rules, instant due_at, instant now);
void report_reading_done(struct report_reading *reading);

// Fills the statements that ask the journal, REPORT_STATEMENTS of them, in its schema; hand each of their
// rows in.
void report_reading_ask(struct report_reading *reading, struct postgres_statement *statements);
void report_reading_row(struct report_reading *reading, int statement, const struct postgres_row *row);

void report_reading_asked(struct report_reading *reading); // when all rows have come

// Then each of case_ids, as the case database shows it, and the people that come with them.
void report_reading_case(struct report_reading *reading, const struct casefile *casefile);
void report_reading_people(struct report_reading *reading, const struct people *people); // copies

// The whole; borrowed from the reading.
void report_reading_material(const struct report_reading *reading, struct report_material *ret_material);

#endif
