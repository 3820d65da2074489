// SPDX-License-Identifier: MPL-2.0
// Escalations and their stages.
#include "shell/rules_loader.h"

#include "core/casefile.h"

#include <string.h>

static bool cut_suffix(const char *text, const char *suffix, size_t *ret_length)
{
    size_t length = strlen(text), suffix_length = strlen(suffix);
    if (length <= suffix_length || strcmp(text + length - suffix_length, suffix) != 0)
        return false;
    *ret_length = length - suffix_length;
    return true;
}

// "breach", "DURATION before", "DURATION after".
static int read_stage_time(struct loader *loader, const struct yaml_node *node, struct stage *stage)
{
    const char *text;
    if (value_text(node, "at", CASEFILE_ID_MAX, &text, loader->err) < 0)
        return -1;
    if (strcmp(text, "breach") == 0) {
        stage->when = STAGE_BREACH;
        return 0;
    }
    size_t length;
    if (cut_suffix(text, " before", &length)) {
        stage->when = STAGE_BEFORE;
    } else if (cut_suffix(text, " after", &length)) {
        stage->when = STAGE_AFTER;
    } else {
        char quoted[YAML_QUOTE_SIZE];
        return yaml_error(node, loader->err,
                          "at must be \"breach\" or a duration and before or after, such as \"5 working days "
                          "before\", not \"%s\"",
                          yaml_quote(text, quoted));
    }
    struct error inner;
    if (duration_parse(text, length, &stage->offset, &inner) < 0)
        return yaml_error(node, loader->err, "at: %s", inner.text);
    return 0;
}

static int read_repeat(struct loader *loader, const struct yaml_node *node, struct duration *ret_every)
{
    if (value_duration(node, "every", ret_every, loader->err) < 0)
        return -1;
    for (int i = 0; i < ret_every->count; i++)
        if (ret_every->terms[i].amount < 0)
            return yaml_error(node, loader->err, "every: a repeat cannot subtract; write one duration");
    return 0;
}

static int read_stage(struct loader *loader, const struct yaml_node *node, struct stage *stage)
{
    static const char *const keys[] = {"at", "every", "missed", "to", NULL};
    const struct yaml_node *at, *to;
    if (yaml_check_keys(node, "a stage", keys, loader->err) < 0 ||
        loader_need(loader, node, "a stage", "at", &at) < 0 ||
        loader_need(loader, node, "a stage", "to", &to) < 0 || read_stage_time(loader, at, stage) < 0 ||
        loader_texts(loader, to, "to", &stage->to, &stage->to_count) < 0)
        return -1;
    if (stage->to_count == 0)
        return yaml_error(to, loader->err, "to must name at least one role, such as [caseworker]");
    stage->place = loader_place(loader, node);
    const struct yaml_node *every = yaml_get(node, "every"), *missed = yaml_get(node, "missed");
    if (every && read_repeat(loader, every, &stage->every) < 0)
        return -1;
    if (missed && value_int(missed, "missed", 1, 1000, &stage->missed, loader->err) < 0)
        return -1;
    return 0;
}

static int read_escalation(struct loader *loader, const struct yaml_node *key, const struct yaml_node *node)
{
    int number = loader_define(loader, &loader->escalations, key, "escalation");
    if (number < 0 || loader_need_list(loader, node, "an escalation") < 0)
        return -1;
    if (yaml_count(node) == 0)
        return yaml_error(node, loader->err, "an escalation must have at least one stage");
    struct escalation *escalation = &loader->rules->escalations[loader->rules->escalation_count++];
    escalation->place = loader_place(loader, key);
    escalation->name = loader->escalations.names[number];
    escalation->stages = loader_array(loader, yaml_count(node), sizeof *escalation->stages);
    for (size_t i = 0; i < yaml_count(node); i++, escalation->stage_count++)
        if (read_stage(loader, yaml_item(node, i), &escalation->stages[i]) < 0)
            return -1;
    return 0;
}

int rules_read_escalations(struct loader *loader, const struct yaml_node *section)
{
    if (loader_need_map(loader, section, "escalations") < 0)
        return -1;
    for (size_t i = 0; i < yaml_count(section); i++)
        if (read_escalation(loader, yaml_key(section, i), yaml_value(section, i)) < 0)
            return -1;
    return 0;
}
