// SPDX-License-Identifier: MPL-2.0
// The mail channel against a server that goes wrong: sessions reused and limited, rate kept, a server in
// trouble left in peace, everything accounted for at the end.
#include "shell/mail.h"

#include "core/memory.h"
#include "shell/log.h"
#include "support/fake_smtp.h"
#include "support/loop.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define MESSAGES_MAX 400
#define BODY         "Subject: frist\r\n\r\nx\r\n"

struct outbox;

struct item {
    struct mail_message message;
    struct outbox *outbox;
    char to[32];
    int tries;
    bool in_flight, doubted; // once ended as not known
    struct mail_outcome outcome;
};

// What the journal is in the daemon.
struct outbox {
    uv_loop_t loop;
    struct mail *mail;
    struct item items[MESSAGES_MAX];
    int count, ended, sent, refused, again, stopped;
    int ready_calls;
    bool resend; // what is to be tried again is sent at the next on_ready
    bool inside; // a call of ours: no callback may come
    bool closed;
    int close_after; // ends; 0: never
};

static void on_done(struct mail_message *message, const struct mail_outcome *outcome);

static void send_item(struct outbox *outbox, struct item *item)
{
    assert_false(item->in_flight);
    item->in_flight = true;
    item->tries++;
    item->message = (struct mail_message){.data = item,
                                          .from = "frist@kommune.example",
                                          .to = item->to,
                                          .bytes = BODY,
                                          .length = strlen(BODY),
                                          .on_done = on_done};
    outbox->inside = true;
    mail_send(outbox->mail, &item->message);
    outbox->inside = false;
}

static void on_closed(void *data)
{
    struct outbox *outbox = data;
    assert_false(outbox->inside || outbox->closed);
    outbox->closed = true;
}

static void close_mail(struct outbox *outbox, int grace_ms)
{
    outbox->inside = true;
    mail_close(outbox->mail, grace_ms, on_closed, outbox);
    outbox->inside = false;
}

static void on_done(struct mail_message *message, const struct mail_outcome *outcome)
{
    struct item *item = message->data;
    struct outbox *outbox = item->outbox;
    assert_false(outbox->inside || outbox->closed);
    assert_true(item->in_flight);
    item->in_flight = false;
    item->outcome = *outcome;
    item->doubted |= strstr(outcome->reason, "not known") != NULL;
    outbox->ended++;
    outbox->sent += outcome->result == MAIL_SENT;
    outbox->refused += outcome->result == MAIL_REFUSED;
    outbox->again += outcome->result == MAIL_TRY_AGAIN;
    outbox->stopped += outcome->result == MAIL_STOPPED;
    assert_null(strchr(outcome->reason, '@'));
    if (outbox->close_after > 0 && --outbox->close_after == 0)
        close_mail(outbox, 5000);
}

static void resend(struct outbox *outbox)
{
    for (int i = 0; i < outbox->count && mail_free_slots(outbox->mail) > 0; i++) {
        struct item *item = &outbox->items[i];
        if (!item->in_flight && (item->tries == 0 || item->outcome.result == MAIL_TRY_AGAIN))
            send_item(outbox, item);
    }
}

static void on_ready(void *data)
{
    struct outbox *outbox = data;
    assert_false(outbox->inside);
    assert_true(mail_free_slots(outbox->mail) > 0);
    outbox->ready_calls++;
    if (outbox->resend)
        resend(outbox);
}

static struct outbox *start(const struct mail_options *options, int count)
{
    struct outbox *outbox = memory_alloc(sizeof *outbox);
    uv_loop_init(&outbox->loop);
    outbox->mail = mail_new(&outbox->loop, options);
    mail_on_ready(outbox->mail, on_ready, outbox);
    outbox->count = count;
    for (int i = 0; i < count; i++) {
        outbox->items[i].outbox = outbox;
        snprintf(outbox->items[i].to, sizeof outbox->items[i].to, "%03d@by.example", i + 1);
    }
    return outbox;
}

