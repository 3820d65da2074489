// SPDX-License-Identifier: MPL-2.0
// The people and units of a municipality at one moment, and who is told in a role for a case (DESIGN, section
// 8).
#ifndef FRISTD_CORE_PEOPLE_H
#define FRISTD_CORE_PEOPLE_H

#include "core/civil.h"
#include "core/memory.h"

// One row of the `people` query; a person with several roles or units has several.
struct person {
    const char *id, *email; // email "" when there is none
    const char *unit, *role;
    civil_date away_from, away_until; // inclusive; from CIVIL_NONE: not away; until CIVIL_NONE: without end
    const char *substitute;           // a person id, or ""
};

struct org_unit {
    const char *name, *parent; // parent "" at the top
};

struct people {
    struct arena arena; // holds the strings
    struct person *persons;
    size_t person_count, person_capacity;
    struct org_unit *units;
    size_t unit_count, unit_capacity;
};

void people_add(struct people *people, const struct person *person); // copies
void people_add_unit(struct people *people, const char *name, const char *parent);
void people_finish(struct people *people);                        // sorts; call once after the last add
void people_copy(struct people *into, const struct people *from); // replaces what `into` held
void people_done(struct people *people);

bool person_has_address(const struct person *person); // one that mail can be sent to; else cannot be reached

const struct person *people_find(const struct people *people,
                                 const char *id); // one of his rows, with an address if any has

// A hash of a person's address as it is now, for what must remember which address it was but not the address.
// "" when there is no such person or no address.
#define ADDRESS_KEY_SIZE 33
const char *people_address_key(const struct people *people, const char *id, char ret_key[ADDRESS_KEY_SIZE]);

const char *people_parent(const struct people *people, const char *unit); // "" at the top or unknown
// That `unit` is `top`, or stands below it.
bool people_is_below(const struct people *people, const char *unit, const char *top);

// The one role that is not looked for in units: the caseworker whom the case names.
#define ROLE_CASEWORKER "caseworker"

struct recipient {
    const char *person_id, *role;
    const char *instead_of; // the person who is away, or NULL
};

// Everybody who holds `role` for the case: "caseworker" is the case's own; any other role is looked for in
// the unit, then upwards, and taken where it is first held by somebody who can be reached on `today`
// (himself, or his substitute when away; substitutes of substitutes are followed, never in a circle). Returns
// how many were written (0: nobody is reached).
size_t people_reach(const struct people *people, const char *role, const char *unit, const char *caseworker,
                    civil_date today, struct recipient *ret_recipients, size_t capacity);

#endif
