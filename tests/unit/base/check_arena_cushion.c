/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the arena keeps for allocations that must not fail.
 */
#include "base/arena_private.h"
#include "check_arena.h"

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

UNIT_SUITE(base_arena_cushion)
{
    tcase_add_test(tc, cushion);
    tcase_add_test(tc, cushion_whole);
}
