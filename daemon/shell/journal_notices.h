// SPDX-License-Identifier: MPL-2.0
// Reads the mails that wait to be sent, and what they carry.
#ifndef FRISTD_SHELL_JOURNAL_NOTICES_H
#define FRISTD_SHELL_JOURNAL_NOTICES_H

#include "shell/journal.h"

struct waiting_notice {
    int64_t id, deadline_id, transition_number;
    int64_t carried_by;
    bool carries_others; // which have no outcome yet; it may have one itself by then
    const char *message_key, *purpose, *case_id, *person_id, *role, *instead_of, *facts;
    int attempts, stage; // stage -1: none
    instant decided_at, formed_at, stage_at;
    const char *held_by;                // why it did not go at once; NULL: it did
    const char *case_unit, *caseworker; // where the case stands now
    // Of a stage: the transition it came with, the deadline as it stands now, what has happened so far
    // ("EPOCH KIND" a line, then "EPOCH told ROLE"), how the due came about (a line a step).
    enum transition_kind transition;
    const char *rule, *subject, *code, *unit, *derivation, *history;
    const char *muted; // what the deadline speaks for: "EPOCH CODE" a line, the first due first
    int occurrence, missed_in_a_row;
    bool sensitive, late;
    enum deadline_state state;
    instant anchor_at, due_at;
    bool still_there; // the deadline has a row
    bool out_of_date; // done or moved since it was decided: nobody is told
    bool has_entry;   // the person was sent a calendar entry for this deadline
};

struct journal_notices {
    void *data;
    instant now;
    int limit;
    const int64_t *except; // ids under way
    size_t except_count;
    void (*on_notice)(struct journal_notices *notices,
                      const struct waiting_notice *notice); // valid during the call
    void (*on_done)(struct journal_notices *notices, const struct error *err);
    // ---- kept by the module ----
    struct arena arena;
    struct postgres_params params;
    struct postgres_statement statement;
    struct postgres_request request;
};
int journal_read_notices(struct journal *journal, struct journal_notices *notices,
                         struct error *err) MUST_CHECK;

// What mails of several notices carry: of each the worst `limit` in full, and how many there are of each
// rule.
struct mail_sum {
    int64_t carried_by;
    const char *rule, *code;
    enum rule_kind rule_kind;
    bool sensitive;
    int ahead, broken, resolved;
    instant held_since; // when the first that was held back was decided; INSTANT_NONE: none was
};

struct journal_parts {
    void *data;
    const int64_t *carriers;
    size_t carrier_count;
    int limit;
    void (*on_part)(struct journal_parts *parts,
                    const struct waiting_notice *notice);                    // valid during the call
    void (*on_sum)(struct journal_parts *parts, const struct mail_sum *sum); // likewise
    void (*on_done)(struct journal_parts *parts, const struct error *err);
    // ---- kept by the module ----
    struct arena arena;
    struct postgres_params of_parts, of_sums;
    struct postgres_statement statements[2];
    struct postgres_request request;
};
int journal_read_parts(struct journal *journal, struct journal_parts *parts, struct error *err) MUST_CHECK;

// What else a mail carries that has no outcome yet: the first `limit` after one of them, in the order of ids.
int journal_read_carried(struct journal *journal, struct journal_notices *notices, int64_t carrier,
                         int64_t after, struct error *err) MUST_CHECK;

// Those with something loose whose time has come and that is not urgent.
struct loose_person {
    const char *person_id;
    bool busy; // has had `bound` mails since `since`
};

struct journal_loose {
    void *data;
    instant now, since;
    int bound; // 0: nobody is busy
    void (*on_done)(struct journal_loose *loose, const struct loose_person *persons, size_t count,
                    const struct error *err);
    // ---- kept by the module ----
    struct arena arena;
    struct loose_person *persons;
    size_t count, capacity;
    struct postgres_params params;
    struct postgres_statement statement;
    struct postgres_request request;
};
int journal_read_loose(struct journal *journal, struct journal_loose *loose, struct error *err) MUST_CHECK;

#endif
