// SPDX-License-Identifier: MPL-2.0
//
// The happy path: read_due → casedb_read → (for each slot of cases) read_known → decide → commit → … →
// finish.
//
// Two slots: while one is being decided and written, the other fills from the case database; when both are
// full the reading is paused. So memory does not depend on the number of cases. A slot holds copies of whole
// cases, because what the journal knows of them is asked for in one question a slot, and only then is there
// something to compare with.
//
// It can fail by the case database (on_read_done with an error) or the journal (reading or committing). Then
// nothing more is decided, what was committed stands, and the cursor stays where it was, so everything else
// is read again by the next pass.
#include "shell/pass.h"

#include "core/notices.h"
#include "shell/casework.h"
#include "shell/log.h"
#include "shell/silence_reports.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOT_CASES  256
#define SLOT_EVENTS 8192
#define DUE_LIMIT   5000 // cases woken by one pass; `more` says that there were others
#define CURSOR_SAVE_S                                                                                        \
    600 // a cursor with nothing else to write is written this often: losing it only means reading a little
        // again

enum arrival {
    ARRIVED,    // whole
    UNREADABLE, // only faults: the case stays as the journal knows it
    GONE        // asked for and not there any more, or only events are left of it
};

struct slot_case {
    struct casefile casefile;
    enum arrival arrival;
    struct fault *faults;
    size_t fault_count;
};

struct slot {
    struct arena arena;
    struct slot_case *cases;
    size_t count, capacity, events;
    const char *last_id; // of those that arrived
};

enum slot_work { WORK_IDLE, WORK_READING_KNOWN, WORK_COMMITTING };

struct pass {
    struct pass_options options;
    void (*on_progress)(void *data);
    void (*on_done)(void *data, const struct pass_result *result);
    void *data;
    struct casework *casework;

    bool running, reading, read_ended, paused, said_empty;
    enum pass_kind kind;
    instant now;
    struct pass_result result;
    struct error err;
    bool failed;
    char *cursor;      // as this pass has read it
    char *seen_cursor; // of the last pass that came through; NULL: as the journal says
    instant cursor_saved_at;
    instant known_at; // PASS_RULES; INSTANT_NONE: the journal knows no other rules

    struct journal_due due;
    char **due_ids;
    size_t due_count;
    struct casedb_read read;

    struct slot slots[2];
    struct slot *filling, *working;
    enum slot_work work;
    bool people_came;
    bool final; // the slot at work is the last one
    char from_id[CASEFILE_ID_MAX + 1],
        last_id[CASEFILE_ID_MAX + 1]; // what a full pass has at work: from < id <= last
    struct journal_load load;
    const char **muting_rules; // ids of those that mute others
    size_t muting_rule_count;
    struct journal_batch batch;
    struct arena unreadable_arena;
    const char **unreadable; // cases that came as faults: they are not taken for gone
    size_t unreadable_count, unreadable_capacity;
};

static void go_on(struct pass *pass);

static void find_muting_rules(struct pass *pass, const struct ruleset *rules)
{
    pass->muting_rules = memory_alloc((size_t)rules->line_count * sizeof *pass->muting_rules);
    for (int i = 0; i < rules->line_count; i++)
        if (rules->lines[i].mutes)
            pass->muting_rules[pass->muting_rule_count++] = rules->lines[i].id;
}

struct pass *pass_new(const struct pass_options *options, void (*on_progress)(void *data),
                      void (*on_done)(void *data, const struct pass_result *result), void *data)
{
    struct pass *pass = memory_alloc(sizeof *pass);
    pass->options = *options;
    pass->on_progress = on_progress;
    pass->on_done = on_done;
    pass->data = data;
    pass->known_at = INSTANT_NONE;
    pass->casework = casework_new(options->site, options->rules, options->rules_fingerprint,
                                  options->language, options->rhythm);
    find_muting_rules(pass, options->rules);
    if (options->on_difference)
        casework_on_difference(pass->casework, options->on_difference, data);
    return pass;
}

static void free_due(struct pass *pass)
{
    for (size_t i = 0; i < pass->due_count; i++)
        free(pass->due_ids[i]);
    free(pass->due_ids);
    pass->due_ids = NULL;
    pass->due_count = 0;
}

