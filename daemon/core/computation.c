// SPDX-License-Identifier: MPL-2.0
//
// The text is a small program for the clock of one occurrence. First the form of `due` ("after", "event",
// "on", …; those of an `earliest` each behind "or") with "roll", "at" and "calendar"; then what happened, in
// order. "due_on", "shared", "count_from" and "begun" hand the next "start" or "reset" what it needs to know.
#include "core/computation.h"

#include "core/due.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const period_names[] = {"week", "month", "quarter", "year"};

static bool needs_calendar(const struct due *form)
{
    for (int i = 0; i < form->earliest_count; i++)
        if (needs_calendar(&form->earliest[i]))
            return true;
    return form->roll != 0 || (form->form == DUE_AFTER && duration_has_working_days(&form->after));
}

// --- writing ---

static void write_instant(const struct zone *zone, const char *what, instant at, struct buffer *into)
{
    char text[ZONE_INSTANT_SIZE];
    buffer_format(into, "%s %s\n", what, zone_format(zone, at, text));
}

static void write_date(const char *what, civil_date date, struct buffer *into)
{
    char text[CIVIL_DATE_SIZE];
    buffer_format(into, "%s %s\n", what, civil_format_date(date, text));
}

static void write_duration(const struct due *form, struct buffer *into)
{
    static const char *const units[] = {"hours", "working days", "days", "weeks", "months", "years"};
    const struct duration *after = &form->after;
    buffer_add_string(into, form->inclusive ? "inclusive" : "after");
    for (int i = 0; i < after->count; i++) {
        int amount = after->terms[i].amount;
        if (i > 0)
            buffer_add_string(into, amount > 0 ? " +" : " -");
        buffer_format(into, " %d %s", abs(amount), units[after->terms[i].unit]);
    }
    buffer_add_char(into, '\n');
}

static void write_single_form(const struct due *form, const struct ruleset *rules, struct buffer *into)
{
    switch (form->form) {
    case DUE_AFTER:
        write_duration(form, into);
        break;
    case DUE_EVENT:
        buffer_add_string(into, "event\n");
        break;
    case DUE_ON:
        write_date("on", form->on, into);
        break;
    case DUE_NEXT:
        buffer_format(into, "next %02d-%02d\n", form->month, form->day);
        break;
    case DUE_END_OF:
        buffer_format(into, "end_of %s\n", period_names[form->end_of]);
        break;
    case DUE_EVERY:
        buffer_format(into, "every %s\n", recurrence_text(form->every));
        break;
    case DUE_AT_START:
        buffer_add_string(into, "at_start\n");
        break;
    case DUE_SAME_AS:
        buffer_format(into, "same_as %s\n", rules->lines[form->same_as].id);
        break;
    case DUE_ON_DAY_OF:
        buffer_format(into, "on_day_of %s\n", rules->kinds[form->on_day_of]);
        break;
    case DUE_NONE:
    case DUE_EARLIEST:
        assert(!"no single form");
    }
}

static void write_form(const struct due *form, const struct rule *rule, const struct ruleset *rules,
                       struct buffer *into)
{
    if (form->form == DUE_EARLIEST)
        for (int i = 0; i < form->earliest_count; i++) {
            buffer_add_string(into, "or ");
            write_single_form(&form->earliest[i], rules, into);
        }
    else
        write_single_form(form, rules, into);
    if (form->roll != 0)
        buffer_add_string(into, form->roll > 0 ? "roll forward\n" : "roll backward\n");
    if (form->at != DUE_END_OF_DAY)
        buffer_format(into, "at %02d:%02d\n", form->at / 3600, form->at / 60 % 60);
    if (needs_calendar(form))
        buffer_format(into, "calendar %s\n", calendar_name(rule->calendar));
}

static bool computes(enum step_kind kind)
{
    return kind == STEP_START || kind == STEP_BREACH || kind == STEP_FOLLOWS || kind == STEP_INSTANCE ||
           kind == STEP_RESET;
}

