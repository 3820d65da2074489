// SPDX-License-Identifier: MPL-2.0
// What has become of mails, which notices the next ones carry, and what that says of addresses.
#include "shell/journal_mails.h"
#include "shell/journal_write.h"

#include <stdlib.h>

static const char *notice_state_name(enum notice_state state)
{
    return state == NOTICE_SENT ? "sent" : state == NOTICE_DEFERRED ? "deferred" : "abandoned";
}

static void add_outcomes(struct journal_transaction *transaction, const char *sql,
                         const struct journal_outcome *rows, size_t count)
{
    if (count == 0)
        return;
    struct postgres_params *params = journal_transaction_add(transaction, sql);
    INT8S(row->notice_id);
    TEXTS(notice_state_name(row->state));
    INT8S(row->attempts);
    INSTANTS(row->finished_at);
    TEXTS(row->last_reply);
}

// What has an outcome leaves the outbox, or comes up there again.
static void write_next(struct journal_transaction *transaction, const struct journal_batch *batch)
{
    const struct journal_outcome *rows = batch->outcomes;
    size_t count = batch->outcome_count;
    bool again = false;
    for (size_t i = 0; i < count; i++)
        again |= rows[i].next_attempt_at != INSTANT_NONE;
    struct postgres_params *params = journal_transaction_add(
        transaction, again
                         ? "WITH o AS (SELECT * FROM unnest($1::bigint[], $2::timestamptz[]) AS o (id, at)),"
                           " gone AS (DELETE FROM outbox USING o WHERE outbox.id = o.id AND o.at IS NULL)"
                           " UPDATE outbox SET next_attempt_at = o.at, tried = true FROM o WHERE outbox.id = "
                           "o.id AND o.at IS NOT NULL"
                         : "DELETE FROM outbox WHERE id = ANY($1::bigint[])");
    INT8S(row->notice_id);
    if (again)
        INSTANTS(row->next_attempt_at);
}

#define OUTCOMES_SQL                                                                                         \
    " FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::timestamptz[], $5::text[])"                    \
    " AS o (id, state, attempts, finished_at, last_reply) WHERE "

static void write_outcomes(struct journal_transaction *transaction, struct journal_batch *batch)
{
    // The carrier may have an outcome of its own while others of its mail still wait: then it only carries.
    add_outcomes(transaction,
                 "UPDATE notice SET state = CASE WHEN notice.finished_at IS NULL THEN o.state ELSE "
                 "notice.state END, attempts = o.attempts,"
                 " finished_at = coalesce(notice.finished_at, o.finished_at),"
                 " last_reply = CASE WHEN notice.finished_at IS NULL THEN o.last_reply ELSE "
                 "notice.last_reply END" OUTCOMES_SQL
                 "notice.carried_by = o.id AND (notice.finished_at IS NULL OR notice.id = o.id)",
                 batch->outcomes, batch->outcome_count);
    if (batch->outcome_count > 0)
        write_next(transaction, batch);
    add_outcomes(transaction,
                 "UPDATE notice SET state = o.state, attempts = o.attempts, finished_at = o.finished_at,"
                 " last_reply = o.last_reply" OUTCOMES_SQL "notice.id = o.id",
                 batch->parts, batch->part_count);
}

static void write_pruned(struct journal_transaction *transaction, struct journal_batch *batch)
{
    const int64_t *rows = batch->prune;
    size_t count = batch->prune_count;
    if (count == 0)
        return;
    struct postgres_params *params = journal_transaction_add(
        transaction,
        "UPDATE notice n SET state = 'abandoned', finished_at = $2, last_reply = '" JOURNAL_OUT_OF_DATE "'"
        " WHERE n.id IN (SELECT n.id FROM notice n" JOURNAL_NOTICE_JOINS
        " WHERE n.carried_by = ANY($1::bigint[]) AND n.finished_at IS NULL AND " JOURNAL_IS_OUT_OF_DATE ")");
    INT8S(*row);
    postgres_param_instant(params, batch->now);
    params = journal_transaction_add(
        transaction, "DELETE FROM outbox WHERE id = ANY($1::bigint[]) AND NOT EXISTS"
                     " (SELECT FROM notice p WHERE p.carried_by = outbox.id AND p.finished_at IS NULL)");
    INT8S(*row);
}

static void write_holds(struct journal_transaction *transaction, const struct journal_forming *forming)
{
    const struct journal_hold *rows = forming->holds;
    size_t count = forming->hold_count;
    if (count == 0)
        return;
    // What a bound has held once goes together with others, whatever holds it next.
    struct postgres_params *params = journal_transaction_add(
        transaction, "UPDATE notice SET may_go_at = h.until_at,"
                     " held_by = CASE WHEN notice.held_by = 'bound' THEN notice.held_by ELSE h.by END"
                     " FROM unnest($1::text[], $2::timestamptz[], $3::text[]) AS h (person_id, until_at, by)"
                     " WHERE notice.person_id = h.person_id AND carried_by IS NULL AND NOT urgent"
                     " AND may_go_at <= $4 AND purpose IN " JOURNAL_FOLDABLE);
    TEXTS(row->person_id);
    INSTANTS(row->until);
    TEXTS(row->held_by);
    postgres_param_instant(params, forming->now);
}

