// SPDX-License-Identifier: MPL-2.0
#include "command/case_record.h"

#include "command/journal_ask.h"

#include <stdlib.h>
#include <string.h>

bool deadline_key_is(const struct deadline_key *a, const struct deadline_key *b)
{
    return a->occurrence == b->occurrence && strcmp(a->rule, b->rule) == 0 &&
           strcmp(a->subject, b->subject) == 0;
}

// --- fields; only the daemon writes these tables ---

static const char *text_of(struct arena *arena, const struct postgres_row *row, int column)
{
    size_t length;
    const char *text = postgres_text(row, column, &length);
    return postgres_is_null(row, column) ? NULL : length > 0 ? arena_copy(arena, text, length) : "";
}

static instant instant_of(const struct postgres_row *row, int column)
{
    instant at;
    return postgres_instant(row, column, &at) == 0 ? at : INSTANT_NONE;
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

static struct deadline_key key_of(struct arena *arena, const struct postgres_row *row)
{
    return (struct deadline_key){text_of(arena, row, 0), text_of(arena, row, 1), (int)postgres_int8(row, 2)};
}

// --- rows ---

#define WHERE " WHERE case_id = $1 AND ($2::text IS NULL OR subject = $2) AND ($3::text IS NULL OR rule = $3)"
#define ORDER " ORDER BY rule, subject, occurrence"

static const char *const questions[] = {
    "SELECT rule, subject, occurrence, state, due_at, staged_until FROM deadline" WHERE ORDER,
    "SELECT rule, subject, occurrence, number, kind, at, recorded_at, code, rule_kind, sensitive, unit, "
    "state,"
    " anchor_at, due_at, breached_at, closed_at, late, superseded, derivation FROM transition" WHERE
    " AND ($4::timestamptz IS NULL OR recorded_at <= $4)" ORDER ", number",
    "SELECT rule, subject, occurrence, transition_number, person_id, role, instead_of, stage, stage_at,"
    " notice.state, attempts, decided_at, coalesce(may_go_at, (SELECT next_attempt_at FROM outbox b"
    " WHERE b.id = notice.carried_by AND notice.finished_at IS NULL)), finished_at, last_reply, held_by,"
    " carried_by IS NOT NULL, (SELECT count(*) - 1 FROM notice c WHERE c.carried_by = notice.carried_by)"
    " FROM notice JOIN (SELECT number AS transition_number, rule, subject, occurrence, case_id FROM "
    "transition) t"
    " USING (transition_number, case_id)" WHERE " AND ($4::timestamptz IS NULL OR decided_at <= $4)" ORDER
    ", decided_at, id",
    "SELECT rule, subject, occurrence, what, from_at, until_at, given_by, reason FROM deadline d JOIN ("
    " SELECT x.deadline_id AS id, 0::bigint AS what, x.noted_at AS from_at,"
    "  coalesce(x.over_at, least(a.until_at, a.ended_at)) AS until_at, a.given_by, a.reason"
    "  FROM acknowledged_deadline x JOIN acknowledgement a ON a.id = x.acknowledgement_id"
    "  WHERE x.noted_at IS NOT NULL"
    " UNION ALL SELECT DISTINCT x.deadline_id, 1, s.from_at, least(s.until_at, s.ended_at), s.given_by, "
    "s.reason"
    "  FROM silenced_step x JOIN silence s ON s.id = x.silence_id"
    " UNION ALL SELECT m.deadline_id, 2, m.step_at, m.over_at, m.by_code,"
    "  concat_ws(' ', m.by_rule, nullif(m.by_subject, '')) FROM muted_step m) h USING (id)" WHERE
    " AND ($4::timestamptz IS NULL OR from_at <= $4)" ORDER ", from_at",
};

static void add_deadline(struct case_record *record, const struct postgres_row *row)
{
    MEMORY_GROW(record->deadlines, record->deadline_count, record->deadline_capacity);
    record->deadlines[record->deadline_count++] = (struct recorded_deadline){
        .key = key_of(&record->arena, row),
        .state = state_of(row, 3),
        .due_at = instant_of(row, 4),
        .staged_until = instant_of(row, 5),
    };
}

static void add_transition(struct case_record *record, const struct postgres_row *row)
{
    struct arena *arena = &record->arena;
    struct recorded_transition added = {
        .key = key_of(arena, row),
        .transition = {.number = postgres_int8(row, 3),
                       .at = instant_of(row, 5),
                       .recorded_at = instant_of(row, 6),
                       .code = text_of(arena, row, 7),
                       .rule_kind = rule_kind_of(row, 8),
                       .sensitive = postgres_bool(row, 9),
                       .unit = text_of(arena, row, 10),
                       .state = state_of(row, 11),
                       .anchor_at = instant_of(row, 12),
                       .due_at = instant_of(row, 13),
                       .breached_at = instant_of(row, 14),
                       .closed_at = instant_of(row, 15),
                       .late = postgres_bool(row, 16)},
        .superseded = (int)postgres_int8(row, 17),
        .derivation = text_of(arena, row, 18),
    };
    size_t length;
    transition_parse(postgres_text(row, 4, &length), &added.transition.kind);
    MEMORY_GROW(record->transitions, record->transition_count, record->transition_capacity);
    record->transitions[record->transition_count++] = added;
}

static void add_notice(struct case_record *record, const struct postgres_row *row)
{
    struct arena *arena = &record->arena;
    MEMORY_GROW(record->notices, record->notice_count, record->notice_capacity);
    record->notices[record->notice_count++] = (struct recorded_notice){
        .key = key_of(arena, row),
        .transition_number = postgres_int8(row, 3),
        .person_id = text_of(arena, row, 4),
        .role = text_of(arena, row, 5),
        .instead_of = text_of(arena, row, 6),
        .stage = postgres_is_null(row, 7) ? -1 : (int)postgres_int8(row, 7),
        .stage_at = instant_of(row, 8),
        .state = text_of(arena, row, 9),
        .attempts = (int)postgres_int8(row, 10),
        .decided_at = instant_of(row, 11),
        .next_attempt_at = instant_of(row, 12),
        .finished_at = instant_of(row, 13),
        .last_reply = text_of(arena, row, 14),
        .held_by = text_of(arena, row, 15),
        .formed = postgres_bool(row, 16),
        .with = (int)postgres_int8(row, 17),
    };
}

static void add_hold(struct case_record *record, const struct postgres_row *row)
{
    struct arena *arena = &record->arena;
    MEMORY_GROW(record->holds, record->hold_count, record->hold_capacity);
    record->holds[record->hold_count++] = (struct recorded_hold){
        .key = key_of(arena, row),
        .kind = (enum hold_kind)postgres_int8(row, 3),
        .from = instant_of(row, 4),
        .until = instant_of(row, 5),
        .by = text_of(arena, row, 6),
        .reason = text_of(arena, row, 7),
    };
}

static void on_answer(void *data, int statement, const struct postgres_row *row)
{
    static void (*const add[])(struct case_record * record, const struct postgres_row *row) = {
        add_deadline, add_transition, add_notice, add_hold};
    add[statement](data, row);
}

// A notice as it stood at a moment. How often it had been tried by then is not kept.
static void take_back(struct recorded_notice *notice, instant until)
{
    if (notice->finished_at != INSTANT_NONE && notice->finished_at <= until)
        return;
    notice->state = "pending";
    notice->attempts = 0;
    notice->next_attempt_at = notice->finished_at = INSTANT_NONE;
    notice->last_reply = "";
    notice->formed = true; // how far it was by then is not kept
    notice->with = 0;
}

int case_record_read(const struct postgres_options *journal, const struct case_question *question,
                     struct case_record *ret_record, struct error *err)
{
    struct postgres_params params[2] = {0}; // without and with the moment
    struct case_record record = {0};
    for (int i = 0; i < 2; i++) {
        postgres_param_text(&params[i], question->case_id);
        postgres_param_text(&params[i], question->subject);
        postgres_param_text(&params[i], question->rule);
    }
    postgres_param_instant(&params[1], question->until);
    struct postgres_statement statements[] = {{questions[0], &params[0]},
                                              {questions[1], &params[1]},
                                              {questions[2], &params[1]},
                                              {questions[3], &params[1]}};
    int result = journal_ask(journal, statements, 4, on_answer, &record, err);
    postgres_params_done(&params[0]);
    postgres_params_done(&params[1]);
    if (result < 0) {
        case_record_done(&record);
        return -1;
    }
    for (size_t i = 0; question->until != INSTANT_NONE && i < record.notice_count; i++)
        take_back(&record.notices[i], question->until);
    *ret_record = record;
    return 0;
}

void case_record_done(struct case_record *record)
{
    free(record->deadlines);
    free(record->transitions);
    free(record->notices);
    free(record->holds);
    arena_done(&record->arena);
    *record = (struct case_record){0};
}
