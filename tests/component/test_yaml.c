// SPDX-License-Identifier: MPL-2.0
// The YAML reader: what it reads, what it refuses, and in which words.
#include "shell/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct yaml *read_good(const char *text)
{
    struct yaml *yaml = NULL;
    struct error err = {{0}};
    if (yaml_read_text("t.yaml", text, strlen(text), &yaml, &err) < 0)
        fail_msg("%s", err.text);
    return yaml;
}

static void reads_maps_lists_and_texts(void **state)
{
    (void)state;
    struct yaml *yaml = read_good("a: 08:00\nlist: [x, 'y z', \"æ\\u00f8\"]\nmap:\n  on: yes\n  empty:\n");
    const struct yaml_node *root = yaml_root(yaml);
    assert_true(yaml_is_map(root));
    assert_int_equal(yaml_count(root), 3);
    assert_string_equal(yaml_text(yaml_get(root, "a"), NULL), "08:00");
    const struct yaml_node *list = yaml_get(root, "list");
    assert_true(yaml_is_list(list));
    assert_int_equal(yaml_count(list), 3);
    size_t length = 0;
    assert_string_equal(yaml_text(yaml_item(list, 2), &length), "æø");
    assert_int_equal(length, 4);
    const struct yaml_node *map = yaml_get(root, "map");
    assert_string_equal(yaml_text(yaml_key(map, 0), NULL), "on");
    assert_string_equal(yaml_text(yaml_value(map, 0), NULL), "yes"); // a text, no boolean
    assert_string_equal(yaml_text(yaml_get(map, "empty"), NULL), "");
    assert_null(yaml_get(map, "absent"));
    assert_null(yaml_get(list, "absent"));
    assert_null(yaml_text(list, NULL));
    struct place place = yaml_place(map);
    assert_string_equal(place.file, "t.yaml");
    assert_int_equal(place.line, 4);
    assert_int_equal(place.column, 3);
    yaml_close(yaml);
}

static void reads_json(void **state)
{
    (void)state;
    struct yaml *yaml = read_good("{\"rules\":[{\"id\":\"a\",\"n\":1,\n\t\"t\":\"\\u00e6\\n\"}],\"x\":null}");
    const struct yaml_node *rule = yaml_item(yaml_get(yaml_root(yaml), "rules"), 0);
    assert_string_equal(yaml_text(yaml_get(rule, "id"), NULL), "a");
    assert_string_equal(yaml_text(yaml_get(rule, "n"), NULL), "1");
    assert_string_equal(yaml_text(yaml_get(rule, "t"), NULL), "æ\n");
    yaml_close(yaml);
}

static void an_empty_document_has_no_root(void **state)
{
    (void)state;
    static const char *const empty[] = {"", "# nothing\n", "---\n", "---\n# nothing\n...\n", "\n\n"};
    for (size_t i = 0; i < sizeof empty / sizeof empty[0]; i++) {
        struct yaml *yaml = read_good(empty[i]);
        assert_null(yaml_root(yaml));
        yaml_close(yaml);
    }
}

static void an_alias_is_the_node_it_points_to(void **state)
{
    (void)state;
    struct yaml *yaml = read_good("first: &x [a, b]\nsecond: *x\n");
    const struct yaml_node *root = yaml_root(yaml);
    assert_ptr_equal(yaml_get(root, "first"), yaml_get(root, "second"));
    yaml_close(yaml);
}

static void refuses_with_place_and_reason(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"a: 1\nb: 2\na: 3\n", "t.yaml:3:1: the key \"a\" stands here a second time; first on line 1"},
        {"x: {b: 1, c: 2, b: 3}\n", "t.yaml:1:17: the key \"b\" stands here a second time; first on line 1"},
        {"base: &b {x: 1}\nmore:\n  <<: *b\n",
         "t.yaml:3:3: merge keys (<<) are not supported; write the keys out"},
        {"? [a]\n: b\n", "t.yaml:1:3: a key must be a text, not a list or a map"},
        {"a: 1\n---\nb: 2\n", "t.yaml:2:1: a second document begins here; put it into a file of its own"},
        {"a: !!int 3\n", "t.yaml:1:4: the tag \"tag:yaml.org,2002:int\" is not supported; leave it out"},
        {"a: !mine {}\n", "t.yaml:1:4: the tag \"!mine\" is not supported; leave it out"},
        {"a: \"x\\0y\"\n", "t.yaml:1:4: a text may not hold a zero byte"},
        {"\"x\\0y\": a\n", "t.yaml:1:1: a text may not hold a zero byte"},
        {"a: &x [1, *x]\n", "t.yaml:1:4: an alias inside this value points to the value itself"},
        {"a:\n\tb: 1\n", "t.yaml:2:1: a tab cannot stand here; indent with spaces"},
        {"a: [1, 2\nb: 3\n",
         "t.yaml:2:2: did not find expected ',' or ']', while parsing a flow sequence that begins on line 1"},
        {"a: b: c\n", "t.yaml:1:5: mapping values are not allowed in this context"},
        {"a: *nowhere\n", "t.yaml:1:4: found undefined alias"},
        {"å: ok\na: \xff x\n", "t.yaml:2:4: invalid leading UTF-8 octet; the file must be UTF-8 text"},
        {"a: \x01\n", "t.yaml:1:4: control characters are not allowed; the file must be UTF-8 text"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct yaml *yaml = NULL;
        struct error err = {{0}};
        assert_int_equal(yaml_read_text("t.yaml", cases[i].text, strlen(cases[i].text), &yaml, &err), -1);
        assert_null(yaml);
        assert_string_equal(err.text, cases[i].message);
    }
}

