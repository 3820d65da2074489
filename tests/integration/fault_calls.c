// SPDX-License-Identifier: MPL-2.0
// Preloaded into the real daemon: lets the n-th call to the outside go wrong. A call to the outside is what
// touches a stream socket (connect, send, receive, read, write) or looks a name up.
//
//   FAULT_AT    n, from 1: which call
//   FAULT_KIND  kill: the process gets SIGKILL just before the call
//               kill-after: just after it
//               error: the call fails with ECONNRESET (a look-up with EAI_AGAIN), as do the FAULT_TIMES - 1
//               after it
//   FAULT_ONLY  sending: only connect, send and write count
//   FAULT_FIRED a file that is created when it happens
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <dlfcn.h>

static atomic_long calls;

static long number(const char *name, long otherwise)
{
    const char *value = getenv(name);
    return value ? strtol(value, NULL, 10) : otherwise;
}

static void say_fired(void)
{
    const char *path = getenv("FAULT_FIRED");
    int fd = path ? open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600) : -1;
    if (fd >= 0)
        close(fd);
}

static bool is_kind(const char *kind)
{
    const char *configured = getenv("FAULT_KIND");
    return configured && strcmp(configured, kind) == 0;
}

static void end_process(void)
{
    say_fired();
    kill(getpid(), SIGKILL);
}

static bool is_stream_socket(int fd)
{
    int saved = errno, type = 0;
    socklen_t length = sizeof type;
    bool stream = getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SOCK_STREAM;
    errno = saved;
    return stream;
}

enum direction { SENDING, RECEIVING };

// Counts a call; true: it must fail. *ret_end: the process ends after the call.
static bool goes_wrong(enum direction direction, bool *ret_end)
{
    *ret_end = false;
    if (direction == RECEIVING && getenv("FAULT_ONLY"))
        return false;
    long at = number("FAULT_AT", 0), n = atomic_fetch_add(&calls, 1) + 1;
    if (at == 0 || n < at)
        return false;
    if (is_kind("kill") && n == at)
        end_process();
    *ret_end = is_kind("kill-after") && n == at;
    if (!is_kind("error") || n >= at + number("FAULT_TIMES", 1))
        return false;
    say_fired();
    return true;
}

#define REAL(NAME) ((__typeof__(&NAME))dlsym(RTLD_NEXT, #NAME))

#define SOCKET_CALL(DIRECTION, RESULT, NAME, PARAMETERS, ARGUMENTS)                                          \
    RESULT NAME PARAMETERS                                                                                   \
    {                                                                                                        \
        bool end = false;                                                                                    \
        if (is_stream_socket(fd) && goes_wrong(DIRECTION, &end)) {                                           \
            errno = ECONNRESET;                                                                              \
            return -1;                                                                                       \
        }                                                                                                    \
        RESULT result = REAL(NAME) ARGUMENTS;                                                                \
        if (end)                                                                                             \
            end_process();                                                                                   \
        return result;                                                                                       \
    }

SOCKET_CALL(SENDING, int, connect, (int fd, const struct sockaddr *address, socklen_t length),
            (fd, address, length))
SOCKET_CALL(SENDING, ssize_t, send, (int fd, const void *bytes, size_t length, int flags),
            (fd, bytes, length, flags))
SOCKET_CALL(RECEIVING, ssize_t, recv, (int fd, void *bytes, size_t length, int flags),
            (fd, bytes, length, flags))
SOCKET_CALL(SENDING, ssize_t, sendmsg, (int fd, const struct msghdr *message, int flags),
            (fd, message, flags))
SOCKET_CALL(RECEIVING, ssize_t, recvmsg, (int fd, struct msghdr *message, int flags), (fd, message, flags))
SOCKET_CALL(RECEIVING, ssize_t, read, (int fd, void *bytes, size_t length), (fd, bytes, length))
SOCKET_CALL(SENDING, ssize_t, write, (int fd, const void *bytes, size_t length), (fd, bytes, length))
SOCKET_CALL(SENDING, ssize_t, writev, (int fd, const struct iovec *parts, int count), (fd, parts, count))

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **ret)
{
    bool end;
    if (goes_wrong(RECEIVING, &end))
        return EAI_AGAIN;
    int result = REAL(getaddrinfo)(node, service, hints, ret);
    if (end)
        end_process();
    return result;
}
