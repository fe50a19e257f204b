/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How the entries of a stream are packed: runs of them in nodes, each with the names of its first
 * entry's fields, which the others need not repeat.
 *
 *   node:   | struct stream_node | cell: name .. | entry | entry | .. | free room |
 *   entry:  | number: bytes behind it | u8 head | milliseconds | number: sequence | rest |
 *           head: bit 0 deleted, bit 1 names are the node's; bits 2 to 7: milliseconds since those
 *                 of the node's first id, if less than 56, else as many bytes of them follow as it
 *                 is more than 55
 *           sequence: less that of the first id where the milliseconds are the same
 *           rest: names are the node's: cell: value ..; else | number: pairs | cell: name, value .. |
 *   cells and numbers: see stream_cell.h
 *
 * Redis keeps such a run as one listpack (drawn in stream_rdb.c), which takes about seven bytes
 * more for each entry; where a node begins and what it still has of deleted entries is the same,
 * so that files have the same bytes. For that a node knows how long its listpack would be.
 */
#pragma once

#include "types/stream/stream_cell.h"
#include "types/stream/stream_private.h"

#define STREAM_NODE_ENTRIES 4096 /* no node is given more of them */

/* 40 bytes: a hundred entries of 20 bytes are to find room in 2048. */
struct stream_node {
    struct stream_id first; /* of its first entry, which may be deleted */
    uint32_t size;          /* of the allocation */
    uint32_t used;          /* bytes, with this head; */
    uint32_t start;         /* where the entries begin */
    uint32_t names;         /* number of them */
    uint32_t packed;        /* bytes of the listpack that has to do with names and entries */
    uint32_t live : 14;     /* entries */
    uint32_t deleted : 14;
    uint32_t closed : 1; /* nothing more is to be put here: see stream_close */
};

enum {
    STREAM_ENTRY_DELETED = 1,
    STREAM_ENTRY_SAME = 2,
    STREAM_ENTRY_FLAGS = 3,
    STREAM_ENTRY_MS = 56, /* from here on: the bytes of the milliseconds */
};

static inline unsigned char *stream_node_end(const struct stream_node *n)
{
    return (unsigned char *)(uintptr_t)n + n->used;
}

static inline unsigned char *stream_node_begin(const struct stream_node *n)
{
    return (unsigned char *)(uintptr_t)n + n->start;
}

static inline const unsigned char *stream_node_names(const struct stream_node *n)
{
    return (const unsigned char *)(n + 1);
}

struct stream_entry {
    struct stream_id id;
    unsigned flags;
    const unsigned char *head;
    const unsigned char *rest;
    const unsigned char *end;
};

/* The entry of N at P. */
static inline void stream_entry_read(const struct stream_node *n, const unsigned char *p,
                                     struct stream_entry *e)
{
    uint64_t len, ms, seq;
    p = stream_number_read(p, &len);
    e->head = p;
    e->end = p + len;
    unsigned head = *p++;
    e->flags = head & STREAM_ENTRY_FLAGS;
    ms = head >> 2;
    if (__builtin_expect(ms >= STREAM_ENTRY_MS, 0))
        p = stream_number_bytes(p, (unsigned)ms - (STREAM_ENTRY_MS - 1), &ms);
    e->rest = stream_number_read(p, &seq);
    e->id.ms = n->first.ms + ms;
    e->id.seq = ms == 0 ? n->first.seq + seq : seq;
}

static inline const unsigned char *stream_entry_next(const unsigned char *p)
{
    uint64_t len;
    p = stream_number_read(p, &len);
    return p + len;
}

/* The number of pairs, and where they or (SAME) the values begin. */
static inline const unsigned char *stream_entry_pairs(const struct stream_node *n,
                                                      const struct stream_entry *e, uint64_t *pairs)
{
    if (e->flags & STREAM_ENTRY_SAME) {
        *pairs = n->names;
        return e->rest;
    }
    return stream_number_read(e->rest, pairs);
}
