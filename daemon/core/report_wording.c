// SPDX-License-Identifier: MPL-2.0
#include "core/report_wording.h"

#include "core/link.h"
#include "core/phrases.h"

#include <stdlib.h>
#include <string.h>

// The closed lists, as in wording.c: the numbers are the places of the values.

enum { SUBJECT_TITLE, SUBJECT_UNIT, SUBJECT_DATE, SUBJECT_FIELDS };
static const struct template_field subject_fields[] = {[SUBJECT_TITLE] = {"title", NULL},
                                                       [SUBJECT_UNIT] = {"unit", NULL},
                                                       [SUBJECT_DATE] = {"date", NULL},
                                                       [SUBJECT_FIELDS] = {NULL, NULL}};

enum { SUM_LABEL, SUM_VALUE, SUM_BEFORE, SUM_ALARM, SUM_FIELDS };
static const struct template_field sum_fields[] = {[SUM_LABEL] = {"label", NULL},
                                                   [SUM_VALUE] = {"value", NULL},
                                                   [SUM_BEFORE] = {"before", NULL},
                                                   [SUM_ALARM] = {"alarm", NULL},
                                                   [SUM_FIELDS] = {NULL, NULL}};

enum {
    REMAND_CASE,
    REMAND_MATTER,
    REMAND_UNIT,
    REMAND_LINK,
    REMAND_DATE,
    REMAND_AGE,
    REMAND_FOLLOW_UP,
    REMAND_FOLLOW_UP_OPEN,
    REMAND_MISSED,
    REMAND_HELP,
    REMAND_HELP_OPEN,
    REMAND_LIMIT,
    REMAND_LIMIT_LEFT,
    REMAND_LIMIT_BROKEN,
    REMAND_LETTER,
    REMAND_LETTER_BROKEN,
    REMAND_CAUSE,
    REMAND_CAUSE_OPEN,
    REMAND_FIELDS
};
static const struct template_field remand_fields[] = {[REMAND_CASE] = {"case", NULL},
                                                      [REMAND_MATTER] = {"matter", NULL},
                                                      [REMAND_UNIT] = {"case_unit", NULL},
                                                      [REMAND_LINK] = {"link", NULL},
                                                      [REMAND_DATE] = {"received", NULL},
                                                      [REMAND_AGE] = {"age", NULL},
                                                      [REMAND_FOLLOW_UP] = {"follow_up", NULL},
                                                      [REMAND_FOLLOW_UP_OPEN] = {"follow_up_open", NULL},
                                                      [REMAND_MISSED] = {"missed", NULL},
                                                      [REMAND_HELP] = {"help", NULL},
                                                      [REMAND_HELP_OPEN] = {"help_open", NULL},
                                                      [REMAND_LIMIT] = {"limit", NULL},
                                                      [REMAND_LIMIT_LEFT] = {"limit_left", NULL},
                                                      [REMAND_LIMIT_BROKEN] = {"limit_broken", NULL},
                                                      [REMAND_LETTER] = {"letter", NULL},
                                                      [REMAND_LETTER_BROKEN] = {"letter_broken", NULL},
                                                      [REMAND_CAUSE] = {"cause", NULL},
                                                      [REMAND_CAUSE_OPEN] = {"cause_open", NULL},
                                                      [REMAND_FIELDS] = {NULL, NULL}};

enum {
    ROW_CASE,
    ROW_MATTER,
    ROW_UNIT,
    ROW_LINK,
    ROW_CODE,
    ROW_TITLE,
    ROW_KIND,
    ROW_LAW,
    ROW_DUE,
    ROW_DISTANCE,
    ROW_FIELDS
};
const struct template_field report_row_fields[] = {
    [ROW_CASE] = {"case", NULL},         [ROW_MATTER] = {"matter", NULL}, [ROW_UNIT] = {"case_unit", NULL},
    [ROW_LINK] = {"link", NULL},         [ROW_CODE] = {"code", NULL},     [ROW_TITLE] = {"rule_title", NULL},
    [ROW_KIND] = {"kind", NULL},         [ROW_LAW] = {"law", NULL},       [ROW_DUE] = {"due", NULL},
    [ROW_DISTANCE] = {"distance", NULL}, [ROW_FIELDS] = {NULL, NULL}};

