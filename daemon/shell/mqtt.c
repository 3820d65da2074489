// SPDX-License-Identifier: MPL-2.0
//
// When all goes well:
//   1. the name is looked up (lookup.h);
//   2. a link (mqtt_link.h) is opened to the first address and works its way to CONNACK by itself;
//   3. up: messages are handed to it and answered, a tick each second keeps it alive;
//   4. close: last message, DISCONNECT.
//
//           start            answer              CONNACK
//     idle ───────▶ looking up ────▶ connecting ──────────▶ up ──────▶ closed
//                     ▲  │             │ ▲ │                │ lost
//                     │  │ no such name│ └─┘ next address   │
//                     │  ▼             ▼                    ▼
//                     └───────────── waiting (backoff) ◀────┘
//
// Ways to fail: no address; no address answers in time, or each refuses; certificate refused; CONNACK
// refused; connection lost, pings or PUBACKs not answered. Each ends in lose(), which ends what was
// outstanding. settle() looks at what has become of the link; it runs after each turn of the link, never from
// inside a call of our own user.
#include "shell/mqtt.h"

#include "core/memory.h"
#include "shell/lookup.h"
#include "shell/mqtt_link.h"
#include "shell/mqtt_reason.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum phase { PHASE_IDLE, PHASE_LOOKING_UP, PHASE_CONNECTING, PHASE_UP, PHASE_WAITING, PHASE_CLOSED };

#define TICK_MS 1000
#define STABLE_MS                                                                                            \
    10000 // a connection that lived so long, and longer than the waits before it, makes the next
          // wait start small again: two clients with one id push each other out for ever, and
          // not every broker says so
#define SHORT_LIVES    3 // so many in a row that were shorter
#define CLIENT_ID_SIZE 24

struct mqtt {
    uv_loop_t *loop;
    struct mqtt_options options; // strings are ours
    mqtt_on_state on_state;
    bool (*may_connect)(void *data); // NULL: always
    void *data;

    enum phase phase;
    bool held; // waiting for may_connect
    struct lookup *lookup;
    size_t next_address;    // of this attempt, to try
    struct mqtt_link *link; // connecting and up
    struct error failure;   // of the addresses tried so far
    bool reached;           // it came as far as a connection
    int failures;           // in a row, for the backoff
    int short_lives;        // in a row
    uint64_t last_wait_ms;
    uint64_t up_since, progress_at; // progress: a PUBACK, or a first message after a pause

    uv_timer_t timer; // connecting: the limit; waiting: the next try
    uv_timer_t tick;
    uv_timer_t grace;
    uv_idle_t later; // settles in the next turn what a call from outside has left
    int open_parts;  // the four above and the look-up

    bool closing, leaving; // leaving: DISCONNECT was said
    struct mqtt_message last_message;
    void (*on_closed)(void *data);
    void *closed_data;
};

static void settle(struct mqtt *mqtt);
static void start_attempt(struct mqtt *mqtt);
static void finish_close(struct mqtt *mqtt);

// --- failing ---

static uint64_t backoff_ms(const struct mqtt *mqtt)
{
    uint64_t wait = (uint64_t)mqtt->options.retry_first_ms, max = (uint64_t)mqtt->options.retry_max_ms;
    for (int i = 1; i < mqtt->failures && wait < max; i++)
        wait *= 2;
    if (wait > max)
        wait = max;
    uint32_t spread = 0;
    uv_random(NULL, NULL, &spread, sizeof spread, 0, NULL);
    return wait - wait * (spread % 1000) / 5000;
}

static void on_retry(uv_timer_t *timer)
{
    struct mqtt *mqtt = timer->data;
    mqtt->held = mqtt->may_connect && !mqtt->may_connect(mqtt->data);
    if (mqtt->held)
        uv_timer_start(timer, on_retry, (uint64_t)mqtt->options.retry_first_ms, 0);
    else
        start_attempt(mqtt);
}

