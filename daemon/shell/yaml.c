// SPDX-License-Identifier: MPL-2.0
#include "shell/yaml.h"

#include "core/nearest.h"
#include "shell/file.h"

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

struct yaml_node {
    const struct yaml *yaml;
    yaml_node_t *node;
};

struct yaml {
    char *file;
    yaml_document_t document;
    struct yaml_node *nodes; // nodes[i] is libyaml's node i + 1
    size_t node_count;
};

// --- places and messages ---

static struct place mark_place(const char *file, yaml_mark_t mark)
{
    return (struct place){file, (int)mark.line + 1, (int)mark.column + 1};
}

struct place yaml_place(const struct yaml_node *node)
{
    return mark_place(node->yaml->file, node->node->start_mark);
}

static int place_verror(struct place place, struct error *err, const char *format, va_list ap)
    __attribute__((format(printf, 3, 0)));

static int place_verror(struct place place, struct error *err, const char *format, va_list ap)
{
    if (err == NULL)
        return -1;
    vsnprintf(err->text, sizeof err->text, format, ap);
    return error_prefix(err, "%s:%d:%d", place.file, place.line, place.column);
}

int place_error(struct place place, struct error *err, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    place_verror(place, err, format, ap);
    va_end(ap);
    return -1;
}

int yaml_error(const struct yaml_node *node, struct error *err, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    place_verror(yaml_place(node), err, format, ap);
    va_end(ap);
    return -1;
}

const char *yaml_quote(const char *text, char buffer[YAML_QUOTE_SIZE])
{
    static const char more[] = "…";
    size_t used = 0;
    for (; *text != '\0' && used < YAML_QUOTE_SIZE - sizeof more - 1; text++)
        buffer[used++] = (unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text;
    if (*text != '\0') {
        while (used > 0 && ((unsigned char)*text & 0xc0) == 0x80) { // not in the middle of a letter
            text--;
            used--;
        }
        memcpy(buffer + used, more, sizeof more - 1);
        used += sizeof more - 1;
    }
    buffer[used] = '\0';
    return buffer;
}

// --- reading ---

// libyaml gives a byte offset, and no mark, for bytes that it could not decode.
static struct place offset_place(const char *file, const char *text, size_t length, size_t offset)
{
    struct place place = {file, 1, 1};
    for (size_t i = 0; i < offset && i < length; i++)
        if (text[i] == '\n') {
            place.line++;
            place.column = 1;
        } else if (((unsigned char)text[i] & 0xc0) != 0x80) {
            place.column++;
        }
    return place;
}

static int parser_error(const yaml_parser_t *parser, const char *file, const char *text, size_t length,
                        struct error *err)
{
    const char *problem = parser->problem ? parser->problem : "cannot be parsed";
    switch (parser->error) {
    case YAML_MEMORY_ERROR:
        return error_set(err, "%s: not enough memory to read it", file);
    case YAML_READER_ERROR:
        return place_error(offset_place(file, text, length, parser->problem_offset), err,
                           "%s; the file must be UTF-8 text", problem);
    default:
        break;
    }
    struct place place = mark_place(file, parser->problem_mark);
    if (parser->problem_mark.index < length && text[parser->problem_mark.index] == '\t' &&
        parser->error == YAML_SCANNER_ERROR)
        return place_error(place, err, "a tab cannot stand here; indent with spaces");
    if (parser->context == NULL)
        return place_error(place, err, "%s", problem);
    return place_error(place, err, "%s, %s that begins on line %zu", problem, parser->context,
                       parser->context_mark.line + 1);
}

static int parse_only_document(struct yaml *yaml, const char *text, size_t length, struct error *err)
{
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser))
        abort();
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
    int result = 0;
    yaml_document_t next;
    if (!yaml_parser_load(&parser, &yaml->document)) {
        memset(&yaml->document, 0, sizeof yaml->document);
        result = parser_error(&parser, yaml->file, text, length, err);
    } else if (yaml_document_get_root_node(&yaml->document) == NULL) {
        ; // the end of the stream: nothing can follow
    } else if (!yaml_parser_load(&parser, &next)) {
        result = parser_error(&parser, yaml->file, text, length, err);
    } else {
        if (yaml_document_get_root_node(&next) != NULL)
            result = place_error(mark_place(yaml->file, next.start_mark), err,
                                 "a second document begins here; put it into a file of its own");
        yaml_document_delete(&next);
    }
    yaml_parser_delete(&parser);
    return result;
}

