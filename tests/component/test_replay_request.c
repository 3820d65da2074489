// SPDX-License-Identifier: MPL-2.0
#include "shell/replay_request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

static void requesters(void **state)
{
    (void)state;
    static const char name64[] = "r/0123456789012345678901234567890123456789012345678901234567890123";
    assert_string_equal(replay_requester("fristd/v1/a/request/events/esdh-2.prod_x"), "esdh-2.prod_x");
    assert_string_equal(replay_requester(name64), name64 + 2);
    static const char *const none[] = {
        "",      "esdh",  "a/",
        "a/b c", "a/b#",  "a/b+",
        "a/æ",   "a/b\n", "r/01234567890123456789012345678901234567890123456789012345678901234"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        assert_null(replay_requester(none[i]));
}

static void good_requests(void **state)
{
    (void)state;
    static const struct {
        const char *payload;
        int64_t from, to;
        const char *correlation;
    } cases[] = {
        {"{\"from\":120,\"to\":140}", 120, 140, NULL},
        {" {\n\"to\": 140, \"from\": 120 } ", 120, 140, NULL},
        {"{\"from\":1}", 1, INT64_MAX, NULL},
        {"{\"from\":\"0000000000000000120\",\"to\":\"140\"}", 120, 140, NULL},
        {"{\"from\":1,\"to\":10000}", 1, 10000, NULL},
        {"{\"from\":9223372036854775807}", INT64_MAX, INT64_MAX, NULL},
        {"{\"from\":9223372036854775807,\"to\":9223372036854775807}", INT64_MAX, INT64_MAX, NULL},
        {"{\"from\":7,\"correlation\":\"\"}", 7, INT64_MAX, ""},
        {"{\"from\":7,\"correlation\":\"sp\xc3\xb8rgsm\xc3\xa5l \\u00e5\\\"\"}", 7, INT64_MAX,
         "sp\xc3\xb8rgsm\xc3\xa5l \xc3\xa5\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct replay_request request;
        const struct replay_refusal *refusal =
            replay_request_read(cases[i].payload, strlen(cases[i].payload), &request);
        if (refusal)
            fail_msg("%s: %s", cases[i].payload, refusal->detail);
        assert_int_equal(request.from, cases[i].from);
        assert_int_equal(request.to, cases[i].to);
        assert_int_equal(request.has_correlation, cases[i].correlation != NULL);
        assert_string_equal(request.correlation, cases[i].correlation ? cases[i].correlation : "");
    }
}

#define TEXT(literal) literal, sizeof literal - 1

static void bad_requests(void **state)
{
    (void)state;
    static const struct {
        const char *payload;
        size_t length;
        const char *reason;
    } cases[] = {
        {TEXT(""), "not_json"},
        {TEXT("from 1"), "not_json"},
        {TEXT("1"), "not_json"},
        {TEXT("[]"), "not_json"},
        {TEXT("null"), "not_json"},
        {TEXT("{\"from\":1"), "not_json"},
        {TEXT("{\"from\":1}{}"), "not_json"},
        {TEXT("{\"from\":1,\"from\":2}"), "not_json"},
        {TEXT("{\"from\":1e400}"), "not_json"},
        {TEXT("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["), "not_json"},
        {TEXT("{\"from\":1,\"correlation\":\"\\u0000\"}"), "not_json"},
        {TEXT("{\"from\":1,\"correlation\":\"\\ud800\"}"), "not_json"},
        {TEXT("{\"from\":18446744073709551616}"), "not_json"},
        {TEXT("{\"from\":1e2}"), "wrong_field"},
        {TEXT("{\"from\":9223372036854775808}"), "not_json"},
        {TEXT("{\"from\":1}\0"), "not_json"},
        {TEXT("{\"from\":1,\"correlation\":\"\xff\"}"), "not_utf8"},
        {TEXT("\xff\xfe{"), "not_utf8"},
        {TEXT("{\"from\":1,\"correlation\":\"\xed\xa0\x80\"}"), "not_utf8"},
        {TEXT("{}"), "wrong_field"},
        {TEXT("{\"to\":1}"), "wrong_field"},
        {TEXT("{\"from\":null}"), "wrong_field"},
        {TEXT("{\"from\":true}"), "wrong_field"},
        {TEXT("{\"from\":1.5}"), "wrong_field"},
        {TEXT("{\"from\":1.0}"), "wrong_field"},
        {TEXT("{\"from\":[1]}"), "wrong_field"},
        {TEXT("{\"from\":\"\"}"), "wrong_field"},
        {TEXT("{\"from\":\"-1\"}"), "wrong_field"},
        {TEXT("{\"from\":\"1 \"}"), "wrong_field"},
        {TEXT("{\"from\":\"12345678901234567890\"}"), "wrong_field"},
        {TEXT("{\"from\":\"9999999999999999999\"}"), "wrong_field"},
        {TEXT("{\"from\":1,\"too\":2}"), "wrong_field"},
        {TEXT("{\"from\":1,\"to\":{}}"), "wrong_field"},
        {TEXT("{\"from\":1,\"correlation\":7}"), "wrong_field"},
        {TEXT("{\"from\":0}"), "range"},
        {TEXT("{\"from\":-9223372036854775808}"), "range"},
        {TEXT("{\"from\":\"0000000000000000000\"}"), "range"},
        {TEXT("{\"from\":10,\"to\":9}"), "range"},
        {TEXT("{\"from\":1,\"to\":10001}"), "too_many"},
        {TEXT("{\"from\":1,\"to\":1000000}"), "too_many"},
        {TEXT("{\"from\":1,\"to\":9223372036854775806}"), "too_many"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct replay_request request;
        const struct replay_refusal *refusal =
            replay_request_read(cases[i].payload, cases[i].length, &request);
        if (refusal == NULL || strcmp(refusal->reason, cases[i].reason) != 0)
            fail_msg("%s: %s", cases[i].payload, refusal ? refusal->reason : "taken");
        assert_true(refusal->detail[0] != '\0');
    }
}

static void sizes(void **state)
{
    (void)state;
    char payload[REPLAY_REQUEST_MAX + 2];
    struct replay_request request;
    memset(payload, ' ', sizeof payload);
    memcpy(payload, "{\"from\":1}", 10);
    assert_null(replay_request_read(payload, REPLAY_REQUEST_MAX, &request));
    assert_string_equal(replay_request_read(payload, REPLAY_REQUEST_MAX + 1, &request)->reason, "too_large");
    assert_string_equal(replay_request_read(payload, 200000000, &request)->reason, "too_large");

    // 128 characters of four bytes fit; one more does not, and is not carried along.
    struct {
        int characters;
        const char *reason;
    } cases[] = {{REPLAY_CORRELATION_MAX, NULL}, {REPLAY_CORRELATION_MAX + 1, "wrong_field"}};
    for (size_t i = 0; i < 2; i++) {
        int length = snprintf(payload, sizeof payload, "{\"from\":1,\"correlation\":\"");
        for (int c = 0; c < cases[i].characters; c++)
            length += snprintf(payload + length, sizeof payload - (size_t)length, "\xf0\x9f\x98\x80");
        length += snprintf(payload + length, sizeof payload - (size_t)length, "\"}");
        const struct replay_refusal *refusal = replay_request_read(payload, (size_t)length, &request);
        assert_int_equal(refusal == NULL, cases[i].reason == NULL);
        assert_int_equal(strlen(request.correlation), refusal ? 0 : 4 * REPLAY_CORRELATION_MAX);
    }
}

static void a_refusal_carries_the_correlation(void **state)
{
    (void)state;
    static const char payload[] = "{\"from\":\"x\",\"correlation\":\"7\"}";
    struct replay_request request;
    assert_string_equal(replay_request_read(payload, sizeof payload - 1, &request)->reason, "wrong_field");
    assert_true(request.has_correlation);
    assert_string_equal(request.correlation, "7");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requesters),
        cmocka_unit_test(good_requests),
        cmocka_unit_test(bad_requests),
        cmocka_unit_test(sizes),
        cmocka_unit_test(a_refusal_carries_the_correlation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
