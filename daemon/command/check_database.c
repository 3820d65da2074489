// SPDX-License-Identifier: MPL-2.0
//
// The case database as the service would see it: reads every case once and writes nothing.
#include "command/check.h"

#include "core/nearest.h"
#include "core/notices.h"
#include "shell/reports_file.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define UNKNOWN_KINDS_MAX 100 // named one by one; the rest is counted
#define FAULT_CASES_MAX   5   // cases named as examples of a fault
#define FAULT_CODES       (FAULT_UNKNOWN_KIND + 1)

struct unknown_kind {
    const char *name;
    size_t events;
};

struct looking {
    struct check *check;
    uv_loop_t loop;
    struct casedb *casedb;
    struct casedb_read read;
    struct arena arena;
    struct evaluator *evaluator;
    bool ended;
    size_t cases, events, people;
    size_t *occurs; // by kind number: events
    struct unknown_kind unknown[UNKNOWN_KINDS_MAX];
    size_t unknown_count,
        unknown_unnamed; // unnamed: events of further kinds, or of such as do not look like one
    size_t faults[FAULT_CODES];
    const char *fault_cases[FAULT_CODES][FAULT_CASES_MAX];
};

static void on_closed(void *data)
{
    (void)data;
}

static void end(struct looking *looking)
{
    if (!looking->ended)
        casedb_close(looking->casedb, on_closed, NULL);
    looking->ended = true;
}

static bool is_held(const struct people *people, const char *role)
{
    bool held = strcmp(role, ROLE_CASEWORKER) == 0;
    for (size_t i = 0; i < people->person_count && !held; i++)
        held = strcmp(people->persons[i].role, role) == 0;
    return held;
}

// A role that nobody holds gets no report, and only a report that reaches nobody at all would say so.
static void look_at_reports(struct looking *looking, const struct people *people)
{
    struct check *check = looking->check;
    struct report_set set;
    struct error ignored; // the part "reports" says what is wrong with them
    if (reports_load(check->config.reports, check->config.templates_dir, check->config.language,
                     &check->rules, &set, &ignored) < 0)
        return;
    for (size_t i = 0; i < set.count; i++)
        for (int k = 0; k < set.reports[i].recipient_count; k++) {
            struct buffer text = {0};
            const struct report *report = &set.reports[i];
            buffer_format(&text, "%s:%d:%d: the report %s goes to the role \"%s\", which nobody holds",
                          report->place.file, report->place.line, report->place.column, report->name,
                          report->recipients[k]);
            if (!is_held(people, report->recipients[k]))
                check_warning(check, text.data);
            buffer_done(&text);
        }
    reports_done(&set);
}

static void on_people(struct casedb_read *read, const struct people *people)
{
    struct looking *looking = read->data;
    struct error err;
    looking->people = people->person_count;
    look_at_reports(looking, people);
    if (looking->check->reach) {
        looking->check->reach_today = zone_date(looking->check->zone, (instant)time(NULL));
        reach_begin(looking->check->reach, &looking->check->rules, people, looking->check->reach_today);
    }
    if (notices_check_roles(&looking->check->rules, people, &err) < 0)
        check_error(looking->check, &err);
    if (rhythm_check_units(&looking->check->config.rhythm, people, &err) < 0)
        check_error(looking->check, &err);
}

// A view that is mapped wrongly may show anything as a kind; only what looks like one is printed.
static bool looks_like_a_kind(const char *text)
{
    size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789._-");
    return length > 0 && length <= 60 && text[length] == '\0' && strchr(text, '.');
}

static void count_unknown(struct looking *looking, const char *kind)
{
    for (size_t i = 0; i < looking->unknown_count; i++)
        if (strcmp(looking->unknown[i].name, kind) == 0) {
            looking->unknown[i].events++;
            return;
        }
    if (looking->unknown_count == UNKNOWN_KINDS_MAX || !looks_like_a_kind(kind))
        looking->unknown_unnamed++;
    else
        looking->unknown[looking->unknown_count++] =
            (struct unknown_kind){arena_string(&looking->arena, kind), 1};
}

static void count_fault(struct looking *looking, const char *case_id, const struct fault *fault)
{
    size_t n = looking->faults[fault->code]++;
    if (n < FAULT_CASES_MAX)
        looking->fault_cases[fault->code][n] =
            fault->reason ? arena_format(&looking->arena, "%s (%s)", case_id, fault->reason)
                          : arena_string(&looking->arena, case_id);
}

static void on_case(struct casedb_read *read, const struct casefile *casefile, const struct fault *faults,
                    size_t fault_count)
{
    struct looking *looking = read->data;
    looking->cases++;
    looking->events += casefile->event_count;
    for (size_t i = 0; i < casefile->event_count; i++) {
        const char *kind = casefile->events[i].kind;
        int number = rules_find_kind(&looking->check->rules, kind, strlen(kind));
        if (number >= 0)
            looking->occurs[number]++;
        else
            count_unknown(looking, kind);
    }
    for (size_t i = 0; i < fault_count; i++)
        count_fault(looking, casefile->id, &faults[i]);
    const struct evaluation *evaluation = evaluate(looking->evaluator, casefile, (instant)time(NULL), 0);
    for (size_t i = 0; i < evaluation->fault_count; i++)
        count_fault(looking, casefile->id, &evaluation->faults[i]);
    if (looking->check->reach)
        reach_add(looking->check->reach, casefile->unit, casefile->caseworker, evaluation->deadlines,
                  evaluation->deadline_count);
}

