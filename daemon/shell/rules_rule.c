// SPDX-License-Identifier: MPL-2.0
// One rule out of its map.
#include "shell/rules_loader.h"

#include <string.h>

#define TITLE_MAX 500
#define BASIS_MAX 500
#define NOTE_MAX  20000
#define CODE_MAX  40

static const char *const rule_keys[] = {
    "id",        "code",     "title",      "basis",      "kind",      "valid",   "confidence", "confirmed",
    "sensitive", "urgent",   "note",       "case_types", "start",     "stop",    "cancel",     "pause",
    "resume",    "extend",   "reset",      "then",       "look_back", "only_if", "scope",      "version_by",
    "due",       "calendar", "escalation", "muted_by",   "examples",  NULL};

static const char *const rule_required[] = {"id",    "code",       "title", "basis", "kind",
                                            "valid", "confidence", "start", "due"};

// First pass: which ids there are, and how many versions of each.
int rules_declare(struct loader *loader, const struct yaml_node *section)
{
    if (loader_need_list(loader, section, "rules") < 0)
        return -1;
    for (size_t i = 0; i < yaml_count(section); i++) {
        const struct yaml_node *rule = yaml_item(section, i), *node;
        const char *id;
        if (yaml_check_keys(rule, "a rule", rule_keys, loader->err) < 0 ||
            loader_need(loader, rule, "a rule", "id", &node) < 0 || loader_name(loader, node, "id", &id) < 0)
            return -1;
        int line = known_find(&loader->lines, id);
        if (line < 0) {
            int count = loader->lines.table.count;
            MEMORY_GROW(loader->version_counts, count, loader->version_capacity);
            loader->version_counts[count] = 0;
            line = known_add(&loader->lines, loader_keep(loader, id), loader_place(loader, node));
        }
        loader->version_counts[line]++;
    }
    return 0;
}

static int read_title(struct loader *loader, const struct yaml_node *node, struct rule *rule)
{
    static const char *const keys[] = {"da", "en", NULL};
    const struct yaml_node *da = node, *en = NULL;
    if (yaml_is_map(node)) {
        if (yaml_check_keys(node, "title", keys, loader->err) < 0 ||
            loader_need(loader, node, "title", "da", &da) < 0)
            return -1;
        en = yaml_get(node, "en");
    }
    if (value_text(da, "title", TITLE_MAX, &rule->title_da, loader->err) < 0 ||
        (en && value_text(en, "title", TITLE_MAX, &rule->title_en, loader->err) < 0))
        return -1;
    rule->title_da = loader_keep(loader, rule->title_da);
    rule->title_en = loader_keep(loader, rule->title_en);
    return 0;
}

static int read_rule_kind(struct loader *loader, const struct yaml_node *node, struct rule *rule)
{
    const char *names[RULE_INFORMATION + 1];
    for (size_t i = 0; i < COUNT_OF(names); i++)
        names[i] = rules_kind_name((enum rule_kind)i);
    int kind = -1;
    if (value_choice(node, "kind", names, COUNT_OF(names), &kind, loader->err) < 0)
        return -1;
    rule->kind = (enum rule_kind)kind;
    return 0;
}

static int read_valid(struct loader *loader, const struct yaml_node *node, struct rule *rule)
{
    static const char *const keys[] = {"from", "until", NULL};
    const struct yaml_node *from;
    if (yaml_check_keys(node, "valid", keys, loader->err) < 0 ||
        loader_need(loader, node, "valid", "from", &from) < 0)
        return -1;
    return loader_validity(loader, node, &rule->from, &rule->until);
}

static int read_confidence(struct loader *loader, const struct yaml_node *rule_node, struct rule *rule)
{
    static const char *const names[] = {"A", "B", "C"};
    const struct yaml_node *confirmed = yaml_get(rule_node, "confirmed");
    int choice;
    if (value_choice(yaml_get(rule_node, "confidence"), "confidence", names, COUNT_OF(names), &choice,
                     loader->err) < 0)
        return -1;
    rule->confidence = names[choice][0];
    if (confirmed && value_bool(confirmed, "confirmed", &rule->confirmed, loader->err) < 0)
        return -1;
    rule->confirmed = rule->confirmed || loader->confirm_all;
    if (rule->confidence == 'C' && !rule->confirmed)
        loader_warn(loader, rule->place,
                    "the rule %s has confidence C and does nothing until it also says confirmed: true",
                    rule->id);
    return 0;
}

