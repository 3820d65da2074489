// SPDX-License-Identifier: MPL-2.0
#include "core/backlog.h"

#include <stdlib.h>
#include <string.h>

// --- the worst ---

// What the law does not forgive comes first, then whatever was due first.
static bool is_worse(const struct report_deadline *a, const struct report_deadline *b)
{
    static const int ranks[] = {[RULE_STATUTORY] = 0, [RULE_PRECONDITION] = 1, [RULE_EXPIRY] = 2,
                                [RULE_OWN] = 3,       [RULE_TARGET] = 4,       [RULE_INFORMATION] = 5};
    if (ranks[a->kind] != ranks[b->kind])
        return ranks[a->kind] < ranks[b->kind];
    return a->due_at < b->due_at;
}

static char *keep(const char *text)
{
    return memory_copy(text, strlen(text));
}

static void drop_last(struct backlog_list *list)
{
    struct report_deadline *last = &list->deadlines[--list->count];
    free((char *)last->case_id);
    free((char *)last->subject);
    free((char *)last->unit);
}

// Texts are copied only for what finds a place, so the memory does not grow with the backlog.
static void add_worst(struct backlog_list *list, size_t most, const struct report_deadline *deadline)
{
    list->all++;
    list->all_of_law += deadline->kind == RULE_STATUTORY;
    size_t place = list->count;
    while (place > 0 && is_worse(deadline, &list->deadlines[place - 1]))
        place--;
    if (place == most)
        return;
    if (list->count == most)
        drop_last(list);
    memmove(&list->deadlines[place + 1], &list->deadlines[place],
            (list->count - place) * sizeof *list->deadlines);
    list->count++;
    struct report_deadline *added = &list->deadlines[place];
    *added = *deadline;
    added->case_id = keep(deadline->case_id);
    added->subject = keep(deadline->subject);
    added->unit = keep(deadline->unit);
}

static struct backlog_owner *owner_of(struct backlog *backlog, struct backlog_owners *owners, const char *id)
{
    int number = names_find(&owners->ids, id, strlen(id));
    if (number >= 0)
        return owners->owners[number];
    size_t count = (size_t)owners->ids.count;
    MEMORY_GROW(owners->owners, count, owners->capacity);
    struct backlog_owner *owner = owners->owners[count] = memory_alloc(sizeof *owner);
    owner->id = arena_string(&backlog->arena, id);
    names_add(&owners->ids, owner->id);
    return owner;
}

static void clear_owners(struct backlog_owners *owners)
{
    for (int i = 0; i < owners->ids.count; i++) {
        while (owners->owners[i]->broken.count > 0)
            drop_last(&owners->owners[i]->broken);
        while (owners->owners[i]->coming.count > 0)
            drop_last(&owners->owners[i]->coming);
        free(owners->owners[i]);
    }
    names_clear(&owners->ids);
}

static void free_owners(struct backlog_owners *owners)
{
    clear_owners(owners);
    names_done(&owners->ids);
    free(owners->owners);
}

void backlog_clear(struct backlog *backlog)
{
    clear_owners(&backlog->caseworkers);
    clear_owners(&backlog->units);
    arena_reset(&backlog->arena);
    backlog->count = 0;
}

void backlog_done(struct backlog *backlog)
{
    free_owners(&backlog->caseworkers);
    free_owners(&backlog->units);
    arena_done(&backlog->arena);
    free(backlog->counts);
    *backlog = (struct backlog){0};
}

void backlog_add(struct backlog *backlog, const char *unit, const struct deadline *deadline)
{
    struct backlog_count *found = NULL;
    // Units times rules are a few hundred; the last one is the likeliest.
    for (size_t i = backlog->count; i-- > 0 && !found;)
        if (backlog->counts[i].line == deadline->rule->line && strcmp(backlog->counts[i].unit, unit) == 0)
            found = &backlog->counts[i];
    if (found == NULL) {
        MEMORY_GROW(backlog->counts, backlog->count, backlog->capacity);
        found = &backlog->counts[backlog->count++];
        *found =
            (struct backlog_count){.unit = arena_string(&backlog->arena, unit), .line = deadline->rule->line};
    }
    found->open++;
    found->breached += deadline->state == STATE_BREACHED;
}

void backlog_add_covered(struct backlog *backlog, const struct casefile *casefile,
                         const struct deadline *deadline)
{
    const struct rule *rule = deadline->rule;
    const struct report_deadline row = {.case_id = casefile->id,
                                        .subject = deadline->subject,
                                        .unit = casefile->unit,
                                        .caseworker = "",
                                        .rule = rule->id,
                                        .code = rule->code,
                                        .kind = rule->kind,
                                        .sensitive = rule->sensitive,
                                        .due_at = deadline->due_at,
                                        .broken = deadline->state == STATE_BREACHED};
    if (row.broken)
        add_worst(&owner_of(backlog, &backlog->units, casefile->unit)->broken, BACKLOG_WORST_MAX, &row);
    if (*casefile->caseworker == '\0')
        return;
    struct backlog_owner *own = owner_of(backlog, &backlog->caseworkers, casefile->caseworker);
    if (row.broken)
        add_worst(&own->broken, BACKLOG_BROKEN_MAX, &row);
    else
        add_worst(&own->coming, BACKLOG_COMING_MAX, &row);
}

