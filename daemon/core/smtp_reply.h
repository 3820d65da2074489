// SPDX-License-Identifier: MPL-2.0
// Reads an SMTP server's replies (RFC 5321, 4.2) from bytes as they come: one or several lines, code,
// enhanced status code (RFC 3463), text. Whatever a server sends, memory is bounded.
#ifndef FRISTD_CORE_SMTP_REPLY_H
#define FRISTD_CORE_SMTP_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#define SMTP_REPLY_MAX  65536 // bytes of one reply with all its lines; beyond it the server is not understood
#define SMTP_REPLY_TEXT 512   // what is kept of the text

struct smtp_reply {
    int code;                   // 200..599
    char enhanced[12];          // "5.1.1", or "" when there is none
    char text[SMTP_REPLY_TEXT]; // the lines joined by spaces, without codes; cut off at a word, not redacted
};

// Zero the struct to start.
struct smtp_reply_reader {
    struct smtp_reply reply; // valid after SMTP_REPLY_COMPLETE, until the next call
    char line[SMTP_REPLY_TEXT];
    size_t line_length;  // kept of the line so far
    size_t reply_length; // bytes of the reply so far
    size_t text_length;
    bool begun, cut;
};

enum smtp_reply_status {
    SMTP_REPLY_MORE, // all bytes taken, the reply is not whole yet
    SMTP_REPLY_COMPLETE,
    SMTP_REPLY_BROKEN // this is not SMTP; read no further
};

// Takes bytes up to the end of one reply; ret_used says how many.
enum smtp_reply_status smtp_reply_read(struct smtp_reply_reader *reader, const char *bytes, size_t length,
                                       size_t *ret_used);

// What a server has said it can do in its answer to EHLO. Zero the struct to start.
struct smtp_features {
    bool pipelining;     // RFC 2920
    bool size;           // RFC 1870
    unsigned long limit; // bytes; 0: none stated
};

// Notes one keyword line of the answer ("250-SIZE 1000", with or without its line end).
void smtp_features_note(struct smtp_features *features, const char *line, size_t length);

#endif
