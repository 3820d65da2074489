// SPDX-License-Identifier: MPL-2.0
//
// On each connection: birth (presence.h), the last run of each report (publisher_reports.h), then the stream
// (stream.h), which announces what is retained once it has caught up and has the sweep (sweep.h) clear the
// rest. Meanwhile subscribers may ask for events again (replayer.h). Each has its own share of the messages
// outstanding, so that none waits for another.
//
// The ledger knows every topic that may be retained: a topic is written down before it is used first, and
// leaves the ledger together with the watermark that says that it was cleared.
#include "shell/publisher.h"

#include "core/memory.h"
#include "shell/log.h"
#include "shell/presence.h"
#include "shell/publisher_reports.h"
#include "shell/stream.h"
#include "shell/watermark.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define STREAM_WINDOW                                                                                        \
    (MQTT_WINDOW - SWEEP_WINDOW - REPLAYER_WINDOW - PRESENCE_WINDOW - PUBLISHER_REPORTS_WINDOW)
#define RETRY_MS     1000 // of the store; of a refused message at first; where the options say nothing else
#define RETRY_MAX_MS 60000
#define QUIET_MS     2000 // without a retained message: there are no more

struct publisher {
    uv_loop_t *loop;
    struct mqtt *mqtt;
    struct presence *presence;
    struct publisher_reports *reports;
    struct watermark *watermark;
    struct sweep *sweep;
    struct stream *stream;
    struct replayer *replayer;
    struct event_site site; // strings are ours
    char *boot_id;
    const struct publisher_store *store;
    void *store_self;
    void (*on_progress)(void *data);
    void *progress_data;

    bool was_up;
    struct error trouble;      // why not up; "": up, or not tried yet
    struct sweep_result swept; // in all
    int64_t sweeps;

    bool closing;
    int open_parts;
    void (*on_closed)(void *data);
    void *closed_data;
};

// --- the connection ---

static void come_up(struct publisher *publisher)
{
    publisher->trouble.text[0] = '\0';
    log_line(LOG_LEVEL_NOTICE, "mqtt", "connected, waiting=%lld", (long long)publisher_lag(publisher));
    presence_come_up(publisher->presence);
    publisher_reports_say(publisher->reports);
    stream_come_up(publisher->stream);
    replayer_listen(publisher->replayer);
}

static void go_down(struct publisher *publisher, const struct error *why)
{
    publisher->trouble = *why;
    log_line(publisher->was_up ? LOG_LEVEL_WARNING : LOG_LEVEL_NOTICE, "mqtt", "%s", why->text);
    if (!publisher->was_up)
        return;
    sweep_stop(publisher->sweep);
    replayer_forget(publisher->replayer);
    stream_go_down(publisher->stream);
}

static void say_progress(void *data)
{
    struct publisher *publisher = data;
    if (publisher->on_progress && !publisher->closing)
        publisher->on_progress(publisher->progress_data);
}

static void on_state(void *data, bool up, const struct error *err)
{
    struct publisher *publisher = data;
    if (up)
        come_up(publisher);
    else
        go_down(publisher, err);
    publisher->was_up = up;
    if (!up)
        say_progress(publisher);
}

static bool may_connect(void *data)
{
    const struct publisher *publisher = data;
    return publisher->store->is_up(publisher->store_self);
}

// --- what the parts say ---

static void on_announce(void *data)
{
    struct publisher *publisher = data;
    sweep_expect(publisher->sweep, presence_topic(publisher->presence), true);
    publisher_reports_expect(publisher->reports);
    publisher_reports_say(publisher->reports);
}

static void on_swept(void *data, const struct sweep_result *result)
{
    struct publisher *publisher = data;
    publisher->sweeps++;
    publisher->swept.cleared += result->cleared;
    publisher->swept.refused += result->refused;
    publisher->swept.unseen = result->unseen;
    publisher->swept.failed = result->failed;
    if (result->cleared > 0)
        log_line(LOG_LEVEL_NOTICE, "mqtt",
                 "retained messages that had no business there any more cleared=%lld",
                 (long long)result->cleared);
    if (result->refused > 0)
        log_line(LOG_LEVEL_WARNING, "mqtt",
                 "retained messages that the broker does not let us clear count=%lld",
                 (long long)result->refused);
    if (result->unseen)
        log_line(
            LOG_LEVEL_WARNING, "mqtt",
            "the broker does not let us read fristd/v1/%s/deadline/#: what others leave there is not cleared",
            publisher->site.site);
}

static int64_t acknowledged(const void *data)
{
    const struct publisher *publisher = data;
    int64_t watermark = watermark_at(publisher->watermark);
    return watermark > 0 ? watermark : 0;
}

// --- what the caller uses ---

static char *copy_string(const char *text)
{
    return text ? memory_copy(text, strlen(text)) : NULL;
}

static void make_connection(struct publisher *publisher, const struct mqtt_options *given, uint64_t retry_ms)
{
    struct mqtt_options options = *given;
    publisher->presence = presence_new(publisher->loop, &publisher->site, publisher->boot_id,
                                       publisher->store, publisher->store_self, retry_ms);
    presence_fill_will(publisher->presence, &options);
    publisher->mqtt = mqtt_new(publisher->loop, &options, on_state, publisher);
    mqtt_ask_before(publisher->mqtt, may_connect);
    presence_use(publisher->presence, publisher->mqtt);
}

static void make_sweep(struct publisher *publisher)
{
    struct buffer filter = {0};
    buffer_format(&filter, "fristd/v1/%s/deadline/#", publisher->site.site);
    publisher->sweep = sweep_new(publisher->loop, publisher->mqtt, publisher->store, publisher->store_self,
                                 filter.data, QUIET_MS, on_swept, publisher);
    buffer_done(&filter);
}

