/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An order-statistics B+ tree of short pointers to elements in the arena, found by order, by
 * rank or by weight in O(log n). The tree owns its nodes, never the elements.
 *
 * Each element has a tag of 32 bits that stands beside its pointer:
 * - BTREE_BY_ORDER: a prefix of its place in the order: prefix(a) < prefix(b) only if a stands
 *   before b. Most comparisons need only it, and so no look at the element. Each weighs 1.
 *   For sorted sets (by score, then member) and streams (by id).
 * - BTREE_BY_PLACE: its weight, 1 or more; elements stand where they were put. For lists, whose
 *   elements are packed nodes that weigh what they hold.
 * The rank of an element is the weight of all before it.
 *
 * Nodes are filled to four fifths when elements come in any order, wholly when they come in
 * order, and to nearly a half at least while they go. A tree of few elements is one short leaf.
 * Every operation takes O(log n) time; those that say so are to be called in slices.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

enum btree_kind { BTREE_BY_ORDER, BTREE_BY_PLACE };

/* In the arena or out of it; holds no pointer out of the arena. */
struct btree {
    uint64_t root : 40, kind : 8; /* root, first, last: short pointers, 0 if empty */
    uint64_t first : 40;          /* leaves */
    uint64_t last : 40;
    uint64_t count;
    uint64_t weight; /* of all; by order: the count */
    uint64_t bytes;  /* of the nodes */
};

/* A place: an element, or behind the last one. Valid until the next change of the tree. */
struct btree_place {
    uint64_t leaf; /* short pointer; 0: the tree is empty */
    uint64_t path; /* the slots on the way down, a byte each, the lowest one first; a wrong one costs time */
    uint32_t slot;
};

/* Less than, equal to or greater than 0 as ELEMENT stands before, at or behind KEY. A key may stand
 * for a place between elements, and never be equal to one. */
typedef int btree_compare(const void *element, const void *key);

void btree_init(struct btree *t, enum btree_kind kind);

/* The first element that does not stand before KEY, whose own prefix is PREFIX; *EXACT (may be
 * NULL): KEY is at it. COMPARE is asked about elements of that very prefix only. */
struct btree_place btree_seek(const struct btree *t, const struct arena *a, btree_compare *compare,
                              const void *key, uint32_t prefix, bool *exact);
/* The element that holds the unit of weight number RANK (0 first); *REST (may be NULL): how far into it.
 * Behind the last if RANK is the weight of all or more. */
struct btree_place btree_at(const struct btree *t, const struct arena *a, uint64_t rank, uint64_t *rest);
/* The first and the last element; the place behind the last one. */
struct btree_place btree_first(const struct btree *t);
struct btree_place btree_last(const struct btree *t, const struct arena *a);
struct btree_place btree_end(const struct btree *t, const struct arena *a);

/* NULL behind the last. */
void *btree_element(const struct arena *a, const struct btree_place *place);
/* Its prefix or weight; 0 behind the last. */
uint32_t btree_tag(const struct arena *a, const struct btree_place *place);
/* To the next one, or the one before; false at the end, with *PLACE behind the last or unchanged.
 * What is likely to be asked for next is prefetched. */
bool btree_next(const struct arena *a, struct btree_place *place);
bool btree_prev(const struct arena *a, struct btree_place *place);
/* The weight of all before PLACE. */
uint64_t btree_rank(const struct btree *t, const struct arena *a, const struct btree_place *place);

/* Puts ELEMENT before PLACE: as btree_seek gave it for the element, or any in a tree by place. */
void btree_insert(struct btree *t, struct arena *a, const struct btree_place *place, void *element,
                  uint32_t tag);
/* What COUNT insertions may take of small objects, at most. */
size_t btree_insert_bytes(const struct btree *t, uint64_t count);
/* Takes the element at PLACE out; *PLACE is then the one that followed. */
void btree_remove(struct btree *t, struct arena *a, struct btree_place *place);
/* Takes out elements from *PLACE on as long as they weigh no more than WEIGHT in all, and calls FN
 * for each (which may free it, and must not use the tree). O(log n) for each leaf. *PLACE is then
 * the one that followed. Returns the weight taken out. */
uint64_t btree_remove_range(struct btree *t, struct arena *a, struct btree_place *place, uint64_t weight,
                            void (*fn)(void *arg, void *element), void *arg);
/* In a tree by order: takes out the elements from PLACE on to the end of its leaf of which GOES says so; it
 * is asked about each of them in order, may free it, and must not use the tree. PLACE is then behind the
 * last one that it was asked about. O(log n), and a leaf. Returns how many it took out. */
uint64_t btree_remove_some(struct btree *t, struct arena *a, struct btree_place *place,
                           bool (*goes)(void *arg, void *element), void *arg);
/* In a tree by order: moves what stands before PLACE to HEAD, an empty tree of that kind. O(log n), and a
 * look at every 5000th element of the smaller part. PLACE is not valid after. */
void btree_cut(struct btree *t, struct arena *a, const struct btree_place *place, struct btree *head);
/* Puts ELEMENT, which stands in the same order and has the same tag, in the place of the one there. */
void btree_replace(struct btree *t, struct arena *a, const struct btree_place *place, void *element);
/* In a tree by place: the weight of the element at PLACE is now WEIGHT. */
void btree_reweigh(struct btree *t, struct arena *a, const struct btree_place *place, uint32_t weight);

/* Frees leaves with about *BUDGET elements, which is what is left of it then, and all nodes with the
 * last of them; FN (may be NULL) for each element (which may free it). True when the tree is empty.
 * Nothing else may use it meanwhile. */
bool btree_drain(struct btree *t, struct arena *a, uint64_t *budget, void (*fn)(void *arg, void *element),
                 void *arg);
/* Moves nodes that are leaving (arena_is_leaving), and elements where MOVE (may be NULL) gives a new
 * address, or the old one. Handles about *BUDGET elements from the rank *CURSOR on (0 at first; the
 * tree may change between the calls), which then is the next one's. True at the end. */
bool btree_relocate(struct btree *t, struct arena *a, uint64_t *cursor, uint64_t *budget,
                    void *(*move)(void *arg, void *element), void *arg);

/* Whether links, counts, weights, fill and (BEFORE not NULL: X stands before Y) the order are as they
 * should be. O(n), for tests. */
bool btree_check(const struct btree *t, const struct arena *a, bool (*before)(const void *x, const void *y));
