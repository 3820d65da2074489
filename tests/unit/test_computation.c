// SPDX-License-Identifier: MPL-2.0
// What is written down of a date, and what comes out when it is computed again. That it is the same for any
// rules and events is shown in test_evaluate.c.
#include "core/computation.h"

#include "support/rule_builder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct zone *zone;

static int set_up(void **state)
{
    (void)state;
    zone = copenhagen();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    zone_free(zone);
    return 0;
}

static void is_written_for_people(void **state)
{
    (void)state;
    struct rule_builder builder;
    builder_init(&builder, zone);
    struct rule *rule = builder_rule(&builder, "rule");
    rule->calendar = builder.calendars[0];
    builder_after(&rule->due, "4 weeks");
    rule->due.roll = 1;
    builder_kinds(&builder, &rule->pause, "pause");
    builder_kinds(&builder, &rule->resume, "resume");
    builder_kinds(&builder, &rule->extend, "extend");
    builder_finish(&builder);
    struct event events[] = {
        {"1", "U", "start", builder_instant(zone, "2025-12-08T10:00"), CIVIL_NONE},
        {"2", "U", "pause", builder_instant(zone, "2025-12-19T12:00"), CIVIL_NONE},
        {"3", "U", "resume", builder_instant(zone, "2026-01-05T12:00"), CIVIL_NONE},
        {"4", "U", "extend", builder_instant(zone, "2026-01-06T12:00"), builder_date("2026-02-01")},
        {"5", "U", "pause", builder_instant(zone, "2026-01-07T12:00"), CIVIL_NONE},
    };
    struct casefile casefile = {.id = "S", .type = "", .events = events, .event_count = 5};
    struct evaluator *evaluator = evaluator_new(&builder.rules);
    const struct evaluation *evaluation =
        evaluate(evaluator, &casefile, builder_instant(zone, "2026-01-08T12:00"), EVALUATE_EXPLAIN);
    struct buffer text = {0};
    computation_write(&evaluation->deadlines[0], &builder.rules, &text);
    assert_string_equal(text.data, "after 4 weeks\n"
                                   "roll forward\n"
                                   "calendar arbejdsdage\n"
                                   "start 2025-12-08T10:00:00+01:00\n"
                                   "pause 2025-12-19T12:00:00+01:00\n"
                                   "resume 2026-01-05T12:00:00+01:00\n"
                                   "extend 2026-02-01\n"
                                   "pause 2026-01-07T12:00:00+01:00\n"
                                   "due 2026-02-01T23:59:59+01:00\n");
    buffer_done(&text);
    evaluator_free(evaluator);
    builder_done(&builder);
}

#define EASTER "start 2026-03-30T10:00:00+02:00\n"

static void is_computed_again(void **state)
{
    static const struct {
        const char *text, *due; // due NULL: none
    } cases[] = {
        {"after 6 working days\ncalendar hverdage\n" EASTER, "2026-04-09T23:59:59+02:00"},
        {"after 6 working days\ncalendar arbejdsdage\n" EASTER, "2026-04-10T23:59:59+02:00"},
        {"after 24 hours\nstart 2026-10-24T20:00:00+02:00\n", "2026-10-25T19:00:00+01:00"},
        {"inclusive 7 days\nstart 2026-03-02T10:00:00+01:00\n", "2026-03-08T23:59:59+01:00"},
        {"after 18 years - 6 months\nstart 2008-08-31T00:00:00+02:00\n", "2026-02-28T23:59:59+01:00"},
        {"event\ndue_on 2026-05-14\nroll backward\ncalendar hverdage\n" EASTER, "2026-05-13T23:59:59+02:00"},
        {"event\n" EASTER, NULL},
        {"event\n" EASTER "extend 2026-05-01\n", "2026-05-01T23:59:59+02:00"},
        {"on 2026-12-01\nat 12:00\n" EASTER, "2026-12-01T12:00:00+01:00"},
        {"next 02-29\n" EASTER, "2028-02-29T23:59:59+01:00"},
        {"end_of quarter\n" EASTER, "2026-03-31T23:59:59+02:00"},
        {"same_as other\nshared 2026-07-01T10:00:00+02:00\n" EASTER, "2026-07-01T10:00:00+02:00"},
        {"same_as other\n" EASTER, NULL},
        {"after 12 months\ncount_from 2025-02-16T10:00:00+01:00\n" EASTER, "2026-02-16T23:59:59+01:00"},
        {"or after 3 months\nor on_day_of visit\n" EASTER "day_of 2026-05-02\n", "2026-05-02T23:59:59+02:00"},
        {"every FREQ=WEEKLY;INTERVAL=2\nbegun 2026-03-19T10:00:00+01:00\n" EASTER,
         "2026-04-02T10:00:00+02:00"},
        {"after 4 weeks\n" EASTER "reset 2026-04-01T10:00:00+02:00\n", "2026-04-29T23:59:59+02:00"},
        {"after 24 hours\n" EASTER "pause 2026-03-30T12:00:00+02:00\nresume 2026-03-30T15:00:00+02:00\n",
         "2026-03-31T13:00:00+02:00"},
    };
    (void)state;
    struct rule_builder builder;
    builder_init(&builder, zone);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        instant was_due, due;
        struct error err;
        if (computation_repeat(cases[i].text, &builder.rules, &was_due, &due, &err) < 0)
            fail_msg("%s: %s", cases[i].text, err.text);
        assert_int_equal(was_due, INSTANT_NONE);
        assert_int_equal(due, cases[i].due ? builder_instant(zone, cases[i].due) : INSTANT_NONE);
    }
    builder_done(&builder);
}

static void refuses_what_is_damaged(void **state)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"", "not complete"},
        {EASTER, "not complete"},
        {"after 6 working days\n" EASTER, "not complete"},
        {"every FREQ=WEEKLY\n" EASTER, "not complete"},
        {"after 6 working days\ncalendar kirkeåret\n" EASTER, "no calendar \"kirkeåret\" any more"},
        {"after 6 wroking days\n" EASTER, "wroking"},
        {"after 4 weeks\nstart i morgen\n", "\"start\""},
        {"after 4 weeks\n" EASTER "resume 2026-03-31T10:00:00+02:00\n", "\"resume\""},
        {"after 4 weeks\npause 2026-03-31T10:00:00+02:00\n" EASTER, "\"pause\""},
        {"after 4 weeks\n" EASTER "after 5 weeks\n", "\"after\""},
        {"after 4 weeks\n" EASTER "event\n", "\"event\""},
        {"or or event\n" EASTER, "\"or\""},
        {"or start 2026-03-31T10:00:00+02:00\n" EASTER, "\"start\""},
        {"or every FREQ=WEEKLY\n" EASTER, "\"or\""},
        {"on_day_of visit\n" EASTER, "not complete"},
        {"next 02-30\n" EASTER, "\"next\""},
        {"on 2026-12-01\nat 24:00\n" EASTER, "\"at\""},
        {"end_of time\n" EASTER, "\"end_of\""},
        {"a_key_that_is_longer_than_any 1\n" EASTER, "cannot be read"},
    };
    (void)state;
    struct rule_builder builder;
    builder_init(&builder, zone);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        instant was_due, due;
        struct error err;
        if (computation_repeat(cases[i].text, &builder.rules, &was_due, &due, &err) == 0)
            fail_msg("taken: %s", cases[i].text);
        if (strstr(err.text, cases[i].why) == NULL)
            fail_msg("%s: %s", cases[i].text, err.text);
    }
    builder_done(&builder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_written_for_people),
        cmocka_unit_test(is_computed_again),
        cmocka_unit_test(refuses_what_is_damaged),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
