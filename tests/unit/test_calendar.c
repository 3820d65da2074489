// SPDX-License-Identifier: MPL-2.0
// Every date of a century against a table made by other means, dates checked by hand, and the arithmetic
// against counting day by day.
#include "core/calendar.h"

#include "../support/danish_calendar.h"
#include "../support/danish_holidays.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static civil_date date(const char *text)
{
    civil_date result;
    assert_int_equal(civil_parse_date(text, strlen(text), &result), 0);
    return result;
}

static void store_bededag_ends_in_the_test_data(void **state)
{
    (void)state;
    assert_int_equal(date("2023-12-31"), 19722); // as danish_calendar.h has it
}

// The method of Meeus, Jones and Butcher; the daemon uses Gauss's.
static civil_date easter_by_butcher(int year)
{
    int a = year % 19, b = year / 100, c = year % 100, d = b / 4, e = b % 4;
    int g = (b - (b + 8) / 25 + 1) / 3, h = (19 * a + b - d - g + 15) % 30;
    int l = (32 + 2 * e + 2 * (c / 4) - h - c % 4) % 7, m = (a + 11 * h + 22 * l) / 451;
    int n = h + l - 7 * m + 114;
    return civil_from_ymd(year, n / 31, n % 31 + 1);
}

static void easter_of_all_years(void **state)
{
    (void)state;
    for (int year = 1583; year <= 4099; year++) {
        assert_int_equal(civil_easter(year), easter_by_butcher(year));
        assert_int_equal(civil_weekday(civil_easter(year)), SUNDAY);
    }
    // the earliest, the latest, and the two years in which Gauss's first method failed
    assert_int_equal(civil_easter(1818), civil_from_ymd(1818, 3, 22));
    assert_int_equal(civil_easter(1943), civil_from_ymd(1943, 4, 25));
    assert_int_equal(civil_easter(2038), civil_from_ymd(2038, 4, 25));
    assert_int_equal(civil_easter(1954), civil_from_ymd(1954, 4, 18));
    assert_int_equal(civil_easter(1981), civil_from_ymd(1981, 4, 19));
    assert_int_equal(civil_easter(2049), civil_from_ymd(2049, 4, 18));
    assert_int_equal(civil_easter(2076), civil_from_ymd(2076, 4, 19));
}

static bool is_in_table(struct ymd ymd)
{
    int day = ymd.month * 100 + ymd.day;
    if (day == 101 || day == 1225 || day == 1226)
        return true;
    for (int i = 0; i < 8; i++)
        if (danish_holidays[ymd.year - 2000][i] == day)
            return true;
    return false;
}

static void every_date_of_the_century(void **state)
{
    (void)state;
    struct calendar *arbejdsdage = danish_calendar("arbejdsdage", MONDAY_TO_FRIDAY, NULL, 0);
    struct calendar *hverdage = danish_calendar("hverdage", MONDAY_TO_SATURDAY, NULL, 0);
    int holidays = 0;
    for (civil_date day = date("2000-01-01"); day <= date("2099-12-31"); day++) {
        enum weekday weekday = civil_weekday(day);
        bool holiday = is_in_table(civil_to_ymd(day));
        holidays += holiday;
        assert_int_equal(calendar_is_working(arbejdsdage, day), weekday < SATURDAY && !holiday);
        assert_int_equal(calendar_is_working(hverdage, day), weekday < SUNDAY && !holiday);
        assert_int_equal(calendar_closed_because(arbejdsdage, day) != NULL, holiday);
    }
    assert_int_equal(holidays, 24 * 11 + 76 * 10); // no two of them fall on one date
    calendar_free(arbejdsdage);
    calendar_free(hverdage);
}

