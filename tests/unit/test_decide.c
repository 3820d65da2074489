// SPDX-License-Identifier: MPL-2.0
// What has happened between what the journal knows and what a case evaluates to now, and which stage fires.
#include "core/decide.h"

#include "support/copenhagen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

static struct zone *zone;
static struct ruleset rules;

#define DAYS(N)                                                                                              \
    {                                                                                                        \
        1,                                                                                                   \
        {                                                                                                    \
            {                                                                                                \
                (N), UNIT_DAYS                                                                               \
            }                                                                                                \
        }                                                                                                    \
    }

static const char *caseworker[] = {"caseworker"}, *team[] = {"caseworker", "team_leader"},
                  *heads[] = {"team_leader", "department_head"}, *centre[] = {"centre_head"};

// Ten days before, at the breach, a week after and then each week; once more, higher up, after three.
static struct stage stages[] = {
    {.when = STAGE_BEFORE, .offset = DAYS(10), .to = caseworker, .to_count = 1},
    {.when = STAGE_BEFORE, .offset = DAYS(2), .to = caseworker, .to_count = 1},
    {.when = STAGE_BREACH, .to = team, .to_count = 2},
    {.when = STAGE_AFTER, .offset = DAYS(7), .every = DAYS(7), .to = heads, .to_count = 2},
    {.when = STAGE_AFTER, .offset = DAYS(24), .to = centre, .to_count = 1},
};
static struct escalation escalation = {.name = "dage", .stages = stages, .stage_count = 5};
static const struct rule rule = {
    .id = "bfu.afslutning", .code = "K20", .kind = RULE_STATUTORY, .from = 19723, .escalation = &escalation};
static const struct rule series_rule = {
    .id = "hjemvisning.ugentlig", .code = "K71", .kind = RULE_OWN, .from = 19723, .escalation = &escalation};

static instant at(const char *text)
{
    instant parsed;
    assert_int_equal(zone_parse_instant(zone, text, strlen(text), &parsed), 0);
    return parsed;
}

static struct deadline deadline(enum deadline_state state, const char *due, const char *closed)
{
    struct deadline made = {
        .rule = &rule,
        .subject = "U-1",
        .occurrence = 1,
        .state = state,
        .anchor_at = at("2026-02-01T10:00:00"),
        .due_at = at(due),
        .breached_at = INSTANT_NONE,
        .closed_at = closed ? at(closed) : INSTANT_NONE,
        .paused_at = INSTANT_NONE,
        .next_stage = INSTANT_NONE,
    };
    if (state == STATE_BREACHED || state == STATE_LATE || state == STATE_MISSED)
        made.breached_at = made.due_at + 1;
    return made;
}

static struct known_deadline known_of(const struct deadline *from)
{
    return (struct known_deadline){
        .id = 7,
        .rule = from->rule->id,
        .subject = from->subject,
        .occurrence = from->occurrence,
        .state = from->state,
        .anchor_at = from->anchor_at,
        .due_at = from->due_at,
        .breached_at = from->breached_at,
        .closed_at = from->closed_at,
        .staged_until = INSTANT_NONE,
        .next_stage_at = from->next_stage,
        .valid_from = from->rule->from,
        .code = from->rule->code,
    };
}

// "opened breached!3" : kinds in order, "!n" for how many stages fire, "~n" superseded, "*" late, "+" and "-"
// retained.
static const char *told(const struct decision *decision)
{
    static char text[512];
    text[0] = '\0';
    for (size_t i = 0; i < decision->count; i++)
        for (int k = 0; k < decision->decided[i].happening_count; k++) {
            const struct happening *happening = &decision->decided[i].happenings[k];
            size_t used = strlen(text);
            snprintf(text + used, sizeof text - used, "%s%s", used ? " " : "",
                     transition_name(happening->kind));
            used = strlen(text);
            if (happening->stage_count)
                snprintf(text + used, sizeof text - used, "!%d", happening->stages[0].stage);
            used = strlen(text);
            if (happening->superseded)
                snprintf(text + used, sizeof text - used, "~%d", happening->superseded);
            if (happening->late)
                strcat(text, "*");
            if (happening->retained != RETAINED_UNCHANGED)
                strcat(text, happening->retained == RETAINED_SET ? "+" : "-");
        }
    return text;
}

