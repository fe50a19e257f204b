/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The keyspace as a whole: making and freeing it, the hash of keys,
 * swapping. Single databases are in db*.c, counters in keyspace_stats.c, freeing in
 * keyspace_free.c, work that is put off in background.c.
 */
#include "keyspace/keyspace.h"

#include <assert.h>

#include "base/heap.h"
#include "keyspace/defrag.h"
#include "keyspace/evict_private.h"
#include "keyspace/keyspace_private.h"
#include "keyspace/siphash.h"

struct keyspace *keyspace_new(unsigned databases)
{
    assert(databases > 0);
    struct keyspace *ks = heap_alloc_zero(sizeof *ks + (databases + (size_t)1) * sizeof *ks->db);
    arena_init(&ks->arena, 0);
    random_init(&ks->random);
    random_bytes(ks->hash_key, sizeof ks->hash_key);
    ks->databases = databases;
    evict_init(ks);
    ks->active = heap_alloc_zero((databases + (size_t)1) * sizeof(struct db *));
    ks->homes = heap_alloc_zero((databases + (size_t)1) * sizeof(struct db *));
    for (unsigned i = 0; i <= databases; i++) {
        struct db *db = &ks->db[i];
        db->ks = ks;
        db->index = i;
        db->home = i;
        ks->homes[i] = db;
        db->active = DB_NOT_ACTIVE;
        dict_init(&db->dict);
        wheel_init(&db->wheel, clock_ms());
        wheel_init(&db->expiring, clock_ms());
    }
    ks->db[databases].scratch = true;
    return ks;
}

void keyspace_free(struct keyspace *ks)
{
    if (ks == NULL)
        return;
    while (ks->drains != NULL) {
        struct keyspace_drain *drain = ks->drains;
        ks->drains = drain->next;
        heap_free(drain);
    }
    keyspace_free_orphan_list(ks);
    defrag_done(ks);
    evict_done(ks);
    arena_done(&ks->arena);
    heap_free(ks->active);
    heap_free(ks->homes);
    heap_free(ks);
}

void keyspace_set_types(struct keyspace *ks, const struct object_types *types)
{
    ks->types = types;
}

const struct object_types *keyspace_types(const struct keyspace *ks)
{
    return ks->types;
}

struct arena *keyspace_arena(const struct keyspace *ks)
{
    return (struct arena *)&ks->arena;
}

struct random *keyspace_random(struct keyspace *ks)
{
    return &ks->random;
}

unsigned keyspace_databases(const struct keyspace *ks)
{
    return ks->databases;
}

struct db *keyspace_db(struct keyspace *ks, int64_t index)
{
    return index < 0 || index >= ks->databases ? NULL : &ks->db[index];
}

struct db *keyspace_scratch(struct keyspace *ks)
{
    return &ks->db[ks->databases];
}

void keyspace_set_expiry_mode(struct keyspace *ks, enum keyspace_expiry_mode mode)
{
    ks->expiry_mode = mode;
}

uint64_t keyspace_dirty(const struct keyspace *ks)
{
    return ks->dirty;
}

void keyspace_set_dirty(struct keyspace *ks, uint64_t dirty)
{
    ks->dirty = dirty;
}

uint64_t keyspace_hash(const struct keyspace *ks, struct slice key)
{
    return siphash(ks->hash_key, key.ptr, key.len, 1, 3);
}

void keyspace_swap(struct keyspace *ks, unsigned a, unsigned b)
{
    struct db *x = &ks->db[a];
    struct db *y = &ks->db[b];
    if (x != y)
        db_event_swapped(x, y);
    struct db old = *x;
    x->dict = y->dict;
    x->wheel = y->wheel;
    x->expiry_sum = y->expiry_sum;
    x->expiring = y->expiring;
    x->home = y->home;
    y->dict = old.dict;
    y->wheel = old.wheel;
    y->expiry_sum = old.expiry_sum;
    y->expiring = old.expiring;
    y->home = old.home;
    ks->homes[x->home] = x;
    ks->homes[y->home] = y;
    db_note_active(x);
    db_note_active(y);
    ks->dirty++;
}
