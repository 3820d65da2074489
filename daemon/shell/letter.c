// SPDX-License-Identifier: MPL-2.0
#include "shell/letter.h"

#include "core/link.h"
#include "core/message.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINES_MAX 64 // of a derivation, a history or a report in one mail

static size_t split_lines(struct arena *arena, const char *text, const char **lines, size_t capacity)
{
    size_t count = 0;
    while (text && *text && count < capacity) {
        size_t length = strcspn(text, "\n");
        lines[count++] = arena_copy(arena, text, length);
        text += length;
        text += *text == '\n';
    }
    return count;
}

const struct rule *letter_rule(const struct letter_context *context, const char *id)
{
    int line = id ? rules_find_line(context->rules, id) : -1;
    if (line < 0)
        return NULL;
    const struct rule_line *versions = &context->rules->lines[line];
    return versions->versions[versions->version_count - 1];
}

static const char *title_of(const struct rule *rule, enum language language)
{
    return language == LANGUAGE_EN && rule->title_en ? rule->title_en : rule->title_da;
}

static const char *link_of(const struct letter_context *context, struct arena *arena, const char *case_id)
{
    struct buffer link = {0};
    if (context->config->link == NULL)
        return NULL;
    link_to_case(&link, context->config->link, case_id);
    const char *copy = arena_copy(arena, link.data, link.length);
    buffer_done(&link);
    return copy;
}

// "UNTIL REASON PERSON" of an acknowledgement. Somebody whom the case database does not know is not named.
static void parse_acknowledged(struct arena *arena, const struct people *people, const char *text,
                               struct notice_done *into)
{
    char *rest;
    into->what = TRANSITION_ACKNOWLEDGED;
    into->until = strtoll(text, &rest, 10);
    rest += *rest == ' ';
    size_t length = strcspn(rest, " ");
    into->reason = arena_copy(arena, rest, length);
    const struct person *person = people_find(people, rest + length + (rest[length] == ' '));
    if (person == NULL)
        return;
    into->person = person->id;
    into->person_role = *person->role ? person->role : NULL;
}

// "EPOCH KIND", "EPOCH told ROLE", "EPOCH acknowledged …", "EPOCH silenced …" or "EPOCH muted CODE", as the
// journal writes it; anything else is passed over.
static bool parse_done(struct arena *arena, const struct people *people, const char *line,
                       struct notice_done *ret_done)
{
    char *rest;
    *ret_done = (struct notice_done){.at = strtoll(line, &rest, 10), .until = INSTANT_NONE};
    if (strncmp(rest, " told ", 6) == 0) {
        ret_done->role = rest + 6;
        return true;
    }
    if (strncmp(rest, " acknowledged ", 14) == 0) {
        parse_acknowledged(arena, people, rest + 14, ret_done);
        return true;
    }
    if (strncmp(rest, " silenced ", 10) == 0) {
        parse_acknowledged(arena, people, rest + 10, ret_done);
        ret_done->silenced = true;
        return true;
    }
    if (strncmp(rest, " muted ", 7) == 0) {
        ret_done->muted_by = rest + 7;
        return true;
    }
    return *rest == ' ' && transition_parse(rest + 1, &ret_done->what) == 0;
}

// What has happened, and how many warnings that makes.
static size_t read_history(const struct waiting_notice *notice, const struct letter_context *context,
                           struct arena *arena, struct notice_done *done, int *ret_warnings)
{
    const char *lines[LINES_MAX];
    size_t line_count = split_lines(arena, notice->history, lines, LINES_MAX), count = 0;
    *ret_warnings = 0;
    for (size_t i = 0; i < line_count; i++)
        if (parse_done(arena, context->people, lines[i], &done[count])) {
            *ret_warnings += done[count].role == NULL && done[count].muted_by == NULL &&
                             done[count].what == TRANSITION_APPROACHING;
            count++;
        }
    return count;
}

// --- facts ---

static void read_muted(const struct waiting_notice *notice, struct arena *arena, struct notice_facts *into)
{
    const char *lines[LINES_MAX];
    size_t count = split_lines(arena, notice->muted, lines, LINES_MAX);
    struct notice_muted *muted = arena_alloc(arena, count * sizeof *muted);
    for (size_t i = 0; i < count; i++) {
        char *rest;
        muted[i].due_at = strtoll(lines[i], &rest, 10);
        muted[i].code = rest + (*rest == ' ');
    }
    into->muted = muted;
    into->muted_count = count;
}

