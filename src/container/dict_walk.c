/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Walks over a whole table: scan, random draw, sliced emptying.
 */
#include "base/random.h"
#include "container/dict.h"
#include "container/dict_inline.h"

/* A draw looks at this many buckets with fair chances, then takes what comes next. */
#define DRAWS_MAX  128
/* Chains up to this length have a fair chance. */
#define DRAW_CHAIN 16

static uint64_t table_mask(const struct dict_table *t)
{
    return ((uint64_t)1 << t->bits) - 1;
}

static void *element_at(const struct arena *a, const char *bucket, unsigned slot)
{
    return a->base + (arena_load_short(dict_inline_slot(bucket, slot)) << 3);
}

/* --- scan --- */

static void scan_chain(const struct arena *a, const char *bucket, void (*fn)(void *arg, void *element),
                       void *arg)
{
    for (;;) {
        uint32_t flags = dict_inline_flags(bucket);
        for (uint32_t left = flags & DICT_ALL; left != 0; left &= left - 1)
            fn(arg,
               arena_expand(a, arena_load_short(dict_inline_slot(bucket, (unsigned)__builtin_ctz(left)))));
        if ((flags & DICT_CHAINED) == 0)
            return;
        bucket = dict_inline_next(a, bucket);
    }
}

static uint64_t reverse_bits(uint64_t v)
{
    v = __builtin_bswap64(v);
    v = (v >> 4 & 0x0f0f0f0f0f0f0f0f) | (v & 0x0f0f0f0f0f0f0f0f) << 4;
    v = (v >> 2 & 0x3333333333333333) | (v & 0x3333333333333333) << 2;
    return (v >> 1 & 0x5555555555555555) | (v & 0x5555555555555555) << 1;
}

/* Adds one to the bits under MASK, counted from their top. */
static uint64_t next_cursor(uint64_t cursor, uint64_t mask)
{
    return reverse_bits(reverse_bits(cursor | ~mask) + 1);
}

uint64_t dict_scan(const struct dict *d, const struct arena *a, uint64_t cursor,
                   void (*fn)(void *arg, void *element), void *arg)
{
    if (d->table[0].buckets == 0)
        return 0;
    const struct dict_table *small = &d->table[0];
    if (!dict_rehashing(d)) {
        scan_chain(a, dict_inline_at(small, a, cursor & table_mask(small)), fn, arg);
        return next_cursor(cursor, table_mask(small));
    }
    const struct dict_table *big = &d->table[1];
    if (small->bits > big->bits) {
        small = big;
        big = &d->table[0];
    }
    /* All that may have come from, or may go to, one bucket of the smaller table is
     * reported together, so that moves between the two tables cannot hide anything. */
    uint64_t low = cursor & table_mask(small);
    scan_chain(a, dict_inline_at(small, a, low), fn, arg);
    for (uint64_t index = low; index <= table_mask(big); index += table_mask(small) + 1)
        scan_chain(a, dict_inline_at(big, a, index), fn, arg);
    return next_cursor(cursor, table_mask(small));
}

/* --- random --- */

static unsigned chain_count(const struct arena *a, const char *bucket)
{
    unsigned count = 0;
    for (;;) {
        uint32_t flags = dict_inline_flags(bucket);
        count += (unsigned)__builtin_popcount(flags & DICT_ALL);
        if ((flags & DICT_CHAINED) == 0)
            return count;
        bucket = dict_inline_next(a, bucket);
    }
}

static void *chain_element(const struct arena *a, const char *bucket, unsigned n)
{
    for (;;) {
        uint32_t left = dict_inline_flags(bucket) & DICT_ALL;
        unsigned here = (unsigned)__builtin_popcount(left);
        if (n < here) {
            for (; n > 0; n--)
                left &= left - 1;
            return element_at(a, bucket, (unsigned)__builtin_ctz(left));
        }
        n -= here;
        bucket = dict_inline_next(a, bucket);
    }
}

