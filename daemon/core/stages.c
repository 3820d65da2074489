// SPDX-License-Identifier: MPL-2.0
// A stage is a base (before the due, the breach, after the due) and, with `every`, its repeats: instants that
// rise with their number, so the first after a given instant is found by halving.
#include "core/stages.h"

#define REPEATS_MAX (1 << 22) // every hour from 1980 to CIVIL_YEAR_MAX, and some

// What a deadline's stages have in common.
struct plan {
    const struct ruleset *rules;
    const struct deadline *deadline;
    civil_date due_date;
    instant breach_at;
    instant last; // no stage of any kind after it
};

// Where the escalation ends with the breach: the deadline closes by itself then.
static bool ends_with_breach(const struct rule *rule)
{
    return rule->due.form == DUE_EVERY || rule->due.form == DUE_AT_START || rule->kind == RULE_EXPIRY ||
           rule->kind == RULE_INFORMATION;
}

static instant earlier(instant a, instant b)
{
    return a < b ? a : b;
}

static struct plan make_plan(const struct ruleset *rules, const struct deadline *deadline, instant until)
{
    struct plan plan = {
        .rules = rules,
        .deadline = deadline,
        .due_date = zone_date(rules->zone, deadline->due_at),
        .breach_at = breach_instant(deadline->due_at, deadline->anchor_at),
        .last = earlier(until, zone_to_instant(rules->zone, civil_from_ymd(CIVIL_YEAR_MAX, 12, 31), 0)),
    };
    if (deadline->state == STATE_MISSED) // closed at its due, and its breach stage is still to come
        plan.last = earlier(plan.last, plan.breach_at);
    else if (deadline->closed_at != INSTANT_NONE)
        plan.last = earlier(plan.last, deadline->closed_at);
    if (deadline->paused_at != INSTANT_NONE)
        plan.last = earlier(plan.last, deadline->paused_at);
    if (ends_with_breach(deadline->rule))
        plan.last = earlier(plan.last, plan.breach_at);
    return plan;
}

static instant at_notice_time(const struct plan *plan, civil_date date)
{
    return zone_to_instant(plan->rules->zone, date, plan->rules->notice_time);
}

static instant base_of(const struct plan *plan, const struct stage *stage)
{
    const struct calendar *office = plan->rules->office_calendar;
    if (stage->when == STAGE_BREACH)
        return plan->breach_at;
    bool before = stage->when == STAGE_BEFORE;
    if (duration_is_hours(&stage->offset)) {
        int64_t seconds = duration_seconds(&stage->offset);
        return before ? plan->deadline->due_at - seconds : plan->deadline->due_at + seconds;
    }
    return at_notice_time(plan, before ? duration_subtract(&stage->offset, plan->due_date, office)
                                       : duration_add(&stage->offset, plan->due_date, office));
}

// The stage itself (0) or its i-th repeat: the stage's date plus i times the duration.
static instant repeat_of(const struct plan *plan, const struct stage *stage, instant base, int repeat)
{
    if (repeat == 0)
        return base;
    if (duration_is_hours(&stage->every))
        return base + repeat * duration_seconds(&stage->every);
    struct duration times = stage->every;
    for (int i = 0; i < times.count; i++)
        times.terms[i].amount *= repeat;
    civil_date date = zone_date(plan->rules->zone, base);
    return at_notice_time(plan, duration_add(&times, date, plan->rules->office_calendar));
}

// A stage's times, one after another.
struct row {
    const struct stage *stage;
    instant base, last;
    int repeat;
    instant at; // INSTANT_NONE: no more
};

static bool exists(const struct plan *plan, const struct stage *stage)
{
    if (stage->when == STAGE_AFTER && ends_with_breach(plan->deadline->rule))
        return false;
    if (stage->missed == 0)
        return true;
    return stage->when == STAGE_BREACH && plan->deadline->missed_in_a_row >= stage->missed;
}

static void step_to(const struct plan *plan, struct row *row, int repeat)
{
    row->repeat = repeat;
    row->at = repeat > 0 && row->stage->every.count == 0 ? INSTANT_NONE
                                                         : repeat_of(plan, row->stage, row->base, repeat);
    if (row->at > row->last)
        row->at = INSTANT_NONE;
}

