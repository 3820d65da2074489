// SPDX-License-Identifier: MPL-2.0
// What a mail's values are put together with: memory for one mail, dates and counts in its language, lists of
// rows. For the files that turn facts into mails, and for nobody else.
#ifndef FRISTD_CORE_DESK_H
#define FRISTD_CORE_DESK_H

#include "core/explain.h"
#include "core/template.h"
#include "core/zone.h"

// UTF-8. Zero it to start; rendering replaces what is in it, so that one can be used again and again.
struct mail_text {
    struct buffer subject, text, html;
};
void mail_text_wrap(struct mail_text *text); // breaks the lines of the plain text, as it is sent
void mail_text_done(struct mail_text *text);

struct mail_templates {
    struct template *subject, *text, *html;
};
void mail_templates_free(struct mail_templates *templates);

// The templates of one language, by file name, and their partials. `read` gives one of them, or -1 after
// setting err. Errors in a template are "NAME:line:column: …".
typedef int (*wording_read)(void *data, const char *file, struct template_source *ret_source,
                            struct error *err);

// NAME.subject, NAME.txt and NAME.html. On failure what was loaded is in ret_templates, to be freed.
int mail_templates_load(wording_read read, void *data, const char *name,
                        const struct template_field *subject_fields, const struct template_field *body_fields,
                        struct mail_templates *ret_templates, struct error *err) MUST_CHECK;
void mail_templates_render(const struct mail_templates *templates, const struct template_value *subject,
                           const struct template_value *body, struct mail_text *into);

// Memory of one mail's values, and where a text is put together before it goes there.
struct desk {
    enum language language;
    const struct zone *zone;
    int small_counts; // counts below it, but not 0, are hidden
    struct arena arena;
    struct buffer draft;
};
void desk_end(struct desk *desk);

const char *desk_take(struct desk *desk);                 // what was drafted; the draft is empty again
const char *desk_flag(const struct desk *desk, bool set); // NULL when it is not set
const char *desk_capitalized(struct desk *desk, const char *text); // text that begins a line
const char *desk_number(struct desk *desk, size_t value);
const char *desk_full_date(struct desk *desk, instant at);
const char *desk_short_date(struct desk *desk, instant at);

// A list of `count` rows of `fields` values each, all empty; desk_row() gives one to fill.
struct desk_list {
    struct template_value *cells;
    const struct template_value **rows;
    size_t count, fields;
};
struct desk_list desk_list_of(struct desk *desk, size_t count, size_t fields);
struct template_value *desk_row(const struct desk_list *list, size_t index);
struct template_value desk_list_value(const struct desk_list *list);

// A column of counts whose small ones are hidden. Its sum counts a hidden one as 1, so that nobody can work
// it out.
struct desk_column {
    int sum, hidden;
};
void desk_column_add(struct desk_column *column, int value, int small_counts);
void desk_column_word(const struct desk *desk, const struct desk_column *column, struct buffer *into);
const char *desk_count(struct desk *desk, int value, struct desk_column *column);
const char *desk_total(struct desk *desk, const struct desk_column *column);

#endif
