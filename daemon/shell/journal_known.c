// SPDX-License-Identifier: MPL-2.0
#include "shell/journal_known.h"

#include "shell/journal_rows.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

// --- what is known of cases ---

// Of one deadline: that a step of it is muted (told NULL), or who was told that it is breached.
struct known_muting {
    int64_t deadline_id;
    const char *told;
};

struct known_row {
    const char *case_id;
    union {
        struct known_case watched;
        struct known_deadline deadline;
        struct known_fault fault;
        struct known_acknowledgement acknowledged;
        struct known_muting muting;
    };
};

struct known_rows {
    struct known_row *rows;
    size_t count, capacity;
};

enum {
    WATCHED,
    DEADLINES,
    FAULTS,
    ACKNOWLEDGED,
    MUTING,
    KNOWN_LISTS,
    SILENCES = KNOWN_LISTS,
    REFUSALS,
    KNOWN_STATEMENTS
};

struct journal_rows {
    struct known_rows of[KNOWN_LISTS]; // by statement, each in the order of case ids
    struct known_deadline *deadlines;
    struct known_fault *faults;
    struct known_acknowledgement *acknowledgements;
};

static void add_silence(struct journal_load *load, const struct postgres_row *row)
{
    struct arena *arena = &load->arena;
    MEMORY_GROW(load->silences, load->silence_count, load->silence_capacity);
    load->silences[load->silence_count++] = (struct known_silence){
        .silence = {.id = postgres_int8(row, 0),
                    .case_id = row_text(arena, row, 1),
                    .unit = row_text(arena, row, 2),
                    .rule = row_text(arena, row, 3),
                    .from = row_instant(row, 4),
                    .until = row_instant(row, 5)},
        .given_by = row_text(arena, row, 6),
        .reason = row_text(arena, row, 7),
        .look_at = row_instant(row, 8),
        .reported = postgres_bool(row, 9),
        .covered = (int)postgres_int8(row, 10),
        .breached = (int)postgres_int8(row, 11),
        .hidden = (int)postgres_int8(row, 12),
        .of_deadlines = (int)postgres_int8(row, 13),
        .undone = (int)postgres_int8(row, 14),
    };
}

static void add_refusal(struct journal_load *load, const struct postgres_row *row)
{
    MEMORY_GROW(load->refusals, load->refusal_count, load->refusal_capacity);
    load->refusals[load->refusal_count++] = (struct known_refusal){
        .person_id = row_text(&load->arena, row, 0),
        .address_key = row_text(&load->arena, row, 1),
        .refusals = (int)postgres_int8(row, 2),
        .reported = postgres_bool(row, 3),
        .last_reply = row_text(&load->arena, row, 4),
    };
}

static void on_known_row(struct postgres_request *request, int statement, const struct postgres_row *row)
{
    struct journal_load *load = request->data;
    if (statement == SILENCES) {
        add_silence(load, row);
        return;
    }
    if (statement == REFUSALS) {
        add_refusal(load, row);
        return;
    }
    struct known_rows *rows = &load->rows->of[statement];
    MEMORY_GROW(rows->rows, rows->count, rows->capacity);
    struct known_row *known = &rows->rows[rows->count++];
    memset(known, 0, sizeof *known);
    known->case_id = row_text(&load->arena, row, 0);
    switch (statement) {
    case WATCHED:
        known->watched.unit = row_text(&load->arena, row, 1);
        known->watched.caseworker = row_text(&load->arena, row, 2);
        known->watched.wake_at = row_instant(row, 3);
        known->watched.watched = true;
        break;
    case DEADLINES:
        known->deadline = (struct known_deadline){
            .rule = row_text(&load->arena, row, 1),
            .subject = row_text(&load->arena, row, 2),
            .occurrence = (int)postgres_int8(row, 3),
            .id = postgres_int8(row, 4),
            .state = row_state(row, 5),
            .anchor_at = row_instant(row, 6),
            .due_at = row_instant(row, 7),
            .breached_at = row_instant(row, 8),
            .closed_at = row_instant(row, 9),
            .staged_until = row_instant(row, 10),
            .next_stage_at = row_instant(row, 11),
            .valid_from = CIVIL_NONE,
            .attention = postgres_bool(row, 13),
            .code = row_text(&load->arena, row, 14),
            .rule_kind = row_rule_kind(row, 15),
            .sensitive = postgres_bool(row, 16),
            .from_birth = postgres_bool(row, 17),
        };
        if (postgres_date(row, 12, &known->deadline.valid_from) < 0)
            known->deadline.valid_from = CIVIL_NONE; // differs from every rule's, so the row is written anew
        break;
    case FAULTS:
        known->fault = (struct known_fault){row_text(&load->arena, row, 1), row_text(&load->arena, row, 2),
                                            row_text(&load->arena, row, 3), row_text(&load->arena, row, 4)};
        break;
    case MUTING:
        known->muting = (struct known_muting){postgres_int8(row, 1), row_text(&load->arena, row, 2)};
        break;
    default:
        known->acknowledged = (struct known_acknowledgement){
            .deadline_id = postgres_int8(row, 1),
            .acknowledgement = {.id = postgres_int8(row, 2),
                                .until = row_instant(row, 3),
                                .look_at = row_instant(row, 4),
                                .noted = postgres_bool(row, 5),
                                .told = row_text(&load->arena, row, 6)},
        };
        break;
    }
}

