// SPDX-License-Identifier: MPL-2.0
#include "shell/report_runs.h"

#include "shell/journal_rows.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define SUPERSEDED_MAX 1000 // rows on one report that passed while the service was down; more are not noted

void report_statements_clear(struct report_statements *statements)
{
    for (int i = 0; i < REPORT_RUN_STATEMENTS; i++)
        postgres_params_clear(&statements->params[i]);
    statements->count = 0;
}

void report_statements_done(struct report_statements *statements)
{
    for (int i = 0; i < REPORT_RUN_STATEMENTS; i++)
        postgres_params_done(&statements->params[i]);
}

static struct postgres_params *add_statement(struct report_statements *statements, const char *sql)
{
    assert(statements->count < REPORT_RUN_STATEMENTS);
    struct postgres_params *params = &statements->params[statements->count];
    statements->statements[statements->count++] = (struct postgres_statement){sql, params};
    return params;
}

void report_runs_done(struct report_runs *runs)
{
    arena_done(&runs->arena);
    free(runs->waiting);
    free(runs->last);
    *runs = (struct report_runs){0};
}

// --- what the journal says of runs ---

enum { FINISHED, WAITING, LAST, LAST_COUNTS, UNFINISHED, RUN_STATEMENTS };

void report_runs_ask(struct report_runs *runs, instant now, struct report_statements *statements)
{
    static const char *const sql[RUN_STATEMENTS] = {
        [FINISHED] =
            "UPDATE report_run r SET finished_at = $1, state = CASE WHEN EXISTS (SELECT FROM "
            "report_recipient x"
            " LEFT JOIN notice n USING (message_key) WHERE x.report = r.report AND x.due_at = r.due_at"
            " AND (n.state IS NULL OR n.state = 'abandoned')) THEN 'failed' ELSE 'sent' END"
            " WHERE r.state = 'decided' AND NOT EXISTS (SELECT FROM report_recipient x JOIN notice n"
            " USING (message_key) WHERE x.report = r.report AND x.due_at = r.due_at"
            " AND n.finished_at IS NULL) RETURNING 1",
        [WAITING] = "SELECT report, due_at, recurrence FROM report_run WHERE state = 'waiting' ORDER BY "
                    "due_at, report",
        [LAST] =
            "SELECT DISTINCT ON (r.report) r.report, r.due_at, r.state, r.decided_at, r.late,"
            " (SELECT count(*) FROM report_recipient x WHERE x.report = r.report AND x.due_at = r.due_at),"
            " (SELECT count(*) FROM report_recipient x LEFT JOIN notice n USING (message_key)"
            " WHERE x.report = r.report AND x.due_at = r.due_at AND (n.state IS NULL OR n.state = "
            "'abandoned'))"
            " FROM report_run r WHERE r.state IN ('decided', 'sent', 'failed')"
            " ORDER BY r.report, r.due_at DESC",
        [LAST_COUNTS] =
            "SELECT c.report, c.name, sum(c.count)::bigint FROM (SELECT DISTINCT ON (report) report,"
            " due_at FROM report_run WHERE state IN ('decided', 'sent', 'failed')"
            " ORDER BY report, due_at DESC) r JOIN report_count c USING (report, due_at)"
            " GROUP BY c.report, c.name",
        [UNFINISHED] = "SELECT count(*) FROM report_run WHERE state = 'decided'",
    };
    arena_reset(&runs->arena);
    runs->waiting_count = runs->last_count = 0;
    runs->changed = false;
    report_statements_clear(statements);
    for (int i = 0; i < RUN_STATEMENTS; i++)
        add_statement(statements, sql[i]);
    postgres_param_instant(&statements->params[FINISHED], now);
}

static void take_last_count(struct report_runs *runs, const struct postgres_row *row)
{
    size_t length;
    enum report_count count;
    const char *report = row_text(&runs->arena, row, 0);
    if (!report_count_parse(postgres_text(row, 1, &length), &count))
        return;
    for (size_t i = 0; i < runs->last_count; i++)
        if (strcmp(runs->last[i].report, report) == 0)
            runs->last[i].counts[count] = postgres_int8(row, 2);
}

