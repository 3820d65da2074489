// SPDX-License-Identifier: MPL-2.0
#include "command/replay_report.h"

#include "command/replay_sums.h"
#include "core/phrases.h"
#include "core/utf8.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// --- keeping ---

static int order_of(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int order_of_texts(const char *a, const char *b)
{
    return a == NULL || b == NULL ? (a != NULL) - (b != NULL) : strcmp(a, b);
}

int replay_message_compare(const struct replay_message *a, const struct replay_message *b)
{
    int order = order_of(a->day, b->day);
    if (order == 0)
        order = strcmp(a->rule, b->rule);
    if (order == 0)
        order = strcmp(a->case_id, b->case_id);
    if (order == 0)
        order = strcmp(a->subject, b->subject);
    if (order == 0)
        order = order_of(a->occurrence, b->occurrence);
    if (order == 0)
        order = order_of(a->happening, b->happening);
    return order ? order : order_of_texts(a->person_id, b->person_id);
}

static int compare_for_pairs(const void *left, const void *right)
{
    return replay_message_compare(left, right);
}

// Within a rule of a day by time; then persons in the order of their ids. What was fewer comes before what is
// more.
static int compare_for_print(const void *left, const void *right)
{
    const struct replay_message *a = left, *b = right;
    int order = order_of(a->day, b->day);
    if (order == 0)
        order = strcmp(a->code, b->code);
    if (order == 0)
        order = strcmp(a->rule, b->rule);
    if (order == 0)
        order = order_of(a->change, b->change);
    if (order == 0)
        order = order_of(a->at, b->at);
    return order ? order : replay_message_compare(a, b);
}

static void sort(struct replay_messages *messages, int (*compare)(const void *, const void *))
{
    if (messages->count > 0)
        qsort(messages->messages, messages->count, sizeof *messages->messages, compare);
}

void replay_messages_sort(struct replay_messages *messages)
{
    sort(messages, compare_for_pairs);
}

// What is kept of one case comes together: its id is kept once.
static const char *keep_case(struct replay_report *report, const char *case_id)
{
    if (report->last_case == NULL || strcmp(report->last_case, case_id) != 0)
        report->last_case = arena_string(&report->arena, case_id);
    return report->last_case;
}

void replay_report_keep(struct replay_report *report, const struct replay_message *message)
{
    struct replay_messages *messages = &report->messages;
    MEMORY_GROW(messages->messages, messages->count, messages->capacity);
    struct replay_message *kept = &messages->messages[messages->count++];
    *kept = *message;
    kept->case_id = keep_case(report, message->case_id);
    kept->subject = arena_string(&report->arena, message->subject);
}

void replay_report_done(struct replay_report *report)
{
    arena_done(&report->arena);
    free(report->messages.messages);
    difference_list_done(&report->differences);
}

// --- text ---

static const char *in(const struct replay_report *report, const char *da, const char *en)
    __attribute__((format_arg(2), format_arg(3)));

static const char *in(const struct replay_report *report, const char *da, const char *en)
{
    return report->language == LANGUAGE_DA ? da : en;
}

static void print_clock(const struct replay_report *report, instant at)
{
    int second = zone_to_civil(report->zone, at).second;
    printf("%02d:%02d", second / 3600, second / 60 % 60);
}

static void print_due(const struct replay_report *report, instant due_at)
{
    struct buffer words = {0};
    phrase_short_due(report->language, report->zone, due_at, &words);
    fputs(words.data, stdout);
    buffer_done(&words);
}

static void print_day(const struct replay_report *report, civil_date day)
{
    struct buffer words = {0};
    phrase_full_date(report->language, day, &words);
    printf("\n%s\n", words.data);
    buffer_done(&words);
}

static void print_rule(const struct replay_report *report, const struct replay_message *message)
{
    if (*message->rule)
        printf("  %s %s (%s)\n", message->code, message->title, message->rule);
    else
        printf("  %s\n", in(report, "Status på frister ved start", "Backlog report at the start"));
}

static void print_subject(const struct replay_message *message)
{
    static const char *const marks[] = {[MESSAGE_STANDS] = "", [MESSAGE_FEWER] = "− ", [MESSAGE_MORE] = "+ "};
    printf("%s", marks[message->change]);
}

static bool same_step(const struct replay_message *a, const struct replay_message *b)
{
    return a->at == b->at && a->change == b->change && a->occurrence == b->occurrence &&
           a->happening == b->happening && strcmp(a->rule, b->rule) == 0 &&
           strcmp(a->case_id, b->case_id) == 0 && strcmp(a->subject, b->subject) == 0;
}

static void print_person(const struct replay_report *report, const struct replay_message *message)
{
    const char *role = phrase_role(report->language, message->role);
    if (message->person_id)
        printf("%s (%s)", message->person_id, role);
    else
        printf(in(report, "INGEN (%s); driften får besked", "NOBODY (%s); the operators are told"), role);
    if (message->instead_of)
        printf(in(report, " for %s", " for %s"), message->instead_of);
}

// One line: the step, and all whom it told.
static size_t print_step(const struct replay_report *report, size_t first)
{
    const struct replay_messages *all = &report->messages;
    const struct replay_message *message = &all->messages[first];
    fputs("    ", stdout);
    print_subject(message);
    print_clock(report, message->at);
    if (*message->rule) {
        printf("  %s", message->case_id);
        if (*message->subject)
            printf(" %s", message->subject);
        if (message->occurrence > 1)
            printf(in(report, " nr. %d", " no. %d"), message->occurrence);
        printf("  %s, %s ", phrase_transition(report->language, message->rule_kind, message->happening),
               phrase_due_label(report->language, message->rule_kind));
        print_due(report, message->due_at);
    }
    fputs("  → ", stdout);
    size_t next = first;
    do {
        if (next > first)
            fputs(", ", stdout);
        print_person(report, &all->messages[next++]);
    } while (next < all->count && same_step(message, &all->messages[next]));
    putchar('\n');
    return next;
}

static void print_messages(const struct replay_report *report)
{
    const struct replay_message *before = NULL;
    for (size_t i = 0; i < report->messages.count;) {
        const struct replay_message *message = &report->messages.messages[i];
        bool new_day = before == NULL || before->day != message->day;
        if (new_day)
            print_day(report, message->day);
        if (new_day || strcmp(before->rule, message->rule) != 0)
            print_rule(report, message);
        i = print_step(report, i);
        before = message;
    }
}

static void print_differences(const struct replay_report *report)
{
    printf("\n%s\n", report->differences.count == 0
                         ? in(report, "Alle frister er de samme", "All deadlines are the same")
                         : in(report, "Frister", "Deadlines"));
    difference_list_print_text(&report->differences, report->zone, report->language);
    if (report->messages.count > 0)
        printf("\n%s\n",
               in(report, "Beskeder: − bortfalder, + kommer til", "Messages: − no longer sent, + new"));
}

static void print_head(const struct replay_report *report)
{
    struct buffer from = {0}, to = {0};
    phrase_date(report->language, report->from, &from);
    phrase_date(report->language, report->to, &to);
    printf(in(report, "Fra %s til %s\n", "From %s to %s\n"), from.data, to.data);
    buffer_done(&from);
    buffer_done(&to);
}

static void print_text(const struct replay_report *report)
{
    print_head(report);
    if (!report->sums_only) {
        if (report->against)
            print_differences(report);
        print_messages(report);
    }
    replay_sums_print_text(report);
}

// --- JSON ---

static json_t *text_or_null(const char *text)
{
    return text && *text ? json_string(text) : json_null();
}

static json_t *moment(const struct replay_report *report, instant at)
{
    char text[ZONE_INSTANT_SIZE];
    return at == INSTANT_NONE ? json_null() : json_string(zone_format(report->zone, at, text));
}

static void print_json_line(json_t *object)
{
    json_dumpf(object, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
    putchar('\n');
    json_decref(object);
}

static void print_json_message(const struct replay_report *report, const struct replay_message *message)
{
    static const char *const changes[] = {[MESSAGE_FEWER] = "fewer", [MESSAGE_MORE] = "more"};
    char day[CIVIL_DATE_SIZE];
    const char *what = *message->rule == '\0' ? "backlog" : message->person_id ? "message" : "unreached";
    json_t *object = json_pack("{s:s, s:s, s:o}", "what", what, "day", civil_format_date(message->day, day),
                               "at", moment(report, message->at));
    if (message->change != MESSAGE_STANDS)
        json_object_set_new(object, "change", json_string(changes[message->change]));
    if (*message->rule) {
        json_object_update_new(object,
                               json_pack("{s:s, s:s, s:s, s:s, s:i, s:s, s:o}", "rule", message->rule, "code",
                                         message->code, "case_id", message->case_id, "subject",
                                         message->subject, "occurrence", message->occurrence, "happening",
                                         transition_name(message->happening), "due_at",
                                         moment(report, message->due_at)));
    }
    json_object_update_new(object,
                           json_pack("{s:o, s:s, s:o}", "person_id", text_or_null(message->person_id), "role",
                                     message->role, "instead_of", text_or_null(message->instead_of)));
    print_json_line(object);
}

static void print_json(const struct replay_report *report)
{
    if (!report->sums_only)
        difference_list_print_json(&report->differences, report->zone);
    for (size_t i = 0; i < report->messages.count && !report->sums_only; i++)
        print_json_message(report, &report->messages.messages[i]);
    print_json_line(replay_sums_json(report));
}

void replay_report_print(struct replay_report *report)
{
    sort(&report->messages, compare_for_print);
    difference_list_sort(&report->differences);
    if (report->json)
        print_json(report);
    else
        print_text(report);
}
