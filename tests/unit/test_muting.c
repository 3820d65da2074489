// SPDX-License-Identifier: MPL-2.0
// A larger problem mutes smaller ones of the same case, and only towards those who know of the larger one.
#include "core/muting.h"

#include "support/copenhagen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct zone *zone;
static struct ruleset rules;
static struct people people;
static struct muting muting = {.people = &people, .unit = "nord", .caseworker = "cw"};
static struct decision decision;

#define DAYS(N)                                                                                              \
    {                                                                                                        \
        .count = 1, .terms = { {(N), UNIT_DAYS} }                                                            \
    }

static const char *caseworker[] = {"caseworker"}, *both[] = {"caseworker", "team_leader"},
                  *leader[] = {"team_leader"};

static struct stage large_stages[] = {
    {.when = STAGE_BEFORE, .offset = DAYS(10), .to = caseworker, .to_count = 1},
    {.when = STAGE_BREACH, .to = both, .to_count = 2},
    {.when = STAGE_AFTER, .offset = DAYS(7), .every = DAYS(7), .to = leader, .to_count = 1},
};
static struct stage small_stages[] = {
    {.when = STAGE_BEFORE, .offset = DAYS(2), .to = caseworker, .to_count = 1},
    {.when = STAGE_BREACH, .to = both, .to_count = 2},
};
static struct stage own_stages[] = {{.when = STAGE_BREACH, .to = caseworker, .to_count = 1}};
static struct escalation large_escalation = {.name = "large", .stages = large_stages, .stage_count = 3},
                         small_escalation = {.name = "small", .stages = small_stages, .stage_count = 2},
                         own_escalation = {.name = "own", .stages = own_stages, .stage_count = 1};

// By id: a is the largest, it mutes m, which mutes z.
static struct larger_rule by_a = {.line = 0}, by_m = {.line = 1};
static struct rule large = {.id = "a.large", .code = "K1", .line = 0, .escalation = &large_escalation},
                   middle = {.id = "m.middle",
                             .code = "K2",
                             .line = 1,
                             .escalation = &small_escalation,
                             .muted_by = &by_a,
                             .muted_by_count = 1},
                   small = {.id = "z.small",
                            .code = "K3",
                            .line = 2,
                            .escalation = &own_escalation,
                            .muted_by = &by_m,
                            .muted_by_count = 1};

static instant at(const char *text)
{
    instant parsed;
    assert_int_equal(zone_parse_instant(zone, text, strlen(text), &parsed), 0);
    return parsed;
}

static struct deadline deadline(const struct rule *rule, const char *subject, const char *due,
                                enum deadline_state state)
{
    struct deadline made = {.rule = rule,
                            .subject = subject,
                            .occurrence = 1,
                            .state = state,
                            .anchor_at = at("2026-01-05T10:00:00"),
                            .due_at = at(due),
                            .breached_at = INSTANT_NONE,
                            .closed_at = INSTANT_NONE,
                            .paused_at = INSTANT_NONE,
                            .next_stage = INSTANT_NONE};
    if (state == STATE_BREACHED || state == STATE_MISSED || state == STATE_LATE)
        made.breached_at = made.due_at + 1;
    return made;
}

// As the journal would know it after that moment.
static struct known_deadline known_at(const struct deadline *deadline, const char *staged_until,
                                      const char *told)
{
    struct decided decided = {.deadline = deadline,
                              .staged_until = staged_until ? at(staged_until) : INSTANT_NONE};
    struct known_deadline known = decided_row(&decided);
    known.id = 7;
    known.told = told;
    return known;
}

static const char *decide_at(const char *now, const struct deadline *deadlines, size_t count,
                             const struct known_deadline *known, size_t known_count)
{
    static char text[512];
    struct evaluation evaluation = {.deadlines = (struct deadline *)deadlines, .deadline_count = count};
    muting.today = zone_date(zone, at(now));
    decision.muting = &muting;
    decide(&rules, &evaluation, known, known_count, at(now), false, &decision);
    text[0] = '\0';
    for (size_t i = 0; i < decision.count; i++) {
        const struct decided *decided = &decision.decided[i];
        for (int k = 0; k < decided->happening_count; k++) {
            const struct happening *happening = &decided->happenings[k];
            size_t used = strlen(text);
            snprintf(text + used, sizeof text - used, "%s%s %s%s", used ? ", " : "",
                     decided->deadline->rule->code, transition_name(happening->kind),
                     happening->stage_count > 0 ? "!" : "");
        }
        if (decided->muted_by)
            snprintf(text + strlen(text), sizeof text - strlen(text), " (by %s)",
                     decided->muted_by->rule->code);
        if (decided->unmuted)
            strcat(text, " (unmuted)");
    }
    return text;
}