static void refuses_what_is_nested_too_deep(void **state)
{
    (void)state;
    struct buffer text = {0};
    for (int depth = YAML_DEPTH_MAX - 1; depth <= 5000; depth += depth <= YAML_DEPTH_MAX ? 1 : 4000) {
        buffer_clear(&text);
        for (int i = 0; i < depth; i++)
            buffer_add_char(&text, '[');
        for (int i = 0; i < depth; i++)
            buffer_add_char(&text, ']');
        struct yaml *yaml = NULL;
        struct error err = {{0}};
        int result = yaml_read_text("t.yaml", text.data, text.length, &yaml, &err);
        assert_int_equal(result, depth <= YAML_DEPTH_MAX ? 0 : -1);
        if (depth == YAML_DEPTH_MAX + 1)
            assert_string_equal(err.text, "t.yaml:1:33: nested deeper than 32 levels");
        yaml_close(yaml);
    }
    buffer_done(&text);
}

// Nine levels of nine aliases each: a few hundred bytes that stand for 9^9 values.
static void refuses_an_alias_bomb_at_once(void **state)
{
    (void)state;
    struct buffer text = {0};
    buffer_add_string(&text, "l0: &l0 [x, x, x, x, x, x, x, x, x]\n");
    for (int level = 1; level < 9; level++) {
        buffer_format(&text, "l%d: &l%d [", level, level);
        for (int i = 0; i < 9; i++)
            buffer_format(&text, "%s*l%d", i > 0 ? ", " : "", level - 1);
        buffer_add_string(&text, "]\n");
    }
    struct yaml *yaml = NULL;
    struct error err = {{0}};
    assert_int_equal(yaml_read_text("t.yaml", text.data, text.length, &yaml, &err), -1);
    assert_non_null(strstr(err.text, "more than 1000000 values; split the file or write less with aliases"));
    buffer_done(&text);
}

static void refuses_files_that_are_none_or_too_large(void **state)
{
    (void)state;
    struct yaml *yaml = NULL;
    struct error err = {{0}};
    assert_int_equal(yaml_read_file("/nonexistent/x.yaml", &yaml, &err), -1);
    assert_string_equal(err.text, "/nonexistent/x.yaml: cannot be opened: No such file or directory");
    assert_int_equal(yaml_read_file("/", &yaml, &err), -1);
    assert_string_equal(err.text, "/: is no regular file");

    char path[] = "/tmp/fristd-test-yaml-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, YAML_FILE_MAX + 1), 0);
    close(fd);
    assert_int_equal(yaml_read_file(path, &yaml, &err), -1);
    assert_non_null(strstr(err.text, ": is larger than the allowed 8388608 bytes"));
    unlink(path);
}

