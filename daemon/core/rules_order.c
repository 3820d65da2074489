// SPDX-License-Identifier: MPL-2.0
// Rules that lean on one another (`same_as`, `breach:`) are evaluated after those they lean on. A visit in
// depth, started in the order of ids, so that independent rules keep that order; a circle is refused with the
// rules on it.
#include "core/rules_index.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum visit { NOT_SEEN, ON_THE_WAY, PLACED };

struct ordering {
    const struct ruleset *rules;
    enum visit *visits;
    int *way; // the lines on the way down to the one visited
    int depth;
    int *order; // old line numbers in their new order
    int placed;
    struct error *err;
};

static int visit(struct ordering *ordering, int line);

static int refuse_circle(const struct ordering *ordering, int line)
{
    const struct ruleset *rules = ordering->rules;
    char way[512] = "";
    size_t used = 0;
    int from = ordering->depth - 1;
    while (ordering->way[from] != line)
        from--;
    for (int i = from; i < ordering->depth && used < sizeof way; i++)
        used += (size_t)snprintf(way + used, sizeof way - used, "%s, ", rules->lines[ordering->way[i]].id);
    return rules_refuse(
        &rules->lines[line].versions[0]->place, ordering->err,
        "rules refer to one another in a circle (%s%s): take out one same_as or breach: on it", way,
        rules->lines[line].id);
}

static int visit_due(struct ordering *ordering, const struct due *due)
{
    if (due->form == DUE_SAME_AS && visit(ordering, due->same_as) < 0)
        return -1;
    for (int i = 0; i < due->earliest_count; i++)
        if (visit_due(ordering, &due->earliest[i]) < 0)
            return -1;
    return 0;
}

static int visit_rule(struct ordering *ordering, const struct rule *rule)
{
    for (int i = 0; i < rule->breach_of_count; i++)
        if (visit(ordering, rule->breach_of[i]) < 0)
            return -1;
    if (visit_due(ordering, &rule->due) < 0)
        return -1;
    return visit_due(ordering, &rule->then);
}

static int visit(struct ordering *ordering, int line)
{
    if (ordering->visits[line] == PLACED)
        return 0;
    if (ordering->visits[line] == ON_THE_WAY)
        return refuse_circle(ordering, line);
    ordering->visits[line] = ON_THE_WAY;
    ordering->way[ordering->depth++] = line;
    const struct rule_line *visited = &ordering->rules->lines[line];
    for (int i = 0; i < visited->version_count; i++)
        if (visit_rule(ordering, visited->versions[i]) < 0)
            return -1;
    ordering->depth--;
    ordering->visits[line] = PLACED;
    ordering->order[ordering->placed++] = line;
    return 0;
}

static void renumber_due(struct due *due, const int *new_numbers)
{
    if (due->form == DUE_SAME_AS)
        due->same_as = new_numbers[due->same_as];
    for (int i = 0; i < due->earliest_count; i++)
        renumber_due(&due->earliest[i], new_numbers);
}

static void renumber(struct ruleset *rules, const int *order)
{
    size_t count = (size_t)rules->line_count;
    int *new_numbers = memory_alloc(count * sizeof *new_numbers);
    struct rule_line *lines = arena_alloc(&rules->arena, count * sizeof *lines);
    for (int i = 0; i < rules->line_count; i++) {
        new_numbers[order[i]] = i;
        lines[i] = rules->lines[order[i]];
    }
    rules->lines = lines;
    for (int i = 0; i < rules->line_count; i++)
        for (int v = 0; v < lines[i].version_count; v++) {
            struct rule *rule = lines[i].versions[v];
            rule->line = i;
            for (int b = 0; b < rule->breach_of_count; b++)
                rule->breach_of[b] = new_numbers[rule->breach_of[b]];
            for (int m = 0; m < rule->muted_by_count; m++)
                rule->muted_by[m].line = new_numbers[rule->muted_by[m].line];
            renumber_due(&rule->due, new_numbers);
            renumber_due(&rule->then, new_numbers);
        }
    free(new_numbers);
}

static int compare_ids(const void *a, const void *b, void *data)
{
    const struct ruleset *rules = data;
    return strcmp(rules->lines[*(const int *)a].id, rules->lines[*(const int *)b].id);
}

int rules_order(struct ruleset *rules, struct error *err)
{
    size_t count = (size_t)rules->line_count;
    int *by_id = memory_alloc(count * sizeof *by_id);
    for (int i = 0; i < rules->line_count; i++)
        by_id[i] = i;
    qsort_r(by_id, count, sizeof *by_id, compare_ids, rules);
    struct ordering ordering = {
        .rules = rules,
        .visits = memory_alloc(count * sizeof *ordering.visits),
        .way = memory_alloc(count * sizeof *ordering.way),
        .order = memory_alloc(count * sizeof *ordering.order),
        .err = err,
    };
    int result = 0;
    for (size_t i = 0; i < count && result == 0; i++)
        result = visit(&ordering, by_id[i]);
    if (result == 0)
        renumber(rules, ordering.order);
    free(by_id);
    free(ordering.visits);
    free(ordering.way);
    free(ordering.order);
    return result;
}
