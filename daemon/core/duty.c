// SPDX-License-Identifier: MPL-2.0
// RULES, section 5, step by step. duty_handle() is the order of the steps; each step is one function and acts
// on the occurrence that is open when its turn comes.
#include "core/duty.h"

#include "core/stages.h"

#include <string.h>

struct step_list *duty_steps(const struct duty *duty)
{
    return duty->evaluator->explain ? &duty->evaluator->steps : NULL;
}

instant duty_breach_at(const struct duty *duty)
{
    return breach_instant(duty->due.at, duty->anchor_at);
}

static void note(const struct duty *duty, struct step step)
{
    step_note(duty_steps(duty), step);
}

static const char *kind_name(const struct duty *duty, const struct seen_event *event)
{
    return event->kind >= 0 ? duty->evaluator->rules->kinds[event->kind] : NULL; // NULL: a breach
}

// --- what an event means to a version ---

// An event of the case as a whole counts for every subject, but only as these.
#define ROLES_FOR_EVERY_SUBJECT (ROLE_STOP | ROLE_CANCEL | ROLE_PAUSE | ROLE_RESUME | ROLE_DAY_OF)

static bool is_own(const struct duty *duty, const struct seen_event *event)
{
    return event->subject == duty->subject || duty->line->versions[0]->scope_case;
}

static unsigned roles_of(const struct duty *duty, const struct rule *rule, const struct seen_event *event)
{
    if (event->kind < 0)
        return 0;
    unsigned roles = rule->roles[event->kind];
    return is_own(duty, event) ? roles : roles & ROLES_FOR_EVERY_SUBJECT;
}

static bool lists_start(const struct duty *duty, const struct rule *rule, const struct seen_event *event)
{
    if (event->breach_of < 0)
        return roles_of(duty, rule, event) & ROLE_START;
    for (int i = 0; i < rule->breach_of_count; i++)
        if (rule->breach_of[i] == event->breach_of)
            return true;
    return false;
}

static bool is_in_force(const struct rule *rule, civil_date date)
{
    return rule->from <= date && (rule->until == CIVIL_NONE || date <= rule->until);
}

static bool applies(const struct duty *duty, const struct rule *rule)
{
    return duty->evaluator->applicable[rule->number];
}

// The version that the event is a start of; with `version_by: due` the first of those that could be.
static const struct rule *version_started(const struct duty *duty, const struct seen_event *event)
{
    for (int i = 0; i < duty->line->version_count; i++) {
        const struct rule *rule = duty->line->versions[i];
        if ((rule->version_by_due || is_in_force(rule, event->date)) && applies(duty, rule) &&
            lists_start(duty, rule, event))
            return rule;
    }
    return NULL;
}

// A start even where it opens nothing: listed by the version in force, or by any where none is.
static bool is_any_start(const struct duty *duty, const struct seen_event *event)
{
    bool in_force = false, listed = false;
    for (int i = 0; i < duty->line->version_count; i++) {
        const struct rule *rule = duty->line->versions[i];
        bool lists = lists_start(duty, rule, event);
        listed |= lists;
        if (rule->version_by_due || !is_in_force(rule, event->date))
            continue;
        in_force = true;
        if (lists)
            return true;
    }
    return listed && !in_force;
}

// --- the occurrence: open, closed, written down ---

// What other rules may take from here on. A due that closed in the past, by an extension to an earlier date,
// is closed for others from the extension on.
void duty_share(struct duty *duty, instant at, int order)
{
    struct evaluator *evaluator = duty->evaluator;
    if (!duty->line->shared)
        return;
    if (at > duty->shared_at || (at == duty->shared_at && order > duty->shared_order)) {
        duty->shared_at = at;
        duty->shared_order = order;
    }
    MEMORY_GROW(evaluator->shared, evaluator->shared_count, evaluator->shared_capacity);
    evaluator->shared[evaluator->shared_count++] =
        (struct shared_due){.line = duty->line_number,
                            .subject = duty->subject,
                            .at = duty->shared_at,
                            .order = duty->shared_order,
                            .open = duty->phase == PHASE_RUNNING || duty->phase == PHASE_PAUSED,
                            .rule = duty->rule,
                            .due_at = duty->due.at};
}

