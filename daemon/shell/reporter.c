// SPDX-License-Identifier: MPL-2.0
//
// One step after the other, each when the one before has ended:
//
//   ask_runs ──a row is missing or out of date──▶ plan (commit) ──▶ ask_runs
//      │ a report is due
//      ▼
//   ask_material (journal) ──▶ read_cases (case database) ──▶ make mails, a few a turn ──▶ commit ──▶
//   ask_runs
//      │ nothing is due
//      ▼
//   on_done
//
// It can fail by the journal or the case database; then nothing of the report is written, its row still
// waits, and it is made by the next start. A run, its mails and the row of the next run are one transaction.
#include "shell/reporter.h"

#include "core/report_wording.h"
#include "shell/log.h"
#include "shell/report_material.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define SUPERSEDED_MAX 1000 // rows on one report that passed while the service was down; more are not noted
#define TURN_NS        5000000 // then the loop goes round before the next mail is made
#define MORE_MAX       5       // statements of ours in one batch

struct waiting_run {
    const char *report;
    instant due_at;
    const char *recurrence; // NULL: somebody asked for it
};

struct last_run {
    const char *report, *state;
    instant due_at, decided_at;
    bool late;
    int64_t recipients, unreached;
    int64_t counts[REPORT_COUNTS];
};

struct reporter {
    struct reporter_options options;
    void (*on_people)(void *data, const struct people *people);
    void (*on_document)(void *data, const char *report, const char *json);
    void (*on_done)(void *data, bool told, const struct error *err);
    void *data;
    uv_timer_t turn;

    bool running, told, planned, documents_stale;
    instant now;
    const struct people *people; // where no case brings them

    // What the journal says of runs.
    struct arena arena;
    struct waiting_run *waiting;
    size_t waiting_count, waiting_capacity;
    struct last_run *last;
    size_t last_count, last_capacity;
    int64_t unfinished;

    // The report at hand.
    const struct report *report;
    const struct waiting_run *run;
    instant due_at; // of the run that is made: the latest that has passed
    struct report_reading reading;
    struct report_material material;
    struct report_addressee *addressees;
    size_t addressee_count, next_addressee;
    struct arena scratch; // of one mail
    struct buffer operator_lines;
    size_t operator_line_count;
    size_t mails, unreached;

    struct casedb_read read;
    struct postgres_params params[MORE_MAX];
    struct postgres_statement statements[MORE_MAX];
    int statement_count;
    struct postgres_request request;
    struct journal_batch batch;
};

static void ask_runs(struct reporter *reporter);
static void make_mails(struct reporter *reporter);

struct reporter *reporter_new(uv_loop_t *loop, void (*on_people)(void *data, const struct people *people),
                              void (*on_document)(void *data, const char *report, const char *json),
                              void (*on_done)(void *data, bool told, const struct error *err), void *data)
{
    struct reporter *reporter = memory_alloc(sizeof *reporter);
    reporter->on_people = on_people;
    reporter->on_document = on_document;
    reporter->on_done = on_done;
    reporter->data = data;
    uv_timer_init(loop, &reporter->turn);
    reporter->turn.data = reporter;
    return reporter;
}

void reporter_set_options(struct reporter *reporter, const struct reporter_options *options)
{
    assert(!reporter->running);
    reporter->options = *options;
    reporter->documents_stale = true;
}

void reporter_stop(struct reporter *reporter)
{
    uv_close((uv_handle_t *)&reporter->turn, NULL);
}

static void clear_statements(struct reporter *reporter)
{
    for (int i = 0; i < MORE_MAX; i++)
        postgres_params_clear(&reporter->params[i]);
    reporter->statement_count = 0;
}

void reporter_free(struct reporter *reporter)
{
    if (reporter == NULL)
        return;
    assert(!reporter->running);
    for (int i = 0; i < MORE_MAX; i++)
        postgres_params_done(&reporter->params[i]);
    journal_batch_done(&reporter->batch);
    report_reading_done(&reporter->reading);
    buffer_done(&reporter->operator_lines);
    arena_done(&reporter->scratch);
    arena_done(&reporter->arena);
    free(reporter->waiting);
    free(reporter->last);
    free(reporter);
}

bool reporter_is_running(const struct reporter *reporter)
{
    return reporter->running;
}

bool reporter_has_unfinished(const struct reporter *reporter)
{
    return reporter->unfinished > 0;
}

static void end(struct reporter *reporter, const struct error *err)
{
    reporter->running = false;
    report_reading_done(&reporter->reading);
    reporter->on_done(reporter->data, reporter->told, err);
}