// The larger one stands breached since 10 February; the smaller is due on 20 February.
#define LARGE_DUE "2026-02-09T23:59:59"
#define SMALL_DUE "2026-02-20T23:59:59"
#define WARNING   "2026-02-18T08:00:00"
#define BREACH    "2026-02-21T00:00:00"

struct pair {
    struct deadline deadlines[2];
    struct known_deadline known[2];
};

// As after the larger one's breach was told to `told`, and before the smaller one's first step.
static struct pair pair_of(const char *subject, const char *told)
{
    struct pair pair = {.deadlines = {deadline(&large, "U-1", LARGE_DUE, STATE_BREACHED),
                                      deadline(&middle, subject, SMALL_DUE, STATE_OPEN)}};
    pair.known[0] = known_at(&pair.deadlines[0], "2026-02-18T07:00:00", told);
    pair.known[1] = known_at(&pair.deadlines[1], NULL, NULL);
    return pair;
}

static const char *decide_pair(const char *now, const struct pair *pair)
{
    return decide_at(now, pair->deadlines, 2, pair->known, 2);
}

static void test_muted_towards_those_who_know(void **state)
{
    (void)state;
    struct pair pair = pair_of("U-1", "cw\ntl\n");
    assert_string_equal(decide_pair(WARNING, &pair), "K2 approaching (by K1)");
    struct known_deadline row = decided_row(&decision.decided[0]);
    assert_true(row.muted);
    assert_true(row.attention);
    assert_int_equal(row.staged_until, at(WARNING));
    assert_int_equal(decision.decided[0].muted_at, at(WARNING));
}

static void test_who_does_not_know_is_told(void **state)
{
    (void)state;
    struct pair pair = pair_of("U-1", "tl\ncw2\nc\n"); // names that begin alike are others
    assert_string_equal(decide_pair(WARNING, &pair), "K2 approaching!");
    pair = pair_of("U-1", NULL);
    assert_string_equal(decide_pair(WARNING, &pair), "K2 approaching!");
    pair = pair_of("U-1", "cw\n"); // the breach of the smaller one goes to the team leader, too
    pair.deadlines[1] = deadline(&middle, "U-1", SMALL_DUE, STATE_BREACHED);
    assert_string_equal(decide_pair(BREACH, &pair), "K2 breached!");
    pair = pair_of("U-1", "cw\ntl\n"); // told of another due
    pair.known[0].due_at--;
    assert_string_equal(decide_pair(WARNING, &pair), "K1 moved, K1 breached, K1 escalated!, K2 approaching!");
}

static void test_told_in_the_same_look(void **state)
{
    (void)state;
    struct deadline deadlines[] = {deadline(&large, "U-1", SMALL_DUE, STATE_BREACHED),
                                   deadline(&middle, "U-1", SMALL_DUE, STATE_BREACHED)};
    struct deadline before[] = {deadline(&large, "U-1", SMALL_DUE, STATE_OPEN),
                                deadline(&middle, "U-1", SMALL_DUE, STATE_OPEN)};
    struct known_deadline known[] = {known_at(&before[0], "2026-02-20T08:00:00", NULL),
                                     known_at(&before[1], "2026-02-20T08:00:00", NULL)};
    assert_string_equal(decide_at(BREACH, deadlines, 2, known, 2), "K1 breached!, K2 breached (by K1)");
    // Without muting, as where no people are known.
    decision.muting = NULL;
    struct evaluation evaluation = {.deadlines = deadlines, .deadline_count = 2};
    decide(&rules, &evaluation, known, 2, at(BREACH), false, &decision);
    assert_int_equal(decision.decided[1].happenings[0].stage_count, 1);
}

static void test_only_while_it_stands_breached(void **state)
{
    (void)state;
    static const enum deadline_state others[] = {STATE_OPEN, STATE_PAUSED, STATE_LATE, STATE_CANCELLED};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct pair pair = pair_of("U-1", "cw\ntl\n");
        pair.deadlines[0] = deadline(&large, "U-1", "2026-03-20T23:59:59", others[i]);
        pair.deadlines[0].closed_at = others[i] >= STATE_MET ? at("2026-02-17T10:00:00") : INSTANT_NONE;
        pair.known[0] = known_at(&pair.deadlines[0], "2026-02-18T07:00:00", "cw\ntl\n");
        assert_string_equal(decide_pair(WARNING, &pair), "K2 approaching!");
    }
}

