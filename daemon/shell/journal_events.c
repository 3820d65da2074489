// SPDX-License-Identifier: MPL-2.0
//
// The journal as the publisher sees it: transitions as events, what needs attention, the ledger of what is
// retained, the watermark.
#include "shell/journal_events.h"

#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

// --- rows ---

static instant instant_of(const struct postgres_row *row, int column)
{
    instant at = INSTANT_NONE;
    return postgres_instant(row, column, &at) == 0 ? at : INSTANT_NONE; // only we write these tables
}

static const char *text_of(struct arena *arena, const struct postgres_row *row, int column)
{
    size_t length;
    const char *text = postgres_text(row, column, &length);
    return length ? arena_copy(arena, text, length) : "";
}

static enum deadline_state state_of(const struct postgres_row *row, int column)
{
    size_t length;
    enum deadline_state state = STATE_OPEN; // the table's CHECK allows no name that we do not know
    deadline_state_parse(postgres_text(row, column, &length), &state);
    return state;
}

static enum rule_kind rule_kind_of(const struct postgres_row *row, int column)
{
    size_t length;
    const char *name = postgres_text(row, column, &length);
    for (int kind = RULE_STATUTORY; kind <= RULE_INFORMATION; kind++)
        if (strcmp(rules_kind_name((enum rule_kind)kind), name) == 0)
            return (enum rule_kind)kind;
    return RULE_OWN;
}

// Of JOURNAL_EVENT_COLUMNS, or the same of a deadline's row.
#define DEADLINE_COLUMN 4

static struct transition read_deadline(struct arena *arena, const struct postgres_row *row, int column)
{
    return (struct transition){
        .case_id = text_of(arena, row, column),
        .rule = text_of(arena, row, column + 1),
        .subject = text_of(arena, row, column + 2),
        .occurrence = (int)postgres_int8(row, column + 3),
        .code = text_of(arena, row, column + 4),
        .rule_kind = rule_kind_of(row, column + 5),
        .sensitive = postgres_bool(row, column + 6),
        .unit = text_of(arena, row, column + 7),
        .state = state_of(row, column + 8),
        .anchor_at = instant_of(row, column + 9),
        .due_at = instant_of(row, column + 10),
        .breached_at = instant_of(row, column + 11),
        .closed_at = instant_of(row, column + 12),
    };
}

struct transition journal_event(struct arena *arena, const struct postgres_row *row)
{
    struct transition transition = read_deadline(arena, row, DEADLINE_COLUMN);
    size_t length;
    transition.number = postgres_int8(row, 0);
    transition_parse(postgres_text(row, 1, &length), &transition.kind);
    transition.at = instant_of(row, 2);
    transition.recorded_at = instant_of(row, 3);
    transition.late = postgres_bool(row, 17);
    const char *retained = postgres_text(row, 18, &length);
    transition.retained = strcmp(retained, "set") == 0     ? RETAINED_SET
                          : strcmp(retained, "clear") == 0 ? RETAINED_CLEAR
                                                           : RETAINED_UNCHANGED;
    transition.acknowledged_until = instant_of(row, 19);
    return transition;
}

// --- questions ---

enum question_kind { QUESTION_TRANSITIONS, QUESTION_ATTENTION, QUESTION_LEDGER };

struct question {
    enum question_kind kind;
    struct publisher_read *read; // or
    struct ledger_read *ledger;
    struct arena arena;
    struct postgres_params params;
    struct postgres_statement statement;
    struct postgres_request request;
};

#define STATE_COLUMN JOURNAL_EVENT_COLUMN_COUNT

static void on_row(struct postgres_request *request, int statement, const struct postgres_row *row)
{
    (void)statement;
    struct question *question = request->data;
    arena_reset(&question->arena);
    int64_t key = postgres_int8(row, 0);
    struct transition transition, state;
    switch (question->kind) {
    case QUESTION_TRANSITIONS: {
        bool has_state = !postgres_is_null(row, STATE_COLUMN);
        transition = journal_event(&question->arena, row);
        if (has_state)
            state = read_deadline(&question->arena, row, STATE_COLUMN);
        question->read->on_row(question->read, key, &transition, has_state ? &state : NULL);
        break;
    }
    case QUESTION_ATTENTION:
        state = read_deadline(&question->arena, row, 1);
        state.retained = RETAINED_SET;
        question->read->on_row(question->read, key, &state, &state);
        break;
    case QUESTION_LEDGER:
        question->ledger->on_topic(question->ledger, key, text_of(&question->arena, row, 1));
        break;
    }
}

static void on_done(struct postgres_request *request, enum postgres_status status, const struct error *err)
{
    struct question question = *(struct question *)request->data;
    free(request->data);
    arena_done(&question.arena);
    postgres_params_done(&question.params);
    const struct error *failure = status == POSTGRES_OK ? NULL : err;
    if (question.kind == QUESTION_LEDGER)
        question.ledger->on_done(question.ledger, failure);
    else
        question.read->on_done(question.read, failure);
}

static struct question *new_question(enum question_kind kind, int64_t after, int limit)
{
    struct question *question = memory_alloc(sizeof *question);
    question->kind = kind;
    postgres_param_int8(&question->params, after);
    postgres_param_int8(&question->params, limit);
    return question;
}

