// SPDX-License-Identifier: MPL-2.0
#include "core/silence.h"

#include <string.h>

static bool covers(const struct silence *silence, const struct silences *of, const struct rule *rule,
                   instant now)
{
    return silence->from <= now && now < silence->until &&
           (silence->case_id == NULL || strcmp(silence->case_id, of->case_id) == 0) &&
           (silence->unit == NULL || people_is_below(of->units, of->unit, silence->unit)) &&
           (silence->rule == NULL || strcmp(silence->rule, rule->code) == 0 ||
            strcmp(silence->rule, rule->id) == 0);
}

const struct silence *silence_of(const struct silences *silences, const struct rule *rule, instant now)
{
    const struct silence *longest = NULL;
    for (size_t i = 0; silences && i < silences->count; i++) {
        const struct silence *silence = &silences->rows[i];
        if (covers(silence, silences, rule, now) && (longest == NULL || silence->until > longest->until))
            longest = silence;
    }
    return longest;
}
