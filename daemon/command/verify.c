// SPDX-License-Identifier: MPL-2.0
// fristd verify: does each open deadline's derivation, as it stands in the journal, still give the date that
// stands beside it? Row by row, so memory does not grow with the journal.
#include "command/command.h"
#include "command/journal_ask.h"
#include "core/computation.h"
#include "shell/config.h"
#include "shell/rules_file.h"

#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

static const char help[] =
    "usage: fristd verify [--config FILE] [--json]\n"
    "\n"
    "Computes the date of every deadline that is not closed again, from the derivation that was written down "
    "with\n"
    "it and the calendars as they are configured now, and lists what differs. Reads the journal only.\n"
    "\n"
    "  altered          the date is not the one that its derivation gave: the row was changed by another "
    "hand\n"
    "  differs          the derivation gives another date now: a calendar, the zone or the arithmetic has "
    "changed\n"
    "  version_gone     the version of the rule is no longer among the rules\n"
    "  not_computable   the derivation is missing or damaged, or names a calendar that is gone\n"
    "\n"
    "  --config FILE  default " DEFAULT_CONFIG "\n"
    "  --json         one JSON object a difference and line, then one with the counts\n"
    "\n"
    "Exit status: 0 nothing differs, 1 something does, 2 wrong usage or configuration, or the journal "
    "away.\n";

enum finding { ALTERED, DIFFERS, VERSION_GONE, NOT_COMPUTABLE };

static const char *const finding_names[] = {
    [ALTERED] = "altered",
    [DIFFERS] = "differs",
    [VERSION_GONE] = "version_gone",
    [NOT_COMPUTABLE] = "not_computable",
};

struct open_deadline {
    const char *case_id, *rule, *subject, *state, *computation; // computation may be NULL
    int occurrence;
    civil_date valid_from;
    instant due_at;
};

struct verifying {
    struct config config;
    struct zone *zone;
    struct ruleset rules;
    bool json;
    struct arena arena; // of the row at hand
    size_t checked, found;
};

// --- saying it ---

static const char *moment(const struct verifying *verifying, instant at, char text[ZONE_INSTANT_SIZE])
{
    return at == INSTANT_NONE ? "no date" : zone_format(verifying->zone, at, text);
}

static json_t *json_moment(const struct verifying *verifying, instant at)
{
    char text[ZONE_INSTANT_SIZE];
    return at == INSTANT_NONE ? json_null() : json_string(zone_format(verifying->zone, at, text));
}

