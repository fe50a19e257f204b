/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Hashes over both of their forms: reading, setting, deleting.
 *
 * A listpack is changed where it stands: the keyspace is asked for as many bytes as it may come
 * to, and then it is done without anything that can fail. What is to become a table is made one
 * aside, and let in when it is whole.
 */
#include "base/heap.h"
#include "types/hash/hash_private.h"

#define SURE_MAX            ((size_t)8192) /* a field up to this needs no memory that could be refused */
/* What one takes beside its texts, at most. */
#define FIELD_MORE          (EXPIRING_HEAD + 2 * 5)
/* What an entry of a listpack takes beside its text, at most. */
#define LISTPACK_ENTRY_MORE 10

void hash_open(struct hash *h, const struct keyspace *ks, const struct entry *e)
{
    *h = (struct hash){.ks = ks, .e = (struct entry *)(uintptr_t)e};
    if (e == NULL)
        return;
    if (entry_is_packed(e))
        h->packed = (unsigned char *)(uintptr_t)entry_packed(keyspace_arena(ks), e).ptr;
    else
        h->table = entry_object(keyspace_arena(ks), e);
}

static bool count_seen(void *arg, const struct listpack_value *field, const struct listpack_value *value)
{
    (void)field, (void)value;
    ++*(uint64_t *)arg;
    return true;
}

uint64_t hash_seen(const struct hash *h)
{
    if (h->table == NULL || !expiring_may_hide(h->ks, &h->table->expiring))
        return hash_length(h);
    uint64_t count = 0;
    hash_each(h, count_seen, &count);
    return count;
}

uint64_t hash_length(const struct hash *h)
{
    if (h->packed != NULL)
        return listpack_count(h->packed) / 2;
    return h->table != NULL ? dict_count(&h->table->dict) : 0;
}

static uint64_t hash_of(const struct hash *h, struct slice field)
{
    return field.ptr == h->known ? h->known_hash : keyspace_hash(h->ks, field);
}

static struct listpack_value as_text(struct slice text)
{
    return (struct listpack_value){text.ptr, (uint32_t)text.len, 0};
}

bool hash_get(const struct hash *h, struct slice field, struct listpack_value *value)
{
    if (h->packed != NULL) {
        size_t at = listpack_find_key(h->packed, field, 2);
        if (at == 0)
            return false;
        listpack_get(h->packed, listpack_next(h->packed, at), value);
        return true;
    }
    if (h->table == NULL)
        return false;
    const struct hash_field *f = hash_table_find(h->table, h->ks, field, hash_of(h, field), NULL);
    if (!hash_field_seen(h->ks, f))
        return false;
    *value = as_text(hash_field_value(f));
    return true;
}

int64_t hash_time(const struct hash *h, struct slice field)
{
    if (h->packed != NULL)
        return listpack_find_key(h->packed, field, 2) != 0 ? DB_EXPIRY_NONE : HASH_NO_FIELD;
    if (h->table == NULL)
        return HASH_NO_FIELD;
    const struct hash_field *f = hash_table_find(h->table, h->ks, field, hash_of(h, field), NULL);
    return hash_field_seen(h->ks, f) ? hash_field_time(f) : HASH_NO_FIELD;
}

struct walk {
    const struct keyspace *ks;
    hash_each_fn *fn;
    void *arg;
};

static bool walk_field(void *arg, const struct hash_field *f)
{
    struct walk *w = arg;
    if (!hash_field_seen(w->ks, f))
        return true;
    struct listpack_value field = as_text(hash_field_name(f));
    struct listpack_value value = as_text(hash_field_value(f));
    return w->fn(w->arg, &field, &value);
}

void hash_each(const struct hash *h, hash_each_fn *fn, void *arg)
{
    struct walk w = {h->ks, fn, arg};
    if (h->packed != NULL) {
        struct listpack_value field, value;
        for (size_t at = listpack_first(h->packed); at != 0; at = listpack_next(h->packed, at)) {
            listpack_get(h->packed, at, &field);
            at = listpack_next(h->packed, at);
            listpack_get(h->packed, at, &value);
            if (!fn(arg, &field, &value))
                return;
        }
    } else if (h->table != NULL) {
        hash_table_each(h->table, keyspace_arena(h->ks), walk_field, &w);
    }
}

/* --- setting --- */

static bool fits_packed(const struct hash_options *o, const struct slice *pairs, uint32_t count)
{
    size_t sum = 0;
    for (uint32_t i = 0; i < 2 * count; i++) {
        if (pairs[i].len > (uint64_t)o->max_listpack_value)
            return false;
        sum += pairs[i].len + LISTPACK_ENTRY_MORE;
    }
    return sum < LISTPACK_MAX / 2;
}

