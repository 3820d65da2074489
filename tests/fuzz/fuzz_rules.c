// SPDX-License-Identifier: MPL-2.0
// Any bytes as a set of rules: loaded whole, or refused with a place.
#include "fuzz.h"

#include "shell/rules_file.h"

#include <assert.h>
#include <string.h>

static void on_warning(void *data, const char *text)
{
    (void)data;
    assert(text[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct zone *zone;
    struct error err = {{0}};
    if (zone == NULL && zone_load("Europe/Copenhagen", &zone, &err) < 0)
        assert(!"no time zone");
    const struct rules_text text = {"fuzz.yaml", (const char *)data, size};
    struct ruleset rules;
    if (rules_load_texts(&text, 1, zone, on_warning, NULL, &rules, &err) < 0) {
        assert(strncmp(err.text, "fuzz.yaml:", strlen("fuzz.yaml:")) == 0);
        return 0;
    }
    for (int i = 0; i < rules.line_count; i++)
        assert(rules_find_line(&rules, rules.lines[i].id) == i);
    rules_done(&rules);
    return 0;
}
