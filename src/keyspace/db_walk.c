/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Walking over a database: random draws, SCAN, every key.
 */
#include "keyspace/keyspace.h"

#include "keyspace/keyspace_private.h"

/* Keys whose time has come that a draw meets before it gives up. */
#define DRAWS_MAX 100

struct entry *db_random(struct db *db)
{
    struct keyspace *ks = db->ks;
    for (unsigned draws = 0; draws < DRAWS_MAX; draws++) {
        struct db_place p = {.old = dict_random(&db->dict, &ks->arena, &ks->random)};
        if (p.old == NULL || db_is_live(db, p.old))
            return p.old;
        if (ks->expiry_mode != KEYSPACE_EXPIRE)
            continue;
        uint64_t hash = db_place_of(db, p.old, &p.slot);
        db_place_due(db, &p, hash);
    }
    return NULL;
}

struct scan {
    const struct db *db;
    void (*fn)(void *arg, struct entry *e);
    bool (*until)(void *arg, struct entry *e);
    void *arg;
    bool stopped;
};

static void scan_element(void *arg, void *element)
{
    struct scan *scan = arg;
    if (db_is_live(scan->db, element))
        scan->fn(scan->arg, element);
}

uint64_t db_scan(struct db *db, uint64_t cursor, void (*fn)(void *arg, struct entry *e), void *arg)
{
    struct scan scan = {.db = db, .fn = fn, .arg = arg};
    return dict_scan(&db->dict, &db->ks->arena, cursor, scan_element, &scan);
}

static void each_element(void *arg, void *element)
{
    struct scan *scan = arg;
    if (!scan->stopped && db_is_live(scan->db, element))
        scan->stopped = !scan->until(scan->arg, element);
}

void db_each(struct db *db, bool (*fn)(void *arg, struct entry *e), void *arg)
{
    struct scan scan = {.db = db, .until = fn, .arg = arg};
    uint64_t cursor = 0;
    do {
        cursor = dict_scan(&db->dict, &db->ks->arena, cursor, each_element, &scan);
    } while (cursor != 0 && !scan.stopped);
}