/* Sets FIELD in PACKED, which has room for it; true if it was not there. */
static bool put_pair(unsigned char *packed, const struct slice *pair)
{
    size_t at = listpack_find_key(packed, pair[0], 2);
    struct listpack_value values[2] = {listpack_value_of(pair[0]), listpack_value_of(pair[1])};
    struct listpack_change change = {.at = listpack_end(packed), .count = 2, .values = values};
    if (at != 0) {
        change.at = listpack_next(packed, at);
        change.removed = 1;
        change.count = 1;
        change.values = values + 1;
    }
    change.end = change.at;
    if (at != 0 && (change.end = listpack_next(packed, change.at)) == 0)
        change.end = listpack_end(packed);
    listpack_change(packed, &change);
    return at == 0;
}

static int edit(const struct hash *h, const struct hash_place *p, size_t len, unsigned char **packed)
{
    char *bytes;
    int code = db_edit_packed(p->db, h->e, p->key, p->hash, OBJECT_HASH, len, &bytes);
    if (code != 0)
        return code;
    *packed = (unsigned char *)bytes;
    if (h->packed == NULL)
        listpack_init(*packed);
    return 0;
}

/* One pair, as it is most often: asks for exactly as many bytes as it will be. AT: where the field
 * is, 0: nowhere. */
static int64_t set_packed_one(struct hash *h, const struct hash_place *p, const struct slice *pair, size_t at)
{
    struct listpack_value values[2] = {listpack_value_of(pair[0]), listpack_value_of(pair[1])};
    struct listpack_change change = {.count = 2, .values = values};
    size_t bytes = h->packed != NULL ? listpack_bytes(h->packed) : LISTPACK_EMPTY;
    change.at = change.end = bytes - 1;
    if (at != 0) {
        change.at = listpack_next(h->packed, at);
        size_t next = listpack_next(h->packed, change.at);
        change.end = next != 0 ? next : bytes - 1;
        change.removed = 1;
        change.count = 1;
        change.values = values + 1;
    }
    size_t put_in = listpack_entry_bytes(&values[1]) + (at == 0 ? listpack_entry_bytes(&values[0]) : 0);
    size_t becomes = bytes - (change.end - change.at) + put_in;
    unsigned char *packed = h->packed;
    if (becomes < bytes)
        listpack_change(packed, &change);
    int code = edit(h, p, becomes, &packed);
    if (becomes >= bytes && code == 0)
        listpack_change(packed, &change);
    /* Less memory that cannot be had leaves more than is needed. */
    return code != 0 && becomes >= bytes ? code : at == 0;
}

static int64_t set_packed(struct hash *h, const struct hash_place *p, const struct slice *pairs,
                          uint32_t count)
{
    size_t bytes = h->packed != NULL ? listpack_bytes(h->packed) : LISTPACK_EMPTY;
    for (uint32_t i = 0; i < 2 * count; i++) {
        struct listpack_value v = listpack_value_of(pairs[i]);
        bytes += listpack_entry_bytes(&v);
    }
    unsigned char *packed;
    int code = edit(h, p, bytes, &packed);
    if (code != 0)
        return code;
    int64_t added = 0;
    for (uint32_t i = 0; i < count; i++)
        added += put_pair(packed, pairs + 2 * (size_t)i);
    if (listpack_bytes(packed) == bytes)
        return added;
    /* Fields that were there have taken less. */
    struct entry *e = db_find(p->db, p->key, p->hash, DB_NO_TOUCH);
    char *rest;
    (void)!db_edit_packed(p->db, e, p->key, p->hash, OBJECT_HASH, listpack_bytes(packed), &rest);
    return added;
}

/* Whether a field for a pair may need memory that can be refused. */
static bool is_large(const struct slice *pairs, uint32_t count)
{
    for (uint32_t i = 0; i < 2 * count; i++)
        if (pairs[i].len > (SURE_MAX - FIELD_MORE) / 2)
            return true;
    return false;
}

/* Puts MADE into the table; whether no such field was there. */
static bool put_made(struct hash_table *t, struct keyspace *ks, struct hash_field *made, int64_t time_ms)
{
    struct dict_slot slot;
    struct slice name = hash_field_name(made);
    uint64_t hash = keyspace_hash(ks, name);
    struct hash_field *old = hash_table_find(t, ks, name, hash, &slot);
    if (old == NULL) {
        hash_table_add(t, ks, made, hash, time_ms);
        return true;
    }
    bool had = expiring_has(old), seen = hash_field_seen(ks, old);
    hash_table_replace(t, ks, slot, old, made);
    if (time_ms >= 0 && had)
        expiring_change(ks, &t->expiring, made, time_ms);
    else if (time_ms >= 0)
        expiring_add(ks, &t->expiring, made, time_ms);
    return !seen;
}

