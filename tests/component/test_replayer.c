// SPDX-License-Identifier: MPL-2.0
// Asking for events again, over a real broker: a publisher with a store in memory answers.
#include "shell/publisher.h"

#include "support/copenhagen.h"
#include "support/loop.h"
#include "support/memory_store.h"
#include "support/mosquitto_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static struct zone *zone;
static struct mosquitto_server server;

#define REPLIES_MAX 30000

struct fixture {
    uv_loop_t loop;
    struct memory_store store;
    struct publisher *publisher;
    struct mosquitto_subscriber subscriber;
    char site[32];
    int version;
    bool closed, earlier_runs; // their requests count, too
    int64_t live;              // the newest event
    // Replies.
    int64_t replied[REPLIES_MAX]; // sequences
    int reply_count, ends, refusals;
    char last[4000]; // the last end or refusal
    char topic[200];
    int64_t live_when_ended;
    int64_t expected_live; // to wait for
    int expected_ends;
};

static int64_t number_after(const char *payload, const char *key)
{
    const char *at = strstr(payload, key);
    return at ? strtoll(at + strlen(key), NULL, 10) : -1;
}

static void on_reply(struct fixture *f, const char *payload)
{
    if (strstr(payload, "dk.fristd.replay.") == NULL) {
        assert_in_range(f->reply_count, 0, REPLIES_MAX - 1);
        f->replied[f->reply_count++] = number_after(payload, "\"sequence\":\"");
        return;
    }
    f->ends++;
    f->refusals += strstr(payload, "replay.refused") != NULL;
    f->live_when_ended = f->live;
    snprintf(f->last, sizeof f->last, "%s", payload);
}

static void on_message(void *data, const char *topic, bool retained, const char *content_type,
                       const char *payload)
{
    struct fixture *f = data;
    if (strstr(topic, "/reply/")) {
        assert_false(retained);
        assert_string_equal(content_type, f->version == 5 ? EVENT_CONTENT_TYPE : "");
        snprintf(f->topic, sizeof f->topic, "%s", topic);
        on_reply(f, payload);
    } else if (strstr(topic, "/event/")) {
        f->live = number_after(payload, "\"sequence\":\"");
    }
}

static bool is_swept(void *data)
{
    return publisher_status(((struct fixture *)data)->publisher).sweeps > 0;
}

static bool is_live(void *data)
{
    struct fixture *f = data;
    return f->live == f->expected_live && f->store.published == f->expected_live;
}

static bool has_ended(void *data)
{
    struct fixture *f = data;
    return f->ends == f->expected_ends;
}

static void wake(struct fixture *f, int64_t last)
{
    f->store.last = f->expected_live = last;
    publisher_wake(f->publisher);
}

static struct fixture *start(int version, int64_t last)
{
    static int fixtures;
    struct fixture *f = memory_alloc(sizeof *f);
    snprintf(f->site, sizeof f->site, "gentag-%d", ++fixtures);
    f->version = version;
    uv_loop_init(&f->loop);
    f->store.site = f->site;
    memory_store_start(&f->store, &f->loop);
    struct mqtt_options options = {.host = "127.0.0.1",
                                   .port = server.port,
                                   .version = version,
                                   .user = MOSQUITTO_SERVER_USER,
                                   .password = MOSQUITTO_SERVER_PASSWORD,
                                   .retry_first_ms = 20,
                                   .retry_max_ms = 100};
    struct event_site site = {.site = f->site, .zone = zone};
    char filter[64];
    snprintf(filter, sizeof filter, "fristd/v1/%s/#", f->site);
    f->subscriber = (struct mosquitto_subscriber){.on_message = on_message, .data = f};
    mosquitto_subscriber_start(&f->subscriber, &f->loop, &server, filter);
    f->publisher = publisher_new(&f->loop, &options, &site, "5f01", &memory_store, &f->store);
    publisher_start(f->publisher);
    wake(f, last);
    loop_until(&f->loop, is_live, f);
    loop_until(&f->loop, is_swept, f); // the store is asked by nobody else any more
    return f;
}

static bool is_closed(void *data)
{
    return ((struct fixture *)data)->closed;
}

static void on_closed(void *data)
{
    ((struct fixture *)data)->closed = true;
}

