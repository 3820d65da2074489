// SPDX-License-Identifier: MPL-2.0
// The vectors of RULES, section 8, and properties that hold for all dates.
#include "core/duration.h"

#include "../support/danish_calendar.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { ARBEJDSDAGE, HVERDAGE, KLAGEFRIST, JULELUKKET, CALENDARS };

static struct calendar *calendars[CALENDARS];

static int make_calendars(void **state)
{
    (void)state;
    calendars[ARBEJDSDAGE] = danish_calendar("arbejdsdage", MONDAY_TO_FRIDAY, NULL, 0);
    calendars[HVERDAGE] = danish_calendar("hverdage", MONDAY_TO_SATURDAY, NULL, 0);
    calendars[KLAGEFRIST] = danish_calendar("klagefrist", MONDAY_TO_FRIDAY, danish_closing_days, 3);
    calendars[JULELUKKET] = danish_calendar("julelukket", MONDAY_TO_FRIDAY, danish_closing_days + 1, 2);
    return 0;
}

static int free_calendars(void **state)
{
    (void)state;
    for (int i = 0; i < CALENDARS; i++)
        calendar_free(calendars[i]);
    return 0;
}

static civil_date date(const char *text)
{
    civil_date result;
    assert_int_equal(civil_parse_date(text, strlen(text), &result), 0);
    return result;
}

static struct duration duration(const char *text)
{
    struct duration result;
    struct error err;
    if (duration_parse(text, strlen(text), &result, &err) < 0)
        fail_msg("\"%s\": %s", text, err.text);
    return result;
}

