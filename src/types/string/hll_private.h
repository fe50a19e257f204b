/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The sketch of a HyperLogLog (Flajolet et al. 2007) as redis-server keeps it: a string
 *
 *   "HYLL" | encoding 1 | unused 3 | count 8, little endian | registers
 *
 * COUNT is the last estimate; its highest bit says that the registers have changed since.
 * There are 16384 registers of 0 .. 63:
 *
 *   dense (0)   6 bits each from the lowest bit of the first byte on, 12288 bytes
 *   sparse (1)  runs of equal registers, 16384 in sum:
 *     ZERO   00llllll           l + 1 registers (1 .. 64) are 0
 *     XZERO  01llllll llllllll  l + 1 registers (1 .. 16384) are 0, high bits first
 *     VAL    1vvvvvll           l + 1 registers (1 .. 4) are v + 1 (1 .. 32)
 *
 * An element's hash is MurmurHash64A of it; its lowest 14 bits name the register, which
 * becomes the position of the lowest bit set in the other 50 if that is higher.
 *
 * Where several sketches meet, registers stand one in a byte.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/slice.h"

#define HLL_REGISTERS     16384
#define HLL_HEAD          16
#define HLL_DENSE_BYTES   (HLL_REGISTERS / 4 * 3)
#define HLL_DENSE_SIZE    (HLL_HEAD + HLL_DENSE_BYTES)
#define HLL_SPARSE_VALUES 32                  /* the highest register that sparse can hold */
#define HLL_SPARSE_BYTES  (HLL_REGISTERS * 2) /* if each register has a run, of the longest form */
#define HLL_VALUES        64
#define HLL_LAST_VALUE    51 /* of a hash whose other bits are all 0 */
#define HLL_ENCODING_AT   4
#define HLL_COUNT_AT      8
#define HLL_COUNT_STALE   0x80 /* in the last byte of the count */

enum hll_encoding { HLL_DENSE, HLL_SPARSE };

/* --- hll_estimate.c --- */

/* MurmurHash64A (Appleby) with the seed of all sketches. */
uint64_t hll_estimate_hash(struct slice element);
/* The register that HASH names, and what it has to be at least. */
static inline unsigned hll_register_of(uint64_t hash)
{
    return hash & (HLL_REGISTERS - 1);
}
static inline unsigned hll_value_of(uint64_t hash)
{
    uint64_t rest = hash >> 14 | UINT64_C(1) << (HLL_LAST_VALUE - 1);
    return (unsigned)__builtin_ctzll(rest) + 1;
}
/* How many elements were seen, from how many registers have which value (Ertl 2017). */
uint64_t hll_estimate(const uint32_t histogram[HLL_VALUES]);

/* --- hll_dense.c; DENSE is HLL_DENSE_BYTES, REGISTERS is HLL_REGISTERS long --- */

unsigned hll_dense_get(const unsigned char *dense, unsigned index);
void hll_dense_set(unsigned char *dense, unsigned index, unsigned value);
void hll_dense_pack(unsigned char *dense, const uint8_t *registers);
/* REGISTERS becomes the higher of both. */
void hll_dense_merge(uint8_t *registers, const unsigned char *dense);
void hll_dense_histogram(const unsigned char *dense, uint32_t histogram[HLL_VALUES]);
void hll_dense_count(const uint8_t *registers, uint32_t histogram[HLL_VALUES]);
/* Whether what the processor at hand has for these does as the portable code does. */
bool hll_dense_agrees(const uint8_t *registers);

/* --- hll_sparse.c --- */

/* Whether they are whole opcodes with HLL_REGISTERS in sum. All else here is only for such. */
bool hll_sparse_valid(const unsigned char *sparse, size_t len);

struct hll_run {
    size_t at, size;       /* bytes */
    unsigned first, count; /* registers */
    unsigned value;
};
/* The run at AT, whose first register is FIRST. */
struct hll_run hll_sparse_run(const unsigned char *sparse, size_t at, unsigned first);
unsigned hll_sparse_get(const unsigned char *sparse, size_t len, unsigned index);
/* REGISTERS becomes the higher of both. */
void hll_sparse_merge(uint8_t *registers, const unsigned char *sparse, size_t len);
void hll_sparse_histogram(const unsigned char *sparse, size_t len, uint32_t histogram[HLL_VALUES]);
/* No register is set. Returns the length. */
size_t hll_sparse_clear(unsigned char *sparse);

/* Writes what hll_sparse_set of all registers, one after the other, makes of a cleared one. 0 if it
 * is, or would be for a while, longer than MAX, or nearly so, or a register does not fit. */
size_t hll_sparse_encode(unsigned char *sparse, const uint8_t *registers, size_t max);

enum hll_sparse_result {
    HLL_SPARSE_SAME, /* it was as high already */
    HLL_SPARSE_SET,
    HLL_SPARSE_FULL, /* not set: the value, or the length that it would have, is too large */
};
/* Makes register INDEX at least VALUE. SPARSE has room for HLL_SPARSE_BYTES; *LEN may become
 * higher than it was only up to MAX. */
enum hll_sparse_result hll_sparse_set(unsigned char *sparse, size_t *len, unsigned index, unsigned value,
                                      size_t max);

/* --- hll_sketch.c: a sketch that is being worked on, sparse or as registers --- */

struct hll_sketch {
    unsigned char head[HLL_HEAD];
    bool is_sparse;
    size_t sparse_len;
    unsigned char sparse[HLL_SPARSE_BYTES];
    uint8_t registers[HLL_REGISTERS]; /* if it is not sparse */
};

/* Whether TEXT looks like a sketch; the opcodes of a sparse one are not looked at. */
bool hll_sketch_is(struct slice text);
static inline enum hll_encoding hll_sketch_encoding(struct slice text)
{
    return (enum hll_encoding)text.ptr[HLL_ENCODING_AT];
}
/* Empty, sparse, its count stale. */
void hll_sketch_clear(struct hll_sketch *s);
/* As TEXT is, whose opcodes must be valid if it is sparse. */
void hll_sketch_copy(struct hll_sketch *s, struct slice text);
/* The same for any TEXT that hll_sketch_is; MR_E_CORRUPT. */
int hll_sketch_read(struct hll_sketch *s, struct slice text) MR_MUST_CHECK;
void hll_sketch_make_dense(struct hll_sketch *s);
/* Makes a register at least VALUE, and the sketch dense if the sparse form would be longer than
 * MAX, head included. True if it changed. */
bool hll_sketch_set(struct hll_sketch *s, unsigned index, unsigned value, size_t max);
/* The same for all registers, in order, none of which may be lower than it is. */
void hll_sketch_set_all(struct hll_sketch *s, const uint8_t *registers, size_t max);
/* The length as a string, and the string. */
size_t hll_sketch_size(const struct hll_sketch *s);
void hll_sketch_write(const struct hll_sketch *s, char *out);
/* REGISTERS becomes the higher of both; MR_E_CORRUPT as for hll_sketch_read. */
int hll_sketch_merge(uint8_t *registers, struct slice text) MR_MUST_CHECK;
/* The estimate of the sketch TEXT. */
int hll_sketch_count(struct slice text, uint64_t *count) MR_MUST_CHECK;

/* --- hll_selftest.c --- */

/* NULL: all is as it should be; else what is not. About a tenth of a second. */
const char *hll_selftest(void);
