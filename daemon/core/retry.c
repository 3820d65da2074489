// SPDX-License-Identifier: MPL-2.0
#include "core/retry.h"

#include <assert.h>

// The finalizer of splitmix64: neighbouring seeds (row numbers) land far apart.
static uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
}

// Up to a fifth more, so that messages deferred together do not come back together.
static int64_t spread(int64_t wait_s, uint64_t seed)
{
    return wait_s + (int64_t)(mix(seed) % (uint64_t)(wait_s / 5 + 1));
}

instant retry_next(const struct retry_policy *policy, int attempts, instant decided_at, instant now,
                   uint64_t seed)
{
    assert(attempts >= 1 && policy->first_s >= 1 && policy->max_s >= policy->first_s);
    instant end = decided_at + policy->give_up_after_s;
    if (now >= end)
        return INSTANT_NONE;
    int64_t wait_s = policy->first_s;
    for (int i = 1; i < attempts && wait_s < policy->max_s; i++)
        wait_s *= 2;
    if (wait_s > policy->max_s)
        wait_s = policy->max_s;
    // The last try is made when the time is up, not given away because the wait would reach beyond it.
    instant next = now + spread(wait_s, seed);
    return next < end ? next : end;
}
