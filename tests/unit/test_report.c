// SPDX-License-Identifier: MPL-2.0
// Reports: when they come, what is read of a remand, who gets what in which order, the sums and what they
// were, the text they are written down as, and small counts.
#include "core/report_wording.h"

#include "support/rule_builder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct zone *zone;

static int set_up(void **state)
{
    (void)state;
    zone = copenhagen();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    zone_free(zone);
    return 0;
}

static instant at(const char *text)
{
    return builder_instant(zone, text);
}

// --- when ---

static void comes_at_local_time(void **state)
{
    (void)state;
    static const struct {
        const char *rule, *after, *next;
    } cases[] = {
        {"FREQ=WEEKLY;BYDAY=MO;BYHOUR=7", "2026-03-23T06:59:59", "2026-03-23T07:00:00+01:00"},
        {"FREQ=WEEKLY;BYDAY=MO;BYHOUR=7", "2026-03-23T07:00:00", "2026-03-30T07:00:00+02:00"}, // summer time
        {"FREQ=WEEKLY;BYDAY=MO;BYHOUR=7", "2026-10-19T07:00:00", "2026-10-26T07:00:00+01:00"}, // and back
        {"FREQ=WEEKLY;BYDAY=MO;BYHOUR=7", "2026-03-24T00:00:00", "2026-03-30T07:00:00+02:00"},
        {"FREQ=WEEKLY;INTERVAL=2;BYDAY=MO", "2024-01-02T00:00:00",
         "2024-01-15T00:00:00"}, // from 1 January 2024
        {"FREQ=DAILY;BYHOUR=2;BYMINUTE=30", "2026-03-28T12:00:00", "2026-03-29T03:00:00+02:00"}, // skipped
        {"FREQ=DAILY;BYHOUR=2;BYMINUTE=30", "2026-10-25T02:30:00+02:00",
         "2026-10-26T02:30:00"}, // twice: once
        {"FREQ=MONTHLY;BYDAY=1MO;BYHOUR=8", "2026-03-02T08:00:00", "2026-04-06T08:00:00"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct report report = {0};
        struct error err;
        assert_int_equal(recurrence_parse(cases[i].rule, strlen(cases[i].rule), &report.when, &err), 0);
        assert_int_equal(report_next_due(&report, zone, at(cases[i].after)), at(cases[i].next));
        recurrence_free(report.when);
    }
}

// --- remands ---

#define R "hjemvisning."

static void make_rules(struct rule_builder *builder)
{
    builder_init(builder, zone);
    struct rule *limit = builder_rule(builder, "hjemvisning.ny_afgoerelse");
    limit->code = "K70";
    builder_kinds(builder, &limit->start, R "modtaget");
    builder_kinds(builder, &limit->stop, R "ny_afgoerelse_sendt");
    builder_kinds(builder, &limit->cancel, R "bortfaldet");
    builder_kinds(builder, &limit->extend, R "frist_forlaenget");
    builder_after(&limit->due, "8 weeks");
    struct rule *weekly = builder_rule(builder, "hjemvisning.ugentlig");
    weekly->code = "K71";
    builder_kinds(builder, &weekly->start, R "modtaget");
    builder_kinds(builder, &weekly->stop, R "opfoelgning");
    builder_kinds(builder, &weekly->cancel, R "ny_afgoerelse_sendt hjemvisning.bortfaldet");
    builder_every(builder, &weekly->due, "FREQ=WEEKLY;BYDAY=MO;BYHOUR=9;BYMINUTE=0;BYSECOND=0");
    struct escalation *escalation = builder_escalation(builder, "e");
    struct stage *stage = builder_stage(escalation, STAGE_BREACH, NULL, NULL);
    static const char *to[] = {"team_leader", "department_head", "centre_head"};
    stage->to = to;
    stage->to_count = 3;
    weekly->escalation = escalation;
    // Another weekly look that tells nobody: it does not speak for the week.
    struct rule *quiet = builder_rule(builder, "egen.hjemvisning.ugentlig");
    builder_kinds(builder, &quiet->start, R "modtaget");
    builder_kinds(builder, &quiet->stop, R "opfoelgning");
    builder_every(builder, &quiet->due, "FREQ=WEEKLY;BYDAY=FR;BYHOUR=12;BYMINUTE=0;BYSECOND=0");
    struct rule *other = builder_rule(builder, "bfu.afslutning");
    other->code = "K20";
    builder_kinds(builder, &other->start, "bfu.opmaerksom");
    builder_after(&other->due, "4 months");
    builder_finish(builder);
}

struct given {
    const char *kind, *when, *subject;
    const char *due_on;
};

static size_t collect(const struct rule_builder *builder, const struct given *given, const char *now,
                      const char *ended_after, struct remand_list *list)
{
    struct event events[16];
    struct casefile casefile = {
        .id = "S-1", .type = "barn", .unit = "nord", .caseworker = "c1", .events = events};
    char ids[16][4];
    for (size_t i = 0; i < 16 && given[i].kind; i++) {
        snprintf(ids[i], sizeof ids[i], "%zu", i + 1);
        events[casefile.event_count++] =
            (struct event){ids[i], given[i].subject ? given[i].subject : "H", given[i].kind,
                           at(given[i].when), given[i].due_on ? builder_date(given[i].due_on) : CIVIL_NONE};
    }
    struct evaluator *evaluator = evaluator_new(&builder->rules);
    const struct evaluation *evaluation = evaluate(evaluator, &casefile, at(now), 0);
    list->count = 0;
    remand_collect(&builder->rules, &casefile, evaluation, at(now), at(ended_after), list);
    evaluator_free(evaluator);
    return list->count;
}

static void reads_a_remand(void **state)
{
    (void)state;
    struct rule_builder builder;
    struct remand_list list = {0};
    make_rules(&builder);
    assert_true(remand_is_rule(
        &builder.rules,
        builder.rules.lines[rules_find_line(&builder.rules, "hjemvisning.ugentlig")].versions[0]));
    assert_false(remand_is_rule(
        &builder.rules, builder.rules.lines[rules_find_line(&builder.rules, "bfu.afslutning")].versions[0]));

    static const struct {
        const char *what, *now;
        struct given events[8];
        const char *received, *followed_up, *limit, *letter_at;
        int missed;
        enum remand_help help;
        enum remand_letter letter;
        enum remand_cause cause;
        bool broken;
    } cases[] = {
        {"nothing recorded",
         "2026-03-23T07:00",
         {{R "modtaget", "2026-03-02T10:00", NULL, NULL}},
         "2026-03-02T10:00",
         NULL,
         "2026-04-27T23:59:59",
         NULL,
         2,
         HELP_OPEN,
         LETTER_NONE,
         CAUSE_NONE,
         false},
        {"followed up this week: the row of misses is over",
         "2026-03-23T07:00",
         {{R "modtaget", "2026-03-02T10:00", NULL, NULL}, {R "opfoelgning", "2026-03-18T10:00", NULL, NULL}},
         "2026-03-02T10:00",
         "2026-03-18T10:00",
         "2026-04-27T23:59:59",
         NULL,
         0,
         HELP_OPEN,
         LETTER_NONE,
         CAUSE_NONE,
         false},
        {"followed up last week alone",
         "2026-03-23T07:00",
         {{R "modtaget", "2026-03-02T10:00", NULL, NULL}, {R "opfoelgning", "2026-03-11T10:00", NULL, NULL}},
         "2026-03-02T10:00",
         NULL,
         "2026-04-27T23:59:59",
         NULL,
         0,
         HELP_OPEN,
         LETTER_NONE,
         CAUSE_NONE,
         false},
        {"help, letter and cause; the latest cause counts",
         "2026-03-23T07:00",
         {{R "modtaget", "2026-03-02T10:00", NULL, NULL},
          {R "hjaelp_genetableret", "2026-03-03T10:00", NULL, NULL},
          {R "frist_forlaenget", "2026-03-20T10:00", NULL, "2026-06-01"},
          {R "aarsag_nye_oplysninger", "2026-03-20T10:00", NULL, NULL},
          {R "aarsag_fejl", "2026-03-19T10:00", NULL, NULL}},
         "2026-03-02T10:00",
         NULL,
         "2026-06-01T23:59:59",
         "2026-03-20T10:00",
         2,
         HELP_RESTORED,
         LETTER_SENT,
         CAUSE_FACTS,
         false},
        {"the limit passed, nobody told",
         "2026-04-28T07:00",
         {{R "modtaget", "2026-03-02T10:00", NULL, NULL}},
         "2026-03-02T10:00",
         NULL,
         "2026-04-27T23:59:59",
         NULL,
         8,
         HELP_OPEN,
         LETTER_MISSING,
         CAUSE_NONE,
         true},
        {"told too late",
         "2026-05-01T07:00",
         {{R "modtaget", "2026-03-02T10:00", NULL, NULL},
          {R "frist_forlaenget", "2026-04-29T10:00", NULL, "2026-06-01"}},
         "2026-03-02T10:00",
         NULL,
         "2026-04-27T23:59:59",
         "2026-04-29T10:00",
         8,
         HELP_OPEN,
         LETTER_LATE,
         CAUSE_NONE,
         true},
        {"on the case as a whole",
         "2026-03-05T07:00",
         {{R "modtaget", "2026-03-02T10:00", NULL, NULL},
          {R "retsstilling_ikke_relevant", "2026-03-03T10:00", "", NULL},
          {R "aarsag_aendret_praksis", "2026-03-04T10:00", "", NULL}},
         "2026-03-02T10:00",
         NULL,
         "2026-04-27T23:59:59",
         NULL,
         0,
         HELP_NOT_RELEVANT,
         LETTER_NONE,
         CAUSE_PRACTICE,
         false},
        {"of another subject: not his",
         "2026-03-05T07:00",
         {{R "modtaget", "2026-03-02T10:00", NULL, NULL},
          {R "hjaelp_genetableret", "2026-03-03T10:00", "X", NULL}},
         "2026-03-02T10:00",
         NULL,
         "2026-04-27T23:59:59",
         NULL,
         0,
         HELP_OPEN,
         LETTER_NONE,
         CAUSE_NONE,
         false},
        {"remanded a second time: what was before does not count",
         "2026-03-23T07:00",
         {{R "modtaget", "2025-01-06T10:00", NULL, NULL},
          {R "hjaelp_genetableret", "2025-01-07T10:00", NULL, NULL},
          {R "ny_afgoerelse_sendt", "2025-02-03T10:00", NULL, NULL},
          {R "modtaget", "2026-03-18T10:00", NULL, NULL}},
         "2026-03-18T10:00",
         NULL,
         "2026-05-13T23:59:59",
         NULL,
         0,
         HELP_OPEN,
         LETTER_NONE,
         CAUSE_NONE,
         false},
        {"received twice while open: the first counts",
         "2026-03-05T07:00",
         {{R "modtaget", "2026-03-02T10:00", NULL, NULL}, {R "modtaget", "2026-03-04T10:00", NULL, NULL}},
         "2026-03-02T10:00",
         NULL,
         "2026-04-27T23:59:59",
         NULL,
         0,
         HELP_OPEN,
         LETTER_NONE,
         CAUSE_NONE,
         false},
        {"what is later than now is not there yet",
         "2026-03-05T07:00",
         {{R "modtaget", "2026-03-02T10:00", NULL, NULL},
          {R "ny_afgoerelse_sendt", "2026-03-06T10:00", NULL, NULL},
          {R "hjaelp_genetableret", "2026-03-06T10:00", NULL, NULL}},
         "2026-03-02T10:00",
         NULL,
         "2026-04-27T23:59:59",
         NULL,
         0,
         HELP_OPEN,
         LETTER_NONE,
         CAUSE_NONE,
         false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        print_message("%s\n", cases[i].what);
        assert_int_equal(collect(&builder, cases[i].events, cases[i].now, cases[i].now, &list), 1);
        const struct remand *remand = &list.remands[0];
        assert_int_equal(remand->ended_at, INSTANT_NONE);
        assert_int_equal(remand->received_at, at(cases[i].received));
        assert_int_equal(remand->followed_up_at,
                         cases[i].followed_up ? at(cases[i].followed_up) : INSTANT_NONE);
        assert_int_equal(remand->missed, cases[i].missed);
        assert_int_equal(remand->limit_at, at(cases[i].limit));
        assert_int_equal(remand->limit_broken, cases[i].broken);
        assert_int_equal(remand->help, cases[i].help);
        assert_int_equal(remand->letter, cases[i].letter);
        assert_int_equal(remand->letter_at, cases[i].letter_at ? at(cases[i].letter_at) : INSTANT_NONE);
        assert_int_equal(remand->cause, cases[i].cause);
        struct civil_time due = zone_to_civil(zone, remand->follow_up_due);
        assert_int_equal(civil_weekday(due.date), MONDAY);
        assert_int_equal(due.second, 9 * 3600);
    }
    free(list.remands);
    builder_done(&builder);
}

static void ended_remands_count_once(void **state)
{
    (void)state;
    struct rule_builder builder;
    struct remand_list list = {0};
    static const struct given events[8] = {{R "modtaget", "2026-03-02T10:00", NULL, NULL},
                                           {R "ny_afgoerelse_sendt", "2026-03-12T10:00", NULL, NULL}};
    make_rules(&builder);
    assert_int_equal(collect(&builder, events, "2026-03-16T07:00", "2026-03-09T07:00", &list), 1);
    assert_int_equal(list.remands[0].ended_at, at("2026-03-12T10:00"));
    assert_int_equal(collect(&builder, events, "2026-03-23T07:00", "2026-03-16T07:00", &list), 0);
    free(list.remands);
    builder_done(&builder);
}

// --- who gets one, and what ---

#define TODAY 20517 // Thursday 5 March 2026

static struct people municipality(void)
{
    struct people people = {0};
    const struct person persons[] = {
        {"al", "al@x.dk", "familie", "department_head", CIVIL_NONE, CIVIL_NONE, ""},
        {"c1", "c1@x.dk", "nord", "caseworker", CIVIL_NONE, CIVIL_NONE, ""},
        {"cc", "cc@x.dk", "center", "centre_head", CIVIL_NONE, CIVIL_NONE, ""},
        {"tl1", "tl1@x.dk", "nord", "team_leader", CIVIL_NONE, CIVIL_NONE, ""},
        {"tl1", "tl1@x.dk", "vest", "team_leader", CIVIL_NONE, CIVIL_NONE, ""},
        {"tl2", "tl2@x.dk", "syd", "team_leader", TODAY - 1, TODAY + 1, "tl1"},
        {"tl3", "", "handicap", "team_leader", CIVIL_NONE, CIVIL_NONE, ""},
    };
    static const char *const units[][2] = {{"center", ""},      {"familie", "center"},
                                           {"nord", "familie"}, {"syd", "familie"},
                                           {"vest", "familie"}, {"handicap", "familie"}};
    for (size_t i = 0; i < COUNT(persons); i++)
        people_add(&people, &persons[i]);
    for (size_t i = 0; i < COUNT(units); i++)
        people_add_unit(&people, units[i][0], units[i][1]);
    people_finish(&people);
    return people;
}

static struct remand open_remand(const char *case_id, const char *unit, const char *received)
{
    return (struct remand){.case_id = case_id,
                           .subject = "H",
                           .unit = unit,
                           .caseworker = "c1",
                           .received_at = at(received),
                           .ended_at = INSTANT_NONE,
                           .followed_up_at = INSTANT_NONE,
                           .follow_up_due = at("2026-03-09T09:00"),
                           .help_at = INSTANT_NONE,
                           .limit_at = at("2026-04-27T23:59:59"),
                           .letter_at = INSTANT_NONE,
                           .letter_to = CIVIL_NONE};
}

static int sum_of(const struct report_mail *mail, enum report_count count, int *ret_before)
{
    for (size_t i = 0; i < mail->sum_count; i++)
        if (mail->sums[i].count == count) {
            *ret_before = mail->sums[i].before;
            return mail->sums[i].now;
        }
    *ret_before = -2;
    return -2;
}

static const struct report_addressee *addressee_of(const struct report_addressee *addressees, size_t count,
                                                   const char *holder)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(addressees[i].holder, holder) == 0)
            return &addressees[i];
    fail_msg("%s is not addressed", holder);
    return NULL;
}