void pass_free(struct pass *pass)
{
    if (pass == NULL)
        return;
    assert(!pass->running);
    free_due(pass);
    for (int i = 0; i < 2; i++) {
        arena_done(&pass->slots[i].arena);
        free(pass->slots[i].cases);
    }
    arena_done(&pass->unreadable_arena);
    free(pass->unreadable);
    journal_load_done(&pass->load);
    journal_batch_done(&pass->batch);
    casework_free(pass->casework);
    free(pass->muting_rules);
    free(pass->cursor);
    free(pass->seen_cursor);
    free(pass);
}

bool pass_is_running(const struct pass *pass)
{
    return pass->running;
}

const struct people *pass_people(const struct pass *pass)
{
    return casework_people(pass->casework);
}

void pass_set_people(struct pass *pass, const struct people *people)
{
    casework_set_people(pass->casework, people);
}

static void fail(struct pass *pass, const struct error *err)
{
    if (!pass->failed)
        pass->err = *err;
    pass->failed = true;
}

static bool covers_all(const struct pass *pass)
{
    return pass->kind != PASS_CHANGES;
}

static bool has_new_rules(const struct pass *pass)
{
    return pass->kind == PASS_RULES || pass->kind == PASS_COMPARE;
}

// --- reading ---

static void clear_slot(struct slot *slot)
{
    arena_reset(&slot->arena);
    slot->count = slot->events = 0;
    slot->last_id = NULL;
}

static bool is_full(const struct slot *slot)
{
    return slot->count >= SLOT_CASES || slot->events >= SLOT_EVENTS;
}

static struct slot_case *add_case(struct slot *slot, const char *case_id)
{
    MEMORY_GROW(slot->cases, slot->count, slot->capacity);
    struct slot_case *added = &slot->cases[slot->count++];
    memset(added, 0, sizeof *added);
    added->casefile.id = arena_string(&slot->arena, case_id);
    return added;
}

static struct fault copy_fault(struct arena *arena, const struct fault *fault)
{
    return (struct fault){fault->code, arena_string(arena, fault->rule), arena_string(arena, fault->subject),
                          arena_string(arena, fault->event_id), arena_string(arena, fault->reason)};
}

static void copy_case(struct slot *slot, const struct casefile *from, const struct fault *faults,
                      size_t fault_count)
{
    struct arena *arena = &slot->arena;
    struct slot_case *to = add_case(slot, from->id);
    to->casefile.type = arena_string(arena, from->type);
    to->casefile.unit = arena_string(arena, from->unit);
    to->casefile.caseworker = arena_string(arena, from->caseworker);
    to->casefile.events = arena_alloc(arena, from->event_count * sizeof *from->events);
    to->casefile.event_count = from->event_count;
    for (size_t i = 0; i < from->event_count; i++) {
        const struct event *event = &from->events[i];
        to->casefile.events[i] =
            (struct event){arena_string(arena, event->id), arena_string(arena, event->subject),
                           arena_string(arena, event->kind), event->at, event->due_on};
    }
    to->faults = arena_alloc(arena, fault_count * sizeof *faults);
    to->fault_count = fault_count;
    for (size_t i = 0; i < fault_count; i++)
        to->faults[i] = copy_fault(arena, &faults[i]);
    slot->events += from->event_count;
    slot->last_id = to->casefile.id;
}

// Room for one more case, or the reading waits. Rows that are already here may still come: they go on top, so
// a slot that must take them while the other is at work is decided late, never lost.
static void make_room(struct pass *pass)
{
    if (!is_full(pass->filling))
        return;
    if (pass->work == WORK_IDLE) {
        go_on(pass);
        return;
    }
    if (!pass->paused && pass->reading) {
        pass->paused = true;
        casedb_pause(pass->options.casedb);
    }
}

static void on_people(struct casedb_read *read, const struct people *people)
{
    struct pass *pass = read->data;
    casework_set_people(pass->casework, people);
    pass->people_came = true;
    struct error err;
    // Only new rules are refused: a role that has lost its last holder since must not keep the service from
    // starting.
    if (has_new_rules(pass) && notices_check_roles(pass->options.rules, pass_people(pass), &err) < 0) {
        pass->result.refused = true;
        fail(pass, &err);
    }
}

