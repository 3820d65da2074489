// SPDX-License-Identifier: MPL-2.0
// fristd report: what a report says now, or one made by hand. Shown from the journal and the case database;
// nothing is written but the wish that the daemon make one.
#include "command/command.h"
#include "command/journal_ask.h"
#include "core/nearest.h"
#include "core/report_wording.h"
#include "shell/casedb.h"
#include "shell/report_material.h"
#include "shell/reports_file.h"
#include "shell/setup.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char help[] = "usage: fristd report NAME [--at INSTANT] [--send] [--config FILE]\n"
                           "       fristd report [--config FILE]\n"
                           "\n"
                           "Prints each mail of a report of reports.yaml as it would be sent now, with "
                           "subject and recipient by id; sends nothing.\n"
                           "Without a name it lists the reports and when each comes next.\n"
                           "\n"
                           "  --at INSTANT   as if it were that time; \"2026-05-22T15:30\" is local time. "
                           "Remands are as they stood then, lists of\n"
                           "                 deadlines as the journal knows them now\n"
                           "  --send         have the running service make it and send it to all its "
                           "recipients, beside those that come by\n"
                           "                 themselves; nothing is printed\n"
                           "  --config FILE  default " DEFAULT_CONFIG "\n"
                           "\n"
                           "Exit status: 0 good, 1 somebody cannot be reached, 2 wrong usage or "
                           "configuration, or a database away.\n";

struct options {
    const char *config_path, *name, *at;
    bool send, help;
};

struct look {
    const struct options *options;
    struct setup *setup;
    const struct report *report;
    instant now;
    struct report_reading reading;
    struct casedb *casedb;
    struct casedb_read read;
    bool ended, done, made;
    int result;
    struct error *err;
};

static int wrong_usage(const char *what, const char *which)
{
    fprintf(stderr, "fristd report: %s%s\n`fristd report --help` says more.\n", what, which);
    return -1;
}

