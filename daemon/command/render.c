// SPDX-License-Identifier: MPL-2.0
// fristd render: a mail template with made-up data, for those who edit templates. No database, no network.
#include "command/command.h"
#include "command/report_sample.h"
#include "core/message.h"
#include "core/wording.h"
#include "shell/templates.h"
#include "shell/zone_file.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "usage: fristd render [--templates DIR] [--language da|en] [--format subject|text|html|eml]\n"
    "                     [--sample NAME] TEMPLATE\n"
    "\n"
    "Shows a mail made from the templates in DIR (default " FRISTD_DATA_DIR "/templates)\n"
    "with made-up data. TEMPLATE is notice, gathered (several notices in one mail), gathered_many\n"
    "(very many; the same templates), backlog or operator, or that of a report: backlog_own (a caseworker's\n"
    "first), remands, worklist, digest or one of your own.\n"
    "\n"
    "Samples of a notice:\n";

enum mail_kind { MAIL_NOTICE, MAIL_GATHERED, MAIL_GATHERED_MANY, MAIL_BACKLOG, MAIL_OPERATOR, MAIL_REPORT };
static const char *const mail_kinds[] = {"notice", "gathered", "gathered_many", "backlog", "operator", NULL};
static const char *const report_samples[] = {"full", "empty", "late", "counts", NULL};
static const char *const report_sample_summaries[] = {
    "everything there is to say (default)", "there is nothing to tell",
    "late, to a substitute, in place of somebody who was not reached",
    "counts instead of cases, small ones hidden"};

enum format { FORMAT_SUBJECT, FORMAT_TEXT, FORMAT_HTML, FORMAT_EML };
static const char *const formats[] = {"subject", "text", "html", "eml", NULL};

static const char *const languages[] = {[LANGUAGE_DA] = "da", [LANGUAGE_EN] = "en", NULL};

// What a notice can be about; each differs from the first in a few facts.
enum sample {
    SAMPLE_WARNING,
    SAMPLE_BREACH,
    SAMPLE_ESCALATION,
    SAMPLE_HOURS,
    SAMPLE_OWN,
    SAMPLE_SERIES,
    SAMPLE_EXPIRY,
    SAMPLE_SENSITIVE
};
static const char *const samples[] = {"warning", "breach", "escalation", "hours", "own",
                                      "series",  "expiry", "sensitive",  NULL};
static const char *const sample_summaries[] = {
    "a statutory deadline comes near (default; with a calendar entry)",
    "a statutory deadline has passed",
    "it is still in breach a week later; to a substitute, and late",
    "a deadline in hours, not yet over",
    "the municipality's own target was not reached",
    "a weekly follow-up was missed three times in a row",
    "a decision expires by itself",
    "a rule whose name is not said in mails"};

struct options {
    const char *templates;
    enum language language;
    enum format format;
    enum sample sample;
    const char *sample_name; // NULL: the first
    enum report_sample report_sample;
    const char *template;
    enum mail_kind mail;
};

// --- Made-up data ---

static instant moment(const struct zone *zone, int year, int month, int day, int second)
{
    return zone_to_instant(zone, civil_from_ymd(year, month, day), second);
}

#define CLOCK(hour, minute) ((hour)*3600 + (minute)*60)
#define END_OF_DAY          (CLOCK(24, 0) - 1)
#define COUNT(array)        (sizeof(array) / sizeof(array)[0])

struct notice_sample {
    struct notice_facts facts;
    struct notice_done done[3];
    struct notice_muted muted[2];
};

// As core/explain.c words them.
static const char *const derivation[2][3] = {
    {"Start: »bfu.opmaerksom« fre. 31-10-2025 kl. 10.12.",
     "Reglens udgave fra man. 01-01-2024 gælder: valgt efter startdatoen.",
     "4 måneder efter fre. 31-10-2025: lør. 28-02-2026, månedens sidste dag."},
    {"Start: “bfu.opmaerksom”, Fri 2025-10-31 at 10:12.",
     "The rule as in force from Mon 2024-01-01 applies: chosen by the start date.",
     "4 months after Fri 2025-10-31: Sat 2026-02-28, the last day of the month."}};

