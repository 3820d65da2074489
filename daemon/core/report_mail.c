// SPDX-License-Identifier: MPL-2.0
//
// A report's mail as text, as the journal keeps it: a line for each thing, its fields behind tabs.
#include "core/report.h"

#include <stdlib.h>
#include <string.h>

#define FIELDS_MAX 20

// --- writing ---

static void put_text(struct buffer *into, const char *text)
{
    buffer_add_char(into, '\t');
    for (; *text; text++)
        buffer_add_char(into, *text == '\t' || *text == '\n' ? ' ' : *text);
}

static void put_number(struct buffer *into, int64_t number)
{
    buffer_format(into, "\t%lld", (long long)number);
}

static void put_instant(struct buffer *into, instant at)
{
    if (at == INSTANT_NONE)
        buffer_add_string(into, "\t-");
    else
        put_number(into, at);
}

static void end_line(struct buffer *into)
{
    buffer_add_char(into, '\n');
}

static void write_head(const struct report_mail *mail, struct buffer *into)
{
    buffer_add_string(into, "report");
    put_text(into, mail->report);
    put_instant(into, mail->due_at);
    put_instant(into, mail->decided_at);
    put_instant(into, mail->last_at);
    put_number(into, mail->late);
    put_text(into, mail->role);
    put_number(into, mail->stands_in);
    put_number(into, mail->empty);
    put_text(into, mail->not_reached);
    put_text(into, mail->not_reached_unit);
    end_line(into);
    for (size_t i = 0; i < mail->unit_count; i++) {
        buffer_add_string(into, "unit");
        put_text(into, mail->units[i]);
        end_line(into);
    }
    for (size_t i = 0; i < mail->sum_count; i++) {
        buffer_add_string(into, "sum");
        put_text(into, report_count_name(mail->sums[i].count));
        put_number(into, mail->sums[i].now);
        put_number(into, mail->sums[i].before);
        end_line(into);
    }
}

static void write_remand(const struct remand *remand, struct buffer *into)
{
    buffer_add_string(into, "remand");
    put_text(into, remand->case_id);
    put_text(into, remand->subject);
    put_text(into, remand->unit);
    put_instant(into, remand->received_at);
    put_instant(into, remand->followed_up_at);
    put_instant(into, remand->follow_up_due);
    put_number(into, remand->missed);
    put_number(into, remand->help);
    put_instant(into, remand->help_at);
    put_instant(into, remand->limit_at);
    put_number(into, remand->limit_broken);
    put_number(into, remand->letter);
    put_instant(into, remand->letter_at);
    put_number(into, remand->letter_to);
    put_number(into, remand->cause);
    end_line(into);
}

static void write_deadlines(const char *word, const struct report_deadline *deadlines, size_t count,
                            struct buffer *into)
{
    for (size_t i = 0; i < count; i++) {
        buffer_add_string(into, word);
        put_text(into, deadlines[i].case_id);
        put_text(into, deadlines[i].subject);
        put_text(into, deadlines[i].unit);
        put_text(into, deadlines[i].rule);
        put_text(into, deadlines[i].code);
        put_number(into, deadlines[i].kind);
        put_number(into, deadlines[i].sensitive);
        put_instant(into, deadlines[i].due_at);
        end_line(into);
    }
}

static void write_left_out(const char *word, size_t count, struct buffer *into)
{
    if (count == 0)
        return;
    buffer_add_string(into, "left_out");
    put_text(into, word);
    put_number(into, (int64_t)count);
    end_line(into);
}

void report_mail_write(const struct report_mail *mail, struct buffer *into)
{
    write_head(mail, into);
    for (size_t i = 0; i < mail->remand_count; i++)
        write_remand(&mail->remands[i], into);
    write_deadlines("broken", mail->broken, mail->broken_count, into);
    write_deadlines("coming", mail->coming, mail->coming_count, into);
    for (size_t i = 0; i < mail->rule_count; i++) {
        const struct report_rule_row *row = &mail->rules[i];
        buffer_add_string(into, "rule");
        put_text(into, row->rule);
        put_text(into, row->code);
        put_number(into, row->kind);
        put_number(into, row->sensitive);
        put_number(into, row->broken);
        put_number(into, row->coming);
        end_line(into);
    }
    write_left_out("remand", mail->remands_left_out, into);
    write_left_out("broken", mail->broken_left_out, into);
    write_left_out("coming", mail->coming_left_out, into);
}

// --- reading ---

struct line {
    char *fields[FIELDS_MAX];
    int count, next;
    bool sound;
};

static struct line split(char *text)
{
    struct line line = {.sound = true};
    while (text && line.count < FIELDS_MAX) {
        char *tab = strchr(text, '\t');
        if (tab)
            *tab++ = '\0';
        line.fields[line.count++] = text;
        text = tab;
    }
    return line;
}

static const char *take_text(struct line *line)
{
    if (line->next < line->count)
        return line->fields[line->next++];
    line->sound = false;
    return "";
}

static int64_t take_number(struct line *line, int64_t min, int64_t max)
{
    char *end;
    const char *text = take_text(line);
    long long number = strtoll(text, &end, 10);
    if (end != text && *end == '\0' && number >= min && number <= max)
        return number;
    line->sound = false;
    return min;
}

static instant take_instant(struct line *line)
{
    if (line->next < line->count && strcmp(line->fields[line->next], "-") == 0) {
        line->next++;
        return INSTANT_NONE;
    }
    return take_number(line, INT64_MIN + 1, INT64_MAX);
}

