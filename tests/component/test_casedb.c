// SPDX-License-Identifier: MPL-2.0
#include "shell/casedb.h"
#include "shell/contract.h"
#include "shell/postgres_types.h"
#include "shell/zone_file.h"

#include "support/loop.h"
#include "support/postgres_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static struct postgres_server server;
static struct zone *zone;

#define READER "fristd_laeser"

// --- the case database under test and what it has told ---

struct fixture {
    uv_loop_t loop;
    struct casedb *db;
    int ups, downs, wakes;
    bool closed;
    struct error last;
};

static void on_state(void *data, bool up, const struct error *err)
{
    struct fixture *f = data;
    if (up) {
        f->ups++;
    } else {
        f->downs++;
        f->last = *err;
    }
}

static void on_wake(void *data)
{
    struct fixture *f = data;
    f->wakes++;
}

static void on_closed(void *data)
{
    struct fixture *f = data;
    f->closed = true;
}

static bool has_come_up(void *data)
{
    struct fixture *f = data;
    return f->ups > 0;
}

static bool has_gone_down(void *data)
{
    struct fixture *f = data;
    return f->downs > 0;
}

static bool was_woken(void *data)
{
    struct fixture *f = data;
    return f->wakes > 0;
}

static bool is_notified(void *data)
{
    struct fixture *f = data;
    return casedb_is_notified(f->db);
}

static bool is_closed(void *data)
{
    struct fixture *f = data;
    return f->closed;
}

static struct casedb_options options_for(const char *database, const char *user)
{
    return (struct casedb_options){
        .server = {
            .name = "casedb", .host = server.dir, .port = server.port, .database = database, .user = user}};
}

static void open_casedb(struct fixture *f, const struct casedb_options *options)
{
    *f = (struct fixture){0};
    assert_int_equal(uv_loop_init(&f->loop), 0);
    f->db = casedb_new(&f->loop, options, zone, on_state, on_wake, f);
    casedb_start(f->db);
}

static void start(struct fixture *f, const struct casedb_options *options)
{
    open_casedb(f, options);
    loop_until(&f->loop, has_come_up, f);
    assert_int_equal(f->downs, 0);
}

static void stop(struct fixture *f)
{
    if (!f->closed)
        casedb_close(f->db, on_closed, f);
    loop_until(&f->loop, is_closed, f);
    assert_int_equal(uv_loop_close(&f->loop), 0);
}

// --- one read, written down as text ---

struct record {
    struct casedb_read read;
    struct fixture *fixture;
    struct buffer text;
    char previous[CASEFILE_ID_MAX + 1]; // case id, for the order
    size_t cases, events, gone, faults, people;
    int dones;
    enum postgres_status status;
    char cursor[100];
    struct error err;
    bool brief, pause_at_case, close_at_case;
};

static void note_order(struct record *record, const char *case_id)
{
    if (strcmp(record->previous, case_id) >= 0)
        fail_msg("%s comes after %s", case_id, record->previous);
    snprintf(record->previous, sizeof record->previous, "%s", case_id);
}

static void add_fault_text(struct record *record, const struct fault *fault)
{
    buffer_format(&record->text, " %s%s%s%s%s\n", fault_name(fault->code), fault->reason ? ": " : "",
                  fault->reason ? fault->reason : "", fault->event_id ? " event=" : "",
                  fault->event_id ? fault->event_id : "");
}

static void on_people(struct casedb_read *read, const struct people *people)
{
    struct record *record = read->data;
    assert_int_equal(record->people, 0);
    assert_int_equal(record->cases, 0);
    record->people++;
    if (record->brief)
        return;
    for (size_t i = 0; i < people->person_count; i++) {
        const struct person *person = &people->persons[i];
        char from[CIVIL_DATE_SIZE] = "", until[CIVIL_DATE_SIZE] = "";
        if (person->away_from != CIVIL_NONE)
            civil_format_date(person->away_from, from);
        if (person->away_until != CIVIL_NONE)
            civil_format_date(person->away_until, until);
        buffer_format(&record->text, "person %s %s %s %s [%s,%s] %s\n", person->id, person->email,
                      person->unit, person->role, from, until, person->substitute);
    }
    for (size_t i = 0; i < people->unit_count; i++)
        buffer_format(&record->text, "unit %s < %s\n", people->units[i].name, people->units[i].parent);
}

static void on_case(struct casedb_read *read, const struct casefile *casefile, const struct fault *faults,
                    size_t fault_count)
{
    struct record *record = read->data;
    assert_int_equal(record->people, 1);
    assert_int_equal(record->dones, 0);
    note_order(record, casefile->id);
    record->cases++;
    record->events += casefile->event_count;
    record->faults += fault_count;
    if (record->pause_at_case)
        casedb_pause(record->fixture->db);
    if (record->close_at_case)
        casedb_close(record->fixture->db, on_closed, record->fixture);
    if (record->brief)
        return;
    buffer_format(&record->text, "case %s %s %s %s\n", casefile->id, casefile->type, casefile->unit,
                  casefile->caseworker);
    for (size_t i = 0; i < casefile->event_count; i++) {
        const struct event *event = &casefile->events[i];
        char at[ZONE_INSTANT_SIZE], due[CIVIL_DATE_SIZE] = "";
        if (event->due_on != CIVIL_NONE)
            civil_format_date(event->due_on, due);
        buffer_format(&record->text, "  %s '%s' %s %s %s\n", event->id, event->subject, event->kind,
                      zone_format(zone, event->at, at), due);
    }
    for (size_t i = 0; i < fault_count; i++) {
        buffer_add_string(&record->text, " ");
        add_fault_text(record, &faults[i]);
    }
}

static void on_gone(struct casedb_read *read, const char *case_id)
{
    struct record *record = read->data;
    note_order(record, case_id);
    record->gone++;
    if (!record->brief)
        buffer_format(&record->text, "gone %s\n", case_id);
}

static void on_fault(struct casedb_read *read, const char *case_id, const struct fault *fault)
{
    struct record *record = read->data;
    if (*case_id && *case_id != '?')
        note_order(record, case_id);
    record->faults++;
    // Of a person or unit: whose it is.
    buffer_format(&record->text, "fault %s%s", case_id,
                  *case_id == '\0' && fault->subject ? fault->subject : "");
    add_fault_text(record, fault);
}

static void on_done(struct casedb_read *read, enum postgres_status status, const char *cursor,
                    const struct error *err)
{
    struct record *record = read->data;
    assert_int_equal(record->dones, 0);
    record->dones++;
    record->status = status;
    snprintf(record->cursor, sizeof record->cursor, "%s", cursor);
    assert_true((err == NULL) == (status == POSTGRES_OK));
    if (err)
        record->err = *err;
}