static bool happens(enum step_kind kind)
{
    return kind >= STEP_PAUSED;
}

// What the steps behind a start or reset took from the case.
static void write_givens(const struct deadline *deadline, int from, const struct zone *zone,
                         struct buffer *into)
{
    for (int i = from; i < deadline->step_count && !happens(deadline->steps[i].kind); i++) {
        const struct step *step = &deadline->steps[i];
        if (step->kind == STEP_COUNT_FROM)
            write_instant(zone, "count_from", step->at, into);
        else if (step->kind == STEP_EVENT_DATE)
            write_date("due_on", step->result, into);
        else if (step->kind == STEP_SHARED && step->to != INSTANT_NONE)
            write_instant(zone, "shared", step->to, into);
        else if (step->kind == STEP_SERIES)
            write_instant(zone, "begun", step->at, into);
    }
}

static void write_step(const struct deadline *deadline, int index, const struct zone *zone,
                       struct buffer *into)
{
    const struct step *step = &deadline->steps[index];
    if (computes(step->kind)) {
        write_givens(deadline, index + 1, zone, into);
        write_instant(zone, step->kind == STEP_RESET ? "reset" : "start", step->at, into);
    } else if (step->kind == STEP_PAUSED) {
        write_instant(zone, "pause", step->at, into);
    } else if (step->kind == STEP_RESUMED) {
        write_instant(zone, "resume", step->at, into);
    } else if (step->kind == STEP_EXTENDED) {
        write_date("extend", step->result, into);
    } else if (step->kind == STEP_DAY_OF || step->kind == STEP_DAY_WAITS) {
        write_date("day_of", zone_date(zone, step->at), into);
    }
}

void computation_write(const struct deadline *deadline, const struct ruleset *rules, struct buffer *into)
{
    const struct rule *rule = deadline->rule;
    assert(deadline->step_count > 0);
    bool follows = deadline->steps[0].kind == STEP_FOLLOWS;
    write_form(follows ? &rule->then : &rule->due, rule, rules, into);
    for (int i = 0; i < deadline->step_count; i++)
        write_step(deadline, i, rules->zone, into);
    if (deadline->due_at != INSTANT_NONE)
        write_instant(rules->zone, "due", deadline->due_at, into);
}

// --- computing again ---

#define FORMS_MAX 64 // of an `earliest`

struct repetition {
    const struct ruleset *rules;
    struct rule rule; // nothing but the calendar
    struct due form;
    struct due forms[FORMS_MAX]; // the candidates of an `earliest`
    struct recurrence *series;   // owned
    // Given for the next start or reset.
    instant count_from, shared, begun;
    civil_date due_on;
    // The clock.
    struct due_date due;
    instant paused_at;
    civil_date day_of; // came while paused
    instant was_due;
    bool started;
    struct error *err;
};

// A key and what stands behind it.
struct item {
    char key[16];
    const char *value;
    size_t length;
};

static int read_item(struct repetition *repetition, const char *line, size_t length, struct item *ret_item)
{
    const char *space = memchr(line, ' ', length);
    size_t key = space ? (size_t)(space - line) : length;
    if (key >= sizeof ret_item->key) {
        error_set(repetition->err, "a line of the derivation cannot be read");
        return -1;
    }
    memcpy(ret_item->key, line, key);
    ret_item->key[key] = '\0';
    ret_item->value = space ? space + 1 : line + length;
    ret_item->length = (size_t)(line + length - ret_item->value);
    return 0;
}

static int refuse(const struct repetition *repetition, const struct item *item)
{
    error_set(repetition->err, "\"%s\" of the derivation cannot be read", item->key);
    return -1;
}

static int read_instant(const struct repetition *repetition, const struct item *item, instant *ret_at)
{
    if (zone_parse_instant(repetition->rules->zone, item->value, item->length, ret_at) < 0)
        return refuse(repetition, item);
    return 0;
}

static int read_date(const struct repetition *repetition, const struct item *item, civil_date *ret_date)
{
    return civil_parse_date(item->value, item->length, ret_date) < 0 ? refuse(repetition, item) : 0;
}

