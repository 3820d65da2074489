// SPDX-License-Identifier: MPL-2.0
#include "shell/pages.h"

#include "core/memory.h"

#include <assert.h>
#include <stdlib.h>

#define PAGE 1000 // rows read at a time: with fewer, planning the question takes longer than answering it

struct page {
    struct pages *pages;
    struct arena arena;
    struct pages_row rows[PAGE];
    int count, next;
    const char *noted[PAGE]; // topics that its rows set, for the ledger
    size_t noted_count;
    struct publisher_write note;
    bool noting; // these are being written down
};

struct pages {
    const struct event_site *site;
    const struct publisher_store *store;
    void *store_self;
    uint64_t retry_ms;
    const struct pages_user *user;
    void *data;

    enum pages_content content;
    int64_t through;
    bool more;             // PAGES_ATTENTION: the last page was full
    struct page both[2];   // one goes out,
    struct page *out, *in; // the other is read, or waits
    struct publisher_read read;
    bool reading, stale; // stale: what is being read is of no use any more
    int64_t promised;    // the last transition there was when the page was asked for
    bool waiting;        // for the timer
    uv_timer_t timer;
    struct buffer topic; // scratch

    bool closing;
    void (*on_closed)(void *data);
    void *closed_data;
};

static void finish_close(struct pages *pages);

// --- one page ---

static void empty(struct page *page)
{
    page->count = page->next = 0;
}

