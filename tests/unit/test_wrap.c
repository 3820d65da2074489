// SPDX-License-Identifier: MPL-2.0
#include "core/wrap.h"

#include "core/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEN   "123456789 "
#define FIFTY TEN TEN TEN TEN TEN

static void test_wrap(void **state)
{
    (void)state;
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"", ""},
        {"a\n\n-- \n  b  \n", "a\n\n-- \n  b  \n"},
        {FIFTY TEN TEN "123456", FIFTY TEN TEN "123456"},          // 76
        {FIFTY TEN TEN "1234567", FIFTY TEN "123456789\n1234567"}, // 77
        {FIFTY TEN TEN "æøå456\nx", FIFTY TEN TEN "æøå456\nx"},    // characters, not bytes
        {FIFTY TEN TEN "æøå4567", FIFTY TEN "123456789\næøå4567"},
        {"- " FIFTY FIFTY "x\n", "- " FIFTY TEN "123456789\n  " TEN TEN TEN "x\n"},
        {"  - " FIFTY FIFTY "x", "  - " FIFTY TEN "123456789\n    " TEN TEN TEN "x"},
        {"  " FIFTY FIFTY "x", "  " FIFTY TEN "123456789\n  " TEN TEN TEN "x"},
        {FIFTY "  " TEN "  " FIFTY, FIFTY TEN "123456789\n" TEN TEN TEN "123456789"},
        // A link is never cut.
        {"- "
         "123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
         "0",
         "- "
         "123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
         "0"},
        {"x "
         "123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
         "0 y",
         "x\n123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456"
         "7890\ny"},
        {"- ", "- "},
        {FIFTY TEN "12345678 · 34567", FIFTY TEN "12345678 · 34567"}, // 76
        {FIFTY TEN "12345678 · 345678 · x", FIFTY TEN "12345678\n· 345678 · x"},
        {FIFTY TEN "12345678 – 345678 ·", FIFTY TEN "12345678\n– 345678 ·"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buffer out = {0};
        wrap_text(cases[i].text, strlen(cases[i].text), &out);
        assert_string_equal(out.data, cases[i].expected);
        buffer_done(&out);
    }
}

// Whatever the text: the same words in the same order, and no line too long that has a blank to break at.
static void test_any_text(void **state)
{
    (void)state;
    static const char *const pieces[] = {"a",  "ord", "æøå", "👩",    " ",
                                         "  ", "\n",  "- ",  "\xff", "et-langt-ord-uden-blanke"};
    unsigned seed = 4711;
    for (int round = 0; round < 2000; round++) {
        struct buffer text = {0}, out = {0};
        for (int i = 0; i < 120; i++) {
            seed = seed * 1103515245u + 12345u;
            buffer_add_string(&text, pieces[(seed >> 16) % 10]);
        }
        wrap_text(text.data, text.length, &out);
        const char *in = text.data, *at = out.data;
        while (*(in += strspn(in, " \n")) && *(at += strspn(at, " \n")))
            assert_int_equal(*in++, *at++);
        assert_int_equal(*in, '\0');
        assert_int_equal(*(at + strspn(at, " \n")), '\0');
        for (const char *line = out.data, *stop; *line; line = stop + (*stop == '\n')) {
            stop = line + strcspn(line, "\n");
            size_t count = 0;
            for (const char *c = line; c < stop; count++)
                utf8_next(&c, stop);
            const char *word = line + strspn(line, " ");
            word += strncmp(word, "- ", 2) == 0 ? 2 : 0;
            word += strspn(word, " ");
            assert_true(count <= WRAP_WIDTH || strcspn(word, " \n") == (size_t)(stop - word));
        }
        buffer_done(&text);
        buffer_done(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_wrap), cmocka_unit_test(test_any_text)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
