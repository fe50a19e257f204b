/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The arena at its edges: memory goes back to the kernel, sizes that cannot be had are
 * refused, runs grow and shrink where they stand, spans are emptied.
 */
#include <errno.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/arena_private.h"
#include "base/random.h"
#include "check_arena.h"

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
            must((usable - size) * 9 <= usable);
        else
            must(usable - size < 4096);
        last = usable;
    }
    must(arena_usable(0) == 8);
    must(arena_usable(513) == 576);
    must(arena_usable(32768) == 32768);
}
END_TEST

START_TEST(million)
{
    enum { COUNT = 1000000 };
    struct arena a;
    if (_i == 0)
        arena_init(&a, 1024 * MIB);
    else
        open_memfd(&a, 1024 * MIB);
    void **ptrs = malloc(COUNT * sizeof *ptrs);
    for (unsigned i = 0; i < COUNT; i++) {
        ptrs[i] = arena_alloc(&a, 56);
        memcpy(ptrs[i], &i, sizeof i);
    }
    must(a.used == 56000000);
    must(a.held <= 56100000);
    must(resident(a.base, a.reserved) <= a.held);
    for (unsigned i = 0; i < COUNT; i++) {
        must(memcmp(ptrs[i], &i, sizeof i) == 0);
        arena_free(&a, ptrs[i], 56);
    }
    must(a.held == 0);
    must(resident(a.base, a.reserved) == a.dirty);
    must(a.dirty > 50000000);
    size_t given = arena_trim(&a, 10 * MIB);
    must(given <= 10 * MIB && given > 10 * MIB - 65536);
    must(resident(a.base, a.reserved) == a.dirty);
    must(arena_trim(&a, SIZE_MAX) >= 45000000);
    must(resident(a.base, a.reserved) == 0);
    free(ptrs);
    arena_done(&a);
}
END_TEST

/* A span that was hardly used, and one whose class leaves its end alone. */
START_TEST(touched_pages)
{
    struct arena a;
    arena_init(&a, 64 * MIB);
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    memset(arena_alloc(&a, 100), 1, 100);
    arena_free(&a, arena_expand(&a, (uint64_t)(a.reserved - 65536) / 8), 100);
    must(a.held == 0);
    must(a.dirty == page);
    void *ptr[3];
    size_t size = 22 * 1024;
    for (unsigned i = 0; i < 3; i++)
        memset(ptr[i] = arena_alloc(&a, size), 1, size);
    must(a.dirty == 0);
    must(a.held >= 4 * size && a.held < 4 * size + 2 * page);
    must(resident(a.base, a.reserved) <= a.held);
    for (unsigned i = 0; i < 3; i++)
        arena_free(&a, ptr[i], size);
    must(a.dirty == resident(a.base, a.reserved));
    /* The next class has more of the span, and the one after that less again. */
    void *whole[2] = {arena_alloc(&a, 32768), arena_alloc(&a, 32768)};
    memset(whole[0], 2, 32768);
    memset(whole[1], 2, 32768);
    arena_free(&a, whole[0], 32768);
    arena_free(&a, whole[1], 32768);
    must(a.dirty == resident(a.base, a.reserved));
    ptr[0] = arena_alloc(&a, size);
    must(resident(a.base, a.reserved) <= a.held + a.dirty);
    arena_free(&a, ptr[0], size);
    must(a.dirty == resident(a.base, a.reserved));
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
    /* Runs stand at the bottom, spans at the top. */
    char *top = arena_alloc(&a, 100000), *low = arena_alloc(&a, 100);
    top[99999] = low[99] = 1;
    must(arena_shorten(&a, low + 96) < (uint64_t)1 << 40);
    must(arena_shorten(&a, top) >= ARENA_FIRST_SHORT);
    char bytes[ARENA_SHORT];
    arena_store_short(bytes, arena_shorten(&a, low));
    must(arena_expand(&a, arena_load_short(bytes)) == low);
    arena_free(&a, top, 100000);
    arena_free(&a, low, 100);
    arena_done(&a);
}
END_TEST

/* --- resizing --- */

