// SPDX-License-Identifier: MPL-2.0
// What the programs of tests/bench measure of themselves.
#ifndef FRISTD_TESTS_MEASURE_H
#define FRISTD_TESTS_MEASURE_H

#include <stdio.h>
#include <time.h>
#include <uv.h>

static inline double processor_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

// Not getrusage: its figure starts from that of the program that has started us.
static inline long peak_rss_kib(void)
{
    char line[256];
    long peak = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status))
        if (sscanf(line, "VmHWM: %ld", &peak) == 1)
            break;
    if (status)
        fclose(status);
    return peak;
}

// The longest turn of a loop in processor time, which does not count what other programs take.
struct turn_watch {
    uv_prepare_t prepare;
    double begun_s, longest_s;
};

static inline void turn_watch_on_turn(uv_prepare_t *prepare)
{
    struct turn_watch *watch = prepare->data;
    double now = processor_s();
    if (now - watch->begun_s > watch->longest_s)
        watch->longest_s = now - watch->begun_s;
    watch->begun_s = now;
}

static inline void turn_watch_start(uv_loop_t *loop, struct turn_watch *watch)
{
    uv_prepare_init(loop, &watch->prepare);
    watch->prepare.data = watch;
    watch->begun_s = processor_s();
    watch->longest_s = 0;
    uv_prepare_start(&watch->prepare, turn_watch_on_turn);
}

static inline void turn_watch_stop(struct turn_watch *watch)
{
    uv_close((uv_handle_t *)&watch->prepare, NULL);
}

#endif
