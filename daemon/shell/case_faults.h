// SPDX-License-Identifier: MPL-2.0
// What is wrong with the data of one case: listed once each, compared with the faults that the journal knows;
// what is new or mended is added to the batch.
#ifndef FRISTD_SHELL_CASE_FAULTS_H
#define FRISTD_SHELL_CASE_FAULTS_H

#include "core/casefile.h"
#include "shell/findings.h"

#define FAULTS_PER_CASE 200 // what is beyond is not listed

struct case_faults {
    const char *case_id;
    struct journal_fault faults[FAULTS_PER_CASE];
    size_t count;
};

void case_faults_begin(struct case_faults *list, const char *case_id);
void case_faults_add(struct case_faults *list, struct look *look, const struct fault *faults, size_t count);
void case_faults_add_unknown_kinds(struct case_faults *list, struct look *look,
                                   const struct casefile *casefile);
// known may be NULL.
void case_faults_write(const struct case_faults *list, struct findings *findings,
                       const struct known_case *known);

#endif
