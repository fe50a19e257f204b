/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SipHash: the test vector of the paper, and the fast code against the definition
 * written down plainly, for every length and alignment that takes another path.
 */
#include "keyspace/siphash.h"

#include <stdlib.h>

#include "unit.h"

static uint64_t rotate(uint64_t x, unsigned b)
{
    return x << b | x >> (64 - b);
}

struct state {
    uint64_t v0, v1, v2, v3;
};

static void round_once(struct state *s)
{
    s->v0 += s->v1;
    s->v1 = rotate(s->v1, 13);
    s->v1 ^= s->v0;
    s->v0 = rotate(s->v0, 32);
    s->v2 += s->v3;
    s->v3 = rotate(s->v3, 16);
    s->v3 ^= s->v2;
    s->v0 += s->v3;
    s->v3 = rotate(s->v3, 21);
    s->v3 ^= s->v0;
    s->v2 += s->v1;
    s->v1 = rotate(s->v1, 17);
    s->v1 ^= s->v2;
    s->v2 = rotate(s->v2, 32);
}

/* Byte by byte into padded words, as the paper says it. */
static uint64_t plain(const uint64_t key[2], const unsigned char *data, size_t len, int c, int d)
{
    struct state s = {key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d, key[0] ^ 0x6c7967656e657261,
                      key[1] ^ 0x7465646279746573};
    for (size_t word = 0; word <= len / 8; word++) {
        uint64_t m = 0;
        for (size_t i = 0; i < 8; i++) {
            size_t at = word * 8 + i;
            uint64_t byte = at < len ? data[at] : word == len / 8 && i == 7 ? len & 255 : 0;
            m |= byte << 8 * i;
        }
        s.v3 ^= m;
        for (int i = 0; i < c; i++)
            round_once(&s);
        s.v0 ^= m;
    }
    s.v2 ^= 0xff;
    for (int i = 0; i < d; i++)
        round_once(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

static const uint64_t key[2] = {0x0706050403020100, 0x0f0e0d0c0b0a0908};

START_TEST(the_vector_of_the_paper)
{
    unsigned char data[15];
    for (unsigned i = 0; i < sizeof data; i++)
        data[i] = (unsigned char)i;
    ck_assert_uint_eq(siphash(key, data, sizeof data, 2, 4), 0xa129ca6149be45e5);
    ck_assert_uint_eq(plain(key, data, sizeof data, 2, 4), 0xa129ca6149be45e5);
}
END_TEST

START_TEST(every_length_agrees_with_the_definition)
{
    for (size_t len = 0; len <= 300; len++) {
        /* Exactly so long, so that a sanitizer sees a byte too many. */
        unsigned char *data = malloc(len + 1);
        ck_assert_ptr_nonnull(data);
        for (size_t i = 0; i <= len; i++)
            data[i] = (unsigned char)(i * 37 + len);
        ck_assert_uint_eq(siphash(key, data + 1, len, 1, 3), plain(key, data + 1, len, 1, 3));
        free(data);
    }
}
END_TEST

START_TEST(the_key_matters)
{
    uint64_t other[2] = {key[0], key[1] ^ 1};
    ck_assert_uint_ne(siphash(key, "abc", 3, 1, 3), siphash(other, "abc", 3, 1, 3));
    ck_assert_uint_ne(siphash(key, "", 0, 1, 3), siphash(key, "\0", 1, 1, 3));
}
END_TEST

UNIT_SUITE(keyspace_siphash)
{
    tcase_add_test(tc, the_vector_of_the_paper);
    tcase_add_test(tc, every_length_agrees_with_the_definition);
    tcase_add_test(tc, the_key_matters);
}
