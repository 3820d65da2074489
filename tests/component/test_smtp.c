// SPDX-License-Identifier: MPL-2.0
// One SMTP session against a server that goes wrong in every way: what becomes of each message, and that the
// loop never stands still.
#include "shell/smtp.h"

#include "core/memory.h"
#include "support/fake_smtp.h"
#include "support/loop.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <openssl/evp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define MESSAGES_MAX 8
#define PLAIN        SMTP_NO_TLS
#define STARTTLS     SMTP_STARTTLS
#define IMPLICIT     SMTP_IMPLICIT_TLS
#define BODY         "Subject: frist\r\n\r\nx\r\n"

struct scene {
    const char *name;
    const char *behaviour; // of fake_smtp.py, ' for "
    enum smtp_tls tls;
    const char *user;
    int messages;
    const char
        *outcomes; // one a message: "sent 250", "again 421 all", "again 0 all unknown", …; "-": never given
    const char *why; // NULL: the session ends as it should; else a part of the reason
    int connect_timeout_ms, reply_timeout_ms; // 0: far more than the scene takes
};

#define TLS          "'tls': 'starttls'"
#define TLS_IMPLICIT "'tls': 'implicit'"
#define AUTH         "'auth': {'user': 'fristd', 'password': 'hemmelig'"