static void dates_checked_by_hand(void **state)
{
    (void)state;
    static const struct {
        const char *date, *because; // NULL: a working day; "": a weekday that is off
    } rows[] = {
        {"2023-05-05", "Store bededag"},
        {"2024-04-26", NULL}, // 26 days after Easter 2024: an ordinary Friday
        {"2024-03-28", "Skærtorsdag"},
        {"2024-03-29", "Langfredag"},
        {"2024-03-31", "Påskedag"},
        {"2024-04-01", "2. påskedag"},
        {"2024-05-09", "Kristi himmelfartsdag"},
        {"2024-05-10", NULL}, // the Friday after
        {"2024-05-20", "2. pinsedag"},
        {"2025-04-20", "Påskedag"},
        {"2025-05-29", "Kristi himmelfartsdag"},
        {"2025-06-09", "2. pinsedag"},
        {"2026-04-05", "Påskedag"},
        {"2026-04-23", NULL}, // one public list has Ascension here
        {"2026-05-14", "Kristi himmelfartsdag"},
        {"2026-05-15", "lukkedag"}, // closed in this calendar only
        {"2027-05-15", ""},
        {"2026-05-25", "2. pinsedag"},
        {"2027-05-06", "Kristi himmelfartsdag"},
        {"2027-05-17", "2. pinsedag"},
        {"2028-05-25", "Kristi himmelfartsdag"},
        {"2028-06-05", "2. pinsedag"}, // and Grundlovsdag: the holiday is named
        {"2029-05-10", "Kristi himmelfartsdag"},
        {"2029-05-21", "2. pinsedag"},
        {"2030-05-30", "Kristi himmelfartsdag"},
        {"2030-06-10", "2. pinsedag"},
        {"2031-05-22", "Kristi himmelfartsdag"},
        {"2031-06-02", "2. pinsedag"},
        {"2032-05-06", "Kristi himmelfartsdag"},
        {"2032-05-17", "2. pinsedag"},
        {"2026-06-05", "lukkedag"},
        {"2026-12-24", "lukkedag"},
        {"2026-12-25", "Juledag"},
        {"2026-12-26", "2. juledag"}, // a Saturday: named all the same
        {"2026-12-31", "lukkedag"},
        {"2027-01-01", "Nytårsdag"},
        {"2026-05-01", NULL},
        {"2026-05-02", ""},
        {"2027-06-05", ""}, // a closing day on a Saturday
    };
    const struct closing_day closed[] = {{0, 6, 5}, {0, 12, 24}, {0, 12, 31}, {2026, 5, 15}};
    struct calendar *calendar = danish_calendar("kommunen", MONDAY_TO_FRIDAY, closed, 4);
    assert_string_equal(calendar_name(calendar), "kommunen");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *because = calendar_closed_because(calendar, date(rows[i].date));
        bool working = calendar_is_working(calendar, date(rows[i].date));
        const char *expected = rows[i].because && rows[i].because[0] ? rows[i].because : NULL;
        bool same = because && expected ? strcmp(because, expected) == 0 : because == expected;
        if (!same || working != (rows[i].because == NULL))
            fail_msg("%s: %s, %s", rows[i].date, working ? "working" : "closed",
                     because ? because : "no reason");
    }
    calendar_free(calendar);
}

static void validity_is_inclusive(void **state)
{
    (void)state;
    const struct holiday holidays[] = {
        {"Fra", HOLIDAY_ON, .month = 3, .day = 10, .from = date("2026-03-10"), .until = CIVIL_NONE},
        {"Til", HOLIDAY_ON, .month = 3, .day = 11, .from = CIVIL_NONE, .until = date("2026-03-11")},
        {"Et år", HOLIDAY_EASTER, .easter_offset = 10, .from = date("2027-01-01"),
         .until = date("2027-12-31")},
        {"Skuddag", HOLIDAY_ON, .month = 2, .day = 29, EVERY_YEAR},
        {"Langt efter påske", HOLIDAY_EASTER, .easter_offset = 280, EVERY_YEAR},
    };
    struct calendar *calendar = calendar_new("test", 127, holidays, 5, NULL, 0);
    assert_true(calendar_is_working(calendar, date("2025-03-10")));
    assert_false(calendar_is_working(calendar, date("2026-03-10")));
    assert_false(calendar_is_working(calendar, date("2199-03-10")));
    assert_false(calendar_is_working(calendar, date("1900-03-11")));
    assert_false(calendar_is_working(calendar, date("2026-03-11")));
    assert_true(calendar_is_working(calendar, date("2027-03-11")));
    assert_true(calendar_is_working(calendar, civil_easter(2026) + 10));
    assert_false(calendar_is_working(calendar, civil_easter(2027) + 10));
    assert_true(calendar_is_working(calendar, civil_easter(2028) + 10));
    assert_false(calendar_is_working(calendar, date("2028-02-29")));
    assert_true(calendar_is_working(calendar, date("2027-02-28")));
    assert_true(calendar_is_working(calendar, date("2027-03-01")));
    // an offset that leads into the next year
    assert_false(calendar_is_working(calendar, civil_easter(2026) + 280));
    assert_int_equal(civil_to_ymd(civil_easter(2026) + 280).year, 2027);
    assert_string_equal(calendar_closed_because(calendar, civil_easter(2026) + 280), "Langt efter påske");
    calendar_free(calendar);
}

