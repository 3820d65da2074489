// SPDX-License-Identifier: MPL-2.0
#include "command/journal_ask.h"

#include <assert.h>
#include <string.h>

#define STATEMENTS_MAX 4

struct asking {
    struct postgres *pg;
    struct postgres_statement statements[STATEMENTS_MAX + 2]; // BEGIN, theirs, COMMIT
    struct postgres_request request;
    void (*on_row)(void *data, int statement, const struct postgres_row *row);
    void *data;
    bool ended;
    int result;
    struct error *err;
};

static void on_closed(void *data)
{
    (void)data;
}

static void end(struct asking *asking, const struct error *err)
{
    asking->ended = true;
    if (err) {
        error_set(asking->err, "%s", err->text);
        asking->result = -1;
    }
    postgres_close(asking->pg, on_closed, asking);
}

static void on_row(struct postgres_request *request, int statement, const struct postgres_row *row)
{
    struct asking *asking = request->data;
    asking->on_row(asking->data, statement - 1, row);
}

static bool lacks_part_of_schema(const char *sqlstate)
{
    return strcmp(sqlstate, "42P01") == 0 || strcmp(sqlstate, "42703") == 0 || strcmp(sqlstate, "42883") == 0;
}

static void on_done(struct postgres_request *request, enum postgres_status status, const struct error *err)
{
    struct asking *asking = request->data;
    struct error schema;
    if (asking->ended)
        return;
    error_set(&schema, "the journal's schema is not that of this fristd: run `fristd migrate`");
    if (status == POSTGRES_OK)
        end(asking, NULL);
    else
        end(asking, lacks_part_of_schema(request->sqlstate) ? &schema : err);
}

static void on_state(void *data, bool up, const struct error *err)
{
    struct asking *asking = data;
    struct error not_up;
    if (asking->ended)
        return;
    if (!up)
        end(asking, err);
    else if (postgres_submit(asking->pg, &asking->request, &not_up) < 0)
        end(asking, &not_up);
}

static int run(const struct postgres_options *options, const char *begin,
               const struct postgres_statement *statements, int statement_count,
               void (*on_answer)(void *data, int statement, const struct postgres_row *row), void *data,
               struct error *err)
{
    assert(statement_count <= STATEMENTS_MAX);
    struct asking asking = {.on_row = on_answer, .data = data, .err = err};
    asking.statements[0].sql = begin;
    for (int i = 0; i < statement_count; i++)
        asking.statements[1 + i] = statements[i];
    asking.statements[1 + statement_count].sql = "COMMIT";
    asking.request = (struct postgres_request){.data = &asking,
                                               .statements = asking.statements,
                                               .statement_count = statement_count + 2,
                                               .on_row = on_row,
                                               .on_done = on_done};
    uv_loop_t loop;
    uv_loop_init(&loop);
    asking.pg = postgres_new(&loop, options, on_state, NULL, &asking);
    postgres_add_prelude(asking.pg, "SET search_path = fristd_journal, pg_catalog");
    postgres_start(asking.pg);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    return asking.result;
}

int journal_ask(const struct postgres_options *options, const struct postgres_statement *statements,
                int statement_count,
                void (*on_answer)(void *data, int statement, const struct postgres_row *row), void *data,
                struct error *err)
{
    return run(options, "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY", statements,
               statement_count, on_answer, data, err);
}

int journal_tell(const struct postgres_options *options, const struct postgres_statement *statements,
                 int statement_count,
                 void (*on_answer)(void *data, int statement, const struct postgres_row *row), void *data,
                 struct error *err)
{
    return run(options, "BEGIN", statements, statement_count, on_answer, data, err);
}
