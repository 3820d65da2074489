// SPDX-License-Identifier: MPL-2.0
#include "shell/contract_rows.h"

#include "core/utf8.h"
#include "shell/contract.h"
#include "shell/postgres_types.h"

#include <assert.h>
#include <string.h>

// --- single fields: NULL, or what is wrong with the field in words that follow its name ---

static const char *characters_problem(const char *text, size_t length)
{
    const char *end = text + length;
    while (text < end) {
        if ((unsigned char)*text >= 0x20 && (unsigned char)*text < 0x7f) {
            text++;
            continue;
        }
        uint32_t character = utf8_next(&text, end);
        if (character == UTF8_BAD)
            return "is not valid UTF-8";
        if (character < 0x20 || utf8_is_control(character))
            return "holds a control character";
    }
    return NULL;
}

static const char *text_problem(const struct postgres_row *row, int column, size_t max, const char **ret_text)
{
    size_t length;
    const char *text = postgres_text(row, column, &length);
    if (length > max)
        return max == CASEFILE_ID_MAX ? "is longer than 200 bytes" : "is too long";
    const char *problem = characters_problem(text, length);
    if (problem == NULL)
        *ret_text = text;
    return problem;
}

// NULL and '' come as "".
static const char *optional_problem(const struct postgres_row *row, int column, const char **ret_text)
{
    return text_problem(row, column, CASEFILE_ID_MAX, ret_text);
}

static const char *required_problem(const struct postgres_row *row, int column, const char **ret_text)
{
    if (postgres_is_null(row, column))
        return "is null";
    const char *text, *problem = text_problem(row, column, CASEFILE_ID_MAX, &text);
    if (problem)
        return problem;
    if (*text == '\0')
        return "is empty";
    *ret_text = text;
    return NULL;
}

static const char *instant_problem(const struct postgres_row *row, int column, const struct zone *zone,
                                   instant *ret_at)
{
    size_t length;
    const char *text = postgres_text(row, column, &length);
    if (postgres_is_null(row, column))
        return "is null";
    if (postgres_column_type(row, column) == POSTGRES_TYPE_TIMESTAMPTZ)
        return postgres_instant(row, column, ret_at) < 0 ? "is not within the years 1900 to 2200" : NULL;
    return zone_parse_instant(zone, text, length, ret_at) < 0
               ? "is not a date and time as in 2026-05-22T15:30, within the years 1900 to 2200"
               : NULL;
}

// NULL and '' come as CIVIL_NONE.
static const char *date_problem(const struct postgres_row *row, int column, civil_date *ret_date)
{
    size_t length;
    const char *text = postgres_text(row, column, &length);
    *ret_date = CIVIL_NONE;
    if (postgres_is_null(row, column))
        return NULL;
    if (postgres_column_type(row, column) == POSTGRES_TYPE_DATE)
        return postgres_date(row, column, ret_date) < 0 ? "is not within the years 1900 to 2200" : NULL;
    if (length == 0)
        return NULL;
    return civil_parse_date(text, length, ret_date) < 0
               ? "is not a date as in 2026-05-22, within the years 1900 to 2200"
               : NULL;
}

// --- cases ---

const char *case_id_problem(const struct postgres_row *row, const char **ret_id, size_t *ret_length)
{
    const char *problem = required_problem(row, READ_CASE_ID, ret_id);
    if (problem == NULL)
        postgres_text(row, READ_CASE_ID, ret_length);
    return problem;
}

void case_builder_start(struct case_builder *builder, const char *id, size_t length)
{
    assert(!builder->started);
    builder->started = true;
    builder->casefile.id = arena_copy(&builder->arena, id, length);
}

bool case_builder_is_for(const struct case_builder *builder, const char *id, size_t length)
{
    return builder->started && strncmp(builder->casefile.id, id, length) == 0 &&
           builder->casefile.id[length] == '\0';
}

// NULL when there are enough of them.
static struct fault *add_fault(struct case_builder *builder, const char *field, const char *problem)
{
    if (builder->fault_count == CASE_FAULTS_MAX)
        return NULL;
    struct fault *fault = &builder->faults[builder->fault_count++];
    *fault = (struct fault){.code = FAULT_BAD_ROW,
                            .reason = arena_format(&builder->arena, "%s %s", field, problem)};
    return fault;
}

static void add_case_row(struct case_builder *builder, const struct postgres_row *row)
{
    struct casefile *casefile = &builder->casefile;
    if (builder->state != CASE_ABSENT) {
        add_fault(builder, "cases.case_id", "comes twice; the first row is taken");
        return;
    }
    const char *type = "", *unit = "", *caseworker = "";
    const char *problem = required_problem(row, READ_CASE_TYPE, &type);
    if (problem) {
        // Without its type it cannot be said which rules speak of it.
        builder->fault_count = 0;
        add_fault(builder, "cases.case_type", problem);
        builder->state = CASE_UNREADABLE;
        return;
    }
    // Without these the deadlines stand all the same; somebody is only harder to find.
    problem = required_problem(row, READ_UNIT, &unit);
    if (problem)
        add_fault(builder, "cases.unit", problem);
    problem = optional_problem(row, READ_CASEWORKER, &caseworker);
    if (problem)
        add_fault(builder, "cases.caseworker", problem);
    casefile->type = arena_string(&builder->arena, type);
    casefile->unit = arena_string(&builder->arena, unit);
    casefile->caseworker = arena_string(&builder->arena, caseworker);
    builder->state = CASE_READABLE;
}

