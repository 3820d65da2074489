// SPDX-License-Identifier: MPL-2.0
// fristd render: a mail template with made-up data, for those who edit templates. No database, no network.
#include "command/command.h"
#include "command/mail_sample.h"
#include "command/report_sample.h"
#include "core/message.h"
#include "shell/templates.h"
#include "shell/zone_file.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

static const char help[] =
    "usage: fristd render [--templates DIR] [--language da|en] [--format subject|text|html|eml]\n"
    "                     [--sample NAME] TEMPLATE\n"
    "\n"
    "Shows a mail made from the templates in DIR (default " FRISTD_DATA_DIR "/templates)\n"
    "with made-up data. TEMPLATE is notice, gathered (several notices in one mail), backlog or operator,\n"
    "or that of a report: backlog_own (a caseworker's first), remands, worklist, digest or one of your "
    "own.\n";

static const struct mail_sample report_samples[] = {
    {"full", "everything there is to say (default)"},
    {"empty", "there is nothing to tell"},
    {"late", "late, to a substitute, in place of somebody who was not reached"},
    {"counts", "counts instead of cases, small ones hidden"},
    {NULL, NULL}};

enum format { FORMAT_SUBJECT, FORMAT_TEXT, FORMAT_HTML, FORMAT_EML };
static const char *const formats[] = {"subject", "text", "html", "eml", NULL};

static const char *const languages[] = {[LANGUAGE_DA] = "da", [LANGUAGE_EN] = "en", NULL};

#define MAIL_REPORT MAIL_KINDS // none of them

struct options {
    const char *templates;
    enum language language;
    enum format format;
    const char *template;
    int kind;                // enum mail_kind, or MAIL_REPORT
    const char *sample_name; // NULL: the first
    size_t sample;
};

// --- Output ---

#define SAMPLE_KEY        "5f1d0c0ffee05f1d0c0ffee05f1d0c0f"
#define SAMPLE_THREAD_KEY "7ead0000000000000000000000000001"
#define SAMPLE_HOST       "kommune.example"
#define SAMPLE_SENDER     "fristvagten@" SAMPLE_HOST

