// SPDX-License-Identifier: MPL-2.0
// What a caseworker reads: whole explanations in both languages, and every other sentence once.
#include "core/explain.h"

#include "core/memory.h"
#include "support/rule_builder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

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

static void expect_lines(const struct deadline *deadline, enum language language, const char *expected)
{
    struct buffer got = {0};
    for (int i = 0; i < deadline->step_count; i++) {
        explain_step(&deadline->steps[i], deadline->rule, zone, language, &got);
        buffer_add_char(&got, '\n');
    }
    assert_string_equal(got.data, expected);
    buffer_done(&got);
}

static void a_whole_life(void **state)
{
    (void)state;
    struct rule_builder builder;
    builder_init(&builder, zone);
    struct rule *rule = builder_rule(&builder, "bfu.afslutning");
    rule->basis = "Barnets lov § 20, stk. 3";
    rule->calendar = builder.calendars[0];
    builder_after(&rule->due, "1 months");
    rule->due.roll = 1;
    builder_kinds(&builder, &rule->start, "bfu.opmaerksom");
    builder_kinds(&builder, &rule->stop, "bfu.afsluttet");
    builder_kinds(&builder, &rule->pause, "bfu.sat_i_bero");
    builder_kinds(&builder, &rule->resume, "bfu.genoptaget");
    builder_kinds(&builder, &rule->extend, "bfu.forlaenget");
    struct rule *later = builder_rule(&builder, "bfu.afslutning");
    builder_after(&later->due, "4 months");
    rule->until = builder_date("2026-12-31");
    later->from = builder_date("2027-01-01");
    builder_finish(&builder);

    struct event events[] = {
        {"1", "U", "bfu.opmaerksom", builder_instant(zone, "2026-01-31T15:30"), CIVIL_NONE},
        {"2", "U", "bfu.sat_i_bero", builder_instant(zone, "2026-02-10T09:00"), CIVIL_NONE},
        {"3", "U", "bfu.genoptaget", builder_instant(zone, "2026-02-11T09:00"), CIVIL_NONE},
        {"4", "U", "bfu.forlaenget", builder_instant(zone, "2026-03-03T00:00"), builder_date("2026-06-01")},
        {"5", "U", "bfu.afsluttet", builder_instant(zone, "2026-03-05T10:00:07"), CIVIL_NONE},
    };
    struct casefile casefile = {.id = "S-1", .type = "barn", .events = events, .event_count = 5};
    struct evaluator *evaluator = evaluator_new(&builder.rules);
    instant now = builder_instant(zone, "2026-04-01T00:00");
    const struct evaluation *result = evaluate(evaluator, &casefile, now, EVALUATE_EXPLAIN);
    assert_int_equal(result->deadline_count, 1);
    expect_lines(
        &result->deadlines[0], LANGUAGE_DA,
        "Start: »bfu.opmaerksom« lør. 31-01-2026 kl. 15.30.\n"
        "Reglens udgave fra ons. 01-01-2020 gælder: valgt efter startdatoen.\n"
        "1 måned efter lør. 31-01-2026: lør. 28-02-2026, månedens sidste dag.\n"
        "lør. 28-02-2026 er ikke en arbejdsdag; fristen rykker frem til man. 02-03-2026.\n"
        "Frist: udgangen af man. 02-03-2026.\n"
        "Pause fra »bfu.sat_i_bero« tir. 10-02-2026 kl. 09.00.\n"
        "Pausen slut ons. 11-02-2026 kl. 09.00. Fristen flyttes 1 dag.\n"
        "søn. 01-03-2026 er ikke en arbejdsdag; fristen rykker frem til man. 02-03-2026.\n"
        "Frist: udgangen af man. 02-03-2026.\n"
        "Lovbestemt frist overskredet, regnet fra tir. 03-03-2026 kl. 00.00.\n"
        "Ny frist fra »bfu.forlaenget« tir. 03-03-2026 kl. 00.00: udgangen af man. 01-06-2026. Det kom for "
        "sent: den lovbestemte frist var overskredet, og det står ved magt.\n"
        "Løst efter fristen: »bfu.afsluttet« tor. 05-03-2026 kl. 10.00.07.\n"
        "Hjemmel: Barnets lov § 20, stk. 3.\n");
    expect_lines(&result->deadlines[0], LANGUAGE_EN,
                 "Start: “bfu.opmaerksom”, Sat 2026-01-31 at 15:30.\n"
                 "The version of the rule from Wed 2020-01-01 applies: chosen by the start date.\n"
                 "1 month after Sat 2026-01-31: Sat 2026-02-28, the last day of the month.\n"
                 "Sat 2026-02-28 is no working day; the due moves forward to Mon 2026-03-02.\n"
                 "Due: the end of Mon 2026-03-02.\n"
                 "Paused by “bfu.sat_i_bero”, Tue 2026-02-10 at 09:00.\n"
                 "Resumed Wed 2026-02-11 at 09:00. The due moves by 1 day.\n"
                 "Sun 2026-03-01 is no working day; the due moves forward to Mon 2026-03-02.\n"
                 "Due: the end of Mon 2026-03-02.\n"
                 "Statutory deadline breached, as from Tue 2026-03-03 at 00:00.\n"
                 "New due from “bfu.forlaenget”, Tue 2026-03-03 at 00:00: the end of Mon 2026-06-01. It came "
                 "too late: "
                 "the statutory deadline had passed, and the breach stands.\n"
                 "Done after the deadline: “bfu.afsluttet”, Thu 2026-03-05 at 10:00:07.\n"
                 "Legal basis: Barnets lov § 20, stk. 3.\n");
    evaluator_free(evaluator);
    builder_done(&builder);
}

