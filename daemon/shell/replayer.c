// SPDX-License-Identifier: MPL-2.0
//
// A request goes through
//   1. the gate: who asks? how often already in this minute?
//   2. reading: is it a request at all, and where may its answer go?
//   3. the queue; a refusal waits in it, too, since it is a message like any other;
//   4. serving: its events page by page, then the message that ends it.
//
// Where answers may go: the broker sees only that fristd publishes, and fristd may publish everywhere below
// its site. If a request could name any response topic, whoever may ask could have events written where he
// may not write himself, such as on somebody else's event topic. So it must be below the requester's own
// reply topic, and the requester is a level of the request's topic, for which the broker checks the rights.
#include "shell/replayer.h"

#include "core/memory.h"
#include "core/utf8.h"
#include "shell/log.h"
#include "shell/replay_request.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PAGE            100
#define WAITING_MAX     16 // requests to be served, of all
#define WAITING_EACH    2  // of one requester
#define QUEUE_MAX       32 // with refusals; what comes on top is counted only
#define MINUTE_MS       60000
#define A_MINUTE        60 // requests of all
#define A_MINUTE_EACH   12
#define REQUESTERS_MAX  32 // looked after one by one, in a minute
#define REPLY_TOPIC_MAX 512
#define CORRELATION_MAX 256 // bytes of MQTT 5 correlation data

struct requester {
    char name[REPLAY_REQUESTER_MAX + 1];
    int requests; // in this minute
    bool told;    // that these are too many
};

struct waiting {
    char requester[REPLAY_REQUESTER_MAX + 1];
    char topic[REPLY_TOPIC_MAX + 1];
    char correlation_data[CORRELATION_MAX];
    size_t correlation_length;
    struct replay_request request;
    const struct replay_refusal *refusal; // NULL: to be served
};

struct slot {
    struct mqtt_message message;
    struct replayer *replayer;
    bool used;
    unsigned turn; // of which request
};

struct page {
    struct arena arena;
    struct transition rows[PAGE];
    int count, next;
    int64_t through;
};

struct replayer {
    struct mqtt *mqtt;
    const struct event_site *site;
    const char *boot_id;
    const struct publisher_store *store;
    void *store_self;
    int64_t (*published)(const void *data);
    const void *data;
    char *filter, *reply_base; // "fristd/v1/{site}/reply/"
    struct mqtt_subscription subscription;
    struct replayer_counts counts;

    // The gate: a minute at a time.
    struct requester requesters[REQUESTERS_MAX];
    int requester_count, requests;
    uv_timer_t minute;
    int64_t refused_before, ignored_before; // counts when the minute began

    // The counts in the journal, for `fristd status`.
    struct replayer_counts earlier; // of the runs before this one
    bool earlier_known;
    int64_t saved; // requests, when they were written last
    struct publisher_write save;
    bool saving;

    struct waiting queue[QUEUE_MAX]; // a ring; the first is being served
    unsigned head, queued;
    unsigned turn;
    bool serving, ended; // ended: its last message is out
    int64_t until, sent, read_through;
    struct page page;
    struct publisher_read read;
    bool reading, stale;

    struct slot slots[REPLAYER_WINDOW];
    int outstanding; // of this turn
    struct buffer payload;
    struct event_attributes attributes;
    int64_t number; // of the messages that end an answer

    bool closing;
    void (*on_closed)(void *data);
    void *closed_data;
};

static void pump(struct replayer *replayer);

static struct waiting *first(struct replayer *replayer)
{
    return &replayer->queue[replayer->head];
}

// --- the gate ---

static void finish_close(struct replayer *replayer);

static void on_saved(struct publisher_write *write, const struct error *err)
{
    (void)err; // with the next minute's
    struct replayer *replayer = write->data;
    replayer->saving = false;
    if (replayer->closing)
        finish_close(replayer);
}

static bool know_earlier(struct replayer *replayer)
{
    if (replayer->earlier_known || !replayer->store->is_up(replayer->store_self))
        return replayer->earlier_known;
    long long served = 0, refused = 0, ignored = 0;
    sscanf(replayer->store->requests(replayer->store_self), "%lld %lld %lld", &served, &refused, &ignored);
    replayer->earlier = (struct replayer_counts){.served = served, .refused = refused, .ignored = ignored};
    replayer->earlier_known = true;
    return true;
}

