/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * LCS against the textbook's table, for strings of every size around those of words and
 * blocks; and what is refused.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "types/string/string.h"
#include "types/string_fixture.h"
#include "unit.h"

/* Strings of LEN bytes out of LETTERS different ones. */
static struct slice draw(struct random *r, size_t len, unsigned letters)
{
    char *bytes = malloc(len + 1);
    ck_assert_ptr_nonnull(bytes);
    for (size_t i = 0; i < len; i++)
        bytes[i] = (char)('a' + random_below(r, letters));
    return slice_of(bytes, len);
}

static void drop(struct slice s)
{
    free((char *)(uintptr_t)s.ptr);
}

/* The table, row by row; L(i, j) is at [i * (b.len + 1) + j]. */
static uint32_t *make_table(struct slice a, struct slice b)
{
    size_t width = b.len + 1;
    uint32_t *table = calloc((a.len + 1) * width, sizeof *table);
    ck_assert_ptr_nonnull(table);
    for (size_t i = 1; i <= a.len; i++)
        for (size_t j = 1; j <= b.len; j++) {
            uint32_t up = table[(i - 1) * width + j];
            uint32_t left = table[i * width + j - 1];
            table[i * width + j] = a.ptr[i - 1] == b.ptr[j - 1] ? table[(i - 1) * width + j - 1] + 1
                                   : up > left                  ? up
                                                                : left;
        }
    return table;
}

/* What IDX WITHMATCHLEN replies, and the subsequence itself in TEXT. */
static void expect(struct slice a, struct slice b, struct buf *index, struct buf *text)
{
    uint32_t *table = make_table(a, b);
    size_t width = b.len + 1;
    size_t length = table[a.len * width + b.len];
    char *common = malloc(length + 1);
    struct buf ranges = {0};
    size_t count = 0;
    size_t i = a.len;
    size_t j = b.len;
    size_t left = length;
    ck_assert_ptr_nonnull(common);
    while (i > 0 && j > 0) {
        size_t end = i;
        for (; i > 0 && j > 0 && a.ptr[i - 1] == b.ptr[j - 1]; i--, j--)
            common[--left] = a.ptr[i - 1];
        if (end > i) {
            size_t len = end - i;
            buf_printf(&ranges, "*3\r\n*2\r\n:%zu\r\n:%zu\r\n*2\r\n:%zu\r\n:%zu\r\n:%zu\r\n", i, i + len - 1,
                       j, j + len - 1, len);
            count++;
        } else if (table[(i - 1) * width + j] > table[i * width + j - 1]) {
            i--;
        } else {
            j--;
        }
    }
    buf_printf(index, "*4\r\n$7\r\nmatches\r\n*%zu\r\n", count);
    buf_append(index, ranges.data, ranges.len);
    buf_printf(index, "$3\r\nlen\r\n:%zu\r\n", length);
    buf_printf(text, "$%zu\r\n%.*s\r\n", length, (int)length, common);
    buf_done(&ranges);
    free(common);
    free(table);
}

static void check_reply(const char *line, struct buf *expected)
{
    type_run(line);
    ck_assert_msg(slice_equal(buf_slice(&type_fixture.out), buf_slice(expected)), "%s: %.200s", line,
                  buf_cstr(&type_fixture.out));
}

static void set(const char *key, struct slice value)
{
    struct slice argv[] = {slice_str("SET"), slice_str(key), value};
    type_run_slices(argv, 3);
}

static void check_pair(struct slice a, struct slice b)
{
    struct buf index = {0};
    struct buf text = {0};
    struct buf length = {0};
    set("a", a);
    set("b", b);
    expect(a, b, &index, &text);
    check_reply("LCS a b IDX WITHMATCHLEN", &index);
    check_reply("LCS a b", &text);
    const char *len = strstr(buf_cstr(&index) + index.len - 16, ":");
    buf_append_str(&length, len == NULL ? "" : len);
    check_reply("LCS b a LEN", &length);
    buf_done(&index);
    buf_done(&text);
    buf_done(&length);
}

START_TEST(as_the_table_says)
{
    static const size_t sizes[] = {0, 1, 2, 3, 7, 31, 63, 64, 65, 127, 128, 129, 200, 333};
    struct random r;
    random_init_seed(&r, 11);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (size_t j = 0; j < sizeof sizes / sizeof *sizes; j++)
            for (unsigned letters = 1; letters < 30; letters = letters * 2 + 1) {
                struct slice a = draw(&r, sizes[i], letters);
                struct slice b = draw(&r, sizes[j], letters);
                check_pair(a, b);
                drop(a);
                drop(b);
            }
}
END_TEST

/* So long that the rows stand in several blocks. */
START_TEST(over_the_borders_of_blocks)
{
    static const size_t sizes[][2] = {{2900, 2800}, {2800, 2900}, {9000, 930}, {930, 9000}, {140000, 40}};
    struct random r;
    random_init_seed(&r, 12);
    struct slice a = draw(&r, sizes[_i][0], 4);
    struct slice b = draw(&r, sizes[_i][1], 4);
    check_pair(a, b);
    drop(a);
    drop(b);
}
END_TEST

START_TEST(too_much_is_refused)
{
    static const char refused[] =
        "-ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len\r\n";
    char *bytes = malloc(TYPE_MAX_BULK);
    ck_assert_ptr_nonnull(bytes);
    memset(bytes, 'x', TYPE_MAX_BULK);
    set("a", slice_of(bytes, TYPE_MAX_BULK));
    set("b", slice_of(bytes, 9));
    ck_assert_str_eq(type_run("LCS a b"), refused);
    ck_assert_str_eq(type_run("LCS b a LEN"), refused);
    set("b", slice_of(bytes, 8));
    ck_assert_str_eq(type_run("LCS a b"), "$8\r\nxxxxxxxx\r\n");
    ck_assert_str_eq(type_run("LCS b a LEN"), ":8\r\n");
    ck_assert_str_eq(type_run("LCS a nothing"), "$0\r\n\r\n");
    free(bytes);
}
END_TEST

UNIT_SUITE(types_string_lcs)
{
    tcase_add_checked_fixture(tc, string_set_up, type_tear_down);
    tcase_add_test(tc, as_the_table_says);
    tcase_add_loop_test(tc, over_the_borders_of_blocks, 0, 5);
    tcase_add_test(tc, too_much_is_refused);
}
