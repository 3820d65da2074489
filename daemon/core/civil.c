// SPDX-License-Identifier: MPL-2.0
// Day numbers are computed in years that begin in March, so that the leap day is the last day of its year and
// the lengths of the months follow one linear formula; 400 such years are one era of 146,097 days.
#include "core/civil.h"

#include <assert.h>

#define DAYS_PER_ERA      146097
#define MARCH_FIRST_YEAR0 719468 // days from 0000-03-01 to 1970-01-01

static int64_t floor_divide(int64_t value, int64_t by)
{
    return (value >= 0 ? value : value - by + 1) / by;
}

static bool is_leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int civil_days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    assert(month >= 1 && month <= 12);
    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

bool civil_is_valid(int year, int month, int day)
{
    return year >= CIVIL_YEAR_MIN && year <= CIVIL_YEAR_MAX && month >= 1 && month <= 12 && day >= 1 &&
           day <= civil_days_in_month(year, month);
}

civil_date civil_from_ymd(int year, int month, int day)
{
    int march_year = month > 2 ? year : year - 1;
    int march_month = month > 2 ? month - 3 : month + 9;
    int era = (int)floor_divide(march_year, 400);
    int year_of_era = march_year - era * 400;
    int day_of_year = (153 * march_month + 2) / 5 + day - 1;
    int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_PER_ERA + day_of_era - MARCH_FIRST_YEAR0;
}

struct ymd civil_to_ymd(civil_date date)
{
    int64_t days = (int64_t)date + MARCH_FIRST_YEAR0;
    int era = (int)floor_divide(days, DAYS_PER_ERA);
    int day_of_era = (int)(days - (int64_t)era * DAYS_PER_ERA);
    int year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int march_month = (5 * day_of_year + 2) / 153;
    int month = march_month < 10 ? march_month + 3 : march_month - 9;
    return (struct ymd){
        .year = era * 400 + year_of_era + (month <= 2),
        .month = month,
        .day = day_of_year - (153 * march_month + 2) / 5 + 1,
    };
}

enum weekday civil_weekday(civil_date date)
{
    int64_t since_monday = (int64_t)date + THURSDAY; // day 0 was a Thursday
    return (enum weekday)(since_monday - floor_divide(since_monday, 7) * 7);
}

// Gauss's method as corrected by Lichtenberg: the full moon of spring as a day of March, then its Sunday.
civil_date civil_easter(int year)
{
    int century = year / 100;
    int moon_shift = 15 + (3 * century + 3) / 4 - (8 * century + 13) / 25;
    int sun_shift = 2 - (3 * century + 3) / 4;
    int lunar_year = year % 19;
    int seed = (19 * lunar_year + moon_shift) % 30;
    int full_moon = 21 + seed - (seed + lunar_year / 11) / 29;
    int first_sunday = 7 - (year + year / 4 + sun_shift) % 7;
    int to_sunday = 7 - (full_moon - first_sunday) % 7;
    return civil_from_ymd(year, 3, 1) + full_moon + to_sunday - 1;
}

civil_date civil_clamp(int64_t date)
{
    return date < CIVIL_MIN ? CIVIL_MIN : date > CIVIL_MAX ? CIVIL_MAX : (civil_date)date;
}

civil_date civil_add_months(civil_date date, int months)
{
    struct ymd from = civil_to_ymd(date);
    int64_t months_since_0 = (int64_t)from.year * 12 + (from.month - 1) + months;
    int64_t year = floor_divide(months_since_0, 12);
    if (year < CIVIL_YEAR_MIN)
        return CIVIL_MIN;
    if (year > CIVIL_YEAR_MAX)
        return CIVIL_MAX;
    int month = (int)(months_since_0 - year * 12) + 1;
    int last = civil_days_in_month((int)year, month);
    return civil_from_ymd((int)year, month, from.day < last ? from.day : last);
}

static int parse_digits(const char *text, size_t count)
{
    int value = 0;
    for (size_t i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

int civil_parse_date(const char *text, size_t length, civil_date *ret_date)
{
    if (length != CIVIL_DATE_SIZE - 1 || text[4] != '-' || text[7] != '-')
        return -1;
    int year = parse_digits(text, 4), month = parse_digits(text + 5, 2), day = parse_digits(text + 8, 2);
    if (!civil_is_valid(year, month, day))
        return -1;
    *ret_date = civil_from_ymd(year, month, day);
    return 0;
}

const char *civil_format_date(civil_date date, char buffer[CIVIL_DATE_SIZE])
{
    struct ymd ymd = civil_to_ymd(date);
    assert(ymd.year >= 0 && ymd.year <= 9999);
    buffer[0] = (char)('0' + ymd.year / 1000);
    buffer[1] = (char)('0' + ymd.year / 100 % 10);
    buffer[2] = (char)('0' + ymd.year / 10 % 10);
    buffer[3] = (char)('0' + ymd.year % 10);
    buffer[4] = '-';
    buffer[5] = (char)('0' + ymd.month / 10);
    buffer[6] = (char)('0' + ymd.month % 10);
    buffer[7] = '-';
    buffer[8] = (char)('0' + ymd.day / 10);
    buffer[9] = (char)('0' + ymd.day % 10);
    buffer[10] = '\0';
    return buffer;
}
