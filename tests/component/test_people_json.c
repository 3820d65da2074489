// SPDX-License-Identifier: MPL-2.0
// People and units from lines of JSON.
#include "shell/people_json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static int read_line(struct people *people, const char *line, struct error *err)
{
    return people_json_read(people, line, strlen(line), err);
}

static void must_read(struct people *people, const char *line)
{
    struct error err;
    if (read_line(people, line, &err) < 0)
        fail_msg("%s: %s", line, err.text);
}

static void test_people_and_units(void **state)
{
    (void)state;
    struct people people = {0};
    must_read(&people, "{\"unit\": \"nord\", \"parent\": \"familie\"}");
    must_read(&people, "{\"unit\": \"familie\", \"parent\": null, \"name\": \"not looked at\"}");
    must_read(&people, "{\"person_id\": \"tl\", \"unit\": \"nord\", \"role\": \"team_leader\", "
                       "\"away_from\": \"2026-01-31\","
                       " \"away_until\": \"2026-02-06\", \"substitute\": \"al\"}");
    must_read(&people, "{\"person_id\": \"al\"}");
    must_read(&people, "{\"person_id\": \"no\", \"email\": \"\"}");
    must_read(&people, "{\"person_id\": \"nu\", \"email\": null}");
    people_finish(&people);
    assert_int_equal(people.unit_count, 2);
    assert_string_equal(people_parent(&people, "nord"), "familie");
    assert_string_equal(people_parent(&people, "familie"), "");
    const struct person *leader = people_find(&people, "tl");
    assert_string_equal(leader->unit, "nord");
    assert_string_equal(leader->role, "team_leader");
    assert_string_equal(leader->substitute, "al");
    assert_int_equal(leader->away_from, civil_from_ymd(2026, 1, 31));
    assert_int_equal(leader->away_until, civil_from_ymd(2026, 2, 6));
    // Nothing is sent here: only somebody of whom it is said that he has no address cannot be reached.
    assert_true(*leader->email && *people_find(&people, "al")->email);
    assert_false(*people_find(&people, "no")->email || *people_find(&people, "nu")->email);
    assert_int_equal(people_find(&people, "al")->away_from, CIVIL_NONE);
    people_done(&people);
}

static void test_refuses_in_words(void **state)
{
    (void)state;
    static const struct {
        const char *line, *error;
    } cases[] = {
        {"{", "is not valid JSON, at byte 1"},
        {"[]", "must be an object with a person_id, or with a unit and its parent"},
        {"{}", "unit: is missing"},
        {"{\"unit\": \"\"}", "unit: is empty"},
        {"{\"unit\": \"a\", \"parent\": 7}", "parent: must be a text"},
        {"{\"person_id\": null}", "person_id: must be a text"},
        {"{\"person_id\": \"p\", \"away_from\": \"tomorrow\"}",
         "away_from: must be a date such as 2026-05-22, from 1900 to 2200"},
        {"{\"person_id\": \"p\", \"person_id\": \"q\"}", "a key stands twice in one object, at byte 30"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct people people = {0};
        struct error err = {"nothing"};
        assert_int_equal(read_line(&people, cases[i].line, &err), -1);
        assert_string_equal(err.text, cases[i].error);
        assert_int_equal(people.person_count + people.unit_count, 0);
        people_done(&people);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_people_and_units),
        cmocka_unit_test(test_refuses_in_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
