// SPDX-License-Identifier: MPL-2.0
#include "shell/smtp.h"

#include "core/memory.h"

#include <assert.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// A session's life:
//
//    smtp_open ──▶ CONNECTING ──▶ OPEN ──▶ CLOSING ──▶ on_closed
//                       │           └─ lost, timed out, out of step, QUIT answered
//                       └─ look-up, TCP, TLS or AUTH failed, timed out
//
// CONNECTING is libcurl's: name look-up in a thread of its own, connect, greeting, EHLO, STARTTLS, AUTH. Its
// own way to send mail waits for replies inside the loop (curl issues 8555, 4015), so from OPEN on we speak
// ourselves, with curl_easy_send and curl_easy_recv over its connection.
//
// Each session has a multi handle of its own. In a shared one libcurl tests idle connections for life now and
// then when another is opened (prune_dead_connections), takes bytes that wait to be read for death, and would
// close a session of ours that is just getting its reply. The handle stays in its multi while the connection
// is used (curl issue 9244).

#define PIECES_A_TURN   16   // of SMTP_PIECE bytes, then others have a turn on the loop
#define QUIT_WAIT_MS    1000 // for the answer to QUIT; only politeness
#define DOT_TIMES       5    // the reply to the end of a message may take so many times as long
#define CONNECT_DEFAULT 15000
#define REPLY_DEFAULT   60000

#define LOST         "the connection was lost"
#define NO_MECHANISM "the server offers neither AUTH PLAIN nor AUTH LOGIN"

enum session_state { SESSION_CONNECTING, SESSION_OPEN, SESSION_CLOSING };

struct smtp_session {
    uv_loop_t *loop;
    struct smtp_session_events events;
    void *data;
    enum session_state state;
    char *host, *user; // for messages
    int port, connect_timeout_ms, reply_timeout_ms;

    CURLM *multi;
    CURL *easy;
    char error_text[CURL_ERROR_SIZE];
    struct smtp_reply_reader reader; // of the replies while connecting
    struct smtp_features features;
    bool reply_begun, authenticated;
    struct watch *watches;

    struct smtp_dialogue dialogue;
    uv_poll_t poll; // of the open session
    bool has_poll;
    int poll_events;
    bool handling; // inside on_ready, which sees to what is to be sent
    bool progress; // since the deadline was set

    uv_timer_t timer; // libcurl's while connecting, then our deadline
    int handles;      // that libuv still holds
    bool failed;
    struct mail_outcome why;
};

// A socket of libcurl's while it connects; there may be several (IPv6 and IPv4 race, the resolver has one).
struct watch {
    uv_poll_t poll;
    curl_socket_t socket;
    struct smtp_session *session;
    struct watch *next;
};

// ---- closing ----

static void end_handle(struct smtp_session *session)
{
    if (--session->handles > 0)
        return;
    struct smtp_session_events events = session->events;
    void *data = session->data;
    bool failed = session->failed;
    struct mail_outcome why = session->why;
    free(session->host);
    free(session->user);
    free(session);
    events.on_closed(data, failed ? &why : NULL);
}

static void on_handle_closed(uv_handle_t *handle)
{
    end_handle(handle->data);
}

static void on_watch_closed(uv_handle_t *handle)
{
    struct watch *watch = handle->data;
    struct smtp_session *session = watch->session;
    free(watch);
    end_handle(session);
}

static void close_watch(struct watch *watch)
{
    struct watch **link = &watch->session->watches;
    while (*link != watch)
        link = &(*link)->next;
    *link = watch->next;
    uv_close((uv_handle_t *)&watch->poll, on_watch_closed);
}

// Every poll is stopped before its descriptor is closed.
static void close_handles(struct smtp_session *session)
{
    while (session->watches)
        close_watch(session->watches);
    if (session->has_poll)
        uv_close((uv_handle_t *)&session->poll, on_handle_closed);
    uv_close((uv_handle_t *)&session->timer, on_handle_closed);
    curl_multi_remove_handle(session->multi, session->easy);
    curl_easy_cleanup(session->easy);
    curl_multi_cleanup(session->multi);
}

