// SPDX-License-Identifier: MPL-2.0
// What `fristd check` looks at, part by part, and how a part says what it has found.
#ifndef FRISTD_COMMAND_CHECK_H
#define FRISTD_COMMAND_CHECK_H

#include "core/reach.h"
#include "core/rules.h"
#include "shell/config.h"

struct check {
    const char *config_path;
    struct config config; // zeroed until the part "configuration" is good; so are zone and rules
    struct zone *zone;
    struct ruleset rules;
    struct reach *reach;    // to be filled by the part "database"; NULL: not asked for
    civil_date reach_today; // CIVIL_NONE until it is
    struct check_report *report;
};

// One part. It may use what the parts before it have left in the check; it is left out when the configuration
// is not good. A part ends in check_good, or in one check_error or more; warnings may come in between.
typedef void (*check_part)(struct check *check);

void check_good(struct check *check, const char *format, ...) __attribute__((format(printf, 2, 3)));
void check_warning(struct check *check, const char *text);
void check_error(struct check *check, const struct error *err);
// Found, though nothing is wrong with what is looked at: the exit status says so.
void check_hole(struct check *check, const struct reach_hole *hole);

// The part "database", in check_database.c.
void check_database(struct check *check);

#endif