static void send_all(struct outbox *outbox)
{
    for (int i = 0; i < outbox->count; i++)
        send_item(outbox, &outbox->items[i]);
}

static bool all_ended(void *data)
{
    struct outbox *outbox = data;
    return outbox->ended >= outbox->count;
}

static bool all_settled(void *data)
{
    struct outbox *outbox = data;
    return outbox->sent + outbox->refused == outbox->count;
}

static bool is_closed(void *data)
{
    return ((struct outbox *)data)->closed;
}

// Closes if need be, and proves that the loop is empty.
static void stop(struct outbox *outbox)
{
    if (!outbox->closed) {
        close_mail(outbox, 5000);
        loop_until(&outbox->loop, is_closed, outbox);
    }
    for (int i = 0; i < outbox->count; i++)
        assert_false(outbox->items[i].in_flight);
    assert_int_equal(uv_run(&outbox->loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&outbox->loop), 0);
    free(outbox);
}

static struct mail_options options_for(struct fake_smtp *fake, int port)
{
    return (struct mail_options){.server = {.host = "127.0.0.1",
                                            .port = port,
                                            .tls = SMTP_NO_TLS,
                                            .ca_file = fake_smtp_ca_file(fake),
                                            .hello = "fristd.kommune.example"},
                                 .hold_first_ms = 50};
}

// ---- sessions ----

static void test_one_session_takes_many_messages(void **state)
{
    int port = fake_smtp_listen(*state, "'tls': 'starttls'");
    struct mail_options options = options_for(*state, port);
    options.server.tls = SMTP_STARTTLS;
    options.connections = 1;
    struct outbox *outbox = start(&options, 50);
    send_all(outbox);
    assert_int_equal(outbox->ended, 0);
    loop_until(&outbox->loop, all_ended, outbox);
    assert_int_equal(outbox->sent, 50);
    assert_int_equal(mail_counts(outbox->mail).sent, 50);
    stop(outbox);
    assert_int_equal(fake_smtp_count(*state, port, "connections"), 1);
    assert_int_equal(fake_smtp_count(*state, port, "messages"), 50);
    assert_int_equal(fake_smtp_count(*state, port, "quits"), 1);
    assert_int_equal(fake_smtp_count(*state, port, "out_of_turn"), 0);
}

static void test_sessions_are_limited_in_number_and_length(void **state)
{
    static const char *const behaviours[] = {"", "'pipelining': false"};
    for (size_t i = 0; i < sizeof behaviours / sizeof behaviours[0]; i++) {
        int port = fake_smtp_listen(*state, behaviours[i]);
        struct mail_options options = options_for(*state, port);
        options.connections = 3;
        options.messages_per_connection = 20;
        struct outbox *outbox = start(&options, 200);
        send_all(outbox);
        loop_until(&outbox->loop, all_ended, outbox);
        assert_int_equal(outbox->sent, 200);
        stop(outbox);
        json_t *report = fake_smtp_report(*state, port), *message;
        size_t at;
        int taken[32] = {0}, connections = (int)json_integer_value(json_object_get(report, "connections"));
        assert_in_range(connections, 10, 12);
        json_array_foreach(json_object_get(report, "messages"), at, message)
        {
            taken[json_integer_value(json_object_get(message, "connection"))]++;
        }
        for (int c = 1; c <= connections; c++)
            assert_true(taken[c] <= 20);
        assert_int_equal(json_integer_value(json_object_get(report, "most_open")), 3);
        assert_int_equal(json_integer_value(json_object_get(report, "quits")), connections);
        json_decref(report);
    }
}

static void test_slow_servers_are_waited_for_in_parallel(void **state)
{
    int port = fake_smtp_listen(*state, "'faults': [{'at': 'DOT', 'delay': 1}]");
    struct mail_options options = options_for(*state, port);
    options.connections = 8;
    struct outbox *outbox = start(&options, 8);
    send_all(outbox);
    uint64_t begun = uv_hrtime();
    loop_until(&outbox->loop, all_ended, outbox);
    assert_int_equal(outbox->sent, 8);
    assert_true((uv_hrtime() - begun) / 1000000 < 8 * 1000); // one after the other would take that long
    stop(outbox);
    assert_int_equal(fake_smtp_count(*state, port, "most_open"), 8);
}