static struct decision decision;

static const char *decide_on(const struct deadline *now_is, const struct known_deadline *known,
                             const char *now, bool backlog)
{
    struct evaluation evaluation = {.deadlines = (struct deadline *)now_is, .deadline_count = now_is ? 1 : 0};
    decide(&rules, &evaluation, known, known ? 1 : 0, at(now), backlog, &decision);
    return told(&decision);
}

#define DUE "2026-03-31T23:59:59"

static void test_a_life(void **state)
{
    (void)state;
    struct deadline open = deadline(STATE_OPEN, DUE, NULL);
    assert_string_equal(decide_on(&open, NULL, "2026-02-01T10:00:05", false), "opened");
    struct known_deadline known = known_of(&open);
    assert_string_equal(decide_on(&open, &known, "2026-02-20T09:00:00", false), "");
    assert_int_equal(decision.count, 0);

    assert_string_equal(decide_on(&open, &known, "2026-03-21T08:00:00", false), "approaching!0+");
    known.staged_until = decision.decided[0].staged_until;
    known.attention = decision.decided[0].attention;
    assert_string_equal(decide_on(&open, &known, "2026-03-21T08:00:01", false), "");
    assert_string_equal(decide_on(&open, &known, "2026-03-29T08:00:00", false), "approaching!1+");
    known.staged_until = decision.decided[0].staged_until;

    struct deadline breached = deadline(STATE_BREACHED, DUE, NULL);
    assert_string_equal(decide_on(&breached, &known, "2026-04-01T00:00:00", false), "breached!2+");
    known = known_of(&breached);
    known.staged_until = decision.decided[0].staged_until;
    known.attention = true;
    assert_string_equal(decide_on(&breached, &known, "2026-04-07T08:00:10", false), "escalated!3+");
    known.staged_until = decision.decided[0].staged_until;
    assert_string_equal(decide_on(&breached, &known, "2026-04-14T08:00:10", false), "escalated!3+");
    known.staged_until = decision.decided[0].staged_until;

    struct deadline late = deadline(STATE_LATE, DUE, "2026-04-15T12:00:00");
    assert_string_equal(decide_on(&late, &known, "2026-04-15T12:00:03", false), "late-");
    assert_false(decision.decided[0].attention);
}

static void test_done_in_time_is_not_written_about(void **state)
{
    (void)state;
    struct deadline open = deadline(STATE_OPEN, DUE, NULL),
                    met = deadline(STATE_MET, DUE, "2026-03-30T12:00:00");
    struct known_deadline known = known_of(&open);
    assert_string_equal(decide_on(&met, &known, "2026-04-02T08:00:00", false), "met");
}

static void test_after_an_outage_the_latest_stage_alone_late(void **state)
{
    (void)state;
    struct deadline open = deadline(STATE_OPEN, DUE, NULL), breached = deadline(STATE_BREACHED, DUE, NULL);
    struct known_deadline known = known_of(&open);
    assert_string_equal(decide_on(&breached, &known, "2026-04-23T09:00:00", false),
                        "breached escalated!3~5*+");
    assert_string_equal(decide_on(&open, &known, "2026-03-29T12:00:00", false), "approaching!1~1*+");
}

static void test_opened_and_closed_between_two_looks(void **state)
{
    (void)state;
    struct deadline met = deadline(STATE_MET, DUE, "2026-02-02T12:00:00");
    assert_string_equal(decide_on(&met, NULL, "2026-02-03T08:00:00", false), "opened met");
    struct deadline late = deadline(STATE_LATE, DUE, "2026-04-02T12:00:00");
    assert_string_equal(decide_on(&late, NULL, "2026-04-03T08:00:00", false), "opened breached late");
}

