// SPDX-License-Identifier: MPL-2.0
// The examples of a rule: "events and the deadlines expected of them" (RULES, section 4).
#include "shell/rules_loader.h"

#include "core/example.h"

#include <string.h>

#define NAME_MAX_BYTES   200
#define DEFAULT_SUBJECT  "1"
#define OCCURRENCE_MAX   100000
#define LATE_ENOUGH_DAYS (30 * 366) // after the last event, where the example does not say `now`

static int read_instant(struct loader *loader, const struct yaml_node *node, const char *what,
                        instant *ret_at)
{
    const char *text;
    if (value_text(node, what, CASEFILE_ID_MAX, &text, loader->err) < 0)
        return -1;
    if (zone_parse_instant(loader->rules->zone, text, strlen(text), ret_at) == 0)
        return 0;
    char quoted[YAML_QUOTE_SIZE];
    return yaml_error(node, loader->err, "%s must be a time such as 2026-05-22 15:30, not \"%s\"", what,
                      yaml_quote(text, quoted));
}

// --- events ---

static int read_subject(struct loader *loader, const struct yaml_node *node, const char **ret_subject)
{
    size_t length;
    const char *text = yaml_text(node, &length);
    if (text && length == 0) { // the case as a whole
        *ret_subject = "";
        return 0;
    }
    if (loader_name(loader, node, "subject", &text) < 0)
        return -1;
    *ret_subject = loader_keep(loader, text);
    return 0;
}

static int read_event(struct loader *loader, const struct yaml_node *node, size_t number,
                      struct event *ret_event)
{
    static const char *const keys[] = {"at", "kind", "subject", "due_on", NULL};
    struct event event = {.subject = DEFAULT_SUBJECT, .due_on = CIVIL_NONE};
    const struct yaml_node *at, *kind;
    if (yaml_check_keys(node, "an event", keys, loader->err) < 0 ||
        loader_need(loader, node, "an event", "at", &at) < 0 ||
        loader_need(loader, node, "an event", "kind", &kind) < 0 ||
        read_instant(loader, at, "at", &event.at) < 0 || loader_name(loader, kind, "kind", &event.kind) < 0)
        return -1;
    const struct yaml_node *subject = yaml_get(node, "subject"), *due_on = yaml_get(node, "due_on");
    if ((subject && read_subject(loader, subject, &event.subject) < 0) ||
        (due_on && value_date(due_on, "due_on", &event.due_on, loader->err) < 0))
        return -1;
    event.id = arena_format(&loader->rules->arena, "%zu", number);
    event.kind = loader_keep(loader, event.kind);
    *ret_event = event;
    return 0;
}

static int read_events(struct loader *loader, const struct yaml_node *node, struct example *example)
{
    if (loader_need_list(loader, node, "events") < 0)
        return -1;
    example->events = loader_array(loader, yaml_count(node), sizeof *example->events);
    for (; example->event_count < yaml_count(node); example->event_count++)
        if (read_event(loader, yaml_item(node, example->event_count), example->event_count + 1,
                       &example->events[example->event_count]) < 0)
            return -1;
    return 0;
}

static instant late_enough(const struct example *example)
{
    instant last = 0, end = (instant)CIVIL_MAX * SECONDS_PER_DAY;
    for (size_t i = 0; i < example->event_count; i++)
        if (i == 0 || example->events[i].at > last)
            last = example->events[i].at;
    last += (instant)LATE_ENOUGH_DAYS * SECONDS_PER_DAY;
    return last < end ? last : end;
}

// --- what is expected ---

static int read_expected_instant(struct loader *loader, const struct yaml_node *node, const char *what,
                                 struct expected_instant *ret_expected)
{
    const char *text = yaml_text(node, NULL);
    struct expected_instant expected = {.form = EXPECT_INSTANT};
    if (text && strcmp(text, "none") == 0)
        expected.form = EXPECT_NONE;
    else if (text && civil_parse_date(text, strlen(text), &expected.date) == 0)
        expected.form = EXPECT_DATE;
    else if (read_instant(loader, node, what, &expected.at) < 0)
        return -1;
    *ret_expected = expected;
    return 0;
}

// A date alone is the end of that day.
static int read_expected_due(struct loader *loader, const struct yaml_node *node,
                             struct expected_instant *ret_expected)
{
    if (read_expected_instant(loader, node, "due", ret_expected) < 0)
        return -1;
    if (ret_expected->form == EXPECT_DATE) {
        ret_expected->form = EXPECT_INSTANT;
        ret_expected->at = zone_to_instant(loader->rules->zone, ret_expected->date, SECONDS_PER_DAY - 1);
    }
    return 0;
}

static int read_state(struct loader *loader, const struct yaml_node *node, enum deadline_state *ret_state)
{
    const char *names[STATE_PASSED + 1];
    int state;
    for (size_t i = 0; i < COUNT_OF(names); i++)
        names[i] = deadline_state_name((enum deadline_state)i);
    if (value_choice(node, "state", names, COUNT_OF(names), &state, loader->err) < 0)
        return -1;
    *ret_state = (enum deadline_state)state;
    return 0;
}