// --- what is refused wherever it stands ---

struct measure {
    enum { MEASURE_NEW, MEASURE_OPEN, MEASURE_DONE } state;
    int height;  // of the tree below, itself included
    size_t size; // nodes of that tree, aliases followed
};

static const struct yaml_node *node_of(const struct yaml *yaml, int number)
{
    assert(number > 0 && (size_t)number <= yaml->node_count);
    return &yaml->nodes[number - 1];
}

static int compare_keys(const void *left, const void *right)
{
    const struct yaml_node *a = *(const struct yaml_node *const *)left;
    const struct yaml_node *b = *(const struct yaml_node *const *)right;
    int order = strcmp(yaml_text(a, NULL), yaml_text(b, NULL));
    if (order != 0)
        return order;
    size_t left_at = a->node->start_mark.index, right_at = b->node->start_mark.index;
    return (left_at > right_at) - (left_at < right_at);
}

static int check_unique_keys(const struct yaml_node *map, struct error *err)
{
    size_t count = yaml_count(map);
    const struct yaml_node **keys = memory_alloc(count * sizeof *keys);
    for (size_t i = 0; i < count; i++)
        keys[i] = yaml_key(map, i);
    qsort(keys, count, sizeof *keys, compare_keys);
    int result = 0;
    char name[YAML_QUOTE_SIZE];
    for (size_t i = 1; i < count && result == 0; i++)
        if (strcmp(yaml_text(keys[i - 1], NULL), yaml_text(keys[i], NULL)) == 0)
            result = yaml_error(keys[i], err, "the key \"%s\" stands here a second time; first on line %d",
                                yaml_quote(yaml_text(keys[i], NULL), name), yaml_place(keys[i - 1]).line);
    free(keys);
    return result;
}

static int check_keys_are_names(const struct yaml_node *map, struct error *err)
{
    for (size_t i = 0; i < yaml_count(map); i++) {
        const struct yaml_node *key = yaml_key(map, i);
        if (!yaml_is_text(key))
            return yaml_error(key, err, "a key must be a text, not a list or a map");
        if (strcmp(yaml_text(key, NULL), "<<") == 0)
            return yaml_error(key, err, "merge keys (<<) are not supported; write the keys out");
        if (strlen(yaml_text(key, NULL)) != key->node->data.scalar.length)
            return yaml_error(key, err, "a text may not hold a zero byte");
    }
    return check_unique_keys(map, err);
}

static int check_node(const struct yaml_node *node, struct error *err)
{
    const char *tag = (const char *)node->node->tag, *expected;
    switch (node->node->type) {
    case YAML_SCALAR_NODE:
        expected = YAML_DEFAULT_SCALAR_TAG;
        break;
    case YAML_SEQUENCE_NODE:
        expected = YAML_DEFAULT_SEQUENCE_TAG;
        break;
    default:
        expected = YAML_DEFAULT_MAPPING_TAG;
    }
    char name[YAML_QUOTE_SIZE];
    if (strcmp(tag, expected) != 0)
        return yaml_error(node, err, "the tag \"%s\" is not supported; leave it out", yaml_quote(tag, name));
    if (yaml_is_text(node) && strlen(yaml_text(node, NULL)) != node->node->data.scalar.length)
        return yaml_error(node, err, "a text may not hold a zero byte");
    return yaml_is_map(node) ? check_keys_are_names(node, err) : 0;
}

// Visits every node once, also where many aliases point to it, but counts it as often as a walk through the
// document would meet it.
static int measure(const struct yaml *yaml, const struct yaml_node *node, int depth, struct measure *measures,
                   struct error *err);

