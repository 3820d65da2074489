// SPDX-License-Identifier: MPL-2.0
// Compares what a case evaluates to with what the journal knows, and says what has happened and which stage
// fires. Pure: the journal writes it down, the channels send it.
#ifndef FRISTD_CORE_DECIDE_H
#define FRISTD_CORE_DECIDE_H

#include "core/acknowledgement.h"
#include "core/evaluate.h"
#include "core/memory.h"
#include "core/silence.h"
#include "core/stages.h"

// A row of the journal's table `deadline`.
struct known_deadline {
    int64_t id;
    const char *rule, *subject;
    int occurrence;
    enum deadline_state state;
    instant anchor_at, due_at, breached_at, closed_at;
    instant
        staged_until; // every stage at or before it is dealt with, for this due_at; INSTANT_NONE: none was
    instant next_stage_at;
    civil_date valid_from;
    bool attention; // its state stands on the broker
    // As they were written: the rule may be gone.
    const char *code;
    enum rule_kind rule_kind;
    bool sensitive;
    bool from_birth;
    const struct acknowledgement *acknowledgement; // NULL: none that is not over
    bool muted;                                    // a step of it was muted, and none has been told since
    const char *told; // persons who were told that it is breached, each with a '\n' behind it; NULL: none
};

// The order of an evaluation: less than 0 when `known` comes before the deadline, 0 when it is the same one.
int known_compare(const struct known_deadline *known, const struct deadline *deadline);

enum transition_kind {
    TRANSITION_OPENED,
    TRANSITION_REOPENED, // the events that closed it are no longer there
    TRANSITION_PAUSED,
    TRANSITION_RESUMED,
    TRANSITION_MOVED,       // another due
    TRANSITION_APPROACHING, // a stage before the breach
    TRANSITION_BREACHED,
    TRANSITION_ESCALATED, // a stage after the breach, or a breach stage judged anew
    TRANSITION_MET,
    TRANSITION_LATE,
    TRANSITION_MISSED,
    TRANSITION_LAPSED, // closed by itself: expiry
    TRANSITION_PASSED, // closed by itself: information
    TRANSITION_CANCELLED,
    TRANSITION_WITHDRAWN, // the case, the events or the rule it came from are no longer there
    TRANSITION_ACKNOWLEDGED,
    TRANSITION_ACKNOWLEDGEMENT_ENDED, // by its date or by hand, with the deadline as undone as before
    TRANSITION_NOTICE_FAILED          // a notice was given up
};

const char *transition_name(enum transition_kind kind); // "opened", …
int transition_parse(const char *name, enum transition_kind *ret_kind);

enum retained { RETAINED_UNCHANGED, RETAINED_SET, RETAINED_CLEAR };

struct happening {
    enum transition_kind kind;
    instant at; // when it happened in the life of the case
    enum retained retained;
    // A stage that fires with it: whom to tell. stage_count 0: nobody is told.
    struct stage_time stages[4]; // those of the same instant
    int stage_count;
    int superseded;                        // earlier stages that passed unseen and are not told any more
    bool late;                             // told later than STAGE_LATE_AFTER_S after its time
    const struct acknowledgement *holding; // not for those whom it holds back; NULL: for all
};

#define STAGE_LATE_AFTER_S 900
#define HAPPENINGS_MAX     8

// What is to be written down for one deadline.
struct decided {
    const struct deadline *deadline;    // NULL: withdrawn
    const struct known_deadline *known; // NULL: new
    struct happening happenings[HAPPENINGS_MAX];
    int happening_count;
    instant staged_until; // the row's new values, beside those of the deadline
    bool attention;
    const struct acknowledgement *acknowledgement; // to be written down as seen; NULL: there is nothing new
    bool acknowledgement_over;                     // and as over
    const struct silence *silenced; // has hidden the step of hidden_at, for the first time; NULL: none has
    instant hidden_at;
    const struct deadline *muted_by; // has muted the step of muted_at (core/muting.h); NULL: none has
    instant muted_at;
    bool unmuted; // what was muted is told now, or is over
    // For muting.c: the step that fires was muted before; that alone makes it differ; it was looked at.
    bool again, nothing_else, weighed;
};

struct muting;

struct decision {
    struct decided *decided; // in the order of the evaluation, only what changed
    size_t count, capacity;
    // Set by the caller before: NULL: nothing is silenced.
    const struct silences *silences;
    const struct muting *muting; // NULL: nothing is muted
    // When the first silence ends that hides something of this case now, told before or not; INSTANT_NONE:
    // none.
    instant silence_ends;
};

// `known` is in the order of an evaluation (rule id bytewise, subject, occurrence). With `backlog` (the first
// run on a database, or a changed set of rules) what is new and old enough to have passed a stage is written
// down without firing it: leaders get a report instead (DESIGN, section 8), and what is new and closed gets a
// row without happenings. The decision is reused from call to call; zero it to start, free(decided) to end.
// It points into the evaluation and `known`.
void decide(const struct ruleset *rules, const struct evaluation *evaluation,
            const struct known_deadline *known, size_t known_count, instant now, bool backlog,
            struct decision *decision);

// The journal's row of a deadline once this is written down, with the id that it has so far (0: none). Not
// for one that is withdrawn: it has no row any more.
struct known_deadline decided_row(const struct decided *decided);

// Of a decision with `backlog`: it is open, and a report is told in place of a step that has passed.
bool decided_is_covered(const struct decided *decided);

// Identity of a message, as 32 hex digits: the same parts give the same key, so that a repeated decision is
// the same message (DESIGN, section 5). Parts are separated, so that ("ab", "c") differs from ("a", "bc").
#define MESSAGE_KEY_SIZE 33
const char *message_key(const char *const *parts, size_t count,
                        char ret_key[MESSAGE_KEY_SIZE]); // returns ret_key

#endif
