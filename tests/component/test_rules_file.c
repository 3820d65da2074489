// SPDX-License-Identifier: MPL-2.0
// Rules from files: every field reaches its place, and every mistake is named with its place.
#include "core/example.h"
#include "shell/rules_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static struct zone *zone;

static int load_zone(void **state)
{
    (void)state;
    return zone_load("Europe/Copenhagen", &zone, NULL);
}

static int free_zone(void **state)
{
    (void)state;
    zone_free(zone);
    return 0;
}

static void collect_warning(void *data, const char *text)
{
    buffer_format(data, "%s\n", text);
}

static int load_text(const char *text, struct buffer *warnings, struct ruleset *ret_rules, struct error *err)
{
    struct rules_text one = {"r.yaml", text, strlen(text)};
    return rules_load_texts(&one, 1, zone, warnings ? collect_warning : NULL, warnings, ret_rules, err);
}

static struct ruleset load_good(const struct rules_text *texts, size_t count)
{
    struct ruleset rules;
    struct error err = {{0}};
    if (rules_load_texts(texts, count, zone, NULL, NULL, &rules, &err) < 0)
        fail_msg("%s", err.text);
    return rules;
}

static const struct rule *version(const struct ruleset *rules, const char *id, int number)
{
    int line = rules_find_line(rules, id);
    assert_true(line >= 0 && number < rules->lines[line].version_count);
    return rules->lines[line].versions[number];
}

static void assert_kinds(const struct ruleset *rules, const struct kind_list *list, const char *expected)
{
    struct buffer names = {0};
    buffer_add_string(&names, "");
    for (int i = 0; i < list->count; i++)
        buffer_format(&names, "%s%s", i > 0 ? " " : "", rules->kinds[list->kinds[i]]);
    assert_string_equal(names.data, expected);
    buffer_done(&names);
}

// --- what is read ---

static const char calendars[] = //
    "holidays:\n"
    "  dk:\n"
    "    - {name: Juledag, on: 12-25}\n"
    "    - {name: Store bededag, easter: 26, until: 2023-12-31}\n"
    "  more: [{name: Fridag, on: 02-29, from: 2024-01-01}]\n"
    "calendars:\n"
    "  arbejdsdage: {weekdays: [mo, tu, we, th, fr], holidays: [dk, more]}\n"
    "  kommunen: {weekdays: [mo, tu, we, th, fr, sa], closed: [12-24, 2026-05-15]}\n"
    "office_calendar: kommunen\n"
    "births: [barn.foedt]\n"
    "notice_time: 07:30\n";

static const char escalations[] = //
    "escalations:\n"
    "  e:\n"
    "    - {at: 18 months - 6 days before, to: [caseworker]}\n"
    "    - {at: 5 working days before, to: [caseworker, team_leader]}\n"
    "    - {at: breach, missed: 2, to: [department_head]}\n"
    "    - {at: 12 hours after, every: 24 hours, to: [centre_head]}\n";

static const char full_rules[] = //
    "rules:\n"
    "- id: full\n"
    "  code: K1\n"
    "  title: {da: Titel, en: Title}\n"
    "  basis: § 1\n"
    "  kind: target\n"
    "  valid: {from: 2024-01-01, until: 2025-12-31}\n"
    "  confidence: C\n"
    "  confirmed: true\n"
    "  sensitive: true\n"
    "  note: |\n"
    "    Two\n"
    "    lines\n"
    "  examples: [{name: e, now: 2026-01-01, case_type: barn, faults: [due_on_missing], events:\n"
    "    [{at: 2025-03-30 02:30, kind: a.start, subject: X, due_on: 2025-04-01}, {at: 2025-04-01T10:00Z, "
    "kind: a.stop}],\n"
    "    expect: [{due: 2025-04-08, breached: none, closed: 2025-04-01, state: met, occurrence: 2,\n"
    "    subject: '', version: 2024-01-01}, {due: 2025-04-08 12:05}, {state: late}]},\n"
    "    {name: f, events: [{at: 2025-03-30, kind: b.start, subject: ''}], expect: []}]\n"
    "  case_types: [barn, handicap]\n"
    "  start: [a.start, 'breach:other', a.start, 'breach:full2']\n"
    "  stop: [a.stop]\n"
    "  cancel: [a.cancel, sag.lukket]\n"
    "  pause: [a.pause]\n"
    "  resume: [a.resume]\n"
    "  extend: [a.extend]\n"
    "  reset: [a.reset]\n"
    "  only_if: [a.stop, x.y]\n"
    "  scope: case\n"
    "  due: {after: 6 working days, roll: backward, at: 12:05}\n"
    "  then: {after: 12 months, from: anchor}\n"
    "  calendar: arbejdsdage\n"
    "  escalation: e\n"
    "- {id: full, code: K1, title: Ny, basis: b, kind: target, valid: {from: 2026-01-01}, confidence: A,\n"
    "   start: [a.start], due: {next: 02-29, at: 00:00}, scope: case}\n"
    "- {id: full2, code: K2, title: T, basis: b, kind: own, valid: {from: 2024-01-01}, confidence: B,\n"
    "   start: [b.start], stop: [b.stop], look_back: 3 months, due: {after: 7 days, inclusive: true}}\n"
    "- {id: other, code: K3, title: T, basis: b, kind: precondition, valid: {from: 2024-01-01}, confidence: "
    "B,\n"
    "   start: [b.start], stop: [b.stop], look_back: true, due: {at_start: true}}\n";

static void assert_instant(instant at, const char *expected)
{
    char text[ZONE_INSTANT_SIZE];
    assert_string_equal(zone_format(zone, at, text), expected);
}

static void assert_examples(const struct rule *rule)
{
    assert_int_equal(rule->example_count, 2);
    const struct example *example = &rule->examples[0];
    assert_string_equal(example->name, "e");
    assert_int_equal(example->place.line, 14);
    assert_instant(example->now, "2026-01-01T00:00:00+01:00");
    assert_string_equal(example->case_type, "barn");
    assert_int_equal(example->event_count, 2);
    assert_string_equal(example->events[0].id, "1");
    assert_string_equal(example->events[0].kind, "a.start");
    assert_string_equal(example->events[0].subject, "X");
    assert_instant(example->events[0].at, "2025-03-30T03:00:00+02:00"); // 02:30 does not exist
    assert_int_equal(example->events[0].due_on, civil_from_ymd(2025, 4, 1));
    assert_string_equal(example->events[1].subject, "1");
    assert_int_equal(example->events[1].due_on, CIVIL_NONE);
    assert_int_equal(example->deadline_count, 3);
    const struct expected_deadline *deadline = &example->deadlines[0];
    assert_int_equal(deadline->place.line, 16);
    assert_instant(deadline->due.at, "2025-04-08T23:59:59+02:00");
    assert_int_equal(deadline->breached.form, EXPECT_NONE);
    assert_int_equal(deadline->closed.form, EXPECT_DATE);
    assert_int_equal(deadline->closed.date, civil_from_ymd(2025, 4, 1));
    assert_true(deadline->has_state);
    assert_int_equal(deadline->state, STATE_MET);
    assert_int_equal(deadline->occurrence, 2);
    assert_string_equal(deadline->subject, "");
    assert_int_equal(deadline->version, civil_from_ymd(2024, 1, 1));
    assert_instant(example->deadlines[1].due.at, "2025-04-08T12:05:00+02:00");
    assert_int_equal(example->deadlines[2].due.form, EXPECT_ANYTHING);
    assert_null(example->deadlines[2].subject);
    assert_int_equal(example->fault_count, 1);
    assert_int_equal(example->faults[0], FAULT_DUE_ON_MISSING);
    example = &rule->examples[1];
    assert_string_equal(example->case_type, "barn"); // the first of the rule's
    assert_int_equal(example->deadline_count, 0);
    assert_instant(example->now, "2055-04-22T01:00:00+02:00"); // late enough
}

