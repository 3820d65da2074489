// SPDX-License-Identifier: MPL-2.0
#include "shell/people_json.h"

#include "shell/json_field.h"

static int read_person(struct people *into, const json_t *object, struct error *err)
{
    struct person person;
    if (json_field_text(object, "person_id", REQUIRED, &person.id, err) < 0 ||
        json_field_text(object, "email", OPTIONAL, &person.email, err) < 0 ||
        json_field_text(object, "unit", OPTIONAL, &person.unit, err) < 0 ||
        json_field_text(object, "role", OPTIONAL, &person.role, err) < 0 ||
        json_field_date(object, "away_from", &person.away_from, err) < 0 ||
        json_field_date(object, "away_until", &person.away_until, err) < 0 ||
        json_field_text(object, "substitute", OPTIONAL, &person.substitute, err) < 0)
        return -1;
    if (json_object_get(object, "email") == NULL)
        person.email =
            "somebody@example.invalid"; // who says nothing of it can be reached: nothing is sent here
    people_add(into, &person);
    return 0;
}

static int read_unit(struct people *into, const json_t *object, struct error *err)
{
    const char *unit, *parent;
    if (json_field_text(object, "unit", REQUIRED, &unit, err) < 0 ||
        json_field_text(object, "parent", OPTIONAL, &parent, err) < 0)
        return -1;
    people_add_unit(into, unit, parent);
    return 0;
}

int people_json_read(struct people *into, const char *text, size_t length, struct error *err)
{
    json_t *object;
    if (json_line_read(text, length, "an object with a person_id, or with a unit and its parent", &object,
                       err) < 0)
        return -1;
    int result =
        json_object_get(object, "person_id") ? read_person(into, object, err) : read_unit(into, object, err);
    json_decref(object);
    return result;
}
