// SPDX-License-Identifier: MPL-2.0
#include "core/phrases.h"

#include <stdio.h>
#include <string.h>

#define LANGUAGES 2
#define KINDS     (RULE_INFORMATION + 1)

#define DAY_SECONDS     INT64_C(86400)
#define LAST_SECOND     (DAY_SECONDS - 1)
#define HOURS_COUNT_FOR (2 * DAY_SECONDS) // nearer than this a time is given in hours

void phrase_fill(const char *pattern, const char *value, struct buffer *into)
{
    for (const char *mark; (mark = strchr(pattern, '%')); pattern = mark + 1) {
        buffer_add(into, pattern, (size_t)(mark - pattern));
        buffer_add_string(into, value);
    }
    buffer_add_string(into, pattern);
}

// --- Dates ---

static const char months[LANGUAGES][12][12] = {{"januar", "februar", "marts", "april", "maj", "juni", "juli",
                                                "august", "september", "oktober", "november", "december"},
                                               {"January", "February", "March", "April", "May", "June",
                                                "July", "August", "September", "October", "November",
                                                "December"}};

static const char weekdays[LANGUAGES][7][12] = {
    {"mandag", "tirsdag", "onsdag", "torsdag", "fredag", "lørdag", "søndag"},
    {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"}};

void phrase_date(enum language language, civil_date date, struct buffer *into)
{
    struct ymd ymd = civil_to_ymd(date);
    buffer_format(into, language == LANGUAGE_DA ? "%d. %s %d" : "%d %s %d", ymd.day,
                  months[language][ymd.month - 1], ymd.year);
}

void phrase_full_date(enum language language, civil_date date, struct buffer *into)
{
    buffer_format(into, language == LANGUAGE_DA ? "%s den " : "%s ", weekdays[language][civil_weekday(date)]);
    phrase_date(language, date, into);
}

static void add_time(enum language language, int second, struct buffer *into)
{
    buffer_format(into, language == LANGUAGE_DA ? " kl. %02d.%02d" : " at %02d:%02d", second / 3600,
                  second / 60 % 60);
}

void phrase_moment(enum language language, const struct zone *zone, instant at, struct buffer *into)
{
    struct civil_time local = zone_to_civil(zone, at);
    phrase_date(language, local.date, into);
    add_time(language, local.second, into);
}

void phrase_full_moment(enum language language, const struct zone *zone, instant at, struct buffer *into)
{
    struct civil_time local = zone_to_civil(zone, at);
    phrase_full_date(language, local.date, into);
    add_time(language, local.second, into);
}

void phrase_due(enum language language, const struct zone *zone, enum rule_kind kind, instant due,
                struct buffer *into)
{
    static const char none[LANGUAGES][24] = {"endnu ikke fastsat", "not yet set"};
    static const char whole_day[LANGUAGES][24] = {"til og med ", "up to and including "};
    static const char expires[LANGUAGES][24] = {"med udgangen af ", "at the end of "};
    static const char no_later[LANGUAGES][24] = {"senest ", "no later than "};
    if (due == INSTANT_NONE) {
        buffer_add_string(into, none[language]);
        return;
    }
    struct civil_time local = zone_to_civil(zone, due);
    bool at_end = local.second == LAST_SECOND;
    if (at_end && kind != RULE_INFORMATION)
        buffer_add_string(into, kind == RULE_EXPIRY         ? expires[language]
                                : kind == RULE_PRECONDITION ? no_later[language]
                                                            : whole_day[language]);
    phrase_full_date(language, local.date, into);
    if (!at_end)
        add_time(language, local.second, into);
}

void phrase_short_due(enum language language, const struct zone *zone, instant due, struct buffer *into)
{
    static const char none[LANGUAGES][16] = {"uden dato", "without a date"};
    if (due == INSTANT_NONE) {
        buffer_add_string(into, none[language]);
        return;
    }
    struct civil_time local = zone_to_civil(zone, due);
    phrase_date(language, local.date, into);
    if (local.second != LAST_SECOND)
        add_time(language, local.second, into);
}

// --- Spans of time ---

struct unit {
    char one[16], many[16];
};

static const struct unit minutes[LANGUAGES] = {{"minut", "minutter"}, {"minute", "minutes"}};
static const struct unit hours[LANGUAGES] = {{"time", "timer"}, {"hour", "hours"}};
static const struct unit days[LANGUAGES] = {{"dag", "dage"}, {"day", "days"}};

static void add_amount(const struct unit *unit, int64_t amount, struct buffer *into)
{
    buffer_format(into, "%lld %s", (long long)amount, amount == 1 ? unit->one : unit->many);
}

// Between two instants a few hours apart, rounded down, but never to nothing.
static void add_hours(enum language language, int64_t seconds, struct buffer *into)
{
    if (seconds >= 3600)
        add_amount(&hours[language], seconds / 3600, into);
    else
        add_amount(&minutes[language], seconds < 60 ? 1 : seconds / 60, into);
}

static bool counts_in_hours(const struct zone *zone, instant due, int64_t seconds)
{
    return seconds < HOURS_COUNT_FOR && zone_to_civil(zone, due).second != LAST_SECOND;
}

void phrase_remaining(enum language language, const struct zone *zone, instant due, instant now,
                      struct buffer *into)
{
    static const char in[LANGUAGES][4] = {"om ", "in "};
    static const char near[LANGUAGES][2][16] = {{"i dag", "i morgen"}, {"today", "tomorrow"}};
    int64_t ahead = (int64_t)zone_date(zone, due) - zone_date(zone, now);
    if (counts_in_hours(zone, due, due - now)) {
        buffer_add_string(into, in[language]);
        add_hours(language, due - now, into);
    } else if (ahead <= 1) {
        buffer_add_string(into, near[language][ahead == 1]);
    } else {
        buffer_add_string(into, in[language]);
        add_amount(&days[language], ahead, into);
    }
}

void phrase_overdue(enum language language, const struct zone *zone, instant due, instant now,
                    struct buffer *into)
{
    int64_t behind = (int64_t)zone_date(zone, now) - zone_date(zone, due);
    if (counts_in_hours(zone, due, now - due))
        add_hours(language, now - due, into);
    else
        add_amount(&days[language], behind < 1 ? 1 : behind, into);
}

// --- Roles and kinds ---

const char *phrase_role(enum language language, const char *role)
{
    static const struct {
        char role[20];
        char label[LANGUAGES][24];
    } known[] = {{"caseworker", {"sagsbehandler", "caseworker"}},
                 {"team_leader", {"teamleder", "team leader"}},
                 {"department_head", {"afdelingsleder", "head of department"}},
                 {"centre_head", {"centerchef", "head of centre"}}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(known[i].role, role) == 0)
            return known[i].label[language];
    return role;
}

const char *phrase_kind(enum language language, enum rule_kind kind)
{
    static const char *const names[LANGUAGES][KINDS] = {{[RULE_STATUTORY] = "lovbestemt frist",
                                                         [RULE_OWN] = "kommunens egen frist",
                                                         [RULE_TARGET] = "kommunens eget mål",
                                                         [RULE_EXPIRY] = "udløb",
                                                         [RULE_PRECONDITION] = "forudsætning i loven",
                                                         [RULE_INFORMATION] = "orientering"},
                                                        {[RULE_STATUTORY] = "statutory deadline",
                                                         [RULE_OWN] = "the municipality's own deadline",
                                                         [RULE_TARGET] = "the municipality's own target",
                                                         [RULE_EXPIRY] = "expiry",
                                                         [RULE_PRECONDITION] = "precondition set by law",
                                                         [RULE_INFORMATION] = "for information"}};
    return names[language][kind];
}

const char *phrase_due_label(enum language language, enum rule_kind kind)
{
    static const char *const names[LANGUAGES][KINDS] = {{[RULE_STATUTORY] = "frist",
                                                         [RULE_OWN] = "egen frist",
                                                         [RULE_TARGET] = "mål",
                                                         [RULE_EXPIRY] = "udløb",
                                                         [RULE_PRECONDITION] = "forudsætning",
                                                         [RULE_INFORMATION] = "dato"},
                                                        {[RULE_STATUTORY] = "deadline",
                                                         [RULE_OWN] = "own deadline",
                                                         [RULE_TARGET] = "target",
                                                         [RULE_EXPIRY] = "expiry",
                                                         [RULE_PRECONDITION] = "precondition",
                                                         [RULE_INFORMATION] = "date"}};
    return names[language][kind];
}

const char *phrase_not_statutory(enum language language, enum rule_kind kind)
{
    static const char *const words[LANGUAGES][KINDS] = {
        {[RULE_OWN] = "Fristen er fastsat af kommunen og er ikke lovbestemt.",
         [RULE_TARGET] = "Målet er fastsat af kommunen og er ikke en lovbestemt frist."},
        {[RULE_OWN] = "This deadline is set by the municipality and is not statutory.",
         [RULE_TARGET] = "This target is set by the municipality and is not a statutory deadline."}};
    return words[language][kind] ? words[language][kind] : "";
}

// --- What is said of a deadline, by its kind and where it stands ---

typedef const char *sentences[LANGUAGES][KINDS][MOMENT_COUNT];

static const sentences headings = {
    {[RULE_STATUTORY] = {"Lovbestemt frist udløber %", "Lovbestemt frist er overskredet",
                         "Lovbestemt frist har været overskredet i %",
                         "Tilbagevendende lovbestemt frist er overskredet",
                         "Tilbagevendende lovbestemt frist er overskredet % gange i træk"},
     [RULE_OWN] = {"Kommunens egen frist udløber %", "Kommunens egen frist er ikke holdt",
                   "Kommunens egen frist er stadig ikke holdt efter %",
                   "Kommunens egen tilbagevendende frist er ikke holdt",
                   "Kommunens egen tilbagevendende frist er ikke holdt % gange i træk"},
     [RULE_TARGET] = {"Kommunens eget mål skal være nået %", "Kommunens eget mål er ikke nået",
                      "Kommunens eget mål er stadig ikke nået efter %",
                      "Kommunens eget tilbagevendende mål er ikke nået",
                      "Kommunens eget tilbagevendende mål er ikke nået % gange i træk"},
     [RULE_EXPIRY] = {"En afgørelse eller ydelse i sagen udløber %",
                      "En afgørelse eller ydelse i sagen er udløbet",
                      "En afgørelse eller ydelse i sagen udløb for % siden",
                      "En tilbagevendende udløbsdato i sagen er passeret",
                      "En tilbagevendende udløbsdato i sagen er passeret % gange i træk"},
     [RULE_PRECONDITION] = {"En forudsætning i loven skal være opfyldt %",
                            "En forudsætning i loven var ikke opfyldt",
                            "En forudsætning i loven er stadig ikke opfyldt efter %",
                            "En tilbagevendende forudsætning i loven var ikke opfyldt",
                            "En tilbagevendende forudsætning i loven var ikke opfyldt % gange i træk"},
     [RULE_INFORMATION] = {"Til orientering: en dato i sagen nærmer sig (%)",
                           "Til orientering: en dato i sagen er passeret",
                           "Til orientering: en dato i sagen blev passeret for % siden",
                           "Til orientering: en tilbagevendende dato i sagen er passeret",
                           "Til orientering: en tilbagevendende dato i sagen er passeret % gange i træk"}},
    {[RULE_STATUTORY] = {"Statutory deadline expires %", "Statutory deadline has been breached",
                         "Statutory deadline has been in breach for %",
                         "Recurring statutory deadline has been breached",
                         "Recurring statutory deadline has been breached % times in a row"},
     [RULE_OWN] = {"The municipality's own deadline expires %",
                   "The municipality's own deadline was not kept",
                   "The municipality's own deadline is still not kept after %",
                   "The municipality's own recurring deadline was not kept",
                   "The municipality's own recurring deadline was not kept % times in a row"},
     [RULE_TARGET] = {"The municipality's own target is to be reached %",
                      "The municipality's own target was not reached",
                      "The municipality's own target is still not reached after %",
                      "The municipality's own recurring target was not reached",
                      "The municipality's own recurring target was not reached % times in a row"},
     [RULE_EXPIRY] = {"A decision or benefit in the case expires %",
                      "A decision or benefit in the case has expired",
                      "A decision or benefit in the case expired % ago",
                      "A recurring expiry date in the case has passed",
                      "A recurring expiry date in the case has passed % times in a row"},
     [RULE_PRECONDITION] = {"A precondition set by law must be met %",
                            "A precondition set by law was not met",
                            "A precondition set by law is still not met after %",
                            "A recurring precondition set by law was not met",
                            "A recurring precondition set by law was not met % times in a row"},
     [RULE_INFORMATION] = {"For information: a date in the case is coming up (%)",
                           "For information: a date in the case has passed",
                           "For information: a date in the case passed % ago",
                           "For information: a recurring date in the case has passed",
                           "For information: a recurring date in the case has passed % times in a row"}}};

static const sentences reasons = {
    {[RULE_STATUTORY] =
         {"den lovbestemte frist udløber %, og opgaven endnu ikke er registreret som løst",
          "den lovbestemte frist er udløbet, uden at opgaven er registreret som løst",
          "den lovbestemte frist udløb for % siden, og opgaven stadig ikke er registreret som løst",
          "den seneste af sagens tilbagevendende lovbestemte frister er udløbet, uden at opgaven er "
          "registreret som løst",
          "de seneste % af sagens tilbagevendende lovbestemte frister er udløbet, uden at opgaven er "
          "registreret som løst"},
     [RULE_OWN] =
         {"kommunens egen frist udløber %, og opgaven endnu ikke er registreret som løst",
          "kommunens egen frist er passeret, uden at opgaven er registreret som løst",
          "kommunens egen frist blev passeret for % siden, og opgaven stadig ikke er registreret som løst",
          "opgaven skal løses med faste mellemrum, som kommunen selv har fastsat, og den seneste gang ikke "
          "er "
          "registreret",
          "opgaven skal løses med faste mellemrum, som kommunen selv har fastsat, og de seneste % gange ikke "
          "er registreret"},
     [RULE_TARGET] =
         {"kommunens eget mål skal være nået %, og opgaven endnu ikke er registreret som løst",
          "datoen for kommunens eget mål er passeret, uden at opgaven er registreret som løst",
          "kommunens eget mål skulle være nået for % siden, og opgaven stadig ikke er registreret som løst",
          "kommunens eget tilbagevendende mål ikke er nået den seneste gang",
          "kommunens eget tilbagevendende mål ikke er nået de seneste % gange"},
     [RULE_EXPIRY] =
         {"en afgørelse eller ydelse i sagen udløber % og ophører, hvis der ikke sker noget forinden",
          "en afgørelse eller ydelse i sagen er udløbet og dermed ophørt",
          "en afgørelse eller ydelse i sagen udløb for % siden og dermed er ophørt",
          "en tilbagevendende udløbsdato i sagen er passeret",
          "en tilbagevendende udløbsdato i sagen er passeret % gange i træk"},
     [RULE_PRECONDITION] =
         {"noget, som efter loven skal foreligge først, skal være på plads %, og endnu ikke er "
          "registreret",
          "noget, som efter loven skal foreligge først, ikke var registreret, da næste skridt blev "
          "taget",
          "noget, som efter loven skal foreligge først, stadig ikke er registreret efter %",
          "noget, som efter loven skal foreligge hver gang, ikke var registreret den seneste gang",
          "noget, som efter loven skal foreligge hver gang, ikke var registreret de seneste % "
          "gange"},
     [RULE_INFORMATION] = {"en dato i sagen, som du skal kende, nærmer sig (%)",
                           "en dato i sagen, som du skal kende, er passeret",
                           "en dato i sagen, som du skal kende, blev passeret for % siden",
                           "en tilbagevendende dato i sagen, som du skal kende, er passeret",
                           "en tilbagevendende dato i sagen, som du skal kende, er passeret % gange i træk"}},
    {[RULE_STATUTORY] =
         {"the statutory deadline expires % and the task has not yet been recorded as done",
          "the statutory deadline has expired and the task has not been recorded as done",
          "the statutory deadline expired % ago and the task has still not been recorded as done",
          "the last of the case's recurring statutory deadlines has expired and the task has not "
          "been recorded as done",
          "the last % of the case's recurring statutory deadlines have expired and the task has not "
          "been recorded as done"},
     [RULE_OWN] =
         {"the municipality's own deadline expires % and the task has not yet been recorded as done",
          "the municipality's own deadline has passed and the task has not been recorded as done",
          "the municipality's own deadline passed % ago and the task has still not been recorded as done",
          "the task is to be done at regular intervals set by the municipality, and it was not recorded the "
          "last time",
          "the task is to be done at regular intervals set by the municipality, and it was not recorded the "
          "last % times"},
     [RULE_TARGET] =
         {"the municipality's own target is to be reached % and the task has not yet been recorded as done",
          "the date of the municipality's own target has passed and the task has not been recorded as done",
          "the municipality's own target was due % ago and the task has still not been recorded as done",
          "the municipality's own recurring target was not reached the last time",
          "the municipality's own recurring target was not reached the last % times"},
     [RULE_EXPIRY] =
         {"a decision or benefit in the case expires % and ends by itself unless something is done before",
          "a decision or benefit in the case has expired and so has ended",
          "a decision or benefit in the case expired % ago and so has ended",
          "a recurring expiry date in the case has passed",
          "a recurring expiry date in the case has passed % times in a row"},
     [RULE_PRECONDITION] =
         {"something that the law requires to be in place first is needed % and has not yet been recorded",
          "something that the law requires to be in place first was not recorded when the next step was "
          "taken",
          "something that the law requires to be in place first has still not been recorded after %",
          "something that the law requires to be in place each time was not recorded the last time",
          "something that the law requires to be in place each time was not recorded the last % times"},
     [RULE_INFORMATION] = {
         "a date in the case that you need to know about is coming up (%)",
         "a date in the case that you need to know about has passed",
         "a date in the case that you need to know about passed % ago",
         "a recurring date in the case that you need to know about has passed",
         "a recurring date in the case that you need to know about has passed % times in a row"}}};

void phrase_heading(enum language language, enum rule_kind kind, enum moment moment, const char *amount,
                    struct buffer *into)
{
    phrase_fill(headings[language][kind][moment], amount, into);
}

void phrase_reason(enum language language, enum rule_kind kind, enum moment moment, const char *amount,
                   struct buffer *into)
{
    phrase_fill(reasons[language][kind][moment], amount, into);
}

// --- What to do next ---

const char *phrase_next(enum language language, enum rule_kind kind, enum next_step step, bool leads)
{
    static const char *const news[LANGUAGES][NEXT_STEPS] = {
        {[NEXT_MOVED] = "Den tidligere dato gælder ikke længere.",
         [NEXT_REOPENED] = "Opgaven er ikke længere registreret som løst: datoen gælder igen.",
         [NEXT_NOTHING] = "Du skal ikke gøre mere."},
        {[NEXT_MOVED] = "The earlier date no longer applies.",
         [NEXT_REOPENED] = "The task is no longer recorded as done: the date applies again.",
         [NEXT_NOTHING] = "There is nothing more for you to do."}};
    // [leads][ahead, broken, series]
    static const char *const tasks[LANGUAGES][2][3] = {
        {{"Løs opgaven i tide, og registrér det i fagsystemet. Så kommer der ikke flere påmindelser.",
          "Løs opgaven hurtigst muligt, og registrér det i fagsystemet. Så stopper påmindelserne.",
          "Løs opgaven nu, og registrér det i fagsystemet."},
         {"Sørg for, at opgaven bliver løst i tide og registreret i fagsystemet. Så kommer der ikke flere "
          "påmindelser.",
          "Aftal med sagsbehandleren, hvornår opgaven bliver løst. Når det er registreret i fagsystemet, "
          "stopper påmindelserne.",
          "Aftal med sagsbehandleren, hvornår opgaven bliver løst og registreret i fagsystemet."}},
        {{"Do the task in time and record it in the case system. There will then be no more reminders.",
          "Do the task as soon as possible and record it in the case system. Then the reminders stop.",
          "Do the task now and record it in the case system."},
         {"Make sure that the task is done in time and recorded in the case system. There will then be "
          "no more reminders.",
          "Agree with the caseworker when the task will be done. Once it is recorded in the case system, the "
          "reminders stop.",
          "Agree with the caseworker when the task will be done and recorded in the case system."}}};
    static const char *const expiries[LANGUAGES][2][2] = {
        {{"Tag stilling til, hvad der skal ske, før afgørelsen eller ydelsen ophører, og registrér det i "
          "fagsystemet.",
          "Tag stilling til, om der skal træffes en ny afgørelse."},
         {"Sørg for, at der bliver taget stilling, før afgørelsen eller ydelsen ophører.",
          "Sørg for, at der bliver taget stilling til, om der skal træffes en ny afgørelse."}},
        {{"Decide what is to happen before the decision or benefit ends, and record it in the case system.",
          "Decide whether a new decision is needed."},
         {"Make sure that somebody decides before the decision or benefit ends.",
          "Make sure that somebody decides whether a new decision is needed."}}};
    static const char *const preconditions[LANGUAGES][2] = {
        {"Få det på plads, og registrér det i fagsystemet.",
         "Sørg for, at det kommer på plads og bliver registreret i fagsystemet."},
        {"Put it in place and record it in the case system.",
         "Make sure that it is put in place and recorded in the case system."}};
    static const char *const information[LANGUAGES] = {
        "Vurdér, om datoen giver anledning til noget i sagen.",
        "Consider whether the date calls for something in the case."};
    if (step >= NEXT_MOVED)
        return news[language][step];
    if (kind == RULE_INFORMATION)
        return information[language];
    if (kind == RULE_PRECONDITION)
        return preconditions[language][leads];
    if (kind == RULE_EXPIRY)
        return expiries[language][leads][step != NEXT_AHEAD];
    return tasks[language][leads][step];
}

// --- What was done so far ---

static const char *broken(enum language language, enum rule_kind kind)
{
    static const char *const words[LANGUAGES][KINDS] = {
        {[RULE_STATUTORY] = "lovbestemt frist overskredet",
         [RULE_OWN] = "kommunens egen frist ikke holdt",
         [RULE_TARGET] = "kommunens eget mål ikke nået",
         [RULE_EXPIRY] = "udløbet",
         [RULE_PRECONDITION] = "forudsætning ikke opfyldt",
         [RULE_INFORMATION] = "dato passeret"},
        {[RULE_STATUTORY] = "statutory deadline breached",
         [RULE_OWN] = "municipality's own deadline not kept",
         [RULE_TARGET] = "municipality's own target not reached",
         [RULE_EXPIRY] = "expired",
         [RULE_PRECONDITION] = "precondition not met",
         [RULE_INFORMATION] = "date passed"}};
    return words[language][kind];
}

static const char *const after_due[LANGUAGES][KINDS] = {
    {[RULE_STATUTORY] = "løst efter fristen",
     [RULE_OWN] = "løst efter kommunens egen frist",
     [RULE_TARGET] = "løst efter måldatoen",
     [RULE_EXPIRY] = "løst efter udløb",
     [RULE_PRECONDITION] = "opfyldt for sent",
     [RULE_INFORMATION] = "løst efter datoen"},
    {[RULE_STATUTORY] = "done after the deadline",
     [RULE_OWN] = "done after the municipality's own deadline",
     [RULE_TARGET] = "done after the target date",
     [RULE_EXPIRY] = "done after expiry",
     [RULE_PRECONDITION] = "met too late",
     [RULE_INFORMATION] = "done after the date"}};

const char *phrase_transition(enum language language, enum rule_kind kind, enum transition_kind transition)
{
    static const char *const words[LANGUAGES][TRANSITION_NOTICE_FAILED + 1] = {
        {[TRANSITION_OPENED] = "begyndt",
         [TRANSITION_REOPENED] = "genåbnet",
         [TRANSITION_PAUSED] = "sat på pause",
         [TRANSITION_RESUMED] = "genoptaget",
         [TRANSITION_MOVED] = "flyttet til en ny dato",
         [TRANSITION_APPROACHING] = "varsel",
         [TRANSITION_ESCALATED] = "rykker",
         [TRANSITION_MET] = "løst i tide",
         [TRANSITION_LAPSED] = "udløbet",
         [TRANSITION_PASSED] = "dato passeret",
         [TRANSITION_CANCELLED] = "bortfaldet",
         [TRANSITION_WITHDRAWN] = "udgået, da grundlaget ikke længere findes",
         [TRANSITION_ACKNOWLEDGED] = "kvitteret",
         [TRANSITION_ACKNOWLEDGEMENT_ENDED] = "kvitteringen er ophørt, uden at sagen er løst",
         [TRANSITION_NOTICE_FAILED] = "en besked kunne ikke leveres"},
        {[TRANSITION_OPENED] = "begun",
         [TRANSITION_REOPENED] = "reopened",
         [TRANSITION_PAUSED] = "paused",
         [TRANSITION_RESUMED] = "resumed",
         [TRANSITION_MOVED] = "moved to a new date",
         [TRANSITION_APPROACHING] = "warning",
         [TRANSITION_ESCALATED] = "reminder",
         [TRANSITION_MET] = "done in time",
         [TRANSITION_LAPSED] = "expired",
         [TRANSITION_PASSED] = "date passed",
         [TRANSITION_CANCELLED] = "no longer applies",
         [TRANSITION_WITHDRAWN] = "withdrawn, as the basis for it no longer exists",
         [TRANSITION_ACKNOWLEDGED] = "acknowledged",
         [TRANSITION_ACKNOWLEDGEMENT_ENDED] = "the acknowledgement has ended and it is not done",
         [TRANSITION_NOTICE_FAILED] = "a message could not be delivered"}};
    if (transition == TRANSITION_BREACHED || transition == TRANSITION_MISSED)
        return broken(language, kind);
    if (transition == TRANSITION_LATE)
        return after_due[language][kind];
    return words[language][transition];
}

void phrase_told(enum language language, enum transition_kind transition, const char *role,
                 struct buffer *into)
{
    static const char *const words[LANGUAGES][4] = {
        {"varsel til %", "rykker til %", "en besked til % kunne ikke leveres", "besked til %"},
        {"warning to %", "reminder to %", "a message to % could not be delivered", "message to %"}};
    int which = transition == TRANSITION_APPROACHING     ? 0
                : transition == TRANSITION_ESCALATED     ? 1
                : transition == TRANSITION_NOTICE_FAILED ? 2
                                                         : 3;
    phrase_fill(words[language][which], phrase_role(language, role), into);
}

const char *phrase_translate(enum language language, const struct phrase_translation *table, size_t count,
                             const char *key)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(table[i].key, key) == 0)
            return table[i].words[language];
    return key;
}

