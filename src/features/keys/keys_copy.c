/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Keys that get another name or place: COPY, MOVE, RENAME, RENAMENX.
 */
#include "codec/resp_writer.h"
#include "features/keys/keys_private.h"
#include "keyspace/object.h"

static const char same_error[] = "ERR source and destination objects are the same";

/* The database whose number is argument I; NULL, with the error written, if there is none. */
static struct db *argument_db(struct command_ctx *ctx, uint32_t i)
{
    int64_t index;
    if (!dispatch_arg_int(ctx, i, &index))
        return NULL;
    if (index < INT32_MIN || index > INT32_MAX) {
        resp_error(ctx->reply, "ERR value is out of range, value must between -2147483648 and 2147483647");
        return NULL;
    }
    struct db *db = keyspace_db(db_keyspace(ctx->db), index);
    if (db == NULL)
        resp_error_code(ctx->reply, MR_E_DB_INDEX);
    return db;
}

/* --- RENAME --- */

static void rename_key(struct command_ctx *ctx, bool only_if_free)
{
    if (keys_find(ctx, 1, 0) == NULL) {
        resp_error_code(ctx->reply, MR_E_NO_KEY);
        return;
    }
    bool same = slice_equal(ctx->argv[1], ctx->argv[2]);
    uint64_t to_hash = dispatch_hash(ctx, 2);
    if (only_if_free && (same || db_find(ctx->db, ctx->argv[2], to_hash, DB_NO_TOUCH) != NULL)) {
        resp_int(ctx->reply, 0);
        return;
    }
    /* Looking for the new name may have deleted an expired key and moved this one. */
    int code =
        same ? 0 : db_move(ctx->db, keys_find(ctx, 1, DB_NO_TOUCH), ctx->db, ctx->argv[2], to_hash, NULL);
    if (code != 0) {
        resp_error_code(ctx->reply, code);
        return;
    }
    if (!same) {
        keys_event(ctx, "rename_from", 1);
        keys_event(ctx, "rename_to", 2);
        db_event_replaced(ctx->db, ctx->argv[2]);
    }
    if (only_if_free)
        resp_int(ctx->reply, 1);
    else
        resp_ok(ctx->reply);
}

void keys_cmd_rename(struct command_ctx *ctx)
{
    rename_key(ctx, false);
}

void keys_cmd_renamenx(struct command_ctx *ctx)
{
    rename_key(ctx, true);
}

/* --- MOVE --- */

void keys_cmd_move(struct command_ctx *ctx)
{
    struct db *to = argument_db(ctx, 2);
    if (to == NULL)
        return;
    if (to == ctx->db) {
        resp_error(ctx->reply, same_error);
        return;
    }
    struct entry *e = keys_find(ctx, 1, 0);
    if (e == NULL || db_find(to, ctx->argv[1], ctx->key_hash, DB_NO_TOUCH) != NULL) {
        resp_int(ctx->reply, 0);
        return;
    }
    int code = db_move(ctx->db, e, to, ctx->argv[1], ctx->key_hash, NULL);
    if (code != 0) {
        resp_error_code(ctx->reply, code);
        return;
    }
    keys_event(ctx, "move_from", 1);
    db_event(to, EVENT_GENERIC, "move_to", ctx->argv[1]);
    resp_int(ctx->reply, 1);
}

/* --- COPY --- */

/* False, with the error written, if the options from argument 3 on are not right. */
static bool copy_options(struct command_ctx *ctx, struct db **to, bool *replace)
{
    for (uint32_t i = 3; i < ctx->argc; i++) {
        if (slice_is(ctx->argv[i], "REPLACE")) {
            *replace = true;
        } else if (slice_is(ctx->argv[i], "DB") && i + 1 < ctx->argc) {
            *to = argument_db(ctx, ++i);
            if (*to == NULL)
                return false;
        } else {
            resp_error_code(ctx->reply, MR_E_SYNTAX);
            return false;
        }
    }
    return true;
}

static int copy_to(struct command_ctx *ctx, struct db *to, uint64_t hash)
{
    const struct keys *k = ctx->owner;
    struct keyspace *ks = db_keyspace(to);
    /* Looking for the new key may have deleted an expired one and moved this one. */
    const struct entry *e = keys_find(ctx, 1, DB_NO_TOUCH);
    unsigned type = entry_type(e);
    struct entry_value v;
    int code = object_types_of(k->types, e)->copy(ks, e, &v);
    if (code != 0)
        return code;
    code = db_put_as_new(to, ctx->argv[2], hash, type, &v, entry_expiry(e));
    if (code != 0)
        keyspace_free_value(ks, type, &v);
    return code;
}

void keys_cmd_copy(struct command_ctx *ctx)
{
    struct db *to = ctx->db;
    bool replace = false;
    if (!copy_options(ctx, &to, &replace))
        return;
    if (to == ctx->db && slice_equal(ctx->argv[1], ctx->argv[2])) {
        resp_error(ctx->reply, same_error);
        return;
    }
    uint64_t hash = dispatch_hash(ctx, 2);
    if (keys_find(ctx, 1, DB_COUNT) == NULL ||
        (db_find(to, ctx->argv[2], hash, DB_NO_TOUCH) != NULL && !replace)) {
        resp_int(ctx->reply, 0);
        return;
    }
    int code = copy_to(ctx, to, hash);
    if (code != 0) {
        resp_error_code(ctx->reply, code);
        return;
    }
    db_event(to, EVENT_GENERIC, "copy_to", ctx->argv[2]);
    db_event_replaced(to, ctx->argv[2]);
    resp_int(ctx->reply, 1);
}
