// SPDX-License-Identifier: MPL-2.0
//
// What libmosquitto 2.0.11 needs of us:
// - Its look-ups block: it is given numeric addresses, and our own TLS context that knows the name.
// - Its callbacks run under its locks: they only note; on_turn comes after the library has returned.
// - It closes its socket whenever it likes: compared after each call, before anything else can open one.
// - During the TLS handshake mosquitto_want_write stays true and mosquitto_loop_write does nothing: we ask
//   OpenSSL what it waits for, and call mosquitto_loop_read on writability too (eclipse/mosquitto 1507,
//   3745).
// - A connection that breaks during the handshake is not noticed at all: we look ourselves
// (handshake_is_dead).
// - A read can stop early when a write would block, with data left in the TLS layer: the read after the next
//   writability takes it.
// - What was handed to it is sent again after its own reconnect, behind our back: an instance lives for one
//   connection only, and its copies go with it.
// - A connection without blocking takes no properties; but those that its blocking sister was given before
//   she noticed that the host is missing are kept, and sent (set_packet_limit).
// - Its lib_cleanup unloads OpenSSL's modules under libcurl and libpq: never called.
#include "shell/mqtt_link.h"

#include "core/memory.h"
#include "shell/mqtt_reason.h"
#include "shell/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct list {
    struct mqtt_message *first, *last;
};

// A message that has come: the library's own goes when its callback returns.
struct arrival {
    struct arrival *next;
    struct mqtt_subscription *subscription;
    struct mqtt_incoming message; // its strings are behind this struct
};

struct mqtt_link {
    uv_loop_t *loop;
    const struct mqtt_options *options;
    mqtt_link_on_turn on_turn;
    void *data;

    struct mosquitto *library;
    struct tls_client *tls; // NULL: none
    uv_poll_t poll;
    int fd;
    int watched;   // events polled for; 0: none yet
    bool tcp_up;   // the TCP connection stands
    bool accepted; // CONNACK 0 came
    bool ended;    // noted, also inside a call of the library
    bool taken_over;
    struct error why; // first cause noted; "" not known

    struct list outstanding; // handed to the library, in order
    size_t outstanding_count;
    struct list answered; // their PUBACK has come

    struct mqtt_subscription *subscriptions;
    // A turn of the library reads no more packets than it has messages under way, so these are few.
    struct arrival *first_arrival, **next_arrival;
};

static void note(struct mqtt_link *link, const char *format, ...) __attribute__((format(printf, 2, 3)));

// The first cause counts; what follows is a consequence.
static void note(struct mqtt_link *link, const char *format, ...)
{
    if (link->why.text[0] != '\0')
        return;
    va_list ap;
    va_start(ap, format);
    vsnprintf(link->why.text, sizeof link->why.text, format, ap);
    va_end(ap);
}

static void list_append(struct list *list, struct mqtt_message *message)
{
    message->next = NULL;
    if (list->last)
        list->last->next = message;
    else
        list->first = message;
    list->last = message;
}

// PUBACKs come in order from every broker we know, so the search ends at the first.
static struct mqtt_message *list_take(struct list *list, int mid)
{
    struct mqtt_message *before = NULL;
    for (struct mqtt_message *message = list->first; message; before = message, message = message->next) {
        if (message->mid != mid)
            continue;
        if (before)
            before->next = message->next;
        else
            list->first = message->next;
        if (list->last == message)
            list->last = before;
        return message;
    }
    return NULL;
}

// --- callbacks of the library: under its locks, so they only note ---

static void on_connack(struct mosquitto *library, void *data, int reason, int flags,
                       const mosquitto_property *properties)
{
    (void)library, (void)flags;
    struct mqtt_link *link = data;
    if (reason != 0) {
        note(link, "refused by the broker: %s (code %d)", mqtt_reason(link->options->version, reason),
             reason);
        link->ended = true;
        return;
    }
    uint8_t retain = 1, qos = 2;
    mosquitto_property_read_byte(properties, MQTT_PROP_RETAIN_AVAILABLE, &retain, false);
    mosquitto_property_read_byte(properties, MQTT_PROP_MAXIMUM_QOS, &qos, false);
    if (retain == 0 || qos == 0) {
        note(link, "%s",
             mqtt_reason(5, retain == 0 ? MQTT_RC_RETAIN_NOT_SUPPORTED : MQTT_RC_QOS_NOT_SUPPORTED));
        link->ended = true;
        return;
    }
    link->accepted = true;
}

