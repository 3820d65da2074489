// SPDX-License-Identifier: MPL-2.0
// Rules and cases in few words, for tests of core, which reads no YAML and no JSON.
#ifndef FRISTD_TESTS_RULE_BUILDER_H
#define FRISTD_TESTS_RULE_BUILDER_H

#include "core/casefile.h"
#include "core/rules.h"
#include "support/copenhagen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUILDER_MAX 64 // of each: rules, kinds, escalations, recurrences

struct rule_builder {
    struct ruleset rules;
    struct rule_line lines[BUILDER_MAX];
    struct rule *versions[BUILDER_MAX][BUILDER_MAX];
    const char *kinds[BUILDER_MAX];
    struct escalation escalations[BUILDER_MAX];
    struct recurrence *recurrences[BUILDER_MAX];
    struct calendar *calendars[2];
};

static inline void builder_die(const char *what, const char *why)
{
    fprintf(stderr, "rule_builder: %s: %s\n", what, why);
    abort();
}

static inline civil_date builder_date(const char *text)
{
    civil_date date;
    if (civil_parse_date(text, strlen(text), &date) < 0)
        builder_die(text, "no date");
    return date;
}

static inline instant builder_instant(const struct zone *zone, const char *text)
{
    instant at;
    if (zone_parse_instant(zone, text, strlen(text), &at) < 0)
        builder_die(text, "no instant");
    return at;
}

static inline struct duration builder_duration(const char *text)
{
    struct duration duration;
    struct error err;
    if (duration_parse(text, strlen(text), &duration, &err) < 0)
        builder_die(text, err.text);
    return duration;
}

// Danish holidays; calendars[0] "arbejdsdage" (Monday to Friday), calendars[1] "hverdage" (to Saturday).
static inline void builder_init(struct rule_builder *builder, const struct zone *zone)
{
    static const struct holiday dk[] = {
        {"Nytårsdag", HOLIDAY_ON, 1, 1, 0, CIVIL_NONE, CIVIL_NONE},
        {"Skærtorsdag", HOLIDAY_EASTER, 0, 0, -3, CIVIL_NONE, CIVIL_NONE},
        {"Langfredag", HOLIDAY_EASTER, 0, 0, -2, CIVIL_NONE, CIVIL_NONE},
        {"Påskedag", HOLIDAY_EASTER, 0, 0, 0, CIVIL_NONE, CIVIL_NONE},
        {"2. påskedag", HOLIDAY_EASTER, 0, 0, 1, CIVIL_NONE, CIVIL_NONE},
        {"Kristi himmelfartsdag", HOLIDAY_EASTER, 0, 0, 39, CIVIL_NONE, CIVIL_NONE},
        {"Pinsedag", HOLIDAY_EASTER, 0, 0, 49, CIVIL_NONE, CIVIL_NONE},
        {"2. pinsedag", HOLIDAY_EASTER, 0, 0, 50, CIVIL_NONE, CIVIL_NONE},
        {"Juledag", HOLIDAY_ON, 12, 25, 0, CIVIL_NONE, CIVIL_NONE},
        {"2. juledag", HOLIDAY_ON, 12, 26, 0, CIVIL_NONE, CIVIL_NONE},
    };
    memset(builder, 0, sizeof *builder);
    builder->calendars[0] = calendar_new("arbejdsdage", 0x1f, dk, sizeof dk / sizeof dk[0], NULL, 0);
    builder->calendars[1] = calendar_new("hverdage", 0x3f, dk, sizeof dk / sizeof dk[0], NULL, 0);
    builder->rules = (struct ruleset){.zone = zone,
                                      .calendars = builder->calendars,
                                      .calendar_count = 2,
                                      .recurrences = builder->recurrences,
                                      .office_calendar = builder->calendars[0],
                                      .notice_time = 8 * 3600,
                                      .kinds = builder->kinds,
                                      .escalations = builder->escalations,
                                      .lines = builder->lines};
}

static inline int builder_kind(struct rule_builder *builder, const char *name)
{
    struct ruleset *rules = &builder->rules;
    int kind = rules_find_kind(rules, name, strlen(name));
    if (kind >= 0)
        return kind;
    if (rules->kind_count == BUILDER_MAX)
        builder_die(name, "too many kinds");
    builder->kinds[rules->kind_count] = arena_string(&rules->arena, name);
    return rules->kind_count++;
}

