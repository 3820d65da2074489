// SPDX-License-Identifier: MPL-2.0
// One connection, from start to close:
//
//    WAITING ──timer──▶ LOOKING_UP ──addresses──▶ CONNECTING ──▶ PREPARING ──prelude has run──▶ UP
//       ▲                   │                      │    ▲            │                          │
//       │                   │        next address  └────┘            │                          │
//       └───── lose() ◀─────┴──────────────────────┴─────────────────┴──────────────────────────┘
//
// A numeric address or a unix socket goes from WAITING straight to CONNECTING. Any state goes to CLOSING.
//
// The happy path of a request: submit queues it; when the one before is done its statements are sent as one
// pipeline with one sync; rows are handed out as they come; the result of the sync ends it and sends the
// next.
//
// How it can fail:
// - The server refuses a statement: the rest of the pipeline is skipped up to the sync; if that left an open
//   transaction, a ROLLBACK goes out before anything else.
// - The connection breaks, or gives no sign of life for request_timeout_ms while a request runs: everything
//   outstanding ends with POSTGRES_LOST, then on_state(down), then tries begin again. (PQcancel would block,
//   and a server that is stopped answers nothing, so a socket is simply closed;
//   client_connection_check_interval lets the server see that.)
// - Sending fails inside submit: noted, and dealt with in the next turn, since a callback never comes from
//   inside the submitting call.
//
// Traps of the libraries that the code below steps around:
// - PQconnectPoll may swap the kernel's socket and keep its number, so uv_poll_start follows each call of it.
// - connect_timeout is ignored by the asynchronous calls: the time limits are all ours.
// - PQgetResult blocks unless PQisBusy said no right before, also after the NULL that ends a result.
// - Notifications wait in libpq's own queue without the socket becoming readable: taken after every result.
// - On a socket error uv_poll reports UV_EBADF and stops: treated as readable, libpq finds out the reason.
// - A TLS record larger than libpq's buffer leaves bytes in OpenSSL that no poll reports.
#include "shell/postgres.h"

#include "shell/lookup.h"
#include "shell/postgres_result.h"

#include <assert.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT_TIMEOUT_MS   10000
#define REQUEST_TIMEOUT_MS   60000
#define FIRST_RETRY_MS       1000
#define LAST_RETRY_MS        60000
#define SECOND_LOOK_MS       50 // a time limit that passes may be the loop's fault: look at the socket once more
#define UNIX_SOCKET_DIR      "/var/run/postgresql"
#define SYSTEM_CERTIFICATES  "/etc/ssl/certs/ca-certificates.crt"
#define SERVER_CHECKS_CLIENT "5s" // client_connection_check_interval

enum state { STOPPED, WAITING, LOOKING_UP, CONNECTING, PREPARING, UP, CLOSING };

// A poll handle lives on until libuv has let go of it, longer than the connection it watches.
struct watch {
    uv_poll_t handle;
    int fd;
    struct postgres *pg;
};

struct postgres {
    uv_loop_t *loop;
    struct arena strings;
    struct postgres_options options; // its strings lie in the arena
    postgres_on_state on_state;
    postgres_on_notify on_notify;
    postgres_on_closed on_closed;
    void *data, *closed_data;

    enum state state;
    struct lookup *lookup; // NULL on a unix socket
    size_t address;        // the one that is being tried
    unsigned failed_tries;
    uint64_t jitter;
    uv_timer_t timer; // next try, or the time limit of what is going on
    uv_idle_t kick;   // something to do in the next turn of the loop
    int open_handles; // timer, kick, watches, look-up: freed when none is left

    PGconn *conn;
    struct watch *watch;
    bool want_write;
    bool broken;          // sending has failed: lose the connection in the next turn
    struct error trouble; // why the last address did not answer; what the server said last

    struct postgres_statement *prelude_statements;
    int prelude_count, prelude_capacity;
    struct postgres_request prelude, rollback;
    struct postgres_request *first, **end; // queued
    struct postgres_request *running;
    int statement;              // of `running`, whose results come now
    struct error request_error; // of `running`
    bool paused;
    uint64_t alive_at; // last sign of life
    bool second_look;
};

