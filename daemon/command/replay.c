// SPDX-License-Identifier: MPL-2.0
// fristd replay: years of history on a virtual clock, and every message that would have been sent. Case by
// case: memory grows with what is reported, not with the number of cases.
#include "core/replay.h"
#include "command/command.h"
#include "command/replay_report.h"
#include "command/replay_source.h"
#include "shell/config.h"
#include "shell/rules_file.h"

#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "usage: fristd replay --from DATE --to DATE [--against DIR] [--rules DIR] [--sums]\n"
    "                     [--language da|en] [--json] [--config FILE] [--cases FILE --people FILE]\n"
    "\n"
    "Runs the rules over history on a virtual clock, as if the service had been started on the first\n"
    "day, and lists every message that it would have sent, by day, rule and person, with sums. Events\n"
    "are known from the second at which they occurred. People, absences and who has which case are as\n"
    "they are now; nobody has acknowledged anything; a day to come shows what is sent if nothing happens\n"
    "until then. Reports on faults in the data are not listed, the faults are counted. Reads the case\n"
    "database in one snapshot; writes nothing, sends nothing and needs no journal.\n"
    "\n"
    "  --from DATE         the first day, such as 2024-01-01\n"
    "  --to DATE           the last day\n"
    "  --against DIR       lists instead what would be otherwise with the rules in DIR: deadlines that\n"
    "                      move, change their state, are new or gone, and messages that are no longer\n"
    "                      sent or new\n"
    "  --rules DIR         default: those of the configuration\n"
    "  --sums              the sums alone\n"
    "  --language da|en    default: that of the mails\n"
    "  --json              one JSON object a message and line, the sums last\n"
    "  --cases FILE        cases from lines of JSON as `fristd evaluate` reads them, not from the case\n"
    "                      database; \"-\" is standard input. With --rules no configuration is needed\n"
    "  --people FILE       with --cases: lines {\"person_id\":…, \"unit\":…, \"role\":…, \"away_from\":…,\n"
    "                      \"away_until\":…, \"substitute\":…} and {\"unit\":…, \"parent\":…}\n"
    "  --zone NAME         with --cases and --rules: the time zone (default Europe/Copenhagen)\n"
    "  --config FILE       default " DEFAULT_CONFIG "\n"
    "\n"
    "Exit status: 0 good, 1 some case or line could not be read or, with --against, something is\n"
    "otherwise, 2 wrong usage or configuration, or the case database away.\n";

struct options {
    const char *config_path, *from, *to, *rules, *against, *language, *cases, *people, *zone;
    bool json, sums, help;
};

// One set of rules and what it makes of the case at hand.
struct side {
    struct replaying *replaying;
    struct ruleset rules;
    struct replay *replay;
    struct replay_messages messages; // of the case
};

struct replaying {
    const struct options *options;
    struct config config;
    struct zone *zone;
    struct side sides[2]; // the second: --against
    int side_count;
    instant from;
    struct people people;
    struct replay_report report;
};

static int wrong_usage(const char *what, const char *which)
{
    fprintf(stderr, "fristd replay: %s%s\n`fristd replay --help` says more.\n", what, which);
    return -1;
}

static int check_options(const struct options *options)
{
    if (options->from == NULL || options->to == NULL)
        return wrong_usage(options->from ? "--to" : "--from", " is missing");
    if (options->language && strcmp(options->language, "da") != 0 && strcmp(options->language, "en") != 0)
        return wrong_usage("--language is da or en, not ", options->language);
    if ((options->cases == NULL) != (options->people == NULL))
        return wrong_usage(
            options->cases ? "--cases needs --people beside it" : "--people needs --cases beside it", "");
    if (options->cases && strcmp(options->cases, "-") == 0 && strcmp(options->people, "-") == 0)
        return wrong_usage("standard input is --cases or --people, not both", "");
    if (options->zone && !(options->cases && options->rules))
        return wrong_usage("--zone goes with --cases and --rules; else the configuration has it", "");
    return 0;
}

