// SPDX-License-Identifier: MPL-2.0
#include "core/notice_words.h"

#include "core/phrases.h"

#include <string.h>

// False when the transition itself says what happened (moved, resumed, …).
static bool moment_of(const struct notice_facts *facts, enum moment *ret_moment)
{
    if (facts->due_at == INSTANT_NONE)
        return false;
    switch (facts->transition) {
    case TRANSITION_APPROACHING:
        *ret_moment = facts->now <= facts->due_at ? MOMENT_AHEAD : MOMENT_BROKEN;
        return true;
    case TRANSITION_ESCALATED:
        *ret_moment = MOMENT_STILL_BROKEN;
        return true;
    case TRANSITION_ACKNOWLEDGEMENT_ENDED:
        *ret_moment = facts->now <= facts->due_at ? MOMENT_AHEAD : MOMENT_STILL_BROKEN;
        return true;
    case TRANSITION_MISSED:
        *ret_moment = facts->missed_in_a_row > 1   ? MOMENT_SERIES_AGAIN
                      : facts->missed_in_a_row > 0 ? MOMENT_SERIES_ONCE
                                                   : MOMENT_BROKEN;
        return true;
    case TRANSITION_BREACHED:
    case TRANSITION_LAPSED:
    case TRANSITION_PASSED:
        *ret_moment = MOMENT_BROKEN;
        return true;
    default:
        return false;
    }
}

static const char *amount(struct desk *desk, const struct notice_facts *facts, enum moment moment)
{
    if (moment == MOMENT_AHEAD)
        phrase_remaining(desk->language, desk->zone, facts->due_at, facts->now, &desk->draft);
    else if (moment == MOMENT_STILL_BROKEN)
        phrase_overdue(desk->language, desk->zone, facts->due_at, facts->now, &desk->draft);
    else
        buffer_format(&desk->draft, "%d", facts->missed_in_a_row);
    return desk_take(desk);
}

const char *notice_heading(struct desk *desk, const struct notice_facts *facts)
{
    enum moment moment;
    if (!moment_of(facts, &moment)) {
        static const char *const undated[] = {"datoen er ikke længere fastsat", "there is no date any more"};
        const char *what = facts->transition == TRANSITION_MOVED && facts->due_at == INSTANT_NONE
                               ? undated[desk->language]
                               : phrase_transition(desk->language, facts->rule_kind, facts->transition);
        const char *kind = desk_capitalized(desk, phrase_kind(desk->language, facts->rule_kind));
        return arena_format(&desk->arena, "%s: %s", kind, what);
    }
    phrase_heading(desk->language, facts->rule_kind, moment, amount(desk, facts, moment), &desk->draft);
    return desk_take(desk);
}

const char *notice_reason(struct desk *desk, const struct notice_facts *facts)
{
    static const char *const told[] = {"du tidligere har fået besked om den",
                                       "you have been told of it before"};
    static const char *const ended[] = {
        "en kvittering er ophørt, og opgaven stadig ikke er registreret som løst",
        "an acknowledgement has ended and the task has still not been recorded "
        "as done"};
    enum moment moment;
    if (facts->transition == TRANSITION_ACKNOWLEDGEMENT_ENDED)
        return ended[desk->language];
    if (!moment_of(facts, &moment))
        return notice_is_follow_up(facts) ? told[desk->language] : NULL;
    phrase_reason(desk->language, facts->rule_kind, moment, amount(desk, facts, moment), &desk->draft);
    return desk_take(desk);
}

static bool next_of(const struct notice_facts *facts, enum next_step *ret_step)
{
    enum moment moment;
    if (moment_of(facts, &moment)) {
        *ret_step = moment == MOMENT_AHEAD                                          ? NEXT_AHEAD
                    : moment == MOMENT_SERIES_ONCE || moment == MOMENT_SERIES_AGAIN ? NEXT_SERIES
                                                                                    : NEXT_BROKEN;
        return true;
    }
    if (!notice_is_follow_up(facts))
        return false;
    *ret_step = facts->transition == TRANSITION_MOVED      ? NEXT_MOVED
                : facts->transition == TRANSITION_REOPENED ? NEXT_REOPENED
                                                           : NEXT_NOTHING;
    return true;
}

const char *notice_next(const struct desk *desk, const struct notice_facts *facts)
{
    enum next_step step;
    if (!next_of(facts, &step))
        return NULL;
    return phrase_next(desk->language, facts->rule_kind, step, strcmp(facts->role, "caseworker") != 0);
}

const char *notice_waited(struct desk *desk, bool waited, instant decided_at)
{
    if (!waited)
        return NULL;
    phrase_full_moment(desk->language, desk->zone, decided_at, &desk->draft);
    return desk_take(desk);
}

const char *notice_muted(struct desk *desk, const struct notice_facts *facts)
{
    size_t named = facts->muted_count > NOTICE_MUTED_MAX ? NOTICE_MUTED_MAX : facts->muted_count;
    if (facts->muted_count == 0)
        return NULL;
    phrase_smaller(desk->language, facts->muted_count, &desk->draft);
    for (size_t i = 0; i < named; i++) {
        buffer_format(&desk->draft, "%s%s (", i > 0 ? ", " : ": ", facts->muted[i].code);
        phrase_short_due(desk->language, desk->zone, facts->muted[i].due_at, &desk->draft);
        buffer_add_char(&desk->draft, ')');
    }
    if (facts->muted_count > named)
        phrase_and_others(desk->language, facts->muted_count - named, &desk->draft);
    return desk_take(desk);
}

enum tone notice_tone(const struct notice_facts *facts)
{
    enum moment moment;
    enum rule_kind kind = facts->rule_kind;
    if (!moment_of(facts, &moment) || kind == RULE_INFORMATION)
        return TONE_CALM;
    bool own = kind == RULE_OWN || kind == RULE_TARGET;
    if (moment == MOMENT_AHEAD)
        return own ? TONE_CALM : TONE_WARNING;
    return own ? TONE_WARNING : TONE_ALARM;
}

bool notice_is_broken(const struct notice_facts *facts)
{
    enum moment moment;
    return moment_of(facts, &moment) && moment != MOMENT_AHEAD;
}

bool notice_is_follow_up(const struct notice_facts *facts)
{
    switch (facts->transition) {
    case TRANSITION_MOVED:
    case TRANSITION_MET:
    case TRANSITION_LATE:
    case TRANSITION_CANCELLED:
    case TRANSITION_WITHDRAWN:
    case TRANSITION_REOPENED:
        return true;
    default:
        return false;
    }
}
