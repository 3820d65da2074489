// SPDX-License-Identifier: MPL-2.0
// Any bytes as a duration: what is accepted can be applied both ways from any date.
#include "fuzz.h"

#include "core/duration.h"

#include <assert.h>

static void try_from(const struct duration *duration, const struct calendar *calendar, civil_date from)
{
    civil_date later = duration_add(duration, from, calendar);
    civil_date earlier = duration_subtract(duration, from, calendar);
    assert(later >= CIVIL_MIN && later <= CIVIL_MAX && earlier >= CIVIL_MIN && earlier <= CIVIL_MAX);
    if (duration->count == 1)
        assert((later > from || from == CIVIL_MAX) && (earlier < from || from == CIVIL_MIN));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct duration duration;
    struct error err = {{0}};
    if (duration_parse((const char *)data, size, &duration, &err) < 0) {
        assert(err.text[0] != '\0');
        return 0;
    }
    assert(duration.count >= 1 && duration.count <= DURATION_TERMS && duration.terms[0].amount > 0);
    if (duration_is_hours(&duration)) {
        assert(duration_seconds(&duration) >= 3600);
        return 0;
    }
    struct calendar *calendar = calendar_new("fuzz", 1u << MONDAY | 1u << SATURDAY, NULL, 0, NULL, 0);
    for (int year = CIVIL_YEAR_MIN; year <= CIVIL_YEAR_MAX; year += 75)
        try_from(&duration, calendar, civil_from_ymd(year, 2, 28));
    try_from(&duration, calendar, CIVIL_MIN);
    try_from(&duration, calendar, CIVIL_MAX);
    calendar_free(calendar);
    return 0;
}
