/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The dense form: registers of six bits, four in three bytes.
 *
 * All registers at once are unpacked to bytes, looked at or merged there, and packed again:
 * 32 at a time by AVX2 where the processor has it, else four by four. Registers are counted
 * by comparing vectors with each value between the lowest and the highest that is there,
 * which for a sketch are few.
 */
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "types/string/hll_private.h"

#define BITS 6
#define MASK ((1u << BITS) - 1)

unsigned hll_dense_get(const unsigned char *dense, unsigned index)
{
    unsigned bit = index * BITS;
    const unsigned char *p = dense + bit / 8;
    unsigned shift = bit & 7;
    unsigned word = p[0];
    if (shift > 8 - BITS)
        word |= (unsigned)p[1] << 8;
    return word >> shift & MASK;
}

void hll_dense_set(unsigned char *dense, unsigned index, unsigned value)
{
    unsigned bit = index * BITS;
    unsigned char *p = dense + bit / 8;
    unsigned shift = bit & 7;
    p[0] = (unsigned char)((p[0] & ~(MASK << shift)) | value << shift);
    if (shift > 8 - BITS)
        p[1] = (unsigned char)((p[1] & ~(MASK >> (8 - shift))) | value >> (8 - shift));
}

/* --- the portable code --- */

static inline uint8_t higher(uint8_t a, uint32_t b)
{
    return a > (b & MASK) ? a : (uint8_t)(b & MASK);
}

static void plain_merge(uint8_t *registers, const unsigned char *dense)
{
    for (uint8_t *r = registers; r < registers + HLL_REGISTERS; r += 4, dense += 3) {
        uint32_t word = dense[0] | (uint32_t)dense[1] << 8 | (uint32_t)dense[2] << 16;
        r[0] = higher(r[0], word);
        r[1] = higher(r[1], word >> BITS);
        r[2] = higher(r[2], word >> (2 * BITS));
        r[3] = higher(r[3], word >> (3 * BITS));
    }
}

static void plain_pack(unsigned char *dense, const uint8_t *registers)
{
    for (unsigned i = 0; i < HLL_REGISTERS; i += 4, dense += 3) {
        const uint8_t *r = registers + i;
        uint32_t word =
            r[0] | (uint32_t)r[1] << BITS | (uint32_t)r[2] << (2 * BITS) | (uint32_t)r[3] << (3 * BITS);
        dense[0] = (unsigned char)word;
        dense[1] = (unsigned char)(word >> 8);
        dense[2] = (unsigned char)(word >> 16);
    }
}

static void plain_count(const uint8_t *registers, uint32_t histogram[HLL_VALUES])
{
    /* Equal registers often follow one another; four tables keep additions to one apart. */
    uint32_t tables[4][HLL_VALUES];
    memset(tables, 0, sizeof tables);
    for (unsigned i = 0; i < HLL_REGISTERS; i += 4)
        for (unsigned j = 0; j < 4; j++)
            tables[j][registers[i + j] & MASK]++;
    for (unsigned v = 0; v < HLL_VALUES; v++)
        histogram[v] = tables[0][v] + tables[1][v] + tables[2][v] + tables[3][v];
}

/* --- AVX2 --- */

#if defined(__x86_64__)

#define AVX2 __attribute__((target("avx2")))

#define WIDE    32 /* registers in a vector */
#define PACKED  (WIDE / 4 * 3)
#define AT_ONCE 8                          /* values counted in one pass */
#define COUNTED (HLL_REGISTERS / WIDE / 4) /* vectors, so that a byte's count does not run over */
#define FEW     40                         /* different values up to which comparing is faster */

/* Of the 24 bytes of 32 registers, the 12 for each half; no byte behind them is read. */
AVX2 static inline __m256i load_packed(const unsigned char *p)
{
    __m128i low = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i high = _mm_loadu_si128((const __m128i *)(const void *)(p + PACKED - 16));
    return _mm256_set_m128i(_mm_srli_si128(high, 4), low);
}

