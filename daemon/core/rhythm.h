// SPDX-License-Identifier: MPL-2.0
// When a mail to somebody may go (DESIGN, section 8): what is urgent at once, anything else together with
// what comes soon after it, within office hours, and not more than so many a day.
#ifndef FRISTD_CORE_RHYTHM_H
#define FRISTD_CORE_RHYTHM_H

#include "core/office_hours.h"
#include "core/people.h"
#include "core/rules.h"

#define RHYTHM_LISTED_MAX 50 // notices that a mail may tell one by one

struct unit_hours {
    const char *unit;
    struct place place; // for messages
    struct office_hours hours;
};

struct rhythm {
    int group_wait_s;    // 0: each notice is a mail of its own
    int mails_per_day;   // to one person; what is not urgent waits beyond it. 0: no bound
    int urgent_per_hour; // to one person as mails of their own; more of them share mails. 0: no bound
    int listed;          // a mail of more notices than these tells sums and the worst of them
    struct office_hours hours;
    const struct unit_hours *units; // those with hours of their own; they hold for the units below, too
    size_t unit_count;
};

// The hours of a unit: its own, or those of the nearest unit above that has some.
const struct office_hours *rhythm_hours(const struct rhythm *rhythm, const struct people *people,
                                        const char *unit);

// When what is decided at `now` for this person may go, if it is not urgent.
instant rhythm_next(const struct rhythm *rhythm, const struct ruleset *rules, const struct people *people,
                    const char *person_id, instant now, bool *ret_outside_hours);
// His next working morning.
instant rhythm_next_morning(const struct rhythm *rhythm, const struct ruleset *rules,
                            const struct people *people, const char *person_id, instant now);

bool rhythm_is_always_open(const struct rhythm *rhythm); // no hours hold anything back

// When at the latest somebody hears what became of a deadline that he was told of.
instant rhythm_follow_up(const struct rhythm *rhythm, const struct ruleset *rules, instant now);

// 0 when every unit with hours of its own is among the people's units. Else -1 and the first that is not,
// with "file:line:column: " and the nearest that is.
int rhythm_check_units(const struct rhythm *rhythm, const struct people *people,
                       struct error *err) MUST_CHECK;

#endif
