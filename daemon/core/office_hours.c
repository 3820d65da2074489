// SPDX-License-Identifier: MPL-2.0
#include "core/office_hours.h"

#include <string.h>

#define DAY_SECONDS   86400
#define LOOK_DAYS     731
#define ALL_WEEK      0x7fu
#define TEXT_MAX      200
#define HOLIDAYS_TOO  "holidays too"
#define HOURS_EXAMPLE "such as \"mo-fr 08:00-16:00\", \"mo-th 08:00-16:00, fr 08:00-14:00\" or \"always\""

static const char day_names[7][3] = {"mo", "tu", "we", "th", "fr", "sa", "su"};

// --- Reading ---

static bool parse_day(const char **at, int *ret_day)
{
    for (int day = 0; day < 7; day++)
        if (strncmp(*at, day_names[day], 2) == 0) {
            *at += 2;
            *ret_day = day;
            return true;
        }
    return false;
}

static bool parse_days(const char **at, struct office_span *span, struct error *err)
{
    int first, last;
    if (!parse_day(at, &first)) {
        error_set(err, "a weekday is mo, tu, we, th, fr, sa or su; write hours %s", HOURS_EXAMPLE);
        return false;
    }
    last = first;
    if (**at == '-') {
        ++*at;
        if (!parse_day(at, &last)) {
            error_set(err, "a range of weekdays ends with mo, tu, we, th, fr, sa or su");
            return false;
        }
    }
    if (last < first) {
        error_set(err, "the weekdays %s-%s run backwards; a week goes from mo to su, so write two ranges",
                  day_names[first], day_names[last]);
        return false;
    }
    for (int day = first; day <= last; day++)
        span->days |= 1u << day;
    return true;
}

static bool parse_clock(const char **at, int *ret_second)
{
    const char *c = *at;
    for (int i = 0; i < 5; i++)
        if (i == 2 ? c[i] != ':' : c[i] < '0' || c[i] > '9')
            return false;
    int hour = (c[0] - '0') * 10 + c[1] - '0', minute = (c[3] - '0') * 10 + c[4] - '0';
    *ret_second = hour * 3600 + minute * 60;
    *at += 5;
    return minute < 60 && *ret_second <= DAY_SECONDS;
}

static bool parse_span(const char **at, struct office_span *span, struct error *err)
{
    if (!parse_days(at, span, err))
        return false;
    if (**at != ' ') {
        error_set(err, "behind the weekdays come a blank and the hours, %s", HOURS_EXAMPLE);
        return false;
    }
    *at += strspn(*at, " ");
    bool good = parse_clock(at, &span->from) && **at == '-';
    *at += good;
    if (!good || !parse_clock(at, &span->until)) {
        error_set(err, "hours are HH:MM-HH:MM, from 00:00 to 24:00");
        return false;
    }
    if (span->until > span->from)
        return true;
    error_set(err, "the hours %02d:%02d-%02d:%02d run backwards; what goes past midnight is two spans",
              span->from / 3600, span->from / 60 % 60, span->until / 3600, span->until / 60 % 60);
    return false;
}

int office_hours_parse(const char *text, struct office_hours *ret_hours, struct error *err)
{
    struct office_hours hours = {0};
    if (strlen(text) > TEXT_MAX)
        return error_set(err, "hours of at most %d letters, " HOURS_EXAMPLE, TEXT_MAX);
    if (strcmp(text, "always") == 0) {
        *ret_hours =
            (struct office_hours){.spans = {{ALL_WEEK, 0, DAY_SECONDS}}, .count = 1, .holidays = true};
        return 0;
    }
    for (const char *at = text;;) {
        if (hours.count > 0 && strcmp(at, HOLIDAYS_TOO) == 0) {
            hours.holidays = true;
            break;
        }
        if (hours.count == OFFICE_SPANS_MAX)
            return error_set(err, "at most %d spans of hours", OFFICE_SPANS_MAX);
        if (!parse_span(&at, &hours.spans[hours.count++], err))
            return -1;
        if (*at == '\0')
            break;
        if (*at != ',')
            return error_set(err, "\"%.20s\" is too much; spans have a comma between them", at);
        at++;
        at += strspn(at, " ");
    }
    *ret_hours = hours;
    return 0;
}

