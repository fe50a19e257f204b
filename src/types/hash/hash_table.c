/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Hashes that are tables: fields, and changes of one.
 *
 * T->bytes is what the fields take in the arena, so that nobody has to walk them to know it.
 */
#include "container/dict_inline.h"
#include "keyspace/keyspace_ops.h"
#include "types/hash/hash_private.h"

#define SURE_MAX ((size_t)8192) /* larger fields are asked for with arena_try_alloc */
#define FETCH    8              /* pairs of a listpack between the fetch of a bucket and its use */

/* --- fields --- */

static uint64_t field_hash(const void *owner, const void *element)
{
    return keyspace_hash(owner, hash_field_name(element));
}

static bool field_equal(const void *element, struct slice key)
{
    return keyspace_equal_text(hash_field_name(element), key);
}

static const struct dict_ops ops = {.hash = field_hash, .equal = field_equal};

static size_t field_size(const struct hash_field *f)
{
    struct slice value = hash_field_value(f);
    return (size_t)((const unsigned char *)value.ptr + value.len - f->bytes);
}

static inline __attribute__((always_inline)) struct hash_field *field_new(struct arena *a, struct slice name,
                                                                          struct slice value, bool timed)
{
    if (name.len > HASH_TEXT_MAX / 2 || value.len > HASH_TEXT_MAX / 2)
        return NULL;
    size_t head = timed ? EXPIRING_HEAD : 1;
    size_t size = hash_field_bytes(name, value, timed);
    struct hash_field *f =
        __builtin_expect(size <= SURE_MAX, 1) ? arena_alloc(a, size) : arena_try_alloc(a, size);
    if (f == NULL)
        return NULL;
    f->bytes[0] = timed ? EXPIRING_ELEMENT : 0;
    entry_put_counted(entry_put_counted(f->bytes + head, name), value);
    return f;
}

struct hash_field *hash_field_new(struct arena *a, struct slice name, struct slice value, bool timed)
{
    return timed ? field_new(a, name, value, true) : field_new(a, name, value, false);
}

void hash_field_free(struct hash_field *f, struct arena *a)
{
    arena_free(a, f, field_size(f));
}

/* --- tables --- */

struct hash_table *hash_table_new(struct arena *a)
{
    struct hash_table *t = arena_alloc(a, sizeof *t);
    *t = (struct hash_table){0};
    dict_init(&t->dict);
    return t;
}

static void free_field(void *arg, void *element)
{
    hash_field_free(element, arg);
}

void hash_table_free(struct hash_table *t, struct keyspace *ks)
{
    struct arena *a = keyspace_arena(ks);
    expiring_free(ks, &t->expiring);
    while (!dict_drain(&t->dict, a, &t->drained, UINT64_MAX, free_field, a))
        continue;
    arena_free(a, t, sizeof *t);
}

struct hash_field *hash_table_find(const struct hash_table *t, const struct keyspace *ks, struct slice name,
                                   uint64_t hash, struct dict_slot *slot)
{
    return dict_inline_find(&t->dict, keyspace_arena(ks), &ops, name, hash, slot);
}

void hash_table_add(struct hash_table *t, struct keyspace *ks, struct hash_field *f, uint64_t hash,
                    int64_t time_ms)
{
    t->bytes += arena_usable(field_size(f));
    dict_add(&t->dict, keyspace_arena(ks), &ops, ks, f, hash);
    if (time_ms != DB_EXPIRY_NONE)
        expiring_add(ks, &t->expiring, f, time_ms);
}

void hash_table_replace(struct hash_table *t, struct keyspace *ks, struct dict_slot slot,
                        struct hash_field *old, struct hash_field *f)
{
    struct arena *a = keyspace_arena(ks);
    size_t size = field_size(old);
    if (expiring_has(old) && expiring_has(f)) {
        memcpy(f->bytes + WHEEL_NODE_OFFSET, old->bytes + WHEEL_NODE_OFFSET, WHEEL_NODE_SIZE);
        expiring_moved(ks, &t->expiring, f);
    } else if (expiring_has(old)) {
        expiring_remove(ks, &t->expiring, old);
    }
    dict_replace(&t->dict, a, slot, f);
    t->bytes += arena_usable(field_size(f)) - arena_usable(size);
    arena_free(a, old, size);
}

/* Writes VALUE into F where it stands, if its place has the size for it. */
static bool overwrite(struct hash_field *f, size_t size, struct slice value)
{
    struct slice name = hash_field_name(f);
    unsigned char *at = (unsigned char *)(uintptr_t)name.ptr + name.len;
    size_t becomes = (size_t)(at - f->bytes) + entry_counted_size(value.len);
    if (becomes != size && arena_usable(becomes) != arena_usable(size))
        return false;
    entry_put_counted(at, value);
    return true;
}

