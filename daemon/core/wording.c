// SPDX-License-Identifier: MPL-2.0
#include "core/wording.h"

#include "core/phrases.h"

#include <stdlib.h>

// The closed lists. A template can say what stands here and nothing else; it is checked when it is loaded.
// The numbers are the places of the values, so a list and its values cannot get out of step.

enum { SUBJECT_CODE, SUBJECT_CASE, SUBJECT_LABEL, SUBJECT_DUE, SUBJECT_FIELDS };
static const struct template_field subject_fields[] = {[SUBJECT_CODE] = {"code", NULL},
                                                       [SUBJECT_CASE] = {"case", NULL},
                                                       [SUBJECT_LABEL] = {"label", NULL},
                                                       [SUBJECT_DUE] = {"due", NULL},
                                                       [SUBJECT_FIELDS] = {NULL, NULL}};

enum { DONE_WHEN, DONE_WHAT, DONE_FIELDS };
static const struct template_field done_fields[] = {
    [DONE_WHEN] = {"when", NULL}, [DONE_WHAT] = {"what", NULL}, [DONE_FIELDS] = {NULL, NULL}};

enum { DERIVATION_LINE, DERIVATION_FIELDS };
static const struct template_field derivation_fields[] = {
    [DERIVATION_LINE] = {"line", NULL}, [DERIVATION_FIELDS] = {NULL, NULL}};

enum {
    NOTICE_HEADING,
    NOTICE_ALARM, // one of these three is set
    NOTICE_WARNING,
    NOTICE_CALM,
    NOTICE_CODE,
    NOTICE_TITLE,
    NOTICE_KIND,
    NOTICE_NOT_STATUTORY,
    NOTICE_CASE,
    NOTICE_MATTER,
    NOTICE_UNIT,
    NOTICE_DUE_LABEL,
    NOTICE_DUE,
    NOTICE_COUNTED_FROM,
    NOTICE_ROLE,
    NOTICE_REASON,
    NOTICE_LATE,
    NOTICE_STAND_IN,
    NOTICE_LINK,
    NOTICE_DONE,
    NOTICE_DONE_EARLIER,
    NOTICE_DERIVATION,
    NOTICE_BASIS,
    NOTICE_SENSITIVE,
    NOTICE_WRITTEN,
    NOTICE_FIELDS
};
static const struct template_field notice_fields[] = {[NOTICE_HEADING] = {"heading", NULL},
                                                      [NOTICE_ALARM] = {"alarm", NULL},
                                                      [NOTICE_WARNING] = {"warning", NULL},
                                                      [NOTICE_CALM] = {"calm", NULL},
                                                      [NOTICE_CODE] = {"code", NULL},
                                                      [NOTICE_TITLE] = {"title", NULL},
                                                      [NOTICE_KIND] = {"kind", NULL},
                                                      [NOTICE_NOT_STATUTORY] = {"not_statutory", NULL},
                                                      [NOTICE_CASE] = {"case", NULL},
                                                      [NOTICE_MATTER] = {"matter", NULL},
                                                      [NOTICE_UNIT] = {"unit", NULL},
                                                      [NOTICE_DUE_LABEL] = {"due_label", NULL},
                                                      [NOTICE_DUE] = {"due", NULL},
                                                      [NOTICE_COUNTED_FROM] = {"counted_from", NULL},
                                                      [NOTICE_ROLE] = {"role", NULL},
                                                      [NOTICE_REASON] = {"reason", NULL},
                                                      [NOTICE_LATE] = {"late", NULL},
                                                      [NOTICE_STAND_IN] = {"stand_in", NULL},
                                                      [NOTICE_LINK] = {"link", NULL},
                                                      [NOTICE_DONE] = {"done", done_fields},
                                                      [NOTICE_DONE_EARLIER] = {"done_earlier", NULL},
                                                      [NOTICE_DERIVATION] = {"derivation", derivation_fields},
                                                      [NOTICE_BASIS] = {"basis", NULL},
                                                      [NOTICE_SENSITIVE] = {"sensitive", NULL},
                                                      [NOTICE_WRITTEN] = {"written", NULL},
                                                      [NOTICE_FIELDS] = {NULL, NULL}};

