// SPDX-License-Identifier: MPL-2.0
#include "core/due.h"

#include <assert.h>

const struct due_date due_undated = {.at = INSTANT_NONE, .date = CIVIL_NONE};

// --- from a form to a date ---

static civil_date next_such_date(civil_date after, int month, int day)
{
    int year = civil_to_ymd(after).year;
    for (;; year++) {
        if (day > civil_days_in_month(year, month))
            continue; // 29 February
        civil_date date = civil_from_ymd(year, month, day);
        if (date > after)
            return date;
    }
}

static civil_date end_of_period(civil_date date, enum period period)
{
    struct ymd ymd = civil_to_ymd(date);
    switch (period) {
    case PERIOD_WEEK:
        return date + (civil_date)(SUNDAY - civil_weekday(date));
    case PERIOD_QUARTER:
        ymd.month += 2 - (ymd.month - 1) % 3;
        break;
    case PERIOD_YEAR:
        ymd.month = 12;
        break;
    case PERIOD_MONTH:
        break;
    }
    return civil_from_ymd(ymd.year, ymd.month, civil_days_in_month(ymd.year, ymd.month));
}

static void note_terms(const struct duration *after, const struct due_basis *basis, struct step_list *steps)
{
    civil_date date = basis->date;
    for (int i = 0; i < after->count; i++) {
        struct duration term = {.count = 1, .terms = {after->terms[i]}};
        civil_date result = duration_add(&term, date, basis->rule->calendar);
        step_note(steps, (struct step){.kind = STEP_TERM,
                                       .date = date,
                                       .result = result,
                                       .amount = term.terms[0].amount,
                                       .unit = (int)term.terms[0].unit});
        date = result;
    }
}

static civil_date date_after(const struct due *form, const struct due_basis *basis, struct step_list *steps)
{
    if (steps)
        note_terms(&form->after, basis, steps);
    civil_date date = duration_add(&form->after, basis->date, basis->rule->calendar);
    if (!form->inclusive)
        return date;
    step_note(steps, (struct step){.kind = STEP_INCLUSIVE, .date = date, .result = date - 1});
    return date - 1;
}

static unsigned event_date(const struct due_basis *basis, struct step_list *steps, civil_date *ret_date)
{
    *ret_date = basis->due_on;
    if (basis->due_on == CIVIL_NONE) {
        step_note(steps, (struct step){.kind = STEP_NO_DATE});
        return DUE_ON_MISSING;
    }
    step_note(steps, (struct step){.kind = STEP_EVENT_DATE, .result = basis->due_on});
    return basis->due_on < basis->event_date ? DUE_ON_EARLY : 0;
}

static const struct rule *last_version(const struct rule_line *line)
{
    return line->versions[line->version_count - 1];
}

// A single form, before roll and `at`: a date, or (by_instant) an instant; neither where it gives none.
static unsigned single_form(const struct due *form, const struct due_basis *basis, struct step_list *steps,
                            struct due_date *ret_due)
{
    civil_date date = CIVIL_NONE;
    unsigned faults = 0;
    *ret_due = due_undated;
    switch (form->form) {
    case DUE_AFTER:
        if (duration_is_hours(&form->after)) {
            ret_due->by_instant = true;
            ret_due->at = basis->at + duration_seconds(&form->after);
            step_note(steps, (struct step){.kind = STEP_HOURS,
                                           .at = basis->at,
                                           .to = ret_due->at,
                                           .amount = form->after.terms[0].amount});
            return 0;
        }
        date = date_after(form, basis, steps);
        break;
    case DUE_EVENT:
        faults = event_date(basis, steps, &date);
        break;
    case DUE_ON:
        date = form->on;
        step_note(steps, (struct step){.kind = STEP_FIXED_DATE, .result = date});
        break;
    case DUE_NEXT:
        date = next_such_date(basis->date, form->month, form->day);
        step_note(steps, (struct step){.kind = STEP_NEXT, .date = basis->date, .result = date});
        break;
    case DUE_END_OF:
        date = end_of_period(basis->date, form->end_of);
        step_note(steps,
                  (struct step){
                      .kind = STEP_END_OF, .date = basis->date, .result = date, .unit = (int)form->end_of});
        break;
    case DUE_SAME_AS: {
        const struct rule *other = NULL;
        ret_due->by_instant = true;
        if (!basis->shared(basis->data, form->same_as, &other, &ret_due->at)) {
            if (steps)
                other = last_version(&basis->rules->lines[form->same_as]);
            step_note(steps, (struct step){.kind = STEP_NOT_SHARED, .other = other});
            return DUE_NOT_SHARED;
        }
        step_note(steps, (struct step){.kind = STEP_SHARED, .other = other, .to = ret_due->at});
        return 0;
    }
    case DUE_AT_START:
        ret_due->by_instant = true;
        ret_due->at = basis->at;
        step_note(steps, (struct step){.kind = STEP_AT_START, .at = basis->at});
        return 0;
    case DUE_ON_DAY_OF: // nothing until the event has happened
        return 0;
    case DUE_NONE:
    case DUE_EVERY:
    case DUE_EARLIEST:
        assert(!"no single form");
    }
    ret_due->date = date;
    return faults;
}

