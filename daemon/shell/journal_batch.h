// SPDX-License-Identifier: MPL-2.0
// Everything that one transaction of the journal writes.
#ifndef FRISTD_SHELL_JOURNAL_BATCH_H
#define FRISTD_SHELL_JOURNAL_BATCH_H

#include "core/decide.h"
#include "core/transition.h"
#include "shell/postgres.h"

// What the daemon remembers of itself, in the table `progress`.
enum progress {
    PROGRESS_CURSOR,        // of the case database, as of the last pass
    PROGRESS_RULES,         // fingerprint of the rules that the journal was brought up to date with
    PROGRESS_RECONCILED_ON, // local date of the last full reconciliation
    PROGRESS_PUBLISHED,     // number of the last transition that the broker has acknowledged
    PROGRESS_FAULTS_ON,     // local date of the last report on data faults
    PROGRESS_REACH,         // steps that will reach nobody: how many, and which ("COUNT KEY")
    PROGRESS_RULES_REFUSED, // "FINGERPRINT COUNT" of changed rules that wait to be confirmed; "": none do
    PROGRESS_UNITS,         // a key of the tree of units that the journal has
    PROGRESS_REQUESTS,      // for events again: how many were "SERVED REFUSED IGNORED" in all
    PROGRESS_COUNT
};

struct journal_deadline {
    int64_t id; // 0: new, numbered when it is written
    const char *case_id;
    const char *subject;
    const struct rule *rule;
    int occurrence;
    enum deadline_state state;
    instant anchor_at, due_at, breached_at, closed_at, staged_until, next_stage_at;
    bool attention;
    const char *computation; // core/computation.h; NULL once it is closed
};

struct journal_transition {
    struct transition transition; // number is given when it is written
    int64_t deadline_id;          // 0: that of deadline_index
    int deadline_index;           // into batch.deadlines; -1: deadline_id holds
    int superseded;
    int missed_in_a_row;
    const char *derivation;
};

struct journal_notice {
    int64_t id; // given when it is written
    char message_key[MESSAGE_KEY_SIZE];
    const char *purpose;   // "stage", "backlog", "operator", "data_quality", "report"
    int transition_index;  // into batch.transitions; -1: belongs to none
    const char *case_id;   // "" for a report
    const char *person_id; // "" for an address of the configuration
    const char *role;
    const char *instead_of; // or NULL
    int stage;              // step of the escalation; -1: none
    instant stage_at;       // or INSTANT_NONE
    const char *facts;
    instant may_go_at;
    const char *held_by; // why that is not at once: "hours"; or NULL
    bool urgent;         // goes as a mail of its own, unless the person has too many such
    bool with_others;    // an urgent one that may share a mail all the same
};

struct journal_case {
    const char *case_id, *unit, *caseworker;
    instant wake_at;
};

struct journal_fault {
    const char *case_id, *code, *rule, *subject, *event_id, *reason;
};

// What was seen of an acknowledgement of one deadline.
struct journal_acknowledged {
    int64_t acknowledgement_id, deadline_id;
    instant seen_look_at; // what is set later stands
    instant look_at;      // look again then; INSTANT_NONE: when something new is set
    bool noted, over;
};

// A step that a silence has hidden.
struct journal_silenced {
    int64_t silence_id;
    int deadline_index; // into batch.deadlines
    instant step_at;
};

// A step that a larger problem of the case has muted.
struct journal_muted {
    int deadline_index; // into batch.deadlines
    instant step_at;
    const char *by_rule, *by_code, *by_subject; // the larger problem
    int by_occurrence;
    bool over; // it will not be told later: the deadline is closed
};

// What was reported of a silence.
struct journal_silence {
    int64_t silence_id;
    instant seen_look_at, look_at; // as in journal_acknowledged
    bool over;
};

// What became of a person's address.
enum address_news {
    ADDRESS_REFUSED,
    ADDRESS_GOOD,    // it has taken mail, or is another one by now
    ADDRESS_REPORTED // the operators know
};

struct journal_address {
    enum address_news news;
    const char *person_id;
    const char *address_key, *reply; // when REFUSED
};

