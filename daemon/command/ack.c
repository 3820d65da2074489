// SPDX-License-Identifier: MPL-2.0
// fristd ack: acknowledgements given, ended and listed. The journal's own functions check and write; a daemon
// that runs hears of it at once.
#include "command/command.h"
#include "command/journal_ask.h"
#include "core/utf8.h"
#include "shell/config.h"
#include "shell/rules_file.h"
#include "shell/zone_file.h"

#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char help[] =
    "usage: fristd ack CASE --until DATE --by PERSON --reason CODE [--rule RULE] [--subject SUBJECT] [--note "
    "TEXT]\n"
    "       fristd ack --list [CASE]\n"
    "       fristd ack --end NUMBER --by PERSON\n"
    "\n"
    "Acknowledges what is open in a case: whoever has been told is not told again until the date. The clock "
    "goes\n"
    "on, and a level that has not been told yet is told when its step comes; its mail says who acknowledged, "
    "why\n"
    "and until when. When the date has come and it is not done, it is told again. What begins later in the "
    "case\n"
    "is not covered. A new acknowledgement takes the place of an older one.\n"
    "\n"
    "  --until DATE       it comes back on that day, at notice_time; or an instant, \"2026-05-22T15:30\"\n"
    "  --by PERSON        whose it is: a person id of the case database\n"
    "  --reason CODE      in_progress, awaiting_citizen, awaiting_others, meeting_booked, "
    "registration_pending,\n"
    "                     data_error, no_capacity, other\n"
    "  --rule RULE        this rule alone, by its id or its code; default: all that is open in the case\n"
    "  --subject SUBJECT  this subject alone; \"\" is the case as a whole\n"
    "  --note TEXT        words of your own: they stay in the journal, and are in no mail, event or log\n"
    "  --list             those that hold, of one case or of all\n"
    "  --end NUMBER       ends one before its date\n"
    "  --at INSTANT       as if it were given then, for rehearsals with `fristd run --once --at`\n"
    "  --json             for programs\n"
    "  --config FILE      default " DEFAULT_CONFIG "\n"
    "\n"
    "Exit status: 0 good, 1 refused (and said why), 2 wrong usage or configuration, or the journal is "
    "away.\n";

struct options {
    const char *config_path, *case_id, *until, *by, *reason, *rule, *subject, *note, *at, *end;
    bool list, json, help;
};

struct work {
    const struct options *options;
    struct config config;
    struct zone *zone;
    instant now, until;
    int64_t number;
    char *problem; // why it is refused; NULL: it is not
    json_t *rows;
};

static int wrong_usage(const char *what)
{
    fprintf(stderr, "fristd ack: %s\n`fristd ack --help` says more.\n", what);
    return -1;
}

static int check_usage(const struct options *options, int extra)
{
    if (options->help)
        return 0;
    if (extra > 0)
        return wrong_usage("one case at a time");
    if (options->list)
        return options->end || options->until ? wrong_usage("--list stands alone") : 0;
    if (options->end)
        return options->by ? options->case_id ? wrong_usage("--end takes a number alone") : 0
                           : wrong_usage("who ends it? --by PERSON");
    if (options->case_id == NULL)
        return wrong_usage("which case?");
    if (options->until == NULL || options->by == NULL || options->reason == NULL)
        return wrong_usage("--until, --by and --reason are needed");
    return 0;
}

