// SPDX-License-Identifier: MPL-2.0
// One case, from its events in any order to its deadlines in theirs:
//   take_events    what has happened, each id once, in the order of RULES, section 5
//   run_lines      each rule that something starts, after the rules it leans on, on each of its subjects
//   collect        drafts and faults sorted by rule, subject, occurrence
// Everything lives in arrays that the evaluator keeps from case to case.
#include "core/evaluator.h"

#include "core/duty.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static const char *const state_names[] = {
    [STATE_OPEN] = "open",           [STATE_BREACHED] = "breached",
    [STATE_PAUSED] = "paused",       [STATE_MET] = "met",
    [STATE_LATE] = "late",           [STATE_MISSED] = "missed",
    [STATE_CANCELLED] = "cancelled", [STATE_LAPSED] = "lapsed",
    [STATE_PASSED] = "passed",
};

#define STATE_COUNT (sizeof state_names / sizeof state_names[0])

const char *deadline_state_name(enum deadline_state state)
{
    assert((size_t)state < STATE_COUNT);
    return state_names[state];
}

int deadline_state_parse(const char *name, enum deadline_state *ret_state)
{
    for (size_t i = 0; i < STATE_COUNT; i++)
        if (strcmp(state_names[i], name) == 0) {
            *ret_state = (enum deadline_state)i;
            return 0;
        }
    return -1;
}

// Room for `needed` elements in an array whose content need not survive.
#define MAKE_ROOM(array, needed, capacity)                                                                   \
    do {                                                                                                     \
        if ((needed) > (capacity)) {                                                                         \
            (capacity) = 2 * (needed);                                                                       \
            (array) = memory_resize((array), (capacity), sizeof *(array));                                   \
        }                                                                                                    \
    } while (0)

// --- what the rest notes here ---

void evaluator_fault(struct evaluator *evaluator, enum fault_code code, const struct rule *rule, int subject,
                     const struct seen_event *event)
{
    MEMORY_GROW(evaluator->faults, evaluator->fault_count, evaluator->fault_capacity);
    evaluator->faults[evaluator->fault_count++] =
        (struct fault){.code = code,
                       .rule = rule ? rule->id : NULL,
                       .subject = subject >= 0 ? evaluator->subject_names[subject] : NULL,
                       .event_id = event ? event->id : NULL};
}

static bool is_in_set(const uint64_t *set, int line)
{
    return set[line / 64] >> line % 64 & 1;
}

static bool is_empty(const uint64_t *set, size_t words)
{
    for (size_t i = 0; i < words; i++)
        if (set[i] != 0)
            return false;
    return true;
}

static void join_sets(uint64_t *set, const uint64_t *other, size_t words)
{
    for (size_t i = 0; i < words; i++)
        set[i] |= other[i];
}

void evaluator_breach(struct evaluator *evaluator, const struct rule *rule, int subject, instant at)
{
    const struct rules_index *index = evaluator->rules->index;
    const uint64_t *started = index->started_by_breach + (size_t)rule->line * index->words;
    if (is_empty(started, index->words)) // nobody listens
        return;
    struct seen_event *breach = arena_alloc(&evaluator->arena, sizeof *breach);
    *breach = (struct seen_event){.at = at,
                                  .date = zone_date(evaluator->rules->zone, at),
                                  .due_on = CIVIL_NONE,
                                  .kind = -1,
                                  .breach_of = rule->line,
                                  .breached = rule,
                                  .subject = subject,
                                  .order = -1};
    MEMORY_GROW(evaluator->breaches, evaluator->breach_count, evaluator->breach_capacity);
    evaluator->breaches[evaluator->breach_count++] = breach;
    join_sets(evaluator->waiting, started, index->words);
}

void evaluator_wake(struct evaluator *evaluator, instant at)
{
    if (at != INSTANT_NONE && at > evaluator->now &&
        (evaluator->wake_at == INSTANT_NONE || at < evaluator->wake_at))
        evaluator->wake_at = at;
}

