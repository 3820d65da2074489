// SPDX-License-Identifier: MPL-2.0
#include "core/message.h"

#include "core/utf8.h"

#include <assert.h>
#include <string.h>

// Everything is written so that no receiver has a choice: ASCII only, lines of at most 78 bytes, and none
// that begins with a dot or with "From ", so there is nothing to stuff and nothing to unstuff.
//
// Two passes over every text that comes from outside: utf8_add_clean() takes away what is no text (bad UTF-8,
// control characters), then the encoder for its place writes it. No text reaches the message by another way.

#define LINE_MAX_BYTES         76 // quoted-printable, base64, and lines with encoded words (RFC 2045, 2047)
#define ENCODED_WORD_MAX_BYTES 75
#define ENCODED_WORD_FRAME     12 // "=?UTF-8?Q?" and "?="
#define CALENDAR_LINE_MAX      75 // octets before the line is folded (RFC 5545, 3.1)
#define KEY_MAX                64

#define ADDRESS_MAX 254 // RFC 5321, 4.5.3.1.3, without the brackets
#define LOCAL_MAX   64
#define HOST_MAX    253
#define LABEL_MAX   63

static bool is_letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// RFC 5322 dot-atom: what needs no quoting anywhere, so that an address means the same in the envelope and in
// the header.
static bool is_dot_atom(const char *text, size_t length)
{
    if (length == 0 || length > LOCAL_MAX || text[0] == '.' || text[length - 1] == '.')
        return false;
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '.' ? text[i - 1] == '.'
                           : !is_letter_or_digit(text[i]) && !strchr("!#$%&'*+-/=?^_`{|}~", text[i]))
            return false;
    }
    return true;
}

static bool is_host_name(const char *text, size_t length)
{
    if (length == 0 || length > HOST_MAX)
        return false;
    size_t label = 0;
    for (size_t i = 0; i <= length; i++) {
        if (i == length || text[i] == '.') {
            if (label == 0 || label > LABEL_MAX || text[i - label] == '-' || text[i - 1] == '-')
                return false;
            label = 0;
        } else if (is_letter_or_digit(text[i]) || text[i] == '-') {
            label++;
        } else {
            return false;
        }
    }
    return true;
}

bool message_address_is_sound(const char *address)
{
    size_t length = address ? strnlen(address, ADDRESS_MAX + 1) : 0;
    const char *at = length > 0 && length <= ADDRESS_MAX ? memchr(address, '@', length) : NULL;
    return at && is_dot_atom(address, (size_t)(at - address)) &&
           is_host_name(at + 1, (size_t)(address + length - at - 1));
}

static bool is_key(const char *key)
{
    size_t length = strspn(key, "0123456789abcdef");
    return length > 0 && length <= KEY_MAX && key[length] == '\0';
}

// --- Encodings ---

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char hex_digits[] = "0123456789ABCDEF";

static void add_base64(struct buffer *into, const char *bytes, size_t length)
{
    const unsigned char *in = (const unsigned char *)bytes;
    for (; length > 0; in += 3, length = length > 3 ? length - 3 : 0) {
        unsigned second = length > 1 ? in[1] : 0, third = length > 2 ? in[2] : 0;
        char digits[4] = {base64_digits[in[0] >> 2], base64_digits[(in[0] & 3u) << 4 | second >> 4],
                          base64_digits[(second & 15u) << 2 | third >> 6], base64_digits[third & 63u]};
        if (length < 3)
            digits[3] = '=';
        if (length < 2)
            digits[2] = '=';
        buffer_add(into, digits, sizeof digits);
    }
}

static void add_base64_lines(struct buffer *into, const char *bytes, size_t length)
{
    enum { BYTES_A_LINE = LINE_MAX_BYTES / 4 * 3 };
    for (size_t at = 0; at < length; at += BYTES_A_LINE) {
        add_base64(into, bytes + at, length - at < BYTES_A_LINE ? length - at : BYTES_A_LINE);
        buffer_add_string(into, "\r\n");
    }
}

