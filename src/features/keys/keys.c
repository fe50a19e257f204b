/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See keys.h. Here: the table of commands, and the handlers that ask for a key's existence
 * or end it, and those for whole databases. Times are in keys_expire.c, walks in
 * keys_scan.c, new names and places in keys_copy.c, payloads in keys_dump.c, SORT in
 * keys_sort.c, OBJECT and WAIT in keys_object.c.
 */
#include "features/keys/keys.h"

#include <string.h>

#include "base/counter.h"
#include "base/heap.h"
#include "base/number.h"
#include "codec/resp_writer.h"
#include "command/registry.h"
#include "features/keys/keys_private.h"
#include "keyspace/object.h"

/* Keys whose table lines are fetched together by commands that take many keys. */
#define KEYS_AHEAD 16

/* Calls FN for each key argument and replies with the number that it was true for. */
static void keys_count(struct command_ctx *ctx, bool (*fn)(struct db *db, struct slice key, uint64_t hash))
{
    uint64_t hash[KEYS_AHEAD];
    int64_t count = 0;
    for (uint32_t first = 1; first < ctx->argc; first += KEYS_AHEAD) {
        uint32_t n = ctx->argc - first < KEYS_AHEAD ? ctx->argc - first : KEYS_AHEAD;
        for (uint32_t i = 0; i < n; i++) {
            hash[i] = keys_hash(ctx, first + i);
            if (n > 1)
                db_prefetch_bucket(ctx->db, hash[i]);
        }
        for (uint32_t i = 0; n > 1 && i < n; i++)
            db_prefetch_entry(ctx->db, hash[i]);
        for (uint32_t i = 0; i < n; i++)
            count += fn(ctx->db, ctx->argv[first + i], hash[i]);
    }
    resp_int(ctx->reply, count);
}

static bool keys_exists(struct db *db, struct slice key, uint64_t hash)
{
    return db_find(db, key, hash, DB_COUNT | DB_NO_TOUCH) != NULL;
}

static bool keys_touch(struct db *db, struct slice key, uint64_t hash)
{
    return db_find(db, key, hash, DB_COUNT) != NULL;
}

static bool keys_del(struct db *db, struct slice key, uint64_t hash)
{
    if (!db_delete(db, key, hash))
        return false;
    db_event(db, EVENT_GENERIC, "del", key);
    return true;
}

/* UNLINK is the same: big values are freed in the background either way. */
static void keys_cmd_del(struct command_ctx *ctx)
{
    keys_count(ctx, keys_del);
}

static void keys_cmd_exists(struct command_ctx *ctx)
{
    keys_count(ctx, keys_exists);
}

static void keys_cmd_touch(struct command_ctx *ctx)
{
    keys_count(ctx, keys_touch);
}

static void keys_cmd_type(struct command_ctx *ctx)
{
    struct keys *k = ctx->owner;
    const struct entry *e = keys_find(ctx, 1, DB_COUNT | DB_NO_TOUCH);
    resp_simple(ctx->reply, e == NULL ? "none" : object_types_name(k->types, entry_type(e)));
}

/* --- whole databases --- */

static void keys_cmd_dbsize(struct command_ctx *ctx)
{
    resp_int(ctx->reply, (int64_t)db_size(ctx->db));
}

/* False, with the error written, unless the arguments are none, ASYNC or SYNC: which
 * makes no difference, because emptying is O(1) here. */
static bool keys_flush_arguments(struct command_ctx *ctx)
{
    if (ctx->argc == 1)
        return true;
    if (ctx->argc == 2 && (slice_is(ctx->argv[1], "SYNC") || slice_is(ctx->argv[1], "ASYNC")))
        return true;
    resp_error_code(ctx->reply, MR_E_SYNTAX);
    return false;
}

static void keys_flushed(struct command_ctx *ctx)
{
    const struct keys *k = ctx->owner;
    if (k->ops.flushed != NULL)
        k->ops.flushed(k->ops.owner);
    resp_ok(ctx->reply);
}

static void keys_cmd_flushdb(struct command_ctx *ctx)
{
    if (!keys_flush_arguments(ctx))
        return;
    db_flush(ctx->db);
    keys_flushed(ctx);
}

static void keys_cmd_flushall(struct command_ctx *ctx)
{
    if (!keys_flush_arguments(ctx))
        return;
    struct keyspace *ks = dispatch_keyspace(ctx->dispatch);
    for (unsigned i = 0; i < keyspace_databases(ks); i++)
        db_flush(keyspace_db(ks, i));
    keys_flushed(ctx);
}

static bool keys_parse_index(struct slice text, int64_t *out)
{
    return number_to_int(text, out) && *out >= INT32_MIN && *out <= INT32_MAX;
}

static void keys_cmd_swapdb(struct command_ctx *ctx)
{
    struct keyspace *ks = dispatch_keyspace(ctx->dispatch);
    int64_t a, b;
    if (!keys_parse_index(ctx->argv[1], &a)) {
        resp_error(ctx->reply, "ERR invalid first DB index");
        return;
    }
    if (!keys_parse_index(ctx->argv[2], &b)) {
        resp_error(ctx->reply, "ERR invalid second DB index");
        return;
    }
    if (keyspace_db(ks, a) == NULL || keyspace_db(ks, b) == NULL) {
        resp_error_code(ctx->reply, MR_E_DB_INDEX);
        return;
    }
    if (a != b)
        keyspace_swap(ks, (unsigned)a, (unsigned)b);
    resp_ok(ctx->reply);
}

/* --- life --- */

#define COMMAND(NAME, HANDLER, ...) {.name = NAME, .handler = HANDLER, __VA_ARGS__},
static const struct command keys_rows[] = {
#include "features/keys/keys.def"
};
#undef COMMAND

struct keys *keys_new(struct dispatch *d, const struct object_types *types, const struct keys_ops *ops)
{
    struct keys *k = heap_alloc_zero(sizeof *k);
    k->types = types;
    k->ops = *ops;
    registry_add(dispatch_registry(d), keys_rows, sizeof keys_rows / sizeof keys_rows[0], k);
    return k;
}

static const struct counter_row counter_rows[] = {
    {"stats", "dump_payload_sanitizations", NULL,
     "Values that RESTORE was given and whose content was validated; that is never left out.",
     offsetof(struct keys, sanitized), true, NULL},
};

void keys_register_counters(struct keys *k, struct counters *counters)
{
    counters_add(counters, counter_rows, sizeof counter_rows / sizeof counter_rows[0], k, NULL);
}

void keys_page_done(struct keys *k)
{
    if (k->page.cap > KEYS_PAGE_KEEP)
        buf_done(&k->page);
}

void keys_free(struct keys *k)
{
    if (k == NULL)
        return;
    buf_done(&k->page);
    heap_free(k);
}
