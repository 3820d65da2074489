// SPDX-License-Identifier: MPL-2.0
// Any file as a template: it is refused with a place, or it renders, and HTML values never open a tag.
#include "fuzz.h"

#include "core/template.h"

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (enum template_kind kind = TEMPLATE_TEXT; kind <= TEMPLATE_HEADER; kind++) {
        struct template *template;
        struct error err = {""};
        if (template_parse((const char *)data, size, kind, fields, &template, &err) < 0) {
            if (atoi(err.text) < 1)
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