// Two numbers of two digits each.
static int read_pair(const struct repetition *repetition, const struct item *item, int *ret_a, int *ret_b)
{
    char text[8] = "", rest;
    if (item->length != 5)
        return refuse(repetition, item);
    memcpy(text, item->value, item->length);
    if (sscanf(text, "%2d%*1[-:]%2d%c", ret_a, ret_b, &rest) != 2)
        return refuse(repetition, item);
    return 0;
}

static bool is(const struct item *item, const char *text)
{
    return item->length == strlen(text) && memcmp(item->value, text, item->length) == 0;
}

// --- the items of a form ---

static int take_after(struct repetition *repetition, const struct item *item, struct due *form)
{
    form->inclusive = item->key[0] == 'i';
    return duration_parse(item->value, item->length, &form->after, repetition->err);
}

static int take_on(struct repetition *repetition, const struct item *item, struct due *form)
{
    return read_date(repetition, item, &form->on);
}

static int take_next(struct repetition *repetition, const struct item *item, struct due *form)
{
    if (read_pair(repetition, item, &form->month, &form->day) < 0)
        return -1;
    return civil_is_valid(2000, form->month, form->day) ? 0 : refuse(repetition, item);
}

static int take_end_of(struct repetition *repetition, const struct item *item, struct due *form)
{
    for (int i = PERIOD_WEEK; i <= PERIOD_YEAR; i++)
        if (is(item, period_names[i])) {
            form->end_of = (enum period)i;
            return 0;
        }
    return refuse(repetition, item);
}

static int take_every(struct repetition *repetition, const struct item *item, struct due *form)
{
    (void)form;
    return repetition->series
               ? refuse(repetition, item)
               : recurrence_parse(item->value, item->length, &repetition->series, repetition->err);
}

// A form of `due`; what stands behind it is read by `take`.
static int take_form(struct repetition *repetition, const struct item *item, struct due *form)
{
    static const struct {
        const char *key;
        enum due_form form;
        int (*take)(struct repetition *repetition, const struct item *item, struct due *form);
    } keys[] = {
        {"after", DUE_AFTER, take_after}, {"inclusive", DUE_AFTER, take_after},
        {"event", DUE_EVENT, NULL},       {"on", DUE_ON, take_on},
        {"next", DUE_NEXT, take_next},    {"end_of", DUE_END_OF, take_end_of},
        {"every", DUE_EVERY, take_every}, {"at_start", DUE_AT_START, NULL},
        {"same_as", DUE_SAME_AS, NULL},   {"on_day_of", DUE_ON_DAY_OF, NULL},
    };
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (strcmp(keys[i].key, item->key) == 0) {
            form->form = keys[i].form;
            return keys[i].take ? keys[i].take(repetition, item, form) : 0;
        }
    return refuse(repetition, item);
}

// One more candidate of an `earliest`.
static int take_or(struct repetition *repetition, const struct item *item, struct due *form)
{
    struct item candidate;
    if (form->earliest_count == FORMS_MAX)
        return refuse(repetition, item);
    form->form = DUE_EARLIEST;
    form->earliest = repetition->forms;
    struct due *added = &repetition->forms[form->earliest_count++];
    *added = (struct due){.at = DUE_END_OF_DAY};
    if (read_item(repetition, item->value, item->length, &candidate) < 0 ||
        take_form(repetition, &candidate, added) < 0)
        return -1;
    return added->form == DUE_EVERY ? refuse(repetition, item) : 0;
}

static int take_roll(struct repetition *repetition, const struct item *item, struct due *form)
{
    form->roll = is(item, "forward") ? 1 : is(item, "backward") ? -1 : 0;
    return form->roll == 0 ? refuse(repetition, item) : 0;
}

static int take_at(struct repetition *repetition, const struct item *item, struct due *form)
{
    int hour, minute;
    if (read_pair(repetition, item, &hour, &minute) < 0)
        return -1;
    form->at = hour * 3600 + minute * 60;
    return form->at >= 0 && form->at < SECONDS_PER_DAY ? 0 : refuse(repetition, item);
}

