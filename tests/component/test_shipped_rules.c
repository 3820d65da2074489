// SPDX-License-Identifier: MPL-2.0
// The rules in config/rules: every one is shown by examples, all examples come out as they say, and what the
// catalogue of the law is not sure of is switched off.
#include "core/example.h"
#include "shell/rules_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SHIPPED FRISTD_SOURCE_DIR "/config/rules"

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

static int run_examples(struct evaluator *evaluator, const struct rule_line *line)
{
    int count = 0;
    for (int i = 0; i < line->version_count; i++)
        for (int k = 0; k < line->versions[i]->example_count; k++, count++) {
            struct error err;
            if (example_run(evaluator, zone, line->versions[i], &line->versions[i]->examples[k], &err) < 0)
                fail_msg("%s", err.text);
        }
    return count;
}

static void every_rule_has_examples_and_they_pass(void **state)
{
    (void)state;
    struct ruleset rules;
    struct error err = {{0}};
    if (rules_load_confirmed(SHIPPED, zone, &rules, &err) < 0)
        fail_msg("%s", err.text);
    struct evaluator *evaluator = evaluator_new(&rules);
    for (int i = 0; i < rules.line_count; i++)
        if (run_examples(evaluator, &rules.lines[i]) == 0)
            fail_msg("%s has no example", rules.lines[i].id);
    evaluator_free(evaluator);
    rules_done(&rules);
}

static void count_warning(void *data, const char *text)
{
    if (strstr(text, " has confidence C and does nothing until it also says confirmed: true") == NULL)
        fail_msg("%s", text);
    ++*(int *)data;
}

static void only_what_is_not_sure_is_switched_off(void **state)
{
    (void)state;
    struct ruleset rules;
    struct error err = {{0}};
    int warnings = 0, inert = 0;
    if (rules_load(SHIPPED, zone, count_warning, &warnings, &rules, &err) < 0)
        fail_msg("%s", err.text);
    for (int i = 0; i < rules.line_count; i++)
        for (int k = 0; k < rules.lines[i].version_count; k++) {
            const struct rule *rule = rules.lines[i].versions[k];
            assert_int_equal(rule_is_inert(rule), rule->confidence == 'C');
            inert += rule_is_inert(rule);
        }
    assert_int_equal(warnings, inert);
    assert_true(inert > 0);
    assert_non_null(rules.office_calendar);
    rules_done(&rules);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rule_has_examples_and_they_pass),
        cmocka_unit_test(only_what_is_not_sure_is_switched_off),
    };
    return cmocka_run_group_tests(tests, load_zone, free_zone);
}