enum { BACKLOG_ROW_CODE, BACKLOG_ROW_TITLE, BACKLOG_ROW_OPEN, BACKLOG_ROW_BROKEN, BACKLOG_ROW_FIELDS };
static const struct template_field backlog_row_fields[] = {[BACKLOG_ROW_CODE] = {"code", NULL},
                                                           [BACKLOG_ROW_TITLE] = {"title", NULL},
                                                           [BACKLOG_ROW_OPEN] = {"open", NULL},
                                                           [BACKLOG_ROW_BROKEN] = {"broken", NULL},
                                                           [BACKLOG_ROW_FIELDS] = {NULL, NULL}};

enum {
    GROUP_HEADING,
    GROUP_OPEN_LABEL,
    GROUP_BROKEN_LABEL,
    GROUP_ROWS,
    GROUP_TOTAL_OPEN,
    GROUP_TOTAL_BROKEN,
    GROUP_FIELDS
};
static const struct template_field group_fields[] = {[GROUP_HEADING] = {"heading", NULL},
                                                     [GROUP_OPEN_LABEL] = {"open_label", NULL},
                                                     [GROUP_BROKEN_LABEL] = {"broken_label", NULL},
                                                     [GROUP_ROWS] = {"rows", backlog_row_fields},
                                                     [GROUP_TOTAL_OPEN] = {"total_open", NULL},
                                                     [GROUP_TOTAL_BROKEN] = {"total_broken", NULL},
                                                     [GROUP_FIELDS] = {NULL, NULL}};

enum { REPORT_UNIT, REPORT_WRITTEN, REPORT_GROUPS, REPORT_FEW, REPORT_FIELDS };
static const struct template_field backlog_fields[] = {[REPORT_UNIT] = {"unit", NULL},
                                                       [REPORT_WRITTEN] = {"written", NULL},
                                                       [REPORT_GROUPS] = {"groups", group_fields},
                                                       [REPORT_FEW] = {"few", NULL},
                                                       [REPORT_FIELDS] = {NULL, NULL}};

enum { REPORT_SUBJECT_UNIT, REPORT_SUBJECT_DATE, REPORT_SUBJECT_FIELDS };
static const struct template_field backlog_subject_fields[] = {[REPORT_SUBJECT_UNIT] = {"unit", NULL},
                                                               [REPORT_SUBJECT_DATE] = {"date", NULL},
                                                               [REPORT_SUBJECT_FIELDS] = {NULL, NULL}};

enum { TROUBLE_TEXT, TROUBLE_CASE, TROUBLE_CODE, TROUBLE_FIELDS };
static const struct template_field trouble_fields[] = {[TROUBLE_TEXT] = {"text", NULL},
                                                       [TROUBLE_CASE] = {"case", NULL},
                                                       [TROUBLE_CODE] = {"code", NULL},
                                                       [TROUBLE_FIELDS] = {NULL, NULL}};

enum { OPERATOR_WRITTEN, OPERATOR_LINES, OPERATOR_MORE, OPERATOR_FIELDS };
static const struct template_field operator_fields[] = {[OPERATOR_WRITTEN] = {"written", NULL},
                                                        [OPERATOR_LINES] = {"lines", trouble_fields},
                                                        [OPERATOR_MORE] = {"more", NULL},
                                                        [OPERATOR_FIELDS] = {NULL, NULL}};

enum { OPERATOR_SUBJECT_COUNT, OPERATOR_SUBJECT_DATE, OPERATOR_SUBJECT_FIELDS };
static const struct template_field operator_subject_fields[] = {[OPERATOR_SUBJECT_COUNT] = {"count", NULL},
                                                                [OPERATOR_SUBJECT_DATE] = {"date", NULL},
                                                                [OPERATOR_SUBJECT_FIELDS] = {NULL, NULL}};

// --- Loading ---

struct mail_templates {
    struct template *subject, *text, *html;
};

struct wording {
    enum language language;
    struct mail_templates notice, backlog, operator;
};

struct reader {
    wording_read read;
    void *data;
};

static int load(const struct reader *reader, const char *file, enum template_kind kind,
                const struct template_field *fields, struct template **ret_template, struct error *err)
{
    struct template_source source;
    if (reader->read(reader->data, file, &source, err) < 0)
        return -1;
    struct error inner;
    if (template_parse(source.text, source.length, kind, fields, ret_template, &inner) < 0)
        return error_set(err, "%s:%s", source.name, inner.text);
    return 0;
}

