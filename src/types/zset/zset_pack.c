/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See zset_pack.h.
 */
#include "types/zset/zset_pack.h"

#include "container/listpack_inline.h"
#include "types/zset/zset_big.h"

#define SCORE_INT_MAX ((double)(INT64_MAX / 2))

static double score_at(const unsigned char *p)
{
    struct listpack_value v = listpack_inline_get(p);
    double score = 0;
    if (v.text == NULL)
        return (double)v.integer;
    /* What is no number has not been let in. */
    (void)number_to_double(slice_of(v.text, v.len), &score);
    return score;
}

size_t zset_pack_find(const unsigned char *lp, struct slice member)
{
    return listpack_find_key(lp, member, 2);
}

double zset_pack_score(const unsigned char *lp, size_t at)
{
    const unsigned char *p = lp + at;
    return score_at(p + listpack_inline_size(p));
}

struct slice zset_pack_text(const unsigned char *lp, size_t at, char *scratch)
{
    struct listpack_value v = listpack_inline_get(lp + at);
    return v.text != NULL ? slice_of(v.text, v.len) : slice_of(scratch, number_from_int(scratch, v.integer));
}

uint64_t zset_pack_count(const unsigned char *lp)
{
    return listpack_count(lp) / 2;
}

size_t zset_pack_next(const unsigned char *lp, size_t at)
{
    const unsigned char *p = lp + at;
    p += listpack_inline_size(p);
    return (size_t)(p + listpack_inline_size(p) - lp);
}

size_t zset_pack_prev(const unsigned char *lp, size_t at)
{
    return (size_t)(listpack_inline_prev(listpack_inline_prev(lp + at)) - lp);
}

uint64_t zset_pack_rank(const unsigned char *lp, size_t at)
{
    uint64_t rank = 0;
    for (size_t i = LISTPACK_HEAD; i < at; i = zset_pack_next(lp, i))
        rank++;
    return rank;
}

size_t zset_pack_at(const unsigned char *lp, uint64_t rank)
{
    return listpack_seek(lp, (int64_t)rank * 2);
}

uint64_t zset_pack_below_score(const unsigned char *lp, double score, bool equal)
{
    uint64_t rank = 0;
    size_t end = listpack_end(lp);
    for (size_t at = LISTPACK_HEAD; at < end; at = zset_pack_next(lp, at), rank++) {
        double s = zset_pack_score(lp, at);
        if (equal ? s > score : s >= score)
            break;
    }
    return rank;
}

uint64_t zset_pack_below_member(const unsigned char *lp, struct slice member, bool equal)
{
    uint64_t rank = 0;
    size_t end = listpack_end(lp);
    char scratch[NUMBER_TEXT_MAX];
    for (size_t at = LISTPACK_HEAD; at < end; at = zset_pack_next(lp, at), rank++) {
        int order = zset_compare_members(zset_pack_text(lp, at, scratch), member);
        if (order > 0 || (order == 0 && !equal))
            break;
    }
    return rank;
}

/* --- changes --- */

void zset_pack_begin(struct buf *pack)
{
    pack->len = 0;
    listpack_init((unsigned char *)buf_room(pack, LISTPACK_EMPTY));
    pack->len = LISTPACK_EMPTY;
}

static struct listpack_value score_value(double score, char *scratch)
{
    if (score >= -SCORE_INT_MAX && score <= SCORE_INT_MAX && score == (double)(int64_t)score)
        return listpack_value_int((int64_t)score);
    return listpack_value_of(slice_of(scratch, number_from_double(scratch, score)));
}

static int insert(struct buf *pack, size_t at, struct slice member, double score)
{
    char scratch[NUMBER_TEXT_MAX];
    if (member.len > LISTPACK_MAX / 2)
        return MR_E_TOO_BIG;
    const struct listpack_value values[] = {listpack_value_of(member), score_value(score, scratch)};
    struct listpack_change change = {.at = at, .end = at, .count = 2, .values = values};
    size_t bytes = listpack_change_bytes(zset_pack_of(pack), &change);
    if (bytes > LISTPACK_MAX)
        return MR_E_TOO_BIG;
    int code = bytes > pack->len ? buf_try_grow(pack, bytes - pack->len) : 0;
    if (code != 0)
        return code;
    listpack_change((unsigned char *)pack->data, &change);
    pack->len = bytes;
    return 0;
}

int zset_pack_append(struct buf *pack, struct slice member, double score)
{
    return insert(pack, listpack_end(zset_pack_of(pack)), member, score);
}

int zset_pack_add(struct buf *pack, struct slice member, double score)
{
    const unsigned char *lp = zset_pack_of(pack);
    size_t end = listpack_end(lp), at = LISTPACK_HEAD;
    char scratch[NUMBER_TEXT_MAX];
    for (; at < end; at = zset_pack_next(lp, at)) {
        double s = zset_pack_score(lp, at);
        if (s > score || (s == score && zset_compare_members(zset_pack_text(lp, at, scratch), member) > 0))
            break;
    }
    return insert(pack, at, member, score);
}

void zset_pack_remove(struct buf *pack, size_t at, uint64_t count)
{
    const unsigned char *lp = zset_pack_of(pack);
    size_t end = at;
    for (uint64_t i = 0; i < count; i++)
        end = zset_pack_next(lp, end);
    struct listpack_change change = {.at = at, .end = end, .removed = (uint32_t)(count * 2)};
    pack->len = listpack_change_bytes(lp, &change);
    listpack_change((unsigned char *)pack->data, &change);
}
