/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Nodes of entries: see stream_entry.h.
 */
#include "types/stream/stream_node.h"

#include "types/stream/stream_sums.h"

#define ENTRY_HEAD_MAX 32 /* the numbers of an entry, all of their longest */
#define CELL_HEAD_MAX  9
#define NODE_GROWTH    2
#define NODE_LEAST     160

/* --- writing --- */

static unsigned char *put_number(unsigned char *p, uint64_t v)
{
    if (__builtin_expect(v < STREAM_NUMBER, 1)) {
        *p = (unsigned char)v;
        return p + 1;
    }
    unsigned width = stream_number_width(v);
    *p++ = (unsigned char)(STREAM_NUMBER - 1 + width);
    for (; width > 0; width--, v >>= 8)
        *p++ = (unsigned char)v;
    return p;
}

size_t stream_int_put(unsigned char *p, int64_t v)
{
    size_t size = stream_int_size(v);
    switch (size) {
    case 1:
        p[0] = (unsigned char)v;
        break;
    case 2:
        p[0] = (unsigned char)(LISTPACK_INT13 | (v >> 8 & 31));
        p[1] = (unsigned char)v;
        break;
    case 3:
        p[0] = LISTPACK_INT16;
        little_store16(p + 1, (uint16_t)v);
        break;
    case 4:
        p[0] = LISTPACK_INT24;
        little_store16(p + 1, (uint16_t)v);
        p[3] = (unsigned char)(v >> 16);
        break;
    case 5:
        p[0] = LISTPACK_INT32;
        little_store32(p + 1, (uint32_t)v);
        break;
    default:
        p[0] = LISTPACK_INT64;
        little_store64(p + 1, (uint64_t)v);
    }
    return size;
}

/* Writes TEXT as a cell; *PACKED grows by what it takes in a listpack. */
static unsigned char *put_cell(unsigned char *p, struct slice text, size_t *packed)
{
    unsigned char *begin = p;
    struct listpack_value v = listpack_value_of(text);
    if (v.text == NULL) {
        p += stream_int_put(p, v.integer);
    } else {
        if (v.len < 64) {
            *p++ = (unsigned char)(LISTPACK_STRING6 | v.len);
        } else if (v.len < 4096) {
            *p++ = (unsigned char)(LISTPACK_STRING12 | v.len >> 8);
            *p++ = (unsigned char)v.len;
        } else {
            *p++ = LISTPACK_STRING32;
            little_store32(p, v.len);
            p += 4;
        }
        resp_copy((char *)p, v.text, v.len);
        p += v.len;
    }
    *packed += stream_cell_packed((size_t)(p - begin));
    return p;
}

/* Bytes that the cells of FIELDS take at most. */
static size_t fields_bytes(const struct stream_fields *fields)
{
    size_t bytes = 0;
    for (uint64_t i = 0; i < 2 * fields->pairs; i++)
        bytes += fields->items[i].len + CELL_HEAD_MAX;
    return bytes;
}

static bool cell_equal(const unsigned char *p, struct slice text)
{
    struct listpack_value v = listpack_inline_get(p), own;
    if (v.text != NULL)
        return v.len == text.len && memcmp(v.text, text.ptr, v.len) == 0;
    own = listpack_value_of(text);
    return own.text == NULL && own.integer == v.integer;
}

/* Whether FIELDS have the names of N, in their order. */
static bool same_names(const struct stream_node *n, const struct stream_fields *fields)
{
    const unsigned char *p = stream_node_names(n);
    if (fields->pairs != n->names)
        return false;
    for (uint64_t i = 0; i < fields->pairs; i++) {
        if (!cell_equal(p, fields->items[2 * i]))
            return false;
        p += stream_cell_size(p);
    }
    return true;
}

/* --- memory --- */

static struct stream_node *node_alloc(struct stream *s, struct arena *a, size_t size)
{
    struct stream_node *n;
    size = arena_usable(size);
    n = size > UINT32_MAX ? NULL : arena_try_alloc(a, size);
    if (n == NULL)
        return NULL;
    n->size = (uint32_t)size;
    s->bytes += size;
    return n;
}

void stream_node_free(struct stream *s, struct arena *a, struct stream_node *n)
{
    s->bytes -= n->size;
    arena_free(a, n, n->size);
}

