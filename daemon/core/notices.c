// SPDX-License-Identifier: MPL-2.0
#include "core/notices.h"

#include "core/backlog.h"
#include "core/nearest.h"

#include <stdlib.h>
#include <string.h>

#define LEVELS_MAX 32 // deepest organisation; also ends a circle of units

struct asking {
    const struct acknowledgement *holding; // NULL: none
    const struct people *people;
    const char *unit, *caseworker, *except;
    civil_date today;
};

static bool has(const struct addressees *addressees, const char *person_id)
{
    for (size_t i = 0; i < addressees->count; i++)
        if (strcmp(addressees->recipients[i].person_id, person_id) == 0)
            return true;
    return false;
}

static void ask_stage(const struct asking *asking, const struct stage *stage, struct addressees *addressees)
{
    for (int i = 0; i < stage->to_count; i++) {
        if (acknowledgement_holds_back(asking->holding, stage->to[i]))
            continue;
        struct recipient found[NOTICES_MAX];
        size_t count = people_reach(asking->people, stage->to[i], asking->unit, asking->caseworker,
                                    asking->today, found, NOTICES_MAX);
        for (size_t k = 0; k < count && addressees->count < NOTICES_MAX; k++)
            if (!has(addressees, found[k].person_id) &&
                !(asking->except && strcmp(found[k].person_id, asking->except) == 0))
                addressees->recipients[addressees->count++] = found[k];
    }
}

static void ask_later_stages(const struct asking *asking, const struct rule *rule, int stage,
                             struct addressees *addressees)
{
    addressees->next_level = true;
    for (int i = stage + 1; i < rule->escalation->stage_count && addressees->count == 0; i++)
        ask_stage(asking, &rule->escalation->stages[i], addressees);
}

void notices_address(const struct happening *happening, const struct rule *rule, const struct people *people,
                     const char *unit, const char *caseworker, civil_date today,
                     struct addressees *ret_addressees)
{
    struct asking asking = {happening->holding, people, unit, caseworker, NULL, today};
    ret_addressees->count = 0;
    ret_addressees->nobody = ret_addressees->next_level = false;
    int last = 0;
    for (int i = 0; i < happening->stage_count; i++) {
        last = happening->stages[i].stage;
        ask_stage(&asking, &rule->escalation->stages[last], ret_addressees);
    }
    if (ret_addressees->count > 0)
        return;
    ret_addressees->nobody = true;
    ask_later_stages(&asking, rule, last, ret_addressees);
}

void notices_next_level(const struct rule *rule, int stage, const struct people *people, const char *unit,
                        const char *caseworker, civil_date today, const char *except,
                        struct addressees *ret_addressees)
{
    struct asking asking = {NULL, people, unit, caseworker, except, today};
    ret_addressees->count = 0;
    ret_addressees->nobody = true;
    ask_later_stages(&asking, rule, stage, ret_addressees);
}

static bool leads(const struct ruleset *rules, const struct people *people, const char *person_id)
{
    for (const struct person *person = people_find(people, person_id);
         person && person < people->persons + people->person_count && strcmp(person->id, person_id) == 0;
         person++)
        if (backlog_is_leader(rules, person->role))
            return true;
    return false;
}

void notices_level_above(const struct ruleset *rules, const struct people *people, const char *person_id,
                         const char *unit, civil_date today, struct addressees *ret_addressees)
{
    struct asking asking = {NULL, people, NULL, "", person_id, today};
    const struct person *author = people_find(people, person_id);
    ret_addressees->count = 0;
    ret_addressees->nobody = ret_addressees->next_level = false;
    if (author && *author->unit)
        unit = leads(rules, people, person_id) ? people_parent(people, author->unit) : author->unit;
    for (int depth = 0; *unit && depth < LEVELS_MAX && ret_addressees->count == 0; depth++) {
        asking.unit = unit;
        for (size_t i = 0; i < people->person_count; i++) {
            const struct person *leader = &people->persons[i];
            const char *to[] = {leader->role};
            if (strcmp(leader->unit, unit) == 0 && backlog_is_leader(rules, leader->role))
                ask_stage(&asking, &(struct stage){.to = to, .to_count = 1}, ret_addressees);
        }
        unit = people_parent(people, unit);
    }
}

static bool is_held(const struct people *people, const char *role)
{
    for (size_t i = 0; i < people->person_count; i++)
        if (strcmp(people->persons[i].role, role) == 0)
            return true;
    return strcmp(role, ROLE_CASEWORKER) == 0;
}

static int refuse_role(const struct stage *stage, const char *role, const struct people *people,
                       struct error *err)
{
    const char **roles = memory_alloc((people->person_count + 1) * sizeof *roles);
    size_t count = 0;
    roles[count++] = ROLE_CASEWORKER;
    struct buffer list = {0};
    buffer_add_string(&list, ROLE_CASEWORKER);
    for (size_t i = 0; i < people->person_count; i++) {
        bool seen = *people->persons[i].role == '\0';
        for (size_t k = 0; k < count && !seen; k++)
            seen = strcmp(roles[k], people->persons[i].role) == 0;
        if (seen)
            continue;
        roles[count++] = people->persons[i].role;
        buffer_format(&list, ", %s", people->persons[i].role);
    }
    const char *near = nearest_name(role, strlen(role), roles, count);
    error_set(
        err,
        "%s:%d:%d: the role \"%s\" is held by nobody in the case database's people%s%s%s; there are: %.400s",
        stage->place.file, stage->place.line, stage->place.column, role, near ? "; did you mean \"" : "",
        near ? near : "", near ? "\"?" : "", list.data);
    buffer_done(&list);
    free(roles);
    return -1;
}

int notices_check_roles(const struct ruleset *rules, const struct people *people, struct error *err)
{
    for (int i = 0; i < rules->escalation_count; i++)
        for (int k = 0; k < rules->escalations[i].stage_count; k++) {
            const struct stage *stage = &rules->escalations[i].stages[k];
            for (int r = 0; r < stage->to_count; r++)
                if (!is_held(people, stage->to[r]))
                    return refuse_role(stage, stage->to[r], people, err);
        }
    return 0;
}
