// SPDX-License-Identifier: MPL-2.0
// An explanation for programs: one JSON object. Keys are English; words are in the language asked for.
#include "command/explanation.h"

#include <jansson.h>
#include <stdio.h>

// NULL: null.
static json_t *text(const char *string)
{
    return string ? json_string(string) : json_null();
}

static json_t *moment(const struct explanation *explanation, instant at)
{
    char formatted[ZONE_INSTANT_SIZE];
    return at == INSTANT_NONE ? json_null() : json_string(zone_format(explanation->zone, at, formatted));
}

static json_t *date(civil_date date)
{
    char formatted[CIVIL_DATE_SIZE];
    return date == CIVIL_NONE ? json_null() : json_string(civil_format_date(date, formatted));
}

// The person is an id; '' is an address of the configuration.
static json_t *person(const char *id)
{
    return id && *id ? json_string(id) : json_null();
}

static json_t *version(const struct explained_deadline *deadline)
{
    static const char *const choices[] = {
        [VERSION_BY_START] = "start", [VERSION_BY_DUE] = "due", [VERSION_KEPT] = "kept"};
    if (deadline->rule == NULL)
        return json_null();
    return json_pack("{s:o, s:o, s:s, s:i}", "valid_from", date(deadline->rule->from), "valid_until",
                     date(deadline->rule->until), "chosen_by", choices[deadline->choice], "versions",
                     deadline->version_count);
}

static json_t *steps(const struct explained_deadline *deadline)
{
    json_t *list = json_array();
    for (size_t i = 0; i < deadline->step_count; i++) {
        const struct explained_step *step = &deadline->steps[i];
        json_array_append_new(list, json_pack("{s:o, s:s}", "kind", text(step->kind), "text", step->text));
    }
    return list;
}

static json_t *stages(const struct explanation *explanation, const struct explained_deadline *deadline)
{
    json_t *list = json_array();
    struct buffer words = {0};
    for (size_t i = 0; i < deadline->stage_count; i++) {
        const struct explained_stage *stage = &deadline->stages[i];
        json_t *to = json_array();
        for (int k = 0; k < stage->stage->to_count; k++)
            json_array_append_new(to, json_string(stage->stage->to[k]));
        buffer_clear(&words);
        explain_stage(stage->stage, stage->time.repeat, deadline->kind, explanation->language, &words);
        json_array_append_new(list, json_pack("{s:o, s:i, s:i, s:s, s:o, s:s}", "at",
                                              moment(explanation, stage->time.at), "stage", stage->time.stage,
                                              "repeat", stage->time.repeat, "text", words.data, "to", to,
                                              "fate", stage_fate_name(stage->fate)));
    }
    buffer_done(&words);
    return list;
}

static json_t *notices(const struct explanation *explanation, const struct explained_deadline *deadline)
{
    json_t *list = json_array();
    for (size_t i = 0; i < deadline->notice_count; i++) {
        const struct recorded_notice *notice = &deadline->notices[i];
        json_array_append_new(
            list, json_pack("{s:I, s:o, s:s, s:o, s:o, s:s, s:i, s:o, s:o, s:o, s:s, s:o, s:i}", "transition",
                            (json_int_t)notice->transition_number, "person", person(notice->person_id),
                            "role", notice->role, "instead_of", text(notice->instead_of), "stage_at",
                            moment(explanation, notice->stage_at), "state", notice->state, "attempts",
                            notice->attempts, "decided_at", moment(explanation, notice->decided_at),
                            "next_attempt_at", moment(explanation, notice->next_attempt_at), "finished_at",
                            moment(explanation, notice->finished_at), "last_reply", notice->last_reply,
                            "held_by", text(notice->held_by), "sent_with", notice->with));
    }
    return list;
}

static json_t *holds(const struct explanation *explanation, const struct explained_deadline *deadline)
{
    static const char *const kinds[] = {[HOLD_ACKNOWLEDGEMENT] = "acknowledgement",
                                        [HOLD_SILENCE] = "silence",
                                        [HOLD_MUTED] = "larger_problem"};
    json_t *list = json_array();
    for (size_t i = 0; i < deadline->hold_count; i++) {
        const struct recorded_hold *hold = &deadline->holds[i];
        json_array_append_new(list, json_pack("{s:s, s:o, s:o, s:s, s:s}", "by_what", kinds[hold->kind],
                                              "from", moment(explanation, hold->from), "until",
                                              moment(explanation, hold->until), "by", hold->by, "reason",
                                              hold->reason));
    }
    return list;
}