static void on_puback(struct mosquitto *library, void *data, int mid, int reason,
                      const mosquitto_property *properties)
{
    (void)library, (void)properties;
    struct mqtt_link *link = data;
    struct mqtt_message *message = list_take(&link->outstanding, mid);
    if (message == NULL)
        return;
    link->outstanding_count--;
    message->reason = reason;
    list_append(&link->answered, message);
}

// The number is a MQTT 5 reason code of the broker or one of the library's own errors: those are below 128.
static void on_disconnect(struct mosquitto *library, void *data, int reason,
                          const mosquitto_property *properties)
{
    (void)library, (void)properties;
    int saved = errno;
    struct mqtt_link *link = data;
    link->ended = true;
    link->taken_over = reason == MQTT_RC_SESSION_TAKEN_OVER;
    if (reason >= 128)
        note(link, "ended by the broker: %s (code %d)", mqtt_reason(link->options->version, reason), reason);
    else if (link->tls && tls_client_failure(link->tls)[0] != '\0')
        note(link, "%s", tls_client_failure(link->tls));
    else if (reason == MOSQ_ERR_KEEPALIVE)
        note(link, "connection lost: the broker does not answer pings");
    else if (reason == MOSQ_ERR_ERRNO && saved != 0 && saved != EAGAIN)
        note(link, "connection lost: %s", strerror(saved));
    else if (reason == MOSQ_ERR_MALFORMED_UTF8)
        note(link, "connection lost: the broker passed on a topic or a property with characters that are not "
                   "allowed there");
    else if (reason == MOSQ_ERR_PROTOCOL || reason == MOSQ_ERR_MALFORMED_PACKET)
        note(link, "connection lost: what answers there does not speak MQTT as it should");
    else
        note(link, "connection lost: closed by the broker");
}

static void on_suback(struct mosquitto *library, void *data, int mid, int count, const int *granted,
                      const mosquitto_property *properties)
{
    (void)library, (void)properties;
    struct mqtt_link *link = data;
    for (struct mqtt_subscription *one = link->subscriptions; one; one = one->next)
        if (one->mid == mid && count > 0) {
            one->reason = granted[0];
            one->answered = true;
        }
}

static struct mqtt_subscription *find_subscription(const struct mqtt_link *link, const char *topic)
{
    for (struct mqtt_subscription *one = link->subscriptions; one; one = one->next) {
        bool matches = false;
        if (mosquitto_topic_matches_sub(one->filter, topic, &matches) == 0 && matches)
            return one;
    }
    return NULL;
}

static char *put(char **place, const void *bytes, size_t length)
{
    char *at = *place;
    if (length > 0)
        memcpy(at, bytes, length);
    at[length] = '\0';
    *place += length + 1;
    return at;
}

static struct arrival *copy_arrival(const struct mosquitto_message *message, const char *response_topic,
                                    const void *correlation, size_t correlation_length)
{
    size_t length = (size_t)message->payloadlen;
    size_t kept = length < MQTT_INCOMING_MAX ? length : MQTT_INCOMING_MAX;
    size_t topic_length = strlen(message->topic),
           response_length = response_topic ? strlen(response_topic) : 0;
    struct arrival *arrival =
        memory_alloc(sizeof *arrival + topic_length + kept + response_length + correlation_length + 4);
    char *place = (char *)(arrival + 1);
    arrival->message = (struct mqtt_incoming){
        .topic = put(&place, message->topic, topic_length),
        .payload = length > 0 ? put(&place, message->payload, kept) : NULL,
        .length = length,
        .retained = message->retain,
        .response_topic = response_topic ? put(&place, response_topic, response_length) : NULL,
        .correlation = correlation ? put(&place, correlation, correlation_length) : NULL,
        .correlation_length = correlation_length,
    };
    return arrival;
}

