/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Cutting a B+ tree in two, so that a part of it can be freed by and by.
 *
 * The nodes on the way down to the place are cut, each in its level: what stands before the place goes to
 * new nodes, which are the last of their levels in the one tree, as the rest of them are the first ones in
 * the other. So both are edges, which may have any number of items, and no other node has to be touched.
 */
#include "container/btree_node.h"
#include "container/btree_private.h"

/* Puts an item for CHILD, which is whole, at SLOT of N. */
static void name_child(const struct btree *t, const struct arena *a, struct btree_node *n, unsigned slot,
                       struct btree_node *child)
{
    btree_tags(n)[slot] = btree_tags(child)[0];
    btree_set_child(n, slot, arena_shorten(a, child));
    btree_weights(n)[slot] = btree_node_weight(t, child, 0, child->count);
    memcpy(btree_least(n, slot), child->level == 0 ? btree_leaf_element(child, 0) : btree_least(child, 0),
           ARENA_SHORT);
    child->parent = arena_shorten(a, n);
}

/* ROOT is T's, or, as long as it has but one child, that. */
static void set_root(struct btree *t, struct arena *a, struct btree_node *root)
{
    while (root->level > 0 && root->count == 1) {
        struct btree_node *child = btree_node(a, btree_child(root, 0));
        btree_node_free(t, a, root);
        root = child;
    }
    root->parent = 0;
    t->root = arena_shorten(a, root);
}

/* Bytes of the nodes, all of which but the root have the size of their level. */
static uint64_t nodes_bytes(const struct btree *t, const struct arena *a)
{
    const struct btree_node *first = btree_node(a, t->root), *n;
    uint64_t bytes = btree_node_size(first);
    for (; first->level > 0; first = btree_node(a, btree_child(first, 0))) {
        size_t size = btree_node_size(btree_node(a, btree_child(first, 0)));
        for (n = first; n != NULL; n = n->next == 0 ? NULL : btree_node(a, n->next))
            bytes += n->count * size;
    }
    return bytes;
}

static void cut_nodes(struct btree *t, struct arena *a, struct btree_node *n, unsigned slot,
                      struct btree *head)
{
    uint64_t before = n->prev;
    struct btree_node *made = btree_node_cut(head, a, n, slot, false), *child;
    head->first = made != NULL && before == 0 ? arena_shorten(a, made) : t->first;
    head->last = made != NULL ? arena_shorten(a, made) : before;
    t->first = arena_shorten(a, n);
    while (n->parent != 0) {
        child = made;
        struct btree_node *below = n;
        n = btree_node(a, n->parent);
        slot = btree_slot_of(n, arena_shorten(a, below), 0);
        made = btree_node_cut(head, a, n, slot, child != NULL);
        if (child != NULL)
            name_child(head, a, made, made->count++, child);
        name_child(t, a, n, 0, below);
    }
    set_root(t, a, n);
    set_root(head, a, made);
}

void btree_cut(struct btree *t, struct arena *a, const struct btree_place *place, struct btree *head)
{
    uint64_t weight = btree_rank(t, a, place), leaf = place->leaf;
    unsigned slot = place->slot;
    if (weight == 0)
        return;
    if (weight == t->weight) {
        *head = *t;
        btree_init(t, head->kind);
        return;
    }
    (void)btree_settle(a, &leaf, &slot);
    cut_nodes(t, a, btree_node(a, leaf), slot, head);
    uint64_t bytes = t->bytes + head->bytes;
    head->count = head->weight = weight;
    t->count = t->weight -= weight;
    if (head->weight < t->weight) {
        head->bytes = nodes_bytes(head, a);
        t->bytes = bytes - head->bytes;
    } else {
        t->bytes = nodes_bytes(t, a);
        head->bytes = bytes - t->bytes;
    }
}
