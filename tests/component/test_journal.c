// SPDX-License-Identifier: MPL-2.0
// The journal on a real PostgreSQL: comes up, writes a decision whole or not at all, numbers without gaps,
// one daemon at a time.
#include "shell/journal_known.h"
#include "shell/journal_notices.h"

#include "shell/journal_events.h"

#include "support/loop.h"
#include "support/postgres_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#define NOW ((instant)1790000000)

static struct postgres_server server;

struct fixture {
    uv_loop_t loop;
    struct journal *journal;
    int ups, downs;
    bool closed;
    struct error last;
};

static void on_state(void *data, bool up, const struct error *err)
{
    struct fixture *f = data;
    if (up)
        f->ups++;
    else {
        f->downs++;
        f->last = *err;
    }
}

static void on_closed(void *data)
{
    ((struct fixture *)data)->closed = true;
}

static bool is_up(void *data)
{
    return journal_is_up(((struct fixture *)data)->journal);
}

static bool is_down(void *data)
{
    return ((struct fixture *)data)->downs > 0;
}

static bool is_closed(void *data)
{
    return ((struct fixture *)data)->closed;
}

static void open_journal(struct fixture *f)
{
    struct postgres_options options = {.name = "journal",
                                       .host = server.dir,
                                       .port = server.port,
                                       .database = "postgres",
                                       .user = POSTGRES_SERVER_ADMIN};
    *f = (struct fixture){0};
    uv_loop_init(&f->loop);
    f->journal = journal_new(&f->loop, &options, on_state, f);
    journal_start(f->journal);
}

static void close_journal(struct fixture *f)
{
    journal_close(f->journal, on_closed, f);
    loop_until(&f->loop, is_closed, f);
    assert_int_equal(uv_loop_close(&f->loop), 0);
}

static int empty_journal(void **state)
{
    (void)state;
    postgres_server_sql(&server, "postgres", "DROP SCHEMA IF EXISTS fristd_journal CASCADE");
    return 0;
}

static const char *sql(const char *text)
{
    return postgres_server_sql(&server, "postgres", text);
}

// --- a batch with one of everything ---

static const struct rule rule = {
    .id = "hjemvisning.ugentlig", .code = "K40", .kind = RULE_OWN, .from = 19723};

struct written {
    bool done, failed;
    struct error err;
};

static void on_written(struct journal_batch *batch, const struct error *err)
{
    struct written *written = batch->data;
    written->done = true;
    written->failed = err != NULL;
    if (err)
        written->err = *err;
}

static bool is_written(void *data)
{
    return ((struct written *)data)->done;
}

static void add_to_batch(struct journal_batch *batch, const char *case_id, int64_t deadline_id,
                         int occurrence)
{
    MEMORY_GROW(batch->deadlines, batch->deadline_count, batch->deadline_capacity);
    batch->deadlines[batch->deadline_count] = (struct journal_deadline){
        .id = deadline_id,
        .case_id = case_id,
        .subject = "H-1",
        .rule = &rule,
        .occurrence = occurrence,
        .state = STATE_BREACHED,
        .anchor_at = NOW - 100,
        .due_at = NOW - 10,
        .breached_at = NOW - 9,
        .closed_at = INSTANT_NONE,
        .staged_until = NOW,
        .next_stage_at = INSTANT_NONE,
        .attention = true,
    };
    MEMORY_GROW(batch->transitions, batch->transition_count, batch->transition_capacity);
    batch->transitions[batch->transition_count] = (struct journal_transition){
        .transition =
            {
                .kind = TRANSITION_BREACHED,
                .at = NOW - 9,
                .recorded_at = NOW,
                .case_id = case_id,
                .subject = "H-1",
                .unit = "nord",
                .rule = rule.id,
                .code = rule.code,
                .rule_kind = rule.kind,
                .occurrence = occurrence,
                .state = STATE_BREACHED,
                .anchor_at = NOW - 100,
                .due_at = NOW - 10,
                .breached_at = NOW - 9,
                .closed_at = INSTANT_NONE,
                .retained = RETAINED_SET,
            },
        .deadline_index = (int)batch->deadline_count,
        .derivation = "først\nså",
    };
    MEMORY_GROW(batch->notices, batch->notice_count, batch->notice_capacity);
    struct journal_notice *notice = &batch->notices[batch->notice_count++];
    *notice = (struct journal_notice){
        .purpose = "stage",
        .transition_index = (int)batch->transition_count,
        .case_id = case_id,
        .person_id = "l1",
        .role = "team_leader",
        .stage = 1,
        .stage_at = NOW - 9,
        .facts = "",
        .may_go_at = NOW,
        .urgent = true,
    };
    const char *identity[] = {case_id, occurrence == 1 ? "1" : "2"};
    message_key(identity, 2, notice->message_key);
    MEMORY_GROW(batch->cases, batch->case_count, batch->case_capacity);
    batch->cases[batch->case_count++] = (struct journal_case){case_id, "nord", "c1", NOW + 500};
    MEMORY_GROW(batch->faults, batch->fault_count, batch->fault_capacity);
    batch->faults[batch->fault_count++] =
        (struct journal_fault){case_id, "bad_row", "", "H-1", "e1", "unit: empty"};
    batch->deadline_count++;
    batch->transition_count++;
}

