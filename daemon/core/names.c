// SPDX-License-Identifier: MPL-2.0
// Open addressing, at most half full. A slot counts only when its generation is the table's.
#include "core/names.h"

#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

struct names_slot {
    const char *text;
    uint32_t length, hash, generation;
    int number;
};

static uint32_t hash_of(const char *text, size_t length)
{
    uint32_t hash = 2166136261U; // FNV-1a
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)text[i]) * 16777619U;
    return hash ^ hash >> 15;
}

// The slot that holds the text, or the free one where it belongs.
static struct names_slot *slot_for(const struct names *names, const char *text, size_t length, uint32_t hash)
{
    for (size_t i = hash;; i++) {
        struct names_slot *slot = &names->slots[i & (names->capacity - 1)];
        if (slot->generation != names->generation)
            return slot;
        if (slot->hash == hash && slot->length == length && memcmp(slot->text, text, length) == 0)
            return slot;
    }
}

static void grow(struct names *names)
{
    struct names old = *names;
    names->capacity = old.capacity ? 2 * old.capacity : 32;
    names->slots = memory_alloc(names->capacity * sizeof *names->slots);
    names->generation = 1;
    for (size_t i = 0; i < old.capacity; i++) {
        struct names_slot slot = old.slots[i];
        if (slot.generation != old.generation)
            continue;
        slot.generation = names->generation;
        *slot_for(names, slot.text, slot.length, slot.hash) = slot;
    }
    free(old.slots);
}

int names_add(struct names *names, const char *text)
{
    if (2 * ((size_t)names->count + 1) > names->capacity)
        grow(names);
    size_t length = strlen(text);
    uint32_t hash = hash_of(text, length);
    struct names_slot *slot = slot_for(names, text, length, hash);
    if (slot->generation != names->generation)
        *slot = (struct names_slot){text, (uint32_t)length, hash, names->generation, names->count++};
    return slot->number;
}

int names_find(const struct names *names, const char *text, size_t length)
{
    if (names->count == 0)
        return -1;
    const struct names_slot *slot = slot_for(names, text, length, hash_of(text, length));
    return slot->generation == names->generation ? slot->number : -1;
}

void names_clear(struct names *names)
{
    names->count = 0;
    if (names->capacity > 0 && ++names->generation == 0) {
        memset(names->slots, 0, names->capacity * sizeof *names->slots);
        names->generation = 1;
    }
}

void names_done(struct names *names)
{
    free(names->slots);
    *names = (struct names){0};
}
