// SPDX-License-Identifier: MPL-2.0
// Takes the rows of the contract apart: what can be used goes into people and cases, what cannot becomes a
// fault that says which field is wrong and how, never what stands in it.
#ifndef FRISTD_SHELL_CONTRACT_ROWS_H
#define FRISTD_SHELL_CONTRACT_ROWS_H

#include "core/casefile.h"
#include "core/people.h"
#include "core/zone.h"
#include "shell/postgres.h"

// A case with more events than this is not read: it would be held in memory as a whole.
#define CASE_EVENTS_MAX 20000
// The faults of one case beyond this are not reported one by one.
#define CASE_FAULTS_MAX 100

// The columns of contract.read.
enum read_column {
    READ_CASE_ID,
    READ_IS_EVENT,
    READ_CASE_TYPE,
    READ_UNIT,
    READ_CASEWORKER,
    READ_EVENT_ID = READ_CASE_TYPE,
    READ_SUBJECT,
    READ_KIND,
    READ_OCCURRED_AT,
    READ_DUE_ON
};

enum case_state {
    CASE_ABSENT,     // no row of `cases`
    CASE_UNREADABLE, // there is one, but it cannot be read: see faults[0]
    CASE_READABLE
};

// One case while its rows come in. Zero it and set the zone to start.
struct case_builder {
    const struct zone *zone;
    struct arena arena; // everything below
    bool started;
    enum case_state state;
    struct casefile casefile; // its id from the beginning, the rest when READABLE
    size_t event_capacity;
    struct fault faults[CASE_FAULTS_MAX];
    size_t fault_count;
};

// NULL when the text of the first column can be an id; else what is wrong with it, "is null".
const char *case_id_problem(const struct postgres_row *row, const char **ret_id, size_t *ret_length);

void case_builder_start(struct case_builder *builder, const char *id, size_t length);
bool case_builder_is_for(const struct case_builder *builder, const char *id, size_t length);
void case_builder_add(struct case_builder *builder, const struct postgres_row *row);
void case_builder_reset(struct case_builder *builder); // forgets what was started
void case_builder_done(struct case_builder *builder);

// Rows of contract.people and contract.units. NULL: added. Else what is wrong with which field of whom (NULL:
// that cannot be read either); nothing was added.
const char *people_add_row(struct people *people, const struct postgres_row *row, const char **ret_id,
                           const char **ret_field);
const char *people_add_unit_row(struct people *people, const struct postgres_row *row, const char **ret_id,
                                const char **ret_field);

#endif
