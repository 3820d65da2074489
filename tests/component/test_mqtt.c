// SPDX-License-Identifier: MPL-2.0
#include "shell/mqtt.h"

#include "support/loop.h"
#include "support/mosquitto_server.h"
#include "support/tcp_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static struct mosquitto_server server;

// --- a client and what it has told ---

#define MESSAGES_MAX 20000

struct fixture {
    uv_loop_t loop;
    struct mqtt *mqtt;
    int ups, downs, callbacks;
    struct error last; // of the last down
    bool closed;
    // Publishes messages 0 … wanted-1, again what was lost, until all are acknowledged.
    struct mqtt_message messages[MESSAGES_MAX];
    bool waiting[MESSAGES_MAX], acked[MESSAGES_MAX];
    int wanted, acked_count, lost_count, refused_count, unfit_count, open_when_down;
    int crash_at; // the broker is killed when so many are acknowledged; 0: never
    struct error refusal;
    const char *topic;
    // What a subscriber got.
    struct mosquitto_subscriber subscriber;
    int got;
    char topic_got[200], payload_got[MQTT_INCOMING_MAX], content_type_got[100];
    bool retained_got;
    size_t length_got;
    int wills_got;
    bool may; // connect
};

static void pump(struct fixture *f);

static void on_state(void *data, bool up, const struct error *err)
{
    struct fixture *f = data;
    f->callbacks++;
    if (up) {
        assert_null(err);
        f->ups++;
        pump(f);
        return;
    }
    f->downs++;
    f->last = *err;
    for (int i = 0; i < f->wanted; i++)
        f->open_when_down += f->waiting[i];
}

static void on_done(struct mqtt_message *message, enum mqtt_outcome outcome, const struct error *err)
{
    struct fixture *f = message->data;
    ptrdiff_t i = message - f->messages;
    f->callbacks++;
    assert_true(f->waiting[i]); // once only
    f->waiting[i] = false;
    assert_int_equal(err != NULL, outcome == MQTT_REFUSED || outcome == MQTT_UNFIT);
    if (err)
        f->refusal = *err;
    f->lost_count += outcome == MQTT_LOST;
    f->refused_count += outcome == MQTT_REFUSED;
    f->unfit_count += outcome == MQTT_UNFIT;
    if (outcome == MQTT_ACKED && !f->acked[i]) {
        f->acked[i] = true;
        f->acked_count++;
    }
    if (f->crash_at && f->acked_count == f->crash_at) {
        f->crash_at = 0;
        mosquitto_server_crash(&server);
        mosquitto_server_restart(&server);
    }
    pump(f);
}

static void pump(struct fixture *f)
{
    for (int i = f->acked_count < 100 ? 0 : f->acked_count - 100; i < f->wanted; i++) {
        if (f->acked[i] || f->waiting[i])
            continue;
        if (f->refused_count > 0 || mqtt_free_slots(f->mqtt) == 0)
            return;
        struct mqtt_message *message = &f->messages[i];
        char payload[40];
        *message = (struct mqtt_message){.data = f,
                                         .topic = f->topic,
                                         .payload = payload,
                                         .length = (size_t)snprintf(payload, sizeof payload, "{\"i\":%d}", i),
                                         .content_type = "application/json",
                                         .on_done = on_done};
        f->waiting[i] = true;
        int before = f->callbacks;
        assert_int_equal(mqtt_publish(f->mqtt, message, NULL), 0);
        assert_int_equal(f->callbacks, before); // never from inside
    }
}

static void on_message(void *data, const char *topic, bool retained, const char *content_type,
                       const char *payload)
{
    struct fixture *f = data;
    f->got++;
    f->retained_got = retained;
    f->wills_got += strcmp(payload, "will") == 0;
    snprintf(f->topic_got, sizeof f->topic_got, "%s", topic);
    snprintf(f->content_type_got, sizeof f->content_type_got, "%s", content_type);
    snprintf(f->payload_got, sizeof f->payload_got, "%s", payload);
}

static void on_closed(void *data)
{
    ((struct fixture *)data)->closed = true;
}

static struct mqtt_options options_for(int port)
{
    return (struct mqtt_options){.host = "localhost",
                                 .port = port,
                                 .user = MOSQUITTO_SERVER_USER,
                                 .password = MOSQUITTO_SERVER_PASSWORD,
                                 .retry_first_ms = 20,
                                 .retry_max_ms = 100};
}

static struct fixture *start(const struct mqtt_options *options)
{
    struct fixture *f = memory_alloc(sizeof *f);
    uv_loop_init(&f->loop);
    f->topic = "test/topic";
    f->subscriber = (struct mosquitto_subscriber){.on_message = on_message, .data = f};
    f->mqtt = mqtt_new(&f->loop, options, on_state, f);
    mqtt_start(f->mqtt);
    return f;
}

