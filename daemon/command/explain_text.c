// SPDX-License-Identifier: MPL-2.0
// An explanation for a person at a terminal, in Danish or English.
#include "command/explanation.h"
#include "core/phrases.h"
#include "core/utf8.h"

#include <stdio.h>
#include <string.h>

#define FIELD_INDENT 14 // of what stands behind a label
#define RUN_MIN      3  // repeats of a stage in one line from here on

struct page {
    const struct explanation *explanation;
    struct buffer line; // being put together
    int width;
};

static const char *in(const struct page *page, const char *da, const char *en)
    __attribute__((format_arg(2), format_arg(3)));

static const char *in(const struct page *page, const char *da, const char *en)
{
    return page->explanation->language == LANGUAGE_DA ? da : en;
}

static void add(struct page *page, const char *da, const char *en)
{
    buffer_add_string(&page->line, in(page, da, en));
}

static void add_moment(struct page *page, instant at)
{
    explain_instant(at, page->explanation->zone, page->explanation->language, &page->line);
}

// --- lines ---

static int columns(const char *text, size_t length)
{
    int count = 0;
    for (const char *at = text, *end = text + length; at < end; count++)
        utf8_next(&at, end);
    return count;
}

// Prints the words of page->line behind what stands in the first `indent` columns; further lines hang below.
static void print_wrapped(struct page *page, int indent)
{
    int column = indent;
    const char *word = page->line.data ? page->line.data : "";
    while (*word) {
        size_t length = strcspn(word, " ");
        int width = columns(word, length);
        if (column > indent && column + 1 + width > page->width) {
            printf("\n%*s", indent, "");
            column = indent;
        } else if (column > indent) {
            putchar(' ');
            column++;
        }
        printf("%.*s", (int)length, word);
        column += width;
        word += length;
        word += strspn(word, " ");
    }
    putchar('\n');
    buffer_clear(&page->line);
}

static void print_field(struct page *page, const char *da, const char *en)
{
    const char *label = in(page, da, en);
    printf("  %s%*s", label, FIELD_INDENT - 2 - columns(label, strlen(label)), "");
    print_wrapped(page, FIELD_INDENT);
}

static void print_section(const struct page *page, const char *da, const char *en)
{
    printf("  %s\n", in(page, da, en));
}

static void print_item(struct page *page, const char *mark)
{
    printf("    %s ", mark);
    print_wrapped(page, 5 + columns(mark, strlen(mark)));
}

// --- a deadline ---

// A broken limit of the law and a missed goal of the municipality are not worded alike.
static bool is_broken(enum deadline_state state)
{
    return state == STATE_BREACHED || state == STATE_MISSED;
}

static const char *state_word(const struct page *page, enum rule_kind kind, enum deadline_state state)
{
    static const char *const words[][2] = {
        [STATE_OPEN] = {"åben", "open"},
        [STATE_PAUSED] = {"på pause", "paused"},
        [STATE_MET] = {"opfyldt til tiden", "met in time"},
        [STATE_CANCELLED] = {"bortfaldet", "cancelled"},
        [STATE_LAPSED] = {"udløbet", "lapsed"},
        [STATE_PASSED] = {"passeret", "passed"},
    };
    if (is_broken(state))
        return phrase_transition(page->explanation->language, kind, TRANSITION_BREACHED);
    if (state == STATE_LATE)
        return phrase_transition(page->explanation->language, kind, TRANSITION_LATE);
    return in(page, words[state][0], words[state][1]);
}

static void print_heading(struct page *page, const struct explained_deadline *deadline)
{
    const struct rule *rule = deadline->rule;
    buffer_format(&page->line, "%s", deadline->code);
    if (rule)
        buffer_format(&page->line, " %s",
                      in(page, rule->title_da, rule->title_en ? rule->title_en : rule->title_da));
    buffer_format(&page->line, " (%s", deadline->key.rule);
    if (*deadline->key.subject)
        buffer_format(&page->line, ", %s", deadline->key.subject);
    if (deadline->key.occurrence > 1)
        buffer_format(&page->line, in(page, ", nr. %d", ", no. %d"), deadline->key.occurrence);
    buffer_add_char(&page->line, ')');
    print_wrapped(page, 0);
}

static void print_state(struct page *page, const struct explained_deadline *deadline)
{
    if (deadline->withdrawn)
        add(page, "trukket tilbage", "withdrawn");
    else
        buffer_add_string(&page->line, state_word(page, deadline->kind, deadline->state));
    if (deadline->closed_at != INSTANT_NONE) {
        buffer_add_char(&page->line, ' ');
        add_moment(page, deadline->closed_at);
    } else if (deadline->paused_at != INSTANT_NONE) {
        add(page, " siden ", " since ");
        add_moment(page, deadline->paused_at);
    }
    buffer_format(&page->line, "; %s ", phrase_due_label(page->explanation->language, deadline->kind));
    if (deadline->due_at == INSTANT_NONE)
        add(page, "ikke fastsat", "not set");
    else
        add_moment(page, deadline->due_at);
    if (!is_broken(deadline->state))
        buffer_format(&page->line, " · %s", phrase_kind(page->explanation->language, deadline->kind));
    print_field(page, "Status", "State");
}

