/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The table of the string commands, and those that get, set and delete one whole string.
 *
 * A value that was read from the keyspace is written to the reply before anything is
 * changed; where the change then fails, the reply is taken back to where it began.
 */
#include "base/clock.h"
#include "types/string/bitmap.h"
#include "types/string/string.h"
#include "types/string/string_private.h"

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* E's string, or null. */
static inline void reply_value(struct command_ctx *ctx, const struct entry *e)
{
    char scratch[NUMBER_TEXT_MAX];
    if (e == NULL)
        resp_null(ctx->reply);
    else
        resp_bulk(ctx->reply, string_of(ctx, e, scratch));
}

void string_cmd_get(struct command_ctx *ctx)
{
    const struct entry *e = string_find(ctx, 1, ctx->key_hash, DB_COUNT);
    if (likely(string_check(ctx, e)))
        reply_value(ctx, e);
}

/* --- setting --- */

/* Sets the first key to argument I. False: that failed, and the reply from MARK on is the error. */
static inline bool set_key(struct command_ctx *ctx, uint32_t i, int64_t expiry_ms, size_t mark)
{
    int code = db_set_string(ctx->db, ctx->argv[1], ctx->key_hash, ctx->argv[i], expiry_ms);
    if (unlikely(code != 0)) {
        ctx->reply->out->len = mark;
        resp_error_code(ctx->reply, code);
        return false;
    }
    string_event(ctx, "set");
    if (expiry_ms >= 0)
        db_event(ctx->db, EVENT_GENERIC, "expire", ctx->argv[1]);
    return true;
}

static void set_with_options(struct command_ctx *ctx)
{
    struct string_options o;
    int64_t expiry_ms;
    if (!string_parse_options(ctx, 3, STRING_CONDITIONS | STRING_GET | STRING_KEEPTTL | STRING_TIMES, false,
                              &o) ||
        !string_parse_expiry(ctx, &o, &expiry_ms))
        return;
    bool get = (o.set & STRING_GET) != 0;
    size_t mark = ctx->reply->out->len;
    if ((o.set & (STRING_GET | STRING_CONDITIONS)) != 0) {
        const struct entry *e = string_find(ctx, 1, ctx->key_hash, get ? DB_COUNT : 0);
        if ((get || o.match != 0) && !string_check(ctx, e))
            return;
        bool met;
        if (string_condition(ctx, &o, e, &met) != 0) {
            string_bad_digest(ctx);
            return;
        }
        if (get || !met)
            reply_value(ctx, get ? e : NULL);
        if (!met)
            return;
    }
    if (set_key(ctx, 2, expiry_ms, mark) && !get)
        resp_ok(ctx->reply);
}

void string_cmd_set(struct command_ctx *ctx)
{
    if (unlikely(ctx->argc != 3))
        set_with_options(ctx);
    else if (likely(set_key(ctx, 2, DB_EXPIRY_NONE, ctx->reply->out->len)))
        resp_ok(ctx->reply);
}

void string_cmd_setnx(struct command_ctx *ctx)
{
    if (string_find(ctx, 1, ctx->key_hash, 0) != NULL)
        resp_int(ctx->reply, 0);
    else if (set_key(ctx, 2, DB_EXPIRY_NONE, ctx->reply->out->len))
        resp_int(ctx->reply, 1);
}

static void set_for_a_time(struct command_ctx *ctx, bool seconds)
{
    int64_t expiry_ms;
    if (string_parse_lifetime(ctx, 2, seconds, &expiry_ms) &&
        set_key(ctx, 3, expiry_ms, ctx->reply->out->len))
        resp_ok(ctx->reply);
}

void string_cmd_setex(struct command_ctx *ctx)
{
    set_for_a_time(ctx, true);
}

void string_cmd_psetex(struct command_ctx *ctx)
{
    set_for_a_time(ctx, false);
}

void string_cmd_getset(struct command_ctx *ctx)
{
    const struct entry *e = string_find(ctx, 1, ctx->key_hash, DB_COUNT);
    if (!string_check(ctx, e))
        return;
    size_t mark = ctx->reply->out->len;
    reply_value(ctx, e);
    (void)set_key(ctx, 2, DB_EXPIRY_NONE, mark);
}

/* --- changing the expiry, deleting --- */

