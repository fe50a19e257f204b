/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The entry: a key, its expiry, its value, one allocation in the arena.
 *
 *   u32 head  | type 3 | encoding 3 | colour 1 | expiry 1 | node 1 | access stamp 23 |
 *   [18]      wheel node (time, previous, next), if the node bit is set
 *   varint    length of the key (1, 3 or 5 bytes: < 254, 254 + u16, 255 + u32), then the key
 *   value     by encoding:
 *     ENTRY_INLINE  varint length, bytes
 *     ENTRY_EDITED  the same, of a string that was changed in place (OBJECT ENCODING: raw)
 *     ENTRY_INT8/16/32/64  1, 2, 4 or 8 bytes
 *     ENTRY_POINTER  5-byte short pointer to a struct entry_blob: a long string, or long
 *                    packed bytes of another type
 *     ENTRY_OBJECT  5-byte short pointer to the type's own root object; never of a string
 *   Types other than strings keep packed bytes (a listpack, an intset) as ENTRY_INLINE or
 *   ENTRY_POINTER (keyspace/entry_value.h reads them). What an ENTRY_POINTER leads to is the
 *   keyspace's to free and to move, what an ENTRY_OBJECT leads to its type's.
 *
 * The expiry bit says that the entry is in its database's wheel; the node is there then,
 * and always where the key is long, so that an expiry never has to copy a long key.
 * Numbers are in the machine's byte order. What the access stamp means is in
 * keyspace/evict.h.
 *
 * Entries move when their size changes: every call that may move one returns the new
 * address. Nothing here knows the table or the clock.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/number.h"
#include "base/slice.h"
#include "container/wheel.h"

enum entry_encoding {
    ENTRY_INLINE,
    ENTRY_INT8,
    ENTRY_INT16,
    ENTRY_INT32,
    ENTRY_INT64,
    ENTRY_POINTER,
    ENTRY_EDITED,
    ENTRY_OBJECT
};

/* Numbers of the object types; see keyspace/object.h for their tables. */
enum {
    OBJECT_STRING = 0,
    OBJECT_LIST = 1,
    OBJECT_SET = 2,
    OBJECT_ZSET = 3,
    OBJECT_HASH = 4,
    OBJECT_STREAM = 6,
    OBJECT_TYPES = 8
};

/* Strings up to this many bytes stand in the entry. */
#define ENTRY_INLINE_MAX 1024

/* Opaque: read it through the functions below. */
struct entry {
    uint32_t head;
    unsigned char body[];
};

#define ENTRY_TYPE_MASK      7u
#define ENTRY_ENCODING_SHIFT 3
#define ENTRY_ENCODING_MASK  (7u << ENTRY_ENCODING_SHIFT)
#define ENTRY_COLOUR         (1u << 6)
#define ENTRY_EXPIRY         (1u << 7)
#define ENTRY_NODE           (1u << 8)
#define ENTRY_STAMP_SHIFT    9
#define ENTRY_STAMP_MAX      ((1u << (32 - ENTRY_STAMP_SHIFT)) - 1)

static inline unsigned entry_type(const struct entry *e)
{
    return e->head & ENTRY_TYPE_MASK;
}

static inline bool entry_is_string(const struct entry *e)
{
    return entry_type(e) == OBJECT_STRING;
}

static inline enum entry_encoding entry_encoding(const struct entry *e)
{
    return (enum entry_encoding)(e->head >> ENTRY_ENCODING_SHIFT & 7);
}

static inline bool entry_has_expiry(const struct entry *e)
{
    return (e->head & ENTRY_EXPIRY) != 0;
}

/* Milliseconds since 1970, or -1. */
static inline int64_t entry_expiry(const struct entry *e)
{
    return entry_has_expiry(e) ? wheel_time(e) : -1;
}

/* A varint with the bytes it counts. */
static inline struct slice entry_counted(const unsigned char *p)
{
    if (__builtin_expect(*p < 254, 1))
        return slice_of(p + 1, *p);
    uint32_t len = 0;
    memcpy(&len, p + 1, *p == 254 ? 2 : 4);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    len >>= *p == 254 ? 16 : 0;
#endif
    return slice_of(p + (*p == 254 ? 3 : 5), len);
}

static inline struct slice entry_key(const struct entry *e)
{
    return entry_counted(e->body + (e->head & ENTRY_NODE ? WHEEL_NODE_SIZE : 0));
}

/* Where the value begins. */
static inline const unsigned char *entry_value(const struct entry *e)
{
    struct slice key = entry_key(e);
    return (const unsigned char *)key.ptr + key.len;
}

/* Bytes it takes itself, without what it points to. */
size_t entry_size(const struct entry *e);

/* The rest of entry_string: integers and blobs. */
struct slice entry_string_rest(const struct arena *a, const struct entry *e, char *scratch);

/* The value of a string: a slice of the entry or its blob, or of SCRATCH
 * (NUMBER_TEXT_MAX bytes) for an integer. */
static inline struct slice entry_string(const struct arena *a, const struct entry *e, char *scratch)
{
    if (__builtin_expect(entry_encoding(e) == ENTRY_INLINE, 1))
        return entry_counted(entry_value(e));
    return entry_string_rest(a, e, scratch);
}

/* True and *VALUE set if it is stored as an integer. */
bool entry_integer(const struct entry *e, int64_t *value);
/* "int", "embstr" or "raw" as redis-server would name it. */
const char *entry_string_encoding(const struct entry *e);
