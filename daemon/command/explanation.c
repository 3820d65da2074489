// SPDX-License-Identifier: MPL-2.0
#include "command/explanation.h"

#include <stdlib.h>
#include <string.h>

#define PASSED_STAGES_MAX 200 // shown; the latest ones
#define COMING_STAGES_MAX 64

const char *stage_fate_name(enum stage_fate fate)
{
    static const char *const names[] = {
        [STAGE_TOLD] = "told",     [STAGE_UNTOLD] = "untold",         [STAGE_MUTED] = "muted",
        [STAGE_HELD] = "held",     [STAGE_SUPERSEDED] = "superseded", [STAGE_WAITING] = "waiting",
        [STAGE_COMING] = "coming",
    };
    return names[fate];
}

// --- what the record holds on one deadline ---

// The rows of one deadline out of a sorted list; each row begins with its key.
static const void *own_rows(const struct deadline_key *key, const void *rows, size_t count, size_t size,
                            size_t *ret_count)
{
    const char *row = rows, *end = row + count * size;
    while (row < end && !deadline_key_is((const void *)row, key))
        row += size;
    const char *first = row;
    while (row < end && deadline_key_is((const void *)row, key))
        row += size;
    *ret_count = (size_t)(row - first) / size;
    return row > first ? first : NULL;
}

static void take_record(struct explained_deadline *into, const struct case_record *record)
{
    size_t rows;
    into->recorded =
        own_rows(&into->key, record->deadlines, record->deadline_count, sizeof *record->deadlines, &rows);
    into->transitions = own_rows(&into->key, record->transitions, record->transition_count,
                                 sizeof *record->transitions, &into->transition_count);
    into->notices = own_rows(&into->key, record->notices, record->notice_count, sizeof *record->notices,
                             &into->notice_count);
    into->holds =
        own_rows(&into->key, record->holds, record->hold_count, sizeof *record->holds, &into->hold_count);
}

static struct explained_deadline *next_deadline(struct explanation *explanation)
{
    MEMORY_GROW(explanation->deadlines, explanation->deadline_count, explanation->deadline_capacity);
    struct explained_deadline *next = &explanation->deadlines[explanation->deadline_count++];
    memset(next, 0, sizeof *next);
    return next;
}

// --- from an evaluation ---

static enum version_choice choice_of(const struct deadline *deadline)
{
    enum step_kind opened = deadline->steps[0].kind;
    if (opened == STEP_FOLLOWS || opened == STEP_INSTANCE)
        return VERSION_KEPT;
    return deadline->rule->version_by_due ? VERSION_BY_DUE : VERSION_BY_START;
}

static void take_steps(struct explanation *explanation, const struct deadline *deadline,
                       struct explained_deadline *into)
{
    struct buffer words = {0};
    into->step_count = (size_t)deadline->step_count;
    into->steps = arena_alloc(&explanation->arena, into->step_count * sizeof *into->steps);
    for (size_t i = 0; i < into->step_count; i++) {
        buffer_clear(&words);
        explain_step(&deadline->steps[i], deadline->rule, explanation->zone, explanation->language, &words);
        into->steps[i] = (struct explained_step){explain_step_name(deadline->steps[i].kind),
                                                 arena_string(&explanation->arena, words.data)};
    }
    buffer_done(&words);
}

static bool was_told(const struct explained_deadline *explained, instant at)
{
    for (size_t i = 0; i < explained->notice_count; i++)
        if (explained->notices[i].stage_at == at)
            return true;
    return false;
}

static bool was_noted(const struct explained_deadline *explained, instant at)
{
    for (size_t i = 0; i < explained->transition_count; i++) {
        const struct transition *transition = &explained->transitions[i].transition;
        if (transition->at == at && transition->kind >= TRANSITION_APPROACHING &&
            transition->kind <= TRANSITION_PASSED)
            return true;
    }
    return false;
}

static bool was_held(const struct explained_deadline *explained, instant at)
{
    for (size_t i = 0; i < explained->hold_count; i++)
        if (explained->holds[i].kind != HOLD_MUTED && explained->holds[i].from <= at &&
            at < explained->holds[i].until)
            return true;
    return false;
}

static bool was_muted(const struct explained_deadline *explained, instant at)
{
    for (size_t i = 0; i < explained->hold_count; i++)
        if (explained->holds[i].kind == HOLD_MUTED && explained->holds[i].from == at)
            return true;
    return false;
}

