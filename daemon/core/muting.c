// SPDX-License-Identifier: MPL-2.0
//
// Whether a step is muted depends on whom the larger problem tells in this same look, so that one is weighed
// first. Rules that mute one another in a circle are refused (rules_muting.c); a mark keeps a set that was
// not checked from running round.
#include "core/muting.h"

#include "core/notices.h"

#include <string.h>

struct weighing {
    const struct muting *muting;
    const struct evaluation *evaluation;
    const struct known_deadline *known;
    size_t known_count;
    struct decision *decision;
};

static struct happening *telling(struct decided *decided)
{
    for (int i = decided->deadline ? decided->happening_count : 0; i-- > 0;)
        if (decided->happenings[i].stage_count > 0)
            return &decided->happenings[i];
    return NULL;
}

static bool is_on(const struct larger_rule *larger, const char *subject, const char *other)
{
    return larger->any_subject || *subject == '\0' || *other == '\0' || strcmp(subject, other) == 0;
}

static void address(const struct weighing *weighing, const struct decided *decided,
                    const struct happening *happening, struct addressees *ret_addressees)
{
    const struct muting *muting = weighing->muting;
    notices_address(happening, decided->deadline->rule, muting->people, muting->unit, muting->caseworker,
                    muting->today, ret_addressees);
}

static bool knew(const struct weighing *weighing, const struct deadline *larger, const char *person_id)
{
    const struct known_deadline *known = weighing->known;
    size_t k = 0, length = strlen(person_id);
    while (k < weighing->known_count && known_compare(&known[k], larger) != 0)
        k++;
    if (k == weighing->known_count || known[k].told == NULL || known[k].due_at != larger->due_at)
        return false;
    for (const char *at = known[k].told; *at; at += strcspn(at, "\n") + 1)
        if (strncmp(at, person_id, length) == 0 && at[length] == '\n')
            return true;
    return false;
}

static bool hears(const struct addressees *told_now, const char *person_id)
{
    for (size_t i = 0; i < told_now->count; i++)
        if (strcmp(told_now->recipients[i].person_id, person_id) == 0)
            return true;
    return false;
}

static void weigh(const struct weighing *weighing, struct decided *decided);

// Whom the larger one tells of its breach in this look.
static void tells_now(const struct weighing *weighing, const struct deadline *larger,
                      struct addressees *ret_addressees)
{
    ret_addressees->count = 0;
    for (size_t i = 0; i < weighing->decision->count; i++) {
        struct decided *decided = &weighing->decision->decided[i];
        if (decided->deadline != larger)
            continue;
        weigh(weighing, decided);
        const struct happening *happening = telling(decided);
        if (happening && happening->stages[0].at >= larger->breached_at)
            address(weighing, decided, happening, ret_addressees);
    }
}

static bool all_know(const struct weighing *weighing, const struct deadline *larger,
                     const struct addressees *addressees)
{
    struct addressees told_now;
    tells_now(weighing, larger, &told_now);
    for (size_t i = 0; i < addressees->count; i++) {
        const char *person_id = addressees->recipients[i].person_id;
        if (!knew(weighing, larger, person_id) && !hears(&told_now, person_id))
            return false;
    }
    return true;
}

// The deadline that mutes this step; NULL: none does. A step that reaches nobody is never muted: somebody has
// to hear of that.
static const struct deadline *muted_by(const struct weighing *weighing, const struct decided *decided,
                                       const struct happening *happening)
{
    const struct rule *rule = decided->deadline->rule;
    struct addressees addressees;
    if (weighing->muting == NULL || rule->muted_by_count == 0)
        return NULL;
    address(weighing, decided, happening, &addressees);
    if (addressees.nobody)
        return NULL;
    for (int i = 0; i < rule->muted_by_count; i++)
        for (size_t d = 0; d < weighing->evaluation->deadline_count; d++) {
            const struct deadline *larger = &weighing->evaluation->deadlines[d];
            if (larger->state == STATE_BREACHED && larger->rule->line == rule->muted_by[i].line &&
                is_on(&rule->muted_by[i], larger->subject, decided->deadline->subject) &&
                all_know(weighing, larger, &addressees))
                return larger;
        }
    return NULL;
}

// It was muted before and still is: nothing has happened.
static void stay_muted(struct decided *decided)
{
    struct happening *last = &decided->happenings[--decided->happening_count];
    if (decided->happening_count > 0)
        last[-1].retained = last->retained;
    decided->again = false;
}

static void weigh(const struct weighing *weighing, struct decided *decided)
{
    struct happening *happening = decided->weighed ? NULL : telling(decided);
    decided->weighed = true;
    if (happening == NULL)
        return;
    const struct deadline *larger = muted_by(weighing, decided, happening);
    bool was_muted = decided->known && decided->known->muted;
    if (larger == NULL)
        decided->unmuted = was_muted;
    else if (decided->again)
        stay_muted(decided);
    else {
        decided->muted_by = larger;
        decided->muted_at = happening->stages[0].at;
        happening->stage_count = 0;
    }
}

void muting_apply(const struct muting *muting, const struct evaluation *evaluation,
                  const struct known_deadline *known, size_t known_count, struct decision *decision)
{
    const struct weighing weighing = {muting, evaluation, known, known_count, decision};
    for (size_t i = 0; i < decision->count; i++)
        weigh(&weighing, &decision->decided[i]);
    size_t kept = 0;
    for (size_t i = 0; i < decision->count; i++) {
        const struct decided *decided = &decision->decided[i];
        if (decided->happening_count > 0 || !decided->nothing_else)
            decision->decided[kept++] = *decided;
    }
    decision->count = kept;
}
