// SPDX-License-Identifier: MPL-2.0
// The inside of an evaluator: the case at hand as the rules see it, and where results go. Shared by
// evaluate.c, duty.c and series.c only.
#ifndef FRISTD_CORE_EVALUATOR_H
#define FRISTD_CORE_EVALUATOR_H

#include "core/evaluate.h"
#include "core/rules_index.h"
#include "core/steps.h"

// An event as the rules see it: one of the case that has happened and that some rule knows, or the breach of
// a rule.
struct seen_event {
    instant at;
    civil_date date;             // local
    civil_date due_on;           // CIVIL_NONE: empty
    const char *id;              // NULL: a breach
    int kind;                    // number; -1: a breach, or a kind that no rule knows
    int breach_of;               // line; -1: an event of the case
    const struct rule *breached; // its version; NULL: an event of the case
    int subject;                 // number; 0: the case as a whole
    int order; // place among the case's events; -1: a breach, before every event of its second
};

// What another rule may take from a line on a subject from this moment on. Sorted by line, subject, moment.
struct shared_due {
    int line, subject;
    instant at; // this moment: at, then order
    int order;
    bool open;
    const struct rule *rule; // of the open one
    instant due_at;
};

// A deadline with where its steps begin.
struct draft {
    struct deadline deadline;
    size_t first_step;
};

// The drafts of one rule on one subject.
struct section {
    int line_rank;
    const char *subject;
    size_t first, count;
};

struct evaluator {
    const struct ruleset *rules;
    char *case_type;       // of the last case
    bool *applicable;      // by rule number: not inert, and speaks of that type
    bool *line_applicable; // by line: some version does
    bool explain;
    instant now, wake_at;

    // The case: its events in the order of RULES, section 5, and the same one subject after another.
    struct names ids, subjects;
    const char **subject_names; // by number; "" is 0
    struct seen_event *events;
    const struct seen_event **by_subject;
    size_t *subject_starts; // where each subject's begin; one more at the end
    size_t event_count, event_capacity;

    // The run through the rules.
    uint64_t *waiting; // set of lines that something starts in this case
    uint32_t *marks;   // by subject: the round in which a start was last found on it
    uint32_t round;
    struct arena arena; // holds the breaches
    const struct seen_event **breaches;
    size_t breach_count, breach_capacity;
    const struct seen_event **stream; // what one rule sees of one subject
    size_t stream_capacity;
    struct shared_due *shared;
    size_t shared_count, shared_capacity;

    // What came out.
    struct draft *drafts;
    size_t draft_count, draft_capacity;
    struct section *sections;
    size_t section_count, section_capacity;
    struct step_list steps;
    struct deadline *deadlines;
    size_t deadline_capacity;
    struct fault *faults;
    size_t fault_count, fault_capacity;
    struct evaluation result;
};

// subject -1 and event NULL: it has none.
void evaluator_fault(struct evaluator *evaluator, enum fault_code code, const struct rule *rule, int subject,
                     const struct seen_event *event);

// The breach of an occurrence of a rule at an instant up to now: an event for the rules that start on it.
void evaluator_breach(struct evaluator *evaluator, const struct rule *rule, int subject, instant at);

// What line has on the subject after the event of this moment, for `same_as`, and by which version. False:
// nothing open.
bool evaluator_shared(const struct evaluator *evaluator, int line, int subject, instant at, int order,
                      const struct rule **ret_rule, instant *ret_due);

// Something changes by itself at this instant, if it is later than now.
void evaluator_wake(struct evaluator *evaluator, instant at);

// When an event of one of these kinds first happened in the case; INSTANT_NONE: not up to now.
instant evaluator_first_of(const struct evaluator *evaluator, const struct kind_list *kinds);

#endif
