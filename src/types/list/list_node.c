/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One node of a big list: its memory, its ends, LZF.
 *
 * A listpack that is longer at its begin needs a head there, so the head is written anew where
 * that begin is; at the other end nothing but the last byte is.
 */
#include <assert.h>

#include "base/little.h"
#include "codec/compress.h"
#include "types/list/list_private.h"

#define NODE_LEAST 512 /* bytes of an end node that has room */
#define LZF_LEAST  48  /* less is not worth the compression */

struct lzf_node {
    struct list_node head;
    uint32_t packed, length;
    unsigned char bytes[];
};

/* --- memory --- */

static void node_begin(struct list *l, struct list_node *n, size_t size, enum list_kind kind)
{
    *n = (struct list_node){.size = size, .kind = kind, .start = LIST_NODE_HEAD};
    l->root->bytes += size;
}

static struct list_node *node_alloc(struct list *l, size_t size)
{
    size = arena_usable(size);
    struct list_node *n = arena_alloc(l->a, size);
    node_begin(l, n, size, LIST_PACKED);
    return n;
}

void list_node_free(struct list *l, struct list_node *n)
{
    l->root->bytes -= n->size;
    arena_free(l->a, n, n->size);
}

struct list_node *list_node_new(struct list *l, const unsigned char *lp, size_t bytes, size_t room,
                                bool front)
{
    struct list_node *n = node_alloc(l, LIST_NODE_HEAD + bytes > room ? LIST_NODE_HEAD + bytes : room);
    if (front)
        n->start = n->size - bytes;
    if (lp != NULL)
        memcpy(list_node_lp(n), lp, bytes);
    else
        listpack_init(list_node_lp(n));
    return n;
}

struct list_node *list_node_plain(struct list *l, struct slice element)
{
    size_t size = arena_usable(LIST_NODE_HEAD + sizeof(uint64_t) + element.len);
    struct list_node *n = arena_try_alloc(l->a, size);
    if (n == NULL)
        return NULL;
    node_begin(l, n, size, LIST_PLAIN);
    *(uint64_t *)(n + 1) = element.len;
    memcpy((char *)(n + 1) + sizeof(uint64_t), element.ptr, element.len);
    return n;
}

/* N's listpack in a node of SIZE bytes, which may be N. */
static struct list_node *move_to(struct list *l, struct list_node *n, size_t size, bool front)
{
    struct list_node *made = list_node_new(l, list_node_lp(n), listpack_bytes(list_node_lp(n)), size, front);
    list_node_free(l, n);
    return made;
}

/* --- the ends --- */

bool list_node_fits(const struct list *l, struct list_node *n, size_t more)
{
    const unsigned char *lp = list_node_lp(n);
    return n->kind == LIST_PACKED && LIST_NODE_HEAD + listpack_bytes(lp) + more <= l->node_bytes &&
           listpack_count(lp) < l->node_entries;
}

struct list_node *list_node_room(struct list *l, struct list_node *n, bool front, size_t more)
{
    unsigned char *lp = list_node_lp(n);
    size_t bytes = listpack_bytes(lp), size = n->size, need = LIST_NODE_HEAD + bytes + more;
    size_t have = front ? n->start - LIST_NODE_HEAD : size - n->start - bytes;
    if (__builtin_expect(have >= more, 1))
        return n;
    size_t most = l->node_bytes;
    if (need <= size && (size >= most || size - need >= size / 8)) {
        /* Half of what is free goes to each side, so that this need not be done for each entry. */
        size_t half = (size - need) / 2;
        n->start = LIST_NODE_HEAD + half + (front ? more : 0);
        memmove(list_node_lp(n), lp, bytes);
        return n;
    }
    size = size * 2 < most ? size * 2 : most;
    if (size < NODE_LEAST)
        size = NODE_LEAST < most ? NODE_LEAST : most;
    return move_to(l, n, size > need ? size : need, front);
}

static void write_head(unsigned char *lp, size_t bytes, uint64_t count)
{
    little_store32(lp, (uint32_t)bytes);
    little_store16(lp + 4, (uint16_t)count);
}

void list_node_put(struct list_node *n, bool front, const struct listpack_value *v, size_t bytes)
{
    unsigned char *lp = list_node_lp(n);
    struct listpack_change change = {.count = 1, .values = v};
    if (front) {
        /* The entry takes the place of as many bytes that are none yet. */
        size_t before = listpack_bytes(lp);
        uint64_t count = listpack_count(lp);
        lp -= bytes;
        n->start -= bytes;
        write_head(lp, before + bytes, count);
        change.at = LISTPACK_HEAD;
        change.end = LISTPACK_HEAD + bytes;
    } else {
        change.at = change.end = listpack_end(lp);
    }
    listpack_change(lp, &change);
}

void list_node_cut(struct list_node *n, size_t at, size_t end, uint32_t count)
{
    unsigned char *lp = list_node_lp(n);
    size_t bytes = listpack_bytes(lp);
    if (at == LISTPACK_HEAD) {
        uint64_t left = listpack_count(lp) - count;
        n->start += end - at;
        write_head(lp + (end - at), bytes - (end - at), left);
        return;
    }
    struct listpack_change change = {.at = at, .end = end, .removed = count};
    listpack_change(lp, &change);
}

