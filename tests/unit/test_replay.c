// SPDX-License-Identifier: MPL-2.0
// A case on a virtual clock: what is told when, to whom, and what another set of rules makes of it.
#include "core/replay.h"

#include "core/difference.h"
#include "support/rule_builder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct zone *zone;
static struct people people;

static int set_up(void **state)
{
    (void)state;
    static const struct person persons[] = {
        {"sb", "sb@x", "nord", "caseworker", CIVIL_NONE, CIVIL_NONE, ""},
        {"tl", "tl@x", "nord", "team_leader", 20484, 20490, "al"}, // away 2026-01-31 to 2026-02-06
        {"al", "al@x", "familie", "department_head", CIVIL_NONE, CIVIL_NONE, ""},
    };
    zone = copenhagen();
    for (size_t i = 0; i < sizeof persons / sizeof persons[0]; i++)
        people_add(&people, &persons[i]);
    people_add_unit(&people, "nord", "familie");
    people_add_unit(&people, "familie", "");
    people_finish(&people);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    people_done(&people);
    zone_free(zone);
    return 0;
}

// A rule of `days`; its caseworker is warned three days before, the team leader told at the breach and each
// week after.
static void build(struct rule_builder *builder, const char *duration)
{
    static const char *caseworker[] = {"caseworker"}, *team_leader[] = {"team_leader"};
    builder_init(builder, zone);
    struct escalation *escalation = builder_escalation(builder, "dage");
    struct stage *stages[] = {builder_stage(escalation, STAGE_BEFORE, "3 days", NULL),
                              builder_stage(escalation, STAGE_BREACH, NULL, NULL),
                              builder_stage(escalation, STAGE_AFTER, "7 days", "7 days")};
    for (int i = 0; i < 3; i++) {
        stages[i]->to = i == 0 ? caseworker : team_leader;
        stages[i]->to_count = 1;
    }
    struct rule *rule = builder_rule(builder, "frist");
    builder_after(&rule->due, duration);
    rule->escalation = escalation;
    builder_finish(builder);
}

struct told {
    struct buffer lines;
};

static void on_step(void *data, const struct replay_step *step)
{
    struct told *told = data;
    char at[ZONE_INSTANT_SIZE];
    buffer_format(&told->lines, "%.16s %s no. %d %s", zone_format(zone, step->at, at), step->casefile->id,
                  step->deadline->occurrence, transition_name(step->happening->kind));
    if (step->addressees->nobody)
        buffer_add_string(&told->lines, " NOBODY");
    for (size_t i = 0; i < step->addressees->count; i++)
        buffer_format(&told->lines, " %s", step->addressees->recipients[i].person_id);
    if (step->happening->late)
        buffer_add_string(&told->lines, " late");
    buffer_add_char(&told->lines, '\n');
}

static struct replay_options options_of(const struct rule_builder *builder, const char *from, const char *to,
                                        struct told *told)
{
    return (struct replay_options){.rules = &builder->rules,
                                   .people = &people,
                                   .from = builder_instant(zone, from),
                                   .until = builder_instant(zone, to),
                                   .on_step = on_step,
                                   .data = told};
}

static struct event event(const char *id, const char *kind, const char *at)
{
    return (struct event){id, "", kind, builder_instant(zone, at), CIVIL_NONE};
}

static struct casefile case_of(struct event *events, size_t count)
{
    return (struct casefile){"S-1", "barn", "nord", "sb", events, count};
}

static void expect(struct told *told, const char *lines)
{
    assert_string_equal(told->lines.data ? told->lines.data : "", lines);
    buffer_clear(&told->lines);
}

// Each stage at its own time, to whoever is there on that day, until the duty is done; later events are not
// known before.
static void test_each_stage_at_its_time(void **state)
{
    (void)state;
    struct rule_builder builder;
    struct told told = {0};
    build(&builder, "10 days");
    struct event events[] = {
        event("1", "start", "2026-01-20T10:00:00"), event("2", "stop", "2026-02-16T12:00:00"),
        event("3", "start", "2026-03-01T09:00:00"), event("4", "stop", "2026-03-02T09:00:00")};
    struct casefile casefile = case_of(events, 4);
    struct replay_options options = options_of(&builder, "2026-01-01", "2026-12-31T23:59:59", &told);
    struct replay *replay = replay_new(&options);
    const struct evaluation *evaluation = replay_case(replay, &casefile);
    expect(&told, "2026-01-27T08:00 S-1 no. 1 approaching sb\n"
                  "2026-01-31T00:00 S-1 no. 1 breached al\n" // in the team leader's stead
                  "2026-02-06T08:00 S-1 no. 1 escalated al\n"
                  "2026-02-13T08:00 S-1 no. 1 escalated tl\n");
    size_t known;
    const struct known_deadline *rows = replay_known(replay, &known);
    assert_int_equal(evaluation->deadline_count, 2);
    assert_int_equal(known, 2);
    assert_int_equal(rows[0].state, STATE_LATE);
    assert_int_equal(rows[1].state, STATE_MET);
    // The next case begins with nothing known.
    replay_case(replay, &casefile);
    assert_non_null(strstr(told.lines.data, "2026-01-27T08:00 S-1 no. 1 approaching sb\n"));
    buffer_done(&told.lines);
    replay_free(replay);
    builder_done(&builder);
}

