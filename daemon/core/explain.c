// SPDX-License-Identifier: MPL-2.0
// Every sentence stands once in Danish and once in English, side by side. What a step's fields hold is said
// at its kind in explain.h; the days between two dates are looked up again in the rule's calendar. What a
// date is called depends on the kind of its rule: a broken limit of the law and a missed goal of the
// municipality's own are never worded alike.
#include "core/explain.h"

#include "core/memory.h"
#include "core/phrases.h"

#include <stdlib.h>

#define LISTED_DAYS_MAX   10 // counted working days that are named one by one
#define LISTED_CLOSED_MAX 12

struct writer {
    const struct step *step;
    const struct rule *rule;
    const struct zone *zone;
    enum language language;
    struct buffer *into;
    const struct ruleset *outside; // births are not told; NULL: they are
};

static void say(const struct writer *w, const char *da, const char *en)
{
    buffer_add_string(w->into, w->language == LANGUAGE_DA ? da : en);
}

// With leading zeros; printf takes a quarter of an explanation's time.
static void say_digits(const struct writer *w, int number, int digits)
{
    char text[12];
    int at = sizeof text;
    for (int i = 0; i < digits || number > 0; i++, number /= 10)
        text[--at] = (char)('0' + number % 10);
    buffer_add(w->into, text + at, sizeof text - (size_t)at);
}

