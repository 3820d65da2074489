// SPDX-License-Identifier: MPL-2.0
#include "command/mail_sample.h"

#include "command/notice_sample.h"
#include "core/operator_words.h"
#include "core/report_wording.h"

#include <string.h>

#define CLOCK(hour, minute) ((hour)*3600 + (minute)*60)
#define COUNT(array)        (sizeof(array) / sizeof(array)[0])

static instant moment(const struct zone *zone, int month, int day, int second)
{
    return zone_to_instant(zone, civil_from_ymd(2026, month, day), second);
}

const char *mail_kind_name(enum mail_kind kind)
{
    static const char *const names[MAIL_KINDS] = {"notice", "gathered", "backlog", "operator"};
    return names[kind];
}

// --- several notices in one mail ---

enum gathered_sample { GATHERED_FEW, GATHERED_MANY, GATHERED_NEWS, GATHERED_LATE, GATHERED_SAMPLES };
static const struct mail_sample gathered_samples[GATHERED_SAMPLES] = {
    {"few", "a breach, a target not reached, a warning and what was settled, which waited (default)"},
    {"many", "very many: sums and the worst, small counts hidden"},
    {"news", "only what has become of deadlines that he was told of"},
    {"late", "all of them later than they should be"}};

#define GATHERED_ITEMS 5
static const char *const gathered_items[GATHERED_SAMPLES][GATHERED_ITEMS] = {
    {"breach", "target", "sensitive", "met"},
    {"breach", "escalation", "target", "sensitive", "met"},
    {"met", "moved", "cancelled"},
    {"breach", "target"}};

static const struct gathered_sum few_sums[] = {{"K20", NULL, RULE_STATUTORY, 1, 1, 1},
                                               {"K72", NULL, RULE_TARGET, 0, 1, 0}};
static const struct gathered_sum many_sums[2][4] = {
    {{"K20", "Børnefaglig undersøgelse afsluttes", RULE_STATUTORY, 31, 1204, 1},
     {"K72", "Genetablering af hjælp i hjemvist sag", RULE_TARGET, 0, 407, 0},
     {"K44", NULL, RULE_TARGET, 0, 2, 0},
     {"K34", "Stillingtagen til ungeplan ved 16 år", RULE_STATUTORY, 5, 0, 0}},
    {{"K20", "Child assessment is finished", RULE_STATUTORY, 31, 1204, 1},
     {"K72", "Help restored in a remanded case", RULE_TARGET, 0, 407, 0},
     {"K44", NULL, RULE_TARGET, 0, 2, 0},
     {"K34", "Whether a youth plan is needed at 16", RULE_STATUTORY, 5, 0, 0}}};
static const struct gathered_sum news_sums[] = {{"K20", NULL, RULE_STATUTORY, 0, 0, 3}};

static const struct gathered_sum late_sums[] = {{"K20", NULL, RULE_STATUTORY, 0, 1, 0},
                                                {"K72", NULL, RULE_TARGET, 0, 1, 0}};

static void word_gathered(const struct wording *wording, const struct zone *zone, enum language language,
                          size_t index, struct sampled_mail *into)
{
    struct notice_sample samples[GATHERED_ITEMS];
    struct notice_facts items[GATHERED_ITEMS];
    struct gathered_facts facts = {.now = moment(zone, 3, 2, CLOCK(8, 0)), .items = items};
    if (index == GATHERED_MANY) {
        facts.sums = many_sums[language];
        facts.sum_count = COUNT(many_sums[language]);
    } else {
        facts.sums = index == GATHERED_FEW ? few_sums : index == GATHERED_NEWS ? news_sums : late_sums;
        facts.sum_count = index == GATHERED_FEW    ? COUNT(few_sums)
                          : index == GATHERED_NEWS ? COUNT(news_sums)
                                                   : COUNT(late_sums);
    }
    for (; facts.item_count < GATHERED_ITEMS && gathered_items[index][facts.item_count]; facts.item_count++) {
        size_t item = facts.item_count;
        notice_sample_make(zone, language, notice_sample_named(gathered_items[index][item]), &samples[item]);
        items[item] = samples[item].facts;
        items[item].now = facts.now;
        items[item].late |= index == GATHERED_LATE;
        if (items[item].transition == TRANSITION_APPROACHING)
            items[item].due_at = moment(zone, 3, 9, CLOCK(24, 0) - 1);
    }
    facts.waited = index == GATHERED_FEW || index == GATHERED_MANY;
    facts.decided_at = moment(zone, 3, 1, 0);
    wording_gathered(wording, zone, &facts, &into->text);
    into->now = facts.now;
}

// --- the backlog ---

