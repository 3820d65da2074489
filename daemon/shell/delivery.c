// SPDX-License-Identifier: MPL-2.0
//
// Loose notices become mails first (forming.h); urgent ones are mails from the start.
//
// A mail goes: journal ──read──▶ parcel (addressed) ──its turn: worded──▶ mail ──▶ outcome ──commit──▶ gone
// from memory. One that carries others is first rid of what has become out of date, and what it will tell is
// read. It is not read again while it is a parcel, and it is a parcel until its outcome is committed, however
// long the journal is away. Only a crash in between sends it again, with the same Message-ID: the one window
// for a duplicate (DESIGN, section 5).
#include "shell/delivery.h"

#include "core/message.h"
#include "core/notices.h"
#include "shell/forming.h"
#include "shell/journal_mails.h"
#include "shell/log.h"
#include "shell/report_delivery.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNFOLD_TOGETHER 200 // notices of a mail that was given up, in one commit

// A burst's outcomes are written together: this many, or those of this long. It widens the window for a
// duplicate by as much.
#define OUTCOMES_TOGETHER 128
#define OUTCOMES_WAIT_MS  20

struct parcel {
    struct mail_message message;
    struct delivery *delivery;
    struct arena arena; // what of the notice is needed after it was sent
    struct letter letter;
    struct buffer bytes;
    const char *to;
    size_t slot;                            // index into delivery.parcels
    int64_t as_of;                          // the last transition when it was read
    const struct journal_batch *outcome_in; // NULL: none yet
    const char *given_up_for;               // a mail with others, given up: why. They are told of one by one
    int64_t unfolded_until;                 // the last of those
    size_t unfolded;
};

struct delivery {
    struct journal *journal;
    struct mail *mail;
    instant (*clock)(void *data);
    void *clock_data;
    struct letter_context context;
    bool held, ending; // nothing new is taken
    struct parcel *parcels[DELIVERY_MAX];
    size_t parcel_count;
    bool reading, more; // more: the journal may hold others that wait
    int read_count;
    int64_t read_as_of;
    struct journal_notices notices;
    int64_t except[DELIVERY_MAX];
    struct forming forming;
    struct journal_parts parts;         // of the mails just read that carry others
    int64_t gathered_ids[DELIVERY_MAX]; // their ids
    size_t gathered_count;
    int64_t gathered_at; // the last transition when they were
    bool gathered;       // they wait for the end of a hold
    struct journal_batch pruning;
    struct parcel *unfolding; // NULL: none
    struct journal_notices unfolded;
    struct journal_batch unfolded_batch;
    struct journal_batch batches[2]; // one is written while the other fills
    struct journal_batch *filling,
        *unwritten;              // unwritten: could not be, and is tried again when the journal is there
    bool writing, may_write_few; // may_write_few: the first of `filling` has waited long enough
    uv_timer_t outcomes_timer;
    void (*on_idle)(void *data);
    void *idle_data;
    // Since it was idle last, for the log.
    uint64_t burst_started_ns; // 0: idle
    size_t burst_sent, burst_deferred, burst_given_up;
};

static void step(struct delivery *delivery);
static void release_gathered(struct delivery *delivery);
static void on_formed(struct forming *forming, const struct error *err);

struct delivery *delivery_new(uv_loop_t *loop, struct journal *journal, struct mail *mail,
                              instant (*now)(void *data), void *data)
{
    struct delivery *delivery = memory_alloc(sizeof *delivery);
    uv_timer_init(loop, &delivery->outcomes_timer);
    delivery->outcomes_timer.data = delivery;
    delivery->journal = journal;
    delivery->mail = mail;
    delivery->clock = now;
    delivery->clock_data = data;
    delivery->filling = &delivery->batches[0];
    delivery->forming = (struct forming){
        .data = delivery, .journal = journal, .context = &delivery->context, .on_done = on_formed};
    return delivery;
}

static void drop_parcel(struct parcel *parcel)
{
    struct delivery *delivery = parcel->delivery;
    struct parcel *last = delivery->parcels[--delivery->parcel_count];
    delivery->parcels[parcel->slot] = last;
    last->slot = parcel->slot;
    free(parcel->letter.items);
    free(parcel->letter.sums);
    buffer_done(&parcel->bytes);
    arena_done(&parcel->arena);
    free(parcel);
}

