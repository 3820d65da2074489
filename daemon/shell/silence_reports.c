// SPDX-License-Identifier: MPL-2.0
#include "shell/silence_reports.h"

#include "core/notices.h"
#include "core/operator_words.h"

#include <stdio.h>
#include <string.h>

static int count_below(const struct people *people, const char *unit)
{
    int count = 0;
    for (size_t i = 0; unit && i < people->unit_count; i++)
        count +=
            strcmp(people->units[i].name, unit) != 0 && people_is_below(people, people->units[i].name, unit);
    return count;
}

static void report_silence(struct look *look, const struct known_silence *known, bool ended)
{
    struct addressees above;
    const char *what = ended ? "silence_ended" : "silence_started";
    const struct person *author = people_find(&look->people, known->given_by);
    struct silence_words words = {.silence = &known->silence,
                                  .person = author ? author->id : NULL,
                                  .person_role = author && *author->role ? author->role : NULL,
                                  .reason = known->reason,
                                  .units_below = count_below(&look->people, known->silence.unit),
                                  .ended = ended,
                                  .covered = known->covered,
                                  .breached = known->breached,
                                  .hidden = known->hidden,
                                  .of_deadlines = known->of_deadlines,
                                  .undone = known->undone};
    struct buffer facts = {0};
    buffer_format(&facts, "1\n%s\t\t\t", what);
    phrase_silence(look->language, look->rules->zone, &words, &facts);
    buffer_add_char(&facts, '\n');
    notices_level_above(look->rules, &look->people, known->given_by,
                        known->silence.unit ? known->silence.unit : "",
                        zone_date(look->rules->zone, look->now), &above);
    char distinct[64];
    snprintf(distinct, sizeof distinct, "%s %lld", what, (long long)known->silence.id);
    for (size_t i = 0; i < above.count; i++)
        look_add_report(look, "operator", above.recipients[i].person_id, above.recipients[i].role, facts.data,
                        distinct);
    if (above.count == 0) // nobody is above: somebody must know all the same
        look_add_report(look, "operator", "", "", facts.data, distinct);
    buffer_done(&facts);
}

void silence_reports_add(struct look *look, const struct known_silence *silences, size_t count)
{
    struct journal_batch *batch = look->batch;
    for (size_t i = 0; i < count; i++) {
        const struct known_silence *known = &silences[i];
        bool begun = known->silence.from <= look->now, ended = known->silence.until <= look->now;
        if (known->look_at == INSTANT_NONE || known->look_at > look->now || !(begun || ended))
            continue;
        if (ended == known->reported) // one that was over before it was seen has hidden nothing
            report_silence(look, known, ended);
        MEMORY_GROW(batch->silences, batch->silence_count, batch->silence_capacity);
        batch->silences[batch->silence_count++] = (struct journal_silence){
            .silence_id = known->silence.id,
            .seen_look_at = known->look_at,
            .look_at = ended ? INSTANT_NONE : known->silence.until,
            .over = ended,
        };
    }
}
