/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * CRC-64 of RDB files, two ways.
 *
 * Everywhere: eight tables of 256 words take eight bytes a step. The remainder is
 * linear, so the entry of a byte is the sum of the entries of its bits, and all
 * tables follow from 64 words that the compiler spreads into read-only memory.
 *
 *     word w = the remainder that one bit leaves after w + 1 steps
 *     entry of bit b in table t = word 8 t + 7 - b
 *
 * On x86-64 with carry-less multiplication: four 128-bit lanes are folded 64 bytes
 * a step and then into one lane; a lane is as good as 16 bytes of message, and the
 * tables bring it home. A factor that moves 64 bits by D bits is x^(D-1) mod P,
 * bits reversed; the one missing power is what multiplying reversed words adds.
 */
#include "base/checksum.h"

#include <endian.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define CRC_FOLD_MIN 128

/* clang-format off */
#define W00 UINT64_C(0x95ac9329ac4bc9b5)
#define W01 UINT64_C(0xdf7adabd7a6e2d6f)
#define W02 UINT64_C(0xfa11fe77117cdf02)
#define W03 UINT64_C(0x7d08ff3b88be6f81)
#define W04 UINT64_C(0xab28ecb46814fe75)
#define W05 UINT64_C(0xc038e5739841b68f)
#define W06 UINT64_C(0xf5b0e190606b12f2)
#define W07 UINT64_C(0x7ad870c830358979)
#define W08 UINT64_C(0xa8c0ab4db4510d09)
#define W09 UINT64_C(0xc1ccc68f76634f31)
#define W10 UINT64_C(0xf54af06e177a6e2d)
#define W11 UINT64_C(0xef09eb1ea7f6fea3)
#define W12 UINT64_C(0xe22866a6ffb0b6e4)
#define W13 UINT64_C(0x711433537fd85b72)
#define W14 UINT64_C(0x388a19a9bfec2db9)
#define W15 UINT64_C(0x89e99ffd73bddf69)
#define W16 UINT64_C(0xd1585cd715952601)
#define W17 UINT64_C(0xfd00bd4226815ab5)
#define W18 UINT64_C(0xeb2ccd88bf0b64ef)
#define W19 UINT64_C(0xe03af5edf3ce7bc2)
#define W20 UINT64_C(0x701d7af6f9e73de1)
#define W21 UINT64_C(0xada22e52d0b85745)
#define W22 UINT64_C(0xc37d8400c417e217)
#define W23 UINT64_C(0xf4125129ce4038be)
#define W24 UINT64_C(0x7a092894e7201c5f)
#define W25 UINT64_C(0xa8a80763dfdbc79a)
#define W26 UINT64_C(0x545403b1efede3cd)
#define W27 UINT64_C(0xbf8692f15bbd3853)
#define W28 UINT64_C(0xca6fda510195559c)
#define W29 UINT64_C(0x6537ed2880caaace)
#define W30 UINT64_C(0x329bf69440655567)
#define W31 UINT64_C(0x8ce168638c796306)
#define W32 UINT64_C(0x4670b431c63cb183)
#define W33 UINT64_C(0xb694c9314f559174)
#define W34 UINT64_C(0x5b4a6498a7aac8ba)
#define W35 UINT64_C(0x2da5324c53d5645d)
#define W36 UINT64_C(0x837e0a0f85a17b9b)
#define W37 UINT64_C(0xd413962e6e9b7478)
#define W38 UINT64_C(0x6a09cb17374dba3c)
#define W39 UINT64_C(0x3504e58b9ba6dd1e)
#define W40 UINT64_C(0x1a8272c5cdd36e8f)
#define W41 UINT64_C(0x98edaa4b4aa27ef2)
#define W42 UINT64_C(0x4c76d525a5513f79)
#define W43 UINT64_C(0xb397f9bb7ee35609)
#define W44 UINT64_C(0xcc676ff4133a62b1)
#define W45 UINT64_C(0xf39f24d3a5d6f8ed)
#define W46 UINT64_C(0xec6301407ea0b5c3)
#define W47 UINT64_C(0xe39d1389931b9354)
#define W48 UINT64_C(0x71ce89c4c98dc9aa)
#define W49 UINT64_C(0x38e744e264c6e4d5)
#define W50 UINT64_C(0x89df31589e28bbdf)
#define W51 UINT64_C(0xd1430b85e35f945a)
#define W52 UINT64_C(0x68a185c2f1afca2d)
#define W53 UINT64_C(0xa1fc51c8d49c2ca3)
#define W54 UINT64_C(0xc552bbcdc605dfe4)
#define W55 UINT64_C(0x62a95de6e302eff2)
#define W56 UINT64_C(0x3154aef3718177f9)
#define W57 UINT64_C(0x8d06c450148b7249)
#define W58 UINT64_C(0xd32ff101a60e7091)
#define W59 UINT64_C(0xfc3b6ba97f4cf1fd)
#define W60 UINT64_C(0xebb126fd13edb14b)
#define W61 UINT64_C(0xe074005725bd1110)
#define W62 UINT64_C(0x703a002b92de8888)
#define W63 UINT64_C(0x381d0015c96f4444)

#define BYTE(n, a, b, c, d, e, f, g, h)                                                   \
    (((n) & 128 ? a : 0) ^ ((n) & 64 ? b : 0) ^ ((n) & 32 ? c : 0) ^ ((n) & 16 ? d : 0) ^ \
     ((n) & 8 ? e : 0) ^ ((n) & 4 ? f : 0) ^ ((n) & 2 ? g : 0) ^ ((n) & 1 ? h : 0))
