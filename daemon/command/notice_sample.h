// SPDX-License-Identifier: MPL-2.0
// Made-up notices, for mail_sample.c.
#ifndef FRISTD_COMMAND_NOTICE_SAMPLE_H
#define FRISTD_COMMAND_NOTICE_SAMPLE_H

#include "command/mail_sample.h"

#define NOTICE_SAMPLE_DONE 6
struct notice_sample {
    struct notice_facts facts; // points to done and muted
    struct notice_done done[NOTICE_SAMPLE_DONE];
    struct notice_muted muted[2];
};

const struct mail_sample *notice_sample_at(size_t index); // NULL behind the last
void notice_sample_make(const struct zone *zone, enum language language, size_t index,
                        struct notice_sample *ret_sample);
// Whether the mail brings, or takes back, a calendar entry.
bool notice_sample_has_entry(size_t index, bool *ret_cancelled);

// The index of the sample with that name, which there is.
size_t notice_sample_named(const char *name);

#endif
