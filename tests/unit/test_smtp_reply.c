// SPDX-License-Identifier: MPL-2.0
// Replies of a mail server, whole, in pieces and broken.
#include "core/smtp_reply.h"

#include "core/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct expected {
    const char *bytes;
    enum smtp_reply_status status;
    int code;
    const char *enhanced, *text;
};

static const struct expected cases[] = {
    {"250 OK\r\n", SMTP_REPLY_COMPLETE, 250, "", "OK"},
    {"250\r\n", SMTP_REPLY_COMPLETE, 250, "", ""},
    {"250 \r\n", SMTP_REPLY_COMPLETE, 250, "", ""},
    {"250 OK\n", SMTP_REPLY_COMPLETE, 250, "", "OK"},
    {"250 2.0.0 Ok: queued as 4F1\r\n", SMTP_REPLY_COMPLETE, 250, "2.0.0", "Ok: queued as 4F1"},
    {"250 2.1.0\r\n", SMTP_REPLY_COMPLETE, 250, "2.1.0", ""},
    {"451 4.7.651 busy\r\n", SMTP_REPLY_COMPLETE, 451, "4.7.651", "busy"},
    {"550-5.1.1 no such\r\n550 5.1.1 user here\r\n", SMTP_REPLY_COMPLETE, 550, "5.1.1", "no such user here"},
    {"550-first\r\n550-second\r\n550\r\n", SMTP_REPLY_COMPLETE, 550, "", "first second"},
    // An enhanced code that contradicts the reply's is text.
    {"550 4.1.1 odd\r\n", SMTP_REPLY_COMPLETE, 550, "", "4.1.1 odd"},
    {"250 2.1234.1 odd\r\n", SMTP_REPLY_COMPLETE, 250, "", "2.1234.1 odd"},
    {"250 2.1.1x odd\r\n", SMTP_REPLY_COMPLETE, 250, "", "2.1.1x odd"},
    {"250 2.1\r\n", SMTP_REPLY_COMPLETE, 250, "", "2.1"},
    {"354 go on\r\n", SMTP_REPLY_COMPLETE, 354, "", "go on"},
    {"250 OK\r", SMTP_REPLY_MORE, 0, "", ""},
    {"250-OK\r\n", SMTP_REPLY_MORE, 0, "", ""},
    {"", SMTP_REPLY_MORE, 0, "", ""},
    {"\r\n", SMTP_REPLY_BROKEN, 0, "", ""},
    {"25\r\n", SMTP_REPLY_BROKEN, 0, "", ""},
    {"150 OK\r\n", SMTP_REPLY_BROKEN, 0, "", ""},
    {"650 OK\r\n", SMTP_REPLY_BROKEN, 0, "", ""},
    {"2500 OK\r\n", SMTP_REPLY_BROKEN, 0, "", ""},
    {"250_OK\r\n", SMTP_REPLY_BROKEN, 0, "", ""},
    {"OK\r\n", SMTP_REPLY_BROKEN, 0, "", ""},
    {"250-OK\r\n251 OK\r\n", SMTP_REPLY_BROKEN, 0, "", ""},
    {"HTTP/1.1 400 Bad Request\r\n", SMTP_REPLY_BROKEN, 0, "", ""},
};

static void check(const struct expected *expected, size_t step)
{
    struct smtp_reply_reader reader = {0};
    size_t length = strlen(expected->bytes), at = 0;
    enum smtp_reply_status status = SMTP_REPLY_MORE;
    while (at < length && status == SMTP_REPLY_MORE) {
        size_t used, now = length - at < step ? length - at : step;
        status = smtp_reply_read(&reader, expected->bytes + at, now, &used);
        at += used;
    }
    assert_int_equal(status, expected->status);
    if (status != SMTP_REPLY_COMPLETE)
        return;
    assert_int_equal(at, length);
    assert_int_equal(reader.reply.code, expected->code);
    assert_string_equal(reader.reply.enhanced, expected->enhanced);
    assert_string_equal(reader.reply.text, expected->text);
}

