// SPDX-License-Identifier: MPL-2.0
// The binary forms of parameters and arrays as the server's receive functions read them: big-endian, times
// counted from the year 2000. Everything of one list lies in one buffer, so an array of a thousand elements
// costs a few growths of it.
#include "shell/postgres.h"
#include "shell/postgres_types.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

#define ENTRIES_MAX                                                                                          \
    ((int)(sizeof((struct postgres_params *)0)->entries / sizeof(((struct postgres_params *)0)->entries[0])))

static void add_int32(struct buffer *bytes, int32_t value)
{
    uint32_t big = htobe32((uint32_t)value);
    buffer_add(bytes, &big, sizeof big);
}

static void add_int64(struct buffer *bytes, int64_t value)
{
    uint64_t big = htobe64((uint64_t)value);
    buffer_add(bytes, &big, sizeof big);
}

static int64_t server_instant(instant at)
{
    return (at - POSTGRES_EPOCH_INSTANT) * 1000000;
}

static void begin(struct postgres_params *params, uint32_t type, bool is_null)
{
    assert(params->open_array == 0);
    assert(params->count < ENTRIES_MAX);
    params->entries[params->count].type = type;
    params->entries[params->count].offset = is_null ? -1 : (ptrdiff_t)params->bytes.length;
    params->entries[params->count].length = 0;
    params->count++;
}

// The last parameter ends where the bytes end.
static void end(struct postgres_params *params)
{
    int last = params->count - 1;
    size_t length = params->bytes.length - (size_t)params->entries[last].offset;
    assert(length <= INT32_MAX);
    params->entries[last].length = (int)length;
}

void postgres_param_text(struct postgres_params *params, const char *text)
{
    begin(params, POSTGRES_TYPE_TEXT, text == NULL);
    if (text == NULL)
        return;
    // An empty text still needs an address to stand at.
    buffer_add(&params->bytes, text, strlen(text));
    end(params);
}

void postgres_param_int8(struct postgres_params *params, int64_t value)
{
    begin(params, POSTGRES_TYPE_INT8, false);
    add_int64(&params->bytes, value);
    end(params);
}

void postgres_param_bool(struct postgres_params *params, bool value)
{
    begin(params, POSTGRES_TYPE_BOOL, false);
    buffer_add_char(&params->bytes, value ? 1 : 0);
    end(params);
}

void postgres_param_instant(struct postgres_params *params, instant at)
{
    begin(params, POSTGRES_TYPE_TIMESTAMPTZ, at == INSTANT_NONE);
    if (at == INSTANT_NONE)
        return;
    add_int64(&params->bytes, server_instant(at));
    end(params);
}

void postgres_param_date(struct postgres_params *params, civil_date date)
{
    begin(params, POSTGRES_TYPE_DATE, date == CIVIL_NONE);
    if (date == CIVIL_NONE)
        return;
    add_int32(&params->bytes, date - POSTGRES_EPOCH_DATE);
    end(params);
}

static const struct {
    uint32_t array, element;
} array_types[] = {
    [POSTGRES_TEXTS] = {POSTGRES_TYPE_TEXT_ARRAY, POSTGRES_TYPE_TEXT},
    [POSTGRES_INT8S] = {POSTGRES_TYPE_INT8_ARRAY, POSTGRES_TYPE_INT8},
    [POSTGRES_BOOLS] = {POSTGRES_TYPE_BOOL_ARRAY, POSTGRES_TYPE_BOOL},
    [POSTGRES_INSTANTS] = {POSTGRES_TYPE_TIMESTAMPTZ_ARRAY, POSTGRES_TYPE_TIMESTAMPTZ},
    [POSTGRES_DATES] = {POSTGRES_TYPE_DATE_ARRAY, POSTGRES_TYPE_DATE},
};

void postgres_array_null(struct postgres_params *params, enum postgres_array type)
{
    begin(params, array_types[type].array, true);
}

void postgres_array_begin(struct postgres_params *params, enum postgres_array type, int count)
{
    assert(count >= 0);
    begin(params, array_types[type].array, false);
    add_int32(&params->bytes, count > 0 ? 1 : 0); // dimensions: an empty array has none
    add_int32(&params->bytes, 1);                 // there may be NULLs
    add_int32(&params->bytes, (int32_t)array_types[type].element);
    if (count > 0) {
        add_int32(&params->bytes, count);
        add_int32(&params->bytes, 1); // index of the first element
    }
    end(params);
    params->open_array = count;
}

static void element_done(struct postgres_params *params)
{
    assert(params->open_array > 0);
    params->open_array--;
    end(params);
}

static void add_null_element(struct postgres_params *params)
{
    add_int32(&params->bytes, -1);
    element_done(params);
}

void postgres_array_text(struct postgres_params *params, const char *text)
{
    if (text == NULL) {
        add_null_element(params);
        return;
    }
    size_t length = strlen(text);
    assert(length <= INT32_MAX);
    add_int32(&params->bytes, (int32_t)length);
    buffer_add(&params->bytes, text, length);
    element_done(params);
}

void postgres_array_int8(struct postgres_params *params, int64_t value)
{
    add_int32(&params->bytes, 8);
    add_int64(&params->bytes, value);
    element_done(params);
}

void postgres_array_bool(struct postgres_params *params, bool value)
{
    add_int32(&params->bytes, 1);
    buffer_add_char(&params->bytes, value ? 1 : 0);
    element_done(params);
}

void postgres_array_instant(struct postgres_params *params, instant at)
{
    if (at == INSTANT_NONE) {
        add_null_element(params);
        return;
    }
    add_int32(&params->bytes, 8);
    add_int64(&params->bytes, server_instant(at));
    element_done(params);
}

void postgres_array_date(struct postgres_params *params, civil_date date)
{
    if (date == CIVIL_NONE) {
        add_null_element(params);
        return;
    }
    add_int32(&params->bytes, 4);
    add_int32(&params->bytes, date - POSTGRES_EPOCH_DATE);
    element_done(params);
}

void postgres_params_clear(struct postgres_params *params)
{
    buffer_clear(&params->bytes);
    params->count = 0;
    params->open_array = 0;
}

void postgres_params_done(struct postgres_params *params)
{
    buffer_done(&params->bytes);
    *params = (struct postgres_params){0};
}
