// SPDX-License-Identifier: MPL-2.0
#include "command/report_sample.h"

#include "core/phrases.h"

static instant moment(const struct zone *zone, int month, int day, int hour, int minute)
{
    return zone_to_instant(zone, civil_from_ymd(2026, month, day), hour * 3600 + minute * 60);
}

static instant end_of(const struct zone *zone, int month, int day)
{
    return zone_to_instant(zone, civil_from_ymd(2026, month, day), SECONDS_PER_DAY - 1);
}

// The titles of the rules that stand in it, as the catalogue has them; their ids are the codes.
#define RULES 3
static const char *const titles[RULES][3] = {
    {"K01", "Vurdering af underretning inden 24 timer", "Assessment of a notification within 24 hours"},
    {"K20", "Børnefaglig undersøgelse afsluttes", "Child assessment is finished"},
    {"K212", "Hjemvist sag registreret og fordelt", "Ruling registered and given to a caseworker"}};

struct sample_rules {
    struct rule rules[RULES], *versions[RULES];
    struct rule_line lines[RULES];
};

static struct ruleset make_rules(const struct zone *zone, struct sample_rules *into)
{
    for (int i = 0; i < RULES; i++) {
        into->rules[i] =
            (struct rule){.id = titles[i][0], .title_da = titles[i][1], .title_en = titles[i][2]};
        into->versions[i] = &into->rules[i];
        into->lines[i] =
            (struct rule_line){.id = titles[i][0], .versions = &into->versions[i], .version_count = 1};
    }
    return (struct ruleset){.zone = zone, .lines = into->lines, .line_count = RULES};
}

struct data {
    struct remand remands[3];
    struct report_deadline broken[2], coming[2];
    struct report_rule_row rules[3];
    const char *units[1], *roles[1];
};

// One that has everything against it, one told in time, one as it should be.
static void fill_remands(const struct zone *zone, struct remand remands[3])
{
    const instant none = INSTANT_NONE, due = moment(zone, 3, 16, 9, 0);
    remands[0] = (struct remand){.case_id = "S-0871",
                                 .subject = "H-3",
                                 .unit = "fam-nord",
                                 .received_at = moment(zone, 1, 12, 10, 15),
                                 .ended_at = none,
                                 .followed_up_at = none,
                                 .follow_up_due = due,
                                 .missed = 3,
                                 .help_at = none,
                                 .limit_at = end_of(zone, 3, 9),
                                 .limit_broken = true,
                                 .letter = LETTER_MISSING,
                                 .letter_at = none,
                                 .letter_to = CIVIL_NONE};
    remands[1] = (struct remand){.case_id = "S-1004",
                                 .subject = "H-1",
                                 .unit = "handicap",
                                 .received_at = moment(zone, 1, 30, 9, 0),
                                 .ended_at = none,
                                 .followed_up_at = moment(zone, 3, 11, 14, 0),
                                 .follow_up_due = due,
                                 .help = HELP_RESTORED,
                                 .help_at = moment(zone, 2, 2, 12, 0),
                                 .limit_at = end_of(zone, 4, 17),
                                 .letter = LETTER_SENT,
                                 .letter_at = moment(zone, 3, 4, 13, 0),
                                 .letter_to = civil_from_ymd(2026, 4, 17),
                                 .cause = CAUSE_PRACTICE};
    remands[2] = (struct remand){.case_id = "S-1190",
                                 .subject = "H-2",
                                 .unit = "fam-syd",
                                 .received_at = moment(zone, 3, 10, 11, 30),
                                 .ended_at = none,
                                 .followed_up_at = none,
                                 .follow_up_due = due,
                                 .help = HELP_NOT_RELEVANT,
                                 .help_at = moment(zone, 3, 11, 9, 0),
                                 .limit_at = end_of(zone, 5, 5),
                                 .letter_at = none,
                                 .letter_to = CIVIL_NONE,
                                 .cause = CAUSE_ERROR};
}