/* Fields that are made before the first one is put into the table. */
static int64_t set_prepared(const struct hash *h, struct hash_table *t, struct keyspace *ks,
                            const struct slice *pairs, uint32_t count, int64_t when)
{
    struct arena *a = keyspace_arena(ks);
    struct hash_field **made = heap_try_alloc(count * sizeof *made);
    uint32_t n = 0;
    for (; made != NULL && n < count; n++) {
        struct slice name = pairs[2 * (size_t)n];
        bool timed = when >= 0;
        if (when == DB_EXPIRY_KEEP) {
            struct hash_field *old = hash_table_find(t, ks, name, hash_of(h, name), NULL);
            timed = hash_field_seen(ks, old) && expiring_has(old);
        }
        if ((made[n] = hash_field_new(a, name, pairs[2 * (size_t)n + 1], timed)) == NULL)
            break;
    }
    int64_t time_ms = when >= 0 ? when : DB_EXPIRY_NONE;
    int64_t added = n == count ? 0 : MR_E_MEMORY;
    for (uint32_t i = 0; i < n; i++) {
        if (added < 0)
            hash_field_free(made[i], a);
        else
            added += put_made(t, ks, made[i], time_ms);
    }
    heap_free(made);
    return added;
}

static int64_t set_pairs(const struct hash *h, struct hash_table *t, struct keyspace *ks,
                         const struct slice *pairs, uint32_t count, int64_t when)
{
    if (when >= 0 || (count > 1 && is_large(pairs, count)))
        return set_prepared(h, t, ks, pairs, count, when);
    int64_t added = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct slice *pair = pairs + 2 * (size_t)i;
        int code = hash_table_set(t, ks, pair[0], hash_of(h, pair[0]), pair[1], when == DB_EXPIRY_KEEP);
        if (code < 0)
            return code;
        added += code;
    }
    return added;
}

/* The same for more pairs than there is certain to be memory for. */
static __attribute__((noinline)) int64_t set_many(const struct hash *h, struct hash_table *t,
                                                  struct keyspace *ks, const struct slice *pairs,
                                                  uint32_t count, int64_t when)
{
    struct arena *a = keyspace_arena(ks);
    size_t bytes = dict_add_bytes(&t->dict, count);
    bool timed = when >= 0 || (when == DB_EXPIRY_KEEP && t->expiring != 0);
    for (uint32_t i = 0; i < count; i++) {
        size_t size = hash_field_bytes(pairs[2 * (size_t)i], pairs[2 * (size_t)i + 1], timed);
        bytes += size <= SURE_MAX ? arena_usable(size) : 0;
    }
    if (!arena_promise(a, bytes))
        return MR_E_MEMORY;
    int64_t added = set_pairs(h, t, ks, pairs, count, when);
    arena_promise_end(a);
    return added;
}

static inline int64_t set_table(const struct hash *h, struct hash_table *t, struct keyspace *ks,
                                const struct slice *pairs, uint32_t count, int64_t when)
{
    return __builtin_expect(count > ARENA_CUSHION_OBJECTS, 0) ? set_many(h, t, ks, pairs, count, when)
                                                              : set_pairs(h, t, ks, pairs, count, when);
}

/* The same in a table that nobody sees yet, where some may be set when the rest is refused. */
static int64_t set_in_parts(const struct hash *h, struct hash_table *t, struct keyspace *ks,
                            const struct slice *pairs, uint32_t count, int64_t when)
{
    int64_t added = 0;
    for (uint32_t n; count > 0; pairs += 2 * (size_t)n, count -= n) {
        n = count < ARENA_CUSHION_OBJECTS ? count : ARENA_CUSHION_OBJECTS;
        int64_t more =
            arena_is_scarce(keyspace_arena(ks)) ? MR_E_MEMORY : set_pairs(h, t, ks, pairs, n, when);
        if (more < 0)
            return more;
        added += more;
    }
    return added;
}

/* Makes the hash, which is packed or new, a table, with the pairs in it. */
static int64_t set_converted(struct hash *h, const struct hash_place *p, const struct slice *pairs,
                             uint32_t count, int64_t when)
{
    struct keyspace *ks = db_keyspace(p->db);
    struct hash_table *t =
        h->packed != NULL ? hash_table_of(ks, h->packed) : hash_table_new(keyspace_arena(ks));
    if (t == NULL)
        return MR_E_MEMORY;
    int64_t added = set_in_parts(h, t, ks, pairs, count, when);
    int code = added < 0 ? (int)added : db_set_object(p->db, h->e, p->key, p->hash, OBJECT_HASH, t);
    if (code == 0)
        return added;
    hash_table_free(t, ks);
    return code;
}