static struct postgres_params *add_statement(struct reporter *reporter, const char *sql)
{
    assert(reporter->statement_count < MORE_MAX);
    struct postgres_params *params = &reporter->params[reporter->statement_count];
    reporter->statements[reporter->statement_count++] = (struct postgres_statement){sql, params};
    return params;
}

static int submit(struct reporter *reporter, struct postgres_statement *statements, int count,
                  void (*on_row)(struct postgres_request *, int, const struct postgres_row *),
                  void (*on_done)(struct postgres_request *, enum postgres_status, const struct error *),
                  struct error *err)
{
    struct postgres *pg = journal_connection(reporter->options.journal);
    if (pg == NULL)
        return error_set(err, "journal: not connected");
    reporter->request = (struct postgres_request){.data = reporter,
                                                  .statements = statements,
                                                  .statement_count = count,
                                                  .on_row = on_row,
                                                  .on_done = on_done};
    return postgres_submit(pg, &reporter->request, err);
}

static void commit(struct reporter *reporter,
                   void (*on_done)(struct journal_batch *batch, const struct error *err))
{
    struct journal_batch *batch = &reporter->batch;
    batch->data = reporter;
    batch->now = reporter->now;
    batch->on_done = on_done;
    batch->more = reporter->statements;
    batch->more_count = reporter->statement_count;
    journal_commit(reporter->options.journal, batch);
}

// --- documents for subscribers ---

static void add_json_instant(struct reporter *reporter, struct buffer *into, const char *name, instant at)
{
    char text[ZONE_INSTANT_SIZE];
    buffer_format(into, ",\"%s\":\"%s\"", name, zone_format(reporter->options.rules->zone, at, text));
}

// A count that could tell who is meant is null: it can stand on a screen in a hall.
static void publish_run(struct reporter *reporter, const struct report *report, const struct last_run *run)
{
    struct buffer json = {0};
    buffer_format(&json, "{\"report\":\"%s\"", run->report);
    add_json_instant(reporter, &json, "due", run->due_at);
    add_json_instant(reporter, &json, "decided", run->decided_at);
    buffer_format(&json, ",\"late\":%s,\"state\":\"%s\",\"recipients\":%lld,\"unreached\":%lld,\"counts\":{",
                  run->late ? "true" : "false", run->state, (long long)run->recipients,
                  (long long)run->unreached);
    const char *separator = "";
    for (int k = 0; k < REPORT_COUNTS; k++) {
        if (!report_counts_of(report->content, (enum report_count)k))
            continue;
        bool hidden = run->counts[k] > 0 && run->counts[k] < reporter->options.small_counts;
        buffer_format(&json, "%s\"%s\":", separator, report_count_name((enum report_count)k));
        if (hidden)
            buffer_add_string(&json, "null");
        else
            buffer_format(&json, "%lld", (long long)run->counts[k]);
        separator = ",";
    }
    buffer_add_string(&json, "},\"dataclassification\":\"restricted\"}");
    reporter->on_document(reporter->data, run->report, json.data);
    buffer_done(&json);
}

static void publish_runs(struct reporter *reporter)
{
    for (size_t i = 0; i < reporter->last_count; i++) {
        const struct last_run *run = &reporter->last[i];
        const struct report *report = report_find(reporter->options.reports, run->report);
        if (report)
            publish_run(reporter, report, run);
        else
            reporter->on_document(reporter->data, run->report, NULL);
    }
    reporter->documents_stale = false;
}

// --- what the journal says of runs ---

enum { FINISHED, WAITING, LAST, LAST_COUNTS, UNFINISHED, RUN_STATEMENTS };

static const char *text_of(struct reporter *reporter, const struct postgres_row *row, int column)
{
    size_t length;
    const char *text = postgres_text(row, column, &length);
    return length > 0 ? arena_copy(&reporter->arena, text, length) : "";
}

static instant instant_of(const struct postgres_row *row, int column)
{
    instant at = INSTANT_NONE;
    return postgres_instant(row, column, &at) == 0 ? at : INSTANT_NONE; // only we write these
}

static void take_last_count(struct reporter *reporter, const struct postgres_row *row)
{
    size_t length;
    enum report_count count;
    const char *report = text_of(reporter, row, 0);
    if (!report_count_parse(postgres_text(row, 1, &length), &count))
        return;
    for (size_t i = 0; i < reporter->last_count; i++)
        if (strcmp(reporter->last[i].report, report) == 0)
            reporter->last[i].counts[count] = postgres_int8(row, 2);
}

