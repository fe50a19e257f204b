/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The byte buffer: growth, refusal, shrinking, formatted text.
 */
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/heap.h"
#include "unit.h"

static void assert_content(const struct buf *b, const char *text)
{
    ck_assert_uint_eq(b->len, strlen(text));
    ck_assert_mem_eq(b->data, text, b->len);
}

START_TEST(zero_bytes_are_an_empty_buffer)
{
    struct buf b = {0};
    buf_append(&b, NULL, 0);
    buf_append_slice(&b, slice_of(NULL, 0));
    buf_consume(&b, 0);
    buf_shrink(&b);
    ck_assert_ptr_null(b.data);
    ck_assert_str_eq(buf_cstr(&b), "");
    ck_assert_uint_eq(b.len, 0);
    buf_done(&b);
    ck_assert_ptr_null(b.data);
    ck_assert_uint_eq(b.cap, 0);
}
END_TEST

START_TEST(grows_by_doubling_and_keeps_content)
{
    size_t before = heap_used();
    struct buf b;
    buf_init(&b);
    for (int i = 0; i < 100000; i++) {
        buf_append_byte(&b, (char)(i * 7));
        ck_assert_uint_le(b.len, b.cap);
        ck_assert(b.cap >= 64 && (b.cap & (b.cap - 1)) == 0);
    }
    ck_assert_uint_eq(b.cap, 131072);
    for (int i = 0; i < 100000; i++)
        ck_assert_int_eq(b.data[i], (char)(i * 7));
    buf_done(&b);
    ck_assert_uint_eq(heap_used(), before);
}
END_TEST

START_TEST(appends_every_kind)
{
    struct buf b = {0};
    buf_append_str(&b, "a ");
    buf_append_slice(&b, slice_str("b "));
    buf_append_int(&b, INT64_MIN);
    buf_append_byte(&b, ' ');
    buf_append_uint(&b, UINT64_MAX);
    buf_printf(&b, " %s-%d", "c", 5);
    assert_content(&b, "a b -9223372036854775808 18446744073709551615 c-5");
    buf_done(&b);
}
END_TEST

START_TEST(printf_of_any_length)
{
    struct buf b = {0};
    char expected[1024];
    memset(expected, 'x', sizeof expected);
    for (int len = 0; len < (int)sizeof expected; len++) {
        b.len = 0;
        buf_append_byte(&b, '<');
        buf_printf(&b, "%.*s", len, expected);
        ck_assert_uint_eq(b.len, (size_t)len + 1);
        ck_assert_int_eq(b.data[0], '<');
        ck_assert_int_eq(memcmp(b.data + 1, expected, (size_t)len), 0);
        buf_shrink(&b);
    }
    buf_done(&b);
}
END_TEST

START_TEST(refuses_what_cannot_be)
{
    struct buf b = {0};
    buf_append_str(&b, "kept");
    struct buf copy = b;
    volatile size_t much = SIZE_MAX;
    ck_assert_int_eq(buf_try_grow(&b, much), MR_E_MEMORY);
    ck_assert_int_eq(buf_try_grow(&b, much - 4), MR_E_MEMORY);
    ck_assert_int_eq(buf_try_grow(&b, much / 2), MR_E_MEMORY);
    ck_assert_mem_eq(&b, &copy, sizeof b);
    ck_assert_int_eq(buf_try_grow(&b, 1000), 0);
    ck_assert_uint_ge(b.cap - b.len, 1000);
    assert_content(&b, "kept");
    buf_done(&b);
}
END_TEST

START_TEST(shrinks_to_what_is_needed)
{
    struct buf b = {0};
    buf_grow(&b, 100000);
    buf_append_str(&b, "text");
    buf_shrink(&b);
    ck_assert_uint_eq(b.cap, 4);
    assert_content(&b, "text");
    buf_append_str(&b, "more");
    assert_content(&b, "textmore");
    b.len = 0;
    buf_shrink(&b);
    ck_assert_ptr_null(b.data);
    ck_assert_uint_eq(b.cap, 0);
}
END_TEST

START_TEST(consumes_from_the_front)
{
    struct buf b = {0};
    buf_append_str(&b, "0123456789");
    buf_consume(&b, 3);
    assert_content(&b, "3456789");
    buf_consume(&b, 7);
    ck_assert_uint_eq(b.len, 0);
    buf_append_str(&b, "again");
    ck_assert_str_eq(buf_cstr(&b), "again");
    ck_assert(slice_equal(buf_slice(&b), slice_str("again")));
    buf_done(&b);
}
END_TEST

UNIT_SUITE(base_buf)
{
    tcase_add_test(tc, zero_bytes_are_an_empty_buffer);
    tcase_add_test(tc, grows_by_doubling_and_keeps_content);
    tcase_add_test(tc, appends_every_kind);
    tcase_add_test(tc, printf_of_any_length);
    tcase_add_test(tc, refuses_what_cannot_be);
    tcase_add_test(tc, shrinks_to_what_is_needed);
    tcase_add_test(tc, consumes_from_the_front);
}
