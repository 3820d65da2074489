// SPDX-License-Identifier: MPL-2.0
// Holidays, calendars, the vocabulary of events, and the settings that stand once in a set.
#include "shell/rules_loader.h"

#include <stdlib.h>
#include <string.h>

#define HOLIDAY_NAME_MAX 200

static int read_holiday(struct loader *loader, const struct yaml_node *node, struct holiday *ret_holiday)
{
    static const char *const keys[] = {"name", "on", "easter", "from", "until", NULL};
    struct holiday holiday = {0};
    const struct yaml_node *name;
    if (yaml_check_keys(node, "a holiday", keys, loader->err) < 0 ||
        loader_need(loader, node, "a holiday", "name", &name) < 0 ||
        value_text(name, "name", HOLIDAY_NAME_MAX, &holiday.name, loader->err) < 0 ||
        loader_validity(loader, node, &holiday.from, &holiday.until) < 0)
        return -1;
    holiday.name = loader_keep(loader, holiday.name);
    if (holiday.from != CIVIL_NONE && holiday.until != CIVIL_NONE && holiday.until < holiday.from)
        return yaml_error(node, loader->err, "until comes before from");
    const struct yaml_node *on = yaml_get(node, "on"), *easter = yaml_get(node, "easter");
    if ((on != NULL) == (easter != NULL))
        return yaml_error(
            node, loader->err,
            "a holiday must have either \"on\" (12-25) or \"easter\" (days from Easter Sunday)");
    holiday.form = on ? HOLIDAY_ON : HOLIDAY_EASTER;
    if (on ? value_month_day(on, "on", &holiday.month, &holiday.day, loader->err) < 0
           : value_int(easter, "easter", -80, 250, &holiday.easter_offset, loader->err) < 0)
        return -1;
    *ret_holiday = holiday;
    return 0;
}

static int read_holiday_list(struct loader *loader, const struct yaml_node *node, struct holiday_list *list)
{
    if (loader_need_list(loader, node, "a list of holidays") < 0)
        return -1;
    list->holidays = loader_array(loader, yaml_count(node), sizeof *list->holidays);
    for (; list->count < yaml_count(node); list->count++)
        if (read_holiday(loader, yaml_item(node, list->count), &list->holidays[list->count]) < 0)
            return -1;
    return 0;
}

int rules_read_holidays(struct loader *loader, const struct yaml_node *section)
{
    if (loader_need_map(loader, section, "holidays") < 0)
        return -1;
    for (size_t i = 0; i < yaml_count(section); i++) {
        int number = loader_define(loader, &loader->holidays, yaml_key(section, i), "holidays");
        if (number < 0)
            return -1;
        loader->holiday_lists =
            memory_resize(loader->holiday_lists, (size_t)number + 1, sizeof *loader->holiday_lists);
        loader->holiday_lists[number] = (struct holiday_list){0};
        if (read_holiday_list(loader, yaml_value(section, i), &loader->holiday_lists[number]) < 0)
            return -1;
    }
    return 0;
}

static int read_weekdays(struct loader *loader, const struct yaml_node *node, unsigned *ret_weekdays)
{
    static const char *const names[] = {"mo", "tu", "we", "th", "fr", "sa", "su"};
    if (loader_need_list(loader, node, "weekdays") < 0)
        return -1;
    for (size_t i = 0; i < yaml_count(node); i++) {
        int day;
        if (value_choice(yaml_item(node, i), "weekday", names, COUNT_OF(names), &day, loader->err) < 0)
            return -1;
        *ret_weekdays |= 1u << day;
    }
    return 0;
}

// The holidays of all lists that the calendar names, one after the other.
static int read_calendar_holidays(struct loader *loader, const struct yaml_node *node,
                                  struct holiday **ret_holidays, size_t *ret_count)
{
    if (loader_need_list(loader, node, "holidays") < 0)
        return -1;
    for (size_t i = 0; i < yaml_count(node); i++) {
        int number = loader_refer(loader, &loader->holidays, yaml_item(node, i), "holidays");
        if (number < 0)
            return -1;
        const struct holiday_list *list = &loader->holiday_lists[number];
        *ret_holidays = memory_resize(*ret_holidays, *ret_count + list->count, sizeof **ret_holidays);
        if (list->count > 0)
            memcpy(*ret_holidays + *ret_count, list->holidays, list->count * sizeof **ret_holidays);
        *ret_count += list->count;
    }
    return 0;
}