static const struct scene scenes[] = {
    // ---- what goes well ----
    {"plain", "", PLAIN, NULL, 3, "sent 250, sent 250, sent 250", NULL, 0, 0},
    {"plain, lock-step", "'pipelining': false", PLAIN, NULL, 3, "sent 250, sent 250, sent 250", NULL, 0, 0},
    {"STARTTLS", TLS, STARTTLS, NULL, 3, "sent 250, sent 250, sent 250", NULL, 0, 0},
    {"implicit TLS", TLS_IMPLICIT, IMPLICIT, NULL, 3, "sent 250, sent 250, sent 250", NULL, 0, 0},
    {"STARTTLS and AUTH PLAIN", TLS ", " AUTH ", 'mechanisms': ['PLAIN']}", STARTTLS, "fristd", 2,
     "sent 250, sent 250", NULL, 0, 0},
    {"STARTTLS and AUTH LOGIN", TLS ", " AUTH ", 'mechanisms': ['LOGIN']}", STARTTLS, "fristd", 2,
     "sent 250, sent 250", NULL, 0, 0},
    {"a stronger mechanism beside PLAIN", TLS ", " AUTH ", 'mechanisms': ['CRAM-MD5', 'NTLM', 'PLAIN']}",
     STARTTLS, "fristd", 1, "sent 250", NULL, 0, 0},
    {"AUTH without TLS where TLS is switched off", AUTH "}", PLAIN, "fristd", 1, "sent 250", NULL, 0, 0},
    {"PIPELINING offered before TLS only is not believed",
     TLS ", 'plain_pipelining': true, 'pipelining': false", STARTTLS, NULL, 3, "sent 250, sent 250, sent 250",
     NULL, 0, 0},
    {"PIPELINING offered after TLS only", TLS ", 'plain_pipelining': false", STARTTLS, NULL, 3,
     "sent 250, sent 250, sent 250", NULL, 0, 0},
    {"EHLO not known, HELO is",
     "'faults': [{'at': 'EHLO', 'match': 'EHLO', 'reply': '502 5.5.1 what?'}], 'pipelining': false", PLAIN,
     NULL, 2, "sent 250, sent 250", NULL, 0, 0},
    {"answers of many lines",
     "'faults': [{'at': 'greeting', 'reply': '220-well\\r\\n220-come\\r\\n220 here'},"
     "{'at': 'MAIL', 'reply': '250-2.1.0 a\\r\\n250 2.1.0 b'},"
     "{'at': 'DATA', 'reply': '354-go\\r\\n354 on'},"
     "{'at': 'DOT', 'reply': '250-2.0.0 ta\\r\\n250-2.0.0 ken\\r\\n250 2.0.0 as 4711'}]",
     PLAIN, NULL, 2, "sent 250, sent 250", NULL, 0, 0},
    {"a slow dot", "'faults': [{'at': 'DOT', 'delay': 0.3}]", PLAIN, NULL, 2, "sent 250, sent 250", NULL, 0,
     0},
    {"the reply to the dot may take five times as long", "'faults': [{'at': 'DOT', 'delay': 0.6}]", PLAIN,
     NULL, 1, "sent 250", NULL, 0, 300},
    {"QUIT is never answered", "'faults': [{'at': 'QUIT', 'silent': true}]", PLAIN, NULL, 1, "sent 250", NULL,
     0, 0},
    {"QUIT is answered by hanging up", "'faults': [{'at': 'QUIT', 'drop': true}]", PLAIN, NULL, 1, "sent 250",
     NULL, 0, 0},
    {"QUIT is answered by a reset", TLS ", 'faults': [{'at': 'QUIT', 'drop': 'reset'}]", STARTTLS, NULL, 1,
     "sent 250", NULL, 0, 0},

    // ---- messages that go wrong alone ----
    {"one bad address among five", "'faults': [{'at': 'RCPT', 'match': '3@', 'reply': '550 5.1.1 no'}]",
     PLAIN, NULL, 5, "sent 250, sent 250, refused 550, sent 250, sent 250", NULL, 0, 0},
    {"one bad address among five, lock-step",
     "'pipelining': false, 'faults': [{'at': 'RCPT', 'match': '3@', 'reply': '550 5.1.1 no'}]", PLAIN, NULL,
     5, "sent 250, sent 250, refused 550, sent 250, sent 250", NULL, 0, 0},
    {"one bad address, DATA taken all the same",
     TLS ", 'faults': [{'at': 'RCPT', 'match': '3@', 'reply': '550 5.1.1 no'},"
         "{'at': 'DATA', 'after': 2, 'times': 1, 'reply': '354 go on'}]",
     STARTTLS, NULL, 5, "sent 250, sent 250, refused 550, sent 250, sent 250", NULL, 0, 0},
    {"all addresses bad", "'faults': [{'at': 'RCPT', 'reply': '550 5.1.1 no'}]", PLAIN, NULL, 3,
     "refused 550, refused 550, refused 550", NULL, 0, 0},
    {"greylisted", "'faults': [{'at': 'RCPT', 'match': '1@', 'reply': '450 4.2.0 Greylisted'}]", PLAIN, NULL,
     2, "again 450, sent 250", NULL, 0, 0},
    {"the message is refused", "'faults': [{'at': 'DOT', 'match': '1@', 'reply': '554 5.6.0 no'}]", PLAIN,
     NULL, 2, "refused 554, sent 250", NULL, 0, 0},
    {"too big by the size stated", "'size': 10", PLAIN, NULL, 1, "refused 0", NULL, 0, 0},
    {"throttled", "'faults': [{'at': 'DOT', 'times': 1, 'reply': '432 4.3.2 slow down'}]", PLAIN, NULL, 2,
     "again 432 all, sent 250", NULL, 0, 0},

    // ---- the session does not come about ----
    {"nothing at the greeting", "'faults': [{'at': 'greeting', 'silent': true}]", PLAIN, NULL, 1, "-",
     "no answer within 300 ms, waiting for the server's greeting", 300, 0},
    {"nothing after EHLO", TLS ", 'faults': [{'at': 'EHLO', 'silent': true}]", STARTTLS, NULL, 1, "-",
     "no answer within 300 ms", 300, 0},
    {"TLS never begins", TLS ", 'faults': [{'at': 'STARTTLS', 'reply': '220 go', 'delay': 3600}]", STARTTLS,
     NULL, 1, "-", "no answer within 300 ms", 300, 0},
    {"refused at the greeting", "'faults': [{'at': 'greeting', 'reply': '554 5.3.2 no service'}]", PLAIN,
     NULL, 1, "-", "server said: 554 5.3.2 no service", 0, 0},
    {"busy at the greeting", "'faults': [{'at': 'greeting', 'reply': '421 4.3.2 too many'}]", PLAIN, NULL, 1,
     "-", "server said: 421 4.3.2 too many", 0, 0},
    {"hangs up at once", "'faults': [{'at': 'greeting', 'drop': true}]", PLAIN, NULL, 1, "-",
     "the connection was lost", 0, 0},
    {"resets at once", "'faults': [{'at': 'greeting', 'drop': 'reset'}]", PLAIN, NULL, 1, "-",
     "127.0.0.1:", 0, 0},
    {"not SMTP at all", "'faults': [{'at': 'greeting', 'reply': 'HTTP/1.1 400 Bad Request'}]", PLAIN, NULL, 1,
     "-", "127.0.0.1:", 500, 0},
    {"STARTTLS not offered", "", STARTTLS, NULL, 1, "-", "STARTTLS not supported", 0, 0},
    {"STARTTLS offered and put off", TLS ", 'faults': [{'at': 'STARTTLS', 'reply': '454 4.7.0 not now'}]",
     STARTTLS, NULL, 1, "-", "server said: 454 4.7.0 not now", 0, 0},
    {"words put in before TLS",
     TLS ", 'faults': [{'at': 'STARTTLS', 'reply': '220 go\\r\\n250-PIPELINING\\r\\n250 x'}]", STARTTLS, NULL,
     1, "-", "Weird server reply", 0, 0},
    {"certificate for another name", TLS ", 'certificate': 'wrong_name'", STARTTLS, NULL, 1, "-",
     "certificate subject name", 0, 0},
    {"certificate for another name, implicit TLS", TLS_IMPLICIT ", 'certificate': 'wrong_name'", IMPLICIT,
     NULL, 1, "-", "127.0.0.1:", 0, 0},
    {"nothing newer than TLS 1.1", TLS_IMPLICIT ", 'tls_max': '1.1'", IMPLICIT, NULL, 1, "-", "127.0.0.1:", 0,
     0},
    {"wrong password", TLS ", 'auth': {'user': 'fristd', 'password': 'andet'}", STARTTLS, "fristd", 1, "-",
     "server said: 535 5.7.8 no, ***", 0, 0},
    {"wrong password, QUIT would never be answered",
     TLS ", 'auth': {'user': 'fristd', 'password': 'andet'}, 'faults': [{'at': 'QUIT', 'silent': true}]",
     STARTTLS, "fristd", 1, "-", "server said: 535 5.7.8 no, ***", 0, 0},
    {"AUTH put off", TLS ", " AUTH "}, 'faults': [{'at': 'AUTH', 'reply': '454 4.7.0 later'}]", STARTTLS,
     "fristd", 1, "-", "server said: 454 4.7.0 later", 0, 0},
    {"AUTH not offered", TLS, STARTTLS, "fristd", 1, "-", "offers neither AUTH PLAIN nor AUTH LOGIN", 0, 0},
    {"no mechanism in common", TLS ", " AUTH ", 'mechanisms': ['CRAM-MD5', 'GSSAPI']}", STARTTLS, "fristd", 1,
     "-", "offers neither AUTH PLAIN nor AUTH LOGIN", 0, 0},
    {"AUTH required and we have none", TLS ", " AUTH "}", STARTTLS, NULL, 1, "again 530 all", NULL, 0, 0},

    // ---- the session ends in the middle ----
    {"421 to MAIL",
     "'faults': [{'at': 'MAIL', 'after': 1, 'reply': '421 4.3.2 going down', 'then_drop': true}]", PLAIN,
     NULL, 3, "sent 250, again 421 all, again 421 all", "reply to MAIL: 421 4.3.2 going down", 0, 0},
    {"421 to the dot", "'faults': [{'at': 'DOT', 'reply': '421 4.3.2 going down', 'then_drop': true}]", PLAIN,
     NULL, 2, "again 421 all, again 421 all", "reply to the message: 421 4.3.2 going down", 0, 0},
    {"hangs up at MAIL", "'faults': [{'at': 'MAIL', 'drop': true}]", PLAIN, NULL, 1, "again 0 all", "closed",
     0, 0},
    {"hangs up at RCPT", TLS ", 'faults': [{'at': 'RCPT', 'drop': true}]", STARTTLS, NULL, 1, "again 0 all",
     "", 0, 0},
    {"hangs up at DATA", "'faults': [{'at': 'DATA', 'drop': true}]", PLAIN, NULL, 1, "again 0 all", "closed",
     0, 0},
    {"hangs up after the dot: not known", "'faults': [{'at': 'DOT', 'drop': true}]", PLAIN, NULL, 2,
     "again 0 all unknown, again 0 all", "", 0, 0},
    {"resets after the dot: not known", TLS ", 'faults': [{'at': 'DOT', 'drop': 'reset'}]", STARTTLS, NULL, 2,
     "again 0 all unknown, again 0 all", "", 0, 0},
    {"hangs up after its 250", "'faults': [{'at': 'DOT', 'then_drop': true}]", PLAIN, NULL, 1, "sent 250",
     NULL, 0, 0},
    {"silent after MAIL", "'faults': [{'at': 'MAIL', 'silent': true}]", PLAIN, NULL, 1, "again 0 all",
     "no answer for too long", 0, 200},
    {"silent after the dot: not known", "'faults': [{'at': 'DOT', 'silent': true}]", PLAIN, NULL, 2,
     "again 0 all unknown, again 0 all", "no answer for too long", 0, 100},
    {"a reply after its time is nobody's", "'faults': [{'at': 'DOT', 'delay': 0.9}]", PLAIN, NULL, 2,
     "again 0 all unknown, again 0 all", "no answer for too long", 0, 100},
    {"garbage to RCPT", "'faults': [{'at': 'RCPT', 'reply': 'whatever'}]", PLAIN, NULL, 1, "again 0 all",
     "not SMTP", 0, 0},
    {"garbage to the dot: not known", "'faults': [{'at': 'DOT', 'reply': 'whatever'}]", PLAIN, NULL, 1,
     "again 0 all unknown", "not SMTP", 0, 0},
    {"two replies to one command", "'faults': [{'at': 'MAIL', 'reply': '250 one\\r\\n250 two'}]", PLAIN, NULL,
     1, "again 250 all", "makes no sense", 0, 0},
    {"RSET refused",
     "'faults': [{'at': 'RCPT', 'times': 1, 'reply': '550 5.1.1 no'}, {'at': 'RSET', 'reply': '500 what?'}]",
     PLAIN, NULL, 2, "refused 550, again 500 all", "reply to RSET: 500", 0, 0},
};

