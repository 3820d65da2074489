// SPDX-License-Identifier: MPL-2.0
#include "core/link.h"

#include <string.h>

#define HOLE "{case}"

void link_to_case(struct buffer *into, const char *format, const char *case_id)
{
    const char *hole = strstr(format, HOLE);
    if (hole == NULL) {
        buffer_add_string(into, format);
        return;
    }
    buffer_add(into, format, (size_t)(hole - format));
    for (const char *c = case_id; *c; c++) {
        // The unreserved characters of RFC 3986, section 2.3.
        if ((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') ||
            strchr("-._~", *c))
            buffer_add_char(into, *c);
        else
            buffer_format(into, "%%%02X", (unsigned char)*c);
    }
    buffer_add_string(into, hole + strlen(HOLE));
}
