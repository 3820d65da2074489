// SPDX-License-Identifier: MPL-2.0
// The zone table against the C library's own reading of the same files, and by hand at the clock changes.
#include "core/zone.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define DATABASE "/usr/share/zoneinfo/"

struct file {
    unsigned char bytes[ZONE_FILE_MAX];
    size_t length;
};

static void read_file(const char *name, struct file *file)
{
    char path[256];
    snprintf(path, sizeof path, DATABASE "%s", name);
    FILE *stream = fopen(path, "rb");
    if (stream == NULL)
        fail_msg("%s is needed for this test (package tzdata)", path);
    file->length = fread(file->bytes, 1, sizeof file->bytes, stream);
    fclose(stream);
}

static struct zone *load(const char *name)
{
    static struct file file;
    read_file(name, &file);
    struct zone *zone = NULL;
    struct error err;
    if (zone_parse(name, file.bytes, file.length, &zone, &err) < 0)
        fail_msg("%s", err.text);
    return zone;
}

static instant utc(int year, int month, int day, int hour, int minute, int second)
{
    return (instant)civil_from_ymd(year, month, day) * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second;
}

// --- against the C library ---

static void compare_at(const struct zone *zone, instant at)
{
    time_t seconds = at;
    struct tm tm;
    assert_non_null(localtime_r(&seconds, &tm));
    struct civil_time local = zone_to_civil(zone, at);
    struct ymd ymd = civil_to_ymd(local.date);
    if (local.offset != tm.tm_gmtoff)
        fail_msg("%s at %lld: offset %d, the C library says %ld", zone_name(zone), (long long)at,
                 local.offset, tm.tm_gmtoff);
    assert_int_equal(ymd.year, tm.tm_year + 1900);
    assert_int_equal(ymd.month, tm.tm_mon + 1);
    assert_int_equal(ymd.day, tm.tm_mday);
    assert_int_equal(local.second, tm.tm_hour * 3600 + tm.tm_min * 60 + tm.tm_sec);
}

static long offset_of(instant at)
{
    time_t seconds = at;
    struct tm tm;
    assert_non_null(localtime_r(&seconds, &tm));
    return tm.tm_gmtoff;
}

// Compares in steps of `step`, and closely around every change of the offset between two steps.
static int compare_range(const struct zone *zone, instant from, instant until, instant step)
{
    int changes = 0;
    long before = offset_of(from);
    for (instant at = from; at < until; at += step) {
        compare_at(zone, at);
        long after = offset_of(at + step);
        if (after != before) {
            instant low = at, high = at + step; // the offset is the old one at low, another one at high
            while (high - low > 1) {
                instant middle = low + (high - low) / 2;
                if (offset_of(middle) == before)
                    low = middle;
                else
                    high = middle;
            }
            for (instant near = high - 2; near <= high + 2; near++)
                compare_at(zone, near);
            changes++;
        }
        before = after;
    }
    return changes;
}

static void set_c_library_zone(const char *name)
{
    char value[256];
    snprintf(value, sizeof value, ":%s", name);
    setenv("TZ", value, 1);
    tzset();
}

static void agrees_with_the_c_library(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int changes; // 1970-2037, where it is worth stating
    } zones[] = {
        {"Europe/Copenhagen", 116},
        {"Europe/Dublin", -1},
        {"Atlantic/Faroe", -1},
        {"America/Nuuk", -1},
        {"UTC", 0},
        {"Australia/Lord_Howe", -1},
        {"America/Sao_Paulo", -1},
        {"Asia/Tehran", -1},
        {"Africa/Casablanca", -1},
        {"Pacific/Apia", -1},
        {"Asia/Kolkata", 0},
        {"America/New_York", -1},
    };
    for (size_t i = 0; i < sizeof zones / sizeof zones[0]; i++) {
        struct zone *zone = load(zones[i].name);
        set_c_library_zone(zones[i].name);
        int changes = compare_range(zone, utc(1970, 1, 1, 0, 0, 0), utc(2038, 1, 1, 0, 0, 0), 6 * 3600 + 1);
        if (zones[i].changes >= 0)
            assert_int_equal(changes, zones[i].changes);
        compare_range(zone, utc(1900, 1, 2, 0, 0, 0), utc(1970, 1, 1, 0, 0, 0), 3 * 86400 + 1);
        compare_range(zone, utc(2038, 1, 1, 0, 0, 0), utc(2200, 12, 31, 0, 0, 0), 3 * 86400 + 1);
        zone_free(zone);
    }
    set_c_library_zone("UTC");
}

