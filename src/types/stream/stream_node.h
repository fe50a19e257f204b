/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is done with nodes of entries, which stream_entry.h draws, and with the tree of them.
 */
#pragma once

#include "types/stream/stream_entry.h"

/* What an entry is made of: names and values in turn. */
struct stream_fields {
    const struct slice *items;
    uint64_t pairs;
};

/* A node without entries, with the names of FIELDS, and room for one with FIELDS. NULL: no memory for
 * it. It counts to S's bytes, and is in no tree. */
struct stream_node *stream_node_new(struct stream *s, struct arena *a, struct stream_id first,
                                    const struct stream_fields *fields);
/* Puts an entry, whose id is higher than all in N, behind the last. N may have moved: the node is
 * returned. NULL: no memory for it; N is as it was. */
struct stream_node *stream_node_append(struct stream *s, struct arena *a, struct stream_node *n,
                                       struct stream_id id, const struct stream_fields *fields);
/* The same of what is packed already: NAMES are cells, and so is what an entry has. */
struct stream_raw {
    struct stream_id id;
    unsigned flags;
    uint64_t pairs;
    struct slice cells;
    size_t packed; /* what they take in a listpack */
};
struct stream_node *stream_node_raw(struct stream *s, struct arena *a, struct stream_id first,
                                    struct slice names, uint64_t count);
struct stream_node *stream_node_append_raw(struct stream *s, struct arena *a, struct stream_node *n,
                                           const struct stream_raw *raw);
void stream_node_free(struct stream *s, struct arena *a, struct stream_node *n);
/* Gives back what room it has; returns where it is then. */
struct stream_node *stream_node_settle(struct stream *s, struct arena *a, struct stream_node *n);
/* Bytes of its listpack. */
size_t stream_node_packed(const struct stream_node *n);
/* Whether an entry with FIELDS is to stand in a node of its own. */
bool stream_node_is_full(const struct stream_node *n, const struct stream_options *o,
                         const struct stream_fields *fields);
/* The entry with the least id not less than ID, deleted ones too; NULL: all are less. */
const unsigned char *stream_node_seek(const struct stream_node *n, struct stream_id id);
/* The highest id in it, of a deleted one too. */
struct stream_id stream_node_last_id(const struct stream_node *n);
/* Marks the entry at P of N, a node of S's tree, as deleted, which is live. */
void stream_node_delete(struct stream *s, const struct arena *a, struct stream_node *n,
                        const unsigned char *p);

/* The node whose entries may have ID: the last one that begins with it or before it; false: there is
 * none, and *PLACE is the first one. */
bool stream_seek_node(const struct stream *s, const struct arena *a, struct stream_id id,
                      struct btree_place *place);
/* The last id is set to one that entries which were deleted may have been above. */
void stream_close(struct stream *s, const struct arena *a);
/* Puts N, whose ids are higher than all there are, behind the last. */
void stream_put_node(struct stream *s, struct arena *a, struct stream_node *n);
/* Takes the node at PLACE out and frees it; PLACE is the next one's then. */
void stream_drop_node(struct stream *s, struct arena *a, struct btree_place *place);