// The first repeat strictly later than `after`: out in doubled steps, back by halving.
static int first_repeat(const struct plan *plan, const struct row *row, instant after)
{
    int low = 0, high = 1; // low is not later, high may be
    while (high < REPEATS_MAX && repeat_of(plan, row->stage, row->base, high) <= after) {
        low = high;
        high *= 2;
    }
    while (high - low > 1) {
        int middle = low + (high - low) / 2;
        if (repeat_of(plan, row->stage, row->base, middle) <= after)
            low = middle;
        else
            high = middle;
    }
    return high;
}

// Begins after `after`.
static struct row start_row(const struct plan *plan, const struct stage *stage, instant after)
{
    struct row row = {.stage = stage, .at = INSTANT_NONE};
    row.last = stage->when == STAGE_BEFORE ? earlier(plan->last, plan->deadline->due_at) : plan->last;
    if (!exists(plan, stage) || after >= row.last)
        return row;
    row.base = base_of(plan, stage);
    if (row.base > after)
        step_to(plan, &row, 0);
    else if (stage->every.count > 0)
        step_to(plan, &row, first_repeat(plan, &row, after));
    return row;
}

// No stage stands at or before the anchor.
static instant after_anchor(const struct deadline *deadline, instant after)
{
    return after == INSTANT_NONE || after < deadline->anchor_at ? deadline->anchor_at : after;
}

// The rows of an escalation side by side; the earliest time first, at one time in the order of the stages.
struct rows {
    struct row rows[STAGES_MAX];
    int count;
};

static void start_rows(struct rows *rows, const struct plan *plan, instant after)
{
    const struct escalation *escalation = plan->deadline->rule->escalation;
    rows->count = escalation->stage_count;
    for (int i = 0; i < rows->count; i++)
        rows->rows[i] = start_row(plan, &escalation->stages[i], after);
}

static struct row *earliest_row(struct rows *rows)
{
    struct row *earliest = NULL;
    for (int i = 0; i < rows->count; i++)
        if (rows->rows[i].at != INSTANT_NONE && (earliest == NULL || rows->rows[i].at < earliest->at))
            earliest = &rows->rows[i];
    return earliest;
}

static bool has_stages(const struct deadline *deadline)
{
    return deadline->rule->escalation != NULL && deadline->due_at != INSTANT_NONE;
}

size_t stages_between(const struct ruleset *rules, const struct deadline *deadline, instant after,
                      instant until, struct stage_time *ret_times, size_t capacity)
{
    if (!has_stages(deadline))
        return 0;
    struct plan plan = make_plan(rules, deadline, until);
    const struct stage *stages = deadline->rule->escalation->stages;
    struct rows rows;
    struct row *row;
    size_t all = 0, passed = 0, written = 0;
    for (start_rows(&rows, &plan, after_anchor(deadline, after)); (row = earliest_row(&rows)) != NULL; all++)
        step_to(&plan, row, row->repeat + 1);
    if (capacity == 0)
        return all;
    for (start_rows(&rows, &plan, after_anchor(deadline, after)); (row = earliest_row(&rows)) != NULL;
         passed++) {
        if (all - passed <= capacity)
            ret_times[written++] = (struct stage_time){
                .at = row->at, .stage = (int)(row->stage - stages), .repeat = row->repeat};
        step_to(&plan, row, row->repeat + 1);
    }
    return all;
}

instant stages_next(const struct ruleset *rules, const struct deadline *deadline, instant after)
{
    if (!has_stages(deadline) || deadline_is_closed(deadline->state) || deadline->state == STATE_PAUSED)
        return INSTANT_NONE;
    struct plan plan = make_plan(rules, deadline, INT64_MAX);
    const struct escalation *escalation = deadline->rule->escalation;
    instant next = INSTANT_NONE;
    for (int i = 0; i < escalation->stage_count; i++) {
        struct row row = start_row(&plan, &escalation->stages[i], after_anchor(deadline, after));
        if (row.at != INSTANT_NONE && (next == INSTANT_NONE || row.at < next))
            next = row.at;
    }
    return next;
}
