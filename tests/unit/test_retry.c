// SPDX-License-Identifier: MPL-2.0
// When a deferred message is tried again, and when it is given up.
#include "core/retry.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct retry_policy policy = {.first_s = 60, .max_s = 3600, .give_up_after_s = 172800};

static void test_wait_doubles_up_to_the_longest(void **state)
{
    (void)state;
    static const struct {
        int attempts;
        int64_t wait_s;
    } cases[] = {{1, 60},   {2, 120},  {3, 240},    {4, 480},         {5, 960},
                 {6, 1920}, {7, 3600}, {100, 3600}, {INT32_MAX, 3600}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (uint64_t seed = 0; seed < 100; seed++) {
            instant next = retry_next(&policy, cases[i].attempts, 1000, 2000, seed);
            assert_true(next >= 2000 + cases[i].wait_s);
            assert_true(next <= 2000 + cases[i].wait_s + cases[i].wait_s / 5);
        }
}

static void test_spread_depends_on_the_seed_alone_and_fills_its_range(void **state)
{
    (void)state;
    int seen[13] = {0};
    for (uint64_t seed = 1; seed <= 1000; seed++) {
        instant next = retry_next(&policy, 1, 0, 0, seed);
        assert_int_equal(next, retry_next(&policy, 1, 0, 0, seed));
        assert_int_equal(next + 500, retry_next(&policy, 1, 0, 500, seed));
        seen[next - 60]++;
    }
    for (int i = 0; i < 13; i++)
        assert_in_range(seen[i], 30, 130); // 77 each on the average
}

static void test_gives_up_when_the_time_is_over_and_not_before_a_last_try(void **state)
{
    (void)state;
    instant decided = 1000000, end = decided + 172800;
    assert_int_equal(retry_next(&policy, 40, decided, end, 7), INSTANT_NONE);
    assert_int_equal(retry_next(&policy, 40, decided, end + 1, 7), INSTANT_NONE);
    assert_int_equal(retry_next(&policy, 40, decided, end - 1, 7), end);
    assert_int_equal(retry_next(&policy, 40, decided, end - 3600, 7), end);
    assert_true(retry_next(&policy, 40, decided, end - 7200, 7) < end);
}

static void test_two_days_are_some_fifty_tries(void **state)
{
    (void)state;
    int tries = 0;
    for (instant now = 0; now != INSTANT_NONE; now = retry_next(&policy, ++tries, 0, now, 42))
        assert_true(tries < 100);
    assert_in_range(tries, 40, 56);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wait_doubles_up_to_the_longest),
        cmocka_unit_test(test_spread_depends_on_the_seed_alone_and_fills_its_range),
        cmocka_unit_test(test_gives_up_when_the_time_is_over_and_not_before_a_last_try),
        cmocka_unit_test(test_two_days_are_some_fifty_tries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
