// SPDX-License-Identifier: MPL-2.0
// A rule is walked period by period: the years, months, weeks, days, hours, minutes or seconds that INTERVAL
// leaves. Of a period we need the days that pass every day filter (no day is a candidate for two reasons, so
// "expand" and "limit" of RFC 5545, section 3.3.10, are the same test) and the times of day, which are the
// same for each of them; its instances are their product, in order, and BYSETPOS picks from them by number.
//
// libical 3.0.16 is not used for this: it yields BYHOUR=12,9 out of order, takes FREQ=YEARLY;BYMONTHDAY=13
// for one month only, refuses BYWEEKNO without BYDAY, searches 500 years second by second for a day that
// never comes, and needs 3.5 us for a step.
#include "core/recurrence.h"

#include "core/memory.h"
#include "core/nearest.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum frequency { SECONDLY, MINUTELY, HOURLY, DAILY, WEEKLY, MONTHLY, YEARLY };

enum part {
    PART_FREQ,
    PART_INTERVAL,
    PART_WKST,
    PART_BYSECOND,
    PART_BYMINUTE,
    PART_BYHOUR,
    PART_BYDAY,
    PART_BYMONTHDAY,
    PART_BYYEARDAY,
    PART_BYWEEKNO,
    PART_BYMONTH,
    PART_BYSETPOS,
    PART_COUNT,
    PART_UNTIL,
    PARTS
};

static const char *const part_names[PARTS] = {"FREQ",    "INTERVAL", "WKST",       "BYSECOND",  "BYMINUTE",
                                              "BYHOUR",  "BYDAY",    "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO",
                                              "BYMONTH", "BYSETPOS", "COUNT",      "UNTIL"};
static const char *const frequency_names[] = {"SECONDLY", "MINUTELY", "HOURLY", "DAILY",
                                              "WEEKLY",   "MONTHLY",  "YEARLY"};
static const char *const weekday_names[] = {"MO", "TU", "WE", "TH", "FR", "SA", "SU"};

#define INTERVAL_MAX  1000000
#define POSITIONS_MAX 64  // of BYSETPOS
#define NUMBERS_MAX   732 // every number of the longest list, BYYEARDAY, from both ends

// Numbers counted from the beginning (bit n) and from the end (bit n for -n) of something with up to 366.
struct number_set {
    uint64_t from_start[6], from_end[6];
};

struct recurrence {
    char *text;
    unsigned given; // bit n: enum part n
    enum frequency frequency;
    int64_t interval;
    enum weekday week_start;
    uint64_t seconds, minutes, hours; // bit n: value n; all, where the part is not given
    unsigned months;                  // bit n: month n
    unsigned weekdays;                // bit n: every such weekday
    bool counts_weekdays;             // some are named by number only:
    struct number_set nth_weekdays[7];
    struct number_set month_days, year_days, weeks;
    int positions[POSITIONS_MAX];
    int position_count;
};

static bool given(const struct recurrence *rule, enum part part)
{
    return rule->given >> part & 1;
}

static void set_add(struct number_set *set, int number)
{
    uint64_t *bits = number > 0 ? set->from_start : set->from_end;
    int n = number > 0 ? number : -number;
    bits[n / 64] |= UINT64_C(1) << (n % 64);
}

// Whether the set names the n-th of `total`.
static bool set_has(const struct number_set *set, int n, int total)
{
    int from_end = total - n + 1;
    return (set->from_start[n / 64] >> (n % 64) & 1) || (set->from_end[from_end / 64] >> (from_end % 64) & 1);
}

// --- reading ---

struct text {
    const char *at;
    size_t length;
};

static bool text_is(struct text text, const char *word)
{
    if (text.length != strlen(word))
        return false;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.at[i];
        if ((c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c) != word[i])
            return false;
    }
    return true;
}

static int find_word(struct text text, const char *const *words, int count)
{
    for (int i = 0; i < count; i++)
        if (text_is(text, words[i]))
            return i;
    return -1;
}

// Takes what stands before the separator off the front of the text.
static struct text take(struct text *rest, char separator)
{
    const char *end = rest->length > 0 ? memchr(rest->at, separator, rest->length) : NULL;
    struct text taken = {rest->at, end ? (size_t)(end - rest->at) : rest->length};
    size_t used = taken.length + (end != NULL);
    rest->at += used;
    rest->length -= used;
    return taken;
}

