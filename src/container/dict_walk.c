/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Walks over a whole table: scan, random draw, relocation, sliced emptying.
 */
#include "base/heap.h"
#include "base/random.h"
#include "container/dict.h"
#include "container/dict_private.h"

__extension__ typedef unsigned __int128 walk_product;

/* A draw looks at this many buckets with fair chances, then takes what comes next. */
#define DRAWS_MAX  128
/* Chains up to this length have a fair chance. */
#define DRAW_CHAIN 16

static uint64_t table_mask(const struct dict_table *t)
{
    return ((uint64_t)1 << t->bits) - 1;
}

/* --- scan --- */

static void scan_chain(const struct arena *a, const char *bucket, void (*fn)(void *arg, void *element),
                       void *arg)
{
    for (;;) {
        uint32_t flags = dict_inline_flags(bucket);
        for (uint32_t left = flags & DICT_ALL; left != 0; left &= left - 1)
            fn(arg, dict_private_element(a, bucket, (unsigned)__builtin_ctz(left)));
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
            return dict_private_element(a, bucket, (unsigned)__builtin_ctz(left));
        }
        n -= here;
        bucket = dict_inline_next(a, bucket);
    }
}

/* Buckets that may hold something: those that have not been moved, and those that what was in the
 * moved ones has come to. */
static uint64_t draw_count(const struct dict *d)
{
    uint64_t count = table_mask(&d->table[0]) + 1 - d->moved;
    if (!dict_rehashing(d))
        return count;
    if (d->table[1].bits >= d->table[0].bits)
        return count + (d->moved << (d->table[1].bits - d->table[0].bits));
    return count + (d->moved <= table_mask(&d->table[1]) ? d->moved : table_mask(&d->table[1]) + 1);
}

/* The one at INDEX of these. */
static const char *draw_at(const struct dict *d, const struct arena *a, uint64_t index)
{
    uint64_t old = table_mask(&d->table[0]) + 1 - d->moved;
    if (index < old)
        return dict_inline_at(&d->table[0], a, d->moved + index);
    index -= old;
    if (d->table[1].bits > d->table[0].bits) {
        uint64_t more = d->table[1].bits - d->table[0].bits;
        index = index >> more | (index & (((uint64_t)1 << more) - 1)) << d->table[0].bits;
    }
    return dict_inline_at(&d->table[1], a, index);
}