void report_runs_row(struct report_runs *runs, int statement, const struct postgres_row *row)
{
    switch (statement) {
    case WAITING:
        MEMORY_GROW(runs->waiting, runs->waiting_count, runs->waiting_capacity);
        runs->waiting[runs->waiting_count++] =
            (struct waiting_run){.report = row_text(&runs->arena, row, 0),
                                 .due_at = row_instant(row, 1),
                                 .recurrence = row_text(&runs->arena, row, 2)};
        break;
    case LAST:
        MEMORY_GROW(runs->last, runs->last_count, runs->last_capacity);
        runs->last[runs->last_count++] = (struct last_run){.report = row_text(&runs->arena, row, 0),
                                                           .due_at = row_instant(row, 1),
                                                           .state = row_text(&runs->arena, row, 2),
                                                           .decided_at = row_instant(row, 3),
                                                           .late = postgres_bool(row, 4),
                                                           .recipients = postgres_int8(row, 5),
                                                           .unreached = postgres_int8(row, 6)};
        break;
    case LAST_COUNTS:
        take_last_count(runs, row);
        break;
    case UNFINISHED:
        runs->unfinished = postgres_int8(row, 0);
        break;
    default:
        runs->changed = true;
        break;
    }
}

// --- planning ---

static const struct waiting_run *find_waiting(const struct report_runs *runs, const char *report)
{
    for (size_t i = 0; i < runs->waiting_count; i++)
        if (runs->waiting[i].recurrence && strcmp(runs->waiting[i].report, report) == 0)
            return &runs->waiting[i];
    return NULL;
}

// A row that has come due is made whatever the configuration says by now, if the report is still there.
static bool is_outdated(const struct waiting_run *run, const struct report_set *set, instant now)
{
    const struct report *report = report_find(set, run->report);
    return report == NULL || (run->recurrence && run->due_at > now &&
                              strcmp(run->recurrence, recurrence_text(report->when)) != 0);
}

// A time that was dropped before can come back.
#define NEXT_SQL                                                                                             \
    "INSERT INTO report_run (report, due_at, state, recurrence)"                                             \
    " SELECT report, due_at, 'waiting', recurrence FROM unnest($1::text[], $2::timestamptz[], $3::text[])"   \
    " AS n (report, due_at, recurrence) WHERE due_at IS NOT NULL"                                            \
    " ON CONFLICT (report, due_at) DO UPDATE SET state = 'waiting', recurrence = excluded.recurrence,"       \
    " finished_at = NULL WHERE report_run.state = 'dropped'"

static void add_next(struct report_statements *statements, const struct zone *zone, instant now, size_t count,
                     const struct report *const *reports)
{
    struct postgres_params *names = add_statement(statements, NEXT_SQL);
    postgres_array_begin(names, POSTGRES_TEXTS, (int)count);
    for (size_t i = 0; i < count; i++)
        postgres_array_text(names, reports[i]->name);
    postgres_array_begin(names, POSTGRES_INSTANTS, (int)count);
    for (size_t i = 0; i < count; i++)
        postgres_array_instant(names, report_next_due(reports[i], zone, now));
    postgres_array_begin(names, POSTGRES_TEXTS, (int)count);
    for (size_t i = 0; i < count; i++)
        postgres_array_text(names, recurrence_text(reports[i]->when));
}

