// SPDX-License-Identifier: MPL-2.0
#include "core/example.h"

#include <stdlib.h>
#include <string.h>

// --- what came out, in the words in which an example is written ---

static void say_instant(struct buffer *words, const struct zone *zone, const char *key, instant at)
{
    char text[ZONE_INSTANT_SIZE];
    buffer_format(words, ", %s: %s", key, at == INSTANT_NONE ? "none" : zone_format(zone, at, text));
}

// A due at the end of its day is said as the date.
static void say_due(struct buffer *words, const struct zone *zone, instant due)
{
    char text[ZONE_INSTANT_SIZE];
    if (due == INSTANT_NONE) {
        buffer_add_string(words, "{due: none");
        return;
    }
    struct civil_time civil = zone_to_civil(zone, due);
    if (civil.second == SECONDS_PER_DAY - 1)
        buffer_format(words, "{due: %s", civil_format_date(civil.date, text));
    else
        buffer_format(words, "{due: %s", zone_format(zone, due, text));
}

static void say_deadline(struct buffer *words, const struct zone *zone, const struct deadline *deadline,
                         const struct expected_deadline *expected)
{
    say_due(words, zone, deadline->due_at);
    buffer_format(words, ", state: %s", deadline_state_name(deadline->state));
    if (expected && expected->breached.form != EXPECT_ANYTHING)
        say_instant(words, zone, "breached", deadline->breached_at);
    if (expected && expected->closed.form != EXPECT_ANYTHING)
        say_instant(words, zone, "closed", deadline->closed_at);
    char date[CIVIL_DATE_SIZE];
    if (expected && expected->version != CIVIL_NONE)
        buffer_format(words, ", version: %s", civil_format_date(deadline->rule->from, date));
    if (expected && expected->subject)
        buffer_format(words, ", subject: \"%s\"", deadline->subject);
    if (expected && expected->occurrence > 0)
        buffer_format(words, ", occurrence: %d", deadline->occurrence);
    buffer_add_char(words, '}');
}

// Always -1.
static int refuse(const struct place *place, const struct example *example, const struct buffer *words,
                  struct error *err)
{
    return error_set(err, "%s:%d:%d: the example \"%s\" fails: %s", place->file, place->line, place->column,
                     example->name, words->data);
}

// --- comparing ---

static bool is_instant(const struct expected_instant *expected, const struct zone *zone, instant at)
{
    switch (expected->form) {
    case EXPECT_ANYTHING:
        return true;
    case EXPECT_NONE:
        return at == INSTANT_NONE;
    case EXPECT_INSTANT:
        return at == expected->at;
    case EXPECT_DATE:
        return at != INSTANT_NONE && zone_date(zone, at) == expected->date;
    }
    return false;
}

static bool is_expected(const struct zone *zone, const struct deadline *deadline,
                        const struct expected_deadline *expected)
{
    return is_instant(&expected->due, zone, deadline->due_at) &&
           is_instant(&expected->breached, zone, deadline->breached_at) &&
           is_instant(&expected->closed, zone, deadline->closed_at) &&
           (!expected->has_state || expected->state == deadline->state) &&
           (expected->occurrence == 0 || expected->occurrence == deadline->occurrence) &&
           (expected->subject == NULL || strcmp(expected->subject, deadline->subject) == 0) &&
           (expected->version == CIVIL_NONE || expected->version == deadline->rule->from);
}

// The deadlines of the example's rule stand together.
static const struct deadline *own_deadlines(const struct evaluation *evaluation, const struct rule *rule,
                                            size_t *ret_count)
{
    size_t first = 0, end;
    while (first < evaluation->deadline_count && evaluation->deadlines[first].rule->line != rule->line)
        first++;
    for (end = first;
         end < evaluation->deadline_count && evaluation->deadlines[end].rule->line == rule->line;)
        end++;
    *ret_count = end - first;
    return evaluation->deadlines + first;
}

static int compare_deadlines(const struct zone *zone, const struct evaluation *evaluation,
                             const struct rule *rule, const struct example *example, struct error *err)
{
    size_t count;
    const struct deadline *deadlines = own_deadlines(evaluation, rule, &count);
    struct buffer words = {0};
    int result = 0;
    for (size_t i = 0; i < count && i < example->deadline_count && result == 0; i++)
        if (!is_expected(zone, &deadlines[i], &example->deadlines[i])) {
            buffer_add_string(&words, "this deadline came out as ");
            say_deadline(&words, zone, &deadlines[i], &example->deadlines[i]);
            result = refuse(&example->deadlines[i].place, example, &words, err);
        }
    if (result == 0 && count != example->deadline_count) {
        buffer_format(&words, "%zu deadline%s expected, %zu came out%s", example->deadline_count,
                      example->deadline_count == 1 ? " is" : "s are", count, count ? ": " : "");
        for (size_t i = 0; i < count; i++) {
            buffer_add_string(&words, i > 0 ? ", " : "");
            say_deadline(&words, zone, &deadlines[i], NULL);
        }
        result = refuse(&example->place, example, &words, err);
    }
    buffer_done(&words);
    return result;
}

static int compare_faults(const struct evaluation *evaluation, const struct rule *rule,
                          const struct example *example, struct error *err)
{
    struct buffer words = {0};
    size_t count = 0;
    bool same = true;
    buffer_add_string(&words, "the faults in the data came out as [");
    for (size_t i = 0; i < evaluation->fault_count; i++) {
        const struct fault *fault = &evaluation->faults[i];
        if (fault->rule && strcmp(fault->rule, rule->id) != 0)
            continue;
        same = same && count < example->fault_count && example->faults[count] == fault->code;
        buffer_format(&words, "%s%s", count++ > 0 ? ", " : "", fault_name(fault->code));
    }
    buffer_add_char(&words, ']');
    int result = same && count == example->fault_count ? 0 : refuse(&example->place, example, &words, err);
    buffer_done(&words);
    return result;
}

int example_run(struct evaluator *evaluator, const struct zone *zone, const struct rule *rule,
                const struct example *example, struct error *err)
{
    const struct casefile casefile = {.id = "example",
                                      .type = example->case_type,
                                      .unit = "",
                                      .caseworker = "",
                                      .events = example->events,
                                      .event_count = example->event_count};
    const struct evaluation *evaluation = evaluate(evaluator, &casefile, example->now, 0);
    if (compare_deadlines(zone, evaluation, rule, example, err) < 0)
        return -1;
    return compare_faults(evaluation, rule, example, err);
}