// Everything was tried: says so, and tries again later.
static void wait_and_retry(struct mqtt *mqtt, const char *why, bool taken_over)
{
    mqtt->phase = PHASE_WAITING;
    mqtt->failures++;
    uint64_t wait = taken_over ? (uint64_t)mqtt->options.taken_over_ms : backoff_ms(mqtt);
    mqtt->last_wait_ms = wait;
    uv_timer_start(&mqtt->timer, on_retry, wait, 0);
    struct error err;
    error_set(&err, "MQTT broker %s port %d: %s; next try in %llu s", mqtt->options.host, mqtt->options.port,
              why, (unsigned long long)(wait + 999) / 1000);
    if (mqtt->short_lives >= SHORT_LIVES)
        error_prefix(
            &err, "lost soon after connecting, %d times in a row; does another client use the client id %s?",
            mqtt->short_lives, mqtt->options.client_id);
    mqtt->on_state(mqtt->data, false, &err);
}

static void drop_link(struct mqtt *mqtt)
{
    uv_timer_stop(&mqtt->tick);
    uv_timer_stop(&mqtt->timer);
    struct mqtt_link *link = mqtt->link;
    mqtt->link = NULL;
    if (link == NULL)
        return;
    for (struct mqtt_message *message = mqtt_link_drop(link), *next; message; message = next) {
        next = message->next;
        message->on_done(message, MQTT_LOST, NULL);
    }
}

// Of several addresses the one that came furthest tells most.
static void keep_failure(struct mqtt *mqtt, const struct error *why, bool reached)
{
    if (reached || !mqtt->reached)
        mqtt->failure = *why;
    mqtt->reached |= reached;
}

static void try_address(struct mqtt *mqtt);

static void judge_life(struct mqtt *mqtt)
{
    uint64_t lived = uv_now(mqtt->loop) - mqtt->up_since;
    mqtt->short_lives++;
    if (lived >= STABLE_MS && lived >= 2 * mqtt->last_wait_ms)
        mqtt->failures = mqtt->short_lives = 0;
}

// The link has ended by itself or by our decision.
static void lose(struct mqtt *mqtt)
{
    struct error why;
    error_set(&why, "%s", mqtt_link_why(mqtt->link));
    bool was_up = mqtt->phase == PHASE_UP, reached = mqtt_link_is_reached(mqtt->link);
    bool taken_over = mqtt_link_is_taken_over(mqtt->link);
    if (was_up)
        judge_life(mqtt);
    mqtt->phase = PHASE_WAITING;
    drop_link(mqtt);
    if (mqtt->closing) {
        finish_close(mqtt);
    } else if (was_up) {
        wait_and_retry(mqtt, why.text, taken_over);
    } else {
        keep_failure(mqtt, &why, reached);
        try_address(mqtt);
    }
}

// --- connecting ---

static void on_link_turn(void *data)
{
    settle(data);
}

static void on_connect_timeout(uv_timer_t *timer)
{
    struct mqtt *mqtt = timer->data;
    mqtt_link_end(mqtt->link, "cannot connect: no answer in time");
    settle(mqtt);
}

static void try_address(struct mqtt *mqtt)
{
    mqtt->phase = PHASE_CONNECTING;
    while (mqtt->next_address < lookup_count(mqtt->lookup)) {
        const char *address = lookup_address(mqtt->lookup, mqtt->next_address++);
        struct error err;
        if (mqtt_link_open(mqtt->loop, &mqtt->options, address, on_link_turn, mqtt, &mqtt->link, &err) == 0) {
            uv_timer_start(&mqtt->timer, on_connect_timeout, (uint64_t)mqtt->options.connect_timeout_ms, 0);
            return;
        }
        keep_failure(mqtt, &err, false);
    }
    wait_and_retry(mqtt, mqtt->failure.text, false);
}

static void on_looked_up(void *data, const struct error *err)
{
    struct mqtt *mqtt = data;
    assert(mqtt->phase == PHASE_LOOKING_UP);
    if (err && lookup_count(mqtt->lookup) == 0)
        wait_and_retry(mqtt, err->text, false);
    else
        try_address(mqtt);
}