static int measure_child(const struct yaml *yaml, int number, int depth, struct measure *measures,
                         struct measure *parent, struct error *err)
{
    const struct yaml_node *child = node_of(yaml, number);
    if (measure(yaml, child, depth, measures, err) < 0)
        return -1;
    const struct measure *own = &measures[number - 1];
    if (own->height + 1 > parent->height)
        parent->height = own->height + 1;
    parent->size += own->size;
    if (parent->size > YAML_NODES_MAX)
        return yaml_error(child, err, "more than %d values; split the file or write less with aliases",
                          YAML_NODES_MAX);
    return 0;
}

static int measure(const struct yaml *yaml, const struct yaml_node *node, int depth, struct measure *measures,
                   struct error *err)
{
    struct measure *own = &measures[node - yaml->nodes];
    if (own->state == MEASURE_OPEN)
        return yaml_error(node, err, "an alias inside this value points to the value itself");
    if (depth + (own->state == MEASURE_DONE ? own->height : 1) > YAML_DEPTH_MAX)
        return yaml_error(node, err, "nested deeper than %d levels", YAML_DEPTH_MAX);
    if (own->state == MEASURE_DONE)
        return 0;
    if (check_node(node, err) < 0)
        return -1;
    *own = (struct measure){MEASURE_OPEN, 1, 1};
    const yaml_node_t *raw = node->node;
    if (raw->type == YAML_SEQUENCE_NODE) {
        for (const yaml_node_item_t *item = raw->data.sequence.items.start;
             item < raw->data.sequence.items.top; item++)
            if (measure_child(yaml, *item, depth + 1, measures, own, err) < 0)
                return -1;
    } else if (raw->type == YAML_MAPPING_NODE) {
        for (const yaml_node_pair_t *pair = raw->data.mapping.pairs.start; pair < raw->data.mapping.pairs.top;
             pair++)
            if (measure_child(yaml, pair->key, depth + 1, measures, own, err) < 0 ||
                measure_child(yaml, pair->value, depth + 1, measures, own, err) < 0)
                return -1;
    }
    own->state = MEASURE_DONE;
    return 0;
}

static void index_nodes(struct yaml *yaml)
{
    yaml->node_count = (size_t)(yaml->document.nodes.top - yaml->document.nodes.start);
    yaml->nodes = memory_alloc(yaml->node_count * sizeof *yaml->nodes);
    for (size_t i = 0; i < yaml->node_count; i++)
        yaml->nodes[i] = (struct yaml_node){yaml, &yaml->document.nodes.start[i]};
}

static int check_document(const struct yaml *yaml, struct error *err)
{
    if (yaml->node_count == 0)
        return 0;
    struct measure *measures = memory_alloc(yaml->node_count * sizeof *measures);
    int result = measure(yaml, &yaml->nodes[0], 0, measures, err);
    free(measures);
    return result;
}

int yaml_read_text(const char *name, const char *text, size_t length, struct yaml **ret_yaml,
                   struct error *err)
{
    if (length > YAML_FILE_MAX)
        return error_set(err, "%s: is larger than the allowed %d bytes", name, YAML_FILE_MAX);
    struct yaml *yaml = memory_alloc(sizeof *yaml);
    yaml->file = memory_copy(name, strlen(name));
    if (parse_only_document(yaml, text, length, err) < 0) {
        yaml_close(yaml);
        return -1;
    }
    index_nodes(yaml);
    if (check_document(yaml, err) < 0) {
        yaml_close(yaml);
        return -1;
    }
    *ret_yaml = yaml;
    return 0;
}

int yaml_read_file(const char *path, struct yaml **ret_yaml, struct error *err)
{
    struct buffer text = {0};
    int result = file_read(path, YAML_FILE_MAX, &text, NULL, err);
    if (result == 0)
        result = yaml_read_text(path, text.data ? text.data : "", text.length, ret_yaml, err);
    buffer_done(&text);
    return result;
}

