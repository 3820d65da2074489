// SPDX-License-Identifier: MPL-2.0
// fristd ack: acknowledgements given, ended and listed. The journal's own functions check and write; a daemon
// that runs hears of it at once.
#include "command/command.h"
#include "command/exception.h"

#include <stdio.h>
#include <string.h>

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

static int check_usage(const struct exception *work, int extra)
{
    const struct exception_options *options = &work->options;
    if (options->help)
        return 0;
    if (extra > 0)
        return exception_wrong_usage(work, "one case at a time");
    if (options->list)
        return options->end || options->until ? exception_wrong_usage(work, "--list stands alone") : 0;
    if (options->end)
        return options->by ? options->case_id ? exception_wrong_usage(work, "--end takes a number alone") : 0
                           : exception_wrong_usage(work, "who ends it? --by PERSON");
    if (options->case_id == NULL)
        return exception_wrong_usage(work, "which case?");
    if (options->until == NULL || options->by == NULL || options->reason == NULL)
        return exception_wrong_usage(work, "--until, --by and --reason are needed");
    return 0;
}

static int read_options(struct exception *work, int argc, char **argv)
{
    static const struct option known[] = {
        EXCEPTION_OPTIONS, {"subject", required_argument, NULL, 's'}, {NULL, 0, NULL, 0}};
    if (exception_read_options(work, argc, argv, known) < 0)
        return -1;
    if (optind < argc)
        work->options.case_id = argv[optind++];
    return check_usage(work, argc - optind);
}

// --- giving and ending ---

static int give(struct exception *work, struct error *err)
{
    const struct exception_options *options = &work->options;
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
    int told = journal_tell(&work->config.journal, &statement, 1, exception_on_answer, work, err);
    postgres_params_done(&params);
    return told;
}

static int end(struct exception *work, struct error *err)
{
    return exception_end(work,
                         "SELECT problem, CASE WHEN problem IS NULL THEN"
                         " (SELECT $1::bigint FROM (SELECT end_acknowledgement($1, $2, $3)) AS ended) END"
                         " FROM end_acknowledgement_problem($1, $2) AS problem",
                         err);
}

static int show_result(const struct exception *work)
{
    const struct exception_options *options = &work->options;
    if (exception_is_refused(work))
        return EXIT_FOUND;
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

static void on_listed(void *data, int statement, const struct postgres_row *row)
{
    (void)statement;
    struct exception *work = data;
    json_array_append_new(work->rows,
                          json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "acknowledgement",
                                    (json_int_t)postgres_int8(row, 0), "case", exception_text(row, 1), "rule",
                                    exception_text(row, 2), "subject", exception_text(row, 3), "given",
                                    exception_instant(work, row, 4), "until", exception_instant(work, row, 5),
                                    "by", exception_text(row, 6), "reason", exception_text(row, 7), "note",
                                    exception_text(row, 8), "covers", exception_text(row, 9)));
}

static int list(struct exception *work, struct error *err)
{
    struct postgres_params params = {0};
    postgres_param_text(&params, work->options.case_id);
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
        printf("%lld  case %s, %s, until %s\n", json_integer_value(json_object_get(row, "acknowledgement")),
               exception_field(row, "case"), exception_field(row, "covers"), exception_field(row, "until"));
        printf("    %s, by %s on %s\n", exception_field(row, "reason"), exception_field(row, "by"),
               exception_field(row, "given"));
        if (*exception_field(row, "note"))
            printf("    \"%s\"\n", exception_field(row, "note"));
    }
    if (i == 0)
        puts("no acknowledgement holds");
    return EXIT_GOOD;
}

// --- the whole ---

static int act(struct exception *work)
{
    struct error err;
    int (*doing)(struct exception *, struct error *) = work->options.list  ? list
                                                       : work->options.end ? end
                                                                           : give;
    if (exception_load(work, &err) < 0 ||
        exception_read_time(work, "--until", work->options.until, &work->until, &err) < 0 ||
        doing(work, &err) < 0) {
        fprintf(stderr, "fristd ack: %s\n", err.text);
        return EXIT_USAGE;
    }
    return work->options.list ? show_list(work) : show_result(work);
}

int command_ack(int argc, char **argv)
{
    struct exception work = {.command = "ack", .from = INSTANT_NONE, .until = INSTANT_NONE};
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
