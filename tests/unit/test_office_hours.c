// SPDX-License-Identifier: MPL-2.0
// Office hours: what may be written, when they are, through nights, holidays and both clock changes.
#include "core/office_hours.h"
#include "core/rhythm.h"

#include "support/copenhagen.h"
#include "support/danish_calendar.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static struct zone *zone;
static struct calendar *calendar;

static struct office_hours hours_of(const char *text)
{
    struct office_hours hours;
    struct error err;
    if (office_hours_parse(text, &hours, &err) < 0)
        fail_msg("%s: %s", text, err.text);
    return hours;
}

static void test_reads(void **state)
{
    (void)state;
    static const struct {
        const char *text, *da, *en;
    } cases[] = {
        {"mo-fr 08:00-16:00", "man–fre kl. 08.00–16.00, ikke på helligdage",
         "Mon–Fri 08:00–16:00, not on holidays"},
        {"mo-th 08:00-16:00, fr 08:00-14:30",
         "man–tor kl. 08.00–16.00, fre kl. 08.00–14.30, ikke på helligdage",
         "Mon–Thu 08:00–16:00, Fri 08:00–14:30, not on holidays"},
        {"mo-su 00:00-24:00, holidays too", "døgnet rundt", "day and night"},
        {"always", "døgnet rundt", "day and night"},
        {"mo-su 06:00-22:00, holidays too", "man–søn kl. 06.00–22.00, også på helligdage",
         "Mon–Sun 06:00–22:00, on holidays too"},
        {"su 23:59-24:00", "søn kl. 23.59–24.00, ikke på helligdage", "Sun 23:59–24:00, not on holidays"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct office_hours hours = hours_of(cases[i].text);
        struct buffer da = {0}, en = {0};
        office_hours_phrase(&hours, LANGUAGE_DA, &da);
        office_hours_phrase(&hours, LANGUAGE_EN, &en);
        assert_string_equal(da.data, cases[i].da);
        assert_string_equal(en.data, cases[i].en);
        buffer_done(&da);
        buffer_done(&en);
    }
}

static void test_refuses(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"mo-fr 16:00-08:00", "the hours 16:00-08:00 run backwards"},
        {"mo-fr 08:00-08:00", "the hours 08:00-08:00 run backwards"},
        {"fr-mo 08:00-16:00", "the weekdays fr-mo run backwards"},
        {"man-fre 08:00-16:00", "a weekday is mo, tu"},
        {"", "a weekday is mo, tu"},
        {"mo-fx 08:00-16:00", "a range of weekdays ends with"},
        {"mo-fr08:00-16:00", "behind the weekdays come a blank"},
        {"mo-fr 8-16", "hours are HH:MM-HH:MM"},
        {"mo-fr 08:00-25:00", "hours are HH:MM-HH:MM"},
        {"mo-fr 08:00-16:60", "hours are HH:MM-HH:MM"},
        {"mo-fr 08:00", "hours are HH:MM-HH:MM"},
        {"mo-fr 08:00-16:00 sa 10:00-12:00", "\" sa 10:00-12:00\" is too much"},
        {"mo-fr 08:00-16:00,", "a weekday is mo, tu"},
        {"holidays too", "a weekday is mo, tu"},
        {"always, holidays too", "a weekday is mo, tu"},
        {"mo 00:00-01:00,mo 02:00-03:00,mo 04:00-05:00,mo 06:00-07:00,mo 08:00-09:00,mo 10:00-11:00,"
         "mo 12:00-13:00,mo 14:00-15:00",
         "at most 7 spans"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct office_hours hours;
        struct error err;
        if (office_hours_parse(cases[i].text, &hours, &err) == 0)
            fail_msg("accepted: %s", cases[i].text);
        if (strncmp(err.text, cases[i].says, strlen(cases[i].says)) != 0)
            fail_msg("%s: %s", cases[i].text, err.text);
    }
}

static instant at(const char *text)
{
    instant at;
    assert_int_equal(zone_parse_instant(zone, text, strlen(text), &at), 0);
    return at;
}

static void assert_instant(instant found, const char *expected, const char *of)
{
    char text[ZONE_INSTANT_SIZE];
    if (found != at(expected))
        fail_msg("%s: %s, not %s", of, zone_format(zone, found, text), expected);
}

