// SPDX-License-Identifier: MPL-2.0
#include "shell/casework.h"

#include "core/backlog.h"
#include "core/computation.h"
#include "core/explain.h"
#include "core/notices.h"
#include "core/phrases.h"
#include "shell/log.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPERATOR_LINES   50 // in one mail; the rest is counted
#define FAULT_LINES      100
#define CHANGE_LINES     50 // in the log and in one mail; `fristd compare` lists all
#define FAULTS_PER_CASE  200
#define UNREADABLE_RETRY 3600 // s until an unreadable case is looked at again by itself

struct fault_list {
    struct journal_fault faults[FAULTS_PER_CASE];
    size_t count;
};

struct casework {
    const char *site, *fingerprint;
    enum language language; // of derivations
    const struct ruleset *rules;
    const struct rhythm *rhythm;
    struct evaluator *evaluator, *explainer;
    struct people people;
    instant now;
    bool backlog;
    struct journal_batch *batch;
    struct decision decision;
    struct fault_list fault_list; // of the case at hand
    struct backlog counts;
    struct reach *reach;
    bool reach_wanted, reach_begun;
    const struct known_silence *known_silences;
    struct silence *silences; // of these
    size_t silence_count;
    const struct known_refusal *refusals;
    size_t refusal_count;
    struct buffer operator_lines, fault_lines;
    size_t operator_line_count, fault_line_count;
    instant known_at; // INSTANT_NONE: by the same rules
    struct rule_changes changes;
    struct buffer change_lines;
    size_t change_line_count;
    void (*on_difference)(void *data, const char *case_id, const struct deadline_difference *difference);
    void *difference_data;
};

struct casework *casework_new(const char *site, const struct ruleset *rules, const char *fingerprint,
                              enum language language, const struct rhythm *rhythm)
{
    struct casework *work = memory_alloc(sizeof *work);
    work->site = site;
    work->rules = rules;
    work->fingerprint = fingerprint;
    work->language = language;
    work->rhythm = rhythm;
    work->evaluator = evaluator_new(rules);
    work->explainer = evaluator_new(rules);
    return work;
}

void casework_free(struct casework *work)
{
    if (work == NULL)
        return;
    free(work->decision.decided);
    backlog_done(&work->counts);
    reach_free(work->reach);
    free(work->silences);
    buffer_done(&work->operator_lines);
    buffer_done(&work->fault_lines);
    buffer_done(&work->change_lines);
    people_done(&work->people);
    evaluator_free(work->evaluator);
    evaluator_free(work->explainer);
    free(work);
}

void casework_begin(struct casework *work, struct journal_batch *batch, instant now, bool backlog,
                    instant known_at)
{
    work->batch = batch;
    work->now = now;
    work->backlog = backlog;
    backlog_clear(&work->counts);
    work->reach_wanted = work->reach_begun = false;
    buffer_clear(&work->operator_lines);
    buffer_clear(&work->fault_lines);
    work->operator_line_count = work->fault_line_count = 0;
    work->known_at = known_at;
    // A look that was broken off has written some changes down: they are still to be reported.
    if (known_at == INSTANT_NONE) {
        buffer_clear(&work->change_lines);
        work->change_line_count = 0;
        work->changes = (struct rule_changes){0};
    }
}

void casework_set_people(struct casework *work, const struct people *people)
{
    people_copy(&work->people, people);
    people_finish(&work->people);
}

void casework_set_silences(struct casework *work, const struct known_silence *silences, size_t count)
{
    work->known_silences = silences;
    work->silence_count = count;
    work->silences = memory_resize(work->silences, count, sizeof *work->silences);
    for (size_t i = 0; i < count; i++)
        work->silences[i] = silences[i].silence;
}

void casework_set_refusals(struct casework *work, const struct known_refusal *refusals, size_t count)
{
    work->refusals = refusals;
    work->refusal_count = count;
}

const struct people *casework_people(const struct casework *work)
{
    return &work->people;
}

// --- deciding ---

static const char *derivation_of(struct casework *work, const struct deadline *explained)
{
    struct buffer text = {0};
    for (int i = 0; i < explained->step_count; i++) {
        if (i > 0)
            buffer_add_char(&text, '\n');
        explain_step(&explained->steps[i], explained->rule, work->rules->zone, work->language, &text);
    }
    const char *copy = text.length ? arena_copy(&work->batch->arena, text.data, text.length) : "";
    buffer_done(&text);
    return copy;
}