struct run {
    uv_loop_t loop;
    struct smtp_session *session;
    struct smtp_transaction messages[MESSAGES_MAX];
    char to[MESSAGES_MAX][32], outcome[MESSAGES_MAX][64];
    int count, given, ended;
    bool inside; // a call of ours: no callback may come
    bool opened, closed, failed;
    struct mail_outcome why;
    const char *body;
    size_t body_length;
};

static void give_more(struct run *run)
{
    run->inside = true;
    while (run->given < run->count && smtp_room(run->session) > 0)
        smtp_give(run->session, &run->messages[run->given++]);
    if (run->given == run->count)
        smtp_quit(run->session);
    run->inside = false;
}

static void on_open(void *data)
{
    struct run *run = data;
    assert_false(run->inside || run->opened || run->closed);
    run->opened = true;
    give_more(run);
}

static void on_closed(void *data, const struct mail_outcome *why)
{
    struct run *run = data;
    assert_false(run->inside || run->closed);
    assert_int_equal(run->ended, run->given);
    run->closed = true;
    run->failed = why != NULL;
    if (why)
        run->why = *why;
}

static void on_done(struct smtp_transaction *transaction, const struct mail_outcome *outcome)
{
    static const char *const results[] = {"sent", "again", "refused", "stopped"};
    struct run *run = transaction->data;
    char *text = run->outcome[transaction - run->messages];
    assert_false(run->inside);
    assert_string_equal(text, "");
    snprintf(text, sizeof run->outcome[0], "%s %d%s%s", results[outcome->result], outcome->reply_code,
             outcome->server_fault ? " all" : "", strstr(outcome->reason, "not known") ? " unknown" : "");
    run->ended++;
    give_more(run);
}

