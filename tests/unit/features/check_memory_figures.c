/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What MEMORY DOCTOR says of figures, at and around what makes each of them unusual; and
 * the table of MEMORY MALLOC-STATS, whose rows must add up.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/heap.h"
#include "features/memory/memory_figures.h"
#include "unit.h"

#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)

/* A server that has nothing to complain of. */
static struct memory_figures sound(void)
{
    struct memory_figures f = {.at_start = MIB,
                               .arena_used = 1000 * MIB,
                               .arena_held = 1100 * MIB,
                               .arena_dirty = 10 * MIB,
                               .arena_reserved = 64 * GIB,
                               .heap_used = 20 * MIB,
                               .heap_held = 24 * MIB,
                               .keys = 10000000,
                               .tables = 190 * MIB,
                               .client_count = 50,
                               .clients = MIB,
                               .client_most = 40000,
                               .client_most_id = 7,
                               .machine = 16 * GIB,
                               .recommended = 12 * GIB,
                               .resident = 1140 * MIB};
    f.peak = f.used = f.arena_used + f.heap_used;
    return f;
}

/* The topics of the lines that are found, "Peak Swap "; the whole in *TEXT. */
static const char *topics(const struct memory_figures *f, struct buf *text)
{
    static char found[256];
    text->len = 0;
    found[0] = '\0';
    memory_doctor(f, text);
    for (const char *line = buf_cstr(text); (line = strstr(line, "* ")) != NULL; line++)
        strncat(found, line + 2, strcspn(line + 2, ":"));
    ck_assert_int_eq(text->data[text->len - 1], '\n');
    return found;
}

static void expect(const struct memory_figures *f, const char *want)
{
    struct buf text = {0};
    ck_assert_str_eq(topics(f, &text), want);
    ck_assert((want[0] == '\0') == (strncmp(text.data, "Nothing is unusual: ", 20) == 0));
    buf_done(&text);
}

/* Only from VALUE on is *FIELD unusual in F. */
static void from(struct memory_figures *f, uint64_t *field, uint64_t value, const char *topic)
{
    uint64_t before = *field;
    *field = value - 1;
    expect(f, "");
    *field = value;
    expect(f, topic);
    *field = before;
}

START_TEST(nothing_unusual)
{
    struct memory_figures f = sound(), none = {0};
    struct buf text = {0};
    memory_doctor(&f, &text);
    ck_assert_str_eq(buf_cstr(&text),
                     "Nothing is unusual: 1020.00M in use, 1.11G resident, for 10000000 keys.\n");
    buf_done(&text);
    expect(&none, "");
}
END_TEST

START_TEST(limits)
{
    struct memory_figures f = sound();
    f.limit = f.used;
    expect(&f, "Limit");
    f.limit = f.used * 10 / 9 - MIB;
    expect(&f, "Limit");
    f.limit = f.used * 10 / 9 + MIB;
    expect(&f, "");
    f.limit = f.used - 1;
    expect(&f, "Limit");
    f.limit = 17 * GIB;
    expect(&f, "Limit");
    f.machine = 0; /* not known */
    expect(&f, "");
    f = sound();
    from(&f, &f.used, f.recommended + 1, "Limit");
    f.recommended = 0;
    f.used = f.peak = 100 * GIB;
    expect(&f, "");
}
END_TEST

START_TEST(peaks)
{
    struct memory_figures f = sound();
    from(&f, &f.peak, f.used * 2 + 2, "Peak");
    f = (struct memory_figures){.used = MIB, .peak = 10 * MIB};
    expect(&f, ""); /* what no one would miss */
}
END_TEST

START_TEST(allocators)
{
    struct memory_figures f = sound();
    struct buf text = {0};
    f.class_size = 48;
    f.class_free = 200 * MIB;
    from(&f, &f.arena_held, 1250 * MIB, "Fragmentation");
    f.arena_held = 1250 * MIB;
    (void)topics(&f, &text);
    ck_assert_ptr_nonnull(strstr(buf_cstr(&text), " 1.22G for the 1000.00M that keys reach, 25% more: "));
    ck_assert_ptr_nonnull(strstr(buf_cstr(&text), "200.00M, is room for objects of 48 bytes."));
    f.class_size = 0;
    (void)topics(&f, &text);
    ck_assert_ptr_null(strstr(buf_cstr(&text), "room for objects"));
    f = sound();
    from(&f, &f.arena_dirty, 250 * MIB, "Free pages");
    f.heap_used = 100 * MIB;
    from(&f, &f.heap_held, 150 * MIB, "Heap");
    f = (struct memory_figures){.arena_used = MIB,
                                .arena_held = 17 * MIB - 1,
                                .arena_dirty = 16 * MIB - 1,
                                .heap_used = MIB,
                                .heap_held = 17 * MIB - 1,
                                .used = 2 * MIB};
    expect(&f, "");
    f.arena_held++, f.arena_dirty++, f.heap_held++;
    expect(&f, "FragmentationFree pagesHeap");
    buf_done(&text);
}
END_TEST

