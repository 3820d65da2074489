// SPDX-License-Identifier: MPL-2.0
// A larger problem of a case mutes smaller ones (`muted_by`, RULES, section 6): what a smaller one would tell
// is noted and not told while the larger one stands breached, and only if all whom it would reach have been
// told of that breach. The clock and the transitions go on; once nothing mutes it any more it is told at
// once.
#ifndef FRISTD_CORE_MUTING_H
#define FRISTD_CORE_MUTING_H

#include "core/decide.h"
#include "core/people.h"

// Who would be told: of the case at hand, today.
struct muting {
    const struct people *people;
    const char *unit, *caseworker;
    civil_date today;
};

// For decide(): takes the recipients from what is muted, and ends what was and is not any more. `muting`
// NULL: nothing is muted.
void muting_apply(const struct muting *muting, const struct evaluation *evaluation,
                  const struct known_deadline *known, size_t known_count, struct decision *decision);

#endif
