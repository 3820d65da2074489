// SPDX-License-Identifier: MPL-2.0
// The sums of a replay: by rule, by person and role, by month.
#ifndef FRISTD_COMMAND_REPLAY_SUMS_H
#define FRISTD_COMMAND_REPLAY_SUMS_H

#include "command/replay_report.h"

#include <jansson.h>

void replay_sums_print_text(const struct replay_report *report);
json_t *replay_sums_json(const struct replay_report *report); // the caller's

#endif
