// SPDX-License-Identifier: MPL-2.0
// The words of mails to the operators, and of those on silences to the level above, in Danish and English.
#ifndef FRISTD_CORE_OPERATOR_WORDS_H
#define FRISTD_CORE_OPERATOR_WORDS_H

#include "core/phrases.h"
#include "core/reach.h"
#include "core/silence.h"

// All functions append.

// What a mail to the operators is about, by its first line: all of one mail are of one sort.
enum operator_topic {
    TOPIC_TROUBLE,
    TOPIC_FAULTS,
    TOPIC_RULES,
    TOPIC_SILENCE,
    TOPIC_SILENCE_ENDED,
    TOPIC_REACHED
};
enum operator_topic phrase_topic(const char *what);
const char *phrase_operator_heading(enum language language, enum operator_topic topic);
// A line for the operators; what and detail as in struct operator_line, unknown ones as they are.
void phrase_trouble(enum language language, const char *what, const char *detail, struct buffer *into);

// "nord (teamleder), 21. december 2026 – 3. januar 2027": where and when a step will reach nobody.
void phrase_reach_hole(enum language language, civil_date today, const struct reach_hole *hole,
                       struct buffer *into);

// A silence that has begun or ended: what it covers, how long, whose it is and why, what it hides or hid.
// Free text is not among it.
struct silence_words {
    const struct silence *silence;
    const char *person, *person_role; // NULL: not known
    const char *reason;
    int units_below; // of its unit
    bool ended;
    int covered, breached;
    int hidden, of_deadlines, undone;
};
void phrase_silence(enum language language, const struct zone *zone, const struct silence_words *words,
                    struct buffer *into);

#endif