// The resolver has time limits of its own.
static void start_attempt(struct mqtt *mqtt)
{
    mqtt->next_address = 0;
    mqtt->reached = false;
    if (!lookup_is_needed(mqtt->lookup)) {
        try_address(mqtt);
        return;
    }
    mqtt->phase = PHASE_LOOKING_UP;
    struct error err;
    if (lookup_start(mqtt->lookup, &err) < 0)
        wait_and_retry(mqtt, err.text, false);
}

// --- up ---

static void on_tick(uv_timer_t *timer)
{
    struct mqtt *mqtt = timer->data;
    if (mqtt_link_outstanding(mqtt->link) > 0 &&
        uv_now(mqtt->loop) - mqtt->progress_at >= (uint64_t)mqtt->options.ack_timeout_ms)
        mqtt_link_end(mqtt->link, "connection dropped: the broker does not acknowledge any more");
    else
        mqtt_link_tick(mqtt->link);
    settle(mqtt);
}

static void become_up(struct mqtt *mqtt)
{
    uv_timer_stop(&mqtt->timer);
    mqtt->phase = PHASE_UP;
    mqtt->up_since = uv_now(mqtt->loop);
    uv_timer_start(&mqtt->tick, on_tick, TICK_MS, TICK_MS);
    mqtt->on_state(mqtt->data, true, NULL);
}

static void end_message(struct mqtt_message *message)
{
    if (message->reason < 0x80) { // 0x10, no matching subscribers, is a success
        message->on_done(message, MQTT_ACKED, NULL);
        return;
    }
    // Topic name invalid, packet too large, payload format invalid.
    bool unfit = message->reason == 0x90 || message->reason == 0x95 || message->reason == 0x99;
    struct error err;
    error_set(&err, "refused by the broker: %s (code %d)", mqtt_reason(5, message->reason), message->reason);
    message->on_done(message, unfit ? MQTT_UNFIT : MQTT_REFUSED, &err);
}

static void end_answered(struct mqtt *mqtt)
{
    for (struct mqtt_message *message; (message = mqtt_link_next_answered(mqtt->link)) != NULL;) {
        mqtt->progress_at = uv_now(mqtt->loop);
        end_message(message);
    }
}

static void say_subscribed(struct mqtt_subscription *subscription)
{
    struct error err;
    error_set(&err, "subscription refused by the broker: %s (code %d)", mqtt_reason(5, subscription->reason),
              subscription->reason);
    if (subscription->on_answered)
        subscription->on_answered(subscription, subscription->reason >= 0x80 ? &err : NULL);
}

static void take_incoming(struct mqtt *mqtt)
{
    for (struct mqtt_subscription *one; (one = mqtt_link_next_subscribed(mqtt->link)) != NULL;)
        say_subscribed(one);
    while (!mqtt->closing && mqtt_link_hand_on(mqtt->link))
        ;
}

static void settle(struct mqtt *mqtt)
{
    if (mqtt->link == NULL)
        return;
    if (mqtt_link_is_accepted(mqtt->link) && mqtt->phase == PHASE_CONNECTING && !mqtt->closing)
        become_up(mqtt);
    end_answered(mqtt);
    take_incoming(mqtt);
    if (mqtt->closing && !mqtt->leaving && mqtt_link_outstanding(mqtt->link) == 0 &&
        !mqtt_link_has_ended(mqtt->link)) {
        mqtt->leaving = true;
        mqtt_link_leave(mqtt->link);
    }
    if (mqtt_link_has_ended(mqtt->link))
        lose(mqtt);
}

static void on_later(uv_idle_t *idle)
{
    uv_idle_stop(idle);
    settle(idle->data);
}

static int hand_over(struct mqtt *mqtt, struct mqtt_message *message, struct error *err)
{
    if (mqtt_link_outstanding(mqtt->link) == 0)
        mqtt->progress_at = uv_now(mqtt->loop);
    if (mqtt_link_publish(mqtt->link, message, err) < 0)
        return -1;
    if (mqtt_link_has_ended(mqtt->link))
        uv_idle_start(&mqtt->later, on_later);
    return 0;
}

