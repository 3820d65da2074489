// SPDX-License-Identifier: MPL-2.0
// What mails say. The templates here only list the fields; the shipped ones are tested in
// component/test_templates.c.
#include "core/wording.h"

#include "core/message.h"
#include "core/operator_words.h"
#include "core/phrases.h"
#include "support/copenhagen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define KINDS        (RULE_INFORMATION + 1)

static struct zone *zone;

// --- Templates in memory ---

struct shelf {
    const char *file, *text; // one file that differs from the plain ones
    const char *missing;
};

#define EVERY_FIELD                                                                                          \
    "heading={{heading}}\nalarm={{alarm}}\nwarning={{warning}}\ncalm={{calm}}\ncode={{code}}\n"              \
    "title={{title}}\nkind={{kind}}\nnot_statutory={{not_statutory}}\ncase={{case}}\nmatter={{matter}}\n"    \
    "unit={{unit}}\ndue_label={{due_label}}\ndue={{due}}\ncounted_from={{counted_from}}\nrole={{role}}\n"    \
    "reason={{reason}}\nnext={{next}}\nconsequence={{consequence}}\n"                                        \
    "after_silence={{after_silence}}\nexplained={{explained}}\nlate={{late}}\nwaited={{waited}}\nstand_in={" \
    "{stand_in}}\nlink={{link}}\n"                                                                           \
    "muted={{muted}}\n"                                                                                      \
    "done={{#done}}[{{when}}: {{what}}]{{/done}}\ndone_earlier={{done_earlier}}\n"                           \
    "derivation={{#derivation}}[{{line}}]{{/derivation}}\nbasis={{basis}}\nsensitive={{sensitive}}\n"        \
    "written={{written}}\n"

static const struct {
    const char *file, *text;
} plain[] = {
    {"notice.subject", "[{{code}}] {{case}}: {{label}} {{due}}\n"},
    {"notice.txt", EVERY_FIELD},
    {"notice.html", "<p title=\"{{case}}\">" EVERY_FIELD "</p>"},
    {"gathered.subject", "[{{codes}}] {{summary}}, {{date}}"},
    {"gathered.txt",
     "{{summary}} waited={{waited}} listed={{listed}} few={{few}}{{#all_late}} all late{{/all_late}}\n"
     "{{#sums}}\n{{code}} ({{title}}, {{kind}}): {{ahead}} / {{broken}} {{broken_label}} / "
     "{{resolved}}\n{{/sums}}\n"
     "{{#items}}\n{{#alarm}}!{{/alarm}}{{#warning}}?{{/warning}}{{#calm}}.{{/calm}} {{heading}} | {{code}} "
     "({{title}}, {{kind}}) | {{case}} {{matter}} {{unit}} | {{due_label}} {{due}} | {{role}} | "
     "late={{late}} stand_in={{stand_in}} | {{link}}\n{{/items}}\n"
     "{{#news}}\n{{heading}} | {{code}} | {{case}} | {{due}}\n{{/news}}\n{{written}}\n"},
    {"gathered.html", "{{#alarm}}red{{/alarm}}{{#warning}}amber{{/warning}}{{#calm}}blue{{/calm}}"},
    {"backlog.subject", "{{unit}} {{date}}"},
    {"backlog.txt", "unit={{unit}} written={{written}} few={{few}}\n"
                    "{{#groups}}\n{{heading}} | {{open_label}} | {{broken_label}}\n{{#rows}}\n"
                    "{{code}} ({{title}}) | {{open}} | {{broken}}\n{{/rows}}\n"
                    "sum | {{total_open}} | {{total_broken}}\n{{/groups}}\n"
                    "{{#worst_listed}}\nworst:\n{{/worst_listed}}\n"
                    "{{#worst}}\n{{code}} {{case}} {{due}} {{distance}} {{link}}\n{{/worst}}\n"},
    {"backlog.html", "{{#groups}}{{#rows}}{{code}}{{/rows}}{{/groups}}"},
    {"backlog_own.subject", "{{title}} {{date}}"},
    {"backlog_own.txt", "{{#broken}}{{code}} {{case}}{{/broken}}"},
    {"backlog_own.html", "{{#coming}}{{code}} {{case}}{{/coming}}"},
    {"operator.subject", "{{heading}} {{count}} {{date}}"},
    {"operator.txt", "{{#trouble}}!{{/trouble}}{{heading}}\n{{#lines}}\n{{text}} | {{case}} | "
                     "{{code}}\n{{/lines}}\nmore={{more}} {{written}}\n"},
    {"operator.html", "{{#lines}}{{text}}{{/lines}}"},
};

static int read_shelf(void *data, const char *file, struct template_source *ret_source, struct error *err)
{
    const struct shelf *shelf = data;
    if (shelf->missing && strcmp(file, shelf->missing) == 0)
        return error_set(err, "shelf/%s: cannot be opened", file);
    for (size_t i = 0; i < COUNT(plain); i++)
        if (strcmp(file, plain[i].file) == 0) {
            static char name[64];
            snprintf(name, sizeof name, "shelf/%s", file);
            const char *text = shelf->file && strcmp(file, shelf->file) == 0 ? shelf->text : plain[i].text;
            *ret_source = (struct template_source){name, text, strlen(text)};
            return 0;
        }
    return error_set(err, "an unexpected file %s", file);
}

static struct wording *wordings[2];

