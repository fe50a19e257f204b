/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One database: finding, setting, deleting, renaming and walking keys.
 *
 * A write allocates all that it needs before it changes anything, so that one that
 * is refused leaves everything as it was.
 */
#include "keyspace/keyspace.h"

#include "base/heap.h"
#include "keyspace/keyspace_ops.h"
#include "keyspace/keyspace_private.h"

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

static inline struct entry *find(const struct db *db, struct slice key, uint64_t hash, struct dict_slot *slot)
{
    return dict_inline_find(&db->dict, &db->ks->arena, &keyspace_dict_ops, key, hash, slot);
}

/* The same, with an expired one deleted on the way. */
static inline struct entry *find_live(struct db *db, struct slice key, uint64_t hash, struct dict_slot *slot)
{
    struct entry *e = find(db, key, hash, slot);
    if (e == NULL || likely(!entry_is_expired(e)))
        return e;
    db_drop_expired(db, e, *slot, hash);
    slot->where = NULL;
    return NULL;
}

void db_unlink(struct db *db, struct entry *e, struct dict_slot slot, uint64_t hash)
{
    struct keyspace *ks = db->ks;
    db_wheel_remove(db, e);
    dict_remove(&db->dict, &ks->arena, &keyspace_dict_ops, ks, slot, hash);
    keyspace_note_rehash(ks, &db->dict);
}

void db_drop_expired(struct db *db, struct entry *e, struct dict_slot slot, uint64_t hash)
{
    db_unlink(db, e, slot, hash);
    keyspace_free_entry(db->ks, e);
    db->ks->stats.expired++;
}

void db_link(struct db *db, struct entry *e, uint64_t hash)
{
    struct keyspace *ks = db->ks;
    dict_add(&db->dict, &ks->arena, &keyspace_dict_ops, ks, e, hash);
    keyspace_note_rehash(ks, &db->dict);
}

