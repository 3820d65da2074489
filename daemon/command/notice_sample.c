// SPDX-License-Identifier: MPL-2.0
#include "command/notice_sample.h"

#include <string.h>

// Each sample differs from the first in a few facts. Codes and titles are those of the catalogue.

#define CLOCK(hour, minute) ((hour)*3600 + (minute)*60)
#define END_OF_DAY          (CLOCK(24, 0) - 1)
#define COUNT(array)        (sizeof(array) / sizeof(array)[0])

static instant moment(const struct zone *zone, int year, int month, int day, int second)
{
    return zone_to_instant(zone, civil_from_ymd(year, month, day), second);
}

// As core/explain.c words them; they end with the basis.
static const char *const derivation[2][4] = {
    {"Start: »bfu.opmaerksom« fre. 31-10-2025 kl. 10.12.",
     "Reglens udgave fra man. 01-01-2024 gælder: valgt efter startdatoen.",
     "4 måneder efter fre. 31-10-2025: lør. 28-02-2026, månedens sidste dag.",
     "Hjemmel: Barnets lov § 20, stk. 3."},
    {"Start: “bfu.opmaerksom”, Fri 2025-10-31 at 10:12.",
     "The version of the rule from Mon 2024-01-01 applies: chosen by the start date.",
     "4 months after Fri 2025-10-31: Sat 2026-02-28, the last day of the month.",
     "Legal basis: Barnets lov § 20, stk. 3."}};

static void warning(const struct zone *zone, enum language language, struct notice_sample *ret_sample)
{
    static const char *const titles[] = {"Børnefaglig undersøgelse afsluttes",
                                         "Child assessment is finished"};
    ret_sample->facts = (struct notice_facts){.case_id = "S-1001",
                                              .subject = "B-3",
                                              .unit = "fam-nord",
                                              .code = "K20",
                                              .title = titles[language],
                                              .rule_kind = RULE_STATUTORY,
                                              .transition = TRANSITION_APPROACHING,
                                              .state = STATE_OPEN,
                                              .anchor_at = moment(zone, 2025, 10, 31, CLOCK(10, 12)),
                                              .due_at = moment(zone, 2026, 2, 28, END_OF_DAY),
                                              .now = moment(zone, 2026, 1, 29, CLOCK(8, 0)),
                                              .role = "caseworker",
                                              .link = "https://fagsystem.kommune.example/sag/S-1001",
                                              .derivation = derivation[language],
                                              .derivation_count = COUNT(derivation[language])};
    struct notice_done *done = ret_sample->done;
    done[0] = (struct notice_done){
        .at = moment(zone, 2026, 1, 29, CLOCK(8, 0)), .what = TRANSITION_APPROACHING, .role = "caseworker"};
    done[1] = (struct notice_done){.at = moment(zone, 2026, 3, 1, 0), .what = TRANSITION_BREACHED};
    done[2] = (struct notice_done){
        .at = moment(zone, 2026, 3, 1, 0), .what = TRANSITION_BREACHED, .role = "team_leader"};
    done[3] = (struct notice_done){
        .at = moment(zone, 2026, 3, 7, CLOCK(8, 0)), .what = TRANSITION_ESCALATED, .role = "department_head"};
    done[4] = (struct notice_done){.at = moment(zone, 2026, 3, 14, CLOCK(8, 0)),
                                   .what = TRANSITION_ESCALATED,
                                   .role = "department_head"};
    ret_sample->facts.done = done;
}

static void breach(const struct zone *zone, enum language language, struct notice_sample *sample)
{
    warning(zone, language, sample);
    sample->facts.transition = TRANSITION_BREACHED;
    sample->facts.state = STATE_BREACHED;
    sample->facts.role = "team_leader";
    sample->facts.now = moment(zone, 2026, 3, 1, 0);
    sample->facts.done_count = 1;
}

