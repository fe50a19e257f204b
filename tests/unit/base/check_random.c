/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Random numbers: the generator's published values, bounds, and that the kernel's
 * bytes arrive.
 */
#include <string.h>

#include "base/random.h"
#include "unit.h"

START_TEST(generator_gives_the_published_values)
{
    static const uint64_t expected[] = {11520, 0, 1509978240, 1215971899390074240, 1216172134540287360};
    struct random r = {{1, 2, 3, 4}};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        ck_assert_uint_eq(random_next(&r), expected[i]);
}
END_TEST

START_TEST(seeds_spread_as_published)
{
    struct random r;
    random_init_seed(&r, 0);
    ck_assert_uint_eq(r.s[0], 0xe220a8397b1dcdaf);
    ck_assert_uint_eq(r.s[1], 0x6e789e6aa1b965f4);
    struct random a;
    struct random b;
    random_init_seed(&a, 42);
    random_init_seed(&b, 42);
    ck_assert_uint_eq(random_next(&a), random_next(&b));
    random_init_seed(&b, 43);
    ck_assert_uint_ne(random_next(&a), random_next(&b));
}
END_TEST

START_TEST(below_is_uniform_and_below)
{
    struct random r;
    size_t hits[6] = {0};
    random_init_seed(&r, 7);
    for (int i = 0; i < 60000; i++) {
        uint64_t n = random_below(&r, 6);
        ck_assert_uint_lt(n, 6);
        hits[n]++;
    }
    for (int i = 0; i < 6; i++)
        ck_assert(hits[i] > 9600 && hits[i] < 10400);
    for (int i = 0; i < 100; i++)
        ck_assert_uint_eq(random_below(&r, 1), 0);
}
END_TEST

START_TEST(below_has_no_bias_where_a_remainder_would)
{
    /* Taken modulo 3 * 2^62, a third of all numbers would come up twice as often. */
    struct random r;
    uint64_t bound = UINT64_C(3) << 62;
    size_t low = 0;
    random_init_seed(&r, 8);
    for (int i = 0; i < 30000; i++) {
        uint64_t n = random_below(&r, bound);
        ck_assert_uint_lt(n, bound);
        low += n < UINT64_C(1) << 62;
    }
    ck_assert(low > 9600 && low < 10400);
}
END_TEST

START_TEST(kernel_bytes_fill_the_whole)
{
    unsigned char bytes[1000];
    unsigned char ever[sizeof bytes] = {0};
    for (int round = 0; round < 8; round++) {
        memset(bytes, 0, sizeof bytes);
        random_bytes(bytes, sizeof bytes);
        for (size_t i = 0; i < sizeof bytes; i++)
            ever[i] |= bytes[i];
    }
    for (size_t i = 0; i < sizeof bytes; i++)
        ck_assert_uint_ne(ever[i], 0);
    random_bytes(bytes, 0);
}
END_TEST

START_TEST(hex_of_every_length)
{
    char text[302];
    for (size_t len = 0; len <= 300; len++) {
        memset(text, '!', sizeof text);
        random_hex(text, len);
        ck_assert_uint_eq(strlen(text), len);
        ck_assert_uint_eq(strspn(text, "0123456789abcdef"), len);
        ck_assert_int_eq(text[len + 1], '!');
    }
    char other[41];
    random_hex(text, 40);
    random_hex(other, 40);
    ck_assert_str_ne(text, other);
    random_hex(text, 300);
    for (const char *digit = "0123456789abcdef"; *digit != '\0'; digit++)
        ck_assert_ptr_nonnull(strchr(text, *digit));
}
END_TEST

START_TEST(kernel_seeds_differ)
{
    struct random a;
    struct random b;
    random_init(&a);
    random_init(&b);
    ck_assert_mem_ne(&a, &b, sizeof a);
}
END_TEST

UNIT_SUITE(base_random)
{
    tcase_add_test(tc, generator_gives_the_published_values);
    tcase_add_test(tc, seeds_spread_as_published);
    tcase_add_test(tc, below_is_uniform_and_below);
    tcase_add_test(tc, below_has_no_bias_where_a_remainder_would);
    tcase_add_test(tc, kernel_bytes_fill_the_whole);
    tcase_add_test(tc, hex_of_every_length);
    tcase_add_test(tc, kernel_seeds_differ);
}
