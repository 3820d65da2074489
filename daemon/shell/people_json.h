// SPDX-License-Identifier: MPL-2.0
// Reads the people and units of a municipality from lines of JSON, with the columns of the contract (DESIGN,
// section 3) as keys.
#ifndef FRISTD_SHELL_PEOPLE_JSON_H
#define FRISTD_SHELL_PEOPLE_JSON_H

#include "core/error.h"
#include "core/people.h"

// {"person_id":…, "unit":…, "role":…, "away_from":…, "away_until":…, "substitute":…}, one line for each of a
// person's roles; or {"unit":…, "parent":…}. All but person_id and the first unit may be left out or null. An
// email that is empty or null says that the person cannot be reached; without the key he can. Other keys are
// ignored.
int people_json_read(struct people *into, const char *text, size_t length, struct error *err) MUST_CHECK;

#endif
