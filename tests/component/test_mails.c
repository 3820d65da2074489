// SPDX-License-Identifier: MPL-2.0
// How notices become mails, on a real PostgreSQL: which go together, what is held back, what an outcome
// covers, what is given up because it is out of date.
#include "shell/journal_notices.h"

#include "support/loop.h"
#include "support/postgres_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NOW ((instant)1790000000)

static struct postgres_server server;

struct fixture {
    uv_loop_t loop;
    struct journal *journal;
    bool closed;
};

static void on_state(void *data, bool up, const struct error *err)
{
    (void)data;
    if (!up)
        fail_msg("%s", err->text);
}

static void on_closed(void *data)
{
    ((struct fixture *)data)->closed = true;
}

static bool is_up(void *data)
{
    return journal_is_up(((struct fixture *)data)->journal);
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
    loop_until(&f->loop, is_up, f);
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

static const char *sql(const char *format, ...) __attribute__((format(printf, 1, 2)));
static const char *sql(const char *format, ...)
{
    struct buffer text = {0};
    va_list ap;
    va_start(ap, format);
    buffer_add_string(&text, "SET search_path = fristd_journal; ");
    buffer_vformat(&text, format, ap);
    va_end(ap);
    const char *answer = postgres_server_sql(&server, "postgres", text.data);
    buffer_done(&text);
    return answer;
}

// --- notices ---

static const struct rule statutory = {
    .id = "bfu.afslutning", .code = "K20", .kind = RULE_STATUTORY, .from = 19723};
static const struct rule own = {.id = "egen", .code = "K50", .kind = RULE_OWN, .from = 19723};

struct written {
    bool done;
    struct error err;
};

static void on_written(struct journal_batch *batch, const struct error *err)
{
    struct written *written = batch->data;
    written->done = true;
    if (err)
        fail_msg("%s", err->text);
}

static bool is_written(void *data)
{
    return ((struct written *)data)->done;
}

static void write_batch(struct fixture *f, struct journal_batch *batch, instant now)
{
    struct written written = {0};
    batch->data = &written;
    batch->now = now;
    batch->on_done = on_written;
    journal_commit(f->journal, batch);
    loop_until(&f->loop, is_written, &written);
    journal_batch_done(batch);
}

struct sketch {
    const char *case_id, *person;
    instant goes_at;
    const struct rule *rule;
    enum deadline_state state;
    instant due_at;
    const char *held_by;
    bool urgent, with_others;
};

// One deadline with one notice.
static void add(struct journal_batch *batch, const struct sketch *sketch, instant now)
{
    MEMORY_GROW(batch->deadlines, batch->deadline_count, batch->deadline_capacity);
    batch->deadlines[batch->deadline_count] = (struct journal_deadline){
        .case_id = sketch->case_id,
        .subject = "",
        .rule = sketch->rule,
        .occurrence = 1,
        .state = sketch->state,
        .anchor_at = now - 1000,
        .due_at = sketch->due_at,
        .breached_at = INSTANT_NONE,
        .closed_at = INSTANT_NONE,
        .staged_until = now,
        .next_stage_at = INSTANT_NONE,
    };
    MEMORY_GROW(batch->transitions, batch->transition_count, batch->transition_capacity);
    batch->transitions[batch->transition_count] = (struct journal_transition){
        .transition = {.kind = sketch->state == STATE_OPEN ? TRANSITION_APPROACHING : TRANSITION_BREACHED,
                       .at = now,
                       .recorded_at = now,
                       .case_id = sketch->case_id,
                       .subject = "",
                       .unit = "nord",
                       .rule = sketch->rule->id,
                       .code = sketch->rule->code,
                       .rule_kind = sketch->rule->kind,
                       .occurrence = 1,
                       .state = sketch->state,
                       .anchor_at = now - 1000,
                       .due_at = sketch->due_at,
                       .breached_at = INSTANT_NONE,
                       .closed_at = INSTANT_NONE},
        .deadline_index = (int)batch->deadline_count,
        .derivation = "",
    };
    MEMORY_GROW(batch->notices, batch->notice_count, batch->notice_capacity);
    struct journal_notice *notice = &batch->notices[batch->notice_count++];
    *notice = (struct journal_notice){
        .purpose = "stage",
        .transition_index = (int)batch->transition_count,
        .case_id = sketch->case_id,
        .person_id = sketch->person,
        .role = "team_leader",
        .stage = 1,
        .stage_at = now,
        .facts = "",
        .may_go_at = sketch->goes_at,
        .held_by = sketch->held_by,
        .urgent = sketch->urgent,
        .with_others = sketch->with_others,
    };
    const char *identity[] = {sketch->case_id, sketch->person, sketch->rule->id};
    message_key(identity, 3, notice->message_key);
    batch->deadline_count++;
    batch->transition_count++;
}

static void write_sketches(struct fixture *f, const struct sketch *sketches, size_t count,
                           int urgent_per_hour)
{
    struct journal_batch batch = {.urgent_per_hour = urgent_per_hour};
    for (size_t i = 0; i < count; i++)
        add(&batch, &sketches[i], NOW);
    write_batch(f, &batch, NOW);
}

static void form(struct fixture *f, instant now, int wait_s)
{
    struct journal_batch batch = {.forming = {.wanted = true, .now = now, .wait_s = wait_s}};
    write_batch(f, &batch, now);
}

// "1:1 2:1 3:-": each notice and what carries it.
static const char *carriers(void)
{
    return sql(
        "SELECT string_agg(id || ':' || coalesce(carried_by::text, '-'), ' ' ORDER BY id) FROM notice");
}

#define LATER (NOW + 30)
#define SKETCH(CASE, PERSON, AT)                                                                             \
    {                                                                                                        \
        CASE, PERSON, AT, &statutory, STATE_BREACHED, NOW - 10, NULL, false, false                           \
    }

// --- reading ---

struct collected {
    bool done;
    struct buffer text;
};

static void on_notice(struct journal_notices *notices, const struct waiting_notice *notice)
{
    struct collected *collected = notices->data;
    buffer_format(&collected->text, "%lld%s%s ", (long long)notice->id, notice->carries_others ? "+" : "",
                  notice->out_of_date ? "!" : "");
}

static void on_notices_done(struct journal_notices *notices, const struct error *err)
{
    if (err)
        fail_msg("%s", err->text);
    ((struct collected *)notices->data)->done = true;
}

static bool is_collected(void *data)
{
    return ((struct collected *)data)->done;
}

static void assert_collected(struct collected *collected, const char *expected)
{
    assert_string_equal(collected->text.data ? collected->text.data : "", expected);
    buffer_done(&collected->text);
}

// "1 3+ ": the mails that may go, + where they carry others, ! where they are out of date.
static void assert_mails(struct fixture *f, instant now, const char *expected)
{
    struct collected collected = {0};
    struct error err;
    struct journal_notices notices = {
        .data = &collected, .now = now, .limit = 100, .on_notice = on_notice, .on_done = on_notices_done};
    assert_int_equal(journal_read_notices(f->journal, &notices, &err), 0);
    loop_until(&f->loop, is_collected, &collected);
    assert_collected(&collected, expected);
}

static void on_part(struct journal_parts *parts, const struct waiting_notice *notice)
{
    buffer_format(&((struct collected *)parts->data)->text, "%lld:%lld ", (long long)notice->carried_by,
                  (long long)notice->id);
}

static void on_sum(struct journal_parts *parts, const struct mail_sum *sum)
{
    buffer_format(&((struct collected *)parts->data)->text, "%lld:%s %d/%d/%d%s ", (long long)sum->carried_by,
                  sum->code, sum->ahead, sum->broken, sum->resolved,
                  sum->held_since != INSTANT_NONE ? " held" : "");
}

static void on_parts_done(struct journal_parts *parts, const struct error *err)
{
    if (err)
        fail_msg("%s", err->text);
    ((struct collected *)parts->data)->done = true;
}

// "1:2 1:1 1:K20 0/2/0 ": carrier and notice, the worst first; then its sums, ahead, broken, resolved.
static void assert_parts(struct fixture *f, const int64_t *ids, size_t count, int limit, const char *expected)
{
    struct collected collected = {0};
    struct error err;
    struct journal_parts parts = {.data = &collected,
                                  .carriers = ids,
                                  .carrier_count = count,
                                  .limit = limit,
                                  .on_part = on_part,
                                  .on_sum = on_sum,
                                  .on_done = on_parts_done};
    assert_int_equal(journal_read_parts(f->journal, &parts, &err), 0);
    loop_until(&f->loop, is_collected, &collected);
    assert_collected(&collected, expected);
}

static void prune(struct fixture *f, int64_t id)
{
    struct journal_batch batch = {.prune = &id, .prune_count = 1};
    write_batch(f, &batch, NOW);
}

static void write_outcome(struct fixture *f, struct journal_outcome outcome)
{
    struct journal_batch batch = {.follow_up_at = LATER};
    batch.outcomes = memory_alloc(sizeof outcome);
    batch.outcomes[0] = outcome;
    batch.outcome_count = batch.outcome_capacity = 1;
    write_batch(f, &batch, NOW);
}

// --- tests ---

static void test_what_may_go_soon_goes_along(void **state)
{
    (void)state;
    struct fixture f;
    open_journal(&f);
    static const struct sketch sketches[] = {SKETCH("S-1", "a", NOW), SKETCH("S-2", "b", NOW + 10),
                                             SKETCH("S-3", "a", NOW + 30), SKETCH("S-4", "a", NOW + 31),
                                             SKETCH("S-5", "c", NOW + 5)};
    write_sketches(&f, sketches, 5, 0);
    assert_int_equal(journal_agenda(f.journal).loose_at, NOW);
    assert_int_equal(journal_agenda(f.journal).mail_at, INSTANT_NONE);
    assert_mails(&f, LATER, "");
    form(&f, NOW, 30);
    assert_string_equal(carriers(), "1:1 2:- 3:1 4:- 5:-");
    assert_int_equal(journal_agenda(f.journal).mail_at, NOW);
    assert_int_equal(journal_agenda(f.journal).loose_at, NOW + 5);
    assert_mails(&f, NOW, "1+ ");
    // What was formed is not formed again, whatever comes.
    form(&f, NOW + 10, 30);
    assert_string_equal(carriers(), "1:1 2:2 3:1 4:- 5:5");
    assert_mails(&f, NOW + 10, "1+ 2 5 ");
    form(&f, NOW + 31, 30);
    assert_string_equal(carriers(), "1:1 2:2 3:1 4:4 5:5");
    close_journal(&f);
}

static void test_without_a_wait_each_goes_alone(void **state)
{
    (void)state;
    struct fixture f;
    open_journal(&f);
    const struct sketch sketches[] = {SKETCH("S-1", "a", NOW), SKETCH("S-2", "a", NOW),
                                      SKETCH("S-3", "a", NOW + 1)};
    write_sketches(&f, sketches, 3, 0);
    form(&f, NOW, 0);
    assert_string_equal(carriers(), "1:1 2:2 3:-");
    // Only what a bound has held back goes together.
    sql("DELETE FROM outbox; UPDATE notice SET carried_by = NULL, held_by = 'bound', may_go_at = "
        "to_timestamp(%lld)",
        (long long)NOW);
    form(&f, NOW, 0);
    assert_string_equal(carriers(), "1:1 2:1 3:1");
    close_journal(&f);
}

static void test_urgent_ones_go_alone_until_they_are_too_many(void **state)
{
    (void)state;
    struct fixture f;
    open_journal(&f);
    struct sketch sketches[] = {SKETCH("S-1", "a", NOW), SKETCH("S-2", "a", NOW), SKETCH("S-3", "b", NOW),
                                SKETCH("S-4", "b", NOW), SKETCH("S-5", "b", NOW), SKETCH("S-6", "c", NOW)};
    for (size_t i = 0; i < 6; i++)
        sketches[i].urgent = true;
    sketches[5].with_others = true;
    write_sketches(&f, sketches, 6, 2);
    // Three for b at once are too many; c's was to share from the start.
    assert_string_equal(carriers(), "1:1 2:2 3:- 4:- 5:- 6:-");
    assert_string_equal(sql("SELECT string_agg(id || ' ' || held_by, ',' ORDER BY id) FROM notice"
                            " WHERE held_by IS NOT NULL AND may_go_at > to_timestamp(%lld)",
                            (long long)NOW),
                        "3 bound,4 bound,5 bound");
    assert_mails(&f, NOW, "1 2 ");
    // And so is the third of a within the hour.
    struct sketch third = SKETCH("S-7", "a", NOW), other = SKETCH("S-8", "d", NOW);
    third.urgent = other.urgent = true;
    struct journal_batch batch = {.urgent_per_hour = 2};
    add(&batch, &third, NOW + 3000);
    add(&batch, &other, NOW + 3000);
    write_batch(&f, &batch, NOW + 3000);
    assert_string_equal(carriers(), "1:1 2:2 3:- 4:- 5:- 6:- 7:- 8:8");
    form(&f, NOW + 4000, 30);
    assert_string_equal(carriers(), "1:1 2:2 3:3 4:3 5:3 6:6 7:7 8:8");
    close_journal(&f);
}

static void test_an_outcome_is_that_of_all(void **state)
{
    (void)state;
    struct fixture f;
    open_journal(&f);
    static const struct sketch sketches[] = {SKETCH("S-1", "a", NOW), SKETCH("S-2", "a", NOW),
                                             SKETCH("S-3", "b", NOW)};
    write_sketches(&f, sketches, 3, 0);
    form(&f, NOW, 30);
    write_outcome(&f, (struct journal_outcome){1, NOTICE_DEFERRED, 1, NOW + 60, INSTANT_NONE, "451", 0});
    assert_string_equal(sql("SELECT string_agg(id || ' ' || state || ' ' || (b.id IS NOT NULL), ',' ORDER BY "
                            "id) FROM notice LEFT JOIN outbox b USING (id)"),
                        "1 deferred true,2 deferred false,3 pending true");
    assert_mails(&f, NOW + 60, "3 1+ ");
    write_outcome(&f, (struct journal_outcome){1, NOTICE_SENT, 2, INSTANT_NONE, NOW + 61, "250", 0});
    assert_string_equal(
        sql("SELECT string_agg(id || ' ' || state || ' ' || attempts || ' ' || last_reply || ' ' ||"
            " (finished_at IS NOT NULL), ',' ORDER BY id) FROM notice"),
        "1 sent 2 250 true,2 sent 2 250 true,3 pending 0  false");
    assert_mails(&f, NOW + 60, "3 ");
    close_journal(&f);
}

// The sketch's deadline, which has this id, is met.
static void meet(struct fixture *f, const struct sketch *sketch, int64_t id)
{
    struct journal_batch batch = {.follow_up_at = LATER};
    add(&batch, sketch, NOW);
    batch.notice_count = 0;
    batch.deadlines[0].id = id;
    batch.deadlines[0].state = batch.transitions[0].transition.state = STATE_MET;
    batch.transitions[0].transition.kind = TRANSITION_MET;
    write_batch(f, &batch, NOW);
}

static void test_who_was_overtaken_hears_of_it(void **state)
{
    (void)state;
    struct fixture f;
    open_journal(&f);
    static const struct sketch sketches[] = {SKETCH("S-1", "a", NOW), SKETCH("S-2", "b", NOW),
                                             SKETCH("S-3", "c", NOW)};
    write_sketches(&f, sketches, 3, 0);
    form(&f, NOW, 0);
    int64_t read_at = journal_last_transition(f.journal);
    meet(&f, &sketches[0], 1);
    // Both mails were on their way; the one tells what is true no longer.
    write_outcome(&f, (struct journal_outcome){1, NOTICE_SENT, 1, INSTANT_NONE, NOW, "250", read_at});
    write_outcome(&f, (struct journal_outcome){2, NOTICE_SENT, 1, INSTANT_NONE, NOW, "250", read_at});
    assert_string_equal(sql("SELECT string_agg(case_id || ' ' || person_id, ',') FROM notice"
                            " WHERE purpose = 'follow_up'"),
                        "S-1 a");
    // What a mail was read after, it has told.
    meet(&f, &sketches[2], 3);
    write_outcome(&f, (struct journal_outcome){3, NOTICE_SENT, 1, INSTANT_NONE, NOW, "250",
                                               journal_last_transition(f.journal)});
    assert_string_equal(sql("SELECT count(*) FROM notice WHERE purpose = 'follow_up'"), "1");
    close_journal(&f);
}

static void test_the_worst_first_and_sums(void **state)
{
    (void)state;
    struct fixture f;
    open_journal(&f);
    static const struct sketch sketches[] = {
        {"S-1", "a", NOW, &own, STATE_BREACHED, NOW - 90000, NULL, false, false},
        {"S-2", "a", NOW, &statutory, STATE_OPEN, NOW + 500, NULL, false, false},
        {"S-3", "a", NOW, &statutory, STATE_BREACHED, NOW - 20, NULL, false, false},
        {"S-4", "a", NOW, &statutory, STATE_BREACHED, NOW - 30, "hours", false, false},
        {"S-5", "a", NOW, &own, STATE_OPEN, NOW + 100, NULL, false, false},
        {"S-6", "b", NOW, &own, STATE_OPEN, NOW + 100, NULL, false, false},
        {"S-7", "b", NOW, &own, STATE_OPEN, NOW + 90, NULL, false, false}};
    write_sketches(&f, sketches, 7, 0);
    form(&f, NOW, 30);
    static const int64_t ids[] = {1, 6};
    assert_parts(&f, ids, 2, 10, "1:4 1:3 1:2 1:1 1:5 6:7 6:6 1:K20 1/2/0 held 1:K50 1/1/0 6:K50 2/0/0 ");
    assert_parts(&f, ids, 1, 2, "1:4 1:3 1:K20 1/2/0 held 1:K50 1/1/0 ");
    close_journal(&f);
}

static void test_what_is_out_of_date_is_left_out(void **state)
{
    (void)state;
    struct fixture f;
    open_journal(&f);
    static const struct sketch sketches[] = {SKETCH("S-1", "a", NOW), SKETCH("S-2", "a", NOW),
                                             SKETCH("S-3", "a", NOW)};
    write_sketches(&f, sketches, 3, 0);
    form(&f, NOW, 30);
    // The one that carries is done itself, another has moved.
    sql("UPDATE deadline SET state = 'met' WHERE id = 1; UPDATE deadline SET due_at = due_at + interval '1 "
        "day' WHERE id = 3");
    assert_mails(&f, NOW, "1+! ");
    prune(&f, 1);
    static const int64_t id = 1;
    assert_parts(&f, &id, 1, 10, "1:2 1:K20 0/1/0 ");
    assert_mails(&f, NOW, "1+! "); // it still carries
    // Its own outcome stands.
    write_outcome(&f, (struct journal_outcome){1, NOTICE_DEFERRED, 1, NOW + 60, INSTANT_NONE, "451", 0});
    assert_int_equal(journal_agenda(f.journal).mail_at, NOW + 60);
    write_outcome(&f, (struct journal_outcome){1, NOTICE_SENT, 2, INSTANT_NONE, NOW + 61, "250", 0});
    assert_string_equal(sql("SELECT string_agg(id || ' ' || state || ' ' || left(last_reply, 11), ',' ORDER "
                            "BY id) FROM notice"),
                        "1 abandoned out of date,2 sent 250,3 abandoned out of date");
    assert_int_equal(journal_agenda(f.journal).mail_at, INSTANT_NONE);
    close_journal(&f);
}

static void test_nothing_left_is_no_mail(void **state)
{
    (void)state;
    struct fixture f;
    open_journal(&f);
    static const struct sketch sketches[] = {SKETCH("S-1", "a", NOW), SKETCH("S-2", "a", NOW)};
    write_sketches(&f, sketches, 2, 0);
    form(&f, NOW, 30);
    sql("UPDATE deadline SET state = 'cancelled'");
    prune(&f, 1);
    assert_mails(&f, NOW, "");
    assert_int_equal(journal_agenda(f.journal).mail_at, INSTANT_NONE);
    assert_string_equal(sql("SELECT count(*) FROM notice WHERE finished_at IS NULL OR state <> 'abandoned'"),
                        "0");
    close_journal(&f);
}

struct asked {
    bool done;
    char persons[64];
};

static void on_loose(struct journal_loose *loose, const struct loose_person *persons, size_t count,
                     const struct error *err)
{
    struct asked *asked = loose->data;
    asked->done = true;
    if (err)
        fail_msg("%s", err->text);
    for (size_t i = 0; i < count; i++) {
        strcat(asked->persons, persons[i].person_id);
        strcat(asked->persons, persons[i].busy ? "! " : " ");
    }
}

static bool is_asked(void *data)
{
    return ((struct asked *)data)->done;
}

// Else PostgreSQL writes an entry into each index of the table for each mail that goes
// (daemon/sql/0013_outbox.sql).
static void test_an_outcome_changes_no_indexed_column(void **state)
{
    (void)state;
    struct fixture f;
    open_journal(&f);
    assert_string_equal(sql("SELECT coalesce(string_agg(indexname, ' '), '') FROM pg_indexes"
                            " WHERE schemaname = 'fristd_journal' AND tablename = 'notice'"
                            " AND indexdef ~ '\\y(state|attempts|finished_at|last_reply)\\y'"),
                        "");
    close_journal(&f);
}

static void test_who_has_had_enough_waits(void **state)
{
    (void)state;
    struct fixture f;
    open_journal(&f);
    struct sketch sketches[] = {SKETCH("S-1", "a", NOW), SKETCH("S-2", "b", NOW),
                                SKETCH("S-3", "a", NOW + 100), SKETCH("S-4", "b", NOW + 100),
                                SKETCH("S-5", "a", NOW + 100)};
    sketches[4].urgent = sketches[4].with_others = true;
    write_sketches(&f, sketches, 5, 0);
    form(&f, NOW, 30);
    sql("INSERT INTO notice SELECT 99, 'x', purpose, deadline_id, transition_number, case_id, person_id, "
        "role, instead_of,"
        " stage, stage_at, facts, state, attempts, decided_at, NULL, finished_at, last_reply, urgent, "
        "held_by, 99, formed_at"
        " FROM notice WHERE id = 1");
    struct asked asked = {0};
    struct error err;
    struct journal_loose loose = {
        .data = &asked, .now = NOW + 100, .since = NOW - 1000, .bound = 2, .on_done = on_loose};
    assert_int_equal(journal_read_loose(f.journal, &loose, &err), 0);
    loop_until(&f.loop, is_asked, &asked);
    assert_string_equal(asked.persons, "a! b "); // two mails today; b has had one
    sql("UPDATE notice SET state = 'abandoned' WHERE id = 99");
    asked = (struct asked){0};
    assert_int_equal(journal_read_loose(f.journal, &loose, &err), 0);
    loop_until(&f.loop, is_asked, &asked);
    assert_string_equal(asked.persons, "a b "); // one that was given up is none
    asked = (struct asked){0};
    loose.bound = 0;
    assert_int_equal(journal_read_loose(f.journal, &loose, &err), 0);
    loop_until(&f.loop, is_asked, &asked);
    assert_string_equal(asked.persons, "a b ");
    struct journal_hold hold = {"a", NOW + 50000, "bound"};
    struct journal_batch batch = {
        .forming = {.wanted = true, .now = NOW + 100, .wait_s = 30, .holds = &hold, .hold_count = 1}};
    write_batch(&f, &batch, NOW + 100);
    // What is urgent goes all the same.
    assert_string_equal(
        sql("SELECT string_agg(id || ':' || coalesce(carried_by::text, held_by), ' ' ORDER BY id) FROM"
            " notice WHERE id < 99"),
        "1:1 2:2 3:bound 4:4 5:5");
    assert_int_equal(journal_agenda(f.journal).loose_at, NOW + 50000);
    close_journal(&f);
}

// One mail, whatever they are: the daemon reads the worst and the sums.
static void test_a_flood_is_one_mail(void **state)
{
    (void)state;
    struct fixture f;
    open_journal(&f);
    struct sketch sketch = SKETCH("S-1", "a", NOW);
    write_sketches(&f, &sketch, 1, 0);
    sql("INSERT INTO deadline SELECT i, 'F-' || i, rule, subject, occurrence, valid_from, code, rule_kind, "
        "sensitive, state,"
        " anchor_at, due_at - i * interval '1 second', breached_at, closed_at, staged_until, next_stage_at, "
        "attention,"
        " changed_at FROM deadline, generate_series(2, 20000) i WHERE id = 1;"
        "INSERT INTO transition SELECT i, i, kind, at, recorded_at, 'F-' || i, rule, subject, occurrence, "
        "code, rule_kind,"
        " sensitive, unit, state, anchor_at, due_at - i * interval '1 second', breached_at, closed_at, late, "
        "superseded,"
        " missed_in_a_row, retained, derivation FROM transition, generate_series(2, 20000) i WHERE number = "
        "1;"
        "INSERT INTO notice (id, message_key, purpose, deadline_id, transition_number, case_id, person_id, "
        "role, stage,"
        " stage_at, facts, state, attempts, decided_at, may_go_at, last_reply) SELECT i, 'k' || i, "
        "purpose, i, i,"
        " 'F-' || i, person_id, role, stage, stage_at, facts, state, attempts, decided_at, may_go_at, "
        "last_reply"
        " FROM notice, generate_series(2, 20000) i WHERE id = 1; ANALYZE");
    form(&f, NOW, 30);
    assert_string_equal(
        sql("SELECT count(DISTINCT carried_by) || ' ' || (SELECT count(*) FROM outbox) FROM notice"), "1 1");
    assert_mails(&f, NOW, "1+ ");
    prune(&f, 1);
    static const int64_t id = 1;
    assert_parts(&f, &id, 1, 3, "1:20000 1:19999 1:19998 1:K20 0/20000/0 ");
    write_outcome(&f, (struct journal_outcome){1, NOTICE_SENT, 1, INSTANT_NONE, NOW, "250", 0});
    assert_string_equal(sql("SELECT count(*) FROM notice WHERE state = 'sent' AND finished_at IS NOT NULL"),
                        "20000");
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
        cmocka_unit_test_setup(test_what_may_go_soon_goes_along, empty_journal),
        cmocka_unit_test_setup(test_without_a_wait_each_goes_alone, empty_journal),
        cmocka_unit_test_setup(test_urgent_ones_go_alone_until_they_are_too_many, empty_journal),
        cmocka_unit_test_setup(test_an_outcome_is_that_of_all, empty_journal),
        cmocka_unit_test_setup(test_who_was_overtaken_hears_of_it, empty_journal),
        cmocka_unit_test_setup(test_the_worst_first_and_sums, empty_journal),
        cmocka_unit_test_setup(test_what_is_out_of_date_is_left_out, empty_journal),
        cmocka_unit_test_setup(test_nothing_left_is_no_mail, empty_journal),
        cmocka_unit_test_setup(test_an_outcome_changes_no_indexed_column, empty_journal),
        cmocka_unit_test_setup(test_who_has_had_enough_waits, empty_journal),
        cmocka_unit_test_setup(test_a_flood_is_one_mail, empty_journal),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
