// SPDX-License-Identifier: MPL-2.0
// What is not urgent is decided as a loose notice, in no mail yet. Forming turns the loose ones that may go
// into mails, one notice carrying the others of its person, and commits that: what a crash finds afterwards
// is the same mail with the same Message-ID. Who is not at work, or has had the mails of the day, waits.
#ifndef FRISTD_SHELL_FORMING_H
#define FRISTD_SHELL_FORMING_H

#include "shell/journal_notices.h"
#include "shell/letter.h"

// Zero it to start. One forming at a time.
struct forming {
    // The caller fills; all of it must live until on_done.
    void *data;
    struct journal *journal;
    const struct letter_context *context;                              // as it stands when it is needed
    void (*on_done)(struct forming *forming, const struct error *err); // NULL: the mails stand in the outbox
    // ---- kept by the module ----
    instant now;
    struct journal_loose loose;
    struct journal_batch batch;
};

// False: the journal is not there, and on_done is not called.
bool forming_start(struct forming *forming, instant now) MUST_CHECK;
void forming_done(struct forming *forming);

#endif
