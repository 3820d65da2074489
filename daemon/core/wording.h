// SPDX-License-Identifier: MPL-2.0
// What a notice says: from the closed list of facts to subject, plain text and HTML (DESIGN, section 7).
#ifndef FRISTD_CORE_WORDING_H
#define FRISTD_CORE_WORDING_H

#include "core/desk.h"
#include "core/phrases.h"
#include "core/report_wording.h"
#include "core/transition.h"

// A smaller deadline of the same case, which is not told by itself.
struct notice_muted {
    const char *code;
    instant due_at;
};

// Everything that a mail on a deadline may say; nothing else can get into one. Strings are borrowed, and NULL
// only where that is said; "" is left out.
struct notice_facts {
    const char *case_id, *subject, *unit, *code;
    const char *title, *basis; // in the language of the mail; NULL: not said
    bool sensitive;            // then title, basis and derivation are not said, whatever they are
    enum rule_kind rule_kind;
    enum transition_kind transition; // why now: approaching, breached, escalated, missed, lapsed, passed
    enum deadline_state state;
    instant anchor_at, due_at, now;
    int missed_in_a_row;     // of a series (struct deadline); 0: it is none
    bool late;               // told after its time
    bool waited;             // it was held back for hours or bounds, since it was decided
    instant decided_at;      // when waited
    bool after_silence;      // it comes only now because a silence has ended
    const char *role;        // in which role this person is told, as configured ("caseworker", "team_leader")
    bool instead_of_another; // he stands in for somebody who is away
    const char *link;        // into the case system; NULL: none
    const struct notice_done *done; // oldest first; of very many the latest are said
    size_t done_count;
    const struct notice_muted *muted; // what this one speaks for, the first due first
    size_t muted_count;
    const char *const *derivation; // explain lines: how the date came about
    size_t derivation_count;
};

// Several notices to one person in one mail: all of them, or of very many the sums and the worst.
struct gathered_sum {
    const char *code, *title; // title NULL when sensitive
    enum rule_kind rule_kind;
    int ahead, broken; // within their date, and beyond it
    int resolved;      // done, moved or ended since the person was told
};
struct gathered_facts {
    instant now;
    bool waited;                      // some were held back for hours or bounds
    instant decided_at;               // the first of them, when waited
    const struct notice_facts *items; // worst first, then what was resolved; derivation and done are not said
    size_t item_count;
    const struct gathered_sum *sums; // of all, a rule each
    size_t sum_count;
};

#define NOTICE_MUTED_MAX 10 // smaller deadlines named; how many more there are is said
#define NOTICE_DONE_MAX  20 // lines on what was done; how many came before them is said

// A leader's first report on an old database: counts, no cases.
struct backlog_row {
    const char *code, *title; // title NULL when sensitive
    enum rule_kind rule_kind;
    int open, breached; // within their date, and beyond it
};

// Small counts can identify a child (DESIGN, section 12): those below the configured
// size are written "under 3", and sums that would give them away "mindst …".
struct backlog_facts {
    const char *unit;
    instant now;
    const struct backlog_row *rows; // shown by kind, in this order within a kind
    size_t row_count;
    const struct report_facts
        *worst; // its mail's broken deadlines, worst first; NULL: none. Its report: NULL
};
#define BACKLOG_WORST_SHOWN 10 // of rules whose count is not hidden

// To the operators: a step that reached nobody, a notice given up, faults in the data.
struct operator_line {
    // "step_reached_nobody", "notice_given_up", "data_fault"; by changed rules "deadline_moved",
    // "deadline_closed", "deadline_gone", "deadline_breached"
    const char *what;
    const char *case_id, *code,
        *detail; // detail: a role, a reply code, a fault code, dates; never free text; NULL: none
};
struct operator_facts {
    instant now;
    const struct operator_line *lines;
    size_t line_count;
    size_t total; // how many there are, of which these are the first; less than line_count: these are all
};

#define OPERATOR_LINES_MAX 200 // in one mail; how many more there are is said

struct wording; // the compiled templates of one language

// The templates of one language: notice.subject, notice.txt, notice.html, gathered.*, backlog.*,
// backlog_own.*, operator.*. What may stand in a subject is a list of its own: the code, the case, the due
// date, and nothing that tells more (DESIGN, section 12).
int wording_load(enum language language, wording_read read, void *data, struct wording **ret_wording,
                 struct error *err) MUST_CHECK;
void wording_free(struct wording *wording);                               // NULL is fine
void wording_set_small_counts(struct wording *wording, int small_counts); // default SMALL_COUNTS_DEFAULT

// The subject depends on code, case, kind and due alone: it is the same for all mails on one deadline.
void wording_notice(const struct wording *wording, const struct zone *zone, const struct notice_facts *facts,
                    struct mail_text *into);
// The template of a caseworker's own list (report_word).
const struct report_templates *wording_own_backlog(const struct wording *wording);
// The subject tells how many of what kind, and codes.
void wording_gathered(const struct wording *wording, const struct zone *zone,
                      const struct gathered_facts *facts, struct mail_text *into);
void wording_backlog(const struct wording *wording, const struct zone *zone,
                     const struct backlog_facts *facts, struct mail_text *into);
void wording_operator(const struct wording *wording, const struct zone *zone,
                      const struct operator_facts *facts, struct mail_text *into);

#endif