// Blanks at a line's end would be cut off on the way.
static bool stands_for_itself(const char *at, const char *end)
{
    if (*at == ' ' || *at == '\t')
        return at + 1 < end && at[1] != '\n';
    return *at > ' ' && *at < 0x7f && *at != '=';
}

// A dot at a line's start would have to be stuffed, and a "From " there is changed by those who store mail as
// mbox.
static bool may_begin_line(const char *at, const char *end)
{
    return *at != '.' && !(*at == 'F' && end - at >= 5 && memcmp(at, "From ", 5) == 0);
}

// How many bytes from `at` stand for themselves, at most `most`.
static size_t plain_run(const char *at, const char *end, size_t most)
{
    if (most > (size_t)(end - at))
        most = (size_t)(end - at);
    size_t run = 0;
    while (run < most && at[run] >= ' ' && at[run] < 0x7f && at[run] != '=')
        run++;
    while (run > 0 && !stands_for_itself(at + run - 1, end))
        run--;
    return run;
}

static void add_quoted_byte(struct buffer *into, char byte)
{
    const char quoted[] = {'=', hex_digits[(unsigned char)byte >> 4], hex_digits[(unsigned char)byte & 15]};
    buffer_add(into, quoted, sizeof quoted);
}

// Text with LF line ends.
static void add_quoted_printable(struct buffer *into, const char *text, size_t length)
{
    const size_t most = LINE_MAX_BYTES - 1; // and the "=" of a line that goes on
    size_t used = 0;
    for (const char *at = text, *end = text + length; at < end;) {
        size_t run = used > 0 || may_begin_line(at, end) ? plain_run(at, end, most - used) : 0;
        buffer_add(into, at, run);
        at += run;
        used += run;
        if (at == end)
            break;
        if (*at == '\n') {
            buffer_add_string(into, "\r\n");
            used = 0;
            at++;
        } else if (used + (stands_for_itself(at, end) ? 1 : 3) > most) {
            buffer_add_string(into, "=\r\n");
            used = 0;
        } else {
            add_quoted_byte(into, *at++);
            used += 3;
        }
    }
}

// --- Encoded words (RFC 2047) ---

// The bytes that may stand for themselves in a Q word wherever it is used, in a phrase too (section 5, (3)).
static bool is_q_safe(char c)
{
    return is_letter_or_digit(c) || strchr("!*+-/", c) != NULL;
}

static size_t q_length(const char *bytes, size_t length)
{
    size_t sum = 0;
    for (size_t i = 0; i < length; i++)
        sum += bytes[i] == ' ' || is_q_safe(bytes[i]) ? 1 : 3;
    return sum;
}

static size_t b_length(size_t length)
{
    return (length + 2) / 3 * 4;
}

static void add_q(struct buffer *into, const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] == ' ')
            buffer_add_char(into, '_');
        else if (is_q_safe(bytes[i]))
            buffer_add_char(into, bytes[i]);
        else
            buffer_format(into, "=%02X", (unsigned char)bytes[i]);
    }
}

// How many bytes of clean text fit into `room` encoded ones without cutting a character in two.
static size_t fitting(const char *text, const char *end, bool q, size_t room)
{
    const char *at = text;
    size_t q_sum = 0;
    for (const char *next = text; next < end; at = next) {
        utf8_next(&next, end);
        q_sum += q_length(at, (size_t)(next - at));
        if ((q ? q_sum : b_length((size_t)(next - text))) > room)
            break;
    }
    return (size_t)(at - text);
}

static size_t column(const struct buffer *into)
{
    const char *line = into->length ? memrchr(into->data, '\n', into->length) : NULL;
    return line ? (size_t)(into->data + into->length - line - 1) : into->length;
}

