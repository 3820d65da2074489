// SPDX-License-Identifier: MPL-2.0
#include "shell/report_material.h"

#include "shell/log.h"

#include <stdlib.h>
#include <string.h>

enum { LAST_COUNTS, CASES, DEADLINES };

void report_reading_begin(struct report_reading *reading, const struct report *report,
                          const struct ruleset *rules, instant due_at, instant now)
{
    *reading = (struct report_reading){
        .report = report, .rules = rules, .due_at = due_at, .now = now, .last_at = INSTANT_NONE};
    if (report->content == REPORT_REMANDS)
        reading->evaluator = evaluator_new(rules);
}

void report_reading_done(struct report_reading *reading)
{
    for (int i = 0; i < REPORT_STATEMENTS; i++)
        postgres_params_done(&reading->params[i]);
    free(reading->deadlines);
    free(reading->remands.remands);
    free(reading->last);
    free(reading->case_ids);
    people_done(&reading->people);
    evaluator_free(reading->evaluator);
    arena_done(&reading->arena);
    *reading = (struct report_reading){0};
}

// --- the journal ---

// The ids of rules that say something to the report.
static void add_rules(struct report_reading *reading, struct postgres_params *params)
{
    const struct ruleset *rules = reading->rules;
    const char **ids = memory_alloc(((size_t)rules->line_count + 1) * sizeof *ids);
    int count = 0;
    for (int i = 0; i < rules->line_count; i++)
        for (int k = 0; k < rules->lines[i].version_count; k++)
            if (report_takes(reading->report, rules, rules->lines[i].versions[k])) {
                ids[count++] = rules->lines[i].id;
                break;
            }
    postgres_array_begin(params, POSTGRES_TEXTS, count);
    for (int i = 0; i < count; i++)
        postgres_array_text(params, ids[i]);
    free(ids);
}

// The end of the last day that the report looks ahead to.
static instant horizon(const struct report_reading *reading)
{
    const struct zone *zone = reading->rules->zone;
    civil_date last = civil_clamp((int64_t)zone_date(zone, reading->now) + reading->report->within_days);
    return zone_to_instant(zone, last, SECONDS_PER_DAY - 1);
}

void report_reading_ask(struct report_reading *reading, struct postgres_statement *statements)
{
    struct postgres_params *params = reading->params;
    bool remands = reading->report->content == REPORT_REMANDS;
    postgres_param_text(&params[LAST_COUNTS], reading->report->name);
    postgres_param_instant(&params[LAST_COUNTS], reading->due_at);
    statements[LAST_COUNTS] = (struct postgres_statement){
        "SELECT r.due_at, coalesce(c.unit, ''), coalesce(c.name, ''), coalesce(c.count, 0)"
        " FROM (SELECT report, due_at FROM report_run WHERE report = $1 AND due_at < $2 AND recurrence IS "
        "NOT NULL"
        " AND state IN ('decided', 'sent', 'failed') ORDER BY due_at DESC LIMIT 1) r"
        " LEFT JOIN report_count c USING (report, due_at)",
        &params[LAST_COUNTS]};

    add_rules(reading, &params[CASES]);
    postgres_param_text(&params[CASES], reading->report->name);
    postgres_param_instant(&params[CASES], reading->due_at);
    postgres_param_bool(&params[CASES], remands);
    // Those that were closed since the last report are counted. One case at least: the people come with
    // cases.
    statements[CASES] = (struct postgres_statement){
        "SELECT DISTINCT case_id FROM deadline WHERE $4 AND rule = ANY ($1) AND (closed_at IS NULL OR "
        "closed_at > ("
        "SELECT max(due_at) FROM report_run WHERE report = $2 AND due_at < $3 AND recurrence IS NOT NULL"
        " AND state IN ('decided', 'sent', 'failed')))",
        &params[CASES]};

    add_rules(reading, &params[DEADLINES]);
    postgres_param_instant(&params[DEADLINES], horizon(reading));
    postgres_param_int8(&params[DEADLINES], remands ? 0 : REPORT_DEADLINES_MAX + 1);
    statements[DEADLINES] = (struct postgres_statement){
        "SELECT d.case_id, d.subject, w.unit, w.caseworker, d.rule, d.code, d.rule_kind, d.sensitive, "
        "d.due_at,"
        " d.state = 'breached' FROM deadline d JOIN watched_case w USING (case_id)"
        " WHERE d.closed_at IS NULL AND d.rule = ANY ($1) AND d.due_at IS NOT NULL"
        " AND (d.state = 'breached' OR (d.state = 'open' AND d.due_at <= $2)) ORDER BY d.due_at LIMIT $3",
        &params[DEADLINES]};
}

static const char *copy(struct report_reading *reading, const struct postgres_row *row, int column)
{
    size_t length;
    const char *text = postgres_text(row, column, &length);
    return length > 0 ? arena_copy(&reading->arena, text, length) : "";
}

