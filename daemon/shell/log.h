// SPDX-License-Identifier: MPL-2.0
// The structured log on stderr: one line an event, words first, then key=value, with systemd's priority
// prefix when stderr is the journal. The one global: its level. Personal data never: ids of cases, persons
// (not addresses), rules.
#ifndef FRISTD_SHELL_LOG_H
#define FRISTD_SHELL_LOG_H

enum log_level {
    LOG_LEVEL_ERROR = 3,
    LOG_LEVEL_WARNING = 4,
    LOG_LEVEL_NOTICE = 5,
    LOG_LEVEL_INFO = 6,
    LOG_LEVEL_DEBUG = 7
};

void log_set_level(enum log_level level);

// log_line(LOG_LEVEL_INFO, "mail", "delivered notice=%lld", …). Control characters in the result become '?'.
void log_line(enum log_level level, const char *area, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
