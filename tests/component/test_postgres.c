// SPDX-License-Identifier: MPL-2.0
#include "shell/postgres.h"
#include "shell/postgres_types.h"

#include "support/loop.h"
#include "support/postgres_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct postgres_server server;

// --- one connection and what it has told ---

struct fixture {
    uv_loop_t loop;
    struct postgres *pg;
    int ups, downs, notifications, closes;
    int open_requests;  // submitted and not yet ended
    int open_when_down; // of these, when the last `down` came
    bool close_on_up, closed;
    char channel[64];
    struct error last;
};

static void on_closed(void *data)
{
    struct fixture *f = data;
    f->closed = true;
    f->closes++;
}

static void on_state(void *data, bool up, const struct error *err)
{
    struct fixture *f = data;
    if (up) {
        f->ups++;
        assert_null(err);
        if (f->close_on_up)
            postgres_close(f->pg, on_closed, f);
    } else {
        f->downs++;
        f->last = *err;
        f->open_when_down = f->open_requests;
    }
}

static void on_notify(void *data, const char *channel)
{
    struct fixture *f = data;
    f->notifications++;
    snprintf(f->channel, sizeof f->channel, "%s", channel);
}

static struct postgres_options unix_options(void)
{
    return (struct postgres_options){.name = "test",
                                     .host = server.dir,
                                     .port = server.port,
                                     .database = "postgres",
                                     .user = POSTGRES_SERVER_ADMIN};
}

static struct postgres_options tcp_options(const char *host)
{
    struct postgres_options options = unix_options();
    options.host = host;
    options.user = "tcp";
    options.password = "secret-of-tcp";
    options.sslrootcert = server.certificate;
    return options;
}

static void open_connection(struct fixture *f, const struct postgres_options *options)
{
    *f = (struct fixture){0};
    assert_int_equal(uv_loop_init(&f->loop), 0);
    f->pg = postgres_new(&f->loop, options, on_state, on_notify, f);
}

static bool is_up(void *data)
{
    return postgres_is_up(((struct fixture *)data)->pg);
}

static bool is_down_again(void *data)
{
    return ((struct fixture *)data)->downs > 0;
}

static bool is_closed(void *data)
{
    return ((struct fixture *)data)->closed;
}

static void start(struct fixture *f, const struct postgres_options *options)
{
    open_connection(f, options);
    postgres_start(f->pg);
    loop_until(&f->loop, is_up, f);
}

// Proves that nothing is left in the loop.
static void stop(struct fixture *f)
{
    if (!f->closed)
        postgres_close(f->pg, on_closed, f);
    loop_until(&f->loop, is_closed, f);
    assert_int_equal(uv_run(&f->loop, UV_RUN_NOWAIT), 0);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    assert_int_equal(f->closes, 1);
}

// --- requests ---

struct call {
    struct postgres_request request;
    struct fixture *fixture;
    struct postgres_statement statements[8];
    char rows[4096]; // "column|column\n" in text
    int row_count;
    int dones;
    enum postgres_status status;
    struct error err;
    bool pause_at_row, close_at_row;
};

static void on_row(struct postgres_request *request, int statement, const struct postgres_row *row)
{
    struct call *call = request->data;
    assert_true(statement >= 0 && statement < request->statement_count);
    assert_int_equal(call->dones, 0);
    call->row_count++;
    size_t used = strlen(call->rows);
    for (int i = 0; i < postgres_column_count(row) && used < sizeof call->rows - 100; i++) {
        char value[100];
        instant at;
        civil_date date;
        if (postgres_is_null(row, i)) {
            strcpy(value, "null");
        } else {
            switch (postgres_column_type(row, i)) {
            case POSTGRES_TYPE_BOOL:
                strcpy(value, postgres_bool(row, i) ? "true" : "false");
                break;
            case POSTGRES_TYPE_INT2:
            case POSTGRES_TYPE_INT4:
            case POSTGRES_TYPE_INT8:
                snprintf(value, sizeof value, "%lld", (long long)postgres_int8(row, i));
                break;
            case POSTGRES_TYPE_TIMESTAMPTZ:
                if (postgres_instant(row, i, &at) < 0)
                    strcpy(value, "bad");
                else
                    snprintf(value, sizeof value, "%lld", (long long)at);
                break;
            case POSTGRES_TYPE_DATE:
                if (postgres_date(row, i, &date) < 0)
                    strcpy(value, "bad");
                else
                    snprintf(value, sizeof value, "%d", date);
                break;
            default:
                snprintf(value, sizeof value, "%.60s", postgres_text(row, i, NULL));
            }
        }
        used += (size_t)snprintf(call->rows + used, sizeof call->rows - used, "%s%s", i ? "|" : "", value);
    }
    if (used < sizeof call->rows - 1)
        strcpy(call->rows + used, "\n");
    if (call->pause_at_row)
        postgres_pause(call->fixture->pg);
    if (call->close_at_row)
        postgres_close(call->fixture->pg, on_closed, call->fixture);
}