// What `fristd verify` computes again, for as long as the deadline is not closed.
static const char *computation_of(struct casework *work, const struct deadline *explained)
{
    if (deadline_is_closed(explained->state))
        return NULL;
    struct buffer text = {0};
    computation_write(explained, work->rules, &text);
    const char *copy = arena_copy(&work->batch->arena, text.data, text.length);
    buffer_done(&text);
    return copy;
}

static void operator_line(struct casework *work, const char *what, const char *case_id, const char *code,
                          const char *detail)
{
    if (work->operator_line_count++ < OPERATOR_LINES)
        buffer_format(&work->operator_lines, "%s\t%s\t%s\t%s\n", what, case_id, code, detail);
}

static void add_notice(struct journal_batch *batch, const struct journal_notice *notice,
                       const char *const *identity, size_t parts)
{
    MEMORY_GROW(batch->notices, batch->notice_count, batch->notice_capacity);
    struct journal_notice *added = &batch->notices[batch->notice_count++];
    *added = *notice;
    message_key(identity, parts, added->message_key);
}

static void add_stage_notices(struct casework *work, const struct casefile *casefile,
                              const struct decided *decided, const struct happening *happening,
                              int transition_index)
{
    const struct deadline *deadline = decided->deadline;
    const struct rule *rule = deadline->rule;
    struct journal_batch *batch = work->batch;
    struct addressees addressees;
    civil_date today = zone_date(work->rules->zone, work->now);
    notices_address(happening, deadline->rule, &work->people, casefile->unit, casefile->caseworker, today,
                    &addressees);
    const struct stage *stage = &deadline->rule->escalation->stages[happening->stages[0].stage];
    if (addressees.nobody) {
        log_line(LOG_LEVEL_WARNING, "escalation", "a step reached nobody, %s case=%s rule=%s role=%s",
                 addressees.count > 0 ? "the next level is told"
                                      : "and nor does any later step: only the operators are told",
                 casefile->id, deadline->rule->id, stage->to[0]);
        operator_line(work, "step_reached_nobody", casefile->id, deadline->rule->code, stage->to[0]);
    }
    for (size_t i = 0; i < addressees.count; i++) {
        const struct recipient *recipient = &addressees.recipients[i];
        const char *occurrence = arena_format(&batch->arena, "%d", deadline->occurrence);
        const char *due = arena_format(&batch->arena, "%lld", (long long)deadline->due_at);
        const char *at = arena_format(&batch->arena, "%lld", (long long)happening->stages[0].at);
        bool waits = false;
        instant goes_at = rule->urgent ? work->now
                                       : rhythm_next(work->rhythm, work->rules, &work->people,
                                                     recipient->person_id, work->now, &waits);
        const char *identity[] = {work->site, "stage", casefile->id, deadline->rule->id,  deadline->subject,
                                  occurrence, due,     at,           recipient->person_id};
        add_notice(batch,
                   &(struct journal_notice){
                       .purpose = "stage",
                       .transition_index = transition_index,
                       .case_id = casefile->id,
                       .person_id = arena_string(&batch->arena, recipient->person_id),
                       .role = arena_string(&batch->arena, recipient->role),
                       .instead_of = arena_string(&batch->arena, recipient->instead_of),
                       .stage = happening->stages[0].stage,
                       .stage_at = happening->stages[0].at,
                       .facts = "",
                       .next_attempt_at = goes_at,
                       .held_by = waits ? "hours" : NULL,
                       .urgent = rule->urgent,
                   },
                   identity, sizeof identity / sizeof identity[0]);
    }
}

static int add_transition(struct casework *work, const struct journal_transition *transition)
{
    struct journal_batch *batch = work->batch;
    MEMORY_GROW(batch->transitions, batch->transition_count, batch->transition_capacity);
    batch->transitions[batch->transition_count] = *transition;
    return (int)batch->transition_count++;
}

