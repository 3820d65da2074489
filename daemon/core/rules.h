// SPDX-License-Identifier: MPL-2.0
// A loaded set of rules: calendars, escalations, rules in versions, all names resolved to numbers. The
// shell's rules_file.c fills it from YAML; rules_finish() checks it whole and orders it. What it all means,
// and what "RULES, section 5" is in comments: contrib/rules.md.
#ifndef FRISTD_CORE_RULES_H
#define FRISTD_CORE_RULES_H

#include "core/calendar.h"
#include "core/duration.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/recurrence.h"
#include "core/zone.h"

// Where something stands in a file, for messages: "file:line:column". Lines and columns from 1.
struct place {
    const char *file;
    int line, column;
};

enum rule_kind { RULE_STATUTORY, RULE_OWN, RULE_TARGET, RULE_EXPIRY, RULE_PRECONDITION, RULE_INFORMATION };
enum due_form {
    DUE_NONE,
    DUE_AFTER,
    DUE_EVENT,
    DUE_ON,
    DUE_NEXT,
    DUE_END_OF,
    DUE_EVERY,
    DUE_AT_START,
    DUE_SAME_AS,
    DUE_EARLIEST,
    DUE_ON_DAY_OF // only inside DUE_EARLIEST
};
enum period { PERIOD_WEEK, PERIOD_MONTH, PERIOD_QUARTER, PERIOD_YEAR };

#define DUE_END_OF_DAY (-1)

struct due {
    enum due_form form;
    struct place place;
    struct duration after;    // DUE_AFTER
    civil_date on;            // DUE_ON
    int month, day;           // DUE_NEXT
    enum period end_of;       // DUE_END_OF
    struct recurrence *every; // DUE_EVERY; owned by the set
    const char *every_text;   // the same as written
    int same_as;              // DUE_SAME_AS: index into ruleset.lines
    int on_day_of;            // DUE_ON_DAY_OF: kind number
    struct due *earliest;     // DUE_EARLIEST
    int earliest_count;
    int roll;         // 0, +1 forward, -1 backward
    bool inclusive;   // the event day is day 1
    int at;           // second of the day, or DUE_END_OF_DAY
    bool from_anchor; // only in `then`
};

struct kind_list {
    int *kinds; // kind numbers
    int count;
};

// What a kind of event means to a version of a rule; a kind can mean several things at once.
enum role {
    ROLE_START = 1 << 0,
    ROLE_STOP = 1 << 1,
    ROLE_CANCEL = 1 << 2,
    ROLE_PAUSE = 1 << 3,
    ROLE_RESUME = 1 << 4,
    ROLE_EXTEND = 1 << 5,
    ROLE_RESET = 1 << 6,
    ROLE_DAY_OF = 1 << 7 // its day can become the due date: `on_day_of`
};

// A larger problem: while it stands breached in the same case it mutes the rule that names it
// (core/muting.h).
struct larger_rule {
    struct place place;
    int line;         // index into ruleset.lines
    bool any_subject; // of the case; else the same subject, or one of both is the case as a whole
};

// One version of a rule.
struct rule {
    struct place place;
    int line;                             // index of its id in ruleset.lines
    const char *id, *code, *basis, *note; // note may be NULL
    const char *title_da, *title_en;      // title_en may be NULL
    enum rule_kind kind;
    civil_date from, until; // inclusive; until may be CIVIL_NONE
    char confidence;        // 'A', 'B', 'C'
    bool confirmed;         // a rule with C does nothing until confirmed
    bool sensitive;         // only the code leaves the house
    bool urgent;            // its notices wait for nothing; by default when its due counts in hours
    const char **case_types;
    int case_type_count; // 0: all
    struct kind_list start, stop, cancel, pause, resume, extend, reset, only_if;
    int *breach_of; // `start: [breach:RULE]`: indexes into ruleset.lines
    int breach_of_count;
    bool look_back; // with look_back_within.count == 0: without limit
    struct duration look_back_within;
    bool scope_case, version_by_due;
    struct due due, then;                // then.form DUE_NONE: there is none
    const struct calendar *calendar;     // NULL where none is needed
    const struct escalation *escalation; // may be NULL: no stages
    struct larger_rule *muted_by;        // problems that mute it
    int muted_by_count;
    struct example *examples; // core/example.h; run by `fristd check` alone
    int example_count;

    // Set by rules_finish():
    int number; // among all versions of all rules
    const char
        *label; // what explanations of other rules call it: the id; the code, where a version is sensitive
    const uint8_t *roles; // bits of enum role, by kind number
    // What nobody outside may learn from the rule's deadlines is when a child was born (DESIGN, section 12).
    bool from_birth; // a birth can be the anchor
    bool by_birth;   // a birth can close, pause or resume them
};

// All versions of one id, in the order of `from`.
struct rule_line {
    const char *id;
    struct rule **versions;
    int version_count;

    // Set by rules_finish():
    const uint8_t *roles; // of all its versions together
    int rank;             // its place among the ids in bytewise order
    bool shared;          // some rule takes its due: `same_as`
    bool mutes;           // some rule is muted by it: `muted_by`
};

enum stage_when { STAGE_BEFORE, STAGE_BREACH, STAGE_AFTER };

#define STAGES_MAX 64 // of one escalation

struct stage {
    struct place place;
    enum stage_when when;
    struct duration offset; // BEFORE, AFTER
    struct duration every;  // count 0: once
    int missed;             // 0: does not ask; else fires only from the n-th miss in a row
    const char **to;        // roles
    int to_count;
};

struct escalation {
    struct place place;
    const char *name;
    struct stage *stages;
    int stage_count;
};

struct ruleset {
    struct arena arena;      // everything below lives here but what has its own _free
    const struct zone *zone; // borrowed
    struct calendar **calendars;
    int calendar_count;
    struct recurrence **recurrences;
    int recurrence_count;
    const struct calendar *office_calendar; // may be NULL
    int notice_time;                        // second of the day; default 08:00
    struct kind_list births;                // kinds that are births
    const char **kinds;                     // names by number
    int kind_count;
    struct escalation *escalations;
    int escalation_count;
    struct rule_line *lines; // after rules_finish(): in dependency order, a rule after those it refers to
    int line_count;
    int rule_count;            // all versions of all lines; set by rules_finish()
    struct rules_index *index; // built by rules_finish()
};

// Checks what can only be seen on the whole set (versions that overlap or disagree, cycles, refused
// combinations of section 4), puts the lines in dependency order and builds the look-up tables. The error
// begins with "file:line:column: ".
int rules_finish(struct ruleset *rules, struct error *err) MUST_CHECK;
void rules_done(struct ruleset *rules); // half-built and zeroed ones are fine

int rules_find_kind(const struct ruleset *rules, const char *name, size_t length); // number, or -1
int rules_find_line(const struct ruleset *rules, const char *id);                  // index, or -1
bool rules_is_birth(const struct ruleset *rules, const char *kind);                // NULL: none
const char *rules_kind_name(enum rule_kind kind);                                  // "statutory", …

// Not confirmed though of confidence C: it opens nothing, but other rules may name it.
bool rule_is_inert(const struct rule *rule);

#endif
