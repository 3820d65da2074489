// SPDX-License-Identifier: MPL-2.0
// Examples in rules: what passes, and what is said of those that fail.
#include "core/example.h"
#include "shell/rules_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

// Line 11 is the first of the examples.
#define RULES                                                                                                \
    "births: [born]\n"                                                                                       \
    "rules:\n"                                                                                               \
    "- {id: before, code: K1, title: T, basis: b, kind: statutory, valid: {from: 2024-01-01}, confidence: "  \
    "A,\n"                                                                                                   \
    "   start: [x], stop: [y], due: {after: 2 days}}\n"                                                      \
    "- {id: r, code: K2, title: T, basis: b, kind: statutory, valid: {from: 2020-01-01, until: "             \
    "2023-12-31},\n"                                                                                         \
    "   confidence: A, start: [x], stop: [y], due: {after: 4 months}}\n"                                     \
    "- {id: r, code: K2, title: T, basis: b, kind: statutory, valid: {from: 2024-01-01}, confidence: A,\n"   \
    "   start: [x], stop: [y], extend: [e], then: {after: 24 hours}, due: {after: 1 day},\n"                 \
    "   examples: [\n"                                                                                       \
    "    {name: one, \n"

static struct zone *zone;

static int load_zone(void **state)
{
    (void)state;
    struct error err;
    return zone_load("Europe/Copenhagen", &zone, &err);
}

static int free_zone(void **state)
{
    (void)state;
    zone_free(zone);
    return 0;
}

// Runs the example whose fields behind the name are `fields`.
static int run(const char *fields, struct error *err)
{
    struct buffer text = {0};
    buffer_format(&text, "%s %s}]}\n", RULES, fields);
    const struct rules_text one = {"r.yaml", text.data, text.length};
    struct ruleset rules;
    if (rules_load_texts(&one, 1, zone, NULL, NULL, &rules, err) < 0)
        fail_msg("%s", err->text);
    const struct rule *rule = rules.lines[rules_find_line(&rules, "r")].versions[1];
    struct evaluator *evaluator = evaluator_new(&rules);
    int result = example_run(evaluator, zone, rule, &rule->examples[0], err);
    evaluator_free(evaluator);
    rules_done(&rules);
    buffer_done(&text);
    return result;
}

#define X "events: [{at: 2026-05-22 15:30, kind: x}"
#define Y ", {at: 2026-05-23 10:00, kind: y}], now: 2026-05-24, "

static void what_is_as_expected_passes(void **state)
{
    (void)state;
    static const char *const good[] = {
        "events: [], expect: []",
        X "], expect: [{due: 2026-05-23, state: breached, breached: 2026-05-24, closed: none}]",
        X "], expect: [{due: 2026-05-23 23:59:59, version: 2024-01-01, subject: '1', occurrence: 1}]",
        X "], now: 2026-05-22 16:00, expect: [{state: open, breached: none}]",
        X Y "expect: [{state: met, closed: 2026-05-23 10:00}, {due: 2026-05-24 10:00, state: open}]",
        "events: [{at: 2023-05-22, kind: x}], expect: [{due: 2023-09-22, version: 2020-01-01}]",
        X ", {at: 2026-05-22 17:00, kind: e}], faults: [due_on_missing], expect: [{due: 2026-05-23}]",
        "events: [{at: 2026-05-22, kind: born}], now: 2026-05-21, faults: [birth_in_future], expect: []",
        // Subjects in their order, the one of the case first.
        X ", {at: 2026-05-22, kind: x, subject: ''}], expect: [{subject: ''}, {subject: '1'}]",
    };
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        struct error err = {{0}};
        if (run(good[i], &err) < 0)
            fail_msg("%s", err.text);
    }
}

static void what_is_not_says_what_came_out(void **state)
{
    (void)state;
    static const struct {
        const char *fields, *message;
    } bad[] = {
        {X "], expect: [{due: 2026-05-24}]", "r.yaml:11:54: the example \"one\" fails: this deadline came "
                                             "out as {due: 2026-05-23, state: breached}"},
        {X "], expect: [{due: none, breached: none, closed: 2026-05-23, subject: '', occurrence: 2,"
           " version: 2023-01-01}]",
         "r.yaml:11:54: the example \"one\" fails: this deadline came out as {due: 2026-05-23, state: "
         "breached, "
         "breached: 2026-05-24T00:00:00+02:00, closed: none, version: 2024-01-01, subject: \"1\", "
         "occurrence: "
         "1}"},
        {X Y "expect: [{state: met}, {due: 2026-05-24 10:00:01}]",
         "r.yaml:11:118: the example \"one\" fails: this deadline came out as {due: "
         "2026-05-24T10:00:00+02:00, "
         "state: open}"},
        {X Y "expect: []", "r.yaml:10:5: the example \"one\" fails: 0 deadlines are expected, 2 came out: "
                           "{due: 2026-05-23, state: "
                           "met}, {due: 2026-05-24T10:00:00+02:00, state: open}"},
        {"events: [], expect: [{state: met}]",
         "r.yaml:10:5: the example \"one\" fails: 1 deadline is expected, 0 came out"},
        {X ", {at: 2026-05-22 17:00, kind: e}], expect: [{due: 2026-05-23}]",
         "r.yaml:10:5: the example \"one\" fails: the faults in the data came out as [due_on_missing]"},
        {X "], faults: [double_start], expect: [{due: 2026-05-23}]",
         "r.yaml:10:5: the example \"one\" fails: the faults in the data came out as []"},
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct error err = {{0}};
        assert_int_equal(run(bad[i].fields, &err), -1);
        assert_string_equal(err.text, bad[i].message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_as_expected_passes),
        cmocka_unit_test(what_is_not_says_what_came_out),
    };
    return cmocka_run_group_tests(tests, load_zone, free_zone);
}
