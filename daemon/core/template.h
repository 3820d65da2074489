// SPDX-License-Identifier: MPL-2.0
// A Mustache subset, compiled at load against a closed list of fields: {{name}}, sections
// {{#name}}…{{/name}}, inverted sections {{^name}}…{{/name}}, partials {{> name}}, comments {{! … }}. No
// lambdas, no other delimiters, and no raw form: every field is escaped for its kind of output.
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

#define TEMPLATE_DEPTH          8                     // sections inside sections
#define TEMPLATE_PARTIALS_DEPTH 4                     // partials inside partials
#define TEMPLATE_WHOLE_MAX      ((size_t)1024 * 1024) // bytes with every partial where it is included

struct template;

struct template_source {
    const char *name; // for errors: the path; NULL: none
    const char *text; // both are owned by the callee, until its next call
    size_t length;
};

// Where the partials come from: {{> name}} in a text is the file "parts/name.txt", in HTML "parts/name.html".
// `read` gives it, or -1 after setting err. NULL: there are none.
struct template_partials {
    int (*read)(void *data, const char *file, struct template_source *ret_source, struct error *err);
    void *data;
};

// The error is "NAME:line:column: …" (from 1, in characters) with the near miss for an unknown field, of a
// partial "NAME:line:column: included from NAME:line:column: …". Sources are copied, the fields are borrowed.
// A line that holds nothing but one section tag, partial or comment leaves no line behind; of a partial
// inside a line the last line ends are dropped. A partial may use the fields of the place where it stands,
// and closes the sections that it opens. Refused: bad UTF-8, a NUL, a list inside itself, a partial inside
// itself, partials in a header.
int template_parse(const struct template_source *source, enum template_kind kind,
                   const struct template_field *fields, const struct template_partials *partials,
                   struct template **ret_template, struct error *err) MUST_CHECK;
void template_free(struct template *template); // NULL is fine
void template_render(const struct template *template, const struct template_value *values,
                     struct buffer *into); // appends; into->data is a string afterwards

#endif
