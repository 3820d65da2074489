// SPDX-License-Identifier: MPL-2.0
// fristd silence: silences planned, shown beforehand, ended and listed. The journal's own functions check and
// write; a daemon that runs hears of it at once.
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

#define SHOWN_MAX 50 // deadlines that are listed; --json has all

static const char help[] =
    "usage: fristd silence [--case CASE] [--unit UNIT] [--rule RULE] [--from DATE] --until DATE --by PERSON\n"
    "                      --reason CODE [--note TEXT] [--yes]\n"
    "       fristd silence --list\n"
    "       fristd silence --end NUMBER --by PERSON\n"
    "\n"
    "Mails nobody, for a time, about the deadlines of a case, a unit or a rule, or of what is all of these. "
    "The clocks\n"
    "go on, the level above PERSON is told when it begins and when it ends, and what it hides is counted; "
    "with its end\n"
    "what is not done is told. Without --yes it only shows what would be hidden.\n"
    "\n"
    "  --case CASE, --unit UNIT, --rule RULE\n"
    "                     what it covers: at least one. A unit is exactly this one; a rule its id or its "
    "code\n"
    "  --from DATE        default: now. A date is its notice_time; or an instant, \"2026-05-22T15:30\"\n"
    "  --until DATE       within 92 days\n"
    "  --by PERSON        whose it is: a person id of the case database\n"
    "  --reason CODE      migration, maintenance, holiday_closing, data_error, duplicate, agreed_plan, "
    "other\n"
    "  --note TEXT        words of your own: they stay in the journal, and are in no mail, event or log\n"
    "  --yes              do it\n"
    "  --list             those that hold or are to come, with what they have hidden so far\n"
    "  --end NUMBER       ends one before its time\n"
    "  --at INSTANT       as if it were given then, for rehearsals with `fristd run --once --at`\n"
    "  --json             for programs\n"
    "  --config FILE      default " DEFAULT_CONFIG "\n"
    "\n"
    "Exit status: 0 good, 1 refused (and said why), 2 wrong usage or configuration, or the journal is "
    "away.\n";

struct options {
    const char *config_path, *case_id, *unit, *rule, *from, *until, *by, *reason, *note, *at, *end;
    bool yes, list, json, help;
};

struct work {
    const struct options *options;
    struct config config;
    struct zone *zone;
    instant now, from, until;
    int64_t number;
    char *problem; // why it is refused; NULL: it is not
    json_t *rows;
};

static int wrong_usage(const char *what)
{
    fprintf(stderr, "fristd silence: %s\n`fristd silence --help` says more.\n", what);
    return -1;
}

static int check_usage(const struct options *options, int extra)
{
    if (options->help)
        return 0;
    if (extra > 0)
        return wrong_usage("what it covers is named by --case, --unit and --rule");
    if (options->list)
        return options->end || options->until ? wrong_usage("--list stands alone") : 0;
    if (options->end)
        return options->by ? 0 : wrong_usage("who ends it? --by PERSON");
    if (options->until == NULL || options->by == NULL || options->reason == NULL)
        return wrong_usage("--until, --by and --reason are needed");
    return 0;
}

static int read_options(int argc, char **argv, struct options *ret_options)
{
    static const struct option known[] = {
        {"config", required_argument, NULL, 'c'}, {"case", required_argument, NULL, 'k'},
        {"unit", required_argument, NULL, 'i'},   {"rule", required_argument, NULL, 'r'},
        {"from", required_argument, NULL, 'f'},   {"until", required_argument, NULL, 'u'},
        {"by", required_argument, NULL, 'b'},     {"reason", required_argument, NULL, 'w'},
        {"note", required_argument, NULL, 'n'},   {"at", required_argument, NULL, 'a'},
        {"end", required_argument, NULL, 'e'},    {"yes", no_argument, NULL, 'y'},
        {"list", no_argument, NULL, 'l'},         {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0}};
    struct options options = {.config_path = DEFAULT_CONFIG, .note = ""};
    const struct {
        int option;
        const char **value;
    } values[] = {{'c', &options.config_path}, {'k', &options.case_id}, {'i', &options.unit},
                  {'r', &options.rule},        {'f', &options.from},    {'u', &options.until},
                  {'b', &options.by},          {'w', &options.reason},  {'n', &options.note},
                  {'a', &options.at},          {'e', &options.end}};
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (option == '?')
            return wrong_usage("wrong usage");
        options.yes |= option == 'y';
        options.list |= option == 'l';
        options.json |= option == 'j';
        options.help |= option == 'h';
        for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
            if (values[i].option == option)
                *values[i].value = optarg;
    }
    *ret_options = options;
    return check_usage(ret_options, argc - optind);
}

