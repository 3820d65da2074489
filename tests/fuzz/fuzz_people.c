// SPDX-License-Identifier: MPL-2.0
// Any bytes as lines of people and units: a bad line, or people among whom everybody who is told is somebody,
// and is not told in anybody's place who is there himself.
#include "fuzz.h"

#include "core/casefile.h"
#include "core/people_check.h"
#include "shell/people_json.h"

#include <assert.h>
#include <string.h>

#define RECIPIENTS_MAX 8

static void on_fault(void *data, const struct fault *fault)
{
    (void)data;
    assert(fault->reason && fault->reason[0] != '\0');
}

static void check_reach(const struct people *people, const char *role, const char *unit, civil_date today)
{
    struct recipient recipients[RECIPIENTS_MAX];
    const char *caseworker = people->person_count > 0 ? people->persons[0].id : "";
    size_t count = people_reach(people, role, unit, caseworker, today, recipients, RECIPIENTS_MAX);
    assert(count <= RECIPIENTS_MAX);
    for (size_t i = 0; i < count; i++) {
        const struct person *person = people_find(people, recipients[i].person_id);
        assert(person && person->email[0] != '\0');
        assert(recipients[i].instead_of == NULL || strcmp(recipients[i].instead_of, person->id) != 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct people people = {0};
    const char *at = (const char *)data, *end = at + size;
    while (at < end) {
        struct error err = {{0}};
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        if (line_end == NULL)
            line_end = end;
        if (people_json_read(&people, at, (size_t)(line_end - at), &err) < 0)
            assert(err.text[0] != '\0');
        at = line_end + 1;
    }
    people_finish(&people);
    people_check(&people, on_fault, NULL);
    for (size_t i = 0; i < people.person_count && i < 20; i++)
        for (civil_date today = 20500; today < 20800; today += 60) {
            check_reach(&people, people.persons[i].role, people.persons[i].unit, today);
            check_reach(&people, ROLE_CASEWORKER, people.persons[i].unit, today);
        }
    people_done(&people);
    return 0;
}
