// SPDX-License-Identifier: MPL-2.0
// The queries of the case contract (DESIGN, section 3): the defaults, which columns of which types each must
// give, and the statements that are made of them for reading in order.
#ifndef FRISTD_SHELL_CONTRACT_H
#define FRISTD_SHELL_CONTRACT_H

#include "core/error.h"
#include "core/memory.h"

#include <stdint.h>

enum contract_query {
    CONTRACT_CASES,
    CONTRACT_EVENTS,
    CONTRACT_PEOPLE,
    CONTRACT_UNITS,
    CONTRACT_CURSOR,
    CONTRACT_CHANGES,
    CONTRACT_QUERIES
};

#define CONTRACT_COLUMNS 21

struct contract {
    struct arena arena; // holds the queries
    const char *queries[CONTRACT_QUERIES];
    uint32_t types[CONTRACT_COLUMNS]; // of the columns in order of the queries; 0: not seen
    struct buffer seen;               // names of the columns of the query that is being described
    int seen_count;
    struct arena statements; // holds what contract_build makes:
    // One row a case and one an event, together, in bytewise order of case ids. $1: case ids, NULL: all.
    // Columns: case_id, is_event, then case_type, unit, caseworker or event_id, subject, kind, then
    // occurred_at, due_on.
    const char *read;
    const char *people, *units; // columns in the order of the contract
    const char *cursor;
    // Cursors over case ids in bytewise order, each once: what has changed since $1 and the ids in $2; the
    // ids in $2 ($1 is ignored); all ($1 is a NULL array, $2 is ignored). In each $3: only those after it, or
    // NULL.
    const char *declare_changes, *declare_cases, *declare_all;
};

// A query that is NULL is the default.
void contract_init(struct contract *contract, const char *const queries[CONTRACT_QUERIES]);
void contract_done(struct contract *contract);
const char *contract_query_name(enum contract_query query);  // "cases", …
uint32_t contract_parameter_type(enum contract_query query); // of $1; 0: it has none

// Before a query is described; -1 when it cannot do as it is written.
int contract_check_text(struct contract *contract, enum contract_query query, struct error *err) MUST_CHECK;
void contract_see_column(struct contract *contract, enum contract_query query, const char *name,
                         uint32_t type);
// When all columns were seen.
int contract_check_columns(const struct contract *contract, enum contract_query query,
                           struct error *err) MUST_CHECK;
void contract_build(struct contract *contract); // after all queries were found right

#define CONTRACT_IDS_CURSOR "fristd_ids" // the name of the declared cursors

// Every text comes cut to one character more than this, so that a longer one can be told. (Bytes: an address
// may have up to 254, ids CASEFILE_ID_MAX.)
#define CONTRACT_TEXT_MAX 254

#endif