// --- times ---

// A date is its notice_time, which stands with the rules.
static int read_time(struct work *work, const char *option, const char *text, int notice_time,
                     instant *ret_at, struct error *err)
{
    civil_date date;
    if (civil_parse_date(text, strlen(text), &date) == 0)
        *ret_at = zone_to_instant(work->zone, date, notice_time);
    else if (zone_parse_instant(work->zone, text, strlen(text), ret_at) < 0)
        return error_set(err, "%s %s is no date; write it like 2026-05-22 or 2026-05-22T15:30", option, text);
    return 0;
}

static int read_times(struct work *work, struct error *err)
{
    const struct options *options = work->options;
    if (options->until == NULL)
        return 0;
    struct ruleset rules;
    if (rules_load(work->config.rules_dir, work->zone, NULL, NULL, &rules, err) < 0)
        return -1;
    int notice_time = rules.notice_time;
    rules_done(&rules);
    work->from = work->now;
    if (options->from && read_time(work, "--from", options->from, notice_time, &work->from, err) < 0)
        return -1;
    return read_time(work, "--until", options->until, notice_time, &work->until, err);
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
    return read_times(work, err);
}

// --- rows ---

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

static const char *field(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));
    return text ? text : "-";
}

static long long count_of(const json_t *row, const char *key)
{
    return json_integer_value(json_object_get(row, key));
}

static void print_json(const json_t *value)
{
    json_dumpf(value, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    putchar('\n');
}

// --- showing beforehand, and doing ---

static void take_problem(struct work *work, const struct postgres_row *row)
{
    size_t length;
    const char *problem = postgres_text(row, 0, &length);
    if (!postgres_is_null(row, 0))
        work->problem = memory_copy(problem, length);
}

static void on_shown(void *data, int statement, const struct postgres_row *row)
{
    struct work *work = data;
    if (statement == 0)
        take_problem(work, row);
    else
        json_array_append_new(work->rows,
                              json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:b}", "case", text_json(row, 0),
                                        "code", text_json(row, 1), "subject", text_json(row, 2), "state",
                                        text_json(row, 3), "due", instant_json(work, row, 4), "next_step",
                                        instant_json(work, row, 5), "hides", (int)postgres_bool(row, 6)));
}

static void add_scope(const struct work *work, struct postgres_params *params)
{
    postgres_param_text(params, work->options->case_id);
    postgres_param_text(params, work->options->unit);
    postgres_param_text(params, work->options->rule);
    postgres_param_instant(params, work->from);
    postgres_param_instant(params, work->until);
}

static void add_author(const struct work *work, struct postgres_params *params)
{
    postgres_param_text(params, work->options->by);
    postgres_param_text(params, work->options->reason);
    postgres_param_text(params, work->options->note);
    postgres_param_instant(params, work->now);
}

