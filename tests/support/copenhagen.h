// SPDX-License-Identifier: MPL-2.0
// Europe/Copenhagen from the system's zone database, for tests of core, which itself reads no files.
#ifndef FRISTD_TESTS_COPENHAGEN_H
#define FRISTD_TESTS_COPENHAGEN_H

#include "core/zone.h"

#include <stdio.h>
#include <stdlib.h>

static inline struct zone *copenhagen(void)
{
    static char bytes[65536];
    FILE *file = fopen("/usr/share/zoneinfo/Europe/Copenhagen", "rb");
    size_t length = file ? fread(bytes, 1, sizeof bytes, file) : 0;
    struct zone *zone;
    struct error err = {"cannot be read"};
    if (length == 0 || zone_parse("Europe/Copenhagen", bytes, length, &zone, &err) < 0) {
        fprintf(stderr, "/usr/share/zoneinfo/Europe/Copenhagen: %s\n", err.text);
        abort();
    }
    fclose(file);
    return zone;
}

// Local time of Copenhagen as an instant.
static inline instant local_time(const struct zone *zone, int year, int month, int day, int hour, int minute,
                                 int second)
{
    return zone_to_instant(zone, civil_from_ymd(year, month, day), hour * 3600 + minute * 60 + second);
}

#endif
