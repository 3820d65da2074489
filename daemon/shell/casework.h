// SPDX-License-Identifier: MPL-2.0
// One case at a time: evaluates it, compares it with what the journal knows, and adds what has happened, whom
// to tell and what is wrong with the data to a batch of the journal. Joins the pure functions of core; asks
// nobody and waits for nothing.
#ifndef FRISTD_SHELL_CASEWORK_H
#define FRISTD_SHELL_CASEWORK_H

#include "core/rhythm.h"
#include "shell/changed_rules.h"

struct casework;

// Everything given is borrowed. language: that of the derivations which are written down.
struct casework *casework_new(const char *site, const struct ruleset *rules, const char *fingerprint,
                              enum language language, const struct rhythm *rhythm);
void casework_free(struct casework *work); // NULL is fine

// A new look at the cases. backlog: what is new and already late is counted for a report, not told (DESIGN,
// section 8). known_at: the journal knows the cases by other rules, as they were then; what the rules change
// of that is counted, said in the log and reported to the operators. INSTANT_NONE: it knows them by the same
// rules.
void casework_begin(struct casework *work, struct journal_batch *batch, instant now, bool backlog,
                    instant known_at);
void casework_set_people(struct casework *work, const struct people *people); // copies
const struct people *casework_people(const struct casework *work);
// For reports on the look: what it has in common, and what it has found.
struct look *casework_look(struct casework *work);
struct findings *casework_findings(struct casework *work);

// All that are not over; borrowed until the batch is written.
void casework_set_silences(struct casework *work, const struct known_silence *silences, size_t count);

// What is added to the batch borrows from the case, the faults' ids and `known` until the batch is written.
// known may be NULL.
void casework_arrived(struct casework *work, const struct casefile *casefile, const struct fault *faults,
                      size_t fault_count, const struct known_case *known);
// The case is no longer in the case database: its deadlines are withdrawn. Faults: events that it left
// behind.
void casework_gone(struct casework *work, const char *case_id, const struct fault *faults, size_t fault_count,
                   const struct known_case *known);
// The case came only as faults: what the journal knows stands, and a case that was due is looked at again
// later, not at once.
void casework_unreadable(struct casework *work, const char *case_id, const struct fault *faults,
                         size_t fault_count, const struct known_case *known);

// What the rules would make of a case that the journal knows by others: counted and said in the log, or
// handed to on_difference, which also gets what is not grave. Adds nothing to the batch.
void casework_compare(struct casework *work, const struct casefile *casefile, const struct known_case *known);
void casework_on_difference(struct casework *work,
                            void (*on_difference)(void *data, const char *case_id,
                                                  const struct deadline_difference *difference),
                            void *data);
size_t casework_moved(const struct casework *work); // cases that have another unit than the journal knew
struct rule_changes casework_changes(const struct casework *work); // since the beginning of the look

#endif
