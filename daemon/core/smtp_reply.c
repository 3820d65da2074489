// SPDX-License-Identifier: MPL-2.0
#include "core/smtp_reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PREFIX 4 // "250-"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

// The length of "5.1.1" at the start of `text`, 0 when there is none. It must agree with the reply's code.
static size_t enhanced_length(const char *text, size_t length, int code)
{
    size_t at = 0;
    for (int part = 0; part < 3; part++) {
        size_t digits = 0;
        while (at + digits < length && is_digit(text[at + digits]))
            digits++;
        if (digits == 0 || digits > 3 || (part == 0 && (digits != 1 || text[at] != '0' + code / 100)))
            return 0;
        at += digits;
        if (part < 2) {
            if (at == length || text[at] != '.')
                return 0;
            at++;
        }
    }
    return at == length || text[at] == ' ' ? at : 0;
}

// Servers repeat the enhanced code on each line; it is kept once, apart from the text.
static void add_text(struct smtp_reply_reader *reader, const char *text, size_t length)
{
    struct smtp_reply *reply = &reader->reply;
    size_t enhanced = enhanced_length(text, length, reply->code);
    if (enhanced > 0 && enhanced < sizeof reply->enhanced) {
        if (reply->enhanced[0] == '\0')
            memcpy(reply->enhanced, text, enhanced);
        text += enhanced;
        length -= enhanced;
        if (length > 0) {
            text++;
            length--;
        }
    }
    size_t room = sizeof reply->text - 1 - reader->text_length;
    if (reader->text_length > 0 && length > 0 && room > 0) {
        reply->text[reader->text_length++] = ' ';
        room--;
    }
    if (length > room) {
        length = room;
        reader->cut = true;
    }
    memcpy(reply->text + reader->text_length, text, length);
    reader->text_length += length;
}

static enum smtp_reply_status end_line(struct smtp_reply_reader *reader)
{
    const char *line = reader->line;
    size_t length = reader->line_length;
    if (length > 0 && line[length - 1] == '\r')
        length--;
    if (length < PREFIX - 1 || line[0] < '2' || line[0] > '5' || !is_digit(line[1]) || !is_digit(line[2]))
        return SMTP_REPLY_BROKEN;
    bool last = length < PREFIX || line[PREFIX - 1] == ' ';
    if (!last && line[PREFIX - 1] != '-')
        return SMTP_REPLY_BROKEN;
    int code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
    if (reader->reply.code != 0 && code != reader->reply.code)
        return SMTP_REPLY_BROKEN;
    reader->reply.code = code;
    if (length > PREFIX)
        add_text(reader, line + PREFIX, length - PREFIX);
    reader->line_length = 0;
    return last ? SMTP_REPLY_COMPLETE : SMTP_REPLY_MORE;
}

static void begin(struct smtp_reply_reader *reader)
{
    reader->reply.code = 0;
    memset(reader->reply.enhanced, 0, sizeof reader->reply.enhanced);
    reader->line_length = reader->reply_length = reader->text_length = 0;
    reader->begun = true;
    reader->cut = false;
}

// Half a word at the cut could be half an address that nobody recognizes as one.
static void end_text(struct smtp_reply_reader *reader)
{
    size_t length = reader->text_length;
    if (reader->cut)
        while (length > 0 && reader->reply.text[length - 1] != ' ')
            length--;
    reader->reply.text[length] = '\0';
}

enum smtp_reply_status smtp_reply_read(struct smtp_reply_reader *reader, const char *bytes, size_t length,
                                       size_t *ret_used)
{
    *ret_used = 0;
    while (*ret_used < length) {
        if (!reader->begun)
            begin(reader);
        char c = bytes[(*ret_used)++];
        if (++reader->reply_length > SMTP_REPLY_MAX)
            return SMTP_REPLY_BROKEN;
        if (c != '\n') {
            // The end of an over-long line is dropped, but not its CR LF.
            if (reader->line_length < sizeof reader->line)
                reader->line[reader->line_length++] = c;
            else
                reader->cut = true;
            continue;
        }
        enum smtp_reply_status status = end_line(reader);
        if (status == SMTP_REPLY_COMPLETE) {
            end_text(reader);
            reader->begun = false;
        }
        if (status != SMTP_REPLY_MORE)
            return status;
    }
    return SMTP_REPLY_MORE;
}

void smtp_features_note(struct smtp_features *features, const char *line, size_t length)
{
    while (length > 0 && (line[length - 1] == '\n' || line[length - 1] == '\r' || line[length - 1] == ' '))
        length--;
    if (length <= PREFIX)
        return;
    char keyword[64];
    snprintf(keyword, sizeof keyword, "%.*s", (int)(length - PREFIX), line + PREFIX);
    char *parameter = strchr(keyword, ' ');
    if (parameter)
        *parameter++ = '\0';
    if (strcasecmp(keyword, "PIPELINING") == 0) {
        features->pipelining = true;
    } else if (strcasecmp(keyword, "SIZE") == 0) {
        features->size = true;
        features->limit = parameter && is_digit(*parameter) ? strtoul(parameter, NULL, 10) : 0;
    }
}
