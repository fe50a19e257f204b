/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Small sorted sets: listpacks (container/listpack.h) of members and scores by turns, in the
 * order of score and member. A score that is a whole number of up to 62 bits is an integer (so -0
 * becomes 0), another one its shortest text. A place is the offset of a member, or listpack_end.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "container/listpack.h"

/* The member's place, or 0. */
size_t zset_pack_find(const unsigned char *lp, struct slice member);
/* The score of the member at AT. */
double zset_pack_score(const unsigned char *lp, size_t at);
/* The text at AT, a member or a score: of the listpack, or in SCRATCH (NUMBER_TEXT_MAX bytes). */
struct slice zset_pack_text(const unsigned char *lp, size_t at, char *scratch);
/* Members, and how many stand before the one at AT. */
uint64_t zset_pack_count(const unsigned char *lp);
uint64_t zset_pack_rank(const unsigned char *lp, size_t at);
/* The place of the member that has RANK, which there is. */
size_t zset_pack_at(const unsigned char *lp, uint64_t rank);
size_t zset_pack_next(const unsigned char *lp, size_t at);
size_t zset_pack_prev(const unsigned char *lp, size_t at);
/* As zset_big_below_score and zset_big_below_member. */
uint64_t zset_pack_below_score(const unsigned char *lp, double score, bool equal);
uint64_t zset_pack_below_member(const unsigned char *lp, struct slice member, bool equal);

/* --- changes; the listpack is what stands in a buffer --- */

void zset_pack_begin(struct buf *pack);
/* Adds a member that is not there. MR_E_TOO_BIG, with nothing changed: no listpack can hold it. */
int zset_pack_add(struct buf *pack, struct slice member, double score) MR_MUST_CHECK;
/* The same behind all that are there. */
int zset_pack_append(struct buf *pack, struct slice member, double score) MR_MUST_CHECK;
/* Takes out COUNT members from AT on. */
void zset_pack_remove(struct buf *pack, size_t at, uint64_t count);

static inline const unsigned char *zset_pack_of(const struct buf *pack)
{
    return (const unsigned char *)pack->data;
}