static void print_version(struct page *page, const struct explained_deadline *deadline)
{
    const struct rule *rule = deadline->rule;
    if (rule == NULL)
        return;
    add(page, "i kraft fra ", "in force from ");
    explain_date(rule->from, page->explanation->language, &page->line);
    if (rule->until != CIVIL_NONE) {
        add(page, " til ", " until ");
        explain_date(rule->until, page->explanation->language, &page->line);
    }
    if (deadline->choice == VERSION_KEPT)
        add(page, "; den samme som for den forrige", "; the same as for the one before");
    else if (deadline->choice == VERSION_BY_DUE)
        add(page, "; valgt, fordi fristens dato ligger i den tid",
            "; chosen because the due date is within that time");
    else
        add(page, "; valgt, fordi starten ligger i den tid",
            "; chosen because the start is within that time");
    if (deadline->version_count == 1)
        add(page, " (reglen har kun den)", " (the rule has no other)");
    else
        buffer_format(&page->line, in(page, " (reglen har %d)", " (the rule has %d)"),
                      deadline->version_count);
    print_field(page, "Udgave", "Version");
    buffer_add_string(&page->line, rule->basis);
    print_field(page, "Hjemmel", "Legal basis");
}

// The journal may not have seen yet what the case database says.
static void print_recorded(struct page *page, const struct explained_deadline *deadline)
{
    const struct recorded_deadline *recorded = deadline->recorded;
    if (!page->explanation->evaluated || deadline->rule == NULL ||
        (recorded && recorded->state == deadline->state && recorded->due_at == deadline->due_at))
        return;
    if (recorded == NULL) {
        add(page, "kender den ikke endnu", "does not know it yet");
    } else {
        add(page, "har den endnu som ", "still has it as ");
        buffer_add_string(&page->line, state_word(page, deadline->kind, recorded->state));
        if (recorded->due_at != INSTANT_NONE) {
            buffer_format(&page->line, ", %s ",
                          phrase_due_label(page->explanation->language, deadline->kind));
            add_moment(page, recorded->due_at);
        }
    }
    print_field(page, "Journalen", "The journal");
}

// The version and the paragraph have lines of their own.
static bool is_shown(const struct explained_step *step)
{
    return step->kind == NULL || (strcmp(step->kind, explain_step_name(STEP_VERSION)) != 0 &&
                                  strcmp(step->kind, explain_step_name(STEP_BASIS)) != 0);
}

static void print_steps(struct page *page, const struct explained_deadline *deadline)
{
    int number = 0;
    char mark[16];
    for (size_t i = 0; i < deadline->step_count; i++) {
        if (!is_shown(&deadline->steps[i]))
            continue;
        if (number++ == 0)
            print_section(page, "Beregning", "Reckoning");
        snprintf(mark, sizeof mark, "%2d.", number);
        buffer_add_string(&page->line, deadline->steps[i].text);
        print_item(page, mark);
    }
}

static void add_roles(struct page *page, const struct stage *stage)
{
    for (int i = 0; i < stage->to_count; i++) {
        buffer_add_string(&page->line, i > 0 ? ", " : "");
        buffer_add_string(&page->line, phrase_role(page->explanation->language, stage->to[i]));
    }
}

// How many repeats of one stage come one after another from here with the same fate.
static size_t run_of(const struct explained_deadline *deadline, size_t first)
{
    const struct explained_stage *stages = deadline->stages;
    size_t end = first;
    while (end < deadline->stage_count && stages[end].time.repeat > 0 &&
           stages[end].time.stage == stages[first].time.stage && stages[end].fate == stages[first].fate)
        end++;
    return end - first;
}

static void add_run(struct page *page, const struct explained_stage *first, size_t count, enum rule_kind kind)
{
    buffer_format(&page->line, in(page, "%zu gange fra ", "%zu times from "), count);
    add_moment(page, first[0].time.at);
    add(page, " til ", " to ");
    add_moment(page, first[count - 1].time.at);
    add(page, ", gentagelser af ", ", repeats of ");
    explain_stage(first->stage, 0, kind, page->explanation->language, &page->line);
}

