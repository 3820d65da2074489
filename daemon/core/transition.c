// SPDX-License-Identifier: MPL-2.0
#include "core/transition.h"

void transition_hide_birth(struct transition *transition, bool from_birth, bool by_birth)
{
    enum transition_kind kind = transition->kind;
    if (from_birth) {
        transition->anchor_at = INSTANT_NONE;
        if (kind == TRANSITION_OPENED)
            transition->at = transition->recorded_at;
    }
    if (by_birth) {
        if (transition->closed_at != INSTANT_NONE)
            transition->closed_at = transition->recorded_at;
        if (kind == TRANSITION_PAUSED || kind == TRANSITION_MET || kind == TRANSITION_LATE ||
            kind == TRANSITION_CANCELLED)
            transition->at = transition->recorded_at;
    }
}
