// SPDX-License-Identifier: MPL-2.0
// Memory that need not be checked: small allocations abort when there is none (systemd restarts us and all
// state is in PostgreSQL), an arena for what lives and dies together, and a growing buffer of bytes.
// Sizes that come from outside are bounded by the caller first.
#ifndef FRISTD_CORE_MEMORY_H
#define FRISTD_CORE_MEMORY_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

void *memory_alloc(size_t size); // zeroed; aborts when out of memory; free() it
void *memory_resize(void *old, size_t count, size_t size);
char *memory_copy(const char *text, size_t length); // zero-terminated; NULL stays NULL

// Grows an array for one more element: doubles the capacity when full.
#define MEMORY_GROW(array, count, capacity)                                                                  \
    do {                                                                                                     \
        if ((count) == (capacity)) {                                                                         \
            (capacity) = (capacity) ? 2 * (capacity) : 8;                                                    \
            (array) = memory_resize((array), (capacity), sizeof *(array));                                   \
        }                                                                                                    \
    } while (0)

// Everything taken from an arena lives until arena_reset or arena_done. Zero the struct to start.
struct arena {
    struct arena_block *first, *current;
};

void *arena_alloc(struct arena *arena, size_t size);                    // zeroed, aligned for anything
char *arena_copy(struct arena *arena, const char *text, size_t length); // zero-terminated; NULL stays NULL
char *arena_string(struct arena *arena, const char *text);              // likewise
char *arena_format(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
void arena_reset(struct arena *arena); // keeps the blocks for the next use
void arena_done(struct arena *arena);

// Bytes that grow; always zero-terminated behind `length`. Zero the struct to start.
struct buffer {
    char *data; // NULL until something was added
    size_t length, capacity;
};

void buffer_add(struct buffer *buffer, const void *bytes, size_t length);
void buffer_add_string(struct buffer *buffer, const char *text);
void buffer_add_char(struct buffer *buffer, char c);
void buffer_add_number(struct buffer *buffer, int64_t number);
void buffer_format(struct buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buffer_vformat(struct buffer *buffer, const char *format, va_list ap);
void buffer_clear(struct buffer *buffer); // keeps the memory
void buffer_done(struct buffer *buffer);

#endif
