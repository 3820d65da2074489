// SPDX-License-Identifier: MPL-2.0
// The forms of due, of a rule itself, of its `then`, and inside `earliest`.
#include "shell/rules_loader.h"

#include <string.h>

#define RRULE_MAX 500
// Once an hour. What fires more often is no duty of a person, and would fill the results of an old case.
#define SERIES_PER_DAY_MAX 24

static int read_after(struct loader *loader, const struct yaml_node *node, struct due *due)
{
    return value_duration(node, "after", &due->after, loader->err);
}

// `event` and `at_start` say all by standing there.
static int read_true(struct loader *loader, const struct yaml_node *node, struct due *due)
{
    const char *what = due->form == DUE_EVENT ? "event" : "at_start";
    bool value;
    if (value_bool(node, what, &value, loader->err) < 0)
        return -1;
    if (!value)
        return yaml_error(node, loader->err, "%s is true or left out", what);
    return 0;
}

static int read_on(struct loader *loader, const struct yaml_node *node, struct due *due)
{
    return value_date(node, "on", &due->on, loader->err);
}

static int read_next(struct loader *loader, const struct yaml_node *node, struct due *due)
{
    return value_month_day(node, "next", &due->month, &due->day, loader->err);
}

static int read_end_of(struct loader *loader, const struct yaml_node *node, struct due *due)
{
    static const char *const periods[] = {"week", "month", "quarter", "year"};
    int period;
    if (value_choice(node, "end_of", periods, COUNT_OF(periods), &period, loader->err) < 0)
        return -1;
    due->end_of = (enum period)period;
    return 0;
}

// The set owns what it can free: the array doubles inside the arena, so that it is whole at any moment.
static void keep_recurrence(struct loader *loader, struct recurrence *recurrence)
{
    struct ruleset *rules = loader->rules;
    int count = rules->recurrence_count;
    if ((count & (count - 1)) == 0) { // 0 and the powers of two: full
        struct recurrence **larger = loader_array(loader, count ? 2 * (size_t)count : 1, sizeof *larger);
        if (count > 0)
            memcpy(larger, rules->recurrences, (size_t)count * sizeof *larger);
        rules->recurrences = larger;
    }
    rules->recurrences[rules->recurrence_count++] = recurrence;
}

static int read_every(struct loader *loader, const struct yaml_node *node, struct due *due)
{
    const char *text;
    struct error inner;
    if (value_text(node, "every", RRULE_MAX, &text, loader->err) < 0)
        return -1;
    if (recurrence_parse(text, strlen(text), &due->every, &inner) < 0)
        return yaml_error(node, loader->err, "every: %s", inner.text);
    keep_recurrence(loader, due->every);
    int64_t most = recurrence_most_in_a_day(due->every);
    if (most > SERIES_PER_DAY_MAX)
        return yaml_error(node, loader->err,
                          "every: this RRULE can fire %lld times on one day; at most %d are allowed: name "
                          "fewer times, as in FREQ=DAILY;BYHOUR=9,15;BYMINUTE=0;BYSECOND=0",
                          (long long)most, SERIES_PER_DAY_MAX);
    due->every_text = loader_keep(loader, text);
    return 0;
}

static int read_same_as(struct loader *loader, const struct yaml_node *node, struct due *due)
{
    due->same_as = loader_refer(loader, &loader->lines, node, "rule");
    return due->same_as < 0 ? -1 : 0;
}

static int read_on_day_of(struct loader *loader, const struct yaml_node *node, struct due *due)
{
    return loader_kind(loader, node, "on_day_of", &due->on_day_of);
}

static int read_earliest(struct loader *loader, const struct yaml_node *node, struct due *due)
{
    if (loader_need_list(loader, node, "earliest") < 0)
        return -1;
    if (yaml_count(node) == 0)
        return yaml_error(node, loader->err, "earliest must name at least one form");
    due->earliest = loader_array(loader, yaml_count(node), sizeof *due->earliest);
    for (size_t i = 0; i < yaml_count(node); i++, due->earliest_count++)
        if (loader_due(loader, yaml_item(node, i), IN_EARLIEST, &due->earliest[i]) < 0)
            return -1;
    return 0;
}