static void write_deadline(struct casework *work, const struct casefile *casefile,
                           const struct decided *decided, const struct deadline *explained)
{
    const struct deadline *deadline = decided->deadline;
    const char *derivation = decided->happening_count > 0 ? derivation_of(work, explained) : "";
    const struct rule *rule = deadline->rule;
    struct journal_batch *batch = work->batch;
    const char *subject = arena_string(&batch->arena, deadline->subject);
    MEMORY_GROW(batch->deadlines, batch->deadline_count, batch->deadline_capacity);
    int index = (int)batch->deadline_count++;
    struct known_deadline row = decided_row(decided);
    batch->deadlines[index] = (struct journal_deadline){
        .id = row.id,
        .case_id = casefile->id,
        .subject = subject,
        .rule = rule,
        .occurrence = row.occurrence,
        .state = row.state,
        .anchor_at = row.anchor_at,
        .due_at = row.due_at,
        .breached_at = row.breached_at,
        .closed_at = row.closed_at,
        .staged_until = row.staged_until,
        .next_stage_at = row.next_stage_at,
        .attention = row.attention,
        .computation = computation_of(work, explained),
    };
    if (decided->silenced) {
        MEMORY_GROW(batch->silenced, batch->silenced_count, batch->silenced_capacity);
        batch->silenced[batch->silenced_count++] =
            (struct journal_silenced){decided->silenced->id, index, decided->hidden_at};
    }
    for (int i = 0; i < decided->happening_count; i++) {
        const struct happening *happening = &decided->happenings[i];
        struct transition transition = {
            .kind = happening->kind,
            .at = happening->at,
            .recorded_at = work->now,
            .case_id = casefile->id,
            .subject = subject,
            .unit = casefile->unit,
            .rule = rule->id,
            .code = rule->code,
            .rule_kind = rule->kind,
            .sensitive = rule->sensitive,
            .occurrence = deadline->occurrence,
            .state = deadline->state,
            .anchor_at = deadline->anchor_at,
            .due_at = deadline->due_at,
            .breached_at = deadline->breached_at,
            .closed_at = deadline->closed_at,
            .late = happening->late,
            .retained = happening->retained,
        };
        int number = add_transition(work, &(struct journal_transition){
                                              .transition = transition,
                                              .deadline_index = index,
                                              .superseded = happening->superseded,
                                              .missed_in_a_row = deadline->missed_in_a_row,
                                              .derivation = derivation,
                                          });
        if (happening->stage_count > 0)
            add_stage_notices(work, casefile, decided, happening, number);
    }
}

static void withdraw_deadline(struct casework *work, const char *case_id, const char *unit,
                              const struct decided *decided)
{
    const struct known_deadline *known = decided->known;
    struct journal_batch *batch = work->batch;
    MEMORY_GROW(batch->withdrawn, batch->withdrawn_count, batch->withdrawn_capacity);
    batch->withdrawn[batch->withdrawn_count++] = known->id;
    for (int i = 0; i < decided->happening_count; i++) {
        struct transition transition = {
            .kind = decided->happenings[i].kind,
            .at = decided->happenings[i].at,
            .recorded_at = work->now,
            .case_id = arena_string(&batch->arena, case_id),
            .subject = arena_string(&batch->arena, known->subject),
            .unit = arena_string(&batch->arena, unit),
            .rule = arena_string(&batch->arena, known->rule),
            .code = arena_string(&batch->arena, known->code),
            .rule_kind = known->rule_kind,
            .sensitive = known->sensitive,
            .occurrence = known->occurrence,
            .state = STATE_CANCELLED,
            .anchor_at = known->anchor_at,
            .due_at = known->due_at,
            .breached_at = known->breached_at,
            .closed_at = work->now,
            .retained = decided->happenings[i].retained,
        };
        add_transition(work, &(struct journal_transition){.transition = transition,
                                                          .deadline_id = known->id,
                                                          .deadline_index = -1,
                                                          .derivation = ""});
    }
}

// --- acknowledgements ---

static void see_acknowledgement(struct casework *work, const struct known_acknowledgement *known,
                                const struct journal_acknowledged *seen)
{
    struct journal_batch *batch = work->batch;
    MEMORY_GROW(batch->acknowledged, batch->acknowledged_count, batch->acknowledged_capacity);
    struct journal_acknowledged *added = &batch->acknowledged[batch->acknowledged_count++];
    *added = *seen;
    added->acknowledgement_id = known->acknowledgement.id;
    added->deadline_id = known->deadline_id;
    added->seen_look_at = known->acknowledgement.look_at;
}

static const struct decided *decided_on(const struct casework *work,
                                        const struct known_acknowledgement *acknowledged)
{
    for (size_t i = 0; i < work->decision.count; i++)
        if (work->decision.decided[i].acknowledgement == &acknowledged->acknowledgement)
            return &work->decision.decided[i];
    return NULL;
}

static bool has_deadline(const struct known_case *known, int64_t id)
{
    for (size_t i = 0; i < known->deadline_count; i++)
        if (known->deadlines[i].id == id)
            return true;
    return false;
}

