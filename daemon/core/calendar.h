// SPDX-License-Identifier: MPL-2.0
// Which dates are working days. Calendars are data (RULES, section 2), made from weekdays, holidays with
// their years of validity, and closing days; looked up in a bitmap.
#ifndef FRISTD_CORE_CALENDAR_H
#define FRISTD_CORE_CALENDAR_H

#include "core/civil.h"

enum holiday_form { HOLIDAY_ON, HOLIDAY_EASTER };

struct holiday {
    const char *name;       // Danish, shown in explanations; borrowed
    enum holiday_form form; // fixed month and day, or days from Easter Sunday
    int month, day;         // HOLIDAY_ON
    int easter_offset;      // HOLIDAY_EASTER
    civil_date from, until; // inclusive; CIVIL_NONE: no limit
};

struct closing_day {
    int year; // 0: every year
    int month, day;
};

struct calendar;

// weekdays: bit n = enum weekday n. Everything is copied but the names of the holidays, which stay borrowed.
// A calendar without any working day is refused (NULL).
struct calendar *calendar_new(const char *name, unsigned weekdays, const struct holiday *holidays,
                              size_t holiday_count, const struct closing_day *closed, size_t closed_count);
void calendar_free(struct calendar *calendar); // NULL is fine
const char *calendar_name(const struct calendar *calendar);

// A calendar knows CIVIL_MIN..CIVIL_MAX. No date outside is a working day; what would lead there stops at the
// first or last of these dates.
bool calendar_is_working(const struct calendar *calendar, civil_date date);
// The n-th working day strictly after; before when negative; the date itself for 0.
civil_date calendar_add(const struct calendar *calendar, civil_date date, int days);
// Itself when working, else the next (direction > 0) or previous (< 0) working day.
civil_date calendar_roll(const struct calendar *calendar, civil_date date, int direction);
// Working days in (after, until]; 0 when until <= after.
int calendar_count(const struct calendar *calendar, civil_date after, civil_date until);

// Why a date is closed, for explanations: a holiday's name (also on a weekday that is off anyway),
// "lukkedag", or NULL for a weekday that is off or a working day.
const char *calendar_closed_because(const struct calendar *calendar, civil_date date);

#endif
