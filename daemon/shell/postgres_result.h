// SPDX-License-Identifier: MPL-2.0
// What the files of this module share of libpq: a result, as a row and as an error.
#ifndef FRISTD_SHELL_POSTGRES_RESULT_H
#define FRISTD_SHELL_POSTGRES_RESULT_H

#include "shell/postgres.h"

#include <libpq-fe.h>

struct postgres_row {
    const PGresult *result;
    int number; // in the result
};

// `name` is that of the connection and stands before the words. Server and library speak in several lines,
// and in whatever encoding; ours is one line of UTF-8.
void postgres_say(const char *name, const char *message, struct error *err);

// What the server says may quote a row, and rows hold what must not get into a log. DETAIL, HINT and CONTEXT
// are never taken, and of the message only what cannot be content. sqlstate: "" where the library speaks.
void postgres_say_server_error(const char *name, const PGresult *result, char sqlstate[6], struct error *err);

#endif
