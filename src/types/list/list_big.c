/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Big lists: where an index is, and what happens at the ends. A node that is left behind by a
 * new end goes to the middle; one that becomes an end comes from there. Which nodes are in LZF
 * follows those moves (list_edge), so that it is right at both ends whatever happens there.
 */
#include "types/list/list_private.h"

void list_root_new(struct list *l)
{
    l->packed = NULL;
    l->root = arena_alloc(l->a, sizeof *l->root);
    *l->root = (struct list_root){0};
    btree_init(&l->root->middle, BTREE_BY_PLACE);
}

static void free_element(void *arg, void *element)
{
    list_node_free(arg, element);
}

void list_root_free(struct list *l)
{
    struct list_root *root = l->root;
    uint64_t budget = UINT64_MAX;
    if (root->head != root->tail)
        list_node_free(l, list_expand(l, root->tail));
    if (root->head != 0)
        list_node_free(l, list_expand(l, root->head));
    (void)btree_drain(&root->middle, l->a, &budget, free_element, l);
    arena_free(l->a, root, sizeof *root);
    l->root = NULL;
}

void list_root_unpack(struct list *l)
{
    const unsigned char *lp = l->packed;
    size_t bytes = listpack_bytes(lp);
    list_root_new(l);
    struct list_node *n = list_node_new(l, lp, bytes, 0, false);
    l->root->head = l->root->tail = arena_shorten(l->a, n);
    l->root->count = listpack_count(lp);
}

/* --- places --- */

struct list_node *list_spot_node(const struct list *l, const struct list_spot *s)
{
    if (s->where == LIST_MIDDLE)
        return btree_element(l->a, &s->place);
    return list_expand(l, s->where == LIST_HEAD ? l->root->head : l->root->tail);
}

uint64_t list_spot_count(const struct list *l, const struct list_spot *s)
{
    return s->where == LIST_MIDDLE ? btree_tag(l->a, &s->place) : list_node_count(list_spot_node(l, s));
}

struct list_spot list_spot_at(const struct list *l, uint64_t index, uint64_t *rest)
{
    struct list_spot s = {.where = LIST_HEAD};
    const struct list_root *root = l->root;
    uint64_t head = list_node_count(list_expand(l, root->head));
    *rest = index;
    if (index < head || root->head == root->tail)
        return s;
    index -= head;
    if (index < root->middle.weight) {
        s.where = LIST_MIDDLE;
        s.place = btree_at(&root->middle, l->a, index, rest);
        return s;
    }
    s.where = LIST_TAIL;
    *rest = index - root->middle.weight;
    return s;
}

bool list_spot_next(const struct list *l, struct list_spot *s)
{
    const struct list_root *root = l->root;
    if (s->where == LIST_TAIL || root->head == root->tail)
        return false;
    if (s->where == LIST_HEAD && root->middle.count > 0) {
        s->where = LIST_MIDDLE;
        s->place = btree_first(&root->middle);
    } else if (s->where == LIST_HEAD || !btree_next(l->a, &s->place)) {
        s->where = LIST_TAIL;
    }
    return true;
}

bool list_spot_prev(const struct list *l, struct list_spot *s)
{
    const struct list_root *root = l->root;
    if (s->where == LIST_HEAD)
        return false;
    if (s->where == LIST_TAIL && root->middle.count > 0) {
        s->where = LIST_MIDDLE;
        s->place = btree_last(&root->middle, l->a);
    } else if (s->where == LIST_TAIL || !btree_prev(l->a, &s->place)) {
        s->where = LIST_HEAD;
    }
    return true;
}

/* --- LZF in the middle --- */

void list_store(struct list *l, const struct list_spot *s, struct list_node *n)
{
    struct list_root *root = l->root;
    uint64_t shortened = arena_shorten(l->a, n);
    if (s->where == LIST_MIDDLE) {
        uint32_t count = btree_tag(l->a, &s->place);
        btree_replace(&root->middle, l->a, &s->place, n);
        if (!list_node_is_lzf(n) && list_node_count(n) != count)
            btree_reweigh(&root->middle, l->a, &s->place, (uint32_t)list_node_count(n));
        return;
    }
    bool one = root->head == root->tail;
    if (s->where == LIST_HEAD || one)
        root->head = shortened;
    if (s->where == LIST_TAIL || one)
        root->tail = shortened;
}

