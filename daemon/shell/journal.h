// SPDX-License-Identifier: MPL-2.0
// The journal (DESIGN, section 4): what is known of each deadline, what has happened, who was told; own
// schema in PostgreSQL. One daemon at a time writes: the connection that writes also holds the advisory lock.
#ifndef FRISTD_SHELL_JOURNAL_H
#define FRISTD_SHELL_JOURNAL_H

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
    PROGRESS_COUNT
};

// When there is something to do again.
struct agenda {
    instant case_at;   // the first case to look at, or INSTANT_NONE
    instant mail_at;   // the first mail to send, or INSTANT_NONE
    instant loose_at;  // the first notice that is in no mail yet and may go, or INSTANT_NONE
    instant report_at; // the first report to make, or INSTANT_NONE
};

struct journal;

// up: the lock is held, migrations have run, the agenda and the progress are read.
struct journal *journal_new(uv_loop_t *loop, const struct postgres_options *options,
                            postgres_on_state on_state, void *data);
void journal_start(struct journal *journal);
// Others have written something that the daemon must look at: the agenda has changed. A hint comes by NOTIFY;
// journal_refresh asks without one.
void journal_on_news(struct journal *journal, void (*on_news)(void *data), void *data);
void journal_refresh(struct journal *journal);
// Before the start: reads alone, beside a daemon that holds the lock. The schema must be there; nothing of
// the agenda, the progress and the numbers is known, and nothing can be committed.
void journal_read_only(struct journal *journal);
bool journal_is_up(const struct journal *journal);
struct postgres *journal_connection(const struct journal *journal); // for journal_read.c; NULL while not up
void journal_close(struct journal *journal, postgres_on_closed on_closed, void *data); // frees the journal

// As of the last commit; "" when never set. Valid until the next commit ends.
const char *journal_progress(const struct journal *journal, enum progress which);
struct agenda journal_agenda(const struct journal *journal);
int64_t journal_last_transition(const struct journal *journal);
instant
journal_recorded_at(const struct journal *journal); // of the last transition; INSTANT_NONE: there is none

// --- reading what is known of cases ---

struct known_fault {
    const char *code, *rule, *subject, *event_id;
};

struct known_acknowledgement {
    int64_t deadline_id; // which may be gone by now
    struct acknowledgement acknowledgement;
};

struct known_silence {
    struct silence silence;
    const char *given_by, *reason;
    instant look_at; // when it is to be reported on; INSTANT_NONE: it is reported
    bool reported;   // that it began
    // Only when asked for (with_counts), and only of those to be reported on.
    int covered, breached;            // deadlines that it covers now
    int hidden, of_deadlines, undone; // steps hidden, on how many deadlines, of which so many are not closed
};

struct known_refusal {
    const char *person_id, *address_key, *last_reply;
    int refusals;
    bool reported;
};

struct known_case {
    const char *case_id, *unit, *caseworker;
    bool watched; // false: only deadlines or faults were found
    instant wake_at;
    struct known_deadline *deadlines; // in the order of an evaluation
    size_t deadline_count;
    struct known_fault *faults;
    size_t fault_count;
    struct known_acknowledgement *acknowledgements; // not over; also in the deadlines that they are about
    size_t acknowledgement_count;
};

struct journal_load {
    // The caller fills:
    void *data;
    const char *const *case_ids; // these cases; or, when NULL,
    size_t case_id_count;
    const char *after,
        *until;       // all with after < case_id <= until, bytewise; NULL: from the beginning, to the end
    bool with_counts; // of silences to be reported on by `now`: it takes a look at all that they cover
    instant now;
    void (*on_done)(struct journal_load *load, const struct error *err); // err NULL: good
    struct known_silence *silences; // all that are not over, of whatever cases
    size_t silence_count, silence_capacity;
    struct known_refusal *refusals; // addresses that are refused
    size_t refusal_count, refusal_capacity;
    // The result, in the order of case ids, until journal_load_clear:
    struct known_case *cases;
    size_t case_count;
    // ---- kept by the module ----
    struct arena arena;
    struct journal_rows *rows;
    struct postgres_params params, silence_params;
    struct postgres_statement statements[6];
    struct postgres_request request;
};

