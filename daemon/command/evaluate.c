// SPDX-License-Identifier: MPL-2.0
// fristd evaluate: RULES, section 7. No database, no network; one case after another in constant memory.
#include "command/command.h"

#include "core/explain.h"
#include "core/stages.h"
#include "shell/case_json.h"
#include "shell/lines.h"
#include "shell/rules_file.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OUT_FLUSH 65536 // bytes after which output goes out while a chunk of input lasts

static const char usage_text[] =
    "usage: fristd evaluate --rules DIR --now INSTANT [OPTION ...] [FILE]\n"
    "\n"
    "Reads one case a line as JSON from FILE or standard input and writes one deadline a line, then the\n"
    "faults found in the case's data. Uses no database and no network. Examples in the rules are not run;\n"
    "`fristd check` does that.\n"
    "\n"
    "  --rules DIR     the rules: all *.yaml below DIR\n"
    "  --now INSTANT   the time to evaluate at, such as 2026-05-22T15:30:00+02:00; without an offset it is\n"
    "                  civil time of the zone\n"
    "  --from DATE     leave out deadlines that closed before this date\n"
    "  --stages        add the instants of the stages of each deadline\n"
    "  --no-explain    leave out the explanation\n"
    "  --zone NAME     the time zone (default Europe/Copenhagen)\n"
    "  --help          this text\n"
    "\n"
    "Exit status: 0 good, 1 some line was no valid case, 2 wrong usage or rules.\n";

struct options {
    const char *rules, *now, *from, *zone, *file;
    bool stages, explain, help;
};

struct session {
    const struct options *options;
    struct zone *zone;
    struct ruleset rules;
    struct evaluator *evaluator;
    struct case_json *reader;
    struct lines lines;
    instant now;
    civil_date from; // CIVIL_NONE: all
    struct buffer out, words;
    struct stage_time *stages;
    size_t stage_capacity;
    long bad_rows;
    bool write_failed;
};

static int wrong_usage(const char *what, const char *which)
{
    fprintf(stderr, "fristd evaluate: %s%s\n`fristd evaluate --help` says more.\n", what, which);
    return -1;
}

static int read_options(int argc, char **argv, struct options *ret_options)
{
    enum { RULES = 1, NOW, FROM, STAGES, NO_EXPLAIN, ZONE, HELP };
    static const struct option known[] = {
        {"rules", required_argument, NULL, RULES},
        {"now", required_argument, NULL, NOW},
        {"from", required_argument, NULL, FROM},
        {"stages", no_argument, NULL, STAGES},
        {"no-explain", no_argument, NULL, NO_EXPLAIN},
        {"zone", required_argument, NULL, ZONE},
        {"help", no_argument, NULL, HELP},
        {NULL, 0, NULL, 0},
    };
    struct options options = {.zone = "Europe/Copenhagen", .explain = true};
    int option;
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1)
        switch (option) {
        case RULES:
            options.rules = optarg;
            break;
        case NOW:
            options.now = optarg;
            break;
        case FROM:
            options.from = optarg;
            break;
        case STAGES:
            options.stages = true;
            break;
        case NO_EXPLAIN:
            options.explain = false;
            break;
        case ZONE:
            options.zone = optarg;
            break;
        case HELP:
            options.help = true;
            break;
        default: // getopt has said what is wrong
            return wrong_usage("wrong usage", "");
        }
    if (optind < argc)
        options.file = argv[optind++];
    if (optind < argc)
        return wrong_usage("one FILE at most, not also ", argv[optind]);
    if (!options.help && (options.rules == NULL || options.now == NULL))
        return wrong_usage(options.rules ? "--now" : "--rules", " is missing");
    *ret_options = options;
    return 0;
}

// --- writing ---

static void flush(void *data)
{
    struct session *session = data;
    struct buffer *out = &session->out;
    if (out->length > 0 && (fwrite(out->data, 1, out->length, stdout) < out->length || fflush(stdout) != 0))
        session->write_failed = true;
    buffer_clear(out);
}

// Everything that gets here is valid UTF-8.
static void add_text(struct buffer *out, const char *text)
{
    buffer_add_char(out, '"');
    for (const char *run = text;;) {
        const char *end = run;
        while ((unsigned char)*end >= 0x20 && *end != '"' && *end != '\\')
            end++;
        buffer_add(out, run, (size_t)(end - run));
        if (*end == '\0')
            break;
        if ((unsigned char)*end < 0x20)
            buffer_format(out, "\\u%04x", *end);
        else
            buffer_add(out, (const char[]){'\\', *end}, 2);
        run = end + 1;
    }
    buffer_add_char(out, '"');
}