static void on_done(struct postgres_request *request, enum postgres_status status, const struct error *err)
{
    struct call *call = request->data;
    call->dones++;
    call->status = status;
    call->fixture->open_requests--;
    assert_true((err == NULL) == (status == POSTGRES_OK));
    if (err)
        call->err = *err;
}

static bool is_done(void *data)
{
    return ((struct call *)data)->dones > 0;
}

static void submit(struct fixture *f, struct call *call)
{
    struct error err;
    int count = 0;
    while (count < 8 && call->statements[count].sql)
        count++;
    call->fixture = f;
    call->request.data = call;
    call->request.statements = call->statements;
    call->request.statement_count = count;
    call->request.on_row = call->request.script ? NULL : on_row;
    call->request.on_done = on_done;
    f->open_requests++;
    assert_int_equal(postgres_submit(f->pg, &call->request, &err), 0);
    assert_int_equal(call->dones, 0);
}

static void run(struct fixture *f, struct call *call)
{
    submit(f, call);
    loop_until(&f->loop, is_done, call);
    assert_int_equal(call->dones, 1);
}

#define CALL(...)                                                                                            \
    {                                                                                                        \
        .statements = { __VA_ARGS__ }                                                                        \
    }

// --- the happy path ---

static void test_parameters_go_and_come_in_binary(void **state)
{
    (void)state;
    struct fixture f;
    struct postgres_options options = unix_options();
    start(&f, &options);
    struct postgres_params params = {0};
    postgres_param_text(&params, "sag æøå");
    postgres_param_text(&params, "");
    postgres_param_text(&params, NULL);
    postgres_param_int8(&params, INT64_MIN);
    postgres_param_bool(&params, true);
    postgres_param_instant(&params, 1779456600); // 2026-05-22 15:30 in Copenhagen
    postgres_param_instant(&params, INSTANT_NONE);
    postgres_param_date(&params, civil_from_ymd(1900, 1, 1));
    postgres_param_date(&params, CIVIL_NONE);
    struct call call = CALL({.sql = "SELECT $1, octet_length($2), $3, $4, $5, $6, $7, $8, $9,"
                                    " $6 = '2026-05-22T15:30+02', $8 = '1900-01-01'",
                             .params = &params});
    run(&f, &call);
    assert_int_equal(call.status, POSTGRES_OK);
    assert_string_equal(call.rows, "sag æøå|0|null|-9223372036854775808|true|1779456600|null|-25567|null|"
                                   "true|true\n");
    postgres_params_done(&params);
    stop(&f);
}

static void test_an_empty_text_alone_is_not_null(void **state)
{
    (void)state;
    struct fixture f;
    struct postgres_options options = unix_options();
    start(&f, &options);
    struct postgres_params params = {0};
    postgres_param_text(&params, "");
    struct call call = CALL({.sql = "SELECT $1 IS NULL, octet_length($1)", .params = &params});
    run(&f, &call);
    assert_string_equal(call.rows, "false|0\n");
    postgres_params_done(&params);
    stop(&f);
}

