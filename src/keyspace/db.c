/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One database: finding, deleting and moving keys. Writing values is in db_write.c,
 * walking in db_walk.c, expiry in db_expire.c.
 */
#include "keyspace/keyspace.h"

#include "base/heap.h"
#include "keyspace/evict_private.h"
#include "keyspace/keyspace_ops.h"
#include "keyspace/keyspace_private.h"
#include "keyspace/object.h"

struct keyspace *db_keyspace(const struct db *db)
{
    return db->ks;
}

unsigned db_index(const struct db *db)
{
    return db->index;
}

uint64_t db_size(const struct db *db)
{
    return dict_count(&db->dict);
}

uint64_t db_expires(const struct db *db)
{
    return db->wheel.count;
}

/* --- table --- */

static inline __attribute__((always_inline)) struct entry *find(const struct db *db, struct slice key,
                                                                uint64_t hash, struct dict_slot *slot)
{
    return dict_inline_find(&db->dict, &db->ks->arena, &keyspace_dict_ops, key, hash, slot);
}

void db_place_due(struct db *db, struct db_place *p, uint64_t hash)
{
    if (db_shows_due(db))
        return;
    if (db->ks->expiry_mode == KEYSPACE_HIDE) {
        p->hidden = true;
        return;
    }
    db_drop_expired(db, p->old, p->slot, hash, clock_ms() - wheel_time(p->old));
    p->old = NULL;
    p->slot.where = NULL;
}

static __attribute__((noinline)) struct entry *live_of_due(struct db *db, struct entry *e,
                                                           struct dict_slot slot, uint64_t hash)
{
    struct db_place p = {.old = e, .slot = slot};
    db_place_due(db, &p, hash);
    return p.hidden ? NULL : p.old;
}

/* What is there under KEY; one that is due may be deleted on the way. */
static inline struct entry *find_live(struct db *db, struct slice key, uint64_t hash, struct dict_slot *slot)
{
    struct entry *e = find(db, key, hash, slot);
    return e == NULL || likely(!entry_is_due(e)) ? e : live_of_due(db, e, *slot, hash);
}

void db_unlink(struct db *db, struct entry *e, struct dict_slot slot, uint64_t hash)
{
    struct keyspace *ks = db->ks;
    db_wheel_remove(db, e);
    if (unlikely(entry_encoding(e) == ENTRY_OBJECT))
        expiring_go(db, e);
    dict_remove(&db->dict, &ks->arena, &keyspace_dict_ops, ks, slot, hash);
    keyspace_note_rehash(ks, &db->dict);
}

uint64_t db_place_of(const struct db *db, const struct entry *e, struct dict_slot *slot)
{
    struct slice key = entry_key(e);
    uint64_t hash = keyspace_hash(db->ks, key);
    find(db, key, hash, slot);
    return hash;
}

void db_unlink_entry(struct db *db, struct entry *e)
{
    struct dict_slot slot;
    uint64_t hash = db_place_of(db, e, &slot);
    db_unlink(db, e, slot, hash);
}

void db_drop_expired(struct db *db, struct entry *e, struct dict_slot slot, uint64_t hash, int64_t lag_ms)
{
    struct keyspace *ks = db->ks;
    db_unlink(db, e, slot, hash);
    ks->stats.expired++;
    keyspace_stats_lag(ks, lag_ms);
    db_event(db, EVENT_EXPIRED, "expired", entry_key(e));
    keyspace_free_entry(ks, e);
}

void db_link(struct db *db, struct entry *e, uint64_t hash)
{
    struct keyspace *ks = db->ks;
    dict_add(&db->dict, &ks->arena, &keyspace_dict_ops, ks, e, hash);
    keyspace_note_rehash(ks, &db->dict);
    if (unlikely(entry_encoding(e) == ENTRY_OBJECT))
        expiring_come(db, e, hash);
}

struct entry *db_find(struct db *db, struct slice key, uint64_t hash, unsigned flags)
{
    struct keyspace *ks = db->ks;
    struct dict_slot slot;
    struct entry *e = find_live(db, key, hash, &slot);
    if (unlikely(e == NULL)) {
        if (flags & DB_COUNT) {
            ks->stats.misses++;
            if (unlikely(ks->observed & EVENT_MISS) && !(flags & DB_QUIET))
                db_event(db, EVENT_MISS, "keymiss", key);
        }
        return NULL;
    }
    if (flags & DB_COUNT)
        ks->stats.hits++;
    if (!(flags & DB_NO_TOUCH))
        evict_touch(ks, e);
    return e;
}

void db_prefetch_bucket(const struct db *db, uint64_t hash)
{
    if (db->dict.table[0].buckets != 0)
        dict_inline_prefetch_bucket(&db->dict, &db->ks->arena, hash);
}

void db_prefetch_entry(const struct db *db, uint64_t hash)
{
    dict_inline_prefetch_element(&db->dict, &db->ks->arena, hash);
}

/* The type of the object at KEY, whose entry is *E; NULL if there is none. */
static inline const struct object_type *object_at(const struct db *db, struct slice key, uint64_t hash,
                                                  const struct entry **e)
{
    *e = find(db, key, hash, NULL);
    if (*e == NULL || entry_encoding(*e) != ENTRY_OBJECT)
        return NULL;
    const struct object_type *type = object_types_of(db->ks->types, *e);
    return type->fetch != NULL ? type : NULL;
}

