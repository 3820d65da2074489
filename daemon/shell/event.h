// SPDX-License-Identifier: MPL-2.0
// The MQTT contract, version 1 (DESIGN, section 6): topics and JSON of every message. AsyncAPI and JSON
// Schemas in contrib. The same transition always gives the same bytes.
#ifndef FRISTD_SHELL_EVENT_H
#define FRISTD_SHELL_EVENT_H

#include "core/memory.h"
#include "core/transition.h"
#include "shell/mqtt.h"

#include <stdint.h>

struct event_site {
    const char *site;     // [a-z0-9-]+
    bool with_rule_ids;   // rule ids may leave the house (never those of sensitive rules)
    bool units_in_topics; // topics of events and states end in the unit
    bool binary;          // events in binary mode (MQTT 5), else structured
    uint32_t expiry_s;    // of events (MQTT 5); 0: none
    const char *link;     // web address of a case, as link_to_case takes it; NULL: none
    const struct zone *zone;
};

#define EVENT_CONTENT_TYPE  "application/cloudevents+json; charset=utf-8" // of events in structured mode
#define STATUS_CONTENT_TYPE "application/json"                            // of what is retained
#define REPLY_EXPIRY_S      300 // of answers: whoever is not there to read them asks again

// Appends a topic level from data: '/', '+', '#', '%' and what MQTT forbids or advises against (control
// characters, non-characters, bytes that are no UTF-8) percent-encoded, "" as "-". At most three bytes for
// one: with identifiers of CASEFILE_ID_MAX no topic comes near the 65,535 bytes that MQTT allows.
void event_topic_level(struct buffer *into, const char *text);

uint64_t event_topic_hash(const char *topic);

// The attributes of a CloudEvent but datacontenttype, which is a member or the content type.
#define EVENT_ATTRIBUTES 9
struct event_attributes {
    struct mqtt_property list[EVENT_ATTRIBUTES]; // values point into text
    size_t count;
    size_t subject; // which of them comes from outside; the others are plain text
    char text[1400];
    size_t used;
};
const char *event_content_type(const struct event_site *site);

// event/deadline.{transition}: what follows "dk.fristd." in the type, without the version
void event_topic(const struct event_site *site, const struct transition *transition, struct buffer *into);
void event_attributes(const struct event_site *site, const struct transition *transition,
                      struct event_attributes *into);
// A CloudEvent; in binary mode its data alone.
void event_payload(const struct event_site *site, const struct transition *transition, struct buffer *into);
// deadline/{code}/{case}/{subject}. What is retained depends on the deadline alone, not on the transition
// that led there: announced again it has the same bytes.
void state_topic(const struct event_site *site, const struct transition *transition, struct buffer *into);
void state_payload(const struct event_site *site, const struct transition *transition, struct buffer *into);
void status_topic(const struct event_site *site, struct buffer *into);
// since: of what is said, that is when the daemon came up or was stopped; INSTANT_NONE in the will, which the
// broker publishes when it has lost us, whenever that is.
void status_payload(const struct event_site *site, const char *boot_id, bool online, instant since,
                    struct buffer *into);

// --- the last message of an answer to somebody who asked for events again ---

struct event_replay {
    const char *boot_id, *requester;
    int64_t number; // of these messages in this run
    instant at;
    const char *reason, *detail; // of a refusal; NULL: the end of an answer, with
    int64_t from, to, sent, last;
    int64_t next;            // 0: the range is complete
    const char *correlation; // or NULL
};
void replay_attributes(const struct event_site *site, const struct event_replay *replay,
                       struct event_attributes *into);
void replay_payload(const struct event_site *site, const struct event_replay *replay, struct buffer *into);

#endif