// Writes down what was decided about them. Returns when the first of those that hold ends; INSTANT_NONE when
// none does.
static instant see_acknowledgements(struct casework *work, const struct known_case *known)
{
    instant first_end = INSTANT_NONE;
    for (size_t i = 0; known && i < known->acknowledgement_count; i++) {
        const struct known_acknowledgement *acknowledged = &known->acknowledgements[i];
        const struct decided *decided = decided_on(work, acknowledged);
        bool over = decided ? decided->acknowledgement_over : !has_deadline(known, acknowledged->deadline_id);
        instant until = acknowledged->acknowledgement.until;
        if (decided || over)
            see_acknowledgement(
                work, acknowledged,
                &(struct journal_acknowledged){.look_at = INSTANT_NONE, .noted = !over, .over = over});
        if (!over && (first_end == INSTANT_NONE || until < first_end))
            first_end = until;
    }
    return first_end;
}

static instant earlier(instant a, instant b)
{
    return a == INSTANT_NONE || (b != INSTANT_NONE && b < a) ? b : a;
}

static void decide_deadlines(struct casework *work, const struct casefile *casefile,
                             const struct evaluation *evaluation, const struct known_case *known)
{
    const struct silences silences = {work->silences, work->silence_count, casefile->id, casefile->unit};
    work->decision.silences = &silences;
    decide(work->rules, evaluation, known ? known->deadlines : NULL, known ? known->deadline_count : 0,
           work->now, work->backlog, &work->decision);
    if (work->backlog)
        for (size_t i = 0; i < evaluation->deadline_count; i++)
            if (!deadline_is_closed(evaluation->deadlines[i].state))
                backlog_add(&work->counts, casefile->unit, &evaluation->deadlines[i]);
    if (work->decision.count == 0)
        return;
    // The steps cost more than the dates, so they are asked for only where something is written down. Same
    // case, same order.
    const struct evaluation *explained = evaluate(work->explainer, casefile, work->now, EVALUATE_EXPLAIN);
    assert(explained->deadline_count == evaluation->deadline_count);
    for (size_t i = 0; i < work->decision.count; i++) {
        const struct decided *decided = &work->decision.decided[i];
        if (decided->deadline == NULL)
            withdraw_deadline(work, casefile->id, casefile->unit, decided);
        else
            write_deadline(work, casefile, decided,
                           &explained->deadlines[decided->deadline - evaluation->deadlines]);
    }
}

static void watch_case(struct casework *work, const struct casefile *casefile, bool has_deadlines,
                       instant wake_at, const struct known_case *known)
{
    struct journal_batch *batch = work->batch;
    bool watched = known && known->watched;
    if (!has_deadlines && wake_at == INSTANT_NONE) {
        if (watched) {
            MEMORY_GROW(batch->gone, batch->gone_count, batch->gone_capacity);
            batch->gone[batch->gone_count++] = casefile->id;
        }
        return;
    }
    if (watched && known->wake_at == wake_at && strcmp(known->unit, casefile->unit) == 0 &&
        strcmp(known->caseworker, casefile->caseworker) == 0)
        return;
    MEMORY_GROW(batch->cases, batch->case_count, batch->case_capacity);
    batch->cases[batch->case_count++] =
        (struct journal_case){casefile->id, casefile->unit, casefile->caseworker, wake_at};
}

// --- changed rules ---

// In the words of a line for the operators.
static const char *count_change(struct rule_changes *changes, const struct deadline_difference *difference)
{
    bool was_open = difference->kind != DIFFERENCE_APPEARED && !deadline_is_closed(difference->old_state);
    if (difference->kind == DIFFERENCE_VANISHED) {
        changes->gone++;
        return "deadline_gone";
    }
    if (!was_open) {
        changes->breached++;
        return "deadline_breached";
    }
    if (difference->kind == DIFFERENCE_MOVED) {
        changes->moved++;
        return "deadline_moved";
    }
    changes->closed++;
    return "deadline_closed";
}

static void word_change(struct casework *work, const struct deadline_difference *difference,
                        struct buffer *words)
{
    const struct zone *zone = work->rules->zone;
    if (difference->kind != DIFFERENCE_APPEARED)
        phrase_short_due(work->language, zone, difference->old_due, words);
    if (difference->kind == DIFFERENCE_MOVED)
        buffer_add_string(words, " → ");
    if (difference->kind == DIFFERENCE_MOVED || difference->kind == DIFFERENCE_APPEARED)
        phrase_short_due(work->language, zone, difference->new_due, words);
}

