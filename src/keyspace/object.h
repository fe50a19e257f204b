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

/* What a file says of a key before its value. */
struct object_meta {
    struct slice key;
    int64_t expiry_ms; /* DB_EXPIRY_NONE */
    int64_t idle_s;    /* -1 unknown */
    int freq;          /* -1 unknown */
};

struct object_type {
    unsigned number;  /* OBJECT_STRING .. */
    const char *name; /* as TYPE prints it */
    /* RDB value types that LOAD reads, ended by -1. */
    const int8_t *rdb_types;
    /* Reads one value of RDB_TYPE and adds it to DB. Restartable: on MR_E_AGAIN
     * nothing has changed, and it is called again with a larger window. Other codes:
     * the value is refused. DB NULL: reads past it (an expired key). */
    int (*load)(struct rdb_reader *in, unsigned rdb_type, struct db *db, const struct object_meta *meta);
    /* The name OBJECT ENCODING gives it. */
    const char *(*encoding)(const struct keyspace *ks, const struct entry *e);
    /* The RDB value type that SAVE writes E's value as: the oldest that can hold it. */
    unsigned (*rdb_type)(const struct keyspace *ks, const struct entry *e);
    /* Writes the value, without type and key. */
    void (*save)(struct rdb_writer *out, const struct keyspace *ks, const struct entry *e);
    /* Makes a copy of E's value that shares nothing with it; *RET refers to E or to new memory of
     * the arena, which db_put takes. MR_E_MEMORY, with nothing left behind, if it cannot be had. */
    int (*copy)(struct keyspace *ks, const struct entry *e, struct entry_value *ret) MR_MUST_CHECK;
    /* Bytes that the value takes outside of the entry; looks at SAMPLES elements, 0: at all. */
    size_t (*memory)(const struct keyspace *ks, const struct entry *e, size_t samples);
    /* Elements, 1 for a string: how much work it is to free or to walk it. */
    uint64_t (*length)(const struct keyspace *ks, const struct entry *e);
    /* Frees what E's value points to, about BUDGET elements of it; counts *BUDGET down. True when
     * all is gone. NULL: the type points to nothing but one allocation of the keyspace's. */
    bool (*free_some)(struct keyspace *ks, struct entry *e, uint64_t *budget);
    /* Moves what E's value points to out of spans that are being evacuated (arena_is_leaving), and
     * mends its pointers; returns the objects moved. NULL as for free_some. */
    size_t (*relocate)(struct keyspace *ks, struct entry *e);
    /* Calls FN for each element, in order, as SORT wants them (list, set, zset); NULL: no such
     * thing. False from FN ends it. */
    void (*each)(const struct keyspace *ks, const struct entry *e,
                 bool (*fn)(void *arg, struct slice element), void *arg);
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
/* "string", or "none" if not known. */
const char *object_types_name(const struct object_types *types, unsigned number);
