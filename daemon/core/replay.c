// SPDX-License-Identifier: MPL-2.0
//
// The daemon looks at a case when it has changed and when its evaluation says that it will come out
// differently: wake_at. On a virtual clock both are wake_at, since an event of the future is a time to wake,
// too. So the clock jumps from one wake_at to the next.
#include "core/replay.h"

#include "core/muting.h"

#include <assert.h>
#include <stdlib.h>

struct rows {
    struct known_deadline *rows;
    size_t count, capacity;
};

struct replay {
    struct replay_options options;
    struct evaluator *evaluator;
    struct decision decision;
    struct rows known, next; // next: being made from known and a decision
    struct backlog backlog;
    struct arena arena; // of the case at hand
    size_t muted;
};

struct replay *replay_new(const struct replay_options *options)
{
    struct replay *replay = memory_alloc(sizeof *replay);
    replay->options = *options;
    replay->evaluator = evaluator_new(options->rules);
    return replay;
}

void replay_free(struct replay *replay)
{
    if (replay == NULL)
        return;
    evaluator_free(replay->evaluator);
    free(replay->decision.decided);
    free(replay->known.rows);
    free(replay->next.rows);
    backlog_done(&replay->backlog);
    arena_done(&replay->arena);
    free(replay);
}

static void add_row(struct rows *rows, const struct known_deadline *row)
{
    MEMORY_GROW(rows->rows, rows->count, rows->capacity);
    rows->rows[rows->count++] = *row;
}

// Who has heard by now that a larger problem stands breached: those whom it does not mute before are told of
// smaller ones.
static const char *told_of(struct replay *replay, const struct casefile *casefile,
                           const struct decided *decided, const char *before, civil_date today)
{
    const struct replay_options *options = &replay->options;
    const struct deadline *deadline = decided->deadline;
    if (!options->rules->lines[deadline->rule->line].mutes || deadline->state != STATE_BREACHED)
        return NULL;
    struct buffer told = {0};
    buffer_add_string(&told, before ? before : "");
    for (int i = 0; i < decided->happening_count; i++) {
        struct addressees addressees;
        const struct happening *happening = &decided->happenings[i];
        if (happening->stage_count == 0 || happening->stages[0].at < deadline->breached_at)
            continue;
        notices_address(happening, deadline->rule, options->people, casefile->unit, casefile->caseworker,
                        today, &addressees);
        for (size_t k = 0; k < addressees.count; k++)
            buffer_format(&told, "%s\n", addressees.recipients[k].person_id);
    }
    const char *copy = arena_copy(&replay->arena, told.data, told.length);
    buffer_done(&told);
    return copy;
}

// As a commit of the journal would: rows written, rows deleted, all others as they were. Both lists are in
// the order of an evaluation, and so is the outcome.
static void write_down(struct replay *replay, const struct casefile *casefile, civil_date today)
{
    const struct rows *known = &replay->known;
    size_t k = 0;
    replay->next.count = 0;
    for (size_t i = 0; i < replay->decision.count; i++) {
        const struct decided *decided = &replay->decision.decided[i];
        while (k < known->count && (decided->known ? decided->known != &known->rows[k]
                                                   : known_compare(&known->rows[k], decided->deadline) < 0))
            add_row(&replay->next, &known->rows[k++]);
        k += decided->known != NULL;
        if (decided->deadline) {
            struct known_deadline row = decided_row(decided);
            row.told = told_of(replay, casefile, decided, row.told, today);
            add_row(&replay->next, &row);
        }
    }
    while (k < known->count)
        add_row(&replay->next, &known->rows[k++]);
    struct rows was = replay->known;
    replay->known = replay->next;
    replay->next = was;
}

static void tell(struct replay *replay, const struct casefile *casefile, instant now)
{
    const struct replay_options *options = &replay->options;
    civil_date today = zone_date(options->rules->zone, now);
    for (size_t i = 0; i < replay->decision.count; i++) {
        const struct decided *decided = &replay->decision.decided[i];
        replay->muted += decided->muted_by != NULL;
        for (int k = 0; k < decided->happening_count; k++) {
            const struct happening *happening = &decided->happenings[k];
            struct addressees addressees;
            if (happening->stage_count == 0)
                continue;
            notices_address(happening, decided->deadline->rule, options->people, casefile->unit,
                            casefile->caseworker, today, &addressees);
            options->on_step(options->data, &(struct replay_step){.at = now,
                                                                  .casefile = casefile,
                                                                  .deadline = decided->deadline,
                                                                  .happening = happening,
                                                                  .addressees = &addressees});
        }
    }
}

static void count_backlog(struct replay *replay, const struct casefile *casefile,
                          const struct evaluation *evaluation)
{
    for (size_t i = 0; i < evaluation->deadline_count; i++)
        if (!deadline_is_closed(evaluation->deadlines[i].state))
            backlog_add(&replay->backlog, casefile->unit, &evaluation->deadlines[i]);
}

const struct evaluation *replay_case(struct replay *replay, const struct casefile *casefile)
{
    const struct replay_options *options = &replay->options;
    instant now = options->from;
    replay->known.count = 0;
    arena_reset(&replay->arena);
    for (;;) {
        const struct evaluation *evaluation = evaluate(replay->evaluator, casefile, now, 0);
        bool first = now == options->from;
        if (first)
            count_backlog(replay, casefile, evaluation);
        civil_date today = zone_date(options->rules->zone, now);
        const struct muting muting = {options->people, casefile->unit, casefile->caseworker, today};
        replay->decision.muting = &muting;
        decide(options->rules, evaluation, replay->known.rows, replay->known.count, now, first,
               &replay->decision);
        for (size_t i = 0; i < replay->decision.count && first; i++)
            if (decided_is_covered(&replay->decision.decided[i]))
                backlog_add_covered(&replay->backlog, casefile, replay->decision.decided[i].deadline);
        tell(replay, casefile, now);
        write_down(replay, casefile, today);
        if (evaluation->wake_at == INSTANT_NONE || evaluation->wake_at > options->until)
            return evaluation;
        assert(evaluation->wake_at > now);
        now = evaluation->wake_at;
    }
}

const struct known_deadline *replay_known(const struct replay *replay, size_t *ret_count)
{
    *ret_count = replay->known.count;
    return replay->known.rows;
}

size_t replay_muted(const struct replay *replay)
{
    return replay->muted;
}

const struct backlog *replay_backlog(const struct replay *replay)
{
    return &replay->backlog;
}
