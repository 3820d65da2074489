// SPDX-License-Identifier: MPL-2.0
// Connected, the contract is looked over (each query described), and then one read runs at a time:
//
//   CHANGES, CASES   BEGIN, cursor, DECLARE ids, FETCH ids ──none──▶ COMMIT, which nobody waits for
//                        │ a page of ids
//                        ▼
//                    [people, units,] rows of these ids, FETCH ids ──none──▶ COMMIT
//                        ▲      │
//                        └──────┘ the next page
//
//   ALL              BEGIN, cursor, people, units, rows of all ──▶ COMMIT
//
// Each line is one round trip; each arrow back another. Rows are handed on while they come.
//
// How it can fail:
// - The rows of some case make the server refuse the query: the server has rolled back, so the rest of the
// page is read
//   anew, half of it first, each time in a transaction of its own. What was handed on already is not read
//   again, since all comes in the order of ids. A case that is left alone is a fault; after success the
//   portions grow again. In ALL, reading goes on with pages of ids from the case that comes next.
// - The server refuses for another reason (no right, no such table, no room): the read ends with its error.
// If the
//   contract may have changed it is looked over again.
// - The connection is lost: the read ends with POSTGRES_LOST.
// - The connection that listens is alive but hears nothing, as behind a pooler: each time it is made a
// notification
//   of our own is sent over the other one, and when that does not arrive it is logged. Nothing else depends
//   on it.
#include "shell/casedb.h"

#include "core/people_check.h"

#include "shell/contract.h"
#include "shell/contract_rows.h"
#include "shell/log.h"
#include "shell/postgres_types.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define PAGE           1000   // case ids read at a time
#define PEOPLE_MAX     100000 // rows of people; more is no municipality but a mistake in the query
#define LOOSE_MAX      100    // rows that belong to no case are reported one by one up to here
#define REFUSED_MAX    200    // cases that fail on the server in one read; then the query itself is wrong
#define PROBE_MS       10000  // for a notification of our own to arrive
#define LOOK_AGAIN_MS  30000  // at a contract that did not fit
#define STATEMENTS_MAX 8

enum casedb_state { CASEDB_DOWN, CASEDB_LOOKING_OVER, CASEDB_MISFIT, CASEDB_READY };

struct casedb {
    uv_loop_t *loop;
    const struct zone *zone;
    postgres_on_state on_state;
    void (*on_wake)(void *data);
    void *data;
    struct contract contract;

    struct postgres *pg;
    struct postgres *listener; // NULL: no LISTEN
    bool listener_told;        // that it is of no use
    bool notified;             // it is of use
    char probe_channel[40], probe_sql[50];
    struct postgres_statement probe_statement;
    struct postgres_request probe;
    bool probe_wanted, probing; // probing: the request is under way
    uv_timer_t probe_timer;
    enum casedb_state state;
    enum contract_query described;
    struct postgres_describe describe;
    uv_timer_t look_again;

    struct casedb_reading *reading; // NULL: none
    struct postgres_request commit;
    bool paused;

    int open_parts; // pg, listener, timers
    bool closing;
    postgres_on_closed on_closed;
    void *closed_data;
};

// The statements of a request.
enum part { PART_BEGIN, PART_CURSOR, PART_DECLARE, PART_FETCH, PART_PEOPLE, PART_UNITS, PART_ROWS };

struct ids {
    struct arena arena;
    const char *items[PAGE];
    size_t count;
};

struct casedb_reading {
    struct casedb *db;
    struct casedb_read *read;
    struct error err; // why it ends, when not well

    struct postgres_request request;
    enum part parts[STATEMENTS_MAX];
    struct postgres_statement statements[STATEMENTS_MAX];
    struct postgres_params declare_params, rows_params;
    bool in_transaction;

    struct buffer cursor;
    struct people people;
    bool have_people, told_people;

    // ALL: from the beginning to the end in one statement, until the server refuses that
    bool streaming;
    struct case_builder builder;
    struct buffer after; // no case up to this one is read again
    size_t loose, refused;

    // by ids
    struct ids pages[2], *page, *next_page;
    size_t from, to; // what is left of the portion of the page that is being read
    size_t portion;  // how much it was
    bool have_next;  // next_page was fetched
    bool more_ids;   // the declared cursor is open and may give more
    bool all_ids;    // it has given the last one
};

