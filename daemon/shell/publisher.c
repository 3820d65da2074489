// SPDX-License-Identifier: MPL-2.0
//
// On each connection:
//   1. birth: the status, retained;
//   2. stream: transitions after the watermark, page by page, each as its event and then, where it says so,
//   the
//      retained state of its deadline; up to a window of messages outstanding;
//   3. announce, once the stream has caught up: the retained state of everything that needs attention,
//   because
//      the broker may have forgotten it. The stream waits meanwhile: a state that was read before a
//      transition and published after it would stay there for ever. Caught up first, so that states never go
//      backwards;
//   4. stream.
//
// The ring holds what is outstanding in the order of publishing. The watermark moves over its acknowledged
// prefix only.
//
// Ways to fail: the connection is lost: what was outstanding is forgotten and read again from the watermark
// after the next birth, so the last messages may come twice but never out of order. The broker refuses a
// message: the stream holds there and tries again, for ever if it may be mended at the broker (rights,
// quota), because order and completeness are what subscribers rely on. If it says that this message can never
// be taken (larger than it accepts), the stream goes on without it after PATIENCE tries; the journal keeps
// it, and subscribers see the gap in the sequence. The journal cannot be read: again in a second.
#include "shell/publisher.h"

#include "shell/log.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PAGE          500  // rows read at a time
#define SAVE_AFTER    500  // transitions, or
#define SAVE_AFTER_MS 1000 // since the first that is not saved, or when all is published
#define RETRY_MS      1000 // of the store; of a refused message at first; where the options say nothing else
#define RETRY_MAX_MS  60000
#define PATIENCE      6 // tries of a message that the broker can never take

enum mode { STREAM, ANNOUNCE };

// One message outstanding, or answered behind one that is not.
struct slot {
    struct mqtt_message message;
    struct publisher *publisher;
    int64_t number; // of its transition; 0: status or announcement
    bool last;      // of its transition
    bool acked;
};

struct page {
    struct arena arena;
    struct transition rows[PAGE];
    int count, next;
    int64_t through; // key of its last row; before that, what it was asked to begin after
};

struct publisher {
    uv_loop_t *loop;
    struct mqtt *mqtt;      // NULL: closed
    struct event_site site; // strings are ours
    char *boot_id;
    instant since;
    const struct publisher_store *store;
    void *store_self;
    void (*on_progress)(void *data);
    void *progress_data;

    enum mode mode;
    struct page page;
    bool birth_due, announce_due;
    const struct transition *state_due; // its event is out, its state not yet; in the page
    // Transitions: read, acknowledged without a gap, saved; -1 until the store was up for the first time.
    int64_t read_through, watermark, saved;

    struct slot ring[MQTT_WINDOW];
    unsigned head, used; // oldest slot, slots in use
    int outstanding;     // of these not yet answered
    bool rewind;         // when nothing is outstanding any more: back to the watermark
    // Up to here one message at a time. A transition that was refused is tried alone, lest what is behind it
    // comes again with each try. So are those where the connection was lost twice: some brokers end it after
    // a refusal, and the answer that says so comes through only when nothing was sent behind it.
    int64_t alone_through;
    int64_t lost_at; // where the watermark stood when the connection was lost last

    bool holding;           // the stream waits for retry_timer
    int64_t refused;        // the transition it waits for; 0: none
    int refusals;           // of it, in a row
    int64_t passed_over;    // the one that was given up
    struct error trouble;   // "": none
    uv_timer_t retry_timer; // for a refused message and for the store
    uint64_t retry_first_ms, retry_max_ms;

    struct publisher_read read;
    bool reading, read_is_stale, store_waits; // store_waits: for retry_timer
    int64_t last_at_read;
    bool saving;
    int64_t saving_number;
    uv_timer_t save_timer;

    bool was_up, closing, last_save_tried;
    int open_handles;
    struct buffer topic, payload; // scratch
    void (*on_closed)(void *data);
    void *closed_data;
};

static void pump(struct publisher *publisher);
static void finish_close(struct publisher *publisher);

// --- watermark ---

static int64_t last_transition(const struct publisher *publisher)
{
    return publisher->store->is_up(publisher->store_self) ? publisher->store->last(publisher->store_self) : 0;
}

static void on_saved(void *data, const struct error *err);

static void begin_save(struct publisher *publisher)
{
    uv_timer_stop(&publisher->save_timer);
    publisher->saving = true;
    publisher->saving_number = publisher->watermark;
    publisher->store->save_published(publisher->store_self, publisher->watermark, on_saved, publisher);
}