static void test_a_backlog_is_not_told_case_by_case(void **state)
{
    (void)state;
    struct deadline breached = deadline(STATE_BREACHED, DUE, NULL);
    assert_string_equal(decide_on(&breached, NULL, "2026-04-23T09:00:00", true), "opened breached+");
    assert_int_equal(decision.decided[0].staged_until, at("2026-04-23T09:00:00"));
    struct deadline late = deadline(STATE_LATE, DUE, "2026-04-02T12:00:00");
    assert_string_equal(decide_on(&late, NULL, "2026-04-23T09:00:00", true), "");
    assert_int_equal(decision.count, 1); // a row all the same
    // What was known before goes on as ever.
    struct deadline open = deadline(STATE_OPEN, DUE, NULL);
    struct known_deadline known = known_of(&open);
    assert_string_equal(decide_on(&breached, &known, "2026-04-01T00:00:00", true), "breached!2~2+");
}

static void test_a_moved_due_is_judged_anew(void **state)
{
    (void)state;
    struct deadline open = deadline(STATE_OPEN, DUE, NULL),
                    moved = deadline(STATE_OPEN, "2026-06-30T23:59:59", NULL);
    struct known_deadline known = known_of(&open);
    known.staged_until = at("2026-03-29T08:00:00");
    known.attention = true;
    assert_string_equal(decide_on(&moved, &known, "2026-03-30T10:00:00", false), "moved-");
    assert_int_equal(decision.decided[0].staged_until, INSTANT_NONE);
    // Moved to soon: the stage that has passed for the new date is told.
    struct deadline soon = deadline(STATE_OPEN, "2026-04-02T23:59:59", NULL);
    assert_string_equal(decide_on(&soon, &known, "2026-04-01T10:00:00", false), "moved approaching!1~1*+");
}

static void test_pause_and_resume(void **state)
{
    (void)state;
    struct deadline open = deadline(STATE_OPEN, DUE, NULL), paused = deadline(STATE_PAUSED, DUE, NULL);
    paused.paused_at = at("2026-03-22T10:00:00");
    struct known_deadline known = known_of(&open);
    known.staged_until = at("2026-03-21T08:00:00");
    known.attention = true;
    assert_string_equal(decide_on(&paused, &known, "2026-03-30T10:00:00", false),
                        "paused-"); // no stage fires
    known = known_of(&paused);
    struct deadline resumed = deadline(STATE_OPEN, "2026-05-31T23:59:59", NULL);
    assert_string_equal(decide_on(&resumed, &known, "2026-05-01T10:00:00", false), "resumed moved");
}

static void test_reopened_keeps_what_it_has_told(void **state)
{
    (void)state;
    struct deadline late = deadline(STATE_LATE, DUE, "2026-04-15T12:00:00"),
                    breached = deadline(STATE_BREACHED, DUE, NULL);
    struct known_deadline known = known_of(&late);
    known.staged_until = at("2026-04-14T08:00:00");
    assert_string_equal(decide_on(&breached, &known, "2026-04-16T10:00:00", false), "reopened+");
    assert_string_equal(decide_on(&breached, &known, "2026-04-21T08:00:00", false), "reopened escalated!3+");
}

static void test_missed_in_a_series_tells_once(void **state)
{
    (void)state;
    struct deadline missed = deadline(STATE_MISSED, DUE, DUE);
    missed.rule = &series_rule;
    missed.missed_in_a_row = 1;
    assert_string_equal(decide_on(&missed, NULL, "2026-04-01T00:00:00", false), "opened missed!2~2");
    struct known_deadline known = known_of(&missed);
    known.staged_until = decision.decided[0].staged_until;
    assert_string_equal(decide_on(&missed, &known, "2026-05-01T08:00:00", false), "");
}

// --- acknowledged ---

// Of a deadline that was breached on 1 April and acknowledged on the 3rd, when caseworker and team leader
// knew.
static struct known_deadline acknowledged(const struct acknowledgement *given)
{
    struct deadline breached = deadline(STATE_BREACHED, DUE, NULL);
    struct known_deadline known = known_of(&breached);
    known.staged_until = at("2026-04-01T00:00:00");
    known.attention = true;
    known.acknowledgement = given;
    return known;
}

static struct acknowledgement until(const char *when)
{
    return (struct acknowledgement){.id = 3,
                                    .until = at(when),
                                    .look_at = INSTANT_NONE,
                                    .noted = true,
                                    .told = "caseworker,team_leader,"};
}