void backlog_lines(const struct backlog *backlog, const struct ruleset *rules, const struct people *people,
                   const char *unit, struct buffer *into)
{
    for (int line = 0; line < rules->line_count; line++) {
        int open = 0, breached = 0;
        for (size_t i = 0; i < backlog->count; i++)
            if (backlog->counts[i].line == line && people_is_below(people, backlog->counts[i].unit, unit)) {
                open += backlog->counts[i].open;
                breached += backlog->counts[i].breached;
            }
        if (open > 0)
            buffer_format(into, "%s %d %d\n", rules->lines[line].id, open, breached);
    }
}

// The worst of a unit and of all below it.
static void write_worst(const struct backlog *backlog, const struct people *people, const char *unit,
                        struct buffer *into)
{
    struct backlog_list worst = {0};
    for (int i = 0; i < backlog->units.ids.count; i++) {
        const struct backlog_owner *owner = backlog->units.owners[i];
        if (!people_is_below(people, owner->id, unit))
            continue;
        for (size_t k = 0; k < owner->broken.count; k++)
            add_worst(&worst, BACKLOG_WORST_MAX, &owner->broken.deadlines[k]);
    }
    struct report_mail mail = {.report = "backlog",
                               .due_at = INSTANT_NONE,
                               .decided_at = INSTANT_NONE,
                               .last_at = INSTANT_NONE,
                               .role = "",
                               .not_reached = "",
                               .not_reached_unit = "",
                               .broken = worst.deadlines,
                               .broken_count = worst.count};
    report_mail_write(&mail, into);
    while (worst.count > 0)
        drop_last(&worst);
}

void backlog_reports(const struct backlog *backlog, const struct ruleset *rules, const struct people *people,
                     void (*on_report)(void *data, const struct person *leader, const char *facts),
                     void *data)
{
    struct buffer facts = {0};
    for (size_t i = 0; i < people->person_count; i++) {
        const struct person *person = &people->persons[i];
        if (!backlog_is_leader(rules, person->role) || !person_has_address(person))
            continue;
        buffer_clear(&facts);
        buffer_format(&facts, "%s\n", person->unit);
        size_t head = facts.length;
        backlog_lines(backlog, rules, people, person->unit, &facts);
        if (facts.length == head)
            continue;
        write_worst(backlog, people, person->unit, &facts);
        on_report(data, person, facts.data);
    }
    buffer_done(&facts);
}

static void write_own(const struct backlog_owner *own, instant now, bool stands_in, struct buffer *into)
{
    const struct backlog_list *broken = &own->broken, *coming = &own->coming;
    struct report_mail mail = {.report = "backlog",
                               .due_at = now,
                               .decided_at = now,
                               .last_at = INSTANT_NONE,
                               .role = ROLE_CASEWORKER,
                               .stands_in = stands_in,
                               .not_reached = "",
                               .not_reached_unit = "",
                               .sums = {{COUNT_BROKEN, (int)broken->all, -1},
                                        {COUNT_BROKEN_LAW, (int)broken->all_of_law, -1},
                                        {COUNT_COMING, (int)coming->all, -1}},
                               .sum_count = 3,
                               .broken = (struct report_deadline *)broken->deadlines,
                               .broken_count = broken->count,
                               .broken_left_out = broken->all - broken->count,
                               .coming = (struct report_deadline *)coming->deadlines,
                               .coming_count = coming->count,
                               .coming_left_out = coming->all - coming->count};
    report_mail_write(&mail, into);
}

void backlog_own_reports(const struct backlog *backlog, const struct ruleset *rules,
                         const struct people *people, instant now,
                         void (*on_report)(void *data, const char *caseworker,
                                           const struct recipient *recipient, const char *facts),
                         void *data)
{
    civil_date today = zone_date(rules->zone, now);
    struct buffer facts = {0};
    for (int i = 0; i < backlog->caseworkers.ids.count; i++) {
        const struct backlog_owner *own = backlog->caseworkers.owners[i];
        struct recipient recipient;
        bool reached = people_reach(people, ROLE_CASEWORKER, "", own->id, today, &recipient, 1) > 0;
        buffer_clear(&facts);
        write_own(own, now, reached && recipient.instead_of, &facts);
        on_report(data, own->id, reached ? &recipient : NULL, facts.data);
    }
    buffer_done(&facts);
}

bool backlog_is_leader(const struct ruleset *rules, const char *role)
{
    if (strcmp(role, ROLE_CASEWORKER) == 0)
        return false;
    for (int i = 0; i < rules->escalation_count; i++)
        for (int k = 0; k < rules->escalations[i].stage_count; k++)
            for (int r = 0; r < rules->escalations[i].stages[k].to_count; r++)
                if (strcmp(rules->escalations[i].stages[k].to[r], role) == 0)
                    return true;
    return false;
}
