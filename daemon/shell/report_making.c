// SPDX-License-Identifier: MPL-2.0
#include "shell/report_making.h"

#include "core/report_wording.h"
#include "shell/log.h"

#include <string.h>

static void add_notice(struct report_making *making, const struct journal_notice *notice,
                       const char *const *identity, size_t parts)
{
    struct journal_batch *batch = making->batch;
    MEMORY_GROW(batch->notices, batch->notice_count, batch->notice_capacity);
    struct journal_notice *added = &batch->notices[batch->notice_count++];
    *added = *notice;
    added->transition_index = -1;
    added->case_id = "";
    added->stage = -1;
    added->stage_at = INSTANT_NONE;
    added->may_go_at = making->made.made_at;
    message_key(identity, parts, added->message_key);
}

static const char *due_text(struct report_making *making)
{
    return arena_format(&making->batch->arena, "%lld", (long long)making->made.due_at);
}

static void add_mail(struct report_making *making, const struct report_addressee *addressee,
                     const struct report_mail *mail, const char *person_id, const char *role, bool stands_in)
{
    struct arena *arena = &making->batch->arena;
    struct buffer facts = {0};
    report_mail_write(mail, &facts);
    const char *holder = arena_string(arena, addressee->holder);
    const char *identity[] = {making->site,     "report", making->made.report->name,
                              due_text(making), holder,   person_id};
    // A mail in place of one that reached nobody has its recipient in its identity: there may be several.
    size_t parts = addressee->person_id ? 5 : 6;
    add_notice(making,
               &(struct journal_notice){.purpose = "report",
                                        .person_id = arena_string(arena, person_id),
                                        .role = arena_string(arena, role),
                                        .instead_of = stands_in ? holder : NULL,
                                        .facts = arena_copy(arena, facts.data, facts.length)},
               identity, parts);
    buffer_done(&facts);
    making->mails++;
}

static void tell_operators_of(struct report_making *making, const struct report_addressee *addressee)
{
    making->unreached++;
    log_line(LOG_LEVEL_WARNING, "report",
             "reached nobody, the next level and the operators are told report=%s"
             " role=%s unit=%s person=%s",
             making->made.report->name, addressee->role, addressee->unit, addressee->holder);
    buffer_format(&making->operator_lines, "report_not_sent\t\t\t%s, %s %s\n", making->made.report->name,
                  addressee->role, addressee->unit);
    making->operator_line_count++;
}

static void make_for_next_level(struct report_making *making, const struct report_addressee *addressee,
                                struct report_mail *mail)
{
    struct recipient recipients[REPORT_PEOPLE_MAX];
    size_t count =
        report_next_level(making->made.report, making->rules, making->material->people, addressee->role,
                          addressee->unit, addressee->holder, making->material->today, recipients);
    mail->not_reached = addressee->role;
    mail->not_reached_unit = addressee->unit;
    for (size_t i = 0; i < count; i++) {
        mail->role = recipients[i].role;
        mail->stands_in = recipients[i].instead_of != NULL;
        add_mail(making, addressee, mail, recipients[i].person_id, recipients[i].role, mail->stands_in);
    }
    tell_operators_of(making, addressee);
}

static void make_mail(struct report_making *making, struct report_addressee *addressee)
{
    struct report_mail mail;
    arena_reset(&making->scratch);
    report_mail_make(making->material, addressee, &making->scratch, &mail);
    if (mail.empty && making->made.report->skip_empty)
        addressee->holder = NULL; // gets none
    else if (addressee->person_id == NULL)
        make_for_next_level(making, addressee, &mail);
    else
        add_mail(making, addressee, &mail, addressee->person_id, addressee->role, addressee->stands_in);
}

static void own_key(struct report_making *making, const char *holder, char key[MESSAGE_KEY_SIZE])
{
    const char *identity[] = {making->site, "report", making->made.report->name, due_text(making), holder};
    message_key(identity, sizeof identity / sizeof identity[0], key);
}

static void add_recipients(struct report_making *making, struct report_statements *statements)
{
    struct arena *arena = &making->batch->arena;
    size_t count = 0, room = making->addressee_count;
    const char **holders = arena_alloc(arena, room * sizeof *holders);
    const char **roles = arena_alloc(arena, room * sizeof *roles);
    const char **keys = arena_alloc(arena, room * sizeof *keys);
    for (size_t i = 0; i < room; i++) {
        const struct report_addressee *addressee = &making->addressees[i];
        char key[MESSAGE_KEY_SIZE];
        if (addressee->holder == NULL)
            continue;
        own_key(making, addressee->holder, key);
        holders[count] = addressee->holder;
        roles[count] = addressee->role;
        keys[count++] = addressee->person_id ? arena_string(arena, key) : NULL;
    }
    report_run_recipients(&making->made, holders, roles, keys, count, statements);
}

static void add_operators_notice(struct report_making *making)
{
    if (making->operator_line_count == 0)
        return;
    const char *identity[] = {making->site, "report that reached nobody", making->made.report->name,
                              due_text(making)};
    add_notice(making,
               &(struct journal_notice){.purpose = "operator",
                                        .person_id = "",
                                        .role = "",
                                        .facts = arena_format(&making->batch->arena, "%zu\n%s",
                                                              making->operator_line_count,
                                                              making->operator_lines.data)},
               identity, sizeof identity / sizeof identity[0]);
}

// A role that nobody holds would be told by nobody.
static void address_nobody(struct report_making *making)
{
    if (making->made.report->skip_empty && strcmp(making->made.report->recipients[0], ROLE_CASEWORKER) == 0)
        return;                                           // there was nothing in it
    struct report_addressee *nobody = making->addressees; // it has room for one more than there are
    *nobody = (struct report_addressee){.holder = "", .role = making->made.report->recipients[0], .unit = ""};
    making->addressee_count = 1;
    tell_operators_of(making, nobody);
}

void report_making_begin(struct report_making *making, const char *site, const struct ruleset *rules,
                         const struct made_run *made, const struct report_material *material,
                         struct arena *arena, struct journal_batch *batch)
{
    making->site = site;
    making->rules = rules;
    making->made = *made;
    making->material = material;
    making->batch = batch;
    making->addressee_count = report_addressees(material, arena, &making->addressees);
    making->next_addressee = making->mails = making->unreached = making->operator_line_count = 0;
    buffer_clear(&making->operator_lines);
    if (making->addressee_count == 0) {
        address_nobody(making);
        making->next_addressee = making->addressee_count;
    }
}

bool report_making_next(struct report_making *making)
{
    if (making->next_addressee == making->addressee_count)
        return false;
    make_mail(making, &making->addressees[making->next_addressee++]);
    return true;
}

void report_making_end(struct report_making *making, struct report_statements *statements)
{
    add_recipients(making, statements);
    add_operators_notice(making);
}

void report_making_done(struct report_making *making)
{
    buffer_done(&making->operator_lines);
    arena_done(&making->scratch);
}