/* Whether there are DEPTH nodes at least, the end itself counted, on each side of the one at S. */
static bool is_deep(const struct list *l, const struct list_spot *s)
{
    struct btree_place front = s->place, back = s->place;
    if (s->where != LIST_MIDDLE || l->depth == 0 || l->root->middle.count / 2 + 1 < l->depth)
        return false;
    for (uint64_t i = 1; i < l->depth; i++)
        if (!btree_prev(l->a, &front) || !btree_next(l->a, &back))
            return false;
    return true;
}

void list_compress(struct list *l, const struct list_spot *s)
{
    if (!is_deep(l, s))
        return;
    struct list_node *n = list_spot_node(l, s);
    struct list_node *made = list_node_compress(l, n);
    if (made != n)
        btree_replace(&l->root->middle, l->a, &s->place, made);
}

/* Nodes of the middle are nearer to the end, or farther from it, than before. */
static void list_edge(struct list *l, bool front)
{
    struct btree *t = &l->root->middle;
    if (__builtin_expect(l->depth == 0, 1) || t->count == 0)
        return;
    struct list_spot s = {.where = LIST_MIDDLE};
    s.place = front ? btree_first(t) : btree_last(t, l->a);
    for (uint64_t i = 1; i < l->depth; i++) {
        struct list_node *n = btree_element(l->a, &s.place);
        struct list_node *raw = list_node_raw(l, n);
        if (raw != n)
            btree_replace(t, l->a, &s.place, raw);
        if (front ? !btree_next(l->a, &s.place) : !btree_prev(l->a, &s.place))
            return;
    }
    list_compress(l, &s);
}

/* --- the ends --- */

/* Makes N the head or the tail; an end is in LZF only if it is one element, and there was no memory for
 * it. */
static void end_attach(struct list *l, bool front, struct list_node *n)
{
    struct list_root *root = l->root;
    uint64_t shortened = arena_shorten(l->a, n);
    if (root->head == 0) {
        root->head = root->tail = shortened;
        return;
    }
    if (root->head != root->tail) {
        struct list_node *old = list_node_settle(l, list_expand(l, front ? root->head : root->tail));
        struct btree_place place = front ? btree_first(&root->middle) : btree_end(&root->middle, l->a);
        btree_insert(&root->middle, l->a, &place, old, (uint32_t)list_node_count(old));
    }
    if (front)
        root->head = shortened;
    else
        root->tail = shortened;
    list_edge(l, front);
}

/* The head or the tail goes; its elements are counted out already, and it is the caller's. */
static void end_take(struct list *l, bool front)
{
    struct list_root *root = l->root;
    if (root->head == root->tail) {
        root->head = root->tail = 0;
        return;
    }
    uint64_t successor = front ? root->tail : root->head;
    if (root->middle.count > 0) {
        struct btree_place place = front ? btree_first(&root->middle) : btree_last(&root->middle, l->a);
        struct list_node *n = btree_element(l->a, &place);
        btree_remove(&root->middle, l->a, &place);
        successor = arena_shorten(l->a, list_node_raw(l, n));
    }
    if (front)
        root->head = successor;
    else
        root->tail = successor;
    list_edge(l, front);
}

static void end_detach(struct list *l, bool front)
{
    struct list_node *n = list_expand(l, front ? l->root->head : l->root->tail);
    end_take(l, front);
    list_node_free(l, n);
}

static inline struct list_spot end_spot(bool front)
{
    return (struct list_spot){.where = front ? LIST_HEAD : LIST_TAIL};
}

static int push_long(struct list *l, bool front, struct slice element)
{
    struct list_node *n = list_node_plain(l, element);
    if (n == NULL)
        return MR_E_MEMORY;
    end_attach(l, front, n);
    l->root->count++;
    return 0;
}

int list_push(struct list *l, bool front, struct slice element)
{
    struct list_root *root = l->root;
    if (element.len >= l->node_bytes)
        return push_long(l, front, element);
    struct listpack_value v = listpack_value_of(element);
    size_t bytes = listpack_entry_bytes(&v);
    if (list_is_long(l, bytes))
        return push_long(l, front, element);
    struct list_node *n = list_expand(l, front ? root->head : root->tail);
    if (__builtin_expect(n != NULL && list_node_fits(l, n, bytes), 1)) {
        struct list_node *roomy = list_node_room(l, n, front, bytes);
        if (roomy != n) {
            struct list_spot s = end_spot(front);
            list_store(l, &s, roomy);
        }
        list_node_put(roomy, front, &v, bytes);
    } else {
        n = list_node_new(l, NULL, LISTPACK_EMPTY, LIST_NODE_HEAD + LISTPACK_EMPTY + bytes, front);
        n = list_node_room(l, n, front, bytes);
        list_node_put(n, front, &v, bytes);
        end_attach(l, front, n);
    }
    root->count++;
    return 0;
}

