/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is written is read back the same, for every width and for random strings, and takes
 * the forms that redis-server writes; the payload of DUMP, with what redis-server 7.0 makes
 * as the reference, and every way in which one can be wrong.
 */
#include "codec/rdb_writer.h"

#include <errno.h>
#include <string.h>

#include "base/checksum.h"
#include "base/heap.h"
#include "base/number.h"
#include "base/random.h"
#include "codec/rdb_reader.h"
#include "unit.h"

static struct buf out;
static struct rdb_writer w;
static struct random rng;

static void set_up(void)
{
    buf_init(&out);
    w = (struct rdb_writer){.out = &out, .compress = true};
    random_init_seed(&rng, 4711);
}

static void tear_down(void)
{
    buf_done(&out);
}

static void expect_bytes(const char *bytes, size_t len)
{
    ck_assert_int_eq(w.code, 0);
    ck_assert_uint_eq(out.len, len);
    ck_assert_mem_eq(out.data, bytes, len);
    out.len = 0;
}

#define EXPECT(TEXT) expect_bytes(TEXT, sizeof(TEXT) - 1)

/* A reader over what was written. */
static struct rdb_reader reader(void)
{
    return (struct rdb_reader){.data = out.data, .len = out.len};
}

START_TEST(lengths_take_the_shortest_form)
{
    static const struct {
        uint64_t len;
        size_t size;
    } rows[] = {{0, 1},
                {63, 1},
                {64, 2},
                {16383, 2},
                {16384, 5},
                {UINT32_MAX, 5},
                {(uint64_t)UINT32_MAX + 1, 9},
                {UINT64_MAX, 9}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t got = 0;
        rdb_write_len(&w, rows[i].len);
        ck_assert_uint_eq(out.len, rows[i].size);
        struct rdb_reader r = reader();
        ck_assert_int_eq(rdb_read_len(&r, &got), 0);
        ck_assert_uint_eq(got, rows[i].len);
        out.len = 0;
    }
}
END_TEST

START_TEST(numbers)
{
    uint8_t u8;
    uint32_t u32;
    uint64_t u64;
    double d;
    rdb_write_u8(&w, 0xfe);
    rdb_write_u32(&w, 0x84030201);
    rdb_write_u64(&w, 0x8807060504030201);
    rdb_write_double(&w, -0.1);
    ck_assert_mem_eq(out.data, "\xfe\x01\x02\x03\x84\x01\x02\x03\x04\x05\x06\x07\x88", 13);
    struct rdb_reader r = reader();
    ck_assert_int_eq(rdb_read_u8(&r, &u8), 0);
    ck_assert_int_eq(rdb_read_u32(&r, &u32), 0);
    ck_assert_int_eq(rdb_read_u64(&r, &u64), 0);
    ck_assert_uint_eq(u64, 0x8807060504030201);
    ck_assert_int_eq(rdb_read_u64(&r, &u64), 0);
    memcpy(&d, &u64, sizeof d);
    ck_assert(d == -0.1 && u8 == 0xfe && u32 == 0x84030201);
    ck_assert_uint_eq(r.pos, out.len);
}
END_TEST

/* --- strings --- */

static void check_string(struct slice s)
{
    struct slice got;
    rdb_write_string(&w, s);
    struct rdb_reader r = reader();
    ck_assert_int_eq(rdb_read_string(&r, &got), 0);
    ck_assert(slice_equal(got, s));
    ck_assert_uint_eq(r.pos, out.len);
    rdb_reader_done(&r);
    out.len = 0;
}