// What is late already on the first day is counted for the leaders' reports; its repeats go on.
static void test_first_day(void **state)
{
    (void)state;
    struct rule_builder builder;
    struct told told = {0};
    build(&builder, "10 days");
    struct event events[] = {event("1", "start", "2026-01-20T10:00:00")};
    struct casefile casefile = case_of(events, 1);
    struct replay_options options = options_of(&builder, "2026-02-07", "2026-02-20T23:59:59", &told);
    struct replay *replay = replay_new(&options);
    replay_case(replay, &casefile);
    expect(&told, "2026-02-13T08:00 S-1 no. 1 escalated tl\n2026-02-20T08:00 S-1 no. 1 escalated tl\n");
    const struct backlog *backlog = replay_backlog(replay);
    assert_int_equal(backlog->count, 1);
    assert_int_equal(backlog->counts[0].breached, 1);
    buffer_done(&told.lines);
    replay_free(replay);
    builder_done(&builder);
}

// An event takes a deadline back, and a step whose role nobody holds goes to the next level.
static void test_withdrawn_and_unreached(void **state)
{
    (void)state;
    static const char *nobody[] = {"centre_head"};
    struct rule_builder builder;
    struct told told = {0};
    build(&builder, "10 days");
    builder.escalations[0].stages[0].to = nobody;
    // The same id again: the last in the input counts, so the first start is taken back when the second
    // comes.
    struct event events[] = {event("1", "start", "2026-01-20T10:00:00"),
                             event("1", "other", "2026-01-29T10:00:00"),
                             event("2", "start", "2026-02-10T10:00:00")};
    struct casefile casefile = case_of(events, 3);
    struct replay_options options = options_of(&builder, "2026-01-01", "2026-02-22T23:59:59", &told);
    struct replay *replay = replay_new(&options);
    replay_case(replay, &casefile);
    expect(&told, "2026-01-27T08:00 S-1 no. 1 approaching NOBODY tl\n"
                  "2026-02-17T08:00 S-1 no. 1 approaching NOBODY tl\n"
                  "2026-02-21T00:00 S-1 no. 1 breached tl\n");
    size_t known;
    replay_known(replay, &known);
    assert_int_equal(known, 1);
    buffer_done(&told.lines);
    replay_free(replay);
    builder_done(&builder);
}

// --- two sets of rules ---

static void on_difference(void *data, const struct deadline_difference *difference)
{
    char old_due[ZONE_INSTANT_SIZE], new_due[ZONE_INSTANT_SIZE];
    buffer_format(data, "%s%s %s no. %d %.10s %s %.10s %s\n", difference_is_grave(difference) ? "! " : "",
                  difference_name(difference->kind), difference->rule, difference->occurrence,
                  zone_format(zone, difference->old_due, old_due),
                  difference->kind == DIFFERENCE_APPEARED ? "" : deadline_state_name(difference->old_state),
                  zone_format(zone, difference->new_due, new_due),
                  difference->kind == DIFFERENCE_VANISHED ? "" : deadline_state_name(difference->new_state));
}

static void compare(const struct casefile *casefile, const char *before, const char *after, const char *now,
                    const char *since, const char *expected)
{
    struct rule_builder builders[2];
    struct told told = {0};
    struct buffer lines = {0};
    build(&builders[0], before);
    build(&builders[1], after);
    struct replay_options options = options_of(&builders[0], "2026-01-01", now, &told);
    struct replay *replay = replay_new(&options);
    replay_case(replay, casefile);
    struct evaluator *evaluator = evaluator_new(&builders[1].rules);
    const struct evaluation *evaluation = evaluate(evaluator, casefile, options.until, 0);
    size_t count;
    const struct known_deadline *known = replay_known(replay, &count);
    differences_find(known, count, evaluation, since ? builder_instant(zone, since) : INSTANT_NONE,
                     on_difference, &lines);
    assert_string_equal(lines.data ? lines.data : "", expected);
    buffer_done(&lines);
    buffer_done(&told.lines);
    evaluator_free(evaluator);
    replay_free(replay);
    builder_done(&builders[0]);
    builder_done(&builders[1]);
}

static void test_moved(void **state)
{
    (void)state;
    struct event events[] = {event("1", "start", "2026-01-10T10:00:00"),
                             event("2", "stop", "2026-01-21T12:00:00"),
                             event("3", "start", "2026-03-01T09:00:00")};
    struct casefile casefile = case_of(events, 3);
    compare(&casefile, "10 days", "10 days", "2026-03-05", NULL, "");
    // A closed one is judged otherwise, which is not grave; an open one moves, which is.
    compare(&casefile, "10 days", "11 days", "2026-03-05", NULL,
            "moved frist no. 1 2026-01-20 late 2026-01-21 met\n! moved frist no. 2 2026-03-11 open "
            "2026-03-12 open\n");
    compare(&casefile, "10 days", "2 days", "2026-03-05", NULL,
            "moved frist no. 1 2026-01-20 late 2026-01-12 late\n"
            "! moved frist no. 2 2026-03-11 open 2026-03-03 breached\n");
    // What was closed before the time asked for on both sides is left out.
    compare(&casefile, "10 days", "11 days", "2026-03-05", "2026-02-01",
            "! moved frist no. 2 2026-03-11 open 2026-03-12 open\n");
}