struct changed_case {
    struct casework *work;
    const char *case_id;
};

static void on_change(void *data, const struct deadline_difference *difference)
{
    const struct changed_case *changed = data;
    struct casework *work = changed->work;
    if (work->on_difference)
        work->on_difference(work->difference_data, changed->case_id, difference);
    if (!difference_is_grave(difference))
        return;
    const char *what = count_change(&work->changes, difference);
    if (work->on_difference || work->change_line_count++ >= CHANGE_LINES)
        return;
    struct buffer words = {0};
    char old_due[ZONE_INSTANT_SIZE], new_due[ZONE_INSTANT_SIZE];
    const struct zone *zone = work->rules->zone;
    word_change(work, difference, &words);
    buffer_format(&work->change_lines, "%s\t%s\t%s\t%s\n", what, changed->case_id, difference->code,
                  words.data);
    buffer_done(&words);
    log_line(LOG_LEVEL_WARNING, "rules", "%s: %s case=%s rule=%s subject=%s old_due=%s new_due=%s",
             work->known_at != INSTANT_NONE ? "changed rules" : "changed rules, not in force", what,
             changed->case_id, difference->rule, difference->subject,
             zone_format(zone, difference->old_due, old_due),
             zone_format(zone, difference->new_due, new_due));
}

// At the time of what is known: what has happened since then changes deadlines by any rules.
static void find_changes(struct casework *work, const struct casefile *casefile, instant at,
                         const struct known_case *known)
{
    struct changed_case changed = {work, casefile->id};
    const struct evaluation *evaluation = evaluate(work->explainer, casefile, at, 0);
    differences_find(known ? known->deadlines : NULL, known ? known->deadline_count : 0, evaluation,
                     INSTANT_NONE, on_change, &changed);
}

void casework_compare(struct casework *work, const struct casefile *casefile, const struct known_case *known)
{
    find_changes(work, casefile, work->now, known);
}

void casework_on_difference(struct casework *work,
                            void (*on_difference)(void *data, const char *case_id,
                                                  const struct deadline_difference *difference),
                            void *data)
{
    work->on_difference = on_difference;
    work->difference_data = data;
}

struct rule_changes casework_changes(const struct casework *work)
{
    return work->changes;
}

// --- faults ---

static const char *or_empty(const char *text)
{
    return text ? text : "";
}

static bool same_fault(const struct journal_fault *fault, const struct known_fault *known)
{
    return strcmp(fault->code, known->code) == 0 && strcmp(fault->rule, known->rule) == 0 &&
           strcmp(fault->subject, known->subject) == 0 && strcmp(fault->event_id, known->event_id) == 0;
}

static void list_fault(struct casework *work, struct fault_list *list, const char *case_id,
                       const struct fault *fault)
{
    if (list->count == FAULTS_PER_CASE)
        return;
    struct arena *arena = &work->batch->arena;
    struct journal_fault *added = &list->faults[list->count];
    *added = (struct journal_fault){
        .case_id = case_id,
        .code = fault_name(fault->code),
        .rule = arena_string(arena, or_empty(fault->rule)),
        .subject = arena_string(arena, or_empty(fault->subject)),
        .event_id = arena_string(arena, or_empty(fault->event_id)),
        .reason = arena_string(arena, or_empty(fault->reason)),
    };
    struct known_fault key = {added->code, added->rule, added->subject, added->event_id};
    for (size_t i = 0; i < list->count; i++)
        if (same_fault(&list->faults[i], &key))
            return;
    list->count++;
}

// Begins the list of the case at hand.
static void list_faults(struct casework *work, const char *case_id, const struct fault *faults,
                        size_t fault_count)
{
    work->fault_list.count = 0;
    for (size_t i = 0; i < fault_count; i++)
        list_fault(work, &work->fault_list, case_id, &faults[i]);
}

static void list_unknown_kinds(struct casework *work, struct fault_list *list,
                               const struct casefile *casefile)
{
    for (size_t i = 0; i < casefile->event_count; i++) {
        const struct event *event = &casefile->events[i];
        if (rules_find_kind(work->rules, event->kind, strlen(event->kind)) < 0)
            list_fault(work, list, casefile->id,
                       &(struct fault){FAULT_UNKNOWN_KIND, NULL, event->subject, event->id,
                                       "kind: no rule knows it"});
    }
}

