// SPDX-License-Identifier: MPL-2.0
#include "core/mail_outcome.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CPR_DIGITS 10 // a civil registration number, with or without its hyphen
#define MASK       "***"

// ---- redaction ----

static bool is_blank(char c)
{
    return (unsigned char)c <= ' ' || (unsigned char)c == 0x7f;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int count_digits(const char *word, size_t length)
{
    int digits = 0;
    for (size_t i = 0; i < length; i++)
        digits += is_digit(word[i]);
    return digits;
}

static bool has_letter(const char *word, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (is_alnum(word[i]) && !is_digit(word[i]))
            return true;
    return false;
}

// Whole, as in "user=jens.hansen,": a short one inside other words hides nothing and would mask half the
// text.
static bool holds(const char *word, size_t length, const char *secret, size_t secret_length)
{
    for (size_t i = 0; secret_length > 0 && i + secret_length <= length; i++)
        if (strncasecmp(word + i, secret, secret_length) == 0 && (i == 0 || !is_alnum(word[i - 1])) &&
            (i + secret_length == length || !is_alnum(word[i + secret_length])))
            return true;
    return false;
}

static bool may_name_a_person(const char *word, size_t length, const char *secret, size_t secret_length)
{
    return memchr(word, '@', length) || memchr(word, '<', length) || memchr(word, '>', length) ||
           holds(word, length, secret, secret_length) ||
           (count_digits(word, length) >= CPR_DIGITS && !has_letter(word, length));
}

// The end of the word at `text`; from a '<' on it reaches to the '>', blanks included, or to the end.
static const char *word_end(const char *text)
{
    const char *at = text;
    for (; *at && !is_blank(*at); at++)
        if (*at == '<') {
            const char *close = strchr(at, '>');
            at = close ? close : at + strlen(at) - 1;
        }
    return at;
}

static void add(char *into, size_t size, const char *bytes, size_t length)
{
    size_t used = strlen(into);
    if (length > size - 1 - used)
        length = size - 1 - used;
    memcpy(into + used, bytes, length);
    for (size_t i = used; i < used + length; i++)
        if ((unsigned char)into[i] >= 0x7f)
            into[i] = '?';
    into[used + length] = '\0';
}

void mail_redact(char *into, size_t size, const char *text, const char *secret)
{
    size_t secret_length = secret ? strlen(secret) : 0;
    bool first = true;
    for (const char *end; *text; text = end) {
        if (is_blank(*text)) {
            end = text + 1;
            continue;
        }
        end = word_end(text);
        size_t length = (size_t)(end - text);
        if (!first)
            add(into, size, " ", 1);
        first = false;
        if (may_name_a_person(text, length, secret, secret_length))
            add(into, size, MASK, strlen(MASK));
        else
            add(into, size, text, length);
    }
}

// ---- meaning ----

static const char *reply_to_what(enum smtp_command said)
{
    switch (said) {
    case SMTP_OPENING:
        return "server said";
    case SMTP_RSET:
        return "reply to RSET";
    case SMTP_MAIL:
        return "reply to MAIL";
    case SMTP_RCPT:
        return "reply to RCPT";
    case SMTP_DATA:
        return "reply to DATA";
    case SMTP_DOT:
        return "reply to the message";
    case SMTP_QUIT:
        return "reply to QUIT";
    }
    return "?";
}

// Class, subject and detail of an enhanced status code; zeroes when there is none.
struct status {
    int class, subject, detail;
};

static struct status parse_enhanced(const char *enhanced)
{
    struct status status = {0};
    char *end = NULL;
    if (enhanced[0] == '\0')
        return status;
    status.class = (int)strtol(enhanced, &end, 10);
    status.subject = *end == '.' ? (int)strtol(end + 1, &end, 10) : 0;
    status.detail = *end == '.' ? (int)strtol(end + 1, &end, 10) : 0;
    return status;
}

// RFC 3463: x.1 and x.2 are about an address and its mailbox.
static bool is_about_the_mailbox(struct status status)
{
    return status.subject == 1 || status.subject == 2;
}

static bool is_too_big(struct status status)
{
    return (status.subject == 3 && status.detail == 4) || (status.subject == 2 && status.detail == 3);
}

// Asks for authentication or encryption, or does not know our commands: nothing to do with this message.
static bool is_about_us(const struct smtp_reply *reply)
{
    switch (reply->code) {
    case 421: // closing the connection
    case 500: // command not recognized
    case 502: // not implemented
    case 503: // bad sequence
    case 504: // parameter not implemented; Postfix says it to a HELO name that it does not like
    case 530: // authentication or STARTTLS required
    case 534: // stronger mechanism required
    case 535: // credentials invalid
    case 538: // encryption required
        return true;
    default:
        return false;
    }
}

// Too many, too fast, or no room: 432 is Exchange's, 452 and x.3.1 lack of space, x.3.2 not accepting now,
// x.4.5 congestion, x.7.5xx Exchange's "server busy".
static bool is_throttled(const struct smtp_reply *reply, struct status status)
{
    if (is_about_the_mailbox(status) || is_too_big(status))
        return false;
    return reply->code == 432 || reply->code == 452 || reply->code == 552 ||
           (reply->code < 500 &&
            ((status.subject == 3 && (status.detail == 1 || status.detail == 2)) ||
             (status.subject == 4 && status.detail == 5) || (status.subject == 7 && status.detail >= 500)));
}

static bool is_before_the_message(enum smtp_command said)
{
    return said == SMTP_OPENING || said == SMTP_RSET || said == SMTP_MAIL || said == SMTP_QUIT;
}

static void judge(enum smtp_command said, const struct smtp_reply *reply, struct mail_outcome *outcome)
{
    struct status status = parse_enhanced(reply->enhanced);
    outcome->result = MAIL_TRY_AGAIN;
    outcome->server_fault = is_about_us(reply) || is_throttled(reply, status);
    if (outcome->server_fault)
        return;
    // Its size was announced with MAIL, so that is no fault of the sender's.
    bool too_big = reply->code >= 500 && is_too_big(status);
    if (is_before_the_message(said) && !too_big)
        outcome->server_fault = true;
    else if (too_big || (reply->code >= 500 && reply->code != 552)) // 552 as a full mailbox passes
        outcome->result = MAIL_REFUSED;
}

void mail_outcome_from_reply(enum smtp_command said, const struct smtp_reply *reply, const char *to,
                             struct mail_outcome *ret_outcome)
{
    struct mail_outcome outcome = {.reply_code = reply->code};
    judge(said, reply, &outcome);
    memcpy(outcome.enhanced, reply->enhanced, sizeof outcome.enhanced);
    snprintf(outcome.reason, sizeof outcome.reason, "%s: %d %s%s", reply_to_what(said), reply->code,
             reply->enhanced, reply->enhanced[0] ? " " : "");
    char local[SMTP_REPLY_TEXT] = "";
    if (to)
        snprintf(local, sizeof local, "%.*s", (int)strcspn(to, "@"), to);
    mail_redact(outcome.reason, sizeof outcome.reason, reply->text, local);
    *ret_outcome = outcome;
}

void mail_outcome_from_trouble(struct mail_outcome *ret_outcome, const char *format, ...)
{
    *ret_outcome = (struct mail_outcome){.result = MAIL_TRY_AGAIN, .server_fault = true};
    va_list ap;
    va_start(ap, format);
    vsnprintf(ret_outcome->reason, sizeof ret_outcome->reason, format, ap);
    va_end(ap);
}

bool mail_outcome_blames_address(const struct mail_outcome *outcome)
{
    if (outcome->result != MAIL_REFUSED)
        return false;
    if (*outcome->enhanced) // RFC 3463: 5.1 is the address, 5.2 the mailbox
        return strncmp(outcome->enhanced, "5.1.", 4) == 0 || strncmp(outcome->enhanced, "5.2.", 4) == 0;
    return outcome->reply_code == 550 || outcome->reply_code == 551 || outcome->reply_code == 553;
}
