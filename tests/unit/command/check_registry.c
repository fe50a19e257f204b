/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The table of commands: names in any case, containers and their subcommands, what is
 * counted, and the percentiles of the histogram.
 */
#include "command/registry.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/heap.h"
#include "unit.h"

#define MANY 500

static void handler(struct command_ctx *ctx)
{
    (void)ctx;
}

static const struct command rows[] = {
    {.name = "GET",
     .handler = handler,
     .arity = 2,
     COMMAND_KEYS(COMMAND_KEY(CMD_KEY_RO | CMD_KEY_ACCESS, 1, 0, 1))},
    {.name = "PING", .handler = handler, .arity = -1},
    {.name = "CONFIG", .arity = -2},
    {.name = "CONFIG|GET", .handler = handler, .arity = -3},
    {.name = "CONFIG|SET", .handler = handler, .arity = -4},
    {.name = "OBJECT", .arity = -2},
    {.name = "OBJECT|ENCODING",
     .handler = handler,
     .arity = 3,
     COMMAND_KEYS(COMMAND_KEY(CMD_KEY_RO, 2, 0, 1))},
    {.name = "OBJECT|GET", .handler = handler, .arity = 2},
};
#define ROWS (sizeof rows / sizeof rows[0])

static struct registry *fixture(void *owner)
{
    struct registry *r = registry_new();
    registry_add(r, rows, ROWS, owner);
    return r;
}

static const char *found(const struct registry_entry *e)
{
    return e == NULL ? "none" : e->command->name;
}

static const char *find(const struct registry *r, const char *name)
{
    return found(registry_find(r, slice_str(name)));
}

static const char *find_full(const struct registry *r, const char *name)
{
    return found(registry_find_full(r, slice_str(name)));
}

START_TEST(names_in_any_case)
{
    int owner;
    struct registry *r = fixture(&owner);
    ck_assert_str_eq(find(r, "GET"), "GET");
    ck_assert_str_eq(find(r, "get"), "GET");
    ck_assert_str_eq(find(r, "gEt"), "GET");
    ck_assert_str_eq(find(r, "config"), "CONFIG");
    ck_assert_str_eq(find(r, "GE"), "none");
    ck_assert_str_eq(find(r, "GETT"), "none");
    ck_assert_str_eq(find(r, ""), "none");
    /* Equal where only the bit that tells the cases apart differs, but no letters. */
    ck_assert_str_eq(find(r, "\x07"
                             "ET"),
                     "none");
    ck_assert_str_eq(found(registry_find(r, slice_of("GET\0", 4))), "none");
    ck_assert_str_eq(found(registry_find(r, slice_of(NULL, 0))), "none");
    ck_assert_ptr_eq(registry_find(r, slice_str("ping"))->owner, &owner);
    registry_free(r);
}
END_TEST

START_TEST(long_names)
{
    struct registry *r = fixture(NULL);
    char name[5000];
    memset(name, 'G', sizeof name);
    for (size_t len = 1; len < sizeof name; len += len < 40 ? 1 : 997) {
        ck_assert_ptr_null(registry_find(r, slice_of(name, len)));
        ck_assert_ptr_null(registry_find_full(r, slice_of(name, len)));
    }
    registry_free(r);
}
END_TEST

START_TEST(order_of_registration)
{
    struct registry *r = fixture(NULL);
    ck_assert_uint_eq(registry_count(r), 4);
    ck_assert_str_eq(registry_at(r, 0)->command->name, "GET");
    ck_assert_str_eq(registry_at(r, 1)->command->name, "PING");
    ck_assert_str_eq(registry_at(r, 2)->command->name, "CONFIG");
    ck_assert_str_eq(registry_at(r, 3)->command->name, "OBJECT");
    ck_assert_uint_eq(registry_at(r, 0)->first_key, 1);
    ck_assert_uint_eq(registry_at(r, 1)->first_key, 0);
    ck_assert_uint_eq(registry_at(r, 3)->children[0]->first_key, 2);
    registry_free(r);
}
END_TEST

