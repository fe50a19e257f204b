/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The consumer groups of a stream: what hangs on the short pointer `groups` of its root, 0 as long as
 * the stream never had a group. All of it is in the arena and holds no pointer out of it.
 *
 *     groups -- by name --> group -- by id ------> pending  <-- by id -- consumer
 *                             |  \-- by name ---------------------------> consumer
 *                             \-- by delivery: line of given-back ones, line, odd ones
 *
 * Here: the types, and what the stream's own half needs: whether a group still wants an id,
 * forgetting one, the groups' part of files, freeing, copying, moving, memory, XINFO STREAM FULL.
 * What commands do with groups and pending entries is in stream_pel.h.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/slice.h"
#include "codec/resp_writer.h"
#include "container/btree.h"
#include "types/stream/stream_private.h"

struct rdb_reader;
struct rdb_writer;

/* One allocation, the root's short pointer leads to it. */
struct stream_groups {
    struct btree by_name;
    uint64_t work; /* groups, consumers and pending entries: how much there is to free or to walk */
};

/* Pending entries that stand in the order of their delivery, linked. */
struct stream_line {
    uint64_t first : 40, spare : 24;
    uint64_t last : 40, spare2 : 24;
};

#define STREAM_READ_UNKNOWN (-1)

struct stream_group {
    struct stream_id last_id; /* delivered last */
    int64_t entries_read;     /* or STREAM_READ_UNKNOWN */
    struct btree pending;     /* by id */
    struct btree consumers;   /* by name */
    struct stream_line back;  /* given back (XNACK), in the order of that; they have no consumer */
    struct stream_line line;  /* delivered, the longest idle first */
    struct btree odd;         /* delivered at a time that did not fit behind the line; by time, then id */
    uint64_t nacked;          /* those in BACK */
    uint64_t base_ms;         /* what the prefixes of ids count from; see stream_pel.c */
    uint32_t name_len;
    char name[];
};

struct stream_consumer {
    int64_t seen_ms;   /* last attempt of any kind */
    int64_t active_ms; /* last time that it got something, -1: never */
    struct btree pending;
    uint32_t name_len;
    char name[];
};

/* An entry that was delivered and not acknowledged. Stands in its group's tree and its consumer's,
 * and in one of the three orders of delivery. */
struct stream_pending {
    struct stream_id id;
    int64_t delivered_ms;
    uint64_t count : 63, odd : 1;
    unsigned char consumer[ARENA_SHORT]; /* 0: it was given back */
    unsigned char prev[ARENA_SHORT], next[ARENA_SHORT];
    unsigned char free;
};

/* --- what the stream's half needs; GROUPS is what its short pointer leads to, maybe NULL --- */

uint64_t stream_groups_count(const struct stream_groups *groups);
/* How much there is to free: groups, consumers, pending entries. */
uint64_t stream_groups_work(const struct stream_groups *groups);
/* ACKED: whether a group has not been given ID yet, or has it pending. */
bool stream_groups_want(const struct stream_groups *groups, const struct arena *a, struct stream_id id);
/* DELREF: no group has ID pending after. True: some had. */
bool stream_groups_forget(struct stream_groups *groups, struct arena *a, struct stream_id id);

/* Frees about *BUDGET of what stream_groups_work counts; true when all is gone, GROUPS as well. */
bool stream_groups_free_some(struct stream_groups *groups, struct arena *a, uint64_t *budget);
/* A copy that shares nothing with it; NULL of NULL. */
struct stream_groups *stream_groups_copy(const struct stream_groups *groups, struct arena *a);
/* Bytes it takes in the arena, its trees with it. */
size_t stream_groups_memory(const struct stream_groups *groups, const struct arena *a);
/* Moves what is leaving (arena_is_leaving), *GROUPS itself with it. Handles about *BUDGET of the work
 * from *CURSOR on (0 at first; the groups may change between the calls); adds what was moved to *MOVED.
 * True at the end. */
bool stream_groups_relocate(struct stream_groups **groups, struct arena *a, uint64_t *cursor,
                            uint64_t *budget, size_t *moved);

/* --- files: | groups | per group: name, ms, seq, entries read, pending, consumers | --- */

/* The oldest type of stream that can hold them: 19, or 27 where entries were given back. */
unsigned stream_groups_rdb_type(const struct stream_groups *groups, const struct arena *a);
/* Writes their part of a value of RDB_TYPE (15, 19, 21, 26, 27). */
void stream_groups_save(struct rdb_writer *out, const struct stream_groups *groups, const struct arena *a,
                        unsigned rdb_type);

/* Where a loader stands; zero but for the first two members at first. */
struct stream_groups_load {
    struct arena *arena; /* NULL: what is read is passed over */
    unsigned rdb_type;
    /* Of a type without the number of entries that a group has read: asked for it, from what the group
     * was given last. May be NULL: it is not known then. */
    int64_t (*estimate)(void *arg, struct stream_id last);
    void *arg;
    struct stream_groups
        *groups; /* what is there so far; the caller's to keep or to free, also after an error */
    int stage;
    uint64_t group_count, left; /* groups to come; items of this stage to come */
    uint64_t consumer_count;
    uint64_t group, consumer; /* short pointers to those under way */
};

/* Reads the groups' part, item by item. MR_E_AGAIN: POS stands behind what was taken; to be called
 * again with more bytes. 0: all was read, L->groups (maybe NULL) is whole. MR_E_CORRUPT. */
int stream_groups_load(struct stream_groups_load *l, struct rdb_reader *in) MR_MUST_CHECK;

/* --- XINFO STREAM --- */

/* The value of "groups" in XINFO STREAM FULL, with at most COUNT pending entries each (0: all). */
void stream_groups_reply_full(struct resp_writer *w, const struct stream_groups *groups,
                              const struct arena *a, const struct stream *s, uint64_t count);