static struct written write_batch(struct fixture *f, struct journal_batch *batch)
{
    struct written written = {0};
    batch->data = &written;
    batch->now = NOW;
    batch->on_done = on_written;
    journal_commit(f->journal, batch);
    assert_false(written.done); // never from inside the call
    loop_until(&f->loop, is_written, &written);
    return written;
}

static void write_case(struct fixture *f, const char *case_id)
{
    struct journal_batch batch = {0};
    add_to_batch(&batch, case_id, 0, 1);
    struct written written = write_batch(f, &batch);
    if (written.failed)
        fail_msg("%s", written.err.text);
    journal_batch_done(&batch);
}

// --- reading back ---

struct loaded {
    bool done;
    struct error err;
};

static void on_loaded(struct journal_load *load, const struct error *err)
{
    struct loaded *loaded = load->data;
    loaded->done = true;
    if (err)
        fail_msg("%s", err->text);
}

static bool is_loaded(void *data)
{
    return ((struct loaded *)data)->done;
}

static void load_known(struct fixture *f, struct journal_load *load)
{
    struct loaded loaded = {0};
    struct error err;
    load->data = &loaded;
    load->on_done = on_loaded;
    assert_int_equal(journal_read_known(f->journal, load, &err), 0);
    loop_until(&f->loop, is_loaded, &loaded);
}

static void test_comes_up_and_migrates(void **state)
{
    (void)state;
    struct fixture f;
    open_journal(&f);
    loop_until(&f.loop, is_up, &f);
    assert_string_equal(sql("SELECT count(*) > 0 FROM fristd_journal.migration"), "t");
    assert_int_equal(journal_agenda(f.journal).case_at, INSTANT_NONE);
    assert_string_equal(journal_progress(f.journal, PROGRESS_CURSOR), "");
    close_journal(&f);
    open_journal(&f); // again: nothing to migrate
    loop_until(&f.loop, is_up, &f);
    assert_int_equal(f.downs, 0);
    close_journal(&f);
}

static void test_writes_and_reads_back(void **state)
{
    (void)state;
    struct fixture f;
    open_journal(&f);
    loop_until(&f.loop, is_up, &f);
    write_case(&f, "S-2");
    write_case(&f, "S-1");
    assert_int_equal(journal_agenda(f.journal).case_at, NOW + 500);
    assert_int_equal(journal_agenda(f.journal).mail_at, NOW);
    assert_int_equal(journal_last_transition(f.journal), 2);

    const char *ids[] = {"S-1", "S-2", "S-3"};
    struct journal_load load = {.case_ids = ids, .case_id_count = 3};
    load_known(&f, &load);
    assert_int_equal(load.case_count, 2);
    assert_string_equal(load.cases[0].case_id, "S-1");
    assert_string_equal(load.cases[1].unit, "nord");
    assert_int_equal(load.cases[1].deadline_count, 1);
    const struct known_deadline *deadline = &load.cases[1].deadlines[0];
    assert_string_equal(deadline->rule, rule.id);
    assert_int_equal(deadline->state, STATE_BREACHED);
    assert_int_equal(deadline->due_at, NOW - 10);
    assert_int_equal(deadline->closed_at, INSTANT_NONE);
    assert_int_equal(deadline->valid_from, rule.from);
    assert_true(deadline->attention);
    assert_int_equal(load.cases[1].fault_count, 1);

    struct journal_load range = {.after = "S-1", .until = NULL};
    load_known(&f, &range);
    assert_int_equal(range.case_count, 1);
    assert_string_equal(range.cases[0].case_id, "S-2");
    journal_load_done(&load);
    journal_load_done(&range);
    close_journal(&f);
}

