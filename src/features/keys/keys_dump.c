/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * DUMP and RESTORE. A payload that is restored is made into a value in the keyspace's
 * scratch database by its type, which validates it wholly, and only then moved to its
 * place, so that one that is refused has changed nothing.
 */
#include <string.h>

#include "base/clock.h"
#include "codec/rdb_reader.h"
#include "codec/rdb_writer.h"
#include "codec/resp_writer.h"
#include "features/keys/keys_private.h"
#include "keyspace/object.h"

#define RESTORE_FREQ_MAX 255

void keys_cmd_dump(struct command_ctx *ctx)
{
    struct keys *k = ctx->owner;
    const struct keyspace *ks = db_keyspace(ctx->db);
    const struct entry *e = keys_find(ctx, 1, DB_COUNT);
    if (e == NULL) {
        resp_null(ctx->reply);
        return;
    }
    const struct object_type *type = object_types_of(k->types, e);
    struct rdb_writer w = {.out = &k->page, .compress = true};
    k->page.len = 0;
    rdb_write_u8(&w, (uint8_t)type->rdb_type(ks, e));
    type->save(&w, ks, e);
    rdb_dump_end(&w, 0);
    if (w.code == 0)
        resp_bulk(ctx->reply, buf_slice(&k->page));
    else
        resp_error_code(ctx->reply, w.code);
    keys_page_done(k);
}

/* --- RESTORE --- */

struct restore {
    struct object_meta meta;
    bool replace, absolute;
};

/* False, with the error written, if the options from argument 4 on are not right. */
static bool restore_options(struct command_ctx *ctx, struct restore *r)
{
    for (uint32_t i = 4; i < ctx->argc; i++) {
        struct slice word = ctx->argv[i];
        bool more = i + 1 < ctx->argc;
        int64_t freq;
        if (slice_is(word, "REPLACE")) {
            r->replace = true;
        } else if (slice_is(word, "ABSTTL")) {
            r->absolute = true;
        } else if (slice_is(word, "IDLETIME") && more && r->meta.freq == -1) {
            if (!dispatch_arg_int(ctx, ++i, &r->meta.idle_s))
                return false;
            if (r->meta.idle_s < 0) {
                resp_error(ctx->reply, "ERR Invalid IDLETIME value, must be >= 0");
                return false;
            }
        } else if (slice_is(word, "FREQ") && more && r->meta.idle_s == -1) {
            if (!dispatch_arg_int(ctx, ++i, &freq))
                return false;
            if (freq < 0 || freq > RESTORE_FREQ_MAX) {
                resp_error(ctx->reply, "ERR Invalid FREQ value, must be >= 0 and <= 255");
                return false;
            }
            r->meta.freq = (int)freq;
        } else {
            resp_error_code(ctx->reply, MR_E_SYNTAX);
            return false;
        }
    }
    return true;
}

/* The time of argument 2, as a time of the wall. */
static bool restore_time(struct command_ctx *ctx, struct restore *r)
{
    int64_t when;
    if (!dispatch_arg_int(ctx, 2, &when))
        return false;
    if (when < 0) {
        resp_error(ctx->reply, "ERR Invalid TTL value, must be >= 0");
        return false;
    }
    if (when != 0 && !r->absolute && __builtin_add_overflow(when, clock_ms(), &when)) {
        resp_error(ctx->reply, "ERR invalid expire time in 'restore' command");
        return false;
    }
    r->meta.expiry_ms = when == 0 ? DB_EXPIRY_NONE : when;
    return true;
}

/* Makes the value of PAYLOAD in SCRATCH. */
static int restore_make(struct keys *k, struct slice payload, struct db *scratch,
                        const struct object_meta *meta)
{
    unsigned rdb_type;
    struct slice value;
    bool valkey;
    int code = rdb_dump_open(payload, &rdb_type, &value, &valkey);
    if (code != 0)
        return code;
    rdb_type = rdb_type_of(rdb_type, valkey);
    const struct object_type *type = object_types_by_rdb(k->types, rdb_type);
    if (type == NULL)
        return MR_E_CORRUPT;
    k->sanitized++;
    struct rdb_reader in = {.data = value.ptr, .len = value.len};
    code = object_load_whole(type, &in, rdb_type, scratch, meta);
    bool whole = in.pos == in.len;
    rdb_reader_done(&in);
    int flushed = keyspace_load_flush(db_keyspace(scratch));
    if (code == 0 && flushed == 0 && whole)
        return 0;
    db_delete(scratch, meta->key, keyspace_hash(db_keyspace(scratch), meta->key));
    return code == MR_E_MEMORY ? code : MR_E_CORRUPT;
}

/* Puts the value in its place; its time may have come already. */
static int restore_place(struct command_ctx *ctx, struct db *scratch, const struct restore *r)
{
    struct slice key = ctx->argv[1];
    bool expired = r->meta.expiry_ms != DB_EXPIRY_NONE && r->meta.expiry_ms <= clock_ms();
    if (expired) {
        db_delete(scratch, key, ctx->key_hash);
        if (r->replace && db_delete(ctx->db, key, ctx->key_hash))
            keys_event(ctx, "del", 1);
        return 0;
    }
    struct entry *e = db_find(scratch, key, ctx->key_hash, DB_NO_TOUCH);
    int code = e == NULL ? MR_E_CORRUPT : db_move(scratch, e, ctx->db, key, ctx->key_hash, NULL);
    if (code != 0) {
        db_delete(scratch, key, ctx->key_hash);
        return code;
    }
    keys_event(ctx, "restore", 1);
    db_event_replaced(ctx->db, key);
    return 0;
}

void keys_cmd_restore(struct command_ctx *ctx)
{
    struct restore r = {.meta = {.key = ctx->argv[1], .idle_s = -1, .freq = -1}};
    struct db *scratch = keyspace_scratch(db_keyspace(ctx->db));
    if (!restore_options(ctx, &r))
        return;
    if (!r.replace && keys_find(ctx, 1, DB_NO_TOUCH) != NULL) {
        resp_error(ctx->reply, "BUSYKEY Target key name already exists.");
        return;
    }
    if (!restore_time(ctx, &r))
        return;
    /* A value whose time has come must not go by it before it has been looked at. */
    struct object_meta meta = r.meta;
    if (meta.expiry_ms != DB_EXPIRY_NONE && meta.expiry_ms <= clock_ms())
        meta.expiry_ms = DB_EXPIRY_NONE;
    int code = restore_make(ctx->owner, ctx->argv[3], scratch, &meta);
    if (code == 0)
        code = restore_place(ctx, scratch, &r);
    if (code == 0)
        resp_ok(ctx->reply);
    else
        resp_error_code(ctx->reply, code);
}
