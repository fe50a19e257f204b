/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Changes within big lists. Places in the middle do not outlive a change of its nodes, so what
 * takes several steps finds its place by the index anew.
 */
#include "types/list/list_private.h"

/* The node at S, not in LZF. */
static struct list_node *open_node(struct list *l, const struct list_spot *s)
{
    struct list_node *n = list_spot_node(l, s), *raw = list_node_raw(l, n);
    if (raw != n)
        list_store(l, s, raw);
    return raw;
}

static struct list_node *make_room(struct list *l, const struct list_spot *s, struct list_node *n,
                                   size_t more)
{
    return s->where == LIST_MIDDLE ? list_node_widen(l, n, more) : list_node_room(l, n, false, more);
}

/* Behind a change of N, which may have moved. */
static void close_node(struct list *l, const struct list_spot *s, struct list_node *n)
{
    list_store(l, s, n);
    list_compress(l, s);
}

/* Where entry number REST of a listpack begins, or where all end. */
static size_t entry_at(const unsigned char *lp, uint64_t rest)
{
    size_t at = listpack_seek(lp, (int64_t)rest);
    return at != 0 ? at : listpack_end(lp);
}

/* --- insertion --- */

/* Puts V in the node at S, before its entry number REST, if that is to be. */
static bool insert_into(struct list *l, const struct list_spot *s, uint64_t rest,
                        const struct listpack_value *v, size_t bytes)
{
    if (list_node_is_plain(list_spot_node(l, s)))
        return false;
    struct list_node *n = open_node(l, s);
    bool fits = list_node_fits(l, n, bytes);
    if (fits) {
        n = make_room(l, s, n, bytes);
        unsigned char *lp = list_node_lp(n);
        struct listpack_change change = {.count = 1, .values = v};
        change.at = change.end = entry_at(lp, rest);
        listpack_change(lp, &change);
        l->root->count++;
    }
    close_node(l, s, n);
    return fits;
}

/* Makes a node begin at INDEX, which is none of the ends. */
static void split_at(struct list *l, uint64_t index)
{
    uint64_t rest;
    struct list_spot s = list_spot_at(l, index, &rest);
    if (rest == 0)
        return;
    struct list_node *n = open_node(l, &s);
    const unsigned char *lp = list_node_lp(n);
    size_t at = entry_at(lp, rest), end = listpack_end(lp);
    uint32_t count = (uint32_t)(listpack_count(lp) - rest);
    struct list_node *made =
        list_node_new(l, NULL, LISTPACK_EMPTY, LIST_NODE_HEAD + LISTPACK_EMPTY + (end - at), false);
    struct listpack_change change = {.at = LISTPACK_HEAD,
                                     .end = LISTPACK_HEAD,
                                     .count = count,
                                     .packed = lp + at,
                                     .packed_bytes = end - at};
    listpack_change(list_node_lp(made), &change);
    list_node_cut(n, at, end, count);
    l->root->count -= count;
    close_node(l, &s, list_node_settle(l, n));
    list_put_node(l, index, made);
}

/* Puts V, or the node OWN if that is given, before INDEX. */
static void insert_value(struct list *l, uint64_t index, const struct listpack_value *v, size_t bytes,
                         struct list_node *own)
{
    uint64_t rest = 0;
    bool at_end = index == l->root->count;
    struct list_spot s = list_spot_at(l, at_end ? index - 1 : index, &rest);
    rest += at_end;
    if (own == NULL && insert_into(l, &s, rest, v, bytes))
        return;
    if (!at_end)
        split_at(l, index);
    if (own == NULL && index > 0) {
        s = list_spot_at(l, index - 1, &rest);
        if (insert_into(l, &s, rest + 1, v, bytes))
            return;
    }
    if (own == NULL && !at_end) {
        s = list_spot_at(l, index, &rest);
        if (insert_into(l, &s, 0, v, bytes))
            return;
    }
    if (own == NULL) {
        own = list_node_new(l, NULL, LISTPACK_EMPTY, LIST_NODE_HEAD + LISTPACK_EMPTY + bytes, false);
        list_node_put(own, false, v, bytes);
    }
    list_put_node(l, index, own);
}

