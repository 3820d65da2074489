// SPDX-License-Identifier: MPL-2.0
// fristd silence: silences planned, shown beforehand, ended and listed. The journal's own functions check and
// write; a daemon that runs hears of it at once.
#include "command/command.h"
#include "command/exception.h"

#include <stdio.h>
#include <string.h>

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
    "                     what it covers: at least one. A unit with all below it; a rule by its id or its "
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

static int check_usage(const struct exception *work, int extra)
{
    const struct exception_options *options = &work->options;
    if (options->help)
        return 0;
    if (extra > 0)
        return exception_wrong_usage(work, "what it covers is named by --case, --unit and --rule");
    if (options->list)
        return options->end || options->until ? exception_wrong_usage(work, "--list stands alone") : 0;
    if (options->end)
        return options->by ? 0 : exception_wrong_usage(work, "who ends it? --by PERSON");
    if (options->until == NULL || options->by == NULL || options->reason == NULL)
        return exception_wrong_usage(work, "--until, --by and --reason are needed");
    return 0;
}

static int read_options(struct exception *work, int argc, char **argv)
{
    static const struct option known[] = {EXCEPTION_OPTIONS,
                                          {"case", required_argument, NULL, 'k'},
                                          {"unit", required_argument, NULL, 'i'},
                                          {"from", required_argument, NULL, 'f'},
                                          {"yes", no_argument, NULL, 'y'},
                                          {NULL, 0, NULL, 0}};
    if (exception_read_options(work, argc, argv, known) < 0)
        return -1;
    return check_usage(work, argc - optind);
}

static long long count_of(const json_t *row, const char *key)
{
    return json_integer_value(json_object_get(row, key));
}

// --- showing beforehand, and doing ---

static void take_problem(struct exception *work, const struct postgres_row *row)
{
    size_t length;
    const char *problem = postgres_text(row, 0, &length);
    if (!postgres_is_null(row, 0))
        work->problem = memory_copy(problem, length);
}

static void on_shown(void *data, int statement, const struct postgres_row *row)
{
    struct exception *work = data;
    if (statement == 0)
        take_problem(work, row);
    else
        json_array_append_new(
            work->rows, json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:b}", "case", exception_text(row, 0),
                                  "code", exception_text(row, 1), "subject", exception_text(row, 2), "state",
                                  exception_text(row, 3), "due", exception_instant(work, row, 4), "next_step",
                                  exception_instant(work, row, 5), "hides", (int)postgres_bool(row, 6)));
}

static void add_scope(const struct exception *work, struct postgres_params *params)
{
    postgres_param_text(params, work->options.case_id);
    postgres_param_text(params, work->options.unit);
    postgres_param_text(params, work->options.rule);
    postgres_param_instant(params, work->from);
    postgres_param_instant(params, work->until);
}

static void add_author(const struct exception *work, struct postgres_params *params)
{
    postgres_param_text(params, work->options.by);
    postgres_param_text(params, work->options.reason);
    postgres_param_text(params, work->options.note);
    postgres_param_instant(params, work->now);
}

static int show_beforehand(struct exception *work, struct error *err)
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

static int give(struct exception *work, struct error *err)
{
    struct postgres_params params = {0};
    add_scope(work, &params);
    add_author(work, &params);
    const struct postgres_statement statement = {
        "SELECT problem, CASE WHEN problem IS NULL THEN silence($1, $2, $3, $4, $5, $6, $7, $8, $9) END"
        " FROM silence_problem($1, $2, $3, $4, $5, $6, $7, $8, $9) AS problem",
        &params};
    int told = journal_tell(&work->config.journal, &statement, 1, exception_on_answer, work, err);
    postgres_params_done(&params);
    return told;
}

static int show_or_give(struct exception *work, struct error *err)
{
    if (show_beforehand(work, err) < 0)
        return -1;
    return work->problem || !work->options.yes ? 0 : give(work, err);
}

static void print_covered(const struct exception *work)
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
        printf("  %s  case %s, %s, %s, due %s\n", exception_field(row, "next_step"),
               exception_field(row, "case"), exception_field(row, "code"), exception_field(row, "state"),
               exception_field(row, "due"));
    }
    if (hidden > SHOWN_MAX)
        printf("  … and %zu more; --json lists all\n", hidden - SHOWN_MAX);
}