static void each_leader_gets_his_units(void **state)
{
    (void)state;
    static const char *roles[] = {"team_leader", "department_head", "centre_head"};
    const struct report report = {
        .name = "r", .content = REPORT_REMANDS, .recipients = roles, .recipient_count = 3};
    struct people people = municipality();
    struct remand remands[] = {
        open_remand("S-2", "nord", "2026-03-03T10:00"), open_remand("S-1", "nord", "2026-02-03T10:00"),
        open_remand("S-3", "vest", "2026-03-01T10:00"), open_remand("S-4", "syd", "2026-03-01T10:00"),
        open_remand("S-5", "nord", "2026-01-01T10:00")};
    remands[1].missed = 2;
    remands[4].ended_at = at("2026-03-03T10:00");
    const struct report_unit_count last[] = {{"nord", {[COUNT_REMANDS] = 4, [COUNT_MISSED_AGAIN] = 1}},
                                             {"syd", {[COUNT_REMANDS] = 7}},
                                             {"nedlagt", {[COUNT_REMANDS] = 9}}};
    const struct report_material material = {.report = &report,
                                             .people = &people,
                                             .due_at = at("2026-03-05T07:00"),
                                             .now = at("2026-03-05T07:00:05"),
                                             .last_at = at("2026-02-26T07:00"),
                                             .remands = remands,
                                             .remand_count = COUNT(remands),
                                             .last = last,
                                             .last_count = COUNT(last),
                                             .today = TODAY};
    struct arena arena = {0};
    struct report_addressee *addressees;
    size_t count = report_addressees(&material, &arena, &addressees);
    assert_int_equal(count, 5); // al, cc, tl1 once though he leads two units, tl2, tl3; no caseworker

    struct report_mail mail;
    int before;
    report_mail_make(&material, addressee_of(addressees, count, "tl1"), &arena, &mail);
    assert_int_equal(mail.remand_count, 3);
    assert_string_equal(mail.remands[0].case_id, "S-1"); // the oldest first
    assert_string_equal(mail.remands[1].case_id, "S-3");
    assert_string_equal(mail.remands[2].case_id, "S-2");
    assert_false(mail.late);
    assert_int_equal(sum_of(&mail, COUNT_REMANDS, &before), 3);
    assert_int_equal(before, 4);
    assert_int_equal(sum_of(&mail, COUNT_MISSED_AGAIN, &before), 1);
    assert_int_equal(before, 1);
    assert_int_equal(sum_of(&mail, COUNT_NEW, &before), 2);
    assert_int_equal(before, -1);
    assert_int_equal(sum_of(&mail, COUNT_ENDED, &before), 1);
    assert_int_equal(sum_of(&mail, COUNT_BROKEN, &before), -2);

    report_mail_make(&material, addressee_of(addressees, count, "al"), &arena, &mail);
    assert_int_equal(mail.remand_count, 4);
    assert_int_equal(sum_of(&mail, COUNT_REMANDS, &before), 4);
    assert_int_equal(before, 11); // what stood in a unit that is gone is nobody's

    const struct report_addressee *away = addressee_of(addressees, count, "tl2");
    assert_string_equal(away->person_id, "tl1");
    assert_true(away->stands_in);
    const struct report_addressee *none = addressee_of(addressees, count, "tl3");
    assert_null(none->person_id);
    report_mail_make(&material, none, &arena, &mail);
    assert_true(mail.empty);

    struct report_unit_count *units;
    size_t unit_count = report_count_units(&material, &units);
    int totals[REPORT_COUNTS];
    report_total(units, unit_count, totals);
    assert_int_equal(unit_count, 3);
    assert_string_equal(units[0].unit, "nord");
    assert_int_equal(totals[COUNT_REMANDS], 4);
    assert_int_equal(totals[COUNT_ENDED], 1);
    free(units);
    arena_done(&arena);
    people_done(&people);
}

