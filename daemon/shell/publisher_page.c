// SPDX-License-Identifier: MPL-2.0
#include "shell/publisher_page.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

// --- pages ---

void publisher_page_begin(struct publisher_page *page, int64_t after)
{
    assert(!page->noting);
    page->count = page->next = 0;
    page->noted_count = 0;
    page->through = after;
    arena_reset(&page->arena);
}

static void copy_transition(struct arena *arena, struct transition *into, const struct transition *from)
{
    *into = *from;
    into->case_id = arena_string(arena, from->case_id);
    into->subject = arena_string(arena, from->subject);
    into->unit = arena_string(arena, from->unit);
    into->rule = arena_string(arena, from->rule);
    into->code = arena_string(arena, from->code);
}

const char *publisher_page_add(struct publisher_page *page, const struct event_site *site, int64_t key,
                               const struct transition *transition, const struct transition *state)
{
    assert(page->count < PUBLISHER_PAGE && key > page->through);
    page->through = key;
    struct publisher_row *row = &page->rows[page->count++];
    copy_transition(&page->arena, &row->transition, transition);
    row->has_state = state != NULL;
    if (state)
        copy_transition(&page->arena, &row->state, state);
    if (transition->retained == RETAINED_UNCHANGED)
        return NULL;
    struct buffer topic = {0};
    state_topic(site, state ? state : transition, &topic);
    const char *kept = arena_copy(&page->arena, topic.data, topic.length);
    buffer_done(&topic);
    if (state)
        page->noted[page->noted_count++] = kept;
    return kept;
}

void publisher_page_done(struct publisher_page *page)
{
    arena_done(&page->arena);
}

// --- topics that are being cleared ---

static void drop(struct clearing *clearing, size_t at)
{
    free(clearing->topics[at].topic);
    clearing->topics[at] = clearing->topics[--clearing->count];
}

void clearing_remove(struct clearing *clearing, const char *topic)
{
    uint64_t hash = event_topic_hash(topic);
    for (size_t i = clearing->count; i-- > 0;)
        if (clearing->topics[i].hash == hash && strcmp(clearing->topics[i].topic, topic) == 0)
            drop(clearing, i);
}

void clearing_add(struct clearing *clearing, const char *topic, int64_t number)
{
    clearing_remove(clearing, topic);
    MEMORY_GROW(clearing->topics, clearing->count, clearing->capacity);
    clearing->topics[clearing->count++] = (struct clearing_topic){
        .topic = memory_copy(topic, strlen(topic)), .hash = event_topic_hash(topic), .number = number};
}

void clearing_rewind(struct clearing *clearing, int64_t watermark)
{
    for (size_t i = clearing->count; i-- > 0;)
        if (clearing->topics[i].number > watermark)
            drop(clearing, i);
}

size_t clearing_begin_write(struct clearing *clearing, int64_t watermark, const char ***ret_topics)
{
    size_t count = 0;
    const char **topics = memory_alloc((clearing->count + 1) * sizeof *topics);
    for (size_t i = 0; i < clearing->count; i++) {
        struct clearing_topic *one = &clearing->topics[i];
        one->in_write = one->number <= watermark;
        if (one->in_write)
            topics[count++] = one->topic;
    }
    *ret_topics = topics;
    return count;
}

void clearing_end_write(struct clearing *clearing, bool good)
{
    for (size_t i = clearing->count; i-- > 0;)
        if (clearing->topics[i].in_write && good)
            drop(clearing, i);
        else
            clearing->topics[i].in_write = false;
}

void clearing_done(struct clearing *clearing)
{
    clearing_rewind(clearing, -1);
    free(clearing->topics);
}
