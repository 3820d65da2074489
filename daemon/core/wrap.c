// SPDX-License-Identifier: MPL-2.0
#include "core/wrap.h"

#include "core/utf8.h"

#include <string.h>

#define INDENT_MAX 8

static size_t characters(const char *at, const char *end)
{
    size_t count = 0;
    while (at < end) {
        utf8_next(&at, end);
        count++;
    }
    return count;
}

// Where the words of a line begin.
static size_t indent_of(const char *line, const char *end)
{
    size_t indent = 0;
    while (indent < INDENT_MAX && line + indent < end && line[indent] == ' ')
        indent++;
    return end - line > (ptrdiff_t)indent + 2 && memcmp(line + indent, "- ", 2) == 0 ? indent + 2 : indent;
}

static const char *next_blank(const char *at, const char *end)
{
    const char *blank = memchr(at, ' ', (size_t)(end - at));
    return blank ? blank : end;
}

// A mark between two words goes with the second.
static const char *word_end(const char *at, const char *end)
{
    static const char *const marks[] = {"· ", "– "};
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        size_t length = strlen(marks[i]);
        if ((size_t)(end - at) > length && memcmp(at, marks[i], length) == 0)
            return next_blank(at + length, end);
    }
    return next_blank(at, end);
}

static void wrap_line(const char *line, const char *end, struct buffer *into)
{
    size_t indent = indent_of(line, end), used = indent;
    buffer_add(into, line, indent);
    for (const char *word = line + indent, *next; word < end; word = next) {
        next = word_end(word, end);
        size_t length = characters(word, next);
        if (used > indent && used + 1 + length > WRAP_WIDTH) {
            buffer_format(into, "\n%*s", (int)indent, "");
            used = indent;
        } else if (used > indent) {
            buffer_add_char(into, ' ');
            used++;
        }
        buffer_add(into, word, (size_t)(next - word));
        used += length;
        while (next < end && *next == ' ')
            next++;
    }
}

void wrap_text(const char *text, size_t length, struct buffer *into)
{
    buffer_add(into, "", 0);
    for (const char *line = text, *end = text + length; line < end;) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        const char *line_end = stop ? stop : end;
        if (characters(line, line_end) > WRAP_WIDTH)
            wrap_line(line, line_end, into);
        else
            buffer_add(into, line, (size_t)(line_end - line));
        if (stop)
            buffer_add_char(into, '\n');
        line = stop ? stop + 1 : end;
    }
}