AVX2 static inline __m256i unpack(const unsigned char *p)
{
    const __m256i spread =
        _mm256_setr_epi8(0, 1, 2, -1, 3, 4, 5, -1, 6, 7, 8, -1, 9, 10, 11, -1, /* each half alone */
                         0, 1, 2, -1, 3, 4, 5, -1, 6, 7, 8, -1, 9, 10, 11, -1);
    __m256i w = _mm256_shuffle_epi8(load_packed(p), spread);
    __m256i a = _mm256_and_si256(w, _mm256_set1_epi32(MASK));
    __m256i b = _mm256_and_si256(_mm256_slli_epi32(w, 8 - BITS), _mm256_set1_epi32(MASK << 8));
    __m256i c = _mm256_and_si256(_mm256_slli_epi32(w, 2 * (8 - BITS)), _mm256_set1_epi32(MASK << 16));
    __m256i d = _mm256_and_si256(_mm256_slli_epi32(w, 3 * (8 - BITS)), _mm256_set1_epi32(MASK << 24));
    return _mm256_or_si256(_mm256_or_si256(a, b), _mm256_or_si256(c, d));
}

AVX2 static void wide_merge(uint8_t *registers, const unsigned char *dense)
{
    for (unsigned i = 0; i < HLL_REGISTERS; i += WIDE, dense += PACKED) {
        __m256i *r = (__m256i *)(void *)(registers + i);
        _mm256_storeu_si256(r, _mm256_max_epu8(_mm256_loadu_si256(r), unpack(dense)));
    }
}

AVX2 static void wide_pack(unsigned char *dense, const uint8_t *registers)
{
    const __m256i bytes = _mm256_set1_epi16(1 << BITS << 8 | 1),
                  words = _mm256_set1_epi32(1 << (2 * BITS) << 16 | 1);
    const __m256i close = _mm256_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1, /* */
                                           0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1);
    for (unsigned i = 0; i < HLL_REGISTERS; i += WIDE, dense += PACKED) {
        __m256i r = _mm256_loadu_si256((const __m256i *)(const void *)(registers + i));
        __m256i w = _mm256_madd_epi16(_mm256_maddubs_epi16(r, bytes), words);
        w = _mm256_shuffle_epi8(w, close);
        __m128i low = _mm256_castsi256_si128(w), high = _mm256_extracti128_si256(w, 1);
        __m128i joined = _mm_or_si128(low, _mm_slli_si128(high, PACKED / 2));
        _mm_storeu_si128((__m128i *)(void *)dense, joined);
        _mm_storel_epi64((__m128i *)(void *)(dense + 16), _mm_srli_si128(high, 16 - PACKED / 2));
    }
}

/* The lowest and the highest of all. */
AVX2 static void wide_bounds(const uint8_t *registers, unsigned *lowest, unsigned *highest)
{
    __m256i low = _mm256_set1_epi8(-1), high = _mm256_setzero_si256();
    for (unsigned i = 0; i < HLL_REGISTERS; i += WIDE) {
        __m256i r = _mm256_loadu_si256((const __m256i *)(const void *)(registers + i));
        low = _mm256_min_epu8(low, r);
        high = _mm256_max_epu8(high, r);
    }
    uint8_t lows[WIDE], highs[WIDE];
    _mm256_storeu_si256((__m256i *)(void *)lows, low);
    _mm256_storeu_si256((__m256i *)(void *)highs, high);
    *lowest = lows[0];
    *highest = highs[0];
    for (unsigned i = 1; i < WIDE; i++) {
        *lowest = *lowest < lows[i] ? *lowest : lows[i];
        *highest = *highest > highs[i] ? *highest : highs[i];
    }
}

