// SPDX-License-Identifier: MPL-2.0
// fristd run: the daemon.
#include "command/command.h"
#include "shell/fristd.h"
#include "shell/rules_file.h"
#include "shell/zone_file.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] = "usage: fristd run [--config FILE] [--once [--at INSTANT]]\n"
                           "\n"
                           "Watches the case database, mails the people, publishes the events. Runs in the "
                           "foreground, logs to stderr and\n"
                           "tells systemd when it is ready. SIGHUP reads the configuration again, SIGTERM "
                           "finishes what is in flight and ends.\n"
                           "\n"
                           "  --config FILE  default /etc/fristd/fristd.yaml\n"
                           "  --once         look once, deliver what is due now, end; exit status 1 when "
                           "something could not be delivered\n"
                           "  --at INSTANT   with --once: take this for the time "
                           "(\"2026-05-22T15:30:00+02:00\"). For rehearsals on a copy: it\n"
                           "                 writes to the journal and sends real mail\n";

static int parse_at(const char *text, instant *ret_at)
{
    struct error err;
    struct zone *zone;
    // An instant without an offset is Danish time here: the configuration is not read yet.
    if (zone_load("Europe/Copenhagen", &zone, &err) < 0) {
        fprintf(stderr, "fristd run: %s\n", err.text);
        return -1;
    }
    int parsed = zone_parse_instant(zone, text, strlen(text), ret_at);
    zone_free(zone);
    if (parsed < 0)
        fprintf(stderr, "fristd run: --at %s is no instant; write it like 2026-05-22T15:30:00+02:00\n", text);
    return parsed;
}

int command_run(int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"once", no_argument, NULL, 'o'},
        {"at", required_argument, NULL, 'a'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct fristd_options run = {.config_path = DEFAULT_CONFIG, .at = INSTANT_NONE};
    int option;
    while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1)
        switch (option) {
        case 'c':
            run.config_path = optarg;
            break;
        case 'o':
            run.once = true;
            break;
        case 'a':
            if (parse_at(optarg, &run.at) < 0)
                return EXIT_USAGE;
            break;
        case 'h':
            fputs(help, stdout);
            return EXIT_GOOD;
        default:
            fputs(help, stderr);
            return EXIT_USAGE;
        }
    if (optind < argc || (run.at != INSTANT_NONE && !run.once)) {
        fputs(help, stderr);
        return EXIT_USAGE;
    }
    return fristd_run(&run);
}
