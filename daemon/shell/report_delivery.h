// SPDX-License-Identifier: MPL-2.0
// A report's mail between the journal and the mail channel: its words, and who hears of it when it cannot be
// delivered.
#ifndef FRISTD_SHELL_REPORT_DELIVERY_H
#define FRISTD_SHELL_REPORT_DELIVERY_H

#include "core/people.h"
#include "core/report_wording.h"
#include "shell/config.h"
#include "shell/journal_notices.h"

struct report_context {
    const struct config *config;
    const struct ruleset *rules;
    const struct people *people;
    const struct report_set *reports;
};

// Whether the notice can be put into words: its report is still configured.
bool report_notice_is_sound(const struct report_context *context, const struct waiting_notice *notice);
// Of a sound one.
void report_notice_word(const struct report_context *context, const struct waiting_notice *notice,
                        struct mail_text *into);
// Given up: the next level gets it instead, and the operators hear of it.
void report_notice_give_up(const struct report_context *context, const struct waiting_notice *notice,
                           const char *reply, instant now, struct journal_batch *batch);

// From the first digit of a reply on: "reply to RCPT: 550 5.1.1 …" is "550 5.1.1 …". What has none stays
// whole.
const char *reply_code(const char *reply);

#endif