static void warning_sample(const struct zone *zone, enum language language, struct notice_sample *ret_sample)
{
    static const char *const titles[] = {"Børnefaglig undersøgelse afsluttes", "Finish the child assessment"};
    ret_sample->facts = (struct notice_facts){.case_id = "S-1001",
                                              .subject = "B-3",
                                              .unit = "fam-nord",
                                              .code = "K20",
                                              .title = titles[language],
                                              .basis = "Barnets lov § 20, stk. 3",
                                              .rule_kind = RULE_STATUTORY,
                                              .transition = TRANSITION_APPROACHING,
                                              .state = STATE_OPEN,
                                              .anchor_at = moment(zone, 2025, 10, 31, CLOCK(10, 12)),
                                              .due_at = moment(zone, 2026, 2, 28, END_OF_DAY),
                                              .now = moment(zone, 2026, 1, 29, CLOCK(8, 0)),
                                              .role = "caseworker",
                                              .link = "https://fagsystem.kommune.example/sag/S-1001",
                                              .derivation = derivation[language],
                                              .derivation_count = COUNT(derivation[language])};
    ret_sample->done[0] = (struct notice_done){
        .at = moment(zone, 2026, 1, 29, CLOCK(8, 0)), .what = TRANSITION_APPROACHING, .role = "caseworker"};
    ret_sample->done[1] =
        (struct notice_done){.at = moment(zone, 2026, 3, 1, 0), .what = TRANSITION_BREACHED};
    ret_sample->done[2] = (struct notice_done){
        .at = moment(zone, 2026, 3, 1, 0), .what = TRANSITION_BREACHED, .role = "team_leader"};
}

static void become_breach(const struct zone *zone, struct notice_sample *sample)
{
    sample->facts.transition = TRANSITION_BREACHED;
    sample->facts.state = STATE_BREACHED;
    sample->facts.role = "team_leader";
    sample->facts.now = moment(zone, 2026, 3, 1, 0);
    sample->facts.done = sample->done;
    sample->facts.done_count = 1;
}

static void become_escalation(const struct zone *zone, struct notice_sample *sample)
{
    become_breach(zone, sample);
    sample->facts.transition = TRANSITION_ESCALATED;
    sample->facts.role = "department_head";
    sample->facts.now = moment(zone, 2026, 3, 7, CLOCK(9, 20));
    sample->facts.done_count = 3;
    sample->facts.late = true;
    sample->facts.instead_of_another = true;
    sample->muted[0] = (struct notice_muted){"K207", moment(zone, 2026, 3, 2, END_OF_DAY)};
    sample->muted[1] = (struct notice_muted){"K220", moment(zone, 2026, 3, 4, END_OF_DAY)};
    sample->facts.muted = sample->muted;
    sample->facts.muted_count = COUNT(sample->muted);
}

static void become_hours(const struct zone *zone, enum language language, struct notice_sample *sample)
{
    static const char *const titles[] = {"Underretning vurderes inden 24 timer",
                                         "Assess the notification within 24 hours"};
    sample->facts.subject = "U-17";
    sample->facts.code = "K1";
    sample->facts.title = titles[language];
    sample->facts.basis = "Barnets lov § 136";
    sample->facts.anchor_at = moment(zone, 2026, 5, 22, CLOCK(15, 30));
    sample->facts.due_at = moment(zone, 2026, 5, 23, CLOCK(15, 30));
    sample->facts.now = moment(zone, 2026, 5, 23, CLOCK(9, 30));
    sample->facts.derivation_count = 0;
}

