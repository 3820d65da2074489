// SPDX-License-Identifier: MPL-2.0
// Loads all *.yaml below a directory as one set of rules (RULES, sections 2-4, 6).
#ifndef FRISTD_SHELL_RULES_FILE_H
#define FRISTD_SHELL_RULES_FILE_H

#include "core/decide.h"
#include "core/rules.h"
#include "shell/zone_file.h"

#define RULES_FILES_MAX 10000 // *.yaml files in one set
#define RULES_DEPTH_MAX 8     // folders below each other

// Files are taken in the order of their paths; links are followed; names that begin with a dot are left out.
// On success the set is finished (rules_finish) and the caller ends it with rules_done; on failure there is
// nothing to end. The zone is borrowed. Warnings, which begin with a place, go to on_warning, which may be
// NULL: a rule with confidence C that is not confirmed and so does nothing, two rules with one code, a file
// that ends in .yml.
int rules_load(const char *directory, const struct zone *zone,
               void (*on_warning)(void *data, const char *text), void *data, struct ruleset *ret_rules,
               struct error *err) MUST_CHECK;

// The same for rules that are only tried: of a gap between the versions of a rule, which is refused
// otherwise, there is a warning.
int rules_load_draft(const char *directory, const struct zone *zone,
                     void (*on_warning)(void *data, const char *text), void *data, struct ruleset *ret_rules,
                     struct error *err) MUST_CHECK;

// The same with every rule of confidence C confirmed, without warnings: examples show what such a rule would
// do.
int rules_load_confirmed(const char *directory, const struct zone *zone, struct ruleset *ret_rules,
                         struct error *err) MUST_CHECK;

// The same from texts in memory, each with the name it has in messages.
struct rules_text {
    const char *name, *text;
    size_t length;
};
int rules_load_texts(const struct rules_text *texts, size_t count, const struct zone *zone,
                     void (*on_warning)(void *data, const char *text), void *data, struct ruleset *ret_rules,
                     struct error *err) MUST_CHECK;

// Changes whenever a file of rules or the zone does: tells whether the journal has seen these rules.
int rules_fingerprint(const char *directory, const char *zone_name, char ret_fingerprint[MESSAGE_KEY_SIZE],
                      struct error *err) MUST_CHECK;

#endif
