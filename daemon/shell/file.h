// SPDX-License-Identifier: MPL-2.0
// Reads whole small files: configuration, rules, secrets, templates.
#ifndef FRISTD_SHELL_FILE_H
#define FRISTD_SHELL_FILE_H

#include "core/error.h"
#include "core/memory.h"

#include <sys/stat.h>

// Appends the bytes of a regular file of at most `limit` bytes to `into`. The error says which file and why.
// ret_stat, which may be NULL, describes the very file that was read.
int file_read(const char *path, size_t limit, struct buffer *into, struct stat *ret_stat,
              struct error *err) MUST_CHECK;

#endif
