// SPDX-License-Identifier: MPL-2.0
// Builds an RFC 5322 message: encoded words, multipart/alternative with an optional calendar entry, CR LF,
// dot-stuffing. The same input gives the same bytes.
#ifndef FRISTD_CORE_MESSAGE_H
#define FRISTD_CORE_MESSAGE_H

#include "core/error.h"
#include "core/memory.h"
#include "core/zone.h"

#include <stdbool.h>

struct message {
    const char *from_name;    // may hold any letters; NULL: none
    const char *from_address; // envelope and From
    const char *to_address;
    const char *message_key, *thread_key; // [0-9a-f]+; become <key@host>; thread_key NULL: starts no thread
    const char *message_host;
    const char *subject, *text, *html; // UTF-8; any line ends
    instant date;
    const struct zone *zone; // for the Date header
    const char *calendar;    // an iCalendar object to attach, or NULL
};

// True for an address we are ready to put on the wire: a dot-atom, one '@' and a host name, at most 254 bytes
// of ASCII. So no quoted local part, no address literal, no comment, no UTF-8 (a host name may stand in its
// "xn--" form; SMTPUTF8 is not used). NULL is unsound.
bool message_address_is_sound(const char *address);

// Appends the message ready for DATA: CR LF line ends, lines under 998 bytes, dots stuffed, no final ".".
// Refuses unsound addresses and keys; nothing in any field can start a header of its own.
int message_build(const struct message *message, struct buffer *into, struct error *err) MUST_CHECK;

// A VEVENT on the due date with an alarm, for the first warning. uid is a key as above. Appends to `into`.
void message_calendar_entry(const char *uid_key, const char *host, const char *summary, civil_date due,
                            instant stamp, const char *link, struct buffer *into);

#endif
