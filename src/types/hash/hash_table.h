/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Big hashes: tables of fields. Nothing here knows keys or databases.
 *
 * A field of a table is one allocation:
 *
 *   | u8 flags | varint length | field | varint length | value |
 *   | u8 flags | 3 free | 18-byte wheel node | varint length | field | ..
 *   flags:  bit 0: the field has an expiry, and the second form (keyspace/expiring.h)
 *   varint: keyspace/entry.h's
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "container/dict.h"
#include "keyspace/expiring.h"

struct hash_field {
    unsigned char bytes[1];
};

/* In the arena; holds no pointer. */
struct hash_table {
    uint64_t expiring; /* the word of keyspace/expiring.h */
    struct dict dict;
    uint64_t bytes;   /* of the fields */
    uint64_t drained; /* dict_drain's cursor */
};

static inline struct slice hash_field_name(const struct hash_field *f)
{
    return entry_counted(f->bytes + (expiring_has(f) ? EXPIRING_HEAD : 1));
}

static inline struct slice hash_field_value(const struct hash_field *f)
{
    struct slice name = hash_field_name(f);
    return entry_counted((const unsigned char *)name.ptr + name.len);
}

/* Whether F, which may be NULL, is there for a command. */
static inline bool hash_field_seen(const struct keyspace *ks, const struct hash_field *f)
{
    return f != NULL && !(expiring_has(f) && expiring_hides(ks, f));
}

static inline size_t hash_field_bytes(struct slice name, struct slice value, bool timed)
{
    return (timed ? EXPIRING_HEAD : 1) + entry_counted_size(name.len) + entry_counted_size(value.len);
}

/* When F is to go, or DB_EXPIRY_NONE. */
static inline int64_t hash_field_time(const struct hash_field *f)
{
    return expiring_has(f) ? expiring_time(f) : DB_EXPIRY_NONE;
}

struct hash_table *hash_table_new(struct arena *a);
/* Frees it, which no database has, with all fields. */
void hash_table_free(struct hash_table *t, struct keyspace *ks);
/* A field with no place yet; TIMED: with a node, for hash_table_add to be given a time. NULL: no
 * memory. */
struct hash_field *hash_field_new(struct arena *a, struct slice name, struct slice value, bool timed);
void hash_field_free(struct hash_field *f, struct arena *a);
/* HASH is keyspace_hash(NAME) in all of these. SLOT may be NULL. Finds hidden ones as well. */
struct hash_field *hash_table_find(const struct hash_table *t, const struct keyspace *ks, struct slice name,
                                   uint64_t hash, struct dict_slot *slot);
/* Adds F, which is not there yet, to go at TIME_MS, or DB_EXPIRY_NONE if it has no node. */
void hash_table_add(struct hash_table *t, struct keyspace *ks, struct hash_field *f, uint64_t hash,
                    int64_t time_ms);
/* Puts F in the place of OLD, of the same name, which is freed. Where both have nodes F goes when OLD
 * would have; where F alone has one it is not in the index yet. */
void hash_table_replace(struct hash_table *t, struct keyspace *ks, struct dict_slot slot,
                        struct hash_field *old, struct hash_field *f);
/* Sets NAME: 1 if it was not there, 0 if it was, or MR_E_MEMORY with nothing changed. KEEP: it goes
 * when it would have gone, else it has no expiry then. */
int hash_table_set(struct hash_table *t, struct keyspace *ks, struct slice name, uint64_t hash,
                   struct slice value, bool keep) MR_MUST_CHECK;
/* Whether it was there; a hidden one stays. */
bool hash_table_remove(struct hash_table *t, struct keyspace *ks, struct slice name, uint64_t hash);
/* Deletes F. */
void hash_table_drop(struct hash_table *t, struct keyspace *ks, struct hash_field *f);
/* Room for F with a node (TIMED) or without, where it has not that form already and it may be that
 * there is none: *ROOM, else NULL. MR_E_MEMORY. */
int hash_field_room(const struct hash_field *f, struct arena *a, bool timed,
                    struct hash_field **room) MR_MUST_CHECK;
/* Makes F, at SLOT, go at TIME_MS, or never: DB_EXPIRY_NONE. ROOM is what hash_field_room gave. */
void hash_table_set_time(struct hash_table *t, struct keyspace *ks, struct dict_slot slot,
                         struct hash_field *f, int64_t time_ms, struct hash_field *room);
/* Calls FN for each field, hidden ones too; false from it ends it. */
typedef bool hash_table_each_fn(void *arg, const struct hash_field *f);
void hash_table_each(const struct hash_table *t, const struct arena *a, hash_table_each_fn *fn, void *arg);
/* A table of the pairs of PACKED; NULL: no memory. */
struct hash_table *hash_table_of(struct keyspace *ks, const unsigned char *packed);
struct hash_table *hash_table_copy(struct keyspace *ks, const struct hash_table *t);
/* Moves what is leaving but T itself, as object_type's relocate. */
bool hash_table_relocate(struct hash_table *t, struct keyspace *ks, uint64_t *cursor, uint64_t *budget,
                         size_t *moved);
