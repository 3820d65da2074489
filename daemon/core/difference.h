// SPDX-License-Identifier: MPL-2.0
// What another set of rules makes of the deadlines of a case: which move, appear, vanish or change their
// state.
#ifndef FRISTD_CORE_DIFFERENCE_H
#define FRISTD_CORE_DIFFERENCE_H

#include "core/decide.h"

enum difference_kind {
    DIFFERENCE_MOVED,    // another due; the state may be another one, too
    DIFFERENCE_STATE,    // the same due, another state
    DIFFERENCE_APPEARED, // was not there
    DIFFERENCE_VANISHED  // is not there any more
};

struct deadline_difference {
    enum difference_kind kind;
    const char *rule, *code, *subject;
    int occurrence;
    instant old_due, new_due;                 // INSTANT_NONE: no date, or not there
    enum deadline_state old_state, new_state; // where it is there
};

const char *difference_name(enum difference_kind kind); // "moved", …

// Both sides are in the order of an evaluation. Deadlines that are on both sides closed before `since` are
// left out (INSTANT_NONE: none is). The difference is valid during the call.
void differences_find(const struct known_deadline *before, size_t before_count,
                      const struct evaluation *after, instant since,
                      void (*on_difference)(void *data, const struct deadline_difference *difference),
                      void *data);

// Whether a change of the rules that does this is taken only when somebody agrees: an open deadline gets
// another date, is gone or is closed; or one that is breached turns up.
bool difference_is_grave(const struct deadline_difference *difference);

#endif
