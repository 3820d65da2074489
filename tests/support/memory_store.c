// SPDX-License-Identifier: MPL-2.0
#include "support/memory_store.h"

#include "core/casefile.h"
#include "support/loop.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
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
    static struct {
        char case_id[CASEFILE_ID_MAX + 1], subject[CASEFILE_ID_MAX + 1], code[16];
    } strings[2];
    static int used;
    char *case_id = strings[used].case_id, *subject = strings[used].subject, *code = strings[used].code;
    used = 1 - used;
    int64_t deadline = deadline_of(number);
    int step = (int)((number - 1) % 3);
    snprintf(case_id, sizeof strings->case_id, "S-%06lld", (long long)deadline);
    snprintf(subject, sizeof strings->subject, "%s", deadline % 3 == 0 ? "" : "U/17");
    snprintf(code, sizeof strings->code, "K%lld", (long long)(deadline % 7));
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

// --- the ledger ---

// Its topic as it should be, or 0.
static int64_t deadline_of_topic(const char *topic)
{
    const char *key = strstr(topic, "/S-"), *code = strstr(topic, "/deadline/K");
    int64_t deadline = key && code ? strtoll(key + 3, NULL, 10) : 0;
    bool right = deadline > 0 && deadline < MEMORY_STORE_DEADLINES &&
                 strtoll(code + strlen("/deadline/K"), NULL, 10) == deadline % 7;
    return right ? deadline : 0;
}

static char **find_other(struct memory_store *store, const char *topic)
{
    for (int i = 0; i < MEMORY_STORE_OTHERS; i++)
        if (store->others[i] && strcmp(store->others[i], topic) == 0)
            return &store->others[i];
    return NULL;
}

bool memory_store_has(const struct memory_store *store, const char *topic)
{
    int64_t deadline = deadline_of_topic(topic);
    return deadline > 0 ? store->ledger[deadline] : find_other((struct memory_store *)store, topic) != NULL;
}

void memory_store_note(struct memory_store *store, const char *topic)
{
    int64_t deadline = deadline_of_topic(topic);
    if (deadline > 0) {
        store->ledger[deadline] = true;
        return;
    }
    if (find_other(store, topic))
        return;
    int i = 0;
    while (i < MEMORY_STORE_OTHERS && store->others[i])
        i++;
    assert(i < MEMORY_STORE_OTHERS);
    store->others[i] = memory_copy(topic, strlen(topic));
}

static void forget(struct memory_store *store, const char *topic)
{
    int64_t deadline = deadline_of_topic(topic);
    if (deadline > 0)
        store->ledger[deadline] = false;
    char **other = deadline > 0 ? NULL : find_other(store, topic);
    if (other) {
        free(*other);
        *other = NULL;
    }
}

// --- answers ---

static void answer_transitions(struct memory_store *store, struct publisher_read *read)
{
    int64_t until = read->until > 0 && read->until < store->last ? read->until : store->last;
    for (int64_t number = read->after + 1; number <= until && number <= read->after + read->limit; number++) {
        struct transition transition = memory_store_transition(store, number), state;
        int64_t set_by = memory_store_attention(deadline_of(number), store->last);
        if (set_by > 0)
            state = memory_store_transition(store, set_by);
        bool has_state = set_by > 0 && transition.retained != RETAINED_UNCHANGED;
        read->on_row(read, number, &transition, has_state ? &state : NULL);
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
        read->on_row(read, deadline, &transition, &transition);
        left--;
    }
}

static void answer_ledger(struct memory_store *store, struct ledger_read *read)
{
    int left = read->limit;
    for (int64_t key = read->after + 1; key <= MEMORY_STORE_OTHERS + MEMORY_STORE_DEADLINES && left > 0;
         key++) {
        char topic[100] = "";
        int64_t deadline = key - 1 - MEMORY_STORE_OTHERS;
        if (deadline > 0 && store->ledger[deadline])
            snprintf(topic, sizeof topic, "fristd/v1/%s/deadline/K%lld/S-%06lld/%s", store->site,
                     (long long)(deadline % 7), (long long)deadline, deadline % 3 == 0 ? "-" : "U%2F17");
        const char *found = deadline < 0 ? store->others[key - 1] : topic;
        if (found && found[0]) {
            read->on_topic(read, key, found);
            left--;
        }
    }
}

static const struct error failure = {"made to fail"};