// --- When ---

static bool is_open_day(const struct office_hours *hours, const struct calendar *calendar, civil_date date)
{
    return hours->holidays || calendar == NULL || calendar_closed_because(calendar, date) == NULL;
}

// The first instant of this date within the hours and not before `at`.
static instant next_on(const struct office_hours *hours, const struct zone *zone, civil_date date, instant at)
{
    instant first = INSTANT_NONE;
    for (int i = 0; i < hours->count; i++) {
        const struct office_span *span = &hours->spans[i];
        if (!(span->days & 1u << civil_weekday(date)))
            continue;
        instant from = zone_to_instant(zone, date, span->from);
        instant until = span->until == DAY_SECONDS ? zone_to_instant(zone, date + 1, 0)
                                                   : zone_to_instant(zone, date, span->until);
        instant open = from > at ? from : at;
        if (open < until && (first == INSTANT_NONE || open < first))
            first = open;
    }
    return first;
}

static instant next_from(const struct office_hours *hours, const struct calendar *calendar,
                         const struct zone *zone, civil_date date, instant at)
{
    for (civil_date end = date + LOOK_DAYS; date < end; date++) {
        instant found = is_open_day(hours, calendar, date) ? next_on(hours, zone, date, at) : INSTANT_NONE;
        if (found != INSTANT_NONE)
            return found;
    }
    return at;
}

instant office_hours_next(const struct office_hours *hours, const struct calendar *calendar,
                          const struct zone *zone, instant at)
{
    return next_from(hours, calendar, zone, zone_date(zone, at), at);
}

instant office_hours_next_day(const struct office_hours *hours, const struct calendar *calendar,
                              const struct zone *zone, instant at)
{
    civil_date tomorrow = zone_date(zone, at) + 1;
    return next_from(hours, calendar, zone, tomorrow, zone_to_instant(zone, tomorrow, 0));
}

bool office_hours_are_always(const struct office_hours *hours)
{
    const struct office_span *span = hours->spans;
    return hours->count == 1 && hours->holidays && span->days == ALL_WEEK && span->from == 0 &&
           span->until == DAY_SECONDS;
}

// --- Saying it ---

static void phrase_days(unsigned days, enum language language, struct buffer *into)
{
    static const char names[2][7][8] = {{"man", "tir", "ons", "tor", "fre", "lør", "søn"},
                                        {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"}};
    int first = 0, last = 6;
    while (!(days & 1u << first))
        first++;
    while (!(days & 1u << last))
        last--;
    buffer_add_string(into, names[language][first]);
    if (last > first)
        buffer_format(into, "–%s", names[language][last]);
}

void office_hours_phrase(const struct office_hours *hours, enum language language, struct buffer *into)
{
    static const char *const always[] = {"døgnet rundt", "day and night"};
    static const char *const holidays[2][2] = {{", ikke på helligdage", ", også på helligdage"},
                                               {", not on holidays", ", on holidays too"}};
    const struct office_span *span = hours->spans;
    if (office_hours_are_always(hours)) {
        buffer_add_string(into, always[language]);
        return;
    }
    for (int i = 0; i < hours->count; i++, span++) {
        if (i > 0)
            buffer_add_string(into, ", ");
        phrase_days(span->days, language, into);
        buffer_format(into, language == LANGUAGE_DA ? " kl. %02d.%02d–%02d.%02d" : " %02d:%02d–%02d:%02d",
                      span->from / 3600, span->from / 60 % 60, span->until / 3600, span->until / 60 % 60);
    }
    buffer_add_string(into, holidays[language][hours->holidays]);
}
