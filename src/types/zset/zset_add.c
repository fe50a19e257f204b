/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Single members: ZADD, ZINCRBY, ZREM, and what is asked about them.
 */
#include <math.h>

#include "base/heap.h"
#include "types/zset/zset_cmds.h"

enum zset_add_flag {
    ADD_NX = 1 << 0,
    ADD_XX = 1 << 1,
    ADD_GT = 1 << 2,
    ADD_LT = 1 << 3,
    ADD_CH = 1 << 4,
    ADD_INCR = 1 << 5,
};

/* --- ZADD --- */

/* Reads the words from argument *I on, up to the first that is none. */
static unsigned read_words(const struct command_ctx *ctx, uint32_t *i)
{
    static const struct {
        const char *word;
        unsigned flag;
    } words[] = {{"NX", ADD_NX},     {"XX", ADD_XX}, {"CH", ADD_CH},
                 {"INCR", ADD_INCR}, {"GT", ADD_GT}, {"LT", ADD_LT}};
    unsigned flags = 0;
    for (; *i < ctx->argc; ++*i) {
        unsigned flag = 0;
        for (size_t w = 0; w < sizeof words / sizeof *words && flag == 0; w++)
            if (slice_is(ctx->argv[*i], words[w].word))
                flag = words[w].flag;
        if (flag == 0)
            break;
        flags |= flag;
    }
    return flags;
}

/* Whether FLAGS go together with ARGS arguments behind them; else the error is told. */
static bool check_words(struct command_ctx *ctx, unsigned flags, uint32_t args)
{
    const char *why = NULL;
    bool nx = flags & ADD_NX, gt = flags & ADD_GT, lt = flags & ADD_LT;
    if (args == 0 || args % 2 != 0) {
        resp_error_code(ctx->reply, MR_E_SYNTAX);
        return false;
    }
    if (nx && (flags & ADD_XX))
        why = "ERR XX and NX options at the same time are not compatible";
    else if ((nx && (gt || lt)) || (gt && lt))
        why = "ERR GT, LT, and/or NX options at the same time are not compatible";
    else if ((flags & ADD_INCR) && args > 2)
        why = "ERR INCR option supports a single increment-element pair";
    if (why != NULL)
        resp_error(ctx->reply, why);
    return why == NULL;
}

struct addition {
    struct zset *z;
    unsigned flags;
    uint64_t added, updated;
    bool processed; /* the last one was not passed over */
    bool nan;
    double score;               /* that it has then */
    bool ready;                 /* something was had beforehand */
    struct zset_element **made; /* those of long members, by pair, until they are added; NULL: none is long */
};

static int make_long(const struct command_ctx *ctx, uint32_t first, struct addition *add)
{
    uint32_t pairs = (ctx->argc - first) / 2;
    add->made = heap_try_alloc(pairs * sizeof *add->made);
    if (add->made == NULL)
        return MR_E_MEMORY;
    memset(add->made, 0, pairs * sizeof *add->made);
    for (uint32_t k = 0; k < pairs; k++) {
        struct slice member = ctx->argv[first + 2 * k + 1];
        double score;
        if (member.len <= ZSET_SURE_MAX)
            continue;
        (void)number_to_double(ctx->argv[first + 2 * k], &score);
        add->made[k] = zset_element_new(add->z->a, member, score);
        if (add->made[k] == NULL)
            return MR_E_MEMORY;
    }
    return 0;
}

static __attribute__((noinline)) int make_ready(const struct command_ctx *ctx, uint32_t first, bool is_long,
                                                struct addition *add)
{
    const struct zset *z = add->z;
    uint32_t pairs = (ctx->argc - first) / 2;
    int code = 0;
    add->ready = true;
    if (z->big != NULL && pairs > ARENA_CUSHION_OBJECTS)
        code = zset_big_promise(z->big, z->a, ctx->argv + first, pairs);
    return code == 0 && is_long ? make_long(ctx, first, add) : code;
}

