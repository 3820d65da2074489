// SPDX-License-Identifier: MPL-2.0
// Reads a case from one line of JSON (RULES, section 7). The only file that knows how jansson reads.
#ifndef FRISTD_SHELL_CASE_JSON_H
#define FRISTD_SHELL_CASE_JSON_H

#include "core/casefile.h"
#include "core/error.h"
#include "core/zone.h"

struct case_json; // memory that is reused from case to case

struct case_json *case_json_new(const struct zone *zone); // the zone is borrowed
void case_json_free(struct case_json *reader);            // NULL is fine

// case_id, case_type and events must be there, and event_id, kind and occurred_at in each event; subject,
// due_on, unit and caseworker may be left out or null. Other keys are ignored. On success the case lives
// until the next call. The error names the field and says what is wrong with it, never what it holds.
int case_json_read(struct case_json *reader, const char *text, size_t length,
                   const struct casefile **ret_case, struct error *err) MUST_CHECK;

#endif
