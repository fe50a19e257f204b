/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Changes of sets that are tables, and what is drawn from them at random.
 */
#include "types/set/set_table.h"

#include <assert.h>

#include "base/random.h"

/* Where this share of a table's elements is drawn, it is walked instead. */
#define DRAW_SHARE 3

static struct arena *arena_of(struct keyspace *ks)
{
    return keyspace_arena(ks);
}

struct set_table *set_table_new(struct keyspace *ks, uint64_t hint)
{
    struct set_table *t = arena_alloc(arena_of(ks), sizeof *t);
    t->expiring = 0;
    dict_init(&t->dict);
    t->drained = 0;
    /* A table that is not there will grow as it is filled. */
    if (hint > 0 && dict_reserve(&t->dict, arena_of(ks), hint) < 0)
        dict_init(&t->dict);
    return t;
}

static void free_element(void *arg, void *element)
{
    set_element_free(arg, element);
}

void set_table_free(struct keyspace *ks, struct set_table *t)
{
    expiring_free(ks, &t->expiring);
    while (!dict_drain(&t->dict, arena_of(ks), &t->drained, UINT64_MAX, free_element, ks))
        continue;
    arena_free(arena_of(ks), t, sizeof *t);
}

size_t set_element_bytes(const void *element)
{
    return set_element_size(set_element_text(element).len, expiring_has(element));
}

int set_table_promise(struct keyspace *ks, const struct set_table *t, const struct slice *texts, size_t count,
                      bool expire, bool *promised)
{
    *promised = false;
    if (count <= ARENA_CUSHION_OBJECTS)
        return 0;
    size_t bytes = t == NULL ? 0 : dict_add_bytes(&t->dict, count);
    for (size_t i = 0; i < count; i++) {
        size_t size = set_element_size(texts[i].len, expire);
        bytes += size <= SET_SURE_MAX ? arena_usable(size) : 0;
    }
    *promised = arena_promise(arena_of(ks), bytes);
    return *promised ? 0 : MR_E_MEMORY;
}

static inline __attribute__((always_inline)) void *element_new(struct arena *a, struct slice text,
                                                               bool expires)
{
    if (__builtin_expect(text.len > UINT32_MAX, 0))
        return NULL;
    size_t size = set_element_size(text.len, expires);
    unsigned char *p =
        __builtin_expect(size <= SET_SURE_MAX, 1) ? arena_alloc(a, size) : arena_try_alloc(a, size);
    if (p == NULL)
        return NULL;
    p[0] = expires ? EXPIRING_ELEMENT : 0;
    entry_put_counted(p + (expires ? EXPIRING_HEAD : 1), text);
    return p;
}

void *set_element_new(struct keyspace *ks, struct slice text, bool expires)
{
    return element_new(arena_of(ks), text, expires);
}

void set_element_free(struct keyspace *ks, void *element)
{
    arena_free(arena_of(ks), element, set_element_bytes(element));
}

void *set_table_find(const struct set_table *t, const struct keyspace *ks, struct slice text, uint64_t hash,
                     struct dict_slot *slot)
{
    return dict_inline_find(&t->dict, keyspace_arena(ks), &set_dict_ops, text, hash, slot);
}

void set_table_link(struct keyspace *ks, struct set_table *t, void *element, uint64_t hash, int64_t expiry_ms)
{
    dict_add(&t->dict, arena_of(ks), &set_dict_ops, ks, element, hash);
    if (expiring_has(element))
        expiring_add(ks, &t->expiring, element, expiry_ms);
}

void set_table_replace(struct keyspace *ks, struct set_table *t, void *old, struct dict_slot slot,
                       void *element, int64_t expiry_ms)
{
    if (expiring_has(old))
        expiring_remove(ks, &t->expiring, old);
    dict_replace(&t->dict, arena_of(ks), slot, element);
    set_element_free(ks, old);
    if (expiring_has(element))
        expiring_add(ks, &t->expiring, element, expiry_ms);
}

int set_table_expire(struct keyspace *ks, struct set_table *t, void *old, struct dict_slot slot,
                     int64_t expiry_ms)
{
    if (expiry_ms >= 0 && expiring_has(old)) {
        expiring_change(ks, &t->expiring, old, expiry_ms);
        return 0;
    }
    if (expiry_ms < 0 && !expiring_has(old))
        return 0;
    void *made = set_element_new(ks, set_element_text(old), expiry_ms >= 0);
    if (made == NULL)
        return MR_E_MEMORY;
    set_table_replace(ks, t, old, slot, made, expiry_ms);
    return 0;
}

int set_table_add(struct keyspace *ks, struct set_table *t, struct slice text, uint64_t hash)
{
    struct arena *a = arena_of(ks);
    void *old = dict_inline_find(&t->dict, a, &set_dict_ops, text, hash, NULL);
    if (old != NULL && !set_element_hidden(ks, old))
        return 0;
    void *element = element_new(a, text, false);
    if (element == NULL)
        return MR_E_MEMORY;
    if (__builtin_expect(old != NULL, 0))
        set_table_drop(ks, t, old);
    dict_add(&t->dict, a, &set_dict_ops, ks, element, hash);
    return 1;
}

