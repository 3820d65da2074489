// SPDX-License-Identifier: MPL-2.0
// The journal (DESIGN, section 4): what is known of each deadline, what has happened, who was told; own
// schema in PostgreSQL. One daemon at a time writes: the connection that writes also holds the advisory lock.
#ifndef FRISTD_SHELL_JOURNAL_H
#define FRISTD_SHELL_JOURNAL_H

#include "shell/journal_batch.h"

// When there is something to do again.
struct agenda {
    instant case_at;   // the first case to look at, or INSTANT_NONE
    instant mail_at;   // the first mail to send, or INSTANT_NONE
    instant loose_at;  // the first notice that is in no mail yet and may go, or INSTANT_NONE
    instant report_at; // the first report to make, or INSTANT_NONE
};

struct journal;

// up: the lock is held, migrations have run, the agenda and the progress are read.
struct journal *journal_new(uv_loop_t *loop, const struct postgres_options *options,
                            postgres_on_state on_state, void *data);
void journal_start(struct journal *journal);
// Others have written something that the daemon must look at: the agenda has changed. A hint comes by NOTIFY;
// journal_refresh asks without one.
void journal_on_news(struct journal *journal, void (*on_news)(void *data), void *data);
void journal_refresh(struct journal *journal);
// Before the start: reads alone, beside a daemon that holds the lock. The schema must be there; nothing of
// the agenda, the progress and the numbers is known, and nothing can be committed.
void journal_read_only(struct journal *journal);
bool journal_is_up(const struct journal *journal);
struct postgres *journal_connection(const struct journal *journal); // to read; NULL while not up
void journal_close(struct journal *journal, postgres_on_closed on_closed, void *data); // frees the journal

// As of the last commit; "" when never set. Valid until the next commit ends.
const char *journal_progress(const struct journal *journal, enum progress which);
struct agenda journal_agenda(const struct journal *journal);
int64_t journal_last_transition(const struct journal *journal);
instant
journal_recorded_at(const struct journal *journal); // of the last transition; INSTANT_NONE: there is none

// Batches are written one after the other, in the order of the calls. Never fails at once: a journal that is
// not up ends it with an error.
void journal_commit(struct journal *journal, struct journal_batch *batch);

#endif