// The code stands in topics and subject lines, where two rules with one code cannot be told apart.
static int read_code(struct loader *loader, const struct yaml_node *node, struct rule *rule)
{
    if (value_text(node, "code", CODE_MAX, &rule->code, loader->err) < 0)
        return -1;
    rule->code = loader_keep(loader, rule->code);
    int number = known_find(&loader->codes, rule->code);
    if (number < 0) {
        MEMORY_GROW(loader->code_lines, loader->codes.table.count, loader->code_capacity);
        loader->code_lines[loader->codes.table.count] = rule->line;
        known_add(&loader->codes, rule->code, loader_place(loader, node));
    } else if (loader->code_lines[number] != rule->line) {
        loader_warn(loader, loader_place(loader, node),
                    "the code %s is also that of the rule %s; give each its own", rule->code,
                    loader->lines.names[loader->code_lines[number]]);
    }
    return 0;
}

static int read_identity(struct loader *loader, const struct yaml_node *node, struct rule *rule)
{
    const struct yaml_node *note = yaml_get(node, "note"), *sensitive = yaml_get(node, "sensitive");
    if (value_text(yaml_get(node, "basis"), "basis", BASIS_MAX, &rule->basis, loader->err) < 0 ||
        read_code(loader, yaml_get(node, "code"), rule) < 0 ||
        read_title(loader, yaml_get(node, "title"), rule) < 0 ||
        read_rule_kind(loader, yaml_get(node, "kind"), rule) < 0 ||
        read_valid(loader, yaml_get(node, "valid"), rule) < 0 || read_confidence(loader, node, rule) < 0)
        return -1;
    rule->basis = loader_keep(loader, rule->basis);
    if (sensitive && value_bool(sensitive, "sensitive", &rule->sensitive, loader->err) < 0)
        return -1;
    if (note == NULL)
        return 0;
    if (!yaml_is_text(note) || strlen(yaml_text(note, NULL)) > NOTE_MAX)
        return yaml_error(note, loader->err, "note must be a text of at most %d bytes", NOTE_MAX);
    rule->note = loader_keep(loader, yaml_text(note, NULL));
    return 0;
}

// `start` alone may also name the breach of another rule.
static int read_start(struct loader *loader, const struct yaml_node *node, struct rule *rule)
{
    if (loader_need_list(loader, node, "start") < 0)
        return -1;
    if (yaml_count(node) == 0)
        return yaml_error(node, loader->err, "start must name at least one kind of event");
    rule->start.kinds = loader_array(loader, yaml_count(node), sizeof *rule->start.kinds);
    rule->breach_of = loader_array(loader, yaml_count(node), sizeof *rule->breach_of);
    for (size_t i = 0; i < yaml_count(node); i++) {
        const struct yaml_node *item = yaml_item(node, i);
        const char *name;
        if (loader_name(loader, item, "start", &name) < 0)
            return -1;
        if (!loader_is_breach(name)) {
            int kind = -1;
            if (loader_kind(loader, item, "start", &kind) < 0)
                return -1;
            loader_add_number(rule->start.kinds, &rule->start.count, kind);
            continue;
        }
        const char *id = name + strlen(BREACH_PREFIX);
        int line = known_find(&loader->lines, id);
        if (line < 0)
            return yaml_unknown_name(item, id, "rule after " BREACH_PREFIX, loader->lines.names,
                                     (size_t)loader->lines.table.count, loader->err);
        loader_add_number(rule->breach_of, &rule->breach_of_count, line);
    }
    return 0;
}

static int read_look_back(struct loader *loader, const struct yaml_node *node, struct rule *rule)
{
    const char *text = yaml_text(node, NULL);
    if (text && (strcmp(text, "true") == 0 || strcmp(text, "false") == 0))
        return value_bool(node, "look_back", &rule->look_back, loader->err);
    rule->look_back = true;
    return value_duration(node, "look_back", &rule->look_back_within, loader->err);
}

static int read_events(struct loader *loader, const struct yaml_node *node, struct rule *rule)
{
    const struct {
        const char *key;
        struct kind_list *kinds;
    } lists[] = {
        {"stop", &rule->stop},       {"cancel", &rule->cancel}, {"pause", &rule->pause},
        {"resume", &rule->resume},   {"extend", &rule->extend}, {"reset", &rule->reset},
        {"only_if", &rule->only_if},
    };
    if (read_start(loader, yaml_get(node, "start"), rule) < 0)
        return -1;
    for (size_t i = 0; i < COUNT_OF(lists); i++) {
        const struct yaml_node *list = yaml_get(node, lists[i].key);
        if (list && loader_kinds(loader, list, lists[i].key, lists[i].kinds) < 0)
            return -1;
    }
    const struct yaml_node *look_back = yaml_get(node, "look_back");
    return look_back ? read_look_back(loader, look_back, rule) : 0;
}

