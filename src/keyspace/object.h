/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What every type of value can do, as one constant table per type, so that nothing
 * outside types/ and keyspace/ has to know which types there are. The tables stand
 * on the ordinary heap's side: the arena holds only the type's number.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/slice.h"
#include "keyspace/entry_value.h"
#include "keyspace/keyspace.h"

struct rdb_reader;
struct rdb_writer;
struct rewrite;

/* What a file says of a key before its value. */
struct object_meta {
    struct slice key;
    int64_t expiry_ms; /* DB_EXPIRY_NONE */
    int64_t idle_s;    /* -1 unknown */
    int freq;          /* -1 unknown */
};

/* Elements that a call of load takes at most, however few bytes they have: each may touch pages that
 * the kernel has to make. */
#define OBJECT_LOAD_ELEMENTS 128

struct object_type {
    unsigned number;  /* OBJECT_STRING .. */
    const char *name; /* as TYPE prints it */
    /* RDB value types that LOAD reads, by the numbers of rdb_type_of, ended by -1. */
    const int8_t *rdb_types;
    /* Reads one value of RDB_TYPE and adds it to DB; DB NULL: reads past it (an expired key). Big
     * values are read in parts: on MR_E_AGAIN, IN stands behind what was taken, and what was made of
     * that is kept at *PARTIAL, which was NULL at first; it is called again, with the same arguments
     * but for the window, once that has IN->want bytes from there on (0: whenever there is time for
     * work that needs no more bytes). A window has some 10,000s of bytes, and a call takes
     * OBJECT_LOAD_ELEMENTS at most, and so well below a millisecond. With *PARTIAL still NULL nothing
     * has been taken, and IN stands where it stood. With any other code *PARTIAL is NULL again.
     * MR_E_NO_KEY: the value is right, and read, but has no elements, which is to be no key. Further
     * codes: it is refused. */
    int (*load)(struct rdb_reader *in, unsigned rdb_type, struct db *db, const struct object_meta *meta,
                void **partial);
    /* Frees a PARTIAL of LOAD that will not go on; NULL for a type that never leaves one. */
    void (*load_drop)(struct keyspace *ks, void *partial);
    /* The name OBJECT ENCODING gives it. */
    const char *(*encoding)(const struct keyspace *ks, const struct entry *e);
    /* The RDB value type that SAVE writes E's value as: the oldest that can hold it. */
    unsigned (*rdb_type)(const struct keyspace *ks, const struct entry *e);
    /* Writes the value, without type and key. */
    void (*save)(struct rdb_writer *out, const struct keyspace *ks, const struct entry *e);
    /* Writes the commands (keyspace/rewrite.h) that would make the key with E's value, where there is no
     * such key: all that belongs to the value, elements that are overdue left out. The key's own
     * expiry, and the database, are the caller's. */
    void (*rewrite)(struct rewrite *out, const struct keyspace *ks, const struct entry *e);
    /* Makes a copy of E's value that shares nothing with it; *RET refers to E or to new memory of
     * the arena, which db_put takes (of packed bytes: entry_value_copy). MR_E_MEMORY, with nothing
     * left behind, if it cannot be had. */
    int (*copy)(struct keyspace *ks, const struct entry *e, struct entry_value *ret) MR_MUST_CHECK;
    /* Elements, 1 for a string: how much work it is to free or to walk it. */
    uint64_t (*length)(const struct keyspace *ks, const struct entry *e);
    /* --- of objects (ENTRY_OBJECT) alone; NULL for a type that has none --- */

    /* Bytes that the object takes; looks at SAMPLES elements, 0: at all. */
    size_t (*memory)(const struct keyspace *ks, const struct entry *e, size_t samples);
    /* Frees about BUDGET elements of the object; counts *BUDGET down. True when all is gone. Looks
     * at nothing of E but its value; E may stand in no database. */
    bool (*free_some)(struct keyspace *ks, struct entry *e, uint64_t *budget);
    /* Has the memory fetched that a look for the element of HASH (keyspace_hash's) takes: its place
     * in the table, or, later, what FOUND there. NULL: no such thing. */
    void (*fetch)(const struct keyspace *ks, const struct entry *e, uint64_t hash, bool found);
    /* Moves what is in spans that are being evacuated (arena_is_leaving), the root as well, and
     * mends what points to it. Looks at about *BUDGET elements from *CURSOR on, which is 0 at first
     * and then what the call before left, though the object may have changed in between, or even be
     * another one: every number is to be a safe one. Counts *BUDGET down, and the allocations moved
     * into *MOVED; true at the end. */
    bool (*relocate)(struct keyspace *ks, struct entry *e, uint64_t *cursor, uint64_t *budget, size_t *moved);
    /* --- of objects whose elements can have an expiry (keyspace/expiring.h); NULL: they cannot --- */

    /* Deletes ELEMENT, which is due, from the object, which may be left empty: out of the index with
     * expiring_remove, and freed. Tells and counts nothing. The root stays where it is. */
    void (*expire)(struct keyspace *ks, struct entry *e, void *element);
    /* The event that tells so. */
    const char *expired_event; /* "hexpired" */
    unsigned expired_class;    /* EVENT_HASH */

    /* --- of all values again --- */

    /* Calls FN for each element, in order, as SORT wants them (list, set, zset); NULL: no such
     * thing. False from FN ends it. */
    void (*each)(const struct keyspace *ks, const struct entry *e,
                 bool (*fn)(void *arg, struct slice element), void *arg);
    /* Whether ELEMENT is one of them (set); NULL: only EACH can tell. */
    bool (*contains)(const struct keyspace *ks, const struct entry *e, struct slice element);
    bool ordered; /* the order of EACH means something (list, zset) */
    /* The value of FIELD, as SORT's patterns "key->field" want it (hash): true and *VALUE, which
     * may stand in SCRATCH (NUMBER_TEXT_MAX bytes); NULL: no such thing. */
    bool (*field)(const struct keyspace *ks, const struct entry *e, struct slice field, char *scratch,
                  struct slice *value);
    /* Stores COUNT elements, at least one, as one value of this type (list) at KEY, whatever was
     * there, without an expiry. MR_E_MEMORY with nothing changed. NULL: no such thing. */
    int (*store_elements)(struct db *db, struct slice key, uint64_t hash, const struct slice *elements,
                          size_t count) MR_MUST_CHECK;
};

struct object_types {
    const struct object_type *by_number[OBJECT_TYPES];
    /* By the same numbers: each type's own options, for its hooks (which encoding LOAD makes); NULL:
     * it has none, or its defaults hold. */
    const void *options[OBJECT_TYPES];
};

/* E's type, or NULL. */
static inline const struct object_type *object_types_of(const struct object_types *types,
                                                        const struct entry *e)
{
    return types->by_number[entry_type(e)];
}

/* NUMBER and rdb types must be free. */
void object_types_add(struct object_types *types, const struct object_type *type);
/* NULL if no type reads it. */
const struct object_type *object_types_by_rdb(const struct object_types *types, unsigned rdb_type);
/* TYPE's load, of a value that IN's window has wholly, to its end. */
int object_load_whole(const struct object_type *type, struct rdb_reader *in, unsigned rdb_type, struct db *db,
                      const struct object_meta *meta) MR_MUST_CHECK;
/* "string", or "none" if not known. */
const char *object_types_name(const struct object_types *types, unsigned number);
