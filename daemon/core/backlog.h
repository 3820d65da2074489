// SPDX-License-Identifier: MPL-2.0
// Counts what a first run finds, per unit and rule, so that each leader gets one report instead of a thousand
// alarms.
#ifndef FRISTD_CORE_BACKLOG_H
#define FRISTD_CORE_BACKLOG_H

#include "core/evaluate.h"
#include "core/people.h"

struct backlog_count {
    const char *unit;
    int line; // index into ruleset.lines
    int open, breached;
};

struct backlog {
    struct arena arena;
    struct backlog_count *counts;
    size_t count, capacity;
};

void backlog_clear(struct backlog *backlog);
void backlog_done(struct backlog *backlog);

// Counts one deadline that is not closed.
void backlog_add(struct backlog *backlog, const char *unit, const struct deadline *deadline);

// The sums over a unit and all below it, one line a rule: "RULE OPEN BREACHED\n". Appends nothing when there
// is nothing.
void backlog_lines(const struct backlog *backlog, const struct ruleset *rules, const struct people *people,
                   const char *unit, struct buffer *into);

// The reports: one for each row of a leader with an address in whose unit, or below it, there is something.
// facts: the unit on a line, then backlog_lines(); valid during the call.
void backlog_reports(const struct backlog *backlog, const struct ruleset *rules, const struct people *people,
                     void (*on_report)(void *data, const struct person *leader, const char *facts),
                     void *data);

// True for a role that some escalation names and that is not the caseworker: its holders are leaders.
bool backlog_is_leader(const struct ruleset *rules, const char *role);

#endif