void yaml_close(struct yaml *yaml)
{
    if (yaml == NULL)
        return;
    yaml_document_delete(&yaml->document);
    free(yaml->nodes);
    free(yaml->file);
    free(yaml);
}

// --- nodes ---

const struct yaml_node *yaml_root(const struct yaml *yaml)
{
    if (yaml->node_count == 0)
        return NULL;
    // "---" and comments alone are a plain scalar without a letter.
    const yaml_node_t *root = yaml->nodes[0].node;
    if (root->type == YAML_SCALAR_NODE && root->data.scalar.length == 0 &&
        root->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
        return NULL;
    return &yaml->nodes[0];
}

bool yaml_is_text(const struct yaml_node *node)
{
    return node->node->type == YAML_SCALAR_NODE;
}

bool yaml_is_list(const struct yaml_node *node)
{
    return node->node->type == YAML_SEQUENCE_NODE;
}

bool yaml_is_map(const struct yaml_node *node)
{
    return node->node->type == YAML_MAPPING_NODE;
}

const char *yaml_text(const struct yaml_node *node, size_t *ret_length)
{
    if (!yaml_is_text(node))
        return NULL;
    if (ret_length)
        *ret_length = node->node->data.scalar.length;
    return (const char *)node->node->data.scalar.value;
}

size_t yaml_count(const struct yaml_node *node)
{
    const yaml_node_t *raw = node->node;
    if (raw->type == YAML_SEQUENCE_NODE)
        return (size_t)(raw->data.sequence.items.top - raw->data.sequence.items.start);
    if (raw->type == YAML_MAPPING_NODE)
        return (size_t)(raw->data.mapping.pairs.top - raw->data.mapping.pairs.start);
    return 0;
}

const struct yaml_node *yaml_item(const struct yaml_node *node, size_t index)
{
    assert(yaml_is_list(node) && index < yaml_count(node));
    return node_of(node->yaml, node->node->data.sequence.items.start[index]);
}

const struct yaml_node *yaml_key(const struct yaml_node *map, size_t index)
{
    assert(yaml_is_map(map) && index < yaml_count(map));
    return node_of(map->yaml, map->node->data.mapping.pairs.start[index].key);
}

const struct yaml_node *yaml_value(const struct yaml_node *map, size_t index)
{
    assert(yaml_is_map(map) && index < yaml_count(map));
    return node_of(map->yaml, map->node->data.mapping.pairs.start[index].value);
}

const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key)
{
    if (!yaml_is_map(map))
        return NULL;
    for (size_t i = 0; i < yaml_count(map); i++)
        if (strcmp(yaml_text(yaml_key(map, i), NULL), key) == 0)
            return yaml_value(map, i);
    return NULL;
}

// --- names ---

#define LIST_BYTES 500 // of a list of names in one message

static void add_names(struct buffer *into, const char *const *names, size_t count)
{
    size_t start = into->length;
    for (size_t i = 0; i < count; i++) {
        if (into->length - start + strlen(names[i]) > LIST_BYTES) {
            buffer_add_string(into, ", …");
            return;
        }
        buffer_format(into, "%s%s", i > 0 ? ", " : "", names[i]);
    }
}

int yaml_unknown(const struct yaml_node *node, const char *what, const char *const *names, size_t count,
                 struct error *err)
{
    return yaml_unknown_name(node, yaml_text(node, NULL), what, names, count, err);
}

int yaml_unknown_name(const struct yaml_node *node, const char *text, const char *what,
                      const char *const *names, size_t count, struct error *err)
{
    char quoted[YAML_QUOTE_SIZE];
    const char *nearest = nearest_name(text, strlen(text), names, count);
    struct buffer message = {0};
    buffer_format(&message, "unknown %s \"%s\"", what, yaml_quote(text, quoted));
    if (nearest)
        buffer_format(&message, "; did you mean \"%s\"?", nearest);
    if (count > 0) {
        buffer_add_string(&message, nearest ? " Allowed: " : "; allowed: ");
        add_names(&message, names, count);
    } else {
        buffer_add_string(&message, "; none is defined");
    }
    yaml_error(node, err, "%s", message.data);
    buffer_done(&message);
    return -1;
}