static bool is_closed(void *data)
{
    return ((struct fixture *)data)->closed;
}
static bool is_up(void *data)
{
    return mqtt_is_up(((struct fixture *)data)->mqtt);
}
static bool is_down(void *data)
{
    return ((struct fixture *)data)->downs > 0;
}
static bool has_tried_twice(void *data)
{
    return ((struct fixture *)data)->downs > 1;
}
static bool all_acked(void *data)
{
    struct fixture *f = data;
    return f->acked_count == f->wanted;
}
static bool has_got_one(void *data)
{
    return ((struct fixture *)data)->got > 0;
}
static bool has_got_will(void *data)
{
    return ((struct fixture *)data)->wills_got > 0;
}
static bool never(void *data)
{
    (void)data;
    return false;
}

static void close_mqtt(struct fixture *f, const char *last)
{
    mqtt_close(f->mqtt, last, strlen(last), 10000, on_closed, f);
    assert_false(f->closed);
    loop_until(&f->loop, is_closed, f);
}

// Nothing may be left on the loop.
static void finish(struct fixture *f)
{
    if (!f->closed)
        close_mqtt(f, "");
    for (int i = 0; i < f->wanted; i++)
        assert_false(f->waiting[i]);
    assert_int_equal(f->open_when_down, 0);
    assert_int_equal(uv_run(&f->loop, UV_RUN_NOWAIT), 0);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    free(f);
}

static void publish_all(struct fixture *f, int count)
{
    f->wanted = count;
    pump(f);
    loop_until(&f->loop, all_acked, f);
}

// --- publishing ---

static void publishes_with_version(int version)
{
    struct mqtt_options options = options_for(server.port);
    options.version = version;
    struct fixture *f = start(&options);
    assert_false(mqtt_is_up(f->mqtt));
    assert_int_equal(mqtt_free_slots(f->mqtt), 0);
    loop_until(&f->loop, is_up, f);
    assert_int_equal(mqtt_free_slots(f->mqtt), MQTT_WINDOW);
    mosquitto_subscriber_start(&f->subscriber, &f->loop, &server, "test/#");
    publish_all(f, 1);
    loop_until(&f->loop, has_got_one, f);
    assert_string_equal(f->topic_got, "test/topic");
    assert_string_equal(f->payload_got, "{\"i\":0}");
    assert_string_equal(f->content_type_got, version == 5 ? "application/json" : "");
    assert_false(f->retained_got);
    mosquitto_subscriber_stop(&f->subscriber);
    finish(f);
}

static void publishes_with_mqtt_5(void **state)
{
    (void)state;
    publishes_with_version(5);
}

static void publishes_with_mqtt_3_1_1(void **state)
{
    (void)state;
    publishes_with_version(4);
}

static void keeps_to_the_window(void **state)
{
    (void)state;
    struct mqtt_options options = options_for(server.port);
    struct fixture *f = start(&options);
    struct error err;
    struct mqtt_message message = {.topic = "test/topic", .on_done = on_done};
    assert_int_equal(mqtt_publish(f->mqtt, &message, &err), -1);
    assert_string_equal(err.text, "not connected to the MQTT broker");
    loop_until(&f->loop, is_up, f);
    f->wanted = 3 * MQTT_WINDOW;
    pump(f);
    assert_int_equal(mqtt_free_slots(f->mqtt), 0);
    assert_int_equal(mqtt_publish(f->mqtt, &message, &err), -1);
    assert_string_equal(err.text, "50 messages wait for the MQTT broker");
    loop_until(&f->loop, all_acked, f);
    finish(f);
}

static void sets_and_clears_what_is_retained(void **state)
{
    (void)state;
    struct mqtt_options options = options_for(server.port);
    struct fixture *f = start(&options);
    loop_until(&f->loop, is_up, f);
    f->wanted = 1;
    for (int round = 0; round < 2; round++) {
        f->messages[0] = (struct mqtt_message){.data = f,
                                               .topic = "retained/topic",
                                               .payload = round == 0 ? "stands" : NULL,
                                               .length = round == 0 ? 6 : 0,
                                               .retain = true,
                                               .on_done = on_done};
        f->waiting[0] = true;
        f->acked[0] = false;
        f->acked_count = f->got = 0;
        assert_int_equal(mqtt_publish(f->mqtt, &f->messages[0], NULL), 0);
        loop_until(&f->loop, all_acked, f);
        mosquitto_subscriber_start(&f->subscriber, &f->loop, &server, "retained/#");
        assert_int_equal(f->got, round == 0);
        mosquitto_subscriber_stop(&f->subscriber);
    }
    assert_string_equal(f->payload_got, "stands");
    finish(f);
}

