// SPDX-License-Identifier: MPL-2.0
#include "shell/publisher.h"

#include "support/copenhagen.h"
#include "support/loop.h"
#include "support/memory_store.h"
#include "support/mosquitto_server.h"
#include "support/tcp_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <malloc.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __SANITIZE_ADDRESS__
size_t __sanitizer_get_current_allocated_bytes(void); // its header belongs to clang
#endif

static struct zone *zone;
static struct mosquitto_server server;

// --- a publisher, its store, and what a subscriber makes of it ---

#define TRACKED     200001
#define GARBAGE_MAX 16

struct fixture {
    uv_loop_t loop;
    struct memory_store store;
    struct publisher *publisher;
    char site[32]; // its own, so that nothing of another test is on the broker
    bool closed;
    int64_t lag_reported;
    // What came over MQTT.
    struct mosquitto_subscriber subscriber;
    bool subscribed;
    int64_t newest_seen;         // sequence
    int64_t previous;            // sequence of the event before
    int events, repeats, gaps;   // repeats: sequences that had come before; gaps: skipped ones
    int restarts;                // how often the sequence went back
    unsigned char seen[TRACKED]; // times, by number
    int64_t state_of[TRACKED];   // by deadline: 0 nothing retained, else its due
    int states_set, states_cleared;
    char status[400];
    int strangers;                  // states that are nobody's deadline
    int births;                     // of this run
    char garbage[GARBAGE_MAX][120]; // topics on which it stands; "": none
    FILE *record;                   // every message as "topic TAB payload"
};

static int64_t sequence_of(const char *payload)
{
    const char *at = strstr(payload, "\"sequence\":\"");
    return at ? strtoll(at + strlen("\"sequence\":\""), NULL, 10) : -1;
}

static void take_event(struct fixture *f, const char *payload)
{
    int64_t number = sequence_of(payload);
    assert_in_range(number, 1, TRACKED - 1);
    f->events++;
    f->repeats += f->seen[number]++ > 0;
    f->gaps += number > f->newest_seen + 1;
    f->restarts += number <= f->previous;
    // Within one go it counts up by one; it only ever jumps back.
    if (number > f->previous)
        assert_int_equal(number, f->previous + 1);
    f->previous = number;
    if (number > f->newest_seen)
        f->newest_seen = number;
}

static void take_state(struct fixture *f, const char *topic, const char *payload)
{
    const char *key = strstr(topic, "/S-");
    if (key == NULL) {
        f->strangers++;
        return;
    }
    int64_t deadline = strtoll(key + 3, NULL, 10);
    assert_in_range(deadline, 1, TRACKED - 1);
    if (payload[0] == '\0')
        f->states_cleared++;
    else
        f->states_set++;
    f->state_of[deadline] = payload[0] == '\0' ? 0 : strstr(payload, "\"breached\":null") ? 1 : 2;
}

static int count_garbage(const struct fixture *f)
{
    int count = 0;
    for (int i = 0; i < GARBAGE_MAX; i++)
        count += f->garbage[i][0] != '\0';
    return count;
}

// Whether that was all about this message.
static bool take_garbage(struct fixture *f, const char *topic, const char *payload)
{
    for (int i = 0; i < GARBAGE_MAX; i++)
        if (strcmp(f->garbage[i], topic) == 0) {
            f->garbage[i][0] = '\0';
            return payload[0] == '\0';
        }
    for (int i = 0; i < GARBAGE_MAX && strcmp(payload, "garbage") == 0; i++)
        if (f->garbage[i][0] == '\0') {
            snprintf(f->garbage[i], sizeof f->garbage[i], "%s", topic);
            return true;
        }
    return false;
}

static void take_status(struct fixture *f, const char *payload)
{
    snprintf(f->status, sizeof f->status, "%s", payload);
    f->births += strstr(payload, "\"online\"") && strstr(payload, "\"boot\":\"5f01\"");
}