static void save_counts(struct replayer *replayer)
{
    const struct replayer_counts *counts = &replayer->counts, *earlier = &replayer->earlier;
    if (replayer->saving || counts->requests == replayer->saved || !know_earlier(replayer))
        return;
    long long served = earlier->served + counts->served, refused = earlier->refused + counts->refused,
              ignored = earlier->ignored + counts->ignored;
    char text[80];
    snprintf(text, sizeof text, "%lld %lld %lld", served, refused, ignored);
    replayer->saved = counts->requests;
    replayer->saving = true;
    replayer->save = (struct publisher_write){.data = replayer, .requests = text, .on_done = on_saved};
    replayer->store->write(replayer->store_self, &replayer->save);
}

static void on_minute(uv_timer_t *timer)
{
    struct replayer *replayer = timer->data;
    int64_t refused = replayer->counts.refused - replayer->refused_before;
    int64_t ignored = replayer->counts.ignored - replayer->ignored_before;
    if (refused + ignored > 0)
        log_line(LOG_LEVEL_WARNING, "replay",
                 "in the last minute requests for events refused=%lld ignored=%lld", (long long)refused,
                 (long long)ignored);
    replayer->requester_count = replayer->requests = 0;
    save_counts(replayer);
}

static void begin_minute(struct replayer *replayer)
{
    if (uv_is_active((uv_handle_t *)&replayer->minute))
        return;
    replayer->refused_before = replayer->counts.refused;
    replayer->ignored_before = replayer->counts.ignored;
    uv_timer_start(&replayer->minute, on_minute, MINUTE_MS, 0);
}

// NULL: more requesters than are looked after.
static struct requester *find_requester(struct replayer *replayer, const char *name)
{
    for (int i = 0; i < replayer->requester_count; i++)
        if (strcmp(replayer->requesters[i].name, name) == 0)
            return &replayer->requesters[i];
    if (replayer->requester_count == REQUESTERS_MAX)
        return NULL;
    struct requester *requester = &replayer->requesters[replayer->requester_count++];
    *requester = (struct requester){0};
    snprintf(requester->name, sizeof requester->name, "%s", name);
    return requester;
}

enum gate { GATE_OPEN, GATE_TELL, GATE_CLOSED };

static enum gate pass_gate(struct replayer *replayer, const char *name)
{
    struct requester *requester = find_requester(replayer, name);
    if (requester == NULL)
        return GATE_CLOSED;
    if (requester->requests < A_MINUTE_EACH && replayer->requests < A_MINUTE) {
        requester->requests++;
        replayer->requests++;
        return GATE_OPEN;
    }
    if (requester->told)
        return GATE_CLOSED;
    requester->told = true;
    return GATE_TELL;
}

// --- taking a request ---

static bool may_reply_to(const struct replayer *replayer, const char *requester, const char *topic)
{
    size_t base = strlen(replayer->reply_base), own = base + strlen(requester);
    return strlen(topic) <= REPLY_TOPIC_MAX && strncmp(topic, replayer->reply_base, base) == 0 &&
           strncmp(topic + base, requester, strlen(requester)) == 0 &&
           (topic[own] == '\0' || topic[own] == '/') && strpbrk(topic, "+#") == NULL;
}

static bool is_busy(const struct replayer *replayer, const char *requester)
{
    int all = 0, own = 0;
    for (unsigned i = 0; i < replayer->queued; i++) {
        const struct waiting *waiting = &replayer->queue[(replayer->head + i) % QUEUE_MAX];
        all += waiting->refusal == NULL;
        own += waiting->refusal == NULL && strcmp(waiting->requester, requester) == 0;
    }
    return all >= WAITING_MAX || own >= WAITING_EACH;
}