static unsigned earliest_form(const struct due *form, const struct due_basis *basis, struct step_list *steps,
                              struct due_date *ret_due)
{
    unsigned faults = 0;
    *ret_due = due_undated;
    for (int i = 0; i < form->earliest_count; i++) {
        struct due_date candidate;
        faults |= single_form(&form->earliest[i], basis, steps, &candidate);
        if (candidate.date != CIVIL_NONE)
            candidate.at = zone_to_instant(basis->rules->zone, candidate.date, DAY_END);
        if (candidate.at != INSTANT_NONE && (ret_due->at == INSTANT_NONE || candidate.at < ret_due->at))
            *ret_due = candidate;
    }
    if (ret_due->at != INSTANT_NONE)
        step_note(steps,
                  (struct step){.kind = STEP_EARLIEST, .amount = form->earliest_count, .to = ret_due->at});
    return faults;
}

// The due instant of what the due is before rolling.
static void roll(struct due_date *due, const struct due *form, const struct rule *rule,
                 const struct zone *zone, struct step_list *steps)
{
    civil_date date = due->date;
    if (form->roll != 0 && !due->by_instant && !due->extended)
        date = calendar_roll(rule->calendar, date, form->roll);
    if (date != due->date)
        step_note(steps, (struct step){
                             .kind = STEP_ROLLED, .date = due->date, .result = date, .amount = form->roll});
    due->at = zone_to_instant(zone, date, due->second);
}

// A date gets its second of the day and is rolled; an instant is only written as date and second as well.
static void finish(struct due_date *due, const struct due *form, const struct rule *rule,
                   const struct zone *zone, struct step_list *steps)
{
    if (due->date != CIVIL_NONE) {
        due->second = form->at == DUE_END_OF_DAY ? DAY_END : form->at;
        roll(due, form, rule, zone, steps);
    } else if (due->at != INSTANT_NONE) {
        struct civil_time civil = zone_to_civil(zone, due->at);
        due->date = civil.date;
        due->second = civil.second;
    }
}

unsigned due_compute(const struct due *form, const struct due_basis *basis, struct step_list *steps,
                     struct due_date *ret_due)
{
    unsigned faults = form->form == DUE_EARLIEST ? earliest_form(form, basis, steps, ret_due)
                                                 : single_form(form, basis, steps, ret_due);
    finish(ret_due, form, basis->rule, basis->rules->zone, steps);
    if (ret_due->at != INSTANT_NONE)
        step_note(steps, (struct step){.kind = STEP_DUE, .to = ret_due->at});
    return faults;
}

// --- what happens to it ---

