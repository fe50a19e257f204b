/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * DEBUG: the subcommands that mean something here. It has no rows of its own below
 * it, as in redis-server.
 */
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/number.h"
#include "codec/rdb_writer.h"
#include "features/server/digest.h"
#include "features/server/server_private.h"
#include "keyspace/evict.h"
#include "keyspace/object.h"
#include "keyspace/rewrite.h"

static void debug_sleep(struct command_ctx *ctx)
{
    char text[64];
    size_t len = ctx->argv[2].len < sizeof text - 1 ? ctx->argv[2].len : sizeof text - 1;
    memcpy(text, ctx->argv[2].ptr, len);
    text[len] = '\0';
    double seconds = strtod(text, NULL);
    if (seconds > 0) {
        struct timespec t = {.tv_sec = (time_t)seconds,
                             .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};
        nanosleep(&t, NULL);
    }
    resp_ok(ctx->reply);
}

/* Bytes that the value takes in an RDB file, without its type and key. */
static size_t saved_len(const struct object_type *type, const struct keyspace *ks, const struct entry *e)
{
    struct buf bytes = {0};
    struct rdb_writer w = {.out = &bytes, .compress = true};
    type->save(&w, ks, e);
    size_t len = bytes.len;
    buf_done(&bytes);
    return len;
}

static void debug_object(struct command_ctx *ctx)
{
    enum { CLOCK_MASK = (1 << 24) - 1 }; /* the clock that redis-server shows here has 24 bits */
    const struct server *s = ctx->owner;
    struct keyspace *ks = db_keyspace(ctx->db);
    const struct entry *e = db_find(ctx->db, ctx->argv[2], dispatch_hash(ctx, 2), DB_NO_TOUCH);
    if (e == NULL) {
        resp_error_code(ctx->reply, MR_E_NO_KEY);
        return;
    }
    const struct object_type *type = object_types_of(s->ops.types, e);
    int64_t idle = evict_idle_s(ks, e);
    struct buf out = {0};
    buf_printf(&out,
               "Value at:%p refcount:1 encoding:%s serializedlength:%zu lru:%lld lru_seconds_idle:%lld "
               "entrybytes:%zu expires:%lld",
               (const void *)e, type->encoding(ks, e), saved_len(type, ks, e),
               (long long)((clock_ms() / 1000 - idle) & CLOCK_MASK), (long long)idle, entry_size(e),
               (long long)entry_expiry(e));
    resp_simple(ctx->reply, buf_cstr(&out));
    buf_done(&out);
}

static void protocol_aggregate(struct resp_writer *w, struct slice kind)
{
    if (slice_is(kind, "array"))
        resp_array(w, 3);
    else if (slice_is(kind, "set"))
        resp_set(w, 3);
    else
        resp_push(w, 3);
    for (int i = 0; i < 3; i++)
        resp_int(w, i);
}

/* A value of each kind that RESP3 has, for the tests of clients. */
static void debug_protocol(struct command_ctx *ctx)
{
    struct resp_writer *w = ctx->reply;
    struct slice kind = ctx->argv[2];
    if (slice_is(kind, "string")) {
        resp_bulk_str(w, "Hello World");
    } else if (slice_is(kind, "integer")) {
        resp_int(w, 12345);
    } else if (slice_is(kind, "double")) {
        resp_double(w, 3.141);
    } else if (slice_is(kind, "null")) {
        resp_null(w);
    } else if (slice_is(kind, "array") || slice_is(kind, "set") ||
               (slice_is(kind, "push") && w->version == 3)) {
        protocol_aggregate(w, kind);
    } else if (slice_is(kind, "push")) {
        resp_error(w, "ERR RESP2 is not supported by this command");
    } else if (slice_is(kind, "map")) {
        resp_map(w, 3);
        for (int i = 0; i < 3; i++) {
            resp_int(w, i);
            resp_bool(w, i == 1);
        }
    } else if (slice_is(kind, "attrib")) {
        if (w->version == 3) {
            resp_attribute(w, 1);
            resp_bulk_str(w, "key-popularity");
            resp_array(w, 2);
            resp_bulk_str(w, "key:123");
            resp_int(w, 90);
        }
        resp_bulk_str(w, "Some real reply following the attribute");
    } else if (slice_is(kind, "verbatim")) {
        resp_verbatim(w, "txt", slice_str("This is a verbatim\nstring"));
    } else if (slice_is(kind, "true") || slice_is(kind, "false")) {
        resp_bool(w, slice_is(kind, "true"));
    } else {
        resp_error(w, "ERR Wrong protocol type name. Please use one of the following: "
                      "string|integer|double|null|array|set|map|attrib|push|verbatim|true|false");
    }
}

