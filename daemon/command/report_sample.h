// SPDX-License-Identifier: MPL-2.0
// A report's mail of made-up data, for those who edit templates: `fristd render` shows it, `fristd check`
// tries it.
#ifndef FRISTD_COMMAND_REPORT_SAMPLE_H
#define FRISTD_COMMAND_REPORT_SAMPLE_H

#include "core/report_wording.h"

enum report_sample { REPORT_FULL, REPORT_EMPTY, REPORT_LATE, REPORT_COUNTED, REPORT_SAMPLES };

// For templates that show remands, deadlines, or (content NULL) for one that may show either; `own`: to a
// caseworker on his own cases; title NULL: one that fits. Returns the time it was written.
instant report_sample_word(const struct report_templates *templates, const enum report_content *content,
                           const char *title, enum report_sample sample, bool own, const struct zone *zone,
                           enum language language, struct mail_text *into);

#endif
