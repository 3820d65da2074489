// SPDX-License-Identifier: MPL-2.0
//
// Coming up, one round trip a step:
//
//   DOWN ──connected──▶ LOCKING ──got it──▶ MIGRATING ──up to date──▶ READING ──▶ UP
//     ▲                    │ held by another: again after lock_retry_ms         │
//     └──────────────── connection lost, from anywhere ─────────────────────────┘
//
// The lock belongs to the session, so losing the connection gives it back and whoever gets it next reads the
// numbers anew. Numbers (ids, transitions without gaps) are handed out here when a batch is written, and
// taken back when it fails: batches go out one at a time.
#include "shell/journal.h"

#include "shell/journal_mails.h"
#include "shell/log.h"
#include "shell/migrations.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOCK_RETRY_MIN_MS 100 // the session of a daemon that was killed just now ends in an instant
#define LOCK_RETRY_MAX_MS 5000
#define LOCK_KEY          "7378697272656674" // any number; the same for every fristd on this database
#define COMMIT_STATEMENTS (32 + BATCH_MORE_MAX)
#define FLOOD_WAIT_S      300 // urgent notices beyond the bound to one person share a mail this often

enum journal_state { JOURNAL_DOWN, JOURNAL_LOCKING, JOURNAL_MIGRATING, JOURNAL_READING, JOURNAL_UP };

struct numbers {
    int64_t deadline, transition, notice; // the last one handed out
};

struct journal {
    uv_loop_t *loop;
    struct postgres *pg;
    enum journal_state state;
    postgres_on_state on_state;
    void *data;
    uv_timer_t lock_timer, fail_timer;
    bool closing, read_only;
    postgres_on_closed on_closed;
    void *closed_data;

    // Coming up.
    struct postgres_request setup;
    struct buffer migration_sql;
    struct postgres_statement migration_statement;
    bool locked, has_schema, has_migrations;
    uint64_t lock_retry_ms;
    int migrated; // number of the last migration that has run

    // As of the last commit.
    struct numbers numbers;
    instant recorded_at; // of the last transition
    struct agenda agenda;
    char *progress[PROGRESS_COUNT];

    // Writing.
    struct journal_batch *first, *last; // the first is under way when `writing`
    bool writing;
    struct numbers handed; // with those of the batch under way
    struct postgres_request commit;
    struct postgres_statement statements[COMMIT_STATEMENTS];
    struct postgres_params params[COMMIT_STATEMENTS];
    int statement_count;
    int agenda_statement;
    struct agenda next_agenda;

    // What others have written.
    void (*on_news)(void *data);
    void *news_data;
    struct postgres_request refresh;
    bool refreshing, refresh_again;
};

static const char *const progress_names[PROGRESS_COUNT] = {
    [PROGRESS_CURSOR] = "cursor",
    [PROGRESS_RULES] = "rules",
    [PROGRESS_RECONCILED_ON] = "reconciled_on",
    [PROGRESS_PUBLISHED] = "published",
    [PROGRESS_FAULTS_ON] = "faults_on",
    [PROGRESS_REACH] = "reach",
    [PROGRESS_RULES_REFUSED] = "rules_refused",
};

#define AGENDA_SQL                                                                                           \
    "SELECT least((SELECT min(wake_at) FROM watched_case WHERE wake_at IS NOT NULL),"                        \
    " (SELECT min(look_at) FROM acknowledged_deadline WHERE look_at IS NOT NULL),"                           \
    " (SELECT min(look_at) FROM silence WHERE look_at IS NOT NULL)),"                                        \
    " (SELECT min(next_attempt_at) FROM notice WHERE next_attempt_at IS NOT NULL AND carried_by IS NOT "     \
    "NULL), (SELECT min(next_attempt_at) FROM notice WHERE carried_by IS NULL),"                             \
    " (SELECT min(due_at) FROM report_run WHERE state = 'waiting'), (SELECT max(id) FROM notice)"

static void step(struct journal *journal);
static void on_lock_timer(uv_timer_t *timer);
static void on_fail_timer(uv_timer_t *timer);

static void set_progress(struct journal *journal, enum progress which, const char *value)
{
    free(journal->progress[which]);
    journal->progress[which] = memory_copy(value, strlen(value));
}

static instant row_instant(const struct postgres_row *row, int column)
{
    instant at = INSTANT_NONE;
    // Only we write this table, within the promised years; anything else reads as "none".
    return postgres_instant(row, column, &at) == 0 ? at : INSTANT_NONE;
}

// Returns the number of the last notice: the database hands some out itself.
static int64_t read_agenda(const struct postgres_row *row, struct agenda *agenda)
{
    agenda->case_at = row_instant(row, 0);
    agenda->mail_at = row_instant(row, 1);
    agenda->loose_at = row_instant(row, 2);
    agenda->report_at = row_instant(row, 3);
    return postgres_is_null(row, 4) ? 0 : postgres_int8(row, 4);
}

// --- coming up ---

static void say_down(struct journal *journal, const struct error *err)
{
    if (journal->on_state && !journal->closing)
        journal->on_state(journal->data, false, err);
}

static void on_setup_done(struct postgres_request *request, enum postgres_status status,
                          const struct error *err)
{
    struct journal *journal = request->data;
    if (status == POSTGRES_OK) {
        step(journal);
        return;
    }
    if (status == POSTGRES_SQL_ERROR && !journal->closing) {
        struct error why = *err;
        error_prefix(&why, "the journal could not be brought up; this is tried again in %d s",
                     LOCK_RETRY_MAX_MS / 1000);
        journal->state = JOURNAL_LOCKING;
        say_down(journal, &why);
        uv_timer_start(&journal->lock_timer, on_lock_timer, LOCK_RETRY_MAX_MS, 0);
    }
}