static void become_own(const struct zone *zone, enum language language, struct notice_sample *sample)
{
    static const char *const titles[] = {"Underretter orienteres", "Inform the notifier"};
    become_breach(zone, sample);
    sample->facts.rule_kind = RULE_TARGET;
    sample->facts.code = "K6";
    sample->facts.title = titles[language];
    sample->facts.basis = "Barnets lov § 138";
    sample->facts.anchor_at = moment(zone, 2026, 1, 14, CLOCK(9, 0));
    sample->facts.derivation_count = 0;
}

static void become_series(const struct zone *zone, enum language language, struct notice_sample *sample)
{
    static const char *const titles[] = {"Ugentlig opfølgning på hjemvist sag",
                                         "Weekly follow-up on a remanded case"};
    become_own(zone, language, sample);
    sample->facts.rule_kind = RULE_OWN;
    sample->facts.transition = TRANSITION_MISSED;
    sample->facts.state = STATE_MISSED;
    sample->facts.missed_in_a_row = 3;
    sample->facts.role = "department_head";
    sample->facts.code = "K41";
    sample->facts.title = titles[language];
    sample->facts.basis = "Kommunens egen arbejdsgang";
    sample->facts.anchor_at = moment(zone, 2026, 3, 23, CLOCK(9, 0));
    sample->facts.due_at = moment(zone, 2026, 3, 30, CLOCK(9, 0));
    sample->facts.now = moment(zone, 2026, 3, 30, CLOCK(9, 0) + 1);
    sample->done[0].at = moment(zone, 2026, 3, 27, CLOCK(8, 0));
}

static void become_expiry(enum language language, struct notice_sample *sample)
{
    static const char *const titles[] = {"Foreløbig afgørelse udløber", "Provisional decision expires"};
    sample->facts.rule_kind = RULE_EXPIRY;
    sample->facts.code = "K15";
    sample->facts.title = titles[language];
    sample->facts.basis = "Barnets lov § 143";
    sample->facts.derivation_count = 0;
}

static void make_notice(const struct zone *zone, const struct options *options,
                        struct notice_sample *ret_sample)
{
    warning_sample(zone, options->language, ret_sample);
    switch (options->sample) {
    case SAMPLE_WARNING:
        break;
    case SAMPLE_BREACH:
        become_breach(zone, ret_sample);
        break;
    case SAMPLE_ESCALATION:
        become_escalation(zone, ret_sample);
        break;
    case SAMPLE_HOURS:
        become_hours(zone, options->language, ret_sample);
        break;
    case SAMPLE_OWN:
        become_own(zone, options->language, ret_sample);
        break;
    case SAMPLE_SERIES:
        become_series(zone, options->language, ret_sample);
        break;
    case SAMPLE_EXPIRY:
        become_expiry(options->language, ret_sample);
        break;
    case SAMPLE_SENSITIVE:
        ret_sample->facts.sensitive = true;
        break;
    }
}

// A breach, a target not reached, a warning and what was settled; for a digest many more of the same.
static void render_gathered(const struct options *options, const struct wording *wording,
                            const struct zone *zone, struct mail_text *into, instant *ret_now)
{
    struct notice_facts items[4];
    static const struct gathered_sum few[] = {
        {"K20", "Børnefaglig undersøgelse afsluttes", RULE_STATUTORY, 1, 1, 1},
        {"K6", "Underretter orienteres", RULE_TARGET, 0, 1, 0}};
    static const struct gathered_sum many[] = {
        {"K20", "Børnefaglig undersøgelse afsluttes", RULE_STATUTORY, 31, 1204, 1},
        {"K6", "Underretter orienteres", RULE_TARGET, 0, 407, 0},
        {"K44", NULL, RULE_STATUTORY, 0, 2, 0}};
    instant now = moment(zone, 2026, 3, 2, CLOCK(8, 0));
    for (size_t i = 0; i < COUNT(items); i++) {
        struct notice_sample sample = {0};
        warning_sample(zone, options->language, &sample);
        if (i == 0)
            become_breach(zone, &sample);
        else if (i == 1)
            become_own(zone, options->language, &sample);
        else if (i == 3)
            sample.facts.transition = TRANSITION_MET;
        items[i] = sample.facts;
        items[i].now = now;
        if (i == 2)
            items[i].due_at = moment(zone, 2026, 3, 9, END_OF_DAY);
    }
    bool digest = options->mail == MAIL_GATHERED_MANY;
    struct gathered_facts facts = {.now = now,
                                   .waited = true,
                                   .decided_at = moment(zone, 2026, 3, 1, 0),
                                   .items = items,
                                   .item_count = COUNT(items),
                                   .sums = digest ? many : few,
                                   .sum_count = digest ? COUNT(many) : COUNT(few)};
    wording_gathered(wording, zone, &facts, into);
    *ret_now = now;
}

