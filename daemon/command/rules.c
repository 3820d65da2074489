// SPDX-License-Identifier: MPL-2.0
// fristd rules: what the rules are, as a table for people and as JSON for scripts.
#include "command/command.h"
#include "core/example.h"
#include "core/utf8.h"
#include "shell/rules_file.h"

#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

static const char help[] =
    "usage: fristd rules --rules DIR [--json]\n"
    "\n"
    "Lists the rules below DIR in the order of their ids: each version with its code, kind, confidence,\n"
    "days of validity, legal basis and title. A rule that is switched off has \"off\" beside it.\n"
    "\n"
    "  --rules DIR  the rules: all *.yaml below DIR\n"
    "  --json       everything about them: kinds of events, dates, notes, what the examples expect\n"
    "  --zone NAME  the time zone (default Europe/Copenhagen)\n";

// --- a due in words ---

static void say_duration(struct buffer *words, const struct duration *duration)
{
    static const char *const units[][2] = {
        [UNIT_HOURS] = {"hour", "hours"},    [UNIT_WORKING_DAYS] = {"working day", "working days"},
        [UNIT_DAYS] = {"day", "days"},       [UNIT_WEEKS] = {"week", "weeks"},
        [UNIT_MONTHS] = {"month", "months"}, [UNIT_YEARS] = {"year", "years"},
    };
    for (int i = 0; i < duration->count; i++) {
        int amount = duration->terms[i].amount, size = amount < 0 ? -amount : amount;
        if (i > 0)
            buffer_add_string(words, amount < 0 ? " - " : " + ");
        buffer_format(words, "%d %s", size, units[duration->terms[i].unit][size != 1]);
    }
}

static void say_due(struct buffer *words, const struct ruleset *rules, const struct due *due);

static void say_form(struct buffer *words, const struct ruleset *rules, const struct due *due)
{
    static const char *const periods[] = {[PERIOD_WEEK] = "week",
                                          [PERIOD_MONTH] = "month",
                                          [PERIOD_QUARTER] = "quarter",
                                          [PERIOD_YEAR] = "year"};
    char date[CIVIL_DATE_SIZE];
    switch (due->form) {
    case DUE_NONE:
        break;
    case DUE_AFTER:
        say_duration(words, &due->after);
        break;
    case DUE_EVENT:
        buffer_add_string(words, "the event's date");
        break;
    case DUE_ON:
        buffer_add_string(words, civil_format_date(due->on, date));
        break;
    case DUE_NEXT:
        buffer_format(words, "the next %02d-%02d", due->month, due->day);
        break;
    case DUE_END_OF:
        buffer_format(words, "the end of the %s", periods[due->end_of]);
        break;
    case DUE_EVERY:
        buffer_format(words, "every %s", due->every_text);
        break;
    case DUE_AT_START:
        buffer_add_string(words, "at the start");
        break;
    case DUE_SAME_AS:
        buffer_format(words, "as %s", rules->lines[due->same_as].id);
        break;
    case DUE_EARLIEST:
        for (int i = 0; i < due->earliest_count; i++) {
            buffer_add_string(words, i > 0 ? " or " : "");
            say_due(words, rules, &due->earliest[i]);
        }
        buffer_add_string(words, due->earliest_count > 1 ? ", the earliest" : "");
        break;
    case DUE_ON_DAY_OF:
        buffer_format(words, "the day of %s", rules->kinds[due->on_day_of]);
        break;
    }
}

static void say_due(struct buffer *words, const struct ruleset *rules, const struct due *due)
{
    say_form(words, rules, due);
    if (due->inclusive)
        buffer_add_string(words, ", the first day counted");
    if (due->from_anchor)
        buffer_add_string(words, " from the anchor before");
    if (due->roll != 0)
        buffer_add_string(words, due->roll > 0 ? ", rolls forward" : ", rolls backward");
    if (due->at != DUE_END_OF_DAY)
        buffer_format(words, ", at %02d:%02d", due->at / 3600, due->at / 60 % 60);
}

// --- JSON ---

// jansson takes well-formed UTF-8 only; NULL is null.
static json_t *json_text(const char *text)
{
    if (text == NULL)
        return json_null();
    struct buffer clean = {0};
    utf8_add_clean(&clean, text, strlen(text), UTF8_ONE_LINE);
    json_t *json = json_string(clean.data);
    buffer_done(&clean);
    return json;
}

static json_t *json_date(civil_date date)
{
    char text[CIVIL_DATE_SIZE];
    return date == CIVIL_NONE ? json_null() : json_string(civil_format_date(date, text));
}

static json_t *json_due(const struct ruleset *rules, const struct due *due)
{
    if (due->form == DUE_NONE)
        return json_null();
    struct buffer words = {0};
    say_due(&words, rules, due);
    json_t *json = json_text(words.data);
    buffer_done(&words);
    return json;
}

static json_t *json_kinds(const struct ruleset *rules, const struct kind_list *list)
{
    json_t *kinds = json_array();
    for (int i = 0; i < list->count; i++)
        json_array_append_new(kinds, json_text(rules->kinds[list->kinds[i]]));
    return kinds;
}

static json_t *json_day_of(const struct ruleset *rules, const struct rule *rule)
{
    json_t *kinds = json_array();
    for (int kind = 0; kind < rules->kind_count; kind++)
        if (rule->roles[kind] & ROLE_DAY_OF)
            json_array_append_new(kinds, json_text(rules->kinds[kind]));
    return kinds;
}

static json_t *json_examples(const struct rule *rule)
{
    json_t *examples = json_array();
    for (int i = 0; i < rule->example_count; i++) {
        const struct example *example = &rule->examples[i];
        json_t *states = json_array();
        for (size_t k = 0; k < example->deadline_count; k++)
            if (example->deadlines[k].has_state)
                json_array_append_new(states, json_string(deadline_state_name(example->deadlines[k].state)));
        json_array_append_new(examples,
                              json_pack("{s:o, s:o}", "name", json_text(example->name), "states", states));
    }
    return examples;
}

