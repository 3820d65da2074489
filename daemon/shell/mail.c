// SPDX-License-Identifier: MPL-2.0
#include "shell/mail.h"

#include "core/memory.h"
#include "core/pace.h"
#include "shell/log.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

// A message's way: mail_send ─▶ queue ─▶ a lane (one SMTP session) ─▶ outcome. The happy path: the queue is
// not empty, so lanes are opened, as many as have something to do; an open lane takes what it has room for
// and more with each outcome; after messages_per_connection it says QUIT and another takes its place; an idle
// one says QUIT after idle_timeout_ms.
//
// What can fail: a message (its own outcome, no more), or the server (HOLDING: nothing is sent, the queue is
// handed back; then PROBING: one message alone; its success means WELL).
//
// One timer for whatever comes next: a queue to look at, the next message by the pace, the end of the hold,
// an idle lane, the end of the grace.

#define QUEUE_MAX    500 // messages useful in the queue without a limit per minute; the rest stay in the journal
#define QUEUE_S      10 // … and with one: as many as go out in this time
#define REFUSALS_MAX 10 // a session is replaced; servers slow down or hang up after some errors
#define HOLD_TIMES   60 // the longest hold, in first ones

enum health { WELL, HOLDING, PROBING };

struct mail_lane {
    struct mail *mail;
    struct smtp_session *session;
    struct mail_lane *next;
    bool quitting;
    int given, in_flight, refused;
    uint64_t idle_since_ms;
};

struct mail {
    uv_loop_t *loop;
    struct mail_options options; // strings are ours
    uv_timer_t timer;
    struct mail_message *first, **last;
    size_t queued;
    struct mail_lane *lanes;
    int lane_count, in_flight;
    struct pace pace;

    enum health health;
    int hold_ms; // the latest hold, 0: none since it was well
    uint64_t hold_until_ms;

    bool full; // there were no free slots since on_ready
    void (*on_ready)(void *data);
    void *on_ready_data;
    struct mail_counts counts;

    bool closing, closed;
    uint64_t grace_until_ms;
    void (*on_closed)(void *data);
    void *on_closed_data;
};

// ---- options ----

static const char *copy(const char *text)
{
    return text ? memory_copy(text, strlen(text)) : NULL;
}

static struct mail_options copy_options(const struct mail_options *options)
{
    struct mail_options copied = *options;
    struct smtp_options *server = &copied.server;
    server->host = copy(server->host);
    server->ca_file = copy(server->ca_file);
    server->user = copy(server->user);
    server->password = copy(server->password);
    server->hello = copy(server->hello);
    if (copied.connections == 0)
        copied.connections = 3;
    if (copied.messages_per_connection == 0)
        copied.messages_per_connection = 100;
    if (copied.idle_timeout_ms == 0)
        copied.idle_timeout_ms = 10000;
    if (copied.hold_first_ms == 0)
        copied.hold_first_ms = 1000;
    return copied;
}

static void free_options(struct mail_options *options)
{
    free((char *)options->server.host);
    free((char *)options->server.ca_file);
    free((char *)options->server.user);
    free((char *)options->server.password);
    free((char *)options->server.hello);
}

static bool is_same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool is_same_server(const struct smtp_options *a, const struct smtp_options *b)
{
    return is_same_text(a->host, b->host) && a->port == b->port && a->tls == b->tls &&
           is_same_text(a->ca_file, b->ca_file) && is_same_text(a->user, b->user) &&
           is_same_text(a->password, b->password) && is_same_text(a->hello, b->hello) &&
           a->connect_timeout_ms == b->connect_timeout_ms && a->reply_timeout_ms == b->reply_timeout_ms;
}

// ---- the queue ----

static void enqueue(struct mail *mail, struct mail_message *message)
{
    message->next = NULL;
    *mail->last = message;
    mail->last = &message->next;
    mail->queued++;
}

static struct mail_message *dequeue(struct mail *mail)
{
    struct mail_message *message = mail->first;
    mail->first = message->next;
    if (mail->first == NULL)
        mail->last = &mail->first;
    mail->queued--;
    return message;
}

// The whole queue as a list; what is sent while it is dealt with waits in the new one.
static struct mail_message *take_queue(struct mail *mail)
{
    struct mail_message *list = mail->first;
    mail->first = NULL;
    mail->last = &mail->first;
    mail->queued = 0;
    return list;
}

