// SPDX-License-Identifier: MPL-2.0
#include "core/people.h"

#include "core/decide.h"
#include "core/message.h"

#include <stdlib.h>
#include <string.h>

#define SUBSTITUTES_MAX 8  // longest chain of substitutes that is followed
#define UNITS_MAX       32 // deepest organisation; also ends a circle of parents

static const char *text_or_empty(struct arena *arena, const char *text)
{
    return text && *text ? arena_string(arena, text) : "";
}

void people_add(struct people *people, const struct person *person)
{
    MEMORY_GROW(people->persons, people->person_count, people->person_capacity);
    people->persons[people->person_count++] = (struct person){
        .id = text_or_empty(&people->arena, person->id),
        .email = text_or_empty(&people->arena, person->email),
        .unit = text_or_empty(&people->arena, person->unit),
        .role = text_or_empty(&people->arena, person->role),
        .away_from = person->away_from,
        .away_until = person->away_until,
        .substitute = text_or_empty(&people->arena, person->substitute),
    };
}

void people_add_unit(struct people *people, const char *name, const char *parent)
{
    MEMORY_GROW(people->units, people->unit_count, people->unit_capacity);
    people->units[people->unit_count++] =
        (struct org_unit){text_or_empty(&people->arena, name), text_or_empty(&people->arena, parent)};
}

bool person_has_address(const struct person *person)
{
    return message_address_is_sound(person->email);
}

static int compare_persons(const void *a, const void *b)
{
    const struct person *left = a, *right = b;
    int order = strcmp(left->id, right->id);
    if (order == 0)
        order = person_has_address(right) - person_has_address(left); // a row with an address first
    return order ? order : strcmp(left->unit, right->unit);
}

static int compare_units(const void *a, const void *b)
{
    return strcmp(((const struct org_unit *)a)->name, ((const struct org_unit *)b)->name);
}

void people_finish(struct people *people)
{
    if (people->person_count > 0)
        qsort(people->persons, people->person_count, sizeof *people->persons, compare_persons);
    if (people->unit_count > 0)
        qsort(people->units, people->unit_count, sizeof *people->units, compare_units);
}

void people_copy(struct people *into, const struct people *from)
{
    people_done(into);
    for (size_t i = 0; i < from->person_count; i++)
        people_add(into, &from->persons[i]);
    for (size_t i = 0; i < from->unit_count; i++)
        people_add_unit(into, from->units[i].name, from->units[i].parent);
}

void people_done(struct people *people)
{
    arena_done(&people->arena);
    free(people->persons);
    free(people->units);
    *people = (struct people){0};
}

const struct person *people_find(const struct people *people, const char *id)
{
    size_t low = 0, high = people->person_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(people->persons[middle].id, id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < people->person_count && strcmp(people->persons[low].id, id) == 0 ? &people->persons[low]
                                                                                  : NULL;
}

const char *people_address_key(const struct people *people, const char *id, char ret_key[ADDRESS_KEY_SIZE])
{
    const struct person *person = people_find(people, id);
    const char *parts[] = {"address of", id, person ? person->email : ""};
    ret_key[0] = '\0';
    return person && *person->email ? message_key(parts, 3, ret_key) : ret_key;
}

const char *people_parent(const struct people *people, const char *unit)
{
    if (people->unit_count == 0)
        return "";
    struct org_unit key = {.name = unit};
    const struct org_unit *found =
        bsearch(&key, people->units, people->unit_count, sizeof key, compare_units);
    return found ? found->parent : "";
}

bool people_is_below(const struct people *people, const char *unit, const char *top)
{
    for (int depth = 0; *unit && depth < UNITS_MAX; depth++, unit = people_parent(people, unit))
        if (strcmp(unit, top) == 0)
            return true;
    return false;
}

static bool is_away(const struct person *person, civil_date today)
{
    return person->away_from != CIVIL_NONE && person->away_from <= today &&
           (person->away_until == CIVIL_NONE || today <= person->away_until);
}

// The person himself, or whoever stands in for him; NULL when the chain ends without anybody who can be
// reached.
static const struct person *present(const struct people *people, const struct person *person,
                                    civil_date today)
{
    for (int i = 0; person && i <= SUBSTITUTES_MAX; i++) {
        if (!is_away(person, today) && person_has_address(person))
            return person;
        person = *person->substitute ? people_find(people, person->substitute) : NULL;
    }
    return NULL;
}

static size_t add_recipient(const struct people *people, const struct person *holder, const char *role,
                            civil_date today, struct recipient *recipients, size_t count, size_t capacity)
{
    const struct person *person = present(people, holder, today);
    if (person == NULL || count == capacity)
        return count;
    for (size_t i = 0; i < count; i++)
        if (strcmp(recipients[i].person_id, person->id) == 0)
            return count;
    bool himself = strcmp(person->id, holder->id) == 0;
    recipients[count] = (struct recipient){person->id, role, himself ? NULL : holder->id};
    return count + 1;
}

size_t people_reach(const struct people *people, const char *role, const char *unit, const char *caseworker,
                    civil_date today, struct recipient *ret_recipients, size_t capacity)
{
    if (strcmp(role, ROLE_CASEWORKER) == 0)
        return add_recipient(people, people_find(people, caseworker), role, today, ret_recipients, 0,
                             capacity);

    for (int depth = 0; *unit && depth < UNITS_MAX; depth++, unit = people_parent(people, unit)) {
        size_t count = 0;
        for (size_t i = 0; i < people->person_count; i++) {
            const struct person *person = &people->persons[i];
            if (strcmp(person->role, role) == 0 && strcmp(person->unit, unit) == 0)
                count = add_recipient(people, person, role, today, ret_recipients, count, capacity);
        }
        if (count > 0)
            return count;
    }
    return 0;
}
