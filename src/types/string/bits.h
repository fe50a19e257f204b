/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Bits of byte strings: counting, finding, combining, and fields of 1 to 64 bits. Pure
 * functions of their arguments; no keys here.
 *
 * Bit 0 is the highest bit of byte 0, bit 8 the highest of byte 1, and so on; a field's
 * first bit is its highest one. The loops over many bytes are made once for each kind of
 * processor (bits_kernels.h) and chosen at run time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

/* --- ranges --- */

/* Set bits in [FROM, TO). */
uint64_t bits_count(const char *bytes, uint64_t from, uint64_t to);
/* The first bit in [FROM, TO) that is VALUE; TO if there is none. */
uint64_t bits_find(const char *bytes, uint64_t from, uint64_t to, bool value);

/* --- operations over whole strings; X is the first source, Y any of the others --- */

enum bits_op {
    BITS_AND,
    BITS_OR,
    BITS_XOR,
    BITS_NOT,   /* of X, the only source */
    BITS_DIFF,  /* in X and in no Y */
    BITS_DIFF1, /* in some Y and not in X */
    BITS_ANDOR, /* in X and in some Y */
    BITS_ONE,   /* in exactly one source */
};

/* OUT, LEN bytes that overlap no source, becomes the result of COUNT (at least 1) sources, of
 * which the longest has LEN; behind its end a source is zeros. One pass over the memory. */
void bits_combine(enum bits_op op, char *out, size_t len, const struct slice *sources, size_t count);

/* --- fields --- */

struct bits_field {
    bool is_signed;
    unsigned width; /* 1 .. 64, unsigned at most 63 */
};

/* What becomes of a result that the field cannot hold. */
enum bits_overflow { BITS_WRAP, BITS_SATURATE, BITS_FAIL };

/* The field at bit OFFSET; what is behind the end of BYTES is zeros. */
int64_t bits_field_get(struct slice bytes, struct bits_field field, uint64_t offset);
/* The whole field must be there. VALUE's low bits are what is written. */
void bits_field_set(char *bytes, struct bits_field field, uint64_t offset, int64_t value);
/* VALUE as FIELD can hold it; an unsigned field takes a negative one for one that is too large.
 * False: it cannot, and RULE is BITS_FAIL. */
bool bits_field_fit(struct bits_field field, int64_t value, enum bits_overflow rule, int64_t *ret);
/* The same of VALUE, which FIELD holds, plus INCREMENT: below zero is too small here. */
bool bits_field_add(struct bits_field field, int64_t value, int64_t increment, enum bits_overflow rule,
                    int64_t *ret);