static void on_fault(struct casedb_read *read, const char *case_id, const struct fault *fault)
{
    struct looking *looking = read->data;
    if (*case_id) {
        count_fault(looking, case_id, fault);
        return;
    }
    struct buffer text = {0}; // of a person or unit, whose id is the subject
    buffer_format(&text, "%s%s%s", fault->subject ? fault->subject : "", fault->subject ? ": " : "",
                  fault->reason);
    check_warning(looking->check, text.data);
    buffer_done(&text);
}

static void warn(struct looking *looking, struct buffer *text)
{
    check_warning(looking->check, text->data);
    buffer_clear(text);
}

static void report_faults(struct looking *looking, struct buffer *text)
{
    for (int code = 0; code < FAULT_CODES; code++) {
        if (looking->faults[code] == 0)
            continue;
        buffer_format(text, "%zu faults %s, for example in", looking->faults[code],
                      fault_name((enum fault_code)code));
        for (size_t i = 0; i < FAULT_CASES_MAX && i < looking->faults[code]; i++)
            buffer_format(text, "%s %s", i > 0 ? "," : "", looking->fault_cases[code][i]);
        warn(looking, text);
    }
}

static void report_kinds(struct looking *looking, struct buffer *text)
{
    const struct ruleset *rules = &looking->check->rules;
    for (size_t i = 0; i < looking->unknown_count; i++) {
        const char *name = looking->unknown[i].name,
                   *nearest = nearest_name(name, strlen(name), rules->kinds, (size_t)rules->kind_count);
        buffer_format(text, "no rule knows the kind %s (%zu event%s)%s%s%s", name, looking->unknown[i].events,
                      looking->unknown[i].events == 1 ? "" : "s", nearest ? "; is it " : "",
                      nearest ? nearest : "", nearest ? "?" : "");
        warn(looking, text);
    }
    if (looking->unknown_unnamed > 0) {
        buffer_format(text, "%zu events of further kinds that no rule knows", looking->unknown_unnamed);
        warn(looking, text);
    }
}

static bool occurs(const struct looking *looking, const struct kind_list *kinds)
{
    for (int i = 0; i < kinds->count; i++)
        if (looking->occurs[kinds->kinds[i]] > 0)
            return true;
    return false;
}

// What every version of a rule waits for and never comes.
static void report_idle_rule(struct looking *looking, const struct rule_line *line, struct buffer *text)
{
    bool starts = false, stops = false, can_stop = false;
    for (int i = 0; i < line->version_count; i++) {
        const struct rule *rule = line->versions[i];
        starts |= rule->breach_of_count > 0 || occurs(looking, &rule->start);
        stops |= occurs(looking, &rule->stop);
        can_stop |= rule->stop.count > 0;
    }
    if (!starts)
        buffer_format(text, "the rule %s never starts: no event of its kinds is there", line->id);
    else if (can_stop && !stops)
        buffer_format(text, "the rule %s starts and is never done: no event of its stop kinds is there",
                      line->id);
    else
        return;
    warn(looking, text);
}

static void report_idle_rules(struct looking *looking, struct buffer *text)
{
    const struct ruleset *rules = &looking->check->rules;
    for (int i = 0; i < rules->line_count; i++)
        report_idle_rule(looking, &rules->lines[i], text);
}

static void on_done(struct casedb_read *read, enum postgres_status status, const char *cursor,
                    const struct error *err)
{
    struct looking *looking = read->data;
    struct buffer text = {0};
    (void)cursor;
    if (status != POSTGRES_OK) {
        check_error(looking->check, err);
    } else {
        report_faults(looking, &text);
        report_kinds(looking, &text);
        report_idle_rules(looking, &text);
        check_good(looking->check, "%zu cases, %zu events, %zu people", looking->cases, looking->events,
                   looking->people);
    }
    buffer_done(&text);
    end(looking);
}

static void on_state(void *data, bool up, const struct error *err)
{
    struct looking *looking = data;
    struct error not_started;
    if (looking->ended)
        return;
    if (!up) {
        check_error(looking->check, err);
        end(looking);
        return;
    }
    looking->read = (struct casedb_read){.data = looking,
                                         .what = CASEDB_ALL,
                                         .on_people = on_people,
                                         .on_case = on_case,
                                         .on_fault = on_fault,
                                         .on_done = on_done};
    if (casedb_read(looking->casedb, &looking->read, &not_started) < 0) {
        check_error(looking->check, &not_started);
        end(looking);
    }
}

static void on_wake(void *data)
{
    (void)data;
}

void check_database(struct check *check)
{
    struct looking looking = {.check = check};
    if (check->rules.line_count == 0)
        return; // the rules are wrong, and said to be
    looking.occurs = memory_alloc((size_t)check->rules.kind_count * sizeof *looking.occurs);
    looking.evaluator = evaluator_new(&check->rules);
    uv_loop_init(&looking.loop);
    looking.casedb =
        casedb_new(&looking.loop, &check->config.casedb, check->zone, on_state, on_wake, &looking);
    casedb_start(looking.casedb);
    uv_run(&looking.loop, UV_RUN_DEFAULT);
    uv_loop_close(&looking.loop);
    evaluator_free(looking.evaluator);
    arena_done(&looking.arena);
    free(looking.occurs);
}
