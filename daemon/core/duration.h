// SPDX-License-Identifier: MPL-2.0
// Durations as rules write them ("24 hours", "6 working days", "18 years - 6 months") and their arithmetic.
// Meaning to the day: RULES, section 3.
#ifndef FRISTD_CORE_DURATION_H
#define FRISTD_CORE_DURATION_H

#include "core/calendar.h"
#include "core/civil.h"
#include "core/error.h"

enum time_unit { UNIT_HOURS, UNIT_WORKING_DAYS, UNIT_DAYS, UNIT_WEEKS, UNIT_MONTHS, UNIT_YEARS };

#define DURATION_TERMS      4
#define DURATION_AMOUNT_MAX 10000

struct duration {
    int count; // 0: no duration
    struct {
        int amount; // negative after a minus, never 0; at most DURATION_AMOUNT_MAX either way
        enum time_unit unit;
    } terms[DURATION_TERMS];
};

// Whole text, words separated by blanks. Numbers from 1; singular and plural alike; a minus only inside a
// sum; hours stand alone. The error says what is allowed, and which unit was probably meant.
int duration_parse(const char *text, size_t length, struct duration *ret_duration,
                   struct error *err) MUST_CHECK;

bool duration_is_hours(const struct duration *duration);
bool duration_has_working_days(const struct duration *duration);
bool duration_ends_in_working_days(const struct duration *duration);

// Date units only: the date after applying every term, left to right; each stops at CIVIL_MIN and CIVIL_MAX.
// calendar may be NULL without working days.
civil_date duration_add(const struct duration *duration, civil_date from, const struct calendar *calendar);
// The same backwards (`look_back`, stages "before"): every term with its sign turned, left to right.
civil_date duration_subtract(const struct duration *duration, civil_date from,
                             const struct calendar *calendar);
int64_t duration_seconds(const struct duration *duration); // hours only

#endif
