// SPDX-License-Identifier: MPL-2.0
// From a form of `due` to a due instant, and what pauses, extensions and later events make of it (RULES,
// sections 3 to 5). For core only.
#ifndef FRISTD_CORE_DUE_H
#define FRISTD_CORE_DUE_H

#include "core/steps.h"

// A due as it stands. What it was before rolling is kept, for a resume counts from there.
struct due_date {
    instant at;      // INSTANT_NONE: no date (yet)
    civil_date date; // before rolling
    int second;      // of that date
    bool by_instant; // an elapsed time or another rule's due: not a date, so neither rolled nor given an hour
    bool extended;   // set by an extension: never rolled, moves by dates
};

extern const struct due_date due_undated;

// What a form needs to know beside itself.
struct due_basis {
    const struct ruleset *rules;
    const struct rule *rule;
    instant at;            // the anchor, or what `from: anchor` counts from
    civil_date date;       // its local date
    civil_date due_on;     // of the event that anchors the occurrence; CIVIL_NONE: empty
    civil_date event_date; // local date of that event
    // The due of the open occurrence of a line on the same subject, and its version; false when none is open.
    bool (*shared)(void *data, int line, const struct rule **ret_rule, instant *ret_due);
    void *data;
};

// What was wrong with the data, as bits.
enum { DUE_ON_MISSING = 1, DUE_ON_EARLY = 2, DUE_NOT_SHARED = 4 };

// Every form but `every`. Returns bits of the above.
unsigned due_compute(const struct due *form, const struct due_basis *basis, struct step_list *steps,
                     struct due_date *ret_due);

// The day of an event that `on_day_of` waits for has come; `day` is its date. True when it is now the due.
bool due_join_day(struct due_date *due, const struct due *form, const struct rule *rule,
                  const struct ruleset *rules, civil_date day);

void due_extend(struct due_date *due, const struct zone *zone, civil_date day);

// Moves the due by a pause. day_of: the day that `on_day_of` waits for came meanwhile; else CIVIL_NONE.
void due_resume(struct due_date *due, const struct due *form, const struct rule *rule,
                const struct ruleset *rules, instant paused_at, instant resumed_at, civil_date day_of,
                struct step_list *steps);

#define DAY_END 86399 // the last second of a day

#endif
