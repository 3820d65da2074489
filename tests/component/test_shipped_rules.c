// SPDX-License-Identifier: MPL-2.0
// The rules in config/rules do what the catalogue of the law says: its test vectors, run through the
// evaluator.
#include "core/evaluate.h"
#include "shell/rules_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#define EVENTS_MAX 4

static struct zone *zone;
static struct ruleset rules;
static struct evaluator *evaluator;

static int load(void **state)
{
    (void)state;
    struct error err = {{0}};
    if (zone_load("Europe/Copenhagen", &zone, &err) < 0 ||
        rules_load(FRISTD_SOURCE_DIR "/config/rules", zone, NULL, NULL, &rules, &err) < 0) {
        print_error("%s\n", err.text);
        return -1;
    }
    evaluator = evaluator_new(&rules);
    return 0;
}

static int end(void **state)
{
    (void)state;
    evaluator_free(evaluator);
    rules_done(&rules);
    zone_free(zone);
    return 0;
}

static instant at(const char *text)
{
    instant result;
    if (zone_parse_instant(zone, text, strlen(text), &result) < 0)
        fail_msg("%s is no instant", text);
    return result;
}

struct moment {
    const char *kind, *at;
    const char *due_on; // NULL: empty
};

static const struct evaluation *evaluate_events(const struct moment *moments, const char *now)
{
    static struct event events[EVENTS_MAX];
    static const char *const ids[EVENTS_MAX] = {"1", "2", "3", "4"};
    static struct casefile casefile;
    size_t count = 0;
    for (; count < EVENTS_MAX && moments[count].kind; count++) {
        const struct moment *moment = &moments[count];
        struct event *event = &events[count];
        *event =
            (struct event){.id = ids[count], .subject = "X-1", .kind = moment->kind, .due_on = CIVIL_NONE};
        event->at = at(moment->at);
        if (moment->due_on)
            assert_int_equal(civil_parse_date(moment->due_on, strlen(moment->due_on), &event->due_on), 0);
    }
    casefile = (struct casefile){"S-1", "barn", "fam-nord", "p1", events, count};
    return evaluate(evaluator, &casefile, at(now), 0);
}

static const struct deadline *find(const struct evaluation *evaluation, const char *rule, int occurrence)
{
    for (size_t i = 0; i < evaluation->deadline_count; i++)
        if (strcmp(evaluation->deadlines[i].rule->id, rule) == 0 &&
            evaluation->deadlines[i].occurrence == occurrence)
            return &evaluation->deadlines[i];
    fail_msg("no deadline %s %d", rule, occurrence);
    return NULL;
}

