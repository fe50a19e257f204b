/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The clock of the turn: read from the kernel once per loop turn, so that all
 * commands of one turn agree on the time and none pays for asking. One of the two
 * mutable globals of the program (the log is the other); only the loop thread
 * touches it.
 */
#pragma once

#include <stdint.h>

/* Reads the kernel's clocks; the loop calls it after each wait, the dispatcher after a slow command. */
void clock_update(void);

/* Wall time of this turn since 1970. */
int64_t clock_ms(void);
int64_t clock_us(void);

/* Monotonic time of this turn, microseconds. */
int64_t clock_mono_us(void);

/* Monotonic time now, microseconds: a system call's price (about 20 ns). */
int64_t clock_mono_now_us(void);
/* Wall time now, milliseconds, whatever the turn's clock says. */
int64_t clock_now_ms(void);

/* For tests: freezes the turn's clock at this wall time; 0 unfreezes. */
void clock_freeze_ms(int64_t ms);
/* The same for the monotonic clock of the turn. */
void clock_freeze_mono_us(int64_t us);

/* The processor's cycle counter where there is one, else nanoseconds: the cheapest
 * way to time a command. Only differences mean something. */
static inline uint64_t clock_ticks(void)
{
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
    uint64_t t;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(t));
    return t;
#else
    return (uint64_t)clock_mono_now_us() * 1000;
#endif
}

/* Microseconds that TICKS of the counter are; the rate is measured against the
 * monotonic clock by clock_update. */
double clock_ticks_to_us(uint64_t ticks);
