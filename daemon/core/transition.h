// SPDX-License-Identifier: MPL-2.0
// A transition as the journal holds it and the outside sees it: the closed list of what may leave the house.
#ifndef FRISTD_CORE_TRANSITION_H
#define FRISTD_CORE_TRANSITION_H

#include "core/decide.h"

struct transition {
    int64_t number; // without gaps, from 1
    enum transition_kind kind;
    instant at;          // when it happened in the case's life (the due passed, the event occurred)
    instant recorded_at; // when the daemon wrote it down
    const char *case_id, *subject, *unit;
    const char *rule, *code; // the id leaves the house only where the site has switched that on
    enum rule_kind rule_kind;
    bool sensitive;
    int occurrence;
    enum deadline_state state;
    instant anchor_at; // INSTANT_NONE: it is a birth, or can be one
    instant due_at, breached_at, closed_at;
    instant acknowledged_until; // TRANSITION_ACKNOWLEDGED: when that ends
    bool late;                  // a stage that fired after its time (outage, late registration)
    enum retained retained;
};

// Takes away when a child was born: no anchor, and what a birth did happened when it was written down. With
// the two of the rule (core/rules.h). The due stands: it is what the mails are about.
void transition_hide_birth(struct transition *transition, bool from_birth, bool by_birth);

#endif