// why NULL: it ended as it should.
static void finish(struct smtp_session *session, const struct mail_outcome *why)
{
    if (session->state == SESSION_CLOSING)
        return;
    session->state = SESSION_CLOSING;
    session->failed = why != NULL;
    if (why)
        session->why = *why;
    else
        mail_outcome_from_trouble(&session->why, "the session has ended");
    smtp_dialogue_end(&session->dialogue, &session->why);
    close_handles(session);
}

static void finish_lost(struct smtp_session *session, const char *how)
{
    struct mail_outcome why;
    mail_outcome_from_trouble(&why, "%s:%d: %s", session->host, session->port, how);
    // A server may close a session that has nothing to do; nobody's fault.
    finish(session, smtp_dialogue_is_idle(&session->dialogue) ? NULL : &why);
}

// ---- the open session ----

static void on_ready(uv_poll_t *poll, int status, int events);

static void watch_for(struct smtp_session *session, int events)
{
    if (session->poll_events == events)
        return; // the descriptor never changes under an open session
    session->poll_events = events;
    uv_poll_start(&session->poll, events, on_ready);
}

// Takes all there is; TLS may hold bytes that the socket no longer shows.
static void hear(struct smtp_session *session)
{
    char bytes[SMTP_PIECE];
    struct mail_outcome why;
    for (;;) {
        size_t count = 0;
        CURLcode code = curl_easy_recv(session->easy, bytes, sizeof bytes, &count);
        if (code == CURLE_AGAIN)
            return;
        if (code != CURLE_OK || count == 0) {
            finish_lost(session, code == CURLE_OK ? "the server closed the connection" : LOST);
            return;
        }
        int replies = smtp_dialogue_receive(&session->dialogue, bytes, count, &why);
        if (replies < 0)
            finish(session, smtp_dialogue_is_idle(&session->dialogue) && why.reply_code == 421 ? NULL : &why);
        if (session->state != SESSION_OPEN) // or a callback has aborted it
            return;
        session->progress |= replies > 0;
    }
}

// True when there is more to send than the socket takes now, or than is fair in one turn.
static bool speak(struct smtp_session *session)
{
    for (int i = 0; i < PIECES_A_TURN; i++) {
        const char *bytes;
        size_t count = 0, length = smtp_dialogue_output(&session->dialogue, &bytes);
        if (session->state != SESSION_OPEN || length == 0)
            return false;
        CURLcode code = curl_easy_send(session->easy, bytes, length, &count);
        if (code == CURLE_AGAIN)
            return true;
        if (code != CURLE_OK) {
            hear(session); // it may have said why
            if (session->state == SESSION_OPEN)
                finish_lost(session, LOST);
            return false;
        }
        smtp_dialogue_sent(&session->dialogue, count);
        session->progress = true;
    }
    return true;
}

static void on_deadline(uv_timer_t *timer)
{
    struct smtp_session *session = timer->data;
    assert(session->state == SESSION_OPEN);
    finish_lost(session, "no answer for too long");
}

// Time runs from the last sign of life: bytes taken from us, or a whole reply. A server that drips single
// bytes gains nothing.
static void set_deadline(struct smtp_session *session, bool sending)
{
    enum smtp_awaited awaited = smtp_dialogue_awaits(&session->dialogue);
    bool running = uv_is_active((uv_handle_t *)&session->timer);
    uint64_t timeout_ms = (uint64_t)session->reply_timeout_ms;
    if (!sending && awaited == SMTP_AWAITS_NOTHING) {
        uv_timer_stop(&session->timer);
        return;
    }
    if (!sending && awaited == SMTP_AWAITS_DOT_REPLY)
        timeout_ms *= DOT_TIMES;
    if (!sending && awaited == SMTP_AWAITS_GOODBYE)
        timeout_ms = QUIT_WAIT_MS;
    if (session->progress || !running)
        uv_timer_start(&session->timer, on_deadline, timeout_ms, 0);
    session->progress = false;
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct smtp_session *session = poll->data;
    assert(session->state == SESSION_OPEN);
    session->handling = true;
    // After an error libuv has stopped the poll; reading tells what is wrong (libuv issue 3796).
    if (status < 0)
        session->poll_events = 0;
    if (status < 0 || (events & UV_READABLE))
        hear(session);
    bool sending = session->state == SESSION_OPEN && speak(session);
    session->handling = false;
    if (session->state != SESSION_OPEN)
        return;
    if (smtp_dialogue_is_over(&session->dialogue)) {
        finish(session, NULL);
        return;
    }
    watch_for(session, sending ? UV_READABLE | UV_WRITABLE : UV_READABLE);
    set_deadline(session, sending);
}