static int show_beforehand(struct work *work, struct error *err)
{
    struct postgres_params asked = {0}, scope = {0};
    add_scope(work, &asked);
    add_author(work, &asked);
    add_scope(work, &scope);
    const struct postgres_statement statements[] = {
        {"SELECT silence_problem($1, $2, $3, $4, $5, $6, $7, $8, $9)", &asked},
        {"SELECT case_id, code, subject, state, due_at, next_stage_at,"
         " coalesce(next_stage_at >= $4 AND next_stage_at < $5, false) FROM silenceable($1, $2, $3)"
         " ORDER BY 7 DESC, next_stage_at NULLS LAST, case_id, code, subject",
         &scope}};
    work->rows = json_array();
    int asked_for = journal_ask(&work->config.journal, statements, 2, on_shown, work, err);
    postgres_params_done(&asked);
    postgres_params_done(&scope);
    return asked_for;
}

static void on_given(void *data, int statement, const struct postgres_row *row)
{
    struct work *work = data;
    (void)statement;
    take_problem(work, row);
    if (!postgres_is_null(row, 1))
        work->number = postgres_int8(row, 1);
}

static int give(struct work *work, struct error *err)
{
    struct postgres_params params = {0};
    add_scope(work, &params);
    add_author(work, &params);
    const struct postgres_statement statement = {
        "SELECT problem, CASE WHEN problem IS NULL THEN silence($1, $2, $3, $4, $5, $6, $7, $8, $9) END"
        " FROM silence_problem($1, $2, $3, $4, $5, $6, $7, $8, $9) AS problem",
        &params};
    int told = journal_tell(&work->config.journal, &statement, 1, on_given, work, err);
    postgres_params_done(&params);
    return told;
}

static int show_or_give(struct work *work, struct error *err)
{
    if (show_beforehand(work, err) < 0)
        return -1;
    return work->problem || !work->options->yes ? 0 : give(work, err);
}

static void print_covered(const struct work *work)
{
    size_t i, hidden = 0, shown = 0;
    json_t *row;
    json_array_foreach(work->rows, i, row) hidden += json_is_true(json_object_get(row, "hides"));
    printf("It covers %zu open deadlines; of %zu of them a step falls into it and is hidden:\n",
           json_array_size(work->rows), hidden);
    json_array_foreach(work->rows, i, row)
    {
        if (!json_is_true(json_object_get(row, "hides")) || shown++ == SHOWN_MAX)
            break;
        printf("  %s  case %s, %s, %s, due %s\n", field(row, "next_step"), field(row, "case"),
               field(row, "code"), field(row, "state"), field(row, "due"));
    }
    if (hidden > SHOWN_MAX)
        printf("  … and %zu more; --json lists all\n", hidden - SHOWN_MAX);
}

static int show_result(const struct work *work)
{
    char from[ZONE_INSTANT_SIZE], until[ZONE_INSTANT_SIZE];
    if (work->problem) {
        fprintf(stderr, "fristd silence: %s\n", work->problem);
        return EXIT_FOUND;
    }
    zone_format(work->zone, work->from, from);
    zone_format(work->zone, work->until, until);
    if (work->options->json) {
        json_t *result = json_pack("{s:s, s:s, s:O}", "from", from, "until", until, "deadlines", work->rows);
        if (work->number > 0)
            json_object_set_new(result, "silence", json_integer(work->number));
        print_json(result);
        json_decref(result);
        return EXIT_GOOD;
    }
    print_covered(work);
    if (work->number > 0)
        printf("Silence %lld holds from %s until %s.\n", (long long)work->number, from, until);
    else
        puts("Nothing is silenced yet: say --yes to do it.");
    return EXIT_GOOD;
}

// --- ending ---

static int end(struct work *work, struct error *err)
{
    char *rest;
    work->number = strtoll(work->options->end, &rest, 10);
    if (*rest != '\0' || work->number <= 0)
        return error_set(err, "--end %s is no number; `fristd silence --list` has them", work->options->end);
    struct postgres_params params = {0};
    postgres_param_int8(&params, work->number);
    postgres_param_text(&params, work->options->by);
    postgres_param_instant(&params, work->now);
    const struct postgres_statement statement = {
        "SELECT problem, CASE WHEN problem IS NULL THEN"
        " (SELECT $1::bigint FROM (SELECT end_silence($1, $2, $3)) AS ended) END"
        " FROM end_silence_problem($1, $2) AS problem",
        &params};
    int told = journal_tell(&work->config.journal, &statement, 1, on_given, work, err);
    postgres_params_done(&params);
    return told;
}