// Without its history and its derivation.
static struct notice_facts facts_of(const struct waiting_notice *notice, const struct letter_context *context,
                                    instant now, struct arena *arena)
{
    const struct rule *rule = letter_rule(context, notice->rule);
    struct notice_facts facts = {
        .case_id = notice->case_id,
        .subject = notice->subject,
        .unit = *notice->case_unit ? notice->case_unit : notice->unit,
        .code = notice->code,
        .title = rule ? title_of(rule, context->config->language) : NULL,
        .sensitive = notice->sensitive,
        .rule_kind = rule ? rule->kind : RULE_OWN,
        .transition = notice->transition,
        .state = notice->state,
        .anchor_at = notice->anchor_at,
        .due_at = notice->due_at,
        .now = now,
        .missed_in_a_row = notice->missed_in_a_row,
        .late = notice->late,
        .waited = notice->held_by != NULL,
        .decided_at = notice->decided_at,
        .role = notice->role,
        .instead_of_another = notice->instead_of != NULL,
        .link = link_of(context, arena, notice->case_id),
    };
    read_muted(notice, arena, &facts);
    return facts;
}

static const char *thread_of(const struct waiting_notice *notice, const struct letter_context *context,
                             struct arena *arena)
{
    char key[MESSAGE_KEY_SIZE];
    const char *occurrence = arena_format(arena, "%d", notice->occurrence);
    const char *thread[] = {context->config->site, "thread",        notice->case_id,
                            notice->rule,          notice->subject, occurrence};
    return arena_string(arena, message_key(thread, sizeof thread / sizeof thread[0], key));
}

// The first warning puts the date into the calendar; who has it there hears of another date, and of none.
static bool wants_entry(const struct waiting_notice *notice, int warnings, bool *ret_cancelled)
{
    *ret_cancelled = false;
    switch (notice->transition) {
    case TRANSITION_APPROACHING:
        return warnings <= 1;
    case TRANSITION_MOVED:
    case TRANSITION_REOPENED:
        *ret_cancelled = notice->due_at == INSTANT_NONE;
        return notice->has_entry;
    case TRANSITION_MET:
    case TRANSITION_LATE:
    case TRANSITION_CANCELLED:
    case TRANSITION_WITHDRAWN:
        *ret_cancelled = true;
        return notice->has_entry;
    default:
        return false;
    }
}

static void add_entry(const struct waiting_notice *notice, const struct letter_context *context,
                      const struct notice_facts *facts, const char *summary, int warnings,
                      struct arena *arena, struct message *message)
{
    bool cancelled;
    if (!wants_entry(notice, warnings, &cancelled) || message->calendar_count == MESSAGE_CALENDARS_MAX)
        return;
    instant day = notice->due_at != INSTANT_NONE ? notice->due_at : facts->now;
    struct buffer entry = {0};
    message_calendar_entry(
        &(struct calendar_entry){
            .uid_key = thread_of(notice, context, arena),
            .host = message->message_host,
            .organizer = message->from_address,
            .summary = summary,
            .due = zone_date(context->rules->zone, day),
            .stamp = facts->now,
            .link = facts->link,
            .cancelled = cancelled,
        },
        &entry);
    message->calendars[message->calendar_count++] =
        (struct message_calendar){arena_copy(arena, entry.data, entry.length), cancelled};
    buffer_done(&entry);
}

// --- words ---

static void word_notice(const struct letter *letter, const struct letter_context *context, instant now,
                        struct arena *arena, struct mail_text *text, struct message *message)
{
    const struct waiting_notice *notice = &letter->notice;
    const struct rule *rule = letter_rule(context, notice->rule);
    const char *derivation[LINES_MAX];
    struct notice_done done[LINES_MAX];
    int warnings;
    struct notice_facts facts = facts_of(notice, context, now, arena);
    // The derivation ends with the basis; without one it stands alone.
    facts.basis = rule && *notice->derivation == '\0' ? rule->basis : NULL;
    facts.done = done;
    facts.done_count = read_history(notice, context, arena, done, &warnings);
    for (size_t i = 0; i < facts.done_count; i++)
        if (done[i].silenced && done[i].at <= notice->stage_at && notice->stage_at < done[i].until) {
            facts.late = false;
            facts.after_silence = true;
        }
    facts.derivation = derivation;
    facts.derivation_count = split_lines(arena, notice->derivation, derivation, LINES_MAX);
    wording_notice(context->wording, context->rules->zone, &facts, text);
    message->thread_key = thread_of(notice, context, arena);
    add_entry(notice, context, &facts, text->subject.data, warnings, arena, message);
}