enum notice_state { NOTICE_SENT, NOTICE_DEFERRED, NOTICE_ABANDONED };

// Of a mail: of the notice that carries it and of all that it carries and that have none yet.
struct journal_outcome {
    int64_t notice_id;
    enum notice_state state;
    int attempts;
    instant next_attempt_at, finished_at;
    const char *last_reply;
    int64_t as_of; // the last transition when the mail was read; 0: not known
};

struct journal_hold {
    const char *person_id;
    instant until;
    const char *held_by; // why: "hours" or "bound"
};

// Which loose notices become mails, decided in the database: they can be very many. A person's go together,
// with those that may go within `wait_s`; when `wait_s` is 0 only those that a bound has held back do.
struct journal_forming {
    bool wanted;
    instant now;
    int wait_s;
    // Whose loose notices wait on, those that are not urgent.
    struct journal_hold *holds;
    size_t hold_count;
};

#define BATCH_MORE_MAX 6 // statements of another module in one batch

// Everything of one transaction. Strings must live until on_done, best in `arena`. Zero it to start.
struct journal_batch {
    void *data;
    instant now;
    void (*on_done)(struct journal_batch *batch,
                    const struct error *err); // err NULL: committed; else nothing was written, or not known
    struct arena arena;
    struct journal_deadline *deadlines;
    size_t deadline_count, deadline_capacity;
    int64_t *withdrawn; // ids of deadlines to delete
    size_t withdrawn_count, withdrawn_capacity;
    struct journal_transition *transitions;
    size_t transition_count, transition_capacity;
    struct journal_notice *notices;
    size_t notice_count, notice_capacity;
    struct journal_case *cases;
    size_t case_count, case_capacity;
    const char **gone; // cases that are no longer watched
    size_t gone_count, gone_capacity;
    struct journal_fault *faults; // that are new
    size_t fault_count, fault_capacity;
    struct journal_fault *mended; // faults that are no longer there
    size_t mended_count, mended_capacity;
    int urgent_per_hour; // bound for the notices above; 0: none
    // Who was told of a deadline hears what became of it with his next mail, or then; 0: he does not. With
    // outcomes: who was told by a mail that was on its way when something became of it.
    instant follow_up_at;
    struct journal_outcome *outcomes;
    size_t outcome_count, outcome_capacity;
    struct journal_outcome *parts; // of single notices that a mail given up has carried
    size_t part_count, part_capacity;
    struct journal_forming forming;
    // Mails about to be worded: what of them is out of date by now is given up. With outcome_count > 0 not
    // used.
    const int64_t *prune;
    size_t prune_count;
    struct journal_acknowledged *acknowledged;
    size_t acknowledged_count, acknowledged_capacity;
    const char **noted; // topics that will be retained on the broker
    size_t noted_count, noted_capacity;
    const char **forgotten; // topics that were cleared there
    size_t forgotten_count, forgotten_capacity;
    struct journal_silenced *silenced;
    size_t silenced_count, silenced_capacity;
    struct journal_silence *silences;
    size_t silence_count, silence_capacity;
    struct journal_muted *muted;
    size_t muted_count, muted_capacity;
    int64_t *births; // ids of deadlines that count from a birth, which was not known before
    size_t birth_count, birth_capacity;
    int64_t *unmuted; // ids of deadlines of which nothing is muted any more
    size_t unmuted_count, unmuted_capacity;
    struct journal_address *addresses;
    size_t address_count, address_capacity;
    const struct people *units;           // a new tree of units; NULL: unchanged
    const char *progress[PROGRESS_COUNT]; // NULL: unchanged
    // Statements of another module that belong to this transaction, behind all else; at most BATCH_MORE_MAX.
    const struct postgres_statement *more;
    int more_count;
    bool agenda_stays; // nothing of it changes when something is due
    // ---- kept by the module ----
    struct journal_batch *next;
};

bool journal_batch_is_empty(const struct journal_batch *batch);
void journal_batch_clear(struct journal_batch *batch); // for reuse
void journal_batch_done(struct journal_batch *batch);

#endif
