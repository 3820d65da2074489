// SPDX-License-Identifier: MPL-2.0
// Lines across the borders of chunks, of any length, with and without an end.
#include "shell/lines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

// A file that is gone when it is closed, read from its beginning.
static int file_with(const char *text, size_t length)
{
    char path[] = "/tmp/fristd-lines-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    unlink(path);
    for (size_t written = 0; written < length;) {
        ssize_t now = write(fd, text + written, length - written);
        assert_true(now > 0);
        written += (size_t)now;
    }
    lseek(fd, 0, SEEK_SET);
    return fd;
}

static void reads_each_line_once(void **state)
{
    static const struct {
        const char *text;
        const char *lines[4];
    } cases[] = {
        {"", {NULL}},         {"a", {"a"}}, {"a\n", {"a"}}, {"\n", {""}}, {"a\n\nb\r\n", {"a", "", "b\r"}},
        {"a\nb", {"a", "b"}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct lines lines = {.fd = file_with(cases[i].text, strlen(cases[i].text))};
        long number = 0;
        for (; cases[i].lines[number]; number++) {
            assert_int_equal(lines_next(&lines), 1);
            assert_int_equal(lines.number, number + 1);
            assert_int_equal(lines.text.length, strlen(cases[i].lines[number]));
            if (lines.text.length > 0)
                assert_string_equal(lines.text.data, cases[i].lines[number]);
        }
        assert_int_equal(lines_next(&lines), 0);
        assert_int_equal(lines_next(&lines), 0);
        assert_int_equal(lines.number, number);
        close(lines.fd);
        lines_done(&lines);
    }
}

static void reads_lines_of_every_length_near_a_chunk(void **state)
{
    enum { FIRST = 65530, LAST = 65545 };
    (void)state;
    size_t size = (LAST - FIRST + 1) * (LAST + 1);
    char *text = malloc(size);
    size_t used = 0;
    for (size_t length = FIRST; length <= LAST; length++) {
        memset(text + used, 'a' + (int)(length % 26), length);
        used += length;
        text[used++] = '\n';
    }
    struct lines lines = {.fd = file_with(text, used)};
    for (size_t length = FIRST; length <= LAST; length++) {
        assert_int_equal(lines_next(&lines), 1);
        assert_int_equal(lines.text.length, length);
        assert_int_equal(lines.text.data[0], 'a' + (int)(length % 26));
        assert_int_equal(lines.text.data[length - 1], 'a' + (int)(length % 26));
        assert_false(lines.too_long);
    }
    assert_int_equal(lines_next(&lines), 0);
    close(lines.fd);
    lines_done(&lines);
    free(text);
}

static void cuts_what_is_too_long_and_goes_on(void **state)
{
    (void)state;
    size_t size = LINE_MAX_BYTES + 3;
    char *text = malloc(size);
    memset(text, 'x', size);
    text[LINE_MAX_BYTES + 1] = '\n';
    struct lines lines = {.fd = file_with(text, size)};
    assert_int_equal(lines_next(&lines), 1);
    assert_true(lines.too_long);
    assert_int_equal(lines.text.length, LINE_MAX_BYTES);
    assert_int_equal(lines_next(&lines), 1);
    assert_false(lines.too_long);
    assert_string_equal(lines.text.data, "x");
    close(lines.fd);
    lines_done(&lines);
    free(text);
}

static void count_wait(void *data)
{
    ++*(int *)data;
}

static void says_before_it_waits(void **state)
{
    int waits = 0, ends[2];
    (void)state;
    assert_int_equal(pipe(ends), 0);
    struct lines lines = {.fd = ends[0], .on_wait = count_wait, .data = &waits};
    assert_int_equal(write(ends[1], "a\nb\nc", 5), 5);
    assert_int_equal(lines_next(&lines), 1);
    assert_int_equal(lines_next(&lines), 1);
    assert_int_equal(waits, 1); // both lines were there
    close(ends[1]);
    assert_int_equal(lines_next(&lines), 1);
    assert_string_equal(lines.text.data, "c");
    assert_int_equal(lines_next(&lines), 0);
    close(ends[0]);
    lines_done(&lines);
}

static void tells_an_error(void **state)
{
    (void)state;
    struct lines lines = {.fd = -1};
    assert_int_equal(lines_next(&lines), -1);
    lines_done(&lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_each_line_once),
        cmocka_unit_test(reads_lines_of_every_length_near_a_chunk),
        cmocka_unit_test(cuts_what_is_too_long_and_goes_on),
        cmocka_unit_test(says_before_it_waits),
        cmocka_unit_test(tells_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