// Monday 30 March 2026 and the days after it; instants are local.
#define DAY(n)  (20542 + (n))
#define NOON(n) (((instant)DAY(n) * 24 + 10) * 3600)

static const struct rule own = {.label = "r", .kind = RULE_OWN}, target = {.label = "r", .kind = RULE_TARGET};

static void each_sentence(void **state)
{
    static const struct {
        struct step step;
        const char *da, *en;
    } cases[] = {
        {{.kind = STEP_BREACH, .at = NOON(0), .other = &own},
         "Start: kommunens egen frist »r« blev ikke holdt man. 30-03-2026 kl. 12.00.",
         "Start: the municipality's own deadline “r” was not kept, Mon 2026-03-30 at 12:00."},
        {{.kind = STEP_FOLLOWS, .at = NOON(0), .name = "k"},
         "Følger efter den forrige, lukket af »k« man. 30-03-2026 kl. 12.00.",
         "Follows the one before, closed by “k”, Mon 2026-03-30 at 12:00."},
        {{.kind = STEP_INSTANCE, .at = NOON(0)},
         "Næste gang i rækken efter man. 30-03-2026 kl. 12.00.",
         "Next in the series after Mon 2026-03-30 at 12:00."},
        {{.kind = STEP_VERSION, .date = DAY(0), .amount = 1},
         "Reglens udgave fra man. 30-03-2026 gælder: valgt efter fristens dato.",
         "The version of the rule from Mon 2026-03-30 applies: chosen by the due date."},
        {{.kind = STEP_COUNT_FROM, .at = NOON(0)},
         "Tælles fra den forriges start: man. 30-03-2026 kl. 12.00.",
         "Counted from the start of the one before: Mon 2026-03-30 at 12:00."},
        {{.kind = STEP_HOURS, .amount = 24, .at = NOON(0), .to = NOON(1)},
         "24 timer efter man. 30-03-2026 kl. 12.00: tir. 31-03-2026 kl. 12.00.",
         "24 hours after Mon 2026-03-30 at 12:00: Tue 2026-03-31 at 12:00."},
        {{.kind = STEP_HOURS, .amount = 24, .at = NOON(-1) - 3600, .to = NOON(0) - 3600},
         "24 timer efter søn. 29-03-2026 kl. 11.00: man. 30-03-2026 kl. 11.00.",
         "24 hours after Sun 2026-03-29 at 11:00: Mon 2026-03-30 at 11:00."},
        {{.kind = STEP_HOURS, .amount = 24, .at = NOON(-2), .to = NOON(-1)},
         "24 timer efter lør. 28-03-2026 kl. 11.00: søn. 29-03-2026 kl. 12.00, for uret stilles frem "
         "undervejs.",
         "24 hours after Sat 2026-03-28 at 11:00: Sun 2026-03-29 at 12:00, as the clock goes forward in "
         "between."},
        {{.kind = STEP_TERM, .amount = 7, .unit = UNIT_WORKING_DAYS, .date = DAY(0), .result = DAY(14)},
         "7 dage i kalenderen »arbejdsdage« efter man. 30-03-2026: tir. 31-03, ons. 01-04, tir. "
         "07-04, "
         "ons. 08-04, tor. 09-04, fre. 10-04, man. 13-04-2026 (tor. 02-04 Skærtorsdag, fre. 03-04 "
         "Langfredag, "
         "søn. 05-04 Påskedag, man. 06-04 2. påskedag tælles ikke).",
         "7 working days after Mon 2026-03-30 in calendar “arbejdsdage”: Tue 03-31, Wed 04-01, Tue 04-07, "
         "Wed 04-08, Thu 04-09, Fri 04-10, Mon 2026-04-13 (Thu 04-02 Skærtorsdag, Fri 04-03 Langfredag, "
         "Sun 04-05 Påskedag, Mon 04-06 2. påskedag not counted)."},
        {{.kind = STEP_TERM, .amount = -2, .unit = UNIT_WORKING_DAYS, .date = DAY(8), .result = DAY(1)},
         "2 dage i kalenderen »arbejdsdage« før tir. 07-04-2026: ons. 01-04, tir. 31-03-2026 (tor. "
         "02-04 "
         "Skærtorsdag, fre. 03-04 Langfredag, søn. 05-04 Påskedag, man. 06-04 2. påskedag tælles ikke).",
         NULL},
        {{.kind = STEP_TERM, .amount = 60, .unit = UNIT_WORKING_DAYS, .date = DAY(0), .result = DAY(91)},
         "60 dage i kalenderen »arbejdsdage« efter man. 30-03-2026: man. 29-06-2026 (tor. 02-04 "
         "Skærtorsdag, "
         "fre. 03-04 Langfredag, søn. 05-04 Påskedag, man. 06-04 2. påskedag, tor. 14-05 Kristi "
         "himmelfartsdag, "
         "søn. 24-05 Pinsedag, man. 25-05 2. pinsedag tælles ikke).",
         NULL},
        {{.kind = STEP_TERM, .amount = 2500, .unit = UNIT_WORKING_DAYS, .date = DAY(0), .result = DAY(3660)},
         NULL,
         "2500 working days after Mon 2026-03-30 in calendar “arbejdsdage”: Sun 2036-04-06 (Thu 04-02 "
         "Skærtorsdag, "
         "Fri 04-03 Langfredag, Sun 04-05 Påskedag, Mon 04-06 2. påskedag, Thu 05-14 Kristi himmelfartsdag, "
         "Sun 05-24 Pinsedag, Mon 05-25 2. pinsedag, Fri 12-25 Juledag, Sat 12-26 2. juledag, Fri 01-01 "
         "Nytårsdag, "
         "Thu 03-25 Skærtorsdag, Fri 03-26 Langfredag and 88 others not counted)."},
        {{.kind = STEP_TERM, .amount = -6, .unit = UNIT_MONTHS, .date = DAY(1), .result = DAY(-181)},
         "6 måneder før tir. 31-03-2026: tir. 30-09-2025, månedens sidste dag.",
         NULL},
        {{.kind = STEP_TERM, .amount = 1, .unit = UNIT_YEARS, .date = DAY(0), .result = DAY(365)},
         "1 år efter man. 30-03-2026: tir. 30-03-2027.",
         "1 year after Mon 2026-03-30: Tue 2027-03-30."},
        {{.kind = STEP_INCLUSIVE, .date = DAY(7), .result = DAY(6)},
         "Startdagen tæller med som dag 1: søn. 05-04-2026.",
         "The day of the start counts as day 1: Sun 2026-04-05."},
        {{.kind = STEP_EVENT_DATE, .result = DAY(6)},
         "Datoen, som hændelsen sætter: søn. 05-04-2026.",
         "The date that the event sets: Sun 2026-04-05."},
        {{.kind = STEP_NO_DATE},
         "Hændelsen skulle sætte en dato, men har ingen.",
         "The event was to set a date but has none."},
        {{.kind = STEP_FIXED_DATE, .result = DAY(6)},
         "Fast dato: søn. 05-04-2026.",
         "Fixed date: Sun 2026-04-05."},
        {{.kind = STEP_NEXT, .date = DAY(0), .result = DAY(6)},
         "Næste 05-04 efter man. 30-03-2026: søn. 05-04-2026.",
         "The next 04-05 after Mon 2026-03-30: Sun 2026-04-05."},
        {{.kind = STEP_END_OF, .unit = PERIOD_QUARTER, .date = DAY(0), .result = DAY(1)},
         "Slutningen af kvartalet med man. 30-03-2026: tir. 31-03-2026.",
         "The end of the quarter of Mon 2026-03-30: Tue 2026-03-31."},
        {{.kind = STEP_SERIES, .to = NOON(0)},
         "Rækkens næste tidspunkt: man. 30-03-2026 kl. 12.00.",
         "The next time of the series: Mon 2026-03-30 at 12:00."},
        {{.kind = STEP_AT_START, .at = NOON(0)},
         "Skal være opfyldt ved starten: man. 30-03-2026 kl. 12.00.",
         "Must be fulfilled at the start: Mon 2026-03-30 at 12:00."},
        {{.kind = STEP_SHARED, .to = NOON(0), .other = &target},
         "Følger målet »r«: man. 30-03-2026 kl. 12.00.",
         "Shares the due of “r”: Mon 2026-03-30 at 12:00."},
        {{.kind = STEP_SHARED, .to = INSTANT_NONE, .other = &own},
         "Følger kommunens egen frist »r«: endnu uden dato.",
         "Shares the due of “r”: no date yet."},
        {{.kind = STEP_NOT_SHARED, .other = &own},
         "Skulle følge »r«, som ikke er åben: ingen dato.",
         "Was to share the date of “r”, which is not open: no date."},
        {{.kind = STEP_EARLIEST, .amount = 3, .to = NOON(0)},
         "Den tidligste af 3 mulige: man. 30-03-2026 kl. 12.00.",
         "The earliest of 3 possible: Mon 2026-03-30 at 12:00."},
        {{.kind = STEP_DAY_OF, .at = NOON(0), .to = NOON(1), .name = "k"},
         "»k« skete man. 30-03-2026 kl. 12.00, så fristen er nu tir. 31-03-2026 kl. 12.00.",
         "“k” happened Mon 2026-03-30 at 12:00, so the due is now Tue 2026-03-31 at 12:00."},
        {{.kind = STEP_ROLLED, .amount = -1, .date = DAY(3), .result = DAY(2)},
         "tor. 02-04-2026 er ikke en arbejdsdag (Skærtorsdag); fristen rykker tilbage til ons. 01-04-2026.",
         "Thu 2026-04-02 is no working day (Skærtorsdag); the due moves back to Wed 2026-04-01."},
        {{.kind = STEP_PAUSE_TOO_LATE, .at = NOON(0), .name = "k"},
         "Pausen »k« man. 30-03-2026 kl. 12.00 kom efter fristen og ændrer intet.",
         "The pause “k”, Mon 2026-03-30 at 12:00 came after the due and changes nothing."},
        {{.kind = STEP_DAY_WAITS, .at = NOON(0), .name = "k"},
         "Under pausen: »k« man. 30-03-2026 kl. 12.00, tæller fra pausens slutning.",
         "During the pause: “k”, Mon 2026-03-30 at 12:00, counts from the end of the pause."},
        {{.kind = STEP_RESUMED, .at = NOON(0), .unit = UNIT_HOURS, .amount = 3 * 3600 + 120},
         "Pausen slut man. 30-03-2026 kl. 12.00. Fristen flyttes 3 timer, 2 min.",
         "Resumed Mon 2026-03-30 at 12:00. The due moves by 3 hours, 2 min."},
        {{.kind = STEP_RESUMED, .at = NOON(0)},
         "Pausen slut man. 30-03-2026 kl. 12.00. Fristen flyttes ikke.",
         "Resumed Mon 2026-03-30 at 12:00. The due does not move."},
        {{.kind = STEP_LIFTED, .result = DAY(0)},
         "Tidligst ved udgangen af man. 30-03-2026, dagen da pausen sluttede.",
         "Not before the end of Mon 2026-03-30, the day on which the pause ended."},
        {{.kind = STEP_EXTENDED, .at = NOON(0), .result = DAY(9), .name = "k"},
         "Ny frist fra »k« man. 30-03-2026 kl. 12.00: udgangen af ons. 08-04-2026.",
         "New due from “k”, Mon 2026-03-30 at 12:00: the end of Wed 2026-04-08."},
        {{.kind = STEP_RESET, .at = NOON(0), .name = "k"},
         "Begynder forfra: »k« man. 30-03-2026 kl. 12.00.",
         "Begins anew: “k”, Mon 2026-03-30 at 12:00."},
        {{.kind = STEP_RESET_LATE, .at = NOON(0), .name = "k"},
         "Ny begyndelse »k« man. 30-03-2026 kl. 12.00 kom efter fristen og ændrer intet.",
         "The new beginning “k”, Mon 2026-03-30 at 12:00 came after the due and changes nothing."},
        {{.kind = STEP_MET, .at = NOON(0), .name = "k"},
         "Opfyldt til tiden: »k« man. 30-03-2026 kl. 12.00.",
         "Met in time: “k”, Mon 2026-03-30 at 12:00."},
        {{.kind = STEP_LOOKED_BACK, .at = NOON(0), .name = "k"},
         "Var sket før starten: »k« man. 30-03-2026 kl. 12.00.",
         "Had happened before the start: “k”, Mon 2026-03-30 at 12:00."},
        {{.kind = STEP_MISSED, .at = NOON(0)},
         "Lovbestemt frist overskredet: ikke opfyldt inden man. 30-03-2026 kl. 12.00.",
         "Statutory deadline breached: not fulfilled by Mon 2026-03-30 at 12:00."},
        {{.kind = STEP_CANCELLED, .at = NOON(0), .name = "k"},
         "Bortfaldet: »k« man. 30-03-2026 kl. 12.00.",
         "Cancelled: “k”, Mon 2026-03-30 at 12:00."},
        {{.kind = STEP_LAPSED, .at = NOON(0)},
         "Udløbet man. 30-03-2026 kl. 12.00.",
         "Lapsed Mon 2026-03-30 at 12:00."},
        {{.kind = STEP_PASSED, .at = NOON(0)},
         "Passeret man. 30-03-2026 kl. 12.00.",
         "Passed Mon 2026-03-30 at 12:00."},
    };
    (void)state;
    struct rule_builder builder;
    struct buffer words = {0};
    builder_init(&builder, zone);
    struct rule *rule = builder_rule(&builder, "rule");
    rule->calendar = builder.calendars[0];
    assert_int_equal(DAY(0), builder_date("2026-03-30"));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *const expected[] = {[LANGUAGE_DA] = cases[i].da, [LANGUAGE_EN] = cases[i].en};
        for (int language = LANGUAGE_DA; language <= LANGUAGE_EN; language++) {
            if (expected[language] == NULL)
                continue;
            buffer_clear(&words);
            explain_step(&cases[i].step, rule, zone, (enum language)language, &words);
            assert_string_equal(words.data, expected[language]);
        }
    }
    buffer_done(&words);
    builder_done(&builder);
}