static const struct replay_refusal *read_request(struct replayer *replayer, const char *requester,
                                                 const struct mqtt_incoming *message, struct waiting *waiting)
{
    const struct replay_refusal *refusal =
        replay_request_read(message->payload, message->length, &waiting->request);
    snprintf(waiting->topic, sizeof waiting->topic, "%s%s", replayer->reply_base, requester);
    if (message->response_topic && !may_reply_to(replayer, requester, message->response_topic))
        return &replay_refused_topic;
    if (message->response_topic)
        snprintf(waiting->topic, sizeof waiting->topic, "%s", message->response_topic);
    if (message->correlation_length > CORRELATION_MAX)
        return &replay_refused_correlation;
    if (message->correlation_length > 0)
        memcpy(waiting->correlation_data, message->correlation, message->correlation_length);
    waiting->correlation_length = message->correlation_length;
    return refusal == NULL && is_busy(replayer, requester) ? &replay_refused_busy : refusal;
}

static void ignore(struct replayer *replayer)
{
    replayer->counts.ignored++;
}

static void on_message(struct mqtt_subscription *subscription, const struct mqtt_incoming *message)
{
    struct replayer *replayer = subscription->data;
    begin_minute(replayer);
    replayer->counts.requests++;
    const char *requester = replay_requester(message->topic);
    enum gate gate = requester && !message->retained ? pass_gate(replayer, requester) : GATE_CLOSED;
    if (gate == GATE_CLOSED || replayer->queued == QUEUE_MAX) {
        ignore(replayer);
        return;
    }
    struct waiting *waiting = &replayer->queue[(replayer->head + replayer->queued) % QUEUE_MAX];
    *waiting = (struct waiting){0};
    snprintf(waiting->requester, sizeof waiting->requester, "%s", requester);
    waiting->refusal = read_request(replayer, requester, message, waiting);
    if (gate == GATE_TELL)
        waiting->refusal = &replay_refused_often;
    replayer->queued++;
    pump(replayer);
}

static void on_answered(struct mqtt_subscription *subscription, const struct error *err)
{
    (void)subscription;
    if (err)
        log_line(LOG_LEVEL_WARNING, "replay", "nobody can ask for events again: %s", err->text);
}

// --- sending ---

static void on_done(struct mqtt_message *message, enum mqtt_outcome outcome, const struct error *err)
{
    struct slot *slot = message->data;
    struct replayer *replayer = slot->replayer;
    slot->used = false;
    if (slot->turn != replayer->turn)
        return;
    replayer->outstanding--;
    if ((outcome == MQTT_REFUSED || outcome == MQTT_UNFIT) && !replayer->ended) {
        log_line(LOG_LEVEL_WARNING, "replay", "answer not sent requester=%s: %s", first(replayer)->requester,
                 err->text);
        replayer->ended = true;
    }
    pump(replayer);
}

static struct slot *free_slot(struct replayer *replayer)
{
    if (mqtt_free_slots(replayer->mqtt) == 0)
        return NULL;
    for (int i = 0; i < REPLAYER_WINDOW; i++)
        if (!replayer->slots[i].used)
            return &replayer->slots[i];
    return NULL;
}

// Takes payload and attributes from the scratch space.
static void publish(struct replayer *replayer, struct slot *slot)
{
    const struct waiting *waiting = first(replayer);
    bool binary = replayer->site->binary;
    *slot = (struct slot){.replayer = replayer, .turn = replayer->turn};
    slot->message = (struct mqtt_message){
        .data = slot,
        .topic = waiting->topic,
        .payload = replayer->payload.data,
        .length = replayer->payload.length,
        .content_type = event_content_type(replayer->site),
        .properties = binary ? replayer->attributes.list : NULL,
        .property_count = binary ? replayer->attributes.count : 0,
        .correlation = waiting->correlation_length > 0 ? waiting->correlation_data : NULL,
        .correlation_length = waiting->correlation_length,
        .expiry_s = REPLY_EXPIRY_S,
        .on_done = on_done,
    };
    slot->used = mqtt_publish(replayer->mqtt, &slot->message, NULL) == 0;
    if (slot->used)
        replayer->outstanding++;
    else
        replayer->ended = true; // the connection is about to be lost, or the broker takes no such topic
}