static void submit_setup(struct journal *journal, struct postgres_statement *statements, int count,
                         bool script,
                         void (*on_row)(struct postgres_request *, int, const struct postgres_row *))
{
    journal->setup = (struct postgres_request){
        .data = journal,
        .statements = statements,
        .statement_count = count,
        .script = script,
        .on_row = on_row,
        .on_done = on_setup_done,
    };
    struct error err;
    if (postgres_submit(journal->pg, &journal->setup, &err) < 0)
        say_down(journal, &err); // and begins again with the next connection
}

static void on_lock_row(struct postgres_request *request, int statement, const struct postgres_row *row)
{
    struct journal *journal = request->data;
    if (statement != 0)
        return;
    journal->locked = postgres_bool(row, 0);
    journal->has_schema = postgres_bool(row, 1);
    journal->has_migrations = postgres_bool(row, 2);
}

static void start_locking(struct journal *journal)
{
    static struct postgres_statement lock[] = {
        {"SELECT pg_try_advisory_lock(" LOCK_KEY "), to_regnamespace('fristd_journal') IS NOT NULL,"
         " to_regclass('fristd_journal.migration') IS NOT NULL",
         NULL},
    };
    journal->state = JOURNAL_LOCKING;
    journal->locked = false;
    submit_setup(journal, lock, 1, false, on_lock_row);
}

static void on_lock_timer(uv_timer_t *timer)
{
    struct journal *journal = timer->data;
    if (postgres_is_up(journal->pg))
        start_locking(journal);
}

static void wait_for_lock(struct journal *journal)
{
    if (journal->lock_retry_ms == LOCK_RETRY_MIN_MS) { // said once a connection
        struct error why;
        error_set(&why, "journal: another fristd holds it; waiting until it gives it back");
        say_down(journal, &why);
    }
    uv_timer_start(&journal->lock_timer, on_lock_timer, journal->lock_retry_ms, 0);
    journal->lock_retry_ms *= 2;
    if (journal->lock_retry_ms > LOCK_RETRY_MAX_MS)
        journal->lock_retry_ms = LOCK_RETRY_MAX_MS;
}

static void on_migration_row(struct postgres_request *request, int statement, const struct postgres_row *row)
{
    (void)statement;
    struct journal *journal = request->data;
    if (postgres_column_count(row) == 1)
        journal->migrated = (int)postgres_int8(row, 0);
}

static void prepare_migrations(struct journal *journal)
{
    static struct postgres_statement statements[] = {
        {"CREATE SCHEMA fristd_journal", NULL},
        {"CREATE TABLE fristd_journal.migration (number integer PRIMARY KEY, name text NOT NULL,"
         " applied_at timestamptz NOT NULL DEFAULT now())",
         NULL},
        {"SELECT coalesce(max(number), 0)::bigint FROM fristd_journal.migration", NULL},
    };
    int skip = journal->has_schema ? (journal->has_migrations ? 2 : 1) : 0;
    journal->state = JOURNAL_MIGRATING;
    journal->migrated = -1;
    submit_setup(journal, statements + skip, 3 - skip, false, on_migration_row);
}

// The file and its entry in the table are one transaction.
static void run_migration(struct journal *journal, const struct migration *migration)
{
    log_line(LOG_LEVEL_NOTICE, "journal", "migration %s", migration->name);
    buffer_clear(&journal->migration_sql);
    buffer_add_string(&journal->migration_sql, "SET search_path = fristd_journal, pg_catalog;\n");
    buffer_add_string(&journal->migration_sql, migration->sql);
    // Names are those of our own files: letters, digits and underscores.
    buffer_format(&journal->migration_sql, "INSERT INTO migration (number, name) VALUES (%d, '%s');",
                  migration->number, migration->name);
    journal->migration_statement = (struct postgres_statement){journal->migration_sql.data, NULL};
    journal->migrated = migration->number;
    submit_setup(journal, &journal->migration_statement, 1, true, NULL);
}

static void on_reading_row(struct postgres_request *request, int statement, const struct postgres_row *row)
{
    struct journal *journal = request->data;
    size_t length;
    switch (statement) {
    case 0:
        journal->numbers.deadline = postgres_int8(row, 0);
        journal->numbers.transition = postgres_int8(row, 1);
        journal->numbers.notice = postgres_int8(row, 2);
        break;
    case 1:
        for (int i = 0; i < PROGRESS_COUNT; i++)
            if (strcmp(postgres_text(row, 0, &length), progress_names[i]) == 0)
                set_progress(journal, (enum progress)i, postgres_text(row, 1, &length));
        break;
    case 2:
        read_agenda(row, &journal->agenda);
        break;
    case 3:
        journal->recorded_at = row_instant(row, 0);
        break;
    default:
        break;
    }
}

static void start_reading(struct journal *journal)
{
    // Numbers of deleted deadlines live on in their transitions.
    static struct postgres_statement statements[] = {
        {"SELECT greatest((SELECT coalesce(max(id), 0) FROM deadline), (SELECT coalesce(max(deadline_id), 0) "
         "FROM transition)),"
         " (SELECT coalesce(max(number), 0) FROM transition), (SELECT coalesce(max(id), 0) FROM notice)",
         NULL},
        {"SELECT name, value FROM progress", NULL},
        {AGENDA_SQL, NULL},
        {"SELECT recorded_at FROM transition ORDER BY number DESC LIMIT 1", NULL},
    };
    journal->state = JOURNAL_READING;
    submit_setup(journal, statements, 4, false, on_reading_row);
}

