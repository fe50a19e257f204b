/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The nodes of a B+ tree, which its files share. A node is a head and columns, each of them an
 * array with room for CAPACITY items:
 *
 *   leaf:   | head | u32 tag | 5-byte element |
 *   inner:  | head | u32 tag of its least element, u32 low bits of the child | u64 weight |
 *             u8 high bits of the child | 5-byte least element |
 *
 * The tag and the least element of an inner item are those of the first element below it, and
 * kept only in a tree by order; an element that is freed or moves is named nowhere but there
 * and in its leaf.
 *
 * Nodes of a level are linked with each other. Of a level, the first and the last node (the
 * edges) may have any number of items from 1 on; the others have BTREE_MIN of them at least.
 * Every node has the room of its level but the root, which grows and shrinks by doubling.
 */
#pragma once

#include "container/btree.h"

/* Measured: leaves of half the size take 5 % more memory and more time, those of twice the size 3 % less
 * memory and a tenth more time for an insertion. */
#define BTREE_LEAF_SIZE   1024
#define BTREE_INNER_SIZE  1024
#define BTREE_LEAF_LEAST  64 /* of one that is the root */
#define BTREE_INNER_LEAST 256
#define BTREE_HEAD        24
#define BTREE_LEAF_ITEM   9
#define BTREE_INNER_ITEM  22

/* Fewest items of a node that is no edge, and most of one that two are made into. */
#define BTREE_MIN(ROOM)    ((ROOM)*7 / 16)
#define BTREE_MERGED(ROOM) ((ROOM)*15 / 16)
/* An edge with fewer looks for one to be merged with. */
#define BTREE_EDGE(ROOM)   ((ROOM) / 4)
/* A full node shares with a neighbour that has so much room. */
#define BTREE_SHARE(ROOM)  ((ROOM) / 8)

struct btree_node {
    uint64_t parent : 40, count : 12, capacity : 12;
    uint64_t next : 40, level : 8; /* 0: a leaf */
    uint64_t prev : 40;
};

static inline struct btree_node *btree_node(const struct arena *a, uint64_t shortened)
{
    return (struct btree_node *)(void *)(a->base + (shortened << 3));
}

static inline uint32_t *btree_tags(const struct btree_node *n)
{
    return (uint32_t *)((char *)n + BTREE_HEAD);
}

static inline char *btree_leaf_element(const struct btree_node *leaf, unsigned slot)
{
    return (char *)leaf + BTREE_HEAD + 4 * leaf->capacity + ARENA_SHORT * slot;
}

static inline uint32_t *btree_lows(const struct btree_node *inner)
{
    return (uint32_t *)((char *)inner + BTREE_HEAD + 4 * inner->capacity);
}

static inline uint64_t *btree_weights(const struct btree_node *inner)
{
    return (uint64_t *)((char *)inner + BTREE_HEAD + 8 * inner->capacity);
}

static inline uint8_t *btree_highs(const struct btree_node *inner)
{
    return (uint8_t *)inner + BTREE_HEAD + 16 * inner->capacity;
}

static inline char *btree_least(const struct btree_node *inner, unsigned slot)
{
    return (char *)inner + BTREE_HEAD + 17 * inner->capacity + ARENA_SHORT * slot;
}

static inline uint64_t btree_child(const struct btree_node *inner, unsigned slot)
{
    return (uint64_t)btree_highs(inner)[slot] << 32 | btree_lows(inner)[slot];
}

static inline void btree_set_child(struct btree_node *inner, unsigned slot, uint64_t child)
{
    btree_lows(inner)[slot] = (uint32_t)child;
    btree_highs(inner)[slot] = (uint8_t)(child >> 32);
}

static inline size_t btree_node_size(const struct btree_node *n)
{
    return BTREE_HEAD + (size_t)n->capacity * (n->level == 0 ? BTREE_LEAF_ITEM : BTREE_INNER_ITEM);
}

/* Where CHILD stands in PARENT; HINT is tried first. */
static inline unsigned btree_slot_of(const struct btree_node *parent, uint64_t child, unsigned hint)
{
    if (hint >= parent->count)
        hint = parent->count - 1U;
    if (btree_child(parent, hint) == child)
        return hint;
    const uint32_t *lows = btree_lows(parent);
    unsigned slot = 0;
    while (lows[slot] != (uint32_t)child || btree_child(parent, slot) != child)
        slot++;
    return slot;
}

/* The hint for the slot of a node of LEVEL in its parent. */
static inline unsigned btree_hint(const struct btree_place *place, unsigned level)
{
    return place != NULL && level < 8 ? (uint8_t)(place->path >> 8 * level) : UINT8_MAX;
}

/* Notes SLOT of an inner node of LEVEL for that. */
static inline void btree_note(struct btree_place *place, unsigned level, unsigned slot)
{
    if (level <= 8)
        place->path |= (uint64_t)slot << 8 * (level - 1);
}

/* The place at a slot that may be behind the last one of its leaf, as the first one of the next. */
static inline bool btree_settle(const struct arena *a, uint64_t *leaf, unsigned *slot)
{
    const struct btree_node *n = btree_node(a, *leaf);
    if (*slot < n->count)
        return true;
    if (n->next == 0)
        return false;
    *leaf = n->next;
    *slot = 0;
    return true;
}

/* The room of a node of SIZE bytes; even in an inner one, so that the weights are aligned. */
static inline unsigned btree_room(unsigned level, unsigned size)
{
    return level == 0 ? (size - BTREE_HEAD) / BTREE_LEAF_ITEM : (size - BTREE_HEAD) / BTREE_INNER_ITEM & ~1U;
}