static void on_run_row(struct postgres_request *request, int statement, const struct postgres_row *row)
{
    struct reporter *reporter = request->data;
    switch (statement) {
    case WAITING:
        MEMORY_GROW(reporter->waiting, reporter->waiting_count, reporter->waiting_capacity);
        reporter->waiting[reporter->waiting_count++] =
            (struct waiting_run){.report = text_of(reporter, row, 0),
                                 .due_at = instant_of(row, 1),
                                 .recurrence = postgres_is_null(row, 2) ? NULL : text_of(reporter, row, 2)};
        break;
    case LAST:
        MEMORY_GROW(reporter->last, reporter->last_count, reporter->last_capacity);
        reporter->last[reporter->last_count++] = (struct last_run){.report = text_of(reporter, row, 0),
                                                                   .due_at = instant_of(row, 1),
                                                                   .state = text_of(reporter, row, 2),
                                                                   .decided_at = instant_of(row, 3),
                                                                   .late = postgres_bool(row, 4),
                                                                   .recipients = postgres_int8(row, 5),
                                                                   .unreached = postgres_int8(row, 6)};
        break;
    case LAST_COUNTS:
        take_last_count(reporter, row);
        break;
    case UNFINISHED:
        reporter->unfinished = postgres_int8(row, 0);
        break;
    default:
        reporter->documents_stale = true;
        break;
    }
}

static const struct waiting_run *find_waiting(const struct reporter *reporter, const char *report)
{
    for (size_t i = 0; i < reporter->waiting_count; i++)
        if (reporter->waiting[i].recurrence && strcmp(reporter->waiting[i].report, report) == 0)
            return &reporter->waiting[i];
    return NULL;
}

// A row that has come due is made whatever the configuration says by now, if the report is still there.
static bool is_outdated(const struct reporter *reporter, const struct waiting_run *run)
{
    const struct report *report = report_find(reporter->options.reports, run->report);
    return report == NULL || (run->recurrence && run->due_at > reporter->now &&
                              strcmp(run->recurrence, recurrence_text(report->when)) != 0);
}

static void on_planned(struct journal_batch *batch, const struct error *err)
{
    struct reporter *reporter = batch->data;
    journal_batch_clear(batch);
    if (err)
        end(reporter, err);
    else
        ask_runs(reporter);
}

static void add_next(struct postgres_params *names, const struct reporter *reporter, size_t count,
                     const struct report *const *reports)
{
    const struct zone *zone = reporter->options.rules->zone;
    postgres_array_begin(names, POSTGRES_TEXTS, (int)count);
    for (size_t i = 0; i < count; i++)
        postgres_array_text(names, reports[i]->name);
    postgres_array_begin(names, POSTGRES_INSTANTS, (int)count);
    for (size_t i = 0; i < count; i++)
        postgres_array_instant(names, report_next_due(reports[i], zone, reporter->now));
    postgres_array_begin(names, POSTGRES_TEXTS, (int)count);
    for (size_t i = 0; i < count; i++)
        postgres_array_text(names, recurrence_text(reports[i]->when));
}

// A time that was dropped before can come back.
#define NEXT_SQL                                                                                             \
    "INSERT INTO report_run (report, due_at, state, recurrence)"                                             \
    " SELECT report, due_at, 'waiting', recurrence FROM unnest($1::text[], $2::timestamptz[], $3::text[])"   \
    " AS n (report, due_at, recurrence) WHERE due_at IS NOT NULL"                                            \
    " ON CONFLICT (report, due_at) DO UPDATE SET state = 'waiting', recurrence = excluded.recurrence,"       \
    " finished_at = NULL WHERE report_run.state = 'dropped'"

