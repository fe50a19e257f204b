/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sorted sets as an object type; how files hold them is in zset_rdb.c.
 */
#include "codec/rdb_writer.h"
#include "types/zset/zset_private.h"
#include "types/zset/zset_rdb.h"

static const char *encoding(const struct keyspace *ks, const struct entry *e)
{
    (void)ks;
    return entry_is_packed(e) ? "listpack" : "skiplist";
}

static int copy(struct keyspace *ks, const struct entry *e, struct entry_value *ret)
{
    struct arena *a = keyspace_arena(ks);
    if (entry_is_packed(e))
        return entry_value_copy(ret, a, e);
    struct zset_big *big = zset_big_copy(ks, entry_object(a, e));
    if (big == NULL)
        return MR_E_MEMORY;
    entry_value_object(ret, arena_shorten(a, big));
    return 0;
}

static uint64_t length(const struct keyspace *ks, const struct entry *e)
{
    struct zset z;
    if (!entry_is_packed(e))
        return dict_count(&((const struct zset_big *)entry_object(keyspace_arena(ks), e))->dict);
    zset_open(&z, ks, e);
    return zset_count(&z);
}

static size_t memory(const struct keyspace *ks, const struct entry *e, size_t samples)
{
    (void)samples;
    return zset_big_memory(entry_object(keyspace_arena(ks), e));
}

static bool free_some(struct keyspace *ks, struct entry *e, uint64_t *budget)
{
    struct arena *a = keyspace_arena(ks);
    return zset_big_free_some(a, entry_object(a, e), budget);
}

static bool relocate(struct keyspace *ks, struct entry *e, uint64_t *cursor, uint64_t *budget, size_t *moved)
{
    struct arena *a = keyspace_arena(ks);
    struct zset_big *was = entry_object(a, e), *big = was;
    bool done = zset_big_relocate(ks, &big, cursor, budget, moved);
    if (big != was)
        arena_store_short((void *)(uintptr_t)entry_value(e), arena_shorten(a, big));
    return done;
}

static void each(const struct keyspace *ks, const struct entry *e,
                 bool (*fn)(void *arg, struct slice element), void *arg)
{
    struct zset z;
    struct zset_walk walk;
    struct zset_item item;
    zset_open(&z, ks, e);
    zset_walk_begin(&walk, &z, 0, UINT64_MAX, false);
    while (zset_walk_next(&walk, &item) && fn(arg, item.member))
        continue;
}

const struct object_type zset_type = {
    .number = OBJECT_ZSET,
    .name = "zset",
    .rdb_types = zset_rdb_types,
    .load = zset_rdb_load,
    .load_drop = zset_rdb_drop,
    .encoding = encoding,
    .rdb_type = zset_rdb_type,
    .save = zset_rdb_save,
    .rewrite = zset_rewrite,
    .copy = copy,
    .length = length,
    .memory = memory,
    .free_some = free_some,
    .relocate = relocate,
    .each = each,
    .ordered = true,
};
