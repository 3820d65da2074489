// SPDX-License-Identifier: MPL-2.0
// What a first run finds, so that everybody gets one report instead of a thousand alarms: leaders the counts
// of their units by rule and the worst, caseworkers a list of what is theirs.
#ifndef FRISTD_CORE_BACKLOG_H
#define FRISTD_CORE_BACKLOG_H

#include "core/casefile.h"
#include "core/evaluate.h"
#include "core/names.h"
#include "core/report.h"

struct backlog_count {
    const char *unit;
    int line; // index into ruleset.lines
    int open, breached;
};

#define BACKLOG_BROKEN_MAX 40 // of one caseworker, listed; how many more there are is said
#define BACKLOG_COMING_MAX 20
#define BACKLOG_WORST_MAX  30 // of one unit; its leader is shown fewer (core/wording.h)

// The worst of somebody's deadlines, worst first, with texts of their own.
struct backlog_list {
    struct report_deadline deadlines[BACKLOG_BROKEN_MAX];
    size_t count, all, all_of_law; // all: those that found no room, too
};

// Of a caseworker, or of a unit (broken ones alone).
struct backlog_owner {
    const char *id;
    struct backlog_list broken, coming;
};
struct backlog_owners {
    struct names ids; // number by id
    struct backlog_owner **owners;
    size_t capacity;
};

struct backlog {
    struct arena arena;
    struct backlog_count *counts;
    size_t count, capacity;
    struct backlog_owners caseworkers, units;
};

void backlog_clear(struct backlog *backlog);
void backlog_done(struct backlog *backlog);

// Counts one deadline that is not closed.
void backlog_add(struct backlog *backlog, const char *unit, const struct deadline *deadline);

// One that the report is told in place of: it is new, not closed, and a step of it has passed that is told to
// nobody. The caseworker "" has none of his own.
void backlog_add_covered(struct backlog *backlog, const struct casefile *casefile,
                         const struct deadline *deadline);

// The sums over a unit and all below it, one line a rule: "RULE OPEN BREACHED\n". Appends nothing when there
// is nothing.
void backlog_lines(const struct backlog *backlog, const struct ruleset *rules, const struct people *people,
                   const char *unit, struct buffer *into);

// The reports: one for each row of a leader with an address in whose unit, or below it, there is something.
// facts: the unit on a line, then backlog_lines(), then the worst as a report_mail; valid during the call.
void backlog_reports(const struct backlog *backlog, const struct ruleset *rules, const struct people *people,
                     void (*on_report)(void *data, const struct person *leader, const char *facts),
                     void *data);

// One for each caseworker with something in it, to himself or whoever stands in for him. facts: a
// report_mail; valid during the call. recipient NULL: nobody can be reached.
void backlog_own_reports(const struct backlog *backlog, const struct ruleset *rules,
                         const struct people *people, instant now,
                         void (*on_report)(void *data, const char *caseworker,
                                           const struct recipient *recipient, const char *facts),
                         void *data);

// True for a role that some escalation names and that is not the caseworker: its holders are leaders.
bool backlog_is_leader(const struct ruleset *rules, const char *role);

#endif
