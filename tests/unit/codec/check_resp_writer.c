/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every reply element in both versions; the bytes are those of redis-server 7.0, but
 * for doubles, which have the newer servers' form.
 */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "codec/resp_writer.h"
#include "unit.h"

struct pair {
    struct buf out2, out3;
    struct resp_writer w2, w3;
};

static void pair_init(struct pair *p)
{
    memset(p, 0, sizeof *p);
    p->w2 = (struct resp_writer){&p->out2, 2};
    p->w3 = (struct resp_writer){&p->out3, 3};
}

/* Compares what was written since the last time, and forgets it. */
static void expect(struct pair *p, const char *two, const char *three)
{
    ck_assert_str_eq(buf_cstr(&p->out2), two);
    ck_assert_str_eq(buf_cstr(&p->out3), three);
    buf_done(&p->out2);
    buf_done(&p->out3);
}

#define BOTH(CALL, TWO, THREE)                                                                               \
    do {                                                                                                     \
        struct resp_writer *w = &p.w2;                                                                       \
        CALL;                                                                                                \
        w = &p.w3;                                                                                           \
        CALL;                                                                                                \
        expect(&p, TWO, THREE);                                                                              \
    } while (0)
#define SAME(CALL, TEXT) BOTH(CALL, TEXT, TEXT)

START_TEST(lines)
{
    struct pair p;
    pair_init(&p);
    SAME(resp_ok(w), "+OK\r\n");
    SAME(resp_simple(w, "PONG"), "+PONG\r\n");
    SAME(resp_error(w, "ERR no such key"), "-ERR no such key\r\n");
    SAME(resp_error(w, "ERR a\r\nb\nc\r"), "-ERR a  b c \r\n");
    SAME(resp_error_slice(w, slice_of("ERR xyz", 5)), "-ERR x\r\n");
    SAME(resp_errorf(w, "ERR '%s' and %d", "a\nb", 7), "-ERR 'a b' and 7\r\n");
    SAME(resp_error_code(w, MR_E_SYNTAX), "-ERR syntax error\r\n");
    SAME(resp_raw(w, "+x\r\n", 4), "+x\r\n");
}
END_TEST

START_TEST(integers)
{
    struct pair p;
    pair_init(&p);
    SAME(resp_int(w, 0), ":0\r\n");
    SAME(resp_int(w, 9), ":9\r\n");
    SAME(resp_int(w, 10), ":10\r\n");
    SAME(resp_int(w, 99), ":99\r\n");
    SAME(resp_int(w, 100), ":100\r\n");
    SAME(resp_int(w, -1), ":-1\r\n");
    SAME(resp_int(w, INT64_MAX), ":9223372036854775807\r\n");
    SAME(resp_int(w, INT64_MIN), ":-9223372036854775808\r\n");
    SAME(resp_bulk_int(w, 5), "$1\r\n5\r\n");
    SAME(resp_bulk_int(w, -12345678901), "$12\r\n-12345678901\r\n");
}
END_TEST

/* Every length at which the copying changes its way, from a block of that very size. */
START_TEST(bulks)
{
    struct pair p;
    pair_init(&p);
    SAME(resp_bulk(w, slice_of(NULL, 0)), "$0\r\n\r\n");
    SAME(resp_bulk_str(w, "hello"), "$5\r\nhello\r\n");
    for (size_t len = 0; len < 300; len++) {
        struct buf in = {0};
        struct buf text = {0};
        for (size_t i = 0; i < len; i++)
            buf_append_byte(&in, (char)('a' + i % 23));
        buf_shrink(&in);
        buf_printf(&text, "$%zu\r\n", len);
        buf_append_slice(&text, buf_slice(&in));
        buf_append_str(&text, "\r\n");
        SAME(resp_bulk(w, buf_slice(&in)), buf_cstr(&text));
        buf_done(&in);
        buf_done(&text);
    }
}
END_TEST