// ---- connecting ----

// One line of a reply. Before TLS anybody may have put words into the server's mouth: the answer to STARTTLS
// (220) takes everything back, and each answer to EHLO replaces the one before.
static size_t on_reply_line(char *line, size_t size, size_t count, void *data)
{
    struct smtp_session *session = data;
    size_t length = size * count, used;
    bool first = !session->reply_begun;
    session->reply_begun = smtp_reply_read(&session->reader, line, length, &used) == SMTP_REPLY_MORE;
    int code = session->reader.reply.code;
    if (first && (code == 220 || code == 250)) {
        session->features = (struct smtp_features){0};
        session->authenticated = false;
    } else if (code == 250) {
        smtp_features_note(&session->features, line, length);
    } else if (code == 235) {
        session->authenticated = true;
    }
    return length;
}

static void open_dialogue(struct smtp_session *session)
{
    curl_socket_t socket = CURL_SOCKET_BAD;
    curl_easy_getinfo(session->easy, CURLINFO_ACTIVESOCKET, &socket);
    while (session->watches)
        close_watch(session->watches); // never two polls for one descriptor
    if (socket == CURL_SOCKET_BAD || uv_poll_init_socket(session->loop, &session->poll, socket) < 0) {
        struct mail_outcome why;
        mail_outcome_from_trouble(&why, "%s:%d: %s", session->host, session->port, LOST);
        finish(session, &why);
        return;
    }
    session->poll.data = session;
    session->has_poll = true;
    session->handles++;
    uv_timer_stop(&session->timer);
    session->state = SESSION_OPEN;
    smtp_dialogue_init(&session->dialogue, &session->features);
    watch_for(session, UV_READABLE);
    session->events.on_open(session->data);
}

static const char *phase(CURL *easy)
{
    double looked_up = 0, connected = 0;
    curl_easy_getinfo(easy, CURLINFO_NAMELOOKUP_TIME, &looked_up);
    curl_easy_getinfo(easy, CURLINFO_CONNECT_TIME, &connected);
    if (looked_up == 0)
        return "looking up the name";
    return connected == 0 ? "connecting" : "waiting for the server's greeting, TLS or AUTH";
}

// libcurl's words, where they tell an operator something.
static const char *words(const struct smtp_session *session, CURLcode code)
{
    if (code == CURLE_LOGIN_DENIED)
        return NO_MECHANISM;
    if (code == CURLE_RECV_ERROR || code == CURLE_SEND_ERROR)
        return LOST;
    return session->error_text[0] ? session->error_text : curl_easy_strerror(code);
}

static void fail_to_open(struct smtp_session *session, CURLcode code)
{
    struct mail_outcome why;
    const struct smtp_reply *reply = &session->reader.reply;
    if (code != CURLE_OPERATION_TIMEDOUT && !session->reader.begun && reply->code >= 400)
        mail_outcome_from_reply(SMTP_OPENING, reply, session->user, &why);
    else if (code == CURLE_OPERATION_TIMEDOUT)
        mail_outcome_from_trouble(&why, "%s:%d: no answer within %d ms, %s", session->host, session->port,
                                  session->connect_timeout_ms, phase(session->easy));
    else
        mail_outcome_from_trouble(&why, "%s:%d: %s", session->host, session->port, words(session, code));
    finish(session, &why);
}

