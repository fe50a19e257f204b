/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The table of the hash commands, and those that set, get and delete fields. Those for the expiry of
 * fields are in hash_expire.c.
 */
#include "types/hash/hash_cmds.h"

#include "base/heap.h"
#include "command/element_expire.h"
#include "command/registry.h"

#define AHEAD 16 /* fields whose memory is fetched together */

#define likely(x) __builtin_expect(!!(x), 1)

/* RET has fields with an expiry, some of which may be due. */
static __attribute__((noinline)) void settle(struct command_ctx *ctx, struct hash *ret)
{
    struct entry *e = expiring_settle(ctx->db, ret->e);
    if (e == NULL)
        hash_open(ret, ret->ks, NULL);
}

bool hash_cmds_find(struct command_ctx *ctx, unsigned flags, struct hash *ret)
{
    if (__builtin_expect(ctx->session->flags & SESSION_NO_TOUCH, 0))
        flags |= DB_NO_TOUCH;
    const struct entry *e = db_find(ctx->db, ctx->argv[1], ctx->key_hash, flags);
    if (e != NULL && entry_type(e) != OBJECT_HASH) {
        resp_error_code(ctx->reply, MR_E_WRONG_TYPE);
        return false;
    }
    hash_open(ret, db_keyspace(ctx->db), e);
    if (ret->table != NULL && __builtin_expect(ret->table->expiring != 0, 0))
        settle(ctx, ret);
    if (ctx->element_hash != 0) {
        ret->known = ctx->argv[2].ptr;
        ret->known_hash = ctx->element_hash;
    }
    return true;
}

struct hash_place hash_cmds_place(const struct command_ctx *ctx)
{
    return (struct hash_place){ctx->db, ctx->argv[1], ctx->key_hash, ctx->owner};
}

/* --- setting --- */

/* Sets the pairs from argument 2 on: how many are new, or negative with the error told. */
static int64_t set_pairs(struct command_ctx *ctx)
{
    struct hash h;
    if (ctx->argc % 2 != 0) {
        dispatch_wrong_arity(ctx);
        return -1;
    }
    if (!hash_cmds_find(ctx, 0, &h))
        return -1;
    struct hash_place place = hash_cmds_place(ctx);
    uint32_t count = (ctx->argc - 2) / 2;
    uint64_t dirty = keyspace_dirty(db_keyspace(ctx->db));
    int64_t added = hash_set(&h, &place, ctx->argv + 2, count, DB_EXPIRY_NONE);
    if (!likely(added >= 0)) {
        resp_error_code(ctx->reply, (int)added);
        return added;
    }
    keyspace_set_dirty(db_keyspace(ctx->db), dirty + count);
    hash_cmds_event(ctx, "hset");
    return added;
}

void hash_cmd_hset(struct command_ctx *ctx)
{
    int64_t added = set_pairs(ctx);
    if (likely(added >= 0))
        resp_int(ctx->reply, added);
}

void hash_cmd_hmset(struct command_ctx *ctx)
{
    if (set_pairs(ctx) >= 0)
        resp_ok(ctx->reply);
}

void hash_cmd_hsetnx(struct command_ctx *ctx)
{
    struct hash h;
    struct listpack_value value;
    if (!hash_cmds_find(ctx, 0, &h))
        return;
    if (hash_get(&h, ctx->argv[2], &value))
        resp_int(ctx->reply, 0);
    else if (set_pairs(ctx) >= 0)
        resp_int(ctx->reply, 1);
}

/* --- getting --- */

void hash_cmds_reply_field(struct command_ctx *ctx, const struct hash *h, struct slice field)
{
    struct listpack_value value;
    if (hash_get(h, field, &value))
        hash_cmds_reply(ctx->reply, &value);
    else
        resp_null(ctx->reply);
}

void hash_cmd_hget(struct command_ctx *ctx)
{
    struct hash h;
    if (hash_cmds_find(ctx, DB_COUNT, &h))
        hash_cmds_reply_field(ctx, &h, ctx->argv[2]);
}

/* COUNT fields of a table, at most AHEAD. */
static void reply_fields(struct command_ctx *ctx, const struct hash *h, const struct slice *fields,
                         uint32_t count)
{
    const struct arena *a = keyspace_arena(h->ks);
    uint64_t hash[AHEAD];
    for (uint32_t i = 0; i < count; i++) {
        hash[i] = keyspace_hash(h->ks, fields[i]);
        dict_prefetch_bucket(&h->table->dict, a, hash[i]);
    }
    for (uint32_t i = 0; i < count; i++)
        dict_prefetch_element(&h->table->dict, a, hash[i]);
    for (uint32_t i = 0; i < count; i++) {
        const struct hash_field *f = hash_table_find(h->table, h->ks, fields[i], hash[i], NULL);
        if (hash_field_seen(h->ks, f))
            resp_bulk(ctx->reply, hash_field_value(f));
        else
            resp_null(ctx->reply);
    }
}

void hash_cmd_hmget(struct command_ctx *ctx)
{
    struct hash h;
    if (!hash_cmds_find(ctx, DB_COUNT, &h))
        return;
    uint32_t count = ctx->argc - 2, n;
    resp_array(ctx->reply, count);
    for (uint32_t i = 0; i < count; i += n) {
        n = h.table != NULL && count - i > AHEAD ? AHEAD : h.table != NULL ? count - i : 1;
        if (h.table != NULL)
            reply_fields(ctx, &h, ctx->argv + 2 + i, n);
        else
            hash_cmds_reply_field(ctx, &h, ctx->argv[2 + i]);
    }
}

enum parts { FIELDS = 1, VALUES = 2 };

