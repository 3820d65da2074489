// SPDX-License-Identifier: MPL-2.0
// One look at the case database: reads what changed and what is due (or everything), decides case by case,
// and writes it down in batches, the cursor with the last one. DESIGN section 1: facts in on the left,
// decisions written down in the middle.
#ifndef FRISTD_SHELL_PASS_H
#define FRISTD_SHELL_PASS_H

#include "core/explain.h"
#include "core/rhythm.h"
#include "shell/casedb.h"
#include "shell/casework.h"

enum pass_kind {
    PASS_CHANGES, // what changed since the cursor, and what is due
    PASS_FULL,    // every case: once a night
    PASS_RULES,  // every case, with rules that the journal has not seen: what is new and already late becomes
                 // a report, not alarms
    PASS_COMPARE // every case, with rules that are not in force: what they would change; writes nothing
};

struct pass_options {
    const char *site;
    const struct ruleset *rules;
    const char *rules_fingerprint; // written down by PASS_RULES
    enum language language;        // of derivations
    const struct rhythm *rhythm;   // when what is decided may go
    struct casedb *casedb;
    struct journal *journal;
    // PASS_COMPARE: each difference, grave or not; `data` is that of pass_new. NULL: the grave ones go to the
    // log.
    void (*on_difference)(void *data, const char *case_id, const struct deadline_difference *difference);
};

struct pass_result {
    enum pass_kind kind;
    const struct error
        *err; // NULL: good. Else what was committed stands and the rest comes again: the cursor has not moved
    size_t cases, deadlines_written, transitions, notices, faults;
    size_t moved;                // cases that have another unit now; also when it was not finished
    struct rule_changes changes; // PASS_RULES, PASS_COMPARE: what the rules change of open deadlines
    bool refused; // by PASS_RULES and PASS_COMPARE: the rules name a role that nobody holds; err says which
    bool more;    // more cases were due than one pass takes: start the next at once
};

struct pass;

// The options' strings and objects must live as long as the pass. on_progress: after each batch, so that
// channels can begin.
struct pass *pass_new(const struct pass_options *options, void (*on_progress)(void *data),
                      void (*on_done)(void *data, const struct pass_result *result), void *data);
void pass_free(struct pass *pass); // only between passes; NULL is fine

// 0: ends in exactly one on_done, later. -1: not connected, and on_done is not called. Not while one runs.
// `now` holds for the whole pass.
int pass_start(struct pass *pass, enum pass_kind kind, instant now, struct error *err) MUST_CHECK;
bool pass_is_running(const struct pass *pass);

// As of the last pass that saw cases; empty before it. A pass that takes another's place takes its people
// over.
const struct people *pass_people(const struct pass *pass);
void pass_set_people(struct pass *pass, const struct people *people); // copies

#endif