static int load_all(struct wording *wording, const struct reader *reader, struct error *err)
{
    const struct {
        const char *file;
        enum template_kind kind;
        const struct template_field *fields;
        struct template **template;
    } all[] = {{"notice.subject", TEMPLATE_HEADER, subject_fields, &wording->notice.subject},
               {"notice.txt", TEMPLATE_TEXT, notice_fields, &wording->notice.text},
               {"notice.html", TEMPLATE_HTML, notice_fields, &wording->notice.html},
               {"backlog.subject", TEMPLATE_HEADER, backlog_subject_fields, &wording->backlog.subject},
               {"backlog.txt", TEMPLATE_TEXT, backlog_fields, &wording->backlog.text},
               {"backlog.html", TEMPLATE_HTML, backlog_fields, &wording->backlog.html},
               {"operator.subject", TEMPLATE_HEADER, operator_subject_fields, &wording->operator.subject },
                {"operator.txt", TEMPLATE_TEXT, operator_fields, &wording->operator.text },
                 {
                     "operator.html",
                     TEMPLATE_HTML,
                     operator_fields,
                     &wording->operator.html },
                };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (load(reader, all[i].file, all[i].kind, all[i].fields, all[i].template, err) < 0)
            return -1;
    return 0;
}

int wording_load(enum language language, wording_read read, void *data, struct wording **ret_wording,
                 struct error *err)
{
    const struct reader reader = {read, data};
    struct wording *wording = memory_alloc(sizeof *wording);
    wording->language = language;
    if (load_all(wording, &reader, err) < 0) {
        wording_free(wording);
        return -1;
    }
    *ret_wording = wording;
    return 0;
}

static void free_templates(struct mail_templates *templates)
{
    template_free(templates->subject);
    template_free(templates->text);
    template_free(templates->html);
}

void wording_free(struct wording *wording)
{
    if (wording == NULL)
        return;
    free_templates(&wording->notice);
    free_templates(&wording->backlog);
    free_templates(&wording->operator);
    free(wording);
}

// --- Building values ---

// Memory of one mail's values, and where a text is put together before it goes there.
struct desk {
    enum language language;
    const struct zone *zone;
    struct arena arena;
    struct buffer draft;
};

static struct desk desk_begin(const struct wording *wording, const struct zone *zone)
{
    return (struct desk){.language = wording->language, .zone = zone};
}

static void desk_end(struct desk *desk)
{
    arena_done(&desk->arena);
    buffer_done(&desk->draft);
}

// What was drafted, and an empty draft again.
static const char *taken(struct desk *desk)
{
    char *text = arena_copy(&desk->arena, desk->draft.data, desk->draft.length);
    buffer_clear(&desk->draft);
    return text;
}

static const char *flag(const struct desk *desk, bool set)
{
    static const char yes[2][4] = {"ja", "yes"};
    return set ? yes[desk->language] : NULL;
}

static const char *number(struct desk *desk, size_t value)
{
    buffer_format(&desk->draft, "%zu", value);
    return taken(desk);
}

static const char *full_date(struct desk *desk, instant at)
{
    phrase_full_date(desk->language, zone_date(desk->zone, at), &desk->draft);
    return taken(desk);
}

static const char *short_date(struct desk *desk, instant at)
{
    phrase_date(desk->language, zone_date(desk->zone, at), &desk->draft);
    return taken(desk);
}

// A list of `count` rows of `fields` values each, all empty; row() gives one to fill.
struct list {
    struct template_value *cells;
    const struct template_value **rows;
    size_t count, fields;
};

static struct list list_of(struct desk *desk, size_t count, size_t fields)
{
    struct list list = {.count = count, .fields = fields};
    list.cells = arena_alloc(&desk->arena, count * fields * sizeof *list.cells);
    list.rows = arena_alloc(&desk->arena, count * sizeof(void *));
    for (size_t i = 0; i < count; i++)
        list.rows[i] = list.cells + i * fields;
    return list;
}

static struct template_value *row(const struct list *list, size_t index)
{
    return list->cells + index * list->fields;
}

static struct template_value list_value(const struct list *list)
{
    return (struct template_value){.rows = list->rows, .row_count = list->count};
}