enum { RULE_CODE, RULE_TITLE, RULE_BROKEN, RULE_COMING, RULE_FIELDS };
static const struct template_field rule_fields[] = {[RULE_CODE] = {"code", NULL},
                                                    [RULE_TITLE] = {"rule_title", NULL},
                                                    [RULE_BROKEN] = {"broken_count", NULL},
                                                    [RULE_COMING] = {"coming_count", NULL},
                                                    [RULE_FIELDS] = {NULL, NULL}};

enum {
    BODY_TITLE,
    BODY_UNIT,
    BODY_OWN,
    BODY_ROLE,
    BODY_WRITTEN,
    BODY_LATE,
    BODY_STAND_IN,
    BODY_NOT_REACHED,
    BODY_NOT_REACHED_UNIT,
    BODY_COMPARED,
    BODY_EMPTY,
    BODY_DAYS,
    BODY_SUMS,
    BODY_REMANDS,
    BODY_REMANDS_MORE,
    BODY_BROKEN,
    BODY_BROKEN_MORE,
    BODY_COMING,
    BODY_COMING_MORE,
    BODY_COUNTED,
    BODY_RULES,
    BODY_TOTAL_BROKEN,
    BODY_TOTAL_COMING,
    BODY_FEW,
    BODY_FIELDS
};
static const struct template_field body_fields[] = {[BODY_TITLE] = {"title", NULL},
                                                    [BODY_UNIT] = {"unit", NULL},
                                                    [BODY_OWN] = {"own", NULL},
                                                    [BODY_ROLE] = {"role", NULL},
                                                    [BODY_WRITTEN] = {"written", NULL},
                                                    [BODY_LATE] = {"late", NULL},
                                                    [BODY_STAND_IN] = {"stand_in", NULL},
                                                    [BODY_NOT_REACHED] = {"not_reached", NULL},
                                                    [BODY_NOT_REACHED_UNIT] = {"not_reached_unit", NULL},
                                                    [BODY_COMPARED] = {"compared", NULL},
                                                    [BODY_EMPTY] = {"empty", NULL},
                                                    [BODY_DAYS] = {"days", NULL},
                                                    [BODY_SUMS] = {"sums", sum_fields},
                                                    [BODY_REMANDS] = {"remands", remand_fields},
                                                    [BODY_REMANDS_MORE] = {"remands_more", NULL},
                                                    [BODY_BROKEN] = {"broken", report_row_fields},
                                                    [BODY_BROKEN_MORE] = {"broken_more", NULL},
                                                    [BODY_COMING] = {"coming", report_row_fields},
                                                    [BODY_COMING_MORE] = {"coming_more", NULL},
                                                    [BODY_COUNTED] = {"counted", NULL},
                                                    [BODY_RULES] = {"rules", rule_fields},
                                                    [BODY_TOTAL_BROKEN] = {"total_broken", NULL},
                                                    [BODY_TOTAL_COMING] = {"total_coming", NULL},
                                                    [BODY_FEW] = {"few", NULL},
                                                    [BODY_FIELDS] = {NULL, NULL}};

// --- loading ---

struct report_templates {
    struct mail_templates mail;
};

int report_templates_load(wording_read read, void *data, const char *name,
                          struct report_templates **ret_templates, struct error *err)
{
    struct report_templates *templates = memory_alloc(sizeof *templates);
    if (mail_templates_load(read, data, name, subject_fields, body_fields, &templates->mail, err) < 0) {
        report_templates_free(templates);
        return -1;
    }
    *ret_templates = templates;
    return 0;
}

void report_templates_free(struct report_templates *templates)
{
    if (templates == NULL)
        return;
    mail_templates_free(&templates->mail);
    free(templates);
}

// --- words ---

#define LANGUAGES 2

const char *report_title(const struct report *report, enum language language)
{
    return language == LANGUAGE_EN && report->title_en ? report->title_en : report->title_da;
}

