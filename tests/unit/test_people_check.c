// SPDX-License-Identifier: MPL-2.0
// What is wrong with a list of people and units, and that nothing is said of what is sound.
#include "core/people_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>

#define TODAY 20000

static char found[1000];

static void on_fault(void *data, const struct fault *fault)
{
    (void)data;
    size_t used = strlen(found);
    snprintf(found + used, sizeof found - used, "%s%s %s", used ? ", " : "", fault_name(fault->code),
             fault->subject);
    // Each says where and what to do.
    if (strstr(fault->reason, "people.") == NULL && strstr(fault->reason, "units.") == NULL)
        fail_msg("no place in \"%s\"", fault->reason);
    if (strchr(fault->reason, ';') == NULL || strchr(fault->reason, ':') == NULL)
        fail_msg("no remedy in \"%s\"", fault->reason);
}

struct row {
    const char *id, *email, *unit;
    civil_date from, until;
    const char *substitute;
};

#define HERE CIVIL_NONE, CIVIL_NONE, ""

static const char *check(const struct row *rows, size_t count, const char *const (*units)[2],
                         size_t unit_count)
{
    struct people people = {0};
    for (size_t i = 0; i < count; i++)
        people_add(&people, &(struct person){rows[i].id, rows[i].email, rows[i].unit, "caseworker",
                                             rows[i].from, rows[i].until, rows[i].substitute});
    for (size_t i = 0; i < unit_count; i++)
        people_add_unit(&people, units[i][0], units[i][1]);
    people_finish(&people);
    found[0] = '\0';
    people_check(&people, on_fault, NULL);
    people_done(&people);
    return found;
}

#define PEOPLE(...)                                                                                          \
    check((const struct row[]){__VA_ARGS__}, sizeof((const struct row[]){__VA_ARGS__}) / sizeof(struct row), \
          NULL, 0)
#define UNITS(...)                                                                                           \
    check(NULL, 0, (const char *const[][2]){__VA_ARGS__},                                                    \
          sizeof((const char *const[][2]){__VA_ARGS__}) / sizeof(const char *[2]))

static void test_people(void **state)
{
    (void)state;
    assert_string_equal(
        PEOPLE({"a", "a@x.dk", "nord", HERE}, {"a", "a@x.dk", "syd", HERE}, {"b", "", "nord", HERE}), "");
    assert_string_equal(PEOPLE({"a", "a@x.dk", "nord", HERE}, {"a", "", "syd", HERE}), "");
    assert_string_equal(
        PEOPLE({"a", "a@x.dk", "nord", HERE}, {"a", "b@x.dk", "syd", HERE}, {"a", "c@x.dk", "vest", HERE}),
        "two_addresses a");
    assert_string_equal(PEOPLE({"a", "A Hansen <a@x.dk>", "nord", HERE}, {"a", "a", "syd", HERE},
                               {"b", "b@x.dk\r\nBcc: c@x.dk", "nord", HERE}),
                        "bad_address a, bad_address b");
    assert_string_equal(PEOPLE({"a", "a@x.dk", "nord", HERE}, {"a", "a at x.dk", "syd", HERE}),
                        "bad_address a");
    assert_string_equal(PEOPLE({"a", "a@x.dk", "nord", TODAY, TODAY + 5, "z"}), "unknown_substitute a");
    assert_string_equal(PEOPLE({"a", "a@x.dk", "nord", TODAY, TODAY - 1, ""}), "away_backwards a");
}

static void test_substitutes_in_a_circle(void **state)
{
    (void)state;
    // Each for the other is usual; it is wrong when both are away on the same day.
    assert_string_equal(
        PEOPLE({"a", "a@x.dk", "n", TODAY, TODAY + 5, "b"}, {"b", "b@x.dk", "n", TODAY + 6, TODAY + 9, "a"}),
        "");
    assert_string_equal(
        PEOPLE({"a", "a@x.dk", "n", TODAY, TODAY + 5, "b"}, {"b", "b@x.dk", "n", TODAY + 5, TODAY + 9, "a"}),
        "substitute_circle a");
    assert_string_equal(PEOPLE({"a", "a@x.dk", "n", TODAY, CIVIL_NONE, "a"}), "substitute_circle a");
    assert_string_equal(PEOPLE({"a", "a@x.dk", "n", TODAY, CIVIL_NONE, "b"},
                               {"b", "b@x.dk", "n", TODAY, CIVIL_NONE, "c"},
                               {"c", "c@x.dk", "n", TODAY - 9, CIVIL_NONE, "b"}),
                        "substitute_circle b");
    assert_string_equal(PEOPLE({"a", "a@x.dk", "n", TODAY, CIVIL_NONE, "b"}, {"b", "b@x.dk", "n", HERE}), "");
}

static void test_units(void **state)
{
    (void)state;
    assert_string_equal(UNITS({"nord", "familie"}, {"syd", "familie"}, {"familie", ""}, {"familie", ""}), "");
    assert_string_equal(UNITS({"nord", "familie"}), "unknown_unit nord");
    assert_string_equal(UNITS({"nord", "nord"}), "unit_circle nord");
    assert_string_equal(UNITS({"a", "b"}, {"b", "c"}, {"c", "b"}, {"d", "c"}), "unit_circle b");
    assert_string_equal(UNITS({"nord", "b"}, {"nord", "c"}, {"b", ""}, {"c", ""}), "two_parents nord");
    const char *const units[][2] = {{"nord", ""}};
    assert_string_equal(
        check((const struct row[]){{"a", "a@x.dk", "vest", HERE}, {"b", "b@x.dk", "", HERE}}, 2, units, 1),
        "unknown_unit a");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_people),
        cmocka_unit_test(test_substitutes_in_a_circle),
        cmocka_unit_test(test_units),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
