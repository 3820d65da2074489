// SPDX-License-Identifier: MPL-2.0
#include "core/rhythm.h"

#include "core/nearest.h"

#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 32 // ends a circle of parents

const struct office_hours *rhythm_hours(const struct rhythm *rhythm, const struct people *people,
                                        const char *unit)
{
    for (int depth = 0; *unit && depth < DEPTH_MAX; depth++, unit = people_parent(people, unit))
        for (size_t i = 0; i < rhythm->unit_count; i++)
            if (strcmp(rhythm->units[i].unit, unit) == 0)
                return &rhythm->units[i].hours;
    return &rhythm->hours;
}

static const struct office_hours *hours_of(const struct rhythm *rhythm, const struct people *people,
                                           const char *person_id)
{
    const struct person *person = people_find(people, person_id);
    return person ? rhythm_hours(rhythm, people, person->unit) : &rhythm->hours;
}

instant rhythm_next(const struct rhythm *rhythm, const struct ruleset *rules, const struct people *people,
                    const char *person_id, instant now, bool *ret_outside_hours)
{
    instant open =
        office_hours_next(hours_of(rhythm, people, person_id), rules->office_calendar, rules->zone, now);
    *ret_outside_hours = open > now;
    return open + rhythm->group_wait_s; // in the morning, too: others are decided at the same moment
}

instant rhythm_next_morning(const struct rhythm *rhythm, const struct ruleset *rules,
                            const struct people *people, const char *person_id, instant now)
{
    return office_hours_next_day(hours_of(rhythm, people, person_id), rules->office_calendar, rules->zone,
                                 now) +
           rhythm->group_wait_s;
}

bool rhythm_is_always_open(const struct rhythm *rhythm)
{
    bool always = office_hours_are_always(&rhythm->hours);
    for (size_t i = 0; i < rhythm->unit_count; i++)
        always = always && office_hours_are_always(&rhythm->units[i].hours);
    return always;
}

instant rhythm_follow_up(const struct rhythm *rhythm, const struct ruleset *rules, instant now)
{
    return office_hours_next_day(&rhythm->hours, rules->office_calendar, rules->zone, now) +
           rhythm->group_wait_s;
}

static bool is_unit(const struct people *people, const char *name)
{
    for (size_t i = 0; i < people->unit_count; i++)
        if (strcmp(people->units[i].name, name) == 0)
            return true;
    return false;
}

static int refuse_unit(const struct unit_hours *hours, const struct people *people, struct error *err)
{
    const char **names = memory_alloc((people->unit_count + 1) * sizeof *names);
    for (size_t i = 0; i < people->unit_count; i++)
        names[i] = people->units[i].name;
    const char *near = nearest_name(hours->unit, strlen(hours->unit), names, people->unit_count);
    error_set(err, "%s:%d:%d: the case database has no unit \"%s\"%s%s%s", hours->place.file,
              hours->place.line, hours->place.column, hours->unit, near ? "; did you mean \"" : "",
              near ? near : "", near ? "\"?" : "");
    free(names);
    return -1;
}

int rhythm_check_units(const struct rhythm *rhythm, const struct people *people, struct error *err)
{
    for (size_t i = 0; i < rhythm->unit_count; i++)
        if (!is_unit(people, rhythm->units[i].unit))
            return refuse_unit(&rhythm->units[i], people, err);
    return 0;
}