static void every_field_of_a_rule_is_read(void **state)
{
    (void)state;
    // Names are used in files that come before those that define them.
    const struct rules_text texts[] = {{"a.yaml", full_rules, strlen(full_rules)},
                                       {"b.yaml", "", 0},
                                       {"c.yaml", escalations, strlen(escalations)},
                                       {"d.yaml", calendars, strlen(calendars)}};
    struct ruleset rules = load_good(texts, COUNT_OF(texts));
    const struct rule *rule = version(&rules, "full", 0);
    assert_string_equal(rule->place.file, "a.yaml");
    assert_int_equal(rule->place.line, 2);
    assert_int_equal(rule->place.column, 3);
    assert_string_equal(rule->id, "full");
    assert_string_equal(rule->code, "K1");
    assert_string_equal(rule->title_da, "Titel");
    assert_string_equal(rule->title_en, "Title");
    assert_string_equal(rule->basis, "§ 1");
    assert_string_equal(rule->note, "Two\nlines\n");
    assert_int_equal(rule->kind, RULE_TARGET);
    assert_int_equal(rule->from, civil_from_ymd(2024, 1, 1));
    assert_int_equal(rule->until, civil_from_ymd(2025, 12, 31));
    assert_int_equal(rule->confidence, 'C');
    assert_true(rule->confirmed);
    assert_true(rule->sensitive);
    assert_int_equal(rule->case_type_count, 2);
    assert_string_equal(rule->case_types[1], "handicap");
    assert_kinds(&rules, &rule->start, "a.start");
    assert_kinds(&rules, &rule->stop, "a.stop");
    assert_kinds(&rules, &rule->cancel, "a.cancel sag.lukket");
    assert_kinds(&rules, &rule->pause, "a.pause");
    assert_kinds(&rules, &rule->resume, "a.resume");
    assert_kinds(&rules, &rule->extend, "a.extend");
    assert_kinds(&rules, &rule->reset, "a.reset");
    assert_kinds(&rules, &rule->only_if, "a.stop x.y");
    assert_int_equal(rule->breach_of_count, 2);
    assert_string_equal(rules.lines[rule->breach_of[0]].id, "other");
    assert_string_equal(rules.lines[rule->breach_of[1]].id, "full2");
    assert_true(rule->scope_case);
    assert_false(rule->version_by_due);
    assert_false(rule->look_back);
    assert_int_equal(rule->due.form, DUE_AFTER);
    assert_int_equal(rule->due.after.terms[0].unit, UNIT_WORKING_DAYS);
    assert_int_equal(rule->due.roll, -1);
    assert_int_equal(rule->due.at, 12 * 3600 + 5 * 60);
    assert_int_equal(rule->then.form, DUE_AFTER);
    assert_int_equal(rule->then.at, DUE_END_OF_DAY);
    assert_true(rule->then.from_anchor);
    assert_string_equal(calendar_name(rule->calendar), "arbejdsdage");
    assert_string_equal(rule->escalation->name, "e");
    assert_examples(rule);

    rule = version(&rules, "full", 1);
    assert_string_equal(rule->title_da, "Ny");
    assert_null(rule->title_en);
    assert_null(rule->note);
    assert_int_equal(rule->until, CIVIL_NONE);
    assert_int_equal(rule->due.form, DUE_NEXT);
    assert_int_equal(rule->due.month, 2);
    assert_int_equal(rule->due.day, 29);
    assert_int_equal(rule->due.at, 0);
    assert_int_equal(rule->then.form, DUE_NONE);
    assert_null(rule->escalation);

    rule = version(&rules, "full2", 0);
    assert_true(rule->look_back);
    assert_int_equal(rule->look_back_within.terms[0].amount, 3);
    assert_true(rule->due.inclusive);
    rule = version(&rules, "other", 0);
    assert_true(rule->look_back);
    assert_int_equal(rule->look_back_within.count, 0);
    assert_int_equal(rule->due.form, DUE_AT_START);
    rules_done(&rules);
}

static void calendars_and_settings_are_read(void **state)
{
    (void)state;
    const struct rules_text text = {"d.yaml", calendars, strlen(calendars)};
    struct ruleset rules = load_good(&text, 1);
    assert_int_equal(rules.calendar_count, 2);
    assert_string_equal(calendar_name(rules.office_calendar), "kommunen");
    assert_int_equal(rules.notice_time, 7 * 3600 + 30 * 60);
    assert_kinds(&rules, &rules.births, "barn.foedt");
    const struct calendar *days = rules.calendars[0], *town = rules.calendars[1];
    assert_string_equal(calendar_name(days), "arbejdsdage");
    assert_false(calendar_is_working(days, civil_from_ymd(2026, 12, 25)));
    assert_false(calendar_is_working(days, civil_from_ymd(2023, 5, 5))); // Store bededag
    assert_true(calendar_is_working(days, civil_from_ymd(2024, 4, 26))); // no longer
    assert_false(calendar_is_working(days, civil_from_ymd(2024, 2, 29)));
    assert_string_equal(calendar_closed_because(days, civil_from_ymd(2024, 2, 29)), "Fridag");
    assert_true(calendar_is_working(town, civil_from_ymd(2026, 12, 25))); // names no holidays
    assert_false(calendar_is_working(town, civil_from_ymd(2027, 12, 24)));
    assert_false(calendar_is_working(town, civil_from_ymd(2026, 5, 15)));
    assert_true(calendar_is_working(town, civil_from_ymd(2028, 5, 15)));
    assert_true(calendar_is_working(town, civil_from_ymd(2026, 5, 16))); // Saturday
    rules_done(&rules);
}

static void stages_are_read(void **state)
{
    (void)state;
    const struct rules_text texts[] = {{"c.yaml", escalations, strlen(escalations)},
                                       {"d.yaml", calendars, strlen(calendars)}};
    struct ruleset rules = load_good(texts, COUNT_OF(texts));
    assert_int_equal(rules.escalation_count, 1);
    const struct stage *stages = rules.escalations[0].stages;
    assert_int_equal(rules.escalations[0].stage_count, 4);
    assert_int_equal(stages[0].when, STAGE_BEFORE);
    assert_int_equal(stages[0].offset.count, 2);
    assert_int_equal(stages[0].offset.terms[1].amount, -6);
    assert_int_equal(stages[1].to_count, 2);
    assert_string_equal(stages[1].to[1], "team_leader");
    assert_int_equal(stages[1].missed, 0);
    assert_int_equal(stages[2].when, STAGE_BREACH);
    assert_int_equal(stages[2].missed, 2);
    assert_int_equal(stages[3].when, STAGE_AFTER);
    assert_int_equal(stages[3].offset.terms[0].unit, UNIT_HOURS);
    assert_int_equal(stages[3].every.terms[0].amount, 24);
    assert_int_equal(stages[0].every.count, 0);
    assert_string_equal(stages[3].place.file, "c.yaml");
    assert_int_equal(stages[3].place.line, 6);
    rules_done(&rules);
}

