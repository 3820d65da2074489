// SPDX-License-Identifier: MPL-2.0
// Reads what the journal knows of cases, which are due, and what was confirmed about the rules.
#ifndef FRISTD_SHELL_JOURNAL_KNOWN_H
#define FRISTD_SHELL_JOURNAL_KNOWN_H

#include "shell/journal.h"

struct known_fault {
    const char *code, *rule, *subject, *event_id;
};

struct known_acknowledgement {
    int64_t deadline_id; // which may be gone by now
    struct acknowledgement acknowledgement;
};

struct known_silence {
    struct silence silence;
    const char *given_by, *reason;
    instant look_at; // when it is to be reported on; INSTANT_NONE: it is reported
    bool reported;   // that it began
    // Only when asked for (with_counts), and only of those to be reported on.
    int covered, breached;            // deadlines that it covers now
    int hidden, of_deadlines, undone; // steps hidden, on how many deadlines, of which so many are not closed
};

struct known_refusal {
    const char *person_id, *address_key, *last_reply;
    int refusals;
    bool reported;
};

struct known_case {
    const char *case_id, *unit, *caseworker;
    bool watched; // false: only deadlines or faults were found
    instant wake_at;
    struct known_deadline *deadlines; // in the order of an evaluation
    size_t deadline_count;
    struct known_fault *faults;
    size_t fault_count;
    struct known_acknowledgement *acknowledgements; // not over; also in the deadlines that they are about
    size_t acknowledgement_count;
};

struct journal_load {
    // The caller fills:
    void *data;
    const char *const *case_ids; // these cases; or, when NULL,
    size_t case_id_count;
    const char *after,
        *until;       // all with after < case_id <= until, bytewise; NULL: from the beginning, to the end
    bool with_counts; // of silences to be reported on by `now`: it takes a look at all that they cover
    instant now;
    // Ids of the rules that mute others: of their breached deadlines it is read who was told of the breach.
    const char *const *muting_rules;
    size_t muting_rule_count;
    void (*on_done)(struct journal_load *load, const struct error *err); // err NULL: good
    struct known_silence *silences; // all that are not over, of whatever cases
    size_t silence_count, silence_capacity;
    struct known_refusal *refusals; // addresses that are refused
    size_t refusal_count, refusal_capacity;
    // The result, in the order of case ids, until journal_load_clear:
    struct known_case *cases;
    size_t case_count;
    // ---- kept by the module ----
    struct arena arena;
    struct journal_rows *rows;
    struct postgres_params params, muting_params, silence_params;
    struct postgres_statement statements[7];
    struct postgres_request request;
};

int journal_read_known(struct journal *journal, struct journal_load *load, struct error *err) MUST_CHECK;
void journal_load_clear(struct journal_load *load); // keeps memory for the next use
void journal_load_done(struct journal_load *load);

// The first `limit` cases to be looked at by `now`, and those of notices that wait to be tried again: ids
// live until the callback returns.
struct journal_due {
    void *data;
    instant now;
    int limit;
    bool
        with_new_notices; // those never tried, too: nobody is known yet, and any case brings the people along
    void (*on_done)(struct journal_due *due, const char *const *case_ids, size_t count,
                    const struct error *err);
    // ---- kept by the module ----
    struct arena arena;
    const char **ids;
    size_t count, capacity;
    struct postgres_params params;
    struct postgres_statement statement;
    struct postgres_request request;
};
int journal_read_due(struct journal *journal, struct journal_due *due, struct error *err) MUST_CHECK;

// --- confirmed changes of the rules ---

struct journal_confirmation {
    void *data;
    const char *fingerprint;
    // by: the person who confirmed these rules last, "" when nobody has since they were last taken.
    void (*on_done)(struct journal_confirmation *confirmation, const char *by, const struct error *err);
    // ---- kept by the module ----
    char by[CASEFILE_ID_MAX + 1];
    struct postgres_params params;
    struct postgres_statement statement;
    struct postgres_request request;
};
int journal_read_confirmation(struct journal *journal, struct journal_confirmation *confirmation,
                              struct error *err) MUST_CHECK;

#endif
