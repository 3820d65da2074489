// SPDX-License-Identifier: MPL-2.0
#include "core/operator_words.h"

#include <string.h>

#define LANGUAGES 2

// --- What cannot be right, and what did not get through ---

static const char *fault_words(enum language language, const char *code)
{
    static const struct phrase_translation faults[] = {
        {"stop_before_start",
         {"en opgave er registreret som løst, før den er registreret som begyndt",
          "a task is recorded as done before it is recorded as begun"}},
        {"double_start",
         {"to hændelser på samme tidspunkt begynder den samme frist",
          "two events at the same moment begin the same deadline"}},
        {"due_on_missing",
         {"en hændelse mangler den dato, som fristen skal beregnes af",
          "an event lacks the date that the deadline depends on"}},
        {"due_on_early",
         {"en hændelse bærer en dato, der ligger før hændelsen selv",
          "an event carries a date before the event itself"}},
        {"no_deadline_to_share", {"der er ingen åben frist at følge", "there is no open deadline to share"}},
        {"birth_in_future", {"en fødselsdato ligger i fremtiden", "a date of birth lies in the future"}},
        {"duplicate_event",
         {"det samme hændelses-id findes flere gange", "the same event id is there more than once"}},
        {"unknown_case",
         {"en hændelse hører til en sag, der ikke findes", "an event belongs to a case that does not exist"}},
        {"bad_row", {"en række kan ikke læses", "a row cannot be read"}},
        {"two_addresses", {"en person har flere mailadresser", "a person has more than one mail address"}},
        {"bad_address", {"en mailadresse kan ikke bruges", "a mail address cannot be used"}},
        {"two_parents", {"en enhed har flere overenheder", "a unit has more than one parent"}},
        {"unknown_unit", {"en enhed, der henvises til, findes ikke", "a unit that is named does not exist"}},
        {"unit_circle", {"en enhed ligger under sig selv", "a unit lies below itself"}},
        {"unknown_substitute",
         {"en stedfortræder, der henvises til, findes ikke", "a substitute who is named does not exist"}},
        {"substitute_circle",
         {"stedfortrædere i ring er fraværende på samme tid",
          "substitutes in a circle are away at the same time"}},
        {"away_backwards", {"et fravær slutter, før det begynder", "an absence ends before it begins"}},
        {"unknown_kind",
         {"en hændelse er af en art, som ingen regel kender", "an event is of a kind that no rule knows"}}};
    return phrase_translate(language, faults, sizeof faults / sizeof faults[0], code);
}

// detail: a code, or of a person or unit "CODE ID"; the id may be missing where it cannot be read.
static void fill_fault(enum language language, const char *pattern, const char *detail, struct buffer *into)
{
    struct buffer code = {0}, words = {0};
    size_t length = strcspn(detail, " ");
    buffer_add(&code, detail, length);
    buffer_add_string(&words, fault_words(language, code.length ? code.data : ""));
    if (detail[length] && detail[length + 1])
        buffer_format(&words, " (%s)", detail + length + 1);
    phrase_fill(pattern, words.data, into);
    buffer_done(&code);
    buffer_done(&words);
}

enum operator_topic phrase_topic(const char *what)
{
    static const struct {
        const char *what;
        enum operator_topic topic;
    } topics[] = {{"data_fault", TOPIC_FAULTS},           {"deadline_moved", TOPIC_RULES},
                  {"deadline_closed", TOPIC_RULES},       {"deadline_gone", TOPIC_RULES},
                  {"deadline_breached", TOPIC_RULES},     {"silence_started", TOPIC_SILENCE},
                  {"silence_ended", TOPIC_SILENCE_ENDED}, {"reach_whole", TOPIC_REACHED}};
    for (size_t i = 0; i < sizeof topics / sizeof topics[0]; i++)
        if (strcmp(topics[i].what, what) == 0)
            return topics[i].topic;
    return TOPIC_TROUBLE;
}

const char *phrase_operator_heading(enum language language, enum operator_topic topic)
{
    static const char *const topics[LANGUAGES][TOPIC_REACHED + 1] = {
        {[TOPIC_TROUBLE] = "Beskeder når ikke frem",
         [TOPIC_FAULTS] = "Fejl i sagsdata",
         [TOPIC_RULES] = "Ændrede regler har ændret åbne frister",
         [TOPIC_SILENCE] = "Varsler er sat på pause",
         [TOPIC_SILENCE_ENDED] = "En pause for varsler er slut",
         [TOPIC_REACHED] = "Alle trin når igen nogen"},
        {[TOPIC_TROUBLE] = "Messages do not get through",
         [TOPIC_FAULTS] = "Faults in the case data",
         [TOPIC_RULES] = "Changed rules have changed open deadlines",
         [TOPIC_SILENCE] = "Warnings are silenced",
         [TOPIC_SILENCE_ENDED] = "A silence has ended",
         [TOPIC_REACHED] = "Every step reaches somebody again"}};
    return topics[language][topic];
}

