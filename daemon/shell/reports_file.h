// SPDX-License-Identifier: MPL-2.0
// Reads reports.yaml: the reports, each with its templates.
#ifndef FRISTD_SHELL_REPORTS_FILE_H
#define FRISTD_SHELL_REPORTS_FILE_H

#include "core/report_wording.h"

#define REPORTS_MAX 64 // a file with more is refused

// The rules must be loaded: reports name their groups and codes. templates: the folder with da/ and en/. path
// NULL: no reports. Every error has its place and the near miss.
int reports_load(const char *path, const char *templates, enum language language, const struct ruleset *rules,
                 struct report_set *ret_set, struct error *err) MUST_CHECK;
void reports_done(struct report_set *set); // a zeroed one is fine

#endif
