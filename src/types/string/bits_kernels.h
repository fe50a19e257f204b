/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The loops over many bytes, written once over vectors of the compiler's own, for a kind of
 * processor that the includer names; each kind is a file that includes this.
 *
 *   BITS_KERNELS        name of the table
 *   BITS_WIDTH          bytes of a vector
 *   BITS_TARGET         attribute of the functions
 *   BITS_POPCOUNT(w)    set bits of a 64-bit word
 *   BITS_ANY(v)         whether a vector is not zero
 *   BITS_LANES(v)       set bits of each 64-bit lane of a vector; without it they are counted
 *                       by carry-save adders, and lane by lane once in sixteen vectors
 *
 * Without these it is the portable kind: vectors of 16 bytes, which every 64-bit machine
 * has or the compiler makes of words. Nothing need be aligned, and nothing beyond the bytes
 * that were named is touched.
 */
#pragma once

#include <string.h>

#include "types/string/bits_private.h"

#ifndef BITS_KERNELS
#define BITS_KERNELS bits_kernels_portable
#define BITS_WIDTH   16
#define BITS_TARGET
#define BITS_POPCOUNT(w) bits_word_count(w)
#define BITS_ANY(v)      (((v)[0] | (v)[1]) != 0)
#endif

typedef uint64_t bits_vector __attribute__((vector_size(BITS_WIDTH)));
/* The same in any place, over anything. */
typedef bits_vector bits_loose __attribute__((aligned(1), may_alias));

#define VECTOR(p, k) (*(const bits_loose *)((p) + (size_t)(k)*BITS_WIDTH))

#ifdef BITS_LANES

#define COUNTED 8 /* vectors in a turn */

BITS_TARGET static uint64_t count_turns(const unsigned char *p, size_t turns)
{
    bits_vector a = {0}, b = {0};
    for (; turns > 0; turns--, p += COUNTED * BITS_WIDTH) {
        a += BITS_LANES(VECTOR(p, 0)) + BITS_LANES(VECTOR(p, 1));
        b += BITS_LANES(VECTOR(p, 2)) + BITS_LANES(VECTOR(p, 3));
        a += BITS_LANES(VECTOR(p, 4)) + BITS_LANES(VECTOR(p, 5));
        b += BITS_LANES(VECTOR(p, 6)) + BITS_LANES(VECTOR(p, 7));
    }
    a += b;
    uint64_t sum = 0;
    for (unsigned i = 0; i < BITS_WIDTH / 8; i++)
        sum += a[i];
    return sum;
}

#else

#define COUNTED 16 /* vectors in a turn */

/* Three bits of a weight become one of it and one of the next, in all places at once. */
#define CARRY_SAVE(high, low, a, b)                                                                          \
    do {                                                                                                     \
        bits_vector a_ = (a), b_ = (b), half_ = (low) ^ a_;                                                  \
        (high) = ((low)&a_) | (half_ & b_);                                                                  \
        (low) = half_ ^ b_;                                                                                  \
    } while (0)

