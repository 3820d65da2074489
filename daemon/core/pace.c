// SPDX-License-Identifier: MPL-2.0
#include "core/pace.h"

#include <assert.h>
#include <limits.h>

#define MINUTE_US 60000000

// A token bucket written as one number, the time at which the next would be due. With a burst of b and an
// interval of T, a minute sees at most b + (60 s / T) - 1, hence the division by per_minute - b + 1.
static void set_limit(struct pace *pace, int per_minute)
{
    assert(per_minute >= 0);
    if (per_minute == 0) {
        pace->interval_us = pace->burst_us = 0;
        return;
    }
    int burst = per_minute >= 60 ? per_minute / 60 : 1;
    int64_t steps = per_minute - burst + 1;
    pace->interval_us = (MINUTE_US + steps - 1) / steps;
    pace->burst_us = (burst - 1) * pace->interval_us;
}

void pace_init(struct pace *pace, int per_minute, int64_t now_us)
{
    pace->next_us = now_us;
    set_limit(pace, per_minute);
}

void pace_change(struct pace *pace, int per_minute, int64_t now_us)
{
    set_limit(pace, per_minute);
    // A slower limit before this one may have put the next far off.
    if (pace->next_us > now_us + pace->interval_us + pace->burst_us)
        pace->next_us = now_us + pace->interval_us + pace->burst_us;
}

int64_t pace_wait(const struct pace *pace, int64_t now_us)
{
    if (pace->interval_us == 0)
        return 0;
    int64_t wait = pace->next_us - pace->burst_us - now_us;
    return wait > 0 ? wait : 0;
}

int pace_ready(const struct pace *pace, int64_t now_us)
{
    if (pace->interval_us == 0)
        return INT_MAX;
    if (pace_wait(pace, now_us) > 0)
        return 0;
    int64_t next_us = pace->next_us > now_us ? pace->next_us : now_us;
    return (int)((now_us + pace->burst_us - next_us) / pace->interval_us) + 1;
}

void pace_take(struct pace *pace, int64_t now_us)
{
    assert(pace_wait(pace, now_us) == 0);
    if (pace->next_us < now_us)
        pace->next_us = now_us;
    pace->next_us += pace->interval_us;
}
