// SPDX-License-Identifier: MPL-2.0
// fristd migrate: brings the journal's schema up to date, as `run` does at its start.
#include "command/command.h"
#include "shell/config.h"
#include "shell/journal.h"

#include <getopt.h>
#include <stdio.h>

static const char help[] = "usage: fristd migrate [--config FILE]\n"
                           "\n"
                           "Creates the journal's schema or brings it up to date. `fristd run` does the same "
                           "at its start; this is for\n"
                           "doing it beforehand. Does nothing while a daemon holds the journal.\n"
                           "\n"
                           "  --config FILE  default " DEFAULT_CONFIG "\n";

struct migrating {
    struct journal *journal;
    int exit_status;
    bool ended;
};

static void on_closed(void *data)
{
    (void)data;
}

static void on_state(void *data, bool up, const struct error *err)
{
    struct migrating *migrating = data;
    if (migrating->ended)
        return;
    migrating->ended = true;
    if (up)
        puts("the journal's schema is up to date");
    else
        fprintf(stderr, "fristd migrate: %s\n", err->text);
    migrating->exit_status = up ? EXIT_GOOD : EXIT_FOUND;
    journal_close(migrating->journal, on_closed, migrating);
}

static int migrate(const char *config_path)
{
    struct config config = {0};
    struct error err;
    if (config_load(config_path, &config, &err) < 0) {
        fprintf(stderr, "fristd migrate: %s\n", err.text);
        config_done(&config);
        return EXIT_USAGE;
    }
    uv_loop_t loop;
    struct migrating migrating = {0};
    uv_loop_init(&loop);
    migrating.journal = journal_new(&loop, &config.journal, on_state, &migrating);
    journal_start(migrating.journal);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    config_done(&config);
    return migrating.exit_status;
}

int command_migrate(int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    const char *config_path = DEFAULT_CONFIG;
    int option;
    while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1)
        switch (option) {
        case 'c':
            config_path = optarg;
            break;
        case 'h':
            fputs(help, stdout);
            return EXIT_GOOD;
        default:
            fputs(help, stderr);
            return EXIT_USAGE;
        }
    if (optind < argc) {
        fputs(help, stderr);
        return EXIT_USAGE;
    }
    return migrate(config_path);
}