static void reference_vectors(void **state)
{
    (void)state;
    static const struct {
        const char *start, *after;
        int calendar, roll;
        bool inclusive;
        const char *due;
    } rows[] = {
        {"2026-03-30", "6 working days", HVERDAGE, 0, false, "2026-04-09"},
        {"2026-03-30", "6 working days", ARBEJDSDAGE, 0, false, "2026-04-10"},
        {"2026-06-12", "6 working days", HVERDAGE, 0, false, "2026-06-19"},
        {"2026-06-12", "6 working days", ARBEJDSDAGE, 0, false, "2026-06-22"},
        {"2026-03-30", "7 working days", ARBEJDSDAGE, 0, false, "2026-04-13"},
        {"2026-12-18", "7 working days", ARBEJDSDAGE, 0, false, "2026-12-30"},
        {"2026-12-18", "7 working days", JULELUKKET, 0, false, "2027-01-04"},
        {"2026-03-02", "7 days", ARBEJDSDAGE, 0, true, "2026-03-08"},
        {"2026-03-02", "1 month", ARBEJDSDAGE, 0, false, "2026-04-02"},
        {"2025-10-31", "4 months", ARBEJDSDAGE, 0, false, "2026-02-28"},
        {"2027-10-31", "4 months", ARBEJDSDAGE, 0, false, "2028-02-29"},
        {"2025-11-30", "3 months", ARBEJDSDAGE, 0, false, "2026-02-28"},
        {"2026-11-26", "4 weeks", KLAGEFRIST, 1, false, "2026-12-28"},
        {"2026-05-08", "4 weeks", KLAGEFRIST, 1, false, "2026-06-08"},
        {"2026-11-26", "4 weeks", KLAGEFRIST, 0, false, "2026-12-24"},
        {"2026-01-15", "14 weeks", ARBEJDSDAGE, 0, false, "2026-04-23"},
        {"2025-04-17", "1 year", ARBEJDSDAGE, 0, false, "2026-04-17"},
        {"2008-08-31", "18 years - 6 months", ARBEJDSDAGE, 0, false, "2026-02-28"},
        // beyond the table: a birth on a leap day, working days before, sums read left to right
        {"2008-02-29", "18 years", ARBEJDSDAGE, 0, false, "2026-02-28"},
        {"2026-04-07", "1 month - 1 working day", ARBEJDSDAGE, 0, false, "2026-05-06"},
        {"2026-04-09", "1 day - 3 working days", ARBEJDSDAGE, 0, false, "2026-04-07"},
        {"2026-01-30", "1 month + 1 day", ARBEJDSDAGE, 0, false, "2026-03-01"},
        {"2026-01-30", "1 day + 1 month", ARBEJDSDAGE, 0, false, "2026-02-28"},
        {"2026-05-13", "1 working day + 1 week", ARBEJDSDAGE, -1, false, "2026-05-22"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct duration after = duration(rows[i].after);
        const struct calendar *calendar = calendars[rows[i].calendar];
        civil_date due = duration_add(&after, date(rows[i].start), calendar);
        if (rows[i].inclusive)
            due--;
        due = calendar_roll(calendar, due, rows[i].roll);
        char buffer[CIVIL_DATE_SIZE];
        if (due != date(rows[i].due))
            fail_msg("%s + %s: %s, not %s", rows[i].start, rows[i].after, civil_format_date(due, buffer),
                     rows[i].due);
    }
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        struct duration expected;
    } rows[] = {
        {"24 hours", {1, {{24, UNIT_HOURS}}}},
        {"1 hour", {1, {{1, UNIT_HOURS}}}},
        {"6 working days", {1, {{6, UNIT_WORKING_DAYS}}}},
        {"1 working day", {1, {{1, UNIT_WORKING_DAYS}}}},
        {"7 days", {1, {{7, UNIT_DAYS}}}},
        {"1 days", {1, {{1, UNIT_DAYS}}}},
        {"2 day", {1, {{2, UNIT_DAYS}}}},
        {"4 weeks", {1, {{4, UNIT_WEEKS}}}},
        {"4 months", {1, {{4, UNIT_MONTHS}}}},
        {"10000 years", {1, {{10000, UNIT_YEARS}}}},
        {"  18   years -  6  months ", {2, {{18, UNIT_YEARS}, {-6, UNIT_MONTHS}}}},
        {"1 year + 2 weeks - 3 days - 4 working days",
         {4, {{1, UNIT_YEARS}, {2, UNIT_WEEKS}, {-3, UNIT_DAYS}, {-4, UNIT_WORKING_DAYS}}}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct duration read = duration(rows[i].text);
        assert_int_equal(read.count, rows[i].expected.count);
        for (int t = 0; t < read.count; t++) {
            assert_int_equal(read.terms[t].amount, rows[i].expected.terms[t].amount);
            assert_int_equal(read.terms[t].unit, rows[i].expected.terms[t].unit);
        }
    }
    struct duration hours = duration("24 hours"), mixed = duration("1 working day + 1 week"),
                    working = duration("1 week + 2 working days");
    assert_true(duration_is_hours(&hours));
    assert_int_equal(duration_seconds(&hours), 86400);
    assert_false(duration_has_working_days(&hours));
    assert_false(duration_is_hours(&mixed));
    assert_true(duration_has_working_days(&mixed));
    assert_false(duration_ends_in_working_days(&mixed));
    assert_true(duration_ends_in_working_days(&working));
}

static void what_is_wrong_is_refused_with_help(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"", "missing"},
        {"   ", "missing"},
        {"days", "\"days\" is no number"},
        {"7", "the unit is missing"},
        {"0 days", "too small"},
        {"10001 days", "too large"},
        {"99999999999999999999 days", "too large"},
        {"-7 days", "cannot begin with a sign"},
        {"- 7 days", "cannot begin with a sign"},
        {"+7 days", "cannot begin with a sign"},
        {"7days", "\"7days\" is no number"},
        {"7.5 days", "is no number"},
        {"7 dayz", "perhaps \"days\""},
        {"7 Days", "perhaps \"days\""},
        {"3 moths", "perhaps \"months\""},
        {"3 wroking days", "perhaps \"working days\""},
        {"3 workingdays", "perhaps \"working days\""},
        {"3 fortnights", "\"fortnights\" is no unit of time; allowed"},
        {"3 working", "is no unit"},
        {"18 years -", "a number is missing"},
        {"18 years - months", "is no number"},
        {"18 years - 0 months", "too small"},
        {"18 years - - 6 months", "is no number"},
        {"18 years 6 months", "is no unit"},
        {"24 hours + 1 day", "hours stand alone"},
        {"1 day + 24 hours", "hours stand alone"},
        {"1 hour + 1 hour", "hours stand alone"},
        {"1 day + 1 day + 1 day + 1 day + 1 day", "more than 4"},
        {"7 days\n", "is no unit"},
        {"7\tdays", "is no number"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct duration untouched = {.count = 77};
        struct error err = {""};
        if (duration_parse(rows[i].text, strlen(rows[i].text), &untouched, &err) == 0)
            fail_msg("\"%s\" was taken for a duration", rows[i].text);
        if (strstr(err.text, rows[i].says) == NULL)
            fail_msg("\"%s\": the error is \"%s\", without \"%s\"", rows[i].text, err.text, rows[i].says);
        assert_int_equal(untouched.count, 77);
    }
    struct duration untouched;
    assert_int_equal(duration_parse("7 days\0 or so", 13, &untouched, NULL), -1);
}

