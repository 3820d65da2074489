// SPDX-License-Identifier: MPL-2.0
// Any bytes as an RRULE: what is accepted yields times in order, not before its start and not more on one day
// than it says, and ends.
#include "fuzz.h"

#include "core/recurrence.h"

#include <assert.h>

static void try_from(const struct recurrence *recurrence, civil_date from, int second)
{
    int64_t last = (int64_t)from * SECONDS_PER_DAY + second - 1, on_day = 0;
    civil_date last_day = CIVIL_NONE;
    struct recurrence_iterator *iterator = recurrence_start(recurrence, from, second);
    civil_date day;
    for (int i = 0; i < 60 && recurrence_next(iterator, &day, &second); i++) {
        int64_t this = (int64_t)day * SECONDS_PER_DAY + second;
        assert(this > last && day <= CIVIL_MAX && second >= 0 && second < SECONDS_PER_DAY);
        last = this;
        on_day = day == last_day ? on_day + 1 : 1;
        assert(on_day <= recurrence_most_in_a_day(recurrence));
        last_day = day;
    }
    recurrence_stop(iterator);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct recurrence *recurrence = NULL;
    struct error err = {{0}};
    if (recurrence_parse((const char *)data, size, &recurrence, &err) < 0) {
        assert(err.text[0] != '\0');
        return 0;
    }
    try_from(recurrence, civil_from_ymd(2026, 1, 31), 36000);
    try_from(recurrence, civil_from_ymd(2028, 2, 29), 86399);
    try_from(recurrence, CIVIL_MIN, 0);
    try_from(recurrence, CIVIL_MAX, 1);
    recurrence_free(recurrence);
    return 0;
}
