/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Changes of the nodes of a B+ tree that leave its elements as they are, for the tree's own files.
 */
#pragma once

#include "container/btree_private.h"

/* The smallest node for a root of LEVEL. */
struct btree_node *btree_node_root(struct btree *t, struct arena *a, unsigned level);
/* Moves N to another address, with room for CAPACITY items, and mends all that names it. */
struct btree_node *btree_node_move(struct btree *t, struct arena *a, struct btree_node *n, unsigned capacity);
void btree_node_free(struct btree *t, struct arena *a, struct btree_node *n);
/* The weight of COUNT items from SLOT on. */
uint64_t btree_node_weight(const struct btree *t, const struct btree_node *n, unsigned slot, unsigned count);
/* Opens a gap of COUNT items at SLOT, or closes one. */
void btree_node_open(struct btree_node *n, unsigned slot, unsigned count);
void btree_node_close(struct btree_node *n, unsigned slot, unsigned count);
/* The weight of N grows by DELTA (modulo 2^64): tells those above. PLACE may be NULL. */
void btree_node_add(const struct arena *a, const struct btree_node *n, uint64_t delta,
                    const struct btree_place *place);
/* The first element of N is another one: tells those above. */
void btree_node_least(const struct btree *t, const struct arena *a, const struct btree_node *n);
/* Makes room for one more item at *SLOT of the full **N, which then are where it is to go. */
void btree_node_room(struct btree *t, struct arena *a, struct btree_node **n, unsigned *slot);
/* Items of N went: frees it if it is empty, mends its fill, lowers the tree. *LEAF and *SLOT, a
 * place in N, follow its item; both NULL where nobody asks. */
void btree_node_mend(struct btree *t, struct arena *a, struct btree_node *n, uint64_t *leaf, unsigned *slot);
/* Takes the items before SLOT out of N, which nothing stands before then, and what stood before them
 * behind nothing. They are in a node of HEAD's, which is returned (NULL: there are none); SPARE: it is
 * made in any case, for one more item. Those above are not told. */
struct btree_node *btree_node_cut(struct btree *head, struct arena *a, struct btree_node *n, unsigned slot,
                                  bool spare);
