// SPDX-License-Identifier: MPL-2.0
// What those hear who were told of a deadline that was met, moved or cancelled afterwards.
#include "shell/journal_mails.h"
#include "shell/journal_write.h"

// On the transition t, for each person whom the notice `told` has told. $1 is the base of the numbers, $2 is
// now, $3 the time for what is not urgent. What is done while a silence holds is not told, then or later, as
// what it hides is not.
#define FOLLOW_UP_SQL                                                                                        \
    "INSERT INTO notice (id, message_key, purpose, deadline_id, transition_number, case_id, person_id,"      \
    " role, instead_of, facts, may_go_at, urgent, state, attempts, decided_at, last_reply)"                  \
    " SELECT $1 + row_number() OVER (ORDER BY t.number, told.person_id), md5('follow-up ' || "               \
    "told.message_key || ' ' || t.kind || ' ' || date_part('epoch', t.at)::bigint), 'follow_up', "           \
    "t.deadline_id, t.number, t.case_id, told.person_id, told.role, told.instead_of, '',"                    \
    " CASE WHEN u.urgent THEN $2::timestamptz ELSE $3 END, u.urgent, 'pending', 0, $2, ''"
#define NOT_SILENCED_SQL                                                                                     \
    "NOT EXISTS (SELECT FROM silence q WHERE q.over_at IS NULL AND q.from_at <= $2"                          \
    " AND least(q.until_at, q.ended_at) > $2 AND coalesce(q.case_id, t.case_id) = t.case_id"                 \
    " AND (q.rule IS NULL OR q.rule IN (t.rule, t.code))"                                                    \
    " AND (q.unit IS NULL OR t.unit IN (SELECT units_below(q.unit))))"                                       \
    " ON CONFLICT (message_key) DO NOTHING"

static struct postgres_params *add_follow_ups(struct journal_transaction *transaction,
                                              const struct journal_batch *batch, const char *sql)
{
    struct postgres_params *params = journal_transaction_add(transaction, sql);
    postgres_param_int8(params, transaction->numbers.notice);
    postgres_param_instant(params, batch->now);
    postgres_param_instant(params, batch->follow_up_at);
    return params;
}

static bool is_followed_up(enum transition_kind kind)
{
    return kind == TRANSITION_MOVED || kind == TRANSITION_MET || kind == TRANSITION_LATE ||
           kind == TRANSITION_CANCELLED || kind == TRANSITION_WITHDRAWN || kind == TRANSITION_REOPENED;
}

static bool is_urgent(const struct journal_batch *batch, const struct journal_transition *transition)
{
    return transition->deadline_index >= 0 && batch->deadlines[transition->deadline_index].rule->urgent;
}

void journal_write_follow_ups(struct journal_transaction *transaction, struct journal_batch *batch)
{
    const struct journal_transition **rows =
        arena_alloc(&batch->arena, batch->transition_count * sizeof *rows);
    size_t count = 0;
    for (size_t i = 0; i < batch->transition_count; i++)
        if (is_followed_up(batch->transitions[i].transition.kind))
            rows[count++] = &batch->transitions[i];
    if (count > 0)
        transaction->numbers.followed_up = rows[count - 1]->transition.number;
    if (count == 0 || batch->follow_up_at == 0)
        return;
    struct postgres_params *params = add_follow_ups(
        transaction, batch,
        FOLLOW_UP_SQL
        " FROM unnest($4::bigint[], $5::boolean[]) AS u (number, urgent) JOIN transition t USING (number)"
        " CROSS JOIN LATERAL (SELECT DISTINCT ON (s.person_id) s.* FROM notice s"
        "  WHERE s.deadline_id = t.deadline_id AND s.state = 'sent' AND s.purpose = 'stage'"
        "  ORDER BY s.person_id, s.id DESC) AS told WHERE " NOT_SILENCED_SQL);
    INT8S((*row)->transition.number);
    BOOLS(is_urgent(batch, *row));
}

// Those mails have told what was true no longer. A deadline that was closed and is open again is as they say.
// OFFSET 0 keeps the planner to the mails and deadlines at hand: it would go through all notices, or through
// all newer transitions for the sake of their order.
void journal_write_overtaken(struct journal_transaction *transaction, struct journal_batch *batch)
{
    const struct journal_outcome **rows = arena_alloc(&batch->arena, batch->outcome_count * sizeof *rows);
    size_t count = 0;
    for (size_t i = 0; i < batch->outcome_count; i++)
        if (batch->outcomes[i].state == NOTICE_SENT &&
            batch->outcomes[i].as_of < transaction->numbers.followed_up)
            rows[count++] = &batch->outcomes[i];
    if (count == 0 || batch->follow_up_at == 0)
        return;
    struct postgres_params *params = add_follow_ups(
        transaction, batch,
        FOLLOW_UP_SQL
        " FROM (SELECT DISTINCT ON (s.deadline_id, s.person_id) s.* FROM unnest($4::bigint[]) AS o (id)"
        "  CROSS JOIN LATERAL (SELECT * FROM notice WHERE carried_by = o.id OFFSET 0) AS s"
        "  WHERE s.state = 'sent' AND s.purpose = 'stage' ORDER BY s.deadline_id, s.person_id, s.id DESC) AS "
        "told"
        " CROSS JOIN LATERAL (SELECT told.urgent) AS u"
        " CROSS JOIN LATERAL (SELECT * FROM (SELECT * FROM transition l WHERE l.deadline_id = "
        "told.deadline_id"
        "  AND l.number > told.transition_number AND l.kind IN " JOURNAL_FOLLOWED_UP " OFFSET 0) AS newer"
        "  ORDER BY number DESC LIMIT 1) AS t WHERE t.kind <> 'reopened'"
        " AND NOT EXISTS (SELECT FROM notice f WHERE f.deadline_id = t.deadline_id"
        "  AND f.person_id = told.person_id AND f.transition_number = t.number AND f.purpose = 'follow_up')"
        " AND " NOT_SILENCED_SQL);
    INT8S((*row)->notice_id);
}