static int take_calendar(struct repetition *repetition, const struct item *item, struct due *form)
{
    (void)form;
    const struct ruleset *rules = repetition->rules;
    for (int i = 0; i < rules->calendar_count; i++)
        if (is(item, calendar_name(rules->calendars[i]))) {
            repetition->rule.calendar = rules->calendars[i];
            return 0;
        }
    return error_set(repetition->err, "there is no calendar \"%.*s\" any more", (int)item->length,
                     item->value);
}

// --- what happened ---

static int take_due_on(struct repetition *repetition, const struct item *item, struct due *form)
{
    (void)form;
    return read_date(repetition, item, &repetition->due_on);
}

static int take_shared(struct repetition *repetition, const struct item *item, struct due *form)
{
    (void)form;
    return read_instant(repetition, item, &repetition->shared);
}

static int take_count_from(struct repetition *repetition, const struct item *item, struct due *form)
{
    (void)form;
    return read_instant(repetition, item, &repetition->count_from);
}

static int take_begun(struct repetition *repetition, const struct item *item, struct due *form)
{
    (void)form;
    return read_instant(repetition, item, &repetition->begun);
}

static bool find_shared(void *data, int line, const struct rule **ret_rule, instant *ret_due)
{
    (void)line;
    const struct repetition *repetition = data;
    *ret_rule = NULL; // for explanations only
    *ret_due = repetition->shared;
    return repetition->shared != INSTANT_NONE;
}

// The first instance of the series after the anchor.
static instant next_of_series(const struct repetition *repetition, instant anchor_at)
{
    const struct zone *zone = repetition->rules->zone;
    struct civil_time begun = zone_to_civil(zone, repetition->begun);
    struct recurrence_iterator *iterator = recurrence_start(repetition->series, begun.date, begun.second);
    instant at = INSTANT_NONE;
    civil_date date;
    int second;
    while (at <= anchor_at && recurrence_next(iterator, &date, &second))
        at = zone_to_instant(zone, date, second);
    recurrence_stop(iterator);
    return at > anchor_at ? at : INSTANT_NONE;
}

static int check_form(const struct repetition *repetition)
{
    const struct due *form = &repetition->form;
    if (form->form == DUE_NONE || form->form == DUE_ON_DAY_OF ||
        (needs_calendar(form) && repetition->rule.calendar == NULL) ||
        (form->form == DUE_EVERY && repetition->begun == INSTANT_NONE))
        return error_set(repetition->err, "the derivation is not complete");
    return 0;
}

// A start or reset.
static int take_start(struct repetition *repetition, const struct item *item, struct due *form)
{
    instant at;
    if (check_form(repetition) < 0 || read_instant(repetition, item, &at) < 0)
        return -1;
    if (form->form == DUE_EVERY) {
        repetition->due = (struct due_date){.at = next_of_series(repetition, at), .by_instant = true};
    } else {
        instant from = repetition->count_from == INSTANT_NONE ? at : repetition->count_from;
        struct due_basis basis = {
            .rules = repetition->rules,
            .rule = &repetition->rule,
            .at = from,
            .date = zone_date(repetition->rules->zone, from),
            .due_on = repetition->due_on,
            .event_date = CIVIL_MIN, // only for faults, and nobody asks for them here
            .shared = find_shared,
            .data = repetition,
        };
        due_compute(form, &basis, NULL, &repetition->due);
    }
    repetition->started = true;
    repetition->paused_at = repetition->count_from = repetition->shared = INSTANT_NONE;
    repetition->due_on = repetition->day_of = CIVIL_NONE;
    return 0;
}

static int take_pause(struct repetition *repetition, const struct item *item, struct due *form)
{
    (void)form;
    return read_instant(repetition, item, &repetition->paused_at);
}