// The summary of an entry is the subject that a mail on this deadline alone has.
static void add_entries(const struct letter *letter, const struct letter_context *context,
                        const struct notice_facts *items, struct arena *arena, struct message *message)
{
    struct mail_text alone = {0};
    for (size_t i = 0; i < letter->item_count; i++) {
        struct notice_done done[LINES_MAX];
        int warnings;
        bool cancelled;
        read_history(&letter->items[i], context, arena, done, &warnings);
        if (!wants_entry(&letter->items[i], warnings, &cancelled))
            continue;
        wording_notice(context->wording, context->rules->zone, &items[i], &alone);
        add_entry(&letter->items[i], context, &items[i], alone.subject.data, warnings, arena, message);
    }
    mail_text_done(&alone);
}

static void word_gathered(const struct letter *letter, const struct letter_context *context, instant now,
                          struct arena *arena, struct mail_text *text, struct message *message)
{
    struct notice_facts *items = arena_alloc(arena, letter->item_count * sizeof *items);
    struct gathered_sum *sums = arena_alloc(arena, letter->sum_count * sizeof *sums);
    struct gathered_facts facts = {.now = now,
                                   .items = items,
                                   .item_count = letter->item_count,
                                   .sums = sums,
                                   .sum_count = letter->sum_count};
    for (size_t i = 0; i < letter->item_count; i++)
        items[i] = facts_of(&letter->items[i], context, now, arena);
    for (size_t i = 0; i < letter->sum_count; i++) {
        const struct mail_sum *sum = &letter->sums[i];
        const struct rule *rule = letter_rule(context, sum->rule);
        sums[i] = (struct gathered_sum){
            .code = sum->code,
            .title = rule && !sum->sensitive ? title_of(rule, context->config->language) : NULL,
            .rule_kind = sum->rule_kind,
            .ahead = sum->ahead,
            .broken = sum->broken,
            .resolved = sum->resolved};
        if (sum->held_since != INSTANT_NONE && (!facts.waited || sum->held_since < facts.decided_at)) {
            facts.waited = true;
            facts.decided_at = sum->held_since;
        }
    }
    wording_gathered(context->wording, context->rules->zone, &facts, text);
    add_entries(letter, context, items, arena, message);
}

#define REPORT_BEGINS "report\t" // a text of core/report.h, which says by itself what it lists

static void word_own_backlog(const struct letter *letter, const struct letter_context *context,
                             struct arena *arena, struct mail_text *text)
{
    const struct report report = {.name = "backlog",
                                  .title_da = phrase_own_backlog(context->config->language),
                                  .content = REPORT_DEADLINES,
                                  .templates =
                                      (struct report_templates *)wording_own_backlog(context->wording)};
    struct report_mail mail;
    int read = report_mail_read(letter->notice.facts, arena, &mail); // only we write it
    assert(read == 0);
    (void)read;
    const struct report_facts facts = {&report, &mail, context->rules, context->config->link};
    report_word(&facts, context->config->language, context->config->small_counts, text);
}