static void on_case(struct casedb_read *read, const struct casefile *casefile, const struct fault *faults,
                    size_t fault_count)
{
    struct pass *pass = read->data;
    if (pass->failed)
        return;
    pass->result.cases++;
    copy_case(pass->filling, casefile, faults, fault_count);
    make_room(pass);
}

static void on_gone(struct casedb_read *read, const char *case_id)
{
    struct pass *pass = read->data;
    if (pass->failed)
        return;
    add_case(pass->filling, case_id)->arrival = GONE;
    make_room(pass);
}

static void on_fault(struct casedb_read *read, const char *case_id, const struct fault *fault)
{
    struct pass *pass = read->data;
    if (pass->failed)
        return;
    struct slot_case *added = add_case(pass->filling, case_id);
    added->arrival = fault->code == FAULT_UNKNOWN_CASE ? GONE : UNREADABLE;
    added->faults = arena_alloc(&pass->filling->arena, sizeof *added->faults);
    added->faults[0] = copy_fault(&pass->filling->arena, fault);
    added->fault_count = 1;
    if (added->arrival == UNREADABLE) {
        MEMORY_GROW(pass->unreadable, pass->unreadable_count, pass->unreadable_capacity);
        pass->unreadable[pass->unreadable_count++] = arena_string(&pass->unreadable_arena, case_id);
    }
    make_room(pass);
}

static void on_read_done(struct casedb_read *read, enum postgres_status status, const char *cursor,
                         const struct error *err)
{
    struct pass *pass = read->data;
    pass->reading = false;
    pass->read_ended = true;
    if (status != POSTGRES_OK)
        fail(pass, err);
    else {
        free(pass->cursor);
        pass->cursor = memory_copy(cursor, strlen(cursor));
    }
    go_on(pass);
}

static int start_reading(struct pass *pass, struct error *err)
{
    pass->read = (struct casedb_read){
        .data = pass,
        .what = covers_all(pass) ? CASEDB_ALL : CASEDB_CHANGES,
        .cursor =
            pass->seen_cursor ? pass->seen_cursor : journal_progress(pass->options.journal, PROGRESS_CURSOR),
        .case_ids = (const char *const *)pass->due_ids,
        .case_id_count = pass->due_count,
        .on_people = on_people,
        .on_case = on_case,
        .on_gone = on_gone,
        .on_fault = on_fault,
        .on_done = on_read_done,
    };
    if (casedb_read(pass->options.casedb, &pass->read, err) < 0)
        return -1;
    pass->reading = true;
    return 0;
}

static void fail_unread(struct pass *pass, const struct error *err)
{
    fail(pass, err);
    pass->read_ended = true;
    go_on(pass);
}

static void on_due(struct journal_due *due, const char *const *case_ids, size_t count,
                   const struct error *err)
{
    struct pass *pass = due->data;
    if (err) {
        fail_unread(pass, err);
        return;
    }
    pass->due_ids = memory_alloc(count * sizeof *pass->due_ids);
    for (size_t i = 0; i < count; i++)
        pass->due_ids[pass->due_count++] = memory_copy(case_ids[i], strlen(case_ids[i]));
    pass->result.more = count >= DUE_LIMIT;
    struct error not_up;
    if (start_reading(pass, &not_up) < 0)
        fail_unread(pass, &not_up);
}

static bool anything_due(const struct pass *pass)
{
    struct agenda agenda = journal_agenda(pass->options.journal);
    return (agenda.case_at != INSTANT_NONE && agenda.case_at <= pass->now) ||
           (agenda.mail_at != INSTANT_NONE && agenda.mail_at <= pass->now) ||
           (agenda.loose_at != INSTANT_NONE && agenda.loose_at <= pass->now);
}

// When the journal was brought up to date by other rules; a pass that is tried again has written since.
static instant known_at(struct pass *pass)
{
    const struct journal *journal = pass->options.journal;
    instant recorded_at = journal_recorded_at(journal);
    if (pass->known_at == INSTANT_NONE && *journal_progress(journal, PROGRESS_RULES) != '\0')
        pass->known_at = recorded_at != INSTANT_NONE && recorded_at < pass->now ? recorded_at : pass->now;
    return pass->known_at;
}