// "REPORT, ROLE …": the role in words.
static void fill_report(enum language language, const char *pattern, const char *detail, struct buffer *into)
{
    struct buffer role = {0}, words = {0};
    const char *comma = strstr(detail, ", ");
    const char *begin = comma ? comma + 2 : detail;
    size_t length = comma ? strcspn(begin, " ") : 0;
    buffer_add(&role, begin, length);
    buffer_add(&words, detail, (size_t)(begin - detail));
    buffer_format(&words, "%s%s", phrase_role(language, role.data), begin + length);
    phrase_fill(pattern, words.data, into);
    buffer_done(&role);
    buffer_done(&words);
}

void phrase_trouble(enum language language, const char *what, const char *detail, struct buffer *into)
{
    static const struct phrase_translation patterns[] = {
        {"step_reached_nobody",
         {"Ingen med rollen % kunne nås. Er rollen besat, har personen en mailadresse, og er der en "
          "stedfortræder ved fravær?",
          "Nobody in the role of % could be reached. Is the role held, does the person have a mail address, "
          "and is there a substitute for absence?"}},
        {"notice_given_up",
         {"En besked kunne ikke leveres og er opgivet (%). Næste niveau får besked, hvis der er et.",
          "A message could not be delivered and was given up (%). The next level is told, if there is one."}},
        {"reach_hole",
         {"Et trin vil ikke nå nogen: %. Er rollen besat, og er der en stedfortræder ved fravær?",
          "A step will reach nobody: %. Is the role held, and is there a substitute for absence?"}},
        {"silence_started", {"Det gælder %.", "It covers %."}},
        {"silence_ended", {"Den gjaldt %.", "It covered %."}},
        {"address_refused",
         {"En persons mailadresse er afvist tre gange (%). Ret den i fagsystemet; indtil da går beskederne "
          "videre til næste niveau.",
          "A person's mail address was refused three times (%). Correct it in the case system; until then "
          "messages go on to the next level."}},
        {"backlog_reached_nobody",
         {"Listen over gamle frister nåede ingen: sagsbehandleren % kan ikke nås, og ingen er stedfortræder. "
          "Lederne har antallene og de værste.",
          "The list of old deadlines reached nobody: the caseworker % cannot be reached, and nobody stands "
          "in. "
          "The leaders have the counts and the worst."}},
        {"reach_whole",
         {"Hvert trin i hver åben frist når nogen, i dag og de næste otte uger.",
          "Each step of each open deadline reaches somebody, today and in the next eight weeks."}},
        {"deadline_moved",
         {"Ændrede regler har flyttet en åben frist: %", "Changed rules have moved an open deadline: %"}},
        {"deadline_closed",
         {"Ændrede regler har lukket en åben frist (%)", "Changed rules have closed an open deadline (%)"}},
        {"deadline_gone",
         {"Ændrede regler har fjernet en åben frist (%)",
          "Changed rules have taken away an open deadline (%)"}},
        {"deadline_breached",
         {"Efter ændrede regler er en frist overskredet (%)", "By changed rules a deadline is breached (%)"}},
        {"report_not_sent",
         {"En rapport nåede ikke frem: %. Lederen over har fået den, hvis der er en.",
          "A report did not get through: %. The leader above has it, if there is one."}},
        {"data_fault", {"%", "%"}}};
    const char *pattern = phrase_translate(language, patterns, sizeof patterns / sizeof patterns[0], what);
    if (strcmp(what, "data_fault") == 0) {
        fill_fault(language, pattern, detail, into);
        return;
    }
    if (strcmp(what, "report_not_sent") == 0) {
        fill_report(language, pattern, detail, into);
        return;
    }
    if (strcmp(what, "step_reached_nobody") == 0)
        detail = phrase_role(language, detail);
    phrase_fill(pattern, detail, into);
}

// --- Who cannot be reached, and when ---