static void due_dates_are_those_of_the_law(void **state)
{
    (void)state;
    static const struct {
        const char *rule;
        struct moment moments[EVENTS_MAX];
        const char *due;
    } cases[] = {
        {"underretning.vurdering",
         {{"underretning.modtaget", "2026-05-22T15:30:00", NULL}}, // Whitsun
         "2026-05-23T15:30:00+02:00"},
        {"underretning.vurdering",
         {{"underretning.modtaget", "2026-10-24T20:00:00+02:00", NULL}}, // the clock goes back
         "2026-10-25T19:00:00+01:00"},
        {"underretning.kvittering",
         {{"underretning.modtaget", "2026-03-30T10:00:00", NULL}}, // Easter
         "2026-04-09T23:59:59+02:00"},
        {"underretning.kvittering",
         {{"underretning.modtaget", "2026-06-12T10:00:00", NULL}},
         "2026-06-19T23:59:59+02:00"},
        {"bfu.afslutning", {{"bfu.opmaerksom", "2025-10-31T08:00:00", NULL}}, "2026-02-28T23:59:59+01:00"},
        {"bfu.afslutning", {{"bfu.opmaerksom", "2027-10-31T08:00:00", NULL}}, "2028-02-29T23:59:59+01:00"},
        {"plan.barnets_plan",
         {{"stoette.besluttet", "2025-11-30T08:00:00", NULL}},
         "2026-02-28T23:59:59+01:00"},
        {"plan.anbringelse",
         {{"anbringelse.samtykke_besluttet", "2026-01-15T08:00:00", NULL}},
         "2026-04-15T23:59:59+02:00"},
        {"opfoelgning.foerste",
         {{"indsats.startet", "2025-11-30T08:00:00", NULL}},
         "2026-02-28T23:59:59+01:00"},
        {"opfoelgning.foerste", // the assessment alongside closes first
         {{"indsats.startet", "2025-11-30T08:00:00", NULL}, {"bfu.afsluttet", "2026-01-12T11:00:00", NULL}},
         "2026-01-12T23:59:59+01:00"},
        {"opfoelgning.foerste", // too late to matter
         {{"indsats.startet", "2025-11-30T08:00:00", NULL},
          {"afdaekning.afsluttet", "2026-03-12T11:00:00", NULL}},
         "2026-02-28T23:59:59+01:00"},
        {"hjemvisning.ny_afgoerelse",
         {{"hjemvisning.modtaget", "2026-03-19T10:00:00", NULL}},
         "2026-05-14T23:59:59+02:00"},
        {"hjemvisning.ny_afgoerelse", // the citizen was told of a new date in time
         {{"hjemvisning.modtaget", "2026-03-19T10:00:00", NULL},
          {"hjemvisning.frist_forlaenget", "2026-05-11T10:00:00", "2026-06-30"}},
         "2026-06-30T23:59:59+02:00"},
        {"hjemvisning.ugentlig",
         {{"hjemvisning.modtaget", "2026-03-19T10:00:00", NULL}},
         "2026-03-23T09:00:00+01:00"},
        {"aktindsigt.offentlighed",
         {{"aktindsigt.offentlighed_modtaget", "2026-03-30T10:00:00", NULL}}, // Easter
         "2026-04-13T23:59:59+02:00"},
        {"aktindsigt.part",
         {{"aktindsigt.part_modtaget", "2026-12-18T10:00:00", NULL}}, // closing days do not lengthen it
         "2026-12-30T23:59:59+01:00"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct evaluation *evaluation = evaluate_events(cases[i].moments, "2029-01-01T00:00:00");
        char due[ZONE_INSTANT_SIZE];
        assert_string_equal(zone_format(zone, find(evaluation, cases[i].rule, 1)->due_at, due), cases[i].due);
        assert_int_equal(evaluation->fault_count, 0);
    }
}

static void what_meets_or_ends_a_duty(void **state)
{
    (void)state;
    static const struct {
        const char *rule;
        struct moment moments[EVENTS_MAX];
        enum deadline_state expected;
    } cases[] = {
        {"underretning.vurdering",
         {{"underretning.modtaget", "2026-05-22T15:30:00", NULL},
          {"underretning.vurderet", "2026-05-23T15:30:00", NULL}},
         STATE_MET},
        {"underretning.vurdering",
         {{"underretning.modtaget", "2026-05-22T15:30:00", NULL},
          {"underretning.vurderet", "2026-05-23T15:30:01", NULL}},
         STATE_LATE},
        {"underretning.vurdering", // closing the case does not hide what was not done
         {{"underretning.modtaget", "2026-05-22T15:30:00", NULL},
          {"sag.lukket", "2026-05-22T16:00:00", NULL}},
         STATE_BREACHED},
        {"underretning.kvittering",
         {{"underretning.modtaget", "2026-05-22T15:30:00", NULL},
          {"underretning.kvittering_ikke_relevant", "2026-05-26T09:00:00", NULL}},
         STATE_MET},
        {"bfu.afslutning",
         {{"bfu.opmaerksom", "2026-01-05T08:00:00", NULL}, {"sag.lukket", "2026-02-01T16:00:00", NULL}},
         STATE_CANCELLED},
        {"plan.barnets_plan",
         {{"stoette.besluttet", "2026-01-05T08:00:00", NULL},
          {"plan.ikke_noedvendig", "2026-01-06T09:00:00", NULL}},
         STATE_CANCELLED},
        {"opfoelgning.foerste",
         {{"indsats.startet", "2026-01-05T08:00:00", NULL},
          {"opfoelgning.afholdt", "2026-03-01T09:00:00", NULL}},
         STATE_MET},
        {"aktindsigt.part",
         {{"aktindsigt.part_modtaget", "2026-01-05T08:00:00", NULL},
          {"aktindsigt.tilbagekaldt", "2026-01-06T09:00:00", NULL}},
         STATE_CANCELLED},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct evaluation *evaluation = evaluate_events(cases[i].moments, "2027-01-01T00:00:00");
        assert_int_equal(find(evaluation, cases[i].rule, 1)->state, cases[i].expected);
    }
}

static void a_remand_is_followed_up_each_monday_until_it_is_decided(void **state)
{
    (void)state;
    static const struct moment moments[] = {{"hjemvisning.modtaget", "2026-03-19T10:00:00", NULL},
                                            {"hjemvisning.opfoelgning", "2026-03-27T14:00:00", NULL},
                                            {"hjemvisning.ny_afgoerelse_sendt", "2026-04-15T12:00:00", NULL},
                                            {NULL, NULL, NULL}};
    static const struct {
        const char *due;
        enum deadline_state state;
    } weeks[] = {
        {"2026-03-23T09:00:00+01:00", STATE_MISSED}, {"2026-03-30T09:00:00+02:00", STATE_MET},
        {"2026-04-06T09:00:00+02:00", STATE_MISSED}, // Easter Monday: the follow-up is not moved by a holiday
        {"2026-04-13T09:00:00+02:00", STATE_MISSED}, {"2026-04-20T09:00:00+02:00", STATE_CANCELLED},
    };
    const struct evaluation *evaluation = evaluate_events(moments, "2026-08-01T00:00:00");
    for (size_t i = 0; i < COUNT_OF(weeks); i++) {
        const struct deadline *deadline = find(evaluation, "hjemvisning.ugentlig", (int)i + 1);
        char due[ZONE_INSTANT_SIZE];
        assert_string_equal(zone_format(zone, deadline->due_at, due), weeks[i].due);
        assert_int_equal(deadline->state, weeks[i].state);
    }
    assert_int_equal(find(evaluation, "hjemvisning.ugentlig", 4)->missed_in_a_row, 2);
    assert_int_equal(evaluation->deadline_count, COUNT_OF(weeks) + 1); // and the new decision
    assert_int_equal(find(evaluation, "hjemvisning.ny_afgoerelse", 1)->state, STATE_MET);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(due_dates_are_those_of_the_law),
        cmocka_unit_test(what_meets_or_ends_a_duty),
        cmocka_unit_test(a_remand_is_followed_up_each_monday_until_it_is_decided),
    };
    return cmocka_run_group_tests(tests, load, end);
}