START_TEST(resize_in_class)
{
    struct arena a;
    arena_init(&a, 64 * MIB);
    char *ptr = arena_alloc(&a, 100);
    must(arena_resize(&a, ptr, 100, 97) && arena_resize(&a, ptr, 97, 104));
    must(!arena_resize(&a, ptr, 104, 105) && !arena_resize(&a, ptr, 104, 96));
    must(!arena_resize(&a, ptr, 104, 40000) && !arena_resize(&a, ptr, 104, SIZE_MAX));
    must(a.used == 104);
    arena_free(&a, ptr, 104);
    ptr = arena_alloc(&a, 600);
    must(arena_resize(&a, ptr, 600, 577) && arena_resize(&a, ptr, 577, 640) &&
         !arena_resize(&a, ptr, 640, 641));
    arena_free(&a, ptr, 640);
    ptr = arena_alloc(&a, 40000);
    must(!arena_resize(&a, ptr, 40000, 32768) && !arena_resize(&a, ptr, 40000, 0));
    must(a.used == 40960);
    arena_free(&a, ptr, 40000);
    arena_done(&a);
}
END_TEST

/* The last run takes never used pages, up to the end of what there is. */
START_TEST(resize_at_end)
{
    struct arena a;
    arena_init(&a, 64 * MIB);
    unsigned char *ptr = arena_alloc(&a, 40000);
    memset(ptr, 7, 40000);
    for (size_t size = 40000; size < 40 * MIB; size += size / 2) {
        must(arena_resize(&a, ptr, size, size + size / 2));
        must(a.used == arena_usable(size + size / 2) && a.held == a.used && a.dirty == 0);
        ptr[size + size / 2 - 1] = 7;
    }
    must(resident(a.base, a.reserved) <= 120 << 10);
    size_t used = a.used;
    must(!arena_resize(&a, ptr, used, 64 * MIB) && !arena_resize(&a, ptr, used, SIZE_MAX));
    must(!arena_resize(&a, ptr, used, (size_t)1 << 60));
    must(a.used == used && a.held == used);
    must(arena_resize(&a, ptr, used, 40000));
    must(a.used == 40960 && a.held == 40960 && a.dirty == used - 40960);
    must(ptr[0] == 7 && ptr[39999] == 7);
    arena_free(&a, ptr, 40000);
    must(a.dirty == used);
    arena_done(&a);
}
END_TEST

/* Dirty and clean pages behind a run, in turns, and a run that is in the way. */
START_TEST(resize_over)
{
    enum { COUNT = 9, BYTES = 40960 };
    struct arena a;
    unsigned char *ptr[COUNT];
    arena_init(&a, 16 * MIB);
    for (unsigned i = 0; i < COUNT; i++)
        memset(ptr[i] = arena_alloc(&a, BYTES), (int)i, BYTES);
    for (unsigned i = 1; i < COUNT; i++)
        must(ptr[i] == ptr[i - 1] + BYTES);
    for (unsigned i = 1; i < COUNT - 1; i += 2)
        arena_free(&a, ptr[i], BYTES);
    must(arena_trim(&a, SIZE_MAX) == 4 * BYTES);
    must(!arena_resize(&a, ptr[0], BYTES, 2 * BYTES + 1));
    for (unsigned i = 2; i < COUNT - 1; i += 2)
        arena_free(&a, ptr[i], BYTES);
    must(a.dirty == 3 * BYTES);
    must(!arena_resize(&a, ptr[0], BYTES, 9 * BYTES));
    must(a.used == 2 * BYTES && a.dirty == 3 * BYTES);
    must(arena_resize(&a, ptr[0], BYTES, 2 * BYTES + 4096));
    must(a.used == 3 * BYTES + 4096 && a.held == a.used && a.dirty == 3 * BYTES - 4096);
    must(arena_resize(&a, ptr[0], 2 * BYTES + 4096, 8 * BYTES));
    must(a.used == 9 * BYTES && a.dirty == 0);
    must(!arena_resize(&a, ptr[0], 8 * BYTES, 8 * BYTES + 1));
    memset(ptr[0] + BYTES, 0xee, 7 * BYTES);
    for (unsigned i = 0; i < BYTES; i++)
        must(ptr[0][i] == 0 && ptr[COUNT - 1][i] == COUNT - 1);
    must(arena_resize(&a, ptr[0], 8 * BYTES, BYTES));
    must(a.dirty == 7 * BYTES);
    unsigned char *again = arena_try_alloc_zero(&a, 6 * BYTES);
    must(again == ptr[1]);
    for (unsigned i = 0; i < 6 * BYTES; i++)
        must(again[i] == 0);
    arena_done(&a);
}
END_TEST

/* --- evacuation --- */

/* Frees all but every tenth at random; returns how many are left. */
static unsigned thin_out(struct arena *a, struct random *r, void **ptrs, unsigned count, size_t size)
{
    unsigned left = 0;
    for (unsigned i = 0; i < count; i++) {
        if (random_below(r, 10) == 0)
            ptrs[left++] = ptrs[i];
        else
            arena_free(a, ptrs[i], size);
    }
    return left;
}