static void escalation(const struct zone *zone, enum language language, struct notice_sample *sample)
{
    breach(zone, language, sample);
    sample->facts.transition = TRANSITION_ESCALATED;
    sample->facts.role = "department_head";
    sample->facts.now = moment(zone, 2026, 3, 7, CLOCK(9, 20));
    sample->facts.done_count = 3;
}

// Another rule, counted from another day.
static void become_rule(struct notice_sample *sample, enum rule_kind kind, const char *code,
                        const char *title, const char *basis, instant anchor_at)
{
    sample->facts.rule_kind = kind;
    sample->facts.code = code;
    sample->facts.title = title;
    sample->facts.basis = basis;
    sample->facts.anchor_at = anchor_at;
    sample->facts.derivation_count = 0;
}

static void hours(const struct zone *zone, enum language language, struct notice_sample *sample)
{
    static const char *const titles[] = {"Vurdering af underretning inden 24 timer",
                                         "Assessment of a notification within 24 hours"};
    warning(zone, language, sample);
    become_rule(sample, RULE_STATUTORY, "K01", titles[language], "Barnets lov § 136, stk. 2",
                moment(zone, 2026, 5, 22, CLOCK(15, 30)));
    sample->facts.subject = "U-17";
    sample->facts.due_at = moment(zone, 2026, 5, 23, CLOCK(15, 30));
    sample->facts.now = moment(zone, 2026, 5, 23, CLOCK(7, 30));
}

static void own(const struct zone *zone, enum language language, struct notice_sample *sample)
{
    static const char *const titles[] = {"Hjemvist sag registreret og fordelt",
                                         "Ruling registered and given to a caseworker"};
    breach(zone, language, sample);
    become_rule(sample, RULE_OWN, "K212", titles[language], "Kommunens egen arbejdsgang",
                moment(zone, 2026, 2, 26, CLOCK(9, 0)));
    sample->facts.subject = "H-2";
    sample->done[0].at = moment(zone, 2026, 2, 27, CLOCK(8, 0));
}

static void target(const struct zone *zone, enum language language, struct notice_sample *sample)
{
    static const char *const titles[] = {"Genetablering af hjælp i hjemvist sag",
                                         "Help restored in a remanded case"};
    own(zone, language, sample);
    sample->facts.rule_kind = RULE_TARGET;
    sample->facts.code = "K72";
    sample->facts.title = titles[language];
    sample->facts.basis = "Ankestyrelsens vejledning om virkningen af hjemvisning";
}

static void series(const struct zone *zone, enum language language, struct notice_sample *sample)
{
    static const char *const titles[] = {"Ugentlig opfølgning på hjemvist sag",
                                         "Weekly follow-up on a remanded case"};
    own(zone, language, sample);
    sample->facts.transition = TRANSITION_MISSED;
    sample->facts.state = STATE_MISSED;
    sample->facts.missed_in_a_row = 3;
    sample->facts.role = "department_head";
    sample->facts.code = "K71";
    sample->facts.title = titles[language];
    sample->facts.anchor_at = moment(zone, 2026, 3, 23, CLOCK(9, 0));
    sample->facts.due_at = moment(zone, 2026, 3, 30, CLOCK(9, 0));
    sample->facts.now = moment(zone, 2026, 3, 30, CLOCK(9, 0) + 1);
    sample->done[0].at = moment(zone, 2026, 3, 27, CLOCK(8, 0));
}

static void expiry(const struct zone *zone, enum language language, struct notice_sample *sample)
{
    static const char *const titles[] = {"Hjemgivelsesperiode udløber", "Return period ends"};
    warning(zone, language, sample);
    become_rule(sample, RULE_EXPIRY, "K60", titles[language], "Barnets lov § 100, stk. 3-4",
                moment(zone, 2025, 8, 28, CLOCK(12, 0)));
    sample->facts.now = moment(zone, 2026, 2, 25, CLOCK(8, 0));
}