static void loses_nothing_when_the_broker_is_killed(void **state)
{
    (void)state;
    struct mqtt_options options = options_for(server.port);
    struct fixture *f = start(&options);
    loop_until(&f->loop, is_up, f);
    f->crash_at = 7000;
    publish_all(f, MESSAGES_MAX);
    assert_int_equal(f->ups, 2);
    assert_in_range(f->lost_count, 1, MQTT_WINDOW);
    finish(f);
}

// The connection is cut after each number of bytes; whatever was sent or not, all ends well and once.
static void survives_a_cut_at_each_byte(bool tls, size_t step, size_t at_least)
{
    size_t cut = 1;
    for (int cuts = 1; cuts > 0; cut += step) { // until all has passed before the cut
        struct tcp_peer peer = {
            .forward_to = tls ? server.tls_port : server.port, .cut_at = cut, .cut_count = 1};
        struct mqtt_options options = options_for(0);
        struct fixture *f = memory_alloc(sizeof *f);
        uv_loop_init(&f->loop);
        tcp_peer_start(&peer, &f->loop);
        options.port = peer.port;
        options.tls = tls;
        options.ca_file = server.ca;
        f->topic = "test/topic";
        f->wanted = 3;
        f->mqtt = mqtt_new(&f->loop, &options, on_state, f);
        mqtt_start(f->mqtt);
        loop_until(&f->loop, all_acked, f);
        cuts = peer.cuts;
        assert_in_range(peer.connections, 1, 1 + cuts); // nothing is left to do when the cut comes last
        close_mqtt(f, "");
        tcp_peer_stop(&peer);
        finish(f);
    }
    assert_in_range(cut, at_least, SIZE_MAX);
}

static void survives_a_cut_at_each_byte_plain(void **state)
{
    (void)state;
    survives_a_cut_at_each_byte(false, 1, 140);
}

static void survives_a_cut_at_each_byte_with_tls(void **state)
{
    (void)state;
    survives_a_cut_at_each_byte(true, 37, 1000);
}

// --- what is wrong with a message ---

static void says_when_the_broker_refuses_a_message(void **state)
{
    (void)state;
    struct mosquitto_server strict;
    mosquitto_server_start(&strict, &(struct mosquitto_server_options){.acl = "user " MOSQUITTO_SERVER_USER
                                                                              "\ntopic write allowed/#\n",
                                                                       .lines = "max_packet_size 2000"});
    struct mqtt_options options = options_for(strict.port);
    struct fixture *f = start(&options);
    loop_until(&f->loop, is_up, f);
    f->wanted = 1;
    f->waiting[0] = true;
    f->messages[0] = (struct mqtt_message){
        .data = f, .topic = "forbidden/topic", .payload = "x", .length = 1, .on_done = on_done};
    assert_int_equal(mqtt_publish(f->mqtt, &f->messages[0], NULL), 0);
    while (f->refused_count == 0)
        uv_run(&f->loop, UV_RUN_ONCE);
    assert_non_null(strstr(f->refusal.text, "not authorised"));
    assert_true(mqtt_is_up(f->mqtt));

    static char large[3000];
    struct mqtt_message unfit[] = {
        {.topic = "allowed/large", .payload = large, .length = sizeof large, .on_done = on_done},
        {.topic = "allowed/#", .on_done = on_done},
        {.topic = "allowed/\xff", .on_done = on_done},
        {.topic = "", .on_done = on_done},
    };
    struct error err;
    for (size_t i = 0; i < sizeof unfit / sizeof unfit[0]; i++) {
        assert_int_equal(mqtt_publish(f->mqtt, &unfit[i], &err), -1);
        assert_string_equal(err.text, i == 0 ? "the message is larger than the broker takes"
                                             : "the topic is not valid");
        assert_true(mqtt_is_up(f->mqtt));
        assert_int_equal(mqtt_free_slots(f->mqtt), MQTT_WINDOW);
    }
    finish(f);
    mosquitto_server_stop(&strict);
}

// --- connecting ---

static void assert_said(const struct fixture *f, const char *words)
{
    if (strstr(f->last.text, words) == NULL || strstr(f->last.text, "; next try in ") == NULL)
        fail_msg("expected \"%s\" in \"%s\"", words, f->last.text);
}

static void check_down(const struct mqtt_options *options, const char *words)
{
    struct fixture *f = start(options);
    loop_until(&f->loop, has_tried_twice, f);
    assert_said(f, words);
    assert_null(strstr(f->last.text, MOSQUITTO_SERVER_PASSWORD));
    assert_int_equal(f->ups, 0);
    finish(f);
}

