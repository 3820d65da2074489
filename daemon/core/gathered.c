// SPDX-License-Identifier: MPL-2.0
#include "core/gathered.h"

#include "core/notice_words.h"
#include "core/phrases.h"

#include <string.h>

#define SUBJECT_CODES 4 // how many are named

// --- The closed lists ---

enum { SUBJECT_SUMMARY, SUBJECT_CODE_LIST, SUBJECT_DATE, SUBJECT_FIELDS };
static const struct template_field subject_fields[] = {[SUBJECT_SUMMARY] = {"summary", NULL},
                                                       [SUBJECT_CODE_LIST] = {"codes", NULL},
                                                       [SUBJECT_DATE] = {"date", NULL},
                                                       [SUBJECT_FIELDS] = {NULL, NULL}};

enum {
    ITEM_HEADING,
    ITEM_ALARM, // one of these three is set
    ITEM_WARNING,
    ITEM_CALM,
    ITEM_CODE,
    ITEM_TITLE,
    ITEM_KIND,
    ITEM_CASE,
    ITEM_MATTER,
    ITEM_UNIT,
    ITEM_DUE_LABEL,
    ITEM_DUE,
    ITEM_ROLE,
    ITEM_LATE,
    ITEM_STAND_IN,
    ITEM_MUTED,
    ITEM_LINK,
    ITEM_FIELDS
};
static const struct template_field item_fields[] = {
    [ITEM_HEADING] = {"heading", NULL},     [ITEM_ALARM] = {"alarm", NULL},
    [ITEM_WARNING] = {"warning", NULL},     [ITEM_CALM] = {"calm", NULL},
    [ITEM_CODE] = {"code", NULL},           [ITEM_TITLE] = {"title", NULL},
    [ITEM_KIND] = {"kind", NULL},           [ITEM_CASE] = {"case", NULL},
    [ITEM_MATTER] = {"matter", NULL},       [ITEM_UNIT] = {"unit", NULL},
    [ITEM_DUE_LABEL] = {"due_label", NULL}, [ITEM_DUE] = {"due", NULL},
    [ITEM_ROLE] = {"role", NULL},           [ITEM_LATE] = {"late", NULL},
    [ITEM_STAND_IN] = {"stand_in", NULL},   [ITEM_MUTED] = {"muted", NULL},
    [ITEM_LINK] = {"link", NULL},           [ITEM_FIELDS] = {NULL, NULL}};

enum { SUM_CODE, SUM_TITLE, SUM_KIND, SUM_AHEAD, SUM_BROKEN, SUM_BROKEN_LABEL, SUM_RESOLVED, SUM_FIELDS };
static const struct template_field sum_fields[] = {
    [SUM_CODE] = {"code", NULL},         [SUM_TITLE] = {"title", NULL},
    [SUM_KIND] = {"kind", NULL},         [SUM_AHEAD] = {"ahead", NULL},
    [SUM_BROKEN] = {"broken", NULL},     [SUM_BROKEN_LABEL] = {"broken_label", NULL},
    [SUM_RESOLVED] = {"resolved", NULL}, [SUM_FIELDS] = {NULL, NULL}};

enum {
    BODY_SUMMARY,
    BODY_ALARM, // one of these three is set
    BODY_WARNING,
    BODY_CALM,
    BODY_WAITED,
    BODY_ALL_LATE, // then it is not said of each
    BODY_SUMS,     // only when not all are listed
    BODY_LISTED,
    BODY_ITEMS,
    BODY_NEWS,
    BODY_FEW,
    BODY_WRITTEN,
    BODY_FIELDS
};
static const struct template_field body_fields[] = {[BODY_SUMMARY] = {"summary", NULL},
                                                    [BODY_ALARM] = {"alarm", NULL},
                                                    [BODY_WARNING] = {"warning", NULL},
                                                    [BODY_CALM] = {"calm", NULL},
                                                    [BODY_WAITED] = {"waited", NULL},
                                                    [BODY_ALL_LATE] = {"all_late", NULL},
                                                    [BODY_SUMS] = {"sums", sum_fields},
                                                    [BODY_LISTED] = {"listed", NULL},
                                                    [BODY_ITEMS] = {"items", item_fields},
                                                    [BODY_NEWS] = {"news", item_fields},
                                                    [BODY_FEW] = {"few", NULL},
                                                    [BODY_WRITTEN] = {"written", NULL},
                                                    [BODY_FIELDS] = {NULL, NULL}};

