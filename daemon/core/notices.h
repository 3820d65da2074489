// SPDX-License-Identifier: MPL-2.0
// Who gets a notice when a stage fires, and what a step that reaches nobody becomes (DESIGN, section 8).
#ifndef FRISTD_CORE_NOTICES_H
#define FRISTD_CORE_NOTICES_H

#include "core/decide.h"
#include "core/people.h"

#define NOTICES_MAX 64 // recipients of one step; more than any leadership has

struct addressees {
    struct recipient recipients[NOTICES_MAX]; // each person once
    size_t count;
    bool nobody;     // the step itself reached nobody: operators are told
    bool next_level; // the recipients are those of a later step, told in its place
};

// The recipients of the stages that fire with one happening. A step whose roles are all without a living
// person is not waited out: the next steps of the escalation are asked in turn.
void notices_address(const struct happening *happening, const struct rule *rule, const struct people *people,
                     const char *unit, const char *caseworker, civil_date today,
                     struct addressees *ret_addressees);

// Recipients of the first step after the one that fired at `stage` which reaches somebody other than
// `except`; for a notice that was given up.
void notices_next_level(const struct rule *rule, int stage, const struct people *people, const char *unit,
                        const char *caseworker, civil_date today, const char *except,
                        struct addressees *ret_addressees);

// The level above somebody, for a report on what he has done: leaders of his own unit when he is none
// himself, else of the unit above it; looked for upwards from `unit` when he is not known. Never himself.
void notices_level_above(const struct ruleset *rules, const struct people *people, const char *person_id,
                         const char *unit, civil_date today, struct addressees *ret_addressees);

// 0 when every role of the set's escalations is held by somebody. Else -1 and the first that is not, with
// "file:line:column: ", the roles there are and the nearest of them. Roles have no other list than the
// people: a misspelt one would reach nobody, for ever.
int notices_check_roles(const struct ruleset *rules, const struct people *people,
                        struct error *err) MUST_CHECK;

#endif
