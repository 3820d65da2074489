// SPDX-License-Identifier: MPL-2.0
// The evaluator as the daemon uses it: wake-up times, misses in a row, reuse, and what must hold for any
// rules and events. The language itself is tested sentence by sentence in
// tests/integration/test_evaluate_language.py.
#include "core/evaluate.h"

#include "core/computation.h"
#include "core/explain.h"
#include "core/stages.h"
#include "support/rule_builder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define EVENTS_MAX 40

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

// A case with room for its events; ids are the numbers from 1.
struct test_case {
    struct casefile casefile;
    struct event events[EVENTS_MAX];
    char ids[EVENTS_MAX][12];
};

static void begin_case(struct test_case *test)
{
    memset(test, 0, sizeof *test);
    test->casefile =
        (struct casefile){.id = "S-1", .type = "barn", .unit = "", .caseworker = "", .events = test->events};
}

static struct event *add_event(struct test_case *test, const char *kind, instant when)
{
    size_t i = test->casefile.event_count++;
    snprintf(test->ids[i], sizeof test->ids[i], "%zu", i + 1);
    test->events[i] = (struct event){test->ids[i], "U", kind, when, CIVIL_NONE};
    return &test->events[i];
}

// --- wake-up times ---

static void wakes_at_the_first_change(void **state)
{
    (void)state;
    struct rule_builder builder;
    struct escalation *escalation;
    struct test_case test;
    builder_init(&builder, zone);
    escalation = builder_escalation(&builder, "e");
    builder_stage(escalation, STAGE_BEFORE, "1 days", NULL);
    builder_stage(escalation, STAGE_AFTER, "2 days", NULL);
    struct rule *rule = builder_rule(&builder, "rule");
    builder_after(&rule->due, "10 days");
    builder_kinds(&builder, &rule->pause, "pause");
    rule->escalation = escalation;
    struct rule *start = builder_rule(&builder, "start");
    start->due.form = DUE_AT_START;
    builder_kinds(&builder, &start->start, "precondition");
    struct rule *series = builder_rule(&builder, "series");
    builder_every(&builder, &series->due, "FREQ=WEEKLY");
    builder_kinds(&builder, &series->start, "series");
    builder_finish(&builder);

    const struct {
        const char *kinds[2], *times[2], *now, *wake;
    } cases[] = {
        {{"start"}, {"2026-03-02T10:00"}, "2026-03-02T10:00", "2026-03-11T08:00"},
        {{"start"}, {"2026-03-02T10:00"}, "2026-03-11T07:59:59", "2026-03-11T08:00"},
        {{"start"}, {"2026-03-02T10:00"}, "2026-03-11T08:00", "2026-03-13T00:00"},
        {{"start"}, {"2026-03-02T10:00"}, "2026-03-12T23:59:59", "2026-03-13T00:00"},
        {{"start"}, {"2026-03-02T10:00"}, "2026-03-13T00:00", "2026-03-14T08:00"},
        {{"start"}, {"2026-03-02T10:00"}, "2026-03-14T08:00", NULL},
        {{"start", "stop"}, {"2026-03-02T10:00", "2026-03-05T10:00"}, "2026-03-05T10:00", NULL},
        {{"start", "stop"}, {"2026-03-02T10:00", "2026-03-05T10:00"}, "2026-03-04T10:00", "2026-03-05T10:00"},
        {{"start", "nobody.knows"},
         {"2026-03-02T10:00", "2026-03-05T10:00"},
         "2026-03-04T10:00",
         "2026-03-05T10:00"},
        {{"start", "pause"}, {"2026-03-02T10:00", "2026-03-05T10:00"}, "2026-03-06T10:00", NULL},
        {{"precondition"}, {"2026-03-02T10:00"}, "2026-03-02T10:00", "2026-03-02T10:00:01"},
        {{"precondition"}, {"2026-03-02T10:00"}, "2026-03-02T10:00:01", NULL},
        {{"series"}, {"2026-03-02T10:00"}, "2026-03-02T10:00", "2026-03-09T10:00:01"},
        {{"series", "stop"},
         {"2026-03-02T10:00", "2026-03-03T10:00"},
         "2026-03-04T10:00",
         "2026-03-09T10:00:01"},
        {{"series", "cancel"}, {"2026-03-02T10:00", "2026-03-03T10:00"}, "2026-03-04T10:00", NULL},
        {{"stop"}, {"2026-03-02T10:00"}, "2026-03-04T10:00", NULL},
    };
    struct evaluator *evaluator = evaluator_new(&builder.rules);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        begin_case(&test);
        for (int e = 0; e < 2 && cases[i].kinds[e]; e++)
            add_event(&test, cases[i].kinds[e], at(cases[i].times[e]));
        instant wake = evaluate(evaluator, &test.casefile, at(cases[i].now), 0)->wake_at;
        char got[ZONE_INSTANT_SIZE];
        if (wake != (cases[i].wake ? at(cases[i].wake) : INSTANT_NONE))
            fail_msg("case %zu: wakes at %s, not %s", i, zone_format(zone, wake, got),
                     cases[i].wake ? cases[i].wake : "never");
    }
    evaluator_free(evaluator);
    builder_done(&builder);
}

