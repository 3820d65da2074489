// SPDX-License-Identifier: MPL-2.0
#include "core/template.h"

#include "core/nearest.h"
#include "core/utf8.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// A template is a list of operations. A section holds the operations behind it up to `end`, and rendering is
// one walk through the list. All looking up of names is done when it is parsed: a field is the number of the
// scope (0 the template's own, then one more for each list around it) and its number in there. A partial is
// parsed again at each place that includes it, since its fields are those of the place; rendering knows
// nothing of partials.

enum op_kind { OP_LITERAL, OP_FIELD, OP_IF, OP_UNLESS, OP_EACH };

struct op {
    enum op_kind kind;
    int scope, field;
    size_t end; // index behind the last operation of a section
    const char *text;
    size_t length;
};

struct template
{
    enum template_kind kind;
    struct arena arena; // the sources and their names
    size_t whole;       // bytes of all sources
    struct op *ops;
    size_t count, capacity;
};

#define SCOPES (TEMPLATE_DEPTH + 1)

struct open_section {
    size_t op;
    const char *name, *tag;
    size_t length;
};

// One source: the template's own or that of a partial.
struct file {
    const struct file *includer; // NULL: the template's own
    const char *partial;         // its name in the tag that includes it, which stands there
    size_t partial_length;
    const char *tag;
    const char *name; // NULL: none
    const char *source, *end;
    const char *literal; // what is not yet in an operation begins here
    int open_count;      // sections that were open where it began: not its own to close
    int depth;
};

struct parser {
    struct template *template;
    const struct template_partials *partials;
    struct file *file;
    const struct template_field *scopes[SCOPES];
    int scope_count;
    struct open_section open[TEMPLATE_DEPTH];
    int open_count;
    struct error *err;
};

struct tag {
    const char *begin, *end; // with the braces
    char sigil;              // '#', '^', '/', '>', '!', or 0 for a field
    bool alone;              // on its line
    const char *name;
    size_t length;
};

// --- Messages ---

static void place_of(const struct file *file, const char *at, int *ret_line, int *ret_column)
{
    *ret_line = *ret_column = 1;
    for (const char *c = file->source; c < at; c++) {
        if (*c == '\n') {
            (*ret_line)++;
            *ret_column = 1;
        } else if (((unsigned char)*c & 0xc0) != 0x80) {
            (*ret_column)++;
        }
    }
}

static void add_place(struct buffer *into, const struct file *file, const char *at)
{
    int line, column;
    place_of(file, at, &line, &column);
    buffer_format(into, "%s%s%d:%d", file->name ? file->name : "", file->name ? ":" : "", line, column);
}

