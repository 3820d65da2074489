// SPDX-License-Identifier: MPL-2.0
#include "command/difference_list.h"

#include "core/phrases.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void difference_list_add(struct difference_list *list, const char *case_id,
                         const struct deadline_difference *difference)
{
    MEMORY_GROW(list->kept, list->count, list->capacity);
    struct kept_difference *kept = &list->kept[list->count++];
    *kept = (struct kept_difference){arena_string(&list->arena, case_id), *difference};
    kept->difference.rule = arena_string(&list->arena, difference->rule);
    kept->difference.code = arena_string(&list->arena, difference->code);
    kept->difference.subject = arena_string(&list->arena, difference->subject);
}

static int compare(const void *left, const void *right)
{
    const struct kept_difference *a = left, *b = right;
    int order = (int)a->difference.kind - (int)b->difference.kind;
    if (order == 0)
        order = strcmp(a->difference.rule, b->difference.rule);
    if (order == 0)
        order = strcmp(a->case_id, b->case_id);
    if (order == 0)
        order = strcmp(a->difference.subject, b->difference.subject);
    return order ? order : a->difference.occurrence - b->difference.occurrence;
}

void difference_list_sort(struct difference_list *list)
{
    if (list->count > 0)
        qsort(list->kept, list->count, sizeof *list->kept, compare);
}

void difference_list_done(struct difference_list *list)
{
    arena_done(&list->arena);
    free(list->kept);
}

static bool was_there(const struct deadline_difference *difference)
{
    return difference->kind != DIFFERENCE_APPEARED;
}

static bool is_there(const struct deadline_difference *difference)
{
    return difference->kind != DIFFERENCE_VANISHED;
}

// --- text ---

static const char *state_word(enum language language, enum deadline_state state)
{
    static const char *const danish[] = {
        [STATE_OPEN] = "åben",
        [STATE_BREACHED] = "overskredet",
        [STATE_PAUSED] = "på pause",
        [STATE_MET] = "opfyldt",
        [STATE_LATE] = "opfyldt for sent",
        [STATE_MISSED] = "ikke opfyldt",
        [STATE_CANCELLED] = "bortfaldet",
        [STATE_LAPSED] = "udløbet",
        [STATE_PASSED] = "passeret",
    };
    return language == LANGUAGE_DA ? danish[state] : deadline_state_name(state);
}

static void add_due(const struct deadline_difference *difference, const struct zone *zone,
                    enum language language, struct buffer *line)
{
    if (was_there(difference))
        phrase_short_due(language, zone, difference->old_due, line);
    if (difference->kind == DIFFERENCE_MOVED)
        buffer_add_string(line, " → ");
    if (difference->kind == DIFFERENCE_MOVED || difference->kind == DIFFERENCE_APPEARED)
        phrase_short_due(language, zone, difference->new_due, line);
}

static void add_state(const struct deadline_difference *difference, enum language language,
                      struct buffer *line)
{
    bool was = was_there(difference), is = is_there(difference);
    bool other = was && is && difference->old_state != difference->new_state;
    buffer_format(line, ", %s", state_word(language, was ? difference->old_state : difference->new_state));
    if (other)
        buffer_format(line, " → %s", state_word(language, difference->new_state));
}

static void print_one(const struct kept_difference *kept, const struct zone *zone, enum language language)
{
    const struct deadline_difference *difference = &kept->difference;
    struct buffer line = {0};
    buffer_format(&line, "    %s", kept->case_id);
    if (*difference->subject)
        buffer_format(&line, " %s", difference->subject);
    if (difference->occurrence > 1)
        buffer_format(&line, language == LANGUAGE_DA ? " nr. %d" : " no. %d", difference->occurrence);
    buffer_add_string(&line, "  ");
    add_due(difference, zone, language, &line);
    add_state(difference, language, &line);
    puts(line.data);
    buffer_done(&line);
}

void difference_list_print_text(const struct difference_list *list, const struct zone *zone,
                                enum language language)
{
    static const char *const words[][2] = {
        [DIFFERENCE_MOVED] = {"flyttet", "moved"},
        [DIFFERENCE_STATE] = {"anden status", "another state"},
        [DIFFERENCE_APPEARED] = {"nye", "new"},
        [DIFFERENCE_VANISHED] = {"væk", "gone"},
    };
    const struct deadline_difference *before = NULL;
    for (size_t i = 0; i < list->count; i++) {
        const struct deadline_difference *difference = &list->kept[i].difference;
        if (before == NULL || before->kind != difference->kind || strcmp(before->rule, difference->rule) != 0)
            printf("  %s: %s (%s)\n", words[difference->kind][language == LANGUAGE_DA ? 0 : 1],
                   difference->code, difference->rule);
        print_one(&list->kept[i], zone, language);
        before = difference;
    }
}

// --- JSON ---

static json_t *moment(const struct zone *zone, instant at)
{
    char text[ZONE_INSTANT_SIZE];
    return at == INSTANT_NONE ? json_null() : json_string(zone_format(zone, at, text));
}

static json_t *state(bool there, enum deadline_state state)
{
    return there ? json_string(deadline_state_name(state)) : json_null();
}

void difference_list_print_json(const struct difference_list *list, const struct zone *zone)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct deadline_difference *difference = &list->kept[i].difference;
        json_t *object = json_pack(
            "{s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:o, s:o, s:o, s:o, s:b}", "what", "deadline", "change",
            difference_name(difference->kind), "rule", difference->rule, "code", difference->code, "case_id",
            list->kept[i].case_id, "subject", difference->subject, "occurrence", difference->occurrence,
            "old_due_at", moment(zone, difference->old_due), "new_due_at", moment(zone, difference->new_due),
            "old_state", state(was_there(difference), difference->old_state), "new_state",
            state(is_there(difference), difference->new_state), "grave", difference_is_grave(difference));
        json_dumpf(object, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
        putchar('\n');
        json_decref(object);
    }
}
