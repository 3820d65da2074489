// SPDX-License-Identifier: MPL-2.0
//
// A notice goes: journal ──read──▶ parcel (addressed) ──its turn: worded──▶ mail ──▶ outcome ──commit──▶ gone
// from memory.
// It is not read again while it is a parcel, and it is a parcel until its outcome is committed, however long
// the journal is away. Only a crash in between sends it again, with the same Message-ID: the one window for a
// duplicate (DESIGN, section 5).
#include "shell/delivery.h"

#include "core/link.h"
#include "core/message.h"
#include "core/notices.h"
#include "shell/log.h"
#include "shell/report_delivery.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINES_MAX 64 // of a derivation, a history or a report in one mail

// A burst's outcomes are written together: this many, or those of this long. It widens the window for a
// duplicate by as much.
#define OUTCOMES_TOGETHER 128
#define OUTCOMES_WAIT_MS  20

struct parcel {
    struct mail_message message;
    struct delivery *delivery;
    struct arena arena; // what of the notice is needed after it was sent
    struct waiting_notice notice;
    struct buffer bytes;
    const char *to;
    size_t slot;                            // index into delivery.parcels
    const struct journal_batch *outcome_in; // NULL: none yet
};

struct delivery {
    struct journal *journal;
    struct mail *mail;
    instant (*clock)(void *data);
    void *clock_data;
    struct delivery_context context;
    int holds;
    struct parcel *parcels[DELIVERY_MAX];
    size_t parcel_count;
    bool reading, more; // more: the journal may hold others that wait
    int read_count;
    struct journal_notices notices;
    int64_t except[DELIVERY_MAX];
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
    return delivery;
}

static void drop_parcel(struct parcel *parcel)
{
    struct delivery *delivery = parcel->delivery;
    struct parcel *last = delivery->parcels[--delivery->parcel_count];
    delivery->parcels[parcel->slot] = last;
    last->slot = parcel->slot;
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
    free(delivery);
}

void delivery_stop(struct delivery *delivery)
{
    uv_close((uv_handle_t *)&delivery->outcomes_timer, NULL);
}

void delivery_set_context(struct delivery *delivery, const struct delivery_context *context)
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
    delivery->holds++;
}

void delivery_release(struct delivery *delivery)
{
    assert(delivery->holds > 0);
    delivery->holds--;
    delivery_wake(delivery);
}

static instant now_of(const struct delivery *delivery)
{
    return delivery->clock(delivery->clock_data);
}

// --- wording ---

static size_t split_lines(struct arena *arena, const char *text, const char **lines, size_t capacity)
{
    size_t count = 0;
    while (text && *text && count < capacity) {
        size_t length = strcspn(text, "\n");
        lines[count++] = arena_copy(arena, text, length);
        text += length;
        text += *text == '\n';
    }
    return count;
}

static const struct rule *rule_of(const struct delivery *delivery, const char *id)
{
    int line = id ? rules_find_line(delivery->context.rules, id) : -1;
    if (line < 0)
        return NULL;
    const struct rule_line *versions = &delivery->context.rules->lines[line];
    return versions->versions[versions->version_count - 1];
}

static const char *title_of(const struct rule *rule, enum language language)
{
    return language == LANGUAGE_EN && rule->title_en ? rule->title_en : rule->title_da;
}

static const char *link_of(const struct delivery *delivery, struct arena *arena, const char *case_id)
{
    struct buffer link = {0};
    if (delivery->context.config->link == NULL)
        return NULL;
    link_to_case(&link, delivery->context.config->link, case_id);
    const char *copy = arena_copy(arena, link.data, link.length);
    buffer_done(&link);
    return copy;
}

// "UNTIL REASON PERSON" of an acknowledgement. Somebody whom the case database does not know is not named.
static void parse_acknowledged(struct arena *arena, const struct people *people, const char *text,
                               struct notice_done *into)
{
    char *rest;
    into->what = TRANSITION_ACKNOWLEDGED;
    into->until = strtoll(text, &rest, 10);
    rest += *rest == ' ';
    size_t length = strcspn(rest, " ");
    into->reason = arena_copy(arena, rest, length);
    const struct person *person = people_find(people, rest + length + (rest[length] == ' '));
    if (person == NULL)
        return;
    into->person = person->id;
    into->person_role = *person->role ? person->role : NULL;
}