enum backlog_sample { BACKLOG_FULL, BACKLOG_EMPTY, BACKLOG_SAMPLES };
static const struct mail_sample backlog_samples[BACKLOG_SAMPLES] = {
    {"full", "rules of three kinds, small counts hidden (default)"}, {"empty", "nothing is open"}};

static const struct backlog_row backlog_rows[2][5] = {
    {{"K01", "Vurdering af underretning inden 24 timer", RULE_STATUTORY, 4, 0},
     {"K20", "Børnefaglig undersøgelse afsluttes", RULE_STATUTORY, 31, 12},
     {"K44", NULL, RULE_TARGET, 2, 1},
     {"K72", "Genetablering af hjælp i hjemvist sag", RULE_TARGET, 8, 1},
     {"K71", "Ugentlig opfølgning på hjemvist sag", RULE_OWN, 7, 5}},
    {{"K01", "Assessment of a notification within 24 hours", RULE_STATUTORY, 4, 0},
     {"K20", "Child assessment is finished", RULE_STATUTORY, 31, 12},
     {"K44", NULL, RULE_TARGET, 2, 1},
     {"K72", "Help restored in a remanded case", RULE_TARGET, 8, 1},
     {"K71", "Weekly follow-up on a remanded case", RULE_OWN, 7, 5}}};

static void word_backlog(const struct wording *wording, const struct zone *zone, enum language language,
                         size_t index, struct sampled_mail *into)
{
    const struct ruleset rules = {.zone = zone};
    struct report_deadline broken[] = {
        {"S-1001", "B-3", "fam-nord", "", "", "K20", RULE_STATUTORY, false,
         moment(zone, 1, 12, CLOCK(24, 0) - 1), true},
        {"S-1012", "", "fam-nord", "", "", "K71", RULE_OWN, false, moment(zone, 1, 19, CLOCK(9, 0)), true}};
    const struct report_mail worst = {
        .decided_at = moment(zone, 1, 29, CLOCK(8, 0)), .broken = broken, .broken_count = COUNT(broken)};
    const struct report_facts worst_facts = {NULL, &worst, &rules,
                                             "https://fagsystem.kommune.example/sag/{case}"};
    const struct backlog_facts facts = {.worst = index == BACKLOG_FULL ? &worst_facts : NULL,
                                        .unit = "fam-nord",
                                        .now = moment(zone, 1, 29, CLOCK(8, 0)),
                                        .rows = backlog_rows[language],
                                        .row_count =
                                            index == BACKLOG_FULL ? COUNT(backlog_rows[language]) : 0};
    wording_backlog(wording, zone, &facts, &into->text);
    into->now = facts.now;
}

// --- to the operators ---

enum operator_sample {
    OPERATOR_TROUBLE,
    OPERATOR_FAULTS,
    OPERATOR_REACH,
    OPERATOR_REACH_WHOLE,
    OPERATOR_RULES,
    OPERATOR_SILENCE,
    OPERATOR_SILENCE_ENDED,
    OPERATOR_SAMPLES
};
static const struct mail_sample operator_samples[OPERATOR_SAMPLES] = {
    {"trouble", "steps that reached nobody, mail refused, a report not sent (default)"},
    {"faults", "what cannot be right in the case data"},
    {"reach", "steps that will reach nobody in the next weeks"},
    {"reach_whole", "every step reaches somebody again"},
    {"rules", "what changed rules did to open deadlines"},
    {"silence", "to the level above: a silence has begun"},
    {"silence_ended", "to the level above: it has ended"}};

#define OPERATOR_SAMPLE_LINES 4
static const struct operator_line operator_lines[OPERATOR_SAMPLES][OPERATOR_SAMPLE_LINES] = {
    [OPERATOR_TROUBLE] = {{"step_reached_nobody", "S-1001", "K20", "team_leader"},
                          {"notice_given_up", "S-1007", "K01", "550 5.1.1"},
                          {"address_refused", "", "", "sb4, 550 5.1.1"},
                          {"report_not_sent", "", "", "hjemvisninger, team_leader fam-nord (550 5.1.1)"}},
    [OPERATOR_FAULTS] = {{"data_fault", "S-1012", "K20", "stop_before_start"},
                         {"data_fault", "S-1013", "K01", "due_on_missing"},
                         {"data_fault", "", "", "two_addresses sb4"},
                         {"data_fault", "", "", "unit_circle fam-syd"}},
    [OPERATOR_REACH_WHOLE] = {{"reach_whole", "", "", ""}},
    [OPERATOR_RULES] = {{"deadline_moved", "S-1001", "K20", "28. februar 2026 → 14. marts 2026"},
                        {"deadline_closed", "S-1007", "K01", "2. marts 2026 kl. 15.30"},
                        {"deadline_gone", "S-1012", "K32", "9. marts 2026"},
                        {"deadline_breached", "S-1013", "K72", "20. februar 2026"}},
};

