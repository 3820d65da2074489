// SPDX-License-Identifier: MPL-2.0
// fristd compare: what the rules as they are configured now would make of the open deadlines that the journal
// knows by the rules in force; and the confirmation that lets a reload take them.
#include "command/command.h"
#include "command/difference_list.h"
#include "command/journal_ask.h"
#include "shell/config.h"
#include "shell/pass.h"
#include "shell/rules_file.h"

#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char help[] =
    "usage: fristd compare [--language da|en] [--json] [--config FILE]\n"
    "       fristd compare --confirm FINGERPRINT --by PERSON [--config FILE]\n"
    "\n"
    "What the rules and calendars as they are configured now would change of the deadlines that the\n"
    "journal knows: which move, are new, are gone or change their state. A reload takes such rules only\n"
    "when they were confirmed, if an open deadline moves, closes or is gone, or a breached one turns up\n"
    "(rule_changes in the configuration). Reads the case database and the journal, beside the service:\n"
    "while none runs, what has happened in the cases since shows as a difference, too.\n"
    "\n"
    "  --confirm FINGERPRINT  lets a reload take these rules; the comparison prints their fingerprint\n"
    "  --by PERSON            who confirms: a person id of the case database\n"
    "  --language da|en       default: that of the mails\n"
    "  --json                 one JSON object a difference and line, then one with the counts\n"
    "  --config FILE          default " DEFAULT_CONFIG "\n"
    "\n"
    "Exit status: 0 nothing needs to be confirmed, or confirmed; 1 something needs to, or refused; 2 wrong\n"
    "usage or configuration, or a database away.\n";

struct options {
    const char *config_path, *confirm, *by, *language;
    bool json, help;
};

struct comparing {
    const struct options *options;
    struct config config;
    enum language language;
    struct zone *zone;
    struct ruleset rules;
    char fingerprint[MESSAGE_KEY_SIZE], in_force[MESSAGE_KEY_SIZE];
    char *problem; // why a confirmation is refused

    uv_loop_t loop;
    struct casedb *casedb;
    struct journal *journal;
    struct pass *pass;
    bool casedb_up, journal_up, ended;
    int result;
    struct error *err;
    struct difference_list differences;
    size_t cases, grave;
};

static int wrong_usage(const char *what)
{
    fprintf(stderr, "fristd compare: %s\n`fristd compare --help` says more.\n", what);
    return -1;
}

static int check_options(const struct options *options)
{
    if ((options->confirm == NULL) != (options->by == NULL))
        return wrong_usage(options->confirm ? "who confirms? --by PERSON" : "--by goes with --confirm");
    if (options->language && strcmp(options->language, "da") != 0 && strcmp(options->language, "en") != 0)
        return wrong_usage("--language is da or en");
    return 0;
}

static int read_options(int argc, char **argv, struct options *ret_options)
{
    static const struct option known[] = {{"config", required_argument, NULL, 'c'},
                                          {"confirm", required_argument, NULL, 'f'},
                                          {"by", required_argument, NULL, 'b'},
                                          {"language", required_argument, NULL, 'l'},
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
            options.confirm = optarg;
            break;
        case 'b':
            options.by = optarg;
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
            return wrong_usage("wrong usage");
        }
    if (optind < argc)
        return wrong_usage("nothing more is expected");
    *ret_options = options;
    return options.help ? 0 : check_options(&options);
}

// --- comparing ---

static void on_closed(void *data)
{
    (void)data;
}

static void end(struct comparing *comparing, const struct error *err)
{
    if (comparing->ended)
        return;
    comparing->ended = true;
    if (err)
        comparing->result = error_set(comparing->err, "%s", err->text);
    casedb_close(comparing->casedb, on_closed, comparing);
    journal_close(comparing->journal, on_closed, comparing);
}

static void on_difference(void *data, const char *case_id, const struct deadline_difference *difference)
{
    struct comparing *comparing = data;
    difference_list_add(&comparing->differences, case_id, difference);
    comparing->grave += difference_is_grave(difference);
}