static void on_message(void *data, const char *topic, bool retained, const char *content_type,
                       const char *payload)
{
    struct fixture *f = data;
    bool is_event = strstr(topic, "/event/") != NULL;
    assert_int_equal(retained, !is_event);
    if (strstr(payload, "dataclassification"))
        assert_string_equal(content_type, is_event ? EVENT_CONTENT_TYPE : STATUS_CONTENT_TYPE);
    if (f->record)
        fprintf(f->record, "%s\t%s\n", topic, payload);
    if (take_garbage(f, topic, payload))
        return;
    if (is_event)
        take_event(f, payload);
    else if (strstr(topic, "/status"))
        take_status(f, payload);
    else
        take_state(f, topic, payload);
}

static void on_progress(void *data)
{
    struct fixture *f = data;
    int64_t lag = publisher_lag(f->publisher);
    assert_true(lag <= f->lag_reported || f->store.last > 0);
    f->lag_reported = lag;
}

static void on_closed(void *data)
{
    ((struct fixture *)data)->closed = true;
}

static struct mqtt_options options_for(int port)
{
    return (struct mqtt_options){.host = "127.0.0.1",
                                 .port = port,
                                 .user = MOSQUITTO_SERVER_USER,
                                 .password = MOSQUITTO_SERVER_PASSWORD,
                                 .retry_first_ms = 20,
                                 .retry_max_ms = 100};
}

static struct fixture *prepare(void)
{
    static int fixtures;
    struct fixture *f = memory_alloc(sizeof *f);
    snprintf(f->site, sizeof f->site, "eksempel-%d", ++fixtures);
    uv_loop_init(&f->loop);
    memory_store_start(&f->store, &f->loop);
    f->store.site = f->site;
    f->subscriber = (struct mosquitto_subscriber){.on_message = on_message, .data = f};
    return f;
}

static void start(struct fixture *f, int port)
{
    struct mqtt_options options = options_for(port);
    struct event_site site = {.site = f->site, .link = "https://sag.example/{case}", .zone = zone};
    f->publisher = publisher_new(&f->loop, &options, &site, "5f01", &memory_store, &f->store);
    publisher_on_progress(f->publisher, on_progress, f);
    f->closed = false;
    publisher_start(f->publisher);
}

static void subscribe(struct fixture *f, const struct mosquitto_server *to)
{
    char filter[64];
    snprintf(filter, sizeof filter, "fristd/v1/%s/#", f->site);
    mosquitto_subscriber_start(&f->subscriber, &f->loop, to, filter);
    f->subscribed = true;
}

static bool is_closed(void *data)
{
    return ((struct fixture *)data)->closed;
}

static void stop(struct fixture *f)
{
    publisher_close(f->publisher, 10000, on_closed, f);
    assert_false(f->closed);
    loop_until(&f->loop, is_closed, f);
}

static void finish(struct fixture *f)
{
    if (!f->closed)
        stop(f);
    if (f->subscribed)
        mosquitto_subscriber_stop(&f->subscriber);
    memory_store_stop(&f->store);
    assert_int_equal(uv_run(&f->loop, UV_RUN_NOWAIT), 0);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    free(f);
}

static bool all_saved(void *data)
{
    struct fixture *f = data;
    return f->store.published == f->store.last;
}
static bool all_seen(void *data)
{
    struct fixture *f = data;
    return f->newest_seen == f->store.last && f->previous == f->store.last;
}
static bool some_seen(void *data)
{
    return ((struct fixture *)data)->newest_seen > 3000;
}
static bool is_online(void *data)
{
    return strstr(((struct fixture *)data)->status, "\"online\"") != NULL;
}
static bool is_offline(void *data)
{
    return strstr(((struct fixture *)data)->status, "\"offline\"") != NULL;
}
static bool is_troubled(void *data)
{
    return publisher_status(((struct fixture *)data)->publisher).trouble != NULL;
}
static bool is_refused(void *data)
{
    const char *trouble = publisher_status(((struct fixture *)data)->publisher).trouble;
    return trouble && strstr(trouble, "is not published");
}
static bool is_up(void *data)
{
    return publisher_status(((struct fixture *)data)->publisher).up;
}

