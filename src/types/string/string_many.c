/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * MGET, MSET, MSETNX, MSETEX: many keys, in groups whose memory is fetched together.
 */
#include "types/string/string_private.h"

/* Values that are together longer than this are looked for room before the first is set. */
#define CHECK_FROM (256 * 1024)

void string_fetch(const struct command_ctx *ctx, uint32_t first, uint32_t step, uint32_t n, uint64_t *hash)
{
    for (uint32_t i = 0; i < n; i++) {
        uint32_t at = first + i * step;
        hash[i] = at == 1 ? ctx->key_hash : dispatch_hash(ctx, at);
        if (n > 1)
            db_prefetch_bucket(ctx->db, hash[i]);
    }
    for (uint32_t i = 0; n > 1 && i < n; i++)
        db_prefetch_entry(ctx->db, hash[i]);
}

void string_cmd_mget(struct command_ctx *ctx)
{
    uint64_t hash[STRING_AHEAD];
    char scratch[NUMBER_TEXT_MAX];
    resp_array(ctx->reply, ctx->argc - 1);
    for (uint32_t first = 1; first < ctx->argc; first += STRING_AHEAD) {
        uint32_t n = ctx->argc - first < STRING_AHEAD ? ctx->argc - first : STRING_AHEAD;
        string_fetch(ctx, first, 1, n, hash);
        for (uint32_t i = 0; i < n; i++) {
            const struct entry *e = string_find(ctx, first + i, hash[i], DB_COUNT);
            if (e == NULL || entry_type(e) != OBJECT_STRING)
                resp_null(ctx->reply);
            else
                resp_bulk(ctx->reply, string_of(ctx, e, scratch));
        }
    }
}

/* COUNT pairs of a key and a value from argument FIRST on. */
struct pairs {
    uint32_t first, count;
};

/* Calls FN for each pair with its key's argument and hash, until it returns other than 0, which
 * is returned. */
static int each_pair(struct command_ctx *ctx, const struct pairs *pairs,
                     int (*fn)(struct command_ctx *ctx, uint32_t key, uint64_t hash, int64_t arg),
                     int64_t arg)
{
    uint64_t hash[STRING_AHEAD];
    for (uint32_t done = 0; done < pairs->count; done += STRING_AHEAD) {
        uint32_t n = pairs->count - done < STRING_AHEAD ? pairs->count - done : STRING_AHEAD;
        uint32_t first = pairs->first + 2 * done;
        string_fetch(ctx, first, 2, n, hash);
        for (uint32_t i = 0; i < n; i++) {
            int code = fn(ctx, first + 2 * i, hash[i], arg);
            if (__builtin_expect(code != 0, 0))
                return code;
        }
    }
    return 0;
}

static int set_pair(struct command_ctx *ctx, uint32_t key, uint64_t hash, int64_t expiry_ms)
{
    int code = db_set_string(ctx->db, ctx->argv[key], hash, ctx->argv[key + 1], expiry_ms);
    if (__builtin_expect(code == 0, 1))
        db_event(ctx->db, EVENT_STRING, "set", ctx->argv[key]);
    if (code == 0 && expiry_ms >= 0)
        db_event(ctx->db, EVENT_GENERIC, "expire", ctx->argv[key]);
    return code;
}

/* 1 where there is a key as there should not be (WANTED 0) or none as there should be (1). */
static int check_pair(struct command_ctx *ctx, uint32_t key, uint64_t hash, int64_t wanted)
{
    return (string_find(ctx, key, hash, 0) != NULL) != (wanted != 0);
}

/* Whether there is room for all that is long in PAIRS, so that they are set all or not at all. */
static bool has_room(const struct command_ctx *ctx, const struct pairs *pairs)
{
    size_t size = 0;
    for (uint32_t i = 0; i < 2 * pairs->count; i++) {
        struct slice s = ctx->argv[pairs->first + i];
        if (s.len > ENTRY_INLINE_MAX && __builtin_add_overflow(size, s.len, &size))
            return false;
    }
    if (size < CHECK_FROM || pairs->count == 1)
        return true;
    struct arena *arena = keyspace_arena(db_keyspace(ctx->db));
    void *room = arena_try_alloc(arena, size);
    if (room == NULL)
        return false;
    arena_free(arena, room, size);
    return true;
}

/* False: the error has been told. */
static bool set_pairs(struct command_ctx *ctx, const struct pairs *pairs, int64_t expiry_ms)
{
    int code = has_room(ctx, pairs) ? each_pair(ctx, pairs, set_pair, expiry_ms) : MR_E_MEMORY;
    if (code != 0)
        resp_error_code(ctx->reply, code);
    return code == 0;
}

/* False: the error has been told. */
static bool all_pairs(struct command_ctx *ctx, struct pairs *ret)
{
    if (ctx->argc % 2 == 0) {
        dispatch_wrong_arity(ctx);
        return false;
    }
    *ret = (struct pairs){.first = 1, .count = ctx->argc / 2};
    return true;
}

void string_cmd_mset(struct command_ctx *ctx)
{
    struct pairs pairs;
    if (all_pairs(ctx, &pairs) && set_pairs(ctx, &pairs, DB_EXPIRY_NONE))
        resp_ok(ctx->reply);
}

void string_cmd_msetnx(struct command_ctx *ctx)
{
    struct pairs pairs;
    if (!all_pairs(ctx, &pairs))
        return;
    if (each_pair(ctx, &pairs, check_pair, 0) != 0)
        resp_int(ctx->reply, 0);
    else if (set_pairs(ctx, &pairs, DB_EXPIRY_NONE))
        resp_int(ctx->reply, 1);
}

void string_cmd_msetex(struct command_ctx *ctx)
{
    int64_t count;
    if (!number_to_int(ctx->argv[1], &count) || count <= 0 || count > INT32_MAX) {
        resp_error(ctx->reply, "ERR invalid numkeys value");
        return;
    }
    if (count > (ctx->argc - 2) / 2) {
        resp_error(ctx->reply, "ERR wrong number of key-value pairs");
        return;
    }
    struct pairs pairs = {.first = 2, .count = (uint32_t)count};
    struct string_options o;
    int64_t expiry_ms;
    if (!string_parse_options(ctx, 2 + 2 * pairs.count, STRING_NX | STRING_XX | STRING_KEEPTTL | STRING_TIMES,
                              true, &o) ||
        !string_parse_expiry(ctx, &o, &expiry_ms))
        return;
    if ((o.set & STRING_CONDITIONS) != 0 && each_pair(ctx, &pairs, check_pair, (o.set & STRING_XX) != 0) != 0)
        resp_int(ctx->reply, 0);
    else if (set_pairs(ctx, &pairs, expiry_ms))
        resp_int(ctx->reply, 1);
}
