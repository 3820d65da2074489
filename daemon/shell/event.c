// SPDX-License-Identifier: MPL-2.0
#include "shell/event.h"

#include "core/link.h"
#include "core/utf8.h"
#include "core/zone.h"

#include <assert.h>
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

// What ends a stretch that can be copied as it stands.
static const bool needs_care[256] = {
    [0 ... ' ' - 1] = true, ['"'] = true, ['\\'] = true, [0x7f ... 255] = true};

static void add_json_text(struct buffer *into, const char *text)
{
    buffer_add_char(into, '"');
    const char *end = text + strlen(text);
    while (text < end) {
        const char *start = text;
        while (!needs_care[(unsigned char)*text])
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

// Our own words, numbers and times, in which nothing needs to be escaped.
static void add_plain_text(struct buffer *into, const char *text)
{
    buffer_add_char(into, '"');
    buffer_add_string(into, text);
    buffer_add_char(into, '"');
}

// The first member of an object is written by its maker.
#define KEY(key) ",\"" key "\":"

static void add_text(struct buffer *into, const char *key, const char *text)
{
    buffer_add_string(into, key);
    add_json_text(into, text);
}

static void add_word(struct buffer *into, const char *key, const char *word)
{
    buffer_add_string(into, key);
    add_plain_text(into, word);
}

static void add_instant(struct buffer *into, const char *key, const struct zone *zone, instant at)
{
    buffer_add_string(into, key);
    char text[ZONE_INSTANT_SIZE];
    if (at == INSTANT_NONE)
        buffer_add_string(into, "null");
    else
        add_plain_text(into, zone_format(zone, at, text));
}

static void add_bool(struct buffer *into, const char *key, bool value)
{
    buffer_add_string(into, key);
    buffer_add_string(into, value ? "true" : "false");
}

static void add_link(struct buffer *into, const struct event_site *site, const char *case_id)
{
    buffer_add_string(into, KEY("link"));
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
        add_text(into, KEY("rule"), transition->rule);
    add_word(into, KEY("kind"), rules_kind_name(transition->rule_kind));
    add_text(into, KEY("case"), transition->case_id);
    add_text(into, KEY("subject"), transition->subject);
    buffer_add_string(into, KEY("occurrence"));
    buffer_add_number(into, transition->occurrence);
    add_text(into, KEY("unit"), transition->unit);
    add_word(into, KEY("state"), deadline_state_name(transition->state));
    add_instant(into, KEY("anchor"), site->zone, transition->anchor_at);
    add_instant(into, KEY("due"), site->zone, transition->due_at);
    add_instant(into, KEY("breached"), site->zone, transition->breached_at);
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

// A value is put together from pieces between begin and end.
static void begin_attribute(struct event_attributes *into, const char *name)
{
    assert(into->count < EVENT_ATTRIBUTES);
    into->list[into->count] = (struct mqtt_property){name, into->text + into->used};
}

static void add_piece(struct event_attributes *into, const char *text)
{
    size_t length = strlen(text);
    assert(into->used + length < sizeof into->text);
    memcpy(into->text + into->used, text, length);
    into->used += length;
}

// With so many digits at least.
static void add_digits(struct event_attributes *into, int64_t number, int width)
{
    char digits[20], *at = digits + sizeof digits - 1;
    *at = '\0';
    for (; number > 0 || width > 0; number /= 10, width--)
        *--at = (char)('0' + number % 10);
    add_piece(into, at);
}

static void end_attribute(struct event_attributes *into)
{
    into->text[into->used++] = '\0';
    into->count++;
}

static void attribute(struct event_attributes *into, const char *name, const char *text)
{
    begin_attribute(into, name);
    add_piece(into, text);
    end_attribute(into);
}

// The one attribute with text from outside. A user property may hold no more than a topic.
static void subject_attribute(struct event_attributes *into, const char *text, bool clean)
{
    into->subject = into->count;
    if (!clean) {
        attribute(into, "subject", text);
        return;
    }
    struct buffer cleaned = {0};
    for (const char *end = text + strlen(text); text < end;) {
        const char *start = text;
        uint32_t character = utf8_next(&text, end);
        bool stays = character != UTF8_BAD && !utf8_is_control(character) && !is_noncharacter(character);
        buffer_add(&cleaned, stays ? start : UTF8_REPLACEMENT,
                   stays ? (size_t)(text - start) : strlen(UTF8_REPLACEMENT));
    }
    attribute(into, "subject", cleaned.data ? cleaned.data : "");
    buffer_done(&cleaned);
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

static void source_attribute(struct event_attributes *into, const struct event_site *site, const char *rest)
{
    begin_attribute(into, "source");
    add_piece(into, "//");
    add_piece(into, site->site);
    add_piece(into, rest);
    end_attribute(into);
}

static void type_attribute(struct event_attributes *into, const char *family, const char *name)
{
    begin_attribute(into, "type");
    add_piece(into, "dk.fristd.");
    add_piece(into, family);
    add_piece(into, name);
    add_piece(into, ".v1");
    end_attribute(into);
}

// The sequence is padded, because CloudEvents wants one that sorts as text.
void event_attributes(const struct event_site *site, const struct transition *transition,
                      struct event_attributes *into)
{
    into->count = into->used = 0;
    attribute(into, "specversion", "1.0");
    begin_attribute(into, "id");
    add_piece(into, site->site);
    add_piece(into, "-");
    add_digits(into, transition->number, 1);
    end_attribute(into);
    source_attribute(into, site, "/fristd");
    type_attribute(into, "deadline.", transition_name(transition->kind));
    subject_attribute(into, transition->case_id, site->binary);
    time_attribute(into, "time", site->zone, transition->at);
    time_attribute(into, "recordedtime", site->zone, transition->recorded_at);
    begin_attribute(into, "sequence");
    add_digits(into, transition->number, 19);
    end_attribute(into);
    classify(into);
}

void replay_attributes(const struct event_site *site, const struct event_replay *replay,
                       struct event_attributes *into)
{
    into->count = into->used = 0;
    attribute(into, "specversion", "1.0");
    begin_attribute(into, "id");
    add_piece(into, site->site);
    add_piece(into, "-");
    add_piece(into, replay->boot_id);
    add_piece(into, "-");
    add_digits(into, replay->number, 1);
    end_attribute(into);
    source_attribute(into, site, "/fristd/replay");
    type_attribute(into, "replay.", replay->reason ? "refused" : "ended");
    subject_attribute(into, replay->requester, false);
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
        buffer_add_char(into, i == 0 ? '{' : ',');
        add_plain_text(into, attributes->list[i].name);
        buffer_add_char(into, ':');
        (i == attributes->subject ? add_json_text : add_plain_text)(into, attributes->list[i].value);
    }
    buffer_add_string(into, ",\"datacontenttype\":\"application/json\",\"data\":");
}

static void add_event_data(struct buffer *into, const struct event_site *site,
                           const struct transition *transition)
{
    buffer_add_char(into, '{');
    add_deadline(into, site, transition);
    add_instant(into, KEY("closed"), site->zone, transition->closed_at);
    add_bool(into, KEY("late"), transition->late);
    if (transition->kind == TRANSITION_ACKNOWLEDGED && transition->acknowledged_until != INSTANT_NONE)
        add_instant(into, KEY("until"), site->zone, transition->acknowledged_until);
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
    add_instant(into, KEY("since"), site->zone,
                transition->state == STATE_BREACHED ? transition->breached_at : transition->anchor_at);
    add_link(into, site, transition->case_id);
    add_classification(into);
    buffer_add_char(into, '}');
}

void status_payload(const struct event_site *site, const char *boot_id, bool online, instant since,
                    struct buffer *into)
{
    buffer_format(into, "{\"status\":\"%s\"", online ? "online" : "offline");
    add_text(into, KEY("boot"), boot_id);
    add_instant(into, KEY("since"), site->zone, since);
    add_text(into, KEY("version"), FRISTD_VERSION);
    add_classification(into);
    buffer_add_char(into, '}');
}

// --- the end of an answer ---

static void add_number(struct buffer *into, const char *key, int64_t number)
{
    buffer_add_string(into, key);
    buffer_add_number(into, number);
}

static void add_replay_data(struct buffer *into, const struct event_replay *replay)
{
    if (replay->reason) {
        buffer_format(into, "{\"reason\":\"%s\"", replay->reason);
        add_text(into, KEY("detail"), replay->detail);
    } else {
        buffer_format(into, "{\"from\":%lld", (long long)replay->from);
        add_number(into, KEY("to"), replay->to);
        add_number(into, KEY("sent"), replay->sent);
        buffer_add_string(into, KEY("next"));
        if (replay->next > 0)
            buffer_add_number(into, replay->next);
        else
            buffer_add_string(into, "null");
        add_number(into, KEY("last"), replay->last);
    }
    buffer_add_string(into, KEY("correlation"));
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