void report_runs_plan(const struct report_runs *runs, const struct report_set *set, const struct zone *zone,
                      instant now, struct report_statements *statements)
{
    const struct report **missing = memory_alloc((set->count + 1) * sizeof(struct report *));
    size_t missing_count = 0, outdated = 0;
    for (size_t i = 0; i < runs->waiting_count; i++)
        outdated += is_outdated(&runs->waiting[i], set, now);
    for (size_t i = 0; i < set->count; i++) {
        const struct waiting_run *run = find_waiting(runs, set->reports[i].name);
        if (run == NULL || is_outdated(run, set, now))
            missing[missing_count++] = &set->reports[i];
    }
    report_statements_clear(statements);
    if (outdated > 0) {
        struct postgres_params *params = add_statement(
            statements, "UPDATE report_run SET state = 'dropped', finished_at = $3 FROM unnest($1::text[],"
                        " $2::timestamptz[]) AS o (report, due_at) WHERE report_run.report = o.report"
                        " AND report_run.due_at = o.due_at AND report_run.state = 'waiting'");
        postgres_array_begin(params, POSTGRES_TEXTS, (int)outdated);
        for (size_t i = 0; i < runs->waiting_count; i++)
            if (is_outdated(&runs->waiting[i], set, now))
                postgres_array_text(params, runs->waiting[i].report);
        postgres_array_begin(params, POSTGRES_INSTANTS, (int)outdated);
        for (size_t i = 0; i < runs->waiting_count; i++)
            if (is_outdated(&runs->waiting[i], set, now))
                postgres_array_instant(params, runs->waiting[i].due_at);
        postgres_param_instant(params, now);
    }
    if (missing_count > 0)
        add_next(statements, zone, now, missing_count, missing);
    free(missing);
}

const struct waiting_run *report_runs_due(const struct report_runs *runs, const struct report_set *set,
                                          instant now)
{
    for (size_t i = 0; i < runs->waiting_count; i++)
        if (runs->waiting[i].due_at <= now && report_find(set, runs->waiting[i].report))
            return &runs->waiting[i];
    return NULL;
}

// --- a run that is made ---

struct made_run report_run_make(const struct waiting_run *run, const struct report_set *set,
                                const struct zone *zone, instant now)
{
    struct made_run made = {report_find(set, run->report), run, zone, run->due_at, now};
    if (run->recurrence == NULL)
        return made;
    for (;;) {
        instant next = report_next_due(made.report, zone, made.due_at);
        if (next == INSTANT_NONE || next > now)
            return made;
        made.due_at = next;
    }
}

bool report_run_is_late(const struct made_run *made)
{
    return made->made_at - made->due_at > REPORT_LATE_AFTER_S;
}

static void add_superseded(const struct made_run *made, struct report_statements *statements)
{
    instant passed[SUPERSEDED_MAX];
    int count = 0;
    for (instant at = made->run->due_at; at < made->due_at && count < SUPERSEDED_MAX;
         at = report_next_due(made->report, made->zone, at))
        passed[count++] = at;
    if (count == 0)
        return;
    struct postgres_params *params = add_statement(
        statements, "INSERT INTO report_run (report, due_at, state, recurrence, late, finished_at)"
                    " SELECT $1, at, 'superseded', $2, true, $4 FROM unnest($3::timestamptz[]) AS at"
                    " ON CONFLICT (report, due_at) DO UPDATE SET state = 'superseded', late = true,"
                    " finished_at = excluded.finished_at WHERE report_run.state IN ('waiting', 'dropped')");
    postgres_param_text(params, made->report->name);
    postgres_param_text(params, made->run->recurrence);
    postgres_array_begin(params, POSTGRES_INSTANTS, count);
    for (int i = 0; i < count; i++)
        postgres_array_instant(params, passed[i]);
    postgres_param_instant(params, made->made_at);
}

void report_run_decided(const struct made_run *made, struct report_statements *statements)
{
    add_superseded(made, statements);
    struct postgres_params *params = add_statement(
        statements,
        "INSERT INTO report_run (report, due_at, state, recurrence, decided_at, late)"
        " VALUES ($1, $2, 'decided', $3, $4, $5) ON CONFLICT (report, due_at) DO UPDATE SET state ="
        " 'decided', decided_at = excluded.decided_at, late = excluded.late"
        " WHERE report_run.state IN ('waiting', 'dropped')");
    postgres_param_text(params, made->report->name);
    postgres_param_instant(params, made->due_at);
    postgres_param_text(params, made->run->recurrence);
    postgres_param_instant(params, made->made_at);
    postgres_param_bool(params, report_run_is_late(made));
    if (made->run->recurrence)
        add_next(statements, made->zone, made->made_at, 1, &made->report);
}

