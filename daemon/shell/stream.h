// SPDX-License-Identifier: MPL-2.0
// Publishes the transitions in the order of their numbers, each as its event and then, where it says so, the
// retained state of its deadline; and announces all retained states when the broker may have forgotten them.
#ifndef FRISTD_SHELL_STREAM_H
#define FRISTD_SHELL_STREAM_H

#include "shell/event.h"
#include "shell/mqtt.h"
#include "shell/publisher_store.h"
#include "shell/sweep.h"
#include "shell/watermark.h"

struct stream;

struct stream_parts { // all live as long
    struct mqtt *mqtt;
    int window; // messages outstanding at most
    const struct event_site *site;
    const struct publisher_store *store;
    void *store_self;
    struct watermark *watermark; // moved over what was acknowledged without a gap
    struct sweep *sweep;         // runs after each announcement, told all that has to stand
    uint64_t retry_first_ms, retry_max_ms;
};

struct stream_user {
    void (*on_announce)(void *data); // an announcement begins
    void (*on_progress)(void *data); // the watermark has moved
};

struct stream *stream_new(uv_loop_t *loop, const struct stream_parts *parts, const struct stream_user *user,
                          void *data);
void stream_come_up(struct stream *stream); // connected
void stream_go_down(struct stream *stream); // no more
void stream_wake(struct stream *stream);    // there are new transitions, or the store is up again
void stream_announce(struct stream *stream);
const char *stream_trouble(const struct stream *stream); // what the broker refuses; NULL: nothing
void stream_stop(struct stream *stream);                 // publishes nothing more
// mqtt must be closed before, so that none of its messages is outstanding.
void stream_close(struct stream *stream, void (*on_closed)(void *data), void *data);

#endif
