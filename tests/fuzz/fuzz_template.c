// SPDX-License-Identifier: MPL-2.0
// Any file as a template: it is refused with a place, or it renders, and HTML values never open a tag. Behind
// the first NUL, if there is one, begins the partial of every name, which may include itself.
#include "fuzz.h"

#include "core/template.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const struct template_field row_fields[] = {{"line", NULL}, {"a", NULL}, {NULL, NULL}};
static const struct template_field fields[] = {
    {"a", NULL}, {"b", NULL}, {"list", row_fields}, {"other", row_fields}, {NULL, NULL}};

// What a value adds to the output may not hold any of these.
static size_t count_marks(const char *text, size_t length)
{
    size_t found = 0;
    for (size_t i = 0; i < length; i++)
        found += text[i] == '<' || text[i] == '>' || text[i] == '"' || text[i] == '\'';
    return found;
}

static void render(const struct template *template, const char *value, struct buffer *into)
{
    const struct template_value row[] = {{.text = value}, {.text = NULL}};
    const struct template_value *const rows[] = {row, row};
    const struct template_value values[] = {
        {.text = value}, {.text = NULL}, {.rows = rows, .row_count = 2}, {.text = NULL}};
    template_render(template, values, into);
}

static int read_partial(void *data, const char *file, struct template_source *ret_source, struct error *err)
{
    const struct template_source *partial = data;
    if (partial->text == NULL)
        return error_set(err, "%s: none", file);
    *ret_source = *partial;
    return 0;
}

// The place is the beginning, or what follows the name of a source.
static bool has_place(const char *error)
{
    return atoi(error) >= 1 || (strncmp(error, "partial:", 8) == 0 && atoi(error + 8) >= 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *nul = size > 0 ? memchr(data, 0, size) : NULL;
    struct template_source source = {NULL, (const char *)data, size}, partial = {"partial", NULL, 0};
    if (nul) {
        source.length = (size_t)(nul - source.text);
        partial.text = nul + 1;
        partial.length = size - source.length - 1;
    }
    const struct template_partials partials = {read_partial, &partial};
    for (enum template_kind kind = TEMPLATE_TEXT; kind <= TEMPLATE_HEADER; kind++) {
        struct template *template;
        struct error err = {""};
        if (template_parse(&source, kind, fields, &partials, &template, &err) < 0) {
            if (!has_place(err.text))
                abort();
            continue;
        }
        struct buffer tame = {0}, wild = {0};
        render(template, "x", &tame);
        render(template, "<\"'>\r\n\xff{{a}}", &wild);
        if (strlen(wild.data) != wild.length)
            abort();
        if (kind == TEMPLATE_HTML &&
            count_marks(tame.data, tame.length) != count_marks(wild.data, wild.length))
            abort();
        if (kind == TEMPLATE_HEADER && strpbrk(wild.data, "\r\n"))
            abort();
        buffer_done(&tame);
        buffer_done(&wild);
        template_free(template);
    }
    return 0;
}
