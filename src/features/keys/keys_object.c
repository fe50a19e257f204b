/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * OBJECT, what is known of a key's value; WAIT and WAITAOF, which have nobody to wait for:
 * there are no replicas and no append-only file.
 */
#include "codec/resp_writer.h"
#include "features/keys/keys_private.h"
#include "keyspace/evict.h"
#include "keyspace/object.h"

#define POLICY_ADVICE                                                                                        \
    " Please note that when switching between policies at runtime LRU and LFU data will take some time to "  \
    "adjust."

/* The key of argument 2, which is not touched by that; NULL, with the reply written, if there is
 * none. */
static const struct entry *object_find(struct command_ctx *ctx)
{
    const struct entry *e =
        db_find(ctx->db, ctx->argv[2], dispatch_hash(ctx, 2), DB_COUNT | DB_NO_TOUCH | DB_QUIET);
    if (e == NULL)
        resp_null(ctx->reply);
    return e;
}

void keys_cmd_object_encoding(struct command_ctx *ctx)
{
    const struct keys *k = ctx->owner;
    const struct entry *e = object_find(ctx);
    if (e != NULL)
        resp_bulk_str(ctx->reply, object_types_of(k->types, e)->encoding(db_keyspace(ctx->db), e));
}

void keys_cmd_object_freq(struct command_ctx *ctx)
{
    const struct entry *e = object_find(ctx);
    if (e == NULL)
        return;
    if (evict_counts(db_keyspace(ctx->db)))
        resp_int(ctx->reply, evict_freq(db_keyspace(ctx->db), e));
    else
        resp_error(
            ctx->reply,
            "ERR An LFU maxmemory policy is not selected, access frequency not tracked." POLICY_ADVICE);
}

void keys_cmd_object_idletime(struct command_ctx *ctx)
{
    const struct entry *e = object_find(ctx);
    if (e == NULL)
        return;
    if (evict_counts(db_keyspace(ctx->db)))
        resp_error(ctx->reply,
                   "ERR An LFU maxmemory policy is selected, idle time not tracked." POLICY_ADVICE);
    else
        resp_int(ctx->reply, evict_idle_s(db_keyspace(ctx->db), e));
}

/* No value is shared between keys. */
void keys_cmd_object_refcount(struct command_ctx *ctx)
{
    if (object_find(ctx) != NULL)
        resp_int(ctx->reply, 1);
}

void keys_cmd_object_help(struct command_ctx *ctx)
{
    static const char *const lines[] = {
        "ENCODING <key>",
        "    How the value of the key is stored.",
        "FREQ <key>",
        "    How often the key is used, on a logarithmic scale (policies with lfu).",
        "IDLETIME <key>",
        "    The seconds since the key was used last (policies without lfu).",
        "REFCOUNT <key>",
        "    How many keys share the value: always 1.",
        NULL,
    };
    dispatch_help(ctx, lines);
}

/* --- WAIT --- */

/* False, with the error written, unless argument I is a time to wait. */
static bool wait_timeout(struct command_ctx *ctx, uint32_t i)
{
    int64_t timeout;
    if (!number_to_int(ctx->argv[i], &timeout))
        resp_error(ctx->reply, "ERR timeout is not an integer or out of range");
    else if (timeout < 0)
        resp_error(ctx->reply, "ERR timeout is negative");
    else
        return true;
    return false;
}

void keys_cmd_wait(struct command_ctx *ctx)
{
    int64_t replicas;
    if (dispatch_arg_int(ctx, 1, &replicas) && wait_timeout(ctx, 2))
        resp_int(ctx->reply, 0);
}

void keys_cmd_waitaof(struct command_ctx *ctx)
{
    int64_t local, replicas;
    if (!dispatch_arg_int(ctx, 1, &local))
        return;
    if (local < 0 || local > 1) {
        resp_error(ctx->reply, "ERR value is out of range, value must between 0 and 1");
        return;
    }
    if (!number_to_int(ctx->argv[2], &replicas) || replicas < 0) {
        resp_error(ctx->reply, "ERR value is out of range, must be positive");
        return;
    }
    if (!wait_timeout(ctx, 3))
        return;
    if (local == 1) {
        resp_error(ctx->reply, "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.");
        return;
    }
    resp_array(ctx->reply, 2);
    resp_int(ctx->reply, 0);
    resp_int(ctx->reply, 0);
}