static void look_over(struct casedb *db);
static void send_probe(struct casedb *db);

// --- the end of a read ---

static void on_commit_done(struct postgres_request *request, enum postgres_status status,
                           const struct error *err)
{
    // Nothing was written: how it ends makes no difference.
    (void)request;
    (void)status;
    (void)err;
}

static void finish(struct casedb_reading *reading, enum postgres_status status)
{
    struct casedb *db = reading->db;
    struct casedb_read *read = reading->read;
    static const struct postgres_statement commit = {.sql = "COMMIT"};
    if (reading->in_transaction && postgres_is_up(db->pg)) {
        db->commit =
            (struct postgres_request){.statements = &commit, .statement_count = 1, .on_done = on_commit_done};
        struct error ignored;
        if (postgres_submit(db->pg, &db->commit, &ignored) < 0)
            reading->in_transaction = false;
    }
    db->reading = NULL;
    db->paused = false;
    send_probe(db);
    read->reading = NULL;
    bool good = status == POSTGRES_OK;
    const char *cursor = good && reading->cursor.data ? reading->cursor.data : "";
    read->on_done(read, status, cursor, good ? NULL : &reading->err);
    case_builder_done(&reading->builder);
    people_done(&reading->people);
    postgres_params_done(&reading->declare_params);
    postgres_params_done(&reading->rows_params);
    arena_done(&reading->pages[0].arena);
    arena_done(&reading->pages[1].arena);
    buffer_done(&reading->cursor);
    buffer_done(&reading->after);
    free(reading);
}

// --- cases, one after the other ---

static void report(struct casedb_reading *reading, const char *case_id, const char *subject,
                   const char *reason)
{
    const struct fault fault = {.code = FAULT_BAD_ROW, .subject = subject, .reason = reason};
    reading->read->on_fault(reading->read, case_id, &fault);
}

// A row that belongs to no case, or none that can be named: case_id "?"; or to a person or unit, case_id "",
// with its id, if that can be read. One mistake in a query may give one for each case.
static void report_loose(struct casedb_reading *reading, const char *case_id, const char *subject,
                         const char *field, const char *problem)
{
    char reason[200];
    snprintf(reason, sizeof reason, "%s %s; the row is left out: correct it", field, problem);
    if (reading->loose < LOOSE_MAX)
        report(reading, case_id, subject, reason);
    else if (reading->loose == LOOSE_MAX)
        report(reading, case_id, NULL, "more rows are of this kind; they are not reported");
    reading->loose++;
}

static void on_people_fault(void *data, const struct fault *fault)
{
    struct casedb_reading *reading = data;
    if (reading->loose++ < LOOSE_MAX)
        reading->read->on_fault(reading->read, "", fault);
}

static void tell_people(struct casedb_reading *reading)
{
    if (reading->told_people)
        return;
    reading->told_people = true;
    people_finish(&reading->people);
    reading->read->on_people(reading->read, &reading->people);
    people_check(&reading->people, on_people_fault, reading);
}

static void hand_on(struct casedb_reading *reading)
{
    struct case_builder *builder = &reading->builder;
    struct casedb_read *read = reading->read;
    tell_people(reading);
    if (builder->state == CASE_READABLE)
        read->on_case(read, &builder->casefile, builder->faults, builder->fault_count);
    else if (builder->state == CASE_UNREADABLE)
        read->on_fault(read, builder->casefile.id, &builder->faults[0]);
}

static void report_unknown_case(struct casedb_reading *reading)
{
    const struct casefile *casefile = &reading->builder.casefile;
    const struct fault fault = {.code = FAULT_UNKNOWN_CASE,
                                .event_id = casefile->event_count ? casefile->events[0].id : NULL};
    reading->read->on_fault(reading->read, casefile->id, &fault);
}

static void tell_gone(struct casedb_reading *reading, const char *case_id)
{
    if (reading->read->what != CASEDB_ALL)
        reading->read->on_gone(reading->read, case_id);
}