// Each report has one row that waits, with the time that the configuration asks for. False: nothing to be
// done.
static bool plan(struct reporter *reporter)
{
    const struct report_set *set = reporter->options.reports;
    const struct report **missing = memory_alloc((set->count + 1) * sizeof(struct report *));
    size_t missing_count = 0, outdated = 0;
    for (size_t i = 0; i < reporter->waiting_count; i++)
        outdated += is_outdated(reporter, &reporter->waiting[i]);
    for (size_t i = 0; i < set->count; i++) {
        const struct waiting_run *run = find_waiting(reporter, set->reports[i].name);
        if (run == NULL || is_outdated(reporter, run))
            missing[missing_count++] = &set->reports[i];
    }
    clear_statements(reporter);
    if (outdated > 0) {
        struct postgres_params *params = add_statement(
            reporter, "UPDATE report_run SET state = 'dropped', finished_at = $3 FROM unnest($1::text[],"
                      " $2::timestamptz[]) AS o (report, due_at) WHERE report_run.report = o.report"
                      " AND report_run.due_at = o.due_at AND report_run.state = 'waiting'");
        postgres_array_begin(params, POSTGRES_TEXTS, (int)outdated);
        for (size_t i = 0; i < reporter->waiting_count; i++)
            if (is_outdated(reporter, &reporter->waiting[i]))
                postgres_array_text(params, reporter->waiting[i].report);
        postgres_array_begin(params, POSTGRES_INSTANTS, (int)outdated);
        for (size_t i = 0; i < reporter->waiting_count; i++)
            if (is_outdated(reporter, &reporter->waiting[i]))
                postgres_array_instant(params, reporter->waiting[i].due_at);
        postgres_param_instant(params, reporter->now);
    }
    if (missing_count > 0)
        add_next(add_statement(reporter, NEXT_SQL), reporter, missing_count, missing);
    free(missing);
    if (reporter->statement_count == 0 || reporter->planned)
        return false;
    reporter->planned = true; // once a start: what cannot be written down now is not tried for ever
    commit(reporter, on_planned);
    return true;
}

// --- the report at hand: what it is made of ---

static void fail(struct reporter *reporter, const struct error *err)
{
    struct error why = *err;
    error_prefix(&why, "report %s", reporter->report->name);
    end(reporter, &why);
}

static void begin_making(struct reporter *reporter)
{
    struct report_reading *reading = &reporter->reading;
    if (reading->people.person_count == 0)
        report_reading_people(reading, reporter->people);
    report_reading_material(reading, &reporter->material);
    reporter->addressee_count =
        report_addressees(&reporter->material, &reading->arena, &reporter->addressees);
    reporter->next_addressee = reporter->mails = reporter->unreached = 0;
    buffer_clear(&reporter->operator_lines);
    reporter->operator_line_count = 0;
    make_mails(reporter);
}

static void on_people(struct casedb_read *read, const struct people *people)
{
    struct reporter *reporter = read->data;
    report_reading_people(&reporter->reading, people);
    reporter->on_people(reporter->data, people);
}

static void on_case(struct casedb_read *read, const struct casefile *casefile, const struct fault *faults,
                    size_t fault_count)
{
    struct reporter *reporter = read->data;
    (void)faults; // the looks at the case database report them
    (void)fault_count;
    report_reading_case(&reporter->reading, casefile);
}

static void on_gone(struct casedb_read *read, const char *case_id)
{
    (void)read;
    (void)case_id;
}

static void on_fault(struct casedb_read *read, const char *case_id, const struct fault *fault)
{
    struct reporter *reporter = read->data;
    log_line(LOG_LEVEL_WARNING, "report",
             "a case cannot be read whole and may be missing report=%s case=%s fault=%s",
             reporter->report->name, case_id, fault_name(fault->code));
}

static void on_read_done(struct casedb_read *read, enum postgres_status status, const char *cursor,
                         const struct error *err)
{
    struct reporter *reporter = read->data;
    (void)cursor;
    if (status != POSTGRES_OK)
        fail(reporter, err);
    else
        begin_making(reporter);
}

static void on_material_row(struct postgres_request *request, int statement, const struct postgres_row *row)
{
    struct reporter *reporter = request->data;
    report_reading_row(&reporter->reading, statement, row);
}

static void on_material_done(struct postgres_request *request, enum postgres_status status,
                             const struct error *err)
{
    struct reporter *reporter = request->data;
    struct error not_up;
    if (status != POSTGRES_OK) {
        fail(reporter, err);
        return;
    }
    report_reading_asked(&reporter->reading);
    reporter->read = (struct casedb_read){
        .data = reporter,
        .what = CASEDB_CASES,
        .case_ids = reporter->reading.case_ids,
        .case_id_count = reporter->reading.case_count,
        .on_people = on_people,
        .on_case = on_case,
        .on_gone = on_gone,
        .on_fault = on_fault,
        .on_done = on_read_done,
    };
    if (casedb_read(reporter->options.casedb, &reporter->read, &not_up) < 0)
        fail(reporter, &not_up);
}

// The latest time that has passed; of a run that somebody asked for its own.
static instant latest_passed(const struct reporter *reporter)
{
    instant latest = reporter->run->due_at;
    const struct zone *zone = reporter->options.rules->zone;
    if (reporter->run->recurrence == NULL)
        return latest;
    for (;;) {
        instant next = report_next_due(reporter->report, zone, latest);
        if (next == INSTANT_NONE || next > reporter->now)
            return latest;
        latest = next;
    }
}