static void step(struct journal *journal)
{
    switch (journal->state) {
    case JOURNAL_DOWN:
    case JOURNAL_UP:
        break;
    case JOURNAL_LOCKING:
        if (journal->locked)
            prepare_migrations(journal);
        else
            wait_for_lock(journal);
        break;
    case JOURNAL_MIGRATING: {
        const struct migration *next = migrations;
        while (next->number != 0 && next->number <= journal->migrated)
            next++;
        if (next->number != 0)
            run_migration(journal, next);
        else
            start_reading(journal);
        break;
    }
    case JOURNAL_READING:
        journal->state = JOURNAL_UP;
        if (journal->on_state)
            journal->on_state(journal->data, true, NULL);
        break;
    }
}

static void on_connection(void *data, bool up, const struct error *err)
{
    struct journal *journal = data;
    if (up && journal->read_only) {
        journal->state = JOURNAL_UP;
        journal->on_state(journal->data, true, NULL);
        return;
    }
    if (up) {
        journal->lock_retry_ms = LOCK_RETRY_MIN_MS;
        start_locking(journal);
        return;
    }
    journal->state = JOURNAL_DOWN;
    journal->locked = false;
    uv_timer_stop(&journal->lock_timer);
    on_fail_timer(&journal->fail_timer);
    say_down(journal, err);
}

// --- what others write ---

static void on_refresh_row(struct postgres_request *request, int statement, const struct postgres_row *row)
{
    (void)statement;
    struct journal *journal = request->data;
    read_agenda(row, &journal->agenda);
}

static void on_refresh_done(struct postgres_request *request, enum postgres_status status,
                            const struct error *err)
{
    (void)err; // the connection says what is wrong with it
    struct journal *journal = request->data;
    journal->refreshing = false;
    if (status != POSTGRES_OK)
        return;
    if (journal->refresh_again)
        journal_refresh(journal);
    if (journal->on_news)
        journal->on_news(journal->news_data);
}

void journal_refresh(struct journal *journal)
{
    static const struct postgres_statement agenda = {AGENDA_SQL, NULL};
    journal->refresh_again = journal->refreshing;
    if (journal->refreshing || journal->state != JOURNAL_UP)
        return;
    journal->refresh = (struct postgres_request){.data = journal,
                                                 .statements = &agenda,
                                                 .statement_count = 1,
                                                 .on_row = on_refresh_row,
                                                 .on_done = on_refresh_done};
    struct error ignored; // it is asked again
    journal->refreshing = postgres_submit(journal->pg, &journal->refresh, &ignored) == 0;
}

void journal_on_news(struct journal *journal, void (*on_news)(void *data), void *data)
{
    journal->on_news = on_news;
    journal->news_data = data;
}

static void on_notify(void *data, const char *channel)
{
    (void)channel;
    journal_refresh(data);
}

struct journal *journal_new(uv_loop_t *loop, const struct postgres_options *options,
                            postgres_on_state on_state, void *data)
{
    struct journal *journal = memory_alloc(sizeof *journal);
    journal->loop = loop;
    journal->on_state = on_state;
    journal->data = data;
    journal->agenda = (struct agenda){INSTANT_NONE, INSTANT_NONE, INSTANT_NONE, INSTANT_NONE};
    journal->recorded_at = INSTANT_NONE;
    for (int i = 0; i < PROGRESS_COUNT; i++)
        set_progress(journal, (enum progress)i, "");
    uv_timer_init(loop, &journal->lock_timer);
    journal->lock_timer.data = journal;
    uv_timer_init(loop, &journal->fail_timer);
    journal->fail_timer.data = journal;
    journal->pg = postgres_new(loop, options, on_connection, on_notify, journal);
    // Our questions are many and small, and the planner takes them for big ones: compiling costs more than
    // asking.
    postgres_add_prelude(journal->pg, "SET jit = off");
    postgres_add_prelude(journal->pg, "LISTEN fristd_journal");
    postgres_add_prelude(journal->pg, "SET search_path = fristd_journal, pg_catalog");
    // Every join of ours looks some hundred rows up by key; a table's statistics must not talk the planner
    // into reading it whole.
    postgres_add_prelude(journal->pg, "SET enable_hashjoin = off");
    postgres_add_prelude(journal->pg, "SET enable_mergejoin = off");
    postgres_add_prelude(journal->pg, "SET enable_seqscan = off");
    return journal;
}

void journal_read_only(struct journal *journal)
{
    journal->read_only = true;
}

void journal_start(struct journal *journal)
{
    postgres_start(journal->pg);
}

bool journal_is_up(const struct journal *journal)
{
    return journal->state == JOURNAL_UP;
}

struct postgres *journal_connection(const struct journal *journal)
{
    return journal->state == JOURNAL_UP ? journal->pg : NULL;
}

const char *journal_progress(const struct journal *journal, enum progress which)
{
    return journal->progress[which];
}

struct agenda journal_agenda(const struct journal *journal)
{
    return journal->agenda;
}

instant journal_recorded_at(const struct journal *journal)
{
    return journal->recorded_at;
}

int64_t journal_last_transition(const struct journal *journal)
{
    return journal->numbers.transition;
}

static void on_fail_timer_closed(uv_handle_t *handle)
{
    struct journal *journal = handle->data;
    for (int i = 0; i < PROGRESS_COUNT; i++)
        free(journal->progress[i]);
    for (int i = 0; i < COMMIT_STATEMENTS; i++)
        postgres_params_done(&journal->params[i]);
    postgres_on_closed on_closed = journal->on_closed;
    void *data = journal->closed_data;
    buffer_done(&journal->migration_sql);
    free(journal);
    on_closed(data);
}