// By ids: those before this one are gone, since all comes in order. A case nobody asked for is let go (a
// query that does not heed $1).
static void settle_until(struct casedb_reading *reading, const char *id)
{
    int order = -1;
    while (reading->from < reading->to && (order = strcmp(reading->page->items[reading->from], id)) < 0)
        tell_gone(reading, reading->page->items[reading->from++]);
    if (reading->from == reading->to || order != 0)
        return;
    reading->from++;
    if (reading->builder.state == CASE_ABSENT)
        tell_gone(reading, id);
    else
        hand_on(reading);
}

static void set_after(struct casedb_reading *reading, const char *id)
{
    buffer_clear(&reading->after);
    buffer_add_string(&reading->after, id);
}

static void finish_case(struct casedb_reading *reading)
{
    struct case_builder *builder = &reading->builder;
    if (!builder->started)
        return;
    if (!reading->streaming)
        settle_until(reading, builder->casefile.id);
    else if (builder->state == CASE_ABSENT)
        report_unknown_case(reading);
    else
        hand_on(reading);
    if (reading->streaming)
        set_after(reading, builder->casefile.id);
    case_builder_reset(builder);
}

static void take_row(struct casedb_reading *reading, const struct postgres_row *row)
{
    const char *id;
    size_t length;
    const char *problem = case_id_problem(row, &id, &length);
    if (problem) {
        report_loose(reading, "?", NULL,
                     postgres_bool(row, READ_IS_EVENT) ? "events.case_id" : "cases.case_id", problem);
        return;
    }
    if (!case_builder_is_for(&reading->builder, id, length)) {
        finish_case(reading);
        case_builder_start(&reading->builder, id, length);
    }
    case_builder_add(&reading->builder, row);
}

// The statement that gives rows has ended well: nothing more comes for this portion.
static void finish_rows(struct casedb_reading *reading)
{
    finish_case(reading);
    if (reading->read->what == CASEDB_CASES && reading->have_people)
        tell_people(reading); // also where none of the cases is there
    if (reading->streaming)
        return;
    while (reading->from < reading->to)
        tell_gone(reading, reading->page->items[reading->from++]);
}

// --- the other rows ---

static void take_id(struct casedb_reading *reading, const struct postgres_row *row)
{
    struct ids *ids = reading->next_page;
    const char *id, *problem;
    size_t length;
    problem = case_id_problem(row, &id, &length);
    if (problem) {
        report_loose(reading, "?", NULL,
                     reading->read->what == CASEDB_ALL ? "cases.case_id" : "changes.case_id", problem);
        return;
    }
    bool again = ids->count > 0 && strcmp(ids->items[ids->count - 1], id) == 0;
    if (!again && ids->count < PAGE)
        ids->items[ids->count++] = arena_copy(&ids->arena, id, length);
}

static void take_cursor(struct casedb_reading *reading, const struct postgres_row *row)
{
    size_t length;
    const char *cursor = postgres_text(row, 0, &length);
    buffer_clear(&reading->cursor);
    buffer_add(&reading->cursor, cursor, length);
}

static void take_person(struct casedb_reading *reading, const struct postgres_row *row)
{
    if (reading->people.person_count >= PEOPLE_MAX)
        return; // noticed in go_on
    const char *id, *field, *problem = people_add_row(&reading->people, row, &id, &field);
    if (problem)
        report_loose(reading, "", id, field, problem);
}

static void take_unit(struct casedb_reading *reading, const struct postgres_row *row)
{
    if (reading->people.unit_count >= PEOPLE_MAX)
        return;
    const char *id, *field, *problem = people_add_unit_row(&reading->people, row, &id, &field);
    if (problem)
        report_loose(reading, "", id, field, problem);
}

static void on_row(struct postgres_request *request, int statement, const struct postgres_row *row)
{
    struct casedb_reading *reading = request->data;
    switch (reading->parts[statement]) {
    case PART_CURSOR:
        take_cursor(reading, row);
        return;
    case PART_FETCH:
        take_id(reading, row);
        return;
    case PART_PEOPLE:
        take_person(reading, row);
        return;
    case PART_UNITS:
        take_unit(reading, row);
        return;
    case PART_ROWS:
        take_row(reading, row);
        return;
    case PART_BEGIN:
    case PART_DECLARE:
        return; // these have none
    }
}

