// SPDX-License-Identifier: MPL-2.0
//
// A table is made by sorting the messages by what its rows stand for and counting along.
#include "command/replay_sums.h"

#include "core/phrases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// What is counted of messages: when they came, or with two rule sets which there is only one of.
enum column { BEFORE, AT_DUE, AFTER, OTHER, FEWER, MORE, COLUMNS };

struct sums_row {
    const struct replay_message *message; // one of those counted
    size_t counts[COLUMNS], all;
    size_t days, most; // on how many days; how many on the fullest of them
};

struct sums_table {
    struct sums_row *rows;
    size_t count, capacity;
};

typedef int compare_messages(const struct replay_message *a, const struct replay_message *b);

static int compare_rules(const struct replay_message *a, const struct replay_message *b)
{
    int order = strcmp(a->code, b->code);
    return order ? order : strcmp(a->rule, b->rule);
}

static int compare_persons(const struct replay_message *a, const struct replay_message *b)
{
    int order = strcmp(a->person_id, b->person_id);
    return order ? order : strcmp(a->role, b->role);
}

static int compare_months(const struct replay_message *a, const struct replay_message *b)
{
    struct ymd left = civil_to_ymd(a->day), right = civil_to_ymd(b->day);
    return left.year != right.year ? left.year - right.year : left.month - right.month;
}

static int by_day(const struct replay_message *a, const struct replay_message *b)
{
    return (a->day > b->day) - (a->day < b->day);
}

// For qsort over pointers to messages: what the rows stand for, then the day.
#define SORT_BY(NAME, COMPARE)                                                                               \
    static int NAME(const void *left, const void *right)                                                     \
    {                                                                                                        \
        const struct replay_message *a = *(const struct replay_message *const *)left;                        \
        const struct replay_message *b = *(const struct replay_message *const *)right;                       \
        int order = COMPARE(a, b);                                                                           \
        return order ? order : by_day(a, b);                                                                 \
    }

SORT_BY(sort_by_rule, compare_rules)
SORT_BY(sort_by_person, compare_persons)
SORT_BY(sort_by_month, compare_months)

// The three tables.
static const struct grouping {
    const char *key, *danish, *english;
    compare_messages *compare;
    int (*sort)(const void *left, const void *right);
} groupings[] = {
    {"by_rule", "Efter regel", "By rule", compare_rules, sort_by_rule},
    {"by_person", "Efter person", "By person", compare_persons, sort_by_person},
    {"by_month", "Efter måned", "By month", compare_months, sort_by_month},
};

#define GROUPING_COUNT (sizeof groupings / sizeof groupings[0])

static enum column column_of(const struct replay_message *message)
{
    if (message->change != MESSAGE_STANDS)
        return message->change == MESSAGE_FEWER ? FEWER : MORE;
    if (*message->rule == '\0')
        return OTHER;
    if (message->happening == TRANSITION_APPROACHING)
        return BEFORE;
    return message->happening == TRANSITION_ESCALATED ? AFTER : AT_DUE;
}

static struct sums_table tabulate(const struct replay_report *report, const struct grouping *by)
{
    const struct replay_messages *all = &report->messages;
    const struct replay_message **pointers = memory_alloc((all->count + 1) * sizeof *pointers);
    struct sums_table table = {0};
    size_t count = 0, today = 0;
    for (size_t i = 0; i < all->count; i++)
        if (all->messages[i].person_id)
            pointers[count++] = &all->messages[i];
    qsort(pointers, count, sizeof *pointers, by->sort);
    for (size_t i = 0; i < count; i++) {
        bool new_row = i == 0 || by->compare(pointers[i - 1], pointers[i]) != 0;
        if (new_row) {
            MEMORY_GROW(table.rows, table.count, table.capacity);
            table.rows[table.count++] = (struct sums_row){.message = pointers[i]};
        }
        struct sums_row *row = &table.rows[table.count - 1];
        today = new_row || pointers[i - 1]->day != pointers[i]->day ? 1 : today + 1;
        row->days += today == 1;
        row->most = today > row->most ? today : row->most;
        row->counts[column_of(pointers[i])]++;
        row->all++;
    }
    free(pointers);
    return table;
}

static size_t count_unreached(const struct replay_report *report)
{
    size_t count = 0;
    for (size_t i = 0; i < report->messages.count; i++)
        count += report->messages.messages[i].person_id == NULL;
    return count;
}

// --- text ---

static const char *in(const struct replay_report *report, const char *da, const char *en)
    __attribute__((format_arg(2), format_arg(3)));

static const char *in(const struct replay_report *report, const char *da, const char *en)
{
    return report->language == LANGUAGE_DA ? da : en;
}

static void print_name(const struct replay_report *report, const struct sums_row *row,
                       const struct grouping *by)
{
    const struct replay_message *message = row->message;
    if (by->compare == compare_months) {
        struct ymd ymd = civil_to_ymd(message->day);
        printf("%04d-%02d\n", ymd.year, ymd.month);
    } else if (by->compare == compare_persons) {
        printf("%s (%s)\n", message->person_id, phrase_role(report->language, message->role));
    } else if (*message->rule) {
        printf("%s %s (%s)\n", message->code, message->title, message->rule);
    } else {
        printf("%s\n", in(report, "Status på frister ved start", "Backlog report at the start"));
    }
}

