/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The inside of the keyspace, for this folder's files.
 *
 * Invariants: an entry with the expiry bit is in its database's wheel and in
 * expiry_sum, no other one is; a database is in ks->active while one of its wheels holds
 * something; the struct expiring of an object is in db->expiring while db has the object;
 * nothing refers to the entries of a drain but its dict.
 */
#pragma once

#include "base/clock.h"
#include "base/random.h"
#include "container/dict.h"
#include "container/wheel.h"
#include "keyspace/background_private.h"
#include "keyspace/defrag_state.h"
#include "keyspace/entry_private.h"
#include "keyspace/evict_state.h"
#include "keyspace/keyspace.h"
#include "keyspace/keyspace_state.h"

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

__extension__ typedef __int128 keyspace_sum;

#define DB_NOT_ACTIVE UINT32_MAX

struct db {
    struct keyspace *ks;
    unsigned index;
    uint32_t active; /* place in ks->active */
    bool scratch;    /* keyspace_scratch's: nothing is counted or told, nothing expires */
    /* The content, which keyspace_swap exchanges. */
    struct dict dict;
    struct wheel wheel;
    keyspace_sum expiry_sum; /* of all expiry times */
    struct wheel expiring;   /* of the struct expiring of objects */
    uint32_t home;           /* by which those know the content: its place in ks->homes */
};

/* What a write took the place of. */
enum keyspace_replaced { REPLACED_NOTHING, REPLACED_SAME_TYPE, REPLACED_OTHER_TYPE };

struct keyspace {
    struct arena arena;
    struct random random;
    uint64_t hash_key[2];
    unsigned databases;
    enum keyspace_expiry_mode expiry_mode;
    uint32_t observed;               /* classes that some observer asks for */
    enum keyspace_replaced replaced; /* by the last db_move or db_put_as_new */
    struct keyspace_observer *observers;
    const struct object_types *types; /* NULL: strings only */
    struct evict_state evict;
    struct defrag_state defrag;
    uint64_t dirty;
    struct keyspace_stats stats;
    struct db **homes;  /* by the number of a content: the database that has it */
    struct db **active; /* databases that have expiries */
    uint32_t active_count;
    uint32_t expire_next; /* whose turn it is in keyspace_expire */
    struct keyspace_drain *drains;
    struct keyspace_orphan *orphans;
    bool rehashing; /* some table may be */
    struct keyspace_trim trim;
    struct keyspace_addition queue[KEYSPACE_QUEUE];
    uint32_t queue_begin, queue_count;
    struct keyspace_addition duplicate; /* .e NULL: none was met */
    struct db db[];                     /* the last one is the scratch database */
};

/* Whether E's time has come; what that means is the expiry mode's business. */
static inline bool entry_is_due(const struct entry *e)
{
    return unlikely(entry_has_expiry(e)) && wheel_time(e) <= clock_ms();
}

/* Whether one that is due is there all the same. */
static inline bool db_shows_due(const struct db *db)
{
    return db->ks->expiry_mode == KEYSPACE_SHOW || db->scratch;
}

static inline bool db_is_live(const struct db *db, const struct entry *e)
{
    return likely(!entry_is_due(e)) || db_shows_due(db);
}

/* Where a key is to be written. */
struct db_place {
    struct entry *old; /* what stands there, NULL: nothing */
    struct dict_slot slot;
    bool hidden; /* OLD is due: it is in the way, but not there */
};

/* What becomes of a place where OLD is due; deletes it where that is the mode. */
void db_place_due(struct db *db, struct db_place *p, uint64_t hash);

/* Brings ks->active to what the wheel holds. */
void db_note_active(struct db *db);
/* Puts E, whose node is there, in the wheel. */
void db_wheel_add(struct db *db, struct entry *e, int64_t expiry_ms);
/* Takes E, if it has an expiry, out of the wheel; its node stays. */
void db_wheel_remove(struct db *db, struct entry *e);

/* Where E of DB stands; returns its key's hash. */
uint64_t db_place_of(const struct db *db, const struct entry *e, struct dict_slot *slot);

/* Takes E out of table and wheel; it is the caller's then. */
void db_unlink(struct db *db, struct entry *e, struct dict_slot slot, uint64_t hash);
/* The same where its place is not known. */
void db_unlink_entry(struct db *db, struct entry *e);
/* As db_unlink, frees it, counts it as expired LAG_MS late and tells so. */
void db_drop_expired(struct db *db, struct entry *e, struct dict_slot slot, uint64_t hash, int64_t lag_ms);
/* Of an object of DB: what DB knows of its elements' expiry, behind its coming and before its going.
 * HASH is its key's. */
void expiring_come(struct db *db, struct entry *e, uint64_t hash);
void expiring_go(struct db *db, struct entry *e);
/* Deletes elements that are due, *BUDGET counts them down; it ends early only where that is 0. */
void expiring_expire(struct db *db, int64_t now_ms, unsigned *budget);

/* Adds E to the table. */
void db_link(struct db *db, struct entry *e, uint64_t hash);

/* An entry of SIZE bytes; NULL: no memory, for one that is large. */
struct entry *keyspace_alloc_entry(struct keyspace *ks, size_t size);
/* Frees E alone, or with what its value points to: a big value in the background. */
void keyspace_free_shell(struct keyspace *ks, struct entry *e);
void keyspace_free_entry(struct keyspace *ks, struct entry *e);
/* For keyspace_free: forgets the orphans, whose memory goes with the arena. */
void keyspace_free_orphan_list(struct keyspace *ks);

/* Counts a key or an element that was deleted so late. */
void keyspace_stats_lag(struct keyspace *ks, int64_t lag_ms);

/* What the keyspace tells by itself. */
void db_event_new(struct db *db, struct slice key);
void db_event_took(struct db *db, enum keyspace_replaced replaced, struct slice key);
void db_event_flushed(struct db *db);
void db_event_swapped(struct db *db, struct db *other);

/* After a change of D: its rehash is work for keyspace_background. */
static inline void keyspace_note_rehash(struct keyspace *ks, const struct dict *d)
{
    if (unlikely(dict_rehashing(d)))
        ks->rehashing = true;
}
