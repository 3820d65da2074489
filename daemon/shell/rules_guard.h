// SPDX-License-Identifier: MPL-2.0
// Guards a reload: what changed rules would make of open deadlines is listed first, and rules that move some
// are taken only when somebody has confirmed them, or when it is configured so.
#ifndef FRISTD_SHELL_RULES_GUARD_H
#define FRISTD_SHELL_RULES_GUARD_H

#include "shell/casedb.h"
#include "shell/journal.h"
#include "shell/setup.h"

struct rules_guard;

struct rules_guard_options {
    struct casedb *casedb;
    struct journal *journal;
    void (*on_progress)(void *data);
    void (*on_verdict)(void *data, bool take); // why not is in the log
    void *data;
};

struct rules_guard *rules_guard_new(const struct rules_guard_options *options);
void rules_guard_free(struct rules_guard *guard); // only between questions; NULL is fine

// Compares every case under the rules of `next` with what the journal knows; reads the case database, so no
// pass may run beside it, and writes no decision. 0: ends in exactly one on_verdict, later. -1: not
// connected.
int rules_guard_ask(struct rules_guard *guard, const struct setup *next, instant now,
                    struct error *err) MUST_CHECK;
bool rules_guard_is_asking(const struct rules_guard *guard);

// For the status line: "" or what waits to be confirmed.
const char *rules_guard_status(const struct rules_guard *guard);

// Another configuration was taken, or the files are again as they are in force: nothing waits any more.
void rules_guard_forget(struct rules_guard *guard);
// Brings what the journal says of a refusal up to date, and gives memory back; call it now and then, not from
// on_verdict.
void rules_guard_settle(struct rules_guard *guard);

#endif