static struct backlog_facts backlog_sample(const struct zone *zone, enum language language)
{
    static const struct backlog_row rows[2][4] = {
        {{"K1", "Underretning vurderes inden 24 timer", RULE_STATUTORY, 4, 0},
         {"K20", "Børnefaglig undersøgelse afsluttes", RULE_STATUTORY, 31, 12},
         {"K44", NULL, RULE_STATUTORY, 2, 1},
         {"K41", "Ugentlig opfølgning på hjemvist sag", RULE_OWN, 7, 5}},
        {{"K1", "Assess the notification within 24 hours", RULE_STATUTORY, 4, 0},
         {"K20", "Finish the child assessment", RULE_STATUTORY, 31, 12},
         {"K44", NULL, RULE_STATUTORY, 2, 1},
         {"K41", "Weekly follow-up on a remanded case", RULE_OWN, 7, 5}}};
    return (struct backlog_facts){.unit = "fam-nord",
                                  .now = moment(zone, 2026, 1, 29, CLOCK(8, 0)),
                                  .rows = rows[language],
                                  .row_count = COUNT(rows[language])};
}

static struct operator_facts operator_sample(const struct zone *zone)
{
    static const struct operator_line lines[] = {
        {"step_reached_nobody", "S-1001", "K20", "team_leader"},
        {"notice_given_up", "S-1007", "K1", "550 5.1.1"},
        {"data_fault", "S-1012", "K20", "stop_before_start"},
    };
    return (struct operator_facts){
        .now = moment(zone, 2026, 1, 29, CLOCK(8, 0)), .lines = lines, .line_count = COUNT(lines)};
}

// --- Output ---

#define SAMPLE_KEY        "5f1d0c0ffee05f1d0c0ffee05f1d0c0f"
#define SAMPLE_THREAD_KEY "7ead0000000000000000000000000001"
#define SAMPLE_HOST       "kommune.example"

static int write_message(const struct zone *zone, const struct mail_text *mail, instant now, civil_date due,
                         const char *link)
{
    struct buffer calendar = {0}, bytes = {0};
    if (due != CIVIL_NONE)
        message_calendar_entry(SAMPLE_THREAD_KEY, SAMPLE_HOST, mail->subject.data, due, now, link, false,
                               &calendar);
    struct message_calendar attached = {calendar.data, false};
    const struct message message = {.from_name = "Fristvagten",
                                    .from_address = "fristvagten@" SAMPLE_HOST,
                                    .to_address = "modtager@" SAMPLE_HOST,
                                    .message_key = SAMPLE_KEY,
                                    .thread_key = due != CIVIL_NONE ? SAMPLE_THREAD_KEY : NULL,
                                    .message_host = SAMPLE_HOST,
                                    .subject = mail->subject.data,
                                    .text = mail->text.data,
                                    .html = mail->html.data,
                                    .date = now,
                                    .zone = zone,
                                    .calendars = &attached,
                                    .calendar_count = due != CIVIL_NONE};
    struct error err;
    int result = message_build(&message, &bytes, &err);
    if (result < 0)
        fprintf(stderr, "fristd render: %s\n", err.text);
    else
        fwrite(bytes.data, 1, bytes.length, stdout);
    buffer_done(&bytes);
    buffer_done(&calendar);
    return result;
}