static void connect_next(struct postgres *pg);

static void enter(struct postgres *pg, enum state state)
{
    static const unsigned from[] = {
        [WAITING] = 1u << STOPPED | 1u << LOOKING_UP | 1u << CONNECTING | 1u << PREPARING | 1u << UP,
        [LOOKING_UP] = 1u << WAITING,
        [CONNECTING] = 1u << WAITING | 1u << LOOKING_UP | 1u << CONNECTING,
        [PREPARING] = 1u << CONNECTING,
        [UP] = 1u << PREPARING,
        [CLOSING] = ~(1u << CLOSING),
    };
    assert(from[state] & 1u << pg->state);
    pg->state = state;
}

// --- what goes wrong, in words ---

// After PQsetErrorVerbosity(SQLSTATE) libpq's own message quotes nothing.
static void describe_connection_error(struct postgres *pg, struct error *err)
{
    if (pg->trouble.text[0])
        *err = pg->trouble;
    else
        postgres_say(pg->options.name,
                     *PQerrorMessage(pg->conn) ? PQerrorMessage(pg->conn) : "the connection broke", err);
}

// A server that ends an idle connection says why in a message that libpq takes for a notice.
static void on_notice(void *data, const PGresult *result)
{
    struct postgres *pg = data;
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    if (severity && (strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0)) {
        char sqlstate[6];
        postgres_say_server_error(pg->options.name, result, sqlstate, &pg->trouble);
    }
}

// --- handles ---

static void end_queued(struct postgres *pg)
{
    const struct error closed = {"the connection was closed by us"};
    while (pg->first) {
        struct postgres_request *request = pg->first;
        pg->first = request->next;
        request->on_done(request, POSTGRES_CLOSED, &closed);
    }
}

// Timer and kick are open until postgres_close, so the last one to go is the end of it all.
static void release(struct postgres *pg)
{
    if (--pg->open_handles > 0)
        return;
    assert(pg->state == CLOSING);
    end_queued(pg);
    postgres_on_closed on_closed = pg->on_closed;
    void *data = pg->closed_data;
    free(pg->prelude_statements);
    arena_done(&pg->strings);
    free(pg);
    on_closed(data);
}

static void on_handle_closed(uv_handle_t *handle)
{
    release(handle->data);
}

static void on_lookup_closed(void *data)
{
    release(data);
}

static void on_watch_closed(uv_handle_t *handle)
{
    struct watch *watch = handle->data;
    struct postgres *pg = watch->pg;
    free(watch);
    release(pg);
}

static void unwatch(struct postgres *pg)
{
    if (pg->watch == NULL)
        return;
    uv_close((uv_handle_t *)&pg->watch->handle, on_watch_closed);
    pg->watch = NULL;
}

static void drop_connection(struct postgres *pg)
{
    unwatch(pg); // before libpq closes the descriptor
    PQfinish(pg->conn);
    pg->conn = NULL;
    pg->want_write = pg->broken = pg->paused = pg->second_look = false;
    uv_timer_stop(&pg->timer);
    uv_idle_stop(&pg->kick);
}

// --- lost, and found again ---

static uint64_t next_random(struct postgres *pg)
{
    // xorshift64: only to keep many clients of one server apart
    pg->jitter ^= pg->jitter << 13;
    pg->jitter ^= pg->jitter >> 7;
    pg->jitter ^= pg->jitter << 17;
    return pg->jitter;
}

static uint64_t retry_delay_ms(struct postgres *pg)
{
    uint64_t delay = FIRST_RETRY_MS;
    for (unsigned i = 0; i < pg->failed_tries && delay < LAST_RETRY_MS; i++)
        delay *= 2;
    if (delay > LAST_RETRY_MS)
        delay = LAST_RETRY_MS;
    return delay - next_random(pg) % (delay / 5);
}

