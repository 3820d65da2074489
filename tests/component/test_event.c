// SPDX-License-Identifier: MPL-2.0
#include "shell/event.h"

#include "core/casefile.h"
#include "core/link.h"
#include "support/copenhagen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <mosquitto.h>
#include <string.h>

static struct zone *zone;
static struct event_site site = {.site = "eksempel"};

static struct transition breached(void)
{
    return (struct transition){
        .number = 417,
        .kind = TRANSITION_BREACHED,
        .at = local_time(zone, 2026, 5, 22, 15, 30, 1),
        .recorded_at = local_time(zone, 2026, 5, 22, 15, 30, 4),
        .case_id = "S-1001",
        .subject = "U-17",
        .unit = "familie",
        .rule = "underretning.vurdering",
        .code = "K5",
        .rule_kind = RULE_STATUTORY,
        .occurrence = 1,
        .state = STATE_BREACHED,
        .anchor_at = local_time(zone, 2026, 5, 21, 15, 30, 0),
        .due_at = local_time(zone, 2026, 5, 22, 15, 30, 0),
        .breached_at = local_time(zone, 2026, 5, 22, 15, 30, 1),
        .closed_at = INSTANT_NONE,
        .retained = RETAINED_SET,
    };
}

static void assert_topic(void (*add)(const struct event_site *, const struct transition *, struct buffer *),
                         const struct transition *transition, const char *expected)
{
    struct buffer topic = {0};
    add(&site, transition, &topic);
    assert_string_equal(topic.data, expected);
    buffer_done(&topic);
}

static void an_event_byte_for_byte(void **state)
{
    (void)state;
    struct transition transition = breached();
    struct buffer payload = {0};
    event_payload(&site, &transition, &payload);
    assert_string_equal(
        payload.data,
        "{\"specversion\":\"1.0\",\"id\":\"eksempel-417\",\"source\":\"//eksempel/fristd\","
        "\"type\":\"dk.fristd.deadline.breached.v1\",\"subject\":\"S-1001\","
        "\"time\":\"2026-05-22T15:30:01+02:00\",\"recordedtime\":\"2026-05-22T15:30:04+02:00\","
        "\"sequence\":\"0000000000000000417\",\"dataclassification\":\"restricted\","
        "\"datacontenttype\":\"application/json\",\"data\":{\"code\":\"K5\",\"kind\":\"statutory\","
        "\"case\":\"S-1001\",\"subject\":\"U-17\",\"occurrence\":1,\"unit\":\"familie\",\"state\":"
        "\"breached\","
        "\"anchor\":\"2026-05-21T15:30:00+02:00\",\"due\":\"2026-05-22T15:30:00+02:00\","
        "\"breached\":\"2026-05-22T15:30:01+02:00\",\"closed\":null,\"late\":false,\"link\":null}}");
    buffer_done(&payload);
    assert_topic(event_topic, &transition, "fristd/v1/eksempel/event/deadline.breached");
}

static void an_acknowledgement_says_until_when(void **state)
{
    (void)state;
    struct transition transition = breached();
    struct buffer payload = {0};
    transition.acknowledged_until = local_time(zone, 2026, 6, 1, 8, 0, 0);
    event_payload(&site, &transition, &payload);
    assert_null(strstr(payload.data, "until"));
    transition.kind = TRANSITION_ACKNOWLEDGED;
    buffer_clear(&payload);
    event_payload(&site, &transition, &payload);
    assert_non_null(
        strstr(payload.data, "\"late\":false,\"until\":\"2026-06-01T08:00:00+02:00\",\"link\":null}}"));
    transition.acknowledged_until = INSTANT_NONE;
    buffer_clear(&payload);
    event_payload(&site, &transition, &payload);
    assert_null(strstr(payload.data, "until"));
    buffer_done(&payload);
}

