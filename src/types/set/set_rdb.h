/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sets in RDB.
 */
#pragma once

#include "types/set/set_batch.h"

enum {
    SET_RDB_TABLE = 2,
    SET_RDB_INTSET = 11,
    SET_RDB_LISTPACK = 20,
    SET_RDB_LISTPACK_EX = 34,
    SET_RDB_TABLE_EX = 35
};

/* The hooks of struct object_type. */
int set_rdb_load(struct rdb_reader *in, unsigned rdb_type, struct db *db, const struct object_meta *meta,
                 void **partial);
void set_rdb_load_drop(struct keyspace *ks, void *partial);
unsigned set_rdb_type(const struct keyspace *ks, const struct entry *e);
void set_rdb_save(struct rdb_writer *out, const struct keyspace *ks, const struct entry *e);
/* set_rewrite.c */
void set_rewrite(struct rewrite *out, const struct keyspace *ks, const struct entry *e);
