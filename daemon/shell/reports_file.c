// SPDX-License-Identifier: MPL-2.0
#include "shell/reports_file.h"

#include "shell/templates.h"
#include "shell/yaml.h"
#include "shell/yaml_value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#define TITLE_MAX     120
#define ROLE_MAX      200
#define WITHIN_MAX    366
#define APART_S       3600 // a report comes at most once an hour
#define APART_CHECKED 400  // so many times are looked at

struct reading {
    struct report_set *set;
    const char *path, *templates;
    enum language language;
    const struct ruleset *rules;
    struct error *err;
};

static const char *keep(struct reading *reading, const char *text)
{
    return arena_string(&reading->set->arena, text);
}

static const struct yaml_node *need(struct reading *reading, const struct yaml_node *map, const char *key,
                                    const char *why)
{
    const struct yaml_node *node = yaml_get(map, key);
    if (node == NULL)
        yaml_error(map, reading->err, "a report must have \"%s\": %s", key, why);
    return node;
}

static int read_texts(struct reading *reading, const struct yaml_node *node, const char *what,
                      const char ***ret_texts, int *ret_count)
{
    if (!yaml_is_list(node) || yaml_count(node) == 0)
        return yaml_error(node, reading->err, "%s must be a list of at least one, such as [a, b]", what);
    *ret_texts = arena_alloc(&reading->set->arena, yaml_count(node) * sizeof **ret_texts);
    for (size_t i = 0; i < yaml_count(node); i++) {
        const char *text;
        if (value_text(yaml_item(node, i), what, ROLE_MAX, &text, reading->err) < 0)
            return -1;
        (*ret_texts)[(*ret_count)++] = keep(reading, text);
    }
    return 0;
}

// --- one key each ---

static bool is_plain(const char *text)
{
    size_t length = strlen(text);
    return length > 0 && length <= REPORT_NAME_MAX &&
           text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-_")] == '\0';
}

static int read_name(struct reading *reading, const struct yaml_node *node, struct report *report)
{
    const char *text;
    if (value_text(node, "name", ROLE_MAX, &text, reading->err) < 0)
        return -1;
    if (!is_plain(text))
        return yaml_error(node, reading->err,
                          "name may hold a-z, 0-9, - and _, at most %d: it stands in topics and commands",
                          REPORT_NAME_MAX);
    const struct report *same = report_find(reading->set, text);
    if (same && same != report)
        return yaml_error(node, reading->err, "the name %s is taken by the report at line %d", text,
                          same->place.line);
    report->name = keep(reading, text);
    return 0;
}

static int read_title(struct reading *reading, const struct yaml_node *node, struct report *report)
{
    static const char *const languages[] = {"da", "en", NULL};
    const char *text;
    const struct yaml_node *da = node, *en = NULL;
    if (yaml_is_map(node)) {
        if (yaml_check_keys(node, "a title", languages, reading->err) < 0)
            return -1;
        da = yaml_get(node, "da");
        en = yaml_get(node, "en");
        if (da == NULL)
            return yaml_error(node, reading->err, "a title must have \"da\"");
    }
    if (value_text(da, "title", TITLE_MAX, &text, reading->err) < 0)
        return -1;
    report->title_da = keep(reading, text);
    if (en && value_text(en, "title", TITLE_MAX, &text, reading->err) < 0)
        return -1;
    report->title_en = en ? keep(reading, text) : NULL;
    return 0;
}

static int check_rhythm(struct reading *reading, const struct yaml_node *node, const struct report *report)
{
    instant last = report_next_due(report, reading->rules->zone, 0);
    if (last == INSTANT_NONE)
        return yaml_error(node, reading->err, "when: this never comes");
    for (int i = 0; i < APART_CHECKED; i++) {
        instant next = report_next_due(report, reading->rules->zone, last);
        // The clock may go back by an hour meanwhile; two civil times an hour apart stay apart.
        if (next != INSTANT_NONE && next - last < APART_S)
            return yaml_error(node, reading->err, "when: a report comes at most once an hour");
        if (next == INSTANT_NONE)
            break;
        last = next;
    }
    return 0;
}

static int read_when(struct reading *reading, const struct yaml_node *node, struct report *report)
{
    const char *text;
    struct error inner;
    if (value_text(node, "when", ROLE_MAX, &text, reading->err) < 0)
        return -1;
    if (recurrence_parse(text, strlen(text), &report->when, &inner) < 0)
        return yaml_error(node, reading->err, "when: %s", inner.text);
    return check_rhythm(reading, node, report);
}

// --- which rules ---

