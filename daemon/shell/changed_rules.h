// SPDX-License-Identifier: MPL-2.0
// What other rules than those that the journal knows a case by make of its open deadlines: counted, said in
// the log and to the operators, or handed on.
#ifndef FRISTD_SHELL_CHANGED_RULES_H
#define FRISTD_SHELL_CHANGED_RULES_H

#include "core/difference.h"
#include "shell/findings.h"

// How many open deadlines changed rules move, close, take away, and how many turn up breached
// (difference_is_grave).
struct rule_changes {
    size_t moved, closed, gone, breached;
};

struct changed_rules {
    struct findings *findings;
    bool in_force; // they are taken now; else they are only compared
    struct rule_changes counts;
    // Gets each difference, also what is not grave; then nothing is said. NULL: what is grave is said.
    void (*on_difference)(void *data, const char *case_id, const struct deadline_difference *difference);
    void *data;
};

// One case: what was known, and what the rules make of it at the same time. known may be NULL.
void changed_rules_compare(struct changed_rules *changed, const char *case_id,
                           const struct evaluation *evaluation, const struct known_case *known);

#endif