static void the_level_above_is_the_next_one_up(void **state)
{
    (void)state;
    static const struct {
        const char *role, *unit, *except, *expected;
    } cases[] = {
        {"team_leader", "nord", "tl1", "al"},   {"department_head", "familie", "al", "cc"},
        {"centre_head", "center", "cc", ""},    {"caseworker", "nord", "c1", "tl1"},
        {"caseworker", "handicap", "c9", "al"}, // its leader cannot be reached either
        {"team_leader", "nowhere", "x", ""},
    };
    struct rule_builder builder;
    struct people people = municipality();
    static const char *roles[] = {"team_leader"};
    const struct report report = {.name = "r", .recipients = roles, .recipient_count = 1};
    make_rules(&builder);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct recipient found[REPORT_PEOPLE_MAX];
        size_t count = report_next_level(&report, &builder.rules, &people, cases[i].role, cases[i].unit,
                                         cases[i].except, TODAY, found);
        assert_int_equal(count, *cases[i].expected != '\0');
        if (count > 0)
            assert_string_equal(found[0].person_id, cases[i].expected);
    }
    builder_done(&builder);
    people_done(&people);
}

static struct report_deadline deadline(const char *case_id, const char *unit, const char *caseworker,
                                       const char *code, enum rule_kind kind, const char *due, bool broken)
{
    return (struct report_deadline){case_id, "U",  unit,  caseworker, "bfu.afslutning",
                                    code,    kind, false, at(due),    broken};
}