// `only_if`: no such event at or before the smaller of now and due.
static bool is_silent(const struct duty *duty)
{
    if (duty->rule->only_if.count == 0)
        return false;
    instant until = duty->evaluator->now;
    if (duty->due.at != INSTANT_NONE && duty->due.at < until)
        until = duty->due.at;
    return duty->spoken_since == INSTANT_NONE || duty->spoken_since > until;
}

void duty_begin(struct duty *duty, const struct rule *rule, const struct due *form, instant anchor_at,
                const struct due_date *due, size_t first_step)
{
    duty->occurrences++;
    duty->phase = PHASE_RUNNING;
    duty->rule = rule;
    duty->form = form;
    duty->anchor_at = anchor_at;
    duty->due = *due;
    duty->breached = false;
    duty->paused_at = INSTANT_NONE;
    duty->day_of = CIVIL_NONE;
    duty->spoken_since = evaluator_first_of(duty->evaluator, &rule->only_if);
    duty->first_step = first_step;
}

static bool counts_misses(const struct rule *rule)
{
    return rule->due.form == DUE_EVERY || rule->due.form == DUE_AT_START;
}

// Leaves out the earliest drafts of the duty, and their steps, so that at most so many stay. Not each time
// that there is one more, but when there are twice as many: a long series is moved as often as it is written.
static void forget_earliest(struct duty *duty, size_t at_most)
{
    struct evaluator *evaluator = duty->evaluator;
    size_t count = evaluator->draft_count - duty->first_draft;
    if (count <= at_most)
        return;
    size_t left_out = count - at_most;
    struct draft *first = evaluator->drafts + duty->first_draft, *kept = first + left_out;
    size_t steps_from = first->first_step, steps_left_out = kept->first_step - steps_from;
    memmove(first, kept, at_most * sizeof *first);
    evaluator->draft_count -= left_out;
    if (steps_left_out == 0)
        return;
    memmove(evaluator->steps.steps + steps_from, evaluator->steps.steps + steps_from + steps_left_out,
            (evaluator->steps.count - steps_from - steps_left_out) * sizeof *evaluator->steps.steps);
    evaluator->steps.count -= steps_left_out;
    duty->first_step -= steps_left_out;
    for (size_t i = 0; i < at_most; i++)
        first[i].first_step -= steps_left_out;
}

// A draft of the deadline, unless the rule does not speak of this case.
static struct deadline *write_down(struct duty *duty, enum deadline_state state, instant closed_at)
{
    struct evaluator *evaluator = duty->evaluator;
    if (is_silent(duty)) {
        evaluator->steps.count = duty->first_step;
        return NULL;
    }
    if (evaluator->draft_count - duty->first_draft == 2 * OCCURRENCES_MAX)
        forget_earliest(duty, OCCURRENCES_MAX);
    note(duty, (struct step){.kind = STEP_BASIS});
    MEMORY_GROW(evaluator->drafts, evaluator->draft_count, evaluator->draft_capacity);
    struct draft *draft = &evaluator->drafts[evaluator->draft_count++];
    bool breached = duty->breached && state != STATE_LAPSED && state != STATE_PASSED;
    *draft = (struct draft){
        .first_step = duty->first_step,
        .deadline = {.rule = duty->rule,
                     .subject = evaluator->subject_names[duty->subject],
                     .occurrence = duty->occurrences,
                     .state = state,
                     .anchor_at = duty->anchor_at,
                     .due_at = duty->due.at,
                     .breached_at = breached ? duty_breach_at(duty) : INSTANT_NONE,
                     .closed_at = closed_at,
                     .paused_at = duty->paused_at,
                     .next_stage = INSTANT_NONE,
                     .missed_in_a_row = counts_misses(duty->rule) ? duty->missed_in_a_row + 1 : 0,
                     .step_count = (int)(evaluator->steps.count - duty->first_step)}};
    return &draft->deadline;
}

void duty_close(struct duty *duty, enum deadline_state state, instant closed_at)
{
    write_down(duty, state, closed_at);
    duty->missed_in_a_row = state == STATE_MISSED ? duty->missed_in_a_row + 1 : 0;
    duty->phase = PHASE_NONE;
}

void duty_breach(struct duty *duty)
{
    duty->breached = true;
    if (!is_silent(duty))
        evaluator_breach(duty->evaluator, duty->rule, duty->subject, duty_breach_at(duty));
}