static void start_report(struct reporter *reporter, const struct waiting_run *run)
{
    struct error err;
    reporter->run = run;
    reporter->report = report_find(reporter->options.reports, run->report);
    reporter->due_at = latest_passed(reporter);
    report_reading_begin(&reporter->reading, reporter->report, reporter->options.rules, reporter->due_at,
                         reporter->now);
    clear_statements(reporter);
    report_reading_ask(&reporter->reading, reporter->statements);
    if (submit(reporter, reporter->statements, REPORT_STATEMENTS, on_material_row, on_material_done, &err) <
        0)
        fail(reporter, &err);
}

// --- making its mails ---

static void add_notice(struct reporter *reporter, const struct journal_notice *notice,
                       const char *const *identity, size_t parts)
{
    struct journal_batch *batch = &reporter->batch;
    MEMORY_GROW(batch->notices, batch->notice_count, batch->notice_capacity);
    struct journal_notice *added = &batch->notices[batch->notice_count++];
    *added = *notice;
    added->transition_index = -1;
    added->case_id = "";
    added->stage = -1;
    added->stage_at = INSTANT_NONE;
    added->next_attempt_at = reporter->now;
    message_key(identity, parts, added->message_key);
}

static const char *due_text(struct reporter *reporter)
{
    return arena_format(&reporter->batch.arena, "%lld", (long long)reporter->due_at);
}

static void add_mail(struct reporter *reporter, const struct report_addressee *addressee,
                     const struct report_mail *mail, const char *person_id, const char *role, bool stands_in)
{
    struct arena *arena = &reporter->batch.arena;
    struct buffer facts = {0};
    report_mail_write(mail, &facts);
    const char *holder = arena_string(arena, addressee->holder);
    const char *identity[] = {reporter->options.site, "report", reporter->report->name,
                              due_text(reporter),     holder,   person_id};
    // A mail in place of one that reached nobody has its recipient in its identity: there may be several.
    size_t parts = addressee->person_id ? 5 : 6;
    add_notice(reporter,
               &(struct journal_notice){.purpose = "report",
                                        .person_id = arena_string(arena, person_id),
                                        .role = arena_string(arena, role),
                                        .instead_of = stands_in ? holder : NULL,
                                        .facts = arena_copy(arena, facts.data, facts.length)},
               identity, parts);
    buffer_done(&facts);
    reporter->mails++;
}

static void tell_operators_of(struct reporter *reporter, const struct report_addressee *addressee)
{
    reporter->unreached++;
    log_line(LOG_LEVEL_WARNING, "report",
             "reached nobody, the next level and the operators are told report=%s"
             " role=%s unit=%s person=%s",
             reporter->report->name, addressee->role, addressee->unit, addressee->holder);
    buffer_format(&reporter->operator_lines, "report_not_sent\t\t\t%s, %s %s\n", reporter->report->name,
                  addressee->role, addressee->unit);
    reporter->operator_line_count++;
}

static void make_for_next_level(struct reporter *reporter, const struct report_addressee *addressee,
                                struct report_mail *mail)
{
    struct recipient recipients[REPORT_PEOPLE_MAX];
    size_t count = report_next_level(reporter->report, reporter->options.rules, reporter->material.people,
                                     addressee->role, addressee->unit, addressee->holder,
                                     reporter->material.today, recipients);
    mail->not_reached = addressee->role;
    mail->not_reached_unit = addressee->unit;
    for (size_t i = 0; i < count; i++) {
        mail->role = recipients[i].role;
        mail->stands_in = recipients[i].instead_of != NULL;
        add_mail(reporter, addressee, mail, recipients[i].person_id, recipients[i].role, mail->stands_in);
    }
    tell_operators_of(reporter, addressee);
}

static void make_mail(struct reporter *reporter, struct report_addressee *addressee)
{
    struct report_mail mail;
    arena_reset(&reporter->scratch);
    report_mail_make(&reporter->material, addressee, &reporter->scratch, &mail);
    if (mail.empty && reporter->report->skip_empty)
        addressee->holder = NULL; // gets none
    else if (addressee->person_id == NULL)
        make_for_next_level(reporter, addressee, &mail);
    else
        add_mail(reporter, addressee, &mail, addressee->person_id, addressee->role, addressee->stands_in);
}

// --- writing it down ---

