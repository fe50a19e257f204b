/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The arena against a list of what it handed out: nothing overlaps, sums agree,
 * memory goes back to the kernel, sizes that cannot be had are refused.
 */
#include "base/arena.h"

#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/random.h"
#include "unit.h"

/* Each ck_assert writes to check's file; in loops that is most of the time. */
#define must(condition)                                                                                      \
    do {                                                                                                     \
        if (!(condition))                                                                                    \
            ck_abort_msg("%s", #condition);                                                                  \
    } while (0)

/* AddressSanitizer's shadow does not fit under a limit of address space. */
#if defined(__SANITIZE_ADDRESS__)
#define SHADOWED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SHADOWED
#endif
#endif

#define MIB ((size_t)1 << 20)

/* Bytes of [ptr, ptr + len) that are resident. */
static size_t resident(char *ptr, size_t len)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t pages = len / page, count = 0;
    unsigned char *map = malloc(pages);
    must(mincore(ptr, pages * page, map) == 0);
    for (size_t i = 0; i < pages; i++)
        count += map[i] & 1;
    free(map);
    return count * page;
}

static size_t random_size(struct random *r)
{
    switch (random_below(r, 20)) {
    case 0:
        return 32769 + random_below(r, 300000);
    case 1:
        return 513 + random_below(r, 32256);
    case 2:
        return (size_t)1 << random_below(r, 18);
    case 3:
        return 0;
    default:
        return 1 + random_below(r, 300);
    }
}

struct held {
    unsigned char *ptr;
    size_t size;
    unsigned char tag;
};

/* Marks the whole of small ones, the ends and some of the middle of big ones. */
static void mark(const struct held *h)
{
    if (h->size <= 512)
        memset(h->ptr, h->tag, h->size);
    else
        for (size_t i = 0; i < h->size; i += i + 512 < h->size ? 509 : 1)
            h->ptr[i] = h->tag;
}

static void check(const struct held *h)
{
    size_t step = h->size <= 512 ? 1 : 509;
    for (size_t i = 0; i < h->size; i += i + 512 < h->size ? step : 1)
        if (h->ptr[i] != h->tag)
            ck_abort_msg("byte %zu of %zu changed", i, h->size);
}

START_TEST(classes)
{
    size_t last = 0;
    for (size_t size = 1; size < 200000; size++) {
        size_t usable = arena_usable(size);
        must(usable >= size);
        must(usable >= last);
        must(usable % 8 == 0);
        must(arena_usable(usable) == usable);
        if (size <= 512)
            must(usable - size < 8);
        else if (size <= 32768)
            must((usable - size) * 5 <= usable);
        else
            must(usable - size < 4096);
        last = usable;
    }
    must(arena_usable(0) == 8);
    must(arena_usable(513) == 640);
    must(arena_usable(32768) == 32768);
}
END_TEST

START_TEST(model)
{
    enum { LIVE = 3000, OPS = 400000 };
    static struct held live[LIVE];
    struct random r;
    struct arena a;
    random_init_seed(&r, (uint64_t)_i + 1);
    arena_init(&a, 0);
    size_t used = 0;
    for (unsigned op = 0; op < OPS; op++) {
        /* Waves of filling and emptying, so that spans and runs are left and come back. */
        bool filling = op / 20000 % 2 == 0;
        struct held *h = &live[random_below(&r, LIVE)];
        if (h->ptr != NULL && (!filling || random_below(&r, 4) == 0)) {
            check(h);
            used -= arena_usable(h->size);
            arena_free(&a, h->ptr, random_below(&r, 2) == 0 ? h->size : arena_usable(h->size));
            h->ptr = NULL;
        } else if (h->ptr == NULL && (filling || random_below(&r, 4) == 0)) {
            bool zero = random_below(&r, 8) == 0;
            h->size = random_size(&r);
            h->tag = (unsigned char)random_next(&r);
            h->ptr = zero ? arena_try_alloc_zero(&a, h->size) : arena_alloc(&a, h->size);
            must(h->ptr != NULL);
            if (zero)
                for (size_t i = 0; i < h->size; i++)
                    if (h->ptr[i] != 0)
                        ck_abort_msg("byte %zu of %zu is not zero", i, h->size);
            must((uintptr_t)h->ptr % 8 == 0);
            must(arena_shorten(&a, h->ptr) >= ARENA_FIRST_SHORT);
            must(arena_expand(&a, arena_shorten(&a, h->ptr)) == h->ptr);
            if (h->size >= 64 && (h->size & (h->size - 1)) == 0)
                must((uintptr_t)h->ptr % 64 == 0);
            used += arena_usable(h->size);
            mark(h);
        }
        must(a.used == used);
        must(a.held >= used);
        if (op % 4000 == 0)
            arena_trim(&a, random_below(&r, 4 * MIB));
    }
    for (unsigned i = 0; i < LIVE; i++) {
        if (live[i].ptr == NULL)
            continue;
        check(&live[i]);
        arena_free(&a, live[i].ptr, live[i].size);
    }
    must(a.used == 0);
    must(a.held == 0);
    while (arena_trim(&a, MIB) > 0)
        continue;
    must(resident(a.base, 256 * MIB) == 0);
    must(resident(a.base + a.reserved - 1024 * MIB, 1024 * MIB) == 0);
    arena_done(&a);
}
END_TEST

