// SPDX-License-Identifier: MPL-2.0
#include "shell/journal_write.h"

#include <assert.h>

#define FLOOD_WAIT_S 300 // urgent notices beyond the bound to one person share a mail this often

static const char *const progress_names[PROGRESS_COUNT] = {
    [PROGRESS_CURSOR] = "cursor",
    [PROGRESS_RULES] = "rules",
    [PROGRESS_RECONCILED_ON] = "reconciled_on",
    [PROGRESS_PUBLISHED] = "published",
    [PROGRESS_FAULTS_ON] = "faults_on",
    [PROGRESS_REACH] = "reach",
    [PROGRESS_RULES_REFUSED] = "rules_refused",
    [PROGRESS_UNITS] = "units",
    [PROGRESS_REQUESTS] = "requests",
};

const char *progress_name(enum progress which)
{
    return progress_names[which];
}

void journal_transaction_begin(struct journal_transaction *transaction, struct journal_numbers numbers)
{
    transaction->numbers = numbers;
    transaction->count = 0;
}

void journal_transaction_done(struct journal_transaction *transaction)
{
    for (int i = 0; i < JOURNAL_STATEMENTS; i++)
        postgres_params_done(&transaction->params[i]);
}

struct postgres_params *journal_transaction_add(struct journal_transaction *transaction, const char *sql)
{
    assert(transaction->count < JOURNAL_STATEMENTS);
    int i = transaction->count++;
    postgres_params_clear(&transaction->params[i]);
    transaction->statements[i] = (struct postgres_statement){sql, &transaction->params[i]};
    return &transaction->params[i];
}

static void write_deadlines(struct journal_transaction *transaction, struct journal_batch *batch)
{
    struct journal_deadline *rows = batch->deadlines;
    size_t count = batch->deadline_count;
    if (count == 0)
        return;
    for (size_t i = 0; i < count; i++)
        if (rows[i].id == 0)
            rows[i].id = ++transaction->numbers.deadline;
    struct postgres_params *params = journal_transaction_add(
        transaction,
        "INSERT INTO deadline (id, case_id, rule, subject, occurrence, valid_from, code, rule_kind, "
        "sensitive, from_birth, state, anchor_at,"
        " due_at, breached_at, closed_at, staged_until, next_stage_at, attention, computation, changed_at)"
        " SELECT *, $20::timestamptz FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], "
        "$5::bigint[], $6::date[],"
        " $7::text[], $8::text[], $9::boolean[], $10::boolean[], $11::text[], $12::timestamptz[], "
        "$13::timestamptz[], $14::timestamptz[],"
        " $15::timestamptz[], $16::timestamptz[], $17::timestamptz[], $18::boolean[], $19::text[])"
        " ON CONFLICT (id) DO UPDATE SET valid_from = excluded.valid_from, code = excluded.code, "
        "rule_kind = excluded.rule_kind,"
        " sensitive = excluded.sensitive, from_birth = excluded.from_birth, state = excluded.state, "
        "anchor_at = excluded.anchor_at, "
        "due_at = excluded.due_at,"
        " breached_at = excluded.breached_at, closed_at = excluded.closed_at, staged_until = "
        "excluded.staged_until,"
        " next_stage_at = excluded.next_stage_at, attention = excluded.attention, "
        "computation = excluded.computation, changed_at = excluded.changed_at");
    INT8S(row->id);
    TEXTS(row->case_id);
    TEXTS(row->rule->id);
    TEXTS(row->subject);
    INT8S(row->occurrence);
    DATES(row->rule->from);
    TEXTS(row->rule->code);
    TEXTS(rules_kind_name(row->rule->kind));
    BOOLS(row->rule->sensitive);
    BOOLS(row->rule->from_birth);
    TEXTS(deadline_state_name(row->state));
    INSTANTS(row->anchor_at);
    INSTANTS(row->due_at);
    INSTANTS(row->breached_at);
    INSTANTS(row->closed_at);
    INSTANTS(row->staged_until);
    INSTANTS(row->next_stage_at);
    BOOLS(row->attention);
    TEXTS(row->computation);
    postgres_param_instant(params, batch->now);
}

// A statement about these ids, its $1. NULL: there are none.
static struct postgres_params *add_of_ids(struct journal_transaction *transaction, const int64_t *rows,
                                          size_t count, const char *sql)
{
    if (count == 0)
        return NULL;
    struct postgres_params *params = journal_transaction_add(transaction, sql);
    INT8S(*row);
    return params;
}