static const char *acknowledgement_reason(enum language language, const char *code)
{
    static const struct phrase_translation codes[] = {
        {"in_progress", {"der arbejdes på det", "it is being worked on"}},
        {"awaiting_citizen", {"afventer borgeren", "waiting for the citizen"}},
        {"awaiting_others", {"afventer andre myndigheder", "waiting for other authorities"}},
        {"meeting_booked", {"et møde er aftalt", "a meeting is booked"}},
        {"registration_pending", {"udført, men endnu ikke registreret", "done, but not recorded yet"}},
        {"data_error", {"fejl i oplysningerne, som bliver rettet", "an error in the data, being corrected"}},
        {"no_capacity", {"manglende ressourcer", "no capacity"}},
        {"other", {"anden årsag", "another reason"}}};
    return phrase_translate(language, codes, sizeof codes / sizeof codes[0], code);
}

const char *phrase_silence_reason(enum language language, const char *code)
{
    static const struct phrase_translation codes[] = {
        {"migration", {"flytning af data", "migration of data"}},
        {"maintenance", {"vedligeholdelse", "maintenance"}},
        {"holiday_closing", {"ferielukning", "closed for holidays"}},
        {"data_error", {"fejl i oplysningerne, som bliver rettet", "an error in the data, being corrected"}},
        {"duplicate", {"varsles et andet sted", "told elsewhere"}},
        {"agreed_plan", {"aftalt plan for afvikling", "an agreed plan"}},
        {"other", {"anden årsag", "another reason"}}};
    return phrase_translate(language, codes, sizeof codes / sizeof codes[0], code);
}