static void on_timer(uv_timer_t *timer);

// Ends everything outstanding, tells that the connection is not up, and waits for the next try.
static void lose(struct postgres *pg, const struct error *reason)
{
    struct error err = *reason; // which may stand in what goes now
    drop_connection(pg);
    enter(pg, WAITING);
    struct postgres_request *request = pg->running;
    pg->running = NULL;
    if (request && request != &pg->rollback && request != &pg->prelude) {
        request->next = pg->first;
        pg->first = request;
        if (request->next == NULL)
            pg->end = &request->next;
    }
    while (pg->first && pg->state == WAITING) {
        request = pg->first;
        pg->first = request->next;
        if (pg->first == NULL)
            pg->end = &pg->first;
        request->on_done(request, POSTGRES_LOST, &err);
    }
    if (pg->state != WAITING)
        return; // closed by one of them
    uint64_t delay = retry_delay_ms(pg);
    pg->failed_tries++;
    uv_timer_start(&pg->timer, on_timer, delay, 0);
    size_t used = strlen(err.text);
    if (used > sizeof err.text - 40)
        used = sizeof err.text - 40;
    snprintf(err.text + used, sizeof err.text - used, "; next try in %llu.%llu s",
             (unsigned long long)delay / 1000, (unsigned long long)delay % 1000 / 100);
    pg->on_state(pg->data, false, &err);
}

static void on_looked_up(void *data, const struct error *err)
{
    struct postgres *pg = data;
    if (pg->state != LOOKING_UP)
        return; // came late; the addresses are there for the next try
    uv_timer_stop(&pg->timer);
    pg->trouble.text[0] = '\0';
    if (err)
        error_set(&pg->trouble, "%s: %s", pg->options.name, err->text);
    pg->address = 0;
    connect_next(pg);
}

static void try_connect(struct postgres *pg)
{
    pg->address = 0;
    pg->trouble.text[0] = '\0';
    if (pg->lookup == NULL || !lookup_is_needed(pg->lookup)) {
        connect_next(pg);
        return;
    }
    enter(pg, LOOKING_UP);
    struct error err;
    if (lookup_start(pg->lookup, &err) == 0) {
        uv_timer_start(&pg->timer, on_timer, (uint64_t)pg->options.connect_timeout_ms, 0);
        return;
    }
    error_prefix(&err, "%s", pg->options.name);
    lose(pg, &err);
}

// --- connecting ---

static bool verifies_certificate(const char *sslmode)
{
    return strcmp(sslmode, "verify-full") == 0 || strcmp(sslmode, "verify-ca") == 0;
}

static PGconn *start_connection(struct postgres *pg)
{
    const struct postgres_options *options = &pg->options;
    bool tcp = pg->lookup != NULL;
    char port[16], application[80], patience[16];
    snprintf(port, sizeof port, "%d", options->port);
    snprintf(application, sizeof application, "fristd %s", options->name);
    snprintf(patience, sizeof patience, "%d", options->request_timeout_ms);
    const char *rootcert = options->sslrootcert;
    if (tcp && rootcert == NULL && verifies_certificate(options->sslmode))
        rootcert = SYSTEM_CERTIFICATES;
    const struct {
        const char *key, *value;
    } parameters[] = {
        {"host", options->host},
        {"hostaddr", tcp ? lookup_address(pg->lookup, pg->address) : NULL},
        {"port", port},
        {"dbname", options->database},
        {"user", options->user},
        {"password", options->password},
        {"application_name", application},
        {"client_encoding", "UTF8"},
        {"sslmode", tcp ? options->sslmode : "disable"},
        {"sslrootcert", rootcert},
        {"sslcert", options->sslcert},
        {"sslkey", options->sslkey},
        {"gssencmode", "disable"},
        // A peer that is gone shows while idle or while a query runs (keepalives), and while data of ours is
        // on the way (tcp_user_timeout). One that is only stopped shows to our own time limit.
        {"keepalives_idle", "30"},
        {"keepalives_interval", "10"},
        {"keepalives_count", "3"},
        {"tcp_user_timeout", patience},
    };
    enum { COUNT = sizeof parameters / sizeof parameters[0] };
    const char *keys[COUNT + 1] = {0}, *values[COUNT + 1] = {0};
    for (size_t i = 0; i < COUNT; i++) {
        keys[i] = parameters[i].key;
        values[i] = parameters[i].value;
    }
    PGconn *conn = PQconnectStartParams(keys, values, 0);
    if (conn == NULL)
        abort(); // out of memory
    return conn;
}