static void on_progress(void *data)
{
    (void)data;
}

static void on_pass_done(void *data, const struct pass_result *result)
{
    struct comparing *comparing = data;
    comparing->cases = result->cases;
    end(comparing, result->err);
}

static void begin(struct comparing *comparing)
{
    struct error err;
    if (comparing->ended || !comparing->casedb_up || !comparing->journal_up)
        return;
    comparing->pass = pass_new(&(struct pass_options){.site = comparing->config.site,
                                                      .rules = &comparing->rules,
                                                      .rules_fingerprint = comparing->fingerprint,
                                                      .language = comparing->language,
                                                      .rhythm = &comparing->config.rhythm,
                                                      .casedb = comparing->casedb,
                                                      .journal = comparing->journal,
                                                      .on_difference = on_difference},
                               on_progress, on_pass_done, comparing);
    if (pass_start(comparing->pass, PASS_COMPARE, (instant)time(NULL), &err) < 0)
        end(comparing, &err);
}

static void on_casedb_state(void *data, bool up, const struct error *err)
{
    struct comparing *comparing = data;
    comparing->casedb_up = up;
    if (up)
        begin(comparing);
    else if (comparing->pass == NULL) // else the pass ends with an error
        end(comparing, err);
}

static void on_journal_state(void *data, bool up, const struct error *err)
{
    struct comparing *comparing = data;
    comparing->journal_up = up;
    if (up)
        begin(comparing);
    else if (comparing->pass == NULL)
        end(comparing, err);
}

static void on_wake(void *data)
{
    (void)data;
}

static int compare(struct comparing *comparing, struct error *err)
{
    struct casedb_options casedb = comparing->config.casedb;
    casedb.notify_channel = NULL; // nobody waits here
    comparing->err = err;
    uv_loop_init(&comparing->loop);
    comparing->casedb =
        casedb_new(&comparing->loop, &casedb, comparing->zone, on_casedb_state, on_wake, comparing);
    comparing->journal =
        journal_new(&comparing->loop, &comparing->config.journal, on_journal_state, comparing);
    journal_read_only(comparing->journal);
    casedb_start(comparing->casedb);
    journal_start(comparing->journal);
    uv_run(&comparing->loop, UV_RUN_DEFAULT);
    uv_loop_close(&comparing->loop);
    pass_free(comparing->pass);
    return comparing->result;
}

// --- the whole ---

static void on_in_force(void *data, int statement, const struct postgres_row *row)
{
    (void)statement;
    struct comparing *comparing = data;
    size_t length;
    snprintf(comparing->in_force, sizeof comparing->in_force, "%s", postgres_text(row, 0, &length));
}

static int load(struct comparing *comparing, struct error *err)
{
    static const struct postgres_statement in_force = {"SELECT value FROM progress WHERE name = 'rules'",
                                                       NULL};
    const struct options *options = comparing->options;
    struct config *config = &comparing->config;
    if (config_load(options->config_path, config, err) < 0 ||
        zone_load(config->zone, &comparing->zone, err) < 0 ||
        rules_load(config->rules_dir, comparing->zone, NULL, NULL, &comparing->rules, err) < 0 ||
        rules_fingerprint(config->rules_dir, config->zone, comparing->fingerprint, err) < 0)
        return -1;
    comparing->language = config->language;
    if (options->language)
        comparing->language = strcmp(options->language, "en") == 0 ? LANGUAGE_EN : LANGUAGE_DA;
    return journal_ask(&config->journal, &in_force, 1, on_in_force, comparing, err);
}

