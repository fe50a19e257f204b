/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Putting a hash together from texts that come one by one, as a file has them. It begins as a
 * listpack in ordinary memory and becomes a table when it has to; the fields of a table wait in a
 * short queue while their buckets are fetched.
 */
#include "types/hash/hash_maker.h"
#include "base/heap.h"

#define QUEUE (sizeof((struct hash_maker *)0)->queue / sizeof *((struct hash_maker *)0)->queue)
/* Listpacks up to so many pairs are searched for a field that comes twice by looking at all. */
#define FEW   8

int hash_maker_init(struct hash_maker *m, struct keyspace *ks, const struct hash_options *limits,
                    uint64_t expected)
{
    *m = (struct hash_maker){.ks = ks, .limits = *limits};
    if (expected <= (uint64_t)limits->max_listpack_entries) {
        unsigned char empty[LISTPACK_EMPTY];
        listpack_init(empty);
        buf_append(&m->packed, empty, sizeof empty);
        return 0;
    }
    struct arena *a = keyspace_arena(ks);
    m->table = hash_table_new(a);
    if (dict_reserve(&m->table->dict, a, expected) == 0)
        return 0;
    hash_maker_done(m);
    return MR_E_MEMORY;
}

/* Puts the queued fields into the table. */
static int flush(struct hash_maker *m)
{
    int code = 0;
    for (unsigned i = 0; i < m->queued; i++) {
        struct hash_field *f = m->queue[i].f;
        uint64_t hash = m->queue[i].hash;
        if (code == 0 && hash_table_find(m->table, m->ks, hash_field_name(f), hash, NULL) == NULL) {
            hash_table_add(m->table, m->ks, f, hash, m->queue[i].time_ms);
        } else {
            hash_field_free(f, keyspace_arena(m->ks));
            code = MR_E_CORRUPT;
        }
    }
    m->queued = 0;
    return code;
}

static int add_field(struct hash_maker *m, struct slice name, struct slice value, int64_t time_ms)
{
    struct arena *a = keyspace_arena(m->ks);
    struct hash_field *f = NULL;
    if (!arena_is_scarce(a))
        f = hash_field_new(a, name, value, time_ms != DB_EXPIRY_NONE);
    if (f == NULL)
        return MR_E_MEMORY;
    uint64_t hash = keyspace_hash(m->ks, name);
    m->queue[m->queued].f = f;
    m->queue[m->queued].hash = hash;
    m->queue[m->queued].time_ms = time_ms;
    dict_prefetch_bucket(&m->table->dict, a, hash);
    return ++m->queued == QUEUE ? flush(m) : 0;
}

static int to_table(struct hash_maker *m)
{
    const unsigned char *packed = (const unsigned char *)m->packed.data;
    int code = hash_packed_check(m->ks, packed);
    if (code != 0)
        return code;
    m->table = hash_table_of(m->ks, packed);
    buf_done(&m->packed);
    return m->table == NULL ? MR_E_MEMORY : 0;
}

static int append(struct hash_maker *m, struct slice text)
{
    struct listpack_value value = listpack_value_of(text);
    size_t more = listpack_entry_bytes(&value), end = m->packed.len - 1;
    int code = buf_try_grow(&m->packed, more);
    if (code != 0)
        return code;
    struct listpack_change change = {.at = end, .end = end, .count = 1, .values = &value};
    listpack_change((unsigned char *)m->packed.data, &change);
    m->packed.len += more;
    return 0;
}

/* Whether a field may be one of the listpack. */
static bool fits(const struct hash_maker *m, struct slice name, struct slice value, int64_t time_ms)
{
    uint64_t longest = (uint64_t)m->limits.max_listpack_value;
    return time_ms == DB_EXPIRY_NONE && name.len <= longest && value.len <= longest &&
           m->packed.len + name.len + value.len < LISTPACK_MAX / 2 &&
           listpack_count((const unsigned char *)m->packed.data) / 2 <
               (uint64_t)m->limits.max_listpack_entries;
}

int hash_maker_add(struct hash_maker *m, struct slice name, struct slice value, int64_t time_ms)
{
    int code = 0;
    if (m->table == NULL) {
        if (fits(m, name, value, time_ms)) {
            code = append(m, name);
            return code == 0 ? append(m, value) : code;
        }
        code = to_table(m);
    }
    return code == 0 ? add_field(m, name, value, time_ms) : code;
}

int hash_maker_value(struct hash_maker *m, struct entry_value *v)
{
    struct arena *a = keyspace_arena(m->ks);
    int code = m->table != NULL ? flush(m) : hash_packed_check(m->ks, (const unsigned char *)m->packed.data);
    if (code != 0)
        return code;
    if (m->table == NULL)
        return entry_value_packed(v, a, buf_slice(&m->packed));
    entry_value_object(v, arena_shorten(a, m->table));
    m->table = NULL;
    return 0;
}

void hash_maker_done(struct hash_maker *m)
{
    struct arena *a = keyspace_arena(m->ks);
    for (unsigned i = 0; i < m->queued; i++)
        hash_field_free(m->queue[i].f, a);
    m->queued = 0;
    if (m->table != NULL)
        hash_table_free(m->table, m->ks);
    m->table = NULL;
    buf_done(&m->packed);
}

/* --- fields that come twice --- */

static bool few_are_sound(const unsigned char *packed)
{
    for (size_t at = listpack_first(packed); at != 0;) {
        char scratch[NUMBER_TEXT_MAX];
        struct listpack_value name;
        listpack_get(packed, at, &name);
        struct slice text = listpack_text(&name, scratch);
        size_t next = listpack_next(packed, listpack_next(packed, at));
        for (size_t other = next; other != 0; other = listpack_next(packed, listpack_next(packed, other)))
            if (listpack_equal(packed, other, text))
                return false;
        at = next;
    }
    return true;
}

int hash_packed_check(const struct keyspace *ks, const unsigned char *packed)
{
    uint64_t count = listpack_count(packed) / 2;
    if (count <= FEW)
        return few_are_sound(packed) ? 0 : MR_E_CORRUPT;
    /* Offsets of the fields that were met, by their hash. */
    uint64_t mask = 31;
    while (mask < count * 2)
        mask = mask * 2 + 1;
    uint32_t *met = heap_try_alloc((mask + 1) * sizeof *met);
    if (met == NULL)
        return MR_E_MEMORY;
    memset(met, 0, (mask + 1) * sizeof *met);
    bool sound = true;
    for (size_t at = listpack_first(packed); at != 0 && sound;
         at = listpack_next(packed, listpack_next(packed, at))) {
        char scratch[NUMBER_TEXT_MAX];
        struct listpack_value name;
        listpack_get(packed, at, &name);
        struct slice text = listpack_text(&name, scratch);
        uint64_t i = keyspace_hash(ks, text) & mask;
        for (; met[i] != 0 && sound; i = (i + 1) & mask)
            sound = !listpack_equal(packed, met[i], text);
        met[i] = (uint32_t)at;
    }
    heap_free(met);
    return sound ? 0 : MR_E_CORRUPT;
}