void phrase_author(enum language language, const char *person, const char *role, struct buffer *into)
{
    if (person)
        buffer_format(into, "%s%s", language == LANGUAGE_DA ? " af " : " by ", person);
    if (person && role)
        buffer_format(into, " (%s)", phrase_role(language, role));
}

static void phrase_silenced(enum language language, const struct zone *zone, const struct notice_done *done,
                            struct buffer *into)
{
    bool danish = language == LANGUAGE_DA;
    buffer_add_string(into, danish ? "varsler sat på pause" : "silenced");
    phrase_author(language, done->person, done->person_role, into);
    buffer_add_string(into, danish ? " indtil " : " until ");
    phrase_moment(language, zone, done->until, into);
    buffer_format(into, ": %s", phrase_silence_reason(language, done->reason));
}

void phrase_acknowledged(enum language language, const struct zone *zone, const struct notice_done *done,
                         struct buffer *into)
{
    bool danish = language == LANGUAGE_DA;
    if (done->silenced) {
        phrase_silenced(language, zone, done, into);
        return;
    }
    buffer_add_string(into, danish ? "kvitteret" : "acknowledged");
    phrase_author(language, done->person, done->person_role, into);
    if (done->until != INSTANT_NONE) {
        buffer_add_string(into, danish ? " indtil " : " until ");
        phrase_moment(language, zone, done->until, into);
    }
    if (done->reason)
        buffer_format(into, ": %s", acknowledgement_reason(language, done->reason));
}