static bool states_are_right(void *data)
{
    struct fixture *f = data;
    for (int64_t deadline = 1; 3 * deadline - 2 <= f->store.last; deadline++) {
        int64_t number = memory_store_attention(deadline, f->store.last);
        enum deadline_state state = number ? memory_store_transition(&f->store, number).state : STATE_MET;
        int64_t expected = number == 0 ? 0 : state == STATE_OPEN ? 1 : 2;
        if (f->state_of[deadline] != expected)
            return false;
    }
    return true;
}

static void wake(struct fixture *f, int64_t last)
{
    f->store.last = last;
    f->lag_reported = INT64_MAX;
    publisher_wake(f->publisher);
}

// --- the stream ---

static void publishes_everything_in_order(void **state)
{
    (void)state;
    struct fixture *f = prepare();
    subscribe(f, &server);
    start(f, server.port);
    assert_int_equal(publisher_lag(f->publisher), 0);
    for (int64_t last = 1; last <= 2600; last = last < 5 ? last + 1 : last + 519) { // pages full, and not
        wake(f, last);
        assert_in_range(publisher_lag(f->publisher), 1, 520);
        loop_until(&f->loop, all_saved, f);
        assert_int_equal(publisher_lag(f->publisher), 0);
        loop_until(&f->loop, all_seen, f);
    }
    loop_until(&f->loop, states_are_right, f);
    assert_int_equal(f->events, f->store.last);
    assert_int_equal(f->repeats, 0);
    assert_int_equal(f->gaps, 0);
    assert_true(is_online(f));
    finish(f);
}

static void saves_the_watermark_now_and_then(void **state)
{
    (void)state;
    struct fixture *f = prepare();
    start(f, server.port);
    wake(f, 5000);
    loop_until(&f->loop, all_saved, f);
    assert_in_range(f->store.saves, 2, 5000 / 500 + 1);
    finish(f);
}

static void goes_on_where_the_watermark_stands(void **state)
{
    (void)state;
    struct fixture *f = prepare();
    f->store.last = 700;
    f->store.published = f->newest_seen = f->previous = 600;
    subscribe(f, &server);
    start(f, server.port);
    loop_until(&f->loop, all_seen, f);
    assert_int_equal(f->events, 100);
    loop_until(&f->loop, states_are_right, f); // those before it are announced
    finish(f);
}

static void waits_for_the_store(void **state)
{
    (void)state;
    struct fixture *f = prepare();
    f->store.down = true;
    f->store.last = 10;
    start(f, server.port);
    assert_false(
        loop_until_ms(&f->loop, is_up, f, 200)); // whoever has no store is not the one that publishes
    assert_int_equal(f->store.calls, 0);
    assert_int_equal(publisher_lag(f->publisher), 0);
    f->store.down = false;
    publisher_wake(f->publisher);
    loop_until(&f->loop, all_saved, f);
    finish(f);
}

static void survives_each_failure_of_the_store(void **state)
{
    (void)state;
    int failures = 1, n = 1;
    for (; failures > 0; n++) {
        struct fixture *f = prepare();
        f->store.fail_at = n;
        f->store.last = 3400;
        subscribe(f, &server);
        start(f, server.port);
        loop_until(&f->loop, all_saved, f);
        loop_until(&f->loop, all_seen, f);
        loop_until(&f->loop, states_are_right, f);
        assert_int_equal(f->gaps, 0);
        failures = f->store.failures;
        finish(f);
    }
    assert_in_range(n, 12, 60);
}

// --- the connection ---