static void on_save_timer(uv_timer_t *timer)
{
    struct publisher *publisher = timer->data;
    if (!publisher->saving && publisher->watermark > publisher->saved)
        begin_save(publisher);
}

static void save_in_time(struct publisher *publisher)
{
    int64_t unsaved = publisher->watermark - publisher->saved;
    if (unsaved == 0 || publisher->saving || publisher->closing)
        return;
    if (unsaved >= SAVE_AFTER || publisher->watermark == last_transition(publisher))
        begin_save(publisher);
    else if (!uv_is_active((uv_handle_t *)&publisher->save_timer))
        uv_timer_start(&publisher->save_timer, on_save_timer, SAVE_AFTER_MS, 0);
}

static void on_saved(void *data, const struct error *err)
{
    struct publisher *publisher = data;
    publisher->saving = false;
    if (err == NULL)
        publisher->saved = publisher->saving_number;
    if (publisher->closing)
        finish_close(publisher);
    else if (err == NULL)
        save_in_time(publisher);
    else
        uv_timer_start(&publisher->save_timer, on_save_timer, SAVE_AFTER_MS, 0);
}

static void move_watermark(struct publisher *publisher)
{
    int64_t before = publisher->watermark;
    while (publisher->used > 0 && publisher->ring[publisher->head].acked) {
        const struct slot *slot = &publisher->ring[publisher->head];
        if (slot->last)
            publisher->watermark = slot->number;
        publisher->head = (publisher->head + 1) % MQTT_WINDOW;
        publisher->used--;
    }
    if (publisher->watermark == before)
        return;
    save_in_time(publisher);
    if (publisher->on_progress && !publisher->closing)
        publisher->on_progress(publisher->progress_data);
}

// --- going back, and refusals ---

static void back_to_watermark(struct publisher *publisher)
{
    publisher->rewind = false;
    publisher->head = publisher->used = 0;
    publisher->mode = STREAM;
    publisher->page.count = publisher->page.next = 0;
    publisher->state_due = NULL;
    publisher->read_through = publisher->watermark;
    publisher->read_is_stale = publisher->reading;
}

static void on_retry_timer(uv_timer_t *timer)
{
    struct publisher *publisher = timer->data;
    publisher->holding = publisher->store_waits = false;
    pump(publisher);
}

static uint64_t refusal_wait_ms(const struct publisher *publisher)
{
    uint64_t wait = publisher->retry_first_ms;
    for (int i = 1; i < publisher->refusals && wait < publisher->retry_max_ms; i++)
        wait *= 2;
    return wait < publisher->retry_max_ms ? wait : publisher->retry_max_ms;
}

// Status and announcements come again with the next connection; a transition must be published. Only the
// first one refused counts: those behind it are published again after it anyway.
static void refuse(struct publisher *publisher, int64_t number, enum mqtt_outcome outcome,
                   const struct error *why)
{
    if (number == 0) {
        log_line(LOG_LEVEL_ERROR, "mqtt", "status or retained state not published: %s", why->text);
        return;
    }
    if (publisher->rewind)
        return;
    publisher->rewind = true;
    publisher->refusals = number == publisher->refused ? publisher->refusals + 1 : 1;
    publisher->refused = number;
    publisher->alone_through = number;
    error_set(&publisher->trouble, "transition %lld is not published: %s", (long long)number, why->text);
    if (outcome == MQTT_UNFIT && publisher->refusals >= PATIENCE) {
        publisher->passed_over = number;
        log_line(LOG_LEVEL_ERROR, "mqtt", "%s; given up after %d tries, it stays in the journal",
                 publisher->trouble.text, publisher->refusals);
        return;
    }
    uint64_t wait = refusal_wait_ms(publisher);
    publisher->holding = true;
    uv_timer_start(&publisher->retry_timer, on_retry_timer, wait, 0);
    log_line(LOG_LEVEL_ERROR, "mqtt", "%s; nothing behind it is published before it; next try in %llu s",
             publisher->trouble.text, (unsigned long long)wait / 1000);
}

static void end_refusal(struct publisher *publisher)
{
    log_line(LOG_LEVEL_NOTICE, "mqtt", "publishing again after transition=%lld",
             (long long)publisher->refused);
    publisher->refused = 0;
    publisher->trouble.text[0] = '\0';
}

// --- messages ---

static struct slot *next_slot(struct publisher *publisher, int64_t number, bool last)
{
    assert(publisher->used < MQTT_WINDOW);
    struct slot *slot = &publisher->ring[(publisher->head + publisher->used) % MQTT_WINDOW];
    *slot = (struct slot){.publisher = publisher, .number = number, .last = last};
    return slot;
}