// Over every date of twenty years.
static void properties_hold(void **state)
{
    (void)state;
    const struct calendar *calendar = calendars[KLAGEFRIST];
    civil_date first = civil_from_ymd(2015, 1, 1), last = civil_from_ymd(2035, 1, 1);
    for (civil_date from = first; from < last; from++) {
        for (int n = 1; n <= 20; n += 6) {
            struct duration working = {1, {{n, UNIT_WORKING_DAYS}}}, weeks = {1, {{n, UNIT_WEEKS}}};
            civil_date later = duration_add(&working, from, calendar);
            assert_true(later > from && calendar_is_working(calendar, later));
            assert_int_equal(calendar_count(calendar, from, later), n);
            civil_date earlier = duration_subtract(&working, from, calendar);
            assert_true(earlier < from && calendar_is_working(calendar, earlier));
            if (calendar_is_working(calendar, from))
                assert_int_equal(duration_subtract(&working, later, calendar), from);
            civil_date in_weeks = duration_add(&weeks, from, NULL);
            assert_int_equal(civil_weekday(in_weeks), civil_weekday(from));
            assert_int_equal(duration_subtract(&weeks, in_weeks, NULL), from);
        }
        for (int n = 1; n <= 30; n++) {
            struct duration months = {1, {{n, UNIT_MONTHS}}};
            struct ymd start = civil_to_ymd(from), end = civil_to_ymd(duration_add(&months, from, NULL));
            assert_int_equal(end.year * 12 + end.month, start.year * 12 + start.month + n);
            int last_day = civil_days_in_month(end.year, end.month);
            assert_int_equal(end.day, start.day < last_day ? start.day : last_day);
        }
        struct duration year = {1, {{3, UNIT_YEARS}}}, months = {1, {{36, UNIT_MONTHS}}};
        assert_int_equal(duration_add(&year, from, NULL), duration_add(&months, from, NULL));
    }
}

static void results_stay_in_the_promised_years(void **state)
{
    (void)state;
    static const char *const far[] = {"10000 years", "10000 months + 10000 years",
                                      "10000 weeks + 10000 weeks",
                                      "10000 working days + 10000 years + 10000 working days + 10000 days"};
    for (size_t i = 0; i < sizeof far / sizeof far[0]; i++) {
        struct duration after = duration(far[i]);
        assert_int_equal(duration_add(&after, date("2026-01-01"), calendars[HVERDAGE]), CIVIL_MAX);
        assert_int_equal(duration_subtract(&after, date("2026-01-01"), calendars[HVERDAGE]), CIVIL_MIN);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reference_vectors),
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(what_is_wrong_is_refused_with_help),
        cmocka_unit_test(properties_hold),
        cmocka_unit_test(results_stay_in_the_promised_years),
    };
    return cmocka_run_group_tests_name("duration", tests, make_calendars, free_calendars);
}