static void test_next(void **state)
{
    (void)state;
    static const char plain[] = "mo-fr 08:00-16:00", friday[] = "mo-th 08:00-16:00, fr 08:00-14:00",
                      night[] = "mo-su 00:30-03:00, holidays too", late[] = "mo-su 22:00-24:00, holidays too",
                      gap[] = "mo-su 02:15-02:45, holidays too",
                      two[] = "mo-fr 13:00-16:00, mo-fr 08:00-12:00";
    static const struct {
        const char *hours, *at, *next, *next_day;
    } cases[] = {
        // A Tuesday: before, at the first second, inside, at the last second, at the end.
        {plain, "2026-03-10T07:59:59", "2026-03-10T08:00", "2026-03-11T08:00"},
        {plain, "2026-03-10T08:00:00", "2026-03-10T08:00", "2026-03-11T08:00"},
        {plain, "2026-03-10T12:34:56", "2026-03-10T12:34:56", "2026-03-11T08:00"},
        {plain, "2026-03-10T15:59:59", "2026-03-10T15:59:59", "2026-03-11T08:00"},
        {plain, "2026-03-10T16:00:00", "2026-03-11T08:00", "2026-03-11T08:00"},
        {plain, "2026-03-10T00:00:00", "2026-03-10T08:00", "2026-03-11T08:00"},
        // Over a weekend, and a short Friday.
        {plain, "2026-03-13T16:00:00", "2026-03-16T08:00", "2026-03-16T08:00"},
        {plain, "2026-03-14T10:00:00", "2026-03-16T08:00", "2026-03-16T08:00"},
        {friday, "2026-03-13T14:00:00", "2026-03-16T08:00", "2026-03-16T08:00"},
        {friday, "2026-03-12T15:00:00", "2026-03-12T15:00", "2026-03-13T08:00"},
        {two, "2026-03-10T12:00:00", "2026-03-10T13:00", "2026-03-11T08:00"},
        // Easter 2026: closed from Thursday 2 April to Monday 6 April. The clock has gone forward the week
        // before.
        {plain, "2026-04-01T17:00:00", "2026-04-07T08:00", "2026-04-07T08:00"},
        // Christmas 2026: Friday 25 December is closed, the 26th is a Saturday; New Year's Day is a Friday.
        {plain, "2026-12-24T16:30:00", "2026-12-28T08:00", "2026-12-28T08:00"},
        {plain, "2026-12-31T16:30:00", "2027-01-04T08:00", "2027-01-04T08:00"},
        // Saturday 24 to Monday 26 October 2026: the clock goes back on Sunday at three.
        {plain, "2026-10-23T16:00:00+02:00", "2026-10-26T08:00:00+01:00", "2026-10-26T08:00:00+01:00"},
        {night, "2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+02:00", "2026-10-26T00:30:00+01:00"},
        {night, "2026-10-25T02:30:00+01:00", "2026-10-25T02:30:00+01:00", "2026-10-26T00:30:00+01:00"},
        {night, "2026-10-25T03:00:00+01:00", "2026-10-26T00:30:00+01:00", "2026-10-26T00:30:00+01:00"},
        // Sunday 29 March 2026: 02:00 to 03:00 is not there. What lies in the gap is no time at all.
        {plain, "2026-03-27T16:00:00+01:00", "2026-03-30T08:00:00+02:00", "2026-03-30T08:00:00+02:00"},
        {night, "2026-03-29T01:59:59+01:00", "2026-03-29T01:59:59+01:00", "2026-03-30T00:30:00+02:00"},
        {night, "2026-03-29T03:00:00+02:00", "2026-03-30T00:30:00+02:00", "2026-03-30T00:30:00+02:00"},
        {gap, "2026-03-29T01:00:00+01:00", "2026-03-30T02:15:00+02:00", "2026-03-30T02:15:00+02:00"},
        // Up to midnight, and the whole week.
        {late, "2026-03-10T23:59:59", "2026-03-10T23:59:59", "2026-03-11T22:00"},
        {late, "2026-03-11T00:00:00", "2026-03-11T22:00", "2026-03-12T22:00"},
        {"always", "2026-12-25T03:00:00", "2026-12-25T03:00:00", "2026-12-26T00:00"},
        {"mo-su 08:00-16:00", "2026-12-25T03:00:00", "2026-12-27T08:00", "2026-12-27T08:00"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct office_hours hours = hours_of(cases[i].hours);
        assert_instant(office_hours_next(&hours, calendar, zone, at(cases[i].at)), cases[i].next,
                       cases[i].at);
        assert_instant(office_hours_next_day(&hours, calendar, zone, at(cases[i].at)), cases[i].next_day,
                       cases[i].at);
    }
}

// Each minute of two years: what is found is inside, and nothing before it is.
static void test_next_is_the_first(void **state)
{
    (void)state;
    struct office_hours hours = hours_of("mo-th 08:00-16:00, fr 08:00-14:00, sa 01:00-03:00");
    instant next = INSTANT_NONE;
    for (instant now = at("2026-01-01"); now < at("2028-01-01"); now += 1800) {
        struct civil_time local = zone_to_civil(zone, now);
        int day = civil_weekday(local.date);
        bool open = calendar_closed_because(calendar, local.date) == NULL &&
                    ((day < FRIDAY && local.second >= 8 * 3600 && local.second < 16 * 3600) ||
                     (day == FRIDAY && local.second >= 8 * 3600 && local.second < 14 * 3600) ||
                     (day == SATURDAY && local.second >= 3600 && local.second < 3 * 3600));
        instant found = office_hours_next(&hours, calendar, zone, now);
        assert_int_equal(found == now, open);
        assert_true(found >= now);
        if (next > now) // found before, from an earlier moment
            assert_int_equal(found, next);
        next = found;
    }
}

static void test_never_open_holds_nothing_back(void **state)
{
    (void)state;
    struct office_hours hours = hours_of("mo-fr 08:00-16:00");
    struct closing_day every_day[366];
    size_t count = 0;
    for (civil_date date = civil_from_ymd(2028, 1, 1); date < civil_from_ymd(2029, 1, 1); date++) {
        struct ymd ymd = civil_to_ymd(date);
        if (ymd.month != 2 || ymd.day != 29)
            every_day[count++] = (struct closing_day){0, ymd.month, ymd.day};
    }
    // No day is open but 29 February, which is too far away.
    struct calendar *closed = calendar_new("lukket", 0x7f, NULL, 0, every_day, count);
    instant saturday = at("2026-01-03T10:00");
    assert_int_equal(office_hours_next(&hours, closed, zone, saturday), saturday);
    calendar_free(closed);
    assert_instant(office_hours_next(&hours, NULL, zone, at("2026-12-25T10:00")), "2026-12-25T10:00",
                   "without a calendar there are no holidays");
}

static void test_hours_of_a_unit_hold_below(void **state)
{
    (void)state;
    struct people people = {0};
    people_add_unit(&people, "center", "");
    people_add_unit(&people, "familie", "center");
    people_add_unit(&people, "nord", "familie");
    people_add_unit(&people, "doegn", "nord");
    people_add(&people,
               &(struct person){.id = "d1", .email = "d@x.dk", .unit = "doegn", .away_from = CIVIL_NONE});
    people_add(&people,
               &(struct person){.id = "c1", .email = "c@x.dk", .unit = "center", .away_from = CIVIL_NONE});
    people_finish(&people);
    const struct unit_hours units[] = {{"familie", {"f.yaml", 3, 5}, hours_of("mo-fr 09:00-15:00")},
                                       {"doegn", {"f.yaml", 4, 5}, hours_of("always")}};
    struct rhythm rhythm = {
        .hours = hours_of("mo-fr 08:00-16:00"), .units = units, .unit_count = 2, .group_wait_s = 30};
    assert_ptr_equal(rhythm_hours(&rhythm, &people, "nord"), &units[0].hours);
    assert_ptr_equal(rhythm_hours(&rhythm, &people, "doegn"), &units[1].hours);
    assert_ptr_equal(rhythm_hours(&rhythm, &people, "center"), &rhythm.hours);
    assert_ptr_equal(rhythm_hours(&rhythm, &people, "elsewhere"), &rhythm.hours);
    const struct ruleset rules = {.zone = zone, .office_calendar = calendar};
    bool outside;
    instant night = at("2026-03-10T22:00");
    assert_int_equal(rhythm_next(&rhythm, &rules, &people, "d1", night, &outside), night + 30);
    assert_false(outside);
    assert_int_equal(rhythm_next(&rhythm, &rules, &people, "c1", night, &outside), at("2026-03-11T08:00:30"));
    assert_true(outside);
    // Shortly before the end it still goes on the same day.
    assert_int_equal(rhythm_next(&rhythm, &rules, &people, "c1", at("2026-03-10T15:59:50"), &outside),
                     at("2026-03-10T16:00:20"));
    assert_false(outside);
    assert_int_equal(rhythm_next_morning(&rhythm, &rules, &people, "c1", at("2026-03-13T09:00")),
                     at("2026-03-16T08:00:30"));

    struct error err;
    assert_int_equal(rhythm_check_units(&rhythm, &people, &err), 0);
    const struct unit_hours wrong = {"nrod", {"f.yaml", 9, 5}, hours_of("always")};
    rhythm.units = &wrong;
    rhythm.unit_count = 1;
    assert_int_equal(rhythm_check_units(&rhythm, &people, &err), -1);
    assert_string_equal(err.text,
                        "f.yaml:9:5: the case database has no unit \"nrod\"; did you mean \"nord\"?");
    people_done(&people);
}

static int set_up(void **state)
{
    (void)state;
    zone = copenhagen();
    calendar = danish_calendar("arbejdsdage", MONDAY_TO_FRIDAY, NULL, 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    calendar_free(calendar);
    zone_free(zone);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads),
        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_next),
        cmocka_unit_test(test_next_is_the_first),
        cmocka_unit_test(test_never_open_holds_nothing_back),
        cmocka_unit_test(test_hours_of_a_unit_hold_below),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
