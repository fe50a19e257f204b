/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Nodes as files have them, and back. There a node is a listpack:
 *
 *   | live | deleted | names | name .. | 0 | entry .. |
 *   entry: | flags: 1 deleted, 2 names are the node's | milliseconds | sequence |
 *          | value .. | or | pairs | name, value .. | ; then | number of the entry's items before this |
 *
 * Milliseconds and sequence are less those of the node's first id.
 */
#include "types/stream/stream_pack.h"

#include "types/stream/stream_node.h"

/* --- to a listpack --- */

static unsigned char *put_back_length(unsigned char *p, size_t size)
{
    unsigned back = listpack_inline_back(size);
    for (unsigned i = back; i-- > 0; size >>= 7)
        p[i] = (unsigned char)((size & 127) | (i > 0 ? 128 : 0));
    return p + back;
}

/* The cell at *FROM as an entry; *FROM is the next one then. */
static unsigned char *put_cell(unsigned char *p, const unsigned char **from)
{
    size_t size = stream_cell_size(*from);
    memcpy(p, *from, size);
    *from += size;
    return put_back_length(p + size, size);
}

static unsigned char *put_int(unsigned char *p, int64_t v)
{
    return put_back_length(p + stream_int_put(p, v), stream_int_size(v));
}

static unsigned char *pack_entry(unsigned char *p, const struct stream_node *n, const struct stream_entry *e,
                                 uint64_t *items)
{
    uint64_t pairs, count;
    const unsigned char *from = stream_entry_pairs(n, e, &pairs);
    bool same = (e->flags & STREAM_ENTRY_SAME) != 0;
    p = put_int(p, e->flags);
    p = put_int(p, (int64_t)(e->id.ms - n->first.ms));
    p = put_int(p, (int64_t)(e->id.seq - n->first.seq));
    if (!same)
        p = put_int(p, (int64_t)pairs);
    count = same ? pairs : 2 * pairs;
    for (uint64_t i = 0; i < count; i++)
        p = put_cell(p, &from);
    count += same ? 3 : 4;
    *items += count + 1;
    return put_int(p, (int64_t)count);
}

int stream_pack_node(const struct stream_node *n, struct buf *out)
{
    size_t bytes = stream_node_packed(n);
    uint64_t items = 4 + (uint64_t)n->names;
    struct stream_entry e;
    int code = buf_try_grow(out, bytes);
    if (code != 0)
        return code;
    unsigned char *begin = (unsigned char *)out->data + out->len, *p = begin + LISTPACK_HEAD;
    const unsigned char *name = stream_node_names(n);
    p = put_int(p, n->live);
    p = put_int(p, n->deleted);
    p = put_int(p, n->names);
    for (uint32_t i = 0; i < n->names; i++)
        p = put_cell(p, &name);
    p = put_int(p, 0);
    for (const unsigned char *at = stream_node_begin(n), *end = stream_node_end(n); at < end; at = e.end) {
        stream_entry_read(n, at, &e);
        p = pack_entry(p, n, &e, &items);
    }
    *p = LISTPACK_END;
    little_store32(begin, (uint32_t)bytes);
    little_store16(begin + 4, (uint16_t)(items < LISTPACK_UNKNOWN ? items : LISTPACK_UNKNOWN));
    out->len += bytes;
    return 0;
}

/* --- from a listpack --- */

struct unpack {
    struct stream *s;
    struct arena *a;
    struct stream_id master; /* what the listpack counts from */
    struct stream_id last;   /* of the last entry that is not deleted, 0-0: there is none; */
    struct stream_id stored; /* of that in the node under way, deleted or not */
    struct stream_node *n;   /* the node under way, NULL: none */
    const unsigned char *p;  /* the next item; there is always one, or the end */
    const unsigned char *names;
    size_t names_size;
    uint64_t name_count;
    uint64_t live, deleted;
    struct buf cells;
};

static bool take_int(struct unpack *u, int64_t *ret)
{
    if (*u->p == LISTPACK_END)
        return false;
    struct listpack_value v = listpack_inline_get(u->p);
    u->p += listpack_inline_size(u->p);
    *ret = v.integer;
    return v.text == NULL;
}

static bool take_count(struct unpack *u, uint64_t *ret)
{
    int64_t v;
    bool is_int = take_int(u, &v);
    *ret = (uint64_t)v;
    return is_int && v >= 0 && v <= (int64_t)LISTPACK_MAX;
}

/* Copies COUNT items as cells behind u->cells, and adds what they take in a listpack to *PACKED. */
static bool take_cells(struct unpack *u, uint64_t count, size_t *packed)
{
    for (; count > 0; count--) {
        if (*u->p == LISTPACK_END)
            return false;
        size_t whole = listpack_inline_size(u->p);
        buf_append(&u->cells, u->p, stream_cell_size(u->p));
        u->p += whole;
        *packed += whole;
    }
    return true;
}

