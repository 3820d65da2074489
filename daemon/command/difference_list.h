// SPDX-License-Identifier: MPL-2.0
// Deadlines that other rules would change, kept until the end and then shown by kind, rule and case.
#ifndef FRISTD_COMMAND_DIFFERENCE_LIST_H
#define FRISTD_COMMAND_DIFFERENCE_LIST_H

#include "core/difference.h"
#include "core/explain.h"

struct kept_difference {
    const char *case_id;
    struct deadline_difference difference;
};

// Zero it to start.
struct difference_list {
    struct arena arena;
    struct kept_difference *kept;
    size_t count, capacity;
};

void difference_list_add(struct difference_list *list, const char *case_id,
                         const struct deadline_difference *difference); // copies
void difference_list_sort(struct difference_list *list);
void difference_list_print_text(const struct difference_list *list, const struct zone *zone,
                                enum language language);
void difference_list_print_json(const struct difference_list *list, const struct zone *zone); // one a line
void difference_list_done(struct difference_list *list);

#endif