static bool read_number(struct text text, int *ret_number)
{
    bool minus = text.length > 0 && text.at[0] == '-';
    size_t first = minus || (text.length > 0 && text.at[0] == '+');
    int number = 0;
    if (text.length == first || text.length - first > 7)
        return false;
    for (size_t i = first; i < text.length; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
        number = number * 10 + (text.at[i] - '0');
    }
    *ret_number = minus ? -number : number;
    return true;
}

// What the numbers of a part may be.
struct bounds {
    int min, max;
    bool from_end; // -max..-min as well
};

static int read_list(enum part part, struct text value, struct bounds bounds, int numbers[NUMBERS_MAX],
                     int *ret_count, struct error *err)
{
    int count = 0;
    do {
        struct text item = take(&value, ',');
        int number = 0;
        bool good = read_number(item, &number);
        int size = number < 0 && bounds.from_end ? -number : number;
        if (!good || size < bounds.min || size > bounds.max)
            return error_set(err, "%s=%.*s is not allowed; %s takes %d to %d%s", part_names[part],
                             (int)item.length, item.at, part_names[part], bounds.min, bounds.max,
                             bounds.from_end ? ", also with a minus" : "");
        if (count == NUMBERS_MAX)
            return error_set(err, "%s has more than %d numbers", part_names[part], NUMBERS_MAX);
        numbers[count++] = number;
    } while (value.length > 0 || value.at[-1] == ',');
    *ret_count = count;
    return 0;
}

// For parts whose numbers are counted from 0 or 1 and fit a word.
static int read_bits(enum part part, struct text value, struct bounds bounds, uint64_t *ret_bits,
                     struct error *err)
{
    int numbers[NUMBERS_MAX], count = 0;
    if (read_list(part, value, bounds, numbers, &count, err) < 0)
        return -1;
    *ret_bits = 0;
    for (int i = 0; i < count; i++)
        *ret_bits |= UINT64_C(1) << numbers[i];
    return 0;
}

static int read_set(enum part part, struct text value, int max, struct number_set *set, struct error *err)
{
    int numbers[NUMBERS_MAX], count = 0;
    if (read_list(part, value, (struct bounds){1, max, true}, numbers, &count, err) < 0)
        return -1;
    for (int i = 0; i < count; i++)
        set_add(set, numbers[i]);
    return 0;
}

static int read_positions(struct recurrence *rule, struct text value, struct error *err)
{
    int numbers[NUMBERS_MAX], count = 0;
    if (read_list(PART_BYSETPOS, value, (struct bounds){1, 366, true}, numbers, &count, err) < 0)
        return -1;
    if (count > POSITIONS_MAX)
        return error_set(err, "BYSETPOS has more than %d numbers", POSITIONS_MAX);
    memcpy(rule->positions, numbers, (size_t)count * sizeof numbers[0]);
    rule->position_count = count;
    return 0;
}

static int read_weekday(struct text value, enum weekday *ret_weekday, struct error *err)
{
    int weekday = find_word(value, weekday_names, 7);
    if (weekday < 0)
        return error_set(err, "\"%.*s\" is no weekday; allowed are MO, TU, WE, TH, FR, SA, SU",
                         (int)value.length, value.at);
    *ret_weekday = (enum weekday)weekday;
    return 0;
}

// MO, 1MO, -1FR
static int read_weekdays(struct recurrence *rule, struct text value, struct error *err)
{
    do {
        struct text item = take(&value, ',');
        struct text name = {item.length > 2 ? item.at + item.length - 2 : item.at,
                            item.length > 2 ? 2 : item.length};
        enum weekday weekday = MONDAY;
        if (read_weekday(name, &weekday, err) < 0)
            return -1;
        int nth = 0;
        if (item.length <= 2) {
            rule->weekdays |= 1u << weekday;
            continue;
        }
        if (!read_number((struct text){item.at, item.length - 2}, &nth) || nth == 0 || nth < -53 || nth > 53)
            return error_set(
                err, "BYDAY=%.*s is not allowed; the number before a weekday is 1 to 53, also with a minus",
                (int)item.length, item.at);
        set_add(&rule->nth_weekdays[weekday], nth);
        rule->counts_weekdays = true;
    } while (value.length > 0 || value.at[-1] == ',');
    return 0;
}

