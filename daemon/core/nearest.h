// SPDX-License-Identifier: MPL-2.0
// Which known name somebody probably meant, for error messages.
#ifndef FRISTD_CORE_NEAREST_H
#define FRISTD_CORE_NEAREST_H

#include <stddef.h>

// The nearest of `names`, with case ignored, when at most a third of its letters differ (an exchange of
// neighbours counts as one); else NULL.
const char *nearest_name(const char *text, size_t length, const char *const *names, size_t count);

#endif