static void test_which_subjects(void **state)
{
    (void)state;
    static const struct {
        const char *subject;
        bool any_subject, muted;
    } cases[] = {{"U-1", false, true}, {"U-2", false, false}, {"", false, true}, {"U-2", true, true}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pair pair = pair_of(cases[i].subject, "cw\ntl\n");
        by_a.any_subject = cases[i].any_subject;
        assert_string_equal(decide_pair(WARNING, &pair),
                            cases[i].muted ? "K2 approaching (by K1)" : "K2 approaching!");
    }
    by_a.any_subject = false;
}

static void test_told_at_once_when_the_larger_one_is_done(void **state)
{
    (void)state;
    struct pair pair = pair_of("U-1", "cw\ntl\n");
    pair.known[1].staged_until = at(WARNING);
    pair.known[1].muted = true;
    // Nothing has changed: no row is written.
    assert_string_equal(decide_pair("2026-02-19T08:00:00", &pair), "");
    assert_int_equal(decision.count, 0);
    pair.deadlines[0] = deadline(&large, "U-1", LARGE_DUE, STATE_LATE);
    pair.deadlines[0].closed_at = at("2026-02-19T09:00:00");
    assert_string_equal(decide_pair("2026-02-19T09:00:00", &pair), "K1 late, K2 approaching! (unmuted)");
    const struct happening *told = &decision.decided[1].happenings[0];
    assert_int_equal(told->stages[0].at, at("2026-02-19T09:00:00"));
    assert_false(told->late);
    assert_int_equal(told->superseded, 0);
    assert_false(decided_row(&decision.decided[1]).muted);
    // The rules no longer mute it.
    pair = pair_of("U-1", "cw\ntl\n");
    pair.known[1].staged_until = at(WARNING);
    pair.known[1].muted = true;
    middle.muted_by_count = 0;
    assert_string_equal(decide_pair("2026-02-19T08:00:00", &pair), "K2 approaching! (unmuted)");
    middle.muted_by_count = 1;
}

static void test_a_later_step_speaks_for_itself(void **state)
{
    (void)state;
    struct pair pair = pair_of("U-1", "cw\ntl\n");
    pair.known[1].staged_until = at(WARNING);
    pair.known[1].muted = true;
    pair.deadlines[1] = deadline(&middle, "U-1", SMALL_DUE, STATE_BREACHED);
    assert_string_equal(decide_pair(BREACH, &pair), "K2 breached (by K1)");
    pair.known[0].told = "cw\n";
    assert_string_equal(decide_pair(BREACH, &pair), "K2 breached! (unmuted)");
}

static void test_done_or_moved_has_nothing_to_tell(void **state)
{
    (void)state;
    struct pair pair = pair_of("U-1", "cw\ntl\n");
    pair.known[1].staged_until = at(WARNING);
    pair.known[1].muted = true;
    struct pair moved = pair;
    pair.deadlines[1].state = STATE_MET;
    pair.deadlines[1].closed_at = at("2026-02-19T09:00:00");
    assert_string_equal(decide_pair("2026-02-19T09:00:00", &pair), "K2 met (unmuted)");
    moved.deadlines[1].due_at = at("2026-03-20T23:59:59");
    assert_string_equal(decide_pair("2026-02-19T09:00:00", &moved), "K2 moved (unmuted)");
    assert_false(decided_row(&decision.decided[0]).muted);
}

static void test_what_is_missed_for_good_is_not_told_later(void **state)
{
    (void)state;
    struct pair pair = pair_of("U-1", "cw\ntl\n");
    pair.deadlines[1] = deadline(&middle, "U-1", SMALL_DUE, STATE_MISSED);
    pair.deadlines[1].closed_at = pair.deadlines[1].due_at;
    assert_string_equal(decide_pair(BREACH, &pair), "K2 missed (by K1)");
    assert_false(decided_row(&decision.decided[0]).muted);
}