// What was told of them before anybody knew better stands; what is told again does not say it.
static void write_births(struct journal_transaction *transaction, struct journal_batch *batch)
{
    add_of_ids(
        transaction, batch->births, batch->birth_count,
        "UPDATE transition SET at = CASE WHEN at = anchor_at THEN recorded_at ELSE at END,"
        " anchor_at = NULL, derivation = '' WHERE deadline_id = ANY($1::bigint[]) AND anchor_at IS NOT NULL");
}

static void write_withdrawn(struct journal_transaction *transaction, struct journal_batch *batch)
{
    add_of_ids(transaction, batch->withdrawn, batch->withdrawn_count,
               "DELETE FROM deadline WHERE id = ANY($1::bigint[])");
}

static const char *retained_name(enum retained retained)
{
    return retained == RETAINED_SET ? "set" : retained == RETAINED_CLEAR ? "clear" : NULL;
}

static void write_transitions(struct journal_transaction *transaction, struct journal_batch *batch)
{
    struct journal_transition *rows = batch->transitions;
    size_t count = batch->transition_count;
    if (count == 0)
        return;
    for (size_t i = 0; i < count; i++) {
        rows[i].transition.number = ++transaction->numbers.transition;
        if (rows[i].deadline_index >= 0)
            rows[i].deadline_id = batch->deadlines[rows[i].deadline_index].id;
    }
    struct postgres_params *params = journal_transaction_add(
        transaction,
        "INSERT INTO transition (number, deadline_id, kind, at, case_id, rule, subject, occurrence, code,"
        " rule_kind, sensitive, unit, state, anchor_at, due_at, breached_at, closed_at, late, superseded,"
        " missed_in_a_row, retained, derivation, recorded_at)"
        " SELECT *, $23::timestamptz FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::timestamptz[],"
        " $5::text[], $6::text[], $7::text[], $8::bigint[], $9::text[], $10::text[], $11::boolean[],"
        " $12::text[], $13::text[], $14::timestamptz[], $15::timestamptz[], $16::timestamptz[],"
        " $17::timestamptz[], $18::boolean[], $19::bigint[], $20::bigint[], $21::text[], $22::text[])");
    INT8S(row->transition.number);
    INT8S(row->deadline_id);
    TEXTS(transition_name(row->transition.kind));
    INSTANTS(row->transition.at);
    TEXTS(row->transition.case_id);
    TEXTS(row->transition.rule);
    TEXTS(row->transition.subject);
    INT8S(row->transition.occurrence);
    TEXTS(row->transition.code);
    TEXTS(rules_kind_name(row->transition.rule_kind));
    BOOLS(row->transition.sensitive);
    TEXTS(row->transition.unit);
    TEXTS(deadline_state_name(row->transition.state));
    INSTANTS(row->transition.anchor_at);
    INSTANTS(row->transition.due_at);
    INSTANTS(row->transition.breached_at);
    INSTANTS(row->transition.closed_at);
    BOOLS(row->transition.late);
    INT8S(row->superseded);
    INT8S(row->missed_in_a_row);
    TEXTS(retained_name(row->transition.retained));
    TEXTS(row->derivation);
    postgres_param_instant(params, batch->now);
    journal_transaction_add(transaction, "NOTIFY fristd_events"); // for who follows them in the journal
}

