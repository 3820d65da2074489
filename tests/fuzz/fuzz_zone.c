// SPDX-License-Identifier: MPL-2.0
// Any bytes as a TZif file: what is accepted converts both ways without contradicting itself.
#include "fuzz.h"

#include "core/zone.h"

#include <assert.h>
#include <string.h>

static void try_instant(const struct zone *zone, instant at)
{
    struct civil_time local = zone_to_civil(zone, at);
    assert(local.second >= 0 && local.second < SECONDS_PER_DAY);
    if (!zone_covers(zone, at))
        return;
    instant first = zone_to_instant(zone, local.date, local.second);
    assert(first <= at); // the same, or the first of several that show this local time
    struct civil_time again =
        zone_to_civil(zone, first); // later only where changes follow each other like no real ones
    assert(again.date > local.date || (again.date == local.date && again.second >= local.second));

    char text[ZONE_INSTANT_SIZE];
    instant read;
    zone_format(zone, at, text);
    assert(zone_parse_instant(zone, text, strlen(text), &read) == 0 && read == at);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct zone *zone = NULL;
    struct error err = {{0}};
    if (zone_parse("Fuzz/Zone", data, size, &zone, &err) < 0) {
        assert(err.text[0] != '\0');
        return 0;
    }
    for (int day = CIVIL_MIN - 2; day <= CIVIL_MAX + 2; day += 97)
        try_instant(zone, (instant)day * SECONDS_PER_DAY + day % SECONDS_PER_DAY);
    zone_free(zone);
    return 0;
}