static void publish_event(struct replayer *replayer, struct slot *slot, const struct transition *transition)
{
    buffer_clear(&replayer->payload);
    event_attributes(replayer->site, transition, &replayer->attributes);
    event_payload(replayer->site, transition, &replayer->payload);
    publish(replayer, slot);
    replayer->sent++;
    replayer->counts.events++;
}

static void publish_end(struct replayer *replayer, struct slot *slot)
{
    const struct waiting *waiting = first(replayer);
    const struct replay_request *request = &waiting->request;
    const struct replay_refusal *refusal = waiting->refusal;
    int64_t last = replayer->published(replayer->data), through = replayer->read_through;
    int64_t wanted = request->to < last ? request->to : last;
    struct event_replay replay = {
        .boot_id = replayer->boot_id,
        .requester = waiting->requester,
        .number = ++replayer->number,
        .at = time(NULL),
        .reason = refusal ? refusal->reason : NULL,
        .detail = refusal ? refusal->detail : NULL,
        .from = request->from,
        .to = through,
        .sent = replayer->sent,
        .next = through < wanted ? through + 1 : 0,
        .last = last,
        .correlation = request->has_correlation ? request->correlation : NULL,
    };
    buffer_clear(&replayer->payload);
    replay_attributes(replayer->site, &replay, &replayer->attributes);
    replay_payload(replayer->site, &replay, &replayer->payload);
    publish(replayer, slot);
    replayer->ended = true;
    if (refusal)
        replayer->counts.refused++;
    else
        replayer->counts.served++;
    log_line(refusal ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO, "replay",
             "requester=%s %s from=%lld to=%lld events=%lld", waiting->requester,
             refusal ? refusal->reason : "served", (long long)request->from, (long long)through,
             (long long)replayer->sent);
}

// --- reading ---

static void on_row(struct publisher_read *read, int64_t key, const struct transition *transition,
                   const struct transition *state)
{
    (void)state;
    struct replayer *replayer = read->data;
    if (replayer->stale)
        return;
    struct page *page = &replayer->page;
    assert(page->count < PAGE);
    page->through = key;
    struct transition *row = &page->rows[page->count++];
    *row = *transition;
    row->case_id = arena_string(&page->arena, transition->case_id);
    row->subject = arena_string(&page->arena, transition->subject);
    row->unit = arena_string(&page->arena, transition->unit);
    row->rule = arena_string(&page->arena, transition->rule);
    row->code = arena_string(&page->arena, transition->code);
}

// What was sent already stays an answer, with a place to go on.
static void give_up_reading(struct replayer *replayer)
{
    if (replayer->sent == 0)
        first(replayer)->refusal = &replay_refused_unavailable;
    replayer->page.count = replayer->page.next = 0;
    replayer->until = replayer->read_through;
}

static void on_read(struct publisher_read *read, const struct error *err)
{
    struct replayer *replayer = read->data;
    bool stale = replayer->stale;
    replayer->reading = replayer->stale = false;
    if (replayer->closing) {
        finish_close(replayer);
        return;
    }
    if (!stale && err)
        give_up_reading(replayer);
    else if (!stale && replayer->page.count < PAGE)
        replayer->read_through =
            replayer->until; // numbers have no gaps, but a journal may have been cut short
    else if (!stale)
        replayer->read_through = replayer->page.through;
    pump(replayer);
}

static void read_page(struct replayer *replayer)
{
    struct page *page = &replayer->page;
    page->count = page->next = 0;
    arena_reset(&page->arena);
    replayer->read = (struct publisher_read){.data = replayer,
                                             .after = replayer->read_through,
                                             .until = replayer->until,
                                             .limit = PAGE,
                                             .on_row = on_row,
                                             .on_done = on_read};
    replayer->reading = replayer->store->read_transitions(replayer->store_self, &replayer->read, NULL) == 0;
    if (!replayer->reading)
        give_up_reading(replayer);
}

// --- serving ---

