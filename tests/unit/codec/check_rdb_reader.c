/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The primitives of RDB: every form of a length and of a string, cut at every byte,
 * and lengths that lie.
 */
#include <limits.h>
#include <lzf.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/heap.h"
#include "codec/rdb_reader.h"
#include "unit.h"

/* A reader over a block of exactly LEN bytes, with LEFT bytes of the file behind. */
static struct rdb_reader open_bytes(const void *bytes, size_t len, uint64_t left)
{
    return (struct rdb_reader){.data = heap_memdup(bytes, len), .len = len, .left = left};
}

static void close_bytes(struct rdb_reader *r)
{
    heap_free((void *)(uintptr_t)r->data);
    rdb_reader_done(r);
}

#define OPEN(TEXT, LEFT) open_bytes(TEXT, sizeof(TEXT) - 1, LEFT)

static void check_len(const char *bytes, size_t len, uint64_t expected)
{
    for (size_t have = 0; have <= len; have++) {
        struct rdb_reader r = open_bytes(bytes, have, len - have);
        uint64_t got = 77;
        int code = rdb_read_len(&r, &got);
        if (have < len) {
            ck_assert_int_eq(code, MR_E_AGAIN);
            ck_assert_uint_eq(r.pos, 0);
            ck_assert(r.want > have && r.want <= len);
        } else {
            ck_assert_int_eq(code, 0);
            ck_assert_uint_eq(got, expected);
            ck_assert_uint_eq(r.pos, len);
        }
        close_bytes(&r);
        if (have == len)
            break;
        r = open_bytes(bytes, have, len - have - 1);
        ck_assert_int_eq(rdb_read_len(&r, &got), have == 0 && len > 1 ? MR_E_AGAIN : MR_E_TRUNCATED);
        close_bytes(&r);
    }
}

#define CHECK_LEN(TEXT, VALUE) check_len(TEXT, sizeof(TEXT) - 1, VALUE)

START_TEST(lengths)
{
    CHECK_LEN("\x00", 0);
    CHECK_LEN("\x3f", 63);
    CHECK_LEN("\x40\x00", 0);
    CHECK_LEN("\x40\x40", 64);
    CHECK_LEN("\x7f\xff", 16383);
    CHECK_LEN("\x80\x00\x00\x40\x00", 16384);
    CHECK_LEN("\x80\xff\xff\xff\xff", UINT32_MAX);
    CHECK_LEN("\x81\x00\x00\x00\x01\x00\x00\x00\x00", (uint64_t)1 << 32);
    CHECK_LEN("\x81\xff\xff\xff\xff\xff\xff\xff\xff", UINT64_MAX);
}
END_TEST

START_TEST(lengths_corrupt)
{
    for (unsigned head = 0x82; head <= 0xff; head++) {
        char bytes[9] = {(char)head};
        struct rdb_reader r = open_bytes(bytes, sizeof bytes, 0);
        uint64_t got;
        ck_assert_int_eq(rdb_read_len(&r, &got), MR_E_CORRUPT);
        ck_assert_uint_eq(r.pos, 0);
        close_bytes(&r);
    }
}
END_TEST

START_TEST(numbers)
{
    struct rdb_reader r = OPEN("\xfe\x01\x02\x03\x84\x01\x02\x03\x04\x05\x06\x07\x88rest", 0);
    uint8_t u8;
    uint32_t u32;
    uint64_t u64;
    struct slice bytes;
    ck_assert_int_eq(rdb_read_u8(&r, &u8), 0);
    ck_assert_uint_eq(u8, 0xfe);
    ck_assert_int_eq(rdb_read_u32(&r, &u32), 0);
    ck_assert_uint_eq(u32, 0x84030201);
    ck_assert_int_eq(rdb_read_u64(&r, &u64), 0);
    ck_assert_uint_eq(u64, 0x8807060504030201);
    ck_assert_int_eq(rdb_read_u64(&r, &u64), MR_E_TRUNCATED);
    ck_assert_int_eq(rdb_read_bytes(&r, 5, &bytes), MR_E_TRUNCATED);
    r.left = 4;
    ck_assert_int_eq(rdb_read_u64(&r, &u64), MR_E_AGAIN);
    ck_assert_uint_eq(r.want, 8);
    ck_assert_int_eq(rdb_read_bytes(&r, SIZE_MAX, &bytes), MR_E_CORRUPT);
    ck_assert_int_eq(rdb_read_bytes(&r, 4, &bytes), 0);
    ck_assert(slice_equal(bytes, slice_str("rest")));
    ck_assert_int_eq(rdb_read_u8(&r, &u8), MR_E_AGAIN);
    r.left = 0;
    ck_assert_int_eq(rdb_read_u8(&r, &u8), MR_E_TRUNCATED);
    close_bytes(&r);
}
END_TEST

