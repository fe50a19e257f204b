/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The clock of the turn, and the rate of the cycle counter.
 *
 * The rate is measured between two readings of counter and monotonic clock. Within
 * the first window it is measured from the window's beginning, when it is asked for
 * and whenever twice the time has passed; then anew over every window, so that a
 * machine that is moved to another host while it runs gets a right rate again. A
 * reading that makes no sense (the counter stood still or ran backwards) leaves the
 * old rate.
 */
#include "base/clock.h"

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#define RATE_FIRST_NS  50000
#define RATE_WINDOW_NS 1000000000
#define RATE_AGAIN_NS  1000000
#define RATE_PAIR_NS   2000 /* two clocks read within this time count as read together */
#define RATE_PAIR_TRY  8

static struct {
    int64_t wall_us;
    int64_t mono_us;
    int64_t frozen_ms;
    int64_t frozen_mono_us;
    uint64_t rate_ticks; /* the reading that the next measurement begins at */
    int64_t rate_ns;
    int64_t rate_due_ns; /* when it is measured again */
    double us_per_tick;  /* 0 until measured */
} turn;

static int64_t read_ns(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* A reading of counter and clock that nothing came between, if that can be had. */
static int64_t read_pair(uint64_t *ticks)
{
    int64_t ns = read_ns(CLOCK_MONOTONIC);
    for (int i = 0; i < RATE_PAIR_TRY; i++) {
        int64_t before = ns;
        *ticks = clock_ticks();
        ns = read_ns(CLOCK_MONOTONIC);
        if (ns - before < RATE_PAIR_NS)
            break;
    }
    return ns;
}

static void measure_rate(void)
{
    uint64_t ticks;
    int64_t ns = read_pair(&ticks);
    int64_t passed_ns = ns - turn.rate_ns;
    int64_t passed_ticks = (int64_t)(ticks - turn.rate_ticks);
    bool first = turn.rate_ns == 0;
    bool window_over = passed_ns >= RATE_WINDOW_NS;
    if (!first && passed_ticks > 0)
        turn.us_per_tick = (double)passed_ns / 1000 / (double)passed_ticks;
    if (first || window_over || passed_ticks <= 0) {
        turn.rate_ticks = ticks;
        turn.rate_ns = ns;
    }
    if (first)
        turn.rate_due_ns = ns + RATE_AGAIN_NS;
    else if (window_over)
        turn.rate_due_ns = ns + RATE_WINDOW_NS;
    else
        turn.rate_due_ns = ns + passed_ns;
}

void clock_update(void)
{
    int64_t mono_ns = read_ns(CLOCK_MONOTONIC);
    turn.mono_us = turn.frozen_mono_us != 0 ? turn.frozen_mono_us : mono_ns / 1000;
    turn.wall_us = read_ns(CLOCK_REALTIME) / 1000;
    if (mono_ns >= turn.rate_due_ns)
        measure_rate();
}

int64_t clock_us(void)
{
    if (__builtin_expect(turn.frozen_ms != 0, 0))
        return turn.frozen_ms * 1000;
    if (__builtin_expect(turn.wall_us == 0, 0))
        clock_update();
    return turn.wall_us;
}

int64_t clock_ms(void)
{
    return clock_us() / 1000;
}

int64_t clock_mono_us(void)
{
    if (__builtin_expect(turn.wall_us == 0, 0))
        clock_update();
    return turn.mono_us;
}

int64_t clock_mono_now_us(void)
{
    return read_ns(CLOCK_MONOTONIC) / 1000;
}

int64_t clock_now_ms(void)
{
    return read_ns(CLOCK_REALTIME) / 1000000;
}

void clock_freeze_ms(int64_t ms)
{
    turn.frozen_ms = ms;
}

void clock_freeze_mono_us(int64_t us)
{
    turn.frozen_mono_us = us;
    clock_update();
}

/* Asked for before a window is over: what has passed until now has to do, and where
 * next to nothing has, a short wait makes it enough. */
static void measure_first_rate(void)
{
    if (turn.rate_ns == 0)
        clock_update();
    while (read_ns(CLOCK_MONOTONIC) - turn.rate_ns < RATE_FIRST_NS)
        continue;
    measure_rate();
    if (turn.us_per_tick == 0)
        turn.us_per_tick = 0.001;
}

double clock_ticks_to_us(uint64_t ticks)
{
    if (__builtin_expect(turn.us_per_tick == 0, 0))
        measure_first_rate();
    return (double)ticks * turn.us_per_tick;
}