static bool is_closed(void *data)
{
    return ((struct run *)data)->closed;
}

static bool is_opened(void *data)
{
    return ((struct run *)data)->opened;
}

static void start(struct run *run, int messages)
{
    memset(run, 0, sizeof *run);
    uv_loop_init(&run->loop);
    run->count = messages;
    run->body = BODY;
    run->body_length = strlen(BODY);
    for (int i = 0; i < messages; i++)
        snprintf(run->to[i], sizeof run->to[i], "%d@by.example", i + 1);
}

static void open_session(struct run *run, const struct smtp_options *options)
{
    static const struct smtp_session_events events = {on_open, on_closed};
    for (int i = 0; i < run->count; i++)
        run->messages[i] = (struct smtp_transaction){.data = run,
                                                     .from = "frist@kommune.example",
                                                     .to = run->to[i],
                                                     .bytes = run->body,
                                                     .length = run->body_length,
                                                     .on_done = on_done};
    run->inside = true;
    run->session = smtp_open(&run->loop, options, &events, run);
    run->inside = false;
}

static void stop(struct run *run)
{
    assert_int_equal(uv_run(&run->loop, UV_RUN_DEFAULT), 0); // nothing is left behind
    assert_int_equal(uv_loop_close(&run->loop), 0);
}

static struct smtp_options options_for(struct fake_smtp *fake, int port, enum smtp_tls tls)
{
    return (struct smtp_options){.host = "127.0.0.1",
                                 .port = port,
                                 .tls = tls,
                                 .ca_file = fake_smtp_ca_file(fake),
                                 .password = "hemmelig",
                                 .hello = "fristd.kommune.example"};
}