static void finish(struct fixture *f)
{
    struct replayer_counts counts = publisher_status(f->publisher).requests;
    f->store.fail_at = 0;
    publisher_close(f->publisher, 10000, on_closed, f);
    loop_until(&f->loop, is_closed, f);
    char expected[80] = "";
    if (counts.requests > 0)
        snprintf(expected, sizeof expected, "%lld %lld %lld", (long long)counts.served,
                 (long long)counts.refused, (long long)counts.ignored);
    if (!f->earlier_runs)
        assert_string_equal(f->store.requests, expected);
    mosquitto_subscriber_stop(&f->subscriber);
    memory_store_stop(&f->store);
    assert_int_equal(uv_run(&f->loop, UV_RUN_NOWAIT), 0);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    free(f);
}

static void send_as(struct fixture *f, const char *requester, const char *payload, bool retain)
{
    char topic[300];
    snprintf(topic, sizeof topic, "fristd/v1/%s/request/events/%s", f->site, requester);
    mosquitto_server_publish(&server, topic, payload, retain);
}

static void ask(struct fixture *f, const char *payload)
{
    send_as(f, "esdh", payload, false);
    f->expected_ends++;
}

static void wait_answer(struct fixture *f)
{
    loop_until(&f->loop, has_ended, f);
}

// The answers since the last call are these numbers in order.
static void assert_replied(struct fixture *f, int64_t from, int64_t to)
{
    assert_int_equal(f->reply_count, to - from + 1);
    for (int64_t number = from; number <= to; number++)
        assert_int_equal(f->replied[number - from], number);
    f->reply_count = 0;
}

static void assert_end(struct fixture *f, const char *words)
{
    if (strstr(f->last, words) == NULL)
        fail_msg("%s\nis not in\n%s", words, f->last);
}

static void sends_again(void **state)
{
    (void)state;
    for (int version = 4; version <= 5; version++) {
        struct fixture *f = start(version, 1000);
        ask(f, "{\"from\":1,\"to\":1,\"correlation\":\"a\"}");
        wait_answer(f);
        assert_replied(f, 1, 1);
        assert_end(
            f, "\"data\":{\"from\":1,\"to\":1,\"sent\":1,\"next\":null,\"last\":1000,\"correlation\":\"a\"}");
        ask(f, "{\"from\":\"0000000000000000100\",\"to\":450}"); // some pages
        wait_answer(f);
        assert_replied(f, 100, 450);
        ask(f, "{\"from\":990,\"to\":2000}"); // what is above comes by itself
        wait_answer(f);
        assert_replied(f, 990, 1000);
        assert_end(f, "\"to\":1000,\"sent\":11,\"next\":null,\"last\":1000,\"correlation\":null}");
        ask(f, "{\"from\":1001}");
        wait_answer(f);
        assert_int_equal(f->reply_count, 0);
        assert_end(f, "\"from\":1001,\"to\":1000,\"sent\":0,\"next\":null,\"last\":1000");
        ask(f, "{\"from\":9223372036854775807}");
        wait_answer(f);
        assert_end(f, "\"to\":9223372036854775806,\"sent\":0,\"next\":null");
        char topic[100];
        snprintf(topic, sizeof topic, "fristd/v1/%s/reply/esdh", f->site);
        assert_string_equal(f->topic, topic);
        struct replayer_counts counts = publisher_status(f->publisher).requests;
        assert_int_equal(counts.requests, 5);
        assert_int_equal(counts.served, 5);
        assert_int_equal(counts.refused + counts.ignored, 0);
        assert_int_equal(counts.events, 1 + 351 + 11);
        finish(f);
    }
}

static void goes_on_where_an_answer_ends(void **state)
{
    (void)state;
    struct fixture *f = start(5, 12000);
    ask(f, "{\"from\":1}");
    wait_answer(f);
    assert_replied(f, 1, 10000);
    assert_end(f, "\"to\":10000,\"sent\":10000,\"next\":10001,\"last\":12000");
    ask(f, "{\"from\":10001}");
    wait_answer(f);
    assert_replied(f, 10001, 12000);
    assert_end(f, "\"next\":null");
    finish(f);
}

static void live_traffic_goes_first(void **state)
{
    (void)state;
    struct fixture *f = start(5, 10000);
    ask(f, "{\"from\":1}");
    wake(f, 30000);
    loop_until(&f->loop, is_live, f);
    wait_answer(f);
    assert_replied(f, 1, 10000);
    // Of twenty thousand live ones far the most were there before the ten thousand old ones.
    assert_true(f->live_when_ended > 10000 + 15000);
    finish(f);
}