static const char *least(const char *a, const char *b)
{
    return a == NULL || (b && strcmp(b, a) < 0) ? b : a;
}

static void attach(struct known_case *known, const struct known_acknowledgement *acknowledged)
{
    for (size_t i = 0; i < known->deadline_count; i++)
        if (known->deadlines[i].id == acknowledged->deadline_id)
            known->deadlines[i].acknowledgement = &acknowledged->acknowledgement;
}

static void attach_muting(struct known_case *known, const struct known_muting *muting)
{
    for (size_t i = 0; i < known->deadline_count; i++)
        if (known->deadlines[i].id != muting->deadline_id)
            continue;
        else if (muting->told)
            known->deadlines[i].told = muting->told;
        else
            known->deadlines[i].muted = true;
}

// Joins the sorted lists into one of cases.
static void join(struct journal_load *load)
{
    struct known_rows *of = load->rows->of;
    size_t next[KNOWN_LISTS] = {0}, all = 0;
    load->rows->deadlines =
        memory_resize(load->rows->deadlines, of[DEADLINES].count, sizeof *load->rows->deadlines);
    load->rows->faults = memory_resize(load->rows->faults, of[FAULTS].count, sizeof *load->rows->faults);
    load->rows->acknowledgements = memory_resize(load->rows->acknowledgements, of[ACKNOWLEDGED].count,
                                                 sizeof *load->rows->acknowledgements);
    for (int i = 0; i < KNOWN_LISTS; i++)
        all += of[i].count;
    load->cases = memory_resize(load->cases, all, sizeof *load->cases);
    load->case_count = 0;
    for (;;) {
        const char *id = NULL;
        for (int i = 0; i < KNOWN_LISTS; i++)
            if (next[i] < of[i].count)
                id = least(id, of[i].rows[next[i]].case_id);
        if (id == NULL)
            break;
        struct known_case *known = &load->cases[load->case_count++];
        *known = (struct known_case){.unit = "", .caseworker = "", .wake_at = INSTANT_NONE};
        if (next[WATCHED] < of[WATCHED].count && strcmp(of[WATCHED].rows[next[WATCHED]].case_id, id) == 0)
            *known = of[WATCHED].rows[next[WATCHED]++].watched;
        known->case_id = id;
        known->deadlines = load->rows->deadlines + next[DEADLINES];
        while (next[DEADLINES] < of[DEADLINES].count &&
               strcmp(of[DEADLINES].rows[next[DEADLINES]].case_id, id) == 0) {
            known->deadlines[known->deadline_count++] = of[DEADLINES].rows[next[DEADLINES]].deadline;
            next[DEADLINES]++;
        }
        known->faults = load->rows->faults + next[FAULTS];
        while (next[FAULTS] < of[FAULTS].count && strcmp(of[FAULTS].rows[next[FAULTS]].case_id, id) == 0) {
            known->faults[known->fault_count++] = of[FAULTS].rows[next[FAULTS]].fault;
            next[FAULTS]++;
        }
        known->acknowledgements = load->rows->acknowledgements + next[ACKNOWLEDGED];
        while (next[ACKNOWLEDGED] < of[ACKNOWLEDGED].count &&
               strcmp(of[ACKNOWLEDGED].rows[next[ACKNOWLEDGED]].case_id, id) == 0) {
            struct known_acknowledgement *added = &known->acknowledgements[known->acknowledgement_count++];
            *added = of[ACKNOWLEDGED].rows[next[ACKNOWLEDGED]++].acknowledged;
            attach(known, added);
        }
        while (next[MUTING] < of[MUTING].count && strcmp(of[MUTING].rows[next[MUTING]].case_id, id) == 0)
            attach_muting(known, &of[MUTING].rows[next[MUTING]++].muting);
    }
}