// --- misses in a row ---

static void counts_misses_in_a_row(void **state)
{
    (void)state;
    struct rule_builder builder;
    struct test_case test;
    builder_init(&builder, zone);
    builder_every(&builder, &builder_rule(&builder, "series")->due, "FREQ=DAILY");
    builder_rule(&builder, "start")->due.form = DUE_AT_START;
    builder_after(&builder_rule(&builder, "other")->due, "1 days");
    builder_finish(&builder);
    begin_case(&test);
    add_event(&test, "start", at("2026-03-02T10:00"));
    add_event(&test, "stop", at("2026-03-05T09:00")); // the third day
    add_event(&test, "start", at("2026-03-05T11:00"));
    struct evaluator *evaluator = evaluator_new(&builder.rules);
    const struct evaluation *result = evaluate(evaluator, &test.casefile, at("2026-03-08T09:00"), 0);
    static const struct {
        const char *rule;
        enum deadline_state state;
        int in_a_row;
    } expected[] = {
        {"other", STATE_LATE, 0},    {"other", STATE_BREACHED, 0}, {"series", STATE_MISSED, 1},
        {"series", STATE_MISSED, 2}, {"series", STATE_MET, 3},     {"series", STATE_MISSED, 1},
        {"series", STATE_MISSED, 2}, {"series", STATE_OPEN, 3},    {"start", STATE_MISSED, 1},
        {"start", STATE_MISSED, 2},
    };
    assert_int_equal(result->deadline_count, sizeof expected / sizeof expected[0]);
    for (size_t i = 0; i < result->deadline_count; i++) {
        assert_string_equal(result->deadlines[i].rule->id, expected[i].rule);
        assert_int_equal(result->deadlines[i].state, expected[i].state);
        assert_int_equal(result->deadlines[i].missed_in_a_row, expected[i].in_a_row);
    }
    evaluator_free(evaluator);
    builder_done(&builder);
}

static void names_states(void **state)
{
    (void)state;
    for (int i = STATE_OPEN; i <= STATE_PASSED; i++) {
        enum deadline_state parsed;
        assert_int_equal(deadline_state_parse(deadline_state_name((enum deadline_state)i), &parsed), 0);
        assert_int_equal(parsed, i);
        assert_int_equal(deadline_is_closed(parsed), i >= STATE_MET);
    }
    enum deadline_state none;
    assert_int_equal(deadline_state_parse("opened", &none), -1);
}

// --- what must hold for any rules and events ---

struct dice {
    uint64_t state;
};

static unsigned roll(struct dice *dice, unsigned sides)
{
    dice->state ^= dice->state << 13;
    dice->state ^= dice->state >> 7;
    dice->state ^= dice->state << 17;
    return (unsigned)(dice->state >> 33) % sides;
}

static const char *const event_kinds[] = {"a", "b", "c", "d", "e", "f", "g", "h"};

#define KIND_COUNT (sizeof event_kinds / sizeof event_kinds[0])

static void random_kinds(struct dice *dice, struct rule_builder *builder, struct kind_list *list,
                         unsigned sides)
{
    builder_kinds(builder, list, "");
    if (roll(dice, sides) == 0)
        builder_kinds(builder, list, event_kinds[roll(dice, KIND_COUNT)]);
}

