// SPDX-License-Identifier: MPL-2.0
#include "core/smtp_dialogue.h"

#include "core/message.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define COMMAND_MAX 512 // RFC 5321, 4.5.3.1.4; an address has at most 254
#define LENGTH(a)   ((int)(sizeof(a) / sizeof(a)[0]))

void smtp_dialogue_init(struct smtp_dialogue *dialogue, const struct smtp_features *features)
{
    memset(dialogue, 0, sizeof *dialogue);
    dialogue->features = *features;
}

int smtp_dialogue_room(const struct smtp_dialogue *dialogue)
{
    if (dialogue->quitting || dialogue->over)
        return 0;
    return (dialogue->features.pipelining ? LENGTH(dialogue->transactions) : 1) - dialogue->transaction_count;
}

void smtp_dialogue_give(struct smtp_dialogue *dialogue, struct smtp_transaction *transaction)
{
    assert(smtp_dialogue_room(dialogue) > 0);
    transaction->state = SMTP_TRANSACTION_GIVEN;
    transaction->body_sent = 0;
    transaction->decided = false;
    dialogue->transactions[dialogue->transaction_count++] = transaction;
}

void smtp_dialogue_quit(struct smtp_dialogue *dialogue)
{
    dialogue->quitting = true;
}

// ---- the end of a transaction ----

static void end_transaction(struct smtp_dialogue *dialogue, struct smtp_transaction *transaction)
{
    int at = 0;
    while (dialogue->transactions[at] != transaction)
        at++;
    dialogue->transaction_count--;
    for (int i = at; i < dialogue->transaction_count; i++)
        dialogue->transactions[i] = dialogue->transactions[i + 1];
    transaction->on_done(transaction, &transaction->outcome);
}

static void decide(struct smtp_transaction *transaction, const struct mail_outcome *outcome)
{
    if (transaction->decided)
        return;
    transaction->decided = true;
    transaction->outcome = *outcome;
}

static void decide_by_reply(struct smtp_transaction *transaction, enum smtp_command said,
                            const struct smtp_reply *reply)
{
    struct mail_outcome outcome;
    mail_outcome_from_reply(said, reply, transaction->to, &outcome);
    decide(transaction, &outcome);
}

static void decide_sent(struct smtp_transaction *transaction, const struct smtp_reply *reply)
{
    struct mail_outcome outcome = {.result = MAIL_SENT, .reply_code = reply->code};
    memcpy(outcome.enhanced, reply->enhanced, sizeof outcome.enhanced);
    char local[SMTP_REPLY_TEXT];
    snprintf(local, sizeof local, "%.*s", (int)strcspn(transaction->to, "@"), transaction->to);
    mail_redact(outcome.reason, sizeof outcome.reason, reply->text, local);
    decide(transaction, &outcome);
}

// ---- what we say ----

static size_t piece_room(const struct smtp_dialogue *dialogue)
{
    return sizeof dialogue->piece - dialogue->piece_length;
}

static void put(struct smtp_dialogue *dialogue, const char *bytes, size_t length)
{
    assert(length <= piece_room(dialogue));
    memcpy(dialogue->piece + dialogue->piece_length, bytes, length);
    dialogue->piece_length += length;
    dialogue->written += length;
}

static void expect(struct smtp_dialogue *dialogue, enum smtp_command command,
                   struct smtp_transaction *transaction)
{
    assert(dialogue->expected_count < LENGTH(dialogue->expected));
    dialogue->expected[dialogue->expected_count++] =
        (struct smtp_expected){command, transaction, dialogue->written};
}