void delivery_free(struct delivery *delivery)
{
    if (delivery == NULL)
        return;
    assert(!delivery->reading && !delivery->writing);
    while (delivery->parcel_count > 0)
        drop_parcel(delivery->parcels[0]);
    journal_batch_done(&delivery->batches[0]);
    journal_batch_done(&delivery->batches[1]);
    journal_batch_done(&delivery->pruning);
    journal_batch_done(&delivery->unfolded_batch);
    forming_done(&delivery->forming);
    free(delivery);
}

void delivery_stop(struct delivery *delivery)
{
    uv_close((uv_handle_t *)&delivery->outcomes_timer, NULL);
}

void delivery_set_context(struct delivery *delivery, const struct letter_context *context)
{
    delivery->context = *context;
}

void delivery_on_idle(struct delivery *delivery, void (*on_idle)(void *data), void *data)
{
    delivery->on_idle = on_idle;
    delivery->idle_data = data;
}

bool delivery_is_idle(const struct delivery *delivery)
{
    return delivery->parcel_count == 0 && !delivery->reading && !delivery->writing;
}

void delivery_wake(struct delivery *delivery)
{
    delivery->more = true;
    step(delivery);
}

void delivery_hold(struct delivery *delivery)
{
    delivery->held = true;
}

void delivery_release(struct delivery *delivery)
{
    delivery->held = false;
    if (delivery->gathered)
        release_gathered(delivery);
    delivery_wake(delivery);
}

void delivery_end(struct delivery *delivery)
{
    delivery->ending = true;
    if (delivery->gathered)
        release_gathered(delivery);
}

static bool takes_new(const struct delivery *delivery)
{
    return !delivery->held && !delivery->ending;
}

static instant now_of(const struct delivery *delivery)
{
    return delivery->clock(delivery->clock_data);
}

static bool is_about_a_person(const struct waiting_notice *notice)
{
    return *notice->person_id != '\0';
}

static bool is_report(const struct waiting_notice *notice)
{
    return strcmp(notice->purpose, "report") == 0;
}

// Worded when its turn comes, not when it is read: a thousand at once would keep the loop, and the mail
// server waiting.
static void on_turn(struct mail_message *mail)
{
    struct parcel *parcel = mail->data;
    letter_write(&parcel->letter, &parcel->delivery->context, parcel->to, now_of(parcel->delivery),
                 &parcel->arena, &parcel->bytes);
    mail->bytes = parcel->bytes.data;
    mail->length = parcel->bytes.length;
}

// --- outcomes ---

static void on_batch_done(struct journal_batch *batch, const struct error *err)
{
    struct delivery *delivery = batch->data;
    delivery->writing = false;
    if (err) {
        log_line(LOG_LEVEL_WARNING, "delivery", "%zu outcomes wait until the journal is there again: %s",
                 batch->outcome_count, err->text);
        delivery->unwritten = batch;
        return;
    }
    for (size_t i = delivery->parcel_count; i-- > 0;)
        if (delivery->parcels[i]->outcome_in == batch)
            drop_parcel(delivery->parcels[i]);
    journal_batch_clear(batch);
    step(delivery);
}

static void on_outcomes_timer(uv_timer_t *timer)
{
    struct delivery *delivery = timer->data;
    delivery->may_write_few = true;
    step(delivery);
}

// With nothing else under way there is nothing to wait for.
static bool are_worth_writing(struct delivery *delivery, const struct journal_batch *batch)
{
    if (batch->outcome_count >= OUTCOMES_TOGETHER || batch->outcome_count == delivery->parcel_count ||
        batch == delivery->unwritten || delivery->may_write_few)
        return true;
    if (!uv_is_active((uv_handle_t *)&delivery->outcomes_timer))
        uv_timer_start(&delivery->outcomes_timer, on_outcomes_timer, OUTCOMES_WAIT_MS, 0);
    return false;
}