static void test_arrays_of_every_type(void **state)
{
    (void)state;
    struct fixture f;
    struct postgres_options options = unix_options();
    start(&f, &options);
    struct postgres_params params = {0};
    postgres_array_begin(&params, POSTGRES_TEXTS, 3);
    postgres_array_text(&params, "a");
    postgres_array_text(&params, NULL);
    postgres_array_text(&params, "");
    postgres_array_begin(&params, POSTGRES_INT8S, 3);
    for (int i = -1; i < 2; i++)
        postgres_array_int8(&params, i);
    postgres_array_begin(&params, POSTGRES_BOOLS, 3);
    for (int i = 0; i < 3; i++)
        postgres_array_bool(&params, i == 1);
    postgres_array_begin(&params, POSTGRES_INSTANTS, 3);
    postgres_array_instant(&params, 0);
    postgres_array_instant(&params, INSTANT_NONE);
    postgres_array_instant(&params, -1);
    postgres_array_begin(&params, POSTGRES_DATES, 3);
    postgres_array_date(&params, 0);
    postgres_array_date(&params, CIVIL_NONE);
    postgres_array_date(&params, 11016);
    postgres_array_begin(&params, POSTGRES_TEXTS, 0);
    struct call call = CALL({.sql = "SELECT *, cardinality($6::text[]) FROM unnest($1, $2, $3, $4, $5)"
                                    " AS t(a, b, c, d, e)",
                             .params = &params});
    run(&f, &call);
    assert_string_equal(call.rows, "a|-1|false|0|0|0\nnull|0|true|null|null|0\n|1|false|-1|11016|0\n");

    // The same list again after clear, now with the number of elements a batch has.
    postgres_params_clear(&params);
    postgres_array_begin(&params, POSTGRES_INT8S, 1000);
    for (int i = 0; i < 1000; i++)
        postgres_array_int8(&params, i);
    struct call sum = CALL({.sql = "SELECT sum(i)::int8 FROM unnest($1) AS i", .params = &params});
    run(&f, &sum);
    assert_string_equal(sum.rows, "499500\n");
    postgres_params_done(&params);
    stop(&f);
}

static void test_times_outside_the_promised_years_are_bad(void **state)
{
    (void)state;
    struct fixture f;
    struct postgres_options options = unix_options();
    start(&f, &options);
    struct call call = CALL({.sql = "SELECT 'infinity'::timestamptz, '-infinity'::timestamptz,"
                                    " '1899-12-31T23:59:59.999999Z'::timestamptz, '1900-01-01Z'::timestamptz,"
                                    " '2200-12-31T23:59:59.999999Z'::timestamptz, '2201-01-01Z'::timestamptz,"
                                    " '1999-12-31T23:59:59.5Z'::timestamptz"},
                            {.sql = "SELECT 'infinity'::date, '-infinity'::date, '1899-12-31'::date,"
                                    " '1900-01-01'::date, '2200-12-31'::date, '2201-01-01'::date,"
                                    " '4713-01-01 BC'::date, '5874897-12-31'::date"});
    run(&f, &call);
    assert_string_equal(call.rows, "bad|bad|bad|-2208988800|7289654399|bad|946684799\n"
                                   "bad|bad|bad|-25567|84370|bad|bad|bad\n");
    stop(&f);
}

static void test_pipeline_is_one_round_trip(void **state)
{
    (void)state;
    struct fixture f;
    struct postgres_options options = unix_options();
    start(&f, &options);
    struct call call = CALL({.sql = "BEGIN"}, {.sql = "CREATE TEMP TABLE t (i int)"},
                            {.sql = "INSERT INTO t SELECT generate_series(1, 7)"},
                            {.sql = "SELECT count(*), pg_current_xact_id_if_assigned() IS NOT NULL FROM t"},
                            {.sql = "UPDATE t SET i = i + 1 WHERE i > 2"}, {.sql = "COMMIT"});
    struct call next = CALL({.sql = "SELECT sum(i)::int8 FROM t"});
    submit(&f, &call);
    submit(&f, &next);
    loop_until(&f.loop, is_done, &next);
    assert_int_equal(call.dones, 1);
    assert_int_equal(call.status, POSTGRES_OK);
    assert_string_equal(call.rows, "7|true\n");
    assert_int_equal(call.request.affected, 5);
    assert_string_equal(next.rows, "33\n");
    stop(&f);
}

static void test_script_runs_several_statements(void **state)
{
    (void)state;
    struct fixture f;
    struct postgres_options options = unix_options();
    start(&f, &options);
    struct call script = CALL({.sql = "CREATE TEMP TABLE t (i int);\nINSERT INTO t VALUES (1), (2);\n"
                                      "-- a comment; with a semicolon\nSELECT 'no row is handed out';"});
    script.request.script = true;
    run(&f, &script);
    assert_int_equal(script.status, POSTGRES_OK);
    struct call broken = CALL({.sql = "BEGIN; INSERT INTO t VALUES (3); SELECT nonsense; COMMIT"});
    broken.request.script = true;
    struct call after = CALL({.sql = "SELECT count(*) FROM t"});
    submit(&f, &broken);
    submit(&f, &after);
    loop_until(&f.loop, is_done, &after);
    assert_int_equal(broken.status, POSTGRES_SQL_ERROR);
    assert_string_equal(broken.request.sqlstate, "42703");
    assert_string_equal(after.rows, "2\n");
    stop(&f);
}

