// SPDX-License-Identifier: MPL-2.0
// One bit a day, and beside each word of bits how many working days came before it. A date's rank (how many
// working days there are up to it) is then one addition, and the n-th working day after a date is the day of
// rank + n, found by binary search.
#include "core/calendar.h"

#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

#define DAYS  (CIVIL_MAX - CIVIL_MIN + 1)
#define WORDS ((DAYS + 63) / 64)

struct calendar {
    char *name;
    unsigned weekdays;
    struct holiday *holidays;
    size_t holiday_count;
    struct closing_day *closed;
    size_t closed_count;
    uint64_t working[WORDS]; // bit n of word w: day CIVIL_MIN + 64 w + n
    int before[WORDS + 1];   // working days in all words before this one
};

static void close_day(struct calendar *calendar, civil_date date)
{
    if (date < CIVIL_MIN || date > CIVIL_MAX)
        return;
    int day = date - CIVIL_MIN;
    calendar->working[day / 64] &= ~(UINT64_C(1) << (day % 64));
}

// CIVIL_NONE where the holiday does not exist in that year.
static civil_date holiday_date(const struct holiday *holiday, int year)
{
    civil_date date;
    if (holiday->form == HOLIDAY_EASTER)
        date = civil_easter(year) + holiday->easter_offset;
    else if (civil_is_valid(year, holiday->month, holiday->day))
        date = civil_from_ymd(year, holiday->month, holiday->day);
    else
        return CIVIL_NONE;
    bool too_early = holiday->from != CIVIL_NONE && date < holiday->from;
    bool too_late = holiday->until != CIVIL_NONE && date > holiday->until;
    return too_early || too_late ? CIVIL_NONE : date;
}

static void close_holidays(struct calendar *calendar)
{
    for (size_t i = 0; i < calendar->holiday_count; i++)
        for (int year = CIVIL_YEAR_MIN - 1; year <= CIVIL_YEAR_MAX + 1; year++)
            close_day(calendar, holiday_date(&calendar->holidays[i], year));
}

static void close_closing_days(struct calendar *calendar)
{
    for (size_t i = 0; i < calendar->closed_count; i++) {
        const struct closing_day *closed = &calendar->closed[i];
        int first = closed->year ? closed->year : CIVIL_YEAR_MIN;
        int last = closed->year ? closed->year : CIVIL_YEAR_MAX;
        for (int year = first; year <= last; year++)
            if (civil_is_valid(year, closed->month, closed->day))
                close_day(calendar, civil_from_ymd(year, closed->month, closed->day));
    }
}

static void *copy_array(const void *array, size_t count, size_t size)
{
    void *copy = memory_alloc(count * size);
    if (count > 0)
        memcpy(copy, array, count * size);
    return copy;
}

struct calendar *calendar_new(const char *name, unsigned weekdays, const struct holiday *holidays,
                              size_t holiday_count, const struct closing_day *closed, size_t closed_count)
{
    struct calendar *calendar = memory_alloc(sizeof *calendar);
    calendar->name = memory_copy(name, strlen(name));
    calendar->weekdays = weekdays;
    calendar->holidays = copy_array(holidays, holiday_count, sizeof *holidays);
    calendar->holiday_count = holiday_count;
    calendar->closed = copy_array(closed, closed_count, sizeof *closed);
    calendar->closed_count = closed_count;

    for (int day = 0; day < DAYS; day++)
        if (weekdays >> civil_weekday(CIVIL_MIN + day) & 1)
            calendar->working[day / 64] |= UINT64_C(1) << (day % 64);
    close_holidays(calendar);
    close_closing_days(calendar);
    for (int word = 0; word < WORDS; word++)
        calendar->before[word + 1] = calendar->before[word] + __builtin_popcountll(calendar->working[word]);

    if (calendar->before[WORDS] == 0) {
        calendar_free(calendar);
        return NULL;
    }
    return calendar;
}

void calendar_free(struct calendar *calendar)
{
    if (calendar == NULL)
        return;
    free(calendar->name);
    free(calendar->holidays);
    free(calendar->closed);
    free(calendar);
}

const char *calendar_name(const struct calendar *calendar)
{
    return calendar->name;
}

bool calendar_is_working(const struct calendar *calendar, civil_date date)
{
    if (date < CIVIL_MIN || date > CIVIL_MAX)
        return false;
    int day = date - CIVIL_MIN;
    return calendar->working[day / 64] >> (day % 64) & 1;
}

// How many working days there are up to and including the date.
static int rank_of(const struct calendar *calendar, civil_date date)
{
    if (date < CIVIL_MIN)
        return 0;
    int day = civil_clamp(date) - CIVIL_MIN;
    uint64_t up_to_it = UINT64_MAX >> (63 - day % 64);
    return calendar->before[day / 64] + __builtin_popcountll(calendar->working[day / 64] & up_to_it);
}

// The working day of that rank, counted from 1.
static civil_date day_of_rank(const struct calendar *calendar, int64_t rank)
{
    if (rank < 1)
        return CIVIL_MIN;
    if (rank > calendar->before[WORDS])
        return CIVIL_MAX;
    int low = 0, high = WORDS; // it is in words [low, high)
    while (high - low > 1) {
        int middle = (low + high) / 2;
        if (calendar->before[middle] < rank)
            low = middle;
        else
            high = middle;
    }
    uint64_t word = calendar->working[low];
    for (int64_t skip = rank - calendar->before[low] - 1; skip > 0; skip--)
        word &= word - 1; // clears the lowest bit
    return CIVIL_MIN + low * 64 + __builtin_ctzll(word);
}

civil_date calendar_add(const struct calendar *calendar, civil_date date, int days)
{
    if (days == 0)
        return civil_clamp(date);
    if (days > 0)
        return day_of_rank(calendar, (int64_t)rank_of(calendar, date) + days);
    return day_of_rank(calendar, (int64_t)rank_of(calendar, civil_clamp((int64_t)date - 1)) + 1 + days);
}

civil_date calendar_roll(const struct calendar *calendar, civil_date date, int direction)
{
    if (direction == 0 || calendar_is_working(calendar, date))
        return civil_clamp(date);
    return calendar_add(calendar, date, direction > 0 ? 1 : -1);
}

int calendar_count(const struct calendar *calendar, civil_date after, civil_date until)
{
    return until <= after ? 0 : rank_of(calendar, until) - rank_of(calendar, after);
}

const char *calendar_closed_because(const struct calendar *calendar, civil_date date)
{
    if (date < CIVIL_MIN || date > CIVIL_MAX || calendar_is_working(calendar, date))
        return NULL;
    int year = civil_to_ymd(date).year;
    for (size_t i = 0; i < calendar->holiday_count; i++)
        for (int of_year = year - 1; of_year <= year + 1; of_year++) // an Easter offset may cross New Year
            if (holiday_date(&calendar->holidays[i], of_year) == date)
                return calendar->holidays[i].name;
    return calendar->weekdays >> civil_weekday(date) & 1 ? "lukkedag" : NULL;
}
