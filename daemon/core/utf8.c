// SPDX-License-Identifier: MPL-2.0
#include "core/utf8.h"

// The Unicode standard's table of well-formed sequences (3-7): the second byte's range depends on the first,
// which is what keeps out overlong forms and surrogates.
static int sequence_length(unsigned char first, unsigned char *ret_low, unsigned char *ret_high)
{
    *ret_low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    *ret_high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (first < 0x80)
        return 1;
    if (first >= 0xc2 && first <= 0xdf)
        return 2;
    if (first >= 0xe0 && first <= 0xef)
        return 3;
    return first >= 0xf0 && first <= 0xf4 ? 4 : 0;
}

uint32_t utf8_next(const char **at, const char *end)
{
    unsigned char first = (unsigned char)*(*at)++;
    if (first < 0x80)
        return first;
    unsigned char low, high;
    int length = sequence_length(first, &low, &high);
    if (length == 0)
        return UTF8_BAD;
    uint32_t character = first & (0x7fu >> length);
    for (int i = 1; i < length; i++, low = 0x80, high = 0xbf) {
        if (*at == end || (unsigned char)**at < low || (unsigned char)**at > high)
            return UTF8_BAD;
        character = character << 6 | ((unsigned char)*(*at)++ & 0x3f);
    }
    return character;
}

bool utf8_is_control(uint32_t character)
{
    return (character < 0x20 && character != '\n' && character != '\t') ||
           (character >= 0x7f && character < 0xa0) || character == 0x2028 || character == 0x2029;
}

// Printable ASCII.
static inline bool is_plain(char c)
{
    return (unsigned char)(c - ' ') < 0x7f - ' ';
}

static const char *end_of_clean(const char *text, const char *end, enum utf8_lines lines)
{
    for (;; text++) {
        while (text < end && is_plain(*text))
            text++;
        if (text == end || *text != '\n' || lines != UTF8_LINES)
            return text;
    }
}

void utf8_add_clean(struct buffer *into, const char *text, size_t length, enum utf8_lines lines)
{
    const char *end = text + length;
    for (;;) {
        const char *run = text;
        text = end_of_clean(text, end, lines);
        buffer_add(into, run, (size_t)(text - run));
        if (text == end)
            return;
        const char *begin = text;
        uint32_t character = utf8_next(&text, end);
        if (lines == UTF8_LINES && character == '\r') {
            if (text == end || *text != '\n')
                buffer_add_char(into, '\n'); // else the LF behind it says so
        } else if (character == UTF8_BAD) {
            buffer_add_string(into, UTF8_REPLACEMENT);
        } else if (utf8_is_control(character) ||
                   (lines == UTF8_ONE_LINE && (character == '\n' || character == '\t'))) {
            buffer_add_char(into, ' ');
        } else {
            buffer_add(into, begin, (size_t)(text - begin));
        }
    }
}
