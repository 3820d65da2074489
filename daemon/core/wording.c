// SPDX-License-Identifier: MPL-2.0
#include "core/wording.h"

#include "core/gathered.h"
#include "core/notice_words.h"
#include "core/operator_words.h"

#include <stdlib.h>
#include <string.h>

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
    NOTICE_NEXT,
    NOTICE_CONSEQUENCE,
    NOTICE_AFTER_SILENCE,
    NOTICE_EXPLAINED, // there is something to say of how the date came about
    NOTICE_LATE,
    NOTICE_WAITED,
    NOTICE_STAND_IN,
    NOTICE_MUTED,
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
                                                      [NOTICE_NEXT] = {"next", NULL},
                                                      [NOTICE_CONSEQUENCE] = {"consequence", NULL},
                                                      [NOTICE_AFTER_SILENCE] = {"after_silence", NULL},
                                                      [NOTICE_EXPLAINED] = {"explained", NULL},
                                                      [NOTICE_LATE] = {"late", NULL},
                                                      [NOTICE_WAITED] = {"waited", NULL},
                                                      [NOTICE_STAND_IN] = {"stand_in", NULL},
                                                      [NOTICE_MUTED] = {"muted", NULL},
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

enum {
    REPORT_UNIT,
    REPORT_WRITTEN,
    REPORT_COUNTED,
    REPORT_GROUPS,
    REPORT_WORST,
    REPORT_WORST_LISTED,
    REPORT_FEW,
    REPORT_FIELDS
};
static const struct template_field backlog_fields[] = {[REPORT_UNIT] = {"unit", NULL},
                                                       [REPORT_WRITTEN] = {"written", NULL},
                                                       [REPORT_COUNTED] = {"counted", NULL},
                                                       [REPORT_GROUPS] = {"groups", group_fields},
                                                       [REPORT_WORST] = {"worst", report_row_fields},
                                                       [REPORT_WORST_LISTED] = {"worst_listed", NULL},
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

enum { OPERATOR_HEADING, OPERATOR_TROUBLE, OPERATOR_WRITTEN, OPERATOR_LINES, OPERATOR_MORE, OPERATOR_FIELDS };
static const struct template_field operator_fields[] = {
    [OPERATOR_WRITTEN] = {"written", NULL}, [OPERATOR_LINES] = {"lines", trouble_fields},
    [OPERATOR_MORE] = {"more", NULL},       [OPERATOR_HEADING] = {"heading", NULL},
    [OPERATOR_TROUBLE] = {"trouble", NULL}, [OPERATOR_FIELDS] = {NULL, NULL}};

enum { OPERATOR_SUBJECT_HEADING, OPERATOR_SUBJECT_COUNT, OPERATOR_SUBJECT_DATE, OPERATOR_SUBJECT_FIELDS };
static const struct template_field operator_subject_fields[] = {
    [OPERATOR_SUBJECT_COUNT] = {"count", NULL},
    [OPERATOR_SUBJECT_DATE] = {"date", NULL},
    [OPERATOR_SUBJECT_HEADING] = {"heading", NULL},
    [OPERATOR_SUBJECT_FIELDS] = {NULL, NULL}};

// --- Loading ---

struct wording {
    enum language language;
    int small_counts;
    struct mail_templates notice, gathered, backlog, operator;
    struct report_templates *own_backlog;
};

int wording_load(enum language language, wording_read read, void *data, struct wording **ret_wording,
                 struct error *err)
{
    struct wording *wording = memory_alloc(sizeof *wording);
    wording->language = language;
    wording->small_counts = SMALL_COUNTS_DEFAULT;
    if (mail_templates_load(read, data, "notice", subject_fields, notice_fields, &wording->notice, err) < 0 ||
        gathered_load(read, data, &wording->gathered, err) < 0 ||
        mail_templates_load(read, data, "backlog", backlog_subject_fields, backlog_fields, &wording->backlog,
                            err) < 0 ||
        report_templates_load(read, data, "backlog_own", &wording->own_backlog, err) < 0 ||
        mail_templates_load(read, data, "operator", operator_subject_fields, operator_fields,
                            &wording->operator, err) < 0) {
        wording_free(wording);
        return -1;
    }
    *ret_wording = wording;
    return 0;
}

void wording_set_small_counts(struct wording *wording, int small_counts)
{
    wording->small_counts = small_counts;
}

void wording_free(struct wording *wording)
{
    if (wording == NULL)
        return;
    mail_templates_free(&wording->notice);
    mail_templates_free(&wording->gathered);
    mail_templates_free(&wording->backlog);
    mail_templates_free(&wording->operator);
    report_templates_free(wording->own_backlog);
    free(wording);
}

static struct desk desk_begin(const struct wording *wording, const struct zone *zone)
{
    return (struct desk){.language = wording->language, .zone = zone, .small_counts = wording->small_counts};
}

// --- The notice ---

static void say_why(struct desk *desk, const struct notice_facts *facts, struct template_value *values)
{
    values[NOTICE_HEADING].text = notice_heading(desk, facts);
    values[NOTICE_REASON].text = notice_reason(desk, facts);
    values[notice_is_follow_up(facts) ? NOTICE_CONSEQUENCE : NOTICE_NEXT].text = notice_next(desk, facts);
}

static int place_of_tone(const struct notice_facts *facts)
{
    static const int places[] = {
        [TONE_ALARM] = NOTICE_ALARM, [TONE_WARNING] = NOTICE_WARNING, [TONE_CALM] = NOTICE_CALM};
    return places[notice_tone(facts)];
}

static void say_done(struct desk *desk, const struct notice_facts *facts, struct template_value *values)
{
    size_t left_out = facts->done_count > NOTICE_DONE_MAX ? facts->done_count - NOTICE_DONE_MAX : 0;
    struct desk_list list = desk_list_of(desk, facts->done_count - left_out, DONE_FIELDS);
    for (size_t i = 0; i < list.count; i++) {
        const struct notice_done *done = &facts->done[left_out + i];
        phrase_moment(desk->language, desk->zone, done->at, &desk->draft);
        desk_row(&list, i)[DONE_WHEN].text = desk_take(desk);
        if (done->what == TRANSITION_ACKNOWLEDGED || done->silenced)
            phrase_acknowledged(desk->language, desk->zone, done, &desk->draft);
        else if (done->muted_by)
            phrase_muted(desk->language, done->muted_by, &desk->draft);
        else if (done->role)
            phrase_told(desk->language, done->what, done->role, &desk->draft);
        else
            buffer_add_string(&desk->draft, phrase_transition(desk->language, facts->rule_kind, done->what));
        desk_row(&list, i)[DONE_WHAT].text = desk_take(desk);
    }
    values[NOTICE_DONE] = desk_list_value(&list);
    if (left_out > 0)
        values[NOTICE_DONE_EARLIER].text = desk_number(desk, left_out);
}

static void say_derivation(struct desk *desk, const struct notice_facts *facts, struct template_value *values)
{
    struct desk_list list = desk_list_of(desk, facts->derivation_count, DERIVATION_FIELDS);
    for (size_t i = 0; i < list.count; i++)
        desk_row(&list, i)[DERIVATION_LINE].text = facts->derivation[i];
    values[NOTICE_DERIVATION] = desk_list_value(&list);
    values[NOTICE_BASIS].text = facts->basis;
    values[NOTICE_TITLE].text = facts->title;
}

static void notice_subject(struct desk *desk, const struct notice_facts *facts, struct template_value *values)
{
    values[SUBJECT_CODE].text = facts->code;
    values[SUBJECT_CASE].text = facts->case_id;
    values[SUBJECT_LABEL].text = phrase_due_label(desk->language, facts->rule_kind);
    phrase_short_due(desk->language, desk->zone, facts->due_at, &desk->draft);
    values[SUBJECT_DUE].text = desk_take(desk);
}

static void notice_body(struct desk *desk, const struct notice_facts *facts, struct template_value *values)
{
    say_why(desk, facts, values);
    values[place_of_tone(facts)].text = desk_flag(desk, true);
    values[NOTICE_CODE].text = facts->code;
    values[NOTICE_KIND].text = phrase_kind(desk->language, facts->rule_kind);
    values[NOTICE_NOT_STATUTORY].text = phrase_not_statutory(desk->language, facts->rule_kind);
    values[NOTICE_CASE].text = facts->case_id;
    values[NOTICE_MATTER].text = facts->subject;
    values[NOTICE_UNIT].text = facts->unit;
    values[NOTICE_DUE_LABEL].text =
        desk_capitalized(desk, phrase_due_label(desk->language, facts->rule_kind));
    phrase_due(desk->language, desk->zone, facts->rule_kind, facts->due_at, &desk->draft);
    values[NOTICE_DUE].text = desk_take(desk);
    if (facts->anchor_at != INSTANT_NONE) {
        phrase_full_moment(desk->language, desk->zone, facts->anchor_at, &desk->draft);
        values[NOTICE_COUNTED_FROM].text = desk_take(desk);
    }
    values[NOTICE_ROLE].text = phrase_role(desk->language, facts->role);
    values[NOTICE_LATE].text = desk_flag(desk, facts->late);
    values[NOTICE_AFTER_SILENCE].text = desk_flag(desk, facts->after_silence);
    values[NOTICE_WAITED].text = notice_waited(desk, facts->waited, facts->decided_at);
    values[NOTICE_STAND_IN].text = desk_flag(desk, facts->instead_of_another);
    values[NOTICE_MUTED].text = notice_muted(desk, facts);
    values[NOTICE_LINK].text = facts->link;
    say_done(desk, facts, values);
    values[NOTICE_SENSITIVE].text = desk_flag(desk, facts->sensitive);
    if (!facts->sensitive)
        say_derivation(desk, facts, values);
    values[NOTICE_EXPLAINED].text = desk_flag(
        desk, facts->sensitive || (facts->due_at != INSTANT_NONE &&
                                   (facts->derivation_count > 0 || facts->anchor_at != INSTANT_NONE)));
    values[NOTICE_WRITTEN].text = desk_full_date(desk, facts->now);
}

void wording_notice(const struct wording *wording, const struct zone *zone, const struct notice_facts *facts,
                    struct mail_text *into)
{
    struct desk desk = desk_begin(wording, zone);
    struct template_value subject[SUBJECT_FIELDS] = {0}, body[NOTICE_FIELDS] = {0};
    notice_subject(&desk, facts, subject);
    notice_body(&desk, facts, body);
    mail_templates_render(&wording->notice, subject, body, into);
    desk_end(&desk);
}

void wording_gathered(const struct wording *wording, const struct zone *zone,
                      const struct gathered_facts *facts, struct mail_text *into)
{
    struct desk desk = desk_begin(wording, zone);
    gathered_render(&wording->gathered, &desk, facts, into);
    desk_end(&desk);
}

// --- The backlog report ---

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
    struct desk_list list = desk_list_of(desk, rows_of_kind(facts, kind), BACKLOG_ROW_FIELDS);
    struct desk_column open = {0}, broken = {0};
    size_t next = 0;
    for (size_t i = 0; i < facts->row_count; i++) {
        const struct backlog_row *source = &facts->rows[i];
        if (source->rule_kind != kind)
            continue;
        struct template_value *cells = desk_row(&list, next++);
        cells[BACKLOG_ROW_CODE].text = source->code;
        cells[BACKLOG_ROW_TITLE].text = source->title;
        cells[BACKLOG_ROW_OPEN].text = desk_count(desk, source->open, &open);
        cells[BACKLOG_ROW_BROKEN].text = desk_count(desk, source->breached, &broken);
    }
    values[GROUP_HEADING].text = phrase_backlog(desk->language, kind, BACKLOG_HEADING);
    values[GROUP_OPEN_LABEL].text = phrase_backlog(desk->language, kind, BACKLOG_OPEN);
    values[GROUP_BROKEN_LABEL].text = phrase_backlog(desk->language, kind, BACKLOG_BROKEN);
    values[GROUP_ROWS] = desk_list_value(&list);
    values[GROUP_TOTAL_OPEN].text = desk_total(desk, &open);
    values[GROUP_TOTAL_BROKEN].text = desk_total(desk, &broken);
    return open.hidden + broken.hidden;
}