// --- local to UTC ---

// Every third of an hour of local time for 70 years: the answer shows that local time, or is the first
// instant after a gap; and no earlier instant shows it.
static void local_times_come_back(void **state)
{
    (void)state;
    static const char *const names[] = {"Europe/Copenhagen", "Australia/Lord_Howe", "America/Nuuk",
                                        "Pacific/Apia"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct zone *zone = load(names[i]);
        int gaps = 0, twice = 0;
        for (int64_t local = utc(1970, 1, 1, 0, 0, 0); local < utc(2040, 1, 1, 0, 0, 0); local += 1200) {
            civil_date date = (civil_date)(local / SECONDS_PER_DAY);
            int second = (int)(local % SECONDS_PER_DAY);
            instant at = zone_to_instant(zone, date, second);
            struct civil_time shown = zone_to_civil(zone, at), before = zone_to_civil(zone, at - 1);
            int64_t shown_local = (int64_t)shown.date * SECONDS_PER_DAY + shown.second;
            int64_t before_local = (int64_t)before.date * SECONDS_PER_DAY + before.second;
            assert_true(shown_local >= local && before_local < local);
            if (shown_local != local) { // a gap begins just before it
                assert_true(before_local + 1 <= local && shown.offset > before.offset);
                gaps++;
            }
            for (instant later = at + 1800; later <= at + 7200; later += 1800) {
                struct civil_time again = zone_to_civil(zone, later);
                twice += again.date == date && again.second == second;
            }
        }
        assert_true(gaps > 0 && twice > 0);
        zone_free(zone);
    }
}