START_TEST(integers)
{
    for (unsigned bit = 0; bit < 64; bit++) {
        for (int64_t step = -2; step <= 2; step++) {
            int64_t value = (int64_t)((UINT64_C(1) << bit) + (uint64_t)step), got = 0;
            for (int sign = 0; sign < 2; sign++, value = (int64_t)(0 - (uint64_t)value)) {
                char text[NUMBER_TEXT_MAX];
                size_t len = number_from_int(text, value);
                bool is_int = false;
                struct slice bytes;
                rdb_write_int(&w, value);
                bool special = value == (int32_t)value;
                ck_assert_uint_eq(out.len, !special                  ? len + 1
                                           : value == (int8_t)value  ? 2
                                           : value == (int16_t)value ? 3
                                                                     : 5);
                struct rdb_reader r = reader();
                ck_assert_int_eq(rdb_read_string_or_int(&r, &bytes, &is_int, &got), 0);
                ck_assert(is_int == special);
                ck_assert(special ? got == value : slice_equal(bytes, slice_of(text, len)));
                /* The text of it is written the same. */
                size_t first = out.len;
                rdb_write_string(&w, slice_of(text, len));
                ck_assert_uint_eq(out.len, 2 * first);
                ck_assert_mem_eq(out.data, out.data + first, first);
                out.len = 0;
            }
        }
    }
}
END_TEST

START_TEST(texts_that_are_no_integers_stay)
{
    static const char *const texts[] = {"-0", "+1", "01",         " 1",          "1 ",         "1.0",
                                        "",   "-",  "2147483648", "-2147483649", "99999999999"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        size_t len = strlen(texts[i]);
        rdb_write_string(&w, slice_of(texts[i], len));
        ck_assert_uint_eq(out.len, len + 1);
        ck_assert_int_eq(out.data[0], (char)len);
        out.len = 0;
    }
}
END_TEST

START_TEST(forms)
{
    rdb_write_string(&w, slice_str("127"));
    EXPECT("\xc0\x7f");
    rdb_write_string(&w, slice_str("-129"));
    EXPECT("\xc1\x7f\xff");
    rdb_write_string(&w, slice_str("-2147483648"));
    EXPECT("\xc2\x00\x00\x00\x80");
    rdb_write_string(&w, slice_str("aaaaaaaaaaaaaaaaaaaa"));
    EXPECT("\x14"
           "aaaaaaaaaaaaaaaaaaaa");
    rdb_write_string(&w, slice_str("aaaaaaaaaaaaaaaaaaaaa"));
    ck_assert_int_eq((unsigned char)out.data[0], 0xc3);
    ck_assert_uint_lt(out.len, 21);
    out.len = 0;
    w.compress = false;
    rdb_write_string(&w, slice_str("aaaaaaaaaaaaaaaaaaaaa"));
    EXPECT("\x15"
           "aaaaaaaaaaaaaaaaaaaaa");
}
END_TEST

/* Bytes of RANGE values: few compress well, many do not. */
static void fill(char *bytes, size_t len, unsigned range)
{
    for (size_t i = 0; i < len; i++)
        bytes[i] = (char)random_below(&rng, range);
}

START_TEST(random_strings)
{
    for (unsigned round = 0; round < 4000; round++) {
        size_t len = random_below(&rng, round % 100 == 0 ? 300000 : 300);
        char *bytes = heap_alloc(len + 1);
        fill(bytes, len, 1 + (unsigned)random_below(&rng, round % 2 == 0 ? 3 : 256));
        w.compress = random_below(&rng, 2) == 0;
        check_string(slice_of(bytes, len));
        heap_free(bytes);
    }
}
END_TEST

START_TEST(compression_never_makes_longer)
{
    char bytes[1000];
    for (size_t len = 1; len <= sizeof bytes; len++) {
        fill(bytes, len, 1 + (unsigned)random_below(&rng, 256));
        rdb_write_string(&w, slice_of(bytes, len));
        ck_assert_uint_le(out.len, len + 2);
        out.len = 0;
    }
}
END_TEST

START_TEST(what_cannot_be_had_is_an_error)
{
    char byte = 'x';
    rdb_write_u8(&w, 1);
    rdb_write_bytes(&w, slice_of(&byte, SIZE_MAX / 2));
    ck_assert_int_eq(w.code, MR_E_MEMORY);
    size_t len = out.len;
    rdb_write_string(&w, slice_str("more"));
    rdb_write_int(&w, 7);
    rdb_write_len(&w, 7);
    rdb_dump_end(&w, 0);
    ck_assert_int_eq(w.code, MR_E_MEMORY);
    ck_assert_uint_eq(out.len, len);
}
END_TEST