static void render(const struct mail_templates *templates, const struct template_value *subject,
                   const struct template_value *body, struct mail_text *into)
{
    buffer_clear(&into->subject);
    buffer_clear(&into->text);
    buffer_clear(&into->html);
    template_render(templates->subject, subject, &into->subject);
    template_render(templates->text, body, &into->text);
    template_render(templates->html, body, &into->html);
}

// --- The notice ---

// False when the transition itself says what happened (moved, resumed, …).
static bool moment_of(const struct notice_facts *facts, enum moment *ret_moment)
{
    if (facts->due_at == INSTANT_NONE)
        return false;
    switch (facts->transition) {
    case TRANSITION_APPROACHING:
        *ret_moment = facts->now <= facts->due_at ? MOMENT_AHEAD : MOMENT_BROKEN;
        return true;
    case TRANSITION_ESCALATED:
        *ret_moment = MOMENT_STILL_BROKEN;
        return true;
    case TRANSITION_MISSED:
        *ret_moment = facts->missed_in_a_row > 1   ? MOMENT_SERIES_AGAIN
                      : facts->missed_in_a_row > 0 ? MOMENT_SERIES_ONCE
                                                   : MOMENT_BROKEN;
        return true;
    case TRANSITION_BREACHED:
    case TRANSITION_LAPSED:
    case TRANSITION_PASSED:
        *ret_moment = MOMENT_BROKEN;
        return true;
    default:
        return false;
    }
}

static const char *amount(struct desk *desk, const struct notice_facts *facts, enum moment moment)
{
    if (moment == MOMENT_AHEAD)
        phrase_remaining(desk->language, desk->zone, facts->due_at, facts->now, &desk->draft);
    else if (moment == MOMENT_STILL_BROKEN)
        phrase_overdue(desk->language, desk->zone, facts->due_at, facts->now, &desk->draft);
    else
        buffer_format(&desk->draft, "%d", facts->missed_in_a_row);
    return taken(desk);
}

// Text that begins a line.
static const char *capitalized(struct desk *desk, const char *text)
{
    char *copy = arena_string(&desk->arena, text);
    if (*copy >= 'a' && *copy <= 'z')
        *copy -= 'a' - 'A';
    return copy;
}

static void say_why(struct desk *desk, const struct notice_facts *facts, struct template_value *values)
{
    enum moment moment;
    if (!moment_of(facts, &moment)) {
        const char *what = phrase_transition(desk->language, facts->rule_kind, facts->transition);
        const char *kind = capitalized(desk, phrase_kind(desk->language, facts->rule_kind));
        values[NOTICE_HEADING].text = arena_format(&desk->arena, "%s: %s", kind, what);
        return;
    }
    const char *value = amount(desk, facts, moment);
    phrase_heading(desk->language, facts->rule_kind, moment, value, &desk->draft);
    values[NOTICE_HEADING].text = taken(desk);
    phrase_reason(desk->language, facts->rule_kind, moment, value, &desk->draft);
    values[NOTICE_REASON].text = taken(desk);
}

// Red is kept for what the law does not forgive.
static int tone_of(const struct notice_facts *facts)
{
    enum moment moment;
    enum rule_kind kind = facts->rule_kind;
    if (!moment_of(facts, &moment) || kind == RULE_INFORMATION)
        return NOTICE_CALM;
    bool own = kind == RULE_OWN || kind == RULE_TARGET;
    if (moment == MOMENT_AHEAD)
        return own ? NOTICE_CALM : NOTICE_WARNING;
    return own ? NOTICE_WARNING : NOTICE_ALARM;
}

static void say_done(struct desk *desk, const struct notice_facts *facts, struct template_value *values)
{
    size_t left_out = facts->done_count > NOTICE_DONE_MAX ? facts->done_count - NOTICE_DONE_MAX : 0;
    struct list list = list_of(desk, facts->done_count - left_out, DONE_FIELDS);
    for (size_t i = 0; i < list.count; i++) {
        const struct notice_done *done = &facts->done[left_out + i];
        phrase_moment(desk->language, desk->zone, done->at, &desk->draft);
        row(&list, i)[DONE_WHEN].text = taken(desk);
        if (done->role)
            phrase_told(desk->language, done->what, done->role, &desk->draft);
        else
            buffer_add_string(&desk->draft, phrase_transition(desk->language, facts->rule_kind, done->what));
        row(&list, i)[DONE_WHAT].text = taken(desk);
    }
    values[NOTICE_DONE] = list_value(&list);
    if (left_out > 0)
        values[NOTICE_DONE_EARLIER].text = number(desk, left_out);
}

