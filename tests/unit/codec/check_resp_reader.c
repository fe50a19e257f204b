/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The request reader: what redis-server 7.0 takes and what it refuses with which
 * text, requests cut at every place, and that waiting costs no second look.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/heap.h"
#include "codec/resp_reader.h"
#include "unit.h"

#define ROOM 64

static const struct resp_limits usual = {.max_bulk = 512 << 20, .max_args = INT32_MAX, .max_line = 65536};
static const struct resp_limits strangers = {
    .max_bulk = 512 << 20, .max_args = INT32_MAX, .max_line = 65536, .unauthenticated = true};

/* Reads all of INPUT, of which STEP more bytes come at a time, and describes the
 * requests as "[GET,key][]", and how it ended: "+" for wanting more, "!text" for an
 * error. The bytes lie in a block of exactly their size. */
static const char *describe(struct buf *out, const struct resp_limits *limits, struct slice input,
                            size_t step)
{
    struct resp_reader r = {0};
    size_t from = 0;
    size_t to = step < input.len ? step : input.len;
    out->len = 0;
    for (;;) {
        struct slice args[ROOM];
        uint32_t count = 0;
        const char *error = NULL;
        size_t len = to - from;
        char *block = len > 0 ? heap_memdup(input.ptr + from, len) : NULL;
        int64_t taken = resp_reader_next(&r, limits, block, len, args, ROOM, &count, &error);
        if (taken > 0) {
            ck_assert_uint_le((size_t)taken, len);
            buf_append_byte(out, '[');
            for (uint32_t i = 0; i < count; i++) {
                buf_append_str(out, i > 0 ? "," : "");
                buf_append_slice(out, args[i]);
            }
            buf_append_byte(out, ']');
            from += (size_t)taken;
        }
        heap_free(block);
        if (taken == MR_E_AGAIN) {
            ck_assert(len == 0 || r.need > len);
            if (to == input.len) {
                buf_append_str(out, from < to ? "+" : "");
                break;
            }
            to = input.len - to < step ? input.len : to + step;
        } else if (taken < 0) {
            ck_assert_int_eq(taken, MR_E_PROTOCOL);
            ck_assert_int_eq(strncmp(error, "ERR Protocol error: ", 20), 0);
            buf_printf(out, "!%s", error + 20);
            break;
        }
    }
    resp_reader_done(&r);
    return buf_cstr(out);
}

struct row {
    const char *input;
    const char *expected;
};

static void check_rows(const struct resp_limits *limits, const struct row *rows, size_t count)
{
    struct buf out = {0};
    for (size_t i = 0; i < count; i++) {
        struct slice input = slice_str(rows[i].input);
        for (size_t step = 1; step <= input.len; step++)
            ck_assert_str_eq(describe(&out, limits, input, step), rows[i].expected);
    }
    buf_done(&out);
}

#define CHECK_ROWS(LIMITS, ROWS) check_rows(LIMITS, ROWS, sizeof(ROWS) / sizeof *(ROWS))

START_TEST(arrays)
{
    static const struct row rows[] = {
        {"*1\r\n$4\r\nPING\r\n", "[PING]"},
        {"*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n*1\r\n$4\r\nPING\r\n", "[GET,key][PING]"},
        {"*2\r\n$4\r\nECHO\r\n$0\r\n\r\n", "[ECHO,]"},
        {"*2\r\n$4\r\nECHO\r\n$12\r\n0123456789ab\r\n", "[ECHO,0123456789ab]"},
        {"*11\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\n3\r\n$1\r\n4\r\n$1\r\n5\r\n$1\r\n6\r\n$1\r\n7\r\n$1\r\n8\r\n"
         "$1\r\n9\r\n$1\r\na\r\n$1\r\nb\r\n",
         "[1,2,3,4,5,6,7,8,9,a,b]"},
        {"*0\r\n*-1\r\n*-5\r\n*-9223372036854775808\r\n", "[][][][]"},
        {"*1\r\n$2\r\n\r\n\r\n", "[\r\n]"},
        /* What stands behind a CR, or behind a bulk, is not looked at. */
        {"*1\rX$4\rXPINGXY*1\r*$4\r*PING**", "[PING][PING]"},
        {"*1\r\n$4\r\r\nPING\r\n", "[\nPIN][]"},
    };
    CHECK_ROWS(&usual, rows);
}
END_TEST

START_TEST(incomplete)
{
    static const struct row rows[] = {
        {"*", "+"},
        {"*1\r", "+"},
        {"*1\r\n", "+"},
        {"*1\r\n$", "+"},
        {"*1\r\nX", "+"},
        {"*1\r\nX\r", "+"},
        {"*1\r\n$4\r", "+"},
        {"*1\r\n$4\r\nPIN", "+"},
        {"*1\r\n$4\r\nPING\r", "+"},
        {"*2147483647\r\n", "+"},
        {"*1\r\n$536870912\r\n", "+"},
        {"PING", "+"},
        {"PING\r", "+"},
    };
    CHECK_ROWS(&usual, rows);
}
END_TEST

