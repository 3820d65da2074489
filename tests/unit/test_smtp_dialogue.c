// SPDX-License-Identifier: MPL-2.0
// Mail transactions as transcripts. ">" is what we must say, "<" what the server answers; between two answers
// stands everything that is said at that point, so a transcript shows what goes out together.
#include "core/smtp_dialogue.h"

#include "core/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MESSAGES_MAX 8

struct conversation {
    const char *name;
    bool pipelining;
    int messages; // from a@x.example to 1@x.example, 2@…; with the bodies "one\r\n", "two\r\n", …
    const char *transcript;
    const char *outcomes; // one a message, in the order of their numbers: "sent", "refused 550", …
};

#define ENVELOPE(n)                                                                                          \
    ">MAIL FROM:<a@x.example>\n"                                                                             \
    ">RCPT TO:<" #n "@x.example>\n"                                                                          \
    ">DATA\n"
#define OK "<250 ok\n"

static const struct conversation conversations[] = {
    {"one message, one round trip a command", false, 1,
     ">MAIL FROM:<a@x.example>\n" OK ">RCPT TO:<1@x.example>\n" OK ">DATA\n<354 go\n>one\n>.\n" OK
     ">QUIT\n<221 bye\n",
     "sent 250"},
    {"one message, pipelining", true, 1, ENVELOPE(1) OK OK "<354 go\n>one\n>.\n>QUIT\n" OK "<221 bye\n",
     "sent 250"},
    {"the next envelope goes with the end of the message", true, 3,
     ENVELOPE(1) OK OK "<354 go\n>one\n>.\n" ENVELOPE(2) OK OK OK "<354 go\n>two\n>.\n" ENVELOPE(3) OK OK OK
     "<354 go\n>three\n>.\n>QUIT\n" OK "<221 bye\n",
     "sent 250, sent 250, sent 250"},
    {"lock-step: the next waits for the reply to the dot", false, 2,
     ">MAIL FROM:<a@x.example>\n" OK ">RCPT TO:<1@x.example>\n" OK ">DATA\n<354 go\n>one\n>.\n" OK
     ">MAIL FROM:<a@x.example>\n" OK ">RCPT TO:<2@x.example>\n" OK ">DATA\n<354 go\n>two\n>.\n" OK
     ">QUIT\n<221 bye\n",
     "sent 250, sent 250"},
    {"recipient refused, DATA refused with it, the next goes on", true, 2,
     ENVELOPE(1) OK "<550 5.1.1 no\n<554 no valid recipients\n>RSET\n" ENVELOPE(2) OK OK OK
     "<354 go\n>two\n>.\n>QUIT\n" OK "<221 bye\n",
     "refused 550, sent 250"},
    {"recipient refused, DATA taken: a dot alone, whatever is said to it", true, 2,
     ENVELOPE(1) OK "<550 5.1.1 no\n<354 go\n>.\n" ENVELOPE(2) OK OK OK "<354 go\n>two\n>.\n>QUIT\n" OK
                                                                        "<221 bye\n",
     "refused 550, sent 250"},
    {"recipient refused, lock-step", false, 2,
     ">MAIL FROM:<a@x.example>\n" OK ">RCPT TO:<1@x.example>\n<550 5.1.1 no\n>RSET\n" OK
     ">MAIL FROM:<a@x.example>\n" OK ">RCPT TO:<2@x.example>\n" OK ">DATA\n<354 go\n>two\n>.\n" OK
     ">QUIT\n<221 bye\n",
     "refused 550, sent 250"},
    {"recipient put off", true, 1, ENVELOPE(1) OK "<450 4.2.0 greylisted\n<503 no\n>QUIT\n<221 bye\n",
     "again 450"},
    {"sender refused: our own fault, nothing given up", true, 1,
     ENVELOPE(1) "<550 5.7.60 no\n<503 no\n<503 no\n>QUIT\n<221 bye\n", "again 550 all"},
    {"message refused after the dot, the next goes on without RSET", true, 2,
     ENVELOPE(1) OK OK "<354 go\n>one\n>.\n" ENVELOPE(2) "<554 5.6.0 no\n" OK OK
                                                         "<354 go\n>two\n>.\n>QUIT\n" OK "<221 bye\n",
     "refused 554, sent 250"},
    {"put off after the dot", false, 1,
     ">MAIL FROM:<a@x.example>\n" OK ">RCPT TO:<1@x.example>\n" OK
     ">DATA\n<354 go\n>one\n>.\n<451 4.3.0 no\n>QUIT\n<221 bye\n",
     "again 451"},
    {"DATA refused", true, 1, ENVELOPE(1) OK OK "<451 later\n>QUIT\n<221 bye\n", "again 451"},
    {"throttled", true, 2,
     ENVELOPE(1) OK OK "<354 go\n>one\n>.\n" ENVELOPE(2) "<432 4.3.2 slow down\n" OK OK
                                                         "<354 go\n>two\n>.\n>QUIT\n" OK "<221 bye\n",
     "again 432 all, sent 250"},
    {"replies of several lines, in one stretch", true, 2,
     ENVELOPE(1) "<250-a\n<250 b\n<250-c\n<250-d\n<250 e\n<354-go\n<354 on\n>one\n>.\n" ENVELOPE(
         2) "<250-2.0.0 taken\n<250 2.0.0 as 1\n" OK OK "<354 go\n>two\n>.\n>QUIT\n" OK "<221 bye\n",
     "sent 250, sent 250"},
    {"421 to the envelope ends all", true, 2, ENVELOPE(1) "<421 4.3.2 going down\n!",
     "again 421 all, again 421 all"},
    {"421 instead of the verdict", true, 2,
     ENVELOPE(1) OK OK "<354 go\n>one\n>.\n" ENVELOPE(2) "<421 4.3.2 going down\n!",
     "again 421 all, again 421 all"},
    {"gone after the dot: not known", true, 2, ENVELOPE(1) OK OK "<354 go\n>one\n>.\n" ENVELOPE(2) "!",
     "again 0 all unknown, again 0 all"},
    {"gone before the dot: known", true, 1, ENVELOPE(1) OK OK "!", "again 0 all"},
    {"gone between refusal and DATA's reply: still refused", true, 2, ENVELOPE(1) OK "<550 5.1.1 no\n!",
     "refused 550, again 0 all"},
    {"garbage after the dot: not known", true, 1,
     ENVELOPE(1) OK OK "<354 go\n>one\n>.\n>QUIT\n<HTTP/1.1 200 OK\n!", "again 0 all unknown"},
    {"251 after the dot is no 250", false, 1,
     ">MAIL FROM:<a@x.example>\n" OK ">RCPT TO:<1@x.example>\n" OK
     ">DATA\n<354 go\n>one\n>.\n<251 will forward\n!",
     "again 251 all unknown"},
    {"354 to RCPT", true, 1, ENVELOPE(1) OK "<354 go\n!", "again 354 all"},
    {"250 to DATA", true, 1, ENVELOPE(1) OK OK OK "!", "again 250 all"},
    {"a reply too many before the envelope is no answer to it", true, 1, "?" OK "!", "again 250 all"},
    {"a 250 that comes with the 354 is no answer to the dot", true, 1,
     ENVELOPE(1) OK OK "<354 go\n<250 ok\n!", "again 250 all"},
    {"RSET refused", true, 2, ENVELOPE(1) OK "<550 no\n<503 no\n>RSET\n" ENVELOPE(2) "<500 what?\n!",
     "refused 550, again 500 all"},
    {"the server hangs up after the last message, QUIT unanswered", true, 1,
     ENVELOPE(1) OK OK "<354 go\n>one\n>.\n>QUIT\n" OK "!", "sent 250"},
};

