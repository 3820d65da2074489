// SPDX-License-Identifier: MPL-2.0
// What rules_finish() prepares so that evaluating an event against a rule is a look-up; for core only.
#ifndef FRISTD_CORE_RULES_INDEX_H
#define FRISTD_CORE_RULES_INDEX_H

#include "core/names.h"
#include "core/rules.h"

struct rules_index {
    struct names kinds; // kind number by name
    struct names lines; // line by rule id
    bool *births;       // by kind number

    // Sets of lines, `words` of 64 bits each: the rules that an event of a kind, or a breach of a line, can
    // start.
    size_t words;
    uint64_t *started_by_kind, *started_by_breach;
};

// rules_check.c: refuses what one rule or escalation may not say (RULES, section 4).
int rules_check(const struct ruleset *rules, struct error *err) MUST_CHECK;

// rules_order.c: puts the lines in dependency order and renumbers every reference to them.
int rules_order(struct ruleset *rules, struct error *err) MUST_CHECK;

// rules_muting.c: refuses a `muted_by` that would hide what must be told, and marks the lines that mute
// others.
int rules_check_muting(struct ruleset *rules, struct error *err) MUST_CHECK;

// "file:line:column: " and the message; always -1.
int rules_refuse(const struct place *place, struct error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