static void precondition(const struct zone *zone, enum language language, struct notice_sample *sample)
{
    static const char *const titles[] = {"Stillingtagen til barnets plan", "Whether the child needs a plan"};
    breach(zone, language, sample);
    become_rule(sample, RULE_PRECONDITION, "K32", titles[language], "Barnets lov § 91, stk. 1",
                moment(zone, 2026, 2, 28, CLOCK(9, 0)));
    sample->facts.done_count = 0;
}

// It counts from a birth, which is not told.
static const char *const birth_derivation[2][4] = {
    {"Regnes fra fødslen (»barn.foedt«).", "16 år frem.", "Dato: udgangen af lør. 28-02-2026.",
     "Hjemmel: Barnets lov § 108, stk. 1."},
    {"Counted from the birth (“barn.foedt”).", "16 years on.", "Due: the end of Sat 2026-02-28.",
     "Legal basis: Barnets lov § 108, stk. 1."}};

static void information(const struct zone *zone, enum language language, struct notice_sample *sample)
{
    static const char *const titles[] = {"Barnet fylder 16 år", "The child turns 16"};
    warning(zone, language, sample);
    become_rule(sample, RULE_INFORMATION, "K34", titles[language], NULL, INSTANT_NONE);
    sample->facts.derivation = birth_derivation[language];
    sample->facts.derivation_count = COUNT(birth_derivation[language]);
    sample->facts.subject = "";
    sample->facts.transition = TRANSITION_PASSED;
    sample->facts.state = STATE_PASSED;
    sample->facts.now = moment(zone, 2026, 3, 1, 0);
}

// An acknowledgement, and then a silence, both by the team leader.
static void acknowledged(const struct zone *zone, enum language language, struct notice_sample *sample)
{
    escalation(zone, language, sample);
    struct notice_done *done = sample->done;
    done[3] = (struct notice_done){.at = moment(zone, 2026, 3, 2, CLOCK(9, 40)),
                                   .what = TRANSITION_ACKNOWLEDGED,
                                   .person = "tl1",
                                   .person_role = "team_leader",
                                   .reason = "awaiting_citizen",
                                   .until = moment(zone, 2026, 3, 16, CLOCK(8, 0))};
    done[4] = done[3];
    done[4].at = moment(zone, 2026, 3, 5, CLOCK(12, 0));
    done[4].until = moment(zone, 2026, 3, 6, CLOCK(12, 0));
    done[4].reason = "maintenance";
    done[4].silenced = true;
    sample->facts.done_count = 5;
}

static void ended(const struct zone *zone, enum language language, struct notice_sample *sample)
{
    acknowledged(zone, language, sample);
    sample->facts.transition = TRANSITION_ACKNOWLEDGEMENT_ENDED;
    sample->facts.role = "team_leader";
    sample->facts.now = moment(zone, 2026, 3, 16, CLOCK(8, 0));
    sample->facts.done_count = 4;
}

// What became of what he was warned of.
static void news(const struct zone *zone, enum language language, enum transition_kind transition,
                 enum deadline_state state, struct notice_sample *sample)
{
    warning(zone, language, sample);
    sample->facts.transition = transition;
    sample->facts.state = state;
    sample->facts.now = moment(zone, 2026, 2, 20, CLOCK(8, 0));
    sample->done[1] = (struct notice_done){.at = moment(zone, 2026, 2, 19, CLOCK(14, 5)), .what = transition};
    sample->facts.done_count = 2;
}

static void late(const struct zone *zone, enum language language, struct notice_sample *sample)
{
    escalation(zone, language, sample);
    sample->facts.transition = TRANSITION_LATE;
    sample->facts.state = STATE_LATE;
    sample->facts.now = moment(zone, 2026, 3, 17, CLOCK(8, 0));
    sample->done[5] =
        (struct notice_done){.at = moment(zone, 2026, 3, 16, CLOCK(14, 5)), .what = TRANSITION_LATE};
    sample->facts.done_count = 6;
}