static const char *const bodies[] = {"one\r\n", "two\r\n", "three\r\n", "four\r\n"};

struct run {
    struct smtp_dialogue dialogue;
    struct smtp_transaction messages[MESSAGES_MAX];
    char to[MESSAGES_MAX][32];
    int count, given, ended;
    char outcome[MESSAGES_MAX][64];
};

static void give_more(struct run *run)
{
    while (run->given < run->count && smtp_dialogue_room(&run->dialogue) > 0)
        smtp_dialogue_give(&run->dialogue, &run->messages[run->given++]);
    if (run->given == run->count)
        smtp_dialogue_quit(&run->dialogue);
}

static void on_done(struct smtp_transaction *transaction, const struct mail_outcome *outcome)
{
    static const char *const results[] = {"sent", "again", "refused", "stopped"};
    struct run *run = transaction->data;
    char *text = run->outcome[transaction - run->messages];
    assert_string_equal(text, ""); // ends once
    snprintf(text, sizeof run->outcome[0], "%s %d%s%s", results[outcome->result], outcome->reply_code,
             outcome->server_fault ? " all" : "", strstr(outcome->reason, "not known") ? " unknown" : "");
    run->ended++;
    give_more(run);
}

static void start(struct run *run, const struct conversation *conversation)
{
    memset(run, 0, sizeof *run);
    run->count = conversation->messages;
    struct smtp_features features = {.pipelining = conversation->pipelining};
    smtp_dialogue_init(&run->dialogue, &features);
    for (int i = 0; i < run->count; i++) {
        snprintf(run->to[i], sizeof run->to[i], "%d@x.example", i + 1);
        run->messages[i] = (struct smtp_transaction){.data = run,
                                                     .from = "a@x.example",
                                                     .to = run->to[i],
                                                     .bytes = bodies[i],
                                                     .length = strlen(bodies[i]),
                                                     .on_done = on_done};
    }
    give_more(run);
}

