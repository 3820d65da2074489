// SPDX-License-Identifier: MPL-2.0
// Any bytes as lines of cases, evaluated by rules that use the whole language: a bad row or an evaluation
// that holds together and can be put into words.
#include "fuzz.h"

#include "core/computation.h"
#include "core/explain.h"
#include "core/stages.h"
#include "shell/case_json.h"
#include "shell/rules_file.h"

#include <assert.h>
#include <string.h>

#define HEAD                                                                                                 \
    ", code: K, title: t, basis: b, kind: statutory, valid: {from: 2000-01-01}, confidence: A, start: [a], " \
    "stop: [s], cancel: [c], calendar: dage, escalation: e, "
#define CLOCK "pause: [p], resume: [r], extend: [x], reset: [n], "

static const char rules_yaml[] =
    "holidays: {dk: [{name: Juledag, on: 12-25}, {name: Langfredag, easter: -2}]}\n"
    "calendars: {dage: {weekdays: [mo, tu, we, th, fr], holidays: [dk], closed: [06-05]}}\n"
    "office_calendar: dage\n"
    "births: [f]\n"
    "escalations:\n"
    "  e:\n"
    "    - {at: 5 working days before, every: 1 working day, to: [a]}\n"
    "    - {at: 6 hours before, to: [a]}\n"
    "    - {at: breach, to: [a]}\n"
    "    - {at: breach, missed: 2, to: [a]}\n"
    "    - {at: 1 month after, every: 1 month, to: [a]}\n"
    "rules:\n"
    "- {id: hours" HEAD CLOCK "due: {after: 24 hours}, then: {event: true}}\n"
    "- {id: days" HEAD CLOCK "due: {after: 6 working days}, then: {after: 1 month, from: anchor}}\n"
    "- {id: months" HEAD CLOCK "due: {after: 18 years - 6 months, roll: forward, at: \"02:30\"}}\n"
    "- {id: dated" HEAD CLOCK "scope: case, due: {event: true, roll: backward}}\n"
    "- {id: fixed" HEAD CLOCK "only_if: [g], due: {on: 2026-05-01}}\n"
    "- {id: next" HEAD CLOCK "look_back: 3 working days, due: {next: 02-29}}\n"
    "- {id: period" HEAD CLOCK "due: {end_of: quarter}}\n"
    "- {id: first" HEAD CLOCK "due: {earliest: [{same_as: days}, {on_day_of: d}, {after: 30 hours}]}}\n"
    "- {id: shared" HEAD CLOCK "due: {same_as: months}, then: {same_as: days}}\n"
    "- {id: series" HEAD "due: {every: FREQ=WEEKLY}}\n"
    "- {id: told" HEAD "look_back: true, due: {at_start: true}}\n"
    "- {id: breach" HEAD "due: {after: 1 day}}\n"
    "- {id: chain, code: K, title: t, basis: b, kind: expiry, valid: {from: 2000-01-01}, confidence: A, "
    "start: [\"breach:hours\", \"breach:series\", \"breach:told\"], stop: [s], due: {same_as: series}}\n"
    "- {id: age, code: K, title: t, basis: b, kind: information, valid: {from: 2000-01-01, until: "
    "2020-12-31}, "
    "confidence: A, start: [f], due: {after: 18 years}, version_by: due}\n"
    "- {id: age, code: K, title: t, basis: b, kind: information, valid: {from: 2021-01-01}, confidence: A, "
    "start: [f], due: {after: 17 years}, version_by: due}\n";

struct world {
    struct zone *zone;
    struct ruleset rules;
    struct evaluator *evaluator;
    struct case_json *reader;
    instant now;
    struct buffer words;
};

static struct world *build(void)
{
    static struct world world;
    struct error err = {{0}};
    const struct rules_text text = {"fuzz.yaml", rules_yaml, strlen(rules_yaml)};
    if (world.zone)
        return &world;
    if (zone_load("Europe/Copenhagen", &world.zone, &err) < 0 ||
        rules_load_texts(&text, 1, world.zone, NULL, NULL, &world.rules, &err) < 0)
        assert(!"no rules");
    world.evaluator = evaluator_new(&world.rules);
    world.reader = case_json_new(world.zone);
    zone_parse_instant(world.zone, "2026-06-01T12:00", strlen("2026-06-01T12:00"), &world.now);
    return &world;
}

static void check_deadline(struct world *world, const struct deadline *deadline)
{
    struct stage_time last;
    assert(deadline_is_closed(deadline->state) == (deadline->closed_at != INSTANT_NONE));
    assert(deadline->closed_at <= world->now && deadline->breached_at <= world->now);
    assert(deadline->next_stage == INSTANT_NONE || deadline->next_stage > world->now);
    if (stages_between(&world->rules, deadline, INSTANT_NONE, world->now, &last, 1) > 0)
        assert(last.at > deadline->anchor_at && last.at <= world->now);
    for (int i = 0; i < deadline->step_count; i++)
        for (int language = LANGUAGE_DA; language <= LANGUAGE_EN; language++) {
            buffer_clear(&world->words);
            explain_step(&deadline->steps[i], deadline->rule, world->zone, (enum language)language,
                         &world->words);
            assert(world->words.length > 0);
        }
}

// What `fristd verify` computes again is the same, as far as instants can be written down.
static void check_computation(struct world *world, const struct deadline *deadline)
{
    instant was_due, due;
    struct error err;
    if (deadline->due_at != INSTANT_NONE && !zone_covers(world->zone, deadline->due_at))
        return;
    buffer_clear(&world->words);
    computation_write(deadline, &world->rules, &world->words);
    int repeated = computation_repeat(world->words.data, &world->rules, &was_due, &due, &err);
    assert(repeated == 0 && was_due == deadline->due_at && due == was_due);
}

static void try_line(struct world *world, const char *line, size_t length)
{
    const struct casefile *casefile;
    struct error err = {{0}};
    if (case_json_read(world->reader, line, length, &casefile, &err) < 0) {
        assert(err.text[0] != '\0');
        return;
    }
    const struct evaluation *evaluation = evaluate(world->evaluator, casefile, world->now, EVALUATE_EXPLAIN);
    assert(evaluation->wake_at == INSTANT_NONE || evaluation->wake_at > world->now);
    for (size_t i = 0; i < evaluation->deadline_count; i++) {
        check_deadline(world, &evaluation->deadlines[i]);
        check_computation(world, &evaluation->deadlines[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world *world = build();
    const char *at = (const char *)data, *end = at + size;
    while (at < end) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        if (line_end == NULL)
            line_end = end;
        try_line(world, at, (size_t)(line_end - at));
        at = line_end + 1;
    }
    return 0;
}
