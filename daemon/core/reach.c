// SPDX-License-Identifier: MPL-2.0
//
// Days are bits. Whom a role reaches changes only on the days on which somebody leaves or comes back, so
// these alone are asked about; and cases are many where units, roles and caseworkers are few, so each answer
// is kept.
#include "core/reach.h"

#include <stdlib.h>
#include <string.h>

#define ALL_DAYS (((uint64_t)1 << REACH_DAYS) - 1)

// On which days a role is reached from a unit, or a caseworker.
struct answer {
    const char *role, *where; // where: the unit, or the person
    uint64_t days;
};

struct reach {
    struct arena arena;
    const struct ruleset *rules;
    const struct people *people;
    civil_date today;
    int changes[REACH_DAYS]; // the first day of each stretch on which the same people are present
    int change_count;
    struct answer *answers; // a hash table; role NULL: free
    size_t answer_count, answer_capacity;
    struct reach_hole *holes;
    size_t hole_count, hole_capacity, left_out;
    size_t *slots; // a hash table of the holes: index + 1
    size_t slot_capacity;
};

struct reach *reach_new(void)
{
    return memory_alloc(sizeof(struct reach));
}

void reach_free(struct reach *reach)
{
    if (reach == NULL)
        return;
    arena_done(&reach->arena);
    free(reach->answers);
    free(reach->holes);
    free(reach->slots);
    free(reach);
}

// --- the days ---

static void mark_change(bool changes[REACH_DAYS], civil_date today, int64_t date)
{
    if (date > today && date < (int64_t)today + REACH_DAYS)
        changes[date - today] = true;
}

void reach_begin(struct reach *reach, const struct ruleset *rules, const struct people *people,
                 civil_date today)
{
    bool changes[REACH_DAYS] = {true};
    for (size_t i = 0; i < people->person_count; i++) {
        const struct person *person = &people->persons[i];
        if (person->away_from == CIVIL_NONE)
            continue;
        mark_change(changes, today, person->away_from);
        if (person->away_until != CIVIL_NONE)
            mark_change(changes, today, (int64_t)person->away_until + 1);
    }
    reach->change_count = 0;
    for (int day = 0; day < REACH_DAYS; day++)
        if (changes[day])
            reach->changes[reach->change_count++] = day;
    reach->rules = rules;
    reach->people = people;
    reach->today = today;
    arena_reset(&reach->arena);
    if (reach->answers)
        memset(reach->answers, 0, reach->answer_capacity * sizeof *reach->answers);
    if (reach->slots)
        memset(reach->slots, 0, reach->slot_capacity * sizeof *reach->slots);
    reach->answer_count = reach->hole_count = reach->left_out = 0;
}

static uint64_t days_reached(const struct reach *reach, const char *role, const char *unit,
                             const char *caseworker)
{
    uint64_t days = 0;
    for (int i = 0; i < reach->change_count; i++) {
        int from = reach->changes[i],
            until = i + 1 < reach->change_count ? reach->changes[i + 1] : REACH_DAYS;
        struct recipient anybody;
        if (people_reach(reach->people, role, unit, caseworker, reach->today + from, &anybody, 1) > 0)
            days |= (ALL_DAYS >> (REACH_DAYS - (until - from))) << from;
    }
    return days;
}

// --- what is known already ---

static size_t hash_text(size_t hash, const char *text)
{
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3;
    return (hash ^ 0xff) * 0x100000001b3;
}

static struct answer *answer_slot(struct answer *answers, size_t capacity, const char *role,
                                  const char *where)
{
    size_t at = hash_text(hash_text(0xcbf29ce484222325, role), where) & (capacity - 1);
    while (answers[at].role && (strcmp(answers[at].role, role) != 0 || strcmp(answers[at].where, where) != 0))
        at = (at + 1) & (capacity - 1);
    return &answers[at];
}

static void make_room_for_answer(struct reach *reach)
{
    if (2 * (reach->answer_count + 1) <= reach->answer_capacity)
        return;
    size_t capacity = reach->answer_capacity ? 2 * reach->answer_capacity : 256;
    struct answer *larger = memory_alloc(capacity * sizeof *larger);
    for (size_t i = 0; i < reach->answer_capacity; i++)
        if (reach->answers[i].role)
            *answer_slot(larger, capacity, reach->answers[i].role, reach->answers[i].where) =
                reach->answers[i];
    free(reach->answers);
    reach->answers = larger;
    reach->answer_capacity = capacity;
}

static uint64_t days_of_role(struct reach *reach, const char *role, const char *unit, const char *caseworker)
{
    const char *where = strcmp(role, ROLE_CASEWORKER) == 0 ? caseworker : unit;
    make_room_for_answer(reach);
    struct answer *answer = answer_slot(reach->answers, reach->answer_capacity, role, where);
    if (answer->role == NULL) {
        *answer = (struct answer){role, arena_string(&reach->arena, where),
                                  days_reached(reach, role, unit, caseworker)};
        reach->answer_count++;
    }
    return answer->days;
}

static uint64_t days_of_stage(struct reach *reach, const struct stage *stage, const char *unit,
                              const char *caseworker)
{
    uint64_t days = 0;
    for (int i = 0; i < stage->to_count; i++)
        days |= days_of_role(reach, stage->to[i], unit, caseworker);
    return days;
}

// --- holes ---

static bool is_same_hole(const struct reach_hole *a, const struct reach_hole *b)
{
    return a->stage == b->stage && a->days == b->days && a->lost == b->lost &&
           strcmp(a->unit, b->unit) == 0 && strcmp(a->code, b->code) == 0;
}

