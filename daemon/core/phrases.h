// SPDX-License-Identifier: MPL-2.0
// The words of a mail in Danish and English: dates, spans of time, roles, and what is said of a deadline by
// its kind. A broken statutory deadline and a missed goal of the municipality's own are never worded alike.
#ifndef FRISTD_CORE_PHRASES_H
#define FRISTD_CORE_PHRASES_H

#include "core/decide.h"
#include "core/explain.h"

// All functions append.

// "28. februar 2026"; "28 February 2026".
void phrase_date(enum language language, civil_date date, struct buffer *into);
// "lørdag den 28. februar 2026"; "Saturday 28 February 2026".
void phrase_full_date(enum language language, civil_date date, struct buffer *into);
// "28. februar 2026 kl. 15.30"; "28 February 2026 at 15:30".
void phrase_moment(enum language language, const struct zone *zone, instant at, struct buffer *into);
// "lørdag den 23. maj 2026 kl. 15.30"; "Saturday 23 May 2026 at 15:30".
void phrase_full_moment(enum language language, const struct zone *zone, instant at, struct buffer *into);

// A due instant at the end of its day means the whole day: "til og med fredag den 5. juni 2026", for an
// expiry "med udgangen af …", for a date that only informs the date alone; any other instant has its time.
// INSTANT_NONE: "endnu ikke fastsat".
void phrase_due(enum language language, const struct zone *zone, enum rule_kind kind, instant due,
                struct buffer *into);
// The same for subject lines: "5. juni 2026", "23. maj 2026 kl. 15.30", "uden dato".
void phrase_short_due(enum language language, const struct zone *zone, instant due, struct buffer *into);

// From now to a later due: "i dag", "i morgen", "om 5 dage"; one with a time less than two days ahead: "om 6
// timer", "om 40 minutter". Days are counted by the calendar.
void phrase_remaining(enum language language, const struct zone *zone, instant due, instant now,
                      struct buffer *into);
// From a due to a later now: "7 dage", "2 timer".
void phrase_overdue(enum language language, const struct zone *zone, instant due, instant now,
                    struct buffer *into);

// "sagsbehandler", "teamleder"; a role that is not among the known ones as it is configured.
const char *phrase_role(enum language language, const char *role);
const char *phrase_kind(enum language language, enum rule_kind kind);      // "lovbestemt frist"
const char *phrase_due_label(enum language language, enum rule_kind kind); // "frist", "mål", "udløb"

// Where a deadline stands at the moment of which a mail speaks.
enum moment {
    MOMENT_AHEAD,        // %: phrase_remaining
    MOMENT_BROKEN,       // the due has passed
    MOMENT_STILL_BROKEN, // %: phrase_overdue
    MOMENT_SERIES_ONCE,  // one instance of a series was missed
    MOMENT_SERIES_AGAIN  // %: how many in a row
};
#define MOMENT_COUNT 5

// The heading, and the reason ("fordi …"), both with "%" replaced by `amount`.
void phrase_heading(enum language language, enum rule_kind kind, enum moment moment, const char *amount,
                    struct buffer *into);
void phrase_reason(enum language language, enum rule_kind kind, enum moment moment, const char *amount,
                   struct buffer *into);
// What to do next, for whoever does the work himself or sees to it that it is done.
enum next_step { NEXT_AHEAD, NEXT_BROKEN, NEXT_SERIES, NEXT_MOVED, NEXT_REOPENED, NEXT_NOTHING };
#define NEXT_STEPS 6
const char *phrase_next(enum language language, enum rule_kind kind, enum next_step step, bool leads);
// For the municipality's own deadlines and targets that the law was not broken; for others "".
const char *phrase_not_statutory(enum language language, enum rule_kind kind);

// What was done about a deadline before a mail: something happened to it, or somebody was told.
struct notice_done {
    instant at;
    enum transition_kind what;
    const char *role;        // who was told of it, as configured; NULL: nobody, it only happened
    const char *person;      // of an acknowledgement: who gave it, a person id; NULL: nobody who is known
    const char *reason;      // its code
    const char *person_role; // what the person is; NULL: not known
    instant until;           // it holds; INSTANT_NONE: not known
    bool silenced;           // a silence, not an acknowledgement; then `what` says nothing
    const char *muted_by;    // not told while the deadline of this code stood breached; NULL: it was
};

// What has happened to a deadline: "genoptaget", "løst i tide".
const char *phrase_transition(enum language language, enum rule_kind kind, enum transition_kind transition);
// Who was told of it, with "%" replaced by the role: "varsel til teamleder".
void phrase_told(enum language language, enum transition_kind transition, const char *role,
                 struct buffer *into);

// "kvitteret af tl1 (teamleder) indtil 24. marts 2026 kl. 8.00: afventer borgeren".
void phrase_acknowledged(enum language language, const struct zone *zone, const struct notice_done *done,
                         struct buffer *into);

// "ikke varslet særskilt, mens K20 var overskredet"
void phrase_muted(enum language language, const char *by_code, struct buffer *into);
// "2 mindre frister": what a larger problem speaks for.
void phrase_smaller(enum language language, size_t count, struct buffer *into);
void phrase_and_others(enum language language, size_t count, struct buffer *into); // " og 3 andre"

// What a code stands for; unknown ones as they are.
struct phrase_translation {
    const char *key, *words[LANGUAGE_EN + 1];
};
const char *phrase_translate(enum language language, const struct phrase_translation *table, size_t count,
                             const char *key);
const char *phrase_silence_reason(enum language language, const char *code);
// " af tl1 (teamleder)"; person NULL: nothing.
void phrase_author(enum language language, const char *person, const char *role, struct buffer *into);

const char *phrase_own_backlog(enum language language); // what a caseworker's list of old deadlines is called
// The table of a backlog report: heading of a kind's rows, and of its two columns of counts.
enum backlog_word { BACKLOG_HEADING, BACKLOG_OPEN, BACKLOG_BROKEN };
const char *phrase_backlog(enum language language, enum rule_kind kind, enum backlog_word word);
// "7"; less than small_counts, but not 0: "under 3", since it can identify a child (DESIGN, section 12).
#define SMALL_COUNTS_DEFAULT 3
void phrase_count(enum language language, int count, int small_counts, struct buffer *into);
void phrase_at_least(enum language language, int count, struct buffer *into); // "mindst 7"

// How many of a sort a mail of several notices carries: "3 lovbestemte frister overskredet".
enum gathered_word {
    GATHERED_LAW_BROKEN,
    GATHERED_OWN_BROKEN,
    GATHERED_PASSED,
    GATHERED_AHEAD,
    GATHERED_RESOLVED
};
#define GATHERED_COUNT 5
void phrase_gathered(enum language language, enum gathered_word word, const char *count, bool one,
                     struct buffer *into);

// Appends `pattern` with each "%" replaced by `value`.
void phrase_fill(const char *pattern, const char *value, struct buffer *into);

#endif