void *dict_random(const struct dict *d, const struct arena *a, struct random *r)
{
    if (d->count == 0)
        return NULL;
    uint64_t old = table_mask(&d->table[0]) + 1 - d->moved;
    uint64_t all = old + (dict_rehashing(d) ? table_mask(&d->table[1]) + 1 : 0);
    uint64_t index = 0;
    for (unsigned draws = 0;; draws++) {
        index = draws < DRAWS_MAX ? random_below(r, all) : (index + 1) % all;
        const char *bucket = index < old ? dict_inline_at(&d->table[0], a, d->moved + index)
                                         : dict_inline_at(&d->table[1], a, index - old);
        unsigned count = chain_count(a, bucket);
        if (count == 0)
            continue;
        /* Chances in proportion to what is in the bucket. */
        uint64_t limit = count > DRAW_CHAIN || draws >= DRAWS_MAX ? count : DRAW_CHAIN;
        uint64_t n = random_below(r, limit);
        if (n < count)
            return chain_element(a, bucket, (unsigned)n);
    }
}

/* --- emptying --- */

static void free_array(struct dict_table *t, struct arena *a)
{
    if (t->buckets != 0)
        arena_free(a, arena_expand(a, t->buckets), (size_t)DICT_BUCKET << t->bits);
    *t = (struct dict_table){0};
}

static void prefetch_elements(const struct arena *a, const char *bucket)
{
    for (uint32_t left = dict_inline_flags(bucket) & DICT_ALL; left != 0; left &= left - 1)
        __builtin_prefetch(element_at(a, bucket, (unsigned)__builtin_ctz(left)));
}

static void drain_chain(struct dict *d, struct arena *a, char *head, void (*fn)(void *arg, void *element),
                        void *arg)
{
    char *bucket = head;
    for (;;) {
        uint32_t flags = dict_inline_flags(bucket);
        for (uint32_t left = flags & DICT_ALL; left != 0; left &= left - 1) {
            d->count--;
            if (fn != NULL)
                fn(arg, element_at(a, bucket, (unsigned)__builtin_ctz(left)));
        }
        char *next = (flags & DICT_CHAINED) != 0 ? dict_inline_next(a, bucket) : NULL;
        if (bucket != head) {
            arena_free(a, bucket, DICT_BUCKET);
            d->chained--;
        }
        if (next == NULL)
            break;
        bucket = next;
    }
    memset(head + DICT_FLAGS_AT, 0, DICT_BUCKET - DICT_FLAGS_AT);
}

bool dict_drain(struct dict *d, struct arena *a, uint64_t *cursor, uint64_t buckets,
                void (*fn)(void *arg, void *element), void *arg)
{
    for (unsigned k = 0; k < 2 && d->table[0].buckets != 0; k++) {
        struct dict_table *t = &d->table[k];
        uint64_t base = k == 0 ? 0 : table_mask(&d->table[0]) + 1;
        uint64_t size = t->buckets == 0 ? 0 : table_mask(t) + 1;
        for (; *cursor < base + size; buckets--, ++*cursor) {
            if (buckets == 0)
                return false;
            uint64_t index = *cursor - base;
            if (fn != NULL && index + 1 < size)
                prefetch_elements(a, dict_inline_at(t, a, index + 1));
            if (index + 4 < size)
                __builtin_prefetch(dict_inline_at(t, a, index + 4));
            drain_chain(d, a, dict_inline_at(t, a, index), fn, arg);
        }
    }
    free_array(&d->table[0], a);
    free_array(&d->table[1], a);
    dict_init(d);
    *cursor = 0;
    return true;
}

void dict_done(struct dict *d, struct arena *a)
{
    if (d->chained == 0) {
        free_array(&d->table[0], a);
        free_array(&d->table[1], a);
        dict_init(d);
        return;
    }
    uint64_t cursor = 0;
    while (!dict_drain(d, a, &cursor, UINT64_MAX, NULL, NULL))
        continue;
}