static void write_outcomes(struct delivery *delivery)
{
    struct journal_batch *batch = delivery->unwritten ? delivery->unwritten : delivery->filling;
    if (delivery->writing || batch->outcome_count == 0 || !journal_is_up(delivery->journal) ||
        !are_worth_writing(delivery, batch))
        return;
    uv_timer_stop(&delivery->outcomes_timer);
    delivery->may_write_few = false;
    if (batch == delivery->filling)
        delivery->filling = batch == &delivery->batches[0] ? &delivery->batches[1] : &delivery->batches[0];
    delivery->unwritten = NULL;
    batch->data = delivery;
    batch->now = now_of(delivery);
    const struct rhythm *rhythm = &delivery->context.config->rhythm;
    batch->urgent_per_hour = rhythm->urgent_per_hour;
    batch->follow_up_at = rhythm_follow_up(rhythm, delivery->context.rules, batch->now);
    batch->on_done = on_batch_done;
    delivery->writing = true;
    journal_commit(delivery->journal, batch);
}

static void add_outcome(struct parcel *parcel, enum notice_state state, instant next_attempt_at,
                        const char *reply)
{
    struct journal_batch *batch = parcel->delivery->filling;
    MEMORY_GROW(batch->outcomes, batch->outcome_count, batch->outcome_capacity);
    batch->outcomes[batch->outcome_count++] = (struct journal_outcome){
        .notice_id = parcel->letter.notice.id,
        .state = state,
        .attempts = parcel->letter.notice.attempts + 1,
        .next_attempt_at = next_attempt_at,
        .finished_at = next_attempt_at == INSTANT_NONE ? now_of(parcel->delivery) : INSTANT_NONE,
        .last_reply = arena_string(&batch->arena, reply),
        .as_of = parcel->as_of,
    };
    parcel->outcome_in = batch;
    parcel->delivery->burst_sent += state == NOTICE_SENT;
    parcel->delivery->burst_deferred += state == NOTICE_DEFERRED;
    parcel->delivery->burst_given_up += state == NOTICE_ABANDONED;
}

static int add_failure(struct journal_batch *batch, const struct waiting_notice *notice,
                       const struct rule *rule, instant now)
{
    struct arena *arena = &batch->arena;
    MEMORY_GROW(batch->transitions, batch->transition_count, batch->transition_capacity);
    batch->transitions[batch->transition_count] = (struct journal_transition){
        .transition =
            {
                .kind = TRANSITION_NOTICE_FAILED,
                .at = now,
                .recorded_at = now,
                .case_id = arena_string(arena, notice->case_id),
                .subject = arena_string(arena, notice->subject),
                .unit = arena_string(arena, notice->unit),
                .rule = arena_string(arena, notice->rule),
                .code = arena_string(arena, notice->code),
                .rule_kind = rule ? rule->kind : RULE_OWN,
                .sensitive = notice->sensitive,
                .occurrence = notice->occurrence,
                .state = notice->still_there ? notice->state : STATE_CANCELLED,
                .anchor_at = notice->anchor_at,
                .due_at = notice->due_at,
                .breached_at = INSTANT_NONE,
                .closed_at = INSTANT_NONE,
            },
        .deadline_id = notice->deadline_id,
        .deadline_index = -1,
        .derivation = "",
    };
    return (int)batch->transition_count++;
}

// At once. Those who hear of many things hear of them together.
static void tell_next_level(struct delivery *delivery, struct journal_batch *batch,
                            const struct waiting_notice *notice, const struct rule *rule,
                            int transition_index, bool with_others)
{
    struct arena *arena = &batch->arena;
    instant now = now_of(delivery);
    if (rule == NULL || rule->escalation == NULL || notice->stage < 0)
        return;
    struct addressees addressees;
    notices_next_level(rule, notice->stage, delivery->context.people, notice->case_unit, notice->caseworker,
                       zone_date(delivery->context.rules->zone, now), notice->person_id, &addressees);
    for (size_t i = 0; i < addressees.count; i++) {
        const struct recipient *recipient = &addressees.recipients[i];
        MEMORY_GROW(batch->notices, batch->notice_count, batch->notice_capacity);
        struct journal_notice *added = &batch->notices[batch->notice_count++];
        *added = (struct journal_notice){
            .purpose = "stage",
            .transition_index = transition_index,
            .case_id = batch->transitions[transition_index].transition.case_id,
            .person_id = arena_string(arena, recipient->person_id),
            .role = arena_string(arena, recipient->role),
            .instead_of = arena_string(arena, recipient->instead_of),
            .stage = notice->stage,
            .stage_at = notice->stage_at,
            .facts = "",
            .may_go_at = now,
            .urgent = true,
            .with_others = with_others,
        };
        const char *identity[] = {"instead of a notice that failed", notice->message_key,
                                  recipient->person_id};
        message_key(identity, 3, added->message_key);
    }
}

