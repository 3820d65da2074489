// SPDX-License-Identifier: MPL-2.0
// Where the evaluation notes the steps of an explanation; for core only. NULL notes nothing.
#ifndef FRISTD_CORE_STEPS_H
#define FRISTD_CORE_STEPS_H

#include "core/explain.h"
#include "core/memory.h"

struct step_list {
    struct step *steps;
    size_t count, capacity;
};

static inline void step_note(struct step_list *list, struct step step)
{
    if (list == NULL)
        return;
    MEMORY_GROW(list->steps, list->count, list->capacity);
    list->steps[list->count++] = step;
}

#endif