static void say_derivation(struct desk *desk, const struct notice_facts *facts, struct template_value *values)
{
    struct list list = list_of(desk, facts->derivation_count, DERIVATION_FIELDS);
    for (size_t i = 0; i < list.count; i++)
        row(&list, i)[DERIVATION_LINE].text = facts->derivation[i];
    values[NOTICE_DERIVATION] = list_value(&list);
    values[NOTICE_BASIS].text = facts->basis;
    values[NOTICE_TITLE].text = facts->title;
}

static void notice_subject(struct desk *desk, const struct notice_facts *facts, struct template_value *values)
{
    values[SUBJECT_CODE].text = facts->code;
    values[SUBJECT_CASE].text = facts->case_id;
    values[SUBJECT_LABEL].text = phrase_due_label(desk->language, facts->rule_kind);
    phrase_short_due(desk->language, desk->zone, facts->due_at, &desk->draft);
    values[SUBJECT_DUE].text = taken(desk);
}

static void notice_body(struct desk *desk, const struct notice_facts *facts, struct template_value *values)
{
    say_why(desk, facts, values);
    values[tone_of(facts)].text = flag(desk, true);
    values[NOTICE_CODE].text = facts->code;
    values[NOTICE_KIND].text = phrase_kind(desk->language, facts->rule_kind);
    values[NOTICE_NOT_STATUTORY].text = phrase_not_statutory(desk->language, facts->rule_kind);
    values[NOTICE_CASE].text = facts->case_id;
    values[NOTICE_MATTER].text = facts->subject;
    values[NOTICE_UNIT].text = facts->unit;
    values[NOTICE_DUE_LABEL].text = capitalized(desk, phrase_due_label(desk->language, facts->rule_kind));
    phrase_due(desk->language, desk->zone, facts->rule_kind, facts->due_at, &desk->draft);
    values[NOTICE_DUE].text = taken(desk);
    if (facts->anchor_at != INSTANT_NONE) {
        phrase_full_moment(desk->language, desk->zone, facts->anchor_at, &desk->draft);
        values[NOTICE_COUNTED_FROM].text = taken(desk);
    }
    values[NOTICE_ROLE].text = phrase_role(desk->language, facts->role);
    values[NOTICE_LATE].text = flag(desk, facts->late);
    values[NOTICE_STAND_IN].text = flag(desk, facts->instead_of_another);
    values[NOTICE_LINK].text = facts->link;
    say_done(desk, facts, values);
    values[NOTICE_SENSITIVE].text = flag(desk, facts->sensitive);
    if (!facts->sensitive)
        say_derivation(desk, facts, values);
    values[NOTICE_WRITTEN].text = full_date(desk, facts->now);
}

void wording_notice(const struct wording *wording, const struct zone *zone, const struct notice_facts *facts,
                    struct mail_text *into)
{
    struct desk desk = desk_begin(wording, zone);
    struct template_value subject[SUBJECT_FIELDS] = {0}, body[NOTICE_FIELDS] = {0};
    notice_subject(&desk, facts, subject);
    notice_body(&desk, facts, body);
    render(&wording->notice, subject, body, into);
    desk_end(&desk);
}

// --- The backlog report ---

// A column of counts whose small ones are hidden. Its sum counts a hidden one as 1, so that nobody can work
// it out.
struct column_sum {
    int sum, hidden;
};

static const char *count(struct desk *desk, int value, struct column_sum *column)
{
    bool hidden = value > 0 && value < COUNT_SHOWN_FROM;
    column->hidden += hidden;
    column->sum += hidden ? 1 : value;
    phrase_count(desk->language, value, &desk->draft);
    return taken(desk);
}

static const char *total(struct desk *desk, const struct column_sum *column)
{
    if (column->hidden > 0 && column->sum >= COUNT_SHOWN_FROM)
        phrase_at_least(desk->language, column->sum, &desk->draft);
    else
        phrase_count(desk->language, column->sum, &desk->draft);
    return taken(desk);
}

static size_t rows_of_kind(const struct backlog_facts *facts, enum rule_kind kind)
{
    size_t found = 0;
    for (size_t i = 0; i < facts->row_count; i++)
        found += facts->rows[i].rule_kind == kind;
    return found;
}

