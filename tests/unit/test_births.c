// SPDX-License-Identifier: MPL-2.0
// When a child was born is told to nobody outside: which rules that is about, the words of a mail, an event.
#include "core/explain.h"
#include "core/transition.h"
#include "support/rule_builder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct zone *zone;
static struct rule_builder builder;

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

static void begin(void)
{
    builder_init(&builder, zone);
    builder_kinds(&builder, &builder.rules.births, "barn.foedt");
}

static struct rule *rule_with(const char *id, const char *start, const char *stop)
{
    struct rule *rule = builder_rule(&builder, id);
    rule->code = id;
    rule->version_by_due = true;
    rule->calendar = builder.calendars[0];
    builder_kinds(&builder, &rule->start, start);
    builder_kinds(&builder, &rule->stop, stop);
    builder_after(&rule->due, "18 years - 6 months");
    return rule;
}

static void a_rule_knows_that_it_counts_from_a_birth(void **state)
{
    (void)state;
    begin();
    struct rule *plain = rule_with("plain", "sag.aabnet", "sag.lukket");
    struct rule *age = rule_with("age", "sag.aabnet barn.foedt", "sag.lukket");
    struct rule *anew = rule_with("anew", "sag.aabnet", "sag.lukket");
    builder_kinds(&builder, &anew->reset, "barn.foedt");
    struct rule *before = rule_with("before", "graviditet", "barn.foedt");
    struct rule *next = rule_with("next", "graviditet", "barn.foedt");
    builder_after(&next->then, "1 month");
    struct rule *stands = rule_with("stands", "graviditet", "sag.lukket");
    builder_kinds(&builder, &stands->pause, "barn.foedt");
    struct rule *at_once = rule_with("at_once", "barn.foedt", "sag.aabnet");
    at_once->due.form = DUE_AT_START;
    struct rule *missed = rule_with("missed", "sag.aabnet", "sag.lukket");
    builder_starts_on_breach(&builder, missed, "at_once");
    struct rule *grown_up = rule_with("grown_up", "sag.aabnet", "sag.lukket");
    builder_starts_on_breach(&builder, grown_up, "age");
    builder_finish(&builder);
    const struct {
        const struct rule *rule;
        bool from_birth, by_birth;
    } cases[] = {
        {plain, false, false},  {age, true, false},    {anew, true, false},
        {before, false, true},  {next, true, true},    {stands, false, true},
        {at_once, true, false}, {missed, true, false}, {grown_up, false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        print_message("%s\n", cases[i].rule->id);
        assert_int_equal(cases[i].rule->from_birth, cases[i].from_birth);
        assert_int_equal(cases[i].rule->by_birth, cases[i].by_birth);
    }
    builder_done(&builder);
}

// --- the words ---

static struct evaluator *evaluator;

static const struct evaluation *evaluate_at(struct event *events, size_t count, const char *now)
{
    static struct casefile casefile;
    casefile = (struct casefile){.id = "S-1", .type = "barn", .events = events, .event_count = count};
    evaluator = evaluator_new(&builder.rules);
    return evaluate(evaluator, &casefile, builder_instant(zone, now), EVALUATE_EXPLAIN);
}

static void explain_outside(const struct deadline *deadline, enum language language, struct buffer *into)
{
    for (int i = 0; i < deadline->step_count; i++) {
        explain_step_outside(&deadline->steps[i], deadline->rule, &builder.rules, language, into);
        buffer_add_char(into, '\n');
    }
}

static void expect_words(const struct deadline *deadline, enum language language, const char *expected)
{
    struct buffer got = {0};
    explain_outside(deadline, language, &got);
    assert_string_equal(got.data, expected);
    buffer_done(&got);
}

// The due is 28 August 2026, and that the child came of age on the 29th is nobody's.
static void a_mail_says_that_it_counts_from_the_birth(void **state)
{
    (void)state;
    begin();
    struct rule *rule = rule_with("r", "barn.foedt", "sag.lukket");
    builder_after(&rule->due, "18 years - 1 working day");
    rule->due.roll = 1;
    builder_finish(&builder);
    struct event events[] = {
        {"1", "", "barn.foedt", builder_instant(zone, "2008-08-29T00:00"), CIVIL_NONE},
        {"2", "", "sag.lukket", builder_instant(zone, "2026-09-01T10:00"), CIVIL_NONE},
    };
    const struct evaluation *result = evaluate_at(events, 2, "2026-10-01T00:00");
    assert_int_equal(result->deadline_count, 1);
    expect_words(&result->deadlines[0], LANGUAGE_DA,
                 "Regnes fra fødslen (»barn.foedt«).\n"
                 "18 år frem.\n"
                 "1 dag i kalenderen »arbejdsdage« tilbage.\n"
                 "Frist: udgangen af fre. 28-08-2026.\n"
                 "Lovbestemt frist overskredet, regnet fra lør. 29-08-2026 kl. 00.00.\n"
                 "Løst efter fristen: »sag.lukket« tir. 01-09-2026 kl. 10.00.\n"
                 "Hjemmel: § 1.\n");
    expect_words(&result->deadlines[0], LANGUAGE_EN,
                 "Counted from the birth (“barn.foedt”).\n"
                 "18 years on.\n"
                 "1 working day in calendar “arbejdsdage” back.\n"
                 "Due: the end of Fri 2026-08-28.\n"
                 "Statutory deadline breached, as from Sat 2026-08-29 at 00:00.\n"
                 "Done after the deadline: “sag.lukket”, Tue 2026-09-01 at 10:00.\n"
                 "Legal basis: § 1.\n");
    evaluator_free(evaluator);
    builder_done(&builder);
}

// Born on 14 June; none of the dues below is on that day of a year, nor on the day after it.
static const char *const tell_tales[] = {"14-06", "06-14", "15-06", "06-15"};

static void expect_nothing_of_the_birth(const struct deadline *deadline)
{
    for (int language = LANGUAGE_DA; language <= LANGUAGE_EN; language++) {
        struct buffer got = {0};
        explain_outside(deadline, (enum language)language, &got);
        for (size_t i = 0; i < sizeof tell_tales / sizeof tell_tales[0]; i++)
            if (strstr(got.data, tell_tales[i]))
                fail_msg("%s tells \"%s\":\n%s", deadline->rule->id, tell_tales[i], got.data);
        buffer_done(&got);
    }
}

static void make_forms(void)
{
    struct rule *rule = rule_with("after", "barn.foedt", "sag.lukket");
    builder_after(&rule->due, "18 years - 2 weeks");
    rule = rule_with("rolled", "barn.foedt", "sag.lukket"); // 14 June 2025 is a Saturday
    builder_after(&rule->due, "17 years");
    rule->due.roll = 1;
    rule = rule_with("inclusive", "barn.foedt", "sag.lukket");
    builder_after(&rule->due, "100 weeks");
    rule->due.inclusive = true;
    rule = rule_with("hours", "barn.foedt", "sag.lukket");
    builder_after(&rule->due, "9999 hours");
    rule = rule_with("next", "barn.foedt", "sag.lukket");
    rule->due = (struct due){.form = DUE_NEXT, .month = 12, .day = 24, .at = DUE_END_OF_DAY};
    rule = rule_with("end_of", "barn.foedt", "sag.lukket");
    rule->due = (struct due){.form = DUE_END_OF, .end_of = PERIOD_YEAR, .at = DUE_END_OF_DAY};
    rule = rule_with("earliest", "barn.foedt", "sag.lukket");
    struct due *forms = builder_earliest(&builder, &rule->due, 2);
    builder_after(&forms[0], "17 years");
    builder_after(&forms[1], "18 years");
    rule->due.roll = 1;
    rule = rule_with("then", "barn.foedt", "besoeg");
    builder_after(&rule->due, "15 years - 1 week");
    builder_after(&rule->then, "18 years + 10 days");
    rule->then.from_anchor = true;
    rule = rule_with("series", "barn.foedt", "sag.lukket");
    builder_every(&builder, &rule->due, "FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=24");
    rule = rule_with("before", "graviditet", "barn.foedt");
    builder_after(&rule->due, "1 month");
    rule = rule_with("stands", "graviditet", "sag.lukket");
    builder_after(&rule->due, "3 months");
    builder_kinds(&builder, &rule->pause, "barn.foedt");
    rule = rule_with("goes_on", "graviditet", "sag.lukket");
    builder_after(&rule->due, "3 months");
    builder_kinds(&builder, &rule->pause, "besoeg.foer");
    builder_kinds(&builder, &rule->resume, "barn.foedt");
    rule = rule_with("ends", "graviditet", "sag.lukket");
    builder_after(&rule->due, "3 months");
    builder_kinds(&builder, &rule->cancel, "barn.foedt");
    rule = rule_with("anew", "graviditet", "sag.lukket");
    builder_after(&rule->due, "3 months");
    builder_kinds(&builder, &rule->reset, "barn.foedt");
}

static void no_form_tells_it(void **state)
{
    (void)state;
    begin();
    make_forms();
    builder_finish(&builder);
    struct event events[] = {
        {"1", "", "graviditet", builder_instant(zone, "2007-11-10T10:00"), CIVIL_NONE},
        {"2", "", "graviditet", builder_instant(zone, "2007-11-10T10:00"), CIVIL_NONE},
        {"3", "", "besoeg.foer", builder_instant(zone, "2007-12-10T10:00"), CIVIL_NONE},
        {"4", "", "barn.foedt", builder_instant(zone, "2008-06-14T07:30"), CIVIL_NONE},
        {"5", "", "besoeg", builder_instant(zone, "2020-01-15T10:00"), CIVIL_NONE},
    };
    const struct evaluation *result = evaluate_at(events, 5, "2025-09-01T00:00");
    assert_true(result->deadline_count >= 14);
    for (size_t i = 0; i < result->deadline_count; i++)
        expect_nothing_of_the_birth(&result->deadlines[i]);
    evaluator_free(evaluator);
    builder_done(&builder);
}

// --- an event ---

static void an_event_does_not_say_when(void **state)
{
    (void)state;
    enum { BORN = 100, DONE = 500, NOW = 900 };
    static const struct {
        enum transition_kind kind;
        instant at;
        bool from_birth, by_birth;
        instant anchor_at, closed_at, expected_at;
    } cases[] = {
        {TRANSITION_OPENED, BORN, false, false, BORN, DONE, BORN},
        {TRANSITION_OPENED, BORN, true, false, INSTANT_NONE, DONE, NOW},
        {TRANSITION_MET, DONE, true, false, INSTANT_NONE, DONE, DONE},
        {TRANSITION_MET, DONE, false, true, BORN, NOW, NOW},
        {TRANSITION_BREACHED, DONE, true, true, INSTANT_NONE, NOW, DONE},
        {TRANSITION_PAUSED, DONE, false, true, BORN, NOW, NOW},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct transition transition = {.kind = cases[i].kind,
                                        .at = cases[i].at,
                                        .recorded_at = NOW,
                                        .anchor_at = BORN,
                                        .due_at = 700,
                                        .breached_at = 701,
                                        .closed_at = DONE};
        transition_hide_birth(&transition, cases[i].from_birth, cases[i].by_birth);
        assert_int_equal(transition.at, cases[i].expected_at);
        assert_int_equal(transition.anchor_at, cases[i].anchor_at);
        assert_int_equal(transition.closed_at, cases[i].closed_at);
        assert_int_equal(transition.due_at, 700);
        assert_int_equal(transition.breached_at, 701);
    }
    struct transition open = {.closed_at = INSTANT_NONE};
    transition_hide_birth(&open, true, true);
    assert_int_equal(open.closed_at, INSTANT_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rule_knows_that_it_counts_from_a_birth),
        cmocka_unit_test(a_mail_says_that_it_counts_from_the_birth),
        cmocka_unit_test(no_form_tells_it),
        cmocka_unit_test(an_event_does_not_say_when),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
