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

#include "shell/journal_rows.h"
#include "shell/journal_write.h"
#include "shell/log.h"
#include "shell/migrations.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOCK_RETRY_MIN_MS 100 // the session of a daemon that was killed just now ends in an instant
#define LOCK_RETRY_MAX_MS 5000
#define LOCK_KEY          "7378697272656674" // any number; the same for every fristd on this database

enum journal_state { JOURNAL_DOWN, JOURNAL_LOCKING, JOURNAL_MIGRATING, JOURNAL_READING, JOURNAL_UP };

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
    struct journal_numbers numbers;
    instant recorded_at; // of the last transition
    struct agenda agenda;
    char *progress[PROGRESS_COUNT];

    // Writing.
    struct journal_batch *first, *last; // the first is under way when `writing`
    bool writing;
    struct postgres_request commit;
    struct journal_transaction transaction;
    int agenda_statement;
    struct agenda next_agenda;

    // What others have written.
    void (*on_news)(void *data);
    void *news_data;
    struct postgres_request refresh;
    bool refreshing, refresh_again;
};

#define AGENDA_SQL                                                                                           \
    "SELECT least((SELECT min(wake_at) FROM watched_case WHERE wake_at IS NOT NULL),"                        \
    " (SELECT min(look_at) FROM acknowledged_deadline WHERE look_at IS NOT NULL),"                           \
    " (SELECT min(look_at) FROM silence WHERE look_at IS NOT NULL)),"                                        \
    " (SELECT min(next_attempt_at) FROM outbox), (SELECT min(may_go_at) FROM notice WHERE carried_by IS "    \
    "NULL),"                                                                                                 \
    " (SELECT min(due_at) FROM report_run WHERE state = 'waiting'), (SELECT max(id) FROM notice)"

static void step(struct journal *journal);
static void on_lock_timer(uv_timer_t *timer);
static void on_fail_timer(uv_timer_t *timer);

static void set_progress(struct journal *journal, enum progress which, const char *value)
{
    free(journal->progress[which]);
    journal->progress[which] = memory_copy(value, strlen(value));
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
        journal->numbers.transition = journal->numbers.followed_up = postgres_int8(row, 1);
        journal->numbers.notice = postgres_int8(row, 2);
        break;
    case 1:
        for (int i = 0; i < PROGRESS_COUNT; i++)
            if (strcmp(postgres_text(row, 0, &length), progress_name((enum progress)i)) == 0)
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
    journal_transaction_done(&journal->transaction);
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
        journal->transaction.numbers.notice = read_agenda(row, &journal->next_agenda);
}

static void on_commit_done(struct postgres_request *request, enum postgres_status status,
                           const struct error *err)
{
    struct journal *journal = request->data;
    journal->writing = false;
    if (status == POSTGRES_OK) {
        journal->numbers = journal->transaction.numbers;
        if (!journal->first->agenda_stays)
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
    struct journal_transaction *transaction = &journal->transaction;
    journal_transaction_begin(transaction, journal->numbers);
    journal_transaction_add(transaction, "BEGIN");
    journal_write(transaction, batch);
    journal->agenda_statement = batch->agenda_stays ? -1 : transaction->count;
    if (!batch->agenda_stays)
        journal_transaction_add(transaction, AGENDA_SQL);
    journal_transaction_add(transaction, "COMMIT");
    journal->commit = (struct postgres_request){
        .data = journal,
        .statements = transaction->statements,
        .statement_count = transaction->count,
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
