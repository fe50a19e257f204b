/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Times of keys: EXPIRE, PEXPIRE, EXPIREAT, PEXPIREAT, TTL, PTTL, EXPIRETIME,
 * PEXPIRETIME, PERSIST. Within, a time is in wall milliseconds; seconds exist only
 * in arguments and replies.
 */
#include <string.h>

#include "base/clock.h"
#include "base/number.h"
#include "codec/resp_writer.h"
#include "features/keys/keys_private.h"

enum expire_condition { EXPIRE_NX = 1, EXPIRE_XX = 2, EXPIRE_GT = 4, EXPIRE_LT = 8 };

/* Bytes of an unknown option that its error repeats. */
#define EXPIRE_SHOWN 4096

/* False, with the error written, if the conditions from argument 3 on cannot be. */
static bool expire_conditions(struct command_ctx *ctx, unsigned *ret_conditions)
{
    unsigned set = 0;
    for (uint32_t i = 3; i < ctx->argc; i++) {
        struct slice word = ctx->argv[i];
        if (slice_is(word, "NX"))
            set |= EXPIRE_NX;
        else if (slice_is(word, "XX"))
            set |= EXPIRE_XX;
        else if (slice_is(word, "GT"))
            set |= EXPIRE_GT;
        else if (slice_is(word, "LT"))
            set |= EXPIRE_LT;
        else {
            int shown = word.len < EXPIRE_SHOWN ? (int)word.len : EXPIRE_SHOWN;
            resp_errorf(ctx->reply, "ERR Unsupported option %.*s", shown, word.ptr);
            return false;
        }
    }
    if ((set & EXPIRE_NX) && set != EXPIRE_NX) {
        resp_error(ctx->reply, "ERR NX and XX, GT or LT options at the same time are not compatible");
        return false;
    }
    if ((set & EXPIRE_GT) && (set & EXPIRE_LT)) {
        resp_error(ctx->reply, "ERR GT and LT options at the same time are not compatible");
        return false;
    }
    *ret_conditions = set;
    return true;
}

/* A key without a time lives for ever: nothing is greater, everything less. */
static bool expire_allowed(const struct entry *e, unsigned conditions, int64_t when)
{
    int64_t now = entry_expiry(e);
    bool has = entry_has_expiry(e);
    if ((conditions & EXPIRE_NX) && has)
        return false;
    if ((conditions & EXPIRE_XX) && !has)
        return false;
    if ((conditions & EXPIRE_GT) && (!has || when <= now))
        return false;
    return !(conditions & EXPIRE_LT) || !has || when < now;
}

static void expire_set(struct command_ctx *ctx, const char *name, int64_t unit_ms, int64_t base_ms)
{
    unsigned conditions;
    int64_t when;
    if (!expire_conditions(ctx, &conditions) || !dispatch_arg_int(ctx, 2, &when))
        return;
    if (__builtin_mul_overflow(when, unit_ms, &when) || __builtin_add_overflow(when, base_ms, &when)) {
        resp_errorf(ctx->reply, "ERR invalid expire time in '%s' command", name);
        return;
    }
    struct entry *e = keys_find(ctx, 1, 0);
    if (e == NULL || !expire_allowed(e, conditions, when)) {
        resp_int(ctx->reply, 0);
        return;
    }
    if (when <= clock_ms()) {
        db_delete(ctx->db, ctx->argv[1], ctx->key_hash);
        keys_event(ctx, "del", 1);
    } else {
        db_set_expiry(ctx->db, e, when);
        keys_event(ctx, "expire", 1);
    }
    resp_int(ctx->reply, 1);
}

void keys_cmd_expire(struct command_ctx *ctx)
{
    expire_set(ctx, "expire", 1000, clock_ms());
}

void keys_cmd_pexpire(struct command_ctx *ctx)
{
    expire_set(ctx, "pexpire", 1, clock_ms());
}

void keys_cmd_expireat(struct command_ctx *ctx)
{
    expire_set(ctx, "expireat", 1000, 0);
}

void keys_cmd_pexpireat(struct command_ctx *ctx)
{
    expire_set(ctx, "pexpireat", 1, 0);
}

/* Replies with the key's time less BASE_MS, in UNIT_MS, rounded to the nearest. */
static void expire_get(struct command_ctx *ctx, int64_t unit_ms, int64_t base_ms)
{
    const struct entry *e = keys_find(ctx, 1, DB_COUNT | DB_NO_TOUCH);
    if (e == NULL) {
        resp_int(ctx->reply, -2);
        return;
    }
    if (!entry_has_expiry(e)) {
        resp_int(ctx->reply, -1);
        return;
    }
    int64_t left = entry_expiry(e) - base_ms;
    if (left < 0)
        left = 0;
    /* Unsigned, because the last half second of the range would overflow. */
    resp_int(ctx->reply, (int64_t)(((uint64_t)left + (uint64_t)unit_ms / 2) / (uint64_t)unit_ms));
}

void keys_cmd_ttl(struct command_ctx *ctx)
{
    expire_get(ctx, 1000, clock_ms());
}

void keys_cmd_pttl(struct command_ctx *ctx)
{
    expire_get(ctx, 1, clock_ms());
}

void keys_cmd_expiretime(struct command_ctx *ctx)
{
    expire_get(ctx, 1000, 0);
}

void keys_cmd_pexpiretime(struct command_ctx *ctx)
{
    expire_get(ctx, 1, 0);
}

void keys_cmd_persist(struct command_ctx *ctx)
{
    struct entry *e = keys_find(ctx, 1, 0);
    bool had = e != NULL && db_clear_expiry(ctx->db, e);
    if (had)
        keys_event(ctx, "persist", 1);
    resp_int(ctx->reply, had);
}