static void test_an_acknowledgement_is_noted_once(void **state)
{
    (void)state;
    struct deadline breached = deadline(STATE_BREACHED, DUE, NULL);
    struct acknowledgement given = until("2026-04-20T08:00:00");
    given.noted = false;
    given.look_at = at("2026-04-03T09:00:00");
    struct known_deadline known = acknowledged(&given);
    assert_string_equal(decide_on(&breached, &known, "2026-04-03T09:00:05", false), "acknowledged+");
    assert_int_equal(decision.decided[0].happenings[0].at, given.look_at);
    assert_ptr_equal(decision.decided[0].acknowledgement, &given);
    assert_false(decision.decided[0].acknowledgement_over);
    given.noted = true;
    given.look_at = INSTANT_NONE;
    assert_string_equal(decide_on(&breached, &known, "2026-04-03T09:01:00", false), "");
    assert_int_equal(decision.count, 0);
}

static void test_acknowledged_repeats_are_held_back_and_a_new_level_is_told(void **state)
{
    (void)state;
    struct deadline breached = deadline(STATE_BREACHED, DUE, NULL);
    struct acknowledgement given = until("2026-05-20T08:00:00");
    struct known_deadline known = acknowledged(&given);
    // The head of department has not been told, so the step fires, for him alone.
    assert_string_equal(decide_on(&breached, &known, "2026-04-07T08:00:00", false), "escalated!3+");
    const struct happening *step = &decision.decided[0].happenings[0];
    assert_true(acknowledgement_holds_back(step->holding, "team_leader"));
    assert_false(acknowledgement_holds_back(step->holding, "department_head"));
    known.staged_until = decision.decided[0].staged_until;
    given.told = "caseworker,team_leader,department_head,";
    assert_string_equal(decide_on(&breached, &known, "2026-04-14T08:00:00", false), "");
    assert_int_equal(decision.count, 0);
    // After an outage, too, the level that does not know is told, though a repeat has come since.
    assert_string_equal(decide_on(&breached, &known, "2026-04-28T09:00:00", false), "escalated!4*+");
}

static void test_the_clock_goes_on(void **state)
{
    (void)state;
    struct deadline open = deadline(STATE_OPEN, DUE, NULL), breached = deadline(STATE_BREACHED, DUE, NULL);
    struct acknowledgement given = until("2026-05-20T08:00:00");
    struct known_deadline known = known_of(&open);
    known.acknowledgement = &given;
    given.told = "caseworker,team_leader,";
    assert_string_equal(decide_on(&breached, &known, "2026-04-01T00:00:00", false), "breached+");
}

static void test_it_comes_back(void **state)
{
    (void)state;
    struct deadline breached = deadline(STATE_BREACHED, DUE, NULL);
    struct acknowledgement given = until("2026-04-20T08:00:00");
    given.told = "caseworker,team_leader,department_head,";
    struct known_deadline known = acknowledged(&given);
    assert_string_equal(decide_on(&breached, &known, "2026-04-19T08:00:00", false), "");
    // The repeats of the 7th and the 14th were held back: the latter is told as of the end, to all of its
    // roles.
    assert_string_equal(decide_on(&breached, &known, "2026-04-20T08:00:00", false),
                        "acknowledgement_ended!3~1+");
    const struct happening *back = &decision.decided[0].happenings[0];
    assert_int_equal(back->stages[0].at, given.until);
    assert_null(back->holding);
    assert_true(decision.decided[0].acknowledgement_over);
    assert_int_equal(decision.decided[0].staged_until, given.until);
    // Ended by hand, before anything was held back: all the same.
    given.until = given.look_at = at("2026-04-05T12:00:00");
    assert_string_equal(decide_on(&breached, &known, "2026-04-05T12:00:01", false),
                        "acknowledgement_ended!2+");
    // A stage that has come since the end speaks for itself, and for those held back.
    given = until("2026-04-20T08:00:00");
    assert_string_equal(decide_on(&breached, &known, "2026-04-21T08:00:10", false),
                        "acknowledgement_ended escalated!3~2+");
}