// What closes by itself at its due is not broken by it.
static bool closes_by_itself(const struct rule *rule)
{
    return rule->kind == RULE_EXPIRY || rule->kind == RULE_INFORMATION;
}

static void note_breach(const struct duty *duty)
{
    if (!closes_by_itself(duty->rule))
        note(duty, (struct step){.kind = STEP_BREACHED, .at = duty_breach_at(duty)});
}

// --- what time alone brings ---

static void pass_due(struct duty *duty)
{
    instant breach_at = duty_breach_at(duty);
    if (!duty->breached) {
        duty_breach(duty);
        note_breach(duty);
    }
    if (!closes_by_itself(duty->rule))
        return;
    bool lapses = duty->rule->kind == RULE_EXPIRY;
    note(duty, (struct step){.kind = lapses ? STEP_LAPSED : STEP_PASSED, .at = breach_at});
    duty_close(duty, lapses ? STATE_LAPSED : STATE_PASSED, breach_at);
    duty_share(duty, breach_at, -1);
}

// Up to this second, its events not yet handled: what closes by itself has done so before them.
static void advance(struct duty *duty, instant at)
{
    if (duty->series) {
        series_advance(duty, at);
        return;
    }
    instant breach_at = duty_breach_at(duty);
    if (duty->phase == PHASE_RUNNING && breach_at != INSTANT_NONE && breach_at <= at)
        pass_due(duty);
}

// --- opening ---

struct sharing {
    const struct duty *duty;
    const struct seen_event *event;
};

static bool find_shared(void *data, int line, const struct rule **ret_rule, instant *ret_due)
{
    const struct sharing *sharing = data;
    return evaluator_shared(sharing->duty->evaluator, line, sharing->duty->subject, sharing->event->at,
                            sharing->event->order, ret_rule, ret_due);
}

// The due of a form for an occurrence that the event opens or resets, counted from `from`.
static unsigned compute(const struct duty *duty, const struct rule *rule, const struct due *form,
                        const struct seen_event *event, instant from, struct step_list *steps,
                        struct due_date *ret_due)
{
    const struct ruleset *rules = duty->evaluator->rules;
    struct sharing sharing = {duty, event};
    struct due_basis basis = {
        .rules = rules,
        .rule = rule,
        .at = from,
        .date = from == event->at ? event->date : zone_date(rules->zone, from),
        .due_on = event->due_on,
        .event_date = event->date,
        .shared = find_shared,
        .data = &sharing,
    };
    return due_compute(form, &basis, steps, ret_due);
}

static void report(const struct duty *duty, const struct rule *rule, const struct seen_event *event,
                   unsigned faults)
{
    static const struct {
        unsigned bit;
        enum fault_code code;
    } codes[] = {{DUE_ON_MISSING, FAULT_DUE_ON_MISSING},
                 {DUE_ON_EARLY, FAULT_DUE_ON_EARLY},
                 {DUE_NOT_SHARED, FAULT_NO_DEADLINE_TO_SHARE}};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (faults & codes[i].bit)
            evaluator_fault(duty->evaluator, codes[i].code, rule, duty->subject, event);
}

static void report_stops_before_start(const struct duty *duty, const struct rule *rule)
{
    for (size_t i = 0; i < duty->position; i++) {
        const struct seen_event *event = duty->events[i];
        if (!is_own(duty, event))
            continue;
        if (is_any_start(duty, event))
            return;
        if (roles_of(duty, rule, event) & ROLE_STOP)
            evaluator_fault(duty->evaluator, FAULT_STOP_BEFORE_START, rule, duty->subject, event);
    }
}

static instant due_of_version(const struct duty *duty, const struct rule *rule,
                              const struct seen_event *event)
{
    struct due_date due;
    if (rule->due.form == DUE_EVERY)
        return series_first_due(duty, rule, event);
    compute(duty, rule, &rule->due, event, event->at, NULL, &due);
    return due.at;
}

