// SPDX-License-Identifier: MPL-2.0
#include "shell/casework.h"

#include "core/computation.h"
#include "core/explain.h"
#include "core/muting.h"
#include "core/notices.h"
#include "shell/case_faults.h"
#include "shell/log.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define UNREADABLE_RETRY 3600 // s until an unreadable case is looked at again by itself

struct casework {
    struct look look;
    struct findings findings;
    struct changed_rules changed;
    struct evaluator *evaluator, *explainer;
    bool backlog;
    instant known_at; // INSTANT_NONE: by the same rules
    struct decision decision;
    struct case_faults faults; // of the case at hand
    struct silence *silences;
    size_t silence_count;
    size_t moved; // cases that have another unit now
};

struct casework *casework_new(const char *site, const struct ruleset *rules, const char *fingerprint,
                              enum language language, const struct rhythm *rhythm)
{
    struct casework *work = memory_alloc(sizeof *work);
    work->look = (struct look){
        .site = site, .fingerprint = fingerprint, .language = language, .rules = rules, .rhythm = rhythm};
    findings_init(&work->findings, &work->look);
    work->changed.findings = &work->findings;
    work->evaluator = evaluator_new(rules);
    work->explainer = evaluator_new(rules);
    return work;
}

void casework_free(struct casework *work)
{
    if (work == NULL)
        return;
    findings_done(&work->findings);
    free(work->decision.decided);
    free(work->silences);
    people_done(&work->look.people);
    evaluator_free(work->evaluator);
    evaluator_free(work->explainer);
    free(work);
}

void casework_begin(struct casework *work, struct journal_batch *batch, instant now, bool backlog,
                    instant known_at)
{
    work->look.batch = batch;
    work->look.now = now;
    work->backlog = backlog;
    work->known_at = known_at;
    work->moved = 0;
    // A look that was broken off has written some changes down: they are still to be reported.
    bool keep_changes = known_at != INSTANT_NONE;
    findings_begin(&work->findings, keep_changes);
    work->changed.in_force = keep_changes;
    if (!keep_changes)
        work->changed.counts = (struct rule_changes){0};
}

struct look *casework_look(struct casework *work)
{
    return &work->look;
}

struct findings *casework_findings(struct casework *work)
{
    return &work->findings;
}

void casework_set_people(struct casework *work, const struct people *people)
{
    people_copy(&work->look.people, people);
    people_finish(&work->look.people);
}

void casework_set_silences(struct casework *work, const struct known_silence *silences, size_t count)
{
    work->silence_count = count;
    work->silences = memory_resize(work->silences, count, sizeof *work->silences);
    for (size_t i = 0; i < count; i++)
        work->silences[i] = silences[i].silence;
}

const struct people *casework_people(const struct casework *work)
{
    return &work->look.people;
}

// --- deciding ---

static const char *derivation_of(struct casework *work, const struct deadline *explained)
{
    struct buffer text = {0};
    for (int i = 0; i < explained->step_count; i++) {
        if (i > 0)
            buffer_add_char(&text, '\n');
        explain_step_outside(&explained->steps[i], explained->rule, work->look.rules, work->look.language,
                             &text);
    }
    const char *copy = text.length ? arena_copy(&work->look.batch->arena, text.data, text.length) : "";
    buffer_done(&text);
    return copy;
}

// What `fristd verify` computes again, for as long as the deadline is not closed.
static const char *computation_of(struct casework *work, const struct deadline *explained)
{
    if (deadline_is_closed(explained->state))
        return NULL;
    struct buffer text = {0};
    computation_write(explained, work->look.rules, &text);
    const char *copy = arena_copy(&work->look.batch->arena, text.data, text.length);
    buffer_done(&text);
    return copy;
}

