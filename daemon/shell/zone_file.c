// SPDX-License-Identifier: MPL-2.0
#include "shell/zone_file.h"

#include "core/memory.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_DIRECTORY "/usr/share/zoneinfo"

// A name is a path below the database and nothing else.
static bool is_zone_name(const char *name)
{
    if (name[0] == '\0' || name[0] == '/' || strstr(name, "..") != NULL)
        return false;
    for (const char *at = name; *at; at++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/_+-", *at))
            return false;
    return true;
}

int zone_load(const char *name, struct zone **ret_zone, struct error *err)
{
    if (!is_zone_name(name))
        return error_set(
            err, "\"%.64s\" is no name of a time zone; allowed are names such as Europe/Copenhagen", name);

    const char *directory = getenv("TZDIR");
    if (directory == NULL || directory[0] == '\0')
        directory = DEFAULT_DIRECTORY;
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/%s", directory, name) >= (int)sizeof path)
        return error_set(err, "the name of the time zone is too long");

    FILE *file = fopen(path, "rbe");
    if (file == NULL)
        return error_set(err, "time zone %s: %s: %s; is the name right, and the package tzdata installed?",
                         name, path, strerror(errno));
    char *bytes = memory_alloc(ZONE_FILE_MAX + 1);
    size_t length = fread(bytes, 1, ZONE_FILE_MAX + 1, file);
    int result = 0;
    if (ferror(file))
        result = error_set(err, "time zone %s: %s: %s", name, path, strerror(errno));
    else if (length > ZONE_FILE_MAX)
        result = error_set(err, "time zone %s: %s is larger than %d bytes", name, path, ZONE_FILE_MAX);
    else
        result = zone_parse(name, bytes, length, ret_zone, err);
    fclose(file);
    free(bytes);
    return result;
}
