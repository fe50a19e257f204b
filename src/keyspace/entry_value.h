/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is to stand behind a key, before it is written there: made by the types, taken by
 * db_put.
 */
#pragma once

#include "keyspace/entry.h"

/* A long string: what an ENTRY_POINTER of a string leads to. SIZE is what was allocated, so
 * that one that grows need not be allocated anew each time. */
struct entry_blob {
    uint64_t size; /* of the allocation, with this head */
    uint64_t len;
    char bytes[];
};

/* What is to stand behind a key. */
struct entry_value {
    enum entry_encoding encoding;
    size_t size;        /* bytes it takes in the entry */
    struct slice bytes; /* ENTRY_INLINE */
    uint64_t number;    /* ENTRY_INT*: the integer; ENTRY_POINTER: the short pointer */
};

void entry_value_integer(struct entry_value *v, int64_t integer);

static inline size_t entry_counted_size(size_t len)
{
    return len + (len < 254 ? 1 : len <= UINT16_MAX ? 3 : 5);
}

static inline void entry_value_inline(struct entry_value *v, struct slice bytes)
{
    v->encoding = ENTRY_INLINE;
    v->size = entry_counted_size(bytes.len);
    v->bytes = bytes;
}

static inline void entry_value_pointer(struct entry_value *v, uint64_t shortened)
{
    v->encoding = ENTRY_POINTER;
    v->size = ARENA_SHORT;
    v->number = shortened;
}

/* The value that E has, to be written behind another key; refers to E's bytes. */
void entry_value_of(struct entry_value *v, const struct entry *e);

/* Writes V at P. */
void entry_value_write(unsigned char *p, const struct entry_value *v);