// Takes all that is to be said and compares it with the ">" lines; returns what follows them.
static const char *expect_said(struct run *run, const char *transcript)
{
    struct buffer said = {0}, expected = {0};
    const char *bytes;
    size_t length;
    while ((length = smtp_dialogue_output(&run->dialogue, &bytes)) > 0) {
        buffer_add(&said, bytes, length);
        smtp_dialogue_sent(&run->dialogue, length);
    }
    for (; *transcript == '>'; transcript = strchr(transcript, '\n') + 1)
        buffer_format(&expected, "%.*s\r\n", (int)(strchr(transcript, '\n') - transcript - 1),
                      transcript + 1);
    buffer_add_string(&said, "");
    buffer_add_string(&expected, "");
    assert_string_equal(said.data, expected.data);
    buffer_done(&said);
    buffer_done(&expected);
    return transcript;
}

// Feeds the "<" lines in pieces of `step` bytes. Returns what follows them; *ret_lost when the session must
// end.
static const char *hear(struct run *run, const char *transcript, size_t step, bool *ret_lost)
{
    struct buffer heard = {0};
    for (; *transcript == '<'; transcript = strchr(transcript, '\n') + 1)
        buffer_format(&heard, "%.*s\r\n", (int)(strchr(transcript, '\n') - transcript - 1), transcript + 1);
    struct mail_outcome why;
    for (size_t at = 0; at < heard.length && !*ret_lost; at += step) {
        size_t now = heard.length - at < step ? heard.length - at : step;
        if (smtp_dialogue_receive(&run->dialogue, heard.data + at, now, &why) < 0) {
            smtp_dialogue_end(&run->dialogue, &why);
            *ret_lost = true;
        }
    }
    buffer_done(&heard);
    return transcript;
}

static void check(const struct conversation *conversation, size_t step)
{
    struct run run;
    bool lost = false;
    start(&run, conversation);
    const char *at = conversation->transcript;
    if (*at == '?') // the server speaks first
        at = hear(&run, at + 1, step, &lost);
    while (*at && *at != '!' && !lost) {
        at = expect_said(&run, at);
        at = hear(&run, at, step, &lost);
    }
    if (*at == '!' && !lost) {
        struct mail_outcome why;
        mail_outcome_from_trouble(&why, "connection lost");
        smtp_dialogue_end(&run.dialogue, &why);
        lost = true;
    }
    assert_true(lost ? *at == '!' : smtp_dialogue_is_over(&run.dialogue));
    struct buffer outcomes = {0};
    for (int i = 0; i < run.count; i++)
        buffer_format(&outcomes, "%s%s", i > 0 ? ", " : "", run.outcome[i]);
    assert_string_equal(outcomes.data, conversation->outcomes);
    assert_int_equal(run.ended, run.count);
    buffer_done(&outcomes);
}

