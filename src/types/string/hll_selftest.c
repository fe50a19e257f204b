/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tries the forms of a sketch against one another and the estimate against the truth, on
 * the processor at hand. The numbers come from a generator with a fixed start: what fails
 * once fails always.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "types/string/hll_private.h"

#define DENSE_ROUNDS   20
#define SPARSE_ROUNDS  4
#define SPARSE_ADDS    3000
#define SPARSE_MAX     3000
#define ELEMENTS       1000000
#define ERRORS_ALLOWED 5 /* standard errors */

/* splitmix64 (Steele, Lea and Flood 2014). */
static uint64_t draw(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* Whether each register of DENSE is that of REGISTERS. */
static bool same(const unsigned char *dense, const uint8_t *registers)
{
    for (unsigned i = 0; i < HLL_REGISTERS; i++)
        if (hll_dense_get(dense, i) != registers[i])
            return false;
    return true;
}

static const char *try_dense(uint64_t *state)
{
    unsigned char dense[HLL_DENSE_BYTES] = {0}, packed[HLL_DENSE_BYTES];
    uint8_t registers[HLL_REGISTERS] = {0};
    for (unsigned round = 0; round < DENSE_ROUNDS; round++) {
        for (unsigned n = 0; n < HLL_REGISTERS; n++) {
            unsigned i = (unsigned)draw(state) % HLL_REGISTERS;
            /* Narrow ranges and the whole one, as they are counted in different ways. */
            registers[i] = (uint8_t)(draw(state) % (round % 2 == 0 ? HLL_VALUES : 8));
            hll_dense_set(dense, i, registers[i]);
        }
        hll_dense_pack(packed, registers);
        if (!same(dense, registers) || memcmp(dense, packed, sizeof dense) != 0)
            return "dense registers are not what was written";
        if (!hll_dense_agrees(registers))
            return "dense registers are merged or counted in a wrong way";
    }
    return NULL;
}

static const char *compare_forms(const struct hll_sketch *s, const uint8_t *registers)
{
    uint8_t read[HLL_REGISTERS] = {0};
    uint32_t counts[HLL_VALUES], wanted[HLL_VALUES];
    hll_dense_count(registers, wanted);
    if (!s->is_sparse)
        return memcmp(s->registers, registers, HLL_REGISTERS) == 0
                   ? NULL
                   : "a sketch that became dense lost registers";
    if (!hll_sparse_valid(s->sparse, s->sparse_len))
        return "a sparse sketch is not valid";
    hll_sparse_merge(read, s->sparse, s->sparse_len);
    if (memcmp(read, registers, HLL_REGISTERS) != 0)
        return "sparse registers are not what was written";
    hll_sparse_histogram(s->sparse, s->sparse_len, counts);
    return memcmp(counts, wanted, sizeof counts) == 0 ? NULL : "sparse registers are counted in a wrong way";
}

static const char *try_sparse(uint64_t *state)
{
    struct hll_sketch s;
    uint8_t registers[HLL_REGISTERS] = {0};
    const char *fault = NULL;
    hll_sketch_clear(&s);
    for (unsigned n = 1; n <= SPARSE_ADDS && fault == NULL; n++) {
        uint64_t element = draw(state);
        uint64_t hash = hll_estimate_hash(slice_of(&element, sizeof element));
        unsigned index = hll_register_of(hash), value = hll_value_of(hash);
        hll_sketch_set(&s, index, value, SPARSE_MAX);
        registers[index] = (uint8_t)(registers[index] > value ? registers[index] : value);
        if (s.is_sparse && hll_sparse_get(s.sparse, s.sparse_len, index) != registers[index])
            fault = "a sparse register is not what was written";
        else if (n % 16 == 0)
            fault = compare_forms(&s, registers);
    }
    return fault;
}

/* The estimate must be near the truth, at each power of ten. */
static const char *try_estimate(uint64_t *state)
{
    uint8_t registers[HLL_REGISTERS] = {0};
    const double standard_error = 1.04 / sqrt(HLL_REGISTERS);
    unsigned next = 1;
    for (unsigned n = 1; n <= ELEMENTS; n++) {
        uint64_t element = draw(state);
        uint64_t hash = hll_estimate_hash(slice_of(&element, sizeof element));
        unsigned index = hll_register_of(hash), value = hll_value_of(hash);
        registers[index] = (uint8_t)(registers[index] > value ? registers[index] : value);
        if (n != next)
            continue;
        next *= 10;
        uint32_t histogram[HLL_VALUES];
        hll_dense_count(registers, histogram);
        double apart = fabs((double)hll_estimate(histogram) - n);
        /* Few elements are counted exactly but for those that share a register. */
        if (apart > ERRORS_ALLOWED * standard_error * n + (n > 10 ? 1 : 0))
            return "the estimate is too far from the truth";
    }
    return NULL;
}

const char *hll_selftest(void)
{
    uint64_t state = 1;
    const char *fault = try_dense(&state);
    for (unsigned round = 0; round < SPARSE_ROUNDS && fault == NULL; round++)
        fault = try_sparse(&state);
    return fault != NULL ? fault : try_estimate(&state);
}