static void write_notices(struct journal_transaction *transaction, struct journal_batch *batch)
{
    struct journal_notice *rows = batch->notices;
    size_t count = batch->notice_count;
    if (count == 0)
        return;
    for (size_t i = 0; i < count; i++)
        rows[i].id = ++transaction->numbers.notice;
    // Who gets more urgent ones within an hour than the bound gets them together.
    struct postgres_params *params = journal_transaction_add(
        transaction,
        "WITH n AS (SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::bigint[],"
        " $6::text[], $7::text[], $8::text[], $9::text[], $10::bigint[], $11::timestamptz[], $12::text[],"
        " $13::timestamptz[], $14::text[], $15::boolean[], $16::boolean[]) AS n (id, message_key, purpose,"
        " deadline_id, transition_number, case_id, person_id, role, instead_of, stage, stage_at, facts,"
        " may_go_at, held_by, urgent, alone)),"
        " flooded AS (SELECT person_id FROM (SELECT person_id, count(*) AS more FROM n WHERE alone GROUP BY "
        "1)"
        "  AS asked WHERE $18 > 0 AND more + (SELECT count(*) FROM (SELECT FROM notice o"
        "   WHERE o.person_id = asked.person_id AND o.urgent AND o.decided_at > $17::timestamptz - interval "
        "'1 hour' LIMIT $18 + 1) AS of_late) > $18),"
        " weighed AS (SELECT n.*, alone AND person_id IN (SELECT person_id FROM flooded) AS too_many FROM n),"
        " written AS (INSERT INTO notice (id, message_key, purpose, deadline_id, transition_number, case_id, "
        "person_id,"
        " role, instead_of, stage, stage_at, facts, may_go_at, held_by, urgent, carried_by, formed_at,"
        " state, attempts, decided_at, last_reply)"
        " SELECT id, message_key, purpose, nullif(deadline_id, 0), nullif(transition_number, 0), case_id,"
        " person_id, role, instead_of, nullif(stage, -1), stage_at, facts,"
        " CASE WHEN too_many THEN greatest(may_go_at, $17 + $19 * interval '1 second')"
        "  WHEN NOT alone THEN may_go_at END,"
        " CASE WHEN too_many THEN 'bound' ELSE held_by END, urgent,"
        " CASE WHEN alone AND NOT too_many THEN id END, CASE WHEN alone AND NOT too_many THEN $17 END,"
        " 'pending', 0, $17, '' FROM weighed"
        " ON CONFLICT (message_key) DO NOTHING RETURNING id, carried_by)"
        " INSERT INTO outbox SELECT id, n.may_go_at FROM written JOIN n USING (id) WHERE carried_by = id");
    INT8S(row->id);
    TEXTS(row->message_key);
    TEXTS(row->purpose);
    INT8S(row->transition_index < 0 ? 0 : batch->transitions[row->transition_index].deadline_id);
    INT8S(row->transition_index < 0 ? 0 : batch->transitions[row->transition_index].transition.number);
    TEXTS(row->case_id);
    TEXTS(row->person_id);
    TEXTS(row->role);
    TEXTS(row->instead_of);
    INT8S(row->stage);
    INSTANTS(row->stage_at);
    TEXTS(row->facts);
    INSTANTS(row->may_go_at);
    TEXTS(row->held_by);
    BOOLS(row->urgent);
    BOOLS(row->urgent && !row->with_others);
    postgres_param_instant(params, batch->now);
    postgres_param_int8(params, batch->urgent_per_hour);
    postgres_param_int8(params, FLOOD_WAIT_S);
}

static void write_cases(struct journal_transaction *transaction, struct journal_batch *batch)
{
    if (batch->case_count > 0) {
        struct journal_case *rows = batch->cases;
        size_t count = batch->case_count;
        struct postgres_params *params = journal_transaction_add(
            transaction,
            "INSERT INTO watched_case (case_id, unit, caseworker, wake_at)"
            " SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[])"
            " ON CONFLICT (case_id) DO UPDATE SET unit = excluded.unit, caseworker = excluded.caseworker,"
            " wake_at = excluded.wake_at");
        TEXTS(row->case_id);
        TEXTS(row->unit);
        TEXTS(row->caseworker);
        INSTANTS(row->wake_at);
    }
    if (batch->gone_count > 0) {
        const char **rows = batch->gone;
        size_t count = batch->gone_count;
        struct postgres_params *params =
            journal_transaction_add(transaction, "DELETE FROM watched_case WHERE case_id = ANY($1::text[])");
        TEXTS(*row);
    }
}

static void write_faults(struct journal_transaction *transaction, struct journal_batch *batch)
{
    if (batch->mended_count > 0) {
        struct journal_fault *rows = batch->mended;
        size_t count = batch->mended_count;
        struct postgres_params *params = journal_transaction_add(
            transaction,
            "DELETE FROM data_fault USING unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])"
            " AS gone (case_id, code, rule, subject, event_id)"
            " WHERE (data_fault.case_id, data_fault.code, data_fault.rule, data_fault.subject,"
            " data_fault.event_id) = (gone.case_id, gone.code, gone.rule, gone.subject, gone.event_id)");
        TEXTS(row->case_id);
        TEXTS(row->code);
        TEXTS(row->rule);
        TEXTS(row->subject);
        TEXTS(row->event_id);
    }
    if (batch->fault_count > 0) {
        struct journal_fault *rows = batch->faults;
        size_t count = batch->fault_count;
        struct postgres_params *params = journal_transaction_add(
            transaction,
            "INSERT INTO data_fault (case_id, code, rule, subject, event_id, reason, first_seen_at)"
            " SELECT *, $7::timestamptz FROM unnest($1::text[], $2::text[], $3::text[], $4::text[],"
            " $5::text[], $6::text[]) ON CONFLICT DO NOTHING");
        TEXTS(row->case_id);
        TEXTS(row->code);
        TEXTS(row->rule);
        TEXTS(row->subject);
        TEXTS(row->event_id);
        TEXTS(row->reason);
        postgres_param_instant(params, batch->now);
    }
}