struct columns {
    struct postgres_describe describe;
    char text[256];
    int dones;
    enum postgres_status status;
    struct error err;
};

static void on_column(struct postgres_describe *describe, const char *name, uint32_t type)
{
    struct columns *columns = describe->data;
    size_t used = strlen(columns->text);
    snprintf(columns->text + used, sizeof columns->text - used, "%s:%u ", name, type);
}

static void on_described(struct postgres_describe *describe, enum postgres_status status,
                         const struct error *err)
{
    struct columns *columns = describe->data;
    columns->dones++;
    columns->status = status;
    if (err)
        columns->err = *err;
}

static bool is_described(void *data)
{
    return ((struct columns *)data)->dones > 0;
}

static void describe(struct fixture *f, struct columns *columns, const char *sql)
{
    struct error err;
    *columns = (struct columns){
        .describe = {.data = columns, .sql = sql, .on_column = on_column, .on_done = on_described}};
    assert_int_equal(postgres_describe(f->pg, &columns->describe, &err), 0);
    loop_until(&f->loop, is_described, columns);
}

static void test_describe_runs_nothing(void **state)
{
    (void)state;
    struct fixture f;
    struct postgres_options options = unix_options();
    start(&f, &options);
    struct columns columns;
    describe(&f, &columns, "SELECT 1/0 AS i, 'x'::text AS t, now() AS at WHERE 'x' = ANY($1::text[])");
    assert_int_equal(columns.status, POSTGRES_OK);
    assert_string_equal(columns.text, "i:23 t:25 at:1184 ");
    describe(&f, &columns, "SELECT missing FROM pg_class");
    assert_int_equal(columns.status, POSTGRES_SQL_ERROR);
    assert_string_equal(columns.err.text, "test: column \"missing\" does not exist [SQLSTATE 42703]");
    describe(&f, &columns, "SELECT true AS b");
    assert_string_equal(columns.text, "b:16 ");
    stop(&f);
}

// --- statements that are refused ---

static void test_an_error_skips_the_rest_and_rolls_back(void **state)
{
    (void)state;
    struct fixture f;
    struct postgres_options options = unix_options();
    start(&f, &options);
    struct call prepare = CALL({.sql = "CREATE TEMP TABLE t (i int)"});
    run(&f, &prepare);
    struct call bad = CALL({.sql = "BEGIN"}, {.sql = "INSERT INTO t VALUES (1)"}, {.sql = "SELECT nonsense"},
                           {.sql = "INSERT INTO t VALUES (2)"}, {.sql = "COMMIT"});
    struct call good = CALL({.sql = "SELECT count(*) FROM t"});
    submit(&f, &bad);
    submit(&f, &good);
    loop_until(&f.loop, is_done, &good);
    assert_int_equal(bad.status, POSTGRES_SQL_ERROR);
    assert_int_equal(bad.request.failed, 2);
    assert_string_equal(bad.request.sqlstate, "42703");
    assert_int_equal(good.status, POSTGRES_OK);
    assert_string_equal(good.rows, "0\n");
    assert_int_equal(f.downs, 0);
    stop(&f);
}

static void test_an_error_between_two_requests_of_a_transaction(void **state)
{
    (void)state;
    struct fixture f;
    struct postgres_options options = unix_options();
    start(&f, &options);
    struct call begin = CALL({.sql = "BEGIN"}, {.sql = "CREATE TEMP TABLE t (i int)"});
    struct call bad = CALL({.sql = "INSERT INTO t VALUES (1)"}, {.sql = "SELECT 1/0"});
    struct call after = CALL({.sql = "SELECT to_regclass('pg_temp.t') IS NULL"});
    run(&f, &begin);
    run(&f, &bad);
    assert_string_equal(bad.request.sqlstate, "22012");
    run(&f, &after);
    assert_string_equal(after.rows, "true\n");
    stop(&f);
}