static void trusts_the_right_certificate_only(void **state)
{
    (void)state;
    struct mqtt_options options = options_for(server.tls_port);
    options.tls = true;
    options.ca_file = server.ca;
    for (int version = 4; version <= 5; version++) {
        options.version = version;
        struct fixture *f = start(&options);
        loop_until(&f->loop, is_up, f);
        assert_int_equal(f->downs, 0);
        publish_all(f, 500);
        finish(f);
    }
    options.port = server.other_port;
    check_down(&options, "certificate is refused: hostname mismatch");
    options.port = server.tls_port;
    options.host = "127.0.0.1";
    check_down(&options, "certificate is refused: IP address mismatch");
    options.host = "localhost";
    options.ca_file = NULL;
    check_down(&options, "certificate is refused: unable to get local issuer certificate");
    options.ca_file = "/nonexistent/ca.pem";
    check_down(&options, "CA file \"/nonexistent/ca.pem\": No such file or directory");
    options.ca_file = "/etc/passwd";
    check_down(&options, "CA file \"/etc/passwd\": ");
    options.ca_file = server.ca;
    options.cert_file = server.ca; // no key in it
    check_down(&options, "key file \"");
    options.cert_file = NULL;
    options.port = server.port;
    check_down(&options, "TLS: ");
    options.port = server.tls_port;
    options.tls = false;
    check_down(&options, "connection lost");
}

static void says_why_it_is_refused(void **state)
{
    (void)state;
    struct mqtt_options options = options_for(server.port);
    options.password = "wrong";
    for (int version = 4; version <= 5; version++) {
        options.version = version;
        check_down(&options, "refused by the broker: not authorised; check user name and password");
    }
    options = options_for(server.port);
    options.host = "a..b";
    check_down(&options, "a..b");
    options.host = "127.0.0.1";
    options.port = 1; // nobody listens there
    check_down(&options, "cannot connect: Connection refused");
    options.tls = true;
    options.ca_file = server.ca;
    check_down(&options, "cannot connect: Connection refused");
}

static void understands_every_refusal(void **state)
{
    (void)state;
    static const struct {
        int version;
        const char *answer;
        size_t length;
        const char *words;
    } cases[] = {
        {5, "\x20\x02\0\x01", 4, "does not speak MQTT 5; choose version 3.1.1"},
        {5, "\x20\x03\0\x84\0", 5, "does not speak MQTT 5; choose version 3.1.1"},
        {5, "\x20\x03\0\x86\0", 5, "bad user name or password"},
        {5, "\x20\x03\0\x87\0", 5, "not authorised"},
        {5, "\x20\x03\0\x85\0", 5, "client id"},
        {5, "\x20\x03\0\x8a\0", 5, "banned"},
        {5, "\x20\x03\0\xc8\0", 5, "for a reason not known here (code 200)"},
        {5, "\x20\x05\0\0\x02\x25\0", 7, "keeps no retained messages"},
        {5, "\x20\x05\0\0\x02\x24\0", 7, "does not take QoS 1"},
        {4, "\x20\x02\0\x01", 4, "does not speak MQTT 3.1.1; choose version 5"},
        {4, "\x20\x02\0\x02", 4, "client id"},
        {4, "\x20\x02\0\x03", 4, "not available"},
        {4, "\x20\x02\0\x04", 4, "bad user name or password"},
        {4, "\x20\x02\0\x05", 4, "not authorised"},
        {5,
         "HTTP/1.1 400 Bad Request\r\nServer: somebody else's\r\nContent-Length: 42\r\n\r\n"
         "What came was no request that I understand",
         113, "does not speak MQTT as it should"},
        {4, "\xff\xff\xff\xff\xff\xff", 6, "connection lost"},
        {5, "", 0, "connection lost: closed by the broker"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture *f = memory_alloc(sizeof *f);
        uv_loop_init(&f->loop);
        struct tcp_peer peer = {.answer = cases[i].answer, .answer_length = cases[i].length, .hang_up = true};
        tcp_peer_start(&peer, &f->loop);
        struct mqtt_options options = options_for(peer.port);
        options.host = "127.0.0.1";
        options.version = cases[i].version;
        f->mqtt = mqtt_new(&f->loop, &options, on_state, f);
        mqtt_start(f->mqtt);
        loop_until(&f->loop, is_down, f);
        assert_said(f, cases[i].words);
        assert_int_equal(f->ups, 0);
        close_mqtt(f, "");
        tcp_peer_stop(&peer);
        finish(f);
    }
}

// Turns of the loop while nothing happens; a library that spins makes millions.
static int turns_in(uv_loop_t *loop, uint64_t ms)
{
    int turns = 0;
    uv_timer_t timer;
    bool over = false;
    uv_timer_init(loop, &timer);
    timer.data = &over;
    uv_timer_start(&timer, loop_on_patience_over, ms, 0);
    for (; !over; turns++)
        uv_run(loop, UV_RUN_ONCE);
    over = false;
    uv_close((uv_handle_t *)&timer, loop_on_closed);
    while (!over)
        uv_run(loop, UV_RUN_NOWAIT);
    return turns;
}

// A full queue of the listener: further SYNs are dropped.
static int deaf_listener(int *ret_port, int clients[3])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(fd, 0), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    for (int i = 0; i < 3; i++) {
        clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        connect(clients[i], (struct sockaddr *)&address, length);
    }
    *ret_port = ntohs(address.sin_port);
    return fd;
}