static void write_acknowledged(struct journal_transaction *transaction, struct journal_batch *batch)
{
    struct journal_acknowledged *rows = batch->acknowledged;
    size_t count = batch->acknowledged_count;
    if (count == 0)
        return;
    struct postgres_params *params = journal_transaction_add(
        transaction,
        "UPDATE acknowledged_deadline x SET noted_at = coalesce(x.noted_at, CASE WHEN s.noted THEN "
        "$7::timestamptz END), over_at = CASE WHEN s.is_over THEN $7 END,"
        " look_at = CASE WHEN x.look_at IS DISTINCT FROM s.seen_look_at THEN x.look_at ELSE s.look_at END"
        " FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::timestamptz[], $5::boolean[],"
        " $6::boolean[]) AS s (acknowledgement_id, deadline_id, seen_look_at, look_at, noted, is_over)"
        " WHERE x.acknowledgement_id = s.acknowledgement_id AND x.deadline_id = s.deadline_id"
        " AND x.over_at IS NULL");
    INT8S(row->acknowledgement_id);
    INT8S(row->deadline_id);
    INSTANTS(row->seen_look_at);
    INSTANTS(row->look_at);
    BOOLS(row->noted);
    BOOLS(row->over);
    postgres_param_instant(params, batch->now);
}

// A row that is there already stays as it is: then nothing is written, and the commit costs nothing.
static void write_retained(struct journal_transaction *transaction, struct journal_batch *batch)
{
    if (batch->noted_count > 0) {
        const char **rows = batch->noted;
        size_t count = batch->noted_count;
        struct postgres_params *params = journal_transaction_add(
            transaction, "INSERT INTO retained_topic (topic) SELECT DISTINCT topic FROM"
                         " unnest($1::text[]) AS new (topic) WHERE NOT EXISTS (SELECT 1 FROM"
                         " retained_topic old WHERE old.topic = new.topic)");
        TEXTS(*row);
    }
    if (batch->forgotten_count > 0) {
        const char **rows = batch->forgotten;
        size_t count = batch->forgotten_count;
        struct postgres_params *params =
            journal_transaction_add(transaction, "DELETE FROM retained_topic WHERE topic = ANY($1::text[])");
        TEXTS(*row);
    }
}

static void write_silenced(struct journal_transaction *transaction, struct journal_batch *batch)
{
    struct journal_silenced *rows = batch->silenced;
    size_t count = batch->silenced_count;
    if (count == 0)
        return;
    struct postgres_params *params = journal_transaction_add(
        transaction, "INSERT INTO silenced_step (silence_id, deadline_id, case_id, step_at)"
                     " SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::timestamptz[])"
                     " ON CONFLICT DO NOTHING");
    INT8S(row->silence_id);
    INT8S(batch->deadlines[row->deadline_index].id);
    TEXTS(batch->deadlines[row->deadline_index].case_id);
    INSTANTS(row->step_at);
}

static void write_muted(struct journal_transaction *transaction, struct journal_batch *batch)
{
    struct journal_muted *rows = batch->muted;
    size_t count = batch->muted_count;
    if (count == 0)
        return;
    struct postgres_params *params = journal_transaction_add(
        transaction,
        "INSERT INTO muted_step (deadline_id, case_id, step_at, muted_at, by_rule, by_code, by_subject,"
        " by_occurrence, over_at)"
        " SELECT x.deadline_id, x.case_id, x.step_at, $9, x.by_rule, x.by_code, x.by_subject,"
        " x.by_occurrence, CASE WHEN x.is_over THEN $9::timestamptz END"
        " FROM unnest($1::bigint[], $2::text[], $3::timestamptz[], $4::text[], $5::text[], $6::text[],"
        " $7::bigint[], $8::boolean[])"
        " AS x (deadline_id, case_id, step_at, by_rule, by_code, by_subject, by_occurrence, is_over)"
        " ON CONFLICT (deadline_id, step_at) DO UPDATE SET muted_at = excluded.muted_at,"
        " by_rule = excluded.by_rule, by_code = excluded.by_code, by_subject = excluded.by_subject,"
        " by_occurrence = excluded.by_occurrence, over_at = excluded.over_at");
    INT8S(batch->deadlines[row->deadline_index].id);
    TEXTS(batch->deadlines[row->deadline_index].case_id);
    INSTANTS(row->step_at);
    TEXTS(row->by_rule);
    TEXTS(row->by_code);
    TEXTS(row->by_subject);
    INT8S(row->by_occurrence);
    BOOLS(row->over);
    postgres_param_instant(params, batch->now);
}

