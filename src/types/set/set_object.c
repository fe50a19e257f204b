/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sets as an object type: what the keyspace and the features ask of any value. How they are
 * read from and written to RDB is in set_rdb.c.
 */
#include "types/set/set_rdb.h"
#include "types/set/set_table.h"

static const char *encoding(const struct keyspace *ks, const struct entry *e)
{
    static const char *const names[] = {"intset", "listpack", "hashtable"};
    return names[set_of(ks, e).kind];
}

/* Puts copies of what B has of another table into TO; false: no memory. */
static bool copy_batch(struct keyspace *ks, struct set_table *to, const struct set_batch *b)
{
    if (arena_is_scarce(keyspace_arena(ks)))
        return false;
    for (unsigned i = 0; i < b->count; i++) {
        const void *of = b->members[i].element;
        bool expires = expiring_has(of);
        void *element = set_element_new(ks, set_element_text(of), expires);
        if (element == NULL)
            return false;
        set_table_link(ks, to, element, b->members[i].hash, expires ? expiring_time(of) : -1);
    }
    return true;
}

static int copy(struct keyspace *ks, const struct entry *e, struct entry_value *ret)
{
    struct arena *a = keyspace_arena(ks);
    if (entry_is_packed(e))
        return entry_value_copy(ret, a, e);
    struct set from = set_of(ks, e);
    struct set_table *to = set_table_new(ks, set_count(&from));
    struct set_walk w;
    struct set_batch b;
    set_walk_begin_all(&w, &from);
    while (set_walk_next(&w, &b)) {
        set_batch_hash(ks, &b, set_batch_all(&b));
        if (!copy_batch(ks, to, &b)) {
            set_table_free(ks, to);
            return MR_E_MEMORY;
        }
    }
    entry_value_object(ret, arena_shorten(a, to));
    return 0;
}

static uint64_t length(const struct keyspace *ks, const struct entry *e)
{
    struct set s = set_of(ks, e);
    return set_count(&s);
}

static size_t memory(const struct keyspace *ks, const struct entry *e, size_t samples)
{
    struct set s = set_of(ks, e);
    struct set_walk w;
    struct set_batch b;
    uint64_t count = set_count(&s), seen = 0, bytes = 0;
    set_walk_begin_all(&w, &s);
    while ((samples == 0 || seen < samples) && set_walk_next(&w, &b)) {
        struct set_each each = set_each_begin(&b, set_batch_all(&b));
        for (unsigned i; (samples == 0 || seen < samples) && set_each_next(&each, &b, &i); seen++)
            bytes += arena_usable(set_element_bytes(b.members[i].element));
    }
    if (seen > 0 && seen < count)
        bytes = (uint64_t)((double)bytes / (double)seen * (double)count);
    return arena_usable(sizeof *s.table) + dict_memory(&s.table->dict) +
           expiring_memory(ks, &s.table->expiring) + (size_t)bytes;
}

/* --- freeing and moving --- */

struct drain {
    struct keyspace *ks;
    uint64_t budget;
};

static void drain_element(void *arg, void *element)
{
    struct drain *d = arg;
    set_element_free(d->ks, element);
    d->budget -= d->budget > 0;
}

static bool free_some(struct keyspace *ks, struct entry *e, uint64_t *budget)
{
    struct arena *a = keyspace_arena(ks);
    struct set_table *t = entry_object(a, e);
    struct drain d = {.ks = ks, .budget = *budget};
    bool done = false;
    expiring_free(ks, &t->expiring);
    /* An empty bucket is work too. */
    while (!done && d.budget > 0) {
        d.budget--;
        done = dict_drain(&t->dict, a, &t->drained, 1, drain_element, &d);
    }
    if (done)
        arena_free(a, t, sizeof *t);
    *budget = d.budget;
    return done;
}

static void fetch(const struct keyspace *ks, const struct entry *e, uint64_t hash, bool found)
{
    const struct arena *a = keyspace_arena(ks);
    const struct set_table *t = entry_object(a, e);
    if (found)
        dict_prefetch_element(&t->dict, a, hash);
    else if (t->dict.table[0].buckets != 0)
        dict_prefetch_bucket(&t->dict, a, hash);
}

struct relocation {
    struct keyspace *ks;
    struct arena *arena;
    struct set_table *table;
    uint64_t seen;
    size_t moved;
};

static void *move_element(void *arg, void *element)
{
    struct relocation *r = arg;
    r->seen++;
    void *to = arena_relocate(r->arena, element, set_element_bytes(element), &r->moved);
    if (to != element && expiring_has(to))
        expiring_moved(r->ks, &r->table->expiring, to);
    return to;
}

static bool relocate(struct keyspace *ks, struct entry *e, uint64_t *cursor, uint64_t *budget, size_t *moved)
{
    struct relocation r = {.ks = ks, .arena = keyspace_arena(ks)};
    r.table = arena_relocate(r.arena, entry_object(r.arena, e), sizeof *r.table, &r.moved);
    if (r.moved > 0)
        arena_store_short((void *)(uintptr_t)entry_value(e), arena_shorten(r.arena, r.table));
    expiring_relocate(ks, &r.table->expiring, &r.moved);
    do {
        /* An empty bucket is work too. */
        r.seen++;
        *cursor = dict_relocate(&r.table->dict, r.arena, *cursor, move_element, &r);
    } while (*cursor != 0 && r.seen < *budget);
    *budget -= r.seen < *budget ? r.seen : *budget;
    *moved += r.moved;
    return *cursor == 0;
}

/* Takes ELEMENT, which is due, out. */
static void expire(struct keyspace *ks, struct entry *e, void *element)
{
    set_table_drop(ks, entry_object(keyspace_arena(ks), e), element);
}

static void each_member(const struct keyspace *ks, const struct entry *e,
                        bool (*fn)(void *arg, struct slice element), void *arg)
{
    struct set s = set_of(ks, e);
    struct set_walk w;
    struct set_batch b;
    set_walk_begin(&w, &s);
    while (set_walk_next(&w, &b)) {
        struct set_each each = set_each_begin(&b, set_batch_all(&b));
        for (unsigned i; set_each_next(&each, &b, &i);)
            if (!fn(arg, set_batch_text(&b, i)))
                return;
    }
}

static bool contains(const struct keyspace *ks, const struct entry *e, struct slice element)
{
    struct set s = set_of(ks, e);
    return set_has(&s, element);
}

const struct object_type set_type = {
    .number = OBJECT_SET,
    .name = "set",
    .rdb_types = (const int8_t[]){SET_RDB_TABLE, SET_RDB_INTSET, SET_RDB_LISTPACK, SET_RDB_LISTPACK_EX,
                                  SET_RDB_TABLE_EX, -1},
    .load = set_rdb_load,
    .load_drop = set_rdb_load_drop,
    .encoding = encoding,
    .rdb_type = set_rdb_type,
    .save = set_rdb_save,
    .rewrite = set_rewrite,
    .copy = copy,
    .memory = memory,
    .length = length,
    .free_some = free_some,
    .fetch = fetch,
    .relocate = relocate,
    .expire = expire,
    .expired_event = "sexpired",
    .expired_class = EVENT_SET,
    .each = each_member,
    .contains = contains,
};