struct row {
    const char *rule;
    enum deadline_state state;
    const char *due;
};

static void test_grave(void **state)
{
    (void)state;
    static const struct rule a = {.id = "a", .code = "A"}, b = {.id = "b", .code = "B"},
                             c = {.id = "c", .code = "C"};
    static const struct {
        struct row before, after; // rule NULL: not there
        const char *expected;
    } cases[] = {
        {{"b", STATE_OPEN, "2026-01-10"}, {"b", STATE_OPEN, "2026-01-10"}, ""},
        {{"b", STATE_OPEN, "2026-01-10"},
         {"b", STATE_OPEN, "2026-01-11"},
         "! moved b no. 1 2026-01-10 open 2026-01-11 open\n"},
        {{"b", STATE_OPEN, NULL}, {"b", STATE_OPEN, "2026-01-11"}, "! moved b no. 1  open 2026-01-11 open\n"},
        {{"b", STATE_OPEN, "2026-01-10"},
         {"b", STATE_MET, "2026-01-10"},
         "! state b no. 1 2026-01-10 open 2026-01-10 met\n"},
        {{"b", STATE_PAUSED, "2026-01-10"},
         {"b", STATE_OPEN, "2026-01-10"},
         "state b no. 1 2026-01-10 paused 2026-01-10 open\n"},
        {{"b", STATE_MET, "2026-01-10"},
         {"b", STATE_OPEN, "2026-01-10"},
         "state b no. 1 2026-01-10 met 2026-01-10 open\n"},
        {{"b", STATE_MET, "2026-01-10"},
         {"b", STATE_BREACHED, "2026-01-10"},
         "! state b no. 1 2026-01-10 met 2026-01-10 breached\n"},
        {{"b", STATE_LATE, "2026-01-10"},
         {"b", STATE_MET, "2026-01-11"},
         "moved b no. 1 2026-01-10 late 2026-01-11 met\n"},
        {{"b", STATE_BREACHED, "2026-01-10"}, {0}, "! vanished b no. 1 2026-01-10 breached  \n"},
        {{"b", STATE_MET, "2026-01-10"}, {0}, "vanished b no. 1 2026-01-10 met  \n"},
        {{0}, {"b", STATE_OPEN, "2026-01-10"}, "appeared b no. 1   2026-01-10 open\n"},
        {{0}, {"b", STATE_BREACHED, "2026-01-10"}, "! appeared b no. 1   2026-01-10 breached\n"},
        {{0}, {"b", STATE_MISSED, "2026-01-10"}, "appeared b no. 1   2026-01-10 missed\n"},
        {{"a", STATE_OPEN, "2026-01-10"},
         {"c", STATE_OPEN, "2026-01-10"},
         "! vanished a no. 1 2026-01-10 open  \nappeared c no. 1   2026-01-10 open\n"},
        {{"c", STATE_OPEN, "2026-01-10"},
         {"a", STATE_OPEN, "2026-01-10"},
         "appeared a no. 1   2026-01-10 open\n! vanished c no. 1 2026-01-10 open  \n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct row *before = &cases[i].before, *after = &cases[i].after;
        struct known_deadline known = {.rule = before->rule,
                                       .code = "X",
                                       .subject = "",
                                       .occurrence = 1,
                                       .state = before->state,
                                       .due_at =
                                           before->due ? builder_instant(zone, before->due) : INSTANT_NONE,
                                       .closed_at = INSTANT_NONE};
        struct deadline deadline = {.rule = after->rule == NULL   ? NULL
                                            : *after->rule == 'a' ? &a
                                            : *after->rule == 'b' ? &b
                                                                  : &c,
                                    .subject = "",
                                    .occurrence = 1,
                                    .state = after->state,
                                    .due_at = after->due ? builder_instant(zone, after->due) : INSTANT_NONE,
                                    .closed_at = INSTANT_NONE};
        struct evaluation evaluation = {.deadlines = &deadline, .deadline_count = after->rule != NULL};
        struct buffer lines = {0};
        differences_find(&known, before->rule != NULL, &evaluation, INSTANT_NONE, on_difference, &lines);
        if (strcmp(lines.data ? lines.data : "", cases[i].expected) != 0)
            fail_msg("case %zu: %s, not %s", i, lines.data ? lines.data : "", cases[i].expected);
        buffer_done(&lines);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_stage_at_its_time),
        cmocka_unit_test(test_first_day),
        cmocka_unit_test(test_withdrawn_and_unreached),
        cmocka_unit_test(test_moved),
        cmocka_unit_test(test_grave),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