/* Sets OLD, at SLOT, which has an expiry. */
static __attribute__((noinline)) int set_timed(struct hash_table *t, struct keyspace *ks,
                                               struct dict_slot slot, struct hash_field *old,
                                               struct slice value, bool keep)
{
    bool hidden = expiring_hides(ks, old);
    if (keep && !hidden && value.len <= HASH_TEXT_MAX / 2 && overwrite(old, field_size(old), value))
        return 0;
    struct hash_field *f = hash_field_new(keyspace_arena(ks), hash_field_name(old), value, keep && !hidden);
    if (f == NULL)
        return MR_E_MEMORY;
    hash_table_replace(t, ks, slot, old, f);
    return hidden;
}

int hash_table_set(struct hash_table *t, struct keyspace *ks, struct slice name, uint64_t hash,
                   struct slice value, bool keep)
{
    struct arena *a = keyspace_arena(ks);
    struct dict_slot slot;
    struct hash_field *old = dict_inline_find(&t->dict, a, &ops, name, hash, &slot);
    if (old != NULL && expiring_has(old))
        return set_timed(t, ks, slot, old, value, keep);
    size_t size = old != NULL ? field_size(old) : 0;
    if (old != NULL && value.len <= HASH_TEXT_MAX / 2 && overwrite(old, size, value))
        return 0;
    struct hash_field *f = field_new(a, name, value, false);
    if (f == NULL)
        return MR_E_MEMORY;
    if (old == NULL) {
        hash_table_add(t, ks, f, hash, DB_EXPIRY_NONE);
        return 1;
    }
    dict_replace(&t->dict, a, slot, f);
    t->bytes += arena_usable(field_size(f)) - arena_usable(size);
    arena_free(a, old, size);
    return 0;
}

static void drop_at(struct hash_table *t, struct keyspace *ks, struct dict_slot slot, struct hash_field *f,
                    uint64_t hash)
{
    struct arena *a = keyspace_arena(ks);
    size_t size = field_size(f);
    if (expiring_has(f))
        expiring_remove(ks, &t->expiring, f);
    dict_remove(&t->dict, a, &ops, ks, slot, hash);
    t->bytes -= arena_usable(size);
    arena_free(a, f, size);
}

bool hash_table_remove(struct hash_table *t, struct keyspace *ks, struct slice name, uint64_t hash)
{
    struct dict_slot slot;
    struct hash_field *f = dict_inline_find(&t->dict, keyspace_arena(ks), &ops, name, hash, &slot);
    if (!hash_field_seen(ks, f))
        return false;
    drop_at(t, ks, slot, f, hash);
    return true;
}

void hash_table_drop(struct hash_table *t, struct keyspace *ks, struct hash_field *f)
{
    uint64_t hash = field_hash(ks, f);
    drop_at(t, ks, dict_locate(&t->dict, keyspace_arena(ks), f, hash), f, hash);
}

/* --- times --- */

int hash_field_room(const struct hash_field *f, struct arena *a, bool timed, struct hash_field **room)
{
    *room = NULL;
    if (expiring_has(f) == timed || field_size(f) + EXPIRING_HEAD <= SURE_MAX)
        return 0;
    *room = hash_field_new(a, hash_field_name(f), hash_field_value(f), timed);
    return *room != NULL ? 0 : MR_E_MEMORY;
}

void hash_table_set_time(struct hash_table *t, struct keyspace *ks, struct dict_slot slot,
                         struct hash_field *f, int64_t time_ms, struct hash_field *room)
{
    bool timed = time_ms != DB_EXPIRY_NONE;
    if (expiring_has(f) != timed) {
        struct hash_field *made = room;
        if (made == NULL)
            made = hash_field_new(keyspace_arena(ks), hash_field_name(f), hash_field_value(f), timed);
        hash_table_replace(t, ks, slot, f, made);
        if (timed)
            expiring_add(ks, &t->expiring, made, time_ms);
    } else if (timed) {
        expiring_change(ks, &t->expiring, f, time_ms);
    }
}

/* --- walking --- */

static const struct hash_field *field_at(const struct arena *a, const char *bucket, uint32_t bits)
{
    return arena_expand(a, arena_load_short(dict_inline_slot(bucket, (unsigned)__builtin_ctz(bits))));
}

static void fetch_fields(const struct arena *a, const char *bucket)
{
    for (uint32_t left = dict_inline_flags(bucket) & DICT_ALL; left != 0; left &= left - 1) {
        const struct hash_field *f = field_at(a, bucket, left);
        __builtin_prefetch(f->bytes);
        __builtin_prefetch(f->bytes + 48); /* most end in the second line */
    }
}

