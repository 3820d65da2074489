// SPDX-License-Identifier: MPL-2.0
//
// Both lists are sorted alike, so one walk pairs them. For a pair the questions are asked in the order in
// which things happen to a deadline: is it new or open again, paused or resumed, moved, does a stage fire, is
// it breached, is it closed.
#include "core/decide.h"

#include "core/muting.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const transition_names[] = {
    [TRANSITION_OPENED] = "opened",
    [TRANSITION_REOPENED] = "reopened",
    [TRANSITION_PAUSED] = "paused",
    [TRANSITION_RESUMED] = "resumed",
    [TRANSITION_MOVED] = "moved",
    [TRANSITION_APPROACHING] = "approaching",
    [TRANSITION_BREACHED] = "breached",
    [TRANSITION_ESCALATED] = "escalated",
    [TRANSITION_MET] = "met",
    [TRANSITION_LATE] = "late",
    [TRANSITION_MISSED] = "missed",
    [TRANSITION_LAPSED] = "lapsed",
    [TRANSITION_PASSED] = "passed",
    [TRANSITION_CANCELLED] = "cancelled",
    [TRANSITION_WITHDRAWN] = "withdrawn",
    [TRANSITION_ACKNOWLEDGED] = "acknowledged",
    [TRANSITION_ACKNOWLEDGEMENT_ENDED] = "acknowledgement_ended",
    [TRANSITION_NOTICE_FAILED] = "notice_failed",
};

const char *transition_name(enum transition_kind kind)
{
    return transition_names[kind];
}

int transition_parse(const char *name, enum transition_kind *ret_kind)
{
    for (int i = 0; i <= TRANSITION_NOTICE_FAILED; i++)
        if (strcmp(transition_names[i], name) == 0) {
            *ret_kind = (enum transition_kind)i;
            return 0;
        }
    return -1;
}

int known_compare(const struct known_deadline *known, const struct deadline *deadline)
{
    int order = strcmp(known->rule, deadline->rule->id);
    if (order == 0)
        order = strcmp(known->subject, deadline->subject);
    return order != 0 ? order : known->occurrence - deadline->occurrence;
}

static struct happening *happen(struct decided *decided, enum transition_kind kind, instant at)
{
    assert(decided->happening_count < HAPPENINGS_MAX);
    struct happening *happening = &decided->happenings[decided->happening_count++];
    *happening = (struct happening){.kind = kind, .at = at};
    return happening;
}

static enum transition_kind closing_of(enum deadline_state state)
{
    switch (state) {
    case STATE_MET:
        return TRANSITION_MET;
    case STATE_LATE:
        return TRANSITION_LATE;
    case STATE_MISSED:
        return TRANSITION_MISSED;
    case STATE_LAPSED:
        return TRANSITION_LAPSED;
    case STATE_PASSED:
        return TRANSITION_PASSED;
    case STATE_CANCELLED:
        return TRANSITION_CANCELLED;
    case STATE_OPEN:
    case STATE_BREACHED:
    case STATE_PAUSED:
        break;
    }
    assert(!"a closed state");
    return TRANSITION_CANCELLED;
}

// Stages speak of a duty that is not done: an open one, or one that closed by itself at its due.
static bool speaks(enum deadline_state state)
{
    return state == STATE_OPEN || state == STATE_BREACHED || state == STATE_MISSED || state == STATE_LAPSED ||
           state == STATE_PASSED;
}

// The latest stages that have passed and were not dealt with, if any: those of one instant, with the count of
// the earlier ones.
static bool passed_stages(const struct ruleset *rules, const struct deadline *deadline, instant after,
                          instant now, const struct acknowledgement *holding, struct happening *into)
{
    if (deadline->rule->escalation == NULL || !speaks(deadline->state))
        return false;
    struct stage_time times[sizeof into->stages / sizeof into->stages[0]];
    size_t capacity = sizeof times / sizeof times[0];
    uint64_t silent = acknowledgement_silent_stages(holding, deadline->rule->escalation);
    size_t count = stages_between_but(rules, deadline, silent, after, now, times, capacity);
    if (count == 0)
        return false;
    into->holding = holding;
    size_t written = count < capacity ? count : capacity;
    for (size_t i = 0; i < written; i++)
        if (times[i].at == times[written - 1].at)
            into->stages[into->stage_count++] = times[i];
    into->superseded = (int)(count - (size_t)into->stage_count);
    into->late = now - times[written - 1].at > STAGE_LATE_AFTER_S;
    return true;
}

