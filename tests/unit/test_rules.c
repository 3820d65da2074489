// SPDX-License-Identifier: MPL-2.0
// rules_finish: what it refuses and in which words, the order of dependency, the look-ups.
#include "core/rules.h"

#include "core/rules_index.h"
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

// A rule that is good, and the good version after it, for each case to spoil.
struct spoiled {
    struct rule_builder *builder;
    struct rule *rule, *later, *other;
    struct escalation *escalation;
};

static void hours_roll(struct spoiled *set)
{
    builder_after(&set->rule->due, "24 hours");
    set->rule->due.roll = 1;
}

static void hours_at(struct spoiled *set)
{
    builder_after(&set->rule->due, "24 hours");
    set->rule->due.at = 3600;
}

static void no_calendar(struct spoiled *set)
{
    builder_after(&set->rule->due, "6 working days");
    set->rule->calendar = NULL;
}

static void roll_without_calendar(struct spoiled *set)
{
    set->rule->due.roll = -1;
    set->rule->calendar = NULL;
}

static void inclusive_sum(struct spoiled *set)
{
    builder_after(&set->rule->due, "2 weeks + 1 days");
    set->rule->due.inclusive = true;
}

static void inclusive_months(struct spoiled *set)
{
    builder_after(&set->rule->due, "2 months");
    set->rule->due.inclusive = true;
}

static void inclusive_event(struct spoiled *set)
{
    set->rule->due.form = DUE_EVENT;
    set->rule->due.inclusive = true;
}

static void look_back_then(struct spoiled *set)
{
    set->rule->look_back = true;
    builder_after(&set->rule->then, "1 months");
}

static void look_back_every(struct spoiled *set)
{
    set->rule->look_back = true;
    builder_every(set->builder, &set->rule->due, "FREQ=WEEKLY");
}

static void look_back_without_calendar(struct spoiled *set)
{
    set->rule->look_back = true;
    set->rule->look_back_within = builder_duration("3 working days");
    set->rule->calendar = NULL;
}

static void every_pause(struct spoiled *set)
{
    builder_every(set->builder, &set->rule->due, "FREQ=WEEKLY");
    builder_kinds(set->builder, &set->rule->pause, "pause");
}

static void every_resume(struct spoiled *set)
{
    builder_every(set->builder, &set->rule->due, "FREQ=WEEKLY");
    builder_kinds(set->builder, &set->rule->resume, "resume");
}

static void every_extend(struct spoiled *set)
{
    builder_every(set->builder, &set->rule->due, "FREQ=WEEKLY");
    builder_kinds(set->builder, &set->rule->extend, "extend");
}

static void every_reset(struct spoiled *set)
{
    builder_every(set->builder, &set->rule->due, "FREQ=WEEKLY");
    builder_kinds(set->builder, &set->rule->reset, "reset");
}

static void every_with_then(struct spoiled *set)
{
    builder_every(set->builder, &set->rule->due, "FREQ=WEEKLY");
    builder_after(&set->rule->then, "1 months");
}

static void every_roll(struct spoiled *set)
{
    builder_every(set->builder, &set->rule->due, "FREQ=WEEKLY");
    set->rule->due.roll = 1;
}

static void every_at(struct spoiled *set)
{
    builder_every(set->builder, &set->rule->due, "FREQ=WEEKLY");
    set->rule->due.at = 0;
}

static void every_in_then(struct spoiled *set)
{
    builder_every(set->builder, &set->rule->then, "FREQ=WEEKLY");
}

static void every_in_earliest(struct spoiled *set)
{
    builder_every(set->builder, builder_earliest(set->builder, &set->rule->due, 1), "FREQ=WEEKLY");
}

static void at_start_in_then(struct spoiled *set)
{
    set->rule->then.form = DUE_AT_START;
}

static void at_start_in_earliest(struct spoiled *set)
{
    builder_earliest(set->builder, &set->rule->due, 1)->form = DUE_AT_START;
}

