// SPDX-License-Identifier: MPL-2.0
//
// On each connection:
//   1. birth: the status, retained;
//   2. stream: transitions after the watermark, page by page, each as its event and then, where it says so,
//      the retained state of its deadline; up to a window of messages outstanding. The next page is read
//      while this one goes out;
//   3. announce, once the stream has caught up: the retained state of everything that needs attention,
//      because the broker may have forgotten it. The stream waits meanwhile: a state that was read before a
//      transition and published after it would stay there for ever. Caught up first, so that states never go
//      backwards. Then the sweep begins: what is retained beside that is cleared;
//   4. stream.
//
// The ring holds what is outstanding in the order of publishing. The watermark moves over its acknowledged
// prefix only.
//
// The ledger knows every topic that may be retained: a topic is written down before it is used first, and
// leaves the ledger together with the watermark that says that it was cleared.
//
// The status is watched: the will of an earlier run, which the broker may send late, or anybody else's
// message there is followed by another birth.
//
// Ways to fail: the connection is lost: what was outstanding is forgotten and read again from the watermark
// after the next birth, so the last messages may come twice but never out of order. The broker refuses a
// message: the stream holds there and tries again, for ever if it may be mended at the broker (rights,
// quota), because order and completeness are what subscribers rely on. If it says that this message can never
// be taken (larger than it accepts), the stream goes on without it after PATIENCE tries; the journal keeps
// it, and subscribers see the gap in the sequence. The journal cannot be read: again in a second.
#include "shell/publisher.h"

#include "shell/publisher_reports.h"

#include "shell/log.h"
#include "shell/publisher_page.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define STREAM_WINDOW (MQTT_WINDOW - SWEEP_WINDOW - REPLAYER_WINDOW) // its messages outstanding
#define SAVE_AFTER    2000                                           // transitions, or
#define SAVE_AFTER_MS 1000 // since the first that is not saved, or when all is published
#define RETRY_MS      1000 // of the store; of a refused message at first; where the options say nothing else
#define RETRY_MAX_MS  60000
#define PATIENCE      6    // tries of a message that the broker can never take
#define QUIET_MS      2000 // without a retained message: there are no more

enum mode { STREAM, ANNOUNCE };

// One message outstanding, or answered behind one that is not.
struct slot {
    struct mqtt_message message;
    struct publisher *publisher;
    int64_t number; // of its transition; 0: status or announcement
    bool last;      // of its transition
    bool acked;
};

struct publisher {
    uv_loop_t *loop;
    struct mqtt *mqtt; // NULL: closed
    struct sweep *sweep;
    struct replayer *replayer;
    struct event_site site; // strings are ours
    char *boot_id;
    instant since;
    const struct publisher_store *store;
    void *store_self;
    void (*on_progress)(void *data);
    void *progress_data;

    enum mode mode;
    struct publisher_page pages[2];
    struct publisher_page *page, *next_page; // next: being read, or waiting
    bool birth_due, announce_due;
    struct publisher_reports reports;
    const struct publisher_row *state_due; // its event is out, its state not yet; in the page
    struct clearing clearing;
    char *status; // topic
    struct mqtt_subscription status_subscription;
    uv_timer_t birth_timer;
    struct publisher_write status_note;
    bool status_noting, status_noted, rival_seen;
    // Transitions: read, acknowledged without a gap, saved; -1 until the store was up for the first time.
    int64_t read_through, watermark, saved;

    struct slot ring[STREAM_WINDOW];
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
    struct publisher_write save;
    uv_timer_t save_timer;

    struct sweep_result swept; // in all
    int64_t sweeps;

