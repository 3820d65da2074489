// SPDX-License-Identifier: MPL-2.0
//
//   ask ──▶ COMPARING ──nothing moves, or `rule_changes: take`──────────────▶ take
//              │ something moves
//              ▼
//           READING who has confirmed these rules ──somebody──▶ take
//              └──────────────────────────nobody──▶ refuse
//
// A database that goes away in between is a refusal, too: what is not seen cannot be confirmed.
#include "shell/rules_guard.h"

#include "shell/log.h"
#include "shell/pass.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct rules_guard {
    struct rules_guard_options options;
    const struct setup *next; // asked about; NULL: nothing is asked
    struct pass *pass;
    struct rule_changes changes;
    struct journal_confirmation confirmation;
    bool refused; // something waits to be confirmed
    char status[160];
    struct journal_batch batch;
    bool writing;
};

struct rules_guard *rules_guard_new(const struct rules_guard_options *options)
{
    struct rules_guard *guard = memory_alloc(sizeof *guard);
    guard->options = *options;
    return guard;
}

void rules_guard_free(struct rules_guard *guard)
{
    if (guard == NULL)
        return;
    assert(guard->next == NULL && !guard->writing);
    pass_free(guard->pass);
    journal_batch_done(&guard->batch);
    free(guard);
}

bool rules_guard_is_asking(const struct rules_guard *guard)
{
    return guard->next != NULL;
}

const char *rules_guard_status(const struct rules_guard *guard)
{
    return guard->status;
}

static size_t count(const struct rule_changes *changes)
{
    return changes->moved + changes->closed + changes->gone + changes->breached;
}

// --- what waits, in the journal ---

static void on_written(struct journal_batch *batch, const struct error *err)
{
    struct rules_guard *guard = batch->data;
    (void)err; // rules_guard_settle tries again
    guard->writing = false;
    journal_batch_clear(batch);
}

static void write_refusal(struct rules_guard *guard, const char *value)
{
    if (guard->writing || !journal_is_up(guard->options.journal))
        return;
    struct journal_batch *batch = &guard->batch;
    batch->data = guard;
    batch->on_done = on_written;
    batch->progress[PROGRESS_RULES_REFUSED] = arena_string(&batch->arena, value);
    guard->writing = true;
    journal_commit(guard->options.journal, batch);
}

static void clear_refusal(struct rules_guard *guard)
{
    if (!guard->refused && *journal_progress(guard->options.journal, PROGRESS_RULES_REFUSED) != '\0')
        write_refusal(guard, "");
}

void rules_guard_forget(struct rules_guard *guard)
{
    guard->refused = false;
    guard->status[0] = '\0';
    clear_refusal(guard);
}

void rules_guard_settle(struct rules_guard *guard)
{
    if (guard->next)
        return;
    pass_free(guard->pass); // could not be freed from its own callback
    guard->pass = NULL;
    clear_refusal(guard);
}

// --- the verdict ---

static void end(struct rules_guard *guard, bool take)
{
    guard->next = NULL;
    guard->options.on_verdict(guard->options.data, take);
}

static void refuse(struct rules_guard *guard)
{
    const char *fingerprint = guard->next->rules_fingerprint;
    char value[MESSAGE_KEY_SIZE + 24];
    log_line(
        LOG_LEVEL_ERROR, "rules",
        "the changed rules would change open deadlines: moved=%zu closed=%zu gone=%zu new_and_breached=%zu; "
        "they wait, with all of the new configuration, until somebody confirms them: `fristd compare` lists "
        "all, `fristd compare --confirm %s --by PERSON` confirms, another reload takes them",
        guard->changes.moved, guard->changes.closed, guard->changes.gone, guard->changes.breached,
        fingerprint);
    guard->refused = true;
    snprintf(guard->status, sizeof guard->status,
             ", changed rules are not in force: %zu open deadlines would change, see fristd compare",
             count(&guard->changes));
    snprintf(value, sizeof value, "%s %zu", fingerprint, count(&guard->changes));
    write_refusal(guard, value);
    end(guard, false);
}

static void refuse_unseen(struct rules_guard *guard, const struct error *err)
{
    log_line(
        LOG_LEVEL_ERROR, "rules",
        "what the changed rules would change could not be seen, the old configuration stays in force; reload "
        "again: %s",
        err->text);
    end(guard, false);
}

static void on_confirmation(struct journal_confirmation *confirmation, const char *by,
                            const struct error *err)
{
    struct rules_guard *guard = confirmation->data;
    if (err)
        refuse_unseen(guard, err);
    else if (*by == '\0')
        refuse(guard);
    else {
        log_line(LOG_LEVEL_NOTICE, "rules",
                 "the changed rules are confirmed, %zu open deadlines change by=%s", count(&guard->changes),
                 by);
        end(guard, true);
    }
}

static void on_compared(void *data, const struct pass_result *result)
{
    struct rules_guard *guard = data;
    const struct setup *next = guard->next;
    struct error err;
    if (result->refused) {
        log_line(LOG_LEVEL_ERROR, "rules", "the new configuration is refused, the old one stays in force: %s",
                 result->err->text);
        end(guard, false);
        return;
    }
    if (result->err && next->config.rule_changes == RULE_CHANGES_CONFIRM) {
        refuse_unseen(guard, result->err);
        return;
    }
    guard->changes = result->changes;
    log_line(LOG_LEVEL_INFO, "rules", "changed rules compared cases=%zu open_deadlines_that_change=%zu",
             result->cases, count(&guard->changes));
    if (count(&guard->changes) == 0 || next->config.rule_changes == RULE_CHANGES_TAKE) {
        end(guard, true);
        return;
    }
    guard->confirmation = (struct journal_confirmation){
        .data = guard, .fingerprint = next->rules_fingerprint, .on_done = on_confirmation};
    if (journal_read_confirmation(guard->options.journal, &guard->confirmation, &err) < 0)
        refuse_unseen(guard, &err);
}

static void on_progress(void *data)
{
    struct rules_guard *guard = data;
    guard->options.on_progress(guard->options.data);
}

int rules_guard_ask(struct rules_guard *guard, const struct setup *next, instant now, struct error *err)
{
    assert(guard->next == NULL);
    struct pass_options options = {
        .site = next->config.site,
        .rules = &next->rules,
        .rules_fingerprint = next->rules_fingerprint,
        .language = next->config.language,
        .rhythm = &next->config.rhythm,
        .casedb = guard->options.casedb,
        .journal = guard->options.journal,
    };
    pass_free(guard->pass); // of the last question
    guard->pass = pass_new(&options, on_progress, on_compared, guard);
    if (pass_start(guard->pass, PASS_COMPARE, now, err) < 0)
        return -1;
    guard->next = next;
    return 0;
}
