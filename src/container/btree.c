/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The B+ tree: finding, walking, and putting elements in and out. What that does to the nodes
 * is in btree_node.c; draining, moving and checking whole trees in btree_walk.c.
 *
 * A place at which an element is to be put may be the end of a leaf as well as the beginning
 * of the next one: btree_seek gives the end, so that the least element of a leaf stays what it
 * is. Those who want an element settle the place first.
 */
#include "container/btree.h"

#include "container/btree_node.h"
#include "container/btree_private.h"

void btree_init(struct btree *t, enum btree_kind kind)
{
    *t = (struct btree){.kind = (uint8_t)kind};
}

/* --- searching a node --- */

#define LANES 4
#define BLOCK 16 /* tags, a cache line of them */
typedef uint32_t lanes __attribute__((vector_size(4 * LANES)));

/* How many tags are below PREFIX: whole blocks, told by their last tags, then those in the block
 * that is left. No branch but on the capacity, as any other would be mispredicted, and no load
 * that waits for another one: in a big tree a leaf is far from the processor. What stands behind
 * the last tag is read and does not count; a node with less than a block is too short for that. */
static inline unsigned lower_bound(const struct btree_node *n, uint32_t prefix)
{
    const uint32_t *tags = btree_tags(n);
    unsigned count = n->count, capacity = n->capacity, below = 0;
    if (capacity < BLOCK) {
        while (below < count && tags[below] < prefix)
            below++;
        return below;
    }
    for (unsigned last = BLOCK - 1; last < capacity; last += BLOCK)
        below += (unsigned)(last < count) & (unsigned)(tags[last] < prefix);
    below *= BLOCK;
    lanes key = {prefix, prefix, prefix, prefix}, less = {0};
    lanes index = {below, below + 1, below + 2, below + 3}, end = {count, count, count, count};
    for (unsigned i = 0; i < BLOCK; i += LANES) {
        lanes v;
        memcpy(&v, tags + below + i, sizeof v);
        less -= (lanes)(v < key) & (lanes)(index < end);
        index += LANES;
    }
    return below + less[0] + less[1] + less[2] + less[3];
}

struct range {
    unsigned begin, end;
};

/* The items whose tag is PREFIX. */
static inline struct range equal_range(const struct btree_node *n, uint32_t prefix)
{
    struct range r;
    r.begin = r.end = lower_bound(n, prefix);
    const uint32_t *tags = btree_tags(n);
    if (r.end == n->count || tags[r.end] != prefix)
        return r;
    r.end++;
    if (r.end < n->count && tags[r.end] == prefix)
        r.end = prefix == UINT32_MAX ? n->count : lower_bound(n, prefix + 1);
    return r;
}

/* The last child whose least element does not stand behind KEY; else the first. */
static unsigned seek_child(const struct arena *a, const struct btree_node *inner, btree_compare *compare,
                           const void *key, uint32_t prefix)
{
    struct range r = equal_range(inner, prefix);
    r.begin += r.begin == 0;
    while (r.begin < r.end) {
        unsigned middle = (r.begin + r.end) / 2;
        if (compare(arena_expand(a, arena_load_short(btree_least(inner, middle))), key) <= 0)
            r.begin = middle + 1;
        else
            r.end = middle;
    }
    return r.begin - 1;
}

/* All of it: a search looks at half of it, a change moves the rest. */
static inline void prefetch_node(const struct btree_node *n)
{
    for (unsigned at = 0; at < BTREE_LEAF_SIZE; at += 64)
        __builtin_prefetch((const char *)n + at);
}

struct btree_place btree_seek(const struct btree *t, const struct arena *a, btree_compare *compare,
                              const void *key, uint32_t prefix, bool *exact)
{
    struct btree_place place = {.leaf = t->root};
    if (exact != NULL)
        *exact = false;
    if (t->root == 0)
        return place;
    const struct btree_node *n = btree_node(a, t->root);
    while (n->level > 0) {
        unsigned slot = seek_child(a, n, compare, key, prefix);
        btree_note(&place, n->level, slot);
        place.leaf = btree_child(n, slot);
        n = btree_node(a, place.leaf);
        prefetch_node(n);
    }
    struct range r = equal_range(n, prefix);
    while (r.begin < r.end) {
        unsigned middle = (r.begin + r.end) / 2;
        int order = compare(arena_expand(a, arena_load_short(btree_leaf_element(n, middle))), key);
        if (order < 0) {
            r.begin = middle + 1;
            continue;
        }
        r.end = middle;
        if (order == 0) {
            r.begin = middle;
            if (exact != NULL)
                *exact = true;
        }
    }
    place.slot = r.begin;
    return place;
}

/* --- by rank --- */

static unsigned at_child(const struct btree_node *inner, uint64_t *rank)
{
    const uint64_t *weights = btree_weights(inner);
    unsigned slot = 0;
    while (slot + 4 < inner->count) {
        uint64_t four = weights[slot] + weights[slot + 1] + (weights[slot + 2] + weights[slot + 3]);
        if (*rank < four)
            break;
        *rank -= four;
        slot += 4;
    }
    while (*rank >= weights[slot])
        *rank -= weights[slot++];
    return slot;
}

