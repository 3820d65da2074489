// SPDX-License-Identifier: MPL-2.0
// The Danish holidays of RULES, section 2, as data for tests of core.
#ifndef FRISTD_TESTS_DANISH_CALENDAR_H
#define FRISTD_TESTS_DANISH_CALENDAR_H

#include "core/calendar.h"

#define MONDAY_TO_FRIDAY   (1u << MONDAY | 1u << TUESDAY | 1u << WEDNESDAY | 1u << THURSDAY | 1u << FRIDAY)
#define MONDAY_TO_SATURDAY (MONDAY_TO_FRIDAY | 1u << SATURDAY)

#define EVERY_YEAR .from = CIVIL_NONE, .until = CIVIL_NONE

static const struct holiday danish_holiday_rules[] = {
    {"Nytårsdag", HOLIDAY_ON, .month = 1, .day = 1, EVERY_YEAR},
    {"Skærtorsdag", HOLIDAY_EASTER, .easter_offset = -3, EVERY_YEAR},
    {"Langfredag", HOLIDAY_EASTER, .easter_offset = -2, EVERY_YEAR},
    {"Påskedag", HOLIDAY_EASTER, .easter_offset = 0, EVERY_YEAR},
    {"2. påskedag", HOLIDAY_EASTER, .easter_offset = 1, EVERY_YEAR},
    {"Store bededag", HOLIDAY_EASTER, .easter_offset = 26, .from = CIVIL_NONE, .until = 19722}, // 2023-12-31
    {"Kristi himmelfartsdag", HOLIDAY_EASTER, .easter_offset = 39, EVERY_YEAR},
    {"Pinsedag", HOLIDAY_EASTER, .easter_offset = 49, EVERY_YEAR},
    {"2. pinsedag", HOLIDAY_EASTER, .easter_offset = 50, EVERY_YEAR},
    {"Juledag", HOLIDAY_ON, .month = 12, .day = 25, EVERY_YEAR},
    {"2. juledag", HOLIDAY_ON, .month = 12, .day = 26, EVERY_YEAR},
};

static const struct closing_day danish_closing_days[] = {{0, 6, 5}, {0, 12, 24}, {0, 12, 31}};

static inline struct calendar *danish_calendar(const char *name, unsigned weekdays,
                                               const struct closing_day *closed, size_t closed_count)
{
    return calendar_new(name, weekdays, danish_holiday_rules,
                        sizeof danish_holiday_rules / sizeof danish_holiday_rules[0], closed, closed_count);
}

#endif
