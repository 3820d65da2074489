// SPDX-License-Identifier: MPL-2.0
// Is there somebody to tell at every step of every open deadline, today and through the weeks ahead whose
// absences are known? Asked before it is needed: a step that reaches nobody is found while it can be mended.
#ifndef FRISTD_CORE_REACH_H
#define FRISTD_CORE_REACH_H

#include "core/evaluate.h"
#include "core/people.h"

#define REACH_DAYS      57   // today and eight weeks
#define REACH_HOLES_MAX 5000 // kept apart; what comes on top is counted

// A step that reaches nobody on some days, of cases of one unit under one rule.
struct reach_hole {
    const char *unit, *code;
    const struct stage *stage; // the first of its escalation with these roles
    uint64_t days;             // bit i: on day today + i the step reaches nobody
    uint64_t lost;             // of these: nor does any later step
    int cases;
};

struct reach;

// Everything is borrowed until the next reach_begin or reach_free.
struct reach *reach_new(void);
void reach_free(struct reach *reach); // NULL is fine
void reach_begin(struct reach *reach, const struct ruleset *rules, const struct people *people,
                 civil_date today);
// One case with its deadlines, in the order of an evaluation; those that are closed do not count.
void reach_add(struct reach *reach, const char *unit, const char *caseworker,
               const struct deadline *deadlines, size_t deadline_count);
// By unit, code, step. Each has at least one day.
const struct reach_hole *reach_finish(struct reach *reach, size_t *ret_count);
// The holes by what can be mended, without what each day that passes changes: where they begin and end, but
// not while they last or reach beyond what is known, and not how many cases there are. After reach_finish.
// Appends.
void reach_fingerprint(const struct reach *reach, struct buffer *into);
size_t reach_left_out(const struct reach *reach); // holes beyond REACH_HOLES_MAX

// "2026-12-21 – 2027-01-03, 2027-01-11 –": the days of a mask, each run by its first and last; one that goes
// on to the end of what is known has no last. Appends.
void reach_days(civil_date today, uint64_t days, struct buffer *into);

#endif