static int read_deadline(struct loader *loader, const struct yaml_node *node,
                         struct expected_deadline *ret_deadline)
{
    static const char *const keys[] = {"due",        "state",   "breached", "closed",
                                       "occurrence", "subject", "version",  NULL};
    if (yaml_check_keys(node, "an expected deadline", keys, loader->err) < 0)
        return -1;
    if (yaml_count(node) == 0)
        return yaml_error(node, loader->err, "an expected deadline must say something, such as its due");
    struct expected_deadline deadline = {.place = loader_place(loader, node), .version = CIVIL_NONE};
    const struct yaml_node *due = yaml_get(node, "due"), *state = yaml_get(node, "state"),
                           *breached = yaml_get(node, "breached"), *closed = yaml_get(node, "closed"),
                           *occurrence = yaml_get(node, "occurrence"), *subject = yaml_get(node, "subject"),
                           *version = yaml_get(node, "version");
    deadline.has_state = state != NULL;
    if ((due && read_expected_due(loader, due, &deadline.due) < 0) ||
        (state && read_state(loader, state, &deadline.state) < 0) ||
        (breached && read_expected_instant(loader, breached, "breached", &deadline.breached) < 0) ||
        (closed && read_expected_instant(loader, closed, "closed", &deadline.closed) < 0) ||
        (occurrence &&
         value_int(occurrence, "occurrence", 1, OCCURRENCE_MAX, &deadline.occurrence, loader->err) < 0) ||
        (subject && read_subject(loader, subject, &deadline.subject) < 0) ||
        (version && value_date(version, "version", &deadline.version, loader->err) < 0))
        return -1;
    *ret_deadline = deadline;
    return 0;
}

static int read_deadlines(struct loader *loader, const struct yaml_node *node, struct example *example)
{
    if (loader_need_list(loader, node, "expect") < 0)
        return -1;
    example->deadlines = loader_array(loader, yaml_count(node), sizeof *example->deadlines);
    for (; example->deadline_count < yaml_count(node); example->deadline_count++)
        if (read_deadline(loader, yaml_item(node, example->deadline_count),
                          &example->deadlines[example->deadline_count]) < 0)
            return -1;
    return 0;
}

static int read_faults(struct loader *loader, const struct yaml_node *node, struct example *example)
{
    const char *names[FAULT_DUPLICATE_EVENT + 1]; // the others never come from an evaluation
    for (size_t i = 0; i < COUNT_OF(names); i++)
        names[i] = fault_name((enum fault_code)i);
    if (loader_need_list(loader, node, "faults") < 0)
        return -1;
    example->faults = loader_array(loader, yaml_count(node), sizeof *example->faults);
    for (; example->fault_count < yaml_count(node); example->fault_count++) {
        int code;
        if (value_choice(yaml_item(node, example->fault_count), "fault", names, COUNT_OF(names), &code,
                         loader->err) < 0)
            return -1;
        example->faults[example->fault_count] = (enum fault_code)code;
    }
    return 0;
}

// --- one example, and all of a rule ---

static int read_case_type(struct loader *loader, const struct yaml_node *node, const struct rule *rule,
                          const char **ret_type)
{
    *ret_type = rule->case_type_count > 0 ? rule->case_types[0] : "";
    if (node == NULL)
        return 0;
    if (loader_name(loader, node, "case_type", ret_type) < 0)
        return -1;
    *ret_type = loader_keep(loader, *ret_type);
    return 0;
}

static int read_example(struct loader *loader, const struct yaml_node *node, const struct rule *rule,
                        struct example *ret_example)
{
    static const char *const keys[] = {"name", "now", "case_type", "events", "expect", "faults", NULL};
    const struct yaml_node *name, *events, *expect;
    struct example example = {.place = loader_place(loader, node)};
    if (yaml_check_keys(node, "an example", keys, loader->err) < 0 ||
        loader_need(loader, node, "an example", "name", &name) < 0 ||
        loader_need(loader, node, "an example", "events", &events) < 0 ||
        loader_need(loader, node, "an example", "expect", &expect) < 0 ||
        value_text(name, "name", NAME_MAX_BYTES, &example.name, loader->err) < 0 ||
        read_case_type(loader, yaml_get(node, "case_type"), rule, &example.case_type) < 0 ||
        read_events(loader, events, &example) < 0 || read_deadlines(loader, expect, &example) < 0)
        return -1;
    const struct yaml_node *now = yaml_get(node, "now"), *faults = yaml_get(node, "faults");
    example.now = late_enough(&example);
    if ((now && read_instant(loader, now, "now", &example.now) < 0) ||
        (faults && read_faults(loader, faults, &example) < 0))
        return -1;
    example.name = loader_keep(loader, example.name);
    *ret_example = example;
    return 0;
}

int rules_read_examples(struct loader *loader, const struct yaml_node *node, struct rule *rule)
{
    if (node == NULL)
        return 0;
    if (loader_need_list(loader, node, "examples") < 0)
        return -1;
    rule->examples = loader_array(loader, yaml_count(node), sizeof *rule->examples);
    for (size_t i = 0; i < yaml_count(node); i++) {
        if (read_example(loader, yaml_item(node, i), rule, &rule->examples[i]) < 0)
            return -1;
        rule->example_count++;
    }
    return 0;
}

static int check_kinds(struct loader *loader, const struct yaml_node *example)
{
    const struct yaml_node *events = yaml_get(example, "events");
    for (size_t i = 0; i < yaml_count(events); i++)
        if (loader_refer(loader, &loader->kinds, yaml_get(yaml_item(events, i), "kind"), "kind") < 0)
            return -1;
    return 0;
}

int rules_check_examples(struct loader *loader, const struct yaml_node *section)
{
    for (size_t i = 0; i < yaml_count(section); i++) {
        const struct yaml_node *examples = yaml_get(yaml_item(section, i), "examples");
        for (size_t k = 0; examples && k < yaml_count(examples); k++)
            if (check_kinds(loader, yaml_item(examples, k)) < 0)
                return -1;
    }
    return 0;
}