struct btree_place btree_at(const struct btree *t, const struct arena *a, uint64_t rank, uint64_t *rest)
{
    if (rest != NULL)
        *rest = 0;
    if (rank >= t->weight)
        return btree_end(t, a);
    struct btree_place place = {.leaf = t->root};
    const struct btree_node *n = btree_node(a, t->root);
    while (n->level > 0) {
        unsigned slot = at_child(n, &rank);
        btree_note(&place, n->level, slot);
        place.leaf = btree_child(n, slot);
        n = btree_node(a, place.leaf);
    }
    if (t->kind == BTREE_BY_ORDER) {
        place.slot = (uint32_t)rank;
        return place;
    }
    const uint32_t *tags = btree_tags(n);
    while (rank >= tags[place.slot])
        rank -= tags[place.slot++];
    if (rest != NULL)
        *rest = rank;
    return place;
}

uint64_t btree_rank(const struct btree *t, const struct arena *a, const struct btree_place *place)
{
    if (place->leaf == 0)
        return 0;
    const struct btree_node *n = btree_node(a, place->leaf);
    uint64_t rank = btree_node_weight(t, n, 0, place->slot);
    for (uint64_t child = place->leaf; n->parent != 0; child = btree_node(a, child)->parent) {
        unsigned hint = btree_hint(place, n->level);
        n = btree_node(a, n->parent);
        rank += btree_node_weight(t, n, 0, btree_slot_of(n, child, hint));
    }
    return rank;
}

/* --- walking --- */

struct btree_place btree_first(const struct btree *t)
{
    return (struct btree_place){.leaf = t->first};
}

struct btree_place btree_end(const struct btree *t, const struct arena *a)
{
    struct btree_place place = {.leaf = t->last, .path = UINT64_MAX};
    if (t->last != 0)
        place.slot = btree_node(a, t->last)->count;
    return place;
}

struct btree_place btree_last(const struct btree *t, const struct arena *a)
{
    struct btree_place place = btree_end(t, a);
    if (place.leaf != 0)
        place.slot--;
    return place;
}

void *btree_element(const struct arena *a, const struct btree_place *place)
{
    uint64_t leaf = place->leaf;
    unsigned slot = place->slot;
    if (leaf == 0 || !btree_settle(a, &leaf, &slot))
        return NULL;
    return arena_expand(a, arena_load_short(btree_leaf_element(btree_node(a, leaf), slot)));
}

uint32_t btree_tag(const struct arena *a, const struct btree_place *place)
{
    uint64_t leaf = place->leaf;
    unsigned slot = place->slot;
    if (leaf == 0 || !btree_settle(a, &leaf, &slot))
        return 0;
    return btree_tags(btree_node(a, leaf))[slot];
}

#define AHEAD 6 /* elements */

static inline void prefetch_element(const struct arena *a, const struct btree_node *leaf, unsigned slot)
{
    __builtin_prefetch(arena_expand(a, arena_load_short(btree_leaf_element(leaf, slot))));
}

bool btree_next(const struct arena *a, struct btree_place *place)
{
    if (place->leaf == 0)
        return false;
    const struct btree_node *n = btree_node(a, place->leaf);
    if (place->slot >= n->count) {
        if (n->next == 0)
            return false;
        place->leaf = n->next;
        place->slot = 0;
        n = btree_node(a, n->next);
    }
    place->slot++;
    if (place->slot + AHEAD < n->count)
        prefetch_element(a, n, place->slot + AHEAD);
    if (place->slot < n->count)
        return true;
    if (n->next == 0)
        return false;
    place->leaf = n->next;
    place->slot = 0;
    n = btree_node(a, n->next);
    for (unsigned i = 0; i <= AHEAD && i < n->count; i++)
        prefetch_element(a, n, i);
    if (n->next != 0)
        prefetch_node(btree_node(a, n->next));
    return true;
}

bool btree_prev(const struct arena *a, struct btree_place *place)
{
    if (place->leaf == 0)
        return false;
    const struct btree_node *n = btree_node(a, place->leaf);
    if (place->slot > 0) {
        place->slot--;
        if (place->slot >= AHEAD)
            prefetch_element(a, n, place->slot - AHEAD);
        return true;
    }
    if (n->prev == 0)
        return false;
    place->leaf = n->prev;
    n = btree_node(a, n->prev);
    place->slot = n->count - 1U;
    for (unsigned i = 0; i <= AHEAD && i <= place->slot; i++)
        prefetch_element(a, n, place->slot - i);
    if (n->prev != 0)
        prefetch_node(btree_node(a, n->prev));
    return true;
}

/* --- changing --- */

void btree_insert(struct btree *t, struct arena *a, const struct btree_place *place, void *element,
                  uint32_t tag)
{
    struct btree_node *n;
    unsigned slot = 0;
    if (t->root == 0) {
        n = btree_node_root(t, a, 0);
        t->root = t->first = t->last = arena_shorten(a, n);
    } else {
        n = btree_node(a, place->leaf);
        slot = place->slot;
        if (n->count == n->capacity)
            btree_node_room(t, a, &n, &slot);
    }
    btree_node_open(n, slot, 1);
    btree_tags(n)[slot] = tag;
    arena_store_short(btree_leaf_element(n, slot), arena_shorten(a, element));
    uint64_t weight = t->kind == BTREE_BY_ORDER ? 1 : tag;
    btree_node_add(a, n, weight, place);
    if (slot == 0)
        btree_node_least(t, a, n);
    t->count++;
    t->weight += weight;
}