// "3. januar 2027", "21. december 2026 – 3. januar 2027", "fra 21. december 2026" to the end of what is
// known.
static void add_days(enum language language, civil_date today, uint64_t bits, struct buffer *into)
{
    const char *separator = "";
    for (int first = 0; first < REACH_DAYS; first++) {
        if (!(bits >> first & 1))
            continue;
        int last = first;
        while (last + 1 < REACH_DAYS && bits >> (last + 1) & 1)
            last++;
        bool open = last == REACH_DAYS - 1;
        buffer_format(into, "%s%s", separator, !open ? "" : language == LANGUAGE_DA ? "fra " : "from ");
        phrase_date(language, today + first, into);
        if (!open && last > first) {
            buffer_add_string(into, " – ");
            phrase_date(language, today + last, into);
        }
        separator = ", ";
        first = last;
    }
}

void phrase_reach_hole(enum language language, civil_date today, const struct reach_hole *hole,
                       struct buffer *into)
{
    bool danish = language == LANGUAGE_DA;
    buffer_add_string(into, *hole->unit ? hole->unit : danish ? "sager uden enhed" : "cases without a unit");
    for (int i = 0; i < hole->stage->to_count; i++)
        buffer_format(into, "%s%s", i > 0 ? ", " : " (", phrase_role(language, hole->stage->to[i]));
    buffer_add_string(into, "), ");
    add_days(language, today, hole->days, into);
    if (hole->lost)
        buffer_add_string(into, danish ? "; heller ikke noget senere trin når nogen"
                                       : "; and nor does any later step");
}

// --- Silences ---

static void add_covered(enum language language, const struct silence_words *words, struct buffer *into)
{
    const struct silence *silence = words->silence;
    bool danish = language == LANGUAGE_DA;
    const char *in = danish ? " i " : " in ";
    if (silence->rule)
        buffer_format(into, danish ? "reglen %s" : "the rule %s", silence->rule);
    if (silence->unit)
        buffer_format(into, danish ? "%senheden %s" : "%sthe unit %s", silence->rule ? in : "",
                      silence->unit);
    if (silence->unit && words->units_below > 0)
        buffer_format(into, danish ? " med %d underliggende %s" : " with the %d %s below it",
                      words->units_below,
                      danish ? (words->units_below == 1 ? "enhed" : "enheder")
                             : (words->units_below == 1 ? "unit" : "units"));
    if (silence->case_id)
        buffer_format(into, danish ? "%ssagen %s" : "%sthe case %s", silence->rule || silence->unit ? in : "",
                      silence->case_id);
}

// "4 varsler på 2 frister er ikke sendt; 1 af fristerne er stadig åben og varsles nu".
static void add_hidden(enum language language, const struct silence_words *words, struct buffer *into)
{
    bool danish = language == LANGUAGE_DA;
    if (words->hidden == 0) {
        buffer_add_string(into, danish ? "Ingen varsler er holdt tilbage" : "No steps were hidden");
        return;
    }
    buffer_format(into, danish ? "%d %s på %d %s er ikke sendt; " : "%d %s of %d %s %s hidden; ",
                  words->hidden,
                  danish               ? words->hidden == 1 ? "varsel" : "varsler"
                  : words->hidden == 1 ? "step"
                                       : "steps",
                  words->of_deadlines,
                  danish                     ? words->of_deadlines == 1 ? "frist" : "frister"
                  : words->of_deadlines == 1 ? "deadline"
                                             : "deadlines",
                  words->hidden == 1 ? "was" : "were");
    if (words->undone == 0)
        buffer_add_string(into, danish ? "ingen af fristerne er åbne længere"
                                       : "none of the deadlines is open any more");
    else
        buffer_format(into,
                      danish ? "%d af fristerne er stadig %s og varsles nu"
                             : "%d of the deadlines %s still open and told now",
                      words->undone,
                      danish               ? words->undone == 1 ? "åben" : "åbne"
                      : words->undone == 1 ? "is"
                                           : "are");
}

void phrase_silence(enum language language, const struct zone *zone, const struct silence_words *words,
                    struct buffer *into)
{
    const struct silence *silence = words->silence;
    bool danish = language == LANGUAGE_DA;
    add_covered(language, words, into);
    buffer_add_string(into, danish ? ", fra " : ", from ");
    phrase_moment(language, zone, silence->from, into);
    buffer_add_string(into, danish ? " til " : " to ");
    phrase_moment(language, zone, silence->until, into);
    buffer_add_string(into, danish ? ", sat" : ", set");
    phrase_author(language, words->person, words->person_role, into);
    buffer_format(into, ": %s. ", phrase_silence_reason(language, words->reason));
    if (words->ended)
        add_hidden(language, words, into);
    else
        buffer_format(into,
                      danish
                          ? "Åbne frister, der er omfattet: %d, heraf overskredet: %d. Fristerne løber videre"
                          : "Open deadlines covered: %d, breached: %d. Their clocks go on",
                      words->covered, words->breached);
}
