// SPDX-License-Identifier: MPL-2.0
#include "core/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define BAD UTF8_REPLACEMENT

static void test_clean(void **state)
{
    (void)state;
    static const struct {
        const char *in, *one_line, *lines;
    } cases[] = {
        {"", "", ""},
        {"Sag S-1001", "Sag S-1001", "Sag S-1001"},
        {"æøå ÆØÅ €", "æøå ÆØÅ €", "æøå ÆØÅ €"},
        {"👩‍👧 \U0010ffff", "👩‍👧 \U0010ffff", "👩‍👧 \U0010ffff"},
        {"a\r\nb\rc\nd\te", "a  b c d e", "a\nb\nc\nd\te"},
        {"a\r\r\nb\n\rc", "a   b  c", "a\n\nb\n\nc"},
        {"\x01\x1b[31m\x7f", "  [31m ", "  [31m "},
        {"\xc2\x85\xc2\x9f\u2028\u2029", "    ", "    "},
        {"\u00a0\u202f", "\u00a0\u202f", "\u00a0\u202f"},
        {"a\xff\xfe"
         "b",
         "a" BAD BAD "b", "a" BAD BAD "b"},
        {"\xc0\xaf", BAD BAD, BAD BAD},                         // overlong '/'
        {"\xe0\x80\xaf", BAD BAD BAD, BAD BAD BAD},             // overlong '/'
        {"\xf0\x80\x80\xaf", BAD BAD BAD BAD, BAD BAD BAD BAD}, // overlong '/'
        {"\xed\xa0\x80", BAD BAD BAD, BAD BAD BAD},             // surrogate
        {"\xf4\x90\x80\x80", BAD BAD BAD BAD, BAD BAD BAD BAD}, // beyond U+10FFFF
        {"s\xf8ren", "s" BAD "ren", "s" BAD "ren"},             // ISO 8859-1
        {"\xe2\x82", BAD, BAD},                                 // cut at the end
        {"\xe2\x82\n", BAD " ", BAD "\n"},                      // cut by a line end, which stays one
        {"\xf0\x9f\x98\xc3\xa6", BAD "æ", BAD "æ"},             // cut by the next character
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buffer out = {0};
        utf8_add_clean(&out, cases[i].in, strlen(cases[i].in), UTF8_ONE_LINE);
        assert_string_equal(out.data, cases[i].one_line);
        buffer_clear(&out);
        utf8_add_clean(&out, cases[i].in, strlen(cases[i].in), UTF8_LINES);
        assert_string_equal(out.data, cases[i].lines);
        buffer_done(&out);
    }
}

// Every scalar value survives; what an encoder must never write is refused.
static void test_every_character(void **state)
{
    (void)state;
    for (uint32_t c = 0; c < 0x110000; c++) {
        char bytes[4];
        size_t length;
        if (c < 0x80) {
            bytes[0] = (char)c;
            length = 1;
        } else if (c < 0x800) {
            bytes[0] = (char)(0xc0 | c >> 6);
            length = 2;
        } else if (c < 0x10000) {
            bytes[0] = (char)(0xe0 | c >> 12);
            length = 3;
        } else {
            bytes[0] = (char)(0xf0 | c >> 18);
            length = 4;
        }
        for (size_t i = 1; i < length; i++)
            bytes[i] = (char)(0x80 | (c >> 6 * (length - 1 - i) & 0x3f));
        const char *at = bytes;
        uint32_t read = utf8_next(&at, bytes + length);
        if (c >= 0xd800 && c <= 0xdfff) {
            assert_int_equal(read, UTF8_BAD);
            assert_int_equal(at - bytes, 1);
        } else {
            assert_int_equal(read, c);
            assert_int_equal(at - bytes, length);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clean),
        cmocka_unit_test(test_every_character),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
