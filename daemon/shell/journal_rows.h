// SPDX-License-Identifier: MPL-2.0
// What the journal's questions share: values of its tables, whose CHECKs allow nothing that we do not know.
#ifndef FRISTD_SHELL_JOURNAL_ROWS_H
#define FRISTD_SHELL_JOURNAL_ROWS_H

#include "core/evaluate.h"
#include "shell/journal.h"

instant row_instant(const struct postgres_row *row, int column);                       // NULL: INSTANT_NONE
const char *row_text(struct arena *arena, const struct postgres_row *row, int column); // NULL: NULL
enum deadline_state row_state(const struct postgres_row *row, int column);
enum rule_kind row_rule_kind(const struct postgres_row *row, int column);

int journal_submit(struct journal *journal, struct postgres_request *request, struct error *err) MUST_CHECK;
// For a callback in which NULL means good.
const struct error *journal_error(enum postgres_status status, const struct error *err);

#endif
