/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the arena keeps for allocations that must not fail.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>

#include "base/arena_private.h"
#include "check_arena.h"

/* A kernel that accounts strictly: it gives to FILES no more than LEFT, less what is set aside. */
static struct {
    const struct arena *accounted;
    size_t left;
    unsigned refused;
} kernel;

int fallocate(int fd, int mode, off_t offset, off_t len)
{
    size_t bytes = mode == 0 && kernel.accounted != NULL ? (size_t)len : 0;
    if (bytes != 0 && bytes + kernel.accounted->aside_bytes > kernel.left) {
        kernel.refused++;
        errno = ENOSPC;
        return -1;
    }
    kernel.left -= bytes;
    return (int)syscall(SYS_fallocate, fd, mode, offset, len);
}

/* What must not fail is had beyond the point where the rest is refused, and nothing is touched for it. */
START_TEST(cushion)
{
    struct arena a;
    struct arena_options options = {.reserve = 64 * MIB};
    must(arena_open(&a, &options) == 0);
    void **some = malloc((64 * MIB / 4096) * sizeof *some), *sure[16];
    size_t count = 0;
    must(!arena_is_scarce(&a));
    while ((some[count] = arena_try_alloc(&a, 4096)) != NULL)
        count++;
    must(count > 64 * MIB / 4096 / 2);
    must(arena_is_scarce(&a));
    must(arena_try_alloc(&a, 24) == NULL && arena_try_alloc(&a, 8000) == NULL);
    struct arena_state *st = a.state;
    must(st->cushion == 1024 / CUSHION_SHARE);
    for (unsigned i = 0; i < st->cushion; i++)
        sure[i] = arena_alloc(&a, 8 * (i + 1));
    check_sums(&a);
    must(arena_is_scarce(&a) && arena_try_alloc(&a, 4096) == NULL);
    for (unsigned i = 0; i < st->cushion; i++)
        arena_free(&a, sure[i], 8 * (i + 1));
    while (count > 0)
        arena_free(&a, some[--count], 4096);
    must(!arena_is_scarce(&a));
    must((some[0] = arena_try_alloc(&a, 24)) != NULL);
    arena_free(&a, some[0], 24);
    arena_trim(&a, SIZE_MAX);
    must(a.held == 0 && a.dirty == 0);
    must(resident(a.base, a.reserved) == 0);
    free(some);
    arena_done(&a);
}
END_TEST

/* What is promised is there for what must not fail, whatever else is asked for meanwhile. */
START_TEST(promise)
{
    struct arena a;
    struct arena_options options = {.reserve = 64 * MIB};
    must(arena_open(&a, &options) == 0);
    const size_t bytes = 8 * MIB, size = 104, count = bytes / size;
    void **some = malloc(count * sizeof *some), **more = malloc(64 * MIB / 4096 * sizeof *more);
    must(!arena_promise(&a, 64 * MIB) && !arena_promise(&a, SIZE_MAX) && a.promised == 0);
    must(arena_promise(&a, count * arena_usable(size)));
    size_t most = 0, n;
    while ((more[most] = arena_try_alloc(&a, 65536)) != NULL ||
           (more[most] = arena_try_alloc(&a, 4096)) != NULL)
        most++;
    for (n = 0; n < count; n++)
        must((some[n] = arena_alloc(&a, size)) != NULL);
    must(a.promised > 0);
    arena_promise_end(&a);
    must(!arena_promise(&a, bytes));
    /* The cushion is there still, for a run as well. */
    void *run = arena_alloc(&a, 65536);
    for (unsigned i = 0; i < a.state->cushion - 2; i++)
        must(arena_alloc(&a, arena_class_size(i + 20)) != NULL);
    arena_free(&a, run, 65536);
    check_sums(&a);
    while (n > 0)
        arena_free(&a, some[--n], size);
    must(arena_promise(&a, bytes / 2));
    arena_promise_end(&a);
    free(some);
    free(more);
    arena_done(&a);
}
END_TEST

/* As many objects as its maker may have without asking, of a class each. */
START_TEST(cushion_whole)
{
    struct arena a;
    struct arena_options options = {.reserve = (size_t)ARENA_CUSHION_OBJECTS * 8 * MIB};
    must(arena_open(&a, &options) == 0);
    must(a.state->cushion == CUSHION);
    size_t run = a.reserved - (size_t)(CUSHION + 40) * SPAN_BYTES;
    must(arena_try_alloc(&a, 8) != NULL && arena_try_alloc(&a, run) != NULL);
    while (arena_try_alloc(&a, 32768) != NULL)
        continue;
    must(arena_is_scarce(&a));
    must(resident(a.base, a.reserved) < 2 * MIB);
    for (unsigned k = 0; k < ARENA_CUSHION_OBJECTS; k++)
        must(arena_alloc(&a, arena_class_size(k)) != NULL);
    check_sums(&a);
    arena_done(&a);
}
END_TEST

/* Where a memfd's pages are had one by one, so are those of the cushion, whatever else was had. */
START_TEST(cushion_filled)
{
    struct arena a;
    open_memfd(&a, (size_t)ARENA_CUSHION_OBJECTS * 8 * MIB);
    struct arena_state *st = a.state;
    st->populates = 1;
    size_t aside = (size_t)CUSHION * SPAN_BYTES;
    must(st->cushion == CUSHION && a.aside_bytes == 0);
    kernel.accounted = &a;
    kernel.left = aside + 20 * MIB;
    for (unsigned round = 0; round < 2; round++) {
        void *first = NULL, **last = (void **)&first;
        unsigned count = 0;
        for (void **more; (more = arena_try_alloc(&a, 32768)) != NULL; last = more, count++)
            *last = more;
        *last = NULL;
        must(count > 19 * MIB / 32768 && kernel.refused > 0);
        must(a.aside_bytes == aside && resident(a.aside, aside) == 0);
        must(!arena_is_scarce(&a));
        void *sure[ARENA_CUSHION_OBJECTS];
        for (unsigned k = 0; k < ARENA_CUSHION_OBJECTS; k++)
            memset(sure[k] = arena_alloc(&a, arena_class_size(k)), 1, arena_class_size(k));
        must(a.scarce && a.aside_bytes < aside && a.aside_bytes > 0);
        must(arena_try_alloc(&a, 32768) == NULL);
        check_sums(&a);
        size_t used = a.used;
        for (unsigned k = 0; k < ARENA_CUSHION_OBJECTS; k++)
            arena_free(&a, sure[k], arena_class_size(k));
        must(a.used < used);
        for (void **at = first, **next; at != NULL; at = next) {
            next = *at;
            arena_free(&a, at, 32768);
        }
        must(a.used == 0);
        arena_trim(&a, SIZE_MAX);
        kernel.left = aside + 20 * MIB;
        kernel.refused = 0;
        must(!arena_is_scarce(&a) && a.aside_bytes == aside);
    }
    kernel.accounted = NULL;
    arena_done(&a);
}
END_TEST

UNIT_SUITE(base_arena_cushion)
{
    tcase_add_test(tc, promise);
    tcase_add_test(tc, cushion);
    tcase_add_test(tc, cushion_whole);
    tcase_add_test(tc, cushion_filled);
}