static void print_table(const struct replay_report *report, const struct grouping *by)
{
    struct sums_table table = tabulate(report, by);
    if (table.count > 0) {
        printf("\n%s\n", in(report, by->danish, by->english));
        if (report->against)
            printf("%s\n", in(report, "  bortfalder  kommer til", "       fewer        more"));
        else
            printf("%s\n", in(report, "     før  ved frist   efter    i alt   dage  flest",
                              "  before     at due   after      all   days   most"));
    }
    for (size_t i = 0; i < table.count; i++) {
        const struct sums_row *row = &table.rows[i];
        if (report->against)
            printf("%12zu%12zu  ", row->counts[FEWER], row->counts[MORE]);
        else
            printf("%8zu%11zu%8zu%9zu%7zu%7zu  ", row->counts[BEFORE], row->counts[AT_DUE],
                   row->counts[AFTER], row->all, row->days, row->most);
        print_name(report, row, by);
    }
    free(table.rows);
}

static void print_totals(const struct replay_report *report)
{
    printf("\n");
    printf(in(report, "Sager: %zu\n", "Cases: %zu\n"), report->cases);
    if (report->against) {
        size_t kinds[DIFFERENCE_VANISHED + 1] = {0};
        for (size_t i = 0; i < report->differences.count; i++)
            kinds[report->differences.kept[i].difference.kind]++;
        printf(in(report, "Frister: %zu flyttet, %zu med anden status, %zu nye, %zu væk\n",
                  "Deadlines: %zu moved, %zu with another state, %zu new, %zu gone\n"),
               kinds[DIFFERENCE_MOVED], kinds[DIFFERENCE_STATE], kinds[DIFFERENCE_APPEARED],
               kinds[DIFFERENCE_VANISHED]);
        printf(in(report, "Beskeder: %zu før, %zu nu\n", "Messages: %zu before, %zu now\n"),
               report->totals[0], report->totals[1]);
    } else
        printf(in(report, "Beskeder: %zu\n", "Messages: %zu\n"), report->totals[0]);
    size_t unreached = count_unreached(report);
    if (unreached > 0)
        printf(in(report, "Trin, der ikke nåede nogen: %zu\n", "Steps that reached nobody: %zu\n"),
               unreached);
    if (report->against && report->muted[0] + report->muted[1] > 0)
        printf(in(report, "Trin, som en større frist taler for: %zu før, %zu nu\n",
                  "Steps muted by a larger problem: %zu before, %zu now\n"),
               report->muted[0], report->muted[1]);
    else if (report->muted[0] > 0)
        printf(in(report, "Trin, som en større frist taler for: %zu\n",
                  "Steps muted by a larger problem: %zu\n"),
               report->muted[0]);
    for (int code = 0; code < FAULT_CODES; code++)
        if (report->faults[code] > 0)
            printf(in(report, "Fejl i data, %s: %zu\n", "Faults in the data, %s: %zu\n"),
                   fault_name((enum fault_code)code), report->faults[code]);
    if (report->bad > 0)
        printf(in(report, "Ulæselige sager eller linjer: %zu\n", "Unreadable cases or lines: %zu\n"),
               report->bad);
}

void replay_sums_print_text(const struct replay_report *report)
{
    print_totals(report);
    for (size_t i = 0; i < GROUPING_COUNT; i++)
        print_table(report, &groupings[i]);
}

// --- JSON ---

static void name_row(json_t *object, const struct replay_message *message, const struct grouping *by)
{
    if (by->compare == compare_months) {
        char day[CIVIL_DATE_SIZE];
        json_object_set_new(object, "month", json_stringn(civil_format_date(message->day, day), 7));
    } else if (by->compare == compare_persons) {
        json_object_set_new(object, "person_id", json_string(message->person_id));
        json_object_set_new(object, "role", json_string(message->role));
    } else {
        json_object_set_new(object, "rule", json_string(message->rule));
        json_object_set_new(object, "code", json_string(message->code));
    }
}

static json_t *json_table(const struct replay_report *report, const struct grouping *by)
{
    static const char *const names[COLUMNS] = {"before", "at_due", "after", "backlog", "fewer", "more"};
    struct sums_table table = tabulate(report, by);
    json_t *list = json_array();
    for (size_t i = 0; i < table.count; i++) {
        const struct sums_row *row = &table.rows[i];
        json_t *object = json_object();
        name_row(object, row->message, by);
        for (int k = report->against ? FEWER : 0; k < (report->against ? COLUMNS : FEWER); k++)
            json_object_set_new(object, names[k], json_integer((json_int_t)row->counts[k]));
        json_object_set_new(object, "messages", json_integer((json_int_t)row->all));
        json_object_set_new(object, "days", json_integer((json_int_t)row->days));
        json_object_set_new(object, "most_on_one_day", json_integer((json_int_t)row->most));
        json_array_append_new(list, object);
    }
    free(table.rows);
    return list;
}

json_t *replay_sums_json(const struct replay_report *report)
{
    json_t *faults = json_object();
    for (int code = 0; code < FAULT_CODES; code++)
        if (report->faults[code] > 0)
            json_object_set_new(faults, fault_name((enum fault_code)code),
                                json_integer((json_int_t)report->faults[code]));
    json_t *sums = json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:o}", "what", "sums", "cases",
                             (json_int_t)report->cases, "unreadable", (json_int_t)report->bad, "messages",
                             (json_int_t)report->totals[0], "unreached", (json_int_t)count_unreached(report),
                             "muted", (json_int_t)report->muted[0], "data_faults", faults);
    if (report->against) {
        json_object_set_new(sums, "muted_against", json_integer((json_int_t)report->muted[1]));
        json_object_set_new(sums, "messages_against", json_integer((json_int_t)report->totals[1]));
        json_object_set_new(sums, "differences", json_integer((json_int_t)report->differences.count));
    }
    for (size_t i = 0; i < GROUPING_COUNT; i++)
        json_object_set_new(sums, groupings[i].key, json_table(report, &groupings[i]));
    return sums;
}