static void check_outcomes(const struct run *run, const struct scene *scene)
{
    struct buffer outcomes = {0};
    for (int i = 0; i < run->count; i++)
        buffer_format(&outcomes, "%s%s", i > 0 ? ", " : "", run->outcome[i][0] ? run->outcome[i] : "-");
    assert_string_equal(outcomes.data, scene->outcomes);
    buffer_done(&outcomes);
    if (run->failed != (scene->why != NULL) || (scene->why && !strstr(run->why.reason, scene->why)))
        fail_msg("ended with: %s", run->failed ? run->why.reason : "(as it should)");
    assert_true(!run->failed || (run->why.result == MAIL_TRY_AGAIN && run->why.server_fault));
}

// A tick that must go on whatever the server does.
struct ticking {
    uv_timer_t timer;
    int ticks;
};

static void on_tick(uv_timer_t *timer)
{
    ((struct ticking *)timer->data)->ticks++;
}

static void play(struct fake_smtp *fake, const struct scene *scene)
{
    struct run run;
    struct ticking ticking = {0};
    int port = fake_smtp_listen(fake, scene->behaviour);
    struct smtp_options options = options_for(fake, port, scene->tls);
    options.user = scene->user;
    options.connect_timeout_ms = scene->connect_timeout_ms;
    options.reply_timeout_ms = scene->reply_timeout_ms;
    start(&run, scene->messages);
    uv_timer_init(&run.loop, &ticking.timer);
    ticking.timer.data = &ticking;
    uv_timer_start(&ticking.timer, on_tick, 5, 5);
    open_session(&run, &options);
    loop_until(&run.loop, is_closed, &run);
    if (scene->connect_timeout_ms || scene->reply_timeout_ms || strstr(scene->behaviour, "delay"))
        assert_true(ticking.ticks >= 10); // the server was silent, the loop was not
    uv_close((uv_handle_t *)&ticking.timer, NULL);
    check_outcomes(&run, scene);
    stop(&run);

    json_t *report = fake_smtp_report(fake, port);
    int sent = 0;
    for (const char *at = scene->outcomes; (at = strstr(at, "sent")) != NULL; at++)
        sent++;
    if (!strstr(scene->outcomes, "unknown"))
        assert_int_equal(json_array_size(json_object_get(report, "messages")), sent);
    assert_int_equal(json_array_size(json_object_get(report, "out_of_turn")), 0);
    assert_true(json_integer_value(json_object_get(report, "connections")) <= 1); // 0: TLS did not come about
    if (scene->why == NULL)                                                       // we take our leave
        assert_true(json_integer_value(json_object_get(report, "quits")) == 1 ||
                    strstr(scene->behaviour, "then_drop"));
    json_decref(report);
}

static void test_scenes(void **state)
{
    for (size_t i = 0; i < sizeof scenes / sizeof scenes[0]; i++) {
        print_message("  %s\n", scenes[i].name);
        play(*state, &scenes[i]);
    }
}

// ---- faults by countdown on what we call of libcurl ----

enum fault_kind { FAULT_NONE, FAULT_ERROR, FAULT_AGAIN, FAULT_SHORT };

static struct {
    enum fault_kind kind;
    int countdown, calls; // from that call on, so many
    bool struck;
} send_fault, recv_fault;

static enum fault_kind strike(typeof(send_fault) *fault)
{
    if (fault->kind == FAULT_NONE || --fault->countdown > 0 || fault->calls == 0)
        return FAULT_NONE;
    fault->calls--;
    fault->struck = true;
    return fault->kind;
}

