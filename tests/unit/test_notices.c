// SPDX-License-Identifier: MPL-2.0
// Who gets the notices of a step: with an acknowledgement that holds, and when it reaches nobody; and who is
// the level above somebody.
#include "core/notices.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>

#define TODAY 20000

static const char *caseworker[] = {"caseworker"}, *team[] = {"caseworker", "team_leader"},
                  *heads[] = {"department_head", "centre_head"};
static struct stage stages[] = {
    {.when = STAGE_BEFORE, .to = caseworker, .to_count = 1},
    {.when = STAGE_BREACH, .to = team, .to_count = 2},
    {.when = STAGE_AFTER, .to = heads, .to_count = 2},
};
static struct escalation escalation = {.name = "dage", .stages = stages, .stage_count = 3};
static const struct rule rule = {.id = "a", .code = "K20", .escalation = &escalation};
static struct ruleset rules = {.escalations = &escalation, .escalation_count = 1};
static struct people people;

static int set_up(void **state)
{
    (void)state;
    static const struct person persons[] = {
        {"c1", "c1@example.dk", "nord", "caseworker", CIVIL_NONE, CIVIL_NONE, ""},
        {"l1", "l1@example.dk", "nord", "team_leader", CIVIL_NONE, CIVIL_NONE, ""},
        {"h1", "h1@example.dk", "familie", "department_head", CIVIL_NONE, CIVIL_NONE, ""},
        {"h2", "h2@example.dk", "familie", "department_head", TODAY, TODAY + 5, "h1"},
        {"k1", "k1@example.dk", "familie", "clerk", CIVIL_NONE, CIVIL_NONE, ""}, // a role that no step names
        {"x1", "x1@example.dk", "center", "centre_head", CIVIL_NONE, CIVIL_NONE, ""},
    };
    for (size_t i = 0; i < sizeof persons / sizeof persons[0]; i++)
        people_add(&people, &persons[i]);
    people_add_unit(&people, "nord", "familie");
    people_add_unit(&people, "syd", "familie");
    people_add_unit(&people, "familie", "center");
    people_add_unit(&people, "center", "");
    people_finish(&people);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    people_done(&people);
    return 0;
}

static const char *list(const struct addressees *addressees)
{
    static char text[400];
    text[0] = '\0';
    for (size_t i = 0; i < addressees->count; i++) {
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "%s%s", used ? " " : "",
                 addressees->recipients[i].person_id);
    }
    return text;
}

static const char *address(int stage, const char *worker, const char *told)
{
    static struct addressees addressees;
    struct acknowledgement holding = {.told = told};
    struct happening happening = {
        .stages = {{.stage = stage}}, .stage_count = 1, .holding = told ? &holding : NULL};
    notices_address(&happening, &rule, &people, "nord", worker, TODAY, &addressees);
    return list(&addressees);
}

static void test_whoever_has_been_told_is_left_out_while_it_holds(void **state)
{
    (void)state;
    assert_string_equal(address(1, "c1", NULL), "c1 l1");
    assert_string_equal(address(1, "c1", ""), "c1 l1");
    assert_string_equal(address(1, "c1", "caseworker,"), "l1");
    assert_string_equal(address(1, "c1", "team_leader,"), "c1");
    assert_string_equal(address(1, "c1", "case,worker,team,"), "c1 l1"); // whole names alone
    // The one who is left cannot be reached: the next level, without those who know.
    assert_string_equal(address(1, "c9", "team_leader,"), "h1 x1");
    assert_string_equal(address(1, "c9", "team_leader,department_head,"), "x1");
}

static void test_stages_that_tell_nobody_new(void **state)
{
    (void)state;
    struct acknowledgement holding = {.told = "caseworker,department_head,centre_head,"};
    assert_int_equal(acknowledgement_silent_stages(&holding, &escalation), 0x5);
    assert_int_equal(acknowledgement_silent_stages(NULL, &escalation), 0);
    assert_int_equal(acknowledgement_silent_stages(&holding, NULL), 0);
}

static void test_the_level_above(void **state)
{
    (void)state;
    static const struct {
        const char *what, *person, *unit, *expected;
    } cases[] = {
        {"of a caseworker: the leader of the own unit", "c1", "syd", "l1"},
        {"of a leader: those of the unit above, each once", "l1", "", "h1"},
        {"one level up", "h1", "", "x1"},
        {"nobody is above the top", "x1", "", ""},
        {"no leader, and none beside: never himself", "k1", "", "h1"},
        {"somebody unknown: from the unit that it is about", "z9", "nord", "l1"},
        {"no leader there: upwards", "z9", "syd", "h1"},
        {"somebody unknown about no unit", "z9", "", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        static struct addressees addressees;
        notices_level_above(&rules, &people, cases[i].person, cases[i].unit, TODAY, &addressees);
        if (strcmp(list(&addressees), cases[i].expected) != 0)
            fail_msg("%s: \"%s\" instead of \"%s\"", cases[i].what, list(&addressees), cases[i].expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whoever_has_been_told_is_left_out_while_it_holds),
        cmocka_unit_test(test_stages_that_tell_nobody_new),
        cmocka_unit_test(test_the_level_above),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