static void test_a_repeated_decision_is_one_notice(void **state)
{
    (void)state;
    struct fixture f;
    open_journal(&f);
    loop_until(&f.loop, is_up, &f);
    write_case(&f, "S-1");
    struct journal_batch batch = {0};
    add_to_batch(&batch, "S-1", 1, 1);
    batch.fault_count = 0;
    assert_false(write_batch(&f, &batch).failed);
    assert_string_equal(sql("SELECT count(*) FROM fristd_journal.notice"), "1");
    assert_string_equal(sql("SELECT count(*) FROM fristd_journal.deadline"), "1");
    journal_batch_done(&batch);
    close_journal(&f);
}

static void test_a_failed_batch_leaves_no_gap(void **state)
{
    (void)state;
    struct fixture f;
    open_journal(&f);
    loop_until(&f.loop, is_up, &f);
    write_case(&f, "S-1");
    struct journal_batch batch = {0};
    add_to_batch(&batch, "S-2", 0, 1);
    batch.deadlines[0].occurrence = 0; // the table's CHECK refuses it
    batch.progress[PROGRESS_CURSOR] = "77";
    assert_true(write_batch(&f, &batch).failed);
    assert_string_equal(journal_progress(f.journal, PROGRESS_CURSOR), "");
    assert_string_equal(sql("SELECT count(*) FROM fristd_journal.transition"), "1");
    journal_batch_done(&batch);
    write_case(&f, "S-3");
    assert_string_equal(
        sql("SELECT string_agg(number::text, ',' ORDER BY number) FROM fristd_journal.transition"), "1,2");
    close_journal(&f);
}

static void test_progress_is_written_with_the_decision(void **state)
{
    (void)state;
    struct fixture f;
    open_journal(&f);
    loop_until(&f.loop, is_up, &f);
    struct journal_batch batch = {0};
    add_to_batch(&batch, "S-1", 0, 1);
    batch.progress[PROGRESS_CURSOR] = "4711";
    assert_false(write_batch(&f, &batch).failed);
    assert_string_equal(journal_progress(f.journal, PROGRESS_CURSOR), "4711");
    journal_batch_done(&batch);
    close_journal(&f);
    open_journal(&f);
    loop_until(&f.loop, is_up, &f);
    assert_string_equal(journal_progress(f.journal, PROGRESS_CURSOR), "4711");
    assert_int_equal(journal_last_transition(f.journal), 1);
    close_journal(&f);
}

static void test_one_daemon_at_a_time(void **state)
{
    (void)state;
    struct fixture first, second;
    open_journal(&first);
    loop_until(&first.loop, is_up, &first);
    open_journal(&second);
    loop_until(&second.loop, is_down, &second);
    assert_false(journal_is_up(second.journal));
    assert_non_null(strstr(second.last.text, "another fristd"));
    close_journal(&first);
    loop_until(&second.loop, is_up, &second); // takes over
    close_journal(&second);
}

static void test_connection_lost_and_found(void **state)
{
    (void)state;
    struct fixture f;
    open_journal(&f);
    loop_until(&f.loop, is_up, &f);
    write_case(&f, "S-1");
    sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE '%journal%'");
    loop_until(&f.loop, is_down, &f);
    struct journal_batch batch = {0};
    add_to_batch(&batch, "S-2", 0, 1);
    assert_true(write_batch(&f, &batch).failed); // decided on what the lost connection knew
    journal_batch_done(&batch);
    loop_until(&f.loop, is_up, &f);
    write_case(&f, "S-2");
    assert_string_equal(
        sql("SELECT string_agg(number::text, ',' ORDER BY number) FROM fristd_journal.transition"), "1,2");
    close_journal(&f);
}

// --- notices ---

struct read_notices {
    bool done;
    int count;
    struct waiting_notice first;
    char derivation[64], history[128];
};

static void on_notice(struct journal_notices *notices, const struct waiting_notice *notice)
{
    struct read_notices *read = notices->data;
    if (read->count++ == 0) {
        read->first = *notice;
        snprintf(read->derivation, sizeof read->derivation, "%s", notice->derivation);
        snprintf(read->history, sizeof read->history, "%s", notice->history);
    }
}

