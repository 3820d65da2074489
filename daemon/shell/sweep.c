// SPDX-License-Identifier: MPL-2.0
//
//   idle ──begin──▶ collecting ──start──▶ ledger ──all pages──▶ looking ──quiet──▶ idle
//                                           │ ▲                  │    ▲
//                                           └─┘ page by page     └────┘ again, when something was found
//
// Looked at QoS 0: a broker queues what is retained at QoS 1, and mosquitto throws away what is beyond the
// limit of that queue. Again, because there may be a limit for QoS 0, too.
//
// What stands is kept as a set of hashes, for as long as it takes; what is to be cleared, as a list with a
// bound. Whether a topic is to be cleared is asked again at the moment of clearing, and of striking it out:
// the stream may have begun to use it meanwhile.
#include "shell/sweep.h"

#include "core/memory.h"
#include "shell/event.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define PAGE      200
#define LIST_MAX  2000 // topics to clear at a time; what is beyond is found by looking again
#define LOOKS_MAX 1000 // in a row: against somebody who writes as fast as we clear

enum phase { PHASE_IDLE, PHASE_COLLECTING, PHASE_LEDGER, PHASE_LOOKING };

struct item {
    struct mqtt_message message;
    struct sweep *sweep;
    struct item *next;
    char topic[]; // its own memory ends with it
};

struct sweep {
    struct mqtt *mqtt;
    const struct publisher_store *store;
    void *store_self;
    char *filter;
    uint64_t quiet_ms;
    void (*on_done)(void *data, const struct sweep_result *result);
    void *data;

    enum phase phase;
    struct sweep_result result;
    uint64_t *expected; // open addressing; 0: free
    size_t expected_count, expected_capacity;

    struct item *waiting, **next_waiting, *answered;
    int item_count, outstanding;
    struct mqtt_subscription subscription;
    bool subscribed, quiet, more; // more: something was found, so there may be more
    int looks;
    uv_timer_t timer;

    struct ledger_read read;
    int64_t read_through;
    int page_count;
    bool reading, stale, more_pages; // stale: what is being read is of no use any more
    struct publisher_write write;
    bool writing;

    bool closing;
    void (*on_closed)(void *data);
    void *closed_data;
};

static void step(struct sweep *sweep);

// --- what has to stand ---

#define HASH_FREE 0
#define HASH_GONE 1

static uint64_t hash_of(const char *topic)
{
    uint64_t hash = event_topic_hash(topic);
    return hash <= HASH_GONE ? HASH_GONE + 1 : hash;
}

static uint64_t *slot_of(const struct sweep *sweep, uint64_t hash)
{
    size_t mask = sweep->expected_capacity - 1, at = hash & mask;
    while (sweep->expected[at] != HASH_FREE && sweep->expected[at] != hash)
        at = (at + 1) & mask;
    return &sweep->expected[at];
}

static bool is_expected(const struct sweep *sweep, const char *topic)
{
    return sweep->expected_capacity > 0 && *slot_of(sweep, hash_of(topic)) != HASH_FREE;
}

static void make_room(struct sweep *sweep)
{
    if (2 * (sweep->expected_count + 1) <= sweep->expected_capacity)
        return;
    uint64_t *old = sweep->expected;
    size_t old_capacity = sweep->expected_capacity;
    sweep->expected_capacity = old_capacity ? 2 * old_capacity : 64;
    sweep->expected = memory_alloc(sweep->expected_capacity * sizeof *sweep->expected);
    sweep->expected_count = 0;
    for (size_t i = 0; i < old_capacity; i++)
        if (old[i] > HASH_GONE) {
            *slot_of(sweep, old[i]) = old[i];
            sweep->expected_count++;
        }
    free(old);
}

void sweep_expect(struct sweep *sweep, const char *topic, bool stands)
{
    if (sweep->phase == PHASE_IDLE)
        return;
    make_room(sweep);
    uint64_t hash = hash_of(topic), *slot = slot_of(sweep, hash);
    if (stands && *slot == HASH_FREE) {
        *slot = hash;
        sweep->expected_count++; // those that are gone count until the next make_room
    } else if (!stands && *slot == hash) {
        *slot = HASH_GONE;
    }
}

// --- clearing ---

static void drop_items(struct item *first)
{
    for (struct item *item = first, *next; item; item = next) {
        next = item->next;
        free(item);
    }
}

static void drop_lists(struct sweep *sweep)
{
    drop_items(sweep->waiting);
    drop_items(sweep->answered);
    sweep->waiting = sweep->answered = NULL;
    sweep->next_waiting = &sweep->waiting;
    sweep->item_count = sweep->outstanding;
}

