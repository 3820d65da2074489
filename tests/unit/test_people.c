// SPDX-License-Identifier: MPL-2.0
// Whom a role reaches: units upwards, people away, substitutes, nobody.
#include "core/people.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define TODAY 20000

static struct people municipality(void)
{
    struct people people = {0};
    const struct person persons[] = {
        {"c1", "c1@example.dk", "nord", "caseworker", CIVIL_NONE, CIVIL_NONE, ""},
        {"c2", "c2@example.dk", "nord", "caseworker", TODAY - 3, TODAY + 3, "c1"},
        {"c3", "c3@example.dk", "nord", "caseworker", TODAY - 3, CIVIL_NONE,
         "c4"}, // away without end, and so is c4
        {"c4", "c4@example.dk", "nord", "caseworker", TODAY, TODAY, "c3"},
        {"c5", "", "nord", "caseworker", CIVIL_NONE, CIVIL_NONE, "c1"}, // no address: the substitute has one
        {"c7", "C Syv <c7@example.dk>", "nord", "caseworker", CIVIL_NONE, CIVIL_NONE,
         "c1"}, // nor is that one
        {"c6", "c6@example.dk", "nord", "caseworker", TODAY + 1, TODAY + 9, "c1"},
        {"l1", "l1@example.dk", "nord", "team_leader", CIVIL_NONE, CIVIL_NONE, ""},
        {"l2", "l2@example.dk", "nord", "team_leader", TODAY - 1, TODAY, "l1"},
        {"l3", "l3@example.dk", "syd", "team_leader", TODAY - 1, TODAY, ""},
        {"h1", "h1@example.dk", "familie", "department_head", CIVIL_NONE, CIVIL_NONE, ""},
        {"h1", "h1@example.dk", "familie", "team_leader", CIVIL_NONE, CIVIL_NONE, ""},
    };
    for (size_t i = 0; i < sizeof persons / sizeof persons[0]; i++)
        people_add(&people, &persons[i]);
    people_add_unit(&people, "nord", "familie");
    people_add_unit(&people, "syd", "familie");
    people_add_unit(&people, "familie", "");
    people_add_unit(&people, "ring1", "ring2"); // a circle of parents ends
    people_add_unit(&people, "ring2", "ring1");
    people_finish(&people);
    return people;
}

static void test_reach(void **state)
{
    (void)state;
    static const struct {
        const char *what, *role, *unit, *caseworker;
        const char *expected; // "person", "person<absent" joined by spaces
    } cases[] = {
        {"the caseworker himself", "caseworker", "nord", "c1", "c1"},
        {"away: the substitute", "caseworker", "nord", "c2", "c1<c2"},
        {"substitutes in a circle reach nobody", "caseworker", "nord", "c3", ""},
        {"without an address: the substitute", "caseworker", "nord", "c5", "c1<c5"},
        {"with one that is none: the same", "caseworker", "nord", "c7", "c1<c7"},
        {"away from tomorrow is here today", "caseworker", "nord", "c6", "c6"},
        {"a caseworker nobody knows", "caseworker", "nord", "c9", ""},
        {"no caseworker", "caseworker", "nord", "", ""},
        {"leaders of the unit, each once", "team_leader", "nord", "c1", "l1"},
        {"nobody here today: looked for upwards", "team_leader", "syd", "c1", "h1"},
        {"held further up", "department_head", "nord", "c1", "h1"},
        {"a role nobody holds", "centre_head", "nord", "c1", ""},
        {"a unit nobody knows", "team_leader", "vest", "c1", ""},
        {"a case without a unit", "team_leader", "", "c1", ""},
        {"units in a circle", "team_leader", "ring1", "c1", ""},
    };
    struct people people = municipality();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct recipient found[8];
        size_t count =
            people_reach(&people, cases[i].role, cases[i].unit, cases[i].caseworker, TODAY, found, 8);
        char text[256] = "";
        for (size_t k = 0; k < count; k++) {
            if (k > 0)
                strcat(text, " ");
            strcat(text, found[k].person_id);
            if (found[k].instead_of)
                strcat(strcat(text, "<"), found[k].instead_of);
        }
        if (strcmp(text, cases[i].expected) != 0)
            fail_msg("%s: \"%s\" instead of \"%s\"", cases[i].what, text, cases[i].expected);
    }
    people_done(&people);
}

static void test_capacity(void **state)
{
    (void)state;
    struct people people = municipality();
    struct recipient found[1];
    assert_int_equal(people_reach(&people, "team_leader", "nord", "", TODAY - 9, found, 1), 1);
    people_done(&people);
}

static void test_copy(void **state)
{
    (void)state;
    struct people people = municipality(), copy = {0};
    people_copy(&copy, &people);
    people_done(&people);
    people_finish(&copy);
    assert_string_equal(people_find(&copy, "l1")->email, "l1@example.dk");
    assert_string_equal(people_parent(&copy, "nord"), "familie");
    assert_string_equal(people_parent(&copy, "vest"), "");
    assert_null(people_find(&copy, "c9"));
    people_done(&copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reach),
        cmocka_unit_test(test_capacity),
        cmocka_unit_test(test_copy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