static void caseworkers_get_their_own(void **state)
{
    (void)state;
    static const char *roles[] = {"caseworker"};
    struct report report = {.name = "r",
                            .content = REPORT_DEADLINES,
                            .recipients = roles,
                            .recipient_count = 1,
                            .skip_empty = true};
    struct people people = municipality();
    const struct report_deadline deadlines[] = {
        deadline("S-1", "nord", "c1", "K20", RULE_STATUTORY, "2026-03-10T23:59:59", false),
        deadline("S-2", "nord", "c1", "K21", RULE_STATUTORY, "2026-03-01T23:59:59", true),
        deadline("S-3", "nord", "c1", "K22", RULE_OWN, "2026-02-01T23:59:59", true),
        deadline("S-4", "nord", "gone", "K20", RULE_STATUTORY, "2026-02-01T23:59:59", true),
    };
    const struct report_material material = {.report = &report,
                                             .people = &people,
                                             .due_at = at("2026-03-05T07:00"),
                                             .now = at("2026-03-05T09:00"),
                                             .last_at = INSTANT_NONE,
                                             .deadlines = deadlines,
                                             .deadline_count = COUNT(deadlines),
                                             .today = TODAY};
    struct arena arena = {0};
    struct report_addressee *addressees;
    struct report_mail mail;
    int before;
    size_t count = report_addressees(&material, &arena, &addressees);
    assert_int_equal(count, 2);
    assert_null(addressee_of(addressees, count, "gone")->person_id);
    assert_string_equal(addressee_of(addressees, count, "gone")->unit, "nord");
    report_mail_make(&material, addressee_of(addressees, count, "c1"), &arena, &mail);
    assert_true(mail.late);
    assert_int_equal(mail.broken_count, 2);
    assert_string_equal(mail.broken[0].case_id, "S-3");
    assert_int_equal(mail.coming_count, 1);
    assert_int_equal(sum_of(&mail, COUNT_BROKEN, &before), 2);
    assert_int_equal(before, -1);
    assert_int_equal(sum_of(&mail, COUNT_BROKEN_LAW, &before), 1);
    // Counts instead of cases.
    report.counts_only = true;
    report_mail_make(&material, addressee_of(addressees, count, "c1"), &arena, &mail);
    assert_int_equal(mail.broken_count + mail.coming_count, 0);
    assert_int_equal(mail.rule_count, 1);
    assert_int_equal(mail.rules[0].broken, 2);
    assert_false(mail.empty);
    arena_done(&arena);
    people_done(&people);
}