// --- requests ---

static void add_part(struct casedb_reading *reading, enum part part, const char *sql,
                     const struct postgres_params *params)
{
    int count = reading->request.statement_count++;
    assert(count < STATEMENTS_MAX);
    reading->parts[count] = part;
    reading->statements[count] = (struct postgres_statement){.sql = sql, .params = params};
}

static void on_request_done(struct postgres_request *request, enum postgres_status status,
                            const struct error *err);

static void begin_request(struct casedb_reading *reading)
{
    reading->request = (struct postgres_request){
        .data = reading, .statements = reading->statements, .on_row = on_row, .on_done = on_request_done};
    if (!reading->in_transaction) {
        add_part(reading, PART_BEGIN, "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY", NULL);
        reading->in_transaction = true;
    }
}

static void send_request(struct casedb_reading *reading)
{
    int refused = postgres_submit(reading->db->pg, &reading->request, &reading->err);
    assert(refused == 0); // a loss has ended the read before anything goes on
    if (reading->db->paused)
        postgres_pause(reading->db->pg);
}

static void add_fetch(struct casedb_reading *reading)
{
    static const char fetch[] = "FETCH 1000 FROM " CONTRACT_IDS_CURSOR;
    _Static_assert(PAGE == 1000, "FETCH takes no parameter");
    arena_reset(&reading->next_page->arena);
    reading->next_page->count = 0;
    add_part(reading, PART_FETCH, fetch, NULL);
}

static void build_declare_params(struct casedb_reading *reading)
{
    struct postgres_params *params = &reading->declare_params;
    const struct casedb_read *read = reading->read;
    postgres_params_clear(params);
    if (read->what == CASEDB_ALL)
        postgres_array_null(params, POSTGRES_TEXTS);
    else
        postgres_param_text(params, read->cursor ? read->cursor : "");
    postgres_array_begin(params, POSTGRES_TEXTS, (int)read->case_id_count);
    for (size_t i = 0; i < read->case_id_count; i++)
        postgres_array_text(params, read->case_ids[i]);
    postgres_param_text(params, reading->after.length > 0 ? reading->after.data : NULL);
}

static void open_ids(struct casedb_reading *reading)
{
    const struct contract *contract = &reading->db->contract;
    begin_request(reading);
    if (reading->cursor.length == 0 && reading->read->what != CASEDB_CASES)
        add_part(reading, PART_CURSOR, contract->cursor, NULL);
    build_declare_params(reading);
    add_part(reading, PART_DECLARE,
             reading->read->what == CASEDB_ALL       ? contract->declare_all
             : reading->read->what == CASEDB_CHANGES ? contract->declare_changes
                                                     : contract->declare_cases,
             &reading->declare_params);
    add_fetch(reading);
    reading->more_ids = true;
    send_request(reading);
}

static void add_people(struct casedb_reading *reading)
{
    if (reading->have_people)
        return;
    people_done(&reading->people);
    add_part(reading, PART_PEOPLE, reading->db->contract.people, NULL);
    add_part(reading, PART_UNITS, reading->db->contract.units, NULL);
}

static void read_portion(struct casedb_reading *reading)
{
    struct postgres_params *params = &reading->rows_params;
    begin_request(reading);
    add_people(reading);
    postgres_params_clear(params);
    reading->portion = reading->to - reading->from;
    postgres_array_begin(params, POSTGRES_TEXTS, (int)reading->portion);
    for (size_t i = reading->from; i < reading->to; i++)
        postgres_array_text(params, reading->page->items[i]);
    add_part(reading, PART_ROWS, reading->db->contract.read, params);
    if (reading->more_ids && reading->to == reading->page->count)
        add_fetch(reading);
    send_request(reading);
}

static void read_all(struct casedb_reading *reading)
{
    struct postgres_params *params = &reading->rows_params;
    begin_request(reading);
    add_part(reading, PART_CURSOR, reading->db->contract.cursor, NULL);
    add_people(reading);
    postgres_params_clear(params);
    postgres_array_null(params, POSTGRES_TEXTS);
    add_part(reading, PART_ROWS, reading->db->contract.read, params);
    send_request(reading);
}

// --- from one request to the next ---

