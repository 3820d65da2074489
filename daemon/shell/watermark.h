// SPDX-License-Identifier: MPL-2.0
// Up to which transition the broker has acknowledged everything, saved in the store now and then. The topics
// that were cleared on the way leave the ledger of what is retained together with the watermark that says so.
#ifndef FRISTD_SHELL_WATERMARK_H
#define FRISTD_SHELL_WATERMARK_H

#include "shell/publisher_store.h"

#include <uv.h>

struct watermark;

struct watermark *watermark_new(uv_loop_t *loop, const struct publisher_store *store, void *store_self);
// It comes from the store once, when that is up; from then on ours is the newer one.
bool watermark_is_known(struct watermark *watermark);
int64_t watermark_at(const struct watermark *watermark); // -1: not known yet
void watermark_move(struct watermark *watermark, int64_t to);
// In the order of the transitions: this one clears a topic; one sets it again, so it stays in the ledger.
void watermark_clears(struct watermark *watermark, const char *topic, int64_t number);
void watermark_sets(struct watermark *watermark, const char *topic);
void watermark_rewind(struct watermark *watermark); // transitions above it will be read again
// Saves it a last time.
void watermark_close(struct watermark *watermark, void (*on_closed)(void *data), void *data);

#endif
