// SPDX-License-Identifier: MPL-2.0
#include "shell/watermark.h"

#include "core/memory.h"
#include "shell/event.h"

#include <stdlib.h>
#include <string.h>

#define SAVE_AFTER    2000 // transitions, or
#define SAVE_AFTER_MS 1000 // since the first that is not saved, or when all is published

struct cleared_topic {
    char *topic;
    uint64_t hash;
    int64_t number; // of the transition
    bool in_write;
};

struct watermark {
    const struct publisher_store *store;
    void *store_self;
    int64_t at, saved; // -1: not known yet
    struct cleared_topic *cleared;
    size_t cleared_count, cleared_capacity;
    struct publisher_write save;
    bool saving;
    uv_timer_t timer;
    bool closing, last_save_tried;
    void (*on_closed)(void *data);
    void *closed_data;
};

static void finish_close(struct watermark *watermark);

// --- topics that were cleared ---

static void drop(struct watermark *watermark, size_t at)
{
    free(watermark->cleared[at].topic);
    watermark->cleared[at] = watermark->cleared[--watermark->cleared_count];
}

static void drop_above(struct watermark *watermark, int64_t number)
{
    for (size_t i = watermark->cleared_count; i-- > 0;)
        if (watermark->cleared[i].number > number)
            drop(watermark, i);
}

void watermark_sets(struct watermark *watermark, const char *topic)
{
    if (watermark->cleared_count == 0)
        return;
    uint64_t hash = event_topic_hash(topic);
    for (size_t i = watermark->cleared_count; i-- > 0;)
        if (watermark->cleared[i].hash == hash && strcmp(watermark->cleared[i].topic, topic) == 0)
            drop(watermark, i);
}

void watermark_clears(struct watermark *watermark, const char *topic, int64_t number)
{
    watermark_sets(watermark, topic);
    MEMORY_GROW(watermark->cleared, watermark->cleared_count, watermark->cleared_capacity);
    watermark->cleared[watermark->cleared_count++] = (struct cleared_topic){
        .topic = memory_copy(topic, strlen(topic)), .hash = event_topic_hash(topic), .number = number};
}

void watermark_rewind(struct watermark *watermark)
{
    drop_above(watermark, watermark->at);
}

// The array is the caller's to free.
static const char **begin_forgetting(struct watermark *watermark, size_t *ret_count)
{
    const char **topics = memory_alloc((watermark->cleared_count + 1) * sizeof *topics);
    size_t count = 0;
    for (size_t i = 0; i < watermark->cleared_count; i++) {
        struct cleared_topic *one = &watermark->cleared[i];
        one->in_write = one->number <= watermark->at;
        if (one->in_write)
            topics[count++] = one->topic;
    }
    *ret_count = count;
    return topics;
}

static void end_forgetting(struct watermark *watermark, bool good)
{
    for (size_t i = watermark->cleared_count; i-- > 0;)
        if (watermark->cleared[i].in_write && good)
            drop(watermark, i);
        else
            watermark->cleared[i].in_write = false;
}

// --- saving ---

static void on_saved(struct publisher_write *write, const struct error *err);

static void begin_save(struct watermark *watermark)
{
    uv_timer_stop(&watermark->timer);
    watermark->saving = true;
    size_t count;
    const char **cleared = begin_forgetting(watermark, &count);
    watermark->save = (struct publisher_write){.data = watermark,
                                               .published = watermark->at,
                                               .forgotten = cleared,
                                               .forgotten_count = count,
                                               .on_done = on_saved};
    watermark->store->write(watermark->store_self, &watermark->save);
    free(cleared);
}

static void on_timer(uv_timer_t *timer)
{
    struct watermark *watermark = timer->data;
    if (!watermark->saving && watermark->at > watermark->saved)
        begin_save(watermark);
}

static void save_in_time(struct watermark *watermark)
{
    int64_t unsaved = watermark->at - watermark->saved;
    if (unsaved == 0 || watermark->saving)
        return;
    const struct publisher_store *store = watermark->store;
    bool all = store->is_up(watermark->store_self) && watermark->at == store->last(watermark->store_self);
    if (unsaved >= SAVE_AFTER || all)
        begin_save(watermark);
    else if (!uv_is_active((uv_handle_t *)&watermark->timer))
        uv_timer_start(&watermark->timer, on_timer, SAVE_AFTER_MS, 0);
}

static void on_saved(struct publisher_write *write, const struct error *err)
{
    struct watermark *watermark = write->data;
    watermark->saving = false;
    end_forgetting(watermark, err == NULL);
    if (err == NULL)
        watermark->saved = write->published;
    if (watermark->closing)
        finish_close(watermark);
    else if (err == NULL)
        save_in_time(watermark);
    else
        uv_timer_start(&watermark->timer, on_timer, SAVE_AFTER_MS, 0);
}

// --- what the caller uses ---

struct watermark *watermark_new(uv_loop_t *loop, const struct publisher_store *store, void *store_self)
{
    struct watermark *watermark = memory_alloc(sizeof *watermark);
    watermark->store = store;
    watermark->store_self = store_self;
    watermark->at = watermark->saved = -1;
    uv_timer_init(loop, &watermark->timer);
    watermark->timer.data = watermark;
    return watermark;
}

bool watermark_is_known(struct watermark *watermark)
{
    if (watermark->at < 0 && watermark->store->is_up(watermark->store_self))
        watermark->at = watermark->saved = watermark->store->published(watermark->store_self);
    return watermark->at >= 0;
}

int64_t watermark_at(const struct watermark *watermark)
{
    return watermark->at;
}

void watermark_move(struct watermark *watermark, int64_t to)
{
    watermark->at = to;
    save_in_time(watermark);
}

// --- closing ---

static void on_timer_closed(uv_handle_t *handle)
{
    struct watermark *watermark = handle->data;
    void (*on_closed)(void *) = watermark->on_closed;
    void *data = watermark->closed_data;
    drop_above(watermark, -1);
    free(watermark->cleared);
    free(watermark);
    on_closed(data);
}

static void finish_close(struct watermark *watermark)
{
    if (watermark->saving)
        return;
    if (watermark->at > watermark->saved && !watermark->last_save_tried) {
        watermark->last_save_tried = true;
        begin_save(watermark);
        return;
    }
    uv_close((uv_handle_t *)&watermark->timer, on_timer_closed);
}

void watermark_close(struct watermark *watermark, void (*on_closed)(void *data), void *data)
{
    watermark->closing = true;
    watermark->on_closed = on_closed;
    watermark->closed_data = data;
    uv_timer_stop(&watermark->timer);
    finish_close(watermark);
}