static void say(struct smtp_dialogue *dialogue, enum smtp_command command,
                struct smtp_transaction *transaction)
{
    char line[COMMAND_MAX] = "";
    switch (command) {
    case SMTP_RSET:
        strcpy(line, "RSET\r\n");
        break;
    case SMTP_MAIL:
        if (dialogue->features.size)
            snprintf(line, sizeof line, "MAIL FROM:<%s> SIZE=%zu\r\n", transaction->from,
                     transaction->length);
        else
            snprintf(line, sizeof line, "MAIL FROM:<%s>\r\n", transaction->from);
        break;
    case SMTP_RCPT:
        snprintf(line, sizeof line, "RCPT TO:<%s>\r\n", transaction->to);
        break;
    case SMTP_DATA:
        strcpy(line, "DATA\r\n");
        break;
    case SMTP_QUIT:
        strcpy(line, "QUIT\r\n");
        break;
    case SMTP_OPENING:
    case SMTP_DOT:
        assert(!"not said here");
    }
    put(dialogue, line, strlen(line));
    expect(dialogue, command, transaction);
}

static bool is_sound(const char *address)
{
    return address[0] == '\0' || message_address_is_sound(address);
}

// True when the message can be put on the wire at all; else its outcome is decided.
static bool check_transaction(const struct smtp_dialogue *dialogue, struct smtp_transaction *transaction)
{
    struct mail_outcome outcome = {.result = MAIL_REFUSED};
    if (!is_sound(transaction->from) || !message_address_is_sound(transaction->to))
        snprintf(outcome.reason, sizeof outcome.reason,
                 "%s address is not one that can be sent to a mail server",
                 is_sound(transaction->from) ? "recipient" : "sender");
    else if (dialogue->features.limit > 0 && transaction->length > dialogue->features.limit)
        snprintf(outcome.reason, sizeof outcome.reason, "message of %zu bytes, the server takes at most %lu",
                 transaction->length, dialogue->features.limit);
    else
        return true;
    decide(transaction, &outcome);
    return false;
}

static void say_body(struct smtp_dialogue *dialogue, struct smtp_transaction *transaction)
{
    static const char end[] = "\r\n.\r\n";
    size_t length = transaction->length - transaction->body_sent;
    if (length > piece_room(dialogue))
        length = piece_room(dialogue);
    put(dialogue, transaction->bytes + transaction->body_sent, length);
    transaction->body_sent += length;
    if (transaction->body_sent < transaction->length || piece_room(dialogue) < sizeof end)
        return;
    bool at_line_start =
        transaction->decided || transaction->length == 0 ||
        (transaction->length >= 2 && memcmp(transaction->bytes + transaction->length - 2, "\r\n", 2) == 0);
    const char *dot = at_line_start ? end + 2 : end;
    put(dialogue, dot, strlen(dot));
    expect(dialogue, SMTP_DOT, transaction);
    transaction->state = SMTP_TRANSACTION_DOT;
}

static void say_envelope(struct smtp_dialogue *dialogue, struct smtp_transaction *transaction)
{
    if (transaction->state == SMTP_TRANSACTION_GIVEN && dialogue->reset_first) {
        dialogue->reset_first = false;
        say(dialogue, SMTP_RSET, NULL);
        return;
    }
    enum smtp_command command =
        transaction->state == SMTP_TRANSACTION_GIVEN ? SMTP_MAIL : transaction->said + 1;
    transaction->state = SMTP_TRANSACTION_ENVELOPE;
    transaction->said = command;
    say(dialogue, command, transaction);
}

static struct smtp_transaction *first_unsaid(const struct smtp_dialogue *dialogue)
{
    for (int i = 0; i < dialogue->transaction_count; i++)
        if (dialogue->transactions[i]->state != SMTP_TRANSACTION_DOT)
            return dialogue->transactions[i];
    return NULL;
}

static bool may_say_command(const struct smtp_dialogue *dialogue)
{
    int count = dialogue->expected_count;
    if (count == 0)
        return true;
    return dialogue->features.pipelining && dialogue->expected[count - 1].command != SMTP_DATA;
}