// Clean text as encoded words, folded; Q as long as most of it stays readable, else base64. Blanks between
// the words do not count, so those of the text stand inside.
static void add_encoded_words(struct buffer *into, const char *text, size_t length)
{
    static const char begin[2][11] = {"=?UTF-8?B?", "=?UTF-8?Q?"};
    bool q = q_length(text, length) <= b_length(length) * 3 / 2;
    size_t room = LINE_MAX_BYTES - column(into);
    for (const char *at = text, *end = text + length; at < end;) {
        if (at > text) {
            buffer_add_string(into, "\r\n ");
            room = ENCODED_WORD_MAX_BYTES;
        }
        size_t piece = fitting(at, end, q, room - ENCODED_WORD_FRAME);
        assert(piece > 0);
        buffer_add_string(into, begin[q]);
        (q ? add_q : add_base64)(into, at, piece);
        buffer_add_string(into, "?=");
        at += piece;
    }
}

// --- Header fields ---

static void clean_line(const char *text, struct buffer *ret_line)
{
    utf8_add_clean(ret_line, text, strlen(text), UTF8_ONE_LINE);
    while (ret_line->length > 0 && ret_line->data[ret_line->length - 1] == ' ')
        ret_line->data[--ret_line->length] = '\0';
}

// True when the clean text needs no encoding and fits into the line.
static bool is_simple(const struct buffer *text, size_t room)
{
    if (text->length == 0)
        return true;
    for (size_t i = 0; i < text->length; i++)
        if ((unsigned char)text->data[i] >= 0x7f)
            return false;
    return text->length <= room && text->data[0] != ' ' && strstr(text->data, "=?") == NULL;
}

static void add_subject(struct buffer *into, const char *subject)
{
    struct buffer line = {0};
    clean_line(subject, &line);
    buffer_add_string(into, "Subject: ");
    if (is_simple(&line, LINE_MAX_BYTES - column(into)))
        buffer_add(into, line.data, line.length);
    else
        add_encoded_words(into, line.data, line.length);
    buffer_add_string(into, "\r\n");
    buffer_done(&line);
}

static void add_quoted_string(struct buffer *into, const char *text)
{
    buffer_add_char(into, '"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            buffer_add_char(into, '\\');
        buffer_add_char(into, *text);
    }
    buffer_add_char(into, '"');
}

static void add_from(struct buffer *into, const char *name, const char *address)
{
    struct buffer line = {0};
    if (name)
        clean_line(name, &line);
    buffer_add_string(into, "From:");
    if (line.length > 0) {
        buffer_add_char(into, ' ');
        // Half a line: every character may need a backslash.
        if (is_simple(&line, (LINE_MAX_BYTES - column(into)) / 2 - 1))
            add_quoted_string(into, line.data);
        else
            add_encoded_words(into, line.data, line.length);
        if (column(into) + strlen(address) + 3 > LINE_MAX_BYTES)
            buffer_add_string(into, "\r\n");
    }
    buffer_format(into, line.length ? " <%s>\r\n" : " %s\r\n", address);
    buffer_done(&line);
}

