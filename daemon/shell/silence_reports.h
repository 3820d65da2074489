// SPDX-License-Identifier: MPL-2.0
// Silences that have begun or ended are reported to the level above whoever gave them.
#ifndef FRISTD_SHELL_SILENCE_REPORTS_H
#define FRISTD_SHELL_SILENCE_REPORTS_H

#include "shell/look.h"

// All that are not over.
void silence_reports_add(struct look *look, const struct known_silence *silences, size_t count);

#endif
