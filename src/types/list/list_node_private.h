/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How lists are laid out, and what is done with one node of a big one. A list is
 *
 *   packed   a listpack, the packed bytes of its entry, up to LIST_PACKED_MAX bytes; or
 *   an object:
 *
 *     struct list_root -> head node        middle: a btree by place        tail node
 *                         | .. |    | node, node, node, node, node, .. |    | .. |
 *
 * Head and tail may be one node. Their listpacks have room before and behind them, so that
 * pushes and pops at the ends move nothing; nodes of the middle have none to spare, and weigh as
 * many as they have elements. No node has more elements than a listpack's head can count.
 *
 *   node:    | struct list_node | .. | listpack | .. |        LIST_PACKED: the listpack at START
 *            | struct list_node | u64 length | bytes |        LIST_PLAIN: one element, too long for
 *                                                             a listpack
 *            | struct list_node | u32 packed | u32 length | bytes |  one of these two in LZF; only
 *                                                             in the middle
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "container/btree.h"
#include "container/listpack_inline.h"
#include "keyspace/keyspace.h"
#include "types/list/list.h"

#define LIST_PACKED_MAX  ENTRY_INLINE_MAX
#define LIST_UNPACK_MIN  (LIST_PACKED_MAX / 4) /* an object of one node this small becomes packed */
#define LIST_NODE_HEAD   sizeof(struct list_node)
#define LIST_NODE_MAX    65536 /* bytes of any node with a listpack */
/* No element is longer. */
#define LIST_ELEMENT_MAX ((size_t)UINT32_MAX - 64)

enum list_kind { LIST_PACKED, LIST_PLAIN, LIST_LZF_PACKED, LIST_LZF_PLAIN };

struct list_node {
    uint64_t size : 40; /* of the allocation */
    uint64_t kind : 2;
    uint64_t start : 22;
};

struct list_root {
    uint64_t count;     /* elements */
    uint64_t bytes;     /* of all nodes */
    uint64_t head : 40; /* short pointers */
    uint64_t tail : 40;
    struct btree middle;
};

/* A list in hand: its value, and the limits that hold. */
struct list {
    struct arena *a;
    const unsigned char *packed; /* NULL: an object, or nothing yet */
    struct list_root *root;
    uint32_t node_bytes; /* most of a node, with its head; */
    uint32_t node_entries;
    uint64_t depth;
};

/* A node's place: the head, which may be the tail too, the tail, or one of the middle. */
enum list_where { LIST_HEAD, LIST_MIDDLE, LIST_TAIL };
struct list_spot {
    enum list_where where;
    struct btree_place place;
};

/* --- one node: those that return a node may have moved it; the caller then stores
 * where it is. --- */

static inline unsigned char *list_node_lp(struct list_node *n)
{
    return (unsigned char *)n + n->start;
}

static inline uint64_t list_node_length(const struct list_node *n)
{
    return *(const uint64_t *)(n + 1);
}

/* What a node of KIND, which is not LZF, holds: the bytes of its listpack or its element. */
static inline struct slice list_node_bytes(struct list_node *n)
{
    if (n->kind == LIST_PLAIN)
        return slice_of((const char *)(n + 1) + 8, list_node_length(n));
    return slice_of(list_node_lp(n), listpack_bytes(list_node_lp(n)));
}

/* Elements of one that is not LIST_LZF_PACKED. */
static inline uint64_t list_node_count(struct list_node *n)
{
    return n->kind == LIST_PACKED ? listpack_count(list_node_lp(n)) : 1;
}

/* A node of ROOM bytes at least for the BYTES of a listpack, which are copied from LP (NULL: an
 * empty one is made); what is free is before it if FRONT, else behind it. */
struct list_node *list_node_new(struct list *l, const unsigned char *lp, size_t bytes, size_t room,
                                bool front);
/* NULL: no memory for it. */
struct list_node *list_node_plain(struct list *l, struct slice element);
void list_node_free(struct list *l, struct list_node *n);
/* Whether its listpack may have an entry of MORE bytes more. */
bool list_node_fits(const struct list *l, struct list_node *n, size_t more);
/* Whether an entry of that many bytes is too long for any listpack. */
static inline bool list_is_long(const struct list *l, size_t entry)
{
    return LIST_NODE_HEAD + LISTPACK_EMPTY + entry > l->node_bytes;
}
/* Room for MORE bytes before or behind its listpack. */
struct list_node *list_node_room(struct list *l, struct list_node *n, bool front, size_t more);
/* Puts V, for which there is room, at an end. */
void list_node_put(struct list_node *n, bool front, const struct listpack_value *v, size_t bytes);
/* Takes COUNT entries from the entry at AT on, up to the one at END, out. */
void list_node_cut(struct list_node *n, size_t at, size_t end, uint32_t count);
/* The same on a listpack: those that are TEXT, from the entry at AT on, at most MAX; how many. */
uint32_t list_cut_equal(unsigned char *lp, size_t at, struct slice text, uint64_t max);
/* Gives back most of the room of an end node that has much of it. */
struct list_node *list_node_trim(struct list *l, struct list_node *n);
/* Gives back all room, for a node of the middle; */
struct list_node *list_node_settle(struct list *l, struct list_node *n);
/* makes such a one longer by MORE bytes behind its listpack. */
struct list_node *list_node_widen(struct list *l, struct list_node *n, size_t more);
/* A node that is not LZF, made of N if that is; or N, for an element of its own that there is no memory
 * for. */
struct list_node *list_node_raw(struct list *l, struct list_node *n);
/* An LZF node made of N, or N where that saves nothing. */
struct list_node *list_node_compress(struct list *l, struct list_node *n);
/* What list_node_bytes gives, of any node: of one in LZF it stands in SCRATCH. */
struct slice list_node_read(struct list_node *n, struct buf *scratch);
/* True if it is in LZF: *PACKED, which is *LENGTH bytes long when decompressed. */
bool list_node_lzf(struct list_node *n, struct slice *packed, uint32_t *length);

static inline bool list_node_is_lzf(const struct list_node *n)
{
    return n->kind >= LIST_LZF_PACKED;
}

static inline bool list_node_is_plain(const struct list_node *n)
{
    return n->kind == LIST_PLAIN || n->kind == LIST_LZF_PLAIN;
}
