// SPDX-License-Identifier: MPL-2.0
#include "shell/event.h"

#include "core/link.h"
#include "core/utf8.h"
#include "core/zone.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// --- topic levels ---

static void add_percent(struct buffer *into, const char *from, const char *to)
{
    for (; from < to; from++) {
        static const char hex[] = "0123456789ABCDEF";
        char encoded[3] = {'%', hex[(unsigned char)*from >> 4], hex[*from & 15]};
        buffer_add(into, encoded, sizeof encoded);
    }
}

// U+FDD0..U+FDEF and the last two of each plane; brokers close the connection on them.
static bool is_noncharacter(uint32_t character)
{
    return (character >= 0xfdd0 && character <= 0xfdef) || (character & 0xfffe) == 0xfffe;
}

static bool stays_in_topic(uint32_t character)
{
    if (character < 0x80)
        return character >= ' ' && character != 0x7f && strchr("/+#%", (int)character) == NULL;
    return character != UTF8_BAD && !utf8_is_control(character) && !is_noncharacter(character);
}

void event_topic_level(struct buffer *into, const char *text)
{
    if (text[0] == '\0')
        text = "-";
    const char *end = text + strlen(text);
    while (text < end) {
        const char *start = text;
        uint32_t character = utf8_next(&text, end);
        if (stays_in_topic(character))
            buffer_add(into, start, (size_t)(text - start));
        else
            add_percent(into, start, text);
    }
}

// FNV-1a.
uint64_t event_topic_hash(const char *topic)
{
    uint64_t hash = 0xcbf29ce484222325;
    for (; *topic; topic++)
        hash = (hash ^ (unsigned char)*topic) * 0x100000001b3;
    return hash;
}

// --- JSON: the keys come in the order of the code ---

// One that may not stand there as it is.
static void add_json_character(struct buffer *into, unsigned char c)
{
    if (c == '"' || c == '\\') {
        char escaped[2] = {'\\', (char)c};
        buffer_add(into, escaped, sizeof escaped);
    } else {
        buffer_format(into, "\\u%04x", c);
    }
}

static bool is_plain_json(char c)
{
    return c >= ' ' && c < 0x7f && c != '"' && c != '\\';
}

static void add_json_text(struct buffer *into, const char *text)
{
    buffer_add_char(into, '"');
    const char *end = text + strlen(text);
    while (text < end) {
        const char *start = text;
        while (text < end && is_plain_json(*text))
            text++;
        buffer_add(into, start, (size_t)(text - start));
        if (text == end)
            break;
        start = text;
        uint32_t character = utf8_next(&text, end);
        if (character == UTF8_BAD)
            buffer_add_string(into, UTF8_REPLACEMENT);
        else if (character < 0x80)
            add_json_character(into, (unsigned char)character);
        else
            buffer_add(into, start, (size_t)(text - start));
    }
    buffer_add_char(into, '"');
}

// ,"key": – the first member of an object is written by its maker.
static void add_key(struct buffer *into, const char *key)
{
    buffer_add(into, ",\"", 2);
    buffer_add_string(into, key);
    buffer_add(into, "\":", 2);
}

static void add_text(struct buffer *into, const char *key, const char *text)
{
    add_key(into, key);
    add_json_text(into, text);
}

static void add_instant(struct buffer *into, const char *key, const struct zone *zone, instant at)
{
    add_key(into, key);
    char text[ZONE_INSTANT_SIZE];
    if (at == INSTANT_NONE)
        buffer_add_string(into, "null");
    else
        add_json_text(into, zone_format(zone, at, text));
}

static void add_bool(struct buffer *into, const char *key, bool value)
{
    add_key(into, key);
    buffer_add_string(into, value ? "true" : "false");
}

static void add_link(struct buffer *into, const struct event_site *site, const char *case_id)
{
    add_key(into, "link");
    if (site->link == NULL) {
        buffer_add_string(into, "null");
        return;
    }
    struct buffer link = {0};
    link_to_case(&link, site->link, case_id);
    add_json_text(into, link.data);
    buffer_done(&link);
}