static int read_options(int argc, char **argv, struct options *ret_options)
{
    static const struct option known[] = {{"config", required_argument, NULL, 'c'},
                                          {"until", required_argument, NULL, 'u'},
                                          {"by", required_argument, NULL, 'b'},
                                          {"reason", required_argument, NULL, 'w'},
                                          {"rule", required_argument, NULL, 'r'},
                                          {"subject", required_argument, NULL, 's'},
                                          {"note", required_argument, NULL, 'n'},
                                          {"at", required_argument, NULL, 'a'},
                                          {"end", required_argument, NULL, 'e'},
                                          {"list", no_argument, NULL, 'l'},
                                          {"json", no_argument, NULL, 'j'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    struct options options = {.config_path = DEFAULT_CONFIG, .note = ""};
    const struct {
        int option;
        const char **value;
    } values[] = {{'c', &options.config_path}, {'u', &options.until}, {'b', &options.by},
                  {'w', &options.reason},      {'r', &options.rule},  {'s', &options.subject},
                  {'n', &options.note},        {'a', &options.at},    {'e', &options.end}};
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (option == '?')
            return wrong_usage("wrong usage");
        options.list |= option == 'l';
        options.json |= option == 'j';
        options.help |= option == 'h';
        for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
            if (values[i].option == option)
                *values[i].value = optarg;
    }
    if (optind < argc)
        options.case_id = argv[optind++];
    *ret_options = options;
    return check_usage(ret_options, argc - optind);
}

// --- times ---

// A date is its notice_time, which stands with the rules.
static int read_until(struct work *work, struct error *err)
{
    const char *text = work->options->until;
    civil_date date;
    if (text == NULL)
        return 0;
    if (civil_parse_date(text, strlen(text), &date) < 0) {
        if (zone_parse_instant(work->zone, text, strlen(text), &work->until) < 0)
            return error_set(err, "--until %s is no date; write it like 2026-05-22 or 2026-05-22T15:30",
                             text);
        return 0;
    }
    struct ruleset rules;
    if (rules_load(work->config.rules_dir, work->zone, NULL, NULL, &rules, err) < 0)
        return -1;
    work->until = zone_to_instant(work->zone, date, rules.notice_time);
    rules_done(&rules);
    return 0;
}

static int load(struct work *work, struct error *err)
{
    const struct options *options = work->options;
    if (config_load(options->config_path, &work->config, err) < 0 ||
        zone_load(work->config.zone, &work->zone, err) < 0)
        return -1;
    work->now = (instant)time(NULL);
    if (options->at && zone_parse_instant(work->zone, options->at, strlen(options->at), &work->now) < 0)
        return error_set(err, "--at %s is no instant; write it like 2026-05-22T15:30:00+02:00", options->at);
    return read_until(work, err);
}

// --- giving and ending ---

static void on_answer(void *data, int statement, const struct postgres_row *row)
{
    (void)statement;
    struct work *work = data;
    size_t length;
    if (!postgres_is_null(row, 0)) {
        const char *problem = postgres_text(row, 0, &length);
        work->problem = memory_copy(problem, length);
    } else {
        work->number = postgres_int8(row, 1);
    }
}

static int give(struct work *work, struct error *err)
{
    const struct options *options = work->options;
    struct postgres_params params = {0};
    postgres_param_text(&params, options->case_id);
    postgres_param_instant(&params, work->until);
    postgres_param_text(&params, options->by);
    postgres_param_text(&params, options->reason);
    postgres_param_text(&params, options->rule);
    postgres_param_text(&params, options->subject);
    postgres_param_text(&params, options->note);
    postgres_param_instant(&params, work->now);
    const struct postgres_statement statement = {
        "SELECT problem, CASE WHEN problem IS NULL THEN acknowledge($1, $2, $3, $4, $5, $6, $7, $8) END"
        " FROM acknowledgement_problem($1, $2, $3, $4, $5, $6, $7, $8) AS problem",
        &params};
    int told = journal_tell(&work->config.journal, &statement, 1, on_answer, work, err);
    postgres_params_done(&params);
    return told;
}

static int end(struct work *work, struct error *err)
{
    char *rest;
    work->number = strtoll(work->options->end, &rest, 10);
    if (*rest != '\0' || work->number <= 0)
        return error_set(err, "--end %s is no number; `fristd ack --list` has them", work->options->end);
    struct postgres_params params = {0};
    postgres_param_int8(&params, work->number);
    postgres_param_text(&params, work->options->by);
    postgres_param_instant(&params, work->now);
    const struct postgres_statement statement = {
        "SELECT problem, CASE WHEN problem IS NULL THEN"
        " (SELECT $1::bigint FROM (SELECT end_acknowledgement($1, $2, $3)) AS ended) END"
        " FROM end_acknowledgement_problem($1, $2) AS problem",
        &params};
    int told = journal_tell(&work->config.journal, &statement, 1, on_answer, work, err);
    postgres_params_done(&params);
    return told;
}

static int show_result(const struct work *work)
{
    const struct options *options = work->options;
    if (work->problem) {
        fprintf(stderr, "fristd ack: %s\n", work->problem);
        return EXIT_FOUND;
    }
    if (options->json)
        printf("{\"acknowledgement\": %lld}\n", (long long)work->number);
    else if (options->end)
        printf("acknowledgement %lld has ended\n", (long long)work->number);
    else {
        char until[ZONE_INSTANT_SIZE];
        printf("acknowledgement %lld of case %s holds until %s\n", (long long)work->number, options->case_id,
               zone_format(work->zone, work->until, until));
    }
    return EXIT_GOOD;
}

// --- listing ---

static json_t *text_json(const struct postgres_row *row, int column)
{
    size_t length;
    const char *text = postgres_text(row, column, &length);
    if (postgres_is_null(row, column))
        return json_null();
    struct buffer clean = {0};
    utf8_add_clean(&clean, text, length, UTF8_ONE_LINE);
    json_t *value = json_string(clean.data ? clean.data : "");
    buffer_done(&clean);
    return value;
}

static json_t *instant_json(const struct work *work, const struct postgres_row *row, int column)
{
    char text[ZONE_INSTANT_SIZE];
    instant at;
    if (postgres_instant(row, column, &at) < 0 || at == INSTANT_NONE)
        return json_null();
    return json_string(zone_format(work->zone, at, text));
}

static void on_listed(void *data, int statement, const struct postgres_row *row)
{
    (void)statement;
    struct work *work = data;
    json_array_append_new(work->rows,
                          json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "acknowledgement",
                                    (json_int_t)postgres_int8(row, 0), "case", text_json(row, 1), "rule",
                                    text_json(row, 2), "subject", text_json(row, 3), "given",
                                    instant_json(work, row, 4), "until", instant_json(work, row, 5), "by",
                                    text_json(row, 6), "reason", text_json(row, 7), "note", text_json(row, 8),
                                    "covers", text_json(row, 9)));
}

