// SPDX-License-Identifier: MPL-2.0
// fristd: one binary, its sub-commands as a list.
#include "command/command.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name, *summary;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"check", "is the configuration right, and what it names?", command_check},
    {"run", "the daemon: watch, decide, deliver", command_run},
    {"status", "what is open and what waits", command_status},
    {"ack", "an alarm acknowledged until a date: given, ended, listed", command_ack},
    {"silence", "nobody is mailed about a case, a unit or a rule for a time", command_silence},
    {"migrate", "the journal's schema brought up to date", command_migrate},
    {"evaluate", "cases in, deadlines out; no database, no network", command_evaluate},
    {"rules", "the rules as a list", command_rules},
    {"explain", "why each date of a case is that date, and who was told", command_explain},
    {"verify", "do the dates in the journal follow from their derivations?", command_verify},
    {"report", "what a report says now, or one made by hand", command_report},
    {"replay", "years of history on a virtual clock: what would have been sent", command_replay},
    {"events", "the stream of transitions, as it was published", command_events},
    {"mqtt", "what a removed site has left at the broker cleared (purge)", command_mqtt},
    {"compare", "what changed rules would make of the open deadlines", command_compare},
    {"render", "a mail template with made-up data", command_render},
};

#define COMMAND_COUNT (sizeof commands / sizeof commands[0])

static void usage(FILE *out)
{
    fputs("usage: fristd COMMAND [OPTION ...]\n\n", out);
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
    fputs("\n`fristd COMMAND --help` says more. Exit status: 0 good, 1 found something, 2 wrong usage or "
          "configuration.\n",
          out);
}

int main(int argc, char **argv)
{
    if (argc >= 2)
        for (size_t i = 0; i < COMMAND_COUNT; i++)
            if (strcmp(argv[1], commands[i].name) == 0)
                return commands[i].run(argc - 1, argv + 1);
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        usage(stdout);
        return EXIT_GOOD;
    }
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        puts("fristd " FRISTD_VERSION);
        return EXIT_GOOD;
    }
    if (argc >= 2)
        fprintf(stderr, "fristd: there is no command \"%s\"\n\n", argv[1]);
    usage(stderr);
    return EXIT_USAGE;
}