/* Reads the string at the start of BYTES in all three ways, with the window ending at
 * every place; INTEGER where it is one. */
static void check_string(struct slice bytes, struct slice expected, const int64_t *integer)
{
    size_t step = bytes.len > 1000 ? bytes.len / 50 : 1;
    for (size_t have = 0; have < bytes.len; have += step) {
        struct rdb_reader r = open_bytes(bytes.ptr, have, bytes.len - have);
        struct slice got;
        bool is_int;
        int64_t value;
        ck_assert_int_eq(rdb_read_string(&r, &got), MR_E_AGAIN);
        ck_assert(r.want > have && r.want <= bytes.len);
        ck_assert_int_eq(rdb_read_string_or_int(&r, &got, &is_int, &value), MR_E_AGAIN);
        ck_assert_int_eq(rdb_skip_string(&r), MR_E_AGAIN);
        ck_assert_uint_eq(r.pos, 0);
        ck_assert_ptr_null(r.scratch.data);
        r.left = 0;
        ck_assert_int_eq(rdb_read_string(&r, &got), MR_E_TRUNCATED);
        ck_assert_int_eq(rdb_skip_string(&r), MR_E_TRUNCATED);
        close_bytes(&r);
    }
    struct rdb_reader r = open_bytes(bytes.ptr, bytes.len, 0);
    struct slice got;
    bool is_int;
    int64_t value = 0;
    ck_assert_int_eq(rdb_read_string(&r, &got), 0);
    ck_assert(slice_equal(got, expected));
    ck_assert_uint_eq(r.pos, bytes.len);
    r.pos = 0;
    ck_assert_int_eq(rdb_read_string_or_int(&r, &got, &is_int, &value), 0);
    ck_assert_int_eq(is_int, integer != NULL);
    if (integer != NULL)
        ck_assert_int_eq(value, *integer);
    else
        ck_assert(slice_equal(got, expected));
    ck_assert_uint_eq(r.pos, bytes.len);
    r.pos = 0;
    ck_assert_int_eq(rdb_skip_string(&r), 0);
    ck_assert_uint_eq(r.pos, bytes.len);
    close_bytes(&r);
}

START_TEST(plain_strings)
{
    check_string(slice_of("\x00", 1), slice_str(""), NULL);
    check_string(slice_str("\x03"
                           "abc"),
                 slice_str("abc"), NULL);
    static const size_t lens[] = {62, 63, 64, 16383, 16384, 100000};
    for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
        size_t len = lens[i];
        struct buf b = {0};
        if (len < 64) {
            buf_append_byte(&b, (char)len);
        } else if (len < 16384) {
            buf_append_byte(&b, (char)(0x40 | len >> 8));
            buf_append_byte(&b, (char)len);
        } else {
            const char head[] = {(char)0x80, 0, (char)(len >> 16), (char)(len >> 8), (char)len};
            buf_append(&b, head, sizeof head);
        }
        size_t start = b.len;
        for (size_t k = 0; k < len; k++)
            buf_append_byte(&b, (char)(k * 7));
        check_string(buf_slice(&b), slice_of(b.data + start, len), NULL);
        buf_done(&b);
    }
}
END_TEST

#define CHECK_INT(TEXT, VALUE, DIGITS)                                                                       \
    check_string(slice_of(TEXT, sizeof(TEXT) - 1), slice_str(DIGITS), &(int64_t){VALUE})

START_TEST(integers)
{
    CHECK_INT("\xc0\x00", 0, "0");
    CHECK_INT("\xc0\x7f", 127, "127");
    CHECK_INT("\xc0\x80", -128, "-128");
    CHECK_INT("\xc1\x00\x80", -32768, "-32768");
    CHECK_INT("\xc1\xff\x7f", 32767, "32767");
    CHECK_INT("\xc2\x00\x00\x00\x80", INT32_MIN, "-2147483648");
    CHECK_INT("\xc2\xff\xff\xff\x7f", INT32_MAX, "2147483647");
}
END_TEST

static void append_len32(struct buf *out, size_t len)
{
    const char head[] = {(char)0x80, (char)(len >> 24), (char)(len >> 16), (char)(len >> 8), (char)len};
    buf_append(out, head, sizeof head);
}