// These stand in front of the library's.
CURLcode curl_easy_send(CURL *curl, const void *buffer, size_t length, size_t *n)
{
    CURLcode (*real)(CURL *, const void *, size_t, size_t *) = dlsym(RTLD_NEXT, "curl_easy_send");
    switch (strike(&send_fault)) {
    case FAULT_ERROR:
        return CURLE_SEND_ERROR;
    case FAULT_AGAIN:
        return CURLE_AGAIN;
    case FAULT_SHORT:
        return real(curl, buffer, 1, n);
    case FAULT_NONE:
        break;
    }
    return real(curl, buffer, length, n);
}

CURLcode curl_easy_recv(CURL *curl, void *buffer, size_t length, size_t *n)
{
    CURLcode (*real)(CURL *, void *, size_t, size_t *) = dlsym(RTLD_NEXT, "curl_easy_recv");
    switch (strike(&recv_fault)) {
    case FAULT_ERROR:
        return CURLE_RECV_ERROR;
    case FAULT_AGAIN:
        return CURLE_AGAIN;
    case FAULT_SHORT:
        return real(curl, buffer, 1, n);
    case FAULT_NONE:
        break;
    }
    return real(curl, buffer, length, n);
}

static bool server_has(json_t *report, const char *recipient)
{
    size_t i;
    json_t *message;
    json_array_foreach(json_object_get(report, "messages"), i, message)
    {
        if (strstr(json_string_value(json_object_get(message, "recipient")), recipient))
            return true;
    }
    return false;
}

// Fails the n-th call, for every n until there is none; what is said to be sent must be there, and after a
// loss at most one message is in doubt.
static void fail_each_call(struct fake_smtp *fake, typeof(send_fault) *fault, enum fault_kind kind, int calls,
                           const char *behaviour, enum smtp_tls tls)
{
    for (int n = 1;; n++) {
        struct run run;
        int port = fake_smtp_listen(fake, behaviour), unknown = 0, sent = 0;
        struct smtp_options options = options_for(fake, port, tls);
        start(&run, 4);
        *fault = (typeof(*fault)){kind, n, calls, false};
        open_session(&run, &options);
        loop_until(&run.loop, is_closed, &run);
        bool struck = fault->struck;
        fault->kind = FAULT_NONE;
        stop(&run);
        json_t *report = fake_smtp_report(fake, port);
        for (int i = 0; i < run.given; i++) {
            assert_string_not_equal(run.outcome[i], "");
            if (strcmp(run.outcome[i], "sent 250") == 0) {
                assert_true(server_has(report, run.to[i]));
                sent++;
            }
            unknown += strstr(run.outcome[i], "unknown") != NULL;
        }
        assert_true(unknown <= 1);
        if (kind != FAULT_ERROR)
            assert_int_equal(sent, 4);
        json_decref(report);
        if (!struck) {
            assert_int_equal(sent, 4);
            assert_true(n > 4);
            return;
        }
        assert_true(n < 1000);
    }
}

static void test_each_send_and_receive_fails(void **state)
{
    static const struct {
        const char *behaviour;
        enum smtp_tls tls;
    } servers[] = {{"", PLAIN}, {TLS, STARTTLS}, {"'pipelining': false", PLAIN}};
    for (size_t i = 0; i < sizeof servers / sizeof servers[0]; i++)
        for (int receiving = 0; receiving <= 1; receiving++) {
            typeof(send_fault) *fault = receiving ? &recv_fault : &send_fault;
            fail_each_call(*state, fault, FAULT_ERROR, 1, servers[i].behaviour, servers[i].tls);
            fail_each_call(*state, fault, FAULT_AGAIN, 1, servers[i].behaviour, servers[i].tls);
            fail_each_call(*state, fault, FAULT_SHORT, 3, servers[i].behaviour, servers[i].tls);
        }
}

static void test_byte_by_byte(void **state)
{
    struct run run;
    int port = fake_smtp_listen(*state, TLS);
    struct smtp_options options = options_for(*state, port, STARTTLS);
    start(&run, 3);
    send_fault = recv_fault = (typeof(send_fault)){FAULT_SHORT, 1, 1 << 20, false};
    open_session(&run, &options);
    loop_until(&run.loop, is_closed, &run);
    send_fault.kind = recv_fault.kind = FAULT_NONE;
    assert_false(run.failed);
    assert_int_equal(fake_smtp_count(*state, port, "messages"), 3);
    stop(&run);
}

// ---- large messages ----