static void say_weekday(const struct writer *w, civil_date date)
{
    static const char *const da[] = {"man.", "tir.", "ons.", "tor.", "fre.", "lør.", "søn."};
    static const char *const en[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
    say(w, da[civil_weekday(date)], en[civil_weekday(date)]);
}

static void say_date(const struct writer *w, civil_date date)
{
    struct ymd ymd = civil_to_ymd(date);
    say_weekday(w, date);
    bool danish = w->language == LANGUAGE_DA;
    buffer_add_char(w->into, ' ');
    say_digits(w, danish ? ymd.day : ymd.year, danish ? 2 : 4);
    buffer_add_char(w->into, '-');
    say_digits(w, ymd.month, 2);
    buffer_add_char(w->into, '-');
    say_digits(w, danish ? ymd.year : ymd.day, danish ? 4 : 2);
}

static void say_day_and_month(const struct writer *w, struct ymd ymd)
{
    bool danish = w->language == LANGUAGE_DA;
    say_digits(w, danish ? ymd.day : ymd.month, 2);
    buffer_add_char(w->into, '-');
    say_digits(w, danish ? ymd.month : ymd.day, 2);
}

static void say_short_date(const struct writer *w, civil_date date)
{
    struct ymd ymd = civil_to_ymd(date);
    say_weekday(w, date);
    buffer_add_char(w->into, ' ');
    say_day_and_month(w, ymd);
}

static void say_end_of(const struct writer *w, civil_date date)
{
    say(w, "udgangen af ", "the end of ");
    say_date(w, date);
}

static void say_instant(const struct writer *w, instant at)
{
    struct civil_time civil = zone_to_civil(w->zone, at);
    if (civil.second == 86399) {
        say_end_of(w, civil.date);
        return;
    }
    say_date(w, civil.date);
    say(w, " kl. ", " at ");
    char mark = w->language == LANGUAGE_DA ? '.' : ':';
    say_digits(w, civil.second / 3600, 2);
    buffer_add_char(w->into, mark);
    say_digits(w, civil.second / 60 % 60, 2);
    if (civil.second % 60 == 0)
        return;
    buffer_add_char(w->into, mark);
    say_digits(w, civil.second % 60, 2);
}

static void say_quoted(const struct writer *w, const char *name)
{
    say(w, "»", "“");
    buffer_add_string(w->into, name);
    say(w, "«", "”");
}

// The kind of event.
static void say_name(const struct writer *w)
{
    say_quoted(w, w->step->name);
}

static void say_other(const struct writer *w)
{
    say_quoted(w, w->step->other->label);
}

static void say_capitalized(const struct writer *w, const char *text)
{
    buffer_add_char(w->into, (char)(*text >= 'a' && *text <= 'z' ? *text - 'a' + 'A' : *text));
    buffer_add_string(w->into, text + 1);
}

// What stands at a date, in words of its kind.
static const char *definite(enum language language, enum rule_kind kind)
{
    static const char *const da[] = {
        [RULE_STATUTORY] = "fristen", [RULE_OWN] = "kommunens egen frist",    [RULE_TARGET] = "målet",
        [RULE_EXPIRY] = "udløbet",    [RULE_PRECONDITION] = "forudsætningen", [RULE_INFORMATION] = "datoen"};
    return language == LANGUAGE_DA ? da[kind] : "the due";
}

static void say_the_due(const struct writer *w)
{
    buffer_add_string(w->into, definite(w->language, w->rule->kind));
}

// "frist", "mål"
static const char *label(const struct writer *w)
{
    return w->language == LANGUAGE_DA ? phrase_due_label(LANGUAGE_DA, w->rule->kind) : "due";
}

static void say_amount(const struct writer *w, int amount, enum time_unit unit)
{
    static const struct {
        const char *da, *da_many, *en, *en_many;
    } words[] = {
        [UNIT_HOURS] = {"time", "timer", "hour", "hours"},
        [UNIT_WORKING_DAYS] = {"arbejdsdag", "arbejdsdage", "working day", "working days"},
        [UNIT_DAYS] = {"dag", "dage", "day", "days"},
        [UNIT_WEEKS] = {"uge", "uger", "week", "weeks"},
        [UNIT_MONTHS] = {"måned", "måneder", "month", "months"},
        [UNIT_YEARS] = {"år", "år", "year", "years"},
    };
    say_digits(w, amount, 1);
    buffer_add_char(w->into, ' ');
    if (amount == 1)
        say(w, words[unit].da, words[unit].en);
    else
        say(w, words[unit].da_many, words[unit].en_many);
}

void explain_instant(instant at, const struct zone *zone, enum language language, struct buffer *into)
{
    const struct writer w = {.zone = zone, .language = language, .into = into};
    say_instant(&w, at);
}

void explain_date(civil_date date, enum language language, struct buffer *into)
{
    const struct writer w = {.language = language, .into = into};
    say_date(&w, date);
}

// --- births ---

// What happened at the step was a birth, or can have been one: when that was is not told.
static bool is_hidden_birth(const struct writer *w)
{
    if (w->outside == NULL)
        return false;
    return rules_is_birth(w->outside, w->step->name) ||
           (w->step->kind == STEP_BREACH && w->rule->from_birth) ||
           (w->step->kind == STEP_RESUMED && w->rule->by_birth);
}

// When it happened.
static void say_when(const struct writer *w, const char *da, const char *en)
{
    if (is_hidden_birth(w))
        return;
    say(w, da, en);
    say_instant(w, w->step->at);
}

// --- working days ---

// The working days passed on the way, where they are few enough to be counted with a finger.
static void say_counted_days(const struct writer *w)
{
    const struct step *step = w->step;
    int direction = step->amount > 0 ? 1 : -1;
    if (abs(step->amount) > LISTED_DAYS_MAX) {
        say_date(w, step->result);
        return;
    }
    civil_date date = step->date;
    for (int i = 1; i < abs(step->amount); i++) {
        date = calendar_add(w->rule->calendar, date, direction);
        say_short_date(w, date);
        say(w, ", ", ", ");
    }
    say_date(w, step->result);
}

// Holidays and closing days from one date towards another, with their names; ends inclusive.
static void say_closed_days(const struct writer *w, civil_date first, civil_date last)
{
    int met = 0;
    for (civil_date date = first; date <= last; date++) {
        const char *because = calendar_closed_because(w->rule->calendar, date);
        if (because == NULL || ++met > LISTED_CLOSED_MAX)
            continue;
        if (met == 1)
            say(w, " (", " (");
        else
            say(w, ", ", ", ");
        say_short_date(w, date);
        buffer_add_char(w->into, ' ');
        buffer_add_string(w->into, because);
    }
    if (met > LISTED_CLOSED_MAX) {
        say(w, " og ", " and ");
        buffer_format(w->into, "%d", met - LISTED_CLOSED_MAX);
        say(w, " andre", " others");
    }
    if (met > 0)
        say(w, " tælles ikke)", " not counted)");
}

// Danish has two words of the law for what a calendar counts, so the calendar is named instead.
static void say_working_days(const struct writer *w)
{
    const struct step *step = w->step;
    const char *calendar = calendar_name(w->rule->calendar);
    const char *da = step->amount > 0 ? " efter " : " før ", *en = step->amount > 0 ? " after " : " before ";
    if (w->language == LANGUAGE_DA) {
        say_amount(w, abs(step->amount), UNIT_DAYS);
        buffer_format(w->into, " i kalenderen »%s«%s", calendar, da);
        say_date(w, step->date);
    } else {
        say_amount(w, abs(step->amount), UNIT_WORKING_DAYS);
        buffer_add_string(w->into, en);
        say_date(w, step->date);
        buffer_format(w->into, " in calendar “%s”", calendar);
    }
    buffer_add_string(w->into, ": ");
    say_counted_days(w);
    if (step->amount > 0)
        say_closed_days(w, step->date + 1, step->result);
    else
        say_closed_days(w, step->result, step->date - 1);
    say(w, ".", ".");
}

// --- how the occurrence opened ---

// `breach:` of a rule.
static void say_breach_of_other(const struct writer *w)
{
    static const struct {
        const char *what_da, *how_da, *what_en, *how_en;
    } words[] = {
        [RULE_STATUTORY] = {"den lovbestemte frist ", " blev overskredet", "the statutory deadline ",
                            " was breached"},
        [RULE_OWN] = {"kommunens egen frist ", " blev ikke holdt", "the municipality's own deadline ",
                      " was not kept"},
        [RULE_TARGET] = {"kommunens eget mål ", " blev ikke nået", "the municipality's own target ",
                         " was not reached"},
        [RULE_EXPIRY] = {"", " udløb", "", " expired"},
        [RULE_PRECONDITION] = {"forudsætningen ", " var ikke opfyldt", "the precondition ", " was not met"},
        [RULE_INFORMATION] = {"datoen ", " blev passeret", "the date ", " passed"},
    };
    enum rule_kind kind = w->step->other->kind;
    say(w, words[kind].what_da, words[kind].what_en);
    say_other(w);
    say(w, words[kind].how_da, words[kind].how_en);
}

static void say_opening(const struct writer *w)
{
    switch (w->step->kind) {
    case STEP_START:
        if (is_hidden_birth(w)) {
            say(w, "Regnes fra fødslen (", "Counted from the birth (");
            say_name(w);
            say(w, ")", ")");
            break;
        }
        say(w, "Start: ", "Start: ");
        say_name(w);
        break;
    case STEP_BREACH:
        say(w, "Start: ", "Start: ");
        say_breach_of_other(w);
        break;
    case STEP_FOLLOWS:
        say(w, "Følger efter den forrige, lukket af ", "Follows the one before, closed by ");
        say_name(w);
        break;
    default:
        say(w, "Næste gang i rækken efter", "Next in the series after");
        break;
    }
    say_when(w, " ", w->step->kind == STEP_INSTANCE ? " " : ", ");
    say(w, ".", ".");
}

static void say_version(const struct writer *w)
{
    say(w, "Reglens udgave fra ", "The version of the rule from ");
    say_date(w, w->step->date);
    if (w->step->amount)
        say(w, " gælder: valgt efter fristens dato.", " applies: chosen by the due date.");
    else
        say(w, " gælder: valgt efter startdatoen.", " applies: chosen by the start date.");
}

// --- how the due came about ---

static void say_term(const struct writer *w)
{
    const struct step *step = w->step;
    if (step->unit == UNIT_WORKING_DAYS) {
        say_working_days(w);
        return;
    }
    say_amount(w, abs(step->amount), (enum time_unit)step->unit);
    say(w, step->amount > 0 ? " efter " : " før ", step->amount > 0 ? " after " : " before ");
    say_date(w, step->date);
    say(w, ": ", ": ");
    say_date(w, step->result);
    bool by_months = step->unit == UNIT_MONTHS || step->unit == UNIT_YEARS;
    if (by_months && civil_to_ymd(step->date).day != civil_to_ymd(step->result).day)
        say(w, ", månedens sidste dag", ", the last day of the month");
    say(w, ".", ".");
}

static int64_t offset_at(const struct writer *w, instant at)
{
    struct civil_time civil = zone_to_civil(w->zone, at);
    return (int64_t)civil.date * SECONDS_PER_DAY + civil.second - at;
}

// Else 24 hours that end at another time of day look wrong.
static void say_clock_change(const struct writer *w, instant from, instant to)
{
    int64_t change = offset_at(w, to) - offset_at(w, from);
    if (change > 0)
        say(w, ", for uret stilles frem undervejs", ", as the clock goes forward in between");
    else if (change < 0)
        say(w, ", for uret stilles tilbage undervejs", ", as the clock goes back in between");
}

static void say_hours(const struct writer *w)
{
    say_amount(w, w->step->amount, UNIT_HOURS);
    say(w, " efter ", " after ");
    say_instant(w, w->step->at);
    say(w, ": ", ": ");
    say_instant(w, w->step->to);
    say_clock_change(w, w->step->at, w->step->to);
    say(w, ".", ".");
}

static void say_next(const struct writer *w)
{
    struct ymd ymd = civil_to_ymd(w->step->result);
    say(w, "Næste ", "The next ");
    say_day_and_month(w, ymd);
    say(w, " efter ", " after ");
    say_date(w, w->step->date);
    say(w, ": ", ": ");
    say_date(w, w->step->result);
    say(w, ".", ".");
}

static void say_period(const struct writer *w)
{
    static const char *const da[] = {"ugen", "måneden", "kvartalet", "året"};
    static const char *const en[] = {"week", "month", "quarter", "year"};
    say(w, "Slutningen af ", "The end of the ");
    say(w, da[w->step->unit], en[w->step->unit]);
}

static void say_end_of_period(const struct writer *w)
{
    say_period(w);
    say(w, " med ", " of ");
    say_date(w, w->step->date);
    say(w, ": ", ": ");
    say_date(w, w->step->result);
    say(w, ".", ".");
}

static void say_rolled(const struct writer *w)
{
    const struct step *step = w->step;
    const char *because = calendar_closed_because(w->rule->calendar, step->date);
    say_date(w, step->date);
    say(w, " er ikke en arbejdsdag", " is no working day");
    if (because) {
        say(w, " (", " (");
        buffer_add_string(w->into, because);
        say(w, ")", ")");
    }
    say(w, "; ", "; ");
    say_the_due(w);
    if (step->amount > 0)
        say(w, " rykker frem til ", " moves forward to ");
    else
        say(w, " rykker tilbage til ", " moves back to ");
    say_date(w, step->result);
    say(w, ".", ".");
}

static void say_shared(const struct writer *w)
{
    if (w->step->kind == STEP_NOT_SHARED) {
        say(w, "Skulle følge ", "Was to share the date of ");
        say_other(w);
        say(w, ", som ikke er åben: ingen dato.", ", which is not open: no date.");
        return;
    }
    say(w, "Følger ", "Shares ");
    buffer_add_string(w->into, definite(w->language, w->step->other->kind));
    say(w, " ", " of ");
    say_other(w);
    say(w, ": ", ": ");
    if (w->step->to == INSTANT_NONE)
        say(w, "endnu uden dato", "no date yet");
    else
        say_instant(w, w->step->to);
    say(w, ".", ".");
}

static void say_earliest(const struct writer *w)
{
    say(w, "Den tidligste af ", "The earliest of ");
    buffer_format(w->into, "%d", w->step->amount);
    say(w, " mulige: ", " possible: ");
    say_instant(w, w->step->to);
    say(w, ".", ".");
}

static void say_day_of(const struct writer *w)
{
    say_name(w);
    say(w, " skete", " happened");
    say_when(w, " ", " ");
    say(w, ", så ", ", so ");
    say_the_due(w);
    say(w, " er nu ", " is now ");
    say_instant(w, w->step->to);
    say(w, ".", ".");
}

// --- the same, counted from a birth that is not told ---

// Nor is what leads back to it: only the due is, which the mail is about.
static bool leads_back_to_birth(const struct writer *w)
{
    switch (w->step->kind) {
    case STEP_COUNT_FROM:
    case STEP_HOURS:
    case STEP_TERM:
    case STEP_INCLUSIVE:
    case STEP_NEXT:
    case STEP_END_OF:
    case STEP_AT_START:
    case STEP_EARLIEST:
    case STEP_ROLLED:
        return w->outside && w->rule->from_birth;
    default:
        return false;
    }
}

static void say_span(const struct writer *w)
{
    enum time_unit unit = w->step->kind == STEP_HOURS ? UNIT_HOURS : (enum time_unit)w->step->unit;
    bool by_calendar = unit == UNIT_WORKING_DAYS && w->language == LANGUAGE_DA;
    say_amount(w, abs(w->step->amount), by_calendar ? UNIT_DAYS : unit);
    if (unit == UNIT_WORKING_DAYS) {
        say(w, " i kalenderen ", " in calendar ");
        say_quoted(w, calendar_name(w->rule->calendar));
    }
    say(w, w->step->amount > 0 ? " frem" : " tilbage", w->step->amount > 0 ? " on" : " back");
}

static void say_due_without_birth(const struct writer *w)
{
    switch (w->step->kind) {
    case STEP_COUNT_FROM:
        say(w, "Tælles fra den forriges start", "Counted from the start of the one before");
        break;
    case STEP_INCLUSIVE:
        say(w, "Startdagen tæller med som dag 1", "The day of the start counts as day 1");
        break;
    case STEP_NEXT:
        say(w, "Næste ", "The next ");
        say_day_and_month(w, civil_to_ymd(w->step->result));
        break;
    case STEP_END_OF:
        say_period(w);
        break;
    case STEP_AT_START:
        say(w, "Skal være opfyldt ved starten", "Must be fulfilled at the start");
        break;
    case STEP_EARLIEST:
        say(w, "Den tidligste af ", "The earliest of ");
        buffer_format(w->into, "%d", w->step->amount);
        say(w, " mulige", " possible");
        break;
    case STEP_ROLLED:
        say(w, "Dagen er ikke en arbejdsdag; ", "The day is no working day; ");
        say_the_due(w);
        if (w->step->amount > 0)
            say(w, " rykker frem", " moves forward");
        else
            say(w, " rykker tilbage", " moves back");
        break;
    default:
        say_span(w);
        break;
    }
    say(w, ".", ".");
}

// --- how the due came about, in either way ---

// A phrase, a date and a full stop.
static void say_with_date(const struct writer *w, const char *da, const char *en, civil_date date)
{
    say(w, da, en);
    say_date(w, date);
    say(w, ".", ".");
}

static void say_with_instant(const struct writer *w, const char *da, const char *en, instant at)
{
    say(w, da, en);
    say_instant(w, at);
    say(w, ".", ".");
}

static void say_due(const struct writer *w)
{
    const struct step *step = w->step;
    if (leads_back_to_birth(w)) {
        say_due_without_birth(w);
        return;
    }
    switch (step->kind) {
    case STEP_COUNT_FROM:
        say_with_instant(
            w, "Tælles fra den forriges start: ", "Counted from the start of the one before: ", step->at);
        break;
    case STEP_HOURS:
        say_hours(w);
        break;
    case STEP_TERM:
        say_term(w);
        break;
    case STEP_INCLUSIVE:
        say_with_date(
            w, "Startdagen tæller med som dag 1: ", "The day of the start counts as day 1: ", step->result);
        break;
    case STEP_EVENT_DATE:
        say_with_date(w, "Datoen, som hændelsen sætter: ", "The date that the event sets: ", step->result);
        break;
    case STEP_NO_DATE:
        say(w, "Hændelsen skulle sætte en dato, men har ingen.", "The event was to set a date but has none.");
        break;
    case STEP_FIXED_DATE:
        say_with_date(w, "Fast dato: ", "Fixed date: ", step->result);
        break;
    case STEP_NEXT:
        say_next(w);
        break;
    case STEP_END_OF:
        say_end_of_period(w);
        break;
    case STEP_SERIES:
        say_with_instant(w, "Rækkens næste tidspunkt: ", "The next time of the series: ", step->to);
        break;
    case STEP_AT_START:
        say_with_instant(w, "Skal være opfyldt ved starten: ", "Must be fulfilled at the start: ", step->at);
        break;
    case STEP_SHARED:
    case STEP_NOT_SHARED:
        say_shared(w);
        break;
    case STEP_EARLIEST:
        say_earliest(w);
        break;
    case STEP_DAY_OF:
        say_day_of(w);
        break;
    case STEP_ROLLED:
        say_rolled(w);
        break;
    default:
        say_capitalized(w, label(w));
        say_with_instant(w, ": ", ": ", step->to);
        break;
    }
}

// --- what happened to it, and how it ended ---

// A phrase, the kind of event, when.
static void say_event(const struct writer *w, const char *da, const char *en)
{
    say(w, da, en);
    say_name(w);
    say_when(w, " ", ", ");
}

static void say_moved_by_time(const struct writer *w, int seconds)
{
    say_amount(w, seconds / 3600, UNIT_HOURS);
    if (seconds % 3600 == 0)
        return;
    say(w, ", ", ", ");
    buffer_format(w->into, "%d min.", seconds / 60 % 60);
    if (seconds % 60 != 0)
        buffer_format(w->into, " %d s", seconds % 60);
}

static void say_resumed(const struct writer *w)
{
    const struct step *step = w->step;
    say(w, "Pausen slut", "Resumed");
    say_when(w, " ", " ");
    say(w, ". ", ". ");
    say_capitalized(w, definite(w->language, w->rule->kind));
    if (step->amount == 0) {
        say(w, " flyttes ikke.", " does not move.");
        return;
    }
    say(w, " flyttes ", " moves by ");
    if (step->unit == UNIT_HOURS)
        say_moved_by_time(w, step->amount);
    else
        say_amount(w, step->amount, (enum time_unit)step->unit);
    if (w->into->data[w->into->length - 1] != '.') // "min."
        say(w, ".", ".");
}

// What an extension cannot undo.
static void say_what_stands(const struct writer *w)
{
    static const char *const da[] = {
        [RULE_STATUTORY] = "den lovbestemte frist var overskredet, og det står ved magt",
        [RULE_OWN] = "kommunens egen frist var ikke holdt, og det ændres ikke",
        [RULE_TARGET] = "kommunens eget mål var ikke nået, og det ændres ikke",
        [RULE_EXPIRY] = "det var udløbet",
        [RULE_PRECONDITION] = "forudsætningen var ikke opfyldt, og det ændres ikke",
        [RULE_INFORMATION] = "datoen var passeret"};
    static const char *const en[] = {
        [RULE_STATUTORY] = "the statutory deadline had passed, and the breach stands",
        [RULE_OWN] = "the municipality's own deadline was not kept, and that does not change",
        [RULE_TARGET] = "the municipality's own target was not reached, and that does not change",
        [RULE_EXPIRY] = "it had expired",
        [RULE_PRECONDITION] = "the precondition was not met, and that does not change",
        [RULE_INFORMATION] = "the date had passed"};
    say(w, ". Det kom for sent: ", ". It came too late: ");
    say(w, da[w->rule->kind], en[w->rule->kind]);
}

static void say_extended(const struct writer *w)
{
    bool neuter = w->rule->kind == RULE_TARGET || w->rule->kind == RULE_EXPIRY;
    say(w, neuter ? "Nyt " : "Ny ", "New ");
    buffer_add_string(w->into, label(w));
    say_event(w, " fra ", " from ");
    say(w, ": ", ": ");
    say_end_of(w, w->step->result);
    if (w->step->kind == STEP_EXTENDED_LATE)
        say_what_stands(w);
    say(w, ".", ".");
}

static void say_too_late(const struct writer *w)
{
    say(w, " kom efter ", " came after ");
    say_the_due(w);
    say(w, " og ændrer intet", " and changes nothing");
}

static void say_happening(const struct writer *w)
{
    switch (w->step->kind) {
    case STEP_PAUSED:
        say_event(w, "Pause fra ", "Paused by ");
        break;
    case STEP_PAUSE_TOO_LATE:
        say_event(w, "Pausen ", "The pause ");
        say_too_late(w);
        break;
    case STEP_DAY_WAITS:
        say_event(w, "Under pausen: ", "During the pause: ");
        say(w, ", tæller fra pausens slutning", ", counts from the end of the pause");
        break;
    case STEP_RESET:
        say_event(w, "Begynder forfra: ", "Begins anew: ");
        break;
    case STEP_RESET_LATE:
        say_event(w, "Ny begyndelse ", "The new beginning ");
        say_too_late(w);
        break;
    case STEP_LIFTED:
        say(w, "Tidligst ved ", "Not before ");
        say_end_of(w, w->step->result);
        say(w, ", dagen da pausen sluttede", ", the day on which the pause ended");
        break;
    default:
        say_capitalized(w, phrase_transition(w->language, w->rule->kind, TRANSITION_BREACHED));
        say(w, ", regnet fra ", ", as from ");
        say_instant(w, w->step->at);
        break;
    }
    say(w, ".", ".");
}

static void say_ending(const struct writer *w)
{
    switch (w->step->kind) {
    case STEP_MET:
        say_event(w, "Opfyldt til tiden: ", "Met in time: ");
        break;
    case STEP_LATE:
        say_capitalized(w, phrase_transition(w->language, w->rule->kind, TRANSITION_LATE));
        say_event(w, ": ", ": ");
        break;
    case STEP_LOOKED_BACK:
        say_event(w, "Var sket før starten: ", "Had happened before the start: ");
        break;
    case STEP_MISSED:
        say_capitalized(w, phrase_transition(w->language, w->rule->kind, TRANSITION_MISSED));
        say(w, ": ikke opfyldt inden ", ": not fulfilled by ");
        say_instant(w, w->step->at);
        break;
    case STEP_CANCELLED:
        say_event(w, "Bortfaldet: ", "Cancelled: ");
        break;
    case STEP_LAPSED:
        say(w, "Udløbet ", "Lapsed ");
        say_instant(w, w->step->at);
        break;
    default:
        say(w, "Passeret ", "Passed ");
        say_instant(w, w->step->at);
        break;
    }
    say(w, ".", ".");
}

static void explain(const struct writer *w)
{
    switch (w->step->kind) {
    case STEP_START:
    case STEP_BREACH:
    case STEP_FOLLOWS:
    case STEP_INSTANCE:
        say_opening(w);
        break;
    case STEP_VERSION:
        say_version(w);
        break;
    case STEP_COUNT_FROM:
    case STEP_HOURS:
    case STEP_TERM:
    case STEP_INCLUSIVE:
    case STEP_EVENT_DATE:
    case STEP_NO_DATE:
    case STEP_FIXED_DATE:
    case STEP_NEXT:
    case STEP_END_OF:
    case STEP_SERIES:
    case STEP_AT_START:
    case STEP_SHARED:
    case STEP_NOT_SHARED:
    case STEP_EARLIEST:
    case STEP_DAY_OF:
    case STEP_ROLLED:
    case STEP_DUE:
        say_due(w);
        break;
    case STEP_RESUMED:
        say_resumed(w);
        break;
    case STEP_EXTENDED:
    case STEP_EXTENDED_LATE:
        say_extended(w);
        break;
    case STEP_PAUSED:
    case STEP_PAUSE_TOO_LATE:
    case STEP_DAY_WAITS:
    case STEP_LIFTED:
    case STEP_RESET:
    case STEP_RESET_LATE:
    case STEP_BREACHED:
        say_happening(w);
        break;
    case STEP_MET:
    case STEP_LATE:
    case STEP_LOOKED_BACK:
    case STEP_MISSED:
    case STEP_CANCELLED:
    case STEP_LAPSED:
    case STEP_PASSED:
        say_ending(w);
        break;
    case STEP_BASIS:
        say(w, "Hjemmel: ", "Legal basis: ");
        buffer_add_string(w->into, w->rule->basis);
        say(w, ".", ".");
        break;
    }
}

void explain_step(const struct step *step, const struct rule *rule, const struct zone *zone,
                  enum language language, struct buffer *into)
{
    explain(&(struct writer){step, rule, zone, language, into, NULL});
}

void explain_step_outside(const struct step *step, const struct rule *rule, const struct ruleset *rules,
                          enum language language, struct buffer *into)
{
    explain(&(struct writer){step, rule, rules->zone, language, into, rules});
}

const char *explain_step_name(enum step_kind kind)
{
    static const char *const names[] = {
        [STEP_START] = "start",
        [STEP_BREACH] = "breach",
        [STEP_FOLLOWS] = "follows",
        [STEP_INSTANCE] = "instance",
        [STEP_VERSION] = "version",
        [STEP_COUNT_FROM] = "count_from",
        [STEP_HOURS] = "hours",
        [STEP_TERM] = "term",
        [STEP_INCLUSIVE] = "inclusive",
        [STEP_EVENT_DATE] = "event_date",
        [STEP_NO_DATE] = "no_date",
        [STEP_FIXED_DATE] = "fixed_date",
        [STEP_NEXT] = "next",
        [STEP_END_OF] = "end_of",
        [STEP_SERIES] = "series",
        [STEP_AT_START] = "at_start",
        [STEP_SHARED] = "shared",
        [STEP_NOT_SHARED] = "not_shared",
        [STEP_EARLIEST] = "earliest",
        [STEP_DAY_OF] = "day_of",
        [STEP_ROLLED] = "rolled",
        [STEP_DUE] = "due",
        [STEP_PAUSED] = "paused",
        [STEP_PAUSE_TOO_LATE] = "pause_too_late",
        [STEP_DAY_WAITS] = "day_waits",
        [STEP_RESUMED] = "resumed",
        [STEP_LIFTED] = "lifted",
        [STEP_EXTENDED] = "extended",
        [STEP_EXTENDED_LATE] = "extended_late",
        [STEP_RESET] = "reset",
        [STEP_RESET_LATE] = "reset_late",
        [STEP_BREACHED] = "breached",
        [STEP_MET] = "met",
        [STEP_LATE] = "late",
        [STEP_LOOKED_BACK] = "looked_back",
        [STEP_MISSED] = "missed",
        [STEP_CANCELLED] = "cancelled",
        [STEP_LAPSED] = "lapsed",
        [STEP_PASSED] = "passed",
        [STEP_BASIS] = "basis",
    };
    return names[kind];
}

// --- stages ---

static void say_duration(const struct writer *w, const struct duration *duration)
{
    for (int i = 0; i < duration->count; i++) {
        int amount = duration->terms[i].amount;
        if (i > 0)
            buffer_add_string(w->into, amount > 0 ? " + " : " - ");
        say_amount(w, abs(amount), duration->terms[i].unit);
    }
}

static const char *breach_stage(enum language language, enum rule_kind kind)
{
    static const char *const words[2][RULE_INFORMATION + 1] = {
        {[RULE_STATUTORY] = "ved overskridelse",
         [RULE_OWN] = "når kommunens egen frist ikke er holdt",
         [RULE_TARGET] = "når målet ikke er nået",
         [RULE_EXPIRY] = "ved udløb",
         [RULE_PRECONDITION] = "når forudsætningen ikke er opfyldt",
         [RULE_INFORMATION] = "når datoen er passeret"},
        {[RULE_STATUTORY] = "at the breach",
         [RULE_OWN] = "when the own deadline is not kept",
         [RULE_TARGET] = "when the target is not reached",
         [RULE_EXPIRY] = "at the expiry",
         [RULE_PRECONDITION] = "when the precondition is not met",
         [RULE_INFORMATION] = "when the date has passed"}};
    return words[language][kind];
}

void explain_stage(const struct stage *stage, int repeat, enum rule_kind kind, enum language language,
                   struct buffer *into)
{
    const struct writer w = {.language = language, .into = into};
    if (stage->when == STAGE_BREACH) {
        buffer_add_string(into, breach_stage(language, kind));
        if (stage->missed > 0)
            buffer_format(into, language == LANGUAGE_DA ? ", fra %d i træk" : ", from %d in a row",
                          stage->missed);
    } else {
        say_duration(&w, &stage->offset);
        say(&w, stage->when == STAGE_BEFORE ? " før" : " efter",
            stage->when == STAGE_BEFORE ? " before" : " after");
    }
    if (repeat > 0)
        buffer_format(into, language == LANGUAGE_DA ? ", %d. gentagelse" : ", repeat %d", repeat);
}
