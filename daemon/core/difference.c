// SPDX-License-Identifier: MPL-2.0
#include "core/difference.h"

static const char *const names[] = {
    [DIFFERENCE_MOVED] = "moved",
    [DIFFERENCE_STATE] = "state",
    [DIFFERENCE_APPEARED] = "appeared",
    [DIFFERENCE_VANISHED] = "vanished",
};

const char *difference_name(enum difference_kind kind)
{
    return names[kind];
}

static bool closed_before(instant closed_at, instant since)
{
    return since != INSTANT_NONE && closed_at != INSTANT_NONE && closed_at < since;
}

struct finding {
    instant since;
    void (*on_difference)(void *data, const struct deadline_difference *difference);
    void *data;
};

static void compare_one(const struct finding *finding, const struct known_deadline *before,
                        const struct deadline *after)
{
    struct deadline_difference difference = {.old_due = INSTANT_NONE, .new_due = INSTANT_NONE};
    bool over = true; // on every side it is on
    if (before) {
        difference.rule = before->rule;
        difference.code = before->code;
        difference.subject = before->subject;
        difference.occurrence = before->occurrence;
        difference.old_due = before->due_at;
        difference.old_state = before->state;
        over = closed_before(before->closed_at, finding->since);
    }
    if (after) {
        difference.rule = after->rule->id;
        difference.code = after->rule->code;
        difference.subject = after->subject;
        difference.occurrence = after->occurrence;
        difference.new_due = after->due_at;
        difference.new_state = after->state;
        over = over && closed_before(after->closed_at, finding->since);
    }
    if (over || (before && after && before->due_at == after->due_at && before->state == after->state))
        return;
    if (before && after)
        difference.kind = before->due_at != after->due_at ? DIFFERENCE_MOVED : DIFFERENCE_STATE;
    else
        difference.kind = before ? DIFFERENCE_VANISHED : DIFFERENCE_APPEARED;
    finding->on_difference(finding->data, &difference);
}

void differences_find(const struct known_deadline *before, size_t before_count,
                      const struct evaluation *after, instant since,
                      void (*on_difference)(void *data, const struct deadline_difference *difference),
                      void *data)
{
    struct finding finding = {since, on_difference, data};
    size_t b = 0;
    for (size_t a = 0; a < after->deadline_count; a++) {
        const struct deadline *deadline = &after->deadlines[a];
        while (b < before_count && known_compare(&before[b], deadline) < 0)
            compare_one(&finding, &before[b++], NULL);
        bool paired = b < before_count && known_compare(&before[b], deadline) == 0;
        compare_one(&finding, paired ? &before[b++] : NULL, deadline);
    }
    while (b < before_count)
        compare_one(&finding, &before[b++], NULL);
}

bool difference_is_grave(const struct deadline_difference *difference)
{
    bool was_open = difference->kind != DIFFERENCE_APPEARED && !deadline_is_closed(difference->old_state);
    bool is_open = difference->kind != DIFFERENCE_VANISHED && !deadline_is_closed(difference->new_state);
    if (was_open)
        return difference->kind == DIFFERENCE_MOVED || !is_open;
    return is_open && difference->new_state == STATE_BREACHED;
}