// Sets a list of kinds from names with a space between.
static inline void builder_kinds(struct rule_builder *builder, struct kind_list *list, const char *names)
{
    list->kinds = arena_alloc(&builder->rules.arena, BUILDER_MAX * sizeof *list->kinds);
    list->count = 0;
    while (*names) {
        size_t length = strcspn(names, " ");
        const char *name = arena_copy(&builder->rules.arena, names, length);
        list->kinds[list->count++] = builder_kind(builder, name);
        names += length + strspn(names + length, " ");
    }
}

// The number of a rule's line, also of one that is added later.
static inline int builder_line(struct rule_builder *builder, const char *id)
{
    struct ruleset *rules = &builder->rules;
    int line = rules_find_line(rules, id);
    if (line >= 0)
        return line;
    if (rules->line_count == BUILDER_MAX)
        builder_die(id, "too many rules");
    line = rules->line_count++;
    builder->lines[line] =
        (struct rule_line){.id = arena_string(&rules->arena, id), .versions = builder->versions[line]};
    return line;
}

// A statutory rule of confidence A in force from 2020-01-01, due at the end of a day, with start "start",
// stop "stop", cancel "cancel", no due yet. Every further one of the same id is a further version.
static inline struct rule *builder_rule(struct rule_builder *builder, const char *id)
{
    int number = builder_line(builder, id);
    struct rule_line *line = &builder->lines[number];
    struct rule *rule = arena_alloc(&builder->rules.arena, sizeof *rule);
    struct place place = {"rules.yaml", 10 * number + line->version_count + 1, 3};
    *rule = (struct rule){.place = place,
                          .line = number,
                          .id = line->id,
                          .code = "K1",
                          .basis = "§ 1",
                          .title_da = "En frist",
                          .from = builder_date("2020-01-01"),
                          .until = CIVIL_NONE,
                          .confidence = 'A',
                          .due = {.at = DUE_END_OF_DAY, .place = place},
                          .then = {.at = DUE_END_OF_DAY, .place = place}};
    builder_kinds(builder, &rule->start, "start");
    builder_kinds(builder, &rule->stop, "stop");
    builder_kinds(builder, &rule->cancel, "cancel");
    line->versions[line->version_count++] = rule;
    return rule;
}

static inline void builder_after(struct due *due, const char *duration)
{
    due->form = DUE_AFTER;
    due->after = builder_duration(duration);
}

static inline void builder_every(struct rule_builder *builder, struct due *due, const char *rrule)
{
    struct error err;
    due->form = DUE_EVERY;
    if (recurrence_parse(rrule, strlen(rrule), &due->every, &err) < 0)
        builder_die(rrule, err.text);
    builder->recurrences[builder->rules.recurrence_count++] = due->every;
}

static inline void builder_same_as(struct rule_builder *builder, struct due *due, const char *id)
{
    due->form = DUE_SAME_AS;
    due->same_as = builder_line(builder, id);
}

// The i-th of `count` inner forms, to be filled.
static inline struct due *builder_earliest(struct rule_builder *builder, struct due *due, int count)
{
    due->form = DUE_EARLIEST;
    due->earliest = arena_alloc(&builder->rules.arena, (size_t)count * sizeof *due->earliest);
    due->earliest_count = count;
    for (int i = 0; i < count; i++)
        due->earliest[i] = (struct due){.at = DUE_END_OF_DAY, .place = due->place};
    return due->earliest;
}

static inline void builder_starts_on_breach(struct rule_builder *builder, struct rule *rule, const char *id)
{
    rule->breach_of = arena_alloc(&builder->rules.arena, sizeof *rule->breach_of);
    rule->breach_of[rule->breach_of_count++] = builder_line(builder, id);
}

static inline struct escalation *builder_escalation(struct rule_builder *builder, const char *name)
{
    struct escalation *escalation = &builder->escalations[builder->rules.escalation_count++];
    *escalation = (struct escalation){.place = {"escalations.yaml", 1, 1}, .name = name};
    escalation->stages = arena_alloc(&builder->rules.arena, (STAGES_MAX + 1) * sizeof *escalation->stages);
    return escalation;
}

// offset and every may be NULL.
static inline struct stage *builder_stage(struct escalation *escalation, enum stage_when when,
                                          const char *offset, const char *every)
{
    struct stage *stage = &escalation->stages[escalation->stage_count++];
    *stage = (struct stage){.place = {"escalations.yaml", escalation->stage_count + 1, 3}, .when = when};
    if (offset)
        stage->offset = builder_duration(offset);
    if (every)
        stage->every = builder_duration(every);
    return stage;
}

static inline void builder_finish(struct rule_builder *builder)
{
    struct error err;
    if (rules_finish(&builder->rules, &err) < 0)
        builder_die("rules", err.text);
}

static inline void builder_done(struct rule_builder *builder)
{
    rules_done(&builder->rules);
}

#endif
