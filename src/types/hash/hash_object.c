/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Hashes as an object type.
 */
#include "types/hash/hash_private.h"

#define DRAIN_STEP 4 /* buckets between two looks at the budget */

static const char *encoding(const struct keyspace *ks, const struct entry *e)
{
    (void)ks;
    return entry_is_packed(e) ? "listpack" : "hashtable";
}

static int copy(struct keyspace *ks, const struct entry *e, struct entry_value *ret)
{
    struct arena *a = keyspace_arena(ks);
    if (entry_is_packed(e))
        return entry_value_copy(ret, a, e);
    struct hash_table *t = hash_table_copy(ks, entry_object(a, e));
    if (t == NULL)
        return MR_E_MEMORY;
    entry_value_object(ret, arena_shorten(a, t));
    return 0;
}

static uint64_t length(const struct keyspace *ks, const struct entry *e)
{
    struct hash h;
    hash_open(&h, ks, e);
    return hash_length(&h);
}

static size_t memory(const struct keyspace *ks, const struct entry *e, size_t samples)
{
    const struct hash_table *t = entry_object(keyspace_arena(ks), e);
    (void)samples;
    return arena_usable(sizeof *t) + dict_memory(&t->dict) + t->bytes + expiring_memory(ks, &t->expiring);
}

struct freeing {
    struct arena *a;
    uint64_t freed;
};

static void free_field(void *arg, void *element)
{
    struct freeing *f = arg;
    hash_field_free(element, f->a);
    f->freed++;
}

static bool free_some(struct keyspace *ks, struct entry *e, uint64_t *budget)
{
    struct freeing f = {.a = keyspace_arena(ks)};
    struct hash_table *t = entry_object(f.a, e);
    while (*budget != 0) {
        f.freed = 1;
        if (dict_drain(&t->dict, f.a, &t->drained, DRAIN_STEP, free_field, &f)) {
            expiring_free(ks, &t->expiring);
            arena_free(f.a, t, sizeof *t);
            return true;
        }
        *budget -= f.freed < *budget ? f.freed : *budget;
    }
    return false;
}

static void fetch(const struct keyspace *ks, const struct entry *e, uint64_t hash, bool found)
{
    const struct arena *a = keyspace_arena(ks);
    const struct hash_table *t = entry_object(a, e);
    if (found)
        dict_prefetch_element(&t->dict, a, hash);
    else
        dict_prefetch_bucket(&t->dict, a, hash);
}

static bool relocate(struct keyspace *ks, struct entry *e, uint64_t *cursor, uint64_t *budget, size_t *moved)
{
    struct arena *a = keyspace_arena(ks);
    struct hash_table *t = arena_relocate(a, entry_object(a, e), sizeof *t, moved);
    arena_store_short((void *)(uintptr_t)entry_value(e), arena_shorten(a, t));
    return hash_table_relocate(t, ks, cursor, budget, moved);
}

static void expire(struct keyspace *ks, struct entry *e, void *element)
{
    hash_table_drop(entry_object(keyspace_arena(ks), e), ks, element);
}

static bool field(const struct keyspace *ks, const struct entry *e, struct slice name, char *scratch,
                  struct slice *value)
{
    struct hash h;
    struct listpack_value found;
    hash_open(&h, ks, e);
    if (!hash_get(&h, name, &found))
        return false;
    *value = listpack_text(&found, scratch);
    return true;
}

const struct object_type hash_type = {
    .number = OBJECT_HASH,
    .name = "hash",
    .rdb_types = hash_rdb_types,
    .load = hash_rdb_load,
    .load_drop = hash_rdb_load_drop,
    .encoding = encoding,
    .rdb_type = hash_rdb_type,
    .save = hash_rdb_save,
    .rewrite = hash_rewrite,
    .copy = copy,
    .length = length,
    .memory = memory,
    .free_some = free_some,
    .fetch = fetch,
    .relocate = relocate,
    .expire = expire,
    .expired_event = "hexpired",
    .expired_class = EVENT_HASH,
    .field = field,
};