static void debug_error(struct command_ctx *ctx)
{
    resp_error_slice(ctx->reply, ctx->argv[2]);
}

static void debug_digest(struct command_ctx *ctx)
{
    const struct server *s = ctx->owner;
    struct digest d;
    char text[DIGEST_TEXT_MAX];
    int code = digest_all(s->ops.types, db_keyspace(ctx->db), &d);
    if (code != 0)
        resp_error_code(ctx->reply, code);
    else
        resp_simple(ctx->reply, digest_text(d, text));
}

static void debug_digest_value(struct command_ctx *ctx)
{
    const struct server *s = ctx->owner;
    struct keyspace *ks = db_keyspace(ctx->db);
    char text[DIGEST_TEXT_MAX];
    size_t mark = ctx->reply->out->len;
    resp_array(ctx->reply, ctx->argc - 2);
    for (uint32_t i = 2; i < ctx->argc; i++) {
        const struct entry *e = db_find(ctx->db, ctx->argv[i], dispatch_hash(ctx, i), DB_NO_TOUCH);
        struct digest d = {0};
        int code = e == NULL ? 0 : digest_value(s->ops.types, ks, e, &d);
        if (code != 0) {
            ctx->reply->out->len = mark;
            resp_error_code(ctx->reply, code);
            return;
        }
        resp_simple(ctx->reply, digest_text(d, text));
    }
}

static int take_reply(void *owner, struct slice bytes)
{
    resp_raw(owner, bytes.ptr, bytes.len);
    return 0;
}

/* Requests look like replies that are arrays of bulk strings. */
static void debug_rewrite(struct command_ctx *ctx)
{
    const struct server *s = ctx->owner;
    const struct entry *e = db_find(ctx->db, ctx->argv[2], dispatch_hash(ctx, 2), DB_NO_TOUCH);
    struct rewrite w;
    if (e == NULL) {
        resp_error_code(ctx->reply, MR_E_NO_KEY);
        return;
    }
    size_t mark = resp_later(ctx->reply);
    rewrite_init(&w, take_reply, ctx->reply);
    rewrite_entry(&w, s->ops.types, db_keyspace(ctx->db), e);
    int code = rewrite_done(&w);
    if (code == 0) {
        resp_later_end(ctx->reply, mark, '*', w.commands);
        return;
    }
    ctx->reply->out->len = mark;
    resp_error_code(ctx->reply, code);
}

static void debug_help(struct command_ctx *ctx)
{
    static const char *const lines[] = {
        "DIGEST",
        "    Reply with a digest of all data: the same for the same keys, values and types,",
        "    however they are encoded. It is not the number that other servers give.",
        "DIGEST-VALUE <key> [<key> ...]",
        "    Reply with the digest of each value; zeros where there is no key.",
        "ERROR <text>",
        "    Reply with that error.",
        "OBJECT <key>",
        "    How the value of a key is stored.",
        "PROTOCOL <string|integer|double|null|array|set|map|attrib|push|verbatim|true|false>",
        "    Reply with a value of that kind.",
        "REWRITE <key>",
        "    The commands that would make the key again, each an array of its arguments.",
        "SLEEP <seconds>",
        "    Stop the whole server for that long.",
        NULL,
    };
    dispatch_help(ctx, lines);
}

void server_cmd_debug(struct command_ctx *ctx)
{
    static const struct {
        const char *name;
        uint32_t least, most; /* arguments */
        command_handler *handler;
    } subcommands[] = {
        {"HELP", 2, 2, debug_help},
        {"SLEEP", 3, 3, debug_sleep},
        {"OBJECT", 3, 3, debug_object},
        {"DIGEST", 2, 2, debug_digest},
        {"PROTOCOL", 3, 3, debug_protocol},
        {"ERROR", 3, 3, debug_error},
        {"DIGEST-VALUE", 2, UINT32_MAX, debug_digest_value},
        {"REWRITE", 3, 3, debug_rewrite},
    };
    for (size_t i = 0; i < sizeof subcommands / sizeof subcommands[0]; i++)
        if (slice_is(ctx->argv[1], subcommands[i].name) && ctx->argc >= subcommands[i].least &&
            ctx->argc <= subcommands[i].most) {
            subcommands[i].handler(ctx);
            return;
        }
    dispatch_bad_subcommand(ctx);
}