static void survives_a_cut_anywhere(void **state)
{
    (void)state;
    struct {
        size_t first, step, end;
    } series[] = {{1, 41, 1500}, {1500, 9973, SIZE_MAX}}; // the last one when all has passed before the cut
    for (size_t i = 0; i < 2; i++) {
        size_t cut = series[i].first;
        for (int cuts = 1; cuts > 0 && cut < series[i].end; cut += series[i].step) {
            struct tcp_peer peer = {.forward_to = server.port, .cut_at = cut, .cut_count = 3};
            struct fixture *f = prepare();
            tcp_peer_start(&peer, &f->loop);
            f->store.last = 150;
            subscribe(f, &server);
            start(f, peer.port);
            loop_until(&f->loop, all_saved, f);
            loop_until(&f->loop, all_seen, f);
            loop_until(&f->loop, states_are_right, f);
            assert_int_equal(f->gaps, 0);
            assert_in_range(f->repeats, 0, f->restarts * MQTT_WINDOW);
            assert_in_range(f->restarts, 0, peer.cuts);
            cuts = peer.cuts;
            stop(f);
            tcp_peer_stop(&peer);
            finish(f);
        }
    }
}

static size_t live_bytes(void)
{
#ifdef __SANITIZE_ADDRESS__
    return __sanitizer_get_current_allocated_bytes();
#else
    return mallinfo2().uordblks;
#endif
}

static bool is_down_long_enough(void *data)
{
    return ((struct fixture *)data)->subscriber.closed;
}

static void keeps_everything_while_the_broker_is_away(void **state)
{
    (void)state;
    struct fixture *f = prepare();
    mosquitto_server_end(&server);
    start(f, server.port);
    f->subscriber.closed = false;
    loop_until(&f->loop, is_troubled, f);
    size_t before = live_bytes(), most = 0;
    for (int64_t last = 500; last <= 100000; last += 500) { // one by one over a day
        wake(f, last);
        uv_run(&f->loop, UV_RUN_NOWAIT);
    }
    loop_until_ms(&f->loop, is_down_long_enough, f, 500); // some tries in vain
    assert_int_equal(f->store.calls, 0);                  // nothing is read as long as nothing can be sent
    assert_int_equal(publisher_lag(f->publisher), 100000);
    assert_in_range(live_bytes(), 0, before + 65536);
    f->store.down = true; // until the subscriber is there
    mosquitto_server_restart(&server);
    subscribe(f, &server);
    f->store.down = false;
    publisher_wake(f->publisher);
    while (!all_seen(f)) {
        size_t now = live_bytes();
        most = now > most ? now : most;
        uv_run(&f->loop, UV_RUN_ONCE);
    }
    loop_until(&f->loop, all_saved, f);
    loop_until(&f->loop, states_are_right, f);
    assert_int_equal(f->events, 100000);
    assert_int_equal(f->repeats, 0);
    assert_int_equal(f->gaps, 0);
    assert_in_range(most, 0, before + 1024 * 1024); // a page, a window, the test's own lines
    finish(f);
}

static void announces_again_to_a_broker_that_has_forgotten(void **state)
{
    (void)state;
    struct fixture *f = prepare();
    f->store.last = 9000;
    start(f, server.port);
    loop_until(&f->loop, all_saved, f);
    mosquitto_server_crash(&server); // keeps nothing on disk
    mosquitto_server_restart(&server);
    static const char *const garbage[] = {"status", "deadline/K1/S-000001/U%2F17", "deadline/x"};
    for (size_t i = 0; i < sizeof garbage / sizeof garbage[0]; i++) {
        char topic[100];
        snprintf(topic, sizeof topic, "fristd/v1/%s/%s", f->site, garbage[i]);
        mosquitto_server_publish(&server, topic, "garbage", true);
    }
    subscribe(f, &server);
    loop_until(&f->loop, states_are_right, f);
    loop_until(&f->loop, is_online, f);
    assert_int_equal(f->events, 0); // what was acknowledged does not come again
    mosquitto_subscriber_stop(&f->subscriber);
    memset(f->state_of, 0, sizeof f->state_of);
    f->status[0] = '\0';
    subscribe(f, &server); // it is retained, too
    assert_true(states_are_right(f));
    assert_true(is_online(f));
    finish(f);
}

