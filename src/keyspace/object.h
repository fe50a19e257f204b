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
#include "keyspace/keyspace.h"

struct rdb_reader;

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
};

struct object_types {
    const struct object_type *by_number[OBJECT_TYPES];
};

/* NUMBER and rdb types must be free. */
void object_types_add(struct object_types *types, const struct object_type *type);
/* NULL if no type reads it. */
const struct object_type *object_types_by_rdb(const struct object_types *types, unsigned rdb_type);
/* "string", or "none" if not known. */
const char *object_types_name(const struct object_types *types, unsigned number);
