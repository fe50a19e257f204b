/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The nodes of a B+ tree: how they are made, split, filled up, merged and moved, alike for
 * leaves and inner nodes. What the elements are and how they are found is not known here.
 *
 * A full node shares with a neighbour that has room, and is split only if there is none, which
 * keeps nodes filled to four fifths where elements come in any order (to make two full
 * neighbours three gains nothing over that). At the edges of the tree a full node stays as it
 * is, and a new one begins beside it.
 *
 * Between the making of a node and its first item the item above that names it has weight 0
 * and no least element; both come with the first item.
 */
#include "container/btree_node.h"

struct column {
    uint8_t begin; /* times the capacity */
    uint8_t width;
};

static const struct column leaf_columns[] = {{0, 4}, {4, ARENA_SHORT}};
static const struct column inner_columns[] = {{0, 4}, {4, 4}, {8, 8}, {16, 1}, {17, ARENA_SHORT}};

static const struct column *columns_of(const struct btree_node *n, unsigned *count)
{
    *count = n->level == 0 ? 2 : 5;
    return n->level == 0 ? leaf_columns : inner_columns;
}

static char *cell(const struct btree_node *n, struct column c, unsigned slot)
{
    return (char *)n + BTREE_HEAD + (size_t)n->capacity * c.begin + (size_t)slot * c.width;
}

static unsigned full_room(unsigned level)
{
    return btree_room(level, level == 0 ? BTREE_LEAF_SIZE : BTREE_INNER_SIZE);
}

static struct btree_node *node_new(struct btree *t, struct arena *a, unsigned level, unsigned capacity)
{
    struct btree_node head = {.level = (uint8_t)level, .capacity = capacity};
    struct btree_node *n = arena_alloc(a, btree_node_size(&head));
    *n = head;
    t->bytes += btree_node_size(n);
    return n;
}

size_t btree_insert_bytes(const struct btree *t, uint64_t count)
{
    size_t all = BTREE_INNER_SIZE; /* the root */
    uint64_t nodes = t->count + count;
    unsigned levels = 1;
    do {
        unsigned level = levels++ == 1 ? 0 : 1;
        nodes = nodes / BTREE_MIN(full_room(level)) + 2; /* the edges may have fewer */
        all += (size_t)nodes * (level == 0 ? BTREE_LEAF_SIZE : BTREE_INNER_SIZE);
    } while (nodes > 2);
    /* None makes more than a node of each level. */
    size_t each = (size_t)count * levels * BTREE_LEAF_SIZE;
    all -= t->bytes < all ? t->bytes : all;
    return each < all ? each : all;
}

struct btree_node *btree_node_root(struct btree *t, struct arena *a, unsigned level)
{
    return node_new(t, a, level, btree_room(level, level == 0 ? BTREE_LEAF_LEAST : BTREE_INNER_LEAST));
}

void btree_node_free(struct btree *t, struct arena *a, struct btree_node *n)
{
    t->bytes -= btree_node_size(n);
    arena_free(a, n, btree_node_size(n));
}

uint64_t btree_node_weight(const struct btree *t, const struct btree_node *n, unsigned slot, unsigned count)
{
    uint64_t weight = 0;
    if (n->level > 0) {
        const uint64_t *weights = btree_weights(n);
        for (unsigned i = slot; i < slot + count; i++)
            weight += weights[i];
    } else if (t->kind == BTREE_BY_PLACE) {
        const uint32_t *tags = btree_tags(n);
        for (unsigned i = slot; i < slot + count; i++)
            weight += tags[i];
    } else {
        weight = count;
    }
    return weight;
}

/* --- items --- */

void btree_node_open(struct btree_node *n, unsigned slot, unsigned count)
{
    unsigned columns, behind = n->count - slot;
    const struct column *c = columns_of(n, &columns);
    for (unsigned i = 0; i < columns; i++)
        memmove(cell(n, c[i], slot + count), cell(n, c[i], slot), (size_t)behind * c[i].width);
    n->count += count;
}

void btree_node_close(struct btree_node *n, unsigned slot, unsigned count)
{
    unsigned columns, behind = n->count - slot - count;
    const struct column *c = columns_of(n, &columns);
    for (unsigned i = 0; i < columns; i++)
        memmove(cell(n, c[i], slot), cell(n, c[i], slot + count), (size_t)behind * c[i].width);
    n->count -= count;
}

