// SPDX-License-Identifier: MPL-2.0
// A zone is a row of spans, each with one offset, found by binary search: by the instant it begins for
// UTC to local, by the local time it ends for local to UTC. Looking for the first span that ends after a
// local time gives RFC 5545's answer at both kinds of clock change: within a gap it is the span after it, at
// its beginning; for a time that comes twice it is the earlier span.
#include "core/zone.h"

#include "core/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct span {
    instant begins;     // INT64_MIN for the first
    int64_t local_ends; // from this local time on (in seconds) it is over, and so are all before it
    int offset;
};

struct zone {
    char *name;
    struct span *spans;
    size_t count, capacity;
};

#define OFFSET_LIMIT (26 * 3600) // RFC 8536, section 3.2, rounded up
#define SPANS_MAX    16384       // a hostile file must not make us large

// Transitions outside these years are of no use to anybody here.
#define TABLE_FIRST ((instant)(CIVIL_MIN - 366) * SECONDS_PER_DAY)
#define TABLE_LAST  ((instant)(CIVIL_MAX + 366) * SECONDS_PER_DAY)

// --- building the table ---

static void add_span(struct zone *zone, instant begins, int offset)
{
    MEMORY_GROW(zone->spans, zone->count, zone->capacity);
    zone->spans[zone->count++] = (struct span){.begins = begins, .offset = offset};
}

// From `at` on the offset is `offset`; in ascending order, the last word at one instant wins.
static void add_change(struct zone *zone, instant at, int offset)
{
    while (zone->count > 1 && at <= zone->spans[zone->count - 1].begins)
        zone->count--;
    if (offset != zone->spans[zone->count - 1].offset)
        add_span(zone, at, offset);
}

static void finish_spans(struct zone *zone)
{
    int64_t ends = INT64_MIN;
    for (size_t i = 0; i + 1 < zone->count; i++) {
        int64_t local = zone->spans[i + 1].begins + zone->spans[i].offset;
        ends = local > ends ? local : ends;
        zone->spans[i].local_ends = ends;
    }
    zone->spans[zone->count - 1].local_ends = INT64_MAX;
}

// --- the footer: a POSIX TZ string with the extensions of RFC 8536, section 3.3.1 ---

enum change_form { CHANGE_MONTH_WEEK_DAY, CHANGE_DAY_WITHOUT_LEAP, CHANGE_DAY };

struct change {
    enum change_form form;
    int month, week, day; // day: of the week from Sunday = 0, or of the year
    int second;           // of that day, local time before the change; may be negative
};

struct footer {
    bool changes; // false: one offset for ever
    int standard, summer;
    struct change to_summer, to_standard;
};

struct reader {
    const char *at, *end;
};

static bool accept(struct reader *in, char c)
{
    if (in->at == in->end || *in->at != c)
        return false;
    in->at++;
    return true;
}

static bool read_number(struct reader *in, int min, int max, int *ret_value)
{
    const char *first = in->at;
    int value = 0;
    while (in->at < in->end && *in->at >= '0' && *in->at <= '9' && in->at - first < 4)
        value = value * 10 + (*in->at++ - '0');
    if (in->at == first || value < min || value > max)
        return false;
    *ret_value = value;
    return true;
}

// "CET" or "<+0330>"; what it says does not matter.
static bool skip_name(struct reader *in)
{
    bool quoted = accept(in, '<');
    const char *first = in->at;
    while (in->at < in->end) {
        char c = *in->at;
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !(quoted && ((c >= '0' && c <= '9') || c == '+' || c == '-')))
            break;
        in->at++;
    }
    return in->at - first >= 3 && (!quoted || accept(in, '>'));
}

// [+-]hh[:mm[:ss]]
static bool read_clock(struct reader *in, int max_hours, int *ret_seconds)
{
    int sign = accept(in, '-') ? -1 : 1;
    if (sign == 1)
        (void)accept(in, '+');
    int hours, minutes = 0, seconds = 0;
    if (!read_number(in, 0, max_hours, &hours))
        return false;
    if (accept(in, ':')) {
        if (!read_number(in, 0, 59, &minutes))
            return false;
        if (accept(in, ':') && !read_number(in, 0, 59, &seconds))
            return false;
    }
    *ret_seconds = sign * (hours * 3600 + minutes * 60 + seconds);
    return true;
}

