/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The list commands that take elements from an end: LPOP, RPOP, LMPOP, and their blocking forms.
 */
#include "types/list/list_cmds.h"

void list_tell_pop(const struct command_ctx *ctx, uint32_t i, bool front, bool left)
{
    db_event(ctx->db, EVENT_LIST, front ? "lpop" : "rpop", ctx->argv[i]);
    if (!left)
        db_event(ctx->db, EVENT_GENERIC, "del", ctx->argv[i]);
}

/* Writes COUNT elements of an end, without a head, and takes them out. */
static void take(struct command_ctx *ctx, uint32_t i, struct list_key *k, bool front, uint64_t count)
{
    uint64_t length = list_length(&k->l);
    list_reply_range(ctx->reply, &k->l, front ? 0 : length - 1, count, !front);
    uint64_t dirty = keyspace_dirty(db_keyspace(ctx->db));
    bool left = list_key_remove(k, front ? 0 : length - count, count);
    keyspace_set_dirty(db_keyspace(ctx->db), dirty + count);
    list_tell_pop(ctx, i, front, left);
}

static void pop(struct command_ctx *ctx, bool front)
{
    struct list_key k;
    int64_t count;
    bool has_count = ctx->argc == 3;
    if (ctx->argc > 3) {
        dispatch_wrong_arity(ctx);
        return;
    }
    if (has_count && !list_arg_count(ctx, 2, 0, "ERR value is out of range, must be positive", &count))
        return;
    if (!list_open(ctx, 1, 0, &k))
        return;
    if (k.e == NULL) {
        if (has_count)
            resp_null_array(ctx->reply);
        else
            resp_null(ctx->reply);
        return;
    }
    if (!has_count) {
        take(ctx, 1, &k, front, 1);
        return;
    }
    uint64_t length = list_length(&k.l), n = (uint64_t)count < length ? (uint64_t)count : length;
    resp_array(ctx->reply, n);
    if (n > 0)
        take(ctx, 1, &k, front, n);
}

void list_cmd_lpop(struct command_ctx *ctx)
{
    pop(ctx, true);
}

void list_cmd_rpop(struct command_ctx *ctx)
{
    pop(ctx, false);
}

/* --- several keys --- */

struct mpop {
    uint32_t first, count; /* the arguments that are keys */
    bool front;
    int64_t most;
};

/* The arguments from numkeys, argument AT, on. */
static bool mpop_arguments(struct command_ctx *ctx, uint32_t at, struct mpop *m)
{
    int64_t keys;
    *m = (struct mpop){.first = at + 1, .most = -1};
    if (!list_arg_count(ctx, at, 1, "ERR numkeys should be greater than 0", &keys))
        return false;
    if (keys >= (int64_t)ctx->argc - at - 1) {
        resp_error_code(ctx->reply, MR_E_SYNTAX);
        return false;
    }
    m->count = (uint32_t)keys;
    uint32_t i = m->first + m->count;
    if (!list_arg_side(ctx, i, &m->front))
        return false;
    for (i++; i < ctx->argc; i += 2) {
        if (m->most != -1 || i + 1 == ctx->argc || !slice_is(ctx->argv[i], "COUNT")) {
            resp_error_code(ctx->reply, MR_E_SYNTAX);
            return false;
        }
        if (!list_arg_count(ctx, i + 1, 1, "ERR count should be greater than 0", &m->most))
            return false;
    }
    if (m->most == -1)
        m->most = 1;
    return true;
}

/* Takes from the first list that is there; false: there is none, and nothing was written. */
static bool mpop_first(struct command_ctx *ctx, const struct mpop *m)
{
    for (uint32_t i = m->first; i < m->first + m->count; i++) {
        struct list_key k;
        if (!dispatch_is_ready(ctx, i))
            continue;
        if (!list_open(ctx, i, 0, &k))
            return true;
        if (k.e == NULL)
            continue;
        uint64_t length = list_length(&k.l), n = (uint64_t)m->most < length ? (uint64_t)m->most : length;
        resp_array(ctx->reply, 2);
        resp_bulk(ctx->reply, ctx->argv[i]);
        resp_array(ctx->reply, n);
        take(ctx, i, &k, m->front, n);
        return true;
    }
    return false;
}

void list_cmd_lmpop(struct command_ctx *ctx)
{
    struct mpop m;
    if (mpop_arguments(ctx, 1, &m) && !mpop_first(ctx, &m))
        resp_null_array(ctx->reply);
}

/* Waits for any of the keys, or says that there was none. */
static void wait_for(struct command_ctx *ctx, uint32_t first, uint32_t count, int64_t deadline_us)
{
    struct block_request r = {
        .first = first, .count = count, .type = OBJECT_LIST, .deadline_us = deadline_us};
    if (!dispatch_block(ctx, &r))
        resp_null_array(ctx->reply);
}

void list_cmd_blmpop(struct command_ctx *ctx)
{
    struct mpop m;
    int64_t deadline_us;
    if (mpop_arguments(ctx, 2, &m) && dispatch_arg_timeout(ctx, 1, BLOCK_SECONDS, &deadline_us) &&
        !mpop_first(ctx, &m))
        wait_for(ctx, m.first, m.count, deadline_us);
}

static void blocking_pop(struct command_ctx *ctx, bool front)
{
    int64_t deadline_us;
    uint32_t last = ctx->argc - 1;
    if (!dispatch_arg_timeout(ctx, last, BLOCK_SECONDS, &deadline_us))
        return;
    for (uint32_t i = 1; i < last; i++) {
        struct list_key k;
        if (!dispatch_is_ready(ctx, i))
            continue;
        if (!list_open(ctx, i, 0, &k))
            return;
        if (k.e == NULL)
            continue;
        resp_array(ctx->reply, 2);
        resp_bulk(ctx->reply, ctx->argv[i]);
        take(ctx, i, &k, front, 1);
        return;
    }
    wait_for(ctx, 1, last - 1, deadline_us);
}

void list_cmd_blpop(struct command_ctx *ctx)
{
    blocking_pop(ctx, true);
}

void list_cmd_brpop(struct command_ctx *ctx)
{
    blocking_pop(ctx, false);
}