const char *report_sum_label(enum language language, enum report_count count)
{
    static const char *const labels[LANGUAGES][REPORT_COUNTS] = {
        {[COUNT_BROKEN] = "Frister og mål, der ikke er holdt",
         [COUNT_BROKEN_LAW] = "Heraf lovbestemte",
         [COUNT_COMING] = "Kommende frister",
         [COUNT_REMANDS] = "Hjemviste sager",
         [COUNT_NEW] = "Modtaget siden sidste rapport",
         [COUNT_ENDED] = "Afsluttet siden sidste rapport",
         [COUNT_NOT_FOLLOWED_UP] = "Mangler opfølgning i denne uge",
         [COUNT_MISSED_AGAIN] = "Uden opfølgning to uger i træk eller mere",
         [COUNT_LIMIT_BROKEN] = "Kommunens frist er overskredet",
         [COUNT_NOT_TOLD] = "Heraf uden besked til borgeren i tide",
         [COUNT_HELP_OPEN] = "Hjælpen er ikke registreret som genetableret",
         [COUNT_CAUSE_OPEN] = "Årsagen er ikke registreret"},
        {[COUNT_BROKEN] = "Deadlines and targets not kept",
         [COUNT_BROKEN_LAW] = "Of these statutory",
         [COUNT_COMING] = "Coming deadlines",
         [COUNT_REMANDS] = "Remanded cases",
         [COUNT_NEW] = "Received since the last report",
         [COUNT_ENDED] = "Closed since the last report",
         [COUNT_NOT_FOLLOWED_UP] = "Not yet followed up this week",
         [COUNT_MISSED_AGAIN] = "Not followed up for two weeks in a row or more",
         [COUNT_LIMIT_BROKEN] = "The municipality's limit has passed",
         [COUNT_NOT_TOLD] = "Of these, the citizen was not told in time",
         [COUNT_HELP_OPEN] = "Help not recorded as restored",
         [COUNT_CAUSE_OPEN] = "Cause not recorded"}};
    return labels[language][count];
}

static const char *say(enum language language, const char *da, const char *en)
{
    return language == LANGUAGE_DA ? da : en;
}

// Drafts PATTERN with "%" replaced by a date.
static void draft_with_date(struct desk *desk, const char *pattern, civil_date date)
{
    struct buffer words = {0};
    phrase_date(desk->language, date, &words);
    phrase_fill(pattern, words.data, &desk->draft);
    buffer_done(&words);
}

static const char *days(struct desk *desk, int64_t count)
{
    buffer_format(&desk->draft, "%lld %s", (long long)count,
                  count == 1 ? say(desk->language, "dag", "day") : say(desk->language, "dage", "days"));
    return desk_take(desk);
}

// From now to a due, before or after it: "om 3 dage", "3 dage over".
static const char *distance(struct desk *desk, instant due, instant now, bool broken)
{
    if (!broken) {
        phrase_remaining(desk->language, desk->zone, due, now, &desk->draft);
        return desk_take(desk);
    }
    struct buffer amount = {0};
    phrase_overdue(desk->language, desk->zone, due, now, &amount);
    phrase_fill(say(desk->language, "overskredet med %", "% over"), amount.data, &desk->draft);
    buffer_done(&amount);
    return desk_take(desk);
}

static const char *short_due(struct desk *desk, instant due)
{
    phrase_short_due(desk->language, desk->zone, due, &desk->draft);
    return desk_take(desk);
}

static const char *link_of(struct desk *desk, const char *link, const char *case_id)
{
    if (link == NULL)
        return NULL;
    link_to_case(&desk->draft, link, case_id);
    return desk_take(desk);
}

static const char *unit_names(struct desk *desk, const struct report_mail *mail)
{
    for (size_t i = 0; i < mail->unit_count; i++)
        buffer_format(&desk->draft, "%s%s", i > 0 ? ", " : "", mail->units[i]);
    return mail->unit_count > 0 ? desk_take(desk) : NULL;
}

static const char *title_of(const struct report_facts *facts, const char *rule_id, bool sensitive,
                            enum language language)
{
    int line = sensitive ? -1 : rules_find_line(facts->rules, rule_id);
    if (line < 0)
        return NULL;
    const struct rule_line *versions = &facts->rules->lines[line];
    const struct rule *rule = versions->versions[versions->version_count - 1];
    if (rule->sensitive)
        return NULL;
    return language == LANGUAGE_EN && rule->title_en ? rule->title_en : rule->title_da;
}

// --- a remand ---