int pass_start(struct pass *pass, enum pass_kind kind, instant now, struct error *err)
{
    assert(!pass->running);
    pass->running = true;
    pass->kind = kind;
    pass->now = now;
    pass->result = (struct pass_result){.kind = kind};
    pass->people_came = pass->failed = pass->read_ended = pass->paused = pass->final = pass->said_empty =
        false;
    pass->work = WORK_IDLE;
    pass->last_id[0] = '\0';
    pass->filling = &pass->slots[0];
    pass->working = &pass->slots[1];
    clear_slot(pass->filling);
    clear_slot(pass->working);
    casework_begin(pass->casework, &pass->batch, now, kind == PASS_RULES,
                   kind == PASS_RULES ? known_at(pass) : INSTANT_NONE);
    if (covers_all(pass) && kind != PASS_COMPARE)
        findings_want_reach(casework_findings(pass->casework));
    arena_reset(&pass->unreadable_arena);
    pass->unreadable_count = 0;
    free_due(pass);

    int started;
    if (kind != PASS_CHANGES || !anything_due(pass)) {
        started =
            start_reading(pass, err); // no question to the journal: a poll without changes is one round trip
    } else {
        pass->due = (struct journal_due){.data = pass,
                                         .now = now,
                                         .limit = DUE_LIMIT,
                                         .with_new_notices = pass_people(pass)->person_count == 0,
                                         .on_done = on_due};
        started = journal_read_due(pass->options.journal, &pass->due, err);
    }
    pass->running = started == 0;
    return started;
}

// --- deciding ---

static bool is_unreadable(const struct pass *pass, const char *case_id)
{
    for (size_t i = 0; i < pass->unreadable_count; i++)
        if (strcmp(pass->unreadable[i], case_id) == 0)
            return true;
    return false;
}

// A case database that shows no case at all is taken for broken, not empty.
static void decide_gone(struct pass *pass, const char *case_id, const struct fault *faults,
                        size_t fault_count, const struct known_case *known)
{
    if (covers_all(pass) && pass->result.cases == 0) {
        if (!pass->said_empty)
            log_line(LOG_LEVEL_ERROR, "pass",
                     "the case database shows no case at all; nothing is withdrawn until it does");
        pass->said_empty = true;
        return;
    }
    casework_gone(pass->casework, case_id, faults, fault_count, known);
}

// What the journal knows and a full reading did not bring.
static void decide_missing(struct pass *pass, const struct known_case *known)
{
    if (covers_all(pass) && pass->kind != PASS_COMPARE && !is_unreadable(pass, known->case_id))
        decide_gone(pass, known->case_id, NULL, 0, known);
}

static int compare_slot_cases(const void *a, const void *b)
{
    const struct slot_case *left = a, *right = b;
    int order = strcmp(left->casefile.id, right->casefile.id);
    return order ? order
                 : (int)left->arrival - (int)right->arrival; // the whole case before what is wrong with it
}

// Several entries of one case become the first, with the faults of all.
static size_t merge_same(struct slot *slot, size_t first)
{
    struct slot_case *kept = &slot->cases[first];
    size_t next = first + 1;
    for (; next < slot->count && strcmp(slot->cases[next].casefile.id, kept->casefile.id) == 0; next++) {
        const struct slot_case *more = &slot->cases[next];
        struct fault *faults =
            arena_alloc(&slot->arena, (kept->fault_count + more->fault_count) * sizeof *faults);
        if (kept->fault_count > 0)
            memcpy(faults, kept->faults, kept->fault_count * sizeof *faults);
        if (more->fault_count > 0)
            memcpy(faults + kept->fault_count, more->faults, more->fault_count * sizeof *faults);
        kept->faults = faults;
        kept->fault_count += more->fault_count;
    }
    return next;
}