/* Has, before anything is changed, what may be refused. */
static inline int begin(const struct command_ctx *ctx, uint32_t first, struct addition *add)
{
    uint32_t pairs = (ctx->argc - first) / 2;
    bool is_long = false;
    for (uint32_t k = 0; k < pairs; k++)
        is_long |= ctx->argv[first + 2 * k + 1].len > ZSET_SURE_MAX;
    if (__builtin_expect(!is_long && pairs <= ARENA_CUSHION_OBJECTS, 1))
        return 0;
    return make_ready(ctx, first, is_long, add);
}

/* Frees what was not added. */
static __attribute__((noinline)) void end(const struct addition *add, uint32_t pairs)
{
    arena_promise_end(add->z->a);
    for (uint32_t k = 0; k < pairs && add->made != NULL; k++)
        if (add->made[k] != NULL)
            zset_element_free(add->z->a, add->made[k]);
    heap_free(add->made);
}

/* Pair number K. */
static void add_one(struct addition *add, uint32_t k, struct slice member, double score)
{
    struct zset *z = add->z;
    struct zset_found found;
    uint64_t hash = z->big == NULL ? 0 : keyspace_hash(z->ks, member);
    unsigned flags = add->flags;
    add->processed = false;
    if (!zset_member(z, member, hash, &found)) {
        if (flags & ADD_XX)
            return;
        zset_edit(z);
        if (z->made && arena_is_scarce(z->a))
            z->code = MR_E_MEMORY;
        if (z->code != 0)
            return;
        if (z->big == NULL)
            hash = keyspace_hash(z->ks, member);
        if (add->made == NULL || add->made[k] == NULL) {
            zset_add(z, member, hash, score);
        } else {
            zset_add_element(z, add->made[k], hash);
            add->made[k] = NULL;
        }
        add->added++;
    } else {
        if (flags & ADD_NX)
            return;
        if (flags & ADD_INCR)
            score += found.score;
        add->nan = isnan(score);
        if (add->nan || ((flags & ADD_LT) && score >= found.score) ||
            ((flags & ADD_GT) && score <= found.score))
            return;
        if (score != found.score) {
            zset_edit(z);
            zset_rescore(z, member, &found, score);
            add->updated++;
        }
    }
    add->processed = true;
    add->score = score;
}

static void reply_addition(struct command_ctx *ctx, const struct addition *add)
{
    if (add->nan)
        resp_error(ctx->reply, "ERR resulting score is not a number (NaN)");
    else if (!(add->flags & ADD_INCR))
        resp_int(ctx->reply, (int64_t)(add->added + (add->flags & ADD_CH ? add->updated : 0)));
    else if (add->processed)
        resp_double(ctx->reply, add->score);
    else
        resp_null(ctx->reply);
}

/* Adds the pairs of score and member from argument FIRST on. */
static void add_all(struct command_ctx *ctx, uint32_t first, unsigned flags)
{
    struct zset z;
    double score;
    for (uint32_t i = first; i < ctx->argc; i += 2) {
        if (!number_to_double(ctx->argv[i], &score)) {
            resp_error_code(ctx->reply, MR_E_NOT_FLOAT);
            return;
        }
    }
    if (!zset_find(ctx, 1, 0, &z))
        return;
    struct addition add = {.z = &z, .flags = flags};
    z.code = begin(ctx, first, &add);
    for (uint32_t i = first; i < ctx->argc && z.code == 0 && (z.e != NULL || !(flags & ADD_XX)); i += 2) {
        (void)number_to_double(ctx->argv[i], &score);
        add_one(&add, (i - first) / 2, ctx->argv[i + 1], score);
    }
    if (__builtin_expect(add.ready, 0))
        end(&add, (ctx->argc - first) / 2);
    uint64_t changes = z.code != 0 ? 1 : add.added + add.updated;
    if (changes == 0 || zset_finish(ctx, &z, flags & ADD_INCR ? "zincr" : "zadd", changes))
        reply_addition(ctx, &add);
}

