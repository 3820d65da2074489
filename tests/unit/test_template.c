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

// The partials of all tests; whoever asks for another one learns that it is not there.
static int read_partial(void *data, const char *file, struct template_source *ret_source, struct error *err)
{
    static const struct {
        const char *file, *text;
    } parts[] = {
        {"parts/plain.txt", "p\n"},
        {"parts/plain.html", "<p>\n"},
        {"parts/unended.txt", "u"},
        {"parts/empty.txt", ""},
        {"parts/ends.txt", "e\r\n\n"},
        {"parts/marked.txt", "\xef\xbb\xbfm\n"},
        {"parts/field.txt", "<{{a}}>\n"},
        {"parts/field.html", "<b>{{a}}</b>\n"},
        {"parts/line.txt", "[{{line}}]\n"},
        {"parts/section.txt", "{{#a}}\nyes\n{{/a}}\n{{#b}}no{{/b}}\n"},
        {"parts/outer.txt", "(\n{{> plain}}\n{{> line}})\n"},
        {"parts/open.txt", "{{#a}}\n"},
        {"parts/close.txt", "x{{/a}}\n"},
        {"parts/circle.txt", "\n{{> round}}\n"},
        {"parts/round.txt", " {{> circle}}\n"},
        {"parts/deep1.txt", "{{> deep2}}"},
        {"parts/deep2.txt", "{{> deep3}}"},
        {"parts/deep3.txt", "{{> deep4}}"},
        {"parts/deep4.txt", "{{> deep5}}"},
        {"parts/deep5.txt", "5"},
        {"parts/latin.txt", "s\xf8ren"},
    };
    static char text[64]; // gone with the next call, as the contract says
    (void)data;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (strcmp(parts[i].file, file) == 0) {
            memset(text, '?', sizeof text);
            memcpy(text, parts[i].text, strlen(parts[i].text));
            *ret_source = (struct template_source){parts[i].file, text, strlen(parts[i].text)};
            return 0;
        }
    if (strcmp(file, "parts/big.txt") == 0) {
        static char big[600000];
        memset(big, 'b', sizeof big);
        *ret_source = (struct template_source){"big", big, sizeof big};
        return 0;
    }
    return error_set(err, "%s: is not there", file);
}
static const struct template_partials partials = {read_partial, NULL};

static int parse(const char *text, size_t length, enum template_kind kind, struct template **ret_template,
                 struct error *err)
{
    return template_parse(&(struct template_source){NULL, text, length}, kind, fields, &partials,
                          ret_template, err);
}

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
        // Partials: alone on a line they are lines, inside one they are words.
        {TEMPLATE_TEXT, "a\n  {{> plain}}\nb", "a\np\nb"},
        {TEMPLATE_TEXT, "a {{>plain}} b {{>\tends }}!", "a p b e!"},
        {TEMPLATE_TEXT, "{{> ends}}\nx", "e\r\n\nx"},
        {TEMPLATE_TEXT, "{{> unended}}\nx", "ux"},
        {TEMPLATE_TEXT, "-{{> empty}}-\n{{> empty}}\n{{> marked}}", "--\nm\n"},
        {TEMPLATE_HTML, "<i {{> plain}}/>{{> field}}", "<i <p>/><b>A&lt;&amp;&gt;&quot;&#39;</b>"},
        {TEMPLATE_TEXT, "{{> field}}{{b}}{{> field}}", "<A<&>\"'><A<&>\"'>"},
        {TEMPLATE_TEXT, "{{#steps}}{{> line}}{{/steps}}", "[et][to]"},
        {TEMPLATE_TEXT, "{{#steps}}\n{{> outer}}\n{{/steps}}\n", "(\np\n[et])\n(\np\n[to])\n"},
        {TEMPLATE_TEXT, "{{#a}}{{> section}}{{/a}}.", "yes\n."},
        {TEMPLATE_TEXT, "{{> deep2}}", "5"},
        {TEMPLATE_HEADER, "{{a}}\n{{! {{> plain}} }}", "A<&>\"'  }}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct template *template;
        struct error err;
        if (parse(cases[i].source, strlen(cases[i].source), cases[i].kind, &template, &err) < 0)
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
        {"{{=<% %>=}}", "1:1: there are no other delimiters than {{ and }}"},
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
        assert_int_equal(parse(cases[i].source, strlen(cases[i].source), TEMPLATE_HTML, &template, &err), -1);
        assert_string_equal(err.text, cases[i].error);
        assert_null(template);
    }
    template_free(NULL);
}

