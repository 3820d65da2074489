// SPDX-License-Identifier: MPL-2.0
// A Mustache subset, compiled at load against a closed list of fields: {{name}}, sections
// {{#name}}…{{/name}}, inverted sections {{^name}}…{{/name}}, comments {{! … }}. No partials, no lambdas, no
// other delimiters, and no raw form: every field is escaped for its kind of output.
#ifndef FRISTD_CORE_TEMPLATE_H
#define FRISTD_CORE_TEMPLATE_H

#include "core/error.h"
#include "core/memory.h"

#include <stdbool.h>

enum template_kind {
    TEMPLATE_TEXT,
    TEMPLATE_HTML,
    TEMPLATE_HEADER // one line: line ends in the template become spaces, those at its end are dropped
};

// The fields a template may use. A list field opens a section that repeats; its own fields are `fields`
// (ended by name NULL). Names are made of a-z, 0-9 and '_'. Inside a list its own fields come first, then
// those around it.
struct template_field {
    const char *name;
    const struct template_field *fields; // NULL: a text, which as a section shows when not empty
};

// What a template is rendered with: for the i-th field of the list a text (NULL and "" are empty) or a list
// of rows. In every kind of output a text becomes one line of well-formed UTF-8.
struct template_value {
    const char *text;
    const struct template_value *const *rows; // list fields: each row is an array in the order of .fields
    size_t row_count;
};

#define TEMPLATE_DEPTH 8 // sections inside sections

struct template;

// The error is "line:column: …" (from 1, in characters) with the near miss for an unknown field; the caller
// puts the file name in front. The source is copied, the fields are borrowed. A line that holds nothing but
// one section tag or comment leaves no line behind. Refused: bad UTF-8, a NUL, a list inside itself.
int template_parse(const char *source, size_t length, enum template_kind kind,
                   const struct template_field *fields, struct template **ret_template,
                   struct error *err) MUST_CHECK;
void template_free(struct template *template); // NULL is fine
void template_render(const struct template *template, const struct template_value *values,
                     struct buffer *into); // appends; into->data is a string afterwards

#endif
