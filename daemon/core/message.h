// SPDX-License-Identifier: MPL-2.0
// Builds an RFC 5322 message: encoded words, multipart/alternative with calendar entries beside it, CR LF.
// The same input gives the same bytes.
#ifndef FRISTD_CORE_MESSAGE_H
#define FRISTD_CORE_MESSAGE_H

#include "core/error.h"
#include "core/memory.h"
#include "core/zone.h"

#include <stdbool.h>

// An iCalendar object; cancelled: it takes an earlier one back.
struct message_calendar {
    const char *object;
    bool cancelled;
};
#define MESSAGE_CALENDARS_MAX 50

struct message {
    const char *from_name;    // may hold any letters; NULL: none
    const char *from_address; // envelope and From
    const char *to_address;
    const char *message_key,
        *thread_key; // [0-9a-f]{1,64}; become <key@host>; thread_key NULL: starts no thread
    const char *message_host;
    const char *subject, *text, *html; // UTF-8; any line ends
    instant date;
    const struct zone *zone;            // for the Date header
    struct message_calendar *calendars; // to attach
    size_t calendar_count;
};

// True for an address we are ready to put on the wire: a dot-atom, one '@' and a host name, at most 254 bytes
// of ASCII. So no quoted local part, no address literal, no comment, no UTF-8 (a host name may stand in its
// "xn--" form; SMTPUTF8 is not used). NULL is unsound.
bool message_address_is_sound(const char *address);

// Appends the message ready for DATA without the final ".": ASCII, CR LF line ends, lines of at most 998
// bytes. No line begins with a dot (such dots are encoded), so the bytes are the same on the wire and in a
// file. Refuses unsound addresses, keys and hosts, and then appends nothing; nothing in any field can start a
// header of its own. Bad UTF-8 becomes U+FFFD, control characters become spaces.
int message_build(const struct message *message, struct buffer *into, struct error *err) MUST_CHECK;

// An all-day entry on the due date, with an alarm at nine the day before.
struct calendar_entry {
    // A key as above, which stands for the deadline: a later entry with the same one and a later stamp
    // replaces the earlier, or with `cancelled` takes it back.
    const char *uid_key, *host;
    const char *organizer; // the address that the mail is from
    const char *summary;
    civil_date due;
    instant stamp;
    const char *link; // NULL: none
    bool cancelled;
};

// Appends an iCalendar object of that one entry, for the first warning.
void message_calendar_entry(const struct calendar_entry *entry, struct buffer *into);

#endif