static void refuses_what_is_no_request(void **state)
{
    (void)state;
    static const struct {
        const char *payload, *words;
    } cases[] = {
        {"garbage", "\"reason\":\"not_json\""},
        {"\xff\xfe", "\"reason\":\"not_utf8\""},
        {"{\"from\":1,\"to\":1000000}", "\"reason\":\"too_many\""},
        {"{\"from\":\"x\",\"correlation\":\"7\"}", "\"correlation\":\"7\"}"},
    };
    struct fixture *f = start(5, 100);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ask(f, cases[i].payload);
        wait_answer(f);
        assert_end(f, "\"type\":\"dk.fristd.replay.refused.v1\"");
        assert_end(f, cases[i].words);
    }
    assert_int_equal(publisher_status(f->publisher).requests.refused, 4);
    // Nobody could be answered, or it is not for now.
    send_as(f, "en anden", "{\"from\":1}", false);
    send_as(f, "æ", "{\"from\":1}", false);
    mosquitto_server_publish(&server, "fristd/v1/gentag/request/events/x", "{\"from\":1}", false); // not ours
    ask(f, "{\"from\":1,\"to\":1}");
    wait_answer(f);
    assert_int_equal(publisher_status(f->publisher).requests.ignored, 2);
    finish(f);
}

static bool has_come_back(void *data)
{
    struct fixture *f = data;
    return publisher_status(f->publisher).requests.ignored == 1;
}

static void a_retained_request_is_not_served_again_and_again(void **state)
{
    (void)state;
    struct fixture *f = start(4, 100); // MQTT 3.1.1: what is retained comes with each subscription
    send_as(f, "esdh", "{\"from\":1,\"to\":2}", true);
    f->expected_ends++;
    wait_answer(f);
    assert_replied(f, 1, 2);
    mosquitto_subscriber_stop(&f->subscriber);
    publisher_close(f->publisher, 10000, on_closed, f);
    loop_until(&f->loop, is_closed, f);
    struct mqtt_options options = {.host = "127.0.0.1",
                                   .port = server.port,
                                   .version = 4,
                                   .user = MOSQUITTO_SERVER_USER,
                                   .password = MOSQUITTO_SERVER_PASSWORD,
                                   .retry_first_ms = 20};
    struct event_site site = {.site = f->site, .zone = zone};
    f->closed = false;
    f->publisher = publisher_new(&f->loop, &options, &site, "5f02", &memory_store, &f->store);
    publisher_start(f->publisher);
    loop_until(&f->loop, has_come_back, f);
    assert_int_equal(publisher_status(f->publisher).requests.served, 0);
    assert_string_equal(f->store.requests, "1 0 0");
    f->earlier_runs = true;
    mosquitto_subscriber_start(&f->subscriber, &f->loop, &server, "x");
    finish(f);
}

static bool all_taken(void *data)
{
    struct fixture *f = data;
    return publisher_status(f->publisher).requests.requests == f->expected_live;
}

static void the_greedy_are_counted_only(void **state)
{
    (void)state;
    struct fixture *f = start(5, 100);
    for (int i = 0; i < 13; i++) {
        ask(f, "{\"from\":1,\"to\":2}");
        wait_answer(f);
    }
    for (int i = 0; i < 7; i++)
        send_as(f, "esdh", "{\"from\":1,\"to\":2}", false);
    f->expected_live = 20;
    loop_until(&f->loop, all_taken, f);
    assert_end(f, "\"reason\":\"too_often\"");
    struct replayer_counts counts = publisher_status(f->publisher).requests;
    assert_int_equal(counts.served, 12);
    assert_int_equal(counts.refused, 1);
    assert_int_equal(counts.ignored, 7);
    send_as(f, "bi", "{\"from\":3,\"to\":4}", false); // nobody else suffers
    f->expected_ends++;
    wait_answer(f);
    assert_end(f, "\"subject\":\"bi\"");
    assert_end(f, "\"sent\":2");
    finish(f);
}

