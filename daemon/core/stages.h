// SPDX-License-Identifier: MPL-2.0
// When each stage of an escalation falls for one deadline (RULES, section 6).
#ifndef FRISTD_CORE_STAGES_H
#define FRISTD_CORE_STAGES_H

#include "core/evaluate.h"

struct stage_time {
    instant at;
    int stage;  // index into escalation.stages
    int repeat; // 0: the stage itself, i: its i-th repeat
};

// All stages of the deadline with after < at <= until, and none after it has closed (missed: after its
// breach) or while it is paused, in the order of time, then of the escalation. `after` INSTANT_NONE: from the
// beginning. At most `capacity` are written to ret_times, the latest ones; returns how many there are in all.
size_t stages_between(const struct ruleset *rules, const struct deadline *deadline, instant after,
                      instant until, struct stage_time *ret_times, size_t capacity);
// The same without some stages: those whose bit is set in `left_out`.
size_t stages_between_but(const struct ruleset *rules, const struct deadline *deadline, uint64_t left_out,
                          instant after, instant until, struct stage_time *ret_times, size_t capacity);

// The first stage strictly later than `after`; INSTANT_NONE when there is none, and when closed or paused.
instant stages_next(const struct ruleset *rules, const struct deadline *deadline, instant after);

#endif
