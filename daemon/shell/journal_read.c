// SPDX-License-Identifier: MPL-2.0
//
// The journal's questions: what is known of some cases, which cases and notices are due.
#include "shell/journal.h"

#include "shell/journal_mails.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static instant instant_of(const struct postgres_row *row, int column)
{
    instant at = INSTANT_NONE;
    return postgres_instant(row, column, &at) == 0 ? at : INSTANT_NONE; // only we write these tables
}

static const char *text_of(struct arena *arena, const struct postgres_row *row, int column)
{
    if (postgres_is_null(row, column))
        return NULL;
    size_t length;
    const char *text = postgres_text(row, column, &length);
    return length ? arena_copy(arena, text, length) : "";
}

static enum deadline_state state_of(const struct postgres_row *row, int column)
{
    size_t length;
    enum deadline_state state = STATE_OPEN; // the table's CHECK allows no name that we do not know
    deadline_state_parse(postgres_text(row, column, &length), &state);
    return state;
}

static enum rule_kind rule_kind_of(const struct postgres_row *row, int column)
{
    size_t length;
    const char *name = postgres_text(row, column, &length);
    for (int kind = RULE_STATUTORY; kind <= RULE_INFORMATION; kind++)
        if (strcmp(rules_kind_name((enum rule_kind)kind), name) == 0)
            return (enum rule_kind)kind;
    return RULE_OWN;
}

static int submit(struct journal *journal, struct postgres_request *request, struct error *err)
{
    struct postgres *pg = journal_connection(journal);
    return pg ? postgres_submit(pg, request, err) : error_set(err, "journal: not connected");
}

static const struct error *error_of(enum postgres_status status, const struct error *err)
{
    return status == POSTGRES_OK ? NULL : err;
}

// --- what is known of cases ---