static int take_resume(struct repetition *repetition, const struct item *item, struct due *form)
{
    instant at;
    if (read_instant(repetition, item, &at) < 0)
        return -1;
    if (repetition->paused_at == INSTANT_NONE || at < repetition->paused_at)
        return refuse(repetition, item);
    due_resume(&repetition->due, form, &repetition->rule, repetition->rules, repetition->paused_at, at,
               repetition->day_of, NULL);
    repetition->paused_at = INSTANT_NONE;
    repetition->day_of = CIVIL_NONE;
    return 0;
}

static int take_extend(struct repetition *repetition, const struct item *item, struct due *form)
{
    (void)form;
    civil_date date;
    if (read_date(repetition, item, &date) < 0)
        return -1;
    due_extend(&repetition->due, repetition->rules->zone, date);
    repetition->paused_at = INSTANT_NONE;
    repetition->day_of = CIVIL_NONE;
    return 0;
}

static int take_day_of(struct repetition *repetition, const struct item *item, struct due *form)
{
    civil_date date;
    if (read_date(repetition, item, &date) < 0)
        return -1;
    if (repetition->paused_at != INSTANT_NONE)
        repetition->day_of = date;
    else
        due_join_day(&repetition->due, form, &repetition->rule, repetition->rules, date);
    return 0;
}

static int take_due(struct repetition *repetition, const struct item *item, struct due *form)
{
    (void)form;
    return read_instant(repetition, item, &repetition->was_due);
}

// Takes one line. The form stands before the start, what happens on the clock behind it.
static int take(struct repetition *repetition, const char *line, size_t length)
{
    static const struct {
        const char *key;
        int (*take)(struct repetition *repetition, const struct item *item, struct due *form);
        enum { FORM, GIVEN, CLOCK } part;
    } keys[] = {
        {"or", take_or, FORM},
        {"roll", take_roll, FORM},
        {"at", take_at, FORM},
        {"calendar", take_calendar, FORM},
        {"due_on", take_due_on, GIVEN},
        {"shared", take_shared, GIVEN},
        {"count_from", take_count_from, GIVEN},
        {"begun", take_begun, GIVEN},
        {"start", take_start, GIVEN},
        {"reset", take_start, CLOCK},
        {"pause", take_pause, CLOCK},
        {"resume", take_resume, CLOCK},
        {"extend", take_extend, CLOCK},
        {"day_of", take_day_of, CLOCK},
        {"due", take_due, GIVEN},
    };
    struct item item;
    if (read_item(repetition, line, length, &item) < 0)
        return -1;
    size_t i = 0, count = sizeof keys / sizeof keys[0];
    while (i < count && strcmp(keys[i].key, item.key) != 0)
        i++;
    if (repetition->started ? i == count || keys[i].part == FORM : i < count && keys[i].part == CLOCK)
        return refuse(repetition, &item);
    return i < count ? keys[i].take(repetition, &item, &repetition->form)
                     : take_form(repetition, &item, &repetition->form);
}

static int take_all(struct repetition *repetition, const char *text)
{
    while (*text) {
        size_t length = strcspn(text, "\n");
        if (take(repetition, text, length) < 0)
            return -1;
        text += length + (text[length] != '\0');
    }
    return check_form(repetition);
}

int computation_repeat(const char *text, const struct ruleset *rules, instant *ret_was_due, instant *ret_due,
                       struct error *err)
{
    struct repetition repetition = {
        .rules = rules,
        .form = {.at = DUE_END_OF_DAY},
        .count_from = INSTANT_NONE,
        .shared = INSTANT_NONE,
        .begun = INSTANT_NONE,
        .due_on = CIVIL_NONE,
        .due = due_undated,
        .paused_at = INSTANT_NONE,
        .day_of = CIVIL_NONE,
        .was_due = INSTANT_NONE,
        .err = err,
    };
    int result = take_all(&repetition, text);
    recurrence_free(repetition.series);
    if (result < 0)
        return -1;
    *ret_was_due = repetition.was_due;
    *ret_due = repetition.due.at;
    return 0;
}