static void print_text(const struct comparing *comparing)
{
    bool danish = comparing->language == LANGUAGE_DA;
    difference_list_print_text(&comparing->differences, comparing->zone, comparing->language);
    if (strcmp(comparing->fingerprint, comparing->in_force) == 0)
        puts(danish ? "Reglerne er dem, der er i kraft." : "The rules are those in force.");
    printf(danish ? "%zu sager, %zu frister bliver anderledes; %zu af dem kræver en bekræftelse.\n"
                  : "%zu cases, %zu deadlines change; %zu of them need a confirmation.\n",
           comparing->cases, comparing->differences.count, comparing->grave);
    if (comparing->grave > 0)
        printf(danish ? "Bekræft med: fristd compare --confirm %s --by PERSON\n"
                        "og tag dem i brug med: systemctl reload fristd\n"
                      : "Confirm with: fristd compare --confirm %s --by PERSON\n"
                        "and take them with: systemctl reload fristd\n",
               comparing->fingerprint);
}

static void print_json(const struct comparing *comparing)
{
    difference_list_print_json(&comparing->differences, comparing->zone);
    json_t *counts =
        json_pack("{s:s, s:I, s:I, s:I, s:s, s:b}", "what", "counts", "cases", (json_int_t)comparing->cases,
                  "differences", (json_int_t)comparing->differences.count, "to_confirm",
                  (json_int_t)comparing->grave, "fingerprint", comparing->fingerprint, "in_force",
                  strcmp(comparing->fingerprint, comparing->in_force) == 0);
    json_dumpf(counts, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
    putchar('\n');
    json_decref(counts);
}

static int show(struct comparing *comparing, struct error *err)
{
    if (compare(comparing, err) < 0)
        return EXIT_USAGE;
    difference_list_sort(&comparing->differences);
    if (comparing->options->json)
        print_json(comparing);
    else
        print_text(comparing);
    return comparing->grave > 0 ? EXIT_FOUND : EXIT_GOOD;
}

static void on_confirmed(void *data, int statement, const struct postgres_row *row)
{
    (void)statement;
    struct comparing *comparing = data;
    size_t length;
    const char *problem = postgres_text(row, 0, &length);
    if (!postgres_is_null(row, 0))
        comparing->problem = memory_copy(problem, length);
}

static int confirm(struct comparing *comparing, struct error *err)
{
    const struct options *options = comparing->options;
    if (strcmp(options->confirm, comparing->fingerprint) != 0) {
        fprintf(
            stderr,
            "fristd compare: the configured rules have the fingerprint %s, not %s: they have changed since; "
            "compare again\n",
            comparing->fingerprint, options->confirm);
        return EXIT_FOUND;
    }
    struct postgres_params params = {0};
    postgres_param_text(&params, options->confirm);
    postgres_param_text(&params, options->by);
    postgres_param_instant(&params, (instant)time(NULL));
    const struct postgres_statement statement = {
        "SELECT problem, CASE WHEN problem IS NULL THEN confirm_rules($1, $2, $3)::text END"
        " FROM rules_confirmation_problem($1, $2) AS problem",
        &params};
    int told = journal_tell(&comparing->config.journal, &statement, 1, on_confirmed, comparing, err);
    postgres_params_done(&params);
    if (told < 0)
        return EXIT_USAGE;
    if (comparing->problem) {
        fprintf(stderr, "fristd compare: %s\n", comparing->problem);
        return EXIT_FOUND;
    }
    puts("confirmed; take them with: systemctl reload fristd");
    return EXIT_GOOD;
}

int command_compare(int argc, char **argv)
{
    struct options options;
    if (read_options(argc, argv, &options) < 0)
        return EXIT_USAGE;
    if (options.help) {
        fputs(help, stdout);
        return EXIT_GOOD;
    }
    struct comparing comparing = {.options = &options};
    struct error err = {""};
    int status = EXIT_USAGE;
    if (load(&comparing, &err) == 0)
        status = options.confirm ? confirm(&comparing, &err) : show(&comparing, &err);
    if (status == EXIT_USAGE)
        fprintf(stderr, "fristd compare: %s\n", err.text);
    difference_list_done(&comparing.differences);
    free(comparing.problem);
    rules_done(&comparing.rules);
    zone_free(comparing.zone);
    config_done(&comparing.config);
    return status;
}