instant evaluator_first_of(const struct evaluator *evaluator, const struct kind_list *kinds)
{
    if (kinds->count == 0)
        return INSTANT_NONE;
    for (size_t i = 0; i < evaluator->event_count; i++)
        for (int k = 0; k < kinds->count; k++)
            if (evaluator->events[i].kind == kinds->kinds[k])
                return evaluator->events[i].at;
    return INSTANT_NONE;
}

// Whether a note was made up to the end of a moment on this line and subject, or on one before them.
static bool is_up_to(const struct shared_due *note, int line, int subject, instant at, int order)
{
    if (note->line != line)
        return note->line < line;
    if (note->subject != subject)
        return note->subject < subject;
    return note->at < at || (note->at == at && note->order <= order);
}

bool evaluator_shared(const struct evaluator *evaluator, int line, int subject, instant at, int order,
                      const struct rule **ret_rule, instant *ret_due)
{
    size_t low = 0, high = evaluator->shared_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (is_up_to(&evaluator->shared[middle], line, subject, at, order))
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return false;
    const struct shared_due *last = &evaluator->shared[low - 1];
    if (last->line != line || last->subject != subject || !last->open)
        return false;
    *ret_rule = last->rule;
    *ret_due = last->due_at;
    return true;
}

// --- the events of the case ---

static bool is_number(const char *id)
{
    return id[0] != '\0' && id[strspn(id, "0123456789")] == '\0';
}

static int compare_numbers(const char *a, const char *b)
{
    a += strspn(a, "0");
    b += strspn(b, "0");
    size_t a_length = strlen(a), b_length = strlen(b);
    if (a_length != b_length)
        return a_length < b_length ? -1 : 1;
    return strcmp(a, b);
}

static int compare_ids(const char *a, const char *b)
{
    bool a_is_number = is_number(a), b_is_number = is_number(b);
    if (a_is_number != b_is_number)
        return a_is_number ? -1 : 1;
    return a_is_number ? compare_numbers(a, b) : strcmp(a, b);
}

// `order` is still the place in the input here.
static int compare_events(const void *left, const void *right)
{
    const struct seen_event *a = left, *b = right;
    if (a->at != b->at)
        return a->at < b->at ? -1 : 1;
    int by_id = compare_ids(a->id, b->id);
    if (by_id != 0)
        return by_id;
    return (a->order > b->order) - (a->order < b->order);
}

static void sort_events(struct evaluator *evaluator)
{
    struct seen_event *events = evaluator->events;
    size_t count = evaluator->event_count, i = 1;
    while (i < count && compare_events(&events[i - 1], &events[i]) <= 0)
        i++;
    if (i < count) // cases mostly come sorted
        qsort(events, count, sizeof *events, compare_events);
    for (i = 0; i < count; i++)
        events[i].order = (int)i;
}

static int subject_number(struct evaluator *evaluator, const char *subject)
{
    if (subject[0] == '\0')
        return 0;
    int number = names_add(&evaluator->subjects, subject);
    evaluator->subject_names[number] = subject;
    return number;
}

// What has happened, by the number of its id: the last with one id counts.
static void take_event(struct evaluator *evaluator, const struct event *event, size_t input)
{
    const struct ruleset *rules = evaluator->rules;
    size_t place = (size_t)names_add(&evaluator->ids, event->id);
    struct seen_event *taken = &evaluator->events[place];
    if (place < evaluator->event_count)
        evaluator_fault(evaluator, FAULT_DUPLICATE_EVENT, NULL, -1, taken);
    else
        evaluator->event_count++;
    *taken = (struct seen_event){.at = event->at,
                                 .due_on = event->due_on,
                                 .id = event->id,
                                 .kind = rules_find_kind(rules, event->kind, strlen(event->kind)),
                                 .breach_of = -1,
                                 .subject = subject_number(evaluator, event->subject),
                                 .order = (int)input};
}