#define HEAD                                                                                                 \
    "rules:\n"                                                                                               \
    "- id: a\n"                                                                                              \
    "  code: K1\n"                                                                                           \
    "  title: T\n"                                                                                           \
    "  basis: B\n"                                                                                           \
    "  kind: own\n"                                                                                          \
    "  valid: {from: 2024-01-01}\n"                                                                          \
    "  confidence: A\n"

static void every_form_of_due_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *due;
        enum due_form form;
    } cases[] = {
        {"{after: 4 months}", DUE_AFTER},
        {"{event: true}", DUE_EVENT},
        {"{on: 2026-12-01}", DUE_ON},
        {"{next: 12-24}", DUE_NEXT},
        {"{end_of: quarter}", DUE_END_OF},
        {"{every: FREQ=WEEKLY;BYDAY=MO}", DUE_EVERY},
        {"{at_start: true}", DUE_AT_START},
        {"{same_as: b}", DUE_SAME_AS},
        {"{earliest: [{after: 3 months}, {on_day_of: y}, {end_of: year}]}", DUE_EARLIEST},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buffer text = {0};
        buffer_format(&text,
                      HEAD "  start: [x]\n  due: %s\n"
                           "- {id: b, code: K2, title: T, basis: b, kind: own, valid: {from: 2024-01-01}, "
                           "confidence: A, start: [x], due: {after: 1 day}}\n",
                      cases[i].due);
        struct rules_text one = {"r.yaml", text.data, text.length};
        struct ruleset rules = load_good(&one, 1);
        const struct due *due = &version(&rules, "a", 0)->due;
        assert_int_equal(due->form, cases[i].form);
        assert_int_equal(due->roll, 0);
        assert_int_equal(due->place.line, 10);
        switch (due->form) {
        case DUE_ON:
            assert_int_equal(due->on, civil_from_ymd(2026, 12, 1));
            break;
        case DUE_END_OF:
            assert_int_equal(due->end_of, PERIOD_QUARTER);
            break;
        case DUE_EVERY:
            assert_non_null(due->every);
            assert_int_equal(rules.recurrence_count, 1);
            break;
        case DUE_SAME_AS:
            assert_string_equal(rules.lines[due->same_as].id, "b");
            break;
        case DUE_EARLIEST:
            assert_int_equal(due->earliest_count, 3);
            assert_int_equal(due->earliest[1].form, DUE_ON_DAY_OF);
            assert_string_equal(rules.kinds[due->earliest[1].on_day_of], "y");
            assert_int_equal(due->earliest[2].end_of, PERIOD_YEAR);
            break;
        default:
            break;
        }
        rules_done(&rules);
        buffer_done(&text);
    }
}

static void many_recurrences_are_kept(void **state)
{
    (void)state;
    struct buffer text = {0};
    buffer_add_string(&text, "rules:\n");
    for (int i = 0; i < 70; i++)
        buffer_format(&text,
                      "- {id: r%d, code: K%d, title: T, basis: b, kind: own, valid: {from: 2024-01-01}, "
                      "confidence: A, start: [k%d], due: {every: FREQ=WEEKLY}}\n",
                      i, i, i);
    struct rules_text one = {"r.yaml", text.data, text.length};
    struct ruleset rules = load_good(&one, 1);
    assert_int_equal(rules.recurrence_count, 70);
    assert_int_equal(rules.line_count, 70);
    assert_int_equal(rules.kind_count, 70);
    for (int i = 0; i < 70; i++)
        assert_non_null(rules.recurrences[i]);
    rules_done(&rules);
    buffer_done(&text);
}

// --- what is refused ---

#define RULE_KEYS                                                                                            \
    "id, code, title, basis, kind, valid, confidence, confirmed, sensitive, urgent, note, case_types, "      \
    "start, stop, "                                                                                          \
    "cancel, pause, resume, extend, reset, then, look_back, only_if, scope, version_by, due, calendar, "     \
    "escalation, muted_by, examples"
#define DUE_KEYS                                                                                             \
    "after, event, on, next, end_of, every, at_start, same_as, earliest, on_day_of, roll, inclusive, at, "   \
    "from"
#define DURATIONS                                                                                            \
    "allowed are a number from 1 to 10000 and hours, working days, days, weeks, months or years, and sums "  \
    "such as \"18 years - 6 months\""
#define CALENDAR     "calendars: {c: {weekdays: [mo]}}\n"
#define OF_HEAD      HEAD "  start: [x]\n"
#define EXAMPLE_KEYS "name, now, case_type, events, expect, faults"
#define KINDS        "kinds: [sag.aabnet, sag.lukket]\n"
#define NO_SUCH_KIND                                                                                         \
    "unknown kind \"sag.aabne\"; did you mean \"sag.aabnet\"? Allowed: sag.aabnet, sag.lukket"
// A second rule, on line 11 behind OF_HEAD and a due of one line.
#define OTHER(id, due) VERSION(id, "from: 2024-01-01", due)
#define VERSION(id, valid, due)                                                                              \
    "- {id: " id ", code: K1, title: T, basis: B, kind: own, valid: {" valid "}, confidence: A, "            \
    "start: [x], due: {" due "}}\n"
// Two rules, a on line 3, muted by something, and b on line 7, with whatever else it says.
#define MUTED(kind, due, by, larger_kind, larger_due)                                                        \
    "escalations: {e: [{at: breach, to: [x]}]}\nrules:\n- {id: a, code: K1, title: T, basis: B, kind: " kind \
    ",\n  valid: {from: 2024-01-01}, confidence: A, start: [x],\n  due: {" due                               \
    "}, escalation: e,\n  muted_by: [" by "]}\n" MUTER("b", larger_kind, larger_due, "")
#define MUTER(id, kind, due, rest)                                                                           \
    "- {id: " id ", code: K1, title: T, basis: B, kind: " kind                                               \
    ", valid: {from: 2024-01-01}, confidence: A, start: [x], escalation: e, due: {" due "}" rest "}\n"
#define FIRES(times)                                                                                         \
    "every: this RRULE can fire " times                                                                      \
    " times on one day; at most 24 are allowed: name fewer times, as in "                                    \
    "FREQ=DAILY;BYHOUR=9,15;BYMINUTE=0;BYSECOND=0"
#define OF_EXAMPLE OF_HEAD "  due: {after: 1 day}\n  examples: [{name: e, "