static bool has_no_session(void *data)
{
    struct outbox *outbox = data;
    return outbox->ended == outbox->count && mail_counts(outbox->mail).open == 0;
}

static void test_an_idle_session_says_quit(void **state)
{
    int port = fake_smtp_listen(*state, "");
    struct mail_options options = options_for(*state, port);
    options.idle_timeout_ms = 50;
    struct outbox *outbox = start(&options, 2);
    send_item(outbox, &outbox->items[0]);
    outbox->count = 1;
    loop_until(&outbox->loop, has_no_session, outbox);
    assert_int_equal(fake_smtp_count(*state, port, "quits"), 1);
    outbox->count = 2;
    send_item(outbox, &outbox->items[1]);
    loop_until(&outbox->loop, has_no_session, outbox);
    assert_int_equal(outbox->sent, 2);
    assert_int_equal(fake_smtp_count(*state, port, "connections"), 2);
    stop(outbox);
}

static void test_the_server_may_close_an_idle_session(void **state)
{
    // The server hangs up after each message, a little after we have our 250.
    int port = fake_smtp_listen(*state, "'faults': [{'at': 'DOT', 'then_drop': true}]");
    struct mail_options options = options_for(*state, port);
    struct outbox *outbox = start(&options, 4);
    int count = outbox->count;
    for (int i = 0; i < count; i++) {
        outbox->count = i + 1;
        send_item(outbox, &outbox->items[i]);
        loop_until(&outbox->loop, has_no_session, outbox);
    }
    assert_int_equal(outbox->sent, 4);
    assert_int_equal(outbox->again, 0);
    stop(outbox);
}

static void test_a_session_with_many_refusals_is_replaced(void **state)
{
    int port = fake_smtp_listen(*state, "'faults': [{'at': 'RCPT', 'reply': '550 5.1.1 no'}]");
    struct mail_options options = options_for(*state, port);
    options.connections = 1;
    struct outbox *outbox = start(&options, 25);
    send_all(outbox);
    loop_until(&outbox->loop, all_ended, outbox);
    assert_int_equal(outbox->refused, 25);
    stop(outbox);
    assert_int_equal(fake_smtp_count(*state, port, "connections"), 3);
}

// ---- messages ----

static void test_one_bad_address_harms_nobody_else(void **state)
{
    int port = fake_smtp_listen(
        *state, "'faults': [{'at': 'RCPT', 'match': '003@', 'reply': '550 5.1.1 no 003@by.example'},"
                "{'at': 'RCPT', 'match': '004@', 'times': 1, 'reply': '450 4.2.0 Greylisted'}]");
    struct mail_options options = options_for(*state, port);
    options.connections = 1;
    struct outbox *outbox = start(&options, 5);
    send_all(outbox);
    loop_until(&outbox->loop, all_ended, outbox);
    assert_int_equal(outbox->sent, 3);
    assert_int_equal(outbox->items[2].outcome.result, MAIL_REFUSED);
    assert_string_equal(outbox->items[2].outcome.enhanced, "5.1.1");
    assert_string_equal(outbox->items[2].outcome.reason, "reply to RCPT: 550 5.1.1 no ***");
    assert_int_equal(outbox->items[3].outcome.result, MAIL_TRY_AGAIN);
    assert_false(outbox->items[3].outcome.server_fault);
    resend(outbox); // the greylisted one, later
    loop_until(&outbox->loop, all_settled, outbox);
    assert_int_equal(outbox->sent, 4);
    stop(outbox);
    assert_int_equal(fake_smtp_count(*state, port, "connections"), 1);
}

