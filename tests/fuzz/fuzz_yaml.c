// SPDX-License-Identifier: MPL-2.0
// Any bytes as YAML: what is accepted can be walked to the end.
#include "fuzz.h"

#include "shell/yaml.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static size_t walk(const struct yaml_node *node, int depth)
{
    size_t nodes = 1;
    assert(depth <= YAML_DEPTH_MAX && yaml_place(node).line > 0);
    if (yaml_is_text(node)) {
        size_t length;
        const char *text = yaml_text(node, &length);
        assert(strlen(text) == length);
    }
    for (size_t i = 0; i < yaml_count(node) && yaml_is_list(node); i++)
        nodes += walk(yaml_item(node, i), depth + 1);
    for (size_t i = 0; i < yaml_count(node) && yaml_is_map(node); i++) {
        const char *key = yaml_text(yaml_key(node, i), NULL);
        assert(yaml_get(node, key) == yaml_value(node, i)); // keys are unique
        nodes += 1 + walk(yaml_value(node, i), depth + 1);
    }
    return nodes;
}

static void print_nowhere(const struct error *err)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    yaml_print_error(out, err);
    fclose(out);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct yaml *yaml = NULL;
    struct error err = {{0}};
    if (yaml_read_text("fuzz.yaml", (const char *)data, size, &yaml, &err) < 0) {
        assert(err.text[0] != '\0');
        print_nowhere(&err);
        return 0;
    }
    const struct yaml_node *root = yaml_root(yaml);
    if (root)
        assert(walk(root, 1) <= YAML_NODES_MAX);
    yaml_close(yaml);
    return 0;
}
