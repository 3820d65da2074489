// SPDX-License-Identifier: MPL-2.0
// Civil dates as day numbers: arithmetic, weekdays, Easter, reading and writing. No zones here.
#ifndef FRISTD_CORE_CIVIL_H
#define FRISTD_CORE_CIVIL_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef int32_t civil_date; // days since 1970-01-01, proleptic Gregorian
typedef int64_t instant;    // seconds since 1970-01-01T00:00:00Z

#define CIVIL_NONE   INT32_MIN // "no date"
#define INSTANT_NONE INT64_MIN // "no instant"

// The years that configuration, rules and cases may name; what lies outside is an error where it is read.
// Arithmetic that would leave them stops at their first or last day: such a date is as good as never, and
// everything that handles dates may rely on four digits and on the range of the calendars.
#define CIVIL_YEAR_MIN 1900
#define CIVIL_YEAR_MAX 2200
#define CIVIL_MIN      (-25567) // 1900-01-01
#define CIVIL_MAX      84370    // 2200-12-31

#define SECONDS_PER_DAY 86400

enum weekday { MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, SATURDAY, SUNDAY };

struct ymd {
    int year, month, day; // month 1..12, day 1..31
};

civil_date civil_from_ymd(int year, int month, int day); // any valid date
struct ymd civil_to_ymd(civil_date date);
bool civil_is_valid(int year, int month, int day); // exists, and the year is within CIVIL_YEAR_MIN..MAX
int civil_days_in_month(int year, int month);
enum weekday civil_weekday(civil_date date);
civil_date civil_easter(int year); // Easter Sunday, Gregorian; for years from 1

// The nearest of CIVIL_MIN..CIVIL_MAX.
civil_date civil_clamp(int64_t date);

// Same day number `months` later (or earlier); where that month lacks it, its last day.
// Stops at CIVIL_MIN and CIVIL_MAX.
civil_date civil_add_months(civil_date date, int months);

// "YYYY-MM-DD", whole text. 0, or -1 when it is not a valid date in the promised years.
int civil_parse_date(const char *text, size_t length, civil_date *ret_date);

#define CIVIL_DATE_SIZE 11
// Years 0 to 9999. Returns buffer.
const char *civil_format_date(civil_date date, char buffer[CIVIL_DATE_SIZE]);

#endif
