// SPDX-License-Identifier: MPL-2.0
// Reads the case database by its contract (DESIGN, section 3): in one read-only repeatable-read snapshot the
// cursor, what has changed, the people, and whole cases in the order of their ids. Streams; holds one case at
// a time.
#ifndef FRISTD_SHELL_CASEDB_H
#define FRISTD_SHELL_CASEDB_H

#include "core/casefile.h"
#include "core/people.h"
#include "core/rules.h"
#include "shell/postgres.h"

struct casedb_options {
    struct postgres_options server;
    // SQL of the contract; NULL: the default, which reads the views of config/sql.
    const char *cases, *events, *people, *units, *cursor, *changes;
    const char *notify_channel; // NULL: no LISTEN; then polling alone
};

struct casedb;

// on_state: as postgres_on_state; up only after the contract's queries were described and found right. A
// contract that does not fit (a column missing or of a wrong type) is reported as not up with an error that
// names query, column and what is there. on_wake: a NOTIFY came (a hint; polling is the truth).
struct casedb *casedb_new(uv_loop_t *loop, const struct casedb_options *options, const struct zone *zone,
                          postgres_on_state on_state, void (*on_wake)(void *data), void *data);
void casedb_start(struct casedb *db);
void casedb_close(struct casedb *db, postgres_on_closed on_closed, void *data); // frees db
// Whether a notification of our own has come through since the connection that listens was made. False also
// without a channel. Where it stays false (a pooler in between, a standby) polling alone finds what is new.
bool casedb_is_notified(const struct casedb *db);

enum casedb_what {
    CASEDB_CHANGES, // what changed since `cursor`, and the cases in case_ids
    CASEDB_CASES,   // the cases in case_ids alone
    CASEDB_ALL      // every case
};

struct casedb_read {
    // The caller fills:
    void *data;
    enum casedb_what what;
    const char *cursor;          // CHANGES: of last time
    const char *const *case_ids; // CHANGES, CASES; must live until on_done
    size_t case_id_count;
    // Once, before the first case, when there is any case to come; of CASES in any event; `people` lives
    // until on_done.
    void (*on_people)(struct casedb_read *read, const struct people *people);
    // In bytewise order of case ids; the case lives during the call. Rows that cannot be read are left out of
    // it and come as `faults` (FAULT_BAD_ROW with the field and what is wrong, never its content).
    void (*on_case)(struct casedb_read *read, const struct casefile *casefile, const struct fault *faults,
                    size_t fault_count);
    // A case id asked for or named by `changes` that the `cases` query does not give, and an event whose case
    // is not there (FAULT_UNKNOWN_CASE; ALL only). case_id is at most CASEFILE_ID_MAX bytes of valid UTF-8,
    // or "?".
    void (*on_gone)(struct casedb_read *read, const char *case_id);
    void (*on_fault)(struct casedb_read *read, const char *case_id, const struct fault *fault);
    // Exactly once. The new cursor is "" when the read failed.
    void (*on_done)(struct casedb_read *read, enum postgres_status status, const char *cursor,
                    const struct error *err);
    // ---- kept by the module ----
    struct casedb_reading *reading;
};

// One read at a time. A poll without changes is one round trip. A batch that the server refuses (one case's
// row makes a configured query fail) is read again in halves until the case alone is left, which comes as a
// fault; the others go on.
int casedb_read(struct casedb *db, struct casedb_read *read, struct error *err) MUST_CHECK;
void casedb_pause(struct casedb *db);  // no more on_case soon (a few may still come), until
void casedb_resume(struct casedb *db); // this

#endif
