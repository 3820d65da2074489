// SPDX-License-Identifier: MPL-2.0
// Names to numbers: each different text gets the next number from 0. A hash table that is emptied in no time,
// so that one table serves case after case.
#ifndef FRISTD_CORE_NAMES_H
#define FRISTD_CORE_NAMES_H

#include <stddef.h>
#include <stdint.h>

struct names {
    struct names_slot *slots;
    size_t capacity; // a power of two, or 0
    uint32_t generation;
    int count;
};

// Zero the struct to start. The texts are borrowed and must outlive their stay in the table.
int names_add(struct names *names, const char *text);                       // its number, new or old
int names_find(const struct names *names, const char *text, size_t length); // its number, or -1
void names_clear(struct names *names);                                      // keeps the memory
void names_done(struct names *names);

#endif
