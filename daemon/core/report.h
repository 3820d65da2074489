// SPDX-License-Identifier: MPL-2.0
// Reports (config/reports.yaml): when the next one is due, who gets one on which units, what stands in it in
// which order, the sums on top and what they were last time. Pure; what it is read from and written to is
// the shell's work, the words are in report_wording.h.
#ifndef FRISTD_CORE_REPORT_H
#define FRISTD_CORE_REPORT_H

#include "core/people.h"
#include "core/remand.h"

#define REPORT_NAME_MAX   40
#define REPORT_ROWS_MAX   150 // of one kind in one mail, the worst; how many more there are is said
#define REPORT_PEOPLE_MAX 16  // who hear of one report that reached nobody

enum report_content { REPORT_DEADLINES, REPORT_REMANDS };

struct report {
    struct place place;
    const char *name;                // [a-z0-9-]: in topics, identities and commands
    const char *title_da, *title_en; // title_en may be NULL
    struct recurrence *when;
    const char **recipients; // roles; "caseworker": his own cases, any other: his units with all below
    int recipient_count;
    enum report_content content;
    // Of deadlines: all given must fit a rule; nothing given fits every rule.
    const char **groups; // what an id begins with, up to a dot
    int group_count;
    const char **codes;
    int code_count;
    unsigned kinds;   // bit n: rule kind n; 0: all
    int within_days;  // deadlines that are due later than so many days from today are not told of
    bool counts_only; // for readers who may not open the cases: no list, and small counts are hidden
    bool skip_empty;  // nothing to tell: no mail
    const char *template;
    struct report_templates *templates; // the compiled template (report_wording.h)
};

struct report_set {
    struct arena arena; // holds what has no _free of its own
    struct report *reports;
    size_t count;
};

const struct report *report_find(const struct report_set *set, const char *name); // or NULL
// Whether deadlines of this rule stand in the report; of remands: whether they say which cases it is about.
bool report_takes(const struct report *report, const struct ruleset *rules, const struct rule *rule);

// The first due later than `after`; INSTANT_NONE: there is none before the end of the calendar. INTERVAL
// counts from Monday 1 January 2024 00:00.
instant report_next_due(const struct report *report, const struct zone *zone, instant after);

// --- what there is to tell ---

struct report_deadline {
    const char *case_id, *subject, *unit, *caseworker;
    const char *rule, *code;
    enum rule_kind kind;
    bool sensitive;
    instant due_at;
    bool broken;
};

// One of the counts of a unit; they add up over units. The names are those of the journal and of MQTT.
enum report_count {
    // of deadlines
    COUNT_BROKEN,     // beyond their date
    COUNT_BROKEN_LAW, // of these, those that the law sets
    COUNT_COMING,     // due within the time of the report
    // of remands
    COUNT_REMANDS,
    COUNT_NEW,             // received since the last report
    COUNT_ENDED,           // ended since the last report
    COUNT_NOT_FOLLOWED_UP, // not yet in this week
    COUNT_MISSED_AGAIN,    // two weeks in a row or more
    COUNT_LIMIT_BROKEN,
    COUNT_NOT_TOLD, // of these, those where the citizen was not told before
    COUNT_HELP_OPEN,
    COUNT_CAUSE_OPEN,
    REPORT_COUNTS
};
const char *report_count_name(enum report_count count);
bool report_count_parse(const char *name, enum report_count *ret_count);
bool report_counts_of(enum report_content content, enum report_count count); // whether it has this one

// How a count is told where the cases are not listed: those below small_counts, but not 0, are hidden, and so
// is what would give one of them away.
enum report_shown {
    SHOWN_EXACT,
    SHOWN_FEW,      // hidden: it is small
    SHOWN_AT_LEAST, // "at least small_counts": what is left of its whole is small
    SHOWN_NOT       // not at all: remands now = before + received - ended, and one of the four is small
};
// before: what was counted last time, of those that are known not to be -1.
void report_show(const int now[REPORT_COUNTS], const int before[REPORT_COUNTS], int small_counts,
                 enum report_shown ret_now[REPORT_COUNTS], enum report_shown ret_before[REPORT_COUNTS]);

struct report_unit_count {
    const char *unit;
    int counts[REPORT_COUNTS];
};

// Everything that one run of a report is made of. Texts are borrowed; arrays are the caller's.
struct report_material {
    const struct report *report;
    const struct people *people;
    instant due_at, now, last_at; // last_at: when the report was due before; INSTANT_NONE: this is the first
    const struct report_deadline *deadlines;
    size_t deadline_count;
    const struct remand *remands; // the ended ones too
    size_t remand_count;
    const struct report_unit_count *last; // what was counted at last_at
    size_t last_count;
    civil_date today;
};

// The counts of each unit that has any, in the order of units; free(ret_counts).
size_t report_count_units(const struct report_material *material, struct report_unit_count **ret_counts);
// Their sums over all units.
void report_total(const struct report_unit_count *counts, size_t count, int ret_totals[REPORT_COUNTS]);

// --- who gets one ---

struct report_addressee {
    const char *holder; // whose report it is
    const char *role;
    const char *unit;   // one of his: where the way to the next level begins
    const char **units; // with all below; caseworkers: none
    size_t unit_count;
    const char *person_id; // who gets it; NULL: he cannot be reached, and nobody stands in for him
    bool stands_in;        // person_id is his substitute
};

// Everybody who holds one of the report's roles, each once, in the order of the people. Of the caseworkers
// those with something in it.
size_t report_addressees(const struct report_material *material, struct arena *arena,
                         struct report_addressee **ret_addressees);

// Who hears of it when somebody in `role` at `unit` is not reached: the leaders of the nearest unit above
// (for a caseworker: his own unit, or above) who can be reached, but not `except`. Returns how many.
size_t report_next_level(const struct report *report, const struct ruleset *rules,
                         const struct people *people, const char *role, const char *unit, const char *except,
                         civil_date today, struct recipient ret_recipients[REPORT_PEOPLE_MAX]);

// --- one mail ---

struct report_sum {
    enum report_count count;
    int now, before; // before -1: not known
};

struct report_rule_row { // of a report that shows counts only
    const char *rule, *code;
    enum rule_kind kind;
    bool sensitive;
    int broken, coming;
};

// Everything that one mail says, and nothing else: it is written down as text (report_mail_write) when the
// report is decided, and put into words when it is sent.
struct report_mail {
    const char *report;
    instant due_at, decided_at, last_at;
    bool late;
    const char *role;
    bool stands_in;
    const char
        *not_reached; // the role of whoever could not be reached in whose place this one is told; or ""
    const char *not_reached_unit;
    const char **units;
    size_t unit_count;
    bool empty;
    struct report_sum sums[REPORT_COUNTS];
    size_t sum_count;
    struct remand *remands; // oldest first
    size_t remand_count, remands_left_out;
    struct report_deadline *broken, *coming; // the oldest due first
    size_t broken_count, broken_left_out, coming_count, coming_left_out;
    struct report_rule_row *rules; // counts_only
    size_t rule_count;
};

#define REPORT_LATE_AFTER_S 900

// The mail of one addressee. Arrays are in the arena.
void report_mail_make(const struct report_material *material, const struct report_addressee *addressee,
                      struct arena *arena, struct report_mail *ret_mail);
void report_mail_write(const struct report_mail *mail, struct buffer *into); // appends
// 0, or -1 when it is not such a text. Everything is copied into the arena.
int report_mail_read(const char *text, struct arena *arena, struct report_mail *ret_mail);

#endif