static int read_closing_day(struct loader *loader, const struct yaml_node *node, struct closing_day *ret_day)
{
    const char *text = yaml_text(node, NULL);
    if (text && strlen(text) == CIVIL_DATE_SIZE - 1) {
        civil_date date;
        if (value_date(node, "closed", &date, loader->err) < 0)
            return -1;
        struct ymd ymd = civil_to_ymd(date);
        *ret_day = (struct closing_day){ymd.year, ymd.month, ymd.day};
        return 0;
    }
    struct closing_day day = {0};
    if (value_month_day(node, "closed", &day.month, &day.day, loader->err) < 0)
        return -1;
    *ret_day = day;
    return 0;
}

static int read_closed(struct loader *loader, const struct yaml_node *node, struct closing_day **ret_closed,
                       size_t *ret_count)
{
    if (loader_need_list(loader, node, "closed") < 0)
        return -1;
    *ret_closed = memory_alloc(yaml_count(node) * sizeof **ret_closed);
    for (; *ret_count < yaml_count(node); ++*ret_count)
        if (read_closing_day(loader, yaml_item(node, *ret_count), &(*ret_closed)[*ret_count]) < 0)
            return -1;
    return 0;
}

static int read_calendar(struct loader *loader, const char *name, const struct yaml_node *node)
{
    static const char *const keys[] = {"weekdays", "holidays", "closed", NULL};
    const struct yaml_node *weekday_node;
    if (yaml_check_keys(node, "a calendar", keys, loader->err) < 0 ||
        loader_need(loader, node, "a calendar", "weekdays", &weekday_node) < 0)
        return -1;
    unsigned weekdays = 0;
    struct holiday *holidays = NULL;
    struct closing_day *closed = NULL;
    size_t holiday_count = 0, closed_count = 0;
    const struct yaml_node *holiday_node = yaml_get(node, "holidays"),
                           *closed_node = yaml_get(node, "closed");
    int result = read_weekdays(loader, weekday_node, &weekdays);
    if (result == 0 && holiday_node)
        result = read_calendar_holidays(loader, holiday_node, &holidays, &holiday_count);
    if (result == 0 && closed_node)
        result = read_closed(loader, closed_node, &closed, &closed_count);
    if (result == 0) {
        struct calendar *calendar =
            calendar_new(name, weekdays, holidays, holiday_count, closed, closed_count);
        if (calendar)
            loader->rules->calendars[loader->rules->calendar_count++] = calendar;
        else
            result = yaml_error(node, loader->err, "the calendar has no working day");
    }
    free(holidays);
    free(closed);
    return result;
}

int rules_read_calendars(struct loader *loader, const struct yaml_node *section)
{
    if (loader_need_map(loader, section, "calendars") < 0)
        return -1;
    for (size_t i = 0; i < yaml_count(section); i++) {
        int number = loader_define(loader, &loader->calendars, yaml_key(section, i), "calendar");
        if (number < 0 || read_calendar(loader, loader->calendars.names[number], yaml_value(section, i)) < 0)
            return -1;
    }
    return 0;
}

// --- settings that stand once in the set ---

static int once(struct loader *loader, const struct yaml_node **seen, const struct yaml_node *node,
                const char *what)
{
    if (*seen) {
        struct place first = yaml_place(*seen);
        return yaml_error(node, loader->err, "%s stands once in a set of rules; first in %s:%d", what,
                          first.file, first.line);
    }
    *seen = node;
    return 0;
}

int rules_read_office_calendar(struct loader *loader, const struct yaml_node *node)
{
    if (once(loader, &loader->office_calendar, node, "office_calendar") < 0)
        return -1;
    return loader_calendar(loader, node, &loader->rules->office_calendar);
}

int rules_read_births(struct loader *loader, const struct yaml_node *node)
{
    if (once(loader, &loader->births, node, "births") < 0)
        return -1;
    return loader_kinds(loader, node, "births", &loader->rules->births);
}

int rules_read_kinds(struct loader *loader, const struct yaml_node *node)
{
    if (loader_need_list(loader, node, "kinds") < 0)
        return -1;
    for (size_t i = 0; i < yaml_count(node); i++)
        if (loader_define(loader, &loader->vocabulary, yaml_item(node, i), "kind") < 0)
            return -1;
    return 0;
}

int rules_read_notice_time(struct loader *loader, const struct yaml_node *node)
{
    if (once(loader, &loader->notice_time, node, "notice_time") < 0)
        return -1;
    return value_time(node, "notice_time", &loader->rules->notice_time, loader->err);
}