static void clock_changes_by_hand(void **state)
{
    (void)state;
    struct zone *zone = load("Europe/Copenhagen");
    static const struct {
        const char *local, *expected;
    } rows[] = {
        // spring 2026: 02:00 to 03:00 does not exist
        {"2026-03-29T01:59:59", "2026-03-29T01:59:59+01:00"},
        {"2026-03-29T02:00:00", "2026-03-29T03:00:00+02:00"},
        {"2026-03-29T02:30:00", "2026-03-29T03:00:00+02:00"},
        {"2026-03-29T02:59:59", "2026-03-29T03:00:00+02:00"},
        {"2026-03-29T03:00:00", "2026-03-29T03:00:00+02:00"},
        {"2026-03-29T03:00:01", "2026-03-29T03:00:01+02:00"},
        // autumn 2026: 02:00 to 03:00 comes twice
        {"2026-10-25T01:59:59", "2026-10-25T01:59:59+02:00"},
        {"2026-10-25T02:00:00", "2026-10-25T02:00:00+02:00"},
        {"2026-10-25T02:30:00", "2026-10-25T02:30:00+02:00"},
        {"2026-10-25T02:59:59", "2026-10-25T02:59:59+02:00"},
        {"2026-10-25T03:00:00", "2026-10-25T03:00:00+01:00"},
        // the second of the two can still be named
        {"2026-10-25T02:30:00+01:00", "2026-10-25T02:30:00+01:00"},
        {"2026-10-24T20:00+02:00", "2026-10-24T20:00:00+02:00"},
        // the end of a day, in winter, in summer, on the days of change, and far ahead
        {"2026-01-31T23:59:59", "2026-01-31T23:59:59+01:00"},
        {"2026-07-31T23:59:59", "2026-07-31T23:59:59+02:00"},
        {"2026-03-29T23:59:59", "2026-03-29T23:59:59+02:00"},
        {"2026-10-25T23:59:59", "2026-10-25T23:59:59+01:00"},
        {"2200-12-31T23:59:59", "2200-12-31T23:59:59+01:00"},
        {"2200-07-01T12:00:00", "2200-07-01T12:00:00+02:00"},
        {"1980-04-06T02:30:00", "1980-04-06T03:00:00+02:00"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        instant at;
        char buffer[ZONE_INSTANT_SIZE];
        assert_int_equal(zone_parse_instant(zone, rows[i].local, strlen(rows[i].local), &at), 0);
        if (strcmp(zone_format(zone, at, buffer), rows[i].expected) != 0)
            fail_msg("%s became %s, not %s", rows[i].local, buffer, rows[i].expected);
    }
    // 24 hours over the change are 24 elapsed hours (RULES, section 8)
    instant start;
    char buffer[ZONE_INSTANT_SIZE];
    assert_int_equal(zone_parse_instant(zone, "2026-10-24T20:00:00+02:00", 25, &start), 0);
    assert_string_equal(zone_format(zone, start + 86400, buffer), "2026-10-25T19:00:00+01:00");
    zone_free(zone);
}

// --- text ---

static void instants_are_read(void **state)
{
    (void)state;
    struct zone *zone = load("Europe/Copenhagen");
    const instant noon = utc(2026, 5, 22, 12, 0, 0);
    static const char *const same[] = {"2026-05-22T12:00:00Z",
                                       "2026-05-22T14:00:00+02:00",
                                       "2026-05-22T14:00:00+02",
                                       "2026-05-22T14:00:00+0200",
                                       "2026-05-22 14:00:00+02",
                                       "2026-05-22T14:00:00",
                                       "2026-05-22T14:00",
                                       "2026-05-22 14:00",
                                       "2026-05-22T12:00Z",
                                       "2026-05-22T14:00:00.999999",
                                       "2026-05-22 12:00:00.5+00",
                                       "2026-05-22T14:00:00,9+02:00",
                                       "2026-05-22T07:00:00-05:00",
                                       "2026-05-22T17:30:00+05:30",
                                       "2026-05-23T02:00:00+14:00",
                                       "2026-05-22T12:00:00-00:00",
                                       "2026-05-22T12:50:20+00:50:20"};
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        instant at = 0;
        if (zone_parse_instant(zone, same[i], strlen(same[i]), &at) < 0 || at != noon)
            fail_msg("%s was read as %lld", same[i], (long long)at);
    }
    instant midnight;
    assert_int_equal(zone_parse_instant(zone, "2026-05-22", 10, &midnight), 0);
    assert_int_equal(midnight, utc(2026, 5, 21, 22, 0, 0));

    static const char *const bad[] = {"",
                                      "2026",
                                      "2026-05-22T",
                                      "2026-05-22T14",
                                      "2026-05-22T1400",
                                      "2026-05-22T24:00:00",
                                      "2026-05-22T14:60:00",
                                      "2026-05-22T14:00:60",
                                      "2026-05-22T14:00:00.",
                                      "2026-05-22T14:00.5",
                                      "2026-05-22T14:00:00+",
                                      "2026-05-22T14:00:00+2",
                                      "2026-05-22T14:00:00+02:",
                                      "2026-05-22T14:00:00+02:0",
                                      "2026-05-22T14:00:00+02:60",
                                      "2026-05-22T14:00:00+24:00",
                                      "2026-05-22T14:00:00+0200Z",
                                      "2026-05-22T14:00:00 +02:00",
                                      "2026-05-22T14:00:00+02:00 ",
                                      " 2026-05-22T14:00:00",
                                      "2026-02-30T14:00:00",
                                      "2026-05-22X14:00:00",
                                      "1899-12-31T23:59:59",
                                      "2201-01-01T00:00:00",
                                      "2200-12-31T23:30:00Z",
                                      "1900-01-01T00:00:00+02:00",
                                      "infinity",
                                      "-infinity",
                                      "now",
                                      "1779451200",
                                      "2026-05-22T14:00:00+02:0030",
                                      "2026-05-22T14:00:00+0200:30",
                                      "2026-05-22+02:00",
                                      "2026-05-22T12:00:00z",
                                      "99999-01-01T00:00:00Z",
                                      "2026-05-22T125020+00"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        instant untouched = 4711;
        if (zone_parse_instant(zone, bad[i], strlen(bad[i]), &untouched) == 0)
            fail_msg("\"%s\" was taken for an instant", bad[i]);
        assert_int_equal(untouched, 4711);
    }
    zone_free(zone);
}

