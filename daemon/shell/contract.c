// SPDX-License-Identifier: MPL-2.0
//
// A configured query is never changed, only wrapped: SELECT … FROM (<query>) q ORDER BY … . The server pulls
// such a sub-query up, so that its indexes are used. In `read` each half is ordered by itself, for the
// planner does not carry an order wanted of a UNION ALL into its halves; two ordered halves it merges. Where
// the ids have an index in bytewise order nothing is sorted at all.
//
// Texts are cut on the server, so that a column with megabytes in it costs nobody memory. octet_length looks
// at a stored value's header alone and is several times cheaper than left() for every value.
#include "shell/contract.h"

#include "shell/postgres_types.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum need { TEXT, TIME, DATE };

static const struct {
    enum contract_query query;
    const char *name;
    enum need need;
} columns[CONTRACT_COLUMNS] = {
    {CONTRACT_CASES, "case_id", TEXT},      {CONTRACT_CASES, "case_type", TEXT},
    {CONTRACT_CASES, "unit", TEXT},         {CONTRACT_CASES, "caseworker", TEXT},
    {CONTRACT_EVENTS, "case_id", TEXT},     {CONTRACT_EVENTS, "event_id", TEXT},
    {CONTRACT_EVENTS, "subject", TEXT},     {CONTRACT_EVENTS, "kind", TEXT},
    {CONTRACT_EVENTS, "occurred_at", TIME}, {CONTRACT_EVENTS, "due_on", DATE},
    {CONTRACT_PEOPLE, "person_id", TEXT},   {CONTRACT_PEOPLE, "email", TEXT},
    {CONTRACT_PEOPLE, "unit", TEXT},        {CONTRACT_PEOPLE, "role", TEXT},
    {CONTRACT_PEOPLE, "away_from", DATE},   {CONTRACT_PEOPLE, "away_until", DATE},
    {CONTRACT_PEOPLE, "substitute", TEXT},  {CONTRACT_UNITS, "unit", TEXT},
    {CONTRACT_UNITS, "parent", TEXT},       {CONTRACT_CURSOR, "cursor", TEXT},
    {CONTRACT_CHANGES, "case_id", TEXT},
};

static const char *const query_names[CONTRACT_QUERIES] = {"cases", "events", "people",
                                                          "units", "cursor", "changes"};

static const char *const defaults[CONTRACT_QUERIES] = {
    "SELECT case_id, case_type, unit, caseworker FROM fristd.cases"
    " WHERE $1::text[] IS NULL OR case_id = ANY ($1::text[])",
    "SELECT event_id, case_id, subject, kind, occurred_at, due_on FROM fristd.events"
    " WHERE $1::text[] IS NULL OR case_id = ANY ($1::text[])",
    "SELECT person_id, email, unit, role, away_from, away_until, substitute FROM fristd.people",
    "SELECT unit, parent FROM fristd.units",
    // What a transaction still running has written is stamped with at least this.
    "SELECT pg_snapshot_xmin(pg_current_snapshot())::text",
    // A cursor from the future means that the database is another one now (restored, failed over): then
    // everything that is listed counts as changed.
    "SELECT case_id FROM fristd.changes WHERE changed >= CASE"
    " WHEN $1::xid8 <= pg_snapshot_xmin(pg_current_snapshot()) THEN $1::xid8 ELSE '0'::xid8 END",
};

const char *contract_query_name(enum contract_query query)
{
    return query_names[query];
}

uint32_t contract_parameter_type(enum contract_query query)
{
    switch (query) {
    case CONTRACT_CASES:
    case CONTRACT_EVENTS:
        return POSTGRES_TYPE_TEXT_ARRAY;
    case CONTRACT_CHANGES:
        return POSTGRES_TYPE_TEXT;
    default:
        return 0;
    }
}

void contract_init(struct contract *contract, const char *const queries[CONTRACT_QUERIES])
{
    *contract = (struct contract){0};
    for (int i = 0; i < CONTRACT_QUERIES; i++) {
        const char *query = queries[i] ? queries[i] : defaults[i];
        size_t length = strlen(query);
        // It becomes part of a larger statement, where a semicolon at its end has no place.
        while (length > 0 && strchr("; \t\r\n", query[length - 1]))
            length--;
        contract->queries[i] = arena_copy(&contract->arena, query, length);
    }
}

