// SPDX-License-Identifier: MPL-2.0
// fristd mqtt purge: nothing of a site that is removed stays behind at the broker.
#include "command/command.h"
#include "shell/config.h"
#include "shell/journal.h"
#include "shell/journal_events.h"
#include "shell/sweep.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#define QUIET_MS       3000
#define LEAVE_GRACE_MS 5000

static const char help[] =
    "usage: fristd mqtt purge [--without-journal] [--config FILE]\n"
    "\n"
    "Clears every retained message of this site: those of the journal's ledger, whatever the site\n"
    "was called when they were published, and everything that the broker holds below\n"
    "fristd/v1/SITE/. For a site that is removed. Refuses while a daemon holds the journal; one\n"
    "that is started afterwards publishes everything again.\n"
    "\n"
    "  --without-journal  the journal is gone: clears what the broker shows alone\n"
    "  --config FILE      default " DEFAULT_CONFIG "\n";

struct purging {
    uv_loop_t loop;
    struct config config;
    struct journal *journal; // NULL: none
    struct mqtt *mqtt;
    struct sweep *sweep;
    bool ended;
    int exit_status;
};

static void on_closed(void *data)
{
    (void)data;
}

static void on_mqtt_closed(void *data)
{
    struct purging *purging = data;
    sweep_close(purging->sweep, on_closed, NULL);
    if (purging->journal)
        journal_close(purging->journal, on_closed, NULL);
}

static void end(struct purging *purging, int exit_status)
{
    if (purging->ended)
        return;
    purging->ended = true;
    purging->exit_status = exit_status;
    sweep_stop(purging->sweep);
    mqtt_close(purging->mqtt, NULL, 0, LEAVE_GRACE_MS, on_mqtt_closed, purging);
}

static void fail(struct purging *purging, const struct error *why)
{
    if (!purging->ended)
        fprintf(stderr, "fristd mqtt purge: %s\n", why->text);
    end(purging, EXIT_USAGE);
}

static void on_swept(void *data, const struct sweep_result *result)
{
    struct purging *purging = data;
    printf("retained messages cleared: %lld\n", (long long)result->cleared);
    if (result->refused > 0)
        printf("not cleared, the broker does not let this user write there: %lld\n",
               (long long)result->refused);
    if (result->unseen)
        puts("the broker does not let this user read what is retained; only what the journal knows was "
             "cleared");
    if (result->failed && purging->journal)
        puts("the journal's ledger could not be read; only what the broker shows was cleared");
    bool whole = result->refused == 0 && !result->unseen && !(result->failed && purging->journal);
    end(purging, whole ? EXIT_GOOD : EXIT_FOUND);
}

static void on_mqtt_state(void *data, bool up, const struct error *err)
{
    struct purging *purging = data;
    if (!up) {
        fail(purging, err);
        return;
    }
    sweep_begin(purging->sweep);
    sweep_start(purging->sweep);
}

static void on_journal_state(void *data, bool up, const struct error *err)
{
    struct purging *purging = data;
    if (!up)
        fail(purging, err);
    else if (!purging->ended)
        mqtt_start(purging->mqtt);
}

static void start(struct purging *purging, bool with_journal)
{
    struct config *config = &purging->config;
    struct mqtt_options options = config->mqtt;
    struct buffer text = {0};
    buffer_format(&text, "%s-purge", config->mqtt.client_id); // a daemon's own connection is left alone
    options.client_id = text.data;
    purging->mqtt = mqtt_new(&purging->loop, &options, on_mqtt_state, purging);
    buffer_clear(&text);
    buffer_format(&text, "fristd/v1/%s/#", config->site);
    if (with_journal)
        purging->journal = journal_new(&purging->loop, &config->journal, on_journal_state, purging);
    purging->sweep = sweep_new(&purging->loop, purging->mqtt, with_journal ? &journal_publisher_store : NULL,
                               purging->journal, text.data, QUIET_MS, on_swept, purging);
    buffer_done(&text);
    if (with_journal)
        journal_start(purging->journal);
    else
        mqtt_start(purging->mqtt);
}

static int purge(const char *config_path, bool with_journal)
{
    struct purging purging = {0};
    struct error err;
    if (config_load(config_path, &purging.config, &err) < 0) {
        fprintf(stderr, "fristd mqtt purge: %s\n", err.text);
        return EXIT_USAGE;
    }
    if (!purging.config.mqtt_enabled) {
        fputs("fristd mqtt purge: mqtt.enabled is false; the broker must stand in the configuration\n",
              stderr);
        config_done(&purging.config);
        return EXIT_USAGE;
    }
    uv_loop_init(&purging.loop);
    start(&purging, with_journal);
    uv_run(&purging.loop, UV_RUN_DEFAULT);
    uv_loop_close(&purging.loop);
    config_done(&purging.config);
    return purging.exit_status;
}

int command_mqtt(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"without-journal", no_argument, NULL, 'w'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    const char *config_path = DEFAULT_CONFIG;
    bool with_journal = true;
    int option;
    while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1)
        switch (option) {
        case 'c':
            config_path = optarg;
            break;
        case 'w':
            with_journal = false;
            break;
        case 'h':
            fputs(help, stdout);
            return EXIT_GOOD;
        default:
            fputs(help, stderr);
            return EXIT_USAGE;
        }
    if (optind + 1 != argc || strcmp(argv[optind], "purge") != 0) {
        fputs(help, stderr);
        return EXIT_USAGE;
    }
    return purge(config_path, with_journal);
}
