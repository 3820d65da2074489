// SPDX-License-Identifier: MPL-2.0
#include "core/nearest.h"

#include <string.h>

#define LENGTH_MAX 64 // longer names are not guessed at

static int lower(char c)
{
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : (unsigned char)c;
}

static size_t smallest(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

// Edit distance with exchanges of neighbours (optimal string alignment), three rows at a time.
static size_t distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    size_t rows[3][LENGTH_MAX + 1];
    size_t *before = rows[0], *above = rows[1], *row = rows[2];
    for (size_t j = 0; j <= b_length; j++)
        above[j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            int ai = lower(a[i - 1]), bj = lower(b[j - 1]);
            row[j] = smallest(above[j] + 1, row[j - 1] + 1, above[j - 1] + (ai != bj));
            if (i > 1 && j > 1 && ai == lower(b[j - 2]) && lower(a[i - 2]) == bj &&
                before[j - 2] + 1 < row[j])
                row[j] = before[j - 2] + 1;
        }
        size_t *oldest = before;
        before = above;
        above = row;
        row = oldest;
    }
    return above[b_length];
}

const char *nearest_name(const char *text, size_t length, const char *const *names, size_t count)
{
    const char *nearest = NULL;
    size_t nearest_distance = 0;
    if (length > LENGTH_MAX)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        size_t name_length = strlen(names[i]);
        if (name_length > LENGTH_MAX)
            continue;
        size_t away = distance(text, length, names[i], name_length);
        if (away * 3 <= name_length && (nearest == NULL || away < nearest_distance)) {
            nearest = names[i];
            nearest_distance = away;
        }
    }
    return nearest;
}