/* --- what goes on --- */

static struct buf gone;
static size_t longest;
static unsigned pieces, refuse_from;

static int take(void *owner, struct slice bytes)
{
    ck_assert_ptr_eq(owner, &w);
    pieces++;
    if (refuse_from != 0 && pieces >= refuse_from)
        return -ENOSPC;
    longest = bytes.len > longest ? bytes.len : longest;
    buf_append_slice(&gone, bytes);
    return 0;
}

static void begin_taking(size_t room, unsigned refuse)
{
    buf_done(&out);
    buf_grow(&out, room);
    w = (struct rdb_writer){.out = &out, .compress = true, .drain = take, .owner = &w};
    gone = (struct buf){0};
    longest = 0;
    pieces = 0;
    refuse_from = refuse;
}

/* A bit of everything, also longer than any room. */
static void write_much(struct rdb_writer *to)
{
    static char bytes[300000];
    struct random r;
    random_init_seed(&r, 5);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(random_next(&r) % 5);
    for (unsigned i = 0; i < 2000; i++) {
        rdb_write_len(to, random_next(&r) >> random_below(&r, 64));
        rdb_write_int(to, (int64_t)random_next(&r) >> random_below(&r, 64));
        rdb_write_string(to, slice_of(bytes, random_below(&r, i % 100 == 0 ? sizeof bytes : 200)));
        rdb_write_double(to, i);
    }
    rdb_write_bytes(to, slice_of(bytes, sizeof bytes));
}

START_TEST(what_goes_on_is_what_would_stay)
{
    struct buf whole = {0};
    struct rdb_writer plain = {.out = &whole, .compress = _i % 2 == 0};
    write_much(&plain);
    begin_taking((size_t)64 << _i, 0);
    w.compress = plain.compress;
    write_much(&w);
    rdb_write_out(&w);
    ck_assert_int_eq(w.code, 0);
    ck_assert_uint_eq(out.len, 0);
    ck_assert_uint_eq(gone.len, whole.len);
    ck_assert_int_eq(memcmp(gone.data, whole.data, whole.len), 0);
    ck_assert_uint_gt(pieces, 2);
    buf_done(&whole);
    buf_done(&gone);
}
END_TEST

START_TEST(whoever_takes_no_more_ends_it)
{
    begin_taking(64, 3);
    write_much(&w);
    rdb_write_out(&w);
    ck_assert_int_eq(w.code, -ENOSPC);
    ck_assert_uint_eq(pieces, 3);
    buf_done(&gone);
}
END_TEST

/* --- DUMP --- */

static void dump(const char *text)
{
    out.len = 0;
    rdb_write_u8(&w, 0);
    rdb_write_string(&w, slice_str(text));
    rdb_dump_end(&w, 0);
}

START_TEST(payloads_as_the_oracle_makes_them)
{
    dump("1");
    EXPECT("\x00\xc0\x01\x0a\x00\x26\x78\xe7\xb6\xd1\x01\x11\xfc");
    dump("abc");
    EXPECT("\x00\x03"
           "abc\x0a\x00\xd9\xac\x30\x3d\x41\x72\xa2\xe2");
    dump("");
    EXPECT("\x00\x00\x0a\x00\x5d\x9b\x5c\x40\x0f\x7f\xa2\xda");
    dump("-129");
    EXPECT("\x00\xc1\x7f\xff\x0a\x00\x17\x60\x82\x28\x54\x80\x84\x80");
}
END_TEST

/* A payload of type TYPE and version VERSION with a right checksum. */
static struct slice payload(unsigned type, unsigned version)
{
    out.len = 0;
    rdb_write_u8(&w, (uint8_t)type);
    rdb_write_string(&w, slice_str("value"));
    size_t body = out.len;
    rdb_dump_end(&w, 0);
    out.data[body] = (char)version;
    out.data[body + 1] = (char)(version >> 8);
    uint64_t crc = checksum_crc64(0, out.data, body + 2);
    for (unsigned i = 0; i < 8; i++, crc >>= 8)
        out.data[body + 2 + i] = (char)crc;
    return buf_slice(&out);
}

