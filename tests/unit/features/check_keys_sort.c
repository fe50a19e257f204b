/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SORT over toy types: every option, the patterns, storing, faults and their order, as
 * redis-server 7.0 answers over lists, sets and hashes of the same content; and the vector
 * behind it against a plain sort of the C library.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/heap.h"
#include "base/random.h"
#include "features/keys/keys_vector_private.h"
#include "features/keys_fixture.h"
#include "unit.h"

static void set_up(void)
{
    shop_open();
    shop_put(OBJECT_LIST, "l", "3,1,2,10");
    shop_put(OBJECT_SET, "s", "b,c,a");
    shop_put(OBJECT_LIST, "words", "b,a,c");
    shop_put(OBJECT_HASH, "h_1", "f=9,g=1");
    shop_put(OBJECT_HASH, "h_2", "f=8");
    shop_put(OBJECT_LIST, "list_1", "x");
    shop_run("MSET w_1 5 w_2 4 w_3 3 bad_3 3x o_1 one o_2 two x1y* found");
}

/* The reply's elements with blanks between, "-" for none; errors as they are. */
static const char *flat(const char *reply)
{
    static char text[512];
    char *out = text;
    *out = '\0';
    if (*reply != '*')
        return reply;
    for (const char *p = strstr(reply, "\r\n") + 2; *p != '\0';) {
        long len = strtol(p + 1, NULL, 10);
        p = strstr(p, "\r\n") + 2;
        out = stpcpy(out, out == text ? "" : " ");
        if (len < 0) {
            out = stpcpy(out, "-");
            continue;
        }
        memcpy(out, p, (size_t)len);
        out += len;
        *out = '\0';
        p += len + 2;
    }
    return text;
}

#define NOT_FLOAT "-ERR One or more scores can't be converted into double\r\n"
#define SYNTAX    "-ERR syntax error\r\n"
#define NOT_INT   "-ERR value is not an integer or out of range\r\n"
#define WRONG     "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"

static const struct row {
    const char *command, *reply;
} rows[] = {
    {"SORT l", "1 2 3 10"},
    {"SORT l ASC", "1 2 3 10"},
    {"SORT l DESC", "10 3 2 1"},
    {"SORT l ALPHA", "1 10 2 3"},
    {"SORT l ASC DESC ALPHA", "3 2 10 1"},
    {"SORT l DESC ASC", "1 2 3 10"},
    {"SORT l BY bad_*", NOT_FLOAT},
    {"SORT l BY w_*", "10 3 2 1"},
    {"SORT l BY w_* DESC", "1 2 3 10"},
    {"SORT l BY w_* ALPHA", "10 3 2 1"},
    {"SORT l BY w_* ALPHA DESC", "1 2 3 10"},
    {"SORT l BY nosort", "3 1 2 10"},
    {"SORT l BY nosort BY w_*", "3 1 2 10"},
    {"SORT l BY ''", "3 1 2 10"},
    {"SORT l BY nosort DESC", "10 2 1 3"},
    {"SORT l BY nosort LIMIT 1 2", "1 2"},
    {"SORT l BY nosort DESC LIMIT 1 2", "2 1"},
    {"SORT l BY nosort DESC LIMIT 3 9", "3"},
    {"SORT l BY nosort LIMIT 4 1", ""},
    {"SORT l GET # GET o_* GET nostar", "1 one - 2 two - 3 - - 10 - -"},
    {"SORT l GET #x", "- - - -"},
    {"SORT l GET x*y*", "found - - -"},
    {"SORT l GET ->*", "- - - -"},
    {"SORT l GET list_*", "- - - -"},
    {"SORT l BY list_*", "1 10 2 3"},
    {"SORT l BY h_*->f", "10 3 2 1"},
    {"SORT l BY h_*->f GET h_*->g", "- - - 1"},
    {"SORT l BY h_*->", "1 10 2 3"},
    {"SORT l GET h_*->", "- - - -"},
    {"SORT l GET h_*", "- - - -"},
    {"SORT l GET o_*->f", "- - - -"},
    {"SORT l GET h_*->f->g", "- - - -"},
    {"SORT s", NOT_FLOAT},
    {"SORT s ALPHA DESC", "c b a"},
    {"SORT s BY nosort", "b c a"},
    {"SORT s BY nosort DESC", "b c a"},
    {"SORT l LIMIT 0 -1", "1 2 3 10"},
    {"SORT l LIMIT -5 2", "1 2"},
    {"SORT l LIMIT 2 1", "3"},
    {"SORT l LIMIT 1 2", "2 3"},
    {"SORT l LIMIT 3 5", "10"},
    {"SORT l LIMIT 10 1", ""},
    {"SORT l LIMIT 0 0", ""},
    {"SORT l LIMIT 1 9223372036854775807", "2 3 10"},
    {"SORT l LIMIT 9223372036854775807 -1", ""},
    {"SORT l LIMIT a 1", NOT_INT},
    {"SORT l LIMIT 1 a", NOT_INT},
    {"SORT l LIMIT 0", SYNTAX},
    {"SORT l FOO", SYNTAX},
    {"SORT l LIMIT 0 1 FOO", SYNTAX},
    {"SORT l LIMIT a b FOO", NOT_INT},
    {"SORT l FOO LIMIT a b", SYNTAX},
    {"SORT l BY", SYNTAX},
    {"SORT l GET", SYNTAX},
    {"SORT l STORE", SYNTAX},
    {"SORT_RO l STORE x", SYNTAX},
    {"SORT_RO l DESC", "10 3 2 1"},
    {"SORT w_1", WRONG},
    {"SORT w_1 FOO", SYNTAX},
    {"SORT h_1", WRONG},
    {"SORT w_1 STORE x", WRONG},
    {"SORT nosuch", ""},
    {"SORT nosuch GET # LIMIT 3 4", ""},
};