static void what_is_written_is_read_again(void **state)
{
    (void)state;
    static const char *const names[] = {"Europe/Copenhagen", "America/St_Johns", "Africa/Monrovia",
                                        "Europe/Amsterdam"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct zone *zone = load(names[i]);
        for (instant at = utc(1900, 1, 2, 0, 0, 0); at < utc(2200, 12, 31, 0, 0, 0); at += 86400 * 5 + 3601) {
            char text[ZONE_INSTANT_SIZE];
            instant again;
            zone_format(zone, at, text);
            assert_int_equal(zone_parse_instant(zone, text, strlen(text), &again), 0);
            assert_int_equal(again, at);
        }
        zone_free(zone);
    }
    struct zone *zone = load("UTC");
    char text[ZONE_INSTANT_SIZE] = "x";
    assert_string_equal(zone_format(zone, INSTANT_NONE, text), "");
    assert_string_equal(zone_format(zone, 0, text), "1970-01-01T00:00:00+00:00");
    zone_free(zone);
}

static void instants_far_outside_are_survived(void **state)
{
    (void)state;
    struct zone *zone = load("Europe/Copenhagen");
    const instant far[] = {INT64_MIN, INT64_MIN + 1, INT64_MAX, -99999999999999, 99999999999999};
    for (size_t i = 0; i < sizeof far / sizeof far[0]; i++) {
        char text[ZONE_INSTANT_SIZE];
        struct civil_time local = zone_to_civil(zone, far[i]);
        assert_in_range(local.second, 0, SECONDS_PER_DAY - 1);
        assert_false(zone_covers(zone, far[i]));
        assert_true(strlen(zone_format(zone, far[i], text)) < sizeof text);
    }
    assert_true(zone_covers(zone, utc(2200, 12, 31, 22, 59, 59)));
    assert_false(zone_covers(zone, utc(2200, 12, 31, 23, 0, 0)));
    assert_true(zone_covers(zone, utc(1899, 12, 31, 23, 0, 0)));
    assert_false(zone_covers(zone, utc(1899, 12, 31, 22, 59, 59)));
    zone_free(zone);
}

// --- files made by hand ---

struct tzif {
    unsigned char bytes[4096];
    size_t length;
};

static void put(struct tzif *file, int64_t value, int size)
{
    for (int i = size - 1; i >= 0; i--)
        file->bytes[file->length++] = (unsigned char)((uint64_t)value >> (8 * i));
}

static void put_header(struct tzif *file, char version, uint32_t changes, uint32_t types)
{
    memcpy(file->bytes + file->length, "TZif", 4);
    file->length += 4;
    put(file, version, 1);
    file->length += 15; // reserved
    put(file, 0, 4);
    put(file, 0, 4);
    put(file, 0, 4);
    put(file, changes, 4);
    put(file, types, 4);
    put(file, 4, 4); // the names
}

struct made_change {
    instant at;
    int type;
};

// Offsets of types: 0 is +1 h, 1 is +2 h. The last change has type -1.
static struct tzif make(const struct made_change *changes, const char *footer)
{
    struct tzif file = {.length = 0};
    uint32_t count = 0;
    while (changes[count].type >= 0)
        count++;
    put_header(&file, '2', 0, 1);
    put(&file, 0, 6);
    memcpy(file.bytes + file.length, "UTC", 4);
    file.length += 4;
    put_header(&file, '2', count, 2);
    for (uint32_t i = 0; i < count; i++)
        put(&file, changes[i].at, 8);
    for (uint32_t i = 0; i < count; i++)
        put(&file, changes[i].type, 1);
    put(&file, 3600, 4);
    put(&file, 0, 2);
    put(&file, 7200, 4);
    put(&file, 0x100, 2);
    memcpy(file.bytes + file.length, "CET", 4);
    file.length += 4;
    memcpy(file.bytes + file.length, footer, strlen(footer));
    file.length += strlen(footer);
    return file;
}

static const struct made_change no_changes[] = {{0, -1}};

