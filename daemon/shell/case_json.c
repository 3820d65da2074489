// SPDX-License-Identifier: MPL-2.0
// jansson checks the syntax and the UTF-8 and refuses keys that stand twice; here the fields are checked one
// by one. Texts are borrowed from jansson's tree, which is kept until the next case.
#include "shell/case_json.h"

#include "core/memory.h"
#include "shell/json_field.h"

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

static int read_occurred_at(const struct case_json *reader, const json_t *object, instant *ret_at,
                            struct error *err)
{
    const char *text;
    if (json_field_text(object, "occurred_at", REQUIRED, &text, err) < 0)
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
    if (json_field_text(object, "event_id", REQUIRED, &event.id, err) < 0 ||
        json_field_text(object, "subject", OPTIONAL, &event.subject, err) < 0 ||
        json_field_text(object, "kind", REQUIRED, &event.kind, err) < 0 ||
        read_occurred_at(reader, object, &event.at, err) < 0 ||
        json_field_date(object, "due_on", &event.due_on, err) < 0)
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

int case_json_read(struct case_json *reader, const char *text, size_t length,
                   const struct casefile **ret_case, struct error *err)
{
    json_decref(reader->tree);
    reader->tree = NULL;
    struct casefile *casefile = &reader->casefile;
    if (json_line_read(text, length, "an object with case_id, case_type and events", &reader->tree, err) <
            0 ||
        json_field_text(reader->tree, "case_id", REQUIRED, &casefile->id, err) < 0 ||
        json_field_text(reader->tree, "case_type", MAY_BE_EMPTY, &casefile->type, err) < 0 ||
        json_field_text(reader->tree, "unit", OPTIONAL, &casefile->unit, err) < 0 ||
        json_field_text(reader->tree, "caseworker", OPTIONAL, &casefile->caseworker, err) < 0 ||
        read_events(reader, json_object_get(reader->tree, "events"), err) < 0)
        return -1;
    *ret_case = casefile;
    return 0;
}