static void gives_up_when_nobody_answers(void **state)
{
    (void)state;
    int port, clients[3], listener = deaf_listener(&port, clients);
    for (int tls = 0; tls <= 1; tls++) {
        struct mqtt_options options = options_for(port);
        options.host = "127.0.0.1";
        options.tls = tls;
        options.ca_file = server.ca;
        options.connect_timeout_ms = 1000;
        struct fixture *f = start(&options);
        assert_in_range(turns_in(&f->loop, 200), 1, 20);
        assert_int_equal(f->downs, 0);
        loop_until(&f->loop, has_tried_twice, f);
        assert_said(f, "cannot connect: no answer in time");
        finish(f);
    }
    for (int i = 0; i < 3; i++)
        close(clients[i]);
    close(listener);
}

static void gives_up_on_a_silent_broker(void **state)
{
    (void)state;
    for (int tls = 0; tls <= 1; tls++) {
        struct fixture *f = memory_alloc(sizeof *f);
        uv_loop_init(&f->loop);
        struct tcp_peer peer = {0};
        tcp_peer_start(&peer, &f->loop);
        struct mqtt_options options = options_for(peer.port);
        options.host = "127.0.0.1";
        options.tls = tls;
        options.ca_file = server.ca;
        options.connect_timeout_ms = 400;
        f->mqtt = mqtt_new(&f->loop, &options, on_state, f);
        mqtt_start(f->mqtt);
        assert_in_range(turns_in(&f->loop, 200), 1, 20);
        loop_until(&f->loop, has_tried_twice, f);
        assert_said(f, "no answer in time");
        close_mqtt(f, "");
        tcp_peer_stop(&peer);
        finish(f);
    }
}

static void names_the_host_in_sni(void **state)
{
    (void)state;
    static const struct {
        const char *host;
        bool named;
    } cases[] = {{"localhost", true}, {"127.0.0.1", false}};
    for (size_t i = 0; i < 2; i++) {
        struct fixture *f = memory_alloc(sizeof *f);
        uv_loop_init(&f->loop);
        struct tcp_peer peer = {.hang_up = true};
        tcp_peer_start(&peer, &f->loop);
        struct mqtt_options options = options_for(peer.port);
        options.host = cases[i].host;
        options.tls = true;
        options.ca_file = server.ca;
        f->mqtt = mqtt_new(&f->loop, &options, on_state, f);
        mqtt_start(f->mqtt);
        loop_until(&f->loop, is_down, f);
        const struct buffer *hello = &peer.received;
        assert_int_not_equal(hello->length, 0);
        assert_int_equal(memmem(hello->data, hello->length, "localhost", 9) != NULL, cases[i].named);
        assert_null(memmem(hello->data, hello->length, "127.0.0.1", 9));
        assert_said(f, "TLS: ");
        close_mqtt(f, "");
        tcp_peer_stop(&peer);
        finish(f);
    }
}

// --- being up ---

static void notices_a_broker_that_stops_acknowledging(void **state)
{
    (void)state;
    struct mqtt_options options = options_for(server.port);
    options.ack_timeout_ms = 500;
    options.connect_timeout_ms = 500;
    struct fixture *f = start(&options);
    loop_until(&f->loop, is_up, f);
    mosquitto_server_freeze(&server, true);
    f->wanted = 10;
    pump(f);
    loop_until(&f->loop, is_down, f);
    assert_said(f, "does not acknowledge any more");
    assert_int_equal(f->lost_count, 10);
    mosquitto_server_freeze(&server, false);
    loop_until(&f->loop, all_acked, f);
    finish(f);
}

static void notices_a_broker_that_does_not_answer_pings(void **state)
{
    (void)state;
    struct mqtt_options options = options_for(server.port);
    options.keepalive_s = 1; // taken as 5, the least that the library accepts
    struct fixture *f = start(&options);
    loop_until(&f->loop, is_up, f);
    mosquitto_server_freeze(&server, true);
    loop_until(&f->loop, is_down, f);
    assert_said(f, "does not answer pings");
    mosquitto_server_freeze(&server, false);
    loop_until(&f->loop, is_up, f);
    finish(f);
}