static void on_known_done(struct postgres_request *request, enum postgres_status status,
                          const struct error *err)
{
    struct journal_load *load = request->data;
    if (status == POSTGRES_OK)
        join(load);
    load->on_done(load, journal_error(status, err));
}

#define WATCHED_SQL "SELECT case_id, unit, caseworker, wake_at FROM watched_case WHERE "
#define DEADLINES_SQL                                                                                        \
    "SELECT case_id, rule, subject, occurrence, id, state, anchor_at, due_at, breached_at, closed_at, "      \
    "staged_until,"                                                                                          \
    " next_stage_at, valid_from, attention, code, rule_kind, sensitive, from_birth FROM deadline WHERE "
#define FAULTS_SQL "SELECT case_id, code, rule, subject, event_id FROM data_fault WHERE "
// Whom the deadline's notices have told of the due that it has now.
#define ACKNOWLEDGED_SQL                                                                                     \
    "SELECT x.case_id, x.deadline_id, a.id, least(a.until_at, a.ended_at), x.look_at, x.noted_at IS NOT "    \
    "NULL, coalesce((SELECT string_agg(DISTINCT n.role || ',', '') FROM notice n"                            \
    " JOIN transition t ON t.number = n.transition_number JOIN deadline d ON d.id = n.deadline_id"           \
    " WHERE n.deadline_id = x.deadline_id AND n.purpose = 'stage' AND n.state <> 'abandoned'"                \
    " AND t.due_at IS NOT DISTINCT FROM d.due_at), '')"                                                      \
    " FROM acknowledged_deadline x JOIN acknowledgement a ON a.id = x.acknowledgement_id"                    \
    " WHERE x.over_at IS NULL AND x."
#define MUTING_SQL(OF_DEADLINES, OF_STEPS, RULES)                                                            \
    "SELECT d.case_id, d.id, string_agg(DISTINCT n.person_id || E'\\n', '') FROM deadline d"                 \
    " JOIN notice n ON n.deadline_id = d.id AND n.purpose = 'stage' AND n.state <> 'abandoned'"              \
    " AND n.stage_at >= d.breached_at"                                                                       \
    " WHERE cardinality(" RULES "::text[]) > 0 AND d.state = 'breached' AND d.rule = ANY(" RULES             \
    ") AND d." OF_DEADLINES " GROUP BY d.case_id, d.id"                                                      \
    " UNION ALL SELECT DISTINCT m.case_id, m.deadline_id, NULL FROM muted_step m"                            \
    " WHERE m.over_at IS NULL AND m." OF_STEPS " ORDER BY case_id"
#define SILENCES_SQL                                                                                         \
    "SELECT s.id, s.case_id, s.unit, s.rule, s.from_at, least(s.until_at, s.ended_at), s.given_by, "         \
    "s.reason,"                                                                                              \
    " s.look_at, s.reported_at IS NOT NULL, coalesce(c.covered, 0), coalesce(c.breached, 0),"                \
    " coalesce(h.steps, 0), coalesce(h.deadlines, 0), coalesce(h.undone, 0) FROM silence s"                  \
    " LEFT JOIN LATERAL (SELECT count(*) AS covered, count(*) FILTER (WHERE state = 'breached') AS breached" \
    "  FROM silenceable(s.case_id, s.unit, s.rule)) c ON $1 AND s.look_at <= $2"                             \
    " LEFT JOIN LATERAL (SELECT count(*) AS steps, count(DISTINCT x.deadline_id) AS deadlines,"              \
    "  count(DISTINCT d.id) AS undone FROM silenced_step x"                                                  \
    "  LEFT JOIN deadline d ON d.id = x.deadline_id AND d.closed_at IS NULL WHERE x.silence_id = s.id) h"    \
    "  ON $1 AND s.look_at <= $2"                                                                            \
    " WHERE s.over_at IS NULL ORDER BY s.id"
