// SPDX-License-Identifier: MPL-2.0
// Reads YAML documents by tables of keys, over libyaml's document API. Every message says file, line, column,
// what is allowed and the nearest known name. All scalars are text. The only file that knows libyaml.
#ifndef FRISTD_SHELL_YAML_H
#define FRISTD_SHELL_YAML_H

#include "core/error.h"
#include "core/memory.h"
#include "core/rules.h"

#include <stdbool.h>
#include <stddef.h>

struct yaml;      // a parsed file
struct yaml_node; // a node of it

#define YAML_FILE_MAX (8 * 1024 * 1024)

int yaml_read_file(const char *path, struct yaml **ret_yaml, struct error *err) MUST_CHECK;
int yaml_read_text(const char *name, const char *text, size_t length, struct yaml **ret_yaml,
                   struct error *err) MUST_CHECK;
void yaml_free(struct yaml *yaml);

// The root, or NULL for an empty document.
const struct yaml_node *yaml_root(const struct yaml *yaml);
struct place yaml_place(const struct yaml_node *node); // the file name lives as long as the yaml

bool yaml_is_text(const struct yaml_node *node);
bool yaml_is_list(const struct yaml_node *node);
bool yaml_is_map(const struct yaml_node *node);
const char *yaml_text(const struct yaml_node *node, size_t *ret_length); // NULL unless text
size_t yaml_count(const struct yaml_node *node);                         // of a list or map
const struct yaml_node *yaml_item(const struct yaml_node *node, size_t index);
const struct yaml_node *yaml_key(const struct yaml_node *map, size_t index);
const struct yaml_node *yaml_value(const struct yaml_node *map, size_t index);
const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key); // NULL: not there

// "file:line:column: " and the message; always -1.
int yaml_error(const struct yaml_node *node, struct error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int place_error(struct place place, struct error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// Refuses a node that is no map, a key twice, and a key not in `allowed` (ended by NULL), with the list and
// the near miss.
int yaml_check_keys(const struct yaml_node *map, const char *what, const char *const *allowed,
                    struct error *err) MUST_CHECK;

// The nearest of `names` to `text` (edit distance at most a third of its length), or NULL.
const char *yaml_nearest(const char *text, const char *const *names, size_t count);

#endif
