// SPDX-License-Identifier: MPL-2.0
// One line of JSON and its fields, for the readers of cases and of people. Errors name the field and say what
// is wrong with it, never what it holds.
#ifndef FRISTD_SHELL_JSON_FIELD_H
#define FRISTD_SHELL_JSON_FIELD_H

#include "core/civil.h"
#include "core/error.h"

#include <jansson.h>

enum presence {
    REQUIRED, // and not empty
    MAY_BE_EMPTY,
    OPTIONAL // may be null or left out: ""
};

// The object that the line is; what: what it must be, for the error. The caller gives it back with
// json_decref.
int json_line_read(const char *text, size_t length, const char *what, json_t **ret_object,
                   struct error *err) MUST_CHECK;

// At most CASEFILE_ID_MAX bytes, borrowed from the object.
int json_field_text(const json_t *object, const char *key, enum presence presence, const char **ret_text,
                    struct error *err) MUST_CHECK;
// CIVIL_NONE when it is null, empty or left out.
int json_field_date(const json_t *object, const char *key, civil_date *ret_date,
                    struct error *err) MUST_CHECK;

#endif
