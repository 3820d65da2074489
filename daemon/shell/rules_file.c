// SPDX-License-Identifier: MPL-2.0
// All files are parsed first; then one section after the other is read through all of them, each before those
// that refer to it: holidays, calendars, escalations, the ids of rules, the rules. So neither the order of
// the files nor the order inside them matters. What can only be seen on the whole is left to rules_finish().
#include "shell/rules_file.h"

#include "core/casefile.h"
#include "core/nearest.h"
#include "shell/file.h"
#include "shell/yaml.h"
#include "shell/yaml_value.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#define TITLE_MAX     500
#define BASIS_MAX     500
#define NOTE_MAX      20000
#define CODE_MAX      40
#define BREACH_PREFIX "breach:"

// --- names and their numbers ---

// Names in the order of their first appearance, found by an open hash table.
struct names {
    const char **names;
    struct place *places; // of the first appearance
    int count, capacity, place_capacity;
    int *slots; // number + 1; 0: free
    unsigned slot_count;
};

static unsigned hash(const char *text)
{
    unsigned h = 2166136261u; // FNV-1a
    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * 16777619u;
    return h;
}

static unsigned slot_of(const struct names *names, const char *name)
{
    unsigned slot = hash(name) & (names->slot_count - 1);
    while (names->slots[slot] != 0 && strcmp(names->names[names->slots[slot] - 1], name) != 0)
        slot = (slot + 1) & (names->slot_count - 1);
    return slot;
}

static int names_find(const struct names *names, const char *name)
{
    return names->slot_count == 0 ? -1 : names->slots[slot_of(names, name)] - 1;
}

static void grow_slots(struct names *names)
{
    free(names->slots);
    names->slot_count = names->slot_count ? 2 * names->slot_count : 64;
    names->slots = memory_alloc(names->slot_count * sizeof *names->slots);
    for (int i = 0; i < names->count; i++)
        names->slots[slot_of(names, names->names[i])] = i + 1;
}

// A name that is not there yet; it is borrowed.
static int names_add(struct names *names, const char *name, struct place place)
{
    if (2 * (unsigned)names->count >= names->slot_count)
        grow_slots(names);
    MEMORY_GROW(names->names, names->count, names->capacity);
    MEMORY_GROW(names->places, names->count, names->place_capacity);
    names->names[names->count] = name;
    names->places[names->count] = place;
    names->slots[slot_of(names, name)] = names->count + 1;
    return names->count++;
}

static void names_done(struct names *names)
{
    free(names->names);
    free(names->places);
    free(names->slots);
}

// --- the loader ---

struct source {
    struct yaml *yaml;
    const char *file; // in the set's arena: places outlive the yaml
};

struct holiday_list {
    struct holiday *holidays;
    size_t count;
};

struct loader {
    struct ruleset *rules;
    struct error *err;
    void (*on_warning)(void *data, const char *text);
    void *data;

    struct source *sources;
    size_t source_count, source_capacity;
    const char *file; // of the source being read

    struct names kinds, holidays, calendars, escalations, lines, codes;
    struct holiday_list *holiday_lists; // by number in holidays
    int *version_counts;                // by number in lines
    int version_capacity;
    int *code_lines; // by number in codes: the rule that has it
    int code_capacity;
    const struct yaml_node *office_calendar, *births, *notice_time;
};

static struct place keep_place(const struct loader *loader, const struct yaml_node *node)
{
    struct place place = yaml_place(node);
    place.file = loader->file;
    return place;
}

static const char *keep(struct loader *loader, const char *text)
{
    return arena_string(&loader->rules->arena, text);
}

static void *keep_array(struct loader *loader, size_t count, size_t size)
{
    return arena_alloc(&loader->rules->arena, count * size);
}