START_TEST(containers)
{
    struct registry *r = fixture(NULL);
    struct registry_entry *config = registry_find(r, slice_str("CONFIG"));
    ck_assert_uint_eq(config->child_count, 2);
    ck_assert_ptr_null(config->container);
    ck_assert_str_eq(config->children[0]->command->name, "CONFIG|GET");
    ck_assert_str_eq(config->children[1]->command->name, "CONFIG|SET");
    ck_assert_ptr_eq(config->children[0]->container, config);
    /* A subcommand is no command of its own. */
    ck_assert_str_eq(find(r, "CONFIG|GET"), "none");
    ck_assert_str_eq(find(r, "SET"), "none");
    registry_free(r);
}
END_TEST

START_TEST(full_names)
{
    struct registry *r = fixture(NULL);
    ck_assert_str_eq(find_full(r, "config|get"), "CONFIG|GET");
    ck_assert_str_eq(find_full(r, "OBJECT|Get"), "OBJECT|GET");
    ck_assert_str_eq(find_full(r, "Get"), "GET");
    ck_assert_str_eq(find_full(r, "config|encoding"), "none");
    ck_assert_str_eq(find_full(r, "config|"), "none");
    ck_assert_str_eq(find_full(r, "config|get|get"), "none");
    ck_assert_str_eq(find_full(r, "|get"), "none");
    ck_assert_str_eq(find_full(r, "|"), "none");
    ck_assert_str_eq(find_full(r, ""), "none");
    ck_assert_str_eq(find_full(r, "get|get"), "none");
    struct buf out = {0};
    buf_append_str(&out, "cmdstat_");
    registry_full_name(registry_find_full(r, slice_str("OBJECT|ENCODING")), &out);
    buf_append_byte(&out, ',');
    registry_full_name(registry_find(r, slice_str("PING")), &out);
    ck_assert_str_eq(buf_cstr(&out), "cmdstat_object|encoding,ping");
    buf_done(&out);
    registry_free(r);
}
END_TEST

static const char *resolve(const struct registry *r, const char *first, const char *second, uint32_t argc)
{
    const struct slice argv[3] = {slice_str(first), slice_str(second), slice_str("get")};
    return found(registry_resolve(r, argv, argc));
}

START_TEST(requests_are_resolved)
{
    struct registry *r = fixture(NULL);
    ck_assert_str_eq(resolve(r, "get", "set", 2), "GET");
    ck_assert_str_eq(resolve(r, "config", "set", 3), "CONFIG|SET");
    ck_assert_str_eq(resolve(r, "Config", "gEt", 2), "CONFIG|GET");
    ck_assert_str_eq(resolve(r, "config", "set", 1), "CONFIG");
    ck_assert_str_eq(resolve(r, "config", "encoding", 3), "CONFIG");
    ck_assert_str_eq(resolve(r, "config", "", 2), "CONFIG");
    ck_assert_str_eq(resolve(r, "config|get", "x", 2), "none");
    ck_assert_str_eq(resolve(r, "nothing", "get", 2), "none");
    registry_free(r);
}
END_TEST

/* The table of names grows several times; each entry stays where it is. */
START_TEST(many_commands)
{
    static struct command many[MANY];
    static char names[MANY][16];
    static struct registry_entry *entries[MANY];
    struct registry *r = fixture(NULL);
    for (int i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof names[i], "X%dY", i);
        many[i] = (struct command){.name = names[i], .handler = handler, .arity = 1};
        registry_add(r, &many[i], 1, &many[i]);
        entries[i] = registry_find(r, slice_str(names[i]));
    }
    ck_assert_uint_eq(registry_count(r), MANY + 4);
    for (int i = 0; i < MANY; i++) {
        char lower[16];
        snprintf(lower, sizeof lower, "x%dy", i);
        struct registry_entry *e = registry_find(r, slice_str(lower));
        ck_assert_ptr_nonnull(e);
        ck_assert_ptr_eq(e, entries[i]);
        ck_assert_ptr_eq(e->command, &many[i]);
        ck_assert_ptr_eq(e->owner, &many[i]);
        ck_assert_ptr_eq(registry_at(r, (size_t)i + 4), e);
    }
    ck_assert_str_eq(find(r, "x500y"), "none");
    ck_assert_str_eq(find_full(r, "config|set"), "CONFIG|SET");
    registry_free(r);
}
END_TEST