static int set_up(void **state)
{
    (void)state;
    zone = copenhagen();
    struct shelf shelf = {0};
    struct error err;
    for (enum language language = LANGUAGE_DA; language <= LANGUAGE_EN; language++)
        if (wording_load(language, read_shelf, &shelf, &wordings[language], &err) < 0) {
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
    wording_free(NULL);
    zone_free(zone);
    return 0;
}

static void test_load_errors(void **state)
{
    (void)state;
#define SUBJECT_KNOWS "; known fields are code, case, label, due"
    static const struct {
        struct shelf shelf;
        const char *error;
    } cases[] = {
        {{"notice.txt", "a\n  {{heeding}}", NULL},
         "shelf/notice.txt:2:3: unknown field \"heeding\"; did you mean "
         "\"heading\"?; known fields are heading, "},
        {{"backlog.html", "{{#groups}}", NULL},
         "shelf/backlog.html:1:1: the section \"groups\" is never closed"},
        {{NULL, NULL, "operator.html"}, "shelf/operator.html: cannot be opened"},
        // A subject is seen on locked screens and in mail logs: it cannot be made to say more.
        {{"notice.subject", "{{title}}", NULL},
         "shelf/notice.subject:1:1: unknown field \"title\"" SUBJECT_KNOWS},
        {{"notice.subject", "{{basis}}", NULL},
         "shelf/notice.subject:1:1: unknown field \"basis\"" SUBJECT_KNOWS},
        {{"notice.subject", "{{heading}}", NULL},
         "shelf/notice.subject:1:1: unknown field \"heading\"" SUBJECT_KNOWS},
        {{"notice.subject", "{{unit}}", NULL},
         "shelf/notice.subject:1:1: unknown field \"unit\"" SUBJECT_KNOWS},
        {{"notice.subject", "{{matter}}", NULL},
         "shelf/notice.subject:1:1: unknown field \"matter\"" SUBJECT_KNOWS},
        {{"gathered.subject", "{{#items}}", NULL},
         "shelf/gathered.subject:1:1: unknown field \"items\"; known fields are summary, codes, date"},
        {{"backlog.subject", "{{#groups}}", NULL},
         "shelf/backlog.subject:1:1: unknown field \"groups\"; known fields "
         "are unit, date"},
        {{"operator.subject", "{{#lines}}", NULL},
         "shelf/operator.subject:1:1: unknown field \"lines\"; known fields "
         "are heading, count, date"},
        // No mail can be made to name a person.
        {{"notice.html", "{{caseworker}}", NULL}, "shelf/notice.html:1:1: unknown field \"caseworker\""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct shelf shelf = cases[i].shelf;
        struct wording *wording = NULL;
        struct error err;
        assert_int_equal(wording_load(LANGUAGE_DA, read_shelf, &shelf, &wording, &err), -1);
        assert_null(wording);
        if (strncmp(err.text, cases[i].error, strlen(cases[i].error)) != 0)
            fail_msg("%s\nexpected\n%s", err.text, cases[i].error);
    }
}

// --- Phrases ---

struct local {
    int year, month, day, hour, minute, second;
};

static instant at(struct local local)
{
    if (local.year == 0)
        return INSTANT_NONE;
    return local_time(zone, local.year, local.month, local.day, local.hour, local.minute, local.second);
}

static void assert_phrase(struct buffer *said, const char *expected)
{
    assert_string_equal(said->data, expected);
    buffer_clear(said);
}

static void test_due(void **state)
{
    (void)state;
    static const struct {
        struct local due;
        enum rule_kind kind;
        const char *da, *en, *short_da, *short_en;
    } cases[] = {
        {{2026, 6, 5, 23, 59, 59},
         RULE_STATUTORY,
         "til og med fredag den 5. juni 2026",
         "up to and including Friday 5 June 2026",
         "5. juni 2026",
         "5 June 2026"},
        {{2026, 2, 28, 23, 59, 59},
         RULE_OWN,
         "til og med lørdag den 28. februar 2026",
         "up to and including Saturday 28 February 2026",
         "28. februar 2026",
         "28 February 2026"},
        {{2026, 5, 23, 15, 30, 0},
         RULE_STATUTORY,
         "lørdag den 23. maj 2026 kl. 15.30",
         "Saturday 23 May 2026 at 15:30",
         "23. maj 2026 kl. 15.30",
         "23 May 2026 at 15:30"},
        {{2026, 3, 29, 0, 5, 0},
         RULE_TARGET,
         "søndag den 29. marts 2026 kl. 00.05",
         "Sunday 29 March 2026 at 00:05",
         "29. marts 2026 kl. 00.05",
         "29 March 2026 at 00:05"},
        {{2028, 2, 29, 23, 59, 59},
         RULE_EXPIRY,
         "med udgangen af tirsdag den 29. februar 2028",
         "at the end of Tuesday 29 February 2028",
         "29. februar 2028",
         "29 February 2028"},
        {{2026, 12, 31, 23, 59, 59},
         RULE_INFORMATION,
         "torsdag den 31. december 2026",
         "Thursday 31 December 2026",
         "31. december 2026",
         "31 December 2026"},
        // The last second of the day on which the clock is set, both ways
        {{2026, 10, 25, 23, 59, 59},
         RULE_STATUTORY,
         "til og med søndag den 25. oktober 2026",
         "up to and including Sunday 25 October 2026",
         "25. oktober 2026",
         "25 October 2026"},
        {{0}, RULE_STATUTORY, "endnu ikke fastsat", "not yet set", "uden dato", "without a date"},
    };
    struct buffer said = {0};
    for (size_t i = 0; i < COUNT(cases); i++) {
        instant due = at(cases[i].due);
        phrase_due(LANGUAGE_DA, zone, cases[i].kind, due, &said);
        assert_phrase(&said, cases[i].da);
        phrase_due(LANGUAGE_EN, zone, cases[i].kind, due, &said);
        assert_phrase(&said, cases[i].en);
        phrase_short_due(LANGUAGE_DA, zone, due, &said);
        assert_phrase(&said, cases[i].short_da);
        phrase_short_due(LANGUAGE_EN, zone, due, &said);
        assert_phrase(&said, cases[i].short_en);
    }
    buffer_done(&said);
}

static void test_spans(void **state)
{
    (void)state;
#define END(month, day)                                                                                      \
    {                                                                                                        \
        2026, month, day, 23, 59, 59                                                                         \
    }
    static const struct {
        struct local due, now;
        const char *da, *en;
    } ahead[] = {
        {END(2, 28), {2026, 1, 29, 8, 0, 0}, "om 30 dage", "in 30 days"},
        {END(2, 28), {2026, 2, 26, 23, 59, 59}, "om 2 dage", "in 2 days"},
        {END(2, 28), {2026, 2, 27, 0, 0, 0}, "i morgen", "tomorrow"},
        {END(2, 28), {2026, 2, 28, 0, 0, 0}, "i dag", "today"},
        {END(2, 28), {2026, 2, 28, 23, 59, 59}, "i dag", "today"},
        // By the calendar, also over the 23-hour day
        {END(3, 29), {2026, 3, 28, 8, 0, 0}, "i morgen", "tomorrow"},
        {{2026, 5, 23, 15, 30, 0}, {2026, 5, 22, 15, 30, 1}, "om 23 timer", "in 23 hours"},
        {{2026, 5, 23, 15, 30, 0}, {2026, 5, 23, 14, 30, 0}, "om 1 time", "in 1 hour"},
        {{2026, 5, 23, 15, 30, 0}, {2026, 5, 23, 14, 50, 0}, "om 40 minutter", "in 40 minutes"},
        {{2026, 5, 23, 15, 30, 0}, {2026, 5, 23, 15, 30, 0}, "om 1 minut", "in 1 minute"},
        {{2026, 5, 23, 15, 30, 0}, {2026, 5, 20, 8, 0, 0}, "om 3 dage", "in 3 days"},
        // Elapsed hours, over the hour that is skipped
        {{2026, 3, 29, 6, 0, 0}, {2026, 3, 29, 1, 0, 0}, "om 4 timer", "in 4 hours"},
    };
    static const struct {
        struct local due, now;
        const char *da, *en;
    } behind[] = {
        {END(2, 28), {2026, 3, 1, 0, 0, 0}, "1 dag", "1 day"},
        {END(2, 28), {2026, 3, 7, 8, 0, 0}, "7 dage", "7 days"},
        {{2026, 5, 23, 15, 30, 0}, {2026, 5, 23, 17, 30, 0}, "2 timer", "2 hours"},
        {{2026, 5, 23, 15, 30, 0}, {2026, 5, 23, 15, 30, 1}, "1 minut", "1 minute"},
        {{2026, 5, 23, 15, 30, 0}, {2026, 5, 26, 8, 0, 0}, "3 dage", "3 days"},
    };
    struct buffer said = {0};
    for (size_t i = 0; i < COUNT(ahead); i++) {
        phrase_remaining(LANGUAGE_DA, zone, at(ahead[i].due), at(ahead[i].now), &said);
        assert_phrase(&said, ahead[i].da);
        phrase_remaining(LANGUAGE_EN, zone, at(ahead[i].due), at(ahead[i].now), &said);
        assert_phrase(&said, ahead[i].en);
    }
    for (size_t i = 0; i < COUNT(behind); i++) {
        phrase_overdue(LANGUAGE_DA, zone, at(behind[i].due), at(behind[i].now), &said);
        assert_phrase(&said, behind[i].da);
        phrase_overdue(LANGUAGE_EN, zone, at(behind[i].due), at(behind[i].now), &said);
        assert_phrase(&said, behind[i].en);
    }
    buffer_done(&said);
}

static void test_roles(void **state)
{
    (void)state;
    static const struct {
        const char *role, *da, *en;
    } cases[] = {
        {"caseworker", "sagsbehandler", "caseworker"},
        {"team_leader", "teamleder", "team leader"},
        {"department_head", "afdelingsleder", "head of department"},
        {"centre_head", "centerchef", "head of centre"},
        {"jurist", "jurist", "jurist"},
        {"", "", ""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_string_equal(phrase_role(LANGUAGE_DA, cases[i].role), cases[i].da);
        assert_string_equal(phrase_role(LANGUAGE_EN, cases[i].role), cases[i].en);
    }
}

// A broken law and a missed goal of one's own are never said in the same words, at no moment, in no language;
// and the words of the law are kept for the law.
static void test_kinds_are_never_worded_alike(void **state)
{
    (void)state;
    static const char *const of_the_law[2][2] = {{"ovbestemt", "overskredet"}, {"tatutory", "breach"}};
    typedef void (*phrase)(enum language, enum rule_kind, enum moment, const char *, struct buffer *);
    static const phrase phrases[] = {phrase_heading, phrase_reason};
    for (enum language language = LANGUAGE_DA; language <= LANGUAGE_EN; language++)
        for (enum moment moment = MOMENT_AHEAD; moment < MOMENT_COUNT; moment++)
            for (size_t p = 0; p < COUNT(phrases); p++) {
                struct buffer said[KINDS] = {0};
                for (enum rule_kind kind = 0; kind < KINDS; kind++) {
                    phrases[p](language, kind, moment, "2", &said[kind]);
                    assert_true(said[kind].length > 10);
                    assert_null(strchr(said[kind].data, '%'));
                    for (enum rule_kind other = 0; other < kind; other++)
                        assert_string_not_equal(said[kind].data, said[other].data);
                    if (kind != RULE_STATUTORY) {
                        assert_null(strstr(said[kind].data, of_the_law[language][0]));
                        assert_null(strstr(said[kind].data, of_the_law[language][1]));
                    } else {
                        assert_non_null(strstr(said[kind].data, of_the_law[language][0]));
                    }
                }
                for (enum rule_kind kind = 0; kind < KINDS; kind++)
                    buffer_done(&said[kind]);
            }
}

static void test_every_transition_has_words(void **state)
{
    (void)state;
    for (enum language language = LANGUAGE_DA; language <= LANGUAGE_EN; language++)
        for (enum rule_kind kind = 0; kind < KINDS; kind++)
            for (enum transition_kind t = TRANSITION_OPENED; t <= TRANSITION_NOTICE_FAILED; t++)
                assert_true(strlen(phrase_transition(language, kind, t)) > 3);
    assert_string_not_equal(phrase_transition(LANGUAGE_DA, RULE_STATUTORY, TRANSITION_BREACHED),
                            phrase_transition(LANGUAGE_DA, RULE_TARGET, TRANSITION_BREACHED));
}

// --- The notice ---

static const char *const derivation[] = {"4 måneder", "rundet"};

static struct notice_facts sample(void)
{
    return (struct notice_facts){.case_id = "S-1001",
                                 .subject = "B-3",
                                 .unit = "fam-nord",
                                 .code = "K20",
                                 .title = "Børnefaglig undersøgelse",
                                 .basis = "Barnets lov § 20",
                                 .rule_kind = RULE_STATUTORY,
                                 .transition = TRANSITION_APPROACHING,
                                 .state = STATE_OPEN,
                                 .anchor_at = at((struct local){2025, 10, 31, 10, 12, 0}),
                                 .due_at = at((struct local)END(2, 28)),
                                 .now = at((struct local){2026, 1, 29, 8, 0, 0}),
                                 .role = "caseworker",
                                 .link = "https://x.dk/S-1001?a=1&b=2",
                                 .derivation = derivation,
                                 .derivation_count = COUNT(derivation)};
}

static void test_whole_notice(void **state)
{
    (void)state;
    struct notice_facts facts = sample();
    const struct notice_done done[] = {
        {at((struct local){2026, 1, 14, 8, 0, 0}), TRANSITION_PAUSED, .role = NULL},
        {at((struct local){2026, 1, 20, 12, 5, 0}), TRANSITION_APPROACHING, .role = "team_leader"},
        {at((struct local){2026, 1, 21, 12, 5, 0}), TRANSITION_BREACHED, .role = "jurist"},
    };
    facts.done = done;
    facts.done_count = COUNT(done);
    struct mail_text mail = {0};
    wording_notice(wordings[LANGUAGE_DA], zone, &facts, &mail);
    assert_string_equal(mail.subject.data, "[K20] S-1001: frist 28. februar 2026");
    assert_string_equal(
        mail.text.data,
        "heading=Lovbestemt frist udløber om 30 dage\nalarm=\nwarning=ja\ncalm=\ncode=K20\n"
        "title=Børnefaglig undersøgelse\nkind=lovbestemt frist\nnot_statutory=\ncase=S-1001\nmatter=B-3\n"
        "unit=fam-nord\ndue_label=Frist\ndue=til og med lørdag den 28. februar 2026\n"
        "counted_from=fredag den 31. oktober 2025 kl. 10.12\nrole=sagsbehandler\n"
        "reason=den lovbestemte frist udløber om 30 dage, og opgaven endnu ikke er registreret som løst\n"
        "next=Løs opgaven i tide, og registrér det i fagsystemet. Så kommer der ikke flere påmindelser.\n"
        "consequence=\nafter_silence=\nexplained=ja\n"
        "late=\nwaited=\nstand_in=\nlink=https://x.dk/S-1001?a=1&b=2\nmuted=\n"
        "done=[14. januar 2026 kl. 08.00: sat på pause][20. januar 2026 kl. 12.05: varsel til teamleder]"
        "[21. januar 2026 kl. 12.05: besked til jurist]\ndone_earlier=\n"
        "derivation=[4 måneder][rundet]\nbasis=Barnets lov § 20\nsensitive=\n"
        "written=torsdag den 29. januar 2026\n");
    assert_non_null(strstr(mail.html.data, "link=https://x.dk/S-1001?a=1&amp;b=2\n"));
    // The next mail replaces this one.
    facts.case_id = "S-2";
    wording_notice(wordings[LANGUAGE_EN], zone, &facts, &mail);
    assert_string_equal(mail.subject.data, "[K20] S-2: deadline 28 February 2026");
    assert_null(strstr(mail.text.data, "S-1001:"));
    assert_non_null(strstr(mail.text.data, "warning=yes\n"));
    assert_non_null(strstr(mail.text.data, "done=[14 January 2026 at 08:00: paused]"));
    mail_text_done(&mail);
}

static void assert_says(const struct mail_text *mail, const char *line)
{
    if (strstr(mail->text.data, line) == NULL)
        fail_msg("expected %s in\n%s", line, mail->text.data);
}

static void test_situations(void **state)
{
    (void)state;
    static const struct {
        enum rule_kind kind;
        enum transition_kind transition;
        int missed;
        struct local now;
        const char *da, *en, *tone;
    } cases[] = {
        {RULE_STATUTORY,
         TRANSITION_BREACHED,
         0,
         {2026, 3, 1, 0, 0, 0},
         "Lovbestemt frist er overskredet",
         "Statutory deadline has been breached",
         "alarm"},
        {RULE_STATUTORY,
         TRANSITION_ESCALATED,
         0,
         {2026, 3, 7, 8, 0, 0},
         "Lovbestemt frist har været overskredet i 7 dage",
         "Statutory deadline has been in breach for 7 days",
         "alarm"},
        {RULE_STATUTORY,
         TRANSITION_MISSED,
         1,
         {2026, 3, 1, 0, 0, 0},
         "Tilbagevendende lovbestemt frist er overskredet",
         "Recurring statutory deadline has been breached",
         "alarm"},
        {RULE_OWN,
         TRANSITION_APPROACHING,
         0,
         {2026, 2, 27, 8, 0, 0},
         "Kommunens egen frist udløber i morgen",
         "The municipality's own deadline expires tomorrow",
         "calm"},
        {RULE_OWN,
         TRANSITION_BREACHED,
         0,
         {2026, 3, 1, 0, 0, 0},
         "Kommunens egen frist er ikke holdt",
         "The municipality's own deadline was not kept",
         "warning"},
        {RULE_OWN,
         TRANSITION_MISSED,
         3,
         {2026, 3, 1, 0, 0, 0},
         "Kommunens egen tilbagevendende frist er ikke holdt 3 gange i træk",
         "The municipality's own recurring deadline was not kept 3 times in a row",
         "warning"},
        {RULE_TARGET,
         TRANSITION_APPROACHING,
         0,
         {2026, 2, 28, 8, 0, 0},
         "Kommunens eget mål skal være nået i dag",
         "The municipality's own target is to be reached today",
         "calm"},
        {RULE_TARGET,
         TRANSITION_BREACHED,
         0,
         {2026, 3, 1, 0, 0, 0},
         "Kommunens eget mål er ikke nået",
         "The municipality's own target was not reached",
         "warning"},
        {RULE_EXPIRY,
         TRANSITION_APPROACHING,
         0,
         {2026, 2, 14, 8, 0, 0},
         "En afgørelse eller ydelse i sagen udløber om 14 dage",
         "A decision or benefit in the case expires in 14 days",
         "warning"},
        {RULE_EXPIRY,
         TRANSITION_LAPSED,
         0,
         {2026, 3, 1, 0, 0, 0},
         "En afgørelse eller ydelse i sagen er udløbet",
         "A decision or benefit in the case has expired",
         "alarm"},
        {RULE_PRECONDITION,
         TRANSITION_MISSED,
         0,
         {2026, 3, 1, 0, 0, 0},
         "En forudsætning i loven var ikke opfyldt",
         "A precondition set by law was not met",
         "alarm"},
        {RULE_INFORMATION,
         TRANSITION_PASSED,
         0,
         {2026, 3, 1, 0, 0, 0},
         "Til orientering: en dato i sagen er passeret",
         "For information: a date in the case has passed",
         "calm"},
        // A warning that comes after the date does not count backwards.
        {RULE_STATUTORY,
         TRANSITION_APPROACHING,
         0,
         {2026, 3, 3, 8, 0, 0},
         "Lovbestemt frist er overskredet",
         "Statutory deadline has been breached",
         "alarm"},
        // What no stage tells today, but a later one may
        {RULE_STATUTORY,
         TRANSITION_MOVED,
         0,
         {2026, 2, 3, 8, 0, 0},
         "Lovbestemt frist: flyttet til en ny dato",
         "Statutory deadline: moved to a new date",
         "calm"},
    };
    struct mail_text mail = {0};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct notice_facts facts = sample();
        facts.rule_kind = cases[i].kind;
        facts.transition = cases[i].transition;
        facts.missed_in_a_row = cases[i].missed;
        facts.now = at(cases[i].now);
        char line[200];
        wording_notice(wordings[LANGUAGE_DA], zone, &facts, &mail);
        snprintf(line, sizeof line, "heading=%s\n", cases[i].da);
        assert_says(&mail, line);
        snprintf(line, sizeof line, "%s=ja\n", cases[i].tone);
        assert_says(&mail, line);
        bool own = cases[i].kind == RULE_OWN || cases[i].kind == RULE_TARGET;
        assert_int_equal(strstr(mail.text.data, "not_statutory=\n") == NULL, own);
        wording_notice(wordings[LANGUAGE_EN], zone, &facts, &mail);
        snprintf(line, sizeof line, "heading=%s\n", cases[i].en);
        assert_says(&mail, line);
    }
    mail_text_done(&mail);
}

// Every mail on a deadline says what to do next, or that there is nothing to do.
static void test_what_next(void **state)
{
    (void)state;
    static const enum transition_kind told[] = {TRANSITION_APPROACHING,
                                                TRANSITION_BREACHED,
                                                TRANSITION_ESCALATED,
                                                TRANSITION_MISSED,
                                                TRANSITION_LAPSED,
                                                TRANSITION_PASSED,
                                                TRANSITION_MOVED,
                                                TRANSITION_MET,
                                                TRANSITION_LATE,
                                                TRANSITION_CANCELLED,
                                                TRANSITION_WITHDRAWN,
                                                TRANSITION_REOPENED,
                                                TRANSITION_ACKNOWLEDGEMENT_ENDED};
    struct mail_text mail = {0};
    for (enum language language = LANGUAGE_DA; language <= LANGUAGE_EN; language++)
        for (enum rule_kind kind = RULE_STATUTORY; kind <= RULE_INFORMATION; kind++)
            for (size_t i = 0; i < COUNT(told); i++)
                for (int leads = 0; leads < 2; leads++) {
                    struct notice_facts facts = sample();
                    facts.rule_kind = kind;
                    facts.transition = told[i];
                    facts.missed_in_a_row = told[i] == TRANSITION_MISSED ? 2 : 0;
                    facts.role = leads ? "team_leader" : "caseworker";
                    wording_notice(wordings[language], zone, &facts, &mail);
                    bool next = strstr(mail.text.data, "next=\n") == NULL;
                    bool consequence = strstr(mail.text.data, "consequence=\n") == NULL;
                    assert_int_equal(next + consequence, 1);
                    assert_null(strstr(mail.text.data, "(null)"));
                }
    struct notice_facts facts = sample();
    facts.transition = TRANSITION_BREACHED;
    facts.role = "team_leader";
    wording_notice(wordings[LANGUAGE_DA], zone, &facts, &mail);
    assert_says(&mail, "next=Aftal med sagsbehandleren, hvornår opgaven bliver løst. ");
    facts.transition = TRANSITION_MET;
    wording_notice(wordings[LANGUAGE_DA], zone, &facts, &mail);
    assert_says(&mail, "consequence=Du skal ikke gøre mere.\n");
    facts.transition = TRANSITION_ACKNOWLEDGEMENT_ENDED;
    wording_notice(wordings[LANGUAGE_DA], zone, &facts, &mail);
    assert_says(&mail, "reason=en kvittering er ophørt, og opgaven stadig ikke er registreret som løst\n");
    // Without a date there is nothing to say of how it came about, and the heading does not promise one.
    facts.transition = TRANSITION_MOVED;
    facts.due_at = INSTANT_NONE;
    wording_notice(wordings[LANGUAGE_DA], zone, &facts, &mail);
    assert_says(&mail, "heading=Lovbestemt frist: datoen er ikke længere fastsat\n");
    assert_says(&mail, "explained=\n");
    mail_text_done(&mail);
}

// One subject for all mails on one deadline, whatever happens to it and whoever reads it.
static void test_subject_is_constant(void **state)
{
    (void)state;
    struct mail_text mail = {0};
    for (enum transition_kind t = TRANSITION_OPENED; t <= TRANSITION_NOTICE_FAILED; t++) {
        struct notice_facts facts = sample();
        facts.transition = t;
        facts.now = at((struct local){2026, 4, 1, 8, 0, 0});
        facts.late = facts.instead_of_another = true;
        facts.role = "department_head";
        facts.missed_in_a_row = (int)t % 3;
        wording_notice(wordings[LANGUAGE_DA], zone, &facts, &mail);
        assert_string_equal(mail.subject.data, "[K20] S-1001: frist 28. februar 2026");
    }
    mail_text_done(&mail);
}

static void test_late_and_stand_in(void **state)
{
    (void)state;
    struct notice_facts facts = sample();
    facts.late = facts.instead_of_another = true;
    facts.link = NULL;
    facts.subject = facts.unit = "";
    facts.due_at = facts.anchor_at = INSTANT_NONE;
    struct mail_text mail = {0};
    wording_notice(wordings[LANGUAGE_DA], zone, &facts, &mail);
    assert_says(&mail, "late=ja\nwaited=\nstand_in=ja\nlink=\n");
    assert_says(&mail, "matter=\nunit=\n");
    assert_says(&mail, "due=endnu ikke fastsat\ncounted_from=\n");
    assert_string_equal(mail.subject.data, "[K20] S-1001: frist uden dato");
    mail_text_done(&mail);
}

// The name of a rule can itself tell something about a child.
static void test_sensitive(void **state)
{
    (void)state;
    struct notice_facts facts = sample();
    facts.sensitive = true;
    struct mail_text mail = {0};
    wording_notice(wordings[LANGUAGE_DA], zone, &facts, &mail);
    assert_says(&mail, "code=K20\ntitle=\n");
    assert_says(&mail, "derivation=\nbasis=\nsensitive=ja\n");
    for (const struct buffer *part = &mail.subject; part <= &mail.html; part++) {
        assert_null(strstr(part->data, "undersøgelse"));
        assert_null(strstr(part->data, "§"));
        assert_null(strstr(part->data, "4 måneder"));
    }
    mail_text_done(&mail);
}

static void test_done_is_bounded(void **state)
{
    (void)state;
    struct notice_done done[NOTICE_DONE_MAX + 3];
    for (size_t i = 0; i < COUNT(done); i++)
        done[i] = (struct notice_done){at((struct local){2026, 1, 1, 0, (int)i, 0}), TRANSITION_ESCALATED,
                                       .role = "jurist"};
    struct notice_facts facts = sample();
    facts.done = done;
    facts.done_count = NOTICE_DONE_MAX;
    struct mail_text mail = {0};
    wording_notice(wordings[LANGUAGE_DA], zone, &facts, &mail);
    assert_says(&mail, "done=[1. januar 2026 kl. 00.00: rykker til jurist]");
    assert_says(&mail, "done_earlier=\n");
    facts.done_count = COUNT(done);
    wording_notice(wordings[LANGUAGE_DA], zone, &facts, &mail);
    assert_says(&mail, "done=[1. januar 2026 kl. 00.03: rykker til jurist]");
    assert_says(&mail, "kl. 00.22: rykker til jurist]\ndone_earlier=3\n");
    mail_text_done(&mail);
}

static size_t count_of(const struct buffer *text, const char *characters)
{
    size_t found = 0;
    for (const char *c = text->data; (c = strpbrk(c, characters)); c++)
        found++;
    return found;
}

// As many lines and tags as in the mail of ordinary facts.
static void assert_same_shape(const struct mail_text *mail, const struct mail_text *expected)
{
    assert_int_equal(count_of(&mail->subject, "\r\n"), 0);
    assert_int_equal(count_of(&mail->text, "\r\n"), count_of(&expected->text, "\r\n"));
    assert_int_equal(count_of(&mail->html, "\r\n"), count_of(&expected->html, "\r\n"));
    assert_int_equal(count_of(&mail->html, "<>\"'"), count_of(&expected->html, "<>\"'"));
}

static void assert_no_header_of_its_own(const struct mail_text *mail)
{
    struct message message = {.from_address = "a@x.dk",
                              .to_address = "b@x.dk",
                              .message_key = "1",
                              .message_host = "x.dk",
                              .subject = mail->subject.data,
                              .text = mail->text.data,
                              .html = mail->html.data,
                              .date = 0,
                              .zone = zone};
    struct buffer bytes = {0};
    assert_int_equal(message_build(&message, &bytes, NULL), 0);
    *strstr(bytes.data, "\r\n\r\n") = '\0';
    assert_null(strstr(bytes.data, "\nBcc"));
    buffer_done(&bytes);
}

// Whatever stands in a fact stays the value of its field: in text, in HTML, and in the message made of them.
static void test_hostile_facts(void **state)
{
    (void)state;
    static const char *const pieces[] = {
        "\r\nBcc: evil@x.dk\r\n\r\n",
        "\ncase=evil\n.\n",
        "\"><script>alert(1)</script>",
        "' onmouseover='",
        "{{heading}}{{#done}}",
        "\xff\xed\xa0\x80\xc0\xaf",
        "👩‍👧‍👦æøå\u2028",
        "lang ",
        "%s%n%",
    };
    static const size_t offsets[] = {
        offsetof(struct notice_facts, case_id), offsetof(struct notice_facts, subject),
        offsetof(struct notice_facts, unit),    offsetof(struct notice_facts, code),
        offsetof(struct notice_facts, title),   offsetof(struct notice_facts, basis),
        offsetof(struct notice_facts, role),    offsetof(struct notice_facts, link)};
    struct notice_facts clean = sample();
    struct mail_text expected = {0}, mail = {0};
    wording_notice(wordings[LANGUAGE_DA], zone, &clean, &expected);
    for (size_t piece = 0; piece < COUNT(pieces); piece++)
        for (size_t field = 0; field < COUNT(offsets) + 1; field++) {
            struct buffer text = {0};
            while (text.length < 10240)
                buffer_add_string(&text, pieces[piece]);
            struct notice_facts facts = sample();
            const char *lines[] = {text.data, text.data};
            if (field < COUNT(offsets))
                *(const char **)((char *)&facts + offsets[field]) = text.data;
            else
                facts.derivation = lines;
            wording_notice(wordings[LANGUAGE_DA], zone, &facts, &mail);
            assert_same_shape(&mail, &expected);
            assert_no_header_of_its_own(&mail);
            buffer_done(&text);
        }
    mail_text_done(&expected);
    mail_text_done(&mail);
}

// --- Several in one mail ---

static void test_gathered(void **state)
{
    (void)state;
    struct notice_facts items[] = {sample(), sample(), sample(), sample()};
    items[0].transition = TRANSITION_BREACHED;
    items[0].now = at((struct local){2026, 3, 1, 8, 0, 0});
    items[1].code = "K50";
    items[1].rule_kind = RULE_TARGET;
    items[1].transition = TRANSITION_BREACHED;
    items[1].sensitive = true;
    items[2].code = "K51";
    items[2].instead_of_another = items[2].late = true;
    items[3].transition = TRANSITION_MET;
    items[3].case_id = "S-9";
    const struct gathered_sum sums[] = {{"K20", "Undersøgelse", RULE_STATUTORY, 0, 1, 1},
                                        {"K50", NULL, RULE_TARGET, 0, 1, 0},
                                        {"K51", "T", RULE_STATUTORY, 1, 0, 0}};
    struct gathered_facts facts = {.now = at((struct local){2026, 1, 29, 8, 0, 0}),
                                   .waited = true,
                                   .decided_at = at((struct local){2026, 1, 28, 17, 5, 0}),
                                   .items = items,
                                   .item_count = COUNT(items),
                                   .sums = sums,
                                   .sum_count = COUNT(sums)};
    struct mail_text mail = {0};
    wording_gathered(wordings[LANGUAGE_DA], zone, &facts, &mail);
    assert_string_equal(
        mail.subject.data,
        "[K20, K50, K51] 1 lovbestemt frist overskredet, 1 af kommunens egne "
        "frister og mål ikke holdt, 1 frist nærmer sig, 1 frist afklaret eller flyttet, 29. januar 2026");
    // All are listed: no sums. A broken law and a missed goal of one's own never look alike.
    assert_string_equal(
        mail.text.data,
        "1 lovbestemt frist overskredet, 1 af kommunens egne frister og mål ikke holdt, 1 frist nærmer sig, "
        "1 frist afklaret eller flyttet "
        "waited=onsdag den 28. januar 2026 kl. 17.05 listed= few=\n"
        "! Lovbestemt frist er overskredet | K20 (Børnefaglig undersøgelse, lovbestemt frist) | S-1001 B-3 "
        "fam-nord | Frist til og med lørdag den 28. februar 2026 | sagsbehandler | late= stand_in= | "
        "https://x.dk/S-1001?a=1&b=2\n"
        "? Kommunens eget mål er ikke nået | K50 (, kommunens eget mål) | S-1001 B-3 fam-nord | Mål til og "
        "med lørdag den 28. februar 2026 | sagsbehandler | late= stand_in= | https://x.dk/S-1001?a=1&b=2\n"
        "? Lovbestemt frist udløber om 30 dage | K51 (Børnefaglig undersøgelse, lovbestemt frist) | S-1001 "
        "B-3 fam-nord | Frist til og med lørdag den 28. februar 2026 | sagsbehandler | late=ja stand_in=ja | "
        "https://x.dk/S-1001?a=1&b=2\n"
        "Lovbestemt frist: løst i tide | K20 | S-9 | til og med lørdag den 28. februar 2026\n"
        "torsdag den 29. januar 2026\n");
    assert_string_equal(mail.html.data, "red");
    // Said once when it holds for all that are told; what has become of others is no matter.
    items[0].late = items[1].late = true;
    wording_gathered(wordings[LANGUAGE_DA], zone, &facts, &mail);
    assert_non_null(strstr(mail.text.data, " few= all late\n"));
    mail_text_done(&mail);
}

// Of very many only the worst are listed; small sums do not tell who is meant.
static void test_gathered_digest(void **state)
{
    (void)state;
    const struct notice_facts items[] = {sample()};
    const struct gathered_sum sums[] = {{"K1", "A", RULE_STATUTORY, 0, 60001, 0},
                                        {"K2", "B", RULE_OWN, 2, 39000, 0},
                                        {"K3", NULL, RULE_EXPIRY, 0, 1, 0},
                                        {"K4", "D", RULE_STATUTORY, 7, 0, 0},
                                        {"K5", "E", RULE_STATUTORY, 0, 0, 5}};
    struct gathered_facts facts = {.now = at((struct local){2026, 1, 29, 8, 0, 0}),
                                   .items = items,
                                   .item_count = COUNT(items),
                                   .sums = sums,
                                   .sum_count = COUNT(sums)};
    struct mail_text mail = {0};
    wording_gathered(wordings[LANGUAGE_EN], zone, &facts, &mail);
    assert_string_equal(mail.subject.data, "[K1, K2, K3, K4 …] 60001 statutory deadlines breached, 39000 of "
                                           "the municipality's own deadlines and targets "
                                           "not kept, fewer than 3 other dates passed, at least 8 deadlines "
                                           "coming up, 5 deadlines settled or moved, 29 January 2026");
    assert_non_null(strstr(mail.text.data,
                           "waited= listed=1 few=3\n"
                           "K1 (A, statutory deadline):  / 60001 breached / \n"
                           "K2 (B, the municipality's own deadline): fewer than 3 / 39000 not kept / \n"
                           "K3 (, expiry):  / fewer than 3 expired / \n"
                           "K4 (D, statutory deadline): 7 /  breached / \n"
                           "K5 (E, statutory deadline):  /  breached / 5\n"));
    assert_string_equal(mail.html.data, "amber");
    mail_text_done(&mail);
}

static void test_smaller_deadlines_that_wait(void **state)
{
    (void)state;
    struct notice_muted muted[12];
    for (size_t i = 0; i < COUNT(muted); i++)
        muted[i] = (struct notice_muted){i % 2 ? "K207" : "K220", at((struct local){2026, 3, 2, 23, 59, 59})};
    struct notice_facts facts = {.case_id = "S-1",
                                 .subject = "",
                                 .unit = "",
                                 .code = "K20",
                                 .rule_kind = RULE_STATUTORY,
                                 .transition = TRANSITION_BREACHED,
                                 .state = STATE_BREACHED,
                                 .anchor_at = INSTANT_NONE,
                                 .due_at = at((struct local){2026, 2, 28, 23, 59, 59}),
                                 .now = at((struct local){2026, 3, 7, 8, 0, 0}),
                                 .role = "team_leader",
                                 .muted = muted,
                                 .muted_count = 1};
    struct mail_text mail = {0};
    wording_notice(wordings[LANGUAGE_DA], zone, &facts, &mail);
    assert_says(&mail, "muted=1 mindre frist: K220 (2. marts 2026)\n");
    facts.muted_count = 12;
    wording_notice(wordings[LANGUAGE_EN], zone, &facts, &mail);
    assert_says(&mail, "muted=12 smaller deadlines: K220 (2 March 2026), K207 (2 March 2026), ");
    assert_says(&mail, "K207 (2 March 2026) and 2 others\n");
    facts.muted_count = 0;
    wording_notice(wordings[LANGUAGE_DA], zone, &facts, &mail);
    assert_says(&mail, "muted=\n");
    mail_text_done(&mail);
}

// Whatever the two hidden counts are, nothing in the mail changes with them.
static void test_summary_gives_no_small_count_away(void **state)
{
    (void)state;
    const struct notice_facts items[] = {sample()};
    struct mail_text first = {0}, second = {0};
    for (int which = 0; which < 3; which++) {
        struct gathered_sum sums[] = {{"K1", "A", RULE_TARGET, 40, 407, 9},
                                      {"K2", "B", RULE_TARGET, 1, 1, 1}};
        struct gathered_facts facts = {
            .items = items, .item_count = 1, .sums = sums, .sum_count = COUNT(sums)};
        wording_gathered(wordings[LANGUAGE_DA], zone, &facts, &first);
        sums[1].ahead += which == 0;
        sums[1].broken += which == 1;
        sums[1].resolved += which == 2;
        wording_gathered(wordings[LANGUAGE_DA], zone, &facts, &second);
        assert_string_equal(first.subject.data, second.subject.data);
        assert_string_equal(first.text.data, second.text.data);
        assert_non_null(strstr(first.subject.data, "mindst 408 af"));
    }
    mail_text_done(&first);
    mail_text_done(&second);
}

// --- Reports ---

static void test_backlog(void **state)
{
    (void)state;
    static const struct backlog_row rows[] = {
        {"K1", "Vurdering", RULE_STATUTORY, 4, 0},
        {"K41", "Opfølgning", RULE_OWN, 7, 5},
        {"K20", "Undersøgelse", RULE_STATUTORY, 31, 12},
        {"K44", NULL, RULE_STATUTORY, 2, 1},
        {"K50", "Mål", RULE_TARGET, 0, 2},
    };
    const struct backlog_facts facts = {.unit = "fam-nord",
                                        .now = at((struct local){2026, 1, 29, 8, 0, 0}),
                                        .rows = rows,
                                        .row_count = COUNT(rows)};
    struct mail_text mail = {0};
    wording_backlog(wordings[LANGUAGE_DA], zone, &facts, &mail);
    assert_string_equal(mail.subject.data, "fam-nord 29. januar 2026");
    assert_string_equal(mail.text.data, "unit=fam-nord written=torsdag den 29. januar 2026 few=3\n"
                                        "Lovbestemte frister | inden for fristen | overskredet\n"
                                        "K1 (Vurdering) | 4 | 0\n"
                                        "K20 (Undersøgelse) | 31 | 12\n"
                                        "K44 () | under 3 | under 3\n"
                                        "sum | mindst 36 | mindst 13\n"
                                        "Kommunens egne frister | inden for fristen | ikke holdt\n"
                                        "K41 (Opfølgning) | 7 | 5\n"
                                        "sum | 7 | 5\n"
                                        "Kommunens egne mål | endnu ikke forfaldne | ikke nået\n"
                                        "K50 (Mål) | 0 | under 3\n"
                                        "sum | 0 | under 3\n");
    assert_string_equal(mail.html.data, "K1K20K44K41K50");
    wording_backlog(wordings[LANGUAGE_EN], zone, &facts, &mail);
    assert_says(&mail, "K44 () | fewer than 3 | fewer than 3\nsum | at least 36 | at least 13\n");
    mail_text_done(&mail);
}

// The worst ten, but none whose rule has a count that is hidden: the list would give it away.
static void test_the_worst_of_a_backlog(void **state)
{
    (void)state;
    static const struct backlog_row rows[] = {{"K20", "Undersøgelse", RULE_STATUTORY, 31, 12},
                                              {"K44", NULL, RULE_STATUTORY, 2, 2}};
    struct report_deadline broken[14];
    for (size_t i = 0; i < COUNT(broken); i++)
        broken[i] = (struct report_deadline){"S-1",
                                             "",
                                             "nord",
                                             "",
                                             "",
                                             i % 6 == 0 ? "K44" : "K20",
                                             RULE_STATUTORY,
                                             false,
                                             at((struct local){2026, 1, 10, 23, 59, 59}),
                                             true};
    const struct report_mail worst = {.decided_at = at((struct local){2026, 1, 29, 8, 0, 0}),
                                      .broken = broken,
                                      .broken_count = COUNT(broken)};
    const struct ruleset rules = {.zone = zone};
    const struct report_facts worst_facts = {NULL, &worst, &rules, "https://x.example/{case}"};
    const struct backlog_facts facts = {.unit = "fam-nord",
                                        .now = worst.decided_at,
                                        .rows = rows,
                                        .row_count = COUNT(rows),
                                        .worst = &worst_facts};
    struct mail_text mail = {0};
    wording_backlog(wordings[LANGUAGE_DA], zone, &facts, &mail);
    const char *list = strstr(mail.text.data, "worst:\n");
    assert_non_null(list);
    size_t listed = 0;
    for (const char *line = list;
         (line = strstr(line, "K20 S-1 10. januar 2026 overskredet med 19 dage https://x.example/S-1\n"));
         line++)
        listed++;
    assert_int_equal(listed, BACKLOG_WORST_SHOWN);
    assert_null(strstr(list, "K44"));
    mail_text_done(&mail);
}

// No report tells a count of 1 from one of 2: neither a row, nor a sum with or without its rows.
static void test_small_counts_cannot_be_told_apart(void **state)
{
    (void)state;
    struct mail_text first = {0}, second = {0};
    for (int other = 0; other < 12; other++)
        for (int pair = 0; pair < 4; pair++) {
            struct backlog_row rows[3] = {{"A", NULL, RULE_STATUTORY, 1, other},
                                          {"B", NULL, RULE_STATUTORY, other, 1},
                                          {"C", NULL, RULE_STATUTORY, 1, 1}};
            struct backlog_facts facts = {.unit = "u", .now = 0, .rows = rows, .row_count = 3};
            wording_backlog(wordings[LANGUAGE_DA], zone, &facts, &first);
            rows[0].open += pair & 1;
            rows[1].breached += pair >> 1;
            rows[2].open += pair >> 1;
            wording_backlog(wordings[LANGUAGE_DA], zone, &facts, &second);
            assert_string_equal(first.text.data, second.text.data);
            assert_non_null(strstr(first.text.data, "few=3"));
        }
    mail_text_done(&first);
    mail_text_done(&second);
}

// The size is the municipality's: 1 hides nothing.
static void test_size_of_small_counts(void **state)
{
    (void)state;
    static const struct backlog_row rows[] = {{"K20", "Undersøgelse", RULE_STATUTORY, 31, 4},
                                              {"K44", NULL, RULE_STATUTORY, 1, 0}};
    static const struct {
        int size;
        const char *few, *rows, *sum;
    } cases[] = {
        {5, "few=5", "K20 (Undersøgelse) | 31 | under 5\nK44 () | under 5 | 0\n", "mindst 32 | under 5"},
        {2, "few=2", "K20 (Undersøgelse) | 31 | 4\nK44 () | under 2 | 0\n", "mindst 32 | 4"},
        {1, "few=", "K20 (Undersøgelse) | 31 | 4\nK44 () | 1 | 0\n", "sum | 32 | 4"}};
    const struct backlog_facts facts = {.unit = "u", .rows = rows, .row_count = COUNT(rows)};
    struct mail_text mail = {0};
    for (size_t i = 0; i < COUNT(cases); i++) {
        wording_set_small_counts(wordings[LANGUAGE_DA], cases[i].size);
        wording_backlog(wordings[LANGUAGE_DA], zone, &facts, &mail);
        assert_non_null(strstr(mail.text.data, cases[i].few));
        assert_non_null(strstr(mail.text.data, cases[i].rows));
        assert_non_null(strstr(mail.text.data, cases[i].sum));
    }
    wording_set_small_counts(wordings[LANGUAGE_DA], SMALL_COUNTS_DEFAULT);
    mail_text_done(&mail);
}

static void test_backlog_without_rows(void **state)
{
    (void)state;
    const struct backlog_facts facts = {.unit = "u", .now = 0};
    struct mail_text mail = {0};
    wording_backlog(wordings[LANGUAGE_DA], zone, &facts, &mail);
    assert_string_equal(mail.text.data, "unit=u written=torsdag den 1. januar 1970 few=\n");
    mail_text_done(&mail);
}

static void test_operator(void **state)
{
    (void)state;
    static const struct operator_line lines[] = {
        {"step_reached_nobody", "S-1", "K20", "team_leader"},
        {"notice_given_up", "S-2", "K1", "550"},
        {"data_fault", "S-3", "K20", "birth_in_future"},
        {"data_fault", "S-4", NULL, "new_fault"},
        {"notice_given_up", NULL, NULL, NULL},
        {"report_not_sent", "", "", "hjemvisninger, team_leader nord (550)"},
        {"report_not_sent", "", "", "odd"},
        {"data_fault", "", "", "unit_circle nord"},
        {"data_fault", "", "", "bad_row "},
        {"odd_one", "S-5", "K1", "x"},
        {"deadline_moved", "S-6", "K20", "1. maj 2026 → 2. maj 2026"},
        {"deadline_closed", "S-7", "K20", "1. maj 2026"},
        {"deadline_gone", "S-8", "K20", "1. maj 2026"},
        {"deadline_breached", "S-9", "K20", "1. maj 2026"},
    };
    const struct operator_facts facts = {
        .now = at((struct local){2026, 1, 29, 8, 0, 0}), .lines = lines, .line_count = COUNT(lines)};
    struct mail_text mail = {0};
    wording_operator(wordings[LANGUAGE_DA], zone, &facts, &mail);
    assert_string_equal(mail.subject.data, "Beskeder når ikke frem 14 29. januar 2026");
    assert_string_equal(
        mail.text.data,
        "!Beskeder når ikke frem\n"
        "Ingen med rollen teamleder kunne nås. Er rollen besat, har personen en mailadresse, og er der "
        "en stedfortræder ved fravær? | S-1 | K20\n"
        "En besked kunne ikke leveres og er opgivet (550). Næste niveau får besked, hvis der er et. | S-2 | "
        "K1\n"
        "en fødselsdato ligger i fremtiden | S-3 | K20\n"
        "new_fault | S-4 | \n"
        "En besked kunne ikke leveres og er opgivet (-). Næste niveau får besked, hvis der er et. |  | \n"
        "En rapport nåede ikke frem: hjemvisninger, teamleder nord (550). Lederen over har fået den, hvis "
        "der er "
        "en. |  | \n"
        "En rapport nåede ikke frem: odd. Lederen over har fået den, hvis der er en. |  | \n"
        "En enhed ligger under sig selv (nord) |  | \n" // alone it begins the line
        "En række kan ikke læses |  | \n"
        "odd_one | S-5 | K1\n"
        "Ændrede regler har flyttet en åben frist: 1. maj 2026 → 2. maj 2026 | S-6 | K20\n"
        "Ændrede regler har lukket en åben frist (1. maj 2026) | S-7 | K20\n"
        "Ændrede regler har fjernet en åben frist (1. maj 2026) | S-8 | K20\n"
        "Efter ændrede regler er en frist overskredet (1. maj 2026) | S-9 | K20\n"
        "more= torsdag den 29. januar 2026\n");
    mail_text_done(&mail);
}

static void test_operator_is_bounded(void **state)
{
    (void)state;
    struct operator_line lines[OPERATOR_LINES_MAX + 312];
    for (size_t i = 0; i < COUNT(lines); i++)
        lines[i] =
            (struct operator_line){"data_fault", i < OPERATOR_LINES_MAX ? "S-1" : "S-2", "K1", "bad_row"};
    const struct operator_facts facts = {.now = 0, .lines = lines, .line_count = COUNT(lines)};
    struct mail_text mail = {0};
    wording_operator(wordings[LANGUAGE_EN], zone, &facts, &mail);
    assert_string_equal(mail.subject.data, "Faults in the case data 512 1 January 1970");
    assert_says(&mail, "S-1 | K1\nmore=312 ");
    assert_null(strstr(mail.text.data, "S-2"));
    // Of those that were counted not all were written down.
    const struct operator_facts some = {.now = 0, .lines = lines, .line_count = 3, .total = 1000};
    wording_operator(wordings[LANGUAGE_EN], zone, &some, &mail);
    assert_string_equal(mail.subject.data, "Faults in the case data 1000 1 January 1970");
    assert_says(&mail, "more=997 ");
    mail_text_done(&mail);
}

// Each says in its heading what it is about; what is good or planned is no alarm.
static void test_operator_headings(void **state)
{
    (void)state;
    static const struct {
        const char *what, *da, *en;
    } cases[] = {
        {"step_reached_nobody", "!Beskeder når ikke frem\n", "!Messages do not get through\n"},
        {"reach_hole", "!Beskeder når ikke frem\n", "!Messages do not get through\n"},
        {"address_refused", "!Beskeder når ikke frem\n", "!Messages do not get through\n"},
        {"data_fault", "!Fejl i sagsdata\n", "!Faults in the case data\n"},
        {"deadline_gone", "Ændrede regler har ændret åbne frister\n",
         "Changed rules have changed open deadlines\n"},
        {"silence_started", "Varsler er sat på pause\n", "Warnings are silenced\n"},
        {"silence_ended", "En pause for varsler er slut\n", "A silence has ended\n"},
        {"reach_whole", "Alle trin når igen nogen\n", "Every step reaches somebody again\n"},
    };
    struct mail_text mail = {0};
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct operator_line line = {cases[i].what, "", "", "x"};
        const struct operator_facts facts = {.now = 0, .lines = &line, .line_count = 1, .total = 1};
        wording_operator(wordings[LANGUAGE_DA], zone, &facts, &mail);
        assert_memory_equal(mail.text.data, cases[i].da, strlen(cases[i].da));
        wording_operator(wordings[LANGUAGE_EN], zone, &facts, &mail);
        assert_memory_equal(mail.text.data, cases[i].en, strlen(cases[i].en));
    }
    mail_text_done(&mail);
}

static void test_silence(void **state)
{
    (void)state;
    static const struct {
        struct silence silence;
        bool ended;
        int hidden, of_deadlines, undone;
        const char *da, *en; // begin and end
    } cases[] = {
        {{.unit = "nord"},
         false,
         0,
         0,
         0,
         "enheden nord, fra ",
         "heraf overskredet: 2. Fristerne løber videre"},
        {{.case_id = "S-1"},
         true,
         0,
         0,
         0,
         "sagen S-1, fra ",
         ": vedligeholdelse. Ingen varsler er holdt tilbage"},
        {{.rule = "K20", .unit = "nord"},
         true,
         1,
         1,
         1,
         "reglen K20 i enheden nord, fra ",
         "1 varsel på 1 frist er ikke sendt; 1 af fristerne er stadig åben og varsles nu"},
        {{.rule = "K20", .case_id = "S-1"},
         true,
         4,
         2,
         0,
         "reglen K20 i sagen S-1, fra ",
         "4 varsler på 2 frister er ikke sendt; ingen af fristerne er åbne længere"},
        {{.unit = "nord"},
         true,
         9,
         7,
         3,
         "enheden nord, fra ",
         "9 varsler på 7 frister er ikke sendt; 3 af fristerne er stadig åbne og varsles nu"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct silence silence = cases[i].silence;
        silence.from = at((struct local){2026, 3, 27, 8, 0, 0});
        silence.until = at((struct local){2026, 4, 9, 8, 0, 0});
        const struct silence_words words = {.silence = &silence,
                                            .person = "tl1",
                                            .person_role = "team_leader",
                                            .reason = "maintenance",
                                            .ended = cases[i].ended,
                                            .covered = 5,
                                            .breached = 2,
                                            .hidden = cases[i].hidden,
                                            .of_deadlines = cases[i].of_deadlines,
                                            .undone = cases[i].undone};
        struct buffer said = {0};
        phrase_silence(LANGUAGE_DA, zone, &words, &said);
        assert_memory_equal(said.data, cases[i].da, strlen(cases[i].da));
        assert_string_equal(said.data + said.length - strlen(cases[i].en), cases[i].en);
        assert_non_null(strstr(said.data,
                               "fra 27. marts 2026 kl. 08.00 til 9. april 2026 kl. 08.00, sat af tl1 "
                               "(teamleder): vedligeholdelse. "));
        buffer_done(&said);
    }
}

static void test_reach_hole(void **state)
{
    (void)state;
    const char *roles[] = {"team_leader", "jurist"};
    const struct stage stage = {.to = roles, .to_count = 2};
    static const struct {
        uint64_t days;
        const char *da, *en;
    } cases[] = {
        {1, "nord (teamleder, jurist), 21. december 2026", "nord (team leader, jurist), 21 December 2026"},
        {UINT64_C(0x3fff), "nord (teamleder, jurist), 21. december 2026 – 3. januar 2027",
         "nord (team leader, jurist), 21 December 2026 – 3 January 2027"},
        {UINT64_C(0x5), "nord (teamleder, jurist), 21. december 2026, 23. december 2026",
         "nord (team leader, jurist), 21 December 2026, 23 December 2026"},
        {((UINT64_C(1) << REACH_DAYS) - 1) ^ 1, "nord (teamleder, jurist), fra 22. december 2026",
         "nord (team leader, jurist), from 22 December 2026"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct reach_hole hole = {
            .unit = "nord", .code = "K20", .stage = &stage, .days = cases[i].days};
        struct buffer said = {0};
        phrase_reach_hole(LANGUAGE_DA, civil_from_ymd(2026, 12, 21), &hole, &said);
        assert_phrase(&said, cases[i].da);
        phrase_reach_hole(LANGUAGE_EN, civil_from_ymd(2026, 12, 21), &hole, &said);
        assert_phrase(&said, cases[i].en);
        buffer_done(&said);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_load_errors),
        cmocka_unit_test(test_due),
        cmocka_unit_test(test_spans),
        cmocka_unit_test(test_roles),
        cmocka_unit_test(test_kinds_are_never_worded_alike),
        cmocka_unit_test(test_every_transition_has_words),
        cmocka_unit_test(test_whole_notice),
        cmocka_unit_test(test_situations),
        cmocka_unit_test(test_subject_is_constant),
        cmocka_unit_test(test_late_and_stand_in),
        cmocka_unit_test(test_sensitive),
        cmocka_unit_test(test_done_is_bounded),
        cmocka_unit_test(test_hostile_facts),
        cmocka_unit_test(test_gathered),
        cmocka_unit_test(test_gathered_digest),
        cmocka_unit_test(test_backlog),
        cmocka_unit_test(test_small_counts_cannot_be_told_apart),
        cmocka_unit_test(test_size_of_small_counts),
        cmocka_unit_test(test_the_worst_of_a_backlog),
        cmocka_unit_test(test_smaller_deadlines_that_wait),
        cmocka_unit_test(test_backlog_without_rows),
        cmocka_unit_test(test_operator),
        cmocka_unit_test(test_operator_is_bounded),
        cmocka_unit_test(test_operator_headings),
        cmocka_unit_test(test_silence),
        cmocka_unit_test(test_reach_hole),
        cmocka_unit_test(test_what_next),
        cmocka_unit_test(test_summary_gives_no_small_count_away),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