static void add_stage_notices(struct casework *work, const struct casefile *casefile,
                              const struct decided *decided, const struct happening *happening,
                              int transition_index)
{
    const struct deadline *deadline = decided->deadline;
    const struct rule *rule = deadline->rule;
    struct journal_batch *batch = work->look.batch;
    struct addressees addressees;
    civil_date today = zone_date(work->look.rules->zone, work->look.now);
    notices_address(happening, deadline->rule, &work->look.people, casefile->unit, casefile->caseworker,
                    today, &addressees);
    const struct stage *stage = &deadline->rule->escalation->stages[happening->stages[0].stage];
    if (addressees.nobody) {
        log_line(LOG_LEVEL_WARNING, "escalation", "a step reached nobody, %s case=%s rule=%s role=%s",
                 addressees.count > 0 ? "the next level is told"
                                      : "and nor does any later step: only the operators are told",
                 casefile->id, deadline->rule->id, stage->to[0]);
        findings_add_operator_line(&work->findings, "step_reached_nobody", casefile->id, deadline->rule->code,
                                   stage->to[0]);
    }
    for (size_t i = 0; i < addressees.count; i++) {
        const struct recipient *recipient = &addressees.recipients[i];
        const char *occurrence = arena_format(&batch->arena, "%d", deadline->occurrence);
        const char *due = arena_format(&batch->arena, "%lld", (long long)deadline->due_at);
        const char *at = arena_format(&batch->arena, "%lld", (long long)happening->stages[0].at);
        bool waits = false;
        instant goes_at = rule->urgent ? work->look.now
                                       : rhythm_next(work->look.rhythm, work->look.rules, &work->look.people,
                                                     recipient->person_id, work->look.now, &waits);
        const char *identity[] = {work->look.site,     "stage",    casefile->id, deadline->rule->id,
                                  deadline->subject,   occurrence, due,          at,
                                  recipient->person_id};
        look_add_notice(&work->look,
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
                            .may_go_at = goes_at,
                            .held_by = waits ? "hours" : NULL,
                            .urgent = rule->urgent,
                        },
                        identity, sizeof identity / sizeof identity[0]);
    }
}

static void write_muting(struct casework *work, const struct decided *decided, int deadline_index)
{
    struct journal_batch *batch = work->look.batch;
    const struct deadline *by = decided->muted_by;
    if (decided->unmuted) {
        MEMORY_GROW(batch->unmuted, batch->unmuted_count, batch->unmuted_capacity);
        batch->unmuted[batch->unmuted_count++] = decided->known->id;
    }
    if (by == NULL)
        return;
    MEMORY_GROW(batch->muted, batch->muted_count, batch->muted_capacity);
    batch->muted[batch->muted_count++] = (struct journal_muted){
        .deadline_index = deadline_index,
        .step_at = decided->muted_at,
        .by_rule = by->rule->id,
        .by_code = by->rule->code,
        .by_subject = arena_string(&batch->arena, by->subject),
        .by_occurrence = by->occurrence,
        .over = deadline_is_closed(decided->deadline->state),
    };
}