START_TEST(refused)
{
    static const struct row rows[] = {
        {"*\r\n", "!invalid multibulk length"},
        {"*1\n$4\r\nPING\r\n", "!invalid multibulk length"},
        {"*-0\r\n", "!invalid multibulk length"},
        {"*+1\r\n", "!invalid multibulk length"},
        {"* 1\r\n", "!invalid multibulk length"},
        {"*01\r\n", "!invalid multibulk length"},
        {"*1 \r\n", "!invalid multibulk length"},
        {"*abc\r\n", "!invalid multibulk length"},
        {"*2147483648\r\n", "!invalid multibulk length"},
        {"*9223372036854775808\r\n", "!invalid multibulk length"},
        {"*-9223372036854775809\r\n", "!invalid multibulk length"},
        {"*99999999999999999999999999\r\n", "!invalid multibulk length"},
        {"*1\r\n$-1\r\n", "!invalid bulk length"},
        {"*1\r\n$-0\r\n", "!invalid bulk length"},
        {"*1\r\n$+4\r\nPING\r\n", "!invalid bulk length"},
        {"*1\r\n$04\r\nPING\r\n", "!invalid bulk length"},
        {"*1\r\n$00\r\n\r\n", "!invalid bulk length"},
        {"*1\r\n$\r\n", "!invalid bulk length"},
        {"*1\r\n$4x\r\nPING\r\n", "!invalid bulk length"},
        {"*1\r\n$536870913\r\n", "!invalid bulk length"},
        {"*1\r\n$5368709120\r\n", "!invalid bulk length"},
        {"*1\r\n$123456789012\r\n", "!invalid bulk length"},
        {"*1\r\n:4\r\n", "!expected '$', got ':'"},
        {"*1\r\nX\rY", "!expected '$', got 'X'"},
        {"*1\r\n\xff\r\n", "!expected '$', got '\xff'"},
        {"*1\r\n\r\n", "!expected '$', got ' '"},
        {"*1\r\n\n\r\n", "!expected '$', got ' '"},
        {"*2\r\n*1\r\n$4\r\nPING\r\n", "!expected '$', got '*'"},
        {"*2\r\n$4\r\nECHO\r\n*1\r\n", "!expected '$', got '*'"},
        {"*1\r\n$4\r\nPING\r\n*x\r\n", "[PING]!invalid multibulk length"},
    };
    CHECK_ROWS(&usual, rows);
}
END_TEST

#define BYTES(TEXT) slice_of(TEXT, sizeof(TEXT) - 1)

START_TEST(nul_bytes)
{
    struct buf out = {0};
    describe(&out, &usual, BYTES("*2\r\n$1\r\n\0\r\n$3\r\na\0b\r\n"), 100);
    ck_assert(slice_equal(buf_slice(&out), BYTES("[\0,a\0b]")));
    ck_assert_str_eq(describe(&out, &usual, BYTES("*1\r\n\0\r\n"), 100), "!expected '$', got ' '");
    ck_assert_str_eq(describe(&out, &usual, BYTES("*1\0\r\n"), 100), "!invalid multibulk length");
    describe(&out, &usual, BYTES("a\0b c\n"), 100);
    ck_assert(slice_equal(buf_slice(&out), BYTES("[a]")));
    describe(&out, &usual, BYTES("'a' b\0b' \n"), 100);
    ck_assert(slice_equal(buf_slice(&out), BYTES("[a,b]")));
    buf_done(&out);
}
END_TEST

