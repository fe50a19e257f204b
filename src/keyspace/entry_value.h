/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is to stand behind a key, before it is written there: made by the types, taken by
 * db_put.
 */
#pragma once

#include "base/error.h"
#include "keyspace/entry.h"

/* A long string, or long packed bytes: what an ENTRY_POINTER leads to. SIZE is what was
 * allocated, so that one that grows need not be allocated anew each time. */
struct entry_blob {
    uint64_t size; /* of the allocation, with this head */
    uint64_t len;
    char bytes[];
};

/* --- values of types other than strings, as they stand --- */

/* Whether it is packed bytes; else it is an object. */
static inline bool entry_is_packed(const struct entry *e)
{
    return entry_encoding(e) != ENTRY_OBJECT;
}

/* The packed bytes, in the entry or its blob. */
static inline struct slice entry_packed(const struct arena *a, const struct entry *e)
{
    const unsigned char *value = entry_value(e);
    if (__builtin_expect(entry_encoding(e) != ENTRY_POINTER, 1))
        return entry_counted(value);
    const struct entry_blob *blob = (const struct entry_blob *)arena_expand(a, arena_load_short(value));
    return slice_of(blob->bytes, blob->len);
}

/* The root of the object. */
static inline void *entry_object(const struct arena *a, const struct entry *e)
{
    return arena_expand(a, arena_load_short(entry_value(e)));
}

/* What is to stand behind a key. */
struct entry_value {
    enum entry_encoding encoding;
    size_t size;        /* bytes it takes in the entry */
    struct slice bytes; /* ENTRY_INLINE, ENTRY_EDITED */
    uint64_t number;    /* ENTRY_INT*: the integer; ENTRY_POINTER, ENTRY_OBJECT: the short pointer */
};

void entry_value_integer(struct entry_value *v, int64_t integer);

static inline size_t entry_counted_size(size_t len)
{
    return len + (len < 254 ? 1 : len <= UINT16_MAX ? 3 : 5);
}

/* Writes the varint of LEN, or of S with its bytes, at P; where that ends. */
static inline unsigned char *entry_put_length(unsigned char *p, size_t len)
{
    if (__builtin_expect(len < 254, 1)) {
        *p++ = (unsigned char)len;
    } else if (len <= UINT16_MAX) {
        uint16_t len16 = (uint16_t)len;
        *p++ = 254;
        memcpy(p, &len16, sizeof len16);
        p += sizeof len16;
    } else {
        uint32_t len32 = (uint32_t)len;
        *p++ = 255;
        memcpy(p, &len32, sizeof len32);
        p += sizeof len32;
    }
    return p;
}

static inline unsigned char *entry_put_counted(unsigned char *p, struct slice s)
{
    p = entry_put_length(p, s.len);
    if (s.len != 0)
        memcpy(p, s.ptr, s.len);
    return p + s.len;
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

/* An object of a type's own; SHORTENED is its root. */
static inline void entry_value_object(struct entry_value *v, uint64_t shortened)
{
    v->encoding = ENTRY_OBJECT;
    v->size = ARENA_SHORT;
    v->number = shortened;
}

/* The value that E has, to be written behind another key; refers to E's bytes. */
void entry_value_of(struct entry_value *v, const struct entry *e);

/* Packed bytes: those of BYTES themselves up to ENTRY_INLINE_MAX, else a new blob that holds
 * them. MR_E_MEMORY: it cannot be had. */
int entry_value_packed(struct entry_value *v, struct arena *a, struct slice bytes) MR_MUST_CHECK;

/* A copy of E's value, which is no object: refers to E's bytes or to a new blob. MR_E_MEMORY: it
 * cannot be had. */
int entry_value_copy(struct entry_value *v, struct arena *a, const struct entry *e) MR_MUST_CHECK;

/* Writes V at P. */
void entry_value_write(unsigned char *p, const struct entry_value *v);