// Adds the next command or stretch of body to the piece; false when there is nothing to add now.
static bool say_next(struct smtp_dialogue *dialogue)
{
    if (dialogue->over || piece_room(dialogue) < COMMAND_MAX)
        return false;
    struct smtp_transaction *transaction = first_unsaid(dialogue);
    if (transaction && transaction->state == SMTP_TRANSACTION_BODY) {
        say_body(dialogue, transaction);
        return true;
    }
    if (!may_say_command(dialogue))
        return false;
    if (transaction && transaction->state == SMTP_TRANSACTION_GIVEN &&
        !check_transaction(dialogue, transaction)) {
        end_transaction(dialogue, transaction);
        return true;
    }
    if (transaction) {
        say_envelope(dialogue, transaction);
        return true;
    }
    if (!dialogue->quitting || dialogue->quit_said)
        return false;
    dialogue->quit_said = true;
    say(dialogue, SMTP_QUIT, NULL);
    return true;
}

size_t smtp_dialogue_output(struct smtp_dialogue *dialogue, const char **ret_bytes)
{
    if (dialogue->piece_sent == dialogue->piece_length) {
        dialogue->piece_sent = dialogue->piece_length = 0;
        while (say_next(dialogue))
            ;
    }
    *ret_bytes = dialogue->piece + dialogue->piece_sent;
    return dialogue->piece_length - dialogue->piece_sent;
}

void smtp_dialogue_sent(struct smtp_dialogue *dialogue, size_t count)
{
    assert(count <= dialogue->piece_length - dialogue->piece_sent);
    dialogue->piece_sent += count;
    dialogue->sent += count;
}

// ---- what the server says ----

static int out_of_step(const struct smtp_reply *reply, struct mail_outcome *ret_why)
{
    mail_outcome_from_trouble(ret_why, "the server answered %d where that makes no sense", reply->code);
    ret_why->reply_code = reply->code;
    return -1;
}

// A reply to nothing: the server says goodbye, or breaks off while a message is being sent.
static int take_unasked(struct smtp_dialogue *dialogue, const struct smtp_reply *reply,
                        struct mail_outcome *ret_why)
{
    struct smtp_transaction *transaction = first_unsaid(dialogue);
    if (reply->code < 400)
        return out_of_step(reply, ret_why);
    if (transaction && transaction->state == SMTP_TRANSACTION_BODY)
        decide_by_reply(transaction, SMTP_DOT, reply);
    mail_outcome_from_reply(SMTP_OPENING, reply, NULL, ret_why);
    if (transaction && transaction->decided)
        ret_why->server_fault = transaction->outcome.server_fault;
    return -1;
}

// The server's answer to MAIL or RCPT.
static int take_envelope(struct smtp_dialogue *dialogue, const struct smtp_expected *asked,
                         const struct smtp_reply *reply, struct mail_outcome *ret_why)
{
    struct smtp_transaction *transaction = asked->transaction;
    if (reply->code / 100 == 3)
        return out_of_step(reply, ret_why);
    if (reply->code / 100 == 2)
        return 0;
    decide_by_reply(transaction, asked->command, reply);
    if (dialogue->features.pipelining)
        return 0; // DATA is on its way, its reply ends the transaction
    dialogue->reset_first = true;
    end_transaction(dialogue, transaction);
    return 0;
}

static int take_data(struct smtp_dialogue *dialogue, struct smtp_transaction *transaction,
                     const struct smtp_reply *reply, struct mail_outcome *ret_why)
{
    if (reply->code == 354) {
        transaction->state = SMTP_TRANSACTION_BODY;
        if (transaction->decided)
            transaction->body_sent = transaction->length; // the dot alone (RFC 2920, 3.1)
        return 0;
    }
    if (reply->code < 400)
        return out_of_step(reply, ret_why);
    decide_by_reply(transaction, SMTP_DATA, reply);
    dialogue->reset_first = true;
    end_transaction(dialogue, transaction);
    return 0;
}

static int take_dot(struct smtp_dialogue *dialogue, struct smtp_transaction *transaction,
                    const struct smtp_reply *reply, struct mail_outcome *ret_why)
{
    if (reply->code == 250)
        decide_sent(transaction, reply);
    else if (reply->code >= 400)
        decide_by_reply(transaction, SMTP_DOT, reply);
    else
        return out_of_step(reply, ret_why);
    end_transaction(dialogue, transaction);
    return 0;
}

