// SPDX-License-Identifier: MPL-2.0
// From a case and its events to deadlines: the pure heart (RULES, section 5). Same input, same output; no
// clock.
#ifndef FRISTD_CORE_EVALUATE_H
#define FRISTD_CORE_EVALUATE_H

#include "core/casefile.h"
#include "core/rules.h"

enum deadline_state {
    STATE_OPEN,
    STATE_BREACHED,
    STATE_PAUSED,
    STATE_MET,
    STATE_LATE,
    STATE_MISSED,
    STATE_CANCELLED,
    STATE_LAPSED,
    STATE_PASSED
};

const char *deadline_state_name(enum deadline_state state); // "open", …
int deadline_state_parse(const char *name, enum deadline_state *ret_state);
static inline bool deadline_is_closed(enum deadline_state state)
{
    return state >= STATE_MET;
}

struct deadline {
    const struct rule *rule; // the version that applies
    const char *subject;     // "" the case as a whole; points into the case or the rules
    int occurrence;          // from 1
    enum deadline_state state;
    instant anchor_at, due_at, breached_at, closed_at; // INSTANT_NONE where RULES says null
    instant paused_at;  // start of a pause that nothing has ended but a cancel, or INSTANT_NONE
    instant next_stage; // first stage later than now, or INSTANT_NONE
    // Series and at_start: 1 and the missed ones right before this occurrence, so when this one is missed how
    // many are missed in a row; else 0.
    int missed_in_a_row;
    // Only when asked for (EVALUATE_EXPLAIN): how the date came about, in order.
    const struct step *steps;
    int step_count;
};

// When a due turns into a breach: the first second after it, but not before the first one after the anchor.
// INSTANT_NONE without a due.
static inline instant breach_instant(instant due_at, instant anchor_at)
{
    if (due_at == INSTANT_NONE)
        return INSTANT_NONE;
    return (due_at > anchor_at ? due_at : anchor_at) + 1;
}

// One step of an explanation; explain.h puts it into words.
struct step;

struct evaluation {
    struct deadline *deadlines; // by rule id, subject (bytewise, empty first), occurrence
    size_t deadline_count;
    struct fault *faults; // in the order of RULES section 7
    size_t fault_count;
    // The first instant after now at which this evaluation can come out differently or a stage falls due: the
    // least of next due or closing, next_stage and the first event later than now; INSTANT_NONE: never
    // without new events.
    instant wake_at;
};

#define EVALUATE_EXPLAIN 1u

// Of one rule on one subject the latest so many occurrences are results: 27 years of a daily series. Earlier
// ones are evaluated like any other, keep their numbers and their breaches, but are left out.
#define OCCURRENCES_MAX 10000

struct evaluator; // scratch memory, reused from case to case; one per thread

struct evaluator *evaluator_new(const struct ruleset *rules);
void evaluator_free(struct evaluator *evaluator); // NULL is fine

// The result lives until the next call on this evaluator. The case must live as long as the result is used.
const struct evaluation *evaluate(struct evaluator *evaluator, const struct casefile *casefile, instant now,
                                  unsigned flags);

#endif
