// SPDX-License-Identifier: MPL-2.0
// A stage is a base (before the due, the breach, after the due) and, with `every`, its repeats: instants that
// rise with their number, so the first after a given instant is found by halving.
#include "core/stages.h"

#define LAST_OF_ALL (84370 * (instant)86400) // 2200-12-31, the end of CIVIL_YEAR_MAX
#define REPEATS_MAX (1 << 22)                // every hour from 1980 until then, and some

// What a deadline's stages have in common.
struct plan {
    const struct ruleset *rules;
    const struct deadline *deadline;
    civil_date due_date;
    instant breach_at;
    instant after;     // only what is later, and so later than the anchor
    instant last;      // no stage of any kind after it
    uint64_t left_out; // stages not asked for, by bit
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

static struct plan make_plan(const struct ruleset *rules, const struct deadline *deadline, instant after,
                             instant until)
{
    struct plan plan = {
        .rules = rules,
        .deadline = deadline,
        .due_date = zone_date(rules->zone, deadline->due_at),
        .breach_at = breach_instant(deadline->due_at, deadline->anchor_at),
        .after = after == INSTANT_NONE || after < deadline->anchor_at ? deadline->anchor_at : after,
        .last = earlier(until, LAST_OF_ALL),
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

// A stage's times, one after another.
struct row {
    const struct stage *stage;
    instant base; // the stage itself
    civil_date base_date;
    instant last;
    int repeat; // of `at`; 0: the stage itself
    instant at; // INSTANT_NONE: no more
};

static void find_base(const struct plan *plan, struct row *row)
{
    const struct stage *stage = row->stage;
    const struct calendar *office = plan->rules->office_calendar;
    bool before = stage->when == STAGE_BEFORE;
    if (stage->when != STAGE_BREACH && !duration_is_hours(&stage->offset)) {
        row->base_date = before ? duration_subtract(&stage->offset, plan->due_date, office)
                                : duration_add(&stage->offset, plan->due_date, office);
        row->base = at_notice_time(plan, row->base_date);
        return;
    }
    if (stage->when == STAGE_BREACH)
        row->base = plan->breach_at;
    else
        row->base = plan->deadline->due_at + (before ? -1 : 1) * duration_seconds(&stage->offset);
    if (stage->every.count > 0)
        row->base_date = zone_date(plan->rules->zone, row->base);
}

// The stage itself (0) or its i-th repeat: the stage's date plus i times the duration.
static instant repeat_of(const struct plan *plan, const struct row *row, int repeat)
{
    const struct duration *every = &row->stage->every;
    if (repeat == 0)
        return row->base;
    if (duration_is_hours(every))
        return row->base + repeat * duration_seconds(every);
    struct duration times = *every;
    for (int i = 0; i < times.count; i++)
        times.terms[i].amount *= repeat;
    return at_notice_time(plan, duration_add(&times, row->base_date, plan->rules->office_calendar));
}

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
    row->at = repeat > 0 && row->stage->every.count == 0 ? INSTANT_NONE : repeat_of(plan, row, repeat);
    if (row->at > row->last)
        row->at = INSTANT_NONE;
}

// A repeat that is surely not later than plan.after: as many as fit in when each takes as long as it ever
// can.
static int passed_repeats(const struct plan *plan, const struct row *row)
{
    static const int longest_days[] = {
        [UNIT_DAYS] = 1, [UNIT_WEEKS] = 7, [UNIT_MONTHS] = 31, [UNIT_YEARS] = 366};
    const struct duration *every = &row->stage->every;
    if (duration_is_hours(every))
        return (int)((plan->after - row->base) / duration_seconds(every));
    if (duration_has_working_days(every))
        return 0;
    int days = 0, passed = zone_date(plan->rules->zone, plan->after) - row->base_date;
    for (int i = 0; i < every->count; i++)
        days += every->terms[i].amount * longest_days[every->terms[i].unit];
    return passed > days ? passed / days - 1 : 0;
}

// The first repeat that is later: out in doubled steps, back by halving.
static int first_repeat(const struct plan *plan, const struct row *row)
{
    int low = passed_repeats(plan, row), high = low + 1; // low is not later, high may be
    while (high < REPEATS_MAX && repeat_of(plan, row, high) <= plan->after) {
        int step = 2 * (high - low);
        low = high;
        high += step;
    }
    while (high - low > 1) {
        int middle = low + (high - low) / 2;
        if (repeat_of(plan, row, middle) <= plan->after)
            low = middle;
        else
            high = middle;
    }
    return high;
}

static struct row start_row(const struct plan *plan, const struct stage *stage)
{
    struct row row = {.stage = stage, .at = INSTANT_NONE};
    row.last = stage->when == STAGE_BEFORE ? earlier(plan->last, plan->deadline->due_at) : plan->last;
    ptrdiff_t number = stage - plan->deadline->rule->escalation->stages;
    if ((plan->left_out >> number & 1) || !exists(plan, stage) || plan->after >= row.last)
        return row;
    find_base(plan, &row);
    if (row.base > plan->after)
        step_to(plan, &row, 0);
    else if (stage->every.count > 0)
        step_to(plan, &row, first_repeat(plan, &row));
    return row;
}

// The rows of an escalation side by side; the earliest time first, at one time in the order of the stages.
struct rows {
    struct row rows[STAGES_MAX];
    int count;
};

static void start_rows(struct rows *rows, const struct plan *plan)
{
    const struct escalation *escalation = plan->deadline->rule->escalation;
    rows->count = escalation->stage_count;
    for (int i = 0; i < rows->count; i++)
        rows->rows[i] = start_row(plan, &escalation->stages[i]);
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
    return stages_between_but(rules, deadline, 0, after, until, ret_times, capacity);
}

size_t stages_between_but(const struct ruleset *rules, const struct deadline *deadline, uint64_t left_out,
                          instant after, instant until, struct stage_time *ret_times, size_t capacity)
{
    if (!has_stages(deadline))
        return 0;
    struct plan plan = make_plan(rules, deadline, after, until);
    plan.left_out = left_out;
    size_t all = 0, skipped = 0, written = 0;
    struct rows rows;
    struct row *row;
    for (start_rows(&rows, &plan); (row = earliest_row(&rows)) != NULL; all++)
        step_to(&plan, row, row->repeat + 1);
    if (capacity == 0)
        return all;
    for (start_rows(&rows, &plan); (row = earliest_row(&rows)) != NULL;
         step_to(&plan, row, row->repeat + 1)) {
        if (all - skipped > capacity) {
            skipped++;
            continue;
        }
        int stage = (int)(row->stage - deadline->rule->escalation->stages);
        ret_times[written++] = (struct stage_time){.at = row->at, .stage = stage, .repeat = row->repeat};
    }
    return all;
}

instant stages_next(const struct ruleset *rules, const struct deadline *deadline, instant after)
{
    if (!has_stages(deadline) || deadline_is_closed(deadline->state) || deadline->state == STATE_PAUSED)
        return INSTANT_NONE;
    struct plan plan = make_plan(rules, deadline, after, INT64_MAX);
    const struct escalation *escalation = deadline->rule->escalation;
    instant next = INSTANT_NONE;
    for (int i = 0; i < escalation->stage_count; i++) {
        struct row row = start_row(&plan, &escalation->stages[i]);
        if (row.at != INSTANT_NONE && (next == INSTANT_NONE || row.at < next))
            next = row.at;
    }
    return next;
}
