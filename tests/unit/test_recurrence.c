// SPDX-License-Identifier: MPL-2.0
// The examples of RFC 5545, section 3.8.5.3 (without their COUNT and UNTIL), cases that other libraries got
// wrong, and what is refused.
#include "core/recurrence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static civil_date date(const char *text)
{
    civil_date result;
    assert_int_equal(civil_parse_date(text, 10, &result), 0);
    return result;
}

static int second(const char *clock) // "HH:MM:SS"
{
    return atoi(clock) * 3600 + atoi(clock + 3) * 60 + atoi(clock + 6);
}

static struct recurrence *parse(const char *text)
{
    struct recurrence *recurrence = NULL;
    struct error err;
    if (recurrence_parse(text, strlen(text), &recurrence, &err) < 0)
        fail_msg("%s: %s", text, err.text);
    return recurrence;
}

struct row {
    const char *rule, *start,
        *expected; // instances: dates at the time of the start, "@HH:MM" for another time
};

// Appends "YYYY-MM-DD" or "YYYY-MM-DD@HH:MM".
static size_t describe(char *at, size_t size, civil_date day, int second_of_day, int usual_second)
{
    char buffer[CIVIL_DATE_SIZE];
    civil_format_date(day, buffer);
    if (second_of_day == usual_second)
        return (size_t)snprintf(at, size, "%s", buffer);
    return (size_t)snprintf(at, size, "%s@%02d:%02d", buffer, second_of_day / 3600, second_of_day / 60 % 60);
}

static void check(const struct row *row)
{
    char got[1024] = "";
    struct recurrence *recurrence = parse(row->rule);
    struct recurrence_iterator *iterator =
        recurrence_start(recurrence, date(row->start), second(row->start + 11));
    size_t used = 0, wanted = strlen(row->expected);
    while (used < wanted) {
        civil_date day;
        int second_of_day;
        if (used > 0)
            got[used++] = ' ';
        if (!recurrence_next(iterator, &day, &second_of_day)) {
            used += (size_t)snprintf(got + used, sizeof got - used, "end");
            break;
        }
        used += describe(got + used, sizeof got - used, day, second_of_day, second(row->start + 11));
    }
    recurrence_stop(iterator);
    recurrence_free(recurrence);
    if (strcmp(got, row->expected) != 0)
        fail_msg("%s from %s:\n     got %s\nexpected %s", row->rule, row->start, got, row->expected);
}