// `version_by: due`: the first that is in force on its own due date, else the last.
static const struct rule *version_by_due(const struct duty *duty, const struct seen_event *event)
{
    const struct zone *zone = duty->evaluator->rules->zone;
    const struct rule *last = NULL;
    for (int i = 0; i < duty->line->version_count; i++) {
        const struct rule *rule = duty->line->versions[i];
        if (!applies(duty, rule) || !lists_start(duty, rule, event))
            continue;
        last = rule;
        instant due_at = due_of_version(duty, rule, event);
        if (due_at != INSTANT_NONE && is_in_force(rule, zone_date(zone, due_at)))
            return rule;
    }
    return last;
}

void duty_note_start(const struct duty *duty, const struct seen_event *event, const struct rule *rule)
{
    note(duty, (struct step){.kind = event->breached ? STEP_BREACH : STEP_START,
                             .at = event->at,
                             .name = kind_name(duty, event),
                             .other = event->breached});
    if (duty->line->version_count > 1)
        note(duty, (struct step){.kind = STEP_VERSION, .date = rule->from, .amount = rule->version_by_due});
}

// `look_back`: the latest stop before the start since the last cancel, within its limit.
static const struct seen_event *stop_before(const struct duty *duty, const struct rule *rule,
                                            const struct seen_event *start)
{
    if (!rule->look_back || roles_of(duty, rule, start) & ROLE_CANCEL)
        return NULL;
    const struct duration *within = &rule->look_back_within;
    for (size_t i = duty->position; i-- > 0;) {
        const struct seen_event *event = duty->events[i];
        unsigned roles = roles_of(duty, rule, event);
        if (roles & ROLE_STOP) {
            if (within->count == 0)
                return event;
            if (duration_is_hours(within))
                return event->at >= start->at - duration_seconds(within) ? event : NULL;
            return event->date >= duration_subtract(within, start->date, rule->calendar) ? event : NULL;
        }
        if (roles & ROLE_CANCEL)
            return NULL;
    }
    return NULL;
}

static void fulfil(struct duty *duty, const struct seen_event *stop)
{
    bool met = duty->due.at == INSTANT_NONE || stop->at <= duty->due.at;
    note(duty,
         (struct step){.kind = met ? STEP_MET : STEP_LATE, .at = stop->at, .name = kind_name(duty, stop)});
    duty_close(duty, met ? STATE_MET : STATE_LATE, stop->at);
}

// `at_start` and nothing had been done.
static void miss_at_start(struct duty *duty)
{
    instant breach_at = duty_breach_at(duty);
    if (breach_at <= duty->evaluator->now)
        duty_breach(duty);
    else
        evaluator_wake(duty->evaluator, breach_at);
    note(duty, (struct step){.kind = STEP_MISSED, .at = duty->due.at});
    duty_close(duty, STATE_MISSED, duty->due.at);
}

static void open_single(struct duty *duty, const struct seen_event *event, const struct rule *rule)
{
    size_t first_step = duty->evaluator->steps.count;
    struct due_date due;
    duty_note_start(duty, event, rule);
    unsigned faults = compute(duty, rule, &rule->due, event, event->at, duty_steps(duty), &due);
    duty_begin(duty, rule, &rule->due, event->at, &due, first_step);
    report(duty, rule, event, faults);
    const struct seen_event *stop = stop_before(duty, rule, event);
    if (stop) {
        note(duty, (struct step){.kind = STEP_LOOKED_BACK, .at = stop->at, .name = kind_name(duty, stop)});
        fulfil(duty, stop);
    } else if (rule->due.form == DUE_AT_START) {
        miss_at_start(duty);
    }
}

// `then`: the stop opens the next one at once, unless it was to share a due and there is none.
static void follow(struct duty *duty, const struct seen_event *event)
{
    const struct rule *rule = duty->rule;
    const struct due *form = &rule->then;
    struct evaluator *evaluator = duty->evaluator;
    size_t first_step = evaluator->steps.count;
    instant from = form->from_anchor ? duty->anchor_at : event->at;
    struct due_date due;
    note(duty, (struct step){.kind = STEP_FOLLOWS, .at = event->at, .name = kind_name(duty, event)});
    if (form->from_anchor)
        note(duty, (struct step){.kind = STEP_COUNT_FROM, .at = from});
    unsigned faults = compute(duty, rule, form, event, from, duty_steps(duty), &due);
    if (form->form == DUE_SAME_AS && faults & DUE_NOT_SHARED) {
        evaluator->steps.count = first_step;
        return;
    }
    duty_begin(duty, rule, form, event->at, &due, first_step);
    report(duty, rule, event, faults & ~(unsigned)DUE_NOT_SHARED);
}