static void fill_deadlines(const struct zone *zone, struct data *data)
{
    data->broken[0] = (struct report_deadline){"S-1001",       "B-3", "fam-nord",          "",  "K20", "K20",
                                               RULE_STATUTORY, false, end_of(zone, 2, 28), true};
    data->broken[1] = (struct report_deadline){"S-1042", "",    "fam-syd",           "",  "K212", "K212",
                                               RULE_OWN, false, end_of(zone, 3, 12), true};
    data->coming[0] = (struct report_deadline){
        "S-1107", "U-17", "fam-nord", "", "K01", "K01", RULE_STATUTORY, false, moment(zone, 3, 16, 15, 30),
        false};
    data->coming[1] = (struct report_deadline){"S-1012",       "P-2", "fam-syd",           "",   "K31", "K31",
                                               RULE_STATUTORY, true,  end_of(zone, 3, 23), false};
    data->rules[0] = (struct report_rule_row){"K01", "K01", RULE_STATUTORY, false, 0, 4};
    data->rules[1] = (struct report_rule_row){"K20", "K20", RULE_STATUTORY, false, 12, 31};
    data->rules[2] = (struct report_rule_row){"K44", "K44", RULE_STATUTORY, true, 1, 2};
}

static void add_sums(const enum report_content *content, enum report_sample sample, struct report_mail *mail)
{
    static const struct report_sum sums[] = {
        {COUNT_BROKEN, 2, 5},          {COUNT_BROKEN_LAW, 1, 3},   {COUNT_COMING, 7, 4},
        {COUNT_REMANDS, 3, 4},         {COUNT_NEW, 1, -1},         {COUNT_ENDED, 2, -1},
        {COUNT_NOT_FOLLOWED_UP, 2, 1}, {COUNT_MISSED_AGAIN, 1, 1}, {COUNT_LIMIT_BROKEN, 1, 0},
        {COUNT_NOT_TOLD, 1, 0},        {COUNT_HELP_OPEN, 1, 2},    {COUNT_CAUSE_OPEN, 1, 1},
    };
    for (size_t i = 0; i < sizeof sums / sizeof sums[0]; i++)
        if (content == NULL || report_counts_of(*content, sums[i].count)) {
            struct report_sum *sum = &mail->sums[mail->sum_count++];
            *sum = sums[i];
            if (sample == REPORT_EMPTY)
                sum->now = 0;
        }
}

static void add_rows(struct data *data, struct report_mail *mail)
{
    mail->remands = data->remands;
    mail->remand_count = 3;
    mail->broken = data->broken;
    mail->coming = data->coming;
    mail->broken_count = mail->coming_count = 2;
    mail->coming_left_out = 5;
}

instant report_sample_word(const struct report_templates *templates, const enum report_content *content,
                           const char *title, enum report_sample sample, bool own, const struct zone *zone,
                           enum language language, struct mail_text *into)
{
    struct data data = {.units = {"familieafdelingen"}, .roles = {own ? "caseworker" : "department_head"}};
    struct report report = {.name = "sample",
                            .title_da = content && *content == REPORT_REMANDS ? "Hjemviste sager"
                                        : own                                 ? "Dagens frister"
                                                                              : "Ugens frister",
                            .title_en = content && *content == REPORT_REMANDS ? "Remanded cases"
                                        : own                                 ? "Today's deadlines"
                                                                              : "The week's deadlines",
                            .content = content ? *content : REPORT_DEADLINES,
                            .within_days = 14,
                            .counts_only = sample == REPORT_COUNTED,
                            .templates = (struct report_templates *)templates};
    if (title)
        report.title_da = report.title_en = title;
    struct report_mail mail = {.report = report.name,
                               .due_at = moment(zone, 3, 16, 7, 0),
                               .decided_at = moment(zone, 3, 16, sample == REPORT_LATE ? 11 : 7, 0),
                               .last_at = moment(zone, 3, 9, 7, 0),
                               .late = sample == REPORT_LATE,
                               .stands_in = sample == REPORT_LATE,
                               .role = data.roles[0],
                               .not_reached = sample == REPORT_LATE ? "team_leader" : "",
                               .not_reached_unit = "fam-nord",
                               .units = data.units,
                               .unit_count = !own,
                               .empty = sample == REPORT_EMPTY};
    fill_remands(zone, data.remands);
    fill_deadlines(zone, &data);
    add_sums(content, sample, &mail);
    if (sample == REPORT_COUNTED) {
        mail.rules = data.rules;
        mail.rule_count = 3;
    } else if (sample != REPORT_EMPTY) {
        add_rows(&data, &mail);
    }
    struct sample_rules made;
    const struct ruleset rules = make_rules(zone, &made);
    const struct report_facts facts = {.report = &report,
                                       .mail = &mail,
                                       .rules = &rules,
                                       .link = "https://fagsystem.kommune.example/sag/{case}"};
    report_word(&facts, language, SMALL_COUNTS_DEFAULT, into);
    return mail.decided_at;
}
