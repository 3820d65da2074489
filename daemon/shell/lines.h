// SPDX-License-Identifier: MPL-2.0
// Reads a file or a pipe line by line in constant memory.
#ifndef FRISTD_SHELL_LINES_H
#define FRISTD_SHELL_LINES_H

#include "core/memory.h"

#include <stdbool.h>

#define LINE_MAX_BYTES (16 * 1024 * 1024)

// Set fd and zero the rest to start.
struct lines {
    int fd;
    long number;        // of the line last read, from 1
    struct buffer text; // of the line last read, without its end
    bool too_long;      // it had more than LINE_MAX_BYTES; text is cut
    // Called before each read that may wait, so that what is known so far can go out. May be NULL.
    void (*on_wait)(void *data);
    void *data;

    char *chunk;
    size_t chunk_used, chunk_length;
    bool ended;
};

// 1: a line; 0: the end; -1: an error, in errno.
int lines_next(struct lines *lines);
void lines_done(struct lines *lines); // does not close fd

#endif