static void say_follow_up(struct desk *desk, const struct remand *remand, struct template_value *values)
{
    if (remand->follow_up_due == INSTANT_NONE) {
        values[REMAND_FOLLOW_UP].text =
            say(desk->language, "ingen regel om ugentlig opfølgning", "no rule asks for one each week");
        return;
    }
    if (remand->followed_up_at != INSTANT_NONE) {
        draft_with_date(desk, say(desk->language, "ja, %", "yes, %"),
                        zone_date(desk->zone, remand->followed_up_at));
    } else {
        struct buffer due = {0};
        phrase_short_due(desk->language, desk->zone, remand->follow_up_due, &due);
        phrase_fill(say(desk->language, "nej, skal ske senest %", "no, due by %"), due.data, &desk->draft);
        buffer_done(&due);
        values[REMAND_FOLLOW_UP_OPEN].text = desk_flag(desk, true);
    }
    values[REMAND_FOLLOW_UP].text = desk_take(desk);
    if (remand->missed > 0) {
        buffer_format(&desk->draft, "%d %s", remand->missed,
                      remand->missed == 1 ? say(desk->language, "uge", "week")
                                          : say(desk->language, "uger i træk", "weeks in a row"));
        values[REMAND_MISSED].text = desk_take(desk);
    }
}

static const char *say_help(struct desk *desk, const struct remand *remand)
{
    if (remand->help == HELP_OPEN)
        return say(desk->language, "ikke registreret som genetableret", "not recorded as restored");
    if (remand->help == HELP_NOT_RELEVANT)
        return say(desk->language, "ikke relevant", "not relevant");
    draft_with_date(desk, say(desk->language, "genetableret %", "restored %"),
                    zone_date(desk->zone, remand->help_at));
    return desk_take(desk);
}

static const char *say_letter(struct desk *desk, const struct remand *remand)
{
    if (remand->letter == LETTER_NONE)
        return say(desk->language, "ikke sendt", "not sent");
    if (remand->letter == LETTER_MISSING)
        return say(desk->language, "ikke sendt, og fristen er overskredet",
                   "not sent, and the limit has passed");
    bool late = remand->letter == LETTER_LATE;
    draft_with_date(desk,
                    late ? say(desk->language, "sendt for sent, %", "sent too late, %")
                         : say(desk->language, "sendt %", "sent %"),
                    zone_date(desk->zone, remand->letter_at));
    if (remand->letter_to != CIVIL_NONE)
        draft_with_date(desk, say(desk->language, ", ny dato %", ", new date %"), remand->letter_to);
    return desk_take(desk);
}

static const char *say_cause(enum language language, enum remand_cause cause)
{
    static const char *const words[LANGUAGES][4] = {
        {"ikke registreret", "fejl", "ændret praksis", "nye oplysninger"},
        {"not recorded", "error", "changed practice", "new facts"}};
    return words[language][cause];
}

static void say_remand(struct desk *desk, const struct report_facts *facts, const struct remand *remand,
                       struct template_value *values)
{
    instant now = facts->mail->decided_at;
    values[REMAND_CASE].text = remand->case_id;
    values[REMAND_MATTER].text = remand->subject;
    values[REMAND_UNIT].text = remand->unit;
    values[REMAND_LINK].text = link_of(desk, facts->link, remand->case_id);
    values[REMAND_DATE].text = desk_short_date(desk, remand->received_at);
    int64_t age = (int64_t)zone_date(desk->zone, now) - zone_date(desk->zone, remand->received_at);
    values[REMAND_AGE].text = age > 0 ? days(desk, age) : NULL; // of today: the date says it
    say_follow_up(desk, remand, values);
    values[REMAND_HELP].text = say_help(desk, remand);
    values[REMAND_HELP_OPEN].text = desk_flag(desk, remand->help == HELP_OPEN);
    if (remand->limit_at != INSTANT_NONE) {
        values[REMAND_LIMIT].text = short_due(desk, remand->limit_at);
        values[REMAND_LIMIT_LEFT].text = distance(desk, remand->limit_at, now, remand->limit_broken);
        values[REMAND_LIMIT_BROKEN].text = desk_flag(desk, remand->limit_broken);
    }
    values[REMAND_LETTER].text = say_letter(desk, remand);
    values[REMAND_LETTER_BROKEN].text =
        desk_flag(desk, remand->letter == LETTER_MISSING || remand->letter == LETTER_LATE);
    values[REMAND_CAUSE].text = say_cause(desk->language, remand->cause);
    values[REMAND_CAUSE_OPEN].text = desk_flag(desk, remand->cause == CAUSE_NONE);
}