struct replying {
    struct resp_writer *reply;
    unsigned parts;
};

static bool reply_pair(void *arg, const struct listpack_value *field, const struct listpack_value *value)
{
    struct replying *r = arg;
    if ((r->parts & FIELDS) != 0)
        hash_cmds_reply(r->reply, field);
    if ((r->parts & VALUES) != 0)
        hash_cmds_reply(r->reply, value);
    return true;
}

static void reply_all(struct command_ctx *ctx, unsigned parts)
{
    struct hash h;
    if (!hash_cmds_find(ctx, DB_COUNT, &h))
        return;
    if (parts == (FIELDS | VALUES))
        resp_map(ctx->reply, hash_seen(&h));
    else
        resp_array(ctx->reply, hash_seen(&h));
    hash_each(&h, reply_pair, &(struct replying){ctx->reply, parts});
}

void hash_cmd_hgetall(struct command_ctx *ctx)
{
    reply_all(ctx, FIELDS | VALUES);
}

void hash_cmd_hkeys(struct command_ctx *ctx)
{
    reply_all(ctx, FIELDS);
}

void hash_cmd_hvals(struct command_ctx *ctx)
{
    reply_all(ctx, VALUES);
}

void hash_cmd_hlen(struct command_ctx *ctx)
{
    struct hash h;
    if (hash_cmds_find(ctx, DB_COUNT, &h))
        resp_int(ctx->reply, (int64_t)hash_length(&h));
}

void hash_cmd_hexists(struct command_ctx *ctx)
{
    struct hash h;
    struct listpack_value value;
    if (hash_cmds_find(ctx, DB_COUNT, &h))
        resp_int(ctx->reply, hash_get(&h, ctx->argv[2], &value));
}

void hash_cmd_hstrlen(struct command_ctx *ctx)
{
    struct hash h;
    struct listpack_value value;
    char scratch[NUMBER_TEXT_MAX];
    if (!hash_cmds_find(ctx, DB_COUNT, &h))
        return;
    if (hash_get(&h, ctx->argv[2], &value))
        resp_int(ctx->reply, (int64_t)listpack_text(&value, scratch).len);
    else
        resp_int(ctx->reply, 0);
}

/* --- deleting --- */

/* Deletes the fields from argument FIRST on and tells so. */
static uint32_t delete_fields(struct command_ctx *ctx, struct hash *h, uint32_t first)
{
    struct hash_place place = hash_cmds_place(ctx);
    bool empty;
    uint64_t dirty = keyspace_dirty(db_keyspace(ctx->db));
    uint32_t deleted = hash_delete(h, &place, ctx->argv + first, ctx->argc - first, &empty);
    keyspace_set_dirty(db_keyspace(ctx->db), dirty + deleted);
    if (deleted != 0)
        hash_cmds_event(ctx, "hdel");
    if (empty)
        db_event(ctx->db, EVENT_GENERIC, "del", ctx->argv[1]);
    return deleted;
}

void hash_cmd_hdel(struct command_ctx *ctx)
{
    struct hash h;
    if (hash_cmds_find(ctx, 0, &h))
        resp_int(ctx->reply, h.e == NULL ? 0 : delete_fields(ctx, &h, 2));
}

/* A field that is named again is gone by then. */
static bool is_named_before(const struct command_ctx *ctx, uint32_t first, uint32_t i)
{
    for (uint32_t j = first; j < i; j++)
        if (slice_equal(ctx->argv[j], ctx->argv[i]))
            return true;
    return false;
}

void hash_cmd_hgetdel(struct command_ctx *ctx)
{
    struct hash h;
    uint32_t first, count;
    if (!element_list_read(ctx, &element_words_of_fields, &first, &count) || !hash_cmds_find(ctx, 0, &h))
        return;
    resp_array(ctx->reply, count);
    for (uint32_t i = first; i < ctx->argc; i++)
        if (h.e == NULL || is_named_before(ctx, first, i))
            resp_null(ctx->reply);
        else
            hash_cmds_reply_field(ctx, &h, ctx->argv[i]);
    if (h.e != NULL)
        delete_fields(ctx, &h, first);
}

/* --- the table --- */

#define COMMAND(NAME, HANDLER, ...) {.name = NAME, .handler = HANDLER, __VA_ARGS__},
static const struct command rows[] = {
#include "types/hash/hash.def"
};

const struct config_option hash_config_rows[] = {
    {.name = "hash-max-listpack-entries",
     .alias = "hash-max-ziplist-entries",
     .type = CONFIG_INT,
     .flags = CONFIG_RUNTIME,
     .offset = offsetof(struct hash_options, max_listpack_entries),
     .fallback = "512",
     .min = 0,
     .max = INT64_MAX,
     .sentence = "The number of fields up to which a hash is kept as one packed run of bytes, which takes "
                 "less memory than a table; a larger one becomes a table and stays so."},
    {.name = "hash-max-listpack-value",
     .alias = "hash-max-ziplist-value",
     .type = CONFIG_SIZE,
     .flags = CONFIG_RUNTIME,
     .offset = offsetof(struct hash_options, max_listpack_value),
     .fallback = "64",
     .min = 0,
     .max = INT64_MAX,
     .unit = "bytes",
     .sentence = "The length of the longest field or value that a packed hash may have."},
};
const size_t hash_config_count = sizeof hash_config_rows / sizeof *hash_config_rows;

void hash_register(struct registry *registry, struct object_types *types, const struct hash_options *options)
{
    object_types_add(types, &hash_type);
    types->options[OBJECT_HASH] = options;
    /* Handlers only read their owner. */
    registry_add(registry, rows, sizeof rows / sizeof *rows, (void *)(uintptr_t)options);
}