int gathered_load(wording_read read, void *data, struct mail_templates *ret_templates, struct error *err)
{
    return mail_templates_load(read, data, "gathered", subject_fields, body_fields, ret_templates, err);
}

// --- How many of what ---

// Where the sums by rule stand below with their small counts hidden, these must not give them away.
static const char *summary_of(struct desk *desk, const struct gathered_facts *facts, bool hides)
{
    struct desk_column columns[GATHERED_COUNT] = {0};
    int least = hides ? desk->small_counts : 1;
    for (size_t i = 0; i < facts->sum_count; i++) {
        const struct gathered_sum *sum = &facts->sums[i];
        enum rule_kind kind = sum->rule_kind;
        enum gathered_word broken = kind == RULE_STATUTORY                    ? GATHERED_LAW_BROKEN
                                    : kind == RULE_OWN || kind == RULE_TARGET ? GATHERED_OWN_BROKEN
                                                                              : GATHERED_PASSED;
        desk_column_add(&columns[broken], sum->broken, least);
        desk_column_add(&columns[GATHERED_AHEAD], sum->ahead, least);
        desk_column_add(&columns[GATHERED_RESOLVED], sum->resolved, least);
    }
    for (int which = 0; which < GATHERED_COUNT; which++) {
        const struct desk_column *column = &columns[which];
        if (column->sum == 0)
            continue;
        if (desk->draft.length > 0)
            buffer_add_string(&desk->draft, ", ");
        struct buffer number = {0};
        desk_column_word(desk, column, &number);
        phrase_gathered(desk->language, (enum gathered_word)which, number.data,
                        column->sum == 1 && column->hidden == 0, &desk->draft);
        buffer_done(&number);
    }
    return desk_take(desk);
}

static const char *codes_of(struct desk *desk, const struct gathered_facts *facts)
{
    size_t named = facts->sum_count > SUBJECT_CODES ? SUBJECT_CODES : facts->sum_count;
    for (size_t i = 0; i < named; i++)
        buffer_format(&desk->draft, "%s%s", i > 0 ? ", " : "", facts->sums[i].code);
    if (facts->sum_count > named)
        buffer_add_string(&desk->draft, " …");
    return desk_take(desk);
}

static size_t count_all(const struct gathered_facts *facts)
{
    size_t all = 0;
    for (size_t i = 0; i < facts->sum_count; i++)
        all += (size_t)(facts->sums[i].ahead + facts->sums[i].broken + facts->sums[i].resolved);
    return all;
}

// --- The body ---

static void say_item(struct desk *desk, const struct notice_facts *facts, struct template_value *values)
{
    static const int tones[] = {
        [TONE_ALARM] = ITEM_ALARM, [TONE_WARNING] = ITEM_WARNING, [TONE_CALM] = ITEM_CALM};
    values[ITEM_HEADING].text = notice_heading(desk, facts);
    values[tones[notice_tone(facts)]].text = desk_flag(desk, true);
    values[ITEM_CODE].text = facts->code;
    values[ITEM_TITLE].text = facts->sensitive ? NULL : facts->title;
    values[ITEM_KIND].text = phrase_kind(desk->language, facts->rule_kind);
    values[ITEM_CASE].text = facts->case_id;
    values[ITEM_MATTER].text = facts->subject;
    values[ITEM_UNIT].text = facts->unit;
    values[ITEM_DUE_LABEL].text = desk_capitalized(desk, phrase_due_label(desk->language, facts->rule_kind));
    phrase_due(desk->language, desk->zone, facts->rule_kind, facts->due_at, &desk->draft);
    values[ITEM_DUE].text = desk_take(desk);
    values[ITEM_ROLE].text = phrase_role(desk->language, facts->role);
    values[ITEM_LATE].text = desk_flag(desk, facts->late);
    values[ITEM_STAND_IN].text = desk_flag(desk, facts->instead_of_another);
    values[ITEM_MUTED].text = notice_muted(desk, facts);
    values[ITEM_LINK].text = facts->link;
}