/* Fields that the hash has when the pairs are set, which are packed now; or MR_E_MEMORY. */
static int64_t length_after(const struct hash *h, const struct slice *pairs, uint32_t count, uint64_t enough)
{
    uint64_t length = hash_length(h) + count;
    if (length <= enough)
        return (int64_t)length;
    /* Some may be there already, or stand twice in the request. */
    length = hash_length(h);
    struct buf seen = {0};
    unsigned char empty[LISTPACK_EMPTY];
    listpack_init(empty);
    buf_append(&seen, empty, sizeof empty);
    int code = 0;
    for (uint32_t i = 0; i < count && length <= enough && code == 0; i++) {
        struct slice field = pairs[2 * (size_t)i];
        unsigned char *packed = (unsigned char *)seen.data;
        if ((h->packed != NULL && listpack_find_key(h->packed, field, 2) != 0) ||
            listpack_find_key(packed, field, 1) != 0)
            continue;
        struct listpack_value value = listpack_value_of(field);
        size_t end = listpack_end(packed);
        struct listpack_change change = {.at = end, .end = end, .count = 1, .values = &value};
        size_t bytes = listpack_change_bytes(packed, &change);
        code = buf_try_grow(&seen, bytes - seen.len);
        if (code != 0)
            break;
        listpack_change((unsigned char *)seen.data, &change);
        seen.len = bytes;
        length++;
    }
    buf_done(&seen);
    return code != 0 ? code : (int64_t)length;
}

int64_t hash_set(struct hash *h, const struct hash_place *p, const struct slice *pairs, uint32_t count,
                 int64_t time_ms)
{
    if (h->table != NULL) {
        struct keyspace *ks = db_keyspace(p->db);
        int64_t added = count == 1 && time_ms < 0
                            ? hash_table_set(h->table, ks, pairs[0], hash_of(h, pairs[0]), pairs[1],
                                             time_ms == DB_EXPIRY_KEEP)
                            : set_table(h, h->table, ks, pairs, count, time_ms);
        if (added < 0)
            return added;
        db_changed(p->db, h->e);
        if (time_ms >= 0)
            expiring_enter(p->db, h->e);
        return added;
    }
    uint64_t enough = (uint64_t)p->options->max_listpack_entries;
    if (time_ms >= 0 || !fits_packed(p->options, pairs, count) ||
        (h->packed != NULL && listpack_bytes(h->packed) > LISTPACK_MAX / 2))
        return set_converted(h, p, pairs, count, time_ms);
    if (count == 1) {
        size_t at = h->packed != NULL ? listpack_find_key(h->packed, pairs[0], 2) : 0;
        if (hash_length(h) + (at == 0) <= enough)
            return set_packed_one(h, p, pairs, at);
    } else {
        int64_t length = length_after(h, pairs, count, enough);
        if (length < 0)
            return length;
        if ((uint64_t)length <= enough)
            return set_packed(h, p, pairs, count);
    }
    return set_converted(h, p, pairs, count, time_ms);
}

/* --- deleting --- */

static uint32_t delete_packed(struct hash *h, const struct hash_place *p, const struct slice *fields,
                              uint32_t count, bool *empty)
{
    uint32_t deleted = 0;
    for (uint32_t i = 0; i < count; i++) {
        size_t at = listpack_find_key(h->packed, fields[i], 2);
        if (at == 0)
            continue;
        size_t end = listpack_next(h->packed, listpack_next(h->packed, at));
        struct listpack_change change = {
            .at = at, .end = end != 0 ? end : listpack_end(h->packed), .removed = 2};
        listpack_change(h->packed, &change);
        deleted++;
    }
    *empty = listpack_first(h->packed) == 0;
    if (*empty) {
        db_delete_entry(p->db, h->e);
    } else if (deleted != 0) {
        char *bytes;
        (void)!db_edit_packed(p->db, h->e, p->key, p->hash, OBJECT_HASH, listpack_bytes(h->packed), &bytes);
    }
    return deleted;
}

uint32_t hash_delete(struct hash *h, const struct hash_place *p, const struct slice *fields, uint32_t count,
                     bool *empty)
{
    *empty = false;
    if (h->packed != NULL)
        return delete_packed(h, p, fields, count, empty);
    if (h->table == NULL)
        return 0;
    struct keyspace *ks = db_keyspace(p->db);
    uint32_t deleted = 0;
    for (uint32_t i = 0; i < count && dict_count(&h->table->dict) != 0; i++)
        deleted += hash_table_remove(h->table, ks, fields[i], hash_of(h, fields[i]));
    *empty = dict_count(&h->table->dict) == 0;
    if (*empty)
        db_delete_entry(p->db, h->e);
    else if (deleted != 0)
        db_changed(p->db, h->e);
    return deleted;
}
