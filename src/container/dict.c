/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The table: buckets and their chains, adding and removing, the incremental rehash.
 * Walks over whole tables are in dict_walk.c.
 *
 * Invariants: only the last bucket of a chain has free slots, and a bucket that hangs
 * on another holds two elements at least; table[1] exists only while rehashing;
 * buckets of table[0] below d->moved are empty.
 */
#include "container/dict.h"

#include "container/dict_private.h"

#define GROW_FILL   8 /* elements per bucket above which a table grows */
#define SHRINK_FILL 2 /* below which it shrinks */
#define STEP_BITS   3 /* how much a table that has elements may change at once */
#define BITS_MAX    36

static void set_flags(char *bucket, uint32_t flags)
{
    memcpy(bucket + DICT_FLAGS_AT, &flags, sizeof flags);
}

static char *bucket_last(const struct arena *a, char *bucket)
{
    while ((dict_inline_flags(bucket) & DICT_CHAINED) != 0)
        bucket = dict_inline_next(a, bucket);
    return bucket;
}

void dict_init(struct dict *d)
{
    *d = (struct dict){0};
}

void *dict_find(const struct dict *d, const struct arena *a, const struct dict_ops *ops, struct slice key,
                uint64_t hash, struct dict_slot *slot)
{
    return dict_inline_find(d, a, ops, key, hash, slot);
}

void dict_prefetch_bucket(const struct dict *d, const struct arena *a, uint64_t hash)
{
    dict_inline_prefetch_bucket(d, a, hash);
}

void dict_prefetch_element(const struct dict *d, const struct arena *a, uint64_t hash)
{
    dict_inline_prefetch_element(d, a, hash);
}

/* --- buckets --- */

/* What a slot holds. */
struct item {
    uint64_t element; /* short pointer */
    uint8_t fingerprint;
    uint8_t spare;
};

/* The spare bits of a table of 2^BITS buckets are two of the hash from DICT_SPARE_FROM on:
 * those above the index where BITS is a multiple of three, and the same ones, known
 * from the index by then, for the two sizes above. */
static struct item get(const char *bucket, unsigned slot)
{
    uint32_t flags = dict_inline_flags(bucket);
    return (struct item){
        .element = arena_load_short(dict_inline_slot(bucket, slot)),
        .fingerprint = (uint8_t)bucket[slot],
        .spare = (uint8_t)(flags >> (DICT_SPARE_AT + 2 * slot) & 3),
    };
}

static void put(char *bucket, unsigned slot, struct item item)
{
    unsigned at = DICT_SPARE_AT + 2 * slot;
    uint32_t flags = dict_inline_flags(bucket) & ~((uint32_t)3 << at);
    bucket[slot] = (char)item.fingerprint;
    arena_store_short(dict_inline_slot(bucket, slot), item.element);
    set_flags(bucket, flags | 1U << slot | (uint32_t)item.spare << at);
}

/* Hangs a new bucket on LAST, which is full, with LAST's last element in it. */
static char *chain_grow(struct dict *d, struct arena *a, char *last)
{
    char *more = arena_alloc(a, DICT_BUCKET);
    set_flags(more, 0);
    put(more, 0, get(last, DICT_LAST));
    arena_store_short(dict_inline_slot(last, DICT_LAST), arena_shorten(a, more));
    set_flags(last, (dict_inline_flags(last) & ~(1U << DICT_LAST)) | DICT_CHAINED);
    d->chained++;
    return more;
}

static void chain_put(struct dict *d, struct arena *a, char *bucket, struct item item)
{
    bucket = bucket_last(a, bucket);
    if ((dict_inline_flags(bucket) & DICT_ALL) == DICT_ALL)
        bucket = chain_grow(d, a, bucket);
    put(bucket, (unsigned)__builtin_ctz(~dict_inline_flags(bucket)), item);
}

/* Fills the hole at HOLE from the last bucket of the chain, and takes that one's last
 * element into the bucket before it. */