static int unknown_selector(struct reading *reading, const struct yaml_node *node, const char *what,
                            bool groups)
{
    const struct ruleset *rules = reading->rules;
    const char **names = memory_alloc(((size_t)rules->rule_count + 1) * sizeof *names);
    struct arena arena = {0};
    size_t count = 0;
    for (int i = 0; i < rules->line_count; i++)
        for (int k = 0; k < rules->lines[i].version_count; k++) {
            const struct rule *rule = rules->lines[i].versions[k];
            const char *name = groups ? arena_copy(&arena, rule->id, strcspn(rule->id, ".")) : rule->code;
            bool known = false;
            for (size_t n = 0; n < count && !known; n++)
                known = strcmp(names[n], name) == 0;
            if (!known)
                names[count++] = name;
        }
    yaml_unknown(node, what, names, count, reading->err);
    free(names);
    arena_done(&arena);
    return -1;
}

static bool selects_any(const struct reading *reading, const struct report *one)
{
    const struct ruleset *rules = reading->rules;
    for (int i = 0; i < rules->line_count; i++)
        for (int k = 0; k < rules->lines[i].version_count; k++)
            if (report_takes(one, rules, rules->lines[i].versions[k]))
                return true;
    return false;
}

// Each name alone must fit some rule.
static int check_names(struct reading *reading, const struct yaml_node *list, const char *const *names,
                       int count, bool groups)
{
    for (int i = 0; i < count; i++) {
        struct report one = {.content = REPORT_DEADLINES};
        const char *name[] = {names[i]};
        *(groups ? &one.groups : &one.codes) = name;
        *(groups ? &one.group_count : &one.code_count) = 1;
        if (!selects_any(reading, &one))
            return unknown_selector(reading, yaml_item(list, (size_t)i),
                                    groups ? "group of rules" : "code of a rule", groups);
    }
    return 0;
}

static int read_kinds(struct reading *reading, const struct yaml_node *list, struct report *report)
{
    const char *names[RULE_INFORMATION + 1];
    for (int kind = 0; kind <= RULE_INFORMATION; kind++)
        names[kind] = rules_kind_name((enum rule_kind)kind);
    if (!yaml_is_list(list) || yaml_count(list) == 0)
        return yaml_error(list, reading->err, "kinds must be a list of at least one, such as [statutory]");
    for (size_t i = 0; i < yaml_count(list); i++) {
        int kind;
        if (value_choice(yaml_item(list, i), "kind of rule", names, COUNT_OF(names), &kind, reading->err) < 0)
            return -1;
        report->kinds |= 1u << kind;
    }
    return 0;
}

static int read_selection(struct reading *reading, const struct yaml_node *node, struct report *report)
{
    static const char *const keys[] = {"groups", "codes", "kinds", NULL};
    if (yaml_check_keys(node, "rules", keys, reading->err) < 0)
        return -1;
    const struct yaml_node *groups = yaml_get(node, "groups"), *codes = yaml_get(node, "codes"),
                           *kinds = yaml_get(node, "kinds");
    if (groups && (read_texts(reading, groups, "groups", &report->groups, &report->group_count) < 0 ||
                   check_names(reading, groups, report->groups, report->group_count, true) < 0))
        return -1;
    if (codes && (read_texts(reading, codes, "codes", &report->codes, &report->code_count) < 0 ||
                  check_names(reading, codes, report->codes, report->code_count, false) < 0))
        return -1;
    return kinds ? read_kinds(reading, kinds, report) : 0;
}

// remands, all, or a map.
static int read_rules(struct reading *reading, const struct yaml_node *node, struct report *report)
{
    static const char *const words[] = {"remands", "all"};
    int word = 1;
    if (yaml_is_map(node)) {
        if (read_selection(reading, node, report) < 0)
            return -1;
    } else if (value_choice(node, "rules of a report", words, COUNT_OF(words), &word, reading->err) < 0) {
        return -1;
    }
    report->content = word == 0 ? REPORT_REMANDS : REPORT_DEADLINES;
    if (!selects_any(reading, report))
        return yaml_error(node, reading->err,
                          word == 0 ? "rules: no rule starts on " REMAND_RECEIVED ", so there are no remands"
                                    : "rules: no rule fits all that is asked for");
    return 0;
}

static int read_choices(struct reading *reading, const struct yaml_node *map, struct report *report)
{
    static const char *const show[] = {"cases", "counts"}, *const empty[] = {"send", "skip"};
    const struct yaml_node *node = yaml_get(map, "show");
    int choice = 0;
    if (node && value_choice(node, "value of show", show, COUNT_OF(show), &choice, reading->err) < 0)
        return -1;
    report->counts_only = choice == 1;
    choice = 0;
    if ((node = yaml_get(map, "empty")) &&
        value_choice(node, "value of empty", empty, COUNT_OF(empty), &choice, reading->err) < 0)
        return -1;
    report->skip_empty = choice == 1;
    report->within_days = 14;
    int64_t ms = 0;
    if ((node = yaml_get(map, "within")) &&
        value_interval(node, "within", 86400000, WITHIN_MAX * INT64_C(86400000), &ms, reading->err) < 0)
        return -1;
    if (ms % 86400000 != 0)
        return yaml_error(node, reading->err, "within counts in whole days");
    if (ms > 0)
        report->within_days = (int)(ms / 86400000);
    return 0;
}

