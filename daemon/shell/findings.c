// SPDX-License-Identifier: MPL-2.0
#include "shell/findings.h"

#include "core/operator_words.h"
#include "shell/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPERATOR_LINES 50
#define FAULT_LINES    100

void findings_init(struct findings *findings, struct look *look)
{
    *findings = (struct findings){.look = look};
}

void findings_done(struct findings *findings)
{
    buffer_done(&findings->of_operators.text);
    buffer_done(&findings->of_faults.text);
    buffer_done(&findings->of_changes.text);
    backlog_done(&findings->backlog);
    reach_free(findings->reach);
}

static void clear(struct findings_lines *lines)
{
    buffer_clear(&lines->text);
    lines->count = 0;
}

void findings_begin(struct findings *findings, bool keep_changes)
{
    clear(&findings->of_operators);
    clear(&findings->of_faults);
    if (!keep_changes)
        clear(&findings->of_changes);
    backlog_clear(&findings->backlog);
    findings->reach_wanted = findings->reach_begun = false;
}

// --- gathering ---

void findings_add_operator_line(struct findings *findings, const char *what, const char *case_id,
                                const char *code, const char *detail)
{
    if (findings->of_operators.count++ < OPERATOR_LINES)
        buffer_format(&findings->of_operators.text, "%s\t%s\t%s\t%s\n", what, case_id, code, detail);
}

void findings_add_fault(struct findings *findings, const struct journal_fault *fault)
{
    bool of_case = *fault->case_id != '\0'; // else of a person or unit, whose id is the subject
    if (findings->of_faults.count++ < FAULT_LINES)
        buffer_format(&findings->of_faults.text, "%s%s%s\t%s\t%s\t%s\n", fault->code, of_case ? "" : " ",
                      of_case ? "" : fault->subject, fault->case_id, fault->rule, fault->event_id);
}

bool findings_add_change(struct findings *findings, const char *what, const char *case_id, const char *code,
                         const char *words)
{
    if (findings->of_changes.count++ >= FINDINGS_CHANGES_MAX)
        return false;
    buffer_format(&findings->of_changes.text, "%s\t%s\t%s\t%s\n", what, case_id, code, words);
    return true;
}

void findings_want_reach(struct findings *findings)
{
    findings->reach_wanted = true;
}

void findings_add_case(struct findings *findings, const struct casefile *casefile,
                       const struct evaluation *evaluation)
{
    const struct look *look = findings->look;
    if (!findings->reach_wanted)
        return;
    if (!findings->reach_begun) { // the people have come by now
        findings->reach = findings->reach ? findings->reach : reach_new();
        reach_begin(findings->reach, look->rules, &look->people, zone_date(look->rules->zone, look->now));
        findings->reach_begun = true;
    }
    reach_add(findings->reach, casefile->unit, casefile->caseworker, evaluation->deadlines,
              evaluation->deadline_count);
}

// --- who can be reached ---

// What somebody's absence leaves open is often many rules at once: one line for all that read alike.
struct hole_line {
    struct buffer codes, words;
};

static void add_hole(struct hole_line *lines, size_t *count, const char *code, const struct buffer *words)
{
    size_t i = 0;
    while (i < *count && strcmp(lines[i].words.data, words->data) != 0)
        i++;
    if (i == *count) {
        buffer_add(&lines[i].words, words->data, words->length);
        (*count)++;
    }
    buffer_format(&lines[i].codes, "%s%s", lines[i].codes.length ? ", " : "", code);
}

// The steps for which nobody at all is left come first.
static size_t list_holes(struct findings *findings, const struct reach_hole *holes, size_t count, bool lost)
{
    const struct look *look = findings->look;
    civil_date today = zone_date(look->rules->zone, look->now);
    struct hole_line *lines = memory_alloc((count + 1) * sizeof *lines);
    struct buffer words = {0};
    size_t listed = 0;
    for (size_t i = 0; i < count; i++) {
        if ((holes[i].lost != 0) != lost)
            continue;
        buffer_clear(&words);
        phrase_reach_hole(look->language, today, &holes[i], &words);
        add_hole(lines, &listed, holes[i].code, &words);
    }
    for (size_t i = 0; i < listed; i++) {
        findings_add_operator_line(findings, "reach_hole", "", lines[i].codes.data, lines[i].words.data);
        buffer_done(&lines[i].codes);
        buffer_done(&lines[i].words);
    }
    buffer_done(&words);
    free(lines);
    return listed;
}