static void random_single_form(struct dice *dice, struct rule_builder *builder, struct due *due,
                               int rules_before)
{
    static const char *const durations[] = {"7 days",
                                            "1 months",
                                            "30 hours",
                                            "2 working days",
                                            "1 months - 3 days",
                                            "2 weeks",
                                            "1 weeks + 1 working days"};
    switch (roll(dice, 7)) {
    case 0:
        due->form = DUE_EVENT;
        break;
    case 1:
        due->form = DUE_ON;
        due->on = builder_date("2026-03-20");
        break;
    case 2:
        due->form = DUE_NEXT;
        due->month = 3;
        due->day = (int)roll(dice, 31) + 1;
        break;
    case 3:
        due->form = DUE_END_OF;
        due->end_of = (enum period)roll(dice, 4);
        break;
    case 4:
        if (rules_before > 0) {
            char id[16];
            snprintf(id, sizeof id, "r%u", roll(dice, (unsigned)rules_before));
            builder_same_as(builder, due, id);
            break;
        }
        // fall through
    default:
        builder_after(due, durations[roll(dice, sizeof durations / sizeof durations[0])]);
        break;
    }
}

static bool takes_roll(const struct due *due)
{
    return due->form != DUE_SAME_AS && due->form != DUE_AT_START && due->form != DUE_EVERY &&
           !(due->form == DUE_AFTER && duration_is_hours(&due->after));
}

static void random_due(struct dice *dice, struct rule_builder *builder, struct due *due, int rules_before)
{
    if (roll(dice, 4) == 0) {
        struct due *inner = builder_earliest(builder, due, 2);
        random_single_form(dice, builder, &inner[0], rules_before);
        inner[1].form = DUE_ON_DAY_OF;
        inner[1].on_day_of = builder_kind(builder, event_kinds[roll(dice, KIND_COUNT)]);
    } else {
        random_single_form(dice, builder, due, rules_before);
    }
    if (takes_roll(due)) {
        due->roll = (int)roll(dice, 3) - 1;
        due->at = roll(dice, 3) == 0 ? 12 * 3600 : DUE_END_OF_DAY;
    }
}

static void random_rule(struct dice *dice, struct rule_builder *builder, int number,
                        const struct escalation *escalation)
{
    static const char *const series[] = {"FREQ=DAILY;INTERVAL=3", "FREQ=WEEKLY", "FREQ=DAILY;BYHOUR=2,3"};
    char id[16];
    snprintf(id, sizeof id, "r%d", number);
    struct rule *rule = builder_rule(builder, id);
    rule->calendar = builder->calendars[roll(dice, 2)];
    rule->kind = (enum rule_kind)roll(dice, 6);
    rule->escalation = roll(dice, 2) ? escalation : NULL;
    rule->scope_case = roll(dice, 6) == 0;
    builder_kinds(builder, &rule->start, event_kinds[roll(dice, KIND_COUNT)]);
    random_kinds(dice, builder, &rule->stop, 1);
    random_kinds(dice, builder, &rule->cancel, 2);
    random_kinds(dice, builder, &rule->only_if, 5);
    if (number > 0 && roll(dice, 4) == 0) {
        snprintf(id, sizeof id, "r%u", roll(dice, (unsigned)number));
        builder_starts_on_breach(builder, rule, id);
    }
    unsigned form = roll(dice, 8);
    if (form == 0) {
        builder_every(builder, &rule->due, series[roll(dice, 3)]);
        return;
    }
    rule->look_back = roll(dice, 4) == 0;
    if (form == 1)
        rule->due.form = DUE_AT_START;
    else
        random_due(dice, builder, &rule->due, number);
    random_kinds(dice, builder, &rule->pause, 2);
    random_kinds(dice, builder, &rule->resume, 2);
    random_kinds(dice, builder, &rule->extend, 2);
    random_kinds(dice, builder, &rule->reset, 3);
    if (!rule->look_back && roll(dice, 2)) {
        random_due(dice, builder, &rule->then, number);
        rule->then.from_anchor = roll(dice, 3) == 0;
    }
}