static void tell_operators(struct delivery *delivery, struct journal_batch *batch,
                           const struct waiting_notice *notice, const char *reply)
{
    MEMORY_GROW(batch->notices, batch->notice_count, batch->notice_capacity);
    struct journal_notice *added = &batch->notices[batch->notice_count++];
    *added = (struct journal_notice){
        .purpose = "operator",
        .transition_index = -1,
        .case_id = "",
        .person_id = "",
        .role = "",
        .stage = -1,
        .stage_at = INSTANT_NONE,
        .facts = arena_format(&batch->arena, "1\nnotice_given_up\t%s\t%s\t%.9s\n", notice->case_id,
                              notice->code ? notice->code : "", reply_code(reply)),
        .may_go_at = now_of(delivery),
    };
    const char *identity[] = {"a notice that failed", notice->message_key};
    message_key(identity, 2, added->message_key);
}

// The next level hears of what this person could not be told. What became of a deadline concerns nobody else.
static void pass_on(struct delivery *delivery, struct journal_batch *batch,
                    const struct waiting_notice *notice, bool with_others)
{
    if (strcmp(notice->purpose, "stage") != 0 || notice->transition_number == 0 || notice->out_of_date)
        return;
    const struct rule *rule = letter_rule(&delivery->context, notice->rule);
    int failure = add_failure(batch, notice, rule, now_of(delivery));
    tell_next_level(delivery, batch, notice, rule, failure, with_others);
}

// What became of a deadline is nothing to somebody who has left since he was told of it, and no reason to
// trouble others.
static bool has_left_with_it(const struct parcel *parcel)
{
    const struct letter *letter = &parcel->letter;
    bool only_follow_ups = strcmp(letter->notice.purpose, "follow_up") == 0;
    for (size_t i = 0; i < letter->item_count; i++)
        only_follow_ups = only_follow_ups && strcmp(letter->items[i].purpose, "follow_up") == 0;
    return only_follow_ups && people_find(parcel->delivery->context.people, letter->notice.person_id) == NULL;
}

// Nobody is left without word: the next level and the operators hear that this person could not be reached.
static void give_up(struct parcel *parcel, const char *reply)
{
    const struct waiting_notice *notice = &parcel->letter.notice;
    struct delivery *delivery = parcel->delivery;
    if (parcel->letter.gathered && parcel->given_up_for == NULL) {
        parcel->given_up_for = arena_string(&parcel->arena, reply);
        return; // step() goes on with what it carries, and comes back here
    }
    add_outcome(parcel, NOTICE_ABANDONED, INSTANT_NONE, reply);
    if (!is_about_a_person(notice)) {
        log_line(LOG_LEVEL_ERROR, "delivery",
                 "the operators' address cannot be reached, mend the configuration notice=%lld reply=%s",
                 (long long)notice->id, reply);
        return;
    }
    if (has_left_with_it(parcel)) {
        log_line(LOG_LEVEL_INFO, "delivery", "not told to somebody who has left notice=%lld person=%s",
                 (long long)notice->id, notice->person_id);
        return;
    }
    log_line(LOG_LEVEL_ERROR, "delivery",
             "given up, the next level and the operators are told notice=%lld with=%zu case=%s person=%s "
             "reply=%s",
             (long long)notice->id, parcel->unfolded, notice->case_id, notice->person_id, reply);
    if (is_report(notice)) {
        const struct report_context context = letter_reports(&delivery->context);
        report_notice_give_up(&context, notice, reply, now_of(delivery), delivery->filling);
        return;
    }
    pass_on(delivery, delivery->filling, notice, parcel->unfolded > 0);
    tell_operators(delivery, delivery->filling, notice, reply);
}