static int ask(struct journal *journal, struct question *question, const char *sql, struct error *err)
{
    question->statement = (struct postgres_statement){sql, &question->params};
    question->request = (struct postgres_request){.data = question,
                                                  .statements = &question->statement,
                                                  .statement_count = 1,
                                                  .few = true, // a page
                                                  .on_row = on_row,
                                                  .on_done = on_done};
    struct postgres *pg = journal_connection(journal);
    int result = pg ? postgres_submit(pg, &question->request, err) : error_set(err, "journal: not connected");
    if (result < 0) {
        postgres_params_done(&question->params);
        free(question);
    }
    return result;
}

#define DEADLINE_COLUMNS                                                                                     \
    "d.case_id, d.rule, d.subject, d.occurrence, d.code, d.rule_kind, d.sensitive, coalesce(w.unit, ''),"    \
    " d.state, CASE WHEN NOT d.from_birth THEN d.anchor_at END, d.due_at, d.breached_at, d.closed_at"

// Breached before open, then the earlier due.
#define URGENCY(deadline)                                                                                    \
    deadline ".state <> 'breached', coalesce(" deadline ".due_at, 'infinity'), " deadline ".id"

// Numbers have no gaps, so a page is a range, whatever the planner believes about the table.
static int read_transitions(void *self, struct publisher_read *read, struct error *err)
{
    struct question *question = new_question(QUESTION_TRANSITIONS, read->after, read->limit);
    question->read = read;
    postgres_param_int8(&question->params, read->until > 0 ? read->until : INT64_MAX);
    return ask(self, question,
               "SELECT " JOURNAL_EVENT_COLUMNS
               ", s.* FROM transition t LEFT JOIN LATERAL (SELECT " DEADLINE_COLUMNS
               " FROM deadline d LEFT JOIN watched_case w USING (case_id) WHERE t.retained IS NOT NULL AND "
               "d.attention"
               " AND d.case_id = t.case_id AND d.code = t.code AND d.subject = t.subject"
               " ORDER BY " URGENCY(
                   "d") " LIMIT 1) s ON true"
                        " WHERE t.number > $1 AND t.number <= least($3, $1 + $2) ORDER BY t.number LIMIT $2",
               err);
}

static int read_attention(void *self, struct publisher_read *read, struct error *err)
{
    struct question *question = new_question(QUESTION_ATTENTION, read->after, read->limit);
    question->read = read;
    return ask(
        self, question,
        "SELECT d.id, " DEADLINE_COLUMNS " FROM deadline d LEFT JOIN watched_case w USING (case_id)"
        " WHERE d.attention AND d.id > $1 AND NOT EXISTS (SELECT 1 FROM deadline o WHERE o.attention AND"
        " o.case_id = d.case_id AND o.code = d.code AND o.subject = d.subject AND (" URGENCY(
            "o") ") < (" URGENCY("d") ")) ORDER BY d.id LIMIT $2",
        err);
}

static int read_ledger(void *self, struct ledger_read *read, struct error *err)
{
    struct question *question = new_question(QUESTION_LEDGER, read->after, read->limit);
    question->ledger = read;
    return ask(self, question, "SELECT id, topic FROM retained_topic WHERE id > $1 ORDER BY id LIMIT $2",
               err);
}

// --- writing ---

struct writing {
    struct journal_batch batch;
    struct publisher_write *write;
};

static void on_written(struct journal_batch *batch, const struct error *err)
{
    struct writing *writing = batch->data;
    struct publisher_write *write = writing->write;
    write->on_done(write, err);
    journal_batch_done(batch);
    free(writing);
}

static void copy_topics(struct arena *arena, const char *const *topics, size_t count, const char ***into)
{
    *into = count > 0 ? memory_alloc(count * sizeof **into) : NULL;
    for (size_t i = 0; i < count; i++)
        (*into)[i] = arena_string(arena, topics[i]);
}

static void write_down(void *self, struct publisher_write *write)
{
    struct writing *writing = memory_alloc(sizeof *writing);
    struct journal_batch *batch = &writing->batch;
    writing->write = write;
    batch->data = writing;
    batch->agenda_stays = true;
    batch->on_done = on_written;
    if (write->published > 0)
        batch->progress[PROGRESS_PUBLISHED] =
            arena_format(&batch->arena, "%lld", (long long)write->published);
    if (write->requests)
        batch->progress[PROGRESS_REQUESTS] = arena_string(&batch->arena, write->requests);
    copy_topics(&batch->arena, write->noted, write->noted_count, &batch->noted);
    copy_topics(&batch->arena, write->forgotten, write->forgotten_count, &batch->forgotten);
    batch->noted_count = batch->noted_capacity = write->noted_count;
    batch->forgotten_count = batch->forgotten_capacity = write->forgotten_count;
    journal_commit(self, batch);
}

// --- the rest ---

static bool is_up(void *self)
{
    return journal_is_up(self);
}

static int64_t published(void *self)
{
    return strtoll(journal_progress(self, PROGRESS_PUBLISHED), NULL, 10);
}

static int64_t last(void *self)
{
    return journal_last_transition(self);
}

static const char *requests(void *self)
{
    return journal_progress(self, PROGRESS_REQUESTS);
}

const struct publisher_store journal_publisher_store = {
    .is_up = is_up,
    .published = published,
    .last = last,
    .requests = requests,
    .read_transitions = read_transitions,
    .read_attention = read_attention,
    .read_ledger = read_ledger,
    .write = write_down,
};
