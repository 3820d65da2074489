// SPDX-License-Identifier: MPL-2.0
// RFC 5545 recurrence rules on floating civil times. The zone arithmetic is in zone.h.
#ifndef FRISTD_CORE_RECURRENCE_H
#define FRISTD_CORE_RECURRENCE_H

#include "core/civil.h"
#include "core/error.h"

struct recurrence; // a parsed rule

// Refused: what is no RRULE, COUNT, UNTIL, a rule that fires from no start at all. The caller frees.
int recurrence_parse(const char *text, size_t length, struct recurrence **ret_recurrence,
                     struct error *err) MUST_CHECK;
void recurrence_free(struct recurrence *recurrence);              // NULL is fine
const char *recurrence_text(const struct recurrence *recurrence); // as it was parsed
// No day has more instances than this, whatever the start.
int64_t recurrence_most_in_a_day(const struct recurrence *recurrence);

// Iterates the civil times of the rule with DTSTART at (date, second), in order, DTSTART itself included
// where the rule yields it, each once. Ends (false) at CIVIL_YEAR_MAX; the search for the next is bounded (at
// most some tens of milliseconds, for absurd rules only). The rule must outlive the iterator.
struct recurrence_iterator;
struct recurrence_iterator *recurrence_start(const struct recurrence *recurrence, civil_date date,
                                             int second);
bool recurrence_next(struct recurrence_iterator *iterator, civil_date *ret_date, int *ret_second);
void recurrence_stop(struct recurrence_iterator *iterator); // NULL is fine

#endif