struct entry *db_find(struct db *db, struct slice key, uint64_t hash, unsigned flags)
{
    struct keyspace *ks = db->ks;
    struct dict_slot slot;
    struct entry *e = find_live(db, key, hash, &slot);
    if (unlikely(e == NULL)) {
        if (flags & DB_COUNT)
            ks->stats.misses++;
        return NULL;
    }
    if (flags & DB_COUNT)
        ks->stats.hits++;
    if (!(flags & DB_NO_TOUCH)) {
        /* Written only when it changes: a read then leaves the line clean. */
        uint32_t clock = keyspace_clock(ks);
        if (unlikely(entry_clock(e) != clock))
            entry_set_clock(e, clock);
    }
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

/* --- setting --- */

/* Whether an allocation of either size can hold the other. */
static inline bool same_class(size_t a, size_t b)
{
    return a == b || arena_usable(a) == arena_usable(b);
}

static struct entry *alloc_entry(struct keyspace *ks, size_t size)
{
    if (likely(size <= ENTRY_SURE_MAX))
        return arena_alloc(&ks->arena, size);
    return arena_try_alloc(&ks->arena, size);
}

/* The blob for a long string: OLD, where that has the right size. NULL: no memory. */
static struct entry_blob *make_blob(struct keyspace *ks, struct entry_blob *old, struct slice bytes)
{
    struct entry_blob *blob = old;
    if (blob == NULL || !same_class(sizeof *blob + blob->len, sizeof *blob + bytes.len)) {
        if (bytes.len > SIZE_MAX / 2)
            return NULL;
        blob = arena_try_alloc(&ks->arena, sizeof *blob + bytes.len);
        if (blob == NULL)
            return NULL;
    }
    return blob;
}

static void fill_blob(struct entry_blob *blob, struct slice bytes)
{
    blob->len = bytes.len;
    memcpy(blob->bytes, bytes.ptr, bytes.len);
}

static void free_blob(struct keyspace *ks, struct entry_blob *blob)
{
    if (blob != NULL)
        arena_free(&ks->arena, blob, sizeof *blob + blob->len);
}

/* Brings the wheel from what it knows of E to EXPIRY_MS (or none). */
static void set_wheel(struct db *db, struct entry *e, int64_t expiry_ms)
{
    if (entry_has_expiry(e)) {
        if (wheel_time(e) == expiry_ms)
            return;
        db_wheel_remove(db, e);
    }
    if (expiry_ms != DB_EXPIRY_NONE)
        db_wheel_add(db, e, expiry_ms);
}

/* Makes an entry of what is wanted in the place of OLD, which is freed without what its
 * value points to, or as a new one. False: no memory, nothing has changed. */
static bool put_entry(struct db *db, struct entry *old, struct dict_slot slot, struct slice key,
                      uint64_t hash, const struct entry_value *v, int64_t expiry_ms)
{
    struct keyspace *ks = db->ks;
    bool node = entry_wants_node(expiry_ms != DB_EXPIRY_NONE, key.len);
    struct entry *e = alloc_entry(ks, entry_layout(node, key.len, v->size));
    if (unlikely(e == NULL))
        return false;
    entry_write(e, OBJECT_STRING, keyspace_clock(ks), node, key, v);
    if (old != NULL) {
        db_wheel_remove(db, old);
        dict_replace(&db->dict, &ks->arena, slot, e);
        keyspace_free_shell(ks, old);
    } else {
        db_link(db, e, hash);
    }
    set_wheel(db, e, expiry_ms);
    return true;
}

/* Writes V over E's value if E can stay where it is. */
static inline bool overwrite(struct db *db, struct entry *e, size_t key_len, const struct entry_value *v,
                             int64_t expiry_ms)
{
    bool node = entry_wants_node(expiry_ms != DB_EXPIRY_NONE, key_len);
    if (entry_has_node(e) != node || !same_class(entry_size(e), entry_layout(node, key_len, v->size)))
        return false;
    uint32_t keep = e->head & (ENTRY_EXPIRY | ENTRY_NODE);
    e->head = keep | OBJECT_STRING | (uint32_t)v->encoding << ENTRY_ENCODING_SHIFT |
              keyspace_clock(db->ks) << ENTRY_CLOCK_SHIFT;
    /* Where the value stands depends on the key alone, which stays. */
    entry_value_write((unsigned char *)(uintptr_t)entry_value(e), v);
    if (node)
        set_wheel(db, e, expiry_ms);
    return true;
}

static struct entry_blob *blob_of(const struct keyspace *ks, const struct entry *e)
{
    if (e == NULL || entry_encoding(e) != ENTRY_POINTER)
        return NULL;
    return arena_expand(&ks->arena, entry_pointer(e));
}

int db_set_string(struct db *db, struct slice key, uint64_t hash, struct slice value, int64_t expiry_ms)
{
    struct keyspace *ks = db->ks;
    struct dict_slot slot;
    struct entry *old = find_live(db, key, hash, &slot);
    if (expiry_ms == DB_EXPIRY_KEEP)
        expiry_ms = old == NULL ? DB_EXPIRY_NONE : entry_expiry(old);
    if (unlikely(key.len > ENTRY_KEY_MAX))
        return MR_E_MEMORY;
    struct entry_blob *old_blob = blob_of(ks, old);
    struct entry_blob *blob = NULL;
    struct entry_value v;
    int64_t integer;
    if (entry_may_be_integer(value) && number_to_int(value, &integer)) {
        entry_value_integer(&v, integer);
    } else if (likely(value.len <= ENTRY_INLINE_MAX)) {
        entry_value_inline(&v, value);
    } else {
        blob = make_blob(ks, old_blob, value);
        if (blob == NULL)
            return MR_E_MEMORY;
        entry_value_pointer(&v, arena_shorten(&ks->arena, blob));
    }
    if (old == NULL || !overwrite(db, old, key.len, &v, expiry_ms)) {
        if (unlikely(!put_entry(db, old, slot, key, hash, &v, expiry_ms))) {
            if (blob != NULL && blob != old_blob)
                arena_free(&ks->arena, blob, sizeof *blob + value.len);
            return MR_E_MEMORY;
        }
    }
    if (unlikely(old_blob != NULL && old_blob != blob))
        free_blob(ks, old_blob);
    if (blob != NULL)
        fill_blob(blob, value);
    ks->dirty++;
    return 0;
}

void db_reserve(struct db *db, uint64_t count)
{
    if (count > dict_count(&db->dict) && dict_reserve(&db->dict, &db->ks->arena, count) < 0)
        return;
    keyspace_note_rehash(db->ks, &db->dict);
}

/* --- deleting and renaming --- */

bool db_delete(struct db *db, struct slice key, uint64_t hash)
{
    struct dict_slot slot;
    struct entry *e = find_live(db, key, hash, &slot);
    if (e == NULL)
        return false;
    db_unlink(db, e, slot, hash);
    keyspace_free_entry(db->ks, e);
    db->ks->dirty++;
    return true;
}

int db_rename(struct db *db, struct entry *e, struct slice to, uint64_t to_hash)
{
    struct keyspace *ks = db->ks;
    struct slice from = entry_key(e);
    if (slice_equal(from, to))
        return 0;
    if (unlikely(to.len > ENTRY_KEY_MAX))
        return MR_E_MEMORY;
    struct entry_value v;
    entry_value_of(&v, e);
    int64_t expiry_ms = entry_expiry(e);
    bool expiry = entry_has_expiry(e);
    bool node = entry_wants_node(expiry, to.len);
    struct entry *made = alloc_entry(ks, entry_layout(node, to.len, v.size));
    if (unlikely(made == NULL))
        return MR_E_MEMORY;
    entry_write(made, entry_type(e), entry_clock(e), node, to, &v);
    struct dict_slot slot;
    struct entry *target = find(db, to, to_hash, &slot);
    if (target != NULL) {
        db_unlink(db, target, slot, to_hash);
        keyspace_free_entry(ks, target);
    }
    uint64_t hash = keyspace_hash(ks, from);
    find(db, from, hash, &slot);
    db_unlink(db, e, slot, hash);
    keyspace_free_shell(ks, e);
    db_link(db, made, to_hash);
    if (expiry)
        db_wheel_add(db, made, expiry_ms);
    ks->dirty++;
    return 0;
}

void db_flush(struct db *db)
{
    struct keyspace *ks = db->ks;
    ks->dirty += dict_count(&db->dict);
    struct keyspace_drain *drain = heap_alloc_zero(sizeof *drain);
    drain->dict = db->dict;
    drain->next = ks->drains;
    ks->drains = drain;
    dict_init(&db->dict);
    wheel_done(&db->wheel, &ks->arena);
    wheel_init(&db->wheel, clock_ms());
    db->expiry_sum = 0;
    db_note_active(db);
}

/* --- walking --- */

struct entry *db_random(struct db *db)
{
    struct keyspace *ks = db->ks;
    for (;;) {
        struct entry *e = dict_random(&db->dict, &ks->arena, &ks->random);
        if (e == NULL || likely(!entry_is_expired(e)))
            return e;
        struct dict_slot slot;
        uint64_t hash = keyspace_hash(ks, entry_key(e));
        find(db, entry_key(e), hash, &slot);
        db_drop_expired(db, e, slot, hash);
    }
}

struct scan {
    void (*fn)(void *arg, struct entry *e);
    bool (*until)(void *arg, struct entry *e);
    void *arg;
    bool stopped;
};

static void scan_element(void *arg, void *element)
{
    struct scan *scan = arg;
    if (!entry_is_expired(element))
        scan->fn(scan->arg, element);
}

uint64_t db_scan(struct db *db, uint64_t cursor, void (*fn)(void *arg, struct entry *e), void *arg)
{
    struct scan scan = {.fn = fn, .arg = arg};
    return dict_scan(&db->dict, &db->ks->arena, cursor, scan_element, &scan);
}

static void each_element(void *arg, void *element)
{
    struct scan *scan = arg;
    if (!scan->stopped && !entry_is_expired(element))
        scan->stopped = !scan->until(scan->arg, element);
}

void db_each(struct db *db, bool (*fn)(void *arg, struct entry *e), void *arg)
{
    struct scan scan = {.until = fn, .arg = arg};
    uint64_t cursor = 0;
    do {
        cursor = dict_scan(&db->dict, &db->ks->arena, cursor, each_element, &scan);
    } while (cursor != 0 && !scan.stopped);
}
