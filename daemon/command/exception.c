// SPDX-License-Identifier: MPL-2.0
#include "command/exception.h"

#include "command/command.h"
#include "core/utf8.h"
#include "shell/rules_file.h"
#include "shell/zone_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int exception_wrong_usage(const struct exception *exception, const char *what)
{
    fprintf(stderr, "fristd %s: %s\n`fristd %s --help` says more.\n", exception->command, what,
            exception->command);
    return -1;
}

int exception_read_options(struct exception *exception, int argc, char **argv, const struct option *known)
{
    struct exception_options *options = &exception->options;
    *options = (struct exception_options){.config_path = DEFAULT_CONFIG, .note = ""};
    const struct {
        int option;
        const char **value;
    } values[] = {{'c', &options->config_path}, {'k', &options->case_id}, {'i', &options->unit},
                  {'r', &options->rule},        {'s', &options->subject}, {'f', &options->from},
                  {'u', &options->until},       {'b', &options->by},      {'w', &options->reason},
                  {'n', &options->note},        {'a', &options->at},      {'e', &options->end}};
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (option == '?')
            return exception_wrong_usage(exception, "wrong usage");
        options->yes |= option == 'y';
        options->list |= option == 'l';
        options->json |= option == 'j';
        options->help |= option == 'h';
        for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
            if (values[i].option == option)
                *values[i].value = optarg;
    }
    return 0;
}

int exception_load(struct exception *exception, struct error *err)
{
    const char *at = exception->options.at;
    if (config_load(exception->options.config_path, &exception->config, err) < 0 ||
        zone_load(exception->config.zone, &exception->zone, err) < 0)
        return -1;
    exception->now = (instant)time(NULL);
    if (at && zone_parse_instant(exception->zone, at, strlen(at), &exception->now) < 0)
        return error_set(err, "--at %s is no instant; write it like 2026-05-22T15:30:00+02:00", at);
    return 0;
}

// It stands with the rules.
static int read_notice_time(const struct exception *exception, int *ret_time, struct error *err)
{
    struct ruleset rules;
    if (rules_load(exception->config.rules_dir, exception->zone, NULL, NULL, &rules, err) < 0)
        return -1;
    *ret_time = rules.notice_time;
    rules_done(&rules);
    return 0;
}

int exception_read_time(const struct exception *exception, const char *option, const char *text,
                        instant *ret_at, struct error *err)
{
    civil_date date;
    int notice_time;
    if (text == NULL)
        return 0;
    if (civil_parse_date(text, strlen(text), &date) == 0) {
        if (read_notice_time(exception, &notice_time, err) < 0)
            return -1;
        *ret_at = zone_to_instant(exception->zone, date, notice_time);
        return 0;
    }
    if (zone_parse_instant(exception->zone, text, strlen(text), ret_at) < 0)
        return error_set(err, "%s %s is no date; write it like 2026-05-22 or 2026-05-22T15:30", option, text);
    return 0;
}

void exception_done(struct exception *exception)
{
    json_decref(exception->rows);
    free(exception->problem);
    zone_free(exception->zone);
    config_done(&exception->config);
}

void exception_on_answer(void *data, int statement, const struct postgres_row *row)
{
    (void)statement;
    struct exception *exception = data;
    size_t length;
    if (!postgres_is_null(row, 0)) {
        const char *problem = postgres_text(row, 0, &length);
        exception->problem = memory_copy(problem, length);
    } else {
        exception->number = postgres_int8(row, 1);
    }
}

int exception_end(struct exception *exception, const char *sql, struct error *err)
{
    char *rest;
    exception->number = strtoll(exception->options.end, &rest, 10);
    if (*rest != '\0' || exception->number <= 0)
        return error_set(err, "--end %s is no number; `fristd %s --list` has them", exception->options.end,
                         exception->command);
    struct postgres_params params = {0};
    postgres_param_int8(&params, exception->number);
    postgres_param_text(&params, exception->options.by);
    postgres_param_instant(&params, exception->now);
    const struct postgres_statement statement = {sql, &params};
    int told = journal_tell(&exception->config.journal, &statement, 1, exception_on_answer, exception, err);
    postgres_params_done(&params);
    return told;
}

bool exception_is_refused(const struct exception *exception)
{
    if (exception->problem)
        fprintf(stderr, "fristd %s: %s\n", exception->command, exception->problem);
    return exception->problem != NULL;
}

json_t *exception_text(const struct postgres_row *row, int column)
{
    size_t length;
    const char *text = postgres_text(row, column, &length);
    if (postgres_is_null(row, column))
        return json_null();
    struct buffer clean = {0};
    utf8_add_clean(&clean, text, length, UTF8_ONE_LINE);
    json_t *value = json_string(clean.data ? clean.data : "");
    buffer_done(&clean);
    return value;
}

json_t *exception_instant(const struct exception *exception, const struct postgres_row *row, int column)
{
    char text[ZONE_INSTANT_SIZE];
    instant at;
    if (postgres_instant(row, column, &at) < 0 || at == INSTANT_NONE)
        return json_null();
    return json_string(zone_format(exception->zone, at, text));
}

const char *exception_field(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));
    return text ? text : "-";
}

void exception_print(const json_t *value)
{
    json_dumpf(value, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    putchar('\n');
}