static int read_value(struct recurrence *rule, enum part part, struct text value, struct error *err)
{
    uint64_t bits = 0;
    int number;
    switch (part) {
    case PART_FREQ:
        number = find_word(value, frequency_names, YEARLY + 1);
        if (number < 0)
            return error_set(err,
                             "FREQ=%.*s is not allowed; allowed are YEARLY, MONTHLY, WEEKLY, DAILY, HOURLY, "
                             "MINUTELY, SECONDLY",
                             (int)value.length, value.at);
        rule->frequency = (enum frequency)number;
        return 0;
    case PART_INTERVAL:
        if (!read_number(value, &number) || number < 1 || number > INTERVAL_MAX)
            return error_set(err, "INTERVAL=%.*s is not allowed; it takes 1 to %d", (int)value.length,
                             value.at, INTERVAL_MAX);
        rule->interval = number;
        return 0;
    case PART_WKST:
        return read_weekday(value, &rule->week_start, err);
    case PART_BYSECOND:
        return read_bits(part, value, (struct bounds){0, 59, false}, &rule->seconds, err);
    case PART_BYMINUTE:
        return read_bits(part, value, (struct bounds){0, 59, false}, &rule->minutes, err);
    case PART_BYHOUR:
        return read_bits(part, value, (struct bounds){0, 23, false}, &rule->hours, err);
    case PART_BYMONTH:
        if (read_bits(part, value, (struct bounds){1, 12, false}, &bits, err) < 0)
            return -1;
        rule->months = (unsigned)bits;
        return 0;
    case PART_BYDAY:
        return read_weekdays(rule, value, err);
    case PART_BYMONTHDAY:
        return read_set(part, value, 31, &rule->month_days, err);
    case PART_BYYEARDAY:
        return read_set(part, value, 366, &rule->year_days, err);
    case PART_BYWEEKNO:
        return read_set(part, value, 53, &rule->weeks, err);
    case PART_BYSETPOS:
        return read_positions(rule, value, err);
    case PART_COUNT:
    case PART_UNTIL:
        return error_set(err, "%s is not allowed: a series ends when the case cancels it", part_names[part]);
    case PARTS:
        break;
    }
    assert(!"a part without a reader");
    return -1;
}

static int read_part(struct recurrence *rule, struct text text, struct error *err)
{
    struct text value = text, name = take(&value, '=');
    int part = find_word(name, part_names, PARTS);
    if (part < 0) {
        const char *nearest = nearest_name(name.at, name.length, part_names, PARTS);
        return error_set(
            err,
            "\"%.*s\" is no part of an RRULE%s%s; allowed are FREQ, INTERVAL, WKST, BYSECOND, BYMINUTE, "
            "BYHOUR, "
            "BYDAY, BYMONTHDAY, BYYEARDAY, BYWEEKNO, BYMONTH, BYSETPOS, as in FREQ=WEEKLY;BYDAY=MO",
            (int)name.length, name.at, nearest ? ", perhaps " : "", nearest ? nearest : "");
    }
    if (name.length == text.length)
        return error_set(err, "%s has no value", part_names[part]);
    if (given(rule, (enum part)part))
        return error_set(err, "%s stands twice", part_names[part]);
    rule->given |= 1u << part;
    return read_value(rule, (enum part)part, value, err);
}