static void test_errors_do_not_quote_rows(void **state)
{
    (void)state;
    static const struct {
        const char *sql, *sqlstate, *says;
    } cases[] = {
        {"SELECT (ARRAY['Hans Hansen 010190-1234'])[1]::date", "22007",
         "invalid input syntax for type date: …"},
        {"SELECT (ARRAY['2026-02-30'])[1]::timestamptz", "22008", "date/time field value out of range: …"},
        {"SELECT (ARRAY['Hans Hansen'])[1]::int", "22P02", "invalid input syntax for type integer: …"},
        {"SELECT (ARRAY['{\"cpr\": Hans'])[1]::jsonb", "22P02", "invalid input syntax for type json"},
        {"INSERT INTO secret VALUES ('Hans Hansen')", "23505",
         "duplicate key value violates unique constraint … table=secret constraint=secret_name_key"},
        {"INSERT INTO secret VALUES ('Jens Hansen 010190-1234')", "23514", "table=secret constraint=short"},
        {"DO $$ BEGIN RAISE EXCEPTION 'CPR % of Hans is wrong', '010190-1234'; END $$", "P0001", "left out"},
        {"DO $$ BEGIN RAISE 'Hans is wrong' USING ERRCODE = '42501'; END $$", "42501", "left out"},
        {"DO $$ BEGIN RAISE 'Hans is wrong' USING ERRCODE = '22023'; END $$", "22023", "left out"},
        {"SELECT * FROM nowhere", "42P01", "relation \"nowhere\" does not exist"},
    };
    struct fixture f;
    struct postgres_options options = unix_options();
    start(&f, &options);
    struct call prepare = CALL({.sql = "CREATE TEMP TABLE secret (name text UNIQUE CONSTRAINT short"
                                       " CHECK (length(name) < 12))"},
                               {.sql = "INSERT INTO secret VALUES ('Hans Hansen')"});
    run(&f, &prepare);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct call call = CALL({.sql = cases[i].sql});
        run(&f, &call);
        assert_int_equal(call.status, POSTGRES_SQL_ERROR);
        assert_string_equal(call.request.sqlstate, cases[i].sqlstate);
        if (strstr(call.err.text, cases[i].says) == NULL)
            fail_msg("%s: %s", cases[i].sql, call.err.text);
        assert_non_null(strstr(call.err.text, cases[i].sqlstate));
        assert_null(strstr(call.err.text, "Hans"));
        assert_null(strstr(call.err.text, "1234"));
        assert_null(strstr(call.err.text, "02-30"));
    }
    assert_int_equal(f.downs, 0);
    stop(&f);
}

// --- streaming ---

static bool has_row(void *data)
{
    return ((struct call *)data)->row_count > 0;
}

static bool server_waits_for_us(void *data)
{
    (void)data;
    return strcmp(postgres_server_sql(&server, "postgres",
                                      "SELECT wait_event FROM pg_stat_activity"
                                      " WHERE application_name = 'fristd test' AND state = 'active'"),
                  "ClientWrite") == 0;
}

static void test_a_pause_holds_the_server_back(void **state)
{
    (void)state;
    struct fixture f;
    struct postgres_options options = unix_options();
    options.request_timeout_ms = 500;
    start(&f, &options);
    struct call call = CALL({.sql = "SELECT i, repeat('x', 200) FROM generate_series(1, 100000) AS i"});
    call.pause_at_row = true;
    submit(&f, &call);
    loop_until(&f.loop, has_row, &call);
    // The server can send no more: so nothing piles up here, however long we wait.
    loop_until(&f.loop, server_waits_for_us, &f);
    int before = call.row_count;
    assert_true(before < 1000);
    // Longer than the time limit, which does not run while paused.
    assert_false(loop_until_ms(&f.loop, is_done, &call, 700));
    assert_int_equal(call.row_count, before);
    assert_int_equal(f.downs, 0);
    call.pause_at_row = false;
    postgres_resume(f.pg);
    assert_int_equal(call.row_count, before); // nothing from inside the call
    loop_until(&f.loop, is_done, &call);
    assert_int_equal(call.status, POSTGRES_OK);
    assert_int_equal(call.row_count, 100000);
    stop(&f);
}

static void test_a_pause_in_each_row(void **state)
{
    (void)state;
    struct fixture f;
    struct postgres_options options = unix_options();
    start(&f, &options);
    struct call call = CALL({.sql = "SELECT i FROM generate_series(1, 1000) AS i"}, {.sql = "SELECT 1"});
    call.pause_at_row = true;
    submit(&f, &call);
    for (int i = 0; i < 1001; i++) {
        call.row_count = 0;
        loop_until(&f.loop, has_row, &call);
        assert_int_equal(call.row_count, 1);
        postgres_resume(f.pg);
    }
    loop_until(&f.loop, is_done, &call);
    assert_int_equal(call.status, POSTGRES_OK);
    stop(&f);
}

