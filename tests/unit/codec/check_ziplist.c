/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The readers of ziplists and zipmaps: every encoding, every way to be cut or to lie.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/heap.h"
#include "base/little.h"
#include "codec/ziplist.h"
#include "unit.h"

typedef int reader(struct slice bytes, ziplist_fn *fn, void *arg, uint64_t *count);

/* What was seen, "text" or (number), each with a comma behind. */
static bool print(void *arg, const struct ziplist_value *v)
{
    if (v->text != NULL)
        buf_printf(arg, "\"%.*s\",", (int)v->len, v->text);
    else
        buf_printf(arg, "(%" PRId64 "),", v->integer);
    return true;
}

static bool refuse(void *arg, const struct ziplist_value *v)
{
    unsigned *left = arg;
    ck_assert(v->text != NULL || v->len == 0);
    return --*left > 0;
}

/* Reads a copy of exactly LEN bytes. */
static int read_copy(reader *fn, const void *bytes, size_t len, struct buf *out, uint64_t *count)
{
    char *exact = heap_alloc(len > 0 ? len : 1);
    memcpy(exact, bytes, len);
    int code = fn(slice_of(exact, len), out == NULL ? NULL : print, out, count);
    heap_free(exact);
    return code;
}

static void check_reads(reader *fn, const void *bytes, size_t len, const char *expected)
{
    struct buf out = {0};
    uint64_t count = 77, commas = 0;
    ck_assert_int_eq(read_copy(fn, bytes, len, &out, &count), 0);
    ck_assert_str_eq(buf_cstr(&out), expected);
    for (const char *p = expected; (p = strchr(p, ',')) != NULL; p++)
        commas++;
    ck_assert_uint_eq(count, commas);
    count = 77;
    ck_assert_int_eq(read_copy(fn, bytes, len, NULL, &count), 0);
    ck_assert_uint_eq(count, commas);
    buf_done(&out);
    for (unsigned i = 1; i <= commas; i++) {
        unsigned left = i;
        ck_assert_int_eq(fn(slice_of(bytes, len), refuse, &left, &count), MR_E_CORRUPT);
        ck_assert_uint_eq(left, 0);
    }
}

static void check_refused(reader *fn, const void *bytes, size_t len)
{
    uint64_t count = 77;
    ck_assert_int_eq(read_copy(fn, bytes, len, NULL, &count), MR_E_CORRUPT);
    ck_assert_uint_eq(count, 77);
}

#define READS(FN, TEXT, EXPECTED) check_reads(FN, TEXT, sizeof(TEXT) - 1, EXPECTED)
#define REFUSED(FN, TEXT)         check_refused(FN, TEXT, sizeof(TEXT) - 1)

/* Every encoding of short entries. */
#define ALL                                                                                                  \
    "\x3f\0\0\0\x36\0\0\0\x0b\0"                                                                             \
    "\x00\x03"                                                                                               \
    "abc"                                                                                                    \
    "\x05\x00"                                                                                               \
    "\x02\xf1"                                                                                               \
    "\x02\xfd"                                                                                               \
    "\x02\xfe\x80"                                                                                           \
    "\x03\xc0\x00\x80"                                                                                       \
    "\x04\xf0\xff\xff\x7f"                                                                                   \
    "\x05\xd0\x00\x00\x00\x80"                                                                               \
    "\x06\xe0\xff\xff\xff\xff\xff\xff\xff\x7f"                                                               \
    "\x0a\x40\x02"                                                                                           \
    "de"                                                                                                     \
    "\x05\x80\0\0\0\x02"                                                                                     \
    "fg"                                                                                                     \
    "\xff"

START_TEST(ziplist_encodings)
{
    ck_assert_uint_eq(sizeof ALL - 1, 0x3f);
    READS(
        ziplist_read, ALL,
        "\"abc\",\"\",(0),(12),(-128),(-32768),(8388607),(-2147483648),(9223372036854775807),\"de\",\"fg\",");
    READS(ziplist_read, "\x0b\0\0\0\x0a\0\0\0\0\0\xff", "");
    /* Entries not counted; a wide backward length for a short entry. */
    READS(ziplist_read, "\x13\0\0\0\x0c\0\0\0\xff\xff\0\xf2\xfe\x02\0\0\0\xf3\xff", "(1),(2),");
    READS(ziplist_read, "\x0e\0\0\0\x0a\0\0\0\x01\0\0\xfe\xff\xff", "(-1),");
    READS(ziplist_read, "\x0f\0\0\0\x0a\0\0\0\x01\0\0\xc0\xff\x7f\xff", "(32767),");
    READS(ziplist_read, "\x10\0\0\0\x0a\0\0\0\x01\0\0\xf0\0\0\x80\xff", "(-8388608),");
    READS(ziplist_read, "\x15\0\0\0\x0a\0\0\0\x01\0\0\xe0\0\0\0\0\0\0\0\x80\xff", "(-9223372036854775808),");
}
END_TEST

