// SPDX-License-Identifier: MPL-2.0
#include "shell/journal_batch.h"

#include <stdlib.h>
#include <string.h>

bool journal_batch_is_empty(const struct journal_batch *batch)
{
    for (int i = 0; i < PROGRESS_COUNT; i++)
        if (batch->progress[i])
            return false;
    return batch->deadline_count + batch->withdrawn_count + batch->transition_count + batch->notice_count +
               batch->case_count + batch->gone_count + batch->fault_count + batch->mended_count +
               batch->outcome_count + batch->part_count + batch->prune_count + batch->forming.wanted +
               batch->acknowledged_count + batch->noted_count + batch->forgotten_count +
               batch->silenced_count + batch->silence_count + batch->muted_count + batch->unmuted_count +
               batch->birth_count + batch->address_count + (size_t)batch->more_count ==
           0;
}

void journal_batch_clear(struct journal_batch *batch)
{
    arena_reset(&batch->arena);
    batch->deadline_count = batch->withdrawn_count = batch->transition_count = batch->notice_count = 0;
    batch->case_count = batch->gone_count = batch->fault_count = batch->mended_count = 0;
    batch->outcome_count = batch->part_count = batch->prune_count = 0;
    batch->forming = (struct journal_forming){0};
    batch->acknowledged_count = batch->noted_count = batch->forgotten_count = 0;
    batch->silenced_count = batch->silence_count = batch->address_count = 0;
    batch->muted_count = batch->unmuted_count = batch->birth_count = 0;
    batch->units = NULL;
    batch->more_count = 0;
    batch->agenda_stays = false;
    memset(batch->progress, 0, sizeof batch->progress);
}

void journal_batch_done(struct journal_batch *batch)
{
    arena_done(&batch->arena);
    free(batch->deadlines);
    free(batch->withdrawn);
    free(batch->transitions);
    free(batch->notices);
    free(batch->cases);
    free(batch->gone);
    free(batch->faults);
    free(batch->mended);
    free(batch->outcomes);
    free(batch->parts);
    free(batch->acknowledged);
    free(batch->noted);
    free(batch->forgotten);
    free(batch->silenced);
    free(batch->silences);
    free(batch->muted);
    free(batch->births);
    free(batch->unmuted);
    free(batch->addresses);
    *batch = (struct journal_batch){0};
}