static int write_mail(const struct options *options, const struct zone *zone, const struct mail_text *mail,
                      instant now, civil_date due, const char *link)
{
    switch (options->format) {
    case FORMAT_SUBJECT:
        puts(mail->subject.data);
        return 0;
    case FORMAT_TEXT:
        fputs(mail->text.data, stdout);
        return 0;
    case FORMAT_HTML:
        fputs(mail->html.data, stdout);
        return 0;
    case FORMAT_EML:
        break;
    }
    return write_message(zone, mail, now, due, link);
}

static int render_report(const struct options *options, const struct zone *zone)
{
    static const enum report_content contents[] = {REPORT_DEADLINES, REPORT_REMANDS};
    const char *title = NULL;
    const enum report_content *content = NULL; // one of somebody's own may show either
    struct report_templates *templates;
    struct mail_text mail = {0};
    struct error err;
    if (strcmp(options->template, "remands") == 0)
        content = &contents[REPORT_REMANDS];
    else if (strcmp(options->template, "worklist") == 0 || strcmp(options->template, "digest") == 0)
        content = &contents[REPORT_DEADLINES];
    else if (strcmp(options->template, "backlog_own") == 0) {
        content = &contents[REPORT_DEADLINES];
        title = phrase_own_backlog(options->language);
    }
    if (templates_load_report(options->templates, options->language, options->template, &templates, &err) <
        0) {
        fprintf(stderr, "fristd render: %s\n", err.text);
        return -1;
    }
    instant now =
        report_sample_word(templates, content, title, options->report_sample, zone, options->language, &mail);
    int result = write_mail(options, zone, &mail, now, CIVIL_NONE, NULL);
    mail_text_done(&mail);
    report_templates_free(templates);
    return result;
}

static int render(const struct options *options, const struct wording *wording, const struct zone *zone)
{
    struct mail_text mail = {0};
    civil_date due = CIVIL_NONE;
    const char *link = NULL;
    instant now = 0;
    if (options->mail == MAIL_NOTICE) {
        struct notice_sample sample = {0};
        make_notice(zone, options, &sample);
        wording_notice(wording, zone, &sample.facts, &mail);
        now = sample.facts.now;
        link = sample.facts.link;
        due = options->sample == SAMPLE_WARNING ? zone_date(zone, sample.facts.due_at) : CIVIL_NONE;
    } else if (options->mail == MAIL_GATHERED || options->mail == MAIL_GATHERED_MANY) {
        render_gathered(options, wording, zone, &mail, &now);
    } else if (options->mail == MAIL_BACKLOG) {
        struct backlog_facts facts = backlog_sample(zone, options->language);
        const struct ruleset rules = {.zone = zone};
        struct report_deadline broken[] = {{"S-1001", "B-3", "fam-nord", "", "", "K20", RULE_STATUTORY, false,
                                            moment(zone, 2025, 12, 1, END_OF_DAY), true},
                                           {"S-1012", "", "fam-nord", "", "", "K41", RULE_OWN, false,
                                            moment(zone, 2026, 1, 12, CLOCK(9, 0)), true}};
        const struct report_mail worst = {
            .decided_at = facts.now, .broken = broken, .broken_count = COUNT(broken)};
        const struct report_facts worst_facts = {NULL, &worst, &rules,
                                                 "https://fagsystem.kommune.example/sag/{case}"};
        facts.worst = &worst_facts;
        wording_backlog(wording, zone, &facts, &mail);
        now = facts.now;
    } else {
        const struct operator_facts facts = operator_sample(zone);
        wording_operator(wording, zone, &facts, &mail);
        now = facts.now;
    }
    int result = write_mail(options, zone, &mail, now, due, link);
    mail_text_done(&mail);
    return result;
}

