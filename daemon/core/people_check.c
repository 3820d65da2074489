// SPDX-License-Identifier: MPL-2.0
#include "core/people_check.h"

#include <string.h>

#define CIRCLE_MAX 64 // longer circles are not looked for

struct checking {
    const struct people *people;
    void (*on_fault)(void *data, const struct fault *fault);
    void *data;
};

static void tell(const struct checking *checking, enum fault_code code, const char *id, const char *reason)
{
    struct fault fault = {.code = code, .subject = id, .reason = reason};
    checking->on_fault(checking->data, &fault);
}

static const struct org_unit *find_unit(const struct people *people, const char *name)
{
    size_t low = 0, high = people->unit_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(people->units[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < people->unit_count && strcmp(people->units[low].name, name) == 0 ? &people->units[low]
                                                                                  : NULL;
}

// --- units ---

// Whether the way up comes back to the unit; said of the first by name of a circle alone.
static bool begins_circle(const struct people *people, const struct org_unit *start)
{
    const struct org_unit *unit = start;
    for (int i = 0; i < CIRCLE_MAX; i++) {
        unit = find_unit(people, unit->parent);
        if (unit == NULL || strcmp(unit->name, start->name) < 0)
            return false;
        if (strcmp(unit->name, start->name) == 0)
            return true;
    }
    return false;
}

static void check_units(const struct checking *checking)
{
    const struct people *people = checking->people;
    for (size_t i = 0; i < people->unit_count; i++) {
        const struct org_unit *unit = &people->units[i];
        bool again = i > 0 && strcmp(unit[-1].name, unit->name) == 0;
        if (again && strcmp(unit[-1].parent, unit->parent) != 0)
            tell(checking, FAULT_TWO_PARENTS, unit->name,
                 "units.parent differs between rows of one unit; one of them is used: give the unit one "
                 "parent");
        if (*unit->parent && find_unit(people, unit->parent) == NULL)
            tell(checking, FAULT_UNKNOWN_UNIT, unit->name,
                 "units.parent names a unit that is not there; above this one nobody is looked for: add the "
                 "unit, or name another parent");
        if (!again && begins_circle(people, unit))
            tell(checking, FAULT_UNIT_CIRCLE, unit->name,
                 "units.parent leads back to the unit itself; nobody is looked for above its circle: name "
                 "another parent");
    }
}

// --- persons ---

static bool is_first_row(const struct people *people, size_t i)
{
    return i == 0 || strcmp(people->persons[i - 1].id, people->persons[i].id) != 0;
}

// Absences in a circle of substitutes leave somebody present unless all are away on some day.
static bool is_lost_in_circle(const struct people *people, const struct person *start)
{
    const struct person *person = start;
    civil_date from = start->away_from,
               until = start->away_until == CIVIL_NONE ? CIVIL_MAX : start->away_until;
    for (int i = 0; i < CIRCLE_MAX && person->away_from != CIVIL_NONE && *person->substitute; i++) {
        person = people_find(people, person->substitute);
        if (person == NULL || strcmp(person->id, start->id) < 0)
            return false;
        if (strcmp(person->id, start->id) == 0)
            return from <= until;
        if (person->away_from > from)
            from = person->away_from;
        if (person->away_until != CIVIL_NONE && person->away_until < until)
            until = person->away_until;
    }
    return false;
}

static void check_row(const struct checking *checking, const struct person *person)
{
    const struct people *people = checking->people;
    if (people->unit_count > 0 && *person->unit && find_unit(people, person->unit) == NULL)
        tell(checking, FAULT_UNKNOWN_UNIT, person->id,
             "people.unit names a unit that is not there; the person is found by cases of exactly that unit "
             "alone: add the unit, or move the person");
    if (*person->substitute && people_find(people, person->substitute) == NULL)
        tell(checking, FAULT_UNKNOWN_SUBSTITUTE, person->id,
             "people.substitute names somebody who is not there; while away the person is not replaced: name "
             "another substitute");
    if (person->away_from != CIVIL_NONE && person->away_until != CIVIL_NONE &&
        person->away_until < person->away_from)
        tell(checking, FAULT_AWAY_BACKWARDS, person->id,
             "people.away_until is before away_from; the person counts as present: correct the dates");
}

static void check_persons(const struct checking *checking)
{
    const struct people *people = checking->people;
    const struct person *first = people->persons;
    bool told_addresses = false, told_bad = false;
    for (size_t i = 0; i < people->person_count; i++) {
        const struct person *person = &people->persons[i];
        if (is_first_row(people, i)) {
            first = person;
            told_addresses = told_bad = false;
            if (is_lost_in_circle(people, person))
                tell(checking, FAULT_SUBSTITUTE_CIRCLE, person->id,
                     "people.substitute leads back to the person while all of the circle are away; nobody is "
                     "told in their place: name a substitute who is there");
        } else if (person_has_address(person) && strcmp(person->email, first->email) != 0 &&
                   !told_addresses) {
            told_addresses = true;
            tell(checking, FAULT_TWO_ADDRESSES, person->id,
                 "people.email differs between rows of one person; that of the first unit by name is used: "
                 "give "
                 "the person one address, or the two persons an id each");
        }
        if (*person->email && !person_has_address(person) && !told_bad) {
            told_bad = true;
            tell(checking, FAULT_BAD_ADDRESS, person->id,
                 "people.email is no address that mail can be sent to; it is as if the person "
                 "had none: write it as name@host.domain, without a name or <> around it");
        }
        check_row(checking, person);
    }
}

void people_check(const struct people *people, void (*on_fault)(void *data, const struct fault *fault),
                  void *data)
{
    const struct checking checking = {people, on_fault, data};
    check_units(&checking);
    check_persons(&checking);
}
