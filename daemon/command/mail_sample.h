// SPDX-License-Identifier: MPL-2.0
// Mails of made-up data, for those who edit templates: `fristd render` shows them, `fristd check` tries them.
// Reports have their own (report_sample.h).
#ifndef FRISTD_COMMAND_MAIL_SAMPLE_H
#define FRISTD_COMMAND_MAIL_SAMPLE_H

#include "core/wording.h"

enum mail_kind { MAIL_NOTICE, MAIL_GATHERED, MAIL_BACKLOG, MAIL_OPERATOR };
#define MAIL_KINDS (MAIL_OPERATOR + 1)
const char *mail_kind_name(enum mail_kind kind); // of its templates

// What a mail can be about. The first is the default; NULL behind the last.
struct mail_sample {
    const char *name, *summary;
};
const struct mail_sample *mail_sample_at(enum mail_kind kind, size_t index);

struct sampled_mail {
    struct mail_text text;
    instant now;
    const char *link; // NULL: none
    civil_date entry; // the day of the calendar entry that comes with it; CIVIL_NONE: none
    bool cancelled;   // the entry is taken back
};

// Replaces what is in `into`; end it with mail_text_done(&into->text).
void mail_sample_word(const struct wording *wording, const struct zone *zone, enum language language,
                      enum mail_kind kind, size_t index, struct sampled_mail *into);

#endif