// What has not happened yet: a time to look again, and a fault when it is a birth.
static void note_future(struct evaluator *evaluator, const struct event *event)
{
    evaluator_wake(evaluator, event->at);
    int kind = rules_find_kind(evaluator->rules, event->kind, strlen(event->kind));
    if (kind < 0 || !evaluator->rules->index->births[kind])
        return;
    struct seen_event birth = {.id = event->id};
    evaluator_fault(evaluator, FAULT_BIRTH_IN_FUTURE, NULL, subject_number(evaluator, event->subject),
                    &birth);
}

// Only what some rule knows, with its local date.
static void keep_known(struct evaluator *evaluator)
{
    size_t kept = 0;
    for (size_t i = 0; i < evaluator->event_count; i++) {
        if (evaluator->events[i].kind < 0)
            continue;
        evaluator->events[kept] = evaluator->events[i];
        evaluator->events[kept].date = zone_date(evaluator->rules->zone, evaluator->events[kept].at);
        kept++;
    }
    evaluator->event_count = kept;
}

static void group_by_subject(struct evaluator *evaluator)
{
    size_t *starts = evaluator->subject_starts, subjects = (size_t)evaluator->subjects.count;
    memset(starts, 0, (subjects + 1) * sizeof *starts);
    for (size_t i = 0; i < evaluator->event_count; i++)
        starts[evaluator->events[i].subject + 1]++;
    for (size_t i = 1; i <= subjects; i++)
        starts[i] += starts[i - 1];
    for (size_t i = 0; i < evaluator->event_count; i++)
        evaluator->by_subject[starts[evaluator->events[i].subject]++] = &evaluator->events[i];
    memmove(starts + 1, starts, subjects * sizeof *starts); // each has moved to where the next begins
    starts[0] = 0;
}

static void make_room(struct evaluator *evaluator, size_t events)
{
    if (events <= evaluator->event_capacity && evaluator->event_capacity > 0)
        return;
    size_t capacity = evaluator->event_capacity = 2 * events + 16, subjects = capacity + 1;
    evaluator->events = memory_resize(evaluator->events, capacity, sizeof *evaluator->events);
    evaluator->by_subject = memory_resize(evaluator->by_subject, capacity, sizeof *evaluator->by_subject);
    evaluator->subject_names =
        memory_resize(evaluator->subject_names, subjects, sizeof *evaluator->subject_names);
    evaluator->subject_starts =
        memory_resize(evaluator->subject_starts, subjects + 1, sizeof *evaluator->subject_starts);
    evaluator->marks = memory_resize(evaluator->marks, subjects, sizeof *evaluator->marks);
    memset(evaluator->marks, 0, subjects * sizeof *evaluator->marks);
    evaluator->round = 0;
}

static void take_events(struct evaluator *evaluator, const struct casefile *casefile)
{
    make_room(evaluator, casefile->event_count);
    evaluator->event_count = 0;
    names_clear(&evaluator->ids);
    names_clear(&evaluator->subjects);
    evaluator->subject_names[names_add(&evaluator->subjects, "")] = "";
    for (size_t i = 0; i < casefile->event_count; i++) {
        const struct event *event = &casefile->events[i];
        if (event->at > evaluator->now)
            note_future(evaluator, event);
        else
            take_event(evaluator, event, i);
    }
    keep_known(evaluator);
    sort_events(evaluator);
    group_by_subject(evaluator);
}

// --- one rule on one subject ---

// Breaches of a second come before its events, in the order of their rules.
static int compare_moments(const void *left, const void *right)
{
    const struct seen_event *a = *(const struct seen_event *const *)left;
    const struct seen_event *b = *(const struct seen_event *const *)right;
    if (a->at != b->at)
        return a->at < b->at ? -1 : 1;
    if (a->order != b->order)
        return a->order < b->order ? -1 : 1;
    return (a->breach_of > b->breach_of) - (a->breach_of < b->breach_of);
}

