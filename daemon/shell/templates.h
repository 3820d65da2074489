// SPDX-License-Identifier: MPL-2.0
// Reads the mail templates of one language from a folder.
#ifndef FRISTD_SHELL_TEMPLATES_H
#define FRISTD_SHELL_TEMPLATES_H

#include "core/report_wording.h"
#include "core/wording.h"

#define TEMPLATE_FILE_MAX ((size_t)256 * 1024)

// From DIRECTORY/da or DIRECTORY/en, and what is not there from DIRECTORY: a partial of both languages stands
// once, in DIRECTORY/parts. The error begins with the path of the file, and with "PATH:line:column:
// " where something in it is wrong. The caller ends the wording with wording_free.
int templates_load(const char *directory, enum language language, struct wording **ret_wording,
                   struct error *err) MUST_CHECK;

// One report's, by the name of the template; ended with report_templates_free.
int templates_load_report(const char *directory, enum language language, const char *name,
                          struct report_templates **ret_templates, struct error *err) MUST_CHECK;

#endif