static void on_lock_timer_closed(uv_handle_t *handle)
{
    struct journal *journal = handle->data;
    uv_close((uv_handle_t *)&journal->fail_timer, on_fail_timer_closed);
}

static void on_postgres_closed(void *data)
{
    struct journal *journal = data;
    on_fail_timer(&journal->fail_timer);
    uv_close((uv_handle_t *)&journal->lock_timer, on_lock_timer_closed);
}

void journal_close(struct journal *journal, postgres_on_closed on_closed, void *data)
{
    journal->closing = true;
    journal->on_closed = on_closed;
    journal->closed_data = data;
    uv_timer_stop(&journal->lock_timer);
    postgres_close(journal->pg, on_postgres_closed, journal);
}

// --- writing ---

bool journal_batch_is_empty(const struct journal_batch *batch)
{
    for (int i = 0; i < PROGRESS_COUNT; i++)
        if (batch->progress[i])
            return false;
    return batch->deadline_count + batch->withdrawn_count + batch->transition_count + batch->notice_count +
               batch->case_count + batch->gone_count + batch->fault_count + batch->mended_count +
               batch->outcome_count + batch->part_count + batch->prune_count + batch->forming.wanted +
               batch->acknowledged_count + batch->noted_count + batch->forgotten_count +
               batch->silenced_count + batch->silence_count + batch->address_count +
               (size_t)batch->more_count ==
           0;
}

void journal_batch_clear(struct journal_batch *batch)
{
    arena_reset(&batch->arena);
    batch->deadline_count = batch->withdrawn_count = batch->transition_count = batch->notice_count = 0;
    batch->case_count = batch->gone_count = batch->fault_count = batch->mended_count = 0;
    batch->outcome_count = batch->part_count = batch->prune_count = 0;
    batch->forming = (struct journal_forming){0};
    batch->acknowledged_count = batch->noted_count = batch->forgotten_count = 0;
    batch->silenced_count = batch->silence_count = batch->address_count = 0;
    batch->more_count = 0;
    memset(batch->progress, 0, sizeof batch->progress);
}

void journal_batch_done(struct journal_batch *batch)
{
    arena_done(&batch->arena);
    free(batch->deadlines);
    free(batch->withdrawn);
    free(batch->transitions);
    free(batch->notices);
    free(batch->cases);
    free(batch->gone);
    free(batch->faults);
    free(batch->mended);
    free(batch->outcomes);
    free(batch->parts);
    free(batch->acknowledged);
    free(batch->noted);
    free(batch->forgotten);
    free(batch->silenced);
    free(batch->silences);
    free(batch->addresses);
    *batch = (struct journal_batch){0};
}

static struct postgres_params *add_statement(struct journal *journal, const char *sql)
{
    assert(journal->statement_count < COMMIT_STATEMENTS);
    int i = journal->statement_count++;
    postgres_params_clear(&journal->params[i]);
    journal->statements[i] = (struct postgres_statement){sql, &journal->params[i]};
    return &journal->params[i];
}

// One array parameter: VALUE is an expression on `row`, the i-th of ROWS.
#define ARRAY(PARAMS, ROWS, COUNT, TYPE, ADD, VALUE)                                                         \
    do {                                                                                                     \
        postgres_array_begin((PARAMS), (TYPE), (int)(COUNT));                                                \
        for (size_t i_ = 0; i_ < (COUNT); i_++) {                                                            \
            const __typeof__((ROWS)[0]) *row = &(ROWS)[i_];                                                  \
            ADD((PARAMS), (VALUE));                                                                          \
        }                                                                                                    \
    } while (0)
#define TEXTS(VALUE)    ARRAY(params, rows, count, POSTGRES_TEXTS, postgres_array_text, VALUE)
#define INT8S(VALUE)    ARRAY(params, rows, count, POSTGRES_INT8S, postgres_array_int8, VALUE)
#define BOOLS(VALUE)    ARRAY(params, rows, count, POSTGRES_BOOLS, postgres_array_bool, VALUE)
#define INSTANTS(VALUE) ARRAY(params, rows, count, POSTGRES_INSTANTS, postgres_array_instant, VALUE)
#define DATES(VALUE)    ARRAY(params, rows, count, POSTGRES_DATES, postgres_array_date, VALUE)

