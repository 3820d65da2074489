// SPDX-License-Identifier: MPL-2.0
// fristd explain: why each date of a case is that date, and who has been told. The journal is read first,
// then the case, which is evaluated as the daemon would; with --at the journal alone speaks.
#include "command/command.h"
#include "command/explanation.h"
#include "shell/casedb.h"
#include "shell/config.h"
#include "shell/rules_file.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define WIDTH     90 // of lines where there is no terminal
#define WIDTH_MIN 50
#define WIDTH_MAX 120

static const char help[] =
    "usage: fristd explain CASE [--at INSTANT] [--rule RULE] [--subject SUBJECT] [--language da|en] "
    "[--json]\n"
    "                      [--config FILE]\n"
    "\n"
    "For each deadline of a case, those that are not closed first: the event that started it, the version of "
    "the\n"
    "rule and why that one, each step of the arithmetic, its paragraph, the stages with their times and "
    "roles, the\n"
    "notices with what became of them, and what has happened. People appear by their ids. Changes nothing.\n"
    "\n"
    "  --at INSTANT        what was known at that time, from the journal alone; \"2026-05-22T15:30\" is "
    "local time\n"
    "  --rule RULE         this rule only, by its id\n"
    "  --subject SUBJECT   this subject only; \"\" is the case as a whole\n"
    "  --language da|en    default: that of the mails\n"
    "  --json              for programs\n"
    "  --config FILE       default " DEFAULT_CONFIG "\n"
    "\n"
    "Exit status: 0 good, 1 nothing is known of such a case, 2 wrong usage or configuration, or a database "
    "away.\n";

struct options {
    const char *config_path, *at, *language;
    struct case_question question;
    bool json, help;
};

static int wrong_usage(const char *what, const char *which)
{
    fprintf(stderr, "fristd explain: %s%s\n`fristd explain --help` says more.\n", what, which);
    return -1;
}

static int read_options(int argc, char **argv, struct options *ret_options)
{
    static const struct option known[] = {
        {"config", required_argument, NULL, 'c'},   {"at", required_argument, NULL, 'a'},
        {"rule", required_argument, NULL, 'r'},     {"subject", required_argument, NULL, 's'},
        {"language", required_argument, NULL, 'l'}, {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},           {NULL, 0, NULL, 0}};
    struct options options = {.config_path = DEFAULT_CONFIG, .question = {.until = INSTANT_NONE}};
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;)
        switch (option) {
        case 'c':
            options.config_path = optarg;
            break;
        case 'a':
            options.at = optarg;
            break;
        case 'r':
            options.question.rule = optarg;
            break;
        case 's':
            options.question.subject = optarg;
            break;
        case 'l':
            options.language = optarg;
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
    if (!options.help && optind == argc)
        return wrong_usage("which case?", "");
    if (optind < argc)
        options.question.case_id = argv[optind++];
    if (optind < argc)
        return wrong_usage("one case at a time, not also ", argv[optind]);
    if (options.language && strcmp(options.language, "da") != 0 && strcmp(options.language, "en") != 0)
        return wrong_usage("--language is da or en, not ", options.language);
    *ret_options = options;
    return 0;
}

// --- the case, from the case database ---

struct look {
    const struct options *options;
    struct config config;
    struct zone *zone;
    struct ruleset rules;
    struct case_record record;
    struct explanation explanation;

    struct casedb *casedb;
    struct casedb_read read;
    bool ended;
    int result;
    struct error *err;
};

static void on_closed(void *data)
{
    (void)data;
}

static void end(struct look *look, const struct error *err)
{
    look->ended = true;
    if (err) {
        error_set(look->err, "%s", err->text);
        look->result = -1;
    }
    casedb_close(look->casedb, on_closed, look);
}

static void on_case(struct casedb_read *read, const struct casefile *casefile, const struct fault *faults,
                    size_t fault_count)
{
    struct look *look = read->data;
    for (size_t i = 0; i < fault_count; i++)
        explanation_add_fault(&look->explanation, &faults[i]);
    explanation_evaluate(&look->explanation, &look->rules, casefile, &look->options->question, &look->record);
}

static void on_gone(struct casedb_read *read, const char *case_id)
{
    (void)read;
    (void)case_id;
}

static void on_fault(struct casedb_read *read, const char *case_id, const struct fault *fault)
{
    struct look *look = read->data;
    if (strcmp(case_id, look->options->question.case_id) == 0)
        explanation_add_fault(&look->explanation, fault);
}

static void on_people(struct casedb_read *read, const struct people *people)
{
    (void)read;
    (void)people;
}