#define OF_CASES              "case_id = ANY($1::text[]) ORDER BY case_id"
#define OF_RANGE              "($1::text IS NULL OR case_id > $1) AND ($2::text IS NULL OR case_id <= $2) ORDER BY case_id"
#define DEADLINES_ORDER       ", rule, subject, occurrence"
#define ACKNOWLEDGED_OF_CASES "case_id = ANY($1::text[]) ORDER BY x.case_id"
#define ACKNOWLEDGED_OF_RANGE                                                                                \
    "case_id > coalesce($1::text, '') AND ($2::text IS NULL OR x.case_id <= $2) ORDER BY x.case_id"

#define MUTING_OF_CASES "case_id = ANY($1::text[])"
#define MUTING_OF_RANGE(TABLE)                                                                               \
    "case_id > coalesce($1::text, '') AND ($2::text IS NULL OR " TABLE ".case_id <= $2)"

// Which cases: $1, or $1 and $2.
static void add_cases(const struct journal_load *load, struct postgres_params *params)
{
    postgres_params_clear(params);
    if (load->case_ids) {
        postgres_array_begin(params, POSTGRES_TEXTS, (int)load->case_id_count);
        for (size_t i = 0; i < load->case_id_count; i++)
            postgres_array_text(params, load->case_ids[i]);
    } else {
        postgres_param_text(params, load->after);
        postgres_param_text(params, load->until);
    }
}

static void add_muting_rules(struct journal_load *load)
{
    add_cases(load, &load->muting_params);
    postgres_array_begin(&load->muting_params, POSTGRES_TEXTS, (int)load->muting_rule_count);
    for (size_t i = 0; i < load->muting_rule_count; i++)
        postgres_array_text(&load->muting_params, load->muting_rules[i]);
}

int journal_read_known(struct journal *journal, struct journal_load *load, struct error *err)
{
    static const char *const of_cases[KNOWN_LISTS] = {
        WATCHED_SQL OF_CASES, DEADLINES_SQL OF_CASES DEADLINES_ORDER, FAULTS_SQL OF_CASES,
        ACKNOWLEDGED_SQL ACKNOWLEDGED_OF_CASES, MUTING_SQL(MUTING_OF_CASES, MUTING_OF_CASES, "$2")};
    static const char *const of_range[KNOWN_LISTS] = {
        WATCHED_SQL OF_RANGE, DEADLINES_SQL OF_RANGE DEADLINES_ORDER, FAULTS_SQL OF_RANGE,
        ACKNOWLEDGED_SQL ACKNOWLEDGED_OF_RANGE, MUTING_SQL(MUTING_OF_RANGE("d"), MUTING_OF_RANGE("m"), "$3")};
    journal_load_clear(load);
    if (load->rows == NULL)
        load->rows = memory_alloc(sizeof *load->rows);
    add_cases(load, &load->params);
    add_muting_rules(load);
    for (int i = 0; i < KNOWN_LISTS; i++)
        load->statements[i] = (struct postgres_statement){load->case_ids ? of_cases[i] : of_range[i],
                                                          i == MUTING ? &load->muting_params : &load->params};
    postgres_params_clear(&load->silence_params);
    postgres_param_bool(&load->silence_params, load->with_counts);
    postgres_param_instant(&load->silence_params, load->now);
    load->statements[SILENCES] = (struct postgres_statement){SILENCES_SQL, &load->silence_params};
    load->statements[REFUSALS] = (struct postgres_statement){
        "SELECT person_id, address_key, refusals, reported_at IS NOT NULL, last_reply FROM refused_address",
        NULL};
    load->request = (struct postgres_request){
        .data = load,
        .statements = load->statements,
        .statement_count = KNOWN_STATEMENTS,
        .on_row = on_known_row,
        .on_done = on_known_done,
    };
    return journal_submit(journal, &load->request, err);
}

void journal_load_clear(struct journal_load *load)
{
    arena_reset(&load->arena);
    load->case_count = load->silence_count = load->refusal_count = 0;
    for (int i = 0; load->rows && i < KNOWN_LISTS; i++)
        load->rows->of[i].count = 0;
}

