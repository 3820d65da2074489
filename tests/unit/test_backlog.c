// SPDX-License-Identifier: MPL-2.0
// What a first run finds: counts and the worst for leaders, a list for each caseworker.
#include "core/backlog.h"

#include "support/copenhagen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY (instant)86400

static struct zone *zone;
static struct people people;
static struct rule law = {.id = "a.lov", .code = "K1", .kind = RULE_STATUTORY, .line = 0},
                   own = {.id = "b.egen", .code = "K2", .kind = RULE_OWN, .line = 1};
static const char *leaders[] = {"team_leader", "head"};
static struct stage stages[] = {{.when = STAGE_BREACH, .to = leaders, .to_count = 2}};
static struct escalation escalation = {.name = "e", .stages = stages, .stage_count = 1};
static struct rule *laws[] = {&law}, *owns[] = {&own};
static struct rule_line lines[] = {{.id = "a.lov", .versions = laws, .version_count = 1},
                                   {.id = "b.egen", .versions = owns, .version_count = 1}};
static struct ruleset rules = {
    .lines = lines, .line_count = 2, .escalations = &escalation, .escalation_count = 1};
static struct backlog backlog;
static struct arena arena;
static instant now;

static void add(const char *case_id, const char *unit, const char *caseworker, const struct rule *rule,
                int days_over)
{
    const struct casefile casefile = {.id = case_id, .unit = unit, .caseworker = caseworker};
    const struct deadline deadline = {.rule = rule,
                                      .subject = "U",
                                      .occurrence = 1,
                                      .state = days_over > 0 ? STATE_BREACHED : STATE_OPEN,
                                      .due_at = now - days_over * DAY};
    backlog_add(&backlog, unit, &deadline);
    backlog_add_covered(&backlog, &casefile, &deadline);
}

// What was reported, "PERSON[ for X]: CASE CASE+LEFT_OUT / CASE+LEFT_OUT" a line.
static struct buffer told;

static void list(const struct report_deadline *deadlines, size_t count, size_t left_out)
{
    for (size_t i = 0; i < count; i++)
        buffer_format(&told, " %s", deadlines[i].case_id);
    if (left_out > 0)
        buffer_format(&told, "+%zu", left_out);
}

static void on_own(void *data, const char *caseworker, const struct recipient *recipient, const char *facts)
{
    (void)data;
    struct report_mail mail;
    assert_int_equal(report_mail_read(facts, &arena, &mail), 0);
    buffer_format(&told, "%s", recipient ? recipient->person_id : "nobody");
    if (recipient == NULL || recipient->instead_of)
        buffer_format(&told, " for %s", caseworker);
    assert_true(mail.stands_in == (recipient && recipient->instead_of));
    assert_int_equal(mail.decided_at, now);
    assert_int_equal(mail.sums[0].now, mail.broken_count + mail.broken_left_out);
    assert_int_equal(mail.sums[2].now, mail.coming_count + mail.coming_left_out);
    buffer_add_char(&told, ':');
    list(mail.broken, mail.broken_count, mail.broken_left_out);
    buffer_add_string(&told, " /");
    list(mail.coming, mail.coming_count, mail.coming_left_out);
    buffer_add_char(&told, '\n');
}

static const char *own_reports(void)
{
    buffer_clear(&told);
    backlog_own_reports(&backlog, &rules, &people, now, on_own, NULL);
    return told.length ? told.data : "";
}

static void on_leader(void *data, const struct person *leader, const char *facts)
{
    (void)data;
    struct report_mail mail;
    const char *report = strstr(facts, "\nreport\t");
    assert_non_null(report);
    assert_int_equal(report_mail_read(report + 1, &arena, &mail), 0);
    buffer_format(&told, "%s: %.*s |", leader->id, (int)(report - facts), facts);
    list(mail.broken, mail.broken_count, mail.broken_left_out);
    buffer_add_char(&told, '\n');
}

static void test_worst_first(void **state)
{
    (void)state;
    add("young", "nord", "a", &law, 3);
    add("own", "nord", "a", &own, 90);
    add("coming", "nord", "a", &law, -4);
    add("old", "nord", "a", &law, 30);
    add("soon", "nord", "a", &law, -1);
    add("others", "nord", "b", &own, 1);
    add("nobody", "nord", "", &law, 50);
    assert_string_equal(own_reports(), "a: old young own / soon coming\nsub for b: others /\n");
    backlog_clear(&backlog);
    assert_string_equal(own_reports(), "");
}

static void test_who_cannot_be_reached_and_what_finds_no_room(void **state)
{
    (void)state;
    char id[16];
    for (int i = 0; i < 100; i++) { // mixed: every seventh is one worse than all before it
        snprintf(id, sizeof id, "S-%d", i);
        add(id, "nord", "gone", &law, 1 + i * 37 % 100);
        add(id, "nord", "gone", &law, -1 - i * 37 % 100);
    }
    const char *said = own_reports();
    assert_memory_equal(said, "nobody for gone: S-27", 21); // 27 * 37 % 100 = 99
    assert_non_null(strstr(said, "+60 / S-0"));
    assert_non_null(strstr(said, "+80\n"));
    size_t listed = 0;
    for (const char *at = said; (at = strstr(at, " S-")); at++)
        listed++;
    assert_int_equal(listed, BACKLOG_BROKEN_MAX + BACKLOG_COMING_MAX);
    backlog_clear(&backlog);
}

static void test_leaders_see_what_is_below_them(void **state)
{
    (void)state;
    add("S-1", "nord", "a", &law, 10);
    add("S-2", "syd", "a", &law, 20);
    add("S-3", "syd", "a", &own, 40);
    add("S-4", "syd", "a", &own, -40);
    buffer_clear(&told);
    backlog_reports(&backlog, &rules, &people, on_leader, NULL);
    assert_string_equal(told.data, "head: familie\na.lov 2 2\nb.egen 2 1 | S-2 S-1 S-3\n"
                                   "tl: nord\na.lov 1 1 | S-1\n");
    backlog_clear(&backlog);
}

static int set_up(void **state)
{
    (void)state;
    zone = copenhagen();
    rules.zone = zone;
    now = zone_to_instant(zone, civil_from_ymd(2026, 5, 4), 8 * 3600);
    people_add_unit(&people, "familie", "");
    people_add_unit(&people, "nord", "familie");
    people_add_unit(&people, "syd", "familie");
    const civil_date away = civil_from_ymd(2026, 5, 1);
    people_add(&people,
               &(struct person){"a", "a@k.example", "nord", "caseworker", CIVIL_NONE, CIVIL_NONE, ""});
    people_add(&people, &(struct person){"b", "b@k.example", "nord", "caseworker", away, CIVIL_NONE, "sub"});
    people_add(&people,
               &(struct person){"sub", "s@k.example", "nord", "caseworker", CIVIL_NONE, CIVIL_NONE, ""});
    people_add(&people,
               &(struct person){"tl", "t@k.example", "nord", "team_leader", CIVIL_NONE, CIVIL_NONE, ""});
    people_add(&people,
               &(struct person){"head", "h@k.example", "familie", "head", CIVIL_NONE, CIVIL_NONE, ""});
    people_finish(&people);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    backlog_done(&backlog);
    people_done(&people);
    buffer_done(&told);
    arena_done(&arena);
    zone_free(zone);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_worst_first),
        cmocka_unit_test(test_who_cannot_be_reached_and_what_finds_no_room),
        cmocka_unit_test(test_leaders_see_what_is_below_them),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