static void on_message(struct mosquitto *library, void *data, const struct mosquitto_message *message,
                       const mosquitto_property *properties)
{
    (void)library;
    struct mqtt_link *link = data;
    struct mqtt_subscription *subscription = find_subscription(link, message->topic);
    if (subscription == NULL) // it has just been ended
        return;
    char *response_topic = NULL;
    void *correlation = NULL;
    uint16_t correlation_length = 0;
    mosquitto_property_read_string(properties, MQTT_PROP_RESPONSE_TOPIC, &response_topic, false);
    mosquitto_property_read_binary(properties, MQTT_PROP_CORRELATION_DATA, &correlation, &correlation_length,
                                   false);
    struct arrival *arrival = copy_arrival(message, response_topic, correlation, correlation_length);
    free(response_topic);
    free(correlation);
    arrival->subscription = subscription;
    *link->next_arrival = arrival;
    link->next_arrival = &arrival->next;
}

// The library tells its TLS errors nowhere else: "OpenSSL Error[0]: error:0A00010B:SSL routines::wrong
// version number".
static void on_log(struct mosquitto *library, void *data, int level, const char *text)
{
    (void)library;
    struct mqtt_link *link = data;
    if (level != MOSQ_LOG_ERR || strncmp(text, "OpenSSL Error", 13) != 0)
        return;
    const char *reason = strrchr(text, ':');
    if (link->tls && tls_client_failure(link->tls)[0] != '\0')
        note(link, "%s", tls_client_failure(link->tls));
    else if (strstr(text, "wrong version number"))
        note(link, "TLS: what answers there does not speak TLS; check the port");
    else
        note(link, "TLS: %s", reason ? reason + 1 : text);
}

// --- the socket ---

static bool in_handshake(const struct mqtt_link *link)
{
    return link->tls && !tls_handshake_done(mosquitto_ssl_get(link->library));
}

static void on_poll(uv_poll_t *handle, int status, int events);

static void watch(struct mqtt_link *link)
{
    bool write;
    if (!link->tcp_up)
        write = true;
    else if (in_handshake(link))
        write = tls_wants_write(mosquitto_ssl_get(link->library));
    else
        write = mosquitto_want_write(link->library);
    int events = UV_READABLE | (write ? UV_WRITABLE : 0);
    if (events == link->watched)
        return;
    link->watched = events;
    uv_poll_start(&link->poll, events, on_poll);
}

// To be asked after each call into the library: a descriptor it has closed must not be polled any more.
static bool look(struct mqtt_link *link)
{
    if (mosquitto_socket(link->library) != link->fd)
        link->ended = true;
    if (link->ended)
        uv_poll_stop(&link->poll);
    else
        watch(link);
    return !link->ended;
}