struct known_row {
    const char *case_id;
    union {
        struct known_case watched;
        struct known_deadline deadline;
        struct known_fault fault;
        struct known_acknowledgement acknowledged;
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
                    .case_id = text_of(arena, row, 1),
                    .unit = text_of(arena, row, 2),
                    .rule = text_of(arena, row, 3),
                    .from = instant_of(row, 4),
                    .until = instant_of(row, 5)},
        .given_by = text_of(arena, row, 6),
        .reason = text_of(arena, row, 7),
        .look_at = instant_of(row, 8),
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
        .person_id = text_of(&load->arena, row, 0),
        .address_key = text_of(&load->arena, row, 1),
        .refusals = (int)postgres_int8(row, 2),
        .reported = postgres_bool(row, 3),
        .last_reply = text_of(&load->arena, row, 4),
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
    known->case_id = text_of(&load->arena, row, 0);
    switch (statement) {
    case WATCHED:
        known->watched.unit = text_of(&load->arena, row, 1);
        known->watched.caseworker = text_of(&load->arena, row, 2);
        known->watched.wake_at = instant_of(row, 3);
        known->watched.watched = true;
        break;
    case DEADLINES:
        known->deadline = (struct known_deadline){
            .rule = text_of(&load->arena, row, 1),
            .subject = text_of(&load->arena, row, 2),
            .occurrence = (int)postgres_int8(row, 3),
            .id = postgres_int8(row, 4),
            .state = state_of(row, 5),
            .anchor_at = instant_of(row, 6),
            .due_at = instant_of(row, 7),
            .breached_at = instant_of(row, 8),
            .closed_at = instant_of(row, 9),
            .staged_until = instant_of(row, 10),
            .next_stage_at = instant_of(row, 11),
            .valid_from = CIVIL_NONE,
            .attention = postgres_bool(row, 13),
            .code = text_of(&load->arena, row, 14),
            .rule_kind = rule_kind_of(row, 15),
            .sensitive = postgres_bool(row, 16),
        };
        if (postgres_date(row, 12, &known->deadline.valid_from) < 0)
            known->deadline.valid_from = CIVIL_NONE; // differs from every rule's, so the row is written anew
        break;
    case FAULTS:
        known->fault = (struct known_fault){text_of(&load->arena, row, 1), text_of(&load->arena, row, 2),
                                            text_of(&load->arena, row, 3), text_of(&load->arena, row, 4)};
        break;
    default:
        known->acknowledged = (struct known_acknowledgement){
            .deadline_id = postgres_int8(row, 1),
            .acknowledgement = {.id = postgres_int8(row, 2),
                                .until = instant_of(row, 3),
                                .look_at = instant_of(row, 4),
                                .noted = postgres_bool(row, 5),
                                .told = text_of(&load->arena, row, 6)},
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
    }
}

static void on_known_done(struct postgres_request *request, enum postgres_status status,
                          const struct error *err)
{
    struct journal_load *load = request->data;
    if (status == POSTGRES_OK)
        join(load);
    load->on_done(load, error_of(status, err));
}

#define WATCHED_SQL "SELECT case_id, unit, caseworker, wake_at FROM watched_case WHERE "
#define DEADLINES_SQL                                                                                        \
    "SELECT case_id, rule, subject, occurrence, id, state, anchor_at, due_at, breached_at, closed_at, "      \
    "staged_until,"                                                                                          \
    " next_stage_at, valid_from, attention, code, rule_kind, sensitive FROM deadline WHERE "
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

int journal_read_known(struct journal *journal, struct journal_load *load, struct error *err)
{
    static const char *const of_cases[KNOWN_LISTS] = {
        WATCHED_SQL OF_CASES, DEADLINES_SQL OF_CASES DEADLINES_ORDER, FAULTS_SQL OF_CASES,
        ACKNOWLEDGED_SQL ACKNOWLEDGED_OF_CASES};
    static const char *const of_range[KNOWN_LISTS] = {
        WATCHED_SQL OF_RANGE, DEADLINES_SQL OF_RANGE DEADLINES_ORDER, FAULTS_SQL OF_RANGE,
        ACKNOWLEDGED_SQL ACKNOWLEDGED_OF_RANGE};
    journal_load_clear(load);
    if (load->rows == NULL)
        load->rows = memory_alloc(sizeof *load->rows);
    postgres_params_clear(&load->params);
    if (load->case_ids) {
        postgres_array_begin(&load->params, POSTGRES_TEXTS, (int)load->case_id_count);
        for (size_t i = 0; i < load->case_id_count; i++)
            postgres_array_text(&load->params, load->case_ids[i]);
    } else {
        postgres_param_text(&load->params, load->after);
        postgres_param_text(&load->params, load->until);
    }
    for (int i = 0; i < KNOWN_LISTS; i++)
        load->statements[i] =
            (struct postgres_statement){load->case_ids ? of_cases[i] : of_range[i], &load->params};
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
    return submit(journal, &load->request, err);
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
    due->ids[due->count++] = text_of(&due->arena, row, 0);
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
    due->on_done(due, ids, due->count, error_of(status, err));
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
        " UNION (SELECT n.case_id FROM notice m JOIN notice n ON n.carried_by = m.id"
        " WHERE m.next_attempt_at <= $1 AND m.carried_by IS NOT NULL AND (m.attempts > 0 OR $3)"
        " AND n.finished_at IS NULL AND n.case_id <> '' ORDER BY m.next_attempt_at LIMIT $2) UNION (SELECT "
        "case_id FROM acknowledged_deadline"
        " WHERE look_at <= $1 ORDER BY look_at LIMIT $2) UNION (SELECT case_id FROM watched_case WHERE $3 "
        "LIMIT 1)",
        &due->params};
    due->request = (struct postgres_request){.data = due,
                                             .statements = &due->statement,
                                             .statement_count = 1,
                                             .on_row = on_due_row,
                                             .on_done = on_due_done};
    if (submit(journal, &due->request, err) < 0) {
        postgres_params_done(&due->params);
        return -1;
    }
    return 0;
}

// --- notices to send ---

static struct waiting_notice notice_of(struct arena *arena, const struct postgres_row *row)
{
    struct waiting_notice notice = {
        .id = postgres_int8(row, 0),
        .message_key = text_of(arena, row, 1),
        .purpose = text_of(arena, row, 2),
        .case_id = text_of(arena, row, 3),
        .person_id = text_of(arena, row, 4),
        .role = text_of(arena, row, 5),
        .instead_of = text_of(arena, row, 6),
        .stage_at = instant_of(row, 7),
        .facts = text_of(arena, row, 8),
        .attempts = (int)postgres_int8(row, 9),
        .decided_at = instant_of(row, 10),
        .deadline_id = postgres_is_null(row, 11) ? 0 : postgres_int8(row, 11),
        .transition_number = postgres_is_null(row, 12) ? 0 : postgres_int8(row, 12),
        .still_there = !postgres_is_null(row, 21),
        .stage = postgres_is_null(row, 26) ? -1 : (int)postgres_int8(row, 26),
        .case_unit = postgres_is_null(row, 27) ? "" : text_of(arena, row, 27),
        .caseworker = postgres_is_null(row, 28) ? "" : text_of(arena, row, 28),
        .out_of_date = postgres_bool(row, 29),
        .carried_by = postgres_int8(row, 31),
        .formed_at = instant_of(row, 32),
        .held_by = text_of(arena, row, 33),
        .carries_others = postgres_bool(row, 34),
        .has_entry = postgres_bool(row, 35),
    };
    if (notice.transition_number > 0) {
        transition_parse(text_of(arena, row, 13), &notice.transition);
        notice.rule = text_of(arena, row, 14);
        notice.subject = text_of(arena, row, 15);
        notice.occurrence = (int)postgres_int8(row, 16);
        notice.code = text_of(arena, row, 17);
        notice.unit = text_of(arena, row, 18);
        notice.sensitive = postgres_bool(row, 19);
        notice.late = postgres_bool(row, 20);
        notice.state = state_of(row, 21);
        notice.anchor_at = instant_of(row, 22);
        notice.due_at = instant_of(row, 23);
        notice.derivation = text_of(arena, row, 24);
        notice.history = text_of(arena, row, 25);
        notice.missed_in_a_row = (int)postgres_int8(row, 30);
    }
    return notice;
}

