// SPDX-License-Identifier: MPL-2.0
// What systemd is told, and the watchdog. The only file that knows sd-daemon; without systemd every call does
// nothing.
#ifndef FRISTD_SHELL_SERVICE_H
#define FRISTD_SHELL_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

void service_ready(void);
void service_reloading(void); // service_ready() ends it
void service_stopping(void);
void service_status(const char *format, ...) __attribute__((format(printf, 1, 2)));

uint64_t
service_watchdog_ms(void); // how often service_alive() is wanted: a third of WatchdogSec; 0: not at all
void service_alive(void);

#endif
