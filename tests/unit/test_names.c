// SPDX-License-Identifier: MPL-2.0
#include "core/names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT 1000

static void numbers_in_the_order_of_appearance(void **state)
{
    static char texts[COUNT][12];
    struct names names = {0};
    (void)state;
    assert_int_equal(names_find(&names, "0", 1), -1);
    for (int round = 0; round < 3; round++) { // the same table for one case after another
        for (int i = 0; i < COUNT; i++) {
            snprintf(texts[i], sizeof texts[i], "%d", i * (round + 1));
            assert_int_equal(names_add(&names, texts[i]), i);
            assert_int_equal(names_add(&names, texts[i]), i);
        }
        assert_int_equal(names.count, COUNT);
        for (int i = 0; i < COUNT; i++)
            assert_int_equal(names_find(&names, texts[i], strlen(texts[i])), i);
        assert_int_equal(names_find(&names, "-1", 2), -1);
        names_clear(&names);
        assert_int_equal(names_find(&names, "0", 1), -1);
    }
    names_done(&names);
}

static void a_part_of_a_name_is_another_name(void **state)
{
    struct names names = {0};
    (void)state;
    assert_int_equal(names_add(&names, ""), 0);
    assert_int_equal(names_add(&names, "plan"), 1);
    assert_int_equal(names_add(&names, "plan.lagt"), 2);
    assert_int_equal(names_find(&names, "plan.lagt", 4), 1);
    assert_int_equal(names_find(&names, "plan.lagt", 5), -1);
    assert_int_equal(names_find(&names, "plan.lagt", 0), 0);
    names_done(&names);
}

static void forgets_also_when_the_generations_begin_anew(void **state)
{
    struct names names = {0};
    (void)state;
    names_add(&names, "old");
    names.generation = UINT32_MAX;
    names_add(&names, "older"); // of the last generation
    names_clear(&names);
    assert_int_equal(names_find(&names, "older", 5), -1);
    assert_int_equal(names_add(&names, "new"), 0);
    assert_int_equal(names_find(&names, "old", 3), -1);
    names_done(&names);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_in_the_order_of_appearance),
        cmocka_unit_test(a_part_of_a_name_is_another_name),
        cmocka_unit_test(forgets_also_when_the_generations_begin_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
