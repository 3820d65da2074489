// SPDX-License-Identifier: MPL-2.0
#include "shell/yaml_value.h"

#include <stdlib.h>
#include <string.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

// The text of a node that must be one, or NULL after setting err.
static const char *text_of(const struct yaml_node *node, const char *what, struct error *err)
{
    const char *text = yaml_text(node, NULL);
    if (text == NULL)
        yaml_error(node, err, "%s must be a single value, not a %s", what,
                   yaml_is_list(node) ? "list" : "map");
    return text;
}

static int wrong(const struct yaml_node *node, const char *what, const char *allowed, struct error *err)
{
    char quoted[YAML_QUOTE_SIZE];
    return yaml_error(node, err, "%s must be %s, not \"%s\"", what, allowed,
                      yaml_quote(yaml_text(node, NULL), quoted));
}

int value_text(const struct yaml_node *node, const char *what, size_t max, const char **ret_text,
               struct error *err)
{
    const char *text = text_of(node, what, err);
    if (text == NULL)
        return -1;
    if (text[0] == '\0')
        return yaml_error(node, err, "%s is empty", what);
    if (strlen(text) > max)
        return yaml_error(node, err, "%s is longer than %zu bytes", what, max);
    for (const char *at = text; *at; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            return yaml_error(node, err, "%s holds a line end or another control character", what);
    *ret_text = text;
    return 0;
}

int value_bool(const struct yaml_node *node, const char *what, bool *ret_value, struct error *err)
{
    const char *text = text_of(node, what, err);
    if (text == NULL)
        return -1;
    bool is_true = strcmp(text, "true") == 0;
    if (!is_true && strcmp(text, "false") != 0)
        return wrong(node, what, "true or false", err);
    *ret_value = is_true;
    return 0;
}

int value_int(const struct yaml_node *node, const char *what, int min, int max, int *ret_value,
              struct error *err)
{
    const char *text = text_of(node, what, err);
    if (text == NULL)
        return -1;
    char *end;
    bool starts_well = text[0] == '-' ? text[1] >= '0' && text[1] <= '9' : text[0] >= '0' && text[0] <= '9';
    long value = starts_well ? strtol(text, &end, 10) : 0; // beyond long: LONG_MIN or LONG_MAX, so refused
    if (!starts_well || *end != '\0' || value < min || value > max) {
        char allowed[64];
        snprintf(allowed, sizeof allowed, "a whole number from %d to %d", min, max);
        return wrong(node, what, allowed, err);
    }
    *ret_value = (int)value;
    return 0;
}

int value_choice(const struct yaml_node *node, const char *what, const char *const *names, size_t count,
                 int *ret_index, struct error *err)
{
    const char *text = text_of(node, what, err);
    if (text == NULL)
        return -1;
    for (size_t i = 0; i < count; i++)
        if (strcmp(text, names[i]) == 0) {
            *ret_index = (int)i;
            return 0;
        }
    return yaml_unknown(node, what, names, count, err);
}

// The number that `digits` digits at `text` make, or -1.
static int fixed_number(const char *text, int digits)
{
    int number = 0;
    for (int i = 0; i < digits; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        number = number * 10 + (text[i] - '0');
    }
    return number;
}

int value_time(const struct yaml_node *node, const char *what, int *ret_second, struct error *err)
{
    const char *text = text_of(node, what, err);
    if (text == NULL)
        return -1;
    bool has_form = strlen(text) == 5 && text[2] == ':';
    int hour = has_form ? fixed_number(text, 2) : -1, minute = has_form ? fixed_number(text + 3, 2) : -1;
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59)
        return wrong(node, what, "a time of day such as 08:00", err);
    *ret_second = hour * 3600 + minute * 60;
    return 0;
}

int value_date(const struct yaml_node *node, const char *what, civil_date *ret_date, struct error *err)
{
    const char *text = text_of(node, what, err);
    if (text == NULL)
        return -1;
    if (civil_parse_date(text, strlen(text), ret_date) < 0)
        return wrong(node, what, "a date such as 2024-01-31, in the years 1900 to 2200", err);
    return 0;
}

int value_month_day(const struct yaml_node *node, const char *what, int *ret_month, int *ret_day,
                    struct error *err)
{
    const char *text = text_of(node, what, err);
    if (text == NULL)
        return -1;
    bool has_form = strlen(text) == 5 && text[2] == '-';
    int month = has_form ? fixed_number(text, 2) : -1, day = has_form ? fixed_number(text + 3, 2) : -1;
    if (!civil_is_valid(2000, month, day)) // a leap year: 02-29 is a day of the year
        return wrong(node, what, "a month and day such as 12-24", err);
    *ret_month = month;
    *ret_day = day;
    return 0;
}

int value_duration(const struct yaml_node *node, const char *what, struct duration *ret_duration,
                   struct error *err)
{
    const char *text = text_of(node, what, err);
    if (text == NULL)
        return -1;
    struct error inner;
    if (duration_parse(text, strlen(text), ret_duration, &inner) < 0)
        return yaml_error(node, err, "%s: %s", what, inner.text);
    return 0;
}

static const struct {
    const char *name, *one;
    int64_t ms;
} interval_units[] = {
    {"milliseconds", "millisecond", 1}, {"seconds", "second", 1000},        {"minutes", "minute", 60000},
    {"hours", "hour", 3600000},         {"days", "day", INT64_C(86400000)},
};

static void format_interval(int64_t ms, char *buffer, size_t size)
{
    size_t unit = COUNT_OF(interval_units) - 1;
    while (unit > 0 && ms % interval_units[unit].ms != 0)
        unit--;
    int64_t amount = ms / interval_units[unit].ms;
    snprintf(buffer, size, "%lld %s", (long long)amount,
             amount == 1 ? interval_units[unit].one : interval_units[unit].name);
}

static int64_t parse_interval(const char *text)
{
    char *end;
    if (text[0] < '0' || text[0] > '9')
        return -1;
    long long amount = strtoll(text, &end, 10);
    if (*end != ' ' || amount > INT32_MAX)
        return -1;
    for (size_t i = 0; i < COUNT_OF(interval_units); i++)
        if (strcmp(end + 1, interval_units[i].name) == 0 || strcmp(end + 1, interval_units[i].one) == 0)
            return amount * interval_units[i].ms;
    return -1;
}

int value_interval(const struct yaml_node *node, const char *what, int64_t min_ms, int64_t max_ms,
                   int64_t *ret_ms, struct error *err)
{
    const char *text = text_of(node, what, err);
    if (text == NULL)
        return -1;
    int64_t ms = parse_interval(text);
    if (ms < min_ms || ms > max_ms) {
        char least[32], most[32], allowed[160];
        format_interval(min_ms, least, sizeof least);
        format_interval(max_ms, most, sizeof most);
        snprintf(allowed, sizeof allowed,
                 "a number and milliseconds, seconds, minutes, hours or days, from %s to %s", least, most);
        return wrong(node, what, allowed, err);
    }
    *ret_ms = ms;
    return 0;
}