uint64_t db_prefetch_place(const struct db *db, struct slice key, uint64_t hash, struct slice element)
{
    const struct entry *e;
    const struct object_type *type = object_at(db, key, hash, &e);
    if (type == NULL)
        return 0;
    uint64_t of_element = keyspace_hash(db->ks, element);
    type->fetch(db->ks, e, of_element, false);
    return of_element;
}

void db_prefetch_element(const struct db *db, struct slice key, uint64_t hash, uint64_t element)
{
    const struct entry *e;
    const struct object_type *type = object_at(db, key, hash, &e);
    if (type != NULL)
        type->fetch(db->ks, e, element, true);
}

void db_reserve(struct db *db, uint64_t count)
{
    if (count > dict_count(&db->dict) && dict_reserve(&db->dict, &db->ks->arena, count) < 0)
        return;
    keyspace_note_rehash(db->ks, &db->dict);
}

size_t db_memory(const struct db *db, const struct entry *e, size_t samples)
{
    const struct keyspace *ks = db->ks;
    size_t size = arena_usable(entry_size(e));
    if (entry_encoding(e) == ENTRY_OBJECT)
        size += object_types_of(ks->types, e)->memory(ks, e, samples);
    else if (entry_encoding(e) == ENTRY_POINTER)
        size += ((const struct entry_blob *)arena_expand(&ks->arena, entry_pointer(e)))->size;
    return size + dict_memory(&db->dict) / dict_count(&db->dict);
}

size_t db_table_memory(const struct db *db)
{
    return dict_memory(&db->dict);
}

size_t db_expiry_memory(const struct db *db)
{
    size_t nodes = (size_t)db->expiring.count * WHEEL_NODE_SIZE; /* of memory that objects count */
    return wheel_memory(&db->wheel, &db->ks->arena) + wheel_memory(&db->expiring, &db->ks->arena) - nodes;
}

/* --- deleting and moving --- */

bool db_delete(struct db *db, struct slice key, uint64_t hash)
{
    struct dict_slot slot;
    struct entry *e = find_live(db, key, hash, &slot);
    if (e == NULL)
        return false;
    db_unlink(db, e, slot, hash);
    keyspace_free_entry(db->ks, e);
    db->ks->dirty += !db->scratch;
    return true;
}

void db_delete_entry(struct db *db, struct entry *e)
{
    db_unlink_entry(db, e);
    keyspace_free_entry(db->ks, e);
    db->ks->dirty += !db->scratch;
}

int db_move(struct db *from, struct entry *e, struct db *to, struct slice key, uint64_t hash,
            struct entry **moved)
{
    struct keyspace *ks = to->ks;
    struct entry *made = e;
    ks->replaced = REPLACED_NOTHING;
    if (from == to && slice_equal(entry_key(e), key))
        goto done;
    if (unlikely(key.len > ENTRY_KEY_MAX))
        return MR_E_MEMORY;
    struct entry_value v;
    entry_value_of(&v, e);
    int64_t expiry_ms = entry_expiry(e);
    bool node = entry_wants_node(entry_has_expiry(e), key.len);
    made = keyspace_alloc_entry(ks, entry_layout(node, key.len, v.size));
    if (unlikely(made == NULL))
        return MR_E_MEMORY;
    entry_write(made, entry_type(e), entry_stamp(e), node, key, &v);
    made->head |= e->head & ENTRY_COLOUR;
    struct dict_slot slot;
    struct entry *target = find(to, key, hash, &slot);
    if (target != NULL) {
        struct db_place p = {.old = target, .slot = slot};
        if (entry_is_due(target))
            db_place_due(to, &p, hash);
        if (p.old != NULL && !p.hidden)
            ks->replaced = entry_type(target) == entry_type(e) ? REPLACED_SAME_TYPE : REPLACED_OTHER_TYPE;
        if (p.old != NULL) {
            db_unlink(to, target, slot, hash);
            keyspace_free_entry(ks, target);
        }
    }
    db_unlink_entry(from, e);
    keyspace_free_shell(ks, e); /* the value is MADE's */
    db_link(to, made, hash);
    if (expiry_ms != DB_EXPIRY_NONE)
        db_wheel_add(to, made, expiry_ms);
    ks->dirty += !to->scratch;
    db_event_new(to, key);
done:
    if (moved != NULL)
        *moved = made;
    return 0;
}

void db_flush(struct db *db)
{
    struct keyspace *ks = db->ks;
    db_event_flushed(db);
    ks->dirty += db->scratch ? 0 : dict_count(&db->dict);
    if (dict_count(&db->dict) != 0) {
        struct keyspace_drain *drain = heap_alloc_zero(sizeof *drain);
        drain->dict = db->dict;
        drain->next = ks->drains;
        ks->drains = drain;
        dict_init(&db->dict);
    } else {
        dict_done(&db->dict, &ks->arena);
    }
    wheel_done(&db->wheel, &ks->arena);
    wheel_init(&db->wheel, clock_ms());
    wheel_done(&db->expiring, &ks->arena);
    wheel_init(&db->expiring, clock_ms());
    db->expiry_sum = 0;
    db_note_active(db);
}
