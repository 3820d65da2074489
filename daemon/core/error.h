// SPDX-License-Identifier: MPL-2.0
// What went wrong, in words for the person who can mend it. Each layer puts its context in front.
#ifndef FRISTD_CORE_ERROR_H
#define FRISTD_CORE_ERROR_H

#include <stdarg.h>

#define MUST_CHECK __attribute__((warn_unused_result))

struct error {
    char text[1024]; // never holds a secret, a name, a CPR number or free text from the case database
};

// Both accept err == NULL. Always return -1, so that `return error_set(...)` reads well.
int error_set(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
int error_prefix(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