static void test_partial_errors(void **state)
{
    (void)state;
    static const struct {
        enum template_kind kind;
        const char *source, *error;
    } cases[] = {
        {TEMPLATE_TEXT, "x\n {{> plian}}",
         "t:2:2: there is no partial \"plian\": parts/plian.txt: is not there; write that file or correct "
         "the "
         "name"},
        {TEMPLATE_HTML, "{{> unended}}",
         "t:1:1: there is no partial \"unended\": parts/unended.html: is not there; write that file or "
         "correct the name"},
        {TEMPLATE_HEADER, "{{> plain}}", "t:1:1: there are no partials in a subject"},
        {TEMPLATE_TEXT, "{{> ../x}}",
         "t:1:1: no partial between the braces: a name is made of a-z, 0-9 and _"},
        {TEMPLATE_TEXT, "{{>}}", "t:1:1: no partial between the braces: a name is made of a-z, 0-9 and _"},
        // A field that the place does not have, though another place does.
        {TEMPLATE_TEXT, "{{#steps}}{{> line}}{{/steps}}\n{{> line}}",
         "parts/line.txt:1:2: included from t:2:1: unknown field \"line\"; " KNOWN},
        {TEMPLATE_TEXT, "\n{{> outer}}",
         "parts/line.txt:1:2: included from parts/outer.txt:3:1: included from t:2:1: unknown field "
         "\"line\"; " KNOWN},
        {TEMPLATE_TEXT, "{{> open}}",
         "parts/open.txt:1:1: included from t:1:1: the section \"a\" is never "
         "closed: {{/a}} is missing"},
        {TEMPLATE_TEXT, "{{#a}}{{> close}}{{/a}}",
         "parts/close.txt:1:2: included from t:1:7: {{/a}} closes nothing in this partial"},
        {TEMPLATE_TEXT, "{{> circle}}",
         "parts/round.txt:1:2: included from parts/circle.txt:2:1: included from t:1:1: the partial "
         "\"circle\" stands inside itself"},
        {TEMPLATE_TEXT, "{{> deep1}}",
         "parts/deep4.txt:1:1: included from parts/deep3.txt:1:1: included from parts/deep2.txt:1:1: "
         "included "
         "from parts/deep1.txt:1:1: included from t:1:1: more than 4 partials inside each other"},
        {TEMPLATE_TEXT, "{{> latin}}",
         "parts/latin.txt:1:2: included from t:1:1: this is not UTF-8; save the file with that encoding"},
        {TEMPLATE_TEXT, "{{> big}}\n{{> big}}",
         "t:2:1: with this partial the template is longer than 1048576 bytes"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct template_source source = {"t", cases[i].source, strlen(cases[i].source)};
        struct template *template = NULL;
        struct error err;
        assert_int_equal(template_parse(&source, cases[i].kind, fields, &partials, &template, &err), -1);
        assert_string_equal(err.text, cases[i].error);
        assert_null(template);
    }
    struct template *template;
    struct error err;
    const struct template_source source = {NULL, "{{> plain}}", 11};
    assert_int_equal(template_parse(&source, TEMPLATE_TEXT, fields, NULL, &template, &err), -1);
    assert_string_equal(err.text, "1:1: there is no partial \"plain\"");
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
    assert_int_equal(parse(source, sizeof source, TEMPLATE_TEXT, &template, &err), -1);
    assert_string_equal(err.text, "1:1: no field between the braces: a name is made of a-z, 0-9 and _");
    // What stands behind a NUL would be lost.
    assert_int_equal(parse("x\n\0{{a}}", 8, TEMPLATE_TEXT, &template, &err), -1);
    assert_string_equal(err.text, "2:1: a NUL byte; save the file as plain text");
    // Only the given length counts.
    assert_int_equal(parse("x{{a}}", 1, TEMPLATE_TEXT, &template, &err), 0);
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
            assert_int_equal(parse(source, strlen(source), kind, &template, NULL), 0);
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
        cmocka_unit_test(test_render),         cmocka_unit_test(test_errors),
        cmocka_unit_test(test_partial_errors), cmocka_unit_test(test_odd_sources),
        cmocka_unit_test(test_hostile_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