static void test_conversations(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof conversations / sizeof conversations[0]; i++) {
        print_message("  %s\n", conversations[i].name);
        check(&conversations[i], 1000);
        check(&conversations[i], 1);
        check(&conversations[i], 7);
    }
}

// The server vanishes after any number of bytes: each message ends once, and as sent only if its 250 was
// whole.
static void test_server_gone_after_any_byte(void **state)
{
    (void)state;
    static const struct conversation three = {"", true, 3, "", ""};
    static const char *const answers[] = {
        "250 a\r\n250 b\r\n354 c\r\n",
        "250 dot\r\n250 a\r\n250 b\r\n354 c\r\n",
        "250 dot\r\n250 a\r\n250 b\r\n354 c\r\n",
        "250 dot\r\n",
    };
    int sent_before = 0;
    for (size_t cut = 0;; cut++) {
        struct run run;
        start(&run, &three);
        size_t left = cut, i;
        for (i = 0; i < sizeof answers / sizeof answers[0]; i++) {
            const char *bytes;
            size_t length, now = strlen(answers[i]) < left ? strlen(answers[i]) : left;
            while ((length = smtp_dialogue_output(&run.dialogue, &bytes)) > 0)
                smtp_dialogue_sent(&run.dialogue, length);
            struct mail_outcome why;
            assert_true(smtp_dialogue_receive(&run.dialogue, answers[i], now, &why) >= 0);
            left -= now;
            if (now < strlen(answers[i]))
                break;
        }
        struct mail_outcome why;
        mail_outcome_from_trouble(&why, "connection lost");
        smtp_dialogue_end(&run.dialogue, &why);
        int sent = 0, known = run.given;
        for (int m = 0; m < run.given; m++) {
            assert_true(run.outcome[m][0] != '\0');
            sent += strcmp(run.outcome[m], "sent 250") == 0;
            known -= strstr(run.outcome[m], "unknown") != NULL;
        }
        assert_int_equal(run.ended, run.given);
        assert_in_range(sent, sent_before, sent_before + 1);
        assert_true(known >= run.given - 1); // at most one message is in doubt
        sent_before = sent;
        if (i == sizeof answers / sizeof answers[0])
            break;
    }
    assert_int_equal(sent_before, 3);
}

struct single {
    struct smtp_dialogue dialogue;
    struct smtp_transaction message;
    struct mail_outcome outcome;
    bool ended;
};

static void on_single_done(struct smtp_transaction *transaction, const struct mail_outcome *outcome)
{
    struct single *single = transaction->data;
    assert_false(single->ended);
    single->ended = true;
    single->outcome = *outcome;
}

static void start_single(struct single *single, const struct smtp_features *features, const char *bytes,
                         size_t length)
{
    memset(single, 0, sizeof *single);
    smtp_dialogue_init(&single->dialogue, features);
    single->message = (struct smtp_transaction){.data = single,
                                                .from = "a@x.example",
                                                .to = "b@x.example",
                                                .bytes = bytes,
                                                .length = length,
                                                .on_done = on_single_done};
}

// All that is to be said now, sent `step` bytes at a time.
static struct buffer said_now(struct smtp_dialogue *dialogue, size_t step)
{
    struct buffer said = {0};
    const char *bytes;
    size_t length;
    while ((length = smtp_dialogue_output(dialogue, &bytes)) > 0) {
        assert_true(length <= SMTP_PIECE);
        length = length < step ? length : step;
        buffer_add(&said, bytes, length);
        smtp_dialogue_sent(dialogue, length);
    }
    return said;
}

