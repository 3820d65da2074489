// SPDX-License-Identifier: MPL-2.0
// What an acknowledgement holds back (DESIGN, section 8): what would be told to those who know already, until
// a date. Never the clock, and never a level that has not been told yet.
#ifndef FRISTD_CORE_ACKNOWLEDGEMENT_H
#define FRISTD_CORE_ACKNOWLEDGEMENT_H

#include "core/rules.h"

// What holds for one deadline: the latest that was given.
struct acknowledgement {
    int64_t id;
    instant until;    // it no longer holds from here on: its date, or when somebody ended it
    instant look_at;  // set by whoever gave or ended it, since when it waits for us; INSTANT_NONE: seen
    bool noted;       // that it was given is written down
    const char *told; // roles that have been told of this due, each with a ',' behind it
};

// A role that has been told is not told again while it holds. NULL: nothing holds.
bool acknowledgement_holds_back(const struct acknowledgement *holding, const char *role);
// The stages of an escalation that tell nobody new: bit i is set for the i-th.
uint64_t acknowledgement_silent_stages(const struct acknowledgement *holding,
                                       const struct escalation *escalation);

#endif