START_TEST(process)
{
    struct memory_figures f = sound();
    uint64_t backed = memory_figures_backed(&f);
    ck_assert_uint_eq(backed, 1134 * MIB);
    from(&f, &f.resident, backed / 3 * 4, "Process");
    f.resident = backed + f.resident;
    expect(&f, "Process");
    f = sound();
    from(&f, &f.swapped, 16 * MIB, "Swap");
    f.resident = 0; /* all of it */
    f.swapped = GIB;
    expect(&f, "Swap");
}
END_TEST

START_TEST(clients_and_keys)
{
    struct memory_figures f = sound();
    struct buf text = {0};
    from(&f, &f.clients, 102 * MIB, "Clients");
    f.clients = 102 * MIB;
    (void)topics(&f, &text);
    ck_assert_ptr_null(strstr(buf_cstr(&text), "id="));
    ck_assert_ptr_nonnull(strstr(buf_cstr(&text), "102.00M, 10% of what is in use, for 50 of them"));
    f.client_most = 52 * MIB;
    (void)topics(&f, &text);
    ck_assert_ptr_nonnull(strstr(buf_cstr(&text), "52.00M, is that of the client with id=7."));
    f = sound();
    f.overdue = 999;
    expect(&f, "");
    f.overdue = 2500;
    expect(&f, "Expiry");
    f = sound();
    f.keys = f.tables / 40;
    expect(&f, "");
    f.keys--;
    expect(&f, "Tables");
    f.keys = 0;
    expect(&f, "Tables");
    f.tables = 16 * MIB - 1;
    expect(&f, "");
    buf_done(&text);
}
END_TEST

START_TEST(derived)
{
    struct memory_figures f = {
        .arena_used = 100, .tables = 30, .expiry = 20, .heap_held = 7, .arena_held = 200};
    ck_assert_uint_eq(memory_figures_dataset(&f), 50);
    ck_assert_uint_eq(memory_figures_active(&f), 207);
    f.expiry = 71;
    ck_assert_uint_eq(memory_figures_dataset(&f), 0);
    ck_assert_uint_eq(memory_heap_held(UINT64_MAX), UINT64_MAX);
    ck_assert_uint_ge(memory_heap_held(0), 0);
}
END_TEST

/* --- the table --- */

START_TEST(classes)
{
    static const size_t sizes[] = {16, 24, 24, 500, 4096, 40000, 3 << 20};
    struct arena a;
    struct memory_figures f = {.heap_used = 10, .heap_held = 40, .resident = 3, .swapped = 4};
    struct buf text = {0};
    void *held[7];
    arena_init(&a, (size_t)1 << 30);
    for (size_t i = 0; i < 7; i++)
        held[i] = arena_alloc(&a, sizes[i]);
    f.arena_used = a.used;
    f.arena_held = a.held;
    f.arena_dirty = a.dirty;
    f.arena_reserved = a.reserved;
    memory_print_classes(&a, &f, &text);
    uint64_t sum[4] = {0}, row[4];
    char name[32];
    double share;
    unsigned rows = 0;
    char *line = strtok(buf_cstr(&text), "\n");
    ck_assert_ptr_nonnull(line);
    line = strtok(NULL, "\n"); /* the heads */
    while ((line = strtok(NULL, "\n")) != NULL &&
           sscanf(line, "%31s %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %lf%%", name, &row[0], &row[1],
                  &row[2], &row[3], &share) == 6) {
        ck_assert_uint_gt(row[2], 0);
        ck_assert(share >= 0 && share <= 100);
        if (strcmp(name, "all") == 0) {
            ck_assert_mem_eq(sum, row, sizeof sum);
            ck_assert_uint_eq(row[0], 7);
            ck_assert_uint_eq(row[1], a.used);
            ck_assert_uint_eq(row[2], a.held);
            rows += 100;
            continue;
        }
        rows++;
        for (size_t i = 0; i < 4; i++)
            sum[i] += row[i];
        if (strcmp(name, "24") == 0)
            ck_assert_uint_eq(row[0], 2);
    }
    ck_assert_uint_ge(rows, 105);
    ck_assert_ptr_nonnull(line);
    line = strtok(NULL, "\n");
    ck_assert_str_eq(line, "The heap, which holds all else: 10 in use, 40 held, 25.0%");
    ck_assert_str_eq(strtok(NULL, "\n"), "The process: 3 resident, 4 on swap");
    ck_assert_ptr_null(strtok(NULL, "\n"));
    for (size_t i = 0; i < 7; i++)
        arena_free(&a, held[i], sizes[i]);
    arena_done(&a);
    buf_done(&text);
}
END_TEST

UNIT_SUITE(features_memory_figures)
{
    tcase_add_test(tc, nothing_unusual);
    tcase_add_test(tc, limits);
    tcase_add_test(tc, peaks);
    tcase_add_test(tc, allocators);
    tcase_add_test(tc, process);
    tcase_add_test(tc, clients_and_keys);
    tcase_add_test(tc, derived);
    tcase_add_test(tc, classes);
}