static const struct {
    const char *text, *message;
} refused[] = {
    // The file.
    {"rule: []\n", "r.yaml:1:1: unknown key in a file of rules \"rule\"; did you mean \"rules\"? Allowed: "
                   "kinds, holidays, calendars, office_calendar, births, notice_time, escalations, rules"},
    {"- a\n", "r.yaml:1:1: a file of rules must be a map of keys; allowed: kinds, holidays, calendars, "
              "office_calendar, births, notice_time, escalations, rules"},
    {"rules: {}\n", "r.yaml:1:8: rules must be a list, such as [a, b]"},
    {"rules: []\nrules: []\n", "r.yaml:2:1: the key \"rules\" stands here a second time; first on line 1"},
    // Holidays.
    {"holidays: []\n", "r.yaml:1:11: holidays must be a map of names"},
    {"holidays: {dk: {}}\n", "r.yaml:1:16: a list of holidays must be a list, such as [a, b]"},
    {"holidays: {dk: [{nam: x}]}\n", "r.yaml:1:18: unknown key in a holiday \"nam\"; did you mean \"name\"? "
                                     "Allowed: name, on, easter, from, until"},
    {"holidays: {dk: [{on: 01-01}]}\n", "r.yaml:1:17: a holiday must have \"name\""},
    {"holidays: {dk: [{name: x}]}\n", "r.yaml:1:17: a holiday must have either \"on\" (12-25) or \"easter\" "
                                      "(days from Easter Sunday)"},
    {"holidays: {dk: [{name: x, on: 01-01, easter: 1}]}\n",
     "r.yaml:1:17: a holiday must have either \"on\" (12-25) or \"easter\" (days from Easter Sunday)"},
    {"holidays: {dk: [{name: x, on: 13-01}]}\n",
     "r.yaml:1:31: on must be a month and day such as 12-24, not \"13-01\""},
    {"holidays: {dk: [{name: x, easter: 1000}]}\n",
     "r.yaml:1:35: easter must be a whole number from -80 to 250, not \"1000\""},
    {"holidays: {dk: [{name: x, easter: 1, until: 2024-02-30}]}\n",
     "r.yaml:1:45: until must be a date such as 2024-01-31, in the years 1900 to 2200, not \"2024-02-30\""},
    {"holidays: {dk: [{name: x, easter: 1, from: 2024-01-02, until: 2024-01-01}]}\n",
     "r.yaml:1:17: until comes before from"},
    // Calendars.
    {"calendars: {c: {holidays: []}}\n", "r.yaml:1:16: a calendar must have \"weekdays\""},
    {"calendars: {c: {weekdays: mo}}\n", "r.yaml:1:27: weekdays must be a list, such as [a, b]"},
    {"calendars: {c: {weekdays: [monday]}}\n",
     "r.yaml:1:28: unknown weekday \"monday\"; allowed: mo, tu, we, th, fr, sa, su"},
    {"calendars: {c: {weekdays: []}}\n", "r.yaml:1:16: the calendar has no working day"},
    {"calendars: {c: {weekdays: [mo], holidays: [dk]}}\n",
     "r.yaml:1:44: unknown holidays \"dk\"; none is defined"},
    {"holidays: {danske: []}\ncalendars: {c: {weekdays: [mo], holidays: [dansk]}}\n",
     "r.yaml:2:44: unknown holidays \"dansk\"; did you mean \"danske\"? Allowed: danske"},
    {"calendars: {c: {weekdays: [mo], closed: [12-32]}}\n",
     "r.yaml:1:42: closed must be a month and day such as 12-24, not \"12-32\""},
    {"calendars: {c: {weekdays: [mo], closed: [2026-13-01]}}\n",
     "r.yaml:1:42: closed must be a date such as 2024-01-31, in the years 1900 to 2200, not \"2026-13-01\""},
    // Settings.
    {CALENDAR "office_calendar: d\n", "r.yaml:2:18: unknown calendar \"d\"; allowed: c"},
    {"notice_time: 8:00\n", "r.yaml:1:14: notice_time must be a time of day such as 08:00, not \"8:00\""},
    {"notice_time: 24:00\n", "r.yaml:1:14: notice_time must be a time of day such as 08:00, not \"24:00\""},
    {"births: barn.foedt\n", "r.yaml:1:9: births must be a list, such as [a, b]"},
    {"births: ['']\n", "r.yaml:1:10: births is empty"},
    // Escalations.
    {"escalations: {e: []}\n", "r.yaml:1:18: an escalation must have at least one stage"},
    {"escalations: {e: [{to: [a]}]}\n", "r.yaml:1:19: a stage must have \"at\""},
    {"escalations: {e: [{at: breach}]}\n", "r.yaml:1:19: a stage must have \"to\""},
    {"escalations: {e: [{at: breach, to: []}]}\n",
     "r.yaml:1:36: to must name at least one role, such as [caseworker]"},
    {"escalations: {e: [{at: breach, to: leader}]}\n", "r.yaml:1:36: to must be a list, such as [a, b]"},
    {"escalations: {e: [{at: breach, too: [a]}]}\n",
     "r.yaml:1:32: unknown key in a stage \"too\"; allowed: at, every, missed, to"},
    {"escalations: {e: [{at: 3 days, to: [a]}]}\n", "r.yaml:1:24: at must be \"breach\" or a duration and "
                                                    "before or after, such as \"5 working days before\", "
                                                    "not \"3 days\""},
    {"escalations: {e: [{at: 3 dayz before, to: [a]}]}\n",
     "r.yaml:1:24: at: \"dayz\" is no unit of time, perhaps \"days\" is meant; " DURATIONS},
    {"escalations: {e: [{at: 0 days after, to: [a]}]}\n", "r.yaml:1:24: at: 0 is too small; " DURATIONS},
    {"escalations: {e: [{at: breach, every: weekly, to: [a]}]}\n",
     "r.yaml:1:39: every: \"weekly\" is no number; " DURATIONS},
    {"escalations: {e: [{at: breach, every: 1 month - 40 days, to: [a]}]}\n",
     "r.yaml:1:39: every: a repeat cannot subtract; write one duration"},
    {"escalations: {e: [{at: breach, missed: 0, to: [a]}]}\n",
     "r.yaml:1:40: missed must be a whole number from 1 to 1000, not \"0\""},
    // Rules: what must be there.
    {"rules: [a]\n", "r.yaml:1:9: a rule must be a map of keys; allowed: " RULE_KEYS},
    {"rules: [{code: K}]\n", "r.yaml:1:9: a rule must have \"id\""},
    {"rules: [{id: a}]\n", "r.yaml:1:9: a rule must have \"code\""},
    {HEAD "  due: {after: 1 day}\n", "r.yaml:2:3: a rule must have \"start\""},
    {OF_HEAD, "r.yaml:2:3: a rule must have \"due\""},
    // Rules: names and types.
    {OF_HEAD "  due: {after: 1 day}\n  satrt: [y]\n",
     "r.yaml:11:3: unknown key in a rule \"satrt\"; did you mean \"start\"? Allowed: " RULE_KEYS},
    {"rules: [{id: a, code: K, title: [T], basis: B, kind: own, valid: {from: 2024-01-01}, confidence: A, "
     "start: [x], due: {after: 1 day}}]\n",
     "r.yaml:1:33: title must be a single value, not a list"},
    {"rules: [{id: a, code: K, title: {en: T}, basis: B, kind: own, valid: {from: 2024-01-01}, confidence: "
     "A, start: [x], due: {after: 1 day}}]\n",
     "r.yaml:1:33: title must have \"da\""},
    {"rules: [{id: a, code: '', title: T, basis: B, kind: own, valid: {from: 2024-01-01}, confidence: A, "
     "start: [x], due: {after: 1 day}}]\n",
     "r.yaml:1:23: code is empty"},
    {"rules: [{id: a, code: K, title: T, basis: B, kind: owned, valid: {from: 2024-01-01}, confidence: A, "
     "start: [x], due: {after: 1 day}}]\n",
     "r.yaml:1:52: unknown kind \"owned\"; allowed: statutory, own, target, expiry, precondition, "
     "information"},
    {"rules: [{id: a, code: K, title: T, basis: B, kind: statutary, valid: {from: 2024-01-01}, confidence: "
     "A, "
     "start: [x], due: {after: 1 day}}]\n",
     "r.yaml:1:52: unknown kind \"statutary\"; did you mean \"statutory\"? Allowed: statutory, own, target, "
     "expiry, precondition, information"},
    {"rules: [{id: a, code: K, title: T, basis: B, kind: own, valid: 2024-01-01, confidence: A, start: [x], "
     "due: {after: 1 day}}]\n",
     "r.yaml:1:64: valid must be a map of keys; allowed: from, until"},
    {"rules: [{id: a, code: K, title: T, basis: B, kind: own, valid: {until: 2024-01-01}, confidence: A, "
     "start: [x], due: {after: 1 day}}]\n",
     "r.yaml:1:64: valid must have \"from\""},
    {"rules: [{id: a, code: K, title: T, basis: B, kind: own, valid: {from: 2024}, confidence: A, start: "
     "[x], due: {after: 1 day}}]\n",
     "r.yaml:1:71: from must be a date such as 2024-01-31, in the years 1900 to 2200, not \"2024\""},
    {"rules: [{id: a, code: K, title: T, basis: B, kind: own, valid: {from: 2024-01-01}, confidence: D, "
     "start: [x], due: {after: 1 day}}]\n",
     "r.yaml:1:96: unknown confidence \"D\"; allowed: A, B, C"},
    {HEAD "  start: x\n  due: {after: 1 day}\n", "r.yaml:9:10: start must be a list, such as [a, b]"},
    {HEAD "  start: []\n  due: {after: 1 day}\n", "r.yaml:9:10: start must name at least one kind of event"},
    {HEAD "  start: ['breach:b']\n  due: {after: 1 day}\n",
     "r.yaml:9:11: unknown rule after breach: \"b\"; allowed: a"},
    {HEAD
     "  start: ['breach:bfu.afslutnin']\n  due: {after: 1 day}\n" OTHER("bfu.afslutning", "after: 1 day"),
     "r.yaml:9:11: unknown rule after breach: \"bfu.afslutnin\"; did you mean \"bfu.afslutning\"? Allowed: "
     "a, bfu.afslutning"},
    {OF_HEAD "  due: {same_as: bfu.afslutnin}\n" OTHER("bfu.afslutning", "after: 1 day"),
     "r.yaml:10:18: unknown rule \"bfu.afslutnin\"; did you mean \"bfu.afslutning\"? Allowed: a, "
     "bfu.afslutning"},
    {OF_HEAD "  due: {earliest: [{after: 1 day}, {same_as: c}]}\n",
     "r.yaml:10:46: unknown rule \"c\"; allowed: a"},
    // Kinds, where there is a vocabulary.
    {"kinds: sag.lukket\n", "r.yaml:1:8: kinds must be a list, such as [a, b]"},
    {"kinds: [sag.lukket, sag.lukket]\n", "r.yaml:1:21: kind \"sag.lukket\" is already defined in r.yaml:1"},
    {KINDS HEAD "  start: [sag.aabne]\n  due: {after: 1 day}\n", "r.yaml:10:11: " NO_SUCH_KIND},
    {KINDS HEAD "  start: [sag.lukket]\n  stop: [sag.lukket, sag.aabne]\n  due: {after: 1 day}\n",
     "r.yaml:11:22: " NO_SUCH_KIND},
    {KINDS HEAD "  start: [sag.lukket]\n  only_if: [sag.aabne]\n  due: {after: 1 day}\n",
     "r.yaml:11:13: " NO_SUCH_KIND},
    {KINDS HEAD "  start: [sag.lukket]\n  due: {earliest: [{after: 1 day}, {on_day_of: sag.aabne}]}\n",
     "r.yaml:11:48: " NO_SUCH_KIND},
    {KINDS "births: [sag.aabne]\n", "r.yaml:2:10: " NO_SUCH_KIND},
    {OF_HEAD "  due: {after: 1 day}\n  stop: ['breach:a']\n",
     "r.yaml:11:10: breach: stands only in start, not in stop"},
    {OF_HEAD "  due: {earliest: [{after: 1 day}, {on_day_of: 'breach:a'}]}\n",
     "r.yaml:10:48: breach: stands only in start, not in on_day_of"},
    {OF_HEAD "  due: {after: 1 day}\n  confirmed: yes\n",
     "r.yaml:11:14: confirmed must be true or false, not \"yes\""},
    {OF_HEAD "  due: {after: 1 day}\n  scope: subject\n",
     "r.yaml:11:10: unknown scope \"subject\"; allowed: case"},
    {OF_HEAD "  due: {after: 1 day}\n  version_by: start\n",
     "r.yaml:11:15: unknown version_by \"start\"; allowed: due"},
    {OF_HEAD "  due: {after: 1 day}\n  look_back: maybe\n",
     "r.yaml:11:14: look_back: \"maybe\" is no number; " DURATIONS},
    {CALENDAR OF_HEAD "  due: {after: 1 working day}\n  calendar: cc\n",
     "r.yaml:12:13: unknown calendar \"cc\"; allowed: c"},
    {OF_HEAD "  due: {after: 1 day}\n  escalation: maaneder\n",
     "r.yaml:11:15: unknown escalation \"maaneder\"; none is defined"},
    {"escalations: {maaneder: [{at: breach, to: [a]}]}\n" OF_HEAD
     "  due: {after: 1 day}\n  escalation: maander\n",
     "r.yaml:12:15: unknown escalation \"maander\"; did you mean \"maaneder\"? Allowed: maaneder"},
    {OF_HEAD "  due: {after: 1 day}\n  note: [x]\n",
     "r.yaml:11:9: note must be a text of at most 20000 bytes"},
    {OF_HEAD "  due: {after: 1 day}\n  examples: {}\n",
     "r.yaml:11:13: examples must be a list, such as [a, b]"},
    {OF_HEAD "  due: {after: 1 day}\n  examples: [x]\n",
     "r.yaml:11:14: an example must be a map of keys; allowed: " EXAMPLE_KEYS},
    {OF_HEAD "  due: {after: 1 day}\n  examples: [{event: []}]\n",
     "r.yaml:11:15: unknown key in an example \"event\"; did you mean \"events\"? Allowed: " EXAMPLE_KEYS},
    {OF_HEAD "  due: {after: 1 day}\n  examples: [{name: e, events: []}]\n",
     "r.yaml:11:14: an example must have \"expect\""},
    {OF_HEAD "  due: {after: 1 day}\n  examples: [{name: e, events: {}, expect: []}]\n",
     "r.yaml:11:32: events must be a list, such as [a, b]"},
    {OF_EXAMPLE "events: [{at: 2026-01-01, kid: x}], expect: []}]\n",
     "r.yaml:11:50: unknown key in an event \"kid\"; did you mean \"kind\"? Allowed: at, kind, subject, "
     "due_on"},
    {OF_EXAMPLE "events: [{kind: x}], expect: []}]\n", "r.yaml:11:33: an event must have \"at\""},
    {OF_EXAMPLE "events: [{at: 25:00, kind: x}], expect: []}]\n",
     "r.yaml:11:38: at must be a time such as 2026-05-22 15:30, not \"25:00\""},
    {OF_EXAMPLE "events: [{at: 2026-01-01, kind: y}], expect: []}]\n",
     "r.yaml:11:56: unknown kind \"y\"; allowed: x"},
    {OF_EXAMPLE "events: [{at: 2026-01-01, kind: x, due_on: soon}], expect: []}]\n",
     "r.yaml:11:67: due_on must be a date such as 2024-01-31, in the years 1900 to 2200, not \"soon\""},
    {OF_EXAMPLE "events: [], expect: [{}]}]\n",
     "r.yaml:11:45: an expected deadline must say something, such as its due"},
    {OF_EXAMPLE "events: [], expect: [{due: soon}]}]\n",
     "r.yaml:11:51: due must be a time such as 2026-05-22 15:30, not \"soon\""},
    {OF_EXAMPLE "events: [], expect: [{state: meet}]}]\n",
     "r.yaml:11:53: unknown state \"meet\"; did you mean \"met\"? Allowed: open, breached, paused, met, "
     "late, "
     "missed, cancelled, lapsed, passed"},
    {OF_EXAMPLE "events: [], expect: [{occurrence: 0}]}]\n",
     "r.yaml:11:58: occurrence must be a whole number from 1 to 100000, not \"0\""},
    {OF_EXAMPLE "events: [], expect: [], faults: [unknown_case]}]\n",
     "r.yaml:11:57: unknown fault \"unknown_case\"; allowed: stop_before_start, double_start, "
     "due_on_missing, "
     "due_on_early, no_deadline_to_share, birth_in_future, duplicate_event"},
    // Due.
    {OF_HEAD "  due: 4 months\n", "r.yaml:10:8: due must be a map of keys; allowed: " DUE_KEYS},
    {OF_HEAD "  due: {roll: none}\n",
     "r.yaml:10:8: due must have one of after, event, on, next, end_of, every, at_start, same_as, earliest, "
     "on_day_of (the last in earliest only)"},
    {OF_HEAD "  due: {after: 1 day, on: 2026-01-01}\n",
     "r.yaml:10:8: due has both \"after\" and \"on\"; exactly one is allowed"},
    {OF_HEAD "  due: {aftr: 1 day}\n",
     "r.yaml:10:9: unknown key in due \"aftr\"; did you mean \"after\"? Allowed: " DUE_KEYS},
    {OF_HEAD "  due: {after: 4 mounths}\n",
     "r.yaml:10:16: after: \"mounths\" is no unit of time, perhaps \"months\" is meant; " DURATIONS},
    {OF_HEAD "  due: {after: 1 day + 2 hours}\n",
     "r.yaml:10:16: after: hours stand alone: they are elapsed time and cannot be part of a sum"},
    {OF_HEAD "  due: {event: false}\n", "r.yaml:10:16: event is true or left out"},
    {OF_HEAD "  due: {event: 1}\n", "r.yaml:10:16: event must be true or false, not \"1\""},
    {OF_HEAD "  due: {on: 12-24}\n",
     "r.yaml:10:13: on must be a date such as 2024-01-31, in the years 1900 to 2200, not \"12-24\""},
    {OF_HEAD "  due: {next: 02-30}\n",
     "r.yaml:10:15: next must be a month and day such as 12-24, not \"02-30\""},
    {OF_HEAD "  due: {end_of: day}\n",
     "r.yaml:10:17: unknown end_of \"day\"; allowed: week, month, quarter, year"},
    {OF_HEAD "  due: {same_as: b}\n", "r.yaml:10:18: unknown rule \"b\"; allowed: a"},
    {OF_HEAD "  due: {after: 1 day, roll: up}\n",
     "r.yaml:10:29: unknown roll \"up\"; allowed: none, forward, backward"},
    {OF_HEAD "  due: {after: 1 day, inclusive: 1}\n",
     "r.yaml:10:34: inclusive must be true or false, not \"1\""},
    {OF_HEAD "  due: {after: 1 day, at: 25:00}\n",
     "r.yaml:10:27: at must be a time of day such as 08:00, not \"25:00\""},
    {OF_HEAD "  due: {after: 1 day, from: anchor}\n", "r.yaml:10:29: from stands only in then"},
    {OF_HEAD "  due: {after: 1 day}\n  then: {after: 1 day, from: start}\n",
     "r.yaml:11:30: unknown from \"start\"; allowed: anchor"},
    {OF_HEAD "  due: {on_day_of: y}\n", "r.yaml:10:20: on_day_of stands only inside earliest"},
    {OF_HEAD "  due: {earliest: []}\n", "r.yaml:10:19: earliest must name at least one form"},
    {OF_HEAD "  due: {earliest: [{after: 1 day, roll: forward}]}\n",
     "r.yaml:10:41: roll stands beside earliest, not inside it"},
    {OF_HEAD "  due: {earliest: [{earliest: [{after: 1 day}]}]}\n",
     "r.yaml:10:31: earliest cannot stand inside earliest"},
    // What the core refuses reaches the operator with its place.
    {OF_HEAD "  due: {every: FREQ=SOMETIMES}\n", "r.yaml:10:16: every: FREQ=SOMETIMES is not allowed; "
                                                 "allowed are YEARLY, MONTHLY, WEEKLY, DAILY, HOURLY, "
                                                 "MINUTELY, SECONDLY"},
    {OF_HEAD "  due: {every: FREQ=WEEKLY;COUNT=3}\n",
     "r.yaml:10:16: every: COUNT is not allowed: a series ends when the case cancels it"},
    {OF_HEAD "  due: {every: FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30}\n",
     "r.yaml:10:16: every: this RRULE never fires"},
    {OF_HEAD "  due: {every: FREQ=SECONDLY}\n", "r.yaml:10:16: " FIRES("86400")},
    {OF_HEAD "  due: {every: FREQ=MINUTELY;INTERVAL=30}\n", "r.yaml:10:16: " FIRES("48")},
    {OF_HEAD "  due: {every: \"FREQ=HOURLY;BYMINUTE=0,30\"}\n", "r.yaml:10:16: " FIRES("48")},
    {OF_HEAD "  due: {every: \"FREQ=YEARLY;BYHOUR=8,9,10,11,12;BYMINUTE=0,10,20,30,40\"}\n",
     "r.yaml:10:16: " FIRES("25")},
    {OF_HEAD "  due: {after: 1 day}\n"
             "- {id: a, code: K1, title: T, basis: B, kind: own, valid: {from: 2025-01-01}, confidence: A, "
             "start: [x], due: {after: 1 day}}\n",
     "r.yaml:11:3: rule \"a\": this version overlaps the one at r.yaml:2:3: give the earlier an until before "
     "the "
     "later's from"},
    {OF_HEAD "  due: {after: 1 day}\n" VERSION("b", "from: 2024-01-01, until: 2024-12-31", "after: 1 day")
         VERSION("b", "from: 2025-01-02", "after: 1 day"),
     "r.yaml:12:3: rule \"b\": no version is in force after 2024-12-31 and before 2025-01-02, the version at "
     "r.yaml:11:3 ends too early: let the ranges meet; where nothing is to be counted in between, say so by "
     "a "
     "version with confidence: C"},
    {OF_HEAD "  due: {after: 1 day}\n" VERSION("b", "from: 2024-01-01, until: 2025-01-01", "after: 1 day")
         VERSION("b", "from: 2025-01-01", "after: 1 day"),
     "r.yaml:12:3: rule \"b\": this version overlaps the one at r.yaml:11:3: give the earlier an until "
     "before "
     "the later's from"},
    {OF_HEAD "  due: {after: 1 working day}\n",
     "r.yaml:10:8: rule \"a\" counts working days but names no calendar: add calendar"},
    {OF_HEAD "  due: {same_as: a}\n",
     "r.yaml:2:3: rules refer to one another in a circle (a, a): take out one "
     "same_as or breach: on it"},
    {OF_HEAD "  due: {same_as: b}\n" OTHER("b", "same_as: c") OTHER("c", "earliest: [{same_as: a}]"),
     "r.yaml:2:3: rules refer to one another in a circle (a, b, c, a): take out one same_as or breach: on "
     "it"},
    // Over all versions, and by way of a breach.
    {HEAD "  start: ['breach:b']\n  due: {after: 1 day}\n" VERSION("b", "from: 2024-01-01, until: 2024-12-31",
                                                                   "after: 1 day")
         VERSION("b", "from: 2025-01-01", "same_as: a"),
     "r.yaml:2:3: rules refer to one another in a circle (a, b, a): take out one same_as or breach: on it"},
    {MUTED("own", "after: 1 day", "c", "own", "after: 1 day"),
     "r.yaml:6:14: unknown rule in muted_by \"c\"; allowed: a, b"},
    {MUTED("own", "after: 1 day", "case:a", "own", "after: 1 day"),
     "r.yaml:6:14: rule \"a\" mutes itself: take it out of its muted_by"},
    {MUTED("own", "after: 6 hours", "b", "own", "after: 1 day"),
     "r.yaml:6:14: rule \"a\" is urgent and is never muted: take out its muted_by"},
    {MUTED("own", "after: 1 day", "b", "own", "every: FREQ=WEEKLY"),
     "r.yaml:6:14: rule \"a\": \"b\" closes by itself and never stands breached, so it mutes nothing: take "
     "it out "
     "of muted_by"},
    {MUTED("own", "after: 1 day", "b", "expiry", "after: 1 day"),
     "r.yaml:6:14: rule \"a\": \"b\" closes by itself and never stands breached, so it mutes nothing: take "
     "it out "
     "of muted_by"},
    {MUTED("statutory", "after: 1 day", "b", "target", "after: 1 day"),
     "r.yaml:6:14: rule \"a\" is of kind statutory and is never muted by \"b\", which is of kind target: "
     "take it "
     "out of muted_by"},
    {OF_HEAD "  due: {after: 1 day}\n  muted_by: [b]\n" OTHER("b", "after: 1 day"),
     "r.yaml:11:14: rule \"a\": \"b\" tells nobody, so it cannot speak for another rule: give it an "
     "escalation, or "
     "take it out of muted_by"},
    {"escalations: {e: [{at: breach, to: [x]}]}\nrules:\n" MUTER("a", "own", "after: 1 day",
                                                                 ", muted_by: [b]")
         MUTER("b", "own", "after: 1 day", ", muted_by: ['case:c']")
             MUTER("c", "own", "after: 1 day", ", muted_by: [a]"),
     "r.yaml:5:153: rules mute one another in a circle that \"a\" is on, and nobody would be told: take one "
     "muted_by "
     "out of it"},
    {"escalations: {e: [{at: 1 working day before, to: [a]}]}\n",
     "r.yaml:1:19: escalation \"e\" counts working days: say which in office_calendar"},
    {"rules: [{id: a, code: K, title: T, basis: B, kind: own, valid: {from: 2024-01-02, until: 2024-01-01}, "
     "confidence: A, start: [x], due: {after: 1 day}}]\n",
     "r.yaml:1:9: rule \"a\": valid.until lies before valid.from"},
};

