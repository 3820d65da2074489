// SPDX-License-Identifier: MPL-2.0
// Which steps of which open deadlines will reach nobody, and on which days.
#include "core/reach.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>

#define TODAY 20000 // 2024-10-04

static const char *caseworker[] = {"caseworker"}, *both[] = {"caseworker", "team_leader"},
                  *head[] = {"department_head"};
static struct stage stages[] = {
    {.when = STAGE_BEFORE, .to = caseworker, .to_count = 1},
    {.when = STAGE_BEFORE, .to = caseworker, .to_count = 1}, // the same people again: no hole of its own
    {.when = STAGE_BREACH, .to = both, .to_count = 2},
    {.when = STAGE_AFTER, .to = head, .to_count = 1},
};
static struct escalation escalation = {.name = "dage", .stages = stages, .stage_count = 4};
static const struct rule rules_of[] = {{.id = "a", .code = "K20", .escalation = &escalation},
                                       {.id = "b", .code = "K30", .escalation = &escalation},
                                       {.id = "c", .code = "K40"}};

static struct ruleset rules;
static struct reach *reach;

static void add_person(struct people *people, const char *id, const char *unit, const char *role, int from,
                       int until, const char *substitute)
{
    people_add(people, &(struct person){id, "x@example.dk", unit, role, from, until, substitute});
}

#define HERE CIVIL_NONE, CIVIL_NONE, ""

static struct people municipality(void)
{
    struct people people = {0};
    people_add_unit(&people, "nord", "familie");
    people_add_unit(&people, "familie", "");
    add_person(&people, "c1", "nord", "caseworker", HERE);
    add_person(&people, "c2", "nord", "caseworker", TODAY + 3, TODAY + 6, "");
    add_person(&people, "l1", "nord", "team_leader", HERE);
    add_person(&people, "h1", "familie", "department_head", HERE);
    return people;
}

static void add_case(const char *unit, const char *person, int rule, enum deadline_state state,
                     size_t deadlines)
{
    struct deadline list[3];
    for (size_t i = 0; i < deadlines; i++)
        list[i] = (struct deadline){
            .rule = &rules_of[rule], .subject = "", .occurrence = (int)i + 1, .state = state};
    reach_add(reach, unit, person, list, deadlines);
}

static const char *holes(void)
{
    static char text[2000];
    size_t count;
    const struct reach_hole *list = reach_finish(reach, &count);
    text[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        struct buffer days = {0}, lost = {0};
        reach_days(TODAY, list[i].days, &days);
        reach_days(TODAY, list[i].lost, &lost);
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "%s%s %s %d: %s%s%s (%d)", used ? "; " : "", list[i].unit,
                 list[i].code, (int)(list[i].stage - stages), days.data, lost.length ? " lost " : "",
                 lost.length ? lost.data : "", list[i].cases);
        buffer_done(&days);
        buffer_done(&lost);
    }
    return text;
}

static void begin(struct people *people)
{
    people_finish(people);
    reach_begin(reach, &rules, people, TODAY);
}

static void test_nothing_to_find(void **state)
{
    (void)state;
    struct people people = municipality();
    begin(&people);
    add_case("nord", "c1", 0, STATE_OPEN, 2);
    add_case("nord", "c9", 0, STATE_MET, 1);  // closed
    add_case("nord", "c9", 2, STATE_OPEN, 1); // nobody is to be told
    assert_string_equal(holes(), "");
    people_done(&people);
}

static void test_an_absence_without_a_substitute(void **state)
{
    (void)state;
    struct people people = municipality();
    begin(&people);
    add_case("nord", "c2", 0, STATE_OPEN, 3); // one case, whatever it has
    add_case("nord", "c2", 0, STATE_BREACHED, 1);
    add_case("nord", "c2", 1, STATE_PAUSED, 1);
    assert_string_equal(holes(),
                        "nord K20 0: 2024-10-07 – 2024-10-10 (2); nord K30 0: 2024-10-07 – 2024-10-10 (1)");
    people_done(&people);
    // Somebody stands in.
    people = municipality();
    add_person(&people, "c3", "nord", "caseworker", TODAY, TODAY + 1, "c2");
    begin(&people);
    add_case("nord", "c3", 0, STATE_OPEN, 1);
    assert_string_equal(holes(), "");
    people_done(&people);
}

static void test_a_caseworker_who_has_left(void **state)
{
    (void)state;
    struct people people = municipality();
    begin(&people);
    add_case("nord", "c9", 0, STATE_OPEN, 1);
    add_case("nord", "", 0, STATE_OPEN, 1);
    assert_string_equal(holes(), "nord K20 0: 2024-10-04 – (2)");
    people_done(&people);
}

static void test_a_unit_that_is_dissolved(void **state)
{
    (void)state;
    struct people people = municipality();
    begin(&people);
    add_case("vest", "c1", 0, STATE_OPEN, 1); // nobody above it: the last step is lost
    assert_string_equal(holes(), "vest K20 3: 2024-10-04 – lost 2024-10-04 – (1)");
    people_done(&people);
}

