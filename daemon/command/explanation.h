// SPDX-License-Identifier: MPL-2.0
// A case explained: what an evaluation gives and what the journal holds, put side by side for each deadline.
// explain.c makes one, explain_text.c and explain_json.c show it; both show the same.
#ifndef FRISTD_COMMAND_EXPLANATION_H
#define FRISTD_COMMAND_EXPLANATION_H

#include "command/case_record.h"
#include "core/explain.h"
#include "core/stages.h"

// Why this version of the rule.
enum version_choice {
    VERSION_BY_START,  // in force on the day of the start
    VERSION_BY_DUE,    // in force on the due date
    VERSION_KEPT,      // that of the occurrence before
    VERSION_NOT_KNOWN, // the journal tells which, not why
};

enum stage_fate {
    STAGE_TOLD,       // somebody was told
    STAGE_UNTOLD,     // noted, and nobody was told: it reached nobody, or stands in the report on a backlog
    STAGE_MUTED,      // a larger problem of the case speaks for it
    STAGE_HELD,       // an acknowledgement or a silence held it back
    STAGE_SUPERSEDED, // passed when a later one had come, too
    STAGE_WAITING,    // passed, and the daemon has not looked yet
    STAGE_COMING
};

const char *stage_fate_name(enum stage_fate fate); // "told", …

struct explained_stage {
    struct stage_time time;
    const struct stage *stage; // lives in the rules
    enum stage_fate fate;
};

struct explained_step {
    const char *kind; // NULL: from the journal, which keeps the words
    const char *text;
};

struct explained_deadline {
    struct deadline_key key;
    const char *code;
    enum rule_kind kind;
    bool sensitive;
    const struct rule *rule; // the version that applies; NULL: from the journal alone
    enum version_choice choice;
    int version_count; // of the rule
    bool withdrawn;    // the case, the events or the rule it came from are gone
    enum deadline_state state;
    instant anchor_at, due_at, breached_at, closed_at, paused_at;
    struct explained_step *steps;
    size_t step_count;
    struct explained_stage *stages; // passed, then coming, until a stage would come again
    size_t stage_count;
    const struct recorded_deadline *recorded; // NULL: the journal has no row
    const struct recorded_transition *transitions;
    size_t transition_count;
    const struct recorded_notice *notices;
    size_t notice_count;
    const struct recorded_hold *holds;
    size_t hold_count;
};

struct explained_fault {
    const char *code, *rule, *subject, *event_id, *reason; // NULL where it has none
};

struct explanation {
    struct arena arena; // holds what is not the record's or the rules'
    const struct zone *zone;
    enum language language;
    const char *case_id, *type, *unit, *caseworker; // NULL: not read
    instant at;                                     // now, or the moment asked about
    bool evaluated;                       // the case was read and evaluated; else the journal alone speaks
    struct explained_deadline *deadlines; // not closed ones first, each in the order of an evaluation
    size_t deadline_count, deadline_capacity;
    struct explained_fault *faults;
    size_t fault_count, fault_capacity;
};

// The case as it evaluates at explanation->at, beside its record. `only` leaves out other subjects and rules.
void explanation_evaluate(struct explanation *explanation, const struct ruleset *rules,
                          const struct casefile *casefile, const struct case_question *only,
                          const struct case_record *record);
void explanation_add_fault(struct explanation *explanation, const struct fault *fault);
// The deadlines of which only the record knows, as it last knew them.
void explanation_recall(struct explanation *explanation, const struct case_record *record);
void explanation_finish(struct explanation *explanation); // sorts
void explanation_done(struct explanation *explanation);

void explanation_print_text(const struct explanation *explanation, int width);
void explanation_print_json(const struct explanation *explanation);

#endif