static void on_socket(uv_poll_t *handle, int status, int events);

static int watch_socket(struct postgres *pg, int events)
{
    int fd = PQsocket(pg->conn);
    if (fd < 0)
        return -1; // libpq has closed it
    if (pg->watch && pg->watch->fd != fd)
        unwatch(pg);
    if (pg->watch == NULL) {
        struct watch *watch = memory_alloc(sizeof *watch);
        if (uv_poll_init(pg->loop, &watch->handle, fd) != 0) {
            free(watch);
            return -1;
        }
        watch->handle.data = watch;
        watch->fd = fd;
        watch->pg = pg;
        pg->watch = watch;
        pg->open_handles++;
    }
    return events ? uv_poll_start(&pg->watch->handle, events, on_socket) : uv_poll_stop(&pg->watch->handle);
}

static size_t address_count(const struct postgres *pg)
{
    return pg->lookup ? lookup_count(pg->lookup) : 1;
}

// libpq says nothing where it was not libpq that failed.
static void note_failed_connection(struct postgres *pg)
{
    const char *message = PQerrorMessage(pg->conn);
    postgres_say(pg->options.name, *message ? message : "the socket cannot be watched", &pg->trouble);
}

// The address did not do: the next one, or wait.
static void next_address(struct postgres *pg)
{
    drop_connection(pg);
    pg->address++;
    connect_next(pg);
}

static void connect_next(struct postgres *pg)
{
    if (pg->state != LOOKING_UP || address_count(pg) > 0)
        enter(pg, CONNECTING);
    for (; pg->address < address_count(pg); pg->address++) {
        pg->conn = start_connection(pg);
        if (PQstatus(pg->conn) != CONNECTION_BAD && watch_socket(pg, UV_WRITABLE) == 0) {
            uv_timer_start(&pg->timer, on_timer, (uint64_t)pg->options.connect_timeout_ms, 0);
            return;
        }
        note_failed_connection(pg);
        drop_connection(pg);
    }
    if (pg->trouble.text[0] == '\0')
        error_set(&pg->trouble, "%s: the name %s has no address", pg->options.name, pg->options.host);
    lose(pg, &pg->trouble);
}

// libpq refuses where there are no rows to come, and all is well.
static void take_row_by_row(struct postgres *pg)
{
    if (!pg->running->few)
        PQsetSingleRowMode(pg->conn);
}

static void start_request(struct postgres *pg, struct postgres_request *request);

static void prepare_connection(struct postgres *pg)
{
    enter(pg, PREPARING);
    uv_timer_stop(&pg->timer);
    pg->trouble.text[0] = '\0';
    PQsetErrorVerbosity(pg->conn, PQERRORS_SQLSTATE);
    PQsetNoticeReceiver(pg->conn, on_notice, pg);
    if (PQsetnonblocking(pg->conn, 1) != 0 || PQenterPipelineMode(pg->conn) != 1) {
        struct error err;
        describe_connection_error(pg, &err);
        lose(pg, &err);
        return;
    }
    pg->prelude.statements = pg->prelude_statements;
    pg->prelude.statement_count = pg->prelude_count;
    start_request(pg, &pg->prelude);
}