static void a_state_byte_for_byte(void **state)
{
    (void)state;
    struct transition transition = breached();
    struct buffer payload = {0};
    state_payload(&site, &transition, &payload);
    assert_string_equal(
        payload.data,
        "{\"code\":\"K5\",\"kind\":\"statutory\",\"case\":\"S-1001\",\"subject\":\"U-17\",\"occurrence\":1,"
        "\"unit\":\"familie\",\"state\":\"breached\",\"anchor\":\"2026-05-21T15:30:00+02:00\","
        "\"due\":\"2026-05-22T15:30:00+02:00\",\"breached\":\"2026-05-22T15:30:01+02:00\","
        "\"since\":\"2026-05-22T15:30:01+02:00\",\"link\":null,"
        "\"dataclassification\":\"restricted\"}");
    transition.number = 0;
    transition.kind = TRANSITION_OPENED;
    transition.at = transition.recorded_at = 0;
    struct buffer again = {0};
    state_payload(&site, &transition, &again);
    assert_string_equal(again.data, payload.data);
    buffer_done(&again);
    buffer_done(&payload);
    assert_topic(state_topic, &transition, "fristd/v1/eksempel/deadline/K5/S-1001/U-17");
    transition.subject = "";
    assert_topic(state_topic, &transition, "fristd/v1/eksempel/deadline/K5/S-1001/-");
}

static void a_status_byte_for_byte(void **state)
{
    (void)state;
    struct buffer text = {0};
    status_topic(&site, &text);
    assert_string_equal(text.data, "fristd/v1/eksempel/status");
    buffer_clear(&text);
    status_payload(&site, "5f", true, local_time(zone, 2026, 1, 2, 3, 4, 5), &text);
    assert_string_equal(text.data,
                        "{\"status\":\"online\",\"boot\":\"5f\",\"since\":\"2026-01-02T03:04:05+01:00\","
                        "\"version\":\"" FRISTD_VERSION "\",\"dataclassification\":\"restricted\"}");
    buffer_clear(&text);
    status_payload(&site, "5f", false, INSTANT_NONE, &text);
    assert_string_equal(text.data,
                        "{\"status\":\"offline\",\"boot\":\"5f\",\"since\":null,"
                        "\"version\":\"" FRISTD_VERSION "\",\"dataclassification\":\"restricted\"}");
    buffer_done(&text);
}

static void the_rule_id_stays_at_home(void **state)
{
    (void)state;
    for (int with = 0; with <= 1; with++)
        for (int sensitive = 0; sensitive <= 1; sensitive++) {
            struct transition transition = breached();
            transition.sensitive = sensitive;
            site.with_rule_ids = with;
            struct buffer text = {0};
            event_payload(&site, &transition, &text);
            event_topic(&site, &transition, &text);
            state_payload(&site, &transition, &text);
            state_topic(&site, &transition, &text);
            assert_int_equal(strstr(text.data, "underretning") != NULL, with && !sensitive);
            assert_int_equal(strstr(text.data, "\"rule\"") != NULL, with && !sensitive);
            buffer_done(&text);
        }
    site.with_rule_ids = false;
}

