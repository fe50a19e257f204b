/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the files of this folder share: lists behind keys, and with the headers below all else.
 */
#pragma once

#include "types/list/list.h"
#include "types/list/list_big_private.h"
#include "types/list/list_node_private.h"
#include "types/list/list_walk_private.h"

struct list_key {
    struct list l;
    struct db *db;
    struct slice key;
    uint64_t hash;
    struct entry *e; /* NULL: there is no such key, and nothing in L */
};

/* L of the keyspace, without a value, or with E's. */
void list_init(struct list *l, const struct keyspace *ks);
void list_of(struct list *l, const struct keyspace *ks, const struct entry *e);

/* The values below change: E and L are not valid behind these calls but where they say so. None of
 * them tells an event. */

/* Pushes COUNT elements, one after the other, and makes the key if there is none; *LENGTH is the
 * list's then. MR_E_MEMORY, with nothing changed. */
int list_key_push(struct list_key *k, bool front, const struct slice *elements, size_t count,
                  uint64_t *length) MR_MUST_CHECK;
/* Takes COUNT elements from INDEX on out; false: the list has become empty, and the key is deleted. */
bool list_key_remove(struct list_key *k, uint64_t index, uint64_t count);
/* The same for all but those; COUNT may be 0. */
bool list_key_keep(struct list_key *k, uint64_t index, uint64_t count);
/* As list_insert and list_replace. */
int list_key_insert(struct list_key *k, uint64_t index, struct slice element) MR_MUST_CHECK;
int list_key_replace(struct list_key *k, uint64_t index, struct slice element) MR_MUST_CHECK;
/* As list_remove_equal; *LEFT false: the list has become empty, and the key is deleted. */
uint64_t list_key_remove_equal(struct list_key *k, struct slice element, uint64_t max, bool back, bool *left);

/* Makes *V of the object in L, which must not be used then: packed bytes where it is small, which are
 * in SCRATCH (LIST_PACKED_MAX bytes). */
void list_to_value(struct list *l, struct entry_value *v, unsigned char *scratch);
/* The list of COUNT elements at KEY, whatever was there. */
int list_store_elements(struct db *db, struct slice key, uint64_t hash, const struct slice *elements,
                        size_t count) MR_MUST_CHECK;

/* --- list_rdb.c --- */

struct rdb_reader;
struct rdb_writer;
struct object_meta;
extern const int8_t list_rdb_types[];
int list_rdb_load(struct rdb_reader *in, unsigned rdb_type, struct db *db, const struct object_meta *meta,
                  void **partial);
void list_rdb_load_drop(struct keyspace *ks, void *partial);
unsigned list_rdb_type(const struct keyspace *ks, const struct entry *e);
void list_rdb_save(struct rdb_writer *out, const struct keyspace *ks, const struct entry *e);

/* --- list_rewrite.c --- */

void list_rewrite(struct rewrite *out, const struct keyspace *ks, const struct entry *e);