static void chain_mend(struct dict *d, struct arena *a, char *head, char *hole_bucket, unsigned hole)
{
    char *before = head;
    char *last = dict_inline_next(a, head);
    while ((dict_inline_flags(last) & DICT_CHAINED) != 0) {
        before = last;
        last = dict_inline_next(a, last);
    }
    uint32_t left = dict_inline_flags(last) & DICT_ALL;
    if (hole_bucket != last) {
        put(hole_bucket, hole, get(last, (unsigned)__builtin_ctz(left)));
        set_flags(last, dict_inline_flags(last) & ~(left & -left));
        left &= left - 1;
    }
    if ((left & (left - 1)) != 0)
        return;
    set_flags(before, dict_inline_flags(before) & ~DICT_CHAINED);
    put(before, DICT_LAST, get(last, (unsigned)__builtin_ctz(left)));
    arena_free(a, last, DICT_BUCKET);
    d->chained--;
}

/* --- growing and shrinking --- */

/* Bits of the smallest table for COUNT elements. */
static uint64_t bits_for(uint64_t count)
{
    uint64_t bits = 0;
    while (bits < BITS_MAX && count > (uint64_t)GROW_FILL << bits)
        bits++;
    return bits;
}

static bool table_make(struct dict_table *t, struct arena *a, uint64_t bits)
{
    void *buckets = arena_try_alloc_zero(a, (size_t)DICT_BUCKET << bits);
    if (buckets == NULL)
        return false;
    t->buckets = arena_shorten(a, buckets);
    t->bits = bits;
    return true;
}

/* Begins a rehash to the table for COUNT elements, as far as one step may go. */
static bool rehash_begin(struct dict *d, struct arena *a, uint64_t count)
{
    uint64_t now = d->table[0].bits;
    uint64_t want = bits_for(count);
    if (want > now + STEP_BITS)
        want = now + STEP_BITS;
    if (want + STEP_BITS < now)
        want = now - STEP_BITS;
    if (want == now)
        return true;
    d->moved = 0;
    return table_make(&d->table[1], a, want);
}

/* Whether the old table's index and spare bits do not tell all that the new one wants. */
static bool needs_hash(const struct dict *d)
{
    return DICT_SPARE_FROM(d->table[1].bits) > DICT_SPARE_FROM(d->table[0].bits);
}

static void move_bucket(struct dict *d, struct arena *a, const struct dict_ops *ops, const void *owner,
                        char *head, uint64_t index)
{
    const struct dict_table *to = &d->table[1];
    uint64_t mask = dict_inline_size(to) - 1;
    unsigned known = DICT_SPARE_FROM(d->table[0].bits), wanted = DICT_SPARE_FROM(to->bits);
    bool rehash = needs_hash(d);
    for (char *bucket = head; bucket != NULL; bucket = dict_private_leave(d, a, head, bucket)) {
        for (uint32_t left = dict_inline_flags(bucket) & DICT_ALL; left != 0; left &= left - 1) {
            struct item item = get(bucket, (unsigned)__builtin_ctz(left));
            uint64_t hash = rehash ? ops->hash(owner, arena_expand(a, item.element))
                                   : index | (uint64_t)item.spare << known;
            item.spare = (uint8_t)(hash >> wanted & 3);
            chain_put(d, a, dict_inline_at(to, a, hash & mask), item);
        }
    }
    set_flags(head, 0);
}

bool dict_rehash_step(struct dict *d, struct arena *a, const struct dict_ops *ops, const void *owner,
                      uint64_t buckets)
{
    if (!dict_rehashing(d))
        return false;
    if (d->paused != 0)
        return true;
    uint64_t size = dict_inline_size(&d->table[0]);
    bool rehash = needs_hash(d);
    for (; buckets > 0 && d->moved < size; buckets--) {
        uint64_t index = d->moved++;
        /* Ahead of the next step: its elements, whose hash it will want, and the
         * bucket of the step after that. */
        if (rehash && index + 1 < size)
            dict_private_prefetch(a, dict_inline_at(&d->table[0], a, index + 1));
        if (index + 2 < size)
            __builtin_prefetch(dict_inline_at(&d->table[0], a, index + 2));
        move_bucket(d, a, ops, owner, dict_inline_at(&d->table[0], a, index), index);
    }
    if (d->moved < size)
        return true;
    dict_private_free(&d->table[0], a);
    d->table[0] = d->table[1];
    d->table[1] = (struct dict_table){0};
    d->moved = 0;
    return false;
}

