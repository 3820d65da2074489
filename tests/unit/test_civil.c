// SPDX-License-Identifier: MPL-2.0
#include "core/civil.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static civil_date date(const char *text)
{
    civil_date result;
    assert_int_equal(civil_parse_date(text, strlen(text), &result), 0);
    return result;
}

// Counts through every day from 1600 to 2600 by the calendar's own definition.
static void every_day_has_its_number(void **state)
{
    (void)state;
    civil_date expected = civil_from_ymd(1600, 1, 1);
    enum weekday weekday = SATURDAY; // 1600-01-01 was a Saturday
    for (int year = 1600; year <= 2600; year++) {
        bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        const int lengths[] = {31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
        for (int month = 1; month <= 12; month++) {
            assert_int_equal(civil_days_in_month(year, month), lengths[month - 1]);
            for (int day = 1; day <= lengths[month - 1]; day++) {
                assert_int_equal(civil_from_ymd(year, month, day), expected);
                struct ymd ymd = civil_to_ymd(expected);
                assert_int_equal(ymd.year, year);
                assert_int_equal(ymd.month, month);
                assert_int_equal(ymd.day, day);
                assert_int_equal(civil_weekday(expected), weekday);
                expected++;
                weekday = weekday == SUNDAY ? MONDAY : weekday + 1;
            }
        }
    }
    assert_int_equal(civil_from_ymd(1970, 1, 1), 0);
    assert_int_equal(civil_weekday(0), THURSDAY);
}

static void agrees_with_the_c_library(void **state)
{
    (void)state;
    for (int64_t day = -1000000; day <= 3000000; day += 997) {
        time_t seconds = day * SECONDS_PER_DAY;
        struct tm tm;
        assert_non_null(gmtime_r(&seconds, &tm));
        struct ymd ymd = civil_to_ymd((civil_date)day);
        assert_int_equal(ymd.year, tm.tm_year + 1900);
        assert_int_equal(ymd.month, tm.tm_mon + 1);
        assert_int_equal(ymd.day, tm.tm_mday);
        assert_int_equal(((int)civil_weekday((civil_date)day) + 1) % 7, tm.tm_wday);
    }
}

static void extreme_day_numbers_are_survived(void **state)
{
    (void)state;
    const civil_date extremes[] = {CIVIL_NONE, CIVIL_NONE + 1, INT32_MAX, INT32_MAX - 1};
    for (size_t i = 0; i < sizeof extremes / sizeof extremes[0]; i++) {
        struct ymd ymd = civil_to_ymd(extremes[i]);
        assert_in_range(ymd.month, 1, 12);
        assert_in_range(ymd.day, 1, 31);
        assert_in_range(civil_weekday(extremes[i]), MONDAY, SUNDAY);
    }
    assert_int_equal(civil_clamp(INT64_MIN), CIVIL_MIN);
    assert_int_equal(civil_clamp(INT64_MAX), CIVIL_MAX);
    assert_int_equal(civil_clamp(0), 0);
}

static void the_bounds_are_the_years(void **state)
{
    (void)state;
    assert_int_equal(CIVIL_MIN, civil_from_ymd(CIVIL_YEAR_MIN, 1, 1));
    assert_int_equal(CIVIL_MAX, civil_from_ymd(CIVIL_YEAR_MAX, 12, 31));
}

static void months_keep_the_day_or_take_the_last(void **state)
{
    (void)state;
    static const struct {
        const char *from;
        int months;
        const char *expected;
    } rows[] = {
        {"2025-10-31", 4, "2026-02-28"},      {"2027-10-31", 4, "2028-02-29"},
        {"2025-11-30", 3, "2026-02-28"},      {"2026-03-02", 1, "2026-04-02"},
        {"2026-01-31", 1, "2026-02-28"},      {"2026-03-31", -1, "2026-02-28"},
        {"2028-02-29", 12, "2029-02-28"},     {"2028-02-29", 48, "2032-02-29"},
        {"2096-02-29", 48, "2100-02-28"},     {"2028-02-29", -12, "2027-02-28"},
        {"2026-12-31", 2, "2027-02-28"},      {"2026-01-15", -1, "2025-12-15"},
        {"2026-08-31", -6, "2026-02-28"},     {"2026-05-31", 0, "2026-05-31"},
        {"2026-02-28", 216, "2044-02-28"},    {"2026-01-01", -13, "2024-12-01"},
        {"2200-12-31", 1, "2200-12-31"},      {"1900-01-01", -1, "1900-01-01"},
        {"2026-01-01", 120000, "2200-12-31"}, {"2026-01-01", -120000, "1900-01-01"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char buffer[CIVIL_DATE_SIZE];
        assert_string_equal(civil_format_date(civil_add_months(date(rows[i].from), rows[i].months), buffer),
                            rows[i].expected);
    }
    assert_int_equal(civil_add_months(0, INT_MAX), CIVIL_MAX);
    assert_int_equal(civil_add_months(0, INT_MIN), CIVIL_MIN);
}

static void dates_are_read_whole_or_refused(void **state)
{
    (void)state;
    static const char *const good[] = {"1900-01-01", "2200-12-31", "2000-02-29", "2024-02-29", "1999-12-31"};
    static const char *const bad[] = {
        "",           "2026",        "2026-1-1",    "2026-01-1",       "2026-00-10", "2026-13-01",
        "2026-01-00", "2026-02-29",  "2100-02-29",  "2026-04-31",      "1899-12-31", "2201-01-01",
        "2026/01/01", "2026-01-01 ", " 2026-01-01", "2026-01-01T",     "20260101",   "+026-01-01",
        "-026-01-01", "202a-01-01",  "2026-0x-01",  "2026-01-\xc3\xa6"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        char buffer[CIVIL_DATE_SIZE];
        assert_string_equal(civil_format_date(date(good[i]), buffer), good[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        civil_date untouched = 4711;
        if (civil_parse_date(bad[i], strlen(bad[i]), &untouched) == 0)
            fail_msg("\"%s\" was taken for a date", bad[i]);
        assert_int_equal(untouched, 4711);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_day_has_its_number),
        cmocka_unit_test(agrees_with_the_c_library),
        cmocka_unit_test(extreme_day_numbers_are_survived),
        cmocka_unit_test(the_bounds_are_the_years),
        cmocka_unit_test(months_keep_the_day_or_take_the_last),
        cmocka_unit_test(dates_are_read_whole_or_refused),
    };
    return cmocka_run_group_tests_name("civil", tests, NULL, NULL);
}