static void random_set(struct dice *dice, struct rule_builder *builder)
{
    builder_init(builder, zone);
    struct escalation *escalation = builder_escalation(builder, "e");
    builder_stage(escalation, STAGE_BEFORE, "1 working days", NULL);
    builder_stage(escalation, STAGE_BEFORE, "6 hours", NULL);
    builder_stage(escalation, STAGE_BREACH, NULL, NULL);
    builder_stage(escalation, STAGE_BREACH, NULL, NULL)->missed = 2;
    builder_stage(escalation, STAGE_AFTER, "2 days", "3 days");
    for (int i = 0; i < 8; i++)
        random_rule(dice, builder, i, escalation);
    builder_finish(builder);
}

// In March 2026, many at one second and many at midnight.
static void random_case(struct dice *dice, struct test_case *test)
{
    static const char *const subjects[] = {"U", "U", "V", ""};
    begin_case(test);
    instant first = at("2026-03-02T00:00");
    for (unsigned i = 0, count = roll(dice, 14) + 1; i < count; i++) {
        instant when = first + (instant)roll(dice, 30) * 86400 + (instant)roll(dice, 3) * 43199;
        struct event *event = add_event(test, event_kinds[roll(dice, KIND_COUNT)], when);
        event->subject = subjects[roll(dice, 4)];
        if (roll(dice, 2))
            event->due_on = builder_date("2026-03-02") + (civil_date)roll(dice, 40);
    }
}

static void describe(const struct evaluation *evaluation, bool with_wake, struct buffer *into)
{
    char text[ZONE_INSTANT_SIZE];
    buffer_clear(into);
    for (size_t i = 0; i < evaluation->deadline_count; i++) {
        const struct deadline *d = &evaluation->deadlines[i];
        const instant times[] = {d->anchor_at, d->due_at,    d->breached_at,
                                 d->closed_at, d->paused_at, d->next_stage};
        buffer_format(into, "%s/%s#%d %s", d->rule->id, d->subject, d->occurrence,
                      deadline_state_name(d->state));
        for (size_t t = 0; t < sizeof times / sizeof times[0]; t++)
            buffer_format(into, " %s", times[t] == INSTANT_NONE ? "-" : zone_format(zone, times[t], text));
        buffer_format(into, " %d\n", d->missed_in_a_row);
    }
    for (size_t i = 0; i < evaluation->fault_count; i++) {
        const struct fault *fault = &evaluation->faults[i];
        buffer_format(into, "%s %s %s %s\n", fault_name(fault->code), fault->rule ? fault->rule : "-",
                      fault->subject ? fault->subject : "-", fault->event_id ? fault->event_id : "-");
    }
    if (with_wake)
        buffer_format(into, "wake %s\n", zone_format(zone, evaluation->wake_at, text));
}

struct walk {
    const struct ruleset *rules;
    struct evaluator *evaluator;
    struct test_case test;
    instant now, wake_at;
    struct buffer result, other;
    uint64_t seed;
    size_t cases, incomparable;
};

static void expect_same(struct walk *walk, const char *what)
{
    if (strcmp(walk->result.data ? walk->result.data : "", walk->other.data ? walk->other.data : "") != 0)
        fail_msg("seed %llu: %s\n--- one\n%s--- other\n%s", (unsigned long long)walk->seed, what,
                 walk->result.data, walk->other.data);
}

static void the_order_of_the_input_does_not_matter(struct walk *walk, struct dice *dice)
{
    struct test_case shuffled = walk->test;
    shuffled.casefile.events = shuffled.events;
    for (size_t i = shuffled.casefile.event_count; i > 1; i--) {
        size_t other = roll(dice, (unsigned)i);
        struct event swap = shuffled.events[i - 1];
        shuffled.events[i - 1] = shuffled.events[other];
        shuffled.events[other] = swap;
    }
    describe(evaluate(walk->evaluator, &shuffled.casefile, walk->now, 0), true, &walk->other);
    expect_same(walk, "the input in another order");
}

static void what_comes_later_does_not_matter(struct walk *walk)
{
    struct test_case past = walk->test;
    past.casefile.events = past.events;
    past.casefile.event_count = 0;
    for (size_t i = 0; i < walk->test.casefile.event_count; i++)
        if (walk->test.events[i].at <= walk->now)
            past.events[past.casefile.event_count++] = walk->test.events[i];
    describe(evaluate(walk->evaluator, &walk->test.casefile, walk->now, 0), false, &walk->result);
    describe(evaluate(walk->evaluator, &past.casefile, walk->now, 0), false, &walk->other);
    expect_same(walk, "later events taken away");
}