static void add_superseded(struct reporter *reporter)
{
    const struct zone *zone = reporter->options.rules->zone;
    instant passed[SUPERSEDED_MAX];
    int count = 0;
    for (instant at = reporter->run->due_at; at < reporter->due_at && count < SUPERSEDED_MAX;
         at = report_next_due(reporter->report, zone, at))
        passed[count++] = at;
    if (count == 0)
        return;
    struct postgres_params *params = add_statement(
        reporter, "INSERT INTO report_run (report, due_at, state, recurrence, late, finished_at)"
                  " SELECT $1, at, 'superseded', $2, true, $4 FROM unnest($3::timestamptz[]) AS at"
                  " ON CONFLICT (report, due_at) DO UPDATE SET state = 'superseded', late = true,"
                  " finished_at = excluded.finished_at WHERE report_run.state IN ('waiting', 'dropped')");
    postgres_param_text(params, reporter->report->name);
    postgres_param_text(params, reporter->run->recurrence);
    postgres_array_begin(params, POSTGRES_INSTANTS, count);
    for (int i = 0; i < count; i++)
        postgres_array_instant(params, passed[i]);
    postgres_param_instant(params, reporter->now);
}

static void add_run(struct reporter *reporter)
{
    struct postgres_params *params = add_statement(
        reporter, "INSERT INTO report_run (report, due_at, state, recurrence, decided_at, late)"
                  " VALUES ($1, $2, 'decided', $3, $4, $5) ON CONFLICT (report, due_at) DO UPDATE SET state ="
                  " 'decided', decided_at = excluded.decided_at, late = excluded.late"
                  " WHERE report_run.state IN ('waiting', 'dropped')");
    postgres_param_text(params, reporter->report->name);
    postgres_param_instant(params, reporter->due_at);
    postgres_param_text(params, reporter->run->recurrence);
    postgres_param_instant(params, reporter->now);
    postgres_param_bool(params, reporter->now - reporter->due_at > REPORT_LATE_AFTER_S);
    if (reporter->run->recurrence)
        add_next(add_statement(reporter, NEXT_SQL), reporter, 1, &reporter->report);
}

static void own_key(struct reporter *reporter, const char *holder, char key[MESSAGE_KEY_SIZE])
{
    const char *identity[] = {reporter->options.site, "report", reporter->report->name, due_text(reporter),
                              holder};
    message_key(identity, sizeof identity / sizeof identity[0], key);
}

static void add_recipients(struct reporter *reporter)
{
    size_t count = 0;
    for (size_t i = 0; i < reporter->addressee_count; i++)
        count += reporter->addressees[i].holder != NULL;
    if (count == 0)
        return;
    struct postgres_params *params = add_statement(
        reporter, "INSERT INTO report_recipient (report, due_at, person_id, role, message_key)"
                  " SELECT $1, $2, * FROM unnest($3::text[], $4::text[], $5::text[]) ON CONFLICT DO NOTHING");
    postgres_param_text(params, reporter->report->name);
    postgres_param_instant(params, reporter->due_at);
    postgres_array_begin(params, POSTGRES_TEXTS, (int)count);
    for (size_t i = 0; i < reporter->addressee_count; i++)
        if (reporter->addressees[i].holder)
            postgres_array_text(params, reporter->addressees[i].holder);
    postgres_array_begin(params, POSTGRES_TEXTS, (int)count);
    for (size_t i = 0; i < reporter->addressee_count; i++)
        if (reporter->addressees[i].holder)
            postgres_array_text(params, reporter->addressees[i].role);
    postgres_array_begin(params, POSTGRES_TEXTS, (int)count);
    for (size_t i = 0; i < reporter->addressee_count; i++) {
        char key[MESSAGE_KEY_SIZE];
        if (reporter->addressees[i].holder == NULL)
            continue;
        own_key(reporter, reporter->addressees[i].holder, key);
        postgres_array_text(params, reporter->addressees[i].person_id ? key : NULL);
    }
}

