// SPDX-License-Identifier: MPL-2.0
#include "shell/publisher_reports.h"

#include "core/memory.h"
#include "shell/event.h"
#include "shell/log.h"

#include <stdlib.h>
#include <string.h>

struct report {
    char *name, *topic;
    char *json; // NULL: to be cleared
    bool due;
};

struct publisher_reports {
    struct mqtt *mqtt;
    struct sweep *sweep;
    const char *site;
    struct report *list;
    size_t count, capacity;
    struct mqtt_message message;
    bool outstanding;
};

static void say_next(struct publisher_reports *reports);

// Refused or lost, it is said again with the next connection.
static void on_done(struct mqtt_message *message, enum mqtt_outcome outcome, const struct error *err)
{
    struct publisher_reports *reports = message->data;
    reports->outstanding = false;
    if (outcome == MQTT_REFUSED || outcome == MQTT_UNFIT)
        log_line(LOG_LEVEL_ERROR, "mqtt", "report not published: %s", err->text);
    if (outcome != MQTT_LOST)
        say_next(reports);
}

static void publish(struct publisher_reports *reports, struct report *report)
{
    report->due = false;
    reports->message = (struct mqtt_message){.data = reports,
                                             .topic = report->topic,
                                             .payload = report->json,
                                             .length = report->json ? strlen(report->json) : 0,
                                             .retain = true,
                                             .content_type = report->json ? STATUS_CONTENT_TYPE : NULL,
                                             .on_done = on_done};
    struct error err;
    reports->outstanding = mqtt_publish(reports->mqtt, &reports->message, &err) == 0;
    if (!reports->outstanding && mqtt_is_up(reports->mqtt))
        log_line(LOG_LEVEL_ERROR, "mqtt", "report not published: %s", err.text);
}

static void say_next(struct publisher_reports *reports)
{
    for (size_t i = 0; i < reports->count && !reports->outstanding && mqtt_is_up(reports->mqtt); i++)
        if (reports->list[i].due)
            publish(reports, &reports->list[i]);
}

static struct report *find(struct publisher_reports *reports, const char *name)
{
    for (size_t i = 0; i < reports->count; i++)
        if (strcmp(reports->list[i].name, name) == 0)
            return &reports->list[i];
    return NULL;
}

static struct report *add(struct publisher_reports *reports, const char *name)
{
    struct buffer topic = {0};
    buffer_format(&topic, "fristd/v1/%s/report/%s", reports->site, name); // of a-z, 0-9, - and _ only
    MEMORY_GROW(reports->list, reports->count, reports->capacity);
    struct report *added = &reports->list[reports->count++];
    *added = (struct report){.name = memory_copy(name, strlen(name)), .topic = topic.data};
    return added;
}

void publisher_reports_set(struct publisher_reports *reports, const char *name, const char *json)
{
    struct report *report = find(reports, name);
    if (report && (json && report->json ? strcmp(json, report->json) == 0 : json == report->json))
        return;
    if (report == NULL)
        report = add(reports, name);
    free(report->json);
    report->json = json ? memory_copy(json, strlen(json)) : NULL;
    report->due = true;
    sweep_expect(reports->sweep, report->topic, json != NULL);
    say_next(reports);
}

void publisher_reports_say(struct publisher_reports *reports)
{
    for (size_t i = 0; i < reports->count; i++)
        reports->list[i].due = true;
    say_next(reports);
}

void publisher_reports_expect(struct publisher_reports *reports)
{
    for (size_t i = 0; i < reports->count; i++)
        sweep_expect(reports->sweep, reports->list[i].topic, reports->list[i].json != NULL);
}

struct publisher_reports *publisher_reports_new(struct mqtt *mqtt, struct sweep *sweep, const char *site)
{
    struct publisher_reports *reports = memory_alloc(sizeof *reports);
    reports->mqtt = mqtt;
    reports->sweep = sweep;
    reports->site = site;
    return reports;
}

void publisher_reports_free(struct publisher_reports *reports)
{
    for (size_t i = 0; i < reports->count; i++) {
        free(reports->list[i].name);
        free(reports->list[i].topic);
        free(reports->list[i].json);
    }
    free(reports->list);
    free(reports);
}