static void nothing_changes_before_the_wake_up(struct walk *walk)
{
    instant until = walk->wake_at == INSTANT_NONE ? at("2027-01-01T00:00") : walk->wake_at - 1;
    describe(evaluate(walk->evaluator, &walk->test.casefile, until, 0), false, &walk->other);
    expect_same(walk, "a second before the wake-up");
}

static const struct deadline *find(const struct evaluation *evaluation, const struct deadline *like)
{
    for (size_t i = 0; i < evaluation->deadline_count; i++) {
        const struct deadline *d = &evaluation->deadlines[i];
        if (d->rule->line == like->rule->line && d->occurrence == like->occurrence &&
            strcmp(d->subject, like->subject) == 0)
            return d;
    }
    return NULL;
}

// An extension to an earlier date, or the day of an `on_day_of`, can put a due into the past; it is broken,
// or has closed by itself, in the past then, and what starts on that breach began there.
static bool changes_the_past(const struct evaluation *later, const struct deadline *before, size_t count,
                             instant now)
{
    const struct evaluation earlier = {.deadlines = (struct deadline *)before, .deadline_count = count};
    for (size_t i = 0; i < later->deadline_count; i++) {
        const struct deadline *d = &later->deadlines[i], *was = find(&earlier, d);
        bool broken = d->breached_at != INSTANT_NONE && d->breached_at <= now,
             closed = d->closed_at != INSTANT_NONE && d->closed_at <= now;
        if ((broken && (was == NULL || was->breached_at != d->breached_at)) ||
            (closed && (was == NULL || was->closed_at != d->closed_at)))
            return true;
    }
    return false;
}

// Events in between included. A missed at_start alone gets its breach a second after it closed.
static void a_later_now_never_changes_what_is_closed(struct walk *walk, struct dice *dice)
{
    const struct evaluation *evaluation = evaluate(walk->evaluator, &walk->test.casefile, walk->now, 0);
    size_t count = evaluation->deadline_count;
    struct deadline *before = memory_alloc((count + 1) * sizeof *before);
    for (size_t i = 0; i < count; i++)
        before[i] = evaluation->deadlines[i];
    instant later = walk->now + 1 + (instant)roll(dice, 400 * 24) * 3600;
    evaluation = evaluate(walk->evaluator, &walk->test.casefile, later, 0);
    bool comparable = !changes_the_past(evaluation, before, count, walk->now);
    walk->incomparable += !comparable;
    for (size_t i = 0; i < count && comparable; i++) {
        const struct deadline *then = &before[i], *now = find(evaluation, then);
        if (!deadline_is_closed(then->state))
            continue;
        bool same = now && now->rule == then->rule && now->state == then->state &&
                    now->anchor_at == then->anchor_at && now->due_at == then->due_at &&
                    now->closed_at == then->closed_at && now->missed_in_a_row == then->missed_in_a_row &&
                    (now->breached_at == then->breached_at || then->closed_at == walk->now);
        if (!same) {
            describe(evaluation, true, &walk->other);
            fail_msg("seed %llu: %s/%s#%d was closed and is not what it was\n--- before\n%s--- later\n%s",
                     (unsigned long long)walk->seed, then->rule->id, then->subject, then->occurrence,
                     walk->result.data, walk->other.data);
        }
    }
    free(before);
}

// The journal counts on this: what was closed or breached stays so while no event comes.
static void states_hold_together(struct walk *walk)
{
    const struct evaluation *evaluation = evaluate(walk->evaluator, &walk->test.casefile, walk->now, 0);
    for (size_t i = 0; i < evaluation->deadline_count; i++) {
        const struct deadline *d = &evaluation->deadlines[i];
        bool passed = breach_instant(d->due_at, d->anchor_at) <= walk->now && d->due_at != INSTANT_NONE;
        if (d->state == STATE_OPEN)
            assert_false(passed);
        if (d->state == STATE_BREACHED) {
            assert_true(passed);
            assert_int_equal(d->breached_at, breach_instant(d->due_at, d->anchor_at));
        }
        assert_int_equal(deadline_is_closed(d->state), d->closed_at != INSTANT_NONE);
        assert_true(d->closed_at <= walk->now && d->breached_at <= walk->now && d->anchor_at <= walk->now);
        if (d->next_stage != INSTANT_NONE) {
            assert_true(d->next_stage > walk->now);
            assert_true(d->state == STATE_OPEN || d->state == STATE_BREACHED);
        }
        if (d->state == STATE_LATE && d->closed_at > d->anchor_at)
            assert_int_equal(d->breached_at, breach_instant(d->due_at, d->anchor_at));
        if (d->state == STATE_LAPSED || d->state == STATE_PASSED || d->state == STATE_MET)
            assert_int_equal(d->breached_at, INSTANT_NONE);
    }
}