static void write_unmuted(struct journal_transaction *transaction, struct journal_batch *batch)
{
    struct postgres_params *params = add_of_ids(
        transaction, batch->unmuted, batch->unmuted_count,
        "UPDATE muted_step SET over_at = $2 WHERE deadline_id = ANY($1::bigint[]) AND over_at IS NULL");
    if (params)
        postgres_param_instant(params, batch->now);
}

// Where a silence of a unit has hidden something its case is looked at: the unit may have come out from under
// it.
static void write_units(struct journal_transaction *transaction, struct journal_batch *batch)
{
    if (batch->units == NULL)
        return;
    const struct org_unit *rows = batch->units->units;
    size_t count = batch->units->unit_count;
    journal_transaction_add(transaction, "DELETE FROM org_unit");
    struct postgres_params *params = journal_transaction_add(
        transaction, "INSERT INTO org_unit (name, parent) SELECT * FROM unnest($1::text[], $2::text[])"
                     " ON CONFLICT DO NOTHING");
    TEXTS(row->name);
    TEXTS(people_parent(batch->units, row->name));
    params = journal_transaction_add(
        transaction, "UPDATE watched_case w SET wake_at = $1 WHERE (w.wake_at IS NULL OR w.wake_at > $1)"
                     " AND w.case_id IN (SELECT x.case_id FROM silenced_step x JOIN silence s"
                     " ON s.id = x.silence_id WHERE s.over_at IS NULL AND s.unit IS NOT NULL)");
    postgres_param_instant(params, batch->now);
}

static void write_silences(struct journal_transaction *transaction, struct journal_batch *batch)
{
    struct journal_silence *rows = batch->silences;
    size_t count = batch->silence_count;
    if (count == 0)
        return;
    struct postgres_params *params = journal_transaction_add(
        transaction,
        "UPDATE silence x SET reported_at = coalesce(x.reported_at, CASE WHEN NOT s.is_over THEN "
        "$5::timestamptz END), over_at = CASE WHEN s.is_over THEN $5 END,"
        " look_at = CASE WHEN x.look_at IS DISTINCT FROM s.seen_look_at THEN x.look_at ELSE s.look_at END"
        " FROM unnest($1::bigint[], $2::timestamptz[], $3::timestamptz[], $4::boolean[])"
        " AS s (id, seen_look_at, look_at, is_over) WHERE x.id = s.id");
    INT8S(row->silence_id);
    INSTANTS(row->seen_look_at);
    INSTANTS(row->look_at);
    BOOLS(row->over);
    postgres_param_instant(params, batch->now);
}

// The addresses of one kind of news, as SQL's arrays want them: side by side.
static void write_progress(struct journal_transaction *transaction, struct journal_batch *batch)
{
    for (int i = 0; i < PROGRESS_COUNT; i++)
        if (batch->progress[i]) {
            struct postgres_params *params = journal_transaction_add(
                transaction, "INSERT INTO progress VALUES ($1, $2) ON CONFLICT (name) DO UPDATE "
                             "SET value = excluded.value");
            postgres_param_text(params, progress_names[i]);
            postgres_param_text(params, batch->progress[i]);
        }
    if (batch->progress[PROGRESS_RULES]) {
        struct postgres_params *params = journal_transaction_add(
            transaction,
            "UPDATE rules_confirmation SET taken_at = $2 WHERE fingerprint = $1 AND taken_at IS NULL");
        postgres_param_text(params, batch->progress[PROGRESS_RULES]);
        postgres_param_instant(params, batch->now);
    }
}

void journal_write(struct journal_transaction *transaction, struct journal_batch *batch)
{
    write_deadlines(transaction, batch);
    write_births(transaction, batch);
    write_withdrawn(transaction, batch);
    write_transitions(transaction, batch);
    write_notices(transaction, batch);
    journal_write_follow_ups(transaction, batch);
    write_cases(transaction, batch);
    write_faults(transaction, batch);
    journal_write_mails(transaction, batch);
    write_acknowledged(transaction, batch);
    write_retained(transaction, batch);
    write_silenced(transaction, batch);
    write_silences(transaction, batch);
    write_unmuted(transaction, batch);
    write_muted(transaction, batch);
    write_units(transaction, batch);
    write_progress(transaction, batch);
    assert(transaction->count + batch->more_count <= JOURNAL_STATEMENTS);
    for (int i = 0; i < batch->more_count; i++)
        transaction->statements[transaction->count++] = batch->more[i];
}
