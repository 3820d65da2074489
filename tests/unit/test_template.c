// SPDX-License-Identifier: MPL-2.0
#include "core/template.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// The fields of all tests: a, b, due are texts, steps is a list with line and a list notes, empty is a list.
static const struct template_field note_fields[] = {{"note", NULL}, {NULL, NULL}};
static const struct template_field step_fields[] = {
    {"line", NULL}, {"notes", note_fields}, {"due", NULL}, {NULL, NULL}};
static const struct template_field fields[] = {
    {"a", NULL}, {"b", NULL}, {"due", NULL}, {"steps", step_fields}, {"empty", step_fields}, {NULL, NULL}};

static const struct template_value note_1[] = {{.text = "n1"}}, note_2[] = {{.text = "n2"}};
static const struct template_value *const notes[] = {note_1, note_2};
static const struct template_value step_1[] = {{.text = "et"},
                                               {.rows = notes, .row_count = 2},
                                               {.text = "D1"}},
                                   step_2[] = {{.text = "to"}, {.text = NULL}, {.text = NULL}};
static const struct template_value *const steps[] = {step_1, step_2};
static const struct template_value values[] = {
    {.text = "A<&>\"'"}, {.text = NULL}, {.text = "D"}, {.rows = steps, .row_count = 2}, {.text = NULL}};

