/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Random numbers: bytes of the kernel for secrets, a small fast generator
 * (xoshiro256**, Blackman and Vigna 2018, public domain algorithm) with its state
 * in the caller's hands for everything else.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct random {
    uint64_t s[4];
};

/* Fills OUT from the kernel; ends the process if the kernel has none. */
void random_bytes(void *out, size_t len);

/* LEN lower-case hexadecimal digits from the kernel and a NUL. */
void random_hex(char *out, size_t len);

/* Seeds from the kernel, or from SEED where a test wants to repeat itself. */
void random_init(struct random *r);
void random_init_seed(struct random *r, uint64_t seed);

uint64_t random_next(struct random *r);

/* Uniform in [0, BOUND); BOUND > 0. */
uint64_t random_below(struct random *r, uint64_t bound);
