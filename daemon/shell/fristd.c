// SPDX-License-Identifier: MPL-2.0
//
// One timer, one question: think() asks what is to be done next and does it, whenever something has changed.
//
//   starting ──both databases up, first pass done──▶ running (READY=1) ──SIGTERM──▶ stopping
//
// Stopping goes in order, each step when the one before has ended: the pass, the mails in flight, their
// outcomes in the journal, what the broker has not acknowledged, the connections.
#include "shell/fristd.h"

#include "core/notices.h"
#include "shell/delivery.h"
#include "shell/journal_events.h"
#include "shell/log.h"
#include "shell/pass.h"
#include "shell/publisher.h"
#include "shell/reporter.h"
#include "shell/rules_guard.h"
#include "shell/service.h"
#include "shell/setup.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define MAIL_GRACE_MS   10000
#define BROKER_GRACE_MS 5000
#define TIMER_MAX_MS    60000  // the clock can be set: look at it at least this often
#define FAILED_PASS_MS  5000   // until the next try
#define STATUS_EVERY_MS 1000   // the status line is told at most this often
#define REFRESH_MS      60000  // what others write into the journal is found this late without a notification
#define ONCE_MAX_MS     60000  // without progress, `once` ends
#define STALLED_PASS_MS 600000 // a pass without progress for this long: the watchdog is not fed any more

enum stopping {
    NOT_STOPPING,
    STOP_PASS,
    STOP_MAIL,
    STOP_OUTCOMES,
    STOP_BROKER,
    STOP_CASEDB,
    STOP_JOURNAL,
    STOP_HANDLES
};

struct fristd {
    struct fristd_options options;
    uv_loop_t loop;
    struct setup *setup, *next_setup; // next: loaded by a reload, weighed and taken between passes
    bool looked;                      // a pass has ended since then: the journal is as new as the cases
    bool reload_again;                // SIGHUP came while it was weighed
    struct zone *first_zone; // of the first setup, once it is gone: casedb and publisher still use it
    struct casedb *casedb;
    struct journal *journal;
    struct mail *mail;
    struct publisher *publisher; // NULL: MQTT is switched off
    struct pass *pass;
    struct rules_guard *guard;
    struct delivery *delivery;
    struct reporter *reporter;
    uv_timer_t timer, watchdog;
    uv_prepare_t turn;
    uint64_t turn_ns, idle_ns, longest_turn_ns;
    uv_signal_t terminate, interrupt, hangup;
    bool casedb_up, journal_up, ready;
    bool poll_wanted, more_due;
    uint64_t next_poll_ms, next_refresh_ms, not_before_ms, progress_ms, next_status_ms; // on the loop's clock
    bool status_waits;
    size_t passes;
    instant pass_at, looked_at; // the moments of the last look at the case database, and of the last good one
    bool reports_settled;       // the reports' rows fit the configuration, and nothing is to be noted in them
    char boot_id[17];           // ties the birth and the will of one run
    enum stopping stopping;
    int exit_status;
};

static void think(struct fristd *fristd);
static void stop_step(struct fristd *fristd);

static instant now_of(void *data)
{
    struct fristd *fristd = data;
    return fristd->options.at != INSTANT_NONE ? fristd->options.at : (instant)time(NULL);
}

static void progress(struct fristd *fristd)
{
    fristd->progress_ms = uv_now(&fristd->loop);
}

// --- what the modules report ---

static void stop(struct fristd *fristd, int exit_status);

static void on_casedb_state(void *data, bool up, const struct error *err)
{
    struct fristd *fristd = data;
    fristd->casedb_up = up;
    if (up) {
        progress(fristd);
        log_line(LOG_LEVEL_NOTICE, "casedb", "connected, the contract fits");
        fristd->poll_wanted = true;
    } else
        log_line(LOG_LEVEL_WARNING, "casedb", "%s", err->text);
    think(fristd);
}

static void on_casedb_wake(void *data)
{
    struct fristd *fristd = data;
    fristd->poll_wanted = true;
    think(fristd);
}

static void on_journal_state(void *data, bool up, const struct error *err)
{
    struct fristd *fristd = data;
    fristd->journal_up = up;
    if (up) {
        progress(fristd);
        fristd->reports_settled = false;
        log_line(LOG_LEVEL_NOTICE, "journal", "connected, transitions so far: %lld",
                 (long long)journal_last_transition(fristd->journal));
        delivery_wake(fristd->delivery);
        if (fristd->publisher)
            publisher_wake(fristd->publisher);
    } else
        log_line(LOG_LEVEL_WARNING, "journal", "%s", err->text);
    think(fristd);
}