void report_run_recipients(const struct made_run *made, const char *const *holders, const char *const *roles,
                           const char *const *keys, size_t count, struct report_statements *statements)
{
    if (count == 0)
        return;
    struct postgres_params *params = add_statement(
        statements,
        "INSERT INTO report_recipient (report, due_at, person_id, role, message_key)"
        " SELECT $1, $2, * FROM unnest($3::text[], $4::text[], $5::text[]) ON CONFLICT DO NOTHING");
    postgres_param_text(params, made->report->name);
    postgres_param_instant(params, made->due_at);
    const char *const *columns[] = {holders, roles, keys};
    for (size_t k = 0; k < sizeof columns / sizeof columns[0]; k++) {
        postgres_array_begin(params, POSTGRES_TEXTS, (int)count);
        for (size_t i = 0; i < count; i++)
            postgres_array_text(params, columns[k][i]);
    }
}

void report_run_counts(const struct made_run *made, const struct report_material *material,
                       struct report_statements *statements)
{
    struct report_unit_count *units;
    enum report_content content = made->report->content;
    size_t unit_count = report_count_units(material, &units);
    int each = 0;
    for (int k = 0; k < REPORT_COUNTS; k++)
        each += report_counts_of(content, (enum report_count)k);
    if (unit_count == 0) {
        free(units);
        return;
    }
    struct postgres_params *params = add_statement(
        statements,
        "INSERT INTO report_count (report, due_at, unit, name, count)"
        " SELECT $1, $2, * FROM unnest($3::text[], $4::text[], $5::bigint[]) ON CONFLICT DO NOTHING");
    int rows = (int)unit_count * each;
    postgres_param_text(params, made->report->name);
    postgres_param_instant(params, made->due_at);
    postgres_array_begin(params, POSTGRES_TEXTS, rows);
    for (size_t i = 0; i < unit_count; i++)
        for (int k = 0; k < each; k++)
            postgres_array_text(params, units[i].unit);
    postgres_array_begin(params, POSTGRES_TEXTS, rows);
    for (size_t i = 0; i < unit_count; i++)
        for (int k = 0; k < REPORT_COUNTS; k++)
            if (report_counts_of(content, (enum report_count)k))
                postgres_array_text(params, report_count_name((enum report_count)k));
    postgres_array_begin(params, POSTGRES_INT8S, rows);
    for (size_t i = 0; i < unit_count; i++)
        for (int k = 0; k < REPORT_COUNTS; k++)
            if (report_counts_of(content, (enum report_count)k))
                postgres_array_int8(params, units[i].counts[k]);
    free(units);
}

// --- for subscribers ---

static void add_json_instant(struct buffer *into, const char *name, const struct zone *zone, instant at)
{
    char text[ZONE_INSTANT_SIZE];
    buffer_format(into, ",\"%s\":\"%s\"", name, zone_format(zone, at, text));
}

void report_run_document(const struct last_run *run, const struct report *report, const struct zone *zone,
                         int small_counts, struct buffer *into)
{
    buffer_format(into, "{\"report\":\"%s\"", run->report);
    add_json_instant(into, "due", zone, run->due_at);
    add_json_instant(into, "decided", zone, run->decided_at);
    buffer_format(into, ",\"late\":%s,\"state\":\"%s\",\"recipients\":%lld,\"unreached\":%lld,\"counts\":{",
                  run->late ? "true" : "false", run->state, (long long)run->recipients,
                  (long long)run->unreached);
    const char *separator = "";
    int now[REPORT_COUNTS], before[REPORT_COUNTS]; // before: whoever kept the last one knows; not here
    enum report_shown shown[REPORT_COUNTS], shown_before[REPORT_COUNTS];
    for (int k = 0; k < REPORT_COUNTS; k++) {
        now[k] = (int)run->counts[k];
        before[k] = -1;
    }
    report_show(now, before, small_counts, shown, shown_before);
    for (int k = 0; k < REPORT_COUNTS; k++) {
        if (!report_counts_of(report->content, (enum report_count)k))
            continue;
        bool hidden = shown[k] != SHOWN_EXACT;
        buffer_format(into, "%s\"%s\":", separator, report_count_name((enum report_count)k));
        if (hidden)
            buffer_add_string(into, "null");
        else
            buffer_format(into, "%lld", (long long)run->counts[k]);
        separator = ",";
    }
    buffer_add_string(into, "},\"dataclassification\":\"restricted\"}");
}