static void turn_page(struct casedb_reading *reading)
{
    struct ids *old = reading->page;
    reading->page = reading->next_page;
    reading->next_page = old;
    reading->have_next = false;
    reading->from = 0;
    reading->to = reading->page->count;
    set_after(reading, reading->page->items[reading->page->count - 1]);
}

static void fetch_ids(struct casedb_reading *reading)
{
    begin_request(reading);
    add_fetch(reading);
    send_request(reading);
}

// What comes after a request that went well, or after its failure was dealt with.
static void step(struct casedb_reading *reading)
{
    if (reading->from == reading->to && reading->have_next)
        turn_page(reading);
    if (reading->from < reading->to)
        read_portion(reading);
    else if (reading->more_ids)
        fetch_ids(reading); // nothing in the last page was a usable id
    else if (!reading->all_ids)
        open_ids(reading);
    else
        finish(reading, POSTGRES_OK);
}

static int part_index(const struct casedb_reading *reading, enum part part)
{
    for (int i = 0; i < reading->request.statement_count; i++)
        if (reading->parts[i] == part)
            return i;
    return -1;
}

// Whether the request had this part and it went well.
static bool has_done(const struct casedb_reading *reading, enum part part)
{
    int index = part_index(reading, part);
    return index >= 0 && (reading->request.failed < 0 || index < reading->request.failed);
}

// After success the portion doubles; the rest of the page comes in full when nothing fails.
static void widen_portion(struct casedb_reading *reading, size_t width)
{
    size_t left = reading->page->count - reading->from;
    reading->to = reading->from + (2 * width < left ? 2 * width : left);
}

static void note_what_was_done(struct casedb_reading *reading)
{
    if (has_done(reading, PART_UNITS))
        reading->have_people = true;
    if (has_done(reading, PART_ROWS)) {
        size_t width = reading->portion;
        finish_rows(reading);
        if (reading->streaming)
            reading->all_ids = true;
        else
            widen_portion(reading, width);
    }
    if (has_done(reading, PART_FETCH)) {
        reading->have_next = reading->next_page->count > 0;
        reading->more_ids = reading->request.affected == PAGE;
        reading->all_ids = !reading->more_ids;
    }
}

// Errors that lie in what a row holds. The others speak of rights, structure, resources, the state of things.
static bool lies_in_data(const char *sqlstate)
{
    static const char *const others[] = {"08", "0A", "25", "26", "28", "3D", "3F", "40",
                                         "42", "53", "54", "55", "57", "58", "F0"};
    if (sqlstate[0] == '\0')
        return false;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (strncmp(sqlstate, others[i], 2) == 0)
            return false;
    return true;
}

// A portion was refused: half of what is left of it, or the one case that is.
static void narrow_portion(struct casedb_reading *reading)
{
    size_t left = reading->to - reading->from;
    if (left > 1) {
        reading->to = reading->from + left / 2;
        return;
    }
    char reason[80];
    snprintf(reason, sizeof reason, "the query fails on the server for this case, SQLSTATE %s",
             reading->request.sqlstate);
    report(reading, reading->page->items[reading->from], NULL, reason);
    reading->refused++;
    reading->from++;
    widen_portion(reading, 1);
}

// The server has rolled back, and with that closed the cursor over ids. What was not finished comes again.
static void go_on_after_refusal(struct casedb_reading *reading)
{
    reading->in_transaction = reading->more_ids = false;
    case_builder_reset(&reading->builder);
    if (reading->streaming)
        reading->streaming = false;
    else if (reading->from < reading->to)
        narrow_portion(reading);
    else
        widen_portion(reading, reading->portion);
    if (reading->refused <= REFUSED_MAX) {
        step(reading);
        return;
    }
    error_prefix(&reading->err, "more than %d cases fail on the server, so the query itself is wrong",
                 REFUSED_MAX);
    finish(reading, POSTGRES_SQL_ERROR);
}

static bool may_have_changed_contract(const char *sqlstate)
{
    return strncmp(sqlstate, "42", 2) == 0;
}