static const struct {
    const char *key;
    enum due_form form;
    int (*read)(struct loader *loader, const struct yaml_node *node, struct due *due);
} due_forms[] = {
    {"after", DUE_AFTER, read_after},
    {"event", DUE_EVENT, read_true},
    {"on", DUE_ON, read_on},
    {"next", DUE_NEXT, read_next},
    {"end_of", DUE_END_OF, read_end_of},
    {"every", DUE_EVERY, read_every},
    {"at_start", DUE_AT_START, read_true},
    {"same_as", DUE_SAME_AS, read_same_as},
    {"earliest", DUE_EARLIEST, read_earliest},
    {"on_day_of", DUE_ON_DAY_OF, read_on_day_of},
};

static int read_form(struct loader *loader, const struct yaml_node *node, const char *what, struct due *due)
{
    const struct yaml_node *found = NULL;
    size_t form = 0;
    for (size_t i = 0; i < COUNT_OF(due_forms); i++) {
        const struct yaml_node *value = yaml_get(node, due_forms[i].key);
        if (value && found)
            return yaml_error(node, loader->err, "%s has both \"%s\" and \"%s\"; exactly one is allowed",
                              what, due_forms[form].key, due_forms[i].key);
        if (value) {
            found = value;
            form = i;
        }
    }
    if (found == NULL)
        return yaml_error(node, loader->err,
                          "%s must have one of after, event, on, next, end_of, every, at_start, same_as, "
                          "earliest, on_day_of (the last in earliest only)",
                          what);
    due->form = due_forms[form].form;
    return due_forms[form].read(loader, found, due);
}

static int read_modifiers(struct loader *loader, const struct yaml_node *node, struct due *due)
{
    static const char *const rolls[] = {"none", "forward", "backward"};
    static const char *const froms[] = {"anchor"};
    const struct yaml_node *roll = yaml_get(node, "roll"), *inclusive = yaml_get(node, "inclusive");
    const struct yaml_node *at = yaml_get(node, "at"), *from = yaml_get(node, "from");
    int choice = 0;
    due->at = DUE_END_OF_DAY;
    if (roll && value_choice(roll, "roll", rolls, COUNT_OF(rolls), &choice, loader->err) < 0)
        return -1;
    due->roll = choice == 2 ? -1 : choice;
    if (inclusive && value_bool(inclusive, "inclusive", &due->inclusive, loader->err) < 0)
        return -1;
    if (at && value_time(at, "at", &due->at, loader->err) < 0)
        return -1;
    if (from && value_choice(from, "from", froms, COUNT_OF(froms), &choice, loader->err) < 0)
        return -1;
    due->from_anchor = from != NULL;
    return 0;
}

// What has its place only in one of the positions.
static int check_position(struct loader *loader, const struct yaml_node *node, enum due_position position)
{
    static const struct {
        const char *key, *message;
        bool allowed[3];
    } placed[] = {
        {"from", "from stands only in then", {[IN_THEN] = true}},
        {"on_day_of", "on_day_of stands only inside earliest", {[IN_EARLIEST] = true}},
        {"earliest", "earliest cannot stand inside earliest", {[IN_DUE] = true, [IN_THEN] = true}},
        {"roll", "roll stands beside earliest, not inside it", {[IN_DUE] = true, [IN_THEN] = true}},
        {"at", "at stands beside earliest, not inside it", {[IN_DUE] = true, [IN_THEN] = true}},
    };
    for (size_t i = 0; i < COUNT_OF(placed); i++)
        if (yaml_get(node, placed[i].key) && !placed[i].allowed[position])
            return yaml_error(yaml_get(node, placed[i].key), loader->err, "%s", placed[i].message);
    return 0;
}

int loader_due(struct loader *loader, const struct yaml_node *node, enum due_position position,
               struct due *due)
{
    static const char *const keys[] = {"after", "event",     "on",      "next",     "end_of",
                                       "every", "at_start",  "same_as", "earliest", "on_day_of",
                                       "roll",  "inclusive", "at",      "from",     NULL};
    static const char *const names[] = {"due", "then", "a form in earliest"};
    due->place = loader_place(loader, node);
    if (yaml_check_keys(node, names[position], keys, loader->err) < 0 ||
        check_position(loader, node, position) < 0 || read_form(loader, node, names[position], due) < 0)
        return -1;
    return read_modifiers(loader, node, due);
}
