// SPDX-License-Identifier: MPL-2.0
#include "shell/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static int read_all(int fd, size_t limit, struct buffer *into)
{
    char chunk[65536];
    for (size_t total = 0;;) {
        ssize_t n = read(fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            return 0;
        total += (size_t)n;
        if (total > limit)
            return -EFBIG;
        buffer_add(into, chunk, (size_t)n);
    }
}

int file_read(const char *path, size_t limit, struct buffer *into, struct stat *ret_stat, struct error *err)
{
    // Not blocking, so that a pipe put in the file's place cannot hold us.
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return error_set(err, "%s: cannot be opened: %s", path, strerror(errno));
    struct stat st;
    int result = fstat(fd, &st) < 0 ? -errno : 0;
    if (result == 0 && !S_ISREG(st.st_mode)) {
        close(fd);
        return error_set(err, "%s: is no regular file", path);
    }
    if (result == 0)
        result = read_all(fd, limit, into);
    close(fd);
    if (result == -EFBIG)
        return error_set(err, "%s: is larger than the allowed %zu bytes", path, limit);
    if (result < 0)
        return error_set(err, "%s: cannot be read: %s", path, strerror(-result));
    if (ret_stat)
        *ret_stat = st;
    return 0;
}
