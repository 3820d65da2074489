// SPDX-License-Identifier: MPL-2.0
#include "shell/mqtt_reason.h"

#include <stddef.h>

struct reason {
    int code;
    const char *text;
};

// MQTT 3.1.1, section 3.2.2.3.
static const struct reason refusals[] = {
    {1, "it does not speak MQTT 3.1.1; choose version 5"},
    {2, "it does not accept the client id"},
    {3, "it is not available"},
    {4, "bad user name or password; check both"},
    {5, "not authorised; check user name and password, and the rights the broker gives this user"},
    {0, NULL},
};

// MQTT 5, section 2.4.
static const struct reason reasons[] = {
    {0x80, "unspecified error; see the broker's log"},
    {0x81, "malformed packet"},
    {0x82, "protocol error"},
    {0x83, "for reasons of its own; see the broker's log"},
    {0x84, "it does not speak MQTT 5; choose version 3.1.1"},
    {0x85, "it does not accept the client id"},
    {0x86, "bad user name or password; check both"},
    {0x87, "not authorised; check user name and password, and the rights the broker gives this user"},
    {0x88, "it is not available"},
    {0x89, "it is busy"},
    {0x8a, "this client is banned; ask whoever runs the broker"},
    {0x8b, "it is shutting down"},
    {0x8c, "it asks for another way of authentication"},
    {0x8d, "it has heard nothing from us for too long"},
    {0x8e, "another client has connected with the same client id; give each its own"},
    {0x90, "the topic is not accepted"},
    {0x91, "packet id in use"},
    {0x93, "more messages outstanding than it takes"},
    {0x94, "topic alias not accepted"},
    {0x95, "the message is larger than it takes"},
    {0x96, "more messages a second than it takes"},
    {0x97, "quota exceeded"},
    {0x98, "by whoever runs it"},
    {0x99, "the payload is not of the type it claims"},
    {0x9a, "it keeps no retained messages, which the contract needs"},
    {0x9b, "it does not take QoS 1, which the contract needs"},
    {0x9c, "another broker is to be used; ask whoever runs it"},
    {0x9d, "it has moved; ask whoever runs it"},
    {0x9f, "more connections a second than it takes"},
    {0xa0, "it lets nobody stay connected longer"},
    {0, NULL},
};

const char *mqtt_reason(int version, int code)
{
    for (const struct reason *reason = version == 4 && code < 128 ? refusals : reasons; reason->text;
         reason++)
        if (reason->code == code)
            return reason->text;
    return "for a reason not known here";
}