static void try_again(struct parcel *parcel, const struct mail_outcome *outcome)
{
    const struct waiting_notice *notice = &parcel->letter.notice;
    const struct config *config = parcel->delivery->context.config;
    struct retry_policy policy = {config->retry_first_s, config->retry_max_s, config->give_up_after_s};
    instant now = now_of(parcel->delivery);
    // A server that is away says nothing about this message: it is never given up for that.
    instant since = outcome->server_fault ? now : notice->formed_at;
    instant next = retry_next(&policy, notice->attempts + 1, since, now, (uint64_t)notice->id);
    if (next == INSTANT_NONE) {
        give_up(parcel, outcome->reason);
        return;
    }
    add_outcome(parcel, NOTICE_DEFERRED, next, outcome->reason);
    log_line(LOG_LEVEL_WARNING, "delivery",
             "deferred, next try in %lld s notice=%lld case=%s attempts=%d reply=%s", (long long)(next - now),
             (long long)notice->id, notice->case_id, notice->attempts + 1, outcome->reason);
}

// How the address of a person has done; those of the configuration are mended there.
static void note_address(struct parcel *parcel, enum address_news news, const struct mail_outcome *outcome)
{
    struct journal_batch *batch = parcel->delivery->filling;
    const char *person = parcel->letter.notice.person_id;
    char key[ADDRESS_KEY_SIZE];
    people_address_key(parcel->delivery->context.people, person, key);
    if (*person == '\0' || *key == '\0')
        return;
    MEMORY_GROW(batch->addresses, batch->address_count, batch->address_capacity);
    batch->addresses[batch->address_count++] = (struct journal_address){
        news, arena_string(&batch->arena, person), arena_string(&batch->arena, key),
        arena_format(&batch->arena, "%d %s", outcome->reply_code, outcome->enhanced)};
}

static void on_mail_done(struct mail_message *message, const struct mail_outcome *outcome)
{
    struct parcel *parcel = message->data;
    struct delivery *delivery = parcel->delivery;
    buffer_done(&parcel->bytes);
    switch (outcome->result) {
    case MAIL_SENT:
        note_address(parcel, ADDRESS_GOOD, outcome);
        add_outcome(parcel, NOTICE_SENT, INSTANT_NONE, outcome->reason);
        log_line(LOG_LEVEL_INFO, "delivery", "delivered notice=%lld case=%s person=%s role=%s",
                 (long long)parcel->letter.notice.id, parcel->letter.notice.case_id,
                 parcel->letter.notice.person_id, parcel->letter.notice.role);
        break;
    case MAIL_TRY_AGAIN:
        try_again(parcel, outcome);
        break;
    case MAIL_REFUSED:
        if (mail_outcome_blames_address(outcome))
            note_address(parcel, ADDRESS_REFUSED, outcome);
        give_up(parcel, outcome->reason);
        break;
    case MAIL_STOPPED:
        drop_parcel(parcel); // the journal still has it
        break;
    }
    step(delivery);
}

// --- taking notices ---

static const char *address_of(const struct delivery *delivery, const struct waiting_notice *notice)
{
    const struct config *config = delivery->context.config;
    if (strcmp(notice->purpose, "data_quality") == 0)
        return config->data_quality ? config->data_quality : config->operators;
    if (*notice->person_id == '\0')
        return config->operators;
    const struct person *person = people_find(delivery->context.people, notice->person_id);
    return person && *person->email ? person->email : NULL;
}

static struct waiting_notice copy_notice(struct arena *arena, const struct waiting_notice *notice)
{
    struct waiting_notice copy = *notice;
    const char **texts[] = {
        &copy.message_key, &copy.purpose, &copy.case_id,   &copy.person_id,  &copy.role,   &copy.instead_of,
        &copy.facts,       &copy.rule,    &copy.subject,   &copy.code,       &copy.unit,   &copy.derivation,
        &copy.history,     &copy.muted,   &copy.case_unit, &copy.caseworker, &copy.held_by};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        *texts[i] = arena_string(arena, *texts[i]);
    return copy;
}

