// SPDX-License-Identifier: MPL-2.0
#include "core/backlog.h"

#include <stdlib.h>
#include <string.h>

void backlog_clear(struct backlog *backlog)
{
    arena_reset(&backlog->arena);
    backlog->count = 0;
}

void backlog_done(struct backlog *backlog)
{
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

void backlog_reports(const struct backlog *backlog, const struct ruleset *rules, const struct people *people,
                     void (*on_report)(void *data, const struct person *leader, const char *facts),
                     void *data)
{
    struct buffer facts = {0};
    for (size_t i = 0; i < people->person_count; i++) {
        const struct person *person = &people->persons[i];
        if (!backlog_is_leader(rules, person->role) || *person->email == '\0')
            continue;
        buffer_clear(&facts);
        buffer_format(&facts, "%s\n", person->unit);
        size_t head = facts.length;
        backlog_lines(backlog, rules, people, person->unit, &facts);
        if (facts.length > head)
            on_report(data, person, facts.data);
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
