// SPDX-License-Identifier: MPL-2.0
// The daemon: owns the modules, joins them, and decides what happens next.
#ifndef FRISTD_SHELL_FRISTD_H
#define FRISTD_SHELL_FRISTD_H

#include "core/civil.h"

#include <stdbool.h>

struct fristd_options {
    const char *config_path;
    bool once;  // look once, deliver what is due, end
    instant at; // with `once`: the time it is taken to be; INSTANT_NONE: the clock
};

// Runs until SIGTERM or SIGINT, or with `once` until all is done. The exit status of the command: 0 good, 1
// something could not be delivered in time (`once`), 2 the configuration is wrong.
int fristd_run(const struct fristd_options *options);

#endif