START_TEST(million)
{
    enum { COUNT = 1000000 };
    struct arena a;
    arena_init(&a, 0);
    void **ptrs = malloc(COUNT * sizeof *ptrs);
    for (unsigned i = 0; i < COUNT; i++) {
        ptrs[i] = arena_alloc(&a, 56);
        memcpy(ptrs[i], &i, sizeof i);
    }
    must(a.used == 56000000);
    must(a.held <= 56100000);
    must(resident(a.base, 128 * MIB) <= 56100000);
    for (unsigned i = 0; i < COUNT; i++) {
        must(memcmp(ptrs[i], &i, sizeof i) == 0);
        arena_free(&a, ptrs[i], 56);
    }
    must(a.held == 0);
    must(resident(a.base, 128 * MIB) > 50000000);
    must(arena_trim(&a, 10 * MIB) == 10 * MIB);
    must(arena_trim(&a, SIZE_MAX) >= 45000000);
    must(resident(a.base, 128 * MIB) == 0);
    free(ptrs);
    arena_done(&a);
}
END_TEST

START_TEST(untouched)
{
    struct arena a;
    arena_init(&a, 0);
    must(a.used == 0);
    must(a.held == 0);
    must(resident(a.base, 1024 * MIB) == 0);
    char *big = arena_try_alloc_zero(&a, 512 * MIB);
    must(big != NULL);
    must(resident(big, 512 * MIB) == 0);
    big[0] = big[512 * MIB - 1] = 1;
    must(resident(big, 512 * MIB) <= 256 << 10);
    arena_free(&a, big, 512 * MIB);
    arena_done(&a);
}
END_TEST

START_TEST(zeroed_again)
{
    struct arena a;
    arena_init(&a, 256 * MIB);
    static const size_t sizes[] = {1, 64, 640, 32768, 40000, 262144, 262145, 4 << 20, 100 << 20};
    for (unsigned round = 0; round < 4; round++) {
        for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            unsigned char *ptr = arena_try_alloc_zero(&a, sizes[i]);
            must(ptr != NULL);
            for (size_t at = 0; at < sizes[i]; at++)
                if (ptr[at] != 0)
                    ck_abort_msg("byte %zu of %zu is not zero", at, sizes[i]);
            memset(ptr, 0xaa, sizes[i]);
            arena_free(&a, ptr, sizes[i]);
        }
    }
    arena_done(&a);
}
END_TEST

START_TEST(refused)
{
    struct arena a;
    arena_init(&a, 64 * MIB);
    static const size_t sizes[] = {64 * MIB,     64 * MIB + 1,    (size_t)1 << 43, (size_t)1 << 50,
                                   SIZE_MAX / 2, SIZE_MAX - 4096, SIZE_MAX};
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        must(arena_try_alloc(&a, sizes[i]) == NULL);
        must(arena_try_alloc_zero(&a, sizes[i]) == NULL);
    }
    must(a.held == 0);
    arena_done(&a);
}
END_TEST

