// SPDX-License-Identifier: MPL-2.0
// Reads a time zone from the system's zone database (package tzdata).
#ifndef FRISTD_SHELL_ZONE_FILE_H
#define FRISTD_SHELL_ZONE_FILE_H

#include "core/zone.h"

// By its name, such as "Europe/Copenhagen". The database is looked for in $TZDIR, as the C library does, else
// in /usr/share/zoneinfo. The caller frees the zone.
int zone_load(const char *name, struct zone **ret_zone, struct error *err) MUST_CHECK;

#endif
