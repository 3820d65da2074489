// SPDX-License-Identifier: MPL-2.0
// What a report's mail says: from what was written down when it was decided to subject, plain text and HTML.
#ifndef FRISTD_CORE_REPORT_WORDING_H
#define FRISTD_CORE_REPORT_WORDING_H

#include "core/desk.h"
#include "core/report.h"

struct report_templates; // the compiled template of one report

// NAME.subject, NAME.txt and NAME.html; errors as in wording_load(). What may stand in a subject is a list of
// its own: the report's title, the unit, the date.
int report_templates_load(wording_read read, void *data, const char *name,
                          struct report_templates **ret_templates, struct error *err) MUST_CHECK;
void report_templates_free(struct report_templates *templates); // NULL is fine

struct report_facts {
    const struct report *report;
    const struct report_mail *mail;
    const struct ruleset *rules; // for the titles
    const char *link;            // into the case system, with {case}; NULL: none
};

// Replaces what is in `into`. Counts below small_counts are hidden where the cases are not listed.
void report_word(const struct report_facts *facts, enum language language, int small_counts,
                 struct mail_text *into);

// Rows of deadlines in a mail that is no report.
extern const struct template_field report_row_fields[];
struct template_value report_word_rows(struct desk *desk, const struct report_facts *facts,
                                       const struct report_deadline *deadlines, size_t count);

const char *report_title(const struct report *report, enum language language);
const char *report_sum_label(enum language language, enum report_count count);

#endif