static void refuses_in_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        struct ruleset rules;
        struct error err = {{0}};
        if (load_text(refused[i].text, NULL, &rules, &err) == 0)
            fail_msg("accepted:\n%s", refused[i].text);
        assert_string_equal(err.text, refused[i].message);
    }
}

static void a_name_is_defined_once_in_all_files(void **state)
{
    (void)state;
    static const struct {
        const char *first, *second, *message;
    } cases[] = {
        {CALENDAR, "\n" CALENDAR, "b.yaml:2:13: calendar \"c\" is already defined in a.yaml:1"},
        {"holidays: {dk: []}\n", "holidays: {dk: []}\n",
         "b.yaml:1:12: holidays \"dk\" is already defined in a.yaml:1"},
        {"escalations: {e: [{at: breach, to: [a]}]}\n", "escalations: {e: [{at: breach, to: [a]}]}\n",
         "b.yaml:1:15: escalation \"e\" is already defined in a.yaml:1"},
        {"notice_time: 08:00\n", "notice_time: 08:00\n",
         "b.yaml:1:14: notice_time stands once in a set of rules; first in a.yaml:1"},
        {"births: []\n", "births: []\n",
         "b.yaml:1:9: births stands once in a set of rules; first in a.yaml:1"},
        {CALENDAR "office_calendar: c\n", "office_calendar: c\n",
         "b.yaml:1:18: office_calendar stands once in a set of rules; first in a.yaml:2"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct rules_text texts[] = {{"a.yaml", cases[i].first, strlen(cases[i].first)},
                                           {"b.yaml", cases[i].second, strlen(cases[i].second)}};
        struct ruleset rules;
        struct error err = {{0}};
        assert_int_equal(rules_load_texts(texts, 2, zone, NULL, NULL, &rules, &err), -1);
        assert_string_equal(err.text, cases[i].message);
    }
}

// --- folders ---

static void put(const char *folder, const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void make(const char *folder, const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(mkdir(path, 0755), 0);
}

static void discard(const char *folder, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char path[256];
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        assert_int_equal(remove(path), 0);
    }
    assert_int_equal(rmdir(folder), 0);
}

// --- what is only warned of ---

static void a_gap_between_versions_is_a_warning_where_rules_are_tried(void **state)
{
    (void)state;
    char folder[] = "/tmp/fristd-test-rules-XXXXXX", expected[512];
    assert_non_null(mkdtemp(folder));
    put(folder, "r.yaml",
        "rules:\n" VERSION("b", "from: 2024-01-01, until: 2024-12-31", "after: 1 day")
            VERSION("b", "from: 2025-01-02", "after: 1 day"));
    struct ruleset rules;
    struct error err = {{0}};
    struct buffer warnings = {0};
    assert_int_equal(rules_load(folder, zone, NULL, NULL, &rules, &err), -1);
    if (rules_load_draft(folder, zone, collect_warning, &warnings, &rules, &err) < 0)
        fail_msg("%s", err.text);
    snprintf(expected, sizeof expected,
             "%s/r.yaml:3:3: rule \"b\": no version is in force after 2024-12-31 and before 2025-01-02\n",
             folder);
    assert_string_equal(warnings.data, expected);
    rules_done(&rules);
    buffer_done(&warnings);
    static const char *const names[] = {"r.yaml"};
    discard(folder, names, COUNT_OF(names));
}

static void warns_of_rules_that_do_nothing_and_shared_codes(void **state)
{
    (void)state;
    static const char text[] =
        "rules:\n"
        "- {id: a, code: K1, title: T, basis: B, kind: own, valid: {from: 2024-01-01, until: 2024-12-31}, "
        "confidence: C, start: [x], due: {after: 1 day}}\n"
        "- {id: a, code: K1, title: T, basis: B, kind: own, valid: {from: 2025-01-01}, confidence: C, "
        "confirmed: true, start: [x], due: {after: 1 day}}\n"
        "- {id: b, code: K1, title: T, basis: B, kind: own, valid: {from: 2024-01-01}, confidence: B, start: "
        "[x], due: {after: 1 day}}\n";
    struct ruleset rules;
    struct error err = {{0}};
    struct buffer warnings = {0};
    if (load_text(text, &warnings, &rules, &err) < 0)
        fail_msg("%s", err.text);
    assert_string_equal(warnings.data,
                        "r.yaml:2:3: the rule a has confidence C and does nothing until it also "
                        "says confirmed: true\n"
                        "r.yaml:4:17: the code K1 is also that of the rule a; give each its own\n");
    rules_done(&rules);
    buffer_done(&warnings);
}

// --- whole folders ---

#define ONE_RULE(id, code)                                                                                   \
    "rules: [{id: " id ", code: " code ", title: T, basis: B, kind: own, valid: {from: 2024-01-01}, "        \
    "confidence: A, start: [x], due: {after: 1 day}}]\n"

static void a_folder_is_read_with_all_folders_in_it(void **state)
{
    (void)state;
    char folder[] = "/tmp/fristd-test-rules-XXXXXX", link[256], expected[512];
    assert_non_null(mkdtemp(folder));
    make(folder, "b");
    put(folder, "b/x.yaml", ONE_RULE("bx", "K1"));
    put(folder, "a.yaml", ONE_RULE("a", "K2"));
    put(folder, "c.txt", "not: [ours");
    put(folder, ".hidden.yaml", "not: [ours");
    put(folder, "late.yml", "not: [ours");
    snprintf(link, sizeof link, "%s/linked.yaml", folder);
    put(folder, "target", ONE_RULE("linked", "K3"));
    assert_int_equal(symlink("target", link), 0);

    struct ruleset rules;
    struct error err = {{0}};
    struct buffer warnings = {0};
    if (rules_load(folder, zone, collect_warning, &warnings, &rules, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(rules.line_count, 3);
    assert_true(rules_find_line(&rules, "bx") >= 0);
    assert_true(rules_find_line(&rules, "a") >= 0);
    assert_true(rules_find_line(&rules, "linked") >= 0);
    snprintf(expected, sizeof expected, "%s/late.yml:1:1: left out: files of rules end in .yaml; rename it\n",
             folder);
    assert_string_equal(warnings.data, expected);
    rules_done(&rules);
    buffer_done(&warnings);

    // What cannot be read is an error, not an absence.
    put(folder, "z.yaml", "rules: [\n");
    assert_int_equal(rules_load(folder, zone, NULL, NULL, &rules, &err), -1);
    snprintf(expected, sizeof expected, "%s/z.yaml:2:1: ", folder);
    assert_memory_equal(err.text, expected, strlen(expected));
    assert_int_equal(remove(link), 0);
    assert_int_equal(symlink("absent", link), 0);
    assert_int_equal(rules_load(folder, zone, NULL, NULL, &rules, &err), -1);
    snprintf(expected, sizeof expected, "%s: cannot be read: No such file or directory", link);
    assert_string_equal(err.text, expected);

    static const char *const names[] = {"b/x.yaml", "b",      "a.yaml",      "c.txt", ".hidden.yaml",
                                        "late.yml", "z.yaml", "linked.yaml", "target"};
    discard(folder, names, COUNT_OF(names));
}

static void refuses_a_folder_without_rules_or_that_leads_back(void **state)
{
    (void)state;
    char folder[] = "/tmp/fristd-test-rules-XXXXXX", link[256], expected[512];
    assert_non_null(mkdtemp(folder));
    struct ruleset rules;
    struct error err = {{0}};
    assert_int_equal(rules_load(folder, zone, NULL, NULL, &rules, &err), -1);
    snprintf(expected, sizeof expected, "%s: holds no files of rules (*.yaml)", folder);
    assert_string_equal(err.text, expected);
    snprintf(link, sizeof link, "%s/back", folder);
    assert_int_equal(symlink(".", link), 0);
    assert_int_equal(rules_load(folder, zone, NULL, NULL, &rules, &err), -1);
    assert_non_null(strstr(err.text, ": more than 8 folders below each other; does a link lead back?"));
    static const char *const names[] = {"back"};
    discard(folder, names, COUNT_OF(names));
    assert_int_equal(rules_load(folder, zone, NULL, NULL, &rules, &err), -1);
    snprintf(expected, sizeof expected, "%s: cannot be opened: No such file or directory", folder);
    assert_string_equal(err.text, expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_of_a_rule_is_read),
        cmocka_unit_test(calendars_and_settings_are_read),
        cmocka_unit_test(stages_are_read),
        cmocka_unit_test(every_form_of_due_is_read),
        cmocka_unit_test(many_recurrences_are_kept),
        cmocka_unit_test(refuses_in_words),
        cmocka_unit_test(a_name_is_defined_once_in_all_files),
        cmocka_unit_test(a_gap_between_versions_is_a_warning_where_rules_are_tried),
        cmocka_unit_test(warns_of_rules_that_do_nothing_and_shared_codes),
        cmocka_unit_test(a_folder_is_read_with_all_folders_in_it),
        cmocka_unit_test(refuses_a_folder_without_rules_or_that_leads_back),
    };
    return cmocka_run_group_tests(tests, load_zone, free_zone);
}