static void end_list(struct mail_message *list, const struct mail_outcome *outcome)
{
    while (list) {
        struct mail_message *message = list;
        list = message->next; // the message is its owner's again once it has ended
        message->on_done(message, outcome);
    }
}

static size_t capacity(const struct mail *mail)
{
    if (mail->closing || mail->health == HOLDING)
        return 0;
    if (mail->health == PROBING)
        return mail->in_flight == 0;
    if (mail->options.messages_per_minute == 0)
        return QUEUE_MAX;
    int useful = (int)((int64_t)mail->options.messages_per_minute * QUEUE_S / 60);
    if (useful < mail->options.connections)
        useful = mail->options.connections;
    return useful < QUEUE_MAX ? (size_t)useful : QUEUE_MAX;
}

size_t mail_free_slots(const struct mail *mail)
{
    size_t slots = capacity(mail);
    return slots > mail->queued ? slots - mail->queued : 0;
}

static void note_full(struct mail *mail)
{
    if (mail_free_slots(mail) == 0)
        mail->full = true;
}

static void report_ready(struct mail *mail)
{
    size_t slots = mail_free_slots(mail);
    if (!mail->full || slots == 0 || 2 * slots < capacity(mail))
        return;
    mail->full = false;
    if (mail->on_ready)
        mail->on_ready(mail->on_ready_data);
}

// ---- the server's health ----

// Returns the queue, to be handed back with the outcome that brought this about; NULL when that is done
// already.
static struct mail_message *begin_hold(struct mail *mail, const struct mail_outcome *outcome)
{
    if (mail->health == HOLDING || mail->closing)
        return NULL; // one trouble ends several sessions
    mail->health = HOLDING;
    mail->hold_ms = mail->hold_ms == 0 ? mail->options.hold_first_ms : 2 * mail->hold_ms;
    if (mail->hold_ms > HOLD_TIMES * mail->options.hold_first_ms)
        mail->hold_ms = HOLD_TIMES * mail->options.hold_first_ms;
    mail->hold_until_ms = uv_now(mail->loop) + (uint64_t)mail->hold_ms;
    mail->full = true;
    log_line(LOG_LEVEL_WARNING, "mail", "the server is in trouble, next try in %.1f s reason=\"%s\"",
             mail->hold_ms / 1000.0, outcome->reason);
    return take_queue(mail);
}

static void note_success(struct mail *mail)
{
    if (mail->health != PROBING)
        return;
    mail->health = WELL;
    mail->hold_ms = 0;
    log_line(LOG_LEVEL_NOTICE, "mail", "the server works again");
}

static bool is_verdict(const struct mail_outcome *outcome)
{
    return !outcome->server_fault && (outcome->result == MAIL_SENT || outcome->reply_code != 0);
}

static void count_outcome(struct mail *mail, const struct mail_outcome *outcome)
{
    mail->counts.sent += outcome->result == MAIL_SENT;
    mail->counts.try_again += outcome->result == MAIL_TRY_AGAIN;
    mail->counts.refused += outcome->result == MAIL_REFUSED;
}

// ---- lanes ----

static void dispatch(struct mail *mail);

static void retire(struct mail_lane *lane)
{
    if (lane->quitting)
        return;
    lane->quitting = true;
    smtp_quit(lane->session);
}

static void hand_back(struct mail *mail, struct mail_message *list, const struct mail_outcome *outcome)
{
    struct mail_outcome all = *outcome;
    all.result = MAIL_TRY_AGAIN;
    for (struct mail_message *message = list; message; message = message->next)
        mail->counts.try_again++;
    end_list(list, &all);
}

static void on_transaction_done(struct smtp_transaction *transaction, const struct mail_outcome *outcome)
{
    struct mail_message *message = transaction->data, *rest = NULL;
    struct mail_lane *lane = message->lane;
    struct mail *mail = lane->mail;
    lane->in_flight--;
    mail->in_flight--;
    lane->idle_since_ms = uv_now(mail->loop);
    lane->refused += outcome->result == MAIL_REFUSED;
    if (lane->refused >= REFUSALS_MAX)
        retire(lane);
    count_outcome(mail, outcome);
    if (is_verdict(outcome))
        note_success(mail);
    else if (outcome->server_fault)
        rest = begin_hold(mail, outcome);
    message->on_done(message, outcome);
    hand_back(mail, rest, outcome);
    dispatch(mail);
}