// "EPOCH KIND", "EPOCH told ROLE", "EPOCH acknowledged …" or "EPOCH silenced …", as the journal writes it;
// anything else is passed over.
static bool parse_done(struct arena *arena, const struct people *people, const char *line,
                       struct notice_done *ret_done)
{
    char *rest;
    *ret_done = (struct notice_done){.at = strtoll(line, &rest, 10), .until = INSTANT_NONE};
    if (strncmp(rest, " told ", 6) == 0) {
        ret_done->role = rest + 6;
        return true;
    }
    if (strncmp(rest, " acknowledged ", 14) == 0) {
        parse_acknowledged(arena, people, rest + 14, ret_done);
        return true;
    }
    if (strncmp(rest, " silenced ", 10) == 0) {
        parse_acknowledged(arena, people, rest + 10, ret_done);
        ret_done->silenced = true;
        return true;
    }
    return *rest == ' ' && transition_parse(rest + 1, &ret_done->what) == 0;
}

static void word_stage(struct parcel *parcel, struct mail_text *text, struct message *message)
{
    struct delivery *delivery = parcel->delivery;
    const struct config *config = delivery->context.config;
    struct waiting_notice *notice = &parcel->notice;
    const struct rule *rule = rule_of(delivery, notice->rule); // NULL: retired since
    struct arena *arena = &parcel->arena;
    const char *derivation[LINES_MAX], *history[LINES_MAX];
    struct notice_done done[LINES_MAX];
    size_t history_count = split_lines(arena, notice->history, history, LINES_MAX), done_count = 0;
    int approaching = 0;
    bool was_hidden = false; // which says why it comes now
    for (size_t i = 0; i < history_count; i++)
        if (parse_done(arena, delivery->context.people, history[i], &done[done_count])) {
            approaching += done[done_count].role == NULL && done[done_count].what == TRANSITION_APPROACHING;
            was_hidden |= done[done_count].silenced && done[done_count].at <= notice->stage_at &&
                          notice->stage_at < done[done_count].until;
            done_count++;
        }
    struct notice_facts facts = {
        .case_id = notice->case_id,
        .subject = notice->subject,
        .unit = *notice->case_unit ? notice->case_unit : notice->unit,
        .code = notice->code,
        .title = rule ? title_of(rule, config->language) : NULL,
        // The derivation ends with the basis; without one it stands alone.
        .basis = rule && *notice->derivation == '\0' ? rule->basis : NULL,
        .sensitive = notice->sensitive,
        .rule_kind = rule ? rule->kind : RULE_OWN,
        .transition = notice->transition,
        .state = notice->state,
        .anchor_at = notice->anchor_at,
        .due_at = notice->due_at,
        .now = now_of(delivery),
        .missed_in_a_row = notice->missed_in_a_row,
        .late = notice->late && !was_hidden,
        .role = notice->role,
        .instead_of_another = notice->instead_of != NULL,
        .link = link_of(delivery, arena, notice->case_id),
        .done = done,
        .done_count = done_count,
        .derivation = derivation,
        .derivation_count = split_lines(arena, notice->derivation, derivation, LINES_MAX),
    };
    wording_notice(delivery->context.wording, delivery->context.rules->zone, &facts, text);

    char key[MESSAGE_KEY_SIZE];
    const char *occurrence = arena_format(arena, "%d", notice->occurrence);
    const char *thread[] = {config->site, "thread",        notice->case_id,
                            notice->rule, notice->subject, occurrence};
    message->thread_key = arena_string(arena, message_key(thread, sizeof thread / sizeof thread[0], key));
    if (notice->transition == TRANSITION_APPROACHING && approaching <= 1) {
        struct buffer entry = {0};
        message_calendar_entry(message->thread_key, message->message_host, text->subject.data,
                               zone_date(delivery->context.rules->zone, notice->due_at), facts.now,
                               facts.link, &entry);
        message->calendar = arena_copy(arena, entry.data, entry.length);
        buffer_done(&entry);
    }
}