void findings_report_reach(struct findings *findings, const char *before, struct buffer *ret_state)
{
    if (!findings->reach_begun)
        return;
    size_t count;
    const struct reach_hole *holes = reach_finish(findings->reach, &count);
    char key[MESSAGE_KEY_SIZE];
    struct buffer list = {0};
    reach_fingerprint(findings->reach, &list);
    const char *parts[] = {list.length ? list.data : ""};
    message_key(parts, 1, key);
    buffer_done(&list);
    buffer_format(ret_state, "%zu %s", count + reach_left_out(findings->reach), key);
    const char *old_key = strchr(before, ' ');
    if (old_key ? strcmp(old_key + 1, key) == 0 : count == 0)
        return;
    if (list_holes(findings, holes, count, true) + list_holes(findings, holes, count, false) == 0)
        findings_add_operator_line(findings, "reach_whole", "", "", "");
    log_line(LOG_LEVEL_WARNING, "escalation", "steps that will reach nobody in the next %d days holes=%zu",
             REACH_DAYS - 1, count);
}

static void note_address(struct look *look, const char *person_id, enum address_news news)
{
    struct journal_batch *batch = look->batch;
    MEMORY_GROW(batch->addresses, batch->address_count, batch->address_capacity);
    batch->addresses[batch->address_count++] = (struct journal_address){.news = news, .person_id = person_id};
}

void findings_report_refusals(struct findings *findings, const struct known_refusal *refusals, size_t count)
{
    struct look *look = findings->look;
    char key[ADDRESS_KEY_SIZE];
    for (size_t i = 0; i < count && look->people.person_count > 0; i++) {
        const struct known_refusal *refusal = &refusals[i];
        if (strcmp(people_address_key(&look->people, refusal->person_id, key), refusal->address_key) != 0) {
            note_address(look, refusal->person_id, ADDRESS_GOOD);
        } else if (refusal->refusals >= ADDRESS_REFUSALS && !refusal->reported) {
            note_address(look, refusal->person_id, ADDRESS_REPORTED);
            log_line(LOG_LEVEL_WARNING, "delivery",
                     "the address is refused again and again person=%s times=%d", refusal->person_id,
                     refusal->refusals);
            findings_add_operator_line(
                findings, "address_refused", "", "",
                arena_format(&look->batch->arena, "%s, %s", refusal->person_id, refusal->last_reply));
        }
    }
}

// --- reports ---

static void add_counted_report(struct findings *findings, const char *purpose,
                               const struct findings_lines *lines, const char *distinct)
{
    if (lines->count == 0)
        return;
    struct buffer facts = {0};
    buffer_format(&facts, "%zu\n", lines->count);
    buffer_add(&facts, lines->text.data, lines->text.length);
    look_add_report(findings->look, purpose, "", "", facts.data, distinct);
    buffer_done(&facts);
}

void findings_report_to_operators(struct findings *findings)
{
    char now[24];
    snprintf(now, sizeof now, "%lld", (long long)findings->look->now);
    add_counted_report(findings, "operator", &findings->of_operators, now);
}

void findings_report_faults(struct findings *findings, const char *today)
{
    add_counted_report(findings, "data_quality", &findings->of_faults, today);
}

static void on_backlog_report(void *data, const struct person *leader, const char *facts)
{
    struct look *look = data;
    look_add_report(look, "backlog", leader->id, leader->role, facts, look->fingerprint);
}

static void on_own_backlog(void *data, const char *caseworker, const struct recipient *recipient,
                           const char *facts)
{
    struct findings *findings = data;
    struct look *look = findings->look;
    if (recipient)
        look_add_report(look, "backlog", recipient->person_id, recipient->role, facts, look->fingerprint);
    else
        findings_add_operator_line(findings, "backlog_reached_nobody", "", "", caseworker);
}

void findings_report_backlog(struct findings *findings)
{
    struct look *look = findings->look;
    backlog_reports(&findings->backlog, look->rules, &look->people, on_backlog_report, look);
    backlog_own_reports(&findings->backlog, look->rules, &look->people, look->now, on_own_backlog, findings);
}

void findings_report_changes(struct findings *findings)
{
    struct findings_lines *changes = &findings->of_changes;
    add_counted_report(findings, "operator", changes, findings->look->fingerprint);
    if (changes->count > FINDINGS_CHANGES_MAX)
        log_line(LOG_LEVEL_WARNING, "rules", "changed rules: and %zu further open deadlines",
                 changes->count - FINDINGS_CHANGES_MAX);
    clear(changes);
}