static void give_up(struct casedb_reading *reading)
{
    struct casedb *db = reading->db;
    reading->in_transaction = false;
    bool look = may_have_changed_contract(reading->request.sqlstate);
    struct error err = reading->err;
    if (look)
        db->state = CASEDB_LOOKING_OVER; // so that no read starts before that
    finish(reading, POSTGRES_SQL_ERROR);
    if (!look || db->closing || db->state != CASEDB_LOOKING_OVER)
        return;
    error_prefix(&err, "the contract may have changed and is looked over");
    db->on_state(db->data, false, &err);
    if (!db->closing)
        look_over(db);
}

static void go_on(struct casedb_reading *reading)
{
    if (reading->people.person_count >= PEOPLE_MAX || reading->people.unit_count >= PEOPLE_MAX) {
        error_set(&reading->err, "casedb: the query people or units gives %d rows or more", PEOPLE_MAX);
        finish(reading, POSTGRES_SQL_ERROR);
        return;
    }
    if (reading->cursor.length == 0 && reading->read->what != CASEDB_CASES) {
        error_set(&reading->err, "casedb: the query cursor gives no value");
        finish(reading, POSTGRES_SQL_ERROR);
        return;
    }
    step(reading);
}

static void on_request_done(struct postgres_request *request, enum postgres_status status,
                            const struct error *err)
{
    struct casedb_reading *reading = request->data;
    if (err)
        reading->err = *err;
    if (status == POSTGRES_LOST || status == POSTGRES_CLOSED) {
        reading->in_transaction = false;
        finish(reading, status);
        return;
    }
    note_what_was_done(reading);
    if (status == POSTGRES_OK)
        go_on(reading);
    else if (reading->parts[request->failed] == PART_ROWS && lies_in_data(request->sqlstate))
        go_on_after_refusal(reading);
    else
        give_up(reading);
}

// --- the contract is looked over ---

static void on_look_again(uv_timer_t *timer)
{
    struct casedb *db = timer->data;
    if (db->state == CASEDB_MISFIT)
        look_over(db);
}

static void misfit(struct casedb *db, struct error *err)
{
    db->state = CASEDB_MISFIT;
    uv_timer_start(&db->look_again, on_look_again, LOOK_AGAIN_MS, 0);
    error_prefix(err, "the case database does not fit the contract (looked at again in %d s)",
                 LOOK_AGAIN_MS / 1000);
    db->on_state(db->data, false, err);
}

static void describe_next(struct casedb *db);

static void on_column(struct postgres_describe *describe, const char *name, uint32_t type)
{
    struct casedb *db = describe->data;
    contract_see_column(&db->contract, db->described, name, type);
}

static void on_described(struct postgres_describe *describe, enum postgres_status status,
                         const struct error *err)
{
    struct casedb *db = describe->data;
    if (status == POSTGRES_LOST || status == POSTGRES_CLOSED)
        return; // which on_server_state or the end of closing deals with
    struct error own;
    if (status == POSTGRES_SQL_ERROR) {
        own = *err;
        error_prefix(&own, "the query %s", contract_query_name(db->described));
        misfit(db, &own);
    } else if (contract_check_columns(&db->contract, db->described, &own) < 0) {
        misfit(db, &own);
    } else {
        db->described++;
        describe_next(db);
    }
}

static void describe_next(struct casedb *db)
{
    if (db->described == CONTRACT_QUERIES) {
        contract_build(&db->contract);
        db->state = CASEDB_READY;
        send_probe(db);
        db->on_state(db->data, true, NULL);
        return;
    }
    struct error err;
    if (contract_check_text(&db->contract, db->described, &err) < 0) {
        misfit(db, &err);
        return;
    }
    db->describe = (struct postgres_describe){.data = db,
                                              .sql = db->contract.queries[db->described],
                                              .parameter_type = contract_parameter_type(db->described),
                                              .on_column = on_column,
                                              .on_done = on_described};
    int refused = postgres_describe(db->pg, &db->describe, &err);
    assert(refused == 0);
}

static void look_over(struct casedb *db)
{
    db->state = CASEDB_LOOKING_OVER;
    db->described = 0;
    describe_next(db);
}

// --- the connections ---

static void on_server_state(void *data, bool up, const struct error *err)
{
    struct casedb *db = data;
    uv_timer_stop(&db->look_again);
    if (up) {
        look_over(db);
        return;
    }
    db->state = CASEDB_DOWN;
    db->on_state(db->data, false, err);
}