static void the_worst_are_shown_and_the_rest_is_counted(void **state)
{
    (void)state;
    static const char *roles[] = {"team_leader"};
    const struct report report = {.name = "r", .recipients = roles, .recipient_count = 1};
    struct people people = municipality();
    static struct report_deadline deadlines[REPORT_ROWS_MAX + 7];
    for (size_t i = 0; i < COUNT(deadlines); i++) {
        deadlines[i] = deadline("S", "nord", "c1", "K20", RULE_STATUTORY, "2026-03-01T23:59:59", true);
        deadlines[i].due_at -= (instant)i * 86400; // the last is the worst
    }
    const struct report_material material = {.report = &report,
                                             .people = &people,
                                             .now = at("2026-03-05T09:00"),
                                             .last_at = INSTANT_NONE,
                                             .deadlines = deadlines,
                                             .deadline_count = COUNT(deadlines),
                                             .today = TODAY};
    struct arena arena = {0};
    struct report_addressee *addressees;
    struct report_mail mail;
    int before;
    size_t count = report_addressees(&material, &arena, &addressees);
    report_mail_make(&material, addressee_of(addressees, count, "tl1"), &arena, &mail);
    assert_int_equal(mail.broken_count, REPORT_ROWS_MAX);
    assert_int_equal(mail.broken_left_out, 7);
    assert_int_equal(mail.broken[0].due_at, deadlines[COUNT(deadlines) - 1].due_at);
    assert_int_equal(sum_of(&mail, COUNT_BROKEN, &before), REPORT_ROWS_MAX + 7);
    arena_done(&arena);
    people_done(&people);
}

