// SPDX-License-Identifier: MPL-2.0
// When a message that could not be delivered is tried again, and when it is given up.
#ifndef FRISTD_CORE_RETRY_H
#define FRISTD_CORE_RETRY_H

#include "core/civil.h"

struct retry_policy {
    int first_s, max_s;  // the wait doubles from first to max
    int give_up_after_s; // counted from when the message was decided
};

// The next try after `attempts` failed ones (>= 1), with a spread of up to a fifth that depends on `seed`
// alone; INSTANT_NONE: give up.
instant retry_next(const struct retry_policy *policy, int attempts, instant decided_at, instant now,
                   uint64_t seed);

#endif
