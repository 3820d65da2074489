// SPDX-License-Identifier: MPL-2.0
// Acknowledgements and silences in the journal: what the schema's functions take and refuse, that the daemon
// hears of them, reads them with the case and writes down what it has seen.
#include "shell/journal_known.h"

#include "support/loop.h"
#include "support/postgres_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#define NOW ((instant)1790000000)

static struct postgres_server server;
static uv_loop_t loop;
static struct journal *journal;
static int news;
static bool closed;

static void on_state(void *data, bool up, const struct error *err)
{
    (void)data;
    if (!up)
        fprintf(stderr, "%s\n", err->text);
}

static void on_news(void *data)
{
    (void)data;
    news++;
}

static void on_closed(void *data)
{
    (void)data;
    closed = true;
}

static bool is_up(void *data)
{
    (void)data;
    return journal_is_up(journal);
}

static bool is_closed(void *data)
{
    (void)data;
    return closed;
}

static bool has_news(void *data)
{
    (void)data;
    return news > 0;
}

static const char *sql(const char *text)
{
    static char statements[4000];
    snprintf(statements, sizeof statements, "SET search_path = fristd_journal; SET timezone = 'UTC'; %s",
             text);
    return postgres_server_sql(&server, "postgres", statements);
}

// One case with two deadlines, of which the first has been breached and told to two roles; another that is
// closed.
static int open_journal(void **state)
{
    (void)state;
    struct postgres_options options = {.name = "journal",
                                       .host = server.dir,
                                       .port = server.port,
                                       .database = "postgres",
                                       .user = POSTGRES_SERVER_ADMIN};
    postgres_server_sql(&server, "postgres", "DROP SCHEMA IF EXISTS fristd_journal CASCADE");
    news = 0;
    closed = false;
    uv_loop_init(&loop);
    journal = journal_new(&loop, &options, on_state, NULL);
    journal_on_news(journal, on_news, NULL);
    journal_start(journal);
    loop_until(&loop, is_up, NULL);
    sql("INSERT INTO watched_case VALUES ('S-1', 'nord', 'sb1', NULL), ('S-2', 'nord', 'sb1', NULL);"
        "INSERT INTO deadline SELECT d.id, d.case_id, d.rule, d.subject, 1, '2024-01-01', d.code, "
        "'statutory', false,"
        " d.state, '2026-01-01', '2026-02-01', NULL, d.closed_at, NULL, NULL, false, '2026-01-01', NULL"
        " FROM (VALUES (1, 'S-1', 'bfu.afslutning', 'U-1', 'K20', 'breached', NULL),"
        "  (2, 'S-1', 'plan.opfoelgning', '', 'K30', 'open', NULL),"
        "  (3, 'S-2', 'plan.opfoelgning', '', 'K30', 'met', '2026-01-05'::timestamptz))"
        " AS d (id, case_id, rule, subject, code, state, closed_at);"
        "INSERT INTO transition SELECT n, 1, 'breached', '2026-02-02', '2026-02-02', 'S-1', "
        "'bfu.afslutning', 'U-1', 1,"
        " 'K20', 'statutory', false, 'nord', 'breached', '2026-01-01', due, NULL, NULL, false, 0, 0, NULL, ''"
        " FROM (VALUES (1, '2026-01-15'::timestamptz), (2, '2026-02-01')) AS t (n, due);"
        "INSERT INTO notice (id, message_key, purpose, deadline_id, transition_number, case_id, person_id, "
        "role, facts,"
        "  state, attempts, decided_at, last_reply)"
        " SELECT n, n::text, 'stage', 1, number, 'S-1', 'p' || n, role, '', state, 1, '2026-02-02', ''"
        " FROM (VALUES (1, 2, 'caseworker', 'sent'), (2, 2, 'team_leader', 'pending'), (3, 2, 'centre_head', "
        "'abandoned'),"
        "  (4, 1, 'department_head', 'sent')) AS n (n, number, role, state)");
    return 0;
}

static int close_journal(void **state)
{
    (void)state;
    journal_close(journal, on_closed, NULL);
    loop_until(&loop, is_closed, NULL);
    return uv_loop_close(&loop);
}

