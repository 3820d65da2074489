// SPDX-License-Identifier: MPL-2.0
// When people are at work: hours of the week in civil time, holidays left out. What is not urgent is mailed
// within them.
#ifndef FRISTD_CORE_OFFICE_HOURS_H
#define FRISTD_CORE_OFFICE_HOURS_H

#include "core/calendar.h"
#include "core/error.h"
#include "core/explain.h"
#include "core/memory.h"
#include "core/zone.h"

#define OFFICE_SPANS_MAX 7

struct office_span {
    unsigned days;   // bit n = enum weekday n
    int from, until; // seconds of the day; until may be 86400
};

struct office_hours {
    struct office_span spans[OFFICE_SPANS_MAX]; // may overlap
    int count;
    bool holidays; // holidays and closing days are days like others
};

// "mo-fr 08:00-16:00", "mo-th 08:00-16:00, fr 08:00-14:00", "mo-su 06:00-22:00, holidays too", "always". The
// error says what is wrong with it.
int office_hours_parse(const char *text, struct office_hours *ret_hours, struct error *err) MUST_CHECK;

// The first instant at or after `at` within the hours; a span is open at its first second and closed at its
// last. `calendar` knows the holidays; NULL: there are none. Where no day is open within two years nothing is
// held back: `at` itself.
instant office_hours_next(const struct office_hours *hours, const struct calendar *calendar,
                          const struct zone *zone, instant at);
// The same on a later date than that of `at`: the next working morning.
instant office_hours_next_day(const struct office_hours *hours, const struct calendar *calendar,
                              const struct zone *zone, instant at);

bool office_hours_are_always(const struct office_hours *hours); // day and night

// "man–fre kl. 08.00–16.00, ikke på helligdage"; "Mon–Fri 08:00–16:00, not on holidays". Appends.
void office_hours_phrase(const struct office_hours *hours, enum language language, struct buffer *into);

#endif
