/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How RDB files hold sorted sets: the hooks of struct object_type.
 */
#pragma once

#include "keyspace/object.h"

extern const int8_t zset_rdb_types[];

int zset_rdb_load(struct rdb_reader *in, unsigned rdb_type, struct db *db, const struct object_meta *meta,
                  void **partial);
void zset_rdb_drop(struct keyspace *ks, void *partial);
unsigned zset_rdb_type(const struct keyspace *ks, const struct entry *e);
void zset_rdb_save(struct rdb_writer *out, const struct keyspace *ks, const struct entry *e);
/* zset_rewrite.c */
void zset_rewrite(struct rewrite *out, const struct keyspace *ks, const struct entry *e);