static json_t *transitions(const struct explanation *explanation, const struct explained_deadline *deadline)
{
    json_t *list = json_array();
    for (size_t i = 0; i < deadline->transition_count; i++) {
        const struct recorded_transition *row = &deadline->transitions[i];
        const struct transition *transition = &row->transition;
        json_array_append_new(
            list, json_pack("{s:I, s:s, s:o, s:o, s:s, s:o, s:b, s:i, s:s}", "number",
                            (json_int_t)transition->number, "kind", transition_name(transition->kind), "at",
                            moment(explanation, transition->at), "recorded_at",
                            moment(explanation, transition->recorded_at), "state",
                            deadline_state_name(transition->state), "due_at",
                            moment(explanation, transition->due_at), "late", transition->late, "superseded",
                            row->superseded, "derivation", row->derivation));
    }
    return list;
}

static json_t *recorded(const struct explanation *explanation, const struct explained_deadline *deadline)
{
    if (deadline->recorded == NULL)
        return json_null();
    return json_pack("{s:s, s:o}", "state", deadline_state_name(deadline->recorded->state), "due_at",
                     moment(explanation, deadline->recorded->due_at));
}

static const char *title_of(const struct explanation *explanation, const struct rule *rule)
{
    return explanation->language == LANGUAGE_EN && rule->title_en ? rule->title_en : rule->title_da;
}

static json_t *deadline_object(const struct explanation *explanation,
                               const struct explained_deadline *deadline)
{
    const struct rule *rule = deadline->rule;
    json_t *object = json_pack(
        "{s:s, s:s, s:s, s:i, s:o, s:o, s:s, s:b, s:s, s:b}", "rule", deadline->key.rule, "code",
        deadline->code, "subject", deadline->key.subject, "occurrence", deadline->key.occurrence, "title",
        text(rule ? title_of(explanation, rule) : NULL), "basis", text(rule ? rule->basis : NULL), "kind",
        rules_kind_name(deadline->kind), "sensitive", deadline->sensitive, "state",
        deadline_state_name(deadline->state), "withdrawn", deadline->withdrawn);
    json_object_set_new(object, "anchor_at", moment(explanation, deadline->anchor_at));
    json_object_set_new(object, "due_at", moment(explanation, deadline->due_at));
    json_object_set_new(object, "breached_at", moment(explanation, deadline->breached_at));
    json_object_set_new(object, "closed_at", moment(explanation, deadline->closed_at));
    json_object_set_new(object, "paused_at", moment(explanation, deadline->paused_at));
    json_object_set_new(object, "version", version(deadline));
    json_object_set_new(object, "recorded", recorded(explanation, deadline));
    json_object_set_new(object, "steps", steps(deadline));
    json_object_set_new(object, "stages", stages(explanation, deadline));
    json_object_set_new(object, "held_back", holds(explanation, deadline));
    json_object_set_new(object, "notices", notices(explanation, deadline));
    json_object_set_new(object, "transitions", transitions(explanation, deadline));
    return object;
}

void explanation_print_json(const struct explanation *explanation)
{
    json_t *deadlines = json_array(), *faults = json_array();
    for (size_t i = 0; i < explanation->deadline_count; i++)
        json_array_append_new(deadlines, deadline_object(explanation, &explanation->deadlines[i]));
    for (size_t i = 0; i < explanation->fault_count; i++) {
        const struct explained_fault *fault = &explanation->faults[i];
        json_array_append_new(faults,
                              json_pack("{s:s, s:o, s:o, s:o, s:o}", "fault", fault->code, "rule",
                                        text(fault->rule), "subject", text(fault->subject), "event_id",
                                        text(fault->event_id), "reason", text(fault->reason)));
    }
    json_t *whole = json_pack("{s:s, s:o, s:s, s:o, s:o, s:o, s:o, s:o}", "case_id", explanation->case_id,
                              "at", moment(explanation, explanation->at), "source",
                              explanation->evaluated ? "case database and journal" : "journal", "case_type",
                              text(explanation->type), "unit", text(explanation->unit), "caseworker",
                              person(explanation->caseworker), "deadlines", deadlines, "faults", faults);
    json_dumpf(whole, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    putchar('\n');
    json_decref(whole);
}
