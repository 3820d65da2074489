// SPDX-License-Identifier: MPL-2.0
// Any bytes as an instant: what is accepted is within the promised years and survives being written and read.
#include "fuzz.h"

#include "../support/copenhagen.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct zone *zone = copenhagen();
    instant at, again;
    if (zone_parse_instant(zone, (const char *)data, size, &at) == 0) {
        char text[ZONE_INSTANT_SIZE];
        assert(zone_covers(zone, at));
        zone_format(zone, at, text);
        assert(zone_parse_instant(zone, text, strlen(text), &again) == 0 && again == at);
    }
    zone_free(zone);
    return 0;
}