static struct template_value list_items(struct desk *desk, const struct gathered_facts *facts,
                                        bool follow_ups)
{
    struct desk_list list = desk_list_of(desk, facts->item_count, ITEM_FIELDS);
    list.count = 0;
    for (size_t i = 0; i < facts->item_count; i++)
        if (notice_is_follow_up(&facts->items[i]) == follow_ups)
            say_item(desk, &facts->items[i], desk_row(&list, list.count++));
    return desk_list_value(&list);
}

// Their sizes tell nothing that the list does not, when all are listed.
static int say_sums(struct desk *desk, const struct gathered_facts *facts, struct template_value *values)
{
    struct desk_list list = desk_list_of(desk, facts->sum_count, SUM_FIELDS);
    struct desk_column hidden = {0};
    for (size_t i = 0; i < facts->sum_count; i++) {
        const struct gathered_sum *sum = &facts->sums[i];
        struct template_value *cells = desk_row(&list, i);
        cells[SUM_CODE].text = sum->code;
        cells[SUM_TITLE].text = sum->title;
        cells[SUM_KIND].text = phrase_kind(desk->language, sum->rule_kind);
        cells[SUM_AHEAD].text = sum->ahead ? desk_count(desk, sum->ahead, &hidden) : NULL;
        cells[SUM_BROKEN].text = sum->broken ? desk_count(desk, sum->broken, &hidden) : NULL;
        cells[SUM_BROKEN_LABEL].text = phrase_backlog(desk->language, sum->rule_kind, BACKLOG_BROKEN);
        cells[SUM_RESOLVED].text = sum->resolved ? desk_count(desk, sum->resolved, &hidden) : NULL;
    }
    values[BODY_SUMS] = desk_list_value(&list);
    return hidden.hidden;
}

static bool are_all_late(const struct gathered_facts *facts)
{
    size_t told = 0, late = 0;
    for (size_t i = 0; i < facts->item_count; i++) {
        told += !notice_is_follow_up(&facts->items[i]);
        late += !notice_is_follow_up(&facts->items[i]) && facts->items[i].late;
    }
    return told > 1 && late == told;
}

static int loudest(const struct gathered_facts *facts)
{
    static const int tones[] = {
        [TONE_ALARM] = BODY_ALARM, [TONE_WARNING] = BODY_WARNING, [TONE_CALM] = BODY_CALM};
    enum tone loudest = TONE_CALM;
    for (size_t i = 0; i < facts->item_count; i++)
        if (notice_tone(&facts->items[i]) < loudest)
            loudest = notice_tone(&facts->items[i]);
    return tones[loudest];
}

void gathered_render(const struct mail_templates *templates, struct desk *desk,
                     const struct gathered_facts *facts, struct mail_text *into)
{
    bool listed = count_all(facts) <= facts->item_count;
    const char *summary = summary_of(desk, facts, !listed);
    struct template_value body[BODY_FIELDS] = {0};
    const struct template_value subject[SUBJECT_FIELDS] = {
        [SUBJECT_SUMMARY] = {.text = summary},
        [SUBJECT_CODE_LIST] = {.text = codes_of(desk, facts)},
        [SUBJECT_DATE] = {.text = desk_short_date(desk, facts->now)}};
    body[BODY_SUMMARY].text = desk_capitalized(desk, summary);
    body[loudest(facts)].text = desk_flag(desk, true);
    body[BODY_WAITED].text = notice_waited(desk, facts->waited, facts->decided_at);
    if (!listed) {
        int hidden = say_sums(desk, facts, body);
        body[BODY_LISTED].text = desk_number(desk, facts->item_count);
        body[BODY_FEW].text = hidden > 0 ? desk_number(desk, (size_t)desk->small_counts) : NULL;
    }
    body[BODY_ITEMS] = list_items(desk, facts, false);
    body[BODY_NEWS] = list_items(desk, facts, true);
    body[BODY_ALL_LATE].text = desk_flag(desk, are_all_late(facts));
    body[BODY_WRITTEN].text = desk_full_date(desk, facts->now);
    mail_templates_render(templates, subject, body, into);
}
