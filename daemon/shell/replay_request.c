// SPDX-License-Identifier: MPL-2.0
#include "shell/replay_request.h"

#include "core/utf8.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const struct replay_refusal too_large = {"too_large", "a request has at most 1024 bytes"};
static const struct replay_refusal not_utf8 = {"not_utf8", "the payload is not UTF-8"};
static const struct replay_refusal not_json = {"not_json",
                                               "the payload must be one JSON object: {\"from\": 120}"};
static const struct replay_refusal wrong_field = {
    "wrong_field",
    "the fields are from, to (numbers, or the text of a sequence) and correlation (a text of at most 128 "
    "characters); from is needed"};
static const struct replay_refusal range = {"range",
                                            "from and to must be at least 1, and to not less than from"};
static const struct replay_refusal too_many = {
    "too_many", "one answer has at most 10000 events; leave out to, and go on where the answer says"};

const struct replay_refusal replay_refused_topic = {
    "response_topic", "answers go to your reply topic (fristd/v1/{site}/reply/{requester}) or one below it"};
const struct replay_refusal replay_refused_correlation = {"too_large",
                                                          "correlation data has at most 256 bytes"};
const struct replay_refusal replay_refused_often = {
    "too_often",
    "more requests a minute than allowed (12 from one requester, 60 in all); until it is over they are not "
    "answered"};
const struct replay_refusal replay_refused_busy = {
    "busy", "too many requests are waiting (2 of one requester, 16 in all); ask when they are answered"};
const struct replay_refusal replay_refused_unavailable = {
    "unavailable", "the journal cannot be read now; ask again in a minute"};

const char *replay_requester(const char *topic)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    const char *slash = strrchr(topic, '/');
    if (slash == NULL)
        return NULL;
    size_t length = strlen(slash + 1);
    bool fits = length >= 1 && length <= REPLAY_REQUESTER_MAX && strspn(slash + 1, allowed) == length;
    return fits ? slash + 1 : NULL;
}

static bool is_utf8(const char *text, size_t length)
{
    for (const char *end = text + length; text < end;)
        if (utf8_next(&text, end) == UTF8_BAD)
            return false;
    return true;
}

static bool read_digits(const char *text, int64_t *ret_number)
{
    size_t length = strlen(text);
    if (length < 1 || length > 19 || strspn(text, "0123456789") != length)
        return false;
    errno = 0;
    *ret_number = strtoll(text, NULL, 10);
    return errno == 0;
}

static bool read_sequence(const json_t *value, int64_t *ret_number)
{
    if (json_is_string(value))
        return strlen(json_string_value(value)) == json_string_length(value) &&
               read_digits(json_string_value(value), ret_number);
    *ret_number = json_integer_value(value);
    return json_is_integer(value);
}

static bool read_correlation(const json_t *value, struct replay_request *request)
{
    const char *text = json_string_value(value);
    size_t length = json_string_length(value), characters = 0;
    if (text == NULL || strlen(text) != length)
        return false;
    for (const char *at = text; at < text + length; characters++)
        utf8_next(&at, text + length);
    if (characters > REPLAY_CORRELATION_MAX)
        return false;
    memcpy(request->correlation, text, length + 1);
    request->has_correlation = true;
    return true;
}

// The correlation first, so that a refusal of the rest can carry it.
static bool read_fields(json_t *object, struct replay_request *request)
{
    const char *key;
    json_t *value, *correlation = json_object_get(object, "correlation");
    bool good = correlation == NULL || read_correlation(correlation, request);
    json_object_foreach(object, key, value)
    {
        if (strcmp(key, "from") == 0)
            good &= read_sequence(value, &request->from);
        else if (strcmp(key, "to") == 0)
            good &= read_sequence(value, &request->to);
        else
            good &= strcmp(key, "correlation") == 0;
    }
    return good && json_object_get(object, "from") != NULL;
}

const struct replay_refusal *replay_request_read(const char *payload, size_t length,
                                                 struct replay_request *ret_request)
{
    *ret_request = (struct replay_request){.to = INT64_MAX};
    if (length > REPLAY_REQUEST_MAX)
        return &too_large;
    if (!is_utf8(payload, length))
        return &not_utf8;
    json_t *object = length > 0 ? json_loadb(payload, length, JSON_REJECT_DUPLICATES, NULL) : NULL;
    if (!json_is_object(object)) {
        json_decref(object);
        return &not_json;
    }
    bool good = read_fields(object, ret_request);
    json_decref(object);
    if (!good)
        return &wrong_field;
    if (ret_request->from < 1 || ret_request->to < ret_request->from)
        return &range;
    if (ret_request->to != INT64_MAX && ret_request->to - ret_request->from >= REPLAY_EVENTS_MAX)
        return &too_many;
    return NULL;
}