static void add_events(json_t *json, const struct ruleset *rules, const struct rule *rule)
{
    const struct {
        const char *key;
        const struct kind_list *kinds;
    } lists[] = {{"start", &rule->start}, {"stop", &rule->stop},      {"cancel", &rule->cancel},
                 {"pause", &rule->pause}, {"resume", &rule->resume},  {"extend", &rule->extend},
                 {"reset", &rule->reset}, {"only_if", &rule->only_if}};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        json_object_set_new(json, lists[i].key, json_kinds(rules, lists[i].kinds));
    json_object_set_new(json, "day_of", json_day_of(rules, rule));
    json_t *breach_of = json_array();
    for (int i = 0; i < rule->breach_of_count; i++)
        json_array_append_new(breach_of, json_text(rules->lines[rule->breach_of[i]].id));
    json_object_set_new(json, "breach_of", breach_of);
}

static json_t *json_muted_by(const struct ruleset *rules, const struct rule *rule)
{
    json_t *list = json_array();
    for (int i = 0; i < rule->muted_by_count; i++)
        json_array_append_new(list, json_pack("{s:o, s:b}", "rule",
                                              json_text(rules->lines[rule->muted_by[i].line].id),
                                              "any_subject", rule->muted_by[i].any_subject));
    return list;
}

static json_t *json_rule(const struct ruleset *rules, const struct rule *rule)
{
    const char confidence[2] = {rule->confidence, '\0'};
    json_t *json = json_pack("{s:o, s:o, s:o, s:o, s:o, s:s, s:s, s:b, s:b, s:b}", "id", json_text(rule->id),
                             "code", json_text(rule->code), "title", json_text(rule->title_da), "title_en",
                             json_text(rule->title_en), "basis", json_text(rule->basis), "kind",
                             rules_kind_name(rule->kind), "confidence", confidence, "on",
                             !rule_is_inert(rule), "sensitive", rule->sensitive, "urgent", rule->urgent);
    json_object_set_new(json, "from", json_date(rule->from));
    json_object_set_new(json, "until", json_date(rule->until));
    add_events(json, rules, rule);
    json_object_set_new(json, "due", json_due(rules, &rule->due));
    json_object_set_new(json, "then", json_due(rules, &rule->then));
    json_object_set_new(json, "calendar", json_text(rule->calendar ? calendar_name(rule->calendar) : NULL));
    json_object_set_new(json, "escalation", json_text(rule->escalation ? rule->escalation->name : NULL));
    json_object_set_new(json, "muted_by", json_muted_by(rules, rule));
    json_object_set_new(json, "note", json_text(rule->note));
    json_object_set_new(json, "examples", json_examples(rule));
    return json;
}

// --- the list ---

static void print_rule(const struct rule *rule)
{
    char from[CIVIL_DATE_SIZE], until[CIVIL_DATE_SIZE];
    printf("%-5s %-12s %c%-4s %s..%-10s  %s\n", rule->code, rules_kind_name(rule->kind), rule->confidence,
           rule_is_inert(rule) ? " off" : "", civil_format_date(rule->from, from),
           rule->until == CIVIL_NONE ? "" : civil_format_date(rule->until, until), rule->id);
    printf("%46s%s; %s\n", "", rule->title_da, rule->basis);
}

static void list_line(const struct ruleset *rules, const struct rule_line *line, json_t *json)
{
    for (int i = 0; i < line->version_count; i++)
        if (json)
            json_array_append_new(json, json_rule(rules, line->versions[i]));
        else
            print_rule(line->versions[i]);
}

static void list_rules(const struct ruleset *rules, bool as_json)
{
    json_t *json = as_json ? json_array() : NULL;
    for (int rank = 0; rank < rules->line_count; rank++)
        for (int i = 0; i < rules->line_count; i++)
            if (rules->lines[i].rank == rank)
                list_line(rules, &rules->lines[i], json);
    if (json) {
        json_dumpf(json, stdout, JSON_INDENT(2));
        putchar('\n');
    }
    json_decref(json);
}

static int list(const char *directory, const char *zone_name, bool as_json)
{
    struct zone *zone = NULL;
    struct ruleset rules = {0};
    struct error err;
    int status = EXIT_GOOD;
    if (zone_load(zone_name, &zone, &err) < 0 || rules_load(directory, zone, NULL, NULL, &rules, &err) < 0) {
        fprintf(stderr, "fristd rules: %s\n", err.text);
        status = EXIT_USAGE;
    } else {
        list_rules(&rules, as_json);
    }
    rules_done(&rules);
    zone_free(zone);
    return status;
}

int command_rules(int argc, char **argv)
{
    static const struct option known[] = {{"rules", required_argument, NULL, 'r'},
                                          {"json", no_argument, NULL, 'j'},
                                          {"zone", required_argument, NULL, 'z'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    const char *directory = NULL, *zone = "Europe/Copenhagen";
    bool as_json = false;
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        switch (option) {
        case 'r':
            directory = optarg;
            break;
        case 'j':
            as_json = true;
            break;
        case 'z':
            zone = optarg;
            break;
        case 'h':
            fputs(help, stdout);
            return EXIT_GOOD;
        default:
            fputs(help, stderr);
            return EXIT_USAGE;
        }
    }
    if (directory == NULL || optind != argc) {
        fprintf(stderr, "fristd rules: %s\n\n%s",
                directory ? "only options are expected" : "--rules is missing", help);
        return EXIT_USAGE;
    }
    return list(directory, zone, as_json);
}