static void add_event(struct case_builder *builder, const struct event *event)
{
    struct casefile *casefile = &builder->casefile;
    if (casefile->event_count == builder->event_capacity) {
        size_t capacity = builder->event_capacity ? 2 * builder->event_capacity : 16;
        struct event *larger = arena_alloc(&builder->arena, capacity * sizeof *larger);
        if (casefile->event_count > 0)
            memcpy(larger, casefile->events, casefile->event_count * sizeof *larger);
        casefile->events = larger;
        builder->event_capacity = capacity;
    }
    casefile->events[casefile->event_count++] = *event;
}

static void add_event_row(struct case_builder *builder, const struct postgres_row *row)
{
    struct arena *arena = &builder->arena;
    struct event event = {0};
    const char *id = NULL, *subject = NULL, *kind = NULL, *field, *problem;
    if ((field = "events.event_id", problem = required_problem(row, READ_EVENT_ID, &id)) ||
        (field = "events.subject", problem = optional_problem(row, READ_SUBJECT, &subject)) ||
        (field = "events.kind", problem = required_problem(row, READ_KIND, &kind)) ||
        (field = "events.occurred_at",
         problem = instant_problem(row, READ_OCCURRED_AT, builder->zone, &event.at)) ||
        (field = "events.due_on", problem = date_problem(row, READ_DUE_ON, &event.due_on))) {
        struct fault *fault = add_fault(builder, field, problem);
        if (fault) {
            fault->event_id = arena_string(arena, id);
            fault->subject = arena_string(arena, subject);
        }
        return;
    }
    event.id = arena_string(arena, id);
    event.subject = arena_string(arena, subject);
    event.kind = arena_string(arena, kind);
    add_event(builder, &event);
}

static void refuse_too_large(struct case_builder *builder)
{
    builder->state = CASE_UNREADABLE;
    builder->fault_count = 0;
    add_fault(builder, "events", "are more than 20000 in this case");
}

void case_builder_add(struct case_builder *builder, const struct postgres_row *row)
{
    if (builder->state == CASE_UNREADABLE)
        return;
    if (!postgres_bool(row, READ_IS_EVENT))
        add_case_row(builder, row);
    else if (builder->casefile.event_count == CASE_EVENTS_MAX)
        refuse_too_large(builder);
    else
        add_event_row(builder, row);
}

void case_builder_reset(struct case_builder *builder)
{
    // The memory of a very large case is given back, that of usual ones used again.
    if (builder->casefile.event_count > CASE_EVENTS_MAX / 10)
        arena_done(&builder->arena);
    else
        arena_reset(&builder->arena);
    builder->started = false;
    builder->state = CASE_ABSENT;
    builder->casefile = (struct casefile){0};
    builder->event_capacity = 0;
    builder->fault_count = 0;
}

void case_builder_done(struct case_builder *builder)
{
    arena_done(&builder->arena);
}

// --- people ---

enum {
    PERSON_ID,
    PERSON_EMAIL,
    PERSON_UNIT,
    PERSON_ROLE,
    PERSON_AWAY_FROM,
    PERSON_AWAY_UNTIL,
    PERSON_SUBSTITUTE
};

const char *people_add_row(struct people *people, const struct postgres_row *row, const char **ret_id,
                           const char **ret_field)
{
    struct person person = {0};
    const char *field, *problem;
    if ((field = "people.person_id", problem = required_problem(row, PERSON_ID, &person.id)) ||
        (field = "people.email",
         problem = text_problem(row, PERSON_EMAIL, CONTRACT_TEXT_MAX, &person.email)) ||
        (field = "people.unit", problem = optional_problem(row, PERSON_UNIT, &person.unit)) ||
        (field = "people.role", problem = optional_problem(row, PERSON_ROLE, &person.role)) ||
        (field = "people.away_from", problem = date_problem(row, PERSON_AWAY_FROM, &person.away_from)) ||
        (field = "people.away_until", problem = date_problem(row, PERSON_AWAY_UNTIL, &person.away_until)) ||
        (field = "people.substitute",
         problem = optional_problem(row, PERSON_SUBSTITUTE, &person.substitute))) {
        *ret_id = person.id;
        *ret_field = field;
        return problem;
    }
    people_add(people, &person);
    return NULL;
}

const char *people_add_unit_row(struct people *people, const struct postgres_row *row, const char **ret_id,
                                const char **ret_field)
{
    const char *unit = NULL, *parent, *field, *problem;
    if ((field = "units.unit", problem = required_problem(row, 0, &unit)) ||
        (field = "units.parent", problem = optional_problem(row, 1, &parent))) {
        *ret_id = unit;
        *ret_field = field;
        return problem;
    }
    people_add_unit(people, unit, parent);
    return NULL;
}