static void print_stages(struct page *page, const struct explained_deadline *deadline)
{
    static const char *const words[][2] = {
        [STAGE_TOLD] = {"varslet", "told"},
        [STAGE_UNTOLD] = {"noteret, men ingen fik besked", "noted, but nobody was told"},
        [STAGE_MUTED] = {"ikke varslet særskilt, en større frist taler for den",
                         "not told by itself, a larger problem speaks for it"},
        [STAGE_HELD] = {"holdt tilbage", "held back"},
        [STAGE_SUPERSEDED] = {"sprunget over, et senere trin var kommet",
                              "passed over, a later stage had come"},
        [STAGE_WAITING] = {"passeret, endnu ikke behandlet", "passed, not handled yet"},
        [STAGE_COMING] = {"kommer", "coming"},
    };
    if (deadline->stage_count > 0)
        print_section(page, "Trin", "Stages");
    for (size_t i = 0; i < deadline->stage_count;) {
        const struct explained_stage *stage = &deadline->stages[i];
        size_t run = run_of(deadline, i);
        if (run >= RUN_MIN) {
            add_run(page, stage, run, deadline->kind);
        } else {
            run = 1;
            add_moment(page, stage->time.at);
            buffer_add_string(&page->line, ", ");
            explain_stage(stage->stage, stage->time.repeat, deadline->kind, page->explanation->language,
                          &page->line);
        }
        add(page, ", til ", ", to ");
        add_roles(page, stage->stage);
        buffer_format(&page->line, ": %s", in(page, words[stage->fate][0], words[stage->fate][1]));
        print_item(page, "-");
        i += run;
    }
}

static void add_reply(struct page *page, const struct recorded_notice *notice)
{
    if (*notice->last_reply)
        buffer_format(&page->line, in(page, "; seneste svar: %s", "; last reply: %s"), notice->last_reply);
}

static void add_outcome(struct page *page, const struct recorded_notice *notice)
{
    const char *attempts =
        notice->attempts == 1 ? in(page, "forsøg", "attempt") : in(page, "forsøg", "attempts");
    if (strcmp(notice->state, "sent") == 0) {
        add(page, "sendt ", "sent ");
        add_moment(page, notice->finished_at);
        if (notice->with > 0)
            buffer_format(&page->line, in(page, " sammen med %d %s", " together with %d %s"), notice->with,
                          notice->with == 1 ? in(page, "anden", "other") : in(page, "andre", "others"));
    } else if (strcmp(notice->state, "abandoned") == 0) {
        add(page, "opgivet ", "given up ");
        add_moment(page, notice->finished_at);
        buffer_format(&page->line, in(page, " efter %d %s", " after %d %s"), notice->attempts, attempts);
        add_reply(page, notice);
    } else if (!notice->formed) {
        bool hours = notice->held_by && strcmp(notice->held_by, "hours") == 0;
        if (hours)
            add(page, "venter på kontortid til ", "waits for office hours until ");
        else if (notice->held_by)
            add(page, "venter, da der er mange beskeder, til ", "waits, since there are many, until ");
        else
            add(page, "venter på andre beskeder til ", "waits for others until ");
        add_moment(page, notice->next_attempt_at);
    } else {
        add(page, "endnu ikke sendt", "not sent yet");
        if (notice->attempts > 0)
            buffer_format(&page->line, ", %d %s", notice->attempts, attempts);
        if (notice->next_attempt_at != INSTANT_NONE) {
            add(page, ", næste forsøg ", ", next attempt ");
            add_moment(page, notice->next_attempt_at);
        }
        add_reply(page, notice);
    }
}

static void print_notices(struct page *page, const struct explained_deadline *deadline)
{
    if (deadline->notice_count > 0)
        print_section(page, "Beskeder", "Notices");
    for (size_t i = 0; i < deadline->notice_count; i++) {
        const struct recorded_notice *notice = &deadline->notices[i];
        add_moment(page, notice->decided_at);
        add(page, " til ", " to ");
        if (*notice->person_id)
            buffer_format(&page->line, "%s (%s)", notice->person_id,
                          phrase_role(page->explanation->language, notice->role));
        else
            add(page, "driften", "the operators");
        if (notice->instead_of)
            buffer_format(&page->line, in(page, " i stedet for %s", " instead of %s"), notice->instead_of);
        buffer_format(&page->line, in(page, " om nr. %lld: ", " on no. %lld: "),
                      (long long)notice->transition_number);
        add_outcome(page, notice);
        print_item(page, "-");
    }
}

static void add_muted(struct page *page, const struct recorded_hold *hold)
{
    phrase_muted(page->explanation->language, hold->by, &page->line);
    buffer_format(&page->line, " (%s)", hold->reason);
    if (hold->until == INSTANT_NONE)
        return;
    add(page, ", indtil ", ", until ");
    add_moment(page, hold->until);
}