static void begin_page(struct page *page)
{
    assert(!page->noting);
    empty(page);
    page->noted_count = 0;
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

static void add_row(struct page *page, const struct transition *transition, const struct transition *state)
{
    assert(page->count < PAGE);
    struct pages_row *row = &page->rows[page->count++];
    copy_transition(&page->arena, &row->transition, transition);
    row->has_state = state != NULL;
    if (state)
        copy_transition(&page->arena, &row->state, state);
}

static void on_noted(struct publisher_write *write, const struct error *err);

static void note_page(struct pages *pages, struct page *page)
{
    if (page->noted_count == 0)
        return;
    page->noting = true;
    page->note = (struct publisher_write){
        .data = page, .noted = page->noted, .noted_count = page->noted_count, .on_done = on_noted};
    pages->store->write(pages->store_self, &page->note);
}

// --- reading ---

static void on_timer(uv_timer_t *timer)
{
    struct pages *pages = timer->data;
    pages->waiting = false;
    pages->user->on_turn(pages->data, false);
}

static void wait_for_store(struct pages *pages)
{
    pages->waiting = true;
    uv_timer_start(&pages->timer, on_timer, pages->retry_ms, 0);
}

static void fail(struct pages *pages)
{
    wait_for_store(pages);
    pages->user->on_turn(pages->data, true);
}

static void on_noted(struct publisher_write *write, const struct error *err)
{
    struct page *page = write->data;
    struct pages *pages = page->pages;
    page->noting = false;
    if (pages->closing)
        finish_close(pages);
    else if (err)
        fail(pages);
    else
        pages->user->on_turn(pages->data, false);
}

static void on_row(struct publisher_read *read, int64_t key, const struct transition *transition,
                   const struct transition *state)
{
    struct pages *pages = read->data;
    if (pages->stale || pages->closing)
        return;
    assert(key > pages->through);
    pages->through = key;
    struct page *page = pages->in;
    add_row(page, transition, state);
    if (transition->retained == RETAINED_UNCHANGED)
        return;
    buffer_clear(&pages->topic);
    state_topic(pages->site, state ? state : transition, &pages->topic);
    if (state)
        page->noted[page->noted_count++] = arena_copy(&page->arena, pages->topic.data, pages->topic.length);
    pages->user->on_topic(pages->data, pages->topic.data, state != NULL, transition->number);
}

static void take_page(struct pages *pages)
{
    note_page(pages, pages->in);
    pages->more = pages->in->count == PAGE;
    // Less than was promised: no reason to ask again at once.
    if (pages->content == PAGES_TRANSITIONS && !pages->more && pages->through < pages->promised)
        wait_for_store(pages);
}

static void on_read(struct publisher_read *read, const struct error *err)
{
    struct pages *pages = read->data;
    bool stale = pages->stale;
    pages->reading = pages->stale = false;
    if (pages->closing) {
        finish_close(pages);
    } else if (err) { // what has come of the page goes with it
        fail(pages);
    } else {
        if (!stale)
            take_page(pages);
        pages->user->on_turn(pages->data, false);
    }
}

void pages_read(struct pages *pages)
{
    const struct publisher_store *store = pages->store;
    begin_page(pages->in);
    pages->promised = store->last(pages->store_self);
    pages->read = (struct publisher_read){
        .data = pages, .after = pages->through, .limit = PAGE, .on_row = on_row, .on_done = on_read};
    int rc = pages->content == PAGES_TRANSITIONS
                 ? store->read_transitions(pages->store_self, &pages->read, NULL)
                 : store->read_attention(pages->store_self, &pages->read, NULL);
    pages->reading = rc == 0;
    if (rc < 0)
        wait_for_store(pages);
}

bool pages_may_read(const struct pages *pages)
{
    return !pages->reading && !pages->waiting && !pages->in->noting && pages->store->is_up(pages->store_self);
}

bool pages_has_more(const struct pages *pages)
{
    return pages->content == PAGES_ATTENTION ? pages->more
                                             : pages->through < pages->store->last(pages->store_self);
}

// --- what the caller uses ---

struct pages *pages_new(uv_loop_t *loop, const struct event_site *site, const struct publisher_store *store,
                        void *store_self, uint64_t retry_ms, const struct pages_user *user, void *data)
{
    struct pages *pages = memory_alloc(sizeof *pages);
    pages->site = site;
    pages->store = store;
    pages->store_self = store_self;
    pages->retry_ms = retry_ms;
    pages->user = user;
    pages->data = data;
    pages->out = &pages->both[0];
    pages->in = &pages->both[1];
    pages->out->pages = pages->in->pages = pages;
    uv_timer_init(loop, &pages->timer);
    pages->timer.data = pages;
    return pages;
}

void pages_begin(struct pages *pages, enum pages_content content, int64_t after)
{
    empty(pages->out);
    empty(pages->in);
    pages->content = content;
    pages->through = after;
    pages->more = true;
    pages->stale = pages->reading;
}

int64_t pages_through(const struct pages *pages)
{
    return pages->through;
}

const struct pages_row *pages_row(struct pages *pages)
{
    struct page *old = pages->out;
    if (old->next == old->count) {
        if (pages->reading || pages->in->count == 0)
            return NULL;
        pages->out = pages->in;
        pages->in = old;
        empty(old);
        if (pages_may_read(pages) && pages_has_more(pages))
            pages_read(pages);
    }
    return &pages->out->rows[pages->out->next];
}

bool pages_may_set(const struct pages *pages)
{
    return !pages->out->noting;
}

void pages_next(struct pages *pages)
{
    pages->out->next++;
}

void pages_wake(struct pages *pages)
{
    pages->waiting = false;
}

// --- closing ---

static void on_timer_closed(uv_handle_t *handle)
{
    struct pages *pages = handle->data;
    void (*on_closed)(void *) = pages->on_closed;
    void *data = pages->closed_data;
    arena_done(&pages->both[0].arena);
    arena_done(&pages->both[1].arena);
    buffer_done(&pages->topic);
    free(pages);
    on_closed(data);
}

static void finish_close(struct pages *pages)
{
    if (!pages->reading && !pages->both[0].noting && !pages->both[1].noting)
        uv_close((uv_handle_t *)&pages->timer, on_timer_closed);
}

void pages_close(struct pages *pages, void (*on_closed)(void *data), void *data)
{
    pages->closing = true;
    pages->on_closed = on_closed;
    pages->closed_data = data;
    uv_timer_stop(&pages->timer);
    finish_close(pages);
}
