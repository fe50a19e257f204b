/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Walks over whole B+ trees: freeing them in slices, moving what leaves its span of the arena,
 * and the check that tests make.
 */
#include "container/btree_node.h"
#include "container/btree_private.h"

/* --- freeing --- */

/* Frees N, and those above it of which it was the last child that was left: all before it are gone. */
static void drain_node(struct btree *t, struct arena *a, struct btree_node *n)
{
    for (;;) {
        uint64_t parent = n->parent, next = n->next;
        btree_node_free(t, a, n);
        if (parent == 0 || (next != 0 && btree_node(a, next)->parent == parent))
            return;
        n = btree_node(a, parent);
    }
}

bool btree_drain(struct btree *t, struct arena *a, uint64_t *budget, void (*fn)(void *arg, void *element),
                 void *arg)
{
    while (t->first != 0 && *budget > 0) {
        struct btree_node *leaf = btree_node(a, t->first);
        if (leaf->next != 0)
            __builtin_prefetch(btree_node(a, leaf->next));
        if (fn != NULL)
            for (unsigned i = 0; i < leaf->count; i++)
                fn(arg, arena_expand(a, arena_load_short(btree_leaf_element(leaf, i))));
        t->count -= leaf->count;
        *budget -= leaf->count < *budget ? leaf->count : *budget;
        t->first = leaf->next;
        drain_node(t, a, leaf);
    }
    if (t->first != 0)
        return false;
    btree_init(t, t->kind);
    return true;
}

/* --- moving --- */

static struct btree_node *relocate_node(struct btree *t, struct arena *a, struct btree_node *n)
{
    return arena_is_leaving(a, n, btree_node_size(n)) ? btree_node_move(t, a, n, n->capacity) : n;
}

static void relocate_elements(struct btree *t, struct arena *a, struct btree_node *leaf,
                              void *(*move)(void *arg, void *element), void *arg)
{
    for (unsigned i = 0; i < leaf->count; i++) {
        char *where = btree_leaf_element(leaf, i);
        void *element = arena_expand(a, arena_load_short(where));
        void *now = move(arg, element);
        if (now == element)
            continue;
        arena_store_short(where, arena_shorten(a, now));
        if (i == 0)
            btree_node_least(t, a, leaf);
    }
}

bool btree_relocate(struct btree *t, struct arena *a, uint64_t *cursor, uint64_t *budget,
                    void *(*move)(void *arg, void *element), void *arg)
{
    struct btree_place place = btree_at(t, a, *cursor, NULL);
    if (*cursor >= t->weight)
        return true;
    /* Whole leaves: the cursor goes back to the begin of the one that it is in. */
    place.slot = 0;
    *cursor = btree_rank(t, a, &place);
    for (uint64_t at = place.leaf; *budget > 0;) {
        struct btree_node *n = relocate_node(t, a, btree_node(a, at)), *leaf = n;
        while (n->parent != 0) {
            const struct btree_node *parent = btree_node(a, n->parent);
            if (btree_child(parent, 0) != arena_shorten(a, n))
                break;
            n = relocate_node(t, a, btree_node(a, n->parent));
        }
        if (move != NULL)
            relocate_elements(t, a, leaf, move, arg);
        *cursor += btree_node_weight(t, leaf, 0, leaf->count);
        *budget -= leaf->count < *budget ? leaf->count : *budget;
        at = leaf->next;
        if (at == 0)
            return true;
    }
    return false;
}

/* --- checking --- */

struct check {
    const struct btree *t;
    const struct arena *a;
    bool (*before)(const void *x, const void *y);
    uint64_t left[16]; /* the node before, by level */
    uint64_t count, bytes;
    const void *last; /* element */
    uint32_t tag;     /* its */
};

static bool check_leaf(struct check *c, const struct btree_node *n, uint64_t *weight)
{
    for (unsigned i = 0; i < n->count; i++) {
        const void *element = arena_expand(c->a, arena_load_short(btree_leaf_element(n, i)));
        uint32_t tag = btree_tags(n)[i];
        if (element == NULL)
            return false;
        *weight += c->t->kind == BTREE_BY_PLACE ? tag : 1;
        if (c->t->kind == BTREE_BY_ORDER && c->last != NULL &&
            (c->tag > tag || (c->before != NULL && !c->before(c->last, element))))
            return false;
        c->last = element;
        c->tag = tag;
    }
    c->count += n->count;
    return true;
}

static bool check_head(struct check *c, const struct btree_node *n, uint64_t self, uint64_t parent)
{
    bool edge = n->prev == 0 || n->next == 0;
    unsigned full = btree_room(n->level, n->level == 0 ? BTREE_LEAF_SIZE : BTREE_INNER_SIZE);
    if (n->level >= 16 || n->parent != parent || n->prev != c->left[n->level] || n->count == 0 ||
        n->count > n->capacity)
        return false;
    if (n->prev != 0 && btree_node(c->a, n->prev)->next != self)
        return false;
    if (parent == 0)
        return n->level == 0 || n->count > 1;
    return n->capacity == full && (edge || n->count >= BTREE_MIN(full));
}

static bool check_node(struct check *c, uint64_t self, uint64_t parent, uint64_t *weight)
{
    const struct btree_node *n = btree_node(c->a, self);
    if (!check_head(c, n, self, parent))
        return false;
    c->left[n->level] = self;
    c->bytes += btree_node_size(n);
    if (n->level == 0)
        return check_leaf(c, n, weight);
    for (unsigned i = 0; i < n->count; i++) {
        uint64_t below = 0;
        const struct btree_node *child = btree_node(c->a, btree_child(n, i));
        if (child->level + 1U != n->level || !check_node(c, btree_child(n, i), self, &below))
            return false;
        if (btree_weights(n)[i] != below)
            return false;
        *weight += below;
        const char *least = child->level == 0 ? btree_leaf_element(child, 0) : btree_least(child, 0);
        if (c->t->kind == BTREE_BY_ORDER &&
            (btree_tags(n)[i] != btree_tags(child)[0] || memcmp(btree_least(n, i), least, ARENA_SHORT) != 0))
            return false;
    }
    return true;
}

bool btree_check(const struct btree *t, const struct arena *a, bool (*before)(const void *x, const void *y))
{
    struct check c = {.t = t, .a = a, .before = before};
    uint64_t weight = 0;
    if (t->root == 0)
        return t->first == 0 && t->last == 0 && t->count == 0 && t->weight == 0 && t->bytes == 0;
    if (!check_node(&c, t->root, 0, &weight))
        return false;
    for (unsigned level = 0; level < 16; level++)
        if (c.left[level] != 0 && btree_node(a, c.left[level])->next != 0)
            return false;
    return btree_node(a, t->first)->prev == 0 && btree_node(a, t->first)->level == 0 &&
           t->last == c.left[0] && t->weight == weight && t->count == c.count && t->bytes == c.bytes;
}