    bool was_up, closing, last_save_tried, letting_go;
    int open_parts;
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

static void on_saved(struct publisher_write *write, const struct error *err);

static void begin_save(struct publisher *publisher)
{
    uv_timer_stop(&publisher->save_timer);
    publisher->saving = true;
    const char **cleared;
    size_t count = clearing_begin_write(&publisher->clearing, publisher->watermark, &cleared);
    publisher->save = (struct publisher_write){.data = publisher,
                                               .published = publisher->watermark,
                                               .forgotten = cleared,
                                               .forgotten_count = count,
                                               .on_done = on_saved};
    publisher->store->write(publisher->store_self, &publisher->save);
    free(cleared);
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

static void on_saved(struct publisher_write *write, const struct error *err)
{
    struct publisher *publisher = write->data;
    publisher->saving = false;
    clearing_end_write(&publisher->clearing, err == NULL);
    if (err == NULL)
        publisher->saved = write->published;
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
        publisher->head = (publisher->head + 1) % STREAM_WINDOW;
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
    publisher->announce_due |= publisher->mode == ANNOUNCE;
    publisher->mode = STREAM;
    for (int i = 0; i < 2; i++)
        publisher->pages[i].count = publisher->pages[i].next = 0;
    publisher->state_due = NULL;
    publisher->read_through = publisher->watermark;
    publisher->read_is_stale = publisher->reading;
    clearing_rewind(&publisher->clearing, publisher->watermark);
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
    assert(publisher->used < STREAM_WINDOW);
    struct slot *slot = &publisher->ring[(publisher->head + publisher->used) % STREAM_WINDOW];
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

// Takes topic and payload from the scratch buffers, the rest from the model.
static void publish(struct publisher *publisher, int64_t number, bool last, const struct mqtt_message *model)
{
    struct slot *slot = next_slot(publisher, number, last);
    slot->message = *model;
    slot->message.data = slot;
    slot->message.topic = publisher->topic.data;
    slot->message.payload = publisher->payload.data;
    slot->message.length = publisher->payload.length;
    slot->message.on_done = on_done;
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

static void publish_event(struct publisher *publisher, const struct transition *transition)
{
    const struct event_site *site = &publisher->site;
    struct event_attributes attributes;
    struct mqtt_message model = {.content_type = event_content_type(site), .expiry_s = site->expiry_s};
    clear_scratch(publisher);
    event_topic(site, transition, &publisher->topic);
    event_payload(site, transition, &publisher->payload);
    if (site->binary) {
        event_attributes(site, transition, &attributes);
        model.properties = attributes.list;
        model.property_count = attributes.count;
    }
    publish(publisher, transition->number, transition->retained == RETAINED_UNCHANGED, &model);
}

static void publish_state(struct publisher *publisher, const struct publisher_row *row, int64_t number)
{
    clear_scratch(publisher);
    state_topic(&publisher->site, row->has_state ? &row->state : &row->transition, &publisher->topic);
    if (row->has_state)
        state_payload(&publisher->site, &row->state, &publisher->payload);
    struct mqtt_message model = {.retain = true, .content_type = row->has_state ? STATUS_CONTENT_TYPE : NULL};
    publish(publisher, number, number != 0, &model);
}

static void publish_state_due(struct publisher *publisher)
{
    const struct publisher_row *row = publisher->state_due;
    publisher->state_due = NULL;
    publish_state(publisher, row, row->transition.number);
}

static void publish_row(struct publisher *publisher, const struct publisher_row *row)
{
    const struct transition *transition = &row->transition;
    if (publisher->mode == ANNOUNCE) {
        publish_state(publisher, row, 0);
    } else if (transition->number == publisher->passed_over) {
        struct slot *slot = next_slot(publisher, transition->number, true);
        slot->acked = true;
        publisher->used++;
        move_watermark(publisher);
    } else {
        publish_event(publisher, transition);
        publisher->state_due = transition->retained != RETAINED_UNCHANGED ? row : NULL;
    }
}

// --- status ---

static void on_status_noted(struct publisher_write *write, const struct error *err)
{
    struct publisher *publisher = write->data;
    publisher->status_noting = false;
    publisher->status_noted = err == NULL;
    finish_close(publisher);
}

// For the day when the site is renamed or removed.
static void note_status(struct publisher *publisher)
{
    if (publisher->status_noted || publisher->status_noting)
        return;
    publisher->status_noting = true;
    publisher->status_note = (struct publisher_write){.data = publisher,
                                                      .noted = (const char *const *)&publisher->status,
                                                      .noted_count = 1,
                                                      .on_done = on_status_noted};
    publisher->store->write(publisher->store_self, &publisher->status_note);
}

static void publish_birth(struct publisher *publisher)
{
    publisher->birth_due = false;
    clear_scratch(publisher);
    buffer_add_string(&publisher->topic, publisher->status);
    status_payload(&publisher->site, publisher->boot_id, true, publisher->since, &publisher->payload);
    publish(publisher, 0, false, &(struct mqtt_message){.retain = true, .content_type = STATUS_CONTENT_TYPE});
}

// Like the status it comes again with the next connection.
static void publish_report(struct publisher *publisher, const struct publisher_report *report)
{
    clear_scratch(publisher);
    buffer_add_string(&publisher->topic, report->topic);
    if (report->json)
        buffer_add_string(&publisher->payload, report->json);
    publish(
        publisher, 0, false,
        &(struct mqtt_message){.retain = true, .content_type = report->json ? STATUS_CONTENT_TYPE : NULL});
}

static void on_birth_timer(uv_timer_t *timer)
{
    struct publisher *publisher = timer->data;
    publisher->birth_due = publisher->was_up;
    pump(publisher);
}

static bool contains(const struct mqtt_incoming *message, const char *text)
{
    size_t length = message->length < MQTT_INCOMING_MAX ? message->length : MQTT_INCOMING_MAX;
    return length > 0 && memmem(message->payload, length, text, strlen(text)) != NULL;
}

// Two that live would answer each other for ever; so only what is not alive is answered, and not at once.
static void on_status(struct mqtt_subscription *subscription, const struct mqtt_incoming *message)
{
    struct publisher *publisher = subscription->data;
    if (contains(message, publisher->boot_id))
        return;
    if (contains(message, "\"status\":\"online\"") && !message->retained) {
        if (!publisher->rival_seen)
            log_line(LOG_LEVEL_ERROR, "mqtt",
                     "another fristd publishes as site %s; give each a name of its own",
                     publisher->site.site);
        publisher->rival_seen = true;
    } else if (!uv_is_active((uv_handle_t *)&publisher->birth_timer)) {
        uv_timer_start(&publisher->birth_timer, on_birth_timer, publisher->retry_first_ms, 0);
    }
}

// Behind the birth, so that what comes is somebody else's.
static void watch_status(struct publisher *publisher)
{
    publisher->status_subscription = (struct mqtt_subscription){
        .data = publisher, .filter = publisher->status, .with_retained = true, .on_message = on_status};
    mqtt_subscribe(publisher->mqtt, &publisher->status_subscription);
}

// --- pages ---

static void wait_for_store(struct publisher *publisher)
{
    publisher->store_waits = true;
    uv_timer_start(&publisher->retry_timer, on_retry_timer, publisher->retry_first_ms, 0);
}

static void on_noted(struct publisher_write *write, const struct error *err)
{
    struct publisher_page *page = write->data;
    struct publisher *publisher = page->data;
    page->noting = false;
    if (publisher->closing) {
        finish_close(publisher);
        return;
    }
    if (err) {
        publisher->rewind = true;
        wait_for_store(publisher);
    }
    pump(publisher);
}

// In the order of reading; what a page sets goes into the ledger before any of it is published.
static void note_page(struct publisher *publisher, struct publisher_page *page)
{
    if (page->noted_count == 0)
        return;
    page->noting = true;
    page->note = (struct publisher_write){
        .data = page, .noted = page->noted, .noted_count = page->noted_count, .on_done = on_noted};
    publisher->store->write(publisher->store_self, &page->note);
}

static void on_row(struct publisher_read *read, int64_t key, const struct transition *transition,
                   const struct transition *state)
{
    struct publisher *publisher = read->data;
    if (publisher->read_is_stale || publisher->closing)
        return;
    const char *topic = publisher_page_add(publisher->next_page, &publisher->site, key, transition, state);
    if (topic == NULL)
        return;
    sweep_expect(publisher->sweep, topic, state != NULL);
    if (state)
        clearing_remove(&publisher->clearing, topic);
    else
        clearing_add(&publisher->clearing, topic, transition->number);
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
    struct publisher_page *page = publisher->next_page;
    if (err) {
        publisher->rewind = true; // what has come of the page goes with it
        wait_for_store(publisher);
    } else if (!stale) {
        note_page(publisher, page);
        if (publisher->mode == STREAM) {
            publisher->read_through = page->through;
            // Less than was promised: no reason to ask again at once.
            if (page->count < PUBLISHER_PAGE && page->through < publisher->last_at_read)
                wait_for_store(publisher);
        }
    }
    pump(publisher);
}

static bool may_read(const struct publisher *publisher)
{
    return !publisher->reading && !publisher->store_waits && !publisher->next_page->noting &&
           publisher->store->is_up(publisher->store_self);
}

static void begin_read(struct publisher *publisher, int64_t after)
{
    publisher_page_begin(publisher->next_page, after);
    publisher->last_at_read = last_transition(publisher);
    publisher->read = (struct publisher_read){
        .data = publisher, .after = after, .limit = PUBLISHER_PAGE, .on_row = on_row, .on_done = on_read};
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

// While the page goes out the one behind it is read.
static void read_ahead(struct publisher *publisher)
{
    if (publisher->mode == STREAM && publisher->next_page->count == 0 && !publisher->holding &&
        may_read(publisher) && publisher->read_through < last_transition(publisher))
        begin_read(publisher, publisher->read_through);
}

static void begin_announcement(struct publisher *publisher)
{
    publisher->mode = ANNOUNCE;
    publisher->announce_due = false;
    publisher->page->through = 0;
    publisher->page->count = PUBLISHER_PAGE; // as if there had been a page before the first
    publisher->page->next = PUBLISHER_PAGE;
    sweep_begin(publisher->sweep);
    sweep_expect(publisher->sweep, publisher->status, true);
    for (size_t i = 0; i < publisher->reports.count; i++)
        sweep_expect(publisher->sweep, publisher->reports.reports[i].topic,
                     publisher->reports.reports[i].json != NULL);
    publisher_reports_again(&publisher->reports);
}

static void end_announcement(struct publisher *publisher)
{
    publisher->mode = STREAM;
    sweep_start(publisher->sweep);
}

// The page is used up: takes the next one, or turns to what else is to be done. False: nothing more for now.
static bool turn_page(struct publisher *publisher)
{
    struct publisher_page *old = publisher->page;
    if (publisher->reading)
        return false;
    if (publisher->next_page->count > 0) {
        publisher->page = publisher->next_page;
        publisher->next_page = old;
        old->count = old->next = 0;
        read_ahead(publisher);
        return true;
    }
    if (!may_read(publisher))
        return false;
    if (publisher->mode == ANNOUNCE && old->count == PUBLISHER_PAGE) {
        begin_read(publisher, old->through);
        old->count = old->next = 0;
        return false;
    }
    if (publisher->mode == ANNOUNCE)
        end_announcement(publisher);
    if (!publisher->holding && publisher->read_through < last_transition(publisher)) {
        begin_read(publisher, publisher->read_through);
        return false;
    }
    if (publisher->announce_due)
        begin_announcement(publisher);
    return publisher->mode == ANNOUNCE;
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
    size_t ring = STREAM_WINDOW - publisher->used, window = mqtt_free_slots(publisher->mqtt);
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
        struct publisher_page *page = publisher->page;
        const struct publisher_report *report;
        if (publisher->birth_due)
            publish_birth(publisher);
        else if ((report = publisher_reports_next(&publisher->reports)))
            publish_report(publisher, report);
        else if (publisher->watermark < publisher->alone_through && publisher->used > 0)
            return;
        else if (publisher->state_due && page->noting)
            return;
        else if (publisher->state_due)
            publish_state_due(publisher);
        else if (page->next < page->count && page->noting && publisher->mode == ANNOUNCE)
            return;
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
    publisher_reports_again(&publisher->reports);
    publisher->rival_seen = false;
    if (publisher->refused == 0)
        publisher->trouble.text[0] = '\0';
    log_line(LOG_LEVEL_NOTICE, "mqtt", "connected, waiting=%lld", (long long)publisher_lag(publisher));
}

// Where a broker ends the connection after a refusal, the refusal is what the operator has to know.
static void go_down(struct publisher *publisher, const struct error *why)
{
    publisher->rewind = true;
    sweep_stop(publisher->sweep);
    replayer_forget(publisher->replayer);
    if (publisher->refused == 0)
        publisher->trouble = *why;
    if (publisher->was_up) {
        if (publisher->watermark - publisher->lost_at < STREAM_WINDOW)
            publisher->alone_through = publisher->watermark + STREAM_WINDOW;
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
    if (!up)
        return;
    note_status(publisher);
    watch_status(publisher);
    replayer_listen(publisher->replayer);
}

static bool may_connect(void *data)
{
    const struct publisher *publisher = data;
    return publisher->store->is_up(publisher->store_self);
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
    return publisher->watermark > 0 ? publisher->watermark : 0;
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
    status_payload(&publisher->site, publisher->boot_id, false, INSTANT_NONE, &publisher->payload);
    options.will_topic = publisher->status;
    options.will_payload = publisher->payload.data;
    options.content_type = STATUS_CONTENT_TYPE;
    return mqtt_new(publisher->loop, &options, on_state, publisher);
}

static void make_parts(struct publisher *publisher, const struct mqtt_options *options)
{
    clear_scratch(publisher);
    status_topic(&publisher->site, &publisher->topic);
    publisher->status = copy_string(publisher->topic.data);
    publisher->mqtt = make_mqtt(publisher, options);
    mqtt_ask_before(publisher->mqtt, may_connect);
    clear_scratch(publisher);
    buffer_format(&publisher->topic, "fristd/v1/%s/deadline/#", publisher->site.site);
    publisher->sweep = sweep_new(publisher->loop, publisher->mqtt, publisher->store, publisher->store_self,
                                 publisher->topic.data, QUIET_MS, on_swept, publisher);
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
    publisher->retry_first_ms = options->retry_first_ms > 0 ? (uint64_t)options->retry_first_ms : RETRY_MS;
    publisher->retry_max_ms = options->retry_max_ms > 0 ? (uint64_t)options->retry_max_ms : RETRY_MAX_MS;
    publisher->since = wall_clock();
    publisher->read_through = publisher->watermark = publisher->saved = -1;
    publisher->lost_at = -2 * STREAM_WINDOW; // never
    for (int i = 0; i < 2; i++)
        publisher->pages[i].data = publisher;
    publisher->page = &publisher->pages[0];
    publisher->next_page = &publisher->pages[1];
    uv_timer_init(loop, &publisher->retry_timer);
    uv_timer_init(loop, &publisher->save_timer);
    uv_timer_init(loop, &publisher->birth_timer);
    publisher->retry_timer.data = publisher->save_timer.data = publisher->birth_timer.data = publisher;
    make_parts(publisher, options);
    return publisher;
}

void publisher_start(struct publisher *publisher)
{
    mqtt_start(publisher->mqtt);
}

void publisher_wake(struct publisher *publisher)
{
    publisher->store_waits = false;
    if (publisher->mqtt)
        mqtt_ask_again(publisher->mqtt);
    pump(publisher);
}

void publisher_announce(struct publisher *publisher)
{
    publisher->announce_due = true;
    pump(publisher);
}

void publisher_set_report(struct publisher *publisher, const char *report, const char *json)
{
    const char *topic = publisher_reports_set(&publisher->reports, publisher->site.site, report, json);
    if (topic == NULL)
        return;
    sweep_expect(publisher->sweep, topic, json != NULL);
    if (publisher->was_up)
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
    publisher_reports_done(&publisher->reports);
    free(publisher->boot_id);
    free(publisher->status);
    for (int i = 0; i < 2; i++)
        publisher_page_done(&publisher->pages[i]);
    clearing_done(&publisher->clearing);
    buffer_done(&publisher->topic);
    buffer_done(&publisher->payload);
    free(publisher);
    on_closed(closed_data);
}

static void on_handle_closed(uv_handle_t *handle)
{
    on_part_closed(handle->data);
}

// Waits for the broker and the store, saves the watermark once more, and lets go.
static void finish_close(struct publisher *publisher)
{
    bool noting = publisher->pages[0].noting || publisher->pages[1].noting || publisher->status_noting;
    if (!publisher->closing || publisher->mqtt || publisher->reading || publisher->saving || noting ||
        publisher->letting_go)
        return;
    if (publisher->watermark > publisher->saved && !publisher->last_save_tried) {
        publisher->last_save_tried = true;
        begin_save(publisher);
        return;
    }
    publisher->letting_go = true;
    uv_handle_t *handles[] = {(uv_handle_t *)&publisher->retry_timer, (uv_handle_t *)&publisher->save_timer,
                              (uv_handle_t *)&publisher->birth_timer};
    publisher->open_parts = 2 + sizeof handles / sizeof handles[0];
    for (size_t i = 0; i < sizeof handles / sizeof handles[0]; i++)
        uv_close(handles[i], on_handle_closed);
    sweep_close(publisher->sweep, on_part_closed, publisher);
    replayer_close(publisher->replayer, on_part_closed, publisher);
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
    uv_timer_stop(&publisher->birth_timer);
    sweep_stop(publisher->sweep);
    replayer_forget(publisher->replayer);
    clear_scratch(publisher);
    status_payload(&publisher->site, publisher->boot_id, false, wall_clock(), &publisher->payload);
    mqtt_close(publisher->mqtt, publisher->payload.data, publisher->payload.length, grace_ms, on_mqtt_closed,
               publisher);
}
