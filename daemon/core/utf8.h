// SPDX-License-Identifier: MPL-2.0
// Reads UTF-8 that came from outside: what is not well-formed becomes U+FFFD instead of travelling on.
#ifndef FRISTD_CORE_UTF8_H
#define FRISTD_CORE_UTF8_H

#include "core/memory.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UTF8_REPLACEMENT "\xef\xbf\xbd"
#define UTF8_BAD         UINT32_MAX

// The character at *at, which moves behind it; at < end. UTF8_BAD for bytes that are no character (overlong,
// surrogate, beyond U+10FFFF, cut off); then *at moves behind the longest piece that could have begun one.
uint32_t utf8_next(const char **at, const char *end);

// C0 without line feed and tab, DEL, C1, and the line and paragraph separators U+2028 and U+2029: nothing of
// this belongs into a line of text.
bool utf8_is_control(uint32_t character);

enum utf8_lines {
    UTF8_ONE_LINE, // line ends and tabs become spaces too
    UTF8_LINES     // CR LF, CR and LF become LF
};

// Appends the text well-formed: bad bytes as U+FFFD, control characters as spaces. Then
// into->data is a string, also when nothing was added.
void utf8_add_clean(struct buffer *into, const char *text, size_t length, enum utf8_lines lines);

#endif
