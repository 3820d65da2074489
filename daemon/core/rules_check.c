// SPDX-License-Identifier: MPL-2.0
// What a rule set may not say (RULES, sections 3, 4 and 6), as far as it can be seen without the text of the
// files. Each refusal says where, what is wrong and what to do.
#include "core/rules_index.h"

#include <stdlib.h>

// Where a due block stands.
enum due_position { IN_DUE, IN_THEN, IN_EARLIEST };

static bool is_timed(const struct due *due)
{
    return due->roll != 0 || due->at != DUE_END_OF_DAY;
}

static int check_after(const struct rule *rule, const struct due *due, struct error *err)
{
    const struct duration *after = &due->after;
    if (duration_is_hours(after) && is_timed(due))
        return rules_refuse(&due->place, err, "rule \"%s\": hours run to the second: take out roll and at",
                            rule->id);
    if (duration_has_working_days(after) && rule->calendar == NULL)
        return rules_refuse(&due->place, err,
                            "rule \"%s\" counts working days but names no calendar: add calendar", rule->id);
    enum time_unit unit = after->terms[0].unit;
    if (due->inclusive && (after->count != 1 || (unit != UNIT_DAYS && unit != UNIT_WEEKS)))
        return rules_refuse(&due->place, err,
                            "rule \"%s\": inclusive counts the event day of a single term in days or weeks: "
                            "take it out",
                            rule->id);
    return 0;
}

static int check_due(const struct rule *rule, const struct due *due, enum due_position position,
                     struct error *err);

static int check_earliest(const struct rule *rule, const struct due *due, enum due_position position,
                          struct error *err)
{
    if (position == IN_EARLIEST)
        return rules_refuse(&due->place, err,
                            "rule \"%s\": earliest inside earliest: list all forms in the outer one",
                            rule->id);
    for (int i = 0; i < due->earliest_count; i++)
        if (check_due(rule, &due->earliest[i], IN_EARLIEST, err) < 0)
            return -1;
    return 0;
}

static int check_form(const struct rule *rule, const struct due *due, enum due_position position,
                      struct error *err)
{
    switch (due->form) {
    case DUE_AFTER:
        return check_after(rule, due, err);
    case DUE_EARLIEST:
        return check_earliest(rule, due, position, err);
    case DUE_EVERY:
    case DUE_AT_START:
        if (position != IN_DUE)
            return rules_refuse(&due->place, err, "rule \"%s\": %s cannot stand in %s", rule->id,
                                due->form == DUE_EVERY ? "every" : "at_start",
                                position == IN_THEN ? "then" : "earliest");
        break;
    case DUE_ON_DAY_OF:
        if (position != IN_EARLIEST)
            return rules_refuse(&due->place, err,
                                "rule \"%s\": on_day_of stands only in earliest: write earliest: [...]",
                                rule->id);
        break;
    case DUE_NONE:
    case DUE_EVENT:
    case DUE_ON:
    case DUE_NEXT:
    case DUE_END_OF:
    case DUE_SAME_AS:
        break;
    }
    return 0;
}

static int check_due(const struct rule *rule, const struct due *due, enum due_position position,
                     struct error *err)
{
    if (check_form(rule, due, position, err) < 0)
        return -1;
    if (due->inclusive && due->form != DUE_AFTER)
        return rules_refuse(&due->place, err, "rule \"%s\": inclusive belongs to after: take it out",
                            rule->id);
    if (is_timed(due) && (due->form == DUE_AT_START || due->form == DUE_SAME_AS || due->form == DUE_EVERY))
        return rules_refuse(
            &due->place, err,
            "rule \"%s\": every, at_start and same_as have their own time: take out roll and at", rule->id);
    if (is_timed(due) && position == IN_EARLIEST)
        return rules_refuse(&due->place, err, "rule \"%s\": roll and at stand beside earliest, not inside it",
                            rule->id);
    if (due->roll != 0 && rule->calendar == NULL)
        return rules_refuse(&due->place, err, "rule \"%s\" rolls but names no calendar: add calendar",
                            rule->id);
    if (due->from_anchor && position != IN_THEN)
        return rules_refuse(&due->place, err, "rule \"%s\": from stands only in then: take it out", rule->id);
    return 0;
}

static int check_series(const struct rule *rule, struct error *err)
{
    if (rule->due.form != DUE_EVERY)
        return 0;
    if (rule->pause.count > 0 || rule->resume.count > 0 || rule->extend.count > 0 || rule->reset.count > 0)
        return rules_refuse(
            &rule->place, err,
            "rule \"%s\": a series (every) cannot be paused, resumed, extended or reset: take "
            "these out",
            rule->id);
    if (rule->then.form != DUE_NONE)
        return rules_refuse(&rule->place, err,
                            "rule \"%s\": a series (every) goes on by itself: take out then", rule->id);
    return 0;
}

