// SPDX-License-Identifier: MPL-2.0
// Makes mails of the journal's waiting notices, brings them to the mail channel, and their outcomes back. At
// most DELIVERY_MAX are in memory; the rest waits in the journal, where it is safe.
#ifndef FRISTD_SHELL_DELIVERY_H
#define FRISTD_SHELL_DELIVERY_H

#include "core/retry.h"
#include "shell/journal.h"
#include "shell/letter.h"
#include "shell/mail.h"

#define DELIVERY_MAX 1024

struct delivery;

struct delivery *delivery_new(uv_loop_t *loop, struct journal *journal, struct mail *mail,
                              instant (*now)(void *data), void *data);
void delivery_stop(struct delivery *delivery); // closes its handles; nothing more is written
void delivery_free(struct delivery *delivery); // only after the loop has ended; NULL is fine
// What waits to be worded is worded with the newest.
void delivery_set_context(struct delivery *delivery, const struct letter_context *context);

// Something may be waiting, or slots have become free. Harmless at any time.
void delivery_wake(struct delivery *delivery);
// Takes nothing new until delivery_release: during a look at the case database every notice of one moment is
// written before the first goes out. They do not nest; a release wakes, whether something was held or not.
void delivery_hold(struct delivery *delivery);
void delivery_release(struct delivery *delivery);
void delivery_end(struct delivery *delivery);           // takes nothing new any more
bool delivery_is_idle(const struct delivery *delivery); // nothing in memory, nothing being read or written
void delivery_on_idle(struct delivery *delivery, void (*on_idle)(void *data), void *data);

#endif
