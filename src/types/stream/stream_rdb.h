/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Streams as an object: what stream_object.c makes the type of.
 */
#pragma once

#include "keyspace/object.h"
#include "types/stream/stream_private.h"

extern const int8_t stream_rdb_types[];
int stream_rdb_load(struct rdb_reader *in, unsigned rdb_type, struct db *db, const struct object_meta *meta,
                    void **partial);
void stream_rdb_load_drop(struct keyspace *ks, void *partial);
unsigned stream_rdb_type(const struct keyspace *ks, const struct entry *e);
void stream_rdb_save(struct rdb_writer *out, const struct keyspace *ks, const struct entry *e);
/* stream_rewrite.c */
void stream_rewrite(struct rewrite *out, const struct keyspace *ks, const struct entry *e);

/* Frees about *BUDGET of what S has, counting *BUDGET down; true when all is gone, S as well. */
bool stream_free_some(struct stream *s, struct arena *a, uint64_t *budget);