static void connect_step(struct postgres *pg)
{
    int events = 0;
    switch (PQconnectPoll(pg->conn)) {
    case PGRES_POLLING_READING:
        events = UV_READABLE;
        break;
    case PGRES_POLLING_WRITING:
        events = UV_WRITABLE;
        break;
    case PGRES_POLLING_OK:
        prepare_connection(pg);
        return;
    default:
        break;
    }
    if (events && watch_socket(pg, events) == 0)
        return;
    note_failed_connection(pg);
    next_address(pg);
}

// --- sending ---

static int send_statement(struct postgres *pg, const struct postgres_statement *statement)
{
    const struct postgres_params *params = statement->params;
    enum { MAX = sizeof params->entries / sizeof params->entries[0] };
    Oid types[MAX];
    const char *values[MAX];
    int lengths[MAX], formats[MAX];
    int count = params ? params->count : 0;
    assert(params == NULL || params->open_array == 0);
    for (int i = 0; i < count; i++) {
        types[i] = params->entries[i].type;
        values[i] = params->entries[i].offset < 0 ? NULL
                    : params->bytes.data          ? params->bytes.data + params->entries[i].offset
                                                  : "";
        lengths[i] = params->entries[i].length;
        formats[i] = 1;
    }
    return PQsendQueryParams(pg->conn, statement->sql, count, types, values, lengths, formats, 1);
}

static bool send_request(struct postgres *pg, const struct postgres_request *request)
{
    if (request->script)
        return PQexitPipelineMode(pg->conn) && PQsendQuery(pg->conn, request->statements[0].sql);
    if (request->describe) {
        const Oid *type = request->describe->parameter_type ? &request->describe->parameter_type : NULL;
        return PQsendPrepare(pg->conn, "", request->describe->sql, type ? 1 : 0, type) &&
               PQsendDescribePrepared(pg->conn, "") && PQpipelineSync(pg->conn);
    }
    for (int i = 0; i < request->statement_count; i++)
        if (!send_statement(pg, &request->statements[i]))
            return false;
    return PQpipelineSync(pg->conn);
}

// Brings out what libpq holds and asks the loop for what it waits for now.
static void flush_and_watch(struct postgres *pg)
{
    int left = PQflush(pg->conn);
    pg->want_write = left > 0;
    int events = (pg->want_write ? UV_WRITABLE : 0) | (pg->paused ? 0 : UV_READABLE);
    if (left < 0 || watch_socket(pg, events) != 0)
        pg->broken = true;
}

static void on_kick(uv_idle_t *kick);

static void start_request(struct postgres *pg, struct postgres_request *request)
{
    assert(pg->running == NULL);
    pg->running = request;
    pg->statement = 0;
    request->failed = -1;
    request->sqlstate[0] = '\0';
    request->affected = 0;
    pg->alive_at = uv_now(pg->loop);
    pg->second_look = false;
    uv_timer_start(&pg->timer, on_timer, (uint64_t)pg->options.request_timeout_ms, 0);
    if (!send_request(pg, request))
        pg->broken = true;
    else
        take_row_by_row(pg);
    flush_and_watch(pg);
    if (pg->broken)
        uv_idle_start(&pg->kick, on_kick);
}

static void send_next(struct postgres *pg)
{
    struct postgres_request *request = pg->first;
    if (request == NULL || pg->running)
        return;
    pg->first = request->next;
    if (pg->first == NULL)
        pg->end = &pg->first;
    start_request(pg, request);
}

// --- receiving ---

static void hand_out_notifications(struct postgres *pg)
{
    PGconn *conn = pg->conn;
    PGnotify *notify;
    while (pg->conn == conn && (notify = PQnotifies(conn)) != NULL) {
        if (pg->on_notify && pg->state == UP)
            pg->on_notify(pg->data, notify->relname);
        PQfreemem(notify);
    }
}

static void finish_prelude(struct postgres *pg)
{
    if (pg->prelude.failed >= 0) {
        struct error err = pg->request_error;
        lose(pg, &err);
        return;
    }
    enter(pg, UP);
    pg->failed_tries = 0;
    pg->on_state(pg->data, true, NULL);
}