static void says_why_the_broker_ended_it(void **state)
{
    (void)state;
    static const char answer[] = "\x20\x03\0\0\0"  // CONNACK
                                 "\xe0\x02\x8e\0"; // DISCONNECT: session taken over
    struct fixture *f = memory_alloc(sizeof *f);
    uv_loop_init(&f->loop);
    struct tcp_peer peer = {.answer = answer, .answer_length = sizeof answer - 1, .hang_up = true};
    tcp_peer_start(&peer, &f->loop);
    struct mqtt_options options = options_for(peer.port);
    f->mqtt = mqtt_new(&f->loop, &options, on_state, f);
    mqtt_start(f->mqtt);
    loop_until(&f->loop, is_down, f);
    assert_int_equal(f->ups, 1);
    assert_said(f, "another client has connected with the same client id");
    close_mqtt(f, "");
    tcp_peer_stop(&peer);
    finish(f);
}

// Told so, it waits long: two would take the place from each other for ever.
static void waits_long_when_its_place_was_taken(void **state)
{
    (void)state;
    static const char answer[] = "\x20\x03\0\0\0\xe0\x02\x8e\0"; // CONNACK, DISCONNECT: session taken over
    struct fixture *f = memory_alloc(sizeof *f);
    uv_loop_init(&f->loop);
    struct tcp_peer peer = {.answer = answer, .answer_length = sizeof answer - 1, .hang_up = true};
    tcp_peer_start(&peer, &f->loop);
    struct mqtt_options options = options_for(peer.port);
    f->mqtt = mqtt_new(&f->loop, &options, on_state, f);
    mqtt_start(f->mqtt);
    loop_until(&f->loop, is_down, f);
    assert_said(f, "next try in 300 s");
    assert_false(loop_until_ms(&f->loop, has_tried_twice, f, 300));
    // It has told the broker how much it takes.
    static const char limit[] = {0x27, 0, MQTT_PACKET_MAX >> 16, 0, 0};
    assert_non_null(memmem(peer.received.data, peer.received.length, limit, sizeof limit));
    close_mqtt(f, "");
    tcp_peer_stop(&peer);
    finish(f);
}

// One that accepts and hangs up at once is no success: the waits grow.
static void does_not_hammer_a_broker_that_hangs_up(void **state)
{
    (void)state;
    static const char answer[] = "\x20\x03\0\0\0"; // CONNACK
    struct fixture *f = memory_alloc(sizeof *f);
    uv_loop_init(&f->loop);
    struct tcp_peer peer = {.answer = answer, .answer_length = sizeof answer - 1, .hang_up = true};
    tcp_peer_start(&peer, &f->loop);
    struct mqtt_options options = options_for(peer.port);
    options.retry_first_ms = 50;
    options.retry_max_ms = 10000;
    f->mqtt = mqtt_new(&f->loop, &options, on_state, f);
    mqtt_start(f->mqtt);
    loop_until(&f->loop, has_tried_twice, f);
    loop_until_ms(&f->loop, never, f, 1000);
    assert_in_range(peer.connections, 2, 7); // after 50, 100, 200, 400, 800 ms, or a fifth less each time
    close_mqtt(f, "");
    tcp_peer_stop(&peer);
    finish(f);
}

static bool suspects_a_twin(void *data)
{
    return strstr(((struct fixture *)data)->last.text, "does another client use the client id") != NULL;
}

static void suspects_a_client_with_the_same_id(void **state)
{
    (void)state;
    struct mqtt_options options = options_for(server.port);
    options.client_id = "the-twin";
    struct fixture *first = start(&options), *second = start(&options);
    while (!suspects_a_twin(first) && !suspects_a_twin(second)) {
        uv_run(&first->loop, UV_RUN_NOWAIT);
        uv_run(&second->loop, UV_RUN_NOWAIT);
    }
    finish(first);
    finish(second);
}

static bool may(void *data)
{
    return ((struct fixture *)data)->may;
}

static void connects_only_when_it_may(void **state)
{
    (void)state;
    struct mqtt_options options = options_for(server.port);
    options.retry_first_ms = options.retry_max_ms = 60000;
    struct fixture *f = start(&options);
    mqtt_ask_before(f->mqtt, may);
    assert_false(loop_until_ms(&f->loop, is_up, f, 200));
    assert_int_equal(f->downs, 0);
    mqtt_ask_again(f->mqtt);
    assert_false(loop_until_ms(&f->loop, is_up, f, 100));
    f->may = true;
    mqtt_ask_again(f->mqtt);
    loop_until(&f->loop, is_up, f);
    finish(f);
}

