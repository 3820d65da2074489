// SPDX-License-Identifier: MPL-2.0
// From notices of the journal to the bytes of a mail: their facts, the words, the message.
#ifndef FRISTD_SHELL_LETTER_H
#define FRISTD_SHELL_LETTER_H

#include "core/people.h"
#include "core/wording.h"
#include "shell/config.h"
#include "shell/journal_notices.h"
#include "shell/report_delivery.h"

// What a mail is worded and addressed with. Everything is borrowed.
struct letter_context {
    const struct config *config;
    const struct ruleset *rules;
    const struct wording *wording;
    const struct report_set *reports;
    const struct people *people; // as of the last look at the case database; empty: notices to persons wait
};

// One notice; or one that carries others: the worst of all, and their sums.
struct letter {
    struct waiting_notice notice;
    bool gathered;
    struct waiting_notice *items; // in the order in which they are told
    size_t item_count, item_capacity;
    struct mail_sum *sums;
    size_t sum_count, sum_capacity;
};

// Appends the message. Addresses and keys were looked at before. `arena` takes what is needed on the way.
void letter_write(const struct letter *letter, const struct letter_context *context, const char *to,
                  instant now, struct arena *arena, struct buffer *into);

struct report_context letter_reports(const struct letter_context *context);
// NULL: the rule is retired.
const struct rule *letter_rule(const struct letter_context *context, const char *id);

#endif