static int take_reply(struct smtp_dialogue *dialogue, const struct smtp_reply *reply,
                      struct mail_outcome *ret_why)
{
    struct smtp_expected asked = dialogue->expected[0];
    if (dialogue->expected_count == 0 || asked.end > dialogue->sent)
        return take_unasked(dialogue, reply, ret_why);
    if (reply->code == 421) {
        mail_outcome_from_reply(asked.command, reply, asked.transaction ? asked.transaction->to : NULL,
                                ret_why);
        if (asked.transaction)
            decide(asked.transaction, ret_why);
        return -1;
    }
    dialogue->expected_count--;
    memmove(dialogue->expected, dialogue->expected + 1,
            (size_t)dialogue->expected_count * sizeof dialogue->expected[0]);
    switch (asked.command) {
    case SMTP_MAIL:
    case SMTP_RCPT:
        return take_envelope(dialogue, &asked, reply, ret_why);
    case SMTP_DATA:
        return take_data(dialogue, asked.transaction, reply, ret_why);
    case SMTP_DOT:
        return take_dot(dialogue, asked.transaction, reply, ret_why);
    case SMTP_RSET:
        if (reply->code == 250)
            return 0;
        mail_outcome_from_reply(SMTP_RSET, reply, NULL, ret_why);
        return -1;
    case SMTP_QUIT:
        dialogue->over = true;
        return 0;
    case SMTP_OPENING:
        break;
    }
    assert(!"never expected");
    return -1;
}

int smtp_dialogue_receive(struct smtp_dialogue *dialogue, const char *bytes, size_t length,
                          struct mail_outcome *ret_why)
{
    int replies = 0;
    while (length > 0 && !dialogue->over) {
        size_t used;
        enum smtp_reply_status status = smtp_reply_read(&dialogue->reader, bytes, length, &used);
        bytes += used;
        length -= used;
        if (status == SMTP_REPLY_BROKEN) {
            mail_outcome_from_trouble(ret_why, "the server's answer is not SMTP");
            return -1;
        }
        if (status == SMTP_REPLY_COMPLETE) {
            if (take_reply(dialogue, &dialogue->reader.reply, ret_why) < 0)
                return -1;
            replies++;
        }
    }
    return replies;
}

// ---- the end ----

// The end of the message has left us whole, so the server may have taken it.
static bool was_sent_whole(const struct smtp_dialogue *dialogue, const struct smtp_transaction *transaction)
{
    if (transaction->state != SMTP_TRANSACTION_DOT)
        return false;
    for (int i = 0; i < dialogue->expected_count; i++)
        if (dialogue->expected[i].command == SMTP_DOT && dialogue->expected[i].transaction == transaction)
            return dialogue->expected[i].end <= dialogue->sent;
    return true; // answered, but not so that anybody understands it
}

void smtp_dialogue_end(struct smtp_dialogue *dialogue, const struct mail_outcome *why)
{
    dialogue->over = true;
    while (dialogue->transaction_count > 0) {
        struct smtp_transaction *transaction = dialogue->transactions[0];
        struct mail_outcome outcome = *why;
        if (was_sent_whole(dialogue, transaction)) {
            outcome.result = MAIL_TRY_AGAIN;
            snprintf(outcome.reason, sizeof outcome.reason,
                     "not known whether the server took the message: %.110s", why->reason);
        }
        decide(transaction, &outcome);
        end_transaction(dialogue, transaction);
    }
}

enum smtp_awaited smtp_dialogue_awaits(const struct smtp_dialogue *dialogue)
{
    if (dialogue->over || dialogue->expected_count == 0)
        return SMTP_AWAITS_NOTHING;
    switch (dialogue->expected[0].command) {
    case SMTP_DOT:
        return SMTP_AWAITS_DOT_REPLY;
    case SMTP_QUIT:
        return SMTP_AWAITS_GOODBYE;
    default:
        return SMTP_AWAITS_REPLY;
    }
}

bool smtp_dialogue_is_idle(const struct smtp_dialogue *dialogue)
{
    return dialogue->transaction_count == 0;
}

bool smtp_dialogue_is_over(const struct smtp_dialogue *dialogue)
{
    return dialogue->over;
}
