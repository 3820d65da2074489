// SPDX-License-Identifier: MPL-2.0
#include "core/report.h"

#include "core/backlog.h"

#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 32 // ends a circle of parents

// --- when, and about what ---

const struct report *report_find(const struct report_set *set, const char *name)
{
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(set->reports[i].name, name) == 0)
            return &set->reports[i];
    return NULL;
}

static bool is_in_group(const char *id, const char *group)
{
    size_t length = strlen(group);
    return strncmp(id, group, length) == 0 && (id[length] == '.' || id[length] == '\0');
}

bool report_takes(const struct report *report, const struct ruleset *rules, const struct rule *rule)
{
    if (report->content == REPORT_REMANDS)
        return remand_is_rule(rules, rule);
    bool group = report->group_count == 0, code = report->code_count == 0;
    for (int i = 0; i < report->group_count && !group; i++)
        group = is_in_group(rule->id, report->groups[i]);
    for (int i = 0; i < report->code_count && !code; i++)
        code = strcmp(rule->code, report->codes[i]) == 0;
    return group && code && (report->kinds == 0 || (report->kinds >> rule->kind & 1));
}

instant report_next_due(const struct report *report, const struct zone *zone, instant after)
{
    instant next = INSTANT_NONE;
    civil_date date;
    int second;
    struct recurrence_iterator *iterator = recurrence_start(report->when, civil_from_ymd(2024, 1, 1), 0);
    while (next == INSTANT_NONE && recurrence_next(iterator, &date, &second)) {
        instant at = zone_to_instant(zone, date, second);
        if (at > after)
            next = at;
    }
    recurrence_stop(iterator);
    return next;
}

// --- counting ---

static const char *const count_names[REPORT_COUNTS] = {
    [COUNT_BROKEN] = "broken",
    [COUNT_BROKEN_LAW] = "broken_by_law",
    [COUNT_COMING] = "coming",
    [COUNT_REMANDS] = "remands",
    [COUNT_NEW] = "new",
    [COUNT_ENDED] = "ended",
    [COUNT_NOT_FOLLOWED_UP] = "not_followed_up",
    [COUNT_MISSED_AGAIN] = "missed_again",
    [COUNT_LIMIT_BROKEN] = "limit_broken",
    [COUNT_NOT_TOLD] = "citizen_not_told",
    [COUNT_HELP_OPEN] = "help_not_restored",
    [COUNT_CAUSE_OPEN] = "cause_not_recorded",
};

const char *report_count_name(enum report_count count)
{
    return count_names[count];
}

bool report_count_parse(const char *name, enum report_count *ret_count)
{
    for (int i = 0; i < REPORT_COUNTS; i++)
        if (strcmp(count_names[i], name) == 0) {
            *ret_count = (enum report_count)i;
            return true;
        }
    return false;
}

static bool is_small(int count, int small_counts)
{
    return count > 0 && count < small_counts;
}

// Of which other count each is a part.
static void show_parts(const int counts[REPORT_COUNTS], int small_counts,
                       enum report_shown ret_shown[REPORT_COUNTS])
{
    static const enum report_count wholes[REPORT_COUNTS] = {[COUNT_BROKEN] = COUNT_BROKEN,
                                                            [COUNT_BROKEN_LAW] = COUNT_BROKEN,
                                                            [COUNT_COMING] = COUNT_COMING,
                                                            [COUNT_REMANDS] = COUNT_REMANDS,
                                                            [COUNT_NEW] = COUNT_REMANDS,
                                                            [COUNT_ENDED] = COUNT_ENDED,
                                                            [COUNT_NOT_FOLLOWED_UP] = COUNT_REMANDS,
                                                            [COUNT_MISSED_AGAIN] = COUNT_REMANDS,
                                                            [COUNT_LIMIT_BROKEN] = COUNT_REMANDS,
                                                            [COUNT_NOT_TOLD] = COUNT_LIMIT_BROKEN,
                                                            [COUNT_HELP_OPEN] = COUNT_REMANDS,
                                                            [COUNT_CAUSE_OPEN] = COUNT_REMANDS};
    for (int k = 0; k < REPORT_COUNTS; k++) {
        bool leaves_few = counts[k] >= 0 && is_small(counts[wholes[k]] - counts[k], small_counts);
        ret_shown[k] = is_small(counts[k], small_counts) ? SHOWN_FEW
                       : counts[k] > 0 && leaves_few     ? SHOWN_AT_LEAST
                                                         : SHOWN_EXACT;
    }
}

