/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The loader's way in: additions stand in a short queue between the prefetch of their
 * bucket and the moment they are made, because the table's memory is the slow part of
 * loading many keys.
 *
 * An entry in the queue is complete, with its expiry time in the node, but neither in
 * the table nor in the wheel.
 */
#include "keyspace/keyspace.h"

#include <assert.h>

#include "keyspace/evict.h"
#include "keyspace/keyspace_ops.h"
#include "keyspace/keyspace_private.h"

static void drop_duplicate(struct keyspace *ks)
{
    if (likely(ks->duplicate.e == NULL))
        return;
    keyspace_free_entry(ks, ks->duplicate.e);
    ks->duplicate.e = NULL;
}

/* Makes the oldest addition of the queue. */
static int make_oldest(struct keyspace *ks)
{
    struct keyspace_addition add = ks->queue[ks->queue_begin % KEYSPACE_QUEUE];
    ks->queue_begin++;
    ks->queue_count--;
    struct db *db = add.db;
    bool expiry = entry_has_expiry(add.e);
    add.e->head &= ~ENTRY_EXPIRY;
    if (dict_inline_find(&db->dict, &ks->arena, &keyspace_dict_ops, entry_key(add.e), add.hash, NULL) !=
        NULL) {
        drop_duplicate(ks);
        ks->duplicate = add;
        return MR_E_CORRUPT;
    }
    db_link(db, add.e, add.hash);
    if (expiry)
        db_wheel_add(db, add.e, wheel_time(add.e));
    return 0;
}

int keyspace_load_flush(struct keyspace *ks)
{
    int rc = 0;
    while (ks->queue_count != 0) {
        int made = make_oldest(ks);
        if (rc == 0)
            rc = made;
    }
    return rc;
}

bool keyspace_load_duplicate(const struct keyspace *ks, struct slice *key, unsigned *index)
{
    if (ks->duplicate.e == NULL)
        return false;
    *key = entry_key(ks->duplicate.e);
    *index = ks->duplicate.db->index;
    return true;
}

int db_load_value(struct db *db, struct slice key, unsigned type, const struct entry_value *v,
                  int64_t expiry_ms, int64_t idle_s, int freq)
{
    struct keyspace *ks = db->ks;
    drop_duplicate(ks);
    bool expiry = expiry_ms >= 0;
    bool node = entry_wants_node(expiry, key.len);
    struct entry *e = NULL;
    if (likely(key.len <= ENTRY_KEY_MAX))
        e = keyspace_alloc_entry(ks, entry_layout(node, key.len, v->size));
    if (unlikely(e == NULL)) {
        keyspace_free_value(ks, type, v);
        return MR_E_MEMORY;
    }
    entry_write(e, type, evict_stamp(ks, idle_s, freq), node, key, v);
    if (expiry) {
        memcpy((char *)e + WHEEL_NODE_OFFSET, &expiry_ms, sizeof expiry_ms);
        e->head |= ENTRY_EXPIRY;
    }
    int rc = 0;
    if (ks->queue_count == KEYSPACE_QUEUE)
        rc = make_oldest(ks);
    uint64_t hash = keyspace_hash(ks, key);
    db_prefetch_bucket(db, hash);
    ks->queue[(ks->queue_begin + ks->queue_count++) % KEYSPACE_QUEUE] =
        (struct keyspace_addition){.db = db, .e = e, .hash = hash};
    return rc;
}

int db_load_string(struct db *db, struct slice key, struct slice value, bool is_int, int64_t integer,
                   int64_t expiry_ms, int64_t idle_s, int freq)
{
    struct entry_value v;
    if (is_int || (entry_may_be_integer(value) && number_to_int(value, &integer)))
        entry_value_integer(&v, integer);
    else if (entry_value_packed(&v, &db->ks->arena, value) < 0)
        return MR_E_MEMORY;
    return db_load_value(db, key, OBJECT_STRING, &v, expiry_ms, idle_s, freq);
}
