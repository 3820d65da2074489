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

#include "shell/log.h"
#include "shell/report_making.h"
#include "shell/report_material.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define TURN_NS 5000000 // then the loop goes round before the next mail is made

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

    struct report_runs runs;
    // The report at hand.
    struct made_run made;
    struct report_reading reading;
    struct report_material material;
    struct report_making making;

    struct casedb_read read;
    struct report_statements statements;
    struct postgres_statement material_statements[REPORT_STATEMENTS];
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

void reporter_free(struct reporter *reporter)
{
    if (reporter == NULL)
        return;
    assert(!reporter->running);
    report_statements_done(&reporter->statements);
    journal_batch_done(&reporter->batch);
    report_reading_done(&reporter->reading);
    report_making_done(&reporter->making);
    report_runs_done(&reporter->runs);
    free(reporter);
}

bool reporter_is_running(const struct reporter *reporter)
{
    return reporter->running;
}

bool reporter_has_unfinished(const struct reporter *reporter)
{
    return reporter->runs.unfinished > 0;
}

static void end(struct reporter *reporter, const struct error *err)
{
    reporter->running = false;
    report_reading_done(&reporter->reading);
    reporter->on_done(reporter->data, reporter->told, err);
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
    batch->more = reporter->statements.statements;
    batch->more_count = reporter->statements.count;
    journal_commit(reporter->options.journal, batch);
}

// --- documents for subscribers ---

static void publish_runs(struct reporter *reporter)
{
    for (size_t i = 0; i < reporter->runs.last_count; i++) {
        const struct last_run *run = &reporter->runs.last[i];
        const struct report *report = report_find(reporter->options.reports, run->report);
        struct buffer json = {0};
        if (report)
            report_run_document(run, report, reporter->options.rules->zone, reporter->options.small_counts,
                                &json);
        reporter->on_document(reporter->data, run->report, report ? json.data : NULL);
        buffer_done(&json);
    }
    reporter->documents_stale = false;
}

// --- planning ---

static void on_planned(struct journal_batch *batch, const struct error *err)
{
    struct reporter *reporter = batch->data;
    journal_batch_clear(batch);
    if (err)
        end(reporter, err);
    else
        ask_runs(reporter);
}

// False: nothing to be done.
static bool plan(struct reporter *reporter)
{
    report_runs_plan(&reporter->runs, reporter->options.reports, reporter->options.rules->zone, reporter->now,
                     &reporter->statements);
    if (reporter->statements.count == 0 || reporter->planned)
        return false;
    reporter->planned = true; // once a start: what cannot be written down now is not tried for ever
    commit(reporter, on_planned);
    return true;
}

// --- the report at hand: what it is made of ---

static void fail(struct reporter *reporter, const struct error *err)
{
    struct error why = *err;
    error_prefix(&why, "report %s", reporter->made.report->name);
    end(reporter, &why);
}

static void begin_making(struct reporter *reporter)
{
    struct report_reading *reading = &reporter->reading;
    if (reading->people.person_count == 0)
        report_reading_people(reading, reporter->people);
    report_reading_material(reading, &reporter->material);
    report_making_begin(&reporter->making, reporter->options.site, reporter->options.rules, &reporter->made,
                        &reporter->material, &reading->arena, &reporter->batch);
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
             reporter->made.report->name, case_id, fault_name(fault->code));
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

static void start_report(struct reporter *reporter, const struct waiting_run *run)
{
    struct error err;
    const struct ruleset *rules = reporter->options.rules;
    reporter->made = report_run_make(run, reporter->options.reports, rules->zone, reporter->now);
    report_reading_begin(&reporter->reading, reporter->made.report, rules, reporter->made.due_at,
                         reporter->now);
    report_reading_ask(&reporter->reading, reporter->material_statements);
    if (submit(reporter, reporter->material_statements, REPORT_STATEMENTS, on_material_row, on_material_done,
               &err) < 0)
        fail(reporter, &err);
}

// --- its mails ---

static void on_written(struct journal_batch *batch, const struct error *err)
{
    struct reporter *reporter = batch->data;
    journal_batch_clear(batch);
    if (err) {
        fail(reporter, err);
        return;
    }
    log_line(LOG_LEVEL_NOTICE, "report", "decided%s report=%s mails=%zu unreached=%zu",
             report_run_is_late(&reporter->made) ? ", late" : "", reporter->made.report->name,
             reporter->making.mails, reporter->making.unreached);
    reporter->told = true;
    reporter->documents_stale = true;
    report_reading_done(&reporter->reading);
    ask_runs(reporter);
}

static void write_down(struct reporter *reporter)
{
    struct report_statements *statements = &reporter->statements;
    report_statements_clear(statements);
    report_run_decided(&reporter->made, statements);
    report_making_end(&reporter->making, statements);
    report_run_counts(&reporter->made, &reporter->material, statements);
    commit(reporter, on_written);
}

static void on_turn(uv_timer_t *timer)
{
    make_mails(timer->data);
}

static void make_mails(struct reporter *reporter)
{
    uint64_t began_ns = uv_hrtime();
    while (report_making_next(&reporter->making))
        if (uv_hrtime() - began_ns > TURN_NS) {
            uv_timer_start(&reporter->turn, on_turn, 0, 0);
            return;
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
    if (reporter->documents_stale || reporter->runs.changed)
        publish_runs(reporter);
    if (plan(reporter))
        return;
    const struct waiting_run *due =
        report_runs_due(&reporter->runs, reporter->options.reports, reporter->now);
    if (due)
        start_report(reporter, due);
    else if (reporter->runs.unfinished > 0 && reporter->people->person_count == 0)
        read_people(reporter);
    else
        end(reporter, NULL);
}

static void on_run_row(struct postgres_request *request, int statement, const struct postgres_row *row)
{
    struct reporter *reporter = request->data;
    report_runs_row(&reporter->runs, statement, row);
}

static void ask_runs(struct reporter *reporter)
{
    struct error err;
    report_runs_ask(&reporter->runs, reporter->now, &reporter->statements);
    if (submit(reporter, reporter->statements.statements, reporter->statements.count, on_run_row,
               on_runs_done, &err) < 0)
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