START_TEST(ziplist_lies)
{
    uint64_t count;
    for (size_t len = 0; len < sizeof ALL - 1; len++) {
        /* Cut anywhere, with the head as it was and with one that agrees. */
        char cut[sizeof ALL];
        memcpy(cut, ALL, len);
        check_refused(ziplist_read, cut, len);
        if (len < 11)
            continue;
        little_store32(cut, (uint32_t)len);
        cut[len - 1] = '\xff';
        check_refused(ziplist_read, cut, len);
    }
    /* Any one byte of the structure changed. */
    static const unsigned char at[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 15, 16, 17, 19, 0x3e};
    for (size_t i = 0; i < sizeof at; i++) {
        char bad[sizeof ALL];
        memcpy(bad, ALL, sizeof ALL);
        bad[at[i]] ^= 0x21;
        check_refused(ziplist_read, bad, sizeof ALL - 1);
    }
    REFUSED(ziplist_read, "\x0b\0\0\0\x0b\0\0\0\0\0\xff");
    REFUSED(ziplist_read, "\x0b\0\0\0\x0a\0\0\0\x01\0\xff");
    REFUSED(ziplist_read, "\x0d\0\0\0\x0a\0\0\0\x01\0\x00\xff\xff");
    REFUSED(ziplist_read, "\x0d\0\0\0\x0a\0\0\0\x01\0\x00\xc1\xff");
    REFUSED(ziplist_read, "\x0d\0\0\0\x0a\0\0\0\x01\0\x00\xf0\xff");
    REFUSED(ziplist_read, "\x0d\0\0\0\x0a\0\0\0\x01\0\xff\xf1\xff");
    REFUSED(ziplist_read, "\x11\0\0\0\x0a\0\0\0\x01\0\0\x80\xff\xff\xff\xff\xff");
    REFUSED(ziplist_read, "\x11\0\0\0\x0a\0\0\0\x01\0\xfe\xff\xff\xff\xff\xf1\xff");
    ck_assert_int_eq(ziplist_read(slice_of(NULL, 0), NULL, NULL, &count), MR_E_CORRUPT);
}
END_TEST

/* Entries of 252 to 65535 bytes: both forms of the backward length, three of the text's. */
START_TEST(ziplist_sizes)
{
    static const uint32_t sizes[] = {62, 63, 64, 251, 252, 253, 254, 16383, 16384, 65536, 1};
    struct buf list = {0};
    buf_append(&list, "\0\0\0\0\0\0\0\0\0\0", 10);
    size_t before = 0, last = 0;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        uint32_t n = sizes[i];
        last = list.len;
        unsigned char head[10] = {254};
        size_t len = before < 254 ? 1 : 5;
        if (len == 1)
            head[0] = (unsigned char)before;
        else
            little_store32(head + 1, (uint32_t)before);
        if (n < 64) {
            head[len++] = (unsigned char)n;
        } else if (n < 16384) {
            head[len++] = (unsigned char)(0x40 | n >> 8);
            head[len++] = (unsigned char)n;
        } else {
            head[len++] = 0x80;
            for (int shift = 24; shift >= 0; shift -= 8)
                head[len++] = (unsigned char)(n >> shift);
        }
        buf_append(&list, head, len);
        memset(buf_room(&list, n), 'x', n);
        list.len += n;
        before = list.len - last;
    }
    buf_append_byte(&list, '\xff');
    little_store32(list.data, (uint32_t)list.len);
    little_store32(list.data + 4, (uint32_t)last);
    little_store16(list.data + 8, sizeof sizes / sizeof *sizes);
    uint64_t count = 0;
    struct buf out = {0};
    ck_assert_int_eq(read_copy(ziplist_read, list.data, list.len, &out, &count), 0);
    ck_assert_uint_eq(count, sizeof sizes / sizeof *sizes);
    const char *p = out.data;
    for (size_t i = 0; i < count; i++, p++) {
        ck_assert_int_eq(*p++, '"');
        ck_assert_uint_eq(strspn(p, "x"), sizes[i]);
        p += sizes[i] + 1;
    }
    buf_done(&out);
    buf_done(&list);
}
END_TEST

#define PAIRS                                                                                                \
    "\x02\x03"                                                                                               \
    "foo"                                                                                                    \
    "\x03\x00"                                                                                               \
    "bar"                                                                                                    \
    "\x05"                                                                                                   \
    "hello"                                                                                                  \
    "\x01\x02"                                                                                               \
    "w\0\0"                                                                                                  \
    "\xff"

START_TEST(zipmaps)
{
    READS(ziplist_read_zipmap, PAIRS, "\"foo\",\"bar\",\"hello\",\"w\",");
    READS(ziplist_read_zipmap, "\x00\xff", "");
    READS(ziplist_read_zipmap, "\xfe\x00\x00\x00\xff", "\"\",\"\",");
    READS(ziplist_read_zipmap, "\x01\xfe\x01\0\0\0a\xfe\x02\0\0\0\x00xy\xff", "\"a\",\"xy\",");
    for (size_t len = 0; len < sizeof PAIRS - 1; len++) {
        char cut[sizeof PAIRS];
        memcpy(cut, PAIRS, sizeof cut);
        check_refused(ziplist_read_zipmap, cut, len);
        if (len < 1)
            continue;
        cut[len - 1] = '\xff';
        check_refused(ziplist_read_zipmap, cut, len);
    }
    REFUSED(ziplist_read_zipmap, "\x01\xff");
    REFUSED(ziplist_read_zipmap, "\x01\x01"
                                 "a\xff\x00\xff");
    REFUSED(ziplist_read_zipmap, "\x01\xff\x00\x00\x00\xff");
    REFUSED(ziplist_read_zipmap, "\x01\xfe\xff\xff\xff\xff\xff");
    REFUSED(ziplist_read_zipmap, "\x01\x01"
                                 "a\x01\x07"
                                 "bxx\xff");
    REFUSED(ziplist_read_zipmap, "\x02\x01"
                                 "a\x01\x00"
                                 "b\xff");
    REFUSED(ziplist_read_zipmap, "\x00\x00\x00\x00\xff");
}
END_TEST

UNIT_SUITE(codec_ziplist)
{
    tcase_add_test(tc, ziplist_encodings);
    tcase_add_test(tc, ziplist_lies);
    tcase_add_test(tc, ziplist_sizes);
    tcase_add_test(tc, zipmaps);
}