/* N in SIZE bytes, which hold what it has; NULL: no memory for it. */
static struct stream_node *node_move(struct stream *s, struct arena *a, struct stream_node *n, size_t size)
{
    struct stream_node *made = node_alloc(s, a, size);
    if (made == NULL)
        return NULL;
    size = made->size;
    memcpy(made, n, n->used);
    made->size = (uint32_t)size;
    stream_node_free(s, a, n);
    return made;
}

/* Room for MORE bytes behind the last entry. */
static struct stream_node *node_room(struct stream *s, struct arena *a, struct stream_node *n, size_t more)
{
    size_t need = n->used + more, size = (size_t)n->size * NODE_GROWTH;
    if (__builtin_expect(need <= n->size, 1))
        return n;
    if (size > UINT32_MAX || size < need)
        size = need;
    return node_move(s, a, n, size);
}

struct stream_node *stream_node_settle(struct stream *s, struct arena *a, struct stream_node *n)
{
    size_t size = arena_usable(n->used), was = n->size;
    if (size == was)
        return n;
    if (arena_resize(a, n, was, size)) {
        s->bytes -= was - size;
        n->size = (uint32_t)size;
        return n;
    }
    struct stream_node *made = node_move(s, a, n, size);
    return made == NULL ? n : made;
}

/* N has the names that end at P, and no entries. */
static void node_begin(struct stream_node *n, struct stream_id first, uint64_t names, const unsigned char *p,
                       size_t packed)
{
    n->first = first;
    n->start = n->used = (uint32_t)(p - (const unsigned char *)n);
    n->names = (uint32_t)names;
    n->packed = (uint32_t)(packed + stream_int_packed((int64_t)names) + stream_int_packed(0));
    n->live = n->deleted = n->closed = 0;
}

struct stream_node *stream_node_new(struct stream *s, struct arena *a, struct stream_id first,
                                    const struct stream_fields *fields)
{
    size_t size = sizeof(struct stream_node) + ENTRY_HEAD_MAX + fields_bytes(fields), packed = 0;
    struct stream_node *n = node_alloc(s, a, size < NODE_LEAST ? NODE_LEAST : size);
    if (n == NULL)
        return NULL;
    unsigned char *p = (unsigned char *)(n + 1);
    for (uint64_t i = 0; i < fields->pairs; i++)
        p = put_cell(p, fields->items[2 * i], &packed);
    node_begin(n, first, fields->pairs, p, packed);
    return n;
}

struct stream_node *stream_node_raw(struct stream *s, struct arena *a, struct stream_id first,
                                    struct slice names, uint64_t count)
{
    size_t packed = 0, size;
    struct stream_node *n = node_alloc(s, a, sizeof *n + names.len);
    if (n == NULL)
        return NULL;
    unsigned char *begin = (unsigned char *)(n + 1), *end = begin + names.len;
    if (names.len > 0)
        memcpy(begin, names.ptr, names.len);
    for (const unsigned char *p = begin; p < end; p += size) {
        size = stream_cell_size(p);
        packed += stream_cell_packed(size);
    }
    node_begin(n, first, count, end, packed);
    return n;
}

/* --- entries --- */

/* What the numbers of an entry take in a listpack. */
static size_t numbers_packed(const struct stream_node *n, struct stream_id id, uint64_t pairs, bool same)
{
    size_t packed = stream_int_packed(same ? STREAM_ENTRY_SAME : 0) +
                    stream_int_packed((int64_t)(id.ms - n->first.ms)) +
                    stream_int_packed((int64_t)(id.seq - n->first.seq));
    if (same)
        return packed + stream_int_packed((int64_t)(pairs + 3));
    return packed + stream_int_packed((int64_t)pairs) + stream_int_packed((int64_t)(2 * pairs + 4));
}

/* Head and numbers of the entry. */
static unsigned char *put_head(unsigned char *p, const struct stream_node *n, struct stream_id id,
                               uint64_t pairs, unsigned flags)
{
    uint64_t ms = id.ms - n->first.ms;
    if (ms < STREAM_ENTRY_MS) {
        *p++ = (unsigned char)(flags | ms << 2);
    } else {
        unsigned width = stream_number_width(ms);
        *p++ = (unsigned char)(flags | (STREAM_ENTRY_MS - 1 + width) << 2);
        for (uint64_t rest = ms; width > 0; width--, rest >>= 8)
            *p++ = (unsigned char)rest;
    }
    p = put_number(p, ms == 0 ? id.seq - n->first.seq : id.seq);
    return flags & STREAM_ENTRY_SAME ? p : put_number(p, pairs);
}