void zset_cmd_zadd(struct command_ctx *ctx)
{
    uint32_t first = 2;
    unsigned flags = read_words(ctx, &first);
    if (check_words(ctx, flags, ctx->argc - first))
        add_all(ctx, first, flags);
}

void zset_cmd_zincrby(struct command_ctx *ctx)
{
    add_all(ctx, 2, ADD_INCR);
}

/* --- ZREM --- */

void zset_cmd_zrem(struct command_ctx *ctx)
{
    struct zset z;
    struct zset_found found;
    int64_t removed = 0;
    if (!zset_find(ctx, 1, 0, &z))
        return;
    for (uint32_t i = 2; i < ctx->argc && z.code == 0 && zset_count(&z) > 0; i++) {
        uint64_t hash = z.big == NULL ? 0 : dispatch_hash(ctx, i);
        if (!zset_member(&z, ctx->argv[i], hash, &found))
            continue;
        zset_edit(&z);
        zset_remove(&z, hash, &found);
        removed++;
    }
    if (removed == 0 || zset_finish(ctx, &z, "zrem", (uint64_t)removed))
        resp_int(ctx->reply, removed);
}

/* --- questions --- */

void zset_cmd_zcard(struct command_ctx *ctx)
{
    struct zset z;
    if (zset_find(ctx, 1, DB_COUNT, &z))
        resp_int(ctx->reply, (int64_t)zset_count(&z));
}

static void reply_score(struct command_ctx *ctx, const struct zset *z, uint32_t i)
{
    struct zset_found found;
    uint64_t hash = z->big == NULL ? 0 : dispatch_hash(ctx, i);
    if (zset_member(z, ctx->argv[i], hash, &found))
        resp_double(ctx->reply, found.score);
    else
        resp_null(ctx->reply);
}

void zset_cmd_zscore(struct command_ctx *ctx)
{
    struct zset z;
    if (zset_find(ctx, 1, DB_COUNT, &z))
        reply_score(ctx, &z, 2);
}

void zset_cmd_zmscore(struct command_ctx *ctx)
{
    struct zset z;
    if (!zset_find(ctx, 1, DB_COUNT, &z))
        return;
    resp_array(ctx->reply, ctx->argc - 2);
    for (uint32_t i = 2; i < ctx->argc; i++)
        reply_score(ctx, &z, i);
}

static void reply_rank(struct command_ctx *ctx, bool reverse)
{
    struct zset z;
    struct zset_found found;
    bool with_score = ctx->argc == 4;
    if (ctx->argc > 4) {
        dispatch_wrong_arity(ctx);
        return;
    }
    if (with_score && !slice_is(ctx->argv[3], "WITHSCORE")) {
        resp_error_code(ctx->reply, MR_E_SYNTAX);
        return;
    }
    if (!zset_find(ctx, 1, DB_COUNT, &z))
        return;
    uint64_t hash = z.big == NULL ? 0 : dispatch_hash(ctx, 2);
    if (!zset_member(&z, ctx->argv[2], hash, &found)) {
        if (with_score)
            resp_null_array(ctx->reply);
        else
            resp_null(ctx->reply);
        return;
    }
    uint64_t rank = zset_rank(&z, ctx->argv[2], &found);
    if (reverse)
        rank = zset_count(&z) - 1 - rank;
    if (with_score)
        resp_array(ctx->reply, 2);
    resp_int(ctx->reply, (int64_t)rank);
    if (with_score)
        resp_double(ctx->reply, found.score);
}

void zset_cmd_zrank(struct command_ctx *ctx)
{
    reply_rank(ctx, false);
}

void zset_cmd_zrevrank(struct command_ctx *ctx)
{
    reply_rank(ctx, true);
}
