// SPDX-License-Identifier: MPL-2.0
// What a notice says: from the closed list of facts to subject, plain text and HTML (DESIGN, section 7).
#ifndef FRISTD_CORE_WORDING_H
#define FRISTD_CORE_WORDING_H

#include "core/explain.h"
#include "core/template.h"
#include "core/transition.h"

// Everything that a mail on a deadline may say. Strings are borrowed. Nothing else can get into a mail.
struct notice_facts {
    const char *case_id, *subject, *unit, *code;
    const char *title, *basis; // in the language of the mail; NULL when the rule is sensitive
    enum rule_kind rule_kind;
    enum transition_kind transition; // why now: approaching, breached, escalated, missed, …
    enum deadline_state state;
    instant anchor_at, due_at, now;
    bool late;               // fired after its time
    const char *role;        // in which role this person is told, as configured ("caseworker", "team_leader")
    bool instead_of_another; // he stands in for somebody who is away
    const char *link;        // into the case system; NULL: none
    const char *const *done; // what was done so far, one line each (date and what), oldest first
    size_t done_count;
    const char *const *derivation; // explain lines: how the date came about
    size_t derivation_count;
};

// A leader's first report on an old database: counts, no cases.
struct backlog_row {
    const char *code, *title; // title NULL when sensitive
    enum rule_kind rule_kind;
    int open, breached;
};

struct backlog_facts {
    const char *unit;
    instant now;
    const struct backlog_row *rows;
    size_t row_count;
    int total_open, total_breached;
};

// To the operators: a step that reached nobody, a notice given up, faults in the data.
struct operator_line {
    const char *what;                    // "step_reached_nobody", "notice_given_up", "data_fault"
    const char *case_id, *code, *detail; // detail: a role, a reply code, a fault code; never free text
};
struct operator_facts {
    instant now;
    const struct operator_line *lines;
    size_t line_count;
};

struct wording; // the compiled templates of one language

// Templates by file name below config/templates/{da,en}/: notice.subject, notice.txt, notice.html, backlog.*,
// operator.*. `read` gives the text of one (owned by the caller until the call returns) or NULL after setting
// err.
typedef const char *(*wording_read)(void *data, const char *file, size_t *ret_length, struct error *err);
int wording_load(enum language language, wording_read read, void *data, struct wording **ret_wording,
                 struct error *err) MUST_CHECK;
void wording_free(struct wording *wording);

struct mail_text {
    struct buffer subject, text, html; // UTF-8; clear or done by the caller
};

void wording_notice(const struct wording *wording, const struct zone *zone, const struct notice_facts *facts,
                    struct mail_text *into);
void wording_backlog(const struct wording *wording, const struct zone *zone,
                     const struct backlog_facts *facts, struct mail_text *into);
void wording_operator(const struct wording *wording, const struct zone *zone,
                      const struct operator_facts *facts, struct mail_text *into);
void mail_text_done(struct mail_text *text);

#endif