void contract_done(struct contract *contract)
{
    buffer_done(&contract->seen);
    arena_done(&contract->arena);
    arena_done(&contract->statements);
    *contract = (struct contract){0};
}

int contract_check_text(struct contract *contract, enum contract_query query, struct error *err)
{
    buffer_clear(&contract->seen);
    contract->seen_count = 0;
    for (int i = 0; i < CONTRACT_COLUMNS; i++)
        if (columns[i].query == query)
            contract->types[i] = 0;
    if (contract_parameter_type(query) && strstr(contract->queries[query], "$1") == NULL)
        return error_set(err, "the query %s does not use $1 (%s)", query_names[query],
                         query == CONTRACT_CHANGES ? "the cursor of last time"
                                                   : "the case ids wanted; null: all");
    return 0;
}

void contract_see_column(struct contract *contract, enum contract_query query, const char *name,
                         uint32_t type)
{
    buffer_format(&contract->seen, "%s%.63s", contract->seen_count++ ? ", " : "", name);
    for (int i = 0; i < CONTRACT_COLUMNS; i++)
        if (columns[i].query == query && (query == CONTRACT_CURSOR || strcmp(columns[i].name, name) == 0))
            contract->types[i] = type;
}

// --- types ---

static bool is_text(uint32_t type)
{
    return type == POSTGRES_TYPE_TEXT || type == POSTGRES_TYPE_VARCHAR || type == POSTGRES_TYPE_BPCHAR ||
           type == POSTGRES_TYPE_NAME;
}

static bool satisfies(enum need need, uint32_t type)
{
    return is_text(type) || (need == TIME && type == POSTGRES_TYPE_TIMESTAMPTZ) ||
           (need == DATE && type == POSTGRES_TYPE_DATE);
}

