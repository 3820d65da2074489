// SPDX-License-Identifier: MPL-2.0
// Cases one after another, with the people of the municipality before the first: from the case database in
// one snapshot, or from files of JSON lines.
#ifndef FRISTD_COMMAND_REPLAY_SOURCE_H
#define FRISTD_COMMAND_REPLAY_SOURCE_H

#include "core/casefile.h"
#include "core/people.h"
#include "shell/casedb.h"

// What could not be read; the others go on.
struct replay_bad {
    const char *case_id;  // NULL: not known
    const char *file;     // NULL: it is in the case database
    long line;            // in the file
    const char *fault;    // "bad_row", "unknown_case"
    const char *event_id; // NULL: none
    const char *reason;   // never holds what stands in the field
};

struct replay_source {
    const struct casedb_options *casedb; // NULL: from files
    const char *cases, *people;          // files; "-" is standard input
    const struct zone *zone;
    void *data;
    void (*on_people)(void *data,
                      const struct people *people); // once, before people_finish; valid during the call
    void (*on_case)(void *data, const struct casefile *casefile);
    void (*on_bad)(void *data, const struct replay_bad *bad);
};

// -1: err says which file or database cannot be read.
int replay_source_read(const struct replay_source *source, struct error *err) MUST_CHECK;

#endif