void list_put_node(struct list *l, uint64_t index, struct list_node *n)
{
    struct list_root *root = l->root;
    uint64_t count = list_node_count(n), rest;
    if (index == 0 || index == root->count) {
        end_attach(l, index == 0 && root->count > 0, n);
        root->count += count;
        return;
    }
    struct list_spot s = list_spot_at(l, index, &rest);
    if (s.where == LIST_TAIL)
        s.place = btree_end(&root->middle, l->a);
    btree_insert(&root->middle, l->a, &s.place, list_node_settle(l, n), (uint32_t)count);
    root->count += count;
    list_edge(l, true);
    list_edge(l, false);
    s = list_spot_at(l, index, &rest);
    list_compress(l, &s);
}

/* Takes COUNT entries from number REST on out of the end node at S, which has more of them. */
static void end_cut(struct list *l, const struct list_spot *s, uint64_t rest, uint64_t count)
{
    struct list_node *n = list_spot_node(l, s);
    const unsigned char *lp = list_node_lp(n);
    size_t at = listpack_seek(lp, (int64_t)rest);
    size_t end =
        rest + count == listpack_count(lp) ? listpack_end(lp) : listpack_seek(lp, (int64_t)(rest + count));
    list_node_cut(n, at, end, (uint32_t)count);
    struct list_node *small = list_node_trim(l, n);
    if (small != n)
        list_store(l, s, small);
}

void list_pop(struct list *l, bool front)
{
    struct list_root *root = l->root;
    struct list_node *n = list_expand(l, front ? root->head : root->tail);
    root->count--;
    if (list_node_count(n) == 1) {
        end_detach(l, front);
        return;
    }
    const unsigned char *lp = list_node_lp(n);
    size_t at = front ? LISTPACK_HEAD : listpack_last(lp);
    list_node_cut(n, at, at + listpack_inline_size(lp + at), 1);
    struct list_node *small = list_node_trim(l, n);
    if (small != n) {
        struct list_spot s = end_spot(front);
        list_store(l, &s, small);
    }
}

/* Takes COUNT entries from number REST on out of the node of the middle at S, which has more. */
static void middle_cut(struct list *l, const struct list_spot *s, uint64_t rest, uint64_t count)
{
    struct list_node *n = list_node_raw(l, list_spot_node(l, s));
    const unsigned char *lp = list_node_lp(n);
    size_t at = listpack_seek(lp, (int64_t)rest);
    size_t end =
        rest + count == listpack_count(lp) ? listpack_end(lp) : listpack_seek(lp, (int64_t)(rest + count));
    list_node_cut(n, at, end, (uint32_t)count);
    list_store(l, s, list_node_settle(l, n));
    list_compress(l, s);
}

void list_remove(struct list *l, uint64_t index, uint64_t count)
{
    struct list_root *root = l->root;
    bool shallow = false;
    while (count > 0) {
        uint64_t rest;
        struct list_spot s = list_spot_at(l, index, &rest);
        uint64_t have = list_spot_count(l, &s), take = have - rest < count ? have - rest : count;
        root->count -= take;
        if (take < have) {
            if (s.where == LIST_MIDDLE)
                middle_cut(l, &s, rest, take);
            else
                end_cut(l, &s, rest, take);
        } else if (s.where == LIST_MIDDLE) {
            uint64_t more = btree_remove_range(&root->middle, l->a, &s.place, count, free_element, l);
            root->count -= more - take;
            take = more;
            shallow = true;
        } else {
            end_detach(l, s.where == LIST_HEAD);
        }
        count -= take;
    }
    if (shallow) {
        list_edge(l, true);
        list_edge(l, false);
    }
}

void list_drop_node(struct list *l, const struct list_spot *s, uint64_t count)
{
    list_node_free(l, list_take_node(l, s, count));
}

struct list_node *list_take_node(struct list *l, const struct list_spot *s, uint64_t count)
{
    struct list_node *n = list_spot_node(l, s);
    struct btree_place place = s->place;
    l->root->count -= count;
    if (s->where == LIST_MIDDLE) {
        btree_remove(&l->root->middle, l->a, &place);
        list_edge(l, true);
        list_edge(l, false);
    } else {
        end_take(l, s->where == LIST_HEAD);
    }
    return n;
}