static enum stage_fate fate_of(const struct explained_deadline *explained, instant at, instant now)
{
    const struct recorded_deadline *recorded = explained->recorded;
    if (at > now)
        return STAGE_COMING;
    if (was_told(explained, at))
        return STAGE_TOLD;
    if (was_muted(explained, at))
        return STAGE_MUTED;
    if (was_held(explained, at))
        return STAGE_HELD;
    if (was_noted(explained, at))
        return STAGE_UNTOLD;
    if (recorded && recorded->due_at == explained->due_at && recorded->staged_until != INSTANT_NONE &&
        at <= recorded->staged_until)
        return STAGE_SUPERSEDED;
    return STAGE_WAITING;
}

struct stage_times {
    struct stage_time times[PASSED_STAGES_MAX + COMING_STAGES_MAX + STAGES_MAX];
    size_t count;
};

// The coming ones until one would come a second time: its repeats follow the same step for ever.
static void add_coming(const struct ruleset *rules, const struct deadline *deadline, instant now,
                       struct stage_times *into)
{
    bool seen[STAGES_MAX] = {0};
    size_t first = into->count;
    for (instant at = now; into->count - first < COMING_STAGES_MAX;) {
        at = stages_next(rules, deadline, at);
        if (at == INSTANT_NONE)
            return;
        struct stage_time *next = &into->times[into->count];
        size_t count = stages_between(rules, deadline, at - 1, at, next, STAGES_MAX);
        for (size_t i = 0; i < count; i++) {
            if (seen[next[i].stage])
                return;
            seen[next[i].stage] = true;
            into->count++;
        }
    }
}

static void take_stages(struct explanation *explanation, const struct ruleset *rules,
                        const struct deadline *deadline, struct explained_deadline *into)
{
    struct stage_times found;
    size_t passed =
        stages_between(rules, deadline, INSTANT_NONE, explanation->at, found.times, PASSED_STAGES_MAX);
    found.count = passed < PASSED_STAGES_MAX ? passed : PASSED_STAGES_MAX;
    add_coming(rules, deadline, explanation->at, &found);
    into->stage_count = found.count;
    into->stages = arena_alloc(&explanation->arena, found.count * sizeof *into->stages);
    for (size_t i = 0; i < found.count; i++)
        into->stages[i] = (struct explained_stage){
            .time = found.times[i],
            .stage = &deadline->rule->escalation->stages[found.times[i].stage],
            .fate = fate_of(into, found.times[i].at, explanation->at),
        };
}

static bool is_wanted(const struct case_question *only, const char *rule, const char *subject)
{
    return (only->rule == NULL || strcmp(only->rule, rule) == 0) &&
           (only->subject == NULL || strcmp(only->subject, subject) == 0);
}

static void take_deadline(struct explanation *explanation, const struct ruleset *rules,
                          const struct deadline *deadline, const struct case_record *record)
{
    const struct rule *rule = deadline->rule;
    struct explained_deadline *into = next_deadline(explanation);
    *into = (struct explained_deadline){
        .key = {rule->id, arena_string(&explanation->arena, deadline->subject), deadline->occurrence},
        .code = rule->code,
        .kind = rule->kind,
        .sensitive = rule->sensitive,
        .rule = rule,
        .choice = choice_of(deadline),
        .version_count = rules->lines[rule->line].version_count,
        .state = deadline->state,
        .anchor_at = deadline->anchor_at,
        .due_at = deadline->due_at,
        .breached_at = deadline->breached_at,
        .closed_at = deadline->closed_at,
        .paused_at = deadline->paused_at,
    };
    take_record(into, record);
    take_steps(explanation, deadline, into);
    take_stages(explanation, rules, deadline, into);
}

void explanation_evaluate(struct explanation *explanation, const struct ruleset *rules,
                          const struct casefile *casefile, const struct case_question *only,
                          const struct case_record *record)
{
    struct evaluator *evaluator = evaluator_new(rules);
    const struct evaluation *evaluation = evaluate(evaluator, casefile, explanation->at, EVALUATE_EXPLAIN);
    explanation->evaluated = true;
    explanation->type = arena_string(&explanation->arena, casefile->type);
    explanation->unit = arena_string(&explanation->arena, casefile->unit);
    explanation->caseworker = arena_string(&explanation->arena, casefile->caseworker);
    for (size_t i = 0; i < evaluation->deadline_count; i++) {
        const struct deadline *deadline = &evaluation->deadlines[i];
        if (is_wanted(only, deadline->rule->id, deadline->subject))
            take_deadline(explanation, rules, deadline, record);
    }
    for (size_t i = 0; i < evaluation->fault_count; i++)
        explanation_add_fault(explanation, &evaluation->faults[i]);
    evaluator_free(evaluator);
}