static void hear_all(struct smtp_dialogue *dialogue, const char *bytes)
{
    struct mail_outcome why;
    assert_true(smtp_dialogue_receive(dialogue, bytes, strlen(bytes), &why) >= 0);
}

// Lengths around the size of a piece, where the dot just fits or not.
static void test_bodies_of_any_length_end_in_one_dot(void **state)
{
    (void)state;
    static char body[3 * SMTP_PIECE];
    memset(body, 'x', sizeof body);
    struct smtp_features features = {.pipelining = true};
    for (size_t length = 0; length < sizeof body;
         length += length < 4 || length % SMTP_PIECE > SMTP_PIECE - 530 ? 1 : 509)
        for (int with_line_end = 0; with_line_end <= (length >= 2); with_line_end++) {
            struct single single;
            if (with_line_end)
                memcpy(body + length - 2, "\r\n", 2);
            start_single(&single, &features, body, length);
            smtp_dialogue_give(&single.dialogue, &single.message);
            struct buffer said = said_now(&single.dialogue, SIZE_MAX);
            hear_all(&single.dialogue, "250 a\r\n250 b\r\n354 c\r\n");
            buffer_clear(&said);
            buffer_done(&said);
            said = said_now(&single.dialogue, 5000);
            const char *end = with_line_end || length == 0 ? ".\r\n" : "\r\n.\r\n";
            assert_int_equal(said.length, length + strlen(end));
            assert_memory_equal(said.data, body, length);
            assert_string_equal(said.data + length, end);
            assert_int_equal(smtp_dialogue_awaits(&single.dialogue), SMTP_AWAITS_DOT_REPLY);
            hear_all(&single.dialogue, "250 2.0.0 taken\r\n");
            assert_int_equal(single.outcome.result, MAIL_SENT);
            assert_string_equal(single.outcome.enhanced, "2.0.0");
            buffer_done(&said);
            memset(body + (length >= 2 ? length - 2 : 0), 'x', 2);
        }
}

static void test_verdict_while_the_body_is_under_way(void **state)
{
    (void)state;
    static const struct {
        const char *reply;
        enum mail_result result;
        bool server_fault;
    } cases[] = {
        {"552 5.3.4 too big\r\n", MAIL_REFUSED, false},
        {"451 4.3.0 trouble\r\n", MAIL_TRY_AGAIN, false},
        {"421 4.4.2 too slow\r\n", MAIL_TRY_AGAIN, true},
        {"250 taken\r\n", MAIL_TRY_AGAIN, true},
    };
    static char body[3 * SMTP_PIECE];
    memset(body, 'x', sizeof body);
    struct smtp_features features = {.pipelining = true};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct single single;
        start_single(&single, &features, body, sizeof body);
        smtp_dialogue_give(&single.dialogue, &single.message);
        struct buffer said = said_now(&single.dialogue, SIZE_MAX);
        buffer_done(&said);
        hear_all(&single.dialogue, "250 a\r\n250 b\r\n354 c\r\n");
        const char *bytes;
        smtp_dialogue_sent(&single.dialogue, smtp_dialogue_output(&single.dialogue, &bytes));
        struct mail_outcome why;
        assert_int_equal(
            smtp_dialogue_receive(&single.dialogue, cases[i].reply, strlen(cases[i].reply), &why), -1);
        smtp_dialogue_end(&single.dialogue, &why);
        assert_true(single.ended);
        assert_int_equal(single.outcome.result, cases[i].result);
        assert_int_equal(single.outcome.server_fault, cases[i].server_fault);
        assert_null(strstr(single.outcome.reason, "not known")); // its end was never sent
    }
}

