/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The keyspace: numbered databases of entries in one arena, their expiry, and the
 * counters of both. One owner thread.
 *
 * A key whose time has come is gone for every call here (deleted on the way where
 * something looks at it, by keyspace_expire otherwise). Pointers to entries are
 * valid until the next call that writes to the same database.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/counter.h"
#include "base/error.h"
#include "base/slice.h"
#include "keyspace/entry.h"

struct keyspace;
struct db;
struct random;

/* DATABASES databases, empty; each costs a few hundred bytes until used. */
struct keyspace *keyspace_new(unsigned databases);
void keyspace_free(struct keyspace *ks);

struct arena *keyspace_arena(struct keyspace *ks);
struct random *keyspace_random(struct keyspace *ks);
unsigned keyspace_databases(const struct keyspace *ks);
/* NULL if INDEX is out of range. */
struct db *keyspace_db(struct keyspace *ks, int64_t index);
/* The content of two databases changes places; their indexes stay with the callers. */
void keyspace_swap(struct keyspace *ks, unsigned a, unsigned b);

/* Writes since the last save or load; a save sets it to what came since. */
uint64_t keyspace_dirty(const struct keyspace *ks);
void keyspace_set_dirty(struct keyspace *ks, uint64_t dirty);

/* Rows: keyspace_hits, keyspace_misses, expired_keys .., and the section "keyspace". */
void keyspace_register_counters(struct keyspace *ks, struct counters *counters);

/* Keyed hash of a key (SipHash-1-3, Aumasson and Bernstein 2012, key drawn at start). */
uint64_t keyspace_hash(const struct keyspace *ks, struct slice key);

/* Deletes keys that are due at NOW_MS, at most BUDGET of them; true if more are due. */
bool keyspace_expire(struct keyspace *ks, int64_t now_ms, unsigned budget);
/* When it should be called again (wall ms); INT64_MAX: nothing has an expiry. */
int64_t keyspace_expire_deadline(const struct keyspace *ks);
/* Work that is put off: rehashing, freeing of flushed databases, trimming. About US
 * microseconds of it; true while there is more. */
bool keyspace_background(struct keyspace *ks, int64_t us);
/* Whether some of that work is to free what was deleted, and memory counts as used until then. */
bool keyspace_is_freeing(const struct keyspace *ks);

/* --- one database --- */

struct keyspace *db_keyspace(const struct db *db);
unsigned db_index(const struct db *db);
uint64_t db_size(const struct db *db);
uint64_t db_expires(const struct db *db);

enum db_find_flag {
    DB_COUNT = 1,    /* counts as a keyspace hit or miss */
    DB_NO_TOUCH = 2, /* leaves the access clock alone */
};

/* HASH is keyspace_hash(key). NULL: no such key (or its time has come). */
struct entry *db_find(struct db *db, struct slice key, uint64_t hash, unsigned flags);
void db_prefetch_bucket(const struct db *db, uint64_t hash);
void db_prefetch_entry(const struct db *db, uint64_t hash);

#define DB_EXPIRY_NONE (-1)
#define DB_EXPIRY_KEEP (-2)

/* Sets KEY to a string, whatever it was before, and its expiry to EXPIRY_MS (or none, or
 * as it was). Integers are stored as such. MR_E_MEMORY when the value cannot be had,
 * with nothing changed; else 0. */
int db_set_string(struct db *db, struct slice key, uint64_t hash, struct slice value,
                  int64_t expiry_ms) MR_MUST_CHECK;

/* For a loader: adds a string that must not be there yet. IS_INT: VALUE is ignored. IDLE_S /
 * FREQ: -1 if unknown. Additions are queued a few deep, so that the table's memory is on its
 * way when they are made: until keyspace_load_flush the last ones cannot be found. MR_E_CORRUPT:
 * an addition, maybe an earlier one, met a key that is there already (keyspace_load_duplicate). */
int db_load_string(struct db *db, struct slice key, struct slice value, bool is_int, int64_t integer,
                   int64_t expiry_ms, int64_t idle_s, int freq) MR_MUST_CHECK;
/* Makes the queued additions. Must be called before anything else uses the keyspace. */
int keyspace_load_flush(struct keyspace *ks) MR_MUST_CHECK;
/* False if no duplicate was met; else its key (valid until the next addition) and database. */
bool keyspace_load_duplicate(const struct keyspace *ks, struct slice *key, unsigned *index);
/* A hint that COUNT keys will come; bad hints are ignored. */
void db_reserve(struct db *db, uint64_t count);

/* True if it was there. Big values are freed in the background. */
bool db_delete(struct db *db, struct slice key, uint64_t hash);
/* Sets or replaces E's expiry; a time that is past deletes it at the next look. */
void db_set_expiry(struct db *db, struct entry *e, int64_t expiry_ms);
/* True if it had one. */
bool db_clear_expiry(struct db *db, struct entry *e);
/* Moves E to another name, its expiry with it; what stood there is deleted. MR_E_MEMORY,
 * with nothing changed, when room for the name cannot be had. */
int db_rename(struct db *db, struct entry *e, struct slice to, uint64_t to_hash) MR_MUST_CHECK;
/* Empties it in O(1); memory comes back in the background. */
void db_flush(struct db *db);
/* A key drawn at random; NULL if empty. Expired ones are not returned. */
struct entry *db_random(struct db *db);
/* One step of SCAN (dict_scan's guarantee); expired keys are left out. FN must not write. */
uint64_t db_scan(struct db *db, uint64_t cursor, void (*fn)(void *arg, struct entry *e), void *arg);
/* Every key, in table order; FN returns false to stop. FN must not write. */
void db_each(struct db *db, bool (*fn)(void *arg, struct entry *e), void *arg);
