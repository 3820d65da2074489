// SPDX-License-Identifier: MPL-2.0
// The other side of a TCP connection, on the test's loop and badly behaved on purpose: it answers with fixed
// bytes, stays silent, hangs up, or stands between client and server and cuts the connection at the n-th
// byte.
#ifndef FRISTD_TESTS_TCP_PEER_H
#define FRISTD_TESTS_TCP_PEER_H

#include "core/memory.h"

#include <stdbool.h>
#include <uv.h>

struct tcp_peer {
    // The caller fills:
    const void *answer; // sent when the first bytes have come; NULL: none
    size_t answer_length;
    bool hang_up;     // after the first bytes, behind the answer
    int forward_to;   // port of 127.0.0.1 to stand before; 0: none
    size_t cut_at;    // in both directions together, per connection; 0: never
    size_t cut_count; // how many connections are cut; the ones after pass
    // ---- filled here ----
    int port;
    struct buffer received; // from the clients of all connections
    int connections, cuts;
    uv_tcp_t listener;
    struct pair *pairs;
    int open_handles;
};

void tcp_peer_start(struct tcp_peer *peer, uv_loop_t *loop);
void tcp_peer_stop(struct tcp_peer *peer); // connections still open are closed

#endif