static size_t add_breaches(struct evaluator *evaluator, int line, int subject, bool scope_case, size_t count)
{
    const struct rules_index *index = evaluator->rules->index;
    size_t before = count;
    for (size_t i = 0; i < evaluator->breach_count; i++) {
        const struct seen_event *breach = evaluator->breaches[i];
        if ((scope_case || breach->subject == subject) &&
            is_in_set(index->started_by_breach + (size_t)breach->breach_of * index->words, line))
            evaluator->stream[count++] = breach;
    }
    if (count > before)
        qsort(evaluator->stream, count, sizeof(*evaluator->stream), compare_moments);
    return count;
}

// The events that mean something to the line: those of the subject and, between them, those of the case as a
// whole.
static size_t add_events(struct evaluator *evaluator, const struct rule_line *line, int subject)
{
    const struct seen_event *const *own = evaluator->by_subject + evaluator->subject_starts[subject];
    const struct seen_event *const *own_end = evaluator->by_subject + evaluator->subject_starts[subject + 1];
    const struct seen_event *const *whole = evaluator->by_subject;
    const struct seen_event *const *whole_end =
        subject == 0 ? whole : evaluator->by_subject + evaluator->subject_starts[1];
    size_t count = 0;
    while (own < own_end || whole < whole_end) {
        bool take_own = whole == whole_end || (own < own_end && (*own)->order < (*whole)->order);
        const struct seen_event *event = take_own ? *own++ : *whole++;
        if (line->roles[event->kind] != 0)
            evaluator->stream[count++] = event;
    }
    return count;
}

static size_t add_all_events(struct evaluator *evaluator, const struct rule_line *line)
{
    size_t count = 0;
    for (size_t i = 0; i < evaluator->event_count; i++)
        if (line->roles[evaluator->events[i].kind] != 0)
            evaluator->stream[count++] = &evaluator->events[i];
    return count;
}

static void run_duty(struct evaluator *evaluator, int line_number, int subject)
{
    const struct rule_line *line = &evaluator->rules->lines[line_number];
    bool scope_case = line->versions[0]->scope_case;
    MAKE_ROOM(evaluator->stream, evaluator->event_count + evaluator->breach_count,
              evaluator->stream_capacity);
    size_t count = scope_case ? add_all_events(evaluator, line) : add_events(evaluator, line, subject);
    if (evaluator->breach_count > 0)
        count = add_breaches(evaluator, line_number, subject, scope_case, count);

    struct duty duty = {.evaluator = evaluator,
                        .line = line,
                        .line_number = line_number,
                        .subject = subject,
                        .events = evaluator->stream,
                        .first_draft = evaluator->draft_count,
                        .last_start = INSTANT_NONE,
                        .shared_at = INSTANT_NONE};
    for (; duty.position < count; duty.position++)
        duty_handle(&duty, evaluator->stream[duty.position]);
    duty_finish(&duty);

    if (evaluator->draft_count == duty.first_draft)
        return;
    MEMORY_GROW(evaluator->sections, evaluator->section_count, evaluator->section_capacity);
    evaluator->sections[evaluator->section_count++] =
        (struct section){line->rank, evaluator->subject_names[subject], duty.first_draft,
                         evaluator->draft_count - duty.first_draft};
}

// --- one rule after another ---

static bool speaks_of(const struct rule *rule, const char *case_type)
{
    if (rule_is_inert(rule))
        return false;
    for (int i = 0; i < rule->case_type_count; i++)
        if (strcmp(rule->case_types[i], case_type) == 0)
            return true;
    return rule->case_type_count == 0;
}

