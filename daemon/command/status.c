// SPDX-License-Identifier: MPL-2.0
// fristd status: what is open and waiting, read from the journal; asks the daemon nothing.
#include "command/command.h"
#include "shell/config.h"
#include "shell/postgres.h"

#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char help[] =
    "usage: fristd status [--config FILE] [--json]\n"
    "\n"
    "What is open and what waits, from the journal. Exit status 1 when something "
    "wants an operator: notices given\n"
    "up in the last day or waiting for more than an hour, reports that reached not everybody, or "
    "faults in the data.\n"
    "\n"
    "  --config FILE  default " DEFAULT_CONFIG "\n"
    "  --json         for programs\n";

// Each statement gives rows of (name, number); the heading is the JSON key.
static const struct {
    const char *heading, *words, *sql;
    bool wants_operator; // any row that is not zero
} questions[] = {
    {"deadlines", "Deadlines that are not closed, by state",
     "SELECT state, count(*) FROM deadline WHERE closed_at IS NULL GROUP BY state ORDER BY state", false},
    {"breached", "Breached, by kind of rule",
     "SELECT rule_kind, count(*) FROM deadline WHERE state = 'breached' GROUP BY rule_kind ORDER BY "
     "rule_kind",
     false},
    {"notices", "Notices not yet delivered, by state",
     "SELECT state, count(*) FROM unfinished_notice GROUP BY state ORDER BY state", false},
    {"held_notices", "Of them, those that wait on purpose",
     "SELECT CASE held_by WHEN 'hours' THEN 'for office hours' WHEN 'bound' THEN 'since there were many' "
     "ELSE "
     "'for others' END, count(*) FROM notice WHERE carried_by IS NULL GROUP BY held_by ORDER BY 1",
     false},
    {"late_notices", "Notices that could have gone more than an hour ago",
     "SELECT 'waiting', count(*) FROM unfinished_notice WHERE coalesce(formed_at, "
     "may_go_at) < $1::timestamptz - interval '1 hour' HAVING count(*) > 0",
     true},
    {"mails", "Mails to persons in the last day, and what they carried",
     "SELECT 'mails', count(*) FROM notice WHERE carried_by = id AND person_id <> '' AND finished_at > "
     "$1::timestamptz - interval '1 day' AND state = 'sent'"
     " UNION ALL SELECT 'notices', count(*) FROM notice WHERE person_id <> '' AND state = 'sent' AND "
     "finished_at > $1::timestamptz - interval '1 day'",
     false},
    {"given_up", "Notices given up in the last day",
     "SELECT last_reply, count(*) FROM notice WHERE state = 'abandoned' AND finished_at > $1::timestamptz - "
     "interval '1 day'"
     " AND last_reply NOT LIKE 'out of date%' GROUP BY last_reply ORDER BY last_reply",
     true},
    {"failed_reports", "Reports that did not reach everybody, in the last week",
     "SELECT report, count(*) FROM report_run WHERE state = 'failed' AND finished_at > $1::timestamptz - "
     "interval '7 days' GROUP BY report ORDER BY report",
     true},
    {"late_reports", "Reports that should have been made a quarter of an hour ago",
     "SELECT report, count(*) FROM report_run WHERE state = 'waiting' AND due_at < $1::timestamptz - "
     "interval '15 minutes' GROUP BY report ORDER BY report",
     true},
    {"data_faults", "Faults in the data, by code",
     "SELECT code, count(*) FROM data_fault GROUP BY code ORDER BY code", true},
    {"refused_addresses", "Mail addresses that the server refuses, by person, how many times",
     "SELECT person_id, refusals FROM refused_address ORDER BY person_id", true},
    {"silences", "Silences that hold, and what they have hidden so far",
     "SELECT 'holding', count(*) FROM silence WHERE over_at IS NULL AND from_at <= $1::timestamptz"
     " HAVING count(*) > 0 UNION ALL SELECT 'hidden steps', count(*) FROM silenced_step x"
     " JOIN silence s ON s.id = x.silence_id WHERE s.over_at IS NULL HAVING count(*) > 0 ORDER BY 1",
     false},
    {"muted", "Steps not told by themselves since a larger problem of the case speaks for them, by its code",
     "SELECT by_code, count(*) FROM muted_step WHERE over_at IS NULL GROUP BY by_code ORDER BY by_code",
     false},
    {"acknowledgements", "Deadlines that are acknowledged, by reason",
     "SELECT a.reason, count(*) FROM acknowledged_deadline x JOIN acknowledgement a ON a.id = "
     "x.acknowledgement_id"
     " WHERE x.over_at IS NULL GROUP BY a.reason ORDER BY a.reason",
     false},
    {"reach", "Steps that will reach nobody within eight weeks (`fristd check --reach` lists them)",
     "SELECT 'steps', split_part(value, ' ', 1)::bigint FROM progress WHERE name = 'reach'", true},
    {"rules_refused",
     "Changed rules that wait to be confirmed (fristd compare), with the open deadlines they would change",
     "SELECT split_part(value, ' ', 1), split_part(value, ' ', 2)::bigint FROM progress WHERE name = "
     "'rules_refused' AND value <> ''",
     true},
    {"events", "Events for the broker",
     "SELECT 'recorded', coalesce(max(number), 0) FROM transition UNION ALL"
     " SELECT 'acknowledged', coalesce((SELECT value::bigint FROM progress WHERE name = 'published'), 0) "
     "ORDER BY 1",
     false},
    {"requests", "Requests for events again, over MQTT (ignored: beyond what is refused one by one)",
     "SELECT r.name, split_part(p.value, ' ', r.part)::bigint FROM progress p,"
     " (VALUES (1, 'served'), (2, 'refused'), (3, 'ignored')) r (part, name)"
     " WHERE p.name = 'requests' ORDER BY r.part",
     false},
};