static void on_done(struct mqtt_message *message, enum mqtt_outcome outcome, const struct error *err)
{
    struct slot *slot = message->data;
    struct publisher *publisher = slot->publisher;
    publisher->outstanding--;
    if (outcome == MQTT_REFUSED || outcome == MQTT_UNFIT)
        refuse(publisher, slot->number, outcome, err);
    if (outcome == MQTT_LOST)
        publisher->rewind = true;
    slot->acked = outcome == MQTT_ACKED || (outcome != MQTT_LOST && slot->number == 0);
    move_watermark(publisher);
    if (publisher->refused && publisher->watermark >= publisher->refused)
        end_refusal(publisher);
    pump(publisher);
}

// Takes topic and payload from the scratch buffers.
static void publish(struct publisher *publisher, int64_t number, bool last, bool retain,
                    const char *content_type)
{
    struct slot *slot = next_slot(publisher, number, last);
    slot->message = (struct mqtt_message){.data = slot,
                                          .topic = publisher->topic.data,
                                          .payload = publisher->payload.data,
                                          .length = publisher->payload.length,
                                          .retain = retain,
                                          .content_type = content_type,
                                          .on_done = on_done};
    struct error err;
    if (mqtt_publish(publisher->mqtt, &slot->message, &err) == 0) {
        publisher->used++;
        publisher->outstanding++;
    } else if (mqtt_is_up(publisher->mqtt)) {
        refuse(publisher, number, MQTT_UNFIT, &err);
    } else {
        publisher->rewind = true;
    }
}

static void clear_scratch(struct publisher *publisher)
{
    buffer_clear(&publisher->topic);
    buffer_clear(&publisher->payload);
}

static void publish_birth(struct publisher *publisher)
{
    publisher->birth_due = false;
    clear_scratch(publisher);
    status_topic(&publisher->site, &publisher->topic);
    status_payload(&publisher->site, publisher->boot_id, true, publisher->since, &publisher->payload);
    publish(publisher, 0, false, true, STATUS_CONTENT_TYPE);
}

static void publish_event(struct publisher *publisher, const struct transition *transition)
{
    clear_scratch(publisher);
    event_topic(&publisher->site, transition, &publisher->topic);
    event_payload(&publisher->site, transition, &publisher->payload);
    publish(publisher, transition->number, transition->retained == RETAINED_UNCHANGED, false,
            EVENT_CONTENT_TYPE);
}

static void publish_state(struct publisher *publisher, const struct transition *transition, int64_t number)
{
    clear_scratch(publisher);
    state_topic(&publisher->site, transition, &publisher->topic);
    if (transition->retained == RETAINED_SET)
        state_payload(&publisher->site, transition, &publisher->payload);
    publish(publisher, number, number != 0, true,
            transition->retained == RETAINED_SET ? STATUS_CONTENT_TYPE : NULL);
}

static void publish_state_due(struct publisher *publisher)
{
    const struct transition *transition = publisher->state_due;
    publisher->state_due = NULL;
    publish_state(publisher, transition, transition->number);
}

static void publish_row(struct publisher *publisher, const struct transition *transition)
{
    if (publisher->mode == ANNOUNCE) {
        publish_state(publisher, transition, 0);
    } else if (transition->number == publisher->passed_over) {
        struct slot *slot = next_slot(publisher, transition->number, true);
        slot->acked = true;
        publisher->used++;
        move_watermark(publisher);
    } else {
        publish_event(publisher, transition);
        publisher->state_due = transition->retained != RETAINED_UNCHANGED ? transition : NULL;
    }
}

// --- pages ---

static void on_row(struct publisher_read *read, int64_t key, const struct transition *transition)
{
    struct publisher *publisher = read->data;
    if (publisher->read_is_stale || publisher->closing)
        return;
    struct page *page = &publisher->page;
    assert(page->count < PAGE && key > page->through);
    page->through = key;
    struct transition *row = &page->rows[page->count++];
    *row = *transition;
    row->case_id = arena_string(&page->arena, transition->case_id);
    row->subject = arena_string(&page->arena, transition->subject);
    row->unit = arena_string(&page->arena, transition->unit);
    row->rule = arena_string(&page->arena, transition->rule);
    row->code = arena_string(&page->arena, transition->code);
}

static void wait_for_store(struct publisher *publisher)
{
    publisher->store_waits = true;
    uv_timer_start(&publisher->retry_timer, on_retry_timer, publisher->retry_first_ms, 0);
}

