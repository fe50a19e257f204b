/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Giving fields that are there an expiry, or taking it away. What may be refused, a table in the
 * place of a listpack and memory for long fields in their other form, is had before anything changes.
 */
#include "base/heap.h"
#include "types/hash/hash_private.h"

struct changing {
    struct hash_table *t;
    struct keyspace *ks;
    const struct slice *fields;
    uint32_t count;
    int64_t time_ms;
    hash_may_fn *may;
    const void *arg;
    int64_t *results;
    struct hash_field **rooms; /* by the number of the field; NULL: none needs one */
};

static struct hash_field *find(const struct changing *c, uint32_t i, struct dict_slot *slot)
{
    uint64_t hash = keyspace_hash(c->ks, c->fields[i]);
    struct hash_field *f = hash_table_find(c->t, c->ks, c->fields[i], hash, slot);
    return hash_field_seen(c->ks, f) ? f : NULL;
}

static struct hash_field **rooms_new(uint32_t count)
{
    struct hash_field **rooms = heap_try_alloc(count * sizeof *rooms);
    if (rooms != NULL)
        memset(rooms, 0, count * sizeof *rooms);
    return rooms;
}

static void free_rooms(struct changing *c)
{
    for (uint32_t i = 0; c->rooms != NULL && i < c->count; i++)
        if (c->rooms[i] != NULL)
            hash_field_free(c->rooms[i], keyspace_arena(c->ks));
    heap_free(c->rooms);
}

/* Has the memory for the small ones promised, where they are many. */
static int promise(const struct changing *c, bool *promised)
{
    size_t bytes = 0;
    *promised = c->count > ARENA_CUSHION_OBJECTS;
    for (uint32_t i = 0; *promised && i < c->count; i++) {
        const struct hash_field *f = find(c, i, NULL);
        if (f != NULL)
            bytes += arena_usable(hash_field_bytes(hash_field_name(f), hash_field_value(f), true));
    }
    if (*promised)
        *promised = arena_promise(keyspace_arena(c->ks), bytes);
    return *promised || c->count <= ARENA_CUSHION_OBJECTS ? 0 : MR_E_MEMORY;
}

static int make_rooms(struct changing *c)
{
    struct arena *a = keyspace_arena(c->ks);
    for (uint32_t i = 0; i < c->count; i++) {
        struct hash_field *room, *f = find(c, i, NULL);
        if (f == NULL)
            continue;
        int code = hash_field_room(f, a, c->time_ms != DB_EXPIRY_NONE, &room);
        if (code != 0)
            return code;
        if (room == NULL)
            continue;
        if (c->rooms == NULL)
            c->rooms = rooms_new(c->count);
        if (c->rooms == NULL) {
            hash_field_free(room, a);
            return MR_E_MEMORY;
        }
        c->rooms[i] = room;
    }
    return 0;
}

static uint32_t change_fields(struct changing *c)
{
    uint32_t changed = 0;
    for (uint32_t i = 0; i < c->count; i++) {
        struct dict_slot slot;
        struct hash_field *f = find(c, i, &slot);
        c->results[i] = f == NULL ? HASH_NO_FIELD : hash_field_time(f);
        if (f == NULL)
            continue;
        if (!c->may(c->arg, c->results[i])) {
            c->results[i] = INT64_MIN;
            continue;
        }
        struct hash_field *room = c->rooms != NULL ? c->rooms[i] : NULL;
        /* A field that is named twice may have the form by now. */
        if (room != NULL && expiring_has(f) != expiring_has(room)) {
            hash_table_set_time(c->t, c->ks, slot, f, c->time_ms, room);
            c->rooms[i] = NULL;
        } else {
            hash_table_set_time(c->t, c->ks, slot, f, c->time_ms, NULL);
        }
        changed++;
    }
    return changed;
}

/* Of a listpack no field has an expiry: what MAY says of each, without a change. True: some are to
 * have one. */
static bool ask_packed(const struct hash *h, struct changing *c)
{
    bool wanted = false;
    for (uint32_t i = 0; i < c->count; i++) {
        c->results[i] = hash_time(h, c->fields[i]);
        if (c->results[i] == HASH_NO_FIELD)
            continue;
        if (c->may(c->arg, DB_EXPIRY_NONE))
            wanted = true;
        else
            c->results[i] = INT64_MIN;
    }
    return wanted && c->time_ms != DB_EXPIRY_NONE;
}

int hash_set_times(struct hash *h, const struct hash_place *p, const struct slice *fields, uint32_t count,
                   int64_t time_ms, hash_may_fn *may, const void *arg, int64_t *results, uint32_t *changed)
{
    struct keyspace *ks = db_keyspace(p->db);
    struct changing c = {.t = h->table,
                         .ks = ks,
                         .fields = fields,
                         .count = count,
                         .time_ms = time_ms,
                         .may = may,
                         .arg = arg,
                         .results = results};
    bool made = h->table == NULL;
    uint64_t dirty = keyspace_dirty(ks);
    *changed = 0;
    if (made && !ask_packed(h, &c))
        return 0;
    if (made)
        c.t = hash_table_of(ks, h->packed);
    bool promised = false;
    int code = c.t != NULL ? promise(&c, &promised) : MR_E_MEMORY;
    if (code == 0)
        code = make_rooms(&c);
    if (code == 0) {
        *changed = change_fields(&c);
        if (made)
            code = db_set_object(p->db, h->e, p->key, p->hash, OBJECT_HASH, c.t);
    }
    free_rooms(&c);
    if (promised)
        arena_promise_end(keyspace_arena(ks));
    if (code != 0) {
        *changed = 0;
        if (made && c.t != NULL)
            hash_table_free(c.t, ks);
        return code;
    }
    if (!made && *changed != 0) {
        db_changed(p->db, h->e);
        expiring_enter(p->db, h->e);
    }
    keyspace_set_dirty(ks, dirty + *changed);
    return 0;
}