static void word_backlog(struct parcel *parcel, struct mail_text *text)
{
    struct delivery *delivery = parcel->delivery;
    const char *lines[LINES_MAX * 4];
    size_t count = split_lines(&parcel->arena, parcel->notice.facts, lines, sizeof lines / sizeof lines[0]);
    struct backlog_row rows[LINES_MAX * 4];
    struct backlog_facts facts = {.unit = count > 0 ? lines[0] : "", .now = now_of(delivery), .rows = rows};
    for (size_t i = 1; i < count; i++) {
        char id[CASEFILE_ID_MAX + 1];
        int open, breached;
        if (sscanf(lines[i], "%200s %d %d", id, &open, &breached) != 3)
            continue;
        const struct rule *rule = rule_of(delivery, id);
        if (rule == NULL)
            continue; // retired since
        rows[facts.row_count++] = (struct backlog_row){
            .code = rule->code,
            .title = rule->sensitive ? NULL : title_of(rule, delivery->context.config->language),
            .rule_kind = rule->kind,
            .open = open,
            .breached = breached,
        };
    }
    wording_backlog(delivery->context.wording, delivery->context.rules->zone, &facts, text);
}

static const char *next_field(char **at)
{
    char *field = *at;
    char *tab = strchr(field, '\t');
    if (tab)
        *tab = '\0';
    *at = tab ? tab + 1 : field + strlen(field);
    return field;
}

static void word_operator(struct parcel *parcel, struct mail_text *text)
{
    struct delivery *delivery = parcel->delivery;
    bool faults = strcmp(parcel->notice.purpose, "data_quality") == 0;
    const char *lines[LINES_MAX * 2];
    size_t count = split_lines(&parcel->arena, parcel->notice.facts, lines, sizeof lines / sizeof lines[0]);
    struct operator_line rows[LINES_MAX * 2];
    struct operator_facts facts = {.now = now_of(delivery), .lines = rows};
    for (size_t i = 1; i < count; i++) { // the first line is the count of all
        char *at = arena_string(&parcel->arena, lines[i]);
        struct operator_line *row = &rows[facts.line_count++];
        const char *first = next_field(&at);
        row->what = faults ? "data_fault" : first;
        row->case_id = next_field(&at);
        row->code = next_field(&at);
        row->detail = faults ? first : next_field(&at);
    }
    wording_operator(delivery->context.wording, delivery->context.rules->zone, &facts, text);
}

static struct report_context report_context(const struct delivery *delivery)
{
    const struct delivery_context *context = &delivery->context;
    return (struct report_context){context->config, context->rules, context->people, context->reports};
}

static bool is_report(const struct waiting_notice *notice)
{
    return strcmp(notice->purpose, "report") == 0;
}

static void word_report(struct parcel *parcel, struct mail_text *text)
{
    const struct report_context context = report_context(parcel->delivery);
    report_notice_word(&context, &parcel->notice, text);
}

// Worded when its turn comes, not when it is read: a thousand at once would keep the loop, and the mail
// server waiting.
static void on_turn(struct mail_message *mail)
{
    struct parcel *parcel = mail->data;
    struct delivery *delivery = parcel->delivery;
    const struct config *config = delivery->context.config;
    struct mail_text text = {0};
    struct message message = {
        .from_name = config->mail_from_name,
        .from_address = config->mail_from,
        .to_address = parcel->to,
        .message_key = parcel->notice.message_key,
        .message_host = config->mail_host,
        .date = now_of(delivery),
        .zone = delivery->context.rules->zone,
    };
    if (strcmp(parcel->notice.purpose, "stage") == 0)
        word_stage(parcel, &text, &message);
    else if (strcmp(parcel->notice.purpose, "backlog") == 0)
        word_backlog(parcel, &text);
    else if (is_report(&parcel->notice))
        word_report(parcel, &text);
    else
        word_operator(parcel, &text);
    message.subject = text.subject.data;
    message.text = text.text.data;
    message.html = text.html.data;
    struct error err;
    int built = message_build(&message, &parcel->bytes, &err);
    assert(built == 0); // addresses and keys were looked at before
    (void)built;
    mail_text_done(&text);
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
        .notice_id = parcel->notice.id,
        .state = state,
        .attempts = parcel->notice.attempts + 1,
        .next_attempt_at = next_attempt_at,
        .finished_at = next_attempt_at == INSTANT_NONE ? now_of(parcel->delivery) : INSTANT_NONE,
        .last_reply = arena_string(&batch->arena, reply),
    };
    parcel->outcome_in = batch;
    parcel->delivery->burst_sent += state == NOTICE_SENT;
    parcel->delivery->burst_deferred += state == NOTICE_DEFERRED;
    parcel->delivery->burst_given_up += state == NOTICE_ABANDONED;
}