static bool read_change(struct reader *in, struct change *change)
{
    if (!accept(in, ','))
        return false;
    if (accept(in, 'M')) {
        change->form = CHANGE_MONTH_WEEK_DAY;
        if (!read_number(in, 1, 12, &change->month) || !accept(in, '.') ||
            !read_number(in, 1, 5, &change->week) || !accept(in, '.') || !read_number(in, 0, 6, &change->day))
            return false;
    } else if (accept(in, 'J')) {
        change->form = CHANGE_DAY_WITHOUT_LEAP;
        if (!read_number(in, 1, 365, &change->day))
            return false;
    } else {
        change->form = CHANGE_DAY;
        if (!read_number(in, 0, 365, &change->day))
            return false;
    }
    change->second = 2 * 3600;
    return !accept(in, '/') || read_clock(in, 167, &change->second);
}

// Offsets in a POSIX string count westwards.
static bool read_footer(struct reader *in, struct footer *footer)
{
    if (!skip_name(in) || !read_clock(in, 24, &footer->standard))
        return false;
    footer->standard = -footer->standard;
    if (in->at == in->end)
        return true;
    footer->changes = true;
    if (!skip_name(in))
        return false;
    footer->summer = footer->standard + 3600;
    if (in->at < in->end && *in->at != ',') {
        if (!read_clock(in, 24, &footer->summer))
            return false;
        footer->summer = -footer->summer;
    }
    return read_change(in, &footer->to_summer) && read_change(in, &footer->to_standard) && in->at == in->end;
}

static instant change_instant(const struct change *change, int year, int offset_before)
{
    civil_date date = civil_from_ymd(year, 1, 1);
    switch (change->form) {
    case CHANGE_DAY:
        date += change->day;
        break;
    case CHANGE_DAY_WITHOUT_LEAP:
        date += change->day - 1 + (change->day >= 60 && civil_days_in_month(year, 2) == 29);
        break;
    case CHANGE_MONTH_WEEK_DAY: {
        civil_date first = civil_from_ymd(year, change->month, 1);
        int from_monday = (change->day + 6) % 7;
        date = first + (from_monday - (int)civil_weekday(first) + 7) % 7 + (change->week - 1) * 7;
        if (date >= first + civil_days_in_month(year, change->month)) // week 5 means the last
            date -= 7;
        break;
    }
    }
    return (instant)date * SECONDS_PER_DAY + change->second - offset_before;
}

// Unrolls the footer: it speaks of the time after the last transition of the file.
static void add_footer(struct zone *zone, const struct footer *footer, instant after)
{
    if (!footer->changes) {
        if (zone->count == 1)
            zone->spans[0].offset = footer->standard;
        return;
    }
    int first_year = civil_to_ymd((civil_date)(after / SECONDS_PER_DAY)).year;
    for (int year = first_year - 1; year <= CIVIL_YEAR_MAX + 1; year++) {
        struct {
            instant at;
            int offset;
        } summer = {change_instant(&footer->to_summer, year, footer->standard), footer->summer},
          standard = {change_instant(&footer->to_standard, year, footer->summer), footer->standard};
        bool summer_first = summer.at < standard.at;
        if (summer_first && summer.at > after)
            add_change(zone, summer.at, summer.offset);
        if (standard.at > after)
            add_change(zone, standard.at, standard.offset);
        if (!summer_first && summer.at > after)
            add_change(zone, summer.at, summer.offset);
    }
}

// --- the file: RFC 8536, section 3 ---

struct block {
    size_t time_size; // 4 in version 1, 8 after it
    uint32_t ut_count, standard_count, leap_count, change_count, type_count, name_bytes;
    const unsigned char *data;
};

#define HEADER_SIZE 44
#define TYPE_SIZE   6

