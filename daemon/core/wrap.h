// SPDX-License-Identifier: MPL-2.0
// Breaks the lines of plain text, for those who read mail in a terminal.
#ifndef FRISTD_CORE_WRAP_H
#define FRISTD_CORE_WRAP_H

#include "core/memory.h"

#include <stddef.h>

#define WRAP_WIDTH 76 // characters; RFC 5322, 2.1.1 wants no more than 78

// Appends the text, its lines broken at blanks so that none has more than WRAP_WIDTH characters. What goes on
// begins below the line's first word, behind its blanks and its "- ". A word that is longer than that, such
// as a link, is not broken; "·" and "–" go with the word behind them. A line that is short enough stays as it
// is, blanks at its end included.
void wrap_text(const char *text, size_t length, struct buffer *into);

#endif