// Most cases have the type of the one before.
static void choose_applicable(struct evaluator *evaluator, const char *case_type)
{
    const struct ruleset *rules = evaluator->rules;
    if (evaluator->case_type && strcmp(evaluator->case_type, case_type) == 0)
        return;
    free(evaluator->case_type);
    evaluator->case_type = memory_copy(case_type, strlen(case_type));
    for (int i = 0; i < rules->line_count; i++) {
        evaluator->line_applicable[i] = false;
        for (int v = 0; v < rules->lines[i].version_count; v++) {
            const struct rule *rule = rules->lines[i].versions[v];
            evaluator->applicable[rule->number] = speaks_of(rule, case_type);
            evaluator->line_applicable[i] |= evaluator->applicable[rule->number];
        }
    }
}

// Marks the subjects on which a start of the line stands.
static void mark_subjects(struct evaluator *evaluator, int line_number)
{
    const struct rules_index *index = evaluator->rules->index;
    const struct rule_line *line = &evaluator->rules->lines[line_number];
    bool scope_case = line->versions[0]->scope_case;
    if (++evaluator->round == 0) { // all numbers were used: none may look marked
        memset(evaluator->marks, 0, (evaluator->event_capacity + 1) * sizeof *evaluator->marks);
        evaluator->round = 1;
    }
    for (size_t i = 0; i < evaluator->event_count; i++)
        if (line->roles[evaluator->events[i].kind] & ROLE_START)
            evaluator->marks[scope_case ? 0 : evaluator->events[i].subject] = evaluator->round;
    for (size_t i = 0; i < evaluator->breach_count; i++) {
        const struct seen_event *breach = evaluator->breaches[i];
        if (is_in_set(index->started_by_breach + (size_t)breach->breach_of * index->words, line_number))
            evaluator->marks[scope_case ? 0 : breach->subject] = evaluator->round;
    }
}

static void run_lines(struct evaluator *evaluator)
{
    const struct ruleset *rules = evaluator->rules;
    const struct rules_index *index = rules->index;
    memset(evaluator->waiting, 0, index->words * sizeof *evaluator->waiting);
    for (size_t i = 0; i < evaluator->event_count; i++)
        join_sets(evaluator->waiting,
                  index->started_by_kind + (size_t)evaluator->events[i].kind * index->words, index->words);
    for (int line = 0; line < rules->line_count; line++) {
        // A breach can set later lines waiting while earlier ones run.
        if (!is_in_set(evaluator->waiting, line) || !evaluator->line_applicable[line])
            continue;
        mark_subjects(evaluator, line);
        for (int subject = 0; subject < evaluator->subjects.count; subject++)
            if (evaluator->marks[subject] == evaluator->round)
                run_duty(evaluator, line, subject);
    }
}

// --- results ---

static int compare_sections(const void *left, const void *right)
{
    const struct section *a = left, *b = right;
    if (a->line_rank != b->line_rank)
        return a->line_rank < b->line_rank ? -1 : 1;
    return strcmp(a->subject, b->subject);
}

static void sort_sections(struct evaluator *evaluator)
{
    const struct section *sections = evaluator->sections;
    size_t i = 1;
    while (i < evaluator->section_count && compare_sections(&sections[i - 1], &sections[i]) < 0)
        i++;
    if (i < evaluator->section_count) // most rules lean on no other and run in the order of their ids
        qsort(evaluator->sections, evaluator->section_count, sizeof *sections, compare_sections);
}

static void collect_deadlines(struct evaluator *evaluator)
{
    size_t taken = 0;
    sort_sections(evaluator);
    MAKE_ROOM(evaluator->deadlines, evaluator->draft_count, evaluator->deadline_capacity);
    for (size_t s = 0; s < evaluator->section_count; s++)
        for (size_t i = 0; i < evaluator->sections[s].count; i++) {
            const struct draft *draft = &evaluator->drafts[evaluator->sections[s].first + i];
            evaluator->deadlines[taken] = draft->deadline;
            if (evaluator->explain)
                evaluator->deadlines[taken].steps = evaluator->steps.steps + draft->first_step;
            taken++;
        }
    evaluator->result.deadlines = evaluator->deadlines;
    evaluator->result.deadline_count = taken;
}

