// SPDX-License-Identifier: MPL-2.0
// What the journal holds on one case: where its deadlines stand, what has happened to them, who was told.
#ifndef FRISTD_COMMAND_CASE_RECORD_H
#define FRISTD_COMMAND_CASE_RECORD_H

#include "core/transition.h"
#include "shell/postgres.h"

// Which deadline of the case. Every row below begins with it.
struct deadline_key {
    const char *rule, *subject;
    int occurrence;
};

struct recorded_deadline {
    struct deadline_key key;
    enum deadline_state state;
    instant due_at, staged_until;
};

struct recorded_transition {
    struct deadline_key key;
    struct transition transition;
    int superseded;
    const char *derivation; // a line a step; "" when nothing was explained
};

struct recorded_notice {
    struct deadline_key key;
    int64_t transition_number;     // what it tells of
    const char *person_id;         // "" an address of the configuration
    const char *role, *instead_of; // instead_of may be NULL
    int stage;                     // -1: none
    instant stage_at;
    const char *state; // "pending", "sent", "deferred", "abandoned"
    int attempts;
    instant decided_at, next_attempt_at, finished_at;
    const char *last_reply;
    const char *held_by; // why it did not go at once: "hours", "bound"; NULL: it did, or waited for others
    bool formed;         // it is in a mail
    int with;            // how many others are
};

// An acknowledgement, a silence that has hidden something, or a step that a larger problem has muted.
enum hold_kind { HOLD_ACKNOWLEDGEMENT, HOLD_SILENCE, HOLD_MUTED };
struct recorded_hold {
    struct deadline_key key;
    enum hold_kind kind;
    // until: of one that ended before its time, when it did. Muted: from the step, until it was told after
    // all or over; INSTANT_NONE: it still is.
    instant from, until;
    const char *by,
        *reason; // a person id, a code; its note stays in the journal. Muted: a rule's code and its id
};

// Each list is in the order of an evaluation, for one deadline in the order of time.
struct case_record {
    struct arena arena;
    struct recorded_deadline *deadlines;
    size_t deadline_count, deadline_capacity;
    struct recorded_transition *transitions;
    size_t transition_count, transition_capacity;
    struct recorded_notice *notices;
    size_t notice_count, notice_capacity;
    struct recorded_hold *holds;
    size_t hold_count, hold_capacity;
};

struct case_question {
    const char *case_id;
    const char *subject, *rule; // only this subject, only this rule; NULL: all
    instant until;              // only what was recorded by then; INSTANT_NONE: all
};

int case_record_read(const struct postgres_options *journal, const struct case_question *question,
                     struct case_record *ret_record, struct error *err) MUST_CHECK;
void case_record_done(struct case_record *record);

bool deadline_key_is(const struct deadline_key *a, const struct deadline_key *b);

#endif