static void say_remands(struct desk *desk, const struct report_facts *facts, struct template_value *body)
{
    const struct report_mail *mail = facts->mail;
    struct desk_list list = desk_list_of(desk, mail->remand_count, REMAND_FIELDS);
    for (size_t i = 0; i < list.count; i++)
        say_remand(desk, facts, &mail->remands[i], desk_row(&list, i));
    body[BODY_REMANDS] = desk_list_value(&list);
    if (mail->remands_left_out > 0)
        body[BODY_REMANDS_MORE].text = desk_number(desk, mail->remands_left_out);
}

// --- deadlines ---

struct template_value report_word_rows(struct desk *desk, const struct report_facts *facts,
                                       const struct report_deadline *deadlines, size_t count)
{
    struct desk_list list = desk_list_of(desk, count, ROW_FIELDS);
    for (size_t i = 0; i < count; i++) {
        const struct report_deadline *deadline = &deadlines[i];
        struct template_value *values = desk_row(&list, i);
        values[ROW_CASE].text = deadline->case_id;
        values[ROW_MATTER].text = deadline->subject;
        values[ROW_UNIT].text = deadline->unit;
        values[ROW_LINK].text = link_of(desk, facts->link, deadline->case_id);
        values[ROW_CODE].text = deadline->code;
        values[ROW_TITLE].text = title_of(facts, deadline->rule, deadline->sensitive, desk->language);
        values[ROW_KIND].text = phrase_kind(desk->language, deadline->kind);
        values[ROW_LAW].text =
            desk_flag(desk, deadline->kind == RULE_STATUTORY || deadline->kind == RULE_PRECONDITION);
        values[ROW_DUE].text = short_due(desk, deadline->due_at);
        values[ROW_DISTANCE].text =
            distance(desk, deadline->due_at, facts->mail->decided_at, deadline->broken);
    }
    return desk_list_value(&list);
}

static void say_both(struct desk *desk, const struct report_facts *facts, struct template_value *body)
{
    const struct report_mail *mail = facts->mail;
    body[BODY_BROKEN] = report_word_rows(desk, facts, mail->broken, mail->broken_count);
    body[BODY_COMING] = report_word_rows(desk, facts, mail->coming, mail->coming_count);
    if (mail->broken_left_out > 0)
        body[BODY_BROKEN_MORE].text = desk_number(desk, mail->broken_left_out);
    if (mail->coming_left_out > 0)
        body[BODY_COMING_MORE].text = desk_number(desk, mail->coming_left_out);
}

// Returns how many counts were hidden.
static int say_rules(struct desk *desk, const struct report_facts *facts, struct template_value *body)
{
    const struct report_mail *mail = facts->mail;
    struct desk_list list = desk_list_of(desk, mail->rule_count, RULE_FIELDS);
    struct desk_column broken = {0}, coming = {0};
    for (size_t i = 0; i < list.count; i++) {
        const struct report_rule_row *rule = &mail->rules[i];
        struct template_value *values = desk_row(&list, i);
        values[RULE_CODE].text = rule->code;
        values[RULE_TITLE].text = title_of(facts, rule->rule, rule->sensitive, desk->language);
        values[RULE_BROKEN].text = desk_count(desk, rule->broken, &broken);
        values[RULE_COMING].text = desk_count(desk, rule->coming, &coming);
    }
    body[BODY_COUNTED].text = desk_flag(desk, facts->report->counts_only);
    body[BODY_RULES] = desk_list_value(&list);
    body[BODY_TOTAL_BROKEN].text = desk_total(desk, &broken);
    body[BODY_TOTAL_COMING].text = desk_total(desk, &coming);
    return broken.hidden + coming.hidden;
}

// --- the whole ---

static bool is_bad(enum report_count count)
{
    return count != COUNT_COMING && count != COUNT_REMANDS && count != COUNT_NEW && count != COUNT_ENDED;
}

static const char *shown_count(struct desk *desk, int value, enum report_shown shown, int *hidden)
{
    *hidden += shown != SHOWN_EXACT;
    if (shown == SHOWN_NOT)
        return say(desk->language, "vises ikke", "not shown");
    if (shown == SHOWN_AT_LEAST)
        phrase_at_least(desk->language, desk->small_counts, &desk->draft);
    else
        phrase_count(desk->language, value, shown == SHOWN_FEW ? desk->small_counts : 1, &desk->draft);
    return desk_take(desk);
}