// What is not there comes first.
static int compare_texts(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) : (a != NULL) - (b != NULL);
}

static int compare_faults(const void *left, const void *right)
{
    const struct fault *a = left, *b = right;
    int by_rule = compare_texts(a->rule, b->rule);
    if (by_rule != 0)
        return by_rule;
    int by_subject = compare_texts(a->subject, b->subject);
    if (by_subject != 0)
        return by_subject;
    int by_event = a->event_id && b->event_id ? compare_ids(a->event_id, b->event_id)
                                              : (a->event_id != NULL) - (b->event_id != NULL);
    if (by_event != 0)
        return by_event;
    if (a->code != b->code)
        return a->code < b->code ? -1 : 1;
    return compare_texts(a->event_id, b->event_id); // "7" and "07"
}

// Sorted, and each once: one event can be found wanting by several steps or versions of a rule.
static void collect_faults(struct evaluator *evaluator)
{
    struct fault *faults = evaluator->faults;
    size_t count = evaluator->fault_count, kept = 0;
    if (count > 1)
        qsort(faults, count, sizeof *faults, compare_faults);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || compare_faults(&faults[kept - 1], &faults[i]) != 0)
            faults[kept++] = faults[i];
    evaluator->result.faults = faults;
    evaluator->result.fault_count = kept;
}

// --- the whole ---

struct evaluator *evaluator_new(const struct ruleset *rules)
{
    assert(rules->index);
    struct evaluator *evaluator = memory_alloc(sizeof *evaluator);
    evaluator->rules = rules;
    evaluator->applicable = memory_alloc((size_t)rules->rule_count * sizeof *evaluator->applicable);
    evaluator->line_applicable = memory_alloc((size_t)rules->line_count * sizeof *evaluator->line_applicable);
    evaluator->waiting = memory_alloc(rules->index->words * sizeof *evaluator->waiting);
    return evaluator;
}

void evaluator_free(struct evaluator *evaluator)
{
    if (evaluator == NULL)
        return;
    free(evaluator->case_type);
    free(evaluator->applicable);
    free(evaluator->line_applicable);
    free(evaluator->waiting);
    names_done(&evaluator->ids);
    names_done(&evaluator->subjects);
    free(evaluator->subject_names);
    free(evaluator->events);
    free(evaluator->by_subject);
    free(evaluator->subject_starts);
    free(evaluator->marks);
    arena_done(&evaluator->arena);
    free(evaluator->breaches);
    free(evaluator->stream);
    free(evaluator->shared);
    free(evaluator->drafts);
    free(evaluator->sections);
    free(evaluator->steps.steps);
    free(evaluator->deadlines);
    free(evaluator->faults);
    free(evaluator);
}

static void begin_case(struct evaluator *evaluator, const struct casefile *casefile, instant now,
                       unsigned flags)
{
    evaluator->now = now;
    evaluator->explain = flags & EVALUATE_EXPLAIN;
    evaluator->wake_at = INSTANT_NONE;
    evaluator->breach_count = evaluator->shared_count = evaluator->draft_count = 0;
    evaluator->section_count = evaluator->fault_count = evaluator->steps.count = 0;
    arena_reset(&evaluator->arena);
    choose_applicable(evaluator, casefile->type);
}

const struct evaluation *evaluate(struct evaluator *evaluator, const struct casefile *casefile, instant now,
                                  unsigned flags)
{
    begin_case(evaluator, casefile, now, flags);
    take_events(evaluator, casefile);
    run_lines(evaluator);
    collect_deadlines(evaluator);
    collect_faults(evaluator);
    evaluator->result.wake_at = evaluator->wake_at;
    return &evaluator->result;
}
