// SPDX-License-Identifier: MPL-2.0
#include "shell/presence.h"

#include "core/memory.h"
#include "shell/log.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

struct presence {
    struct mqtt *mqtt;
    const struct event_site *site;
    const char *boot_id;
    const struct publisher_store *store;
    void *store_self;
    uint64_t again_ms;
    instant since;
    struct buffer topic, payload;
    struct mqtt_message birth;
    bool outstanding, due; // due: once more when it is answered
    struct mqtt_subscription subscription;
    bool rival_seen;
    uv_timer_t timer; // for another birth
    struct publisher_write note;
    bool noting, noted;
    bool closing;
    void (*on_closed)(void *data);
    void *closed_data;
};

static void finish_close(struct presence *presence);

// --- birth ---

static void say_birth(struct presence *presence);

static void on_birth_done(struct mqtt_message *message, enum mqtt_outcome outcome, const struct error *err)
{
    struct presence *presence = message->data;
    presence->outstanding = false;
    if (outcome == MQTT_REFUSED || outcome == MQTT_UNFIT)
        log_line(LOG_LEVEL_ERROR, "mqtt", "status not published: %s", err->text);
    if (presence->due)
        say_birth(presence);
}

static void make_payload(struct presence *presence, bool online, instant since)
{
    buffer_clear(&presence->payload);
    status_payload(presence->site, presence->boot_id, online, since, &presence->payload);
}

// Lost with the connection, it is said again after the next.
static void say_birth(struct presence *presence)
{
    presence->due = presence->outstanding;
    if (presence->due || !mqtt_is_up(presence->mqtt))
        return;
    make_payload(presence, true, presence->since);
    presence->birth = (struct mqtt_message){.data = presence,
                                            .topic = presence->topic.data,
                                            .payload = presence->payload.data,
                                            .length = presence->payload.length,
                                            .retain = true,
                                            .content_type = STATUS_CONTENT_TYPE,
                                            .on_done = on_birth_done};
    struct error err;
    presence->outstanding = mqtt_publish(presence->mqtt, &presence->birth, &err) == 0;
    if (!presence->outstanding && mqtt_is_up(presence->mqtt))
        log_line(LOG_LEVEL_ERROR, "mqtt", "status not published: %s", err.text);
}

static void on_timer(uv_timer_t *timer)
{
    say_birth(timer->data);
}

// --- the ledger ---

static void on_noted(struct publisher_write *write, const struct error *err)
{
    struct presence *presence = write->data;
    presence->noting = false;
    presence->noted = err == NULL;
    finish_close(presence);
}

// For the day when the site is renamed or removed.
static void note_topic(struct presence *presence)
{
    if (presence->noted || presence->noting)
        return;
    presence->noting = true;
    presence->note = (struct publisher_write){.data = presence,
                                              .noted = (const char *const *)&presence->topic.data,
                                              .noted_count = 1,
                                              .on_done = on_noted};
    presence->store->write(presence->store_self, &presence->note);
}

// --- watching ---

static bool contains(const struct mqtt_incoming *message, const char *text)
{
    size_t length = message->length < MQTT_INCOMING_MAX ? message->length : MQTT_INCOMING_MAX;
    return length > 0 && memmem(message->payload, length, text, strlen(text)) != NULL;
}

// Two that live would answer each other for ever; so only what is not alive is answered, and not at once.
static void on_message(struct mqtt_subscription *subscription, const struct mqtt_incoming *message)
{
    struct presence *presence = subscription->data;
    if (contains(message, presence->boot_id))
        return;
    if (contains(message, "\"status\":\"online\"") && !message->retained) {
        if (!presence->rival_seen)
            log_line(LOG_LEVEL_ERROR, "mqtt",
                     "another fristd publishes as site %s; give each a name of its own",
                     presence->site->site);
        presence->rival_seen = true;
    } else if (!uv_is_active((uv_handle_t *)&presence->timer)) {
        uv_timer_start(&presence->timer, on_timer, presence->again_ms, 0);
    }
}

// Behind the birth, so that what comes is somebody else's.
static void watch(struct presence *presence)
{
    presence->subscription = (struct mqtt_subscription){
        .data = presence, .filter = presence->topic.data, .with_retained = true, .on_message = on_message};
    mqtt_subscribe(presence->mqtt, &presence->subscription);
}

// --- what the caller uses ---

struct presence *presence_new(uv_loop_t *loop, const struct event_site *site, const char *boot_id,
                              const struct publisher_store *store, void *store_self, uint64_t again_ms)
{
    struct presence *presence = memory_alloc(sizeof *presence);
    presence->site = site;
    presence->boot_id = boot_id;
    presence->store = store;
    presence->store_self = store_self;
    presence->again_ms = again_ms;
    presence->since = time(NULL);
    status_topic(site, &presence->topic);
    uv_timer_init(loop, &presence->timer);
    presence->timer.data = presence;
    return presence;
}

void presence_fill_will(struct presence *presence, struct mqtt_options *options)
{
    make_payload(presence, false, INSTANT_NONE);
    options->will_topic = presence->topic.data;
    options->will_payload = presence->payload.data;
    options->content_type = STATUS_CONTENT_TYPE;
}

void presence_use(struct presence *presence, struct mqtt *mqtt)
{
    presence->mqtt = mqtt;
}

void presence_come_up(struct presence *presence)
{
    presence->rival_seen = false;
    say_birth(presence);
    note_topic(presence);
    watch(presence);
}

const char *presence_topic(const struct presence *presence)
{
    return presence->topic.data;
}

const struct buffer *presence_farewell(struct presence *presence)
{
    uv_timer_stop(&presence->timer);
    make_payload(presence, false, time(NULL));
    return &presence->payload;
}

// --- closing ---

static void on_timer_closed(uv_handle_t *handle)
{
    struct presence *presence = handle->data;
    void (*on_closed)(void *) = presence->on_closed;
    void *data = presence->closed_data;
    buffer_done(&presence->topic);
    buffer_done(&presence->payload);
    free(presence);
    on_closed(data);
}

static void finish_close(struct presence *presence)
{
    if (presence->closing && !presence->noting)
        uv_close((uv_handle_t *)&presence->timer, on_timer_closed);
}

void presence_close(struct presence *presence, void (*on_closed)(void *data), void *data)
{
    presence->closing = true;
    presence->on_closed = on_closed;
    presence->closed_data = data;
    finish_close(presence);
}
