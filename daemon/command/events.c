// SPDX-License-Identifier: MPL-2.0
// fristd events: the stream of transitions, as it was published.
#include "command/command.h"
#include "command/journal_ask.h"
#include "command/journal_follow.h"
#include "shell/config.h"
#include "shell/event.h"
#include "shell/journal_events.h"
#include "shell/zone_file.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "usage: fristd events [--since N] [--until N] [--limit N] [--json] [--config FILE]\n"
    "       fristd events --follow [--since N] [--json] [--config FILE]\n"
    "\n"
    "Prints the events in the journal in their order: for a subscriber that has missed some and\n"
    "cannot ask for them over MQTT, or for a look at what happened. May run beside the daemon.\n"
    "\n"
    "  --since N      from this sequence on (default 1); the text of a sequence will do\n"
    "  --until N      up to this one\n"
    "  --limit N      so many at most\n"
    "  --follow       goes on with new ones as they come, until Ctrl-C; without --since only with those\n"
    "  --json         each as its CloudEvent, the same bytes as in the MQTT message; one a line\n"
    "  --config FILE  default " DEFAULT_CONFIG "\n";

struct options {
    const char *config_path;
    int64_t since, until, limit; // since 0: not given
    bool follow, json, help;
};

struct listing {
    struct event_site site;
    bool json;
    struct arena arena;
    struct buffer line;
    bool any;
};

static int read_number(const char *text, int64_t *ret_number)
{
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || number < 1)
        return -1;
    *ret_number = number;
    return 0;
}

static int read_options(int argc, char **argv, struct options *options)
{
    static const struct option names[] = {
        {"since", required_argument, NULL, 's'}, {"until", required_argument, NULL, 'u'},
        {"limit", required_argument, NULL, 'l'}, {"follow", no_argument, NULL, 'f'},
        {"json", no_argument, NULL, 'j'},        {"config", required_argument, NULL, 'c'},
        {"help", no_argument, NULL, 'h'},        {NULL, 0, NULL, 0}};
    *options = (struct options){.config_path = DEFAULT_CONFIG, .until = INT64_MAX, .limit = INT64_MAX};
    int option, result = 0;
    while ((option = getopt_long(argc, argv, "c:jh", names, NULL)) != -1 && result == 0)
        switch (option) {
        case 's':
            result = read_number(optarg, &options->since);
            break;
        case 'u':
            result = read_number(optarg, &options->until);
            break;
        case 'l':
            result = read_number(optarg, &options->limit);
            break;
        case 'f':
            options->follow = true;
            break;
        case 'j':
            options->json = true;
            break;
        case 'c':
            options->config_path = optarg;
            break;
        case 'h':
            options->help = true;
            return 0;
        default:
            result = -1;
        }
    if (options->follow && (options->until != INT64_MAX || options->limit != INT64_MAX))
        result = -1;
    if (result < 0 || optind < argc) {
        fputs(help, stderr);
        return -1;
    }
    return 0;
}

static void print_text(const struct zone *zone, const struct transition *transition)
{
    char at[ZONE_INSTANT_SIZE], due[ZONE_INSTANT_SIZE];
    printf("%8lld  %s  %-13s  %-6s  %s  %s  %s  due %s\n", (long long)transition->number,
           zone_format(zone, transition->at, at), transition_name(transition->kind), transition->code,
           transition->case_id, transition->subject[0] ? transition->subject : "-",
           deadline_state_name(transition->state),
           transition->due_at == INSTANT_NONE ? "-" : zone_format(zone, transition->due_at, due));
}

static void on_row(void *data, int statement, const struct postgres_row *row)
{
    (void)statement;
    struct listing *listing = data;
    arena_reset(&listing->arena);
    struct transition transition = journal_event(&listing->arena, row);
    listing->any = true;
    if (!listing->json) {
        print_text(listing->site.zone, &transition);
        return;
    }
    buffer_clear(&listing->line);
    event_payload(&listing->site, &transition, &listing->line);
    buffer_add_char(&listing->line, '\n');
    fwrite(listing->line.data, 1, listing->line.length, stdout);
}

static int list(const struct config *config, const struct options *options, struct listing *listing,
                struct error *err)
{
    struct postgres_params params = {0};
    struct postgres_statement statement = {"SELECT " JOURNAL_EVENT_COLUMNS
                                           " FROM transition t WHERE t.number >= $1"
                                           " AND t.number <= $2 ORDER BY t.number LIMIT $3",
                                           &params};
    postgres_param_int8(&params, options->since);
    postgres_param_int8(&params, options->until);
    postgres_param_int8(&params, options->limit);
    int result = journal_ask(&config->journal, &statement, 1, on_row, listing, err);
    postgres_params_done(&params);
    return result;
}

static bool on_page(void *data)
{
    (void)data;
    return fflush(stdout) == 0; // else whoever read it has gone
}

static void on_last(void *data, int statement, const struct postgres_row *row)
{
    (void)statement;
    *(int64_t *)data = postgres_int8(row, 0);
}

static int follow(const struct config *config, const struct options *options, struct listing *listing,
                  struct error *err)
{
    int64_t after = options->since - 1;
    struct postgres_statement last = {"SELECT coalesce(max(number), 0) FROM transition", NULL};
    if (options->since == 0 && journal_ask(&config->journal, &last, 1, on_last, &after, err) < 0)
        return -1;
    listing->any = true;
    return journal_follow(&(struct journal_follow){.journal = &config->journal,
                                                   .after = after,
                                                   .on_row = on_row,
                                                   .on_page = on_page,
                                                   .data = listing},
                          err);
}

int command_events(int argc, char **argv)
{
    struct options options;
    if (read_options(argc, argv, &options) < 0)
        return EXIT_USAGE;
    if (options.help) {
        fputs(help, stdout);
        return EXIT_GOOD;
    }
    struct config config = {0};
    struct zone *zone = NULL;
    struct error err;
    struct listing listing = {.json = options.json};
    int status = EXIT_USAGE;
    if (config_load(options.config_path, &config, &err) == 0 && zone_load(config.zone, &zone, &err) == 0) {
        listing.site = (struct event_site){
            .site = config.site, .with_rule_ids = config.mqtt_rule_ids, .link = config.link, .zone = zone};
        int result = (options.follow ? follow : list)(&config, &options, &listing, &err);
        status = result < 0 ? EXIT_USAGE : listing.any ? EXIT_GOOD : EXIT_FOUND;
    }
    if (status == EXIT_USAGE)
        fprintf(stderr, "fristd events: %s\n", err.text);
    else if (status == EXIT_FOUND)
        fputs("fristd events: the journal has none in this range\n", stderr);
    arena_done(&listing.arena);
    buffer_done(&listing.line);
    zone_free(zone);
    config_done(&config);
    return status;
}