// --- what the caller uses ---

static char *copy_string(const char *text)
{
    return text ? memory_copy(text, strlen(text)) : NULL;
}

static char *random_client_id(void)
{
    uint64_t number = 0;
    char id[CLIENT_ID_SIZE];
    uv_random(NULL, NULL, &number, sizeof number, 0, NULL);
    snprintf(id, sizeof id, "fristd-%016llx", (unsigned long long)number);
    return copy_string(id);
}

static int or_default(int value, int fallback)
{
    return value > 0 ? value : fallback;
}

static void copy_options(struct mqtt_options *into, const struct mqtt_options *options)
{
    *into = *options;
    into->host = copy_string(options->host);
    into->port = or_default(options->port, options->tls ? 8883 : 1883);
    into->version = or_default(options->version, 5);
    into->ca_file = copy_string(options->ca_file);
    into->cert_file = copy_string(options->cert_file);
    into->key_file = copy_string(options->key_file);
    into->user = copy_string(options->user);
    into->password = copy_string(options->password);
    into->client_id = options->client_id ? copy_string(options->client_id) : random_client_id();
    into->keepalive_s = or_default(options->keepalive_s, 30);
    if (into->keepalive_s < 5) // the library refuses less
        into->keepalive_s = 5;
    into->will_topic = copy_string(options->will_topic);
    into->will_payload = copy_string(options->will_payload ? options->will_payload : "");
    into->content_type = copy_string(options->content_type);
    into->connect_timeout_ms = or_default(options->connect_timeout_ms, 10000);
    into->ack_timeout_ms = or_default(options->ack_timeout_ms, 60000);
    into->retry_first_ms = or_default(options->retry_first_ms, 1000);
    into->retry_max_ms = or_default(options->retry_max_ms, 60000);
    into->taken_over_ms = or_default(options->taken_over_ms, 300000);
}

static void free_options(struct mqtt_options *options)
{
    if (options->password)
        explicit_bzero((char *)options->password, strlen(options->password));
    free((char *)options->host);
    free((char *)options->ca_file);
    free((char *)options->cert_file);
    free((char *)options->key_file);
    free((char *)options->user);
    free((char *)options->password);
    free((char *)options->client_id);
    free((char *)options->will_topic);
    free((char *)options->will_payload);
    free((char *)options->content_type);
}

struct mqtt *mqtt_new(uv_loop_t *loop, const struct mqtt_options *options, mqtt_on_state on_state, void *data)
{
    struct mqtt *mqtt = memory_alloc(sizeof *mqtt);
    mqtt->loop = loop;
    copy_options(&mqtt->options, options);
    mqtt->on_state = on_state;
    mqtt->data = data;
    uv_timer_init(loop, &mqtt->timer);
    uv_timer_init(loop, &mqtt->tick);
    uv_timer_init(loop, &mqtt->grace);
    uv_idle_init(loop, &mqtt->later);
    mqtt->timer.data = mqtt->tick.data = mqtt->grace.data = mqtt->later.data = mqtt;
    mqtt->lookup = lookup_new(loop, mqtt->options.host, on_looked_up, mqtt);
    mqtt->open_parts = 5;
    return mqtt;
}

void mqtt_ask_before(struct mqtt *mqtt, bool (*may_connect)(void *data))
{
    mqtt->may_connect = may_connect;
}

void mqtt_ask_again(struct mqtt *mqtt)
{
    if (mqtt->held && !mqtt->closing)
        uv_timer_start(&mqtt->timer, on_retry, 0, 0);
}

// By way of the timer, so that no callback comes from inside.
void mqtt_start(struct mqtt *mqtt)
{
    assert(mqtt->phase == PHASE_IDLE && !mqtt->closing);
    mqtt->phase = PHASE_WAITING;
    uv_timer_start(&mqtt->timer, on_retry, 0, 0);
}

