// SPDX-License-Identifier: MPL-2.0
// Loads all *.yaml below a directory as one set of rules (RULES, sections 2-4, 6).
#ifndef FRISTD_SHELL_RULES_FILE_H
#define FRISTD_SHELL_RULES_FILE_H

#include "core/rules.h"

// On success the set is finished (rules_finish) and the caller ends it with rules_done. The zone is borrowed.
// Warnings (a rule with confidence C that is not confirmed and so does nothing) go to on_warning, which may
// be NULL.
int rules_load(const char *directory, const struct zone *zone,
               void (*on_warning)(void *data, const char *text), void *data, struct ruleset *ret_rules,
               struct error *err) MUST_CHECK;

#endif