static instant instant_of(const struct postgres_row *row, int column)
{
    instant at = INSTANT_NONE;
    return postgres_instant(row, column, &at) == 0 ? at : INSTANT_NONE;
}

static void take_last_count(struct report_reading *reading, const struct postgres_row *row)
{
    size_t length;
    enum report_count count;
    const char *unit = copy(reading, row, 1);
    reading->last_at = instant_of(row, 0);
    if (!report_count_parse(postgres_text(row, 2, &length), &count))
        return; // it was a report without counts, or an older one's
    size_t i = 0;
    while (i < reading->last_count && strcmp(reading->last[i].unit, unit) != 0)
        i++;
    if (i == reading->last_count) {
        MEMORY_GROW(reading->last, reading->last_count, reading->last_capacity);
        reading->last[reading->last_count++] = (struct report_unit_count){.unit = unit};
    }
    reading->last[i].counts[count] = (int)postgres_int8(row, 3);
}

static enum rule_kind kind_of(const struct postgres_row *row, int column)
{
    size_t length;
    const char *name = postgres_text(row, column, &length);
    for (int kind = RULE_STATUTORY; kind <= RULE_INFORMATION; kind++)
        if (strcmp(rules_kind_name((enum rule_kind)kind), name) == 0)
            return (enum rule_kind)kind;
    return RULE_OWN;
}

static void take_deadline(struct report_reading *reading, const struct postgres_row *row)
{
    if (reading->deadline_count == REPORT_DEADLINES_MAX) {
        log_line(LOG_LEVEL_WARNING, "report",
                 "%s: there are more than %d deadlines; the ones due last are left out",
                 reading->report->name, REPORT_DEADLINES_MAX);
        return;
    }
    struct report_deadline deadline = {
        .case_id = copy(reading, row, 0),
        .subject = copy(reading, row, 1),
        .unit = copy(reading, row, 2),
        .caseworker = copy(reading, row, 3),
        .rule = copy(reading, row, 4),
        .code = copy(reading, row, 5),
        .kind = kind_of(row, 6),
        .sensitive = postgres_bool(row, 7),
        .due_at = instant_of(row, 8),
        .broken = postgres_bool(row, 9),
    };
    // The kinds are those of a rule's version; the id alone has been asked for.
    if (reading->report->kinds != 0 && !(reading->report->kinds >> deadline.kind & 1))
        return;
    MEMORY_GROW(reading->deadlines, reading->deadline_count, reading->deadline_capacity);
    reading->deadlines[reading->deadline_count++] = deadline;
}

void report_reading_row(struct report_reading *reading, int statement, const struct postgres_row *row)
{
    switch (statement) {
    case LAST_COUNTS:
        take_last_count(reading, row);
        break;
    case CASES:
        MEMORY_GROW(reading->case_ids, reading->case_count, reading->case_capacity);
        reading->case_ids[reading->case_count++] = copy(reading, row, 0);
        break;
    default:
        take_deadline(reading, row);
        break;
    }
}

// --- the case database ---

void report_reading_asked(struct report_reading *reading)
{
    if (reading->case_count > 0)
        return;
    MEMORY_GROW(reading->case_ids, reading->case_count, reading->case_capacity);
    reading->case_ids[reading->case_count++] = "-"; // no case, but the people come all the same
}

void report_reading_case(struct report_reading *reading, const struct casefile *casefile)
{
    if (reading->report->content != REPORT_REMANDS)
        return;
    const struct evaluation *evaluation = evaluate(reading->evaluator, casefile, reading->now, 0);
    size_t first = reading->remands.count;
    // Without a report before this one nothing has ended since.
    instant ended_after = reading->last_at != INSTANT_NONE ? reading->last_at : reading->now;
    remand_collect(reading->rules, casefile, evaluation, reading->now, ended_after, &reading->remands);
    for (size_t i = first; i < reading->remands.count; i++) {
        struct remand *remand = &reading->remands.remands[i];
        remand->case_id = arena_string(&reading->arena, remand->case_id);
        remand->subject = arena_string(&reading->arena, remand->subject);
        remand->unit = arena_string(&reading->arena, remand->unit);
        remand->caseworker = arena_string(&reading->arena, remand->caseworker);
    }
}

void report_reading_people(struct report_reading *reading, const struct people *people)
{
    people_copy(&reading->people, people);
    people_finish(&reading->people);
}

void report_reading_material(const struct report_reading *reading, struct report_material *ret_material)
{
    *ret_material = (struct report_material){
        .report = reading->report,
        .people = &reading->people,
        .due_at = reading->due_at,
        .now = reading->now,
        .last_at = reading->last_at,
        .deadlines = reading->deadlines,
        .deadline_count = reading->deadline_count,
        .remands = reading->remands.remands,
        .remand_count = reading->remands.count,
        .last = reading->last,
        .last_count = reading->last_count,
        .today = zone_date(reading->rules->zone, reading->now),
    };
}