static void earliest_in_earliest(struct spoiled *set)
{
    struct due *inner = builder_earliest(set->builder, &set->rule->due, 1);
    builder_after(builder_earliest(set->builder, inner, 1), "1 days");
}

static void roll_inside_earliest(struct spoiled *set)
{
    struct due *inner = builder_earliest(set->builder, &set->rule->due, 1);
    builder_after(inner, "1 days");
    inner->roll = 1;
}

static void day_of_alone(struct spoiled *set)
{
    set->rule->due.form = DUE_ON_DAY_OF;
}

static void at_start_at(struct spoiled *set)
{
    set->rule->due.form = DUE_AT_START;
    set->rule->due.at = 3600;
}

static void same_as_roll(struct spoiled *set)
{
    builder_same_as(set->builder, &set->rule->due, "other");
    set->rule->due.roll = 1;
}

static void from_in_due(struct spoiled *set)
{
    set->rule->due.from_anchor = true;
}

static void until_before_from(struct spoiled *set)
{
    set->rule->until = builder_date("2019-12-31");
}

static void overlap(struct spoiled *set)
{
    set->rule->until = set->later->from;
}

static void open_end_overlap(struct spoiled *set)
{
    set->rule->until = CIVIL_NONE;
}

static void version_by_differs(struct spoiled *set)
{
    set->later->version_by_due = true;
}

static void scope_differs(struct spoiled *set)
{
    set->rule->scope_case = true;
}

static void circle(struct spoiled *set)
{
    builder_same_as(set->builder, &set->later->due, "other"); // only the later version closes it
    builder_starts_on_breach(set->builder, set->other, "rule");
}

static void circle_in_earliest(struct spoiled *set)
{
    builder_same_as(set->builder, builder_earliest(set->builder, &set->rule->then, 1), "rule");
}

static void no_start(struct spoiled *set)
{
    set->rule->start.count = 0;
}

static void no_due(struct spoiled *set)
{
    set->rule->due.form = DUE_NONE;
}

static void stage_without_office(struct spoiled *set)
{
    set->builder->rules.office_calendar = NULL;
    builder_stage(set->escalation, STAGE_BEFORE, "5 working days", NULL);
}

static void repeat_without_office(struct spoiled *set)
{
    set->builder->rules.office_calendar = NULL;
    builder_stage(set->escalation, STAGE_BREACH, NULL, "1 working days");
}

static void repeat_backwards(struct spoiled *set)
{
    builder_stage(set->escalation, STAGE_BREACH, NULL, "1 months - 31 days");
}

static void too_many_stages(struct spoiled *set)
{
    while (set->escalation->stage_count <= STAGES_MAX)
        builder_stage(set->escalation, STAGE_BREACH, NULL, NULL);
}

