// SPDX-License-Identifier: MPL-2.0
// The examples that a rule carries: events of a case, and the deadlines of that rule that must come of them.
#ifndef FRISTD_CORE_EXAMPLE_H
#define FRISTD_CORE_EXAMPLE_H

#include "core/evaluate.h"

// An instant that is expected; a date alone is met by every instant of that local date.
struct expected_instant {
    enum { EXPECT_ANYTHING, EXPECT_NONE, EXPECT_INSTANT, EXPECT_DATE } form;
    instant at;
    civil_date date;
};

// What is not said of a deadline is not compared.
struct expected_deadline {
    struct place place;
    struct expected_instant due, breached, closed;
    bool has_state;
    enum deadline_state state;
    int occurrence;      // 0: not said
    const char *subject; // NULL: not said
    civil_date version;  // its valid.from; CIVIL_NONE: not said
};

// Everything is borrowed, in rules from the set's arena.
struct example {
    struct place place;
    const char *name;
    instant now;
    const char *case_type;
    struct event *events;
    size_t event_count;
    struct expected_deadline *deadlines; // all of the rule's, in the order of an evaluation
    size_t deadline_count;
    enum fault_code *faults; // all of the rule's, and those that belong to no rule
    size_t fault_count;
};

// Evaluates the example with its whole rule set. -1: something else came out; the error begins with the place
// of what was expected and says what came out instead.
int example_run(struct evaluator *evaluator, const struct zone *zone, const struct rule *rule,
                const struct example *example, struct error *err) MUST_CHECK;

#endif
