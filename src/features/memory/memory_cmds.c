/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The command MEMORY. Names of STATS are redis-server's, as tools know them; what there is
 * none of here (a backlog, an append-only file, scripts) takes no bytes.
 */
#include "base/number.h"
#include "codec/resp_writer.h"
#include "command/dispatch.h"
#include "command/registry.h"
#include "features/memory/memory_figures.h"
#include "features/memory/memory_private.h"
#include "keyspace/keyspace.h"

#define USAGE_SAMPLES 5 /* elements of a value that are looked at, if the request does not say */

/* --- one key --- */

/* False, with the error written, unless what is behind the key is right. */
static bool read_samples(struct command_ctx *ctx, int64_t *ret)
{
    for (uint32_t i = 3; i < ctx->argc; i += 2) {
        if (!slice_is(ctx->argv[i], "SAMPLES") || i + 1 >= ctx->argc) {
            resp_error_code(ctx->reply, MR_E_SYNTAX);
            return false;
        }
        if (!dispatch_arg_int(ctx, i + 1, ret))
            return false;
        if (*ret < 0) {
            resp_error_code(ctx->reply, MR_E_SYNTAX);
            return false;
        }
    }
    return true;
}

static void memory_cmd_usage(struct command_ctx *ctx)
{
    int64_t samples = USAGE_SAMPLES;
    if (!read_samples(ctx, &samples))
        return;
    const struct entry *e = db_find(ctx->db, ctx->argv[2], dispatch_hash(ctx, 2), DB_NO_TOUCH);
    if (e == NULL)
        resp_null(ctx->reply);
    else
        resp_int(ctx->reply, (int64_t)db_memory(ctx->db, e, (size_t)samples));
}

/* --- figures --- */

/* Pairs of a map whose size is known at its end. */
struct pairs {
    struct resp_writer *reply;
    size_t count;
};

static void pair_int(struct pairs *p, const char *name, uint64_t value)
{
    resp_bulk_str(p->reply, name);
    resp_int(p->reply, (int64_t)value);
    p->count++;
}

static void pair_double(struct pairs *p, const char *name, double value)
{
    resp_bulk_str(p->reply, name);
    resp_double(p->reply, value);
    p->count++;
}

static double ratio(uint64_t part, uint64_t whole)
{
    return whole == 0 ? 0 : (double)part / (double)whole;
}

/* What redis-server calls a ratio and bytes of an overhead; the latter below zero where A is less. */
static void pairs_over(struct pairs *p, const char *ratio_name, const char *bytes_name, uint64_t a,
                       uint64_t b)
{
    pair_double(p, ratio_name, ratio(a, b));
    pair_int(p, bytes_name, a - b);
}

static void put_databases(struct pairs *p, struct keyspace *ks)
{
    for (unsigned i = 0; i < keyspace_databases(ks); i++) {
        const struct db *db = keyspace_db(ks, i);
        if (db_size(db) == 0)
            continue;
        char name[8 + NUMBER_TEXT_MAX] = "db.";
        name[3 + number_from_uint(name + 3, i)] = '\0';
        struct pairs inner = {.reply = p->reply};
        resp_bulk_str(p->reply, name);
        resp_map(p->reply, 3);
        pair_int(&inner, "overhead.hashtable.main", db_table_memory(db));
        pair_int(&inner, "overhead.hashtable.expires", db_expiry_memory(db));
        pair_int(&inner, "overhead.hashtable.slot-to-keys", 0);
        p->count++;
    }
}

static void put_data(struct pairs *p, const struct memory_figures *f)
{
    uint64_t dataset = memory_figures_dataset(f);
    uint64_t grown = f->used > f->at_start ? f->used - f->at_start : 0;
    double share = dataset < grown ? ratio(dataset, grown) : dataset > 0 ? 1 : 0;
    pair_int(p, "overhead.total", f->used - dataset);
    pair_int(p, "keys.count", f->keys);
    pair_int(p, "keys.bytes-per-key", f->keys == 0 ? 0 : grown / f->keys);
    pair_int(p, "dataset.bytes", dataset);
    pair_double(p, "dataset.percentage", share * 100);
    pair_double(p, "peak.percentage", ratio(f->used, f->peak) * 100);
}