void report_show(const int now[REPORT_COUNTS], const int before[REPORT_COUNTS], int small_counts,
                 enum report_shown ret_now[REPORT_COUNTS], enum report_shown ret_before[REPORT_COUNTS])
{
    show_parts(now, small_counts, ret_now);
    show_parts(before, small_counts, ret_before);
    // That what was open the last time is not known here does not mean that the reader does not know it.
    if (is_small(now[COUNT_REMANDS], small_counts) || is_small(before[COUNT_REMANDS], small_counts) ||
        is_small(now[COUNT_NEW], small_counts) || is_small(now[COUNT_ENDED], small_counts))
        ret_now[COUNT_NEW] = ret_now[COUNT_ENDED] = SHOWN_NOT;
}

bool report_counts_of(enum report_content content, enum report_count count)
{
    return (count >= COUNT_REMANDS) == (content == REPORT_REMANDS);
}

static void count_remand(const struct remand *remand, instant last_at, int counts[REPORT_COUNTS])
{
    if (remand->ended_at != INSTANT_NONE) {
        counts[COUNT_ENDED]++;
        return;
    }
    counts[COUNT_REMANDS]++;
    counts[COUNT_NEW] += last_at != INSTANT_NONE && remand->received_at > last_at;
    counts[COUNT_NOT_FOLLOWED_UP] +=
        remand->follow_up_due != INSTANT_NONE && remand->followed_up_at == INSTANT_NONE;
    counts[COUNT_MISSED_AGAIN] += remand->missed >= 2;
    counts[COUNT_LIMIT_BROKEN] += remand->limit_broken;
    counts[COUNT_NOT_TOLD] += remand->letter == LETTER_MISSING || remand->letter == LETTER_LATE;
    counts[COUNT_HELP_OPEN] += remand->help == HELP_OPEN;
    counts[COUNT_CAUSE_OPEN] += remand->cause == CAUSE_NONE;
}

static void count_deadline(const struct report_deadline *deadline, int counts[REPORT_COUNTS])
{
    counts[COUNT_BROKEN] += deadline->broken;
    counts[COUNT_BROKEN_LAW] +=
        deadline->broken && (deadline->kind == RULE_STATUTORY || deadline->kind == RULE_PRECONDITION);
    counts[COUNT_COMING] += !deadline->broken;
}

static int compare_unit_counts(const void *a, const void *b)
{
    return strcmp(((const struct report_unit_count *)a)->unit, ((const struct report_unit_count *)b)->unit);
}

struct unit_counts {
    struct report_unit_count *units;
    size_t count, capacity;
};

static int *counts_of(struct unit_counts *list, const char *unit)
{
    // A municipality has some dozens of units; rows of one often come together.
    for (size_t i = list->count; i-- > 0;)
        if (strcmp(list->units[i].unit, unit) == 0)
            return list->units[i].counts;
    MEMORY_GROW(list->units, list->count, list->capacity);
    struct report_unit_count *added = &list->units[list->count++];
    *added = (struct report_unit_count){.unit = unit};
    return added->counts;
}

size_t report_count_units(const struct report_material *material, struct report_unit_count **ret_counts)
{
    struct unit_counts list = {0};
    for (size_t i = 0; i < material->remand_count; i++)
        count_remand(&material->remands[i], material->last_at, counts_of(&list, material->remands[i].unit));
    for (size_t i = 0; i < material->deadline_count; i++)
        count_deadline(&material->deadlines[i], counts_of(&list, material->deadlines[i].unit));
    if (list.count > 0)
        qsort(list.units, list.count, sizeof *list.units, compare_unit_counts);
    *ret_counts = list.units;
    return list.count;
}

void report_total(const struct report_unit_count *counts, size_t count, int ret_totals[REPORT_COUNTS])
{
    memset(ret_totals, 0, REPORT_COUNTS * sizeof *ret_totals);
    for (size_t i = 0; i < count; i++)
        for (int k = 0; k < REPORT_COUNTS; k++)
            ret_totals[k] += counts[i].counts[k];
}

// --- who gets one ---

