/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The loops of bits_kernels.h as bits.c knows them: a table for each kind of processor.
 */
#pragma once

#include "types/string/bits.h"

enum bits_pair { BITS_PAIR_AND, BITS_PAIR_OR, BITS_PAIR_XOR, BITS_PAIR_DIFF, BITS_PAIRS };

/* OUT, which may be A, becomes the result of LEN bytes of A and B. */
typedef void bits_pair_fn(unsigned char *out, const unsigned char *a, const unsigned char *b, size_t len);

struct bits_kernels {
    uint64_t (*count)(const unsigned char *bytes, size_t len);
    /* How many bytes from the first on are BYTE. */
    size_t (*skip)(const unsigned char *bytes, size_t len, unsigned char byte);
    bits_pair_fn *pair[BITS_PAIRS];
    /* OUT may be FROM. */
    void (*invert)(unsigned char *out, const unsigned char *from, size_t len);
    /* Adds FROM to ANY, what was seen, and to MANY what had been seen before. */
    void (*tell_apart)(unsigned char *any, unsigned char *many, const unsigned char *from, size_t len);
};

extern const struct bits_kernels bits_kernels_portable;
#ifdef __x86_64__
#define BITS_X86 1
extern const struct bits_kernels bits_kernels_avx2;
extern const struct bits_kernels bits_kernels_avx512;
#endif

/* The kinds that this processor can run, the portable one first and the best last; NULL behind
 * that. */
const struct bits_kernels *bits_kernels_at(unsigned index);

/* The calls of bits.h by one kind. */
uint64_t bits_count_by(const struct bits_kernels *k, const char *bytes, uint64_t from, uint64_t to);
uint64_t bits_find_by(const struct bits_kernels *k, const char *bytes, uint64_t from, uint64_t to,
                      bool value);
void bits_combine_by(const struct bits_kernels *k, enum bits_op op, char *out, size_t len,
                     const struct slice *sources, size_t count);

/* Set bits of a word, without the processor's help. */
static inline unsigned bits_word_count(uint64_t x)
{
#ifdef BITS_X86
    x -= (x >> 1) & UINT64_C(0x5555555555555555);
    x = (x & UINT64_C(0x3333333333333333)) + ((x >> 2) & UINT64_C(0x3333333333333333));
    x = (x + (x >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return (unsigned)((x * UINT64_C(0x0101010101010101)) >> 56);
#else
    return (unsigned)__builtin_popcountll(x);
#endif
}
