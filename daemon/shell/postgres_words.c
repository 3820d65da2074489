// SPDX-License-Identifier: MPL-2.0
#include "shell/postgres_result.h"

#include "core/utf8.h"

#include <ctype.h>
#include <string.h>

void postgres_say(const char *name, const char *message, struct error *err)
{
    struct buffer line = {0};
    size_t length = strlen(message);
    while (length > 0 && message[length - 1] == '\n')
        length--;
    utf8_add_clean(&line, message, length, UTF8_ONE_LINE);
    error_set(err, "%s: %s", name, line.data);
    buffer_done(&line);
}

// Classes whose messages speak of structure, state and resources, never of what stands in a row. (A message
// in class 42 quotes names from the schema and the query.)
static bool speaks_of_no_row(const char *sqlstate)
{
    static const char *const classes[] = {"08", "0A", "0L", "0P", "25", "26", "28", "2B", "34", "3B",
                                          "3D", "3F", "40", "42", "53", "54", "55", "57", "58", "F0"};
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++)
        if (strncmp(sqlstate, classes[i], 2) == 0)
            return true;
    return false;
}

// Data exceptions and violated constraints: their messages begin with our server's words and then quote the
// row.
static bool quotes_row(const char *sqlstate)
{
    return strncmp(sqlstate, "22", 2) == 0 || strncmp(sqlstate, "23", 2) == 0;
}

// A function's own words: RAISE and its like in the procedural languages, with whatever SQLSTATE they choose.
static bool is_said_by_function(const PGresult *result)
{
    const char *file = PQresultErrorField(result, PG_DIAG_SOURCE_FILE);
    return file && strncmp(file, "pl", 2) == 0;
}

// The words before the first quotation, number or foreign letter.
static void take_opening_words(char *words, size_t size, const char *message)
{
    size_t length = 0;
    while (length + sizeof "…" < size && message[length] &&
           (isalpha((unsigned char)message[length]) || strchr(" /:,-", message[length])))
        length++;
    memcpy(words, message, length);
    strcpy(words + length, message[length] ? "…" : "");
}

void postgres_say_server_error(const char *name, const PGresult *result, char sqlstate[6], struct error *err)
{
    const char *code = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    if (code == NULL || strlen(code) != 5 || message == NULL) {
        sqlstate[0] = '\0';
        postgres_say(name, PQresultErrorMessage(result), err); // the library's own words
        return;
    }
    memcpy(sqlstate, code, 6);
    char words[200];
    if (is_said_by_function(result) || !(speaks_of_no_row(code) || quotes_row(code))) {
        message = "(left out, since it may quote a row; the server's log has it)";
    } else if (quotes_row(code)) {
        take_opening_words(words, sizeof words, message);
        message = words;
    }
    postgres_say(name, message, err);
    const char *table = PQresultErrorField(result, PG_DIAG_TABLE_NAME);
    const char *constraint = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);
    struct error said = *err;
    error_set(err, "%.800s%s%.64s%s%.64s [SQLSTATE %s]", said.text, table ? " table=" : "",
              table ? table : "", constraint ? " constraint=" : "", constraint ? constraint : "", sqlstate);
}