static void on_notices_done(struct journal_notices *notices, const struct error *err)
{
    struct read_notices *read = notices->data;
    if (err)
        fail_msg("%s", err->text);
    read->done = true;
}

static bool notices_are_read(void *data)
{
    return ((struct read_notices *)data)->done;
}

static struct read_notices read_notices(struct fixture *f, const int64_t *except, size_t except_count)
{
    struct read_notices read = {0};
    struct error err;
    struct journal_notices notices = {.data = &read,
                                      .now = NOW,
                                      .limit = 10,
                                      .except = except,
                                      .except_count = except_count,
                                      .on_notice = on_notice,
                                      .on_done = on_notices_done};
    assert_int_equal(journal_read_notices(f->journal, &notices, &err), 0);
    loop_until(&f->loop, notices_are_read, &read);
    return read;
}

static void test_notices_wait_until_their_outcome(void **state)
{
    (void)state;
    struct fixture f;
    open_journal(&f);
    loop_until(&f.loop, is_up, &f);
    write_case(&f, "S-1");
    write_case(&f, "S-2");
    struct read_notices read = read_notices(&f, NULL, 0);
    assert_int_equal(read.count, 2);
    assert_int_equal(read.first.id, 1);
    assert_int_equal(read.first.stage, 1);
    assert_int_equal(read.first.transition, TRANSITION_BREACHED);
    assert_int_equal(read.first.due_at, NOW - 10);
    assert_true(read.first.still_there);
    assert_false(read.first.out_of_date);
    assert_string_equal(read.derivation, "først\nså");
    char history[64];
    snprintf(history, sizeof history, "%lld breached", (long long)NOW - 9);
    assert_string_equal(read.history, history);
    const int64_t first = 1;
    assert_int_equal(read_notices(&f, &first, 1).count, 1);

    struct journal_batch batch = {0};
    struct journal_outcome outcomes[] = {
        {1, NOTICE_SENT, 1, INSTANT_NONE, NOW, "250", 0},
        {2, NOTICE_DEFERRED, 1, NOW + 60, INSTANT_NONE, "451", 0},
    };
    batch.outcomes = memory_alloc(sizeof outcomes);
    memcpy(batch.outcomes, outcomes, sizeof outcomes);
    batch.outcome_count = batch.outcome_capacity = 2;
    assert_false(write_batch(&f, &batch).failed);
    journal_batch_done(&batch);
    assert_int_equal(read_notices(&f, NULL, 0).count, 0);
    assert_int_equal(journal_agenda(f.journal).mail_at, NOW + 60);
    assert_string_equal(
        sql("SELECT string_agg(state || ' ' || last_reply, ',' ORDER BY id) FROM fristd_journal.notice"),
        "sent 250,deferred 451");
    close_journal(&f);
}

// --- for the publisher ---

struct asked {
    bool done;
    int count;
    int occurrences[4]; // of what has to stand; 0: nothing
    char topics[100];
};

static void on_event_row(struct publisher_read *read, int64_t key, const struct transition *transition,
                         const struct transition *stands)
{
    (void)key;
    struct asked *asked = read->data;
    assert_string_equal(transition->subject, "H-1");
    assert_in_range(asked->count, 0, 3);
    asked->occurrences[asked->count++] = stands ? stands->occurrence : 0;
}

static void on_events_read(struct publisher_read *read, const struct error *err)
{
    if (err)
        fail_msg("%s", err->text);
    ((struct asked *)read->data)->done = true;
}

static void on_topic(struct ledger_read *read, int64_t key, const char *topic)
{
    (void)key;
    struct asked *asked = read->data;
    asked->count++;
    strcat(strcat(asked->topics, topic), " ");
}

static void on_ledger_read(struct ledger_read *read, const struct error *err)
{
    assert_null(err);
    ((struct asked *)read->data)->done = true;
}

static void on_ledger_written(struct publisher_write *write, const struct error *err)
{
    assert_null(err);
    ((struct asked *)write->data)->done = true;
}

static bool is_answered(void *data)
{
    return ((struct asked *)data)->done;
}