static void report_fault(struct casework *work, const struct journal_fault *fault)
{
    bool of_case = *fault->case_id != '\0'; // else of a person or unit, whose id is the subject
    if (work->fault_line_count++ < FAULT_LINES)
        buffer_format(&work->fault_lines, "%s%s%s\t%s\t%s\t%s\n", fault->code, of_case ? "" : " ",
                      of_case ? "" : fault->subject, fault->case_id, fault->rule, fault->event_id);
}

static void write_faults(struct casework *work, const char *case_id, const struct fault_list *list,
                         const struct known_case *known)
{
    struct journal_batch *batch = work->batch;
    for (size_t i = 0; i < list->count; i++) {
        const struct journal_fault *fault = &list->faults[i];
        report_fault(work, fault);
        bool is_known = false;
        for (size_t k = 0; known && k < known->fault_count && !is_known; k++)
            is_known = same_fault(fault, &known->faults[k]);
        if (is_known)
            continue;
        log_line(LOG_LEVEL_WARNING, "data", "fault %s case=%s rule=%s subject=%s event=%s %s", fault->code,
                 case_id, fault->rule, fault->subject, fault->event_id, fault->reason);
        MEMORY_GROW(batch->faults, batch->fault_count, batch->fault_capacity);
        batch->faults[batch->fault_count++] = *fault;
    }
    for (size_t k = 0; known && k < known->fault_count; k++) {
        bool is_there = false;
        for (size_t i = 0; i < list->count && !is_there; i++)
            is_there = same_fault(&list->faults[i], &known->faults[k]);
        if (is_there)
            continue;
        const struct known_fault *gone = &known->faults[k];
        MEMORY_GROW(batch->mended, batch->mended_count, batch->mended_capacity);
        batch->mended[batch->mended_count++] =
            (struct journal_fault){case_id, gone->code, gone->rule, gone->subject, gone->event_id, ""};
    }
}

// --- who can be reached ---

void casework_want_reach(struct casework *work)
{
    work->reach_wanted = true;
}

static void look_ahead(struct casework *work, const struct casefile *casefile,
                       const struct evaluation *evaluation)
{
    if (!work->reach_wanted)
        return;
    if (!work->reach_begun) { // the people have come by now
        work->reach = work->reach ? work->reach : reach_new();
        reach_begin(work->reach, work->rules, &work->people, zone_date(work->rules->zone, work->now));
        work->reach_begun = true;
    }
    reach_add(work->reach, casefile->unit, casefile->caseworker, evaluation->deadlines,
              evaluation->deadline_count);
}

// --- one case ---

void casework_arrived(struct casework *work, const struct casefile *casefile, const struct fault *faults,
                      size_t fault_count, const struct known_case *known)
{
    const struct evaluation *evaluation = evaluate(work->evaluator, casefile, work->now, 0);
    assert(evaluation->wake_at == INSTANT_NONE || evaluation->wake_at > work->now);

    struct fault_list *list = &work->fault_list;
    list_faults(work, casefile->id, faults, fault_count);
    for (size_t i = 0; i < evaluation->fault_count; i++)
        list_fault(work, list, casefile->id, &evaluation->faults[i]);
    list_unknown_kinds(work, list, casefile);
    write_faults(work, casefile->id, list, known);

    if (work->known_at != INSTANT_NONE)
        find_changes(work, casefile, work->known_at, known);
    decide_deadlines(work, casefile, evaluation, known);
    look_ahead(work, casefile, evaluation);
    instant wake_at = earlier(evaluation->wake_at, see_acknowledgements(work, known));
    wake_at = earlier(wake_at, work->decision.silence_ends);
    watch_case(work, casefile, evaluation->deadline_count > 0, wake_at, known);
}

static void withdraw_all(struct casework *work, const char *case_id, const struct known_case *known)
{
    static const struct evaluation nothing = {.wake_at = INSTANT_NONE};
    if (known->watched || known->deadline_count > 0)
        log_line(LOG_LEVEL_NOTICE, "casework",
                 "the case is no longer in the case database, its deadlines are withdrawn case=%s", case_id);
    decide(work->rules, &nothing, known->deadlines, known->deadline_count, work->now, false, &work->decision);
    for (size_t i = 0; i < work->decision.count; i++)
        withdraw_deadline(work, case_id, known->unit, &work->decision.decided[i]);
    see_acknowledgements(work, known);
    watch_case(work, &(struct casefile){.id = case_id}, false, INSTANT_NONE, known);
}