// The same step under rules of each kind.
static void a_date_is_called_by_its_kind(void **state)
{
    static const struct {
        struct step step;
        const char *da[RULE_INFORMATION + 1];
    } cases[] = {
        {{.kind = STEP_DUE, .to = NOON(0)},
         {"Frist: man. 30-03-2026 kl. 12.00.", "Egen frist: man. 30-03-2026 kl. 12.00.",
          "Mål: man. 30-03-2026 kl. 12.00.", "Udløb: man. 30-03-2026 kl. 12.00.",
          "Forudsætning: man. 30-03-2026 kl. 12.00.", "Dato: man. 30-03-2026 kl. 12.00."}},
        {{.kind = STEP_BREACHED, .at = NOON(0)},
         {"Lovbestemt frist overskredet, regnet fra man. 30-03-2026 kl. 12.00.",
          "Kommunens egen frist ikke holdt, regnet fra man. 30-03-2026 kl. 12.00.",
          "Kommunens eget mål ikke nået, regnet fra man. 30-03-2026 kl. 12.00.", NULL,
          "Forudsætning ikke opfyldt, regnet fra man. 30-03-2026 kl. 12.00.", NULL}},
        {{.kind = STEP_ROLLED, .amount = 1, .date = DAY(5), .result = DAY(8)},
         {"lør. 04-04-2026 er ikke en arbejdsdag; fristen rykker frem til tir. 07-04-2026.",
          "lør. 04-04-2026 er ikke en arbejdsdag; kommunens egen frist rykker frem til tir. 07-04-2026.",
          "lør. 04-04-2026 er ikke en arbejdsdag; målet rykker frem til tir. 07-04-2026.",
          "lør. 04-04-2026 er ikke en arbejdsdag; udløbet rykker frem til tir. 07-04-2026.",
          "lør. 04-04-2026 er ikke en arbejdsdag; forudsætningen rykker frem til tir. 07-04-2026.",
          "lør. 04-04-2026 er ikke en arbejdsdag; datoen rykker frem til tir. 07-04-2026."}},
        {{.kind = STEP_EXTENDED, .at = NOON(0), .result = DAY(9), .name = "k"},
         {"Ny frist fra »k« man. 30-03-2026 kl. 12.00: udgangen af ons. 08-04-2026.",
          "Ny egen frist fra »k« man. 30-03-2026 kl. 12.00: udgangen af ons. 08-04-2026.",
          "Nyt mål fra »k« man. 30-03-2026 kl. 12.00: udgangen af ons. 08-04-2026.",
          "Nyt udløb fra »k« man. 30-03-2026 kl. 12.00: udgangen af ons. 08-04-2026.",
          "Ny forudsætning fra »k« man. 30-03-2026 kl. 12.00: udgangen af ons. 08-04-2026.",
          "Ny dato fra »k« man. 30-03-2026 kl. 12.00: udgangen af ons. 08-04-2026."}},
    };
    (void)state;
    struct rule_builder builder;
    struct buffer words = {0};
    builder_init(&builder, zone);
    struct rule *rule = builder_rule(&builder, "rule");
    rule->calendar = builder.calendars[0];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (rule->kind = RULE_STATUTORY; rule->kind <= RULE_INFORMATION; rule->kind++) {
            if (cases[i].da[rule->kind] == NULL)
                continue;
            buffer_clear(&words);
            explain_step(&cases[i].step, rule, zone, LANGUAGE_DA, &words);
            assert_string_equal(words.data, cases[i].da[rule->kind]);
        }
    buffer_done(&words);
    builder_done(&builder);
}

