// SPDX-License-Identifier: MPL-2.0
#include "command/journal_follow.h"

#include "shell/journal_events.h"

#include <signal.h>
#include <stdio.h>

struct following {
    const struct journal_follow *follow;
    uv_loop_t loop;
    struct postgres *pg;
    struct postgres_params params;
    struct postgres_statement statement;
    struct postgres_request request;
    int64_t after;
    uv_signal_t interrupt, terminate;
    bool was_up, ended;
    bool asking, more; // more: news came meanwhile
    int result;
    struct error *err;
};

static void on_closed(void *data)
{
    (void)data;
}

static void end(struct following *following, const struct error *err)
{
    if (following->ended)
        return;
    following->ended = true;
    if (err) {
        error_set(following->err, "%s", err->text);
        following->result = -1;
    }
    postgres_close(following->pg, on_closed, NULL);
    uv_close((uv_handle_t *)&following->interrupt, NULL);
    uv_close((uv_handle_t *)&following->terminate, NULL);
}

static void on_signal(uv_signal_t *signal, int number)
{
    (void)number;
    end(signal->data, NULL);
}

static void on_row(struct postgres_request *request, int statement, const struct postgres_row *row)
{
    struct following *following = request->data;
    following->after = postgres_int8(row, 0);
    following->follow->on_row(following->follow->data, statement, row);
}

static void ask(struct following *following);

// A connection that was lost comes back by itself, and asks again.
static void on_done(struct postgres_request *request, enum postgres_status status, const struct error *err)
{
    struct following *following = request->data;
    following->asking = false;
    if (following->ended || status == POSTGRES_LOST)
        return;
    if (status != POSTGRES_OK)
        end(following, err);
    else if (!following->follow->on_page(following->follow->data))
        end(following, NULL);
    else if (following->more)
        ask(following);
}

static void ask(struct following *following)
{
    following->more = false;
    postgres_params_clear(&following->params);
    postgres_param_int8(&following->params, following->after);
    following->statement = (struct postgres_statement){
        "SELECT " JOURNAL_EVENT_COLUMNS " FROM transition t WHERE t.number > $1 ORDER BY t.number",
        &following->params};
    following->request = (struct postgres_request){.data = following,
                                                   .statements = &following->statement,
                                                   .statement_count = 1,
                                                   .on_row = on_row,
                                                   .on_done = on_done};
    struct error err;
    following->asking = postgres_submit(following->pg, &following->request, &err) == 0;
    if (!following->asking && !following->was_up)
        end(following, &err);
}

static void on_notify(void *data, const char *channel)
{
    (void)channel;
    struct following *following = data;
    following->more = following->asking;
    if (!following->asking && !following->ended)
        ask(following);
}

static void on_state(void *data, bool up, const struct error *err)
{
    struct following *following = data;
    if (following->ended)
        return;
    if (up)
        ask(following);
    else if (!following->was_up)
        end(following, err);
    else
        fprintf(stderr, "fristd events: %s\n", err->text);
    following->was_up |= up;
}

int journal_follow(const struct journal_follow *follow, struct error *err)
{
    struct following following = {.follow = follow, .after = follow->after, .err = err};
    uv_loop_init(&following.loop);
    uv_signal_init(&following.loop, &following.interrupt);
    uv_signal_init(&following.loop, &following.terminate);
    following.interrupt.data = following.terminate.data = &following;
    uv_signal_start(&following.interrupt, on_signal, SIGINT);
    uv_signal_start(&following.terminate, on_signal, SIGTERM);
    signal(SIGPIPE, SIG_IGN); // on_page sees it
    following.pg = postgres_new(&following.loop, follow->journal, on_state, on_notify, &following);
    postgres_add_prelude(following.pg,
                         "LISTEN fristd_events"); // before the first question, so none is missed
    postgres_add_prelude(following.pg, "SET search_path = fristd_journal, pg_catalog");
    postgres_start(following.pg);
    uv_run(&following.loop, UV_RUN_DEFAULT);
    uv_loop_close(&following.loop);
    postgres_params_done(&following.params);
    return following.result;
}