static int add_failure(struct parcel *parcel, const struct rule *rule)
{
    const struct waiting_notice *notice = &parcel->notice;
    struct journal_batch *batch = parcel->delivery->filling;
    struct arena *arena = &batch->arena;
    instant now = now_of(parcel->delivery);
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

static void tell_next_level(struct parcel *parcel, const struct rule *rule, int transition_index)
{
    const struct waiting_notice *notice = &parcel->notice;
    struct delivery *delivery = parcel->delivery;
    struct journal_batch *batch = delivery->filling;
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
            .next_attempt_at = now,
        };
        const char *identity[] = {"instead of a notice that failed", notice->message_key,
                                  recipient->person_id};
        message_key(identity, 3, added->message_key);
    }
}

static void tell_operators(struct parcel *parcel, const char *reply)
{
    const struct waiting_notice *notice = &parcel->notice;
    struct journal_batch *batch = parcel->delivery->filling;
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
        .next_attempt_at = now_of(parcel->delivery),
    };
    const char *identity[] = {"a notice that failed", notice->message_key};
    message_key(identity, 2, added->message_key);
}

// Nobody is left without word: the next level and the operators hear that this person could not be reached.
static void give_up(struct parcel *parcel, const char *reply)
{
    const struct waiting_notice *notice = &parcel->notice;
    add_outcome(parcel, NOTICE_ABANDONED, INSTANT_NONE, reply);
    if (*notice->person_id == '\0') {
        log_line(LOG_LEVEL_ERROR, "delivery",
                 "the operators' address cannot be reached, mend the configuration notice=%lld reply=%s",
                 (long long)notice->id, reply);
        return;
    }
    log_line(LOG_LEVEL_ERROR, "delivery",
             "given up, the next level and the operators are told notice=%lld case=%s person=%s reply=%s",
             (long long)notice->id, notice->case_id, notice->person_id, reply);
    if (is_report(notice)) {
        const struct report_context context = report_context(parcel->delivery);
        report_notice_give_up(&context, notice, reply, now_of(parcel->delivery), parcel->delivery->filling);
        return;
    }
    if (notice->transition_number > 0) {
        const struct rule *rule = rule_of(parcel->delivery, notice->rule);
        tell_next_level(parcel, rule, add_failure(parcel, rule));
    }
    tell_operators(parcel, reply);
}

static void try_again(struct parcel *parcel, const struct mail_outcome *outcome)
{
    const struct waiting_notice *notice = &parcel->notice;
    const struct config *config = parcel->delivery->context.config;
    struct retry_policy policy = {config->retry_first_s, config->retry_max_s, config->give_up_after_s};
    instant now = now_of(parcel->delivery);
    // A server that is away says nothing about this message: it is never given up for that.
    instant since = outcome->server_fault ? now : notice->decided_at;
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
    const char *person = parcel->notice.person_id;
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
                 (long long)parcel->notice.id, parcel->notice.case_id, parcel->notice.person_id,
                 parcel->notice.role);
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