START_TEST(inline_requests)
{
    static const struct row rows[] = {
        {"PING\r\n", "[PING]"},
        {"PING\n", "[PING]"},
        {"\n\r\n\r\r\n  \n", "[][][][]"},
        {"  GET   key  \r\n", "[GET,key]"},
        {"GET\tkey\n", "[GET,key]"},
        {"GET\rkey\n", "[GET,key]"},
        {"$4\r\n", "[$4]"},
        {"ECHO \\x41\r\n", "[ECHO,\\x41]"},
        /* These two come before words but end none. */
        {"ECHO a\vb\r\n", "[ECHO,a\vb]"},
        {"ECHO \f\vb\f\r\n", "[ECHO,b\f]"},
        {"ECHO \xff\xa0z\r\n", "[ECHO,\xff\xa0z]"},
        {"ECHO \"a b\" 'c d'\r\n", "[ECHO,a b,c d]"},
        {"ECHO \"a\\x41\\n\\r\\t\\b\\a\\q\\\"z\"\r\n", "[ECHO,aA\n\r\t\b\aq\"z]"},
        {"ECHO 'a\\'b\\n'\r\n", "[ECHO,a'b\\n]"},
        {"ECHO a\"b\" EC\"HO\" ''\r\n", "[ECHO,ab,ECHO,]"},
        {"ECHO \"\\x4\" \"\\x4g\"\r\n", "[ECHO,x4,x4g]"},
        {"ECHO \"a\"\vX\r\n", "[ECHO,a,X]"},
        {"ECHO \"\r\"\r\n", "[ECHO,\r]"},
        {"ECHO \"a\vb\" c\vd\r\n", "[ECHO,a\vb,c\vd]"},
        {"ECHO \"a\"b\r\n", "!unbalanced quotes in request"},
        {"ECHO \"a\r\nPING\r\n", "!unbalanced quotes in request"},
        {"ECHO \"a\\\r\n", "!unbalanced quotes in request"},
        {"ECHO 'a\\\\'\n", "!unbalanced quotes in request"},
        {"ECHO 'a\\\n", "!unbalanced quotes in request"},
    };
    CHECK_ROWS(&usual, rows);
}
END_TEST

START_TEST(not_authenticated)
{
    static const struct row rows[] = {
        {"*2\r\n$4\r\nAUTH\r\n$1\r\nx\r\n", "[AUTH,x]"},
        {"*10\r\n", "+"},
        {"*11\r\n", "!unauthenticated multibulk length"},
        {"*2147483647\r\n", "!unauthenticated multibulk length"},
        {"*2147483648\r\n", "!invalid multibulk length"},
        {"*-3\r\n", "[]"},
        {"*1\r\n$16384\r\n", "+"},
        {"*1\r\n$16385\r\n", "!unauthenticated bulk length"},
        {"*1\r\n$600000000\r\n", "!invalid bulk length"},
    };
    CHECK_ROWS(&strangers, rows);
}
END_TEST

/* HEAD, COUNT times FILL, TAIL, in pieces of 1000 bytes and in one. */
static void check_long(const char *head, char fill, size_t count, const char *tail, const char *expected)
{
    struct buf in = {0};
    struct buf out = {0};
    buf_append_str(&in, head);
    memset(buf_room(&in, count), fill, count);
    in.len += count;
    buf_append_str(&in, tail);
    ck_assert_str_eq(describe(&out, &usual, buf_slice(&in), 1000), expected);
    ck_assert_str_eq(describe(&out, &usual, buf_slice(&in), in.len), expected);
    buf_done(&in);
    buf_done(&out);
}

START_TEST(long_lines)
{
    check_long("*", '1', 65535, "", "+");
    check_long("*", '1', 65536, "", "!too big mbulk count string");
    check_long("*", '1', 70000, "\r\n", "!too big mbulk count string");
    check_long("*", '1', 65535, "\r\n", "!invalid multibulk length");
    check_long("*1\r\n", '$', 65536, "", "+");
    check_long("*1\r\n", '$', 65537, "", "!too big bulk count string");
    check_long("*1\r\n$", '1', 65535, "\r", "+");
    check_long("*1\r\n$", '1', 65535, "\r\n", "!invalid bulk length");
    check_long("", 'P', 65536, "", "+");
    check_long("", 'P', 65537, "", "!too big inline request");
    check_long("PING", ' ', 65532, "\n", "[PING]");
    check_long("PING", ' ', 65533, "\n", "!too big inline request");
}
END_TEST

static void append_request(struct buf *out, uint32_t count)
{
    buf_printf(out, "*%u\r\n", count);
    for (uint32_t i = 0; i < count; i++)
        buf_printf(out, "$7\r\n%07u\r\n", i);
}

/* More arguments than there is room for: told how many, and had at the second call. */
START_TEST(more_room)
{
    struct buf in = {0};
    append_request(&in, 100);
    for (size_t step = 1; step <= in.len; step += 37) {
        struct resp_reader r = {0};
        struct slice few[10];
        struct slice all[100];
        uint32_t count = 0;
        const char *error = NULL;
        int64_t taken;
        size_t len = 0;
        do {
            len = in.len - len < step ? in.len : len + step;
            taken = resp_reader_next(&r, &usual, in.data, len, few, 10, &count, &error);
        } while (taken == MR_E_AGAIN && len < in.len);
        ck_assert_int_eq(taken, MR_E_TOO_BIG);
        ck_assert_uint_eq(count, 100);
        struct buf moved = {0};
        buf_append(&moved, in.data, in.len);
        taken = resp_reader_next(&r, &usual, moved.data, moved.len, all, 100, &count, &error);
        ck_assert_int_eq(taken, (int64_t)in.len);
        ck_assert_uint_eq(count, 100);
        ck_assert(slice_equal(all[99], slice_str("0000099")));
        ck_assert(all[99].ptr > moved.data && all[99].ptr < moved.data + moved.len);
        /* The reader is at a start again. */
        ck_assert_int_eq(resp_reader_next(&r, &usual, "PING\r\n", 6, few, 10, &count, &error), 6);
        ck_assert_uint_eq(count, 1);
        resp_reader_done(&r);
        buf_done(&moved);
    }
    buf_done(&in);
}
END_TEST