int set_table_add_batch(struct keyspace *ks, struct set_table *t, struct set_batch *b, uint64_t mask,
                        uint64_t *added)
{
    *added = 0;
    uint8_t order[SET_BATCH];
    unsigned n = set_batch_order(mask, order);
    set_batch_hash(ks, b, mask);
    for (unsigned k = 0; k < n + 2 * SET_AHEAD; k++) {
        if (k < n && t->dict.table[0].buckets != 0)
            dict_inline_prefetch_bucket(&t->dict, arena_of(ks), b->members[order[k]].hash);
        if (k >= SET_AHEAD && k - SET_AHEAD < n)
            dict_inline_prefetch_element(&t->dict, arena_of(ks), b->members[order[k - SET_AHEAD]].hash);
        if (k < 2 * SET_AHEAD)
            continue;
        unsigned i = order[k - 2 * SET_AHEAD];
        int code = set_table_add(ks, t, set_batch_text(b, i), b->members[i].hash);
        if (code < 0)
            return code;
        if (code > 0)
            *added |= UINT64_C(1) << i;
    }
    return 0;
}

bool set_table_remove(struct keyspace *ks, struct set_table *t, struct slice text, uint64_t hash)
{
    struct dict_slot slot;
    void *element = set_table_find(t, ks, text, hash, &slot);
    if (element == NULL)
        return false;
    if (expiring_has(element)) {
        if (expiring_hides(ks, element))
            return false;
        expiring_remove(ks, &t->expiring, element);
    }
    dict_remove(&t->dict, arena_of(ks), &set_dict_ops, ks, slot, hash);
    set_element_free(ks, element);
    return true;
}

static void drop(struct keyspace *ks, struct set_table *t, void *element, uint64_t hash)
{
    struct dict_slot slot = dict_locate(&t->dict, arena_of(ks), element, hash);
    assert(slot.where != NULL);
    if (expiring_has(element))
        expiring_remove(ks, &t->expiring, element);
    dict_remove(&t->dict, arena_of(ks), &set_dict_ops, ks, slot, hash);
    set_element_free(ks, element);
}

void set_table_drop(struct keyspace *ks, struct set_table *t, void *element)
{
    drop(ks, t, element, set_element_hash(ks, element));
}

void set_table_drop_all(struct keyspace *ks, struct set_table *t, void *const *elements, uint64_t count)
{
    uint64_t hashes[SET_BATCH];
    for (uint64_t from = 0; from < count; from += SET_BATCH) {
        unsigned n = count - from < SET_BATCH ? (unsigned)(count - from) : SET_BATCH;
        for (unsigned i = 0; i < n + SET_AHEAD; i++) {
            if (i < n)
                __builtin_prefetch(elements[from + i]);
            if (i < SET_AHEAD)
                continue;
            hashes[i - SET_AHEAD] = set_element_hash(ks, elements[from + i - SET_AHEAD]);
            dict_inline_prefetch_bucket(&t->dict, arena_of(ks), hashes[i - SET_AHEAD]);
        }
        for (unsigned i = 0; i < n; i++)
            drop(ks, t, elements[from + i], hashes[i]);
    }
}

/* --- draws --- */

/* Walks over all, taking each with the chance that makes every choice as likely. */
static void draw_walking(struct keyspace *ks, struct set_table *t, void **elements, uint64_t count)
{
    struct set s = set_of_table(ks, t);
    struct random *r = keyspace_random(ks);
    struct set_walk w;
    struct set_batch b;
    uint64_t left = dict_count(&t->dict), taken = 0;
    set_walk_begin(&w, &s);
    while (taken < count && set_walk_next(&w, &b))
        for (unsigned i = 0; i < b.count && taken < count; i++, left--)
            if (random_below(r, left) < count - taken)
                elements[taken++] = (void *)(uintptr_t)b.members[i].element;
}

int set_table_draw(struct keyspace *ks, struct set_table *t, void **elements, uint64_t count)
{
    if (count < dict_count(&t->dict) / DRAW_SHARE)
        return dict_random_few(&t->dict, arena_of(ks), keyspace_random(ks), elements, count);
    draw_walking(ks, t, elements, count);
    return 0;
}

uint64_t set_table_draw_seen(struct keyspace *ks, struct set_table *t, void **elements, uint64_t count)
{
    struct set s = set_of_table(ks, t);
    struct random *r = keyspace_random(ks);
    struct set_walk w;
    struct set_batch b;
    uint64_t seen = 0;
    set_walk_begin(&w, &s);
    while (set_walk_next(&w, &b))
        for (unsigned i = 0; i < b.count; i++) {
            void *element = (void *)(uintptr_t)b.members[i].element;
            uint64_t place = seen < count ? seen : random_below(r, seen + 1);
            seen++;
            if (place < count)
                elements[place] = element;
        }
    return seen < count ? seen : count;
}
