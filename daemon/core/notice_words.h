// SPDX-License-Identifier: MPL-2.0
// What is said of one notice in the mail that is its own, and in one that it shares: why now, and how loudly.
#ifndef FRISTD_CORE_NOTICE_WORDS_H
#define FRISTD_CORE_NOTICE_WORDS_H

#include "core/wording.h"

// "Lovbestemt frist er overskredet"
const char *notice_heading(struct desk *desk, const struct notice_facts *facts);
// "den lovbestemte frist er udløbet, …"; NULL when the heading says all there is
const char *notice_reason(struct desk *desk, const struct notice_facts *facts);
// "Løs opgaven i tide, …": what to do about it now
const char *notice_next(const struct desk *desk, const struct notice_facts *facts);
// Since when it was held back: "lørdag den 23. maj 2026 kl. 15.30"; NULL when it was not
const char *notice_waited(struct desk *desk, bool waited, instant decided_at);

// "2 mindre frister: K205 (1. juni 2026), K207 (4. juni 2026)"; NULL when it mutes nothing
const char *notice_muted(struct desk *desk, const struct notice_facts *facts);

enum tone { TONE_ALARM, TONE_WARNING, TONE_CALM };
// Red is kept for what the law does not forgive.
enum tone notice_tone(const struct notice_facts *facts);

// The due has passed.
bool notice_is_broken(const struct notice_facts *facts);
// It tells what has become of a deadline that the person was told of.
bool notice_is_follow_up(const struct notice_facts *facts);

#endif