/* What ELEMENT is to be: a value of BYTES, or a node of its own. */
static int prepare(struct list *l, struct slice element, struct listpack_value *v, size_t *bytes,
                   struct list_node **own)
{
    *own = NULL;
    if (element.len < l->node_bytes) {
        *v = listpack_value_of(element);
        *bytes = listpack_entry_bytes(v);
        if (!list_is_long(l, *bytes))
            return 0;
    }
    *own = list_node_plain(l, element);
    return *own == NULL ? MR_E_MEMORY : 0;
}

int list_insert(struct list *l, uint64_t index, struct slice element)
{
    struct listpack_value v = {0};
    struct list_node *own;
    size_t bytes = 0;
    int code = prepare(l, element, &v, &bytes, &own);
    if (code == 0)
        insert_value(l, index, &v, bytes, own);
    return code;
}

/* Puts V in the place of entry number REST of the node at S, if there it has room. */
static bool replace_in(struct list *l, const struct list_spot *s, uint64_t rest,
                       const struct listpack_value *v, size_t bytes)
{
    struct list_node *n = open_node(l, s);
    unsigned char *lp = list_node_lp(n);
    size_t at = entry_at(lp, rest), old = listpack_inline_size(lp + at);
    bool fits = bytes <= old || LIST_NODE_HEAD + listpack_bytes(lp) + bytes - old <= l->node_bytes;
    if (fits) {
        if (bytes > old)
            n = make_room(l, s, n, bytes - old);
        struct listpack_change change = {.at = at, .end = at + old, .removed = 1, .count = 1, .values = v};
        listpack_change(list_node_lp(n), &change);
        if (s->where == LIST_MIDDLE)
            n = list_node_settle(l, n);
    }
    close_node(l, s, n);
    return fits;
}

int list_replace(struct list *l, uint64_t index, struct slice element)
{
    struct listpack_value v = {0};
    struct list_node *own;
    size_t bytes = 0;
    uint64_t rest;
    int code = prepare(l, element, &v, &bytes, &own);
    if (code != 0)
        return code;
    struct list_spot s = list_spot_at(l, index, &rest);
    struct list_node *old = list_spot_node(l, &s);
    if (own == NULL && !list_node_is_plain(old) && replace_in(l, &s, rest, &v, bytes))
        return 0;
    if (list_spot_count(l, &s) == 1) {
        old = list_spot_node(l, &s);
        if (own == NULL) {
            own = list_node_new(l, NULL, LISTPACK_EMPTY, LIST_NODE_HEAD + LISTPACK_EMPTY + bytes, false);
            list_node_put(own, false, &v, bytes);
        }
        close_node(l, &s, own);
        list_node_free(l, old);
        return 0;
    }
    list_remove(l, index, 1);
    insert_value(l, index, &v, bytes, own);
    return 0;
}

/* --- removal of equals --- */

static bool node_has(const struct slice *bytes, bool plain, struct slice text)
{
    if (plain)
        return slice_equal(*bytes, text);
    const unsigned char *lp = (const unsigned char *)bytes->ptr;
    return listpack_find(lp, LISTPACK_HEAD, text) != 0;
}

size_t list_last_equal(const unsigned char *lp, struct slice text, uint64_t max)
{
    size_t at = listpack_last(lp), found = LISTPACK_HEAD;
    for (; max > 0 && at != 0; max--) {
        size_t match = listpack_find_back(lp, at, text);
        if (match == 0)
            return found;
        found = match;
        at = listpack_prev(lp, match);
    }
    return found;
}