bool mqtt_is_up(const struct mqtt *mqtt)
{
    return mqtt->phase == PHASE_UP && !mqtt->closing && !mqtt_link_has_ended(mqtt->link);
}

size_t mqtt_free_slots(const struct mqtt *mqtt)
{
    return mqtt_is_up(mqtt) ? MQTT_WINDOW - mqtt_link_outstanding(mqtt->link) : 0;
}

int mqtt_publish(struct mqtt *mqtt, struct mqtt_message *message, struct error *err)
{
    if (!mqtt_is_up(mqtt))
        return error_set(err, "not connected to the MQTT broker");
    if (mqtt_free_slots(mqtt) == 0)
        return error_set(err, "%d messages wait for the MQTT broker", MQTT_WINDOW);
    return hand_over(mqtt, message, err);
}

void mqtt_subscribe(struct mqtt *mqtt, struct mqtt_subscription *subscription)
{
    if (!mqtt_is_up(mqtt))
        return;
    mqtt_link_subscribe(mqtt->link, subscription);
    if (mqtt_link_has_ended(mqtt->link))
        uv_idle_start(&mqtt->later, on_later);
}

void mqtt_unsubscribe(struct mqtt *mqtt, struct mqtt_subscription *subscription)
{
    if (!mqtt_is_up(mqtt))
        return;
    mqtt_link_unsubscribe(mqtt->link, subscription);
    if (mqtt_link_has_ended(mqtt->link))
        uv_idle_start(&mqtt->later, on_later);
}

// --- closing ---

static void on_part_closed(void *data)
{
    struct mqtt *mqtt = data;
    if (--mqtt->open_parts > 0)
        return;
    void (*on_closed)(void *) = mqtt->on_closed;
    void *closed_data = mqtt->closed_data;
    free_options(&mqtt->options);
    free(mqtt);
    on_closed(closed_data);
}

static void on_handle_closed(uv_handle_t *handle)
{
    on_part_closed(handle->data);
}

static void finish_close(struct mqtt *mqtt)
{
    if (mqtt->phase == PHASE_CLOSED)
        return;
    mqtt->phase = PHASE_CLOSED;
    drop_link(mqtt);
    uv_handle_t *handles[] = {(uv_handle_t *)&mqtt->timer, (uv_handle_t *)&mqtt->tick,
                              (uv_handle_t *)&mqtt->grace, (uv_handle_t *)&mqtt->later};
    for (size_t i = 0; i < sizeof handles / sizeof handles[0]; i++)
        uv_close(handles[i], on_handle_closed);
    lookup_close(mqtt->lookup, on_part_closed, mqtt);
}

static void on_grace_over(uv_timer_t *timer)
{
    finish_close(timer->data);
}

static void on_last_done(struct mqtt_message *message, enum mqtt_outcome outcome, const struct error *err)
{
    (void)message, (void)outcome, (void)err;
}

static int publish_last(struct mqtt *mqtt, const void *payload, size_t length)
{
    if (mqtt->options.will_topic == NULL)
        return 0;
    mqtt->last_message = (struct mqtt_message){.topic = mqtt->options.will_topic,
                                               .payload = payload,
                                               .length = length,
                                               .retain = true,
                                               .content_type = mqtt->options.content_type,
                                               .on_done = on_last_done};
    return hand_over(mqtt, &mqtt->last_message, NULL);
}

void mqtt_close(struct mqtt *mqtt, const void *last_payload, size_t last_length, int grace_ms,
                void (*on_closed)(void *data), void *data)
{
    assert(!mqtt->closing);
    bool up = mqtt_is_up(mqtt);
    mqtt->closing = true;
    mqtt->on_closed = on_closed;
    mqtt->closed_data = data;
    uv_timer_start(&mqtt->grace, on_grace_over, up ? (uint64_t)grace_ms : 0, 0);
    if (!up)
        return;
    if (publish_last(mqtt, last_payload, last_length) < 0)
        mqtt_link_end(mqtt->link, "the last message cannot be sent"); // then the broker publishes the will
    uv_idle_start(&mqtt->later, on_later);
}