static void move_leaving(struct arena *a, void **ptrs, unsigned count, size_t size)
{
    for (unsigned i = 0; i < count; i++) {
        if (!arena_is_leaving(a, ptrs[i], size))
            continue;
        void *to = memcpy(arena_alloc(a, size), ptrs[i], size);
        arena_free(a, ptrs[i], size);
        ptrs[i] = to;
    }
}

START_TEST(evacuated)
{
    enum { COUNT = 1000000 };
    struct arena a;
    struct random r;
    random_init_seed(&r, 3);
    if (_i == 0)
        arena_init(&a, 1024 * MIB);
    else
        open_memfd(&a, 1024 * MIB);
    void **ptrs = malloc(COUNT * sizeof *ptrs);
    for (unsigned i = 0; i < COUNT; i++)
        memcpy(ptrs[i] = arena_alloc(&a, 64), &i, sizeof i);
    must(arena_evacuate_begin(&a, 25) == 0);
    must(!arena_is_evacuating(&a));
    unsigned left = thin_out(&a, &r, ptrs, COUNT, 64);
    uint64_t sum = 0, after = 0;
    for (unsigned i = 0; i < left; i++)
        sum += *(uint32_t *)ptrs[i];
    size_t held = a.held;
    must(held > 60000000);
    must(arena_evacuate_begin(&a, 100) == 0);
    size_t gain = arena_evacuate_begin(&a, 25);
    must(arena_is_evacuating(&a));
    must(gain >= held - a.used - 65536);
    move_leaving(&a, ptrs, left, 64);
    must(a.held <= held - gain + 65536);
    must(a.used == (size_t)left * 64);
    must(a.held * 100 <= a.used * 115);
    arena_evacuate_end(&a);
    for (unsigned i = 0; i < left; i++)
        after += *(uint32_t *)ptrs[i];
    must(sum == after);
    check_sums(&a);
    arena_trim(&a, SIZE_MAX);
    must(resident(a.base, a.reserved) * 100 <= a.used * 115);
    must(arena_evacuate_begin(&a, 25) == 0);
    free(ptrs);
    arena_done(&a);
}
END_TEST

/* Only what is as empty as was asked for leaves, fullest spans stay, and no moment holds more
 * than before. */
START_TEST(evacuated_choice)
{
    enum { SPANS = 40, EACH = 64, SIZE = 1024 };
    struct arena a;
    void *ptrs[SPANS][EACH];
    unsigned left[SPANS];
    arena_init(&a, 64 * MIB);
    for (unsigned s = 0; s < SPANS; s++)
        for (unsigned i = 0; i < EACH; i++)
            ptrs[s][i] = arena_alloc(&a, SIZE);
    /* Half of the spans keep 60 of 64, the others 1 to 20. */
    for (unsigned s = 0; s < SPANS; s++) {
        left[s] = s % 2 == 0 ? 60 : 1 + s / 2;
        for (unsigned i = left[s]; i < EACH; i++)
            arena_free(&a, ptrs[s][i], SIZE);
    }
    size_t held = a.held;
    must(arena_evacuate_begin(&a, 97) >= 65536);
    for (unsigned s = 0; s < SPANS; s++)
        if (arena_is_leaving(&a, ptrs[s][0], SIZE))
            must(left[s] <= 1);
    size_t gain = arena_evacuate_begin(&a, 50);
    must(gain >= 15 * 65536);
    for (unsigned s = 0; s < SPANS; s++)
        for (unsigned i = 0; i < left[s]; i++) {
            bool leaving = arena_is_leaving(&a, ptrs[s][i], SIZE);
            must(!leaving || left[s] <= 20);
            if (!leaving)
                continue;
            arena_free(&a, ptrs[s][i], SIZE);
            ptrs[s][i] = arena_alloc(&a, SIZE);
            must(a.held <= held);
        }
    must(a.held <= held - gain + 65536);
    arena_evacuate_end(&a);
    for (unsigned s = 0; s < SPANS; s++)
        for (unsigned i = 0; i < left[s]; i++)
            arena_free(&a, ptrs[s][i], SIZE);
    must(a.held == 0);
    arena_done(&a);
}
END_TEST

enum { ALIKE = 20, MOST = 1024 };