static void add_date(struct buffer *into, const struct zone *zone, instant at)
{
    static const char weekdays[][4] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct civil_time local = zone_to_civil(zone, at);
    struct ymd ymd = civil_to_ymd(local.date);
    int minutes = (local.offset < 0 ? -local.offset : local.offset) / 60;
    buffer_format(into, "Date: %s, %d %s %04d %02d:%02d:%02d %c%02d%02d\r\n",
                  weekdays[civil_weekday(local.date)], ymd.day, months[ymd.month - 1], ymd.year,
                  local.second / 3600, local.second / 60 % 60, local.second % 60,
                  local.offset < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

static void add_header(struct buffer *into, const struct message *message)
{
    add_date(into, message->zone, message->date);
    add_from(into, message->from_name, message->from_address);
    buffer_format(into, "To: %s\r\n", message->to_address);
    add_subject(into, message->subject);
    buffer_format(into, "Message-ID: <%s@%s>\r\n", message->message_key, message->message_host);
    if (message->thread_key)
        buffer_format(into, "In-Reply-To: <%s@%s>\r\nReferences: <%s@%s>\r\n", message->thread_key,
                      message->message_host, message->thread_key, message->message_host);
    buffer_add_string(into, "Auto-Submitted: auto-generated\r\n"
                            "X-Auto-Response-Suppress: All\r\n"
                            "MIME-Version: 1.0\r\n");
}

// --- Body ---

// A boundary begins with "=_", which neither quoted-printable nor base64 can ever produce: it cannot stand in
// a part, whatever the part says.
static void add_multipart(struct buffer *into, const char *subtype, const char *key, char level)
{
    buffer_format(into, "Content-Type: multipart/%s;\r\n boundary=\"=_%s%c\"\r\n\r\n", subtype, key, level);
}

static void add_boundary(struct buffer *into, const char *key, char level, const char *end)
{
    buffer_format(into, "--=_%s%c%s\r\n", key, level, end);
}

static void add_text_part(struct buffer *into, const char *subtype, const char *text)
{
    struct buffer clean = {0};
    utf8_add_clean(&clean, text, strlen(text), UTF8_LINES);
    buffer_format(into,
                  "Content-Type: text/%s; charset=utf-8\r\n"
                  "Content-Transfer-Encoding: quoted-printable\r\n\r\n",
                  subtype);
    add_quoted_printable(into, clean.data, clean.length);
    buffer_add_string(into, "\r\n");
    buffer_done(&clean);
}

static void add_alternative(struct buffer *into, const struct message *message)
{
    const char *key = message->message_key;
    add_multipart(into, "alternative", key, 'a');
    add_boundary(into, key, 'a', "");
    add_text_part(into, "plain", message->text);
    add_boundary(into, key, 'a', "");
    add_text_part(into, "html", message->html);
    add_boundary(into, key, 'a', "--");
}

static const char *method_of(bool cancelled)
{
    return cancelled ? "CANCEL" : "PUBLISH";
}

static void add_calendar_part(struct buffer *into, const struct message_calendar *calendar)
{
    buffer_format(into,
                  "Content-Type: text/calendar; charset=utf-8; method=%s;\r\n name=\"frist.ics\"\r\n"
                  "Content-Disposition: attachment; filename=\"frist.ics\"\r\n"
                  "Content-Transfer-Encoding: base64\r\n\r\n",
                  method_of(calendar->cancelled));
    add_base64_lines(into, calendar->object, strlen(calendar->object));
}

static int check(const struct message *message, struct error *err)
{
    // Which address it is stays out of the words: they go into the log.
    if (!message_address_is_sound(message->from_address))
        return error_set(err, "the sender's address cannot be used: write it as name@host.domain");
    if (!message_address_is_sound(message->to_address))
        return error_set(err, "the recipient's address cannot be used: it must be name@host.domain");
    if (!is_host_name(message->message_host, strlen(message->message_host)))
        return error_set(err, "the host part of Message-IDs is not a host name");
    if (!is_key(message->message_key) || (message->thread_key && !is_key(message->thread_key)))
        return error_set(err, "a message's key must be 1 to %d digits 0-9, a-f", KEY_MAX);
    return 0;
}

int message_build(const struct message *message, struct buffer *into, struct error *err)
{
    if (check(message, err) < 0)
        return -1;
    const char *key = message->message_key;
    add_header(into, message);
    if (message->calendar_count == 0) {
        add_alternative(into, message);
        return 0;
    }
    add_multipart(into, "mixed", key, 'm');
    add_boundary(into, key, 'm', "");
    add_alternative(into, message);
    for (size_t i = 0; i < message->calendar_count; i++) {
        add_boundary(into, key, 'm', "");
        add_calendar_part(into, &message->calendars[i]);
    }
    add_boundary(into, key, 'm', "--");
    return 0;
}

// --- Calendar entry (RFC 5545) ---

// Writes a content line, folded between characters.
static void add_folded(struct buffer *into, const char *line, size_t length)
{
    size_t room = CALENDAR_LINE_MAX, used = 0;
    for (const char *at = line, *end = line + length, *next = at; at < end; at = next) {
        utf8_next(&next, end);
        if (used + (size_t)(next - at) > room) {
            buffer_add_string(into, "\r\n ");
            room = CALENDAR_LINE_MAX - 1; // the blank counts
            used = 0;
        }
        buffer_add(into, at, (size_t)(next - at));
        used += (size_t)(next - at);
    }
    buffer_add_string(into, "\r\n");
}

static void add_property(struct buffer *into, const char *name, const char *value, const char *escape)
{
    struct buffer clean = {0}, line = {0};
    utf8_add_clean(&clean, value, strlen(value), UTF8_ONE_LINE);
    buffer_add_string(&line, name);
    for (size_t i = 0; i < clean.length; i++) {
        if (strchr(escape, clean.data[i]))
            buffer_add_char(&line, '\\');
        buffer_add_char(&line, clean.data[i]);
    }
    add_folded(into, line.data, line.length);
    buffer_done(&line);
    buffer_done(&clean);
}

static void add_calendar_date(struct buffer *into, const char *name, civil_date date)
{
    struct ymd ymd = civil_to_ymd(date);
    buffer_format(into, "%s;VALUE=DATE:%04d%02d%02d\r\n", name, ymd.year, ymd.month, ymd.day);
}

static void add_stamp(struct buffer *into, instant stamp)
{
    int64_t second = (stamp % 86400 + 86400) % 86400;
    struct ymd ymd = civil_to_ymd((civil_date)((stamp - second) / 86400));
    buffer_format(into, "DTSTAMP:%04d%02d%02dT%02d%02d%02dZ\r\n", ymd.year, ymd.month, ymd.day,
                  (int)(second / 3600), (int)(second / 60 % 60), (int)(second % 60));
}

// RFC 5546 wants one of what is published or taken back. The local part of an address may hold what means
// something else in a URI (RFC 6068).
static void add_organizer(struct buffer *into, const char *address)
{
    struct buffer uri = {0};
    buffer_add_string(&uri, "mailto:");
    for (const char *c = address; *c; c++)
        if (strchr("%#?&/`{|}^", *c))
            buffer_format(&uri, "%%%02X", (unsigned char)*c);
        else
            buffer_add_char(&uri, *c);
    add_property(into, "ORGANIZER:", uri.data, "");
    buffer_done(&uri);
}

void message_calendar_entry(const struct calendar_entry *entry, struct buffer *into)
{
    static const char text_escapes[] = "\\;,", none[] = "";
    struct buffer uid = {0};
    buffer_format(&uid, "%s@%s", entry->uid_key, entry->host);
    buffer_format(into,
                  "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//fristd//fristd//DA\r\n"
                  "METHOD:%s\r\nBEGIN:VEVENT\r\n",
                  method_of(entry->cancelled));
    add_property(into, "UID:", uid.data, none);
    add_stamp(into, entry->stamp);
    // The date may move: a later entry with the same UID has to win over the earlier one, so the sequence
    // grows with time (minutes fit its 32 bits until the year 6053).
    buffer_format(into, "SEQUENCE:%d\r\n", (int)(entry->stamp / 60));
    add_organizer(into, entry->organizer);
    add_calendar_date(into, "DTSTART", entry->due);
    add_calendar_date(into, "DTEND", entry->due + 1);
    add_property(into, "SUMMARY:", entry->summary, text_escapes);
    if (entry->link)
        add_property(into, "URL:", entry->link, none);
    // Private, since calendars are shared; transparent, since a deadline does not occupy the day.
    buffer_format(into, "STATUS:%s\r\nTRANSP:TRANSPARENT\r\nCLASS:PRIVATE\r\n",
                  entry->cancelled ? "CANCELLED" : "CONFIRMED");
    if (!entry->cancelled) {
        buffer_add_string(into, "BEGIN:VALARM\r\nACTION:DISPLAY\r\n");
        add_property(into, "DESCRIPTION:", entry->summary, text_escapes);
        // Nine in the morning of the day before.
        buffer_add_string(into, "TRIGGER:-PT15H\r\nEND:VALARM\r\n");
    }
    buffer_add_string(into, "END:VEVENT\r\nEND:VCALENDAR\r\n");
    buffer_done(&uid);
}
