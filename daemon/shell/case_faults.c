// SPDX-License-Identifier: MPL-2.0
#include "shell/case_faults.h"

#include "shell/log.h"

#include <string.h>

static const char *or_empty(const char *text)
{
    return text ? text : "";
}

static bool same_fault(const struct journal_fault *fault, const struct known_fault *known)
{
    return strcmp(fault->code, known->code) == 0 && strcmp(fault->rule, known->rule) == 0 &&
           strcmp(fault->subject, known->subject) == 0 && strcmp(fault->event_id, known->event_id) == 0;
}

void case_faults_begin(struct case_faults *list, const char *case_id)
{
    list->case_id = case_id;
    list->count = 0;
}

static void add(struct case_faults *list, struct look *look, const struct fault *fault)
{
    if (list->count == FAULTS_PER_CASE)
        return;
    struct arena *arena = &look->batch->arena;
    struct journal_fault *added = &list->faults[list->count];
    *added = (struct journal_fault){
        .case_id = list->case_id,
        .code = fault_name(fault->code),
        .rule = arena_string(arena, or_empty(fault->rule)),
        .subject = arena_string(arena, or_empty(fault->subject)),
        .event_id = arena_string(arena, or_empty(fault->event_id)),
        .reason = arena_string(arena, or_empty(fault->reason)),
    };
    struct known_fault key = {added->code, added->rule, added->subject, added->event_id};
    for (size_t i = 0; i < list->count; i++)
        if (same_fault(&list->faults[i], &key))
            return;
    list->count++;
}

void case_faults_add(struct case_faults *list, struct look *look, const struct fault *faults, size_t count)
{
    for (size_t i = 0; i < count; i++)
        add(list, look, &faults[i]);
}

void case_faults_add_unknown_kinds(struct case_faults *list, struct look *look,
                                   const struct casefile *casefile)
{
    for (size_t i = 0; i < casefile->event_count; i++) {
        const struct event *event = &casefile->events[i];
        if (rules_find_kind(look->rules, event->kind, strlen(event->kind)) < 0)
            add(list, look,
                &(struct fault){FAULT_UNKNOWN_KIND, NULL, event->subject, event->id,
                                "kind: no rule knows it"});
    }
}

void case_faults_write(const struct case_faults *list, struct findings *findings,
                       const struct known_case *known)
{
    struct journal_batch *batch = findings->look->batch;
    for (size_t i = 0; i < list->count; i++) {
        const struct journal_fault *fault = &list->faults[i];
        findings_add_fault(findings, fault);
        bool is_known = false;
        for (size_t k = 0; known && k < known->fault_count && !is_known; k++)
            is_known = same_fault(fault, &known->faults[k]);
        if (is_known)
            continue;
        log_line(LOG_LEVEL_WARNING, "data", "fault %s case=%s rule=%s subject=%s event=%s %s", fault->code,
                 list->case_id, fault->rule, fault->subject, fault->event_id, fault->reason);
        MEMORY_GROW(batch->faults, batch->fault_count, batch->fault_capacity);
        batch->faults[batch->fault_count++] = *fault;
    }
    for (size_t k = 0; known && k < known->fault_count; k++) {
        bool is_there = false;
        for (size_t i = 0; i < list->count && !is_there; i++)
            is_there = same_fault(&list->faults[i], &known->faults[k]);
        if (is_there)
            continue;
        const struct known_fault *gone = &known->faults[k];
        MEMORY_GROW(batch->mended, batch->mended_count, batch->mended_capacity);
        batch->mended[batch->mended_count++] =
            (struct journal_fault){list->case_id, gone->code, gone->rule, gone->subject, gone->event_id, ""};
    }
}