static bool is_recipient(const struct report *report, const char *role)
{
    for (int i = 0; i < report->recipient_count; i++)
        if (strcmp(report->recipients[i], role) == 0)
            return true;
    return false;
}

// The person himself, or whoever stands in for him.
static bool reach(const struct people *people, const char *person_id, civil_date today,
                  struct recipient *ret_recipient)
{
    return people_reach(people, ROLE_CASEWORKER, "", person_id, today, ret_recipient, 1) == 1;
}

struct addressee_list {
    struct arena *arena;
    struct report_addressee *addressees;
    size_t count, capacity;
};

static struct report_addressee *address(struct addressee_list *list, const struct report_material *material,
                                        const char *holder, const char *role, const char *unit)
{
    struct recipient found;
    MEMORY_GROW(list->addressees, list->count, list->capacity);
    struct report_addressee *added = &list->addressees[list->count++];
    *added = (struct report_addressee){.holder = holder, .role = role, .unit = unit};
    if (reach(material->people, holder, material->today, &found)) {
        added->person_id = found.person_id;
        added->stands_in = found.instead_of != NULL;
    }
    return added;
}

static void add_unit(struct report_addressee *addressee, const char *unit)
{
    for (size_t i = 0; i < addressee->unit_count; i++)
        if (strcmp(addressee->units[i], unit) == 0)
            return;
    addressee->units[addressee->unit_count++] = unit;
}

// The rows of one person stand together.
static void address_leaders(struct addressee_list *list, const struct report_material *material)
{
    const struct people *people = material->people;
    for (size_t i = 0, next; i < people->person_count; i = next) {
        struct report_addressee *addressee = NULL;
        const char *id = people->persons[i].id;
        for (next = i; next < people->person_count && strcmp(people->persons[next].id, id) == 0; next++) {
            const struct person *row = &people->persons[next];
            if (strcmp(row->role, ROLE_CASEWORKER) == 0 || !is_recipient(material->report, row->role))
                continue;
            if (addressee == NULL) {
                addressee = address(list, material, id, row->role, row->unit);
                addressee->units = arena_alloc(list->arena, (people->person_count - i) * sizeof(char *));
            }
            add_unit(addressee, row->unit);
        }
    }
}

static bool is_addressed(const struct addressee_list *list, const char *holder)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->addressees[i].holder, holder) == 0)
            return true;
    return false;
}

struct own_case {
    const char *caseworker, *unit;
};

static int compare_own_cases(const void *a, const void *b)
{
    return strcmp(((const struct own_case *)a)->caseworker, ((const struct own_case *)b)->caseworker);
}

static void address_caseworkers(struct addressee_list *list, const struct report_material *material)
{
    size_t count = 0, leaders = list->count;
    const struct people *people = material->people;
    struct own_case *own = memory_alloc(
        (material->deadline_count + material->remand_count + people->person_count + 1) * sizeof *own);
    for (size_t i = 0; i < material->deadline_count; i++)
        own[count++] = (struct own_case){material->deadlines[i].caseworker, material->deadlines[i].unit};
    for (size_t i = 0; i < material->remand_count; i++)
        if (material->remands[i].ended_at == INSTANT_NONE)
            own[count++] = (struct own_case){material->remands[i].caseworker, material->remands[i].unit};
    for (size_t i = 0; i < people->person_count && !material->report->skip_empty; i++)
        if (strcmp(people->persons[i].role, ROLE_CASEWORKER) == 0)
            own[count++] = (struct own_case){people->persons[i].id, people->persons[i].unit};
    qsort(own, count, sizeof *own, compare_own_cases);
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && strcmp(own[i].caseworker, own[i - 1].caseworker) == 0)
            continue;
        struct addressee_list above = {.addressees = list->addressees, .count = leaders};
        if (!is_addressed(&above, own[i].caseworker)) // as a leader he has these already
            address(list, material, own[i].caseworker, ROLE_CASEWORKER, own[i].unit);
    }
    free(own);
}

size_t report_addressees(const struct report_material *material, struct arena *arena,
                         struct report_addressee **ret_addressees)
{
    struct addressee_list list = {.arena = arena};
    address_leaders(&list, material);
    if (is_recipient(material->report, ROLE_CASEWORKER))
        address_caseworkers(&list, material);
    *ret_addressees = arena_alloc(arena, (list.count + 1) * sizeof **ret_addressees);
    if (list.count > 0)
        memcpy(*ret_addressees, list.addressees, list.count * sizeof *list.addressees);
    free(list.addressees);
    return list.count;
}