static void examples_of_the_standard(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"FREQ=DAILY", "1997-09-02 09:00:00", "1997-09-02 1997-09-03 1997-09-04"},
        {"FREQ=DAILY;INTERVAL=2", "1997-09-02 09:00:00", "1997-09-02 1997-09-04 1997-09-06"},
        {"FREQ=DAILY;INTERVAL=10", "1997-09-02 09:00:00",
         "1997-09-02 1997-09-12 1997-09-22 1997-10-02 1997-10-12"},
        {"FREQ=YEARLY;BYMONTH=1;BYDAY=SU,MO,TU,WE,TH,FR,SA", "1998-01-30 09:00:00",
         "1998-01-30 1998-01-31 1999-01-01 1999-01-02"},
        {"FREQ=DAILY;BYMONTH=1", "1998-01-30 09:00:00", "1998-01-30 1998-01-31 1999-01-01 1999-01-02"},
        {"FREQ=WEEKLY", "1997-09-02 09:00:00", "1997-09-02 1997-09-09 1997-09-16 1997-09-23"},
        {"FREQ=WEEKLY;INTERVAL=2;WKST=SU", "1997-09-02 09:00:00",
         "1997-09-02 1997-09-16 1997-09-30 1997-10-14"},
        {"FREQ=WEEKLY;WKST=SU;BYDAY=TU,TH", "1997-09-02 09:00:00",
         "1997-09-02 1997-09-04 1997-09-09 1997-09-11"},
        {"FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=MO,WE,FR", "1997-09-01 09:00:00",
         "1997-09-01 1997-09-03 1997-09-05 1997-09-15 1997-09-17 1997-09-19 1997-09-29 1997-10-01"},
        {"FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=TU,TH", "1997-09-02 09:00:00",
         "1997-09-02 1997-09-04 1997-09-16 1997-09-18 1997-09-30 1997-10-02"},
        {"FREQ=MONTHLY;BYDAY=1FR", "1997-09-05 09:00:00",
         "1997-09-05 1997-10-03 1997-11-07 1997-12-05 1998-01-02"},
        {"FREQ=MONTHLY;INTERVAL=2;BYDAY=1SU,-1SU", "1997-09-07 09:00:00",
         "1997-09-07 1997-09-28 1997-11-02 1997-11-30 1998-01-04 1998-01-25 1998-03-01 1998-03-29"},
        {"FREQ=MONTHLY;BYDAY=-2MO", "1997-09-22 09:00:00",
         "1997-09-22 1997-10-20 1997-11-17 1997-12-22 1998-01-19 1998-02-16"},
        {"FREQ=MONTHLY;BYMONTHDAY=-3", "1997-09-28 09:00:00",
         "1997-09-28 1997-10-29 1997-11-28 1997-12-29 1998-01-29 1998-02-26"},
        {"FREQ=MONTHLY;BYMONTHDAY=2,15", "1997-09-02 09:00:00",
         "1997-09-02 1997-09-15 1997-10-02 1997-10-15"},
        {"FREQ=MONTHLY;BYMONTHDAY=1,-1", "1997-09-30 09:00:00",
         "1997-09-30 1997-10-01 1997-10-31 1997-11-01 1997-11-30 1997-12-01 1997-12-31 1998-01-01"},
        {"FREQ=MONTHLY;INTERVAL=18;BYMONTHDAY=10,11,12,13,14,15", "1997-09-10 09:00:00",
         "1997-09-10 1997-09-11 1997-09-12 1997-09-13 1997-09-14 1997-09-15 1999-03-10 1999-03-11"},
        {"FREQ=MONTHLY;INTERVAL=2;BYDAY=TU", "1997-09-02 09:00:00",
         "1997-09-02 1997-09-09 1997-09-16 1997-09-23 1997-09-30 1997-11-04"},
        {"FREQ=YEARLY;BYMONTH=6,7", "1997-06-10 09:00:00", "1997-06-10 1997-07-10 1998-06-10 1998-07-10"},
        {"FREQ=YEARLY;INTERVAL=2;BYMONTH=1,2,3", "1997-03-10 09:00:00",
         "1997-03-10 1999-01-10 1999-02-10 1999-03-10 2001-01-10"},
        {"FREQ=YEARLY;INTERVAL=3;BYYEARDAY=1,100,200", "1997-01-01 09:00:00",
         "1997-01-01 1997-04-10 1997-07-19 2000-01-01 2000-04-09 2000-07-18 2003-01-01"},
        {"FREQ=YEARLY;BYDAY=20MO", "1997-05-19 09:00:00", "1997-05-19 1998-05-18 1999-05-17"},
        {"FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO", "1997-05-12 09:00:00", "1997-05-12 1998-05-11 1999-05-17"},
        {"FREQ=YEARLY;BYMONTH=3;BYDAY=TH", "1997-03-13 09:00:00",
         "1997-03-13 1997-03-20 1997-03-27 1998-03-05"},
        {"FREQ=YEARLY;BYDAY=TH;BYMONTH=6,7,8", "1997-08-28 09:00:00", "1997-08-28 1998-06-04 1998-06-11"},
        {"FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", "1997-09-02 09:00:00",
         "1998-02-13 1998-03-13 1998-11-13 1999-08-13 2000-10-13"},
        {"FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13", "1997-09-13 09:00:00",
         "1997-09-13 1997-10-11 1997-11-08 1997-12-13 1998-01-10 1998-02-07 1998-03-07"},
        {"FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8", "1996-11-05 09:00:00",
         "1996-11-05 2000-11-07 2004-11-02"},
        {"FREQ=MONTHLY;BYDAY=TU,WE,TH;BYSETPOS=3", "1997-09-04 09:00:00", "1997-09-04 1997-10-07 1997-11-06"},
        {"FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2", "1997-09-29 09:00:00",
         "1997-09-29 1997-10-30 1997-11-27 1997-12-30 1998-01-29 1998-02-26 1998-03-30"},
        {"FREQ=HOURLY;INTERVAL=3", "1997-09-02 21:00:00", "1997-09-02 1997-09-03@00:00 1997-09-03@03:00"},
        {"FREQ=MINUTELY;INTERVAL=15", "1997-09-02 09:00:00", "1997-09-02 1997-09-02@09:15 1997-09-02@09:30"},
        {"FREQ=MINUTELY;INTERVAL=90", "1997-09-02 09:00:00", "1997-09-02 1997-09-02@10:30 1997-09-02@12:00"},
        {"FREQ=DAILY;BYHOUR=9,16;BYMINUTE=0,20,40", "1997-09-02 09:00:00",
         "1997-09-02 1997-09-02@09:20 1997-09-02@09:40 1997-09-02@16:00 1997-09-02@16:20 1997-09-02@16:40 "
         "1997-09-03"},
        {"FREQ=MINUTELY;INTERVAL=20;BYHOUR=9,16", "1997-09-02 09:00:00",
         "1997-09-02 1997-09-02@09:20 1997-09-02@09:40 1997-09-02@16:00 1997-09-02@16:20 1997-09-02@16:40 "
         "1997-09-03"},
        {"FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST=MO", "1997-08-05 09:00:00",
         "1997-08-05 1997-08-10 1997-08-19 1997-08-24"},
        {"FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST=SU", "1997-08-05 09:00:00",
         "1997-08-05 1997-08-17 1997-08-19 1997-08-31"},
        {"FREQ=MONTHLY;BYMONTHDAY=15,30", "2007-01-15 09:00:00",
         "2007-01-15 2007-01-30 2007-02-15 2007-03-15 2007-03-30"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check(&rows[i]);
}