static int show_result(const struct exception *work)
{
    char from[ZONE_INSTANT_SIZE], until[ZONE_INSTANT_SIZE];
    if (exception_is_refused(work))
        return EXIT_FOUND;
    zone_format(work->zone, work->from, from);
    zone_format(work->zone, work->until, until);
    if (work->options.json) {
        json_t *result = json_pack("{s:s, s:s, s:O}", "from", from, "until", until, "deadlines", work->rows);
        if (work->number > 0)
            json_object_set_new(result, "silence", json_integer(work->number));
        exception_print(result);
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

static int end(struct exception *work, struct error *err)
{
    return exception_end(work,
                         "SELECT problem, CASE WHEN problem IS NULL THEN"
                         " (SELECT $1::bigint FROM (SELECT end_silence($1, $2, $3)) AS ended) END"
                         " FROM end_silence_problem($1, $2) AS problem",
                         err);
}

static int show_end(const struct exception *work)
{
    if (exception_is_refused(work))
        return EXIT_FOUND;
    if (work->options.json)
        printf("{\"silence\": %lld}\n", (long long)work->number);
    else
        printf("silence %lld has ended; what it hid is told\n", (long long)work->number);
    return EXIT_GOOD;
}

// --- listing ---

static void on_listed(void *data, int statement, const struct postgres_row *row)
{
    (void)statement;
    struct exception *work = data;
    json_array_append_new(work->rows,
                          json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I}", "silence",
                                    (json_int_t)postgres_int8(row, 0), "case", exception_text(row, 1), "unit",
                                    exception_text(row, 2), "rule", exception_text(row, 3), "from",
                                    exception_instant(work, row, 4), "until", exception_instant(work, row, 5),
                                    "by", exception_text(row, 6), "reason", exception_text(row, 7), "note",
                                    exception_text(row, 8), "hidden", (json_int_t)postgres_int8(row, 9),
                                    "hidden_deadlines", (json_int_t)postgres_int8(row, 10)));
}

static int list(struct exception *work, struct error *err)
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

static int show_list(const struct exception *work)
{
    if (work->options.json) {
        exception_print(work->rows);
        return EXIT_GOOD;
    }
    size_t i;
    json_t *row;
    json_array_foreach(work->rows, i, row)
    {
        printf("%lld  case %s, unit %s, rule %s, from %s until %s\n", count_of(row, "silence"),
               exception_field(row, "case"), exception_field(row, "unit"), exception_field(row, "rule"),
               exception_field(row, "from"), exception_field(row, "until"));
        printf("    %s, by %s; hidden so far: %lld steps of %lld deadlines\n", exception_field(row, "reason"),
               exception_field(row, "by"), count_of(row, "hidden"), count_of(row, "hidden_deadlines"));
        if (*exception_field(row, "note"))
            printf("    \"%s\"\n", exception_field(row, "note"));
    }
    if (i == 0)
        puts("nothing is silenced");
    return EXIT_GOOD;
}

// --- the whole ---

static int read_times(struct exception *work, struct error *err)
{
    work->from = work->now;
    if (exception_read_time(work, "--from", work->options.from, &work->from, err) < 0)
        return -1;
    return exception_read_time(work, "--until", work->options.until, &work->until, err);
}

static int act(struct exception *work)
{
    const struct exception_options *options = &work->options;
    struct error err;
    int (*doing)(struct exception *, struct error *) = options->list  ? list
                                                       : options->end ? end
                                                                      : show_or_give;
    if (exception_load(work, &err) < 0 || read_times(work, &err) < 0 || doing(work, &err) < 0) {
        fprintf(stderr, "fristd silence: %s\n", err.text);
        return EXIT_USAGE;
    }
    return options->list ? show_list(work) : options->end ? show_end(work) : show_result(work);
}

int command_silence(int argc, char **argv)
{
    struct exception work = {.command = "silence", .from = INSTANT_NONE, .until = INSTANT_NONE};
    if (read_options(&work, argc, argv) < 0)
        return EXIT_USAGE;
    if (work.options.help) {
        fputs(help, stdout);
        return EXIT_GOOD;
    }
    int status = act(&work);
    exception_done(&work);
    return status;
}
