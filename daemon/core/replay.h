// SPDX-License-Identifier: MPL-2.0
// One case after another on a virtual clock: looked at whenever the daemon would look at it, decided and
// addressed by the same functions. What the journal would know is kept here for as long as the case lasts.
#ifndef FRISTD_CORE_REPLAY_H
#define FRISTD_CORE_REPLAY_H

#include "core/backlog.h"
#include "core/notices.h"

// A step of an escalation that is taken. Valid during the call.
struct replay_step {
    instant at; // the time on the virtual clock
    const struct casefile *casefile;
    const struct deadline *deadline;
    const struct happening *happening;
    const struct addressees *addressees; // whom the notices go to
};

struct replay_options {
    const struct ruleset *rules;
    const struct people *people;
    // The service is started at `from`: what is already late then becomes the leaders' backlog reports, not
    // alarms (DESIGN, section 8). The last look is not later than `until`.
    instant from, until;
    void (*on_step)(void *data, const struct replay_step *step);
    void *data;
};

struct replay;

struct replay *replay_new(const struct replay_options *options); // everything in them is borrowed
void replay_free(struct replay *replay);                         // NULL is fine

// An event is known from the second at which it occurred. The answer is the evaluation of the last look,
// which stands until `until`; it lives until the next case.
const struct evaluation *replay_case(struct replay *replay, const struct casefile *casefile);

// What the journal would know of the case at the end, in the order of an evaluation; lives until the next
// case.
const struct known_deadline *replay_known(const struct replay *replay, size_t *ret_count);

// Steps that a larger problem of the same case has muted, over all cases so far.
size_t replay_muted(const struct replay *replay);

// What the first looks found, over all cases so far.
const struct backlog *replay_backlog(const struct replay *replay);

#endif