// The closed list of what leaves the house (DESIGN, section 12): nothing is added here without being on it.
static void add_deadline(struct buffer *into, const struct event_site *site,
                         const struct transition *transition)
{
    buffer_add_string(into, "\"code\":");
    add_json_text(into, transition->code);
    if (site->with_rule_ids && !transition->sensitive)
        add_text(into, "rule", transition->rule);
    add_text(into, "kind", rules_kind_name(transition->rule_kind));
    add_text(into, "case", transition->case_id);
    add_text(into, "subject", transition->subject);
    add_key(into, "occurrence");
    buffer_format(into, "%d", transition->occurrence);
    add_text(into, "unit", transition->unit);
    add_text(into, "state", deadline_state_name(transition->state));
    add_instant(into, "anchor", site->zone, transition->anchor_at);
    add_instant(into, "due", site->zone, transition->due_at);
    add_instant(into, "breached", site->zone, transition->breached_at);
}

static void add_classification(struct buffer *into)
{
    buffer_add_string(into, ",\"dataclassification\":\"restricted\"");
}

// --- topics ---

static void add_base(struct buffer *into, const struct event_site *site)
{
    buffer_add_string(into, "fristd/v1/");
    buffer_add_string(into, site->site);
}

static void add_unit_level(struct buffer *into, const struct event_site *site, const char *unit)
{
    if (!site->units_in_topics)
        return;
    buffer_add_char(into, '/');
    event_topic_level(into, unit);
}

void event_topic(const struct event_site *site, const struct transition *transition, struct buffer *into)
{
    add_base(into, site);
    buffer_add_string(into, "/event/deadline.");
    buffer_add_string(into, transition_name(transition->kind));
    add_unit_level(into, site, transition->unit);
}

void state_topic(const struct event_site *site, const struct transition *transition, struct buffer *into)
{
    add_base(into, site);
    buffer_add_string(into, "/deadline/");
    event_topic_level(into, transition->code);
    buffer_add_char(into, '/');
    event_topic_level(into, transition->case_id);
    buffer_add_char(into, '/');
    event_topic_level(into, transition->subject);
    add_unit_level(into, site, transition->unit);
}

void status_topic(const struct event_site *site, struct buffer *into)
{
    add_base(into, site);
    buffer_add_string(into, "/status");
}

// --- attributes ---

static void list_attribute(struct event_attributes *into, const char *name, size_t length)
{
    assert(into->count < EVENT_ATTRIBUTES && into->used + length < sizeof into->text);
    into->list[into->count++] = (struct mqtt_property){name, into->text + into->used};
    into->used += length + 1;
}

static void attribute(struct event_attributes *into, const char *name, const char *text)
{
    size_t length = strlen(text);
    assert(into->used + length < sizeof into->text);
    memcpy(into->text + into->used, text, length + 1);
    list_attribute(into, name, length);
}

