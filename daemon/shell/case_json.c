// SPDX-License-Identifier: MPL-2.0
// jansson checks the syntax and the UTF-8 and refuses keys that stand twice; here the fields are checked one
// by one. Texts are borrowed from jansson's tree, which is kept until the next case.
#include "shell/case_json.h"

#include "core/memory.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

struct case_json {
    const struct zone *zone;
    json_t *tree;
    struct event *events;
    size_t event_capacity;
    struct casefile casefile;
};

struct case_json *case_json_new(const struct zone *zone)
{
    struct case_json *reader = memory_alloc(sizeof *reader);
    reader->zone = zone;
    return reader;
}

void case_json_free(struct case_json *reader)
{
    if (reader == NULL)
        return;
    json_decref(reader->tree);
    free(reader->events);
    free(reader);
}

enum presence {
    REQUIRED, // and not empty
    MAY_BE_EMPTY,
    OPTIONAL // may be null or left out: ""
};

static int read_text(const json_t *object, const char *key, enum presence presence, const char **ret_text,
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

static int read_due_on(const json_t *object, civil_date *ret_date, struct error *err)
{
    const char *text;
    *ret_date = CIVIL_NONE;
    if (read_text(object, "due_on", OPTIONAL, &text, err) < 0)
        return -1;
    if (text[0] != '\0' && civil_parse_date(text, strlen(text), ret_date) < 0)
        return error_set(err, "due_on: must be a date such as 2026-05-22, from %d to %d", CIVIL_YEAR_MIN,
                         CIVIL_YEAR_MAX);
    return 0;
}

static int read_occurred_at(const struct case_json *reader, const json_t *object, instant *ret_at,
                            struct error *err)
{
    const char *text;
    if (read_text(object, "occurred_at", REQUIRED, &text, err) < 0)
        return -1;
    if (zone_parse_instant(reader->zone, text, strlen(text), ret_at) < 0)
        return error_set(err,
                         "occurred_at: must be an instant such as 2026-05-22T15:30:00+02:00, from %d to %d",
                         CIVIL_YEAR_MIN, CIVIL_YEAR_MAX);
    return 0;
}

static int read_event(const struct case_json *reader, const json_t *object, struct event *ret_event,
                      struct error *err)
{
    if (!json_is_object(object))
        return error_set(err, "must be an object");
    struct event event;
    if (read_text(object, "event_id", REQUIRED, &event.id, err) < 0 ||
        read_text(object, "subject", OPTIONAL, &event.subject, err) < 0 ||
        read_text(object, "kind", REQUIRED, &event.kind, err) < 0 ||
        read_occurred_at(reader, object, &event.at, err) < 0 || read_due_on(object, &event.due_on, err) < 0)
        return -1;
    *ret_event = event;
    return 0;
}

static int read_events(struct case_json *reader, const json_t *list, struct error *err)
{
    if (list == NULL)
        return error_set(err, "events: is missing");
    if (!json_is_array(list))
        return error_set(err, "events: must be a list");
    size_t count = json_array_size(list);
    if (count > reader->event_capacity) {
        reader->event_capacity = 2 * count;
        reader->events = memory_resize(reader->events, reader->event_capacity, sizeof *reader->events);
    }
    for (size_t i = 0; i < count; i++)
        if (read_event(reader, json_array_get(list, i), &reader->events[i], err) < 0)
            return error_prefix(err, "event %zu", i + 1);
    reader->casefile.events = reader->events;
    reader->casefile.event_count = count;
    return 0;
}

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

int case_json_read(struct case_json *reader, const char *text, size_t length,
                   const struct casefile **ret_case, struct error *err)
{
    json_error_t syntax;
    json_decref(reader->tree);
    reader->tree = json_loadb(text, length, JSON_REJECT_DUPLICATES, &syntax);
    if (reader->tree == NULL)
        return refuse_syntax(&syntax, err);
    if (!json_is_object(reader->tree))
        return error_set(err, "must be an object with case_id, case_type and events");
    struct casefile *casefile = &reader->casefile;
    if (read_text(reader->tree, "case_id", REQUIRED, &casefile->id, err) < 0 ||
        read_text(reader->tree, "case_type", MAY_BE_EMPTY, &casefile->type, err) < 0 ||
        read_text(reader->tree, "unit", OPTIONAL, &casefile->unit, err) < 0 ||
        read_text(reader->tree, "caseworker", OPTIONAL, &casefile->caseworker, err) < 0 ||
        read_events(reader, json_object_get(reader->tree, "events"), err) < 0)
        return -1;
    *ret_case = casefile;
    return 0;
}