/* Takes COUNT items of WEIGHT at *SLOT of *LEAF out, which then name the place that followed. */
static void take_out(struct btree *t, struct arena *a, uint64_t *leaf, unsigned *slot, unsigned count,
                     uint64_t weight, const struct btree_place *place)
{
    struct btree_node *n = btree_node(a, *leaf);
    btree_node_close(n, *slot, count);
    btree_node_add(a, n, 0 - weight, place);
    t->count -= count;
    t->weight -= weight;
    if (*slot == 0 && n->count > 0)
        btree_node_least(t, a, n);
    btree_node_mend(t, a, n, leaf, slot);
}

void btree_remove(struct btree *t, struct arena *a, struct btree_place *place)
{
    uint64_t leaf = place->leaf;
    unsigned slot = place->slot;
    if (leaf == 0 || !btree_settle(a, &leaf, &slot))
        return;
    take_out(t, a, &leaf, &slot, 1, btree_node_weight(t, btree_node(a, leaf), slot, 1), place);
    place->leaf = leaf;
    place->slot = slot;
}

uint64_t btree_remove_range(struct btree *t, struct arena *a, struct btree_place *place, uint64_t weight,
                            void (*fn)(void *arg, void *element), void *arg)
{
    uint64_t leaf = place->leaf, out = 0;
    unsigned slot = place->slot;
    while (t->count > 0 && btree_settle(a, &leaf, &slot)) {
        const struct btree_node *n = btree_node(a, leaf);
        uint64_t taken = 0;
        unsigned end = slot;
        for (; end < n->count; end++) {
            uint64_t one = t->kind == BTREE_BY_ORDER ? 1 : btree_tags(n)[end];
            if (one > weight - out - taken)
                break;
            taken += one;
        }
        if (end == slot)
            break;
        if (fn != NULL)
            for (unsigned i = slot; i < end; i++)
                fn(arg, arena_expand(a, arena_load_short(btree_leaf_element(n, i))));
        bool whole = end == n->count;
        take_out(t, a, &leaf, &slot, end - slot, taken, place);
        out += taken;
        if (!whole)
            break;
    }
    place->leaf = leaf;
    place->slot = slot;
    return out;
}

/* Closes the gaps of those items from SLOT on that go; returns how many do. */
static unsigned close_some(const struct arena *a, struct btree_node *n, unsigned slot,
                           bool (*goes)(void *arg, void *element), void *arg)
{
    uint32_t *tags = btree_tags(n);
    unsigned to = slot, count = n->count;
    for (unsigned i = slot; i < count; i++) {
        const char *item = btree_leaf_element(n, i);
        if (goes(arg, arena_expand(a, arena_load_short(item))))
            continue;
        tags[to] = tags[i];
        memmove(btree_leaf_element(n, to++), item, ARENA_SHORT);
    }
    n->count = to;
    return count - to;
}

uint64_t btree_remove_some(struct btree *t, struct arena *a, struct btree_place *place,
                           bool (*goes)(void *arg, void *element), void *arg)
{
    uint64_t leaf = place->leaf;
    unsigned slot = place->slot;
    if (leaf == 0 || !btree_settle(a, &leaf, &slot))
        return 0;
    struct btree_node *n = btree_node(a, leaf);
    bool first = slot == 0;
    unsigned gone = close_some(a, n, slot, goes, arg);
    slot = n->count;
    if (gone > 0) {
        btree_node_add(a, n, 0 - (uint64_t)gone, place);
        t->count = t->weight -= gone;
        if (first && n->count > 0)
            btree_node_least(t, a, n);
        btree_node_mend(t, a, n, &leaf, &slot);
    }
    place->leaf = leaf;
    place->slot = slot;
    return gone;
}

void btree_replace(struct btree *t, struct arena *a, const struct btree_place *place, void *element)
{
    uint64_t leaf = place->leaf;
    unsigned slot = place->slot;
    if (leaf == 0 || !btree_settle(a, &leaf, &slot))
        return;
    struct btree_node *n = btree_node(a, leaf);
    arena_store_short(btree_leaf_element(n, slot), arena_shorten(a, element));
    if (slot == 0)
        btree_node_least(t, a, n);
}

void btree_reweigh(struct btree *t, struct arena *a, const struct btree_place *place, uint32_t weight)
{
    uint64_t leaf = place->leaf;
    unsigned slot = place->slot;
    if (leaf == 0 || !btree_settle(a, &leaf, &slot))
        return;
    struct btree_node *n = btree_node(a, leaf);
    uint64_t delta = (uint64_t)weight - btree_tags(n)[slot];
    btree_tags(n)[slot] = weight;
    btree_node_add(a, n, delta, place);
    t->weight += delta;
}
