// SPDX-License-Identifier: MPL-2.0
// The journal's schema as numbered migrations (daemon/sql/NNNN_name.sql), embedded when built.
#ifndef FRISTD_SHELL_MIGRATIONS_H
#define FRISTD_SHELL_MIGRATIONS_H

struct migration {
    int number; // from the file name; runs in this order, each exactly once
    const char *name;
    const char *sql; // several statements; runs inside one transaction
};

extern const struct migration migrations[]; // ends with number 0

#endif
