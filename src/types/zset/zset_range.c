/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ranges: ZRANGE with all that it took the place of, ZRANGESTORE, the counts and the removals.
 */
#include "types/zset/zset_builder.h"
#include "types/zset/zset_cmds.h"

/* What a command's name says already, and what is for its words to say. */
enum zset_asks { ASKS_BY = 1, ASKS_REV = 2, ASKS_SCORES = 4 };

struct range_query {
    enum zset_by by;
    bool reverse, with_scores;
    int64_t offset, limit; /* limit -1: all */
    struct zset_range range;
};

/* Takes the word at argument I; how many arguments that are, 0: an error has been told. What may
 * not come again is taken out of *ASKS. */
static uint32_t take_word(struct command_ctx *ctx, uint32_t i, unsigned *asks, struct range_query *q)
{
    struct slice word = ctx->argv[i];
    if ((*asks & ASKS_SCORES) && slice_is(word, "WITHSCORES")) {
        q->with_scores = true;
        return 1;
    }
    if (slice_is(word, "LIMIT") && i + 2 < ctx->argc)
        return dispatch_arg_int(ctx, i + 1, &q->offset) && dispatch_arg_int(ctx, i + 2, &q->limit) ? 3 : 0;
    if ((*asks & ASKS_REV) && slice_is(word, "REV")) {
        q->reverse = true;
        *asks &= ~(unsigned)ASKS_REV;
        return 1;
    }
    bool lex = slice_is(word, "BYLEX");
    if ((*asks & ASKS_BY) && (lex || slice_is(word, "BYSCORE"))) {
        q->by = lex ? ZSET_BY_LEX : ZSET_BY_SCORE;
        *asks &= ~(unsigned)ASKS_BY;
        return 1;
    }
    resp_error_code(ctx->reply, MR_E_SYNTAX);
    return 0;
}

/* Reads the range at arguments FIRST and FIRST + 1, and what is behind. */
static bool read_query(struct command_ctx *ctx, uint32_t first, unsigned asks, struct range_query *q)
{
    q->limit = -1;
    for (uint32_t i = first + 2; i < ctx->argc;) {
        uint32_t took = take_word(ctx, i, &asks, q);
        if (took == 0)
            return false;
        i += took;
    }
    if (q->limit != -1 && q->by == ZSET_BY_RANK) {
        resp_error(ctx->reply, "ERR syntax error, LIMIT is only supported in combination with either BYSCORE "
                               "or BYLEX");
        return false;
    }
    if (q->with_scores && q->by == ZSET_BY_LEX) {
        resp_error(ctx->reply, "ERR syntax error, WITHSCORES not supported in combination with BYLEX");
        return false;
    }
    bool swap = q->reverse && q->by != ZSET_BY_RANK;
    return zset_parse_range(ctx, q->by, swap ? first + 1 : first, swap ? first : first + 1, &q->range);
}

static void begin_walk(const struct range_query *q, const struct zset *z, struct zset_walk *walk)
{
    uint64_t rank, count;
    zset_range_window(z, &q->range, q->reverse, &rank, &count);
    if (q->by != ZSET_BY_RANK) {
        uint64_t skip = q->offset < 0 ? count : (uint64_t)q->offset;
        skip = skip < count ? skip : count;
        rank += skip;
        count -= skip;
        if (q->limit >= 0 && (uint64_t)q->limit < count)
            count = (uint64_t)q->limit;
    }
    zset_walk_begin(walk, z, rank, count, q->reverse);
}

static void reply_range(struct command_ctx *ctx, unsigned asks, enum zset_by by, bool reverse)
{
    struct range_query q = {.by = by, .reverse = reverse};
    struct zset z;
    struct zset_walk walk;
    if (!read_query(ctx, 2, asks, &q) || !zset_find(ctx, 1, DB_COUNT, &z))
        return;
    begin_walk(&q, &z, &walk);
    zset_reply_walk(ctx->reply, &walk, q.with_scores);
}

void zset_cmd_zrange(struct command_ctx *ctx)
{
    reply_range(ctx, ASKS_BY | ASKS_REV | ASKS_SCORES, ZSET_BY_RANK, false);
}

