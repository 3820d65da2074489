// SPDX-License-Identifier: MPL-2.0
// The numeric addresses of one host, looked up without blocking the loop. One look-up at a time; when one
// fails the addresses of the last good one stay.
#ifndef FRISTD_SHELL_LOOKUP_H
#define FRISTD_SHELL_LOOKUP_H

#include "core/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#define LOOKUP_ADDRESSES_MAX 16 // further ones are not tried

struct lookup;
// err NULL: found. Otherwise the addresses of the last good look-up, if any, are still there.
typedef void (*lookup_on_done)(void *data, const struct error *err);

struct lookup *lookup_new(uv_loop_t *loop, const char *host, lookup_on_done on_done, void *data);
// False for a numeric address: it stands in the list from the beginning and is never looked up.
bool lookup_is_needed(const struct lookup *lookup);
// Ends in one on_done, never from inside the call; -1 when the host cannot be a name. One that is under way
// is joined.
int lookup_start(struct lookup *lookup, struct error *err) MUST_CHECK;
size_t lookup_count(const struct lookup *lookup);
const char *lookup_address(const struct lookup *lookup, size_t index);
// No on_done any more. on_closed comes when the look-up under way has ended, possibly at once from inside the
// call; lookup is freed before.
void lookup_close(struct lookup *lookup, void (*on_closed)(void *data), void *data);

#endif