// Looked at after every call into libcurl, also after its timer's.
static void check_connected(struct smtp_session *session)
{
    CURLMsg *message;
    int left;
    while (session->state == SESSION_CONNECTING &&
           (message = curl_multi_info_read(session->multi, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE)
            continue;
        if (message->data.result != CURLE_OK) {
            fail_to_open(session, message->data.result);
        } else if (session->user && !session->authenticated) {
            // libcurl goes on without where a server does not offer AUTH.
            struct mail_outcome why;
            mail_outcome_from_trouble(&why, "%s:%d: %s", session->host, session->port, NO_MECHANISM);
            finish(session, &why);
        } else {
            open_dialogue(session);
        }
    }
}

static void on_curl_timer(uv_timer_t *timer)
{
    struct smtp_session *session = timer->data;
    int running;
    curl_multi_socket_action(session->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    check_connected(session);
}

static int set_curl_timer(CURLM *multi, long timeout_ms, void *data)
{
    struct smtp_session *session = data;
    (void)multi;
    if (session->state != SESSION_CONNECTING)
        return 0;
    if (timeout_ms < 0)
        uv_timer_stop(&session->timer);
    else
        uv_timer_start(&session->timer, on_curl_timer, (uint64_t)timeout_ms, 0);
    return 0;
}

static void on_watch(uv_poll_t *poll, int status, int events)
{
    struct watch *watch = poll->data;
    struct smtp_session *session = watch->session;
    int action = status < 0 ? CURL_CSELECT_ERR : 0, running;
    if (events & UV_READABLE)
        action |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE)
        action |= CURL_CSELECT_OUT;
    curl_multi_socket_action(session->multi, watch->socket, action, &running);
    check_connected(session);
}

static int set_watch(CURL *easy, curl_socket_t socket, int what, void *data, void *socket_data)
{
    struct smtp_session *session = data;
    struct watch *watch = socket_data;
    (void)easy;
    if (session->state != SESSION_CONNECTING)
        return 0; // closed already
    if (what == CURL_POLL_REMOVE) {
        curl_multi_assign(session->multi, socket, NULL);
        if (watch)
            close_watch(watch);
        return 0;
    }
    if (watch == NULL) {
        watch = memory_alloc(sizeof *watch);
        if (uv_poll_init_socket(session->loop, &watch->poll, socket) < 0) {
            free(watch);
            return -1;
        }
        watch->socket = socket;
        watch->session = session;
        watch->next = session->watches;
        watch->poll.data = watch;
        session->watches = watch;
        session->handles++;
        curl_multi_assign(session->multi, socket, watch);
    }
    uv_poll_start(&watch->poll,
                  (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0),
                  on_watch);
    return 0;
}

// ---- opening ----

static int default_port(enum smtp_tls tls)
{
    return tls == SMTP_STARTTLS ? 587 : tls == SMTP_IMPLICIT_TLS ? 465 : 25;
}

// The name for EHLO is the path of the URL.
static CURLcode set_url(struct smtp_session *session, const struct smtp_options *options)
{
    char host[300], port[16], path[300];
    bool bare_ipv6 = strchr(options->host, ':') && options->host[0] != '[';
    snprintf(host, sizeof host, bare_ipv6 ? "[%s]" : "%s", options->host);
    snprintf(port, sizeof port, "%d", session->port);
    snprintf(path, sizeof path, "/%s", options->hello ? options->hello : "");
    char *text = NULL;
    CURLU *url = curl_url();
    CURLcode code = CURLE_URL_MALFORMAT;
    if (url &&
        !curl_url_set(url, CURLUPART_SCHEME, options->tls == SMTP_IMPLICIT_TLS ? "smtps" : "smtp", 0) &&
        !curl_url_set(url, CURLUPART_HOST, host, 0) && !curl_url_set(url, CURLUPART_PORT, port, 0) &&
        !curl_url_set(url, CURLUPART_PATH, path, CURLU_URLENCODE) &&
        !curl_url_get(url, CURLUPART_URL, &text, 0))
        code = curl_easy_setopt(session->easy, CURLOPT_URL, text);
    curl_free(text);
    curl_url_cleanup(url);
    return code;
}

// The system's certificates as one file take 20 ms to parse, for each session anew and inside the loop; in
// the directory OpenSSL finds the few that it needs.
static CURLcode set_certificates(CURL *easy, const char *ca_file)
{
    const char *directory = NULL;
    if (ca_file) {
        CURLcode code = curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
        return code ? code : curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file);
    }
    curl_easy_getinfo(easy, CURLINFO_CAPATH, &directory);
    if (directory && access(directory, R_OK | X_OK) == 0)
        return curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
    return CURLE_OK;
}