static void add_text_or_null(struct buffer *out, const char *text)
{
    if (text)
        add_text(out, text);
    else
        buffer_add_string(out, "null");
}

static void add_instant(struct session *session, instant at)
{
    char text[ZONE_INSTANT_SIZE];
    add_text_or_null(&session->out, at == INSTANT_NONE ? NULL : zone_format(session->zone, at, text));
}

static void add_key(struct session *session, const char *key)
{
    buffer_add_string(&session->out, key);
}

static void add_explanation(struct session *session, const struct deadline *deadline)
{
    add_key(session, ",\"explanation\":[");
    for (int i = 0; i < deadline->step_count; i++) {
        buffer_clear(&session->words);
        explain_step(&deadline->steps[i], deadline->rule, session->zone, LANGUAGE_DA, &session->words);
        if (i > 0)
            buffer_add_char(&session->out, ',');
        add_text(&session->out, session->words.data);
    }
    buffer_add_char(&session->out, ']');
}

// All stages up to now, then the next.
static void add_stages(struct session *session, const struct deadline *deadline)
{
    size_t count = 0;
    while ((count = stages_between(&session->rules, deadline, INSTANT_NONE, session->now, session->stages,
                                   session->stage_capacity)) > session->stage_capacity) {
        session->stage_capacity = 2 * count;
        session->stages = memory_resize(session->stages, session->stage_capacity, sizeof *session->stages);
    }
    add_key(session, ",\"stages\":[");
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buffer_add_char(&session->out, ',');
        add_instant(session, session->stages[i].at);
    }
    if (deadline->next_stage != INSTANT_NONE) {
        if (count > 0)
            buffer_add_char(&session->out, ',');
        add_instant(session, deadline->next_stage);
    }
    buffer_add_char(&session->out, ']');
}

static void add_deadline(struct session *session, const struct casefile *casefile,
                         const struct deadline *deadline)
{
    struct buffer *out = &session->out;
    char date[CIVIL_DATE_SIZE];
    add_key(session, "{\"case_id\":");
    add_text(out, casefile->id);
    add_key(session, ",\"subject\":");
    add_text(out, deadline->subject);
    add_key(session, ",\"rule\":");
    add_text(out, deadline->rule->id);
    add_key(session, ",\"valid_from\":");
    add_text(out, civil_format_date(deadline->rule->from, date));
    buffer_format(out, ",\"occurrence\":%d,\"state\":\"%s\"", deadline->occurrence,
                  deadline_state_name(deadline->state));
    add_key(session, ",\"anchor_at\":");
    add_instant(session, deadline->anchor_at);
    add_key(session, ",\"due_at\":");
    add_instant(session, deadline->due_at);
    add_key(session, ",\"breached_at\":");
    add_instant(session, deadline->breached_at);
    add_key(session, ",\"closed_at\":");
    add_instant(session, deadline->closed_at);
    add_key(session, ",\"next_stage\":");
    add_instant(session, deadline->next_stage);
    if (session->options->stages)
        add_stages(session, deadline);
    if (session->options->explain)
        add_explanation(session, deadline);
    add_key(session, "}\n");
}

static void add_fault(struct session *session, const struct casefile *casefile, const struct fault *fault)
{
    struct buffer *out = &session->out;
    add_key(session, "{\"case_id\":");
    add_text(out, casefile->id);
    buffer_format(out, ",\"fault\":\"%s\",\"rule\":", fault_name(fault->code));
    add_text_or_null(out, fault->rule);
    add_key(session, ",\"subject\":");
    add_text_or_null(out, fault->subject);
    add_key(session, ",\"event_id\":");
    add_text_or_null(out, fault->event_id);
    add_key(session, "}\n");
}

static void add_bad_row(struct session *session, const char *reason)
{
    buffer_format(&session->out,
                  "{\"case_id\":null,\"fault\":\"%s\",\"line\":%ld,\"reason\":", fault_name(FAULT_BAD_ROW),
                  session->lines.number);
    add_text(&session->out, reason);
    add_key(session, "}\n");
    session->bad_rows++;
}

// --- the cases ---

static bool is_left_out(const struct session *session, const struct deadline *deadline)
{
    return session->from != CIVIL_NONE && deadline->closed_at != INSTANT_NONE &&
           zone_date(session->zone, deadline->closed_at) < session->from;
}

