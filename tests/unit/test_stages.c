// SPDX-License-Identifier: MPL-2.0
// When stages fall: the window that is asked for, the latest ones where there are too many, and far repeats.
#include "core/stages.h"

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

static instant at(const char *text)
{
    return text ? builder_instant(zone, text) : INSTANT_NONE;
}

struct stage_text {
    enum stage_when when;
    const char *offset, *every;
    int missed;
};

// What a case asks, and what must come: "stage.repeat time" one after another.
struct stage_case {
    const char *name;
    struct stage_text stages[4];
    enum due_form form; // DUE_AFTER where nothing else matters
    enum rule_kind kind;
    enum deadline_state state;
    const char *anchor, *due, *closed, *paused;
    int missed_in_a_row;
    const char *after, *until;
    const char *expected[6];
};

static const struct stage_case cases[] = {
    {.name = "all of them",
     .stages = {{STAGE_BEFORE, "30 days", NULL, 0},
                {STAGE_BREACH, NULL, NULL, 0},
                {STAGE_AFTER, "7 days", "7 days", 0}},
     .anchor = "2026-03-02T10:00",
     .due = "2026-07-02T23:59:59",
     .until = "2026-07-16T08:00",
     .expected = {"0.0 2026-06-02T08:00", "1.0 2026-07-03T00:00", "2.0 2026-07-09T08:00",
                  "2.1 2026-07-16T08:00"}},
    {.name = "after is left out, until is taken",
     .stages = {{STAGE_BREACH, NULL, "1 days", 0}},
     .anchor = "2026-03-02T10:00",
     .due = "2026-07-02T23:59:59",
     .after = "2026-07-03T08:00",
     .until = "2026-07-05T07:59:59",
     .expected = {"0.1 2026-07-04T08:00"}},
    {.name = "at one time in the order of the escalation",
     .stages = {{STAGE_AFTER, "2 days", NULL, 0}, {STAGE_AFTER, "1 days", "1 days", 0}},
     .anchor = "2026-03-02T10:00",
     .due = "2026-07-02T23:59:59",
     .until = "2026-07-04T08:00",
     .expected = {"1.0 2026-07-03T08:00", "0.0 2026-07-04T08:00", "1.1 2026-07-04T08:00"}},
    {.name = "hours are elapsed time, also over the change of clocks",
     .stages = {{STAGE_BEFORE, "24 hours", NULL, 0}, {STAGE_AFTER, "1 hours", "12 hours", 0}},
     .anchor = "2026-03-02T10:00",
     .due = "2026-03-29T12:00",
     .until = "2026-03-30T12:00",
     .expected = {"0.0 2026-03-28T11:00", "1.0 2026-03-29T13:00", "1.1 2026-03-30T01:00"}},
    {.name = "working days of the office",
     .stages = {{STAGE_BEFORE, "2 working days", NULL, 0},
                {STAGE_AFTER, "1 working days", "1 working days", 0}},
     .anchor = "2026-03-02T10:00",
     .due = "2026-04-06T23:59:59",
     .until = "2026-04-08T08:00",
     .expected = {"0.0 2026-03-31T08:00", "1.0 2026-04-07T08:00", "1.1 2026-04-08T08:00"}},
    {.name = "a repeat counts from the date of the stage, not from the repeat before",
     .stages = {{STAGE_BREACH, NULL, "1 months", 0}},
     .anchor = "2026-01-02T10:00",
     .due = "2026-01-30T23:59:59",
     .after = "2026-01-31T00:00",
     .until = "2026-04-30T08:00",
     .expected = {"0.1 2026-02-28T08:00", "0.2 2026-03-31T08:00", "0.3 2026-04-30T08:00"}},
    {.name = "named before: its repeats end at the due",
     .stages = {{STAGE_BEFORE, "2 days", "1 days", 0}, {STAGE_BEFORE, "1 hours", "30 hours", 0}},
     .anchor = "2026-03-02T10:00",
     .due = "2026-03-10T08:00",
     .until = "2026-04-01T00:00",
     .expected = {"0.0 2026-03-08T08:00", "0.1 2026-03-09T08:00", "1.0 2026-03-10T07:00",
                  "0.2 2026-03-10T08:00"}},
    {.name = "not at the anchor, a second after it",
     .stages = {{STAGE_BEFORE, "2 days", NULL, 0}, {STAGE_BEFORE, "1 days", NULL, 0}},
     .anchor = "2026-03-08T08:00",
     .due = "2026-03-10T23:59:59",
     .until = "2026-04-01T00:00",
     .expected = {"1.0 2026-03-09T08:00"}},
    {.name = "due not after the anchor",
     .stages = {{STAGE_BREACH, NULL, NULL, 0}, {STAGE_AFTER, "1 days", "5 days", 0}},
     .anchor = "2026-03-08T08:00",
     .due = "2026-03-01T23:59:59",
     .until = "2026-03-13T00:00",
     .expected = {"0.0 2026-03-08T08:00:01", "1.2 2026-03-12T08:00"}},
    {.name = "closed: up to that second",
     .stages = {{STAGE_BREACH, NULL, "1 days", 0}},
     .state = STATE_LATE,
     .anchor = "2026-03-02T10:00",
     .due = "2026-03-10T23:59:59",
     .closed = "2026-03-12T08:00",
     .until = "2026-04-01T00:00",
     .expected = {"0.0 2026-03-11T00:00", "0.1 2026-03-12T08:00"}},
    {.name = "paused: up to that second",
     .stages = {{STAGE_BEFORE, "4 days", "1 days", 0}},
     .state = STATE_PAUSED,
     .anchor = "2026-03-02T10:00",
     .due = "2026-03-10T23:59:59",
     .paused = "2026-03-07T08:00",
     .until = "2026-04-01T00:00",
     .expected = {"0.0 2026-03-06T08:00", "0.1 2026-03-07T08:00"}},
    {.name = "series: the breach is the end",
     .stages = {{STAGE_BEFORE, "1 days", NULL, 0},
                {STAGE_BREACH, NULL, "1 hours", 0},
                {STAGE_BREACH, NULL, NULL, 2},
                {STAGE_AFTER, "1 hours", NULL, 0}},
     .form = DUE_EVERY,
     .state = STATE_MISSED,
     .anchor = "2026-03-02T10:00",
     .due = "2026-03-09T10:00",
     .closed = "2026-03-09T10:00",
     .missed_in_a_row = 1,
     .until = "2026-04-01T00:00",
     .expected = {"0.0 2026-03-08T08:00", "1.0 2026-03-09T10:00:01"}},
    {.name = "series: the second miss in a row",
     .stages = {{STAGE_BREACH, NULL, NULL, 1}, {STAGE_BREACH, NULL, NULL, 2}, {STAGE_BREACH, NULL, NULL, 3}},
     .form = DUE_EVERY,
     .state = STATE_MISSED,
     .anchor = "2026-03-02T10:00",
     .due = "2026-03-09T10:00",
     .closed = "2026-03-09T10:00",
     .missed_in_a_row = 2,
     .until = "2026-04-01T00:00",
     .expected = {"0.0 2026-03-09T10:00:01", "1.0 2026-03-09T10:00:01"}},
    {.name = "a miss that is none",
     .stages = {{STAGE_BREACH, NULL, NULL, 1}},
     .anchor = "2026-03-02T10:00",
     .due = "2026-03-09T10:00",
     .until = "2026-04-01T00:00"},
    {.name = "what lapses has nothing after the breach",
     .stages = {{STAGE_BREACH, NULL, "1 days", 0}, {STAGE_AFTER, "1 days", NULL, 0}},
     .kind = RULE_EXPIRY,
     .anchor = "2026-03-02T10:00",
     .due = "2026-03-09T23:59:59",
     .until = "2026-04-01T00:00",
     .expected = {"0.0 2026-03-10T00:00"}},
    {.name = "without a due",
     .stages = {{STAGE_BREACH, NULL, NULL, 0}},
     .anchor = "2026-03-02T10:00",
     .until = "2026-04-01T00:00"},
};