static CURLcode set_security(CURL *easy, const struct smtp_options *options)
{
    CURLcode code = CURLE_OK;
    if (options->tls != SMTP_NO_TLS) {
        if ((code = curl_easy_setopt(easy, CURLOPT_USE_SSL, (long)CURLUSESSL_ALL)) ||
            (code = curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2)) ||
            (code = curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L)) ||
            (code = curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L)) ||
            (code = set_certificates(easy, options->ca_file)))
            return code;
    }
    if (options->user) {
        if ((code = curl_easy_setopt(easy, CURLOPT_USERNAME, options->user)) ||
            (code = curl_easy_setopt(easy, CURLOPT_PASSWORD, options->password ? options->password : "")) ||
            (code = curl_easy_setopt(easy, CURLOPT_LOGIN_OPTIONS, "AUTH=PLAIN;AUTH=LOGIN")))
            return code;
    }
    return code;
}

static CURLcode set_up(struct smtp_session *session, const struct smtp_options *options)
{
    CURL *easy = session->easy;
    CURLM *multi = session->multi;
    CURLcode code = set_url(session, options);
    if (code || (code = set_security(easy, options)))
        return code;
    if ((code = curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L)) ||
        (code = curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L)) ||
        (code = curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L)) || // never waits for a look-up's thread
        (code = curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps")) ||
        (code = curl_easy_setopt(easy, CURLOPT_PROXY, "")) || // not the environment's
        (code = curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)session->connect_timeout_ms)) ||
        (code = curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)session->connect_timeout_ms)) ||
        (code = curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, session->error_text)) ||
        (code = curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_reply_line)) ||
        (code = curl_easy_setopt(easy, CURLOPT_HEADERDATA, session)))
        return code;
    if (curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, set_watch) ||
        curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, session) ||
        curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, set_curl_timer) ||
        curl_multi_setopt(multi, CURLMOPT_TIMERDATA, session) || curl_multi_add_handle(multi, easy))
        return CURLE_FAILED_INIT;
    return CURLE_OK;
}

static void on_set_up_failed(uv_timer_t *timer)
{
    struct smtp_session *session = timer->data;
    finish(session, &session->why);
}

struct smtp_session *smtp_open(uv_loop_t *loop, const struct smtp_options *options,
                               const struct smtp_session_events *events, void *data)
{
    struct smtp_session *session = memory_alloc(sizeof *session);
    session->loop = loop;
    session->events = *events;
    session->data = data;
    session->host = memory_copy(options->host, strlen(options->host));
    session->user = options->user ? memory_copy(options->user, strlen(options->user)) : NULL;
    session->port = options->port ? options->port : default_port(options->tls);
    session->connect_timeout_ms = options->connect_timeout_ms ? options->connect_timeout_ms : CONNECT_DEFAULT;
    session->reply_timeout_ms = options->reply_timeout_ms ? options->reply_timeout_ms : REPLY_DEFAULT;
    uv_timer_init(loop, &session->timer);
    session->timer.data = session;
    session->handles = 1;
    session->multi = curl_multi_init();
    session->easy = curl_easy_init();
    if (session->multi == NULL || session->easy == NULL)
        abort(); // out of memory, as in core/memory.h
    CURLcode code = set_up(session, options);
    if (code != CURLE_OK) {
        mail_outcome_from_trouble(&session->why, "%s:%d: %s", session->host, session->port,
                                  curl_easy_strerror(code));
        uv_timer_start(&session->timer, on_set_up_failed, 0, 0);
    }
    return session;
}

// ---- for the pool ----

int smtp_room(const struct smtp_session *session)
{
    return session->state == SESSION_OPEN ? smtp_dialogue_room(&session->dialogue) : 0;
}

// Something is to be sent: in this turn when it is the session's, else in the next.
static void wake(struct smtp_session *session)
{
    if (!session->handling)
        watch_for(session, UV_READABLE | UV_WRITABLE);
}

void smtp_give(struct smtp_session *session, struct smtp_transaction *transaction)
{
    assert(session->state == SESSION_OPEN);
    smtp_dialogue_give(&session->dialogue, transaction);
    wake(session);
}

void smtp_quit(struct smtp_session *session)
{
    if (session->state == SESSION_CONNECTING) {
        finish(session, NULL);
    } else if (session->state == SESSION_OPEN) {
        smtp_dialogue_quit(&session->dialogue);
        wake(session);
    }
}

void smtp_abort(struct smtp_session *session, const struct mail_outcome *why)
{
    finish(session, why);
}