START_TEST(one_row)
{
    const char *reply = flat(shop_run(rows[_i].command));
    ck_assert_msg(strcmp(reply, rows[_i].reply) == 0, "%s: %s", rows[_i].command, reply);
}
END_TEST

START_TEST(resp3)
{
    shop.session.resp = 3;
    shop_expect("SORT l GET o_* LIMIT 1 2", "*2\r\n$3\r\ntwo\r\n_\r\n");
}
END_TEST

START_TEST(numbers_are_read_as_strtod_does)
{
    shop_put(OBJECT_LIST, "n", " 1,0x10,inf,-inf,,1e3");
    ck_assert_str_eq(flat(shop_run("SORT n")), "-inf   1 0x10 1e3 inf");
    static const char *const bad[] = {"1 ", "nan", "1e400", "1e-400", "x", "1,2,3x"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        shop_put(OBJECT_LIST, "n", bad[i]);
        shop_expect("SORT n", NOT_FLOAT);
        shop_expect("SORT n STORE kept", NOT_FLOAT);
        ck_assert_str_eq(shop_value(0, "kept"), "(none)");
        /* What stood in the way of one must not stand in that of the next. */
        shop_put(OBJECT_LIST, "n", "2,1.5");
        ck_assert_str_eq(flat(shop_run("SORT n")), "1.5 2");
    }
}
END_TEST

START_TEST(equal_scores_go_by_their_bytes)
{
    shop_put(OBJECT_LIST, "n", "1.0,1,01,1.00");
    ck_assert_str_eq(flat(shop_run("SORT n")), "01 1 1.0 1.00");
    ck_assert_str_eq(flat(shop_run("SORT n DESC")), "1.00 1.0 1 01");
}
END_TEST

START_TEST(equal_texts_stay_in_their_order)
{
    shop_put(OBJECT_LIST, "n", "3,1,2");
    ck_assert_str_eq(flat(shop_run("SORT n BY nosuch_* ALPHA")), "3 1 2");
    ck_assert_str_eq(flat(shop_run("SORT n BY nosuch_* ALPHA DESC")), "3 1 2");
    shop_run("MSET t_3 x t_2 x");
    ck_assert_str_eq(flat(shop_run("SORT n BY t_* ALPHA")), "1 3 2");
}
END_TEST

START_TEST(stored)
{
    shop_expect("SORT l STORE d", ":4\r\n");
    ck_assert_str_eq(shop_value(0, "d"), "1,2,3,10");
    shop_expect("SORT l GET o_* GET # STORE d DESC", ":8\r\n");
    ck_assert_str_eq(shop_value(0, "d"), ",10,,3,two,2,one,1");
    shop_expect("SORT l BY nosort STORE a STORE b LIMIT 1 2", ":2\r\n");
    ck_assert_str_eq(shop_value(0, "a"), "(none)");
    ck_assert_str_eq(shop_value(0, "b"), "1,2");
    /* A set has no order to be kept. */
    shop_expect("SORT s BY nosort STORE d", ":3\r\n");
    ck_assert_str_eq(shop_value(0, "d"), "a,b,c");
    shop_expect("SORT l STORE l", ":4\r\n");
    ck_assert_str_eq(shop_value(0, "l"), "1,2,3,10");
    shop_expect("SORT l LIMIT 9 9 STORE l", ":0\r\n");
    ck_assert_str_eq(shop_value(0, "l"), "(none)");
    shop_expect("SORT nosuch STORE d", ":0\r\n");
    ck_assert_str_eq(shop_value(0, "d"), "(none)");
    shop_expect("SORT nosuch STORE d", ":0\r\n");
    shop_expect("SORT words ALPHA STORE w_1", ":3\r\n");
    ck_assert_str_eq(shop_value(0, "w_1"), "a,b,c");
}
END_TEST

START_TEST(weights_that_expire_on_the_way)
{
    shop_run("SET gone_1 5 PX 1");
    shop_run("SET gone_3 5 PX 1");
    clock_freeze_ms(SHOP_NOW + 10);
    ck_assert_str_eq(flat(shop_run("SORT l BY gone_* GET gone_* GET #")), "- 1 - 10 - 2 - 3");
}
END_TEST

