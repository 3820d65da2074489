// SPDX-License-Identifier: MPL-2.0
// A Mustache subset, compiled at load against a closed list of fields: variables, sections, inverted
// sections, comments, dotted names not needed, no partials, no lambdas. Escaping follows the kind of output,
// there is no raw form.
#ifndef FRISTD_CORE_TEMPLATE_H
#define FRISTD_CORE_TEMPLATE_H

#include "core/error.h"
#include "core/memory.h"

#include <stdbool.h>

enum template_kind {
    TEMPLATE_TEXT,
    TEMPLATE_HTML,
    TEMPLATE_HEADER
}; // HEADER: one line, control characters become spaces

// The fields a template may use. A list field opens a section that repeats; its own fields are `fields`
// (ended by name NULL).
struct template_field {
    const char *name;
    const struct template_field *fields; // NULL: a text, which as a section shows when not empty
};

// What a template is rendered with: for the i-th field of the list a text (NULL and "" are empty) or a list
// of rows.
struct template_value {
    const char *text;
    const struct template_value *const *rows; // list fields: each row is an array in the order of .fields
    size_t row_count;
};

struct template;

// The error is "line:column: …" with the near miss for an unknown field; the caller puts the file name in
// front.
int template_parse(const char *source, size_t length, enum template_kind kind,
                   const struct template_field *fields, struct template **ret_template,
                   struct error *err) MUST_CHECK;
void template_free(struct template *template); // NULL is fine
void template_render(const struct template *template, const struct template_value *values,
                     struct buffer *into);

#endif
