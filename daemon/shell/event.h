// SPDX-License-Identifier: MPL-2.0
// The MQTT contract, version 1 (DESIGN, section 6): topics and JSON of every message. AsyncAPI and JSON
// Schemas in contrib. The same transition always gives the same bytes.
#ifndef FRISTD_SHELL_EVENT_H
#define FRISTD_SHELL_EVENT_H

#include "core/memory.h"
#include "core/transition.h"

struct event_site {
    const char *site;   // [a-z0-9-]+
    bool with_rule_ids; // rule ids may leave the house (never those of sensitive rules)
    const char *link;   // web address of a case, as link_to_case takes it; NULL: none
    const struct zone *zone;
};

#define EVENT_CONTENT_TYPE  "application/cloudevents+json; charset=utf-8" // of events
#define STATUS_CONTENT_TYPE "application/json"                            // of what is retained

// Appends a topic level from data: '/', '+', '#', '%' and what MQTT forbids or advises against (control
// characters, non-characters, bytes that are no UTF-8) percent-encoded, "" as "-". At most three bytes for
// one: with identifiers of CASEFILE_ID_MAX no topic comes near the 65,535 bytes that MQTT allows.
void event_topic_level(struct buffer *into, const char *text);

// event/deadline.{transition}: what follows "dk.fristd." in the type, without the version
void event_topic(const struct event_site *site, const struct transition *transition, struct buffer *into);
void event_payload(const struct event_site *site, const struct transition *transition,
                   struct buffer *into); // a CloudEvent
// deadline/{code}/{case}/{subject}. What is retained depends on the deadline alone, not on the transition
// that led there: announced again it has the same bytes.
void state_topic(const struct event_site *site, const struct transition *transition, struct buffer *into);
void state_payload(const struct event_site *site, const struct transition *transition, struct buffer *into);
void status_topic(const struct event_site *site, struct buffer *into);
// since: of what is said, that is when the daemon came up or was stopped; INSTANT_NONE in the will, which the
// broker publishes when it has lost us, whenever that is.
void status_payload(const struct event_site *site, const char *boot_id, bool online, instant since,
                    struct buffer *into);

#endif
