/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How entries are written: sizes, heads, values, blobs. The layout is drawn in
 * keyspace/entry.h; only this folder makes entries.
 */
#pragma once

#include "keyspace/entry.h"
#include "keyspace/entry_value.h"

/* From this length of key on, the node's room is there with or without an expiry. */
#define ENTRY_KEY_LONG 4096
/* What a key's length can be at most. */
#define ENTRY_KEY_MAX  UINT32_MAX
/* Larger entries are asked for with arena_try_alloc. */
#define ENTRY_SURE_MAX 8192

/* Longer texts are no integer of 64 bits. */
#define ENTRY_INTEGER_TEXT 20

/* A quick look that spares most texts the parse. */
static inline bool entry_may_be_integer(struct slice s)
{
    return s.len - 1 < ENTRY_INTEGER_TEXT && (s.ptr[0] == '-' || (s.ptr[0] >= '0' && s.ptr[0] <= '9')) &&
           s.ptr[s.len - 1] >= '0' && s.ptr[s.len - 1] <= '9';
}

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
void entry_write(struct entry *e, unsigned type, uint32_t stamp, bool node, struct slice key,
                 const struct entry_value *v);

/* The same without the value; where that is to be written. */
unsigned char *entry_write_head(struct entry *e, unsigned type, enum entry_encoding encoding, uint32_t stamp,
                                bool node, struct slice key);

static inline uint32_t entry_stamp(const struct entry *e)
{
    return e->head >> ENTRY_STAMP_SHIFT;
}

static inline void entry_set_stamp(struct entry *e, uint32_t stamp)
{
    e->head = (e->head & ((1u << ENTRY_STAMP_SHIFT) - 1)) | stamp << ENTRY_STAMP_SHIFT;
}

static inline bool entry_has_node(const struct entry *e)
{
    return (e->head & ENTRY_NODE) != 0;
}

/* Whether E is an inline string without expiry. */
static inline bool entry_is_plain(const struct entry *e)
{
    _Static_assert(OBJECT_STRING == 0 && ENTRY_INLINE == 0, "one look is enough");
    return (e->head & (ENTRY_TYPE_MASK | ENTRY_ENCODING_MASK | ENTRY_EXPIRY | ENTRY_NODE)) == 0;
}

/* Whether E is a string that is stored as an integer, without expiry. */
static inline bool entry_is_plain_integer(const struct entry *e)
{
    return (e->head & (ENTRY_TYPE_MASK | ENTRY_EXPIRY | ENTRY_NODE)) == 0 &&
           entry_encoding(e) >= ENTRY_INT8 && entry_encoding(e) <= ENTRY_INT64;
}

/* Whether the value is, or may be, more than the entry. */
static inline bool entry_points(const struct entry *e)
{
    return __builtin_expect(entry_encoding(e) == ENTRY_POINTER || entry_encoding(e) == ENTRY_OBJECT, 0);
}

/* What an ENTRY_POINTER or ENTRY_OBJECT holds. */
static inline uint64_t entry_pointer(const struct entry *e)
{
    return arena_load_short(entry_value(e));
}
