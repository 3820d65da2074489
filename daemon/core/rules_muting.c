// SPDX-License-Identifier: MPL-2.0
// What `muted_by` may not say (RULES, section 6). It takes a word away from somebody, so whatever could hide
// what must be told is refused: an urgent rule, a limit of the law behind a target of one's own, a problem
// that never stands breached or tells nobody, a circle.
#include "core/rules_index.h"

#include <stdlib.h>

static bool is_of_the_law(const struct rule *rule)
{
    return rule->kind == RULE_STATUTORY || rule->kind == RULE_PRECONDITION;
}

static bool closes_by_itself(const struct rule *rule)
{
    return rule->due.form == DUE_EVERY || rule->due.form == DUE_AT_START || rule->kind == RULE_EXPIRY ||
           rule->kind == RULE_INFORMATION;
}

static bool can_mute(const struct rule *version)
{
    return version->escalation != NULL && !closes_by_itself(version);
}

// A larger rule of which only some versions can mute is sound: the others just never do.
static int check_larger(const struct rule *rule, const struct larger_rule *larger,
                        const struct rule_line *line, struct error *err)
{
    bool can = false;
    for (int v = 0; v < line->version_count; v++) {
        const struct rule *version = line->versions[v];
        if (!can_mute(version))
            continue;
        can = true;
        if (is_of_the_law(rule) && !is_of_the_law(version))
            return rules_refuse(
                &larger->place, err,
                "rule \"%s\" is of kind %s and is never muted by \"%s\", which is of kind %s: "
                "take it out of muted_by",
                rule->id, rules_kind_name(rule->kind), line->id, rules_kind_name(version->kind));
    }
    if (can)
        return 0;
    if (closes_by_itself(line->versions[line->version_count - 1]))
        return rules_refuse(
            &larger->place, err,
            "rule \"%s\": \"%s\" closes by itself and never stands breached, so it mutes nothing: "
            "take it out of muted_by",
            rule->id, line->id);
    return rules_refuse(&larger->place, err,
                        "rule \"%s\": \"%s\" tells nobody, so it cannot speak for another rule: give it an "
                        "escalation, or take it out of muted_by",
                        rule->id, line->id);
}

static int check_rule(const struct ruleset *rules, const struct rule *rule, struct error *err)
{
    if (rule->muted_by_count > 0 && rule->urgent)
        return rules_refuse(&rule->muted_by[0].place, err,
                            "rule \"%s\" is urgent and is never muted: take out its muted_by", rule->id);
    for (int i = 0; i < rule->muted_by_count; i++) {
        const struct larger_rule *larger = &rule->muted_by[i];
        if (larger->line == rule->line)
            return rules_refuse(&larger->place, err, "rule \"%s\" mutes itself: take it out of its muted_by",
                                rule->id);
        if (check_larger(rule, larger, &rules->lines[larger->line], err) < 0)
            return -1;
    }
    return 0;
}

// Follows what mutes a line; `way` marks the lines on the way down, `cleared` those that lead into no circle.
static const struct larger_rule *find_circle(const struct ruleset *rules, int line, bool *way, bool *cleared)
{
    const struct larger_rule *found = NULL;
    way[line] = true;
    for (int v = 0; v < rules->lines[line].version_count && !found; v++) {
        const struct rule *rule = rules->lines[line].versions[v];
        for (int i = 0; i < rule->muted_by_count && !found; i++) {
            int larger = rule->muted_by[i].line;
            if (way[larger])
                found = &rule->muted_by[i];
            else if (!cleared[larger])
                found = find_circle(rules, larger, way, cleared);
        }
    }
    way[line] = false;
    cleared[line] = found == NULL;
    return found;
}

static int check_circles(const struct ruleset *rules, struct error *err)
{
    size_t count = (size_t)rules->line_count;
    bool *way = memory_alloc(count * sizeof *way), *cleared = memory_alloc(count * sizeof *cleared);
    const struct larger_rule *circle = NULL;
    for (int i = 0; i < rules->line_count && !circle; i++)
        if (!cleared[i])
            circle = find_circle(rules, i, way, cleared);
    free(way);
    free(cleared);
    if (circle == NULL)
        return 0;
    return rules_refuse(
        &circle->place, err,
        "rules mute one another in a circle that \"%s\" is on, and nobody would be told: take one "
        "muted_by out of it",
        rules->lines[circle->line].id);
}

int rules_check_muting(struct ruleset *rules, struct error *err)
{
    for (int i = 0; i < rules->line_count; i++)
        for (int v = 0; v < rules->lines[i].version_count; v++) {
            const struct rule *rule = rules->lines[i].versions[v];
            if (check_rule(rules, rule, err) < 0)
                return -1;
            for (int m = 0; m < rule->muted_by_count; m++)
                rules->lines[rule->muted_by[m].line].mutes = true;
        }
    return check_circles(rules, err);
}