static void on_notice_row(struct postgres_request *request, int statement, const struct postgres_row *row)
{
    (void)statement;
    struct journal_notices *notices = request->data;
    arena_reset(&notices->arena);
    struct waiting_notice notice = notice_of(&notices->arena, row);
    notices->on_notice(notices, &notice);
}

static void on_notices_done(struct postgres_request *request, enum postgres_status status,
                            const struct error *err)
{
    struct journal_notices *notices = request->data;
    arena_done(&notices->arena);
    postgres_params_done(&notices->params);
    notices->on_done(notices, error_of(status, err));
}

// A notice in full: itself, the transition it came with, its deadline as it stands, what has happened until
// then.
#define NOTICE_COLUMNS                                                                                       \
    "SELECT n.id, n.message_key, n.purpose, n.case_id, n.person_id, n.role, n.instead_of, n.stage_at,"       \
    " n.facts, n.attempts, n.decided_at, n.deadline_id, n.transition_number, t.kind, t.rule, t.subject,"     \
    " t.occurrence, t.code, t.unit, t.sensitive, t.late, d.state, t.anchor_at, t.due_at, t.derivation,"      \
    " array_to_string(ARRAY(SELECT line FROM (SELECT at, line FROM ("                                        \
    "  SELECT date_part('epoch', h.at)::bigint AS at, date_part('epoch', h.at)::bigint || ' ' || h.kind "    \
    "|| CASE WHEN h.kind = 'acknowledged' THEN coalesce((SELECT"                                             \
    "   ' ' || date_part('epoch', a.until_at)::bigint || ' ' || a.reason || ' ' || a.given_by"               \
    "   FROM acknowledged_deadline x JOIN acknowledgement a ON a.id = x.acknowledgement_id"                  \
    "   WHERE x.deadline_id = h.deadline_id AND x.noted_at = h.recorded_at"                                  \
    "   ORDER BY a.id DESC LIMIT 1), '') ELSE '' END AS line FROM transition h"                              \
    "  WHERE h.deadline_id = n.deadline_id AND h.number <= n.transition_number"                              \
    "  UNION ALL"                                                                                            \
    "  SELECT date_part('epoch', q.from_at)::bigint, date_part('epoch', q.from_at)::bigint || ' silenced ' " \
    "|| date_part('epoch', least(q.until_at, q.ended_at))::bigint || ' ' || q.reason || ' ' || q.given_by"   \
    "  FROM silence q WHERE q.id IN (SELECT silence_id FROM silenced_step x"                                 \
    "   WHERE x.deadline_id = n.deadline_id)"                                                                \
    "  UNION ALL"                                                                                            \
    "  SELECT date_part('epoch', s.finished_at)::bigint, date_part('epoch', s.finished_at)::bigint || ' "    \
    "told ' || s.role"                                                                                       \
    "  FROM notice s WHERE s.deadline_id = n.deadline_id AND s.state = 'sent' AND s.purpose = 'stage'"       \
    "   AND s.transition_number < n.transition_number"                                                       \
    " ) AS lines ORDER BY at DESC, line DESC LIMIT 60) AS latest ORDER BY at, line), E'\\n'),"               \
    " n.stage, w.unit, w.caseworker, " JOURNAL_IS_OUT_OF_DATE                                                \
    ", t.missed_in_a_row, n.carried_by, n.formed_at, n.held_by,"                                             \
    " coalesce((SELECT true FROM notice p WHERE p.carried_by = n.id AND p.id <> p.carried_by AND "           \
    "p.finished_at IS "                                                                                      \
    "NULL LIMIT 1), false),"                                                                                 \
    " n.purpose = 'follow_up' AND coalesce((SELECT true FROM notice s JOIN transition a ON a.number ="       \
    "  s.transition_number WHERE s.deadline_id = n.deadline_id AND s.person_id = n.person_id"                \
    "  AND s.state = 'sent' AND a.kind = 'approaching' LIMIT 1), false)"
