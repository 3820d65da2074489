// SPDX-License-Identifier: MPL-2.0
#include "shell/json_field.h"

#include "core/casefile.h"

#include <string.h>

// jansson's own message quotes the text, which may hold anything.
static int refuse_syntax(const json_error_t *syntax, struct error *err)
{
    switch (json_error_code(syntax)) {
    case json_error_invalid_utf8:
        return error_set(err, "is not valid UTF-8, at byte %d", syntax->position);
    case json_error_duplicate_key:
        return error_set(err, "a key stands twice in one object, at byte %d", syntax->position);
    case json_error_null_character:
    case json_error_null_byte_in_key:
        return error_set(err, "holds a zero character, at byte %d", syntax->position);
    default:
        return error_set(err, "is not valid JSON, at byte %d", syntax->position);
    }
}

int json_line_read(const char *text, size_t length, const char *what, json_t **ret_object, struct error *err)
{
    json_error_t syntax;
    json_t *tree = json_loadb(text, length, JSON_REJECT_DUPLICATES, &syntax);
    if (tree == NULL)
        return refuse_syntax(&syntax, err);
    if (!json_is_object(tree)) {
        json_decref(tree);
        return error_set(err, "must be %s", what);
    }
    *ret_object = tree;
    return 0;
}

int json_field_text(const json_t *object, const char *key, enum presence presence, const char **ret_text,
                    struct error *err)
{
    const json_t *value = json_object_get(object, key);
    if (presence == OPTIONAL && (value == NULL || json_is_null(value))) {
        *ret_text = "";
        return 0;
    }
    if (value == NULL)
        return error_set(err, "%s: is missing", key);
    if (!json_is_string(value))
        return error_set(err, "%s: must be a text", key);
    size_t length = json_string_length(value);
    if (length == 0 && presence == REQUIRED)
        return error_set(err, "%s: is empty", key);
    if (length > CASEFILE_ID_MAX)
        return error_set(err, "%s: is longer than %d bytes", key, CASEFILE_ID_MAX);
    *ret_text = json_string_value(value);
    return 0;
}

int json_field_date(const json_t *object, const char *key, civil_date *ret_date, struct error *err)
{
    const char *text = "";
    *ret_date = CIVIL_NONE;
    if (json_field_text(object, key, OPTIONAL, &text, err) < 0)
        return -1;
    if (text[0] != '\0' && civil_parse_date(text, strlen(text), ret_date) < 0)
        return error_set(err, "%s: must be a date such as 2026-05-22, from %d to %d", key, CIVIL_YEAR_MIN,
                         CIVIL_YEAR_MAX);
    return 0;
}