static void test_done_ends_an_acknowledgement_without_a_word(void **state)
{
    (void)state;
    struct deadline late = deadline(STATE_LATE, DUE, "2026-04-15T12:00:00");
    struct acknowledgement given = until("2026-04-20T08:00:00");
    struct known_deadline known = acknowledged(&given);
    assert_string_equal(decide_on(&late, &known, "2026-04-15T12:00:03", false), "late-");
    assert_true(decision.decided[0].acknowledgement_over);
}

static void test_of_a_new_due_nobody_has_been_told(void **state)
{
    (void)state;
    struct deadline moved = deadline(STATE_OPEN, "2026-04-10T23:59:59", NULL);
    struct acknowledgement given = until("2026-05-20T08:00:00");
    struct known_deadline known = acknowledged(&given);
    assert_string_equal(decide_on(&moved, &known, "2026-04-08T08:00:00", false), "moved approaching!1~1+");
    assert_null(decision.decided[0].happenings[1].holding);
}

static void test_a_pause_outlasts_an_acknowledgement(void **state)
{
    (void)state;
    struct deadline paused = deadline(STATE_PAUSED, DUE, NULL);
    paused.paused_at = at("2026-04-10T10:00:00");
    struct acknowledgement given = until("2026-04-20T08:00:00");
    struct known_deadline known = known_of(&paused);
    known.staged_until = at("2026-04-07T08:00:00");
    known.acknowledgement = &given;
    assert_string_equal(decide_on(&paused, &known, "2026-04-20T08:00:00", false), "acknowledgement_ended");
}

static void test_one_that_was_never_seen_is_over_without_a_word(void **state)
{
    (void)state;
    struct deadline breached = deadline(STATE_BREACHED, DUE, NULL);
    struct acknowledgement given = until("2026-04-04T08:00:00");
    given.noted = false;
    given.look_at = at("2026-04-03T09:00:00");
    struct known_deadline known = acknowledged(&given);
    assert_string_equal(decide_on(&breached, &known, "2026-04-05T09:00:00", false), "");
    assert_true(decision.decided[0].acknowledgement_over);
    assert_string_equal(decide_on(NULL, &known, "2026-04-05T09:00:00", false), "withdrawn-");
    assert_true(decision.decided[0].acknowledgement_over);
}

// --- silenced ---

static struct silence silence_rows[] = {{.id = 4}, {.id = 5}};
static struct people units;
static struct silences silences = {.rows = silence_rows, .case_id = "S-1", .unit = "nord", .units = &units};

static void set_silence(size_t i, const char *case_id, const char *unit, const char *of_rule,
                        const char *until_at)
{
    silence_rows[i] = (struct silence){.id = 4 + (int64_t)i,
                                       .case_id = case_id,
                                       .unit = unit,
                                       .rule = of_rule,
                                       .from = at("2026-03-30T08:00:00"),
                                       .until = at(until_at)};
    silences.count = i + 1;
}

static void test_what_a_silence_covers(void **state)
{
    (void)state;
    static const struct {
        const char *case_id, *unit, *rule;
        bool covers;
    } cases[] = {
        {"S-1", NULL, NULL, true},     {"S-2", NULL, NULL, false},    {NULL, "nord", NULL, true},
        {NULL, "syd", NULL, false},    {NULL, NULL, "K20", true},     {NULL, NULL, "bfu.afslutning", true},
        {NULL, NULL, "K2", false},     {"S-1", "nord", "K20", true},  {"S-1", "syd", "K20", false},
        {"S-1", "nord", "K71", false}, {NULL, "familie", NULL, true}, {NULL, "center", "K20", true},
        {NULL, "nord-1", NULL, false}, {NULL, "voksen", NULL, false},
    };
    const char *const tree[][2] = {
        {"center", ""}, {"familie", "center"}, {"voksen", "center"}, {"nord", "familie"}, {"nord-1", "nord"}};
    for (size_t i = 0; i < sizeof tree / sizeof tree[0]; i++)
        people_add_unit(&units, tree[i][0], tree[i][1]);
    people_finish(&units);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        set_silence(0, cases[i].case_id, cases[i].unit, cases[i].rule, "2026-04-20T08:00:00");
        if ((silence_of(&silences, &rule, at("2026-04-01T00:00:00")) != NULL) != cases[i].covers)
            fail_msg("case %zu", i);
        assert_null(silence_of(&silences, &rule, at("2026-03-30T07:59:59")));
        assert_null(silence_of(&silences, &rule, at("2026-04-20T08:00:00")));
    }
    set_silence(0, "S-1", NULL, NULL, "2026-04-10T08:00:00");
    set_silence(1, NULL, "nord", NULL, "2026-04-20T08:00:00");
    assert_int_equal(silence_of(&silences, &rule, at("2026-04-01T00:00:00"))->id, 5); // the longest
    assert_null(silence_of(NULL, &rule, at("2026-04-01T00:00:00")));
}