void string_cmd_getex(struct command_ctx *ctx)
{
    struct string_options o;
    if (!string_parse_options(ctx, 2, STRING_TIMES | STRING_PERSIST, false, &o))
        return;
    struct entry *e = string_find(ctx, 1, ctx->key_hash, DB_COUNT);
    int64_t expiry_ms = DB_EXPIRY_NONE;
    if (!string_check(ctx, e) || (e != NULL && !string_parse_expiry(ctx, &o, &expiry_ms)))
        return;
    reply_value(ctx, e);
    if (e == NULL)
        return;
    if (expiry_ms >= 0 && expiry_ms <= clock_ms()) {
        db_delete(ctx->db, ctx->argv[1], ctx->key_hash);
        db_event(ctx->db, EVENT_GENERIC, "del", ctx->argv[1]);
    } else if (expiry_ms >= 0) {
        db_set_expiry(ctx->db, e, expiry_ms);
        db_event(ctx->db, EVENT_GENERIC, "expire", ctx->argv[1]);
    } else if ((o.set & STRING_PERSIST) != 0 && db_clear_expiry(ctx->db, e)) {
        db_event(ctx->db, EVENT_GENERIC, "persist", ctx->argv[1]);
    }
}

void string_cmd_getdel(struct command_ctx *ctx)
{
    const struct entry *e = string_find(ctx, 1, ctx->key_hash, DB_COUNT);
    if (!string_check(ctx, e))
        return;
    reply_value(ctx, e);
    if (e != NULL && db_delete(ctx->db, ctx->argv[1], ctx->key_hash))
        db_event(ctx->db, EVENT_GENERIC, "del", ctx->argv[1]);
}

/* Deletes the first key if MET, and replies with the number of keys deleted. */
static void delete_if(struct command_ctx *ctx, bool met)
{
    bool deleted = met && db_delete(ctx->db, ctx->argv[1], ctx->key_hash);
    if (deleted)
        db_event(ctx->db, EVENT_GENERIC, "del", ctx->argv[1]);
    resp_int(ctx->reply, deleted);
}

void string_cmd_delex(struct command_ctx *ctx)
{
    if (ctx->argc == 2) {
        delete_if(ctx, true);
        return;
    }
    struct string_options o = {.match = 3};
    if (ctx->argc != 4) {
        dispatch_wrong_arity(ctx);
        return;
    }
    o.set = string_match_option(ctx->argv[2]);
    if (o.set == 0) {
        resp_error(ctx->reply, "ERR Invalid condition. Use IFEQ, IFNE, IFDEQ, or IFDNE");
        return;
    }
    const struct entry *e = string_find(ctx, 1, ctx->key_hash, 0);
    bool met;
    if (e != NULL && entry_type(e) != OBJECT_STRING)
        resp_error(ctx->reply, "ERR Key should be of string type if conditions are specified");
    else if (string_condition(ctx, &o, e, &met) != 0)
        string_bad_digest(ctx);
    else
        delete_if(ctx, met && e != NULL);
}

void string_cmd_delifeq(struct command_ctx *ctx)
{
    const struct entry *e = string_find(ctx, 1, ctx->key_hash, 0);
    char scratch[NUMBER_TEXT_MAX];
    if (string_check(ctx, e))
        delete_if(ctx, e != NULL && slice_equal(string_of(ctx, e, scratch), ctx->argv[2]));
}

void string_cmd_digest(struct command_ctx *ctx)
{
    const struct entry *e = string_find(ctx, 1, ctx->key_hash, DB_COUNT);
    if (!string_check(ctx, e))
        return;
    if (e == NULL) {
        resp_null(ctx->reply);
        return;
    }
    static const char digits[] = "0123456789abcdef";
    char scratch[NUMBER_TEXT_MAX];
    char text[STRING_DIGEST_DIGITS];
    uint64_t digest = string_digest(string_of(ctx, e, scratch));
    for (size_t i = sizeof text; i-- > 0; digest >>= 4)
        text[i] = digits[digest & 15];
    resp_bulk(ctx->reply, slice_of(text, sizeof text));
}

/* --- the table --- */

#define COMMAND(NAME, HANDLER, ...) {.name = NAME, .handler = HANDLER, __VA_ARGS__},
static const struct command rows[] = {
#include "types/string/string.def"
};

void string_register(struct registry *registry)
{
    registry_add(registry, rows, sizeof rows / sizeof *rows, NULL);
    bitmap_register(registry);
}