static void every_step_has_words(struct walk *walk)
{
    describe(evaluate(walk->evaluator, &walk->test.casefile, walk->now, 0), true, &walk->result);
    const struct evaluation *evaluation =
        evaluate(walk->evaluator, &walk->test.casefile, walk->now, EVALUATE_EXPLAIN);
    describe(evaluation, true, &walk->other);
    expect_same(walk, "with explanations");
    for (size_t i = 0; i < evaluation->deadline_count; i++) {
        const struct deadline *d = &evaluation->deadlines[i];
        assert_true(d->step_count >= 3); // how it opened, how the date came about, on what it rests
        for (int s = 0; s < d->step_count; s++)
            for (int language = LANGUAGE_DA; language <= LANGUAGE_EN; language++) {
                buffer_clear(&walk->other);
                explain_step(&d->steps[s], d->rule, zone, (enum language)language, &walk->other);
                assert_true(walk->other.length > 5);
                assert_int_equal(walk->other.data[walk->other.length - 1], '.');
                assert_null(strchr(walk->other.data, '\n'));
            }
    }
}

// The journal keeps the computation, and `fristd verify` does it again.
static void every_computation_can_be_repeated(struct walk *walk)
{
    const struct evaluation *evaluation =
        evaluate(walk->evaluator, &walk->test.casefile, walk->now, EVALUATE_EXPLAIN);
    for (size_t i = 0; i < evaluation->deadline_count; i++) {
        instant was_due, due;
        struct error err;
        buffer_clear(&walk->other);
        computation_write(&evaluation->deadlines[i], walk->rules, &walk->other);
        if (computation_repeat(walk->other.data, walk->rules, &was_due, &due, &err) < 0)
            fail_msg("seed %llu: %s\n%s", (unsigned long long)walk->seed, err.text, walk->other.data);
        if (was_due != evaluation->deadlines[i].due_at || due != was_due)
            fail_msg("seed %llu: repeated %lld, was %lld, is %lld\n%s", (unsigned long long)walk->seed,
                     (long long)due, (long long)was_due, (long long)evaluation->deadlines[i].due_at,
                     walk->other.data);
    }
}

#define SEEDS 100 // each a set of rules; CI also runs 2000
#define CASES 100 // of each

static void holds_for_any_rules_and_events(void **state)
{
    (void)state;
    // FRISTD_SEED repeats one set of rules with its cases; FRISTD_SEEDS tries so many more.
    const char *given = getenv("FRISTD_SEED"), *more = getenv("FRISTD_SEEDS");
    uint64_t first = given ? strtoull(given, NULL, 10) : 1;
    uint64_t count = given ? 1 : more ? strtoull(more, NULL, 10) : SEEDS;
    struct walk walk = {0};
    for (walk.seed = first; walk.seed < first + count; walk.seed++) {
        struct dice dice = {walk.seed * 0x9e3779b97f4a7c15ull};
        struct rule_builder builder;
        random_set(&dice, &builder);
        walk.evaluator = evaluator_new(&builder.rules);
        walk.rules = &builder.rules;
        for (int i = 0; i < CASES; i++) {
            random_case(&dice, &walk.test);
            walk.cases++;
            walk.now = at("2026-03-02T00:00") + (instant)roll(&dice, 40 * 24) * 3600 - 1;
            const struct evaluation *evaluation = evaluate(walk.evaluator, &walk.test.casefile, walk.now, 0);
            walk.wake_at = evaluation->wake_at;
            describe(evaluation, true, &walk.result);
            the_order_of_the_input_does_not_matter(&walk, &dice);
            what_comes_later_does_not_matter(&walk);
            nothing_changes_before_the_wake_up(&walk);
            states_hold_together(&walk);
            a_later_now_never_changes_what_is_closed(&walk, &dice);
            every_step_has_words(&walk);
            every_computation_can_be_repeated(&walk);
        }
        evaluator_free(walk.evaluator);
        builder_done(&builder);
    }
    assert_true(walk.incomparable < walk.cases / 5);
    buffer_done(&walk.result);
    buffer_done(&walk.other);
}

