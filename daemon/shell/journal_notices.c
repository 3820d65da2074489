// SPDX-License-Identifier: MPL-2.0
#include "shell/journal_notices.h"

#include "shell/journal_mails.h"
#include "shell/journal_rows.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

// --- notices to send ---

static struct waiting_notice notice_of(struct arena *arena, const struct postgres_row *row)
{
    struct waiting_notice notice = {
        .id = postgres_int8(row, 0),
        .message_key = row_text(arena, row, 1),
        .purpose = row_text(arena, row, 2),
        .case_id = row_text(arena, row, 3),
        .person_id = row_text(arena, row, 4),
        .role = row_text(arena, row, 5),
        .instead_of = row_text(arena, row, 6),
        .stage_at = row_instant(row, 7),
        .facts = row_text(arena, row, 8),
        .attempts = (int)postgres_int8(row, 9),
        .decided_at = row_instant(row, 10),
        .deadline_id = postgres_is_null(row, 11) ? 0 : postgres_int8(row, 11),
        .transition_number = postgres_is_null(row, 12) ? 0 : postgres_int8(row, 12),
        .still_there = !postgres_is_null(row, 21),
        .stage = postgres_is_null(row, 26) ? -1 : (int)postgres_int8(row, 26),
        .case_unit = postgres_is_null(row, 27) ? "" : row_text(arena, row, 27),
        .caseworker = postgres_is_null(row, 28) ? "" : row_text(arena, row, 28),
        .out_of_date = postgres_bool(row, 29),
        .carried_by = postgres_int8(row, 31),
        .formed_at = row_instant(row, 32),
        .held_by = row_text(arena, row, 33),
        .carries_others = postgres_bool(row, 34),
        .has_entry = postgres_bool(row, 35),
        .muted = row_text(arena, row, 36),
    };
    if (notice.transition_number > 0) {
        transition_parse(row_text(arena, row, 13), &notice.transition);
        notice.rule = row_text(arena, row, 14);
        notice.subject = row_text(arena, row, 15);
        notice.occurrence = (int)postgres_int8(row, 16);
        notice.code = row_text(arena, row, 17);
        notice.unit = row_text(arena, row, 18);
        notice.sensitive = postgres_bool(row, 19);
        notice.late = postgres_bool(row, 20);
        notice.state = row_state(row, 21);
        notice.anchor_at = row_instant(row, 22);
        notice.due_at = row_instant(row, 23);
        notice.derivation = row_text(arena, row, 24);
        notice.history = row_text(arena, row, 25);
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
    notices->on_done(notices, journal_error(status, err));
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
    "  SELECT date_part('epoch', min(m.muted_at))::bigint, date_part('epoch', min(m.muted_at))::bigint"      \
    "   || ' muted ' || m.by_code FROM muted_step m WHERE m.deadline_id = n.deadline_id GROUP BY m.by_code"  \
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
    "  AND s.state = 'sent' AND a.kind = 'approaching' LIMIT 1), false),"                                    \
    " CASE WHEN n.purpose = 'stage' THEN array_to_string(ARRAY(SELECT date_part('epoch', o.due_at)::bigint"  \
    "  || ' ' || o.code FROM deadline o WHERE o.closed_at IS NULL AND o.id IN (SELECT m.deadline_id"         \
    "   FROM muted_step m WHERE m.over_at IS NULL AND m.case_id = n.case_id AND m.by_rule = t.rule"          \
    "   AND m.by_subject = t.subject AND m.by_occurrence = t.occurrence)"                                    \
    "  ORDER BY o.due_at, o.code), E'\\n') END"
#define NOTICE_JOINS JOURNAL_NOTICE_JOINS JOURNAL_ROW_OF("watched_case", "case_id", "n.case_id", "w")

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
    if (journal_submit(journal, &notices->request, err) < 0) {
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
                       NOTICE_COLUMNS
                       " FROM (SELECT id, next_attempt_at FROM outbox WHERE next_attempt_at <= $1"
                       " AND id <> ALL($3::bigint[]) ORDER BY next_attempt_at, id LIMIT $2) b" JOURNAL_ROW_OF(
                           "notice", "id", "b.id", "n") NOTICE_JOINS " ORDER BY b.next_attempt_at, b.id",
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
        .rule = row_text(&parts->arena, row, 1),
        .code = row_text(&parts->arena, row, 2),
        .rule_kind = row_rule_kind(row, 3),
        .sensitive = postgres_bool(row, 4),
        .ahead = (int)postgres_int8(row, 5),
        .broken = (int)postgres_int8(row, 6),
        .resolved = (int)postgres_int8(row, 7),
        .held_since = row_instant(row, 8),
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
    parts->on_done(parts, journal_error(status, err));
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
    if (journal_submit(journal, &parts->request, err) < 0) {
        postgres_params_done(&parts->of_parts);
        postgres_params_done(&parts->of_sums);
        return -1;
    }
    return 0;
}

// --- for whom something is loose ---

static void on_loose_row(struct postgres_request *request, int statement, const struct postgres_row *row)
{
    (void)statement;
    struct journal_loose *loose = request->data;
    MEMORY_GROW(loose->persons, loose->count, loose->capacity);
    loose->persons[loose->count++] =
        (struct loose_person){row_text(&loose->arena, row, 0), postgres_bool(row, 1)};
}

static void on_loose_done(struct postgres_request *request, enum postgres_status status,
                          const struct error *err)
{
    struct journal_loose *loose = request->data;
    struct loose_person *persons = loose->persons;
    struct arena arena = loose->arena;
    postgres_params_done(&loose->params);
    loose->on_done(loose, persons, loose->count, journal_error(status, err));
    free(persons);
    arena_done(&arena);
}

int journal_read_loose(struct journal *journal, struct journal_loose *loose, struct error *err)
{
    loose->arena = (struct arena){0};
    loose->persons = NULL;
    loose->count = loose->capacity = 0;
    loose->params = (struct postgres_params){0};
    postgres_param_instant(&loose->params, loose->now);
    postgres_param_instant(&loose->params, loose->since);
    postgres_param_int8(&loose->params, loose->bound);
    loose->statement = (struct postgres_statement){
        // A mail of which nothing was left when its turn came was none.
        "SELECT person_id, $3 > 0 AND (SELECT count(*) FROM (SELECT FROM notice m"
        "  WHERE m.person_id = asked.person_id AND m.carried_by = m.id AND m.formed_at >= $2"
        "  AND (m.state <> 'abandoned' OR EXISTS (SELECT FROM notice p WHERE p.carried_by = m.id"
        "   AND p.state <> 'abandoned')) LIMIT $3) AS mails) >= $3 FROM (SELECT DISTINCT person_id FROM "
        "notice WHERE carried_by IS NULL"
        "  AND may_go_at <= $1 AND NOT urgent AND purpose IN " JOURNAL_FOLDABLE ") AS asked",
        &loose->params};
    loose->request = (struct postgres_request){.data = loose,
                                               .statements = &loose->statement,
                                               .statement_count = 1,
                                               .on_row = on_loose_row,
                                               .on_done = on_loose_done};
    if (journal_submit(journal, &loose->request, err) < 0) {
        postgres_params_done(&loose->params);
        return -1;
    }
    return 0;
}
