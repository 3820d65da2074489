// SPDX-License-Identifier: MPL-2.0
#include "shell/publisher_reports.h"

#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

static struct publisher_report *find(struct publisher_reports *reports, const char *site, const char *name)
{
    for (size_t i = 0; i < reports->count; i++)
        if (strcmp(reports->reports[i].name, name) == 0)
            return &reports->reports[i];
    struct buffer topic = {0};
    buffer_format(&topic, "fristd/v1/%s/report/%s", site, name); // both of a-z, 0-9, - and _ only
    MEMORY_GROW(reports->reports, reports->count, reports->capacity);
    struct publisher_report *added = &reports->reports[reports->count++];
    *added = (struct publisher_report){.name = memory_copy(name, strlen(name)), .topic = topic.data};
    return added;
}

const char *publisher_reports_set(struct publisher_reports *reports, const char *site, const char *name,
                                  const char *json)
{
    size_t before = reports->count;
    struct publisher_report *report = find(reports, site, name);
    bool same = json && report->json ? strcmp(json, report->json) == 0 : json == report->json;
    if (same && reports->count == before)
        return NULL;
    free(report->json);
    report->json = json ? memory_copy(json, strlen(json)) : NULL;
    report->due = true;
    return report->topic;
}

const struct publisher_report *publisher_reports_next(struct publisher_reports *reports)
{
    for (size_t i = 0; i < reports->count; i++)
        if (reports->reports[i].due) {
            reports->reports[i].due = false;
            return &reports->reports[i];
        }
    return NULL;
}

void publisher_reports_again(struct publisher_reports *reports)
{
    for (size_t i = 0; i < reports->count; i++)
        reports->reports[i].due = true;
}

void publisher_reports_done(struct publisher_reports *reports)
{
    for (size_t i = 0; i < reports->count; i++) {
        free(reports->reports[i].name);
        free(reports->reports[i].topic);
        free(reports->reports[i].json);
    }
    free(reports->reports);
    *reports = (struct publisher_reports){0};
}