START_TEST(differences)
{
    struct pair p;
    pair_init(&p);
    BOTH(resp_null(w), "$-1\r\n", "_\r\n");
    BOTH(resp_null_array(w), "*-1\r\n", "_\r\n");
    SAME(resp_array(w, 0), "*0\r\n");
    SAME(resp_array(w, 12345), "*12345\r\n");
    BOTH(resp_map(w, 3), "*6\r\n", "%3\r\n");
    BOTH(resp_map(w, 51), "*102\r\n", "%51\r\n");
    BOTH(resp_set(w, 3), "*3\r\n", "~3\r\n");
    BOTH(resp_push(w, 2), "*2\r\n", ">2\r\n");
    BOTH(resp_bool(w, true), ":1\r\n", "#t\r\n");
    BOTH(resp_bool(w, false), ":0\r\n", "#f\r\n");
    BOTH(resp_verbatim(w, "txt", slice_str("some text")), "$9\r\nsome text\r\n", "=13\r\ntxt:some text\r\n");
    BOTH(resp_verbatim(w, "mkd", slice_of(NULL, 0)), "$0\r\n\r\n", "=4\r\nmkd:\r\n");
    resp_attribute(&p.w3, 1);
    expect(&p, "", "|1\r\n");
}
END_TEST

START_TEST(doubles)
{
    struct pair p;
    pair_init(&p);
    BOTH(resp_double(w, 3.141), "$5\r\n3.141\r\n", ",3.141\r\n");
    BOTH(resp_double(w, 0.1), "$3\r\n0.1\r\n", ",0.1\r\n");
    BOTH(resp_double(w, -0.0), "$2\r\n-0\r\n", ",-0\r\n");
    BOTH(resp_double(w, 1e21), "$5\r\n1e+21\r\n", ",1e+21\r\n");
    BOTH(resp_double(w, (double)INFINITY), "$3\r\ninf\r\n", ",inf\r\n");
    BOTH(resp_double(w, (double)-INFINITY), "$4\r\n-inf\r\n", ",-inf\r\n");
}
END_TEST

/* COUNT elements behind a head that is written afterwards. */
static void write_later(struct resp_writer *w, char kind, size_t count, size_t elements)
{
    size_t mark = resp_later(w);
    for (size_t i = 0; i < elements; i++)
        resp_int(w, (int64_t)(i % 10));
    resp_later_end(w, mark, kind, count);
}

START_TEST(later)
{
    struct pair p;
    pair_init(&p);
    SAME(write_later(w, '*', 0, 0), "*0\r\n");
    SAME(write_later(w, '*', 2, 2), "*2\r\n:0\r\n:1\r\n");
    BOTH(write_later(w, '~', 1, 1), "*1\r\n:0\r\n", "~1\r\n:0\r\n");
    BOTH(write_later(w, '>', 1, 1), "*1\r\n:0\r\n", ">1\r\n:0\r\n");
    BOTH(write_later(w, '%', 1, 2), "*2\r\n:0\r\n:1\r\n", "%1\r\n:0\r\n:1\r\n");
    BOTH(write_later(w, '%', 5, 10), "*10\r\n:0\r\n:1\r\n:2\r\n:3\r\n:4\r\n:5\r\n:6\r\n:7\r\n:8\r\n:9\r\n",
         "%5\r\n:0\r\n:1\r\n:2\r\n:3\r\n:4\r\n:5\r\n:6\r\n:7\r\n:8\r\n:9\r\n");
    struct buf text = {0};
    buf_append_str(&text, "*12345\r\n");
    for (size_t i = 0; i < 12345; i++)
        buf_printf(&text, ":%zu\r\n", i % 10);
    SAME(write_later(w, '*', 12345, 12345), buf_cstr(&text));
    buf_done(&text);
}
END_TEST

static void write_nested(struct resp_writer *w)
{
    size_t outer = resp_later(w);
    resp_simple(w, "a");
    write_later(w, '*', 11, 11);
    resp_simple(w, "b");
    resp_later_end(w, outer, '%', 2);
}

START_TEST(later_nested)
{
    struct pair p;
    pair_init(&p);
    BOTH(write_nested(w),
         "*4\r\n+a\r\n*11\r\n:0\r\n:1\r\n:2\r\n:3\r\n:4\r\n:5\r\n:6\r\n:7\r\n:8\r\n:9\r\n:0\r\n+b\r\n",
         "%2\r\n+a\r\n*11\r\n:0\r\n:1\r\n:2\r\n:3\r\n:4\r\n:5\r\n:6\r\n:7\r\n:8\r\n:9\r\n:0\r\n+b\r\n");
}
END_TEST

UNIT_SUITE(codec_resp_writer)
{
    tcase_add_test(tc, lines);
    tcase_add_test(tc, integers);
    tcase_add_test(tc, bulks);
    tcase_add_test(tc, differences);
    tcase_add_test(tc, doubles);
    tcase_add_test(tc, later);
    tcase_add_test(tc, later_nested);
}
