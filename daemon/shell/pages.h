// SPDX-License-Identifier: MPL-2.0
// What the stream is to publish, row by row: read from the store page by page, the next one while this one
// goes out. The topics that a page sets are written into the ledger before any of them may be used.
#ifndef FRISTD_SHELL_PAGES_H
#define FRISTD_SHELL_PAGES_H

#include "shell/event.h"
#include "shell/publisher_store.h"

#include <uv.h>

enum pages_content { PAGES_TRANSITIONS, PAGES_ATTENTION };

struct pages_row {
    struct transition transition;
    struct transition state; // what has to stand on the topic
    bool has_state;          // false: nothing, if the transition sets or clears it at all
};

struct pages_user {
    // A row was read that sets (stands) or clears a topic; it lives during the call.
    void (*on_topic)(void *data, const char *topic, bool stands, int64_t number);
    // Rows have come, or were written into the ledger. failed: they must be read again, with pages_begin.
    void (*on_turn)(void *data, bool failed);
};

struct pages;

// site must live as long. retry_ms: the wait when the store has failed.
struct pages *pages_new(uv_loop_t *loop, const struct event_site *site, const struct publisher_store *store,
                        void *store_self, uint64_t retry_ms, const struct pages_user *user, void *data);
void pages_begin(struct pages *pages, enum pages_content content, int64_t after); // forgets what was read
int64_t pages_through(const struct pages *pages); // key of the last row read, or what it was begun after
const struct pages_row *pages_row(struct pages *pages); // to go out next; NULL: none is there
bool pages_may_set(const struct pages *pages);          // the topics of this row's page are in the ledger
void pages_next(struct pages *pages);
bool pages_may_read(const struct pages *pages); // nothing is being read, and the store is up
bool pages_has_more(const struct pages *pages); // of this content, to be read
void pages_read(struct pages *pages);           // when both are so
void pages_wake(struct pages *pages);           // the store is up again
void pages_close(struct pages *pages, void (*on_closed)(void *data), void *data);

#endif