static int read_template(struct reading *reading, const struct yaml_node *node, struct report *report)
{
    const char *text;
    struct error inner;
    if (value_text(node, "template", ROLE_MAX, &text, reading->err) < 0)
        return -1;
    if (!is_plain(text))
        return yaml_error(node, reading->err,
                          "template is the name of three files without what follows the dot: a-z, 0-9, -, _");
    report->template = keep(reading, text);
    if (templates_load_report(reading->templates, reading->language, report->template, &report->templates,
                              &inner) == 0)
        return 0;
    // What is wrong in the template has its own place.
    return strstr(inner.text, "cannot be opened") ? yaml_error(node, reading->err, "template: %s", inner.text)
                                                  : error_set(reading->err, "%s", inner.text);
}

static int read_report(struct reading *reading, const struct yaml_node *map, struct report *report)
{
    static const char *const keys[] = {"name",   "title", "when",  "recipients", "rules",
                                       "within", "show",  "empty", "template",   NULL};
    if (yaml_check_keys(map, "a report", keys, reading->err) < 0)
        return -1;
    report->place = yaml_place(map);
    report->place.file = reading->path;
    const struct yaml_node *name, *title, *when, *recipients, *rules, *template;
    if ((name = need(reading, map, "name", "a short name")) == NULL ||
        (title = need(reading, map, "title", "what its mails are called")) == NULL ||
        (when = need(reading, map, "when", "such as FREQ=WEEKLY;BYDAY=MO;BYHOUR=7")) == NULL ||
        (recipients = need(reading, map, "recipients", "roles, such as [team_leader]")) == NULL ||
        (rules = need(reading, map, "rules", "remands, all, or groups, codes and kinds")) == NULL ||
        (template = need(reading, map, "template", "remands, worklist, digest, or one of your own")) == NULL)
        return -1;
    if (read_name(reading, name, report) < 0 || read_title(reading, title, report) < 0 ||
        read_when(reading, when, report) < 0 || read_rules(reading, rules, report) < 0 ||
        read_choices(reading, map, report) < 0 || read_template(reading, template, report) < 0)
        return -1;
    return read_texts(reading, recipients, "recipients", &report->recipients, &report->recipient_count);
}

// --- the file ---

static int read_set(struct reading *reading, const struct yaml_node *root)
{
    static const char *const keys[] = {"reports", NULL};
    if (root == NULL)
        return error_set(reading->err, "%s: the file is empty", reading->path);
    if (yaml_check_keys(root, "the file of reports", keys, reading->err) < 0)
        return -1;
    const struct yaml_node *list = yaml_get(root, "reports");
    if (list == NULL || !yaml_is_list(list))
        return yaml_error(list ? list : root, reading->err, "reports must be a list; [] is none");
    if (yaml_count(list) > REPORTS_MAX)
        return yaml_error(list, reading->err, "there are more than %d reports", REPORTS_MAX);
    struct report_set *set = reading->set;
    set->reports = arena_alloc(&set->arena, (yaml_count(list) + 1) * sizeof *set->reports);
    for (size_t i = 0; i < yaml_count(list); i++) {
        struct report *report = &set->reports[i];
        report->name = "";
        set->count++; // so that what it has of its own is freed
        if (read_report(reading, yaml_item(list, i), report) < 0)
            return -1;
    }
    return 0;
}

int reports_load(const char *path, const char *templates, enum language language, const struct ruleset *rules,
                 struct report_set *ret_set, struct error *err)
{
    struct report_set set = {0};
    *ret_set = set;
    if (path == NULL)
        return 0;
    struct yaml *yaml;
    if (yaml_read_file(path, &yaml, err) < 0)
        return -1;
    struct reading reading = {.set = &set,
                              .path = arena_string(&set.arena, path),
                              .templates = templates,
                              .language = language,
                              .rules = rules,
                              .err = err};
    int result = read_set(&reading, yaml_root(yaml));
    yaml_close(yaml);
    if (result < 0)
        reports_done(&set);
    else
        *ret_set = set;
    return result;
}

void reports_done(struct report_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        recurrence_free(set->reports[i].when);
        report_templates_free(set->reports[i].templates);
    }
    arena_done(&set->arena);
    *set = (struct report_set){0};
}
