/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Counter tables: order, formats, sections, reset.
 */
#include "base/counter.h"
#include "base/heap.h"
#include "unit.h"

struct owner {
    uint64_t hits;
    uint64_t level;
    int resets;
};

static void format_name(const void *owner, struct buf *out)
{
    const struct owner *o = owner;
    buf_printf(out, "level-%d", (int)o->level);
}

static void format_lines(const void *owner, struct buf *out)
{
    (void)owner;
    buf_append_str(out, "db0:keys=1\r\ndb5:keys=2\r\n");
}

static void format_nothing(const void *owner, struct buf *out)
{
    (void)owner;
    (void)out;
}

static void count_reset(void *owner)
{
    ((struct owner *)owner)->resets++;
}

static const struct counter_row first_rows[] = {
    {"stats", "hits", NULL, "Hits.", offsetof(struct owner, hits), true, NULL},
    {"server", "level_name", NULL, "The level in words.", 0, false, format_name},
    {"stats", "level", "bytes", "The level.", offsetof(struct owner, level), false, NULL},
};

static const struct counter_row second_rows[] = {
    {"keyspace", NULL, NULL, "One line for each database.", 0, false, format_lines},
    {"stats", "other_hits", NULL, "Hits elsewhere.", offsetof(struct owner, hits), true, NULL},
    {"empty", NULL, NULL, "No line.", 0, false, format_nothing},
};

static void assert_section(const struct counters *c, const char *section, const char *expected)
{
    struct buf out = {0};
    counters_print(c, section, "Title", &out);
    ck_assert_str_eq(buf_cstr(&out), expected);
    buf_done(&out);
}

START_TEST(prints_in_order_of_registration)
{
    size_t before = heap_used();
    struct owner a = {7, 3, 0};
    struct owner b = {UINT64_MAX, 0, 0};
    struct counters *c = counters_new();
    assert_section(c, "stats", "");
    counters_add(c, first_rows, 3, &a, NULL);
    counters_add(c, second_rows, 3, &b, NULL);
    assert_section(c, "stats", "# Title\r\nhits:7\r\nlevel:3\r\nother_hits:18446744073709551615\r\n");
    assert_section(c, "server", "# Title\r\nlevel_name:level-3\r\n");
    assert_section(c, "keyspace", "# Title\r\ndb0:keys=1\r\ndb5:keys=2\r\n");
    assert_section(c, "empty", "# Title\r\n");
    assert_section(c, "none", "");
    assert_section(c, "stat", "");
    counters_free(c);
    counters_free(NULL);
    ck_assert_uint_eq(heap_used(), before);
}
END_TEST

START_TEST(resets_what_is_marked)
{
    struct owner a = {7, 3, 0};
    struct owner b = {8, 4, 0};
    struct counters *c = counters_new();
    counters_add(c, first_rows, 3, &a, count_reset);
    counters_add(c, second_rows, 3, &b, NULL);
    counters_reset(c);
    ck_assert_uint_eq(a.hits, 0);
    ck_assert_uint_eq(a.level, 3);
    ck_assert_int_eq(a.resets, 1);
    ck_assert_uint_eq(b.hits, 0);
    ck_assert_uint_eq(b.level, 4);
    ck_assert_int_eq(b.resets, 0);
    counters_free(c);
}
END_TEST

UNIT_SUITE(base_counter)
{
    tcase_add_test(tc, prints_in_order_of_registration);
    tcase_add_test(tc, resets_what_is_marked);
}
