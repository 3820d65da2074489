// SPDX-License-Identifier: MPL-2.0
// Puts the steps by which a date came about into words, in Danish or English. Data in, text out; no names of
// people.
#ifndef FRISTD_CORE_EXPLAIN_H
#define FRISTD_CORE_EXPLAIN_H

#include "core/evaluate.h"

enum language { LANGUAGE_DA, LANGUAGE_EN };

enum step_kind {
    // How the occurrence opened. at: its anchor; name: the kind of event, where one did it.
    STEP_START,    // by an event
    STEP_BREACH,   // by the breach of another rule: other
    STEP_FOLLOWS,  // `then`: by the stop that closed the one before
    STEP_INSTANCE, // series: by the instance before; at: its due
    STEP_VERSION,  // date: in force from; amount: chosen by the due date
    // How the due came about.
    STEP_COUNT_FROM, // `from: anchor`: counted from the anchor of the one before: at
    STEP_HOURS,      // amount; at → to
    STEP_TERM,       // amount, unit; date → result
    STEP_INCLUSIVE,  // the event day is day 1; date → result
    STEP_EVENT_DATE, // the event's own due_on: result
    STEP_NO_DATE,    // the event has no due_on
    STEP_FIXED_DATE, // result
    STEP_NEXT,       // the next such date after date: result
    STEP_END_OF,     // unit: enum period; date → result
    STEP_SERIES,     // the next instance of the recurrence that began at: to
    STEP_AT_START,   // due at the very start: at
    STEP_SHARED,     // other: the rule; to: its due
    STEP_NOT_SHARED, // other: the rule, which has none open
    STEP_EARLIEST,   // the earliest of amount forms: to
    STEP_DAY_OF,     // name: the kind that happened, at; to: the due that it makes
    STEP_ROLLED,     // amount: the direction; date → result
    STEP_DUE,        // to
    // What happened to it. at: when; name: the kind of event, where one did it.
    STEP_PAUSED,
    STEP_PAUSE_TOO_LATE,
    STEP_DAY_WAITS,     // the day that the due waits for came during a pause and counts from its end
    STEP_RESUMED,       // unit, amount: by how much the due moves; for UNIT_HOURS in seconds
    STEP_LIFTED,        // result: not before the end of that day
    STEP_EXTENDED,      // result
    STEP_EXTENDED_LATE, // result: the date that came too late
    STEP_RESET,
    STEP_RESET_LATE,
    STEP_BREACHED,
    // How it ended. at: when; name: the kind of event, where one did it.
    STEP_MET,
    STEP_LATE,
    STEP_LOOKED_BACK, // the stop had come before the start
    STEP_MISSED,
    STEP_CANCELLED,
    STEP_LAPSED,
    STEP_PASSED,
    // On what it rests: the paragraph of the rule.
    STEP_BASIS
};

// One step by which a date came about. What the fields hold is said at each kind; the others are zero.
struct step {
    enum step_kind kind;
    instant at, to;
    civil_date date, result;
    int amount, unit;
    const char *name;         // a kind of event; never free text
    const struct rule *other; // a version of another rule
};

const char *explain_step_name(enum step_kind kind); // "start", "term", … for programs

// All of these append; the step is one line without a line end. Another rule is called by its id, a sensitive
// one by its code (rule.label).
void explain_step(const struct step *step, const struct rule *rule, const struct zone *zone,
                  enum language language, struct buffer *into);
// For those outside, in mails: not when a child was born, nor the dates between a birth and the due.
void explain_step_outside(const struct step *step, const struct rule *rule, const struct ruleset *rules,
                          enum language language, struct buffer *into);
// "tor. 09-04-2026 kl. 08.00", "udgangen af tor. 09-04-2026"; "Thu 2026-04-09 at 08:00".
void explain_instant(instant at, const struct zone *zone, enum language language, struct buffer *into);
void explain_date(civil_date date, enum language language, struct buffer *into);
// When a stage of a rule of that kind comes: "5 arbejdsdage før", "ved overskridelse", "når målet ikke er
// nået", "7 dage efter, 2. gentagelse".
void explain_stage(const struct stage *stage, int repeat, enum rule_kind kind, enum language language,
                   struct buffer *into);

#endif