static void copy(const struct arena *a, struct btree_node *to, unsigned to_slot,
                 const struct btree_node *from, unsigned from_slot, unsigned count)
{
    unsigned columns;
    const struct column *to_columns = columns_of(to, &columns);
    for (unsigned i = 0; i < columns; i++)
        memcpy(cell(to, to_columns[i], to_slot), cell(from, to_columns[i], from_slot),
               (size_t)count * to_columns[i].width);
    if (to->level == 0)
        return;
    uint64_t self = arena_shorten(a, to);
    for (unsigned i = to_slot; i < to_slot + count; i++)
        btree_node(a, btree_child(to, i))->parent = self;
}

/* --- telling those above --- */

void btree_node_add(const struct arena *a, const struct btree_node *n, uint64_t delta,
                    const struct btree_place *place)
{
    while (n->parent != 0) {
        struct btree_node *parent = btree_node(a, n->parent);
        unsigned slot = btree_slot_of(parent, arena_shorten(a, n), btree_hint(place, n->level));
        btree_weights(parent)[slot] += delta;
        n = parent;
    }
}

void btree_node_least(const struct btree *t, const struct arena *a, const struct btree_node *n)
{
    if (t->kind == BTREE_BY_PLACE)
        return;
    uint32_t tag = btree_tags(n)[0];
    uint64_t least = arena_load_short(n->level == 0 ? btree_leaf_element(n, 0) : btree_least(n, 0));
    unsigned slot = 0;
    while (slot == 0 && n->parent != 0) {
        struct btree_node *parent = btree_node(a, n->parent);
        slot = btree_slot_of(parent, arena_shorten(a, n), 0);
        btree_tags(parent)[slot] = tag;
        arena_store_short(btree_least(parent, slot), least);
        n = parent;
    }
}

/* WEIGHT below FROM is below TO now. */
static void transfer(const struct arena *a, const struct btree_node *from, const struct btree_node *to,
                     uint64_t weight)
{
    while (from != to) {
        struct btree_node *lose = btree_node(a, from->parent), *win = btree_node(a, to->parent);
        btree_weights(lose)[btree_slot_of(lose, arena_shorten(a, from), UINT8_MAX)] -= weight;
        btree_weights(win)[btree_slot_of(win, arena_shorten(a, to), UINT8_MAX)] += weight;
        from = lose;
        to = win;
    }
}

static void give(const struct btree *t, const struct arena *a, struct btree_node *from, unsigned from_slot,
                 struct btree_node *to, unsigned to_slot, unsigned count)
{
    uint64_t weight = btree_node_weight(t, from, from_slot, count);
    btree_node_open(to, to_slot, count);
    copy(a, to, to_slot, from, from_slot, count);
    btree_node_close(from, from_slot, count);
    transfer(a, from, to, weight);
}

/* --- moving --- */

struct btree_node *btree_node_move(struct btree *t, struct arena *a, struct btree_node *n, unsigned capacity)
{
    uint64_t old = arena_shorten(a, n);
    struct btree_node *to = node_new(t, a, n->level, capacity);
    uint64_t now = arena_shorten(a, to);
    to->count = n->count;
    to->parent = n->parent;
    to->next = n->next;
    to->prev = n->prev;
    copy(a, to, 0, n, 0, n->count);
    if (n->next != 0)
        btree_node(a, n->next)->prev = now;
    if (n->prev != 0)
        btree_node(a, n->prev)->next = now;
    if (t->first == old)
        t->first = now;
    if (t->last == old)
        t->last = now;
    if (n->parent == 0) {
        t->root = now;
    } else {
        struct btree_node *parent = btree_node(a, n->parent);
        btree_set_child(parent, btree_slot_of(parent, old, UINT8_MAX), now);
    }
    btree_node_free(t, a, n);
    return to;
}

static struct btree_node *root_grow(struct btree *t, struct arena *a, struct btree_node *n)
{
    unsigned room = btree_room(n->level, 2 * (unsigned)((btree_node_size(n) + 63) & ~(size_t)63));
    unsigned full = full_room(n->level);
    return btree_node_move(t, a, n, room < full ? room : full);
}

/* --- cutting --- */

struct btree_node *btree_node_cut(struct btree *head, struct arena *a, struct btree_node *n, unsigned slot,
                                  bool spare)
{
    struct btree_node *prev = n->prev == 0 ? NULL : btree_node(a, n->prev), *made = NULL;
    if (slot + spare > 0) {
        made = node_new(head, a, n->level, n->capacity);
        made->count = slot;
        copy(a, made, 0, n, 0, slot);
        btree_node_close(n, 0, slot);
        made->prev = n->prev;
    }
    if (prev != NULL)
        prev->next = arena_shorten(a, made);
    n->prev = 0;
    return made;
}