static size_t *hole_slot(struct reach *reach, const struct reach_hole *hole)
{
    size_t hash = hash_text(hash_text(0xcbf29ce484222325, hole->unit), hole->code);
    hash = (hash ^ hole->days ^ (hole->lost << 3) ^ (uintptr_t)hole->stage) * 0x100000001b3;
    size_t at = (hash >> 7) & (reach->slot_capacity - 1);
    while (reach->slots[at] && !is_same_hole(&reach->holes[reach->slots[at] - 1], hole))
        at = (at + 1) & (reach->slot_capacity - 1);
    return &reach->slots[at];
}

static void add_hole(struct reach *reach, const struct reach_hole *hole)
{
    if (reach->slots == NULL) {
        reach->slot_capacity = 16384; // more than twice REACH_HOLES_MAX
        reach->slots = memory_alloc(reach->slot_capacity * sizeof *reach->slots);
    }
    size_t *slot = hole_slot(reach, hole);
    if (*slot == 0) {
        if (reach->hole_count == REACH_HOLES_MAX) {
            reach->left_out++;
            return;
        }
        MEMORY_GROW(reach->holes, reach->hole_count, reach->hole_capacity);
        reach->holes[reach->hole_count] = *hole;
        reach->holes[reach->hole_count].unit = arena_string(&reach->arena, hole->unit);
        *slot = ++reach->hole_count;
    }
    reach->holes[*slot - 1].cases++;
}

static bool has_same_roles(const struct stage *a, const struct stage *b)
{
    bool same = a->to_count == b->to_count;
    for (int i = 0; same && i < a->to_count; i++)
        same = strcmp(a->to[i], b->to[i]) == 0;
    return same;
}

static bool has_come_before(const struct escalation *escalation, int stage)
{
    for (int i = 0; i < stage; i++)
        if (has_same_roles(&escalation->stages[i], &escalation->stages[stage]))
            return true;
    return false;
}

static void add_escalation(struct reach *reach, const struct rule *rule, const char *unit,
                           const char *caseworker)
{
    const struct escalation *escalation = rule->escalation;
    uint64_t later = 0; // reached by some later step
    for (int i = escalation->stage_count; i-- > 0;) {
        const struct stage *stage = &escalation->stages[i];
        uint64_t reached = days_of_stage(reach, stage, unit, caseworker);
        struct reach_hole hole = {.unit = unit, .code = rule->code, .stage = stage, .cases = 0};
        hole.days = ALL_DAYS & ~reached;
        hole.lost = hole.days & ~later;
        later |= reached;
        if (hole.days && !has_come_before(escalation, i))
            add_hole(reach, &hole);
    }
}

void reach_add(struct reach *reach, const char *unit, const char *caseworker,
               const struct deadline *deadlines, size_t deadline_count)
{
    const struct rule *last = NULL;
    for (size_t i = 0; i < deadline_count; i++) {
        const struct deadline *deadline = &deadlines[i];
        if (deadline_is_closed(deadline->state) || deadline->rule->escalation == NULL ||
            deadline->rule == last)
            continue;
        last = deadline->rule;
        add_escalation(reach, deadline->rule, unit, caseworker);
    }
}

static int compare_holes(const void *a, const void *b)
{
    const struct reach_hole *left = a, *right = b;
    int order = strcmp(left->unit, right->unit);
    if (order == 0)
        order = strcmp(left->code, right->code);
    if (order == 0 && left->stage != right->stage) // places in rule files are in the order of the steps
        order = left->stage < right->stage ? -1 : 1;
    if (order == 0 && left->days != right->days)
        order = left->days < right->days ? -1 : 1;
    return order ? order : (left->lost > right->lost) - (left->lost < right->lost);
}

const struct reach_hole *reach_finish(struct reach *reach, size_t *ret_count)
{
    if (reach->hole_count > 0)
        qsort(reach->holes, reach->hole_count, sizeof *reach->holes, compare_holes);
    *ret_count = reach->hole_count;
    return reach->holes;
}

static void add_runs(civil_date today, uint64_t days, struct buffer *into)
{
    uint64_t edges = days ^ (days << 1); // where a run begins, and the day after it ends
    for (int day = 0; day < REACH_DAYS; day++)
        if (edges >> day & 1)
            buffer_format(into, "%c%d", days >> day & 1 ? '+' : '-', day > 0 ? today + day : 0);
}

void reach_fingerprint(const struct reach *reach, struct buffer *into)
{
    for (size_t i = 0; i < reach->hole_count; i++) {
        const struct reach_hole *hole = &reach->holes[i];
        buffer_format(into, "%s\t%s", hole->unit, hole->code);
        for (int k = 0; k < hole->stage->to_count; k++)
            buffer_format(into, "\t%s", hole->stage->to[k]);
        add_runs(reach->today, hole->days, into);
        add_runs(reach->today, hole->lost, into);
        buffer_add_char(into, '\n');
    }
}

size_t reach_left_out(const struct reach *reach)
{
    return reach->left_out;
}

void reach_days(civil_date today, uint64_t days, struct buffer *into)
{
    char date[CIVIL_DATE_SIZE];
    bool first = true;
    for (int day = 0; day < REACH_DAYS; day++) {
        if (!(days >> day & 1))
            continue;
        int last = day;
        while (last + 1 < REACH_DAYS && days >> (last + 1) & 1)
            last++;
        buffer_format(into, "%s%s", first ? "" : ", ", civil_format_date(today + day, date));
        if (last == REACH_DAYS - 1)
            buffer_add_string(into, " –");
        else if (last > day)
            buffer_format(into, " – %s", civil_format_date(today + last, date));
        first = false;
        day = last;
    }
}