static bool each_of_table(const struct dict_table *table, const struct arena *a, hash_table_each_fn *fn,
                          void *arg)
{
    uint64_t size = dict_inline_size(table);
    for (uint64_t i = 0; i < size; i++) {
        const char *bucket = dict_inline_at(table, a, i);
        if (i + 1 < size)
            fetch_fields(a, bucket + DICT_BUCKET);
        __builtin_prefetch(bucket + 4 * DICT_BUCKET);
        for (;;) {
            uint32_t flags = dict_inline_flags(bucket);
            for (uint32_t left = flags & DICT_ALL; left != 0; left &= left - 1)
                if (!fn(arg, field_at(a, bucket, left)))
                    return false;
            if ((flags & DICT_CHAINED) == 0)
                break;
            bucket = dict_inline_next(a, bucket);
        }
    }
    return true;
}

void hash_table_each(const struct hash_table *t, const struct arena *a, hash_table_each_fn *fn, void *arg)
{
    if (each_of_table(&t->dict.table[0], a, fn, arg))
        each_of_table(&t->dict.table[1], a, fn, arg);
}

/* --- whole ones --- */

struct hash_table *hash_table_of(struct keyspace *ks, const unsigned char *packed)
{
    struct arena *a = keyspace_arena(ks);
    struct hash_table *t = hash_table_new(a);
    bool whole = dict_reserve(&t->dict, a, listpack_count(packed) / 2) == 0;
    for (size_t at = listpack_first(packed); at != 0 && whole;) {
        struct hash_field *f[FETCH];
        uint64_t hash[FETCH];
        unsigned n = 0;
        whole = !arena_is_scarce(a);
        for (; n < FETCH && at != 0 && whole; n++) {
            char scratch[2][NUMBER_TEXT_MAX];
            struct listpack_value name, value;
            listpack_get(packed, at, &name);
            at = listpack_next(packed, at);
            listpack_get(packed, at, &value);
            at = listpack_next(packed, at);
            f[n] =
                hash_field_new(a, listpack_text(&name, scratch[0]), listpack_text(&value, scratch[1]), false);
            whole = f[n] != NULL;
            if (!whole)
                break;
            hash[n] = keyspace_hash(ks, hash_field_name(f[n]));
            dict_inline_prefetch_bucket(&t->dict, a, hash[n]);
        }
        for (unsigned i = 0; i < n; i++)
            hash_table_add(t, ks, f[i], hash[i], DB_EXPIRY_NONE);
    }
    if (whole)
        return t;
    hash_table_free(t, ks);
    return NULL;
}

struct copying {
    struct keyspace *ks;
    struct hash_table *to;
    bool failed;
};

static bool copy_field(void *arg, const struct hash_field *from)
{
    struct copying *c = arg;
    struct arena *a = keyspace_arena(c->ks);
    struct hash_field *f = NULL;
    if (!arena_is_scarce(a))
        f = hash_field_new(a, hash_field_name(from), hash_field_value(from), expiring_has(from));
    if (f != NULL)
        hash_table_add(c->to, c->ks, f, keyspace_hash(c->ks, hash_field_name(f)), hash_field_time(from));
    else
        c->failed = true;
    return !c->failed;
}

struct hash_table *hash_table_copy(struct keyspace *ks, const struct hash_table *t)
{
    struct arena *a = keyspace_arena(ks);
    struct copying c = {.ks = ks, .to = hash_table_new(a)};
    c.failed = dict_reserve(&c.to->dict, a, dict_count(&t->dict)) != 0;
    if (!c.failed)
        hash_table_each(t, a, copy_field, &c);
    if (!c.failed)
        return c.to;
    hash_table_free(c.to, ks);
    return NULL;
}

struct moving {
    struct keyspace *ks;
    struct hash_table *t;
    uint64_t seen;
    size_t *moved;
};

static void *move_field(void *arg, void *element)
{
    struct moving *m = arg;
    struct arena *a = keyspace_arena(m->ks);
    m->seen++;
    void *to = arena_relocate(a, element, field_size(element), m->moved);
    if (to != element && expiring_has(to))
        expiring_moved(m->ks, &m->t->expiring, to);
    return to;
}

bool hash_table_relocate(struct hash_table *t, struct keyspace *ks, uint64_t *cursor, uint64_t *budget,
                         size_t *moved)
{
    struct moving m = {.ks = ks, .t = t, .moved = moved};
    expiring_relocate(ks, &t->expiring, moved);
    do {
        m.seen = 1;
        *cursor = dict_relocate(&t->dict, keyspace_arena(ks), *cursor, move_field, &m);
        *budget -= m.seen < *budget ? m.seen : *budget;
    } while (*cursor != 0 && *budget != 0);
    return *cursor == 0;
}