#define NOTICE_JOINS JOURNAL_NOTICE_JOINS " LEFT JOIN watched_case w ON w.case_id = n.case_id"

static int ask_notices(struct journal *journal, struct journal_notices *notices, const char *sql,
                       struct error *err)
{
    notices->arena = (struct arena){0};
    notices->statement = (struct postgres_statement){sql, &notices->params};
    notices->request = (struct postgres_request){.data = notices,
                                                 .statements = &notices->statement,
                                                 .statement_count = 1,
                                                 .on_row = on_notice_row,
                                                 .on_done = on_notices_done};
    if (submit(journal, &notices->request, err) < 0) {
        postgres_params_done(&notices->params);
        return -1;
    }
    return 0;
}

int journal_read_notices(struct journal *journal, struct journal_notices *notices, struct error *err)
{
    notices->params = (struct postgres_params){0};
    postgres_param_instant(&notices->params, notices->now);
    postgres_param_int8(&notices->params, notices->limit);
    postgres_array_begin(&notices->params, POSTGRES_INT8S, (int)notices->except_count);
    for (size_t i = 0; i < notices->except_count; i++)
        postgres_array_int8(&notices->params, notices->except[i]);
    return ask_notices(journal, notices,
                       NOTICE_COLUMNS " FROM (SELECT * FROM notice WHERE next_attempt_at <= $1 AND carried_by"
                                      " IS NOT NULL AND id <> ALL($3::bigint[])"
                                      " ORDER BY next_attempt_at, id LIMIT $2) n" NOTICE_JOINS
                                      " ORDER BY n.next_attempt_at, n.id",
                       err);
}

int journal_read_carried(struct journal *journal, struct journal_notices *notices, int64_t carrier,
                         int64_t after, struct error *err)
{
    notices->params = (struct postgres_params){0};
    postgres_param_int8(&notices->params, carrier);
    postgres_param_int8(&notices->params, after);
    postgres_param_int8(&notices->params, notices->limit);
    return ask_notices(journal, notices,
                       NOTICE_COLUMNS " FROM (SELECT * FROM notice WHERE carried_by = $1 AND id <> $1 AND id"
                                      " > $2 AND finished_at IS NULL ORDER BY id LIMIT $3) n" NOTICE_JOINS
                                      " ORDER BY n.id",
                       err);
}

// --- what mails carry ---

#define IS_BROKEN "coalesce(d.state, t.state) IN ('breached', 'missed', 'lapsed', 'passed')"

// What the law does not forgive comes first; of one sort the one that was due first.
#define WORST_FIRST                                                                                          \
    "CASE WHEN n.purpose = 'follow_up' THEN 99 ELSE array_position(ARRAY['statutory', 'precondition', "      \
    "'expiry', 'own', 'target', 'information'], t.rule_kind)"                                                \
    " + CASE WHEN " IS_BROKEN " THEN 0 WHEN t.rule_kind IN ('own', 'target', 'information') THEN 20 ELSE 2 " \
    "END END, t.due_at, n.id"

static void on_parts_row(struct postgres_request *request, int statement, const struct postgres_row *row)
{
    struct journal_parts *parts = request->data;
    arena_reset(&parts->arena);
    if (statement == 0) {
        struct waiting_notice notice = notice_of(&parts->arena, row);
        parts->on_part(parts, &notice);
        return;
    }
    struct mail_sum sum = {
        .carried_by = postgres_int8(row, 0),
        .rule = text_of(&parts->arena, row, 1),
        .code = text_of(&parts->arena, row, 2),
        .rule_kind = rule_kind_of(row, 3),
        .sensitive = postgres_bool(row, 4),
        .ahead = (int)postgres_int8(row, 5),
        .broken = (int)postgres_int8(row, 6),
        .resolved = (int)postgres_int8(row, 7),
        .held_since = instant_of(row, 8),
    };
    parts->on_sum(parts, &sum);
}

static void on_parts_done(struct postgres_request *request, enum postgres_status status,
                          const struct error *err)
{
    struct journal_parts *parts = request->data;
    arena_done(&parts->arena);
    postgres_params_done(&parts->of_parts);
    postgres_params_done(&parts->of_sums);
    parts->on_done(parts, error_of(status, err));
}

