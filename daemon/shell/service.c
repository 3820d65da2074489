// SPDX-License-Identifier: MPL-2.0
#include "shell/service.h"

#include <stdarg.h>
#include <stdio.h>
#include <systemd/sd-daemon.h>
#include <time.h>

void service_ready(void)
{
    sd_notify(0, "READY=1");
}

void service_reloading(void)
{
    // systemd before 253 ignores the time, later ones (Type=notify-reload) ask for it.
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
}

void service_stopping(void)
{
    sd_notify(0, "STOPPING=1");
}

void service_status(const char *format, ...)
{
    char text[256];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    sd_notifyf(0, "STATUS=%s", text);
}

uint64_t service_watchdog_ms(void)
{
    uint64_t interval_us = 0;
    return sd_watchdog_enabled(0, &interval_us) > 0 ? interval_us / 3000 : 0;
}

void service_alive(void)
{
    sd_notify(0, "WATCHDOG=1");
}