void explanation_add_fault(struct explanation *explanation, const struct fault *fault)
{
    struct arena *arena = &explanation->arena;
    MEMORY_GROW(explanation->faults, explanation->fault_count, explanation->fault_capacity);
    explanation->faults[explanation->fault_count++] = (struct explained_fault){
        .code = fault_name(fault->code),
        .rule = arena_string(arena, fault->rule),
        .subject = arena_string(arena, fault->subject),
        .event_id = arena_string(arena, fault->event_id),
        .reason = arena_string(arena, fault->reason),
    };
}

// --- from the record ---

// The words as they were written down last.
static void recall_steps(struct explanation *explanation, struct explained_deadline *into)
{
    const char *text = "";
    for (size_t i = into->transition_count; i-- > 0 && *text == '\0';)
        text = into->transitions[i].derivation;
    if (*text == '\0')
        return;
    into->step_count = 1;
    for (const char *c = text; *c; c++)
        into->step_count += *c == '\n';
    into->steps = arena_alloc(&explanation->arena, into->step_count * sizeof *into->steps);
    for (size_t i = 0; i < into->step_count; i++) {
        size_t length = strcspn(text, "\n");
        into->steps[i].text = arena_copy(&explanation->arena, text, length);
        text += length + (text[length] != '\0');
    }
}

static void recall_deadline(struct explanation *explanation, const struct deadline_key *key,
                            const struct case_record *record)
{
    struct explained_deadline *into = next_deadline(explanation);
    into->key = *key;
    into->choice = VERSION_NOT_KNOWN;
    into->paused_at = INSTANT_NONE;
    take_record(into, record);
    // That a notice failed says nothing of the deadline.
    size_t last = into->transition_count - 1;
    while (last > 0 && into->transitions[last].transition.kind == TRANSITION_NOTICE_FAILED)
        last--;
    const struct transition *transition = &into->transitions[last].transition;
    into->code = transition->code;
    into->kind = transition->rule_kind;
    into->sensitive = transition->sensitive;
    into->withdrawn = transition->kind == TRANSITION_WITHDRAWN;
    into->state = transition->state;
    into->anchor_at = transition->anchor_at;
    into->due_at = transition->due_at;
    into->breached_at = transition->breached_at;
    into->closed_at = transition->closed_at;
    recall_steps(explanation, into);
    if (explanation->unit == NULL)
        explanation->unit = transition->unit;
}

static bool is_there(const struct explanation *explanation, const struct deadline_key *key)
{
    for (size_t i = 0; i < explanation->deadline_count; i++)
        if (deadline_key_is(&explanation->deadlines[i].key, key))
            return true;
    return false;
}

void explanation_recall(struct explanation *explanation, const struct case_record *record)
{
    for (size_t i = 0; i < record->transition_count; i++)
        if (!is_there(explanation, &record->transitions[i].key))
            recall_deadline(explanation, &record->transitions[i].key, record);
}

// --- the whole ---

static int compare(const void *left, const void *right)
{
    const struct explained_deadline *a = left, *b = right;
    bool a_closed = deadline_is_closed(a->state), b_closed = deadline_is_closed(b->state);
    if (a_closed != b_closed)
        return a_closed ? 1 : -1;
    int order = strcmp(a->key.rule, b->key.rule);
    if (order == 0)
        order = strcmp(a->key.subject, b->key.subject);
    return order != 0 ? order : a->key.occurrence - b->key.occurrence;
}

void explanation_finish(struct explanation *explanation)
{
    if (explanation->deadline_count > 0)
        qsort(explanation->deadlines, explanation->deadline_count, sizeof *explanation->deadlines, compare);
}

void explanation_done(struct explanation *explanation)
{
    free(explanation->deadlines);
    free(explanation->faults);
    arena_done(&explanation->arena);
    *explanation = (struct explanation){0};
}
