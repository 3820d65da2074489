// SPDX-License-Identifier: MPL-2.0
// Everything that is read from files at start and at a reload, loaded and checked whole before it is used.
#ifndef FRISTD_SHELL_SETUP_H
#define FRISTD_SHELL_SETUP_H

#include "core/report.h"
#include "core/rules.h"
#include "core/wording.h"
#include "shell/config.h"

struct setup {
    struct config config;
    struct zone *zone;
    struct ruleset rules;
    char rules_fingerprint[MESSAGE_KEY_SIZE];
    struct wording *wording;
    struct report_set reports;
};

// Warnings go to the log. The setup does not move after this: parts of it point into others.
int setup_load(const char *config_path, struct setup **ret_setup, struct error *err) MUST_CHECK;
void setup_free(struct setup *setup); // NULL is fine

#endif
