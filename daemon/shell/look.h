// SPDX-License-Identifier: MPL-2.0
// One look at the cases: what everything that decides and reports during it shares, and how what is to be
// told gets into its batch.
#ifndef FRISTD_SHELL_LOOK_H
#define FRISTD_SHELL_LOOK_H

#include "core/explain.h"
#include "core/rhythm.h"
#include "shell/journal_known.h"

struct look {
    const char *site, *fingerprint; // fingerprint: of the rules
    enum language language;         // of derivations, and of what operators read
    const struct ruleset *rules;
    const struct rhythm *rhythm;
    struct people people;
    struct journal_batch *batch;
    instant now;
};

// The identity makes the same notice the same message (message_key).
void look_add_notice(struct look *look, const struct journal_notice *notice, const char *const *identity,
                     size_t parts);
// A mail that is about no deadline. To a person it waits for office hours; to an address of the configuration
// (person_id "") it goes at once. `facts` is copied. With the same `distinct` the same facts are the same
// message.
void look_add_report(struct look *look, const char *purpose, const char *person_id, const char *role,
                     const char *facts, const char *distinct);

#endif
