// SPDX-License-Identifier: MPL-2.0
#include "shell/forming.h"

#include "core/notices.h"

static void on_formed(struct journal_batch *batch, const struct error *err)
{
    struct forming *forming = batch->data;
    forming->on_done(forming, err);
}

// A time that has come may have come while nobody was there to see it: it is asked for again whether the
// person is at work. What was decided within office hours may go a little after them.
static struct journal_hold hold_of(const struct forming *forming, const struct loose_person *person)
{
    const struct letter_context *context = forming->context;
    const struct rhythm *rhythm = &context->config->rhythm;
    bool closed;
    instant open = rhythm_next(rhythm, context->rules, context->people, person->person_id,
                               forming->now - rhythm->group_wait_s, &closed);
    if (closed)
        return (struct journal_hold){person->person_id, open, "hours"};
    if (!person->busy)
        return (struct journal_hold){0};
    instant morning =
        rhythm_next_morning(rhythm, context->rules, context->people, person->person_id, forming->now);
    return (struct journal_hold){person->person_id, morning, "bound"};
}

static void form(struct forming *forming, const struct loose_person *persons, size_t count)
{
    struct journal_batch *batch = &forming->batch;
    journal_batch_clear(batch);
    struct journal_forming *wanted = &batch->forming;
    *wanted = (struct journal_forming){
        .wanted = true, .now = forming->now, .wait_s = forming->context->config->rhythm.group_wait_s};
    wanted->holds = arena_alloc(&batch->arena, count * sizeof *wanted->holds);
    for (size_t i = 0; i < count; i++) {
        struct journal_hold hold = hold_of(forming, &persons[i]);
        if (hold.person_id == NULL)
            continue;
        hold.person_id = arena_string(&batch->arena, hold.person_id);
        wanted->holds[wanted->hold_count++] = hold;
    }
    batch->data = forming;
    batch->now = forming->now;
    batch->on_done = on_formed;
    journal_commit(forming->journal, batch);
}

static void on_loose(struct journal_loose *loose, const struct loose_person *persons, size_t count,
                     const struct error *err)
{
    struct forming *forming = loose->data;
    if (err)
        forming->on_done(forming, err);
    else
        form(forming, persons, count);
}

// For whom it is, and who has had his mails of the day, is asked first, unless nobody ever waits.
bool forming_start(struct forming *forming, instant now)
{
    const struct rhythm *rhythm = &forming->context->config->rhythm;
    const struct zone *zone = forming->context->rules->zone;
    forming->now = now;
    if (rhythm->mails_per_day == 0 && rhythm_is_always_open(rhythm)) {
        form(forming, NULL, 0);
        return true;
    }
    forming->loose = (struct journal_loose){
        .data = forming,
        .now = now,
        .since = zone_to_instant(zone, zone_date(zone, now), 0),
        .bound = rhythm->mails_per_day,
        .on_done = on_loose,
    };
    struct error err;
    return journal_read_loose(forming->journal, &forming->loose, &err) == 0;
}

void forming_done(struct forming *forming)
{
    journal_batch_done(&forming->batch);
}
