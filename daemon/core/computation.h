// SPDX-License-Identifier: MPL-2.0
// How a due came about, written down so that it can be computed again without the case: what the rule said,
// what happened on the clock, and the result. One item a line, for people to read, too:
//
//   after 6 working days
//   calendar hverdage
//   start 2026-03-30T10:00:00+02:00
//   due 2026-04-09T23:59:59+02:00
#ifndef FRISTD_CORE_COMPUTATION_H
#define FRISTD_CORE_COMPUTATION_H

#include "core/evaluate.h"

// The deadline must have been evaluated with EVALUATE_EXPLAIN. Appends.
void computation_write(const struct deadline *deadline, const struct ruleset *rules, struct buffer *into);

// Does the arithmetic again with the calendars and the zone of the rules; everything else is in the text.
// was_due is the result as it was written, due what comes out now; INSTANT_NONE: no date. -1 when it cannot
// be done: the text is damaged, or names a calendar that is no longer there.
int computation_repeat(const char *text, const struct ruleset *rules, instant *ret_was_due, instant *ret_due,
                       struct error *err) MUST_CHECK;

#endif
