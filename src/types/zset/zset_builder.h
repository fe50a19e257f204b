/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sorted sets that are made from nothing, member by member in any order, and put behind a key
 * when they are whole. Elements are made at once; order, table and tree come in the end, where
 * they cost least, unless members must be found before.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keyspace/keyspace.h"
#include "types/zset/zset.h"
#include "types/zset/zset_big.h"

/* An element with what it is sorted by. */
struct zset_built {
    uint64_t image;   /* zset_score_image, once sorted */
    uint64_t element; /* short pointer */
};

struct zset_builder {
    struct keyspace *ks;
    struct arena *a;
    const struct zset_options *options;
    struct zset_built *items; /* heap */
    size_t count, room;
    uint64_t longest;     /* member */
    struct zset_big *big; /* its table has all of them; NULL: there is none yet */
    bool moved;           /* elements of the table are not where the items say */
    int code;             /* MR_E_MEMORY once something could not be had; what came since is dropped */
};

void zset_builder_init(struct zset_builder *b, struct keyspace *ks, const struct zset_options *options);
/* Frees what was not taken. */
void zset_builder_done(struct zset_builder *b);
/* Room for COUNT members at once. */
void zset_builder_reserve(struct zset_builder *b, uint64_t count);
/* Adds a member that is not there yet. */
void zset_builder_add(struct zset_builder *b, struct slice member, double score);

/* --- for those that must be found again --- */

/* Before the first one; COUNT of them may come. */
void zset_builder_index(struct zset_builder *b, uint64_t count);
static inline struct zset_element *zset_builder_find(const struct zset_builder *b, struct slice member,
                                                     uint64_t hash, struct dict_slot *slot)
{
    return zset_big_find(b->big, b->a, member, hash, slot);
}
/* Adds a member that was not found. */
void zset_builder_add_indexed(struct zset_builder *b, struct slice member, uint64_t hash, double score);
/* Gives one that was found another score. */
void zset_builder_rescore(struct zset_builder *b, struct zset_element *el, struct dict_slot slot,
                          double score);

/* --- when all are there --- */

/* Orders them by score and member. */
void zset_builder_sort(struct zset_builder *b);
static inline const struct zset_element *zset_builder_at(const struct zset_builder *b, size_t i)
{
    return (const struct zset_element *)arena_expand(b->a, b->items[i].element);
}
/* The value that holds them all, at least one, packed where it may be; sorts them. The elements are
 * taken. *RET's bytes may be PACK's. MR_E_MEMORY. */
int zset_builder_value(struct zset_builder *b, struct buf *pack, struct entry_value *ret) MR_MUST_CHECK;
/* Puts it behind KEY, whatever was there, without an expiry. */
int zset_builder_store(struct zset_builder *b, struct db *db, struct slice key, uint64_t hash) MR_MUST_CHECK;
/* Frees a value that nobody wanted. */
void zset_builder_drop_value(struct arena *a, const struct entry_value *v);