void phrase_muted(enum language language, const char *by_code, struct buffer *into)
{
    buffer_format(into,
                  language == LANGUAGE_DA ? "ikke varslet særskilt, mens %s var overskredet"
                                          : "not told by itself while %s stood breached",
                  by_code);
}

void phrase_smaller(enum language language, size_t count, struct buffer *into)
{
    if (language == LANGUAGE_DA)
        buffer_format(into, count == 1 ? "%zu mindre frist" : "%zu mindre frister", count);
    else
        buffer_format(into, count == 1 ? "%zu smaller deadline" : "%zu smaller deadlines", count);
}

void phrase_and_others(enum language language, size_t count, struct buffer *into)
{
    if (language == LANGUAGE_DA)
        buffer_format(into, count == 1 ? " og %zu anden" : " og %zu andre", count);
    else
        buffer_format(into, count == 1 ? " and %zu other" : " and %zu others", count);
}

// --- Reports ---

const char *phrase_own_backlog(enum language language)
{
    return language == LANGUAGE_DA ? "Status på dine frister" : "Where your deadlines stand";
}

const char *phrase_backlog(enum language language, enum rule_kind kind, enum backlog_word word)
{
    static const char *const words[LANGUAGES][KINDS][3] = {
        {[RULE_STATUTORY] = {"Lovbestemte frister", "inden for fristen", "overskredet"},
         [RULE_OWN] = {"Kommunens egne frister", "inden for fristen", "ikke holdt"},
         [RULE_TARGET] = {"Kommunens egne mål", "endnu ikke forfaldne", "ikke nået"},
         [RULE_EXPIRY] = {"Afgørelser og ydelser, der udløber", "udløber senere", "udløbet"},
         [RULE_PRECONDITION] = {"Forudsætninger i loven", "afventer", "ikke opfyldt"},
         [RULE_INFORMATION] = {"Datoer til orientering", "kommende", "passeret"}},
        {[RULE_STATUTORY] = {"Statutory deadlines", "within the deadline", "breached"},
         [RULE_OWN] = {"The municipality's own deadlines", "within the deadline", "not kept"},
         [RULE_TARGET] = {"The municipality's own targets", "not yet due", "not reached"},
         [RULE_EXPIRY] = {"Decisions and benefits that expire", "expire later", "expired"},
         [RULE_PRECONDITION] = {"Preconditions set by law", "waiting", "not met"},
         [RULE_INFORMATION] = {"Dates for information", "coming up", "passed"}}};
    return words[language][kind][word];
}

