/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The inside of the keyspace, for this folder's files.
 *
 * Invariants: an entry with the expiry bit is in its database's wheel and in
 * expiry_sum, no other one is; a database is in ks->active while its wheel holds
 * something; nothing refers to the entries of a drain but its dict.
 */
#pragma once

#include "base/clock.h"
#include "base/random.h"
#include "container/dict.h"
#include "container/wheel.h"
#include "keyspace/entry_private.h"
#include "keyspace/keyspace.h"

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

__extension__ typedef __int128 keyspace_sum;

#define DB_NOT_ACTIVE UINT32_MAX

struct db {
    struct keyspace *ks;
    unsigned index;
    uint32_t active; /* place in ks->active */
    /* The content, which keyspace_swap exchanges. */
    struct dict dict;
    struct wheel wheel;
    keyspace_sum expiry_sum; /* of all expiry times */
};

/* A flushed database that is being freed. */
struct keyspace_drain {
    struct dict dict;
    uint64_t cursor;
    struct keyspace_drain *next;
};

/* An addition of a loader on its way. */
struct keyspace_addition {
    struct db *db;
    struct entry *e; /* its expiry time is in the node, if it has one */
    uint64_t hash;
};

#define KEYSPACE_QUEUE 32 /* additions; a power of two */

struct keyspace_stats {
    uint64_t hits, misses;
    uint64_t expired;
    uint64_t expired_late; /* percent, hundredths: running share of keys found late */
    uint64_t expire_cut;   /* calls of keyspace_expire that ended with more due */
    uint64_t expire_ticks;
    uint64_t evicted;
    uint64_t eviction_total_ms, eviction_now_ms;
};

struct keyspace {
    struct arena arena;
    struct random random;
    uint64_t hash_key[2];
    int64_t second_ms;     /* when the access clock's second began */
    uint32_t access_clock; /* 22 bits of seconds */
    unsigned databases;
    uint64_t dirty;
    struct keyspace_stats stats;
    struct db **active; /* databases that have expiries */
    uint32_t active_count;
    uint32_t expire_next; /* whose turn it is in keyspace_expire */
    struct keyspace_drain *drains;
    bool rehashing;  /* some table may be */
    bool trimming;   /* the arena may have something to give back */
    size_t held_top; /* the most that the arena held since the last trim */
    struct keyspace_addition queue[KEYSPACE_QUEUE];
    uint32_t queue_begin, queue_count;
    struct keyspace_addition duplicate; /* .e NULL: none was met */
    struct db db[];
};

static inline uint32_t keyspace_clock(struct keyspace *ks)
{
    int64_t now = clock_ms();
    if (unlikely((uint64_t)(now - ks->second_ms) >= 1000)) {
        int64_t second = now / 1000;
        ks->second_ms = second * 1000;
        ks->access_clock = (uint32_t)((uint64_t)second & ENTRY_CLOCK_MAX);
    }
    return ks->access_clock;
}

static inline bool entry_is_expired(const struct entry *e)
{
    return unlikely(entry_has_expiry(e)) && wheel_time(e) <= clock_ms();
}

/* Brings ks->active to what the wheel holds. */
void db_note_active(struct db *db);
/* Puts E, whose node is there, in the wheel. */
void db_wheel_add(struct db *db, struct entry *e, int64_t expiry_ms);
/* Takes E, if it has an expiry, out of the wheel; its node stays. */
void db_wheel_remove(struct db *db, struct entry *e);

/* Takes E out of table and wheel; it is the caller's then. */
void db_unlink(struct db *db, struct entry *e, struct dict_slot slot, uint64_t hash);
/* The same, frees it, and counts it as expired. */
void db_drop_expired(struct db *db, struct entry *e, struct dict_slot slot, uint64_t hash);
/* Adds E to the table. */
void db_link(struct db *db, struct entry *e, uint64_t hash);

/* Frees E alone, or with what its value points to. */
void keyspace_free_shell(struct keyspace *ks, struct entry *e);
void keyspace_free_entry(struct keyspace *ks, struct entry *e);

/* After a change of D: its rehash is work for keyspace_background. */
static inline void keyspace_note_rehash(struct keyspace *ks, const struct dict *d)
{
    if (unlikely(dict_rehashing(d)))
        ks->rehashing = true;
}
