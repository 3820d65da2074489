// SPDX-License-Identifier: MPL-2.0
#include "shell/look.h"

void look_add_notice(struct look *look, const struct journal_notice *notice, const char *const *identity,
                     size_t parts)
{
    struct journal_batch *batch = look->batch;
    MEMORY_GROW(batch->notices, batch->notice_count, batch->notice_capacity);
    struct journal_notice *added = &batch->notices[batch->notice_count++];
    *added = *notice;
    message_key(identity, parts, added->message_key);
}

void look_add_report(struct look *look, const char *purpose, const char *person_id, const char *role,
                     const char *facts, const char *distinct)
{
    struct arena *arena = &look->batch->arena;
    const char *copy = arena_string(arena, facts);
    const char *identity[] = {look->site, purpose, person_id, distinct, copy};
    bool waits = false;
    instant open = INSTANT_NONE;
    if (*person_id)
        open = rhythm_next(look->rhythm, look->rules, &look->people, person_id, look->now, &waits);
    look_add_notice(look,
                    &(struct journal_notice){
                        .purpose = purpose,
                        .transition_index = -1,
                        .case_id = "",
                        .person_id = arena_string(arena, person_id),
                        .role = arena_string(arena, role),
                        .stage = -1,
                        .stage_at = INSTANT_NONE,
                        .facts = copy,
                        .may_go_at = waits ? open : look->now,
                        .held_by = waits ? "hours" : NULL,
                    },
                    identity, sizeof identity / sizeof identity[0]);
}