// A stage travels with the happening it belongs to, or is one of its own.
static void fire(struct decided *decided, const struct happening *stage)
{
    const struct deadline *deadline = decided->deadline;
    instant at = stage->stages[0].at;
    bool before_breach = at <= deadline->due_at && deadline->state == STATE_OPEN;
    for (int i = 0; i < decided->happening_count && !before_breach; i++) {
        struct happening *happening = &decided->happenings[i];
        bool breach = happening->kind == TRANSITION_BREACHED || happening->kind == TRANSITION_MISSED ||
                      happening->kind == TRANSITION_LAPSED || happening->kind == TRANSITION_PASSED;
        if (breach && deadline->rule->escalation->stages[stage->stages[0].stage].when == STAGE_BREACH) {
            memcpy(happening->stages, stage->stages, sizeof stage->stages);
            happening->stage_count = stage->stage_count;
            happening->superseded = stage->superseded;
            happening->late = stage->late;
            happening->holding = stage->holding;
            return;
        }
    }
    struct happening *own =
        happen(decided, before_breach ? TRANSITION_APPROACHING : TRANSITION_ESCALATED, at);
    enum transition_kind kind = own->kind;
    *own = *stage;
    own->kind = kind;
    own->at = at;
}

// What a rule is called belongs to its rows: topics are named after it. So does what it keeps to itself.
static bool is_named_anew(const struct rule *rule, const struct known_deadline *known)
{
    return strcmp(rule->code, known->code) != 0 || rule->kind != known->rule_kind ||
           rule->sensitive != known->sensitive || rule->from_birth != known->from_birth;
}

static bool differs(const struct deadline *deadline, const struct known_deadline *known)
{
    return is_named_anew(deadline->rule, known) || deadline->state != known->state ||
           deadline->anchor_at != known->anchor_at || deadline->due_at != known->due_at ||
           deadline->breached_at != known->breached_at || deadline->closed_at != known->closed_at ||
           deadline->next_stage != known->next_stage_at || deadline->rule->from != known->valid_from;
}

static void compare_states(struct decided *decided, instant now)
{
    const struct deadline *deadline = decided->deadline;
    const struct known_deadline *known = decided->known;
    bool was_closed = known && deadline_is_closed(known->state), closed = deadline_is_closed(deadline->state);

    if (known == NULL)
        happen(decided, TRANSITION_OPENED, deadline->anchor_at);
    else if (was_closed && !closed)
        happen(decided, TRANSITION_REOPENED, now);

    if (deadline->state == STATE_PAUSED && (known == NULL || known->state != STATE_PAUSED))
        happen(decided, TRANSITION_PAUSED, deadline->paused_at);
    else if (known && known->state == STATE_PAUSED && !closed && deadline->state != STATE_PAUSED)
        happen(decided, TRANSITION_RESUMED, now);
    if (known && known->due_at != deadline->due_at && !(was_closed && closed))
        happen(decided, TRANSITION_MOVED, now);

    bool anew = known == NULL || known->breached_at == INSTANT_NONE || known->due_at != deadline->due_at;
    if (deadline->breached_at != INSTANT_NONE && deadline->state != STATE_MISSED && anew && !was_closed)
        happen(decided, TRANSITION_BREACHED, deadline->breached_at);

    if (closed && (known == NULL || known->state != deadline->state))
        happen(decided, closing_of(deadline->state), deadline->closed_at);
}

// What the broker shows: a deadline needs attention once a stage has been told or its due has passed, until
// it is closed or paused.
static void settle_attention(struct decided *decided)
{
    const struct deadline *deadline = decided->deadline;
    bool before = decided->known && decided->known->attention;
    decided->attention =
        deadline && (deadline->state == STATE_BREACHED ||
                     (deadline->state == STATE_OPEN && decided->staged_until != INSTANT_NONE));
    if (decided->happening_count == 0)
        return;
    struct happening *last = &decided->happenings[decided->happening_count - 1];
    if (decided->attention)
        last->retained = RETAINED_SET;
    else if (before)
        last->retained = RETAINED_CLEAR;
}