static void test_silenced_steps_are_hidden_counted_once_and_told_with_the_end(void **state)
{
    (void)state;
    set_silence(0, NULL, "nord", NULL, "2026-04-20T08:00:00");
    decision.silences = &silences;
    struct deadline open = deadline(STATE_OPEN, DUE, NULL), breached = deadline(STATE_BREACHED, DUE, NULL);
    struct known_deadline known = known_of(&open);
    known.staged_until = at("2026-03-29T08:00:00");
    known.next_stage_at = at("2026-04-01T00:00:00");
    // The clock goes on, and nobody is told.
    breached.next_stage = at("2026-04-07T08:00:00");
    assert_string_equal(decide_on(&breached, &known, "2026-04-01T00:00:00", false), "breached+");
    assert_int_equal(decision.decided[0].silenced->id, 4);
    assert_int_equal(decision.decided[0].hidden_at, at("2026-04-01T00:00:00"));
    assert_int_equal(decision.decided[0].staged_until, known.staged_until);
    assert_int_equal(decision.silence_ends, silence_rows[0].until);

    known = known_of(&breached);
    known.staged_until = at("2026-03-29T08:00:00");
    assert_string_equal(decide_on(&breached, &known, "2026-04-02T12:00:00", false), "");
    assert_int_equal(decision.count, 0); // nothing new to count, but
    assert_int_equal(decision.silence_ends, silence_rows[0].until);

    breached.next_stage = at("2026-04-21T08:00:00");
    known.next_stage_at = at("2026-04-14T08:00:00");
    assert_string_equal(decide_on(&breached, &known, "2026-04-14T08:00:00", false), "");
    assert_int_equal(decision.decided[0].hidden_at, at("2026-04-14T08:00:00"));
    known.next_stage_at = breached.next_stage;
    assert_string_equal(decide_on(&breached, &known, "2026-04-20T08:00:00", false), "escalated!3~2*+");
    assert_null(decision.decided[0].silenced);
    assert_int_equal(decision.silence_ends, INSTANT_NONE);
    // Done in the meantime: nothing is told.
    struct deadline late = deadline(STATE_LATE, DUE, "2026-04-15T12:00:00");
    assert_string_equal(decide_on(&late, &known, "2026-04-20T08:00:00", false), "late");
    decision.silences = NULL;
}

static void test_an_acknowledgement_that_ends_in_a_silence(void **state)
{
    (void)state;
    set_silence(0, "S-1", NULL, NULL, "2026-04-24T08:00:00");
    decision.silences = &silences;
    struct deadline breached = deadline(STATE_BREACHED, DUE, NULL);
    struct acknowledgement given = until("2026-04-20T08:00:00");
    struct known_deadline known = acknowledged(&given);
    assert_string_equal(decide_on(&breached, &known, "2026-04-20T08:00:00", false), "acknowledgement_ended+");
    known.acknowledgement = NULL;
    assert_string_equal(decide_on(&breached, &known, "2026-04-24T08:00:00", false), "escalated!4~3+");
    decision.silences = NULL;
}

