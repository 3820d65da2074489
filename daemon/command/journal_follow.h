// SPDX-License-Identifier: MPL-2.0
// The events of the journal as they come, for a sub-command that goes on until it is told to end.
#ifndef FRISTD_COMMAND_JOURNAL_FOLLOW_H
#define FRISTD_COMMAND_JOURNAL_FOLLOW_H

#include "shell/postgres.h"

struct journal_follow {
    const struct postgres_options *journal;
    int64_t after;                                                             // events above this number
    void (*on_row)(void *data, int statement, const struct postgres_row *row); // JOURNAL_EVENT_COLUMNS
    bool (*on_page)(void *data); // all that there is for now has come; false: nobody reads us any more
    void *data;
};

// Until SIGINT, SIGTERM, or on_page says so. A journal that is away is waited for, and its absence told on
// stderr; -1: it was never reached, or its schema is another one.
int journal_follow(const struct journal_follow *follow, struct error *err) MUST_CHECK;

#endif