static void expect_no_breach_of_law(const struct buffer *words)
{
    static const char *const of_the_law[] = {"overskre", "Overskre",  "ovbestemt", "breach",
                                             "Breach",   "statutory", "Statutory"};
    for (size_t i = 0; i < sizeof of_the_law / sizeof of_the_law[0]; i++)
        if (strstr(words->data, of_the_law[i]))
            fail_msg("%s", words->data);
}

// Whatever is said of a duty that the law does not number, and of another such one.
static void a_missed_target_is_no_breach(void **state)
{
    (void)state;
    struct rule_builder builder;
    struct buffer words = {0};
    builder_init(&builder, zone);
    struct rule *rule = builder_rule(&builder, "rule");
    rule->calendar = builder.calendars[0];
    const struct stage stage = {.when = STAGE_BREACH, .missed = 2};
    for (int kind = RULE_OWN; kind <= RULE_INFORMATION; kind++) {
        const struct rule other = {.label = "r", .kind = (enum rule_kind)kind};
        rule->kind = (enum rule_kind)kind;
        for (int step_kind = STEP_START; step_kind <= STEP_BASIS; step_kind++) {
            const struct step step = {.kind = (enum step_kind)step_kind,
                                      .at = NOON(0),
                                      .to = NOON(1),
                                      .date = DAY(0),
                                      .result = DAY(1),
                                      .amount = 1,
                                      .unit = UNIT_DAYS,
                                      .name = "k",
                                      .other = &other};
            for (int language = LANGUAGE_DA; language <= LANGUAGE_EN; language++) {
                buffer_clear(&words);
                explain_step(&step, rule, zone, (enum language)language, &words);
                explain_stage(&stage, 1, rule->kind, (enum language)language, &words);
                expect_no_breach_of_law(&words);
            }
        }
    }
    buffer_done(&words);
    builder_done(&builder);
}

