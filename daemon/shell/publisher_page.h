// SPDX-License-Identifier: MPL-2.0
// A page of what the publisher has read and not yet sent, and the topics that it is about to have cleared.
#ifndef FRISTD_SHELL_PUBLISHER_PAGE_H
#define FRISTD_SHELL_PUBLISHER_PAGE_H

#include "core/memory.h"
#include "shell/event.h"
#include "shell/publisher_store.h"

#define PUBLISHER_PAGE 500 // rows read at a time

struct publisher_row {
    struct transition transition;
    struct transition state;
    bool has_state;
};

struct publisher_page {
    void *data; // the owner's
    struct arena arena;
    struct publisher_row rows[PUBLISHER_PAGE];
    int count, next;
    int64_t through;                   // key of its last row; before that, what it was asked to begin after
    const char *noted[PUBLISHER_PAGE]; // topics that its rows set, for the ledger
    size_t noted_count;
    struct publisher_write note;
    bool noting; // these are being written down: no state of this page may be published yet
};

void publisher_page_begin(struct publisher_page *page, int64_t after);
// Copies; returns the state topic that the row sets or clears, valid as long as the page; NULL: neither.
const char *publisher_page_add(struct publisher_page *page, const struct event_site *site, int64_t key,
                               const struct transition *transition, const struct transition *state);
void publisher_page_done(struct publisher_page *page);

// Topics whose clearing is under way: they leave the ledger together with the watermark that says so. One
// that is set again first stays in it.
struct clearing {
    struct clearing_topic {
        char *topic;
        uint64_t hash;
        int64_t number; // of the transition
        bool in_write;
    } * topics;
    size_t count, capacity;
};

void clearing_add(struct clearing *clearing, const char *topic, int64_t number);
void clearing_remove(struct clearing *clearing, const char *topic);
void clearing_rewind(struct clearing *clearing, int64_t watermark); // forgets what is above
// Topics that are cleared at this watermark, for a write; the array is the caller's to free, the strings live
// during the call that hands them to the store.
size_t clearing_begin_write(struct clearing *clearing, int64_t watermark, const char ***ret_topics);
void clearing_end_write(struct clearing *clearing, bool good);
void clearing_done(struct clearing *clearing);

#endif