void zset_cmd_zrevrange(struct command_ctx *ctx)
{
    reply_range(ctx, ASKS_SCORES, ZSET_BY_RANK, true);
}

void zset_cmd_zrangebyscore(struct command_ctx *ctx)
{
    reply_range(ctx, ASKS_SCORES, ZSET_BY_SCORE, false);
}

void zset_cmd_zrevrangebyscore(struct command_ctx *ctx)
{
    reply_range(ctx, ASKS_SCORES, ZSET_BY_SCORE, true);
}

void zset_cmd_zrangebylex(struct command_ctx *ctx)
{
    reply_range(ctx, ASKS_SCORES, ZSET_BY_LEX, false);
}

void zset_cmd_zrevrangebylex(struct command_ctx *ctx)
{
    reply_range(ctx, ASKS_SCORES, ZSET_BY_LEX, true);
}

/* --- ZRANGESTORE --- */

void zset_cmd_zrangestore(struct command_ctx *ctx)
{
    struct range_query q = {.by = ZSET_BY_RANK};
    struct zset z;
    struct zset_walk walk;
    struct zset_item item;
    struct zset_builder b;
    if (!read_query(ctx, 3, ASKS_BY | ASKS_REV, &q) || !zset_find(ctx, 2, DB_COUNT, &z))
        return;
    begin_walk(&q, &z, &walk);
    zset_builder_init(&b, z.ks, zset_options_of(z.ks));
    zset_builder_reserve(&b, walk.left);
    while (zset_walk_next(&walk, &item))
        zset_builder_add(&b, item.member, item.score);
    zset_store(ctx, 1, &b, "zrangestore");
    zset_builder_done(&b);
}

bool zset_store(struct command_ctx *ctx, uint32_t i, struct zset_builder *b, const char *event)
{
    uint64_t count = b->count, hash = dispatch_hash(ctx, i);
    struct slice key = ctx->argv[i];
    int code = b->code;
    if (code == 0 && count == 0) {
        if (db_delete(ctx->db, key, hash))
            db_event(ctx->db, EVENT_GENERIC, "del", key);
    } else if (code == 0) {
        code = zset_builder_store(b, ctx->db, key, hash);
        if (code == 0)
            db_event(ctx->db, EVENT_ZSET, event, key);
    }
    if (code != 0)
        resp_error_code(ctx->reply, code);
    else
        resp_int(ctx->reply, (int64_t)count);
    return code == 0;
}

/* --- counts --- */

static void reply_count(struct command_ctx *ctx, enum zset_by by)
{
    struct zset z;
    struct zset_range range;
    uint64_t rank, count;
    if (!zset_parse_range(ctx, by, 2, 3, &range) || !zset_find(ctx, 1, DB_COUNT, &z))
        return;
    zset_range_window(&z, &range, false, &rank, &count);
    resp_int(ctx->reply, (int64_t)count);
}

void zset_cmd_zcount(struct command_ctx *ctx)
{
    reply_count(ctx, ZSET_BY_SCORE);
}

void zset_cmd_zlexcount(struct command_ctx *ctx)
{
    reply_count(ctx, ZSET_BY_LEX);
}

/* --- removals --- */

static void remove_range(struct command_ctx *ctx, enum zset_by by, const char *event)
{
    struct zset z;
    struct zset_range range;
    uint64_t rank, count;
    if (!zset_parse_range(ctx, by, 2, 3, &range) || !zset_find(ctx, 1, 0, &z))
        return;
    zset_range_window(&z, &range, false, &rank, &count);
    if (count > 0) {
        zset_edit(&z);
        zset_remove_range(&z, rank, count);
        if (!zset_finish(ctx, &z, event, count))
            return;
    }
    resp_int(ctx->reply, (int64_t)count);
}

void zset_cmd_zremrangebyrank(struct command_ctx *ctx)
{
    remove_range(ctx, ZSET_BY_RANK, "zremrangebyrank");
}

void zset_cmd_zremrangebyscore(struct command_ctx *ctx)
{
    remove_range(ctx, ZSET_BY_SCORE, "zremrangebyscore");
}

void zset_cmd_zremrangebylex(struct command_ctx *ctx)
{
    remove_range(ctx, ZSET_BY_LEX, "zremrangebylex");
}