// Another rule whose name is kept in the house is called by its code, in every version of it.
static void a_sensitive_rule_is_called_by_its_code(void **state)
{
    (void)state;
    struct rule_builder builder;
    struct buffer words = {0};
    builder_init(&builder, zone);
    struct rule *hidden = builder_rule(&builder, "bfu.tvang"), *later = builder_rule(&builder, "bfu.tvang");
    struct rule *follower = builder_rule(&builder, "egen.status"),
                *told = builder_rule(&builder, "egen.besked");
    hidden->code = later->code = "K25";
    hidden->until = builder_date("2026-12-31");
    later->from = builder_date("2027-01-01");
    later->sensitive = true;
    builder_after(&hidden->due, "2 months");
    builder_after(&later->due, "2 months");
    builder_same_as(&builder, &follower->due, "bfu.tvang");
    told->start.count = 0;
    builder_starts_on_breach(&builder, told, "bfu.tvang");
    builder_after(&told->due, "1 days");
    builder_finish(&builder);
    struct event events[] = {{"1", "U", "start", builder_instant(zone, "2026-01-31T15:30"), CIVIL_NONE}};
    struct casefile casefile = {.id = "S-1", .type = "barn", .events = events, .event_count = 1};
    struct evaluator *evaluator = evaluator_new(&builder.rules);
    const struct evaluation *result =
        evaluate(evaluator, &casefile, builder_instant(zone, "2026-05-01T00:00"), EVALUATE_EXPLAIN);
    for (size_t i = 0; i < result->deadline_count; i++)
        if (strcmp(result->deadlines[i].rule->id, "bfu.tvang") != 0)
            for (int s = 0; s < result->deadlines[i].step_count; s++)
                explain_step(&result->deadlines[i].steps[s], result->deadlines[i].rule, zone, LANGUAGE_DA,
                             &words);
    assert_non_null(strstr(words.data, "Følger fristen »K25«: udgangen af tir. 31-03-2026."));
    assert_non_null(strstr(words.data, "Start: den lovbestemte frist »K25« blev overskredet"));
    assert_null(strstr(words.data, "tvang"));
    buffer_done(&words);
    evaluator_free(evaluator);
    builder_done(&builder);
}