uint32_t list_cut_equal(unsigned char *lp, size_t at, struct slice text, uint64_t max)
{
    size_t end = listpack_end(lp), from = at, to = at;
    uint32_t cut = 0;
    while (cut < max && from != end) {
        size_t match = listpack_find(lp, from, text);
        if (match == 0)
            break;
        memmove(lp + to, lp + from, match - from);
        to += match - from;
        from = match + listpack_inline_size(lp + match);
        cut++;
    }
    uint64_t count = listpack_count(lp) - cut;
    memmove(lp + to, lp + from, end + 1 - from);
    write_head(lp, to + end + 1 - from, count);
    return cut;
}

struct list_node *list_node_trim(struct list *l, struct list_node *n)
{
    if (n->kind != LIST_PACKED)
        return n;
    size_t need = LIST_NODE_HEAD + listpack_bytes(list_node_lp(n));
    if (n->size <= NODE_LEAST || need > n->size / 4)
        return n;
    bool front = n->start - LIST_NODE_HEAD > n->size / 2;
    return move_to(l, n, need * 2, front);
}

struct list_node *list_node_settle(struct list *l, struct list_node *n)
{
    if (n->kind != LIST_PACKED)
        return n;
    size_t need = LIST_NODE_HEAD + listpack_bytes(list_node_lp(n));
    return arena_usable(need) < n->size ? move_to(l, n, need, false) : n;
}

struct list_node *list_node_widen(struct list *l, struct list_node *n, size_t more)
{
    unsigned char *lp = list_node_lp(n);
    size_t bytes = listpack_bytes(lp), need = LIST_NODE_HEAD + bytes + more;
    if (need > n->size)
        return move_to(l, n, need, false);
    if (n->start + bytes + more > n->size) {
        n->start = LIST_NODE_HEAD;
        memmove(list_node_lp(n), lp, bytes);
    }
    return n;
}

/* --- LZF --- */

struct list_node *list_node_compress(struct list *l, struct list_node *n)
{
    if (list_node_is_lzf(n))
        return n;
    struct slice bytes = list_node_bytes(n);
    if (bytes.len < LZF_LEAST || bytes.len > UINT32_MAX)
        return n;
    /* Only what makes the allocation smaller is a gain. */
    size_t most = n->size - sizeof(struct lzf_node) - 1;
    struct lzf_node *z = arena_try_alloc(l->a, n->size);
    if (z == NULL)
        return n;
    size_t packed = compress_pack(bytes, z->bytes, most < bytes.len ? most : bytes.len - 1);
    size_t size = arena_usable(sizeof *z + packed);
    struct lzf_node *made = NULL;
    if (packed != 0 && size < n->size && (made = arena_try_alloc(l->a, size)) != NULL) {
        memcpy(made->bytes, z->bytes, packed);
        made->packed = (uint32_t)packed;
        made->length = (uint32_t)bytes.len;
    }
    arena_free(l->a, z, n->size);
    if (made == NULL)
        return n;
    node_begin(l, &made->head, size, n->kind == LIST_PLAIN ? LIST_LZF_PLAIN : LIST_LZF_PACKED);
    list_node_free(l, n);
    return &made->head;
}

static void expand_to(const struct lzf_node *z, void *to)
{
    bool done = compress_unpack(slice_of(z->bytes, z->packed), to, z->length);
    assert(done);
    (void)done;
}

struct list_node *list_node_raw(struct list *l, struct list_node *n)
{
    if (!list_node_is_lzf(n))
        return n;
    const struct lzf_node *z = (const struct lzf_node *)n;
    bool plain = n->kind == LIST_LZF_PLAIN;
    size_t size = arena_usable(LIST_NODE_HEAD + (plain ? sizeof(uint64_t) : 0) + z->length);
    struct list_node *made = plain ? arena_try_alloc(l->a, size) : arena_alloc(l->a, size);
    if (made == NULL)
        return n;
    node_begin(l, made, size, plain ? LIST_PLAIN : LIST_PACKED);
    if (plain)
        *(uint64_t *)(made + 1) = z->length;
    expand_to(z, (char *)(made + 1) + (plain ? sizeof(uint64_t) : 0));
    list_node_free(l, n);
    return made;
}

struct slice list_node_read(struct list_node *n, struct buf *scratch)
{
    if (!list_node_is_lzf(n))
        return list_node_bytes(n);
    const struct lzf_node *z = (const struct lzf_node *)n;
    scratch->len = 0;
    expand_to(z, buf_room(scratch, z->length));
    return slice_of(scratch->data, z->length);
}

bool list_node_lzf(struct list_node *n, struct slice *packed, uint32_t *length)
{
    const struct lzf_node *z = (const struct lzf_node *)n;
    if (!list_node_is_lzf(n))
        return false;
    *packed = slice_of(z->bytes, z->packed);
    *length = z->length;
    return true;
}
