// SPDX-License-Identifier: MPL-2.0
// fristd check: is everything that the service needs right? Each part is one function in the list below.
#include "command/check.h"

#include "command/command.h"
#include "command/mail_sample.h"
#include "command/report_sample.h"
#include "core/example.h"
#include "core/utf8.h"
#include "shell/reports_file.h"
#include "shell/rules_file.h"
#include "shell/templates.h"
#include "shell/yaml.h"

#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

static const char help[] =
    "usage: fristd check [--config FILE] [--database] [--reach] [--json]\n"
    "\n"
    "Looks at the configuration (default " DEFAULT_CONFIG
    "), the rules, the mail templates and the reports that\n"
    "it names, runs the examples in the rules, and says what is wrong and where. Nothing is changed and\n"
    "nothing is sent. Examples are run here alone; run and evaluate only read them.\n"
    "\n"
    "  --config FILE  another configuration\n"
    "  --database     also the case database: does it fit the contract, is every role held, what is wrong\n"
    "                 with its data, which kinds of event does no rule know, which rules never start or are\n"
    "                 never done; reads every case once\n"
    "  --reach        also, with --database: is there somebody to tell at each step of each open deadline, "
    "today\n"
    "                 and through the next eight weeks of known absences? Lists what will reach nobody: "
    "unit,\n"
    "                 roles, code of the rule, days, number of cases\n"
    "  --json         the result as one JSON object\n"
    "\n"
    "Exit status: 0 all good, perhaps with warnings; 1 a step will reach nobody; 2 something is wrong.\n";

// --- what was found ---

struct check_report {
    bool json;
    bool good, found;
    const char *part; // being looked at
    json_t *parts;    // what was said, for --json
    json_t *current;
};

// jansson takes well-formed UTF-8 only; a path need not be.
static json_t *json_text(const char *text)
{
    struct buffer clean = {0};
    utf8_add_clean(&clean, text, strlen(text), UTF8_ONE_LINE);
    json_t *json = json_string(clean.data);
    buffer_done(&clean);
    return json;
}

static void begin_part(struct check_report *report, const char *part)
{
    report->part = part;
    if (report->json) {
        report->current = json_pack("{s:s, s:b, s:[], s:[]}", "part", part, "good", 1, "warnings", "errors");
        json_array_append_new(report->parts, report->current);
    }
}

void check_good(struct check *check, const char *format, ...)
{
    struct check_report *report = check->report;
    struct buffer text = {0};
    va_list ap;
    va_start(ap, format);
    buffer_vformat(&text, format, ap);
    va_end(ap);
    if (report->json)
        json_object_set_new(report->current, "summary", json_text(text.data));
    else
        printf("%s: good: %s\n", report->part, text.data);
    buffer_done(&text);
}

void check_warning(struct check *check, const char *text)
{
    struct check_report *report = check->report;
    if (report->json)
        json_array_append_new(json_object_get(report->current, "warnings"), json_text(text));
    else
        printf("%s: warning: %s\n", report->part, text);
}

void check_error(struct check *check, const struct error *err)
{
    struct check_report *report = check->report;
    report->good = false;
    if (report->json) {
        json_object_set_new(report->current, "good", json_false());
        json_array_append_new(json_object_get(report->current, "errors"), json_text(err->text));
        return;
    }
    printf("%s: wrong:\n", report->part);
    yaml_print_error(stdout, err);
}

static json_t *roles_of(const struct stage *stage)
{
    json_t *roles = json_array();
    for (int i = 0; i < stage->to_count; i++)
        json_array_append_new(roles, json_text(stage->to[i]));
    return roles;
}

void check_hole(struct check *check, const struct reach_hole *hole)
{
    struct check_report *report = check->report;
    struct buffer days = {0}, lost = {0};
    reach_days(check->reach_today, hole->days, &days);
    reach_days(check->reach_today, hole->lost, &lost);
    report->found = true;
    if (report->json) {
        json_t *holes = json_object_get(report->current, "holes");
        if (holes == NULL)
            json_object_set_new(report->current, "holes", holes = json_array());
        json_array_append_new(holes,
                              json_pack("{s:o, s:s, s:o, s:s, s:s, s:i}", "unit", json_text(hole->unit),
                                        "code", hole->code, "roles", roles_of(hole->stage), "days", days.data,
                                        "nobody_at_all", lost.length ? lost.data : "", "cases", hole->cases));
    } else {
        printf("%s: nobody: unit %s, rule %s, step to ", report->part, *hole->unit ? hole->unit : "-",
               hole->code);
        for (int i = 0; i < hole->stage->to_count; i++)
            printf("%s%s", i > 0 ? "+" : "", hole->stage->to[i]);
        printf(": %s (%d case%s)%s%s\n", days.data, hole->cases, hole->cases == 1 ? "" : "s",
               lost.length ? "; nor any later step: " : "", lost.length ? lost.data : "");
    }
    buffer_done(&days);
    buffer_done(&lost);
}