static void add_item(struct sweep *sweep, const char *topic)
{
    if (is_expected(sweep, topic))
        return;
    sweep->more = true;
    if (sweep->item_count >= LIST_MAX)
        return;
    struct item *item = memory_alloc(sizeof *item + strlen(topic) + 1);
    memcpy(item->topic, topic, strlen(topic) + 1);
    item->sweep = sweep;
    *sweep->next_waiting = item;
    sweep->next_waiting = &item->next;
    sweep->item_count++;
}

static struct item *take_waiting(struct sweep *sweep)
{
    struct item *item = sweep->waiting;
    if (item)
        sweep->waiting = item->next;
    if (sweep->waiting == NULL)
        sweep->next_waiting = &sweep->waiting;
    return item;
}

static void on_cleared(struct mqtt_message *message, enum mqtt_outcome outcome, const struct error *err)
{
    (void)err;
    struct item *item = message->data;
    struct sweep *sweep = item->sweep;
    sweep->outstanding--;
    bool good = outcome == MQTT_ACKED && sweep->phase >= PHASE_LEDGER;
    sweep->result.cleared += good;
    sweep->result.refused += outcome == MQTT_REFUSED || outcome == MQTT_UNFIT;
    if (good) {
        item->next = sweep->answered;
        sweep->answered = item;
    } else {
        free(item);
        sweep->item_count--;
    }
    step(sweep);
}

static void publish_clear(struct sweep *sweep, struct item *item)
{
    item->message =
        (struct mqtt_message){.data = item, .topic = item->topic, .retain = true, .on_done = on_cleared};
    if (!is_expected(sweep, item->topic) && mqtt_publish(sweep->mqtt, &item->message, NULL) == 0) {
        sweep->outstanding++;
        return;
    }
    free(item);
    sweep->item_count--;
}

// --- striking out of the ledger ---

static void on_forgotten(struct publisher_write *write, const struct error *err)
{
    (void)err; // the topic is cleared once more the next time
    struct sweep *sweep = write->data;
    sweep->writing = false;
    step(sweep);
}

static void forget_answered(struct sweep *sweep)
{
    const char *topics[LIST_MAX];
    size_t count = 0;
    for (struct item *item = sweep->answered; item; item = item->next)
        if (!is_expected(sweep, item->topic))
            topics[count++] = item->topic;
    if (count > 0 && sweep->store) {
        sweep->writing = true;
        sweep->write = (struct publisher_write){
            .data = sweep, .forgotten = topics, .forgotten_count = count, .on_done = on_forgotten};
        sweep->store->write(sweep->store_self, &sweep->write);
    }
    drop_items(sweep->answered);
    sweep->answered = NULL;
    sweep->item_count = 0;
}

// --- the ledger ---

static void on_topic(struct ledger_read *read, int64_t key, const char *topic)
{
    struct sweep *sweep = read->data;
    if (sweep->stale)
        return;
    sweep->page_count++;
    sweep->read_through = key;
    add_item(sweep, topic);
}

static void on_ledger_read(struct ledger_read *read, const struct error *err)
{
    struct sweep *sweep = read->data;
    if (!sweep->stale) {
        sweep->result.failed = err != NULL;
        sweep->more_pages = err == NULL && sweep->page_count == PAGE;
    }
    sweep->reading = sweep->stale = false;
    step(sweep);
}

static bool read_page(struct sweep *sweep)
{
    if (sweep->store == NULL)
        return false;
    sweep->page_count = 0;
    sweep->read = (struct ledger_read){.data = sweep,
                                       .after = sweep->read_through,
                                       .limit = PAGE,
                                       .on_topic = on_topic,
                                       .on_done = on_ledger_read};
    sweep->reading = sweep->store->read_ledger(sweep->store_self, &sweep->read, NULL) == 0;
    sweep->result.failed = !sweep->reading;
    return sweep->reading;
}

// --- looking ---

static void on_quiet(uv_timer_t *timer)
{
    struct sweep *sweep = timer->data;
    sweep->quiet = true;
    step(sweep);
}

static void on_message(struct mqtt_subscription *subscription, const struct mqtt_incoming *message)
{
    struct sweep *sweep = subscription->data;
    if (!message->retained || message->length == 0)
        return;
    uv_timer_start(&sweep->timer, on_quiet, sweep->quiet_ms, 0);
    add_item(sweep, message->topic);
    step(sweep);
}

// What is retained comes behind the answer.
static void on_answered(struct mqtt_subscription *subscription, const struct error *err)
{
    struct sweep *sweep = subscription->data;
    sweep->result.unseen = err != NULL;
    sweep->subscribed = err == NULL;
    uv_timer_start(&sweep->timer, on_quiet, err ? 0 : sweep->quiet_ms, 0);
}

