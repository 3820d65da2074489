// SPDX-License-Identifier: MPL-2.0
//
// After each connection:
//   1. stream: transitions after the watermark, up to a window of messages outstanding;
//   2. announce, once the stream has caught up: the retained state of everything that needs attention,
//      because the broker may have forgotten it. The stream waits meanwhile: a state that was read before a
//      transition and published after it would stay there for ever. Caught up first, so that states never go
//      backwards. Then the sweep begins: what is retained beside that is cleared;
//   3. stream.
//
// The ring holds what is outstanding in the order of publishing. The watermark moves over its acknowledged
// prefix only.
//
// Ways to fail: the connection is lost: what was outstanding is forgotten and read again from the watermark
// after the next one, so the last messages may come twice but never out of order. The broker refuses a
// message: the stream holds there and tries again, for ever if it may be mended at the broker (rights,
// quota), because order and completeness are what subscribers rely on. If it says that this message can never
// be taken (larger than it accepts), the stream goes on without it after PATIENCE tries; the journal keeps
// it, and subscribers see the gap in the sequence. The store cannot be read: again in a second.
#include "shell/stream.h"

#include "core/memory.h"
#include "shell/log.h"
#include "shell/pages.h"

#include <assert.h>
#include <stdlib.h>

#define PATIENCE 6 // tries of a message that the broker can never take

enum mode { STREAM, ANNOUNCE };

// One message outstanding, or answered behind one that is not.
struct slot {
    struct mqtt_message message;
    struct stream *stream;
    int64_t number; // of its transition; 0: announcement
    bool last;      // of its transition
    bool acked;
};

struct stream {
    struct stream_parts parts;
    const struct stream_user *user;
    void *data;
    struct pages *pages;

    enum mode mode;
    bool announce_due;
    int64_t streamed;  // read of the transitions when the announcement began
    bool event_is_out; // of the row, its state not yet

    struct slot ring[MQTT_WINDOW];
    int head, used;  // oldest slot, slots in use
    int outstanding; // of these not yet answered
    bool rewind;     // when nothing is outstanding any more: back to the watermark
    // Up to here one message at a time. A transition that was refused is tried alone, lest what is behind it
    // comes again with each try. So are those where the connection was lost twice: some brokers end it after
    // a refusal, and the answer that says so comes through only when nothing was sent behind it.
    int64_t alone_through;
    int64_t lost_at; // where the watermark stood when the connection was lost last

    bool holding;         // the stream waits for the timer
    int64_t refused;      // the transition it waits for; 0: none
    int refusals;         // of it, in a row
    int64_t passed_over;  // the one that was given up
    struct error trouble; // "": none
    uv_timer_t timer;

    struct buffer topic, payload; // scratch
    bool stopped;
    int open_parts;
    void (*on_closed)(void *data);
    void *closed_data;
};

static void pump(struct stream *stream);

// --- the ring ---

static struct slot *next_slot(struct stream *stream, int64_t number, bool last)
{
    assert(stream->used < stream->parts.window);
    struct slot *slot = &stream->ring[(stream->head + stream->used) % MQTT_WINDOW];
    *slot = (struct slot){.stream = stream, .number = number, .last = last};
    return slot;
}

static void move_watermark(struct stream *stream)
{
    int64_t before = watermark_at(stream->parts.watermark), now = before;
    while (stream->used > 0 && stream->ring[stream->head].acked) {
        const struct slot *slot = &stream->ring[stream->head];
        if (slot->last)
            now = slot->number;
        stream->head = (stream->head + 1) % MQTT_WINDOW;
        stream->used--;
    }
    if (now == before)
        return;
    watermark_move(stream->parts.watermark, now);
    if (!stream->stopped)
        stream->user->on_progress(stream->data);
}

static size_t free_slots(const struct stream *stream)
{
    size_t ring = (size_t)(stream->parts.window - stream->used), window = mqtt_free_slots(stream->parts.mqtt);
    return ring < window ? ring : window;
}

static void back_to_watermark(struct stream *stream)
{
    stream->rewind = stream->event_is_out = false;
    stream->head = stream->used = 0;
    stream->announce_due |= stream->mode == ANNOUNCE;
    stream->mode = STREAM;
    pages_begin(stream->pages, PAGES_TRANSITIONS, watermark_at(stream->parts.watermark));
    watermark_rewind(stream->parts.watermark);
}

// --- refusals ---

static void on_timer(uv_timer_t *timer)
{
    struct stream *stream = timer->data;
    stream->holding = false;
    pump(stream);
}

static uint64_t refusal_wait_ms(const struct stream *stream)
{
    uint64_t wait = stream->parts.retry_first_ms, max = stream->parts.retry_max_ms;
    for (int i = 1; i < stream->refusals && wait < max; i++)
        wait *= 2;
    return wait < max ? wait : max;
}