// --- the steps, in their order ---

// A clock that stands has no due to pass.
static bool due_has_passed(const struct duty *duty, const struct seen_event *event)
{
    return duty->phase == PHASE_RUNNING && duty->due.at != INSTANT_NONE && event->at > duty->due.at;
}

static void end_pause(struct duty *duty)
{
    duty->phase = PHASE_RUNNING;
    duty->paused_at = INSTANT_NONE;
    duty->day_of = CIVIL_NONE;
}

// Also how a stop ends a pause.
static void resume(struct duty *duty, const struct seen_event *event)
{
    if (duty->phase != PHASE_PAUSED)
        return;
    due_resume(&duty->due, duty->form, duty->rule, duty->evaluator->rules, duty->paused_at, event->at,
               duty->day_of, duty_steps(duty));
    end_pause(duty);
    // A due that no pause moves can have passed meanwhile: a breach, but not one that happened while it ran.
    instant breach_at = duty_breach_at(duty);
    if (breach_at != INSTANT_NONE && breach_at <= event->at) {
        duty->breached = true;
        note_breach(duty);
    }
}

// The first event of its kind since the anchor, and later than it.
static bool is_first_day_of(const struct duty *duty, const struct seen_event *event)
{
    bool waited_for = false;
    for (int i = 0; i < duty->form->earliest_count; i++)
        waited_for |=
            duty->form->earliest[i].form == DUE_ON_DAY_OF && duty->form->earliest[i].on_day_of == event->kind;
    if (!waited_for || event->at <= duty->anchor_at)
        return false;
    for (size_t i = duty->position; i-- > 0 && duty->events[i]->at > duty->anchor_at;)
        if (duty->events[i]->kind == event->kind && roles_of(duty, duty->rule, duty->events[i]) & ROLE_DAY_OF)
            return false;
    return true;
}

// Before all steps: the day that an `on_day_of` waits for. While the clock stands it waits for the resume.
static void join_day(struct duty *duty, const struct seen_event *event)
{
    const struct ruleset *rules = duty->evaluator->rules;
    if (duty->form->form != DUE_EARLIEST || !(roles_of(duty, duty->rule, event) & ROLE_DAY_OF) ||
        !is_first_day_of(duty, event))
        return;
    if (duty->phase == PHASE_PAUSED) {
        if (duty->day_of == CIVIL_NONE) {
            duty->day_of = event->date;
            note(duty,
                 (struct step){.kind = STEP_DAY_WAITS, .at = event->at, .name = kind_name(duty, event)});
        }
        return;
    }
    if (due_has_passed(duty, event) || !due_join_day(&duty->due, duty->form, duty->rule, rules, event->date))
        return;
    note(duty, (struct step){
                   .kind = STEP_DAY_OF, .at = event->at, .to = duty->due.at, .name = kind_name(duty, event)});
}

static void cancel(struct duty *duty, const struct seen_event *event)
{
    if (duty->series) {
        series_cancel(duty, event);
        return;
    }
    note(duty, (struct step){.kind = STEP_CANCELLED, .at = event->at, .name = kind_name(duty, event)});
    duty_close(duty, STATE_CANCELLED, event->at);
}

static void stop(struct duty *duty, const struct seen_event *event)
{
    if (duty->series) {
        series_stop(duty, event);
        return;
    }
    if (duty->phase == PHASE_PAUSED) {
        resume(duty, event);
        advance(duty, event->at);
        if (duty->phase == PHASE_NONE)
            return;
    }
    fulfil(duty, event);
    if (duty->rule->then.form != DUE_NONE)
        follow(duty, event);
}

static void pause(struct duty *duty, const struct seen_event *event)
{
    if (duty->phase == PHASE_PAUSED)
        return;
    if (due_has_passed(duty, event)) {
        note(duty,
             (struct step){.kind = STEP_PAUSE_TOO_LATE, .at = event->at, .name = kind_name(duty, event)});
        return;
    }
    note(duty, (struct step){.kind = STEP_PAUSED, .at = event->at, .name = kind_name(duty, event)});
    duty->phase = PHASE_PAUSED;
    duty->paused_at = event->at;
}