static struct decided *next_decided(struct decision *decision)
{
    MEMORY_GROW(decision->decided, decision->count, decision->capacity);
    struct decided *decided = &decision->decided[decision->count++];
    memset(decided, 0, sizeof *decided);
    return decided;
}

// --- an acknowledgement that ends ---

// What comes back with its end: the latest stage that has passed, told again to all whom it names, as of the
// end. False when none has passed, or one since the end, which then speaks for itself.
static bool comes_back(const struct ruleset *rules, const struct deadline *deadline, instant end,
                       instant staged_until, instant now, struct happening *into)
{
    *into = (struct happening){0};
    if (deadline->state == STATE_PAUSED || !passed_stages(rules, deadline, INSTANT_NONE, now, NULL, into) ||
        into->stages[0].at >= end)
        return false;
    into->superseded = (int)stages_between(rules, deadline, staged_until, now, NULL, 0);
    for (int i = 0; i < into->stage_count; i++) {
        into->superseded -= into->stages[i].at > staged_until;
        into->stages[i].at = end;
    }
    into->late = now - end > STAGE_LATE_AFTER_S;
    return true;
}

// Writes down that it has ended; returns whether a stage came back with it.
static bool end_acknowledgement(const struct ruleset *rules, struct decided *decided, instant staged_until,
                                instant now, bool silenced)
{
    const struct acknowledgement *ended = decided->known->acknowledgement;
    struct happening back;
    bool with_stage =
        !silenced && comes_back(rules, decided->deadline, ended->until, staged_until, now, &back);
    struct happening *happening = happen(decided, TRANSITION_ACKNOWLEDGEMENT_ENDED, ended->until);
    if (!with_stage)
        return false;
    back.kind = happening->kind;
    back.at = happening->at;
    *happening = back;
    return true;
}

// --- one deadline ---

// Nobody is told, and the step waits for the end. Its passing alone makes the row differ, once.
static void hide(struct decided *decided, const struct silence *silenced, const struct happening *stage)
{
    if (decided->known && !differs(decided->deadline, decided->known))
        return;
    decided->silenced = silenced;
    decided->hidden_at = stage->stages[0].at;
}

// A step that was muted, as of now: told once nothing mutes it, unless another one has come since.
static bool fires_again(const struct ruleset *rules, const struct deadline *deadline, instant now,
                        const struct acknowledgement *holding, struct happening *into)
{
    if (deadline_is_closed(deadline->state) ||
        !passed_stages(rules, deadline, INSTANT_NONE, now, holding, into))
        return false;
    into->superseded = 0;
    into->late = false;
    for (int i = 0; i < into->stage_count; i++)
        into->stages[i].at = now;
    return true;
}

static void decide_one(const struct ruleset *rules, const struct deadline *deadline,
                       const struct known_deadline *known, instant now, bool backlog,
                       struct decision *decision)
{
    // Stages are judged anew against a new due; a deadline that is open again keeps what it has told about
    // the same due.
    bool same_due = known && known->due_at == deadline->due_at;
    instant staged_until = same_due ? known->staged_until : INSTANT_NONE;
    bool closed = deadline_is_closed(deadline->state);
    const struct acknowledgement *given = known ? known->acknowledgement : NULL;
    bool over = given && (closed || given->until <= now);
    // Of a new due nobody has been told.
    const struct acknowledgement *holding = given && !over && same_due ? given : NULL;
    struct happening stage = {0};
    bool fires = passed_stages(rules, deadline, staged_until, now, holding, &stage);
    bool was_muted = known && known->muted;
    bool again = was_muted && same_due && !fires && fires_again(rules, deadline, now, holding, &stage);
    fires = fires || again;
    bool is_news = given && (over || given->look_at != INSTANT_NONE);
    const struct silence *silenced = silence_of(decision->silences, deadline->rule, now);
    bool silent = backlog && known == NULL, hidden = fires && silenced && !silent;
    if (hidden) {
        fires = false;
        if (decision->silence_ends == INSTANT_NONE || silenced->until < decision->silence_ends)
            decision->silence_ends = silenced->until;
    }
    if (known && !fires && !is_news && !differs(deadline, known))
        return;