/* --- the vector --- */

static int by_number(const void *a, const void *b)
{
    double x = strtod(*(char *const *)a, NULL), y = strtod(*(char *const *)b, NULL);
    return x != y ? (x > y) - (x < y) : strcmp(*(char *const *)a, *(char *const *)b);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void check_order(struct random *rng, size_t n, bool descending, enum keys_weight by)
{
    struct keys_vector v = {.by = by, .descending = descending};
    char **plain = heap_alloc((n + 1) * sizeof *plain);
    for (size_t i = 0; i < n; i++) {
        /* Few different ones, many different ones. */
        uint64_t bound = n % 2 == 0 ? 7 : 1000000;
        plain[i] = heap_printf("%lld", (long long)random_below(rng, bound) - (long long)(bound / 2));
        keys_vector_add(&v, slice_str(plain[i]));
        if (by == KEYS_BY_SCORE)
            ck_assert_int_eq(keys_vector_weigh_self(&v, i), 0);
        else if (by == KEYS_BY_TEXT)
            ck_assert_int_eq(keys_vector_weigh(&v, i, slice_str(plain[i])), 0);
    }
    qsort(plain, n, sizeof *plain, by == KEYS_BY_SCORE ? by_number : by_text);
    size_t first = random_below(rng, n + 1), count = random_below(rng, n - first + 1);
    if (random_below(rng, 4) == 0)
        first = 0, count = n;
    keys_vector_order(&v, first, count, rng);
    ck_assert_uint_eq(v.count, n);
    for (size_t i = first; i < first + count; i++)
        ck_assert(slice_equal(keys_vector_element(&v, i), slice_str(plain[descending ? n - 1 - i : i])));
    for (size_t i = 0; i < n; i++)
        heap_free(plain[i]);
    heap_free(plain);
    keys_vector_done(&v);
}

START_TEST(any_part_of_any_order)
{
    struct random rng;
    random_init_seed(&rng, 77);
    for (unsigned round = 0; round < 600; round++)
        check_order(&rng, random_below(&rng, round % 50 == 0 ? 20000 : 200), round % 2 == 0,
                    (enum keys_weight)(round % 3));
}
END_TEST

/* --- the order of many is that of the comparison --- */

static int compare_items(const void *a, const void *b, void *v)
{
    return keys_vector_compare(v, a, b);
}

/* Texts that are alike for long, that are begins of others, that end in zeros. */
static struct slice awkward_text(struct random *rng, char *out)
{
    size_t len = random_below(rng, 4) == 0 ? 600 : random_below(rng, 24);
    for (size_t i = 0; i < len; i++)
        out[i] = i < 560 && len == 600 ? 'x' : "\0ab\xff"[random_below(rng, 4)];
    return slice_of(out, len);
}

static void check_many(struct random *rng, bool descending, enum keys_weight by)
{
    struct keys_vector v = {.by = by, .descending = descending};
    char text[600];
    size_t n = 100 + random_below(rng, 3000);
    static const double scores[] = {0.0, -0.0, 1.5, -1.5, INFINITY, -INFINITY, 1e300, -1e-300};
    for (size_t i = 0; i < n; i++) {
        keys_vector_add(&v, awkward_text(rng, text));
        if (by == KEYS_BY_SCORE)
            keys_vector_at(&v, i)->weight.score = scores[random_below(rng, 8)];
        else if (by == KEYS_BY_TEXT && random_below(rng, 3) != 0)
            ck_assert_int_eq(keys_vector_weigh(&v, i, awkward_text(rng, text)), 0);
    }
    struct keys_item *want = heap_alloc(n * sizeof *want);
    memcpy(want, v.items.data, n * sizeof *want);
    qsort_r(want, n, sizeof *want, compare_items, &v);
    ck_assert(keys_radix_order(&v, 0, n));
    for (size_t i = 0; i < n; i++)
        ck_assert_uint_eq(keys_vector_at(&v, i)->element.at, want[i].element.at);
    heap_free(want);
    keys_vector_done(&v);
}

START_TEST(order_of_many)
{
    struct random rng;
    random_init_seed(&rng, 78);
    for (unsigned round = 0; round < 60; round++)
        check_many(&rng, round % 2 == 0, (enum keys_weight)(round % 3));
}
END_TEST

UNIT_SUITE(features_keys_sort)
{
    tcase_add_checked_fixture(tc, set_up, shop_close);
    tcase_add_loop_test(tc, one_row, 0, sizeof rows / sizeof *rows);
    tcase_add_test(tc, resp3);
    tcase_add_test(tc, numbers_are_read_as_strtod_does);
    tcase_add_test(tc, equal_scores_go_by_their_bytes);
    tcase_add_test(tc, equal_texts_stay_in_their_order);
    tcase_add_test(tc, stored);
    tcase_add_test(tc, weights_that_expire_on_the_way);
    tcase_add_test(tc, any_part_of_any_order);
    tcase_add_test(tc, order_of_many);
}