static void loses_nothing_when_the_broker_is_killed(void **state)
{
    (void)state;
    struct fixture *f = prepare();
    subscribe(f, &server);
    start(f, server.port);
    wake(f, 20000);
    loop_until(&f->loop, some_seen, f);
    mosquitto_subscriber_stop(&f->subscriber);
    mosquitto_server_crash(&server);
    mosquitto_server_restart(&server);
    loop_until(&f->loop, all_saved, f);
    // What was acknowledged in vain is the broker's loss; what stands there now is right all the same.
    memset(f->state_of, 0, sizeof f->state_of);
    f->status[0] = '\0';
    subscribe(f, &server);
    loop_until(&f->loop, states_are_right, f);
    assert_true(is_online(f));
    finish(f);
}

static bool is_cleared(void *data)
{
    return count_garbage(data) == 1; // the neighbour's stays
}

static bool all_garbage_seen(void *data)
{
    return count_garbage(data) == 6;
}

static bool ledger_is_right(void *data)
{
    const struct fixture *f = data;
    for (int64_t deadline = 1; 3 * deadline - 2 <= f->store.last; deadline++)
        if (f->store.ledger[deadline] != (memory_store_attention(deadline, f->store.last) > 0))
            return false;
    return true;
}

static const char *topic_of(const struct fixture *f, const char *rest)
{
    static char topic[200];
    snprintf(topic, sizeof topic, "fristd/v1/%s/%s", f->site, rest);
    return topic;
}

static void the_ledger_knows_what_is_retained(void **state)
{
    (void)state;
    struct fixture *f = prepare();
    subscribe(f, &server);
    start(f, server.port);
    for (int64_t last = 1; last <= 4000; last += 333) {
        wake(f, last);
        loop_until(&f->loop, all_saved, f);
        loop_until(&f->loop, ledger_is_right, f);
    }
    assert_true(memory_store_has(&f->store, topic_of(f, "status")));
    mosquitto_server_crash(&server); // again from the watermark
    mosquitto_server_restart(&server);
    wake(f, 6000);
    loop_until(&f->loop, all_saved, f);
    loop_until(&f->loop, ledger_is_right, f);
    finish(f);
}

// Topics of a site, a code and a deadline that are no more, and what somebody else has left.
static void sweeps_away_what_has_no_business_there(void **state)
{
    (void)state;
    static const char *const old[] = {"fristd/v1/gammel/status", "fristd/v1/gammel/deadline/K1/S-000002/-"};
    struct fixture *f = prepare();
    char renamed[100];
    snprintf(renamed, sizeof renamed, "%s", topic_of(f, "deadline/K99/S-000001/U%2F17"));
    for (size_t i = 0; i < 2; i++) {
        mosquitto_server_publish(&server, old[i], "garbage", true);
        memory_store_note(&f->store, old[i]);
    }
    mosquitto_server_publish(&server, renamed, "garbage", true);
    memory_store_note(&f->store, renamed);
    mosquitto_server_publish(&server, topic_of(f, "deadline/x"), "garbage", true);
    mosquitto_server_publish(&server, topic_of(f, "deadline/K2/S-000002/U%2F17"), "garbage",
                             true); // in its place
    mosquitto_server_publish(&server, "fristd/v1/nabo/deadline/x", "garbage", true);
    mosquitto_subscriber_start(&f->subscriber, &f->loop, &server, "fristd/#");
    f->subscribed = true;
    loop_until(&f->loop, all_garbage_seen, f);
    f->store.last = 900;
    start(f, server.port);
    assert_int_equal(publisher_status(f->publisher).sweeps, 0);
    loop_until(&f->loop, is_cleared, f);
    loop_until(&f->loop, states_are_right, f);
    loop_until(&f->loop, ledger_is_right, f);
    for (size_t i = 0; i < 2; i++)
        assert_false(memory_store_has(&f->store, old[i]));
    assert_false(memory_store_has(&f->store, renamed));
    mosquitto_server_publish(&server, "fristd/v1/nabo/deadline/x", NULL, true);
    finish(f);
}