static void add_counts(struct reporter *reporter)
{
    struct report_unit_count *units;
    enum report_content content = reporter->report->content;
    size_t unit_count = report_count_units(&reporter->material, &units);
    int each = 0;
    for (int k = 0; k < REPORT_COUNTS; k++)
        each += report_counts_of(content, (enum report_count)k);
    if (unit_count == 0) {
        free(units);
        return;
    }
    struct postgres_params *params = add_statement(
        reporter,
        "INSERT INTO report_count (report, due_at, unit, name, count)"
        " SELECT $1, $2, * FROM unnest($3::text[], $4::text[], $5::bigint[]) ON CONFLICT DO NOTHING");
    int rows = (int)unit_count * each;
    postgres_param_text(params, reporter->report->name);
    postgres_param_instant(params, reporter->due_at);
    postgres_array_begin(params, POSTGRES_TEXTS, rows);
    for (size_t i = 0; i < unit_count; i++)
        for (int k = 0; k < each; k++)
            postgres_array_text(params, units[i].unit);
    postgres_array_begin(params, POSTGRES_TEXTS, rows);
    for (size_t i = 0; i < unit_count; i++)
        for (int k = 0; k < REPORT_COUNTS; k++)
            if (report_counts_of(content, (enum report_count)k))
                postgres_array_text(params, report_count_name((enum report_count)k));
    postgres_array_begin(params, POSTGRES_INT8S, rows);
    for (size_t i = 0; i < unit_count; i++)
        for (int k = 0; k < REPORT_COUNTS; k++)
            if (report_counts_of(content, (enum report_count)k))
                postgres_array_int8(params, units[i].counts[k]);
    free(units);
}

static void add_operators_notice(struct reporter *reporter)
{
    if (reporter->operator_line_count == 0)
        return;
    const char *identity[] = {reporter->options.site, "report that reached nobody", reporter->report->name,
                              due_text(reporter)};
    add_notice(reporter,
               &(struct journal_notice){.purpose = "operator",
                                        .person_id = "",
                                        .role = "",
                                        .facts = arena_format(&reporter->batch.arena, "%zu\n%s",
                                                              reporter->operator_line_count,
                                                              reporter->operator_lines.data)},
               identity, sizeof identity / sizeof identity[0]);
}

static void on_written(struct journal_batch *batch, const struct error *err)
{
    struct reporter *reporter = batch->data;
    journal_batch_clear(batch);
    if (err) {
        fail(reporter, err);
        return;
    }
    bool late = reporter->now - reporter->due_at > REPORT_LATE_AFTER_S;
    log_line(LOG_LEVEL_NOTICE, "report", "decided%s report=%s mails=%zu unreached=%zu", late ? ", late" : "",
             reporter->report->name, reporter->mails, reporter->unreached);
    reporter->told = true;
    reporter->documents_stale = true;
    report_reading_done(&reporter->reading);
    ask_runs(reporter);
}

static void write_down(struct reporter *reporter)
{
    clear_statements(reporter);
    add_superseded(reporter);
    add_run(reporter);
    add_recipients(reporter);
    add_counts(reporter);
    add_operators_notice(reporter);
    commit(reporter, on_written);
}

// A role that nobody holds would be told by nobody.
static void address_nobody(struct reporter *reporter)
{
    if (reporter->report->skip_empty && strcmp(reporter->report->recipients[0], ROLE_CASEWORKER) == 0)
        return;                                             // there was nothing in it
    struct report_addressee *nobody = reporter->addressees; // it has room for one more than there are
    *nobody = (struct report_addressee){.holder = "", .role = reporter->report->recipients[0], .unit = ""};
    reporter->addressee_count = 1;
    tell_operators_of(reporter, nobody);
}

static void on_turn(uv_timer_t *timer)
{
    make_mails(timer->data);
}

static void make_mails(struct reporter *reporter)
{
    uint64_t began_ns = uv_hrtime();
    if (reporter->addressee_count == 0) {
        address_nobody(reporter);
        reporter->next_addressee = reporter->addressee_count;
    }
    while (reporter->next_addressee < reporter->addressee_count) {
        if (uv_hrtime() - began_ns > TURN_NS) {
            uv_timer_start(&reporter->turn, on_turn, 0, 0);
            return;
        }
        make_mail(reporter, &reporter->addressees[reporter->next_addressee++]);
    }
    write_down(reporter);
}

// --- the people alone ---

static void on_people_alone(struct casedb_read *read, const struct people *people)
{
    struct reporter *reporter = read->data;
    reporter->on_people(reporter->data, people);
}

static void on_no_case(struct casedb_read *read, const struct casefile *casefile, const struct fault *faults,
                       size_t fault_count)
{
    (void)read;
    (void)casefile;
    (void)faults;
    (void)fault_count;
}

static void on_no_fault(struct casedb_read *read, const char *case_id, const struct fault *fault)
{
    (void)read;
    (void)case_id;
    (void)fault;
}

static void on_people_read(struct casedb_read *read, enum postgres_status status, const char *cursor,
                           const struct error *err)
{
    struct reporter *reporter = read->data;
    (void)cursor;
    reporter->told = status == POSTGRES_OK;
    end(reporter, status == POSTGRES_OK ? NULL : err);
}

