// SPDX-License-Identifier: MPL-2.0
// Any bytes as the derivation in a row of the journal: computed again, or refused in words.
#include "fuzz.h"

#include "core/computation.h"
#include "shell/rules_file.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static const struct ruleset *build(void)
{
    static const char yaml[] = "calendars: {dage: {weekdays: [mo, tu, we, th, fr]}}\nrules: []\n";
    static const struct rules_text text = {"fuzz.yaml", yaml, sizeof yaml - 1};
    static struct zone *zone;
    static struct ruleset rules;
    struct error err;
    if (zone == NULL && (zone_load("Europe/Copenhagen", &zone, &err) < 0 ||
                         rules_load_texts(&text, 1, zone, NULL, NULL, &rules, &err) < 0))
        assert(!"no rules");
    return &rules;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = memory_copy((const char *)data, size);
    struct error err = {{0}};
    instant was_due, due;
    if (computation_repeat(text, build(), &was_due, &due, &err) < 0)
        assert(err.text[0] != '\0');
    free(text);
    return 0;
}
