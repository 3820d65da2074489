// SPDX-License-Identifier: MPL-2.0
#include "shell/lookup.h"

#include "core/memory.h"

#include <assert.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct lookup {
    uv_loop_t *loop;
    char *host;
    lookup_on_done on_done;
    void *data;
    bool numeric, under_way, closing;
    uv_getaddrinfo_t request;
    char addresses[LOOKUP_ADDRESSES_MAX][NI_MAXHOST];
    size_t count;
    void (*on_closed)(void *data);
    void *closed_data;
};

static bool is_numeric(const char *host)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    return uv_ip4_addr(host, 0, &v4) == 0 || uv_ip6_addr(host, 0, &v6) == 0;
}

struct lookup *lookup_new(uv_loop_t *loop, const char *host, lookup_on_done on_done, void *data)
{
    struct lookup *lookup = memory_alloc(sizeof *lookup);
    lookup->loop = loop;
    lookup->host = memory_copy(host, strlen(host));
    lookup->on_done = on_done;
    lookup->data = data;
    lookup->numeric = is_numeric(host);
    if (lookup->numeric && strlen(host) < sizeof lookup->addresses[0]) {
        strcpy(lookup->addresses[0], host);
        lookup->count = 1;
    }
    return lookup;
}

bool lookup_is_needed(const struct lookup *lookup)
{
    return !lookup->numeric;
}

static void finish_close(struct lookup *lookup)
{
    void (*on_closed)(void *) = lookup->on_closed;
    void *data = lookup->closed_data;
    free(lookup->host);
    free(lookup);
    on_closed(data);
}

static void take_addresses(struct lookup *lookup, const struct addrinfo *found)
{
    lookup->count = 0;
    for (; found && lookup->count < LOOKUP_ADDRESSES_MAX; found = found->ai_next) {
        char *address = lookup->addresses[lookup->count];
        if (getnameinfo(found->ai_addr, found->ai_addrlen, address, sizeof lookup->addresses[0], NULL, 0,
                        NI_NUMERICHOST) == 0)
            lookup->count++;
    }
}

static void on_answer(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
    struct lookup *lookup = request->data;
    lookup->under_way = false;
    if (lookup->closing) {
        uv_freeaddrinfo(found);
        finish_close(lookup);
        return;
    }
    struct error err;
    if (status == 0)
        take_addresses(lookup, found);
    else
        error_set(&err, "looking up the name %s failed: %s", lookup->host, uv_strerror(status));
    uv_freeaddrinfo(found);
    lookup->on_done(lookup->data, status == 0 ? NULL : &err);
}

int lookup_start(struct lookup *lookup, struct error *err)
{
    assert(!lookup->numeric && !lookup->closing);
    if (lookup->under_way)
        return 0;
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    lookup->request.data = lookup;
    // Refuses at once what cannot be a name at all (its IDNA form does not exist or is too long).
    int status = uv_getaddrinfo(lookup->loop, &lookup->request, on_answer, lookup->host, NULL, &hints);
    if (status != 0)
        return error_set(err, "%s is not a host name: %s", lookup->host, uv_strerror(status));
    lookup->under_way = true;
    return 0;
}

size_t lookup_count(const struct lookup *lookup)
{
    return lookup->count;
}

const char *lookup_address(const struct lookup *lookup, size_t index)
{
    assert(index < lookup->count);
    return lookup->addresses[index];
}

void lookup_close(struct lookup *lookup, void (*on_closed)(void *data), void *data)
{
    assert(!lookup->closing);
    lookup->closing = true;
    lookup->on_closed = on_closed;
    lookup->closed_data = data;
    // Works only for one that no thread has taken up yet; any other must be waited for.
    if (lookup->under_way)
        uv_cancel((uv_req_t *)&lookup->request);
    else
        finish_close(lookup);
}
