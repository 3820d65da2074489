// SPDX-License-Identifier: MPL-2.0
// One time zone as a table of its offset changes: local civil time to instant and back, without the C
// library's process-wide zone. Read from the bytes of a TZif file (RFC 8536); reading the file is the shell's
// work.
#ifndef FRISTD_CORE_ZONE_H
#define FRISTD_CORE_ZONE_H

#include "core/civil.h"
#include "core/error.h"

struct zone;

struct civil_time {
    civil_date date;
    int second; // of the day, 0..86399
    int offset; // seconds east of UTC that were in force
};

#define ZONE_FILE_MAX 65536 // the largest file of the zone database has under 4 KiB

// Parses version 2+ TZif data; its footer rule is unrolled to CIVIL_YEAR_MAX. The caller frees the zone.
int zone_parse(const char *name, const void *tzif, size_t length, struct zone **ret_zone,
               struct error *err) MUST_CHECK;
void zone_free(struct zone *zone); // NULL is fine
const char *zone_name(const struct zone *zone);

// Whether the local date is within the promised years. What comes from outside is checked with this; the
// conversions below are right from 1900 to 2200, and keep the offset of their ends outside.
bool zone_covers(const struct zone *zone, instant at);

// An instant outside the years 1 to 9999 is taken as the nearest inside.
struct civil_time zone_to_civil(const struct zone *zone, instant at);
civil_date zone_date(const struct zone *zone, instant at); // the local date

// A local time that the clock skips becomes the first instant after the gap; one that comes twice, the first
// (RULES, section 3). `second` may be 0..86399.
instant zone_to_instant(const struct zone *zone, civil_date date, int second);

#define ZONE_INSTANT_SIZE 32
// "2026-05-22T15:30:00+02:00", local time with offset (with seconds where it has some, as before 1940 in some
// zones); INSTANT_NONE gives "". Returns buffer.
const char *zone_format(const struct zone *zone, instant at, char buffer[ZONE_INSTANT_SIZE]);

// ISO 8601 with 'T' or a space, optional seconds and fraction (cut off), optional offset "Z", "+02",
// "+02:00", "+0200" (seconds may follow in the same style); without one it is civil time of the zone; a bare
// date is its midnight. Whole text; -1 when malformed or outside the promised years.
int zone_parse_instant(const struct zone *zone, const char *text, size_t length, instant *ret_at);

#endif