static bool is_hidden(const struct desk *desk, const struct backlog_facts *facts, const char *code)
{
    for (size_t i = 0; i < facts->row_count; i++)
        if (strcmp(facts->rows[i].code, code) == 0)
            return facts->rows[i].breached < desk->small_counts;
    return true;
}

// Only what the counts above do not hide.
static struct template_value list_worst(struct desk *desk, const struct backlog_facts *facts)
{
    struct report_deadline shown[BACKLOG_WORST_SHOWN];
    size_t count = 0;
    const struct report_mail *mail = facts->worst ? facts->worst->mail : NULL;
    for (size_t i = 0; mail && i < mail->broken_count && count < BACKLOG_WORST_SHOWN; i++)
        if (!is_hidden(desk, facts, mail->broken[i].code))
            shown[count++] = mail->broken[i];
    return report_word_rows(desk, facts->worst, shown, count);
}

const struct report_templates *wording_own_backlog(const struct wording *wording)
{
    return wording->own_backlog;
}

void wording_backlog(const struct wording *wording, const struct zone *zone,
                     const struct backlog_facts *facts, struct mail_text *into)
{
    struct desk desk = desk_begin(wording, zone);
    struct desk_list groups = desk_list_of(&desk, RULE_INFORMATION + 1, GROUP_FIELDS);
    int hidden = 0;
    groups.count = 0;
    for (enum rule_kind kind = RULE_STATUTORY; kind <= RULE_INFORMATION; kind++)
        if (rows_of_kind(facts, kind) > 0)
            hidden += say_group(&desk, facts, kind, desk_row(&groups, groups.count++));
    const struct template_value subject[] = {
        [REPORT_SUBJECT_UNIT] = {.text = facts->unit},
        [REPORT_SUBJECT_DATE] = {.text = desk_short_date(&desk, facts->now)}};
    const struct template_value worst = list_worst(&desk, facts);
    const struct template_value body[] = {
        [REPORT_UNIT] = {.text = facts->unit},
        [REPORT_WRITTEN] = {.text = desk_full_date(&desk, facts->now)},
        [REPORT_COUNTED] = {.text = desk_flag(&desk, groups.count > 0)},
        [REPORT_GROUPS] = desk_list_value(&groups),
        [REPORT_WORST] = worst,
        [REPORT_WORST_LISTED] = {.text = desk_flag(&desk, worst.row_count > 0)},
        [REPORT_FEW] = {.text = hidden > 0 ? desk_number(&desk, (size_t)desk.small_counts) : NULL}};
    mail_templates_render(&wording->backlog, subject, body, into);
    desk_end(&desk);
}