static void dispatch(struct parcel *parcel)
{
    struct delivery *delivery = parcel->delivery;
    parcel->to = arena_string(&parcel->arena, address_of(delivery, &parcel->letter.notice));
    if (parcel->to == NULL) {
        give_up(parcel, "no address");
        return;
    }
    // Which address it is stays out of the words: they go into the log.
    if (!message_address_is_sound(parcel->to)) {
        give_up(parcel, "the recipient's address cannot be used: it must be name@host.domain");
        return;
    }
    parcel->message = (struct mail_message){
        .data = parcel,
        .from = arena_string(&parcel->arena, delivery->context.config->mail_bounces),
        .to = parcel->to,
        .on_turn = on_turn,
        .on_done = on_mail_done,
    };
    mail_send(delivery->mail, &parcel->message);
}

static void on_notice(struct journal_notices *notices, const struct waiting_notice *notice)
{
    struct delivery *delivery = notices->data;
    delivery->read_count++;
    if (!takes_new(delivery)) // asked for before the hold: it waits in the journal
        return;
    if (delivery->burst_started_ns == 0)
        delivery->burst_started_ns = uv_hrtime();
    struct parcel *parcel = memory_alloc(sizeof *parcel);
    parcel->delivery = delivery;
    parcel->as_of = delivery->read_as_of;
    parcel->letter.notice = copy_notice(&parcel->arena, notice);
    parcel->letter.gathered = notice->carries_others;
    parcel->slot = delivery->parcel_count;
    delivery->parcels[delivery->parcel_count++] = parcel;

    const struct report_context context = letter_reports(&delivery->context);
    if (notice->carries_others)
        delivery->gathered_ids[delivery->gathered_count++] = notice->id;
    else if (notice->out_of_date)
        add_outcome(parcel, NOTICE_ABANDONED, INSTANT_NONE, JOURNAL_OUT_OF_DATE);
    else if (is_report(notice) && !report_notice_is_sound(&context, notice))
        add_outcome(parcel, NOTICE_ABANDONED, INSTANT_NONE,
                    "out of date: this report is no longer configured");
    else
        dispatch(parcel);
}

// --- mails that carry others ---

static struct parcel *find_parcel(struct delivery *delivery, int64_t id)
{
    for (size_t i = 0; i < delivery->parcel_count; i++)
        if (delivery->parcels[i]->letter.notice.id == id)
            return delivery->parcels[i];
    return NULL;
}

static void on_part(struct journal_parts *parts, const struct waiting_notice *notice)
{
    struct parcel *parcel = find_parcel(parts->data, notice->carried_by);
    struct letter *letter = &parcel->letter;
    MEMORY_GROW(letter->items, letter->item_count, letter->item_capacity);
    letter->items[letter->item_count++] = copy_notice(&parcel->arena, notice);
}

static void on_sum(struct journal_parts *parts, const struct mail_sum *sum)
{
    struct parcel *parcel = find_parcel(parts->data, sum->carried_by);
    struct letter *letter = &parcel->letter;
    MEMORY_GROW(letter->sums, letter->sum_count, letter->sum_capacity);
    struct mail_sum *added = &letter->sums[letter->sum_count++];
    *added = *sum;
    added->rule = arena_string(&parcel->arena, sum->rule);
    added->code = arena_string(&parcel->arena, sum->code);
}

// Those of which nothing is left were ended by the pruning. Those that do not go now wait in the journal.
static void dispatch_gathered(struct delivery *delivery, bool go)
{
    for (size_t i = 0; i < delivery->gathered_count; i++) {
        struct parcel *parcel = find_parcel(delivery, delivery->gathered_ids[i]);
        if (go && parcel->letter.item_count > 0)
            dispatch(parcel);
        else
            drop_parcel(parcel);
    }
    delivery->gathered_count = 0;
    delivery->reading = false;
    step(delivery);
}

