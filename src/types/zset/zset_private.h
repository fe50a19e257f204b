/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A sorted set as a handler has it, whichever way it is kept: finding, changing, walking, ranges.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "codec/resp_writer.h"
#include "command/dispatch.h"
#include "types/zset/zset.h"
#include "types/zset/zset_big.h"

/* A set as it was found behind a key. What db_find gave is valid until the next write. */
struct zset {
    struct db *db;
    struct keyspace *ks;
    struct arena *a;
    struct slice key;
    uint64_t hash;
    struct entry *e;         /* NULL: no such key */
    struct zset_big *big;    /* NULL: it is packed */
    const unsigned char *lp; /* NULL: it is not packed, or not there */
    bool editing;            /* LP is PACK's */
    struct buf pack;         /* a packed one while it is being changed */
    bool made;               /* BIG is not behind the key yet */
    int code;                /* MR_E_MEMORY once a change could not be made, which zset_commit tells */
};

/* A member as it was found. */
struct zset_found {
    double score;
    size_t at;               /* its place in the listpack */
    struct zset_element *el; /* in a big set */
    struct dict_slot slot;
};

/* One that is walked over. */
struct zset_item {
    struct slice member;
    double score;
    char scratch[NUMBER_TEXT_MAX]; /* the text of a member that is an integer */
};

/* --- zset.c --- */

/* The set at argument I; FLAGS as db_find's. False: it is no set, which has been told. */
bool zset_find(struct command_ctx *ctx, uint32_t i, unsigned flags, struct zset *z);
/* The set in E, which is one, at KEY (whose hash and entry are needed only for changes). */
void zset_open(struct zset *z, const struct keyspace *ks, const struct entry *e);
/* Members; 0 if there is no such key. */
uint64_t zset_count(const struct zset *z);
/* Whether MEMBER, whose hash is HASH, is there. */
bool zset_member(const struct zset *z, struct slice member, uint64_t hash, struct zset_found *found);
/* How many stand before the one FOUND, which is MEMBER. */
uint64_t zset_rank(const struct zset *z, struct slice member, const struct zset_found *found);

/* Changes stand between zset_edit and zset_commit, which frees what that made; places that were
 * found before are not valid. */
void zset_edit(struct zset *z);
/* MEMBER is not there, and not longer than ZSET_SURE_MAX; else its element is made before. */
void zset_add(struct zset *z, struct slice member, uint64_t hash, double score);
void zset_add_element(struct zset *z, struct zset_element *el, uint64_t hash);
void zset_rescore(struct zset *z, struct slice member, const struct zset_found *found, double score);
void zset_remove(struct zset *z, uint64_t hash, const struct zset_found *found);
void zset_remove_range(struct zset *z, uint64_t rank, uint64_t count);
/* Puts what has become of it behind its key; an empty one is deleted. *EMPTIED (may be NULL): it
 * was. MR_E_MEMORY: it cannot be had; a packed set is as it was before the changes. */
int zset_commit(struct zset *z, bool *emptied) MR_MUST_CHECK;
/* The same, which counts as CHANGES writes; tells an error, or the event NAME and that the key went.
 * False: the error. */
bool zset_finish(struct command_ctx *ctx, struct zset *z, const char *name, uint64_t changes);
/* The same, where an error takes the place of what is in the reply from MARK on. */
bool zset_finish_from(struct command_ctx *ctx, struct zset *z, const char *name, uint64_t changes,
                      size_t mark);

/* COUNT members of Z (less if there are not so many) from RANK on, counted from the end and
 * backward with REVERSE. */
struct zset_walk {
    const struct zset *z;
    struct btree_place place;
    size_t at;
    uint64_t left;
    bool reverse, begun;
};
void zset_walk_begin(struct zset_walk *w, const struct zset *z, uint64_t rank, uint64_t count, bool reverse);
bool zset_walk_next(struct zset_walk *w, struct zset_item *item);

/* Whether M_ENTRIES members, the longest of LONGEST bytes, are to be a listpack. */
bool zset_is_small(const struct zset_options *options, uint64_t entries, uint64_t longest);
/* The options that KS's types have; the defaults where they have none. */
const struct zset_options *zset_options_of(const struct keyspace *ks);

/* --- zset_bounds.c --- */

enum zset_by { ZSET_BY_RANK, ZSET_BY_SCORE, ZSET_BY_LEX };

struct zset_limit {
    double score;
    struct slice member;
    int infinite; /* -1, 1: before and behind all members */
    bool exclusive;
};

struct zset_range {
    enum zset_by by;
    int64_t first, last; /* BY_RANK: in the order of the walk, negative from its end */
    struct zset_limit min, max;
};

/* Reads the range between the arguments MIN and MAX. False: an error has been told. */
bool zset_parse_range(struct command_ctx *ctx, enum zset_by by, uint32_t min, uint32_t max,
                      struct zset_range *range);
/* What of Z is in RANGE: *COUNT members from *RANK on, in the order of the walk. */
void zset_range_window(const struct zset *z, const struct zset_range *range, bool reverse, uint64_t *rank,
                       uint64_t *count);
