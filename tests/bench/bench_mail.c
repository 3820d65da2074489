// SPDX-License-Identifier: MPL-2.0
// Sends messages through the mail channel as fast as it takes them and prints, as one line of JSON, how fast
// that was, the longest turn of the loop and the memory it took. tests/bench/mail runs it beside smtp-source.
// usage: bench_mail PORT CONNECTIONS MESSAGES BYTES
#include "core/memory.h"
#include "shell/log.h"
#include "shell/mail.h"
#include "support/loop.h"
#include "support/measure.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGES_AT_ONCE 1024

struct bench {
    uv_loop_t loop;
    struct turn_watch turn;
    struct mail *mail;
    struct mail_message messages[MESSAGES_AT_ONCE], *free[MESSAGES_AT_ONCE];
    size_t free_count;
    struct buffer body;
    long count, unsent, ended, sent;
    bool closed;
};

static void on_done(struct mail_message *message, const struct mail_outcome *outcome);

static void send_more(struct bench *bench)
{
    for (size_t slots = mail_free_slots(bench->mail); slots > 0 && bench->unsent > 0 && bench->free_count > 0;
         slots--) {
        struct mail_message *message = bench->free[--bench->free_count];
        bench->unsent--;
        *message = (struct mail_message){.data = bench,
                                         .from = "frist@kommune.example",
                                         .to = "leder@kommune.example",
                                         .bytes = bench->body.data,
                                         .length = bench->body.length,
                                         .on_done = on_done};
        mail_send(bench->mail, message);
    }
}

static void on_done(struct mail_message *message, const struct mail_outcome *outcome)
{
    struct bench *bench = message->data;
    bench->free[bench->free_count++] = message;
    bench->ended++;
    bench->sent += outcome->result == MAIL_SENT;
    if (outcome->result != MAIL_SENT && bench->ended - bench->sent == 1)
        fprintf(stderr, "bench_mail: %s\n", outcome->reason);
}

static void on_ready(void *data)
{
    send_more(data);
}

static void on_closed(void *data)
{
    ((struct bench *)data)->closed = true;
}

static bool all_ended(void *data)
{
    const struct bench *bench = data;
    return bench->ended == bench->count;
}

static bool is_closed(void *data)
{
    return ((const struct bench *)data)->closed;
}

// Lines as a mail has them, `size` bytes in all.
static void fill_body(struct buffer *body, size_t size)
{
    buffer_add_string(body, "Subject: frist\r\n\r\n");
    while (body->length + 70 <= size)
        buffer_format(body, "%068d\r\n", 0);
    while (body->length + 2 < size)
        buffer_add_char(body, 'x');
    buffer_add_string(body, "\r\n");
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fputs("usage: bench_mail PORT CONNECTIONS MESSAGES BYTES\n", stderr);
        return 2;
    }
    static struct bench bench;
    struct mail_options options = {
        .server = {.host = "127.0.0.1",
                   .port = atoi(argv[1]),
                   .tls = SMTP_NO_TLS,
                   .hello = "kommune.example"},
        .connections = atoi(argv[2]),
        .messages_per_connection = 1 << 30, // as smtp-source -d keeps its sessions
    };
    bench.count = bench.unsent = atol(argv[3]);
    fill_body(&bench.body, (size_t)atol(argv[4]));
    for (size_t i = 0; i < MESSAGES_AT_ONCE; i++)
        bench.free[bench.free_count++] = &bench.messages[i];
    signal(SIGPIPE, SIG_IGN);
    log_set_level(LOG_LEVEL_WARNING);
    uv_loop_init(&bench.loop);
    bench.mail = mail_new(&bench.loop, &options);
    mail_on_ready(bench.mail, on_ready, &bench);

    turn_watch_start(&bench.loop, &bench.turn);
    struct loop_gap gap;
    loop_gap_start(&bench.loop, &gap);
    uint64_t begun = uv_hrtime();
    send_more(&bench);
    loop_until(&bench.loop, all_ended, &bench);
    double seconds = (double)(uv_hrtime() - begun) / 1e9, longest_ms = loop_gap_stop_ms(&gap);
    turn_watch_stop(&bench.turn);
    mail_close(bench.mail, 5000, on_closed, &bench);
    loop_until(&bench.loop, is_closed, &bench);
    uv_loop_close(&bench.loop);
    buffer_done(&bench.body);

    printf("{\"sent\": %ld, \"seconds\": %.4f, \"turn_ms\": %.2f, \"turn_cpu_ms\": %.2f, \"cpu_s\": %.3f, "
           "\"rss_kib\": %ld}\n",
           bench.sent, seconds, longest_ms, bench.turn.longest_s * 1e3, processor_s(), peak_rss_kib());
    return bench.sent == bench.count ? 0 : 1;
}
