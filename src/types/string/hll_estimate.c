/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From elements to hashes, and from registers to the number of elements: the improved raw
 * estimator of O. Ertl, "New cardinality estimation algorithms for HyperLogLog sketches",
 * 2017, algorithm 6. Its sums are made in the order given there, so that the last bit of
 * the estimate is the same everywhere.
 */
#include <endian.h>
#include <math.h>
#include <string.h>

#include "types/string/hll_private.h"

#define SEED       UINT64_C(0xadc83b19)
#define MULTIPLIER UINT64_C(0xc6a4a7935bd1e995)
#define SHIFT      47

#define ALPHA 0.721347520444481703680 /* 1 / (2 ln 2) */

static inline uint64_t mixed(uint64_t word)
{
    word *= MULTIPLIER;
    word ^= word >> SHIFT;
    return word * MULTIPLIER;
}

uint64_t hll_estimate_hash(struct slice element)
{
    const char *p = element.ptr;
    size_t left = element.len;
    uint64_t h = SEED ^ element.len * MULTIPLIER;
    uint64_t word;
    for (; left >= sizeof word; p += sizeof word, left -= sizeof word) {
        memcpy(&word, p, sizeof word);
        h = (h ^ mixed(le64toh(word))) * MULTIPLIER;
    }
    if (left > 0) {
        word = 0;
        memcpy(&word, p, left);
        h = (h ^ le64toh(word)) * MULTIPLIER;
    }
    h ^= h >> SHIFT;
    h *= MULTIPLIER;
    return h ^ h >> SHIFT;
}

/* x + sum over k of 2^(k-1) x^(2^k). */
static double sigma(double x)
{
    if (x == 1.0)
        return INFINITY;
    double sum = x, before, factor = 1.0;
    do {
        before = sum;
        x *= x;
        sum += x * factor;
        factor += factor;
    } while (sum != before);
    return sum;
}

/* (1 - x - sum over k of 2^-k (1 - x^(2^-k))^2) / 3. */
static double tau(double x)
{
    if (x == 0.0 || x == 1.0)
        return 0.0;
    double sum = 1.0 - x, before, factor = 1.0;
    do {
        before = sum;
        x = sqrt(x);
        factor *= 0.5;
        sum -= (1.0 - x) * (1.0 - x) * factor;
    } while (sum != before);
    return sum / 3.0;
}

uint64_t hll_estimate(const uint32_t histogram[HLL_VALUES])
{
    const double m = HLL_REGISTERS;
    double z = m * tau((m - histogram[HLL_LAST_VALUE]) / m);
    for (unsigned value = HLL_LAST_VALUE - 1; value >= 1; value--) {
        z += histogram[value];
        z *= 0.5;
    }
    z += m * sigma(histogram[0] / m);
    double estimate = ALPHA * m * m / z;
    /* Registers that no elements could have made; what redis-server answers on most machines. */
    if (!(estimate < 0x1p63))
        return UINT64_C(1) << 63;
    return (uint64_t)llround(estimate);
}