static void refuses_what_the_language_forbids(void **state)
{
    static const struct {
        void (*spoil)(struct spoiled *set);
        const char *message; // how it begins, then what it must say
        const char *says;
    } cases[] = {
        {hours_roll, "rules.yaml:1:3: ", "hours run to the second"},
        {hours_at, "rules.yaml:1:3: ", "hours run to the second"},
        {no_calendar, "rules.yaml:1:3: ", "add calendar"},
        {roll_without_calendar, "rules.yaml:1:3: ", "add calendar"},
        {inclusive_sum, "rules.yaml:1:3: ", "inclusive"},
        {inclusive_months, "rules.yaml:1:3: ", "inclusive"},
        {inclusive_event, "rules.yaml:1:3: ", "inclusive"},
        {look_back_then, "rules.yaml:1:3: ", "look_back"},
        {look_back_every, "rules.yaml:1:3: ", "look_back"},
        {look_back_without_calendar, "rules.yaml:1:3: ", "add calendar"},
        {every_pause, "rules.yaml:1:3: ", "a series"},
        {every_resume, "rules.yaml:1:3: ", "a series"},
        {every_extend, "rules.yaml:1:3: ", "a series"},
        {every_reset, "rules.yaml:1:3: ", "a series"},
        {every_with_then, "rules.yaml:1:3: ", "take out then"},
        {every_roll, "rules.yaml:1:3: ", "take out roll and at"},
        {every_at, "rules.yaml:1:3: ", "take out roll and at"},
        {every_in_then, "rules.yaml:1:3: ", "every cannot stand in then"},
        {every_in_earliest, "rules.yaml:1:3: ", "every cannot stand in earliest"},
        {at_start_in_then, "rules.yaml:1:3: ", "at_start cannot stand in then"},
        {at_start_in_earliest, "rules.yaml:1:3: ", "at_start cannot stand in earliest"},
        {earliest_in_earliest, "rules.yaml:1:3: ", "earliest inside earliest"},
        {roll_inside_earliest, "rules.yaml:1:3: ", "beside earliest"},
        {day_of_alone, "rules.yaml:1:3: ", "on_day_of stands only in earliest"},
        {at_start_at, "rules.yaml:1:3: ", "take out roll and at"},
        {same_as_roll, "rules.yaml:1:3: ", "take out roll and at"},
        {from_in_due, "rules.yaml:1:3: ", "from stands only in then"},
        {until_before_from, "rules.yaml:1:3: ", "before valid.from"},
        {overlap, "rules.yaml:2:3: ", "overlaps the one at rules.yaml:1:3"},
        {open_end_overlap, "rules.yaml:2:3: ", "overlaps the one at rules.yaml:1:3"},
        {version_by_differs, "rules.yaml:2:3: ", "the same version_by"},
        {scope_differs, "rules.yaml:2:3: ", "the same scope"},
        {circle, "rules.yaml:11:3: ", "(other, rule, other)"},
        {circle_in_earliest, "rules.yaml:1:3: ", "(rule, rule)"},
        {no_start, "rules.yaml:1:3: ", "no start"},
        {no_due, "rules.yaml:1:3: ", "no due"},
        {stage_without_office, "escalations.yaml:2:3: ", "office_calendar"},
        {repeat_without_office, "escalations.yaml:2:3: ", "office_calendar"},
        {repeat_backwards, "escalations.yaml:2:3: ", "without a minus"},
        {too_many_stages, "escalations.yaml:1:1: ", "at most 64"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct rule_builder builder;
        builder_init(&builder, zone);
        struct spoiled set = {.builder = &builder,
                              .rule = builder_rule(&builder, "rule"),
                              .later = builder_rule(&builder, "rule"),
                              .other = builder_rule(&builder, "other"),
                              .escalation = builder_escalation(&builder, "e")};
        set.rule->until = builder_date("2023-12-31");
        set.later->from = builder_date("2024-01-01");
        set.rule->calendar = set.later->calendar = builder.calendars[0];
        builder_after(&set.rule->due, "4 months");
        builder_after(&set.later->due, "4 months");
        builder_after(&set.other->due, "4 months");
        cases[i].spoil(&set);
        struct error err = {""};
        if (rules_finish(&builder.rules, &err) == 0)
            fail_msg("case %zu (%s) was not refused", i, cases[i].says);
        if (strncmp(err.text, cases[i].message, strlen(cases[i].message)) != 0 ||
            strstr(err.text, cases[i].says) == NULL)
            fail_msg("case %zu: \"%s\" does not say \"%s…%s\"", i, err.text, cases[i].message, cases[i].says);
        builder_done(&builder);
    }
}

static void accepts_what_it_allows(void **state)
{
    (void)state;
    struct rule_builder builder;
    builder_init(&builder, zone);
    struct rule *rule = builder_rule(&builder, "rule"), *later = builder_rule(&builder, "rule");
    rule->from = builder_date("2024-01-01"); // versions in any order
    later->until = builder_date("2023-12-31");
    rule->calendar = builder.calendars[0];
    rule->due.roll = 1;
    struct due *inner = builder_earliest(&builder, &rule->due, 3);
    builder_after(&inner[0], "24 hours");
    builder_after(&inner[1], "7 days");
    inner[1].inclusive = true;
    inner[2].form = DUE_ON_DAY_OF;
    inner[2].on_day_of = builder_kind(&builder, "dag");
    builder_after(&later->due, "2 weeks");
    later->due.inclusive = true;
    builder_after(&rule->then, "12 months");
    rule->then.from_anchor = true;
    struct error err;
    if (rules_finish(&builder.rules, &err) < 0)
        fail_msg("%s", err.text);
    const struct rule_line *line = &builder.rules.lines[0];
    assert_ptr_equal(line->versions[0], later);
    assert_ptr_equal(line->versions[1], rule);
    assert_int_equal(rule->roles[builder_kind(&builder, "dag")], ROLE_DAY_OF);
    assert_int_equal(rule->roles[builder_kind(&builder, "stop")], ROLE_STOP);
    assert_int_equal(line->roles[builder_kind(&builder, "start")], ROLE_START);
    builder_done(&builder);
}

static void puts_rules_after_those_they_lean_on(void **state)
{
    (void)state;
    struct rule_builder builder;
    builder_init(&builder, zone);
    struct rule *a = builder_rule(&builder, "a"), *b = builder_rule(&builder, "b");
    struct rule *c = builder_rule(&builder, "c"), *d = builder_rule(&builder, "d");
    builder_same_as(&builder, &a->due, "d");
    builder_after(&b->due, "1 days");
    builder_after(&c->due, "1 days");
    builder_starts_on_breach(&builder, c, "a");
    builder_same_as(&builder, builder_earliest(&builder, &c->then, 1), "b");
    builder_after(&d->due, "1 days");
    builder_finish(&builder);

    static const char *const order[] = {"d", "a", "b", "c"};
    static const int ranks[] = {3, 0, 1, 2};
    static const bool shared[] = {true, false, true, false};
    for (int i = 0; i < 4; i++) {
        const struct rule_line *line = &builder.rules.lines[i];
        assert_string_equal(line->id, order[i]);
        assert_int_equal(line->rank, ranks[i]);
        assert_int_equal(line->shared, shared[i]);
        assert_int_equal(line->versions[0]->line, i);
        assert_int_equal(rules_find_line(&builder.rules, order[i]), i);
    }
    assert_int_equal(a->due.same_as, 0);
    assert_int_equal(c->breach_of[0], 1);
    assert_int_equal(c->then.earliest[0].same_as, 2);
    builder_done(&builder);
}

static void finds_kinds_by_name(void **state)
{
    (void)state;
    struct rule_builder builder;
    builder_init(&builder, zone);
    builder_after(&builder_rule(&builder, "a")->due, "1 days");
    char name[32];
    for (int i = 0; i < 60; i++) {
        snprintf(name, sizeof name, "kind.%d", i);
        builder_kind(&builder, name);
    }
    builder_finish(&builder);
    for (int i = 0; i < 60; i++) {
        snprintf(name, sizeof name, "kind.%d and more", i);
        int kind = rules_find_kind(&builder.rules, name, strcspn(name, " "));
        assert_in_range(kind, 0, builder.rules.kind_count - 1);
        assert_memory_equal(builder.rules.kinds[kind], name, strcspn(name, " "));
    }
    assert_int_equal(rules_find_kind(&builder.rules, "kind.60", 7), -1);
    assert_int_equal(rules_find_kind(&builder.rules, "kind", 4), -1);
    assert_int_equal(rules_find_line(&builder.rules, "b"), -1);
    builder_done(&builder);
}

static void an_empty_set_is_a_set(void **state)
{
    (void)state;
    struct rule_builder builder;
    builder_init(&builder, zone);
    builder_finish(&builder);
    assert_int_equal(rules_find_line(&builder.rules, "a"), -1);
    builder_done(&builder);
    struct ruleset zeroed = {0};
    rules_done(&zeroed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_what_the_language_forbids),
        cmocka_unit_test(accepts_what_it_allows),
        cmocka_unit_test(puts_rules_after_those_they_lean_on),
        cmocka_unit_test(finds_kinds_by_name),
        cmocka_unit_test(an_empty_set_is_a_set),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
