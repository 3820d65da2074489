// SPDX-License-Identifier: MPL-2.0
#include "support/memory_store.h"

#include "core/casefile.h"
#include "support/loop.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define NOON_2026 1767265200 // 2026-01-01 12:00 in Copenhagen

static int64_t deadline_of(int64_t number)
{
    return (number - 1) / 3 + 1;
}

static bool closes(int64_t deadline)
{
    return deadline % 2 == 0;
}

struct transition memory_store_transition(const struct memory_store *store, int64_t number)
{
    static char case_id[CASEFILE_ID_MAX + 1], subject[CASEFILE_ID_MAX + 1], code[16];
    int64_t deadline = deadline_of(number);
    int step = (int)((number - 1) % 3);
    snprintf(case_id, sizeof case_id, "S-%06lld", (long long)deadline);
    snprintf(subject, sizeof subject, "%s", deadline % 3 == 0 ? "" : "U/17");
    snprintf(code, sizeof code, "K%lld", (long long)(deadline % 7));
    if (number == store->long_at) {
        memset(case_id, '/', CASEFILE_ID_MAX);
        memset(subject, '+', CASEFILE_ID_MAX);
    }
    instant due = NOON_2026 + deadline * 60;
    struct transition transition = {
        .number = number,
        .at = due + step,
        .recorded_at = due + step + 3,
        .case_id = case_id,
        .subject = subject,
        .unit = "familie",
        .rule = "underretning.vurdering",
        .code = code,
        .rule_kind = RULE_STATUTORY,
        .sensitive = deadline % 5 == 0,
        .occurrence = 1,
        .anchor_at = due - 86400,
        .due_at = due,
        .breached_at = INSTANT_NONE,
        .closed_at = INSTANT_NONE,
        .late = deadline % 11 == 0,
    };
    if (step == 0) {
        transition.kind = TRANSITION_OPENED;
    } else if (step == 1) {
        transition.kind = closes(deadline) ? TRANSITION_BREACHED : TRANSITION_APPROACHING;
        transition.state = closes(deadline) ? STATE_BREACHED : STATE_OPEN;
        transition.retained = RETAINED_SET;
    } else {
        transition.kind = closes(deadline) ? TRANSITION_LATE : TRANSITION_ESCALATED;
        transition.state = closes(deadline) ? STATE_LATE : STATE_BREACHED;
        transition.retained = closes(deadline) ? RETAINED_CLEAR : RETAINED_SET;
        transition.closed_at = closes(deadline) ? transition.at : INSTANT_NONE;
    }
    if (transition.state != STATE_OPEN)
        transition.breached_at = due + 1;
    if (store->events_only)
        transition.retained = RETAINED_UNCHANGED;
    return transition;
}

int64_t memory_store_attention(int64_t deadline, int64_t last)
{
    int64_t third = 3 * deadline, second = third - 1;
    if (last >= third)
        return closes(deadline) ? 0 : third;
    return last >= second ? second : 0;
}

static void answer_transitions(struct memory_store *store, struct publisher_read *read)
{
    for (int64_t number = read->after + 1; number <= store->last && number <= read->after + read->limit;
         number++) {
        struct transition transition = memory_store_transition(store, number);
        read->on_row(read, number, &transition);
    }
}

static void answer_attention(struct memory_store *store, struct publisher_read *read)
{
    int left = store->events_only ? 0 : read->limit;
    for (int64_t deadline = read->after + 1; deadline <= deadline_of(store->last) && left > 0; deadline++) {
        int64_t number = memory_store_attention(deadline, store->last);
        if (number == 0)
            continue;
        struct transition transition = memory_store_transition(store, number);
        transition.number = 0;
        transition.kind = TRANSITION_OPENED;
        read->on_row(read, deadline, &transition);
        left--;
    }
}

static const struct error failure = {"made to fail"};

static void answer_reads(struct memory_store *store)
{
    struct publisher_read *transitions = store->transitions, *attention = store->attention;
    bool fails = store->fails_read;
    store->transitions = store->attention = NULL;
    store->fails_read = false;
    if (transitions)
        answer_transitions(store, transitions); // a part has come when it fails
    if (attention)
        answer_attention(store, attention);
    if (transitions)
        transitions->on_done(transitions, fails ? &failure : NULL);
    if (attention)
        attention->on_done(attention, fails ? &failure : NULL);
}

static void on_idle(uv_idle_t *idle)
{
    struct memory_store *store = idle->data;
    uv_idle_stop(idle);
    answer_reads(store);
    void (*on_saved)(void *, const struct error *) = store->on_saved;
    if (on_saved == NULL)
        return;
    store->on_saved = NULL;
    bool fails = store->fails_save;
    store->fails_save = false;
    if (!fails) {
        assert(store->saving > store->published && store->saving <= store->last);
        store->published = store->saving;
        store->saves++;
    }
    on_saved(store->saved_data, fails ? &failure : NULL);
}

static bool is_to_fail(struct memory_store *store)
{
    bool fails = ++store->calls == store->fail_at;
    store->failures += fails;
    return fails;
}

static int begin(struct memory_store *store, struct publisher_read **question, struct publisher_read *read)
{
    assert(*question == NULL && read->limit > 0);
    bool fails = is_to_fail(store);
    if (store->down || (fails && store->calls % 2 == 0)) // at once, or later
        return -1;
    store->fails_read |= fails;
    *question = read;
    uv_idle_start(&store->idle, on_idle);
    return 0;
}

static bool is_up(void *self)
{
    return !((struct memory_store *)self)->down;
}

static int64_t published(void *self)
{
    return ((struct memory_store *)self)->published;
}

static int64_t last(void *self)
{
    return ((struct memory_store *)self)->last;
}

static int read_transitions(void *self, struct publisher_read *read, struct error *err)
{
    struct memory_store *store = self;
    return begin(store, &store->transitions, read) < 0 ? error_set(err, "%s", failure.text) : 0;
}

static int read_attention(void *self, struct publisher_read *read, struct error *err)
{
    struct memory_store *store = self;
    return begin(store, &store->attention, read) < 0 ? error_set(err, "%s", failure.text) : 0;
}

static void save_published(void *self, int64_t number, void (*on_done)(void *data, const struct error *err),
                           void *data)
{
    struct memory_store *store = self;
    assert(store->on_saved == NULL);
    store->fails_save = is_to_fail(store) || store->down;
    store->saving = number;
    store->on_saved = on_done;
    store->saved_data = data;
    uv_idle_start(&store->idle, on_idle);
}

const struct publisher_store memory_store = {.is_up = is_up,
                                             .published = published,
                                             .last = last,
                                             .read_transitions = read_transitions,
                                             .read_attention = read_attention,
                                             .save_published = save_published};

void memory_store_start(struct memory_store *store, uv_loop_t *loop)
{
    uv_idle_init(loop, &store->idle);
    store->idle.data = store;
}

static void on_store_closed(uv_handle_t *handle)
{
    ((struct memory_store *)handle->data)->closed = true;
}

static bool is_closed(void *data)
{
    return ((struct memory_store *)data)->closed;
}

void memory_store_stop(struct memory_store *store)
{
    uv_loop_t *loop = store->idle.loop;
    uv_close((uv_handle_t *)&store->idle, on_store_closed);
    loop_until(loop, is_closed, store);
}