/* ALIKE spans, those with an even number holding FIRST objects, the others SECOND. */
static void fill_alike(struct arena *a, char *ptrs[ALIKE][MOST], size_t size, unsigned first, unsigned second)
{
    unsigned capacity = (unsigned)(65536 / size);
    for (unsigned s = 0; s < ALIKE; s++)
        for (unsigned i = 0; i < capacity; i++)
            ptrs[s][i] = arena_alloc(a, size);
    for (unsigned s = ALIKE; s-- > 0;)
        for (unsigned i = s % 2 == 0 ? first : second; i < capacity; i++)
            arena_free(a, ptrs[s][i], size);
}

/* Never more spans than their objects fit in what stays, never the one that new objects go to. */
START_TEST(evacuated_quota)
{
    static char *ptrs[ALIKE][MOST];
    struct arena a;
    arena_init(&a, 64 * MIB);
    fill_alike(&a, ptrs, 1024, 32, 32);
    char *newest = arena_alloc(&a, 1024);
    arena_free(&a, newest, 1024);
    must(arena_evacuate_begin(&a, 25) == 10 * 65536);
    must(arena_evacuate_begin(&a, 25) == 10 * 65536);
    unsigned leaving = 0;
    for (unsigned s = 0; s < ALIKE; s++) {
        bool is = arena_is_leaving(&a, ptrs[s][0], 1024);
        must(!is || (newest - a.base) / 65536 != (ptrs[s][0] - a.base) / 65536);
        leaving += is;
    }
    must(leaving == 10);
    /* What is chosen stays so in the next one, and counts. */
    arena_evacuate_end(&a);
    must(arena_evacuate_begin(&a, 25) == 10 * 65536);
    for (unsigned s = 0; s < ALIKE; s++)
        leaving -= arena_is_leaving(&a, ptrs[s][0], 1024);
    must(leaving == 0);
    arena_done(&a);
}
END_TEST

/* A tenth of 1024 is 102. */
START_TEST(evacuated_percent)
{
    static char *ptrs[ALIKE][MOST];
    struct arena a;
    arena_init(&a, 64 * MIB);
    fill_alike(&a, ptrs, 64, 103, 102);
    must(arena_evacuate_begin(&a, 90) > 0);
    unsigned leaving = 0;
    for (unsigned s = 0; s < ALIKE; s++) {
        bool is = arena_is_leaving(&a, ptrs[s][0], 64);
        must(!is || s % 2 != 0);
        leaving += is;
    }
    must(leaving >= 9);
    must(arena_evacuate_begin(&a, 91) > 0); /* what was chosen is still leaving */
    arena_done(&a);
}
END_TEST

/* Runs do not leave; and what was chosen and did not leave is used before more memory is. */
START_TEST(evacuated_in_part)
{
    enum { COUNT = 20000 };
    static void *ptrs[COUNT];
    struct arena a;
    struct random r;
    random_init_seed(&r, 9);
    arena_init(&a, 64 * MIB);
    char *run = arena_alloc(&a, 100000);
    for (unsigned i = 0; i < COUNT; i++)
        ptrs[i] = arena_alloc(&a, 200);
    unsigned left = thin_out(&a, &r, ptrs, COUNT, 200);
    must(arena_evacuate_begin(&a, 25) > 0);
    must(!arena_is_leaving(&a, run, 100000));
    unsigned leaving = 0;
    for (unsigned i = 0; i < left; i++)
        leaving += arena_is_leaving(&a, ptrs[i], 200);
    must(leaving > left / 2);
    move_leaving(&a, ptrs, left / 4, 200);
    if (_i == 0)
        arena_evacuate_end(&a);
    size_t held = a.held;
    while (left < 15000) {
        ptrs[left] = arena_alloc(&a, 200);
        memset(ptrs[left++], 1, 200);
        must(a.held <= held || a.used + 2 * 65536 > held);
    }
    for (unsigned i = 0; i < left; i++)
        arena_free(&a, ptrs[i], 200);
    arena_free(&a, run, 100000);
    must(a.held == 0 && a.used == 0);
    arena_done(&a);
}
END_TEST

/* --- backing --- */

