// SPDX-License-Identifier: MPL-2.0
// All files are parsed first; then one section after the other is read through all of them, each before those
// that refer to it: kinds, holidays, calendars, escalations, the ids of rules, the rules. So neither the
// order of the files nor the order inside them matters. What can only be seen on the whole is left to
// rules_finish().
#include "shell/rules_file.h"

#include "shell/file.h"
#include "shell/rules_loader.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

// --- all sections through all files ---

static size_t count_entries(const struct loader *loader, const char *section)
{
    size_t count = 0;
    for (size_t i = 0; i < loader->source_count; i++) {
        const struct yaml_node *root = yaml_root(loader->sources[i].yaml);
        const struct yaml_node *node = root ? yaml_get(root, section) : NULL;
        count += node ? yaml_count(node) : 0;
    }
    return count;
}

static int check_top_keys(struct loader *loader)
{
    static const char *const keys[] = {"kinds",           "holidays", "calendars",
                                       "office_calendar", "births",   "notice_time",
                                       "escalations",     "rules",    NULL};
    for (size_t i = 0; i < loader->source_count; i++) {
        const struct yaml_node *root = yaml_root(loader->sources[i].yaml);
        if (root && yaml_check_keys(root, "a file of rules", keys, loader->err) < 0)
            return -1;
    }
    return 0;
}

static int read_section(struct loader *loader, const char *section,
                        int (*read)(struct loader *loader, const struct yaml_node *node))
{
    for (size_t i = 0; i < loader->source_count; i++) {
        const struct yaml_node *root = yaml_root(loader->sources[i].yaml);
        const struct yaml_node *node = root ? yaml_get(root, section) : NULL;
        loader->file = loader->sources[i].file;
        if (node && read(loader, node) < 0)
            return -1;
    }
    return 0;
}

static void make_lines(struct loader *loader)
{
    struct ruleset *rules = loader->rules;
    rules->line_count = loader->lines.table.count;
    rules->lines = loader_array(loader, (size_t)rules->line_count, sizeof *rules->lines);
    for (int i = 0; i < rules->line_count; i++) {
        rules->lines[i].id = loader->lines.names[i];
        rules->lines[i].versions =
            loader_array(loader, (size_t)loader->version_counts[i], sizeof *rules->lines[i].versions);
    }
}

static int compare_versions(const void *left, const void *right)
{
    const struct rule *a = *(struct rule *const *)left, *b = *(struct rule *const *)right;
    return (a->from > b->from) - (a->from < b->from);
}

// What begins between two versions of a rule would be counted by neither, and nobody would hear of it.
static int check_gap(struct loader *loader, const struct rule *earlier, const struct rule *later)
{
    if (earlier->until == CIVIL_NONE || earlier->until + 1 >= later->from)
        return 0;
    char last[CIVIL_DATE_SIZE], first[CIVIL_DATE_SIZE];
    civil_format_date(earlier->until, last);
    civil_format_date(later->from, first);
    if (loader->allow_gaps) {
        loader_warn(loader, later->place, "rule \"%s\": no version is in force after %s and before %s",
                    later->id, last, first);
        return 0;
    }
    return error_set(
        loader->err,
        "%s:%d:%d: rule \"%s\": no version is in force after %s and before %s, the version at "
        "%s:%d:%d ends too early: let the ranges meet; where nothing is to be counted in between, "
        "say so by a version with confidence: C",
        later->place.file, later->place.line, later->place.column, later->id, last, first,
        earlier->place.file, earlier->place.line, earlier->place.column);
}

static int check_gaps(struct loader *loader)
{
    const struct ruleset *rules = loader->rules;
    for (int i = 0; i < rules->line_count; i++)
        for (int v = 1; v < rules->lines[i].version_count; v++)
            if (check_gap(loader, rules->lines[i].versions[v - 1], rules->lines[i].versions[v]) < 0)
                return -1;
    return 0;
}

