/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SipHash (Aumasson and Bernstein 2012): a keyed hash that an attacker who does not
 * know the key cannot make collide. The numbers of rounds are arguments: 1
 * and 3 make the table's hash, 2 and 4 the one that the paper gives test vectors for.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t siphash_word(const unsigned char *p)
{
    uint64_t w;
    memcpy(&w, p, sizeof w);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    w = __builtin_bswap64(w);
#endif
    return w;
}

/* The last 0 to 7 bytes, little-endian, with the length in the top byte. Never reads
 * outside of [p, p + LEN). */
static inline uint64_t siphash_tail(const unsigned char *p, size_t rest, size_t len)
{
    uint64_t w = (uint64_t)(len & 255) << 56;
    switch (rest) {
    case 7:
        w |= (uint64_t)p[6] << 48;
        __attribute__((fallthrough));
    case 6:
        w |= (uint64_t)p[5] << 40;
        __attribute__((fallthrough));
    case 5:
        w |= (uint64_t)p[4] << 32;
        __attribute__((fallthrough));
    case 4:
        w |= (uint64_t)p[3] << 24;
        __attribute__((fallthrough));
    case 3:
        w |= (uint64_t)p[2] << 16;
        __attribute__((fallthrough));
    case 2:
        w |= (uint64_t)p[1] << 8;
        __attribute__((fallthrough));
    case 1:
        w |= p[0];
        break;
    default:
        break;
    }
    return w;
}

static inline uint64_t siphash_rotate(uint64_t x, int b)
{
    return x << b | x >> (64 - b);
}

static inline __attribute__((always_inline)) void siphash_rounds(uint64_t v[4], int rounds)
{
    for (int i = 0; i < rounds; i++) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = siphash_rotate(v[1], 13) ^ v[0];
        v[3] = siphash_rotate(v[3], 16) ^ v[2];
        v[0] = siphash_rotate(v[0], 32);
        v[2] += v[1];
        v[0] += v[3];
        v[1] = siphash_rotate(v[1], 17) ^ v[2];
        v[3] = siphash_rotate(v[3], 21) ^ v[0];
        v[2] = siphash_rotate(v[2], 32);
    }
}

/* C rounds per word, D at the end. */
static inline __attribute__((always_inline)) uint64_t siphash(const uint64_t key[2], const void *data,
                                                              size_t len, int c, int d)
{
    const unsigned char *p = data;
    uint64_t v[4] = {key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d, key[0] ^ 0x6c7967656e657261,
                     key[1] ^ 0x7465646279746573};
    size_t words = len / 8;
    for (size_t i = 0; i < words; i++, p += 8) {
        uint64_t w = siphash_word(p);
        v[3] ^= w;
        siphash_rounds(v, c);
        v[0] ^= w;
    }
    uint64_t w = siphash_tail(p, len % 8, len);
    v[3] ^= w;
    siphash_rounds(v, c);
    v[0] ^= w;
    v[2] ^= 0xff;
    siphash_rounds(v, d);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}