// --- the parts ---

static void say_hours(struct check *check, const char *unit, const struct office_hours *hours)
{
    struct buffer text = {0};
    office_hours_phrase(hours, LANGUAGE_EN, &text);
    if (unit)
        check_good(check, "in %s and the units below it: %s", unit, text.data);
    else
        check_good(check, "mail that is not urgent goes %s", text.data);
    buffer_done(&text);
}

static void check_rhythm(struct check *check)
{
    const struct rhythm *rhythm = &check->config.rhythm;
    say_hours(check, NULL, &rhythm->hours);
    for (size_t i = 0; i < rhythm->unit_count; i++)
        say_hours(check, rhythm->units[i].unit, &rhythm->units[i].hours);
}

static void check_configuration(struct check *check)
{
    struct error err;
    if (config_load(check->config_path, &check->config, &err) < 0 ||
        zone_load(check->config.zone, &check->zone, &err) < 0) {
        check_error(check, &err);
        return;
    }
    for (size_t i = 0; i < check->config.warning_count; i++)
        check_warning(check, check->config.warnings[i]);
    check_good(check, "site %s, %s", check->config.site, check->config_path);
    check_rhythm(check);
}

static void on_rules_warning(void *data, const char *text)
{
    check_warning(data, text);
}

// Runs all examples of one version of a rule; the number of those that failed.
static int run_examples(struct check *check, struct evaluator *evaluator, const struct rule *rule)
{
    int failed = 0;
    for (int i = 0; i < rule->example_count; i++) {
        struct error err;
        if (example_run(evaluator, check->zone, rule, &rule->examples[i], &err) < 0) {
            check_error(check, &err);
            failed++;
        }
    }
    return failed;
}

// Rules that are switched off run theirs too: the examples show what they would do.
static int check_examples(struct check *check, int *ret_examples)
{
    struct ruleset rules;
    struct error err;
    int failed = 0, examples = 0;
    if (rules_load_confirmed(check->config.rules_dir, check->zone, &rules, &err) < 0) {
        check_error(check, &err);
        return -1;
    }
    struct evaluator *evaluator = evaluator_new(&rules);
    for (int i = 0; i < rules.line_count; i++)
        for (int k = 0; k < rules.lines[i].version_count; k++) {
            examples += rules.lines[i].versions[k]->example_count;
            failed += run_examples(check, evaluator, rules.lines[i].versions[k]);
        }
    evaluator_free(evaluator);
    rules_done(&rules);
    *ret_examples = examples;
    return failed > 0 ? -1 : 0;
}

static void check_rules(struct check *check)
{
    struct error err;
    int examples;
    if (rules_load(check->config.rules_dir, check->zone, on_rules_warning, check, &check->rules, &err) < 0) {
        check_error(check, &err);
        return;
    }
    if (check_examples(check, &examples) < 0)
        return;
    int versions = 0;
    for (int i = 0; i < check->rules.line_count; i++)
        versions += check->rules.lines[i].version_count;
    check_good(check, "%d rules in %d versions, %d examples, %d escalations, %d calendars",
               check->rules.line_count, versions, examples, check->rules.escalation_count,
               check->rules.calendar_count);
}

// False after saying which mail of which template is empty.
static bool try_mails(struct check *check, const struct wording *wording, const struct zone *zone,
                      enum language language)
{
    bool good = true;
    for (enum mail_kind kind = 0; kind < MAIL_KINDS; kind++) {
        const struct mail_sample *sample;
        for (size_t i = 0; good && (sample = mail_sample_at(kind, i)); i++) {
            struct sampled_mail mail = {.entry = CIVIL_NONE};
            mail_sample_word(wording, zone, language, kind, i, &mail);
            if (mail.text.subject.length == 0 || mail.text.text.length == 0 || mail.text.html.length == 0) {
                struct error err;
                error_set(&err, "%s/%s/%s: subject, text or HTML says nothing at all of the sample %s",
                          check->config.templates_dir, language == LANGUAGE_DA ? "da" : "en",
                          mail_kind_name(kind), sample->name);
                check_error(check, &err);
                good = false;
            }
            mail_text_done(&mail.text);
        }
    }
    return good;
}

static void check_templates(struct check *check)
{
    static const enum language languages[] = {LANGUAGE_DA, LANGUAGE_EN};
    bool good = true;
    for (size_t i = 0; i < sizeof languages / sizeof languages[0]; i++) {
        struct wording *wording;
        struct error err;
        if (templates_load(check->config.templates_dir, languages[i], &wording, &err) < 0) {
            check_error(check, &err);
            good = false;
        } else {
            good &= check->zone == NULL || try_mails(check, wording, check->zone, languages[i]);
            wording_free(wording);
        }
    }
    if (good)
        check_good(check, "da, en");
}