void casework_gone(struct casework *work, const char *case_id, const struct fault *faults, size_t fault_count,
                   const struct known_case *known)
{
    if (known)
        withdraw_all(work, case_id, known);
    list_faults(work, case_id, faults, fault_count);
    write_faults(work, case_id, &work->fault_list, known);
}

void casework_unreadable(struct casework *work, const char *case_id, const struct fault *faults,
                         size_t fault_count, const struct known_case *known)
{
    list_faults(work, case_id, faults, fault_count);
    write_faults(work, case_id, &work->fault_list, known);
    for (size_t i = 0; known && i < known->acknowledgement_count; i++) {
        const struct known_acknowledgement *acknowledged = &known->acknowledgements[i];
        if (acknowledged->acknowledgement.look_at != INSTANT_NONE)
            see_acknowledgement(work, acknowledged,
                                &(struct journal_acknowledged){.look_at = work->now + UNREADABLE_RETRY});
    }
    if (known && known->watched && known->wake_at != INSTANT_NONE && known->wake_at <= work->now)
        watch_case(work,
                   &(struct casefile){.id = case_id, .unit = known->unit, .caseworker = known->caseworker},
                   true, work->now + UNREADABLE_RETRY, known);
}

// --- reports ---

static void add_report(struct casework *work, const char *purpose, const char *person_id, const char *role,
                       const char *facts, const char *distinct)
{
    struct arena *arena = &work->batch->arena;
    const char *copy = arena_string(arena, facts);
    const char *identity[] = {work->site, purpose, person_id, distinct, copy};
    add_notice(work->batch,
               &(struct journal_notice){
                   .purpose = purpose,
                   .transition_index = -1,
                   .case_id = "",
                   .person_id = arena_string(arena, person_id),
                   .role = arena_string(arena, role),
                   .stage = -1,
                   .stage_at = INSTANT_NONE,
                   .facts = copy,
                   .next_attempt_at = work->now,
               },
               identity, sizeof identity / sizeof identity[0]);
}

static void on_backlog_report(void *data, const struct person *leader, const char *facts)
{
    struct casework *work = data;
    add_report(work, "backlog", leader->id, leader->role, facts, work->fingerprint);
}

void casework_report_backlog(struct casework *work)
{
    backlog_reports(&work->counts, work->rules, &work->people, on_backlog_report, work);
}

static void add_counted_report(struct casework *work, const char *purpose, const struct buffer *lines,
                               size_t count, const char *distinct)
{
    if (count == 0)
        return;
    struct buffer facts = {0};
    buffer_format(&facts, "%zu\n", count);
    buffer_add(&facts, lines->data, lines->length);
    add_report(work, purpose, "", "", facts.data, distinct);
    buffer_done(&facts);
}

// The steps for which nobody at all is left come first.
static size_t list_holes(struct casework *work, const struct reach_hole *holes, size_t count, bool lost)
{
    civil_date today = zone_date(work->rules->zone, work->now);
    struct buffer words = {0};
    size_t listed = 0;
    for (size_t i = 0; i < count; i++) {
        if ((holes[i].lost != 0) != lost)
            continue;
        buffer_clear(&words);
        phrase_reach_hole(work->language, today, &holes[i], &words);
        operator_line(work, "reach_hole", "", holes[i].code, words.data);
        listed++;
    }
    buffer_done(&words);
    return listed;
}

void casework_report_reach(struct casework *work, const char *before, struct buffer *ret_state)
{
    if (!work->reach_begun)
        return;
    size_t count;
    const struct reach_hole *holes = reach_finish(work->reach, &count);
    char key[MESSAGE_KEY_SIZE];
    struct buffer list = {0};
    reach_fingerprint(work->reach, &list);
    const char *parts[] = {list.length ? list.data : ""};
    message_key(parts, 1, key);
    buffer_done(&list);
    buffer_format(ret_state, "%zu %s", count + reach_left_out(work->reach), key);
    const char *old_key = strchr(before, ' ');
    if (old_key ? strcmp(old_key + 1, key) == 0 : count == 0)
        return;
    if (list_holes(work, holes, count, true) + list_holes(work, holes, count, false) == 0)
        operator_line(work, "reach_whole", "", "", "");
    log_line(LOG_LEVEL_WARNING, "escalation", "steps that will reach nobody in the next %d days holes=%zu",
             REACH_DAYS - 1, count);
}

