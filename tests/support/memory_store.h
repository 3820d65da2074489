// SPDX-License-Identifier: MPL-2.0
// A publisher's store without a database: transitions are made up from their numbers, so that a million of
// them take no memory, and each call can be made to fail.
//
// Each deadline has three transitions: opened; then breached or approaching, which sets the retained state;
// then met late, which clears it, or escalated, which sets it again. Every other deadline is closed at the
// end.
#ifndef FRISTD_TESTS_MEMORY_STORE_H
#define FRISTD_TESTS_MEMORY_STORE_H

#include "shell/publisher.h"

struct memory_store {
    // The test sets:
    bool down;
    int64_t last, published; // transitions there are, and the watermark
    int fail_at;             // the n-th call from now on fails; 0: none
    bool events_only;        // no retained state at all
    int64_t long_at;         // this transition has identifiers as long as they may be; 0: none
    // ---- kept by the store ----
    uv_idle_t idle;
    int calls, failures, saves;
    struct publisher_read *transitions, *attention; // questions under way
    bool fails_read;
    int64_t saving;
    bool fails_save;
    void (*on_saved)(void *data, const struct error *err);
    void *saved_data;
    bool closed;
};

extern const struct publisher_store memory_store;

void memory_store_start(struct memory_store *store, uv_loop_t *loop);
void memory_store_stop(struct memory_store *store);

// The transition of this number; its strings live until the next call.
struct transition memory_store_transition(const struct memory_store *store, int64_t number);
// Whether the retained state of the deadline stands after `last` transitions, and then which one set it last.
int64_t memory_store_attention(int64_t deadline, int64_t last);

#endif
