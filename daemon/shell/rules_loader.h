// SPDX-License-Identifier: MPL-2.0
// What the readers of rule files share: the set being built, the names that are known so far, and the small
// checks that every section needs. Only for rules_*.c.
#ifndef FRISTD_SHELL_RULES_LOADER_H
#define FRISTD_SHELL_RULES_LOADER_H

#include "core/names.h"
#include "core/rules.h"
#include "shell/yaml.h"
#include "shell/yaml_value.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#define BREACH_PREFIX "breach:"

// Names with their numbers, and the place where each came up first.
struct known_names {
    struct names table;
    const char **names; // by number
    struct place *places;
    int name_capacity, place_capacity;
};

struct source {
    struct yaml *yaml;
    const char *file; // in the set's arena: places outlive the yaml
};

struct holiday_list {
    struct holiday *holidays;
    size_t count;
};

struct loader {
    struct ruleset *rules;
    struct error *err;
    void (*on_warning)(void *data, const char *text);
    void *data;
    bool confirm_all; // as if every rule said confirmed: true
    bool allow_gaps;  // between the versions of a rule: only a warning

    struct source *sources;
    size_t source_count, source_capacity;
    const char *file; // of the source being read

    struct known_names vocabulary; // `kinds`: where there is one, no other kind may be named
    struct known_names kinds, holidays, calendars, escalations, lines, codes;
    struct holiday_list *holiday_lists; // by number in holidays
    int *version_counts;                // by number in lines
    int version_capacity;
    int *code_lines; // by number in codes: the rule that has it
    int code_capacity;
    const struct yaml_node *office_calendar, *births, *notice_time;
};

void loader_done(struct loader *loader);

// --- names ---

int known_find(const struct known_names *known, const char *name);              // number, or -1
int known_add(struct known_names *known, const char *name, struct place place); // a new one; borrowed

// --- into the set's arena ---

struct place loader_place(const struct loader *loader, const struct yaml_node *node);
const char *loader_keep(struct loader *loader, const char *text);
void *loader_array(struct loader *loader, size_t count, size_t size);

void loader_warn(struct loader *loader, struct place place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// --- what nodes must be; all of them 0, or -1 with the error set ---

int loader_need(struct loader *loader, const struct yaml_node *map, const char *what, const char *key,
                const struct yaml_node **ret_node);
int loader_need_list(struct loader *loader, const struct yaml_node *node, const char *what);
int loader_need_map(struct loader *loader, const struct yaml_node *node, const char *what);
int loader_name(struct loader *loader, const struct yaml_node *node, const char *what, const char **ret_name);

// Gives a name that is defined here its number; a second definition is refused.
int loader_define(struct loader *loader, struct known_names *known, const struct yaml_node *key,
                  const char *what);
// The number of a name that must have been defined.
int loader_refer(struct loader *loader, const struct known_names *known, const struct yaml_node *node,
                 const char *what);

bool loader_is_breach(const char *kind);
// Every kind that is named anywhere gets a number; with a vocabulary it must be in it.
int loader_kind(struct loader *loader, const struct yaml_node *node, const char *what, int *ret_kind);
int loader_kinds(struct loader *loader, const struct yaml_node *node, const char *what,
                 struct kind_list *ret_kinds);
void loader_add_number(int *numbers, int *count, int number); // unless it is there
int loader_texts(struct loader *loader, const struct yaml_node *node, const char *what,
                 const char ***ret_texts, int *ret_count);
int loader_validity(struct loader *loader, const struct yaml_node *map, civil_date *ret_from,
                    civil_date *ret_until);
int loader_calendar(struct loader *loader, const struct yaml_node *node,
                    const struct calendar **ret_calendar);

// --- the sections, each in its file ---

enum due_position { IN_DUE, IN_THEN, IN_EARLIEST };

int loader_due(struct loader *loader, const struct yaml_node *node, enum due_position position,
               struct due *due);

int rules_read_holidays(struct loader *loader, const struct yaml_node *section);
int rules_read_calendars(struct loader *loader, const struct yaml_node *section);
int rules_read_office_calendar(struct loader *loader, const struct yaml_node *node);
int rules_read_births(struct loader *loader, const struct yaml_node *node);
int rules_read_kinds(struct loader *loader, const struct yaml_node *node);
int rules_read_notice_time(struct loader *loader, const struct yaml_node *node);
int rules_read_escalations(struct loader *loader, const struct yaml_node *section);
int rules_declare(struct loader *loader,
                  const struct yaml_node *section);                     // ids, and how many versions of each
int rules_read(struct loader *loader, const struct yaml_node *section); // after rules_declare
int rules_read_examples(struct loader *loader, const struct yaml_node *node,
                        struct rule *rule); // may be NULL
// That some rule knows the kinds in the examples; after rules_read on all files.
int rules_check_examples(struct loader *loader, const struct yaml_node *section);

#endif
