// SPDX-License-Identifier: MPL-2.0
// Every call to libpq and libuv that can fail is made to fail, the first, the second, … until none is left,
// once and three times in a row. However it comes, the case database is found again and read right.
#include "shell/casedb.h"
#include "shell/log.h"
#include "shell/zone_file.h"

#include "support/loop.h"
#include "support/postgres_server.h"

#include <libpq-fe.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static struct postgres_server server;
static struct zone *zone;

// --- faults by countdown: the linker sends these calls here (--wrap) ---

static int calls_until_fault, faults_left;

static bool fails_now(void)
{
    if (calls_until_fault > 0) {
        calls_until_fault--;
        return false;
    }
    if (faults_left == 0)
        return false;
    faults_left--;
    return true;
}

#define WRAP(type, name, failure, parameters, arguments)                                                     \
    type __real_##name parameters;                                                                           \
    type __wrap_##name parameters;                                                                           \
    type __wrap_##name parameters                                                                            \
    {                                                                                                        \
        return fails_now() ? (failure) : __real_##name arguments;                                            \
    }

WRAP(PostgresPollingStatusType, PQconnectPoll, PGRES_POLLING_FAILED, (PGconn * conn), (conn))
WRAP(int, PQsetnonblocking, -1, (PGconn * conn, int arg), (conn, arg))
WRAP(int, PQenterPipelineMode, 0, (PGconn * conn), (conn))
WRAP(int, PQsendQueryParams, 0,
     (PGconn * conn, const char *command, int nParams, const Oid *paramTypes, const char *const *paramValues,
      const int *paramLengths, const int *paramFormats, int resultFormat),
     (conn, command, nParams, paramTypes, paramValues, paramLengths, paramFormats, resultFormat))
WRAP(int, PQsendPrepare, 0,
     (PGconn * conn, const char *stmtName, const char *query, int nParams, const Oid *paramTypes),
     (conn, stmtName, query, nParams, paramTypes))
WRAP(int, PQsendDescribePrepared, 0, (PGconn * conn, const char *stmt), (conn, stmt))
WRAP(int, PQpipelineSync, 0, (PGconn * conn), (conn))
WRAP(int, PQflush, -1, (PGconn * conn), (conn))
WRAP(int, PQconsumeInput, 0, (PGconn * conn), (conn))
WRAP(int, uv_poll_init, UV_EMFILE, (uv_loop_t * loop, uv_poll_t *handle, int fd), (loop, handle, fd))
WRAP(int, uv_poll_start, UV_ENOMEM, (uv_poll_t * handle, int events, uv_poll_cb cb), (handle, events, cb))

// A pooler in between: notifications go to whoever has the server's session just then.
static bool deaf;
PGnotify *__real_PQnotifies(PGconn *conn);
PGnotify *__wrap_PQnotifies(PGconn *conn);
PGnotify *__wrap_PQnotifies(PGconn *conn)
{
    PGnotify *notify;
    while ((notify = __real_PQnotifies(conn)) != NULL && deaf)
        PQfreemem(notify);
    return notify;
}

// Nobody waits for a backoff: a thousandth of it will do.
int __real_uv_timer_start(uv_timer_t *timer, uv_timer_cb cb, uint64_t timeout, uint64_t repeat);
int __wrap_uv_timer_start(uv_timer_t *timer, uv_timer_cb cb, uint64_t timeout, uint64_t repeat);
int __wrap_uv_timer_start(uv_timer_t *timer, uv_timer_cb cb, uint64_t timeout, uint64_t repeat)
{
    bool is_backoff = timeout >= 500 && timeout <= 8000;
    return __real_uv_timer_start(timer, cb, is_backoff ? timeout / 1000 : timeout, repeat);
}

// --- the case database, read again until it succeeds ---

struct fixture {
    uv_loop_t loop;
    struct casedb *db;
    struct casedb_read read;
    enum casedb_what what;
    bool up, reading, complete, closed;
    size_t cases, events, people;
    int downs;
};

static void try_read(struct fixture *f);

static void on_state(void *data, bool up, const struct error *err)
{
    struct fixture *f = data;
    f->up = up;
    if (up) {
        try_read(f);
        return;
    }
    f->downs++;
    assert_true(strlen(err->text) > 0);
    assert_false(f->reading); // it has ended before
}

static void on_wake(void *data)
{
    (void)data;
}

static void on_people(struct casedb_read *read, const struct people *people)
{
    ((struct fixture *)read->data)->people = people->person_count;
}

static void on_case(struct casedb_read *read, const struct casefile *casefile, const struct fault *faults,
                    size_t fault_count)
{
    struct fixture *f = read->data;
    (void)faults;
    assert_int_equal(fault_count, 0);
    f->cases++;
    f->events += casefile->event_count;
    if (f->cases == 1)
        casedb_pause(f->db);
    casedb_resume(f->db);
}

static void on_gone(struct casedb_read *read, const char *case_id)
{
    (void)read;
    fail_msg("%s is gone", case_id);
}