void *dict_random(const struct dict *d, const struct arena *a, struct random *r)
{
    if (d->count == 0)
        return NULL;
    uint64_t all = draw_count(d);
    uint64_t index = 0;
    for (unsigned draws = 0;; draws++) {
        index = draws < DRAWS_MAX ? random_below(r, all) : (index + 1) % all;
        const char *bucket = draw_at(d, a, index);
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

int dict_random_few(const struct dict *d, const struct arena *a, struct random *r, void **elements,
                    uint64_t count)
{
    uint64_t mask = 31;
    while (mask < 2 * count)
        mask = mask * 2 + 1;
    uint64_t *met = heap_try_alloc((mask + 1) * sizeof *met);
    if (met == NULL)
        return MR_E_MEMORY;
    memset(met, 0, (mask + 1) * sizeof *met);
    for (uint64_t taken = 0; taken < count;) {
        void *element = dict_random(d, a, r);
        uint64_t self = arena_shorten(a, element);
        uint64_t at = (self * UINT64_C(0x9e3779b97f4a7c15) >> 20) & mask;
        while (met[at] != 0 && met[at] != self)
            at = (at + 1) & mask;
        if (met[at] == self)
            continue;
        met[at] = self;
        elements[taken++] = element;
    }
    heap_free(met);
    return 0;
}

/* The chain that NUMBER stands for, among those that may hold something. */
static const char *draw_chain(const struct dict *d, const struct arena *a, uint64_t number)
{
    return draw_at(d, a, (uint64_t)((walk_product)number * draw_count(d) >> 64));
}

/* The elements of a chain, as far as they are looked at. */
static unsigned chain_elements(const struct arena *a, const char *bucket, void **elements)
{
    unsigned count = 0;
    for (;; bucket = dict_inline_next(a, bucket)) {
        uint32_t flags = dict_inline_flags(bucket);
        for (uint32_t left = flags & DICT_ALL; left != 0 && count < DICT_DRAW_MAX; left &= left - 1)
            elements[count++] = dict_private_element(a, bucket, (unsigned)__builtin_ctz(left));
        if ((flags & DICT_CHAINED) == 0 || count == DICT_DRAW_MAX)
            return count;
    }
}

unsigned dict_draw(const struct dict *d, const struct arena *a, uint64_t number, void **elements,
                   unsigned max)
{
    if (d->count == 0)
        return 0;
    void *all[DICT_DRAW_MAX];
    unsigned count = chain_elements(a, draw_chain(d, a, number), all);
    if (count == 0)
        return 0;
    unsigned wanted = count < max ? count : max;
    /* The bucket was chosen by the upper bits. */
    unsigned at = (unsigned)(number & UINT16_MAX) % count;
    for (unsigned i = 0; i < wanted; i++) {
        elements[i] = all[at];
        at = at + 1 == count ? 0 : at + 1;
    }
    return wanted;
}

void dict_prefetch_draw(const struct dict *d, const struct arena *a, uint64_t number, unsigned max)
{
    if (d->count == 0)
        return;
    if (max == 0) {
        __builtin_prefetch(draw_chain(d, a, number));
        return;
    }
    void *elements[DICT_DRAW_MAX];
    unsigned count = dict_draw(d, a, number, elements, max < DICT_DRAW_MAX ? max : DICT_DRAW_MAX);
    for (unsigned i = 0; i < count; i++)
        __builtin_prefetch(elements[i]);
}

struct dict_slot dict_locate(const struct dict *d, const struct arena *a, const void *element, uint64_t hash)
{
    if (d->table[0].buckets == 0)
        return (struct dict_slot){NULL};
    uint64_t self = arena_shorten(a, element);
    const char *bucket = dict_inline_bucket(d, a, hash);
    for (;;) {
        uint32_t flags = dict_inline_flags(bucket);
        unsigned match = dict_inline_match(bucket, dict_inline_fingerprint(hash), flags);
        for (; match != 0; match &= match - 1) {
            char *where = dict_inline_slot(bucket, (unsigned)__builtin_ctz(match));
            if (arena_load_short(where) == self)
                return (struct dict_slot){where};
        }
        if ((flags & DICT_CHAINED) == 0)
            return (struct dict_slot){NULL};
        bucket = dict_inline_next(a, bucket);
    }
}

/* --- relocation --- */

/* Makes the bucket at WHERE's short pointer stand elsewhere. */
static char *move_bucket(struct arena *a, char *where, char *bucket)
{
    char *to = arena_alloc(a, DICT_BUCKET);
    memcpy(to, bucket, DICT_BUCKET);
    arena_store_short(where, arena_shorten(a, to));
    arena_free(a, bucket, DICT_BUCKET);
    return to;
}

static void relocate_chain(struct arena *a, char *bucket, void *(*fn)(void *arg, void *element), void *arg)
{
    for (;;) {
        dict_private_prefetch(a, bucket);
        uint32_t flags = dict_inline_flags(bucket);
        for (uint32_t left = flags & DICT_ALL; left != 0; left &= left - 1) {
            unsigned slot = (unsigned)__builtin_ctz(left);
            void *element = dict_private_element(a, bucket, slot);
            void *now = fn(arg, element);
            if (now != element)
                arena_store_short(dict_inline_slot(bucket, slot), arena_shorten(a, now));
        }
        if ((flags & DICT_CHAINED) == 0)
            return;
        char *next = dict_inline_next(a, bucket);
        if (arena_is_leaving(a, next, DICT_BUCKET))
            next = move_bucket(a, dict_inline_slot(bucket, DICT_LAST), next);
        bucket = next;
    }
}

uint64_t dict_relocate(struct dict *d, struct arena *a, uint64_t cursor,
                       void *(*fn)(void *arg, void *element), void *arg)
{
    if (d->table[0].buckets == 0)
        return 0;
    struct dict_table *small = &d->table[0], *big = NULL;
    if (dict_rehashing(d)) {
        big = &d->table[1];
        if (small->bits > big->bits) {
            small = big;
            big = &d->table[0];
        }
    }
    uint64_t low = cursor & table_mask(small);
    uint64_t next = next_cursor(cursor, table_mask(small));
    __builtin_prefetch(dict_inline_at(small, a, next & table_mask(small)));
    relocate_chain(a, dict_inline_at(small, a, low), fn, arg);
    if (big != NULL)
        for (uint64_t index = low; index <= table_mask(big); index += table_mask(small) + 1)
            relocate_chain(a, dict_inline_at(big, a, index), fn, arg);
    return next;
}

/* --- emptying --- */

static void drain_chain(struct dict *d, struct arena *a, char *head, void (*fn)(void *arg, void *element),
                        void *arg)
{
    for (char *bucket = head; bucket != NULL; bucket = dict_private_leave(d, a, head, bucket)) {
        for (uint32_t left = dict_inline_flags(bucket) & DICT_ALL; left != 0; left &= left - 1) {
            d->count--;
            if (fn != NULL)
                fn(arg, dict_private_element(a, bucket, (unsigned)__builtin_ctz(left)));
        }
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
                dict_private_prefetch(a, dict_inline_at(t, a, index + 1));
            if (index + 4 < size)
                __builtin_prefetch(dict_inline_at(t, a, index + 4));
            drain_chain(d, a, dict_inline_at(t, a, index), fn, arg);
        }
    }
    dict_private_free(&d->table[0], a);
    dict_private_free(&d->table[1], a);
    dict_init(d);
    *cursor = 0;
    return true;
}

void dict_done(struct dict *d, struct arena *a)
{
    if (d->chained == 0) {
        dict_private_free(&d->table[0], a);
        dict_private_free(&d->table[1], a);
        dict_init(d);
        return;
    }
    uint64_t cursor = 0;
    while (!dict_drain(d, a, &cursor, UINT64_MAX, NULL, NULL))
        continue;
}