/* --- one more item --- */

/* Links N with NEIGHBOUR, before or behind it, and puts it in place above. */
static void add_node(struct btree *t, struct arena *a, struct btree_node *n, struct btree_node *neighbour,
                     bool behind)
{
    uint64_t self = arena_shorten(a, n), other = arena_shorten(a, neighbour);
    n->next = behind ? neighbour->next : other;
    n->prev = behind ? other : neighbour->prev;
    if (n->next != 0)
        btree_node(a, n->next)->prev = self;
    else if (n->level == 0)
        t->last = self;
    if (n->prev != 0)
        btree_node(a, n->prev)->next = self;
    else if (n->level == 0)
        t->first = self;
    struct btree_node *parent = btree_node(a, neighbour->parent);
    unsigned slot = btree_slot_of(parent, other, UINT8_MAX) + behind;
    if (parent->count == parent->capacity)
        btree_node_room(t, a, &parent, &slot);
    btree_node_open(parent, slot, 1);
    btree_tags(parent)[slot] = 0;
    btree_set_child(parent, slot, self);
    btree_weights(parent)[slot] = 0;
    arena_store_short(btree_least(parent, slot), 0);
    n->parent = arena_shorten(a, parent);
}

/* Puts a new root above N. */
static void raise_root(struct btree *t, struct arena *a, struct btree_node *n)
{
    struct btree_node *root = btree_node_root(t, a, n->level + 1);
    root->count = 1;
    btree_tags(root)[0] = 0;
    btree_set_child(root, 0, arena_shorten(a, n));
    btree_weights(root)[0] = t->weight;
    arena_store_short(btree_least(root, 0), 0);
    n->parent = t->root = arena_shorten(a, root);
    btree_node_least(t, a, n);
}

static void share_left(struct btree *t, struct arena *a, struct btree_node *left, struct btree_node **n,
                       unsigned *slot)
{
    unsigned had = left->count, count = (left->capacity - had) / 2;
    give(t, a, *n, 0, left, had, count);
    btree_node_least(t, a, *n);
    if (*slot > count) {
        *slot -= count;
    } else {
        *slot += had;
        *n = left;
    }
}

static void share_right(struct btree *t, struct arena *a, struct btree_node *right, struct btree_node **n,
                        unsigned *slot)
{
    unsigned count = (right->capacity - right->count) / 2;
    give(t, a, *n, (*n)->count - count, right, 0, count);
    btree_node_least(t, a, right);
    if (*slot > (*n)->count) {
        *slot -= (*n)->count;
        *n = right;
    }
}

static void split(struct btree *t, struct arena *a, struct btree_node **n, unsigned *slot)
{
    struct btree_node *left = *n, *right = node_new(t, a, left->level, full_room(left->level));
    add_node(t, a, right, left, true);
    unsigned keep = left->count / 2U;
    give(t, a, left, keep, right, 0, left->count - keep);
    btree_node_least(t, a, right);
    if (*slot > left->count) {
        *slot -= left->count;
        *n = right;
    }
}

/* The neighbours under the same parent; NULL: there is none. */
static void siblings(const struct arena *a, const struct btree_node *n, struct btree_node **left,
                     struct btree_node **right)
{
    const struct btree_node *parent = btree_node(a, n->parent);
    unsigned slot = btree_slot_of(parent, arena_shorten(a, n), UINT8_MAX);
    *left = slot > 0 ? btree_node(a, n->prev) : NULL;
    *right = slot + 1 < parent->count ? btree_node(a, n->next) : NULL;
}

void btree_node_room(struct btree *t, struct arena *a, struct btree_node **n, unsigned *slot)
{
    struct btree_node *full = *n, *left, *right;
    if (full->capacity < full_room(full->level)) {
        *n = root_grow(t, a, full);
        return;
    }
    if (full->parent == 0)
        raise_root(t, a, full);
    bool behind = full->next == 0 && *slot == full->count;
    if (behind || (full->prev == 0 && *slot == 0)) {
        *n = node_new(t, a, full->level, full->capacity);
        *slot = 0;
        add_node(t, a, *n, full, behind);
        return;
    }
    siblings(a, full, &left, &right);
    unsigned room_left = left != NULL ? left->capacity - left->count : 0;
    unsigned room_right = right != NULL ? right->capacity - right->count : 0;
    if (room_left >= room_right && room_left >= BTREE_SHARE(full->capacity)) {
        share_left(t, a, left, n, slot);
    } else if (room_right >= BTREE_SHARE(full->capacity)) {
        share_right(t, a, right, n, slot);
    } else {
        split(t, a, n, slot);
    }
}