/* --- changes --- */

void dict_add(struct dict *d, struct arena *a, const struct dict_ops *ops, const void *owner, void *element,
              uint64_t hash)
{
    if (d->paused == 0) {
        if (dict_rehashing(d))
            dict_rehash_step(d, a, ops, owner, 1);
        else if (d->count >= (uint64_t)GROW_FILL << d->table[0].bits)
            /* Where memory is short the chains grow longer instead. */
            (void)rehash_begin(d, a, d->count + 1);
    }
    if (d->table[0].buckets == 0 && !table_make(&d->table[0], a, 0))
        (void)arena_alloc(a, DICT_BUCKET); /* ends the process */
    const struct dict_table *t = &d->table[dict_inline_table(d, hash)];
    struct item item = {
        .element = arena_shorten(a, element),
        .fingerprint = dict_inline_fingerprint(hash),
        .spare = (uint8_t)(hash >> DICT_SPARE_FROM(t->bits) & 3),
    };
    chain_put(d, a, dict_inline_at(t, a, dict_inline_index(t, hash)), item);
    d->count++;
}

size_t dict_add_bytes(const struct dict *d, uint64_t count)
{
    /* What is chained hangs on a bucket with all but one of its slots used; and none chains more than a
     * bucket, and one for what it moves. */
    uint64_t most = (d->count + count) / (DICT_SLOTS - 1);
    most -= d->chained < most ? d->chained : most;
    return (size_t)(most < 2 * count ? most : 2 * count) * DICT_BUCKET;
}

void dict_remove(struct dict *d, struct arena *a, const struct dict_ops *ops, const void *owner,
                 struct dict_slot slot, uint64_t hash)
{
    /* Buckets are aligned to their size in the arena's base, which is aligned too. */
    size_t at = (size_t)((char *)slot.where - a->base) % DICT_BUCKET;
    char *bucket = (char *)slot.where - at;
    unsigned hole = (unsigned)(at - DICT_SLOTS) / ARENA_SHORT;
    set_flags(bucket, dict_inline_flags(bucket) & ~(1U << hole));
    d->count--;
    char *head = dict_inline_bucket(d, a, hash);
    if ((dict_inline_flags(head) & DICT_CHAINED) != 0)
        chain_mend(d, a, head, bucket, hole);
    if (d->paused != 0)
        return;
    if (d->count == 0 && d->table[0].bits > 0) {
        dict_done(d, a);
        return;
    }
    if (dict_rehashing(d))
        dict_rehash_step(d, a, ops, owner, 1);
    else if (d->count < (uint64_t)SHRINK_FILL << d->table[0].bits && d->table[0].bits > 0)
        (void)rehash_begin(d, a, d->count * 2);
}

void dict_replace(struct dict *d, struct arena *a, struct dict_slot slot, void *element)
{
    (void)d;
    arena_store_short(slot.where, arena_shorten(a, element));
}

int dict_reserve(struct dict *d, struct arena *a, uint64_t count)
{
    uint64_t bits = bits_for(count);
    if (count > (uint64_t)GROW_FILL << bits)
        return MR_E_MEMORY;
    if (dict_rehashing(d) || d->paused != 0 || (d->table[0].buckets != 0 && bits <= d->table[0].bits))
        return 0;
    if (d->count != 0)
        return rehash_begin(d, a, count) ? 0 : MR_E_MEMORY;
    struct dict_table fresh;
    if (!table_make(&fresh, a, bits))
        return MR_E_MEMORY;
    dict_private_free(&d->table[0], a);
    d->table[0] = fresh;
    return 0;
}

size_t dict_memory(const struct dict *d)
{
    uint64_t buckets = dict_inline_size(&d->table[0]) + dict_inline_size(&d->table[1]) + d->chained;
    return (size_t)buckets * DICT_BUCKET;
}