static size_t leaders_of(const struct report *report, const struct ruleset *rules,
                         const struct people *people, const char *unit, const char *except, civil_date today,
                         struct recipient *recipients)
{
    size_t count = 0;
    for (size_t i = 0; i < people->person_count && count < REPORT_PEOPLE_MAX; i++) {
        const struct person *person = &people->persons[i];
        bool leads = strcmp(person->role, ROLE_CASEWORKER) != 0 &&
                     (backlog_is_leader(rules, person->role) || is_recipient(report, person->role));
        bool known = false;
        if (!leads || strcmp(person->unit, unit) != 0 ||
            !reach(people, person->id, today, &recipients[count]) ||
            strcmp(recipients[count].person_id, except) == 0)
            continue;
        recipients[count].role = person->role;
        for (size_t k = 0; k < count && !known; k++)
            known = strcmp(recipients[k].person_id, recipients[count].person_id) == 0;
        count += !known;
    }
    return count;
}

size_t report_next_level(const struct report *report, const struct ruleset *rules,
                         const struct people *people, const char *role, const char *unit, const char *except,
                         civil_date today, struct recipient ret_recipients[REPORT_PEOPLE_MAX])
{
    if (strcmp(role, ROLE_CASEWORKER) != 0)
        unit = people_parent(people, unit);
    size_t count = 0;
    for (int depth = 0; *unit && depth < DEPTH_MAX && count == 0; depth++, unit = people_parent(people, unit))
        count = leaders_of(report, rules, people, unit, except, today, ret_recipients);
    return count;
}

// --- one mail ---

static bool is_his(const struct report_material *material, const struct report_addressee *addressee,
                   const char *unit, const char *caseworker)
{
    if (addressee->unit_count == 0)
        return strcmp(caseworker, addressee->holder) == 0;
    for (size_t i = 0; i < addressee->unit_count; i++)
        if (people_is_below(material->people, unit, addressee->units[i]))
            return true;
    return false;
}

static int by_text(const char *a, const char *b, int otherwise)
{
    int order = strcmp(a, b);
    return order ? order : otherwise;
}

static int compare_remands(const void *a, const void *b)
{
    const struct remand *left = a, *right = b;
    if (left->received_at != right->received_at)
        return left->received_at < right->received_at ? -1 : 1;
    return by_text(left->case_id, right->case_id, strcmp(left->subject, right->subject));
}

static int compare_deadlines(const void *a, const void *b)
{
    const struct report_deadline *left = a, *right = b;
    if (left->due_at != right->due_at)
        return left->due_at < right->due_at ? -1 : 1;
    return by_text(left->case_id, right->case_id,
                   by_text(left->code, right->code, strcmp(left->subject, right->subject)));
}

static size_t cut(size_t *count)
{
    size_t left_out = *count > REPORT_ROWS_MAX ? *count - REPORT_ROWS_MAX : 0;
    *count -= left_out;
    return left_out;
}

static void list_remands(const struct report_material *material, const struct report_addressee *addressee,
                         struct arena *arena, int counts[REPORT_COUNTS], struct report_mail *mail)
{
    mail->remands = arena_alloc(arena, (material->remand_count + 1) * sizeof *mail->remands);
    for (size_t i = 0; i < material->remand_count; i++) {
        const struct remand *remand = &material->remands[i];
        if (!is_his(material, addressee, remand->unit, remand->caseworker))
            continue;
        count_remand(remand, material->last_at, counts);
        if (remand->ended_at == INSTANT_NONE)
            mail->remands[mail->remand_count++] = *remand;
    }
    qsort(mail->remands, mail->remand_count, sizeof *mail->remands, compare_remands);
    mail->remands_left_out = cut(&mail->remand_count);
}

static void add_to_rule(struct report_mail *mail, const struct report_deadline *deadline)
{
    size_t i = 0;
    while (i < mail->rule_count && strcmp(mail->rules[i].rule, deadline->rule) != 0)
        i++;
    if (i == mail->rule_count)
        mail->rules[mail->rule_count++] = (struct report_rule_row){.rule = deadline->rule,
                                                                   .code = deadline->code,
                                                                   .kind = deadline->kind,
                                                                   .sensitive = deadline->sensitive};
    mail->rules[i].broken += deadline->broken;
    mail->rules[i].coming += !deadline->broken;
}

