// SPDX-License-Identifier: MPL-2.0
#include "support/tcp_peer.h"

#include "support/loop.h"

#include <arpa/inet.h>
#include <string.h>

// A client, and with forward_to the server behind it.
struct pair {
    struct tcp_peer *peer;
    struct pair *next;
    uv_tcp_t client, server;
    uv_connect_t connect;
    int open_handles;
    size_t passed;
    bool answered, cut, closing;
};

struct chunk {
    uv_write_t request;
    char bytes[];
};

static void on_pair_closed(uv_handle_t *handle)
{
    struct pair *pair = handle->data;
    pair->peer->open_handles--;
    if (--pair->open_handles > 0)
        return;
    struct pair **link = &pair->peer->pairs;
    while (*link != pair)
        link = &(*link)->next;
    *link = pair->next;
    free(pair);
}

static void close_pair(struct pair *pair)
{
    if (pair->closing)
        return;
    pair->closing = true;
    uv_close((uv_handle_t *)&pair->client, on_pair_closed);
    if (pair->peer->forward_to)
        uv_close((uv_handle_t *)&pair->server, on_pair_closed);
}

static void on_written(uv_write_t *request, int status)
{
    (void)status;
    free(request);
}

static void write_bytes(uv_tcp_t *to, const void *bytes, size_t length)
{
    struct chunk *chunk = memory_alloc(sizeof *chunk + length);
    memcpy(chunk->bytes, bytes, length);
    uv_buf_t buffer = uv_buf_init(chunk->bytes, (unsigned)length);
    if (uv_write(&chunk->request, (uv_stream_t *)to, &buffer, 1, on_written) != 0)
        free(chunk);
}

static void on_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buffer)
{
    (void)handle;
    *ret_buffer = uv_buf_init(memory_alloc(suggested), (unsigned)suggested);
}

// What still may pass before the cut goes out first.
static void pass(struct pair *pair, uv_tcp_t *to, const char *bytes, size_t length)
{
    size_t limit = pair->peer->cut_at;
    bool ends = pair->cut && pair->passed + length >= limit;
    if (ends)
        length = limit - pair->passed;
    pair->passed += length;
    if (!ends) {
        write_bytes(to, bytes, length);
        return;
    }
    uv_buf_t buffer = uv_buf_init((char *)bytes, (unsigned)length);
    if (length > 0)
        uv_try_write((uv_stream_t *)to, &buffer, 1);
    pair->peer->cuts++;
    close_pair(pair);
}

static void on_client_bytes(struct pair *pair, const char *bytes, size_t length)
{
    struct tcp_peer *peer = pair->peer;
    buffer_add(&peer->received, bytes, length);
    if (peer->forward_to) {
        pass(pair, &pair->server, bytes, length);
        return;
    }
    if (pair->answered)
        return;
    pair->answered = true;
    uv_buf_t buffer = uv_buf_init((char *)peer->answer, (unsigned)peer->answer_length);
    if (peer->answer)
        uv_try_write((uv_stream_t *)&pair->client, &buffer, 1);
    if (peer->hang_up)
        close_pair(pair);
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buffer)
{
    struct pair *pair = stream->data;
    if (got < 0)
        close_pair(pair);
    else if (got > 0 && stream == (uv_stream_t *)&pair->client)
        on_client_bytes(pair, buffer->base, (size_t)got);
    else if (got > 0)
        pass(pair, &pair->client, buffer->base, (size_t)got);
    free(buffer->base);
}

static void on_forward(uv_connect_t *request, int status)
{
    struct pair *pair = request->data;
    if (pair->closing)
        return;
    if (status != 0) {
        close_pair(pair);
        return;
    }
    uv_read_start((uv_stream_t *)&pair->server, on_allocate, on_read);
    uv_read_start((uv_stream_t *)&pair->client, on_allocate, on_read);
}

static void on_connection(uv_stream_t *listener, int status)
{
    if (status != 0)
        return;
    struct tcp_peer *peer = listener->data;
    struct pair *pair = memory_alloc(sizeof *pair);
    pair->peer = peer;
    pair->next = peer->pairs;
    peer->pairs = pair;
    pair->cut = peer->cut_at > 0 && (size_t)peer->connections < peer->cut_count;
    peer->connections++;
    uv_tcp_init(listener->loop, &pair->client);
    pair->client.data = pair->server.data = pair->connect.data = pair;
    pair->open_handles = peer->forward_to ? 2 : 1;
    peer->open_handles += pair->open_handles;
    uv_accept(listener, (uv_stream_t *)&pair->client);
    uv_tcp_nodelay(&pair->client, 1);
    if (peer->forward_to == 0) {
        uv_read_start((uv_stream_t *)&pair->client, on_allocate, on_read);
        return;
    }
    struct sockaddr_in address;
    uv_ip4_addr("127.0.0.1", peer->forward_to, &address);
    uv_tcp_init(listener->loop, &pair->server);
    uv_tcp_nodelay(&pair->server, 1);
    uv_tcp_connect(&pair->connect, &pair->server, (struct sockaddr *)&address, on_forward);
}

static void on_listener_closed(uv_handle_t *handle)
{
    struct tcp_peer *peer = handle->data;
    peer->open_handles--;
}

void tcp_peer_start(struct tcp_peer *peer, uv_loop_t *loop)
{
    struct sockaddr_in address;
    int length = sizeof address;
    uv_ip4_addr("127.0.0.1", 0, &address);
    uv_tcp_init(loop, &peer->listener);
    peer->listener.data = peer;
    peer->open_handles = 1;
    if (uv_tcp_bind(&peer->listener, (struct sockaddr *)&address, 0) != 0 ||
        uv_listen((uv_stream_t *)&peer->listener, 16, on_connection) != 0 ||
        uv_tcp_getsockname(&peer->listener, (struct sockaddr *)&address, &length) != 0)
        abort();
    peer->port = ntohs(address.sin_port);
}

static bool all_closed(void *data)
{
    return ((struct tcp_peer *)data)->open_handles == 0;
}

void tcp_peer_stop(struct tcp_peer *peer)
{
    uv_loop_t *loop = peer->listener.loop;
    for (struct pair *pair = peer->pairs; pair; pair = pair->next)
        close_pair(pair);
    uv_close((uv_handle_t *)&peer->listener, on_listener_closed);
    loop_until(loop, all_closed, peer);
    buffer_done(&peer->received);
}