#define QUESTION_COUNT ((int)(sizeof questions / sizeof questions[0]))

struct asking {
    struct postgres *pg;
    struct postgres_request request;
    struct postgres_statement statements[QUESTION_COUNT];
    struct postgres_params now, none;
    json_t *answer;
    bool ended, wants_operator;
    int exit_status;
};

static void on_closed(void *data)
{
    (void)data;
}

static void end(struct asking *asking, int exit_status)
{
    asking->ended = true;
    asking->exit_status = exit_status;
    postgres_close(asking->pg, on_closed, asking);
}

static void on_row(struct postgres_request *request, int statement, const struct postgres_row *row)
{
    struct asking *asking = request->data;
    size_t length;
    const char *name = postgres_text(row, 0, &length);
    int64_t number = postgres_int8(row, 1);
    json_object_set_new(json_object_get(asking->answer, questions[statement].heading), name,
                        json_integer(number));
    asking->wants_operator |= questions[statement].wants_operator && number > 0;
}

static void on_done(struct postgres_request *request, enum postgres_status status, const struct error *err)
{
    struct asking *asking = request->data;
    if (asking->ended)
        return;
    if (status != POSTGRES_OK)
        fprintf(stderr, "fristd status: %s\n", err->text);
    end(asking, status != POSTGRES_OK ? EXIT_USAGE : asking->wants_operator ? EXIT_FOUND : EXIT_GOOD);
}

static void on_state(void *data, bool up, const struct error *err)
{
    struct asking *asking = data;
    struct error not_up;
    if (asking->ended)
        return;
    if (!up) {
        fprintf(stderr, "fristd status: %s\n", err->text);
        end(asking, EXIT_USAGE);
        return;
    }
    for (int i = 0; i < QUESTION_COUNT; i++) {
        bool asks_time = strstr(questions[i].sql, "$1") != NULL;
        asking->statements[i] =
            (struct postgres_statement){questions[i].sql, asks_time ? &asking->now : &asking->none};
    }
    asking->request = (struct postgres_request){.data = asking,
                                                .statements = asking->statements,
                                                .statement_count = QUESTION_COUNT,
                                                .on_row = on_row,
                                                .on_done = on_done};
    if (postgres_submit(asking->pg, &asking->request, &not_up) < 0)
        end(asking, EXIT_USAGE);
}

static void print_text(const json_t *answer)
{
    for (int i = 0; i < QUESTION_COUNT; i++) {
        const char *name;
        json_t *number;
        json_t *rows = json_object_get(answer, questions[i].heading);
        printf("%s:%s\n", questions[i].words, json_object_size(rows) ? "" : " none");
        json_object_foreach(rows, name, number)
            printf("  %10lld  %s\n", (long long)json_integer_value(number), name);
    }
}

static int status(const char *config_path, bool as_json)
{
    struct config config = {0};
    struct error err;
    if (config_load(config_path, &config, &err) < 0) {
        fprintf(stderr, "fristd status: %s\n", err.text);
        config_done(&config);
        return EXIT_USAGE;
    }
    uv_loop_t loop;
    struct asking asking = {.answer = json_object()};
    for (int i = 0; i < QUESTION_COUNT; i++)
        json_object_set_new(asking.answer, questions[i].heading, json_object());
    postgres_param_instant(&asking.now, (instant)time(NULL));
    uv_loop_init(&loop);
    asking.pg = postgres_new(&loop, &config.journal, on_state, NULL, &asking);
    postgres_add_prelude(asking.pg, "SET search_path = fristd_journal, pg_catalog");
    postgres_start(asking.pg);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    if (asking.exit_status != EXIT_USAGE) {
        if (as_json) {
            json_dumpf(asking.answer, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
            putchar('\n');
        } else
            print_text(asking.answer);
    }
    json_decref(asking.answer);
    postgres_params_done(&asking.now);
    config_done(&config);
    return asking.exit_status;
}

int command_status(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    const char *config_path = DEFAULT_CONFIG;
    bool as_json = false;
    int option;
    while ((option = getopt_long(argc, argv, "c:jh", options, NULL)) != -1)
        switch (option) {
        case 'c':
            config_path = optarg;
            break;
        case 'j':
            as_json = true;
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
    return status(config_path, as_json);
}
