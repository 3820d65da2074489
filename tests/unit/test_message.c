// SPDX-License-Identifier: MPL-2.0
#include "core/message.h"

#include "core/utf8.h"
#include "support/copenhagen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define A10 "aaaaaaaaaa"
#define A60 A10 A10 A10 A10 A10 A10

static void test_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *address;
        bool sound;
    } cases[] = {
        {"leder@kommune.dk", true},
        {"b@localhost", true},
        {"fornavn.efternavn+frist@intern.kommune.dk", true},
        {"o'brien!#$%&*/=?^_`{|}~-@x.dk", true},
        {"a@xn--rdovre-fya.dk", true},
        {A60 "aaaa@x.dk", true},
        {A60 "aaaaa@x.dk", false},
        {"a@" A60 "aaa.dk", true},
        {"a@" A60 "aaaa.dk", false},
        {"a@" A60 "." A60 "." A60 "." A60 ".bbbbbbbb", true},   // 254 bytes
        {"a@" A60 "." A60 "." A60 "." A60 ".bbbbbbbbb", false}, // 255 bytes
        {NULL, false},
        {"", false},
        {"@", false},
        {"a@", false},
        {"@x.dk", false},
        {"a", false},
        {"a@b@c", false},
        {".a@x.dk", false},
        {"a.@x.dk", false},
        {"a..b@x.dk", false},
        {"a@x..dk", false},
        {"a@.x.dk", false},
        {"a@x.dk.", false},
        {"a@-x.dk", false},
        {"a@x-.dk", false},
        {"a@[127.0.0.1]", false},
        {"a b@x.dk", false},
        {"a,b@x.dk", false},
        {"<a@x.dk>", false},
        {"a@x.dk>", false},
        {"a@x.dk ", false},
        {" a@x.dk", false},
        {"\"a\"@x.dk", false},
        {"a(b)@x.dk", false},
        {"a;b@x.dk", false},
        {"a:b@x.dk", false},
        {"a\\b@x.dk", false},
        {"s\xc3\xb8ren@x.dk", false},
        {"a@r\xc3\xb8"
         "dovre.dk",
         false},
        {"a\xff@x.dk", false},
        // libcurl would pass this on and so inject a recipient.
        {"b@x.dk>\r\nRCPT TO:<evil@x.dk", false},
        {"b@x.dk\r\nBcc: evil@x.dk", false},
        {"b\n@x.dk", false},
        {"b\t@x.dk", false},
        {"b\x7f@x.dk", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (message_address_is_sound(cases[i].address) != cases[i].sound)
            fail_msg("%s: expected %s", cases[i].address, cases[i].sound ? "sound" : "unsound");
}

#define MESSAGE_KEY "0a1b2c3d"
#define THREAD_KEY  "feed"

static struct zone *zone;

static int read_zone(void **state)
{
    (void)state;
    zone = copenhagen();
    return 0;
}

static int free_zone(void **state)
{
    (void)state;
    zone_free(zone);
    return 0;
}

static struct message sample(void)
{
    return (struct message){.from_name = "Fristvagten",
                            .from_address = "fristd@kommune.dk",
                            .to_address = "leder@kommune.dk",
                            .message_key = MESSAGE_KEY,
                            .thread_key = THREAD_KEY,
                            .message_host = "kommune.dk",
                            .subject = "[K20] Sag S-1001: frist 28. februar 2026",
                            .text = "Fristen udl\u00f8ber.\n",
                            .html = "<p>Fristen udl\u00f8ber.</p>\n",
                            .date = local_time(zone, 2026, 2, 23, 8, 0, 5),
                            .zone = zone};
}

static void test_whole_message(void **state)
{
    (void)state;
    static const char expected[] = "Date: Mon, 23 Feb 2026 08:00:05 +0100\r\n"
                                   "From: \"Fristvagten\" <fristd@kommune.dk>\r\n"
                                   "To: leder@kommune.dk\r\n"
                                   "Subject: [K20] Sag S-1001: frist 28. februar 2026\r\n"
                                   "Message-ID: <0a1b2c3d@kommune.dk>\r\n"
                                   "In-Reply-To: <feed@kommune.dk>\r\n"
                                   "References: <feed@kommune.dk>\r\n"
                                   "Auto-Submitted: auto-generated\r\n"
                                   "X-Auto-Response-Suppress: All\r\n"
                                   "MIME-Version: 1.0\r\n"
                                   "Content-Type: multipart/mixed;\r\n"
                                   " boundary=\"=_0a1b2c3dm\"\r\n"
                                   "\r\n"
                                   "--=_0a1b2c3dm\r\n"
                                   "Content-Type: multipart/alternative;\r\n"
                                   " boundary=\"=_0a1b2c3da\"\r\n"
                                   "\r\n"
                                   "--=_0a1b2c3da\r\n"
                                   "Content-Type: text/plain; charset=utf-8\r\n"
                                   "Content-Transfer-Encoding: quoted-printable\r\n"
                                   "\r\n"
                                   "Fristen udl=C3=B8ber.\r\n"
                                   "\r\n"
                                   "--=_0a1b2c3da\r\n"
                                   "Content-Type: text/html; charset=utf-8\r\n"
                                   "Content-Transfer-Encoding: quoted-printable\r\n"
                                   "\r\n"
                                   "<p>Fristen udl=C3=B8ber.</p>\r\n"
                                   "\r\n"
                                   "--=_0a1b2c3da--\r\n"
                                   "--=_0a1b2c3dm\r\n"
                                   "Content-Type: text/calendar; charset=utf-8; method=PUBLISH;\r\n"
                                   " name=\"frist.ics\"\r\n"
                                   "Content-Disposition: attachment; filename=\"frist.ics\"\r\n"
                                   "Content-Transfer-Encoding: base64\r\n"
                                   "\r\n"
                                   "QkVHSU46VkNBTEVOREFSDQo=\r\n"
                                   "--=_0a1b2c3dm--\r\n";
    struct message message = sample();
    struct message_calendar entry = {"BEGIN:VCALENDAR\r\n", false};
    message.calendars = &entry;
    message.calendar_count = 1;
    struct buffer bytes = {0};
    assert_int_equal(message_build(&message, &bytes, NULL), 0);
    assert_string_equal(bytes.data, expected);
    // Deterministic, and it appends.
    assert_int_equal(message_build(&message, &bytes, NULL), 0);
    assert_int_equal(bytes.length, 2 * strlen(expected));
    assert_string_equal(bytes.data + strlen(expected), expected);
    buffer_done(&bytes);
}

// The value of a header field with its folds, or "" where there is none.
static const char *header(const struct buffer *bytes, const char *name)
{
    static char value[65536];
    char begin[64];
    snprintf(begin, sizeof begin, "\r\n%s:", name);
    const char *at = strstr(bytes->data, begin);
    value[0] = '\0';
    if (at) {
        at += strlen(begin);
        const char *end = at;
        do
            end = strstr(end, "\r\n") + 2;
        while (*end == ' ');
        snprintf(value, sizeof value, "%.*s", (int)(end - at - 2), at);
    }
    return value;
}

static void test_subject(void **state)
{
    (void)state;
    static const struct {
        const char *subject, *header;
    } cases[] = {
        {"[K20] Sag S-1001", " [K20] Sag S-1001"},
        {"", " "},
        {"   ", " "},
        {"slut  ", " slut"},
        {" start", " =?UTF-8?Q?_start?="},
        {"Sagen er gået i stå", " =?UTF-8?Q?Sagen_er_g=C3=A5et_i_st=C3=A5?="},
        {"æøåÆØÅ", " =?UTF-8?B?w6bDuMOlw4bDmMOF?="},
        // Looks encoded already: would be decoded by the reader.
        {"=?UTF-8?Q?x?=", " =?UTF-8?Q?=3D=3FUTF-8=3FQ=3Fx=3F=3D?="},
        {"a=b?c_d", " a=b?c_d"},
        {"æ=b?c_d \"(,;:<@>)", " =?UTF-8?B?w6Y9Yj9jX2QgIigsOzo8QD4p?="},
        {"a\r\nBcc: evil@x.dk", " a  Bcc: evil@x.dk"},
        {"a\nBcc: evil@x.dk\n\n<p>", " a Bcc: evil@x.dk  <p>"},
        {"a\tb\x1b\x7f", " a b"},
        {"a\xff", " =?UTF-8?Q?a=EF=BF=BD?="},
        {"linje\xe2\x80\xa8to", " linje to"},
        // 67 bytes fill the first line exactly; one more is folded.
        {"1234567890123456789012345678901234567890123456789012345678901234567",
         " 1234567890123456789012345678901234567890123456789012345678901234567"},
        {"12345678901234567890123456789012345678901234567890123456789012345678",
         " =?UTF-8?Q?1234567890123456789012345678901234567890123456789012345?=\r\n"
         " =?UTF-8?Q?6789012345678?="},
        // Never inside a character: 41 bytes of base64 room leave an odd one out.
        {"øøøøøøøøøøøøøøøøøøøøøøøøøøøøøø",
         " =?UTF-8?B?w7jDuMO4w7jDuMO4w7jDuMO4w7jDuMO4w7jDuMO4w7jDuMO4w7g=?=\r\n"
         " =?UTF-8?B?w7jDuMO4w7jDuMO4w7jDuMO4w7jDuA==?="},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct message message = sample();
        message.subject = cases[i].subject;
        struct buffer bytes = {0};
        assert_int_equal(message_build(&message, &bytes, NULL), 0);
        assert_string_equal(header(&bytes, "Subject"), cases[i].header);
        buffer_done(&bytes);
    }
}

static void test_from(void **state)
{
    (void)state;
    static const struct {
        const char *name, *header;
    } cases[] = {
        {NULL, " fristd@kommune.dk"},
        {"", " fristd@kommune.dk"},
        {"\r\n", " fristd@kommune.dk"},
        {"Fristvagten", " \"Fristvagten\" <fristd@kommune.dk>"},
        {"Frist \"vagten\" \\", " \"Frist \\\"vagten\\\" \\\\\" <fristd@kommune.dk>"},
        {"evil@x.dk, a", " \"evil@x.dk, a\" <fristd@kommune.dk>"},
        {"Børn & Unge", " =?UTF-8?Q?B=C3=B8rn_=26_Unge?= <fristd@kommune.dk>"},
        {"Familieafdelingen i Nordre Kommune (frister)",
         " =?UTF-8?Q?Familieafdelingen_i_Nordre_Kommune_=28frister=29?=\r\n <fristd@kommune.dk>"},
        {"x\" <evil@x.dk>\r\nBcc: b@x.dk", " \"x\\\" <evil@x.dk>  Bcc: b@x.dk\" <fristd@kommune.dk>"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct message message = sample();
        message.from_name = cases[i].name;
        struct buffer bytes = {0};
        assert_int_equal(message_build(&message, &bytes, NULL), 0);
        assert_string_equal(header(&bytes, "From"), cases[i].header);
        buffer_done(&bytes);
    }
}

static void test_date(void **state)
{
    (void)state;
    static const struct {
        int year, month, day, hour, minute;
        const char *header;
    } cases[] = {
        {2026, 1, 1, 0, 0, "Thu, 1 Jan 2026 00:00:00 +0100"},
        {2026, 6, 5, 23, 59, "Fri, 5 Jun 2026 23:59:00 +0200"},
        {2026, 10, 25, 2, 30, "Sun, 25 Oct 2026 02:30:00 +0200"}, // comes twice; the first
        {2028, 2, 29, 12, 0, "Tue, 29 Feb 2028 12:00:00 +0100"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct message message = sample();
        message.date =
            local_time(zone, cases[i].year, cases[i].month, cases[i].day, cases[i].hour, cases[i].minute, 0);
        struct buffer bytes = {0};
        assert_int_equal(message_build(&message, &bytes, NULL), 0);
        char expected[64];
        snprintf(expected, sizeof expected, "Date: %s\r\n", cases[i].header);
        assert_memory_equal(bytes.data, expected, strlen(expected));
        buffer_done(&bytes);
    }
}

static void test_thread(void **state)
{
    (void)state;
    struct message message = sample();
    message.thread_key = NULL;
    struct buffer bytes = {0};
    assert_int_equal(message_build(&message, &bytes, NULL), 0);
    assert_string_equal(header(&bytes, "Message-ID"), " <" MESSAGE_KEY "@kommune.dk>");
    assert_string_equal(header(&bytes, "In-Reply-To"), "");
    assert_string_equal(header(&bytes, "References"), "");
    buffer_done(&bytes);
}

// The plain text part as it stands in the message.
static void text_part(const char *text, struct buffer *ret_part)
{
    struct message message = sample();
    message.text = text;
    struct buffer bytes = {0};
    assert_int_equal(message_build(&message, &bytes, NULL), 0);
    static const char begin[] =
        "text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n";
    const char *at = strstr(bytes.data, begin);
    assert_non_null(at);
    at += strlen(begin);
    const char *end = strstr(at, "\r\n--=_");
    assert_non_null(end);
    buffer_add(ret_part, at, (size_t)(end - at));
    buffer_done(&bytes);
}

static void test_quoted_printable(void **state)
{
    (void)state;
#define C74 A60 "aaaaaaaaaaaaaa"
    static const struct {
        const char *text, *encoded;
    } cases[] = {
        {"", ""},
        {"a", "a"},
        {"a\n", "a\r\n"},
        {"a\r\nb\rc\n\n", "a\r\nb\r\nc\r\n\r\n"},
        {"2+2=4", "2+2=3D4"},
        {"a \nb\t\n c ", "a=20\r\nb=09\r\n c=20"},
        {".\n..a\n.", "=2E\r\n=2E.a\r\n=2E"},
        {"From her\nFromage\n>From ", "=46rom her\r\nFromage\r\n>From=20"},
        {"--=_0a1b2c3da--", "--=3D_0a1b2c3da--"},
        {"\xff", "=EF=BF=BD"},
        {"\x1b[31m", " [31m"},
        {C74 "a\n", C74 "a\r\n"},              // 75
        {C74 "aa\n", C74 "a=\r\na\r\n"},       // 76
        {C74 "a.b", C74 "a=\r\n=2Eb"},         // a soft break puts the dot at a line's start
        {C74 "aFrom x", C74 "a=\r\n=46rom x"}, // likewise
        {C74 "æ", C74 "=\r\n=C3=A6"},
        {A60 "aaaaaaaaaaaaæ", A60 "aaaaaaaaaaaa=C3=\r\n=A6"},
        {C74 " \n", C74 "=\r\n=20\r\n"},
        {C74 "  b", C74 " =\r\n b"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buffer part = {0};
        text_part(cases[i].text, &part);
        assert_string_equal(part.data, cases[i].encoded);
        buffer_done(&part);
    }
}

static void test_refusals(void **state)
{
    (void)state;
    static const char hostile[] = "b@x.dk>\r\nRCPT TO:<evil@x.dk";
    static const struct {
        size_t offset;
        const char *value, *words;
    } cases[] = {
        {offsetof(struct message, from_address), hostile, "sender's address"},
        {offsetof(struct message, to_address), hostile, "recipient's address"},
        {offsetof(struct message, to_address), "", "recipient's address"},
        {offsetof(struct message, message_host), "x.dk>\r\nBcc: evil@x.dk", "host"},
        {offsetof(struct message, message_host), "", "host"},
        {offsetof(struct message, message_key), "", "key"},
        {offsetof(struct message, message_key), "0A", "key"},
        {offsetof(struct message, message_key), "00\r\n", "key"},
        {offsetof(struct message, message_key),
         "00000000000000000000000000000000000000000000000000000000000000001", "key"},
        {offsetof(struct message, thread_key), "x", "key"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct message message = sample();
        *(const char **)((char *)&message + cases[i].offset) = cases[i].value;
        struct buffer bytes = {0};
        struct error err;
        assert_int_equal(message_build(&message, &bytes, &err), -1);
        assert_int_equal(bytes.length, 0);
        assert_non_null(strstr(err.text, cases[i].words));
        assert_null(strstr(err.text, "x.dk")); // addresses stay out of logs
        buffer_done(&bytes);
    }
}

// --- Whatever stands in a field, the message keeps its shape. ---

static void repeat(struct buffer *into, const char *piece, size_t until)
{
    while (into->length < until)
        buffer_add_string(into, piece);
}

static void assert_sound_lines(const struct buffer *bytes)
{
    assert_int_equal(strlen(bytes->data), bytes->length);
    for (const char *line = bytes->data, *end; *line; line = end + 2) {
        end = strstr(line, "\r\n");
        assert_non_null(end);
        assert_in_range(end - line, 0, 78);
        assert_int_not_equal(*line, '.');
        for (const char *c = line; c < end; c++)
            assert_in_range(*c == '\t' ? ' ' : *c, ' ', '~');
    }
}

// The names of the header fields in their order, and how many boundaries stand in the body.
static void assert_shape(const struct buffer *bytes, size_t boundaries)
{
    static const char *const names[] = {"Date:",           "From:",         "To:",          "Subject:",
                                        "Message-ID:",     "In-Reply-To:",  "References:",  "Auto-Submitted:",
                                        "X-Auto-Response", "MIME-Version:", "Content-Type:"};
    size_t name = 0, found = 0;
    const char *line = bytes->data;
    for (; strncmp(line, "\r\n", 2) != 0; line = strstr(line, "\r\n") + 2) {
        if (*line == ' ')
            continue;
        assert_in_range(name, 0, sizeof names / sizeof names[0] - 1);
        assert_memory_equal(line, names[name], strlen(names[name]));
        name++;
    }
    assert_int_equal(name, sizeof names / sizeof names[0]);
    for (; (line = strstr(line, "\r\n--")); line += 4)
        found += strncmp(line + 4, "=_", 2) == 0;
    assert_int_equal(found, boundaries);
}

static void test_hostile_fields(void **state)
{
    (void)state;
    static const char *const pieces[] = {"\r\nBcc: evil@x.dk\r\n\r\n",
                                         "\n.\nQUIT\n",
                                         "\r.\r",
                                         "\"\\\"<evil@x.dk>,;:",
                                         "{{#x}}{{y}}",
                                         "<script>alert(1)</script>",
                                         "\xff\xc0\xaf\xed\xa0\x80",
                                         "👩‍👧‍👦 æøå",
                                         "\r\n--=_" MESSAGE_KEY "a--\r\n",
                                         "=_=?UTF-8?Q?x?= ",
                                         "lang",
                                         "....",
                                         "\nFrom \n",
                                         " \t",
                                         "\x01\x7f\xc2\x85\u2028"};
    static const size_t offsets[] = {offsetof(struct message, from_name), offsetof(struct message, subject),
                                     offsetof(struct message, text), offsetof(struct message, html)};
    static const size_t lengths[] = {1, 77, 999, 10240};
    for (size_t piece = 0; piece < sizeof pieces / sizeof pieces[0]; piece++)
        for (size_t length = 0; length < sizeof lengths / sizeof lengths[0]; length++)
            for (size_t field = 0; field <= sizeof offsets / sizeof offsets[0]; field++) {
                struct buffer hostile = {0}, bytes = {0};
                repeat(&hostile, pieces[piece], lengths[length]);
                struct message message = sample();
                struct message_calendar entry = {hostile.data, false};
                message.calendars = &entry;
                message.calendar_count = 1;
                if (field < sizeof offsets / sizeof offsets[0]) {
                    entry.object = "BEGIN:VCALENDAR\r\n";
                    *(const char **)((char *)&message + offsets[field]) = hostile.data;
                }
                assert_int_equal(message_build(&message, &bytes, NULL), 0);
                assert_sound_lines(&bytes);
                assert_shape(&bytes, 6);
                buffer_done(&bytes);
                buffer_done(&hostile);
            }
}

// --- Calendar entry ---

static struct calendar_entry sample_entry(const char *summary)
{
    return (struct calendar_entry){.uid_key = "feed",
                                   .host = "kommune.dk",
                                   .organizer = "frister@kommune.dk",
                                   .summary = summary,
                                   .due = civil_from_ymd(2026, 2, 28),
                                   .stamp = local_time(zone, 2026, 1, 29, 8, 0, 5)};
}

static void test_calendar_entry(void **state)
{
    (void)state;
    struct buffer entry = {0};
    struct calendar_entry about = sample_entry("[K20] Sag S-1001: frist 28. februar 2026");
    about.link = "https://esdh.kommune.dk/sag/S-1001?vis=frister&x=1,2;3";
    message_calendar_entry(&about, &entry);
    assert_string_equal(entry.data, "BEGIN:VCALENDAR\r\n"
                                    "VERSION:2.0\r\n"
                                    "PRODID:-//fristd//fristd//DA\r\n"
                                    "METHOD:PUBLISH\r\n"
                                    "BEGIN:VEVENT\r\n"
                                    "UID:feed@kommune.dk\r\n"
                                    "DTSTAMP:20260129T070005Z\r\n"
                                    "SEQUENCE:29494500\r\n"
                                    "ORGANIZER:mailto:frister@kommune.dk\r\n"
                                    "DTSTART;VALUE=DATE:20260228\r\n"
                                    "DTEND;VALUE=DATE:20260301\r\n"
                                    "SUMMARY:[K20] Sag S-1001: frist 28. februar 2026\r\n"
                                    "URL:https://esdh.kommune.dk/sag/S-1001?vis=frister&x=1,2;3\r\n"
                                    "STATUS:CONFIRMED\r\n"
                                    "TRANSP:TRANSPARENT\r\n"
                                    "CLASS:PRIVATE\r\n"
                                    "BEGIN:VALARM\r\n"
                                    "ACTION:DISPLAY\r\n"
                                    "DESCRIPTION:[K20] Sag S-1001: frist 28. februar 2026\r\n"
                                    "TRIGGER:-PT15H\r\n"
                                    "END:VALARM\r\n"
                                    "END:VEVENT\r\n"
                                    "END:VCALENDAR\r\n");
    buffer_done(&entry);
}

static void test_calendar_entry_taken_back(void **state)
{
    (void)state;
    struct buffer first = {0}, last = {0};
    struct calendar_entry about = sample_entry("S-1001");
    message_calendar_entry(&about, &first);
    about.stamp = local_time(zone, 2026, 1, 30, 8, 0, 5);
    about.cancelled = true;
    message_calendar_entry(&about, &last);
    // RFC 5546, 3.2.5: the same UID and organizer, a later SEQUENCE.
    static const char *const in_both[] = {"UID:feed@kommune.dk\r\n",
                                          "ORGANIZER:mailto:frister@kommune.dk\r\n",
                                          "DTSTART;VALUE=DATE:20260228\r\n"};
    for (size_t i = 0; i < sizeof in_both / sizeof in_both[0]; i++) {
        assert_non_null(strstr(first.data, in_both[i]));
        assert_non_null(strstr(last.data, in_both[i]));
    }
    assert_non_null(strstr(last.data, "METHOD:CANCEL\r\n"));
    assert_non_null(strstr(last.data, "STATUS:CANCELLED\r\n"));
    assert_null(strstr(last.data, "VALARM"));
    assert_true(atol(strstr(first.data, "SEQUENCE:") + 9) < atol(strstr(last.data, "SEQUENCE:") + 9));
    struct message message = sample();
    struct message_calendar entries[] = {{first.data, false}, {last.data, true}};
    message.calendars = entries;
    message.calendar_count = 2;
    struct buffer bytes = {0};
    assert_int_equal(message_build(&message, &bytes, NULL), 0);
    assert_non_null(strstr(bytes.data, "text/calendar; charset=utf-8; method=PUBLISH;"));
    assert_non_null(strstr(bytes.data, "text/calendar; charset=utf-8; method=CANCEL;"));
    buffer_done(&bytes);
    buffer_done(&first);
    buffer_done(&last);
}

static void test_calendar_escapes(void **state)
{
    (void)state;
    static const struct {
        const char *summary, *line;
    } cases[] = {
        {"a, b; c\\d", "SUMMARY:a\\, b\\; c\\\\d\r\n"},
        {"a\r\nATTACH:http://x.dk", "SUMMARY:a  ATTACH:http://x.dk\r\n"},
        {"a\xff", "SUMMARY:a" UTF8_REPLACEMENT "\r\n"},
        {A60 "1234567", "SUMMARY:" A60 "1234567\r\n"},        // 75 octets
        {A60 "12345678", "SUMMARY:" A60 "1234567\r\n 8\r\n"}, // 76
        {A60 "123456æ", "SUMMARY:" A60 "123456\r\n æ\r\n"},   // not inside a character
        {A60 "1234567" A60 "12345678901234"
             "x",
         "SUMMARY:" A60 "1234567\r\n " A60 "12345678901234\r\n x\r\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buffer entry = {0};
        struct calendar_entry about = sample_entry(cases[i].summary);
        about.due = civil_from_ymd(2026, 12, 31);
        message_calendar_entry(&about, &entry);
        const char *at = strstr(entry.data, "SUMMARY:");
        assert_non_null(at);
        assert_memory_equal(at, cases[i].line, strlen(cases[i].line));
        assert_non_null(strstr(entry.data, "DTEND;VALUE=DATE:20270101\r\n"));
        assert_null(strstr(entry.data, "URL"));
        assert_null(strstr(entry.data, "\r\nATTACH"));
        buffer_done(&entry);
    }
}

static void test_calendar_organizer(void **state)
{
    (void)state;
    static const struct {
        const char *address, *line;
    } cases[] = {
        {"frister+nord@kommune.dk", "ORGANIZER:mailto:frister+nord@kommune.dk\r\n"},
        {"a?cc=b%40c@kommune.dk", "ORGANIZER:mailto:a%3Fcc=b%2540c@kommune.dk\r\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_true(message_address_is_sound(cases[i].address));
        struct buffer entry = {0};
        struct calendar_entry about = sample_entry("S-1001");
        about.organizer = cases[i].address;
        message_calendar_entry(&about, &entry);
        const char *at = strstr(entry.data, "ORGANIZER");
        assert_non_null(at);
        assert_memory_equal(at, cases[i].line, strlen(cases[i].line));
        buffer_done(&entry);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_whole_message),
        cmocka_unit_test(test_subject),
        cmocka_unit_test(test_from),
        cmocka_unit_test(test_date),
        cmocka_unit_test(test_thread),
        cmocka_unit_test(test_quoted_printable),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_hostile_fields),
        cmocka_unit_test(test_calendar_entry),
        cmocka_unit_test(test_calendar_entry_taken_back),
        cmocka_unit_test(test_calendar_escapes),
        cmocka_unit_test(test_calendar_organizer),
    };
    return cmocka_run_group_tests(tests, read_zone, free_zone);
}