static void links_into_the_case_system(void **state)
{
    (void)state;
    static const struct {
        const char *link, *case_id, *expected;
    } cases[] = {
        {"https://sag.example/{case}", "S-1", "https://sag.example/S-1"},
        {"https://sag.example/?id={case}&v=1", "S 1/2", "https://sag.example/?id=S%201%2F2&v=1"},
        {"https://sag.example/{case}", "a?b#c%d&e+f", "https://sag.example/a%3Fb%23c%25d%26e%2Bf"},
        {"https://sag.example/{case}", "\xc3\xa6", "https://sag.example/%C3%A6"},
        {"https://sag.example/{case}", "-._~", "https://sag.example/-._~"},
        {"https://sag.example/", "S-1", "https://sag.example/"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buffer link = {0};
        link_to_case(&link, cases[i].link, cases[i].case_id);
        assert_string_equal(link.data, cases[i].expected);
        buffer_done(&link);
    }
    site.link = "https://sag.example/{case}";
    struct transition transition = breached();
    struct buffer payload = {0};
    event_payload(&site, &transition, &payload);
    assert_non_null(strstr(payload.data, "\"link\":\"https://sag.example/S-1001\""));
    buffer_done(&payload);
    site.link = NULL;
}

static void encodes_topic_levels(void **state)
{
    (void)state;
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"", "-"},
        {"-", "-"},
        {"S-1001", "S-1001"},
        {"a/b", "a%2Fb"},
        {"+", "%2B"},
        {"#", "%23"},
        {"100%", "100%25"},
        {"$SYS", "$SYS"},
        {"a b", "a b"},
        {"\x01\x1f\x7f", "%01%1F%7F"},
        {"a\tb\nc", "a%09b%0Ac"},
        {"s\xc3\xa6r", "s\xc3\xa6r"},
        {"\xc2\x80\xc2\x9f", "%C2%80%C2%9F"},               // C1
        {"\xef\xb7\x90\xef\xbf\xbe", "%EF%B7%90%EF%BF%BE"}, // U+FDD0, U+FFFE
        {"\xf0\x9f\xbf\xbf", "%F0%9F%BF%BF"},               // U+1FFFF
        {"\xf0\x9f\x8c\xb2", "\xf0\x9f\x8c\xb2"},
        {"\xff\xc3", "%FF%C3"},
        {"\xed\xa0\x80", "%ED%A0%80"}, // a surrogate
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buffer level = {0};
        event_topic_level(&level, cases[i].text);
        assert_string_equal(level.data, cases[i].expected);
        assert_int_equal(mosquitto_pub_topic_check(level.data), MOSQ_ERR_SUCCESS);
        assert_int_equal(mosquitto_validate_utf8(level.data, (int)level.length), MOSQ_ERR_SUCCESS);
        buffer_done(&level);
    }
}

// Any bytes whatever: a topic that MQTT takes, and JSON that can be read, with the same text where it was
// one.
static void takes_any_bytes(void **state)
{
    (void)state;
    uint64_t random = 20260522;
    for (int round = 0; round < 20000; round++) {
        char text[40];
        size_t length = 0;
        while (length < sizeof text - 1) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            char c = (char)(random >> 33);
            if (c == '\0')
                break;
            text[length++] = (random >> 60) < 8 ? (char)(0x80 | c) : c;
        }
        text[length] = '\0';
        struct transition transition = breached();
        transition.case_id = transition.subject = transition.code = transition.unit = text;
        struct buffer topic = {0}, payload = {0};
        state_topic(&site, &transition, &topic);
        assert_int_equal(mosquitto_pub_topic_check(topic.data), MOSQ_ERR_SUCCESS);
        assert_int_equal(mosquitto_validate_utf8(topic.data, (int)topic.length), MOSQ_ERR_SUCCESS);
        event_payload(&site, &transition, &payload);
        json_t *json = json_loadb(payload.data, payload.length, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(json);
        const char *back = json_string_value(json_object_get(json, "subject"));
        if (mosquitto_validate_utf8(text, (int)length) == MOSQ_ERR_SUCCESS)
            assert_string_equal(back, text);
        json_decref(json);
        buffer_done(&topic);
        buffer_done(&payload);
    }
}

static void the_longest_identifiers_fit(void **state)
{
    (void)state;
    char id[CASEFILE_ID_MAX + 1];
    memset(id, '/', CASEFILE_ID_MAX);
    id[CASEFILE_ID_MAX] = '\0';
    struct transition transition = breached();
    transition.case_id = transition.subject = transition.code = id;
    struct buffer topic = {0};
    state_topic(&site, &transition, &topic);
    assert_in_range(topic.length, 9 * CASEFILE_ID_MAX, 65535);
    assert_int_equal(mosquitto_pub_topic_check(topic.data), MOSQ_ERR_SUCCESS);
    buffer_done(&topic);
}

static int start(void **state)
{
    (void)state;
    site.zone = zone = copenhagen();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    zone_free(zone);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_byte_for_byte),      cmocka_unit_test(an_acknowledgement_says_until_when),
        cmocka_unit_test(a_state_byte_for_byte),       cmocka_unit_test(a_status_byte_for_byte),
        cmocka_unit_test(the_rule_id_stays_at_home),   cmocka_unit_test(links_into_the_case_system),
        cmocka_unit_test(encodes_topic_levels),        cmocka_unit_test(takes_any_bytes),
        cmocka_unit_test(the_longest_identifiers_fit),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
