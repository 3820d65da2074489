// SPDX-License-Identifier: MPL-2.0
// The MQTT contract, version 1 (DESIGN, section 6): topics and JSON of every message. AsyncAPI and JSON
// Schemas in contrib.
#ifndef FRISTD_SHELL_EVENT_H
#define FRISTD_SHELL_EVENT_H

#include "core/memory.h"
#include "core/transition.h"

struct event_site {
    const char *site;        // [a-z0-9-]+
    bool with_rule_ids;      // rule ids may leave the house (never those of sensitive rules)
    const char *link_format; // "%s" stands for the percent-encoded case id; NULL: no link
    const struct zone *zone;
};

// Appends a topic level from data: '/', '+', '#', '%' and control characters percent-encoded, "" as "-".
void event_topic_level(struct buffer *into, const char *text);

void event_topic(const struct event_site *site, const struct transition *transition,
                 struct buffer *into); // event/{type}
void event_payload(const struct event_site *site, const struct transition *transition,
                   struct buffer *into); // a CloudEvent
void state_topic(const struct event_site *site, const struct transition *transition,
                 struct buffer *into); // deadline/{code}/{case}/{subject}
void state_payload(const struct event_site *site, const struct transition *transition,
                   struct buffer *into); // retained state
void status_topic(const struct event_site *site, struct buffer *into);
void status_payload(const struct event_site *site, const char *boot_id, bool online, instant since,
                    struct buffer *into);

#endif
