// SPDX-License-Identifier: MPL-2.0
// Any bytes in any field of a message: it is refused, or it keeps its shape on the wire.
#include "fuzz.h"

#include "core/message.h"

#include <stdlib.h>
#include <string.h>

// A zone without changes of the clock: a TZif file of version 2 (RFC 8536) with a footer only.
static const struct zone *utc(void)
{
    static struct zone *zone;
#define HEADER                                                                                               \
    "TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"                                                                    \
    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\4"
#define DATA "\0\0\0\0\0\0UTC\0"
    static const char tzif[] = HEADER DATA HEADER DATA "\nUTC0\n";
    if (zone == NULL && zone_parse("UTC", tzif, sizeof tzif - 1, &zone, NULL) < 0)
        abort();
    return zone;
}

#define FIELDS 9

// Cuts the input at its zero bytes into that many strings; what is missing is "".
static void cut(const uint8_t *data, size_t size, char **ret_copy, const char *ret_fields[FIELDS])
{
    char *copy = malloc(size + 1);
    if (copy == NULL)
        abort();
    if (size > 0)
        memcpy(copy, data, size);
    copy[size] = '\0';
    char *at = copy;
    for (int i = 0; i < FIELDS; i++) {
        ret_fields[i] = at;
        at += strlen(at);
        if (at < copy + size)
            at++;
    }
    *ret_copy = copy;
}

static void check_lines(const struct buffer *bytes)
{
    if (strlen(bytes->data) != bytes->length)
        abort();
    for (const char *line = bytes->data, *end; *line; line = end + 2) {
        end = strstr(line, "\r\n");
        if (end == NULL || end - line > 998 || *line == '.' || memchr(line, '\n', (size_t)(end - line)) ||
            memchr(line, '\r', (size_t)(end - line)))
            abort();
        for (const char *c = line; c < end; c++)
            if ((*c < ' ' && *c != '\t') || *c > '~')
                abort();
    }
}

// Field names at line starts before the first empty line.
static void check_header(const struct buffer *bytes, int expected)
{
    int found = 0;
    for (const char *line = bytes->data; strncmp(line, "\r\n", 2) != 0; line = strstr(line, "\r\n") + 2)
        found += *line != ' ';
    if (found != expected)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *fields[FIELDS];
    char *copy;
    cut(data, size, &copy, fields);
    struct buffer bytes = {0}, entry = {0};
    message_calendar_entry(&(struct calendar_entry){.uid_key = "1",
                                                    .host = fields[5],
                                                    .organizer = fields[1],
                                                    .summary = fields[2],
                                                    .due = (civil_date)(size % 60000),
                                                    .stamp = (instant)size,
                                                    .link = fields[8],
                                                    .cancelled = size % 2 == 0},
                           &entry);
    struct message_calendar attached = {entry.data, size % 2 == 0};
    struct message message = {.from_name = fields[0],
                              .from_address = "a@x.dk",
                              .to_address = "b@x.dk",
                              .message_key = "1",
                              .thread_key = "2",
                              .message_host = "x.dk",
                              .subject = fields[2],
                              .text = fields[3],
                              .html = fields[4],
                              .date = 0,
                              .zone = utc(),
                              .calendars = &attached,
                              .calendar_count = 1};
    if (message_build(&message, &bytes, NULL) < 0)
        abort();
    check_lines(&bytes);
    check_header(&bytes, 11);
    // And what is checked instead of encoded
    buffer_clear(&bytes);
    message.to_address = fields[1];
    message.message_host = fields[5];
    message.message_key = fields[6];
    message.thread_key = fields[7];
    if (message_build(&message, &bytes, NULL) == 0) {
        check_lines(&bytes);
        check_header(&bytes, 11);
    } else if (bytes.length != 0) {
        abort();
    }
    buffer_done(&bytes);
    buffer_done(&entry);
    free(copy);
    return 0;
}