static void finish_request(struct postgres *pg)
{
    struct postgres_request *request = pg->running;
    PGconn *conn = pg->conn;
    struct error err = pg->request_error;
    pg->running = NULL;
    pg->paused = false;
    uv_timer_stop(&pg->timer);
    if (request->script && !PQenterPipelineMode(conn))
        pg->broken = true;
    if (request == &pg->prelude) {
        finish_prelude(pg);
    } else if (request == &pg->rollback) {
        if (request->failed >= 0)
            pg->broken = true;
    } else {
        if (request->failed >= 0 && PQtransactionStatus(conn) == PQTRANS_INERROR)
            start_request(pg, &pg->rollback);
        bool failed = request->failed >= 0;
        request->on_done(request, failed ? POSTGRES_SQL_ERROR : POSTGRES_OK, failed ? &err : NULL);
    }
    if (pg->conn == conn && !pg->broken)
        send_next(pg);
}

static void note_refusal(struct postgres *pg, const PGresult *result)
{
    if (pg->running->failed >= 0)
        return;
    pg->running->failed = pg->statement;
    postgres_say_server_error(pg->options.name, result, pg->running->sqlstate, &pg->request_error);
    // When the server ends the connection with it, this is why.
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    if (severity && (strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0))
        pg->trouble = pg->request_error;
}

static void hand_out_columns(struct postgres_describe *describe, const PGresult *result)
{
    for (int column = 0; column < PQnfields(result); column++)
        describe->on_column(describe, PQfname(result, column), PQftype(result, column));
}

static void hand_out_rows(struct postgres *pg, struct postgres_request *request, const PGresult *result)
{
    struct postgres_row row = {.result = result};
    for (; request->on_row && row.number < PQntuples(result); row.number++)
        request->on_row(request, pg->statement, &row);
}

static void take_result(struct postgres *pg, PGresult *result)
{
    struct postgres_request *request = pg->running;
    switch (PQresultStatus(result)) {
    case PGRES_SINGLE_TUPLE:
        hand_out_rows(pg, request, result);
        break;
    case PGRES_TUPLES_OK:
        hand_out_rows(pg, request, result);
        __attribute__((fallthrough));
    case PGRES_COMMAND_OK:
        if (*PQcmdTuples(result))
            request->affected = strtoll(PQcmdTuples(result), NULL, 10);
        if (request->describe && pg->statement == 1)
            hand_out_columns(request->describe, result);
        break;
    case PGRES_EMPTY_QUERY:
    case PGRES_PIPELINE_ABORTED:
        break;
    case PGRES_PIPELINE_SYNC:
        pg->statement = -1; // the NULL that comes now makes libpq idle
        break;
    case PGRES_COPY_IN:
    case PGRES_COPY_OUT:
    case PGRES_COPY_BOTH:
        error_set(&pg->trouble, "%s: COPY is not for requests", pg->options.name);
        pg->broken = true;
        break;
    default:
        note_refusal(pg, result);
    }
}

// PQgetResult gave NULL: the end of a statement's results, of a script, or what follows the sync.
static void take_end(struct postgres *pg)
{
    if (pg->statement < 0 || pg->running->script) {
        finish_request(pg);
        return;
    }
    pg->statement++;
    take_row_by_row(pg); // the next statement
}

static void read_results(struct postgres *pg)
{
    PGconn *conn = pg->conn;
    hand_out_notifications(pg);
    while (pg->conn == conn && pg->running && !pg->paused && !pg->broken && !PQisBusy(conn)) {
        PGresult *result = PQgetResult(conn);
        if (result)
            take_result(pg, result);
        else if (PQstatus(conn) == CONNECTION_BAD)
            return; // gives NULL for ever
        else
            take_end(pg);
        PQclear(result);
        if (pg->conn == conn)
            hand_out_notifications(pg);
    }
}

