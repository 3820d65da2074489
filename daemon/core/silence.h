// SPDX-License-Identifier: MPL-2.0
// A silence: planned, with an author, a reason and an end. While it lasts nobody is mailed about the
// deadlines that it covers; their clocks and their transitions go on, and with its end what was hidden and is
// not done is told.
#ifndef FRISTD_CORE_SILENCE_H
#define FRISTD_CORE_SILENCE_H

#include "core/people.h"
#include "core/rules.h"

struct silence {
    int64_t id;
    const char *case_id, *unit, *rule; // NULL: any; unit: and all below it; rule: its id or its code
    instant from, until;               // until: not any more
};

struct silences {
    const struct silence *rows;
    size_t count;
    const char *case_id, *unit; // of the case at hand
    const struct people *units; // the tree of units
};

// The one that lasts longest of those that cover a rule's deadlines of the case now; NULL: none. So is
// `silences` when there are none.
const struct silence *silence_of(const struct silences *silences, const struct rule *rule, instant now);

#endif