void journal_load_done(struct journal_load *load)
{
    if (load->rows) {
        for (int i = 0; i < KNOWN_LISTS; i++)
            free(load->rows->of[i].rows);
        free(load->rows->deadlines);
        free(load->rows->faults);
        free(load->rows->acknowledgements);
        free(load->rows);
    }
    free(load->cases);
    free(load->silences);
    free(load->refusals);
    postgres_params_done(&load->params);
    postgres_params_done(&load->muting_params);
    postgres_params_done(&load->silence_params);
    arena_done(&load->arena);
    *load = (struct journal_load){0};
}

// --- what is due ---

static void on_due_row(struct postgres_request *request, int statement, const struct postgres_row *row)
{
    (void)statement;
    struct journal_due *due = request->data;
    MEMORY_GROW(due->ids, due->count, due->capacity);
    due->ids[due->count++] = row_text(&due->arena, row, 0);
}

static void on_due_done(struct postgres_request *request, enum postgres_status status,
                        const struct error *err)
{
    struct journal_due *due = request->data;
    const char **ids = due->ids;
    struct arena arena = due->arena;
    postgres_params_done(&due->params);
    due->ids = NULL;
    due->arena = (struct arena){0};
    due->on_done(due, ids, due->count, journal_error(status, err));
    free(ids);
    arena_done(&arena);
}

int journal_read_due(struct journal *journal, struct journal_due *due, struct error *err)
{
    due->count = due->capacity = 0;
    due->ids = NULL;
    due->params = (struct postgres_params){0};
    postgres_param_instant(&due->params, due->now);
    postgres_param_int8(&due->params, due->limit);
    postgres_param_bool(&due->params, due->with_new_notices);
    // A notice that failed before is sent only after its case was looked at again.
    due->statement = (struct postgres_statement){
        "SELECT case_id FROM (SELECT case_id FROM watched_case WHERE wake_at <= $1 ORDER BY wake_at LIMIT "
        "$2) AS woken"
        " UNION (SELECT n.case_id FROM outbox b JOIN notice n ON n.carried_by = b.id"
        " WHERE b.next_attempt_at <= $1 AND (b.tried OR $3)"
        " AND n.finished_at IS NULL AND n.case_id <> '' ORDER BY b.next_attempt_at LIMIT $2) UNION (SELECT "
        "case_id FROM acknowledged_deadline"
        " WHERE look_at <= $1 ORDER BY look_at LIMIT $2) UNION (SELECT case_id FROM watched_case WHERE $3 "
        "LIMIT 1)",
        &due->params};
    due->request = (struct postgres_request){.data = due,
                                             .statements = &due->statement,
                                             .statement_count = 1,
                                             .on_row = on_due_row,
                                             .on_done = on_due_done};
    if (journal_submit(journal, &due->request, err) < 0) {
        postgres_params_done(&due->params);
        return -1;
    }
    return 0;
}

// --- confirmed changes of the rules ---

static void on_confirmation_row(struct postgres_request *request, int statement,
                                const struct postgres_row *row)
{
    (void)statement;
    struct journal_confirmation *confirmation = request->data;
    size_t length;
    snprintf(confirmation->by, sizeof confirmation->by, "%s", postgres_text(row, 0, &length));
}

static void on_confirmation_done(struct postgres_request *request, enum postgres_status status,
                                 const struct error *err)
{
    struct journal_confirmation *confirmation = request->data;
    postgres_params_done(&confirmation->params);
    confirmation->on_done(confirmation, confirmation->by, journal_error(status, err));
}

int journal_read_confirmation(struct journal *journal, struct journal_confirmation *confirmation,
                              struct error *err)
{
    confirmation->by[0] = '\0';
    confirmation->params = (struct postgres_params){0};
    postgres_param_text(&confirmation->params, confirmation->fingerprint);
    confirmation->statement =
        (struct postgres_statement){"SELECT confirmed_by FROM rules_confirmation WHERE fingerprint = $1 AND "
                                    "taken_at IS NULL ORDER BY id DESC"
                                    " LIMIT 1",
                                    &confirmation->params};
    confirmation->request = (struct postgres_request){.data = confirmation,
                                                      .statements = &confirmation->statement,
                                                      .statement_count = 1,
                                                      .on_row = on_confirmation_row,
                                                      .on_done = on_confirmation_done};
    if (journal_submit(journal, &confirmation->request, err) < 0) {
        postgres_params_done(&confirmation->params);
        return -1;
    }
    return 0;
}