// How each is told; all exactly, when the cases are listed below.
static void show_sums(const struct desk *desk, const struct report_facts *facts,
                      enum report_shown ret_now[REPORT_COUNTS], enum report_shown ret_before[REPORT_COUNTS])
{
    const struct report_mail *mail = facts->mail;
    int now[REPORT_COUNTS], before[REPORT_COUNTS];
    for (int k = 0; k < REPORT_COUNTS; k++)
        now[k] = before[k] = -1;
    for (size_t i = 0; i < mail->sum_count; i++) {
        now[mail->sums[i].count] = mail->sums[i].now;
        before[mail->sums[i].count] = mail->sums[i].before;
    }
    report_show(now, before, facts->report->counts_only ? desk->small_counts : 1, ret_now, ret_before);
}

// Where the table of rules stands its columns are the sums: said exactly, they would give the hidden counts
// away.
static int say_sums(struct desk *desk, const struct report_facts *facts, struct template_value *body)
{
    const struct report_mail *mail = facts->mail;
    bool tabled = facts->report->counts_only && facts->report->content == REPORT_DEADLINES;
    struct desk_list list = desk_list_of(desk, tabled ? 0 : mail->sum_count, SUM_FIELDS);
    enum report_shown now[REPORT_COUNTS], before[REPORT_COUNTS];
    int hidden = 0;
    show_sums(desk, facts, now, before);
    for (size_t i = 0; i < list.count; i++) {
        const struct report_sum *sum = &mail->sums[i];
        struct template_value *values = desk_row(&list, i);
        values[SUM_LABEL].text = report_sum_label(desk->language, sum->count);
        values[SUM_VALUE].text = shown_count(desk, sum->now, now[sum->count], &hidden);
        if (sum->before >= 0)
            values[SUM_BEFORE].text = shown_count(desk, sum->before, before[sum->count], &hidden);
        values[SUM_ALARM].text = desk_flag(desk, is_bad(sum->count) && sum->now > 0);
    }
    body[BODY_SUMS] = desk_list_value(&list);
    return hidden;
}

static void say_head(struct desk *desk, const struct report_facts *facts, struct template_value *body)
{
    const struct report_mail *mail = facts->mail;
    body[BODY_TITLE].text = report_title(facts->report, desk->language);
    body[BODY_UNIT].text = unit_names(desk, mail);
    body[BODY_OWN].text = desk_flag(desk, mail->unit_count == 0);
    body[BODY_ROLE].text = phrase_role(desk->language, mail->role);
    body[BODY_WRITTEN].text = desk_full_date(desk, mail->decided_at);
    if (mail->late) {
        phrase_full_moment(desk->language, desk->zone, mail->due_at, &desk->draft);
        body[BODY_LATE].text = desk_take(desk);
    }
    body[BODY_STAND_IN].text = desk_flag(desk, mail->stands_in);
    if (*mail->not_reached) {
        body[BODY_NOT_REACHED].text = phrase_role(desk->language, mail->not_reached);
        body[BODY_NOT_REACHED_UNIT].text = mail->not_reached_unit;
    }
    bool compared = false;
    for (size_t i = 0; i < mail->sum_count; i++)
        compared |= mail->sums[i].before >= 0;
    if (compared)
        body[BODY_COMPARED].text = desk_short_date(desk, mail->last_at);
    body[BODY_EMPTY].text = desk_flag(desk, mail->empty);
    body[BODY_DAYS].text = desk_number(desk, (size_t)facts->report->within_days);
}

void report_word(const struct report_facts *facts, enum language language, int small_counts,
                 struct mail_text *into)
{
    struct desk desk = {.language = language, .zone = facts->rules->zone, .small_counts = small_counts};
    struct template_value subject[SUBJECT_FIELDS] = {0}, body[BODY_FIELDS] = {0};
    say_head(&desk, facts, body);
    say_remands(&desk, facts, body);
    say_both(&desk, facts, body);
    int hidden = say_rules(&desk, facts, body) + say_sums(&desk, facts, body);
    if (hidden > 0)
        body[BODY_FEW].text = desk_number(&desk, (size_t)small_counts);
    subject[SUBJECT_TITLE].text = body[BODY_TITLE].text;
    subject[SUBJECT_UNIT].text = body[BODY_UNIT].text;
    subject[SUBJECT_DATE].text = desk_short_date(&desk, facts->mail->decided_at);
    mail_templates_render(&facts->report->templates->mail, subject, body, into);
    desk_end(&desk);
}
