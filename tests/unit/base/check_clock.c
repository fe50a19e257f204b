/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The clock of the turn and the rate of the cycle counter.
 */
#include "base/clock.h"
#include "unit.h"

START_TEST(knows_the_time_before_any_turn)
{
    int64_t before = clock_now_ms();
    int64_t now = clock_ms();
    ck_assert_int_ge(now, before - 1000);
    ck_assert_int_le(now, clock_now_ms());
    ck_assert_int_gt(clock_mono_us(), 0);
}
END_TEST

START_TEST(stands_still_within_a_turn)
{
    clock_update();
    int64_t wall = clock_us();
    int64_t mono = clock_mono_us();
    int64_t start = clock_mono_now_us();
    while (clock_mono_now_us() < start + 1500)
        ck_assert_int_eq(clock_us(), wall);
    ck_assert_int_eq(clock_mono_us(), mono);
    ck_assert_int_eq(clock_ms(), wall / 1000);
    clock_update();
    ck_assert_int_ge(clock_mono_us(), mono + 1500);
    ck_assert_int_ne(clock_us(), wall);
}
END_TEST

START_TEST(freezes_and_thaws)
{
    clock_freeze_ms(1234567890123);
    ck_assert_int_eq(clock_ms(), 1234567890123);
    ck_assert_int_eq(clock_us(), 1234567890123000);
    clock_update();
    ck_assert_int_eq(clock_ms(), 1234567890123);
    ck_assert_int_gt(clock_now_ms(), 1234567890123);
    clock_freeze_ms(0);
    ck_assert_int_gt(clock_ms(), 1234567890123);
}
END_TEST

/* Readings of the monotonic clock around those of the counter bound what the counter
 * must say, whoever else gets the processor meanwhile. */
static void time_a_stretch(int64_t us)
{
    int64_t outer = clock_mono_now_us();
    uint64_t from = clock_ticks();
    int64_t inner = clock_mono_now_us();
    while (clock_mono_now_us() < inner + us)
        continue;
    int64_t inner_end = clock_mono_now_us();
    uint64_t to = clock_ticks();
    int64_t outer_end = clock_mono_now_us();
    double measured = clock_ticks_to_us(to - from);
    ck_assert_double_ge(measured, (double)(inner_end - inner - 1) * 0.95 - 1);
    ck_assert_double_le(measured, (double)(outer_end - outer + 1) * 1.05 + 1);
}

START_TEST(ticks_are_microseconds_from_the_first_call)
{
    ck_assert_double_eq(clock_ticks_to_us(0), 0);
    ck_assert_double_gt(clock_ticks_to_us(1000000000), 1000);
    time_a_stretch(1000);
}
END_TEST

START_TEST(ticks_stay_right_over_updates)
{
    for (int i = 0; i < 10; i++) {
        clock_update();
        time_a_stretch(400);
    }
}
END_TEST

UNIT_SUITE(base_clock)
{
    tcase_add_test(tc, knows_the_time_before_any_turn);
    tcase_add_test(tc, stands_still_within_a_turn);
    tcase_add_test(tc, freezes_and_thaws);
    tcase_add_test(tc, ticks_are_microseconds_from_the_first_call);
    tcase_add_test(tc, ticks_stay_right_over_updates);
}