// --- notifications ---

static void tell_deaf(struct casedb *db, const char *why)
{
    db->notified = false;
    if (!db->listener_told)
        log_line(LOG_LEVEL_WARNING, "casedb", "no notifications, polling alone: %s", why);
    db->listener_told = true;
}

static void on_probe_lost(uv_timer_t *timer)
{
    tell_deaf(timer->data, "one of our own did not arrive; is a connection pooler in between?");
}

static void on_probe_done(struct postgres_request *request, enum postgres_status status,
                          const struct error *err)
{
    struct casedb *db = request->data;
    db->probing = false;
    if (status != POSTGRES_OK)
        uv_timer_stop(&db->probe_timer);
    if (status == POSTGRES_SQL_ERROR)
        tell_deaf(db, err->text);
    if (status == POSTGRES_LOST)
        db->probe_wanted = true;
    send_probe(db);
}

// Not while a read is under way: it would become part of its transaction.
static void send_probe(struct casedb *db)
{
    if (!db->probe_wanted || db->probing || db->reading || db->state != CASEDB_READY ||
        !postgres_is_up(db->listener))
        return;
    db->probe = (struct postgres_request){
        .data = db, .statements = &db->probe_statement, .statement_count = 1, .on_done = on_probe_done};
    struct error err;
    if (postgres_submit(db->pg, &db->probe, &err) < 0)
        return; // tried again when it is up
    db->probing = true;
    db->probe_wanted = false;
    uv_timer_start(&db->probe_timer, on_probe_lost, PROBE_MS, 0);
}

static void on_listener_state(void *data, bool up, const struct error *err)
{
    struct casedb *db = data;
    db->notified = false;
    db->probe_wanted = up;
    uv_timer_stop(&db->probe_timer);
    if (up) {
        send_probe(db);
        db->on_wake(db->data); // whatever was notified meanwhile
    } else {
        tell_deaf(db, err->text);
    }
}

static void on_notify(void *data, const char *channel)
{
    struct casedb *db = data;
    if (strcmp(channel, db->probe_channel) != 0) {
        db->on_wake(db->data);
        return;
    }
    uv_timer_stop(&db->probe_timer);
    db->notified = true;
    if (db->listener_told)
        log_line(LOG_LEVEL_NOTICE, "casedb", "notifications arrive again");
    db->listener_told = false;
}

// --- the outside ---

// `keyword` and the text quoted, as a prelude.
static void add_quoted_prelude(struct postgres *pg, const char *keyword, char quote, const char *text)
{
    struct buffer sql = {0};
    buffer_add_string(&sql, keyword);
    buffer_add_char(&sql, quote);
    for (const char *c = text; *c; c++) {
        if (*c == quote)
            buffer_add_char(&sql, quote);
        buffer_add_char(&sql, *c);
    }
    buffer_add_char(&sql, quote);
    postgres_add_prelude(pg, sql.data);
    buffer_done(&sql);
}

static struct postgres *open_server(struct casedb *db, const struct postgres_options *options)
{
    struct postgres *pg = postgres_new(db->loop, options, on_server_state, NULL, db);
    // A view may turn dates into instants or look at the date of today.
    add_quoted_prelude(pg, "SET TIME ZONE ", '\'', zone_name(db->zone));
    postgres_add_prelude(pg, "SET default_transaction_read_only = on");
    postgres_add_prelude(pg, "SET lock_timeout = '30s'"); // whoever alters a table goes first
    // A database without an encoding refuses a row whose bytes are no UTF-8, and with it the query, unless no
    // encoding is asked for. Then each text is looked at here, as it is anyway.
    postgres_add_prelude(pg, "SELECT set_config('client_encoding', 'SQL_ASCII', false)"
                             " WHERE current_setting('server_encoding') = 'SQL_ASCII'");
    // Large readings are streamed; compiling them first only costs. (Servers may have been built without.)
    postgres_add_prelude(pg, "SELECT set_config(name, 'off', false) FROM pg_settings WHERE name = 'jit'");
    return pg;
}

