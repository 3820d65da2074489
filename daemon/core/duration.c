// SPDX-License-Identifier: MPL-2.0
#include "core/duration.h"

#include "core/nearest.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

// --- reading: NUMBER UNIT { ("+" | "-") NUMBER UNIT } ---

static const char *const unit_names[] = {"hours", "working days", "days", "weeks", "months", "years",
                                         "hour",  "working day",  "day",  "week",  "month",  "year"};
static const enum time_unit unit_values[] = {UNIT_HOURS, UNIT_WORKING_DAYS, UNIT_DAYS,
                                             UNIT_WEEKS, UNIT_MONTHS,       UNIT_YEARS};

#define UNIT_NAMES  (sizeof unit_names / sizeof unit_names[0])
#define UNIT_VALUES (sizeof unit_values / sizeof unit_values[0])

#define ALLOWED                                                                                              \
    "allowed are a number from 1 to 10000 and hours, working days, days, weeks, months or years, and sums "  \
    "such as \"18 years - 6 months\""

struct word {
    const char *text;
    size_t length; // 0: the end
};

struct words {
    const char *at, *end;
};

static struct word next_word(struct words *words)
{
    while (words->at < words->end && *words->at == ' ')
        words->at++;
    struct word word = {words->at, 0};
    while (words->at < words->end && *words->at != ' ')
        words->at++;
    word.length = (size_t)(words->at - word.text);
    return word;
}

static bool word_is(struct word word, const char *text)
{
    return word.length == strlen(text) && memcmp(word.text, text, word.length) == 0;
}

static int read_amount(struct word word, int *ret_amount, struct error *err)
{
    int amount = 0;
    for (size_t i = 0; i < word.length; i++) {
        if (word.text[i] < '0' || word.text[i] > '9')
            return error_set(err, "\"%.*s\" is no number; " ALLOWED, (int)word.length, word.text);
        if (amount <= DURATION_AMOUNT_MAX)
            amount = amount * 10 + (word.text[i] - '0');
    }
    if (word.length == 0)
        return error_set(err, "a number is missing; " ALLOWED);
    if (amount < 1 || amount > DURATION_AMOUNT_MAX)
        return error_set(err, "%.*s is too %s; " ALLOWED, (int)word.length, word.text,
                         amount < 1 ? "small" : "large");
    *ret_amount = amount;
    return 0;
}

#define UNIT_SIZE 64

// Takes the words up to a sign or the end as one unit, so that the message can name all of it. ret_sign is
// the sign that follows, or an empty word.
static int read_unit(struct words *words, enum time_unit *ret_unit, struct word *ret_sign, struct error *err)
{
    char name[UNIT_SIZE] = "";
    struct word word;
    for (word = next_word(words); word.length > 0 && !word_is(word, "+") && !word_is(word, "-");
         word = next_word(words)) {
        size_t used = strlen(name);
        snprintf(name + used, sizeof name - used, "%s%.*s", used ? " " : "", (int)word.length, word.text);
    }
    for (size_t i = 0; i < UNIT_NAMES; i++) {
        if (strcmp(name, unit_names[i]) == 0) {
            *ret_unit = unit_values[i % UNIT_VALUES];
            *ret_sign = word;
            return 0;
        }
    }
    if (name[0] == '\0')
        return error_set(err, "the unit is missing; " ALLOWED);
    const char *nearest = nearest_name(name, strlen(name), unit_names, UNIT_NAMES);
    return error_set(err, "\"%s\" is no unit of time%s%s%s; " ALLOWED, name, nearest ? ", perhaps \"" : "",
                     nearest ? nearest : "", nearest ? "\" is meant" : "");
}

int duration_parse(const char *text, size_t length, struct duration *ret_duration, struct error *err)
{
    struct duration duration = {0};
    struct words words = {text, text + length};
    struct word word = next_word(&words), sign = {0};

    if (word.length == 0)
        return error_set(err, "a duration is missing; " ALLOWED);
    if (word.text[0] == '-' || word.text[0] == '+')
        return error_set(err, "a duration cannot begin with a sign; " ALLOWED);
    do {
        int amount = 0;
        enum time_unit unit = UNIT_DAYS;
        if (duration.count == DURATION_TERMS)
            return error_set(err, "a sum of more than %d durations is not allowed", DURATION_TERMS);
        if (duration.count > 0)
            word = next_word(&words);
        bool minus = word_is(sign, "-");
        if (read_amount(word, &amount, err) < 0 || read_unit(&words, &unit, &sign, err) < 0)
            return -1;
        duration.terms[duration.count].amount = minus ? -amount : amount;
        duration.terms[duration.count++].unit = unit;
    } while (sign.length > 0);

    for (int i = 0; i < duration.count; i++)
        if (duration.terms[i].unit == UNIT_HOURS && duration.count > 1)
            return error_set(err, "hours stand alone: they are elapsed time and cannot be part of a sum");
    *ret_duration = duration;
    return 0;
}

// --- arithmetic ---

bool duration_is_hours(const struct duration *duration)
{
    return duration->count > 0 && duration->terms[0].unit == UNIT_HOURS;
}

bool duration_has_working_days(const struct duration *duration)
{
    for (int i = 0; i < duration->count; i++)
        if (duration->terms[i].unit == UNIT_WORKING_DAYS)
            return true;
    return false;
}

bool duration_ends_in_working_days(const struct duration *duration)
{
    return duration->count > 0 && duration->terms[duration->count - 1].unit == UNIT_WORKING_DAYS;
}

static civil_date add_term(civil_date from, int amount, enum time_unit unit, const struct calendar *calendar)
{
    switch (unit) {
    case UNIT_WORKING_DAYS:
        assert(calendar != NULL);
        return calendar_add(calendar, from, amount);
    case UNIT_DAYS:
        return civil_clamp((int64_t)from + amount);
    case UNIT_WEEKS:
        return civil_clamp((int64_t)from + amount * 7);
    case UNIT_MONTHS:
        return civil_add_months(from, amount);
    case UNIT_YEARS:
        return civil_add_months(from, amount * 12);
    case UNIT_HOURS:
        break;
    }
    assert(!"hours are no date unit");
    return from;
}

static civil_date add_terms(const struct duration *duration, civil_date from, const struct calendar *calendar,
                            int sign)
{
    for (int i = 0; i < duration->count; i++)
        from = add_term(from, sign * duration->terms[i].amount, duration->terms[i].unit, calendar);
    return from;
}

civil_date duration_add(const struct duration *duration, civil_date from, const struct calendar *calendar)
{
    return add_terms(duration, from, calendar, 1);
}

civil_date duration_subtract(const struct duration *duration, civil_date from,
                             const struct calendar *calendar)
{
    return add_terms(duration, from, calendar, -1);
}

int64_t duration_seconds(const struct duration *duration)
{
    assert(duration->count == 1 && duration->terms[0].unit == UNIT_HOURS);
    return (int64_t)duration->terms[0].amount * 3600;
}