static void check_lzf(size_t len, unsigned period)
{
    struct buf plain = {0};
    struct buf packed = {0};
    for (size_t i = 0; i < len; i++)
        buf_append_byte(&plain, (char)('a' + i % period));
    char *room = buf_room(&packed, len);
    packed.len = lzf_compress(plain.data, (unsigned)len, room, (unsigned)len - 1);
    ck_assert_uint_gt(packed.len, 0);
    struct buf b = {0};
    buf_append_byte(&b, (char)0xc3);
    append_len32(&b, packed.len);
    append_len32(&b, len);
    buf_append_slice(&b, buf_slice(&packed));
    check_string(buf_slice(&b), buf_slice(&plain), NULL);
    buf_done(&plain);
    buf_done(&packed);
    buf_done(&b);
}

START_TEST(lzf_strings)
{
    check_string(slice_of("\xc3\x04\x03\x02"
                          "abc",
                          7),
                 slice_str("abc"), NULL);
    check_lzf(40, 1);
    check_lzf(100, 3);
    check_lzf(5000, 17);
    check_lzf(1000000, 1); /* as tight as it gets */
}
END_TEST

static void check_corrupt(const char *bytes, size_t len, int expected)
{
    struct rdb_reader r = open_bytes(bytes, len, 0);
    struct slice got;
    bool is_int;
    int64_t value;
    ck_assert_int_eq(rdb_read_string(&r, &got), expected);
    ck_assert_int_eq(rdb_read_string_or_int(&r, &got, &is_int, &value), expected);
    ck_assert_uint_eq(r.pos, 0);
    ck_assert_uint_lt(r.scratch.cap, 4096);
    close_bytes(&r);
}

#define CORRUPT(TEXT, CODE) check_corrupt(TEXT, sizeof(TEXT) - 1, CODE)

START_TEST(lies)
{
    /* plain strings that are longer than the file, and than anything */
    CORRUPT("\x05"
            "abc",
            MR_E_TRUNCATED);
    CORRUPT("\x80\xff\xff\xff\xff"
            "abc",
            MR_E_TRUNCATED);
    CORRUPT("\x81\x00\x00\x01\x00\x00\x00\x00\x00"
            "abc",
            MR_E_TRUNCATED);
    CORRUPT("\x81\x00\x00\x01\x00\x00\x00\x00\x01"
            "abc",
            MR_E_CORRUPT);
    CORRUPT("\x81\xff\xff\xff\xff\xff\xff\xff\xff"
            "abc",
            MR_E_CORRUPT);
    CORRUPT("\x82"
            "abc",
            MR_E_CORRUPT);
    /* encodings that are none */
    CORRUPT("\xc4"
            "abc",
            MR_E_CORRUPT);
    CORRUPT("\xff"
            "abc",
            MR_E_CORRUPT);
    /* LZF: nothing packed, nothing plain, encoded lengths, more than can be, less than said */
    CORRUPT("\xc3\x00\x03", MR_E_CORRUPT);
    CORRUPT("\xc3\x04\x00\x02"
            "abc",
            MR_E_CORRUPT);
    CORRUPT("\xc3\xc0\x04\x03\x02"
            "abc",
            MR_E_CORRUPT);
    CORRUPT("\xc3\x04\xc0\x03\x02"
            "abc",
            MR_E_CORRUPT);
    CORRUPT("\xc3\x04\x80\xff\xff\xff\xff\x02"
            "abc",
            MR_E_CORRUPT);
    CORRUPT("\xc3\x04\x41\x61\x02"
            "abc",
            MR_E_CORRUPT);
    CORRUPT("\xc3\x81\xff\xff\xff\xff\xff\xff\xff\xff\x03"
            "abc",
            MR_E_CORRUPT);
    CORRUPT("\xc3\x81\x02\xe8\xba\x2e\x8b\xa2\xe8\xbb\x40\x08"
            "abc",
            MR_E_CORRUPT);
    CORRUPT("\xc3\x04\x04\x02"
            "abc",
            MR_E_CORRUPT);
    CORRUPT("\xc3\x04\x02\x02"
            "abc",
            MR_E_CORRUPT);
    CORRUPT("\xc3\x04\x03\x40\x30"
            "ab",
            MR_E_CORRUPT);
}
END_TEST

UNIT_SUITE(codec_rdb_reader)
{
    tcase_add_test(tc, lengths);
    tcase_add_test(tc, lengths_corrupt);
    tcase_add_test(tc, numbers);
    tcase_add_test(tc, plain_strings);
    tcase_add_test(tc, integers);
    tcase_add_test(tc, lzf_strings);
    tcase_add_test(tc, lies);
}