static int list(struct work *work, struct error *err)
{
    struct postgres_params params = {0};
    postgres_param_text(&params, work->options->case_id);
    const struct postgres_statement statement = {
        "SELECT a.id, a.case_id, a.rule, a.subject, a.given_at, a.until_at, a.given_by, a.reason, a.note,"
        " string_agg(DISTINCT d.code, ', ') FROM acknowledgement a"
        " JOIN acknowledged_deadline x ON x.acknowledgement_id = a.id AND x.over_at IS NULL"
        " JOIN deadline d ON d.id = x.deadline_id"
        " WHERE ($1::text IS NULL OR a.case_id = $1) AND a.ended_at IS NULL GROUP BY a.id ORDER BY "
        "a.until_at, a.id",
        &params};
    work->rows = json_array();
    int asked = journal_ask(&work->config.journal, &statement, 1, on_listed, work, err);
    postgres_params_done(&params);
    return asked;
}

static const char *field(const json_t *row, const char *key)
{
    return json_string_value(json_object_get(row, key));
}

static int show_list(const struct work *work)
{
    if (work->options->json) {
        json_dumpf(work->rows, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
        putchar('\n');
        return EXIT_GOOD;
    }
    size_t i;
    json_t *row;
    json_array_foreach(work->rows, i, row)
    {
        printf("%lld  case %s, %s, until %s\n", json_integer_value(json_object_get(row, "acknowledgement")),
               field(row, "case"), field(row, "covers"), field(row, "until"));
        printf("    %s, by %s on %s\n", field(row, "reason"), field(row, "by"), field(row, "given"));
        if (*field(row, "note"))
            printf("    \"%s\"\n", field(row, "note"));
    }
    if (i == 0)
        puts("no acknowledgement holds");
    return EXIT_GOOD;
}

// --- the whole ---

static int act(struct work *work)
{
    struct error err;
    int (*doing)(struct work *, struct error *) = work->options->list  ? list
                                                  : work->options->end ? end
                                                                       : give;
    if (load(work, &err) < 0 || doing(work, &err) < 0) {
        fprintf(stderr, "fristd ack: %s\n", err.text);
        return EXIT_USAGE;
    }
    return work->options->list ? show_list(work) : show_result(work);
}

int command_ack(int argc, char **argv)
{
    struct options options;
    if (read_options(argc, argv, &options) < 0)
        return EXIT_USAGE;
    if (options.help) {
        fputs(help, stdout);
        return EXIT_GOOD;
    }
    struct work work = {.options = &options, .until = INSTANT_NONE};
    int status = act(&work);
    json_decref(work.rows);
    free(work.problem);
    zone_free(work.zone);
    config_done(&work.config);
    return status;
}