// --- To the operators ---

void wording_operator(const struct wording *wording, const struct zone *zone,
                      const struct operator_facts *facts, struct mail_text *into)
{
    struct desk desk = desk_begin(wording, zone);
    size_t shown = facts->line_count > OPERATOR_LINES_MAX ? OPERATOR_LINES_MAX : facts->line_count;
    size_t total = facts->total > facts->line_count ? facts->total : facts->line_count;
    struct desk_list list = desk_list_of(&desk, shown, TROUBLE_FIELDS);
    for (size_t i = 0; i < shown; i++) {
        const struct operator_line *line = &facts->lines[i];
        phrase_trouble(desk.language, line->what, line->detail ? line->detail : "-", &desk.draft);
        const char *text = desk_take(&desk);
        bool alone = !(line->case_id && *line->case_id) && !(line->code && *line->code);
        desk_row(&list, i)[TROUBLE_TEXT].text = alone ? desk_capitalized(&desk, text) : text;
        desk_row(&list, i)[TROUBLE_CASE].text = line->case_id;
        desk_row(&list, i)[TROUBLE_CODE].text = line->code;
    }
    enum operator_topic topic = phrase_topic(facts->line_count > 0 ? facts->lines[0].what : "");
    const char *heading = phrase_operator_heading(desk.language, topic);
    const struct template_value subject[] = {
        [OPERATOR_SUBJECT_HEADING] = {.text = heading},
        [OPERATOR_SUBJECT_COUNT] = {.text = total > 1 ? desk_number(&desk, total) : NULL},
        [OPERATOR_SUBJECT_DATE] = {.text = desk_short_date(&desk, facts->now)}};
    const struct template_value body[] = {
        [OPERATOR_WRITTEN] = {.text = desk_full_date(&desk, facts->now)},
        [OPERATOR_HEADING] = {.text = heading},
        [OPERATOR_TROUBLE] = {.text = desk_flag(&desk, topic == TOPIC_TROUBLE || topic == TOPIC_FAULTS)},
        [OPERATOR_LINES] = desk_list_value(&list),
        [OPERATOR_MORE] = {.text = shown < total ? desk_number(&desk, total - shown) : NULL}};
    mail_templates_render(&wording->operator, subject, body, into);
    desk_end(&desk);
}