static void what_others_got_wrong(void **state)
{
    (void)state;
    static const struct row rows[] = {
        // RULES, section 8
        {"FREQ=WEEKLY;BYDAY=MO;BYHOUR=9;BYMINUTE=0;BYSECOND=0", "2026-03-19 10:00:00",
         "2026-03-23@09:00 2026-03-30@09:00 2026-04-06@09:00"},
        {"FREQ=WEEKLY", "2026-03-19 10:00:00", "2026-03-19 2026-03-26"},
        {"freq=weekly;byday=mo", "2026-03-19 10:00:00", "2026-03-23 2026-03-30"},
        // hours in any order and twice (libical: out of order, the first lost)
        {"FREQ=DAILY;BYHOUR=12,9,9", "2026-03-19 10:00:00",
         "2026-03-19@12:00 2026-03-20@09:00 2026-03-20@12:00"},
        // a day of the month in every month (libical: in one)
        {"FREQ=YEARLY;BYMONTHDAY=13;BYDAY=FR", "2026-03-19 10:00:00", "2026-11-13 2027-08-13 2028-10-13"},
        // a week takes its weekday from the start (libical: refused)
        {"FREQ=YEARLY;BYWEEKNO=53", "2026-03-19 10:00:00", "2026-12-31 2032-12-30 2037-12-31"},
        {"FREQ=YEARLY;BYWEEKNO=1;BYDAY=MO", "2024-12-01 10:00:00", "2024-12-30 2025-12-29 2027-01-04"},
        {"FREQ=YEARLY;BYWEEKNO=-1;BYDAY=SU", "2025-01-01 10:00:00", "2025-12-28 2027-01-03 2028-01-02"},
        // numbered and plain weekdays together (dateutil: both at once)
        {"FREQ=MONTHLY;BYDAY=SU,1MO", "2026-03-01 10:00:00", "2026-03-01 2026-03-02 2026-03-08 2026-03-15"},
        // positions count from the beginning of the week, also in the week of the start (dateutil: from the
        // start)
        {"FREQ=WEEKLY;BYDAY=MO,WE,FR;BYSETPOS=2", "2026-03-19 10:00:00", "2026-03-25 2026-04-01"},
        {"FREQ=DAILY;BYHOUR=8,9,10;BYSETPOS=-1,1", "2026-03-19 09:00:00",
         "2026-03-19@10:00 2026-03-20@08:00 2026-03-20@10:00"},
        // a day that months lack is left out, not moved
        {"FREQ=MONTHLY", "2026-01-31 10:00:00", "2026-01-31 2026-03-31 2026-05-31 2026-07-31"},
        {"FREQ=YEARLY", "2028-02-29 10:00:00", "2028-02-29 2032-02-29 2036-02-29"},
        {"FREQ=YEARLY", "2096-02-29 10:00:00", "2096-02-29 2104-02-29"},
        {"FREQ=YEARLY;BYYEARDAY=366", "2026-01-01 10:00:00", "2028-12-31 2032-12-31"},
        {"FREQ=YEARLY;BYYEARDAY=-366", "2026-01-01 10:00:00", "2028-01-01 2032-01-01"},
        {"FREQ=MONTHLY;BYDAY=5MO", "2026-01-01 10:00:00", "2026-03-30 2026-06-29 2026-08-31"},
        // local times are counted, also where the clock skips them
        {"FREQ=HOURLY", "2026-03-29 01:00:00", "2026-03-29 2026-03-29@02:00 2026-03-29@03:00"},
        {"FREQ=HOURLY;INTERVAL=36", "1969-12-31 12:00:00", "1969-12-31 1970-01-02@00:00 1970-01-03"},
        {"FREQ=HOURLY;INTERVAL=5;BYHOUR=9;BYDAY=MO", "2026-03-19 10:00:00",
         "2026-03-23@09:00 2026-04-27@09:00"},
        // the end of the promised years, and starts from which nothing ever comes
        {"FREQ=YEARLY", "2199-06-01 10:00:00", "2199-06-01 2200-06-01 end"},
        {"FREQ=WEEKLY;INTERVAL=100000", "2026-03-19 10:00:00", "2026-03-19 end"},
        {"FREQ=DAILY;INTERVAL=1000000", "2026-03-19 10:00:00", "2026-03-19 end"},
        {"FREQ=MONTHLY;INTERVAL=2;BYMONTH=4", "2026-03-19 10:00:00", "end"},
        {"FREQ=YEARLY;INTERVAL=2;BYMONTH=2;BYMONTHDAY=29", "2027-01-01 10:00:00", "end"},
        {"FREQ=MINUTELY;INTERVAL=2;BYMINUTE=31", "2026-03-19 10:00:00", "end"},
        {"FREQ=SECONDLY;INTERVAL=2;BYSECOND=31", "2026-03-19 10:00:00", "end"},
        {"FREQ=SECONDLY;INTERVAL=3600;BYHOUR=7;BYDAY=TU;BYMONTH=2;BYMONTHDAY=29", "2026-03-19 10:00:00",
         "2028-02-29@07:00 2056-02-29@07:00"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check(&rows[i]);
}

static void instances_are_in_order_and_not_before_the_start(void **state)
{
    (void)state;
    static const char *const rules[] = {
        "FREQ=YEARLY;BYMONTH=12,1;BYMONTHDAY=31,1,-2;BYHOUR=23,0;BYMINUTE=59,0",
        "FREQ=MONTHLY;BYDAY=-1FR,1MO,3WE;BYHOUR=20,4;BYSETPOS=-1,1,3",
        "FREQ=WEEKLY;INTERVAL=3;WKST=WE;BYDAY=SU,TU,WE;BYMINUTE=30,10",
        "FREQ=HOURLY;INTERVAL=7;BYMINUTE=50,5;BYSECOND=1,59;BYDAY=MO,SU",
        "FREQ=MINUTELY;INTERVAL=11;BYHOUR=23,0,1",
        "FREQ=SECONDLY;INTERVAL=77;BYMINUTE=0,59",
    };
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        struct recurrence *recurrence = parse(rules[i]);
        for (int start = 0; start < 400; start++) {
            civil_date from = civil_from_ymd(2027, 12, 1) + start, day = 0;
            int from_second = start * 211 % SECONDS_PER_DAY, second_of_day = 0;
            int64_t last = (int64_t)from * SECONDS_PER_DAY + from_second - 1;
            struct recurrence_iterator *iterator = recurrence_start(recurrence, from, from_second);
            for (int n = 0; n < 20; n++) {
                assert_true(recurrence_next(iterator, &day, &second_of_day));
                assert_in_range(second_of_day, 0, SECONDS_PER_DAY - 1);
                int64_t this = (int64_t)day * SECONDS_PER_DAY + second_of_day;
                assert_true(this > last);
                last = this;
            }
            recurrence_stop(iterator);
        }
        recurrence_free(recurrence);
    }
    recurrence_stop(NULL);
    recurrence_free(NULL);
}

static void no_day_has_more_than_the_most(void **state)
{
    (void)state;
    static const struct {
        const char *rule;
        int64_t most;
        bool reached; // from midnight
    } rows[] = {
        {"FREQ=WEEKLY", 1, true},
        {"FREQ=YEARLY;BYHOUR=8,12,16", 3, true},
        {"FREQ=MONTHLY;BYDAY=MO,TU;BYHOUR=8,9,10,11;BYSETPOS=1,-1", 2, false},
        {"FREQ=DAILY;BYHOUR=8,9,10;BYMINUTE=0,30", 6, true},
        {"FREQ=DAILY;BYHOUR=8,9,10;BYMINUTE=0,30;BYSETPOS=-1", 1, true},
        {"FREQ=HOURLY", 24, true},
        {"FREQ=HOURLY;INTERVAL=5", 5, true},
        {"FREQ=HOURLY;INTERVAL=169", 1, true},
        {"FREQ=HOURLY;BYHOUR=9,10;BYMINUTE=0,20,40", 6, true},
        {"FREQ=MINUTELY", 1440, true},
        {"FREQ=MINUTELY;INTERVAL=20;BYHOUR=9,16", 6, true},
        {"FREQ=MINUTELY;INTERVAL=1440", 1, true},
        {"FREQ=MINUTELY;BYHOUR=9;BYMINUTE=0,30", 2, true},
        {"FREQ=SECONDLY", 86400, true},
        {"FREQ=SECONDLY;INTERVAL=3600;BYMINUTE=0", 24, true},
        {"FREQ=SECONDLY;BYHOUR=9;BYMINUTE=0;BYSECOND=0,30", 2, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct recurrence *recurrence = parse(rows[i].rule);
        struct recurrence_iterator *iterator = recurrence_start(recurrence, date("2026-03-01"), 0);
        int64_t on_day = 0, most = 0;
        civil_date day = 0, last = 0;
        int second_of_day;
        assert_int_equal(recurrence_most_in_a_day(recurrence), rows[i].most);
        for (int n = 0; n < 100000 && recurrence_next(iterator, &day, &second_of_day); n++) {
            on_day = day == last ? on_day + 1 : 1;
            most = on_day > most ? on_day : most;
            last = day;
        }
        if (most > rows[i].most || (rows[i].reached && most != rows[i].most))
            fail_msg("%s: a day has %lld", rows[i].rule, (long long)most);
        recurrence_stop(iterator);
        recurrence_free(recurrence);
    }
}

static void what_is_wrong_is_refused_with_help(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"", "missing"},
        {"weekly", "\"weekly\" is no part"},
        {"RRULE:FREQ=WEEKLY", "\"RRULE:FREQ\" is no part"},
        {"FREQ", "has no value"},
        {"FREQ=", "not allowed"},
        {"FREQ=FORTNIGHTLY", "allowed are YEARLY"},
        {"BYDAY=MO", "FREQ is missing"},
        {"FREQ=WEEKLY;", "no part"},
        {";FREQ=WEEKLY", "no part"},
        {"FREQ=WEEKLY;;BYDAY=MO", "no part"},
        {"FREQ=WEEKLY;FREQ=DAILY", "FREQ stands twice"},
        {"FREQ=WEEKLY;BYDAY=MO;BYDAY=TU", "BYDAY stands twice"},
        {"FREQ=WEEKLY;BYDYA=MO", "perhaps BYDAY"},
        {"FREQ=WEEKLY;RSCALE=HEBREW", "no part"},
        {"FREQ=WEEKLY;COUNT=3", "COUNT is not allowed"},
        {"FREQ=WEEKLY;UNTIL=20270101", "UNTIL is not allowed"},
        {"FREQ=WEEKLY;INTERVAL=0", "1 to 1000000"},
        {"FREQ=WEEKLY;INTERVAL=-1", "1 to 1000000"},
        {"FREQ=WEEKLY;INTERVAL=1000001", "1 to 1000000"},
        {"FREQ=WEEKLY;INTERVAL=99999999999999999999", "1 to 1000000"},
        {"FREQ=WEEKLY;WKST=XX", "no weekday"},
        {"FREQ=WEEKLY;BYDAY=MON", "no weekday"},
        {"FREQ=WEEKLY;BYDAY=", "no weekday"},
        {"FREQ=WEEKLY;BYDAY=MO,", "no weekday"},
        {"FREQ=WEEKLY;BYDAY=1MO", "stands only with FREQ=MONTHLY"},
        {"FREQ=YEARLY;BYWEEKNO=5;BYDAY=1MO", "stands only with FREQ=MONTHLY"},
        {"FREQ=MONTHLY;BYDAY=0MO", "BYDAY=0MO"},
        {"FREQ=MONTHLY;BYDAY=54MO", "BYDAY=54MO"},
        {"FREQ=MONTHLY;BYDAY=--1MO", "BYDAY=--1MO"},
        {"FREQ=DAILY;BYHOUR=24", "BYHOUR takes 0 to 23"},
        {"FREQ=DAILY;BYHOUR=-1", "BYHOUR takes 0 to 23"},
        {"FREQ=DAILY;BYHOUR=9,", "BYHOUR takes 0 to 23"},
        {"FREQ=DAILY;BYHOUR=9 ", "BYHOUR takes 0 to 23"},
        {"FREQ=DAILY;BYMINUTE=60", "BYMINUTE takes 0 to 59"},
        {"FREQ=DAILY;BYSECOND=60", "BYSECOND takes 0 to 59"},
        {"FREQ=MONTHLY;BYMONTHDAY=32", "BYMONTHDAY takes 1 to 31"},
        {"FREQ=MONTHLY;BYMONTHDAY=0", "BYMONTHDAY takes 1 to 31"},
        {"FREQ=MONTHLY;BYMONTHDAY=-32", "BYMONTHDAY takes 1 to 31"},
        {"FREQ=YEARLY;BYMONTH=13", "BYMONTH takes 1 to 12"},
        {"FREQ=YEARLY;BYMONTH=0", "BYMONTH takes 1 to 12"},
        {"FREQ=YEARLY;BYYEARDAY=367", "BYYEARDAY takes 1 to 366"},
        {"FREQ=YEARLY;BYWEEKNO=54", "BYWEEKNO takes 1 to 53"},
        {"FREQ=MONTHLY;BYWEEKNO=5", "BYWEEKNO stands only"},
        {"FREQ=MONTHLY;BYYEARDAY=5", "BYYEARDAY does not stand"},
        {"FREQ=WEEKLY;BYMONTHDAY=5", "BYMONTHDAY does not stand"},
        {"FREQ=MONTHLY;BYSETPOS=1", "BYSETPOS stands only beside"},
        {"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "never fires"},
        {"FREQ=MONTHLY;BYMONTH=4,6,9,11;BYMONTHDAY=31", "never fires"},
        {"FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "never fires"},
        {"FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30", "never fires"},
        {"FREQ=MONTHLY;BYDAY=MO;BYSETPOS=6", "never fires"},
        {"FREQ=MONTHLY;BYDAY=6MO", "never fires"},
        {"FREQ=YEARLY;BYWEEKNO=30;BYMONTH=1", "never fires"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct recurrence *recurrence = NULL;
        struct error err = {""};
        if (recurrence_parse(rows[i].text, strlen(rows[i].text), &recurrence, &err) == 0)
            fail_msg("\"%s\" was taken for an RRULE", rows[i].text);
        if (strstr(err.text, rows[i].says) == NULL)
            fail_msg("\"%s\": the error is \"%s\", without \"%s\"", rows[i].text, err.text, rows[i].says);
        assert_null(recurrence);
    }
    char long_list[8192] = "FREQ=YEARLY;BYSETPOS=1";
    for (int i = 0; i < 2000; i++)
        strcat(long_list, ",1");
    strcat(long_list, ";BYMONTH=1");
    struct recurrence *recurrence = NULL;
    assert_int_equal(recurrence_parse(long_list, strlen(long_list), &recurrence, NULL), -1);
    // a rule that depends on its start to fire is no rule that never fires
    recurrence_free(parse("FREQ=YEARLY;BYMONTH=9;BYWEEKNO=35"));
    recurrence_free(parse("FREQ=MONTHLY;INTERVAL=12;BYMONTH=4"));
}

// Cut anywhere and with every character changed, a rule is read or refused.
static void damaged_rules_are_survived(void **state)
{
    (void)state;
    static const char whole[] = "FREQ=MONTHLY;INTERVAL=2;WKST=SU;BYDAY=-1FR,1MO;BYHOUR=9,12;BYSETPOS=1,-1";
    static const char values[] = "0159-+,;=AMOZ \x80";
    struct recurrence *recurrence;
    for (size_t i = 0; i < strlen(whole); i++) {
        char *exact = malloc(i ? i : 1); // so that the sanitizer sees a read beyond the end
        memcpy(exact, whole, i);
        recurrence = NULL;
        if (recurrence_parse(exact, i, &recurrence, NULL) == 0)
            recurrence_free(recurrence);
        free(exact);
        for (size_t v = 0; v < sizeof values; v++) {
            char changed[sizeof whole];
            memcpy(changed, whole, sizeof whole);
            changed[i] = values[v];
            recurrence = NULL;
            if (recurrence_parse(changed, sizeof whole - 1, &recurrence, NULL) == 0)
                recurrence_free(recurrence);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples_of_the_standard),
        cmocka_unit_test(what_others_got_wrong),
        cmocka_unit_test(instances_are_in_order_and_not_before_the_start),
        cmocka_unit_test(no_day_has_more_than_the_most),
        cmocka_unit_test(what_is_wrong_is_refused_with_help),
        cmocka_unit_test(damaged_rules_are_survived),
    };
    return cmocka_run_group_tests_name("recurrence", tests, NULL, NULL);
}