static int read_sources(struct loader *loader)
{
    struct ruleset *rules = loader->rules;
    rules->notice_time = 8 * 3600;
    if (check_top_keys(loader) < 0)
        return -1;
    rules->calendars = loader_array(loader, count_entries(loader, "calendars"), sizeof(struct calendar *));
    rules->escalations =
        loader_array(loader, count_entries(loader, "escalations"), sizeof *rules->escalations);
    if (read_section(loader, "kinds", rules_read_kinds) < 0 ||
        read_section(loader, "holidays", rules_read_holidays) < 0 ||
        read_section(loader, "calendars", rules_read_calendars) < 0 ||
        read_section(loader, "office_calendar", rules_read_office_calendar) < 0 ||
        read_section(loader, "births", rules_read_births) < 0 ||
        read_section(loader, "notice_time", rules_read_notice_time) < 0 ||
        read_section(loader, "escalations", rules_read_escalations) < 0 ||
        read_section(loader, "rules", rules_declare) < 0)
        return -1;
    make_lines(loader);
    if (read_section(loader, "rules", rules_read) < 0 ||
        read_section(loader, "rules", rules_check_examples) < 0)
        return -1;
    for (int i = 0; i < rules->line_count; i++)
        qsort(rules->lines[i].versions, (size_t)rules->lines[i].version_count, sizeof(struct rule *),
              compare_versions);
    rules->kind_count = loader->kinds.table.count;
    rules->kinds = loader_array(loader, (size_t)rules->kind_count, sizeof *rules->kinds);
    for (int i = 0; i < rules->kind_count; i++)
        rules->kinds[i] = loader->kinds.names[i];
    return rules_finish(rules, loader->err) < 0 ? -1 : check_gaps(loader);
}

static struct source *add_source(struct loader *loader, const char *file)
{
    MEMORY_GROW(loader->sources, loader->source_count, loader->source_capacity);
    struct source *source = &loader->sources[loader->source_count++];
    *source = (struct source){NULL, loader_keep(loader, file)};
    return source;
}

// --- finding the files ---

struct paths {
    char **paths;
    size_t count, capacity;
};

static void paths_done(struct paths *paths)
{
    for (size_t i = 0; i < paths->count; i++)
        free(paths->paths[i]);
    free(paths->paths);
}

static bool ends_in(const char *name, const char *suffix)
{
    size_t length = strlen(name), suffix_length = strlen(suffix);
    return length > suffix_length && strcmp(name + length - suffix_length, suffix) == 0;
}

static int collect(struct loader *loader, const char *directory, int depth, struct paths *paths);

static int collect_entry(struct loader *loader, const char *path, int depth, struct paths *paths)
{
    struct stat st;
    if (stat(path, &st) < 0)
        return error_set(loader->err, "%s: cannot be read: %s", path, strerror(errno));
    if (S_ISDIR(st.st_mode))
        return collect(loader, path, depth + 1, paths);
    if (!ends_in(path, ".yaml") && !ends_in(path, ".yml"))
        return 0;
    if (paths->count == RULES_FILES_MAX)
        return error_set(loader->err, "%s: more than %d files of rules", path, RULES_FILES_MAX);
    MEMORY_GROW(paths->paths, paths->count, paths->capacity);
    paths->paths[paths->count++] = memory_copy(path, strlen(path));
    return 0;
}

static int collect(struct loader *loader, const char *directory, int depth, struct paths *paths)
{
    if (depth > RULES_DEPTH_MAX)
        return error_set(loader->err, "%s: more than %d folders below each other; does a link lead back?",
                         directory, RULES_DEPTH_MAX);
    DIR *dir = opendir(directory);
    if (dir == NULL)
        return error_set(loader->err, "%s: cannot be opened: %s", directory, strerror(errno));
    struct buffer path = {0};
    struct dirent *entry;
    int result = 0;
    errno = 0;
    while (result == 0 && (entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] != '.') {
            buffer_clear(&path);
            buffer_format(&path, "%s/%s", directory, entry->d_name);
            result = collect_entry(loader, path.data, depth, paths);
        }
        errno = 0;
    }
    if (result == 0 && errno != 0)
        result = error_set(loader->err, "%s: cannot be read: %s", directory, strerror(errno));
    buffer_done(&path);
    closedir(dir);
    return result;
}

