// SPDX-License-Identifier: MPL-2.0
// What cannot be right in a list of people and units. Everything sound goes on: each reason says what is done
// instead, and what to mend.
#ifndef FRISTD_CORE_PEOPLE_CHECK_H
#define FRISTD_CORE_PEOPLE_CHECK_H

#include "core/casefile.h"
#include "core/people.h"

// The fault's subject is the id of the person or unit. The people must be finished.
void people_check(const struct people *people, void (*on_fault)(void *data, const struct fault *fault),
                  void *data);

#endif