static void on_journal_news(void *data)
{
    think(data);
}

static void on_progress(void *data)
{
    struct fristd *fristd = data;
    progress(fristd);
    if (fristd->publisher)
        publisher_wake(fristd->publisher);
}

static void on_pass_done(void *data, const struct pass_result *result)
{
    static const char *const kinds[] = {
        [PASS_CHANGES] = "changes", [PASS_FULL] = "full", [PASS_RULES] = "rules"};
    struct fristd *fristd = data;
    progress(fristd);
    fristd->looked = true;
    // What is retained of them stands on the topics of the units they have left.
    if (result->moved > 0 && fristd->publisher && fristd->setup->config.mqtt_units_in_topics)
        publisher_announce(fristd->publisher);
    if (result->refused) {
        log_line(LOG_LEVEL_ERROR, "rules", "%s", result->err->text);
        stop(fristd, 2);
        return;
    }
    if (result->err) {
        log_line(LOG_LEVEL_WARNING, "pass", "not finished, next try in %d s kind=%s cases=%zu: %s",
                 FAILED_PASS_MS / 1000, kinds[result->kind], result->cases, result->err->text);
        fristd->not_before_ms = uv_now(&fristd->loop) + FAILED_PASS_MS;
        fristd->poll_wanted = true;
    } else {
        bool quiet = result->deadlines_written == 0 && result->faults == 0 && result->kind == PASS_CHANGES;
        log_line(quiet ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO, "pass",
                 "done kind=%s cases=%zu deadlines=%zu transitions=%zu notices=%zu new_faults=%zu",
                 kinds[result->kind], result->cases, result->deadlines_written, result->transitions,
                 result->notices, result->faults);
        fristd->passes++;
        rules_guard_settle(fristd->guard);
        fristd->looked_at = fristd->pass_at;
        fristd->more_due = result->more;
        // Codes, units and what is sensitive may be others now.
        if (result->kind != PASS_CHANGES && fristd->publisher)
            publisher_announce(fristd->publisher);
        if (!fristd->ready) {
            fristd->ready = true;
            service_ready();
            log_line(LOG_LEVEL_NOTICE, "service", "ready");
        }
    }
    // It may have found something to tell, whether it has held the mail or not. A delivery that is idle has
    // the next look begin from inside this call, and that holds it again.
    if (!fristd->more_due)
        delivery_release(fristd->delivery);
    if (fristd->stopping == STOP_PASS)
        stop_step(fristd);
    else
        think(fristd);
}

static void on_delivery_idle(void *data)
{
    struct fristd *fristd = data;
    bool unsettled = reporter_has_unfinished(fristd->reporter);
    if (unsettled)
        fristd->reports_settled = false;
    if (fristd->stopping == STOP_OUTCOMES)
        stop_step(fristd);
    else if (fristd->options.once || unsettled)
        think(fristd);
}

// Whoever stands in a report can be mailed, even where no look at the case database has brought people yet.
static void on_report_people(void *data, const struct people *people)
{
    struct fristd *fristd = data;
    pass_set_people(fristd->pass, people);
}

static void on_report_document(void *data, const char *report, const char *json)
{
    struct fristd *fristd = data;
    if (fristd->publisher)
        publisher_set_report(fristd->publisher, report, json);
}

static void on_reports_done(void *data, bool told, const struct error *err)
{
    struct fristd *fristd = data;
    progress(fristd);
    fristd->reports_settled = err == NULL;
    if (err) {
        log_line(LOG_LEVEL_WARNING, "report", "not finished, next try in %d s: %s", FAILED_PASS_MS / 1000,
                 err->text);
        fristd->not_before_ms = uv_now(&fristd->loop) + FAILED_PASS_MS;
    }
    if (told)
        delivery_wake(fristd->delivery);
    if (fristd->stopping == STOP_PASS)
        stop_step(fristd);
    else
        think(fristd);
}

static void on_mail_ready(void *data)
{
    struct fristd *fristd = data;
    delivery_wake(fristd->delivery);
}

// --- the setup ---

