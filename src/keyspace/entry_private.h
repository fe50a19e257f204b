/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How entries are written: sizes, heads, values, blobs. The layout is drawn in
 * keyspace/entry.h; only this folder makes entries.
 */
#pragma once

#include "keyspace/entry.h"

/* From this length of key on, the node's room is there with or without an expiry. */
#define ENTRY_KEY_LONG 4096
/* What a key's length can be at most. */
#define ENTRY_KEY_MAX  UINT32_MAX
/* Larger entries are asked for with arena_try_alloc. */
#define ENTRY_SURE_MAX 8192

/* Longer texts are no integer of 64 bits. */
#define ENTRY_INTEGER_TEXT 20

#define ENTRY_CLOCK_MAX ((1u << 22) - 1)

/* A long string: what an ENTRY_POINTER of a string leads to. */
struct entry_blob {
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

/* A quick look that spares most texts the parse. */
static inline bool entry_may_be_integer(struct slice s)
{
    return s.len - 1 < ENTRY_INTEGER_TEXT && (s.ptr[0] == '-' || (s.ptr[0] >= '0' && s.ptr[0] <= '9')) &&
           s.ptr[s.len - 1] >= '0' && s.ptr[s.len - 1] <= '9';
}

/* The value that E has, to be written behind another key; refers to E's bytes. */
void entry_value_of(struct entry_value *v, const struct entry *e);

/* Writes V at P. */
void entry_value_write(unsigned char *p, const struct entry_value *v);

/* Bytes that an entry needs. */
static inline size_t entry_layout(bool node, size_t key_len, size_t value_size)
{
    return sizeof(uint32_t) + (node ? WHEEL_NODE_SIZE : 0) + entry_counted_size(key_len) + value_size;
}

static inline bool entry_wants_node(bool expiry, size_t key_len)
{
    return expiry || __builtin_expect(key_len >= ENTRY_KEY_LONG, 0);
}

/* Writes a whole entry of TYPE at E, its node untouched and out of the wheel. */
void entry_write(struct entry *e, unsigned type, uint32_t clock, bool node, struct slice key,
                 const struct entry_value *v);

static inline uint32_t entry_clock(const struct entry *e)
{
    return e->head >> ENTRY_CLOCK_SHIFT;
}

static inline void entry_set_clock(struct entry *e, uint32_t clock)
{
    e->head = (e->head & ((1u << ENTRY_CLOCK_SHIFT) - 1)) | clock << ENTRY_CLOCK_SHIFT;
}

static inline bool entry_has_node(const struct entry *e)
{
    return (e->head & ENTRY_NODE) != 0;
}

static inline uint64_t entry_pointer(const struct entry *e)
{
    return arena_load_short(entry_value(e));
}
