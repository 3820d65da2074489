// SPDX-License-Identifier: MPL-2.0
// What the writing and the reading of the journal must say alike about the notices of a mail, in SQL.
#ifndef FRISTD_SHELL_JOURNAL_MAILS_H
#define FRISTD_SHELL_JOURNAL_MAILS_H

// The purposes of which several can go in one mail.
#define JOURNAL_FOLDABLE "('stage', 'follow_up')"

#define JOURNAL_OUT_OF_DATE "out of date: done, moved or told anew in the meantime"

// Around a notice n: its row of a table, or none. OFFSET 0 keeps the planner to the notices at hand; it would
// join them with the whole table where that is not large.
#define JOURNAL_ROW_OF(table, column, id, name)                                                              \
    " LEFT JOIN LATERAL (SELECT * FROM " table " WHERE " column " = " id " OFFSET 0) AS " name " ON true"
#define JOURNAL_NOTICE_JOINS                                                                                 \
    JOURNAL_ROW_OF("transition", "number", "n.transition_number", "t")                                       \
    JOURNAL_ROW_OF("deadline", "id", "n.deadline_id", "d")

// A duty that was done, or got another date, between the decision and now is not written about; nor is a
// stage when the same person is told of a later one, or of the same one in the place of somebody whose mail
// was refused, nor what became of it when something else has become of it since.
#define JOURNAL_IS_OUT_OF_DATE                                                                               \
    "coalesce((n.purpose = 'stage' AND t.kind <> 'notice_failed' AND (d.id IS NULL OR d.due_at IS DISTINCT " \
    "FROM t.due_at OR d.state IN ('met', 'late', 'cancelled')"                                               \
    " OR (SELECT true FROM notice p JOIN transition l ON l.number = p.transition_number"                     \
    "  WHERE p.deadline_id = n.deadline_id AND p.person_id = n.person_id AND p.purpose = 'stage'"            \
    "  AND p.transition_number > n.transition_number"                                                        \
    "  AND (l.kind <> 'notice_failed' OR p.stage_at = n.stage_at) LIMIT 1)))"                                \
    " OR (n.purpose = 'follow_up' AND (SELECT true FROM transition l WHERE l.deadline_id = n.deadline_id"    \
    " AND l.number > n.transition_number AND l.kind IN " JOURNAL_FOLLOWED_UP " LIMIT 1)), false)"

// What those who were told of a deadline hear about it afterwards.
#define JOURNAL_FOLLOWED_UP "('moved', 'met', 'late', 'cancelled', 'withdrawn', 'reopened')"

#endif
