// SPDX-License-Identifier: MPL-2.0
// The journal as the publisher sees it, and one transition from its row.
#ifndef FRISTD_SHELL_JOURNAL_EVENTS_H
#define FRISTD_SHELL_JOURNAL_EVENTS_H

#include "shell/journal.h"
#include "shell/publisher_store.h"

extern const struct publisher_store journal_publisher_store; // its `self` is a struct journal

// FROM transition t
#define JOURNAL_EVENT_COLUMNS                                                                                \
    "t.number, t.kind, t.at, t.recorded_at, t.case_id, t.rule, t.subject, t.occurrence, t.code, "            \
    "t.rule_kind,"                                                                                           \
    " t.sensitive, t.unit, t.state, t.anchor_at, t.due_at, t.breached_at, t.closed_at, t.late,"              \
    " coalesce(t.retained, ''), CASE WHEN t.kind = 'acknowledged' THEN (SELECT a.until_at"                   \
    " FROM acknowledged_deadline x JOIN acknowledgement a ON a.id = x.acknowledgement_id"                    \
    " WHERE x.deadline_id = t.deadline_id AND x.noted_at = t.recorded_at ORDER BY a.id DESC LIMIT 1) END"
#define JOURNAL_EVENT_COLUMN_COUNT 20

struct transition journal_event(struct arena *arena, const struct postgres_row *row);

#endif