static void set_reporter_options(struct fristd *fristd)
{
    struct setup *setup = fristd->setup;
    struct reporter_options options = {
        .site = setup->config.site,
        .reports = &setup->reports,
        .rules = &setup->rules,
        .small_counts = setup->config.small_counts,
        .casedb = fristd->casedb,
        .journal = fristd->journal,
    };
    reporter_set_options(fristd->reporter, &options);
    fristd->reports_settled = false;
}

static void make_pass(struct fristd *fristd)
{
    struct pass *old = fristd->pass;
    struct setup *setup = fristd->setup;
    struct pass_options options = {
        .site = setup->config.site,
        .rules = &setup->rules,
        .rules_fingerprint = setup->rules_fingerprint,
        .language = setup->config.language,
        .rhythm = &setup->config.rhythm,
        .casedb = fristd->casedb,
        .journal = fristd->journal,
    };
    fristd->pass = pass_new(&options, on_progress, on_pass_done, fristd);
    if (old)
        pass_set_people(fristd->pass, pass_people(old));
    pass_free(old);
    delivery_set_context(fristd->delivery, &(struct letter_context){
                                               .config = &setup->config,
                                               .rules = &setup->rules,
                                               .wording = setup->wording,
                                               .people = pass_people(fristd->pass),
                                               .reports = &setup->reports,
                                           });
    set_reporter_options(fristd);
}

static void log_warnings(const struct config *config)
{
    for (size_t i = 0; i < config->warning_count; i++)
        log_line(LOG_LEVEL_WARNING, "config", "%s", config->warnings[i]);
}

static void take_next_setup(struct fristd *fristd)
{
    struct setup *old = fristd->setup;
    fristd->setup = fristd->next_setup;
    fristd->next_setup = NULL;
    make_pass(fristd);
    mail_set_options(fristd->mail, &fristd->setup->config.mail);
    log_set_level((enum log_level)fristd->setup->config.log_level);
    log_warnings(&fristd->setup->config);
    if (fristd->first_zone == NULL) {
        fristd->first_zone = old->zone;
        old->zone = NULL;
    }
    setup_free(old);
    fristd->poll_wanted = true;
    rules_guard_forget(fristd->guard);
    log_line(LOG_LEVEL_NOTICE, "service", "the new configuration is in force");
    service_ready();
}

static void drop_next_setup(struct fristd *fristd)
{
    setup_free(fristd->next_setup);
    fristd->next_setup = NULL;
    service_ready();
}

// Before the people are known the pass asks.
static int check_roles(struct fristd *fristd, const struct setup *next, struct error *err)
{
    const struct people *people = pass_people(fristd->pass);
    return people->person_count > 0 ? notices_check_roles(&next->rules, people, err) : 0;
}

static void reload(struct fristd *fristd)
{
    struct setup *next = NULL;
    struct error err;
    service_reloading();
    if (setup_load(fristd->options.config_path, &next, &err) < 0 ||
        config_reload_refusal(&fristd->setup->config, &next->config, &err) < 0 ||
        check_roles(fristd, next, &err) < 0) {
        log_line(LOG_LEVEL_ERROR, "service",
                 "the new configuration is refused, the old one stays in force: %s", err.text);
        setup_free(next);
        service_ready();
        return;
    }
    setup_free(fristd->next_setup);
    fristd->next_setup = next;
    fristd->looked = false;
    fristd->poll_wanted = true;
    think(fristd);
}

static void on_hangup(uv_signal_t *handle, int number)
{
    (void)number;
    struct fristd *fristd = handle->data;
    if (rules_guard_is_asking(fristd->guard))
        fristd->reload_again = true;
    else
        reload(fristd);
}

static void on_verdict(void *data, bool take)
{
    struct fristd *fristd = data;
    bool again = fristd->reload_again;
    fristd->reload_again = false;
    progress(fristd);
    if (fristd->stopping != NOT_STOPPING) {
        stop_step(fristd);
        return;
    }
    if (take && !again)
        take_next_setup(fristd);
    else
        drop_next_setup(fristd);
    if (again)
        reload(fristd);
    else
        think(fristd);
}