// --- subscriptions ---

static void on_incoming(struct mqtt_subscription *subscription, const struct mqtt_incoming *message)
{
    struct fixture *f = subscription->data;
    f->got++;
    f->retained_got = message->retained;
    f->length_got = message->length;
    snprintf(f->topic_got, sizeof f->topic_got, "%s", message->topic);
    snprintf(f->payload_got, sizeof f->payload_got, "%s",
             message->payload ? (const char *)message->payload : "");
}

static void hears_what_it_subscribes_to(void **state)
{
    (void)state;
    for (int version = 4; version <= 5; version++) {
        struct mqtt_options options = options_for(server.port);
        options.version = version;
        struct fixture *f = start(&options);
        loop_until(&f->loop, is_up, f);
        mosquitto_server_publish(&server, "heard/before", "retained", true);
        struct mqtt_subscription all = {
            .data = f, .filter = "heard/+", .qos = 1, .with_retained = true, .on_message = on_incoming};
        mqtt_subscribe(f->mqtt, &all);
        loop_until(&f->loop, has_got_one, f);
        assert_true(f->retained_got);
        assert_string_equal(f->topic_got, "heard/before");
        assert_string_equal(f->payload_got, "retained");

        f->got = 0;
        mosquitto_server_publish(&server, "heard/live", "\xc3\xa5", false);
        loop_until(&f->loop, has_got_one, f);
        assert_false(f->retained_got);
        assert_string_equal(f->payload_got, "\xc3\xa5");

        static char large[300 * 1000]; // is cut
        memset(large, 'x', sizeof large);
        f->got = 0;
        mosquitto_server_publish_bytes(&server, "heard/large", large, sizeof large);
        loop_until(&f->loop, has_got_one, f);
        assert_int_equal(f->length_got, sizeof large);
        assert_true(strlen(f->payload_got) < MQTT_INCOMING_MAX);

        f->got = 0; // its own messages come back with 3.1.1 only, and it does not mind
        f->topic = "heard/own";
        publish_all(f, 1);
        if (version == 4)
            loop_until(&f->loop, has_got_one, f);
        assert_int_equal(f->got, version == 4);
        mqtt_unsubscribe(f->mqtt, &all);
        mqtt_unsubscribe(f->mqtt, &all);
        f->got = 0;
        mosquitto_server_publish(&server, "heard/live", "not any more", false);
        publish_all(f, 2);
        assert_int_equal(f->got, 0);
        mosquitto_server_publish(&server, "heard/before", NULL, true);
        finish(f);
    }
}

static void another_client_takes_its_place(void **state)
{
    (void)state;
    struct mqtt_options options = options_for(server.port);
    options.client_id = "the-same";
    options.retry_first_ms = options.retry_max_ms = 60000;
    struct fixture *first = start(&options);
    loop_until(&first->loop, is_up, first);
    struct fixture *second = start(&options);
    loop_until(&second->loop, is_up, second);
    loop_until(&first->loop, is_down, first);
    finish(second);
    finish(first); // while it waits for its next try
}

static void comes_back_after_a_restart_of_the_broker(void **state)
{
    (void)state;
    struct mqtt_options options = options_for(server.tls_port);
    options.tls = true;
    options.ca_file = server.ca;
    struct fixture *f = start(&options);
    loop_until(&f->loop, is_up, f);
    publish_all(f, 100);
    mosquitto_server_end(&server);
    loop_until(&f->loop, has_tried_twice, f);
    mosquitto_server_restart(&server);
    loop_until(&f->loop, is_up, f);
    publish_all(f, 200);
    finish(f);
}

// --- the end ---

static void with_will(struct mqtt_options *options)
{
    options->will_topic = "test/status";
    options->will_payload = "will";
    options->content_type = "application/json";
}

static void close_leaves_the_last_message_and_no_will(void **state)
{
    (void)state;
    struct mqtt_options options = options_for(server.port);
    with_will(&options);
    struct fixture *f = start(&options);
    loop_until(&f->loop, is_up, f);
    mosquitto_subscriber_start(&f->subscriber, &f->loop, &server, "test/status");
    f->wanted = MQTT_WINDOW; // the window is full when it is told to close
    pump(f);
    f->topic = NULL; // nothing is published any more
    close_mqtt(f, "gone");
    assert_int_equal(f->acked_count, MQTT_WINDOW);
    loop_until(&f->loop, has_got_one, f);
    assert_string_equal(f->payload_got, "gone");
    assert_string_equal(f->content_type_got, "application/json");
    assert_true(f->retained_got);
    loop_until_ms(&f->loop, has_got_will, f, 200);
    assert_int_equal(f->wills_got, 0);
    mosquitto_subscriber_stop(&f->subscriber);
    mosquitto_server_publish(&server, "test/status", NULL, true);
    finish(f);
}

