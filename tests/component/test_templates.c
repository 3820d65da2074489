// SPDX-License-Identifier: MPL-2.0
// The shipped templates, read from their folder, and what is said about a folder that cannot be used.
#include "shell/templates.h"

#include "shell/zone_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define SHIPPED      FRISTD_SOURCE_DIR "/config/templates"
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static struct zone *zone;
static struct wording *wordings[2];

static int set_up(void **state)
{
    (void)state;
    struct error err;
    if (zone_load("Europe/Copenhagen", &zone, &err) < 0 ||
        templates_load(SHIPPED, LANGUAGE_DA, &wordings[LANGUAGE_DA], &err) < 0 ||
        templates_load(SHIPPED, LANGUAGE_EN, &wordings[LANGUAGE_EN], &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        return -1;
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    wording_free(wordings[LANGUAGE_DA]);
    wording_free(wordings[LANGUAGE_EN]);
    zone_free(zone);
    return 0;
}

static struct notice_facts sample(void)
{
    static const char *const derivation[] = {"4 måneder senere <b>"};
    static const struct notice_done done[] = {{0, TRANSITION_APPROACHING, .role = "caseworker"}};
    return (struct notice_facts){
        .case_id = "S-1001",
        .subject = "B-3",
        .unit = "fam-nord",
        .code = "K20",
        .title = "Børnefaglig undersøgelse afsluttes",
        .basis = "Barnets lov § 20, stk. 3",
        .rule_kind = RULE_STATUTORY,
        .transition = TRANSITION_BREACHED,
        .state = STATE_BREACHED,
        .anchor_at = 0,
        .due_at = zone_to_instant(zone, civil_from_ymd(2026, 2, 28), 86399),
        .now = zone_to_instant(zone, civil_from_ymd(2026, 3, 1), 0),
        .role = "team_leader",
        .link = "https://x.dk/S-1001?a=1&b=2",
        .done = done,
        .done_count = COUNT(done),
        .derivation = derivation,
        .derivation_count = COUNT(derivation),
    };
}

static void test_notice_in_danish(void **state)
{
    (void)state;
    struct notice_facts facts = sample();
    facts.late = facts.instead_of_another = true;
    struct mail_text mail = {0};
    wording_notice(wordings[LANGUAGE_DA], zone, &facts, &mail);
    assert_string_equal(mail.subject.data, "[K20] Sag S-1001: frist 28. februar 2026");
    assert_string_equal(
        mail.text.data,
        "Lovbestemt frist er overskredet\n"
        "\n"
        "Frist: til og med lørdag den 28. februar 2026\n"
        "Sag: S-1001\n"
        "Vedrører: B-3\n"
        "Enhed: fam-nord\n"
        "Regel: K20 – Børnefaglig undersøgelse afsluttes\n"
        "\n"
        "Du får denne mail som teamleder, fordi den lovbestemte frist er udløbet, uden at "
        "opgaven er registreret "
        "som løst.\n"
        "Du modtager den som stedfortræder for en kollega, der er fraværende.\n"
        "Mailen kommer senere, end den skulle: enten har systemet været ude af drift, eller "
        "også er oplysningerne "
        "registreret sent.\n"
        "\n"
        "Næste skridt: Aftal med sagsbehandleren, hvornår opgaven bliver løst. Når det er registreret i "
        "fagsystemet, stopper påmindelserne.\n"
        "\n"
        "Åbn sagen: https://x.dk/S-1001?a=1&b=2\n"
        "\n"
        "Sket indtil nu:\n"
        "- 1. januar 1970 kl. 01.00: varsel til sagsbehandler\n"
        "\n"
        "Sådan er datoen beregnet:\n"
        "- 4 måneder senere <b>\n"
        "Hjemmel: Barnets lov § 20, stk. 3\n"
        "\n"
        "-- \n"
        "Sendt automatisk søndag den 1. marts 2026. Mailen kan ikke besvares.\n");
    mail_text_done(&mail);
}

// What the text says, the HTML says too.
static void test_html_says_the_same(void **state)
{
    (void)state;
    static const char *const said[] = {
        "Statutory deadline has been breached</h1>",
        "<b>up to and including Saturday 28 February 2026</b>",
        "K20 – Børnefaglig undersøgelse afsluttes",
        "You receive this mail as <b>team leader</b> because the statutory deadline has expired",
        "in place of a colleague who is away",
        "later than it should be",
        "<a href=\"https://x.dk/S-1001?a=1&amp;b=2\"",
        "1 January 1970 at 01:00: warning to caseworker",
        "4 måneder senere &lt;b&gt;",
        "Legal basis: Barnets lov § 20, stk. 3",
        "#b3261e", // red
    };
    struct notice_facts facts = sample();
    facts.late = facts.instead_of_another = true;
    struct mail_text mail = {0};
    wording_notice(wordings[LANGUAGE_EN], zone, &facts, &mail);
    for (size_t i = 0; i < COUNT(said); i++)
        if (strstr(mail.html.data, said[i]) == NULL)
            fail_msg("missing: %s", said[i]);
    assert_non_null(strstr(mail.text.data, "You receive it in place of a colleague who is away.\n"));
    assert_non_null(strstr(mail.text.data, "This mail is later than it should be"));
    mail_text_done(&mail);
}

static void test_sensitive_rule(void **state)
{
    (void)state;
    static const char *const said[] = {"vises ikke i mails", "are not shown in mails"};
    struct notice_facts facts = sample();
    facts.sensitive = true;
    struct mail_text mail = {0};
    for (enum language language = LANGUAGE_DA; language <= LANGUAGE_EN; language++) {
        wording_notice(wordings[language], zone, &facts, &mail);
        assert_non_null(strstr(mail.text.data, said[language]));
        assert_non_null(strstr(mail.html.data, said[language]));
        for (const struct buffer *part = &mail.subject; part <= &mail.html; part++) {
            assert_null(strstr(part->data, "undersøgelse"));
            assert_null(strstr(part->data, "§"));
            assert_null(strstr(part->data, "4 måneder"));
        }
    }
    mail_text_done(&mail);
}

// A mail fetches nothing when it is opened, needs no style sheet, and stays small.
static void test_html_is_self_contained(void **state)
{
    (void)state;
    static const char *const forbidden[] = {"<img", "<link",   "<script", "<style",
                                            "url(", "@import", "src=",    "{{"};
    static const struct backlog_row rows[] = {{"K20", "T", RULE_STATUTORY, 31, 2}};
    static const struct operator_line lines[] = {{"data_fault", "S-1", "K20", "bad_row"}};
    const struct notice_facts facts = sample();
    const struct backlog_facts backlog = {.unit = "u", .rows = rows, .row_count = COUNT(rows)};
    const struct operator_facts operators = {.lines = lines, .line_count = COUNT(lines)};
    const struct gathered_sum sums[] = {{"K20", "T", RULE_STATUTORY, 7, 2, 0}};
    const struct gathered_facts gathered = {
        .items = &facts, .item_count = 1, .sums = sums, .sum_count = COUNT(sums)};
    struct mail_text mails[4] = {0};
    for (enum language language = LANGUAGE_DA; language <= LANGUAGE_EN; language++) {
        wording_notice(wordings[language], zone, &facts, &mails[0]);
        wording_backlog(wordings[language], zone, &backlog, &mails[1]);
        wording_operator(wordings[language], zone, &operators, &mails[2]);
        wording_gathered(wordings[language], zone, &gathered, &mails[3]);
        for (size_t i = 0; i < COUNT(mails); i++) {
            const char *html = mails[i].html.data;
            for (size_t f = 0; f < COUNT(forbidden); f++)
                assert_null(strstr(html, forbidden[f]));
            // The one address is the link into the case system.
            const char *link = strstr(html, "\"https://x.dk/S-1001?");
            assert_int_equal(link != NULL, i == 0 || i == 3);
            assert_null(strstr(link ? link + 2 : html, "http"));
            assert_in_range(mails[i].html.length, 500, 10000);
            assert_in_range(mails[i].subject.length, 10, 100);
        }
        assert_non_null(strstr(mails[1].text.data, language == LANGUAGE_DA ? "under 3" : "fewer than 3"));
    }
    for (size_t i = 0; i < COUNT(mails); i++)
        mail_text_done(&mails[i]);
}

// --- Folders that cannot be used ---

static void write_file(const char *folder, const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void test_errors_name_file_and_place(void **state)
{
    (void)state;
    char folder[] = "/tmp/fristd-templates-XXXXXX", language[64], expected[256];
    assert_non_null(mkdtemp(folder));
    snprintf(language, sizeof language, "%s/da", folder);
    struct wording *wording = NULL;
    struct error err;

    assert_int_equal(templates_load(folder, LANGUAGE_DA, &wording, &err), -1);
    snprintf(expected, sizeof expected, "%s/notice.subject: ", language);
    assert_memory_equal(err.text, expected, strlen(expected));

    assert_int_equal(mkdir(language, 0700), 0);
    write_file(language, "notice.subject", "");
    write_file(language, "notice.txt", "Hej\n  {{naem}}\n");
    assert_int_equal(templates_load(folder, LANGUAGE_DA, &wording, &err), -1);
    snprintf(expected, sizeof expected, "%s/notice.txt:2:3: unknown field \"naem\"", language);
    assert_memory_equal(err.text, expected, strlen(expected));
    assert_null(wording);

    snprintf(expected, sizeof expected, "%s/notice.txt", language);
    assert_int_equal(unlink(expected), 0);
    snprintf(expected, sizeof expected, "%s/notice.subject", language);
    assert_int_equal(unlink(expected), 0);
    assert_int_equal(rmdir(language), 0);
    assert_int_equal(rmdir(folder), 0);
}

// A partial of the language stands before the one for all; an error in one names it and who includes it.
static void test_partials(void **state)
{
    (void)state;
    char root[] = "/tmp/fristd-templates-XXXXXX", folder[4][64], expected[512];
    static const char *const folders[] = {"da", "parts", "da/parts"};
    static const char *const mails[] = {"notice", "gathered", "backlog", "backlog_own", "operator"};
    assert_non_null(mkdtemp(root));
    for (size_t i = 0; i < COUNT(folders); i++) {
        snprintf(folder[i], sizeof folder[i], "%s/%s", root, folders[i]);
        assert_int_equal(mkdir(folder[i], 0700), 0);
    }
    for (size_t i = 0; i < COUNT(mails); i++) {
        static const char *const suffixes[] = {"subject", "txt", "html"};
        for (size_t k = 0; k < COUNT(suffixes); k++) {
            snprintf(expected, sizeof expected, "%s.%s", mails[i], suffixes[k]);
            write_file(folder[0], expected, k == 0 ? "s" : "{{> common}}{{> own}}");
        }
    }
    write_file(folder[1], "common.txt", "common ");
    write_file(folder[1], "common.html", "{{> both}}");
    write_file(folder[1], "both.html", "wrong");
    write_file(folder[1], "own.html", "h");
    write_file(folder[2], "both.html", "right ");
    write_file(folder[2], "own.txt", "own");

    struct wording *wording = NULL;
    struct error err = {""};
    assert_int_equal(templates_load(root, LANGUAGE_DA, &wording, &err), 0);
    const struct notice_facts facts = sample();
    struct mail_text mail = {0};
    wording_notice(wording, zone, &facts, &mail);
    assert_string_equal(mail.text.data, "common own");
    assert_string_equal(mail.html.data, "right h");
    mail_text_done(&mail);
    wording_free(wording);

    // The notice has this field, the mail of several has not.
    write_file(folder[2], "own.txt", "\n{{basis}}");
    assert_int_equal(templates_load(root, LANGUAGE_DA, &wording, &err), -1);
    snprintf(expected, sizeof expected,
             "%s/own.txt:2:1: included from %s/gathered.txt:1:13: unknown field \"basis\"", folder[2],
             folder[0]);
    assert_memory_equal(err.text, expected, strlen(expected));

    snprintf(expected, sizeof expected, "%s/own.txt", folder[2]);
    assert_int_equal(unlink(expected), 0);
    assert_int_equal(templates_load(root, LANGUAGE_DA, &wording, &err), -1);
    snprintf(expected, sizeof expected,
             "%s/notice.txt:1:13: there is no partial \"own\": %s/own.txt: cannot be opened", folder[0],
             folder[1]);
    assert_memory_equal(err.text, expected, strlen(expected));

    snprintf(expected, sizeof expected, "rm -r %s", root);
    assert_int_equal(system(expected), 0);
}

static void test_long_path(void **state)
{
    (void)state;
    static char path[5000];
    memset(path, 'x', sizeof path - 1);
    struct wording *wording;
    struct error err;
    assert_int_equal(templates_load(path, LANGUAGE_DA, &wording, &err), -1);
    assert_string_equal(err.text, "the path of the templates is longer than 4095 bytes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_notice_in_danish),
        cmocka_unit_test(test_html_says_the_same),
        cmocka_unit_test(test_sensitive_rule),
        cmocka_unit_test(test_html_is_self_contained),
        cmocka_unit_test(test_errors_name_file_and_place),
        cmocka_unit_test(test_partials),
        cmocka_unit_test(test_long_path),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
