// SPDX-License-Identifier: MPL-2.0
// What a leader has to know of a remanded case (hjemvist sag): read from the case's events by
// the vocabulary of contrib/catalogue/events.md, and from its deadlines.
#ifndef FRISTD_CORE_REMAND_H
#define FRISTD_CORE_REMAND_H

#include "core/evaluate.h"
#include "core/memory.h"

#define REMAND_RECEIVED "hjemvisning.modtaget" // the kind of event that begins a remand

enum remand_help { HELP_OPEN, HELP_RESTORED, HELP_NOT_RELEVANT };
enum remand_letter {
    LETTER_NONE,    // none was sent, and the limit has not passed
    LETTER_SENT,    // the citizen was told of a new date before the limit passed
    LETTER_LATE,    // he was told, but after it
    LETTER_MISSING, // the limit has passed, and he was not told
};
enum remand_cause { CAUSE_NONE, CAUSE_ERROR, CAUSE_PRACTICE, CAUSE_FACTS };

struct remand {
    const char *case_id, *subject, *unit, *caseworker;
    instant received_at;
    instant ended_at;       // the new decision was sent, or none is to be made; INSTANT_NONE: still open
    instant followed_up_at; // in the present run of the weekly clock; INSTANT_NONE: not yet
    instant follow_up_due;  // when that run ends; INSTANT_NONE: no rule asks for a weekly follow-up
    int missed;             // runs before it that were missed in a row
    enum remand_help help;
    instant help_at;  // when that was recorded
    instant limit_at; // the municipality's own published limit as it stands; INSTANT_NONE: no rule sets one
    bool limit_broken;
    enum remand_letter letter;
    instant letter_at;    // the latest letter
    civil_date letter_to; // the date it gives, or CIVIL_NONE
    enum remand_cause cause;
};

struct remand_list {
    struct remand *remands;
    size_t count, capacity;
};

// Whether a rule's clock begins with a remand.
bool remand_is_rule(const struct ruleset *rules, const struct rule *rule);

// Adds the remands of a case that are open at `now` or ended after `ended_after`, one for each subject. The
// evaluation is that of the case at `now`. Texts are borrowed from the case.
void remand_collect(const struct ruleset *rules, const struct casefile *casefile,
                    const struct evaluation *evaluation, instant now, instant ended_after,
                    struct remand_list *list);

#endif