static void few_may_wait(void **state)
{
    (void)state;
    struct fixture *f = start(5, 20000);
    for (int i = 0; i < 5; i++) // one is served, one waits
        ask(f, "{\"from\":1,\"to\":5000}");
    wait_answer(f);
    assert_int_equal(f->refusals, 3);
    assert_int_equal(f->reply_count, 10000);
    assert_int_equal(publisher_status(f->publisher).requests.served, 2);
    finish(f);
}

// A megabyte: the broker of MQTT 5 was told not to send it; 3.1.1 has no such words, it comes and is refused.
static void an_oversized_payload_does_no_harm(void **state)
{
    (void)state;
    static char large[3000 * 1000];
    memset(large, 'x', sizeof large - 1);
    for (int version = 4; version <= 5; version++) {
        struct fixture *f = start(version, 100);
        char topic[100];
        snprintf(topic, sizeof topic, "fristd/v1/%s/request/events/esdh", f->site);
        mosquitto_server_publish_bytes(&server, topic, large, sizeof large - 1);
        if (version == 4) {
            f->expected_ends++;
            wait_answer(f);
            assert_end(f, "\"reason\":\"too_large\"");
        }
        ask(f, "{\"from\":1,\"to\":1}");
        wait_answer(f);
        assert_end(f, "\"sent\":1");
        assert_int_equal(publisher_status(f->publisher).requests.requests, version == 4 ? 2 : 1);
        finish(f);
    }
}

static void says_when_the_journal_cannot_be_read(void **state)
{
    (void)state;
    struct fixture *f = start(5, 100);
    f->store.down = true;
    ask(f, "{\"from\":1}");
    wait_answer(f);
    assert_end(f, "\"reason\":\"unavailable\"");
    f->store.down = false;
    f->store.fail_at = f->store.calls + 1;
    ask(f, "{\"from\":1}");
    wait_answer(f);
    assert_end(f, "\"reason\":\"unavailable\"");
    f->store.fail_at =
        f->store.calls + 2; // amid the answer: what came is good, and there is a place to go on
    ask(f, "{\"from\":1,\"to\":100}");
    wait_answer(f);
    assert_replied(f, 1, 100);
    finish(f);

    f = start(5, 1000);
    f->store.fail_at = f->store.calls + 3;
    ask(f, "{\"from\":1,\"to\":1000}");
    wait_answer(f);
    assert_replied(f, 1, 200);
    assert_end(f, "\"to\":200,\"sent\":200,\"next\":201,\"last\":1000");
    finish(f);
}

static void forgets_with_the_connection(void **state)
{
    (void)state;
    struct fixture *f = start(5, 20000);
    send_as(f, "esdh", "{\"from\":1}", false);
    while (publisher_status(f->publisher).requests.events < 500)
        uv_run(&f->loop, UV_RUN_ONCE);
    mosquitto_subscriber_stop(&f->subscriber);
    mosquitto_server_crash(&server);
    mosquitto_server_restart(&server);
    char filter[64];
    snprintf(filter, sizeof filter, "fristd/v1/%s/#", f->site);
    mosquitto_subscriber_start(&f->subscriber, &f->loop, &server, filter);
    wake(f, 20001);
    loop_until(&f->loop, is_live, f);
    f->reply_count = 0;
    assert_int_equal(f->ends, 0);
    f->expected_ends = 0;
    ask(f, "{\"from\":20000}"); // and the next request is served as if nothing had been
    wait_answer(f);
    assert_replied(f, 20000, 20001);
    finish(f);
}

static int start_all(void **state)
{
    (void)state;
    zone = copenhagen();
    mosquitto_server_start(&server, &(struct mosquitto_server_options){.passwords = true});
    return 0;
}

static int stop_all(void **state)
{
    (void)state;
    mosquitto_server_stop(&server);
    zone_free(zone);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sends_again),
        cmocka_unit_test(goes_on_where_an_answer_ends),
        cmocka_unit_test(live_traffic_goes_first),
        cmocka_unit_test(refuses_what_is_no_request),
        cmocka_unit_test(a_retained_request_is_not_served_again_and_again),
        cmocka_unit_test(the_greedy_are_counted_only),
        cmocka_unit_test(few_may_wait),
        cmocka_unit_test(an_oversized_payload_does_no_harm),
        cmocka_unit_test(says_when_the_journal_cannot_be_read),
        cmocka_unit_test(forgets_with_the_connection),
    };
    return cmocka_run_group_tests(tests, start_all, stop_all);
}