static void test_gone_is_withdrawn(void **state)
{
    (void)state;
    struct deadline breached = deadline(STATE_BREACHED, DUE, NULL),
                    late = deadline(STATE_LATE, DUE, "2026-04-15T12:00:00");
    struct known_deadline known = known_of(&breached);
    known.attention = true;
    assert_string_equal(decide_on(NULL, &known, "2026-05-01T08:00:00", false), "withdrawn-");
    known = known_of(&late);
    assert_string_equal(decide_on(NULL, &known, "2026-05-01T08:00:00", false), "");
    assert_int_equal(decision.count, 1); // the row goes without a word
}

static void test_lists_are_paired_by_rule_subject_and_occurrence(void **state)
{
    (void)state;
    struct deadline now_is[3] = {deadline(STATE_OPEN, DUE, NULL), deadline(STATE_OPEN, DUE, NULL),
                                 deadline(STATE_OPEN, DUE, NULL)};
    now_is[1].subject = "U-3";
    now_is[2].subject = "U-3";
    now_is[2].occurrence = 2;
    struct known_deadline known[3];
    for (int i = 0; i < 3; i++)
        known[i] = known_of(&now_is[i]);
    known[1].subject = "U-2";
    struct evaluation evaluation = {.deadlines = now_is, .deadline_count = 3};
    decide(&rules, &evaluation, known, 3, at("2026-02-05T08:00:00"), false, &decision);
    assert_string_equal(told(&decision), "withdrawn opened");
}

static void test_message_keys(void **state)
{
    (void)state;
    char a[MESSAGE_KEY_SIZE], b[MESSAGE_KEY_SIZE];
    const char *one[] = {"ab", "c"}, *other[] = {"a", "bc"}, *longer[] = {"ab", "c", ""};
    assert_string_equal(message_key(one, 2, a), message_key(one, 2, b));
    assert_int_equal(strlen(a), 32);
    assert_string_not_equal(a, message_key(other, 2, b));
    assert_string_not_equal(a, message_key(longer, 3, b));
    assert_string_not_equal(a, message_key(one, 1, b));
}

static void test_names(void **state)
{
    (void)state;
    for (int i = 0; i <= TRANSITION_NOTICE_FAILED; i++) {
        enum transition_kind kind;
        assert_int_equal(transition_parse(transition_name((enum transition_kind)i), &kind), 0);
        assert_int_equal(kind, i);
    }
    enum transition_kind kind;
    assert_int_equal(transition_parse("vanished", &kind), -1);
}

static int set_up(void **state)
{
    (void)state;
    zone = copenhagen();
    rules.zone = zone;
    rules.notice_time = 8 * 3600;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    zone_free(zone);
    free(decision.decided);
    people_done(&units);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_life),
        cmocka_unit_test(test_done_in_time_is_not_written_about),
        cmocka_unit_test(test_after_an_outage_the_latest_stage_alone_late),
        cmocka_unit_test(test_opened_and_closed_between_two_looks),
        cmocka_unit_test(test_a_backlog_is_not_told_case_by_case),
        cmocka_unit_test(test_a_moved_due_is_judged_anew),
        cmocka_unit_test(test_pause_and_resume),
        cmocka_unit_test(test_reopened_keeps_what_it_has_told),
        cmocka_unit_test(test_missed_in_a_series_tells_once),
        cmocka_unit_test(test_an_acknowledgement_is_noted_once),
        cmocka_unit_test(test_acknowledged_repeats_are_held_back_and_a_new_level_is_told),
        cmocka_unit_test(test_the_clock_goes_on),
        cmocka_unit_test(test_it_comes_back),
        cmocka_unit_test(test_done_ends_an_acknowledgement_without_a_word),
        cmocka_unit_test(test_of_a_new_due_nobody_has_been_told),
        cmocka_unit_test(test_a_pause_outlasts_an_acknowledgement),
        cmocka_unit_test(test_one_that_was_never_seen_is_over_without_a_word),
        cmocka_unit_test(test_what_a_silence_covers),
        cmocka_unit_test(test_silenced_steps_are_hidden_counted_once_and_told_with_the_end),
        cmocka_unit_test(test_an_acknowledgement_that_ends_in_a_silence),
        cmocka_unit_test(test_gone_is_withdrawn),
        cmocka_unit_test(test_lists_are_paired_by_rule_subject_and_occurrence),
        cmocka_unit_test(test_message_keys),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
