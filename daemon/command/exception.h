// SPDX-License-Identifier: MPL-2.0
// What `ack` and `silence` share: exceptions from being told, which somebody gives until a time, for a
// reason, and which the journal's own functions check and write.
#ifndef FRISTD_COMMAND_EXCEPTION_H
#define FRISTD_COMMAND_EXCEPTION_H

#include "command/journal_ask.h"
#include "shell/config.h"

#include <getopt.h>
#include <jansson.h>

struct exception_options {
    const char *config_path, *case_id, *unit, *rule, *subject, *from, *until, *by, *reason, *note, *at, *end;
    bool yes, list, json, help;
};

struct exception {
    const char *command; // "ack": how it is called, for what is said
    struct exception_options options;
    struct config config;
    struct zone *zone;
    instant now, from, until;
    int64_t number; // of the one that was given or ended
    char *problem;  // why it is refused; NULL: it is not
    json_t *rows;
};

// The values of a command's options, by the letters of exception_options' fields in exception.c.
#define EXCEPTION_OPTIONS                                                                                    \
    {"config", required_argument, NULL, 'c'}, {"rule", required_argument, NULL, 'r'},                        \
        {"until", required_argument, NULL, 'u'}, {"by", required_argument, NULL, 'b'},                       \
        {"reason", required_argument, NULL, 'w'}, {"note", required_argument, NULL, 'n'},                    \
        {"at", required_argument, NULL, 'a'}, {"end", required_argument, NULL, 'e'},                         \
        {"list", no_argument, NULL, 'l'}, {"json", no_argument, NULL, 'j'},                                  \
    {                                                                                                        \
        "help", no_argument, NULL, 'h'                                                                       \
    }

int exception_wrong_usage(const struct exception *exception, const char *what); // -1, and said
// -1: wrong usage, and said. What is left stands from optind on.
int exception_read_options(struct exception *exception, int argc, char **argv, const struct option *known);
// The configuration, the zone, and when it is.
int exception_load(struct exception *exception, struct error *err) MUST_CHECK;
// A date stands for its notice_time. `text` NULL: *ret_at stays.
int exception_read_time(const struct exception *exception, const char *option, const char *text,
                        instant *ret_at, struct error *err) MUST_CHECK;
void exception_done(struct exception *exception);

// For journal_tell with "SELECT problem, number".
void exception_on_answer(void *data, int statement, const struct postgres_row *row);
// sql: "SELECT problem, number" of the number $1, by $2, at $3.
int exception_end(struct exception *exception, const char *sql, struct error *err) MUST_CHECK;
bool exception_is_refused(const struct exception *exception); // and says why

// Texts of the database may hold anything: for a terminal and for programs they are made clean.
json_t *exception_text(const struct postgres_row *row, int column);
json_t *exception_instant(const struct exception *exception, const struct postgres_row *row, int column);
const char *exception_field(const json_t *row, const char *key); // "-" where there is none
void exception_print(const json_t *value);

#endif
