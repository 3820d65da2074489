// SPDX-License-Identifier: MPL-2.0
//
// An event with an empty subject counts for every subject, but as the beginning it does not (RULES, section
// 4).
#include "core/remand.h"

#include <string.h>

#define FOLLOWED_UP  "hjemvisning.opfoelgning"
#define RESTORED     "hjemvisning.hjaelp_genetableret"
#define NOT_RELEVANT "hjemvisning.retsstilling_ikke_relevant"
#define LETTER       "hjemvisning.frist_forlaenget"
#define DECIDED      "hjemvisning.ny_afgoerelse_sendt"
#define DROPPED      "hjemvisning.bortfaldet"

static const struct {
    const char *kind;
    enum remand_cause cause;
} causes[] = {{"hjemvisning.aarsag_fejl", CAUSE_ERROR},
              {"hjemvisning.aarsag_aendret_praksis", CAUSE_PRACTICE},
              {"hjemvisning.aarsag_nye_oplysninger", CAUSE_FACTS}};

static bool has_kind(const struct ruleset *rules, const struct kind_list *list, const char *kind)
{
    int number = rules_find_kind(rules, kind, strlen(kind));
    for (int i = 0; number >= 0 && i < list->count; i++)
        if (list->kinds[i] == number)
            return true;
    return false;
}

bool remand_is_rule(const struct ruleset *rules, const struct rule *rule)
{
    return has_kind(rules, &rule->start, REMAND_RECEIVED);
}

// --- events ---

static bool is_about(const struct event *event, const char *kind, const char *subject)
{
    return strcmp(event->kind, kind) == 0 &&
           (*event->subject == '\0' || strcmp(event->subject, subject) == 0);
}

static bool is_end(const struct event *event, const char *subject)
{
    return is_about(event, DECIDED, subject) || is_about(event, DROPPED, subject);
}

// The run of a remand that counts at `now`: from its first receipt after the end before it. False: none.
static bool find_run(const struct casefile *casefile, const char *subject, instant now, struct remand *remand)
{
    instant latest = INSTANT_NONE, last_end = INSTANT_NONE;
    for (size_t i = 0; i < casefile->event_count; i++) {
        const struct event *event = &casefile->events[i];
        if (event->at <= now && event->at > latest && strcmp(event->kind, REMAND_RECEIVED) == 0 &&
            strcmp(event->subject, subject) == 0)
            latest = event->at;
    }
    if (latest == INSTANT_NONE)
        return false;
    remand->ended_at = INSTANT_NONE;
    for (size_t i = 0; i < casefile->event_count; i++) {
        const struct event *event = &casefile->events[i];
        if (event->at > now || !is_end(event, subject))
            continue;
        if (event->at < latest && event->at > last_end)
            last_end = event->at;
        if (event->at >= latest && (remand->ended_at == INSTANT_NONE || event->at < remand->ended_at))
            remand->ended_at = event->at;
    }
    // Received again while it was open changes nothing.
    remand->received_at = latest;
    for (size_t i = 0; i < casefile->event_count; i++) {
        const struct event *event = &casefile->events[i];
        if (event->at > last_end && event->at < remand->received_at &&
            strcmp(event->kind, REMAND_RECEIVED) == 0 && strcmp(event->subject, subject) == 0)
            remand->received_at = event->at;
    }
    return true;
}

static void take_event(struct remand *remand, const struct event *event, instant *cause_at)
{
    const char *subject = remand->subject;
    bool restored = is_about(event, RESTORED, subject);
    if ((restored || is_about(event, NOT_RELEVANT, subject)) &&
        (remand->help == HELP_OPEN || event->at >= remand->help_at)) {
        remand->help = restored ? HELP_RESTORED : HELP_NOT_RELEVANT;
        remand->help_at = event->at;
    }
    if (is_about(event, LETTER, subject) &&
        (remand->letter_at == INSTANT_NONE || event->at >= remand->letter_at)) {
        remand->letter_at = event->at;
        remand->letter_to = event->due_on;
    }
    for (size_t i = 0; i < sizeof causes / sizeof causes[0]; i++)
        if (is_about(event, causes[i].kind, subject) && event->at >= *cause_at) {
            remand->cause = causes[i].cause;
            *cause_at = event->at;
        }
}