static uint32_t get_32(const unsigned char *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static int64_t get_64(const unsigned char *at)
{
    return (int64_t)((uint64_t)get_32(at) << 32 | get_32(at + 4));
}

// Reads the header of a block and steps over the block; false when the bytes do not suffice.
static bool read_block(const unsigned char **at, size_t *left, size_t time_size, struct block *block)
{
    const unsigned char *header = *at;
    if (*left < HEADER_SIZE || memcmp(header, "TZif", 4) != 0)
        return false;
    *block = (struct block){
        .time_size = time_size,
        .ut_count = get_32(header + 20),
        .standard_count = get_32(header + 24),
        .leap_count = get_32(header + 28),
        .change_count = get_32(header + 32),
        .type_count = get_32(header + 36),
        .name_bytes = get_32(header + 40),
        .data = header + HEADER_SIZE,
    };
    uint64_t size = (uint64_t)block->change_count * (time_size + 1) +
                    (uint64_t)block->type_count * TYPE_SIZE + block->name_bytes +
                    (uint64_t)block->leap_count * (time_size + 4) + block->standard_count + block->ut_count;
    if (size > *left - HEADER_SIZE)
        return false;
    *at += HEADER_SIZE + (size_t)size;
    *left -= HEADER_SIZE + (size_t)size;
    return true;
}

static int read_spans(struct zone *zone, const struct block *block, instant *ret_last, struct error *err)
{
    const unsigned char *times = block->data;
    const unsigned char *types = times + (size_t)block->change_count * block->time_size;
    const unsigned char *type_table = types + block->change_count;

    if (block->type_count == 0 || block->type_count > 256)
        return error_set(err, "it has no table of offsets");
    if (block->change_count > SPANS_MAX)
        return error_set(err, "it has %u changes of the clock; at most %d are believed", block->change_count,
                         SPANS_MAX);
    for (uint32_t i = 0; i < block->type_count; i++) {
        int32_t offset = (int32_t)get_32(type_table + i * TYPE_SIZE);
        if (offset <= -OFFSET_LIMIT || offset >= OFFSET_LIMIT)
            return error_set(err, "an offset of %d seconds from UTC cannot be", offset);
    }

    instant last = TABLE_FIRST;
    add_span(zone, INT64_MIN, (int32_t)get_32(type_table));
    for (uint32_t i = 0; i < block->change_count; i++) {
        instant at = get_64(times + i * block->time_size);
        if (types[i] >= block->type_count)
            return error_set(err, "a change of the clock names an offset that is not there");
        if (i > 0 && at <= get_64(times + (i - 1) * block->time_size))
            return error_set(err, "its changes of the clock are not in order of time");
        int offset = (int32_t)get_32(type_table + types[i] * TYPE_SIZE);
        if (at < TABLE_FIRST)
            zone->spans[0].offset = offset;
        else if (at < TABLE_LAST)
            add_change(zone, at, offset);
        last = at;
    }
    *ret_last = last < TABLE_FIRST ? TABLE_FIRST : last > TABLE_LAST ? TABLE_LAST : last;
    return 0;
}

static int parse_file(struct zone *zone, const unsigned char *at, size_t left, struct error *err)
{
    struct block first, block;
    instant last = TABLE_FIRST;
    if (left < HEADER_SIZE || memcmp(at, "TZif", 4) != 0)
        return error_set(err, "this is no TZif file");
    if (at[4] < '2')
        return error_set(err, "it is of version 1, which ends in 2037; version 2 or later is needed");
    if (!read_block(&at, &left, 4, &first) || !read_block(&at, &left, 8, &block))
        return error_set(err, "the file is cut off or damaged");
    if (read_spans(zone, &block, &last, err) < 0)
        return -1;

    const char *text = (const char *)at;
    const char *end = left > 1 && text[0] == '\n' ? memchr(text + 1, '\n', left - 1) : NULL;
    if (end == NULL)
        return error_set(err, "the footer is cut off");
    struct reader in = {text + 1, end};
    struct footer footer = {0};
    if (in.at < in.end) {
        if (!read_footer(&in, &footer))
            return error_set(err, "the rule in its footer cannot be read");
        add_footer(zone, &footer, last);
    }
    return 0;
}

int zone_parse(const char *name, const void *tzif, size_t length, struct zone **ret_zone, struct error *err)
{
    struct zone *zone = memory_alloc(sizeof *zone);
    zone->name = memory_copy(name, strlen(name));
    if (parse_file(zone, tzif, length, err) < 0) {
        zone_free(zone);
        return error_prefix(err, "time zone %s", name);
    }
    finish_spans(zone);
    *ret_zone = zone;
    return 0;
}

void zone_free(struct zone *zone)
{
    if (zone == NULL)
        return;
    free(zone->name);
    free(zone->spans);
    free(zone);
}

const char *zone_name(const struct zone *zone)
{
    return zone->name;
}

// --- conversion ---

static const struct span *span_at(const struct zone *zone, instant at)
{
    size_t low = 0, high = zone->count; // spans[low] begins at or before `at`, spans[high] after it
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (zone->spans[middle].begins <= at)
            low = middle;
        else
            high = middle;
    }
    return &zone->spans[low];
}

struct civil_time zone_to_civil(const struct zone *zone, instant at)
{
    static const instant year_1 = -719162LL * SECONDS_PER_DAY + OFFSET_LIMIT;
    static const instant year_9999 = 2932897LL * SECONDS_PER_DAY - 1 - OFFSET_LIMIT;
    at = at < year_1 ? year_1 : at > year_9999 ? year_9999 : at;

    int offset = span_at(zone, at)->offset;
    int64_t local = at + offset;
    int64_t date = local / SECONDS_PER_DAY - (local % SECONDS_PER_DAY < 0);
    return (struct civil_time){
        .date = (civil_date)date,
        .second = (int)(local - date * SECONDS_PER_DAY),
        .offset = offset,
    };
}