// As a process that is killed: no DISCONNECT, nothing said.
static pid_t connect_and_die(const struct mqtt_options *options)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    struct fixture *f = start(options);
    loop_until(&f->loop, is_up, f);
    kill(getpid(), SIGKILL);
    _exit(1);
}

static void a_killed_client_leaves_its_will(void **state)
{
    (void)state;
    for (int version = 4; version <= 5; version++) {
        struct fixture *f = memory_alloc(sizeof *f);
        uv_loop_init(&f->loop);
        f->closed = true;
        f->subscriber = (struct mosquitto_subscriber){.on_message = on_message, .data = f};
        mosquitto_subscriber_start(&f->subscriber, &f->loop, &server, "test/status");
        struct mqtt_options options = options_for(server.port);
        with_will(&options);
        options.version = version;
        pid_t pid = connect_and_die(&options);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        loop_until(&f->loop, has_got_will, f);
        assert_true(f->retained_got);
        assert_string_equal(f->content_type_got, version == 5 ? "application/json" : "");
        mosquitto_subscriber_stop(&f->subscriber);
        mosquitto_server_publish(&server, "test/status", NULL, true);
        finish(f);
    }
}

static void close_ends_at_the_end_of_the_grace(void **state)
{
    (void)state;
    struct mqtt_options options = options_for(server.port);
    with_will(&options);
    struct fixture *f = start(&options);
    loop_until(&f->loop, is_up, f);
    mosquitto_server_freeze(&server, true);
    f->wanted = 5;
    pump(f);
    mqtt_close(f->mqtt, "gone", 4, 200, on_closed, f);
    loop_until(&f->loop, is_closed, f);
    assert_int_equal(f->lost_count, 5);
    mosquitto_server_freeze(&server, false);
    finish(f);
}

static void close_before_anything_is_up(void **state)
{
    (void)state;
    struct mqtt_options options = options_for(server.port);
    for (int turns = 0; turns < 6; turns++) { // looking up, connecting, CONNECT sent …
        struct fixture *f = start(&options);
        for (int i = 0; i < turns && !is_up(f); i++)
            uv_run(&f->loop, UV_RUN_ONCE);
        finish(f);
    }
    struct fixture *f = memory_alloc(sizeof *f); // not even started
    uv_loop_init(&f->loop);
    f->mqtt = mqtt_new(&f->loop, &options, on_state, f);
    finish(f);
    loop_until_ms(uv_default_loop(), never, NULL, 0);
    uv_loop_close(uv_default_loop());
}

static int start_server(void **state)
{
    (void)state;
    mosquitto_server_start(&server, &(struct mosquitto_server_options){.passwords = true});
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    mosquitto_server_stop(&server);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(publishes_with_mqtt_5),
        cmocka_unit_test(publishes_with_mqtt_3_1_1),
        cmocka_unit_test(keeps_to_the_window),
        cmocka_unit_test(sets_and_clears_what_is_retained),
        cmocka_unit_test(loses_nothing_when_the_broker_is_killed),
        cmocka_unit_test(survives_a_cut_at_each_byte_plain),
        cmocka_unit_test(survives_a_cut_at_each_byte_with_tls),
        cmocka_unit_test(says_when_the_broker_refuses_a_message),
        cmocka_unit_test(trusts_the_right_certificate_only),
        cmocka_unit_test(says_why_it_is_refused),
        cmocka_unit_test(understands_every_refusal),
        cmocka_unit_test(gives_up_when_nobody_answers),
        cmocka_unit_test(gives_up_on_a_silent_broker),
        cmocka_unit_test(names_the_host_in_sni),
        cmocka_unit_test(notices_a_broker_that_stops_acknowledging),
        cmocka_unit_test(notices_a_broker_that_does_not_answer_pings),
        cmocka_unit_test(says_why_the_broker_ended_it),
        cmocka_unit_test(waits_long_when_its_place_was_taken),
        cmocka_unit_test(does_not_hammer_a_broker_that_hangs_up),
        cmocka_unit_test(suspects_a_client_with_the_same_id),
        cmocka_unit_test(connects_only_when_it_may),
        cmocka_unit_test(hears_what_it_subscribes_to),
        cmocka_unit_test(another_client_takes_its_place),
        cmocka_unit_test(comes_back_after_a_restart_of_the_broker),
        cmocka_unit_test(close_leaves_the_last_message_and_no_will),
        cmocka_unit_test(a_killed_client_leaves_its_will),
        cmocka_unit_test(close_ends_at_the_end_of_the_grace),
        cmocka_unit_test(close_before_anything_is_up),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