static void take_events(struct remand *remand, const struct casefile *casefile, instant now)
{
    instant cause_at = INSTANT_NONE;
    remand->letter_at = remand->help_at = INSTANT_NONE;
    remand->letter_to = CIVIL_NONE;
    for (size_t i = 0; i < casefile->event_count; i++) {
        const struct event *event = &casefile->events[i];
        if (event->at <= now && event->at >= remand->received_at)
            take_event(remand, event, &cause_at);
    }
}

// --- deadlines ---

// Of several rules with the same clock the one that tells people speaks, else the first; of one rule the
// latest occurrence.
static const struct deadline *find_deadline(const struct ruleset *rules, const struct evaluation *evaluation,
                                            const struct remand *remand, const char *stop, bool series)
{
    const struct deadline *found = NULL;
    for (size_t i = 0; i < evaluation->deadline_count; i++) {
        const struct deadline *deadline = &evaluation->deadlines[i];
        const struct rule *rule = deadline->rule;
        if (strcmp(deadline->subject, remand->subject) != 0 || !remand_is_rule(rules, rule) ||
            !has_kind(rules, &rule->stop, stop) || (rule->due.form == DUE_EVERY) != series)
            continue;
        bool same = found && found->rule->line == rule->line;
        if (found == NULL || same || (found->rule->escalation == NULL && rule->escalation != NULL))
            found = deadline;
    }
    return found;
}

static void take_weekly(struct remand *remand, const struct deadline *deadline)
{
    remand->followed_up_at = remand->follow_up_due = INSTANT_NONE;
    if (deadline == NULL)
        return;
    remand->follow_up_due = deadline->due_at;
    if (deadline->state == STATE_MET)
        remand->followed_up_at = deadline->closed_at;
    else
        remand->missed = deadline->missed_in_a_row - (deadline->state != STATE_MISSED);
}

static void take_limit(struct remand *remand, const struct deadline *deadline)
{
    remand->limit_at = deadline ? deadline->due_at : INSTANT_NONE;
    remand->limit_broken = deadline && (deadline->state == STATE_BREACHED || deadline->state == STATE_LATE);
    if (remand->letter_at != INSTANT_NONE)
        remand->letter =
            remand->limit_broken && remand->letter_at > remand->limit_at ? LETTER_LATE : LETTER_SENT;
    else
        remand->letter = remand->limit_broken ? LETTER_MISSING : LETTER_NONE;
}

// --- the whole case ---

static bool is_first_of_subject(const struct casefile *casefile, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (strcmp(casefile->events[i].kind, REMAND_RECEIVED) == 0 &&
            strcmp(casefile->events[i].subject, casefile->events[index].subject) == 0)
            return false;
    return true;
}

void remand_collect(const struct ruleset *rules, const struct casefile *casefile,
                    const struct evaluation *evaluation, instant now, instant ended_after,
                    struct remand_list *list)
{
    for (size_t i = 0; i < casefile->event_count; i++) {
        const char *subject = casefile->events[i].subject;
        struct remand remand = {.case_id = casefile->id,
                                .subject = subject,
                                .unit = casefile->unit,
                                .caseworker = casefile->caseworker};
        if (strcmp(casefile->events[i].kind, REMAND_RECEIVED) != 0 || !is_first_of_subject(casefile, i) ||
            !find_run(casefile, subject, now, &remand) ||
            (remand.ended_at != INSTANT_NONE && remand.ended_at <= ended_after))
            continue;
        take_events(&remand, casefile, now);
        take_weekly(&remand, find_deadline(rules, evaluation, &remand, FOLLOWED_UP, true));
        take_limit(&remand, find_deadline(rules, evaluation, &remand, DECIDED, false));
        MEMORY_GROW(list->remands, list->count, list->capacity);
        list->remands[list->count++] = remand;
    }
}
