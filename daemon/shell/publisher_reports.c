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
    bool noted; // in the ledger
};

struct publisher_reports {
    struct mqtt *mqtt;
    struct sweep *sweep;
    const struct publisher_store *store;
    void *store_self;
    const char *site;
    void (*on_said)(void *data);
    void *data;
    struct report *list;
    size_t count, capacity;
    struct mqtt_message message;
    bool outstanding;
    struct publisher_write note;
    bool noting;
    size_t noted_now; // which of the list
    bool closing;
    void (*on_closed)(void *data);
    void *closed_data;
};

static void say_next(struct publisher_reports *reports);

// Refused or lost, it is said again with the next connection.
static void on_done(struct mqtt_message *message, enum mqtt_outcome outcome, const struct error *err)
{
    struct publisher_reports *reports = message->data;
    reports->outstanding = false;
    if (outcome == MQTT_REFUSED || outcome == MQTT_UNFIT)
        log_line(LOG_LEVEL_ERROR, "mqtt", "report not published: %s", err->text);
    if (outcome == MQTT_LOST)
        return;
    say_next(reports);
    reports->on_said(reports->data);
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

static void finish_close(struct publisher_reports *reports);

// The ledger could not be written: tried again when all is said again.
static void on_noted(struct publisher_write *write, const struct error *err)
{
    struct publisher_reports *reports = write->data;
    struct report *report = &reports->list[reports->noted_now];
    reports->noting = false;
    report->noted = err == NULL;
    if (reports->closing) {
        finish_close(reports);
        return;
    }
    report->due &= report->noted;
    say_next(reports);
}

static void note(struct publisher_reports *reports, size_t at)
{
    reports->noting = true;
    reports->noted_now = at;
    reports->note = (struct publisher_write){.data = reports,
                                             .noted = (const char *const *)&reports->list[at].topic,
                                             .noted_count = 1,
                                             .on_done = on_noted};
    reports->store->write(reports->store_self, &reports->note);
}

static void say_next(struct publisher_reports *reports)
{
    for (size_t i = 0; i < reports->count; i++) {
        struct report *report = &reports->list[i];
        if (reports->outstanding || reports->noting || !mqtt_is_up(reports->mqtt))
            return;
        if (report->due && report->json && !report->noted)
            note(reports, i);
        else if (report->due)
            publish(reports, report);
    }
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
    report->noted &= json != NULL; // the sweep strikes it out
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

bool publisher_reports_are_said(const struct publisher_reports *reports)
{
    bool said = !reports->outstanding && !reports->noting;
    for (size_t i = 0; i < reports->count; i++)
        said &= !reports->list[i].due;
    return said;
}

struct publisher_reports *publisher_reports_new(struct mqtt *mqtt, struct sweep *sweep,
                                                const struct publisher_store *store, void *store_self,
                                                const char *site, void (*on_said)(void *data), void *data)
{
    struct publisher_reports *reports = memory_alloc(sizeof *reports);
    reports->mqtt = mqtt;
    reports->sweep = sweep;
    reports->store = store;
    reports->store_self = store_self;
    reports->site = site;
    reports->on_said = on_said;
    reports->data = data;
    return reports;
}

// --- closing ---

static void finish_close(struct publisher_reports *reports)
{
    if (reports->noting)
        return;
    void (*on_closed)(void *) = reports->on_closed;
    void *data = reports->closed_data;
    for (size_t i = 0; i < reports->count; i++) {
        free(reports->list[i].name);
        free(reports->list[i].topic);
        free(reports->list[i].json);
    }
    free(reports->list);
    free(reports);
    on_closed(data);
}

void publisher_reports_close(struct publisher_reports *reports, void (*on_closed)(void *data), void *data)
{
    reports->closing = true;
    reports->on_closed = on_closed;
    reports->closed_data = data;
    finish_close(reports);
}