static void checks_keys(void **state)
{
    (void)state;
    static const char *const allowed[] = {"start", "stop", "cancel", NULL};
    static const struct {
        const char *text, *message; // NULL: good
    } cases[] = {
        {"{start: 1, cancel: 2}", NULL},
        {"{start: 1, satrt: 2}", "t.yaml:1:12: unknown key in a rule \"satrt\"; did you mean \"start\"? "
                                 "Allowed: start, stop, cancel"},
        {"{Stop: 2}",
         "t.yaml:1:2: unknown key in a rule \"Stop\"; did you mean \"stop\"? Allowed: start, stop, cancel"},
        {"{altogether: 2}", "t.yaml:1:2: unknown key in a rule \"altogether\"; allowed: start, stop, cancel"},
        {"[start]", "t.yaml:1:1: a rule must be a map of keys; allowed: start, stop, cancel"},
        {"start", "t.yaml:1:1: a rule must be a map of keys; allowed: start, stop, cancel"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct yaml *yaml = read_good(cases[i].text);
        struct error err = {{0}};
        int result = yaml_check_keys(yaml_root(yaml), "a rule", allowed, &err);
        assert_int_equal(result, cases[i].message ? -1 : 0);
        assert_string_equal(err.text, cases[i].message ? cases[i].message : "");
        yaml_close(yaml);
    }
}

static void quotes_what_is_long_or_odd(void **state)
{
    (void)state;
    char buffer[YAML_QUOTE_SIZE], text[301] = {0};
    assert_string_equal(yaml_quote("a\nb\x1b", buffer), "a?b?");
    for (size_t i = 0; i < 300; i += 2)
        memcpy(text + i, "æ", 2);
    for (size_t shift = 0; shift < 2; shift++) {
        yaml_quote(text + 2 - shift, buffer); // from the middle of a letter too: the end is what matters
        size_t length = strlen(buffer);
        assert_true(length < YAML_QUOTE_SIZE);
        assert_string_equal(buffer + length - 3, "…");
        assert_memory_equal(buffer + length - 5, "æ", 2);
    }
}

static void a_long_list_of_names_is_cut(void **state)
{
    (void)state;
    const char *names[200];
    for (size_t i = 0; i < 200; i++)
        names[i] = "some.rule.with.a.name";
    struct yaml *yaml = read_good("zzz");
    struct error err = {{0}};
    assert_int_equal(yaml_unknown(yaml_root(yaml), "rule", names, 200, &err), -1);
    assert_string_equal(err.text + strlen(err.text) - 5, ", …");
    assert_int_equal(yaml_unknown(yaml_root(yaml), "rule", names, 0, &err), -1);
    assert_string_equal(err.text, "t.yaml:1:1: unknown rule \"zzz\"; none is defined");
    yaml_close(yaml);
}

// What an operator sees for an error at `place` ("line:column") of a file with this text.
static void printed(const char *text, const char *place, char *ret_shown, size_t size)
{
    char path[] = "/tmp/fristd-test-yaml-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    struct error err;
    error_set(&err, "%s:%s: wrong", path, place);
    char *shown = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&shown, &length);
    yaml_print_error(out, &err);
    fclose(out);
    unlink(path);
    const char *line_end = strchr(shown, '\n');
    assert_non_null(line_end);
    snprintf(ret_shown, size, "%s", line_end + 1);
    free(shown);
}

static void prints_the_line_with_a_caret(void **state)
{
    (void)state;
    static const struct {
        const char *text, *place, *shown;
    } cases[] = {
        {"a: 1\n  bad: 2\n", "2:3", "      bad\n      ^\n"},
        {"a: [æøå, blå]\n", "1:10", "    a: [æøå, blå\n             ^\n"},
        {"a: 1\r\nb: 2\r\n", "2:4", "    b: 2\n       ^\n"},
        {"a:\n\tb: 1\n", "2:2", "    \tb\n    \t^\n"},
        {"a: 1\n", "1:9", "    a: 1\n        ^\n"}, // behind the end of the line
        {"a: 1\n", "7:1", ""},                      // the file has changed meanwhile
        {"pasword: hunter2\n", "1:1", "    pasword\n    ^\n"},
        {"m: {password: hunter2, x\n", "1:24", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char shown[256];
        printed(cases[i].text, cases[i].place, shown, sizeof shown);
        assert_string_equal(shown, cases[i].shown);
        assert_null(strstr(shown, "hunter2"));
    }
}

static void prints_other_messages_alone(void **state)
{
    (void)state;
    static const char *const messages[] = {"no place here", "/nonexistent/x.yaml:3:4: wrong", "a: b: c"};
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++) {
        struct error err;
        error_set(&err, "%s", messages[i]);
        char *shown = NULL, expected[128];
        size_t length = 0;
        FILE *out = open_memstream(&shown, &length);
        yaml_print_error(out, &err);
        fclose(out);
        snprintf(expected, sizeof expected, "%s\n", messages[i]);
        assert_string_equal(shown, expected);
        free(shown);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_maps_lists_and_texts),
        cmocka_unit_test(reads_json),
        cmocka_unit_test(an_empty_document_has_no_root),
        cmocka_unit_test(an_alias_is_the_node_it_points_to),
        cmocka_unit_test(refuses_with_place_and_reason),
        cmocka_unit_test(refuses_what_is_nested_too_deep),
        cmocka_unit_test(refuses_an_alias_bomb_at_once),
        cmocka_unit_test(refuses_files_that_are_none_or_too_large),
        cmocka_unit_test(checks_keys),
        cmocka_unit_test(quotes_what_is_long_or_odd),
        cmocka_unit_test(a_long_list_of_names_is_cut),
        cmocka_unit_test(prints_the_line_with_a_caret),
        cmocka_unit_test(prints_other_messages_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
