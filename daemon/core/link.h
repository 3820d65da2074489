// SPDX-License-Identifier: MPL-2.0
// The web address of a case in the case system.
#ifndef FRISTD_CORE_LINK_H
#define FRISTD_CORE_LINK_H

#include "core/memory.h"

// Appends the configured address with the case id, percent-encoded, in place of its "{case}".
void link_to_case(struct buffer *into, const char *format, const char *case_id);

#endif
