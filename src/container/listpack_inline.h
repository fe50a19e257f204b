/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The steps and the decoding of container/listpack.h for callers that want them compiled into
 * their own loops. For listpacks that are right: nothing is checked here.
 */
#pragma once

#include "base/little.h"
#include "container/listpack.h"

#define LISTPACK_INLINE static inline __attribute__((always_inline))

enum {
    LISTPACK_STRING6 = 0x80,
    LISTPACK_INT13 = 0xc0,
    LISTPACK_STRING12 = 0xe0,
    LISTPACK_STRING32 = 0xf0,
    LISTPACK_INT16 = 0xf1,
    LISTPACK_INT24 = 0xf2,
    LISTPACK_INT32 = 0xf3,
    LISTPACK_INT64 = 0xf4,
    LISTPACK_END = 0xff,
};

/* By its first byte all that an entry takes; 0: that does not tell, or the end. */
extern const uint8_t listpack_sizes[256];

/* Bytes of the backward length of SIZE. */
LISTPACK_INLINE unsigned listpack_inline_back(uint64_t size)
{
    return 1u + (size > 127) + (size >= 16383) + (size >= 2097151) + (size >= 268435455);
}

/* All that the long string at P takes. */
LISTPACK_INLINE size_t listpack_inline_long(const unsigned char *p)
{
    size_t size =
        *p < LISTPACK_STRING32 ? 2 + (((size_t)*p & 15) << 8 | p[1]) : 5 + (size_t)little_load32(p + 1);
    return size + listpack_inline_back(size);
}

/* All that the entry at P takes. */
LISTPACK_INLINE size_t listpack_inline_size(const unsigned char *p)
{
    size_t size = listpack_sizes[*p];
    return __builtin_expect(size != 0, 1) ? size : listpack_inline_long(p);
}

/* The entry that ends where P stands, which is not the first one. */
LISTPACK_INLINE const unsigned char *listpack_inline_prev(const unsigned char *p)
{
    size_t size = *--p;
    if (__builtin_expect(size > 127, 0)) {
        size &= 127;
        for (unsigned shift = 7;; shift += 7) {
            uint64_t byte = *--p;
            size |= (byte & 127) << shift;
            if (byte < 128)
                break;
        }
    }
    return p - size;
}

LISTPACK_INLINE int64_t listpack_inline_int(const unsigned char *p)
{
    switch (*p) {
    case LISTPACK_INT16:
        return (int16_t)little_load16(p + 1);
    case LISTPACK_INT24:
        return (int32_t)((uint32_t)little_load16(p + 1) << 8 | (uint32_t)p[3] << 24) >> 8;
    case LISTPACK_INT32:
        return (int32_t)little_load32(p + 1);
    case LISTPACK_INT64:
        return (int64_t)little_load64(p + 1);
    default:
        return *p < LISTPACK_STRING6 ? *p : (int32_t)((uint32_t)*p << 27 | (uint32_t)p[1] << 19) >> 19;
    }
}

LISTPACK_INLINE struct listpack_value listpack_inline_get(const unsigned char *p)
{
    if (*p >> 6 == LISTPACK_STRING6 >> 6)
        return (struct listpack_value){(const char *)p + 1, *p & 63u, 0};
    if (*p >> 4 == LISTPACK_STRING12 >> 4)
        return (struct listpack_value){(const char *)p + 2, (*p & 15u) << 8 | p[1], 0};
    if (*p == LISTPACK_STRING32)
        return (struct listpack_value){(const char *)p + 5, little_load32(p + 1), 0};
    return (struct listpack_value){NULL, 0, listpack_inline_int(p)};
}