    struct decided *decided = next_decided(decision);
    decided->deadline = deadline;
    decided->known = known;
    decided->acknowledgement = is_news ? given : NULL;
    decided->acknowledgement_over = over;
    decided->nothing_else = again && !is_news && !differs(deadline, known);
    decided->unmuted = was_muted && (closed || !same_due);
    if (given && !given->noted && !over)
        happen(decided, TRANSITION_ACKNOWLEDGED, given->look_at);
    if (!(silent && closed))
        compare_states(decided, now);
    bool came_back = given && given->noted && over && !closed &&
                     end_acknowledgement(rules, decided, staged_until, now, silenced != NULL);
    decided->again = again && !came_back;
    if (hidden)
        hide(decided, silenced, &stage);
    if (fires && !silent && !came_back)
        fire(decided, &stage);
    decided->staged_until = fires || came_back ? now : staged_until;
    settle_attention(decided);
}

static void withdraw(const struct known_deadline *known, instant now, struct decision *decision)
{
    struct decided *decided = next_decided(decision);
    decided->known = known;
    decided->acknowledgement = known->acknowledgement;
    decided->acknowledgement_over = true;
    decided->unmuted = known->muted;
    if (!deadline_is_closed(known->state))
        happen(decided, TRANSITION_WITHDRAWN, now);
    settle_attention(decided);
}

void decide(const struct ruleset *rules, const struct evaluation *evaluation,
            const struct known_deadline *known, size_t known_count, instant now, bool backlog,
            struct decision *decision)
{
    decision->count = 0;
    decision->silence_ends = INSTANT_NONE;
    size_t k = 0;
    for (size_t i = 0; i < evaluation->deadline_count; i++) {
        const struct deadline *deadline = &evaluation->deadlines[i];
        while (k < known_count && known_compare(&known[k], deadline) < 0)
            withdraw(&known[k++], now, decision);
        bool paired = k < known_count && known_compare(&known[k], deadline) == 0;
        decide_one(rules, deadline, paired ? &known[k++] : NULL, now, backlog, decision);
    }
    while (k < known_count)
        withdraw(&known[k++], now, decision);
    muting_apply(decision->muting, evaluation, known, known_count, decision);
}

struct known_deadline decided_row(const struct decided *decided)
{
    const struct deadline *deadline = decided->deadline;
    const struct rule *rule = deadline->rule;
    return (struct known_deadline){
        .id = decided->known ? decided->known->id : 0,
        .rule = rule->id,
        .subject = deadline->subject,
        .occurrence = deadline->occurrence,
        .state = deadline->state,
        .anchor_at = deadline->anchor_at,
        .due_at = deadline->due_at,
        .breached_at = deadline->breached_at,
        .closed_at = deadline->closed_at,
        .staged_until = decided->staged_until,
        .next_stage_at = deadline->next_stage,
        .valid_from = rule->from,
        .attention = decided->attention,
        .code = rule->code,
        .rule_kind = rule->kind,
        .sensitive = rule->sensitive,
        .from_birth = rule->from_birth,
        .told = decided->known && decided->known->due_at == deadline->due_at ? decided->known->told : NULL,
        .muted = decided->muted_by ? !deadline_is_closed(deadline->state)
                                   : decided->known && decided->known->muted && !decided->unmuted,
    };
}

bool decided_is_covered(const struct decided *decided)
{
    return decided->deadline && decided->known == NULL && decided->staged_until != INSTANT_NONE &&
           !deadline_is_closed(decided->deadline->state);
}

// FNV-1a with 128 bits: no secret is kept by it, it only has to spread.
const char *message_key(const char *const *parts, size_t count, char ret_key[MESSAGE_KEY_SIZE])
{
    const unsigned __int128 prime = ((unsigned __int128)1 << 88) + 0x13b;
    unsigned __int128 hash = ((unsigned __int128)0x6c62272e07bb0142 << 64) + 0x62b821756295c58d;
    for (size_t i = 0; i < count; i++)
        for (const char *c = parts[i];; c++) {
            hash = (hash ^ (unsigned char)*c) * prime;
            if (*c == '\0')
                break;
        }
    snprintf(ret_key, MESSAGE_KEY_SIZE, "%016llx%016llx", (unsigned long long)(hash >> 64),
             (unsigned long long)hash);
    return ret_key;
}