static void put_allocators(struct pairs *p, const struct memory_figures *f)
{
    uint64_t active = memory_figures_active(f), backed = memory_figures_backed(f);
    pair_int(p, "allocator.allocated", f->used);
    pair_int(p, "allocator.active", active);
    pair_int(p, "allocator.resident", backed);
    pairs_over(p, "allocator-fragmentation.ratio", "allocator-fragmentation.bytes", active, f->used);
    pairs_over(p, "allocator-rss.ratio", "allocator-rss.bytes", backed, active);
    pairs_over(p, "rss-overhead.ratio", "rss-overhead.bytes", f->resident, backed);
    pairs_over(p, "fragmentation", "fragmentation.bytes", f->resident, f->used);
    pair_int(p, "arena.allocated", f->arena_used);
    pair_int(p, "arena.active", f->arena_held);
    pair_int(p, "arena.dirty", f->arena_dirty);
    pair_int(p, "arena.reserved", f->arena_reserved);
    pair_int(p, "heap.allocated", f->heap_used);
    pair_int(p, "heap.active", f->heap_held);
    pair_int(p, "swapped.bytes", f->swapped);
}

static void memory_cmd_stats(struct command_ctx *ctx)
{
    const struct memory *m = ctx->owner;
    struct memory_figures f;
    struct pairs p = {.reply = ctx->reply};
    memory_figures_take(m, &f);
    size_t mark = resp_later(ctx->reply);
    pair_int(&p, "peak.allocated", f.peak);
    pair_int(&p, "total.allocated", f.used);
    pair_int(&p, "startup.allocated", f.at_start);
    pair_int(&p, "replication.backlog", 0);
    pair_int(&p, "clients.slaves", 0);
    pair_int(&p, "clients.normal", f.clients);
    pair_int(&p, "cluster.links", 0);
    pair_int(&p, "aof.buffer", 0);
    pair_int(&p, "lua.caches", 0);
    pair_int(&p, "functions.caches", 0);
    put_databases(&p, dispatch_keyspace(m->dispatch));
    put_data(&p, &f);
    put_allocators(&p, &f);
    resp_later_end(ctx->reply, mark, '%', p.count);
}

static void reply_text(struct command_ctx *ctx, struct buf *text)
{
    resp_verbatim(ctx->reply, "txt", buf_slice(text));
    buf_done(text);
}

static void memory_cmd_doctor(struct command_ctx *ctx)
{
    const struct memory *m = ctx->owner;
    struct memory_figures f;
    struct buf text = {0}, reason = {0};
    memory_figures_take(m, &f);
    f.recommended = memory_limit(MEMORY_AUTO, "", f.machine, &reason);
    memory_doctor(&f, &text);
    buf_done(&reason);
    reply_text(ctx, &text);
}

static void memory_cmd_malloc_stats(struct command_ctx *ctx)
{
    const struct memory *m = ctx->owner;
    struct memory_figures f;
    struct buf text = {0};
    memory_figures_take(m, &f);
    memory_print_classes(keyspace_arena(dispatch_keyspace(m->dispatch)), &f, &text);
    reply_text(ctx, &text);
}

/* --- giving back --- */

static void memory_cmd_purge(struct command_ctx *ctx)
{
    memory_purge(ctx->owner);
    resp_ok(ctx->reply);
}

static void memory_cmd_help(struct command_ctx *ctx)
{
    static const char *const lines[] = {
        "DOCTOR",
        "    What is unusual about the memory, and what to do about it.",
        "MALLOC-STATS",
        "    What the allocators hold, size by size.",
        "PURGE",
        "    Give memory that is not in use back to the system.",
        "STATS",
        "    What the memory is used for.",
        "USAGE <key> [SAMPLES <count>]",
        "    How many bytes the key and its value take. Of a value with many elements",
        "    <count> are looked at (5 unless given, 0: all).",
        NULL,
    };
    dispatch_help(ctx, lines);
}

static const struct command commands[] = {
#define COMMAND(NAME, HANDLER, ...) {.name = NAME, .handler = (HANDLER), __VA_ARGS__},
#include "features/memory/memory.def"
#undef COMMAND
};

void memory_register_commands(struct memory *m)
{
    registry_add(dispatch_registry(m->dispatch), commands, sizeof commands / sizeof commands[0], m);
}