static void make_stream(struct publisher *publisher, uint64_t retry_ms, uint64_t retry_max_ms)
{
    static const struct stream_user user = {on_announce, say_progress};
    struct stream_parts parts = {.mqtt = publisher->mqtt,
                                 .window = STREAM_WINDOW,
                                 .site = &publisher->site,
                                 .store = publisher->store,
                                 .store_self = publisher->store_self,
                                 .watermark = publisher->watermark,
                                 .sweep = publisher->sweep,
                                 .retry_first_ms = retry_ms,
                                 .retry_max_ms = retry_max_ms};
    publisher->stream = stream_new(publisher->loop, &parts, &user, publisher);
}

static void make_parts(struct publisher *publisher, const struct mqtt_options *options)
{
    uint64_t retry_ms = options->retry_first_ms > 0 ? (uint64_t)options->retry_first_ms : RETRY_MS;
    make_connection(publisher, options, retry_ms);
    make_sweep(publisher);
    publisher->reports =
        publisher_reports_new(publisher->mqtt, publisher->sweep, publisher->store, publisher->store_self,
                              publisher->site.site, say_progress, publisher);
    publisher->watermark = watermark_new(publisher->loop, publisher->store, publisher->store_self);
    make_stream(publisher, retry_ms,
                options->retry_max_ms > 0 ? (uint64_t)options->retry_max_ms : RETRY_MAX_MS);
    publisher->replayer = replayer_new(publisher->loop, publisher->mqtt, &publisher->site, publisher->boot_id,
                                       publisher->store, publisher->store_self, acknowledged, publisher);
}

struct publisher *publisher_new(uv_loop_t *loop, const struct mqtt_options *options,
                                const struct event_site *site, const char *boot_id,
                                const struct publisher_store *store, void *store_self)
{
    struct publisher *publisher = memory_alloc(sizeof *publisher);
    publisher->loop = loop;
    publisher->store = store;
    publisher->store_self = store_self;
    publisher->site = *site;
    publisher->site.site = copy_string(site->site);
    publisher->site.link = copy_string(site->link);
    publisher->boot_id = copy_string(boot_id);
    make_parts(publisher, options);
    return publisher;
}

void publisher_start(struct publisher *publisher)
{
    mqtt_start(publisher->mqtt);
}

void publisher_wake(struct publisher *publisher)
{
    if (publisher->closing)
        return;
    mqtt_ask_again(publisher->mqtt);
    stream_wake(publisher->stream);
}

void publisher_announce(struct publisher *publisher)
{
    if (!publisher->closing)
        stream_announce(publisher->stream);
}

void publisher_set_report(struct publisher *publisher, const char *report, const char *json)
{
    if (!publisher->closing)
        publisher_reports_set(publisher->reports, report, json);
}

int64_t publisher_lag(const struct publisher *publisher)
{
    if (!publisher->store->is_up(publisher->store_self))
        return 0;
    int64_t watermark = watermark_at(publisher->watermark);
    return publisher->store->last(publisher->store_self) -
           (watermark >= 0 ? watermark : publisher->store->published(publisher->store_self));
}

bool publisher_has_said_all(const struct publisher *publisher)
{
    bool away = !mqtt_is_up(publisher->mqtt) && publisher->trouble.text[0] != '\0';
    return publisher_lag(publisher) == 0 && (away || publisher_reports_are_said(publisher->reports));
}

void publisher_on_progress(struct publisher *publisher, void (*on_progress)(void *data), void *data)
{
    publisher->on_progress = on_progress;
    publisher->progress_data = data;
}

// Where a broker ends the connection after a refusal, the refusal is what the operator has to know.
static const char *trouble(const struct publisher *publisher)
{
    const char *refused = stream_trouble(publisher->stream);
    return refused ? refused : publisher->trouble.text[0] ? publisher->trouble.text : NULL;
}

struct publisher_status publisher_status(const struct publisher *publisher)
{
    return (struct publisher_status){
        .up = mqtt_is_up(publisher->mqtt),
        .published = acknowledged(publisher),
        .trouble = trouble(publisher),
        .requests = replayer_counts(publisher->replayer),
        .swept = publisher->swept,
        .sweeps = publisher->sweeps,
    };
}

// --- closing ---

static void on_part_closed(void *data)
{
    struct publisher *publisher = data;
    if (--publisher->open_parts > 0)
        return;
    void (*on_closed)(void *) = publisher->on_closed;
    void *closed_data = publisher->closed_data;
    free((char *)publisher->site.site);
    free((char *)publisher->site.link);
    free(publisher->boot_id);
    free(publisher);
    on_closed(closed_data);
}

static void on_mqtt_closed(void *data)
{
    struct publisher *publisher = data;
    publisher->open_parts = 6;
    publisher_reports_close(publisher->reports, on_part_closed, publisher);
    presence_close(publisher->presence, on_part_closed, publisher);
    watermark_close(publisher->watermark, on_part_closed, publisher);
    stream_close(publisher->stream, on_part_closed, publisher);
    sweep_close(publisher->sweep, on_part_closed, publisher);
    replayer_close(publisher->replayer, on_part_closed, publisher);
}

void publisher_close(struct publisher *publisher, int grace_ms, void (*on_closed)(void *data), void *data)
{
    assert(!publisher->closing);
    publisher->closing = true;
    publisher->on_closed = on_closed;
    publisher->closed_data = data;
    stream_stop(publisher->stream);
    sweep_stop(publisher->sweep);
    replayer_forget(publisher->replayer);
    const struct buffer *farewell = presence_farewell(publisher->presence);
    mqtt_close(publisher->mqtt, farewell->data, farewell->length, grace_ms, on_mqtt_closed, publisher);
}