int journal_read_known(struct journal *journal, struct journal_load *load, struct error *err) MUST_CHECK;
void journal_load_clear(struct journal_load *load); // keeps memory for the next use
void journal_load_done(struct journal_load *load);

// The first `limit` cases to be looked at by `now`, and those of notices that wait to be tried again: ids
// live until the callback returns.
struct journal_due {
    void *data;
    instant now;
    int limit;
    bool
        with_new_notices; // those never tried, too: nobody is known yet, and any case brings the people along
    void (*on_done)(struct journal_due *due, const char *const *case_ids, size_t count,
                    const struct error *err);
    // ---- kept by the module ----
    struct arena arena;
    const char **ids;
    size_t count, capacity;
    struct postgres_params params;
    struct postgres_statement statement;
    struct postgres_request request;
};
int journal_read_due(struct journal *journal, struct journal_due *due, struct error *err) MUST_CHECK;

// --- writing: one batch, one transaction ---

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
    instant next_attempt_at; // the moment it may go
    const char *held_by;     // why that is not at once: "hours"; or NULL
    bool urgent;             // goes as a mail of its own, unless the person has too many such
    bool with_others;        // an urgent one that may share a mail all the same
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
};

// Which loose notices become mails, decided in the database: they can be very many. A person's go together,
// with those that may go within `wait_s`; when `wait_s` is 0 only those that a bound has held back do.
struct journal_forming {
    bool wanted;
    instant now;
    int wait_s;
    // Persons who have had enough mails today: what is not urgent waits until then.
    const char **held;
    instant *held_until;
    size_t held_count;
};

#define BATCH_MORE_MAX 6

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
    // Who was told of a deadline hears what became of it with his next mail, or then; 0: he does not.
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
    struct journal_address *addresses;
    size_t address_count, address_capacity;
    const char *progress[PROGRESS_COUNT]; // NULL: unchanged
    // Statements of another module that belong to this transaction, behind all else; at most BATCH_MORE_MAX.
    const struct postgres_statement *more;
    int more_count;
    // ---- kept by the module ----
    struct journal_batch *next;
};

bool journal_batch_is_empty(const struct journal_batch *batch);
// Batches are written one after the other, in the order of the calls. Never fails at once: a journal that is
// not up ends it with an error.
void journal_commit(struct journal *journal, struct journal_batch *batch);
void journal_batch_clear(struct journal_batch *batch); // for reuse
void journal_batch_done(struct journal_batch *batch);

// --- notices to send ---

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

// Those with something loose that may go now and is not urgent who have had `bound` mails since `since`.
struct journal_busy {
    void *data;
    instant now, since;
    int bound;
    void (*on_done)(struct journal_busy *busy, const char *const *person_ids, size_t count,
                    const struct error *err);
    // ---- kept by the module ----
    struct arena arena;
    const char **ids;
    size_t count, capacity;
    struct postgres_params params;
    struct postgres_statement statement;
    struct postgres_request request;
};
int journal_read_busy(struct journal *journal, struct journal_busy *busy, struct error *err) MUST_CHECK;

// --- confirmed changes of the rules ---

struct journal_confirmation {
    void *data;
    const char *fingerprint;
    // by: the person who confirmed these rules last, "" when nobody has since they were last taken.
    void (*on_done)(struct journal_confirmation *confirmation, const char *by, const struct error *err);
    // ---- kept by the module ----
    char by[CASEFILE_ID_MAX + 1];
    struct postgres_params params;
    struct postgres_statement statement;
    struct postgres_request request;
};
int journal_read_confirmation(struct journal *journal, struct journal_confirmation *confirmation,
                              struct error *err) MUST_CHECK;

#endif