static void on_read(struct publisher_read *read, const struct error *err)
{
    struct publisher *publisher = read->data;
    bool stale = publisher->read_is_stale;
    publisher->reading = publisher->read_is_stale = false;
    if (publisher->closing) {
        finish_close(publisher);
        return;
    }
    if (err) {
        publisher->rewind = true; // what has come of the page goes with it
        wait_for_store(publisher);
    } else if (!stale && publisher->mode == STREAM) {
        publisher->read_through = publisher->page.through;
        // Less than was promised: no reason to ask again at once.
        if (publisher->page.count < PAGE && publisher->read_through < publisher->last_at_read)
            wait_for_store(publisher);
    }
    pump(publisher);
}

static void begin_read(struct publisher *publisher, int64_t after)
{
    struct page *page = &publisher->page;
    page->count = page->next = 0;
    page->through = after;
    arena_reset(&page->arena);
    publisher->last_at_read = last_transition(publisher);
    publisher->read = (struct publisher_read){
        .data = publisher, .after = after, .limit = PAGE, .on_row = on_row, .on_done = on_read};
    const struct publisher_store *store = publisher->store;
    int rc = publisher->mode == STREAM
                 ? store->read_transitions(publisher->store_self, &publisher->read, NULL)
                 : store->read_attention(publisher->store_self, &publisher->read, NULL);
    publisher->reading = rc == 0;
    if (rc < 0) {
        publisher->rewind = true;
        wait_for_store(publisher);
    }
}

// The page is used up: reads the next one, or turns to what else is to be done. False: nothing more for now.
static bool turn_page(struct publisher *publisher)
{
    if (publisher->reading || publisher->store_waits || !publisher->store->is_up(publisher->store_self))
        return false;
    if (publisher->mode == ANNOUNCE) {
        if (publisher->page.count == PAGE) {
            begin_read(publisher, publisher->page.through);
            return false;
        }
        publisher->mode = STREAM;
        publisher->announce_due = false;
    }
    if (!publisher->holding && publisher->read_through < last_transition(publisher)) {
        begin_read(publisher, publisher->read_through);
    } else if (publisher->announce_due) {
        publisher->mode = ANNOUNCE;
        begin_read(publisher, 0);
    }
    return false;
}

// The watermark comes from the store once; from then on ours is the newer one.
static bool has_watermark(struct publisher *publisher)
{
    if (publisher->watermark < 0 && publisher->store->is_up(publisher->store_self))
        publisher->read_through = publisher->watermark = publisher->saved =
            publisher->store->published(publisher->store_self);
    return publisher->watermark >= 0;
}

static size_t free_slots(const struct publisher *publisher)
{
    size_t ring = MQTT_WINDOW - publisher->used, window = mqtt_free_slots(publisher->mqtt);
    return ring < window ? ring : window;
}

static void pump(struct publisher *publisher)
{
    while (!publisher->closing) {
        if (publisher->rewind && publisher->outstanding > 0)
            return;
        if (publisher->rewind)
            back_to_watermark(publisher);
        size_t slots = free_slots(publisher);
        if (slots == 0)
            return;
        struct page *page = &publisher->page;
        if (publisher->birth_due)
            publish_birth(publisher);
        else if (publisher->watermark < publisher->alone_through && publisher->used > 0)
            return;
        else if (publisher->state_due)
            publish_state_due(publisher);
        else if (page->next < page->count && slots < 2)
            return; // an event and its state go out together, so that nothing is half done when we are closed
        else if (page->next < page->count)
            publish_row(publisher, &page->rows[page->next++]);
        else if (!has_watermark(publisher) || !turn_page(publisher))
            return;
    }
}

// --- what the caller uses ---

static void come_up(struct publisher *publisher)
{
    publisher->birth_due = publisher->announce_due = true;
    if (publisher->refused == 0)
        publisher->trouble.text[0] = '\0';
    log_line(LOG_LEVEL_NOTICE, "mqtt", "connected, waiting=%lld", (long long)publisher_lag(publisher));
}

// Where a broker ends the connection after a refusal, the refusal is what the operator has to know.
static void go_down(struct publisher *publisher, const struct error *why)
{
    publisher->rewind = true;
    if (publisher->refused == 0)
        publisher->trouble = *why;
    if (publisher->was_up) {
        if (publisher->watermark - publisher->lost_at < MQTT_WINDOW)
            publisher->alone_through = publisher->watermark + MQTT_WINDOW;
        publisher->lost_at = publisher->watermark;
    }
    log_line(publisher->was_up ? LOG_LEVEL_WARNING : LOG_LEVEL_NOTICE, "mqtt", "%s", why->text);
}