static void footers_of_every_form(void **state)
{
    (void)state;
    static const struct {
        const char *footer;
        instant at;
        int offset;
    } rows[] = {
        {"\nUTC0\n", 0, 0},
        {"\nCET-1\n", 0, 3600},
        {"\n<+0545>-5:45\n", 0, 20700},
        {"\n<-03>3\n", 0, -10800},
        {"\nLMT-0:50:20\n", 0, 3020},
        {"\nCET-1CEST,M3.5.0,M10.5.0/3\n", 1774745999, 3600}, // 2026-03-29 00:59:59Z
        {"\nCET-1CEST,M3.5.0,M10.5.0/3\n", 1774746000, 7200},
        {"\nCET-1CEST,M3.5.0,M10.5.0/3\n", 1792889999, 7200}, // 2026-10-25 00:59:59Z
        {"\nCET-1CEST,M3.5.0,M10.5.0/3\n", 1792890000, 3600},
        {"\nCET-1CEST,M3.5.0,M10.5.0/3\n", 4109878799, 3600}, // 2100-03-28 00:59:59Z, no leap year
        {"\nCET-1CEST,M3.5.0,M10.5.0/3\n", 4109878800, 7200},
        {"\nCET-1CEST,M3.5.0,M10.5.0/3\n", 4128627599, 7200}, // 2100-10-31 00:59:59Z
        {"\nCET-1CEST,M3.5.0,M10.5.0/3\n", 4128627600, 3600},
        {"\nIST-1GMT0,M10.5.0,M3.5.0/1\n", 1774746000, 3600}, // summer time the wrong way round: Ireland
        {"\nIST-1GMT0,M10.5.0,M3.5.0/1\n", 1774745999, 0},
        {"\nAEST-10AEDT,M10.1.0,M4.1.0/3\n", 1767225600, 39600}, // southern summer at New Year
        {"\nXXX3EDT2,J60,J300\n", 1772334000 + 3600 * 2 - 1,
         -10800}, // 2026-03-01 is J60: change at 02:00 -03 = 05:00Z
        {"\nXXX3EDT2,J60,J300\n", 1772334000 + 3600 * 2, -7200},
        {"\nXXX3EDT2,59,300\n", 1772334000 + 3600 * 2, -7200}, // the same day counted from 0
        {"\nXXX3EDT4,0/0,J365/23\n", 1767225600, -14400},      // summer time all year, RFC 8536 section 3.3.1
        {"\nXXX3EDT4,0/0,J365/23\n", 1782864000, -14400},
        {"\n<-02>2<-01>,M3.5.0/-1,M10.5.0/0\n", 1774745999, -7200}, // Nuuk: hour -1, on the Saturday
        {"\n<-02>2<-01>,M3.5.0/-1,M10.5.0/0\n", 1774746000, -3600},
        {"\nIST-2IDT,M3.4.4/50,M10.4.4/50\n", 1774656000, 10800}, // Friday before the last Sunday, by hour 50
        {"\nIST-2IDT,M3.4.4/50,M10.4.4/50\n", 1774655999, 7200},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tzif file = make(no_changes, rows[i].footer);
        struct zone *zone;
        struct error err = {""};
        if (zone_parse("Test", file.bytes, file.length, &zone, &err) < 0)
            fail_msg("%s: %s", rows[i].footer, err.text);
        int offset = zone_to_civil(zone, rows[i].at).offset;
        if (offset != rows[i].offset)
            fail_msg("%s at %lld: %d, not %d", rows[i].footer, (long long)rows[i].at, offset, rows[i].offset);
        zone_free(zone);
    }
}

