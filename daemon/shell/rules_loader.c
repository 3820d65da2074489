// SPDX-License-Identifier: MPL-2.0
#include "shell/rules_loader.h"

#include "core/casefile.h"

#include <stdlib.h>
#include <string.h>

// --- names ---

int known_find(const struct known_names *known, const char *name)
{
    return names_find(&known->table, name, strlen(name));
}

int known_add(struct known_names *known, const char *name, struct place place)
{
    int number = known->table.count;
    MEMORY_GROW(known->names, number, known->name_capacity);
    MEMORY_GROW(known->places, number, known->place_capacity);
    known->names[number] = name;
    known->places[number] = place;
    return names_add(&known->table, name);
}

static void known_done(struct known_names *known)
{
    names_done(&known->table);
    free(known->names);
    free(known->places);
}

void loader_done(struct loader *loader)
{
    for (size_t i = 0; i < loader->source_count; i++)
        yaml_close(loader->sources[i].yaml);
    free(loader->sources);
    known_done(&loader->vocabulary);
    known_done(&loader->kinds);
    known_done(&loader->holidays);
    known_done(&loader->calendars);
    known_done(&loader->escalations);
    known_done(&loader->lines);
    known_done(&loader->codes);
    free(loader->holiday_lists);
    free(loader->version_counts);
    free(loader->code_lines);
}

// --- into the set's arena ---

struct place loader_place(const struct loader *loader, const struct yaml_node *node)
{
    struct place place = yaml_place(node);
    place.file = loader->file;
    return place;
}

const char *loader_keep(struct loader *loader, const char *text)
{
    return arena_string(&loader->rules->arena, text);
}

void *loader_array(struct loader *loader, size_t count, size_t size)
{
    return arena_alloc(&loader->rules->arena, count * size);
}

void loader_warn(struct loader *loader, struct place place, const char *format, ...)
{
    if (loader->on_warning == NULL)
        return;
    struct buffer text = {0};
    va_list ap;
    va_start(ap, format);
    buffer_format(&text, "%s:%d:%d: ", place.file, place.line, place.column);
    buffer_vformat(&text, format, ap);
    va_end(ap);
    loader->on_warning(loader->data, text.data);
    buffer_done(&text);
}

// --- what nodes must be ---

int loader_need(struct loader *loader, const struct yaml_node *map, const char *what, const char *key,
                const struct yaml_node **ret_node)
{
    *ret_node = yaml_get(map, key);
    if (*ret_node == NULL)
        return yaml_error(map, loader->err, "%s must have \"%s\"", what, key);
    return 0;
}

int loader_need_list(struct loader *loader, const struct yaml_node *node, const char *what)
{
    if (!yaml_is_list(node))
        return yaml_error(node, loader->err, "%s must be a list, such as [a, b]", what);
    return 0;
}

int loader_need_map(struct loader *loader, const struct yaml_node *node, const char *what)
{
    if (!yaml_is_map(node))
        return yaml_error(node, loader->err, "%s must be a map of names", what);
    return 0;
}

int loader_name(struct loader *loader, const struct yaml_node *node, const char *what, const char **ret_name)
{
    return value_text(node, what, CASEFILE_ID_MAX, ret_name, loader->err);
}

int loader_define(struct loader *loader, struct known_names *known, const struct yaml_node *key,
                  const char *what)
{
    const char *name;
    if (loader_name(loader, key, what, &name) < 0)
        return -1;
    int number = known_find(known, name);
    if (number < 0)
        return known_add(known, loader_keep(loader, name), loader_place(loader, key));
    struct place first = known->places[number];
    char quoted[YAML_QUOTE_SIZE];
    return yaml_error(key, loader->err, "%s \"%s\" is already defined in %s:%d", what,
                      yaml_quote(name, quoted), first.file, first.line);
}

int loader_refer(struct loader *loader, const struct known_names *known, const struct yaml_node *node,
                 const char *what)
{
    const char *name;
    if (loader_name(loader, node, what, &name) < 0)
        return -1;
    int number = known_find(known, name);
    if (number < 0)
        return yaml_unknown(node, what, known->names, (size_t)known->table.count, loader->err);
    return number;
}

bool loader_is_breach(const char *kind)
{
    return strncmp(kind, BREACH_PREFIX, strlen(BREACH_PREFIX)) == 0;
}

int loader_kind(struct loader *loader, const struct yaml_node *node, const char *what, int *ret_kind)
{
    const char *name;
    if (loader_name(loader, node, what, &name) < 0)
        return -1;
    if (loader_is_breach(name))
        return yaml_error(node, loader->err, BREACH_PREFIX " stands only in start, not in %s", what);
    if (loader->vocabulary.table.count > 0 && known_find(&loader->vocabulary, name) < 0)
        return yaml_unknown(node, "kind", loader->vocabulary.names, (size_t)loader->vocabulary.table.count,
                            loader->err);
    *ret_kind = known_find(&loader->kinds, name);
    if (*ret_kind < 0)
        *ret_kind = known_add(&loader->kinds, loader_keep(loader, name), loader_place(loader, node));
    return 0;
}

void loader_add_number(int *numbers, int *count, int number)
{
    for (int i = 0; i < *count; i++)
        if (numbers[i] == number)
            return;
    numbers[(*count)++] = number;
}

int loader_kinds(struct loader *loader, const struct yaml_node *node, const char *what,
                 struct kind_list *ret_kinds)
{
    if (loader_need_list(loader, node, what) < 0)
        return -1;
    struct kind_list list = {loader_array(loader, yaml_count(node), sizeof *list.kinds), 0};
    for (size_t i = 0; i < yaml_count(node); i++) {
        int kind = -1;
        if (loader_kind(loader, yaml_item(node, i), what, &kind) < 0)
            return -1;
        loader_add_number(list.kinds, &list.count, kind);
    }
    *ret_kinds = list;
    return 0;
}

int loader_texts(struct loader *loader, const struct yaml_node *node, const char *what,
                 const char ***ret_texts, int *ret_count)
{
    if (loader_need_list(loader, node, what) < 0)
        return -1;
    const char **texts = loader_array(loader, yaml_count(node), sizeof *texts);
    for (size_t i = 0; i < yaml_count(node); i++) {
        const char *text;
        if (loader_name(loader, yaml_item(node, i), what, &text) < 0)
            return -1;
        texts[i] = loader_keep(loader, text);
    }
    *ret_texts = texts;
    *ret_count = (int)yaml_count(node);
    return 0;
}

int loader_validity(struct loader *loader, const struct yaml_node *map, civil_date *ret_from,
                    civil_date *ret_until)
{
    const struct yaml_node *from = yaml_get(map, "from"), *until = yaml_get(map, "until");
    *ret_from = *ret_until = CIVIL_NONE;
    if (from && value_date(from, "from", ret_from, loader->err) < 0)
        return -1;
    if (until && value_date(until, "until", ret_until, loader->err) < 0)
        return -1;
    return 0;
}

int loader_calendar(struct loader *loader, const struct yaml_node *node, const struct calendar **ret_calendar)
{
    int number = loader_refer(loader, &loader->calendars, node, "calendar");
    if (number < 0)
        return -1;
    *ret_calendar = loader->rules->calendars[number];
    return 0;
}
