// SPDX-License-Identifier: MPL-2.0
#include "core/casefile.h"

#include <assert.h>

const char *fault_name(enum fault_code code)
{
    static const char *const names[] = {
        [FAULT_STOP_BEFORE_START] = "stop_before_start",
        [FAULT_DOUBLE_START] = "double_start",
        [FAULT_DUE_ON_MISSING] = "due_on_missing",
        [FAULT_DUE_ON_EARLY] = "due_on_early",
        [FAULT_NO_DEADLINE_TO_SHARE] = "no_deadline_to_share",
        [FAULT_BIRTH_IN_FUTURE] = "birth_in_future",
        [FAULT_DUPLICATE_EVENT] = "duplicate_event",
        [FAULT_UNKNOWN_CASE] = "unknown_case",
        [FAULT_BAD_ROW] = "bad_row",
        [FAULT_TWO_ADDRESSES] = "two_addresses",
        [FAULT_BAD_ADDRESS] = "bad_address",
        [FAULT_TWO_PARENTS] = "two_parents",
        [FAULT_UNKNOWN_UNIT] = "unknown_unit",
        [FAULT_UNIT_CIRCLE] = "unit_circle",
        [FAULT_UNKNOWN_SUBSTITUTE] = "unknown_substitute",
        [FAULT_SUBSTITUTE_CIRCLE] = "substitute_circle",
        [FAULT_AWAY_BACKWARDS] = "away_backwards",
        [FAULT_UNKNOWN_KIND] = "unknown_kind",
    };
    assert((size_t)code < sizeof names / sizeof names[0]);
    return names[code];
}
