/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What defragmentation keeps in the keyspace, embedded there.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct defrag_options;

/* A big object that is under way: found again by the hash of its key and by its root, wherever its
 * entry stands, and given up when it is gone. */
struct defrag_object {
    uint32_t db;
    uint64_t hash;
    uint64_t root;   /* short pointer */
    uint64_t cursor; /* the type's */
    bool moved;      /* something of it was */
};

struct defrag_state {
    const struct defrag_options *options; /* NULL: off */
    bool running;                         /* a pass; the arena is evacuating */
    bool over;                            /* there was something to do at the last look */
    unsigned effort;                      /* of the last look, percent */
    uint32_t db;                          /* how far the pass is */
    uint64_t cursor;
    struct defrag_object *objects; /* those under way, the last one first; the walk waits for them */
    uint32_t object_count, object_room;
    uint64_t moved;  /* objects, ever, when the pass began */
    size_t settled;  /* free room that nothing could be done about; 0: none */
    int64_t over_us; /* since when there is something to do */
    int64_t total_us;
    uint64_t hits, misses, key_hits, key_misses; /* of values, of keys */
};