static int read_options(int argc, char **argv, struct options *ret_options)
{
    static const struct option known[] = {{"config", required_argument, NULL, 'c'},
                                          {"at", required_argument, NULL, 'a'},
                                          {"send", no_argument, NULL, 's'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    struct options options = {.config_path = DEFAULT_CONFIG};
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;)
        switch (option) {
        case 'c':
            options.config_path = optarg;
            break;
        case 'a':
            options.at = optarg;
            break;
        case 's':
            options.send = true;
            break;
        case 'h':
            options.help = true;
            break;
        default: // getopt has said what is wrong
            return wrong_usage("wrong usage", "");
        }
    if (optind < argc)
        options.name = argv[optind++];
    if (optind < argc)
        return wrong_usage("one report at a time, not also ", argv[optind]);
    if (options.send && options.at)
        return wrong_usage("--send sends what is true now: without --at", "");
    if (options.name == NULL && (options.send || options.at))
        return wrong_usage("which report?", "");
    *ret_options = options;
    return 0;
}

// --- the case database ---

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

static void on_people(struct casedb_read *read, const struct people *people)
{
    struct look *look = read->data;
    report_reading_people(&look->reading, people);
}

static void on_case(struct casedb_read *read, const struct casefile *casefile, const struct fault *faults,
                    size_t fault_count)
{
    struct look *look = read->data;
    (void)faults;
    (void)fault_count;
    report_reading_case(&look->reading, casefile);
}

static void on_gone(struct casedb_read *read, const char *case_id)
{
    (void)read;
    (void)case_id;
}

static void on_fault(struct casedb_read *read, const char *case_id, const struct fault *fault)
{
    (void)read;
    fprintf(stderr, "fristd report: the case %s cannot be read whole: %s\n", case_id,
            fault_name(fault->code));
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
                                      .case_ids = look->reading.case_ids,
                                      .case_id_count = look->reading.case_count,
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

static int read_cases(struct look *look, struct error *err)
{
    struct casedb_options options = look->setup->config.casedb;
    options.notify_channel = NULL; // nobody waits here
    uv_loop_t loop;
    look->err = err;
    uv_loop_init(&loop);
    look->casedb = casedb_new(&loop, &options, look->setup->zone, on_state, on_wake, look);
    casedb_start(look->casedb);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    return look->result;
}

// --- what it does ---

static void on_material_row(void *data, int statement, const struct postgres_row *row)
{
    struct look *look = data;
    report_reading_row(&look->reading, statement, row);
}

static int collect(struct look *look, struct error *err)
{
    struct postgres_statement statements[REPORT_STATEMENTS];
    report_reading_begin(&look->reading, look->report, &look->setup->rules, look->now, look->now);
    report_reading_ask(&look->reading, statements);
    if (journal_ask(&look->setup->config.journal, statements, REPORT_STATEMENTS, on_material_row, look, err) <
        0)
        return -1;
    report_reading_asked(&look->reading);
    return read_cases(look, err);
}

static void print_mail(const struct look *look, const struct report_material *material,
                       const struct report_addressee *addressee)
{
    const struct config *config = &look->setup->config;
    struct arena arena = {0};
    struct report_mail mail;
    struct mail_text text = {0};
    report_mail_make(material, addressee, &arena, &mail);
    const struct report_facts facts = {
        .report = look->report, .mail = &mail, .rules = &look->setup->rules, .link = config->link};
    if (!mail.empty || !look->report->skip_empty) {
        bool danish = config->language == LANGUAGE_DA;
        report_word(&facts, config->language, config->small_counts, &text);
        mail_text_wrap(&text);
        printf("%s: %s\n%s: %s (%s%s%s)\n\n%s\n", danish ? "Emne" : "Subject", text.subject.data,
               danish ? "Til" : "To", addressee->person_id ? addressee->person_id : "-", addressee->role,
               addressee->stands_in ? " for " : "", addressee->stands_in ? addressee->holder : "",
               text.text.data);
    }
    mail_text_done(&text);
    arena_done(&arena);
}

static int print_mails(struct look *look)
{
    struct report_material material;
    struct report_addressee *addressees;
    int status = EXIT_GOOD;
    report_reading_material(&look->reading, &material);
    size_t count = report_addressees(&material, &look->reading.arena, &addressees);
    for (size_t i = 0; i < count; i++) {
        print_mail(look, &material, &addressees[i]);
        if (addressees[i].person_id == NULL) {
            fprintf(stderr, "fristd report: %s (%s) cannot be reached; the level above would get it\n",
                    addressees[i].holder, addressees[i].role);
            status = EXIT_FOUND;
        }
    }
    if (count == 0)
        fprintf(stderr, "fristd report: there is nobody to send it to now\n");
    return status;
}

static void on_made(void *data, int statement, const struct postgres_row *row)
{
    (void)statement;
    struct look *look = data;
    look->made = postgres_bool(row, 0);
}

static int request(struct look *look, struct error *err)
{
    struct postgres_params params = {0};
    postgres_param_text(&params, look->report->name);
    const struct postgres_statement statement = {"SELECT request_report($1)", &params};
    int asked = journal_tell(&look->setup->config.journal, &statement, 1, on_made, look, err);
    postgres_params_done(&params);
    if (asked < 0)
        return -1;
    puts(look->made ? "the service makes it now" : "it is being made already");
    return 0;
}

static void list(const struct look *look)
{
    const struct report_set *set = &look->setup->reports;
    char at[ZONE_INSTANT_SIZE];
    if (set->count == 0)
        puts("no reports are configured");
    for (size_t i = 0; i < set->count; i++)
        printf("%-20s %-26s %s\n", set->reports[i].name,
               zone_format(look->setup->zone, report_next_due(&set->reports[i], look->setup->zone, look->now),
                           at),
               report_title(&set->reports[i], look->setup->config.language));
}

static int find_report(struct look *look, struct error *err)
{
    const struct report_set *set = &look->setup->reports;
    const char *name = look->options->name, *names[REPORTS_MAX];
    look->report = report_find(set, name);
    if (look->report)
        return 0;
    for (size_t i = 0; i < set->count; i++)
        names[i] = set->reports[i].name;
    const char *near = nearest_name(name, strlen(name), names, set->count);
    return error_set(err, "there is no report \"%.60s\"%s%s%s; `fristd report` lists them", name,
                     near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

static int read_moment(struct look *look, struct error *err)
{
    const char *at = look->options->at;
    look->now = (instant)time(NULL);
    if (at && zone_parse_instant(look->setup->zone, at, strlen(at), &look->now) < 0)
        return error_set(err, "--at %s is no instant; write it like 2026-05-22T15:30:00+02:00", at);
    return 0;
}

static int run(struct look *look, int *ret_status, struct error *err)
{
    if (setup_load(look->options->config_path, &look->setup, err) < 0 || read_moment(look, err) < 0)
        return -1;
    if (look->options->name == NULL) {
        list(look);
        return 0;
    }
    if (find_report(look, err) < 0)
        return -1;
    if (look->options->send)
        return request(look, err);
    if (collect(look, err) < 0)
        return -1;
    *ret_status = print_mails(look);
    return 0;
}

int command_report(int argc, char **argv)
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
    int status = EXIT_GOOD;
    if (run(&look, &status, &err) < 0) {
        fprintf(stderr, "fristd report: %s\n", err.text);
        status = EXIT_USAGE;
    }
    report_reading_done(&look.reading);
    setup_free(look.setup);
    return status;
}
