/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The keyspace as a whole: making and freeing it, the hash of keys,
 * swapping, work that is put off, counters. Single databases are in db.c, expiry
 * in db_expire.c, loading in db_load.c.
 */
#include "keyspace/keyspace.h"

#include <assert.h>

#include "base/heap.h"
#include "keyspace/keyspace_ops.h"
#include "keyspace/keyspace_private.h"
#include "keyspace/siphash.h"

/* How much is done between two looks at the clock. */
#define DRAIN_BUCKETS  8
#define REHASH_BUCKETS 16
#define TRIM_BYTES     ((size_t)256 << 10)
/* What the arena must have shrunk by before memory goes back to the kernel. */
#define TRIM_SLACK     ((size_t)4 << 20)

struct keyspace *keyspace_new(unsigned databases)
{
    assert(databases > 0);
    struct keyspace *ks = heap_alloc_zero(sizeof *ks + databases * sizeof *ks->db);
    arena_init(&ks->arena, 0);
    random_init(&ks->random);
    random_bytes(ks->hash_key, sizeof ks->hash_key);
    ks->databases = databases;
    ks->second_ms = INT64_MIN / 2;
    ks->active = heap_alloc_zero(databases * sizeof(struct db *));
    for (unsigned i = 0; i < databases; i++) {
        struct db *db = &ks->db[i];
        db->ks = ks;
        db->index = i;
        db->active = DB_NOT_ACTIVE;
        dict_init(&db->dict);
        wheel_init(&db->wheel, clock_ms());
    }
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
    arena_done(&ks->arena);
    heap_free(ks->active);
    heap_free(ks);
}

struct arena *keyspace_arena(struct keyspace *ks)
{
    return &ks->arena;
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
    struct db old = *x;
    x->dict = y->dict;
    x->wheel = y->wheel;
    x->expiry_sum = y->expiry_sum;
    y->dict = old.dict;
    y->wheel = old.wheel;
    y->expiry_sum = old.expiry_sum;
    db_note_active(x);
    db_note_active(y);
    ks->dirty++;
}

/* --- work that is put off --- */

static void drain_element(void *arg, void *element)
{
    keyspace_free_entry(arg, element);
}

/* The rehash of one table; the flag goes when no table has more. */
static void background_rehash(struct keyspace *ks)
{
    for (unsigned i = 0; i < ks->databases; i++) {
        struct db *db = &ks->db[i];
        if (!dict_rehashing(&db->dict) || db->dict.paused != 0)
            continue;
        dict_rehash_step(&db->dict, &ks->arena, &keyspace_dict_ops, ks, REHASH_BUCKETS);
        return;
    }
    ks->rehashing = false;
}

static void background_drain(struct keyspace *ks)
{
    struct keyspace_drain *drain = ks->drains;
    if (!dict_drain(&drain->dict, &ks->arena, &drain->cursor, DRAIN_BUCKETS, drain_element, ks))
        return;
    ks->drains = drain->next;
    heap_free(drain);
}

static void background_trim(struct keyspace *ks)
{
    if (arena_trim(&ks->arena, TRIM_BYTES) == 0) {
        ks->trimming = false;
        ks->held_top = ks->arena.held;
    }
}

/* Memory goes back when the arena has become much smaller than it was, so that one
 * whose size goes up and down a little does not trade pages with the kernel. */
static bool background_wants_trim(struct keyspace *ks)
{
    if (ks->arena.held > ks->held_top)
        ks->held_top = ks->arena.held;
    else if (ks->held_top - ks->arena.held > TRIM_SLACK)
        ks->trimming = true;
    return ks->trimming;
}

bool keyspace_background(struct keyspace *ks, int64_t us)
{
    if (likely(ks->drains == NULL && !ks->rehashing && !background_wants_trim(ks)))
        return false;
    int64_t end = clock_mono_now_us() + us;
    do {
        if (ks->drains != NULL)
            background_drain(ks);
        else if (ks->rehashing)
            background_rehash(ks);
        else if (background_wants_trim(ks))
            background_trim(ks);
        else
            return false;
    } while (clock_mono_now_us() < end);
    return ks->drains != NULL || ks->rehashing || background_wants_trim(ks);
}