static void test_size_is_announced_and_kept(void **state)
{
    (void)state;
    struct smtp_features features = {.pipelining = true, .size = true, .limit = 10};
    struct single single;
    start_single(&single, &features, "12345678\r\n", 10);
    smtp_dialogue_give(&single.dialogue, &single.message);
    struct buffer said = said_now(&single.dialogue, SIZE_MAX);
    assert_string_equal(said.data, "MAIL FROM:<a@x.example> SIZE=10\r\nRCPT TO:<b@x.example>\r\nDATA\r\n");
    buffer_done(&said);

    start_single(&single, &features, "123456789\r\n", 11);
    smtp_dialogue_give(&single.dialogue, &single.message);
    assert_false(single.ended); // never from inside the call
    said = said_now(&single.dialogue, SIZE_MAX);
    assert_int_equal(said.length, 0);
    assert_true(single.ended);
    assert_int_equal(single.outcome.result, MAIL_REFUSED);
    assert_string_equal(single.outcome.reason, "message of 11 bytes, the server takes at most 10");
    buffer_done(&said);
}

static void test_addresses_cannot_break_out(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "b@x.example>\r\nRCPT TO:<evil@x.example",
        "b@x.example\n",
        "b c@x.example",
        "<b@x.example>",
        "b@x.example> NOTIFY=NEVER",
        "",
        "b",
    };
    struct smtp_features features = {.pipelining = true};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        for (int as_sender = 0; as_sender <= 1; as_sender++) {
            struct single single;
            start_single(&single, &features, "x\r\n", 3);
            if (as_sender)
                single.message.from = bad[i];
            else
                single.message.to = bad[i];
            smtp_dialogue_give(&single.dialogue, &single.message);
            struct buffer said = said_now(&single.dialogue, SIZE_MAX);
            bool null_sender = as_sender && bad[i][0] == '\0'; // that is allowed
            assert_int_equal(single.ended, !null_sender);
            assert_int_equal(said.length > 0, null_sender);
            buffer_done(&said);
        }
}

static void test_what_is_awaited(void **state)
{
    (void)state;
    struct smtp_features features = {.pipelining = true};
    struct single single;
    start_single(&single, &features, "x\r\n", 3);
    assert_int_equal(smtp_dialogue_room(&single.dialogue), 2);
    assert_int_equal(smtp_dialogue_awaits(&single.dialogue), SMTP_AWAITS_NOTHING);
    smtp_dialogue_give(&single.dialogue, &single.message);
    assert_int_equal(smtp_dialogue_room(&single.dialogue), 1);
    assert_false(smtp_dialogue_is_idle(&single.dialogue));
    struct buffer said = said_now(&single.dialogue, SIZE_MAX);
    buffer_done(&said);
    assert_int_equal(smtp_dialogue_awaits(&single.dialogue), SMTP_AWAITS_REPLY);
    hear_all(&single.dialogue, "250 a\r\n250 b\r\n354 c\r\n");
    assert_int_equal(smtp_dialogue_awaits(&single.dialogue), SMTP_AWAITS_NOTHING);
    said = said_now(&single.dialogue, SIZE_MAX);
    buffer_done(&said);
    assert_int_equal(smtp_dialogue_awaits(&single.dialogue), SMTP_AWAITS_DOT_REPLY);
    hear_all(&single.dialogue, "250 a\r\n");
    assert_true(smtp_dialogue_is_idle(&single.dialogue));
    smtp_dialogue_quit(&single.dialogue);
    assert_int_equal(smtp_dialogue_room(&single.dialogue), 0);
    said = said_now(&single.dialogue, SIZE_MAX);
    assert_string_equal(said.data, "QUIT\r\n");
    buffer_done(&said);
    assert_int_equal(smtp_dialogue_awaits(&single.dialogue), SMTP_AWAITS_GOODBYE);
    hear_all(&single.dialogue, "221 bye\r\n");
    assert_true(smtp_dialogue_is_over(&single.dialogue));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conversations),
        cmocka_unit_test(test_server_gone_after_any_byte),
        cmocka_unit_test(test_bodies_of_any_length_end_in_one_dot),
        cmocka_unit_test(test_verdict_while_the_body_is_under_way),
        cmocka_unit_test(test_size_is_announced_and_kept),
        cmocka_unit_test(test_addresses_cannot_break_out),
        cmocka_unit_test(test_what_is_awaited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
