// SPDX-License-Identifier: MPL-2.0
#include "shell/changed_rules.h"

#include "core/phrases.h"
#include "shell/log.h"

// In the words of a line for the operators.
static const char *count_change(struct rule_changes *changes, const struct deadline_difference *difference)
{
    bool was_open = difference->kind != DIFFERENCE_APPEARED && !deadline_is_closed(difference->old_state);
    if (difference->kind == DIFFERENCE_VANISHED) {
        changes->gone++;
        return "deadline_gone";
    }
    if (!was_open) {
        changes->breached++;
        return "deadline_breached";
    }
    if (difference->kind == DIFFERENCE_MOVED) {
        changes->moved++;
        return "deadline_moved";
    }
    changes->closed++;
    return "deadline_closed";
}

static void word_change(const struct look *look, const struct deadline_difference *difference,
                        struct buffer *words)
{
    const struct zone *zone = look->rules->zone;
    if (difference->kind != DIFFERENCE_APPEARED)
        phrase_short_due(look->language, zone, difference->old_due, words);
    if (difference->kind == DIFFERENCE_MOVED)
        buffer_add_string(words, " → ");
    if (difference->kind == DIFFERENCE_MOVED || difference->kind == DIFFERENCE_APPEARED)
        phrase_short_due(look->language, zone, difference->new_due, words);
}

static void say(struct changed_rules *changed, const char *case_id,
                const struct deadline_difference *difference, const char *what)
{
    const struct look *look = changed->findings->look;
    const struct zone *zone = look->rules->zone;
    struct buffer words = {0};
    char old_due[ZONE_INSTANT_SIZE], new_due[ZONE_INSTANT_SIZE];
    word_change(look, difference, &words);
    if (findings_add_change(changed->findings, what, case_id, difference->code, words.data))
        log_line(LOG_LEVEL_WARNING, "rules", "%s: %s case=%s rule=%s subject=%s old_due=%s new_due=%s",
                 changed->in_force ? "changed rules" : "changed rules, not in force", what, case_id,
                 difference->rule, difference->subject, zone_format(zone, difference->old_due, old_due),
                 zone_format(zone, difference->new_due, new_due));
    buffer_done(&words);
}

struct changed_case {
    struct changed_rules *changed;
    const char *case_id;
};

static void on_difference(void *data, const struct deadline_difference *difference)
{
    const struct changed_case *of = data;
    struct changed_rules *changed = of->changed;
    if (changed->on_difference)
        changed->on_difference(changed->data, of->case_id, difference);
    if (!difference_is_grave(difference))
        return;
    const char *what = count_change(&changed->counts, difference);
    if (changed->on_difference == NULL)
        say(changed, of->case_id, difference, what);
}

void changed_rules_compare(struct changed_rules *changed, const char *case_id,
                           const struct evaluation *evaluation, const struct known_case *known)
{
    struct changed_case of = {changed, case_id};
    differences_find(known ? known->deadlines : NULL, known ? known->deadline_count : 0, evaluation,
                     INSTANT_NONE, on_difference, &of);
}