static bool has_swept(void *data)
{
    return publisher_status(((struct fixture *)data)->publisher).sweeps >= 1;
}

// More than a broker queues, and than is cleared at a time.
static void clears_a_flood_of_garbage(void **state)
{
    (void)state;
    struct fixture *f = prepare();
    mosquitto_server_publish_many(&server, topic_of(f, "deadline/skrald"), 3000);
    f->store.last = 900;
    start(f, server.port);
    loop_until(&f->loop, all_saved, f);
    loop_until(&f->loop, has_swept, f);
    assert_in_range(publisher_status(f->publisher).swept.cleared, 2001, 3000);
    subscribe(f, &server); // what still stands comes now
    loop_until(&f->loop, states_are_right, f);
    loop_until(&f->loop, is_online, f);
    assert_int_equal(f->strangers, 0);
    finish(f);
}

static void announces_when_asked(void **state)
{
    (void)state;
    struct fixture *f = prepare();
    f->store.last = 3000;
    start(f, server.port);
    loop_until(&f->loop, all_saved, f);
    mosquitto_server_publish(&server, topic_of(f, "deadline/K1/S-000001/U%2F17"), "garbage", true);
    mosquitto_server_publish(&server, topic_of(f, "deadline/K0/S-000007/-"), "garbage", true);
    publisher_announce(f->publisher);
    publisher_announce(f->publisher); // amid the first one
    wake(f, 3300);
    loop_until(&f->loop, all_saved, f);
    loop_until(&f->loop, has_swept, f);
    subscribe(f, &server);
    loop_until(&f->loop, states_are_right, f);
    assert_int_equal(count_garbage(f), 0);
    finish(f);
}

static bool is_reborn(void *data)
{
    struct fixture *f = data;
    return f->births >= 2 && is_online(f);
}

static void an_old_will_does_not_hide_the_birth(void **state)
{
    (void)state;
    static const char *const payloads[] = {"{\"status\":\"offline\",\"boot\":\"4e00\",\"since\":null}",
                                           "garbage", NULL};
    for (size_t i = 0; i < sizeof payloads / sizeof payloads[0]; i++) {
        struct fixture *f = prepare();
        subscribe(f, &server);
        start(f, server.port);
        loop_until(&f->loop, is_online, f);
        mosquitto_server_publish(&server, topic_of(f, "status"), payloads[i], true);
        loop_until(&f->loop, is_reborn, f);
        assert_non_null(strstr(f->status, "\"boot\":\"5f01\""));
        finish(f);
    }
}

static void two_that_live_do_not_answer_each_other(void **state)
{
    (void)state;
    struct fixture *f = prepare();
    subscribe(f, &server);
    start(f, server.port);
    loop_until(&f->loop, is_online, f);
    mosquitto_server_publish(&server, topic_of(f, "status"), "{\"status\":\"online\",\"boot\":\"4e00\"}",
                             true);
    assert_false(loop_until_ms(&f->loop, is_reborn, f, 300));
    finish(f);
}

static void waits_for_a_slow_broker(void **state)
{
    (void)state;
    struct fixture *f = prepare();
    subscribe(f, &server);
    start(f, server.port);
    wake(f, 3001);
    loop_until(&f->loop, all_saved, f);
    mosquitto_server_freeze(&server, true);
    size_t before = live_bytes();
    for (int64_t last = 3500; last <= 50000; last += 500) {
        wake(f, last);
        uv_run(&f->loop, UV_RUN_NOWAIT);
    }
    assert_false(loop_until_ms(&f->loop, all_saved, f, 300));
    assert_in_range(publisher_lag(f->publisher), 50000 - 3001 - MQTT_WINDOW, 50000 - 3001);
    assert_in_range(live_bytes(), 0, before + 512 * 1024); // two pages
    mosquitto_server_freeze(&server, false);
    loop_until(&f->loop, all_saved, f);
    loop_until(&f->loop, all_seen, f);
    loop_until(&f->loop, states_are_right, f);
    assert_int_equal(f->repeats + f->gaps, 0);
    finish(f);
}

