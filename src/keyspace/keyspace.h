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
#include "keyspace/entry_value.h"
#include "keyspace/observer.h"

struct keyspace;
struct db;
struct random;
struct object_types;

/* DATABASES databases, empty; each costs a few hundred bytes until used. */
struct keyspace *keyspace_new(unsigned databases);
void keyspace_free(struct keyspace *ks);

/* The types of values, for freeing and moving them; must outlive it. Without: strings only. */
void keyspace_set_types(struct keyspace *ks, const struct object_types *types);
const struct object_types *keyspace_types(const struct keyspace *ks);

/* Constant or not as the caller needs it, so that hooks which only read can have it too. */
struct arena *keyspace_arena(const struct keyspace *ks);
struct random *keyspace_random(struct keyspace *ks);
unsigned keyspace_databases(const struct keyspace *ks);
/* NULL if INDEX is out of range. */
struct db *keyspace_db(struct keyspace *ks, int64_t index);
/* A database beside the numbered ones, empty between calls, which nothing counts or tells
 * about: where a value is made before it is let in (RESTORE). */
struct db *keyspace_scratch(struct keyspace *ks);
/* The content of two databases changes places; their indexes stay with the callers. */
void keyspace_swap(struct keyspace *ks, unsigned a, unsigned b);

/* Writes since the last save or load; a save sets it to what came since. */
uint64_t keyspace_dirty(const struct keyspace *ks);
void keyspace_set_dirty(struct keyspace *ks, uint64_t dirty);

/* Rows: keyspace_hits, keyspace_misses, expired_keys .., and the section "keyspace". */
void keyspace_register_counters(struct keyspace *ks, struct counters *counters);

/* Keyed hash of a key (SipHash-1-3, Aumasson and Bernstein 2012, key drawn at start). */
uint64_t keyspace_hash(const struct keyspace *ks, struct slice key);

/* What becomes of a key whose time has come. */
enum keyspace_expiry_mode {
    KEYSPACE_EXPIRE, /* it is deleted, at the next look or by keyspace_expire */
    KEYSPACE_HIDE,   /* it is not found, but stays: its deletion comes from elsewhere (a replica) */
    KEYSPACE_SHOW,   /* it is there as any other (applying what comes from elsewhere) */
};
/* Writes in KEYSPACE_HIDE take the place of what is hidden under the key. */
void keyspace_set_expiry_mode(struct keyspace *ks, enum keyspace_expiry_mode mode);

/* Deletes keys that are due at NOW_MS, at most BUDGET of them; true if more are due. */
bool keyspace_expire(struct keyspace *ks, int64_t now_ms, unsigned budget);
/* When it should be called again (wall ms); INT64_MAX: nothing has an expiry. */
int64_t keyspace_expire_deadline(const struct keyspace *ks);
/* Work that is put off: rehashing, freeing of flushed databases, trimming. About US
 * microseconds of it; true while there is more. */
bool keyspace_background(struct keyspace *ks, int64_t us);
/* While it returns false: microseconds after which it should be called again, though nothing has
 * happened; -1: need not be. */
int64_t keyspace_background_wait(const struct keyspace *ks);
/* Whether some of that work is to free what was deleted, and memory counts as used until then. */
bool keyspace_is_freeing(const struct keyspace *ks);

/* --- one database --- */

struct keyspace *db_keyspace(const struct db *db);
unsigned db_index(const struct db *db);
uint64_t db_size(const struct db *db);
uint64_t db_expires(const struct db *db);

enum db_find_flag {
    DB_COUNT = 1,    /* counts as a keyspace hit or miss, and a miss is told (EVENT_MISS) */
    DB_NO_TOUCH = 2, /* leaves the access clock alone */
    DB_QUIET = 4,    /* a miss is counted but not told */
};

/* HASH is keyspace_hash(key). NULL: no such key (or its time has come). */
struct entry *db_find(struct db *db, struct slice key, uint64_t hash, unsigned flags);
void db_prefetch_bucket(const struct db *db, uint64_t hash);
void db_prefetch_entry(const struct db *db, uint64_t hash);
/* The same within the object at KEY: first the place of ELEMENT in it, whose hash is returned (0:
 * there is no object), some commands later what is there, of that hash. */
uint64_t db_prefetch_place(const struct db *db, struct slice key, uint64_t hash, struct slice element);
void db_prefetch_element(const struct db *db, struct slice key, uint64_t hash, uint64_t element);

#define DB_EXPIRY_NONE (-1)
#define DB_EXPIRY_KEEP (-2)

/* Sets KEY to a string, whatever it was before, and its expiry to EXPIRY_MS (or none, or
 * as it was). Integers are stored as such. MR_E_MEMORY when the value cannot be had,
 * with nothing changed; else 0. */