START_TEST(more_room_inline)
{
    struct resp_reader r = {0};
    struct slice args[4];
    uint32_t count = 0;
    const char *error = NULL;
    static const char *const lines[] = {"a b c d\r\n", "a 'b' c d\r\n"};
    for (size_t i = 0; i < 2; i++) {
        size_t len = strlen(lines[i]);
        ck_assert_int_eq(resp_reader_next(&r, &usual, lines[i], len, args, 3, &count, &error), MR_E_TOO_BIG);
        ck_assert_uint_eq(count, 4);
        ck_assert_int_eq(resp_reader_next(&r, &usual, lines[i], len, args, 4, &count, &error), (int64_t)len);
        ck_assert(slice_equal(args[1], slice_str("b")) && slice_equal(args[3], slice_str("d")));
    }
    resp_reader_done(&r);
}
END_TEST

/* A bulk that is waited for names the very byte at which a look is worth while. */
START_TEST(need_of_bulk)
{
    struct resp_reader r = {0};
    struct slice args[ROOM];
    uint32_t count = 0;
    const char *error = NULL;
    const char *in = "*2\r\n$4\r\nECHO\r\n$100000000\r\nabc";
    ck_assert_int_eq(resp_reader_next(&r, &usual, in, strlen(in), args, ROOM, &count, &error), MR_E_AGAIN);
    ck_assert_uint_eq(r.need, strlen(in) - 3 + 100000000 + 2);
    ck_assert_ptr_null(r.saved);
    resp_reader_done(&r);
}
END_TEST

/* A million arguments in pieces of 16 KiB: each byte is looked at once. Reading from the
 * start at each piece would be a thousand times the work and miss the limit by far. */
START_TEST(million_arguments)
{
    enum { COUNT = 1000000, PIECE = 16384 };
    struct buf in = {0};
    append_request(&in, COUNT);
    struct resp_reader r = {0};
    struct slice *args = heap_alloc(COUNT * sizeof *args);
    uint32_t count = 0;
    const char *error = NULL;
    int64_t taken;
    size_t len = 0;
    clock_t began = clock();
    do {
        size_t before = r.pos;
        len = in.len - len < PIECE ? in.len : len + PIECE;
        taken = resp_reader_next(&r, &usual, in.data, len, args, COUNT, &count, &error);
        ck_assert_uint_ge(r.pos, before);
        ck_assert_uint_ge(r.pos + 13, len);
    } while (taken == MR_E_AGAIN);
    ck_assert_int_lt(clock() - began, 3 * CLOCKS_PER_SEC);
    ck_assert_int_eq(taken, (int64_t)in.len);
    ck_assert_uint_eq(count, COUNT);
    ck_assert(slice_equal(args[COUNT - 1], slice_str("0999999")));
    ck_assert_ptr_null(r.saved);
    heap_free(args);
    resp_reader_done(&r);
    buf_done(&in);
}
END_TEST

/* What was only announced takes no memory. */
START_TEST(announced_only)
{
    struct resp_reader r = {0};
    struct slice args[ROOM];
    uint32_t count = 0;
    const char *error = NULL;
    struct buf in = {0};
    buf_append_str(&in, "*2147483647\r\n");
    for (int i = 0; i < 20; i++)
        buf_append_str(&in, "$1\r\nx\r\n");
    size_t before = heap_used();
    ck_assert_int_eq(resp_reader_next(&r, &usual, in.data, in.len, args, ROOM, &count, &error), MR_E_AGAIN);
    ck_assert_uint_eq(r.count, 20);
    ck_assert_uint_lt(heap_used() - before, 4096);
    resp_reader_done(&r);
    ck_assert_uint_eq(heap_used(), before);
    buf_done(&in);
}
END_TEST

UNIT_SUITE(codec_resp_reader)
{
    tcase_add_test(tc, arrays);
    tcase_add_test(tc, incomplete);
    tcase_add_test(tc, refused);
    tcase_add_test(tc, nul_bytes);
    tcase_add_test(tc, inline_requests);
    tcase_add_test(tc, not_authenticated);
    tcase_add_test(tc, long_lines);
    tcase_add_test(tc, more_room);
    tcase_add_test(tc, more_room_inline);
    tcase_add_test(tc, need_of_bulk);
    tcase_add_test(tc, million_arguments);
    tcase_add_test(tc, announced_only);
}