static void a_calendar_without_working_days_is_refused(void **state)
{
    (void)state;
    struct closing_day all[366];
    size_t count = 0;
    for (int month = 1; month <= 12; month++)
        for (int day = 1; day <= civil_days_in_month(2000, month); day++)
            all[count++] = (struct closing_day){0, month, day};
    assert_null(calendar_new("tom", 0, NULL, 0, NULL, 0));
    assert_null(calendar_new("tom", 127, NULL, 0, all, count));
    calendar_free(NULL);
}

// Against stepping from day to day.
static void arithmetic_agrees_with_counting(void **state)
{
    (void)state;
    struct calendar *calendar = danish_calendar("klagefrist", MONDAY_TO_FRIDAY, danish_closing_days, 3);
    for (civil_date from = date("2023-12-01"); from < date("2027-02-01"); from++) {
        civil_date later = from, earlier = from;
        for (int n = 1; n <= 30; n++) {
            do
                later++;
            while (!calendar_is_working(calendar, later));
            do
                earlier--;
            while (!calendar_is_working(calendar, earlier));
            assert_int_equal(calendar_add(calendar, from, n), later);
            assert_int_equal(calendar_add(calendar, from, -n), earlier);
            assert_int_equal(calendar_count(calendar, from, later), n);
            assert_int_equal(calendar_count(calendar, earlier, from),
                             n - !calendar_is_working(calendar, from));
            if (n == 1) {
                bool working = calendar_is_working(calendar, from);
                assert_int_equal(calendar_roll(calendar, from, +1), working ? from : later);
                assert_int_equal(calendar_roll(calendar, from, -1), working ? from : earlier);
            }
        }
        assert_int_equal(calendar_roll(calendar, from, 0), from);
        assert_int_equal(calendar_add(calendar, from, 0), from);
        assert_int_equal(calendar_count(calendar, from, from), 0);
        assert_int_equal(calendar_count(calendar, from, from - 7), 0);
    }
    // one far step, over all the promised years
    int all = calendar_count(calendar, CIVIL_MIN - 1, CIVIL_MAX);
    assert_int_equal(calendar_add(calendar, CIVIL_MIN - 1, all), calendar_roll(calendar, CIVIL_MAX, -1));
    calendar_free(calendar);
}

static void the_ends_are_well_defined(void **state)
{
    (void)state;
    struct calendar *calendar = danish_calendar("arbejdsdage", MONDAY_TO_FRIDAY, NULL, 0);
    const civil_date outside[] = {CIVIL_MIN - 1, CIVIL_MAX + 1, CIVIL_NONE, INT32_MAX};
    for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++) {
        assert_false(calendar_is_working(calendar, outside[i]));
        assert_null(calendar_closed_because(calendar, outside[i]));
        for (int days = -10000; days <= 10000; days += 5000)
            assert_in_range(calendar_add(calendar, outside[i], days) - CIVIL_MIN, 0, CIVIL_MAX - CIVIL_MIN);
        for (int direction = -1; direction <= 1; direction++)
            assert_in_range(calendar_roll(calendar, outside[i], direction) - CIVIL_MIN, 0,
                            CIVIL_MAX - CIVIL_MIN);
    }
    assert_int_equal(calendar_add(calendar, CIVIL_MAX, 1), CIVIL_MAX);
    assert_int_equal(calendar_add(calendar, CIVIL_MIN, -1), CIVIL_MIN);
    assert_int_equal(calendar_add(calendar, date("2026-01-01"), INT_MAX), CIVIL_MAX);
    assert_int_equal(calendar_add(calendar, date("2026-01-01"), INT_MIN), CIVIL_MIN);
    assert_int_equal(calendar_count(calendar, CIVIL_NONE, INT32_MAX),
                     calendar_count(calendar, CIVIL_MIN - 1, CIVIL_MAX));
    calendar_free(calendar);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(store_bededag_ends_in_the_test_data),
        cmocka_unit_test(easter_of_all_years),
        cmocka_unit_test(every_date_of_the_century),
        cmocka_unit_test(dates_checked_by_hand),
        cmocka_unit_test(validity_is_inclusive),
        cmocka_unit_test(a_calendar_without_working_days_is_refused),
        cmocka_unit_test(arithmetic_agrees_with_counting),
        cmocka_unit_test(the_ends_are_well_defined),
    };
    return cmocka_run_group_tests_name("calendar", tests, NULL, NULL);
}