// A duty that was done, or got another date, between the decision and now is not written about.
static bool is_out_of_date(const struct waiting_notice *notice)
{
    if (notice->transition_number == 0 || notice->transition == TRANSITION_NOTICE_FAILED)
        return false;
    return !notice->still_there || notice->moved || notice->state == STATE_MET ||
           notice->state == STATE_LATE || notice->state == STATE_CANCELLED;
}

static struct waiting_notice copy_notice(struct arena *arena, const struct waiting_notice *notice)
{
    struct waiting_notice copy = *notice;
    const char **texts[] = {&copy.message_key, &copy.purpose,    &copy.case_id,   &copy.person_id,
                            &copy.role,        &copy.instead_of, &copy.facts,     &copy.rule,
                            &copy.subject,     &copy.code,       &copy.unit,      &copy.derivation,
                            &copy.history,     &copy.case_unit,  &copy.caseworker};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        *texts[i] = arena_string(arena, *texts[i]);
    return copy;
}

static void on_notice(struct journal_notices *notices, const struct waiting_notice *notice)
{
    struct delivery *delivery = notices->data;
    delivery->read_count++;
    if (delivery->holds > 0) // asked for before the hold: it waits in the journal
        return;
    if (delivery->burst_started_ns == 0)
        delivery->burst_started_ns = uv_hrtime();
    struct parcel *parcel = memory_alloc(sizeof *parcel);
    parcel->delivery = delivery;
    parcel->notice = copy_notice(&parcel->arena, notice);
    parcel->slot = delivery->parcel_count;
    delivery->parcels[delivery->parcel_count++] = parcel;

    if (is_out_of_date(notice)) {
        add_outcome(parcel, NOTICE_ABANDONED, INSTANT_NONE, "out of date: done or moved in the meantime");
        return;
    }
    const struct report_context context = report_context(delivery);
    if (is_report(notice) && !report_notice_is_sound(&context, notice)) {
        add_outcome(parcel, NOTICE_ABANDONED, INSTANT_NONE,
                    "out of date: this report is no longer configured");
        return;
    }
    parcel->to = arena_string(&parcel->arena, address_of(delivery, notice));
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
        .from = arena_string(&parcel->arena, delivery->context.config->mail_from),
        .to = parcel->to,
        .on_turn = on_turn,
        .on_done = on_mail_done,
    };
    mail_send(delivery->mail, &parcel->message);
}

static void on_notices_done(struct journal_notices *notices, const struct error *err)
{
    struct delivery *delivery = notices->data;
    delivery->reading = false;
    delivery->more = err == NULL && delivery->read_count == notices->limit;
    if (err)
        log_line(LOG_LEVEL_WARNING, "delivery", "waiting notices could not be read: %s", err->text);
    step(delivery);
}

static void take(struct delivery *delivery)
{
    size_t room = DELIVERY_MAX - delivery->parcel_count, slots = mail_free_slots(delivery->mail);
    instant now = now_of(delivery), first = journal_agenda(delivery->journal).notice_at;
    bool known_people = delivery->context.people->person_count > 0;
    // Small bites cost a question each: wait until there is room for a good one.
    size_t worth = delivery->parcel_count > 0 ? DELIVERY_MAX / 4 : 1;
    if (room > slots)
        room = slots;
    if (!known_people || first == INSTANT_NONE || first > now || room < worth)
        return;
    for (size_t i = 0; i < delivery->parcel_count; i++)
        delivery->except[i] = delivery->parcels[i]->notice.id;
    delivery->notices = (struct journal_notices){
        .data = delivery,
        .now = now,
        .limit = (int)room,
        .except = delivery->except,
        .except_count = delivery->parcel_count,
        .on_notice = on_notice,
        .on_done = on_notices_done,
    };
    delivery->read_count = 0;
    struct error err;
    if (journal_read_notices(delivery->journal, &delivery->notices, &err) == 0)
        delivery->reading = true;
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
    if (delivery->holds == 0 && delivery->more && !delivery->reading && journal_is_up(delivery->journal))
        take(delivery);
    if (!delivery_is_idle(delivery))
        return;
    say_burst(delivery);
    if (delivery->on_idle)
        delivery->on_idle(delivery->idle_data);
}