// What was gathered before a look still holds when the look has found nothing new: to gather very much can
// take longer than looks are apart.
static void release_gathered(struct delivery *delivery)
{
    delivery->gathered = false;
    dispatch_gathered(delivery, !delivery->ending &&
                                    journal_last_transition(delivery->journal) == delivery->gathered_at);
}

static void end_gathering(struct delivery *delivery, const struct error *err)
{
    if (err)
        log_line(LOG_LEVEL_WARNING, "delivery", "waiting notices could not be read: %s", err->text);
    if (err || !delivery->held || delivery->ending || delivery->gathered_count == 0)
        dispatch_gathered(delivery, err == NULL && !delivery->ending);
    else
        delivery->gathered = true;
}

static void on_parts_done(struct journal_parts *parts, const struct error *err)
{
    end_gathering(parts->data, err);
}

static void on_pruned(struct journal_batch *batch, const struct error *err)
{
    struct delivery *delivery = batch->data;
    struct error not_up;
    delivery->parts = (struct journal_parts){
        .data = delivery,
        .carriers = delivery->gathered_ids,
        .carrier_count = delivery->gathered_count,
        .limit = delivery->context.config->rhythm.listed,
        .on_part = on_part,
        .on_sum = on_sum,
        .on_done = on_parts_done,
    };
    if (err == NULL && journal_read_parts(delivery->journal, &delivery->parts, &not_up) < 0)
        err = &not_up;
    if (err)
        end_gathering(delivery, err);
}

static void prune(struct delivery *delivery)
{
    struct journal_batch *batch = &delivery->pruning;
    delivery->gathered_at = journal_last_transition(delivery->journal);
    journal_batch_clear(batch);
    batch->data = delivery;
    batch->now = now_of(delivery);
    batch->prune = delivery->gathered_ids;
    batch->prune_count = delivery->gathered_count;
    batch->on_done = on_pruned;
    journal_commit(delivery->journal, batch);
}

// --- what a mail given up has carried ---

static void on_unfolded_written(struct journal_batch *batch, const struct error *err)
{
    struct delivery *delivery = batch->data;
    struct parcel *parcel = delivery->unfolding;
    size_t done = batch->part_count;
    delivery->unfolding = NULL;
    if (err) {
        log_line(LOG_LEVEL_WARNING, "delivery", "%zu outcomes wait until the journal is there again: %s",
                 done, err->text);
        drop_parcel(parcel); // the journal still has it
    } else {
        parcel->unfolded += done;
        if (done > 0)
            parcel->unfolded_until = batch->parts[done - 1].notice_id;
        if (done < UNFOLD_TOGETHER)
            give_up(parcel, parcel->given_up_for);
    }
    step(delivery);
}

static void on_carried(struct journal_notices *notices, const struct waiting_notice *notice)
{
    struct delivery *delivery = notices->data;
    struct journal_batch *batch = &delivery->unfolded_batch;
    MEMORY_GROW(batch->parts, batch->part_count, batch->part_capacity);
    batch->parts[batch->part_count++] = (struct journal_outcome){
        .notice_id = notice->id,
        .state = NOTICE_ABANDONED,
        .attempts = delivery->unfolding->letter.notice.attempts + 1,
        .next_attempt_at = INSTANT_NONE,
        .finished_at = now_of(delivery),
        .last_reply = notice->out_of_date ? JOURNAL_OUT_OF_DATE : delivery->unfolding->given_up_for,
    };
    pass_on(delivery, batch, notice, true);
}

static void on_carried_done(struct journal_notices *notices, const struct error *err)
{
    struct delivery *delivery = notices->data;
    struct journal_batch *batch = &delivery->unfolded_batch;
    if (err || batch->part_count == 0)
        on_unfolded_written(batch, err);
    else
        journal_commit(delivery->journal, batch);
}

