/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Random numbers of the kernel, and a fast generator for what is no secret.
 * A generator's four words are never all zero, or it would give zeros for ever.
 */
#include "base/random.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

void random_bytes(void *out, size_t len)
{
    char *at = out;
    while (len > 0) {
        ssize_t got = getrandom(at, len, 0);
        if (got < 0) {
            if (errno == EINTR)
                continue;
            fprintf(stderr, "miniredis: the kernel gives no random numbers: %s\n", strerror(errno));
            abort();
        }
        at += got;
        len -= (size_t)got;
    }
}

void random_hex(char *out, size_t len)
{
    static const char digits[16] = "0123456789abcdef";
    unsigned char bytes[64];
    for (size_t done = 0; done < len;) {
        size_t want = len - done < 2 * sizeof bytes ? len - done : 2 * sizeof bytes;
        random_bytes(bytes, (want + 1) / 2);
        for (size_t i = 0; i < want; i++)
            out[done + i] = digits[bytes[i / 2] >> (i % 2 * 4) & 15];
        done += want;
    }
    out[len] = '\0';
}

void random_init(struct random *r)
{
    do
        random_bytes(r->s, sizeof r->s);
    while ((r->s[0] | r->s[1] | r->s[2] | r->s[3]) == 0);
}

/* SplitMix64 spreads one word over the four; it gives zero once in 2^64 steps, so
 * never four times in a row. */
void random_init_seed(struct random *r, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        seed += UINT64_C(0x9e3779b97f4a7c15);
        uint64_t z = seed;
        z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
        r->s[i] = z ^ z >> 31;
    }
}

static uint64_t rotate(uint64_t word, int by)
{
    return word << by | word >> (64 - by);
}

uint64_t random_next(struct random *r)
{
    uint64_t *s = r->s;
    uint64_t result = rotate(s[1] * 5, 7) * 9;
    uint64_t shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate(s[3], 45);
    return result;
}

/* The high half of a product is uniform once the products whose low half falls into
 * the uneven rest are drawn again; the division is needed only near that rest. */
uint64_t random_below(struct random *r, uint64_t bound)
{
    unsigned __int128 product = (unsigned __int128)random_next(r) * bound;
    if ((uint64_t)product < bound) {
        uint64_t uneven = -bound % bound;
        while ((uint64_t)product < uneven)
            product = (unsigned __int128)random_next(r) * bound;
    }
    return (uint64_t)(product >> 64);
}