/* More than the machine has is refused by the kernel, not by a signal later. */
START_TEST(refused_by_kernel)
{
    struct arena a;
    arena_init(&a, 0);
    void *ptr = arena_try_alloc(&a, a.reserved / 2);
    if (ptr != NULL) /* the machine overcommits without limit */
        arena_free(&a, ptr, a.reserved / 2);
    else
        must(a.held == 0);
    ptr = arena_try_alloc(&a, 100000);
    must(ptr != NULL);
    memset(ptr, 1, 100000);
    arena_done(&a);
}
END_TEST

/* Allocates until there is no more; each has its number in it. */
static unsigned fill(struct arena *a, size_t size, void **ptrs, unsigned max)
{
    unsigned count = 0;
    while (count < max && (ptrs[count] = arena_try_alloc(a, size)) != NULL) {
        memset(ptrs[count], (int)(count % 251), size);
        count++;
    }
    return count;
}

static void verify(struct arena *a, size_t size, void **ptrs, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        const unsigned char *bytes = ptrs[i];
        for (size_t at = 0; at < size; at += 97)
            must(bytes[at] == i % 251);
        arena_free(a, ptrs[i], size);
    }
}

START_TEST(exhausted)
{
    enum { MAX = 4096 };
    static void *ptrs[MAX];
    struct arena a;
    arena_init(&a, 32 * MIB);
    /* Runs to the brim, all back, then one that needs them melted together. */
    unsigned runs = fill(&a, 100000, ptrs, MAX);
    must(runs * 102400 >= 31 * MIB);
    for (unsigned i = 0; i < runs; i += 2)
        arena_free(&a, ptrs[i], 100000);
    must(arena_try_alloc(&a, 300000) == NULL);
    for (unsigned i = 1; i < runs; i += 2)
        arena_free(&a, ptrs[i], 100000);
    void *big = arena_try_alloc(&a, 30 * MIB);
    must(big != NULL);
    must(a.used == 30 * MIB);
    /* Small ones take what is left, and are refused then. */
    unsigned small = fill(&a, 32768, ptrs, MAX);
    must(small >= 16);
    must(small < 64);
    verify(&a, 32768, ptrs, small);
    arena_free(&a, big, 30 * MIB);
    must(a.held == 0);
    arena_done(&a);
}
END_TEST

/* Clean and dirty neighbours end as one run again. */
START_TEST(melting)
{
    enum { COUNT = 64 };
    void *ptrs[COUNT];
    struct arena a;
    struct random r;
    random_init_seed(&r, 7);
    arena_init(&a, 16 * MIB);
    for (unsigned round = 0; round < 50; round++) {
        for (unsigned i = 0; i < COUNT; i++) {
            ptrs[i] = arena_try_alloc(&a, 200000);
            must(ptrs[i] != NULL);
        }
        for (unsigned left = COUNT; left > 0; left--) {
            unsigned i = (unsigned)random_below(&r, left);
            arena_free(&a, ptrs[i], 200000);
            ptrs[i] = ptrs[left - 1];
            arena_trim(&a, random_below(&r, 300000));
        }
        void *big = arena_try_alloc_zero(&a, 15 * MIB);
        must(big != NULL);
        arena_free(&a, big, 15 * MIB);
    }
    arena_done(&a);
}
END_TEST

/* The lowest run fits, but stands far back in a list of shorter ones. */
START_TEST(far_back)
{
    enum { COUNT = 12, SHORT = 64 * 4096, LONG = 71 * 4096, BETWEEN = 40000 };
    char *ptrs[COUNT], *between[COUNT];
    struct arena a;
    arena_init(&a, 16 * MIB);
    for (unsigned i = 0; i < COUNT; i++) {
        ptrs[i] = arena_alloc(&a, SHORT);
        between[i] = arena_alloc(&a, BETWEEN);
    }
    char *last = arena_alloc(&a, LONG);
    arena_free(&a, last, LONG);
    arena_trim(&a, SIZE_MAX);
    for (unsigned i = 0; i < COUNT; i++)
        arena_free(&a, ptrs[i], SHORT);
    arena_trim(&a, SIZE_MAX);
    char *again = arena_try_alloc(&a, LONG - 4096);
    must(again == last);
    memset(again, 0xff, LONG - 4096);
    for (unsigned i = 0; i < COUNT; i++)
        arena_free(&a, between[i], BETWEEN);
    arena_free(&a, again, LONG - 4096);
    char *all = arena_try_alloc_zero(&a, 15 * MIB);
    must(all != NULL);
    for (size_t i = 0; i < 15 * MIB; i++)
        must(all[i] == 0);
    arena_free(&a, all, 15 * MIB);
    static void *filled[1024];
    unsigned count = fill(&a, BETWEEN, filled, 1024);
    must(count > 390);
    verify(&a, BETWEEN, filled, count);
    must(a.held == 0);
    arena_done(&a);
}
END_TEST