// --- as text ---

static struct report_mail sample(struct remand *remand, struct report_deadline *one, const char **units)
{
    *remand = open_remand("S\t1\n", "nord", "2026-03-02T10:00");
    remand->missed = 3;
    remand->letter = LETTER_LATE;
    remand->letter_at = at("2026-03-04T10:00");
    remand->letter_to = TODAY;
    remand->help = HELP_RESTORED;
    remand->help_at = at("2026-03-03T10:00");
    remand->cause = CAUSE_PRACTICE;
    *one = deadline("S-2", "syd", "c1", "K20", RULE_OWN, "2026-03-01T23:59:59", true);
    units[0] = "nord";
    return (struct report_mail){.report = "r",
                                .due_at = 1,
                                .decided_at = 2,
                                .last_at = INSTANT_NONE,
                                .late = true,
                                .role = "team_leader",
                                .not_reached = "department_head",
                                .not_reached_unit = "familie",
                                .units = units,
                                .unit_count = 1,
                                .sums = {{COUNT_REMANDS, 4, -1}},
                                .sum_count = 1,
                                .remands = remand,
                                .remand_count = 1,
                                .remands_left_out = 5,
                                .broken = one,
                                .broken_count = 1};
}

static void is_written_down_and_read(void **state)
{
    (void)state;
    struct remand remand;
    struct report_deadline one;
    const char *units[1];
    struct report_mail mail = sample(&remand, &one, units), back;
    struct buffer text = {0}, again = {0};
    struct arena arena = {0};
    report_mail_write(&mail, &text);
    assert_int_equal(report_mail_read(text.data, &arena, &back), 0);
    report_mail_write(&back, &again);
    assert_string_equal(text.data, again.data);
    assert_string_equal(back.remands[0].case_id, "S 1 "); // what would end a field or a line cannot
    assert_int_equal(back.remands[0].cause, CAUSE_PRACTICE);
    assert_int_equal(back.remands[0].letter_to, TODAY);
    assert_int_equal(back.remands_left_out, 5);
    assert_int_equal(back.last_at, INSTANT_NONE);
    assert_string_equal(back.not_reached_unit, "familie");
    // Cut anywhere it is refused or is whole lines; nothing is read beyond it.
    for (size_t length = 0; length < text.length; length++) {
        char *cut = arena_copy(&arena, text.data, length);
        int result = report_mail_read(cut, &arena, &back);
        assert_true(result == -1 || (length > 0 && cut[length - 1] == '\n'));
    }
    static const char *const wrong[] = {"",
                                        "nonsense\n",
                                        "report\tr\n",
                                        "sum\tremands\t1\t1\n",
                                        "report\tr\t1\t2\t-\t9\tx\t0\t0\t\t\n",
                                        "report\tr\tx\t2\t-\t0\tx\t0\t0\t\t\n"};
    for (size_t i = 0; i < COUNT(wrong); i++)
        assert_int_equal(report_mail_read(wrong[i], &arena, &back), -1);
    arena_done(&arena);
    buffer_done(&text);
    buffer_done(&again);
}

