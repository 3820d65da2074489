// SPDX-License-Identifier: MPL-2.0
// Runs a real loop until a condition holds, with a bound, and measures how long anything holds it up.
#ifndef FRISTD_TESTS_LOOP_H
#define FRISTD_TESTS_LOOP_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#define LOOP_PATIENCE_MS 240000 // far more than anything takes, so that a hang becomes a failure

static inline void loop_on_patience_over(uv_timer_t *timer)
{
    *(bool *)timer->data = true;
}

static inline void loop_on_closed(uv_handle_t *handle)
{
    *(bool *)handle->data = true;
}

// Turns the loop until `condition` holds or `ms` have passed; says whether it holds.
static inline bool loop_until_ms(uv_loop_t *loop, bool (*condition)(void *data), void *data, uint64_t ms)
{
    uv_timer_t timer;
    bool over = false, closed = false;
    uv_timer_init(loop, &timer);
    timer.data = &over;
    uv_update_time(loop);
    uv_timer_start(&timer, loop_on_patience_over, ms, 0);
    while (!condition(data) && !over)
        uv_run(loop, UV_RUN_ONCE);
    timer.data = &closed;
    uv_close((uv_handle_t *)&timer, loop_on_closed);
    while (!closed)
        uv_run(loop, UV_RUN_NOWAIT);
    return condition(data);
}

#define loop_until(loop, condition, data)                                                                    \
    do {                                                                                                     \
        if (!loop_until_ms((loop), (condition), (data), LOOP_PATIENCE_MS)) {                                 \
            fprintf(stderr, "%s:%d: waited in vain for %s\n", __FILE__, __LINE__, #condition);               \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

// The longest time between two turns of the loop while a timer ticks in it.
struct loop_gap {
    uv_timer_t timer;
    uint64_t last, longest; // ns
    bool closed;
};

static inline void loop_gap_on_tick(uv_timer_t *timer)
{
    struct loop_gap *gap = timer->data;
    uint64_t now = uv_hrtime();
    if (now - gap->last > gap->longest)
        gap->longest = now - gap->last;
    gap->last = now;
}

static inline void loop_gap_start(uv_loop_t *loop, struct loop_gap *gap)
{
    *gap = (struct loop_gap){.last = uv_hrtime()};
    uv_timer_init(loop, &gap->timer);
    gap->timer.data = gap;
    uv_timer_start(&gap->timer, loop_gap_on_tick, 2, 2);
}

static inline double loop_gap_stop_ms(struct loop_gap *gap)
{
    gap->timer.data = &gap->closed;
    uv_close((uv_handle_t *)&gap->timer, loop_on_closed);
    while (!gap->closed)
        uv_run(gap->timer.loop, UV_RUN_NOWAIT);
    return (double)gap->longest / 1e6;
}

#endif
