// SPDX-License-Identifier: MPL-2.0
// One PostgreSQL connection on the loop, over libpq: connects without blocking (names are looked up first,
// all addresses are tried), reconnects with backoff, runs one request after the other, streams rows. The only
// file that knows libpq.
#ifndef FRISTD_SHELL_POSTGRES_H
#define FRISTD_SHELL_POSTGRES_H

#include "core/civil.h"
#include "core/error.h"
#include "core/memory.h"

#include <uv.h>

struct postgres_options {
    const char *name; // "casedb", "journal": prefix of log lines and errors, and application_name
    const char *host; // a name, an address, or a directory (unix socket); NULL: /var/run/postgresql
    int port;         // 0: 5432
    const char *database, *user;
    const char *password;         // NULL: none (peer, certificate); from a file or credential, never logged
    const char *sslmode;          // as libpq; default "verify-full", not used on a unix socket
    const char *sslrootcert;      // NULL: the system's certificates where sslmode verifies
    const char *sslcert, *sslkey; // NULL: none
    int connect_timeout_ms;       // default 10000
    int request_timeout_ms; // default 60000: between two signs of life of a request; then the connection is
                            // dropped
};

struct postgres;

// up: connected and `prelude` has run. Not up: lost or refused, err says why and when the next try is; tries
// go on for ever (1 s doubling to 60 s with jitter) until postgres_close. Requests that were queued or
// running have been ended before.
typedef void (*postgres_on_state)(void *data, bool up, const struct error *err);
typedef void (*postgres_on_notify)(void *data, const char *channel);
typedef void (*postgres_on_closed)(void *data);

struct postgres *postgres_new(uv_loop_t *loop, const struct postgres_options *options, // copied
                              postgres_on_state on_state, postgres_on_notify on_notify, void *data);
// A statement that runs on each new connection before it counts as up (SET … or LISTEN …). Several are kept,
// in order.
void postgres_add_prelude(struct postgres *pg, const char *sql);
void postgres_start(struct postgres *pg);
// Ends everything outstanding with POSTGRES_CLOSED, then calls back once libuv has let go; pg is freed before
// that call.
void postgres_close(struct postgres *pg, postgres_on_closed on_closed, void *data);
bool postgres_is_up(const struct postgres *pg);

// --- parameters: binary, built once, freed by the caller ---

struct postgres_params {
    struct buffer bytes;
    struct {
        uint32_t type;    // OID
        ptrdiff_t offset; // into bytes; -1: NULL
        int length;
    } entries[24];
    int count;
    int open_array; // elements that the array begun last still lacks
};

void postgres_param_text(struct postgres_params *params, const char *text); // NULL: SQL NULL
void postgres_param_int8(struct postgres_params *params, int64_t value);
void postgres_param_bool(struct postgres_params *params, bool value);
void postgres_param_instant(struct postgres_params *params, instant at);   // INSTANT_NONE: SQL NULL
void postgres_param_date(struct postgres_params *params, civil_date date); // CIVIL_NONE: SQL NULL
// Arrays for `unnest($1, $2, …)`: begin, add `count` elements of that one type, which the begin call must
// announce.
enum postgres_array { POSTGRES_TEXTS, POSTGRES_INT8S, POSTGRES_BOOLS, POSTGRES_INSTANTS, POSTGRES_DATES };
void postgres_array_begin(struct postgres_params *params, enum postgres_array type, int count);
void postgres_array_null(struct postgres_params *params, enum postgres_array type); // SQL NULL instead of one
void postgres_array_text(struct postgres_params *params, const char *text);         // NULL: SQL NULL
void postgres_array_int8(struct postgres_params *params, int64_t value);
void postgres_array_bool(struct postgres_params *params, bool value);
void postgres_array_instant(struct postgres_params *params, instant at);
void postgres_array_date(struct postgres_params *params, civil_date date);
void postgres_params_clear(struct postgres_params *params); // for reuse
void postgres_params_done(struct postgres_params *params);

// --- rows ---

struct postgres_row; // valid during on_row only
bool postgres_is_null(const struct postgres_row *row, int column);
const char *postgres_text(const struct postgres_row *row, int column,
                          size_t *ret_length);                     // bytes as they came; "" for NULL
int64_t postgres_int8(const struct postgres_row *row, int column); // int2, int4, int8
bool postgres_bool(const struct postgres_row *row, int column);
// timestamptz; fraction cut off (towards the past). -1 for infinity or outside the promised years; NULL gives
// INSTANT_NONE and 0.
int postgres_instant(const struct postgres_row *row, int column, instant *ret_at);
int postgres_date(const struct postgres_row *row, int column, civil_date *ret_date); // likewise
uint32_t postgres_column_type(const struct postgres_row *row, int column);           // OID
int postgres_column_count(const struct postgres_row *row);
const char *postgres_column_name(const struct postgres_row *row, int column);

// --- requests ---

struct postgres_statement {
    const char *sql;
    const struct postgres_params *params; // NULL: none
};

enum postgres_status {
    POSTGRES_OK,
    POSTGRES_SQL_ERROR, // the server refused a statement: err has SQLSTATE and message text; the connection
                        // goes on
    POSTGRES_LOST,      // connection lost or timed out: what was done is not known
    POSTGRES_CLOSED     // postgres_close
};

// One round trip: the statements go out as one pipeline with one sync; an error skips the rest. A request
// that has failed inside a transaction is followed by an automatic ROLLBACK. Results are binary, row by row.
struct postgres_request {
    // The caller fills (and zeroes the rest):
    void *data;
    const struct postgres_statement *statements; // array, sql and params must live until on_done
    int statement_count;
    // The one statement is a script: several statements with ';' between them, no parameters, no rows wanted.
    // Outside BEGIN … COMMIT they are one transaction.
    bool script;
    bool few; // rows: they come together when the last one is there, which costs half of row by row
    void (*on_row)(struct postgres_request *request, int statement,
                   const struct postgres_row *row); // may be NULL
    // Exactly once, never from inside the submitting call. sqlstate is "" unless POSTGRES_SQL_ERROR; failed
    // is the statement's index.
    void (*on_done)(struct postgres_request *request, enum postgres_status status, const struct error *err);
    // ---- kept by the module; failed, sqlstate and affected can be read in on_done ----
    struct postgres_request *next;
    int failed; // -1: none
    char sqlstate[6];
    int64_t affected; // rows affected by the last statement that says so
    struct postgres_describe *describe;
};

// 0, or -1 when not up (err says so): then on_done is not called. Any number may be queued; they run in
// order.
int postgres_submit(struct postgres *pg, struct postgres_request *request, struct error *err) MUST_CHECK;

// Back-pressure: stops and restarts reading rows. While paused the request timeout does not run. May be
// called in on_row: rows already taken from the socket may still come.
void postgres_pause(struct postgres *pg);
void postgres_resume(struct postgres *pg);

// Describes a statement without running it (for `fristd check`): on_column for each result column, then
// on_done. In the library's terms a Parse, Describe, Sync.
struct postgres_describe {
    void *data;
    const char *sql;
    uint32_t parameter_type; // OID of $1; 0: as the server finds
    void (*on_column)(struct postgres_describe *describe, const char *name, uint32_t type);
    void (*on_done)(struct postgres_describe *describe, enum postgres_status status, const struct error *err);
    // ---- kept by the module ----
    struct postgres_request request;
    struct postgres_statement statement;
};
int postgres_describe(struct postgres *pg, struct postgres_describe *describe, struct error *err) MUST_CHECK;

#endif