static void on_lane_open(void *data)
{
    struct mail_lane *lane = data;
    lane->idle_since_ms = uv_now(lane->mail->loop);
    dispatch(lane->mail);
}

static void on_lane_closed(void *data, const struct mail_outcome *why)
{
    struct mail_lane *lane = data;
    struct mail *mail = lane->mail;
    struct mail_lane **link = &mail->lanes;
    while (*link != lane)
        link = &(*link)->next;
    *link = lane->next;
    mail->lane_count--;
    free(lane);
    if (why && why->server_fault)
        hand_back(mail, begin_hold(mail, why), why);
    dispatch(mail);
}

static void open_lane(struct mail *mail)
{
    static const struct smtp_session_events events = {on_lane_open, on_lane_closed};
    struct mail_lane *lane = memory_alloc(sizeof *lane);
    lane->mail = mail;
    lane->next = mail->lanes;
    mail->lanes = lane;
    mail->lane_count++;
    mail->counts.sessions++;
    lane->session = smtp_open(mail->loop, &mail->options.server, &events, lane);
}

static void give(struct mail_lane *lane, struct mail_message *message)
{
    struct mail *mail = lane->mail;
    lane->given++;
    lane->in_flight++;
    mail->in_flight++;
    message->lane = lane;
    if (message->on_turn)
        message->on_turn(message);
    message->transaction = (struct smtp_transaction){.data = message,
                                                     .from = message->from,
                                                     .to = message->to,
                                                     .bytes = message->bytes,
                                                     .length = message->length,
                                                     .on_done = on_transaction_done};
    smtp_give(lane->session, &message->transaction);
    if (lane->given >= mail->options.messages_per_connection)
        retire(lane);
}

// ---- who takes the next message, and when ----

static uint64_t pace_now_us(const struct mail *mail)
{
    return uv_now(mail->loop) * 1000;
}

// The one with the least to do, so that messages spread over the sessions before they queue up in one.
static struct mail_lane *free_lane(const struct mail *mail)
{
    struct mail_lane *best = NULL;
    for (struct mail_lane *lane = mail->lanes; lane; lane = lane->next)
        if (!lane->quitting && smtp_room(lane->session) > 0 &&
            (best == NULL || lane->in_flight < best->in_flight))
            best = lane;
    return best;
}

// How many messages may be given to lanes now.
static size_t sendable(const struct mail *mail)
{
    if (mail->health == HOLDING || mail->closing)
        return 0;
    size_t count = mail->queued;
    if (mail->health == PROBING && count > 1)
        count = 1;
    if (mail->health == PROBING && mail->in_flight > 0)
        return 0;
    size_t ready = (size_t)pace_ready(&mail->pace, (int64_t)pace_now_us(mail));
    return count < ready ? count : ready;
}

static void open_lanes(struct mail *mail)
{
    size_t wanted = sendable(mail);
    if (wanted == 0)
        return;
    wanted += (size_t)mail->in_flight;
    if (wanted > (size_t)mail->options.connections)
        wanted = (size_t)mail->options.connections;
    while ((size_t)mail->lane_count < wanted)
        open_lane(mail);
}

static void on_timer(uv_timer_t *timer);

static void earlier(uint64_t *at_ms, uint64_t other_ms)
{
    if (other_ms < *at_ms)
        *at_ms = other_ms;
}

static void set_timer(struct mail *mail)
{
    uint64_t now_ms = uv_now(mail->loop), at_ms = UINT64_MAX;
    if (mail->closing) {
        at_ms = mail->first ? now_ms : mail->grace_until_ms;
    } else if (mail->health == HOLDING) {
        at_ms = mail->hold_until_ms;
    } else if (mail->queued > 0) {
        int64_t wait_us = pace_wait(&mail->pace, (int64_t)pace_now_us(mail));
        if (wait_us > 0)
            at_ms = now_ms + (uint64_t)(wait_us + 999) / 1000;
    }
    for (struct mail_lane *lane = mail->lanes; lane; lane = lane->next)
        if (!mail->closing && !lane->quitting && lane->in_flight == 0 && smtp_room(lane->session) > 0)
            earlier(&at_ms, lane->idle_since_ms + (uint64_t)mail->options.idle_timeout_ms);
    if (at_ms == UINT64_MAX)
        uv_timer_stop(&mail->timer);
    else
        // Never 0: libuv would run the timer again in the same turn, for ever.
        uv_timer_start(&mail->timer, on_timer, at_ms > now_ms ? at_ms - now_ms : 1, 0);
}

