/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a hash is, for the files of this folder.
 *
 * Small: a listpack of field, value, field, value.. in the order in which the fields came; packed
 * bytes of the keyspace, which may be longer than the listpack says. Big: a table, an object whose
 * root is struct hash_table (types/hash/hash_table.h). A hash that has become big stays so.
 *
 * A value is a text there, a number's too. A hash is never empty. One of which a field has an expiry
 * is a table; a field that is hidden (expiring_hides) is not there for any command, though the
 * hash's length counts it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "container/listpack.h"
#include "keyspace/object.h"
#include "types/hash/hash.h"
#include "types/hash/hash_table.h"

/* Fields and values are shorter; so are their sums. */
#define HASH_TEXT_MAX ((size_t)UINT32_MAX)

/* A hash as it stands, until the next call that writes. */
struct hash {
    const struct keyspace *ks;
    struct entry *e;          /* NULL: there is no such key, nor any of the below */
    unsigned char *packed;    /* the listpack; NULL: */
    struct hash_table *table; /* this */
    const char *known;        /* a field whose keyspace_hash is KNOWN_HASH */
    uint64_t known_hash;
};

/* --- hash_value.c: over both --- */

void hash_open(struct hash *h, const struct keyspace *ks, const struct entry *e);
uint64_t hash_length(const struct hash *h);
/* Fields that are seen: what hash_each will come to. */
uint64_t hash_seen(const struct hash *h);
/* Whether FIELD is there; then *VALUE, of its bytes. */
bool hash_get(const struct hash *h, struct slice field, struct listpack_value *value);
/* When FIELD goes; DB_EXPIRY_NONE: never, HASH_NO_FIELD: it is not there. */
#define HASH_NO_FIELD (-2)
int64_t hash_time(const struct hash *h, struct slice field);
/* Calls FN for each pair that is seen; false from it ends it. */
typedef bool hash_each_fn(void *arg, const struct listpack_value *field, const struct listpack_value *value);
void hash_each(const struct hash *h, hash_each_fn *fn, void *arg);

/* Where a change is to be made. */
struct hash_place {
    struct db *db;
    struct slice key;
    uint64_t hash;
    const struct hash_options *options;
};

/* Sets COUNT pairs, at least one: field, value, field, value.. in PAIRS; the number of fields that
 * were not there, or MR_E_MEMORY with nothing changed. TIME_MS: when they go; DB_EXPIRY_NONE, or
 * DB_EXPIRY_KEEP: those that were there as they would have. H is not valid after. */
int64_t hash_set(struct hash *h, const struct hash_place *p, const struct slice *pairs, uint32_t count,
                 int64_t time_ms);
/* Deletes the COUNT fields in FIELDS: how many were there. *EMPTY: nothing is left of the hash, nor
 * the key. H is not valid after. */
uint32_t hash_delete(struct hash *h, const struct hash_place *p, const struct slice *fields, uint32_t count,
                     bool *empty);

/* Makes the COUNT fields in FIELDS that are there, and for which MAY says so, go at TIME_MS, or never:
 * DB_EXPIRY_NONE. RESULTS: of each what MAY was told, INT64_MIN where it refused. One that is named
 * twice is asked for twice. *CHANGED: how many were changed. MR_E_MEMORY with nothing changed. H is
 * not valid after. */
typedef bool hash_may_fn(const void *arg, int64_t was_ms);
int hash_set_times(struct hash *h, const struct hash_place *p, const struct slice *fields, uint32_t count,
                   int64_t time_ms, hash_may_fn *may, const void *arg, int64_t *results,
                   uint32_t *changed) MR_MUST_CHECK;

/* --- hash_maker.c --- */

/* MR_E_CORRUPT: a field of PACKED, a listpack of pairs, is there twice; MR_E_MEMORY. */
int hash_packed_check(const struct keyspace *ks, const unsigned char *packed) MR_MUST_CHECK;

/* --- hash_rdb.c, hash_object.c --- */

int hash_rdb_load(struct rdb_reader *in, unsigned rdb_type, struct db *db, const struct object_meta *meta,
                  void **partial);
void hash_rdb_load_drop(struct keyspace *ks, void *partial);
unsigned hash_rdb_type(const struct keyspace *ks, const struct entry *e);
void hash_rdb_save(struct rdb_writer *out, const struct keyspace *ks, const struct entry *e);
extern const int8_t hash_rdb_types[];

/* --- hash_rewrite.c --- */

void hash_rewrite(struct rewrite *out, const struct keyspace *ks, const struct entry *e);
