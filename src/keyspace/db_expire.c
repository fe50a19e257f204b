/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Expiry: setting and taking away the time of a key, and deleting keys that are due. That of elements
 * of objects is in expiring.c.
 */
#include "keyspace/keyspace.h"

#include "keyspace/evict_private.h"
#include "keyspace/keyspace_private.h"

#define LATE_MS     10
#define SET_BACK_MS 1000 /* by more than the turn's clock is behind */
#define LATE_MEMORY 20   /* calls that the running share of late keys remembers, about */

void db_note_active(struct db *db)
{
    struct keyspace *ks = db->ks;
    bool has = db->wheel.count != 0 || db->expiring.count != 0;
    if (has && db->active == DB_NOT_ACTIVE) {
        db->active = ks->active_count;
        ks->active[ks->active_count++] = db;
    } else if (!has && db->active != DB_NOT_ACTIVE) {
        struct db *last = ks->active[--ks->active_count];
        ks->active[db->active] = last;
        last->active = db->active;
        db->active = DB_NOT_ACTIVE;
    }
}

void db_wheel_add(struct db *db, struct entry *e, int64_t expiry_ms)
{
    wheel_add(&db->wheel, &db->ks->arena, e, expiry_ms);
    e->head |= ENTRY_EXPIRY;
    db->expiry_sum += expiry_ms;
    if (unlikely(db->wheel.count == 1))
        db_note_active(db);
}

void db_wheel_remove(struct db *db, struct entry *e)
{
    if (likely(!entry_has_expiry(e)))
        return;
    db->expiry_sum -= wheel_time(e);
    wheel_remove(&db->wheel, &db->ks->arena, e);
    e->head &= ~ENTRY_EXPIRY;
    if (unlikely(db->wheel.count == 0))
        db_note_active(db);
}

/* Makes E anew with or without room for a node; its expiry, if it has one, is lost. */
static struct entry *remake(struct db *db, struct entry *e, bool node)
{
    struct keyspace *ks = db->ks;
    struct slice key = entry_key(e);
    struct dict_slot slot;
    db_place_of(db, e, &slot);
    struct entry_value v;
    entry_value_of(&v, e);
    struct entry *made = arena_alloc(&ks->arena, entry_layout(node, key.len, v.size));
    entry_write(made, entry_type(e), entry_stamp(e), node, key, &v);
    made->head |= e->head & ENTRY_COLOUR;
    dict_replace(&db->dict, &ks->arena, slot, made);
    keyspace_free_shell(ks, e);
    return made;
}

void db_set_expiry(struct db *db, struct entry *e, int64_t expiry_ms)
{
    if (expiry_ms < 0)
        expiry_ms = 0;
    if (entry_has_expiry(e))
        db_wheel_remove(db, e);
    else if (!entry_has_node(e))
        e = remake(db, e, true);
    db_wheel_add(db, e, expiry_ms);
    evict_wrote(db->ks, e);
    db->ks->dirty += !db->scratch;
}

bool db_clear_expiry(struct db *db, struct entry *e)
{
    if (!entry_has_expiry(e))
        return false;
    db_wheel_remove(db, e);
    if (!entry_wants_node(false, entry_key(e).len))
        e = remake(db, e, false);
    evict_wrote(db->ks, e);
    db->ks->dirty += !db->scratch;
    return true;
}

/* --- deleting what is due --- */

struct expired {
    uint64_t count, late;
};

/* True if DB may have more that is due than BUDGET allowed. Keys and elements have a half of it each,
 * so that many of the one do not make the others late. */
static bool expire_db(struct db *db, int64_t now_ms, unsigned budget, struct expired *expired)
{
    struct entry *e;
    unsigned half = db->expiring.count != 0 ? (budget + 1) / 2 : 0;
    bool more = false;
    if (half != 0) {
        budget -= budget > half ? half : 0;
        expiring_expire(db, now_ms, &half);
        more = half == 0;
    }
    while ((e = wheel_next(&db->wheel, &db->ks->arena, now_ms, &budget)) != NULL) {
        int64_t lag_ms = now_ms - wheel_time(e);
        expired->count++;
        expired->late += lag_ms > LATE_MS;
        struct dict_slot slot;
        uint64_t hash = db_place_of(db, e, &slot);
        db_drop_expired(db, e, slot, hash, lag_ms);
    }
    return budget == 0 || more;
}

static void note_expired(struct keyspace *ks, const struct expired *expired)
{
    if (expired->count == 0)
        return;
    ks->stats.expired_active += expired->count;
    uint64_t share = expired->late * 10000 / expired->count;
    ks->stats.expired_late = (ks->stats.expired_late * (LATE_MEMORY - 1) + share) / LATE_MEMORY;
}

bool keyspace_expire(struct keyspace *ks, int64_t now_ms, unsigned budget)
{
    uint32_t count = ks->active_count;
    if (count == 0 || ks->expiry_mode != KEYSPACE_EXPIRE)
        return false;
    uint64_t start = clock_ticks();
    unsigned share = budget > count ? budget / count : 1;
    struct expired expired = {0};
    bool more = false;
    for (uint32_t i = 0; i < count; i++) {
        if (budget < share) {
            more |= keyspace_expire_deadline(ks) <= now_ms;
            break;
        }
        budget -= share;
        /* A database that becomes empty of expiries leaves its place to another one. */
        uint32_t place = ks->expire_next < ks->active_count ? ks->expire_next : 0;
        struct db *db = ks->active[place];
        more |= expire_db(db, now_ms, share, &expired);
        if (ks->active_count == 0)
            break;
        ks->expire_next = db->active == place ? place + 1 : place;
    }
    note_expired(ks, &expired);
    ks->stats.expire_cut += more;
    ks->stats.expire_ticks += clock_ticks() - start;
    return more;
}

/* A wheel that is ahead of a clock that was set back has to be told first. */
static int64_t deadline_of(const struct keyspace *ks, const struct wheel *w)
{
    if (w->count != 0 && unlikely(w->now > clock_ms() + SET_BACK_MS))
        return clock_ms();
    return wheel_deadline(w, &ks->arena);
}

int64_t keyspace_expire_deadline(const struct keyspace *ks)
{
    int64_t deadline = INT64_MAX;
    if (ks->expiry_mode != KEYSPACE_EXPIRE)
        return deadline;
    for (uint32_t i = 0; i < ks->active_count; i++) {
        int64_t of_keys = deadline_of(ks, &ks->active[i]->wheel);
        int64_t of_elements = deadline_of(ks, &ks->active[i]->expiring);
        int64_t first = of_keys < of_elements ? of_keys : of_elements;
        deadline = first < deadline ? first : deadline;
    }
    return deadline;
}