static void on_done(struct casedb_read *read, enum postgres_status status, const char *cursor,
                    const struct error *err)
{
    (void)cursor;
    struct look *look = read->data;
    if (!look->ended)
        end(look, status == POSTGRES_OK ? NULL : err);
}

static void on_state(void *data, bool up, const struct error *err)
{
    struct look *look = data;
    struct error not_up;
    if (look->ended)
        return;
    if (!up) {
        end(look, err);
        return;
    }
    look->read = (struct casedb_read){.data = look,
                                      .what = CASEDB_CASES,
                                      .case_ids = &look->options->question.case_id,
                                      .case_id_count = 1,
                                      .on_people = on_people,
                                      .on_case = on_case,
                                      .on_gone = on_gone,
                                      .on_fault = on_fault,
                                      .on_done = on_done};
    if (casedb_read(look->casedb, &look->read, &not_up) < 0)
        end(look, &not_up);
}

static void on_wake(void *data)
{
    (void)data;
}

static int read_case(struct look *look, struct error *err)
{
    struct casedb_options options = look->config.casedb;
    options.notify_channel = NULL; // nobody waits here
    uv_loop_t loop;
    look->err = err;
    uv_loop_init(&loop);
    look->casedb = casedb_new(&loop, &options, look->zone, on_state, on_wake, look);
    casedb_start(look->casedb);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    return look->result;
}

// --- the whole ---

static int read_moment(struct look *look, struct error *err)
{
    const char *at = look->options->at;
    struct explanation *explanation = &look->explanation;
    if (at == NULL)
        explanation->at = (instant)time(NULL);
    else if (zone_parse_instant(look->zone, at, strlen(at), &explanation->at) < 0)
        return error_set(err, "--at %s is no instant; write it like 2026-05-22T15:30:00+02:00", at);
    return 0;
}

static int load(struct look *look, struct error *err)
{
    const struct options *options = look->options;
    if (config_load(options->config_path, &look->config, err) < 0 ||
        zone_load(look->config.zone, &look->zone, err) < 0 || read_moment(look, err) < 0)
        return -1;
    look->explanation.zone = look->zone;
    look->explanation.case_id = options->question.case_id;
    look->explanation.language = look->config.language;
    if (options->language)
        look->explanation.language = strcmp(options->language, "en") == 0 ? LANGUAGE_EN : LANGUAGE_DA;
    return options->at ? 0 : rules_load(look->config.rules_dir, look->zone, NULL, NULL, &look->rules, err);
}

static int find_out(struct look *look, struct error *err)
{
    struct case_question question = look->options->question;
    if (load(look, err) < 0)
        return -1;
    if (look->options->at)
        question.until = look->explanation.at;
    if (case_record_read(&look->config.journal, &question, &look->record, err) < 0 ||
        (look->options->at == NULL && read_case(look, err) < 0))
        return -1;
    explanation_recall(&look->explanation, &look->record);
    explanation_finish(&look->explanation);
    return 0;
}

static int terminal_width(void)
{
    struct winsize size;
    if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
        return WIDTH;
    return size.ws_col < WIDTH_MIN ? WIDTH_MIN : size.ws_col > WIDTH_MAX ? WIDTH_MAX : size.ws_col;
}

static int show(const struct look *look)
{
    const struct explanation *explanation = &look->explanation;
    if (!explanation->evaluated && explanation->deadline_count == 0 && explanation->fault_count == 0) {
        fprintf(stderr, "fristd explain: %s of a case %s%s\n",
                look->options->at ? "the journal did not know"
                                  : "neither the case database nor the journal knows",
                explanation->case_id, look->options->at ? " at that time" : "");
        return EXIT_FOUND;
    }
    if (look->options->json)
        explanation_print_json(explanation);
    else
        explanation_print_text(explanation, terminal_width());
    return EXIT_GOOD;
}

int command_explain(int argc, char **argv)
{
    struct options options;
    if (read_options(argc, argv, &options) < 0)
        return EXIT_USAGE;
    if (options.help) {
        fputs(help, stdout);
        return EXIT_GOOD;
    }
    struct look look = {.options = &options};
    struct error err;
    int status = EXIT_USAGE;
    if (find_out(&look, &err) < 0)
        fprintf(stderr, "fristd explain: %s\n", err.text);
    else
        status = show(&look);
    explanation_done(&look.explanation);
    case_record_done(&look.record);
    rules_done(&look.rules);
    zone_free(look.zone);
    config_done(&look.config);
    return status;
}