int db_set_string(struct db *db, struct slice key, uint64_t hash, struct slice value,
                  int64_t expiry_ms) MR_MUST_CHECK;

/* --- changing a string where it stands; E is what db_find gave for KEY, NULL: a new one ---
 * The expiry stays. Entries may move: E is not valid after. They tell no event. */

/* Makes it VALUE. MR_E_MEMORY as below. */
int db_store_integer(struct db *db, struct entry *e, struct slice key, uint64_t hash,
                     int64_t value) MR_MUST_CHECK;
/* Makes the string LEN bytes long: what was there up to LEN, zeros behind. *BYTES is its memory,
 * to be written until the next call that writes. An integer becomes text. A string that grows
 * often is given room for it. MR_E_MEMORY, with nothing changed, if it cannot be had. */
int db_edit_string(struct db *db, struct entry *e, struct slice key, uint64_t hash, size_t len,
                   char **bytes) MR_MUST_CHECK;

/* --- values of any type --- */

/* Puts V of TYPE at KEY, whatever was there, with EXPIRY_MS as db_set_string's. V's pointer is the
 * keyspace's then. MR_E_MEMORY, with nothing changed: it is still the caller's. */
int db_put(struct db *db, struct slice key, uint64_t hash, unsigned type, const struct entry_value *v,
           int64_t expiry_ms) MR_MUST_CHECK;
/* The same as COPY tells it: EVENT_NEW whatever was there; the handler calls db_event_replaced. */
int db_put_as_new(struct db *db, struct slice key, uint64_t hash, unsigned type, const struct entry_value *v,
                  int64_t expiry_ms) MR_MUST_CHECK;
/* Moves E of FROM to TO under the name KEY, its expiry and stamp with it; what stood there is
 * deleted. FROM may be TO. Tells EVENT_NEW; the handler calls db_event_replaced. MR_E_MEMORY, with
 * nothing changed. *MOVED (may be NULL): where it is. */
int db_move(struct db *from, struct entry *e, struct db *to, struct slice key, uint64_t hash,
            struct entry **moved) MR_MUST_CHECK;
/* Bytes that E and its value take in the arena, with its share of the table; SAMPLES as
 * object_type's memory. */
size_t db_memory(const struct db *db, const struct entry *e, size_t samples);
/* Bytes of the table, and of the index of its keys' expiry times. */
size_t db_table_memory(const struct db *db);
size_t db_expiry_memory(const struct db *db);

/* --- values of other types: packed bytes, or an object of the type's own; E as above ---
 * Packed bytes stand in the entry up to ENTRY_INLINE_MAX, else in a blob. */

/* Makes KEY's value of TYPE, E's or a new one, packed bytes of length LEN: those that were there up
 * to LEN (of packed bytes), the rest not cleared. *BYTES is their memory until the next call that
 * writes. One that grows often is given room, one that shrinks much gives it back. MR_E_MEMORY, with
 * nothing changed, if it cannot be had. */
int db_edit_packed(struct db *db, struct entry *e, struct slice key, uint64_t hash, unsigned type, size_t len,
                   char **bytes) MR_MUST_CHECK;
/* Makes it the object ROOT, which is the keyspace's then; packed bytes that E had are freed.
 * MR_E_MEMORY, with nothing changed, for a key that is too long. */
int db_set_object(struct db *db, struct entry *e, struct slice key, uint64_t hash, unsigned type,
                  void *root) MR_MUST_CHECK;
/* E's object was changed where it stands: counts as a write. */
void db_changed(struct db *db, struct entry *e);
/* Deletes E, whose collection has become empty, with what is left of its value. Tells no event. */
void db_delete_entry(struct db *db, struct entry *e);
/* Frees what V of TYPE, which found no place, points to. */
void keyspace_free_value(struct keyspace *ks, unsigned type, const struct entry_value *v);
/* As db_load_string, for V of TYPE, which is the keyspace's then in any case. */
int db_load_value(struct db *db, struct slice key, unsigned type, const struct entry_value *v,
                  int64_t expiry_ms, int64_t idle_s, int freq) MR_MUST_CHECK;

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
/* Empties it in O(1); memory comes back in the background. */
void db_flush(struct db *db);
/* A key drawn at random; NULL if empty, or if a bounded search met only keys whose time has
 * come. */
struct entry *db_random(struct db *db);
/* One step of SCAN (dict_scan's guarantee); expired keys are left out. FN must not write. */
uint64_t db_scan(struct db *db, uint64_t cursor, void (*fn)(void *arg, struct entry *e), void *arg);
/* Every key, in table order; FN returns false to stop. FN must not write. */
void db_each(struct db *db, bool (*fn)(void *arg, struct entry *e), void *arg);