static void again(const struct zone *zone, enum language language, struct notice_sample *sample)
{
    warning(zone, language, sample);
    sample->facts.role = "team_leader";
    sample->facts.now = moment(zone, 2026, 2, 20, CLOCK(8, 0));
    sample->facts.done_count = 1;
}

static void to_substitute(const struct zone *zone, enum language language, struct notice_sample *sample)
{
    escalation(zone, language, sample);
    sample->facts.late = sample->facts.instead_of_another = true;
    sample->muted[0] = (struct notice_muted){"K212", moment(zone, 2026, 3, 2, END_OF_DAY)};
    sample->muted[1] = (struct notice_muted){"K72", moment(zone, 2026, 3, 4, END_OF_DAY)};
    sample->facts.muted = sample->muted;
    sample->facts.muted_count = COUNT(sample->muted);
}

static void repeated(const struct zone *zone, enum language language, struct notice_sample *sample)
{
    escalation(zone, language, sample);
    sample->facts.now = moment(zone, 2026, 3, 21, CLOCK(8, 0));
    sample->facts.done_count = 5;
}

static void sensitive(const struct zone *zone, enum language language, struct notice_sample *sample)
{
    warning(zone, language, sample);
    sample->facts.sensitive = true;
}

static void waited(const struct zone *zone, enum language language, struct notice_sample *sample)
{
    breach(zone, language, sample);
    sample->facts.waited = true;
    sample->facts.decided_at = sample->facts.now;
    sample->facts.now = moment(zone, 2026, 3, 2, CLOCK(8, 0));
}

static void silenced(const struct zone *zone, enum language language, struct notice_sample *sample)
{
    acknowledged(zone, language, sample);
    sample->facts.role = "team_leader";
    sample->facts.after_silence = true;
    sample->facts.now = moment(zone, 2026, 3, 6, CLOCK(12, 0));
    sample->done[3] = sample->done[4];
    sample->facts.done_count = 4;
}

static const char *const moved_derivation[2][4] = {
    {"4 måneder efter fre. 31-10-2025: lør. 28-02-2026, månedens sidste dag.",
     "Pause fra »sag.sat_i_bero« man. 02-02-2026 kl. 09.00.",
     "Pausen slut man. 16-02-2026 kl. 09.00. Fristen flyttes 14 dage.", "Hjemmel: Barnets lov § 20, stk. 3."},
    {"4 months after Fri 2025-10-31: Sat 2026-02-28, the last day of the month.",
     "Paused by “sag.sat_i_bero”, Mon 2026-02-02 at 09:00.",
     "Resumed Mon 2026-02-16 at 09:00. The deadline moves by 14 days.",
     "Legal basis: Barnets lov § 20, stk. 3."}};

static void moved(const struct zone *zone, enum language language, struct notice_sample *sample)
{
    news(zone, language, TRANSITION_MOVED, STATE_OPEN, sample);
    sample->facts.due_at = moment(zone, 2026, 3, 14, END_OF_DAY);
    sample->facts.derivation = moved_derivation[language];
    sample->facts.derivation_count = COUNT(moved_derivation[language]);
}

static void undated(const struct zone *zone, enum language language, struct notice_sample *sample)
{
    moved(zone, language, sample);
    sample->facts.due_at = INSTANT_NONE;
}

static void met(const struct zone *zone, enum language language, struct notice_sample *sample)
{
    news(zone, language, TRANSITION_MET, STATE_MET, sample);
}

static void cancelled(const struct zone *zone, enum language language, struct notice_sample *sample)
{
    news(zone, language, TRANSITION_CANCELLED, STATE_CANCELLED, sample);
}

static void withdrawn(const struct zone *zone, enum language language, struct notice_sample *sample)
{
    news(zone, language, TRANSITION_WITHDRAWN, STATE_CANCELLED, sample);
}