// What is muted itself tells nobody, so it mutes only those who knew before.
static void test_in_a_row(void **state)
{
    (void)state;
    struct deadline deadlines[] = {deadline(&large, "U-1", LARGE_DUE, STATE_BREACHED),
                                   deadline(&middle, "U-1", SMALL_DUE, STATE_BREACHED),
                                   deadline(&small, "U-1", SMALL_DUE, STATE_BREACHED)};
    struct known_deadline known[] = {known_at(&deadlines[0], "2026-02-20T08:00:00", "cw\ntl\n")};
    assert_string_equal(decide_at(BREACH, deadlines, 3, known, 1),
                        "K2 opened, K2 breached (by K1), K3 opened, K3 breached!");
    known[0].told = "cw\n";
    assert_string_equal(decide_at(BREACH, deadlines, 3, known, 1),
                        "K2 opened, K2 breached!, K3 opened, K3 breached (by K2)");
}

static void test_a_step_that_reaches_nobody_is_not_muted(void **state)
{
    (void)state;
    struct pair pair = pair_of("U-1", "cw\ntl\n");
    muting.caseworker = "";
    assert_string_equal(decide_pair(WARNING, &pair), "K2 approaching!");
    muting.caseworker = "cw";
}

static void test_an_acknowledgement_ends_while_it_is_muted(void **state)
{
    (void)state;
    struct acknowledgement given = {.id = 3,
                                    .until = at("2026-02-19T08:00:00"),
                                    .look_at = INSTANT_NONE,
                                    .noted = true,
                                    .told = "caseworker,"};
    struct pair pair = pair_of("U-1", "cw\ntl\n");
    pair.known[1].staged_until = at(WARNING);
    pair.known[1].acknowledgement = &given;
    assert_string_equal(decide_pair("2026-02-19T08:00:00", &pair), "K2 acknowledgement_ended (by K1)");
    assert_true(decided_row(&decision.decided[0]).muted);
}

static void test_silence_goes_before(void **state)
{
    (void)state;
    struct silence rows[] = {
        {.id = 4, .rule = "K2", .from = at("2026-02-01T08:00:00"), .until = at("2026-03-01T08:00:00")}};
    struct silences silences = {.rows = rows, .count = 1, .case_id = "S-1", .unit = "nord", .units = &people};
    struct pair pair = pair_of("U-1", "cw\ntl\n");
    pair.known[1].staged_until = at(WARNING);
    pair.known[1].muted = true;
    pair.deadlines[0] = deadline(&large, "U-1", LARGE_DUE, STATE_LATE);
    pair.deadlines[0].closed_at = at("2026-02-17T10:00:00");
    pair.known[0] = known_at(&pair.deadlines[0], "2026-02-18T07:00:00", NULL);
    decision.silences = &silences;
    assert_string_equal(decide_pair("2026-02-19T08:00:00", &pair), "");
    assert_int_equal(decision.silence_ends, at("2026-03-01T08:00:00"));
    decision.silences = NULL;
    assert_string_equal(decide_pair("2026-03-01T08:00:00", &pair), "K2 escalated! (unmuted)");
}

static int set_up(void **state)
{
    (void)state;
    zone = copenhagen();
    rules.zone = zone;
    rules.notice_time = 8 * 3600;
    people_add_unit(&people, "nord", "");
    people_add(&people,
               &(struct person){"cw", "cw@k.example", "nord", "caseworker", CIVIL_NONE, CIVIL_NONE, ""});
    people_add(&people,
               &(struct person){"tl", "tl@k.example", "nord", "team_leader", CIVIL_NONE, CIVIL_NONE, ""});
    people_finish(&people);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    people_done(&people);
    zone_free(zone);
    free(decision.decided);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_muted_towards_those_who_know),
        cmocka_unit_test(test_who_does_not_know_is_told),
        cmocka_unit_test(test_told_in_the_same_look),
        cmocka_unit_test(test_only_while_it_stands_breached),
        cmocka_unit_test(test_which_subjects),
        cmocka_unit_test(test_told_at_once_when_the_larger_one_is_done),
        cmocka_unit_test(test_a_later_step_speaks_for_itself),
        cmocka_unit_test(test_done_or_moved_has_nothing_to_tell),
        cmocka_unit_test(test_what_is_missed_for_good_is_not_told_later),
        cmocka_unit_test(test_in_a_row),
        cmocka_unit_test(test_a_step_that_reaches_nobody_is_not_muted),
        cmocka_unit_test(test_an_acknowledgement_ends_while_it_is_muted),
        cmocka_unit_test(test_silence_goes_before),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