/* --- fewer items --- */

/* Takes N, which is empty, out of the tree. */
static void drop(struct btree *t, struct arena *a, struct btree_node *n)
{
    if (n->next != 0)
        btree_node(a, n->next)->prev = n->prev;
    else if (n->level == 0)
        t->last = n->prev;
    if (n->prev != 0)
        btree_node(a, n->prev)->next = n->next;
    else if (n->level == 0)
        t->first = n->next;
    if (n->parent == 0) {
        t->root = 0;
        btree_node_free(t, a, n);
        return;
    }
    struct btree_node *parent = btree_node(a, n->parent);
    unsigned slot = btree_slot_of(parent, arena_shorten(a, n), 0);
    btree_node_close(parent, slot, 1);
    btree_node_free(t, a, n);
    if (slot == 0 && parent->count > 0)
        btree_node_least(t, a, parent);
    btree_node_mend(t, a, parent, NULL, NULL);
}

/* A root with one child is none; one with much room and few items gets less, but not a leaf in which
 * the caller's caller may have a place. */
static void mend_root(struct btree *t, struct arena *a, struct btree_node *n, uint64_t *leaf)
{
    while (n->level > 0 && n->count == 1) {
        struct btree_node *child = btree_node(a, btree_child(n, 0));
        t->root = btree_child(n, 0);
        child->parent = 0;
        btree_node_free(t, a, n);
        n = child;
    }
    if (n->level == 0 && leaf == NULL)
        return;
    unsigned least = btree_room(n->level, n->level == 0 ? BTREE_LEAF_LEAST : BTREE_INNER_LEAST);
    if (n->count > n->capacity / 4 || n->capacity / 2 < least)
        return;
    n = btree_node_move(t, a, n,
                        btree_room(n->level, (unsigned)((btree_node_size(n) + 63) & ~(size_t)63) / 2));
    if (leaf != NULL)
        *leaf = t->root;
}

static void merge(struct btree *t, struct arena *a, struct btree_node *left, struct btree_node *right)
{
    give(t, a, right, 0, left, left->count, right->count);
    drop(t, a, right);
}

static void borrow_left(struct btree *t, struct arena *a, struct btree_node *left, struct btree_node *n,
                        unsigned *slot)
{
    unsigned count = (left->count - n->count) / 2U;
    give(t, a, left, left->count - count, n, 0, count);
    btree_node_least(t, a, n);
    if (slot != NULL)
        *slot += count;
}

static void borrow_right(struct btree *t, struct arena *a, struct btree_node *n, struct btree_node *right)
{
    unsigned count = (right->count - n->count) / 2U;
    give(t, a, right, 0, n, n->count, count);
    btree_node_least(t, a, right);
}

/* Takes N out, and the place in it to what followed. */
static void drop_tracked(struct btree *t, struct arena *a, struct btree_node *n, uint64_t *leaf,
                         unsigned *slot)
{
    uint64_t next = n->next, prev = n->prev;
    if (leaf != NULL) {
        *leaf = next != 0 ? next : prev;
        *slot = next != 0 || prev == 0 ? 0 : btree_node(a, prev)->count;
    }
    drop(t, a, n);
}

void btree_node_mend(struct btree *t, struct arena *a, struct btree_node *n, uint64_t *leaf, unsigned *slot)
{
    struct btree_node *left, *right;
    if (n->count == 0) {
        drop_tracked(t, a, n, leaf, slot);
        return;
    }
    if (n->parent == 0) {
        mend_root(t, a, n, leaf);
        return;
    }
    bool edge = n->next == 0 || n->prev == 0;
    if (n->count >= (edge ? BTREE_EDGE(n->capacity) : BTREE_MIN(n->capacity)))
        return;
    siblings(a, n, &left, &right);
    if (left != NULL && (right == NULL || left->count <= right->count)) {
        if (left->count + n->count <= BTREE_MERGED(n->capacity)) {
            if (leaf != NULL) {
                *leaf = n->prev;
                *slot += left->count;
            }
            merge(t, a, left, n);
        } else if (!edge) {
            borrow_left(t, a, left, n, slot);
        }
    } else if (right != NULL) {
        if (n->count + right->count <= BTREE_MERGED(n->capacity))
            merge(t, a, n, right);
        else if (!edge)
            borrow_right(t, a, n, right);
    }
}