static struct asked ask_store(struct fixture *f, bool attention, int64_t until)
{
    struct asked asked = {0};
    struct publisher_read read = {
        .data = &asked, .until = until, .limit = 4, .on_row = on_event_row, .on_done = on_events_read};
    const struct publisher_store *store = &journal_publisher_store;
    assert_int_equal(attention ? store->read_attention(f->journal, &read, NULL)
                               : store->read_transitions(f->journal, &read, NULL),
                     0);
    loop_until(&f->loop, is_answered, &asked);
    return asked;
}

// Two deadlines share a topic while a code goes over from one rule to another.
static void test_the_most_urgent_stands_on_a_topic(void **state)
{
    (void)state;
    struct fixture f;
    open_journal(&f);
    loop_until(&f.loop, is_up, &f);
    struct journal_batch batch = {0};
    add_to_batch(&batch, "S-1", 0, 1);
    add_to_batch(&batch, "S-1", 0, 2);
    batch.case_count = batch.fault_count = 1;
    batch.deadlines[0].state = STATE_OPEN;
    batch.deadlines[0].due_at = NOW - 50;
    assert_false(write_batch(&f, &batch).failed);
    struct asked asked = ask_store(&f, false, 0);
    assert_int_equal(asked.count, 2);
    assert_int_equal(asked.occurrences[0], 2); // breached before open
    assert_int_equal(asked.occurrences[1], 2);
    asked = ask_store(&f, true, 0);
    assert_int_equal(asked.count, 1);
    assert_int_equal(asked.occurrences[0], 2);
    assert_int_equal(ask_store(&f, false, 1).count, 1);

    sql("UPDATE fristd_journal.deadline SET state = 'breached'");
    assert_int_equal(ask_store(&f, true, 0).occurrences[0], 1); // then the earlier due
    sql("UPDATE fristd_journal.deadline SET attention = false WHERE occurrence = 1");
    assert_int_equal(ask_store(&f, false, 0).occurrences[0], 2); // and the other one when that is done
    sql("UPDATE fristd_journal.deadline SET code = 'K99'");      // renamed: nothing stands on the old topic
    assert_int_equal(ask_store(&f, false, 0).occurrences[0], 0);
    sql("UPDATE fristd_journal.deadline SET attention = false");
    assert_int_equal(ask_store(&f, true, 0).count, 0);
    journal_batch_done(&batch);
    close_journal(&f);
}

static void test_the_ledger(void **state)
{
    (void)state;
    static const char *const topics[] = {"a/b", "a/c", "a/b", "a/d"};
    static const char *const cleared[] = {"a/c", "never"};
    struct fixture f;
    open_journal(&f);
    loop_until(&f.loop, is_up, &f);
    const struct publisher_store *store = &journal_publisher_store;
    for (int i = 0; i < 2; i++) {
        struct asked asked = {0};
        struct publisher_write write = {.data = &asked,
                                        .published = i == 1 ? 7 : 0,
                                        .noted = topics,
                                        .noted_count = 4,
                                        .forgotten = cleared,
                                        .forgotten_count = i == 1 ? 2 : 0,
                                        .on_done = on_ledger_written};
        store->write(f.journal, &write);
        assert_false(asked.done); // never from inside
        loop_until(&f.loop, is_answered, &asked);
    }
    assert_int_equal(store->published(f.journal), 7);
    struct asked asked = {0};
    struct ledger_read read = {.data = &asked, .limit = 9, .on_topic = on_topic, .on_done = on_ledger_read};
    assert_int_equal(store->read_ledger(f.journal, &read, NULL), 0);
    loop_until(&f.loop, is_answered, &asked);
    assert_string_equal(asked.topics, "a/b a/d ");
    close_journal(&f);
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
        cmocka_unit_test_setup(test_comes_up_and_migrates, empty_journal),
        cmocka_unit_test_setup(test_writes_and_reads_back, empty_journal),
        cmocka_unit_test_setup(test_a_repeated_decision_is_one_notice, empty_journal),
        cmocka_unit_test_setup(test_a_failed_batch_leaves_no_gap, empty_journal),
        cmocka_unit_test_setup(test_progress_is_written_with_the_decision, empty_journal),
        cmocka_unit_test_setup(test_one_daemon_at_a_time, empty_journal),
        cmocka_unit_test_setup(test_connection_lost_and_found, empty_journal),
        cmocka_unit_test_setup(test_notices_wait_until_their_outcome, empty_journal),
        cmocka_unit_test_setup(test_the_most_urgent_stands_on_a_topic, empty_journal),
        cmocka_unit_test_setup(test_the_ledger, empty_journal),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
