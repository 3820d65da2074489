// SPDX-License-Identifier: MPL-2.0
// Publishes made-up transitions as fast as the broker takes them and prints, as one line of JSON, how fast
// that was, the longest turn of the loop and the memory it took. Without a port it prints the payloads
// instead, a line a message, for mosquitto_pub. tests/bench/mqtt runs both. usage: bench_mqtt events|states
// TRANSITIONS [PORT USER PASSWORD]
#include "shell/event.h"
#include "shell/log.h"
#include "shell/publisher.h"
#include "support/copenhagen.h"
#include "support/loop.h"
#include "support/measure.h"
#include "support/memory_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bench {
    uv_loop_t loop;
    struct memory_store store;
    struct publisher *publisher;
    bool closed;
};

static bool all_published(void *data)
{
    const struct bench *bench = data;
    return bench->store.published == bench->store.last;
}

static bool is_up(void *data)
{
    const struct bench *bench = data;
    return publisher_status(bench->publisher).up;
}

static bool is_closed(void *data)
{
    return ((const struct bench *)data)->closed;
}

static void on_closed(void *data)
{
    ((struct bench *)data)->closed = true;
}

// A cleared state has no payload; mosquitto_pub does not send empty lines, so that is one byte for us to
// gain.
static void print_payloads(struct bench *bench, const struct event_site *site)
{
    struct buffer text = {0};
    for (int64_t number = 1; number <= bench->store.last; number++) {
        struct transition transition = memory_store_transition(&bench->store, number);
        event_payload(site, &transition, &text);
        buffer_add_char(&text, '\n');
        if (transition.retained == RETAINED_SET)
            state_payload(site, &transition, &text);
        if (transition.retained != RETAINED_UNCHANGED)
            buffer_add_string(&text, transition.retained == RETAINED_SET ? "\n" : "-\n");
        if (text.length > 1 << 16 || number == bench->store.last) {
            fwrite(text.data, 1, text.length, stdout);
            buffer_clear(&text);
        }
    }
    buffer_done(&text);
}

static int64_t message_count(const struct bench *bench)
{
    int64_t count = 0;
    for (int64_t number = 1; number <= bench->store.last; number++)
        count += memory_store_transition(&bench->store, number).retained == RETAINED_UNCHANGED ? 1 : 2;
    return count;
}

static void publish(struct bench *bench, const struct event_site *site, const struct mqtt_options *options)
{
    uv_loop_init(&bench->loop);
    memory_store_start(&bench->store, &bench->loop);
    bench->publisher = publisher_new(&bench->loop, options, site, "maaling", &memory_store, &bench->store);
    int64_t count = bench->store.last;
    bench->store.last = 0; // the clock starts once it is connected
    publisher_start(bench->publisher);
    loop_until(&bench->loop, is_up, bench);
    struct turn_watch turn;
    struct loop_gap gap;
    turn_watch_start(&bench->loop, &turn);
    loop_gap_start(&bench->loop, &gap);
    uint64_t begun = uv_hrtime();
    bench->store.last = count;
    publisher_wake(bench->publisher);
    loop_until(&bench->loop, all_published, bench);
    double seconds = (double)(uv_hrtime() - begun) / 1e9, longest_ms = loop_gap_stop_ms(&gap);
    turn_watch_stop(&turn);
    publisher_close(bench->publisher, 5000, on_closed, bench);
    loop_until(&bench->loop, is_closed, bench);
    memory_store_stop(&bench->store);
    uv_loop_close(&bench->loop);
    printf(
        "{\"messages\": %lld, \"seconds\": %.4f, \"turn_ms\": %.2f, \"turn_cpu_ms\": %.2f, \"cpu_s\": %.3f, "
        "\"rss_kib\": %ld}\n",
        (long long)message_count(bench), seconds, longest_ms, turn.longest_s * 1e3, processor_s(),
        peak_rss_kib());
}

int main(int argc, char **argv)
{
    if ((argc != 3 && argc != 6) || (strcmp(argv[1], "events") != 0 && strcmp(argv[1], "states") != 0)) {
        fputs("usage: bench_mqtt events|states TRANSITIONS [PORT USER PASSWORD]\n", stderr);
        return 2;
    }
    static struct bench bench;
    bench.store.events_only = strcmp(argv[1], "events") == 0;
    bench.store.site = "maaling";
    bench.store.last = atoll(argv[2]);
    struct zone *zone = copenhagen();
    struct event_site site = {.site = "maaling", .link = "https://sag.example/{case}", .zone = zone};
    log_set_level(LOG_LEVEL_WARNING);
    if (argc == 3) {
        print_payloads(&bench, &site);
    } else {
        struct mqtt_options options = {
            .host = "127.0.0.1", .port = atoi(argv[3]), .user = argv[4], .password = argv[5]};
        publish(&bench, &site, &options);
    }
    zone_free(zone);
    return 0;
}