START_TEST(opened)
{
    struct arena a, b;
    arena_init(&a, 64 * MIB);
    uintptr_t base = (uintptr_t)a.base;
    struct arena_options o = {
        .reserve = 64 * MIB, .base = base, .backing = _i == 0 ? ARENA_ANONYMOUS : ARENA_MEMFD};
    must(arena_open(&b, &o) == -EEXIST);
    o.base = base + 32 * MIB;
    must(arena_open(&b, &o) == -EEXIST);
    o.base = base + 4096;
    must(arena_open(&b, &o) == -EINVAL);
    arena_done(&a);
    o.base = base;
    must(arena_open(&b, &o) == 0);
    must((uintptr_t)b.base == base && b.reserved == 64 * MIB);
    memset(arena_alloc(&b, 100), 1, 100);
    must((arena_fd(&b) >= 0) == (_i == 1));
    arena_done(&b);
}
END_TEST

/* A limit of file sizes makes the arena smaller; it does not end the process. */
START_TEST(limited_file)
{
    struct rlimit limit = {(rlim_t)2 << 30, (rlim_t)2 << 30};
    must(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    struct arena a;
    open_memfd(&a, 0);
    must(a.reserved >= 1024 * MIB && a.reserved < 2048 * MIB);
    memset(arena_alloc(&a, 100000), 1, 100000);
    arena_done(&a);
    limit.rlim_cur = 100 * MIB;
    must(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    const struct arena_options options = {.reserve = 1024 * MIB, .backing = ARENA_MEMFD};
    must(arena_open(&a, &options) == -ENOMEM);
}
END_TEST

/* More than the machine has is refused by its policy though a memfd can have any size. */
START_TEST(refused_memfd)
{
    struct arena a;
    open_memfd(&a, 0);
    void *like = mmap(NULL, a.reserved / 2, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    void *ptr = arena_try_alloc(&a, a.reserved / 2);
    must((ptr != NULL) == (like != MAP_FAILED));
    if (like != MAP_FAILED)
        munmap(like, a.reserved / 2);
    if (ptr != NULL)
        arena_free(&a, ptr, a.reserved / 2);
    must(a.held == 0);
    char *big = arena_try_alloc_zero(&a, 100 * MIB);
    must(big != NULL);
    must(resident(big, 100 * MIB) == 0);
    big[50 * MIB] = 1;
    must(big[50 * MIB - 1] == 0);
    arena_free(&a, big, 100 * MIB);
    arena_done(&a);
}
END_TEST

/* Bytes of the memfd that are there, the records' among them. */
static size_t allocated(const struct arena *a)
{
    struct stat about;
    must(fstat(arena_fd(a), &about) == 0);
    return (size_t)about.st_blocks * 512;
}

/* Where the kernel promises nothing, a memfd's pages are there before they are used, or the size is
 * refused. */
START_TEST(filled_memfd)
{
    struct arena a;
    open_memfd(&a, 64 * MIB);
    struct arena_state *st = a.state;
    st->populates = 1;
    char *run = arena_try_alloc(&a, 102400), *small = arena_try_alloc(&a, 100);
    size_t records = allocated(&a) - a.held;
    must(run != NULL && small != NULL && records < 200 << 10);
    must(arena_resize(&a, run, 102400, 200000));
    must(allocated(&a) == a.held + records);
    int fd = st->fd;
    st->fd = -1;
    size_t held = a.held;
    must(arena_try_alloc(&a, 300000) == NULL);
    must(arena_try_alloc_zero(&a, 300000) == NULL);
    must(arena_try_alloc(&a, 2000) == NULL);
    must(!arena_resize(&a, run, 200000, 4 * MIB));
    must(a.held == held && a.used == arena_usable(200000) + 104);
    st->fd = fd;
    check_sums(&a);
    arena_free(&a, run, 200000);
    arena_free(&a, small, 100);
    arena_trim(&a, SIZE_MAX);
    must(a.dirty == 0 && allocated(&a) <= 200 << 10);
    must(arena_try_alloc(&a, 200000) != NULL && arena_try_alloc(&a, 2000) != NULL);
    must(allocated(&a) >= a.held + records);
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
    tcase_add_loop_test(tc, million, 0, 2);
    tcase_add_test(tc, touched_pages);
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
    tcase_add_test(tc, resize_in_class);
    tcase_add_test(tc, resize_at_end);
    tcase_add_test(tc, resize_over);
    tcase_add_loop_test(tc, evacuated, 0, 2);
    tcase_add_test(tc, evacuated_choice);
    tcase_add_test(tc, evacuated_quota);
    tcase_add_test(tc, evacuated_percent);
    tcase_add_loop_test(tc, evacuated_in_part, 0, 2);
    tcase_add_loop_test(tc, opened, 0, 2);
    tcase_add_test(tc, limited_file);
    tcase_add_test(tc, refused_memfd);
    tcase_add_test(tc, filled_memfd);
}