#define FOUR(n, ...)                                  \
    BYTE(n, __VA_ARGS__), BYTE(n + 1, __VA_ARGS__),   \
    BYTE(n + 2, __VA_ARGS__), BYTE(n + 3, __VA_ARGS__)
#define SIXTEEN(n, ...)                               \
    FOUR(n, __VA_ARGS__), FOUR(n + 4, __VA_ARGS__),   \
    FOUR(n + 8, __VA_ARGS__), FOUR(n + 12, __VA_ARGS__)
#define SIXTY(n, ...)                                       \
    SIXTEEN(n, __VA_ARGS__), SIXTEEN(n + 16, __VA_ARGS__),  \
    SIXTEEN(n + 32, __VA_ARGS__), SIXTEEN(n + 48, __VA_ARGS__)
#define TABLE(...)                                          \
    {SIXTY(0, __VA_ARGS__), SIXTY(64, __VA_ARGS__),         \
     SIXTY(128, __VA_ARGS__), SIXTY(192, __VA_ARGS__)}

static const uint64_t tables[8][256] = {
    TABLE(W00, W01, W02, W03, W04, W05, W06, W07),
    TABLE(W08, W09, W10, W11, W12, W13, W14, W15),
    TABLE(W16, W17, W18, W19, W20, W21, W22, W23),
    TABLE(W24, W25, W26, W27, W28, W29, W30, W31),
    TABLE(W32, W33, W34, W35, W36, W37, W38, W39),
    TABLE(W40, W41, W42, W43, W44, W45, W46, W47),
    TABLE(W48, W49, W50, W51, W52, W53, W54, W55),
    TABLE(W56, W57, W58, W59, W60, W61, W62, W63),
};
/* clang-format on */

static uint64_t crc_by_tables(uint64_t crc, const unsigned char *at, size_t len)
{
    for (; len >= 8; at += 8, len -= 8) {
        uint64_t word;
        memcpy(&word, at, 8);
        word = le64toh(word) ^ crc;
        crc = tables[7][word & 255] ^ tables[6][word >> 8 & 255] ^ tables[5][word >> 16 & 255] ^
              tables[4][word >> 24 & 255] ^ tables[3][word >> 32 & 255] ^ tables[2][word >> 40 & 255] ^
              tables[1][word >> 48 & 255] ^ tables[0][word >> 56];
    }
    for (; len > 0; at++, len--)
        crc = tables[0][(crc ^ *at) & 255] ^ crc >> 8;
    return crc;
}

#if defined(__x86_64__)

__attribute__((target("pclmul"))) static inline __m128i crc_fold(__m128i lane, __m128i factors, __m128i next)
{
    __m128i early = _mm_clmulepi64_si128(lane, factors, 0x00);
    __m128i late = _mm_clmulepi64_si128(lane, factors, 0x11);
    return _mm_xor_si128(_mm_xor_si128(early, late), next);
}

__attribute__((target("pclmul"))) static uint64_t crc_by_folding(uint64_t crc, const unsigned char *at,
                                                                 size_t len)
{
    const __m128i by_512 = _mm_set_epi64x((int64_t)0xf49784a634f014e4, (int64_t)0xaf86efb16d9ab4fb);
    const __m128i by_128 = _mm_set_epi64x((int64_t)0x381d0015c96f4444, (int64_t)0xd9d7be7d505da32c);
    __m128i lane[4];
    for (int i = 0; i < 4; i++)
        lane[i] = _mm_loadu_si128((const __m128i *)(const void *)(at + 16 * i));
    lane[0] = _mm_xor_si128(lane[0], _mm_cvtsi64_si128((int64_t)crc));
    for (at += 64, len -= 64; len >= 64; at += 64, len -= 64)
        for (int i = 0; i < 4; i++)
            lane[i] =
                crc_fold(lane[i], by_512, _mm_loadu_si128((const __m128i *)(const void *)(at + 16 * i)));
    __m128i all = lane[0];
    for (int i = 1; i < 4; i++)
        all = crc_fold(all, by_128, lane[i]);
    for (; len >= 16; at += 16, len -= 16)
        all = crc_fold(all, by_128, _mm_loadu_si128((const __m128i *)(const void *)at));
    unsigned char last[16];
    memcpy(last, &all, sizeof last);
    return crc_by_tables(crc_by_tables(0, last, sizeof last), at, len);
}

#endif

uint64_t checksum_crc64(uint64_t crc, const void *data, size_t len)
{
#if defined(__x86_64__)
    if (len >= CRC_FOLD_MIN && __builtin_cpu_supports("pclmul"))
        return crc_by_folding(crc, data, len);
#endif
    return crc_by_tables(crc, data, len);
}

/* --- joining --- */

/* The product of two remainders; bits are reversed: x^0 is the highest one. */
static uint64_t crc_product(uint64_t a, uint64_t b)
{
    uint64_t product = 0;
    for (; a != 0; a <<= 1) {
        product ^= a >> 63 ? b : 0;
        b = b >> 1 ^ (b & 1 ? W00 : 0);
    }
    return product;
}

uint64_t checksum_crc64_join(uint64_t first, uint64_t second, uint64_t len)
{
    uint64_t power = (uint64_t)1 << (63 - 8); /* x^8: what one more byte does */
    for (; len != 0; len >>= 1) {
        if (len & 1)
            first = crc_product(first, power);
        power = crc_product(power, power);
    }
    return first ^ second;
}