civil_date zone_date(const struct zone *zone, instant at)
{
    return zone_to_civil(zone, at).date;
}

bool zone_covers(const struct zone *zone, instant at)
{
    civil_date date = zone_date(zone, at);
    return date >= CIVIL_MIN && date <= CIVIL_MAX;
}

instant zone_to_instant(const struct zone *zone, civil_date date, int second)
{
    assert(second >= 0 && second < SECONDS_PER_DAY);
    int64_t local = (int64_t)date * SECONDS_PER_DAY + second;
    size_t low = 0, high = zone->count - 1; // the answer is spans[low..high]; the last never ends
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (zone->spans[middle].local_ends > local)
            high = middle;
        else
            low = middle + 1;
    }
    instant at = local - zone->spans[low].offset;
    return at > zone->spans[low].begins ? at : zone->spans[low].begins;
}

// --- text ---

static char *put_two(char *at, int value)
{
    *at++ = (char)('0' + value / 10);
    *at++ = (char)('0' + value % 10);
    return at;
}

static char *put_clock(char *at, int seconds, bool with_seconds)
{
    at = put_two(at, seconds / 3600);
    *at++ = ':';
    at = put_two(at, seconds / 60 % 60);
    if (with_seconds) {
        *at++ = ':';
        at = put_two(at, seconds % 60);
    }
    return at;
}

const char *zone_format(const struct zone *zone, instant at, char buffer[ZONE_INSTANT_SIZE])
{
    if (at == INSTANT_NONE) {
        buffer[0] = '\0';
        return buffer;
    }
    struct civil_time local = zone_to_civil(zone, at);
    civil_format_date(local.date, buffer);
    char *end = buffer + CIVIL_DATE_SIZE - 1;
    *end++ = 'T';
    end = put_clock(end, local.second, true);
    int distance = local.offset < 0 ? -local.offset : local.offset;
    *end++ = local.offset < 0 ? '-' : '+';
    end = put_clock(end, distance, distance % 60 != 0);
    *end = '\0';
    return buffer;
}

static bool read_two(struct reader *in, int max, int *ret_value)
{
    if (in->end - in->at < 2 || in->at[0] < '0' || in->at[0] > '9' || in->at[1] < '0' || in->at[1] > '9')
        return false;
    *ret_value = (in->at[0] - '0') * 10 + (in->at[1] - '0');
    in->at += 2;
    return *ret_value <= max;
}

// HH:MM[:SS[.digits]]
static bool read_time_of_day(struct reader *in, int *ret_second)
{
    int hour, minute, second = 0;
    if (!read_two(in, 23, &hour) || !accept(in, ':') || !read_two(in, 59, &minute))
        return false;
    if (accept(in, ':')) {
        if (!read_two(in, 59, &second))
            return false;
        if (accept(in, '.') || accept(in, ',')) {
            const char *first = in->at;
            while (in->at < in->end && *in->at >= '0' && *in->at <= '9')
                in->at++;
            if (in->at == first)
                return false;
        }
    }
    *ret_second = hour * 3600 + minute * 60 + second;
    return true;
}

// Z or ±HH[[:]MM[[:]SS]]
static bool read_offset(struct reader *in, int *ret_offset)
{
    if (accept(in, 'Z')) {
        *ret_offset = 0;
        return true;
    }
    int sign = accept(in, '-') ? -1 : 1;
    int hours, minutes = 0, seconds = 0;
    if ((sign == 1 && !accept(in, '+')) || !read_two(in, 23, &hours))
        return false;
    if (in->at < in->end) {
        bool colon = accept(in, ':');
        if (!read_two(in, 59, &minutes))
            return false;
        if (in->at < in->end && (accept(in, ':') != colon || !read_two(in, 59, &seconds)))
            return false;
    }
    *ret_offset = sign * (hours * 3600 + minutes * 60 + seconds);
    return true;
}

int zone_parse_instant(const struct zone *zone, const char *text, size_t length, instant *ret_at)
{
    const size_t date_length = CIVIL_DATE_SIZE - 1;
    civil_date date;
    int second = 0, offset;
    instant at;
    if (length < date_length || civil_parse_date(text, date_length, &date) < 0)
        return -1;
    struct reader in = {text + date_length, text + length};
    if (in.at < in.end && ((!accept(&in, 'T') && !accept(&in, ' ')) || !read_time_of_day(&in, &second)))
        return -1;
    if (in.at == in.end)
        at = zone_to_instant(zone, date, second);
    else if (read_offset(&in, &offset) && in.at == in.end)
        at = (instant)date * SECONDS_PER_DAY + second - offset;
    else
        return -1;
    if (!zone_covers(zone, at))
        return -1;
    *ret_at = at;
    return 0;
}