static int check_look_back(const struct rule *rule, struct error *err)
{
    if (!rule->look_back)
        return 0;
    if (rule->then.form != DUE_NONE || rule->due.form == DUE_EVERY)
        return rules_refuse(&rule->place, err,
                            "rule \"%s\": look_back cannot stand with then or every: take one of them out",
                            rule->id);
    if (duration_has_working_days(&rule->look_back_within) && rule->calendar == NULL)
        return rules_refuse(&rule->place, err,
                            "rule \"%s\" looks back working days but names no calendar: add calendar",
                            rule->id);
    return 0;
}

static int check_rule(const struct rule *rule, struct error *err)
{
    if (rule->start.count == 0 && rule->breach_of_count == 0)
        return rules_refuse(&rule->place, err, "rule \"%s\" has no start: name the kinds that open it",
                            rule->id);
    if (rule->due.form == DUE_NONE)
        return rules_refuse(&rule->place, err, "rule \"%s\" has no due: add one", rule->id);
    if (rule->until != CIVIL_NONE && rule->until < rule->from)
        return rules_refuse(&rule->place, err, "rule \"%s\": valid.until lies before valid.from", rule->id);
    if (check_due(rule, &rule->due, IN_DUE, err) < 0 || check_due(rule, &rule->then, IN_THEN, err) < 0)
        return -1;
    if (check_series(rule, err) < 0)
        return -1;
    return check_look_back(rule, err);
}

static int compare_from(const void *a, const void *b)
{
    const struct rule *left = *(struct rule *const *)a, *right = *(struct rule *const *)b;
    return (left->from > right->from) - (left->from < right->from);
}

static int check_versions(const struct rule_line *line, struct error *err)
{
    for (int i = 1; i < line->version_count; i++) {
        const struct rule *earlier = line->versions[i - 1], *later = line->versions[i];
        if (earlier->until == CIVIL_NONE || earlier->until >= later->from)
            return rules_refuse(&later->place, err,
                                "rule \"%s\": this version overlaps the one at %s:%d:%d: give the earlier an "
                                "until before the later's from",
                                line->id, earlier->place.file ? earlier->place.file : "", earlier->place.line,
                                earlier->place.column);
        if (earlier->version_by_due != later->version_by_due)
            return rules_refuse(&later->place, err,
                                "all versions of rule \"%s\" must have the same version_by", line->id);
        if (earlier->scope_case != later->scope_case)
            return rules_refuse(&later->place, err, "all versions of rule \"%s\" must have the same scope",
                                line->id);
    }
    return 0;
}

static int check_stage(const struct ruleset *rules, const struct escalation *escalation,
                       const struct stage *stage, struct error *err)
{
    if (rules->office_calendar == NULL &&
        (duration_has_working_days(&stage->offset) || duration_has_working_days(&stage->every)))
        return rules_refuse(&stage->place, err,
                            "escalation \"%s\" counts working days: say which in office_calendar",
                            escalation->name);
    for (int i = 0; i < stage->every.count; i++)
        if (stage->every.terms[i].amount < 0)
            return rules_refuse(&stage->place, err,
                                "escalation \"%s\": a repeat goes forward: write every without a minus",
                                escalation->name);
    return 0;
}

static int check_escalation(const struct ruleset *rules, const struct escalation *escalation,
                            struct error *err)
{
    if (escalation->stage_count > STAGES_MAX)
        return rules_refuse(&escalation->place, err,
                            "escalation \"%s\" has %d stages: at most %d are allowed", escalation->name,
                            escalation->stage_count, STAGES_MAX);
    for (int i = 0; i < escalation->stage_count; i++)
        if (check_stage(rules, escalation, &escalation->stages[i], err) < 0)
            return -1;
    return 0;
}

int rules_check(const struct ruleset *rules, struct error *err)
{
    for (int i = 0; i < rules->escalation_count; i++)
        if (check_escalation(rules, &rules->escalations[i], err) < 0)
            return -1;
    for (int i = 0; i < rules->line_count; i++) {
        const struct rule_line *line = &rules->lines[i];
        qsort(line->versions, (size_t)line->version_count, sizeof *line->versions, compare_from);
        for (int v = 0; v < line->version_count; v++)
            if (check_rule(line->versions[v], err) < 0)
                return -1;
        if (check_versions(line, err) < 0)
            return -1;
    }
    return 0;
}