// --- refusals ---

static void holds_the_stream_while_the_broker_refuses(void **state)
{
    (void)state;
    struct mosquitto_server strict;
    struct fixture *f = prepare();
    char acl[1000], mended[100];
    int used = snprintf(acl, sizeof acl, "user " MOSQUITTO_SERVER_USER "\ntopic read #\ntopic read $SYS/#\n");
    static const char *const allowed[] = {"status",
                                          "deadline/#",
                                          "event/deadline.opened",
                                          "event/deadline.breached",
                                          "event/deadline.approaching",
                                          "event/deadline.escalated"};
    for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++)
        used += snprintf(acl + used, sizeof acl - (size_t)used, "topic write fristd/v1/%s/%s\n", f->site,
                         allowed[i]);
    snprintf(mended, sizeof mended, "user " MOSQUITTO_SERVER_USER "\ntopic readwrite #\n");
    mosquitto_server_start(&strict, &(struct mosquitto_server_options){.acl = acl});
    f->store.last = 1000;
    subscribe(f, &strict);
    start(f, strict.port);
    loop_until(&f->loop, is_refused, f);
    assert_non_null(strstr(publisher_status(f->publisher).trouble,
                           "transition 6 is not published: refused by the broker: not authorised"));
    int events = f->events;
    loop_until_ms(&f->loop, all_saved, f, 1000); // some tries in vain
    assert_int_equal(publisher_status(f->publisher).published, 5);
    assert_in_range(f->newest_seen, 5, 5 + MQTT_WINDOW); // those that were under way behind it
    assert_int_equal(f->seen[6], 0);
    assert_in_range(f->events, events, events + MQTT_WINDOW); // they do not come again with each try
    assert_int_equal(publisher_lag(f->publisher), 995);
    // The rights are mended.
    mosquitto_server_set_acl(&strict, mended);
    f->previous = f->newest_seen = 5;
    f->gaps = 0;
    loop_until(&f->loop, all_saved, f);
    loop_until(&f->loop, all_seen, f);
    loop_until(&f->loop, states_are_right, f);
    assert_int_equal(f->gaps, 0);
    assert_in_range(f->repeats, 0, 2 * MQTT_WINDOW);
    assert_null(publisher_status(f->publisher).trouble);
    finish(f);
    mosquitto_server_stop(&strict);
}

static void passes_over_what_can_never_be_sent(void **state)
{
    (void)state;
    struct mosquitto_server strict;
    mosquitto_server_start(&strict, &(struct mosquitto_server_options){.lines = "max_packet_size 1200"});
    struct fixture *f = prepare();
    f->store.last = 200;
    f->store.long_at = 100;
    start(f, strict.port);
    loop_until(&f->loop, is_refused, f);
    assert_non_null(strstr(publisher_status(f->publisher).trouble,
                           "transition 100 is not published: the message is larger than the broker takes"));
    loop_until(&f->loop, all_saved, f);
    assert_null(publisher_status(f->publisher).trouble);
    finish(f);
    mosquitto_server_stop(&strict);
}

// --- the end ---

static void leaves_the_status_offline(void **state)
{
    (void)state;
    struct fixture *f = prepare();
    f->store.last = 3000;
    subscribe(f, &server);
    start(f, server.port);
    loop_until(&f->loop, is_online, f);
    assert_non_null(strstr(f->status, "\"boot\":\"5f01\""));
    stop(f); // amid the stream: what is in flight is finished, and that it is written down
    loop_until(&f->loop, is_offline, f);
    assert_non_null(strstr(f->status, "\"boot\":\"5f01\""));
    assert_null(strstr(f->status, "\"since\":null"));
    assert_in_range(f->newest_seen, f->store.published,
                    f->store.published + 1); // one whose state was to follow
    assert_int_equal(f->repeats, 0);
    start(f, server.port); // and the next run goes on from there
    loop_until(&f->loop, all_seen, f);
    assert_in_range(f->repeats, 0, 1);
    assert_int_equal(f->gaps, 0);
    finish(f);
}