static int complain(const struct parser *parser, const char *at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int complain(const struct parser *parser, const char *at, const char *format, ...)
{
    struct buffer words = {0};
    va_list ap;
    add_place(&words, parser->file, at);
    for (const struct file *file = parser->file; file->includer; file = file->includer) {
        buffer_add_string(&words, ": included from ");
        add_place(&words, file->includer, file->tag);
    }
    buffer_add_string(&words, ": ");
    va_start(ap, format);
    buffer_vformat(&words, format, ap);
    va_end(ap);
    error_set(parser->err, "%s", words.data);
    buffer_done(&words);
    return -1;
}

#define NAMES_MAX 128

static int complain_unknown(const struct parser *parser, const struct tag *tag)
{
    const char *names[NAMES_MAX];
    size_t count = 0;
    struct buffer known = {0}, meant = {0};
    for (int scope = parser->scope_count; scope-- > 0;)
        for (const struct template_field *field = parser->scopes[scope]; field->name; field++) {
            if (count < NAMES_MAX)
                names[count++] = field->name;
            buffer_format(&known, "%s%s", known.length ? ", " : "", field->name);
        }
    const char *nearest = nearest_name(tag->name, tag->length, names, count);
    if (nearest)
        buffer_format(&meant, "; did you mean \"%s\"?", nearest);
    complain(parser, tag->begin, "unknown field \"%.*s\"%s; known fields are %s", (int)tag->length, tag->name,
             meant.length ? meant.data : "", known.length ? known.data : "(none)");
    buffer_done(&known);
    buffer_done(&meant);
    return -1;
}

// --- Parsing ---

static struct op *add_op(struct template *template, enum op_kind kind)
{
    MEMORY_GROW(template->ops, template->count, template->capacity);
    struct op *op = &template->ops[template->count++];
    *op = (struct op){.kind = kind};
    return op;
}

static void add_literal(struct parser *parser, const char *until)
{
    const char *literal = parser->file->literal;
    if (until > literal) {
        struct op *op = add_op(parser->template, OP_LITERAL);
        op->text = literal;
        op->length = (size_t)(until - literal);
    }
}

static bool is_name(const char *name, size_t length)
{
    if (length == 0 || length > 64)
        return false;
    for (size_t i = 0; i < length; i++)
        if (!(name[i] >= 'a' && name[i] <= 'z') && !(name[i] >= '0' && name[i] <= '9') && name[i] != '_')
            return false;
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

// Reads the tag that begins at `begin`, which is at "{{".
static int read_tag(const struct parser *parser, const char *begin, struct tag *ret_tag)
{
    const char *inside = begin + 2;
    const char *close = memmem(inside, (size_t)(parser->file->end - inside), "}}", 2);
    if (close == NULL)
        return complain(parser, begin, "\"{{\" without \"}}\"");
    *ret_tag = (struct tag){.begin = begin, .end = close + 2, .name = inside};
    if (*inside == '!') {
        ret_tag->sigil = '!';
        return 0;
    }
    if (*inside == '{' || *inside == '&')
        return complain(parser, begin, "there is no raw form: every field is escaped; write {{name}}");
    if (*inside == '=')
        return complain(parser, begin, "there are no other delimiters than {{ and }}");
    if (*inside == '#' || *inside == '^' || *inside == '/' || *inside == '>')
        ret_tag->sigil = *inside++;
    while (inside < close && is_blank(*inside))
        inside++;
    while (close > inside && is_blank(close[-1]))
        close--;
    ret_tag->name = inside;
    ret_tag->length = (size_t)(close - inside);
    if (!is_name(ret_tag->name, ret_tag->length))
        return complain(parser, begin, "no %s between the braces: a name is made of a-z, 0-9 and _",
                        ret_tag->sigil == '>' ? "partial" : "field");
    return 0;
}

// When nothing but the tag stands on its line: moves begin to the line's start and end behind its line break.
static void take_whole_line(const struct parser *parser, struct tag *tag)
{
    const struct file *file = parser->file;
    const char *begin = tag->begin, *end = tag->end;
    while (begin > file->source && is_blank(begin[-1]))
        begin--;
    while (end < file->end && is_blank(*end))
        end++;
    if (begin > file->source && begin[-1] != '\n')
        return;
    if (end < file->end && *end == '\r')
        end++;
    if (end < file->end && *end++ != '\n')
        return;
    tag->begin = begin;
    tag->end = end;
    tag->alone = true;
}

static const struct template_field *find_field(const struct parser *parser, const struct tag *tag,
                                               struct op *op)
{
    for (op->scope = parser->scope_count - 1; op->scope >= 0; op->scope--) {
        const struct template_field *fields = parser->scopes[op->scope];
        for (op->field = 0; fields[op->field].name; op->field++)
            if (strlen(fields[op->field].name) == tag->length &&
                memcmp(fields[op->field].name, tag->name, tag->length) == 0)
                return &fields[op->field];
    }
    return NULL;
}

static int open_section(struct parser *parser, const struct tag *tag, const struct op *op,
                        const struct template_field *field, const char *at)
{
    const struct template *template = parser->template;
    if (parser->open_count == TEMPLATE_DEPTH)
        return complain(parser, at, "more than %d sections inside each other", TEMPLATE_DEPTH);
    for (int i = 0; op->kind == OP_EACH && i < parser->open_count; i++) {
        const struct op *around = &template->ops[parser->open[i].op];
        if (around->kind == OP_EACH && around->scope == op->scope && around->field == op->field)
            return complain(parser, at, "the list \"%s\" stands inside itself", field->name);
    }
    parser->open[parser->open_count++] =
        (struct open_section){.op = template->count - 1, .name = tag->name, .tag = at, .length = tag->length};
    if (op->kind == OP_EACH)
        parser->scopes[parser->scope_count++] = field->fields;
    return 0;
}

static int add_field(struct parser *parser, const struct tag *tag, const char *at)
{
    struct op found = {.kind = OP_FIELD};
    const struct template_field *field = find_field(parser, tag, &found);
    if (field == NULL)
        return complain_unknown(parser, tag);
    if (tag->sigil == 0 && field->fields)
        return complain(parser, at, "\"%s\" is a list: write {{#%s}} … {{/%s}} around what is said of each",
                        field->name, field->name, field->name);
    if (tag->sigil == '#')
        found.kind = field->fields ? OP_EACH : OP_IF;
    else if (tag->sigil == '^')
        found.kind = OP_UNLESS;
    *add_op(parser->template, found.kind) = found;
    return tag->sigil ? open_section(parser, tag, &found, field, at) : 0;
}

static int close_section(struct parser *parser, const struct tag *tag, const char *at)
{
    if (parser->open_count <= parser->file->open_count)
        return complain(parser, at, "{{/%.*s}} closes nothing%s", (int)tag->length, tag->name,
                        parser->file->includer ? " in this partial" : "");
    const struct open_section *open = &parser->open[parser->open_count - 1];
    assert(open->name);
    if (open->length != tag->length || memcmp(open->name, tag->name, tag->length) != 0) {
        int line, column;
        place_of(parser->file, open->tag, &line, &column);
        return complain(parser, at, "{{/%.*s}} stands where {{/%.*s}} must close the section of %d:%d",
                        (int)tag->length, tag->name, (int)open->length, open->name, line, column);
    }
    struct op *op = &parser->template->ops[open->op];
    op->end = parser->template->count;
    if (op->kind == OP_EACH)
        parser->scope_count--;
    parser->open_count--;
    return 0;
}

static size_t trim_line_ends(const char *source, size_t length)
{
    while (length > 0 && (source[length - 1] == '\n' || source[length - 1] == '\r'))
        length--;
    return length;
}

// Copies a source, which the next call of its reader ends. `trimmed`: without its last line ends.
static void take_source(struct parser *parser, const struct template_source *source, bool trimmed,
                        struct file *file)
{
    struct template *template = parser->template;
    const char *text = source->text;
    size_t length = source->length;
    if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) { // the mark some editors put in front
        text += 3;
        length -= 3;
    }
    if (trimmed)
        length = trim_line_ends(text, length);
    file->name = source->name ? arena_string(&template->arena, source->name) : NULL;
    file->source = file->literal = length > 0 ? arena_copy(&template->arena, text, length) : "";
    file->end = file->source + length;
    template->whole += length;
}

static int parse_file(struct parser *parser, struct file *file);

static int include(struct parser *parser, const struct tag *tag, const char *at)
{
    static const char *const suffixes[] = {[TEMPLATE_TEXT] = "txt", [TEMPLATE_HTML] = "html"};
    const struct template *template = parser->template;
    struct file *includer = parser->file;
    struct file file = {.includer = includer,
                        .partial = tag->name,
                        .partial_length = tag->length,
                        .tag = at,
                        .open_count = parser->open_count,
                        .depth = includer->depth + 1};
    char name[128];
    struct template_source source;
    struct error inner;
    if (template->kind == TEMPLATE_HEADER)
        return complain(parser, at, "there are no partials in a subject");
    for (const struct file *around = includer; around->includer; around = around->includer)
        if (around->partial_length == tag->length && memcmp(around->partial, tag->name, tag->length) == 0)
            return complain(parser, at, "the partial \"%.*s\" stands inside itself", (int)tag->length,
                            tag->name);
    if (file.depth > TEMPLATE_PARTIALS_DEPTH)
        return complain(parser, at, "more than %d partials inside each other", TEMPLATE_PARTIALS_DEPTH);
    snprintf(name, sizeof name, "parts/%.*s.%s", (int)tag->length, tag->name, suffixes[template->kind]);
    if (parser->partials == NULL)
        return complain(parser, at, "there is no partial \"%.*s\"", (int)tag->length, tag->name);
    if (parser->partials->read(parser->partials->data, name, &source, &inner) < 0)
        return complain(parser, at, "there is no partial \"%.*s\": %s; write that file or correct the name",
                        (int)tag->length, tag->name, inner.text);
    take_source(parser, &source, !tag->alone, &file);
    if (template->whole > TEMPLATE_WHOLE_MAX)
        return complain(parser, at, "with this partial the template is longer than %zu bytes",
                        TEMPLATE_WHOLE_MAX);
    parser->file = &file;
    int result = parse_file(parser, &file);
    parser->file = includer;
    return result;
}

static int parse_tag(struct parser *parser, const char *begin)
{
    struct tag tag = {.begin = begin};
    if (read_tag(parser, begin, &tag) < 0)
        return -1;
    if (tag.sigil)
        take_whole_line(parser, &tag);
    add_literal(parser, tag.begin);
    parser->file->literal = tag.end;
    if (tag.sigil == '!')
        return 0;
    if (tag.sigil == '>')
        return include(parser, &tag, begin);
    return tag.sigil == '/' ? close_section(parser, &tag, begin) : add_field(parser, &tag, begin);
}

static int parse_file(struct parser *parser, struct file *file)
{
    for (const char *at = file->source; at < file->end;) {
        const char *begin = at;
        uint32_t character = utf8_next(&at, file->end);
        if (character == UTF8_BAD)
            return complain(parser, begin, "this is not UTF-8; save the file with that encoding");
        if (character == 0)
            return complain(parser, begin, "a NUL byte; save the file as plain text");
    }
    for (const char *at; (at = memmem(file->literal, (size_t)(file->end - file->literal), "{{", 2)) != NULL;)
        if (parse_tag(parser, at) < 0)
            return -1;
    add_literal(parser, file->end);
    if (parser->open_count > file->open_count) {
        const struct open_section *open = &parser->open[parser->open_count - 1];
        return complain(parser, open->tag, "the section \"%.*s\" is never closed: {{/%.*s}} is missing",
                        (int)open->length, open->name, (int)open->length, open->name);
    }
    return 0;
}

// A header is one line, so what is written in several becomes one.
static void blank_controls(struct template *template)
{
    for (size_t i = 0; i < template->count; i++) {
        struct op *op = &template->ops[i];
        if (op->kind != OP_LITERAL)
            continue;
        char *text = arena_copy(&template->arena, op->text, op->length);
        for (size_t at = 0; at < op->length; at++)
            if ((unsigned char)text[at] < ' ')
                text[at] = ' ';
        op->text = text;
    }
}

int template_parse(const struct template_source *source, enum template_kind kind,
                   const struct template_field *fields, const struct template_partials *partials,
                   struct template **ret_template, struct error *err)
{
    struct template *template = memory_alloc(sizeof *template);
    struct file file = {0};
    struct parser parser = {.template = template,
                            .partials = partials,
                            .file = &file,
                            .scopes = {fields},
                            .scope_count = 1,
                            .err = err};
    template->kind = kind;
    take_source(&parser, source, kind == TEMPLATE_HEADER, &file);
    if (parse_file(&parser, &file) < 0) {
        template_free(template);
        return -1;
    }
    if (kind == TEMPLATE_HEADER)
        blank_controls(template);
    *ret_template = template;
    return 0;
}

void template_free(struct template *template)
{
    if (template == NULL)
        return;
    free(template->ops);
    arena_done(&template->arena);
    free(template);
}

// --- Rendering ---

static const char *entity(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

static void add_html(struct buffer *into, const char *text, size_t length)
{
    const char *run = text, *end = text + length;
    for (const char *at = text; at < end; at++) {
        const char *replacement = entity(*at);
        if (replacement == NULL)
            continue;
        utf8_add_clean(into, run, (size_t)(at - run), UTF8_ONE_LINE);
        buffer_add_string(into, replacement);
        run = at + 1;
    }
    utf8_add_clean(into, run, (size_t)(end - run), UTF8_ONE_LINE);
}

static void add_text(struct buffer *into, const char *text, enum template_kind kind)
{
    if (kind == TEMPLATE_HTML)
        add_html(into, text, strlen(text));
    else
        utf8_add_clean(into, text, strlen(text), UTF8_ONE_LINE);
}

static bool is_empty(const struct template_value *value)
{
    return value->row_count == 0 && (value->text == NULL || value->text[0] == '\0');
}

struct rendering {
    const struct template *template;
    const struct template_value *scopes[SCOPES];
    struct buffer *into;
};

// Depth is bounded by TEMPLATE_DEPTH.
static void render(struct rendering *rendering, size_t begin, size_t end, int scope)
{
    for (size_t i = begin; i < end;) {
        const struct op *op = &rendering->template->ops[i++];
        if (op->kind == OP_LITERAL) {
            buffer_add(rendering->into, op->text, op->length);
            continue;
        }
        const struct template_value *value = &rendering->scopes[op->scope][op->field];
        if (op->kind == OP_FIELD) {
            if (value->text)
                add_text(rendering->into, value->text, rendering->template->kind);
            continue;
        }
        if (op->kind == OP_EACH) {
            for (size_t row = 0; row < value->row_count; row++) {
                rendering->scopes[scope + 1] = value->rows[row];
                render(rendering, i, op->end, scope + 1);
            }
        } else if (is_empty(value) == (op->kind == OP_UNLESS)) {
            render(rendering, i, op->end, scope);
        }
        i = op->end;
    }
}

void template_render(const struct template *template, const struct template_value *values,
                     struct buffer *into)
{
    struct rendering rendering = {.template = template, .scopes = {values}, .into = into};
    buffer_add(into, "", 0);
    render(&rendering, 0, template->count, 0);
}