static void read_head(struct line *line, struct report_mail *mail)
{
    mail->report = take_text(line);
    mail->due_at = take_instant(line);
    mail->decided_at = take_instant(line);
    mail->last_at = take_instant(line);
    mail->late = take_number(line, 0, 1);
    mail->role = take_text(line);
    mail->stands_in = take_number(line, 0, 1);
    mail->empty = take_number(line, 0, 1);
    mail->not_reached = take_text(line);
    mail->not_reached_unit = take_text(line);
}

static void read_sum(struct line *line, struct report_mail *mail)
{
    enum report_count count;
    if (mail->sum_count == REPORT_COUNTS || !report_count_parse(take_text(line), &count)) {
        line->sound = false;
        return;
    }
    struct report_sum *sum = &mail->sums[mail->sum_count++];
    sum->count = count;
    sum->now = (int)take_number(line, 0, INT32_MAX);
    sum->before = (int)take_number(line, -1, INT32_MAX);
}

static void read_remand(struct line *line, struct report_mail *mail)
{
    struct remand *remand = &mail->remands[mail->remand_count++];
    *remand = (struct remand){.ended_at = INSTANT_NONE, .caseworker = ""};
    remand->case_id = take_text(line);
    remand->subject = take_text(line);
    remand->unit = take_text(line);
    remand->received_at = take_instant(line);
    remand->followed_up_at = take_instant(line);
    remand->follow_up_due = take_instant(line);
    remand->missed = (int)take_number(line, 0, INT32_MAX);
    remand->help = (enum remand_help)take_number(line, HELP_OPEN, HELP_NOT_RELEVANT);
    remand->help_at = take_instant(line);
    remand->limit_at = take_instant(line);
    remand->limit_broken = take_number(line, 0, 1);
    remand->letter = (enum remand_letter)take_number(line, LETTER_NONE, LETTER_MISSING);
    remand->letter_at = take_instant(line);
    remand->letter_to = (civil_date)take_number(line, INT32_MIN, INT32_MAX);
    remand->cause = (enum remand_cause)take_number(line, CAUSE_NONE, CAUSE_FACTS);
}

static void read_deadline(struct line *line, bool broken, struct report_deadline *deadline)
{
    *deadline = (struct report_deadline){.caseworker = "", .broken = broken};
    deadline->case_id = take_text(line);
    deadline->subject = take_text(line);
    deadline->unit = take_text(line);
    deadline->rule = take_text(line);
    deadline->code = take_text(line);
    deadline->kind = (enum rule_kind)take_number(line, RULE_STATUTORY, RULE_INFORMATION);
    deadline->sensitive = take_number(line, 0, 1);
    deadline->due_at = take_instant(line);
}

static void read_rule(struct line *line, struct report_mail *mail)
{
    struct report_rule_row *row = &mail->rules[mail->rule_count++];
    row->rule = take_text(line);
    row->code = take_text(line);
    row->kind = (enum rule_kind)take_number(line, RULE_STATUTORY, RULE_INFORMATION);
    row->sensitive = take_number(line, 0, 1);
    row->broken = (int)take_number(line, 0, INT32_MAX);
    row->coming = (int)take_number(line, 0, INT32_MAX);
}

static void read_left_out(struct line *line, struct report_mail *mail)
{
    const char *word = take_text(line);
    size_t count = (size_t)take_number(line, 0, INT32_MAX);
    if (strcmp(word, "remand") == 0)
        mail->remands_left_out = count;
    else if (strcmp(word, "broken") == 0)
        mail->broken_left_out = count;
    else
        mail->coming_left_out = count;
}

static bool read_line(char *text, struct report_mail *mail)
{
    struct line line = split(text);
    const char *word = take_text(&line);
    if (strcmp(word, "report") == 0)
        read_head(&line, mail);
    else if (strcmp(word, "unit") == 0)
        mail->units[mail->unit_count++] = take_text(&line);
    else if (strcmp(word, "sum") == 0)
        read_sum(&line, mail);
    else if (strcmp(word, "remand") == 0)
        read_remand(&line, mail);
    else if (strcmp(word, "broken") == 0)
        read_deadline(&line, true, &mail->broken[mail->broken_count++]);
    else if (strcmp(word, "coming") == 0)
        read_deadline(&line, false, &mail->coming[mail->coming_count++]);
    else if (strcmp(word, "rule") == 0)
        read_rule(&line, mail);
    else if (strcmp(word, "left_out") == 0)
        read_left_out(&line, mail);
    else
        return false;
    return line.sound && line.next == line.count;
}

int report_mail_read(const char *text, struct arena *arena, struct report_mail *ret_mail)
{
    size_t lines = 0;
    for (const char *at = text; *at; at++)
        lines += *at == '\n';
    struct report_mail mail = {
        .units = arena_alloc(arena, (lines + 1) * sizeof *mail.units),
        .remands = arena_alloc(arena, (lines + 1) * sizeof *mail.remands),
        .broken = arena_alloc(arena, (lines + 1) * sizeof *mail.broken),
        .coming = arena_alloc(arena, (lines + 1) * sizeof *mail.coming),
        .rules = arena_alloc(arena, (lines + 1) * sizeof *mail.rules),
    };
    char *at = arena_string(arena, text);
    for (char *end; (end = strchr(at, '\n')); at = end + 1) {
        *end = '\0';
        if (!read_line(at, &mail))
            return -1;
    }
    if (*at || mail.report == NULL)
        return -1;
    *ret_mail = mail;
    return 0;
}