static void each_step_has_a_name(void **state)
{
    (void)state;
    for (int kind = STEP_START; kind <= STEP_BASIS; kind++) {
        assert_non_null(explain_step_name((enum step_kind)kind));
        for (int other = STEP_START; other < kind; other++)
            assert_string_not_equal(explain_step_name((enum step_kind)kind),
                                    explain_step_name((enum step_kind)other));
    }
}

static void stages_and_moments(void **state)
{
    static const struct {
        enum rule_kind kind;
        enum stage_when when;
        const char *offset;
        int missed, repeat;
        const char *da, *en;
    } cases[] = {
        {RULE_STATUTORY, STAGE_BEFORE, "5 working days", 0, 0, "5 arbejdsdage før", "5 working days before"},
        {RULE_STATUTORY, STAGE_BEFORE, "2 months - 1 day", 0, 0, "2 måneder - 1 dag før",
         "2 months - 1 day before"},
        {RULE_STATUTORY, STAGE_AFTER, "1 week + 2 days", 0, 3, "1 uge + 2 dage efter, 3. gentagelse",
         "1 week + 2 days after, repeat 3"},
        {RULE_STATUTORY, STAGE_BREACH, NULL, 0, 0, "ved overskridelse", "at the breach"},
        {RULE_STATUTORY, STAGE_BREACH, NULL, 2, 0, "ved overskridelse, fra 2 i træk",
         "at the breach, from 2 in a row"},
        {RULE_TARGET, STAGE_BREACH, NULL, 0, 2, "når målet ikke er nået, 2. gentagelse",
         "when the target is not reached, repeat 2"},
    };
    (void)state;
    struct buffer words = {0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct stage stage = {.when = cases[i].when, .missed = cases[i].missed};
        if (cases[i].offset)
            stage.offset = builder_duration(cases[i].offset);
        explain_stage(&stage, cases[i].repeat, cases[i].kind, LANGUAGE_DA, &words);
        assert_string_equal(words.data, cases[i].da);
        buffer_clear(&words);
        explain_stage(&stage, cases[i].repeat, cases[i].kind, LANGUAGE_EN, &words);
        assert_string_equal(words.data, cases[i].en);
        buffer_clear(&words);
    }
    explain_instant(NOON(0), zone, LANGUAGE_EN, &words);
    buffer_add_string(&words, "; ");
    explain_date(DAY(3), LANGUAGE_DA, &words);
    assert_string_equal(words.data, "Mon 2026-03-30 at 12:00; tor. 02-04-2026");
    buffer_done(&words);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_life),
        cmocka_unit_test(each_sentence),
        cmocka_unit_test(a_date_is_called_by_its_kind),
        cmocka_unit_test(a_missed_target_is_no_breach),
        cmocka_unit_test(a_sensitive_rule_is_called_by_its_code),
        cmocka_unit_test(each_step_has_a_name),
        cmocka_unit_test(stages_and_moments),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