static int read_scope(struct loader *loader, const struct yaml_node *node, struct rule *rule)
{
    static const char *const scopes[] = {"case"}, *const version_bys[] = {"due"};
    const struct yaml_node *scope = yaml_get(node, "scope"), *version_by = yaml_get(node, "version_by");
    const struct yaml_node *case_types = yaml_get(node, "case_types");
    int choice;
    if (scope && value_choice(scope, "scope", scopes, COUNT_OF(scopes), &choice, loader->err) < 0)
        return -1;
    if (version_by &&
        value_choice(version_by, "version_by", version_bys, COUNT_OF(version_bys), &choice, loader->err) < 0)
        return -1;
    rule->scope_case = scope != NULL;
    rule->version_by_due = version_by != NULL;
    return case_types
               ? loader_texts(loader, case_types, "case_types", &rule->case_types, &rule->case_type_count)
               : 0;
}

static int read_dues(struct loader *loader, const struct yaml_node *node, struct rule *rule)
{
    const struct yaml_node *then = yaml_get(node, "then"), *calendar = yaml_get(node, "calendar");
    const struct yaml_node *escalation = yaml_get(node, "escalation");
    if (loader_due(loader, yaml_get(node, "due"), IN_DUE, &rule->due) < 0 ||
        (then && loader_due(loader, then, IN_THEN, &rule->then) < 0) ||
        (calendar && loader_calendar(loader, calendar, &rule->calendar) < 0))
        return -1;
    if (escalation == NULL)
        return 0;
    int number = loader_refer(loader, &loader->escalations, escalation, "escalation");
    if (number < 0)
        return -1;
    rule->escalation = &loader->rules->escalations[number];
    return 0;
}

// What `case:` goes before is looked for in the whole case, not only on the same subject.
static int read_muted_by(struct loader *loader, const struct yaml_node *node, struct rule *rule)
{
    static const char prefix[] = "case:";
    if (node == NULL)
        return 0;
    if (loader_need_list(loader, node, "muted_by") < 0)
        return -1;
    rule->muted_by = loader_array(loader, yaml_count(node), sizeof *rule->muted_by);
    for (size_t i = 0; i < yaml_count(node); i++) {
        const struct yaml_node *item = yaml_item(node, i);
        const char *name;
        if (loader_name(loader, item, "muted_by", &name) < 0)
            return -1;
        bool any_subject = strncmp(name, prefix, strlen(prefix)) == 0;
        name += any_subject ? strlen(prefix) : 0;
        int line = known_find(&loader->lines, name);
        if (line < 0)
            return yaml_unknown_name(item, name, "rule in muted_by", loader->lines.names,
                                     (size_t)loader->lines.table.count, loader->err);
        rule->muted_by[rule->muted_by_count++] =
            (struct larger_rule){loader_place(loader, item), line, any_subject};
    }
    return 0;
}

static bool counts_in_hours(const struct due *due)
{
    for (int i = 0; i < due->earliest_count; i++)
        if (counts_in_hours(&due->earliest[i]))
            return true;
    return due->form == DUE_AFTER && duration_is_hours(&due->after);
}

// A limit of hours runs through the night, and so does what is said about it.
static int read_urgent(struct loader *loader, const struct yaml_node *node, struct rule *rule)
{
    const struct yaml_node *urgent = yaml_get(node, "urgent");
    rule->urgent = counts_in_hours(&rule->due) || counts_in_hours(&rule->then);
    return urgent ? value_bool(urgent, "urgent", &rule->urgent, loader->err) : 0;
}

static int read_rule(struct loader *loader, const struct yaml_node *node)
{
    const struct yaml_node *present;
    for (size_t i = 0; i < COUNT_OF(rule_required); i++)
        if (loader_need(loader, node, "a rule", rule_required[i], &present) < 0)
            return -1;
    struct rule *rule = loader_array(loader, 1, sizeof *rule);
    rule->place = loader_place(loader, node);
    rule->line = known_find(&loader->lines, yaml_text(yaml_get(node, "id"), NULL));
    struct rule_line *line = &loader->rules->lines[rule->line];
    rule->id = line->id;
    if (read_identity(loader, node, rule) < 0 || read_scope(loader, node, rule) < 0 ||
        read_events(loader, node, rule) < 0 || read_dues(loader, node, rule) < 0 ||
        read_urgent(loader, node, rule) < 0 || read_muted_by(loader, yaml_get(node, "muted_by"), rule) < 0 ||
        rules_read_examples(loader, yaml_get(node, "examples"), rule) < 0)
        return -1;
    line->versions[line->version_count++] = rule;
    return 0;
}

int rules_read(struct loader *loader, const struct yaml_node *section)
{
    for (size_t i = 0; i < yaml_count(section); i++)
        if (read_rule(loader, yaml_item(section, i)) < 0)
            return -1;
    return 0;
}