static bool take_input(struct postgres *pg)
{
    if (!PQconsumeInput(pg->conn))
        return false;
    SSL *ssl = PQsslStruct(pg->conn, "OpenSSL");
    while (ssl && SSL_pending(ssl) > 0)
        if (!PQconsumeInput(pg->conn))
            return false;
    return true;
}

static void process(struct postgres *pg)
{
    PGconn *conn = pg->conn;
    read_results(pg);
    if (pg->conn != conn)
        return; // lost or closed meanwhile
    if (!pg->broken && PQstatus(conn) != CONNECTION_BAD)
        flush_and_watch(pg);
    if (pg->broken || PQstatus(conn) == CONNECTION_BAD) {
        struct error err;
        describe_connection_error(pg, &err);
        lose(pg, &err);
    }
}

static void on_socket(uv_poll_t *handle, int status, int events)
{
    struct postgres *pg = ((struct watch *)handle->data)->pg;
    if (pg->state == CONNECTING) {
        connect_step(pg);
        return;
    }
    assert(pg->state == PREPARING || pg->state == UP);
    pg->alive_at = uv_now(pg->loop);
    pg->second_look = false;
    // A failed read leaves its reason in the connection's state, and results read before it in the buffer.
    if ((events & UV_READABLE || status < 0) && !take_input(pg))
        pg->broken = PQstatus(pg->conn) != CONNECTION_BAD;
    process(pg);
}

static void on_kick(uv_idle_t *kick)
{
    struct postgres *pg = kick->data;
    uv_idle_stop(kick);
    process(pg);
}

// --- time limits ---

static void check_request(struct postgres *pg)
{
    assert(pg->running);
    uint64_t limit = (uint64_t)pg->options.request_timeout_ms;
    uint64_t silent = uv_now(pg->loop) - pg->alive_at;
    if (pg->paused) {
        uv_timer_start(&pg->timer, on_timer, limit, 0);
    } else if (silent < limit) {
        uv_timer_start(&pg->timer, on_timer, limit - silent, 0);
    } else if (!pg->second_look) {
        pg->second_look = true;
        uv_timer_start(&pg->timer, on_timer, SECOND_LOOK_MS, 0);
    } else {
        struct error err;
        error_set(&err, "%s: the server gave no sign of life for %d ms while a request was running",
                  pg->options.name, pg->options.request_timeout_ms);
        lose(pg, &err);
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct postgres *pg = timer->data;
    switch (pg->state) {
    case WAITING:
        try_connect(pg);
        return;
    case LOOKING_UP:
        error_set(&pg->trouble, "%s: looking up the name %s takes longer than %d ms", pg->options.name,
                  pg->options.host, pg->options.connect_timeout_ms);
        connect_next(pg);
        return;
    case CONNECTING:
        error_set(&pg->trouble, "%s: no answer from %s port %d within %d ms", pg->options.name,
                  pg->lookup ? lookup_address(pg->lookup, pg->address) : pg->options.host, pg->options.port,
                  pg->options.connect_timeout_ms);
        next_address(pg);
        return;
    case PREPARING:
    case UP:
        check_request(pg);
        return;
    case STOPPED:
    case CLOSING:
        assert(!"a timer in this state");
    }
}

// --- the outside ---

static void copy_options(struct postgres *pg, const struct postgres_options *options)
{
    pg->options = *options;
    struct postgres_options *own = &pg->options;
    const char **strings[] = {&own->name,    &own->host,        &own->database, &own->user,  &own->password,
                              &own->sslmode, &own->sslrootcert, &own->sslcert,  &own->sslkey};
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++)
        *strings[i] = arena_string(&pg->strings, *strings[i]);
    if (own->host == NULL)
        own->host = UNIX_SOCKET_DIR;
    if (own->port == 0)
        own->port = 5432;
    if (own->sslmode == NULL)
        own->sslmode = "verify-full";
    if (own->connect_timeout_ms == 0)
        own->connect_timeout_ms = CONNECT_TIMEOUT_MS;
    if (own->request_timeout_ms == 0)
        own->request_timeout_ms = REQUEST_TIMEOUT_MS;
}