static int write_message(const struct zone *zone, const struct sampled_mail *mail)
{
    bool has_entry = mail->entry != CIVIL_NONE;
    struct buffer calendar = {0}, bytes = {0};
    if (has_entry)
        message_calendar_entry(&(struct calendar_entry){.uid_key = SAMPLE_THREAD_KEY,
                                                        .host = SAMPLE_HOST,
                                                        .organizer = SAMPLE_SENDER,
                                                        .summary = mail->text.subject.data,
                                                        .due = mail->entry,
                                                        .stamp = mail->now,
                                                        .link = mail->link,
                                                        .cancelled = mail->cancelled},
                               &calendar);
    struct message_calendar attached = {calendar.data, mail->cancelled};
    const struct message message = {.from_name = "Fristvagten",
                                    .from_address = SAMPLE_SENDER,
                                    .to_address = "modtager@" SAMPLE_HOST,
                                    .message_key = SAMPLE_KEY,
                                    .thread_key = mail->link ? SAMPLE_THREAD_KEY : NULL,
                                    .message_host = SAMPLE_HOST,
                                    .subject = mail->text.subject.data,
                                    .text = mail->text.text.data,
                                    .html = mail->text.html.data,
                                    .date = mail->now,
                                    .zone = zone,
                                    .calendars = &attached,
                                    .calendar_count = has_entry};
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

static int write_mail(const struct options *options, const struct zone *zone, struct sampled_mail *mail)
{
    mail_text_wrap(&mail->text);
    switch (options->format) {
    case FORMAT_SUBJECT:
        puts(mail->text.subject.data);
        return 0;
    case FORMAT_TEXT:
        fputs(mail->text.text.data, stdout);
        return 0;
    case FORMAT_HTML:
        fputs(mail->text.html.data, stdout);
        return 0;
    case FORMAT_EML:
        break;
    }
    return write_message(zone, mail);
}

static int word_report(const struct options *options, const struct zone *zone, struct sampled_mail *mail,
                       struct error *err)
{
    static const enum report_content contents[] = {REPORT_DEADLINES, REPORT_REMANDS};
    const enum report_content *content = NULL; // one of somebody's own may show either
    bool is_own = strcmp(options->template, "worklist") == 0 || strcmp(options->template, "backlog_own") == 0;
    const char *title =
        strcmp(options->template, "backlog_own") == 0 ? phrase_own_backlog(options->language) : NULL;
    struct report_templates *templates;
    if (strcmp(options->template, "remands") == 0)
        content = &contents[REPORT_REMANDS];
    else if (is_own || strcmp(options->template, "digest") == 0)
        content = &contents[REPORT_DEADLINES];
    if (templates_load_report(options->templates, options->language, options->template, &templates, err) < 0)
        return -1;
    mail->now = report_sample_word(templates, content, title, (enum report_sample)options->sample, is_own,
                                   zone, options->language, &mail->text);
    report_templates_free(templates);
    return 0;
}

static int word_mail(const struct options *options, const struct zone *zone, struct sampled_mail *mail,
                     struct error *err)
{
    struct wording *wording;
    if (options->kind == MAIL_REPORT)
        return word_report(options, zone, mail, err);
    if (templates_load(options->templates, options->language, &wording, err) < 0)
        return -1;
    mail_sample_word(wording, zone, options->language, (enum mail_kind)options->kind, options->sample, mail);
    wording_free(wording);
    return 0;
}

// --- Options ---

static const struct mail_sample *sample_at(int kind, size_t index)
{
    if (kind == MAIL_REPORT)
        return report_samples[index].name ? &report_samples[index] : NULL;
    return mail_sample_at((enum mail_kind)kind, index);
}

static void usage(FILE *out)
{
    fputs(help, out);
    for (int kind = 0; kind <= MAIL_REPORT; kind++) {
        fprintf(out, "\nSamples of %s:\n",
                kind == MAIL_REPORT ? "a report" : mail_kind_name((enum mail_kind)kind));
        const struct mail_sample *sample;
        for (size_t i = 0; (sample = sample_at(kind, i)); i++)
            fprintf(out, "  %-13s  %s\n", sample->name, sample->summary);
    }
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

static int choose_sample(struct options *options)
{
    const struct mail_sample *sample;
    for (size_t i = 0; (sample = sample_at(options->kind, i)); i++)
        if (options->sample_name == NULL || strcmp(sample->name, options->sample_name) == 0) {
            options->sample = i;
            return 0;
        }
    fprintf(stderr, "fristd render: there is no sample \"%s\" of %s; it is one of", options->sample_name,
            options->template);
    for (size_t i = 0; (sample = sample_at(options->kind, i)); i++)
        fprintf(stderr, "%s %s", i ? "," : "", sample->name);
    fputs("\n", stderr);
    return -1;
}

// What is none of ours is the template of a report; whether it is there is seen when it is read.
static int read_template(const char *name, struct options *options)
{
    options->kind = 0;
    while (options->kind < MAIL_REPORT && strcmp(mail_kind_name((enum mail_kind)options->kind), name) != 0)
        options->kind++;
    options->template = name;
    return choose_sample(options);
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
    struct sampled_mail mail = {.entry = CIVIL_NONE};
    struct error err;
    int status = EXIT_USAGE;
    if (zone_load("Europe/Copenhagen", &zone, &err) < 0 || word_mail(&options, zone, &mail, &err) < 0)
        fprintf(stderr, "fristd render: %s\n", err.text);
    else if (write_mail(&options, zone, &mail) == 0)
        status = EXIT_GOOD;
    mail_text_done(&mail.text);
    zone_free(zone);
    return status;
}
