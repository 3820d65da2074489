// SPDX-License-Identifier: MPL-2.0
// What somebody sends who wants events again: reads topic and payload, which may be anything, and says what
// is wrong with them.
#ifndef FRISTD_SHELL_REPLAY_REQUEST_H
#define FRISTD_SHELL_REPLAY_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REPLAY_REQUEST_MAX      1024  // bytes
#define REPLAY_EVENTS_MAX       10000 // one answer
#define REPLAY_REQUESTER_MAX    64
#define REPLAY_CORRELATION_MAX  128 // characters, of at most four bytes
#define REPLAY_CORRELATION_SIZE (4 * REPLAY_CORRELATION_MAX + 1)

struct replay_request {
    int64_t from, to; // to INT64_MAX: not said
    bool has_correlation;
    char correlation[REPLAY_CORRELATION_SIZE];
};

struct replay_refusal {
    const char *reason, *detail; // of the contract, and in words
};

// The requester is the last level of the topic; NULL: it is none, and nobody can be answered.
const char *replay_requester(const char *topic);

// length: of the whole payload, of which the first REPLAY_REQUEST_MAX + 1 bytes must be there. NULL: the
// request is good. In either case the correlation is filled in where it could be read.
const struct replay_refusal *replay_request_read(const char *payload, size_t length,
                                                 struct replay_request *ret_request);

extern const struct replay_refusal replay_refused_topic, replay_refused_correlation, replay_refused_often,
    replay_refused_busy, replay_refused_unavailable;

#endif