// A hole as the nightly look words it.
static void word_hole(const struct zone *zone, enum language language, instant now, struct buffer *into)
{
    const char *roles[] = {"team_leader"};
    const struct stage stage = {.to = roles, .to_count = 1};
    const struct reach_hole hole = {
        .unit = "fam-nord", .code = "K20", .stage = &stage, .days = 0x3fff00, .lost = 0x3f00};
    phrase_reach_hole(language, zone_date(zone, now), &hole, into);
}

static void word_silence(const struct zone *zone, enum language language, bool ended, struct buffer *into)
{
    const struct silence silence = {.unit = "fam-nord",
                                    .rule = "K20",
                                    .from = moment(zone, 1, 26, CLOCK(12, 0)),
                                    .until = moment(zone, 1, 29, CLOCK(8, 0))};
    const struct silence_words words = {.silence = &silence,
                                        .person = "tl1",
                                        .person_role = "team_leader",
                                        .reason = "migration",
                                        .ended = ended,
                                        .covered = 43,
                                        .breached = 12,
                                        .hidden = 9,
                                        .of_deadlines = 7,
                                        .undone = 1};
    phrase_silence(language, zone, &words, into);
}

static void word_operator(const struct wording *wording, const struct zone *zone, enum language language,
                          size_t index, struct sampled_mail *into)
{
    instant now = moment(zone, 1, 29, CLOCK(8, 0));
    struct operator_line lines[OPERATOR_SAMPLE_LINES];
    struct operator_facts facts = {.now = now, .lines = lines};
    struct buffer words = {0};
    while (facts.line_count < OPERATOR_SAMPLE_LINES && operator_lines[index][facts.line_count].what) {
        lines[facts.line_count] = operator_lines[index][facts.line_count];
        facts.line_count++;
    }
    if (index == OPERATOR_REACH)
        word_hole(zone, language, now, &words);
    else if (index >= OPERATOR_SILENCE)
        word_silence(zone, language, index == OPERATOR_SILENCE_ENDED, &words);
    if (words.length > 0)
        lines[facts.line_count++] =
            (struct operator_line){index == OPERATOR_REACH     ? "reach_hole"
                                   : index == OPERATOR_SILENCE ? "silence_started"
                                                               : "silence_ended",
                                   "", index == OPERATOR_REACH ? "K20" : "", words.data};
    facts.total = facts.line_count;
    wording_operator(wording, zone, &facts, &into->text);
    buffer_done(&words);
    into->now = now;
}

// --- all of them ---

const struct mail_sample *mail_sample_at(enum mail_kind kind, size_t index)
{
    static const struct {
        const struct mail_sample *samples;
        size_t count;
    } lists[MAIL_KINDS] = {[MAIL_GATHERED] = {gathered_samples, GATHERED_SAMPLES},
                           [MAIL_BACKLOG] = {backlog_samples, BACKLOG_SAMPLES},
                           [MAIL_OPERATOR] = {operator_samples, OPERATOR_SAMPLES}};
    if (kind == MAIL_NOTICE)
        return notice_sample_at(index);
    return index < lists[kind].count ? &lists[kind].samples[index] : NULL;
}

static void word_notice(const struct wording *wording, const struct zone *zone, enum language language,
                        size_t index, struct sampled_mail *into)
{
    struct notice_sample sample;
    notice_sample_make(zone, language, index, &sample);
    wording_notice(wording, zone, &sample.facts, &into->text);
    into->now = sample.facts.now;
    into->link = sample.facts.link;
    if (notice_sample_has_entry(index, &into->cancelled))
        into->entry = zone_date(zone, sample.facts.due_at != INSTANT_NONE ? sample.facts.due_at : into->now);
}

void mail_sample_word(const struct wording *wording, const struct zone *zone, enum language language,
                      enum mail_kind kind, size_t index, struct sampled_mail *into)
{
    static void (*const words[MAIL_KINDS])(const struct wording *wording, const struct zone *zone,
                                           enum language language, size_t index,
                                           struct sampled_mail *into) = {[MAIL_NOTICE] = word_notice,
                                                                         [MAIL_GATHERED] = word_gathered,
                                                                         [MAIL_BACKLOG] = word_backlog,
                                                                         [MAIL_OPERATOR] = word_operator};
    into->link = NULL;
    into->entry = CIVIL_NONE;
    into->cancelled = false;
    words[kind](wording, zone, language, index, into);
}