static void on_state(void *data, bool up, const struct error *err)
{
    struct publisher *publisher = data;
    if (up)
        come_up(publisher);
    else
        go_down(publisher, err);
    publisher->was_up = up;
    pump(publisher);
}

static char *copy_string(const char *text)
{
    return text ? memory_copy(text, strlen(text)) : NULL;
}

static instant wall_clock(void)
{
    return time(NULL);
}

static struct mqtt *make_mqtt(struct publisher *publisher, const struct mqtt_options *given)
{
    struct mqtt_options options = *given;
    clear_scratch(publisher);
    status_topic(&publisher->site, &publisher->topic);
    status_payload(&publisher->site, publisher->boot_id, false, INSTANT_NONE, &publisher->payload);
    options.will_topic = publisher->topic.data;
    options.will_payload = publisher->payload.data;
    options.content_type = STATUS_CONTENT_TYPE;
    return mqtt_new(publisher->loop, &options, on_state, publisher);
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
    publisher->retry_first_ms = options->retry_first_ms > 0 ? (uint64_t)options->retry_first_ms : RETRY_MS;
    publisher->retry_max_ms = options->retry_max_ms > 0 ? (uint64_t)options->retry_max_ms : RETRY_MAX_MS;
    publisher->since = wall_clock();
    publisher->read_through = publisher->watermark = publisher->saved = -1;
    publisher->lost_at = -2 * MQTT_WINDOW; // never
    uv_timer_init(loop, &publisher->retry_timer);
    uv_timer_init(loop, &publisher->save_timer);
    publisher->retry_timer.data = publisher->save_timer.data = publisher;
    publisher->open_handles = 2;
    publisher->mqtt = make_mqtt(publisher, options);
    return publisher;
}

void publisher_start(struct publisher *publisher)
{
    mqtt_start(publisher->mqtt);
}

void publisher_wake(struct publisher *publisher)
{
    publisher->store_waits = false;
    pump(publisher);
}

int64_t publisher_lag(const struct publisher *publisher)
{
    if (!publisher->store->is_up(publisher->store_self))
        return 0;
    int64_t published =
        publisher->watermark >= 0 ? publisher->watermark : publisher->store->published(publisher->store_self);
    return publisher->store->last(publisher->store_self) - published;
}

void publisher_on_progress(struct publisher *publisher, void (*on_progress)(void *data), void *data)
{
    publisher->on_progress = on_progress;
    publisher->progress_data = data;
}

struct publisher_status publisher_status(const struct publisher *publisher)
{
    return (struct publisher_status){
        .up = publisher->mqtt && mqtt_is_up(publisher->mqtt),
        .published = publisher->watermark > 0 ? publisher->watermark : 0,
        .trouble = publisher->trouble.text[0] ? publisher->trouble.text : NULL,
    };
}

// --- closing ---

static void on_handle_closed(uv_handle_t *handle)
{
    struct publisher *publisher = handle->data;
    if (--publisher->open_handles > 0)
        return;
    void (*on_closed)(void *) = publisher->on_closed;
    void *data = publisher->closed_data;
    free((char *)publisher->site.site);
    free((char *)publisher->site.link);
    free(publisher->boot_id);
    arena_done(&publisher->page.arena);
    buffer_done(&publisher->topic);
    buffer_done(&publisher->payload);
    free(publisher);
    on_closed(data);
}

// Waits for the broker and the store, saves the watermark once more, and lets go.
static void finish_close(struct publisher *publisher)
{
    if (publisher->mqtt || publisher->reading || publisher->saving)
        return;
    if (publisher->watermark > publisher->saved && !publisher->last_save_tried) {
        publisher->last_save_tried = true;
        begin_save(publisher);
        return;
    }
    uv_close((uv_handle_t *)&publisher->retry_timer, on_handle_closed);
    uv_close((uv_handle_t *)&publisher->save_timer, on_handle_closed);
}

static void on_mqtt_closed(void *data)
{
    struct publisher *publisher = data;
    publisher->mqtt = NULL;
    finish_close(publisher);
}

void publisher_close(struct publisher *publisher, int grace_ms, void (*on_closed)(void *data), void *data)
{
    assert(!publisher->closing);
    publisher->closing = true;
    publisher->on_closed = on_closed;
    publisher->closed_data = data;
    uv_timer_stop(&publisher->retry_timer);
    uv_timer_stop(&publisher->save_timer);
    clear_scratch(publisher);
    status_payload(&publisher->site, publisher->boot_id, false, wall_clock(), &publisher->payload);
    mqtt_close(publisher->mqtt, publisher->payload.data, publisher->payload.length, grace_ms, on_mqtt_closed,
               publisher);
}