#define LARGE (20 * 1024 * 1024)

// Dense lines with dots at their beginnings, stuffed as core/message.h does it, and the digest of what must
// arrive.
static char *large_body(size_t *ret_length, char digest[65])
{
    struct buffer sent = {0};
    unsigned char hash[32];
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_DigestInit_ex(context, EVP_sha256(), NULL);
    for (unsigned i = 0; sent.length < LARGE; i++) {
        char line[100];
        int length = snprintf(line, sizeof line, "%s%08x%0*d\r\n", i % 3 ? "" : ".", i * 2654435761u,
                              (int)(i % 70 + 1), 0);
        EVP_DigestUpdate(context, line, (size_t)length);
        if (line[0] == '.')
            buffer_add_char(&sent, '.');
        buffer_add(&sent, line, (size_t)length);
    }
    EVP_DigestFinal_ex(context, hash, NULL);
    EVP_MD_CTX_free(context);
    for (int i = 0; i < 32; i++)
        snprintf(digest + 2 * i, 3, "%02x", hash[i]);
    *ret_length = sent.length;
    return sent.data;
}

static void send_large(struct fake_smtp *fake, const char *behaviour, enum smtp_tls tls)
{
    struct run run;
    char digest[65];
    int port = fake_smtp_listen(fake, behaviour);
    struct smtp_options options = options_for(fake, port, tls);
    start(&run, 2);
    char *body = large_body(&run.body_length, digest);
    run.body = body;
    open_session(&run, &options);
    loop_until(&run.loop, is_closed, &run);
    assert_string_equal(run.outcome[0], "sent 250");
    assert_string_equal(run.outcome[1], "sent 250");
    stop(&run);
    json_t *report = fake_smtp_report(fake, port), *messages = json_object_get(report, "messages");
    assert_int_equal(json_array_size(messages), 2);
    for (size_t i = 0; i < 2; i++)
        assert_string_equal(json_string_value(json_object_get(json_array_get(messages, i), "sha256")),
                            digest);
    json_decref(report);
    free(body);
}

static void test_twenty_megabytes(void **state)
{
    send_large(*state, "", PLAIN);
    send_large(*state, TLS, STARTTLS);
}

static void test_trouble_amid_a_large_message(void **state)
{
    static const struct scene trouble[] = {
        {"the server reads no further", "'faults': [{'at': 'BODY', 'silent': true}]", PLAIN, NULL, 1,
         "again 0 all", "no answer for too long", 0, 200},
        {"the server reads no further, TLS", TLS ", 'faults': [{'at': 'BODY', 'silent': true}]", STARTTLS,
         NULL, 1, "again 0 all", "no answer for too long", 0, 200},
        {"the server hangs up", "'faults': [{'at': 'BODY', 'drop': 'reset'}]", PLAIN, NULL, 1, "again 0 all",
         "", 0, 0},
    };
    char digest[65];
    size_t length;
    char *body = large_body(&length, digest);
    for (size_t i = 0; i < sizeof trouble / sizeof trouble[0]; i++) {
        struct run run;
        int port = fake_smtp_listen(*state, trouble[i].behaviour);
        struct smtp_options options = options_for(*state, port, trouble[i].tls);
        options.reply_timeout_ms = trouble[i].reply_timeout_ms;
        start(&run, 1);
        run.body = body;
        run.body_length = length;
        open_session(&run, &options);
        loop_until(&run.loop, is_closed, &run);
        check_outcomes(&run, &trouble[i]);
        stop(&run);
    }
    free(body);
}

// ---- names and addresses ----