static void warn(struct loader *loader, struct place place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void warn(struct loader *loader, struct place place, const char *format, ...)
{
    if (loader->on_warning == NULL)
        return;
    struct buffer text = {0};
    va_list ap;
    va_start(ap, format);
    buffer_format(&text, "%s:%d:%d: ", place.file, place.line, place.column);
    buffer_vformat(&text, format, ap);
    va_end(ap);
    loader->on_warning(loader->data, text.data);
    buffer_done(&text);
}

// --- what many sections need ---

static int need(struct loader *loader, const struct yaml_node *map, const char *what, const char *key,
                const struct yaml_node **ret_node)
{
    *ret_node = yaml_get(map, key);
    if (*ret_node == NULL)
        return yaml_error(map, loader->err, "%s must have \"%s\"", what, key);
    return 0;
}

static int need_list(struct loader *loader, const struct yaml_node *node, const char *what)
{
    if (!yaml_is_list(node))
        return yaml_error(node, loader->err, "%s must be a list, such as [a, b]", what);
    return 0;
}

static int need_map(struct loader *loader, const struct yaml_node *node, const char *what)
{
    if (!yaml_is_map(node))
        return yaml_error(node, loader->err, "%s must be a map of names", what);
    return 0;
}

static int read_name(struct loader *loader, const struct yaml_node *node, const char *what,
                     const char **ret_name)
{
    return value_text(node, what, CASEFILE_ID_MAX, ret_name, loader->err);
}

// Gives a name that is defined here its number; a second definition is refused.
static int define(struct loader *loader, struct names *names, const struct yaml_node *key, const char *what)
{
    const char *name;
    if (read_name(loader, key, what, &name) < 0)
        return -1;
    int number = names_find(names, name);
    if (number < 0)
        return names_add(names, keep(loader, name), keep_place(loader, key));
    struct place first = names->places[number];
    char quoted[YAML_QUOTE_SIZE];
    return yaml_error(key, loader->err, "%s \"%s\" is already defined in %s:%d", what,
                      yaml_quote(name, quoted), first.file, first.line);
}

// The number of a name that must have been defined.
static int refer(struct loader *loader, const struct names *names, const struct yaml_node *node,
                 const char *what)
{
    const char *name;
    if (read_name(loader, node, what, &name) < 0)
        return -1;
    int number = names_find(names, name);
    if (number < 0)
        return yaml_unknown(node, what, names->names, (size_t)names->count, loader->err);
    return number;
}

static bool is_breach(const char *kind)
{
    return strncmp(kind, BREACH_PREFIX, strlen(BREACH_PREFIX)) == 0;
}

// Every kind that is named anywhere gets a number.
static int read_kind(struct loader *loader, const struct yaml_node *node, const char *what, int *ret_kind)
{
    const char *name;
    if (read_name(loader, node, what, &name) < 0)
        return -1;
    if (is_breach(name))
        return yaml_error(node, loader->err, BREACH_PREFIX " stands only in start, not in %s", what);
    *ret_kind = names_find(&loader->kinds, name);
    if (*ret_kind < 0)
        *ret_kind = names_add(&loader->kinds, keep(loader, name), keep_place(loader, node));
    return 0;
}

static void add_number(int *numbers, int *count, int number)
{
    for (int i = 0; i < *count; i++)
        if (numbers[i] == number)
            return;
    numbers[(*count)++] = number;
}

static int read_kinds(struct loader *loader, const struct yaml_node *node, const char *what,
                      struct kind_list *ret_kinds)
{
    if (need_list(loader, node, what) < 0)
        return -1;
    struct kind_list list = {keep_array(loader, yaml_count(node), sizeof *list.kinds), 0};
    for (size_t i = 0; i < yaml_count(node); i++) {
        int kind;
        if (read_kind(loader, yaml_item(node, i), what, &kind) < 0)
            return -1;
        add_number(list.kinds, &list.count, kind);
    }
    *ret_kinds = list;
    return 0;
}

static int read_texts(struct loader *loader, const struct yaml_node *node, const char *what,
                      const char ***ret_texts, int *ret_count)
{
    if (need_list(loader, node, what) < 0)
        return -1;
    const char **texts = keep_array(loader, yaml_count(node), sizeof *texts);
    for (size_t i = 0; i < yaml_count(node); i++) {
        const char *text;
        if (read_name(loader, yaml_item(node, i), what, &text) < 0)
            return -1;
        texts[i] = keep(loader, text);
    }
    *ret_texts = texts;
    *ret_count = (int)yaml_count(node);
    return 0;
}

// --- holidays and calendars ---

static int read_validity(struct loader *loader, const struct yaml_node *map, civil_date *ret_from,
                         civil_date *ret_until)
{
    const struct yaml_node *from = yaml_get(map, "from"), *until = yaml_get(map, "until");
    *ret_from = *ret_until = CIVIL_NONE;
    if (from && value_date(from, "from", ret_from, loader->err) < 0)
        return -1;
    if (until && value_date(until, "until", ret_until, loader->err) < 0)
        return -1;
    return 0;
}

static int read_holiday(struct loader *loader, const struct yaml_node *node, struct holiday *ret_holiday)
{
    static const char *const keys[] = {"name", "on", "easter", "from", "until", NULL};
    struct holiday holiday = {0};
    const struct yaml_node *name;
    if (yaml_check_keys(node, "a holiday", keys, loader->err) < 0 ||
        need(loader, node, "a holiday", "name", &name) < 0 ||
        value_text(name, "name", TITLE_MAX, &holiday.name, loader->err) < 0 ||
        read_validity(loader, node, &holiday.from, &holiday.until) < 0)
        return -1;
    holiday.name = keep(loader, holiday.name);
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
    if (need_list(loader, node, "a list of holidays") < 0)
        return -1;
    list->holidays = keep_array(loader, yaml_count(node), sizeof *list->holidays);
    for (; list->count < yaml_count(node); list->count++)
        if (read_holiday(loader, yaml_item(node, list->count), &list->holidays[list->count]) < 0)
            return -1;
    return 0;
}

static int read_holidays(struct loader *loader, const struct yaml_node *section)
{
    if (need_map(loader, section, "holidays") < 0)
        return -1;
    for (size_t i = 0; i < yaml_count(section); i++) {
        int number = define(loader, &loader->holidays, yaml_key(section, i), "holidays");
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
    if (need_list(loader, node, "weekdays") < 0)
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
    if (need_list(loader, node, "holidays") < 0)
        return -1;
    for (size_t i = 0; i < yaml_count(node); i++) {
        int number = refer(loader, &loader->holidays, yaml_item(node, i), "holidays");
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
    if (need_list(loader, node, "closed") < 0)
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
        need(loader, node, "a calendar", "weekdays", &weekday_node) < 0)
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

static int read_calendars(struct loader *loader, const struct yaml_node *section)
{
    if (need_map(loader, section, "calendars") < 0)
        return -1;
    for (size_t i = 0; i < yaml_count(section); i++) {
        int number = define(loader, &loader->calendars, yaml_key(section, i), "calendar");
        if (number < 0 || read_calendar(loader, loader->calendars.names[number], yaml_value(section, i)) < 0)
            return -1;
    }
    return 0;
}

static int read_calendar_name(struct loader *loader, const struct yaml_node *node,
                              const struct calendar **ret_calendar)
{
    int number = refer(loader, &loader->calendars, node, "calendar");
    if (number < 0)
        return -1;
    *ret_calendar = loader->rules->calendars[number];
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

static int read_office_calendar(struct loader *loader, const struct yaml_node *node)
{
    if (once(loader, &loader->office_calendar, node, "office_calendar") < 0)
        return -1;
    return read_calendar_name(loader, node, &loader->rules->office_calendar);
}

static int read_births(struct loader *loader, const struct yaml_node *node)
{
    if (once(loader, &loader->births, node, "births") < 0)
        return -1;
    return read_kinds(loader, node, "births", &loader->rules->births);
}

static int read_notice_time(struct loader *loader, const struct yaml_node *node)
{
    if (once(loader, &loader->notice_time, node, "notice_time") < 0)
        return -1;
    return value_time(node, "notice_time", &loader->rules->notice_time, loader->err);
}

// --- escalations ---

static bool cut_suffix(const char *text, const char *suffix, size_t *ret_length)
{
    size_t length = strlen(text), suffix_length = strlen(suffix);
    if (length <= suffix_length || strcmp(text + length - suffix_length, suffix) != 0)
        return false;
    *ret_length = length - suffix_length;
    return true;
}

// "breach", "DURATION before", "DURATION after".
static int read_stage_time(struct loader *loader, const struct yaml_node *node, struct stage *stage)
{
    const char *text;
    if (value_text(node, "at", CASEFILE_ID_MAX, &text, loader->err) < 0)
        return -1;
    if (strcmp(text, "breach") == 0) {
        stage->when = STAGE_BREACH;
        return 0;
    }
    size_t length;
    if (cut_suffix(text, " before", &length)) {
        stage->when = STAGE_BEFORE;
    } else if (cut_suffix(text, " after", &length)) {
        stage->when = STAGE_AFTER;
    } else {
        char quoted[YAML_QUOTE_SIZE];
        return yaml_error(node, loader->err,
                          "at must be \"breach\" or a duration and before or after, such as \"5 working days "
                          "before\", not \"%s\"",
                          yaml_quote(text, quoted));
    }
    struct error inner;
    if (duration_parse(text, length, &stage->offset, &inner) < 0)
        return yaml_error(node, loader->err, "at: %s", inner.text);
    return 0;
}

static int read_repeat(struct loader *loader, const struct yaml_node *node, struct duration *ret_every)
{
    if (value_duration(node, "every", ret_every, loader->err) < 0)
        return -1;
    for (int i = 0; i < ret_every->count; i++)
        if (ret_every->terms[i].amount < 0)
            return yaml_error(node, loader->err, "every: a repeat cannot subtract; write one duration");
    return 0;
}

static int read_stage(struct loader *loader, const struct yaml_node *node, struct stage *stage)
{
    static const char *const keys[] = {"at", "every", "missed", "to", NULL};
    const struct yaml_node *at, *to;
    if (yaml_check_keys(node, "a stage", keys, loader->err) < 0 ||
        need(loader, node, "a stage", "at", &at) < 0 || need(loader, node, "a stage", "to", &to) < 0 ||
        read_stage_time(loader, at, stage) < 0 ||
        read_texts(loader, to, "to", &stage->to, &stage->to_count) < 0)
        return -1;
    if (stage->to_count == 0)
        return yaml_error(to, loader->err, "to must name at least one role, such as [caseworker]");
    stage->place = keep_place(loader, node);
    const struct yaml_node *every = yaml_get(node, "every"), *missed = yaml_get(node, "missed");
    if (every && read_repeat(loader, every, &stage->every) < 0)
        return -1;
    if (missed && value_int(missed, "missed", 1, 1000, &stage->missed, loader->err) < 0)
        return -1;
    return 0;
}

static int read_escalation(struct loader *loader, const struct yaml_node *key, const struct yaml_node *node)
{
    int number = define(loader, &loader->escalations, key, "escalation");
    if (number < 0 || need_list(loader, node, "an escalation") < 0)
        return -1;
    if (yaml_count(node) == 0)
        return yaml_error(node, loader->err, "an escalation must have at least one stage");
    struct escalation *escalation = &loader->rules->escalations[loader->rules->escalation_count++];
    escalation->place = keep_place(loader, key);
    escalation->name = loader->escalations.names[number];
    escalation->stages = keep_array(loader, yaml_count(node), sizeof *escalation->stages);
    for (size_t i = 0; i < yaml_count(node); i++, escalation->stage_count++)
        if (read_stage(loader, yaml_item(node, i), &escalation->stages[i]) < 0)
            return -1;
    return 0;
}

static int read_escalations(struct loader *loader, const struct yaml_node *section)
{
    if (need_map(loader, section, "escalations") < 0)
        return -1;
    for (size_t i = 0; i < yaml_count(section); i++)
        if (read_escalation(loader, yaml_key(section, i), yaml_value(section, i)) < 0)
            return -1;
    return 0;
}

// --- due ---

enum due_position { IN_DUE, IN_THEN, IN_EARLIEST };

static int read_due(struct loader *loader, const struct yaml_node *node, enum due_position position,
                    struct due *due);

static int read_after(struct loader *loader, const struct yaml_node *node, struct due *due)
{
    return value_duration(node, "after", &due->after, loader->err);
}

// `event` and `at_start` say all by standing there.
static int read_true(struct loader *loader, const struct yaml_node *node, struct due *due)
{
    const char *what = due->form == DUE_EVENT ? "event" : "at_start";
    bool value;
    if (value_bool(node, what, &value, loader->err) < 0)
        return -1;
    if (!value)
        return yaml_error(node, loader->err, "%s is true or left out", what);
    return 0;
}

static int read_on(struct loader *loader, const struct yaml_node *node, struct due *due)
{
    return value_date(node, "on", &due->on, loader->err);
}

static int read_next(struct loader *loader, const struct yaml_node *node, struct due *due)
{
    return value_month_day(node, "next", &due->month, &due->day, loader->err);
}

static int read_end_of(struct loader *loader, const struct yaml_node *node, struct due *due)
{
    static const char *const periods[] = {"week", "month", "quarter", "year"};
    int period;
    if (value_choice(node, "end_of", periods, COUNT_OF(periods), &period, loader->err) < 0)
        return -1;
    due->end_of = (enum period)period;
    return 0;
}

// The set owns what it can free: the array doubles inside the arena, so that it is whole at any moment.
static void keep_recurrence(struct loader *loader, struct recurrence *recurrence)
{
    struct ruleset *rules = loader->rules;
    int count = rules->recurrence_count;
    if ((count & (count - 1)) == 0) { // 0 and the powers of two: full
        struct recurrence **larger = keep_array(loader, count ? 2 * (size_t)count : 1, sizeof *larger);
        if (count > 0)
            memcpy(larger, rules->recurrences, (size_t)count * sizeof *larger);
        rules->recurrences = larger;
    }
    rules->recurrences[rules->recurrence_count++] = recurrence;
}

static int read_every(struct loader *loader, const struct yaml_node *node, struct due *due)
{
    const char *text;
    struct error inner;
    if (value_text(node, "every", BASIS_MAX, &text, loader->err) < 0)
        return -1;
    if (recurrence_parse(text, strlen(text), &due->every, &inner) < 0)
        return yaml_error(node, loader->err, "every: %s", inner.text);
    keep_recurrence(loader, due->every);
    return 0;
}

static int read_same_as(struct loader *loader, const struct yaml_node *node, struct due *due)
{
    due->same_as = refer(loader, &loader->lines, node, "rule");
    return due->same_as < 0 ? -1 : 0;
}

static int read_on_day_of(struct loader *loader, const struct yaml_node *node, struct due *due)
{
    return read_kind(loader, node, "on_day_of", &due->on_day_of);
}

static int read_earliest(struct loader *loader, const struct yaml_node *node, struct due *due)
{
    if (need_list(loader, node, "earliest") < 0)
        return -1;
    if (yaml_count(node) == 0)
        return yaml_error(node, loader->err, "earliest must name at least one form");
    due->earliest = keep_array(loader, yaml_count(node), sizeof *due->earliest);
    for (size_t i = 0; i < yaml_count(node); i++, due->earliest_count++)
        if (read_due(loader, yaml_item(node, i), IN_EARLIEST, &due->earliest[i]) < 0)
            return -1;
    return 0;
}

static const struct {
    const char *key;
    enum due_form form;
    int (*read)(struct loader *loader, const struct yaml_node *node, struct due *due);
} due_forms[] = {
    {"after", DUE_AFTER, read_after},
    {"event", DUE_EVENT, read_true},
    {"on", DUE_ON, read_on},
    {"next", DUE_NEXT, read_next},
    {"end_of", DUE_END_OF, read_end_of},
    {"every", DUE_EVERY, read_every},
    {"at_start", DUE_AT_START, read_true},
    {"same_as", DUE_SAME_AS, read_same_as},
    {"earliest", DUE_EARLIEST, read_earliest},
    {"on_day_of", DUE_ON_DAY_OF, read_on_day_of},
};

static int read_form(struct loader *loader, const struct yaml_node *node, const char *what, struct due *due)
{
    const struct yaml_node *found = NULL;
    size_t form = 0;
    for (size_t i = 0; i < COUNT_OF(due_forms); i++) {
        const struct yaml_node *value = yaml_get(node, due_forms[i].key);
        if (value && found)
            return yaml_error(node, loader->err, "%s has both \"%s\" and \"%s\"; exactly one is allowed",
                              what, due_forms[form].key, due_forms[i].key);
        if (value) {
            found = value;
            form = i;
        }
    }
    if (found == NULL)
        return yaml_error(node, loader->err,
                          "%s must have one of after, event, on, next, end_of, every, at_start, same_as, "
                          "earliest, on_day_of (the last in earliest only)",
                          what);
    due->form = due_forms[form].form;
    return due_forms[form].read(loader, found, due);
}

static int read_modifiers(struct loader *loader, const struct yaml_node *node, struct due *due)
{
    static const char *const rolls[] = {"none", "forward", "backward"};
    static const char *const froms[] = {"anchor"};
    const struct yaml_node *roll = yaml_get(node, "roll"), *inclusive = yaml_get(node, "inclusive");
    const struct yaml_node *at = yaml_get(node, "at"), *from = yaml_get(node, "from");
    int choice = 0;
    due->at = DUE_END_OF_DAY;
    if (roll && value_choice(roll, "roll", rolls, COUNT_OF(rolls), &choice, loader->err) < 0)
        return -1;
    due->roll = choice == 2 ? -1 : choice;
    if (inclusive && value_bool(inclusive, "inclusive", &due->inclusive, loader->err) < 0)
        return -1;
    if (at && value_time(at, "at", &due->at, loader->err) < 0)
        return -1;
    if (from && value_choice(from, "from", froms, COUNT_OF(froms), &choice, loader->err) < 0)
        return -1;
    due->from_anchor = from != NULL;
    return 0;
}

// What has its place only in one of the positions.
static int check_position(struct loader *loader, const struct yaml_node *node, enum due_position position)
{
    static const struct {
        const char *key, *message;
        bool allowed[3];
    } placed[] = {
        {"from", "from stands only in then", {[IN_THEN] = true}},
        {"on_day_of", "on_day_of stands only inside earliest", {[IN_EARLIEST] = true}},
        {"earliest", "earliest cannot stand inside earliest", {[IN_DUE] = true, [IN_THEN] = true}},
        {"roll", "roll stands beside earliest, not inside it", {[IN_DUE] = true, [IN_THEN] = true}},
        {"at", "at stands beside earliest, not inside it", {[IN_DUE] = true, [IN_THEN] = true}},
    };
    for (size_t i = 0; i < COUNT_OF(placed); i++)
        if (yaml_get(node, placed[i].key) && !placed[i].allowed[position])
            return yaml_error(yaml_get(node, placed[i].key), loader->err, "%s", placed[i].message);
    return 0;
}

static int read_due(struct loader *loader, const struct yaml_node *node, enum due_position position,
                    struct due *due)
{
    static const char *const keys[] = {"after", "event",     "on",      "next",     "end_of",
                                       "every", "at_start",  "same_as", "earliest", "on_day_of",
                                       "roll",  "inclusive", "at",      "from",     NULL};
    static const char *const names[] = {"due", "then", "a form in earliest"};
    due->place = keep_place(loader, node);
    if (yaml_check_keys(node, names[position], keys, loader->err) < 0 ||
        check_position(loader, node, position) < 0 || read_form(loader, node, names[position], due) < 0)
        return -1;
    return read_modifiers(loader, node, due);
}

// --- rules ---

static const char *const rule_keys[] = {
    "id",        "code",       "title",  "basis",      "kind",       "valid",     "confidence",
    "confirmed", "sensitive",  "note",   "case_types", "start",      "stop",      "cancel",
    "pause",     "resume",     "extend", "reset",      "then",       "look_back", "only_if",
    "scope",     "version_by", "due",    "calendar",   "escalation", "examples",  NULL};

static const char *const rule_required[] = {"id",    "code",       "title", "basis", "kind",
                                            "valid", "confidence", "start", "due"};

// First pass: which ids there are, and how many versions of each.
static int declare_rules(struct loader *loader, const struct yaml_node *section)
{
    if (need_list(loader, section, "rules") < 0)
        return -1;
    for (size_t i = 0; i < yaml_count(section); i++) {
        const struct yaml_node *rule = yaml_item(section, i), *node;
        const char *id;
        if (yaml_check_keys(rule, "a rule", rule_keys, loader->err) < 0 ||
            need(loader, rule, "a rule", "id", &node) < 0 || read_name(loader, node, "id", &id) < 0)
            return -1;
        int line = names_find(&loader->lines, id);
        if (line < 0) {
            int count = loader->lines.count;
            MEMORY_GROW(loader->version_counts, count, loader->version_capacity);
            loader->version_counts[count] = 0;
            line = names_add(&loader->lines, keep(loader, id), keep_place(loader, node));
        }
        loader->version_counts[line]++;
    }
    return 0;
}

static int read_title(struct loader *loader, const struct yaml_node *node, struct rule *rule)
{
    static const char *const keys[] = {"da", "en", NULL};
    const struct yaml_node *da = node, *en = NULL;
    if (yaml_is_map(node)) {
        if (yaml_check_keys(node, "title", keys, loader->err) < 0 ||
            need(loader, node, "title", "da", &da) < 0)
            return -1;
        en = yaml_get(node, "en");
    }
    if (value_text(da, "title", TITLE_MAX, &rule->title_da, loader->err) < 0 ||
        (en && value_text(en, "title", TITLE_MAX, &rule->title_en, loader->err) < 0))
        return -1;
    rule->title_da = keep(loader, rule->title_da);
    rule->title_en = keep(loader, rule->title_en);
    return 0;
}

static int read_rule_kind(struct loader *loader, const struct yaml_node *node, struct rule *rule)
{
    const char *names[RULE_INFORMATION + 1];
    for (size_t i = 0; i < COUNT_OF(names); i++)
        names[i] = rules_kind_name((enum rule_kind)i);
    int kind;
    if (value_choice(node, "kind", names, COUNT_OF(names), &kind, loader->err) < 0)
        return -1;
    rule->kind = (enum rule_kind)kind;
    return 0;
}

static int read_valid(struct loader *loader, const struct yaml_node *node, struct rule *rule)
{
    static const char *const keys[] = {"from", "until", NULL};
    const struct yaml_node *from;
    if (yaml_check_keys(node, "valid", keys, loader->err) < 0 ||
        need(loader, node, "valid", "from", &from) < 0)
        return -1;
    return read_validity(loader, node, &rule->from, &rule->until);
}

static int read_confidence(struct loader *loader, const struct yaml_node *rule_node, struct rule *rule)
{
    static const char *const names[] = {"A", "B", "C"};
    const struct yaml_node *confirmed = yaml_get(rule_node, "confirmed");
    int choice;
    if (value_choice(yaml_get(rule_node, "confidence"), "confidence", names, COUNT_OF(names), &choice,
                     loader->err) < 0)
        return -1;
    rule->confidence = names[choice][0];
    if (confirmed && value_bool(confirmed, "confirmed", &rule->confirmed, loader->err) < 0)
        return -1;
    if (rule->confidence == 'C' && !rule->confirmed)
        warn(loader, rule->place,
             "the rule %s has confidence C and does nothing until it also says confirmed: true", rule->id);
    return 0;
}

// The code stands in topics and subject lines, where two rules with one code cannot be told apart.
static int read_code(struct loader *loader, const struct yaml_node *node, struct rule *rule)
{
    if (value_text(node, "code", CODE_MAX, &rule->code, loader->err) < 0)
        return -1;
    rule->code = keep(loader, rule->code);
    int number = names_find(&loader->codes, rule->code);
    if (number < 0) {
        MEMORY_GROW(loader->code_lines, loader->codes.count, loader->code_capacity);
        loader->code_lines[loader->codes.count] = rule->line;
        names_add(&loader->codes, rule->code, keep_place(loader, node));
    } else if (loader->code_lines[number] != rule->line) {
        warn(loader, keep_place(loader, node), "the code %s is also that of the rule %s; give each its own",
             rule->code, loader->lines.names[loader->code_lines[number]]);
    }
    return 0;
}

static int read_identity(struct loader *loader, const struct yaml_node *node, struct rule *rule)
{
    const struct yaml_node *note = yaml_get(node, "note"), *sensitive = yaml_get(node, "sensitive");
    if (value_text(yaml_get(node, "basis"), "basis", BASIS_MAX, &rule->basis, loader->err) < 0 ||
        read_code(loader, yaml_get(node, "code"), rule) < 0 ||
        read_title(loader, yaml_get(node, "title"), rule) < 0 ||
        read_rule_kind(loader, yaml_get(node, "kind"), rule) < 0 ||
        read_valid(loader, yaml_get(node, "valid"), rule) < 0 || read_confidence(loader, node, rule) < 0)
        return -1;
    rule->basis = keep(loader, rule->basis);
    if (sensitive && value_bool(sensitive, "sensitive", &rule->sensitive, loader->err) < 0)
        return -1;
    if (note == NULL)
        return 0;
    if (!yaml_is_text(note) || strlen(yaml_text(note, NULL)) > NOTE_MAX)
        return yaml_error(note, loader->err, "note must be a text of at most %d bytes", NOTE_MAX);
    rule->note = keep(loader, yaml_text(note, NULL));
    return 0;
}

// `start` alone may also name the breach of another rule.
static int read_start(struct loader *loader, const struct yaml_node *node, struct rule *rule)
{
    if (need_list(loader, node, "start") < 0)
        return -1;
    if (yaml_count(node) == 0)
        return yaml_error(node, loader->err, "start must name at least one kind of event");
    rule->start.kinds = keep_array(loader, yaml_count(node), sizeof *rule->start.kinds);
    rule->breach_of = keep_array(loader, yaml_count(node), sizeof *rule->breach_of);
    for (size_t i = 0; i < yaml_count(node); i++) {
        const struct yaml_node *item = yaml_item(node, i);
        const char *name;
        if (read_name(loader, item, "start", &name) < 0)
            return -1;
        if (!is_breach(name)) {
            int kind;
            if (read_kind(loader, item, "start", &kind) < 0)
                return -1;
            add_number(rule->start.kinds, &rule->start.count, kind);
            continue;
        }
        const char *id = name + strlen(BREACH_PREFIX);
        int line = names_find(&loader->lines, id);
        if (line < 0) {
            char quoted[YAML_QUOTE_SIZE];
            const char *nearest =
                nearest_name(id, strlen(id), loader->lines.names, (size_t)loader->lines.count);
            return yaml_error(item, loader->err, "start: unknown rule \"%s\" after " BREACH_PREFIX "%s%s%s",
                              yaml_quote(id, quoted), nearest ? "; did you mean \"" : "",
                              nearest ? nearest : "", nearest ? "\"?" : "");
        }
        add_number(rule->breach_of, &rule->breach_of_count, line);
    }
    return 0;
}

static int read_look_back(struct loader *loader, const struct yaml_node *node, struct rule *rule)
{
    const char *text = yaml_text(node, NULL);
    if (text && (strcmp(text, "true") == 0 || strcmp(text, "false") == 0))
        return value_bool(node, "look_back", &rule->look_back, loader->err);
    rule->look_back = true;
    return value_duration(node, "look_back", &rule->look_back_within, loader->err);
}

static int read_events(struct loader *loader, const struct yaml_node *node, struct rule *rule)
{
    const struct {
        const char *key;
        struct kind_list *kinds;
    } lists[] = {
        {"stop", &rule->stop},       {"cancel", &rule->cancel}, {"pause", &rule->pause},
        {"resume", &rule->resume},   {"extend", &rule->extend}, {"reset", &rule->reset},
        {"only_if", &rule->only_if},
    };
    if (read_start(loader, yaml_get(node, "start"), rule) < 0)
        return -1;
    for (size_t i = 0; i < COUNT_OF(lists); i++) {
        const struct yaml_node *list = yaml_get(node, lists[i].key);
        if (list && read_kinds(loader, list, lists[i].key, lists[i].kinds) < 0)
            return -1;
    }
    const struct yaml_node *look_back = yaml_get(node, "look_back");
    return look_back ? read_look_back(loader, look_back, rule) : 0;
}

static int read_scope(struct loader *loader, const struct yaml_node *node, struct rule *rule)
{
    static const char *const scopes[] = {"case"}, *const version_bys[] = {"due"};
    const struct yaml_node *scope = yaml_get(node, "scope"), *version_by = yaml_get(node, "version_by");
    const struct yaml_node *case_types = yaml_get(node, "case_types");
    int choice;
    if (scope && value_choice(scope, "scope", scopes, COUNT_OF(scopes), &choice, loader->err) < 0)
        return -1;
    if (version_by &&
        value_choice(version_by, "version_by", version_bys, COUNT_OF(version_bys), &choice, loader->err) < 0)
        return -1;
    rule->scope_case = scope != NULL;
    rule->version_by_due = version_by != NULL;
    return case_types
               ? read_texts(loader, case_types, "case_types", &rule->case_types, &rule->case_type_count)
               : 0;
}

static int read_dues(struct loader *loader, const struct yaml_node *node, struct rule *rule)
{
    const struct yaml_node *then = yaml_get(node, "then"), *calendar = yaml_get(node, "calendar");
    const struct yaml_node *escalation = yaml_get(node, "escalation");
    if (read_due(loader, yaml_get(node, "due"), IN_DUE, &rule->due) < 0 ||
        (then && read_due(loader, then, IN_THEN, &rule->then) < 0) ||
        (calendar && read_calendar_name(loader, calendar, &rule->calendar) < 0))
        return -1;
    if (escalation == NULL)
        return 0;
    int number = refer(loader, &loader->escalations, escalation, "escalation");
    if (number < 0)
        return -1;
    rule->escalation = &loader->rules->escalations[number];
    return 0;
}

// Their form is settled with the command that runs them; a rule's place leads back to them.
static int check_examples(struct loader *loader, const struct yaml_node *node)
{
    if (node == NULL)
        return 0;
    if (need_list(loader, node, "examples") < 0)
        return -1;
    for (size_t i = 0; i < yaml_count(node); i++)
        if (!yaml_is_map(yaml_item(node, i)))
            return yaml_error(yaml_item(node, i), loader->err,
                              "an example must be a map with its events and the deadlines expected of them");
    return 0;
}

static int read_rule(struct loader *loader, const struct yaml_node *node)
{
    const struct yaml_node *present;
    for (size_t i = 0; i < COUNT_OF(rule_required); i++)
        if (need(loader, node, "a rule", rule_required[i], &present) < 0)
            return -1;
    struct rule *rule = keep_array(loader, 1, sizeof *rule);
    rule->place = keep_place(loader, node);
    rule->line = names_find(&loader->lines, yaml_text(yaml_get(node, "id"), NULL));
    struct rule_line *line = &loader->rules->lines[rule->line];
    rule->id = line->id;
    if (read_identity(loader, node, rule) < 0 || read_scope(loader, node, rule) < 0 ||
        read_events(loader, node, rule) < 0 || read_dues(loader, node, rule) < 0 ||
        check_examples(loader, yaml_get(node, "examples")) < 0)
        return -1;
    line->versions[line->version_count++] = rule;
    return 0;
}

static int read_rules(struct loader *loader, const struct yaml_node *section)
{
    for (size_t i = 0; i < yaml_count(section); i++)
        if (read_rule(loader, yaml_item(section, i)) < 0)
            return -1;
    return 0;
}

// --- all sections through all files ---

static size_t count_entries(const struct loader *loader, const char *section)
{
    size_t count = 0;
    for (size_t i = 0; i < loader->source_count; i++) {
        const struct yaml_node *root = yaml_root(loader->sources[i].yaml);
        const struct yaml_node *node = root ? yaml_get(root, section) : NULL;
        count += node ? yaml_count(node) : 0;
    }
    return count;
}

static int check_top_keys(struct loader *loader)
{
    static const char *const keys[] = {"holidays",    "calendars",   "office_calendar", "births",
                                       "notice_time", "escalations", "rules",           NULL};
    for (size_t i = 0; i < loader->source_count; i++) {
        const struct yaml_node *root = yaml_root(loader->sources[i].yaml);
        if (root && yaml_check_keys(root, "a file of rules", keys, loader->err) < 0)
            return -1;
    }
    return 0;
}

static int read_section(struct loader *loader, const char *section,
                        int (*read)(struct loader *loader, const struct yaml_node *node))
{
    for (size_t i = 0; i < loader->source_count; i++) {
        const struct yaml_node *root = yaml_root(loader->sources[i].yaml);
        const struct yaml_node *node = root ? yaml_get(root, section) : NULL;
        loader->file = loader->sources[i].file;
        if (node && read(loader, node) < 0)
            return -1;
    }
    return 0;
}

static void make_lines(struct loader *loader)
{
    struct ruleset *rules = loader->rules;
    rules->line_count = loader->lines.count;
    rules->lines = keep_array(loader, (size_t)rules->line_count, sizeof *rules->lines);
    for (int i = 0; i < rules->line_count; i++) {
        rules->lines[i].id = loader->lines.names[i];
        rules->lines[i].versions =
            keep_array(loader, (size_t)loader->version_counts[i], sizeof *rules->lines[i].versions);
    }
}

static int compare_versions(const void *left, const void *right)
{
    const struct rule *a = *(struct rule *const *)left, *b = *(struct rule *const *)right;
    return (a->from > b->from) - (a->from < b->from);
}

static int read_sources(struct loader *loader)
{
    struct ruleset *rules = loader->rules;
    rules->notice_time = 8 * 3600;
    if (check_top_keys(loader) < 0)
        return -1;
    rules->calendars = keep_array(loader, count_entries(loader, "calendars"), sizeof(struct calendar *));
    rules->escalations = keep_array(loader, count_entries(loader, "escalations"), sizeof *rules->escalations);
    if (read_section(loader, "holidays", read_holidays) < 0 ||
        read_section(loader, "calendars", read_calendars) < 0 ||
        read_section(loader, "office_calendar", read_office_calendar) < 0 ||
        read_section(loader, "births", read_births) < 0 ||
        read_section(loader, "notice_time", read_notice_time) < 0 ||
        read_section(loader, "escalations", read_escalations) < 0 ||
        read_section(loader, "rules", declare_rules) < 0)
        return -1;
    make_lines(loader);
    if (read_section(loader, "rules", read_rules) < 0)
        return -1;
    for (int i = 0; i < rules->line_count; i++)
        qsort(rules->lines[i].versions, (size_t)rules->lines[i].version_count, sizeof(struct rule *),
              compare_versions);
    rules->kind_count = loader->kinds.count;
    rules->kinds = keep_array(loader, (size_t)rules->kind_count, sizeof *rules->kinds);
    for (int i = 0; i < rules->kind_count; i++)
        rules->kinds[i] = loader->kinds.names[i];
    return rules_finish(rules, loader->err);
}

static struct source *add_source(struct loader *loader, const char *file)
{
    MEMORY_GROW(loader->sources, loader->source_count, loader->source_capacity);
    struct source *source = &loader->sources[loader->source_count++];
    *source = (struct source){NULL, keep(loader, file)};
    return source;
}

static void loader_done(struct loader *loader)
{
    for (size_t i = 0; i < loader->source_count; i++)
        yaml_close(loader->sources[i].yaml);
    free(loader->sources);
    names_done(&loader->kinds);
    names_done(&loader->holidays);
    names_done(&loader->calendars);
    names_done(&loader->escalations);
    names_done(&loader->lines);
    names_done(&loader->codes);
    free(loader->holiday_lists);
    free(loader->version_counts);
    free(loader->code_lines);
}

// --- finding the files ---

struct paths {
    char **paths;
    size_t count, capacity;
};

static void paths_done(struct paths *paths)
{
    for (size_t i = 0; i < paths->count; i++)
        free(paths->paths[i]);
    free(paths->paths);
}

static bool ends_in(const char *name, const char *suffix)
{
    size_t length;
    return cut_suffix(name, suffix, &length);
}

static int collect(struct loader *loader, const char *directory, int depth, struct paths *paths);

static int collect_entry(struct loader *loader, const char *path, int depth, struct paths *paths)
{
    struct stat st;
    if (stat(path, &st) < 0)
        return error_set(loader->err, "%s: cannot be read: %s", path, strerror(errno));
    if (S_ISDIR(st.st_mode))
        return collect(loader, path, depth + 1, paths);
    if (!ends_in(path, ".yaml") && !ends_in(path, ".yml"))
        return 0;
    if (paths->count == RULES_FILES_MAX)
        return error_set(loader->err, "%s: more than %d files of rules", path, RULES_FILES_MAX);
    MEMORY_GROW(paths->paths, paths->count, paths->capacity);
    paths->paths[paths->count++] = memory_copy(path, strlen(path));
    return 0;
}

static int collect(struct loader *loader, const char *directory, int depth, struct paths *paths)
{
    if (depth > RULES_DEPTH_MAX)
        return error_set(loader->err, "%s: more than %d folders below each other; does a link lead back?",
                         directory, RULES_DEPTH_MAX);
    DIR *dir = opendir(directory);
    if (dir == NULL)
        return error_set(loader->err, "%s: cannot be opened: %s", directory, strerror(errno));
    struct buffer path = {0};
    struct dirent *entry;
    int result = 0;
    errno = 0;
    while (result == 0 && (entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] != '.') {
            buffer_clear(&path);
            buffer_format(&path, "%s/%s", directory, entry->d_name);
            result = collect_entry(loader, path.data, depth, paths);
        }
        errno = 0;
    }
    if (result == 0 && errno != 0)
        result = error_set(loader->err, "%s: cannot be read: %s", directory, strerror(errno));
    buffer_done(&path);
    closedir(dir);
    return result;
}

static int compare_paths(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static int read_directory(struct loader *loader, const char *directory)
{
    struct paths paths = {0};
    int result = collect(loader, directory, 0, &paths);
    if (paths.count > 0)
        qsort(paths.paths, paths.count, sizeof *paths.paths, compare_paths);
    for (size_t i = 0; i < paths.count && result == 0; i++) {
        if (ends_in(paths.paths[i], ".yaml"))
            result = yaml_read_file(paths.paths[i], &add_source(loader, paths.paths[i])->yaml, loader->err);
        else
            warn(loader, (struct place){paths.paths[i], 1, 1},
                 "left out: files of rules end in .yaml; rename it");
    }
    if (result == 0 && loader->source_count == 0)
        result = error_set(loader->err, "%s: holds no files of rules (*.yaml)", directory);
    paths_done(&paths);
    return result;
}

static int finish(struct loader *loader, int result)
{
    if (result == 0)
        result = read_sources(loader);
    loader_done(loader);
    if (result < 0)
        rules_done(loader->rules);
    return result;
}

int rules_load(const char *directory, const struct zone *zone,
               void (*on_warning)(void *data, const char *text), void *data, struct ruleset *ret_rules,
               struct error *err)
{
    *ret_rules = (struct ruleset){.zone = zone};
    struct loader loader = {.rules = ret_rules, .err = err, .on_warning = on_warning, .data = data};
    return finish(&loader, read_directory(&loader, directory));
}

int rules_fingerprint(const char *directory, const char *zone_name, char ret_fingerprint[MESSAGE_KEY_SIZE],
                      struct error *err)
{
    struct loader loader = {.err = err};
    struct paths paths = {0};
    struct buffer text = {0};
    int result = collect(&loader, directory, 0, &paths);
    if (paths.count > 0)
        qsort(paths.paths, paths.count, sizeof *paths.paths, compare_paths);
    char sum[MESSAGE_KEY_SIZE], of_file[MESSAGE_KEY_SIZE];
    message_key(&zone_name, 1, sum);
    for (size_t i = 0; i < paths.count && result == 0; i++) {
        if (!ends_in(paths.paths[i], ".yaml"))
            continue;
        buffer_clear(&text);
        result = file_read(paths.paths[i], YAML_FILE_MAX, &text, NULL, err);
        const char *content = text.data ? text.data : "";
        const char *both[] = {sum, message_key(&content, 1, of_file)};
        message_key(both, 2, ret_fingerprint);
        memcpy(sum, ret_fingerprint, sizeof sum);
    }
    memcpy(ret_fingerprint, sum, sizeof sum);
    buffer_done(&text);
    paths_done(&paths);
    return result;
}

int rules_load_texts(const struct rules_text *texts, size_t count, const struct zone *zone,
                     void (*on_warning)(void *data, const char *text), void *data, struct ruleset *ret_rules,
                     struct error *err)
{
    *ret_rules = (struct ruleset){.zone = zone};
    struct loader loader = {.rules = ret_rules, .err = err, .on_warning = on_warning, .data = data};
    int result = 0;
    for (size_t i = 0; i < count && result == 0; i++)
        result = yaml_read_text(texts[i].name, texts[i].text, texts[i].length,
                                &add_source(&loader, texts[i].name)->yaml, err);
    return finish(&loader, result);
}