struct postgres *postgres_new(uv_loop_t *loop, const struct postgres_options *options,
                              postgres_on_state on_state, postgres_on_notify on_notify, void *data)
{
    struct postgres *pg = memory_alloc(sizeof *pg);
    pg->loop = loop;
    copy_options(pg, options);
    pg->on_state = on_state;
    pg->on_notify = on_notify;
    pg->data = data;
    pg->end = &pg->first;
    pg->jitter = uv_hrtime() | 1;
    uv_timer_init(loop, &pg->timer);
    uv_idle_init(loop, &pg->kick);
    pg->timer.data = pg->kick.data = pg;
    pg->open_handles = 2;
    if (pg->options.host[0] != '/' && pg->options.host[0] != '@') {
        pg->lookup = lookup_new(loop, pg->options.host, on_looked_up, pg);
        pg->open_handles++;
    }
    static const struct postgres_statement roll_back = {.sql = "ROLLBACK"};
    pg->rollback.statements = &roll_back;
    pg->rollback.statement_count = 1;
    // Servers before PostgreSQL 14 do not know the setting and go on without it.
    postgres_add_prelude(pg, "SELECT set_config(name, '" SERVER_CHECKS_CLIENT "', false) FROM pg_settings"
                             " WHERE name = 'client_connection_check_interval'");
    return pg;
}

void postgres_add_prelude(struct postgres *pg, const char *sql)
{
    assert(pg->state != PREPARING);
    MEMORY_GROW(pg->prelude_statements, pg->prelude_count, pg->prelude_capacity);
    pg->prelude_statements[pg->prelude_count++] =
        (struct postgres_statement){.sql = arena_string(&pg->strings, sql)};
}

void postgres_start(struct postgres *pg)
{
    assert(pg->state == STOPPED);
    // Not tried from inside this call: a refusal may come at once.
    enter(pg, WAITING);
    uv_timer_start(&pg->timer, on_timer, 0, 0);
}

void postgres_close(struct postgres *pg, postgres_on_closed on_closed, void *data)
{
    enter(pg, CLOSING);
    pg->on_closed = on_closed;
    pg->closed_data = data;
    struct postgres_request *request = pg->running;
    pg->running = NULL;
    if (request && request != &pg->rollback && request != &pg->prelude) {
        request->next = pg->first;
        pg->first = request;
    }
    drop_connection(pg);
    uv_close((uv_handle_t *)&pg->timer, on_handle_closed);
    uv_close((uv_handle_t *)&pg->kick, on_handle_closed);
    if (pg->lookup)
        lookup_close(pg->lookup, on_lookup_closed, pg);
}

bool postgres_is_up(const struct postgres *pg)
{
    return pg->state == UP;
}

int postgres_submit(struct postgres *pg, struct postgres_request *request, struct error *err)
{
    assert(!request->script || (request->statement_count == 1 && request->on_row == NULL));
    if (pg->state != UP)
        return error_set(err, "%s: there is no connection to the database", pg->options.name);
    request->next = NULL;
    *pg->end = request;
    pg->end = &request->next;
    send_next(pg);
    return 0;
}

void postgres_pause(struct postgres *pg)
{
    if (pg->running && !pg->paused) {
        pg->paused = true;
        flush_and_watch(pg);
    }
}

void postgres_resume(struct postgres *pg)
{
    if (!pg->paused)
        return;
    pg->paused = false;
    pg->alive_at = uv_now(pg->loop);
    // What libpq holds already makes no socket readable; and no row comes from inside this call.
    uv_idle_start(&pg->kick, on_kick);
}

static void on_described(struct postgres_request *request, enum postgres_status status,
                         const struct error *err)
{
    request->describe->on_done(request->describe, status, err);
}

int postgres_describe(struct postgres *pg, struct postgres_describe *describe, struct error *err)
{
    describe->request = (struct postgres_request){.describe = describe, .on_done = on_described};
    return postgres_submit(pg, &describe->request, err);
}
