/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Big sorted sets: a table by member and a tree by score and member, both of short pointers to
 * the same elements. An element is one allocation:
 *
 *   | flags u8 | score, 4 or 8 bytes | varint length (1, 3 or 5 bytes) | member |
 *   flags:  bit 0: has an expiry, for which 3 bytes that are free and a wheel node of 18 bytes
 *                  stand behind the flags (no command gives one: always 0)
 *           bit 1: the score is the integer in the 4 bytes; else it is the double in the 8, as
 *                  in all whose members are long, so that no score asks for other memory
 *
 * Numbers are in the machine's byte order. Equal scores, 0 and -0 too, are ordered by member.
 * Everything is in the arena and holds no pointer out of it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "container/btree.h"
#include "container/dict.h"
#include "keyspace/entry.h"
#include "keyspace/keyspace.h"

struct zset_element {
    uint8_t flags;
    unsigned char rest[];
};

enum zset_element_flag { ZSET_ELEMENT_INT = 2 };

/* Longer members are asked for with arena_try_alloc. */
#define ZSET_SURE_MAX ((size_t)8192)

struct zset_big {
    struct dict dict;
    struct btree tree;
    uint64_t bytes;   /* of the elements, as the arena counts them */
    uint64_t drained; /* how far the table has been freed */
};

static inline double zset_element_score(const struct zset_element *el)
{
    if (el->flags & ZSET_ELEMENT_INT) {
        int32_t i;
        memcpy(&i, el->rest, sizeof i);
        return i;
    }
    double d;
    memcpy(&d, el->rest, sizeof d);
    return d;
}

static inline struct slice zset_element_member(const struct zset_element *el)
{
    return entry_counted(el->rest + (el->flags & ZSET_ELEMENT_INT ? 4 : 8));
}

/* The bits of SCORE so that a lower score has lower bits; the same for 0 and -0. */
static inline uint64_t zset_score_image(double score)
{
    uint64_t bits;
    score += 0.0;
    memcpy(&bits, &score, sizeof bits);
    return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

/* Its 32 bits for the tree: sign, 6 of exponent, 25 behind the point. Two of the exponents stand for
 * all that is nearer to 0 than 2^-10, and farther from it than 2^52, where 10 of the 25 bits are
 * exponent, too; so whole numbers up to 2^26 and their like are told apart. */
static inline uint32_t zset_score_prefix(double score)
{
    const uint64_t least = (uint64_t)(1023 - 10) << 52, most = (uint64_t)(1023 + 52) << 52;
    uint64_t image = zset_score_image(score);
    bool negative = image >> 63 == 0;
    uint64_t size = (negative ? ~image : image) & INT64_MAX;
    uint32_t prefix;
    if (size < least)
        prefix = (uint32_t)(size >> 37);
    else if (size < most)
        prefix = (uint32_t)((size - least) >> 27) + (UINT32_C(1) << 25);
    else
        prefix = (uint32_t)((size - most) >> 37) + (UINT32_C(63) << 25);
    return negative ? INT32_MAX - prefix : prefix | UINT32_C(1) << 31;
}

/* Less than, equal to or greater than 0 as the member A stands before, at or behind B. */
static inline int zset_compare_members(struct slice a, struct slice b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len == 0 ? 0 : memcmp(a.ptr, b.ptr, len);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* --- elements that stand in no set yet --- */

/* NULL: no memory, for a member longer than ZSET_SURE_MAX. */
struct zset_element *zset_element_new(struct arena *a, struct slice member, double score);
void zset_element_free(struct arena *a, struct zset_element *el);
/* Bytes it takes of the arena. */
size_t zset_element_bytes(const struct zset_element *el);
/* Gives it another score; it may move. */
struct zset_element *zset_element_rescore(struct arena *a, struct zset_element *el, double score);

/* --- sets --- */

extern const struct dict_ops zset_dict_ops; /* the owner is the keyspace */

struct zset_big *zset_big_new(struct arena *a);
/* Frees a set at once; for small ones, and those that were not let in. */
void zset_big_free(struct arena *a, struct zset_big *big);
/* Frees about *BUDGET elements and counts them down; true when all is gone, the root as well. */
bool zset_big_free_some(struct arena *a, struct zset_big *big, uint64_t *budget);
struct zset_element *zset_big_find(const struct zset_big *big, const struct arena *a, struct slice member,
                                   uint64_t hash, struct dict_slot *slot);
/* Adds a member that is not there, and not longer than ZSET_SURE_MAX. */
void zset_big_add(struct keyspace *ks, struct zset_big *big, struct slice member, uint64_t hash,
                  double score);
/* Has room promised (arena_promise) for the second of each of PAIRS texts as a member, but for long ones. */
int zset_big_promise(const struct zset_big *big, struct arena *a, const struct slice *texts,
                     uint32_t pairs) MR_MUST_CHECK;
/* Adds EL, behind all that are there. */
void zset_big_append(struct keyspace *ks, struct zset_big *big, struct zset_element *el, uint64_t hash);
/* The same of the tree alone: the table has it already. */
void zset_big_append_tree(struct arena *a, struct zset_big *big, struct zset_element *el);
/* Adds EL, whose member is not there, anywhere; at either end it takes less time. */
void zset_big_put(struct keyspace *ks, struct zset_big *big, struct zset_element *el, uint64_t hash);
void zset_big_rescore(struct arena *a, struct zset_big *big, struct zset_element *el, struct dict_slot slot,
                      double score);
void zset_big_remove(struct keyspace *ks, struct zset_big *big, struct zset_element *el,
                     struct dict_slot slot, uint64_t hash);
/* Takes out COUNT elements from RANK on. */
void zset_big_remove_range(struct keyspace *ks, struct zset_big *big, uint64_t rank, uint64_t count);

/* The place of (SCORE, MEMBER), or of what follows. */
struct btree_place zset_big_seek(const struct zset_big *big, const struct arena *a, double score,
                                 struct slice member);
/* How many stand before SCORE, those of that very score with EQUAL counted. */
uint64_t zset_big_below_score(const struct zset_big *big, const struct arena *a, double score, bool equal);
/* How many stand before MEMBER, itself with EQUAL counted, where all have the same score. */
uint64_t zset_big_below_member(const struct zset_big *big, const struct arena *a, struct slice member,
                               bool equal);

size_t zset_big_memory(const struct zset_big *big);
/* A deep copy; NULL: no memory. */
struct zset_big *zset_big_copy(struct keyspace *ks, const struct zset_big *from);
/* Moves *BIG and what of it is leaving, as object_type's relocate. */
bool zset_big_relocate(struct keyspace *ks, struct zset_big **big, uint64_t *cursor, uint64_t *budget,
                       size_t *moved);