START_TEST(bases)
{
    struct arena a, b;
    arena_init(&a, 1024 * MIB);
    arena_init(&b, 1024 * MIB);
    must(a.base != b.base);
    must((uintptr_t)a.base % 65536 == 0);
    uint64_t gap = (uint64_t)(a.base < b.base ? b.base - a.base : a.base - b.base);
    must(gap >= a.reserved);
    arena_done(&a);
    arena_done(&b);
}
END_TEST

/* As much as short pointers reach, from both ends. */
START_TEST(reach)
{
    struct arena a;
    arena_init(&a, SIZE_MAX);
    must(a.reserved <= (size_t)1 << 43);
    must(a.reserved >= (size_t)1 << 30);
    char *top = arena_alloc(&a, 100000), *low = arena_alloc(&a, 100);
    top[99999] = low[99] = 1;
    must(top > low);
    must(arena_shorten(&a, top + 99992) < (uint64_t)1 << 40);
    char bytes[ARENA_SHORT];
    arena_store_short(bytes, arena_shorten(&a, top));
    must(arena_expand(&a, arena_load_short(bytes)) == top);
    arena_free(&a, top, 100000);
    arena_free(&a, low, 100);
    arena_done(&a);
}
END_TEST

#ifndef SHADOWED
/* Under a limit of address space it takes less, and leaves room for others. */
START_TEST(limited)
{
    struct rlimit limit = {(size_t)5 << 30, (size_t)5 << 30};
    must(setrlimit(RLIMIT_AS, &limit) == 0);
    struct arena a;
    arena_init(&a, 0);
    must(a.reserved >= (size_t)1 << 30);
    must(a.reserved <= (size_t)5 << 29);
    must(arena_try_alloc(&a, 10 * MIB) != NULL);
    void *other = malloc(1024 * MIB);
    must(other != NULL);
    free(other);
    arena_done(&a);
}
END_TEST
#endif

START_TEST(shorts)
{
    static const uint64_t values[] = {0, 1, 0xff, 0xffffffff, 0x100000000, 0xffffffffff, 0x123456789a};
    unsigned char bytes[7];
    for (unsigned i = 0; i < sizeof values / sizeof *values; i++) {
        memset(bytes, 0xee, sizeof bytes);
        arena_store_short(bytes + 1, values[i]);
        must(arena_load_short(bytes + 1) == values[i]);
        must(bytes[0] == 0xee);
        must(bytes[6] == 0xee);
    }
    struct arena a = {.base = (char *)0};
    must(arena_expand(&a, 0) == NULL);
    must(arena_shorten(&a, NULL) == 0);
}
END_TEST

UNIT_SUITE(base_arena)
{
    tcase_add_test(tc, classes);
    tcase_add_loop_test(tc, model, 0, 3);
    tcase_add_test(tc, million);
    tcase_add_test(tc, untouched);
    tcase_add_test(tc, zeroed_again);
    tcase_add_test(tc, refused);
    tcase_add_test(tc, refused_by_kernel);
    tcase_add_test(tc, exhausted);
    tcase_add_test(tc, melting);
    tcase_add_test(tc, far_back);
    tcase_add_test(tc, bases);
    tcase_add_test(tc, reach);
#ifndef SHADOWED
    tcase_add_test(tc, limited);
#endif
    tcase_add_test(tc, shorts);
}