static int show_end(const struct work *work)
{
    if (work->problem) {
        fprintf(stderr, "fristd silence: %s\n", work->problem);
        return EXIT_FOUND;
    }
    if (work->options->json)
        printf("{\"silence\": %lld}\n", (long long)work->number);
    else
        printf("silence %lld has ended; what it hid is told\n", (long long)work->number);
    return EXIT_GOOD;
}

// --- listing ---

static void on_listed(void *data, int statement, const struct postgres_row *row)
{
    (void)statement;
    struct work *work = data;
    json_array_append_new(work->rows,
                          json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I}", "silence",
                                    (json_int_t)postgres_int8(row, 0), "case", text_json(row, 1), "unit",
                                    text_json(row, 2), "rule", text_json(row, 3), "from",
                                    instant_json(work, row, 4), "until", instant_json(work, row, 5), "by",
                                    text_json(row, 6), "reason", text_json(row, 7), "note", text_json(row, 8),
                                    "hidden", (json_int_t)postgres_int8(row, 9), "hidden_deadlines",
                                    (json_int_t)postgres_int8(row, 10)));
}

static int list(struct work *work, struct error *err)
{
    const struct postgres_statement statement = {
        "SELECT s.id, s.case_id, s.unit, s.rule, s.from_at, s.until_at, s.given_by, s.reason, s.note,"
        " count(x.step_at), count(DISTINCT x.deadline_id) FROM silence s"
        " LEFT JOIN silenced_step x ON x.silence_id = s.id"
        " WHERE s.ended_at IS NULL AND s.over_at IS NULL GROUP BY s.id ORDER BY s.from_at, s.id",
        NULL};
    work->rows = json_array();
    return journal_ask(&work->config.journal, &statement, 1, on_listed, work, err);
}

static int show_list(const struct work *work)
{
    if (work->options->json) {
        print_json(work->rows);
        return EXIT_GOOD;
    }
    size_t i;
    json_t *row;
    json_array_foreach(work->rows, i, row)
    {
        printf("%lld  case %s, unit %s, rule %s, from %s until %s\n", count_of(row, "silence"),
               field(row, "case"), field(row, "unit"), field(row, "rule"), field(row, "from"),
               field(row, "until"));
        printf("    %s, by %s; hidden so far: %lld steps of %lld deadlines\n", field(row, "reason"),
               field(row, "by"), count_of(row, "hidden"), count_of(row, "hidden_deadlines"));
        if (*field(row, "note"))
            printf("    \"%s\"\n", field(row, "note"));
    }
    if (i == 0)
        puts("nothing is silenced");
    return EXIT_GOOD;
}

// --- the whole ---

static int act(struct work *work)
{
    const struct options *options = work->options;
    struct error err;
    int (*doing)(struct work *, struct error *) = options->list ? list : options->end ? end : show_or_give;
    if (load(work, &err) < 0 || doing(work, &err) < 0) {
        fprintf(stderr, "fristd silence: %s\n", err.text);
        return EXIT_USAGE;
    }
    return options->list ? show_list(work) : options->end ? show_end(work) : show_result(work);
}

int command_silence(int argc, char **argv)
{
    struct options options;
    if (read_options(argc, argv, &options) < 0)
        return EXIT_USAGE;
    if (options.help) {
        fputs(help, stdout);
        return EXIT_GOOD;
    }
    struct work work = {.options = &options, .from = INSTANT_NONE, .until = INSTANT_NONE};
    int status = act(&work);
    json_decref(work.rows);
    free(work.problem);
    zone_free(work.zone);
    config_done(&work.config);
    return status;
}