/* Joins the small node at S with the one before it, if both are one node then. */
static void join(struct list *l, struct list_spot *s)
{
    struct list_spot before = *s;
    if (s->where != LIST_MIDDLE || !list_spot_prev(l, &before) ||
        list_node_is_plain(list_spot_node(l, &before)))
        return;
    struct list_node *n = open_node(l, s);
    const unsigned char *lp = list_node_lp(n);
    size_t more = listpack_bytes(lp) - LISTPACK_EMPTY;
    uint32_t count = (uint32_t)listpack_count(lp);
    if (more >= l->node_bytes / 4) {
        list_compress(l, s);
        return;
    }
    struct list_node *to = open_node(l, &before);
    if (!list_node_fits(l, to, more + l->node_bytes / 8) ||
        listpack_count(list_node_lp(to)) + count > l->node_entries) {
        list_compress(l, &before);
        list_compress(l, s);
        return;
    }
    to = make_room(l, &before, to, more);
    size_t end = listpack_end(list_node_lp(to));
    struct listpack_change change = {
        .at = end, .end = end, .count = count, .packed = lp + LISTPACK_HEAD, .packed_bytes = more};
    listpack_change(list_node_lp(to), &change);
    close_node(l, &before, to);
    list_drop_node(l, s, 0);
}

/* Takes up to MAX elements that are TEXT out of the node that begins at INDEX; how many. */
static uint64_t remove_in(struct list *l, uint64_t index, struct slice text, uint64_t max, bool back,
                          struct buf *scratch)
{
    uint64_t rest;
    struct list_spot s = list_spot_at(l, index, &rest);
    struct list_node *n = list_spot_node(l, &s);
    bool plain = list_node_is_plain(n);
    struct slice bytes = list_node_read(n, scratch);
    if (!node_has(&bytes, plain, text))
        return 0;
    if (plain) {
        list_remove(l, index, 1);
        return 1;
    }
    n = open_node(l, &s);
    unsigned char *lp = list_node_lp(n);
    uint64_t count = listpack_count(lp);
    uint64_t cut = list_cut_equal(lp, back ? list_last_equal(lp, text, max) : LISTPACK_HEAD, text, max);
    if (cut == count) {
        /* An empty listpack stands in the list for no longer than this. */
        list_drop_node(l, &s, count);
        return cut;
    }
    l->root->count -= cut;
    close_node(l, &s, s.where == LIST_MIDDLE ? list_node_settle(l, n) : list_node_trim(l, n));
    join(l, &s);
    return cut;
}

uint64_t list_remove_equal(struct list *l, struct slice element, uint64_t max, bool back)
{
    uint64_t removed = 0, index = back ? l->root->count : 0;
    struct buf scratch = {0};
    while (removed < max && (back ? index > 0 : index < l->root->count)) {
        uint64_t rest;
        struct list_spot s = list_spot_at(l, back ? index - 1 : index, &rest);
        uint64_t count = list_spot_count(l, &s);
        /* The node may have been joined with one that was looked at already; no harm in that. */
        if (back)
            index -= rest + 1;
        uint64_t cut = remove_in(l, index, element, max - removed, back, &scratch);
        removed += cut;
        if (!back)
            index += count - cut;
    }
    buf_done(&scratch);
    return removed;
}

void list_extract(struct list *l, uint64_t index, uint64_t count, struct list *to)
{
    uint64_t rest;
    /* So that the first and the last node hold nothing else. */
    struct list_spot s = list_spot_at(l, index + count - 1, &rest);
    uint64_t behind = list_spot_count(l, &s) - rest - 1;
    if (behind > 0)
        list_remove(l, index + count, behind);
    s = list_spot_at(l, index, &rest);
    if (rest > 0)
        list_remove(l, index - rest, rest);
    index -= rest;
    while (count > 0) {
        s = list_spot_at(l, index, &rest);
        uint64_t have = list_spot_count(l, &s);
        struct list_node *n = list_take_node(l, &s, have);
        l->root->bytes -= n->size;
        to->root->bytes += n->size;
        list_put_node(to, to->root->count, list_node_raw(to, n));
        count -= have;
    }
}
