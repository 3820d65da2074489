// SPDX-License-Identifier: MPL-2.0
// The mails of one run of a report, one after the other, as notices of a batch of the journal.
#ifndef FRISTD_SHELL_REPORT_MAKING_H
#define FRISTD_SHELL_REPORT_MAKING_H

#include "shell/journal_batch.h"
#include "shell/report_runs.h"

struct report_making {
    size_t mails, unreached;
    // ---- kept by the module ----
    const char *site;
    struct made_run made;
    const struct ruleset *rules;
    const struct report_material *material;
    struct journal_batch *batch;
    struct report_addressee *addressees;
    size_t addressee_count, next_addressee;
    struct arena scratch; // of one mail
    struct buffer operator_lines;
    size_t operator_line_count;
};

// Everything given is borrowed; `arena` lives as long as the making.
void report_making_begin(struct report_making *making, const char *site, const struct ruleset *rules,
                         const struct made_run *made, const struct report_material *material,
                         struct arena *arena, struct journal_batch *batch);
bool report_making_next(struct report_making *making); // one mail more; false: that was all
// Adds who gets one, and tells the operators of those who could not be reached.
void report_making_end(struct report_making *making, struct report_statements *statements);
void report_making_done(struct report_making *making);

#endif