static void write_deadlines(struct journal *journal, struct journal_batch *batch)
{
    struct journal_deadline *rows = batch->deadlines;
    size_t count = batch->deadline_count;
    if (count == 0)
        return;
    for (size_t i = 0; i < count; i++)
        if (rows[i].id == 0)
            rows[i].id = ++journal->handed.deadline;
    struct postgres_params *params = add_statement(
        journal,
        "INSERT INTO deadline (id, case_id, rule, subject, occurrence, valid_from, code, rule_kind, "
        "sensitive, state, anchor_at,"
        " due_at, breached_at, closed_at, staged_until, next_stage_at, attention, computation, changed_at)"
        " SELECT *, $19::timestamptz FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], "
        "$5::bigint[], $6::date[],"
        " $7::text[], $8::text[], $9::boolean[], $10::text[], $11::timestamptz[], "
        "$12::timestamptz[], $13::timestamptz[],"
        " $14::timestamptz[], $15::timestamptz[], $16::timestamptz[], $17::boolean[], $18::text[])"
        " ON CONFLICT (id) DO UPDATE SET valid_from = excluded.valid_from, code = excluded.code, "
        "rule_kind = excluded.rule_kind,"
        " sensitive = excluded.sensitive, state = excluded.state, anchor_at = excluded.anchor_at, "
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

static void write_withdrawn(struct journal *journal, struct journal_batch *batch)
{
    int64_t *rows = batch->withdrawn;
    size_t count = batch->withdrawn_count;
    if (count == 0)
        return;
    struct postgres_params *params =
        add_statement(journal, "DELETE FROM deadline WHERE id = ANY($1::bigint[])");
    INT8S(*row);
}

static const char *retained_name(enum retained retained)
{
    return retained == RETAINED_SET ? "set" : retained == RETAINED_CLEAR ? "clear" : NULL;
}

static void write_transitions(struct journal *journal, struct journal_batch *batch)
{
    struct journal_transition *rows = batch->transitions;
    size_t count = batch->transition_count;
    if (count == 0)
        return;
    for (size_t i = 0; i < count; i++) {
        rows[i].transition.number = ++journal->handed.transition;
        if (rows[i].deadline_index >= 0)
            rows[i].deadline_id = batch->deadlines[rows[i].deadline_index].id;
    }
    struct postgres_params *params = add_statement(
        journal,
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
}

static void write_notices(struct journal *journal, struct journal_batch *batch)
{
    struct journal_notice *rows = batch->notices;
    size_t count = batch->notice_count;
    if (count == 0)
        return;
    for (size_t i = 0; i < count; i++)
        rows[i].id = ++journal->handed.notice;
    // Who gets more urgent ones within an hour than the bound gets them together.
    struct postgres_params *params = add_statement(
        journal,
        "WITH n AS (SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::bigint[],"
        " $6::text[], $7::text[], $8::text[], $9::text[], $10::bigint[], $11::timestamptz[], $12::text[],"
        " $13::timestamptz[], $14::text[], $15::boolean[], $16::boolean[]) AS n (id, message_key, purpose,"
        " deadline_id, transition_number, case_id, person_id, role, instead_of, stage, stage_at, facts,"
        " next_attempt_at, held_by, urgent, alone)),"
        " flooded AS (SELECT person_id FROM (SELECT person_id, count(*) AS more FROM n WHERE alone GROUP BY "
        "1)"
        "  AS asked WHERE $18 > 0 AND more + (SELECT count(*) FROM (SELECT FROM notice o"
        "   WHERE o.person_id = asked.person_id AND o.urgent AND o.decided_at > $17::timestamptz - interval "
        "'1 hour' LIMIT $18 + 1) AS of_late) > $18)"
        " INSERT INTO notice (id, message_key, purpose, deadline_id, transition_number, case_id, person_id,"
        " role, instead_of, stage, stage_at, facts, next_attempt_at, held_by, urgent, carried_by, formed_at,"
        " state, attempts, decided_at, last_reply)"
        " SELECT id, message_key, purpose, nullif(deadline_id, 0), nullif(transition_number, 0), case_id,"
        " person_id, role, instead_of, nullif(stage, -1), stage_at, facts,"
        " CASE WHEN too_many THEN greatest(next_attempt_at, $17 + $19 * interval '1 second') ELSE "
        "next_attempt_at END,"
        " CASE WHEN too_many THEN 'bound' ELSE held_by END, urgent,"
        " CASE WHEN alone AND NOT too_many THEN id END, CASE WHEN alone AND NOT too_many THEN $17 END,"
        " 'pending', 0, $17, ''"
        " FROM (SELECT n.*, alone AND person_id IN (SELECT person_id FROM flooded) AS too_many FROM n) AS n"
        " ON CONFLICT (message_key) DO NOTHING");
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
    INSTANTS(row->next_attempt_at);
    TEXTS(row->held_by);
    BOOLS(row->urgent);
    BOOLS(row->urgent && !row->with_others);
    postgres_param_instant(params, batch->now);
    postgres_param_int8(params, batch->urgent_per_hour);
    postgres_param_int8(params, FLOOD_WAIT_S);
}

static bool is_followed_up(enum transition_kind kind)
{
    return kind == TRANSITION_MOVED || kind == TRANSITION_MET || kind == TRANSITION_LATE ||
           kind == TRANSITION_CANCELLED || kind == TRANSITION_WITHDRAWN || kind == TRANSITION_REOPENED;
}

static bool is_urgent(const struct journal_batch *batch, const struct journal_transition *transition)
{
    return transition->deadline_index >= 0 && batch->deadlines[transition->deadline_index].rule->urgent;
}

// To those who were told, and to nobody else: only the database knows them. What is done while a silence
// holds is not told, then or later, as what it hides is not.
static void write_follow_ups(struct journal *journal, struct journal_batch *batch)
{
    const struct journal_transition **rows =
        arena_alloc(&batch->arena, batch->transition_count * sizeof *rows);
    size_t count = 0;
    for (size_t i = 0; i < batch->transition_count; i++)
        if (is_followed_up(batch->transitions[i].transition.kind))
            rows[count++] = &batch->transitions[i];
    if (count == 0 || batch->follow_up_at == 0)
        return;
    struct postgres_params *params = add_statement(
        journal,
        "INSERT INTO notice (id, message_key, purpose, deadline_id, transition_number, case_id, person_id,"
        " role, instead_of, facts, next_attempt_at, urgent, state, attempts, decided_at, last_reply)"
        " SELECT $3 + row_number() OVER (ORDER BY t.number, told.person_id), md5('follow-up ' || "
        "told.message_key || ' ' || t.kind || ' ' || date_part('epoch', t.at)::bigint), 'follow_up', "
        "t.deadline_id, t.number, t.case_id, told.person_id, told.role, told.instead_of, '',"
        " CASE WHEN u.urgent THEN $4::timestamptz ELSE $5 END, u.urgent, 'pending', 0, $4, ''"
        " FROM unnest($1::bigint[], $2::boolean[]) AS u (number, urgent) JOIN transition t USING (number)"
        " CROSS JOIN LATERAL (SELECT DISTINCT ON (s.person_id) s.* FROM notice s"
        "  WHERE s.deadline_id = t.deadline_id AND s.state = 'sent' AND s.purpose = 'stage'"
        "  ORDER BY s.person_id, s.id DESC) AS told WHERE NOT EXISTS (SELECT FROM silence q"
        "  WHERE q.over_at IS NULL AND q.from_at <= $4 AND least(q.until_at, q.ended_at) > $4"
        "  AND coalesce(q.case_id, t.case_id) = t.case_id AND coalesce(q.unit, t.unit) = t.unit"
        "  AND (q.rule IS NULL OR q.rule IN (t.rule, t.code))) ON CONFLICT (message_key) DO NOTHING");
    INT8S((*row)->transition.number);
    BOOLS(is_urgent(batch, *row));
    postgres_param_int8(params, journal->handed.notice);
    postgres_param_instant(params, batch->now);
    postgres_param_instant(params, batch->follow_up_at);
}

static void write_cases(struct journal *journal, struct journal_batch *batch)
{
    if (batch->case_count > 0) {
        struct journal_case *rows = batch->cases;
        size_t count = batch->case_count;
        struct postgres_params *params = add_statement(
            journal,
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
            add_statement(journal, "DELETE FROM watched_case WHERE case_id = ANY($1::text[])");
        TEXTS(*row);
    }
}

static void write_faults(struct journal *journal, struct journal_batch *batch)
{
    if (batch->mended_count > 0) {
        struct journal_fault *rows = batch->mended;
        size_t count = batch->mended_count;
        struct postgres_params *params = add_statement(
            journal,
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
        struct postgres_params *params = add_statement(
            journal, "INSERT INTO data_fault (case_id, code, rule, subject, event_id, reason, first_seen_at)"
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

static const char *notice_state_name(enum notice_state state)
{
    return state == NOTICE_SENT ? "sent" : state == NOTICE_DEFERRED ? "deferred" : "abandoned";
}

static void add_outcomes(struct journal *journal, const char *sql, const struct journal_outcome *rows,
                         size_t count)
{
    if (count == 0)
        return;
    struct postgres_params *params = add_statement(journal, sql);
    INT8S(row->notice_id);
    TEXTS(notice_state_name(row->state));
    INT8S(row->attempts);
    INSTANTS(row->next_attempt_at);
    INSTANTS(row->finished_at);
    TEXTS(row->last_reply);
}

#define OUTCOMES_SQL                                                                                         \
    " FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::timestamptz[], $5::timestamptz[], $6::text[])" \
    " AS o (id, state, attempts, next_attempt_at, finished_at, last_reply) WHERE "

static void write_outcomes(struct journal *journal, struct journal_batch *batch)
{
    // The carrier may have an outcome of its own while others of its mail still wait: then it only carries.
    add_outcomes(journal,
                 "UPDATE notice SET state = CASE WHEN notice.finished_at IS NULL THEN o.state ELSE "
                 "notice.state END, attempts = o.attempts,"
                 " next_attempt_at = CASE WHEN notice.id = o.id THEN o.next_attempt_at END,"
                 " finished_at = coalesce(notice.finished_at, o.finished_at),"
                 " last_reply = CASE WHEN notice.finished_at IS NULL THEN o.last_reply ELSE "
                 "notice.last_reply END" OUTCOMES_SQL
                 "notice.carried_by = o.id AND (notice.finished_at IS NULL OR notice.id = o.id)",
                 batch->outcomes, batch->outcome_count);
    add_outcomes(journal,
                 "UPDATE notice SET state = o.state, attempts = o.attempts, finished_at = o.finished_at,"
                 " last_reply = o.last_reply" OUTCOMES_SQL "notice.id = o.id",
                 batch->parts, batch->part_count);
}

static void write_pruned(struct journal *journal, struct journal_batch *batch)
{
    const int64_t *rows = batch->prune;
    size_t count = batch->prune_count;
    if (count == 0)
        return;
    struct postgres_params *params = add_statement(
        journal,
        "UPDATE notice n SET state = 'abandoned', finished_at = $2, last_reply = '" JOURNAL_OUT_OF_DATE "'"
        " WHERE n.id IN (SELECT n.id FROM notice n" JOURNAL_NOTICE_JOINS
        " WHERE n.carried_by = ANY($1::bigint[]) AND n.finished_at IS NULL AND " JOURNAL_IS_OUT_OF_DATE ")");
    INT8S(*row);
    postgres_param_instant(params, batch->now);
    params = add_statement(
        journal, "UPDATE notice SET next_attempt_at = NULL WHERE id = ANY($1::bigint[]) AND NOT EXISTS"
                 " (SELECT FROM notice p WHERE p.carried_by = notice.id AND p.finished_at IS NULL)");
    INT8S(*row);
}

static void write_held(struct journal *journal, const struct journal_forming *forming)
{
    if (forming->held_count == 0)
        return;
    struct postgres_params *params =
        add_statement(journal, "UPDATE notice SET next_attempt_at = h.until_at, held_by = 'bound'"
                               " FROM unnest($1::text[], $2::timestamptz[]) AS h (person_id, until_at)"
                               " WHERE notice.person_id = h.person_id AND carried_by IS NULL AND NOT urgent"
                               " AND next_attempt_at <= $3 AND purpose IN " JOURNAL_FOLDABLE);
    const char **persons = forming->held;
    const instant *untils = forming->held_until;
    size_t count = forming->held_count;
    ARRAY(params, persons, count, POSTGRES_TEXTS, postgres_array_text, *row);
    ARRAY(params, untils, count, POSTGRES_INSTANTS, postgres_array_instant, *row);
    postgres_param_instant(params, forming->now);
}

static void write_formed(struct journal *journal, const struct journal_forming *forming)
{
    if (!forming->wanted)
        return;
    write_held(journal, forming);
    // What follows a mail up has no moment of its own: it goes with the next.
    struct postgres_params *params = add_statement(
        journal,
        "WITH loose AS (SELECT id, person_id, next_attempt_at, purpose IN " JOURNAL_FOLDABLE
        "  AND ($2 > 0 OR urgent OR held_by IS NOT DISTINCT FROM 'bound') AS foldable FROM notice"
        "  WHERE carried_by IS NULL AND (next_attempt_at <= $1::timestamptz + $2 * interval '1 second'"
        "   OR purpose = 'follow_up')),"
        " due AS (SELECT DISTINCT person_id FROM loose WHERE foldable AND next_attempt_at <= $1),"
        " formed AS (SELECT id, CASE WHEN foldable THEN min(id) OVER (PARTITION BY person_id, foldable) ELSE "
        "id END AS carrier FROM loose WHERE CASE WHEN foldable THEN person_id IN (SELECT person_id FROM due)"
        "  ELSE next_attempt_at <= $1 END)"
        " UPDATE notice SET carried_by = formed.carrier, formed_at = $1,"
        " next_attempt_at = CASE WHEN notice.id = formed.carrier THEN $1 END FROM formed"
        " WHERE notice.id = formed.id");
    postgres_param_instant(params, forming->now);
    postgres_param_int8(params, forming->wait_s);
}

static void write_acknowledged(struct journal *journal, struct journal_batch *batch)
{
    struct journal_acknowledged *rows = batch->acknowledged;
    size_t count = batch->acknowledged_count;
    if (count == 0)
        return;
    struct postgres_params *params = add_statement(
        journal,
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
static void write_retained(struct journal *journal, struct journal_batch *batch)
{
    if (batch->noted_count > 0) {
        const char **rows = batch->noted;
        size_t count = batch->noted_count;
        struct postgres_params *params =
            add_statement(journal, "INSERT INTO retained_topic (topic) SELECT DISTINCT topic FROM"
                                   " unnest($1::text[]) AS new (topic) WHERE NOT EXISTS (SELECT 1 FROM"
                                   " retained_topic old WHERE old.topic = new.topic)");
        TEXTS(*row);
    }
    if (batch->forgotten_count > 0) {
        const char **rows = batch->forgotten;
        size_t count = batch->forgotten_count;
        struct postgres_params *params =
            add_statement(journal, "DELETE FROM retained_topic WHERE topic = ANY($1::text[])");
        TEXTS(*row);
    }
}

static void write_silenced(struct journal *journal, struct journal_batch *batch)
{
    struct journal_silenced *rows = batch->silenced;
    size_t count = batch->silenced_count;
    if (count == 0)
        return;
    struct postgres_params *params = add_statement(
        journal, "INSERT INTO silenced_step (silence_id, deadline_id, case_id, step_at)"
                 " SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::timestamptz[])"
                 " ON CONFLICT DO NOTHING");
    INT8S(row->silence_id);
    INT8S(batch->deadlines[row->deadline_index].id);
    TEXTS(batch->deadlines[row->deadline_index].case_id);
    INSTANTS(row->step_at);
}

static void write_silences(struct journal *journal, struct journal_batch *batch)
{
    struct journal_silence *rows = batch->silences;
    size_t count = batch->silence_count;
    if (count == 0)
        return;
    struct postgres_params *params = add_statement(
        journal,
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
static size_t of_news(const struct journal_batch *batch, enum address_news news,
                      const struct journal_address **ret_rows)
{
    size_t count = 0;
    for (size_t i = 0; i < batch->address_count; i++)
        if (batch->addresses[i].news == news)
            ret_rows[count++] = &batch->addresses[i];
    return count;
}

static void write_refused(struct journal *journal, const struct journal_batch *batch,
                          const struct journal_address **rows, size_t count)
{
    // One batch may hold several refusals of one address.
    struct postgres_params *params = add_statement(
        journal, "INSERT INTO refused_address AS r (person_id, address_key, refusals, first_refused_at, "
                 "last_refused_at,"
                 " last_reply) SELECT person_id, min(address_key), count(*), $4, $4, min(reply)"
                 " FROM unnest($1::text[], $2::text[], $3::text[]) AS n (person_id, address_key, reply) "
                 "GROUP BY person_id"
                 " ON CONFLICT (person_id) DO UPDATE SET refusals = excluded.refusals +"
                 " CASE WHEN r.address_key = excluded.address_key THEN r.refusals ELSE 0 END,"
                 " first_refused_at = CASE WHEN r.address_key = excluded.address_key THEN r.first_refused_at"
                 " ELSE excluded.first_refused_at END,"
                 " reported_at = CASE WHEN r.address_key = excluded.address_key THEN r.reported_at END,"
                 " address_key = excluded.address_key, last_refused_at = excluded.last_refused_at,"
                 " last_reply = excluded.last_reply");
    TEXTS((*row)->person_id);
    TEXTS((*row)->address_key);
    TEXTS((*row)->reply);
    postgres_param_instant(params, batch->now);
}

static void write_addresses(struct journal *journal, struct journal_batch *batch)
{
    if (batch->address_count == 0)
        return;
    const struct journal_address **rows = memory_alloc(batch->address_count * sizeof *rows);
    size_t count = of_news(batch, ADDRESS_GOOD, rows);
    if (count > 0) {
        struct postgres_params *params =
            add_statement(journal, "DELETE FROM refused_address WHERE person_id = ANY($1::text[])");
        TEXTS((*row)->person_id);
    }
    count = of_news(batch, ADDRESS_REPORTED, rows);
    if (count > 0) {
        struct postgres_params *params = add_statement(
            journal, "UPDATE refused_address SET reported_at = $2 WHERE person_id = ANY($1::text[])");
        TEXTS((*row)->person_id);
        postgres_param_instant(params, batch->now);
    }
    count = of_news(batch, ADDRESS_REFUSED, rows);
    if (count > 0)
        write_refused(journal, batch, rows, count);
    free(rows);
}

static void write_progress(struct journal *journal, struct journal_batch *batch)
{
    for (int i = 0; i < PROGRESS_COUNT; i++)
        if (batch->progress[i]) {
            struct postgres_params *params =
                add_statement(journal, "INSERT INTO progress VALUES ($1, $2) ON CONFLICT (name) DO UPDATE "
                                       "SET value = excluded.value");
            postgres_param_text(params, progress_names[i]);
            postgres_param_text(params, batch->progress[i]);
        }
    if (batch->progress[PROGRESS_RULES]) {
        struct postgres_params *params = add_statement(
            journal,
            "UPDATE rules_confirmation SET taken_at = $2 WHERE fingerprint = $1 AND taken_at IS NULL");
        postgres_param_text(params, batch->progress[PROGRESS_RULES]);
        postgres_param_instant(params, batch->now);
    }
}

static void submit_first(struct journal *journal);

static void finish_first(struct journal *journal, const struct error *err)
{
    struct journal_batch *batch = journal->first;
    journal->first = batch->next;
    if (journal->first == NULL)
        journal->last = NULL;
    batch->on_done(batch, err);
}

static void on_commit_row(struct postgres_request *request, int statement, const struct postgres_row *row)
{
    struct journal *journal = request->data;
    if (statement == journal->agenda_statement)
        journal->handed.notice = read_agenda(row, &journal->next_agenda);
}

static void on_commit_done(struct postgres_request *request, enum postgres_status status,
                           const struct error *err)
{
    struct journal *journal = request->data;
    journal->writing = false;
    if (status == POSTGRES_OK) {
        journal->numbers = journal->handed;
        journal->agenda = journal->next_agenda;
        if (journal->first->transition_count > 0)
            journal->recorded_at = journal->first->now;
        for (int i = 0; i < PROGRESS_COUNT; i++)
            if (journal->first->progress[i])
                set_progress(journal, (enum progress)i, journal->first->progress[i]);
    }
    finish_first(journal, status == POSTGRES_OK ? NULL : err);
    submit_first(journal);
}

static void submit_first(struct journal *journal)
{
    if (journal->writing || journal->first == NULL || journal->state != JOURNAL_UP)
        return;
    struct journal_batch *batch = journal->first;
    journal->handed = journal->numbers;
    journal->statement_count = 0;
    add_statement(journal, "BEGIN");
    write_deadlines(journal, batch);
    write_withdrawn(journal, batch);
    write_transitions(journal, batch);
    write_notices(journal, batch);
    write_follow_ups(journal, batch);
    write_cases(journal, batch);
    write_faults(journal, batch);
    write_outcomes(journal, batch);
    write_pruned(journal, batch);
    write_formed(journal, &batch->forming);
    write_acknowledged(journal, batch);
    write_retained(journal, batch);
    write_silenced(journal, batch);
    write_silences(journal, batch);
    write_addresses(journal, batch);
    write_progress(journal, batch);
    for (int i = 0; i < batch->more_count; i++)
        journal->statements[journal->statement_count++] = batch->more[i];
    journal->agenda_statement = journal->statement_count;
    add_statement(journal, AGENDA_SQL);
    add_statement(journal, "COMMIT");
    journal->commit = (struct postgres_request){
        .data = journal,
        .statements = journal->statements,
        .statement_count = journal->statement_count,
        .on_row = on_commit_row,
        .on_done = on_commit_done,
    };
    struct error ignored; // on_fail_timer has its own words
    if (postgres_submit(journal->pg, &journal->commit, &ignored) < 0)
        uv_timer_start(&journal->fail_timer, on_fail_timer, 0, 0);
    else
        journal->writing = true;
}

void journal_commit(struct journal *journal, struct journal_batch *batch)
{
    assert(batch->on_done && !journal->read_only);
    batch->next = NULL;
    if (journal->last)
        journal->last->next = batch;
    else
        journal->first = batch;
    journal->last = batch;
    if (journal->state == JOURNAL_UP)
        submit_first(journal);
    else
        uv_timer_start(&journal->fail_timer, on_fail_timer, 0, 0);
}

// Ends what cannot be written: it was decided on what the lost connection knew, so it is decided again, not
// written later. The batch that was under way was ended by postgres.c.
static void on_fail_timer(uv_timer_t *timer)
{
    struct journal *journal = timer->data;
    struct error lost;
    error_set(&lost, "journal: not connected, nothing was written");
    while (journal->first && !journal->writing)
        finish_first(journal, &lost);
}