static void test_replies_in_pieces_of_any_size(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (size_t step = 1; step <= strlen(cases[i].bytes) + 1; step++)
            check(&cases[i], step);
}

static void test_one_reader_takes_reply_after_reply(void **state)
{
    (void)state;
    static const char bytes[] = "250 2.1.0 one\r\n250-two\r\n250 and a half\r\n354 three\r\n";
    struct smtp_reply_reader reader = {0};
    size_t used, at = 0;
    assert_int_equal(smtp_reply_read(&reader, bytes, strlen(bytes), &used), SMTP_REPLY_COMPLETE);
    assert_string_equal(reader.reply.text, "one");
    at += used;
    assert_int_equal(smtp_reply_read(&reader, bytes + at, strlen(bytes) - at, &used), SMTP_REPLY_COMPLETE);
    assert_string_equal(reader.reply.text, "two and a half");
    assert_string_equal(reader.reply.enhanced, "");
    at += used;
    assert_int_equal(smtp_reply_read(&reader, bytes + at, strlen(bytes) - at, &used), SMTP_REPLY_COMPLETE);
    assert_int_equal(reader.reply.code, 354);
    assert_int_equal(at + used, strlen(bytes));
}

static void test_a_long_line_is_cut_at_a_word(void **state)
{
    (void)state;
    struct buffer line = {0};
    buffer_add_string(&line, "550 ");
    while (line.length < 2000)
        buffer_add_string(&line, "abc.defg.hij ");
    buffer_add_string(&line, "\r\n");
    struct smtp_reply_reader reader = {0};
    size_t used;
    assert_int_equal(smtp_reply_read(&reader, line.data, line.length, &used), SMTP_REPLY_COMPLETE);
    assert_int_equal(used, line.length);
    size_t length = strlen(reader.reply.text);
    assert_in_range(length, 400, SMTP_REPLY_TEXT - 1);
    assert_string_equal(reader.reply.text + length - 5, ".hij ");
    buffer_done(&line);
}

static void test_a_reply_without_end_is_given_up(void **state)
{
    (void)state;
    static const char *const lines[] = {"250-and\r\n", "x", "250 x"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct smtp_reply_reader reader = {0};
        size_t used, total = 0;
        enum smtp_reply_status status;
        do {
            status = smtp_reply_read(&reader, lines[i], strlen(lines[i]), &used);
            total += used;
        } while (status == SMTP_REPLY_MORE);
        assert_int_equal(status, SMTP_REPLY_BROKEN);
        assert_int_equal(total, SMTP_REPLY_MAX + 1);
    }
}

static void test_features(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        bool pipelining, size;
        unsigned long limit;
    } lines[] = {
        {"250-PIPELINING\r\n", true, false, 0},
        {"250 pipelining", true, false, 0},
        {"250-PIPELININGS\r\n", false, false, 0},
        {"250-X-PIPELINING\r\n", false, false, 0},
        {"250-SIZE 10240000\r\n", false, true, 10240000},
        {"250-SIZE\r\n", false, true, 0},
        {"250-SIZE 0\r\n", false, true, 0},
        {"250-SIZE -1\r\n", false, true, 0},
        {"250-SIZE lots\r\n", false, true, 0},
        {"250\r\n", false, false, 0},
        {"", false, false, 0},
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct smtp_features features = {0};
        smtp_features_note(&features, lines[i].line, strlen(lines[i].line));
        assert_int_equal(features.pipelining, lines[i].pipelining);
        assert_int_equal(features.size, lines[i].size);
        assert_int_equal(features.limit, lines[i].limit);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replies_in_pieces_of_any_size),
        cmocka_unit_test(test_one_reader_takes_reply_after_reply),
        cmocka_unit_test(test_a_long_line_is_cut_at_a_word),
        cmocka_unit_test(test_a_reply_without_end_is_given_up),
        cmocka_unit_test(test_features),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