static void its_will_says_offline(void **state)
{
    (void)state;
    struct fixture *f = prepare();
    f->closed = true;
    pid_t pid = fork();
    if (pid == 0) {
        struct fixture *killed = prepare();
        strcpy(killed->site, f->site);
        start(killed, server.port);
        killed->store.last = 1;
        loop_until(&killed->loop, all_saved, killed);
        kill(getpid(), SIGKILL);
        _exit(1);
    }
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    subscribe(f, &server);
    loop_until(&f->loop, is_offline, f);
    assert_non_null(strstr(f->status, "\"boot\":\"5f01\",\"since\":null"));
    finish(f);
}

static void can_be_closed_at_any_time(void **state)
{
    (void)state;
    for (int turns = 0; turns < 40; turns++) {
        struct fixture *f = prepare();
        f->store.last = 1200;
        start(f, server.port);
        for (int i = 0; i < turns; i++)
            uv_run(&f->loop, UV_RUN_ONCE);
        finish(f);
    }
    mosquitto_server_end(&server);
    struct fixture *f = prepare();
    f->store.last = 10;
    start(f, server.port);
    loop_until(&f->loop, is_troubled, f);
    finish(f);
    mosquitto_server_restart(&server);
}

// --- the contract ---

static void keeps_to_the_schemas(void **state)
{
    (void)state;
    char path[] = "/tmp/fristd-messages-XXXXXX", command[400];
    int fd = mkstemp(path);
    struct fixture *f = prepare();
    f->record = fdopen(fd, "w");
    f->store.last = 300;
    f->store.long_at = 151;
    subscribe(f, &server);
    start(f, server.port);
    loop_until(&f->loop, all_saved, f);
    loop_until(&f->loop, all_seen, f);
    stop(f);
    loop_until(&f->loop, is_offline, f);
    fclose(f->record);
    f->record = NULL;
    snprintf(command, sizeof command,
             "python3 -B " FRISTD_SOURCE_DIR "/tests/support/validate_messages.py " FRISTD_SOURCE_DIR
             "/contrib/schemas %s",
             path);
    assert_int_equal(system(command), 0);
    unlink(path);
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
        cmocka_unit_test(publishes_everything_in_order),
        cmocka_unit_test(saves_the_watermark_now_and_then),
        cmocka_unit_test(goes_on_where_the_watermark_stands),
        cmocka_unit_test(waits_for_the_store),
        cmocka_unit_test(survives_each_failure_of_the_store),
        cmocka_unit_test(survives_a_cut_anywhere),
        cmocka_unit_test(keeps_everything_while_the_broker_is_away),
        cmocka_unit_test(announces_again_to_a_broker_that_has_forgotten),
        cmocka_unit_test(loses_nothing_when_the_broker_is_killed),
        cmocka_unit_test(the_ledger_knows_what_is_retained),
        cmocka_unit_test(sweeps_away_what_has_no_business_there),
        cmocka_unit_test(clears_a_flood_of_garbage),
        cmocka_unit_test(announces_when_asked),
        cmocka_unit_test(an_old_will_does_not_hide_the_birth),
        cmocka_unit_test(two_that_live_do_not_answer_each_other),
        cmocka_unit_test(waits_for_a_slow_broker),
        cmocka_unit_test(holds_the_stream_while_the_broker_refuses),
        cmocka_unit_test(passes_over_what_can_never_be_sent),
        cmocka_unit_test(leaves_the_status_offline),
        cmocka_unit_test(its_will_says_offline),
        cmocka_unit_test(can_be_closed_at_any_time),
        cmocka_unit_test(keeps_to_the_schemas),
    };
    cmocka_set_test_filter(getenv("FRISTD_ONLY")); // one by hand: FRISTD_ONLY='sweeps*'
    return cmocka_run_group_tests(tests, start_all, stop_all);
}