// Mails of a run that was decided before a restart wait for their addresses, and no look at the case database
// may have a reason to bring them.
static void read_people(struct reporter *reporter)
{
    static const char *const no_case[] = {"-"};
    struct error err;
    reporter->read = (struct casedb_read){
        .data = reporter,
        .what = CASEDB_CASES,
        .case_ids = no_case,
        .case_id_count = 1,
        .on_people = on_people_alone,
        .on_case = on_no_case,
        .on_gone = on_gone,
        .on_fault = on_no_fault,
        .on_done = on_people_read,
    };
    if (casedb_read(reporter->options.casedb, &reporter->read, &err) < 0)
        end(reporter, &err);
}

// --- the round ---

static void on_runs_done(struct postgres_request *request, enum postgres_status status,
                         const struct error *err)
{
    struct reporter *reporter = request->data;
    if (status != POSTGRES_OK) {
        end(reporter, err);
        return;
    }
    if (reporter->documents_stale)
        publish_runs(reporter);
    if (plan(reporter))
        return;
    const struct waiting_run *due = NULL;
    for (size_t i = 0; i < reporter->waiting_count && due == NULL; i++)
        if (reporter->waiting[i].due_at <= reporter->now &&
            report_find(reporter->options.reports, reporter->waiting[i].report))
            due = &reporter->waiting[i];
    if (due)
        start_report(reporter, due);
    else if (reporter->unfinished > 0 && reporter->people->person_count == 0)
        read_people(reporter);
    else
        end(reporter, NULL);
}

static void ask_runs(struct reporter *reporter)
{
    static const char *const sql[RUN_STATEMENTS] = {
        [FINISHED] =
            "UPDATE report_run r SET finished_at = $1, state = CASE WHEN EXISTS (SELECT FROM "
            "report_recipient x"
            " LEFT JOIN notice n USING (message_key) WHERE x.report = r.report AND x.due_at = r.due_at"
            " AND (n.state IS NULL OR n.state = 'abandoned')) THEN 'failed' ELSE 'sent' END"
            " WHERE r.state = 'decided' AND NOT EXISTS (SELECT FROM report_recipient x JOIN notice n"
            " USING (message_key) WHERE x.report = r.report AND x.due_at = r.due_at"
            " AND n.next_attempt_at IS NOT NULL) RETURNING 1",
        [WAITING] = "SELECT report, due_at, recurrence FROM report_run WHERE state = 'waiting' ORDER BY "
                    "due_at, report",
        [LAST] =
            "SELECT DISTINCT ON (r.report) r.report, r.due_at, r.state, r.decided_at, r.late,"
            " (SELECT count(*) FROM report_recipient x WHERE x.report = r.report AND x.due_at = r.due_at),"
            " (SELECT count(*) FROM report_recipient x LEFT JOIN notice n USING (message_key)"
            " WHERE x.report = r.report AND x.due_at = r.due_at AND (n.state IS NULL OR n.state = "
            "'abandoned'))"
            " FROM report_run r WHERE r.state IN ('decided', 'sent', 'failed')"
            " ORDER BY r.report, r.due_at DESC",
        [LAST_COUNTS] =
            "SELECT c.report, c.name, sum(c.count)::bigint FROM (SELECT DISTINCT ON (report) report,"
            " due_at FROM report_run WHERE state IN ('decided', 'sent', 'failed')"
            " ORDER BY report, due_at DESC) r JOIN report_count c USING (report, due_at)"
            " GROUP BY c.report, c.name",
        [UNFINISHED] = "SELECT count(*) FROM report_run WHERE state = 'decided'",
    };
    struct error err;
    arena_reset(&reporter->arena);
    reporter->waiting_count = reporter->last_count = 0;
    clear_statements(reporter);
    for (int i = 0; i < RUN_STATEMENTS; i++)
        add_statement(reporter, sql[i]);
    postgres_param_instant(&reporter->params[FINISHED], reporter->now);
    if (submit(reporter, reporter->statements, RUN_STATEMENTS, on_run_row, on_runs_done, &err) < 0)
        end(reporter, &err);
}

static void on_start(uv_timer_t *timer)
{
    ask_runs(timer->data);
}

void reporter_start(struct reporter *reporter, instant now, const struct people *people)
{
    assert(!reporter->running);
    reporter->running = true;
    reporter->planned = reporter->told = false;
    reporter->now = now;
    reporter->people = people;
    uv_timer_start(&reporter->turn, on_start, 0, 0); // it may end at once, but never from inside this call
}