static bool is_done(void *data)
{
    struct record *record = data;
    return record->dones > 0;
}

static void begin_read(struct fixture *f, struct record *record, enum casedb_what what, const char *cursor,
                       const char *const *ids, size_t count)
{
    buffer_clear(&record->text);
    *record = (struct record){.fixture = f,
                              .text = record->text,
                              .brief = record->brief,
                              .pause_at_case = record->pause_at_case,
                              .close_at_case = record->close_at_case};
    buffer_add_string(&record->text, "");
    record->read = (struct casedb_read){.data = record,
                                        .what = what,
                                        .cursor = cursor,
                                        .case_ids = ids,
                                        .case_id_count = count,
                                        .on_people = on_people,
                                        .on_case = on_case,
                                        .on_gone = on_gone,
                                        .on_fault = on_fault,
                                        .on_done = on_done};
    struct error err;
    if (casedb_read(f->db, &record->read, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(record->dones, 0);
}

static void read_all(struct fixture *f, struct record *record)
{
    begin_read(f, record, CASEDB_ALL, NULL, NULL, 0);
    loop_until(&f->loop, is_done, record);
}

static void read_changes(struct fixture *f, struct record *record, const char *since, const char *const *ids,
                         size_t count)
{
    char cursor[100];
    snprintf(cursor, sizeof cursor, "%s", since); // `since` may be the record's own
    begin_read(f, record, CASEDB_CHANGES, cursor, ids, count);
    loop_until(&f->loop, is_done, record);
}

static void sql(const char *text)
{
    postgres_server_sql(&server, "sager", text);
}

#define FAMILY                                                                                               \
    "INSERT INTO fagsystem.enhed VALUES ('born', 'Børn og unge', NULL), ('fam-nord', 'Familie nord', "      \
    "'born');"                                                                                               \
    "INSERT INTO fagsystem.medarbejder VALUES ('mip', 'A', 'mip@kommunen.example'), ('tel', 'B',"            \
    " 'tel@kommunen.example'), ('udv', 'C', NULL);"                                                          \
    "INSERT INTO fagsystem.funktion VALUES ('mip', 'fam-nord', 'sagsbehandler'), ('tel', 'fam-nord', "       \
    "'teamleder');"                                                                                          \
    "INSERT INTO fagsystem.fravaer VALUES ('mip', '2020-01-01', '2020-01-31', 'tel'), ('mip', '2026-07-01'," \
    " NULL, 'tel');"

static void set_up_cases(void)
{
    sql("TRUNCATE fagsystem.enhed, fagsystem.medarbejder, fagsystem.funktion, fagsystem.fravaer, "
        "fagsystem.sag,"
        " fagsystem.barn, fagsystem.haendelse, fagsystem.aendring RESTART IDENTITY;" FAMILY
        "INSERT INTO fagsystem.sag VALUES ('S-2', 'barn', 'fam-nord', 'mip', 'Titel 010190-1234'),"
        " ('S-10', 'handicap', 'fam-nord', NULL, ''), ('S-Å', 'barn', 'born', 'tel', '');"
        "INSERT INTO fagsystem.barn VALUES ('B-1', 'S-2', 'Navn', '010118-1234', '2018-01-01');"
        "INSERT INTO fagsystem.haendelse (sagsnr, art, emne, tidspunkt, frist, bemaerkning) VALUES"
        " ('S-2', 'underretning.modtaget', 'U-17', '2026-05-22T15:30:00.9+02', NULL, 'fri tekst'),"
        " ('S-2', 'plan.udarbejdet', '', '2026-06-01T00:00+02', '2026-09-01', ''),"
        " ('S-Å', 'sag.lukket', '', '2026-06-02T00:00+02', NULL, '')");
}

// --- the contract as it is delivered ---

static void test_everything_in_order(void **state)
{
    (void)state;
    set_up_cases();
    struct fixture f;
    struct record record = {0};
    struct casedb_options options = options_for("sager", READER);
    start(&f, &options);
    read_all(&f, &record);
    assert_int_equal(record.status, POSTGRES_OK);
    assert_string_equal(record.text.data,
                        "person mip mip@kommunen.example fam-nord caseworker [2026-07-01,] tel\n"
                        "person tel tel@kommunen.example fam-nord team_leader [,] \n"
                        "person udv    [,] \n"
                        "unit born < \n"
                        "unit fam-nord < born\n"
                        "case S-10 handicap fam-nord \n"
                        "case S-2 barn fam-nord mip\n"
                        "  1 'U-17' underretning.modtaget 2026-05-22T15:30:00+02:00 \n"
                        "  2 '' plan.udarbejdet 2026-06-01T00:00:00+02:00 2026-09-01\n"
                        "  foedt-B-1 'B-1' barn.foedt 2018-01-01T00:00:00+01:00 \n"
                        "case S-Å barn born tel\n"
                        "  3 '' sag.lukket 2026-06-02T00:00:00+02:00 \n");
    assert_true(strtoull(record.cursor, NULL, 10) > 0);
    buffer_done(&record.text);
    stop(&f);
}

static void test_changes_since(void **state)
{
    (void)state;
    set_up_cases();
    struct fixture f;
    struct record record = {.brief = true};
    struct casedb_options options = options_for("sager", READER);
    start(&f, &options);
    read_all(&f, &record);
    assert_int_equal(record.cases, 3);
    record.brief = false;

    read_changes(&f, &record, record.cursor, NULL, 0);
    assert_string_equal(record.text.data, ""); // no people either
    assert_int_equal(record.people, 0);
    assert_int_equal(record.status, POSTGRES_OK);

    sql("INSERT INTO fagsystem.haendelse (sagsnr, art, tidspunkt) VALUES ('S-10', 'a.b', "
        "'2026-06-03T12:00Z')");
    sql("UPDATE fagsystem.barn SET foedt = '2018-01-02'");
    sql("DELETE FROM fagsystem.sag WHERE sagsnr = 'S-Å'");
    read_changes(&f, &record, record.cursor, NULL, 0);
    const char *cases = strstr(record.text.data, "case ");
    assert_non_null(cases);
    assert_string_equal(cases, "case S-10 handicap fam-nord \n"
                               "  4 '' a.b 2026-06-03T14:00:00+02:00 \n"
                               "case S-2 barn fam-nord mip\n"
                               "  1 'U-17' underretning.modtaget 2026-05-22T15:30:00+02:00 \n"
                               "  2 '' plan.udarbejdet 2026-06-01T00:00:00+02:00 2026-09-01\n"
                               "  foedt-B-1 'B-1' barn.foedt 2018-01-02T00:00:00+01:00 \n"
                               "gone S-Å\n");

    read_changes(&f, &record, record.cursor, NULL, 0);
    assert_string_equal(record.text.data, "");

    // The database was restored, and its transactions are counted anew.
    read_changes(&f, &record, "18446744073709551615", NULL, 0);
    assert_int_equal(record.cases, 2);
    assert_int_equal(record.gone, 1);
    read_changes(&f, &record, record.cursor, NULL, 0);
    assert_string_equal(record.text.data, "");

    // An event that moves from one case to another changes both.
    sql("INSERT INTO fagsystem.haendelse OVERRIDING SYSTEM VALUE VALUES (9, 'S-2', 'x', '', now())");
    read_changes(&f, &record, record.cursor, NULL, 0);
    sql("UPDATE fagsystem.haendelse SET sagsnr = 'S-10' WHERE haendelse = 9");
    read_changes(&f, &record, record.cursor, NULL, 0);
    assert_int_equal(record.cases, 2);
    buffer_done(&record.text);
    stop(&f);
}

static void test_wanted_cases(void **state)
{
    (void)state;
    set_up_cases();
    struct fixture f;
    struct record record = {.brief = true};
    struct casedb_options options = options_for("sager", READER);
    start(&f, &options);
    read_all(&f, &record);
    record.brief = false;
    sql("UPDATE fagsystem.sag SET titel = 'x' WHERE sagsnr = 'S-Å'");
    static const char *const wanted[] = {"S-9", "S-10", "S-10", "S-Å", "A"};
    read_changes(&f, &record, record.cursor, wanted, 5);
    assert_non_null(strstr(record.text.data, "gone A\n"));
    assert_non_null(strstr(record.text.data, "case S-10 handicap fam-nord \ngone S-9\ncase S-Å "));

    begin_read(&f, &record, CASEDB_CASES, NULL, wanted, 3);
    loop_until(&f.loop, is_done, &record);
    assert_int_equal(record.cases, 1);
    assert_int_equal(record.gone, 1);
    begin_read(&f, &record, CASEDB_CASES, NULL, NULL, 0);
    loop_until(&f.loop, is_done, &record);
    assert_int_equal(record.status, POSTGRES_OK);
    buffer_done(&record.text);
    stop(&f);
}

// A second connection of a writer whose transaction stays open.
struct writer {
    struct postgres *pg;
    struct postgres_request request;
    struct postgres_statement statements[2];
    bool up, done, closed;
    struct buffer rows;
};

static void on_writer_state(void *data, bool up, const struct error *err)
{
    (void)err;
    ((struct writer *)data)->up = up;
}

static void on_writer_done(struct postgres_request *request, enum postgres_status status,
                           const struct error *err)
{
    if (status != POSTGRES_OK)
        fail_msg("%s", err->text);
    ((struct writer *)request->data)->done = true;
}

static void on_writer_closed(void *data)
{
    ((struct writer *)data)->closed = true;
}

static bool writer_is_up(void *data)
{
    return ((struct writer *)data)->up;
}

static bool writer_is_done(void *data)
{
    return ((struct writer *)data)->done;
}

static bool writer_is_closed(void *data)
{
    return ((struct writer *)data)->closed;
}

static void write_sql(struct fixture *f, struct writer *writer, const char *first, const char *second)
{
    struct error err;
    writer->done = false;
    writer->statements[0].sql = first;
    writer->statements[1].sql = second;
    writer->request = (struct postgres_request){.data = writer,
                                                .statements = writer->statements,
                                                .statement_count = second ? 2 : 1,
                                                .on_done = on_writer_done};
    assert_int_equal(postgres_submit(writer->pg, &writer->request, &err), 0);
    loop_until(&f->loop, writer_is_done, writer);
}

static void test_a_late_commit_is_found(void **state)
{
    (void)state;
    set_up_cases();
    struct fixture f;
    struct record record = {.brief = true};
    struct casedb_options options = options_for("sager", READER);
    start(&f, &options);
    struct writer writer = {0};
    struct postgres_options of_writer = options_for("sager", POSTGRES_SERVER_ADMIN).server;
    writer.pg = postgres_new(&f.loop, &of_writer, on_writer_state, NULL, &writer);
    postgres_start(writer.pg);
    loop_until(&f.loop, writer_is_up, &writer);
    read_all(&f, &record);

    write_sql(
        &f, &writer, "BEGIN",
        "INSERT INTO fagsystem.haendelse (sagsnr, art, tidspunkt) VALUES ('S-10', 'late', '2020-01-01')");
    sql("UPDATE fagsystem.sag SET titel = 'y' WHERE sagsnr = 'S-2'"); // later, but committed first
    read_changes(&f, &record, record.cursor, NULL, 0);
    assert_int_equal(record.cases, 1);
    assert_string_equal(record.previous, "S-2");
    read_changes(&f, &record, record.cursor, NULL, 0);
    assert_int_equal(record.cases, 1); // again: the writer holds the cursor back
    write_sql(&f, &writer, "COMMIT", NULL);
    read_changes(&f, &record, record.cursor, NULL, 0);
    assert_int_equal(record.cases, 2);
    read_changes(&f, &record, record.cursor, NULL, 0);
    assert_int_equal(record.cases, 0);
    postgres_close(writer.pg, on_writer_closed, &writer);
    loop_until(&f.loop, writer_is_closed, &writer);
    buffer_done(&record.text);
    stop(&f);
}

#define MANY 4321

static void set_up_many(void)
{
    set_up_cases();
    sql("DELETE FROM fagsystem.sag;"
        "INSERT INTO fagsystem.sag SELECT 'S-' || lpad(i::text, 6, '0'), 'barn', 'fam-nord', 'mip'"
        " FROM generate_series(1, 4321) AS i;"
        "INSERT INTO fagsystem.haendelse (sagsnr, art, emne, tidspunkt)"
        " SELECT 'S-' || lpad(i::text, 6, '0'), 'underretning.modtaget', 'U-' || k, '2026-01-01'"
        " FROM generate_series(1, 4321) AS i, generate_series(1, 5) AS k");
    sql("ANALYZE");
}

static void test_a_mass_update_comes_page_by_page(void **state)
{
    (void)state;
    set_up_many();
    struct fixture f;
    struct record record = {.brief = true};
    struct casedb_options options = options_for("sager", READER);
    start(&f, &options);
    read_all(&f, &record);
    assert_int_equal(record.cases, MANY);
    assert_int_equal(record.events, 5 * MANY);
    sql("UPDATE fagsystem.sag SET titel = 'z'");
    sql("DELETE FROM fagsystem.sag WHERE sagsnr LIKE 'S-0%7'");
    read_changes(&f, &record, record.cursor, NULL, 0);
    assert_int_equal(record.status, POSTGRES_OK);
    assert_int_equal(record.gone, 432);
    assert_int_equal(record.cases, MANY - 432);
    assert_int_equal(record.events, 5 * (MANY - 432));
    assert_string_equal(record.previous, "S-004321");
    buffer_done(&record.text);
    stop(&f);
}

static bool has_case(void *data)
{
    return ((struct record *)data)->cases > 0;
}

static void test_pause_and_resume(void **state)
{
    (void)state;
    set_up_many();
    struct fixture f;
    struct record record = {.brief = true, .pause_at_case = true};
    struct casedb_options options = options_for("sager", READER);
    start(&f, &options);
    begin_read(&f, &record, CASEDB_ALL, NULL, NULL, 0);
    loop_until(&f.loop, has_case, &record);
    assert_false(loop_until_ms(&f.loop, is_done, &record, 50));
    assert_int_equal(record.cases, 1);
    for (size_t i = 2; i < 2000; i++) {
        size_t before = record.cases;
        casedb_resume(f.db);
        assert_int_equal(record.cases, before);
        while (record.cases == before)
            uv_run(&f.loop, UV_RUN_ONCE);
        assert_int_equal(record.cases, i);
    }
    record.pause_at_case = false;
    casedb_resume(f.db);
    loop_until(&f.loop, is_done, &record);
    assert_int_equal(record.cases, MANY);

    // By ids, across pages, paused between two of them as well.
    record.pause_at_case = true;
    begin_read(&f, &record, CASEDB_CHANGES, "0", NULL, 0);
    while (!record.dones) {
        casedb_resume(f.db);
        uv_run(&f.loop, UV_RUN_ONCE);
    }
    assert_int_equal(record.status, POSTGRES_OK);
    assert_int_equal(record.cases, MANY);
    buffer_done(&record.text);
    stop(&f);
}

static void test_notifications_wake(void **state)
{
    (void)state;
    set_up_cases();
    struct fixture f;
    struct casedb_options options = options_for("sager", READER);
    options.notify_channel = "fristd";
    start(&f, &options);
    loop_until(&f.loop, was_woken, &f); // the listener is there: something may have been missed
    loop_until(&f.loop, is_notified, &f);
    assert_int_equal(f.wakes, 1); // our own notification is none to look at
    f.wakes = 0;
    sql("UPDATE fagsystem.sag SET titel = 'w' WHERE sagsnr = 'S-2'");
    loop_until(&f.loop, was_woken, &f);

    // Both connections lost: heard again when both are back.
    f.ups = 0;
    f.wakes = 0;
    sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '" READER "'");
    loop_until(&f.loop, has_gone_down, &f);
    loop_until(&f.loop, has_come_up, &f);
    loop_until(&f.loop, was_woken, &f);
    loop_until(&f.loop, is_notified, &f);
    stop(&f);
}

static void test_lost_in_the_middle(void **state)
{
    (void)state;
    set_up_many();
    struct fixture f;
    struct record record = {.brief = true, .pause_at_case = true};
    struct casedb_options options = options_for("sager", READER);
    start(&f, &options);
    begin_read(&f, &record, CASEDB_ALL, NULL, NULL, 0);
    loop_until(&f.loop, has_case, &record);
    sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '" READER "'");
    record.pause_at_case = false;
    casedb_resume(f.db);
    loop_until(&f.loop, is_done, &record);
    assert_int_equal(record.status, POSTGRES_LOST);
    assert_string_equal(record.cursor, "");
    loop_until(&f.loop, has_gone_down, &f);
    struct error err;
    assert_int_equal(casedb_read(f.db, &record.read, &err), -1);
    f.ups = 0;
    loop_until(&f.loop, has_come_up, &f);
    read_all(&f, &record);
    assert_int_equal(record.cases, MANY);
    buffer_done(&record.text);
    stop(&f);
}

static void test_closed_in_the_middle(void **state)
{
    (void)state;
    set_up_many();
    struct casedb_options options = options_for("sager", READER);
    for (int paused = 0; paused < 2; paused++) {
        struct fixture f;
        struct record record = {.brief = true, .pause_at_case = paused, .close_at_case = true};
        start(&f, &options);
        begin_read(&f, &record, CASEDB_ALL, NULL, NULL, 0);
        loop_until(&f.loop, is_closed, &f);
        assert_int_equal(record.dones, 1);
        assert_int_equal(record.status, POSTGRES_CLOSED);
        assert_int_equal(record.cases, 1);
        buffer_done(&record.text);
        stop(&f);
    }
}

static void test_the_role_may_only_read_the_contract(void **state)
{
    (void)state;
    assert_string_equal(
        postgres_server_sql(&server, "sager",
                            "SELECT string_agg(n.nspname || '.' || c.relname, ' ' ORDER BY c.relname)"
                            " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
                            " WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')"
                            " AND n.nspname NOT LIKE 'pg_toast%'"
                            " AND c.relkind IN ('r', 'v', 'm', 'S')"
                            " AND has_table_privilege('" READER "', c.oid,"
                            " 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE')"),
        "fristd.cases fristd.changes fristd.events fristd.people fristd.units");
    assert_string_equal(
        postgres_server_sql(&server, "sager",
                            "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
                            " WHERE n.nspname = 'fristd' AND has_table_privilege('" READER "', c.oid,"
                            " 'INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER, REFERENCES')"),
        "0");
}

// --- the plans: what a poll costs must not depend on the number of cases ---

static void on_plan_row(struct postgres_request *request, int statement, const struct postgres_row *row)
{
    (void)statement;
    struct writer *asker = request->data;
    buffer_add_string(&asker->rows, postgres_text(row, 0, NULL));
    buffer_add_char(&asker->rows, '\n');
}

static const char *plan(struct fixture *f, struct writer *asker, const char *statement,
                        const struct postgres_params *params)
{
    struct error err;
    struct buffer text = {0};
    buffer_format(&text, "EXPLAIN (COSTS OFF) %s", statement);
    buffer_clear(&asker->rows);
    asker->done = false;
    asker->statements[0] = (struct postgres_statement){.sql = text.data, .params = params};
    asker->request = (struct postgres_request){.data = asker,
                                               .statements = asker->statements,
                                               .statement_count = 1,
                                               .on_row = on_plan_row,
                                               .on_done = on_writer_done};
    assert_int_equal(postgres_submit(asker->pg, &asker->request, &err), 0);
    loop_until(&f->loop, writer_is_done, asker);
    buffer_done(&text);
    return asker->rows.data;
}

static void build_default_contract(struct contract *contract)
{
    static const char *const none[CONTRACT_QUERIES];
    static const struct {
        enum contract_query query;
        const char *name;
        uint32_t type;
    } columns[] = {
        {CONTRACT_EVENTS, "occurred_at", POSTGRES_TYPE_TIMESTAMPTZ},
        {CONTRACT_EVENTS, "due_on", POSTGRES_TYPE_DATE},
    };
    contract_init(contract, none);
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++)
        contract_see_column(contract, columns[i].query, columns[i].name, columns[i].type);
    contract_build(contract);
}

static void test_the_contract_is_read_by_its_indexes(void **state)
{
    (void)state;
    set_up_many();
    sql("INSERT INTO fagsystem.barn SELECT 'B' || sagsnr, sagsnr, '', NULL, '2015-01-01' FROM fagsystem.sag;"
        "ANALYZE");
    struct fixture f;
    assert_int_equal(uv_loop_init(&f.loop), 0);
    struct writer asker = {0};
    struct postgres_options options = options_for("sager", POSTGRES_SERVER_ADMIN).server;
    asker.pg = postgres_new(&f.loop, &options, on_writer_state, NULL, &asker);
    postgres_start(asker.pg);
    loop_until(&f.loop, writer_is_up, &asker);
    struct contract contract;
    build_default_contract(&contract);

    // All: in the order of indexes, merged; nothing is sorted and so the first row comes at once.
    struct postgres_params params = {0};
    postgres_array_null(&params, POSTGRES_TEXTS);
    const char *text = plan(&f, &asker, contract.read, &params);
    assert_non_null(strstr(text, "Merge Append"));
    assert_non_null(strstr(text, "Index Scan using sag_pkey"));
    assert_non_null(strstr(text, "Index Scan using haendelse_sagsnr"));
    if (strstr(text, "-> Sort") || strstr(text, "Seq Scan"))
        fail_msg("%s", text);

    // Some: by index.
    postgres_params_clear(&params);
    postgres_array_begin(&params, POSTGRES_TEXTS, 2);
    postgres_array_text(&params, "S-000100");
    postgres_array_text(&params, "S-000200");
    text = plan(&f, &asker, contract.read, &params);
    assert_non_null(strstr(text, "sag_pkey"));
    assert_non_null(strstr(text, "haendelse_sagsnr"));
    if (strstr(text, "Seq Scan"))
        fail_msg("%s", text);

    // What has changed: the end of the index on the transaction.
    sql("UPDATE fagsystem.sag SET titel = 'p' WHERE sagsnr = 'S-000100'; ANALYZE");
    postgres_params_clear(&params);
    postgres_param_text(&params, postgres_server_sql(&server, "sager", "SELECT pg_current_xact_id()::text"));
    text = plan(&f, &asker, contract.queries[CONTRACT_CHANGES], &params);
    assert_non_null(strstr(text, "aendring_pkey"));
    assert_non_null(strstr(text, "Index Cond: (aendret >= "));

    postgres_params_done(&params);
    buffer_done(&asker.rows);
    contract_done(&contract);
    postgres_close(asker.pg, on_writer_closed, &asker);
    loop_until(&f.loop, writer_is_closed, &asker);
    assert_int_equal(uv_loop_close(&f.loop), 0);
}

// --- bad input: all columns text, as a municipality's view may give them ---

#define RAW_OPTIONS                                                                                          \
    .cases = "SELECT * FROM raw_case WHERE $1::text[] IS NULL OR case_id = ANY ($1) -- a comment",           \
    .events = "SELECT * FROM raw_event WHERE $1::text[] IS NULL OR case_id = ANY ($1);\n",                   \
    .people = "SELECT * FROM raw_person", .units = "SELECT 'fam' AS unit, NULL::text AS parent",             \
    .cursor = "SELECT 'now'::text", .changes = "SELECT case_id FROM raw_case WHERE $1 <> ''"

static const char *const raw_tables =
    "CREATE TABLE raw_case (case_id text, case_type text, unit text, caseworker text);"
    "CREATE TABLE raw_event (event_id text, case_id text, subject text, kind text, occurred_at text, due_on "
    "text);"
    "CREATE TABLE raw_person (person_id text, email text, unit text, role text, away_from text, away_until "
    "text,"
    " substitute text)";

static void start_raw(struct fixture *f, const char *database)
{
    struct casedb_options options = {RAW_OPTIONS};
    options.server = options_for(database, POSTGRES_SERVER_ADMIN).server;
    start(f, &options);
}

// One good case, and beside it rows that are not: each is a fault, and nothing else is touched.
static const struct {
    const char *title, *rows, *expected;
} bad_rows[] = {
    {"a case without an id", "INSERT INTO raw_case VALUES (NULL, 'barn', 'fam', 'p')",
     "fault ? bad_row: cases.case_id is null; the row is left out: correct it\n"},
    {"a case with an empty id", "INSERT INTO raw_case VALUES ('', 'barn', 'fam', 'p')",
     "fault ? bad_row: cases.case_id is empty; the row is left out: correct it\n"},
    {"an id too long", "INSERT INTO raw_case VALUES (repeat('x', 201), 'barn', 'fam', 'p')",
     "fault ? bad_row: cases.case_id is longer than 200 bytes; the row is left out: correct it\n"},
    {"an id too long in bytes", "INSERT INTO raw_case VALUES (repeat('å', 101), 'barn', 'fam', 'p')",
     "fault ? bad_row: cases.case_id is longer than 200 bytes; the row is left out: correct it\n"},
    {"a control character in an id", "INSERT INTO raw_case VALUES (E'A\\r\\nB', 'barn', 'fam', 'p')",
     "fault ? bad_row: cases.case_id holds a control character; the row is left out: correct it\n"},
    {"a case without a type",
     "INSERT INTO raw_case VALUES ('A', NULL, 'fam', 'p');"
     "INSERT INTO raw_event VALUES ('1', 'A', '', 'k', '2026-01-01', NULL)",
     "fault A bad_row: cases.case_type is null\n"},
    {"a case without a unit", "INSERT INTO raw_case VALUES ('A', 'barn', NULL, 'p')",
     "case A barn  p\n  bad_row: cases.unit is null\n"},
    {"ten megabytes in a caseworker",
     "INSERT INTO raw_case VALUES ('A', 'barn', 'fam', repeat('x', 10000000))",
     "case A barn fam \n  bad_row: cases.caseworker is longer than 200 bytes\n"},
    {"a case that comes twice",
     "INSERT INTO raw_case VALUES ('A', 'barn', 'fam', 'p'), ('A', 'barn', 'fam', 'p')",
     "case A barn fam p\n  bad_row: cases.case_id comes twice; the first row is taken\n"},
    {"an event without a case id", "INSERT INTO raw_event VALUES ('1', NULL, '', 'k', '2026-01-01', NULL)",
     "fault ? bad_row: events.case_id is null; the row is left out: correct it\n"},
    {"an event of no case", "INSERT INTO raw_event VALUES ('1', 'A', '', 'k', '2026-01-01', NULL)",
     "fault A unknown_case event=1\n"},
    {"events",
     "INSERT INTO raw_case VALUES ('A', 'barn', 'fam', 'p'); INSERT INTO raw_event VALUES"
     " ('01', 'A', NULL, 'k', '2026-05-22T15:30', ''), ('02', 'A', 's', 'k', '2026-05-22', '2026-06-01'),"
     " (NULL, 'A', '', 'k', '2026-01-01', NULL), ('03', 'A', E's\\t', 'k', '2026-01-01', NULL),"
     " ('04', 'A', 's', NULL, '2026-01-01', NULL), ('05', 'A', 's', '', '2026-01-01', NULL),"
     " ('06', 'A', 's', 'k', NULL, NULL), ('07', 'A', 's', 'k', '2026-02-30', NULL),"
     " ('08', 'A', 's', 'k', 'Hans Hansen 010190-1234', NULL),"
     " ('09', 'A', 's', 'k', '9999-12-31', NULL), ('10', 'A', 's', 'k', 'infinity', NULL),"
     " ('11', 'A', 's', 'k', '2026-01-01', '2026-02-30'),"
     " ('12', 'A', 's', repeat('k', 10000000), '2026-01-01', NULL)",
     "case A barn fam p\n"
     "  01 '' k 2026-05-22T15:30:00+02:00 \n"
     "  02 's' k 2026-05-22T00:00:00+02:00 2026-06-01\n"
     "  bad_row: events.event_id is null\n"
     "  bad_row: events.subject holds a control character event=03\n"
     "  bad_row: events.kind is null event=04\n"
     "  bad_row: events.kind is empty event=05\n"
     "  bad_row: events.occurred_at is null event=06\n"
     "  bad_row: events.occurred_at is not a date and time as in 2026-05-22T15:30, within the years 1900 to "
     "2200"
     " event=07\n"
     "  bad_row: events.occurred_at is not a date and time as in 2026-05-22T15:30, within the years 1900 to "
     "2200"
     " event=08\n"
     "  bad_row: events.occurred_at is not a date and time as in 2026-05-22T15:30, within the years 1900 to "
     "2200"
     " event=09\n"
     "  bad_row: events.occurred_at is not a date and time as in 2026-05-22T15:30, within the years 1900 to "
     "2200"
     " event=10\n"
     "  bad_row: events.due_on is not a date as in 2026-05-22, within the years 1900 to 2200 event=11\n"
     "  bad_row: events.kind is longer than 200 bytes event=12\n"},
    {"more events than one case may have",
     "INSERT INTO raw_case VALUES ('A', 'barn', 'fam', 'p'); INSERT INTO raw_event"
     " SELECT i, 'A', '', 'k', '2026-01-01', NULL FROM generate_series(1, 20001) AS i",
     "fault A bad_row: events are more than 20000 in this case\n"},
    {"people",
     "INSERT INTO raw_person VALUES (NULL, 'a@b', 'fam', 'r'), ('p', E'a@b\\nBcc: x', 'fam', 'r'),"
     " ('r', repeat('x', 10000000), 'fam', 'r');"
     " INSERT INTO raw_person VALUES ('q', 'a@b', 'fam', 'r', '2026-02-31')",
     "fault  bad_row: people.person_id is null; the row is left out: correct it\n"
     "fault p bad_row: people.email holds a control character; the row is left out: correct it\n"
     "fault r bad_row: people.email is too long; the row is left out: correct it\n"
     "fault q bad_row: people.away_from is not a date as in 2026-05-22, within the years 1900 to 2200; the "
     "row "
     "is left out: correct it\n"},
};

static void test_bad_rows_are_faults_of_their_own(void **state)
{
    (void)state;
    struct fixture f;
    struct record record = {0};
    start_raw(&f, "raw");
    for (size_t i = 0; i < sizeof bad_rows / sizeof bad_rows[0]; i++) {
        postgres_server_sql(&server, "raw",
                            "TRUNCATE raw_case, raw_event, raw_person;"
                            "INSERT INTO raw_case VALUES ('Z', 'barn', 'fam', 'p')");
        postgres_server_sql(&server, "raw", bad_rows[i].rows);
        read_all(&f, &record);
        assert_int_equal(record.status, POSTGRES_OK);
        if (strstr(record.text.data, bad_rows[i].expected) == NULL)
            fail_msg("%s:\n%s", bad_rows[i].title, record.text.data);
        if (strstr(record.text.data, "case Z barn fam p\n") == NULL)
            fail_msg("%s: the good case is not there:\n%s", bad_rows[i].title, record.text.data);
        assert_null(strstr(record.text.data, "Hans"));
    }
    buffer_done(&record.text);
    stop(&f);
}

static void test_a_mistake_in_every_row_is_not_told_a_thousand_times(void **state)
{
    (void)state;
    struct fixture f;
    struct record record = {.brief = true};
    start_raw(&f, "raw");
    postgres_server_sql(&server, "raw",
                        "TRUNCATE raw_case, raw_event, raw_person;"
                        "INSERT INTO raw_case SELECT NULL, 'barn', 'fam', 'p' FROM"
                        " generate_series(1, 5000)");
    read_all(&f, &record);
    assert_int_equal(record.status, POSTGRES_OK);
    assert_int_equal(record.faults, 101);
    buffer_done(&record.text);
    stop(&f);
}

static void test_times_that_only_the_server_knows(void **state)
{
    (void)state;
    set_up_cases();
    sql("INSERT INTO fagsystem.haendelse (sagsnr, art, tidspunkt, frist) VALUES"
        " ('S-10', 'a', 'infinity', NULL), ('S-10', 'b', '10000-01-01', NULL),"
        " ('S-10', 'c', '2026-01-01', '-infinity')");
    struct fixture f;
    struct record record = {0};
    struct casedb_options options = options_for("sager", READER);
    start(&f, &options);
    read_all(&f, &record);
    const char *last = record.text.data;
    for (int i = 0; i < 2; i++) {
        last = strstr(last + 1, "bad_row: events.occurred_at is not within the years 1900 to 2200");
        assert_non_null(last);
    }
    assert_non_null(strstr(last, "bad_row: events.due_on is not within the years 1900 to 2200"));
    buffer_done(&record.text);
    stop(&f);
}

static void test_invalid_utf8(void **state)
{
    (void)state;
    postgres_server_sql(&server, "ascii",
                        "TRUNCATE raw_case, raw_event, raw_person;"
                        "INSERT INTO raw_case VALUES ('Z', 'barn', 'fam', 'p'),"
                        " ('A', 'barn', 'fam', E'b\\370rge'), (E'S-\\305', 'barn', 'fam', 'p'),"
                        " (E'S-\\303\\205', 'barn', 'fam', 'p');"
                        "INSERT INTO raw_event VALUES ('1', 'Z', E'\\200', 'k', '2026-01-01')");
    struct fixture f;
    struct record record = {0};
    start_raw(&f, "ascii");
    read_all(&f, &record);
    assert_int_equal(record.status, POSTGRES_OK);
    assert_string_equal(record.text.data,
                        "unit fam < \n"
                        "case A barn fam \n"
                        "  bad_row: cases.caseworker is not valid UTF-8\n"
                        "fault ? bad_row: cases.case_id is not valid UTF-8; the row is left out: correct it\n"
                        "case S-Å barn fam p\n"
                        "case Z barn fam p\n"
                        "  bad_row: events.subject is not valid UTF-8 event=1\n");
    read_changes(&f, &record, "x", NULL, 0);
    assert_int_equal(record.status, POSTGRES_OK);
    assert_int_equal(record.cases, 3);
    buffer_done(&record.text);
    stop(&f);
}

// --- the server refuses ---

static struct casedb_options failing_options(const char *database)
{
    struct casedb_options options = {RAW_OPTIONS};
    options.server = options_for(database, POSTGRES_SERVER_ADMIN).server;
    // The view's owner casts, so the query as a whole fails where the text is no date.
    options.events = "SELECT event_id, case_id, subject, kind, occurred_at::timestamptz AS occurred_at,"
                     " due_on::date AS due_on FROM raw_event WHERE $1::text[] IS NULL OR case_id = ANY ($1)";
    return options;
}

static void test_cases_that_make_the_query_fail_are_singled_out(void **state)
{
    (void)state;
    // In the first place, in the middle, two beside each other, in the last place.
    static const char *const bad = "'00001', '02500', '02501', '03333', '05000'";
    struct buffer fill = {0};
    buffer_format(
        &fill,
        "TRUNCATE raw_case, raw_event, raw_person; CREATE INDEX IF NOT EXISTS i ON raw_event"
        " (case_id COLLATE \"C\"); CREATE INDEX IF NOT EXISTS j ON raw_case (case_id COLLATE \"C\");"
        "INSERT INTO raw_case SELECT lpad(i::text, 5, '0'), 'barn', 'fam', 'p' FROM"
        " generate_series(1, 5000) AS i;"
        "INSERT INTO raw_event SELECT 1, case_id, '', 'k', CASE WHEN case_id IN (%s) THEN 'Hans Hansen'"
        " ELSE '2026-01-01' END FROM raw_case; ANALYZE",
        bad);
    postgres_server_sql(&server, "raw", fill.data);
    buffer_done(&fill);
    static const char *const expected =
        "fault 00001 bad_row: the query fails on the server for this case, SQLSTATE 22007\n"
        "fault 02500 bad_row: the query fails on the server for this case, SQLSTATE 22007\n"
        "fault 02501 bad_row: the query fails on the server for this case, SQLSTATE 22007\n"
        "fault 03333 bad_row: the query fails on the server for this case, SQLSTATE 22007\n"
        "fault 05000 bad_row: the query fails on the server for this case, SQLSTATE 22007\n";
    struct fixture f;
    struct record record = {.brief = true};
    struct casedb_options options = failing_options("raw");
    start(&f, &options);
    read_all(&f, &record);
    assert_int_equal(record.status, POSTGRES_OK);
    assert_string_equal(record.text.data, expected);
    assert_int_equal(record.cases, 4995); // each once: the order was checked
    assert_string_equal(record.cursor, "now");

    static const char *const wanted[] = {"02500", "02500x", "99999"};
    read_changes(&f, &record, "x", wanted, 3);
    assert_int_equal(record.status, POSTGRES_OK);
    assert_string_equal(record.text.data, expected);
    assert_int_equal(record.cases, 4995);
    assert_int_equal(record.gone, 2);
    assert_int_equal(f.downs, 0);
    buffer_done(&record.text);
    stop(&f);
}

static void test_a_query_that_fails_everywhere_ends_the_read(void **state)
{
    (void)state;
    postgres_server_sql(&server, "raw",
                        "TRUNCATE raw_case, raw_event, raw_person;"
                        "INSERT INTO raw_case SELECT i, 'barn', 'fam', 'p' FROM"
                        " generate_series(1, 3000) AS i;"
                        "INSERT INTO raw_event SELECT 1, case_id, '', 'k', 'Hans' FROM raw_case");
    struct fixture f;
    struct record record = {.brief = true};
    struct casedb_options options = failing_options("raw");
    start(&f, &options);
    read_all(&f, &record);
    assert_int_equal(record.status, POSTGRES_SQL_ERROR);
    assert_string_equal(record.cursor, "");
    assert_non_null(strstr(record.err.text, "more than 200 cases fail on the server"));
    assert_null(strstr(record.err.text, "Hans"));
    buffer_done(&record.text);
    stop(&f);
}

static void test_a_cursor_without_a_value(void **state)
{
    (void)state;
    static const char *const queries[] = {"SELECT NULL::text", "SELECT 'x'::text WHERE false"};
    for (int i = 0; i < 2; i++) {
        struct fixture f;
        struct record record = {.brief = true};
        struct casedb_options options = options_for("sager", READER);
        options.cursor = queries[i];
        start(&f, &options);
        read_all(&f, &record);
        assert_int_equal(record.status, POSTGRES_SQL_ERROR);
        assert_string_equal(record.err.text, "casedb: the query cursor gives no value");
        read_changes(&f, &record, "0", NULL, 0);
        assert_int_equal(record.status, POSTGRES_SQL_ERROR);
        buffer_done(&record.text);
        stop(&f);
    }
}

static void test_a_contract_that_breaks_while_running(void **state)
{
    (void)state;
    set_up_cases();
    struct fixture f;
    struct record record = {.brief = true};
    struct casedb_options options = options_for("sager", READER);
    start(&f, &options);
    sql("ALTER VIEW fristd.events RENAME COLUMN due_on TO frist");
    read_all(&f, &record);
    assert_int_equal(record.status, POSTGRES_SQL_ERROR);
    assert_string_equal(record.cursor, "");
    assert_non_null(strstr(record.err.text, "due_on"));
    struct error err;
    assert_int_equal(casedb_read(f.db, &record.read, &err), -1);
    loop_until(&f.loop, has_gone_down, &f);
    sql("ALTER VIEW fristd.events RENAME COLUMN frist TO due_on");
    buffer_done(&record.text);
    stop(&f);
}

static void test_a_contract_that_does_not_fit(void **state)
{
    (void)state;
    static const struct {
        struct casedb_options options;
        const char *says;
    } cases[] = {
        {{.cases = "SELECT case_id, case_type, unit FROM fristd.cases WHERE case_id = ANY ($1)"},
         "the query cases gives no column caseworker; it gives: case_id, case_type, unit"},
        {{.events =
              "SELECT haendelse AS event_id, sagsnr AS case_id, emne AS subject, art AS kind, tidspunkt AS"
              " occurred_at, frist AS due_on FROM fagsystem.haendelse WHERE sagsnr = ANY ($1)"},
         "the query events gives event_id as bigint; needed: text: cast it"},
        {{.events =
              "SELECT event_id, case_id, subject, kind, occurred_at::timestamp AS occurred_at, due_on FROM"
              " fristd.events WHERE case_id = ANY ($1)"},
         "the query events gives occurred_at as timestamp without time zone; needed: timestamptz: write"
         " occurred_at AT TIME ZONE 'Europe/Copenhagen'"},
        {{.events = "SELECT event_id, case_id, subject, kind, occurred_at, occurred_at AS due_on FROM"
                    " fristd.events WHERE case_id = ANY ($1)"},
         "the query events gives due_on as timestamp with time zone; needed: date, or text as YYYY-MM-DD"},
        {{.people = "SELECT * FROM fristd.nobody"},
         "the query people: casedb: relation \"fristd.nobody\" does not exist [SQLSTATE 42P01]"},
        {{.cases = "SELECT * FROM fristd.cases"},
         "the query cases does not use $1 (the case ids wanted; null: all)"},
        {{.changes = "SELECT case_id FROM fristd.changes"},
         "the query changes does not use $1 (the cursor of last time)"},
        {{.changes = "SELECT case_id FROM fristd.changes WHERE changed >= $1"},
         "the query changes: casedb: operator does not exist: xid8 >= text"},
        {{.cursor = "SELECT now()"},
         "the query cursor gives cursor as timestamp with time zone; needed: text"},
        {{.cursor = "SELECT 'a'::text, 'b'::text"},
         "the query cursor gives 2 columns; needed: one, of type text"},
        {{.units = "SELECT 'a'::text AS unit, NULL AS parent FROM"}, "the query units: casedb: syntax error"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture f;
        struct casedb_options options = cases[i].options;
        options.server = options_for("sager", POSTGRES_SERVER_ADMIN).server;
        open_casedb(&f, &options);
        loop_until(&f.loop, has_gone_down, &f);
        if (strstr(f.last.text, cases[i].says) == NULL)
            fail_msg("%s", f.last.text);
        assert_int_equal(f.ups, 0);
        struct casedb_read read = {.what = CASEDB_ALL};
        struct error err;
        assert_int_equal(casedb_read(f.db, &read, &err), -1);
        stop(&f);
    }
}

static void test_ids_of_other_text_types(void **state)
{
    (void)state;
    postgres_server_sql(&server, "raw",
                        "TRUNCATE raw_case, raw_event, raw_person;"
                        "INSERT INTO raw_case VALUES ('B', 'barn', 'fam', 'p'),"
                        " ('a', 'barn', 'fam', 'p');"
                        "INSERT INTO raw_event VALUES ('1', 'a', '', 'k', '2026-01-01', NULL)");
    struct casedb_options options = {RAW_OPTIONS};
    options.server = options_for("raw", POSTGRES_SERVER_ADMIN).server;
    options.cases =
        "SELECT case_id::varchar(20) AS case_id, case_type::char(8) AS case_type, unit::name AS unit,"
        " caseworker FROM raw_case WHERE $1::text[] IS NULL OR case_id = ANY ($1)";
    options.changes = "SELECT case_id::char(5) AS case_id FROM raw_case WHERE $1 <> ''";
    struct fixture f;
    struct record record = {0};
    start(&f, &options);
    read_all(&f, &record);
    assert_string_equal(record.text.data, "unit fam < \n"
                                          "case B barn fam p\n"
                                          "case a barn fam p\n"
                                          "  1 '' k 2026-01-01T00:00:00+01:00 \n");
    read_changes(&f, &record, "x", NULL, 0);
    assert_int_equal(record.cases, 2);
    buffer_done(&record.text);
    stop(&f);
}

static int start_server(void **state)
{
    (void)state;
    struct error err;
    if (zone_load("Europe/Copenhagen", &zone, &err) < 0)
        return -1;
    postgres_server_start(&server);
    postgres_server_sql(&server, "postgres", "CREATE DATABASE sager");
    postgres_server_sql_file(&server, "sager", FRISTD_SOURCE_DIR "/config/sql/example.sql");
    postgres_server_sql_file(&server, "sager", FRISTD_SOURCE_DIR "/config/sql/contract.sql");
    postgres_server_sql_file(&server, "sager", FRISTD_SOURCE_DIR "/config/sql/role.sql");
    postgres_server_sql_file(&server, "sager", FRISTD_SOURCE_DIR "/config/sql/role.sql"); // may run again
    postgres_server_sql(&server, "postgres", "CREATE DATABASE raw");
    postgres_server_sql(&server, "raw", raw_tables);
    postgres_server_sql(&server, "postgres",
                        "CREATE DATABASE ascii ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0");
    postgres_server_sql(&server, "ascii", raw_tables);
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
        cmocka_unit_test(test_everything_in_order),
        cmocka_unit_test(test_changes_since),
        cmocka_unit_test(test_wanted_cases),
        cmocka_unit_test(test_a_late_commit_is_found),
        cmocka_unit_test(test_a_mass_update_comes_page_by_page),
        cmocka_unit_test(test_pause_and_resume),
        cmocka_unit_test(test_notifications_wake),
        cmocka_unit_test(test_lost_in_the_middle),
        cmocka_unit_test(test_closed_in_the_middle),
        cmocka_unit_test(test_the_role_may_only_read_the_contract),
        cmocka_unit_test(test_the_contract_is_read_by_its_indexes),
        cmocka_unit_test(test_bad_rows_are_faults_of_their_own),
        cmocka_unit_test(test_a_mistake_in_every_row_is_not_told_a_thousand_times),
        cmocka_unit_test(test_times_that_only_the_server_knows),
        cmocka_unit_test(test_invalid_utf8),
        cmocka_unit_test(test_cases_that_make_the_query_fail_are_singled_out),
        cmocka_unit_test(test_a_query_that_fails_everywhere_ends_the_read),
        cmocka_unit_test(test_a_cursor_without_a_value),
        cmocka_unit_test(test_a_contract_that_breaks_while_running),
        cmocka_unit_test(test_a_contract_that_does_not_fit),
        cmocka_unit_test(test_ids_of_other_text_types),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
