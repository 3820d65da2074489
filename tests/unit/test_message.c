// SPDX-License-Identifier: MPL-2.0
#include "core/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define A10 "aaaaaaaaaa"
#define A60 A10 A10 A10 A10 A10 A10

static void test_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *address;
        bool sound;
    } cases[] = {
        {"leder@kommune.dk", true},
        {"b@localhost", true},
        {"fornavn.efternavn+frist@intern.kommune.dk", true},
        {"o'brien!#$%&*/=?^_`{|}~-@x.dk", true},
        {"a@xn--rdovre-fya.dk", true},
        {A60 "aaaa@x.dk", true},
        {A60 "aaaaa@x.dk", false},
        {"a@" A60 "aaa.dk", true},
        {"a@" A60 "aaaa.dk", false},
        {"a@" A60 "." A60 "." A60 "." A60 ".bbbbbbbb", true},   // 254 bytes
        {"a@" A60 "." A60 "." A60 "." A60 ".bbbbbbbbb", false}, // 255 bytes
        {NULL, false},
        {"", false},
        {"@", false},
        {"a@", false},
        {"@x.dk", false},
        {"a", false},
        {"a@b@c", false},
        {".a@x.dk", false},
        {"a.@x.dk", false},
        {"a..b@x.dk", false},
        {"a@x..dk", false},
        {"a@.x.dk", false},
        {"a@x.dk.", false},
        {"a@-x.dk", false},
        {"a@x-.dk", false},
        {"a@[127.0.0.1]", false},
        {"a b@x.dk", false},
        {"a,b@x.dk", false},
        {"<a@x.dk>", false},
        {"a@x.dk>", false},
        {"a@x.dk ", false},
        {" a@x.dk", false},
        {"\"a\"@x.dk", false},
        {"a(b)@x.dk", false},
        {"a;b@x.dk", false},
        {"a:b@x.dk", false},
        {"a\\b@x.dk", false},
        {"s\xc3\xb8ren@x.dk", false},
        {"a@r\xc3\xb8"
         "dovre.dk",
         false},
        {"a\xff@x.dk", false},
        // libcurl would pass this on and so inject a recipient.
        {"b@x.dk>\r\nRCPT TO:<evil@x.dk", false},
        {"b@x.dk\r\nBcc: evil@x.dk", false},
        {"b\n@x.dk", false},
        {"b\t@x.dk", false},
        {"b\x7f@x.dk", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (message_address_is_sound(cases[i].address) != cases[i].sound)
            fail_msg("%s: expected %s", cases[i].address, cases[i].sound ? "sound" : "unsound");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