bool due_join_day(struct due_date *due, const struct due *form, const struct rule *rule,
                  const struct ruleset *rules, civil_date day)
{
    if (due->extended)
        return false;
    if (due->at != INSTANT_NONE) {
        instant stands = due->by_instant ? due->at : zone_to_instant(rules->zone, due->date, DAY_END);
        if (zone_to_instant(rules->zone, day, DAY_END) >= stands)
            return false;
    }
    *due = (struct due_date){.date = day};
    finish(due, form, rule, rules->zone, NULL);
    return true;
}

void due_extend(struct due_date *due, const struct zone *zone, civil_date day)
{
    *due = (struct due_date){
        .at = zone_to_instant(zone, day, DAY_END), .date = day, .second = DAY_END, .extended = true};
}

// By what a pause moves the due (RULES, section 5, resume).
enum movement { BY_NOTHING, BY_SECONDS, BY_WORKING_DAYS, BY_DATES };

static enum movement movement_of(const struct due_date *due, const struct due *form)
{
    if (due->extended)
        return BY_DATES;
    if (form->form == DUE_ON || form->form == DUE_SAME_AS)
        return BY_NOTHING;
    if (form->form != DUE_AFTER)
        return BY_DATES;
    if (duration_is_hours(&form->after))
        return BY_SECONDS;
    return duration_ends_in_working_days(&form->after) ? BY_WORKING_DAYS : BY_DATES;
}

// Never before the end of the resume date; so lifted, that is the new due before rolling. A roll backward
// cannot undo it.
static void lift(struct due_date *due, const struct due *form, const struct rule *rule,
                 const struct zone *zone, civil_date resumed_on, struct step_list *steps)
{
    instant end = zone_to_instant(zone, resumed_on, DAY_END);
    if (due->at >= end)
        return;
    due->date = resumed_on;
    due->second = DAY_END;
    due->by_instant = false;
    step_note(steps, (struct step){.kind = STEP_LIFTED, .result = resumed_on});
    roll(due, form, rule, zone, steps);
    if (due->at < end)
        due->at = end;
}

static void move(struct due_date *due, const struct due *form, const struct rule *rule,
                 const struct zone *zone, int days, bool working, struct step_list *steps)
{
    if (days == 0)
        return;
    due->date = working ? calendar_add(rule->calendar, due->date, days) : due->date + days;
    roll(due, form, rule, zone, steps);
}

void due_resume(struct due_date *due, const struct due *form, const struct rule *rule,
                const struct ruleset *rules, instant paused_at, instant resumed_at, civil_date day_of,
                struct step_list *steps)
{
    const struct zone *zone = rules->zone;
    civil_date paused_on = zone_date(zone, paused_at), resumed_on = zone_date(zone, resumed_at);
    enum movement movement = movement_of(due, form);
    struct step resumed = {.kind = STEP_RESUMED, .at = resumed_at};
    switch (due->at == INSTANT_NONE ? BY_NOTHING : movement) {
    case BY_NOTHING:
        step_note(steps, resumed);
        break;
    case BY_SECONDS:
        due->at += resumed_at - paused_at;
        resumed.unit = UNIT_HOURS;
        resumed.amount = (int)(resumed_at - paused_at);
        step_note(steps, resumed);
        break;
    case BY_WORKING_DAYS:
        resumed.unit = UNIT_WORKING_DAYS;
        resumed.amount = calendar_count(rule->calendar, paused_on, resumed_on);
        step_note(steps, resumed);
        move(due, form, rule, zone, resumed.amount, true, steps);
        break;
    case BY_DATES:
        resumed.unit = UNIT_DAYS;
        resumed.amount = resumed_on - paused_on;
        step_note(steps, resumed);
        move(due, form, rule, zone, resumed.amount, false, steps);
        break;
    }
    if (day_of != CIVIL_NONE)
        due_join_day(due, form, rule, rules, day_of);
    if (due->at == INSTANT_NONE)
        return;
    if (movement == BY_WORKING_DAYS || movement == BY_DATES)
        lift(due, form, rule, zone, resumed_on, steps);
    step_note(steps, (struct step){.kind = STEP_DUE, .to = due->at});
}
