// SPDX-License-Identifier: MPL-2.0
#include "core/desk.h"

#include "core/phrases.h"
#include "core/wrap.h"

#include <stdio.h>

void mail_text_wrap(struct mail_text *text)
{
    struct buffer unbroken = text->text;
    text->text = (struct buffer){0};
    wrap_text(unbroken.data, unbroken.length, &text->text);
    buffer_done(&unbroken);
}

void mail_text_done(struct mail_text *text)
{
    buffer_done(&text->subject);
    buffer_done(&text->text);
    buffer_done(&text->html);
}

// --- Templates ---

void mail_templates_free(struct mail_templates *templates)
{
    template_free(templates->subject);
    template_free(templates->text);
    template_free(templates->html);
    *templates = (struct mail_templates){0};
}

int mail_templates_load(wording_read read, void *data, const char *name,
                        const struct template_field *subject_fields, const struct template_field *body_fields,
                        struct mail_templates *ret_templates, struct error *err)
{
    const struct {
        const char *suffix;
        enum template_kind kind;
        const struct template_field *fields;
        struct template **template;
    } parts[] = {{"subject", TEMPLATE_HEADER, subject_fields, &ret_templates->subject},
                 {"txt", TEMPLATE_TEXT, body_fields, &ret_templates->text},
                 {"html", TEMPLATE_HTML, body_fields, &ret_templates->html}};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        char file[128];
        struct template_source source;
        const struct template_partials partials = {read, data};
        snprintf(file, sizeof file, "%s.%s", name, parts[i].suffix);
        if (read(data, file, &source, err) < 0)
            return -1;
        if (template_parse(&source, parts[i].kind, parts[i].fields, &partials, parts[i].template, err) < 0)
            return -1;
    }
    return 0;
}

void mail_templates_render(const struct mail_templates *templates, const struct template_value *subject,
                           const struct template_value *body, struct mail_text *into)
{
    buffer_clear(&into->subject);
    buffer_clear(&into->text);
    buffer_clear(&into->html);
    template_render(templates->subject, subject, &into->subject);
    template_render(templates->text, body, &into->text);
    template_render(templates->html, body, &into->html);
}

// --- Values ---

void desk_end(struct desk *desk)
{
    arena_done(&desk->arena);
    buffer_done(&desk->draft);
}

const char *desk_take(struct desk *desk)
{
    char *text = arena_copy(&desk->arena, desk->draft.data, desk->draft.length);
    buffer_clear(&desk->draft);
    return text;
}

const char *desk_flag(const struct desk *desk, bool set)
{
    static const char yes[2][4] = {"ja", "yes"};
    return set ? yes[desk->language] : NULL;
}

const char *desk_capitalized(struct desk *desk, const char *text)
{
    char *copy = arena_string(&desk->arena, text);
    if (*copy >= 'a' && *copy <= 'z')
        *copy -= 'a' - 'A';
    return copy;
}

const char *desk_number(struct desk *desk, size_t value)
{
    buffer_format(&desk->draft, "%zu", value);
    return desk_take(desk);
}

const char *desk_full_date(struct desk *desk, instant at)
{
    phrase_full_date(desk->language, zone_date(desk->zone, at), &desk->draft);
    return desk_take(desk);
}

const char *desk_short_date(struct desk *desk, instant at)
{
    phrase_date(desk->language, zone_date(desk->zone, at), &desk->draft);
    return desk_take(desk);
}

// --- Lists ---

struct desk_list desk_list_of(struct desk *desk, size_t count, size_t fields)
{
    struct desk_list list = {.count = count, .fields = fields};
    list.cells = arena_alloc(&desk->arena, count * fields * sizeof *list.cells);
    list.rows = arena_alloc(&desk->arena, count * sizeof(void *));
    for (size_t i = 0; i < count; i++)
        list.rows[i] = list.cells + i * fields;
    return list;
}

struct template_value *desk_row(const struct desk_list *list, size_t index)
{
    return list->cells + index * list->fields;
}

struct template_value desk_list_value(const struct desk_list *list)
{
    return (struct template_value){.rows = list->rows, .row_count = list->count};
}

// --- Small counts ---

void desk_column_add(struct desk_column *column, int value, int small_counts)
{
    bool hidden = value > 0 && value < small_counts;
    column->hidden += hidden;
    column->sum += hidden ? 1 : value;
}

void desk_column_word(const struct desk *desk, const struct desk_column *column, struct buffer *into)
{
    // Of one hidden count alone the sum is as small as that; of more it may be anything.
    if (column->hidden > 1 || (column->hidden == 1 && column->sum > 1))
        phrase_at_least(desk->language, column->sum, into);
    else
        phrase_count(desk->language, column->sum, column->hidden ? desk->small_counts : 1, into);
}

const char *desk_count(struct desk *desk, int value, struct desk_column *column)
{
    desk_column_add(column, value, desk->small_counts);
    phrase_count(desk->language, value, desk->small_counts, &desk->draft);
    return desk_take(desk);
}

const char *desk_total(struct desk *desk, const struct desk_column *column)
{
    desk_column_word(desk, column, &desk->draft);
    return desk_take(desk);
}