static void formatted_attribute(struct event_attributes *into, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void formatted_attribute(struct event_attributes *into, const char *name, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    int length = vsnprintf(into->text + into->used, sizeof into->text - into->used, format, ap);
    va_end(ap);
    list_attribute(into, name, (size_t)length);
}

// A user property may hold no more than a topic.
static void property_attribute(struct event_attributes *into, const char *name, const char *text)
{
    struct buffer clean = {0};
    for (const char *end = text + strlen(text); text < end;) {
        const char *start = text;
        uint32_t character = utf8_next(&text, end);
        bool stays = character != UTF8_BAD && !utf8_is_control(character) && !is_noncharacter(character);
        buffer_add(&clean, stays ? start : UTF8_REPLACEMENT,
                   stays ? (size_t)(text - start) : strlen(UTF8_REPLACEMENT));
    }
    attribute(into, name, clean.data ? clean.data : "");
    buffer_done(&clean);
}

static void time_attribute(struct event_attributes *into, const char *name, const struct zone *zone,
                           instant at)
{
    char text[ZONE_INSTANT_SIZE];
    attribute(into, name, zone_format(zone, at, text));
}

static void classify(struct event_attributes *into)
{
    attribute(into, "dataclassification", "restricted");
}

// The sequence is padded, because CloudEvents wants one that sorts as text.
void event_attributes(const struct event_site *site, const struct transition *transition,
                      struct event_attributes *into)
{
    into->count = into->used = 0;
    attribute(into, "specversion", "1.0");
    formatted_attribute(into, "id", "%s-%lld", site->site, (long long)transition->number);
    formatted_attribute(into, "source", "//%s/fristd", site->site);
    formatted_attribute(into, "type", "dk.fristd.deadline.%s.v1", transition_name(transition->kind));
    if (site->binary)
        property_attribute(into, "subject", transition->case_id);
    else
        attribute(into, "subject", transition->case_id);
    time_attribute(into, "time", site->zone, transition->at);
    time_attribute(into, "recordedtime", site->zone, transition->recorded_at);
    formatted_attribute(into, "sequence", "%019lld", (long long)transition->number);
    classify(into);
}

void replay_attributes(const struct event_site *site, const struct event_replay *replay,
                       struct event_attributes *into)
{
    into->count = into->used = 0;
    attribute(into, "specversion", "1.0");
    formatted_attribute(into, "id", "%s-%s-%lld", site->site, replay->boot_id, (long long)replay->number);
    formatted_attribute(into, "source", "//%s/fristd/replay", site->site);
    formatted_attribute(into, "type", "dk.fristd.replay.%s.v1", replay->reason ? "refused" : "ended");
    attribute(into, "subject", replay->requester);
    time_attribute(into, "time", site->zone, replay->at);
    classify(into);
}

// --- payloads ---

const char *event_content_type(const struct event_site *site)
{
    return site->binary ? STATUS_CONTENT_TYPE : EVENT_CONTENT_TYPE;
}

// All before the data; a bracket ends it.
static void begin_event(struct buffer *into, const struct event_attributes *attributes)
{
    for (size_t i = 0; i < attributes->count; i++) {
        buffer_add_string(into, i == 0 ? "{\"" : ",\"");
        buffer_add_string(into, attributes->list[i].name);
        buffer_add_string(into, "\":");
        add_json_text(into, attributes->list[i].value);
    }
    buffer_add_string(into, ",\"datacontenttype\":\"application/json\",\"data\":");
}

static void add_event_data(struct buffer *into, const struct event_site *site,
                           const struct transition *transition)
{
    buffer_add_char(into, '{');
    add_deadline(into, site, transition);
    add_instant(into, "closed", site->zone, transition->closed_at);
    add_bool(into, "late", transition->late);
    add_link(into, site, transition->case_id);
    buffer_add_char(into, '}');
}

void event_payload(const struct event_site *site, const struct transition *transition, struct buffer *into)
{
    if (site->binary) {
        add_event_data(into, site, transition);
        return;
    }
    struct event_attributes attributes;
    event_attributes(site, transition, &attributes);
    begin_event(into, &attributes);
    add_event_data(into, site, transition);
    buffer_add_char(into, '}');
}

void state_payload(const struct event_site *site, const struct transition *transition, struct buffer *into)
{
    buffer_add_char(into, '{');
    add_deadline(into, site, transition);
    add_instant(into, "since", site->zone,
                transition->state == STATE_BREACHED ? transition->breached_at : transition->anchor_at);
    add_link(into, site, transition->case_id);
    add_classification(into);
    buffer_add_char(into, '}');
}

void status_payload(const struct event_site *site, const char *boot_id, bool online, instant since,
                    struct buffer *into)
{
    buffer_format(into, "{\"status\":\"%s\"", online ? "online" : "offline");
    add_text(into, "boot", boot_id);
    add_instant(into, "since", site->zone, since);
    add_text(into, "version", FRISTD_VERSION);
    add_classification(into);
    buffer_add_char(into, '}');
}

// --- the end of an answer ---

static void add_number(struct buffer *into, const char *key, int64_t number)
{
    add_key(into, key);
    buffer_format(into, "%lld", (long long)number);
}

static void add_replay_data(struct buffer *into, const struct event_replay *replay)
{
    if (replay->reason) {
        buffer_format(into, "{\"reason\":\"%s\"", replay->reason);
        add_text(into, "detail", replay->detail);
    } else {
        buffer_format(into, "{\"from\":%lld", (long long)replay->from);
        add_number(into, "to", replay->to);
        add_number(into, "sent", replay->sent);
        add_key(into, "next");
        if (replay->next > 0)
            buffer_format(into, "%lld", (long long)replay->next);
        else
            buffer_add_string(into, "null");
        add_number(into, "last", replay->last);
    }
    add_key(into, "correlation");
    if (replay->correlation)
        add_json_text(into, replay->correlation);
    else
        buffer_add_string(into, "null");
    buffer_add_char(into, '}');
}

void replay_payload(const struct event_site *site, const struct event_replay *replay, struct buffer *into)
{
    if (site->binary) {
        add_replay_data(into, replay);
        return;
    }
    struct event_attributes attributes;
    replay_attributes(site, replay, &attributes);
    begin_event(into, &attributes);
    add_replay_data(into, replay);
    buffer_add_char(into, '}');
}