static void test_render(void **state)
{
    (void)state;
    static const struct {
        enum template_kind kind;
        const char *source, *expected;
    } cases[] = {
        {TEMPLATE_TEXT, "", ""},
        {TEMPLATE_TEXT, "æøå } } { {", "æøå } } { {"},
        {TEMPLATE_TEXT, "{{a}}", "A<&>\"'"},
        {TEMPLATE_TEXT, "x{{ a }}y{{\ta}}", "xA<&>\"'yA<&>\"'"},
        {TEMPLATE_HTML, "<p>{{a}}</p>", "<p>A&lt;&amp;&gt;&quot;&#39;</p>"},
        {TEMPLATE_HEADER, "[{{a}}]\r\n\r\n", "[A<&>\"']"},
        {TEMPLATE_HEADER, "a\nb\tc", "a b c"},
        {TEMPLATE_TEXT, "-{{b}}-", "--"},
        {TEMPLATE_TEXT, "\xef\xbb\xbfx", "x"},
        // Sections
        {TEMPLATE_TEXT, "{{#a}}yes{{/a}}{{#b}}no{{/b}}", "yes"},
        {TEMPLATE_TEXT, "{{^a}}no{{/a}}{{^b}}yes{{/b}}", "yes"},
        {TEMPLATE_TEXT, "{{#steps}}({{line}} {{due}}){{/steps}}", "(et D1)(to )"},
        {TEMPLATE_TEXT, "{{#steps}}{{#notes}}<{{line}} {{note}} {{due}}>{{/notes}}{{/steps}}",
         "<et n1 D1><et n2 D1>"},
        {TEMPLATE_TEXT, "{{#steps}}{{^notes}}{{line}} has none{{/notes}}{{/steps}}", "to has none"},
        {TEMPLATE_TEXT, "{{^steps}}none{{/steps}}{{^empty}}empty{{/empty}}", "empty"},
        {TEMPLATE_TEXT, "{{#empty}}{{line}}{{/empty}}", ""},
        {TEMPLATE_TEXT, "{{#steps}}{{b}}{{a}} {{/steps}}{{due}}", "A<&>\"' A<&>\"' D"},
        {TEMPLATE_TEXT, "{{#a}}1{{#due}}2{{^b}}3{{/b}}{{/due}}4{{/a}}5", "12345"},
        {TEMPLATE_TEXT, "{{#b}}1{{#due}}2{{/due}}{{#steps}}3{{/steps}}{{/b}}4", "4"},
        {TEMPLATE_TEXT, "{{#steps}}{{#a}}x{{/a}}{{/steps}}{{#steps}}y{{/steps}}", "xxyy"},
        // Comments
        {TEMPLATE_TEXT, "a{{! {{ nothing\n here }}b", "ab"},
        {TEMPLATE_TEXT, "a\n{{! alone }}\nb", "a\nb"},
        // Lines with one tag only leave nothing behind.
        {TEMPLATE_TEXT, "{{#a}}\nx\n{{/a}}\n", "x\n"},
        {TEMPLATE_TEXT, "1\r\n  {{#a}}\t\r\nx\r\n\t{{/a}}\r\n2", "1\r\nx\r\n2"},
        {TEMPLATE_TEXT, "1\n{{#b}}\nx\n{{/b}}\n{{^b}}\ny\n{{/b}}", "1\ny\n"},
        {TEMPLATE_TEXT, "- {{#a}}\nx\n{{/a}}.\n", "- \nx\n.\n"},
        {TEMPLATE_TEXT, "{{#steps}}\n- {{line}}\n{{/steps}}\n", "- et\n- to\n"},
        {TEMPLATE_TEXT, "{{a}}\n{{b}}\n", "A<&>\"'\n\n"},
        {TEMPLATE_TEXT, "{{#a}}{{/a}}\nx", "\nx"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct template *template;
        struct error err;
        if (template_parse(cases[i].source, strlen(cases[i].source), cases[i].kind, fields, &template, &err) <
            0)
            fail_msg("%s: %s", cases[i].source, err.text);
        struct buffer out = {0};
        template_render(template, values, &out);
        assert_string_equal(out.data, cases[i].expected);
        buffer_done(&out);
        template_free(template);
    }
}

#define KNOWN "known fields are a, b, due, steps, empty"

static void test_errors(void **state)
{
    (void)state;
    static const struct {
        const char *source, *error;
    } cases[] = {
        {"{{name}}", "1:1: unknown field \"name\"; " KNOWN},
        {"x\n  æ{{deu}}", "2:4: unknown field \"deu\"; did you mean \"due\"?; " KNOWN},
        {"{{#step}}{{/step}}", "1:1: unknown field \"step\"; did you mean \"steps\"?; " KNOWN},
        {"{{#steps}}{{lime}}{{/steps}}",
         "1:11: unknown field \"lime\"; did you mean \"line\"?; known fields are line, "
         "notes, due, a, b, due, steps, empty"},
        {"{{line}}", "1:1: unknown field \"line\"; " KNOWN},
        {"{{#steps}}{{/steps}}{{line}}", "1:21: unknown field \"line\"; " KNOWN},
        {"{{A}}", "1:1: no field between the braces: a name is made of a-z, 0-9 and _"},
        {"{{}}", "1:1: no field between the braces: a name is made of a-z, 0-9 and _"},
        {"{{a b}}", "1:1: no field between the braces: a name is made of a-z, 0-9 and _"},
        {"{{a\n}}", "1:1: no field between the braces: a name is made of a-z, 0-9 and _"},
        {"{{.}}", "1:1: no field between the braces: a name is made of a-z, 0-9 and _"},
        {"\n{{a", "2:1: \"{{\" without \"}}\""},
        {"{{", "1:1: \"{{\" without \"}}\""},
        {"{{}", "1:1: \"{{\" without \"}}\""},
        {"{{{a}}}", "1:1: there is no raw form: every field is escaped; write {{name}}"},
        {"{{&a}}", "1:1: there is no raw form: every field is escaped; write {{name}}"},
        {"{{>a}}", "1:1: there are no partials and no other delimiters than {{ and }}"},
        {"{{=<% %>=}}", "1:1: there are no partials and no other delimiters than {{ and }}"},
        {"{{steps}}", "1:1: \"steps\" is a list: write {{#steps}} … {{/steps}} around what is said of each"},
        {"{{/a}}", "1:1: {{/a}} closes nothing"},
        {"\n {{#a}}\n{{#b}}{{/a}}{{/b}}", "3:7: {{/a}} stands where {{/b}} must close the section of 3:1"},
        {"x\n{{#a}}\n{{#b}}\n{{/b}}", "2:1: the section \"a\" is never closed: {{/a}} is missing"},
        {"{{#steps}}{{#steps}}{{/steps}}{{/steps}}", "1:11: the list \"steps\" stands inside itself"},
        {"{{#a}}{{#a}}{{#a}}{{#a}}{{#a}}{{#a}}{{#a}}{{#a}}{{#a}}",
         "1:49: more than 8 sections inside each other"},
        {"a\ns\xf8ren", "2:2: this is not UTF-8; save the file with that encoding"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct template *template = NULL;
        struct error err;
        assert_int_equal(
            template_parse(cases[i].source, strlen(cases[i].source), TEMPLATE_HTML, fields, &template, &err),
            -1);
        assert_string_equal(err.text, cases[i].error);
        assert_null(template);
    }
    template_free(NULL);
}

static void test_odd_sources(void **state)
{
    (void)state;
    struct template *template;
    struct error err;
    // A name that would not fit into the message.
    static char source[20000] = "{{";
    memset(source + 2, 'a', sizeof source - 4);
    memcpy(source + sizeof source - 2, "}}", 2);
    assert_int_equal(template_parse(source, sizeof source, TEMPLATE_TEXT, fields, &template, &err), -1);
    assert_string_equal(err.text, "1:1: no field between the braces: a name is made of a-z, 0-9 and _");
    // What stands behind a NUL would be lost.
    assert_int_equal(template_parse("x\n\0{{a}}", 8, TEMPLATE_TEXT, fields, &template, &err), -1);
    assert_string_equal(err.text, "2:1: a NUL byte; save the file as plain text");
    // Only the given length counts.
    assert_int_equal(template_parse("x{{a}}", 1, TEMPLATE_TEXT, fields, &template, &err), 0);
    struct buffer out = {0};
    template_render(template, values, &out);
    assert_string_equal(out.data, "x");
    buffer_done(&out);
    template_free(template);
}

static size_t count(const char *text, const char *what)
{
    size_t found = 0;
    for (const char *at = text; (at = strstr(at, what)); at += strlen(what))
        found++;
    return found;
}

// A value never becomes markup, a tag, or a second line.
static void test_hostile_values(void **state)
{
    (void)state;
    static const char *const hostile[] = {
        "\r\nBcc: evil@x.dk\r\n\r\n<b>",
        "\" onclick=\"alert(1)\" '",
        "{{a}}{{#steps}}{{/steps}}{{",
        "<script>alert(1)</script>",
        "</p><p>&lt;",
        "\xff\xc0\xbc\xe0\x80\xbc<",
        "👩‍👧‍👦\u2028<br>\x01\x1b[2J",
    };
    static const char source[] = "<p title=\"{{a}}\">{{a}}</p>\n";
    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++)
        for (enum template_kind kind = TEMPLATE_TEXT; kind <= TEMPLATE_HEADER; kind++) {
            struct buffer text = {0}, out = {0};
            while (text.length < 10240)
                buffer_add_string(&text, hostile[i]);
            struct template_value many[] = {{.text = text.data}, {.text = NULL}, {.text = NULL}, {0}, {0}};
            struct template *template;
            assert_int_equal(template_parse(source, strlen(source), kind, fields, &template, NULL), 0);
            template_render(template, many, &out);
            assert_int_equal(strlen(out.data), out.length);
            assert_int_equal(count(out.data, "\n"), kind == TEMPLATE_HEADER ? 0 : 1);
            assert_int_equal(count(out.data, "\r") + count(out.data, "\xff") + count(out.data, "\x1b") +
                                 count(out.data, "\u2028"),
                             0);
            if (kind == TEMPLATE_HTML) {
                assert_int_equal(count(out.data, "<"), 2);
                assert_int_equal(count(out.data, ">"), 2);
                assert_int_equal(count(out.data, "\""), 2);
                assert_int_equal(count(out.data, "'"), 0);
            }
            buffer_done(&out);
            buffer_done(&text);
            template_free(template);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_render),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_odd_sources),
        cmocka_unit_test(test_hostile_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
