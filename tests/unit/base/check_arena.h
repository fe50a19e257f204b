/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the arena's suites share.
 */
#pragma once

#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/arena.h"
#include "unit.h"

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
static inline size_t resident(char *ptr, size_t len)
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

static inline void open_memfd(struct arena *a, size_t reserve)
{
    const struct arena_options options = {.reserve = reserve, .backing = ARENA_MEMFD};
    must(arena_open(a, &options) == 0);
}

/* The sums over all classes are the arena's own figures. */
static inline void check_sums(const struct arena *a)
{
    struct arena_class sum = {0};
    for (unsigned k = 0; k < arena_classes(); k++) {
        struct arena_class c;
        arena_class_figures(a, k, &c);
        must((c.size == 0) == (k == arena_classes() - 1));
        must(c.size == 0 || c.used == c.objects * c.size);
        must(c.used <= c.held);
        must((c.spans == 0) == (c.objects == 0));
        sum.used += c.used;
        sum.held += c.held;
    }
    must(sum.used == a->used);
    must(sum.held == a->held);
}