static void bad_files_are_refused_with_words(void **state)
{
    (void)state;
    static const struct made_change unordered[] = {{1000, 1}, {1000, 0}, {0, -1}};
    static const struct made_change no_such_type[] = {{1000, 9}, {0, -1}};
    static const char cet[] = "\nCET-1CEST,M3.5.0,M10.5.0/3\n";
    const struct {
        struct tzif file;
        const char *says;
    } rows[] = {
        {make(unordered, cet), "not in order"},
        {make(no_such_type, cet), "not there"},
        {make(no_changes, ""), "footer is cut off"},
        {make(no_changes, "\nCET-1"), "footer is cut off"},
        {make(no_changes, "CET-1\n"), "footer is cut off"},
        {make(no_changes, "\nCE-1\n"), "cannot be read"},
        {make(no_changes, "\nCET\n"), "cannot be read"},
        {make(no_changes, "\nCET-25\n"), "cannot be read"},
        {make(no_changes, "\nCET-1CEST\n"), "cannot be read"},
        {make(no_changes, "\nCET-1CEST,M13.5.0,M10.5.0\n"), "cannot be read"},
        {make(no_changes, "\nCET-1CEST,M3.6.0,M10.5.0\n"), "cannot be read"},
        {make(no_changes, "\nCET-1CEST,M3.5.7,M10.5.0\n"), "cannot be read"},
        {make(no_changes, "\nCET-1CEST,M3.5.0\n"), "cannot be read"},
        {make(no_changes, "\nCET-1CEST,J366,J1\n"), "cannot be read"},
        {make(no_changes, "\nCET-1CEST,M3.5.0,M10.5.0/168\n"), "cannot be read"},
        {make(no_changes, "\nCET-1CEST,M3.5.0,M10.5.0 \n"), "cannot be read"},
        {make(no_changes, "\n<CET-1\n"), "cannot be read"},
    };
    struct zone *zone = NULL;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct error err = {""};
        assert_int_equal(zone_parse("Test/Bad", rows[i].file.bytes, rows[i].file.length, &zone, &err), -1);
        if (strstr(err.text, rows[i].says) == NULL || strstr(err.text, "Test/Bad") == NULL)
            fail_msg("row %zu: the error is \"%s\", without \"%s\"", i, err.text, rows[i].says);
    }
    struct error err = {""};
    struct tzif first_version = make(no_changes, cet);
    first_version.bytes[4] = 0;
    assert_int_equal(zone_parse("Test", first_version.bytes, first_version.length, &zone, &err), -1);
    assert_non_null(strstr(err.text, "version 1"));
    assert_int_equal(zone_parse("Test", "nonsense", 8, &zone, &err), -1);
    assert_non_null(strstr(err.text, "no TZif file"));
    assert_int_equal(zone_parse("Test", "", 0, &zone, NULL), -1);
    assert_null(zone);
}

// Cut anywhere and with every byte changed in turn, a file is read or refused, and what is read is usable.
static void damaged_files_are_survived(void **state)
{
    (void)state;
    static struct file file, damaged;
    static const char *const names[] = {"Europe/Copenhagen", "America/Nuuk"};
    int refused = 0, read = 0;
    for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
        read_file(names[n], &file);
        for (size_t i = 0; i < file.length; i++) {
            struct zone *zone;
            unsigned char *exact = malloc(i ? i : 1); // so that the sanitizer sees a read beyond the end
            memcpy(exact, file.bytes, i);
            assert_int_equal(zone_parse("cut", exact, i, &zone, NULL), -1);
            free(exact);
            static const unsigned char values[] = {0x00, 0x01, 0x7f, 0x80, 0xff, '9', ',', '\n'};
            for (size_t v = 0; v < sizeof values; v++) {
                damaged = file;
                damaged.bytes[i] = values[v];
                if (zone_parse("damaged", damaged.bytes, damaged.length, &zone, NULL) < 0) {
                    refused++;
                    continue;
                }
                read++;
                for (instant at = utc(1900, 1, 1, 0, 0, 0); at < utc(2200, 1, 1, 0, 0, 0);
                     at += 86400 * 3650) {
                    struct civil_time local = zone_to_civil(zone, at);
                    assert_in_range(local.second, 0, SECONDS_PER_DAY - 1);
                    assert_true(zone_to_instant(zone, local.date, local.second) <= at);
                }
                zone_free(zone);
            }
        }
    }
    assert_true(refused > 1000 && read > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_the_c_library),     cmocka_unit_test(local_times_come_back),
        cmocka_unit_test(clock_changes_by_hand),         cmocka_unit_test(instants_are_read),
        cmocka_unit_test(what_is_written_is_read_again), cmocka_unit_test(instants_far_outside_are_survived),
        cmocka_unit_test(footers_of_every_form),         cmocka_unit_test(bad_files_are_refused_with_words),
        cmocka_unit_test(damaged_files_are_survived),
    };
    return cmocka_run_group_tests_name("zone", tests, NULL, NULL);
}
