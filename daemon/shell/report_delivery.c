// SPDX-License-Identifier: MPL-2.0
#include "shell/report_delivery.h"

#include <string.h>

static const struct report *read_notice(const struct report_context *context,
                                        const struct waiting_notice *notice, struct arena *arena,
                                        struct report_mail *ret_mail)
{
    if (context->reports == NULL || report_mail_read(notice->facts, arena, ret_mail) < 0)
        return NULL;
    return report_find(context->reports, ret_mail->report);
}

bool report_notice_is_sound(const struct report_context *context, const struct waiting_notice *notice)
{
    struct arena arena = {0};
    struct report_mail mail;
    bool sound = read_notice(context, notice, &arena, &mail) != NULL;
    arena_done(&arena);
    return sound;
}

void report_notice_word(const struct report_context *context, const struct waiting_notice *notice,
                        struct mail_text *into)
{
    struct arena arena = {0};
    struct report_mail mail;
    const struct report *report = read_notice(context, notice, &arena, &mail);
    if (report) {
        const struct report_facts facts = {
            .report = report, .mail = &mail, .rules = context->rules, .link = context->config->link};
        report_word(&facts, context->config->language, context->config->small_counts, into);
    }
    arena_done(&arena);
}

const char *reply_code(const char *reply)
{
    const char *digit = strpbrk(reply, "0123456789");
    return digit ? digit : reply;
}

static struct journal_notice *add_notice(struct journal_batch *batch, const char *const *identity,
                                         size_t parts, instant now)
{
    MEMORY_GROW(batch->notices, batch->notice_count, batch->notice_capacity);
    struct journal_notice *added = &batch->notices[batch->notice_count++];
    *added = (struct journal_notice){
        .transition_index = -1, .case_id = "", .stage = -1, .stage_at = INSTANT_NONE, .may_go_at = now};
    message_key(identity, parts, added->message_key);
    return added;
}

static void tell_next_level(const struct report_context *context, const struct waiting_notice *notice,
                            const struct report *report, struct report_mail *mail, instant now,
                            struct journal_batch *batch)
{
    struct recipient recipients[REPORT_PEOPLE_MAX];
    const struct person *person = people_find(context->people, notice->person_id);
    const char *unit = mail->unit_count > 0 ? mail->units[0] : person ? person->unit : "";
    size_t count = report_next_level(report, context->rules, context->people, notice->role, unit,
                                     notice->person_id, zone_date(context->rules->zone, now), recipients);
    mail->not_reached = notice->role;
    mail->not_reached_unit = unit;
    for (size_t i = 0; i < count; i++) {
        struct buffer facts = {0};
        const char *identity[] = {"instead of a notice that failed", notice->message_key,
                                  recipients[i].person_id};
        struct journal_notice *added = add_notice(batch, identity, 3, now);
        mail->role = recipients[i].role;
        mail->stands_in = recipients[i].instead_of != NULL;
        report_mail_write(mail, &facts);
        added->purpose = "report";
        added->person_id = arena_string(&batch->arena, recipients[i].person_id);
        added->role = arena_string(&batch->arena, recipients[i].role);
        added->instead_of = arena_string(&batch->arena, recipients[i].instead_of);
        added->facts = arena_copy(&batch->arena, facts.data, facts.length);
        buffer_done(&facts);
    }
}

void report_notice_give_up(const struct report_context *context, const struct waiting_notice *notice,
                           const char *reply, instant now, struct journal_batch *batch)
{
    struct arena arena = {0};
    struct report_mail mail;
    const struct report *report = read_notice(context, notice, &arena, &mail);
    if (report) {
        const char *identity[] = {"a report that failed", notice->message_key};
        const char *unit = mail.unit_count > 0 ? mail.units[0] : "";
        struct journal_notice *added = add_notice(batch, identity, 2, now);
        added->purpose = "operator";
        added->person_id = added->role = "";
        added->facts = arena_format(&batch->arena, "1\nreport_not_sent\t\t\t%s, %s %s (%.12s)\n",
                                    report->name, notice->role, unit, reply_code(reply));
        if (*mail.not_reached == '\0') // further up it does not go
            tell_next_level(context, notice, report, &mail, now, batch);
    }
    arena_done(&arena);
}