// A case with more events and subjects than any other: the same rules on each subject.
static void many_subjects(void **state)
{
    (void)state;
    enum { SUBJECTS = 5000 };
    struct rule_builder builder;
    builder_init(&builder, zone);
    struct rule *lead = builder_rule(&builder, "lead"), *rule = builder_rule(&builder, "rule");
    builder_after(&lead->due, "1 months");
    builder_same_as(&builder, &rule->due, "lead");
    builder_finish(&builder);
    struct event *events = memory_alloc(2 * SUBJECTS * sizeof *events);
    char(*names)[2][16] = memory_alloc(SUBJECTS * sizeof *names);
    for (int i = 0; i < SUBJECTS; i++) {
        snprintf(names[i][0], sizeof names[i][0], "U%d", i);
        snprintf(names[i][1], sizeof names[i][1], "%d", i);
        events[i] =
            (struct event){names[i][1], names[i][0], "start", at("2026-03-02T10:00") + i % 7, CIVIL_NONE};
        events[SUBJECTS + i] = events[i]; // again, with the same id: faults
    }
    struct casefile casefile = {.id = "S", .type = "", .events = events, .event_count = 2 * SUBJECTS};
    struct evaluator *evaluator = evaluator_new(&builder.rules);
    const struct evaluation *result = evaluate(evaluator, &casefile, at("2026-03-03T10:00"), 0);
    assert_int_equal(result->deadline_count, 2 * SUBJECTS);
    assert_int_equal(result->fault_count, SUBJECTS);
    for (size_t i = 0; i < result->deadline_count; i++)
        assert_int_equal(result->deadlines[i].due_at, at("2026-04-02T23:59:59"));
    for (size_t i = 1; i < SUBJECTS; i++)
        assert_true(strcmp(result->deadlines[i - 1].subject, result->deadlines[i].subject) < 0);
    evaluator_free(evaluator);
    builder_done(&builder);
    free(events);
    free(names);
}

static struct rule *old_rule(struct rule_builder *builder, const char *id)
{
    struct rule *rule = builder_rule(builder, id);
    rule->from = builder_date("1980-01-01");
    return rule;
}

