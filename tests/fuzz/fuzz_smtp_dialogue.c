// SPDX-License-Identifier: MPL-2.0
// Any bytes as a server's side of a session. The first byte says what it offers; at each 0xff we have our
// turn. Every message ends once, none as sent without a 250 of its own, and what we say is SMTP.
#include "fuzz.h"

#include "core/smtp_dialogue.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define MESSAGES 5
#define BODY     "x\r\n"

struct run {
    struct smtp_dialogue dialogue;
    struct smtp_transaction messages[MESSAGES];
    bool ended[MESSAGES];
    int given, sent, refused;
};

static void give_more(struct run *run)
{
    while (run->given < MESSAGES && smtp_dialogue_room(&run->dialogue) > 0)
        smtp_dialogue_give(&run->dialogue, &run->messages[run->given++]);
    if (run->given == MESSAGES)
        smtp_dialogue_quit(&run->dialogue);
}

static void on_done(struct smtp_transaction *transaction, const struct mail_outcome *outcome)
{
    struct run *run = transaction->data;
    size_t number = (size_t)(transaction - run->messages);
    assert(!run->ended[number]);
    run->ended[number] = true;
    run->sent += outcome->result == MAIL_SENT;
    run->refused += outcome->result == MAIL_REFUSED;
    assert(outcome->result != MAIL_SENT || outcome->reply_code == 250);
    give_more(run);
}

static bool starts(const char *line, const char *with)
{
    return strncmp(line, with, strlen(with)) == 0;
}

// Whole lines, each one of ours; DATA and QUIT are the last of what goes out together.
static void our_turn(struct run *run)
{
    const char *bytes;
    size_t length;
    while ((length = smtp_dialogue_output(&run->dialogue, &bytes)) > 0) {
        for (size_t at = 0; at < length;) {
            const char *line = bytes + at, *end = memchr(line, '\n', length - at);
            assert(end && end[-1] == '\r');
            at += (size_t)(end - line) + 1;
            assert(starts(line, "MAIL FROM:<a@x.example>") || starts(line, "RCPT TO:<") ||
                   starts(line, "RSET\r") || starts(line, "DATA\r") || starts(line, "QUIT\r") ||
                   starts(line, ".\r") || starts(line, "x\r"));
            if (starts(line, "DATA") || starts(line, "QUIT"))
                assert(at == length);
        }
        smtp_dialogue_sent(&run->dialogue, length);
    }
}

// How often the server has said it; the turns between are no part of its words.
static int count_of(const uint8_t *data, size_t size, const char *what)
{
    int count = 0;
    size_t matched = 0, length = strlen(what);
    for (size_t i = 1; i < size; i++) {
        if (data[i] == 0xff)
            continue;
        if (data[i] != (uint8_t)what[matched])
            matched = 0; // the first digit does not come again in any of them
        if (data[i] == (uint8_t)what[matched] && ++matched == length) {
            matched = 0;
            count++;
        }
    }
    return count;
}

static void start(struct run *run, unsigned offers)
{
    struct smtp_features features = {
        .pipelining = offers & 1, .size = offers & 2, .limit = offers & 4 ? 2 : 0};
    *run = (struct run){.given = 0};
    smtp_dialogue_init(&run->dialogue, &features);
    for (int i = 0; i < MESSAGES; i++)
        run->messages[i] = (struct smtp_transaction){.data = run,
                                                     .from = "a@x.example",
                                                     .to = "b@x.example",
                                                     .bytes = BODY,
                                                     .length = strlen(BODY),
                                                     .on_done = on_done};
    give_more(run);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct run run;
    struct mail_outcome why;
    mail_outcome_from_trouble(&why, "connection lost");
    start(&run, size > 0 ? data[0] : 0);
    for (size_t at = 1; at < size && !smtp_dialogue_is_over(&run.dialogue);) {
        const uint8_t *turn = memchr(data + at, 0xff, size - at);
        size_t length = turn ? (size_t)(turn - data) - at : size - at;
        our_turn(&run);
        if (smtp_dialogue_receive(&run.dialogue, (const char *)data + at, length, &why) < 0)
            break;
        at += length + 1;
    }
    smtp_dialogue_end(&run.dialogue, &why);
    for (int i = 0; i < run.given; i++)
        assert(run.ended[i]);
    assert(run.sent <= count_of(data, size, "250"));
    assert(run.sent <= count_of(data, size, "354"));
    return 0;
}