bool keyspace_is_freeing(const struct keyspace *ks)
{
    return ks->drains != NULL;
}

void keyspace_free_shell(struct keyspace *ks, struct entry *e)
{
    arena_free(&ks->arena, e, entry_size(e));
}

void keyspace_free_entry(struct keyspace *ks, struct entry *e)
{
    if (unlikely(entry_encoding(e) == ENTRY_POINTER)) {
        struct entry_blob *blob = arena_expand(&ks->arena, entry_pointer(e));
        arena_free(&ks->arena, blob, sizeof *blob + blob->len);
    }
    keyspace_free_shell(ks, e);
}

/* --- counters --- */

static void format_late(const void *owner, struct buf *out)
{
    const struct keyspace *ks = owner;
    buf_printf(out, "%.2f", (double)ks->stats.expired_late / 100);
}

static void format_expire_cpu(const void *owner, struct buf *out)
{
    const struct keyspace *ks = owner;
    buf_append_uint(out, (uint64_t)(clock_ticks_to_us(ks->stats.expire_ticks) / 1000));
}

static int64_t average_ttl(const struct db *db)
{
    if (db->wheel.count == 0)
        return 0;
    int64_t ttl = (int64_t)(db->expiry_sum / (keyspace_sum)db->wheel.count - clock_ms());
    return ttl < 0 ? 0 : ttl;
}

static void format_databases(const void *owner, struct buf *out)
{
    const struct keyspace *ks = owner;
    for (unsigned i = 0; i < ks->databases; i++) {
        const struct db *db = &ks->db[i];
        if (db_size(db) == 0)
            continue;
        buf_printf(out, "db%u:keys=%llu,expires=%llu,avg_ttl=%lld\r\n", i, (unsigned long long)db_size(db),
                   (unsigned long long)db_expires(db), (long long)average_ttl(db));
    }
}

#define STAT(NAME, FIELD, UNIT, SENTENCE)                                                                    \
    {                                                                                                        \
        .section = "stats", .name = (NAME), .unit = (UNIT), .sentence = (SENTENCE), .reset = true,           \
        .offset = offsetof(struct keyspace, stats.FIELD)                                                     \
    }

static const struct counter_row rows[] = {
    STAT("expired_keys", expired, NULL, "Keys deleted because their time had come."),
    {.section = "stats",
     .name = "expired_stale_perc",
     .unit = "percent",
     .sentence = "Of the keys that expired lately, the share that was deleted more than 10 ms late.",
     .format = format_late},
    STAT("expired_time_cap_reached_count", expire_cut, NULL,
         "Times that deleting expired keys was cut off with more of them due."),
    {.section = "stats",
     .name = "expire_cycle_cpu_milliseconds",
     .unit = "ms",
     .sentence = "Time spent deleting expired keys that nobody had asked for.",
     .format = format_expire_cpu},
    STAT("evicted_keys", evicted, NULL, "Keys deleted because of maxmemory."),
    STAT("total_eviction_exceeded_time", eviction_total_ms, "ms", "Time spent above maxmemory."),
    STAT("current_eviction_exceeded_time", eviction_now_ms, "ms",
         "Time above maxmemory since it was last below."),
    STAT("keyspace_hits", hits, NULL, "Lookups of keys that were there."),
    STAT("keyspace_misses", misses, NULL, "Lookups of keys that were not there."),
    {.section = "keyspace",
     .sentence =
         "Per database that is not empty: keys, keys with an expiry, their average time to live in ms.",
     .format = format_databases},
};

static void reset_stats(void *owner)
{
    struct keyspace *ks = owner;
    ks->stats.expired_late = 0;
    ks->stats.expire_ticks = 0;
}

void keyspace_register_counters(struct keyspace *ks, struct counters *counters)
{
    counters_add(counters, rows, sizeof rows / sizeof *rows, ks, reset_stats);
}
