/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What runs of a stream's nodes have in all, so that many nodes can be cut off at the front without a look
 * at each of them.
 *
 *   node .. node | node .. node | .. | node .. node
 *   sum            sum                 the open run, which has no sum, and the last node in it
 *
 * A run is closed when it has STREAM_RUN nodes and another one is put behind. What may grow is the last
 * node alone, so that a sum only becomes less: as entries are deleted, as nodes are taken out. A stream of
 * so few nodes has no sums.
 */
#pragma once

#include "types/stream/stream_node.h"

#define STREAM_RUN 128 /* nodes */

struct stream_sum {
    struct stream_id end; /* what the first node behind the run began with, when the run was closed */
    uint64_t nodes, live, bytes;
};

/* In the arena, one allocation. The sums are those from FIRST on. */
struct stream_sums {
    uint64_t nodes; /* of all of them */
    uint32_t first, end, room;
    struct stream_sum of[];
};

static inline bool stream_has_sums(const struct stream *s)
{
    return (s->sums_low | s->sums_high) != 0;
}

static inline struct stream_sums *stream_sums_of(const struct stream *s, const struct arena *a)
{
    return arena_expand(a, (uint64_t)s->sums_high << 24 | s->sums_low);
}

/* N is going to be put behind the STREAM_RUN nodes or more that there are. */
void stream_sums_put(struct stream *s, struct arena *a, const struct stream_node *n);
/* An entry of N was deleted. There are sums. */
void stream_sums_deleted(struct stream *s, const struct arena *a, const struct stream_node *n);
/* N, all entries of which were deleted, was taken out of the tree. There are sums. */
void stream_sums_dropped(struct stream *s, struct arena *a, const struct stream_node *n);
/* Of whole runs from the first node on, as many as have no more than NODES nodes and LIVE entries. */
struct stream_sum stream_sums_until(const struct stream *s, const struct arena *a, uint64_t nodes,
                                    uint64_t live);
/* The first nodes, which have GONE in all, were taken out of the tree. There are sums. */
void stream_sums_cut(struct stream *s, struct arena *a, struct stream_sum gone);

/* For an object of the type: */
void stream_sums_free(struct stream *s, struct arena *a);
size_t stream_sums_memory(const struct stream *s, const struct arena *a);
void stream_sums_relocate(struct stream *s, struct arena *a, size_t *moved);
/* Whether they are as they should be. O(nodes), for tests. */
bool stream_sums_check(const struct stream *s, const struct arena *a);