// Announcements come again with the next connection; a transition must be published. Only the first one
// refused counts: those behind it are published again after it anyway.
static void refuse(struct stream *stream, int64_t number, enum mqtt_outcome outcome, const struct error *why)
{
    if (number == 0) {
        log_line(LOG_LEVEL_ERROR, "mqtt", "retained state not published: %s", why->text);
        return;
    }
    if (stream->rewind)
        return;
    stream->rewind = true;
    stream->refusals = number == stream->refused ? stream->refusals + 1 : 1;
    stream->refused = number;
    stream->alone_through = number;
    error_set(&stream->trouble, "transition %lld is not published: %s", (long long)number, why->text);
    if (outcome == MQTT_UNFIT && stream->refusals >= PATIENCE) {
        stream->passed_over = number;
        log_line(LOG_LEVEL_ERROR, "mqtt", "%s; given up after %d tries, it stays in the journal",
                 stream->trouble.text, stream->refusals);
        return;
    }
    uint64_t wait = refusal_wait_ms(stream);
    stream->holding = true;
    uv_timer_start(&stream->timer, on_timer, wait, 0);
    log_line(LOG_LEVEL_ERROR, "mqtt", "%s; nothing behind it is published before it; next try in %llu s",
             stream->trouble.text, (unsigned long long)wait / 1000);
}

static void end_refusal(struct stream *stream)
{
    log_line(LOG_LEVEL_NOTICE, "mqtt", "publishing again after transition=%lld", (long long)stream->refused);
    stream->refused = 0;
    stream->trouble.text[0] = '\0';
}

// --- messages ---

static void on_done(struct mqtt_message *message, enum mqtt_outcome outcome, const struct error *err)
{
    struct slot *slot = message->data;
    struct stream *stream = slot->stream;
    stream->outstanding--;
    if (outcome == MQTT_REFUSED || outcome == MQTT_UNFIT)
        refuse(stream, slot->number, outcome, err);
    if (outcome == MQTT_LOST)
        stream->rewind = true;
    slot->acked = outcome == MQTT_ACKED || (outcome != MQTT_LOST && slot->number == 0);
    move_watermark(stream);
    if (stream->refused && watermark_at(stream->parts.watermark) >= stream->refused)
        end_refusal(stream);
    pump(stream);
}

// Takes topic and payload from the scratch buffers, the rest from the model.
static void publish(struct stream *stream, int64_t number, bool last, const struct mqtt_message *model)
{
    struct slot *slot = next_slot(stream, number, last);
    slot->message = *model;
    slot->message.data = slot;
    slot->message.topic = stream->topic.data;
    slot->message.payload = stream->payload.data;
    slot->message.length = stream->payload.length;
    slot->message.on_done = on_done;
    struct error err;
    if (mqtt_publish(stream->parts.mqtt, &slot->message, &err) == 0) {
        stream->used++;
        stream->outstanding++;
    } else if (mqtt_is_up(stream->parts.mqtt)) {
        refuse(stream, number, MQTT_UNFIT, &err);
    } else {
        stream->rewind = true;
    }
}

static void clear_scratch(struct stream *stream)
{
    buffer_clear(&stream->topic);
    buffer_clear(&stream->payload);
}

static void publish_event(struct stream *stream, const struct transition *transition)
{
    const struct event_site *site = stream->parts.site;
    struct event_attributes attributes;
    struct mqtt_message model = {.content_type = event_content_type(site), .expiry_s = site->expiry_s};
    clear_scratch(stream);
    event_topic(site, transition, &stream->topic);
    event_payload(site, transition, &stream->payload);
    if (site->binary) {
        event_attributes(site, transition, &attributes);
        model.properties = attributes.list;
        model.property_count = attributes.count;
    }
    publish(stream, transition->number, transition->retained == RETAINED_UNCHANGED, &model);
}

static void publish_state(struct stream *stream, const struct pages_row *row, int64_t number)
{
    const struct event_site *site = stream->parts.site;
    clear_scratch(stream);
    state_topic(site, row->has_state ? &row->state : &row->transition, &stream->topic);
    if (row->has_state)
        state_payload(site, &row->state, &stream->payload);
    struct mqtt_message model = {.retain = true, .content_type = row->has_state ? STATUS_CONTENT_TYPE : NULL};
    publish(stream, number, number != 0, &model);
}

static void pass_over(struct stream *stream, int64_t number)
{
    next_slot(stream, number, true)->acked = true;
    stream->used++;
    move_watermark(stream);
}

// --- rows ---

static void end_row(struct stream *stream)
{
    stream->event_is_out = false;
    pages_next(stream->pages);
}

static bool stream_row(struct stream *stream, const struct pages_row *row, size_t slots)
{
    const struct transition *transition = &row->transition;
    if (stream->event_is_out) {
        if (!pages_may_set(stream->pages))
            return false;
        publish_state(stream, row, transition->number);
        end_row(stream);
        return true;
    }
    if (slots < 2)
        return false; // an event and its state go out together, so that nothing is half done when we are
                      // closed
    bool passed_over = transition->number == stream->passed_over;
    if (passed_over)
        pass_over(stream, transition->number);
    else
        publish_event(stream, transition);
    stream->event_is_out = true;
    if (passed_over || transition->retained == RETAINED_UNCHANGED)
        end_row(stream);
    return true;
}

