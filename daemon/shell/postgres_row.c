// SPDX-License-Identifier: MPL-2.0
// The binary forms of values as the server's send functions write them.
#include "shell/postgres_result.h"
#include "shell/postgres_types.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

bool postgres_is_null(const struct postgres_row *row, int column)
{
    return PQgetisnull(row->result, row->number, column);
}

const char *postgres_text(const struct postgres_row *row, int column, size_t *ret_length)
{
    if (ret_length)
        *ret_length = (size_t)PQgetlength(row->result, row->number, column);
    return PQgetvalue(row->result, row->number, column);
}

static int32_t read_int32(const char *bytes)
{
    uint32_t big;
    memcpy(&big, bytes, sizeof big);
    return (int32_t)be32toh(big);
}

static int64_t read_int64(const char *bytes)
{
    uint64_t big;
    memcpy(&big, bytes, sizeof big);
    return (int64_t)be64toh(big);
}

static const char *value_of_type(const struct postgres_row *row, int column, Oid type)
{
    assert(PQftype(row->result, column) == type);
    return PQgetvalue(row->result, row->number, column);
}

int64_t postgres_int8(const struct postgres_row *row, int column)
{
    const char *bytes = PQgetvalue(row->result, row->number, column);
    if (PQgetisnull(row->result, row->number, column))
        return 0;
    uint16_t big;
    switch (PQftype(row->result, column)) {
    case POSTGRES_TYPE_INT2:
        memcpy(&big, bytes, sizeof big);
        return (int16_t)be16toh(big);
    case POSTGRES_TYPE_INT4:
        return read_int32(bytes);
    default:
        return read_int64(value_of_type(row, column, POSTGRES_TYPE_INT8));
    }
}

bool postgres_bool(const struct postgres_row *row, int column)
{
    return !PQgetisnull(row->result, row->number, column) &&
           *value_of_type(row, column, POSTGRES_TYPE_BOOL) != 0;
}

int postgres_instant(const struct postgres_row *row, int column, instant *ret_at)
{
    *ret_at = INSTANT_NONE;
    if (PQgetisnull(row->result, row->number, column))
        return 0;
    // The two infinities are the largest and the smallest number, far outside the promised years.
    int64_t microseconds = read_int64(value_of_type(row, column, POSTGRES_TYPE_TIMESTAMPTZ));
    int64_t seconds = microseconds / 1000000 - (microseconds % 1000000 < 0) + POSTGRES_EPOCH_INSTANT;
    if (seconds < (int64_t)civil_from_ymd(CIVIL_YEAR_MIN, 1, 1) * 86400 ||
        seconds >= (int64_t)civil_from_ymd(CIVIL_YEAR_MAX + 1, 1, 1) * 86400)
        return -1;
    *ret_at = seconds;
    return 0;
}

int postgres_date(const struct postgres_row *row, int column, civil_date *ret_date)
{
    *ret_date = CIVIL_NONE;
    if (PQgetisnull(row->result, row->number, column))
        return 0;
    int64_t date = (int64_t)read_int32(value_of_type(row, column, POSTGRES_TYPE_DATE)) + POSTGRES_EPOCH_DATE;
    if (date < civil_from_ymd(CIVIL_YEAR_MIN, 1, 1) || date >= civil_from_ymd(CIVIL_YEAR_MAX + 1, 1, 1))
        return -1;
    *ret_date = (civil_date)date;
    return 0;
}

uint32_t postgres_column_type(const struct postgres_row *row, int column)
{
    return PQftype(row->result, column);
}

int postgres_column_count(const struct postgres_row *row)
{
    return PQnfields(row->result);
}

const char *postgres_column_name(const struct postgres_row *row, int column)
{
    return PQfname(row->result, column);
}