static void on_fault(struct casedb_read *read, const char *case_id, const struct fault *fault)
{
    (void)read;
    fail_msg("%s: %s", case_id, fault->reason);
}

static void on_done(struct casedb_read *read, enum postgres_status status, const char *cursor,
                    const struct error *err)
{
    struct fixture *f = read->data;
    assert_true(f->reading);
    f->reading = false;
    assert_true(status == POSTGRES_OK || status == POSTGRES_LOST);
    assert_int_equal(status == POSTGRES_OK, *cursor != '\0');
    assert_int_equal(status == POSTGRES_OK, err == NULL);
    if (status == POSTGRES_OK)
        f->complete = true;
    else
        try_read(f);
}

// A refusal is not the end: the next on_state(up) tries again.
static void try_read(struct fixture *f)
{
    struct error err;
    if (f->reading || f->complete)
        return;
    f->cases = f->events = f->people = 0;
    f->read = (struct casedb_read){.data = f,
                                   .what = f->what,
                                   .cursor = "0",
                                   .on_people = on_people,
                                   .on_case = on_case,
                                   .on_gone = on_gone,
                                   .on_fault = on_fault,
                                   .on_done = on_done};
    f->reading = true;
    if (casedb_read(f->db, &f->read, &err) < 0)
        f->reading = false;
}

static bool is_complete(void *data)
{
    return ((struct fixture *)data)->complete;
}

static bool is_closed(void *data)
{
    return ((struct fixture *)data)->closed;
}

static void on_closed(void *data)
{
    ((struct fixture *)data)->closed = true;
}

static void expect_everything(struct fixture *f)
{
    loop_until(&f->loop, is_complete, f);
    assert_int_equal(f->cases, 1010);
    assert_int_equal(f->events, 1010);
    assert_int_equal(f->people, 1);
}

static void open_casedb(struct fixture *f)
{
    struct casedb_options options = {.server = {.host = server.dir,
                                                .port = server.port,
                                                .database = "postgres",
                                                .user = POSTGRES_SERVER_ADMIN},
                                     .notify_channel = "fristd"};
    assert_int_equal(uv_loop_init(&f->loop), 0);
    f->db = casedb_new(&f->loop, &options, zone, on_state, on_wake, f);
    casedb_start(f->db);
}

static void close_casedb(struct fixture *f)
{
    casedb_close(f->db, on_closed, f);
    loop_until(&f->loop, is_closed, f);
    assert_int_equal(uv_loop_close(&f->loop), 0);
}

// Connects, reads everything, then what has changed, and closes.
static void live_through(void)
{
    struct fixture f = {.what = CASEDB_ALL};
    open_casedb(&f);
    expect_everything(&f);
    f.what = CASEDB_CHANGES;
    f.complete = false;
    try_read(&f);
    expect_everything(&f);
    close_casedb(&f);
}

static void test_any_call_may_fail(void **state)
{
    (void)state;
    int first = 0;
    do {
        calls_until_fault = first;
        faults_left = first % 2 ? 3 : 1;
        live_through();
        first++;
    } while (faults_left == 0);
    assert_true(first > 100); // it did reach deep
}

static bool is_notified(void *data)
{
    return casedb_is_notified(((struct fixture *)data)->db);
}

static void test_a_deaf_listener_harms_nothing(void **state)
{
    (void)state;
    for (int round = 0; round < 2; round++) {
        struct fixture f = {.what = CASEDB_ALL};
        deaf = round == 0;
        open_casedb(&f);
        expect_everything(&f);
        assert_int_equal(loop_until_ms(&f.loop, is_notified, &f, deaf ? 200 : LOOP_PATIENCE_MS), !deaf);
        close_casedb(&f);
    }
}

static int start_server(void **state)
{
    (void)state;
    struct error err;
    log_set_level(LOG_LEVEL_ERROR);
    if (zone_load("Europe/Copenhagen", &zone, &err) < 0)
        return -1;
    postgres_server_start(&server);
    postgres_server_sql_file(&server, "postgres", FRISTD_SOURCE_DIR "/config/sql/example.sql");
    postgres_server_sql_file(&server, "postgres", FRISTD_SOURCE_DIR "/config/sql/contract.sql");
    postgres_server_sql(
        &server, "postgres",
        "INSERT INTO fagsystem.enhed VALUES ('fam', '', NULL);"
        "INSERT INTO fagsystem.medarbejder VALUES ('mip', '', 'mip@kommunen.example');"
        "INSERT INTO fagsystem.sag SELECT 'S-' || i, 'barn', 'fam', 'mip' FROM"
        " generate_series(1, 1010) AS i;"
        "INSERT INTO fagsystem.haendelse (sagsnr, art, tidspunkt) SELECT 'S-' || i, 'k', '2026-01-01'"
        " FROM generate_series(1, 1010) AS i; ANALYZE");
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    postgres_server_stop(&server);
    zone_free(zone);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_call_may_fail),
        cmocka_unit_test(test_a_deaf_listener_harms_nothing),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