static int add_transition(struct casework *work, const struct journal_transition *transition)
{
    struct journal_batch *batch = work->look.batch;
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
    struct journal_batch *batch = work->look.batch;
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
    write_muting(work, decided, index);
    if (decided->known && rule->from_birth && !decided->known->from_birth) {
        MEMORY_GROW(batch->births, batch->birth_count, batch->birth_capacity);
        batch->births[batch->birth_count++] = decided->known->id;
    }
    for (int i = 0; i < decided->happening_count; i++) {
        const struct happening *happening = &decided->happenings[i];
        struct transition transition = {
            .kind = happening->kind,
            .at = happening->at,
            .recorded_at = work->look.now,
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
        transition_hide_birth(&transition, rule->from_birth, rule->by_birth);
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
    struct journal_batch *batch = work->look.batch;
    MEMORY_GROW(batch->withdrawn, batch->withdrawn_count, batch->withdrawn_capacity);
    batch->withdrawn[batch->withdrawn_count++] = known->id;
    write_muting(work, decided, -1);
    for (int i = 0; i < decided->happening_count; i++) {
        struct transition transition = {
            .kind = decided->happenings[i].kind,
            .at = decided->happenings[i].at,
            .recorded_at = work->look.now,
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
            .closed_at = work->look.now,
            .retained = decided->happenings[i].retained,
        };
        transition_hide_birth(&transition, known->from_birth, false);
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
    struct journal_batch *batch = work->look.batch;
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

// What is new and has passed a step that nobody is told of, case by case.
static void add_covered(struct casework *work, const struct casefile *casefile)
{
    for (size_t i = 0; i < work->decision.count; i++) {
        const struct decided *decided = &work->decision.decided[i];
        if (decided_is_covered(decided))
            backlog_add_covered(&work->findings.backlog, casefile, decided->deadline);
    }
}

static void decide_deadlines(struct casework *work, const struct casefile *casefile,
                             const struct evaluation *evaluation, const struct known_case *known)
{
    const struct silences silences = {work->silences, work->silence_count, casefile->id, casefile->unit,
                                      &work->look.people};
    const struct muting muting = {&work->look.people, casefile->unit, casefile->caseworker,
                                  zone_date(work->look.rules->zone, work->look.now)};
    work->decision.silences = &silences;
    work->decision.muting = &muting;
    decide(work->look.rules, evaluation, known ? known->deadlines : NULL, known ? known->deadline_count : 0,
           work->look.now, work->backlog, &work->decision);
    if (work->backlog)
        for (size_t i = 0; i < evaluation->deadline_count; i++)
            if (!deadline_is_closed(evaluation->deadlines[i].state))
                backlog_add(&work->findings.backlog, casefile->unit, &evaluation->deadlines[i]);
    if (work->decision.count == 0)
        return;
    if (work->backlog)
        add_covered(work, casefile);
    // The steps cost more than the dates, so they are asked for only where something is written down. Same
    // case, same order.
    const struct evaluation *explained =
        evaluate(work->explainer, casefile, work->look.now, EVALUATE_EXPLAIN);
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
    struct journal_batch *batch = work->look.batch;
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
    work->moved += watched && strcmp(known->unit, casefile->unit) != 0;
    MEMORY_GROW(batch->cases, batch->case_count, batch->case_capacity);
    batch->cases[batch->case_count++] =
        (struct journal_case){casefile->id, casefile->unit, casefile->caseworker, wake_at};
}

// --- changed rules ---

// At the time of what is known: what has happened since then changes deadlines by any rules.
static void find_changes(struct casework *work, const struct casefile *casefile, instant at,
                         const struct known_case *known)
{
    changed_rules_compare(&work->changed, casefile->id, evaluate(work->explainer, casefile, at, 0), known);
}

void casework_compare(struct casework *work, const struct casefile *casefile, const struct known_case *known)
{
    find_changes(work, casefile, work->look.now, known);
}

void casework_on_difference(struct casework *work,
                            void (*on_difference)(void *data, const char *case_id,
                                                  const struct deadline_difference *difference),
                            void *data)
{
    work->changed.on_difference = on_difference;
    work->changed.data = data;
}

struct rule_changes casework_changes(const struct casework *work)
{
    return work->changed.counts;
}

size_t casework_moved(const struct casework *work)
{
    return work->moved;
}

// --- one case ---

void casework_arrived(struct casework *work, const struct casefile *casefile, const struct fault *faults,
                      size_t fault_count, const struct known_case *known)
{
    const struct evaluation *evaluation = evaluate(work->evaluator, casefile, work->look.now, 0);
    assert(evaluation->wake_at == INSTANT_NONE || evaluation->wake_at > work->look.now);

    case_faults_begin(&work->faults, casefile->id);
    case_faults_add(&work->faults, &work->look, faults, fault_count);
    case_faults_add(&work->faults, &work->look, evaluation->faults, evaluation->fault_count);
    case_faults_add_unknown_kinds(&work->faults, &work->look, casefile);
    case_faults_write(&work->faults, &work->findings, known);

    if (work->known_at != INSTANT_NONE)
        find_changes(work, casefile, work->known_at, known);
    decide_deadlines(work, casefile, evaluation, known);
    findings_add_case(&work->findings, casefile, evaluation);
    instant wake_at = earlier(evaluation->wake_at, see_acknowledgements(work, known));
    wake_at = earlier(wake_at, work->decision.silence_ends);
    watch_case(work, casefile, evaluation->deadline_count > 0, wake_at, known);
}

static void write_faults(struct casework *work, const char *case_id, const struct fault *faults,
                         size_t fault_count, const struct known_case *known)
{
    case_faults_begin(&work->faults, case_id);
    case_faults_add(&work->faults, &work->look, faults, fault_count);
    case_faults_write(&work->faults, &work->findings, known);
}

static void withdraw_all(struct casework *work, const char *case_id, const struct known_case *known)
{
    static const struct evaluation nothing = {.wake_at = INSTANT_NONE};
    if (known->watched || known->deadline_count > 0)
        log_line(LOG_LEVEL_NOTICE, "casework",
                 "the case is no longer in the case database, its deadlines are withdrawn case=%s", case_id);
    decide(work->look.rules, &nothing, known->deadlines, known->deadline_count, work->look.now, false,
           &work->decision);
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
    write_faults(work, case_id, faults, fault_count, known);
}

void casework_unreadable(struct casework *work, const char *case_id, const struct fault *faults,
                         size_t fault_count, const struct known_case *known)
{
    write_faults(work, case_id, faults, fault_count, known);
    for (size_t i = 0; known && i < known->acknowledgement_count; i++) {
        const struct known_acknowledgement *acknowledged = &known->acknowledgements[i];
        if (acknowledged->acknowledgement.look_at != INSTANT_NONE)
            see_acknowledgement(work, acknowledged,
                                &(struct journal_acknowledged){.look_at = work->look.now + UNREADABLE_RETRY});
    }
    if (known && known->watched && known->wake_at != INSTANT_NONE && known->wake_at <= work->look.now)
        watch_case(work,
                   &(struct casefile){.id = case_id, .unit = known->unit, .caseworker = known->caseworker},
                   true, work->look.now + UNREADABLE_RETRY, known);
}