// The combinations that RFC 5545 gives no meaning.
static int check_parts(const struct recurrence *rule, struct error *err)
{
    enum frequency frequency = rule->frequency;
    if (!given(rule, PART_FREQ))
        return error_set(err, "FREQ is missing, as in FREQ=WEEKLY;BYDAY=MO");
    if (given(rule, PART_BYWEEKNO) && frequency != YEARLY)
        return error_set(err, "BYWEEKNO stands only with FREQ=YEARLY");
    if (given(rule, PART_BYYEARDAY) && (frequency == DAILY || frequency == WEEKLY || frequency == MONTHLY))
        return error_set(err, "BYYEARDAY does not stand with FREQ=%s", frequency_names[frequency]);
    if (given(rule, PART_BYMONTHDAY) && frequency == WEEKLY)
        return error_set(err, "BYMONTHDAY does not stand with FREQ=WEEKLY");
    if (rule->counts_weekdays && (frequency < MONTHLY || given(rule, PART_BYWEEKNO)))
        return error_set(err, "a number before a weekday in BYDAY stands only with FREQ=MONTHLY or YEARLY "
                              "and without BYWEEKNO");
    unsigned by_parts = rule->given & ((1u << PART_BYSETPOS) - (1u << PART_BYSECOND));
    if (given(rule, PART_BYSETPOS) && by_parts == 0)
        return error_set(err, "BYSETPOS stands only beside another part that begins with BY");
    return 0;
}

static int read_rule(struct recurrence *rule, struct text text, struct error *err)
{
    do {
        if (read_part(rule, take(&text, ';'), err) < 0)
            return -1;
    } while (text.length > 0 || text.at[-1] == ';');
    return check_parts(rule, err);
}

// Whether there is any start from which the rule fires. An instance of the rule without its interval is one
// of the rule with it, when the series starts there; so the interval does not matter. What else a rule takes
// from its start, a week of January at midnight has in every form: each weekday, and days that every month
// has.
static bool fires(const struct recurrence *rule)
{
    struct recurrence every = *rule;
    every.interval = 1;
    bool found = false;
    for (int day = 0; day < 7 && !found; day++) {
        civil_date date;
        int second;
        struct recurrence_iterator *iterator = recurrence_start(&every, CIVIL_MIN + day, 0);
        found = recurrence_next(iterator, &date, &second);
        recurrence_stop(iterator);
    }
    return found;
}