struct staged {
    struct rule_builder builder;
    struct deadline deadline;
};

static void build(struct staged *staged, const struct stage_case *test)
{
    builder_init(&staged->builder, zone);
    struct rule *rule = builder_rule(&staged->builder, "rule");
    struct escalation *escalation = builder_escalation(&staged->builder, "e");
    for (size_t i = 0; i < 4; i++)
        if (test->stages[i].offset || test->stages[i].when == STAGE_BREACH)
            builder_stage(escalation, test->stages[i].when, test->stages[i].offset, test->stages[i].every)
                ->missed = test->stages[i].missed;
    if (test->form == DUE_EVERY)
        builder_every(&staged->builder, &rule->due, "FREQ=WEEKLY");
    else
        builder_after(&rule->due, "1 days");
    rule->kind = test->kind;
    rule->escalation = escalation;
    builder_finish(&staged->builder);
    staged->deadline = (struct deadline){.rule = rule,
                                         .subject = "",
                                         .occurrence = 1,
                                         .state = test->state,
                                         .anchor_at = at(test->anchor),
                                         .due_at = at(test->due),
                                         .breached_at = INSTANT_NONE,
                                         .closed_at = at(test->closed),
                                         .paused_at = at(test->paused),
                                         .next_stage = INSTANT_NONE,
                                         .missed_in_a_row = test->missed_in_a_row};
}

