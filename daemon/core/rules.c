// SPDX-License-Identifier: MPL-2.0
#include "core/rules.h"

#include "core/rules_index.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int rules_refuse(const struct place *place, struct error *err, const char *format, ...)
{
    char text[sizeof err->text];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    return error_set(err, "%s:%d:%d: %s", place->file ? place->file : "", place->line, place->column, text);
}

static void give_role(uint8_t *roles, const struct kind_list *list, enum role role)
{
    for (int i = 0; i < list->count; i++)
        roles[list->kinds[i]] |= (uint8_t)role;
}

static void give_day_of(uint8_t *roles, const struct due *due)
{
    for (int i = 0; i < due->earliest_count; i++)
        if (due->earliest[i].form == DUE_ON_DAY_OF)
            roles[due->earliest[i].on_day_of] |= ROLE_DAY_OF;
}

static const uint8_t *rule_roles(struct ruleset *rules, const struct rule *rule)
{
    uint8_t *roles = arena_alloc(&rules->arena, (size_t)rules->kind_count);
    give_role(roles, &rule->start, ROLE_START);
    give_role(roles, &rule->stop, ROLE_STOP);
    give_role(roles, &rule->cancel, ROLE_CANCEL);
    give_role(roles, &rule->pause, ROLE_PAUSE);
    give_role(roles, &rule->resume, ROLE_RESUME);
    give_role(roles, &rule->extend, ROLE_EXTEND);
    give_role(roles, &rule->reset, ROLE_RESET);
    give_day_of(roles, &rule->due);
    give_day_of(roles, &rule->then);
    return roles;
}

static void mark_shared(struct ruleset *rules, const struct due *due)
{
    if (due->form == DUE_SAME_AS)
        rules->lines[due->same_as].shared = true;
    for (int i = 0; i < due->earliest_count; i++)
        mark_shared(rules, &due->earliest[i]);
}

static void add_to_set(uint64_t *set, int line)
{
    set[line / 64] |= (uint64_t)1 << line % 64;
}

static bool is_sensitive(const struct rule_line *line)
{
    for (int i = 0; i < line->version_count; i++)
        if (line->versions[i]->sensitive)
            return true;
    return false;
}

// A kind that is a birth has one of these roles.
static bool birth_can(const struct ruleset *rules, const struct rule *rule, unsigned roles)
{
    for (int i = 0; i < rules->births.count; i++)
        if (rule->roles[rules->births.kinds[i]] & roles)
            return true;
    return false;
}

// What has to be there at the start is breached a second later, and that can be the start of another rule.
static bool begins_as_birth_is_missed(const struct ruleset *rules, const struct rule *rule)
{
    for (int i = 0; i < rule->breach_of_count; i++) {
        const struct rule_line *other = &rules->lines[rule->breach_of[i]];
        for (int k = 0; k < other->version_count; k++)
            if (other->versions[k]->from_birth && other->versions[k]->due.form == DUE_AT_START)
                return true;
    }
    return false;
}

// A rule comes after those that it refers to.
static void note_births(const struct ruleset *rules, struct rule *rule)
{
    bool follows = rule->then.form != DUE_NONE;
    rule->from_birth = birth_can(rules, rule, ROLE_START | ROLE_RESET | (follows ? ROLE_STOP : 0)) ||
                       begins_as_birth_is_missed(rules, rule);
    rule->by_birth = birth_can(rules, rule, ROLE_STOP | ROLE_CANCEL | ROLE_PAUSE | ROLE_RESUME);
}

static void index_rule(struct ruleset *rules, struct rule *rule)
{
    struct rules_index *index = rules->index;
    rule->number = rules->rule_count++;
    rule->label = is_sensitive(&rules->lines[rule->line]) ? rule->code : rule->id;
    rule->roles = rule_roles(rules, rule);
    note_births(rules, rule);
    mark_shared(rules, &rule->due);
    mark_shared(rules, &rule->then);
    if (rule_is_inert(rule))
        return;
    for (int i = 0; i < rule->start.count; i++)
        add_to_set(index->started_by_kind + (size_t)rule->start.kinds[i] * index->words, rule->line);
    for (int i = 0; i < rule->breach_of_count; i++)
        add_to_set(index->started_by_breach + (size_t)rule->breach_of[i] * index->words, rule->line);
}