static void report_silence(struct casework *work, const struct known_silence *known, bool ended)
{
    struct addressees above;
    const char *what = ended ? "silence_ended" : "silence_started";
    const struct person *author = people_find(&work->people, known->given_by);
    struct silence_words words = {.silence = &known->silence,
                                  .person = author ? author->id : NULL,
                                  .person_role = author && *author->role ? author->role : NULL,
                                  .reason = known->reason,
                                  .ended = ended,
                                  .covered = known->covered,
                                  .breached = known->breached,
                                  .hidden = known->hidden,
                                  .of_deadlines = known->of_deadlines,
                                  .undone = known->undone};
    struct buffer facts = {0};
    buffer_format(&facts, "1\n%s\t\t\t", what);
    phrase_silence(work->language, work->rules->zone, &words, &facts);
    buffer_add_char(&facts, '\n');
    notices_level_above(work->rules, &work->people, known->given_by,
                        known->silence.unit ? known->silence.unit : "",
                        zone_date(work->rules->zone, work->now), &above);
    char distinct[64];
    snprintf(distinct, sizeof distinct, "%s %lld", what, (long long)known->silence.id);
    for (size_t i = 0; i < above.count; i++)
        add_report(work, "operator", above.recipients[i].person_id, above.recipients[i].role, facts.data,
                   distinct);
    if (above.count == 0) // nobody is above: somebody must know all the same
        add_report(work, "operator", "", "", facts.data, distinct);
    buffer_done(&facts);
}

void casework_report_silences(struct casework *work)
{
    struct journal_batch *batch = work->batch;
    for (size_t i = 0; i < work->silence_count; i++) {
        const struct known_silence *known = &work->known_silences[i];
        bool begun = known->silence.from <= work->now, ended = known->silence.until <= work->now;
        if (known->look_at == INSTANT_NONE || known->look_at > work->now || !(begun || ended))
            continue;
        if (ended == known->reported) // one that was over before it was seen has hidden nothing
            report_silence(work, known, ended);
        MEMORY_GROW(batch->silences, batch->silence_count, batch->silence_capacity);
        batch->silences[batch->silence_count++] = (struct journal_silence){
            .silence_id = known->silence.id,
            .seen_look_at = known->look_at,
            .look_at = ended ? INSTANT_NONE : known->silence.until,
            .over = ended,
        };
    }
}

static void note_address(struct casework *work, const char *person_id, enum address_news news)
{
    struct journal_batch *batch = work->batch;
    MEMORY_GROW(batch->addresses, batch->address_count, batch->address_capacity);
    batch->addresses[batch->address_count++] = (struct journal_address){.news = news, .person_id = person_id};
}

void casework_report_refusals(struct casework *work)
{
    char key[ADDRESS_KEY_SIZE];
    for (size_t i = 0; i < work->refusal_count && work->people.person_count > 0; i++) {
        const struct known_refusal *refusal = &work->refusals[i];
        if (strcmp(people_address_key(&work->people, refusal->person_id, key), refusal->address_key) != 0) {
            note_address(work, refusal->person_id, ADDRESS_GOOD);
        } else if (refusal->refusals >= ADDRESS_REFUSALS && !refusal->reported) {
            note_address(work, refusal->person_id, ADDRESS_REPORTED);
            log_line(LOG_LEVEL_WARNING, "delivery",
                     "the address is refused again and again person=%s times=%d", refusal->person_id,
                     refusal->refusals);
            operator_line(
                work, "address_refused", "", "",
                arena_format(&work->batch->arena, "%s, %s", refusal->person_id, refusal->last_reply));
        }
    }
}

void casework_report_unreached(struct casework *work)
{
    char now[24];
    snprintf(now, sizeof now, "%lld", (long long)work->now);
    add_counted_report(work, "operator", &work->operator_lines, work->operator_line_count, now);
}

void casework_report_faults(struct casework *work, const char *today)
{
    add_counted_report(work, "data_quality", &work->fault_lines, work->fault_line_count, today);
}

void casework_report_changes(struct casework *work)
{
    add_counted_report(work, "operator", &work->change_lines, work->change_line_count, work->fingerprint);
    if (work->change_line_count > CHANGE_LINES)
        log_line(LOG_LEVEL_WARNING, "rules", "changed rules: and %zu further open deadlines",
                 work->change_line_count - CHANGE_LINES);
    buffer_clear(&work->change_lines);
    work->change_line_count = 0;
}