// A crash in the middle tries the mail again with what is left, and gives that up.
static void unfold(struct delivery *delivery)
{
    struct parcel *parcel = NULL;
    for (size_t i = 0; i < delivery->parcel_count && !parcel; i++)
        if (delivery->parcels[i]->given_up_for && !delivery->parcels[i]->outcome_in)
            parcel = delivery->parcels[i];
    if (parcel == NULL)
        return;
    struct journal_batch *batch = &delivery->unfolded_batch;
    journal_batch_clear(batch);
    batch->data = delivery;
    batch->now = now_of(delivery);
    batch->urgent_per_hour = delivery->context.config->rhythm.urgent_per_hour;
    batch->on_done = on_unfolded_written;
    delivery->unfolded = (struct journal_notices){
        .data = delivery,
        .limit = UNFOLD_TOGETHER,
        .on_notice = on_carried,
        .on_done = on_carried_done,
    };
    struct error err;
    if (journal_read_carried(delivery->journal, &delivery->unfolded, parcel->letter.notice.id,
                             parcel->unfolded_until, &err) == 0)
        delivery->unfolding = parcel;
}

// --- taking mails ---

static void on_formed(struct forming *forming, const struct error *err)
{
    struct delivery *delivery = forming->data;
    delivery->reading = false;
    delivery->more = err == NULL;
    if (err)
        log_line(LOG_LEVEL_WARNING, "delivery", "waiting notices could not become mails: %s", err->text);
    step(delivery);
}

static void on_notices_done(struct journal_notices *notices, const struct error *err)
{
    struct delivery *delivery = notices->data;
    delivery->more = err == NULL && delivery->read_count == notices->limit;
    if (delivery->gathered_count > 0 && err == NULL) {
        prune(delivery);
        return;
    }
    end_gathering(delivery, err);
}

static void read_mails(struct delivery *delivery, size_t room)
{
    for (size_t i = 0; i < delivery->parcel_count; i++)
        delivery->except[i] = delivery->parcels[i]->letter.notice.id;
    delivery->notices = (struct journal_notices){
        .data = delivery,
        .now = now_of(delivery),
        .limit = (int)room,
        .except = delivery->except,
        .except_count = delivery->parcel_count,
        .on_notice = on_notice,
        .on_done = on_notices_done,
    };
    delivery->read_count = 0;
    delivery->read_as_of = journal_last_transition(delivery->journal);
    struct error err;
    if (journal_read_notices(delivery->journal, &delivery->notices, &err) == 0)
        delivery->reading = true;
}

static bool is_due(instant at, instant now)
{
    return at != INSTANT_NONE && at <= now;
}

static void take(struct delivery *delivery)
{
    size_t room = DELIVERY_MAX - delivery->parcel_count, slots = mail_free_slots(delivery->mail);
    instant now = now_of(delivery);
    struct agenda agenda = journal_agenda(delivery->journal);
    // Small bites cost a question each: wait until there is room for a good one.
    size_t worth = delivery->parcel_count > 0 ? DELIVERY_MAX / 4 : 1;
    if (room > slots)
        room = slots;
    if (delivery->context.people->person_count == 0 || room < worth)
        return;
    if (is_due(agenda.loose_at, now))
        delivery->reading = forming_start(&delivery->forming, now);
    else if (is_due(agenda.mail_at, now))
        read_mails(delivery, room);
}

static void say_burst(struct delivery *delivery)
{
    if (delivery->burst_started_ns == 0)
        return;
    log_line(LOG_LEVEL_NOTICE, "delivery",
             "nothing left to send now sent=%zu deferred=%zu given_up=%zu ms=%llu", delivery->burst_sent,
             delivery->burst_deferred, delivery->burst_given_up,
             (unsigned long long)(uv_hrtime() - delivery->burst_started_ns) / 1000000);
    delivery->burst_started_ns = 0;
    delivery->burst_sent = delivery->burst_deferred = delivery->burst_given_up = 0;
}

// The one place that moves the delivery.
static void step(struct delivery *delivery)
{
    write_outcomes(delivery);
    if (delivery->unfolding == NULL && journal_is_up(delivery->journal))
        unfold(delivery);
    if (takes_new(delivery) && delivery->more && !delivery->reading && journal_is_up(delivery->journal))
        take(delivery);
    if (!delivery_is_idle(delivery))
        return;
    say_burst(delivery);
    if (delivery->on_idle)
        delivery->on_idle(delivery->idle_data);
}