// Each template is tried with everything a mail made from it can be about.
static void try_templates(struct check *check, const struct report *report, enum language language)
{
    for (int sample = 0; sample < REPORT_SAMPLES; sample++) {
        struct mail_text text = {0};
        bool own = strcmp(report->recipients[0], "caseworker") == 0;
        report_sample_word(report->templates, &report->content, NULL, (enum report_sample)sample, own,
                           check->zone, language, &text);
        if (text.subject.length == 0 || text.text.length == 0 || text.html.length == 0) {
            struct error err;
            error_set(&err, "%s:%d:%d: the template %s says nothing at all", report->place.file,
                      report->place.line, report->place.column, report->template);
            check_error(check, &err);
            sample = REPORT_SAMPLES;
        }
        mail_text_done(&text);
    }
}

static void check_reports(struct check *check)
{
    static const enum language languages[] = {LANGUAGE_DA, LANGUAGE_EN};
    size_t count = 0;
    if (check->rules.line_count == 0)
        return; // the rules are wrong, and said to be
    for (size_t i = 0; i < sizeof languages / sizeof languages[0]; i++) {
        struct report_set set;
        struct error err;
        if (reports_load(check->config.reports, check->config.templates_dir, languages[i], &check->rules,
                         &set, &err) < 0) {
            check_error(check, &err);
            return;
        }
        for (size_t k = 0; k < set.count; k++)
            try_templates(check, &set.reports[k], languages[i]);
        count = set.count;
        reports_done(&set);
    }
    if (check->config.reports)
        check_good(check, "%zu", count);
    else
        check_good(check, "none are configured");
}

static void check_reach(struct check *check)
{
    size_t count;
    if (check->reach_today == CIVIL_NONE)
        return; // the database could not be read, and that is said
    const struct reach_hole *holes = reach_finish(check->reach, &count);
    for (size_t i = 0; i < count; i++)
        check_hole(check, &holes[i]);
    char today[CIVIL_DATE_SIZE], last[CIVIL_DATE_SIZE];
    civil_format_date(check->reach_today, today);
    civil_format_date(check->reach_today + REACH_DAYS - 1, last);
    if (count == 0)
        check_good(check, "every step of every open deadline reaches somebody, %s – %s", today, last);
    else
        check_good(check, "looked at %s – %s; %zu steps will reach nobody", today, last,
                   count + reach_left_out(check->reach));
}

static const struct {
    const char *name;
    check_part look;
} parts[] = {
    {"configuration", check_configuration}, // the others need it
    {"rules", check_rules},
    {"templates", check_templates},
    {"reports", check_reports},
    {"database", check_database}, // only when they are asked for
    {"reach", check_reach},
};

static bool is_asked_for(const struct check *check, check_part part, bool with_database)
{
    return (part != check_database || with_database) && (part != check_reach || check->reach);
}

static void look_at_all(struct check *check, bool with_database)
{
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (i > 0 && check->zone == NULL)
            return;
        if (!is_asked_for(check, parts[i].look, with_database))
            continue;
        begin_part(check->report, parts[i].name);
        parts[i].look(check);
    }
}

static int run(const char *config_path, bool with_database, bool with_reach, bool json)
{
    struct check_report report = {.json = json, .good = true, .parts = json ? json_array() : NULL};
    struct check check = {.config_path = config_path, .report = &report, .reach_today = CIVIL_NONE};
    check.reach = with_reach ? reach_new() : NULL;
    look_at_all(&check, with_database);
    if (json) {
        json_t *result = json_pack("{s:b, s:o}", "good", report.good, "parts", report.parts);
        json_dumpf(result, stdout, JSON_INDENT(2));
        putchar('\n');
        json_decref(result);
    }
    reach_free(check.reach);
    rules_done(&check.rules);
    zone_free(check.zone);
    config_done(&check.config);
    return !report.good ? EXIT_USAGE : report.found ? EXIT_FOUND : EXIT_GOOD;
}

int command_check(int argc, char **argv)
{
    static const struct option known[] = {
        {"config", required_argument, NULL, 'c'}, {"database", no_argument, NULL, 'd'},
        {"reach", no_argument, NULL, 'r'},        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0}};
    const char *config_path = DEFAULT_CONFIG;
    bool with_database = false, with_reach = false, json = false;
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        switch (option) {
        case 'c':
            config_path = optarg;
            break;
        case 'd':
            with_database = true;
            break;
        case 'r':
            with_database = with_reach = true;
            break;
        case 'j':
            json = true;
            break;
        case 'h':
            fputs(help, stdout);
            return EXIT_GOOD;
        default:
            fputs(help, stderr);
            return EXIT_USAGE;
        }
    }
    if (optind != argc) {
        fprintf(stderr, "fristd check: \"%s\" is not expected\n\n%s", argv[optind], help);
        return EXIT_USAGE;
    }
    return run(config_path, with_database, with_reach, json);
}