static void begin_serving(struct replayer *replayer)
{
    struct waiting *waiting = first(replayer);
    const struct replay_request *request = &waiting->request;
    int64_t last = replayer->published(replayer->data);
    replayer->turn++;
    replayer->serving = true;
    replayer->ended = false;
    replayer->outstanding = 0;
    replayer->sent = 0;
    replayer->page.count = replayer->page.next = 0;
    replayer->read_through = request->from - 1;
    replayer->until = request->to < last ? request->to : last;
    if (request->from - 1 > INT64_MAX - REPLAY_EVENTS_MAX || replayer->until < request->from)
        replayer->until = replayer->read_through; // nothing to send
    else if (replayer->until - request->from >= REPLAY_EVENTS_MAX)
        replayer->until = request->from + REPLAY_EVENTS_MAX - 1;
    if (!replayer->store->is_up(replayer->store_self) && waiting->refusal == NULL)
        waiting->refusal = &replay_refused_unavailable;
}

static void end_serving(struct replayer *replayer)
{
    replayer->serving = false;
    replayer->head = (replayer->head + 1) % QUEUE_MAX;
    replayer->queued--;
}

static void pump(struct replayer *replayer)
{
    while (!replayer->closing && !replayer->reading) {
        if (!replayer->serving && replayer->queued == 0)
            return;
        if (!replayer->serving)
            begin_serving(replayer);
        if (replayer->ended && replayer->outstanding > 0)
            return;
        if (replayer->ended) {
            end_serving(replayer);
            continue;
        }
        struct slot *slot = free_slot(replayer);
        if (slot == NULL)
            return;
        struct page *page = &replayer->page;
        if (first(replayer)->refusal)
            publish_end(replayer, slot);
        else if (page->next < page->count)
            publish_event(replayer, slot, &page->rows[page->next++]);
        else if (replayer->read_through < replayer->until)
            read_page(replayer);
        else
            publish_end(replayer, slot);
    }
}

// --- what the caller uses ---

struct replayer *replayer_new(uv_loop_t *loop, struct mqtt *mqtt, const struct event_site *site,
                              const char *boot_id, const struct publisher_store *store, void *store_self,
                              int64_t (*published)(const void *data), const void *data)
{
    struct replayer *replayer = memory_alloc(sizeof *replayer);
    struct buffer text = {0};
    replayer->mqtt = mqtt;
    replayer->site = site;
    replayer->boot_id = boot_id;
    replayer->store = store;
    replayer->store_self = store_self;
    replayer->published = published;
    replayer->data = data;
    buffer_format(&text, "fristd/v1/%s/request/events/+", site->site);
    replayer->filter = memory_copy(text.data, text.length);
    buffer_clear(&text);
    buffer_format(&text, "fristd/v1/%s/reply/", site->site);
    replayer->reply_base = text.data;
    uv_timer_init(loop, &replayer->minute);
    replayer->minute.data = replayer;
    return replayer;
}

void replayer_listen(struct replayer *replayer)
{
    replayer->subscription = (struct mqtt_subscription){.data = replayer,
                                                        .filter = replayer->filter,
                                                        .qos = 1,
                                                        .on_message = on_message,
                                                        .on_answered = on_answered};
    mqtt_subscribe(replayer->mqtt, &replayer->subscription);
}

void replayer_forget(struct replayer *replayer)
{
    replayer->turn++;
    replayer->serving = false;
    replayer->queued = 0;
    replayer->stale = replayer->reading;
}

struct replayer_counts replayer_counts(const struct replayer *replayer)
{
    return replayer->counts;
}

// --- closing ---

static void on_minute_closed(uv_handle_t *handle)
{
    struct replayer *replayer = handle->data;
    void (*on_closed)(void *) = replayer->on_closed;
    void *data = replayer->closed_data;
    free(replayer->filter);
    free(replayer->reply_base);
    arena_done(&replayer->page.arena);
    buffer_done(&replayer->payload);
    free(replayer);
    on_closed(data);
}

static void finish_close(struct replayer *replayer)
{
    if (!replayer->reading && !replayer->saving)
        uv_close((uv_handle_t *)&replayer->minute, on_minute_closed);
}

void replayer_close(struct replayer *replayer, void (*on_closed)(void *data), void *data)
{
    replayer_forget(replayer);
    replayer->closing = true;
    replayer->on_closed = on_closed;
    replayer->closed_data = data;
    uv_timer_stop(&replayer->minute);
    save_counts(replayer);
    finish_close(replayer);
}
