// SPDX-License-Identifier: MPL-2.0
#include "shell/journal_rows.h"

#include <string.h>

instant row_instant(const struct postgres_row *row, int column)
{
    instant at = INSTANT_NONE;
    return postgres_instant(row, column, &at) == 0 ? at : INSTANT_NONE; // only we write these tables
}

const char *row_text(struct arena *arena, const struct postgres_row *row, int column)
{
    if (postgres_is_null(row, column))
        return NULL;
    size_t length;
    const char *text = postgres_text(row, column, &length);
    return length ? arena_copy(arena, text, length) : "";
}

enum deadline_state row_state(const struct postgres_row *row, int column)
{
    size_t length;
    enum deadline_state state = STATE_OPEN; // the table's CHECK allows no name that we do not know
    deadline_state_parse(postgres_text(row, column, &length), &state);
    return state;
}

enum rule_kind row_rule_kind(const struct postgres_row *row, int column)
{
    size_t length;
    const char *name = postgres_text(row, column, &length);
    for (int kind = RULE_STATUTORY; kind <= RULE_INFORMATION; kind++)
        if (strcmp(rules_kind_name((enum rule_kind)kind), name) == 0)
            return (enum rule_kind)kind;
    return RULE_OWN;
}

int journal_submit(struct journal *journal, struct postgres_request *request, struct error *err)
{
    struct postgres *pg = journal_connection(journal);
    return pg ? postgres_submit(pg, request, err) : error_set(err, "journal: not connected");
}

const struct error *journal_error(enum postgres_status status, const struct error *err)
{
    return status == POSTGRES_OK ? NULL : err;
}
