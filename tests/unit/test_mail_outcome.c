// SPDX-License-Identifier: MPL-2.0
// What a mail server's reply means for the message and for those behind it, and what may be told of it.
#include "core/mail_outcome.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { THIS = 0, ALL = 1 }; // whom it concerns

static void test_meaning_of_replies(void **state)
{
    (void)state;
    static const struct {
        enum smtp_command said;
        int code;
        const char *enhanced;
        enum mail_result result;
        int whom;
    } cases[] = {
        // The recipient.
        {SMTP_RCPT, 550, "5.1.1", MAIL_REFUSED, THIS},
        {SMTP_RCPT, 550, "", MAIL_REFUSED, THIS},
        {SMTP_RCPT, 501, "5.1.3", MAIL_REFUSED, THIS},
        {SMTP_RCPT, 553, "5.1.2", MAIL_REFUSED, THIS},
        {SMTP_RCPT, 554, "5.7.1", MAIL_REFUSED, THIS},
        {SMTP_RCPT, 450, "4.2.1", MAIL_TRY_AGAIN, THIS},
        {SMTP_RCPT, 450, "4.2.0", MAIL_TRY_AGAIN, THIS}, // Greylisted (Postgrey)
        {SMTP_RCPT, 451, "4.7.1", MAIL_TRY_AGAIN, THIS}, // Greylisted (others)
        {SMTP_RCPT, 451, "", MAIL_TRY_AGAIN, THIS},
        {SMTP_RCPT, 452, "4.2.2", MAIL_TRY_AGAIN, THIS}, // mailbox full
        {SMTP_RCPT, 552, "5.2.2", MAIL_TRY_AGAIN, THIS},
        // The message.
        {SMTP_DOT, 554, "5.6.0", MAIL_REFUSED, THIS},
        {SMTP_DOT, 550, "5.7.1", MAIL_REFUSED, THIS},
        {SMTP_DOT, 552, "5.3.4", MAIL_REFUSED, THIS},
        {SMTP_MAIL, 552, "5.3.4", MAIL_REFUSED, THIS}, // size announced with MAIL
        {SMTP_DOT, 552, "5.2.3", MAIL_REFUSED, THIS},
        {SMTP_DATA, 554, "5.5.1", MAIL_REFUSED, THIS},
        {SMTP_DOT, 451, "4.6.0", MAIL_TRY_AGAIN, THIS},
        {SMTP_DATA, 451, "", MAIL_TRY_AGAIN, THIS},
        // The server is full, or has had enough of us.
        {SMTP_MAIL, 452, "4.3.1", MAIL_TRY_AGAIN, ALL},
        {SMTP_RCPT, 452, "", MAIL_TRY_AGAIN, ALL},
        {SMTP_DOT, 452, "4.3.1", MAIL_TRY_AGAIN, ALL},
        {SMTP_DOT, 552, "", MAIL_TRY_AGAIN, ALL},
        {SMTP_DOT, 432, "4.3.2", MAIL_TRY_AGAIN, ALL}, // Exchange Online's throttle
        {SMTP_RCPT, 450, "4.3.2", MAIL_TRY_AGAIN, ALL},
        {SMTP_RCPT, 451, "4.7.500", MAIL_TRY_AGAIN, ALL},
        {SMTP_DOT, 451, "4.4.5", MAIL_TRY_AGAIN, ALL},
        {SMTP_RCPT, 421, "4.7.0", MAIL_TRY_AGAIN, ALL},
        {SMTP_DOT, 421, "", MAIL_TRY_AGAIN, ALL},
        // Our own settings: nothing is given up for them.
        {SMTP_OPENING, 535, "5.7.8", MAIL_TRY_AGAIN, ALL},
        {SMTP_OPENING, 554, "", MAIL_TRY_AGAIN, ALL},
        {SMTP_MAIL, 550, "5.7.60", MAIL_TRY_AGAIN, ALL},
        {SMTP_MAIL, 553, "", MAIL_TRY_AGAIN, ALL},
        {SMTP_MAIL, 451, "", MAIL_TRY_AGAIN, ALL},
        {SMTP_MAIL, 530, "5.7.0", MAIL_TRY_AGAIN, ALL},
        {SMTP_RCPT, 530, "5.7.1", MAIL_TRY_AGAIN, ALL},
        {SMTP_RCPT, 504, "5.5.2", MAIL_TRY_AGAIN, ALL}, // Postfix: HELO name not liked
        {SMTP_DATA, 503, "", MAIL_TRY_AGAIN, ALL},
        {SMTP_RSET, 500, "", MAIL_TRY_AGAIN, ALL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct smtp_reply reply = {.code = cases[i].code, .text = "words"};
        strcpy(reply.enhanced, cases[i].enhanced);
        struct mail_outcome outcome;
        mail_outcome_from_reply(cases[i].said, &reply, "a@b.example", &outcome);
        if ((int)outcome.result != (int)cases[i].result || outcome.server_fault != (cases[i].whom == ALL))
            fail_msg("%s: result %d, server_fault %d", outcome.reason, (int)outcome.result,
                     outcome.server_fault);
        assert_int_equal(outcome.reply_code, cases[i].code);
        assert_string_equal(outcome.enhanced, cases[i].enhanced);
    }
}

static void test_reason_says_when_and_what(void **state)
{
    (void)state;
    struct smtp_reply reply = {550, "5.1.1",
                               "<jens.hansen@by.example>: User unknown in virtual mailbox table"};
    struct mail_outcome outcome;
    mail_outcome_from_reply(SMTP_RCPT, &reply, "jens.hansen@by.example", &outcome);
    assert_string_equal(outcome.reason, "reply to RCPT: 550 5.1.1 *** User unknown in virtual mailbox table");
    reply = (struct smtp_reply){451, "", "try later"};
    mail_outcome_from_reply(SMTP_DOT, &reply, NULL, &outcome);
    assert_string_equal(outcome.reason, "reply to the message: 451 try later");
}

static void test_redaction(void **state)
{
    (void)state;
    static const struct {
        const char *text, *secret, *shown;
    } cases[] = {
        {"User unknown", "ole", "User unknown"},
        {"no ole@by.example here", "", "no *** here"},
        {"no (ole@by.example), sorry", "", "no *** sorry"},
        {"no <ole@by.example>: sorry", "", "no *** sorry"},
        {"no <Ole Hansen> here", "", "no *** here"},
        {"to:<Ole Hansen ole@x> here", "", "*** here"},
        {"no <Ole Hansen and then nothing", "", "no ***"},
        {"no <", "", "no ***"},
        {"Ole Hansen> here", "", "Ole *** here"},
        {"mailbox of user=Ole is full", "ole", "mailbox of *** is full"},
        {"OLE: unknown", "ole", "*** unknown"},
        {"console says no", "ole", "console says no"},
        {"cpr 010203-1234 found", "", "cpr *** found"},
        {"cpr 0102031234 found", "", "cpr *** found"},
        {"queued as 4F1A2B3C4D5E6F7", "", "queued as 4F1A2B3C4D5E6F7"},
        {"2026-05-01 is 8 digits", "", "2026-05-01 is 8 digits"},
        {"  two \t blanks\r\nand\x01lines  ", "", "two blanks and lines"},
        {"s\xc3\xb8ren", "", "s??ren"},
        {"", "", ""},
        {"a@b", "", "***"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char shown[160] = "";
        mail_redact(shown, sizeof shown, cases[i].text, cases[i].secret);
        assert_string_equal(shown, cases[i].shown);
    }
}

static void test_redaction_keeps_within_its_room(void **state)
{
    (void)state;
    char shown[16] = "so far: ";
    mail_redact(shown, sizeof shown, "a@b c@d e@f g@h", NULL);
    assert_string_equal(shown, "so far: *** ***");
}

static void test_which_refusals_blame_the_address(void **state)
{
    (void)state;
    static const struct {
        struct mail_outcome outcome;
        bool blames;
    } cases[] = {
        {{.result = MAIL_REFUSED, .reply_code = 550, .enhanced = "5.1.1"}, true},
        {{.result = MAIL_REFUSED, .reply_code = 550, .enhanced = "5.2.1"}, true},
        {{.result = MAIL_REFUSED, .reply_code = 550}, true},
        {{.result = MAIL_REFUSED, .reply_code = 553}, true},
        {{.result = MAIL_REFUSED, .reply_code = 550, .enhanced = "5.7.1"}, false}, // what it holds
        {{.result = MAIL_REFUSED, .reply_code = 552, .enhanced = "5.3.4"}, false}, // how large it is
        {{.result = MAIL_REFUSED, .reply_code = 554}, false},
        {{.result = MAIL_TRY_AGAIN, .reply_code = 450, .enhanced = "4.2.1"}, false},
        {{.result = MAIL_SENT, .reply_code = 250, .enhanced = "2.1.5"}, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (mail_outcome_blames_address(&cases[i].outcome) != cases[i].blames)
            fail_msg("case %zu", i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_which_refusals_blame_the_address), cmocka_unit_test(test_meaning_of_replies),
        cmocka_unit_test(test_reason_says_when_and_what),        cmocka_unit_test(test_redaction),
        cmocka_unit_test(test_redaction_keeps_within_its_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