static const char *problem(const char *arguments)
{
    char statement[1000];
    snprintf(statement, sizeof statement, "SELECT coalesce(acknowledgement_problem(%s), 'none')", arguments);
    return sql(statement);
}

static void test_what_is_refused_and_why(void **state)
{
    (void)state;
#define TIMES ", at => '2026-03-01', until_at => '2026-03-20'"
    assert_string_equal(problem("'S-1', given_by => 'tl1', reason => 'in_progress'" TIMES), "none");
    assert_string_equal(problem("'S-1', given_by => 'tl1', reason => 'in_progress', rule => 'K20'" TIMES),
                        "none");
    static const struct {
        const char *arguments, *says;
    } cases[] = {
        {"'S-1', given_by => 'Anna Jensen', reason => 'in_progress'" TIMES, "person id"},
        {"'S-1', given_by => 'a@b.dk', reason => 'in_progress'" TIMES, "person id"},
        {"'S-1', given_by => NULL, reason => 'in_progress'" TIMES, "person id"},
        {"'S-1', given_by => 'tl1', reason => 'ferie'" TIMES, "the reason is one of in_progress, "},
        {"'S-1', given_by => 'tl1', reason => NULL" TIMES, "the reason is one of in_progress, "},
        {"'S-1', given_by => 'tl1', reason => 'other', note => repeat('x', 2001)" TIMES, "longer than 2000"},
        {"'S-1', '2026-03-01', 'tl1', 'other', at => '2026-03-01'", "later than now and within a year"},
        {"'S-1', '2027-03-02', 'tl1', 'other', at => '2026-03-01'", "later than now and within a year"},
        {"'S-1', NULL, 'tl1', 'other', at => '2026-03-01'", "later than now and within a year"},
        {"'S-9', given_by => 'tl1', reason => 'other'" TIMES, "no deadline that is open"},
        {"'S-2', given_by => 'tl1', reason => 'other'" TIMES, "no deadline that is open"},
        {"'S-1', given_by => 'tl1', reason => 'other', rule => 'K99'" TIMES, "open in this case: K20, K30"},
        {"'S-1', given_by => 'tl1', reason => 'other', rule => 'K20', subject => ''" TIMES,
         "open in this case: K20"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (strstr(problem(cases[i].arguments), cases[i].says) == NULL)
            fail_msg("%s: \"%s\" is not in \"%s\"", cases[i].arguments, cases[i].says,
                     problem(cases[i].arguments));
    // And acknowledge() itself refuses what the other would.
    assert_string_equal(
        sql("DO $$ BEGIN PERFORM acknowledge('S-9', now() + interval '1 day', 'tl1', 'other');"
            " RAISE 'taken'; EXCEPTION WHEN invalid_parameter_value THEN NULL; END $$;"
            " SELECT count(*) FROM acknowledgement"),
        "0");
}

static void test_others_write_through_the_functions_alone(void **state)
{
    (void)state;
    sql("DROP ROLE IF EXISTS portal; CREATE ROLE portal; GRANT USAGE ON SCHEMA fristd_journal TO portal");
    assert_string_equal(sql("SELECT has_function_privilege('portal', p.oid, 'EXECUTE') FROM pg_proc p"
                            " WHERE p.oid = 'acknowledge'::regproc"),
                        "f");
    sql("GRANT EXECUTE ON FUNCTION acknowledge, end_acknowledgement TO portal; SET ROLE portal;"
        " SELECT acknowledge('S-1', '2026-03-20', 'tl1', 'in_progress', at => '2026-03-01')");
    assert_string_equal(sql("SELECT has_table_privilege('portal', 'acknowledgement', 'SELECT')"), "f");
    assert_string_equal(sql("SELECT count(*) FROM acknowledged_deadline"), "2");
    sql("DROP OWNED BY portal; DROP ROLE portal");
}

struct loaded {
    bool done;
};

static void on_loaded(struct journal_load *load, const struct error *err)
{
    assert_null(err);
    ((struct loaded *)load->data)->done = true;
}

static bool is_loaded(void *data)
{
    return ((struct loaded *)data)->done;
}

static void load_case(struct journal_load *load, bool by_range)
{
    static const char *const ids[] = {"S-1"};
    struct loaded loaded = {0};
    struct error err;
    load->data = &loaded;
    load->on_done = on_loaded;
    load->case_ids = by_range ? NULL : ids;
    load->case_id_count = 1;
    load->after = "";
    load->until = "S-1";
    assert_int_equal(journal_read_known(journal, load, &err), 0);
    loop_until(&loop, is_loaded, &loaded);
    assert_int_equal(load->case_count, 1);
}

struct written {
    bool done;
};

static void on_written(struct journal_batch *batch, const struct error *err)
{
    assert_null(err);
    ((struct written *)batch->data)->done = true;
}

static bool is_written(void *data)
{
    return ((struct written *)data)->done;
}

static void see(const struct journal_acknowledged *seen)
{
    struct written written = {0};
    struct journal_batch batch = {.data = &written, .now = NOW, .on_done = on_written};
    MEMORY_GROW(batch.acknowledged, batch.acknowledged_count, batch.acknowledged_capacity);
    batch.acknowledged[batch.acknowledged_count++] = *seen;
    assert_false(journal_batch_is_empty(&batch));
    journal_commit(journal, &batch);
    loop_until(&loop, is_written, &written);
    journal_batch_done(&batch);
}

static const char *seen_state(void)
{
    return sql(
        "SELECT string_agg(acknowledgement_id || ':' || deadline_id || CASE WHEN look_at IS NULL THEN '' ELSE"
        " ' look' END || CASE WHEN noted_at IS NULL THEN '' ELSE ' noted' END ||"
        " CASE WHEN over_at IS NULL THEN '' ELSE ' over' END, ', ' ORDER BY acknowledgement_id, deadline_id)"
        " FROM acknowledged_deadline");
}

#define GIVE                                                                                                 \
    "SELECT acknowledge('S-1', '2026-03-20 08:00:00.7', 'tl1', 'in_progress', 'K20',"                        \
    " note => 'fri tekst', at => '2026-03-01 10:00:00.5')"
#define GIVEN_AT ((instant)1772359200)

static void test_the_daemon_hears_reads_and_notes(void **state)
{
    (void)state;
    assert_string_equal(sql(GIVE), "1");
    loop_until(&loop, has_news, NULL);
    assert_int_equal(journal_agenda(journal).case_at, GIVEN_AT);
    for (int by_range = 0; by_range < 2; by_range++) {
        struct journal_load load = {0};
        load_case(&load, by_range);
        assert_int_equal(load.cases[0].acknowledgement_count, 1);
        assert_int_equal(load.cases[0].deadline_count, 2);
        const struct acknowledgement *given = load.cases[0].deadlines[0].acknowledgement;
        assert_non_null(given);
        assert_null(load.cases[0].deadlines[1].acknowledgement);
        assert_int_equal(given->until, GIVEN_AT + 18 * 86400 + 22 * 3600);
        assert_int_equal(given->look_at, GIVEN_AT);
        assert_false(given->noted);
        // Whoever was told of the due as it is now: not of an earlier one, and not in vain.
        assert_string_equal(given->told, "caseworker,team_leader,");
        journal_load_done(&load);
    }
    see(&(struct journal_acknowledged){1, 1, GIVEN_AT, INSTANT_NONE, true, false});
    assert_string_equal(seen_state(), "1:1 noted");
    assert_int_equal(journal_agenda(journal).case_at, INSTANT_NONE);
}

static void test_what_comes_without_a_notification_is_found_by_asking(void **state)
{
    (void)state;
    // As a function of another make might write, or a notification that was lost.
    sql("INSERT INTO acknowledgement (case_id, given_at, until_at, given_by, reason, note)"
        " VALUES ('S-1', '2026-03-01 10:00', '2026-03-20', 'tl1', 'other', '');"
        " INSERT INTO acknowledged_deadline VALUES (1, 1, 'S-1', '2026-03-01 10:00')");
    assert_int_equal(journal_agenda(journal).case_at, INSTANT_NONE);
    journal_refresh(journal);
    loop_until(&loop, has_news, NULL);
    assert_int_equal(journal_agenda(journal).case_at, GIVEN_AT);
}

static void test_a_later_one_takes_its_place(void **state)
{
    (void)state;
    sql(GIVE);
    sql("SELECT acknowledge('S-1', '2026-04-20', 'tl1', 'in_progress', at => '2026-03-02')");
    assert_string_equal(seen_state(), "1:1 over, 2:1 look, 2:2 look");
}

static void test_what_is_set_while_we_look_is_not_lost(void **state)
{
    (void)state;
    sql(GIVE);
    sql("SELECT end_acknowledgement(1, 'tl1', '2026-03-05')");
    // Written by a look that began before it was ended.
    see(&(struct journal_acknowledged){1, 1, GIVEN_AT, INSTANT_NONE, true, false});
    assert_string_equal(seen_state(), "1:1 look noted");
    struct journal_load load = {0};
    load_case(&load, false);
    assert_int_equal(load.cases[0].deadlines[0].acknowledgement->until, GIVEN_AT + 3 * 86400 + 14 * 3600);
    see(&(struct journal_acknowledged){1, 1, load.cases[0].deadlines[0].acknowledgement->look_at,
                                       INSTANT_NONE, false, true});
    journal_load_done(&load);
    assert_string_equal(seen_state(), "1:1 noted over");
    assert_string_equal(sql("SELECT end_acknowledgement_problem(1, 'tl1')"), "it has ended already");
    assert_string_equal(sql("SELECT end_acknowledgement_problem(7, 'tl1')"),
                        "there is no such acknowledgement");
}

static void test_of_a_deadline_that_is_gone(void **state)
{
    (void)state;
    sql(GIVE);
    sql("DELETE FROM deadline WHERE id = 1");
    struct journal_load load = {0};
    load_case(&load, false);
    assert_int_equal(load.cases[0].acknowledgement_count, 1);
    assert_int_equal(load.cases[0].acknowledgements[0].deadline_id, 1);
    journal_load_done(&load);
}

// --- silences ---

static const char *silence_problem(const char *arguments)
{
    char statement[1000];
    snprintf(statement, sizeof statement, "SELECT coalesce(silence_problem(%s), 'none')", arguments);
    return sql(statement);
}

static void test_which_silences_are_refused_and_why(void **state)
{
    (void)state;
#define WHEN ", '2026-03-02', '2026-03-20', 'tl1', 'migration', at => '2026-03-01'"
    assert_string_equal(silence_problem("NULL, 'nord', 'K20'" WHEN), "none");
    static const struct {
        const char *arguments, *says;
    } cases[] = {
        {"NULL, NULL, NULL" WHEN, "of a case, a unit or a rule"},
        {"'S-9', NULL, NULL" WHEN, "this case has no deadline"},
        {"NULL, 'vest', NULL" WHEN, "no case with a deadline is of this unit"},
        {"NULL, NULL, 'K99'" WHEN, "no deadline has this rule"},
        {"NULL, 'nord', NULL, '2026-02-28', '2026-03-20', 'tl1', 'migration', at => '2026-03-01'",
         "in the past"},
        {"NULL, 'nord', NULL, '2026-03-20', '2026-03-20', 'tl1', 'migration', at => '2026-03-01'",
         "after it begins"},
        {"NULL, 'nord', NULL, '2026-03-02', '2026-07-01', 'tl1', 'migration', at => '2026-03-01'", "92 days"},
        {"NULL, 'nord', NULL, '2026-03-02', '2026-03-20', 'Anna Jensen', 'migration', at => '2026-03-01'",
         "person id"},
        {"NULL, 'nord', NULL, '2026-03-02', '2026-03-20', 'tl1', 'ferie', at => '2026-03-01'",
         "the reason is one of"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (strstr(silence_problem(cases[i].arguments), cases[i].says) == NULL)
            fail_msg("%s: \"%s\" is not in \"%s\"", cases[i].arguments, cases[i].says,
                     silence_problem(cases[i].arguments));
    assert_string_equal(sql("DO $$ BEGIN PERFORM silence(NULL, NULL, NULL, now(), now(), 'tl1', 'other');"
                            " RAISE 'taken'; EXCEPTION WHEN invalid_parameter_value THEN NULL; END $$;"
                            " SELECT count(*) FROM silence"),
                        "0");
    assert_string_equal(
        sql("SELECT count(*) FROM pg_proc p, aclexplode(coalesce(proacl, acldefault('f', proowner))) a"
            " WHERE p.oid IN ('silence'::regproc, 'end_silence'::regproc) AND a.grantee = 0"),
        "0");
}

static void test_silences_come_with_whatever_is_read(void **state)
{
    (void)state;
    assert_string_equal(
        sql("SELECT silence(NULL, 'nord', NULL, '2026-03-02 08:00', '2026-03-20', 'tl1', 'migration',"
            " 'fri tekst', '2026-03-01')"),
        "1");
    loop_until(&loop, has_news, NULL);
    assert_int_equal(journal_agenda(journal).case_at, GIVEN_AT + 22 * 3600); // when it begins
    struct journal_load load = {.with_counts = true, .now = GIVEN_AT + 22 * 3600};
    load_case(&load, false);
    assert_int_equal(load.silence_count, 1);
    const struct known_silence *known = &load.silences[0];
    assert_string_equal(known->silence.unit, "nord");
    assert_null(known->silence.case_id);
    assert_int_equal(known->covered, 2);
    assert_int_equal(known->breached, 1);
    assert_false(known->reported);
    journal_load_done(&load);
    // Without being asked for, nothing is counted.
    load = (struct journal_load){.now = GIVEN_AT + 22 * 3600};
    load_case(&load, true);
    assert_int_equal(load.silences[0].covered, 0);
    journal_load_done(&load);
    // Ended: the cases in which it hid something are looked at.
    sql("INSERT INTO silenced_step VALUES (1, 1, 'S-1', '2026-03-05'), (1, 1, 'S-1', '2026-03-12'), (1, 3, "
        "'S-2', '2026-03-12')");
    sql("SELECT end_silence(1, 'tl1', '2026-03-15')");
    assert_string_equal(
        sql("SELECT string_agg(case_id || ' ' || wake_at::date, ', ' ORDER BY case_id) FROM watched_case"),
        "S-1 2026-03-15, S-2 2026-03-15");
    load = (struct journal_load){.with_counts = true, .now = GIVEN_AT + 20 * 86400};
    load_case(&load, false);
    assert_int_equal(load.silences[0].hidden, 3);
    assert_int_equal(load.silences[0].of_deadlines, 2);
    assert_int_equal(load.silences[0].undone, 1);
    journal_load_done(&load);
    assert_string_equal(sql("SELECT end_silence_problem(1, 'tl1')"), "it has ended already");
}

static int start_server(void **state)
{
    (void)state;
    postgres_server_start(&server);
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
        cmocka_unit_test_setup_teardown(test_what_is_refused_and_why, open_journal, close_journal),
        cmocka_unit_test_setup_teardown(test_others_write_through_the_functions_alone, open_journal,
                                        close_journal),
        cmocka_unit_test_setup_teardown(test_the_daemon_hears_reads_and_notes, open_journal, close_journal),
        cmocka_unit_test_setup_teardown(test_what_comes_without_a_notification_is_found_by_asking,
                                        open_journal, close_journal),
        cmocka_unit_test_setup_teardown(test_a_later_one_takes_its_place, open_journal, close_journal),
        cmocka_unit_test_setup_teardown(test_what_is_set_while_we_look_is_not_lost, open_journal,
                                        close_journal),
        cmocka_unit_test_setup_teardown(test_of_a_deadline_that_is_gone, open_journal, close_journal),
        cmocka_unit_test_setup_teardown(test_which_silences_are_refused_and_why, open_journal, close_journal),
        cmocka_unit_test_setup_teardown(test_silences_come_with_whatever_is_read, open_journal,
                                        close_journal),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
