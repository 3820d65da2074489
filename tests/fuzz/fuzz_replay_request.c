// SPDX-License-Identifier: MPL-2.0
// Any bytes as a request for events, after its topic and a line end: taken within the bounds, or refused in
// words.
#include "fuzz.h"

#include "core/memory.h"
#include "shell/replay_request.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size > 0 ? memchr(data, '\n', size) : NULL;
    size_t length = end ? (size_t)(end - data) : size;
    char *topic = memory_copy((const char *)data, length);
    const char *requester = replay_requester(topic);
    assert(requester == NULL || strlen(requester) <= REPLAY_REQUESTER_MAX);
    free(topic);

    struct replay_request request;
    const char *payload = (const char *)data + length + (end != NULL);
    const struct replay_refusal *refusal =
        replay_request_read(payload, size - length - (end != NULL), &request);
    assert(strlen(request.correlation) < REPLAY_CORRELATION_SIZE);
    if (refusal)
        assert(refusal->reason[0] && refusal->detail[0]);
    else
        assert(request.from >= 1 && request.to >= request.from &&
               (request.to == INT64_MAX || request.to - request.from < REPLAY_EVENTS_MAX));
    return 0;
}