// --- small counts ---

static int read_plain(void *data, const char *file, struct template_source *ret_source, struct error *err)
{
    (void)data;
    (void)err;
    static const char body[] =
        "{{#sums}}{{label}}={{value}}/{{before}};{{/sums}}{{#counted}}{{#rules}}{{code}} "
        "{{broken_count}} {{coming_count}}|{{/rules}}{{total_broken}} {{total_coming}}{{/counted}} "
        "few={{few}}";
    bool subject = strcmp(file, "x.subject") == 0;
    *ret_source = (struct template_source){file, subject ? "{{title}}" : body, subject ? 9 : sizeof body - 1};
    return 0;
}

static void small_counts_are_hidden_where_no_case_is_listed(void **state)
{
    (void)state;
    struct rule_builder builder;
    struct report report = {.name = "r", .title_da = "T", .content = REPORT_REMANDS};
    struct report_rule_row rows[] = {{"bfu.afslutning", "K20", RULE_STATUTORY, false, 2, 9},
                                     {"bfu.afslutning", "K21", RULE_STATUTORY, false, 5, 0}};
    struct report_mail mail = {.report = "r",
                               .role = "team_leader",
                               .not_reached = "",
                               .last_at = at("2026-03-02T07:00"),
                               .decided_at = at("2026-03-09T07:00"),
                               .sums = {{COUNT_REMANDS, 2, 7}, {COUNT_HELP_OPEN, 0, 1}},
                               .sum_count = 2};
    struct mail_text text = {0};
    struct error err;
    make_rules(&builder);
    assert_int_equal(report_templates_load(read_plain, NULL, "x", &report.templates, &err), 0);
    const struct report_facts facts = {.report = &report, .mail = &mail, .rules = &builder.rules};
    report_word(&facts, LANGUAGE_DA, 3, &text);
    assert_string_equal(text.text.data,
                        "Hjemviste sager=2/7;Hjælpen er ikke registreret som genetableret=0/1; few=");
    report.counts_only = true;
    report_word(&facts, LANGUAGE_DA, 3, &text);
    assert_string_equal(text.text.data, "Hjemviste sager=under 3/7;Hjælpen er ikke registreret som "
                                        "genetableret=0/under 3;0 0 few=3");
    report.content = REPORT_DEADLINES;
    mail.rules = rows;
    mail.rule_count = 2;
    report_word(&facts, LANGUAGE_DA, 3, &text); // the sums are those of the columns, and give nothing away
    assert_string_equal(text.text.data, "K20 under 3 9|K21 5 0|mindst 6 9 few=3");
    report_word(&facts, LANGUAGE_DA, 1, &text);
    assert_string_equal(text.text.data, "K20 2 9|K21 5 0|7 9 few=");
    mail_text_done(&text);
    report_templates_free(report.templates);
    builder_done(&builder);
}

