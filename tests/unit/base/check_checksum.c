/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * CRC-64 against a bit-by-bit reference, at every length and alignment that the
 * fast ways treat differently.
 */
#include "base/checksum.h"
#include "base/random.h"
#include "unit.h"

static uint64_t reference(uint64_t crc, const unsigned char *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ ((crc & 1) != 0 ? UINT64_C(0x95ac9329ac4bc9b5) : 0);
    }
    return crc;
}

START_TEST(known_values)
{
    ck_assert_uint_eq(checksum_crc64(0, "123456789", 9), 0xe9c6d914c4b8d9ca);
    ck_assert_uint_eq(checksum_crc64(0, "", 0), 0);
    ck_assert_uint_eq(checksum_crc64(77, NULL, 0), 77);
}
END_TEST

START_TEST(agrees_with_the_reference)
{
    static unsigned char data[1100];
    struct random r;
    random_init_seed(&r, 1);
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (unsigned char)random_next(&r);
    for (size_t at = 0; at < 20; at++)
        for (size_t len = 0; len <= 1000; len += len < 300 ? 1 : 37) {
            uint64_t crc = random_next(&r);
            ck_assert_uint_eq(checksum_crc64(crc, data + at, len), reference(crc, data + at, len));
        }
}
END_TEST

START_TEST(continues_over_pieces)
{
    static unsigned char data[65536];
    struct random r;
    random_init_seed(&r, 2);
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (unsigned char)random_next(&r);
    uint64_t whole = checksum_crc64(0, data, sizeof data);
    ck_assert_uint_eq(whole, reference(0, data, sizeof data));
    uint64_t crc = 0;
    for (size_t at = 0; at < sizeof data;) {
        size_t len = random_below(&r, 700);
        len = len < sizeof data - at ? len : sizeof data - at;
        crc = checksum_crc64(crc, data + at, len);
        at += len;
    }
    ck_assert_uint_eq(crc, whole);
}
END_TEST

START_TEST(joins_two_pieces)
{
    static unsigned char data[3000];
    struct random r;
    random_init_seed(&r, 3);
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (unsigned char)random_next(&r);
    for (size_t at = 0; at <= sizeof data; at += at < 40 || at > sizeof data - 40 ? 1 : 61)
        for (size_t end = at; end <= sizeof data; end += 1 + random_below(&r, 400)) {
            uint64_t first = checksum_crc64(0, data, at), second = checksum_crc64(0, data + at, end - at);
            ck_assert_uint_eq(checksum_crc64_join(first, second, end - at), checksum_crc64(0, data, end));
        }
}
END_TEST

/* Too long to be summed: zeros in three ways. */
START_TEST(joins_pieces_of_any_length)
{
    uint64_t head = checksum_crc64(0, "123456789", 9);
    uint64_t far = checksum_crc64_join(head, 0, (uint64_t)1 << 50);
    uint64_t half = checksum_crc64_join(head, 0, (uint64_t)1 << 49);
    ck_assert_uint_eq(far, checksum_crc64_join(half, 0, (uint64_t)1 << 49));
    ck_assert_uint_eq(far, checksum_crc64_join(checksum_crc64_join(head, 0, 7), 0, ((uint64_t)1 << 50) - 7));
    ck_assert_uint_ne(far, head);
}
END_TEST

UNIT_SUITE(base_checksum)
{
    tcase_add_test(tc, joins_two_pieces);
    tcase_add_test(tc, joins_pieces_of_any_length);
    tcase_add_test(tc, known_values);
    tcase_add_test(tc, agrees_with_the_reference);
    tcase_add_test(tc, continues_over_pieces);
}