/* Counts the values VALUE .. VALUE + AT_ONCE - 1. */
AVX2 static void wide_count_some(const uint8_t *registers, unsigned value, uint32_t *counts)
{
    __m256i sums[AT_ONCE], wanted[AT_ONCE];
    for (unsigned j = 0; j < AT_ONCE; j++) {
        sums[j] = _mm256_setzero_si256();
        wanted[j] = _mm256_set1_epi8((char)(value + j));
    }
    for (unsigned part = 0; part < HLL_REGISTERS; part += COUNTED * WIDE) {
        __m256i found[AT_ONCE];
        for (unsigned j = 0; j < AT_ONCE; j++)
            found[j] = _mm256_setzero_si256();
        for (unsigned i = part; i < part + COUNTED * WIDE; i += WIDE) {
            __m256i r = _mm256_loadu_si256((const __m256i *)(const void *)(registers + i));
#pragma GCC unroll 8
            for (unsigned j = 0; j < AT_ONCE; j++)
                found[j] = _mm256_sub_epi8(found[j], _mm256_cmpeq_epi8(r, wanted[j]));
        }
        for (unsigned j = 0; j < AT_ONCE; j++)
            sums[j] = _mm256_add_epi64(sums[j], _mm256_sad_epu8(found[j], _mm256_setzero_si256()));
    }
    for (unsigned j = 0; j < AT_ONCE; j++) {
        uint64_t lanes[4];
        _mm256_storeu_si256((__m256i *)(void *)lanes, sums[j]);
        counts[j] = (uint32_t)(lanes[0] + lanes[1] + lanes[2] + lanes[3]);
    }
}

AVX2 static void wide_count(const uint8_t *registers, uint32_t histogram[HLL_VALUES])
{
    unsigned lowest, highest;
    wide_bounds(registers, &lowest, &highest);
    if (highest - lowest >= FEW) {
        plain_count(registers, histogram);
        return;
    }
    uint32_t counts[HLL_VALUES + AT_ONCE] = {0};
    for (unsigned value = lowest; value <= highest; value += AT_ONCE)
        wide_count_some(registers, value, counts + value);
    memcpy(histogram, counts, HLL_VALUES * sizeof *histogram);
}

static inline bool is_wide(void)
{
    return __builtin_cpu_supports("avx2");
}

#else

static inline bool is_wide(void)
{
    return false;
}

#define wide_merge plain_merge
#define wide_pack  plain_pack
#define wide_count plain_count

#endif

/* --- which of both --- */

void hll_dense_merge(uint8_t *registers, const unsigned char *dense)
{
    (is_wide() ? wide_merge : plain_merge)(registers, dense);
}

void hll_dense_pack(unsigned char *dense, const uint8_t *registers)
{
    (is_wide() ? wide_pack : plain_pack)(dense, registers);
}

void hll_dense_count(const uint8_t *registers, uint32_t histogram[HLL_VALUES])
{
    (is_wide() ? wide_count : plain_count)(registers, histogram);
}

void hll_dense_histogram(const unsigned char *dense, uint32_t histogram[HLL_VALUES])
{
    uint8_t registers[HLL_REGISTERS];
    memset(registers, 0, sizeof registers);
    hll_dense_merge(registers, dense);
    hll_dense_count(registers, histogram);
}

bool hll_dense_agrees(const uint8_t *registers)
{
    unsigned char ours[HLL_DENSE_BYTES], plain[HLL_DENSE_BYTES];
    uint8_t merged[HLL_REGISTERS], plain_merged[HLL_REGISTERS];
    uint32_t counts[HLL_VALUES], plain_counts[HLL_VALUES];
    hll_dense_pack(ours, registers);
    plain_pack(plain, registers);
    if (memcmp(ours, plain, sizeof ours) != 0)
        return false;
    for (unsigned i = 0; i < HLL_REGISTERS; i++)
        merged[i] = plain_merged[i] = (uint8_t)(i & MASK);
    hll_dense_merge(merged, ours);
    plain_merge(plain_merged, ours);
    if (memcmp(merged, plain_merged, sizeof merged) != 0)
        return false;
    hll_dense_count(registers, counts);
    plain_count(registers, plain_counts);
    return memcmp(counts, plain_counts, sizeof counts) == 0;
}
