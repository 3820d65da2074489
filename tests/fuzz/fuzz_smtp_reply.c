// SPDX-License-Identifier: MPL-2.0
// Any bytes as a server's replies: the same whether they come at once or one by one, and nothing that may
// name a person gets into a reason.
#include "fuzz.h"

#include "core/mail_outcome.h"

#include <assert.h>
#include <string.h>

static void check_reply(const struct smtp_reply *reply)
{
    assert(reply->code >= 200 && reply->code <= 599);
    assert(memchr(reply->text, '\0', sizeof reply->text) &&
           memchr(reply->enhanced, '\0', sizeof reply->enhanced));
    for (int said = SMTP_OPENING; said <= SMTP_QUIT; said++) {
        struct mail_outcome outcome;
        mail_outcome_from_reply((enum smtp_command)said, reply, "jens@by.example", &outcome);
        assert(outcome.result == MAIL_TRY_AGAIN || outcome.result == MAIL_REFUSED);
        assert(outcome.result != MAIL_REFUSED || (reply->code >= 500 && !outcome.server_fault));
        assert(strpbrk(outcome.reason, "@<>") == NULL);
        for (const char *c = outcome.reason; *c; c++)
            assert(*c >= ' ' && *c < 0x7f);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct smtp_reply_reader whole = {0}, bytewise = {0};
    struct smtp_features features = {0};
    const char *bytes = (const char *)data;
    size_t at = 0, used;
    while (at < size) {
        enum smtp_reply_status status = smtp_reply_read(&whole, bytes + at, size - at, &used);
        assert(used > 0 && used <= size - at);
        for (size_t i = 0; i < used; i++) {
            size_t one;
            enum smtp_reply_status now = smtp_reply_read(&bytewise, bytes + at + i, 1, &one);
            assert(one == 1 && now == (i + 1 < used ? SMTP_REPLY_MORE : status));
        }
        smtp_features_note(&features, bytes + at, used);
        at += used;
        if (status == SMTP_REPLY_BROKEN)
            return 0;
        if (status == SMTP_REPLY_COMPLETE) {
            assert(memcmp(&whole.reply, &bytewise.reply, offsetof(struct smtp_reply, text)) == 0);
            assert(strcmp(whole.reply.text, bytewise.reply.text) == 0);
            check_reply(&whole.reply);
        } else {
            assert(at == size);
        }
    }
    return 0;
}
