/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The check of a whole stream that tests make.
 */
#include "types/stream/stream_node.h"
#include "types/stream/stream_pack.h"
#include "types/stream/stream_pel.h"
#include "types/stream/stream_sums.h"

static bool before(const void *x, const void *y)
{
    const struct stream_node *n = x, *m = y;
    return stream_id_compare(n->first, m->first) < 0;
}

/* Whether COUNT cells from *P on end at END at most; *P is behind them then, and *PACKED grows by what
 * they take in a listpack. */
static bool check_cells(const unsigned char **p, const unsigned char *end, uint64_t count, size_t *packed)
{
    for (; count > 0; count--) {
        if (*p >= end)
            return false;
        size_t size = stream_cell_size(*p);
        if (size > (size_t)(end - *p))
            return false;
        *p += size;
        *packed += stream_cell_packed(size);
    }
    return true;
}

static bool check_entry(const struct stream_node *n, const struct stream_entry *e, size_t *packed)
{
    uint64_t pairs;
    const unsigned char *p = stream_entry_pairs(n, e, &pairs);
    bool same = (e->flags & STREAM_ENTRY_SAME) != 0;
    *packed += stream_int_packed(e->flags) + stream_int_packed((int64_t)(e->id.ms - n->first.ms)) +
               stream_int_packed((int64_t)(e->id.seq - n->first.seq)) +
               (same ? stream_int_packed((int64_t)(pairs + 3))
                     : stream_int_packed((int64_t)pairs) + stream_int_packed((int64_t)(2 * pairs + 4)));
    return check_cells(&p, e->end, same ? pairs : 2 * pairs, packed) && p == e->end;
}

/* *LAST is the last entry that is not deleted, of the nodes before too. */
static bool check_node(const struct stream_node *n, struct stream_id *last)
{
    const unsigned char *p = stream_node_names(n), *end = stream_node_end(n);
    size_t packed = stream_int_packed(n->names) + stream_int_packed(0);
    uint64_t live = 0, deleted = 0;
    struct stream_entry e = {.id = n->first};
    struct stream_id stored = {0, 0};
    if (!check_cells(&p, stream_node_begin(n), n->names, &packed) || p != stream_node_begin(n))
        return false;
    for (; p < end; p = e.end) {
        stream_entry_read(n, p, &e);
        bool is_deleted = (e.flags & STREAM_ENTRY_DELETED) != 0;
        if (e.end > end || e.rest > e.end || !check_entry(n, &e, &packed) ||
            stream_id_compare(e.id, n->first) < 0 ||
            (live + deleted > 0 && stream_id_compare(e.id, stored) <= 0) ||
            (!is_deleted && !stream_id_is_zero(*last) && stream_id_compare(e.id, *last) <= 0))
            return false;
        live += !is_deleted;
        deleted += is_deleted;
        stored = e.id;
        if (!is_deleted)
            *last = e.id;
    }
    return live == n->live && deleted == n->deleted && live > 0 && packed == n->packed &&
           n->used <= n->size && n->size == arena_usable(n->size);
}

bool stream_check(const struct stream *s, const struct arena *a)
{
    struct btree_place place = btree_first(&s->nodes);
    const struct stream_node *n = btree_element(a, &place);
    struct stream_id last = STREAM_ID_MIN;
    uint64_t length = 0, bytes = 0;
    if (!btree_check(&s->nodes, a, before) || !stream_sums_check(s, a) ||
        (s->groups != 0 && !stream_groups_check(arena_expand(a, s->groups), a)))
        return false;
    for (; n != NULL; n = btree_next(a, &place) ? btree_element(a, &place) : NULL) {
        if (!check_node(n, &last))
            return false;
        length += n->live;
        bytes += n->size;
    }
    return length == s->length && bytes == s->bytes && stream_id_compare(last, s->last_id) <= 0;
}