static void decide_case(struct pass *pass, const struct slot_case *here, const struct known_case *known)
{
    if (pass->kind == PASS_COMPARE) {
        if (here->arrival == ARRIVED) // what is missing or unreadable is so by any rules
            casework_compare(pass->casework, &here->casefile, known);
    } else if (here->arrival == ARRIVED)
        casework_arrived(pass->casework, &here->casefile, here->faults, here->fault_count, known);
    else if (here->arrival == UNREADABLE)
        casework_unreadable(pass->casework, here->casefile.id, here->faults, here->fault_count, known);
    else
        decide_gone(pass, here->casefile.id, here->faults, here->fault_count, known);
}

static void decide_slot(struct pass *pass)
{
    struct slot *slot = pass->working;
    const struct known_case *known = pass->load.cases, *end = known + pass->load.case_count;
    for (size_t i = 0; i < slot->count;) {
        struct slot_case *here = &slot->cases[i];
        i = merge_same(slot, i);
        while (known < end && strcmp(known->case_id, here->casefile.id) < 0)
            decide_missing(pass, known++);
        const struct known_case *same =
            known < end && strcmp(known->case_id, here->casefile.id) == 0 ? known++ : NULL;
        decide_case(pass, here, same);
    }
    while (known < end)
        decide_missing(pass, known++);
}

static void report_reach(struct pass *pass)
{
    struct journal_batch *batch = &pass->batch;
    struct buffer state = {0};
    findings_report_reach(casework_findings(pass->casework),
                          journal_progress(pass->options.journal, PROGRESS_REACH), &state);
    if (state.length > 0)
        batch->progress[PROGRESS_REACH] = arena_copy(&batch->arena, state.data, state.length);
    buffer_done(&state);
}

// The journal has the tree of units, for whoever asks it what a silence of one covers.
static void write_units(struct pass *pass)
{
    struct journal_batch *batch = &pass->batch;
    const struct people *people = pass_people(pass);
    if (!pass->people_came)
        return;
    struct buffer list = {0};
    char key[MESSAGE_KEY_SIZE];
    for (size_t i = 0; i < people->unit_count; i++)
        buffer_format(&list, "%s\t%s\n", people->units[i].name, people->units[i].parent);
    const char *parts[] = {list.length > 0 ? list.data : ""};
    message_key(parts, 1, key);
    buffer_done(&list);
    if (strcmp(key, journal_progress(pass->options.journal, PROGRESS_UNITS)) == 0)
        return;
    batch->units = people;
    batch->progress[PROGRESS_UNITS] = arena_string(&batch->arena, key);
}

// What the last batch carries beside its cases.
static void finish_batch(struct pass *pass)
{
    struct journal_batch *batch = &pass->batch;
    struct findings *findings = casework_findings(pass->casework);
    write_units(pass);
    if (covers_all(pass))
        report_reach(pass);
    silence_reports_add(casework_look(pass->casework), pass->load.silences, pass->load.silence_count);
    findings_report_refusals(findings, pass->load.refusals, pass->load.refusal_count);
    if (pass->kind == PASS_RULES)
        findings_report_backlog(findings);
    findings_report_to_operators(findings);
    if (covers_all(pass)) {
        char today[CIVIL_DATE_SIZE];
        civil_format_date(zone_date(pass->options.rules->zone, pass->now), today);
        batch->progress[PROGRESS_RECONCILED_ON] = arena_string(&batch->arena, today);
        findings_report_faults(findings, today);
    }
    if (pass->kind == PASS_RULES) {
        batch->progress[PROGRESS_RULES] = pass->options.rules_fingerprint;
        findings_report_changes(findings);
    }
    bool old = pass->now - pass->cursor_saved_at >= CURSOR_SAVE_S;
    if ((!journal_batch_is_empty(batch) || old) &&
        strcmp(pass->cursor, journal_progress(pass->options.journal, PROGRESS_CURSOR)) != 0)
        batch->progress[PROGRESS_CURSOR] = arena_string(&batch->arena, pass->cursor);
}

static void finish(struct pass *pass)
{
    pass->running = false;
    if (!pass->failed) {
        free(pass->seen_cursor);
        pass->seen_cursor = pass->cursor;
        pass->cursor = NULL;
    }
    pass->result.changes = casework_changes(pass->casework);
    pass->result.moved = casework_moved(pass->casework);
    pass->result.err = pass->failed ? &pass->err : NULL;
    struct pass_result result = pass->result;
    pass->on_done(pass->data, &result);
}