static void test_a_callback_may_send_the_next(void **state)
{
    int port = fake_smtp_listen(*state, "");
    struct mail_options options = options_for(*state, port);
    struct outbox *outbox = start(&options, MESSAGES_MAX);
    outbox->resend = true;
    for (int i = 0; i < MESSAGES_MAX; i++) {
        outbox->count = i + 1;
        send_item(outbox, &outbox->items[i]);
        if (i % 7 == 0)
            loop_until(&outbox->loop, all_ended, outbox);
    }
    loop_until(&outbox->loop, all_ended, outbox);
    assert_int_equal(outbox->sent, MESSAGES_MAX);
    stop(outbox);
}

static void test_slots_bound_the_queue(void **state)
{
    int port = fake_smtp_listen(*state, "");
    struct mail_options options = options_for(*state, port);
    struct outbox *outbox = start(&options, MESSAGES_MAX);
    outbox->resend = true;
    outbox->count = 1;
    size_t slots = mail_free_slots(outbox->mail);
    send_item(outbox, &outbox->items[0]);
    assert_int_equal(mail_free_slots(outbox->mail), slots - 1);
    loop_until(&outbox->loop, all_ended, outbox);
    assert_int_equal(mail_free_slots(outbox->mail), slots);
    assert_int_equal(outbox->ready_calls, 0); // there always were some

    // With 300 a minute fifty are useful, and fifty more once they are gone.
    options.messages_per_minute = 300;
    mail_set_options(outbox->mail, &options);
    assert_int_equal(mail_free_slots(outbox->mail), 50);
    options.messages_per_minute = 6000;
    mail_set_options(outbox->mail, &options);
    outbox->count = MESSAGES_MAX;
    resend(outbox);
    assert_true(outbox->ready_calls == 0);
    loop_until(&outbox->loop, all_settled, outbox);
    stop(outbox);
}

// ---- rate ----

static void test_the_rate_is_kept(void **state)
{
    int port = fake_smtp_listen(*state, "");
    struct mail_options options = options_for(*state, port);
    options.messages_per_minute = 600; // ten at once, then one each 0.1 s
    struct outbox *outbox = start(&options, 25);
    uv_update_time(&outbox->loop);
    uint64_t begun = uv_now(&outbox->loop);
    send_all(outbox);
    loop_until(&outbox->loop, all_ended, outbox);
    uv_update_time(&outbox->loop);
    uint64_t took = uv_now(&outbox->loop) - begun;
    assert_int_equal(outbox->sent, 25);
    assert_in_range(took, 1500, 10000);
    stop(outbox);
    assert_true(fake_smtp_count(*state, port, "connections") <= 3);
}

static void test_few_messages_need_one_session(void **state)
{
    int port = fake_smtp_listen(*state, "");
    struct mail_options options = options_for(*state, port);
    options.messages_per_minute = 59; // one by one
    struct outbox *outbox = start(&options, 3);
    send_all(outbox);
    loop_until(&outbox->loop, all_ended, outbox);
    assert_int_equal(outbox->sent, 3);
    stop(outbox);
    assert_int_equal(fake_smtp_count(*state, port, "connections"), 1);
}

// ---- a server in trouble ----

