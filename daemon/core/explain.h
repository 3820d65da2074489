// SPDX-License-Identifier: MPL-2.0
// Puts the steps by which a date came about into words, in Danish or English. Data in, text out; no names of
// people.
#ifndef FRISTD_CORE_EXPLAIN_H
#define FRISTD_CORE_EXPLAIN_H

#include "core/evaluate.h"

enum language { LANGUAGE_DA, LANGUAGE_EN };

// What a step says; the fields that it uses depend on the kind and are named in explain.c beside its words.
struct step {
    int kind; // enum step_kind, explain.c and evaluate.c only
    instant at, to;
    civil_date date, result;
    int amount, unit;
    const char *name; // a holiday, a kind of event, a rule id; never from free text
};

// Appends one line without a line end.
void explain_step(const struct step *step, const struct rule *rule, const struct zone *zone,
                  enum language language, struct buffer *into);

#endif