static bool announce_row(struct stream *stream, const struct pages_row *row)
{
    if (!pages_may_set(stream->pages))
        return false;
    publish_state(stream, row, 0);
    end_row(stream);
    return true;
}

// --- what comes when the rows are used up ---

static void begin_announcement(struct stream *stream)
{
    stream->mode = ANNOUNCE;
    stream->announce_due = false;
    stream->streamed = pages_through(stream->pages);
    pages_begin(stream->pages, PAGES_ATTENTION, 0);
    sweep_begin(stream->parts.sweep);
    stream->user->on_announce(stream->data);
}

static void end_announcement(struct stream *stream)
{
    stream->mode = STREAM;
    pages_begin(stream->pages, PAGES_TRANSITIONS, stream->streamed);
    sweep_start(stream->parts.sweep);
}

// False: nothing more for now.
static bool go_on(struct stream *stream)
{
    if (!pages_may_read(stream->pages))
        return false;
    if (pages_has_more(stream->pages) && (stream->mode == ANNOUNCE || !stream->holding)) {
        pages_read(stream->pages);
        return false;
    }
    if (stream->mode == ANNOUNCE) {
        end_announcement(stream);
        return true;
    }
    if (stream->announce_due)
        begin_announcement(stream);
    return stream->mode == ANNOUNCE;
}

static bool step(struct stream *stream)
{
    if (stream->rewind && stream->outstanding > 0)
        return false;
    if (stream->rewind)
        back_to_watermark(stream);
    size_t slots = free_slots(stream);
    if (slots == 0)
        return false;
    if (watermark_at(stream->parts.watermark) < stream->alone_through && stream->used > 0)
        return false;
    const struct pages_row *row = pages_row(stream->pages);
    if (row == NULL)
        return go_on(stream);
    return stream->mode == ANNOUNCE ? announce_row(stream, row) : stream_row(stream, row, slots);
}

static void pump(struct stream *stream)
{
    while (!stream->stopped && watermark_is_known(stream->parts.watermark) && step(stream))
        ;
}

// --- what the caller uses ---

static void on_topic(void *data, const char *topic, bool stands, int64_t number)
{
    const struct stream *stream = data;
    sweep_expect(stream->parts.sweep, topic, stands);
    if (stands)
        watermark_sets(stream->parts.watermark, topic);
    else
        watermark_clears(stream->parts.watermark, topic, number);
}

static void on_turn(void *data, bool failed)
{
    struct stream *stream = data;
    stream->rewind |= failed;
    pump(stream);
}

struct stream *stream_new(uv_loop_t *loop, const struct stream_parts *parts, const struct stream_user *user,
                          void *data)
{
    static const struct pages_user pages_user = {on_topic, on_turn};
    assert(parts->window <= MQTT_WINDOW);
    struct stream *stream = memory_alloc(sizeof *stream);
    stream->parts = *parts;
    stream->user = user;
    stream->data = data;
    stream->pages = pages_new(loop, parts->site, parts->store, parts->store_self, parts->retry_first_ms,
                              &pages_user, stream);
    stream->rewind = true;              // to where it stands at the start
    stream->lost_at = -2 * MQTT_WINDOW; // never
    uv_timer_init(loop, &stream->timer);
    stream->timer.data = stream;
    return stream;
}

void stream_come_up(struct stream *stream)
{
    stream->announce_due = true;
    pump(stream);
}

void stream_go_down(struct stream *stream)
{
    int64_t watermark = watermark_at(stream->parts.watermark);
    stream->rewind = true;
    if (watermark - stream->lost_at < stream->parts.window)
        stream->alone_through = watermark + stream->parts.window;
    stream->lost_at = watermark;
    pump(stream);
}

void stream_wake(struct stream *stream)
{
    pages_wake(stream->pages);
    pump(stream);
}

void stream_announce(struct stream *stream)
{
    stream->announce_due = true;
    pump(stream);
}

const char *stream_trouble(const struct stream *stream)
{
    return stream->trouble.text[0] ? stream->trouble.text : NULL;
}

// --- closing ---

void stream_stop(struct stream *stream)
{
    stream->stopped = true;
    uv_timer_stop(&stream->timer);
}

static void on_part_closed(void *data)
{
    struct stream *stream = data;
    if (--stream->open_parts > 0)
        return;
    void (*on_closed)(void *) = stream->on_closed;
    void *closed_data = stream->closed_data;
    buffer_done(&stream->topic);
    buffer_done(&stream->payload);
    free(stream);
    on_closed(closed_data);
}

static void on_timer_closed(uv_handle_t *handle)
{
    on_part_closed(handle->data);
}

void stream_close(struct stream *stream, void (*on_closed)(void *data), void *data)
{
    stream->on_closed = on_closed;
    stream->closed_data = data;
    stream->open_parts = 2;
    uv_close((uv_handle_t *)&stream->timer, on_timer_closed);
    pages_close(stream->pages, on_part_closed, stream);
}