START_TEST(payloads_are_opened)
{
    for (unsigned version = 0; version < 400; version++) {
        unsigned type = 99;
        struct slice value = {0};
        bool valkey = false;
        int code = rdb_dump_open(payload(3, version), &type, &value, &valkey);
        bool known = version <= RDB_DUMP_REDIS_NEWEST ||
                     (version >= RDB_DUMP_VALKEY_OLDEST && version <= RDB_DUMP_VALKEY_NEWEST);
        ck_assert_int_eq(code, known ? 0 : MR_E_CHECKSUM);
        if (!known)
            continue;
        ck_assert_uint_eq(type, 3);
        ck_assert(slice_equal(value, slice_of("\x05value", 6)));
        ck_assert(valkey == (version >= RDB_DUMP_VALKEY_OLDEST));
    }
}
END_TEST

START_TEST(a_wrong_byte_is_noticed)
{
    unsigned type;
    struct slice value;
    bool valkey;
    struct slice right = payload(0, 10);
    ck_assert_int_eq(rdb_dump_open(right, &type, &value, &valkey), 0);
    for (size_t bit = 0; bit < right.len * 8; bit++) {
        out.data[bit / 8] ^= (char)(1 << bit % 8);
        ck_assert_int_eq(rdb_dump_open(right, &type, &value, &valkey), MR_E_CHECKSUM);
        out.data[bit / 8] ^= (char)(1 << bit % 8);
    }
    for (size_t len = 0; len < right.len; len++)
        ck_assert_int_eq(rdb_dump_open(slice_of(right.ptr, len), &type, &value, &valkey), MR_E_CHECKSUM);
    /* Without a type: there is nothing to be read. */
    out.len = 0;
    rdb_write_bytes(&w, slice_of("\x0a\x00", 2));
    rdb_write_u64(&w, checksum_crc64(0, "\x0a\x00", 2));
    ck_assert_int_eq(rdb_dump_open(buf_slice(&out), &type, &value, &valkey), MR_E_CORRUPT);
}
END_TEST

START_TEST(the_oldest_version_that_holds_the_type)
{
    static const struct {
        unsigned type, version;
    } rows[] = {{0, 10}, {19, 10}, {20, 11}, {21, 11}, {22, 12}, {25, 12}, {26, 13}, {27, 14}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        out.len = 0;
        rdb_write_bytes(&w, slice_str("before"));
        rdb_write_u8(&w, (uint8_t)rows[i].type);
        rdb_dump_end(&w, 6);
        ck_assert_uint_eq(out.len, 6 + 1 + 10);
        ck_assert_int_eq(out.data[7], (char)rows[i].version);
        ck_assert_int_eq(out.data[8], 0);
        unsigned type;
        struct slice value;
        bool valkey;
        ck_assert_int_eq(rdb_dump_open(slice_of(out.data + 6, out.len - 6), &type, &value, &valkey), 0);
        ck_assert_uint_eq(type, rows[i].type);
        ck_assert_uint_eq(value.len, 0);
    }
}
END_TEST

UNIT_SUITE(codec_rdb_writer)
{
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, lengths_take_the_shortest_form);
    tcase_add_test(tc, numbers);
    tcase_add_test(tc, integers);
    tcase_add_test(tc, texts_that_are_no_integers_stay);
    tcase_add_test(tc, forms);
    tcase_add_test(tc, random_strings);
    tcase_add_test(tc, compression_never_makes_longer);
    tcase_add_test(tc, what_cannot_be_had_is_an_error);
    tcase_add_loop_test(tc, what_goes_on_is_what_would_stay, 0, 12);
    tcase_add_test(tc, whoever_takes_no_more_ends_it);
    tcase_add_test(tc, payloads_as_the_oracle_makes_them);
    tcase_add_test(tc, payloads_are_opened);
    tcase_add_test(tc, a_wrong_byte_is_noticed);
    tcase_add_test(tc, the_oldest_version_that_holds_the_type);
}