static bool is_one_of(const char *text, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(text, names[i]) == 0)
            return true;
    return false;
}

int yaml_check_keys(const struct yaml_node *map, const char *what, const char *const *allowed,
                    struct error *err)
{
    size_t count = 0;
    while (allowed[count] != NULL)
        count++;
    if (!yaml_is_map(map)) {
        struct buffer list = {0};
        add_names(&list, allowed, count);
        yaml_error(map, err, "%s must be a map of keys; allowed: %s", what, list.data);
        buffer_done(&list);
        return -1;
    }
    char unknown[YAML_QUOTE_SIZE];
    snprintf(unknown, sizeof unknown, "key in %s", what);
    for (size_t i = 0; i < yaml_count(map); i++)
        if (!is_one_of(yaml_text(yaml_key(map, i), NULL), allowed, count))
            return yaml_unknown(yaml_key(map, i), unknown, allowed, count, err);
    return 0;
}

// --- showing an error ---

// Finds "file:line:column: " at the head of a message.
static bool message_place(const char *message, char **ret_file, int *ret_line, int *ret_column)
{
    for (const char *colon = strchr(message, ':'); colon; colon = strchr(colon + 1, ':')) {
        int line, column, end = 0;
        if (sscanf(colon, ":%9d:%9d: %n", &line, &column, &end) == 2 && end > 0 && line > 0 && column > 0) {
            *ret_file = memory_copy(message, (size_t)(colon - message));
            *ret_line = line;
            *ret_column = column;
            return true;
        }
    }
    return false;
}

static const char *nth_line(const char *text, int number, size_t *ret_length)
{
    for (; number > 1; number--) {
        text = strchr(text, '\n');
        if (text == NULL)
            return NULL;
        text++;
    }
    *ret_length = strcspn(text, "\r\n");
    return text;
}

// What stands behind the word at the caret adds nothing, and behind a misspelt key it may be a secret.
static size_t cut_behind_word(const char *line, size_t length, size_t caret)
{
    size_t end = caret;
    while (end < length && strchr(" \t:,]}", line[end]) == NULL)
        end++;
    return end;
}

static bool may_hold_secret(const char *line, size_t length)
{
    static const char *const words[] = {"pass", "secret", "token"};
    char *copy = memory_copy(line, length);
    bool found = false;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        found = found || strcasestr(copy, words[i]) != NULL;
    free(copy);
    return found;
}

static void print_caret(FILE *out, const char *line, size_t length, int column)
{
    size_t caret = 0;
    for (int passed = 1; caret < length && passed < column; passed++) {
        caret++;
        while (caret < length && ((unsigned char)line[caret] & 0xc0) == 0x80)
            caret++;
    }
    length = cut_behind_word(line, length, caret);
    if (may_hold_secret(line, length))
        return;
    fputs("    ", out);
    for (size_t i = 0; i < length; i++)
        putc((unsigned char)line[i] < ' ' && line[i] != '\t' ? '?' : line[i], out);
    fputs("\n    ", out);
    for (size_t i = 0; i < caret; i++)
        if (((unsigned char)line[i] & 0xc0) != 0x80)
            putc(line[i] == '\t' ? '\t' : ' ', out);
    fputs("^\n", out);
}

void yaml_print_error(FILE *out, const struct error *err)
{
    fprintf(out, "%s\n", err->text);
    char *file;
    int line, column;
    if (!message_place(err->text, &file, &line, &column))
        return;
    struct buffer text = {0};
    size_t length;
    if (file_read(file, YAML_FILE_MAX, &text, NULL, NULL) == 0 && text.data) {
        const char *source = nth_line(text.data, line, &length);
        if (source)
            print_caret(out, source, length, column);
    }
    buffer_done(&text);
    free(file);
}
