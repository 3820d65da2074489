// SPDX-License-Identifier: MPL-2.0
// So many a minute: in every minute, not on the average.
#include "core/pace.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define MINUTE_US 60000000

// Sends as fast as allowed, from `now` on.
static int64_t send_one(struct pace *pace, int64_t now_us)
{
    now_us += pace_wait(pace, now_us);
    pace_take(pace, now_us);
    return now_us;
}

static void test_no_minute_sees_more_than_its_number(void **state)
{
    (void)state;
    static const int rates[] = {1, 2, 7, 30, 59, 60, 61, 119, 120, 600, 6000};
    for (size_t r = 0; r < sizeof rates / sizeof rates[0]; r++) {
        static int64_t sent[6000 * 3];
        int count = rates[r] * 3;
        struct pace pace;
        pace_init(&pace, rates[r], 0);
        int64_t now = 5 * (int64_t)MINUTE_US; // a long silence before saves up no more than the burst
        for (int i = 0; i < count; i++) {
            sent[i] = now = send_one(&pace, now);
            if (i >= rates[r])
                assert_true(sent[i] - sent[i - rates[r]] >= MINUTE_US);
        }
        // ... and the number is made good use of.
        assert_true(sent[count - 1] - sent[0] <= 3 * (int64_t)MINUTE_US + MINUTE_US / 20);
    }
}

static void test_thirty_a_minute_come_one_by_one(void **state)
{
    (void)state;
    struct pace pace;
    pace_init(&pace, 30, 0);
    assert_int_equal(send_one(&pace, 0), 0);
    assert_int_equal(send_one(&pace, 0), 2000000);
    assert_int_equal(send_one(&pace, 2000000), 4000000);
    assert_int_equal(send_one(&pace, 9000000), 9000000);
}

static void test_six_hundred_a_minute_may_come_ten_at_once(void **state)
{
    (void)state;
    struct pace pace;
    pace_init(&pace, 600, 0);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(pace_ready(&pace, 0), 10 - i);
        assert_int_equal(send_one(&pace, 0), 0);
    }
    assert_int_equal(pace_ready(&pace, 0), 0);
    assert_in_range(send_one(&pace, 0), 100000, 102000);
}

static void test_zero_is_no_limit(void **state)
{
    (void)state;
    struct pace pace;
    pace_init(&pace, 0, 0);
    assert_int_equal(pace_ready(&pace, 0), INT_MAX);
    for (int i = 0; i < 100000; i++)
        assert_int_equal(send_one(&pace, 17), 17);
}

static void test_a_faster_limit_takes_effect_at_once(void **state)
{
    (void)state;
    struct pace pace;
    pace_init(&pace, 1, 0);
    pace_take(&pace, 0);
    assert_int_equal(pace_wait(&pace, 0), MINUTE_US);
    pace_change(&pace, 60, 0);
    assert_in_range(pace_wait(&pace, 0), 1, 1000000);
    pace_change(&pace, 0, 0);
    assert_int_equal(pace_wait(&pace, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_minute_sees_more_than_its_number),
        cmocka_unit_test(test_thirty_a_minute_come_one_by_one),
        cmocka_unit_test(test_six_hundred_a_minute_may_come_ten_at_once),
        cmocka_unit_test(test_zero_is_no_limit),
        cmocka_unit_test(test_a_faster_limit_takes_effect_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