static void index_line(struct ruleset *rules, struct rule_line *line)
{
    uint8_t *roles = arena_alloc(&rules->arena, (size_t)rules->kind_count);
    for (int i = 0; i < line->version_count; i++) {
        index_rule(rules, line->versions[i]);
        for (int kind = 0; kind < rules->kind_count; kind++)
            roles[kind] |= line->versions[i]->roles[kind];
    }
    line->roles = roles;
    line->rank = 0;
    for (int i = 0; i < rules->line_count; i++)
        line->rank += strcmp(rules->lines[i].id, line->id) < 0;
}

static void build_index(struct ruleset *rules)
{
    struct rules_index *index = rules->index = arena_alloc(&rules->arena, sizeof *index);
    size_t kinds = (size_t)rules->kind_count, lines = (size_t)rules->line_count;
    for (size_t i = 0; i < kinds; i++)
        names_add(&index->kinds, rules->kinds[i]);
    for (size_t i = 0; i < lines; i++)
        names_add(&index->lines, rules->lines[i].id);
    index->births = arena_alloc(&rules->arena, kinds * sizeof *index->births);
    for (int i = 0; i < rules->births.count; i++)
        index->births[rules->births.kinds[i]] = true;
    index->words = (lines + 63) / 64;
    index->started_by_kind = arena_alloc(&rules->arena, kinds * index->words * sizeof(uint64_t));
    index->started_by_breach = arena_alloc(&rules->arena, lines * index->words * sizeof(uint64_t));
    rules->rule_count = 0;
    for (size_t i = 0; i < lines; i++)
        rules->lines[i].shared = false;
    for (size_t i = 0; i < lines; i++)
        index_line(rules, &rules->lines[i]);
}

int rules_finish(struct ruleset *rules, struct error *err)
{
    assert(rules->index == NULL);
    if (rules_check(rules, err) < 0 || rules_order(rules, err) < 0 || rules_check_muting(rules, err) < 0)
        return -1;
    build_index(rules);
    return 0;
}

void rules_done(struct ruleset *rules)
{
    for (int i = 0; i < rules->calendar_count; i++)
        calendar_free(rules->calendars[i]);
    for (int i = 0; i < rules->recurrence_count; i++)
        recurrence_free(rules->recurrences[i]);
    if (rules->index) {
        names_done(&rules->index->kinds);
        names_done(&rules->index->lines);
    }
    arena_done(&rules->arena);
    *rules = (struct ruleset){0};
}

int rules_find_kind(const struct ruleset *rules, const char *name, size_t length)
{
    if (rules->index)
        return names_find(&rules->index->kinds, name, length);
    for (int i = 0; i < rules->kind_count; i++)
        if (strlen(rules->kinds[i]) == length && memcmp(rules->kinds[i], name, length) == 0)
            return i;
    return -1;
}

int rules_find_line(const struct ruleset *rules, const char *id)
{
    if (rules->index)
        return names_find(&rules->index->lines, id, strlen(id));
    for (int i = 0; i < rules->line_count; i++)
        if (strcmp(rules->lines[i].id, id) == 0)
            return i;
    return -1;
}

bool rules_is_birth(const struct ruleset *rules, const char *kind)
{
    for (int i = 0; kind && i < rules->births.count; i++)
        if (strcmp(rules->kinds[rules->births.kinds[i]], kind) == 0)
            return true;
    return false;
}

const char *rules_kind_name(enum rule_kind kind)
{
    static const char *const names[] = {
        [RULE_STATUTORY] = "statutory",
        [RULE_OWN] = "own",
        [RULE_TARGET] = "target",
        [RULE_EXPIRY] = "expiry",
        [RULE_PRECONDITION] = "precondition",
        [RULE_INFORMATION] = "information",
    };
    assert((size_t)kind < sizeof names / sizeof names[0]);
    return names[kind];
}

bool rule_is_inert(const struct rule *rule)
{
    return rule->confidence == 'C' && !rule->confirmed;
}