static void test_large_rows_over_tls(void **state)
{
    (void)state;
    struct fixture f;
    struct postgres_options options = tcp_options("localhost");
    start(&f, &options);
    struct call call = CALL({.sql = "SELECT repeat('x', 3000000) FROM generate_series(1, 3)"},
                            {.sql = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"});
    run(&f, &call);
    assert_int_equal(call.row_count, 4);
    assert_non_null(strstr(call.rows, "true\n"));

    struct postgres_params params = {0};
    char *large = memory_alloc(8000001);
    memset(large, 'y', 8000000);
    postgres_param_text(&params, large);
    struct call upload = CALL({.sql = "SELECT length($1)", .params = &params});
    run(&f, &upload);
    assert_string_equal(upload.rows, "8000000\n");
    postgres_params_done(&params);
    free(large);
    stop(&f);
}

// --- notifications ---

static bool is_notified(void *data)
{
    return ((struct fixture *)data)->notifications > 0;
}

static void test_notify_wakes(void **state)
{
    (void)state;
    struct fixture f;
    struct postgres_options options = unix_options();
    open_connection(&f, &options);
    postgres_add_prelude(f.pg, "SET TIME ZONE 'Europe/Copenhagen'");
    postgres_add_prelude(f.pg, "LISTEN fristd");
    postgres_start(f.pg);
    loop_until(&f.loop, is_up, &f);
    postgres_server_sql(&server, "postgres", "NOTIFY elsewhere; NOTIFY fristd");
    loop_until(&f.loop, is_notified, &f);
    assert_string_equal(f.channel, "fristd");
    assert_int_equal(f.notifications, 1);

    // One that comes while a transaction of ours is open is in libpq's queue after the COMMIT, without the
    // socket becoming readable again.
    f.notifications = 0;
    struct call begin = CALL({.sql = "BEGIN"}, {.sql = "SELECT current_setting('TimeZone')"});
    run(&f, &begin);
    assert_string_equal(begin.rows, "Europe/Copenhagen\n");
    postgres_server_sql(&server, "postgres", "NOTIFY fristd");
    struct call commit = CALL({.sql = "COMMIT"});
    run(&f, &commit);
    loop_until(&f.loop, is_notified, &f);
    stop(&f);
}

static void test_a_prelude_that_is_refused(void **state)
{
    (void)state;
    struct fixture f;
    struct postgres_options options = unix_options();
    open_connection(&f, &options);
    postgres_add_prelude(f.pg, "SET search_path = 'fristd'");
    postgres_add_prelude(f.pg, "SELECT * FROM nowhere");
    postgres_start(f.pg);
    loop_until(&f.loop, is_down_again, &f);
    assert_int_equal(f.ups, 0);
    assert_non_null(
        strstr(f.last.text, "test: relation \"nowhere\" does not exist [SQLSTATE 42P01]; next try in"));
    stop(&f);
}

// --- lost and found again ---

static void test_server_killed_in_the_middle(void **state)
{
    (void)state;
    struct fixture f;
    struct postgres_options options = unix_options();
    start(&f, &options);
    struct call running = CALL({.sql = "SELECT 1"}, {.sql = "SELECT pg_sleep(100)"});
    struct call queued = CALL({.sql = "SELECT 2"});
    submit(&f, &running);
    submit(&f, &queued);
    assert_false(loop_until_ms(&f.loop, is_done, &running, 20));
    postgres_server_crash(&server);
    loop_until(&f.loop, is_down_again, &f);
    assert_int_equal(running.status, POSTGRES_LOST);
    assert_int_equal(running.dones, 1);
    assert_int_equal(queued.status, POSTGRES_LOST);
    assert_int_equal(queued.dones, 1);
    assert_int_equal(f.open_when_down, 0); // the requests ended first
    assert_non_null(strstr(f.last.text, "; next try in "));
    struct error err;
    assert_int_equal(postgres_submit(f.pg, &queued.request, &err), -1);
    assert_string_equal(err.text, "test: there is no connection to the database");
    postgres_server_restart(&server);
    loop_until(&f.loop, is_up, &f);
    assert_int_equal(f.ups, 2);
    struct call again = CALL({.sql = "SELECT 3"});
    run(&f, &again);
    assert_string_equal(again.rows, "3\n");
    stop(&f);
}

static void test_ended_by_an_administrator_while_idle(void **state)
{
    (void)state;
    struct fixture f;
    struct postgres_options options = unix_options();
    start(&f, &options);
    postgres_server_sql(&server, "postgres",
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                        " WHERE application_name = 'fristd test'");
    loop_until(&f.loop, is_down_again, &f);
    assert_non_null(
        strstr(f.last.text, "terminating connection due to administrator command [SQLSTATE 57P01]"));
    loop_until(&f.loop, is_up, &f);
    stop(&f);
}

static void test_a_server_that_stands_still(void **state)
{
    (void)state;
    struct fixture f;
    struct postgres_options options = unix_options();
    options.request_timeout_ms = 100;
    start(&f, &options);
    struct call who = CALL({.sql = "SELECT pg_backend_pid()"});
    run(&f, &who);
    pid_t backend = (pid_t)atoi(who.rows);
    assert_int_equal(kill(backend, SIGSTOP), 0);
    struct call call = CALL({.sql = "SELECT 1"});
    run(&f, &call);
    assert_int_equal(call.status, POSTGRES_LOST);
    assert_string_equal(call.err.text,
                        "test: the server gave no sign of life for 100 ms while a request was running");
    assert_int_equal(kill(backend, SIGCONT), 0);
    loop_until(&f.loop, is_up, &f);
    stop(&f);
}

static void test_signs_of_life_extend_the_time_limit(void **state)
{
    (void)state;
    struct fixture f;
    struct postgres_options options = unix_options();
    options.request_timeout_ms = 150;
    start(&f, &options);
    // 9 kB a row, so that each goes out at once; 0.6 s in all.
    struct call call = CALL({.sql = "SELECT repeat('x', 9000), pg_sleep(0.06) FROM generate_series(1, 10)"});
    run(&f, &call);
    assert_int_equal(call.status, POSTGRES_OK);
    assert_int_equal(call.row_count, 10);
    stop(&f);
}

static void expect_refusal(const struct postgres_options *options, const char *says)
{
    struct fixture f;
    open_connection(&f, options);
    postgres_start(f.pg);
    assert_int_equal(f.downs, 0);
    loop_until(&f.loop, is_down_again, &f);
    assert_int_equal(f.ups, 0);
    if (strstr(f.last.text, says) == NULL)
        fail_msg("%s", f.last.text);
    assert_null(strstr(f.last.text, "secret-of"));
    stop(&f);
}

static void test_refused_when_connecting(void **state)
{
    (void)state;
    struct postgres_options options = tcp_options("localhost");
    options.password = "secret-of-somebody-else";
    expect_refusal(&options, "password authentication failed for user \"tcp\"");
    options = unix_options();
    options.host = "/nonexistent";
    expect_refusal(&options, "No such file or directory");
    options = unix_options();
    options.database = "missing";
    expect_refusal(&options, "database \"missing\" does not exist");
    options = tcp_options("localhost");
    options.sslrootcert = "/nonexistent/ca.pem";
    expect_refusal(&options, "/nonexistent/ca.pem");
    options = tcp_options("a..b");
    expect_refusal(&options, "a..b");
}

static void test_certificate_must_be_for_the_host(void **state)
{
    (void)state;
    struct postgres_options options = tcp_options("127.0.0.1");
    expect_refusal(&options, "does not match host name \"127.0.0.1\"");
    options.sslmode = "verify-ca";
    struct fixture f;
    start(&f, &options);
    stop(&f);
    // Without a CA of one's own the system's decide, and they do not know this one.
    options = tcp_options("localhost");
    options.sslrootcert = NULL;
    expect_refusal(&options, "certificate verify failed");
}

static void test_all_addresses_of_a_name_are_tried(void **state)
{
    (void)state;
    // The server listens on 127.0.0.1 alone; where localhost is ::1 as well, that one refuses first.
    struct fixture f;
    struct postgres_options options = tcp_options("localhost");
    start(&f, &options);
    assert_int_equal(f.downs, 0);
    stop(&f);
}

static void test_a_name_that_does_not_exist_holds_nothing_up(void **state)
{
    (void)state;
    struct fixture f;
    struct postgres_options options = tcp_options("database.invalid");
    options.connect_timeout_ms = 500;
    open_connection(&f, &options);
    struct loop_gap gap;
    loop_gap_start(&f.loop, &gap);
    postgres_start(f.pg);
    loop_until(&f.loop, is_down_again, &f);
    assert_true(loop_gap_stop_ms(&gap) < 400); // a resolver that is asked in vain takes seconds
    assert_non_null(strstr(f.last.text, "database.invalid"));
    stop(&f);
}

static void test_a_server_that_accepts_and_is_silent(void **state)
{
    (void)state;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    struct postgres_options options = tcp_options("127.0.0.1");
    options.port = ntohs(address.sin_port);
    options.connect_timeout_ms = 50;
    expect_refusal(&options, "no answer from 127.0.0.1 port");
    close(fd);
}

// --- closing ---

static void test_close_ends_what_is_outstanding(void **state)
{
    (void)state;
    struct fixture f;
    struct postgres_options options = unix_options();
    start(&f, &options);
    struct call running = CALL({.sql = "SELECT pg_sleep(100)"}), queued = CALL({.sql = "SELECT 1"});
    submit(&f, &running);
    submit(&f, &queued);
    postgres_close(f.pg, on_closed, &f);
    assert_int_equal(running.dones + queued.dones, 0);
    loop_until(&f.loop, is_closed, &f);
    assert_int_equal(running.status, POSTGRES_CLOSED);
    assert_int_equal(queued.status, POSTGRES_CLOSED);
    assert_int_equal(running.dones, 1);
    assert_int_equal(queued.dones, 1);
    stop(&f);
}

static void test_close_from_inside_a_callback(void **state)
{
    (void)state;
    struct fixture f;
    struct postgres_options options = unix_options();
    start(&f, &options);
    struct call call = CALL({.sql = "SELECT generate_series(1, 10)"});
    call.close_at_row = true;
    submit(&f, &call);
    loop_until(&f.loop, is_closed, &f);
    assert_int_equal(call.row_count, 1);
    assert_int_equal(call.status, POSTGRES_CLOSED);
    stop(&f);

    open_connection(&f, &options);
    f.close_on_up = true;
    postgres_start(f.pg);
    loop_until(&f.loop, is_closed, &f);
    stop(&f);
}

static void test_close_in_every_early_state(void **state)
{
    (void)state;
    struct postgres_options options[] = {unix_options(), tcp_options("localhost"), tcp_options("127.0.0.1")};
    options[2].sslmode = "verify-ca";
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        for (int turns = -1; turns < 12; turns++) {
            struct fixture f;
            open_connection(&f, &options[i]);
            if (turns >= 0)
                postgres_start(f.pg);
            for (int turn = 0; turn < turns && !postgres_is_up(f.pg); turn++)
                uv_run(&f.loop, UV_RUN_ONCE);
            stop(&f);
        }
    }
}

static int start_server(void **state)
{
    (void)state;
    postgres_server_start(&server);
    postgres_server_sql(&server, "postgres", "CREATE ROLE tcp LOGIN PASSWORD 'secret-of-tcp'");
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    postgres_server_stop(&server);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parameters_go_and_come_in_binary),
        cmocka_unit_test(test_an_empty_text_alone_is_not_null),
        cmocka_unit_test(test_arrays_of_every_type),
        cmocka_unit_test(test_times_outside_the_promised_years_are_bad),
        cmocka_unit_test(test_pipeline_is_one_round_trip),
        cmocka_unit_test(test_script_runs_several_statements),
        cmocka_unit_test(test_describe_runs_nothing),
        cmocka_unit_test(test_an_error_skips_the_rest_and_rolls_back),
        cmocka_unit_test(test_an_error_between_two_requests_of_a_transaction),
        cmocka_unit_test(test_errors_do_not_quote_rows),
        cmocka_unit_test(test_a_pause_holds_the_server_back),
        cmocka_unit_test(test_a_pause_in_each_row),
        cmocka_unit_test(test_large_rows_over_tls),
        cmocka_unit_test(test_notify_wakes),
        cmocka_unit_test(test_a_prelude_that_is_refused),
        cmocka_unit_test(test_server_killed_in_the_middle),
        cmocka_unit_test(test_ended_by_an_administrator_while_idle),
        cmocka_unit_test(test_a_server_that_stands_still),
        cmocka_unit_test(test_signs_of_life_extend_the_time_limit),
        cmocka_unit_test(test_refused_when_connecting),
        cmocka_unit_test(test_certificate_must_be_for_the_host),
        cmocka_unit_test(test_all_addresses_of_a_name_are_tried),
        cmocka_unit_test(test_a_name_that_does_not_exist_holds_nothing_up),
        cmocka_unit_test(test_a_server_that_accepts_and_is_silent),
        cmocka_unit_test(test_close_ends_what_is_outstanding),
        cmocka_unit_test(test_close_from_inside_a_callback),
        cmocka_unit_test(test_close_in_every_early_state),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