static void write_formed(struct journal_transaction *transaction, const struct journal_forming *forming)
{
    if (!forming->wanted)
        return;
    write_holds(transaction, forming);
    // What follows a mail up has no moment of its own: it goes with the next.
    struct postgres_params *params = journal_transaction_add(
        transaction,
        "WITH loose AS (SELECT id, person_id, may_go_at, purpose IN " JOURNAL_FOLDABLE
        "  AND ($2 > 0 OR urgent OR held_by IS NOT DISTINCT FROM 'bound') AS foldable FROM notice"
        "  WHERE carried_by IS NULL AND (may_go_at <= $1::timestamptz + $2 * interval '1 second'"
        "   OR purpose = 'follow_up')),"
        " due AS (SELECT DISTINCT person_id FROM loose WHERE foldable AND may_go_at <= $1),"
        " formed AS (SELECT id, CASE WHEN foldable THEN min(id) OVER (PARTITION BY person_id, foldable) ELSE "
        "id END AS carrier FROM loose WHERE CASE WHEN foldable THEN person_id IN (SELECT person_id FROM due)"
        "  ELSE may_go_at <= $1 END),"
        " mails AS (INSERT INTO outbox SELECT id, $1 FROM formed WHERE id = carrier)"
        " UPDATE notice SET carried_by = formed.carrier, formed_at = $1, may_go_at = NULL FROM formed"
        " WHERE notice.id = formed.id");
    postgres_param_instant(params, forming->now);
    postgres_param_int8(params, forming->wait_s);
}

// The addresses of one kind of news, as SQL's arrays want them: side by side.
static size_t of_news(const struct journal_batch *batch, enum address_news news,
                      const struct journal_address **ret_rows)
{
    size_t count = 0;
    for (size_t i = 0; i < batch->address_count; i++)
        if (batch->addresses[i].news == news)
            ret_rows[count++] = &batch->addresses[i];
    return count;
}

static void write_refused(struct journal_transaction *transaction, const struct journal_batch *batch,
                          const struct journal_address **rows, size_t count)
{
    // One batch may hold several refusals of one address.
    struct postgres_params *params = journal_transaction_add(
        transaction,
        "INSERT INTO refused_address AS r (person_id, address_key, refusals, first_refused_at, "
        "last_refused_at,"
        " last_reply) SELECT person_id, min(address_key), count(*), $4, $4, min(reply)"
        " FROM unnest($1::text[], $2::text[], $3::text[]) AS n (person_id, address_key, reply) "
        "GROUP BY person_id"
        " ON CONFLICT (person_id) DO UPDATE SET refusals = excluded.refusals +"
        " CASE WHEN r.address_key = excluded.address_key THEN r.refusals ELSE 0 END,"
        " first_refused_at = CASE WHEN r.address_key = excluded.address_key THEN r.first_refused_at"
        " ELSE excluded.first_refused_at END,"
        " reported_at = CASE WHEN r.address_key = excluded.address_key THEN r.reported_at END,"
        " address_key = excluded.address_key, last_refused_at = excluded.last_refused_at,"
        " last_reply = excluded.last_reply");
    TEXTS((*row)->person_id);
    TEXTS((*row)->address_key);
    TEXTS((*row)->reply);
    postgres_param_instant(params, batch->now);
}

static void write_addresses(struct journal_transaction *transaction, struct journal_batch *batch)
{
    if (batch->address_count == 0)
        return;
    const struct journal_address **rows = memory_alloc(batch->address_count * sizeof *rows);
    size_t count = of_news(batch, ADDRESS_GOOD, rows);
    if (count > 0) {
        struct postgres_params *params = journal_transaction_add(
            transaction, "DELETE FROM refused_address WHERE person_id = ANY($1::text[])");
        TEXTS((*row)->person_id);
    }
    count = of_news(batch, ADDRESS_REPORTED, rows);
    if (count > 0) {
        struct postgres_params *params = journal_transaction_add(
            transaction, "UPDATE refused_address SET reported_at = $2 WHERE person_id = ANY($1::text[])");
        TEXTS((*row)->person_id);
        postgres_param_instant(params, batch->now);
    }
    count = of_news(batch, ADDRESS_REFUSED, rows);
    if (count > 0)
        write_refused(transaction, batch, rows, count);
    free(rows);
}

void journal_write_mails(struct journal_transaction *transaction, struct journal_batch *batch)
{
    write_outcomes(transaction, batch);
    journal_write_overtaken(transaction, batch);
    write_pruned(transaction, batch);
    write_formed(transaction, &batch->forming);
    write_addresses(transaction, batch);
}