static void print_holds(struct page *page, const struct explained_deadline *deadline)
{
    if (deadline->hold_count > 0)
        print_section(page, "Holdt tilbage", "Held back");
    for (size_t i = 0; i < deadline->hold_count; i++) {
        const struct recorded_hold *hold = &deadline->holds[i];
        const struct notice_done done = {.silenced = hold->kind == HOLD_SILENCE,
                                         .person = hold->by,
                                         .reason = hold->reason,
                                         .until = hold->until};
        add_moment(page, hold->from);
        buffer_add_string(&page->line, ": ");
        if (hold->kind == HOLD_MUTED)
            add_muted(page, hold);
        else
            phrase_acknowledged(page->explanation->language, page->explanation->zone, &done, &page->line);
        print_item(page, "-");
    }
}

static void print_history(struct page *page, const struct explained_deadline *deadline)
{
    enum language language = page->explanation->language;
    if (deadline->transition_count > 0)
        print_section(page, "Forløb", "History");
    for (size_t i = 0; i < deadline->transition_count; i++) {
        const struct recorded_transition *row = &deadline->transitions[i];
        const struct transition *transition = &row->transition;
        buffer_format(&page->line, in(page, "nr. %lld, ", "no. %lld, "), (long long)transition->number);
        add_moment(page, transition->at);
        buffer_format(&page->line, ": %s",
                      phrase_transition(language, transition->rule_kind, transition->kind));
        if (transition->kind == TRANSITION_MOVED && transition->due_at != INSTANT_NONE) {
            add(page, ": ", ": ");
            add_moment(page, transition->due_at);
        }
        if (row->superseded > 0)
            buffer_format(&page->line,
                          in(page, "; %d tidligere trin sprunget over", "; %d earlier stages passed over"),
                          row->superseded);
        add(page, "; skrevet ned ", "; written down ");
        add_moment(page, transition->recorded_at);
        print_item(page, "-");
    }
}

static void print_deadline(struct page *page, const struct explained_deadline *deadline)
{
    putchar('\n');
    print_heading(page, deadline);
    print_state(page, deadline);
    print_version(page, deadline);
    print_recorded(page, deadline);
    print_steps(page, deadline);
    print_stages(page, deadline);
    print_holds(page, deadline);
    print_notices(page, deadline);
    print_history(page, deadline);
}

// --- the whole ---

static void print_case(struct page *page)
{
    const struct explanation *explanation = page->explanation;
    buffer_format(&page->line, in(page, "Sag %s", "Case %s"), explanation->case_id);
    if (explanation->type)
        buffer_format(&page->line, " (%s)", explanation->type);
    if (explanation->unit && *explanation->unit)
        buffer_format(&page->line, in(page, ", enhed %s", ", unit %s"), explanation->unit);
    if (explanation->caseworker && *explanation->caseworker)
        buffer_format(&page->line, in(page, ", sagsbehandler %s", ", caseworker %s"),
                      explanation->caseworker);
    print_wrapped(page, 0);
    if (explanation->evaluated)
        add(page, "Som fagsystemet og journalen viser den ", "As the case database and the journal show it ");
    else
        add(page, "Som journalen kendte den ", "As the journal knew it ");
    add_moment(page, explanation->at);
    print_wrapped(page, 0);
    if (explanation->deadline_count == 0) {
        add(page, "Ingen frister.", "No deadlines.");
        print_wrapped(page, 0);
    }
}

static void print_faults(struct page *page)
{
    const struct explanation *explanation = page->explanation;
    if (explanation->fault_count == 0)
        return;
    printf("\n%s\n", in(page, "Fejl i sagens data", "Faults in the case's data"));
    for (size_t i = 0; i < explanation->fault_count; i++) {
        const struct explained_fault *fault = &explanation->faults[i];
        const struct {
            const char *da, *en, *value;
        } parts[] = {{"regel", "rule", fault->rule},
                     {"emne", "subject", fault->subject},
                     {"hændelse", "event", fault->event_id}};
        buffer_add_string(&page->line, fault->code);
        for (size_t k = 0; k < sizeof parts / sizeof parts[0]; k++)
            if (parts[k].value && *parts[k].value)
                buffer_format(&page->line, ", %s %s", in(page, parts[k].da, parts[k].en), parts[k].value);
        if (fault->reason)
            buffer_format(&page->line, ": %s", fault->reason);
        print_item(page, "-");
    }
}

void explanation_print_text(const struct explanation *explanation, int width)
{
    struct page page = {.explanation = explanation, .width = width};
    print_case(&page);
    for (size_t i = 0; i < explanation->deadline_count; i++)
        print_deadline(&page, &explanation->deadlines[i]);
    print_faults(&page);
    buffer_done(&page.line);
}