static void falls_where_the_language_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct staged staged;
        struct stage_time times[8];
        struct buffer got = {0}, expected = {0};
        build(&staged, &cases[i]);
        size_t count = stages_between(&staged.builder.rules, &staged.deadline, at(cases[i].after),
                                      at(cases[i].until), times, 8);
        for (size_t t = 0; t < count; t++) {
            char text[ZONE_INSTANT_SIZE];
            zone_format(zone, times[t].at, text);
            buffer_format(&got, "%d.%d %.19s\n", times[t].stage, times[t].repeat, text);
        }
        for (size_t t = 0; t < 6 && cases[i].expected[t]; t++)
            buffer_format(&expected, "%s%s\n", cases[i].expected[t],
                          strlen(cases[i].expected[t]) < strlen("0.0 2026-03-02T08:00:00") ? ":00" : "");
        buffer_add_string(&got, "");
        buffer_add_string(&expected, "");
        if (strcmp(got.data, expected.data) != 0)
            fail_msg("%s: got\n%snot\n%s", cases[i].name, got.data, expected.data);
        buffer_done(&got);
        buffer_done(&expected);
        builder_done(&staged.builder);
    }
}

// The next stage is the first of the rest, from any second on.
static void the_next_is_the_first_of_the_rest(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct staged staged;
        build(&staged, &cases[i]);
        instant from = at(cases[i].anchor) - 86400;
        for (int step = 0; step < 400; step++, from += 7 * 3600) {
            struct stage_time time;
            instant after = from;
            size_t rest =
                stages_between(&staged.builder.rules, &staged.deadline, after, after + 3 * 86400, &time, 1);
            instant next = stages_next(&staged.builder.rules, &staged.deadline, after);
            if (deadline_is_closed(staged.deadline.state) || staged.deadline.state == STATE_PAUSED)
                assert_int_equal(next, INSTANT_NONE);
            else if (rest == 0)
                assert_true(next == INSTANT_NONE || next > after + 3 * 86400);
            else
                assert_true(next > after && next <= time.at);
            if (next != INSTANT_NONE)
                assert_int_equal(
                    stages_between(&staged.builder.rules, &staged.deadline, after, next - 1, NULL, 0), 0);
        }
        builder_done(&staged.builder);
    }
}

static void writes_the_latest_and_counts_all(void **state)
{
    (void)state;
    struct stage_case daily = {.stages = {{STAGE_BREACH, NULL, "1 days", 0}},
                               .anchor = "2026-03-02T10:00",
                               .due = "2026-03-09T23:59:59"};
    struct staged staged;
    build(&staged, &daily);
    struct stage_time times[3];
    assert_int_equal(stages_between(&staged.builder.rules, &staged.deadline, INSTANT_NONE,
                                    at("2026-03-20T09:00"), times, 3),
                     11);
    assert_int_equal(times[0].at, at("2026-03-18T08:00"));
    assert_int_equal(times[1].at, at("2026-03-19T08:00"));
    assert_int_equal(times[2].at, at("2026-03-20T08:00"));
    assert_int_equal(times[2].repeat, 10);
    builder_done(&staged.builder);
}

// A deadline forgotten for decades: the next repeat is found, not counted up to.
static void finds_far_repeats_at_once(void **state)
{
    static const struct {
        const char *every, *next;
        int repeat;
    } cases_far[] = {
        {"1 hours", "2100-06-15T12:00:00", 1060187},  {"1 days", "2100-06-16T08:00:00", 44175},
        {"1 weeks", "2100-06-18T08:00:00", 6311},     {"1 months", "2100-07-06T08:00:00", 1452},
        {"1 working days", "2100-06-16T08:00:00", 0}, // as many as the calendar says
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases_far / sizeof cases_far[0]; i++) {
        struct stage_case old = {.stages = {{STAGE_BREACH, NULL, cases_far[i].every, 0}},
                                 .anchor = "1979-07-02T10:00",
                                 .due = "1979-07-05T23:59:59"};
        struct staged staged;
        struct stage_time time;
        build(&staged, &old);
        instant after = at("2100-06-15T11:59:59");
        instant next = stages_next(&staged.builder.rules, &staged.deadline, after);
        assert_int_equal(next, at(cases_far[i].next));
        assert_int_equal(stages_between(&staged.builder.rules, &staged.deadline, after, next, &time, 1), 1);
        if (cases_far[i].repeat > 0)
            assert_int_equal(time.repeat, cases_far[i].repeat);
        assert_int_equal(stages_next(&staged.builder.rules, &staged.deadline, at("2200-12-31T23:00")),
                         INSTANT_NONE);
        builder_done(&staged.builder);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(falls_where_the_language_says),
        cmocka_unit_test(the_next_is_the_first_of_the_rest),
        cmocka_unit_test(writes_the_latest_and_counts_all),
        cmocka_unit_test(finds_far_repeats_at_once),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