// Returns how many counts were hidden.
static int say_group(struct desk *desk, const struct backlog_facts *facts, enum rule_kind kind,
                     struct template_value *values)
{
    struct list list = list_of(desk, rows_of_kind(facts, kind), BACKLOG_ROW_FIELDS);
    struct column_sum open = {0}, broken = {0};
    size_t next = 0;
    for (size_t i = 0; i < facts->row_count; i++) {
        const struct backlog_row *source = &facts->rows[i];
        if (source->rule_kind != kind)
            continue;
        struct template_value *cells = row(&list, next++);
        cells[BACKLOG_ROW_CODE].text = source->code;
        cells[BACKLOG_ROW_TITLE].text = source->title;
        cells[BACKLOG_ROW_OPEN].text = count(desk, source->open, &open);
        cells[BACKLOG_ROW_BROKEN].text = count(desk, source->breached, &broken);
    }
    values[GROUP_HEADING].text = phrase_backlog(desk->language, kind, BACKLOG_HEADING);
    values[GROUP_OPEN_LABEL].text = phrase_backlog(desk->language, kind, BACKLOG_OPEN);
    values[GROUP_BROKEN_LABEL].text = phrase_backlog(desk->language, kind, BACKLOG_BROKEN);
    values[GROUP_ROWS] = list_value(&list);
    values[GROUP_TOTAL_OPEN].text = total(desk, &open);
    values[GROUP_TOTAL_BROKEN].text = total(desk, &broken);
    return open.hidden + broken.hidden;
}

void wording_backlog(const struct wording *wording, const struct zone *zone,
                     const struct backlog_facts *facts, struct mail_text *into)
{
    struct desk desk = desk_begin(wording, zone);
    struct list groups = list_of(&desk, RULE_INFORMATION + 1, GROUP_FIELDS);
    int hidden = 0;
    groups.count = 0;
    for (enum rule_kind kind = RULE_STATUTORY; kind <= RULE_INFORMATION; kind++)
        if (rows_of_kind(facts, kind) > 0)
            hidden += say_group(&desk, facts, kind, row(&groups, groups.count++));
    const struct template_value subject[] = {[REPORT_SUBJECT_UNIT] = {.text = facts->unit},
                                             [REPORT_SUBJECT_DATE] = {.text = short_date(&desk, facts->now)}};
    const struct template_value body[] = {[REPORT_UNIT] = {.text = facts->unit},
                                          [REPORT_WRITTEN] = {.text = full_date(&desk, facts->now)},
                                          [REPORT_GROUPS] = list_value(&groups),
                                          [REPORT_FEW] = {.text = flag(&desk, hidden > 0)}};
    render(&wording->backlog, subject, body, into);
    desk_end(&desk);
}

// --- To the operators ---

void wording_operator(const struct wording *wording, const struct zone *zone,
                      const struct operator_facts *facts, struct mail_text *into)
{
    struct desk desk = desk_begin(wording, zone);
    size_t shown = facts->line_count > OPERATOR_LINES_MAX ? OPERATOR_LINES_MAX : facts->line_count;
    struct list list = list_of(&desk, shown, TROUBLE_FIELDS);
    for (size_t i = 0; i < shown; i++) {
        const struct operator_line *line = &facts->lines[i];
        phrase_trouble(desk.language, line->what, line->detail ? line->detail : "-", &desk.draft);
        row(&list, i)[TROUBLE_TEXT].text = taken(&desk);
        row(&list, i)[TROUBLE_CASE].text = line->case_id;
        row(&list, i)[TROUBLE_CODE].text = line->code;
    }
    const struct template_value subject[] = {
        [OPERATOR_SUBJECT_COUNT] = {.text = number(&desk, facts->line_count)},
        [OPERATOR_SUBJECT_DATE] = {.text = short_date(&desk, facts->now)}};
    const struct template_value body[] = {
        [OPERATOR_WRITTEN] = {.text = full_date(&desk, facts->now)},
        [OPERATOR_LINES] = list_value(&list),
        [OPERATOR_MORE] = {.text =
                               shown < facts->line_count ? number(&desk, facts->line_count - shown) : NULL}};
    render(&wording->operator, subject, body, into);
    desk_end(&desk);
}

void mail_text_done(struct mail_text *text)
{
    buffer_done(&text->subject);
    buffer_done(&text->text);
    buffer_done(&text->html);
}
