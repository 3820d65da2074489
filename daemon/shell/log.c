// SPDX-License-Identifier: MPL-2.0
#include "shell/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static enum log_level threshold = LOG_LEVEL_INFO;

void log_set_level(enum log_level level)
{
    threshold = level;
}

static const char *level_word(enum log_level level)
{
    switch (level) {
    case LOG_LEVEL_ERROR:
        return "error";
    case LOG_LEVEL_WARNING:
        return "warning";
    case LOG_LEVEL_NOTICE:
        return "notice";
    case LOG_LEVEL_INFO:
        return "info";
    case LOG_LEVEL_DEBUG:
        return "debug";
    }
    return "?";
}

void log_line(enum log_level level, const char *area, const char *format, ...)
{
    if (level > threshold)
        return;
    char line[2048];
    int used = getenv("JOURNAL_STREAM") ? snprintf(line, sizeof line, "<%d>%s: ", (int)level, area)
                                        : snprintf(line, sizeof line, "%-7s %s: ", level_word(level), area);
    size_t start = (size_t)used;
    va_list ap;
    va_start(ap, format);
    int more = vsnprintf(line + used, sizeof line - start - 1, format, ap);
    va_end(ap);
    size_t length = start + (more < 0 ? 0 : (size_t)more);
    if (length > sizeof line - 2)
        length = sizeof line - 2;
    for (size_t i = start; i < length; i++)
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = '?';
    line[length++] = '\n';
    // One write a line, so that lines of several processes do not mix; a full pipe is not our trouble.
    ssize_t ignored = write(STDERR_FILENO, line, length);
    (void)ignored;
}