int recurrence_parse(const char *text, size_t length, struct recurrence **ret_recurrence, struct error *err)
{
    struct recurrence *rule = memory_alloc(sizeof *rule);
    rule->interval = 1;
    rule->week_start = MONDAY;
    rule->seconds = rule->minutes = (UINT64_C(1) << 60) - 1;
    rule->hours = (1u << 24) - 1;
    rule->months = (1u << 13) - 2;
    if (length == 0)
        error_set(err, "an RRULE is missing, such as FREQ=WEEKLY;BYDAY=MO");
    else if (read_rule(rule, (struct text){text, length}, err) == 0) {
        if (fires(rule)) {
            rule->text = memory_copy(text, length);
            *ret_recurrence = rule;
            return 0;
        }
        error_set(err, "this RRULE never fires");
    }
    recurrence_free(rule);
    return -1;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

// How many of `count` consecutive units a step over `interval` of them can hit.
static int64_t hits(int64_t count, int64_t interval)
{
    return (count + interval - 1) / interval;
}

// Of the hours, minutes or seconds of a day that the rule may enter, as many as its interval can hit.
static int64_t periods_in_a_day(const struct recurrence *rule)
{
    int64_t hours = __builtin_popcountll(rule->hours), minutes = hours * __builtin_popcountll(rule->minutes),
            seconds = minutes * __builtin_popcountll(rule->seconds), interval = rule->interval;
    switch (rule->frequency) {
    case HOURLY:
        return least(hours, hits(24, interval));
    case MINUTELY:
        return least(minutes, least(hours * hits(60, interval), hits(1440, interval)));
    case SECONDLY:
        return least(least(seconds, minutes * hits(60, interval)),
                     least(hours * hits(3600, interval), hits(SECONDS_PER_DAY, interval)));
    default:
        return 1; // or less
    }
}

// What the rule does not name, it takes from its start: one value.
int64_t recurrence_most_in_a_day(const struct recurrence *recurrence)
{
    const struct recurrence *rule = recurrence;
    int64_t in_period = 1;
    if (rule->frequency > SECONDLY && given(rule, PART_BYSECOND))
        in_period *= __builtin_popcountll(rule->seconds);
    if (rule->frequency > MINUTELY && given(rule, PART_BYMINUTE))
        in_period *= __builtin_popcountll(rule->minutes);
    if (rule->frequency > HOURLY && given(rule, PART_BYHOUR))
        in_period *= __builtin_popcountll(rule->hours);
    if (rule->position_count > 0)
        in_period = least(in_period, rule->position_count);
    return periods_in_a_day(rule) * in_period;
}

void recurrence_free(struct recurrence *recurrence)
{
    if (recurrence)
        free(recurrence->text);
    free(recurrence);
}

const char *recurrence_text(const struct recurrence *recurrence)
{
    return recurrence->text;
}

// --- walking ---

struct recurrence_iterator {
    struct recurrence rule; // with what it leaves open filled in from the start
    civil_date start_date;
    int start_second;

    int64_t base;   // the period of the start: year, month since year 0, or days, hours … since CIVIL_MIN
    int64_t number; // of the period: base + number * interval

    // the instances of the period: each of these days at each of these times
    civil_date days[366];
    int day_count;
    uint64_t hours, minutes, seconds;
    int index; // of the instance last seen, -1 before the first
    bool ended;
};

// After so many periods without an instance the series is taken to have ended. Only rules by the second or
// minute come that far, whose interval never meets their filters (every second minute from 10:00, and
// BYMINUTE=31).
#define SILENT_PERIODS_MAX (1 << 21)

static int units_per_day(enum frequency frequency)
{
    return frequency == SECONDLY ? SECONDS_PER_DAY : frequency == MINUTELY ? 1440 : 24;
}

// RFC 5545: what the rule does not say is taken from DTSTART.
static void fill_from_start(struct recurrence *rule, civil_date date, int second)
{
    struct ymd start = civil_to_ymd(date);
    bool names_day = given(rule, PART_BYMONTHDAY) || given(rule, PART_BYYEARDAY) || given(rule, PART_BYDAY);
    bool by_week = rule->frequency == WEEKLY || given(rule, PART_BYWEEKNO);

    if (rule->frequency >= WEEKLY && !names_day) {
        if (by_week) {
            rule->weekdays = 1u << civil_weekday(date);
            rule->given |= 1u << PART_BYDAY;
        } else {
            set_add(&rule->month_days, start.day);
            rule->given |= 1u << PART_BYMONTHDAY;
            if (rule->frequency == YEARLY && !given(rule, PART_BYMONTH))
                rule->months = 1u << start.month;
        }
    }
    if (rule->frequency > SECONDLY && !given(rule, PART_BYSECOND))
        rule->seconds = UINT64_C(1) << (second % 60);
    if (rule->frequency > MINUTELY && !given(rule, PART_BYMINUTE))
        rule->minutes = UINT64_C(1) << (second / 60 % 60);
    if (rule->frequency > HOURLY && !given(rule, PART_BYHOUR))
        rule->hours = UINT64_C(1) << (second / 3600);
}

static civil_date week_of(const struct recurrence *rule, civil_date date) // its first day
{
    return date - ((int)civil_weekday(date) - (int)rule->week_start + 7) % 7;
}

// Week 1 is the first with at least four days in the year, so a week belongs to the year of its fourth day.
static int week_number(const struct recurrence *rule, civil_date date, int *ret_year)
{
    civil_date fourth = week_of(rule, date) + 3;
    *ret_year = civil_to_ymd(fourth).year;
    return (fourth - civil_from_ymd(*ret_year, 1, 1)) / 7 + 1;
}

static bool week_matches(const struct recurrence *rule, civil_date date)
{
    int year, same_year;
    int week = week_number(rule, date, &year);
    int weeks = week_number(rule, civil_from_ymd(year, 12, 28), &same_year);
    return set_has(&rule->weeks, week, weeks);
}

static bool weekday_matches(const struct recurrence *rule, civil_date date, struct ymd ymd)
{
    enum weekday weekday = civil_weekday(date);
    if (rule->weekdays >> weekday & 1)
        return true;
    bool in_month = rule->frequency == MONTHLY || given(rule, PART_BYMONTH);
    civil_date first = civil_from_ymd(ymd.year, in_month ? ymd.month : 1, 1);
    civil_date last =
        in_month ? first + civil_days_in_month(ymd.year, ymd.month) - 1 : civil_from_ymd(ymd.year, 12, 31);
    int nth = (date - first) / 7 + 1, nth_from_end = (last - date) / 7 + 1;
    return set_has(&rule->nth_weekdays[weekday], nth, nth + nth_from_end - 1);
}

static bool day_matches(const struct recurrence *rule, civil_date date)
{
    if (given(rule, PART_BYDAY) && !rule->counts_weekdays && !(rule->weekdays >> civil_weekday(date) & 1))
        return false; // the most frequent answer first
    struct ymd ymd = civil_to_ymd(date);
    if (!(rule->months >> ymd.month & 1))
        return false;
    if (given(rule, PART_BYMONTHDAY) &&
        !set_has(&rule->month_days, ymd.day, civil_days_in_month(ymd.year, ymd.month)))
        return false;
    if (rule->counts_weekdays && !weekday_matches(rule, date, ymd))
        return false;
    if (given(rule, PART_BYWEEKNO) && !week_matches(rule, date))
        return false;
    if (given(rule, PART_BYYEARDAY)) {
        civil_date first = civil_from_ymd(ymd.year, 1, 1), next = civil_from_ymd(ymd.year + 1, 1, 1);
        return set_has(&rule->year_days, date - first + 1, next - first);
    }
    return true;
}

// The days of a year, month, week or day.
static void collect_days(struct recurrence_iterator *it, int64_t period)
{
    civil_date first, last;
    switch (it->rule.frequency) {
    case YEARLY:
        first = civil_from_ymd((int)period, 1, 1);
        last = civil_from_ymd((int)period, 12, 31);
        break;
    case MONTHLY:
        first = civil_from_ymd((int)(period / 12), (int)(period % 12) + 1, 1);
        last = first + civil_days_in_month((int)(period / 12), (int)(period % 12) + 1) - 1;
        break;
    case WEEKLY:
        first = (civil_date)(CIVIL_MIN + period);
        last = first + 6;
        break;
    default:
        first = last = (civil_date)(CIVIL_MIN + period);
        break;
    }
    it->hours = it->rule.hours;
    it->minutes = it->rule.minutes;
    it->seconds = it->rule.seconds;
    for (civil_date day = first; day <= last && day <= CIVIL_MAX; day++)
        if (day_matches(&it->rule, day))
            it->days[it->day_count++] = day;
}

// From the hour, minute or second `period`, the next one that can suit: the same, or the first of the next
// day, hour or minute when the whole of this one does not.
static int64_t next_suitable(const struct recurrence *rule, int64_t period)
{
    int per_day = units_per_day(rule->frequency), per_hour = per_day / 24, per_minute = per_hour / 60;
    int64_t day = period / per_day;
    int of_day = (int)(period % per_day), hour = of_day / per_hour;
    if (!day_matches(rule, (civil_date)(CIVIL_MIN + day)))
        return (day + 1) * per_day;
    if (!(rule->hours >> hour & 1))
        return day * per_day + (hour + 1) * per_hour;
    if (per_minute == 0)
        return period;
    int minute = of_day / per_minute;
    if (!(rule->minutes >> minute % 60 & 1))
        return day * per_day + (minute + 1) * per_minute;
    return period;
}

// The instances of an hour, minute or second that suits.
static void collect_times(struct recurrence_iterator *it, int64_t period)
{
    const struct recurrence *rule = &it->rule;
    int per_day = units_per_day(rule->frequency);
    int second = (int)(period % per_day) * (SECONDS_PER_DAY / per_day); // the first of the period
    it->hours = UINT64_C(1) << (second / 3600);
    it->minutes = rule->frequency == HOURLY ? rule->minutes : UINT64_C(1) << (second / 60 % 60);
    it->seconds = rule->frequency == SECONDLY ? rule->seconds & UINT64_C(1) << (second % 60) : rule->seconds;
    it->days[0] = (civil_date)(CIVIL_MIN + period / per_day);
    it->day_count = 1;
}

static bool is_beyond(enum frequency frequency, int64_t period)
{
    switch (frequency) {
    case YEARLY:
        return period > CIVIL_YEAR_MAX;
    case MONTHLY:
        return period / 12 > CIVIL_YEAR_MAX;
    case WEEKLY:
    case DAILY:
        return period > CIVIL_MAX - CIVIL_MIN;
    default:
        return period / units_per_day(frequency) > CIVIL_MAX - CIVIL_MIN;
    }
}

// Fills in the instances of the period `number`, or leaves none there and moves on to the next.
static void enter_period(struct recurrence_iterator *it)
{
    const int64_t interval = it->rule.interval;
    int64_t period = it->base + it->number * interval;
    it->day_count = 0;
    it->index = -1;
    if (is_beyond(it->rule.frequency, period)) {
        it->ended = true;
    } else if (it->rule.frequency >= DAILY) {
        collect_days(it, period);
    } else {
        int64_t suitable = next_suitable(&it->rule, period);
        if (suitable == period)
            collect_times(it, period);
        else // to the first of our periods that is not before it
            it->number = (suitable - it->base + interval - 1) / interval - 1;
    }
}

static int64_t period_of_start(const struct recurrence *rule, civil_date date, int second)
{
    struct ymd ymd = civil_to_ymd(date);
    int64_t day = date - CIVIL_MIN;
    switch (rule->frequency) {
    case YEARLY:
        return ymd.year;
    case MONTHLY:
        return ymd.year * 12 + ymd.month - 1;
    case WEEKLY:
        return week_of(rule, date) - CIVIL_MIN;
    case DAILY:
        return day;
    default: {
        int per_day = units_per_day(rule->frequency);
        return day * per_day + second / (SECONDS_PER_DAY / per_day);
    }
    }
}

struct recurrence_iterator *recurrence_start(const struct recurrence *recurrence, civil_date date, int second)
{
    assert(second >= 0 && second < SECONDS_PER_DAY);
    struct recurrence_iterator *it = memory_alloc(sizeof *it);
    it->rule = *recurrence;
    it->start_date = civil_clamp(date);
    it->start_second = second;
    fill_from_start(&it->rule, it->start_date, second);
    it->base = period_of_start(&it->rule, it->start_date, second);
    if (it->rule.frequency == WEEKLY)
        it->rule.interval *= 7;
    enter_period(it);
    return it;
}

static int nth_bit(uint64_t bits, int n)
{
    while (n-- > 0)
        bits &= bits - 1; // clears the lowest
    return __builtin_ctzll(bits);
}

// The number of the next instance of the period after `index`; `total` when there is none.
static int next_index(const struct recurrence *rule, int index, int total)
{
    if (rule->position_count == 0)
        return index + 1;
    int next = total;
    for (int i = 0; i < rule->position_count; i++) {
        int position = rule->positions[i] > 0 ? rule->positions[i] - 1 : total + rule->positions[i];
        if (position > index && position < next)
            next = position;
    }
    return next;
}

static bool next_in_period(struct recurrence_iterator *it, civil_date *ret_date, int *ret_second)
{
    int minute_count = __builtin_popcountll(it->minutes), second_count = __builtin_popcountll(it->seconds);
    int per_hour = minute_count * second_count, per_day = __builtin_popcountll(it->hours) * per_hour;
    int total = it->day_count * per_day;
    while (it->index < total) {
        it->index = next_index(&it->rule, it->index, total);
        if (it->index >= total)
            return false;
        int of_day = it->index % per_day, of_hour = of_day % per_hour;
        civil_date date = it->days[it->index / per_day];
        int second = nth_bit(it->hours, of_day / per_hour) * 3600 +
                     nth_bit(it->minutes, of_hour / second_count) * 60 +
                     nth_bit(it->seconds, of_hour % second_count);
        if (date > it->start_date || (date == it->start_date && second >= it->start_second)) {
            *ret_date = date;
            *ret_second = second;
            return true;
        }
    }
    return false;
}

bool recurrence_next(struct recurrence_iterator *iterator, civil_date *ret_date, int *ret_second)
{
    for (int silent = 0; !iterator->ended && silent < SILENT_PERIODS_MAX; silent++) {
        if (next_in_period(iterator, ret_date, ret_second))
            return true;
        iterator->number++;
        enter_period(iterator);
    }
    iterator->ended = true;
    return false;
}

void recurrence_stop(struct recurrence_iterator *iterator)
{
    free(iterator);
}