static int compare_rules(const void *a, const void *b)
{
    const struct report_rule_row *left = a, *right = b;
    return left->kind != right->kind ? (int)left->kind - (int)right->kind : strcmp(left->code, right->code);
}

static void list_deadlines(const struct report_material *material, const struct report_addressee *addressee,
                           struct arena *arena, int counts[REPORT_COUNTS], struct report_mail *mail)
{
    size_t room = material->deadline_count + 1;
    mail->broken = arena_alloc(arena, room * sizeof *mail->broken);
    mail->coming = arena_alloc(arena, room * sizeof *mail->coming);
    mail->rules = arena_alloc(arena, room * sizeof *mail->rules);
    for (size_t i = 0; i < material->deadline_count; i++) {
        const struct report_deadline *deadline = &material->deadlines[i];
        if (!is_his(material, addressee, deadline->unit, deadline->caseworker))
            continue;
        count_deadline(deadline, counts);
        add_to_rule(mail, deadline);
        if (deadline->broken)
            mail->broken[mail->broken_count++] = *deadline;
        else
            mail->coming[mail->coming_count++] = *deadline;
    }
    qsort(mail->broken, mail->broken_count, sizeof *mail->broken, compare_deadlines);
    qsort(mail->coming, mail->coming_count, sizeof *mail->coming, compare_deadlines);
    qsort(mail->rules, mail->rule_count, sizeof *mail->rules, compare_rules);
    mail->broken_left_out = cut(&mail->broken_count);
    mail->coming_left_out = cut(&mail->coming_count);
}

// What the counts were at the last report: those of the units that are his today, whoever led them then.
// False: there was none, or they were never counted for one person.
static bool last_counts(const struct report_material *material, const struct report_addressee *addressee,
                        int counts[REPORT_COUNTS])
{
    memset(counts, 0, REPORT_COUNTS * sizeof *counts);
    if (material->last_at == INSTANT_NONE || addressee->unit_count == 0)
        return false;
    for (size_t i = 0; i < material->last_count; i++)
        if (is_his(material, addressee, material->last[i].unit, ""))
            for (int k = 0; k < REPORT_COUNTS; k++)
                counts[k] += material->last[i].counts[k];
    return true;
}

static void add_sums(const struct report_material *material, const int now[REPORT_COUNTS],
                     const int before[REPORT_COUNTS], bool compared, struct report_mail *mail)
{
    for (int k = 0; k < REPORT_COUNTS; k++) {
        enum report_count count = (enum report_count)k;
        // Since the last report, which was none.
        bool since = count == COUNT_NEW || count == COUNT_ENDED;
        if (report_counts_of(material->report->content, count) &&
            !(since && material->last_at == INSTANT_NONE))
            mail->sums[mail->sum_count++] =
                (struct report_sum){count, now[k], compared && !since ? before[k] : -1};
    }
}

void report_mail_make(const struct report_material *material, const struct report_addressee *addressee,
                      struct arena *arena, struct report_mail *ret_mail)
{
    struct report_mail *mail = ret_mail;
    int now[REPORT_COUNTS] = {0}, before[REPORT_COUNTS];
    *mail = (struct report_mail){
        .report = material->report->name,
        .due_at = material->due_at,
        .decided_at = material->now,
        .last_at = material->last_at,
        .late = material->now - material->due_at > REPORT_LATE_AFTER_S,
        .role = addressee->role,
        .stands_in = addressee->stands_in,
        .not_reached = "",
        .not_reached_unit = "",
        .units = addressee->units,
        .unit_count = addressee->unit_count,
    };
    if (material->report->content == REPORT_REMANDS)
        list_remands(material, addressee, arena, now, mail);
    else
        list_deadlines(material, addressee, arena, now, mail);
    bool compared = last_counts(material, addressee, before);
    add_sums(material, now, before, compared, mail);
    mail->empty = mail->remand_count + mail->broken_count + mail->coming_count == 0;
    if (material->report->counts_only)
        mail->remand_count = mail->remands_left_out = mail->broken_count = mail->broken_left_out =
            mail->coming_count = mail->coming_left_out = 0;
    else
        mail->rule_count = 0;
}
