/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ZPOPMIN, ZPOPMAX and ZMPOP, and the same for clients that wait.
 */
#include "command/block.h"
#include "types/zset/zset_cmds.h"

/* How members and scores are written: by turns, in an array or without its head, or as pairs. */
enum pop_shape { POP_FLAT, POP_BARE, POP_PAIRS };

/* Replies with the COUNT members of Z from its one end, takes them out and tells that. They are
 * written before they go, so that what is refused then must take the reply back. */
static void pop(struct command_ctx *ctx, struct zset *z, uint64_t count, bool max, enum pop_shape shape,
                size_t mark)
{
    struct zset_walk walk;
    struct zset_item item;
    uint64_t total = zset_count(z);
    zset_walk_begin(&walk, z, 0, count, max);
    count = walk.left;
    if (shape != POP_BARE)
        resp_array(ctx->reply, shape == POP_PAIRS ? count : count * 2);
    while (zset_walk_next(&walk, &item))
        zset_reply_pair(ctx->reply, &item, shape == POP_PAIRS);
    zset_edit(z);
    zset_remove_range(z, max ? total - count : 0, count);
    (void)zset_finish_from(ctx, z, max ? "zpopmax" : "zpopmin", count, mark);
}

static void pop_end(struct command_ctx *ctx, bool max)
{
    struct zset z;
    int64_t count = 1;
    bool counted = ctx->argc == 3;
    if (ctx->argc > 3) {
        resp_error_code(ctx->reply, MR_E_SYNTAX);
        return;
    }
    if (counted && (!number_to_int(ctx->argv[2], &count) || count < 0)) {
        resp_error(ctx->reply, "ERR value is out of range, must be positive");
        return;
    }
    if (!zset_find(ctx, 1, 0, &z))
        return;
    if (z.e == NULL || count == 0)
        resp_array(ctx->reply, 0);
    else
        pop(ctx, &z, (uint64_t)count, max, counted && ctx->reply->version == 3 ? POP_PAIRS : POP_FLAT,
            ctx->reply->out->len);
}

void zset_cmd_zpopmin(struct command_ctx *ctx)
{
    pop_end(ctx, false);
}

void zset_cmd_zpopmax(struct command_ctx *ctx)
{
    pop_end(ctx, true);
}

/* --- ZMPOP --- */

struct many_pop {
    uint32_t keys; /* from argument first on */
    uint32_t first;
    int64_t count;
    bool max;
};

/* Reads what stands from argument I, the number of keys, on. */
static bool read_many(struct command_ctx *ctx, uint32_t i, struct many_pop *m)
{
    int64_t keys;
    if (!number_to_int(ctx->argv[i], &keys) || keys <= 0) {
        resp_error(ctx->reply, "ERR numkeys should be greater than 0");
        return false;
    }
    *m = (struct many_pop){.first = i + 1, .count = -1};
    bool fits = keys < (int64_t)(ctx->argc - i - 1);
    uint32_t at = fits ? i + 1 + (uint32_t)keys : i;
    m->keys = fits ? (uint32_t)keys : 0;
    m->max = slice_is(ctx->argv[at], "MAX");
    if (!fits || (!m->max && !slice_is(ctx->argv[at], "MIN"))) {
        resp_error_code(ctx->reply, MR_E_SYNTAX);
        return false;
    }
    for (at++; at < ctx->argc; at += 2) {
        if (m->count != -1 || !slice_is(ctx->argv[at], "COUNT") || at + 1 == ctx->argc) {
            resp_error_code(ctx->reply, MR_E_SYNTAX);
            return false;
        }
        if (!number_to_int(ctx->argv[at + 1], &m->count) || m->count <= 0) {
            resp_error(ctx->reply, "ERR count should be greater than 0");
            return false;
        }
    }
    m->count = m->count == -1 ? 1 : m->count;
    return true;
}

/* Takes from the first of the keys that has something and is to be looked at. True: that has been
 * answered, or an error. */
static bool pop_first(struct command_ctx *ctx, const struct many_pop *m, enum pop_shape shape)
{
    struct zset z;
    for (uint32_t i = m->first; i < m->first + m->keys; i++) {
        if (!dispatch_is_ready(ctx, i))
            continue;
        if (!zset_find(ctx, i, 0, &z))
            return true;
        if (z.e == NULL)
            continue;
        size_t mark = ctx->reply->out->len;
        resp_array(ctx->reply, shape == POP_BARE ? 3 : 2);
        resp_bulk(ctx->reply, z.key);
        pop(ctx, &z, (uint64_t)m->count, m->max, shape, mark);
        return true;
    }
    return false;
}

void zset_cmd_zmpop(struct command_ctx *ctx)
{
    struct many_pop m;
    if (read_many(ctx, 1, &m) && !pop_first(ctx, &m, POP_PAIRS))
        resp_null_array(ctx->reply);
}

/* --- for clients that wait --- */

static void wait_and_pop(struct command_ctx *ctx, const struct many_pop *m, uint32_t timeout,
                         enum pop_shape shape)
{
    /* A sorted set that is there has members, so only a new one is news. */
    struct block_request request = {.first = m->first, .count = m->keys, .type = OBJECT_ZSET};
    if (!dispatch_arg_timeout(ctx, timeout, BLOCK_SECONDS, &request.deadline_us))
        return;
    if (!pop_first(ctx, m, shape) && !dispatch_block(ctx, &request))
        resp_null_array(ctx->reply);
}

static void wait_end(struct command_ctx *ctx, bool max)
{
    const struct many_pop m = {.first = 1, .keys = ctx->argc - 2, .count = 1, .max = max};
    wait_and_pop(ctx, &m, ctx->argc - 1, POP_BARE);
}

void zset_cmd_bzpopmin(struct command_ctx *ctx)
{
    wait_end(ctx, false);
}

void zset_cmd_bzpopmax(struct command_ctx *ctx)
{
    wait_end(ctx, true);
}

void zset_cmd_bzmpop(struct command_ctx *ctx)
{
    struct many_pop m;
    if (read_many(ctx, 2, &m))
        wait_and_pop(ctx, &m, 1, POP_PAIRS);
}
