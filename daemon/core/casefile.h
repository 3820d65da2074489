// SPDX-License-Identifier: MPL-2.0
// A case with all its events, as read from the case database or a line of `fristd evaluate`.
#ifndef FRISTD_CORE_CASEFILE_H
#define FRISTD_CORE_CASEFILE_H

#include "core/civil.h"

// Longest identifier of the contract in bytes (case, event, subject, kind, unit, person); longer is a bad
// row.
#define CASEFILE_ID_MAX 200

struct event {
    const char *id, *subject; // subject "" is the case as a whole
    const char *kind;
    instant at;        // occurred_at, fraction cut off
    civil_date due_on; // CIVIL_NONE: empty
};

struct casefile {
    const char *id, *type;
    const char *unit, *caseworker; // "" when the case has none
    struct event *events;          // in the order of the input
    size_t event_count;
};

// The codes of RULES, section 5, then what only the daemon can see.
enum fault_code {
    FAULT_STOP_BEFORE_START,
    FAULT_DOUBLE_START,
    FAULT_DUE_ON_MISSING,
    FAULT_DUE_ON_EARLY,
    FAULT_NO_DEADLINE_TO_SHARE,
    FAULT_BIRTH_IN_FUTURE,
    FAULT_DUPLICATE_EVENT,
    FAULT_UNKNOWN_CASE,
    FAULT_BAD_ROW,
    // Of people and units (core/people_check.h); the subject is the id of the person or unit.
    FAULT_TWO_ADDRESSES,
    FAULT_BAD_ADDRESS,
    FAULT_TWO_PARENTS,
    FAULT_UNKNOWN_UNIT,
    FAULT_UNIT_CIRCLE,
    FAULT_UNKNOWN_SUBSTITUTE,
    FAULT_SUBSTITUTE_CIRCLE,
    FAULT_AWAY_BACKWARDS,
    FAULT_UNKNOWN_KIND, // a kind that no rule knows; never from evaluate()
};

struct fault {
    enum fault_code code;
    const char *rule;     // id, or NULL
    const char *subject;  // NULL when it has none
    const char *event_id; // NULL when it has none
    const char *reason;   // BAD_ROW: which field and what is wrong with it, never its content; else NULL
};

const char *fault_name(enum fault_code code); // "stop_before_start", …

#endif
