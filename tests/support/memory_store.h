// SPDX-License-Identifier: MPL-2.0
// A publisher's store without a database: transitions are made up from their numbers, so that a million of
// them take no memory, and each call can be made to fail.
//
// Each deadline has three transitions: opened; then breached or approaching, which sets the retained state;
// then met late, which clears it, or escalated, which sets it again. Every other deadline is closed at the
// end.
#ifndef FRISTD_TESTS_MEMORY_STORE_H
#define FRISTD_TESTS_MEMORY_STORE_H

#include "shell/publisher_store.h"

#include <uv.h>

#define MEMORY_STORE_DEADLINES 70000
#define MEMORY_STORE_OTHERS    64
#define MEMORY_STORE_TASKS     16

struct memory_store {
    // The test sets:
    const char *site; // of the ledger's topics
    bool down;
    int64_t last, published; // transitions there are, and the watermark
    int fail_at;             // the n-th call from now on fails; 0: none
    bool events_only;        // no retained state at all
    int64_t long_at;         // this transition has identifiers as long as they may be; 0: none
    // The ledger: by deadline, for topics as they should be, and what else is in it.
    bool ledger[MEMORY_STORE_DEADLINES];
    char *others[MEMORY_STORE_OTHERS];
    char requests[80]; // counts, as text
    // ---- kept by the store ----
    uv_idle_t idle;
    int calls, failures, saves;
    struct memory_task {
        enum memory_task_kind { TASK_TRANSITIONS, TASK_ATTENTION, TASK_LEDGER, TASK_WRITE } kind;
        void *request;
        bool fails;
    } tasks[MEMORY_STORE_TASKS]; // under way, in order
    int task_count;
    bool closed;
};

extern const struct publisher_store memory_store;

void memory_store_start(struct memory_store *store, uv_loop_t *loop);
void memory_store_stop(struct memory_store *store);

// The transition of this number; its strings live until the next call but one.
struct transition memory_store_transition(const struct memory_store *store, int64_t number);
void memory_store_note(struct memory_store *store, const char *topic);      // as if it had been published
bool memory_store_has(const struct memory_store *store, const char *topic); // in the ledger
// Whether the retained state of the deadline stands after `last` transitions, and then which one set it last.
int64_t memory_store_attention(int64_t deadline, int64_t last);

#endif