static int compare_paths(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static int read_directory(struct loader *loader, const char *directory)
{
    struct paths paths = {0};
    int result = collect(loader, directory, 0, &paths);
    if (paths.count > 0)
        qsort(paths.paths, paths.count, sizeof *paths.paths, compare_paths);
    for (size_t i = 0; i < paths.count && result == 0; i++) {
        if (ends_in(paths.paths[i], ".yaml"))
            result = yaml_read_file(paths.paths[i], &add_source(loader, paths.paths[i])->yaml, loader->err);
        else
            loader_warn(loader, (struct place){paths.paths[i], 1, 1},
                        "left out: files of rules end in .yaml; rename it");
    }
    if (result == 0 && loader->source_count == 0)
        result = error_set(loader->err, "%s: holds no files of rules (*.yaml)", directory);
    paths_done(&paths);
    return result;
}

static int finish(struct loader *loader, int result)
{
    if (result == 0)
        result = read_sources(loader);
    loader_done(loader);
    if (result < 0)
        rules_done(loader->rules);
    return result;
}

int rules_load(const char *directory, const struct zone *zone,
               void (*on_warning)(void *data, const char *text), void *data, struct ruleset *ret_rules,
               struct error *err)
{
    *ret_rules = (struct ruleset){.zone = zone};
    struct loader loader = {.rules = ret_rules, .err = err, .on_warning = on_warning, .data = data};
    return finish(&loader, read_directory(&loader, directory));
}

int rules_load_draft(const char *directory, const struct zone *zone,
                     void (*on_warning)(void *data, const char *text), void *data, struct ruleset *ret_rules,
                     struct error *err)
{
    *ret_rules = (struct ruleset){.zone = zone};
    struct loader loader = {
        .rules = ret_rules, .err = err, .on_warning = on_warning, .data = data, .allow_gaps = true};
    return finish(&loader, read_directory(&loader, directory));
}

int rules_load_confirmed(const char *directory, const struct zone *zone, struct ruleset *ret_rules,
                         struct error *err)
{
    *ret_rules = (struct ruleset){.zone = zone};
    struct loader loader = {.rules = ret_rules, .err = err, .confirm_all = true};
    return finish(&loader, read_directory(&loader, directory));
}

int rules_fingerprint(const char *directory, const char *zone_name, char ret_fingerprint[MESSAGE_KEY_SIZE],
                      struct error *err)
{
    struct loader loader = {.err = err};
    struct paths paths = {0};
    struct buffer text = {0};
    int result = collect(&loader, directory, 0, &paths);
    if (paths.count > 0)
        qsort(paths.paths, paths.count, sizeof *paths.paths, compare_paths);
    char sum[MESSAGE_KEY_SIZE], of_file[MESSAGE_KEY_SIZE];
    message_key(&zone_name, 1, sum);
    for (size_t i = 0; i < paths.count && result == 0; i++) {
        if (!ends_in(paths.paths[i], ".yaml"))
            continue;
        buffer_clear(&text);
        result = file_read(paths.paths[i], YAML_FILE_MAX, &text, NULL, err);
        const char *content = text.data ? text.data : "";
        const char *both[] = {sum, message_key(&content, 1, of_file)};
        message_key(both, 2, ret_fingerprint);
        memcpy(sum, ret_fingerprint, sizeof sum);
    }
    memcpy(ret_fingerprint, sum, sizeof sum);
    buffer_done(&text);
    paths_done(&paths);
    return result;
}

int rules_load_texts(const struct rules_text *texts, size_t count, const struct zone *zone,
                     void (*on_warning)(void *data, const char *text), void *data, struct ruleset *ret_rules,
                     struct error *err)
{
    *ret_rules = (struct ruleset){.zone = zone};
    struct loader loader = {.rules = ret_rules, .err = err, .on_warning = on_warning, .data = data};
    int result = 0;
    for (size_t i = 0; i < count && result == 0; i++)
        result = yaml_read_text(texts[i].name, texts[i].text, texts[i].length,
                                &add_source(&loader, texts[i].name)->yaml, err);
    return finish(&loader, result);
}