// Whoever knows everything that is told, last time's report too, cannot work out a count that is hidden.
static void nothing_gives_a_small_count_away(void **state)
{
    (void)state;
    static const struct {
        int now[REPORT_COUNTS], before; // before: of COUNT_REMANDS
        const char *shown;              // a letter a count: exact, few, at least, not
    } cases[] = {
        // remands = before + new - ended
        {{[COUNT_REMANDS] = 9, [COUNT_NEW] = 4, [COUNT_ENDED] = 3}, 8, "eeeeeeeeeeee"},
        {{[COUNT_REMANDS] = 9, [COUNT_NEW] = 4, [COUNT_ENDED] = 2}, 7, "eeeenneeeeee"},
        {{[COUNT_REMANDS] = 9, [COUNT_NEW] = 1, [COUNT_ENDED] = 5}, 13, "eeeenneeeeee"},
        {{[COUNT_REMANDS] = 2, [COUNT_NEW] = 0, [COUNT_ENDED] = 5}, 7, "eeefnneeeeee"},
        {{[COUNT_REMANDS] = 9, [COUNT_NEW] = 8, [COUNT_ENDED] = 0}, 1, "eeeenneeeeee"},
        {{[COUNT_REMANDS] = 0}, 0, "eeeeeeeeeeee"},
        // A part, and what is left of its whole
        {{[COUNT_BROKEN] = 10, [COUNT_BROKEN_LAW] = 8}, -1, "eaeeeeeeeeee"},
        {{[COUNT_BROKEN] = 10, [COUNT_BROKEN_LAW] = 7}, -1, "eeeeeeeeeeee"},
        {{[COUNT_BROKEN] = 10, [COUNT_BROKEN_LAW] = 10}, -1, "eeeeeeeeeeee"},
        {{[COUNT_BROKEN] = 10, [COUNT_BROKEN_LAW] = 2}, -1, "efeeeeeeeeee"},
        {{[COUNT_BROKEN] = 2, [COUNT_BROKEN_LAW] = 1}, -1, "ffeeeeeeeeee"},
        {{[COUNT_REMANDS] = 20, [COUNT_HELP_OPEN] = 19, [COUNT_LIMIT_BROKEN] = 6, [COUNT_NOT_TOLD] = 5},
         -1,
         "eeeeeeeeeaae"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        enum report_shown now[REPORT_COUNTS], before[REPORT_COUNTS];
        int last[REPORT_COUNTS];
        char shown[REPORT_COUNTS + 1] = "";
        for (int k = 0; k < REPORT_COUNTS; k++)
            last[k] = -1;
        last[COUNT_REMANDS] = cases[i].before;
        report_show(cases[i].now, last, 3, now, before);
        for (int k = 0; k < REPORT_COUNTS; k++)
            shown[k] = "efan"[now[k]];
        assert_string_equal(shown, cases[i].shown);
        assert_int_equal(before[COUNT_REMANDS],
                         cases[i].before > 0 && cases[i].before < 3 ? SHOWN_FEW : SHOWN_EXACT);
        report_show(cases[i].now, last, 1, now, before); // 1 hides nothing
        for (int k = 0; k < REPORT_COUNTS; k++)
            assert_int_equal(now[k], SHOWN_EXACT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_at_local_time),
        cmocka_unit_test(reads_a_remand),
        cmocka_unit_test(ended_remands_count_once),
        cmocka_unit_test(each_leader_gets_his_units),
        cmocka_unit_test(the_level_above_is_the_next_one_up),
        cmocka_unit_test(caseworkers_get_their_own),
        cmocka_unit_test(the_worst_are_shown_and_the_rest_is_counted),
        cmocka_unit_test(is_written_down_and_read),
        cmocka_unit_test(small_counts_are_hidden_where_no_case_is_listed),
        cmocka_unit_test(nothing_gives_a_small_count_away),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