// --- Options ---

static void usage(FILE *out)
{
    fputs(help, out);
    for (size_t i = 0; samples[i]; i++)
        fprintf(out, "  %-10s  %s\n", samples[i], sample_summaries[i]);
    fputs("\nSamples of a report:\n", out);
    for (size_t i = 0; report_samples[i]; i++)
        fprintf(out, "  %-10s  %s\n", report_samples[i], report_sample_summaries[i]);
}

// The number of `text` among `names`, or -1 after saying what is allowed.
static int choose(const char *what, const char *text, const char *const *names)
{
    for (int i = 0; names[i]; i++)
        if (strcmp(names[i], text) == 0)
            return i;
    fprintf(stderr, "fristd render: there is no %s \"%s\"; it is one of", what, text);
    for (int i = 0; names[i]; i++)
        fprintf(stderr, "%s %s", i ? "," : "", names[i]);
    fputs("\n", stderr);
    return -1;
}

static int take_option(struct options *options, int option)
{
    int chosen = 0;
    switch (option) {
    case 't':
        options->templates = optarg;
        break;
    case 'l':
        chosen = choose("language", optarg, languages);
        options->language = (enum language)chosen;
        break;
    case 'f':
        chosen = choose("format", optarg, formats);
        options->format = (enum format)chosen;
        break;
    case 's':
        options->sample_name = optarg; // of which template is not known yet
        break;
    default:
        usage(stderr);
        return -1;
    }
    return chosen < 0 ? -1 : 0;
}

// What is none of ours is the template of a report; whether it is there is seen when it is read.
static int read_template(const char *name, struct options *options)
{
    int mail = 0;
    while (mail_kinds[mail] && strcmp(mail_kinds[mail], name) != 0)
        mail++;
    options->template = name;
    options->mail = (enum mail_kind)mail;
    if (options->sample_name == NULL)
        return 0;
    int chosen = choose("sample", options->sample_name, mail == MAIL_REPORT ? report_samples : samples);
    if (mail == MAIL_REPORT)
        options->report_sample = (enum report_sample)chosen;
    else
        options->sample = (enum sample)chosen;
    return chosen < 0 ? -1 : 0;
}

// 0 to go on, else the exit status plus one.
static int read_options(int argc, char **argv, struct options *ret_options)
{
    static const struct option known[] = {{"templates", required_argument, NULL, 't'},
                                          {"language", required_argument, NULL, 'l'},
                                          {"format", required_argument, NULL, 'f'},
                                          {"sample", required_argument, NULL, 's'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (option == 'h') {
            usage(stdout);
            return EXIT_GOOD + 1;
        }
        if (take_option(ret_options, option) < 0)
            return EXIT_USAGE + 1;
    }
    if (optind + 1 != argc) {
        usage(stderr);
        return EXIT_USAGE + 1;
    }
    return read_template(argv[optind], ret_options) < 0 ? EXIT_USAGE + 1 : 0;
}

int command_render(int argc, char **argv)
{
    struct options options = {
        .templates = FRISTD_DATA_DIR "/templates", .language = LANGUAGE_DA, .format = FORMAT_TEXT};
    int end = read_options(argc, argv, &options);
    if (end > 0)
        return end - 1;
    struct zone *zone = NULL;
    struct wording *wording = NULL;
    struct error err;
    int status = EXIT_USAGE;
    if (zone_load("Europe/Copenhagen", &zone, &err) < 0 ||
        (options.mail != MAIL_REPORT &&
         templates_load(options.templates, options.language, &wording, &err) < 0))
        fprintf(stderr, "fristd render: %s\n", err.text);
    else if ((options.mail == MAIL_REPORT ? render_report(&options, zone)
                                          : render(&options, wording, zone)) == 0)
        status = EXIT_GOOD;
    wording_free(wording);
    zone_free(zone);
    return status;
}