static void test_a_server_in_trouble_is_left_in_peace(void **state)
{
    static const struct {
        const char *behaviour;
        int reply_code;
        int connections; // in all, with two tries in vain
    } cases[] = {
        {"'faults': [{'at': 'greeting', 'times': 2, 'reply': '421 4.3.2 busy'}]", 421, 3},
        {"'faults': [{'at': 'greeting', 'times': 2, 'drop': true}]", 0, 3},
        {"'faults': [{'at': 'MAIL', 'times': 2, 'reply': '550 5.7.60 not this sender'}]", 550, 1},
        {"'faults': [{'at': 'DOT', 'times': 2, 'reply': '432 4.3.2 slow down'}]", 432, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int port = fake_smtp_listen(*state, cases[i].behaviour);
        struct mail_options options = options_for(*state, port);
        options.connections = 1;
        struct outbox *outbox = start(&options, 5);
        size_t usual = mail_free_slots(outbox->mail);
        send_all(outbox);
        uv_update_time(&outbox->loop);
        uint64_t begun = uv_now(&outbox->loop);
        for (outbox->count = 1; outbox->again == 0;)
            uv_run(&outbox->loop, UV_RUN_ONCE);
        outbox->count = 5;
        if (cases[i].reply_code != 432 && cases[i].reply_code != 550) {
            assert_int_equal(outbox->again, 5); // all at once: the journal is the queue
            assert_int_equal(mail_free_slots(outbox->mail), 0);
        }
        assert_true(outbox->items[0].outcome.server_fault);
        assert_int_equal(outbox->items[0].outcome.reply_code, cases[i].reply_code);
        outbox->resend = true;
        loop_until(&outbox->loop, all_settled, outbox);
        assert_int_equal(outbox->sent, 5);
        uv_update_time(&outbox->loop);
        assert_true(uv_now(&outbox->loop) - begun >= 50); // at least one hold
        assert_int_equal(mail_free_slots(outbox->mail), usual);
        assert_true(outbox->ready_calls >= 2); // for the trial, and for all
        stop(outbox);
        assert_int_equal(fake_smtp_count(*state, port, "connections"), cases[i].connections);
        assert_int_equal(fake_smtp_count(*state, port, "messages"), 5);
    }
}

// A server that is away is asked less and less often.
static void test_holds_grow_longer(void **state)
{
    struct mail_options options = options_for(*state, 1);
    options.hold_first_ms = 10;
    options.connections = 3;
    struct outbox *outbox = start(&options, 5);
    outbox->resend = true;
    send_all(outbox);
    assert_false(loop_until_ms(&outbox->loop, all_settled, outbox, 1000));
    uint64_t sessions = mail_counts(outbox->mail).sessions;
    // 10 20 40 80 160 320 (640) ms: six tries, the first with three sessions at once.
    assert_in_range(sessions, 4, 3 + 6);
    assert_true(outbox->again > 0 && outbox->sent == 0);
    stop(outbox);
}

static void add_random_fault(struct buffer *behaviour, bool first)
{
    static const char *const steps[] = {"greeting", "EHLO", "MAIL", "RCPT", "DATA",
                                        "BODY",     "DOT",  "RSET", "QUIT"};
    static const char *const faults[] = {"'drop': true",
                                         "'drop': 'reset'",
                                         "'reply': '421 4.3.2 busy', 'then_drop': true",
                                         "'reply': '451 4.3.0 later'",
                                         "'reply': 'garbage'",
                                         "'silent': true",
                                         "'reply': '250-odd\\r\\n250 x\\r\\n250 y'"};
    const char *step = steps[random() % 9];
    // A server that says 250 amid the body and then has not got it lies; nobody can help that.
    const char *fault = faults[random() % (strcmp(step, "BODY") == 0 ? 6 : 7)];
    buffer_format(behaviour, "%s{'at': '%s', 'after': %ld, 'times': %ld, %s}", first ? "" : ", ", step,
                  random() % 20, random() % 4 + 1, fault);
}

// Whatever is in trouble, in the end everything arrives; twice only where it was not known.
static void test_random_trouble(void **state)
{
    unsigned seed = (unsigned)uv_hrtime();
    print_message("seed %u\n", seed);
    srandom(seed);
    for (int round = 0; round < 15; round++) {
        struct buffer behaviour = {0};
        buffer_format(&behaviour, "'pipelining': %s, 'tls': 'starttls', 'faults': [",
                      random() % 4 ? "true" : "false");
        for (int i = 0; i < 6; i++)
            add_random_fault(&behaviour, i == 0);
        buffer_add_string(&behaviour, "]");
        int port = fake_smtp_listen(*state, behaviour.data);
        struct mail_options options = options_for(*state, port);
        options.server.tls = SMTP_STARTTLS;
        options.server.reply_timeout_ms = 40;
        options.server.connect_timeout_ms = 1000;
        options.connections = (int)(random() % 4 + 1);
        options.messages_per_connection = (int)(random() % 20 + 1);
        options.hold_first_ms = 2;
        struct outbox *outbox = start(&options, 60);
        outbox->resend = true;
        resend(outbox);
        while (!all_settled(outbox)) {
            loop_until_ms(&outbox->loop, all_settled, outbox, 50);
            resend(outbox); // as the journal does when a message's own wait is over
            assert_true(outbox->ended < 100000);
        }
        assert_int_equal(outbox->sent, 60);
        bool doubted[60];
        for (int i = 0; i < 60; i++)
            doubted[i] = outbox->items[i].doubted;
        stop(outbox);
        json_t *report = fake_smtp_report(*state, port), *message;
        int copies[60] = {0};
        size_t at;
        json_array_foreach(json_object_get(report, "messages"), at, message)
        {
            int number = atoi(strchr(json_string_value(json_object_get(message, "recipient")), '<') + 1);
            copies[number - 1]++;
        }
        for (int i = 0; i < 60; i++)
            if (copies[i] < 1 || (copies[i] > 1 && !doubted[i]))
                fail_msg("message %d came %d times with %s", i + 1, copies[i], behaviour.data);
        assert_int_equal(json_array_size(json_object_get(report, "out_of_turn")), 0);
        json_decref(report);
        buffer_done(&behaviour);
    }
}

// ---- changes and the end ----

static void test_new_settings_take_effect(void **state)
{
    int old_port = fake_smtp_listen(*state, "'faults': [{'at': 'DOT', 'times': 1, 'delay': 0.1}]"),
        new_port = fake_smtp_listen(*state, "");
    struct mail_options options = options_for(*state, old_port);
    options.connections = 1;
    struct outbox *outbox = start(&options, 4);
    send_item(outbox, &outbox->items[0]);
    while (mail_counts(outbox->mail).sessions == 0 || fake_smtp_count(*state, old_port, "connections") == 0)
        uv_run(&outbox->loop, UV_RUN_ONCE);
    options.server.port = new_port;
    mail_set_options(outbox->mail, &options);
    for (int i = 1; i < 4; i++)
        send_item(outbox, &outbox->items[i]);
    loop_until(&outbox->loop, all_ended, outbox);
    assert_int_equal(outbox->sent, 4);
    stop(outbox);
    assert_int_equal(
        fake_smtp_count(*state, old_port, "messages") + fake_smtp_count(*state, new_port, "messages"), 4);
    assert_true(fake_smtp_count(*state, new_port, "messages") >= 3);
}

static void test_a_mended_setting_ends_the_hold(void **state)
{
    int port = fake_smtp_listen(*state, "");
    struct mail_options options = options_for(*state, 1); // nobody is there
    options.hold_first_ms = 3600000;
    struct outbox *outbox = start(&options, 3);
    send_all(outbox);
    loop_until(&outbox->loop, all_ended, outbox);
    assert_int_equal(outbox->again, 3);
    outbox->resend = true;
    mail_set_options(outbox->mail, &options); // nothing new
    assert_false(loop_until_ms(&outbox->loop, all_settled, outbox, 50));
    options.server.port = port;
    mail_set_options(outbox->mail, &options);
    loop_until(&outbox->loop, all_settled, outbox);
    assert_int_equal(outbox->sent, 3);
    stop(outbox);
}

static void test_close_with_nothing_to_do(void **state)
{
    struct mail_options options = options_for(*state, 1);
    struct outbox *outbox = start(&options, 0);
    stop(outbox);
}

static void test_close_finishes_what_is_in_flight(void **state)
{
    int port = fake_smtp_listen(*state, "'faults': [{'at': 'DOT', 'delay': 0.2}]");
    struct mail_options options = options_for(*state, port);
    options.connections = 1;
    struct outbox *outbox = start(&options, 10);
    send_all(outbox);
    outbox->close_after = 1; // from inside the first callback
    loop_until(&outbox->loop, is_closed, outbox);
    assert_int_equal(outbox->ended, 10);
    assert_in_range(outbox->sent, 2, 3); // two were in its hands with PIPELINING
    assert_int_equal(outbox->sent + outbox->stopped, 10);
    int sent = outbox->sent;
    stop(outbox);
    assert_int_equal(fake_smtp_count(*state, port, "messages"), sent);
    assert_int_equal(fake_smtp_count(*state, port, "quits"), 1);
}

static void test_close_waits_no_longer_than_its_grace(void **state)
{
    static const struct {
        const char *behaviour;
        bool doubted;
    } cases[] = {
        {"'faults': [{'at': 'DOT', 'silent': true}]", true},
        {"'faults': [{'at': 'RCPT', 'silent': true}]", false},
        {"'faults': [{'at': 'greeting', 'silent': true}]", false},
        {"'faults': [{'at': 'QUIT', 'silent': true}, {'at': 'RCPT', 'silent': true}]", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int port = fake_smtp_listen(*state, cases[i].behaviour);
        struct mail_options options = options_for(*state, port);
        options.connections = 1;
        struct outbox *outbox = start(&options, 3);
        send_all(outbox);
        while (fake_smtp_count(*state, port, "faults_met") == 0)
            assert_false(loop_until_ms(&outbox->loop, all_ended, outbox, 10));
        close_mail(outbox, 100);
        loop_until(&outbox->loop, is_closed, outbox);
        assert_int_equal(outbox->ended, 3);
        assert_int_equal(outbox->items[0].doubted, cases[i].doubted);
        assert_int_equal(outbox->again, cases[i].doubted);
        assert_int_equal(outbox->stopped, 3 - cases[i].doubted);
        stop(outbox);
    }
}

static void test_close_while_the_server_is_left_in_peace(void **state)
{
    struct mail_options options = options_for(*state, 1);
    options.hold_first_ms = 60000;
    struct outbox *outbox = start(&options, 3);
    send_all(outbox);
    loop_until(&outbox->loop, all_ended, outbox);
    send_item(outbox, &outbox->items[0]); // against the advice of mail_free_slots: it waits
    outbox->count = 4;
    assert_false(loop_until_ms(&outbox->loop, all_ended, outbox, 50));
    outbox->count = 3;
    close_mail(outbox, 5000);
    loop_until(&outbox->loop, is_closed, outbox);
    assert_int_equal(outbox->items[0].outcome.result, MAIL_STOPPED);
    stop(outbox);
}

static int start_fake(void **state)
{
    *state = fake_smtp_start(FRISTD_SOURCE_DIR);
    return 0;
}

static int stop_fake(void **state)
{
    fake_smtp_stop(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_session_takes_many_messages),
        cmocka_unit_test(test_sessions_are_limited_in_number_and_length),
        cmocka_unit_test(test_slow_servers_are_waited_for_in_parallel),
        cmocka_unit_test(test_an_idle_session_says_quit),
        cmocka_unit_test(test_the_server_may_close_an_idle_session),
        cmocka_unit_test(test_a_session_with_many_refusals_is_replaced),
        cmocka_unit_test(test_one_bad_address_harms_nobody_else),
        cmocka_unit_test(test_a_callback_may_send_the_next),
        cmocka_unit_test(test_slots_bound_the_queue),
        cmocka_unit_test(test_the_rate_is_kept),
        cmocka_unit_test(test_few_messages_need_one_session),
        cmocka_unit_test(test_a_server_in_trouble_is_left_in_peace),
        cmocka_unit_test(test_holds_grow_longer),
        cmocka_unit_test(test_random_trouble),
        cmocka_unit_test(test_new_settings_take_effect),
        cmocka_unit_test(test_a_mended_setting_ends_the_hold),
        cmocka_unit_test(test_close_with_nothing_to_do),
        cmocka_unit_test(test_close_finishes_what_is_in_flight),
        cmocka_unit_test(test_close_waits_no_longer_than_its_grace),
        cmocka_unit_test(test_close_while_the_server_is_left_in_peace),
    };
    signal(SIGPIPE, SIG_IGN); // as the daemon does
    log_set_level(LOG_LEVEL_ERROR);
    return cmocka_run_group_tests(tests, start_fake, stop_fake);
}
