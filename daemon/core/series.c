// SPDX-License-Identifier: MPL-2.0
// RULES, section 5, every: the instances of a recurrence one after another, each anchored at the one before.
// An instance is open from the second after the one before it to its own second; met, missed or cancelled.
#include "core/duty.h"

// The first instance strictly after an instant; civil times that the clock makes equal count once.
static instant next_due(const struct duty *duty, struct recurrence_iterator *series, instant after)
{
    civil_date date;
    int second;
    while (recurrence_next(series, &date, &second)) {
        instant at = zone_to_instant(duty->evaluator->rules->zone, date, second);
        if (at > after)
            return at;
    }
    return INSTANT_NONE;
}

static struct recurrence_iterator *begin(const struct duty *duty, const struct rule *rule, instant anchor_at)
{
    struct civil_time anchor = zone_to_civil(duty->evaluator->rules->zone, anchor_at);
    return recurrence_start(rule->due.every, anchor.date, anchor.second);
}

instant series_first_due(const struct duty *duty, const struct rule *rule, const struct seen_event *start)
{
    struct recurrence_iterator *series = begin(duty, rule, start->at);
    instant at = next_due(duty, series, start->at);
    recurrence_stop(series);
    return at;
}

static void end(struct duty *duty)
{
    recurrence_stop(duty->series);
    duty->series = NULL;
    duty->phase = PHASE_NONE;
}

static void begin_instance(struct duty *duty, const struct rule *rule, instant anchor_at, instant due_at,
                           size_t first_step)
{
    struct due_date due = {.at = due_at, .date = CIVIL_NONE, .by_instant = true};
    step_note(duty_steps(duty), (struct step){.kind = STEP_SERIES, .at = duty->series_from, .to = due_at});
    duty_begin(duty, rule, &rule->due, anchor_at, &due, first_step);
}

void series_start(struct duty *duty, const struct seen_event *start, const struct rule *rule, bool stopped)
{
    struct recurrence_iterator *series = begin(duty, rule, start->at);
    instant due_at = next_due(duty, series, start->at);
    if (due_at == INSTANT_NONE) {
        recurrence_stop(series);
        return;
    }
    size_t first_step = duty->evaluator->steps.count;
    duty_note_start(duty, start, rule);
    duty->series = series;
    duty->series_from = start->at;
    begin_instance(duty, rule, start->at, due_at, first_step);
    if (stopped) // a stop counts from the start event on
        series_stop(duty, start);
}

// The due of the instance has passed: the next comes into being.
static void next_instance(struct duty *duty)
{
    instant anchor_at = duty->due.at, due_at = next_due(duty, duty->series, anchor_at);
    if (due_at == INSTANT_NONE) {
        end(duty);
        return;
    }
    size_t first_step = duty->evaluator->steps.count;
    step_note(duty_steps(duty), (struct step){.kind = STEP_INSTANCE, .at = anchor_at});
    begin_instance(duty, duty->rule, anchor_at, due_at, first_step);
}

void series_advance(struct duty *duty, instant at)
{
    while (duty->series && duty->due.at < at) {
        instant due_at = duty->due.at;
        if (duty->phase == PHASE_RUNNING) {
            duty_breach(duty);
            step_note(duty_steps(duty), (struct step){.kind = STEP_MISSED, .at = due_at});
            duty_close(duty, STATE_MISSED, due_at);
        }
        next_instance(duty);
        duty_share(duty, due_at + 1, -1);
    }
}

void series_stop(struct duty *duty, const struct seen_event *event)
{
    if (duty->phase != PHASE_RUNNING)
        return;
    const char *kind = duty->evaluator->rules->kinds[event->kind];
    step_note(duty_steps(duty), (struct step){.kind = STEP_MET, .at = event->at, .name = kind});
    duty_close(duty, STATE_MET, event->at);
    duty->phase = PHASE_FULFILLED;
}

void series_cancel(struct duty *duty, const struct seen_event *event)
{
    if (duty->phase == PHASE_RUNNING) {
        const char *kind = duty->evaluator->rules->kinds[event->kind];
        step_note(duty_steps(duty), (struct step){.kind = STEP_CANCELLED, .at = event->at, .name = kind});
        duty_close(duty, STATE_CANCELLED, event->at);
    }
    end(duty);
}

void series_finish(struct duty *duty)
{
    if (duty->phase == PHASE_FULFILLED && next_due(duty, duty->series, duty->due.at) != INSTANT_NONE)
        evaluator_wake(duty->evaluator, duty->due.at + 1);
    end(duty);
}