static void answer_write(struct memory_store *store, struct publisher_write *write, bool fails)
{
    if (!fails) {
        for (size_t i = 0; i < write->noted_count; i++)
            memory_store_note(store, write->noted[i]);
        for (size_t i = 0; i < write->forgotten_count; i++)
            forget(store, write->forgotten[i]);
        if (write->published > 0) {
            assert(write->published > store->published && write->published <= store->last);
            store->published = write->published;
            store->saves++;
        }
        if (write->requests)
            snprintf(store->requests, sizeof store->requests, "%s", write->requests);
    }
    free((char *)write->requests);
    for (size_t i = 0; i < write->noted_count; i++)
        free((char *)write->noted[i]);
    for (size_t i = 0; i < write->forgotten_count; i++)
        free((char *)write->forgotten[i]);
    free((void *)write->noted);
    free((void *)write->forgotten);
    write->on_done(write, fails ? &failure : NULL);
}

static void answer(struct memory_store *store, const struct memory_task *task)
{
    const struct error *err = task->fails ? &failure : NULL;
    struct publisher_read *read = task->request;
    struct ledger_read *ledger = task->request;
    switch (task->kind) {
    case TASK_TRANSITIONS:
        answer_transitions(store, read); // a part has come when it fails
        read->on_done(read, err);
        break;
    case TASK_ATTENTION:
        answer_attention(store, read);
        read->on_done(read, err);
        break;
    case TASK_LEDGER:
        answer_ledger(store, ledger);
        ledger->on_done(ledger, err);
        break;
    case TASK_WRITE:
        answer_write(store, task->request, task->fails);
        break;
    }
}

static void on_idle(uv_idle_t *idle)
{
    struct memory_store *store = idle->data;
    struct memory_task tasks[MEMORY_STORE_TASKS];
    int count = store->task_count;
    uv_idle_stop(idle);
    memcpy(tasks, store->tasks, sizeof tasks);
    store->task_count = 0;
    for (int i = 0; i < count; i++)
        answer(store, &tasks[i]);
}

static bool is_to_fail(struct memory_store *store)
{
    bool fails = ++store->calls == store->fail_at;
    store->failures += fails;
    return fails;
}

static void add_task(struct memory_store *store, enum memory_task_kind kind, void *request, bool fails)
{
    assert(store->task_count < MEMORY_STORE_TASKS);
    store->tasks[store->task_count++] = (struct memory_task){kind, request, fails};
    uv_idle_start(&store->idle, on_idle);
}

static int ask(struct memory_store *store, enum memory_task_kind kind, void *request, struct error *err)
{
    bool fails = is_to_fail(store);
    if (store->down || (fails && store->calls % 2 == 0)) // at once, or later
        return error_set(err, "%s", failure.text);
    add_task(store, kind, request, fails);
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

static const char *requests(void *self)
{
    return ((struct memory_store *)self)->requests;
}

static int read_transitions(void *self, struct publisher_read *read, struct error *err)
{
    assert(read->limit > 0);
    return ask(self, TASK_TRANSITIONS, read, err);
}

static int read_attention(void *self, struct publisher_read *read, struct error *err)
{
    return ask(self, TASK_ATTENTION, read, err);
}

static int read_ledger(void *self, struct ledger_read *read, struct error *err)
{
    return ask(self, TASK_LEDGER, read, err);
}

static const char *const *copy_topics(const char *const *topics, size_t count)
{
    const char **copy = memory_alloc((count + 1) * sizeof *copy);
    for (size_t i = 0; i < count; i++)
        copy[i] = memory_copy(topics[i], strlen(topics[i]));
    return copy;
}

static void write_down(void *self, struct publisher_write *write)
{
    struct memory_store *store = self;
    write->noted = copy_topics(write->noted, write->noted_count);
    write->forgotten = copy_topics(write->forgotten, write->forgotten_count);
    if (write->requests)
        write->requests = memory_copy(write->requests, strlen(write->requests));
    bool fails = is_to_fail(store) || store->down;
    add_task(store, TASK_WRITE, write, fails);
}

const struct publisher_store memory_store = {.is_up = is_up,
                                             .published = published,
                                             .last = last,
                                             .requests = requests,
                                             .read_transitions = read_transitions,
                                             .read_attention = read_attention,
                                             .read_ledger = read_ledger,
                                             .write = write_down};

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
    for (int i = 0; i < MEMORY_STORE_OTHERS; i++)
        free(store->others[i]);
}