/* The set bits of each lane of x, in its place. */
#define COUNT_LANES(x)                                                                                       \
    do {                                                                                                     \
        (x) -= ((x) >> 1) & UINT64_C(0x5555555555555555);                                                    \
        (x) = ((x)&UINT64_C(0x3333333333333333)) + (((x) >> 2) & UINT64_C(0x3333333333333333));              \
        (x) = ((x) + ((x) >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);                                             \
        (x) += (x) >> 8;                                                                                     \
        (x) += (x) >> 16;                                                                                    \
        (x) += (x) >> 32;                                                                                    \
        (x) &= UINT64_C(0x7f);                                                                               \
    } while (0)

/* Four vectors join the sums; what is carried out of the twos comes out. */
#define COUNT_FOUR(fours_out, p, k)                                                                          \
    do {                                                                                                     \
        bits_vector two_a_, two_b_;                                                                          \
        CARRY_SAVE(two_a_, ones, VECTOR(p, k), VECTOR(p, (k) + 1));                                          \
        CARRY_SAVE(two_b_, ones, VECTOR(p, (k) + 2), VECTOR(p, (k) + 3));                                    \
        CARRY_SAVE(fours_out, twos, two_a_, two_b_);                                                         \
    } while (0)

BITS_TARGET static uint64_t count_turns(const unsigned char *p, size_t turns)
{
    bits_vector ones = {0}, twos = {0}, fours = {0}, eights = {0}, total = {0};
    for (; turns > 0; turns--, p += COUNTED * BITS_WIDTH) {
        bits_vector four_a, four_b, eight_a, eight_b, sixteens;
        COUNT_FOUR(four_a, p, 0);
        COUNT_FOUR(four_b, p, 4);
        CARRY_SAVE(eight_a, fours, four_a, four_b);
        COUNT_FOUR(four_a, p, 8);
        COUNT_FOUR(four_b, p, 12);
        CARRY_SAVE(eight_b, fours, four_a, four_b);
        CARRY_SAVE(sixteens, eights, eight_a, eight_b);
        COUNT_LANES(sixteens);
        total += sixteens;
    }
    COUNT_LANES(ones);
    COUNT_LANES(twos);
    COUNT_LANES(fours);
    COUNT_LANES(eights);
    total = (total << 4) + (eights << 3) + (fours << 2) + (twos << 1) + ones;
    uint64_t sum = 0;
    for (unsigned i = 0; i < BITS_WIDTH / 8; i++)
        sum += total[i];
    return sum;
}

#endif

BITS_TARGET static uint64_t count_bytes(const unsigned char *p, size_t len)
{
    size_t turns = len / (COUNTED * BITS_WIDTH);
    uint64_t sum = turns > 0 ? count_turns(p, turns) : 0;
    size_t i = turns * COUNTED * BITS_WIDTH;
    uint64_t word;
    for (; len - i >= sizeof word; i += sizeof word) {
        memcpy(&word, p + i, sizeof word);
        sum += BITS_POPCOUNT(word);
    }
    for (word = 0; i < len; i++)
        word = word << 8 | p[i];
    return sum + BITS_POPCOUNT(word);
}

BITS_TARGET static size_t skip_bytes(const unsigned char *p, size_t len, unsigned char byte)
{
    uint64_t pattern = byte * UINT64_C(0x0101010101010101);
    uint64_t word;
    size_t i = 0;
    for (; len - i >= (size_t)8 * BITS_WIDTH; i += (size_t)8 * BITS_WIDTH) {
        const unsigned char *at = p + i;
        bits_vector a = (VECTOR(at, 0) ^ pattern) | (VECTOR(at, 1) ^ pattern);
        bits_vector b = (VECTOR(at, 2) ^ pattern) | (VECTOR(at, 3) ^ pattern);
        a |= (VECTOR(at, 4) ^ pattern) | (VECTOR(at, 5) ^ pattern);
        b |= (VECTOR(at, 6) ^ pattern) | (VECTOR(at, 7) ^ pattern);
        a |= b;
        if (BITS_ANY(a))
            break;
    }
    for (; len - i >= sizeof word; i += sizeof word) {
        memcpy(&word, p + i, sizeof word);
        if (word != pattern)
            break;
    }
    while (i < len && p[i] == byte)
        i++;
    return i;
}

/* OUT, which may be A, becomes EXPRESSION of x from A and y from B. */
#define PAIR(NAME, EXPRESSION)                                                                               \
    BITS_TARGET static void NAME(unsigned char *out, const unsigned char *a, const unsigned char *b,         \
                                 size_t len)                                                                 \
    {                                                                                                        \
        size_t i = 0;                                                                                        \
        for (; len - i >= BITS_WIDTH; i += BITS_WIDTH) {                                                     \
            bits_vector x = VECTOR(a + i, 0), y = VECTOR(b + i, 0);                                          \
            *(bits_loose *)(out + i) = (EXPRESSION);                                                         \
        }                                                                                                    \
        for (; len - i >= sizeof(uint64_t); i += sizeof(uint64_t)) {                                         \
            uint64_t x, y;                                                                                   \
            memcpy(&x, a + i, sizeof x);                                                                     \
            memcpy(&y, b + i, sizeof y);                                                                     \
            x = (EXPRESSION);                                                                                \
            memcpy(out + i, &x, sizeof x);                                                                   \
        }                                                                                                    \
        for (; i < len; i++) {                                                                               \
            unsigned x = a[i], y = b[i];                                                                     \
            out[i] = (unsigned char)(EXPRESSION);                                                            \
        }                                                                                                    \
    }

PAIR(pair_and, x &y)
PAIR(pair_or, x | y)
PAIR(pair_xor, x ^ y)
PAIR(pair_diff, x & ~y)

BITS_TARGET static void invert(unsigned char *out, const unsigned char *from, size_t len)
{
    size_t i = 0;
    for (; len - i >= BITS_WIDTH; i += BITS_WIDTH)
        *(bits_loose *)(out + i) = ~VECTOR(from + i, 0);
    for (; i < len; i++)
        out[i] = (unsigned char)~from[i];
}

BITS_TARGET static void tell_apart(unsigned char *any, unsigned char *many, const unsigned char *from,
                                   size_t len)
{
    size_t i = 0;
    for (; len - i >= BITS_WIDTH; i += BITS_WIDTH) {
        bits_vector seen = VECTOR(any + i, 0), x = VECTOR(from + i, 0);
        *(bits_loose *)(many + i) |= seen & x;
        *(bits_loose *)(any + i) = seen | x;
    }
    for (; i < len; i++) {
        many[i] = (unsigned char)(many[i] | (any[i] & from[i]));
        any[i] = (unsigned char)(any[i] | from[i]);
    }
}

const struct bits_kernels BITS_KERNELS = {
    .count = count_bytes,
    .skip = skip_bytes,
    .pair = {pair_and, pair_or, pair_xor, pair_diff},
    .invert = invert,
    .tell_apart = tell_apart,
};