// The library takes the end of the connection during the handshake for "not yet", and would spin on it.
static bool handshake_is_dead(const struct mqtt_link *link)
{
    char byte;
    ssize_t got = recv(link->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
}

// The library's first attempt at a TLS handshake swallows an error that comes at once; then there just is no
// peer. If that attempt had come as far as reading, there was one.
static int connect_error(const struct mqtt_link *link)
{
    int error = 0;
    socklen_t length = sizeof error;
    struct sockaddr_storage peer;
    socklen_t peer_length = sizeof peer;
    getsockopt(link->fd, SOL_SOCKET, SO_ERROR, &error, &length);
    if (error == 0 && getpeername(link->fd, (struct sockaddr *)&peer, &peer_length) != 0)
        return link->tls && !tls_wants_write(mosquitto_ssl_get(link->library)) ? ECONNRESET : ECONNREFUSED;
    return error;
}

static void end_handshake(struct mqtt_link *link)
{
    const char *failure = tls_client_failure(link->tls);
    note(link, "%s",
         failure[0] ? failure : "TLS: closed by the other side during the handshake; check the port");
    link->ended = true;
}

static bool tcp_came_up(struct mqtt_link *link)
{
    int error = connect_error(link);
    link->tcp_up = error == 0 || error == ECONNRESET || error == EPIPE;
    if (error != 0 && link->tcp_up && link->tls) {
        end_handshake(link);
    } else if (error != 0) {
        note(link, "%s: %s", link->tcp_up ? "connection lost" : "cannot connect", strerror(error));
        link->ended = true;
    }
    return !link->ended;
}

static void turn(struct mqtt_link *link, int events)
{
    if (!link->tcp_up && !tcp_came_up(link))
        return;
    if (events & UV_WRITABLE)
        mosquitto_loop_write(link->library, 1);
    if (!look(link))
        return;
    mosquitto_loop_read(link->library, 1);
    if (link->accepted)
        mosquitto_log_callback_set(link->library, NULL); // it would put a line together for each packet
    if (look(link) && in_handshake(link) && handshake_is_dead(link))
        end_handshake(link);
}

// A socket error comes as a negative status with the handle stopped, though the descriptor is fine (libuv
// issue 3796): taken for readable, so that the library finds out what it is.
static void on_poll(uv_poll_t *handle, int status, int events)
{
    struct mqtt_link *link = handle->data;
    if (status < 0)
        link->watched = 0;
    turn(link, status < 0 ? UV_READABLE : events);
    if (status < 0 && !link->ended) {
        note(link, "connection lost: %s", uv_strerror(status));
        link->ended = true;
    }
    look(link);
    link->on_turn(link->data);
}

// --- opening ---

static mosquitto_property *make_properties(const struct mqtt_link *link, const char *content_type)
{
    mosquitto_property *properties = NULL;
    if (link->options->version == 5 && content_type) {
        mosquitto_property_add_byte(&properties, MQTT_PROP_PAYLOAD_FORMAT_INDICATOR, 1);
        mosquitto_property_add_string(&properties, MQTT_PROP_CONTENT_TYPE, content_type);
    }
    return properties;
}

static int set_packet_limit(struct mqtt_link *link, struct error *err)
{
    if (link->options->version != 5)
        return 0;
    mosquitto_property *properties = NULL;
    mosquitto_property_add_int32(&properties, MQTT_PROP_MAXIMUM_PACKET_SIZE, MQTT_PACKET_MAX);
    int rc = mosquitto_connect_bind_v5(link->library, NULL, 0, 0, NULL, properties);
    mosquitto_property_free_all(&properties);
    return rc == MOSQ_ERR_INVAL ? 0 : error_set(err, "packet size: %s", mosquitto_strerror(rc));
}

static int set_will(struct mqtt_link *link, struct error *err)
{
    const struct mqtt_options *options = link->options;
    if (options->will_topic == NULL)
        return 0;
    mosquitto_property *properties = make_properties(link, options->content_type);
    int rc = mosquitto_will_set_v5(link->library, options->will_topic, (int)strlen(options->will_payload),
                                   options->will_payload, 1, true, properties); // takes the properties over
    if (rc == 0)
        return 0;
    mosquitto_property_free_all(&properties);
    return error_set(err, "will topic: %s", mosquitto_strerror(rc));
}

static int set_tls(struct mqtt_link *link, struct error *err)
{
    const struct mqtt_options *options = link->options;
    if (!options->tls)
        return 0;
    struct tls_options tls = {options->host, options->ca_file, options->cert_file, options->key_file};
    if (tls_client_new(&tls, &link->tls, err) < 0)
        return -1;
    mosquitto_int_option(link->library, MOSQ_OPT_SSL_CTX_WITH_DEFAULTS, 0);
    mosquitto_void_option(link->library, MOSQ_OPT_SSL_CTX, tls_client_context(link->tls));
    return 0;
}

static int configure(struct mqtt_link *link, struct error *err)
{
    const struct mqtt_options *options = link->options;
    struct mosquitto *library = link->library;
    // No TCP_NODELAY: what is published together travels together, and a single message waits for nothing.
    mosquitto_int_option(library, MOSQ_OPT_PROTOCOL_VERSION,
                         options->version == 4 ? MQTT_PROTOCOL_V311 : MQTT_PROTOCOL_V5);
    mosquitto_connect_v5_callback_set(library, on_connack);
    mosquitto_disconnect_v5_callback_set(library, on_disconnect);
    mosquitto_publish_v5_callback_set(library, on_puback);
    mosquitto_subscribe_v5_callback_set(library, on_suback);
    mosquitto_message_v5_callback_set(library, on_message);
    mosquitto_log_callback_set(library, on_log);
    int rc = mosquitto_username_pw_set(library, options->user, options->password);
    if (rc != 0)
        return error_set(err, "user name or password: %s", mosquitto_strerror(rc));
    if (set_packet_limit(link, err) < 0 || set_will(link, err) < 0)
        return -1;
    return set_tls(link, err);
}

static int begin_connect(struct mqtt_link *link, const char *address, struct error *err)
{
    int rc = mosquitto_connect_async(link->library, address, link->options->port, link->options->keepalive_s);
    int saved = errno;
    if (link->why.text[0] != '\0')
        return error_set(err, "%s", link->why.text);
    if (rc != 0)
        return error_set(err, "cannot connect: %s",
                         rc == MOSQ_ERR_ERRNO ? strerror(saved) : mosquitto_strerror(rc));
    link->fd = mosquitto_socket(link->library);
    // A child that kept it open would keep it in the loop's epoll after the library has closed it here.
    fcntl(link->fd, F_SETFD, FD_CLOEXEC);
    rc = uv_poll_init(link->loop, &link->poll, link->fd);
    if (rc != 0)
        return error_set(err, "cannot watch the socket: %s", uv_strerror(rc));
    return 0;
}

static void free_link(struct mqtt_link *link)
{
    mosquitto_destroy(link->library);
    tls_client_free(link->tls);
    free(link);
}

int mqtt_link_open(uv_loop_t *loop, const struct mqtt_options *options, const char *address,
                   mqtt_link_on_turn on_turn, void *data, struct mqtt_link **ret_link, struct error *err)
{
    mosquitto_lib_init();
    struct mqtt_link *link = memory_alloc(sizeof *link);
    link->loop = loop;
    link->options = options;
    link->on_turn = on_turn;
    link->data = data;
    link->next_arrival = &link->first_arrival;
    link->library = mosquitto_new(options->client_id, true, link);
    if (link->library == NULL) {
        free_link(link);
        return error_set(err, "client id: %s", strerror(errno));
    }
    if (configure(link, err) < 0 || begin_connect(link, address, err) < 0) {
        free_link(link);
        return -1;
    }
    link->poll.data = link;
    watch(link);
    *ret_link = link;
    return 0;
}

// --- messages ---

// What is wrong with a message, or NULL: a fault of the connection.
static const char *unfit(int rc)
{
    switch (rc) {
    case MOSQ_ERR_INVAL:
    case MOSQ_ERR_MALFORMED_UTF8:
        return "the topic is not valid";
    case MOSQ_ERR_PAYLOAD_SIZE:
    case MOSQ_ERR_OVERSIZE_PACKET:
        return "the message is larger than the broker takes";
    case MOSQ_ERR_QOS_NOT_SUPPORTED:
    case MOSQ_ERR_NOT_SUPPORTED:
        return "the broker does not support it";
    default:
        return NULL;
    }
}

static mosquitto_property *message_properties(const struct mqtt_link *link,
                                              const struct mqtt_message *message)
{
    mosquitto_property *properties = make_properties(link, message->content_type);
    if (link->options->version != 5)
        return properties;
    if (message->expiry_s > 0)
        mosquitto_property_add_int32(&properties, MQTT_PROP_MESSAGE_EXPIRY_INTERVAL, message->expiry_s);
    if (message->correlation)
        mosquitto_property_add_binary(&properties, MQTT_PROP_CORRELATION_DATA, message->correlation,
                                      (uint16_t)message->correlation_length);
    for (size_t i = 0; i < message->property_count; i++)
        mosquitto_property_add_string_pair(&properties, MQTT_PROP_USER_PROPERTY, message->properties[i].name,
                                           message->properties[i].value);
    return properties;
}

int mqtt_link_publish(struct mqtt_link *link, struct mqtt_message *message, struct error *err)
{
    if (message->length > MQTT_MAX_PAYLOAD)
        return error_set(err, "%s", unfit(MOSQ_ERR_PAYLOAD_SIZE));
    mosquitto_property *properties = message_properties(link, message);
    message->reason = 0;
    int rc = mosquitto_publish_v5(link->library, &message->mid, message->topic, (int)message->length,
                                  message->payload, 1, message->retain, properties);
    mosquitto_property_free_all(&properties);
    if (unfit(rc))
        return error_set(err, "%s", unfit(rc));
    // On any other fault the library has queued it nevertheless, in an instance that ends now.
    list_append(&link->outstanding, message);
    link->outstanding_count++;
    if (rc != 0) {
        note(link, "connection lost: %s", mosquitto_strerror(rc));
        link->ended = true;
    }
    look(link);
    return 0;
}

size_t mqtt_link_outstanding(const struct mqtt_link *link)
{
    return link->outstanding_count;
}

struct mqtt_message *mqtt_link_next_answered(struct mqtt_link *link)
{
    struct mqtt_message *message = link->answered.first;
    if (message) {
        link->answered.first = message->next;
        if (link->answered.first == NULL)
            link->answered.last = NULL;
    }
    return message;
}

// --- subscriptions ---

void mqtt_link_subscribe(struct mqtt_link *link, struct mqtt_subscription *subscription)
{
    int options = link->options->version != 5   ? 0
                  : subscription->with_retained ? MQTT_SUB_OPT_NO_LOCAL
                                                : MQTT_SUB_OPT_NO_LOCAL | MQTT_SUB_OPT_SEND_RETAIN_NEVER;
    subscription->answered = false;
    subscription->next = link->subscriptions;
    link->subscriptions = subscription;
    int rc = mosquitto_subscribe_v5(link->library, &subscription->mid, subscription->filter,
                                    subscription->qos, options, NULL);
    if (rc != 0) {
        note(link, "connection lost: %s", mosquitto_strerror(rc));
        link->ended = true;
    }
    look(link);
}

void mqtt_link_unsubscribe(struct mqtt_link *link, struct mqtt_subscription *subscription)
{
    struct mqtt_subscription **at = &link->subscriptions;
    while (*at && *at != subscription)
        at = &(*at)->next;
    if (*at == NULL)
        return;
    *at = subscription->next;
    for (struct arrival *arrival = link->first_arrival; arrival; arrival = arrival->next)
        if (arrival->subscription == subscription)
            arrival->subscription = NULL;
    mosquitto_unsubscribe(link->library, NULL, subscription->filter);
    look(link);
}

struct mqtt_subscription *mqtt_link_next_subscribed(struct mqtt_link *link)
{
    for (struct mqtt_subscription **at = &link->subscriptions; *at; at = &(*at)->next) {
        struct mqtt_subscription *one = *at;
        if (!one->answered)
            continue;
        one->answered = false;
        if (one->reason >= 0x80)
            *at = one->next;
        return one;
    }
    return NULL;
}

static struct arrival *take_arrival(struct mqtt_link *link)
{
    struct arrival *arrival = link->first_arrival;
    if (arrival)
        link->first_arrival = arrival->next;
    if (link->first_arrival == NULL)
        link->next_arrival = &link->first_arrival;
    return arrival;
}

bool mqtt_link_hand_on(struct mqtt_link *link)
{
    struct arrival *arrival = take_arrival(link);
    if (arrival == NULL)
        return false;
    if (arrival->subscription)
        arrival->subscription->on_message(arrival->subscription, &arrival->message);
    free(arrival);
    return true;
}

// --- the rest of its life ---

bool mqtt_link_is_reached(const struct mqtt_link *link)
{
    return link->tcp_up;
}

bool mqtt_link_is_accepted(const struct mqtt_link *link)
{
    return link->accepted;
}

bool mqtt_link_has_ended(const struct mqtt_link *link)
{
    return link->ended;
}

bool mqtt_link_is_taken_over(const struct mqtt_link *link)
{
    return link->taken_over;
}

const char *mqtt_link_why(const struct mqtt_link *link)
{
    if (link->why.text[0] != '\0')
        return link->why.text;
    if (link->tls && tls_client_failure(link->tls)[0] != '\0')
        return tls_client_failure(link->tls);
    return "connection lost";
}

void mqtt_link_end(struct mqtt_link *link, const char *why)
{
    note(link, "%s", why);
    link->ended = true;
    look(link);
}

void mqtt_link_tick(struct mqtt_link *link)
{
    mosquitto_loop_misc(link->library);
    look(link);
}

void mqtt_link_leave(struct mqtt_link *link)
{
    mosquitto_disconnect(link->library);
    look(link);
}

static void on_poll_closed(uv_handle_t *handle)
{
    free_link(handle->data);
}

// The poll handle must let go before the library closes the descriptor, and its memory lives on until libuv
// says so.
struct mqtt_message *mqtt_link_drop(struct mqtt_link *link)
{
    uv_poll_stop(&link->poll);
    mosquitto_destroy(link->library);
    link->library = NULL;
    for (struct arrival *arrival; (arrival = take_arrival(link)) != NULL;)
        free(arrival);
    uv_close((uv_handle_t *)&link->poll, on_poll_closed);
    return link->outstanding.first;
}