static void test_what_a_later_step_still_reaches_is_not_lost(void **state)
{
    (void)state;
    struct people people = {0};
    people_add_unit(&people, "nord", "");
    add_person(&people, "c1", "nord", "caseworker", HERE);
    add_person(&people, "l1", "nord", "team_leader", TODAY, TODAY, "");
    add_person(&people, "h1", "nord", "department_head", TODAY + 10, CIVIL_NONE, "l1");
    add_person(&people, "h2", "nord", "department_head", TODAY + 20, TODAY + 29, "");
    begin(&people);
    add_case("nord", "c9", 0, STATE_OPEN, 1);
    // The head is replaced by the team leader from the 10th day on, so only the steps of a missing caseworker
    // are open.
    assert_string_equal(holes(), "nord K20 0: 2024-10-04 – (1); nord K20 2: 2024-10-04 (1)");
    people_done(&people);
}

static void test_the_fingerprint_does_not_change_with_each_day(void **state)
{
    (void)state;
    struct people people = municipality();
    add_person(&people, "c4", "nord", "caseworker", TODAY - 5, CIVIL_NONE, "");
    people_finish(&people);
    struct buffer first = {0}, second = {0};
    size_t count;
    for (int day = 0; day < 2; day++) {
        reach_begin(reach, &rules, &people, TODAY + day);
        add_case("nord", "c4", 0, STATE_OPEN, 1);
        add_case("nord", "c2", 0, STATE_OPEN, 1);
        if (day == 1) // another case with the same hole
            add_case("nord", "c2", 0, STATE_OPEN, 1);
        reach_finish(reach, &count);
        assert_int_equal(count, 2);
        reach_fingerprint(reach, day == 0 ? &first : &second);
    }
    assert_string_equal(first.data, second.data);
    buffer_clear(&second);
    reach_begin(reach, &rules, &people, TODAY + 7); // c2 is back
    add_case("nord", "c4", 0, STATE_OPEN, 1);
    add_case("nord", "c2", 0, STATE_OPEN, 1);
    reach_finish(reach, &count);
    reach_fingerprint(reach, &second);
    assert_string_not_equal(first.data, second.data);
    buffer_done(&first);
    buffer_done(&second);
    people_done(&people);
}

// What is kept must say the same as asking for each day anew.
static void test_each_day_as_people_reach_says(void **state)
{
    (void)state;
    uint32_t seed = 20261123;
    for (int round = 0; round < 200; round++) {
        struct people people = {0};
        static const char *const ids[] = {"p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7"};
        people_add_unit(&people, "u0", "u1");
        people_add_unit(&people, "u1", "");
        static const char *const roles[] = {"caseworker", "team_leader", "department_head"};
        for (int i = 0; i < 6; i++) {
            seed = seed * 1664525 + 1013904223;
            int from = TODAY + (int)(seed >> 8) % 70 - 10, length = (int)(seed >> 15 & 31);
            bool away = seed >> 30, without_end = (seed >> 24 & 7) == 0;
            add_person(&people, ids[i], seed >> 20 & 1 ? "u0" : "u1", roles[i % 3], away ? from : CIVIL_NONE,
                       away && !without_end ? from + length : CIVIL_NONE,
                       seed >> 21 & 1 ? ids[(seed >> 26) & 7] : "");
        }
        begin(&people);
        add_case("u0", "p0", 0, STATE_OPEN, 1);
        uint64_t hole[4] = {0};
        size_t count;
        const struct reach_hole *list = reach_finish(reach, &count);
        for (size_t i = 0; i < count; i++)
            hole[list[i].stage - stages] = list[i].days;
        hole[1] = hole[0];
        for (int stage = 0; stage < 4; stage++)
            for (int day = 0; day < REACH_DAYS; day++) {
                struct recipient one;
                bool reached = false;
                for (int r = 0; r < stages[stage].to_count; r++)
                    reached |=
                        people_reach(&people, stages[stage].to[r], "u0", "p0", TODAY + day, &one, 1) > 0;
                if (reached == (hole[stage] >> day & 1))
                    fail_msg("round %d stage %d day %d", round, stage, day);
            }
        people_done(&people);
    }
}

static void test_many_units(void **state)
{
    (void)state;
    struct people people = {0};
    begin(&people);
    char unit[16];
    for (int i = 0; i < REACH_HOLES_MAX + 10; i++) {
        snprintf(unit, sizeof unit, "u%d", i);
        add_case(unit, "c1", 1, STATE_OPEN, 1);
    }
    size_t count;
    reach_finish(reach, &count);
    assert_int_equal(count, REACH_HOLES_MAX);
    assert_int_equal(reach_left_out(reach), 3 * (REACH_HOLES_MAX + 10) - REACH_HOLES_MAX);
    people_done(&people);
}

static int set_up(void **state)
{
    (void)state;
    reach = reach_new();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    reach_free(reach);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_to_find),
        cmocka_unit_test(test_an_absence_without_a_substitute),
        cmocka_unit_test(test_a_caseworker_who_has_left),
        cmocka_unit_test(test_a_unit_that_is_dissolved),
        cmocka_unit_test(test_what_a_later_step_still_reaches_is_not_lost),
        cmocka_unit_test(test_the_fingerprint_does_not_change_with_each_day),
        cmocka_unit_test(test_each_day_as_people_reach_says),
        cmocka_unit_test(test_many_units),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
