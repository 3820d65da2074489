// SPDX-License-Identifier: MPL-2.0
// A rule on one subject of one case: its occurrences, one after another, driven by the events in their order
// (RULES, section 5). For evaluate.c and series.c only.
#ifndef FRISTD_CORE_DUTY_H
#define FRISTD_CORE_DUTY_H

#include "core/due.h"
#include "core/evaluator.h"

//            start                      stop (then)
//   NONE ─────────────▶ RUNNING ◀──────────────────────┐
//    ▲                  │  ▲ │ └───────────────────────┘
//    │  stop, cancel,   │  │ │ pause
//    ├──────────────────┘  │ ▼
//    │  closes by itself   │ PAUSED ──▶ stop, resume, extend, reset end the pause
//    │                     │ │
//    ├──── cancel ─────────┼─┘
//    │                     │ the next instance comes into being
//    └──── cancel ──── FULFILLED ◀── series: stop
enum phase {
    PHASE_NONE,      // nothing is open
    PHASE_RUNNING,   // an occurrence is open, breached or not
    PHASE_PAUSED,    // an occurrence is open and its clock stands
    PHASE_FULFILLED, // series: this instance is met, the next has not come into being
};

struct duty {
    struct evaluator *evaluator;
    const struct rule_line *line;
    int line_number, subject;
    const struct seen_event *const *events; // what concerns the line on this subject, in order
    size_t position;                        // of the event being handled

    size_t first_draft;  // of this duty's drafts
    int occurrences;     // so far
    int missed_in_a_row; // up to the last closed one
    instant last_start;  // of a start event, for double starts
    instant shared_at;   // the moment of the last note for `same_as`
    int shared_order;

    // The open occurrence; the version stays when it closes and `then` follows.
    enum phase phase;
    const struct rule *rule;
    const struct due *form; // its `due` or `then`
    instant anchor_at;
    struct due_date due;
    bool breached;
    instant paused_at;    // INSTANT_NONE: not paused
    civil_date day_of;    // came while paused, counts from the resume on; CIVIL_NONE: none
    instant spoken_since; // `only_if`: its first event; INSTANT_NONE: none yet
    size_t first_step;
    struct recurrence_iterator *series; // NULL: no series is running
    instant series_from;                // the start of the one that is
};

void duty_handle(struct duty *duty, const struct seen_event *event); // in order
void duty_finish(struct duty *duty);                                 // after the last event: the state at now

// --- between duty.c and series.c ---

void duty_note_start(const struct duty *duty, const struct seen_event *event, const struct rule *rule);
void duty_begin(struct duty *duty, const struct rule *rule, const struct due *form, instant anchor_at,
                const struct due_date *due, size_t first_step);
void duty_close(struct duty *duty, enum deadline_state state, instant closed_at);
void duty_breach(struct duty *duty);                       // the due passes while it runs
void duty_share(struct duty *duty, instant at, int order); // for `same_as`, from here on
instant duty_breach_at(const struct duty *duty);           // INSTANT_NONE without a due
struct step_list *duty_steps(const struct duty *duty);     // NULL: nobody asked

// series.c: RULES, section 5, every.
instant series_first_due(const struct duty *duty, const struct rule *rule, const struct seen_event *start);
void series_start(struct duty *duty, const struct seen_event *start, const struct rule *rule, bool stopped);
void series_advance(struct duty *duty, instant at); // up to this second, its events not yet handled
void series_stop(struct duty *duty, const struct seen_event *event);
void series_cancel(struct duty *duty, const struct seen_event *event);
void series_finish(struct duty *duty);

#endif
