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
#include <stdio.h>

struct yaml;      // a parsed file
struct yaml_node; // a node of it

#define YAML_FILE_MAX  (8 * 1024 * 1024)
#define YAML_DEPTH_MAX 32
#define YAML_NODES_MAX 1000000 // a node that n aliases point to counts n times

// One document in UTF-8 (JSON is YAML and so is fine too). Refused here, wherever in the document: a key
// twice in one map, a key that is no text, merge keys (<<), tags, zero bytes, an alias inside its own anchor,
// and what is beyond the bounds above. An alias is the node it points to, with that node's place.
int yaml_read_file(const char *path, struct yaml **ret_yaml, struct error *err) MUST_CHECK;
int yaml_read_text(const char *name, const char *text, size_t length, struct yaml **ret_yaml,
                   struct error *err) MUST_CHECK;
// Not yaml_free: libyaml exports a function of that name for itself, and ours would take its place.
void yaml_close(struct yaml *yaml); // NULL is fine

// The root, or NULL for an empty document.
const struct yaml_node *yaml_root(const struct yaml *yaml);
struct place yaml_place(const struct yaml_node *node); // the file name lives as long as the yaml

bool yaml_is_text(const struct yaml_node *node);
bool yaml_is_list(const struct yaml_node *node);
bool yaml_is_map(const struct yaml_node *node);
// NULL unless text; zero-terminated and without zero bytes inside. ret_length may be NULL.
const char *yaml_text(const struct yaml_node *node, size_t *ret_length);
size_t yaml_count(const struct yaml_node *node); // of a list or map; 0 for a text
const struct yaml_node *yaml_item(const struct yaml_node *node, size_t index);
const struct yaml_node *yaml_key(const struct yaml_node *map, size_t index); // always a text
const struct yaml_node *yaml_value(const struct yaml_node *map, size_t index);
const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key); // NULL: not there

// "file:line:column: " and the message; always -1.
int yaml_error(const struct yaml_node *node, struct error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int place_error(struct place place, struct error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// Refuses a node that is no map and a key not in `allowed` (ended by NULL), with the list and the near miss.
int yaml_check_keys(const struct yaml_node *map, const char *what, const char *const *allowed,
                    struct error *err) MUST_CHECK;

// `unknown WHAT "text"`, the near miss and as much of the list of names as fits; always -1.
int yaml_unknown(const struct yaml_node *node, const char *what, const char *const *names, size_t count,
                 struct error *err);
// The same for a name that is only a part of the node's text.
int yaml_unknown_name(const struct yaml_node *node, const char *text, const char *what,
                      const char *const *names, size_t count, struct error *err);

#define YAML_QUOTE_SIZE 96
// Text from a file made fit for a message: control characters become '?', what is too long ends in "…".
// Returns buffer.
const char *yaml_quote(const char *text, char buffer[YAML_QUOTE_SIZE]);

// The message on its own line; when it begins with a place in a file that can be read, below it that line
// with a caret. The line is cut behind the word at the caret and left out where it may hold a secret.
void yaml_print_error(FILE *out, const struct error *err);

#endif