// Changed rules are weighed first, right after a pass: then all that differs comes of the rules.
static void weigh_next_setup(struct fristd *fristd)
{
    struct error err;
    const char *known = journal_progress(fristd->journal, PROGRESS_RULES);
    bool up = fristd->casedb_up && fristd->journal_up;
    if (strcmp(fristd->next_setup->rules_fingerprint, fristd->setup->rules_fingerprint) == 0 ||
        (up && *known == '\0')) {
        take_next_setup(fristd);
        return;
    }
    if (up && !fristd->looked)
        return;
    error_set(&err, "%s is away", fristd->casedb_up ? "the journal" : "the case database");
    if (up && rules_guard_ask(fristd->guard, fristd->next_setup, now_of(fristd), &err) == 0)
        return;
    if (fristd->next_setup->config.rule_changes == RULE_CHANGES_TAKE) {
        take_next_setup(fristd);
        return;
    }
    log_line(LOG_LEVEL_ERROR, "service",
             "what the changed rules would change cannot be seen now, the old configuration stays in force; "
             "reload again later: %s",
             err.text);
    drop_next_setup(fristd);
}

// The case database is being read.
static bool is_reading(const struct fristd *fristd)
{
    return pass_is_running(fristd->pass) || rules_guard_is_asking(fristd->guard) ||
           reporter_is_running(fristd->reporter);
}

// --- what next ---

static bool reconciliation_is_due(struct fristd *fristd, instant now)
{
    struct civil_time local = zone_to_civil(fristd->setup->zone, now);
    char today[CIVIL_DATE_SIZE];
    return local.second >= fristd->setup->config.reconcile_at &&
           strcmp(journal_progress(fristd->journal, PROGRESS_RECONCILED_ON),
                  civil_format_date(local.date, today)) != 0;
}

static bool next_pass(struct fristd *fristd, enum pass_kind *ret_kind)
{
    instant now = now_of(fristd), case_at = journal_agenda(fristd->journal).case_at;
    if (strcmp(journal_progress(fristd->journal, PROGRESS_RULES), fristd->setup->rules_fingerprint) != 0)
        *ret_kind = PASS_RULES;
    else if (reconciliation_is_due(fristd, now))
        *ret_kind = PASS_FULL;
    else if (fristd->poll_wanted || fristd->more_due || (case_at != INSTANT_NONE && case_at <= now))
        *ret_kind = PASS_CHANGES;
    else
        return false;
    return true;
}

static bool report_is_due(const struct fristd *fristd)
{
    instant report_at = journal_agenda(fristd->journal).report_at;
    return report_at != INSTANT_NONE && report_at <= now_of((void *)fristd);
}

// A report is made of what a look at the case database has found that began when it was due, or later.
static bool reporter_is_wanted(struct fristd *fristd)
{
    if (fristd->passes == 0)
        return false;
    if (report_is_due(fristd) && fristd->looked_at < journal_agenda(fristd->journal).report_at) {
        fristd->poll_wanted = true;
        return false;
    }
    return !fristd->reports_settled || report_is_due(fristd);
}

static void set_next_poll(struct fristd *fristd)
{
    fristd->next_poll_ms = uv_now(&fristd->loop) + (uint64_t)fristd->setup->config.poll_interval_ms;
}