static void evaluate_case(struct session *session, const struct casefile *casefile)
{
    const struct evaluation *evaluation = evaluate(session->evaluator, casefile, session->now,
                                                   session->options->explain ? EVALUATE_EXPLAIN : 0);
    for (size_t i = 0; i < evaluation->deadline_count; i++)
        if (!is_left_out(session, &evaluation->deadlines[i]))
            add_deadline(session, casefile, &evaluation->deadlines[i]);
    for (size_t i = 0; i < evaluation->fault_count; i++)
        add_fault(session, casefile, &evaluation->faults[i]);
}

static bool is_blank(const struct buffer *text)
{
    return text->data == NULL || strspn(text->data, " \t\r") == text->length;
}

static void evaluate_line(struct session *session)
{
    const struct buffer *text = &session->lines.text;
    const struct casefile *casefile;
    struct error err;
    if (is_blank(text))
        return;
    if (session->lines.too_long)
        add_bad_row(session, "is longer than 16 MiB");
    else if (case_json_read(session->reader, text->data, text->length, &casefile, &err) < 0)
        add_bad_row(session, err.text);
    else
        evaluate_case(session, casefile);
}

static int evaluate_lines(struct session *session)
{
    int more;
    while ((more = lines_next(&session->lines)) > 0 && !session->write_failed) {
        evaluate_line(session);
        if (session->out.length > OUT_FLUSH)
            flush(session);
    }
    flush(session);
    if (more < 0) {
        fprintf(stderr, "fristd evaluate: cannot read %s: %s\n",
                session->options->file ? session->options->file : "standard input", strerror(errno));
        return EXIT_USAGE;
    }
    if (session->write_failed) {
        fprintf(stderr, "fristd evaluate: cannot write: %s\n", strerror(errno));
        return EXIT_USAGE;
    }
    if (session->bad_rows == 0)
        return EXIT_GOOD;
    fprintf(stderr, "fristd evaluate: %ld of %ld lines %s no valid case; see \"bad_row\" in the output\n",
            session->bad_rows, session->lines.number, session->bad_rows == 1 ? "was" : "were");
    return EXIT_FOUND;
}

// --- setting up ---

static void warn(void *data, const char *text)
{
    (void)data;
    fprintf(stderr, "fristd evaluate: %s\n", text);
}

static int read_times(struct session *session)
{
    const struct options *options = session->options;
    if (zone_parse_instant(session->zone, options->now, strlen(options->now), &session->now) < 0)
        return wrong_usage("--now must be an instant such as 2026-05-22T15:30:00+02:00, not ", options->now);
    session->from = CIVIL_NONE;
    if (options->from && civil_parse_date(options->from, strlen(options->from), &session->from) < 0)
        return wrong_usage("--from must be a date such as 2026-05-22, not ", options->from);
    return 0;
}

static int open_input(struct session *session)
{
    const char *file = session->options->file;
    session->lines.on_wait = flush;
    session->lines.data = session;
    if (file == NULL || strcmp(file, "-") == 0)
        return 0;
    session->lines.fd = open(file, O_RDONLY | O_CLOEXEC);
    if (session->lines.fd >= 0)
        return 0;
    fprintf(stderr, "fristd evaluate: cannot open %s: %s\n", file, strerror(errno));
    return -1;
}

static int begin(struct session *session)
{
    struct error err;
    const struct options *options = session->options;
    if (zone_load(options->zone, &session->zone, &err) < 0 ||
        rules_load_draft(options->rules, session->zone, warn, NULL, &session->rules, &err) < 0) {
        fprintf(stderr, "fristd evaluate: %s\n", err.text);
        return -1;
    }
    session->evaluator = evaluator_new(&session->rules);
    session->reader = case_json_new(session->zone);
    return read_times(session) < 0 || open_input(session) < 0 ? -1 : 0;
}

static void end(struct session *session)
{
    if (session->lines.fd > STDIN_FILENO)
        close(session->lines.fd);
    lines_done(&session->lines);
    case_json_free(session->reader);
    evaluator_free(session->evaluator);
    rules_done(&session->rules);
    zone_free(session->zone);
    buffer_done(&session->out);
    buffer_done(&session->words);
    free(session->stages);
}

int command_evaluate(int argc, char **argv)
{
    struct options options;
    if (read_options(argc, argv, &options) < 0)
        return EXIT_USAGE;
    if (options.help) {
        fputs(usage_text, stdout);
        return EXIT_GOOD;
    }
    struct session session = {.options = &options};
    int status = begin(&session) < 0 ? EXIT_USAGE : evaluate_lines(&session);
    end(&session);
    return status;
}