static const char *type_name(uint32_t type, char buffer[32])
{
    static const struct {
        uint32_t type;
        const char *name;
    } known[] = {
        {POSTGRES_TYPE_BOOL, "boolean"},    {POSTGRES_TYPE_INT2, "smallint"},
        {POSTGRES_TYPE_INT4, "integer"},    {POSTGRES_TYPE_INT8, "bigint"},
        {POSTGRES_TYPE_NUMERIC, "numeric"}, {POSTGRES_TYPE_UUID, "uuid"},
        {POSTGRES_TYPE_DATE, "date"},       {POSTGRES_TYPE_TIMESTAMP, "timestamp without time zone"},
        {POSTGRES_TYPE_BYTEA, "bytea"},     {POSTGRES_TYPE_TIMESTAMPTZ, "timestamp with time zone"},
        {POSTGRES_TYPE_JSON, "json"},       {POSTGRES_TYPE_JSONB, "jsonb"},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (known[i].type == type)
            return known[i].name;
    snprintf(buffer, 32, "a type with OID %u", type);
    return buffer;
}

static const char *what_to_do(enum need need, uint32_t type)
{
    if (need == TIME && type == POSTGRES_TYPE_TIMESTAMP)
        return "timestamptz: write occurred_at AT TIME ZONE 'Europe/Copenhagen'";
    switch (need) {
    case TIME:
        return "timestamptz, or text in ISO 8601";
    case DATE:
        return "date, or text as YYYY-MM-DD";
    default:
        return "text: cast it";
    }
}

int contract_check_columns(const struct contract *contract, enum contract_query query, struct error *err)
{
    const char *name = query_names[query];
    if (query == CONTRACT_CURSOR && contract->seen_count != 1)
        return error_set(err, "the query cursor gives %d columns; needed: one, of type text",
                         contract->seen_count);
    for (int i = 0; i < CONTRACT_COLUMNS; i++) {
        if (columns[i].query != query)
            continue;
        char other[32];
        uint32_t type = contract->types[i];
        if (type == 0)
            return error_set(err, "the query %s gives no column %s; it gives: %.500s", name, columns[i].name,
                             contract->seen.data ? contract->seen.data : "");
        if (!satisfies(columns[i].need, type))
            return error_set(err, "the query %s gives %s as %s; needed: %s", name, columns[i].name,
                             type_name(type, other), what_to_do(columns[i].need, type));
    }
    return 0;
}

// --- statements ---

static void add(struct buffer *sql, const char *text)
{
    buffer_add_string(sql, text);
}

static void add_wrapped(struct buffer *sql, const struct contract *contract, enum contract_query query)
{
    add(sql, " FROM (");
    add(sql, contract->queries[query]);
    add(sql, "\n) q"); // the query may end in a comment
}

static void add_text(struct buffer *sql, const char *name)
{
    buffer_format(sql,
                  "CASE WHEN octet_length(q.%s::text) > %d THEN left(q.%s::text, %d) ELSE q.%s::text END",
                  name, CONTRACT_TEXT_MAX, name, CONTRACT_TEXT_MAX + 1, name);
}

static void add_column(struct buffer *sql, const struct contract *contract, int column)
{
    if (is_text(contract->types[column]))
        add_text(sql, columns[column].name);
    else
        buffer_format(sql, "q.%s", columns[column].name);
}

static uint32_t type_of(const struct contract *contract, const char *name)
{
    for (int i = 0; i < CONTRACT_COLUMNS; i++)
        if (strcmp(columns[i].name, name) == 0)
            return contract->types[i];
    assert(!"a column of this name");
    return 0;
}

// All columns of a query, in the order of the table above, but not the first `skip`.
static void add_columns(struct buffer *sql, const struct contract *contract, enum contract_query query,
                        int skip)
{
    const char *between = "";
    for (int i = 0; i < CONTRACT_COLUMNS; i++) {
        if (columns[i].query != query || skip-- > 0)
            continue;
        add(sql, between);
        add_column(sql, contract, i);
        between = ", ";
    }
}

static const char *take(struct contract *contract, struct buffer *sql)
{
    const char *text = arena_copy(&contract->statements, sql->data, sql->length);
    buffer_clear(sql);
    return text;
}

static const char *build_select(struct contract *contract, enum contract_query query, struct buffer *sql)
{
    add(sql, "SELECT ");
    add_columns(sql, contract, query, 0);
    add_wrapped(sql, contract, query);
    return take(contract, sql);
}

static const char *build_read(struct contract *contract, struct buffer *sql)
{
    add(sql, "SELECT ");
    add_text(sql, "case_id");
    add(sql, ", is_event, a, b, c, at, due FROM (\n"
             "(SELECT q.case_id::text COLLATE \"C\" AS case_id, false AS is_event, ");
    add_columns(sql, contract, CONTRACT_CASES, 1);
    add(sql, is_text(type_of(contract, "occurred_at")) ? ", NULL::text" : ", NULL::timestamptz");
    add(sql, is_text(type_of(contract, "due_on")) ? ", NULL::text" : ", NULL::date");
    add_wrapped(sql, contract, CONTRACT_CASES);
    add(sql, " ORDER BY 1)\nUNION ALL\n(SELECT q.case_id::text COLLATE \"C\", true, ");
    add_columns(sql, contract, CONTRACT_EVENTS, 1);
    add_wrapped(sql, contract, CONTRACT_EVENTS);
    add(sql, " ORDER BY 1)\n) q (case_id, is_event, a, b, c, at, due) ORDER BY q.case_id");
    return take(contract, sql);
}

static const char *build_declare(struct contract *contract, const char *ids, enum contract_query query,
                                 const char *more, struct buffer *sql)
{
    add(sql, "DECLARE " CONTRACT_IDS_CURSOR " NO SCROLL CURSOR FOR SELECT ");
    add_text(sql, "case_id");
    add(sql, " FROM (");
    add(sql, ids);
    if (query != CONTRACT_QUERIES)
        add_wrapped(sql, contract, query);
    add(sql, more);
    add(sql, ") q (case_id) WHERE $3::text IS NULL OR q.case_id > $3::text ORDER BY q.case_id");
    return take(contract, sql);
}

void contract_build(struct contract *contract)
{
    const char *column = "SELECT q.case_id::text COLLATE \"C\"";
    struct buffer sql = {0};
    arena_reset(&contract->statements);
    contract->read = build_read(contract, &sql);
    contract->people = build_select(contract, CONTRACT_PEOPLE, &sql);
    contract->units = build_select(contract, CONTRACT_UNITS, &sql);
    contract->cursor = contract->queries[CONTRACT_CURSOR];
    contract->declare_changes = build_declare(contract, column, CONTRACT_CHANGES,
                                              " UNION SELECT unnest($2::text[]) COLLATE \"C\"", &sql);
    contract->declare_cases = build_declare(contract, "SELECT DISTINCT unnest($2::text[]) COLLATE \"C\"",
                                            CONTRACT_QUERIES, "", &sql);
    contract->declare_all = build_declare(contract, column, CONTRACT_CASES, "", &sql);
    buffer_done(&sql);
}