static void stop_looking(struct sweep *sweep)
{
    uv_timer_stop(&sweep->timer);
    if (sweep->subscribed)
        mqtt_unsubscribe(sweep->mqtt, &sweep->subscription);
    sweep->subscribed = false;
}

static void look(struct sweep *sweep)
{
    sweep->phase = PHASE_LOOKING;
    sweep->quiet = sweep->more = false;
    sweep->looks++;
    sweep->subscribed = true;
    sweep->subscription = (struct mqtt_subscription){.data = sweep,
                                                     .filter = sweep->filter,
                                                     .with_retained = true,
                                                     .on_message = on_message,
                                                     .on_answered = on_answered};
    mqtt_subscribe(sweep->mqtt, &sweep->subscription);
}

// --- the whole ---

static void drop_expected(struct sweep *sweep)
{
    free(sweep->expected);
    sweep->expected = NULL;
    sweep->expected_count = sweep->expected_capacity = 0;
}

static void become_idle(struct sweep *sweep)
{
    stop_looking(sweep);
    drop_lists(sweep);
    drop_expected(sweep);
    sweep->phase = PHASE_IDLE;
    sweep->stale = sweep->reading;
}

static void finish(struct sweep *sweep)
{
    struct sweep_result result = sweep->result;
    become_idle(sweep);
    sweep->on_done(sweep->data, &result);
}

// What is to be done when nothing is left of the page, or of what was seen.
static void next_part(struct sweep *sweep)
{
    if (sweep->phase == PHASE_LEDGER) {
        if (!sweep->more_pages || !read_page(sweep))
            look(sweep);
    } else if (sweep->quiet) {
        stop_looking(sweep);
        if (sweep->more && sweep->looks < LOOKS_MAX)
            look(sweep);
        else
            finish(sweep);
    }
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct sweep *sweep = handle->data;
    void (*on_closed)(void *) = sweep->on_closed;
    void *data = sweep->closed_data;
    free(sweep->filter);
    free(sweep);
    on_closed(data);
}

static void step(struct sweep *sweep)
{
    if (sweep->closing) {
        if (!sweep->reading && !sweep->writing && !uv_is_closing((uv_handle_t *)&sweep->timer))
            uv_close((uv_handle_t *)&sweep->timer, on_timer_closed);
        return;
    }
    if (sweep->phase < PHASE_LEDGER)
        return;
    while (sweep->waiting && sweep->outstanding < SWEEP_WINDOW && mqtt_free_slots(sweep->mqtt) > 0)
        publish_clear(sweep, take_waiting(sweep));
    if (sweep->waiting || sweep->outstanding > 0 || sweep->reading || sweep->writing)
        return;
    if (sweep->answered)
        forget_answered(sweep);
    if (!sweep->writing)
        next_part(sweep);
}

// --- what the caller uses ---

struct sweep *sweep_new(uv_loop_t *loop, struct mqtt *mqtt, const struct publisher_store *store,
                        void *store_self, const char *filter, int quiet_ms,
                        void (*on_done)(void *data, const struct sweep_result *result), void *data)
{
    struct sweep *sweep = memory_alloc(sizeof *sweep);
    sweep->mqtt = mqtt;
    sweep->store = store;
    sweep->store_self = store_self;
    sweep->filter = memory_copy(filter, strlen(filter));
    sweep->quiet_ms = (uint64_t)quiet_ms;
    sweep->on_done = on_done;
    sweep->data = data;
    sweep->next_waiting = &sweep->waiting;
    uv_timer_init(loop, &sweep->timer);
    sweep->timer.data = sweep;
    return sweep;
}

void sweep_begin(struct sweep *sweep)
{
    become_idle(sweep);
    sweep->phase = PHASE_COLLECTING;
}

void sweep_start(struct sweep *sweep)
{
    assert(sweep->phase == PHASE_COLLECTING);
    sweep->phase = PHASE_LEDGER;
    sweep->result = (struct sweep_result){0};
    sweep->read_through = 0;
    sweep->looks = 0;
    sweep->more_pages = true;
    step(sweep);
}

void sweep_stop(struct sweep *sweep)
{
    become_idle(sweep);
}

void sweep_close(struct sweep *sweep, void (*on_closed)(void *data), void *data)
{
    sweep->mqtt = NULL;
    sweep->subscribed = false;
    become_idle(sweep);
    sweep->closing = true;
    sweep->on_closed = on_closed;
    sweep->closed_data = data;
    step(sweep);
}