/* The entry whose head begins behind the byte at BEGIN, and which ends at P, is whole. */
static void end_entry(struct stream_node *n, unsigned char *begin, unsigned char *p, size_t packed)
{
    unsigned char *body = begin + 1;
    size_t len = (size_t)(p - body);
    if (__builtin_expect(len >= STREAM_NUMBER, 0)) {
        unsigned more = stream_number_size(len) - 1;
        memmove(body + more, body, len);
        p += more;
    }
    (void)put_number(begin, len);
    n->used = (uint32_t)(p - (unsigned char *)n);
    n->packed += (uint32_t)packed;
}

struct stream_node *stream_node_append(struct stream *s, struct arena *a, struct stream_node *n,
                                       struct stream_id id, const struct stream_fields *fields)
{
    n = node_room(s, a, n, ENTRY_HEAD_MAX + fields_bytes(fields));
    if (__builtin_expect(n == NULL, 0))
        return NULL;
    bool same = same_names(n, fields);
    size_t packed = numbers_packed(n, id, fields->pairs, same);
    unsigned char *begin = stream_node_end(n);
    unsigned char *p = put_head(begin + 1, n, id, fields->pairs, same ? STREAM_ENTRY_SAME : 0);
    for (uint64_t i = same; i < 2 * fields->pairs; i += 1 + same)
        p = put_cell(p, fields->items[i], &packed);
    end_entry(n, begin, p, packed);
    n->live++;
    return n;
}

struct stream_node *stream_node_append_raw(struct stream *s, struct arena *a, struct stream_node *n,
                                           const struct stream_raw *raw)
{
    bool is_deleted = (raw->flags & STREAM_ENTRY_DELETED) != 0;
    n = node_room(s, a, n, ENTRY_HEAD_MAX + raw->cells.len);
    if (n == NULL)
        return NULL;
    unsigned char *begin = stream_node_end(n);
    unsigned char *p = put_head(begin + 1, n, raw->id, raw->pairs, raw->flags);
    if (raw->cells.len > 0)
        memcpy(p, raw->cells.ptr, raw->cells.len);
    size_t packed = numbers_packed(n, raw->id, raw->pairs, (raw->flags & STREAM_ENTRY_SAME) != 0);
    end_entry(n, begin, p + raw->cells.len, packed + raw->packed);
    n->live += !is_deleted;
    n->deleted += is_deleted;
    return n;
}

size_t stream_node_packed(const struct stream_node *n)
{
    return LISTPACK_EMPTY + stream_int_packed(n->live) + stream_int_packed(n->deleted) + n->packed;
}

bool stream_node_is_full(const struct stream_node *n, const struct stream_options *o,
                         const struct stream_fields *fields)
{
    uint64_t limit = (uint64_t)o->node_max_bytes, entries = (uint64_t)n->live + n->deleted, bytes = 0;
    if (limit == 0 || limit > LISTPACK_MAX)
        limit = LISTPACK_MAX;
    for (uint64_t i = 0; i < 2 * fields->pairs; i++)
        bytes += fields->items[i].len;
    return n->closed || stream_node_packed(n) + bytes >= limit || entries >= STREAM_NODE_ENTRIES ||
           (o->node_max_entries != 0 && entries >= (uint64_t)o->node_max_entries);
}

const unsigned char *stream_node_seek(const struct stream_node *n, struct stream_id id)
{
    struct stream_entry e;
    for (const unsigned char *p = stream_node_begin(n), *end = stream_node_end(n); p < end; p = e.end) {
        stream_entry_read(n, p, &e);
        if (stream_id_compare(e.id, id) >= 0)
            return p;
    }
    return NULL;
}

struct stream_id stream_node_last_id(const struct stream_node *n)
{
    struct stream_entry e;
    const unsigned char *last = NULL;
    for (const unsigned char *p = stream_node_begin(n), *end = stream_node_end(n); p < end;
         p = stream_entry_next(p))
        last = p;
    if (last == NULL)
        return n->first;
    stream_entry_read(n, last, &e);
    return e.id;
}

void stream_node_delete(struct stream *s, const struct arena *a, struct stream_node *n,
                        const unsigned char *p)
{
    uint64_t len;
    *(unsigned char *)(uintptr_t)stream_number_read(p, &len) |= STREAM_ENTRY_DELETED;
    n->live--;
    n->deleted++;
    s->length--;
    if (stream_has_sums(s))
        stream_sums_deleted(s, a, n);
}
