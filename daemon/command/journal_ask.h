// SPDX-License-Identifier: MPL-2.0
// Questions of a sub-command to the journal, asked once on a loop of their own. Holds no lock, so a daemon
// may be running.
#ifndef FRISTD_COMMAND_JOURNAL_ASK_H
#define FRISTD_COMMAND_JOURNAL_ASK_H

#include "shell/postgres.h"

// All statements run in one read-only snapshot; the rows stream. -1: err says why, and rows may have come.
int journal_ask(const struct postgres_options *options, const struct postgres_statement *statements,
                int statement_count,
                void (*on_answer)(void *data, int statement, const struct postgres_row *row), void *data,
                struct error *err) MUST_CHECK;

// The same in one transaction that may write: through the functions of the schema alone, since the daemon
// owns the tables.
int journal_tell(const struct postgres_options *options, const struct postgres_statement *statements,
                 int statement_count,
                 void (*on_answer)(void *data, int statement, const struct postgres_row *row), void *data,
                 struct error *err) MUST_CHECK;

#endif