static void add_carriers(const struct journal_parts *parts, struct postgres_params *params)
{
    *params = (struct postgres_params){0};
    postgres_array_begin(params, POSTGRES_INT8S, (int)parts->carrier_count);
    for (size_t i = 0; i < parts->carrier_count; i++)
        postgres_array_int8(params, parts->carriers[i]);
}

int journal_read_parts(struct journal *journal, struct journal_parts *parts, struct error *err)
{
    parts->arena = (struct arena){0};
    add_carriers(parts, &parts->of_parts);
    postgres_param_int8(&parts->of_parts, parts->limit);
    add_carriers(parts, &parts->of_sums);
    parts->statements[0] = (struct postgres_statement){
        NOTICE_COLUMNS " FROM unnest($1::bigint[]) AS c (id) CROSS JOIN LATERAL (SELECT n.* FROM notice "
                       "n" JOURNAL_NOTICE_JOINS
                       " WHERE n.carried_by = c.id AND n.finished_at IS NULL ORDER BY " WORST_FIRST
                       " LIMIT $2) n" NOTICE_JOINS " ORDER BY n.carried_by, " WORST_FIRST,
        &parts->of_parts};
    parts->statements[1] = (struct postgres_statement){
        "SELECT n.carried_by, t.rule, t.code, t.rule_kind, bool_or(t.sensitive),"
        " count(*) FILTER (WHERE n.purpose = 'stage' AND NOT " IS_BROKEN "),"
        " count(*) FILTER (WHERE n.purpose = 'stage' AND " IS_BROKEN "),"
        " count(*) FILTER (WHERE n.purpose = 'follow_up'),"
        " min(n.decided_at) FILTER (WHERE n.held_by IS NOT NULL)"
        " FROM notice n" JOURNAL_NOTICE_JOINS
        " WHERE n.carried_by = ANY($1::bigint[]) AND n.finished_at IS NULL AND t.number IS NOT NULL"
        " GROUP BY 1, 2, 3, 4 ORDER BY 1, 7 DESC, 6 DESC, 2",
        &parts->of_sums};
    parts->request = (struct postgres_request){.data = parts,
                                               .statements = parts->statements,
                                               .statement_count = 2,
                                               .on_row = on_parts_row,
                                               .on_done = on_parts_done};
    if (submit(journal, &parts->request, err) < 0) {
        postgres_params_done(&parts->of_parts);
        postgres_params_done(&parts->of_sums);
        return -1;
    }
    return 0;
}

// --- who has had enough ---

static void on_busy_row(struct postgres_request *request, int statement, const struct postgres_row *row)
{
    (void)statement;
    struct journal_busy *busy = request->data;
    MEMORY_GROW(busy->ids, busy->count, busy->capacity);
    busy->ids[busy->count++] = text_of(&busy->arena, row, 0);
}

static void on_busy_done(struct postgres_request *request, enum postgres_status status,
                         const struct error *err)
{
    struct journal_busy *busy = request->data;
    const char **ids = busy->ids;
    struct arena arena = busy->arena;
    postgres_params_done(&busy->params);
    busy->on_done(busy, ids, busy->count, error_of(status, err));
    free(ids);
    arena_done(&arena);
}

int journal_read_busy(struct journal *journal, struct journal_busy *busy, struct error *err)
{
    busy->arena = (struct arena){0};
    busy->ids = NULL;
    busy->count = busy->capacity = 0;
    busy->params = (struct postgres_params){0};
    postgres_param_instant(&busy->params, busy->now);
    postgres_param_instant(&busy->params, busy->since);
    postgres_param_int8(&busy->params, busy->bound);
    busy->statement = (struct postgres_statement){
        "SELECT person_id FROM (SELECT DISTINCT person_id FROM notice WHERE carried_by IS NULL"
        "  AND next_attempt_at <= $1 AND NOT urgent AND purpose IN " JOURNAL_FOLDABLE ") AS asked"
        " WHERE (SELECT count(*) FROM (SELECT FROM notice m WHERE m.person_id = asked.person_id"
        "  AND m.carried_by = m.id AND m.formed_at >= $2 LIMIT $3) AS mails) >= $3",
        &busy->params};
    busy->request = (struct postgres_request){.data = busy,
                                              .statements = &busy->statement,
                                              .statement_count = 1,
                                              .on_row = on_busy_row,
                                              .on_done = on_busy_done};
    if (submit(journal, &busy->request, err) < 0) {
        postgres_params_done(&busy->params);
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
    confirmation->on_done(confirmation, confirmation->by, error_of(status, err));
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
    if (submit(journal, &confirmation->request, err) < 0) {
        postgres_params_done(&confirmation->params);
        return -1;
    }
    return 0;
}
