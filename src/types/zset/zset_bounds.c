/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ranges of sorted sets, by rank, score and member: how they are written, and which ranks they
 * come to. Every range is a run of ranks, and every command on one works on those.
 */
#include <math.h>
#include <stdlib.h>

#include "types/zset/zset_pack.h"
#include "types/zset/zset_private.h"

#define LIMIT_TEXT_MAX 512

/* As strtod reads it, of what stands before a NUL: blanks before it and an empty text are taken. */
static bool parse_score(struct slice s, struct zset_limit *limit)
{
    limit->exclusive = s.len > 0 && s.ptr[0] == '(';
    if (limit->exclusive)
        s = slice_of(s.ptr + 1, s.len - 1);
    if (number_to_double(s, &limit->score))
        return true;
    char text[LIMIT_TEXT_MAX];
    size_t len = s.len == 0 ? 0 : strnlen(s.ptr, s.len);
    if (len >= sizeof text)
        return false;
    memcpy(text, s.len == 0 ? "" : s.ptr, len);
    text[len] = '\0';
    char *end;
    limit->score = strtod(text, &end);
    return *end == '\0' && !isnan(limit->score);
}

static bool parse_member(struct slice s, struct zset_limit *limit)
{
    *limit = (struct zset_limit){0};
    if (s.len == 0)
        return false;
    if (s.ptr[0] == '+' || s.ptr[0] == '-') {
        limit->infinite = s.ptr[0] == '+' ? 1 : -1;
        return s.len == 1 || s.ptr[1] == '\0';
    }
    limit->exclusive = s.ptr[0] == '(';
    limit->member = slice_of(s.ptr + 1, s.len - 1);
    return s.ptr[0] == '(' || s.ptr[0] == '[';
}

bool zset_parse_range(struct command_ctx *ctx, enum zset_by by, uint32_t min, uint32_t max,
                      struct zset_range *range)
{
    const struct slice *argv = ctx->argv;
    *range = (struct zset_range){.by = by};
    switch (by) {
    case ZSET_BY_RANK:
        return dispatch_arg_int(ctx, min, &range->first) && dispatch_arg_int(ctx, max, &range->last);
    case ZSET_BY_SCORE:
        if (parse_score(argv[min], &range->min) && parse_score(argv[max], &range->max))
            return true;
        resp_error(ctx->reply, "ERR min or max is not a float");
        return false;
    case ZSET_BY_LEX:
        if (parse_member(argv[min], &range->min) && parse_member(argv[max], &range->max))
            return true;
        resp_error(ctx->reply, "ERR min or max not valid string range item");
        return false;
    }
    return false;
}

/* How many stand before LIMIT; those at it with EQUAL, too. */
static uint64_t below(const struct zset *z, enum zset_by by, const struct zset_limit *limit, bool equal)
{
    if (limit->infinite != 0)
        return limit->infinite < 0 ? 0 : zset_count(z);
    if (z->big != NULL && by == ZSET_BY_SCORE)
        return zset_big_below_score(z->big, z->a, limit->score, equal);
    if (z->big != NULL)
        return zset_big_below_member(z->big, z->a, limit->member, equal);
    if (by == ZSET_BY_SCORE)
        return zset_pack_below_score(z->lp, limit->score, equal);
    return zset_pack_below_member(z->lp, limit->member, equal);
}

static void rank_window(const struct zset_range *range, uint64_t total, uint64_t *rank, uint64_t *count)
{
    int64_t all = (int64_t)total, first = range->first, last = range->last;
    first = first >= 0 ? first : first + all > 0 ? first + all : 0;
    last = last >= 0 ? last : last + all;
    last = last < all ? last : all - 1;
    *rank = (uint64_t)first;
    *count = first <= last ? (uint64_t)(last - first) + 1 : 0;
}

void zset_range_window(const struct zset *z, const struct zset_range *range, bool reverse, uint64_t *rank,
                       uint64_t *count)
{
    uint64_t total = zset_count(z);
    *rank = *count = 0;
    if (total == 0)
        return;
    if (range->by == ZSET_BY_RANK) {
        rank_window(range, total, rank, count);
        return;
    }
    uint64_t first = below(z, range->by, &range->min, range->min.exclusive);
    uint64_t end = below(z, range->by, &range->max, !range->max.exclusive);
    if (first >= end)
        return;
    *rank = reverse ? total - end : first;
    *count = end - first;
}
