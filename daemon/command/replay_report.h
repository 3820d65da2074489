// SPDX-License-Identifier: MPL-2.0
// What a replay has to tell, kept until the end and then shown by day, rule and person with its sums: as text
// in Danish or English, or as lines of JSON.
#ifndef FRISTD_COMMAND_REPLAY_REPORT_H
#define FRISTD_COMMAND_REPLAY_REPORT_H

#include "command/difference_list.h"
#include "core/replay.h"

enum message_change { MESSAGE_STANDS, MESSAGE_FEWER, MESSAGE_MORE };

// One message to one person, or a step that reached nobody. Strings are borrowed, from the rules and the
// people, or from the case at hand until the message is kept.
struct replay_message {
    civil_date day;
    instant at;
    const char *rule, *code, *title; // "" for a backlog report
    enum rule_kind rule_kind;
    const char *case_id, *subject;
    int occurrence;
    enum transition_kind happening;
    instant due_at;
    const char *person_id; // NULL: nobody was reached
    const char *role, *instead_of;
    enum message_change change;
};

struct replay_messages {
    struct replay_message *messages;
    size_t count, capacity;
};

#define FAULT_CODES (FAULT_UNKNOWN_KIND + 1)

struct replay_report {
    const struct zone *zone;
    enum language language;
    bool json, sums_only, against;
    civil_date from, to;
    instant until;

    struct arena arena; // what is kept of cases
    const char *last_case;
    struct replay_messages messages;
    struct difference_list differences;
    size_t totals[2]; // messages to persons: with the rules, and with those against them
    size_t muted[2];  // steps that a larger problem of the case mutes, likewise
    size_t cases, bad, faults[FAULT_CODES];
};

// Orders the messages of one case by what makes them the same one in another replay: day, rule, case,
// subject, occurrence, happening, person.
void replay_messages_sort(struct replay_messages *messages);
int replay_message_compare(const struct replay_message *a, const struct replay_message *b);

void replay_report_keep(struct replay_report *report, const struct replay_message *message);
void replay_report_print(struct replay_report *report);
void replay_report_done(struct replay_report *report);

#endif
