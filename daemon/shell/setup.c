// SPDX-License-Identifier: MPL-2.0
#include "shell/setup.h"

#include "shell/log.h"
#include "shell/reports_file.h"
#include "shell/rules_file.h"
#include "shell/templates.h"
#include "shell/zone_file.h"

#include <stdlib.h>

static void on_warning(void *data, const char *text)
{
    (void)data;
    log_line(LOG_LEVEL_WARNING, "rules", "%s", text);
}

int setup_load(const char *config_path, struct setup **ret_setup, struct error *err)
{
    struct setup *setup = memory_alloc(sizeof *setup);
    if (config_load(config_path, &setup->config, err) < 0 ||
        zone_load(setup->config.zone, &setup->zone, err) < 0 ||
        rules_load(setup->config.rules_dir, setup->zone, on_warning, NULL, &setup->rules, err) < 0 ||
        rules_fingerprint(setup->config.rules_dir, setup->config.zone, setup->rules_fingerprint, err) < 0 ||
        templates_load(setup->config.templates_dir, setup->config.language, &setup->wording, err) < 0 ||
        reports_load(setup->config.reports, setup->config.templates_dir, setup->config.language,
                     &setup->rules, &setup->reports, err) < 0) {
        setup_free(setup);
        return -1;
    }
    wording_set_small_counts(setup->wording, setup->config.small_counts);
    *ret_setup = setup;
    return 0;
}

void setup_free(struct setup *setup)
{
    if (setup == NULL)
        return;
    reports_done(&setup->reports);
    wording_free(setup->wording);
    rules_done(&setup->rules);
    zone_free(setup->zone);
    config_done(&setup->config);
    free(setup);
}