static void test_servers_that_are_not_there(void **state)
{
    static const struct {
        const char *host, *why, *or_why;
    } cases[] = {
        {"127.0.0.1", "refused", "connect"},
        {"::1", "refused", "connect"},
        {"does-not-exist.invalid", "resolve", "looking up the name"},
        {"no host at all", "URL", "URL"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct run run;
        struct smtp_options options = options_for(*state, 1, PLAIN);
        options.host = cases[i].host;
        options.connect_timeout_ms = 500;
        start(&run, 1);
        open_session(&run, &options);
        loop_until(&run.loop, is_closed, &run);
        assert_true(run.failed && run.given == 0);
        if (!strstr(run.why.reason, cases[i].why) && !strstr(run.why.reason, cases[i].or_why))
            fail_msg("%s", run.why.reason);
        stop(&run);
    }
}

// The name has an IPv6 address, too, where nobody listens.
static void test_the_second_address_answers(void **state)
{
    struct run run;
    int port = fake_smtp_listen(*state, TLS);
    struct smtp_options options = options_for(*state, port, STARTTLS);
    options.host = "localhost";
    start(&run, 1);
    open_session(&run, &options);
    loop_until(&run.loop, is_closed, &run);
    assert_string_equal(run.outcome[0], "sent 250");
    stop(&run);
}

static void test_an_unknown_authority_is_not_trusted(void **state)
{
    static const char *const files[] = {NULL, "/does/not/exist.pem"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct run run;
        int port = fake_smtp_listen(*state, TLS);
        struct smtp_options options = options_for(*state, port, STARTTLS);
        options.ca_file = files[i];
        start(&run, 1);
        open_session(&run, &options);
        loop_until(&run.loop, is_closed, &run);
        assert_true(run.failed && !run.opened);
        assert_non_null(strstr(run.why.reason, "certificate"));
        stop(&run);
    }
}

// ---- ending it ----

static void test_abort_while_connecting(void **state)
{
    for (int turns = 0; turns < 12; turns++) {
        struct run run;
        int port = fake_smtp_listen(*state, TLS);
        struct smtp_options options = options_for(*state, port, STARTTLS);
        struct mail_outcome why = {.result = MAIL_STOPPED, .reason = "stopped"};
        start(&run, 0);
        run.count = 1; // so that it does not quit by itself
        open_session(&run, &options);
        for (int i = 0; i < turns && !run.opened; i++)
            uv_run(&run.loop, UV_RUN_ONCE);
        smtp_abort(run.session, &why);
        smtp_abort(run.session, &why); // twice is fine
        loop_until(&run.loop, is_closed, &run);
        assert_true(run.failed);
        stop(&run);
    }
}

static void test_abort_with_messages_in_flight(void **state)
{
    static const struct {
        const char *behaviour, *outcome;
    } cases[] = {
        {"'faults': [{'at': 'MAIL', 'silent': true}]", "stopped 0"},
        {"'faults': [{'at': 'DATA', 'silent': true}]", "stopped 0"},
        {"'faults': [{'at': 'DOT', 'silent': true}]", "again 0 unknown"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct run run;
        int port = fake_smtp_listen(*state, cases[i].behaviour);
        struct smtp_options options = options_for(*state, port, PLAIN);
        struct mail_outcome why = {.result = MAIL_STOPPED, .reason = "stopped"};
        start(&run, 1);
        open_session(&run, &options);
        loop_until(&run.loop, is_opened, &run);
        while (fake_smtp_count(*state, port, "faults_met") == 0)
            assert_false(loop_until_ms(&run.loop, is_closed, &run, 10));
        assert_false(loop_until_ms(&run.loop, is_closed, &run, 100)); // nothing comes of itself
        smtp_abort(run.session, &why);
        assert_string_equal(run.outcome[0], cases[i].outcome); // inside the call
        loop_until(&run.loop, is_closed, &run);
        stop(&run);
    }
}

static void test_quit_before_it_was_open(void **state)
{
    struct run run;
    int port = fake_smtp_listen(*state, "");
    struct smtp_options options = options_for(*state, port, PLAIN);
    start(&run, 0);
    open_session(&run, &options);
    smtp_quit(run.session);
    assert_false(run.closed);
    loop_until(&run.loop, is_closed, &run);
    assert_false(run.failed);
    stop(&run);
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
        cmocka_unit_test(test_scenes),
        cmocka_unit_test(test_each_send_and_receive_fails),
        cmocka_unit_test(test_byte_by_byte),
        cmocka_unit_test(test_twenty_megabytes),
        cmocka_unit_test(test_trouble_amid_a_large_message),
        cmocka_unit_test(test_servers_that_are_not_there),
        cmocka_unit_test(test_the_second_address_answers),
        cmocka_unit_test(test_an_unknown_authority_is_not_trusted),
        cmocka_unit_test(test_abort_while_connecting),
        cmocka_unit_test(test_abort_with_messages_in_flight),
        cmocka_unit_test(test_quit_before_it_was_open),
    };
    signal(SIGPIPE, SIG_IGN); // as the daemon does
    return cmocka_run_group_tests(tests, start_fake, stop_fake);
}
