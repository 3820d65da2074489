// SPDX-License-Identifier: MPL-2.0
// Keeps to so many a minute, smoothly: never more than that in any minute, never more than a second's worth
// at once.
#ifndef FRISTD_CORE_PACE_H
#define FRISTD_CORE_PACE_H

#include <stdbool.h>
#include <stdint.h>

struct pace {
    int64_t interval_us, burst_us; // interval 0: no limit
    int64_t next_us;               // when the next would come if all kept their distance
};

// per_minute 0: no limit. Times are microseconds of any clock that never goes back.
void pace_init(struct pace *pace, int per_minute, int64_t now_us);
// Another limit from now on; what went out before still counts.
void pace_change(struct pace *pace, int per_minute, int64_t now_us);
// Microseconds until the next may go; 0: now.
int64_t pace_wait(const struct pace *pace, int64_t now_us);
// How many may go now.
int pace_ready(const struct pace *pace, int64_t now_us);
// One goes now; pace_wait has said 0.
void pace_take(struct pace *pace, int64_t now_us);

#endif