static void on_batch_done(struct journal_batch *batch, const struct error *err)
{
    struct pass *pass = batch->data;
    pass->work = WORK_IDLE;
    if (err)
        fail(pass, err);
    else {
        pass->result.deadlines_written += batch->deadline_count;
        pass->result.transitions += batch->transition_count;
        pass->result.notices += batch->notice_count;
        pass->result.faults += batch->fault_count;
        if (batch->progress[PROGRESS_CURSOR])
            pass->cursor_saved_at = pass->now;
        pass->on_progress(pass->data);
    }
    go_on(pass);
}

static void on_known(struct journal_load *load, const struct error *err)
{
    struct pass *pass = load->data;
    if (err || pass->failed) {
        if (err)
            fail(pass, err);
        pass->work = WORK_IDLE;
        go_on(pass);
        return;
    }
    journal_batch_clear(&pass->batch);
    pass->batch.data = pass;
    pass->batch.now = pass->now;
    const struct rhythm *rhythm = pass->options.rhythm;
    pass->batch.urgent_per_hour = rhythm->urgent_per_hour;
    pass->batch.follow_up_at = rhythm_follow_up(rhythm, pass->options.rules, pass->now);
    pass->batch.on_done = on_batch_done;
    casework_set_silences(pass->casework, load->silences, load->silence_count);
    decide_slot(pass);
    if (pass->final && pass->kind != PASS_COMPARE)
        finish_batch(pass);
    if (journal_batch_is_empty(&pass->batch)) {
        pass->work = WORK_IDLE;
        pass->on_progress(pass->data);
        go_on(pass);
        return;
    }
    pass->work = WORK_COMMITTING;
    journal_commit(pass->options.journal, &pass->batch);
}

static void read_known(struct pass *pass)
{
    struct slot *slot = pass->working;
    if (slot->count > 0)
        qsort(slot->cases, slot->count, sizeof *slot->cases, compare_slot_cases);
    pass->load.data = pass;
    pass->load.on_done = on_known;
    pass->load.case_ids = NULL;
    pass->load.with_counts = pass->final;
    pass->load.now = pass->now;
    pass->load.muting_rules = pass->muting_rules;
    pass->load.muting_rule_count = pass->muting_rule_count;
    if (covers_all(pass)) {
        snprintf(pass->from_id, sizeof pass->from_id, "%s", pass->last_id);
        pass->load.after = *pass->from_id ? pass->from_id : NULL; // what belongs to no case has the id ""
        if (slot->last_id)
            snprintf(pass->last_id, sizeof pass->last_id, "%s", slot->last_id);
        pass->load.until = pass->final ? NULL : pass->last_id;
    } else {
        pass->load.case_ids = arena_alloc(&slot->arena, slot->count * sizeof *pass->load.case_ids);
        pass->load.case_id_count = slot->count;
        for (size_t i = 0; i < slot->count; i++)
            ((const char **)pass->load.case_ids)[i] = slot->cases[i].casefile.id;
    }
    pass->work = WORK_READING_KNOWN;
    struct error err;
    if (journal_read_known(pass->options.journal, &pass->load, &err) < 0) {
        pass->work = WORK_IDLE;
        fail(pass, &err);
        go_on(pass);
    }
}

static void read_on(struct pass *pass)
{
    if (!pass->paused)
        return;
    pass->paused = false;
    if (pass->reading)
        casedb_resume(pass->options.casedb);
}

// The one place that moves a pass: called when a slot has filled, the work on one has ended, or the reading
// has.
static void go_on(struct pass *pass)
{
    if (pass->work != WORK_IDLE)
        return;
    if (pass->failed || pass->final) {
        if (pass->read_ended)
            finish(pass);
        else
            read_on(pass); // what still comes is thrown away
        return;
    }
    if (!is_full(pass->filling) && !pass->read_ended)
        return;
    struct slot *full = pass->filling;
    pass->filling = pass->working;
    pass->working = full;
    clear_slot(pass->filling);
    pass->final = pass->read_ended;
    read_on(pass);
    read_known(pass);
}
