// SPDX-License-Identifier: MPL-2.0
// What a look at the cases has found that is no notice of one deadline: steps that reach nobody, faults in
// the data, what changed rules change, an old database's backlog. Gathered case by case; at the end of the
// look it becomes reports.
#ifndef FRISTD_SHELL_FINDINGS_H
#define FRISTD_SHELL_FINDINGS_H

#include "core/backlog.h"
#include "core/reach.h"
#include "shell/look.h"

// Lines of one mail; the rest is counted.
struct findings_lines {
    struct buffer text;
    size_t count;
};

struct findings {
    struct look *look;
    struct findings_lines of_operators, of_faults, of_changes;
    struct backlog backlog;
    struct reach *reach;
    bool reach_wanted, reach_begun;
};

void findings_init(struct findings *findings, struct look *look); // borrows the look
void findings_done(struct findings *findings);
// A new look. keep_changes: those of a look that was broken off are still to be reported.
void findings_begin(struct findings *findings, bool keep_changes);

// "what" is that of struct operator_line (core/wording.h).
void findings_add_operator_line(struct findings *findings, const char *what, const char *case_id,
                                const char *code, const char *detail);
void findings_add_fault(struct findings *findings, const struct journal_fault *fault);
// Returns whether there is still room for it among what is listed.
bool findings_add_change(struct findings *findings, const char *what, const char *case_id, const char *code,
                         const char *words);
#define FINDINGS_CHANGES_MAX 50 // listed, in the log and in the mail; `fristd compare` lists all

// Asks of every case that is added whether each step of its escalations will reach somebody (core/reach.h).
void findings_want_reach(struct findings *findings);
void findings_add_case(struct findings *findings, const struct casefile *casefile,
                       const struct evaluation *evaluation);

// Reach goes first, and is told when it is not as it was: `before` is what was written down about it last,
// ret_state what is to be; nothing is added when it was not wanted or no case has come.
void findings_report_reach(struct findings *findings, const char *before, struct buffer *ret_state);
// Addresses that were refused ADDRESS_REFUSALS times, once; those that have changed are forgotten.
#define ADDRESS_REFUSALS 3
void findings_report_refusals(struct findings *findings, const struct known_refusal *refusals, size_t count);
void findings_report_backlog(struct findings *findings);
void findings_report_to_operators(struct findings *findings); // what has come together so far
void findings_report_faults(struct findings *findings, const char *today);
void findings_report_changes(struct findings *findings);

#endif