static void extend(struct duty *duty, const struct seen_event *event)
{
    if (event->due_on == CIVIL_NONE) {
        report(duty, duty->rule, event, DUE_ON_MISSING);
        return;
    }
    if (event->due_on < event->date)
        report(duty, duty->rule, event, DUE_ON_EARLY);
    if (due_has_passed(duty, event)) {
        note(duty, (struct step){.kind = STEP_EXTENDED_LATE,
                                 .at = event->at,
                                 .result = event->due_on,
                                 .name = kind_name(duty, event)});
        return;
    }
    end_pause(duty);
    due_extend(&duty->due, duty->evaluator->rules->zone, event->due_on);
    note(duty, (struct step){.kind = STEP_EXTENDED,
                             .at = event->at,
                             .result = event->due_on,
                             .name = kind_name(duty, event)});
}

static void reset(struct duty *duty, const struct seen_event *event)
{
    if (due_has_passed(duty, event)) {
        note(duty, (struct step){.kind = STEP_RESET_LATE, .at = event->at, .name = kind_name(duty, event)});
        return;
    }
    end_pause(duty);
    duty->anchor_at = event->at;
    duty->breached = false;
    note(duty, (struct step){.kind = STEP_RESET, .at = event->at, .name = kind_name(duty, event)});
    report(duty, duty->rule, event,
           compute(duty, duty->rule, duty->form, event, event->at, duty_steps(duty), &duty->due));
}

static void start(struct duty *duty, const struct seen_event *event)
{
    const struct rule *rule = version_started(duty, event);
    if (rule == NULL)
        return;
    if (duty->last_start == event->at && event->id)
        evaluator_fault(duty->evaluator, FAULT_DOUBLE_START, rule, duty->subject, event);
    duty->last_start = event->at;
    if (duty->phase != PHASE_NONE)
        return;
    if (rule->version_by_due)
        rule = version_by_due(duty, event);
    if (duty->occurrences == 0 && !rule->look_back)
        report_stops_before_start(duty, rule);
    if (rule->due.form == DUE_EVERY)
        series_start(duty, event, rule, roles_of(duty, rule, event) & ROLE_STOP);
    else
        open_single(duty, event, rule);
}

void duty_handle(struct duty *duty, const struct seen_event *event)
{
    static const struct {
        enum role role;
        void (*act)(struct duty *duty, const struct seen_event *event);
    } steps[] = {
        {ROLE_CANCEL, cancel}, {ROLE_STOP, stop},     {ROLE_PAUSE, pause},
        {ROLE_RESUME, resume}, {ROLE_EXTEND, extend}, {ROLE_RESET, reset},
    };
    advance(duty, event->at);
    if (duty->phase != PHASE_NONE)
        join_day(duty, event);
    advance(duty, event->at); // the day can have put the due into the past
    for (size_t i = 0; i < sizeof steps / sizeof steps[0] && duty->phase != PHASE_NONE; i++)
        if (roles_of(duty, duty->rule, event) & steps[i].role) {
            steps[i].act(duty, event);
            advance(duty, event->at);
        }
    start(duty, event);
    duty_share(duty, event->at, event->order);
}

// --- the state at now ---

static void write_down_open(struct duty *duty)
{
    struct evaluator *evaluator = duty->evaluator;
    enum deadline_state state = duty->phase == PHASE_PAUSED ? STATE_PAUSED
                                : duty->breached            ? STATE_BREACHED
                                                            : STATE_OPEN;
    struct deadline *deadline = write_down(duty, state, INSTANT_NONE);
    if (deadline == NULL || state == STATE_PAUSED)
        return;
    if (state == STATE_OPEN)
        evaluator_wake(evaluator, duty_breach_at(duty));
    deadline->next_stage = stages_next(evaluator->rules, deadline, evaluator->now);
    evaluator_wake(evaluator, deadline->next_stage);
}

void duty_finish(struct duty *duty)
{
    advance(duty, duty->evaluator->now);
    if (duty->phase == PHASE_RUNNING || duty->phase == PHASE_PAUSED)
        write_down_open(duty);
    if (duty->series)
        series_finish(duty);
    forget_earliest(duty, OCCURRENCES_MAX);
}