static void count_something(struct registry_entry *e)
{
    e->calls = 3;
    e->ticks = 1000;
    e->rejected = 2;
    e->failed = 1;
    registry_record(e, 333);
}

static void expect_zero(const struct registry_entry *e)
{
    ck_assert_uint_eq(e->calls, 0);
    ck_assert_uint_eq(e->ticks, 0);
    ck_assert_uint_eq(e->rejected, 0);
    ck_assert_uint_eq(e->failed, 0);
    ck_assert_ptr_null(e->histogram);
}

START_TEST(counts_are_reset)
{
    struct registry *r = fixture(NULL);
    struct registry_entry *get = registry_find(r, slice_str("get"));
    struct registry_entry *sub = registry_find_full(r, slice_str("object|encoding"));
    count_something(get);
    count_something(sub);
    ck_assert_ptr_nonnull(sub->histogram);
    registry_reset_stats(r);
    expect_zero(get);
    expect_zero(sub);
    ck_assert_str_eq(find(r, "get"), "GET");
    count_something(get);
    ck_assert_uint_eq(get->calls, 3);
    registry_free(r);
}
END_TEST

/* A percentile is the upper end of its step: not below the value, and at most a quarter of it above. */
static void expect_step(const struct registry_entry *e, double p, uint64_t ticks)
{
    double us = registry_percentile(e, p);
    double low = clock_ticks_to_us(ticks), high = clock_ticks_to_us(ticks + ticks / 4 + 1);
    if (us < low || us > high)
        ck_abort_msg("percentile %g of %llu ticks: %g is not in [%g, %g]", p, (unsigned long long)ticks, us,
                     low, high);
}

START_TEST(each_value_is_in_its_step)
{
    clock_update();
    struct registry_entry e = {0};
    for (uint64_t ticks = 64; ticks < (uint64_t)1 << 37; ticks += ticks / 11 + 1) {
        e = (struct registry_entry){0};
        registry_record(&e, ticks);
        expect_step(&e, 50, ticks);
        expect_step(&e, 100, ticks);
        heap_free(e.histogram);
    }
}
END_TEST

START_TEST(values_beyond_the_steps)
{
    clock_update();
    struct registry_entry e = {0};
    ck_assert_double_eq(registry_percentile(&e, 50), 0);
    registry_record(&e, 0);
    registry_record(&e, 1);
    registry_record(&e, 63);
    ck_assert_double_eq(registry_percentile(&e, 100), clock_ticks_to_us(80));
    registry_record(&e, UINT64_MAX);
    ck_assert_double_eq(registry_percentile(&e, 100), clock_ticks_to_us((uint64_t)1 << 38));
    ck_assert_double_eq(registry_percentile(&e, 75), clock_ticks_to_us(80));
    heap_free(e.histogram);
}
END_TEST

START_TEST(percentiles)
{
    clock_update();
    struct registry_entry e = {0};
    for (int i = 0; i < 900; i++)
        registry_record(&e, 130);
    for (int i = 0; i < 90; i++)
        registry_record(&e, 5000);
    for (int i = 0; i < 10; i++)
        registry_record(&e, 1000000);
    expect_step(&e, 0, 130);
    expect_step(&e, 50, 130);
    expect_step(&e, 90, 130);
    expect_step(&e, 90.1, 5000);
    expect_step(&e, 99, 5000);
    expect_step(&e, 99.9, 1000000);
    expect_step(&e, 100, 1000000);
    heap_free(e.histogram);
}
END_TEST

UNIT_SUITE(command_registry)
{
    tcase_add_test(tc, names_in_any_case);
    tcase_add_test(tc, long_names);
    tcase_add_test(tc, order_of_registration);
    tcase_add_test(tc, containers);
    tcase_add_test(tc, full_names);
    tcase_add_test(tc, requests_are_resolved);
    tcase_add_test(tc, many_commands);
    tcase_add_test(tc, counts_are_reset);
    tcase_add_test(tc, each_value_is_in_its_step);
    tcase_add_test(tc, values_beyond_the_steps);
    tcase_add_test(tc, percentiles);
}