// A series that nobody ended: its latest instances are results, numbered and explained as if all were.
static void a_series_of_decades_keeps_its_latest(void **state)
{
    static const struct {
        const char *every, *from, *now;
        int instances; // up to the one that is open
    } cases[] = {
        {"FREQ=WEEKLY", "1990-01-01T10:00", "2026-11-23T09:00", 1925},
        {"FREQ=DAILY", "1999-07-09T10:00", "2026-11-23T09:00", OCCURRENCES_MAX - 1},
        {"FREQ=DAILY", "1999-07-08T10:00", "2026-11-23T09:00", OCCURRENCES_MAX},
        {"FREQ=DAILY", "1999-07-07T10:00", "2026-11-23T09:00", OCCURRENCES_MAX + 1},
        {"FREQ=HOURLY", "2020-01-01T10:00", "2026-11-23T09:30", 60425}, // seven hours were skipped,
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct rule_builder builder;
        struct test_case test;
        builder_init(&builder, zone);
        builder_after(&old_rule(&builder, "before")->due, "7 days");
        builder_every(&builder, &old_rule(&builder, "series")->due, cases[i].every);
        struct rule *told = old_rule(&builder, "told");
        told->start.count = 0;
        told->due.form = DUE_AT_START;
        builder_starts_on_breach(&builder, told, "series");
        builder_finish(&builder);
        begin_case(&test);
        add_event(&test, "start", at(cases[i].from));
        struct evaluator *evaluator = evaluator_new(&builder.rules);
        int kept = cases[i].instances < OCCURRENCES_MAX ? cases[i].instances : OCCURRENCES_MAX;
        int told_kept = cases[i].instances - 1 < OCCURRENCES_MAX ? cases[i].instances - 1 : OCCURRENCES_MAX;
        for (unsigned flags = 0; flags <= EVALUATE_EXPLAIN; flags++) {
            const struct evaluation *result = evaluate(evaluator, &test.casefile, at(cases[i].now), flags);
            assert_int_equal(result->deadline_count, 1 + kept + told_kept);
            const struct deadline *first = &result->deadlines[1], *last = first + kept - 1;
            for (int k = 0; k < kept; k++) {
                assert_int_equal(first[k].occurrence, cases[i].instances - kept + 1 + k);
                assert_int_equal(first[k].missed_in_a_row, first[k].occurrence);
                if (k > 0)
                    assert_int_equal(first[k].anchor_at, first[k - 1].due_at);
                if (flags == EVALUATE_EXPLAIN) {
                    assert_int_equal(first[k].steps[0].kind,
                                     first[k].occurrence == 1 ? STEP_START : STEP_INSTANCE);
                    assert_int_equal(first[k].steps[1].to, first[k].due_at);
                    assert_int_equal(first[k].steps[first[k].step_count - 1].kind, STEP_BASIS);
                }
            }
            assert_int_equal(last->state, STATE_OPEN);
            assert_int_equal(last[told_kept].occurrence, cases[i].instances - 1);
            assert_int_equal(last[told_kept].state, STATE_MISSED);
        }
        evaluator_free(evaluator);
        builder_done(&builder);
    }
}

// Every clock change that there has been since 1980, and those that are promised until 2100: an hour is an
// hour, and a time that is skipped or comes twice is taken as RULES says.
static void both_nights_of_every_clock_change(void **state)
{
    (void)state;
    struct rule_builder builder;
    struct test_case test;
    builder_init(&builder, zone);
    builder_after(&old_rule(&builder, "a.hours")->due, "24 hours");
    struct rule *timed = old_rule(&builder, "b.timed");
    builder_after(&timed->due, "1 days");
    timed->due.at = 2 * 3600 + 1800;
    builder_after(&old_rule(&builder, "c.day")->due, "1 days");
    builder_every(&builder, &old_rule(&builder, "d.series")->due,
                  "FREQ=DAILY;BYHOUR=2;BYMINUTE=30;BYSECOND=0");
    builder_finish(&builder);
    struct evaluator *evaluator = evaluator_new(&builder.rules);
    int changes = 0;
    for (civil_date day = builder_date("1980-01-02"); day < builder_date("2100-01-01"); day++) {
        instant midnight = zone_to_instant(zone, day, 0), next = zone_to_instant(zone, day + 1, 0);
        instant length = next - midnight;
        if (length == 86400)
            continue;
        changes++;
        instant half_past_two = midnight + 9000; // as many seconds into the night as on others
        instant expected =
            length < 86400 ? midnight + 7200 : half_past_two; // after the gap; the first of two
        begin_case(&test);
        add_event(&test, "start", zone_to_instant(zone, day - 1, 20 * 3600));
        const struct evaluation *result = evaluate(evaluator, &test.casefile, midnight, 0);
        assert_int_equal(result->deadline_count, 4);
        const struct deadline *d = result->deadlines;
        assert_int_equal(d[0].due_at - d[0].anchor_at, 86400);
        struct civil_time due = zone_to_civil(zone, d[0].due_at);
        assert_int_equal(due.date, day);
        assert_int_equal(due.second, 20 * 3600 + 86400 - length);
        assert_int_equal(d[1].due_at, expected);
        assert_int_equal(d[2].due_at, next - 1);
        assert_int_equal(d[3].due_at, expected);
    }
    assert_int_equal(changes, 2 * 120);
    evaluator_free(evaluator);
    builder_done(&builder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wakes_at_the_first_change),
        cmocka_unit_test(counts_misses_in_a_row),
        cmocka_unit_test(names_states),
        cmocka_unit_test(holds_for_any_rules_and_events),
        cmocka_unit_test(many_subjects),
        cmocka_unit_test(a_series_of_decades_keeps_its_latest),
        cmocka_unit_test(both_nights_of_every_clock_change),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