static void print_json(const struct verifying *verifying, const struct open_deadline *deadline,
                       enum finding finding, instant due, const char *why)
{
    char date[CIVIL_DATE_SIZE];
    json_t *object =
        json_pack("{s:s, s:s, s:s, s:s, s:i, s:s, s:s, s:o, s:s, s:s?}", "finding", finding_names[finding],
                  "case_id", deadline->case_id, "rule", deadline->rule, "subject", deadline->subject,
                  "occurrence", deadline->occurrence, "valid_from",
                  civil_format_date(deadline->valid_from, date), "state", deadline->state, "due_at",
                  json_moment(verifying, deadline->due_at), "why", why, "computation", deadline->computation);
    if (finding == ALTERED || finding == DIFFERS)
        json_object_set_new(object, "computed", json_moment(verifying, due));
    json_dumpf(object, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
    putchar('\n');
    json_decref(object);
}

static void print_text(const struct open_deadline *deadline, enum finding finding, const char *why)
{
    printf("%s: case %s, %s", finding_names[finding], deadline->case_id, deadline->rule);
    if (*deadline->subject)
        printf(", %s", deadline->subject);
    printf(", no. %d: %s\n", deadline->occurrence, why);
    for (const char *line = deadline->computation; line && *line;) {
        size_t length = strcspn(line, "\n");
        printf("    %.*s\n", (int)length, line);
        line += length + (line[length] != '\0');
    }
}

static void find(struct verifying *verifying, const struct open_deadline *deadline, enum finding finding,
                 instant due, const char *why)
{
    verifying->found++;
    if (verifying->json)
        print_json(verifying, deadline, finding, due, why);
    else
        print_text(deadline, finding, why);
}

// --- one deadline ---

static bool has_version(const struct ruleset *rules, const char *rule, civil_date from)
{
    int line = rules_find_line(rules, rule);
    for (int i = 0; line >= 0 && i < rules->lines[line].version_count; i++)
        if (rules->lines[line].versions[i]->from == from)
            return true;
    return false;
}

static void verify(struct verifying *verifying, const struct open_deadline *deadline)
{
    struct error err;
    instant was_due, due;
    char why[160], first[ZONE_INSTANT_SIZE], second[ZONE_INSTANT_SIZE];
    verifying->checked++;
    if (!has_version(&verifying->rules, deadline->rule, deadline->valid_from)) {
        snprintf(why, sizeof why, "no version of the rule is valid from %s any more",
                 civil_format_date(deadline->valid_from, first));
        find(verifying, deadline, VERSION_GONE, INSTANT_NONE, why);
    }
    if (deadline->computation == NULL) {
        find(verifying, deadline, NOT_COMPUTABLE, INSTANT_NONE, "no derivation was written down");
    } else if (computation_repeat(deadline->computation, &verifying->rules, &was_due, &due, &err) < 0) {
        find(verifying, deadline, NOT_COMPUTABLE, INSTANT_NONE, err.text);
    } else if (was_due != deadline->due_at) {
        snprintf(why, sizeof why, "the journal says %s, the derivation gave %s",
                 moment(verifying, deadline->due_at, first), moment(verifying, was_due, second));
        find(verifying, deadline, ALTERED, due, why);
    } else if (due != was_due) {
        snprintf(why, sizeof why, "the derivation gave %s and gives %s now",
                 moment(verifying, was_due, first), moment(verifying, due, second));
        find(verifying, deadline, DIFFERS, due, why);
    }
}

static const char *text_of(struct arena *arena, const struct postgres_row *row, int column)
{
    size_t length;
    const char *text = postgres_text(row, column, &length);
    return postgres_is_null(row, column) ? NULL : length > 0 ? arena_copy(arena, text, length) : "";
}

static void on_answer(void *data, int statement, const struct postgres_row *row)
{
    (void)statement;
    struct verifying *verifying = data;
    struct arena *arena = &verifying->arena;
    arena_reset(arena);
    struct open_deadline deadline = {
        .case_id = text_of(arena, row, 0),
        .rule = text_of(arena, row, 1),
        .subject = text_of(arena, row, 2),
        .occurrence = (int)postgres_int8(row, 3),
        .state = text_of(arena, row, 5),
        .computation = text_of(arena, row, 7),
    };
    if (postgres_date(row, 4, &deadline.valid_from) < 0)
        deadline.valid_from = CIVIL_MIN; // altered by another hand: no version is valid from then
    if (postgres_instant(row, 6, &deadline.due_at) < 0)
        deadline.due_at = INSTANT_NONE;
    verify(verifying, &deadline);
}

// --- the whole ---

static void print_counts(const struct verifying *verifying)
{
    if (verifying->json)
        printf("{\"checked\":%zu,\"findings\":%zu}\n", verifying->checked, verifying->found);
    else if (verifying->found == 0)
        printf("%zu deadlines are not closed; each date follows from its derivation\n", verifying->checked);
    else
        printf("%zu deadlines are not closed; findings: %zu\n", verifying->checked, verifying->found);
}

static int verify_all(const char *config_path, struct verifying *verifying, struct error *err)
{
    static const struct postgres_statement all = {
        "SELECT case_id, rule, subject, occurrence, valid_from, state, due_at, computation FROM deadline"
        " WHERE closed_at IS NULL ORDER BY case_id, rule, subject, occurrence",
        NULL};
    if (config_load(config_path, &verifying->config, err) < 0 ||
        zone_load(verifying->config.zone, &verifying->zone, err) < 0 ||
        rules_load(verifying->config.rules_dir, verifying->zone, NULL, NULL, &verifying->rules, err) < 0)
        return -1;
    return journal_ask(&verifying->config.journal, &all, 1, on_answer, verifying, err);
}

int command_verify(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    const char *config_path = DEFAULT_CONFIG;
    struct verifying verifying = {0};
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;)
        switch (option) {
        case 'c':
            config_path = optarg;
            break;
        case 'j':
            verifying.json = true;
            break;
        case 'h':
            fputs(help, stdout);
            return EXIT_GOOD;
        default:
            fputs(help, stderr);
            return EXIT_USAGE;
        }
    if (optind < argc) {
        fprintf(stderr, "fristd verify: \"%s\" is not expected\n\n%s", argv[optind], help);
        return EXIT_USAGE;
    }
    struct error err;
    int result = verify_all(config_path, &verifying, &err);
    if (result < 0)
        fprintf(stderr, "fristd verify: %s\n", err.text);
    else
        print_counts(&verifying);
    arena_done(&verifying.arena);
    rules_done(&verifying.rules);
    zone_free(verifying.zone);
    config_done(&verifying.config);
    return result < 0 ? EXIT_USAGE : verifying.found > 0 ? EXIT_FOUND : EXIT_GOOD;
}
