// SPDX-License-Identifier: MPL-2.0
// Compares what a case evaluates to with what the journal knows, and says what has happened and who must be
// told. Pure: the journal writes it down, the channels send it.
#ifndef FRISTD_CORE_DECIDE_H
#define FRISTD_CORE_DECIDE_H

#include "core/evaluate.h"
#include "core/people.h"
#include "core/stages.h"

// A row of the journal's table `deadline`.
struct known_deadline {
    int64_t id;
    const char *subject, *rule;
    int occurrence;
    enum deadline_state state;
    instant anchor_at, due_at, breached_at, closed_at;
    instant staged_until; // every stage at or before it is dealt with, for this due_at
    instant next_stage_at;
    civil_date valid_from;
};

enum transition_kind {
    TRANSITION_OPENED,
    TRANSITION_MOVED,
    TRANSITION_PAUSED,
    TRANSITION_RESUMED,
    TRANSITION_APPROACHING, // a stage before the breach
    TRANSITION_BREACHED,
    TRANSITION_ESCALATED, // a stage after the breach
    TRANSITION_MET,
    TRANSITION_LATE,
    TRANSITION_MISSED,
    TRANSITION_LAPSED, // closed by itself: expiry
    TRANSITION_PASSED, // closed by itself: information
    TRANSITION_CANCELLED,
    TRANSITION_REOPENED,     // the events that closed it are no longer there
    TRANSITION_WITHDRAWN,    // the case, the events or the rule it came from are no longer there
    TRANSITION_NOTICE_FAILED // a notice was given up
};

const char *transition_name(enum transition_kind kind); // "opened", …
int transition_parse(const char *name, enum transition_kind *ret_kind);

#endif