// As of when it was counted: it may have waited for office hours.
static void word_backlog(const struct letter *letter, const struct letter_context *context,
                         struct arena *arena, struct mail_text *text)
{
    char *counts = arena_string(arena, letter->notice.facts), *list = strstr(counts, "\n" REPORT_BEGINS);
    const char *lines[LINES_MAX * 4];
    struct backlog_row rows[LINES_MAX * 4];
    struct report_mail worst;
    const struct report_facts worst_facts = {NULL, &worst, context->rules, context->config->link};
    struct backlog_facts facts = {.now = letter->notice.decided_at, .rows = rows};
    if (list && report_mail_read(list + 1, arena, &worst) == 0) {
        worst.decided_at = letter->notice.decided_at;
        facts.worst = &worst_facts;
        list[1] = '\0';
    }
    size_t count = split_lines(arena, counts, lines, sizeof lines / sizeof lines[0]);
    facts.unit = count > 0 ? lines[0] : "";
    for (size_t i = 1; i < count; i++) {
        char id[CASEFILE_ID_MAX + 1];
        int open, breached;
        if (sscanf(lines[i], "%200s %d %d", id, &open, &breached) != 3)
            continue;
        const struct rule *rule = letter_rule(context, id);
        if (rule == NULL)
            continue; // retired since
        rows[facts.row_count++] = (struct backlog_row){
            .code = rule->code,
            .title = rule->sensitive ? NULL : title_of(rule, context->config->language),
            .rule_kind = rule->kind,
            .open = open,
            .breached = breached,
        };
    }
    wording_backlog(context->wording, context->rules->zone, &facts, text);
}

static const char *next_field(char **at)
{
    char *field = *at;
    char *tab = strchr(field, '\t');
    if (tab)
        *tab = '\0';
    *at = tab ? tab + 1 : field + strlen(field);
    return field;
}

static void word_operator(const struct letter *letter, const struct letter_context *context, instant now,
                          struct arena *arena, struct mail_text *text)
{
    bool faults = strcmp(letter->notice.purpose, "data_quality") == 0;
    const struct rule *rule;
    const char *lines[LINES_MAX * 2];
    size_t count = split_lines(arena, letter->notice.facts, lines, sizeof lines / sizeof lines[0]);
    struct operator_line rows[LINES_MAX * 2];
    struct operator_facts facts = {.now = now, .lines = rows};
    facts.total = count > 0 ? strtoul(lines[0], NULL, 10) : 0;
    for (size_t i = 1; i < count; i++) {
        char *at = arena_string(arena, lines[i]);
        struct operator_line *row = &rows[facts.line_count++];
        const char *first = next_field(&at);
        row->what = faults ? "data_fault" : first;
        row->case_id = next_field(&at);
        row->code = next_field(&at);
        if (faults &&
            (rule = letter_rule(context, row->code))) // of a fault it is the id, which may tell more
            row->code = rule->code;
        row->detail = faults ? first : next_field(&at);
    }
    wording_operator(context->wording, context->rules->zone, &facts, text);
}

struct report_context letter_reports(const struct letter_context *context)
{
    return (struct report_context){context->config, context->rules, context->people, context->reports};
}

void letter_write(const struct letter *letter, const struct letter_context *context, const char *to,
                  instant now, struct arena *arena, struct buffer *into)
{
    const struct config *config = context->config;
    const char *purpose = letter->notice.purpose;
    struct message_calendar calendars[MESSAGE_CALENDARS_MAX];
    struct mail_text text = {0};
    struct message message = {
        .from_name = config->mail_from_name,
        .from_address = config->mail_from,
        .to_address = to,
        .message_key = letter->notice.message_key,
        .message_host = config->mail_host,
        .date = now,
        .zone = context->rules->zone,
        .calendars = calendars,
    };
    if (letter->gathered)
        word_gathered(letter, context, now, arena, &text, &message);
    else if (strcmp(purpose, "stage") == 0 || strcmp(purpose, "follow_up") == 0)
        word_notice(letter, context, now, arena, &text, &message);
    else if (strcmp(purpose, "backlog") == 0 &&
             strncmp(letter->notice.facts, REPORT_BEGINS, strlen(REPORT_BEGINS)) == 0)
        word_own_backlog(letter, context, arena, &text);
    else if (strcmp(purpose, "backlog") == 0)
        word_backlog(letter, context, arena, &text);
    else if (strcmp(purpose, "report") == 0) {
        const struct report_context reports = letter_reports(context);
        report_notice_word(&reports, &letter->notice, &text);
    } else
        word_operator(letter, context, now, arena, &text);
    mail_text_wrap(&text);
    message.subject = text.subject.data;
    message.text = text.text.data;
    message.html = text.html.data;
    struct error err;
    int built = message_build(&message, into, &err);
    assert(built == 0);
    (void)built;
    mail_text_done(&text);
}