static void reopened(const struct zone *zone, enum language language, struct notice_sample *sample)
{
    news(zone, language, TRANSITION_REOPENED, STATE_OPEN, sample);
}

static void bare(const struct zone *zone, enum language language, struct notice_sample *sample)
{
    warning(zone, language, sample);
    sample->facts.subject = sample->facts.unit = "";
    sample->facts.link = sample->facts.title = NULL;
    sample->facts.anchor_at = INSTANT_NONE;
    sample->facts.derivation_count = 0;
}

// --- the list ---

enum entry { ENTRY_NONE, ENTRY_COMES, ENTRY_GOES };
static const struct {
    struct mail_sample sample;
    void (*make)(const struct zone *zone, enum language language, struct notice_sample *sample);
    enum entry entry;
} samples[] = {
    {{"warning", "a statutory deadline comes near (default; with a calendar entry)"}, warning, ENTRY_COMES},
    {{"again", "the second warning, to the team leader"}, again, ENTRY_NONE},
    {{"breach", "a statutory deadline has passed"}, breach, ENTRY_NONE},
    {{"escalation", "it is still in breach a week later; to a substitute, late, and it mutes smaller ones"},
     to_substitute,
     ENTRY_NONE},
    {{"repeated", "it is still in breach, told for the third time"}, repeated, ENTRY_NONE},
    {{"hours", "a deadline in hours, not yet over"}, hours, ENTRY_NONE},
    {{"own", "the municipality's own deadline was not kept"}, own, ENTRY_NONE},
    {{"target", "the municipality's own target was not reached"}, target, ENTRY_NONE},
    {{"series", "a weekly follow-up was missed three times in a row"}, series, ENTRY_NONE},
    {{"expiry", "a decision expires by itself in three days"}, expiry, ENTRY_NONE},
    {{"precondition", "what the law wants first was not there"}, precondition, ENTRY_NONE},
    {{"information", "a date for information has come"}, information, ENTRY_NONE},
    {{"sensitive", "a rule whose name is not said in mails"}, sensitive, ENTRY_NONE},
    {{"waited", "it was held back for office hours"}, waited, ENTRY_NONE},
    {{"acknowledged", "to the next level, which reads of an acknowledgement and a silence"},
     acknowledged,
     ENTRY_NONE},
    {{"ended", "an acknowledgement has ended"}, ended, ENTRY_NONE},
    {{"silenced", "told with the end of a silence"}, silenced, ENTRY_NONE},
    {{"moved", "the date has moved (updates the calendar entry)"}, moved, ENTRY_COMES},
    {{"undated", "there is no date any more (takes the entry back)"}, undated, ENTRY_GOES},
    {{"met", "it was done in time (takes the entry back)"}, met, ENTRY_GOES},
    {{"late", "it was done, but too late"}, late, ENTRY_GOES},
    {{"cancelled", "it no longer applies"}, cancelled, ENTRY_GOES},
    {{"withdrawn", "what it came from is no longer there"}, withdrawn, ENTRY_GOES},
    {{"reopened", "it is not done after all"}, reopened, ENTRY_COMES},
    {{"bare", "few facts: no unit, no subject, no link, nobody told before"}, bare, ENTRY_NONE},
};

const struct mail_sample *notice_sample_at(size_t index)
{
    return index < COUNT(samples) ? &samples[index].sample : NULL;
}

size_t notice_sample_named(const char *name)
{
    size_t index = 0;
    while (index + 1 < COUNT(samples) && strcmp(samples[index].sample.name, name) != 0)
        index++;
    return index;
}

void notice_sample_make(const struct zone *zone, enum language language, size_t index,
                        struct notice_sample *ret_sample)
{
    *ret_sample = (struct notice_sample){0};
    samples[index].make(zone, language, ret_sample);
}

bool notice_sample_has_entry(size_t index, bool *ret_cancelled)
{
    *ret_cancelled = samples[index].entry == ENTRY_GOES;
    return samples[index].entry != ENTRY_NONE;
}