static void start_pass(struct fristd *fristd, enum pass_kind kind)
{
    struct error err;
    fristd->poll_wanted = fristd->more_due = false;
    set_next_poll(fristd);
    // A full reading takes long and is about nothing that is due at this moment: mail goes on beside it.
    if (kind == PASS_CHANGES)
        delivery_hold(fristd->delivery);
    fristd->pass_at = now_of(fristd);
    if (pass_start(fristd->pass, kind, fristd->pass_at, &err) < 0) {
        log_line(LOG_LEVEL_WARNING, "pass", "not started: %s", err.text);
        fristd->not_before_ms = uv_now(&fristd->loop) + FAILED_PASS_MS;
        fristd->poll_wanted = true;
        delivery_release(fristd->delivery);
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct fristd *fristd = timer->data;
    if (uv_now(&fristd->loop) >= fristd->next_poll_ms) {
        fristd->poll_wanted = true;
        set_next_poll(fristd);
    }
    if (uv_now(&fristd->loop) >= fristd->next_refresh_ms) {
        fristd->next_refresh_ms = uv_now(&fristd->loop) + REFRESH_MS;
        journal_refresh(fristd->journal);
    }
    delivery_wake(fristd->delivery);
    think(fristd);
}

static void arm(struct fristd *fristd)
{
    uint64_t loop_now = uv_now(&fristd->loop), wait = TIMER_MAX_MS;
    if (fristd->next_poll_ms < loop_now + wait)
        wait = fristd->next_poll_ms > loop_now ? fristd->next_poll_ms - loop_now : 0;
    if (fristd->journal_up && fristd->options.at == INSTANT_NONE) {
        struct agenda agenda = journal_agenda(fristd->journal);
        instant now = now_of(fristd);
        const instant wakes[] = {agenda.case_at, agenda.mail_at, agenda.loose_at, agenda.report_at};
        for (size_t i = 0; i < sizeof wakes / sizeof wakes[0]; i++)
            // What is due now is under way, or waits for something that wakes us.
            if (wakes[i] != INSTANT_NONE && wakes[i] > now && (uint64_t)(wakes[i] - now) * 1000 < wait)
                wait = (uint64_t)(wakes[i] - now) * 1000;
    }
    if (fristd->status_waits && fristd->next_status_ms < loop_now + wait)
        wait = fristd->next_status_ms > loop_now ? fristd->next_status_ms - loop_now : 0;
    if (fristd->not_before_ms > loop_now && fristd->not_before_ms - loop_now < wait)
        wait = fristd->not_before_ms - loop_now;
    uv_timer_start(&fristd->timer, on_timer, wait ? wait : 1, 0);
}

// A burst would change it a thousand times a second.
static void say_status(struct fristd *fristd)
{
    fristd->status_waits = uv_now(&fristd->loop) < fristd->next_status_ms;
    if (fristd->status_waits)
        return;
    fristd->next_status_ms = uv_now(&fristd->loop) + STATUS_EVERY_MS;
    const char *casedb = fristd->casedb_up ? "up" : "DOWN", *journal = fristd->journal_up ? "up" : "DOWN";
    if (fristd->publisher)
        service_status("case database %s, journal %s, %lld transitions not yet acknowledged by the broker%s",
                       casedb, journal, (long long)publisher_lag(fristd->publisher),
                       rules_guard_status(fristd->guard));
    else
        service_status("case database %s, journal %s%s", casedb, journal, rules_guard_status(fristd->guard));
}

// `once` ends when nothing is left that could be done at this moment.
static void end_when_done(struct fristd *fristd)
{
    instant now = now_of(fristd);
    struct agenda agenda = journal_agenda(fristd->journal);
    const instant wanted[] = {agenda.mail_at, agenda.loose_at};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        if (wanted[i] != INSTANT_NONE && wanted[i] <= now)
            return;
    if (fristd->passes > 0 && delivery_is_idle(fristd->delivery) &&
        (fristd->publisher == NULL || publisher_has_said_all(fristd->publisher)))
        stop(fristd, agenda.mail_at == INSTANT_NONE ? 0 : 1); // 1: something was deferred
}

static void think(struct fristd *fristd)
{
    enum pass_kind kind;
    if (fristd->stopping != NOT_STOPPING)
        return;
    if (fristd->next_setup && !is_reading(fristd))
        weigh_next_setup(fristd);
    bool may = fristd->casedb_up && fristd->journal_up && !is_reading(fristd) &&
               uv_now(&fristd->loop) >= fristd->not_before_ms;
    bool report = may && reporter_is_wanted(fristd);
    if (may && next_pass(fristd, &kind))
        start_pass(fristd, kind);
    else if (report)
        reporter_start(fristd->reporter, now_of(fristd), pass_people(fristd->pass));
    else if (may && fristd->options.once)
        end_when_done(fristd);
    if (fristd->stopping == NOT_STOPPING) {
        say_status(fristd);
        arm(fristd);
    }
}

static void on_watchdog(uv_timer_t *timer)
{
    struct fristd *fristd = timer->data;
    uint64_t quiet_ms = uv_now(&fristd->loop) - fristd->progress_ms;
    // The loop turns, or we would not be here; a pass that hangs is not alive. A database that is away is no
    // reason to be restarted.
    if (!is_reading(fristd) || quiet_ms < STALLED_PASS_MS)
        service_alive();
    else
        log_line(LOG_LEVEL_ERROR, "service",
                 "a pass has made no progress for %llu s, the watchdog is not fed",
                 (unsigned long long)quiet_ms / 1000);
}

static void on_publisher_progress(void *data)
{
    struct fristd *fristd = data;
    if (fristd->options.once)
        think(fristd);
}

// Once a turn, before the loop goes to wait. What was not spent waiting since the last time was spent on us.
static void on_turn(uv_prepare_t *prepare)
{
    struct fristd *fristd = prepare->data;
    uint64_t now_ns = uv_hrtime(), idle_ns = uv_metrics_idle_time(&fristd->loop);
    uint64_t busy_ns = now_ns - fristd->turn_ns - (idle_ns - fristd->idle_ns);
    if (fristd->turn_ns > 0 && busy_ns > fristd->longest_turn_ns)
        fristd->longest_turn_ns = busy_ns;
    fristd->turn_ns = now_ns;
    fristd->idle_ns = idle_ns;
}

// --- stopping ---

static void on_part_closed(void *data)
{
    stop_step(data);
}

// The journal may still come up again, and then wakes it no more.
static void on_publisher_closed(void *data)
{
    struct fristd *fristd = data;
    fristd->publisher = NULL;
    stop_step(fristd);
}

static void close_handle(void *handle)
{
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

// Begins the next step; returns false when it must first be waited for.
static bool begin_stopping(struct fristd *fristd)
{
    switch (fristd->stopping) {
    case NOT_STOPPING:
        break;
    case STOP_PASS:
        delivery_end(fristd->delivery);
        return !is_reading(fristd);
    case STOP_MAIL:
        mail_close(fristd->mail, MAIL_GRACE_MS, on_part_closed, fristd);
        return false;
    case STOP_OUTCOMES:
        return delivery_is_idle(fristd->delivery) || !fristd->journal_up;
    case STOP_BROKER:
        if (fristd->publisher == NULL)
            return true;
        publisher_close(fristd->publisher, BROKER_GRACE_MS, on_publisher_closed, fristd);
        return false;
    case STOP_CASEDB:
        casedb_close(fristd->casedb, on_part_closed, fristd);
        return false;
    case STOP_JOURNAL:
        journal_close(fristd->journal, on_part_closed, fristd);
        return false;
    case STOP_HANDLES:
        delivery_stop(fristd->delivery);
        reporter_stop(fristd->reporter);
        close_handle(&fristd->timer);
        close_handle(&fristd->watchdog);
        close_handle(&fristd->turn);
        close_handle(&fristd->terminate);
        close_handle(&fristd->interrupt);
        close_handle(&fristd->hangup);
        return false;
    }
    return true;
}

static void stop_step(struct fristd *fristd)
{
    do
        fristd->stopping++;
    while (begin_stopping(fristd));
}

static void stop(struct fristd *fristd, int exit_status)
{
    if (fristd->stopping != NOT_STOPPING)
        return;
    fristd->exit_status = exit_status;
    service_stopping();
    log_line(LOG_LEVEL_NOTICE, "service", "stopping: what is in flight is finished first");
    uv_timer_stop(&fristd->timer);
    uv_timer_stop(&fristd->watchdog);
    stop_step(fristd);
}

static void on_terminate(uv_signal_t *handle, int number)
{
    (void)number;
    stop(handle->data, 0);
}

static void on_once_timer(uv_timer_t *timer)
{
    struct fristd *fristd = timer->data;
    if (uv_now(&fristd->loop) - fristd->progress_ms < ONCE_MAX_MS)
        return;
    log_line(LOG_LEVEL_ERROR, "service", "no progress for %d s, ending; what is left waits in the journal",
             ONCE_MAX_MS / 1000);
    stop(fristd, 1);
}

// --- starting ---

static void make_boot_id(struct fristd *fristd)
{
    unsigned long long random = 0;
    if (getrandom(&random, sizeof random, 0) != sizeof random)
        random = (unsigned long long)uv_hrtime();
    snprintf(fristd->boot_id, sizeof fristd->boot_id, "%016llx", random);
}

static void start_parts(struct fristd *fristd)
{
    struct config *config = &fristd->setup->config;
    fristd->journal = journal_new(&fristd->loop, &config->journal, on_journal_state, fristd);
    journal_on_news(fristd->journal, on_journal_news, fristd);
    fristd->casedb = casedb_new(&fristd->loop, &config->casedb, fristd->setup->zone, on_casedb_state,
                                on_casedb_wake, fristd);
    fristd->mail = mail_new(&fristd->loop, &config->mail);
    mail_on_ready(fristd->mail, on_mail_ready, fristd);
    fristd->delivery = delivery_new(&fristd->loop, fristd->journal, fristd->mail, now_of, fristd);
    delivery_on_idle(fristd->delivery, on_delivery_idle, fristd);
    fristd->reporter =
        reporter_new(&fristd->loop, on_report_people, on_report_document, on_reports_done, fristd);
    if (config->mqtt_enabled) {
        struct event_site site = {.site = config->site,
                                  .with_rule_ids = config->mqtt_rule_ids,
                                  .units_in_topics = config->mqtt_units_in_topics,
                                  .binary = config->mqtt_binary,
                                  .expiry_s = (uint32_t)config->mqtt_event_expiry_s,
                                  .link = config->link,
                                  .zone = fristd->setup->zone};
        fristd->publisher = publisher_new(&fristd->loop, &config->mqtt, &site, fristd->boot_id,
                                          &journal_publisher_store, fristd->journal);
        publisher_on_progress(fristd->publisher, on_publisher_progress, fristd);
    }
    fristd->guard = rules_guard_new(&(struct rules_guard_options){.casedb = fristd->casedb,
                                                                  .journal = fristd->journal,
                                                                  .on_progress = on_progress,
                                                                  .on_verdict = on_verdict,
                                                                  .data = fristd});
    make_pass(fristd);
    journal_start(fristd->journal);
    casedb_start(fristd->casedb);
    if (fristd->publisher)
        publisher_start(fristd->publisher);
}

static void start_handles(struct fristd *fristd)
{
    struct {
        uv_signal_t *handle;
        uv_signal_cb on_signal;
        int number;
    } signals[] = {
        {&fristd->terminate, on_terminate, SIGTERM},
        {&fristd->interrupt, on_terminate, SIGINT},
        {&fristd->hangup, on_hangup, SIGHUP},
    };
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        uv_signal_init(&fristd->loop, signals[i].handle);
        signals[i].handle->data = fristd;
        uv_signal_start(signals[i].handle, signals[i].on_signal, signals[i].number);
    }
    uv_timer_init(&fristd->loop, &fristd->timer);
    uv_timer_init(&fristd->loop, &fristd->watchdog);
    uv_prepare_init(&fristd->loop, &fristd->turn);
    fristd->timer.data = fristd->watchdog.data = fristd->turn.data = fristd;
    uv_prepare_start(&fristd->turn, on_turn);
    uint64_t watchdog_ms = service_watchdog_ms();
    if (fristd->options.once)
        uv_timer_start(&fristd->watchdog, on_once_timer, 1000, 1000);
    else if (watchdog_ms > 0)
        uv_timer_start(&fristd->watchdog, on_watchdog, watchdog_ms, watchdog_ms);
    fristd->next_poll_ms = uv_now(&fristd->loop);
}

int fristd_run(const struct fristd_options *options)
{
    struct fristd fristd = {.options = *options};
    struct error err;
    signal(SIGPIPE, SIG_IGN);
    if (setup_load(options->config_path, &fristd.setup, &err) < 0) {
        log_line(LOG_LEVEL_ERROR, "service", "%s", err.text);
        return 2;
    }
    log_set_level((enum log_level)fristd.setup->config.log_level);
    log_warnings(&fristd.setup->config);
    log_line(LOG_LEVEL_NOTICE, "service", "fristd %s starting site=%s rules=%d", FRISTD_VERSION,
             fristd.setup->config.site, fristd.setup->rules.line_count);
    uv_loop_init(&fristd.loop);
    uv_loop_configure(&fristd.loop, UV_METRICS_IDLE_TIME);
    start_handles(&fristd);
    progress(&fristd);
    make_boot_id(&fristd);
    start_parts(&fristd);
    say_status(&fristd);
    uv_run(&fristd.loop, UV_RUN_DEFAULT);

    pass_free(fristd.pass);
    rules_guard_free(fristd.guard);
    reporter_free(fristd.reporter);
    delivery_free(fristd.delivery);
    setup_free(fristd.setup);
    setup_free(fristd.next_setup);
    zone_free(fristd.first_zone);
    int left = uv_loop_close(&fristd.loop);
    assert(left == 0);
    log_line(LOG_LEVEL_NOTICE, "service", "stopped longest_turn_ms=%.1f",
             (double)fristd.longest_turn_ns / 1e6);
    return fristd.exit_status;
}