static void finish_close(struct mail *mail);

static void dispatch(struct mail *mail)
{
    struct mail_lane *lane;
    while (sendable(mail) > 0 && (lane = free_lane(mail)) != NULL) {
        pace_take(&mail->pace, (int64_t)pace_now_us(mail));
        give(lane, dequeue(mail));
    }
    open_lanes(mail);
    set_timer(mail);
    report_ready(mail);
    if (mail->closing)
        finish_close(mail);
}

static void retire_idle_lanes(struct mail *mail)
{
    uint64_t now_ms = uv_now(mail->loop);
    for (struct mail_lane *lane = mail->lanes; lane; lane = lane->next)
        if (lane->in_flight == 0 && smtp_room(lane->session) > 0 &&
            now_ms >= lane->idle_since_ms + (uint64_t)mail->options.idle_timeout_ms)
            retire(lane);
}

static void stop_now(struct mail *mail)
{
    struct mail_outcome stopped = {.result = MAIL_STOPPED, .reason = "stopped before it was handed over"};
    end_list(take_queue(mail), &stopped);
    if (uv_now(mail->loop) < mail->grace_until_ms)
        return;
    for (struct mail_lane *lane = mail->lanes; lane; lane = lane->next)
        smtp_abort(lane->session, &stopped);
}

static void on_timer(uv_timer_t *timer)
{
    struct mail *mail = timer->data;
    if (mail->health == HOLDING && uv_now(mail->loop) >= mail->hold_until_ms)
        mail->health = PROBING;
    if (mail->closing)
        stop_now(mail);
    else
        retire_idle_lanes(mail);
    dispatch(mail);
}

// ---- for the daemon ----

struct mail *mail_new(uv_loop_t *loop, const struct mail_options *options)
{
    struct mail *mail = memory_alloc(sizeof *mail);
    mail->loop = loop;
    mail->options = copy_options(options);
    mail->last = &mail->first;
    uv_timer_init(loop, &mail->timer);
    mail->timer.data = mail;
    pace_init(&mail->pace, mail->options.messages_per_minute, (int64_t)pace_now_us(mail));
    return mail;
}

void mail_send(struct mail *mail, struct mail_message *message)
{
    assert(!mail->closed);
    enqueue(mail, message);
    note_full(mail);
    // The first of many brings the turn in which all of them are given away.
    if (mail->queued == 1)
        uv_timer_start(&mail->timer, on_timer, 0, 0);
}

void mail_on_ready(struct mail *mail, void (*on_ready)(void *data), void *data)
{
    mail->on_ready = on_ready;
    mail->on_ready_data = data;
}

void mail_set_options(struct mail *mail, const struct mail_options *options)
{
    struct mail_options changed = copy_options(options);
    if (!is_same_server(&mail->options.server, &changed.server)) {
        for (struct mail_lane *lane = mail->lanes; lane; lane = lane->next)
            retire(lane);
        // Somebody may just have mended what was wrong.
        if (mail->health == HOLDING)
            mail->health = PROBING;
        mail->hold_ms = 0;
    }
    free_options(&mail->options);
    mail->options = changed;
    pace_change(&mail->pace, changed.messages_per_minute, (int64_t)pace_now_us(mail));
    uv_timer_start(&mail->timer, on_timer, 0, 0);
}

struct mail_counts mail_counts(const struct mail *mail)
{
    struct mail_counts counts = mail->counts;
    counts.open = mail->lane_count;
    return counts;
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct mail *mail = handle->data;
    void (*on_closed)(void *) = mail->on_closed;
    void *data = mail->on_closed_data;
    free_options(&mail->options);
    free(mail);
    on_closed(data);
}

static void finish_close(struct mail *mail)
{
    if (mail->closed || mail->first || mail->lanes)
        return;
    mail->closed = true;
    uv_close((uv_handle_t *)&mail->timer, on_timer_closed);
}

void mail_close(struct mail *mail, int grace_ms, void (*on_closed)(void *data), void *data)
{
    assert(!mail->closing);
    mail->closing = true;
    mail->on_closed = on_closed;
    mail->on_closed_data = data;
    mail->grace_until_ms = uv_now(mail->loop) + (uint64_t)grace_ms;
    for (struct mail_lane *lane = mail->lanes; lane; lane = lane->next)
        retire(lane);
    uv_timer_start(&mail->timer, on_timer, 0, 0);
}