static void end_node(struct unpack *u)
{
    struct stream_node *n = u->n;
    u->n = NULL;
    if (n == NULL)
        return;
    if (n->live == 0)
        stream_node_free(u->s, u->a, n);
    else
        stream_put_node(u->s, u->a, stream_node_settle(u->s, u->a, n));
}

/* An entry: its numbers, and u->cells behind its flags. */
static int put_entry(struct unpack *u, struct stream_id id, unsigned flags, uint64_t pairs, size_t packed)
{
    struct stream_raw raw = {.id = id, .flags = flags, .pairs = pairs, .packed = packed};
    raw.cells = buf_slice(&u->cells);
    if (u->n != NULL && u->n->live + u->n->deleted >= STREAM_NODE_ENTRIES)
        end_node(u);
    if (u->n == NULL)
        u->n = stream_node_raw(u->s, u->a, id, slice_of(u->names, u->names_size), u->name_count);
    struct stream_node *n = u->n == NULL ? NULL : stream_node_append_raw(u->s, u->a, u->n, &raw);
    if (n == NULL)
        return MR_E_MEMORY;
    u->n = n;
    return 0;
}

static int take_entry(struct unpack *u)
{
    int64_t flags, ms, seq;
    uint64_t pairs = u->name_count, items;
    size_t packed = 0;
    if (!take_int(u, &flags) || !take_int(u, &ms) || !take_int(u, &seq) || (flags & ~3) != 0)
        return MR_E_CORRUPT;
    struct stream_id id = {u->master.ms + (uint64_t)ms, u->master.seq + (uint64_t)seq};
    bool same = (flags & STREAM_ENTRY_SAME) != 0, is_deleted = (flags & STREAM_ENTRY_DELETED) != 0;
    if (!same && !take_count(u, &pairs))
        return MR_E_CORRUPT;
    u->cells.len = 0;
    if (!take_cells(u, same ? pairs : 2 * pairs, &packed) || !take_count(u, &items) ||
        items != (same ? pairs + 3 : 2 * pairs + 4))
        return MR_E_CORRUPT;
    u->live += !is_deleted;
    u->deleted += is_deleted;
    bool rises = u->n == NULL || stream_id_compare(id, u->stored) > 0;
    if (is_deleted && !rises)
        return 0;
    if (stream_id_compare(id, u->master) < 0 || (!is_deleted && stream_id_compare(id, u->last) <= 0))
        return MR_E_CORRUPT;
    /* What stands before it was deleted, and then the last id set back: see stream_close. */
    if (!rises)
        end_node(u);
    if (!is_deleted)
        u->last = id;
    u->stored = id;
    return put_entry(u, id, (unsigned)flags, pairs, packed);
}

/* The listpack at u->p, whose items are all there. */
static int take_node(struct unpack *u)
{
    uint64_t live, deleted;
    int64_t zero;
    size_t packed = 0;
    int code = 0;
    struct buf names = {0};
    bool ok = take_count(u, &live) && take_count(u, &deleted) && take_count(u, &u->name_count) &&
              take_cells(u, u->name_count, &packed) && take_int(u, &zero) && zero == 0;
    names = u->cells;
    u->cells = (struct buf){0};
    u->names = (const unsigned char *)names.data;
    u->names_size = names.len;
    while (ok && code == 0 && *u->p != LISTPACK_END)
        code = take_entry(u);
    if (!ok || (code == 0 && (live != u->live || deleted != u->deleted)))
        code = MR_E_CORRUPT;
    end_node(u);
    buf_done(&names);
    return code;
}

int stream_unpack(struct stream *s, struct arena *a, struct stream_id first, struct slice lp)
{
    struct unpack u = {.s = s, .a = a, .master = first, .last = stream_newest_id(s, a)};
    struct listpack_shape shape;
    struct buf mended = {0};
    const unsigned char *bytes = (const unsigned char *)lp.ptr;
    if (s->nodes.count > 0 && stream_id_compare(first, u.last) <= 0)
        return MR_E_CORRUPT;
    int code = listpack_validate(bytes, lp.len, &shape, NULL, NULL);
    if (code != 0)
        return code;
    if (shape.count == 0)
        return MR_E_CORRUPT;
    /* Everything is to be in its shortest encoding. */
    if (shape.bytes != lp.len) {
        code = buf_try_grow(&mended, shape.bytes);
        if (code != 0)
            return code;
        listpack_load((unsigned char *)mended.data, bytes, &shape);
        bytes = (const unsigned char *)mended.data;
    }
    u.p = bytes + LISTPACK_HEAD;
    code = take_node(&u);
    s->length += code == 0 ? u.live : 0;
    buf_done(&u.cells);
    buf_done(&mended);
    return code;
}