void phrase_count(enum language language, int count, int small_counts, struct buffer *into)
{
    if (count > 0 && count < small_counts)
        buffer_format(into, language == LANGUAGE_DA ? "under %d" : "fewer than %d", small_counts);
    else
        buffer_format(into, "%d", count);
}

void phrase_at_least(enum language language, int count, struct buffer *into)
{
    buffer_format(into, language == LANGUAGE_DA ? "mindst %d" : "at least %d", count);
}

void phrase_gathered(enum language language, enum gathered_word word, const char *count, bool one,
                     struct buffer *into)
{
    static const char *const words[LANGUAGES][GATHERED_COUNT][2] = {
        {[GATHERED_LAW_BROKEN] = {"% lovbestemt frist overskredet", "% lovbestemte frister overskredet"},
         [GATHERED_OWN_BROKEN] = {"% af kommunens egne frister og mål ikke holdt",
                                  "% af kommunens egne frister og mål ikke holdt"},
         [GATHERED_PASSED] = {"% anden dato passeret", "% andre datoer passeret"},
         [GATHERED_AHEAD] = {"% frist nærmer sig", "% frister nærmer sig"},
         [GATHERED_RESOLVED] = {"% frist afklaret eller flyttet", "% frister afklaret eller flyttet"}},
        {[GATHERED_LAW_BROKEN] = {"% statutory deadline breached", "% statutory deadlines breached"},
         [GATHERED_OWN_BROKEN] = {"% of the municipality's own deadlines and targets not kept",
                                  "% of the municipality's own deadlines and targets not kept"},
         [GATHERED_PASSED] = {"% other date passed", "% other dates passed"},
         [GATHERED_AHEAD] = {"% deadline coming up", "% deadlines coming up"},
         [GATHERED_RESOLVED] = {"% deadline settled or moved", "% deadlines settled or moved"}}};
    phrase_fill(words[language][word][!one], count, into);
}