static struct postgres *open_listener(struct casedb *db, const struct postgres_options *options,
                                      const char *channel)
{
    struct postgres_options own = *options;
    own.name = "casedb notifications";
    struct postgres *pg = postgres_new(db->loop, &own, on_listener_state, on_notify, db);
    add_quoted_prelude(pg, "LISTEN ", '"', channel);
    // One name for each process, so that nobody answers for another.
    snprintf(db->probe_channel, sizeof db->probe_channel, "fristd_probe_%llx",
             (unsigned long long)uv_hrtime());
    snprintf(db->probe_sql, sizeof db->probe_sql, "NOTIFY %s", db->probe_channel);
    db->probe_statement.sql = db->probe_sql;
    add_quoted_prelude(pg, "LISTEN ", '"', db->probe_channel);
    return pg;
}

struct casedb *casedb_new(uv_loop_t *loop, const struct casedb_options *options, const struct zone *zone,
                          postgres_on_state on_state, void (*on_wake)(void *data), void *data)
{
    struct casedb *db = memory_alloc(sizeof *db);
    db->loop = loop;
    db->zone = zone;
    db->on_state = on_state;
    db->on_wake = on_wake;
    db->data = data;
    const char *const queries[CONTRACT_QUERIES] = {
        [CONTRACT_CASES] = options->cases,   [CONTRACT_EVENTS] = options->events,
        [CONTRACT_PEOPLE] = options->people, [CONTRACT_UNITS] = options->units,
        [CONTRACT_CURSOR] = options->cursor, [CONTRACT_CHANGES] = options->changes,
    };
    contract_init(&db->contract, queries);
    struct postgres_options server = options->server;
    if (server.name == NULL)
        server.name = "casedb";
    db->pg = open_server(db, &server);
    if (options->notify_channel)
        db->listener = open_listener(db, &server, options->notify_channel);
    uv_timer_init(loop, &db->look_again);
    uv_timer_init(loop, &db->probe_timer);
    db->look_again.data = db->probe_timer.data = db;
    db->open_parts = db->listener ? 4 : 3;
    return db;
}

void casedb_start(struct casedb *db)
{
    postgres_start(db->pg);
    if (db->listener)
        postgres_start(db->listener);
}

static void release(void *data)
{
    struct casedb *db = data;
    if (--db->open_parts > 0)
        return;
    assert(db->reading == NULL);
    postgres_on_closed on_closed = db->on_closed;
    void *closed_data = db->closed_data;
    contract_done(&db->contract);
    free(db);
    on_closed(closed_data);
}

static void on_timer_closed(uv_handle_t *handle)
{
    release(handle->data);
}

void casedb_close(struct casedb *db, postgres_on_closed on_closed, void *data)
{
    assert(!db->closing);
    db->closing = true;
    db->state = CASEDB_DOWN;
    db->on_closed = on_closed;
    db->closed_data = data;
    uv_close((uv_handle_t *)&db->look_again, on_timer_closed);
    uv_close((uv_handle_t *)&db->probe_timer, on_timer_closed);
    postgres_close(db->pg, release, db);
    if (db->listener)
        postgres_close(db->listener, release, db);
}

bool casedb_is_notified(const struct casedb *db)
{
    return db->notified;
}

int casedb_read(struct casedb *db, struct casedb_read *read, struct error *err)
{
    assert(db->reading == NULL);
    if (db->state != CASEDB_READY || !postgres_is_up(db->pg))
        return error_set(err, "the case database is away, or does not meet the contract");
    struct casedb_reading *reading = memory_alloc(sizeof *reading);
    reading->db = db;
    reading->read = read;
    reading->builder.zone = db->zone;
    reading->page = &reading->pages[0];
    reading->next_page = &reading->pages[1];
    reading->streaming = read->what == CASEDB_ALL;
    read->reading = reading;
    db->reading = reading;
    if (reading->streaming)
        read_all(reading);
    else
        open_ids(reading);
    return 0;
}

void casedb_pause(struct casedb *db)
{
    db->paused = true;
    if (db->reading)
        postgres_pause(db->pg);
}

void casedb_resume(struct casedb *db)
{
    if (!db->paused)
        return;
    db->paused = false;
    postgres_resume(db->pg);
}
