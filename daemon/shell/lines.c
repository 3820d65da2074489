// SPDX-License-Identifier: MPL-2.0
#include "shell/lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHUNK_SIZE 65536

// 1: there is something in the chunk; 0: the end; -1: an error.
static int fill(struct lines *lines)
{
    if (lines->chunk_used < lines->chunk_length)
        return 1;
    if (lines->ended)
        return 0;
    if (lines->chunk == NULL)
        lines->chunk = memory_alloc(CHUNK_SIZE);
    if (lines->on_wait)
        lines->on_wait(lines->data);
    ssize_t got;
    do
        got = read(lines->fd, lines->chunk, CHUNK_SIZE);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return -1;
    lines->chunk_used = 0;
    lines->chunk_length = (size_t)got;
    lines->ended = got == 0;
    return got > 0;
}

static void take(struct lines *lines, size_t length)
{
    size_t room = LINE_MAX_BYTES - lines->text.length;
    lines->too_long |= length > room;
    buffer_add(&lines->text, lines->chunk + lines->chunk_used, length > room ? room : length);
    lines->chunk_used += length;
}

int lines_next(struct lines *lines)
{
    bool begun = false;
    buffer_clear(&lines->text);
    lines->too_long = false;
    for (;;) {
        int filled = fill(lines);
        if (filled < 0)
            return -1;
        if (filled == 0) {
            lines->number += begun;
            return begun; // the last line may have no end
        }
        begun = true;
        const char *start = lines->chunk + lines->chunk_used;
        size_t left = lines->chunk_length - lines->chunk_used;
        const char *end = memchr(start, '\n', left);
        take(lines, end ? (size_t)(end - start) : left);
        if (end) {
            lines->chunk_used++;
            lines->number++;
            return 1;
        }
    }
}

void lines_done(struct lines *lines)
{
    buffer_done(&lines->text);
    free(lines->chunk);
    lines->chunk = NULL;
}