static int read_options(int argc, char **argv, struct options *ret_options)
{
    static const struct option known[] = {{"config", required_argument, NULL, 'c'},
                                          {"from", required_argument, NULL, 'f'},
                                          {"to", required_argument, NULL, 't'},
                                          {"rules", required_argument, NULL, 'r'},
                                          {"against", required_argument, NULL, 'a'},
                                          {"language", required_argument, NULL, 'l'},
                                          {"cases", required_argument, NULL, 'C'},
                                          {"people", required_argument, NULL, 'P'},
                                          {"zone", required_argument, NULL, 'z'},
                                          {"sums", no_argument, NULL, 's'},
                                          {"json", no_argument, NULL, 'j'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    struct options options = {.config_path = DEFAULT_CONFIG};
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;)
        switch (option) {
        case 'c':
            options.config_path = optarg;
            break;
        case 'f':
            options.from = optarg;
            break;
        case 't':
            options.to = optarg;
            break;
        case 'r':
            options.rules = optarg;
            break;
        case 'a':
            options.against = optarg;
            break;
        case 'l':
            options.language = optarg;
            break;
        case 'C':
            options.cases = optarg;
            break;
        case 'P':
            options.people = optarg;
            break;
        case 'z':
            options.zone = optarg;
            break;
        case 's':
            options.sums = true;
            break;
        case 'j':
            options.json = true;
            break;
        case 'h':
            options.help = true;
            break;
        default: // getopt has said what is wrong
            return wrong_usage("wrong usage", "");
        }
    if (optind < argc)
        return wrong_usage("nothing more is expected, not ", argv[optind]);
    *ret_options = options;
    return options.help ? 0 : check_options(&options);
}

// --- messages ---

static const char *title_of(const struct replaying *replaying, const struct rule *rule)
{
    return replaying->report.language == LANGUAGE_EN && rule->title_en ? rule->title_en : rule->title_da;
}

static void add_message(struct side *side, const struct replay_message *message)
{
    struct replay_messages *messages = &side->messages;
    MEMORY_GROW(messages->messages, messages->count, messages->capacity);
    messages->messages[messages->count++] = *message;
}

static void on_step(void *data, const struct replay_step *step)
{
    struct side *side = data;
    const struct rule *rule = step->deadline->rule;
    struct replay_message message = {
        .day = zone_date(side->replaying->zone, step->at),
        .at = step->at,
        .rule = rule->id,
        .code = rule->code,
        .title = title_of(side->replaying, rule),
        .rule_kind = rule->kind,
        .case_id = step->casefile->id,
        .subject = step->deadline->subject,
        .occurrence = step->deadline->occurrence,
        .happening = step->happening->kind,
        .due_at = step->deadline->due_at,
    };
    for (size_t i = 0; i < step->addressees->count; i++) {
        message.person_id = step->addressees->recipients[i].person_id;
        message.role = step->addressees->recipients[i].role;
        message.instead_of = step->addressees->recipients[i].instead_of;
        add_message(side, &message);
    }
    if (step->addressees->nobody) {
        message.person_id = message.instead_of = NULL;
        message.role = rule->escalation->stages[step->happening->stages[0].stage].to[0];
        add_message(side, &message);
    }
}

static void on_backlog_report(void *data, const struct person *leader, const char *facts)
{
    (void)facts;
    struct side *side = data;
    struct replaying *replaying = side->replaying;
    add_message(side, &(struct replay_message){.day = zone_date(replaying->zone, replaying->from),
                                               .at = replaying->from,
                                               .rule = "",
                                               .code = "",
                                               .case_id = "",
                                               .subject = "",
                                               .due_at = INSTANT_NONE,
                                               .person_id = leader->id,
                                               .role = leader->role});
}

static void on_own_backlog(void *data, const char *caseworker, const struct recipient *recipient,
                           const char *facts)
{
    (void)caseworker;
    if (recipient)
        on_backlog_report(data, &(struct person){.id = recipient->person_id, .role = recipient->role}, facts);
}

static void count_messages(struct replaying *replaying)
{
    for (int i = 0; i < replaying->side_count; i++)
        for (size_t k = 0; k < replaying->sides[i].messages.count; k++)
            replaying->report.totals[i] += replaying->sides[i].messages.messages[k].person_id != NULL;
}

static void keep(struct replaying *replaying, struct replay_message *message, enum message_change change)
{
    message->change = change;
    replay_report_keep(&replaying->report, message);
}

// Those that only one side has.
static void keep_changes(struct replaying *replaying)
{
    struct replay_messages *before = &replaying->sides[0].messages, *after = &replaying->sides[1].messages;
    replay_messages_sort(before);
    replay_messages_sort(after);
    size_t b = 0, a = 0;
    while (b < before->count || a < after->count) {
        int order = b == before->count  ? 1
                    : a == after->count ? -1
                                        : replay_message_compare(&before->messages[b], &after->messages[a]);
        if (order < 0)
            keep(replaying, &before->messages[b], MESSAGE_FEWER);
        else if (order > 0)
            keep(replaying, &after->messages[a], MESSAGE_MORE);
        b += order <= 0;
        a += order >= 0;
    }
}

// What was collected of one case goes into the report.
static void settle(struct replaying *replaying)
{
    count_messages(replaying);
    if (replaying->options->against)
        keep_changes(replaying);
    else
        for (size_t i = 0; i < replaying->sides[0].messages.count; i++)
            keep(replaying, &replaying->sides[0].messages.messages[i], MESSAGE_STANDS);
    for (int i = 0; i < replaying->side_count; i++)
        replaying->sides[i].messages.count = 0;
}

// --- the cases ---

static void on_people(void *data, const struct people *people)
{
    struct replaying *replaying = data;
    people_copy(&replaying->people, people);
    people_finish(&replaying->people);
    for (int i = 0; i < replaying->side_count; i++) {
        struct side *side = &replaying->sides[i];
        struct error err;
        if (notices_check_roles(&side->rules, &replaying->people, &err) < 0)
            fprintf(stderr, "fristd replay: %s\n", err.text);
        side->replay = replay_new(&(struct replay_options){.rules = &side->rules,
                                                           .people = &replaying->people,
                                                           .from = replaying->from,
                                                           .until = replaying->report.until,
                                                           .on_step = on_step,
                                                           .data = side});
    }
}

struct differing_case {
    struct replay_report *report;
    const char *case_id;
};

static void on_difference(void *data, const struct deadline_difference *difference)
{
    const struct differing_case *differing = data;
    difference_list_add(&differing->report->differences, differing->case_id, difference);
}

static void on_case(void *data, const struct casefile *casefile)
{
    struct replaying *replaying = data;
    const struct evaluation *evaluation = NULL;
    replaying->report.cases++;
    for (int i = 0; i < replaying->side_count; i++) {
        evaluation = replay_case(replaying->sides[i].replay, casefile);
        replaying->report.muted[i] = replay_muted(replaying->sides[i].replay);
        for (size_t k = 0; k < evaluation->fault_count && i == 0; k++)
            replaying->report.faults[evaluation->faults[k].code]++;
    }
    if (replaying->options->against) {
        struct differing_case differing = {&replaying->report, casefile->id};
        size_t count;
        const struct known_deadline *before = replay_known(replaying->sides[0].replay, &count);
        differences_find(before, count, evaluation, replaying->from, on_difference, &differing);
    }
    settle(replaying);
}

static void on_bad(void *data, const struct replay_bad *bad)
{
    struct replaying *replaying = data;
    replaying->report.bad++;
    if (replaying->options->json) {
        json_t *object = json_pack("{s:s, s:s?, s:s?, s:s?, s:s?}", "what", "fault", "fault", bad->fault,
                                   "case_id", bad->case_id, "event_id", bad->event_id, "reason", bad->reason);
        if (bad->file)
            json_object_update_new(object,
                                   json_pack("{s:s, s:I}", "file", bad->file, "line", (json_int_t)bad->line));
        json_dumpf(object, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
        putchar('\n');
        json_decref(object);
    } else if (bad->file)
        fprintf(stderr, "fristd replay: %s:%ld: %s\n", bad->file, bad->line, bad->reason);
    else
        fprintf(stderr, "fristd replay: case %s: %s%s%s\n", bad->case_id, bad->fault, bad->reason ? ": " : "",
                bad->reason ? bad->reason : "");
}

// --- the whole ---

static int read_days(struct replaying *replaying, struct error *err)
{
    const struct options *options = replaying->options;
    struct replay_report *report = &replaying->report;
    if (civil_parse_date(options->from, strlen(options->from), &report->from) < 0)
        return error_set(err, "--from must be a date such as 2024-01-01, not %s", options->from);
    if (civil_parse_date(options->to, strlen(options->to), &report->to) < 0)
        return error_set(err, "--to must be a date such as 2025-12-31, not %s", options->to);
    if (report->to < report->from)
        return error_set(err, "--to %s is before --from %s", options->to, options->from);
    replaying->from = zone_to_instant(replaying->zone, report->from, 0);
    report->until = zone_to_instant(replaying->zone, report->to, SECONDS_PER_DAY - 1);
    return 0;
}

static void warn(void *data, const char *text)
{
    (void)data;
    fprintf(stderr, "fristd replay: %s\n", text);
}

static int add_side(struct replaying *replaying, const char *directory, struct error *err)
{
    struct side *side = &replaying->sides[replaying->side_count];
    side->replaying = replaying;
    if (rules_load(directory, replaying->zone, warn, NULL, &side->rules, err) < 0)
        return -1;
    replaying->side_count++;
    return 0;
}

static int load(struct replaying *replaying, struct error *err)
{
    const struct options *options = replaying->options;
    bool configured = !(options->cases && options->rules);
    if (configured && config_load(options->config_path, &replaying->config, err) < 0)
        return -1;
    const char *zone = configured      ? replaying->config.zone
                       : options->zone ? options->zone
                                       : "Europe/Copenhagen";
    struct replay_report *report = &replaying->report;
    report->language = configured ? replaying->config.language : LANGUAGE_DA;
    if (options->language)
        report->language = strcmp(options->language, "en") == 0 ? LANGUAGE_EN : LANGUAGE_DA;
    report->json = options->json;
    report->sums_only = options->sums;
    report->against = options->against != NULL;
    if (zone_load(zone, &replaying->zone, err) < 0)
        return -1;
    report->zone = replaying->zone;
    if (read_days(replaying, err) < 0 ||
        add_side(replaying, options->rules ? options->rules : replaying->config.rules_dir, err) < 0)
        return -1;
    return options->against ? add_side(replaying, options->against, err) : 0;
}

static int replay(struct replaying *replaying, struct error *err)
{
    const struct options *options = replaying->options;
    if (load(replaying, err) < 0)
        return -1;
    struct replay_source source = {.casedb = options->cases ? NULL : &replaying->config.casedb,
                                   .cases = options->cases,
                                   .people = options->people,
                                   .zone = replaying->zone,
                                   .data = replaying,
                                   .on_people = on_people,
                                   .on_case = on_case,
                                   .on_bad = on_bad};
    if (replay_source_read(&source, err) < 0)
        return -1;
    for (int i = 0; i < replaying->side_count && replaying->sides[i].replay; i++) {
        struct side *side = &replaying->sides[i];
        const struct backlog *backlog = replay_backlog(side->replay);
        backlog_reports(backlog, &side->rules, &replaying->people, on_backlog_report, side);
        backlog_own_reports(backlog, &side->rules, &replaying->people, replaying->from, on_own_backlog, side);
    }
    settle(replaying);
    replay_report_print(&replaying->report);
    return 0;
}

static int found(const struct replaying *replaying)
{
    const struct replay_report *report = &replaying->report;
    bool otherwise = report->against && (report->differences.count > 0 || report->messages.count > 0);
    return report->bad > 0 || otherwise ? EXIT_FOUND : EXIT_GOOD;
}

int command_replay(int argc, char **argv)
{
    struct options options;
    if (read_options(argc, argv, &options) < 0)
        return EXIT_USAGE;
    if (options.help) {
        fputs(help, stdout);
        return EXIT_GOOD;
    }
    struct replaying replaying = {.options = &options};
    struct error err;
    int status = EXIT_USAGE;
    if (replay(&replaying, &err) < 0)
        fprintf(stderr, "fristd replay: %s\n", err.text);
    else
        status = found(&replaying);
    replay_report_done(&replaying.report);
    for (int i = 0; i < 2; i++) {
        replay_free(replaying.sides[i].replay);
        free(replaying.sides[i].messages.messages);
        rules_done(&replaying.sides[i].rules);
    }
    people_done(&replaying.people);
    zone_free(replaying.zone);
    config_done(&replaying.config);
    return status;
}
